//! Where a server may send a download on to: to itself, or to a server that the data set's authors name.

use ureq::http::Uri;

use super::super::error::FetchError;

/// The address that `location` means on the way from `url`.
///
/// # Errors
/// [`FetchError::Elsewhere`] for another server, and for one that would be asked without encryption where
/// this one was asked with it.
pub(super) fn follow(url: &str, location: &str, trusted: &[String]) -> Result<String, FetchError> {
    let refused = || FetchError::Elsewhere { url: url.to_owned(), to: location.to_owned() };
    let from: Uri = url.parse().map_err(|_no_address| refused())?;
    let to: Uri = absolute(&from, location).parse().map_err(|_no_address| refused())?;
    let stays = to.host().is_some() && to.host() == from.host();
    let is_same = stays && to.scheme() == from.scheme() && to.port_u16() == from.port_u16();
    // From http to https on the ports that belong to them.
    let plain = |uri: &Uri| uri.port_u16().is_none_or(|port| port == 80 || port == 443);
    let is_https = to.scheme_str() == Some("https") && plain(&to);
    let is_safer = stays && is_https && plain(&from);
    let is_trusted =
        is_https && to.host().is_some_and(|host| trusted.iter().any(|own| own == host));
    if is_same || is_safer || is_trusted { Ok(to.to_string()) } else { Err(refused()) }
}

/// An address that may leave out what it shares with the one before.
fn absolute(from: &Uri, location: &str) -> String {
    let scheme = from.scheme_str().unwrap_or_default();
    let authority = from.authority().map(ToString::to_string).unwrap_or_default();
    if location.contains("://") {
        return location.to_owned();
    }
    if location.starts_with("//") {
        return format!("{scheme}:{location}");
    }
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{scheme}://{authority}{folder}/{location}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_send_on_to_itself_and_to_nobody_else() {
        let trusted = ["b.org".to_owned()];
        let follow = |url: &str, to: &str| follow(url, to, &trusted).ok();
        let some = |to: &str| Some(to.to_owned());
        let from = "http://a.org/x/y.gz";
        assert_eq!(follow(from, "z.gz"), some("http://a.org/x/z.gz"));
        assert_eq!(follow(from, "/z.gz"), some("http://a.org/z.gz"));
        assert_eq!(follow(from, "http://a.org/z"), some("http://a.org/z"));
        assert_eq!(follow(from, "https://a.org/z"), some("https://a.org/z"));
        assert_eq!(follow(from, "https://b.org/z"), some("https://b.org/z"));
        let deep = "http://127.0.0.1:81/x";
        assert_eq!(follow(deep, "/z"), some("http://127.0.0.1:81/z"));
        for (from, to) in [
            (from, "http://b.org/z"),
            (from, "https://c.org/z"),
            (from, "//c.org/z"),
            (from, "http://a.org.c.org/z"),
            (from, "http://a.org@c.org/z"),
            (from, "http://a.org:8080/z"),
            (from, "https://a.org:8080/z"),
            (from, "file:///etc/passwd"),
            (from, "http://169.254.169.254/latest"),
            ("https://a.org/x", "http://a.org/x"),
            (deep, "http://127.0.0.1:82/z"),
            (from, "http://[bad"),
        ] {
            assert_eq!(follow(from, to), None, "{from} to {to}");
        }
    }
}
