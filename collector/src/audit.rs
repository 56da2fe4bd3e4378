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
//! names the last of them and its hash, and the chain begins there. The youngest of those that are old enough stays: by its own time,
//! which the chain behind it holds fast, whoever verifies sees that what is gone before it was older than is kept.

use sha2::{Digest, Sha256};
use varde_common::time::Timestamp;

use crate::limits::AUDIT_TEXT_MAX_CHARACTERS;

mod verify;

pub use verify::{Kept, Restoration, Sound, Verifier, Wrong};

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
    /// A sensor, by its number; it concerns its member and all whose networks it watches.
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
/// What a member that left became: with this entry its numbers are free.
pub const LEFT: &str = "its sensors are revoked and everything of it is deleted";
/// What one became that was entered by mistake: so are its.
pub const REMOVED: &str = "removed";
/// What a restore is called.
pub const RESTORE: &str = "restore";
/// How an entry begins that says what a restore put another state in the place of.
pub const SET_ASIDE: &str = "another state, set aside";
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

    /// As the member which has or had these numbers may see it: without words that name another.
    pub fn as_shown_to(self, own: &[&str]) -> Entry {
        let Some(numbers) = self.member_numbers() else { return self };
        if numbers.iter().all(|number| own.contains(number)) {
            return self;
        }
        let numbers = numbers.into_iter().filter(|number| own.contains(number)).collect::<Vec<_>>().join(" ");
        let withheld = || WITHHELD.to_owned();
        Entry { members: format!(" {numbers} "), was: withheld(), became: withheld(), ..self }
    }
}
