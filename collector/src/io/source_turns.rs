//! Fetches each source when it is its turn, for as long as the collector runs; a few at once, so that a slow one holds up no other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::{Id, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::clock;
use super::sources::{self, Conduct, Outcome, SourceError};
use crate::audit::{Deed, On};
use crate::change::{Change, Changes};
use crate::intel::fetch::schedule::Schedule;
use crate::limits::fetch::{FETCHES_AT_ONCE, SOURCES_LOOKED_AT_EVERY};
use crate::store::source::SourceRow;
use crate::store::{Scope, Store};

/// Who does it, in the audit.
const WHO: &str = "varde-collector";

/// Fetches for as long as it is let.
pub async fn go_on(data: PathBuf, store: Store, changes: Changes) {
    let data: Arc<Path> = data.into();
    let mut schedule = Schedule::default();
    let mut under_way: JoinSet<()> = JoinSet::new();
    let mut whose: HashMap<Id, i64> = HashMap::new();
    let mut look = interval(SOURCES_LOOKED_AT_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            Some(ended) = under_way.join_next_with_id(), if !under_way.is_empty() => {
                // One that was cut off by a fault of its own is over too.
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                if let Some(source) = whose.remove(&id) {
                    schedule.handle_done(source, clock::monotonic());
                }
                let _ = changes.send(Change::Room);
            }
        }
        let rows = match store.source_turns(Scope::Operator).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!("which sources are to be fetched is not known: {error}");
                continue;
            }
        };
        let turns: Vec<_> = rows.iter().map(SourceRow::turn).collect();
        schedule.handle_sources(&turns, clock::monotonic(), clock::now(), random);
        while under_way.len() < FETCHES_AT_ONCE
            && let Some(id) = schedule.poll_due(clock::monotonic())
        {
            let Some(row) = rows.iter().find(|row| row.id == id) else {
                schedule.handle_done(id, clock::monotonic());
                continue;
            };
            let task = under_way.spawn(one(Arc::clone(&data), store.clone(), row.name.clone()));
            whose.insert(task.id(), id);
        }
    }
}

/// What spreads turns; where there is none, they are not spread.
fn random() -> u8 {
    let mut octet = [128];
    let _ = getrandom::fill(&mut octet);
    let [octet] = octet;
    octet
}

/// Fetches one source and says in the log how that ended, where it is news.
async fn one(data: Arc<Path>, store: Store, name: String) {
    // With what stands of it, which the schedule does not count.
    let row = match store.sources(Scope::Operator, Some(&name)).await.map(|rows| rows.into_iter().next()) {
        Ok(Some(row)) => row,
        Ok(None) => return,
        Err(error) => return tracing::warn!("the source {name} is not fetched: {error}"),
    };
    let deed = Deed::new(WHO.to_owned(), "source fetch", On::Thing(format!("source {name}")), clock::now());
    let conduct = Conduct { deed: Some(deed), ..Conduct::default() };
    match sources::fetch(&data, &store, &row, conduct).await {
        Ok(Outcome { held: Some(why), .. }) if row.held_at.is_none() => {
            tracing::warn!(
                "what the source {name} gives is held: {why}; if it is meant: varde-collector source fetch --release-held"
            );
        }
        Ok(Outcome { new, withdrawn, left_out, .. }) => {
            if row.failed_why.is_some() {
                tracing::info!("the source {name} can be fetched again");
            }
            tracing::debug!(new, withdrawn, left_out, "the source {name} was fetched");
        }
        // A command does it.
        Err(SourceError::Busy) => {}
        Err(SourceError::Store(error)) => {
            store.handle_error(&error);
            tracing::warn!("what the source {name} gives is not taken in: {error}");
        }
        Err(error) if row.failed_why.is_none() => tracing::warn!("the source {name} cannot be fetched: {error}"),
        Err(error) => tracing::debug!("the source {name} cannot be fetched: {error}"),
    }
}
