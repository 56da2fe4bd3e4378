//! The host an HTTP/1 request is for (RFC 9112 sections 3 and 3.2), out of the first octets of a connection.
//!
//! The target wins over the Host field (section 3.2.2); a tunnel's target is its host (section 3.2.3).

use varde_common::observation::ServerName;

use super::{BadHello, Opening, server_name};
use crate::limits::{HTTP_HEAD_MAX_OCTETS, HTTP_METHOD_MAX_OCTETS};

/// Empty lines in front of a request that a server passes over (RFC 9112 section 2.2).
const EMPTY_LINES_MAX: usize = 2;

/// What a request head said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The host it names.
    pub host: Option<ServerName>,
    /// Whether it asks for a tunnel (CONNECT): what follows is another greeting.
    pub is_tunnel: bool,
}

/// How far a request head was read: every line is looked at once, however it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Where the line begins that is not whole yet.
    line: usize,
    /// No end of that line was found before here.
    searched: usize,
    /// The request line was read: header fields follow.
    in_fields: bool,
}

/// Reads on in a request head: `stream` begins as it did before and may have grown.
///
/// # Errors
/// [`BadHello::HeadTooLong`].
pub fn read_on(stream: &[u8], progress: &mut Progress) -> Result<Opening<Head>, BadHello> {
    if !progress.in_fields && !may_begin(stream) {
        return Ok(Opening::Other);
    }
    let mut empty_lines = 0;
    while let Some(line) = next_line(stream, progress) {
        if progress.in_fields {
            if line.is_empty() {
                return Ok(Opening::Whole(Head { host: None, is_tunnel: false }));
            }
            if let Some(value) = host_field(line) {
                return Ok(Opening::Whole(Head { host: authority_host(value), is_tunnel: false }));
            }
        } else if line.is_empty() && empty_lines < EMPTY_LINES_MAX {
            empty_lines += 1;
        } else {
            let Some((method, target)) = request_line(line) else { return Ok(Opening::Other) };
            if method == b"CONNECT" {
                return Ok(Opening::Whole(Head { host: authority_host(target), is_tunnel: true }));
            }
            if let Some(authority) = absolute_authority(target) {
                return Ok(Opening::Whole(Head { host: authority_host(authority), is_tunnel: false }));
            }
            progress.in_fields = true;
        }
    }
    if stream.len() >= HTTP_HEAD_MAX_OCTETS {
        return if progress.in_fields { Err(BadHello::HeadTooLong) } else { Ok(Opening::Other) };
    }
    Ok(Opening::Until(stream.len() + 1))
}

/// Whether octets can be the first of a request: a method (RFC 9110 section 9.1, known or not), a space, a target.
pub(crate) fn may_begin(stream: &[u8]) -> bool {
    let mut stream = stream;
    for _ in 0..EMPTY_LINES_MAX {
        stream = stream.strip_prefix(b"\r\n").unwrap_or(stream);
    }
    if stream == b"\r" {
        return true;
    }
    let method = stream.iter().take_while(|&&octet| is_token(octet)).count();
    match stream.get(method..) {
        _ if method > HTTP_METHOD_MAX_OCTETS => false,
        None | Some([]) => true,
        Some([b' ']) => method > 0,
        Some([b' ', target, ..]) => method > 0 && target.is_ascii_graphic(),
        Some(_) => false,
    }
}

/// tchar of RFC 9110 section 5.6.2.
fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// The next whole line, without its end (a bare LF ends one too: RFC 9112 section 2.2).
fn next_line<'a>(stream: &'a [u8], progress: &mut Progress) -> Option<&'a [u8]> {
    let unsearched = stream.get(progress.searched..)?;
    let Some(found) = unsearched.iter().position(|&octet| octet == b'\n') else {
        progress.searched = stream.len();
        return None;
    };
    let end = progress.searched + found;
    let line = stream.get(progress.line..end)?;
    progress.line = end + 1;
    progress.searched = end + 1;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Method and target of an HTTP/1 request line.
fn request_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii_end();
    let method_end = line.iter().position(|&octet| octet == b' ')?;
    let version_start = line.iter().rposition(|&octet| octet == b' ')? + 1;
    let (method, version) = (line.get(..method_end)?, line.get(version_start..)?);
    let is_http = matches!(version, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor] if minor.is_ascii_digit());
    let is_method = !method.is_empty() && method.iter().all(|&octet| is_token(octet));
    let target = line.get(method_end + 1..version_start.saturating_sub(1))?.trim_ascii();
    (is_http && is_method && !target.is_empty()).then_some((method, target))
}

/// The authority of a target in absolute form (RFC 9112 section 3.2.2), whatever its scheme.
fn absolute_authority(target: &[u8]) -> Option<&[u8]> {
    let at = target.windows(3).position(|three| three == b"://")?;
    let is_scheme = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.');
    let scheme = target.get(..at).filter(|scheme| !scheme.is_empty() && scheme.iter().all(is_scheme))?;
    let rest = target.get(scheme.len() + 3..)?;
    let end = rest.iter().position(|octet| matches!(octet, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    rest.get(..end)
}

/// The value of a Host field. A folded line (RFC 9112 section 5.2) begins with a space and is none.
fn host_field(line: &[u8]) -> Option<&[u8]> {
    let (name, value) = line.split_at_checked(b"host:".len())?;
    name.eq_ignore_ascii_case(b"host:").then(|| value.trim_ascii())
}

/// The host of an authority (RFC 3986 section 3.2): without user and port.
fn authority_host(authority: &[u8]) -> Option<ServerName> {
    let host = authority.rsplit(|&octet| octet == b'@').next().unwrap_or(authority);
    let port = host.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
    let host = match host.split_at_checked(host.len() - port) {
        // An IPv6 address without its brackets has more than one colon, and no port.
        Some(([front @ .., b':'], _)) if front.starts_with(b"[") || !front.contains(&b':') => front,
        Some(_) | None => host,
    };
    server_name(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(stream: &[u8]) -> Result<Opening<Head>, BadHello> {
        read_on(stream, &mut Progress::default())
    }

    fn host(stream: &str) -> Option<String> {
        match read(stream.as_bytes()) {
            Ok(Opening::Whole(head)) => Some(head.host.map_or_else(|| "-".to_owned(), |host| host.to_string())),
            _ => None,
        }
    }

    #[test]
    fn the_host_is_where_the_standard_says() {
        for (request, named) in [
            ("GET / HTTP/1.1\r\nHost: Evil.Example\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nUser-Agent: x\r\nhOsT:evil.example:8080  \r\n", Some("evil.example")),
            ("POST /a?b=http://c.no/ HTTP/1.0\nHost: evil.example.\n\n", Some("evil.example")),
            ("GET http://evil.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n", Some("evil.example")),
            ("GET HTTP://user:pass@evil.example:81?x HTTP/1.1\r\n", Some("evil.example")),
            ("CONNECT evil.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n", Some("evil.example")),
            ("VERSION-CONTROL /x HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("x!#y * HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("GET /a b c HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nHost: first.example\r\nHost: second.example\r\n\r\n", Some("first.example")),
            ("GET / HTTP/1.1\r\nX: y\r\n Host: folded.example\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n", Some("192.0.2.1")),
            ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", Some("2001:db8::1")),
            ("GET / HTTP/1.1\r\nHost: 2001:db8::1\r\n\r\n", Some("2001:db8::1")),
            ("CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: a.no\r\n\r\n", Some("192.0.2.1")),
            ("GET / HTTP/1.1\r\nHost: a b.example\r\n\r\n", Some("a b.example")),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Some("-")),
            ("GET / HTTP/1.0\r\n\r\nHost: body.example\r\n", Some("-")),
            ("GET / HTTP/1.1\r\nX-Host: other.example\r\n\r\n", Some("-")),
        ] {
            assert_eq!(host(request).as_deref(), named, "{request}");
        }
    }

    #[test]
    fn what_is_no_request_is_something_else() {
        for stream in [
            "SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
            "EHLO evil.example\r\n",
            "INVITE sip:a@evil.example SIP/2.0\r\n",
            "OPTIONS rtsp://evil.example/ RTSP/1.0\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET /\r\n",
            "GET  HTTP/1.1\r\n",
            "HTTP/1.1 200 OK\r\nHost: x.no\r\n",
            "\r\n\r\n\r\nGET / HTTP/1.1\r\n",
            " GET / HTTP/1.1\r\n",
            "\x16\x03\x01",
            "GET\t/ HTTP/1.1\r\n",
            "AMETHODTHATISLONGERTHANANYMETHODEVERWAS / HTTP/1.1\r\n",
        ] {
            assert_eq!(read(stream.as_bytes()), Ok(Opening::Other), "{stream}");
        }
        assert!(matches!(read(b"CONNECT a.no:1 HTTP/1.1\r\n"), Ok(Opening::Whole(Head { is_tunnel: true, .. }))));
    }

    #[test]
    fn s4_a_head_without_end_is_given_up() {
        let fields = "X: y\r\n".repeat(HTTP_HEAD_MAX_OCTETS);
        let stream = format!("GET / HTTP/1.1\r\n{fields}");
        assert_eq!(read(&stream.as_bytes()[..HTTP_HEAD_MAX_OCTETS]), Err(BadHello::HeadTooLong));
        let line = format!("GET /{}", "a".repeat(HTTP_HEAD_MAX_OCTETS));
        assert_eq!(read(&line.as_bytes()[..HTTP_HEAD_MAX_OCTETS]), Ok(Opening::Other));
        assert_eq!(read(&line.as_bytes()[..100]), Ok(Opening::Until(101)));
    }

    proptest! {
        #[test]
        fn however_it_comes_the_host_is_the_same(cuts in prop::collection::vec(1usize..80, 0..10)) {
            let stream = b"GET /x HTTP/1.1\r\nAccept: */*\r\nHost: evil.example\r\n\r\n";
            let mut progress = Progress::default();
            let mut ends = cuts;
            ends.sort_unstable();
            ends.push(stream.len());
            let mut found = Vec::new();
            for end in ends {
                match read_on(&stream[..end.min(stream.len())], &mut progress) {
                    Ok(Opening::Whole(head)) => { found.push(head); break }
                    other => prop_assert!(matches!(other, Ok(Opening::Until(_)))),
                }
            }
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].host.as_ref().map(|host| host.to_string()), Some("evil.example".to_owned()));
        }

        #[test]
        fn s3_any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..200), head in 0usize..3) {
            let stream = [[&b""[..], b"GET ", b"GET / HTTP/1.1\r\n"][head], &octets[..]].concat();
            let _ = read(&stream);
        }
    }
}
