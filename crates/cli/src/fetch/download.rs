//! One file from a server, resumed where it broke off.

mod part;
mod redirect;

use std::io::{Cursor, Read};
use std::path::Path;
use std::thread;

use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

pub(super) use self::part::Downloaded;
use self::part::Part;
use super::error::FetchError;
use super::pour::{Fault, pour};
use super::{Progress, Settings, Stage};
use crate::files;

/// A failed try that brought at least this many bytes starts the count of tries anew.
const ADVANCE: u64 = 1 << 20;
/// Bytes looked at to tell a web page from a file.
const SNIFFED: u64 = 512;

/// Times that a server may send on in a row.
const MOST_REDIRECTS: usize = 5;

/// Where a file is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'a> {
    pub(super) url: &'a str,
    /// Servers that its own may send on to.
    pub(super) trusted: &'a [String],
}

/// Downloads into the target's `.part` file, which is told of once all bytes are there.
pub(super) fn download(
    address: Address<'_>,
    target: &Path,
    settings: &Settings,
    watch: &mut dyn FnMut(Progress),
) -> Result<Downloaded, FetchError> {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(settings.silence))
        .timeout_recv_response(Some(settings.silence))
        .timeout_per_read(Some(settings.silence))
        .accept_encoding("identity")
        .build()
        .into();
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut watch =
        |done, total| watch(Progress { stage: Stage::Download, file: &name, done, total });
    let mut part = Part::open(target)?;
    let mut furthest = part.length()?;
    let mut failures = 0;
    loop {
        let error = match attempt(&agent, address, &mut part, &mut watch) {
            Ok(()) => return part.finish(),
            Err(error) if error.may_pass() => error,
            Err(error) => {
                part.discard_if_empty();
                return Err(error);
            }
        };
        let reached = part.length()?;
        if reached >= furthest + ADVANCE {
            furthest = reached;
            failures = 0;
        }
        failures += 1;
        if failures >= settings.attempts {
            part.discard_if_empty();
            return Err(error);
        }
        thread::sleep(settings.backoff * (1 << (failures - 1).min(u32::BITS / 2)));
    }
}

/// One request for what is still missing.
fn attempt(
    agent: &Agent,
    address: Address<'_>,
    part: &mut Part,
    watch: &mut impl FnMut(u64, Option<u64>),
) -> Result<(), FetchError> {
    let (held, url) = (part.length()?, address.url);
    let response = ask(agent, address, held, part.validator().as_deref())?;
    let range = ContentRange::of(response.headers());
    let status = response.status().as_u16();
    match status {
        200 => begin(url, part, response, watch),
        206 if range.is_some_and(|range| range.start == Some(held))
            && !has_changed(part.validator().as_deref(), response.headers()) =>
        {
            let total = range.and_then(|range| range.total);
            receive(url, part, response, total, watch)
        }
        416 if range.is_some_and(|range| range.total == Some(held)) => Ok(()),
        // An answer to another question than ours, or the rest of another file: start over.
        206 | 416 => {
            part.restart(None)?;
            Err(FetchError::Incomplete { url: url.into(), done: 0, total: None })
        }
        _ => Err(FetchError::Status { url: url.into(), status }),
    }
}

/// The answer to a request, followed to where the server sends it on to.
fn ask(
    agent: &Agent,
    address: Address<'_>,
    held: u64,
    validator: Option<&str>,
) -> Result<Response<Body>, FetchError> {
    let mut url = address.url.to_owned();
    for _ in 0..=MOST_REDIRECTS {
        let mut request = agent.get(&url);
        if held > 0 {
            request = request.header(header::RANGE, format!("bytes={held}-"));
            if let Some(validator) = validator {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| FetchError::from_client(&url, &error))?;
        let location = text(response.headers(), header::LOCATION);
        match location.filter(|_| response.status().is_redirection()) {
            None => return Ok(response),
            Some(location) => url = redirect::follow(&url, location, address.trusted)?,
        }
    }
    Err(FetchError::Elsewhere { url: address.url.into(), to: url })
}

/// Whether a part of a file comes with another mark than the parts before it.
fn has_changed(before: Option<&str>, headers: &HeaderMap) -> bool {
    before.zip(validator(headers)).is_some_and(|(before, now)| {
        // A mark and a date say nothing of each other.
        before != now && before.starts_with('"') == now.starts_with('"')
    })
}

/// Takes a whole body, dropping what came before.
fn begin(
    url: &str,
    part: &mut Part,
    response: Response<Body>,
    watch: &mut impl FnMut(u64, Option<u64>),
) -> Result<(), FetchError> {
    refuse_web_page(url, response.headers(), &[])?;
    part.restart(validator(response.headers()))?;
    let total = response.body().content_length();
    receive(url, part, response, total, watch)
}

/// Appends the body to what is there and checks its length.
fn receive(
    url: &str,
    part: &mut Part,
    mut response: Response<Body>,
    total: Option<u64>,
    watch: &mut impl FnMut(u64, Option<u64>),
) -> Result<(), FetchError> {
    let held = part.length()?;
    files::make_sure_of_room(part.folder(), total.unwrap_or(held).saturating_sub(held))?;
    let headers = response.headers().clone();
    let mut body = response.body_mut().as_reader();
    let mut start = Vec::new();
    let opened = body.by_ref().take(SNIFFED).read_to_end(&mut start);
    refuse_web_page(url, &headers, if held == 0 { &start } else { &[] })?;
    // A connection that broke this early breaks again, as the same fault, at the next read.
    let mut body = Cursor::new(start).chain(body);
    let poured = pour(&mut body, part.file(), |done| watch(held + done, total));
    if let Err(Fault::Write(source)) = poured {
        return Err(part.fault(source));
    }
    let done = part.length()?;
    let broken = opened.is_err() || poured.is_err();
    match total {
        Some(total) if done == total => Ok(()),
        None if !broken => Ok(()),
        Some(total) if done > total => {
            part.restart(None)?;
            Err(FetchError::Incomplete { url: url.into(), done, total: Some(total) })
        }
        _ => Err(FetchError::Incomplete { url: url.into(), done, total }),
    }
}

/// Captive portals and mirrors gone astray answer anything with a page and status 200.
fn refuse_web_page(url: &str, headers: &HeaderMap, start: &[u8]) -> Result<(), FetchError> {
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let start = start.trim_ascii_start().to_ascii_lowercase();
    if kind.starts_with("text/html")
        || ["<!doctype", "<html"].iter().any(|s| start.starts_with(s.as_bytes()))
    {
        return Err(FetchError::WebPage { url: url.into() });
    }
    Ok(())
}

/// What proves on resuming that the file is still the same: a strong `ETag`, else the date.
fn validator(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::ETAG)
        .filter(|tag| tag.starts_with('"'))
        .or_else(|| text(headers, header::LAST_MODIFIED))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The numbers of `Content-Range: bytes START-END/TOTAL`, or `bytes */TOTAL`.
#[derive(Clone, Copy)]
struct ContentRange {
    start: Option<u64>,
    total: Option<u64>,
}

impl ContentRange {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = text(headers, header::CONTENT_RANGE)?;
        let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let start = range.split_once('-').and_then(|(start, _)| start.parse().ok());
        Some(Self { start, total: total.parse().ok() })
    }
}
