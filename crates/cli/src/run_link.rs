//! Records of runs in addresses: JSON, deflated, in base64 for addresses, behind `#learn?run=`.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use kith_core::replay::RunRecord;

use crate::failure::Failure;

/// The page's panel that runs it, and the setting that it finds the record in.
const FRAGMENT: &str = "#learn?run=";
/// The longest record and the longest link that are read, in bytes.
const LONGEST: usize = 64 * 1024;

/// The part of an address that says a run.
pub fn encode(record: &RunRecord) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(record.to_json().as_bytes()).expect("memory takes bytes");
    let bytes = encoder.finish().expect("memory takes bytes");
    format!("{FRAGMENT}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a text looks like an address of a run.
pub fn is_link(text: &str) -> bool {
    code(text).is_some()
}

/// What stands behind `run=` in an address.
fn code(text: &str) -> Option<&str> {
    let (_, fragment) = text.trim().split_once('#')?;
    let settings = fragment.split_once('?').map_or(fragment, |(_, settings)| settings);
    settings.split('&').find_map(|setting| setting.strip_prefix("run="))
}

/// The run that an address says.
///
/// # Errors
/// [`kith_core::Error::Record`] for what is none.
pub fn decode(link: &str) -> Result<RunRecord, Failure> {
    let wrong = |reason: String| kith_core::Error::Record { reason };
    let code =
        code(link).ok_or_else(|| wrong(format!("expected an address with {FRAGMENT} in it")))?;
    if code.len() > LONGEST {
        return Err(wrong(format!("expected a link of at most {LONGEST} bytes")).into());
    }
    let cut = |e: &dyn std::fmt::Display| wrong(format!("the link is cut off or changed ({e})"));
    let bytes = URL_SAFE_NO_PAD.decode(code).map_err(|e| cut(&e))?;
    let mut text = String::new();
    let mut limited = DeflateDecoder::new(bytes.as_slice()).take(LONGEST as u64 + 1);
    limited.read_to_string(&mut text).map_err(|e| cut(&e))?;
    if text.len() > LONGEST {
        return Err(wrong(format!("expected a record of at most {LONGEST} bytes")).into());
    }
    Ok(RunRecord::parse(&text)?)
}
