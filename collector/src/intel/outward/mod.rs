//! The list for others: what of it may go to whom, and in which words.
//!
//! TLP decides who reads: up to the reader's level, and TLP:RED never. PAP decides what for: what is marked PAP:RED goes nowhere, for a
//! file at a member's is no place for it; what is marked PAP:AMBER goes where people and servers look things up, and not where names and
//! addresses are blocked, for whoever is blocked notices that.

pub mod misp;
pub mod plain;
pub mod rpz;
pub mod served;
pub mod stix;

use std::collections::HashSet;

use varde_common::indicator::{Pattern, Severity, Target};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::canonical::Pap;

/// An indicator in force, as others are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number here.
    pub id: i64,
    /// What to look for.
    pub pattern: Pattern,
    /// How far it may be shared.
    pub tlp: Tlp,
    /// What may be done with it.
    pub pap: Option<Pap>,
    /// 0-100.
    pub confidence: u8,
    /// How bad it would be.
    pub severity: Severity,
    /// What it belongs to.
    pub threat: Option<String>,
    /// Holds from.
    pub valid_from: Option<Timestamp>,
    /// Holds until.
    pub valid_until: Option<Timestamp>,
    /// When it came here.
    pub received_at: Timestamp,
    /// Since when what is said of it is as it is; none = since it came.
    pub changed_at: Option<Timestamp>,
    /// When a source last said it; none where nobody asked.
    pub renewed_at: Option<Timestamp>,
}

impl Entry {
    /// Whether somebody of this level may read it.
    pub fn is_for(&self, level: Tlp) -> bool {
        is_for(self.tlp, self.pap, level)
    }

    /// Whether it may be acted upon in ways that the other side notices.
    pub fn may_be_blocked(&self) -> bool {
        self.pap <= Some(Pap::Green)
    }

    /// The name, where it is one that every program takes for one: letters, digits, hyphens and underscores.
    fn name(&self) -> Option<String> {
        usual_name(&self.pattern)
    }
}

/// See [`Entry::name`].
fn usual_name(pattern: &Pattern) -> Option<String> {
    let (Target::Domain(name) | Target::Host(name)) = &pattern.target else { return None };
    let text = name.to_string();
    let is_usual = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    text.bytes().all(is_usual).then_some(text)
}

/// An indicator that was served and is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// What was looked for.
    pub pattern: Pattern,
    /// How far it may be shared now, which may be less far than when it was served.
    pub tlp: Tlp,
    /// What may be done with it now.
    pub pap: Option<Pap>,
}

/// Whether somebody of this level may read what is marked so.
fn is_for(tlp: Tlp, pap: Option<Pap>, level: Tlp) -> bool {
    tlp <= level && tlp < Tlp::Red && pap < Some(Pap::Red)
}

/// What was written already: the same value stands once, however many indicators come to it.
#[derive(Debug, Default)]
pub struct Once(HashSet<[u8; 16]>);

impl Once {
    /// Whether this is the first time.
    pub fn is_first(&mut self, value: &str) -> bool {
        let hash = blake3::hash(value.as_bytes());
        hash.as_bytes().first_chunk::<16>().is_some_and(|begin| self.0.insert(*begin))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An entry of this pattern, TLP:GREEN and without more.
    pub(crate) fn entry(id: i64, pattern: &str) -> Entry {
        Entry {
            id,
            pattern: pattern.parse().unwrap(),
            tlp: Tlp::Green,
            pap: None,
            confidence: 70,
            severity: Severity::High,
            threat: None,
            valid_from: None,
            valid_until: None,
            received_at: Timestamp(1_795_000_000_000_000),
            changed_at: None,
            renewed_at: None,
        }
    }

    #[test]
    fn i8_tlp_says_who_reads_and_pap_what_for() {
        let levels = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
        for (marked, readers) in levels.into_iter().zip([5, 4, 3, 2, 0]) {
            let entry = Entry { tlp: marked, ..entry(1, "evil.example") };
            assert_eq!(levels.iter().filter(|level| entry.is_for(**level)).count(), readers, "{marked}");
        }
        let with = |pap| Entry { pap, ..entry(1, "evil.example") };
        let ways = [None, Some(Pap::Clear), Some(Pap::Green), Some(Pap::Amber), Some(Pap::Red)];
        let may = ways.map(|pap| (with(pap).is_for(Tlp::Amber), with(pap).may_be_blocked()));
        assert_eq!(may, [(true, true), (true, true), (true, true), (true, false), (false, false)]);
    }
}
