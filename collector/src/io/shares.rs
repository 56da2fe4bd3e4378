//! So many places in all, and so many of them for one: nobody takes what is for everybody.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug)]
struct Taken<K> {
    of: HashMap<K, usize>,
    all: usize,
}

/// Places that are given out and come back.
#[derive(Debug, Clone)]
pub(super) struct Shares<K> {
    taken: Arc<Mutex<Taken<K>>>,
    for_one: usize,
    in_all: usize,
}

/// A place; it comes back when this goes.
#[derive(Debug)]
pub(super) struct Share<K: Eq + Hash> {
    of: K,
    taken: Arc<Mutex<Taken<K>>>,
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// None is taken yet.
    pub(super) fn new(for_one: usize, in_all: usize) -> Shares<K> {
        Shares { taken: Arc::new(Mutex::new(Taken { of: HashMap::new(), all: 0 })), for_one, in_all }
    }

    /// Takes one; none, where this one has as many as anybody may, or all are taken.
    pub(super) fn take(&self, of: K) -> Option<Share<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let held = taken.of.get(&of).copied().unwrap_or(0);
        if held >= self.for_one || taken.all >= self.in_all {
            return None;
        }
        taken.of.insert(of.clone(), held.saturating_add(1));
        taken.all = taken.all.saturating_add(1);
        Some(Share { of, taken: Arc::clone(&self.taken) })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(held) = taken.of.get_mut(&self.of) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                // What is kept is of those that are here.
                taken.of.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w5_one_takes_its_share_and_no_more_and_places_come_back() {
        let shares = Shares::new(2, 5);
        let first: Vec<_> = (0..9).filter_map(|_| shares.take("a")).collect();
        assert_eq!(first.len(), 2, "one has its share");
        let rest: Vec<_> = ["b", "c", "d", "e"].into_iter().filter_map(|of| shares.take(of)).collect();
        assert_eq!(rest.len(), 3, "and all have the rest");
        drop(first);
        assert!(shares.take("e").is_some());
        drop(rest);
        assert_eq!(shares.taken.lock().unwrap().of.len(), 0, "nothing is kept of who has gone");
    }
}
