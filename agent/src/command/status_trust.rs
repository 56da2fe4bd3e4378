//! What a sensor trusts, as `status` shows it: the root document in force, and how new its list is known to be.

use serde::{Deserialize, Serialize};
use varde_common::id::Revision;
use varde_common::message::{Freshness, Standing};
use varde_common::time::Timestamp;

use crate::anchor::Anchor;
use crate::newness::Newness;

/// What a sensor trusts, and how new its list is known to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustReport {
    /// The root document in force.
    pub root_version: u32,
    /// When a new one is wanted.
    pub root_until: Timestamp,
    /// Why the last one that was offered was refused, unless one was taken since.
    pub root_refused: Option<String>,
    /// `not_told` (nobody says which list is the newest), `fresh`, `stale` (nobody has for a day while it was connected), or
    /// `behind` (a newer list was named and does not come).
    pub freshness: String,
    /// When the newest list was last named.
    pub told_at: Option<Timestamp>,
    /// Which; 0 = never.
    pub named: Revision,
    /// Why the last word of it was not believed, unless one was since.
    pub newest_refused: Option<String>,
}

impl TrustReport {
    /// As it is at this moment.
    pub fn of(anchor: &Anchor, newness: &Newness, standing: &Standing) -> TrustReport {
        let freshness = match standing.freshness {
            Freshness::NotTold => "not_told",
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::Behind => "behind",
        };
        TrustReport {
            root_version: standing.root_version,
            root_until: anchor.root().expires,
            root_refused: anchor.refused().map(str::to_owned),
            freshness: freshness.to_owned(),
            told_at: standing.told_at,
            named: standing.named,
            newest_refused: newness.refused().map(str::to_owned),
        }
    }
}
