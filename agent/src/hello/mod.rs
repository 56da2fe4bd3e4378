//! What a client says first, read by reference: TLS and QUIC ClientHellos, HTTP/1 requests. Who collects it is [`crate::greeting`].

pub(crate) mod assembly;
pub mod http;
pub mod ja4;
pub mod quic;
pub mod tls;

use std::fmt::Write;
use std::net::IpAddr;

use varde_common::name::{DomainName, NameBuf};
use varde_common::observation::ServerName;

use crate::limits::SERVER_NAME_TEXT_MAX_OCTETS;

/// Why first words that began like a hello or a request gave none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadHello {
    /// Ends before its fixed part does.
    #[error("the ClientHello ends before its cipher suites")]
    CutShort,
    /// Longer than [`crate::limits::HELLO_MAX_OCTETS`].
    #[error("the ClientHello says it is longer than a reader should believe")]
    TooLong,
    /// In more records than [`crate::limits::HELLO_RECORDS_MAX`].
    #[error("the ClientHello lies in more TLS records than a reader should join")]
    TooManyRecords,
    /// Another kind of TLS record stands in the middle of it.
    #[error("a TLS record that is no handshake stands in the middle of the ClientHello")]
    OtherRecord,
    /// A QUIC Initial packet that the keys of its destination connection id do not open.
    #[error("the QUIC Initial packet does not open with the client's keys")]
    NotAuthentic,
    /// CRYPTO frames of one QUIC connection that say different things at one place of its stream.
    #[error("CRYPTO frames of the QUIC connection say different things at one place")]
    Contradicting,
    /// A QUIC Initial packet with a frame that cannot be read, behind which nothing is.
    #[error("a frame of the QUIC Initial packet is none that can be read")]
    OtherFrame,
    /// A TCP segment with an urgent octet, which its receiver may take out of what is read here.
    #[error("an urgent octet stands among the first words of the connection")]
    Urgent,
    /// An HTTP request head longer than [`crate::limits::HTTP_HEAD_MAX_OCTETS`] without a host.
    #[error("the head of the HTTP request goes on without naming a host")]
    HeadTooLong,
}

impl BadHello {
    /// Every reason, in the order they are shown.
    pub const ALL: [BadHello; 9] = [
        BadHello::CutShort,
        BadHello::TooLong,
        BadHello::TooManyRecords,
        BadHello::OtherRecord,
        BadHello::NotAuthentic,
        BadHello::Contradicting,
        BadHello::OtherFrame,
        BadHello::Urgent,
        BadHello::HeadTooLong,
    ];

    /// The reason as a key for counters: lower case, underscores.
    pub fn key(self) -> &'static str {
        match self {
            BadHello::CutShort => "hello_cut_short",
            BadHello::TooLong => "hello_too_long",
            BadHello::TooManyRecords => "hello_too_many_records",
            BadHello::OtherRecord => "hello_other_record",
            BadHello::NotAuthentic => "quic_not_authentic",
            BadHello::Contradicting => "quic_contradicts",
            BadHello::OtherFrame => "quic_other_frame",
            BadHello::Urgent => "tcp_urgent",
            BadHello::HeadTooLong => "http_head_too_long",
        }
    }
}

/// What the first octets of a stream turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening<T> {
    /// All of it is there.
    Whole(T),
    /// It goes on: look again when so many octets, counted from the first, are there.
    Until(usize),
    /// Something else.
    Other,
}

/// Octets of the header with which one proxy tells the next whom it speaks for ("The PROXY protocol", versions 1 and 2,
/// HAProxy), where a stream begins with one; 0 where it does not, or not all of it is there.
pub(crate) fn proxy_header_octets(stream: &[u8]) -> usize {
    const LINE_MAX_OCTETS: usize = 107;
    const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
    if stream.starts_with(b"PROXY ") {
        let line = stream.get(..LINE_MAX_OCTETS.min(stream.len())).unwrap_or_default();
        return line.windows(2).position(|two| two == b"\r\n").map_or(0, |at| at + 2);
    }
    match stream.strip_prefix(SIGNATURE) {
        Some([_, _, high, low, after @ ..]) => {
            let octets = usize::from(u16::from_be_bytes([*high, *low]));
            if octets <= after.len() { SIGNATURE.len() + 4 + octets } else { 0 }
        }
        Some(_) | None => 0,
    }
}

/// What a hello or a request calls its server: a name in the form we compare (one final dot is none, letters in any case),
/// an address, with or without brackets, or the text of what is neither. None where there is nothing.
pub(crate) fn server_name(octets: &[u8]) -> Option<ServerName> {
    let bare = octets.strip_suffix(b".").unwrap_or(octets);
    // Only what ends in a hexadecimal digit, a colon or a bracket can be an address, and names rarely do.
    let may_be_address = bare.last()?.is_ascii_hexdigit() || bare.ends_with(b":") || bare.ends_with(b"]");
    if may_be_address && let Some(address) = address(bare) {
        return Some(ServerName::Address(address));
    }
    Some(domain_name(bare).map_or_else(|| ServerName::Other(text(octets)), ServerName::Name))
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let bracketed = octets.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    std::str::from_utf8(bracketed.unwrap_or(octets)).ok()?.parse().ok()
}

/// None for what holds characters that no host name has.
fn domain_name(octets: &[u8]) -> Option<DomainName> {
    let is_odd = |&octet: &u8| !octet.is_ascii_graphic() || matches!(octet, b':' | b'/' | b'[' | b']' | b'@' | b'\\');
    if octets.iter().any(is_odd) {
        return None;
    }
    let mut name = NameBuf::new();
    octets.split(|&octet| octet == b'.').try_for_each(|label| name.push_label(label)).ok()?;
    Some(name.as_name().to_owned())
}

/// The first octets of what is no name, as text.
fn text(octets: &[u8]) -> String {
    printable(octets.get(..SERVER_NAME_TEXT_MAX_OCTETS).unwrap_or(octets))
}

/// Octets as text: those that are not printable ASCII as `\xNN`.
pub(crate) fn printable(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        if octet.is_ascii_graphic() || octet == b' ' {
            text.push(char::from(octet));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{octet:02x}");
        }
    }
    text
}

/// Takes octets off the front of what is left; shorter than announced where there are no more, as the lists in a hello
/// are read as far as they go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        let (&octets, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(octets))
    }

    /// Exactly so many.
    pub(crate) fn exact(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// So many, or all there are.
    pub(crate) fn up_to(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(count).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    /// A list with its length in one octet in front.
    pub(crate) fn list_u8(&mut self) -> Option<&'a [u8]> {
        let count = self.u8()?;
        Some(self.up_to(count.into()))
    }

    /// A list with its length in two octets in front.
    pub(crate) fn list_u16(&mut self) -> Option<&'a [u8]> {
        let count = self.u16()?;
        Some(self.up_to(count.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_by_a_name_an_address_or_something_else() {
        let name = |text: &str| Some(ServerName::Name(DomainName::parse(text).unwrap()));
        let address = |text: &str| Some(ServerName::Address(text.parse().unwrap()));
        let other = |text: &str| Some(ServerName::Other(text.to_owned()));
        for (given, read) in [
            ("Evil.Example", name("evil.example")),
            ("evil.example.", name("evil.example")),
            ("localhost", name("localhost")),
            ("_x.a-b.no", name("_x.a-b.no")),
            ("xn--blbr-roah.no", name("xn--blbr-roah.no")),
            ("4.example2", name("4.example2")),
            ("1.2.3", name("1.2.3")),
            ("192.0.2.1", address("192.0.2.1")),
            ("192.0.2.1.", address("192.0.2.1")),
            ("2001:db8::1", address("2001:db8::1")),
            ("2001:db8::", address("2001:db8::")),
            ("[2001:DB8::1]", address("2001:db8::1")),
            ("evil..example", other("evil..example")),
            (".evil.example", other(".evil.example")),
            ("evil.example..", other("evil.example..")),
            ("", None),
            (".", None),
            ("evil.example:443", other("evil.example:443")),
            ("evil example", other("evil example")),
            ("bl\u{e5}.no", other("bl\\xc3\\xa5.no")),
            ("a\\046b.no", other("a\\046b.no")),
        ] {
            assert_eq!(server_name(given.as_bytes()), read, "{given}");
        }
        assert_eq!(server_name(&[b'a'; 64]), other(&"a".repeat(64)));
        let long = server_name([b"abcdefg.".as_slice(); 4_000].concat().as_slice());
        assert_eq!(long.unwrap().to_string().len(), SERVER_NAME_TEXT_MAX_OCTETS);
    }
}
