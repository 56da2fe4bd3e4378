//! The host an HTTP/1 request is for (RFC 9112 sections 3 and 3.2), out of the first octets of a connection.
//!
//! The target wins over the Host field (section 3.2.2); a tunnel's target is its host (section 3.2.3).

use std::net::Ipv6Addr;

use varde_common::observation::ServerName;

use super::{BadHello, Opening, server_name};
use crate::limits::{HTTP_HEAD_MAX_OCTETS, HTTP_METHOD_MAX_OCTETS};

/// CR and LF in front of a request: a server passes over empty lines (RFC 9112 section 2.2), common ones over any mix.
const BLANK_MAX_OCTETS: usize = 64;

/// What a request head said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The host it names.
    pub host: Option<ServerName>,
    /// The port its target names or implies (CONNECT, or the absolute form that proxies are sent); none where only a Host
    /// field names the host.
    pub target_port: Option<u16>,
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
    /// Octets of the head in front of the stream as it is given now.
    dropped: usize,
    /// The request line was read: header fields follow.
    in_fields: bool,
    /// The line before is a Host field that says nothing so far: a folded line goes on with it.
    in_host: bool,
    body: Body,
}

/// What stands behind a head (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Body {
    #[default]
    None,
    Octets(u64),
    /// In chunks (RFC 9112 section 7.1), the last of which is empty.
    Chunked,
    /// Only the body itself says where it ends, or the fields contradict one another.
    Unknown,
}

impl Progress {
    /// Gives how many octets at the front of the stream need not be there any more, and from then on counts without them.
    pub(crate) fn drop_read(&mut self) -> usize {
        let read = std::mem::take(&mut self.line);
        self.searched = self.searched.saturating_sub(read);
        self.dropped = self.dropped.saturating_add(read);
        read
    }

    /// The value of a Host field that a line is, or goes on with, where it has one.
    fn host_in<'a>(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        let is_folded = self.in_host && matches!(line, [b' ' | b'\t', ..]);
        let value = if is_folded { Some(line.trim_ascii()) } else { field(line, b"host:") };
        self.in_host = value.is_some_and(<[u8]>::is_empty);
        value.filter(|value| !value.is_empty())
    }

    /// Takes note of a field that says how long the body is.
    fn note_body(&mut self, line: &[u8]) {
        if let Some(coding) = field(line, b"transfer-encoding:") {
            let is_first = self.body == Body::None && coding.eq_ignore_ascii_case(b"chunked");
            self.body = if is_first { Body::Chunked } else { Body::Unknown };
        } else if let Some(value) = field(line, b"content-length:") {
            let octets = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            self.body = match (self.body, octets) {
                (Body::None, Some(octets)) => Body::Octets(octets),
                (Body::Octets(before), Some(octets)) if before == octets => self.body,
                (_, _) => Body::Unknown,
            };
        }
    }
}

/// Reads on in a request head: `stream` begins as it did before and may have grown.
///
/// # Errors
/// [`BadHello::HeadTooLong`].
pub fn read_on(stream: &[u8], progress: &mut Progress) -> Result<Opening<Head>, BadHello> {
    if !progress.in_fields && !may_begin(stream) {
        return Ok(Opening::Other);
    }
    loop {
        let begin = progress.line;
        let Some(line) = next_line(stream, progress) else { break };
        if progress.in_fields {
            if line.is_empty() {
                // It is found again by whoever looks for the end of the head.
                (progress.line, progress.searched) = (begin, begin);
                return Ok(Opening::Whole(Head::default()));
            }
            progress.note_body(line);
            if let Some(value) = progress.host_in(line) {
                let host = server_name(split_authority(value).0);
                return Ok(Opening::Whole(Head { host, ..Head::default() }));
            }
        } else if let line = line.get(blank_octets(line)..).unwrap_or_default()
            && !line.is_empty()
        {
            let Some((method, target)) = request_line(line) else { return Ok(Opening::Other) };
            progress.in_fields = true;
            if method == b"CONNECT" {
                let (host, port) = split_authority(target);
                return Ok(Opening::Whole(Head { host: server_name(host), target_port: port, is_tunnel: true }));
            }
            if let Some((scheme, authority)) = absolute_authority(target) {
                let (host, port) = split_authority(authority);
                let target_port = port.or(usual_port(scheme));
                return Ok(Opening::Whole(Head { host: server_name(host), target_port, is_tunnel: false }));
            }
        }
    }
    if progress.dropped.saturating_add(stream.len()) >= HTTP_HEAD_MAX_OCTETS {
        return if progress.in_fields { Err(BadHello::HeadTooLong) } else { Ok(Opening::Other) };
    }
    Ok(Opening::Until(stream.len() + 1))
}

/// Reads on to the end of a head whose host was read: where its body begins, and how long that is, where that is known.
/// What its further Host fields name goes to `named`.
///
/// # Errors
/// [`BadHello::HeadTooLong`].
pub(crate) fn read_end(
    stream: &[u8],
    progress: &mut Progress,
    named: &mut dyn FnMut(ServerName),
) -> Result<Opening<(usize, Option<u64>)>, BadHello> {
    while let Some(line) = next_line(stream, progress) {
        if line.is_empty() {
            let octets = match progress.body {
                Body::None => Some(0),
                Body::Octets(octets) => Some(octets),
                Body::Chunked => stream.get(progress.line..).and_then(chunked_octets),
                Body::Unknown => None,
            };
            return Ok(Opening::Whole((progress.line, octets)));
        }
        progress.note_body(line);
        if let Some(host) = progress.host_in(line).and_then(|value| server_name(split_authority(value).0)) {
            named(host);
        }
    }
    if progress.dropped.saturating_add(stream.len()) >= HTTP_HEAD_MAX_OCTETS {
        return Err(BadHello::HeadTooLong);
    }
    Ok(Opening::Until(stream.len() + 1))
}

/// Octets of a body in chunks that is all there; none where it goes on, or is none.
fn chunked_octets(stream: &[u8]) -> Option<u64> {
    let mut reader = Progress::default();
    loop {
        let line = next_line(stream, &mut reader)?;
        let size = std::str::from_utf8(line.split(|&octet| octet == b';').next()?).ok()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            break;
        }
        // The data ends a line.
        reader.line = reader.line.checked_add(size).filter(|&end| end <= stream.len())?;
        reader.searched = reader.line;
        next_line(stream, &mut reader).filter(|line| line.is_empty())?;
    }
    // The trailer.
    while !next_line(stream, &mut reader)?.is_empty() {}
    u64::try_from(reader.line).ok()
}

/// Whether octets can be the first of a request: a method (RFC 9110 section 9.1, known or not), a space, a target.
pub(crate) fn may_begin(stream: &[u8]) -> bool {
    let blank = blank_octets(stream);
    let stream = stream.get(blank..).unwrap_or_default();
    let method = stream.iter().take_while(|&&octet| is_token(octet)).count();
    match stream.get(method..) {
        _ if method > HTTP_METHOD_MAX_OCTETS || blank > BLANK_MAX_OCTETS => false,
        None | Some([]) => true,
        // Servers are generous with spaces and with targets.
        Some([b' ', after @ ..]) => {
            let target = after.iter().find(|&&octet| octet != b' ');
            method > 0 && target.is_none_or(|octet| !octet.is_ascii_whitespace())
        }
        Some(_) => false,
    }
}

/// CR and LF in front of a request.
fn blank_octets(stream: &[u8]) -> usize {
    stream.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count()
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

/// Scheme and authority of a target in absolute form (RFC 9112 section 3.2.2), whatever its scheme.
fn absolute_authority(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = target.windows(3).position(|three| three == b"://")?;
    let is_scheme = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.');
    let scheme = target.get(..at).filter(|scheme| !scheme.is_empty() && scheme.iter().all(is_scheme))?;
    let rest = target.get(scheme.len() + 3..)?;
    let end = rest.iter().position(|octet| matches!(octet, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    Some((scheme, rest.get(..end)?))
}

/// The port a scheme implies (RFC 9110 section 4.2, RFC 6455 section 3).
fn usual_port(scheme: &[u8]) -> Option<u16> {
    match scheme.to_ascii_lowercase().as_slice() {
        b"http" | b"ws" => Some(80),
        b"https" | b"wss" => Some(443),
        b"ftp" => Some(21),
        _ => None,
    }
}

/// The value of a field with this name, which ends in a colon. A folded line (RFC 9112 section 5.2) begins with a space
/// and is none.
fn field<'a>(line: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let (name, value) = line.split_at_checked(wanted.len())?;
    name.eq_ignore_ascii_case(wanted).then(|| value.trim_ascii())
}

/// Host and port of an authority (RFC 3986 section 3.2), without user.
fn split_authority(authority: &[u8]) -> (&[u8], Option<u16>) {
    let host = authority.rsplit(|&octet| octet == b'@').next().unwrap_or(authority);
    let position = |wanted: u8| host.iter().position(|&octet| octet == wanted);
    let end = match host {
        [b'[', ..] => position(b']').map_or(host.len(), |at| at + 1),
        // Without its brackets an IPv6 address has no port.
        _ if is_bare_ipv6(host) => host.len(),
        _ => position(b':').unwrap_or(host.len()),
    };
    let (host, port) = host.split_at_checked(end).unwrap_or((host, &[]));
    let port = port.strip_prefix(b":").filter(|port| port.iter().all(u8::is_ascii_digit));
    (host, port.and_then(|port| std::str::from_utf8(port).ok()?.parse().ok()))
}

fn is_bare_ipv6(host: &[u8]) -> bool {
    host.iter().filter(|&&octet| octet == b':').count() > 1
        && std::str::from_utf8(host).is_ok_and(|host| host.parse::<Ipv6Addr>().is_ok())
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
            ("GET http://192.0.2.1/ HTTP/1.1\r\nHost: other.example\r\n", Some("192.0.2.1")),
            ("CONNECT evil.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n", Some("evil.example")),
            ("VERSION-CONTROL /x HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("x!#y * HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("\n\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("\r\r\n\n\rGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("GET    / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("GET  http://evil.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n", Some("evil.example")),
            ("CONNECT  evil.example:443 HTTP/1.1\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nHost: evil.example:80x\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nHost: evil.example:80:90\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80x\r\n\r\n", Some("2001:db8::1")),
            ("GET / HTTP/1.1\r\nHost:\r\n evil.example\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nHost: \r\n\t\r\n\tevil.example:80\r\n\r\n", Some("evil.example")),
            ("GET / HTTP/1.1\r\nHost:\r\nX: y\r\n evil.example\r\n\r\n", Some("-")),
            ("GET /a b c HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("GET \0 HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
            ("GET \u{e5} HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
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
            " GET / HTTP/1.1\r\n",
            "\x16\x03\x01",
            "GET\t/ HTTP/1.1\r\n",
            "AMETHODTHATISLONGERTHANANYMETHODEVERWAS / HTTP/1.1\r\n",
        ] {
            assert_eq!(read(stream.as_bytes()), Ok(Opening::Other), "{stream}");
        }
        let behind = |lines: usize| format!("{}GET / HTTP/1.1\r\n\r\n", "\r\n".repeat(lines));
        assert!(matches!(read(behind(BLANK_MAX_OCTETS / 2).as_bytes()), Ok(Opening::Whole(_))));
        assert_eq!(read(behind(BLANK_MAX_OCTETS / 2 + 1).as_bytes()), Ok(Opening::Other));
        assert!(matches!(read(b"CONNECT a.no:1 HTTP/1.1\r\n"), Ok(Opening::Whole(Head { is_tunnel: true, .. }))));
    }

    #[test]
    fn a_target_names_an_address_and_a_port_where_it_has_them() {
        for (line, address, port) in [
            ("CONNECT 203.0.113.9:443 HTTP/1.1", Some("203.0.113.9"), Some(443)),
            ("CONNECT [2001:db8::9]:8443 HTTP/1.1", Some("2001:db8::9"), Some(8443)),
            ("CONNECT evil.example:443 HTTP/1.1", None, Some(443)),
            ("CONNECT evil.example HTTP/1.1", None, None),
            ("GET http://203.0.113.9/x HTTP/1.1", Some("203.0.113.9"), Some(80)),
            ("GET https://u@203.0.113.9?x HTTP/1.0", Some("203.0.113.9"), Some(443)),
            ("GET http://203.0.113.9:8080/ HTTP/1.1", Some("203.0.113.9"), Some(8080)),
            ("GET odd://203.0.113.9/ HTTP/1.1", Some("203.0.113.9"), None),
            ("GET http://203.0.113.9:99999/ HTTP/1.1", Some("203.0.113.9"), Some(80)),
            ("GET http://[203.0.113.9]/ HTTP/1.1", Some("203.0.113.9"), Some(80)),
        ] {
            let Ok(Opening::Whole(head)) = read(format!("{line}\r\n").as_bytes()) else { panic!("{line}") };
            let read = match head.host {
                Some(ServerName::Address(address)) => Some(address.to_string()),
                _ => None,
            };
            assert_eq!((read.as_deref(), head.target_port), (address, port), "{line}");
        }
        let Ok(Opening::Whole(head)) = read(b"GET / HTTP/1.1\r\nHost: 203.0.113.9:80\r\n") else { panic!() };
        assert_eq!(head.target_port, None, "the flow's own");
    }

    #[test]
    fn a_head_s_end_says_how_long_the_body_is_or_that_nobody_knows() {
        for (fields, octets) in [
            ("", Some(0)),
            ("Content-Length: 7\r\n", Some(7)),
            ("content-length:7 \r\nContent-Length: 7\r\n", Some(7)),
            ("Content-Length: 7\r\nContent-Length: 8\r\n", None),
            ("Content-Length: -7\r\n", None),
            ("Transfer-Encoding: chunked\r\n", None),
            ("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", None),
            ("Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", None),
        ] {
            for order in [format!("{fields}Host: a.no\r\n"), format!("Host: a.no\r\n{fields}"), fields.to_owned()] {
                for end in ["\r\n", "\n"] {
                    let stream = format!("POST / HTTP/1.1\r\n{order}{end}body");
                    let mut progress = Progress::default();
                    assert!(matches!(read_on(stream.as_bytes(), &mut progress), Ok(Opening::Whole(_))));
                    let read = read_end(stream.as_bytes(), &mut progress, &mut |_| {});
                    assert_eq!(read, Ok(Opening::Whole((stream.len() - 4, octets))), "{stream}");
                }
            }
        }
    }

    #[test]
    fn a_body_in_chunks_ends_behind_the_empty_one() {
        for (body, octets) in [
            ("0\r\n\r\n", Some(5)),
            ("5\r\nhello\r\n0\r\n\r\n", Some(15)),
            ("A;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET /", Some(36)),
            ("5\r\nhello\r\n", None),
            ("5\r\nhelloo\r\n0\r\n\r\n", None),
            ("ffffffffffffffff\r\nhello\r\n0\r\n\r\n", None),
            ("hello\r\n", None),
            ("-1\r\n", None),
            ("", None),
        ] {
            assert_eq!(chunked_octets(body.as_bytes()), octets, "{body}");
        }
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
            let mut progress = Progress::default();
            let _ = read_on(&stream, &mut progress);
            let dropped = progress.drop_read();
            prop_assert!(dropped <= stream.len());
            if let Ok(Opening::Whole((end, _))) = read_end(&stream[dropped..], &mut progress, &mut |_| {}) {
                prop_assert!(end <= stream.len() - dropped);
            }
        }
    }
}
