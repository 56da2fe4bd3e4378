//! Indicators that sensors count only by their own decision, because they matched too often: what was counted so.

use serde::Serialize;
use sqlx::Row;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::intel::hidden;
use crate::limits::{BRAKES_LISTED_MAX, BRAKES_SHOWN_FOR};

/// One such indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemotedRow {
    /// `indicator.id`.
    pub indicator_id: i64,
    /// As imported; one that few may read by its number.
    pub indicator: String,
    /// Part of an exercise.
    pub exercise: bool,
    /// Always: by no order of the brake.
    pub by_sensors: bool,
    /// Sensors that counted it.
    pub counted_by: i64,
    /// Matches.
    pub matches: i64,
    /// Of so many members.
    pub members: i64,
    /// About how many hosts, over all sensors.
    pub hosts: i64,
    /// The furthest any of it got.
    pub evidence: Option<&'static str>,
    /// The first match.
    pub since: Timestamp,
    /// The last.
    pub last_seen: Timestamp,
}

impl Store {
    /// What sensors have counted by their own decision within a week, the newest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn demoted_rows(&self, scope: Scope, now: Timestamp) -> Result<Vec<DemotedRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT c.indicator_id, n.pattern, n.tlp, c.exercise, COUNT(DISTINCT c.sensor_id) AS counted_by,
                SUM(c.count) AS matches, COUNT(DISTINCT c.member_id) AS members, SUM(c.hosts) AS hosts,
                MAX(c.evidence) AS evidence, MIN(c.first_seen) AS since, MAX(c.last_seen) AS last_seen
            FROM braked_count c JOIN indicator n ON n.id = c.indicator_id
            WHERE c.brake_order = 0 AND c.arrived_at > $1
            GROUP BY c.indicator_id, n.pattern, n.tlp, c.exercise ORDER BY MAX(c.arrived_at) DESC LIMIT $2";
        let rows = sqlx::query(sql).bind(now.minus(BRAKES_SHOWN_FOR).0).bind(BRAKES_LISTED_MAX);
        let mut demoted = Vec::new();
        for row in rows.fetch_all(self.readers()).await? {
            let evidence: i64 = row.try_get("evidence")?;
            let evidence = usize::try_from(evidence).ok().and_then(|at| Evidence::ALL.get(at));
            let id: i64 = row.try_get("indicator_id")?;
            demoted.push(DemotedRow {
                indicator_id: id,
                indicator: hidden::told(id, row.try_get("pattern")?, hidden::read(row.try_get("tlp")?)),
                exercise: row.try_get::<i64, _>("exercise")? != 0,
                by_sensors: true,
                counted_by: row.try_get("counted_by")?,
                matches: row.try_get("matches")?,
                members: row.try_get("members")?,
                hosts: row.try_get("hosts")?,
                evidence: evidence.map(|evidence| evidence.as_str()),
                since: Timestamp(row.try_get("since")?),
                last_seen: Timestamp(row.try_get("last_seen")?),
            });
        }
        Ok(demoted)
    }
}
