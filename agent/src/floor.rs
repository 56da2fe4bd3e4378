//! The floor below which no list is taken, with who signed what made it: a key that is retired takes its floor with it.
//!
//! Whoever stole one of several list keys may sign the highest number there is. Once a root document retires that key the floor
//! falls to the highest list that was taken from keys which still stand together, as many as the role asks for; where none does,
//! to nothing (The Update Framework, section 5.3.11). So for each set of keys the highest number is kept that they signed.
//! Numbers of which a program from before did not write down who signed them fall only where the role has wholly other keys.

use std::collections::BTreeSet;

use varde_common::id::Revision;
use varde_common::rotation::is_replaced;
use varde_common::trust::{Role, Root};

use crate::limits::FLOOR_MARKS_MAX;

/// A number that was taken, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The number.
    pub revision: Revision,
    /// The ids of the keys that signed it; none = nobody has written them down.
    pub signers: BTreeSet<String>,
}

/// The floor of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Floor {
    /// The highest first; each higher than those whose signers are among its own.
    marks: Vec<Mark>,
}

impl Floor {
    /// Of one number, whoever signed it.
    pub fn of(revision: Revision) -> Floor {
        Floor::default().with(revision, BTreeSet::new())
    }

    /// The same once a list of this number was taken that these have signed.
    #[must_use]
    pub fn with(mut self, revision: Revision, signers: BTreeSet<String>) -> Floor {
        let is_there = signers.is_empty() && self.marks.iter().any(|mark| mark.revision == revision);
        if revision == Revision(0) || is_there {
            return self;
        }
        // Who signed it is known by now.
        self.marks.retain(|mark| !mark.signers.is_empty() || mark.revision != revision);
        let says_less = |less: &Mark, more: &Mark| {
            less.revision <= more.revision
                && less.signers.is_empty() == more.signers.is_empty()
                && less.signers.is_subset(&more.signers)
        };
        let mark = Mark { revision, signers };
        if !self.marks.iter().any(|there| says_less(&mark, there)) {
            self.marks.retain(|there| !says_less(there, &mark));
            self.marks.push(mark);
            self.marks.sort_by_key(|mark| std::cmp::Reverse(mark.revision));
            self.marks.truncate(FLOOR_MARKS_MAX);
        }
        self
    }

    /// The highest number.
    pub fn revision(&self) -> Revision {
        self.marks.first().map_or(Revision(0), |mark| mark.revision)
    }

    /// All numbers that still bound what may come, the highest first.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Another root document is in force. Gives whether the floor fell.
    pub fn handle_root(&mut self, before: &Root, after: &Root) -> bool {
        let was = self.revision();
        let replaced = is_replaced(&before.roles.list, &after.roles.list);
        self.marks.retain(|mark| match mark.signers.is_empty() {
            true => !replaced,
            false => stand(&mark.signers, &after.roles.list),
        });
        self.revision() < was
    }
}

impl From<Revision> for Floor {
    fn from(revision: Revision) -> Floor {
        Floor::of(revision)
    }
}

/// Whether enough of those who signed something have the role by now.
pub fn stand(signers: &BTreeSet<String>, role: &Role) -> bool {
    let there = u32::try_from(signers.intersection(&role.keys).count()).unwrap_or(u32::MAX);
    role.threshold > 0 && there >= role.threshold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::tests::{key, root_of};
    use proptest::prelude::*;

    fn keys(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn root(names: &[&str], threshold: u32) -> Root {
        let mut root = root_of(&key(1));
        root.roles.list = Role { keys: keys(names), threshold };
        root
    }

    /// The floor after these lists, once a root document has followed another.
    fn after(lists: &[(u64, &[&str])], before: &Root, next: &Root) -> u64 {
        let mut floor = Floor::default();
        for (revision, signers) in lists {
            floor = floor.with(Revision(*revision), keys(signers));
        }
        floor.handle_root(before, next);
        floor.revision().0
    }

    #[test]
    fn c4_a_retired_key_takes_its_floor_with_it_and_no_other() {
        let huge = 9_000_000_000_000_000_000;
        let stolen: &[(u64, &[&str])] = &[(3, &["l3"]), (huge, &["l2"])];
        let both = root(&["l2", "l3"], 1);
        assert_eq!(after(stolen, &both, &both), huge);
        assert_eq!(after(stolen, &both, &root(&["l3"], 1)), 3, "the highest that the others signed");
        assert_eq!(after(stolen, &both, &root(&["l3", "l4"], 1)), 3);
        assert_eq!(after(stolen, &both, &root(&["l2", "l3", "l4"], 1)), huge, "a key more changes nothing");
        assert_eq!(after(stolen, &both, &root(&["l4"], 1)), 0, "wholly other keys");
        // Two of three sign: with one of the two retired, what they signed counts no more.
        let three = root(&["l2", "l3", "l4"], 2);
        let pairs: &[(u64, &[&str])] = &[(4, &["l3", "l4"]), (9, &["l2", "l3"])];
        assert_eq!(after(pairs, &three, &three), 9);
        assert_eq!(after(pairs, &three, &root(&["l3", "l4", "l5"], 2)), 4);
        assert_eq!(after(pairs, &three, &root(&["l3", "l4", "l5"], 3)), 0, "and more must sign");
        assert_eq!(
            after(&[(9, &["l2", "l3"])], &three, &root(&["l3"], 1)),
            9,
            "one that stands is enough where one is asked for"
        );
    }

    #[test]
    fn c4_a_number_of_which_nobody_wrote_down_who_signed_it_falls_with_the_last_key() {
        let both = root(&["l2", "l3"], 1);
        let mut floor = Floor::of(Revision(7)).with(Revision(9), keys(&["l2"]));
        assert!(floor.handle_root(&both, &root(&["l3"], 1)));
        assert_eq!(floor.revision(), Revision(7));
        assert!(!floor.clone().handle_root(&root(&["l3"], 1), &root(&["l3", "l4"], 1)));
        assert!(floor.handle_root(&root(&["l3"], 1), &root(&["l5"], 1)));
        // Once it is known who did, that counts.
        let mut known = Floor::of(Revision(7)).with(Revision(7), keys(&["l2"]));
        known.handle_root(&both, &root(&["l3"], 1));
        assert_eq!(known.revision(), Revision(0));
    }

    proptest! {
        #[test]
        fn l2_the_floor_is_the_highest_that_keys_which_still_stand_have_signed(
            lists in prop::collection::vec((1u64..50, prop::collection::btree_set(0u8..5, 1..4)), 0..12),
            left in prop::collection::btree_set(0u8..5, 1..5),
            threshold in 1u32..4,
        ) {
            let name = |key: &u8| format!("l{key}");
            let mut floor = Floor::default();
            for (revision, signers) in &lists {
                floor = floor.with(Revision(*revision), signers.iter().map(name).collect());
            }
            let names: Vec<String> = left.iter().map(name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            floor.handle_root(&root(&["l0", "l1", "l2", "l3", "l4"], 1), &root(&names, threshold));
            let standing = lists.iter().filter(|(_, by)| by.intersection(&left).count() >= threshold as usize);
            prop_assert_eq!(floor.revision().0, standing.map(|(revision, _)| *revision).max().unwrap_or(0));
            prop_assert!(floor.marks().len() <= FLOOR_MARKS_MAX);
        }
    }
}
