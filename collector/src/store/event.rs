//! What sensors said about themselves, and what was noted about them: read by people, and kept as long as heartbeats; losses, and
//! what tells whose spool one was, as long as alerts.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::record::from_column;
use super::{Scope, Store, record, restored};
use crate::limits::{LOSSES_SUMMED_MAX, RESTORE_MISSED_FOR};
use crate::losses::{Told, is_of_removal};

/// Something a sensor said about itself, or that was noted about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventRow {
    /// `sensor.id`.
    pub sensor: i64,
    /// The spool's lifetime it stands in.
    pub epoch: String,
    /// The record that said it; below 1 = the collector noted it.
    pub seq: i64,
    /// The sensor's clock; ours where the collector noted it.
    pub at: Timestamp,
    /// Ours, when it came.
    pub received_at: Timestamp,
    /// What happened.
    pub body: serde_json::Value,
}

/// What a person is shown of a sensor's events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Events {
    /// The newest first.
    pub newest: Vec<EventRow>,
    /// Those shown among them.
    pub total: u64,
    /// The records it said are lost.
    pub lost: Told,
    /// When this database was last restored: what a sensor cannot send again since then need not be damaged.
    pub restored_at: Option<Timestamp>,
}

/// Whose sensor it is decides who may read of it.
const OWN: &str = "sensor_id = $1
    AND EXISTS (SELECT 1 FROM sensor s WHERE s.id = sensor_id AND ($2 IS NULL OR s.member_id = $2))";

impl Store {
    /// The newest events of a sensor, `most` of them, and the sum of what it said is lost.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sensor_events(&self, scope: Scope, sensor: i64, most: u32) -> Result<Events, sqlx::Error> {
        let restored_at = restored::restored_at(&mut *self.readers().acquire().await?).await?;
        let sql = format!("SELECT COUNT(*) FROM sensor_event WHERE {OWN}");
        let total = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(sensor).bind(scope.member_id());
        let total: i64 = total.fetch_one(self.readers()).await?;
        let sql = format!(
            "SELECT epoch, seq, at, received_at, body FROM sensor_event WHERE {OWN}
             ORDER BY received_at DESC, epoch, seq DESC LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(sensor).bind(scope.member_id()).bind(i64::from(most));
        let mut newest = Vec::new();
        for row in rows.fetch_all(self.readers()).await? {
            newest.push(EventRow {
                sensor,
                epoch: row.try_get("epoch")?,
                seq: row.try_get("seq")?,
                at: Timestamp(row.try_get("at")?),
                received_at: Timestamp(row.try_get("received_at")?),
                body: serde_json::from_str(row.try_get("body")?).unwrap_or_default(),
            });
        }
        // Within a text of the sensor's the quotes would be escaped.
        let sql = format!(
            "SELECT received_at, body FROM sensor_event WHERE {OWN}
             AND (body LIKE '%\"event\":\"loss\"%' OR body LIKE '%\"event\":\"records_ended\"%')
             ORDER BY received_at DESC LIMIT $3"
        );
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(sensor).bind(scope.member_id());
        let rows: Vec<(i64, String)> = rows.bind(LOSSES_SUMMED_MAX + 1).fetch_all(self.readers()).await?;
        let mut lost = Told::default();
        for (place, (at, body)) in (0..).zip(&rows) {
            if place >= LOSSES_SUMMED_MAX {
                lost.more = true;
            } else if let Ok(body) = serde_json::from_str(body) {
                // What is damaged long after has nothing to do with it.
                let is_missed = |restored: Timestamp| {
                    Timestamp(*at) >= restored && Timestamp(*at) < restored.plus(RESTORE_MISSED_FOR)
                };
                lost.add(&body, restored_at.is_some_and(is_missed));
            }
        }
        Ok(Events { newest, total: from_column(total), lost, restored_at })
    }
}

/// Leaves out what tells of a removal that was told before: an agent that is stopped between telling and removing, or a copy of its
/// disk, tells it once more.
///
/// # Errors
/// The database's own.
pub async fn leave_out_told(
    conn: &mut SqliteConnection,
    sensor: i64,
    events: &mut Vec<record::SensorEvent>,
) -> Result<(), sqlx::Error> {
    if !events.iter().any(|event| is_of_removal(&event.body)) {
        return Ok(());
    }
    let sql = "SELECT body FROM sensor_event WHERE sensor_id = $1
        AND (body LIKE '%\"event\":\"records_ended\"%' OR body LIKE '%\"event\":\"unread_ended\"%')
        ORDER BY received_at DESC LIMIT $2";
    let told: Vec<String> = sqlx::query_scalar(sql).bind(sensor).bind(LOSSES_SUMMED_MAX).fetch_all(conn).await?;
    let mut told = HashSet::<String>::from_iter(told);
    events.retain(|event| !is_of_removal(&event.body) || told.insert(event.body.to_string()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::Why;
    use crate::store::fixture::{Fixture, NOW};
    use crate::store::mark;
    use serde_json::json;
    use std::time::Duration;
    use varde_common::id::{Epoch, Seq};

    async fn say(fixture: &Fixture, sensor: i64, seq: u64, body: serde_json::Value, now: Timestamp) {
        let event = super::super::record::SensorEvent { seq: Seq(seq), at: Timestamp(seq as i64), body };
        let mut tx = fixture.store.begin().await.unwrap();
        super::super::record::insert_events(&mut tx, sensor, Epoch(7), &[event], now).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn loss(from: u64, to: u64, reason: &str) -> serde_json::Value {
        json!({ "event": "loss", "from": from, "to": to, "reason": reason })
    }

    #[tokio::test]
    async fn d5_what_a_sensor_said_is_read_newest_first_with_the_sum_of_its_losses_and_by_nobody_else() {
        let fixture = Fixture::new(2).await;
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        // A text of the sensor's that looks like a loss is none.
        say(&fixture, 1, 1, json!({ "event": "list_refused", "why": loss(1, 99, "spool_full").to_string() }), NOW)
            .await;
        say(&fixture, 1, 5, loss(2, 4, "spool_full"), later(1)).await;
        say(&fixture, 1, 9, loss(6, 8, "spool_aged"), later(2)).await;
        say(&fixture, 1, 19, loss(11, 18, "spool_full"), later(3)).await;
        say(&fixture, 2, 3, loss(1, 2, "spool_damaged"), later(3)).await;
        let mut tx = fixture.store.begin().await.unwrap();
        mark::note(&mut tx, 1, Epoch(7), &json!({ "event": "two_live" }), later(4)).await.unwrap();
        tx.commit().await.unwrap();
        let events = fixture.store.sensor_events(Scope::Member(1), 1, 2).await.unwrap();
        assert_eq!(events, fixture.store.sensor_events(Scope::Operator, 1, 2).await.unwrap());
        let seqs: Vec<i64> = events.newest.iter().map(|event| event.seq).collect();
        assert_eq!((seqs, events.total), (vec![0, 19], 5), "the newest, and how many there are");
        assert_eq!(events.newest[1].body["to"], 18);
        assert_eq!(events.lost.sums(), [(Why::Full, 11), (Why::Aged, 3)]);
        assert!(!events.lost.more);
        let foreign = fixture.store.sensor_events(Scope::Member(2), 1, 20).await.unwrap();
        assert_eq!(foreign, Events::default(), "another member's sensor says nothing");
    }

    #[tokio::test]
    async fn d9_what_a_sensor_no_longer_has_after_a_restore_is_told_apart_from_damage() {
        let fixture = Fixture::new(1).await;
        say(&fixture, 1, 5, loss(1, 4, "spool_damaged"), NOW).await;
        let restored = NOW.plus(Duration::from_secs(10));
        fixture.store.set_setting("restored_at", &restored.to_string()).await.unwrap();
        say(&fixture, 1, 9, loss(6, 8, "spool_damaged"), NOW.plus(Duration::from_secs(20))).await;
        say(&fixture, 1, 12, loss(10, 11, "spool_damaged"), restored.plus(RESTORE_MISSED_FOR)).await;
        let events = fixture.store.sensor_events(Scope::Operator, 1, 20).await.unwrap();
        assert_eq!(events.restored_at, Some(restored));
        assert_eq!(events.lost.sums(), [(Why::Damaged, 6), (Why::Gone, 3)]);
    }
}
