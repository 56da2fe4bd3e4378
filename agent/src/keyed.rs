//! The hash of every table whose keys come off the wire: keyed with numbers that the system drew for this process.
//!
//! foldhash is fast and good, and whoever knows its seed makes any number of keys that meet. Its own seed is made of
//! addresses and the clock; here both of its numbers come from the system's random source, by way of the standard
//! library's own keys.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};

static SHARED: OnceLock<SharedSeed> = OnceLock::new();

/// Makes hashers with a key of its own.
#[derive(Debug, Clone)]
pub(crate) struct RandomState(SeedableRandomState);

fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

impl Default for RandomState {
    fn default() -> RandomState {
        let shared = SHARED.get_or_init(|| SharedSeed::from_u64(random()));
        RandomState(SeedableRandomState::with_seed(random(), shared))
    }
}

impl BuildHasher for RandomState {
    type Hasher = FoldHasher<'static>;

    #[inline(always)]
    fn build_hasher(&self) -> FoldHasher<'static> {
        self.0.build_hasher()
    }
}

#[cfg(test)]
impl RandomState {
    /// The same in every process, as an attacker would wish.
    pub(crate) fn known() -> RandomState {
        RandomState(SeedableRandomState::fixed())
    }
}

/// The lower half of a number of 128 bits that makes [`RandomState::known`] forget the upper half: its seed, so that the
/// first multiplication is by zero.
#[cfg(test)]
pub(crate) const FORGETFUL: u64 = 0x082e_fa98_ec4e_6c89;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn s5_what_meets_under_a_known_seed_meets_under_no_other_and_no_two_tables_have_the_same() {
        let keys = || (0..1_000u128).map(|n| n << 64 | u128::from(FORGETFUL));
        let hashes = |state: &RandomState| keys().map(|key| state.hash_one(key)).collect::<HashSet<u64>>().len();
        assert_eq!(hashes(&RandomState::known()), 1, "the set is one that was crafted");
        let states: Vec<RandomState> = (0..20).map(|_| RandomState::default()).collect();
        assert!(states.iter().all(|state| hashes(state) == 1_000));
        assert_eq!(states.iter().map(|state| state.hash_one(7u64)).collect::<HashSet<u64>>().len(), 20);
    }
}
