//! The base: a list as a file that is used as it lies, without being read at start.
//!
//! # Format, version 1
//! All numbers little endian. Sections follow each other in this order, each beginning at a multiple of 64, the gaps
//! zero.
//!
//! ```text
//! header   320 octets
//!   0  "VARDEBA1"
//!   8  version u32 = 1
//!  12  octets of the header u32 = 320
//!  16  octets of the whole file u64
//!  24  indicators u64
//!  32  seed of the hashes 16
//!  48  key of the confidential hashes 32; zero where there are none
//!  80  smallest indicator number u64
//!  88  octets of a record's number u8, 0-8
//!  89  octets of a record's facts u8, 0-4
//!  90  bits of a bucket's number u8, 0-26
//!  91  bits of the IPv4 map u8: 0 (no map), 16 or 20
//!  92  zero 4
//!  96  label counts of names u128: bit n-1 = some name has n labels
//! 112  label counts of confidential names u128
//! 128  prefix lengths of IPv4 networks u64: bit p-1 = some network or address has p
//! 136  … of confidential ones u64
//! 144  prefix lengths of IPv6 networks u128: bit p-1
//! 160  … of confidential ones u128
//! 176  JA4 fingerprints u64
//! 184  five sections, each: begins at u64, octets u64
//! 264  zero 56
//! filter   blocks of 64 octets: see below
//! map      2^bits bits: bit n (octet n/8, bit n mod 8) = the addresses whose upper bits are n meet a network of
//!          prefix length under 32 that is not confidential
//! buckets  2^bits + 1 numbers u32: where in `records` each bucket begins; the last is where the last one ends
//! facts    entries of 24 octets, sorted: valid from i64, valid until i64 (microseconds since 1970), port u16 (0 = any),
//!          confidence u8, severity u8 (0 info … 4 critical), TLP u8 (0 clear, 1 green, 2 amber, 3 amber+strict, 4 red),
//!          flags u8 (1 exercise, 2 retro, 4 has from, 8 has until, 16 the name alone, not what is below it), zero 2
//! records  key ‖ number of the facts (0-4 octets) ‖ indicator number less the smallest (0-8 octets)
//!          key: 1-254, then as many octets: a name, canonical; or
//!               0, class u8, then: 1 IPv4 address 4 · 2 IPv6 address 16 · 3 IPv4 network: prefix u8, first address 4
//!               4 IPv6 network: prefix u8, first address 16 · 5 JA4 36
//!               confidential (see `confidential`): 6 name 16 · 7 IPv4 address 16 · 8 IPv6 address 16
//!               9 IPv4 network: prefix u8, 16 · 10 IPv6 network: prefix u8, 16
//! ```
//! Addresses within keys are in network order. `hash(key)` is 64 bits (`hash`); a record stands in the bucket that the
//! hash's upper bits name, records within a bucket by hash, key, exactness, port, number; so one seed and one set of
//! indicators make one file. Filter: the block is `hash × blocks ÷ 2^64`; the bits within it are the hash's lowest five
//! groups of nine bits.
//!
//! # Trust
//! The file is signed, but nothing depends on that: opening looks at the header and the sections' borders (not at what
//! is in them), and every later access is held against its section, so that a file made to harm gives wrong answers at
//! the worst. A bucket longer than [`BUCKET_MAX_OCTETS`] is looked at no further than that.

use std::ops::Range;

use super::facts::{Entry, FACTS_OCTETS};
use super::filter::{self, BLOCK_OCTETS};
use super::hash::Seed;
use super::record::{Key, RECORD_MAX_OCTETS, Record, Widths};
use super::storage::{Storage, walk};
use crate::confidential::ConfidentialKey;
use crate::limits::{BUCKET_MAX_OCTETS, LIST_BASE_MAX_OCTETS, LIST_MAX_INDICATORS};

pub(super) const MAGIC: &[u8; 8] = b"VARDEBA1";
pub(super) const VERSION: u32 = 1;
/// The header of a base.
pub const HEADER_OCTETS: usize = 320;
/// Sections begin at multiples of this: a block of the filter is one cache line wherever the file is mapped.
pub(super) const ALIGNED_TO: usize = 64;
const BUCKET_BITS_MAX: u8 = 26;

/// Why octets are no base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBase {
    /// It begins otherwise.
    #[error("it does not begin with VARDEBA1")]
    NoBase,
    /// Another version.
    #[error("it is of version {0}, and this program reads version 1; update it")]
    Version(u32),
    /// The octets are not as many as its header says.
    #[error("it has {found} bytes where its header says {announced}")]
    WrongSize {
        /// By the header.
        announced: u64,
        /// There.
        found: u64,
    },
    /// More indicators than a list may have, or than could be in it.
    #[error("it announces {0} indicators, more than it can hold")]
    TooMany(u64),
    /// A field that cannot be.
    #[error("its header is wrong at byte {0}")]
    Header(usize),
    /// A section that is not where it can be.
    #[error("its section \"{0}\" lies outside or has a wrong size")]
    Section(&'static str),
}

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) count: u64,
    pub(super) seed: Seed,
    pub(super) key: ConfidentialKey,
    pub(super) id_first: u64,
    pub(super) widths: Widths,
    pub(super) bucket_bits: u8,
    pub(super) map_bits: u8,
    pub(super) labels: u128,
    pub(super) hidden_labels: u128,
    pub(super) v4: u64,
    pub(super) hidden_v4: u64,
    pub(super) v6: u128,
    pub(super) hidden_v6: u128,
    pub(super) fingerprints: u64,
    pub(super) filter: Range<usize>,
    pub(super) map: Range<usize>,
    pub(super) buckets: Range<usize>,
    pub(super) facts: Range<usize>,
    pub(super) records: Range<usize>,
}

/// Where the records of a base begin that has this header and so many octets: what stands before them is looked at in place.
///
/// # Errors
/// [`BadBase`].
pub fn records_begin(header: &[u8], octets: usize) -> Result<usize, BadBase> {
    Ok(Layout::read(header, octets)?.records.start)
}

/// Reads numbers off a header.
struct Fields<'a> {
    octets: &'a [u8],
    at: usize,
    /// Of the whole base.
    len: usize,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BadBase> {
        let field = self.octets.get(self.at..).and_then(<[u8]>::first_chunk::<N>).ok_or(BadBase::Header(self.at))?;
        self.at += N;
        Ok(*field)
    }

    fn u64(&mut self) -> Result<u64, BadBase> {
        self.take().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Result<u128, BadBase> {
        self.take().map(u128::from_le_bytes)
    }

    fn small(&mut self, fits: impl Fn(u8) -> bool) -> Result<u8, BadBase> {
        let [value] = self.take()?;
        if fits(value) { Ok(value) } else { Err(BadBase::Header(self.at - 1)) }
    }

    /// A section of the right size that begins where the one before it ended.
    fn section(
        &mut self,
        name: &'static str,
        end: &mut usize,
        fits: impl Fn(usize) -> bool,
    ) -> Result<Range<usize>, BadBase> {
        let bad = BadBase::Section(name);
        let at = usize::try_from(self.u64()?).map_err(|_| bad)?;
        let octets = usize::try_from(self.u64()?).map_err(|_| bad)?;
        let until = at.checked_add(octets).ok_or(bad)?;
        if at != end.next_multiple_of(ALIGNED_TO) || until > self.len || !fits(octets) {
            return Err(bad);
        }
        *end = until;
        Ok(at..until)
    }
}

impl Layout {
    /// Reads the header off the front of a base of so many octets.
    pub(super) fn read(octets: &[u8], len: usize) -> Result<Layout, BadBase> {
        let mut fields = Fields { octets, at: 0, len };
        if fields.take::<8>().ok().as_ref() != Some(MAGIC) {
            return Err(BadBase::NoBase);
        }
        match u32::from_le_bytes(fields.take()?) {
            VERSION => {}
            other => return Err(BadBase::Version(other)),
        }
        if u32::from_le_bytes(fields.take()?) as usize != HEADER_OCTETS {
            return Err(BadBase::Header(12));
        }
        let announced = fields.u64()?;
        let found = len as u64;
        if announced != found || found > LIST_BASE_MAX_OCTETS {
            return Err(BadBase::WrongSize { announced, found });
        }
        let count = fields.u64()?;
        let seed = Seed::from_octets(fields.take()?);
        let key = ConfidentialKey(fields.take()?);
        let id_first = fields.u64()?;
        let id = fields.small(|width| width <= 8)?;
        let facts = fields.small(|width| width <= 4)?;
        let bucket_bits = fields.small(|bits| bits <= BUCKET_BITS_MAX)?;
        let map_bits = fields.small(|bits| matches!(bits, 0 | 16 | 20))?;
        if fields.take::<4>()? != [0; 4] {
            return Err(BadBase::Header(92));
        }
        let [labels, hidden_labels] = [fields.u128()?, fields.u128()?];
        let [v4, hidden_v4] = [fields.u64()?, fields.u64()?];
        let [v6, hidden_v6] = [fields.u128()?, fields.u128()?];
        let fingerprints = fields.u64()?;
        let mut end = HEADER_OCTETS;
        let map_octets = if map_bits == 0 { 0 } else { (1usize << map_bits) / 8 };
        let layout = Layout {
            count,
            seed,
            key,
            id_first,
            widths: Widths { facts: facts.into(), id: id.into() },
            bucket_bits,
            map_bits,
            labels,
            hidden_labels,
            v4,
            hidden_v4,
            v6,
            hidden_v6,
            fingerprints,
            filter: fields.section("filter", &mut end, |octets| octets % BLOCK_OCTETS == 0)?,
            map: fields.section("map", &mut end, |octets| octets == map_octets)?,
            buckets: fields.section("buckets", &mut end, |octets| octets == 4 * ((1 << bucket_bits) + 1))?,
            facts: fields.section("facts", &mut end, |octets| octets % FACTS_OCTETS == 0)?,
            records: fields.section("records", &mut end, |octets| u32::try_from(octets).is_ok())?,
        };
        if end != len {
            return Err(BadBase::Section("records"));
        }
        // The shortest record has two octets.
        if count > LIST_MAX_INDICATORS || count > layout.records.len() as u64 / 2 {
            return Err(BadBase::TooMany(count));
        }
        Ok(layout)
    }

    /// The header for this layout; the sections are where it says.
    pub(super) fn write(&self) -> [u8; HEADER_OCTETS] {
        let mut header = Vec::with_capacity(HEADER_OCTETS);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&(HEADER_OCTETS as u32).to_le_bytes());
        header.extend_from_slice(&(self.records.end as u64).to_le_bytes());
        header.extend_from_slice(&self.count.to_le_bytes());
        header.extend_from_slice(&self.seed.octets());
        header.extend_from_slice(&self.key.0);
        header.extend_from_slice(&self.id_first.to_le_bytes());
        header.extend_from_slice(&[self.widths.id as u8, self.widths.facts as u8, self.bucket_bits, self.map_bits]);
        header.extend_from_slice(&[0; 4]);
        for labels in [self.labels, self.hidden_labels] {
            header.extend_from_slice(&labels.to_le_bytes());
        }
        for prefixes in [self.v4, self.hidden_v4] {
            header.extend_from_slice(&prefixes.to_le_bytes());
        }
        for prefixes in [self.v6, self.hidden_v6] {
            header.extend_from_slice(&prefixes.to_le_bytes());
        }
        header.extend_from_slice(&self.fingerprints.to_le_bytes());
        for section in [&self.filter, &self.map, &self.buckets, &self.facts, &self.records] {
            header.extend_from_slice(&(section.start as u64).to_le_bytes());
            header.extend_from_slice(&(section.len() as u64).to_le_bytes());
        }
        let mut octets = [0; HEADER_OCTETS];
        for (to, from) in octets.iter_mut().zip(header) {
            *to = from;
        }
        octets
    }
}

#[cfg(test)]
thread_local! {
    /// Records walked over in buckets, for tests that count steps.
    pub(super) static WALKED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The number of the bucket a hash stands in.
pub(super) fn bucket_of(hash: u64, bits: u8) -> usize {
    hash.checked_shr(64 - u32::from(bits)).unwrap_or(0) as usize
}

/// An opened base.
pub(super) struct Base {
    storage: Storage,
    pub(super) layout: Layout,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Base").field("count", &self.layout.count).finish_non_exhaustive()
    }
}

impl Base {
    /// Opens it: looks at its header and nothing else.
    pub(super) fn open(storage: Storage) -> Result<Base, BadBase> {
        let layout = Layout::read(storage.front(), storage.len())?;
        Ok(Base { storage, layout })
    }

    pub(super) fn view(&self) -> View<'_> {
        let octets = self.storage.front();
        let (filter, _) = octets.get(self.layout.filter.clone()).unwrap_or_default().as_chunks();
        View { octets, filter, layout: &self.layout, storage: &self.storage }
    }
}

/// An opened base, for one question.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    octets: &'a [u8],
    filter: &'a [[u8; BLOCK_OCTETS]],
    pub(super) layout: &'a Layout,
    /// Of the records.
    storage: &'a Storage,
}

impl<'a> View<'a> {
    /// A section that is looked at in place: any but the records.
    fn section(self, section: &Range<usize>) -> &'a [u8] {
        self.octets.get(section.clone()).unwrap_or_default()
    }

    /// What `open` must have in memory before the first question: reads one octet of each page of what every question
    /// touches. Gives a sum, so that the reading is not left out.
    pub(super) fn touch(self) -> u64 {
        let often = self.octets.get(..self.layout.facts.end).unwrap_or_default();
        often.iter().step_by(4096).map(|&octet| u64::from(octet)).sum()
    }

    /// Whether something with this hash may be there; `false` is certain.
    #[inline]
    pub(super) fn may_hold(self, hash: u64) -> bool {
        filter::may_hold(self.filter, hash)
    }

    /// Whether an IPv4 network may hold this address; `false` is certain.
    #[inline]
    pub(super) fn may_hold_v4(self, address: u32) -> bool {
        if self.layout.map_bits == 0 {
            return false;
        }
        let bit = address.checked_shr(32 - u32::from(self.layout.map_bits)).unwrap_or(0);
        let octet = self.section(&self.layout.map).get(bit as usize >> 3);
        octet.is_some_and(|octet| octet >> (bit & 7) & 1 == 1)
    }

    /// Tells `found` where each record with this key stands, and which facts it has.
    pub(super) fn find(self, hash: u64, key: Key<'_>, mut found: impl FnMut(u32, Record<'_>)) {
        let buckets = self.section(&self.layout.buckets);
        let bucket = bucket_of(hash, self.layout.bucket_bits);
        let border = |number: usize| {
            let octets = buckets.get(number * 4..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*octets) as usize)
        };
        let (Some(start), Some(end)) = (border(bucket), border(bucket + 1)) else { return };
        let end = end.min(start.saturating_add(BUCKET_MAX_OCTETS));
        let records = &self.layout.records;
        if end > records.len() {
            return;
        }
        let range = records.start + start..records.start + end;
        walk(self.octets, self.storage, range, self.layout.widths, |at, record| {
            #[cfg(test)]
            WALKED.set(WALKED.get() + 1);
            if record.key == key
                && let Ok(at) = u32::try_from(at - records.start)
            {
                found(at, record);
            }
        });
    }

    /// Gives `read` the record at a place that `find` gave out; for any other number, something or nothing.
    pub(super) fn record<T>(self, at: u32, read: impl FnOnce(Record<'_>) -> Option<T>) -> Option<T> {
        let records = &self.layout.records;
        let start = records.start.checked_add(at as usize)?;
        let end = records.end.min(start.checked_add(RECORD_MAX_OCTETS)?);
        if start >= end {
            return None;
        }
        if let Some(octets) = self.octets.get(start..end) {
            return read(Record::read(octets, self.layout.widths)?.0);
        }
        let mut room = [0; RECORD_MAX_OCTETS];
        read(Record::read(self.storage.read(start..end, &mut room), self.layout.widths)?.0)
    }

    /// A record's facts.
    pub(super) fn entry(self, record: Record<'_>) -> Option<Entry> {
        let at = (record.facts as usize).checked_mul(FACTS_OCTETS)?;
        Entry::from_octets(self.section(&self.layout.facts).get(at..)?.get(..FACTS_OCTETS)?)
    }

    /// A record's number.
    pub(super) fn id(self, record: Record<'_>) -> u64 {
        self.layout.id_first.wrapping_add(record.id)
    }

    /// Where every record stands, from the first.
    pub(super) fn places(self) -> impl Iterator<Item = u32> + 'a {
        let mut next = 0;
        std::iter::from_fn(move || {
            let at = next;
            let octets = self.record(at, |record| u32::try_from(record.written_octets(self.layout.widths)).ok())?;
            next = at.checked_add(octets)?;
            Some(at)
        })
    }
}
