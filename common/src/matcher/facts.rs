//! What is said of an indicator besides its pattern and number: few distinct combinations, each written once.

use crate::indicator::{Indicator, Marks, Severity};
use crate::time::{Timestamp, Validity};
use crate::tlp::Tlp;

/// Octets of one combination in the base.
pub(super) const FACTS_OCTETS: usize = 24;

/// What is said of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Facts {
    /// When it holds.
    pub validity: Validity,
    /// How sure the source is, 0-100.
    pub confidence: u8,
    /// How bad it would be.
    pub severity: Severity,
    /// How far it may be shared.
    pub tlp: Tlp,
    /// Exercise and retro.
    pub marks: Marks,
}

impl Default for Facts {
    /// Nothing known: middling confidence and severity, AMBER, always valid.
    fn default() -> Facts {
        Facts {
            validity: Validity::default(),
            confidence: 50,
            severity: Severity::Medium,
            tlp: Tlp::Amber,
            marks: Marks::default(),
        }
    }
}

impl From<&Indicator> for Facts {
    fn from(indicator: &Indicator) -> Facts {
        let Indicator { id: _, pattern: _, validity, confidence, severity, tlp, marks } = *indicator;
        Facts { validity, confidence, severity, tlp, marks }
    }
}

/// The facts with what else few patterns differ in: the port, and whether a name means itself alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) facts: Facts,
    pub(super) port: Option<u16>,
    pub(super) exact: bool,
}

const EXERCISE: u8 = 1;
const RETRO: u8 = 2;
const HAS_FROM: u8 = 4;
const HAS_UNTIL: u8 = 8;
const EXACT: u8 = 16;

impl Entry {
    pub(super) fn to_octets(self) -> [u8; FACTS_OCTETS] {
        let Facts { validity, confidence, severity, tlp, marks } = self.facts;
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(marks.exercise, EXERCISE)
            | flag(marks.retro, RETRO)
            | flag(validity.from.is_some(), HAS_FROM)
            | flag(validity.until.is_some(), HAS_UNTIL)
            | flag(self.exact, EXACT);
        let tlp = match tlp {
            Tlp::Clear => 0,
            Tlp::Green => 1,
            Tlp::Amber => 2,
            Tlp::AmberStrict => 3,
            Tlp::Red => 4,
        };
        let [p, q] = self.port.unwrap_or(0).to_le_bytes();
        let mut octets = [0; FACTS_OCTETS];
        let from = validity.from.map_or(0, |moment| moment.0).to_le_bytes();
        let until = validity.until.map_or(0, |moment| moment.0).to_le_bytes();
        let rest = [p, q, confidence, severity.level(), tlp, flags, 0, 0];
        for (to, from) in octets.iter_mut().zip(from.into_iter().chain(until).chain(rest)) {
            *to = from;
        }
        octets
    }

    /// Nothing where the octets are no facts.
    pub(super) fn from_octets(octets: &[u8]) -> Option<Entry> {
        let (from, rest) = octets.split_first_chunk::<8>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let &[p, q, confidence, severity, tlp, flags, 0, 0] = rest else { return None };
        let is = |flag: u8| flags & flag != 0;
        let tlp = match tlp {
            0 => Tlp::Clear,
            1 => Tlp::Green,
            2 => Tlp::Amber,
            3 => Tlp::AmberStrict,
            4 => Tlp::Red,
            _ => return None,
        };
        let validity = Validity {
            from: is(HAS_FROM).then(|| Timestamp(i64::from_le_bytes(*from))),
            until: is(HAS_UNTIL).then(|| Timestamp(i64::from_le_bytes(*until))),
        };
        let marks = Marks { exercise: is(EXERCISE), retro: is(RETRO) };
        let facts = Facts { validity, confidence, severity: Severity::from_level(severity), tlp, marks };
        let port = Some(u16::from_le_bytes([p, q])).filter(|&port| port != 0);
        Some(Entry { facts, port, exact: is(EXACT) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn facts_come_back_as_they_were(
            from in proptest::option::of(any::<i64>()), until in proptest::option::of(any::<i64>()), port in 0u16..,
            confidence: u8, level in 0u8..5, tlp in 0usize..5, flags: [bool; 3],
        ) {
            let [exercise, retro, exact] = flags;
            let facts = Facts {
                validity: Validity { from: from.map(Timestamp), until: until.map(Timestamp) },
                confidence,
                severity: Severity::from_level(level),
                tlp: [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red][tlp],
                marks: Marks { exercise, retro },
            };
            let entry = Entry { facts, port: Some(port).filter(|&port| port != 0), exact };
            prop_assert_eq!(Entry::from_octets(&entry.to_octets()), Some(entry));
        }

        #[test]
        fn hostile_facts_are_facts_or_refused(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Entry::from_octets(&octets);
        }
    }
}
