//! Exact look-up of canonical names: a table of places by fingerprint; the names themselves stay where they are and are
//! compared on a hit, so a name costs eight octets here.

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::{IndicatorSet, Place};
use crate::indicator::Target;
use crate::name::Name;

/// Places by name. The hash is seeded at random for each table: what is looked up comes from hostile traffic.
#[derive(Debug, Default)]
pub(super) struct NameTable {
    /// (upper half of the hash, place). The half is kept so that growing the table needs no names.
    table: HashTable<(u32, u32)>,
    seed: RandomState,
}

impl NameTable {
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    fn hash(&self, name: Name<'_>) -> (u64, u32) {
        let half = (self.seed.hash_one(name.octets()) >> 32) as u32;
        (spread(half), half)
    }

    pub(super) fn insert(&mut self, name: Name<'_>, place: u32) {
        let (hash, half) = self.hash(name);
        self.table.insert_unique(hash, (half, place), |&(half, _)| spread(half));
    }

    pub(super) fn find(
        &self,
        name: Name<'_>,
        set: &IndicatorSet,
        of_kind: impl Fn(&Target) -> bool,
        found: &mut impl FnMut(Place),
    ) {
        let (hash, half) = self.hash(name);
        for &(other, place) in self.table.iter_hash(hash) {
            if other == half && set.name_at(place).is_some_and(|(target, there)| there == name && of_kind(target)) {
                found(Place(place));
            }
        }
    }
}

/// Thirty-two good bits to the sixty-four a hash table wants (its tag is taken from the top, its bucket from the bottom).
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
