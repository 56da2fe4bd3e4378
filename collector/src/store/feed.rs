//! What of the list others may have: the indicators of the newest list that still stand, as facts of one moment; and the versions of
//! what is made of them.

use std::collections::HashSet;

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row, Sqlite};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use varde_common::channel::ChannelName;
use varde_common::indicator::{Indicator, Severity};
use varde_common::list::Refused;
use varde_common::matcher::IndicatorSet;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::{Scope, Store, StoreError, under_way};
use crate::intel::canonical::Pap;
use crate::intel::outward::served::{Had, Served, Versions};
use crate::intel::outward::{Entry, Withdrawn};
use crate::limits::feed::FEED_BATCH;
use crate::limits::rollout::NUMBERS_PER_STATEMENT;

/// What everything that is served was made of: another stamp, and it may say something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// The newest list of all members.
    pub revision: i64,
    /// Goes up with every change of what is said of indicators; with an import, once it is whole.
    pub change: i64,
    /// The newest order of the brake.
    pub order: i64,
}

/// Why there is nothing to serve.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// The database's own.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The newest list cannot be read.
    #[error("the newest list in the database cannot be read: {0}")]
    List(#[from] Refused),
    /// Where it is made.
    #[error("a feed cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// The program ends.
    #[error("the program is ending")]
    Stopped,
}

impl From<sqlx::Error> for NotServed {
    fn from(error: sqlx::Error) -> NotServed {
        NotServed::Store(error.into())
    }
}

/// A piece as the database keeps it: name, content, version, and of an event what it is called and what it had.
type Kept = (String, Vec<u8>, i64, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);

fn entry(row: &SqliteRow) -> Result<Option<Entry>, sqlx::Error> {
    let pattern: String = row.try_get("pattern")?;
    let tlp: String = row.try_get("tlp")?;
    let pap: Option<String> = row.try_get("pap")?;
    let (Ok(pattern), Ok(tlp), Ok(pap)) = (pattern.parse(), tlp.parse(), pap.map(|pap| pap.parse()).transpose()) else {
        return Ok(None);
    };
    let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp));
    Ok(Some(Entry {
        id: row.try_get("id")?,
        pattern,
        tlp,
        pap,
        confidence: u8::try_from(row.try_get::<i64, _>("confidence")?).unwrap_or(0).min(100),
        severity: Severity::from_level(u8::try_from(row.try_get::<i64, _>("severity")?).unwrap_or(0)),
        threat: row.try_get("threat")?,
        valid_from: moment("valid_from")?,
        valid_until: moment("valid_until")?,
        received_at: Timestamp(row.try_get("received_at")?),
        changed_at: moment("changed_at")?,
        renewed_at: moment("renewed_at")?,
    }))
}

/// What a list holds: numbers, in order, each with when sensors cease to look for it. A source need not have named that end.
struct Listed(Vec<(i64, i64)>);

impl Listed {
    fn of(set: &IndicatorSet) -> Listed {
        let row = |indicator: Indicator| {
            let ends = indicator.validity.until.map_or(i64::MAX, |until| until.0);
            Some((i64::try_from(indicator.id.0).ok()?, ends))
        };
        let mut rows: Vec<(i64, i64)> = set.indicators().filter_map(row).collect();
        rows.sort_unstable();
        Listed(rows)
    }

    /// When one ends; none of what is not listed.
    fn end(&self, id: i64) -> Option<i64> {
        let place = self.0.binary_search_by_key(&id, |(listed, _)| *listed).ok()?;
        self.0.get(place).map(|(_, ends)| *ends)
    }
}

impl Store {
    /// What is served now would be made of this.
    ///
    /// # Errors
    /// The database's own.
    pub async fn feed_stamp(&self, _: Scope) -> Result<Stamp, StoreError> {
        let sql = "SELECT (SELECT COALESCE(MAX(revision), 0) FROM list_revision WHERE channel = 'all'),
            (SELECT number - (SELECT COALESCE(SUM(changes), 0) FROM import_under_way) FROM indicator_change WHERE id = 1),
            (SELECT COALESCE(MAX(number), 0) FROM brake_order)";
        let (revision, change, order) = sqlx::query_as(sql).fetch_one(self.readers()).await?;
        Ok(Stamp { revision, change, order })
    }

    /// Sends what somebody of this level may have, by threat and then by number: what is in the newest list of all members, stands, holds
    /// at `now`, is no exercise and neither recalled nor braked. It ends when sensors cease to look for it: a source that says it again
    /// has it live on with the next list. While an import is under way it is what it was before that. Gives when the first of it, or of what is to come, turns.
    ///
    /// # Errors
    /// [`NotServed`]; what was sent by then is not all.
    pub async fn feed_entries(
        &self,
        scope: Scope,
        level: Tlp,
        with_renewal: bool,
        now: Timestamp,
        send: mpsc::Sender<Vec<Entry>>,
    ) -> Result<Option<Timestamp>, NotServed> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let Some(list) = self.newest_list(scope, &ChannelName::default()).await? else { return Ok(None) };
        let listing = tokio::task::spawn_blocking(move || list.set().map(|set| Listed::of(&set)));
        let listed = listing.await.map_err(|_| NotServed::Stopped)??;
        let mut turns: Option<i64> = None;
        let mut turn = |at: Option<i64>| {
            if let Some(at) = at.filter(|at| *at > now.0) {
                turns = Some(turns.map_or(at, |first| first.min(at)));
            }
        };
        // One transaction, one state.
        let mut tx = self.readers().begin().await?;
        let sql =
            "SELECT DISTINCT indicator_id, until FROM brake WHERE exercise = 0 AND ended_at IS NULL AND until > $1";
        let braked: Vec<(i64, i64)> = sqlx::query_as(sql).bind(now.0).fetch_all(&mut *tx).await?;
        braked.iter().for_each(|(_, until)| turn(Some(*until)));
        let braked: HashSet<i64> = braked.into_iter().map(|(id, _)| id).collect();
        // As they stand they come in the order of an index; where some must be as they were, they are sorted.
        let sql = "SELECT EXISTS (SELECT 1 FROM indicator_before)";
        let indicators = match sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut *tx).await? {
            true => under_way::before(),
            false => "indicator".to_owned(),
        };
        let sql = format!(
            "SELECT id, pattern, confidence, severity, tlp, pap, threat, valid_from, valid_until, received_at, changed_at,
                CASE WHEN $1 THEN (SELECT MAX(c.renewed_at) FROM claim c WHERE c.indicator_id = n.id AND NOT EXISTS
                    (SELECT 1 FROM import_under_way u WHERE u.source_id = c.source_id AND u.at = c.renewed_at)) END AS renewed_at
            FROM {indicators} AS n WHERE withdrawn_at IS NULL AND exercise = 0 AND (valid_until IS NULL OR valid_until > $2)
            AND NOT EXISTS (SELECT 1 FROM recall WHERE recall.indicator_id = n.id AND recall.lifted_at IS NULL)
            ORDER BY COALESCE(threat, ''), id"
        );
        let mut batch = Vec::with_capacity(FEED_BATCH);
        {
            let mut rows = sqlx::query(AssertSqlSafe(sql)).bind(with_renewal).bind(now.0).fetch(&mut *tx);
            while let Some(row) = rows.next().await {
                let Some(entry) = entry(&row?)? else { continue };
                let Some(ends) = listed.end(entry.id).filter(|ends| *ends > now.0) else { continue };
                if braked.contains(&entry.id) || !entry.is_for(level) {
                    continue;
                }
                turn(Some(entry.valid_until.map_or(ends, |at| at.0.min(ends))));
                if entry.valid_from.is_some_and(|from| from > now) {
                    turn(entry.valid_from.map(|at| at.0));
                    continue;
                }
                batch.push(entry);
                // Nobody listening is no fault of the database's.
                if batch.len() == FEED_BATCH
                    && send.send(std::mem::replace(&mut batch, Vec::with_capacity(FEED_BATCH))).await.is_err()
                {
                    break;
                }
            }
        }
        let _ = send.send(batch).await;
        tx.rollback().await?;
        Ok(turns.map(Timestamp))
    }

    /// These indicators as they were looked for and as they are marked now, in the order of their numbers; what cannot be read is left out.
    ///
    /// # Errors
    /// The database's own.
    pub async fn feed_withdrawn(&self, scope: Scope, ids: &[i64]) -> Result<Vec<Withdrawn>, StoreError> {
        let mut withdrawn = Vec::with_capacity(ids.len());
        if scope != Scope::Operator {
            return Ok(withdrawn);
        }
        for ids in ids.chunks(NUMBERS_PER_STATEMENT) {
            let mut select = QueryBuilder::<Sqlite>::new("SELECT pattern, tlp, pap FROM indicator WHERE id IN (");
            let mut numbers = select.separated(", ");
            for id in ids {
                numbers.push_bind(*id);
            }
            select.push(") ORDER BY id");
            let rows: Vec<(String, String, Option<String>)> = select.build_query_as().fetch_all(self.readers()).await?;
            withdrawn.extend(rows.into_iter().filter_map(|(pattern, tlp, pap)| {
                // A marking that cannot be read counts as the strictest.
                let pap = pap.map(|pap| pap.parse().unwrap_or(Pap::Red));
                Some(Withdrawn { pattern: pattern.parse().ok()?, tlp: tlp.parse().unwrap_or(Tlp::Red), pap })
            }));
        }
        Ok(withdrawn)
    }

    /// What was last served to this level, piece by piece.
    ///
    /// # Errors
    /// The database's own.
    pub async fn feed_versions(&self, _: Scope, level: Tlp) -> Result<Versions, StoreError> {
        let sql = "SELECT name, content, version, info, live, gone FROM feed_piece WHERE level = $1";
        let rows: Vec<Kept> = sqlx::query_as(sql).bind(i64::from(level.level())).fetch_all(self.readers()).await?;
        let read = |(name, content, version, info, live, gone): Kept| {
            let octets = |kept: Option<Vec<u8>>| kept.unwrap_or_default();
            let event = info.map(|info| Had::read(info, &octets(live), &octets(gone)));
            Some((name, Served { content: content.try_into().ok()?, version, event }))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Keeps what is served to this level from now on: pieces that are new or another, and none that is gone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn keep_feed_versions(&self, level: Tlp, before: &Versions, now: &Versions) -> Result<(), StoreError> {
        if before == now {
            return Ok(());
        }
        let level = i64::from(level.level());
        let mut tx = self.begin().await?;
        for name in before.keys().filter(|name| !now.contains_key(*name)) {
            let sql = "DELETE FROM feed_piece WHERE level = $1 AND name = $2";
            sqlx::query(sql).bind(level).bind(name).execute(&mut *tx).await?;
        }
        for (name, served) in now.iter().filter(|(name, served)| before.get(*name) != Some(*served)) {
            let Served { content, version, event } = served;
            let sql = "INSERT INTO feed_piece (level, name, content, version, info, live, gone)
                VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (level, name) DO UPDATE SET content = excluded.content,
                version = excluded.version, info = excluded.info, live = excluded.live, gone = excluded.gone";
            let insert = sqlx::query(sql).bind(level).bind(name).bind(content.as_slice()).bind(version);
            let insert = insert.bind(event.as_ref().map(|had| had.info.as_str()));
            let insert = insert.bind(event.as_ref().map(Had::live_octets)).bind(event.as_ref().map(Had::gone_octets));
            insert.execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
