//! The versions of QUIC whose first packet holds a TLS ClientHello, in one table: their salts and how they differ.

/// A version, or several that greet alike.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    first: u32,
    last: u32,
    /// Salt of the Initial secret (RFC 9001 section 5.2).
    pub(crate) salt: [u8; 20],
    /// Labels of the packet protection keys.
    pub(crate) labels: &'static Labels,
    /// Bits 4 and 5 of the first octet of an Initial and of a Retry packet.
    initial_bits: u8,
    retry_bits: u8,
    /// CRYPTO frames have the number 8, and ACK frames another form.
    pub(crate) has_google_frames: bool,
}

/// Labels of the packet protection keys, as HKDF-Expand hashes them: length wanted, label, no context, first block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) key: &'static [u8],
    pub(crate) iv: &'static [u8],
    pub(crate) header: &'static [u8],
}

const LABELS_1: Labels = Labels {
    key: b"\x00\x10\x0etls13 quic key\0\x01",
    iv: b"\x00\x0c\x0dtls13 quic iv\0\x01",
    header: b"\x00\x10\x0dtls13 quic hp\0\x01",
};
const LABELS_2: Labels = Labels {
    key: b"\x00\x10\x10tls13 quicv2 key\0\x01",
    iv: b"\x00\x0c\x0ftls13 quicv2 iv\0\x01",
    header: b"\x00\x10\x0ftls13 quicv2 hp\0\x01",
};

/// What a packet with a long header is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PacketType {
    Initial,
    Retry,
    /// 0-RTT or Handshake.
    Other,
}

const fn row(first: u32, last: u32, salt: [u8; 20]) -> Version {
    Version { first, last, salt, labels: &LABELS_1, initial_bits: 0, retry_bits: 3, has_google_frames: false }
}

const fn second(number: u32, salt: [u8; 20]) -> Version {
    Version { labels: &LABELS_2, initial_bits: 1, retry_bits: 0, ..row(number, number, salt) }
}

const fn google(number: u32, salt: [u8; 20]) -> Version {
    Version { has_google_frames: true, ..row(number, number, salt) }
}

const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f,
    0x0a,
];
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8,
    0x99,
];
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5,
    0x02,
];
const SALT_DRAFT_22: [u8; 20] = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64,
    0x4a,
];
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e,
    0xd9,
];
const SALT_2_DRAFT: [u8; 20] = [
    0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d, 0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5,
    0xd3,
];
const SALT_T050: [u8; 20] = [
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83,
    0x10,
];
const SALT_T051: [u8; 20] = [
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03,
    0x3d,
];

/// The table, the usual ones first.
pub(crate) static VERSIONS: [Version; 13] = [
    // RFC 9000.
    row(1, 1, SALT_1),
    // RFC 9369, and its drafts.
    second(0x6b33_43cf, SALT_2),
    second(0x709a_50c4, SALT_2_DRAFT),
    // draft-ietf-quic-transport-33 and -34, -29 to -32, -23 to -28, -22.
    row(0xff00_0021, 0xff00_0022, SALT_1),
    row(0xff00_001d, 0xff00_0020, SALT_DRAFT_29),
    row(0xff00_0017, 0xff00_001c, SALT_DRAFT_23),
    row(0xff00_0016, 0xff00_0016, SALT_DRAFT_22),
    // mvfst's own: two aliases of version 1, and what it tried out on top of drafts.
    row(0xface_b001, 0xface_b001, SALT_DRAFT_22),
    row(0xface_b002, 0xface_b002, SALT_DRAFT_23),
    row(0xface_b003, 0xface_b004, SALT_1),
    row(0xface_b005, 0xface_b0ff, SALT_DRAFT_23),
    // Google's own with TLS.
    google(0x5430_3530, SALT_T050),
    google(0x5430_3531, SALT_T051),
];

/// The row of a version number.
pub(crate) fn find(number: u32) -> Option<&'static Version> {
    VERSIONS.iter().find(|version| (version.first..=version.last).contains(&number))
}

impl Version {
    /// What the first octet of a long header says.
    pub(crate) fn packet_type(&self, first: u8) -> PacketType {
        match (first >> 4) & 3 {
            bits if bits == self.initial_bits => PacketType::Initial,
            bits if bits == self.retry_bits => PacketType::Retry,
            _ => PacketType::Other,
        }
    }

    /// The first number of the row.
    pub(crate) fn number(&self) -> u32 {
        self.first
    }

    /// The first octet of an Initial packet with a packet number of four octets.
    #[cfg(test)]
    pub(crate) fn initial_first(&self) -> u8 {
        0xc3 | (self.initial_bits << 4)
    }

    /// The first octet of a Retry packet.
    #[cfg(test)]
    pub(crate) fn retry_first(&self) -> u8 {
        0xc0 | (self.retry_bits << 4)
    }
}
