//! What is sent to sensors, counted by source, kind and marking: of the newest list for all, without what is marked for few.

use std::collections::{BTreeMap, HashMap, HashSet};

use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::intel::hidden::is_secret;

/// Sources that are named; the rest of a very long row is no help.
const SOURCES_NAMED: usize = 200;

/// The newest list for all in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its number.
    pub revision: i64,
    /// Since when.
    pub published_at: Timestamp,
    /// Indicators in it that are marked for few are no part of these numbers.
    pub total: i64,
    /// By source, the most first; one indicator may have several.
    pub sources: Vec<(String, i64)>,
    /// By kind, the most first.
    pub kinds: Vec<(String, i64)>,
    /// By marking.
    pub tlps: Vec<(String, i64)>,
}

/// The most first, else by name.
fn sorted(counts: BTreeMap<String, i64>) -> Vec<(String, i64)> {
    let mut counts: Vec<(String, i64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

impl Store {
    /// What is sent: the same whoever asks, for lists are for all members. None where there is no list, or it is not what was signed.
    /// It reads the whole list, and whatever is said of what is in it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sent(&self, scope: Scope) -> Result<Option<Sent>, StoreError> {
        let Some(list) = self.newest_list(scope, &ChannelName::default()).await? else { return Ok(None) };
        let Revision(revision) = list.revision;
        let Ok(set) = list.set() else { return Ok(None) };
        let (mut kinds, mut tlps) = (BTreeMap::new(), BTreeMap::new());
        let mut held = HashSet::new();
        for one in set.indicators().filter(|one| !one.pattern.is_confidential() && !is_secret(one.tlp)) {
            held.insert(i64::try_from(one.id.0).unwrap_or(i64::MAX));
            // The list says which kind each is: the table of everything that was ever taken in need not be read for it.
            *kinds.entry(one.pattern.kind().to_string()).or_insert(0) += 1;
            *tlps.entry(one.tlp.to_string()).or_insert(0) += 1;
        }
        let number = i64::try_from(revision).unwrap_or(i64::MAX);
        let sql = "SELECT published_at FROM list_revision WHERE revision = $1";
        let published_at: i64 = sqlx::query_scalar(sql).bind(number).fetch_one(self.readers()).await?;
        let names: Vec<(i64, String)> = sqlx::query_as("SELECT id, name FROM source").fetch_all(self.readers()).await?;
        let names: HashMap<i64, String> = names.into_iter().collect();
        let sql = "SELECT DISTINCT source_id, indicator_id FROM claim WHERE withdrawn_at IS NULL";
        let said: Vec<(i64, i64)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let mut by_source = HashMap::new();
        for (source, _) in said.into_iter().filter(|(_, id)| held.contains(id)) {
            *by_source.entry(source).or_insert(0) += 1;
        }
        let named = by_source.into_iter().filter_map(|(source, count)| Some((names.get(&source)?.clone(), count)));
        let mut sources = sorted(named.collect());
        sources.truncate(SOURCES_NAMED);
        Ok(Some(Sent {
            revision: number,
            published_at: Timestamp(published_at),
            total: i64::try_from(held.len()).unwrap_or(i64::MAX),
            sources,
            kinds: sorted(kinds),
            tlps: sorted(tlps),
        }))
    }
}
