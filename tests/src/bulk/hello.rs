//! TLS ClientHellos as real clients send them (RFC 8446 section 4.1.2), in the manner of three kinds of client.

use crate::random::Random;

/// Whose manner a ClientHello has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A browser with GREASE and a shuffled order of extensions.
    Browser,
    /// The same with a post-quantum key share: too large for one segment.
    PostQuantum,
    /// A program on a plain TLS library.
    Library,
    /// Over QUIC: TLS 1.3 only, transport parameters.
    Quic,
    /// Over QUIC with a post-quantum key share: too large for one datagram.
    QuicPostQuantum,
}

impl Manner {
    fn over_quic(self) -> bool {
        matches!(self, Manner::Quic | Manner::QuicPostQuantum)
    }

    fn post_quantum(self) -> bool {
        matches!(self, Manner::PostQuantum | Manner::QuicPostQuantum)
    }
}

fn with_length16(octets: &[u8]) -> Vec<u8> {
    [&(octets.len() as u16).to_be_bytes()[..], octets].concat()
}

fn numbers(numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    numbers.into_iter().flat_map(u16::to_be_bytes).collect()
}

fn octets(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count.div_ceil(8)).flat_map(|_| random.next_u64().to_le_bytes()).take(count).collect()
}

/// A value set aside for clients that want servers to stay tolerant (RFC 8701).
fn grease(random: &mut Random) -> u16 {
    0x0a0a + 0x1010 * random.below(16) as u16
}

fn share(random: &mut Random, group: u16, length: usize) -> Vec<u8> {
    [&group.to_be_bytes()[..], &with_length16(&octets(random, length))].concat()
}

fn extensions(random: &mut Random, manner: Manner, name: &str, alpn: &[&str]) -> Vec<(u16, Vec<u8>)> {
    let browser = manner != Manner::Library;
    let mut groups = vec![0x001d, 0x0017, 0x0018];
    let mut shares = Vec::new();
    if browser {
        let value = grease(random);
        groups.insert(0, value);
        shares.extend_from_slice(&[&value.to_be_bytes()[..], &[0, 1, 0]].concat());
    }
    if manner.post_quantum() {
        groups.insert(1, 0x11ec);
        shares.extend(share(random, 0x11ec, 1216));
    }
    shares.extend(share(random, 0x001d, 32));
    let versions = match manner {
        Manner::Library => vec![0x0304, 0x0303],
        Manner::Browser | Manner::PostQuantum => vec![grease(random), 0x0304, 0x0303],
        Manner::Quic | Manner::QuicPostQuantum => vec![0x0304],
    };
    let mut all = vec![
        (0x000a, with_length16(&numbers(groups))),
        (0x000d, with_length16(&numbers([0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]))),
        (0x002b, [&[versions.len() as u8 * 2][..], &numbers(versions)].concat()),
        (0x002d, vec![1, 1]),
        (0x0033, with_length16(&shares)),
    ];
    if !name.is_empty() {
        let entry = [&[0][..], &with_length16(name.as_bytes())].concat();
        all.push((0x0000, with_length16(&entry)));
    }
    if !alpn.is_empty() {
        let list: Vec<u8> = alpn.iter().flat_map(|p| [&[p.len() as u8][..], p.as_bytes()].concat()).collect();
        all.push((0x0010, with_length16(&list)));
    }
    if manner.over_quic() {
        let parameters = [&[0x01, 4, 0x80, 0, 0x75, 0x30, 0x0f, 8][..], &octets(random, 8)].concat();
        all.push((0x0039, parameters));
    } else {
        all.extend([(0x000b, vec![1, 0]), (0x0017, vec![]), (0xff01, vec![0]), (0x0023, vec![])]);
        all.push((0x0005, vec![1, 0, 0, 0, 0]));
        all.push((0x0012, vec![]));
    }
    if browser {
        all.push((0x001b, vec![2, 0, 2]));
        for place in (1..all.len()).rev() {
            all.swap(place, random.below(place as u64 + 1) as usize);
        }
        all.insert(0, (grease(random), vec![]));
        all.push((grease(random), vec![0]));
    }
    all
}

/// A whole ClientHello handshake message; an empty `name` leaves the extension away.
pub fn message(random: &mut Random, manner: Manner, name: &str, alpn: &[&str]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(octets(random, 32));
    if manner.over_quic() {
        body.push(0);
    } else {
        body.push(32);
        body.extend(octets(random, 32));
    }
    let mut ciphers = vec![0x1301, 0x1302, 0x1303];
    if manner != Manner::Library {
        ciphers.insert(0, grease(random));
    }
    if !manner.over_quic() {
        ciphers
            .extend([0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035]);
    }
    body.extend(with_length16(&numbers(ciphers)));
    body.extend([1, 0]);
    let extensions: Vec<u8> = extensions(random, manner, name, alpn)
        .into_iter()
        .flat_map(|(kind, data)| [&kind.to_be_bytes()[..], &with_length16(&data)].concat())
        .collect();
    body.extend(with_length16(&extensions));
    let length = (body.len() as u32).to_be_bytes();
    [&[1][..], &length[1..], &body].concat()
}

/// A handshake message in TLS records of at most `at_most` octets of it each (RFC 8446 section 5.1).
pub fn records(message: &[u8], at_most: usize) -> Vec<u8> {
    message.chunks(at_most.max(1)).flat_map(|part| [&[0x16, 3, 1][..], &with_length16(part)].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_holds_its_name_and_its_own_length() {
        let mut random = Random::seeded(5);
        for manner in [Manner::Browser, Manner::PostQuantum, Manner::Library, Manner::Quic, Manner::QuicPostQuantum] {
            let hello = message(&mut random, manner, "www.a.no", &["h2", "http/1.1"]);
            let length = u32::from_be_bytes([0, hello[1], hello[2], hello[3]]) as usize;
            assert_eq!(length + 4, hello.len());
            assert!(hello.windows(8).any(|part| part == b"www.a.no"));
            assert_eq!(hello.len() > 1400, manner.post_quantum(), "{manner:?} {}", hello.len());
            assert_eq!(records(&hello, 1 << 14).len(), hello.len() + 5);
        }
    }
}
