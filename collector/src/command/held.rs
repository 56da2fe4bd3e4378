//! What lint holds back, as commands say it: of a list, and of what is being imported.

use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::say;
use crate::intel::canonical::Found;
use crate::intel::compile::Compiled;
use crate::intel::hidden::is_secret;
use crate::intel::lifetime::{Lifetimes, is_over};
use crate::intel::lint::{Held, Linter};
use crate::limits::BAD_ENTRIES_SHOWN;
use crate::store::{Scope, Store, StoreError};

/// How many are in a list as keyed hashes alone, and how many are left out for what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beside {
    /// In it, as keyed hashes alone.
    pub(super) confidential: u64,
    /// Out: TLP:RED, of which nobody said that it is to be published.
    pub(super) withheld: u64,
    /// Out: what may not be read and cannot be hashed.
    pub(super) unhidable: u64,
    /// Out: over.
    pub(super) expired: u64,
}

impl From<&Compiled> for Beside {
    fn from(compiled: &Compiled) -> Beside {
        let Compiled { confidential, withheld, unhidable, expired, .. } = *compiled;
        Beside { confidential, withheld, unhidable, expired }
    }
}

impl Beside {
    /// In sentences.
    pub(super) fn lines(self) -> Vec<String> {
        let Beside { confidential, withheld, unhidable, expired } = self;
        let said = [
            (
                confidential,
                format!(
                    "{confidential} indicators marked TLP:AMBER+STRICT or TLP:RED reach sensors as keyed hashes only. Whoever has root on a sensor cannot read them, but can try guesses against them."
                ),
            ),
            (
                withheld,
                format!(
                    "{withheld} indicators marked TLP:RED are left out. With the originator's consent they are published, as keyed hashes, by: varde-collector publish --include-red"
                ),
            ),
            (
                unhidable,
                format!(
                    "{unhidable} fingerprints (ja4) marked TLP:AMBER+STRICT or TLP:RED are left out: of a fingerprint there is no keyed hash."
                ),
            ),
            (expired, format!("{expired} indicators are left out because they are no longer valid.")),
        ];
        said.into_iter().filter(|(count, _)| *count > 0).map(|(_, line)| line).collect()
    }
}

/// What lint holds back, and what of it sensors may have until this list is theirs.
pub(super) fn say_of_list(held: &Held) {
    for line in held.lines("Held back: ") {
        say::aside(&line);
    }
    if held.were_published > 0 {
        say::aside(&format!(
            "{} of them have been in a list before and are in no list any more: {}{}",
            held.were_published,
            held.first_published.join(", "),
            if held.were_published > held.first_published.len() as u64 { ", …" } else { "" }
        ));
    }
    if held.count() > 0 {
        let how = match held.by_rule.values().any(|tally| tally.can_be_overridden) {
            true => " What is meant all the same: varde-collector lint override INDICATOR --reason TEXT --until DATE",
            false => "",
        };
        say::aside(&format!("All of it: varde-collector indicator lint.{how}"));
    }
}

/// Looks at what is imported, so that nobody has to publish to learn that it is held.
#[derive(Debug)]
pub(super) struct Look {
    linter: Linter,
    lifetimes: Lifetimes,
    /// The time it goes by.
    pub(super) now: Timestamp,
    /// Held back as it stands.
    pub(super) held: Held,
    /// Older than its lifetime already.
    pub(super) expired: u64,
    /// Marked TLP:RED, so that they go out only where that is said.
    pub(super) red: u64,
    /// None of these.
    pub(super) free: u64,
}

impl Look {
    /// With what is known now.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn new(store: &Store, now: Timestamp) -> Result<Look, StoreError> {
        let (linter, lifetimes) = (store.linter(Scope::Operator, now).await?, store.lifetimes(Scope::Operator).await?);
        Ok(Look { linter, lifetimes, now, held: Held::default(), expired: 0, red: 0, free: 0 })
    }

    /// Looks at one.
    pub(super) fn take(&mut self, found: &Found) {
        let is_over = is_over(found, &self.lifetimes, self.now);
        self.expired += u64::from(is_over);
        let finding = self.linter.holds(&found.pattern, found.about.details.of_url);
        let is_red = found.about.tlp == Some(Tlp::Red);
        self.red += u64::from(is_red);
        self.free += u64::from(finding.is_none() && !is_over && !is_red);
        if let Some(finding) = finding {
            let tlp = found.about.tlp.unwrap_or_default();
            let shown = || match is_secret(tlp) {
                true => format!("one that is marked {tlp}"),
                false => found.pattern.to_plain(),
            };
            self.held.add(&finding, tlp, shown, false);
        }
    }

    /// Says what was seen.
    pub(super) fn say(&self) {
        for line in self.held.lines("Will not be published: ") {
            say::aside(&line);
        }
        if self.red > 0 {
            say::aside(&format!(
                "{} are marked TLP:RED: they go out, as keyed hashes, only by varde-collector publish --include-red, where the originator has agreed.",
                self.red
            ));
        }
        if self.expired > 0 {
            say::aside(&format!(
                "{} are older than indicators of their kind live (varde-collector lint lifetime) or past the end that their source names: they are kept, and in no list.",
                self.expired
            ));
        }
    }
}

/// Says which of the indicators in a file were found to be false positives and stay withdrawn. By number alone: what it is may be for few eyes.
pub(super) fn say_refuted(refuted: &[i64]) {
    for indicator in refuted.iter().take(usize::try_from(BAD_ENTRIES_SHOWN).unwrap_or(usize::MAX)) {
        say::aside(&format!(
            "indicator {indicator} was found to be a false positive and stays withdrawn; if it is right after all: varde-collector indicator verdict {indicator} none --reason TEXT"
        ));
    }
}
