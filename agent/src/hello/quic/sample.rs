//! Initial packets made octet by octet, for the tests of every stage.

use super::keys::ClientKeys;
use super::version::{Version, find};

/// A client's or server's end of a connection that makes Initial packets.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) version: &'static Version,
    pub(crate) keys: ClientKeys,
    /// Where the next packets go; the keys stay.
    pub(crate) destination: Vec<u8>,
    pub(crate) token: Vec<u8>,
}

impl Sender {
    /// A client that begins with this destination connection id.
    pub(crate) fn new(version: u32, destination: &[u8]) -> Sender {
        let version = find(version).unwrap();
        let keys = ClientKeys::derive(version, destination).unwrap();
        Sender { version, keys, destination: destination.to_vec(), token: Vec::new() }
    }

    /// One packet.
    pub(crate) fn packet(&self, number: u32, frames: &[u8]) -> Vec<u8> {
        // A packet is long enough for its sample.
        let frames = [frames, &[0; 4]].concat();
        let header = [
            &[self.version.initial_first()][..],
            &self.version.number().to_be_bytes(),
            &[self.destination.len() as u8],
            &self.destination,
            &[3, 1, 2, 3],
            &variable(self.token.len()),
            &self.token,
            &variable(frames.len() + 4 + 16),
            &number.to_be_bytes(),
        ]
        .concat();
        self.keys.seal(&header, 4, number.into(), &frames)
    }
}

/// A variable-length integer of two octets.
pub(crate) fn variable(value: usize) -> Vec<u8> {
    (value as u16 | 0x4000).to_be_bytes().to_vec()
}

/// A CRYPTO frame with a part of a stream.
pub(crate) fn crypto(stream: &[u8], part: std::ops::Range<usize>) -> Vec<u8> {
    [&[6][..], &variable(part.start), &variable(part.len()), &stream[part]].concat()
}
