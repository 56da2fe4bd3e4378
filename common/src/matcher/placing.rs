//! The last step of building: a part's indicators in the order of their hashes, written where they will stay, each marked
//! in the filter and in the map, each bucket's beginning noted.

use super::base::bucket_of;
use super::build::NotBuilt;
use super::facts::Entry;
use super::filter::{self, BLOCK_OCTETS};
use super::hash::mask_v4;
use super::record::{Class, Key, Record, Widths};
use crate::id::IndicatorId;
use crate::limits::BUCKET_MAX_OCTETS;

/// What is kept of an indicator until the end: hash u64 ‖ key ‖ number as LEB128 ‖ facts as LEB128.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) hash: u64,
    pub(super) key: Key<'a>,
    pub(super) id: u64,
    pub(super) facts: u32,
}

fn push_number(mut number: u64, to: &mut Vec<u8>) {
    while number >= 128 {
        to.push(number as u8 | 128);
        number >>= 7;
    }
    to.push(number as u8);
}

fn read_number(octets: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    let mut rest = octets;
    let mut shift = 0u32;
    loop {
        let (&octet, after) = rest.split_first()?;
        number |= u64::from(octet & 127).checked_shl(shift)?;
        rest = after;
        shift += 7;
        if octet < 128 {
            return Some((number, rest));
        }
    }
}

impl<'a> Kept<'a> {
    pub(super) fn write(self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.hash.to_le_bytes());
        self.key.write(to);
        push_number(self.id, to);
        push_number(self.facts.into(), to);
    }

    pub(super) fn read(octets: &'a [u8]) -> Option<(Kept<'a>, &'a [u8])> {
        let (hash, rest) = octets.split_first_chunk::<8>()?;
        let (key, rest) = Key::read(rest)?;
        let (id, rest) = read_number(rest)?;
        let (facts, rest) = read_number(rest)?;
        Some((Kept { hash: u64::from_le_bytes(*hash), key, id, facts: facts as u32 }, rest))
    }
}

/// The file's sections while its records are written.
pub(super) struct Placing {
    pub(super) filter: Vec<[u8; BLOCK_OCTETS]>,
    pub(super) map: Vec<u8>,
    pub(super) map_bits: u8,
    pub(super) buckets: Vec<u8>,
    pub(super) bucket_bits: u8,
    pub(super) records_at: usize,
    /// Where the bucket that is being filled began.
    pub(super) last: usize,
    pub(super) count: u64,
}

impl Placing {
    #[expect(clippy::too_many_arguments, reason = "one call, of the builder's own parts")]
    pub(super) fn place(
        &mut self,
        pieces: &[Vec<u8>],
        facts: &[u32],
        entries: &[Entry],
        id_first: u64,
        widths: Widths,
        once: bool,
        file: &mut Vec<u8>,
    ) -> Result<(), NotBuilt> {
        let mut order: Vec<(u64, u32, u32)> = Vec::with_capacity(pieces.iter().map(|piece| piece.len() / 24).sum());
        for (number, piece) in pieces.iter().enumerate() {
            let mut rest = piece.as_slice();
            while let Some((kept, after)) = Kept::read(rest) {
                order.push((kept.hash, number as u32, (piece.len() - rest.len()) as u32));
                rest = after;
            }
        }
        let kept = |&(_, number, at): &(u64, u32, u32)| {
            Kept::read(pieces.get(number as usize)?.get(at as usize..)?).map(|(kept, _)| kept)
        };
        let entry = |kept: &Kept<'_>| {
            let number = facts.get(kept.facts as usize).copied().unwrap_or_default();
            entries.get(number as usize).map(|entry| (!entry.exact, entry.port, number))
        };
        order.sort_unstable_by_key(|&(hash, _, _)| hash);
        // One hash is nearly always one pattern; what is left to order is rare.
        for alike in order.chunk_by_mut(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
            let whole = |of: &(u64, u32, u32)| {
                kept(of).map(|kept| (kept.key, entry(&kept).map(|e| (e.0, e.1)), kept.id, entry(&kept)))
            };
            alike.sort_unstable_by(|a, b| whole(a).cmp(&whole(b)));
        }
        let mut before: Option<(Key<'_>, bool, Option<u16>)> = None;
        for of in &order {
            let Some(kept) = kept(of) else { continue };
            let Some((not_exact, port, number)) = entry(&kept) else { continue };
            let pattern = (kept.key, not_exact, port);
            if once && before == Some(pattern) {
                continue;
            }
            before = Some(pattern);
            self.begin(bucket_of(kept.hash, self.bucket_bits), file.len());
            let record = Record { key: kept.key, facts: number, id: kept.id - id_first };
            record.write(widths, file);
            if file.len() - self.last > BUCKET_MAX_OCTETS {
                return Err(NotBuilt::TooManyAlike(IndicatorId(kept.id)));
            }
            filter::mark(&mut self.filter, kept.hash);
            self.mark_map(kept.key);
            self.count += 1;
        }
        Ok(())
    }

    /// Writes where each bucket up to this one begins.
    fn begin(&mut self, bucket: usize, at: usize) {
        while self.buckets.len() / 4 <= bucket {
            let from = u32::try_from(at - self.records_at).unwrap_or(u32::MAX);
            self.buckets.extend_from_slice(&from.to_le_bytes());
            self.last = at;
        }
    }

    pub(super) fn close(&mut self, at: usize) {
        self.begin(1 << self.bucket_bits, at);
    }

    fn mark_map(&mut self, key: Key<'_>) {
        let (Class::NetworkV4, &[prefix, a, b, c, d]) = (key.class, key.octets) else { return };
        let first = u32::from_be_bytes([a, b, c, d]);
        let last = first | !mask_v4(prefix);
        let shift = 32 - u32::from(self.map_bits);
        for bit in first.checked_shr(shift).unwrap_or(0)..=last.checked_shr(shift).unwrap_or(0) {
            if let Some(octet) = self.map.get_mut(bit as usize >> 3) {
                *octet |= 1 << (bit & 7);
            }
        }
    }
}
