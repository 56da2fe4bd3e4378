//! A person lifts a guard: what met it while it stood is put together by it, as if it had never tripped.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::conclude::{Drawing, Met, attach, campaigns_of, draw, fact};
use super::fold::Led;
use crate::limits::workflow::{RELINKED_MAX, RELINKED_TOGETHER};
use crate::link::{Key, KeyKind};
use crate::store::proposal::{self, Settled};
use crate::store::tripped::{self, NotSettled};
use crate::store::{Store, StoreError, alert, guard, weights, workflow};
use crate::strand::Link;

/// Says of a guard whether it holds. Lifted, what has its key is put together by it, that of before too; see [`tripped::settle`]. One
/// transaction.
///
/// # Errors
/// The database's own; within, [`NotSettled`].
pub async fn settle_guard(
    store: &Store,
    guard: i64,
    settled: Settled,
    said: (&str, &str),
    now: Timestamp,
) -> Result<Result<(), NotSettled>, StoreError> {
    let mut tx = store.begin().await?;
    let key = match tripped::settle(&mut tx, guard, settled, said, now).await? {
        Ok(key) => key,
        Err(why) => return Ok(Err(why)),
    };
    if let (Settled::Overruled, Some(key)) = (settled, key) {
        relink(store, &mut tx, &key, now).await?;
    }
    tx.commit().await?;
    Ok(Ok(()))
}

/// The same of a proposal that an indicator is noise. Gives whether there is such a proposal.
///
/// # Errors
/// The database's own.
pub async fn settle_noise(
    store: &Store,
    indicator: i64,
    settled: Settled,
    said: (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    if !proposal::settle(&mut tx, indicator, settled, said, now).await? {
        return Ok(false);
    }
    if settled == Settled::Overruled {
        let key = Key { kind: KeyKind::Indicator, value: indicator.to_string() };
        relink(store, &mut tx, &key, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Puts together what shares a key that links again. While it linked nothing no trace of it was laid.
async fn relink(store: &Store, conn: &mut SqliteConnection, key: &Key, now: Timestamp) -> Result<(), sqlx::Error> {
    let weights = weights::in_force(conn).await?;
    let commons = store.commons(conn).await?;
    let alerts = alert::of_key(conn, key, RELINKED_MAX).await?;
    let mut campaigns = BTreeSet::new();
    for rows in alerts.chunks(RELINKED_TOGETHER) {
        let indicators: BTreeSet<i64> = rows.iter().map(|row| row.indicator).collect();
        let standing = guard::standing(conn, &indicators).await?;
        let mut facts = Vec::with_capacity(rows.len());
        for row in rows {
            let mut fact = fact(row, &Led::new(), standing.get(&row.indicator), &weights, &commons);
            // What met a mere list stands on its indicator, and shares the threat all the same; and what led to an address before it led
            // elsewhere has a trace of that.
            let led_before = key.kind == KeyKind::Address && row.server.as_deref() != Some(key.value.as_str());
            if (key.kind == KeyKind::Threat || led_before) && fact.founds && !fact.keys.contains(key) {
                fact.keys.push(key.clone());
            }
            facts.push(fact);
        }
        let of: Vec<Met> = rows.iter().map(Met::of).collect();
        let titles: Vec<(&str, &str, &Link)> =
            rows.iter().map(|row| (row.uuid.as_str(), row.title.as_str(), &row.link)).collect();
        let drawing = Drawing { weights: &weights, commons: &commons, tripped: Vec::new(), now };
        let drawn = draw(conn, facts, (&of, standing), &titles, &drawing).await?;
        attach(conn, &drawn, rows.len()).await?;
        campaigns.extend(campaigns_of(&drawn.changes));
    }
    workflow::look(conn, &[], &campaigns, now).await
}
