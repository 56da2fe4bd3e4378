//! What a client says first, read by reference: TLS and QUIC ClientHellos, HTTP/1 requests. Who collects it is [`crate::greeting`].

pub(crate) mod assembly;
pub mod http;
pub mod ja4;
pub mod quic;
pub mod tls;

use std::net::IpAddr;

use varde_common::name::{DomainName, NameBuf};

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
    /// An HTTP request head longer than [`crate::limits::HTTP_HEAD_MAX_OCTETS`] without a host.
    #[error("the head of the HTTP request goes on without naming a host")]
    HeadTooLong,
}

impl BadHello {
    /// Every reason, in the order they are shown.
    pub const ALL: [BadHello; 6] = [
        BadHello::CutShort,
        BadHello::TooLong,
        BadHello::TooManyRecords,
        BadHello::OtherRecord,
        BadHello::NotAuthentic,
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

/// A name as a hello or a request gives it, in the form we compare: one final dot is none, letters in any case. None for
/// addresses, and for what holds characters that no host name has.
pub(crate) fn host_name(octets: &[u8]) -> Option<DomainName> {
    let octets = octets.strip_suffix(b".").unwrap_or(octets);
    let is_odd = |&octet: &u8| !octet.is_ascii_graphic() || matches!(octet, b':' | b'/' | b'[' | b']' | b'@' | b'\\');
    if octets.iter().any(is_odd) {
        return None;
    }
    // Only what ends in a digit can be an IPv4 address, and names rarely do.
    if octets.last()?.is_ascii_digit() && std::str::from_utf8(octets).ok()?.parse::<IpAddr>().is_ok() {
        return None;
    }
    let mut name = NameBuf::new();
    octets.split(|&octet| octet == b'.').try_for_each(|label| name.push_label(label)).ok()?;
    Some(name.as_name().to_owned())
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
    fn a_host_is_a_name_in_the_form_we_compare_or_none() {
        for (given, read) in [
            ("Evil.Example", Some("evil.example")),
            ("evil.example.", Some("evil.example")),
            ("localhost", Some("localhost")),
            ("_x.a-b.no", Some("_x.a-b.no")),
            ("xn--blbr-roah.no", Some("xn--blbr-roah.no")),
            ("4.example2", Some("4.example2")),
            ("192.0.2.1", None),
            ("2001:db8::1", None),
            ("[2001:db8::1]", None),
            ("evil..example", None),
            (".evil.example", None),
            ("evil.example..", None),
            ("", None),
            (".", None),
            ("evil.example:443", None),
            ("evil example", None),
            ("blåbær.no", None),
            ("a\\046b.no", None),
        ] {
            assert_eq!(host_name(given.as_bytes()).map(|name| name.to_string()).as_deref(), read, "{given}");
        }
        assert!(host_name(&[b'a'; 64]).is_none());
        assert!(host_name([b"abcdefg.".as_slice(); 40].concat().as_slice()).is_none());
    }
}
