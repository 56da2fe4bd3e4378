//! The audit as it is looked through: the newest first, narrowed by who, what and when. It is the operator's; a member has its part.

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row, Sqlite};
use varde_common::time::Timestamp;

use super::audit::{COLUMNS, entry};
use super::desk::condition::part;
use super::{Scope, Store, StoreError};
use crate::audit::Entry;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// Part of who did it.
    pub who: String,
    /// Part of what was done, on whom, or of what it became.
    pub what: String,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Until then.
    pub to: Option<Timestamp>,
    /// Entries before this place alone: the next page.
    pub before: Option<i64>,
}

/// Entries, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Them, as many as were asked for.
    pub entries: Vec<Entry>,
    /// How many fit, on whichever page.
    pub fit: i64,
    /// How many there are.
    pub all: i64,
    /// The place before which the next page begins; none = there is none.
    pub next: Option<i64>,
}

const FITS: &str =
    "who LIKE $1 ESCAPE '\\' AND (what LIKE $2 ESCAPE '\\' OR on_whom LIKE $2 ESCAPE '\\' OR became LIKE $2 ESCAPE '\\')
    AND at >= $3 AND at <= $4";

type Asking<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Looked {
    fn bind<'q>(&self, query: Asking<'q>) -> Asking<'q> {
        let (from, to) = (self.from.map_or(i64::MIN, |at| at.0), self.to.map_or(i64::MAX, |at| at.0));
        query.bind(part(&self.who)).bind(part(&self.what)).bind(from).bind(to)
    }
}

impl Store {
    /// Entries that fit, at most so many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn looked_through(&self, scope: Scope, looked: &Looked, most: usize) -> Result<Found, StoreError> {
        if scope != Scope::Operator {
            return Ok(Found::default());
        }
        let mut tx = self.readers().begin().await?;
        let sql = format!("SELECT COUNT(*) AS fit, (SELECT COUNT(*) FROM audit) AS whole FROM audit WHERE {FITS}");
        let counts = looked.bind(sqlx::query(sqlx::AssertSqlSafe(sql))).fetch_one(&mut *tx).await?;
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE {FITS} AND seq < $5 ORDER BY seq DESC LIMIT $6");
        let asking = looked.bind(sqlx::query(sqlx::AssertSqlSafe(sql)));
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let rows = asking.bind(looked.before.unwrap_or(i64::MAX)).bind(limit).fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        let mut entries: Vec<Entry> = rows.iter().map(entry).collect();
        let has_more = entries.len() > most;
        entries.truncate(most);
        let next = entries.last().filter(|_| has_more).map(|last| last.seq);
        Ok(Found { next, entries, fit: counts.try_get("fit")?, all: counts.try_get("whole")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Deed, On};
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn the_audit_is_narrowed_by_who_what_and_when_and_a_member_looks_through_nothing() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        for (who, what, on, at) in [
            ("kari", "sensor revoke", "sensor 1", 10),
            ("ola", "member set", "100% of member_1", 20),
            ("kari", "sign in", "account", 30),
            ("Kari Nordmann", "sensor approve", "sensor 2", 40),
        ] {
            store.note(&Deed::new(who.to_owned(), what, On::Thing(on.to_owned()), Timestamp(at))).await.unwrap();
        }
        let seqs = async |looked: Looked| -> Vec<i64> {
            let found = store.looked_through(Scope::Operator, &looked, 10).await.unwrap();
            assert_eq!((found.fit, found.all), (i64::try_from(found.entries.len()).unwrap(), 4));
            found.entries.iter().map(|entry| entry.seq).collect()
        };
        let look = Looked::default;
        assert_eq!(seqs(look()).await, [4, 3, 2, 1], "the newest first");
        assert_eq!(seqs(Looked { who: "kari".into(), ..look() }).await, [4, 3, 1]);
        assert_eq!(seqs(Looked { what: "sensor".into(), ..look() }).await, [4, 1]);
        assert_eq!(seqs(Looked { what: "100%".into(), ..look() }).await, [2], "a sign of LIKE means itself");
        assert_eq!(seqs(Looked { what: "member_1".into(), ..look() }).await, [2]);
        assert_eq!(seqs(Looked { what: "sensor_1".into(), ..look() }).await, [] as [i64; 0]);
        let between = Looked { from: Some(Timestamp(20)), to: Some(Timestamp(30)), ..look() };
        assert_eq!(seqs(between).await, [3, 2]);
        let first = store.looked_through(Scope::Operator, &look(), 3).await.unwrap();
        assert_eq!((first.next, first.fit), (Some(2), 4));
        let rest = Looked { before: first.next, ..look() };
        let rest = store.looked_through(Scope::Operator, &rest, 3).await.unwrap();
        assert_eq!((rest.entries.len(), rest.next), (1, None));
        assert_eq!(store.looked_through(Scope::Member(1), &look(), 3).await.unwrap(), Found::default());
    }
}
