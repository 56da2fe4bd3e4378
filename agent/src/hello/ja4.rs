//! JA4 of a ClientHello, as FoxIO describes it ("JA4: TLS Client Fingerprinting", BSD-3-Clause): TLS clients only.

use sha2::{Digest, Sha256};
use varde_common::ja4::{BadJa4, JA4_OCTETS, Ja4};
use varde_common::observation::HelloTransport;

use super::tls::{ClientHello, extension, is_grease};

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";
/// Hexadecimal digits kept of each hash.
const HASH_DIGITS: usize = 12;

/// The fingerprint.
///
/// # Errors
/// None in practice: what is put together here has the form of one.
pub fn fingerprint(hello: &ClientHello<'_>, transport: HelloTransport) -> Result<Ja4, BadJa4> {
    let mut codes: Vec<u16> = Vec::with_capacity(64);
    let mut text: Vec<u8> = Vec::with_capacity(256);

    codes.extend(hello.ciphers().filter(|&code| !is_grease(code)));
    let ciphers = two_digits(codes.len());
    codes.sort_unstable();
    write_codes(&mut text, codes.iter().copied());
    let cipher_hash = hash(&text);

    codes.clear();
    codes.extend(hello.extensions().map(|(code, _)| code).filter(|&code| !is_grease(code)));
    let extensions = two_digits(codes.len());
    let has_name = codes.contains(&extension::SERVER_NAME);
    // Both have their place in front; without them the hash is the same whichever server is called.
    codes.retain(|&code| code != extension::SERVER_NAME && code != extension::ALPN);
    codes.sort_unstable();
    text.clear();
    write_codes(&mut text, codes.iter().copied());
    let mut signatures = hello.signature_algorithms().filter(|&code| !is_grease(code)).peekable();
    if !text.is_empty() && signatures.peek().is_some() {
        text.push(b'_');
        write_codes(&mut text, signatures);
    }
    let extension_hash = hash(&text);

    let mut whole = [b'_'; JA4_OCTETS];
    let transport = match transport {
        HelloTransport::Tls => b't',
        HelloTransport::Quic => b'q',
    };
    let name = if has_name { b'd' } else { b'i' };
    let parts: [&[u8]; 9] = [
        &[transport],
        version(hello),
        &[name],
        &ciphers,
        &extensions,
        &first_and_last(hello.alpn().next().unwrap_or_default()),
        b"_",
        &cipher_hash,
        b"_",
    ];
    let octets = parts.into_iter().flatten().chain(&extension_hash);
    whole.iter_mut().zip(octets).for_each(|(place, &octet)| *place = octet);
    Ja4::from_octets(&whole)
}

/// The highest version of the extension, else the one in front.
fn version(hello: &ClientHello<'_>) -> &'static [u8; 2] {
    let offered = hello.versions().map(|versions| versions.filter(|&code| !is_grease(code)).max().unwrap_or(0));
    match offered.unwrap_or(hello.legacy_version) {
        0x0304 => b"13",
        0x0303 => b"12",
        0x0302 => b"11",
        0x0301 => b"10",
        0x0300 => b"s3",
        0x0002 => b"s2",
        0xfeff => b"d1",
        0xfefd => b"d2",
        0xfefc => b"d3",
        _ => b"00",
    }
}

/// A count, at most 99.
fn two_digits(count: usize) -> [u8; 2] {
    let count = count.min(99) as u8;
    [b'0' + count / 10, b'0' + count % 10]
}

/// First and last character of the first protocol; where one of the two octets is no letter and no digit, first and last
/// digit of its hexadecimal form.
fn first_and_last(protocol: &[u8]) -> [u8; 2] {
    match (protocol.first(), protocol.last()) {
        (Some(first), Some(last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => [*first, *last],
        (Some(first), Some(last)) => [digit(first >> 4), digit(*last)],
        (_, _) => *b"00",
    }
}

fn digit(nibble: u8) -> u8 {
    HEXADECIMAL.get(usize::from(nibble & 15)).copied().unwrap_or(b'0')
}

/// Four digits each, commas between.
fn write_codes(text: &mut Vec<u8>, codes: impl Iterator<Item = u16>) {
    for (place, code) in codes.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        let [high, low] = code.to_be_bytes();
        text.extend([digit(high >> 4), digit(high), digit(low >> 4), digit(low)]);
    }
}

/// The first digits of the hash; zeros for nothing.
fn hash(text: &[u8]) -> [u8; HASH_DIGITS] {
    let mut digits = [b'0'; HASH_DIGITS];
    if !text.is_empty() {
        let hash = Sha256::digest(text);
        let all = hash.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]);
        digits.iter_mut().zip(all).for_each(|(place, digit)| *place = digit);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::tls::sample::{listed, message};
    use proptest::prelude::*;

    /// Fingerprint of a hello with these lists: ciphers, extensions in order, signature algorithms, versions, protocols.
    fn ja4(
        transport: HelloTransport,
        ciphers: &[u16],
        extensions: &[u16],
        signatures: &[u16],
        versions: &[u16],
        alpn: &[&[u8]],
    ) -> String {
        let extensions: Vec<Vec<u8>> =
            extensions.iter().map(|&code| listed(code, signatures, versions, alpn)).collect();
        let message = message(0x0303, ciphers, &extensions);
        fingerprint(&ClientHello::read(&message[4..]).unwrap(), transport).unwrap().to_string()
    }

    const CHROME_CIPHERS: [u16; 16] = [
        0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
        0x002f, 0x0035,
    ];
    const CHROME_SIGNATURES: [u16; 8] = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
    const TLS_13: [u16; 3] = [0xdada, 0x0304, 0x0303];

    #[test]
    fn published_vectors_hold() {
        // The description's own example, with the GREASE Chrome adds.
        let extensions = [
            0x9a9a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
            0xff01, 0x000b, 0x000a, 0x0015, 0xbaba,
        ];
        let h2: [&[u8]; 2] = [b"h2", b"http/1.1"];
        let chrome = |extensions: &[u16], signatures: &[u16]| {
            ja4(HelloTransport::Tls, &CHROME_CIPHERS, extensions, signatures, &TLS_13, &h2)
        };
        assert_eq!(chrome(&extensions, &CHROME_SIGNATURES), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        // Its example of a hello without signature algorithms.
        assert_eq!(chrome(&extensions, &[]), "t13d1516h2_8daaf6152771_6d807ffa2a79");
        // Chrome 143, as browserleaks.com publishes its raw and its hashed form.
        let newer = [
            0x002d, 0x0033, 0x0010, 0xfe0d, 0x0017, 0x44cd, 0x0000, 0x000b, 0x000a, 0x002b, 0xff01, 0x0023, 0x0012,
            0x0005, 0x000d, 0x001b,
        ];
        assert_eq!(chrome(&newer, &CHROME_SIGNATURES), "t13d1516h2_8daaf6152771_d8a2da3f94cd");
        // A Java client over QUIC, raw and hashed form published with it.
        let kwik = [0x0000, 0x0010, 0x000a, 0x000d, 0x002b, 0x002d, 0x0033, 0x0039];
        let signatures = [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806];
        assert_eq!(
            ja4(HelloTransport::Quic, &[0x1301], &kwik, &signatures, &[0x0304], &[b"h3"]),
            "q13d0108h3_0f2cb44170f4_276fd97ef477"
        );
    }

    #[test]
    fn corners_of_the_description() {
        let of = |ciphers: &[u16], extensions: &[u16], versions: &[u16], alpn: &[&[u8]]| {
            ja4(HelloTransport::Tls, ciphers, extensions, &[], versions, alpn)
        };
        assert_eq!(of(&[], &[], &[], &[]), "t12i000000_000000000000_000000000000");
        assert_eq!(of(&[0x0a0a], &[0x1a1a, 0, 16], &[], &[]), "t12d000200_000000000000_000000000000");
        let many: Vec<u16> = (1..=300).collect();
        assert!(of(&many, &[], &[], &[]).starts_with("t12i990000_"));
        for (versions, shown) in [
            (&[0x0301, 0x0302][..], "11"),
            (&[0x0300], "s3"),
            (&[0x0002], "s2"),
            (&[0x7f1c, 0x0303], "00"),
            (&[0x0a0a], "00"),
            (&[0xfefd, 0x0304], "d2"),
        ] {
            assert_eq!(&of(&[], &[43], versions, &[])[1..3], shown, "{versions:x?}");
        }
        for (alpn, shown) in [
            (&b"http/1.1"[..], "h1"),
            (b"h", "hh"),
            (b"", "00"),
            (b"\xab", "ab"),
            (b"\xab\xcd", "ad"),
            (b"\x30\xab", "3b"),
            (b"\x30\x31\xab\xcd", "3d"),
            (b"\x30\xab\xcd\x31", "01"),
            (b"\x0a\x0a", "0a"),
        ] {
            assert_eq!(&of(&[], &[16], &[], &[alpn])[8..10], shown, "{alpn:x?}");
        }
        assert_eq!(&of(&[], &[16], &[], &[])[8..10], "00");
    }

    proptest! {
        #[test]
        fn any_hello_has_one(octets in prop::collection::vec(any::<u8>(), 37..300)) {
            if let Ok(hello) = ClientHello::read(&octets) {
                prop_assert!(fingerprint(&hello, HelloTransport::Quic).is_ok());
            }
        }

        #[test]
        fn order_of_ciphers_and_extensions_does_not_count(
            ciphers in prop::collection::vec(any::<u16>(), 0..20).prop_shuffle(),
            extensions in prop::collection::vec(100u16..200, 0..20),
        ) {
            let forth = ja4(HelloTransport::Tls, &ciphers, &extensions, &[], &[], &[]);
            let (mut ciphers, mut extensions) = (ciphers, extensions);
            ciphers.reverse();
            extensions.reverse();
            prop_assert_eq!(forth, ja4(HelloTransport::Tls, &ciphers, &extensions, &[], &[], &[]));
        }
    }
}
