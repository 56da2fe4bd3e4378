//! The brake: orders given, what they hold, and what was counted in place of alerts.

use std::time::Duration;

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use varde_common::alert::{BrakedCount, Evidence};
use varde_common::brake::{Braked, LONGEST, Order};
use varde_common::id::IndicatorId;
use varde_common::time::Timestamp;

use super::alert::is_told;
use super::record::{from_column, to_column};
use super::restored::brakes_above;
use super::{Scope, Store, StoreError};
use crate::limits::{BRAKES_LISTED_MAX, BRAKES_SHOWN_FOR};

/// An order as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number.
    pub number: u64,
    /// As it was signed.
    pub document: Vec<u8>,
    /// When it was given.
    pub given_at: Timestamp,
}

impl OrderRow {
    /// Whether it, or one that it took the place of, may hold something at a sensor still.
    pub fn matters(&self, now: Timestamp) -> bool {
        now.since(self.given_at) < LONGEST
    }
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// These are counted only, for so long and for this reason.
    Hold {
        /// Which.
        indicators: Vec<i64>,
        /// For how long from now.
        lasting: Duration,
        /// Why.
        reason: String,
    },
    /// These are told again.
    Release {
        /// Which.
        indicators: Vec<i64>,
    },
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub enum NotBraked {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such indicator.
    #[error("there is no indicator {0}; see: varde-collector indicator list")]
    Unknown(i64),
    /// It is not braked.
    #[error("indicator {0} is not braked; see: varde-collector indicator brakes")]
    NotHeld(i64),
    /// A day for one reason is over, or would be.
    #[error(
        "indicator {indicator} has been braked for this reason since {since}; 24 hours in a row are the most for one reason. Look whether it still holds, and say anew why (another --reason), or give fewer --hours"
    )]
    TooLong {
        /// Which.
        indicator: i64,
        /// Since when.
        since: Timestamp,
    },
    /// Too much at once.
    #[error("{0} indicators would be braked at once, and {max} are the most; a list that is wrong as a whole is better published anew", max = varde_common::limits::BRAKE_ENTRIES_MAX)]
    TooMany(usize),
    /// No signature.
    #[error("the order could not be signed: {0}")]
    Signature(String),
}

impl From<sqlx::Error> for NotBraked {
    fn from(error: sqlx::Error) -> NotBraked {
        NotBraked::Store(error.into())
    }
}

/// One indicator held, now or before, and what was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrakeRow {
    /// `indicator.id`.
    pub indicator_id: i64,
    /// As imported; null where its marking keeps it from the reader.
    pub indicator: Option<String>,
    /// Part of an exercise.
    pub exercise: bool,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when at the longest.
    pub until: Timestamp,
    /// When it was released, or ordered anew.
    pub ended_at: Option<Timestamp>,
    /// Whether it holds now.
    pub in_force: bool,
    /// Sensors that have taken an order by which it is held.
    pub sensors: i64,
    /// Of so many that live.
    pub sensors_total: i64,
    /// Matches counted.
    pub matches: i64,
    /// By so many sensors.
    pub counted_by: i64,
    /// Of so many members; null for a member.
    pub members: Option<i64>,
    /// About how many hosts, over all sensors.
    pub hosts: i64,
    /// The furthest any of it got; null = nothing was counted.
    pub evidence: Option<&'static str>,
    /// The last match.
    pub last_seen: Option<Timestamp>,
}

type HeldRow = (i64, i64, i64, String, i64, i64);

/// What holds at this time: id, indicator, exercise, reason, since, until.
async fn held(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<HeldRow>, sqlx::Error> {
    let sql = "SELECT id, indicator_id, exercise, reason, since, until FROM brake
        WHERE ended_at IS NULL AND until > $1 ORDER BY id";
    sqlx::query_as(sql).bind(now.0).fetch_all(conn).await
}

/// Since when an indicator is braked for this reason without a break; from now where it is not.
async fn since(conn: &mut SqliteConnection, of: (i64, i64), reason: &str, now: Timestamp) -> Result<i64, sqlx::Error> {
    let sql = "SELECT since, COALESCE(ended_at, until) FROM brake
        WHERE indicator_id = $1 AND exercise = $2 AND LOWER(reason) = LOWER($3) AND since > $4 ORDER BY since DESC";
    let rows: Vec<(i64, i64)> =
        sqlx::query_as(sql).bind(of.0).bind(of.1).bind(reason).bind(now.minus(LONGEST * 2).0).fetch_all(conn).await?;
    // An hour without it is a break: by then what it hid was seen.
    let gap_us = 3_600_000_000;
    Ok(rows.into_iter().fold(now.0, |from, (since, end)| if end >= from - gap_us { from.min(since) } else { from }))
}

impl Store {
    /// The newest order; none = there never was one. It is everybody's.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_brake(&self, _scope: Scope) -> Result<Option<OrderRow>, StoreError> {
        // After a restore sensors know greater numbers than those from before the backup.
        let sql = "SELECT number, document, given_at FROM brake_order WHERE number >
            COALESCE((SELECT CAST(value AS BIGINT) FROM setting WHERE key = 'brakes_above'), 0)
            ORDER BY number DESC LIMIT 1";
        let row: Option<(i64, Vec<u8>, i64)> = sqlx::query_as(sql).fetch_optional(self.readers()).await?;
        Ok(row.map(|(number, document, at)| OrderRow {
            number: from_column(number),
            document,
            given_at: Timestamp(at),
        }))
    }

    /// Indicators that an order brakes now, each with why.
    ///
    /// # Errors
    /// The database's own.
    pub async fn braked_now(&self, scope: Scope, now: Timestamp) -> Result<Vec<(i64, String)>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT DISTINCT indicator_id, reason FROM brake WHERE ended_at IS NULL AND until > $1";
        Ok(sqlx::query_as(sql).bind(now.0).fetch_all(self.readers()).await?)
    }

    /// Gives the next order: what holds, changed by a wish, signed by `sign`. All or nothing.
    ///
    /// # Errors
    /// [`NotBraked`]; then the one before stays.
    pub async fn give_brake(
        &self,
        wish: &Wish,
        now: Timestamp,
        sign: impl FnOnce(&Order) -> Result<Vec<u8>, String>,
    ) -> Result<Order, NotBraked> {
        let mut tx = self.begin().await?;
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(number) FROM brake_order").fetch_one(&mut *tx).await?;
        let above = brakes_above(&mut tx).await?;
        let number = last.unwrap_or(0).max(above).saturating_add(1);
        let (Wish::Hold { indicators, .. } | Wish::Release { indicators }) = wish;
        for indicator in indicators {
            let sql = "SELECT exercise FROM indicator WHERE id = $1";
            let exercise: Option<i64> = sqlx::query_scalar(sql).bind(indicator).fetch_optional(&mut *tx).await?;
            let exercise = exercise.ok_or(NotBraked::Unknown(*indicator))?;
            let from = match wish {
                Wish::Hold { lasting, reason, .. } => {
                    let from = since(&mut tx, (*indicator, exercise), reason, now).await?;
                    if now.plus(*lasting).since(Timestamp(from)) > LONGEST {
                        return Err(NotBraked::TooLong { indicator: *indicator, since: Timestamp(from) });
                    }
                    Some((from, now.plus(*lasting), reason))
                }
                Wish::Release { .. } => None,
            };
            // Whichever it was when it was braked: what is real by now may have been part of an exercise.
            let sql = "UPDATE brake SET ended_at = $2, last_order = $3
                WHERE indicator_id = $1 AND ended_at IS NULL AND until > $2";
            let ended = sqlx::query(sql).bind(indicator).bind(now.0).bind(number - 1).execute(&mut *tx).await?;
            match from {
                Some((from, until, reason)) => {
                    let sql = "INSERT INTO brake (indicator_id, exercise, reason, since, until, from_order)
                        VALUES ($1, $2, $3, $4, $5, $6)";
                    let insert = sqlx::query(sql).bind(indicator).bind(exercise).bind(reason).bind(from);
                    insert.bind(until.0).bind(number).execute(&mut *tx).await?;
                }
                None if ended.rows_affected() == 0 => return Err(NotBraked::NotHeld(*indicator)),
                None => {}
            }
        }
        let rows = held(&mut tx, now).await?;
        if rows.len() > varde_common::limits::BRAKE_ENTRIES_MAX {
            return Err(NotBraked::TooMany(rows.len()));
        }
        let braked = |(_, indicator, exercise, reason, since, until): HeldRow| Braked {
            indicator: IndicatorId(from_column(indicator)),
            exercise: exercise != 0,
            since: Timestamp(since),
            until: Timestamp(until),
            reason,
        };
        let order = Order { number: from_column(number), at: now, braked: rows.into_iter().map(braked).collect() };
        let document = sign(&order).map_err(NotBraked::Signature)?;
        sqlx::query("INSERT INTO brake_order (number, document, given_at) VALUES ($1, $2, $3)")
            .bind(number)
            .bind(document)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(order)
    }

    /// What is braked and what was lately, newest first, with what was counted. A member sees its own counts; an indicator is
    /// named to it where lists are.
    ///
    /// # Errors
    /// The database's own.
    pub async fn brake_rows(&self, scope: Scope, now: Timestamp) -> Result<Vec<BrakeRow>, StoreError> {
        let mut conn = self.readers().acquire().await?;
        let rows = rows(&mut conn, scope, now).await?;
        Ok(rows.into_iter().filter(|row| now.since(row.ended_at.unwrap_or(row.until)) < BRAKES_SHOWN_FOR).collect())
    }
}

/// What is braked and was, within a read that is under way and knows no time: whoever shows it does.
pub(super) async fn newest(conn: &mut SqliteConnection, scope: Scope) -> Result<Vec<BrakeRow>, sqlx::Error> {
    rows(conn, scope, Timestamp::MAX).await
}

async fn rows(conn: &mut SqliteConnection, scope: Scope, now: Timestamp) -> Result<Vec<BrakeRow>, sqlx::Error> {
    let sql = "SELECT brake.indicator_id, indicator.pattern, indicator.tlp, brake.exercise, brake.reason, brake.since,
            brake.until, brake.ended_at,
            (SELECT COUNT(*) FROM sensor_brake JOIN sensor ON sensor.id = sensor_brake.sensor_id
                WHERE sensor_brake.number >= brake.from_order AND sensor.revoked_at IS NULL
                    AND ($1 IS NULL OR sensor.member_id = $1)) AS sensors,
            (SELECT COUNT(*) FROM sensor WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL
                    AND ($1 IS NULL OR member_id = $1)) AS sensors_total,
            COALESCE(SUM(counted.count), 0) AS matches, COUNT(DISTINCT counted.sensor_id) AS counted_by,
            COUNT(DISTINCT counted.member_id) AS members, COALESCE(SUM(counted.hosts), 0) AS hosts,
            MAX(counted.evidence) AS evidence, MAX(counted.last_seen) AS last_seen
        FROM brake JOIN indicator ON indicator.id = brake.indicator_id
        LEFT JOIN braked_count counted ON counted.indicator_id = brake.indicator_id
            AND counted.exercise = brake.exercise AND counted.brake_order >= brake.from_order
            AND (brake.last_order IS NULL OR counted.brake_order <= brake.last_order)
            AND ($1 IS NULL OR counted.member_id = $1)
        GROUP BY brake.id ORDER BY brake.id DESC LIMIT $2";
    let found = sqlx::query(sql).bind(scope.member_id()).bind(BRAKES_LISTED_MAX).fetch_all(conn).await?;
    found.iter().map(|row| shown(row, scope, now)).collect()
}

fn shown(row: &SqliteRow, scope: Scope, now: Timestamp) -> Result<BrakeRow, sqlx::Error> {
    let moment = |key: &str| -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(key)?.map(Timestamp))
    };
    let tlp: String = row.try_get("tlp")?;
    let is_operator = scope == Scope::Operator;
    let pattern: String = row.try_get("pattern")?;
    let evidence: Option<i64> = row.try_get("evidence")?;
    let evidence = evidence.and_then(|at| Evidence::ALL.get(usize::try_from(at).ok()?));
    let (until, ended_at) = (Timestamp(row.try_get("until")?), moment("ended_at")?);
    Ok(BrakeRow {
        indicator_id: row.try_get("indicator_id")?,
        indicator: is_told(&tlp).then_some(pattern),
        exercise: row.try_get::<i64, _>("exercise")? != 0,
        reason: row.try_get("reason")?,
        since: Timestamp(row.try_get("since")?),
        until,
        ended_at,
        in_force: ended_at.is_none() && until > now,
        sensors: row.try_get("sensors")?,
        sensors_total: row.try_get("sensors_total")?,
        matches: row.try_get("matches")?,
        counted_by: row.try_get("counted_by")?,
        members: is_operator.then_some(row.try_get("members")?),
        hosts: row.try_get("hosts")?,
        evidence: evidence.map(|evidence| evidence.as_str()),
        last_seen: moment("last_seen")?,
    })
}

/// Adds what a sensor counted; `member` is whose site it is, `exercise` whether both it and the registry say so.
///
/// # Errors
/// The database's own.
pub async fn count(
    conn: &mut SqliteConnection,
    sensor: i64,
    member: i64,
    counted: &BrakedCount,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let evidence = Evidence::ALL.iter().position(|evidence| *evidence == counted.evidence).unwrap_or(0);
    let sql = "INSERT INTO braked_count (sensor_id, site, member_id, indicator_id, exercise, direction, brake_order,
            evidence, count, hosts, first_seen, last_seen, arrived_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (sensor_id, brake_order, indicator_id, exercise, site, direction) DO UPDATE SET
            evidence = MAX(braked_count.evidence, excluded.evidence), count = braked_count.count + excluded.count,
            hosts = MAX(braked_count.hosts, excluded.hosts),
            first_seen = MIN(braked_count.first_seen, excluded.first_seen),
            last_seen = MAX(braked_count.last_seen, excluded.last_seen), arrived_at = excluded.arrived_at";
    sqlx::query(sql)
        .bind(sensor)
        .bind(i64::from(counted.site.0))
        .bind(member)
        .bind(to_column(counted.indicator.0))
        .bind(i64::from(counted.marks.exercise))
        .bind(counted.direction.as_str())
        .bind(to_column(counted.order))
        .bind(to_column(evidence as u64))
        .bind(to_column(counted.count_increase))
        .bind(to_column(counted.hosts))
        .bind(counted.first_seen.clamped().0)
        .bind(counted.last_seen.clamped().0)
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};
    use varde_common::alert::Direction;
    use varde_common::codec::Text;
    use varde_common::id::{Revision, SiteId};
    use varde_common::indicator::{Marks, Severity};
    use varde_common::message::BrakeOutcome;

    const HOUR: Duration = Duration::from_secs(3600);

    async fn give(store: &Store, wish: Wish, now: Timestamp) -> Result<Order, NotBraked> {
        store.give_brake(&wish, now, |order| Ok(order.number.to_string().into_bytes())).await
    }

    fn hold(indicators: &[i64], hours: u32, reason: &str) -> Wish {
        Wish::Hold { indicators: indicators.to_vec(), lasting: HOUR * hours, reason: reason.to_owned() }
    }

    fn named(order: &Order) -> Vec<(u64, bool)> {
        order.braked.iter().map(|braked| (braked.indicator.0, braked.exercise)).collect()
    }

    #[tokio::test]
    async fn t10_each_order_says_all_that_is_braked_and_no_reason_is_good_for_more_than_a_day_in_a_row() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        assert_eq!(store.newest_brake(Scope::Operator).await.unwrap(), None);
        let first = give(store, hold(&[1], 24, "falsk"), NOW).await.unwrap();
        assert_eq!((first.number, named(&first)), (1, vec![(1, false)]));
        let second = give(store, hold(&[4], 2, "ovelse"), NOW).await.unwrap();
        assert_eq!((second.number, named(&second)), (2, vec![(1, false), (4, true)]), "one of an exercise says so");
        // Again for the same reason: only as far as a day from when it began.
        for reason in ["falsk", "FALSK"] {
            let said = give(store, hold(&[1], 2, reason), NOW.plus(HOUR * 23)).await;
            assert!(matches!(said, Err(NotBraked::TooLong { indicator: 1, since }) if since == NOW), "{said:?}");
        }
        let said = give(store, hold(&[1], 24, "falsk"), NOW.plus(HOUR * 24)).await;
        assert!(matches!(said, Err(NotBraked::TooLong { .. })), "not behind its end either: {said:?}");
        let shorter = give(store, hold(&[1], 1, "falsk"), NOW.plus(HOUR * 3)).await.unwrap();
        assert_eq!((shorter.number, shorter.braked[0].since), (3, NOW), "nothing of what was refused is left");
        assert_eq!(named(&shorter), [(1, false)], "what has run out is in no order");
        let anew = give(store, hold(&[1], 24, "fortsatt falsk"), NOW.plus(HOUR * 3)).await.unwrap();
        assert_eq!(
            anew.braked.iter().map(|one| (one.since, one.until)).collect::<Vec<_>>(),
            [(NOW.plus(HOUR * 3), NOW.plus(HOUR * 27))]
        );
        let later = give(store, hold(&[1], 24, "falsk"), NOW.plus(HOUR * 100)).await.unwrap();
        assert_eq!(later.braked[0].since, NOW.plus(HOUR * 100));
        assert!(matches!(give(store, hold(&[1, 99], 1, "x"), NOW).await, Err(NotBraked::Unknown(99))));
        let released = give(store, Wish::Release { indicators: vec![1] }, NOW.plus(HOUR * 101)).await.unwrap();
        assert_eq!((released.number, released.braked.len()), (6, 0));
        let said = give(store, Wish::Release { indicators: vec![1] }, NOW.plus(HOUR * 102)).await;
        assert!(matches!(said, Err(NotBraked::NotHeld(1))));
        let newest = store.newest_brake(Scope::Operator).await.unwrap().unwrap();
        assert_eq!((newest.number, newest.document.as_slice()), (6, &b"6"[..]));
        assert!(newest.matters(NOW.plus(HOUR * 124)) && !newest.matters(NOW.plus(HOUR * 125)));
        let unsigned = store.give_brake(&hold(&[2], 1, "x"), NOW, |_| Err("no key".to_owned())).await;
        assert!(matches!(unsigned, Err(NotBraked::Signature(_))));
        assert_eq!(store.newest_brake(Scope::Operator).await.unwrap().unwrap().number, 6);
    }

    #[tokio::test]
    async fn t10_i8_what_was_counted_stands_with_the_brake_that_hid_it_and_a_member_sees_its_own() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        give(store, hold(&[1], 2, "falsk"), NOW).await.unwrap();
        let counted = |order, site, count_increase, hosts, evidence| BrakedCount {
            order,
            site: SiteId(site),
            indicator: IndicatorId(1),
            revision: Revision(1),
            severity: Severity::High,
            marks: Marks::default(),
            direction: Direction::Outbound,
            evidence,
            first_seen: NOW,
            last_seen: NOW.plus(HOUR),
            count_increase,
            hosts,
        };
        let add = async |sensor: i64, counted: BrakedCount| {
            let mut tx = store.begin().await.unwrap();
            count(&mut tx, sensor, sensor, &counted, NOW).await.unwrap();
            tx.commit().await.unwrap();
        };
        add(1, counted(1, 0, 300, 20, Evidence::Answered)).await;
        add(1, counted(1, 0, 5, 25, Evidence::LookedUp)).await;
        add(2, counted(1, 0, 7, 3, Evidence::Contacted)).await;
        give(store, hold(&[1], 2, "annet"), NOW).await.unwrap();
        add(2, counted(2, 0, 1, 1, Evidence::Blocked)).await;
        let outcome = BrakeOutcome::Taken { number: 1, since: NOW };
        store.brake_outcome(1, &outcome, NOW).await.unwrap();
        store.brake_outcome(2, &BrakeOutcome::Refused { known: 0, why: Text::cut("unsigned") }, NOW).await.unwrap();
        let rows = store.brake_rows(Scope::Operator, NOW).await.unwrap();
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                (row.reason.as_str(), row.in_force, row.matches, row.counted_by, row.hosts, row.evidence, row.sensors)
            })
            .collect();
        assert_eq!(
            told,
            [("annet", true, 1, 1, 1, Some("blocked"), 0), ("falsk", false, 312, 2, 28, Some("contacted"), 1)]
        );
        assert_eq!(
            (rows[0].members, rows[0].sensors_total, rows[0].indicator.as_deref()),
            (Some(1), 2, Some("evil.no"))
        );
        let own = store.brake_rows(Scope::Member(1), NOW).await.unwrap();
        let told: Vec<_> = own.iter().map(|row| (row.matches, row.members, row.sensors_total)).collect();
        assert_eq!(told, [(0, None, 1), (305, None, 1)]);
        assert!(store.brake_rows(Scope::Operator, NOW.plus(HOUR * 24 * 9)).await.unwrap().is_empty());
    }
}
