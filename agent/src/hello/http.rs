//! The host an HTTP/1 request is for (RFC 9112 sections 3 and 3.2), out of the first octets of a connection.
//!
//! The target wins over the Host field (section 3.2.2); a tunnel's target is its host (section 3.2.3).

pub(crate) mod chunks;

use std::net::Ipv6Addr;

use varde_common::observation::ServerName;

use super::{BadHello, Opening, server_name};
use crate::limits::{HTTP_HEAD_MAX_OCTETS, HTTP_LINE_MAX_OCTETS, HTTP_METHOD_MAX_OCTETS};

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
    /// What its fields said of its body so far.
    body: Option<Body>,
    /// The line under way is too long to be kept, and none that is read.
    is_passing: bool,
}

/// What stands behind a head (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// So many octets.
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
        // A bare CR is no part of a name; some servers take it for the line's end (RFC 9112 section 2.2).
        let value = value.map(|value| value.split(|&octet| octet == b'\r').next().unwrap_or_default().trim_ascii_end());
        self.in_host = value.is_some_and(<[u8]>::is_empty);
        value.filter(|value| !value.is_empty())
    }

    /// The line that is not whole yet.
    fn under_way<'a>(&self, stream: &'a [u8]) -> &'a [u8] {
        stream.get(self.line..).unwrap_or_default()
    }

    /// Whether that is too long to be kept.
    fn is_long(&self, stream: &[u8]) -> bool {
        self.is_passing || self.under_way(stream).len() >= HTTP_LINE_MAX_OCTETS
    }

    /// Does without the line under way, unless it is one that is read.
    fn pass_line(&mut self, stream: &[u8]) {
        let line = self.under_way(stream);
        let is_read =
            [&b"host:"[..], b"transfer-encoding:", b"content-length:"].iter().any(|name| field(line, name).is_some());
        let goes_on = self.in_host && matches!(line, [b' ' | b'\t', ..]);
        if self.is_passing || !is_read && !goes_on {
            self.is_passing = true;
            (self.line, self.searched) = (stream.len(), stream.len());
        }
    }

    /// Whether a line that ends now is one that was done without.
    fn has_passed(&mut self) -> bool {
        self.in_host &= !self.is_passing;
        std::mem::take(&mut self.is_passing)
    }

    /// Takes note of a field that says how long the body is.
    fn note_body(&mut self, line: &[u8]) {
        if let Some(coding) = field(line, b"transfer-encoding:") {
            // The last coding counts, and it comes before any length (RFC 9112 section 6.3).
            let last = coding.rsplit(|&octet| octet == b',').next().unwrap_or_default();
            let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            self.body = Some(if is_chunked { Body::Chunked } else { Body::Unknown });
        } else if let Some(value) = field(line, b"content-length:") {
            let octets = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            self.body = match (self.body, octets) {
                (None, Some(octets)) => Some(Body::Octets(octets)),
                (Some(Body::Octets(before)), Some(octets)) if before == octets => self.body,
                (Some(Body::Chunked), _) => self.body,
                (_, _) => Some(Body::Unknown),
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
        if progress.has_passed() {
            continue;
        }
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
            let is_long = progress.line.saturating_sub(begin) > HTTP_LINE_MAX_OCTETS;
            let read = if is_long { begun_request_line(line) } else { request_line(line) };
            let Some((method, target)) = read else { return Ok(Opening::Other) };
            progress.in_fields = true;
            if let Some(head) = head_of(method, target) {
                return Ok(Opening::Whole(head));
            }
        }
    }
    if progress.is_long(stream) {
        if progress.in_fields {
            progress.pass_line(stream);
        } else {
            let Some((method, target)) = begun_request_line(progress.under_way(stream)) else {
                return Ok(Opening::Other);
            };
            progress.in_fields = true;
            progress.is_passing = true;
            (progress.line, progress.searched) = (stream.len(), stream.len());
            if let Some(head) = head_of(method, target) {
                return Ok(Opening::Whole(head));
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
) -> Result<Opening<(usize, Body)>, BadHello> {
    while let Some(line) = next_line(stream, progress) {
        if progress.has_passed() {
            continue;
        }
        if line.is_empty() {
            return Ok(Opening::Whole((progress.line, progress.body.unwrap_or(Body::Octets(0)))));
        }
        progress.note_body(line);
        if let Some(host) = progress.host_in(line).and_then(|value| server_name(split_authority(value).0)) {
            named(host);
        }
    }
    if progress.is_long(stream) {
        progress.pass_line(stream);
    }
    if progress.dropped.saturating_add(stream.len()) >= HTTP_HEAD_MAX_OCTETS {
        return Err(BadHello::HeadTooLong);
    }
    Ok(Opening::Until(stream.len() + 1))
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

/// Method and target, as far as it goes, of a line that is too long to be kept: its beginning says enough.
fn begun_request_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.get(blank_octets(line)..)?;
    let line = line.get(..line.len().min(HTTP_LINE_MAX_OCTETS / 2))?;
    let method_end = line.iter().position(|&octet| octet == b' ')?;
    let (method, target) = line.split_at_checked(method_end)?;
    (!method.is_empty() && method.iter().all(|&octet| is_token(octet))).then_some((method, target.trim_ascii()))
}

/// Whom a request line names, where it does.
fn head_of(method: &[u8], target: &[u8]) -> Option<Head> {
    if method == b"CONNECT" {
        let (host, port) = split_authority(target);
        return Some(Head { host: server_name(host), target_port: port, is_tunnel: true });
    }
    let (scheme, authority) = absolute_authority(target)?;
    let (host, port) = split_authority(authority);
    Some(Head { host: server_name(host), target_port: port.or(usual_port(scheme)), is_tunnel: false })
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
mod tests;
