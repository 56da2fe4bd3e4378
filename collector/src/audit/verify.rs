//! Whether an audit is whole: the chain is held against itself, against a head that somebody kept, and against the age of what is gone.

use std::collections::VecDeque;

use serde::Serialize;
use varde_common::time::Timestamp;
use varde_common::trust::hex;

use super::{Cut, Entry, NOTHING_BEFORE, RESTORE, SET_ASIDE};
use crate::limits::{AUDIT_KEPT, AUDIT_RESTORES_TOLD};

/// A head that somebody kept, and where the audit began when it was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The hash.
    pub hash: [u8; 32],
    /// Place of the first entry that was there then; none where it was not kept with the hash.
    pub first: Option<i64>,
}

/// A restore that a chain tells of: heads that were printed before may be of what it set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restoration {
    /// Place of the entry that says so.
    pub seq: i64,
    /// When, which names the directory.
    pub at: Timestamp,
}

/// What is wrong with a chain: the first of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// An entry is another than was written, or stands in another's place.
    #[error("entry {seq} is not what was written there: it was changed, or another was put in its place")]
    Changed {
        /// Its place.
        seq: i64,
    },
    /// Entries are gone.
    #[error("entry {seq} is gone: the next that is there is {found}")]
    Gone {
        /// The first that is gone.
        seq: i64,
        /// The next that is there.
        found: i64,
    },
    /// The beginning is gone, and no checkpoint says why.
    #[error("entry {seq} is gone, and no checkpoint of the entries after it says that it was too old to be kept")]
    NoBeginning {
        /// The first that is gone.
        seq: i64,
    },
    /// The beginning is gone, and by the time of the entry behind it that was not for its age.
    #[error(
        "entries {from}-{to} are no longer there, and entry {next}, the next, was not 24 months old when a checkpoint said that they were"
    )]
    TooYoung {
        /// The first that is gone.
        from: i64,
        /// The last that is gone.
        to: i64,
        /// The next that is there.
        next: i64,
    },
    /// Where the audit began when the head was printed is not as it is said.
    #[error(
        "the audit began with entry {said} when that head was printed, as is said, and entry {first} is still there"
    )]
    OtherBeginning {
        /// What is said.
        said: i64,
        /// The first that is there.
        first: i64,
    },
    /// The database can keep entries from being written or seen.
    #[error("{what}: whatever was noted since may have been kept out of it")]
    Meddled {
        /// What it holds.
        what: String,
    },
    /// All of it is gone.
    #[error("there is no entry at all, and a collector has one from the moment it is made")]
    Empty,
    /// The head that somebody kept is not in it, and a collector was restored, which sets aside what has it.
    #[error(
        "no entry has the hash {head}; but the collector was restored (entry {}), and a head that was printed before is in the audit that was set aside then", .restores.iter().map(|of| of.seq.to_string()).collect::<Vec<_>>().join(", ")
    )]
    HeadSetAside {
        /// The head.
        head: String,
        /// The restore that names it as the end of what it set aside, or the newest of all.
        restores: Vec<Restoration>,
    },
    /// The head that somebody kept is not in it.
    #[error(
        "no entry has the hash {head}: the end of the audit was cut off or written anew since that head was printed, or entries that old are no longer kept"
    )]
    HeadGone {
        /// The head.
        head: String,
    },
}

impl Wrong {
    /// The place of the first wrong entry, where it has one.
    pub fn seq(&self) -> Option<i64> {
        match self {
            Wrong::Changed { seq } | Wrong::Gone { seq, .. } | Wrong::NoBeginning { seq } => Some(*seq),
            Wrong::TooYoung { from, .. } => Some(*from),
            Wrong::OtherBeginning { .. }
            | Wrong::Meddled { .. }
            | Wrong::Empty
            | Wrong::HeadGone { .. }
            | Wrong::HeadSetAside { .. } => None,
        }
    }
}

/// A chain that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sound {
    /// How many entries it has.
    pub entries: u64,
    /// The first one's place; above 1 where older ones are no longer kept.
    pub first: i64,
    /// The last one's place.
    pub last: i64,
    /// When the first was written.
    pub from: Timestamp,
    /// When the last was.
    pub until: Timestamp,
    /// The last one's hash.
    pub head: String,
    /// Place of the entry that has the head that was asked for.
    pub head_asked_for_at: Option<i64>,
    /// First and last of those that were there when it was printed and have grown too old since.
    pub gone_since: Option<(i64, i64)>,
}

/// Holds a chain against itself, entry by entry.
#[derive(Debug)]
pub struct Verifier {
    /// Where the chain begins, as somebody says who is not believed; believed once the chain itself has said the same.
    begins_after: Option<Cut>,
    /// When the chain said so, and no later than now.
    cut_at: Option<Timestamp>,
    now: Timestamp,
    before: [u8; 32],
    next: i64,
    head: Option<Kept>,
    restores: VecDeque<Restoration>,
    /// The restore that says of the head that it was the last of what is set aside.
    names_head: Option<Restoration>,
    sound: Option<Sound>,
}

impl Verifier {
    /// For a chain that begins after what this checkpoint says was removed (none: with the first entry there ever was); `head` is one
    /// that somebody kept; what a clock that was ahead said is no later than `now`.
    pub fn new(checkpoint: Option<Cut>, head: Option<Kept>, now: Timestamp) -> Verifier {
        let (before, next) = checkpoint.map_or((NOTHING_BEFORE, 1), |cut| (cut.hash, cut.seq.saturating_add(1)));
        let restores = VecDeque::new();
        let begins_after = checkpoint;
        Verifier { begins_after, cut_at: None, now, before, next, head, restores, names_head: None, sound: None }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Wrong> {
        if entry.seq != self.next {
            return Err(match (entry.seq > self.next, self.sound.is_none() && self.begins_after.is_none()) {
                (true, true) => Wrong::NoBeginning { seq: self.next },
                (true, false) => Wrong::Gone { seq: self.next, found: entry.seq },
                (false, _) => Wrong::Changed { seq: entry.seq },
            });
        }
        let hash = entry.hash_after(&self.before);
        if hash != entry.hash {
            return Err(Wrong::Changed { seq: entry.seq });
        }
        if entry.cut.is_some() && entry.cut == self.begins_after {
            self.cut_at = Some(entry.at.min(self.now));
        }
        if entry.what == RESTORE && entry.was.starts_with(SET_ASIDE) {
            let restored = Restoration { seq: entry.seq, at: entry.at };
            if self.head.is_some_and(|head| entry.was.ends_with(&hex(&head.hash))) {
                self.names_head = Some(restored);
            }
            if self.restores.len() >= AUDIT_RESTORES_TOLD {
                self.restores.pop_front();
            }
            self.restores.push_back(restored);
        }
        (self.before, self.next) = (hash, entry.seq.saturating_add(1));
        let at = self.head.is_some_and(|head| head.hash == hash).then_some(entry.seq);
        let (from, first, entries, found) = match &self.sound {
            Some(sound) => (sound.from, sound.first, sound.entries, sound.head_asked_for_at),
            None => (entry.at, entry.seq, 0, None),
        };
        self.sound = Some(Sound {
            entries: entries.saturating_add(1),
            first,
            last: entry.seq,
            from,
            until: entry.at,
            head: String::new(),
            head_asked_for_at: found.or(at),
            gone_since: None,
        });
        Ok(())
    }

    /// No more entries come.
    ///
    /// # Errors
    /// What only the whole chain shows.
    pub fn finish(self) -> Result<Sound, Wrong> {
        let Some(sound) = self.sound else { return Err(Wrong::Empty) };
        let (first, last_gone) = (sound.first, sound.first.saturating_sub(1));
        let was_first = self.head.and_then(|head| head.first);
        if let Some(cut) = self.begins_after {
            let Some(cut_at) = self.cut_at else { return Err(Wrong::NoBeginning { seq: cut.seq }) };
            if sound.from >= cut_at.minus(AUDIT_KEPT) {
                let from = was_first.filter(|was| (1..first).contains(was)).unwrap_or(1);
                return Err(Wrong::TooYoung { from, to: last_gone, next: first });
            }
        }
        if let (Some(head), None) = (self.head, sound.head_asked_for_at) {
            let head = hex(&head.hash);
            let restores: Vec<Restoration> =
                self.names_head.map_or_else(|| self.restores.into_iter().rev().collect(), |named| vec![named]);
            return Err(match restores.as_slice() {
                [] => Wrong::HeadGone { head },
                [_, ..] => Wrong::HeadSetAside { head, restores },
            });
        }
        match was_first {
            Some(said) if said < 1 || said > first => Err(Wrong::OtherBeginning { said, first }),
            Some(_) | None => {
                let gone_since = was_first.filter(|was| *was < first).map(|was| (was, last_gone));
                Ok(Sound { head: hex(&self.before), gone_since, ..sound })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{On, members};
    use proptest::prelude::*;

    /// When it is verified: 24 months after the eleventh entry.
    const LATER: Timestamp = Timestamp(731 * 86_400_000_000 + 11_000);

    /// A chain of so many entries after this cut, which the last of them tells of.
    fn chain(cut: Option<Cut>, count: i64) -> Vec<Entry> {
        let (mut before, first) = cut.map_or((NOTHING_BEFORE, 1), |cut| (cut.hash, cut.seq + 1));
        let mut entries = Vec::new();
        for seq in first..first + count {
            let mut entry = Entry {
                seq,
                at: if cut.is_some() && seq == first + count - 1 { LATER } else { Timestamp(seq * 1_000) },
                who: "kari".to_owned(),
                what: "sensor revoke".to_owned(),
                on: format!("sensor {seq}"),
                members: members(&On::Sensor(seq), &["3407".to_owned()]),
                was: "enrolled".to_owned(),
                became: "revoked".to_owned(),
                cut: cut.filter(|_| seq == first + count - 1),
                hash: NOTHING_BEFORE,
            };
            entry.hash = entry.hash_after(&before);
            before = entry.hash;
            entries.push(entry);
        }
        entries
    }

    fn verify(entries: &[Entry], head: Option<[u8; 32]>) -> Result<Sound, Wrong> {
        hold(entries, head.map(|hash| Kept { hash, first: None }))
    }

    fn hold(entries: &[Entry], head: Option<Kept>) -> Result<Sound, Wrong> {
        let cuts = entries.iter().filter_map(|entry| entry.cut);
        let first = entries.first().map_or(1, |entry| entry.seq);
        let cut = cuts.max_by_key(|cut| cut.seq == first - 1).filter(|_| first > 1);
        let mut verifier = Verifier::new(cut, head, LATER);
        entries.iter().try_for_each(|entry| verifier.take(entry))?;
        verifier.finish()
    }

    #[test]
    fn w2_a_whole_chain_is_whole_and_knows_every_head_it_ever_had() {
        let entries = chain(None, 5);
        let sound = verify(&entries, None).unwrap();
        assert_eq!((sound.entries, sound.first, sound.last), (5, 1, 5));
        assert_eq!(sound.head, hex(&entries[4].hash));
        for entry in &entries {
            assert_eq!(verify(&entries, Some(entry.hash)).unwrap().head_asked_for_at, Some(entry.seq));
        }
        assert_eq!(verify(&[], None), Err(Wrong::Empty));
    }

    #[test]
    fn w2_a_tail_that_was_cut_off_is_seen_by_who_kept_a_head() {
        let entries = chain(None, 5);
        let head = entries[4].hash;
        assert!(verify(&entries[..4], None).is_ok(), "the chain alone cannot know");
        assert_eq!(verify(&entries[..4], Some(head)), Err(Wrong::HeadGone { head: hex(&head) }));
        // Written anew from some place on, whole and false.
        let mut forged = entries[..4].to_vec();
        forged[3].became = "nothing happened".to_owned();
        forged[3].hash = forged[3].hash_after(&forged[2].hash);
        assert!(verify(&forged, None).is_ok() && verify(&forged, Some(head)).is_err());
    }

    #[test]
    fn w2_a_head_of_what_a_restore_set_aside_is_looked_for_there() {
        let mut entries = chain(None, 12);
        let (kept, ended) = ([7; 32], [8; 32]);
        for (place, was) in [
            (3, "nothing, or a state whose audit could not be read".to_owned()),
            (6, format!("{SET_ASIDE}, head {}", hex(&[9; 32]))),
            (9, format!("{SET_ASIDE}, head {}", hex(&ended))),
        ] {
            (entries[place].what, entries[place].was) = (RESTORE.to_owned(), was);
        }
        let mut before = NOTHING_BEFORE;
        for entry in &mut entries {
            entry.hash = entry.hash_after(&before);
            before = entry.hash;
        }
        let at = |head| match verify(&entries, Some(head)) {
            Err(Wrong::HeadSetAside { restores, .. }) => restores.iter().map(|of| of.seq).collect(),
            _ => Vec::new(),
        };
        assert_eq!(at(kept), [10, 7], "the newest first, and none that set nothing aside");
        assert_eq!(at(ended), [10], "the one that names it");
        assert_eq!(verify(&entries, Some(entries[2].hash)).unwrap().head_asked_for_at, Some(3));
        assert!(matches!(verify(&entries[..4], Some(kept)), Err(Wrong::HeadGone { .. })));
        // A chain that is not whole is that first.
        let mut broken = entries.clone();
        broken[11].who = "x".to_owned();
        assert_eq!(verify(&broken, Some(kept)), Err(Wrong::Changed { seq: 12 }));
    }

    #[test]
    fn w2_a_chain_begins_after_what_was_too_old_only_where_its_checkpoint_says_so() {
        let old = chain(None, 9);
        let cut = Cut { seq: 9, hash: old[8].hash };
        let mut entries = chain(Some(cut), 4);
        assert_eq!(verify(&entries, None).unwrap().first, 10);
        // The checkpoint is gone: nothing says why the chain does not begin with 1.
        entries.pop();
        assert_eq!(verify(&entries, None), Err(Wrong::NoBeginning { seq: 1 }));
        // One more than it says is gone.
        let mut entries = chain(Some(cut), 4);
        entries.remove(0);
        assert_eq!(verify(&entries, None), Err(Wrong::Gone { seq: 10, found: 11 }));
        // A claim that the chain itself does not hold.
        let mut verifier = Verifier::new(Some(cut), None, LATER);
        let entries = chain(Some(cut), 2);
        verifier.take(&entries[0]).unwrap();
        assert_eq!(verifier.finish(), Err(Wrong::NoBeginning { seq: 9 }));
    }

    #[test]
    fn w2_a_beginning_that_was_not_too_old_is_missed_however_well_its_checkpoint_fits() {
        let old = chain(None, 15);
        let kept = |seq: usize, first| Some(Kept { hash: old[seq].hash, first: Some(first) });
        let cut = |seq: usize| Cut { seq: seq as i64, hash: old[seq - 1].hash };
        // The tenth is 24 months old when the checkpoint is written: the nine before it may be gone.
        let entries = chain(Some(cut(9)), 4);
        assert_eq!(hold(&entries, None).unwrap().gone_since, None);
        assert_eq!(
            hold(&entries, kept(10, 1)).unwrap().gone_since,
            Some((1, 9)),
            "they were there then, and that is said"
        );
        assert_eq!(hold(&entries, kept(10, 10)).unwrap().gone_since, None);
        assert_eq!(hold(&entries, kept(10, 11)), Err(Wrong::OtherBeginning { said: 11, first: 10 }));
        assert_eq!(hold(&old, kept(10, 1)).unwrap().gone_since, None);
        // The eleventh is not, whoever says so, with a head or without.
        let entries = chain(Some(cut(10)), 4);
        let missed = |from| Err(Wrong::TooYoung { from, to: 10, next: 11 });
        assert_eq!((hold(&entries, None), hold(&entries, kept(11, 4))), (missed(1), missed(4)));
        assert!(hold(&entries, None).unwrap_err().to_string().starts_with("entries 1-10 are no longer there"));
        // Nor by a checkpoint of a clock that was ahead.
        let mut entries = entries;
        entries[3].at = LATER.plus(AUDIT_KEPT);
        entries[3].hash = entries[3].hash_after(&entries[2].hash);
        assert_eq!(hold(&entries, None), missed(1));
    }

    #[test]
    fn words_that_name_another_member_are_withheld_from_a_member() {
        let mut entry = chain(None, 1).remove(0);
        assert_eq!(entry.clone().as_shown_to(&["3407"]), entry, "its own deeds as they are");
        entry.members = members(&On::Sensor(1), &["3407".to_owned(), "0301".to_owned(), "3407".to_owned()]);
        assert_eq!(entry.member_numbers(), Some(vec!["3407", "0301"]));
        assert_eq!(entry.clone().as_shown_to(&["3407", "0301"]), entry, "both its own");
        entry.became = "of 0301 Oslo".to_owned();
        let shown = entry.as_shown_to(&["3407", "0302"]);
        assert!(!format!("{shown:?}").contains("0301"), "{shown:?}");
        assert_eq!(shown.member_numbers(), Some(vec!["3407"]));
        assert_eq!(members(&On::Everybody, &[]), "*");
    }

    proptest! {
        #[test]
        fn w2_any_flipped_octet_any_removed_and_any_moved_entry_is_found_and_named(
            place in 0_usize..12, other in 0_usize..12, field in 0_usize..10, octet in any::<prop::sample::Index>(), bit in 0_u8..7,
        ) {
            let entries = chain(None, 12);
            let mut changed = entries.clone();
            let entry = &mut changed[place];
            let flip = |text: &mut String| {
                let mut octets = std::mem::take(text).into_bytes();
                if octets.is_empty() {
                    octets.push(b'x');
                } else {
                    let at = octet.index(octets.len());
                    octets[at] ^= 1 << bit;
                }
                // As the store reads what is no text any more.
                *text = String::from_utf8_lossy(&octets).into_owned();
            };
            match field {
                0 => entry.at.0 ^= 1 << bit,
                1 => flip(&mut entry.who),
                2 => flip(&mut entry.what),
                3 => flip(&mut entry.on),
                4 => flip(&mut entry.members),
                5 => flip(&mut entry.was),
                6 => flip(&mut entry.became),
                7 => entry.hash[octet.index(32)] ^= 1 << bit,
                8 => entry.cut = Some(Cut { seq: i64::from(bit), hash: [bit; 32] }),
                _ => entry.seq ^= 1 << (bit % 3),
            }
            let found = verify(&changed, None).unwrap_err();
            if field < 9 {
                prop_assert_eq!(found, Wrong::Changed { seq: place as i64 + 1 });
            }
            // Removed: the last one needs a head that was kept.
            let mut gone = entries.clone();
            gone.remove(place);
            let found = verify(&gone, Some(entries[11].hash)).unwrap_err();
            prop_assert!(found.seq().is_none_or(|seq| seq == place as i64 + 1), "{found}");
            prop_assert_eq!(found.seq().is_none(), place == 11);
            // Moved: what they say changes places, numbers stay in order.
            if place != other {
                let mut moved = entries.clone();
                moved.swap(place, other);
                (moved[place].seq, moved[other].seq) = (place as i64 + 1, other as i64 + 1);
                let first = place.min(other) as i64 + 1;
                prop_assert_eq!(verify(&moved, None), Err(Wrong::Changed { seq: first }));
            }
        }
    }
}
