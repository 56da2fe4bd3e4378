//! Things that come to be one, through any number of others: sets by place, joined two at a time.

use std::collections::BTreeMap;

/// Places `0..len`, each in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sets {
    /// Of each place one nearer to the head of its set, which is its least place.
    above: Vec<usize>,
}

impl Sets {
    /// Each place alone.
    pub fn new(len: usize) -> Sets {
        Sets { above: (0..len).collect() }
    }

    /// The least place of the set that `place` is in.
    pub fn head(&self, place: usize) -> usize {
        let mut at = place;
        while let Some(&next) = self.above.get(at) {
            if next == at {
                break;
            }
            at = next;
        }
        at
    }

    /// Makes the sets of the two one.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.head(a), self.head(b));
        let (low, high) = (a.min(b), a.max(b));
        for place in [high, b, a] {
            if let Some(above) = self.above.get_mut(place) {
                *above = low;
            }
        }
    }

    /// Whether the two are in one set.
    pub fn are_one(&self, a: usize, b: usize) -> bool {
        self.head(a) == self.head(b)
    }

    /// All sets, that with the least place first; the places of each rise.
    pub fn all(&self) -> Vec<Vec<usize>> {
        let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in 0..self.above.len() {
            sets.entry(self.head(place)).or_default().push(place);
        }
        sets.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_through_others_is_one() {
        let mut sets = Sets::new(6);
        for (a, b) in [(5, 4), (0, 2), (4, 2), (3, 3)] {
            sets.join(a, b);
        }
        assert_eq!(sets.all(), [vec![0, 2, 4, 5], vec![1], vec![3]]);
        assert!(sets.are_one(5, 0) && !sets.are_one(1, 0));
    }
}
