//! QUIC Initial packets sealed as a client of every dialect would, from the standards and apart from the sensor's own
//! derivation: what fuzz targets put behind the protection, and what their first seeds are made of.

use aws_lc_rs::aead::quic::{AES_128, HeaderProtectionKey};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

/// A version of QUIC, as far as its Initial packets differ from other versions'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Its number.
    pub version: u32,
    /// The salt of its Initial secret.
    salt: [u8; 20],
    /// Its labels for key, initialisation vector and header protection.
    labels: [&'static str; 3],
    /// The first octet of an Initial packet with a packet number of four octets.
    first: u8,
    /// The number of its CRYPTO frame.
    pub crypto: u8,
}

const LABELS: [&str; 3] = ["quic key", "quic iv", "quic hp"];

/// RFC 9000, RFC 9369, draft 29 and Google's T051.
pub const DIALECTS: [Dialect; 4] = [
    Dialect {
        version: 1,
        salt: [
            0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb,
            0x7f, 0x0a,
        ],
        labels: LABELS,
        first: 0xc3,
        crypto: 6,
    },
    Dialect {
        version: 0x6b33_43cf,
        salt: [
            0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd,
            0x2e, 0xd9,
        ],
        labels: ["quicv2 key", "quicv2 iv", "quicv2 hp"],
        first: 0xd3,
        crypto: 6,
    },
    Dialect {
        version: 0xff00_001d,
        salt: [
            0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90,
            0xa8, 0x99,
        ],
        labels: LABELS,
        first: 0xc3,
        crypto: 6,
    },
    Dialect {
        version: 0x5430_3531,
        salt: [
            0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e,
            0x03, 0x3d,
        ],
        labels: LABELS,
        first: 0xc3,
        crypto: 8,
    },
];

const fn early(version: u32, salt: [u8; 20], crypto: u8) -> Dialect {
    Dialect { version, salt, labels: LABELS, first: 0xc3, crypto }
}

/// Of drafts 23 to 28, in Facebook's numbering 0xfaceb002.
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5,
    0x02,
];
/// Of draft 22, in Facebook's numbering 0xfaceb001.
const SALT_DRAFT_22: [u8; 20] = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64,
    0x4a,
];
const SALT_T050: [u8; 20] = [
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83,
    0x10,
];

/// Those, and every other that a sensor is to open: drafts at both ends of each salt, mvfst's, Google's T050.
pub fn every() -> Vec<Dialect> {
    let [first, second, draft_29, t051] = DIALECTS;
    let draft = |number: u32, salt| early(0xff00_0000 | number, salt, 6);
    let of_facebook = |number: u32, salt| early(0xface_b000 | number, salt, 6);
    vec![
        first,
        second,
        draft(23, SALT_DRAFT_23),
        draft(24, SALT_DRAFT_23),
        draft(27, SALT_DRAFT_23),
        draft(28, SALT_DRAFT_23),
        draft_29,
        draft(30, draft_29.salt),
        draft(31, draft_29.salt),
        draft(32, draft_29.salt),
        draft(33, first.salt),
        draft(34, first.salt),
        of_facebook(1, SALT_DRAFT_22),
        of_facebook(2, SALT_DRAFT_23),
        of_facebook(3, first.salt),
        of_facebook(4, first.salt),
        of_facebook(0x0e, SALT_DRAFT_23),
        early(0x5430_3530, SALT_T050, 8),
        t051,
    ]
}

struct Octets(usize);

impl KeyType for Octets {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1) without context.
fn expand<const N: usize>(secret: &Prk, label: &str) -> Option<[u8; N]> {
    let info = [&(N as u16).to_be_bytes()[..], &[6 + label.len() as u8], b"tls13 ", label.as_bytes(), &[0]].concat();
    let mut octets = [0; N];
    secret.expand(&[&info], Octets(N)).ok()?.fill(&mut octets).ok()?;
    Some(octets)
}

/// A variable-length integer of two octets (RFC 9000 section 16).
pub fn variable(value: usize) -> [u8; 2] {
    (value as u16 & 0x3fff | 0x4000).to_be_bytes()
}

/// A CRYPTO frame of a dialect: a part of the stream of handshake messages.
pub fn crypto(dialect: &Dialect, stream: &[u8], part: std::ops::Range<usize>) -> Vec<u8> {
    let piece = stream.get(part.clone()).unwrap_or_default();
    [&[dialect.crypto][..], &variable(part.start), &variable(piece.len()), piece].concat()
}

/// One Initial packet to `destination`, with the keys that follow from `chosen`, the server's first connection id as the
/// client chose it. At most some 16,000 octets of frames.
pub fn seal(dialect: &Dialect, chosen: &[u8], destination: &[u8], number: u32, frames: &[u8]) -> Option<Vec<u8>> {
    seal_with_token(dialect, chosen, destination, &[], number, frames)
}

/// The same with a token, which a server gave in a Retry packet (RFC 9000 section 17.2.5).
pub fn seal_with_token(
    dialect: &Dialect,
    chosen: &[u8],
    destination: &[u8],
    token: &[u8],
    number: u32,
    frames: &[u8],
) -> Option<Vec<u8>> {
    let initial = Salt::new(HKDF_SHA256, &dialect.salt).extract(chosen);
    let client: [u8; 32] = expand(&initial, "client in")?;
    let client = Prk::new_less_safe(HKDF_SHA256, &client);
    let [key, iv, header_key] = dialect.labels;
    let key: [u8; 16] = expand(&client, key)?;
    let mut nonce: [u8; 12] = expand(&client, iv)?;
    let header_key: [u8; 16] = expand(&client, header_key)?;

    let mut packet = vec![dialect.first];
    packet.extend_from_slice(&dialect.version.to_be_bytes());
    packet.push(destination.len() as u8);
    packet.extend_from_slice(destination);
    // No source connection id.
    packet.push(0);
    match token.len() {
        short @ 0..64 => packet.push(short as u8),
        long => packet.extend_from_slice(&variable(long)),
    }
    packet.extend_from_slice(token);
    packet.extend_from_slice(&variable(4 + frames.len() + 16));
    let number_at = packet.len();
    packet.extend_from_slice(&number.to_be_bytes());

    nonce.iter_mut().rev().zip(number.to_be_bytes().iter().rev()).for_each(|(octet, digit)| *octet ^= digit);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let mut sealed = frames.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&packet), &mut sealed).ok()?;
    packet.extend_from_slice(&sealed);

    let sample = packet.get(number_at + 4..number_at + 20)?;
    let mask = HeaderProtectionKey::new(&AES_128, &header_key).ok()?.new_mask(sample).ok()?;
    let [first_mask, number_mask @ ..] = mask;
    *packet.first_mut()? ^= first_mask & 0x0f;
    packet.iter_mut().skip(number_at).zip(number_mask).for_each(|(octet, mask)| *octet ^= mask);
    Some(packet)
}
