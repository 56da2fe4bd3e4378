//! What a member that leaves is handed over and no listing shows whole: every event of its sensors, and what was counted of it while an
//! indicator was braked.

use serde::Serialize;
use sqlx::Row;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::alert::evidence_from;
use super::event::EventRow;
use super::record::from_column;
use super::{Scope, Store, StoreError};
use crate::limits::HANDED_OVER_PAGE_ROWS;

/// Matches of a member's that made no alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrakedRow {
    /// `sensor.id`.
    pub sensor: i64,
    /// Which of its sites.
    pub site: i64,
    /// `indicator.id`.
    pub indicator: i64,
    /// Whether it was an exercise.
    pub exercise: bool,
    /// From the inside end's point of view.
    pub direction: String,
    /// The order that braked it.
    pub order: u64,
    /// How far it got.
    pub evidence: Evidence,
    /// How many matches.
    pub count: u64,
    /// About how many hosts.
    pub hosts: u64,
    /// The first match.
    pub first_seen: Timestamp,
    /// The last.
    pub last_seen: Timestamp,
    /// When it was last told.
    pub arrived_at: Timestamp,
}

impl Store {
    /// Events of a sensor behind a place, in order, as many as are read at once.
    ///
    /// # Errors
    /// The database's own.
    pub async fn events_behind(
        &self,
        scope: Scope,
        sensor: i64,
        behind: Option<&EventRow>,
    ) -> Result<Vec<EventRow>, StoreError> {
        let (epoch, seq) = behind.map_or(("", i64::MIN), |event| (event.epoch.as_str(), event.seq));
        let sql = "SELECT epoch, seq, at, received_at, body FROM sensor_event WHERE sensor_id = $1
            AND EXISTS (SELECT 1 FROM sensor s WHERE s.id = sensor_id AND ($2 IS NULL OR s.member_id = $2))
            AND (epoch > $3 OR (epoch = $3 AND seq > $4)) ORDER BY epoch, seq LIMIT $5";
        let rows = sqlx::query(sql).bind(sensor).bind(scope.member_id()).bind(epoch).bind(seq);
        let mut events = Vec::new();
        for row in rows.bind(HANDED_OVER_PAGE_ROWS).fetch_all(self.readers()).await? {
            events.push(EventRow {
                sensor,
                epoch: row.try_get("epoch")?,
                seq: row.try_get("seq")?,
                at: Timestamp(row.try_get("at")?),
                received_at: Timestamp(row.try_get("received_at")?),
                body: serde_json::from_str(row.try_get("body")?).unwrap_or_default(),
            });
        }
        Ok(events)
    }

    /// What was counted while indicators were braked, `skip` of them passed over, as many as are read at once.
    ///
    /// # Errors
    /// The database's own.
    pub async fn braked_counts(&self, scope: Scope, skip: usize) -> Result<Vec<BrakedRow>, StoreError> {
        let sql = "SELECT * FROM braked_count WHERE ($1 IS NULL OR member_id = $1)
            ORDER BY sensor_id, brake_order, indicator_id, exercise, site, direction LIMIT $2 OFFSET $3";
        let skip = i64::try_from(skip).unwrap_or(i64::MAX);
        let rows = sqlx::query(sql).bind(scope.member_id()).bind(HANDED_OVER_PAGE_ROWS).bind(skip);
        let mut counts = Vec::new();
        for row in rows.fetch_all(self.readers()).await? {
            counts.push(BrakedRow {
                sensor: row.try_get("sensor_id")?,
                site: row.try_get("site")?,
                indicator: row.try_get("indicator_id")?,
                exercise: row.try_get::<i64, _>("exercise")? != 0,
                direction: row.try_get("direction")?,
                order: from_column(row.try_get("brake_order")?),
                evidence: evidence_from(row.try_get("evidence")?),
                count: from_column(row.try_get("count")?),
                hosts: from_column(row.try_get("hosts")?),
                first_seen: Timestamp(row.try_get("first_seen")?),
                last_seen: Timestamp(row.try_get("last_seen")?),
                arrived_at: Timestamp(row.try_get("arrived_at")?),
            });
        }
        Ok(counts)
    }
}
