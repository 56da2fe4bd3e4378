//! What a session has said before and need not say again: each end keeps the same entries in the same places.

use std::collections::HashMap;
use std::hash::Hash;

use crate::codec::Malformed;
use crate::limits::DICTIONARY_MAX_ENTRIES;

/// The sending end: what stands where.
#[derive(Debug)]
pub(super) struct Said<T> {
    places: HashMap<T, u64>,
}

impl<T> Default for Said<T> {
    fn default() -> Said<T> {
        Said { places: HashMap::new() }
    }
}

impl<T: Copy + Eq + Hash> Said<T> {
    /// No more entries fit.
    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= DICTIONARY_MAX_ENTRIES
    }

    /// Where it stands. What is new stands behind the last, and is put to `fresh`, to be said once; a full dictionary
    /// takes in nothing, so that it is said each time.
    pub(super) fn place(&mut self, entry: T, fresh: &mut Vec<T>) -> u64 {
        let next = self.places.len() as u64;
        if let Some(place) = self.places.get(&entry) {
            return *place;
        }
        fresh.push(entry);
        if !self.is_full() {
            self.places.insert(entry, next);
        }
        next
    }
}

/// The receiving end: the entries in order.
#[derive(Debug)]
pub(super) struct Heard<T> {
    entries: Vec<T>,
}

impl<T> Default for Heard<T> {
    fn default() -> Heard<T> {
        Heard { entries: Vec::new() }
    }
}

impl<T: Copy> Heard<T> {
    /// How many of these places are of entries said for the first time.
    pub(super) fn fresh_in(&self, places: &[u64]) -> Result<usize, Malformed> {
        let (mut known, mut fresh) = (self.entries.len(), 0);
        for place in places {
            match usize::try_from(*place) {
                Ok(place) if place < known => {}
                Ok(place) if place == known => {
                    fresh += 1;
                    known = (known + 1).min(DICTIONARY_MAX_ENTRIES);
                }
                Ok(_) | Err(_) => return Err(Malformed::Refused("a place nobody has filled".to_owned())),
            }
        }
        Ok(fresh)
    }

    /// What stands at these places, the fresh entries taken in on the way.
    pub(super) fn resolve(&mut self, places: &[u64], fresh: Vec<T>) -> Result<Vec<T>, Malformed> {
        let mut fresh = fresh.into_iter();
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let known = usize::try_from(*place).ok().and_then(|place| self.entries.get(place)).copied();
            found.push(match known {
                Some(entry) => entry,
                None => {
                    let entry = fresh.next().ok_or(Malformed::CutShort)?;
                    if self.entries.len() < DICTIONARY_MAX_ENTRIES {
                        self.entries.push(entry);
                    }
                    entry
                }
            });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_keep_the_same_and_neither_more_than_its_bound() {
        let (mut said, mut heard) = (Said::default(), Heard::default());
        for round in 0..3u64 {
            let entries: Vec<u64> = (0..900).map(|n| n * (round + 1)).collect();
            let mut fresh = Vec::new();
            let places: Vec<u64> = entries.iter().map(|entry| said.place(*entry, &mut fresh)).collect();
            assert_eq!(heard.fresh_in(&places), Ok(fresh.len()));
            assert_eq!(heard.resolve(&places, fresh), Ok(entries));
        }
        assert!(said.is_full());
        assert_eq!((said.places.len(), heard.entries.len()), (DICTIONARY_MAX_ENTRIES, DICTIONARY_MAX_ENTRIES));
    }

    #[test]
    fn a_place_nobody_has_filled_is_refused() {
        let heard = Heard::<u64>::default();
        assert_eq!(heard.fresh_in(&[0, 0, 1, 0]), Ok(2));
        for places in [&[1][..], &[0, 2], &[u64::MAX]] {
            assert!(heard.fresh_in(places).is_err(), "{places:?}");
        }
    }
}
