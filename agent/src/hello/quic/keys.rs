//! The keys of a client's Initial packets (RFC 9001 section 5): derived from what stands in the clear, the client's alone.

use std::ops::Range;

use aws_lc_rs::aead::quic::{AES_128, HeaderProtectionKey};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

use super::Initial;
use super::version::Version;

/// What HKDF-Expand hashes for the client's secret (RFC 9001 section 5.2): length, label, no context, first block.
const CLIENT_IN: &[u8] = b"\x00\x20\x0ftls13 client in\0\x01";
const TAG_OCTETS: usize = 16;
const SAMPLE_OCTETS: usize = 16;
/// A sample is taken as if the packet number had so many octets (RFC 9001 section 5.4.2).
const NUMBER_MAX_OCTETS: usize = 4;

/// Keys that open a client's Initial packets. Whoever sees the first of them can derive them: no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientKeys {
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

/// A packet that was opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Its packet number.
    pub(crate) number: u64,
    /// Where in the space its frames lie.
    pub(crate) frames: Range<usize>,
}

impl ClientKeys {
    /// Derives them from the destination connection id of the client's first Initial packet.
    pub(crate) fn derive(version: &Version, destination: &[u8]) -> Option<ClientKeys> {
        // HKDF (RFC 5869) of at most one block is HMAC and nothing else; the three keys share the state of theirs.
        let initial_secret = sign(&Key::new(HMAC_SHA256, &version.salt), destination);
        let client_secret = sign(&Key::new(HMAC_SHA256, initial_secret.as_ref()), CLIENT_IN);
        let client = Key::new(HMAC_SHA256, client_secret.as_ref());
        Some(ClientKeys {
            key: *sign(&client, version.labels.key).as_ref().first_chunk()?,
            iv: *sign(&client, version.labels.iv).as_ref().first_chunk()?,
            header: *sign(&client, version.labels.header).as_ref().first_chunk()?,
        })
    }

    /// Takes the protection off a packet, into `space`. None when it does not open: it is another's, or broken.
    pub(crate) fn open(&self, initial: &Initial<'_>, largest: Option<u64>, space: &mut Vec<u8>) -> Option<Opened> {
        let Initial { packet, number_at, .. } = *initial;
        let sample_at = number_at + NUMBER_MAX_OCTETS;
        let sample = packet.get(sample_at..sample_at + SAMPLE_OCTETS)?;
        let mask = HeaderProtectionKey::new(&AES_128, &self.header).ok()?.new_mask(sample).ok()?;
        let [first_mask, number_mask @ ..] = mask;
        // Header in the clear, then the frames.
        space.clear();
        space.extend_from_slice(packet);
        let first = space.first_mut()?;
        *first ^= first_mask & 0x0f;
        let number_octets = usize::from(*first & 3) + 1;
        let header_octets = number_at + number_octets;
        let (header, sealed) = space.split_at_mut_checked(header_octets)?;
        let number = header.get_mut(number_at..)?;
        number.iter_mut().zip(number_mask).for_each(|(octet, mask)| *octet ^= mask);
        let short = number.iter().fold(0, |value, &octet| (value << 8) | u64::from(octet));
        let number = whole_number(short, number_octets, largest);
        let mut nonce = self.iv;
        nonce.iter_mut().skip(4).zip(number.to_be_bytes()).for_each(|(octet, digit)| *octet ^= digit);
        if sealed.len() < TAG_OCTETS {
            return None;
        }
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.key).ok()?);
        let frames = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(header), sealed).ok()?;
        Some(Opened { number, frames: header_octets..header_octets + frames.len() })
    }
}

/// The packet number that is meant (RFC 9000 section A.3): the nearest one to what would come next.
fn whole_number(short: u64, octets: usize, largest: Option<u64>) -> u64 {
    let window = 1u64 << (8 * octets as u32);
    let expected = largest.map_or(0, |largest| largest.saturating_add(1));
    let candidate = (expected & !(window - 1)) | short;
    if candidate.saturating_add(window / 2) <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected.saturating_add(window / 2) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
impl ClientKeys {
    /// Puts the protection on: header in the clear, whose last octets are the packet number, and frames.
    pub(crate) fn seal(&self, header: &[u8], number_octets: usize, number: u64, frames: &[u8]) -> Vec<u8> {
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(octet, digit)| *octet ^= digit);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.key).unwrap());
        let mut sealed = frames.to_vec();
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header), &mut sealed)
            .unwrap();
        sealed.extend_from_slice(tag.as_ref());
        let mut packet = [header, &sealed].concat();
        let number_at = header.len() - number_octets;
        let sample = packet[number_at + 4..number_at + 20].to_vec();
        let mask = HeaderProtectionKey::new(&AES_128, &self.header).unwrap().new_mask(&sample).unwrap();
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at..header.len()].iter_mut().zip(&mask[1..]).for_each(|(octet, mask)| *octet ^= mask);
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_numbers_are_the_nearest_ones() {
        assert_eq!(whole_number(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32, "RFC 9000 section A.3");
        assert_eq!(whole_number(2, 4, None), 2);
        assert_eq!(whole_number(0, 1, Some(255)), 256);
        assert_eq!(whole_number(255, 1, Some(256)), 255);
        assert_eq!(whole_number(255, 1, None), 255);
    }
}
