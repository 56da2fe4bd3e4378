//! Keyed hashes of what is looked up: hostile traffic chooses the keys, so a seed that nobody outside knows stands in
//! each. A name's suffixes are hashed from the right in one pass, so that all of them together cost its length.

use crate::ja4::Ja4;
use crate::limits::NAME_MAX_LABELS;
use crate::name::Name;

/// The randomness of one compile. The compiler draws it; it is written into the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    octets: [u8; 16],
    start: u64,
    step: u64,
}

/// Digits of π, so that no two classes of keys share a start.
const NAMES: u64 = 0x2437_a115_9c1d_3f8b;
const NETWORKS: u64 = 0x1319_8a2e_0370_7344;
const FINGERPRINTS: u64 = 0xa409_3822_299f_31d0;
const DIGESTS: u64 = 0x082e_fa98_ec4e_6c89;
const LAST: u64 = 0x4528_21e6_38d0_1377;

/// Multiplies to 128 bits and folds the halves: every bit of either side reaches every bit of the result.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The bits of an IPv4 address that a prefix length keeps.
pub(super) fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

/// The bits of an IPv6 address that a prefix length keeps.
pub(super) fn mask_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
}

/// Every bit into every other, undoably (two multiplications and three shifts, after P. Evensen's rrxmrrxmsx).
#[inline]
const fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 32).wrapping_mul(0x0e98_46af_9b1a_615d);
    let number = (number ^ number >> 32).wrapping_mul(0x0e98_46af_9b1a_615d);
    number ^ number >> 28
}

fn first_eight(octets: &[u8]) -> u64 {
    octets.first_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// Up to sixteen octets as two numbers; together with the length they are the octets.
#[inline]
fn two(octets: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (octets.first_chunk::<8>(), octets.last_chunk::<8>()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (octets.first_chunk::<4>(), octets.last_chunk::<4>()) {
        return (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
    }
    match *octets {
        [] => (0, 0),
        [a] => (u64::from(a), 0),
        [a, b] => (u64::from(a), u64::from(b)),
        [a, b, c, ..] => (u64::from(a), u64::from(b) | u64::from(c) << 8),
    }
}

impl Seed {
    /// Of sixteen random octets.
    pub fn from_octets(octets: [u8; 16]) -> Seed {
        let [a, b, c, d, e, f, g, h, rest @ ..] = octets;
        let (front, back) = (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes(rest));
        // Not as they are: octets that are less than random must not make a hash that is less than good.
        let start = mix(front ^ NAMES);
        Seed { octets, start, step: mix(start ^ back ^ NETWORKS) }
    }

    /// What a label of sixteen octets must begin with for its end, and all to its right, to be forgotten: the
    /// multiplication is then by zero.
    #[cfg(test)]
    pub(super) fn forgetful(self) -> [u8; 8] {
        self.step.to_le_bytes()
    }

    /// The sixteen octets.
    pub fn octets(self) -> [u8; 16] {
        self.octets
    }

    /// Another label to the left.
    #[inline]
    fn label(self, hash: u64, label: &[u8]) -> u64 {
        let mut hash = hash ^ (label.len() as u64).wrapping_mul(LAST);
        let mut rest = label;
        while rest.len() > 16 {
            let (block, after) = rest.split_at(16);
            let (a, b) = two(block);
            hash = fold(a ^ self.step, b ^ hash);
            rest = after;
        }
        let (a, b) = two(rest);
        fold(a ^ self.step, b ^ hash)
    }

    /// Tells `each` the name and every name above it, from the shortest: how many labels are to its left, how many it
    /// has, its hash.
    #[inline]
    pub(super) fn suffixes(self, name: Name<'_>, mut each: impl FnMut(usize, u32, u64)) {
        let octets = name.octets();
        let mut starts = [0u8; NAME_MAX_LABELS + 1];
        let mut count = 0usize;
        let mut at = 0usize;
        while let (Some(&len), Some(start)) = (octets.get(at), starts.get_mut(count)) {
            *start = at as u8;
            count += 1;
            at += 1 + usize::from(len);
        }
        let mut hash = self.start ^ NAMES;
        let mut labels = 0u32;
        for (left, &start) in starts.get(..count).unwrap_or_default().iter().enumerate().rev() {
            let start = usize::from(start);
            let len = usize::from(octets.get(start).copied().unwrap_or_default());
            hash = self.label(hash, octets.get(start + 1..start + 1 + len).unwrap_or_default());
            labels += 1;
            each(left, labels, mix(hash));
        }
    }

    /// One whole name and how many labels it has.
    pub(super) fn name(self, name: Name<'_>) -> (u64, u32) {
        let mut whole = (0, 0);
        self.suffixes(name, |_, labels, hash| whole = (hash, labels));
        whole
    }

    /// An IPv4 network's first address and prefix length; an address by itself has prefix 32.
    #[inline]
    pub(super) fn v4(self, first: u32, prefix: u8) -> u64 {
        let hash = fold(u64::from(first) ^ self.step, u64::from(prefix) << 32 ^ 4 ^ NETWORKS ^ self.start);
        mix(hash)
    }

    /// An IPv6 network's first address and prefix length; an address by itself has prefix 128.
    #[inline]
    pub(super) fn v6(self, first: u128, prefix: u8) -> u64 {
        let hash = fold((first >> 64) as u64 ^ self.step, u64::from(prefix) << 32 ^ 6 ^ NETWORKS ^ self.start);
        mix(fold(first as u64 ^ self.start, hash))
    }

    /// A client's fingerprint.
    pub(super) fn ja4(self, fingerprint: &Ja4) -> u64 {
        let hash =
            fingerprint.octets().chunks(8).fold(self.start ^ FINGERPRINTS, |hash, chunk| self.label(hash, chunk));
        mix(hash)
    }

    /// A keyed hash: random already, but not to who has made it.
    pub(super) fn digest(self, digest: &[u8; 16]) -> u64 {
        let (front, back) = digest.split_at(8);
        mix(fold(first_eight(front) ^ self.step, first_eight(back) ^ self.start ^ DIGESTS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{DomainName, NameBuf};
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn seed() -> Seed {
        Seed::from_octets(*b"0123456789abcdef")
    }

    #[test]
    fn the_octets_come_back() {
        assert_eq!(&seed().octets(), b"0123456789abcdef");
    }

    #[test]
    fn close_keys_lie_far_apart_whatever_the_seed() {
        for seed in [*b"0123456789abcdef", [0; 16], [9; 16], [255; 16]].map(Seed::from_octets) {
            let mut seen = HashMap::new();
            for n in 0..40_000u32 {
                for text in [format!("a{n}.no"), format!("a.{n}x.no"), format!("{n}-over-sixteen-octets.example")] {
                    let name = DomainName::parse(&text).unwrap();
                    assert_eq!(seen.insert(seed.name(name.as_name()).0, text.clone()), None, "{text}");
                }
                assert_eq!(seen.insert(seed.v4(n, 32), String::new()), None);
                assert_eq!(seen.insert(seed.v6(u128::from(n) << 64, 64), String::new()), None);
            }
            // Upper and lower bits alike: no value of sixteen bits is far from its share of 200,000 / 65,536.
            for shift in [0, 16, 32, 48] {
                let mut shares = vec![0u32; 65_536];
                seen.keys().for_each(|hash| shares[(hash >> shift) as usize & 0xffff] += 1);
                assert!(shares.iter().all(|&share| share < 22), "{seed:?} {shift}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_suffix_hashes_as_if_it_stood_alone(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..7)) {
            let mut name = NameBuf::new();
            labels.iter().for_each(|label| name.push_label(label).unwrap());
            let alone: Vec<(u64, u32)> = name.as_name().self_and_parents().map(|suffix| seed().name(suffix)).collect();
            let mut together = Vec::new();
            seed().suffixes(name.as_name(), |left, labels, hash| together.push((left, (hash, labels))));
            together.reverse();
            prop_assert_eq!(together, alone.into_iter().enumerate().collect::<Vec<_>>());
        }
    }
}
