//! How each sensor was, every 30 seconds for 90 days.

use std::time::Duration;

use sqlx::SqliteConnection;
use varde_common::heartbeat::Further;
use varde_common::message::Heartbeat;
use varde_common::retention;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError, workflow};
use crate::limits::{CLOCKS_AGREE_WITHIN, HEARTBEATS_PAGE_ROWS, LOSSES_KEPT, RETENTION_STEP};

/// Heartbeats, and most of what sensors said about themselves, older than this are deleted (decision 11).
pub const KEPT: Duration = retention::HEARTBEATS.span();

/// A heartbeat of the sensor `s` from some time before its newest, to compare the two ([`crate::hearing`]): 110 seconds or
/// more, as [`LATELY`](crate::hearing::LATELY) says.
pub(crate) const BEFORE: &str = "(SELECT h.body FROM heartbeat h WHERE h.sensor_id = s.id
    AND h.at <= (SELECT MAX(l.at) FROM heartbeat l WHERE l.sensor_id = s.id AND l.at <= s.last_seen_at) - 110000000
    ORDER BY h.at DESC LIMIT 1) AS heartbeat_before";

/// A heartbeat as JSON: the same keys as its fields; `clock` in RFC 3339, `last_packet_ms` null before the first packet,
/// `refusals` an object of counts by reason. What version 2 tells beyond version 1 stands beside it where it was told.
pub fn to_json(heartbeat: &Heartbeat, further: Option<&Further>) -> serde_json::Value {
    let Heartbeat {
        clock,
        uptime_s,
        packets,
        octets,
        dropped,
        drops_unknown,
        sources,
        refused,
        refusals,
        dns_messages,
        flows,
        evicted,
        evictions,
        blind,
        sightings,
        alerts,
        last_packet_ms,
        revision,
        indicators,
        spool_octets,
        spool_waiting,
        records_lost,
        memory_octets,
        cpu_ms,
        disk_free_octets,
    } = heartbeat;
    // A sensor that names a reason twice gets one of them; it is its own page.
    let refusals: serde_json::Map<String, serde_json::Value> =
        refusals.iter().map(|refusal| (refusal.reason.as_str().to_owned(), refusal.count.into())).collect();
    let mut json = serde_json::json!({
        "clock": clock,
        "uptime_s": uptime_s,
        "packets": packets,
        "octets": octets,
        "dropped": dropped,
        "drops_unknown": drops_unknown,
        "sources": sources,
        "refused": refused,
        "refusals": refusals,
        "dns_messages": dns_messages,
        "flows": flows,
        "evicted": evicted,
        "evictions": evictions,
        "blind": blind,
        "sightings": sightings,
        "alerts": alerts,
        "last_packet_ms": last_packet_ms,
        "revision": revision,
        "indicators": indicators,
        "spool_octets": spool_octets,
        "spool_waiting": spool_waiting,
        "records_lost": records_lost,
        "memory_octets": memory_octets,
        "cpu_ms": cpu_ms,
        "disk_free_octets": disk_free_octets,
    });
    if let Some(Further { spool_age_s, clock_offset_us, matching, dns_refused, records_resent }) = further {
        json["spool_age_s"] = serde_json::json!(spool_age_s);
        json["clock_offset_us"] = serde_json::json!(clock_offset_us);
        json["matching"] = serde_json::json!(matching);
        json["dns_refused"] = serde_json::json!(dns_refused);
        json["records_resent"] = serde_json::json!(records_resent);
    }
    json
}

impl Store {
    /// Heartbeats of a sensor after a time, in order, as many as are read at once: when each came, and its JSON as it is stored.
    ///
    /// # Errors
    /// The database's own.
    pub async fn heartbeats(
        &self,
        scope: Scope,
        sensor: i64,
        after: Timestamp,
    ) -> Result<Vec<(Timestamp, String)>, StoreError> {
        let sql = "SELECT at, body FROM heartbeat WHERE sensor_id = $1 AND at > $2
            AND EXISTS (SELECT 1 FROM sensor s WHERE s.id = sensor_id AND ($3 IS NULL OR s.member_id = $3))
            ORDER BY at LIMIT $4";
        let rows: Vec<(i64, String)> = sqlx::query_as(sql)
            .bind(sensor)
            .bind(after.0)
            .bind(scope.member_id())
            .bind(HEARTBEATS_PAGE_ROWS)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.into_iter().map(|(at, body)| (Timestamp(at), body)).collect())
    }
}

/// Stores a heartbeat. Those of the sensor that lie ahead of it are let go where its clock agrees with ours: they were stored
/// while ours was ahead, and would count as the newest until that time comes. One clock alone moves nothing.
///
/// # Errors
/// The database's own.
pub async fn store(
    conn: &mut SqliteConnection,
    sensor: i64,
    heartbeat: &Heartbeat,
    further: Option<&Further>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let body = to_json(heartbeat, further).to_string();
    sqlx::query("UPDATE sensor SET heartbeat = $2, last_seen_at = $3 WHERE id = $1")
        .bind(sensor)
        .bind(&body)
        .bind(now.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO heartbeat (sensor_id, at, body) VALUES ($1, $2, $3)
         ON CONFLICT (sensor_id, at) DO UPDATE SET body = excluded.body",
    )
    .bind(sensor)
    .bind(now.0)
    .bind(&body)
    .execute(&mut *conn)
    .await?;
    if heartbeat.clock.clamped().0.abs_diff(now.0) <= CLOCKS_AGREE_WITHIN.as_micros() as u64 {
        sqlx::query("DELETE FROM heartbeat WHERE sensor_id = $1 AND at > $2")
            .bind(sensor)
            .bind(now.plus(CLOCKS_AGREE_WITHIN).0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// What sensors said that qualifies their alerts, and what tells whose spool one was: kept for as long as alerts.
const QUALIFIES: &str = "(body LIKE '%\"event\":\"loss\"%' OR body LIKE '%\"event\":\"set_back\"%'
    OR body LIKE '%\"event\":\"epoch_changed\"%' OR body LIKE '%\"event\":\"two_live\"%'
    OR body LIKE '%\"event\":\"records_ended\"%' OR body LIKE '%\"event\":\"unread_ended\"%')";

impl Store {
    /// Deletes heartbeats and what sensors said about themselves that is older than is kept, of all sensors (one that was
    /// revoked sends none any more); gives how many of both. Never what is not that much older than the newest, and never
    /// more than six hours' worth at once: a clock that is years ahead cannot take all of it, and is found before it has
    /// taken much.
    ///
    /// # Errors
    /// The database's own.
    pub async fn forget_heartbeats(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // By sensor, so that the key's index finds the ends without reading all.
        let ends = "SELECT MIN((SELECT MIN(at) FROM heartbeat WHERE sensor_id = s.id)),
            MAX((SELECT MAX(at) FROM heartbeat WHERE sensor_id = s.id)) FROM sensor s";
        let ends: (Option<i64>, Option<i64>) = sqlx::query_as(ends).fetch_one(&mut *tx).await?;
        let (Some(oldest), Some(newest)) = ends else { return Ok(0) };
        let newest = Timestamp(newest).clamped().min(now);
        let up_to = newest.minus(KEPT).min(Timestamp(oldest).clamped().plus(RETENTION_STEP));
        let gone = "DELETE FROM heartbeat WHERE sensor_id IN (SELECT id FROM sensor) AND at < $1";
        let mut gone = sqlx::query(gone).bind(up_to.0).execute(&mut *tx).await?.rows_affected();
        for (kept, which) in [(KEPT, format!("NOT {QUALIFIES}")), (LOSSES_KEPT, QUALIFIES.to_owned())] {
            let oldest = format!("SELECT MIN(received_at) FROM sensor_event WHERE {which}");
            let oldest: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(oldest)).fetch_one(&mut *tx).await?;
            let Some(oldest) = oldest else { continue };
            let up_to = newest.minus(kept).min(Timestamp(oldest).clamped().plus(RETENTION_STEP));
            let delete = format!("DELETE FROM sensor_event WHERE received_at < $1 AND {which}");
            let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(up_to.0);
            gone += delete.execute(&mut *tx).await?.rows_affected();
        }
        // What kept a sensor from seeing qualifies its alerts as well.
        let oldest: Option<i64> = sqlx::query_scalar("SELECT MIN(ended_at) FROM silence").fetch_one(&mut *tx).await?;
        if let Some(oldest) = oldest {
            let up_to = newest.minus(LOSSES_KEPT).min(Timestamp(oldest).clamped().plus(RETENTION_STEP));
            let delete = sqlx::query("DELETE FROM silence WHERE ended_at < $1").bind(up_to.0);
            let ended = delete.execute(&mut *tx).await?.rows_affected();
            if ended > 0 {
                gone += ended + workflow::forget_orphans(&mut tx).await?;
            }
        }
        tx.commit().await?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hearing::Hearing;
    use crate::store::fixture::{Fixture, NOW};
    use crate::store::record::{SensorEvent, insert_events};
    use serde_json::json;
    use varde_common::id::{Epoch, Seq};

    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    /// A heartbeat that comes at a time by our clock, while the sensor's says another.
    async fn beat(fixture: &Fixture, ours: Timestamp, theirs: Timestamp, uptime_s: u64, packets: u64) {
        let heartbeat = Heartbeat { clock: theirs, uptime_s, packets, ..Heartbeat::default() };
        let mut tx = fixture.store.begin().await.unwrap();
        store(&mut tx, 1, &heartbeat, None, ours).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn tell(fixture: &Fixture, seq: u64, event: &str, when: Timestamp) {
        let event = SensorEvent { seq: Seq(seq), at: when, body: json!({ "event": event, "from": 1, "to": 1 }) };
        let mut tx = fixture.store.begin().await.unwrap();
        insert_events(&mut tx, 1, Epoch(7), &[event], when).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn left(fixture: &Fixture) -> (i64, Vec<i64>) {
        let events = fixture.store.sensor_events(Scope::Operator, 1, 100).await.unwrap();
        let mut events: Vec<i64> = events.newest.iter().map(|event| event.seq).collect();
        events.sort_unstable();
        (fixture.count("SELECT COUNT(*) FROM heartbeat").await, events)
    }

    #[tokio::test]
    async fn q3_what_kept_a_sensor_from_seeing_goes_13_months_after_it_was_over_and_what_stands_stays() {
        let fixture = Fixture::new(1).await;
        let sql = format!(
            "INSERT INTO silence (sensor_id, kind, began_at, found_at, last_at, ended_at, times, facts) VALUES
             (1, 'deaf', 0, 0, 0, {0}, 1, '{{}}'), (1, 'deaf', 0, 0, 0, {1}, 1, '{{}}'), (1, 'deaf', 0, 0, 0, NULL, 1, '{{}}')",
            NOW.0,
            at(HOUR).0
        );
        let mut tx = fixture.store.begin().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        for (after, left) in [(LOSSES_KEPT, 3), (LOSSES_KEPT + Duration::from_secs(1), 2), (LOSSES_KEPT * 2, 1)] {
            beat(&fixture, NOW.plus(after), NOW.plus(after), 1, 1).await;
            fixture.store.forget_heartbeats(NOW.plus(after)).await.unwrap();
            assert_eq!(fixture.count("SELECT COUNT(*) FROM silence").await, left, "{after:?}");
        }
    }

    #[tokio::test]
    async fn events_are_kept_as_long_as_heartbeats_and_losses_as_long_as_alerts() {
        let fixture = Fixture::new(1).await;
        for (seq, event, hour) in [(1, "started", 0), (3, "loss", 0), (4, "set_back", 1), (2, "started", 9)] {
            tell(&fixture, seq, event, at(hour * HOUR)).await;
            beat(&fixture, at(hour * HOUR + seq), at(hour * HOUR + seq), 1, 1).await;
        }
        let days = |days: u64| at(days * DAY);
        beat(&fixture, days(91), days(91), 1, 1).await;
        assert_eq!(left(&fixture).await, (5, vec![1, 2, 3, 4]), "a heartbeat deletes nothing");
        // Six hours' worth at once.
        fixture.store.forget_heartbeats(days(91)).await.unwrap();
        assert_eq!(left(&fixture).await, (2, vec![2, 3, 4]));
        fixture.store.forget_heartbeats(days(91)).await.unwrap();
        assert_eq!(left(&fixture).await, (1, vec![3, 4]));
        assert_eq!(fixture.store.forget_heartbeats(days(91)).await.unwrap(), 0);
        beat(&fixture, days(398), days(398), 1, 1).await;
        for _ in 0..3 {
            fixture.store.forget_heartbeats(days(398)).await.unwrap();
        }
        assert_eq!(left(&fixture).await, (1, vec![]), "after thirteen months they go too");
    }

    #[tokio::test]
    async fn k1_a_collectors_clock_that_is_ahead_deletes_no_loss_and_little_else() {
        let fixture = Fixture::new(1).await;
        for hour in 0..48 {
            tell(&fixture, 2 * hour + 1, "started", at(hour * HOUR)).await;
            tell(&fixture, 2 * hour + 2, "loss", at(hour * HOUR)).await;
            beat(&fixture, at(hour * HOUR), at(hour * HOUR), hour * HOUR, 1).await;
        }
        let ahead = at(100 * DAY);
        assert_eq!(fixture.store.forget_heartbeats(ahead).await.unwrap(), 0, "nothing was stored by that clock");
        beat(&fixture, ahead, at(48 * HOUR), 48 * HOUR, 1).await;
        assert_eq!(left(&fixture).await, (49, (1..97).collect()), "no heartbeat takes anything with it");
        fixture.store.forget_heartbeats(ahead).await.unwrap();
        let (heartbeats, events) = left(&fixture).await;
        assert_eq!((heartbeats, events.len()), (43, 90), "six hours of forty-eight, and no loss");
    }

    #[tokio::test]
    async fn h1_a_sensor_is_heard_as_it_is_after_the_collectors_clock_was_ahead() {
        let fixture = Fixture::new(1).await;
        let hearing = async || {
            let sensors = fixture.store.picture(Scope::Operator).await.unwrap().sensors;
            Hearing::of_sensor(&sensors[0]).as_str()
        };
        for step in 0..10 {
            beat(&fixture, at(step * 30), at(step * 30), 1_000 + step * 30, step * 50).await;
        }
        assert_eq!(hearing().await, Some("well"));
        // Ours is a hundred days ahead for a moment, and right again; then the mirror is pulled.
        beat(&fixture, at(100 * DAY), at(300), 1_300, 600).await;
        for step in 11..20 {
            beat(&fixture, at(step * 30), at(step * 30), 1_000 + step * 30, 600).await;
        }
        assert_eq!(hearing().await, Some("deaf"));
        assert_eq!(fixture.count("SELECT COUNT(*) FROM heartbeat").await, 19, "the one ahead is gone");
        // Where the sensor's clock is wrong it is no witness: nothing is let go, and it is heard all the same.
        beat(&fixture, at(100 * DAY), at(600), 1_600, 600).await;
        for step in 21..30 {
            beat(&fixture, at(step * 30), at(9 * DAY), 1_000 + step * 30, step * 50).await;
        }
        assert_eq!(hearing().await, Some("well"));
        assert_eq!(fixture.count("SELECT COUNT(*) FROM heartbeat").await, 29);
    }

    #[tokio::test]
    async fn q3_every_heartbeat_of_a_members_sensors_is_read_page_by_page_and_none_of_anothers() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        let count = HEARTBEATS_PAGE_ROWS * 2 + 1;
        let mut tx = store.begin().await.unwrap();
        for (sensor, count) in [(1, count), (2, 3)] {
            let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
                INSERT INTO heartbeat (sensor_id, at, body) SELECT $1, $3 + i, '{\"packets\":' || i || '}' FROM n";
            sqlx::query(sql).bind(sensor).bind(count).bind(NOW.0).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let read = async |scope, sensor| {
            let (mut all, mut after) = (Vec::new(), Timestamp(i64::MIN));
            loop {
                let page = store.heartbeats(scope, sensor, after).await.unwrap();
                assert!(page.len() as i64 <= HEARTBEATS_PAGE_ROWS, "no more is held at once");
                let Some((last, _)) = page.last() else { return all };
                after = *last;
                all.extend(page);
            }
        };
        let own = read(Scope::Member(1), 1).await;
        assert_eq!(own.len() as i64, count);
        assert_eq!(own.last().unwrap(), &(Timestamp(NOW.0 + count), format!("{{\"packets\":{count}}}")));
        assert!(own.is_sorted(), "in order, each once");
        assert_eq!(read(Scope::Member(1), 2).await, [], "another's");
        assert_eq!(read(Scope::Operator, 2).await.len(), 3);
    }
}
