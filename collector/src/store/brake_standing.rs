//! What each sensor last said of the brake, and how far the newest order has come.

use std::collections::HashMap;

use sqlx::SqliteConnection;
use varde_common::message::BrakeOutcome;
use varde_common::time::Timestamp;

use super::record::to_column;
use super::{Scope, Store, StoreError};
use crate::braking::{BrakeReach, Newest, Standing};

type StandingRow = (i64, i64, Option<i64>, Option<i64>, Option<String>);

/// What each living sensor said, within a read that is under way.
pub(super) async fn standings(conn: &mut SqliteConnection, scope: Scope) -> Result<Vec<Standing>, sqlx::Error> {
    let sql = "SELECT sensor_id, number, taken_at, sensor_brake.refused_at, sensor_brake.refused_why
        FROM sensor_brake JOIN sensor ON sensor.id = sensor_id
        WHERE sensor.revoked_at IS NULL AND ($1 IS NULL OR sensor.member_id = $1) ORDER BY sensor_id";
    let rows: Vec<StandingRow> = sqlx::query_as(sql).bind(scope.member_id()).fetch_all(conn).await?;
    let read = |(sensor, order, since, refused_at, refused_why): StandingRow| Standing {
        sensor,
        order,
        since: since.map(Timestamp),
        refused_at: refused_at.map(Timestamp),
        refused_why,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The newest order as far as its reach is concerned, within a read that is under way; none = there never was one.
pub(super) async fn newest_order(conn: &mut SqliteConnection) -> Result<Option<Newest>, sqlx::Error> {
    // After a restore sensors know greater numbers than those from before the backup.
    let sql = "SELECT number, given_at, (SELECT MAX(until) FROM brake WHERE ended_at IS NULL) FROM brake_order
        WHERE number > COALESCE((SELECT CAST(value AS BIGINT) FROM setting WHERE key = 'brakes_above'), 0)
        ORDER BY number DESC LIMIT 1";
    let row: Option<(i64, i64, Option<i64>)> = sqlx::query_as(sql).fetch_optional(conn).await?;
    Ok(row.map(|(order, given_at, until)| Newest {
        order,
        given_at: Timestamp(given_at),
        holds_until: until.map(Timestamp),
    }))
}

impl Store {
    /// What a sensor says of an order. It says it again in each session: since when it goes by one is when it first said so.
    ///
    /// # Errors
    /// The database's own.
    pub async fn brake_outcome(&self, sensor: i64, outcome: &BrakeOutcome, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO sensor_brake (sensor_id, number, taken_at, refused_at, refused_why)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (sensor_id) DO UPDATE SET number = excluded.number,
                taken_at = CASE WHEN excluded.number = sensor_brake.number
                    THEN COALESCE(sensor_brake.taken_at, excluded.taken_at) ELSE excluded.taken_at END,
                refused_at = excluded.refused_at, refused_why = excluded.refused_why";
        let (number, taken_at, refused_at, why) = match outcome {
            // A clock that is ahead tells of nothing that has not come.
            BrakeOutcome::Taken { number, since } => (*number, Some(since.clamped().min(now).0), None, None),
            BrakeOutcome::Refused { known, why } => (*known, None, Some(now.0), Some(why.as_str())),
        };
        let mut tx = self.begin().await?;
        let insert = sqlx::query(sql).bind(sensor).bind(to_column(number)).bind(taken_at);
        insert.bind(refused_at).bind(why).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// The newest order, and what each living sensor that has said anything of the brake said, by its number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn brake_standings(&self, scope: Scope) -> Result<(Option<Newest>, HashMap<i64, Standing>), StoreError> {
        let mut tx = self.readers().begin().await?;
        let (newest, said) = (newest_order(&mut tx).await?, standings(&mut tx, scope).await?);
        tx.rollback().await?;
        Ok((newest, said.into_iter().map(|said| (said.sensor, said)).collect()))
    }

    /// How far the newest order has come; none where none matters any more, and none for a member: it counts others' sensors.
    ///
    /// # Errors
    /// The database's own.
    pub async fn brake_reach(&self, scope: Scope, now: Timestamp) -> Result<Option<BrakeReach>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let (newest, said) = self.brake_standings(scope).await?;
        let sql = "SELECT id, enrolled_at FROM sensor WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL ORDER BY id";
        let living: Vec<(i64, i64)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let sensors = living.into_iter().map(|(id, enrolled)| (id, Timestamp(enrolled), said.get(&id)));
        Ok(BrakeReach::of(newest.as_ref(), sensors, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::brake::Wish;
    use crate::store::fixture::{Fixture, NOW};
    use std::time::Duration;
    use varde_common::brake::Order;
    use varde_common::codec::Text;

    fn at(second: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(second))
    }

    #[tokio::test]
    async fn t10_the_collector_knows_which_order_each_sensor_goes_by_and_since_when() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        let reach = async |second| store.brake_reach(Scope::Operator, at(second)).await.unwrap();
        assert_eq!(reach(0).await, None, "no order, no reach");
        let sign = |order: &Order| Ok(order.number.to_string().into_bytes());
        let lasting = Duration::from_secs(3600);
        let wish = Wish::Hold { indicators: vec![1], lasting, reason: "falsk".to_owned() };
        store.give_brake(&wish, NOW, sign).await.unwrap();
        let taken = async |sensor, number, second| {
            let outcome = BrakeOutcome::Taken { number, since: at(second) };
            store.brake_outcome(sensor, &outcome, at(second + 1)).await.unwrap();
        };
        taken(1, 1, 4).await;
        taken(2, 1, 5).await;
        // A session later it says the same again, and a clock that is ahead says what has not come.
        taken(1, 1, 500).await;
        store.brake_outcome(3, &BrakeOutcome::Refused { known: 0, why: Text::cut("unsigned") }, at(6)).await.unwrap();
        let (newest, said) = store.brake_standings(Scope::Operator).await.unwrap();
        assert_eq!(
            newest.map(|newest| (newest.order, newest.holds(at(3_599)), newest.holds(at(3_601)))),
            Some((1, true, false))
        );
        assert_eq!((said[&1].order, said[&1].since), (1, Some(at(4))), "the first time it said so");
        assert_eq!((said[&3].order, said[&3].refused_why.as_deref()), (0, Some("unsigned")));
        let first = reach(600).await.unwrap();
        assert_eq!((first.sensors, first.followed_by, first.missing.as_slice()), (3, 2, &[3][..]));
        assert_eq!((first.half_ms, first.all_ms), (Some(5_000), None));
        store.give_brake(&Wish::Release { indicators: vec![1] }, at(700), sign).await.unwrap();
        let released = reach(701).await.unwrap();
        assert_eq!(
            (released.order, released.holds, released.followed_by),
            (2, false, 0),
            "what ends one is an order too"
        );
        taken(1, 2, 900).await;
        let outcome = BrakeOutcome::Taken { number: 2, since: at(9_999) };
        store.brake_outcome(2, &outcome, at(901)).await.unwrap();
        let (_, said) = store.brake_standings(Scope::Member(2)).await.unwrap();
        assert_eq!((said.len(), said[&2].since), (1, Some(at(901))), "its own, and no time that has not come");
        store.revoke_sensor(3, at(902)).await.unwrap();
        assert_eq!(reach(903).await.unwrap().all_ms, Some(201_000), "who is revoked keeps nobody from being all");
        assert_eq!(store.brake_reach(Scope::Member(1), at(903)).await.unwrap(), None, "it counts others' sensors");
    }
}
