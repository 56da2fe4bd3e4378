//! TLS ClientHello (RFC 8446 section 4.1.2; older versions alike) out of records, by reference.
//!
//! Records are joined as far as the message needs; a message in one record is read where it lies. Lists that lie about
//! their length are read as far as they go: who names a server in a broken hello has still named it.

use super::{BadHello, Opening, Reader};
use crate::limits::{HELLO_MAX_OCTETS, HELLO_RECORDS_MAX, OTHER_RECORD_MAX_OCTETS};

/// Type, version and length in front of each record (RFC 8446 section 5.1).
const RECORD_HEADER_OCTETS: usize = 5;
/// Type and length in front of each handshake message (RFC 8446 section 4).
pub(crate) const MESSAGE_HEADER_OCTETS: usize = 4;
/// The most a record holds: 2^14 octets, and 2048 where it was compressed (RFC 5246 section 6.2).
const RECORD_MAX_OCTETS: usize = (1 << 14) + 2048;
/// With so many octets of a stream it is certain whether a ClientHello begins there.
pub(crate) const TELLING_OCTETS: usize = RECORD_HEADER_OCTETS + 1;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const RANDOM_OCTETS: usize = 32;

/// Extensions that are looked into (IANA "TLS ExtensionType Values").
pub(crate) mod extension {
    /// server_name (RFC 6066).
    pub(crate) const SERVER_NAME: u16 = 0;
    /// signature_algorithms (RFC 8446 section 4.2.3).
    pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
    /// application_layer_protocol_negotiation (RFC 7301).
    pub(crate) const ALPN: u16 = 16;
    /// supported_versions (RFC 8446 section 4.2.1).
    pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
    /// encrypted_client_hello (RFC 9849).
    pub(crate) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// Whether a code point is one of those that mean nothing (RFC 8701).
pub fn is_grease(code: u16) -> bool {
    code & 0x0f0f == 0x0a0a && code >> 8 == code & 0xff
}

/// The body of a hello that lies in the first record and is all there, and where that record ends, which may be behind
/// the stream.
pub(crate) fn hello_in_one_record(stream: &[u8]) -> Option<(&[u8], usize)> {
    let (&[_, _, _, high, low], after) = stream.split_first_chunk::<RECORD_HEADER_OCTETS>()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let record = after.get(..length.min(after.len()))?;
    let whole = message_octets(record)?;
    let body = record.get(MESSAGE_HEADER_OCTETS..whole).filter(|_| whole <= HELLO_MAX_OCTETS)?;
    Some((body, RECORD_HEADER_OCTETS + length))
}

/// The bodies of hellos that stand behind the first one in its record, as far as they are whole.
pub(crate) fn further_hellos(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let length = |high, low| usize::from(u16::from_be_bytes([high, low]));
    let record = match stream.split_first_chunk::<RECORD_HEADER_OCTETS>() {
        Some((&[_, _, _, high, low], after)) => after.get(..length(high, low).min(after.len())).unwrap_or_default(),
        None => &[],
    };
    let mut rest = message_octets(record).and_then(|first| record.get(first..)).unwrap_or_default();
    std::iter::from_fn(move || {
        let (message, behind) = rest.split_at_checked(message_octets(rest)?)?;
        rest = behind;
        message.get(MESSAGE_HEADER_OCTETS..).filter(|_| message.first() == Some(&CLIENT_HELLO))
    })
}

/// A ClientHello on its way out of its records, each octet of the stream looked at once, in whatever portions it comes.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// Of the handshake message, header included, what has come.
    message: Vec<u8>,
    /// Octets that the record begun has still to bring.
    expected: usize,
    /// Records begun.
    records: usize,
}

impl Records {
    /// Takes what follows in the stream: how many octets of it need not be given again, and whether the message is whole.
    pub(crate) fn take(&mut self, stream: &[u8]) -> (usize, Result<Opening<()>, BadHello>) {
        let mut rest = stream;
        let outcome = loop {
            match message_octets(&self.message) {
                Some(whole) if self.message.len() >= whole => break Ok(Opening::Whole(())),
                _ if self.message.len() >= HELLO_MAX_OCTETS => break Err(BadHello::TooLong),
                _ if self.expected > 0 && rest.is_empty() => break Ok(Opening::Until(1)),
                _ if self.expected > 0 => self.take_fragment(&mut rest),
                _ => match self.begin_record(rest) {
                    Ok(Some(after)) => rest = after,
                    Ok(None) => break Ok(Opening::Until(RECORD_HEADER_OCTETS)),
                    Err(reason) => break Err(reason),
                },
            }
        };
        (stream.len() - rest.len(), outcome)
    }

    /// What is behind a record's header; none where that is not all there.
    fn begin_record<'a>(&mut self, stream: &'a [u8]) -> Result<Option<&'a [u8]>, BadHello> {
        let Some((&[kind, major, _, high, low], after)) = stream.split_first_chunk::<RECORD_HEADER_OCTETS>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE || major != 3 || length > RECORD_MAX_OCTETS {
            return Err(BadHello::OtherRecord);
        }
        if self.records >= HELLO_RECORDS_MAX {
            return Err(BadHello::TooManyRecords);
        }
        self.records += 1;
        self.expected = length;
        Ok(Some(after))
    }

    fn take_fragment(&mut self, rest: &mut &[u8]) {
        let room = HELLO_MAX_OCTETS.saturating_sub(self.message.len());
        let (fragment, after) = rest.split_at(self.expected.min(room).min(rest.len()));
        // Grown by doubling, but never beyond the bound.
        let wanted = self.message.len() + fragment.len();
        if wanted > self.message.capacity() {
            let capacity = wanted.max(2 * self.message.capacity()).min(HELLO_MAX_OCTETS);
            self.message.reserve_exact(capacity - self.message.len());
        }
        self.message.extend_from_slice(fragment);
        self.expected -= fragment.len();
        *rest = after;
    }

    /// The body of the message, as far as it has come.
    pub(crate) fn body(&self) -> &[u8] {
        let whole = message_octets(&self.message).unwrap_or(0).min(self.message.len());
        self.message.get(MESSAGE_HEADER_OCTETS..whole).unwrap_or_default()
    }

    /// Octets that the record begun last has still to bring.
    pub(crate) fn expected(&self) -> usize {
        self.expected
    }

    /// Octets of memory held beside the entry itself.
    pub(crate) fn kept_octets(&self) -> usize {
        self.message.capacity()
    }
}

/// Finds the ClientHello at the beginning of QUIC's stream of handshake messages (RFC 9001 section 4.1): its body.
pub fn find_hello_in_quic(stream: &[u8]) -> Opening<&[u8]> {
    if stream.first().is_some_and(|&kind| kind != CLIENT_HELLO) {
        return Opening::Other;
    }
    match message_octets(stream) {
        Some(whole) => match stream.get(MESSAGE_HEADER_OCTETS..whole) {
            Some(body) => Opening::Whole(body),
            None => Opening::Until(whole),
        },
        None => Opening::Until(MESSAGE_HEADER_OCTETS),
    }
}

/// The body of a message in QUIC's stream, as far as it has come.
pub(crate) fn begun_body_in_quic(stream: &[u8]) -> &[u8] {
    match stream.split_first_chunk::<MESSAGE_HEADER_OCTETS>() {
        Some((&[CLIENT_HELLO, ..], body)) => body,
        Some(_) | None => &[],
    }
}

/// The alerts, changes of cipher spec (RFC 8446 appendix D.4) and empty records that a stream begins with: servers pass
/// over such in front of a ClientHello. Behind one, `is_behind_hello`, every record that holds none. Whole: so many octets
/// of whole records; each is looked at once, so there may be as many as fit.
pub(crate) fn other_records(stream: &[u8], is_behind_hello: bool) -> Opening<usize> {
    let mut rest = stream;
    let until = loop {
        let is_other = match rest {
            [20 | 21, ..] | [HANDSHAKE, _, _, 0, 0, ..] => true,
            [HANDSHAKE, ..] => is_behind_hello && !may_begin_again(rest),
            [23 | 24, ..] => is_behind_hello,
            _ => false,
        };
        if !is_other || rest.get(1).is_some_and(|&major| major != 3) {
            break None;
        }
        let Some((&[_, _, _, high, low], after)) = rest.split_first_chunk::<RECORD_HEADER_OCTETS>() else {
            break Some(RECORD_HEADER_OCTETS);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        match after.get(length..) {
            Some(after) => rest = after,
            None => break Some(RECORD_HEADER_OCTETS + length).filter(|_| length <= OTHER_RECORD_MAX_OCTETS),
        }
    };
    match (stream.len() - rest.len(), until) {
        (0, None) => Opening::Other,
        (0, Some(until)) => Opening::Until(until),
        (passed, _) => Opening::Whole(passed),
    }
}

/// Whether octets can be the first of a record that begins with a ClientHello; of its version only the first half says
/// anything (RFC 8446 section 5.1).
pub(crate) fn may_begin(stream: &[u8]) -> bool {
    let is_so = |at: usize, test: fn(u8) -> bool| stream.get(at).is_none_or(|&octet| test(octet));
    is_so(0, |kind| kind == HANDSHAKE)
        && is_so(1, |major| major == 3)
        && is_so(3, |high| usize::from(high) <= RECORD_MAX_OCTETS >> 8)
        && is_so(RECORD_HEADER_OCTETS, |message| message == CLIENT_HELLO)
}

/// The same behind another hello, where protected records look like anything: its length is that of a hello, its version
/// one there is.
pub(crate) fn may_begin_again(stream: &[u8]) -> bool {
    let is_so = |at: usize, wanted: u8| stream.get(at).is_none_or(|&octet| octet == wanted);
    let is_known_version = stream.get(2).is_none_or(|&minor| minor <= 4);
    may_begin(stream)
        && is_known_version
        && is_so(RECORD_HEADER_OCTETS + 1, 0)
        && is_so(RECORD_HEADER_OCTETS + MESSAGE_HEADER_OCTETS, 3)
}

/// Length of the handshake message with its header, as that says, once it is there.
fn message_octets(message: &[u8]) -> Option<usize> {
    let &[_, l0, l1, l2] = message.first_chunk::<MESSAGE_HEADER_OCTETS>()?;
    Some(MESSAGE_HEADER_OCTETS + u32::from_be_bytes([0, l0, l1, l2]) as usize)
}

/// What is told of a hello whose end is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CutHello<'a> {
    /// The first host name, as in [`ClientHello::server_name`].
    pub(crate) server_name: &'a [u8],
    /// Whether encrypted names were offered before it breaks off.
    pub(crate) ech: bool,
}

impl<'a> CutHello<'a> {
    /// Reads the beginning of a body; none where the name of the server is not wholly in it. Stricter than
    /// [`ClientHello::read`]: a name of which the end is missing is another name.
    pub(crate) fn read(body: &'a [u8]) -> Option<CutHello<'a>> {
        let mut reader = Reader(body);
        reader.u16()?;
        reader.exact(RANDOM_OCTETS)?;
        for prefix_octets in [1, 2, 1] {
            let length = if prefix_octets == 1 { reader.u8()?.into() } else { reader.u16()? };
            reader.exact(length.into())?;
        }
        let length = reader.u16()?;
        let mut extensions = Reader(reader.up_to(length.into()));
        let mut read = None;
        let mut ech = false;
        while let Some((code, length)) = extensions.u16().zip(extensions.u16())
            && let Some(data) = extensions.exact(length.into())
        {
            ech |= code == extension::ENCRYPTED_CLIENT_HELLO;
            if code == extension::SERVER_NAME {
                read = read.or(first_host_name(Reader(data)));
            }
        }
        read.map(|server_name| CutHello { server_name, ech })
    }
}

/// A ClientHello, taken apart as far as a sensor needs it.
#[derive(Debug, Clone, Copy)]
pub struct ClientHello<'a> {
    /// The version before there was an extension for it.
    pub legacy_version: u16,
    /// Octets of the first host name it asks for (RFC 6066 section 3), as they stand there.
    pub server_name: Option<&'a [u8]>,
    /// Whether it offers encrypted names.
    pub ech: bool,
    ciphers: &'a [u8],
    extensions: &'a [u8],
    alpn: &'a [u8],
    versions: Option<&'a [u8]>,
    signature_algorithms: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// Takes apart the body of a handshake message.
    ///
    /// # Errors
    /// [`BadHello::CutShort`] where it ends before the cipher suites; later parts may be missing or lie.
    pub fn read(body: &'a [u8]) -> Result<ClientHello<'a>, BadHello> {
        let mut reader = Reader(body);
        let legacy_version = reader.u16().ok_or(BadHello::CutShort)?;
        reader.exact(RANDOM_OCTETS).ok_or(BadHello::CutShort)?;
        reader.list_u8().ok_or(BadHello::CutShort)?;
        let ciphers = reader.list_u16().ok_or(BadHello::CutShort)?;
        let _compression = reader.list_u8();
        let extensions = reader.list_u16().unwrap_or_default();
        let mut hello = ClientHello {
            legacy_version,
            server_name: None,
            ech: false,
            ciphers,
            extensions,
            alpn: &[],
            versions: None,
            signature_algorithms: &[],
        };
        for (code, data) in hello.extensions() {
            let mut data = Reader(data);
            match code {
                extension::SERVER_NAME => hello.server_name = hello.server_name.or(first_host_name(data)),
                extension::ALPN => hello.alpn = data.list_u16().unwrap_or_default(),
                extension::SUPPORTED_VERSIONS => hello.versions = Some(data.list_u8().unwrap_or_default()),
                extension::SIGNATURE_ALGORITHMS => hello.signature_algorithms = data.list_u16().unwrap_or_default(),
                extension::ENCRYPTED_CLIENT_HELLO => hello.ech = true,
                _ => {}
            }
        }
        Ok(hello)
    }

    /// The cipher suites, in its order, GREASE included.
    pub fn ciphers(&self) -> impl Iterator<Item = u16> + use<'a> {
        codes(self.ciphers)
    }

    /// The extensions, in its order, GREASE included: code and data.
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut reader = Reader(self.extensions);
        std::iter::from_fn(move || Some((reader.u16()?, reader.list_u16()?)))
    }

    /// The protocols it offers (RFC 7301), in its order.
    pub fn alpn(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader(self.alpn);
        std::iter::from_fn(move || reader.list_u8())
    }

    /// The versions of its extension, GREASE included; none where it has no such extension.
    pub fn versions(&self) -> Option<impl Iterator<Item = u16> + use<'a>> {
        self.versions.map(codes)
    }

    /// The signature algorithms, in its order.
    pub fn signature_algorithms(&self) -> impl Iterator<Item = u16> + use<'a> {
        codes(self.signature_algorithms)
    }
}

fn codes<'a>(octets: &'a [u8]) -> impl Iterator<Item = u16> + use<'a> {
    octets.chunks_exact(2).filter_map(|pair| pair.first_chunk().copied().map(u16::from_be_bytes))
}

fn first_host_name(data: Reader<'_>) -> Option<&[u8]> {
    const HOST_NAME: u8 = 0;
    let mut data = data;
    let mut entries = Reader(data.list_u16()?);
    std::iter::from_fn(|| Some((entries.u8()?, entries.list_u16()?)))
        .find_map(|(kind, name)| (kind == HOST_NAME).then_some(name))
}

/// Hellos made octet by octet, for the tests of every stage.
#[cfg(test)]
pub(crate) mod sample {
    /// A list with its length in so many octets in front.
    pub(crate) fn list(prefix_octets: usize, items: &[u8]) -> Vec<u8> {
        [&(items.len() as u32).to_be_bytes()[4 - prefix_octets..], items].concat()
    }

    fn all(codes: &[u16]) -> Vec<u8> {
        codes.iter().flat_map(|code| code.to_be_bytes()).collect()
    }

    /// An extension.
    pub(crate) fn extension(code: u16, data: &[u8]) -> Vec<u8> {
        [&code.to_be_bytes()[..], &list(2, data)].concat()
    }

    /// server_name with one host name.
    pub(crate) fn server_name(name: &[u8]) -> Vec<u8> {
        extension(0, &list(2, &[&[0], &list(2, name)[..]].concat()))
    }

    /// A whole handshake message.
    pub(crate) fn message(version: u16, ciphers: &[u16], extensions: &[Vec<u8>]) -> Vec<u8> {
        let extensions = if extensions.is_empty() { Vec::new() } else { list(2, &extensions.concat()) };
        let body = [
            &version.to_be_bytes()[..],
            &[7; 32],
            &list(1, &[9; 32]),
            &list(2, &all(ciphers)),
            &list(1, &[0]),
            &extensions,
        ];
        [&[1][..], &list(3, &body.concat())].concat()
    }

    /// A handshake message that names a server, of some 500 octets.
    pub(crate) fn named(name: &str) -> Vec<u8> {
        let alpn = list(2, &[list(1, b"h2"), list(1, b"http/1.1")].concat());
        let extensions = [
            extension(0x2a2a, &[]),
            server_name(name.as_bytes()),
            extension(16, &alpn),
            extension(43, &list(1, &all(&[0x3a3a, 0x0304, 0x0303]))),
            extension(13, &list(2, &all(&[0x0403, 0x0804]))),
            extension(21, &[0; 300]),
        ];
        message(0x0303, &[0x4a4a, 0x1301, 0x1302], &extensions)
    }

    /// A handshake message in records of at most so many octets.
    pub(crate) fn records(message: &[u8], record_octets: usize) -> Vec<u8> {
        message.chunks(record_octets).flat_map(|part| [&[22, 3, 1][..], &list(2, part)].concat()).collect()
    }

    /// An extension whose data makes the reader look into it as the given lists say.
    pub(crate) fn listed(code: u16, codes: &[u16], versions: &[u16], alpn: &[&[u8]]) -> Vec<u8> {
        match code {
            0 => server_name(b"evil.example"),
            13 => extension(13, &list(2, &all(codes))),
            16 => extension(16, &list(2, &alpn.iter().flat_map(|name| list(1, name)).collect::<Vec<u8>>())),
            43 => extension(43, &list(1, &all(versions))),
            other => extension(other, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::sample::{extension, list, message, named, records, server_name};
    use super::*;
    use proptest::prelude::*;

    /// Reads a stream as [`crate::greeting`] does, the first hello in it.
    fn find_hello(stream: &[u8]) -> Result<Opening<Cow<'_, [u8]>>, BadHello> {
        if !may_begin(stream) {
            return Ok(Opening::Other);
        }
        if let Some((body, _)) = hello_in_one_record(stream) {
            return Ok(Opening::Whole(Cow::Borrowed(body)));
        }
        let mut records = Records::default();
        let (taken, opening) = records.take(stream);
        Ok(match opening? {
            Opening::Whole(()) => Opening::Whole(Cow::Owned(records.body().to_vec())),
            // With the first header comes the type of the message, which says whether it is worth waiting for more.
            Opening::Until(until) => Opening::Until((taken + until).max(TELLING_OCTETS)),
            Opening::Other => Opening::Other,
        })
    }

    fn whole(stream: &[u8]) -> Option<Vec<u8>> {
        match find_hello(stream) {
            Ok(Opening::Whole(body)) => Some(body.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_hello_is_read_where_it_lies_and_joined_where_it_is_split() {
        let message = named("evil.example");
        let stream = records(&message, 16384);
        assert!(matches!(find_hello(&stream), Ok(Opening::Whole(Cow::Borrowed(body))) if body == &message[4..]));
        for record_octets in [1, 3, 4, 5, 100, message.len() - 1] {
            let stream = records(&message, record_octets);
            assert_eq!(whole(&stream), Some(message[4..].to_vec()), "{record_octets}");
        }
        // Another message behind it in the same record is not its business.
        let more = [&message[..], &[11, 0, 0, 1, 0]].concat();
        assert_eq!(whole(&records(&more, 16384)), Some(message[4..].to_vec()));
    }

    #[test]
    fn waiting_is_never_longer_than_the_message_and_never_ends_too_soon() {
        let message = named("evil.example");
        for record_octets in [16384, 100, 40] {
            let stream = records(&message, record_octets);
            for have in 0..stream.len() {
                let Ok(Opening::Until(until)) = find_hello(&stream[..have]) else { panic!("{have} {record_octets}") };
                assert!(until > have && until <= stream.len(), "{until} {have}");
            }
        }
        // Nor than the record, where more stands in it.
        let more = records(&[&message[..], &[11, 0, 1, 0], &[0; 256]].concat(), 16384);
        let whole = find_hello(&more[..RECORD_HEADER_OCTETS + message.len()]);
        assert!(matches!(whole, Ok(Opening::Whole(body)) if body == &message[4..]));
    }

    #[test]
    fn what_begins_otherwise_is_something_else() {
        let stream = records(&named("evil.example"), 16384);
        for (at, octet) in [(0, 23), (0, 21), (1, 2), (3, 0x60), (5, 2), (5, 11)] {
            let mut other = stream.clone();
            other[at] = octet;
            assert_eq!(find_hello(&other), Ok(Opening::Other), "{at} {octet}");
            assert_eq!(find_hello(&other[..6]), Ok(Opening::Other), "{at} {octet}");
        }
        let mut long = stream.clone();
        long[6] = 1;
        assert!(matches!(find_hello(&long), Ok(Opening::Until(_))));
        let long = message(0x0303, &[1], &[extension(21, &[0; 0xfff0]), extension(21, &[0; 200])]);
        assert_eq!(find_hello(&records(&long, 16384)), Err(BadHello::TooLong));
        let empty = [22, 3, 1, 0, 0].repeat(HELLO_RECORDS_MAX + 1);
        let begun = records(&named("evil.example")[..20], 20);
        assert_eq!(find_hello(&[begun, empty].concat()), Err(BadHello::TooManyRecords));
        let mut alert = records(&named("evil.example"), 100);
        alert[105] = 21;
        assert_eq!(find_hello(&alert), Err(BadHello::OtherRecord));
    }

    #[test]
    fn every_part_is_found() {
        let message = named("Evil.Example");
        let hello = ClientHello::read(&message[4..]).unwrap();
        assert_eq!(hello.server_name, Some(&b"Evil.Example"[..]));
        assert_eq!(hello.ciphers().collect::<Vec<_>>(), [0x4a4a, 0x1301, 0x1302]);
        assert_eq!(hello.alpn().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
        assert_eq!(hello.versions().unwrap().collect::<Vec<_>>(), [0x3a3a, 0x0304, 0x0303]);
        assert_eq!(hello.signature_algorithms().collect::<Vec<_>>(), [0x0403, 0x0804]);
        assert_eq!(hello.extensions().map(|(code, _)| code).collect::<Vec<_>>(), [0x2a2a, 0, 16, 43, 13, 21]);
        assert!(!hello.ech);
        let ech = sample::message(0x0303, &[0x1301], &[extension(0xfe0d, &[0; 100])]);
        assert!(ClientHello::read(&ech[4..]).unwrap().ech);
    }

    #[test]
    fn the_first_host_name_counts_and_lists_are_read_as_far_as_they_go() {
        let entries = [&[1, 0, 1, b'x'][..], &[0], &list(2, b"a.no"), &[0], &list(2, b"b.no")].concat();
        let read = |extensions: &[Vec<u8>]| {
            let message = message(0x0303, &[0x1301], extensions);
            ClientHello::read(&message[4..]).unwrap().server_name.map(<[u8]>::to_vec)
        };
        assert_eq!(read(&[extension(0, &list(2, &entries))]), Some(b"a.no".to_vec()));
        assert_eq!(read(&[server_name(b"a.no"), server_name(b"b.no")]), Some(b"a.no".to_vec()));
        assert_eq!(read(&[extension(0, &[])]), None);
        assert_eq!(read(&[extension(0, &[0xff, 0xff, 0, 0xff, 0xff, b'a', b'.', b'b'])]), Some(b"a.b".to_vec()));
        let old = message(0x0301, &[5], &[]);
        assert_eq!(ClientHello::read(&old[4..]).unwrap().extensions().count(), 0);
        assert_eq!(ClientHello::read(&old[4..40]).err(), Some(BadHello::CutShort));
    }

    #[test]
    fn of_a_cut_hello_the_name_is_read_when_all_of_it_is_there_and_not_before() {
        let message = named("evil.example");
        let end = message.windows(12).position(|name| name == b"evil.example").unwrap() + 12;
        for until in 4..message.len() {
            let read = CutHello::read(&message[4..until]).map(|cut| cut.server_name);
            assert_eq!(read, (until >= end).then_some(&b"evil.example"[..]), "{until} of {end}");
        }
        // The length of all extensions lies beyond what is there, and may be a lie.
        let none = sample::message(0x0303, &[0x1301], &[extension(0xfe0d, &[0; 100])]);
        assert_eq!(CutHello::read(&none[4..]), None);
        let both =
            sample::message(0x0303, &[0x1301], &[extension(0xfe0d, &[0; 9]), server_name(b"a.no"), extension(9, &[])]);
        assert_eq!(CutHello::read(&both[4..both.len() - 2]), Some(CutHello { server_name: b"a.no", ech: true }));
    }

    #[test]
    fn the_version_of_a_record_is_ignored_and_behind_a_hello_it_is_not() {
        let mut stream = records(&named("evil.no"), 1 << 14);
        for minor in 0..=255 {
            stream[2] = minor;
            assert_eq!(whole(&stream).as_deref(), Some(&named("evil.no")[MESSAGE_HEADER_OCTETS..]), "{minor}");
            assert_eq!(may_begin_again(&stream), minor <= 4, "{minor}");
        }
    }

    proptest! {
        #[test]
        fn records_give_the_same_however_they_come(
            record_octets in 1usize..300,
            portions in prop::collection::vec(1usize..200, 0..60),
        ) {
            let message = named("evil.example");
            let stream = records(&message, record_octets);
            let mut gathered = Records::default();
            let (mut have, mut given) = (0, 0);
            let mut is_whole = false;
            for portion in portions.into_iter().chain([stream.len()]) {
                given = stream.len().min(given + portion);
                let (taken, opening) = gathered.take(&stream[have..given]);
                have += taken;
                prop_assert!(message[4..].starts_with(gathered.body()));
                prop_assert!(gathered.kept_octets() <= 2 * message.len());
                match opening {
                    Ok(Opening::Whole(())) => { is_whole = true; break }
                    Ok(Opening::Until(more)) => prop_assert!(given < stream.len() && more > given - have),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            prop_assert!(is_whole && gathered.body() == &message[4..]);
        }

        #[test]
        fn s3_any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
            let octets = if head { [&[22, 3, 1][..], &octets].concat() } else { octets };
            if let Ok(Opening::Whole(body)) = find_hello(&octets) {
                prop_assert!(body.len() <= octets.len());
            }
            let _ = (find_hello_in_quic(&octets), CutHello::read(&octets), CutHello::read(begun_body_in_quic(&octets)));
            if let Ok(hello) = ClientHello::read(&octets) {
                prop_assert!(hello.ciphers().count() + hello.extensions().count() + hello.alpn().count() <= octets.len());
            }
        }

        #[test]
        fn a_broken_octet_never_panics_and_the_hello_before_it_stays(at in 0usize..600, octet in any::<u8>()) {
            let mut stream = records(&named("evil.example"), 16384);
            let at = at % stream.len();
            stream[at] = octet;
            if let Ok(Opening::Whole(body)) = find_hello(&stream) {
                let _ = ClientHello::read(&body).map(|hello| hello.extensions().count());
            }
        }
    }
}
