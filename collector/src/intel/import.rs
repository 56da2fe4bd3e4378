//! A plain list read for import: the good lines as indicators, the bad ones by line number with what would be right.

use std::collections::HashSet;

use varde_common::indicator::{Kind, Pattern, Severity};
use varde_common::plain::{self, BadLine};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::guard::{Guard, Harmful};

/// What is said about all lines of a list. What is not said stays as it is for indicators already known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Where it comes from.
    pub source: Option<String>,
    /// What it belongs to.
    pub threat: Option<String>,
    /// How bad it would be.
    pub severity: Option<Severity>,
    /// How sure the source is, 0-100.
    pub confidence: Option<u8>,
    /// How far it may be shared.
    pub tlp: Option<Tlp>,
    /// Holds from.
    pub valid_from: Option<Timestamp>,
    /// Holds until.
    pub valid_until: Option<Timestamp>,
    /// Part of an exercise.
    pub exercise: bool,
}

/// A line as it goes into the database: canonical pattern and its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As plain lists write it.
    pub pattern: String,
    /// Which kind.
    pub kind: Kind,
}

/// A line left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// It is no indicator.
    #[error("{0}")]
    Bad(#[from] BadLine),
    /// It would do harm.
    #[error("line {line}: \"{pattern}\" is not imported: {why}")]
    Harmful {
        /// Line number, from 1.
        line: usize,
        /// The indicator.
        pattern: String,
        /// Why.
        why: Harmful,
    },
}

/// Reads a plain list line by line, each pattern once.
#[derive(Debug)]
pub struct Reader {
    guard: Guard,
    seen: HashSet<Pattern>,
    repeated: u64,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new()
    }
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Reader {
        Reader { guard: Guard::new(), seen: HashSet::new(), repeated: 0 }
    }

    /// The lines of `list` that are there for the first time, and those left out, in order.
    pub fn read<'a>(&'a mut self, list: &'a [u8]) -> impl Iterator<Item = Result<Line, LeftOut>> + 'a {
        plain::read(list).filter_map(|line| match line {
            Ok((number, pattern)) => self.take(number, pattern),
            Err(bad) => Some(Err(bad.into())),
        })
    }

    fn take(&mut self, number: usize, pattern: Pattern) -> Option<Result<Line, LeftOut>> {
        if let Err(why) = self.guard.check(&pattern) {
            return Some(Err(LeftOut::Harmful { line: number, pattern: pattern.to_plain(), why }));
        }
        let line = Line { pattern: pattern.to_plain(), kind: pattern.kind() };
        if !self.seen.insert(pattern) {
            self.repeated += 1;
            return None;
        }
        Some(Ok(line))
    }

    /// Lines that repeated an earlier one.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_lines_go_in_once_and_the_others_are_named() {
        let list = "evil.example # c2\n=evil.example\nEVIL.example.\n10.0.0.1\nblåbær.no\n192.0.2.0/24\nno\n";
        let mut reader = Reader::new();
        let read: Vec<_> = reader.read(list.as_bytes()).collect();
        let good: Vec<_> = read.iter().filter_map(|l| l.as_ref().ok()).map(|l| l.pattern.as_str()).collect();
        let bad: Vec<_> = read.iter().filter_map(|l| l.as_ref().err()).map(ToString::to_string).collect();
        assert_eq!(good, ["evil.example", "=evil.example", "192.0.2.0/24"]);
        assert_eq!(reader.repeated(), 1);
        assert_eq!(bad.len(), 3);
        assert!(bad[0].starts_with("line 4: \"10.0.0.1\" is not imported: it belongs to 10.0.0.0/8"), "{}", bad[0]);
        assert!(bad[1].starts_with("line 5: ") && bad[1].contains("xn--"), "{}", bad[1]);
        assert!(bad[2].starts_with("line 7: \"no\" is not imported: it is a top-level"), "{}", bad[2]);
    }

    proptest! {
        #[test]
        fn hostile_lists_never_panic(list in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = Reader::new().read(&list).count();
        }
    }
}
