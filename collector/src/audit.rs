//! The audit: what was done here, by whom, on whom. Each entry's hash is over the hash of the one before and over itself, so that
//! none can be changed, removed or moved unseen.
//!
//! ```text
//! hash = SHA-256( "varde-audit-1\n" ‖ hash of the entry before (32 octets; zeros before the first)
//!                 ‖ seq ‖ at (8 octets each, big-endian)
//!                 ‖ who ‖ what ‖ on whom ‖ members ‖ was ‖ became (each: its length in 4 octets, its octets)
//!                 ‖ 0, or 1 ‖ cut seq (8) ‖ cut hash (32) )
//! ```
//!
//! There is no secret in it: who may write the database can write a whole chain anew, or cut off its end. That is seen by whoever
//! keeps a head (the newest hash) elsewhere. Entries older than is kept are removed from the front; a checkpoint, an entry itself,
//! names the last of them and its hash, and the chain begins there.

use serde::Serialize;
use sha2::{Digest, Sha256};
use varde_common::time::Timestamp;
use varde_common::trust::hex;

use crate::limits::AUDIT_TEXT_MAX_CHARACTERS;

/// What keeps one kind of hash from being taken for another.
const DOMAIN: &[u8] = b"varde-audit-1\n";
/// What stands before the first entry.
pub const NOTHING_BEFORE: [u8; 32] = [0; 32];

/// On whom or what something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The collector itself: its name, address, settings.
    Collector,
    /// All members.
    Everybody,
    /// A member, by its number.
    Member(String),
    /// A sensor, by its number; it concerns its member.
    Sensor(i64),
    /// A setting, by its key.
    Setting(&'static str),
    /// Anything else, in words.
    Thing(String),
}

impl On {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            On::Collector => "the collector".to_owned(),
            On::Everybody => "all members".to_owned(),
            On::Member(number) => format!("member {number}"),
            On::Sensor(id) => format!("sensor {id}"),
            On::Setting(key) => format!("setting {key}"),
            On::Thing(words) => words.clone(),
        }
    }
}

/// What is about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// The command.
    pub what: &'static str,
    /// On whom.
    pub on: On,
    /// Members it concerns beside those that follow from `on`.
    pub members: Vec<String>,
    /// What was before, where the database does not say it.
    pub was: Option<String>,
    /// What will be.
    pub became: String,
}

impl Deed {
    /// A deed of which no more is said.
    pub fn new(who: String, what: &'static str, on: On, at: Timestamp) -> Deed {
        Deed { at, who, what, on, members: Vec::new(), was: None, became: String::new() }
    }

    /// And what was before, where the database does not say it.
    pub fn was(self, words: impl Into<String>) -> Deed {
        Deed { was: Some(words.into()), ..self }
    }

    /// And what it will be.
    pub fn becomes(self, words: impl Into<String>) -> Deed {
        Deed { became: words.into(), ..self }
    }

    /// And which other members it concerns.
    pub fn concerns(mut self, numbers: impl IntoIterator<Item = String>) -> Deed {
        self.members.extend(numbers);
        self
    }
}

/// The entries that were removed because they were older than is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The last of them.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// An entry, as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// The command.
    pub what: String,
    /// On whom.
    pub on: String,
    /// Numbers of the members it concerns, as [`members`] writes them.
    pub members: String,
    /// What was before.
    pub was: String,
    /// What it became.
    pub became: String,
    /// Of a checkpoint, what was removed.
    pub cut: Option<Cut>,
    /// Its hash.
    pub hash: [u8; 32],
}

/// All members, as an entry says it.
pub const ALL_MEMBERS: &str = "*";
/// What a member is shown in place of words that name another.
const WITHHELD: &str = "(withheld: it names another member)";

/// Members' numbers, as an entry holds them: each between spaces, so that one is found without finding a part of another.
pub fn members(on: &On, numbers: &[String]) -> String {
    if *on == On::Everybody {
        return ALL_MEMBERS.to_owned();
    }
    let mut all: Vec<&str> = Vec::new();
    for number in numbers {
        if !all.contains(&number.as_str()) {
            all.push(number);
        }
    }
    if all.is_empty() { String::new() } else { format!(" {} ", all.join(" ")) }
}

/// One line, and not too long.
pub fn cut_text(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().take(AUDIT_TEXT_MAX_CHARACTERS).map(shown).collect()
}

impl Entry {
    /// The hash it must have after this one.
    pub fn hash_after(&self, before: &[u8; 32]) -> [u8; 32] {
        let Entry { seq, at, who, what, on, members, was, became, cut, hash: _ } = self;
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(before);
        hash.update(seq.to_be_bytes());
        hash.update(at.0.to_be_bytes());
        for text in [who, what, on, members, was, became] {
            hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(text.as_bytes());
        }
        match cut {
            None => hash.update([0]),
            Some(Cut { seq, hash: last }) => {
                hash.update([1]);
                hash.update(seq.to_be_bytes());
                hash.update(last);
            }
        }
        hash.finalize().into()
    }

    /// The numbers of the members it concerns; none = all of them.
    pub fn member_numbers(&self) -> Option<Vec<&str>> {
        (self.members != ALL_MEMBERS).then(|| self.members.split_whitespace().collect())
    }

    /// As one of its members may see it: without words that name another.
    pub fn as_shown_to_a_member(self) -> Entry {
        let several = self.member_numbers().is_some_and(|numbers| numbers.len() > 1);
        if !several {
            return self;
        }
        let withheld = || WITHHELD.to_owned();
        Entry { members: String::new(), was: withheld(), became: withheld(), ..self }
    }
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
    /// All of it is gone.
    #[error("there is no entry at all, and a collector has one from the moment it is made")]
    Empty,
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
            Wrong::Empty | Wrong::HeadGone { .. } => None,
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
}

/// Holds a chain against itself, entry by entry.
#[derive(Debug)]
pub struct Verifier {
    /// Where the chain begins, as somebody says who is not believed; believed once the chain itself has said the same.
    begins_after: Option<Cut>,
    confirmed: bool,
    before: [u8; 32],
    next: i64,
    head: Option<[u8; 32]>,
    sound: Option<Sound>,
}

impl Verifier {
    /// For a chain that begins after what this checkpoint says was removed (none: with the first entry there ever was); `head` is one
    /// that somebody kept.
    pub fn new(checkpoint: Option<Cut>, head: Option<[u8; 32]>) -> Verifier {
        let (before, next) = checkpoint.map_or((NOTHING_BEFORE, 1), |cut| (cut.hash, cut.seq.saturating_add(1)));
        Verifier { begins_after: checkpoint, confirmed: checkpoint.is_none(), before, next, head, sound: None }
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
            self.confirmed = true;
        }
        (self.before, self.next) = (hash, entry.seq.saturating_add(1));
        let at = self.head.is_some_and(|head| head == hash).then_some(entry.seq);
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
        });
        Ok(())
    }

    /// No more entries come.
    ///
    /// # Errors
    /// What only the whole chain shows.
    pub fn finish(self) -> Result<Sound, Wrong> {
        let Some(sound) = self.sound else { return Err(Wrong::Empty) };
        if !self.confirmed {
            return Err(Wrong::NoBeginning { seq: sound.first.saturating_sub(1) });
        }
        match (self.head, sound.head_asked_for_at) {
            (Some(head), None) => Err(Wrong::HeadGone { head: hex(&head) }),
            (Some(_) | None, _) => Ok(Sound { head: hex(&self.before), ..sound }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A chain of so many entries after this cut.
    fn chain(cut: Option<Cut>, count: i64) -> Vec<Entry> {
        let (mut before, first) = cut.map_or((NOTHING_BEFORE, 1), |cut| (cut.hash, cut.seq + 1));
        let mut entries = Vec::new();
        for seq in first..first + count {
            let mut entry = Entry {
                seq,
                at: Timestamp(seq * 1_000),
                who: "kari".to_owned(),
                what: "sensor revoke".to_owned(),
                on: format!("sensor {seq}"),
                members: members(&On::Sensor(seq), &["3407".to_owned()]),
                was: "enrolled".to_owned(),
                became: "revoked".to_owned(),
                cut: cut.filter(|_| seq == first),
                hash: NOTHING_BEFORE,
            };
            entry.hash = entry.hash_after(&before);
            before = entry.hash;
            entries.push(entry);
        }
        entries
    }

    fn verify(entries: &[Entry], head: Option<[u8; 32]>) -> Result<Sound, Wrong> {
        let cuts = entries.iter().filter_map(|entry| entry.cut);
        let first = entries.first().map_or(1, |entry| entry.seq);
        let cut = cuts.max_by_key(|cut| cut.seq == first - 1).filter(|_| first > 1);
        let mut verifier = Verifier::new(cut, head);
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
    fn w2_a_chain_begins_after_what_was_too_old_only_where_its_checkpoint_says_so() {
        let old = chain(None, 9);
        let cut = Cut { seq: 9, hash: old[8].hash };
        let mut entries = chain(Some(cut), 4);
        assert_eq!(verify(&entries, None).unwrap().first, 10);
        // The checkpoint is gone: nothing says why the chain does not begin with 1.
        entries.remove(0);
        assert_eq!(verify(&entries, None), Err(Wrong::NoBeginning { seq: 1 }));
        // One more than it says is gone.
        let mut entries = chain(Some(cut), 4);
        let checkpoint = entries.remove(0);
        let mut later = Entry { seq: 14, ..checkpoint };
        later.hash = later.hash_after(&entries[2].hash);
        entries.push(later);
        assert_eq!(verify(&entries, None), Err(Wrong::Gone { seq: 10, found: 11 }));
        // A claim that the chain itself does not hold.
        let mut verifier = Verifier::new(Some(cut), None);
        let mut entries = chain(Some(cut), 1);
        entries[0].cut = None;
        entries[0].hash = entries[0].hash_after(&cut.hash);
        verifier.take(&entries[0]).unwrap();
        assert_eq!(verifier.finish(), Err(Wrong::NoBeginning { seq: 9 }));
    }

    #[test]
    fn words_that_name_another_member_are_withheld_from_a_member() {
        let mut entry = chain(None, 1).remove(0);
        assert_eq!(entry.clone().as_shown_to_a_member(), entry, "its own deeds as they are");
        entry.members = members(&On::Sensor(1), &["3407".to_owned(), "0301".to_owned(), "3407".to_owned()]);
        assert_eq!(entry.member_numbers(), Some(vec!["3407", "0301"]));
        let shown = entry.as_shown_to_a_member();
        assert!(!format!("{shown:?}").contains("0301"), "{shown:?}");
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
