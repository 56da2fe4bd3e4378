//! How each sensor was, every 30 seconds for 90 days.

use std::time::Duration;

use sqlx::SqliteConnection;
use varde_common::heartbeat::Further;
use varde_common::message::Heartbeat;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError, event};
use crate::limits::HEARTBEATS_PAGE_ROWS;

/// Heartbeats, and what sensors said about themselves, older than this are deleted (decision 11).
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A heartbeat of the sensor `s` from some time before its newest, to compare the two ([`crate::hearing`]): 110 seconds or
/// more, as [`LATELY`](crate::hearing::LATELY) says.
pub(crate) const BEFORE: &str = "(SELECT h.body FROM heartbeat h WHERE h.sensor_id = s.id
    AND h.at <= (SELECT MAX(l.at) FROM heartbeat l WHERE l.sensor_id = s.id) - 110000000
    ORDER BY h.at DESC LIMIT 1) AS heartbeat_before";

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

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

/// Stores a heartbeat. The first one of a sensor's day also deletes what is too old, of all sensors: one that was revoked
/// sends none any more.
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
    let before: Option<i64> = sqlx::query_scalar("SELECT MAX(at) FROM heartbeat WHERE sensor_id = $1")
        .bind(sensor)
        .fetch_one(&mut *conn)
        .await?;
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
    if before.is_none_or(|before| before.div_euclid(DAY_US) != now.0.div_euclid(DAY_US)) {
        // By sensor, so that the key's index finds the old ones without reading all.
        sqlx::query("DELETE FROM heartbeat WHERE sensor_id IN (SELECT id FROM sensor) AND at < $1")
            .bind(now.minus(KEPT).0)
            .execute(&mut *conn)
            .await?;
        event::forget(conn, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};

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
