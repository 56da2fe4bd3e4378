//! How much of its network each sensor sees, by its own word, and which of its exclusions a person has accepted.

use sqlx::SqliteConnection;
use varde_common::message::{Exclusions, Sight};
use varde_common::time::Timestamp;

use super::{Store, StoreError};
use crate::sight::Sighted;
use crate::silence::Over;

/// A sensor has told of it.
///
/// # Errors
/// The database's own.
pub(super) async fn note(
    conn: &mut SqliteConnection,
    sensor: i64,
    sight: Sight,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sighted = match read(conn, sensor).await? {
        Some(mut sighted) => {
            sighted.handle_sight(sight, now);
            sighted
        }
        None => Sighted::new(sight, now),
    };
    write(conn, sensor, &sighted).await
}

impl Store {
    /// A person has looked into it: the exclusions that a sensor has now are no more told of. Gives those of before and those of now;
    /// none where they have not grown.
    ///
    /// # Errors
    /// The database's own.
    pub async fn accept_exclusions(
        &self,
        sensor: i64,
        now: Timestamp,
    ) -> Result<Option<(Exclusions, Exclusions)>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(mut sighted) = read(&mut tx, sensor).await? else { return Ok(None) };
        let Some((_, before, after)) = sighted.grown() else { return Ok(None) };
        sighted.accept();
        write(&mut tx, sensor, &sighted).await?;
        let sql = "UPDATE silence SET ended_at = $2, ended_why = $3
            WHERE sensor_id = $1 AND kind = 'narrowed' AND ended_at IS NULL";
        sqlx::query(sql).bind(sensor).bind(now.0).bind(Over::Accepted.as_str()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some((before, after)))
    }
}

/// None where it never told, or a newer program wrote it.
async fn read(conn: &mut SqliteConnection, sensor: i64) -> Result<Option<Sighted>, sqlx::Error> {
    let sql = "SELECT sight FROM sensor WHERE id = $1";
    let kept: Option<Option<String>> = sqlx::query_scalar(sql).bind(sensor).fetch_optional(conn).await?;
    Ok(sighted(kept.flatten().as_deref()))
}

/// From its column.
pub(super) fn sighted(kept: Option<&str>) -> Option<Sighted> {
    kept.and_then(|kept| serde_json::from_str(kept).ok())
}

async fn write(conn: &mut SqliteConnection, sensor: i64, sighted: &Sighted) -> Result<(), sqlx::Error> {
    let json = serde_json::to_string(sighted).unwrap_or_default();
    let sql = "UPDATE sensor SET sight = $2 WHERE id = $1";
    sqlx::query(sql).bind(sensor).bind(json).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ingest::handle_heartbeat;
    use crate::silence::{Facts, Kind, Moment};
    use crate::store::Scope;
    use crate::store::fixture::{Fixture, NOW};
    use crate::store::silence::{SilenceRow, WhichSilences};
    use varde_common::message::{EndsHeard, Heartbeat};

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn sight(inside_alone: u64, both: u64, inside_v4: u64) -> Sight {
        let heard = EndsHeard { inside_alone, both, ..EndsHeard::default() };
        Sight { heard, exclusions: Exclusions { inside_v4, ..Exclusions::default() } }
    }

    /// It says how it is at that second, and is looked at.
    async fn turn(fixture: &Fixture, second: u64, sight: Sight) {
        let heartbeat = Heartbeat {
            clock: at(second),
            uptime_s: second + 1_000,
            packets: 50 * (second + 1),
            last_packet_ms: Some(0),
            ..Heartbeat::default()
        };
        handle_heartbeat(&fixture.store, 1, &heartbeat, None, at(second)).await.unwrap();
        let mut tx = fixture.store.begin().await.unwrap();
        note(&mut tx, 1, sight, at(second)).await.unwrap();
        tx.commit().await.unwrap();
        let moment = Moment { now: at(second), listening: Duration::from_secs(1_000_000) };
        fixture.store.look_for_silence(moment, false).await.unwrap();
    }

    async fn rows(fixture: &Fixture) -> Vec<SilenceRow> {
        let all = fixture.store.silences(Scope::Operator, WhichSilences::default(), 100).await.unwrap();
        all.into_iter().filter(|row| matches!(row.facts.kind(), Kind::OneWay | Kind::Narrowed)).collect()
    }

    #[tokio::test]
    async fn h1_a_mirror_that_loses_a_direction_is_an_incident_until_both_are_back() {
        let fixture = Fixture::new(1).await;
        fixture.run("UPDATE sensor SET connected = 1, last_connected_at = 0").await;
        let (mut alone, mut both) = (0, 0);
        let mut incidents = Vec::new();
        for second in (0..1_200).step_by(30) {
            let is_one_way = (300..700).contains(&second);
            *if is_one_way { &mut alone } else { &mut both } += 30;
            turn(&fixture, second, sight(alone, both, 1)).await;
            incidents.push((second, rows(&fixture).await));
        }
        let began = incidents.iter().find(|(_, rows)| !rows.is_empty()).unwrap();
        assert!((300..600).contains(&began.0), "not before, and soon: {}", began.0);
        assert_eq!(began.1.len(), 1);
        assert!(matches!(began.1[0].facts, Facts::OneWay { .. }), "{:?}", began.1);
        let over = incidents.iter().find(|(_, rows)| rows.iter().any(|row| row.ended_at.is_some())).unwrap();
        assert!((700..1_000).contains(&over.0), "by itself, and soon: {}", over.0);
        assert_eq!((incidents.last().unwrap().1.len(), over.1[0].ended_why.as_deref()), (1, Some("over")));
    }

    #[tokio::test]
    async fn t7_exclusions_that_grew_stand_until_they_are_taken_back_or_a_person_accepts_them() {
        let fixture = Fixture::new(2).await;
        fixture.run("UPDATE sensor SET connected = 1, last_connected_at = 0").await;
        turn(&fixture, 0, sight(0, 0, 100)).await;
        assert_eq!(rows(&fixture).await, []);
        assert_eq!(fixture.store.accept_exclusions(1, at(1)).await.unwrap(), None, "there is nothing to accept");
        turn(&fixture, 30, sight(0, 0, 300)).await;
        let found = rows(&fixture).await;
        let (before, after) = (sight(0, 0, 100).exclusions, sight(0, 0, 300).exclusions);
        assert_eq!((found[0].facts, found[0].ended_at), (Facts::Narrowed { before, after }, None));
        turn(&fixture, 60, sight(0, 0, 100)).await;
        assert!(rows(&fixture).await[0].ended_at.is_some(), "taken back");
        turn(&fixture, 1_000, sight(0, 0, 300)).await;
        turn(&fixture, 9_000, sight(0, 0, 300)).await;
        assert_eq!(rows(&fixture).await[0].ended_at, None, "it stands as long as it is so");
        assert_eq!(fixture.store.accept_exclusions(1, at(9_010)).await.unwrap(), Some((before, after)));
        assert_eq!(rows(&fixture).await[0].ended_why.as_deref(), Some("accepted"));
        turn(&fixture, 20_000, sight(0, 0, 300)).await;
        assert_eq!(rows(&fixture).await.iter().filter(|row| row.ended_at.is_none()).count(), 0, "nobody is told again");
        turn(&fixture, 20_030, sight(0, 0, 301)).await;
        let again = rows(&fixture).await;
        let Facts::Narrowed { before, after } = again[0].facts else { panic!("{:?}", again[0]) };
        assert_eq!((before.inside_v4, after.inside_v4), (300, 301), "more is held against what was accepted");
        assert_eq!(fixture.store.accept_exclusions(2, at(20_040)).await.unwrap(), None, "one that never told");
    }
}
