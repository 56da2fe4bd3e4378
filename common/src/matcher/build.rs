//! Indicators → a base, within memory: what is added is kept in the base's own form, sorted out by the hash's upper bits,
//! and moved to its final place part by part, so that at no time much more is held than the base itself.

use std::collections::HashMap;
use std::net::IpAddr;

use super::base::{ALIGNED_TO, HEADER_OCTETS, Layout, bucket_of};
use super::facts::{Entry, FACTS_OCTETS, Facts};
use super::filter::{self, BLOCK_OCTETS};
use super::hash::{Seed, mask_v4, mask_v6};
use super::placing::{Kept, Placing};
use super::record::{Class, Key, Widths, width_of};
use crate::confidential::{Confidential, ConfidentialKey, Hidden};
use crate::id::IndicatorId;
use crate::ja4::JA4_OCTETS;
use crate::limits::{LIST_BASE_MAX_OCTETS, LIST_MAX_INDICATORS};
use crate::pattern::{PatternRef, TargetRef};

/// Parts by the hash's upper bits; a base has this many times fewer indicators in memory twice.
const PARTS_BITS: u8 = 6;
/// Octets of a piece of a part: large enough that the allocator gives each one back to the system by itself.
const PIECE_OCTETS: usize = 256 * 1024;
/// A small part's first piece.
const FIRST_PIECE_OCTETS: usize = 1024;
/// IPv4 networks from which on the map is fine-grained (128 KiB instead of 8).
const NETWORKS_FOR_FINE_MAP: u64 = 256;

/// Why there is no base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotBuilt {
    /// Too many indicators.
    #[error("a list has at most {LIST_MAX_INDICATORS} indicators; publish fewer")]
    TooMany,
    /// Too large.
    #[error("the list would have {0} bytes; {LIST_BASE_MAX_OCTETS} are the most")]
    TooLarge(u64),
    /// Too many of one pattern.
    #[error("too many indicators with the pattern of indicator {0}; keep one of them")]
    TooManyAlike(IndicatorId),
    /// A pattern that cannot be matched.
    #[error("indicator {0} cannot be matched: its name is the root, or its prefix length is none")]
    NoPattern(IndicatorId),
    /// Too many changes in an overlay.
    #[error("an overlay has at most {} changes; compile a new base", crate::limits::OVERLAY_MAX_CHANGES)]
    TooManyChanges,
}

/// A base in memory: a file's octets, at an address that suits the filter.
#[derive(Debug, Clone, Default)]
pub struct Built {
    octets: Vec<u8>,
    start: usize,
    /// Indicators in it.
    pub count: u64,
}

impl AsRef<[u8]> for Built {
    fn as_ref(&self) -> &[u8] {
        self.octets.get(self.start..).unwrap_or_default()
    }
}

impl Built {
    /// The file's octets.
    pub fn into_octets(self) -> Vec<u8> {
        let Built { mut octets, start, .. } = self;
        octets.drain(..start);
        octets
    }
}

/// Indicators on their way into a base.
#[derive(Debug)]
pub struct Builder {
    seed: Seed,
    key: ConfidentialKey,
    once: bool,
    parts: Vec<Vec<Vec<u8>>>,
    facts: HashMap<Entry, u32>,
    /// The facts of the last one: mostly also those of the next.
    newest: Option<(Entry, u32)>,
    count: u64,
    keys_octets: u64,
    ids: Option<(u64, u64)>,
    layout: Masks,
}

/// What is in use at all.
#[derive(Debug, Default)]
struct Masks {
    labels: u128,
    hidden_labels: u128,
    v4: u64,
    hidden_v4: u64,
    v6: u128,
    hidden_v6: u128,
    fingerprints: u64,
    v4_networks: u64,
}

/// The octets of a key that is no name.
struct Written {
    octets: [u8; JA4_OCTETS],
    len: usize,
}

impl Written {
    fn of(parts: [&[u8]; 2]) -> Written {
        let mut written = Written { octets: [0; JA4_OCTETS], len: 0 };
        let all = parts.iter().copied().flatten();
        for (to, from) in written.octets.iter_mut().zip(all) {
            *to = *from;
            written.len += 1;
        }
        written
    }

    fn key(&self, class: Class) -> Key<'_> {
        Key { class, octets: self.octets.get(..self.len).unwrap_or_default() }
    }
}

fn bit_v4(prefix: u8) -> Option<u64> {
    (1..=32).contains(&prefix).then(|| 1 << (prefix - 1))
}

fn bit_v6(prefix: u8) -> Option<u128> {
    (1..=128).contains(&prefix).then(|| 1 << (prefix - 1))
}

impl Builder {
    /// Of nothing yet. `seed` is random and nobody outside the list's readers knows it; `key` hides confidential
    /// indicators, all zero where there are none.
    pub fn new(seed: Seed, key: ConfidentialKey) -> Builder {
        Builder {
            seed,
            key,
            once: false,
            parts: (0..1 << PARTS_BITS).map(|_| Vec::new()).collect(),
            facts: HashMap::new(),
            newest: None,
            count: 0,
            keys_octets: 0,
            ids: None,
            layout: Masks::default(),
        }
    }

    /// Keeps each pattern once, the one with the smallest number.
    #[must_use]
    pub fn each_pattern_once(self) -> Builder {
        Builder { once: true, ..self }
    }

    /// How many have been added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds an indicator.
    ///
    /// # Errors
    /// [`NotBuilt`]; what was added before stays.
    pub fn add(&mut self, id: IndicatorId, pattern: PatternRef<'_>, facts: &Facts) -> Result<(), NotBuilt> {
        let none = NotBuilt::NoPattern(id);
        let port = pattern.port;
        match pattern.target {
            TargetRef::Domain(name) | TargetRef::Host(name) => {
                let (hash, labels) = self.seed.name(name);
                self.layout.labels |= 1 << labels.checked_sub(1).filter(|&bit| bit < 127).ok_or(none)?;
                let exact = matches!(pattern.target, TargetRef::Host(_));
                self.keep(id, hash, Key { class: Class::Name, octets: name.octets() }, facts, port, exact)
            }
            TargetRef::Address(IpAddr::V4(v4)) => {
                self.layout.v4 |= 1 << 31;
                let key = Written::of([&v4.octets(), &[]]);
                self.keep(id, self.seed.v4(v4.to_bits(), 32), key.key(Class::Ipv4), facts, port, false)
            }
            TargetRef::Address(IpAddr::V6(v6)) => {
                self.layout.v6 |= 1 << 127;
                let key = Written::of([&v6.octets(), &[]]);
                self.keep(id, self.seed.v6(v6.to_bits(), 128), key.key(Class::Ipv6), facts, port, false)
            }
            TargetRef::Network { first, prefix: 32 } if first.is_ipv4() => {
                self.add(id, PatternRef { target: TargetRef::Address(first), port }, facts)
            }
            TargetRef::Network { first, prefix: 128 } => {
                self.add(id, PatternRef { target: TargetRef::Address(first), port }, facts)
            }
            TargetRef::Network { first: IpAddr::V4(first), prefix } => {
                self.layout.v4 |= bit_v4(prefix).ok_or(none)?;
                self.layout.v4_networks += 1;
                let first = first.to_bits() & mask_v4(prefix);
                let key = Written::of([&[prefix], &first.to_be_bytes()]);
                self.keep(id, self.seed.v4(first, prefix), key.key(Class::NetworkV4), facts, port, false)
            }
            TargetRef::Network { first: IpAddr::V6(first), prefix } => {
                self.layout.v6 |= bit_v6(prefix).ok_or(none)?;
                let first = first.to_bits() & mask_v6(prefix);
                let key = Written::of([&[prefix], &first.to_be_bytes()]);
                self.keep(id, self.seed.v6(first, prefix), key.key(Class::NetworkV6), facts, port, false)
            }
            TargetRef::Ja4(fingerprint) => {
                self.layout.fingerprints += 1;
                let key = Key { class: Class::Ja4, octets: fingerprint.octets() };
                self.keep(id, self.seed.ja4(&fingerprint), key, facts, port, false)
            }
            // The number of labels is not known from a hash: every suffix is asked.
            TargetRef::Confidential(hidden) => self.add_hidden(id, hidden, port, facts, u128::MAX >> 1),
        }
    }

    /// Adds an indicator as its keyed hash: nobody can read out of the base what it is.
    ///
    /// # Errors
    /// [`NotBuilt`]; a JA4 fingerprint cannot be hidden ([`NotBuilt::NoPattern`]).
    pub fn add_confidential(
        &mut self,
        id: IndicatorId,
        pattern: PatternRef<'_>,
        facts: &Facts,
    ) -> Result<(), NotBuilt> {
        let labels = match pattern.target {
            TargetRef::Domain(name) | TargetRef::Host(name) => {
                1 << name.label_count().checked_sub(1).ok_or(NotBuilt::NoPattern(id))?
            }
            TargetRef::Address(_) | TargetRef::Network { .. } | TargetRef::Ja4(_) => 0,
            TargetRef::Confidential(_) => return self.add(id, pattern, facts),
        };
        let hidden = self.key.hide(id, pattern.target).ok_or(NotBuilt::NoPattern(id))?;
        self.add_hidden(id, hidden, pattern.port, facts, labels)
    }

    fn add_hidden(
        &mut self,
        id: IndicatorId,
        hidden: Confidential,
        port: Option<u16>,
        facts: &Facts,
        labels: u128,
    ) -> Result<(), NotBuilt> {
        let none = NotBuilt::NoPattern(id);
        let Confidential { of, digest, .. } = hidden;
        let (class, prefix): (Class, &[u8]) = match &of {
            Hidden::Domain | Hidden::Host => {
                self.layout.hidden_labels |= labels;
                (Class::HiddenName, &[])
            }
            Hidden::Ipv4 => {
                self.layout.hidden_v4 |= 1 << 31;
                (Class::HiddenIpv4, &[])
            }
            Hidden::Ipv6 => {
                self.layout.hidden_v6 |= 1 << 127;
                (Class::HiddenIpv6, &[])
            }
            Hidden::NetworkV4(prefix) => {
                self.layout.hidden_v4 |= bit_v4(*prefix).filter(|_| *prefix < 32).ok_or(none)?;
                (Class::HiddenNetworkV4, std::slice::from_ref(prefix))
            }
            Hidden::NetworkV6(prefix) => {
                self.layout.hidden_v6 |= bit_v6(*prefix).filter(|_| *prefix < 128).ok_or(none)?;
                (Class::HiddenNetworkV6, std::slice::from_ref(prefix))
            }
        };
        let key = Written::of([prefix, &digest]);
        self.keep(id, self.seed.digest(&digest), key.key(class), facts, port, of == Hidden::Host)
    }

    fn keep(
        &mut self,
        id: IndicatorId,
        hash: u64,
        key: Key<'_>,
        facts: &Facts,
        port: Option<u16>,
        exact: bool,
    ) -> Result<(), NotBuilt> {
        if self.count >= LIST_MAX_INDICATORS {
            return Err(NotBuilt::TooMany);
        }
        self.keys_octets += key.written_octets() as u64;
        if self.keys_octets > LIST_BASE_MAX_OCTETS {
            return Err(NotBuilt::TooLarge(self.keys_octets));
        }
        let facts = self.number_of(Entry { facts: *facts, port: port.filter(|&port| port != 0), exact });
        self.count += 1;
        self.ids = Some(self.ids.map_or((id.0, id.0), |(least, most)| (least.min(id.0), most.max(id.0))));
        let Some(part) = self.parts.get_mut(bucket_of(hash, PARTS_BITS)) else { return Ok(()) };
        // A hash, the longest name with its length, two numbers.
        const KEPT_MAX_OCTETS: usize = 8 + 255 + 10 + 5;
        let first = part.is_empty();
        match part.last_mut() {
            Some(piece) if piece.len() + KEPT_MAX_OCTETS <= piece.capacity() => {}
            Some(_) | None => part.push(Vec::with_capacity(if first { FIRST_PIECE_OCTETS } else { PIECE_OCTETS })),
        }
        if let Some(piece) = part.last_mut() {
            Kept { hash, key, id: id.0, facts }.write(piece);
        }
        Ok(())
    }

    fn number_of(&mut self, entry: Entry) -> u32 {
        if let Some((newest, number)) = self.newest
            && newest == entry
        {
            return number;
        }
        // There are no more than indicators, and those are counted.
        let next = self.facts.len() as u32;
        let number = *self.facts.entry(entry).or_insert(next);
        self.newest = Some((entry, number));
        number
    }

    /// Puts everything in its place.
    ///
    /// # Errors
    /// [`NotBuilt`].
    pub fn finish(self) -> Result<Built, NotBuilt> {
        let Builder { seed, key, once, parts, facts, count, keys_octets, ids, layout: masks, .. } = self;
        let (id_first, id_last) = ids.unwrap_or_default();
        let (facts, entries) = sorted(facts);
        let facts_most = facts.len().saturating_sub(1) as u64;
        let widths = Widths { facts: width_of(facts_most), id: width_of(id_last - id_first) };
        let bucket_bits = bits_for(count);
        let map_bits = match masks.v4_networks {
            0 => 0,
            networks if networks < NETWORKS_FOR_FINE_MAP => 16,
            _ => 20,
        };
        let map_octets = if map_bits == 0 { 0 } else { (1usize << map_bits) / 8 };
        let mut end = HEADER_OCTETS;
        let mut section = |octets: usize| {
            let at = end.next_multiple_of(ALIGNED_TO);
            end = at + octets;
            at..end
        };
        let records_octets = keys_octets + count * (widths.facts + widths.id) as u64;
        let too_large = |octets: u64| NotBuilt::TooLarge(octets);
        let records_max = usize::try_from(records_octets).map_err(|_| too_large(records_octets))?;
        let filter_octets = filter::octets_for(count);
        let mut layout = Layout {
            count,
            seed,
            key,
            id_first,
            widths,
            bucket_bits,
            map_bits,
            labels: masks.labels,
            hidden_labels: masks.hidden_labels,
            v4: masks.v4,
            hidden_v4: masks.hidden_v4,
            v6: masks.v6,
            hidden_v6: masks.hidden_v6,
            fingerprints: masks.fingerprints,
            filter: section(usize::try_from(filter_octets).map_err(|_| too_large(filter_octets))?),
            map: section(map_octets),
            buckets: section(4 * ((1 << bucket_bits) + 1)),
            facts: section(entries.len() * FACTS_OCTETS),
            records: section(records_max),
        };
        let octets = layout.records.end;
        if octets as u64 > LIST_BASE_MAX_OCTETS {
            return Err(too_large(octets as u64));
        }
        let mut file: Vec<u8> = Vec::with_capacity(octets + ALIGNED_TO);
        let start = file.as_ptr().align_offset(ALIGNED_TO).min(ALIGNED_TO);
        file.resize(start + layout.records.start, 0);
        let mut places = Placing {
            filter: vec![[0; BLOCK_OCTETS]; layout.filter.len() / BLOCK_OCTETS],
            map: vec![0; map_octets],
            map_bits,
            buckets: Vec::with_capacity(layout.buckets.len()),
            bucket_bits,
            records_at: file.len(),
            last: 0,
            count: 0,
        };
        for part in parts {
            places.place(&part, &facts, &entries, layout.id_first, widths, once, &mut file)?;
        }
        places.close(file.len());
        layout.count = places.count;
        layout.records.end = file.len() - start;
        let mut put = |at: usize, octets: &[u8]| {
            if let Some(room) = file.get_mut(start + at..start + at + octets.len()) {
                room.copy_from_slice(octets);
            }
        };
        put(0, &layout.write());
        put(layout.filter.start, places.filter.as_flattened());
        put(layout.map.start, &places.map);
        put(layout.buckets.start, &places.buckets);
        for (number, entry) in entries.iter().enumerate() {
            put(layout.facts.start + number * FACTS_OCTETS, &entry.to_octets());
        }
        Ok(Built { octets: file, start, count: layout.count })
    }
}

/// The facts in an order of their own, whatever order they came in: their new numbers by their old ones, and themselves.
fn sorted(facts: HashMap<Entry, u32>) -> (Vec<u32>, Vec<Entry>) {
    let mut entries: Vec<(Entry, u32)> = facts.into_iter().collect();
    entries.sort_unstable_by_key(|(entry, _)| entry.to_octets());
    let mut numbers = vec![0; entries.len()];
    for (new, (_, old)) in entries.iter().enumerate() {
        if let Some(number) = numbers.get_mut(*old as usize) {
            *number = new as u32;
        }
    }
    (numbers, entries.into_iter().map(|(entry, _)| entry).collect())
}

/// Four to eight records a bucket.
fn bits_for(count: u64) -> u8 {
    (count / 4).checked_ilog2().map_or(0, |bits| bits as u8)
}
