//! Who is answered: pages of this very server, which read, and write where a verb lets them.
//!
//! A page of another site can have its name lead to this machine (DNS rebinding) and then read what is
//! served as if it were its own; the name stands in `Host`. It can also ask for files by this server's own
//! name; the browser then says in `Origin` or `Sec-Fetch-Site` who asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use percent_encoding::percent_decode_str;

/// What every answer says to browsers.
const SAID: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    // The page has a policy of its own, in which this one cannot stand.
    (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Who asks, as browsers say it.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::verbs) enum Access {
    /// Files are read.
    Reads,
    /// And written below a path, by PUT.
    Writes(&'static str),
}

/// The names by which this server is asked, the folder that it serves, and what may be done.
#[derive(Clone, Debug)]
pub(super) struct Own {
    names: Arc<[String; 3]>,
    page: Arc<PathBuf>,
    access: Access,
}

impl Own {
    /// Of a port, and of the page's folder, all links followed.
    pub(super) fn at(port: u16, page: PathBuf, access: Access) -> Self {
        let names = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
        Self { names: names.into(), page: page.into(), access }
    }

    /// Whether what is asked for may be done at all.
    fn allows(&self, request: &Request) -> bool {
        match (request.method(), self.access) {
            (&Method::GET | &Method::HEAD, _) => true,
            (&Method::PUT, Access::Writes(below)) => request.uri().path().starts_with(below),
            _ => false,
        }
    }

    /// Why a request is refused; none for one that is answered.
    fn refusal(&self, request: &Request) -> Option<(StatusCode, String)> {
        let header = |name: HeaderName| {
            let value = request.headers().get(name)?;
            Some(value.to_str().unwrap_or_default())
        };
        let of_this_server =
            |name: &str| self.names.iter().any(|own| own.eq_ignore_ascii_case(name));
        let host = header(HOST).unwrap_or_default();
        if !of_this_server(host) {
            let words = format!("Host is {host:?}, expected {}\n", self.names[0]);
            return Some((StatusCode::MISDIRECTED_REQUEST, words));
        }
        if !self.allows(request) {
            let words = format!("{}: this server only reads\n", request.method());
            return Some((StatusCode::METHOD_NOT_ALLOWED, words));
        }
        let origin = header(ORIGIN);
        let is_elsewhere =
            |origin: &str| !origin.strip_prefix("http://").is_some_and(of_this_server);
        let from_elsewhere = origin.is_some_and(is_elsewhere);
        // A link that is followed is a visit, not a page that reads.
        let is_visit = header(HeaderName::from_static("sec-fetch-mode")) == Some("navigate");
        let is_foreign = header(SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"));
        if from_elsewhere || is_foreign && !is_visit {
            let words = "asked by a page of another site: only pages of this server are answered\n";
            return Some((StatusCode::FORBIDDEN, words.to_owned()));
        }
        leads_out(&self.page, request.uri().path())
            .then(|| (StatusCode::NOT_FOUND, "not a file of the page\n".to_owned()))
    }
}

/// Whether a path leads out of the folder, by a link in it or by its parts.
fn leads_out(folder: &Path, path: &str) -> bool {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let place = folder.join(path.trim_start_matches('/')).canonicalize();
    place.is_ok_and(|place| !place.starts_with(folder))
}

/// Answers, or refuses to.
pub(super) async fn guard(State(own): State<Own>, request: Request, next: Next) -> Response {
    let mut response = match own.refusal(&request) {
        None => next.run(request).await,
        Some((status, words)) => {
            let mut response = Response::new(Body::from(words));
            *response.status_mut() = status;
            response
        }
    };
    for (name, value) in SAID {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
