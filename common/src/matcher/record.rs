//! One indicator in the base: what is compared, where its facts stand, its number.

use crate::ja4::JA4_OCTETS;

/// What kind of key a record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Name,
    Ipv4,
    Ipv6,
    NetworkV4,
    NetworkV6,
    Ja4,
    HiddenName,
    HiddenIpv4,
    HiddenIpv6,
    HiddenNetworkV4,
    HiddenNetworkV6,
}

impl Class {
    /// The octet it is written as, and how many octets its key has. Names are written by their length instead.
    const fn written(self) -> (u8, usize) {
        match self {
            Class::Name => (0, 0),
            Class::Ipv4 => (1, 4),
            Class::Ipv6 => (2, 16),
            Class::NetworkV4 => (3, 5),
            Class::NetworkV6 => (4, 17),
            Class::Ja4 => (5, JA4_OCTETS),
            Class::HiddenName => (6, 16),
            Class::HiddenIpv4 => (7, 16),
            Class::HiddenIpv6 => (8, 16),
            Class::HiddenNetworkV4 => (9, 17),
            Class::HiddenNetworkV6 => (10, 17),
        }
    }

    fn read(octet: u8) -> Option<Class> {
        const ALL: [Class; 10] = [
            Class::Ipv4,
            Class::Ipv6,
            Class::NetworkV4,
            Class::NetworkV6,
            Class::Ja4,
            Class::HiddenName,
            Class::HiddenIpv4,
            Class::HiddenIpv6,
            Class::HiddenNetworkV4,
            Class::HiddenNetworkV6,
        ];
        usize::from(octet).checked_sub(1).and_then(|at| ALL.get(at).copied())
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    pub(super) class: Class,
    pub(super) octets: &'a [u8],
}

impl<'a> Key<'a> {
    /// Appends it.
    pub(super) fn write(self, to: &mut Vec<u8>) {
        match self.class {
            // A name has 1 to 254 octets (`NAME_MAX_OCTETS`); the root is no indicator.
            Class::Name => to.push(u8::try_from(self.octets.len()).unwrap_or(u8::MAX)),
            other => to.extend_from_slice(&[0, other.written().0]),
        }
        to.extend_from_slice(self.octets);
    }

    /// How many octets it takes when written.
    pub(super) fn written_octets(self) -> usize {
        self.octets.len() + if self.class == Class::Name { 1 } else { 2 }
    }

    /// Reads one off the front.
    #[inline]
    pub(super) fn read(octets: &'a [u8]) -> Option<(Key<'a>, &'a [u8])> {
        let (&first, rest) = octets.split_first()?;
        if first != 0 {
            let (octets, rest) = rest.split_at_checked(usize::from(first))?;
            return Some((Key { class: Class::Name, octets }, rest));
        }
        let (&class, rest) = rest.split_first()?;
        let class = Class::read(class)?;
        let (octets, rest) = rest.split_at_checked(class.written().1)?;
        Some((Key { class, octets }, rest))
    }
}

/// How many octets the facts' number and the indicator's number take in each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Widths {
    pub(super) facts: usize,
    pub(super) id: usize,
}

/// The octets a number up to `most` needs.
pub(super) fn width_of(most: u64) -> usize {
    usize::try_from((u64::BITS - most.leading_zeros()).div_ceil(8)).unwrap_or(8)
}

/// The longest record: a name, its length before it, and both numbers as wide as they can be.
pub(super) const RECORD_MAX_OCTETS: usize = 1 + 255 + 4 + 8;

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) key: Key<'a>,
    /// Which facts.
    pub(super) facts: u32,
    /// Its number less the smallest of the base.
    pub(super) id: u64,
}

fn number(octets: &[u8]) -> u64 {
    octets.iter().rev().fold(0, |number, &octet| number << 8 | u64::from(octet))
}

impl<'a> Record<'a> {
    /// Appends it.
    pub(super) fn write(self, widths: Widths, to: &mut Vec<u8>) {
        self.key.write(to);
        to.extend_from_slice(self.facts.to_le_bytes().get(..widths.facts).unwrap_or_default());
        to.extend_from_slice(self.id.to_le_bytes().get(..widths.id).unwrap_or_default());
    }

    /// How many octets it takes when written.
    pub(super) fn written_octets(self, widths: Widths) -> usize {
        self.key.written_octets() + widths.facts + widths.id
    }

    /// Reads one off the front.
    #[inline]
    pub(super) fn read(octets: &'a [u8], widths: Widths) -> Option<(Record<'a>, &'a [u8])> {
        let (key, rest) = Key::read(octets)?;
        let (facts, rest) = rest.split_at_checked(widths.facts)?;
        let (id, rest) = rest.split_at_checked(widths.id)?;
        Some((Record { key, facts: number(facts) as u32, id: number(id) }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn widths_are_the_octets_needed() {
        let widths: Vec<usize> = [0, 1, 255, 256, 1 << 24, u64::MAX].map(width_of).into();
        assert_eq!(widths, [0, 1, 1, 2, 4, 8]);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(name in prop::collection::vec(any::<u8>(), 1..255), digest: [u8; 17], facts: u32, id: u64) {
            for key in [
                Key { class: Class::Name, octets: &name },
                Key { class: Class::Ipv4, octets: &digest[..4] },
                Key { class: Class::NetworkV6, octets: &digest },
                Key { class: Class::HiddenName, octets: &digest[..16] },
                Key { class: Class::HiddenNetworkV6, octets: &digest },
            ] {
                let widths = Widths { facts: width_of(facts.into()), id: width_of(id) };
                let mut octets = Vec::new();
                Record { key, facts, id }.write(widths, &mut octets);
                prop_assert_eq!(octets.len(), Record { key, facts, id }.written_octets(widths));
                prop_assert!(octets.len() <= RECORD_MAX_OCTETS);
                octets.push(9);
                prop_assert_eq!(Record::read(&octets, widths), Some((Record { key, facts, id }, &[9u8][..])));
            }
        }
    }
}
