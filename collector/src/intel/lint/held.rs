//! What is held back, counted by rule, with the first few.

use std::collections::BTreeMap;

use serde::Serialize;
use varde_common::tlp::Tlp;

use super::Finding;
use crate::intel::hidden::is_secret;
use crate::limits::HELD_NAMED;

/// Indicators that one rule holds back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The first of them, as they may be shown, each with why.
    pub first: Vec<String>,
    /// Whether somebody may override it.
    pub can_be_overridden: bool,
}

/// All that is held back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Held {
    /// By [`Finding::key`].
    pub by_rule: BTreeMap<String, Tally>,
    /// How many of them have been in a list before.
    pub were_published: u64,
    /// The first of those.
    pub first_published: Vec<String>,
}

impl Held {
    /// Counts one; `shown` is what may be shown of it. Of one that is marked so that not everybody may read it nothing more is said.
    pub fn add(&mut self, finding: &Finding, tlp: Tlp, shown: impl FnOnce() -> String, was_published: bool) {
        let tally = self.by_rule.entry(finding.key()).or_default();
        tally.count += 1;
        tally.can_be_overridden |= finding.can_be_overridden();
        let is_named = tally.first.len() < HELD_NAMED;
        let is_named_as_published = was_published && self.first_published.len() < HELD_NAMED;
        self.were_published += u64::from(was_published);
        if is_named || is_named_as_published {
            let shown = shown();
            if is_named_as_published {
                self.first_published.push(shown.clone());
            }
            if is_named {
                tally.first.push(if is_secret(tlp) { shown } else { format!("{shown}: {finding}") });
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.by_rule.values().map(|tally| tally.count).sum()
    }

    /// For people: how many, by which rule, the first of them.
    pub fn lines(&self, before: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for (rule, Tally { count, first, can_be_overridden }) in &self.by_rule {
            let last = if *can_be_overridden { "" } else { " (cannot be overridden)" };
            lines.push(format!("{before}{count} by the rule \"{rule}\"{last}:"));
            lines.extend(first.iter().map(|one| format!("  {one}")));
            let more = count.saturating_sub(first.len() as u64);
            if more > 0 {
                lines.push(format!("  and {more} more"));
            }
        }
        lines
    }
}
