//! A bounded memory of what is going on: found by key in one look-up, kept in order of last use, the longest idle first.
//!
//! Entries lie in *lanes*, each a list in order of last use, one lane for each timeout. What is due stands at a lane's
//! front, so neither timing out nor making room ever searches. Keys are hashed with a seed of this process: who sends
//! the packets cannot choose where they land.
//!
//! To move an entry to the end of its lane touches its neighbours, which lie anywhere in memory. A table with a *grain*
//! does so once a grain at most: the order is then right to within a grain, and an entry in use costs its own lines only.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use hashbrown::{Equivalent, HashTable};
use varde_common::time::Timestamp;

use crate::keyed::RandomState;

const NOWHERE: u32 = u32::MAX;

/// Steps that making room may take: each entry moved was used since it was last moved, so the mean is below one.
const SETTLED_AT_ONCE: usize = 16;

/// A key's hash: as many bits as find it among all places and tell it from its neighbours, and no more to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashed(u32);

impl Hashed {
    /// As the index wants it: it goes by the lowest bits, and by the seven highest.
    #[inline(always)]
    fn whole(self) -> u64 {
        (u64::from(self.0) << 32) | u64::from(self.0)
    }
}

/// Where an entry lies, for as long as it is in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u32);

/// Entries by key, in `LANES` lists by last use.
#[derive(Debug)]
pub(crate) struct Table<K, V, const LANES: usize> {
    entries_max: usize,
    grain_us: u64,
    seed: RandomState,
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    /// First of the slots without an entry; they are chained by `next`.
    vacant: u32,
    lanes: [Lane; LANES],
    /// Keys that were compared, for tests that count steps.
    #[cfg(test)]
    pub(crate) compared: std::sync::atomic::AtomicU64,
}

#[derive(Debug)]
struct Slot<K, V> {
    entry: Option<(K, V)>,
    touched: Timestamp,
    /// When it was put at the end of its lane: a lane is in order of this, and `touched` is less than a grain later.
    linked: Timestamp,
    /// Of the key, so that it need not be hashed again to be moved or taken out.
    hash: Hashed,
    lane: u8,
    previous: u32,
    next: u32,
}

#[derive(Debug, Clone, Copy)]
struct Lane {
    first: u32,
    last: u32,
}

impl<K: Hash + Eq, V, const LANES: usize> Table<K, V, LANES> {
    /// Memory one entry takes, but for the index and what it holds on the heap.
    #[cfg(test)]
    pub(crate) const ENTRY_OCTETS: usize = size_of::<Slot<K, V>>();

    /// Memory that so many entries take at the most, but for what they hold on the heap: slots grow by doubling up to a
    /// number that is a power of two, the index has five octets for each of twice as many places.
    #[cfg(test)]
    pub(crate) const fn octets_for(entries: usize) -> usize {
        entries.next_power_of_two() * Self::ENTRY_OCTETS + entries.next_power_of_two() * 2 * 5
    }

    /// An empty table for so many entries, at least one. Memory is taken as it fills.
    pub(crate) fn new(entries_max: usize) -> Table<K, V, LANES> {
        Table::with_grain(entries_max, Duration::ZERO)
    }

    /// As [`Table::new`]; lanes are in order of last use to within `grain`.
    pub(crate) fn with_grain(entries_max: usize, grain: Duration) -> Table<K, V, LANES> {
        Table {
            entries_max: entries_max.clamp(1, NOWHERE as usize),
            grain_us: u64::try_from(grain.as_micros()).unwrap_or(u64::MAX),
            seed: RandomState::default(),
            index: HashTable::new(),
            slots: Vec::new(),
            vacant: NOWHERE,
            lanes: [Lane { first: NOWHERE, last: NOWHERE }; LANES],
            #[cfg(test)]
            compared: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// The same with a seed that everybody knows.
    #[cfg(test)]
    pub(crate) fn with_known_seed(self) -> Table<K, V, LANES> {
        Table { seed: RandomState::known(), ..self }
    }

    fn count_compared(&self) {
        #[cfg(test)]
        self.compared.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// Keys compared so far.
    #[cfg(test)]
    pub(crate) fn compared(&self) -> u64 {
        self.compared.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Entries in it.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether something must go before something can come.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.entries_max
    }

    /// The hash of a key, so that a miss need not hash again to insert.
    pub(crate) fn hash_of<Q: Hash>(&self, key: &Q) -> Hashed {
        Hashed(self.seed.hash_one(key) as u32)
    }

    /// The same in full, for whoever wants a number for something else.
    pub(crate) fn number_of<Q: Hash>(&self, of: &Q) -> u64 {
        self.seed.hash_one(of)
    }

    /// Where the entry with this key lies.
    pub(crate) fn find<Q: Hash + Equivalent<K>>(&self, hash: Hashed, key: &Q) -> Option<Place> {
        let found = self.index.find(hash.whole(), |&at| {
            self.count_compared();
            match self.slots.get(at as usize) {
                Some(Slot { entry: Some((theirs, _)), .. }) => key.equivalent(theirs),
                Some(Slot { entry: None, .. }) | None => false,
            }
        });
        found.map(|&at| Place(at))
    }

    /// The entry at a place.
    pub(crate) fn at(&self, place: Place) -> Option<(&K, &V)> {
        self.slots.get(place.0 as usize)?.entry.as_ref().map(|(key, value)| (key, value))
    }

    /// The entry at a place, to be changed.
    pub(crate) fn at_mut(&mut self, place: Place) -> Option<(&K, &mut V)> {
        self.slots.get_mut(place.0 as usize)?.entry.as_mut().map(|(key, value)| (&*key, value))
    }

    /// The entry at a place, and when it was last used.
    #[inline]
    pub(crate) fn at_since(&self, place: Place) -> Option<(&K, &V, Timestamp)> {
        let slot = self.slots.get(place.0 as usize)?;
        slot.entry.as_ref().map(|(key, value)| (key, value, slot.touched))
    }

    /// Puts an entry at the end of a lane. The caller has looked whether the key is there and made room; in a table that
    /// is full all the same nothing is inserted.
    pub(crate) fn insert(&mut self, hash: Hashed, key: K, value: V, lane: u8, now: Timestamp) -> Option<Place> {
        if self.is_full() {
            return None;
        }
        let slot =
            Slot { entry: Some((key, value)), touched: now, linked: now, hash, lane, previous: NOWHERE, next: NOWHERE };
        let at = match self.slots.get_mut(self.vacant as usize) {
            Some(vacant) => {
                let at = self.vacant;
                self.vacant = vacant.next;
                *vacant = slot;
                at
            }
            None => {
                let at = u32::try_from(self.slots.len()).ok()?;
                self.slots.push(slot);
                at
            }
        };
        let slots = &self.slots;
        self.index.insert_unique(hash.whole(), at, |&at| slots.get(at as usize).map_or(0, |slot| slot.hash.whole()));
        self.link(at);
        Some(Place(at))
    }

    /// Notes that the entry was used: to the end of `lane`, unless it was put there less than a grain ago.
    #[inline]
    pub(crate) fn touch(&mut self, place: Place, lane: u8, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(place.0 as usize) else { return };
        slot.touched = now;
        if slot.lane != lane || now.micros_since(slot.linked) >= self.grain_us {
            self.relink(place.0, lane, now);
        }
    }

    fn relink(&mut self, at: u32, lane: u8, now: Timestamp) {
        let is_last = self.lanes.get(usize::from(lane)).is_some_and(|lane| lane.last == at);
        if !is_last {
            self.unlink(at);
        }
        if let Some(slot) = self.slots.get_mut(at as usize) {
            slot.linked = now;
            slot.lane = lane;
        }
        if !is_last {
            self.link(at);
        }
    }

    /// The entry of a lane that was not used for the longest time (to within a grain), and when it was.
    pub(crate) fn oldest(&self, lane: u8) -> Option<(Place, Timestamp)> {
        let first = self.lanes.get(usize::from(lane))?.first;
        self.slots.get(first as usize).map(|slot| (Place(first), slot.touched))
    }

    /// Before the oldest of a lane is let go to make room: moves those at its front that were used since they were put
    /// there, at most [`SETTLED_AT_ONCE`] of them.
    pub(crate) fn settle(&mut self, lane: u8, now: Timestamp) {
        for _ in 0..SETTLED_AT_ONCE {
            let Some(first) = self.lanes.get(usize::from(lane)).map(|lane| lane.first) else { return };
            match self.slots.get(first as usize) {
                Some(slot) if slot.touched > slot.linked => self.relink(first, lane, now.max(slot.touched)),
                Some(_) | None => return,
            }
        }
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, place: Place) -> Option<(K, V)> {
        self.vacate(place)?.take()
    }

    /// Takes an entry out and lets go of it, wherever it lies.
    pub(crate) fn discard(&mut self, place: Place) {
        if let Some(entry) = self.vacate(place) {
            *entry = None;
        }
    }

    /// The entry at a place that is vacant but for it.
    fn vacate(&mut self, place: Place) -> Option<&mut Option<(K, V)>> {
        let slot = self.slots.get(place.0 as usize).filter(|slot| slot.entry.is_some())?;
        if let Ok(found) = self.index.find_entry(slot.hash.whole(), |&at| at == place.0) {
            found.remove();
        }
        self.unlink(place.0);
        let slot = self.slots.get_mut(place.0 as usize)?;
        slot.next = self.vacant;
        self.vacant = place.0;
        Some(&mut slot.entry)
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &K, &V)> {
        self.slots
            .iter()
            .zip(0u32..)
            .filter_map(|(slot, at)| slot.entry.as_ref().map(|(key, value)| (Place(at), key, value)))
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.index = HashTable::new();
        self.slots = Vec::new();
        self.vacant = NOWHERE;
        self.lanes = [Lane { first: NOWHERE, last: NOWHERE }; LANES];
    }

    fn link(&mut self, at: u32) {
        let Some(slot) = self.slots.get_mut(at as usize) else { return };
        let Some(lane) = self.lanes.get_mut(usize::from(slot.lane)) else { return };
        slot.previous = lane.last;
        slot.next = NOWHERE;
        let before = lane.last;
        lane.last = at;
        match self.slots.get_mut(before as usize) {
            Some(before) => before.next = at,
            None => lane.first = at,
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some(slot) = self.slots.get(at as usize) else { return };
        let (previous, next) = (slot.previous, slot.next);
        let Some(lane) = self.lanes.get_mut(usize::from(slot.lane)) else { return };
        match self.slots.get_mut(previous as usize) {
            Some(before) => before.next = next,
            None => lane.first = next,
        }
        match self.slots.get_mut(next as usize) {
            Some(after) => after.previous = previous,
            None => lane.last = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_idle_stands_first_in_its_lane() {
        let mut table: Table<u32, &str, 2> = Table::new(3);
        for (key, value) in [(1, "a"), (2, "b"), (3, "c")] {
            let hash = table.hash_of(&key);
            assert!(table.insert(hash, key, value, 0, Timestamp(key.into())).is_some());
        }
        assert!(table.is_full());
        let hash = table.hash_of(&4u32);
        assert!(table.insert(hash, 4, "d", 0, Timestamp(4)).is_none(), "full");
        let first = table.find(table.hash_of(&1u32), &1u32).unwrap();
        table.touch(first, 0, Timestamp(5));
        let (oldest, touched) = table.oldest(0).unwrap();
        assert_eq!((table.at(oldest), touched), (Some((&2, &"b")), Timestamp(2)));
        table.touch(oldest, 1, Timestamp(6));
        assert_eq!(table.oldest(1), Some((oldest, Timestamp(6))));
        assert_eq!(table.remove(oldest), Some((2, "b")));
        assert_eq!(table.oldest(1), None);
        assert_eq!(table.oldest(0).and_then(|(place, _)| table.remove(place)), Some((3, "c")));
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn with_a_grain_an_entry_moves_once_a_grain_and_is_known_to_be_in_use_all_the_same() {
        let mut table: Table<u32, (), 1> = Table::with_grain(3, Duration::from_micros(10));
        for key in [1u32, 2, 3] {
            let hash = table.hash_of(&key);
            assert!(table.insert(hash, key, (), 0, Timestamp(key.into())).is_some());
        }
        let first = table.find(table.hash_of(&1u32), &1u32).unwrap();
        table.touch(first, 0, Timestamp(10));
        assert_eq!(table.oldest(0), Some((first, Timestamp(10))), "stays where it is, and is known to be in use");
        table.touch(first, 0, Timestamp(11));
        let (second, touched) = table.oldest(0).unwrap();
        assert_eq!((table.at(second), touched), (Some((&2, &())), Timestamp(2)));
        assert_eq!(table.at_since(first).map(|(_, _, touched)| touched), Some(Timestamp(11)));
    }

    /// Keys compared while each of these is looked for, put in and looked for again.
    fn compared(mut table: Table<u128, (), 1>, keys: impl Iterator<Item = u128> + Clone) -> u64 {
        for key in keys.clone().chain(keys) {
            let hash = table.hash_of(&key);
            if table.find(hash, &key).is_none() {
                assert!(table.insert(hash, key, (), 0, Timestamp(0)).is_some());
            }
        }
        table.compared()
    }

    #[test]
    fn s5_a_set_crafted_against_the_known_seed_costs_no_more_than_twice_a_random_one() {
        const COUNT: u128 = 4_000;
        let crafted = (0..COUNT).map(|n| n << 64 | u128::from(crate::keyed::FORGETFUL));
        let random = (1..=COUNT).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let usual = compared(Table::new(5_000), random);
        let attacked = compared(Table::new(5_000), crafted.clone());
        assert!(attacked <= 2 * usual, "{attacked} keys compared where {usual} are usual");
        let known = compared(Table::new(5_000).with_known_seed(), crafted);
        assert!(known > 1_000 * usual, "the set is no attack: {known} keys compared where {usual} are usual");
    }

    proptest! {
        #[test]
        fn does_what_a_plain_list_does(steps in prop::collection::vec((0u8..4, 0u8..12, 0u8..2), 0..200)) {
            let mut table: Table<u8, usize, 2> = Table::new(8);
            let mut plain: Vec<(u8, u8, usize)> = Vec::new(); // lane, key, value; in order of last use
            for (step, (what, key, lane)) in steps.into_iter().enumerate() {
                let now = Timestamp(step as i64);
                let hash = table.hash_of(&key);
                let place = table.find(hash, &key);
                let known = plain.iter().position(|entry| entry.1 == key);
                prop_assert_eq!(place.is_some(), known.is_some());
                match (what, place, known) {
                    (0 | 1, None, _) if plain.len() < 8 => {
                        prop_assert!(table.insert(hash, key, step, lane, now).is_some());
                        plain.push((lane, key, step));
                    }
                    (0 | 1, None, _) => prop_assert!(table.insert(hash, key, step, lane, now).is_none()),
                    (2, Some(place), Some(at)) => {
                        table.touch(place, lane, now);
                        let (_, key, value) = plain.remove(at);
                        plain.push((lane, key, value));
                    }
                    (3, Some(place), Some(at)) => {
                        let (_, key, value) = plain.remove(at);
                        prop_assert_eq!(table.remove(place), Some((key, value)));
                    }
                    _ => {}
                }
                prop_assert_eq!(table.len(), plain.len());
                for lane in 0..2 {
                    let oldest = table.oldest(lane).and_then(|(place, _)| table.at(place)).map(|(key, _)| *key);
                    prop_assert_eq!(oldest, plain.iter().find(|entry| entry.0 == lane).map(|entry| entry.1));
                }
                prop_assert!(table.slots.len() <= 8);
            }
        }
    }
}
