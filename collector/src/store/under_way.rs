//! Imports that are being taken in: of which source, how far each is, and what published indicators were before.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row};
use varde_common::time::Timestamp;

use super::claim::{self, Imported};
use super::{Scope, Store, StoreError};

/// An import of which some is in and some is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// What it is the word of.
    pub source: String,
    /// Its time.
    pub at: Timestamp,
    /// Which gathered file it comes from.
    pub mark: String,
    /// What it has changed so far.
    pub imported: Imported,
    pub(super) source_id: i64,
    pub(super) keeps_unsaid: bool,
    pub(super) is_all: bool,
    pub(super) step: i64,
    pub(super) done: i64,
}

const COLUMNS: &str =
    "SELECT u.source_id, s.name, u.mark, u.at, u.keeps_unsaid, u.is_all, u.step, u.done, u.came, u.known, u.outdated,
    u.went FROM import_under_way u JOIN source s ON s.id = u.source_id";

fn read(row: &SqliteRow) -> Result<UnderWay, sqlx::Error> {
    let number = |column: &str| row.try_get::<i64, _>(column);
    let count = |column: &str| number(column).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(UnderWay {
        source: row.try_get("name")?,
        at: Timestamp(number("at")?),
        mark: row.try_get("mark")?,
        imported: Imported {
            new: count("came")?,
            known: count("known")?,
            outdated: count("outdated")?,
            withdrawn: count("went")?,
        },
        source_id: number("source_id")?,
        keeps_unsaid: number("keeps_unsaid")? != 0,
        is_all: number("is_all")? != 0,
        step: number("step")?,
        done: number("done")?,
    })
}

impl Store {
    /// The imports that are not whole yet, the oldest first; one at most is being taken in, the others were cut off.
    ///
    /// # Errors
    /// The database's own.
    pub async fn imports_under_way(&self, scope: Scope) -> Result<Vec<UnderWay>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = AssertSqlSafe(format!("{COLUMNS} ORDER BY u.at, u.source_id"));
        let rows = sqlx::query(sql).fetch_all(self.readers()).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Goes up with every change of what is said of indicators, and with each import that begins.
    ///
    /// # Errors
    /// The database's own.
    pub async fn indicator_change(&self, _: Scope) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT number FROM indicator_change WHERE id = 2").fetch_one(self.readers()).await?)
    }
}

impl UnderWay {
    /// That a gathered file is being taken in, from its beginning. One of the same source that was cut off is over with it: this one says
    /// what stands.
    pub(super) async fn begin(
        tx: &mut SqliteConnection,
        source: &str,
        mark: &str,
        (keeps_unsaid, is_all): (bool, bool),
        now: Timestamp,
    ) -> Result<UnderWay, StoreError> {
        let source_id = claim::source_id(&mut *tx, source, now).await?;
        // Who reads page by page meanwhile is told by the number.
        sqlx::query("UPDATE indicator_change SET number = number + 1 WHERE id = 2").execute(&mut *tx).await?;
        let sql = "INSERT INTO import_under_way (source_id, mark, at, keeps_unsaid, is_all, step, done, came, known, outdated, went,
                changes) VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, 0, 0)
            ON CONFLICT (source_id) DO UPDATE SET mark = excluded.mark, at = excluded.at, keeps_unsaid = excluded.keeps_unsaid,
                is_all = excluded.is_all, step = 0, done = 0, came = 0, known = 0, outdated = 0, went = 0";
        let insert = sqlx::query(sql).bind(source_id).bind(mark).bind(now.0);
        insert.bind(i64::from(keeps_unsaid)).bind(i64::from(is_all)).execute(&mut *tx).await?;
        let row = sqlx::query(AssertSqlSafe(format!("{COLUMNS} WHERE u.source_id = $1"))).bind(source_id);
        Ok(read(&row.fetch_one(tx).await?)?)
    }

    /// How far it is, in the transaction that brings it there; `changes` is the number of changes before that.
    pub(super) async fn keep(&self, tx: &mut SqliteConnection, changes: i64) -> Result<(), StoreError> {
        let Imported { new, known, outdated, withdrawn } = self.imported;
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let sql = "UPDATE import_under_way SET step = $2, done = $3, came = $4, known = $5, outdated = $6, went = $7,
            changes = changes + (SELECT number FROM indicator_change WHERE id = 1) - $8 WHERE source_id = $1";
        let update = sqlx::query(sql).bind(self.source_id).bind(self.step).bind(self.done).bind(count(new));
        let update = update.bind(count(known)).bind(count(outdated)).bind(count(withdrawn)).bind(changes);
        update.execute(tx).await?;
        Ok(())
    }

    /// It is whole.
    pub(super) async fn end(&self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        let sql = "DELETE FROM import_under_way WHERE source_id = $1";
        sqlx::query(sql).bind(self.source_id).execute(&mut *tx).await?;
        let are_more = "SELECT EXISTS (SELECT 1 FROM import_under_way)";
        if !sqlx::query_scalar::<_, bool>(are_more).fetch_one(&mut *tx).await? {
            sqlx::query("DELETE FROM indicator_before").execute(tx).await?;
        }
        Ok(())
    }
}

/// What an indicator comes to, as others read it.
const FACTS: [&str; 10] = [
    "threat",
    "confidence",
    "severity",
    "tlp",
    "pap",
    "valid_from",
    "valid_until",
    "exercise",
    "withdrawn_at",
    "changed_at",
];

/// Those of these indicators (numbers, as JSON) that were ever published, as JSON: of the others nothing is served.
pub(super) async fn published(tx: &mut SqliteConnection, which: &str) -> Result<String, StoreError> {
    let sql = "SELECT json_group_array(id) FROM indicator WHERE id IN (SELECT value FROM json_each($1)) AND published_at IS NOT NULL";
    Ok(sqlx::query_scalar(sql).bind(which).fetch_one(tx).await?)
}

/// Keeps what these indicators (numbers, as JSON) come to before they are touched, of each the first time.
pub(super) async fn remember(tx: &mut SqliteConnection, which: &str) -> Result<(), StoreError> {
    let facts = FACTS.join(", ");
    let sql = format!(
        "INSERT INTO indicator_before (id, {facts}) SELECT id, {facts} FROM indicator
        WHERE id IN (SELECT value FROM json_each($1)) ON CONFLICT (id) DO NOTHING"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(which).execute(tx).await?;
    Ok(())
}

/// Forgets it of those that come to the same still.
pub(super) async fn forget_unchanged(tx: &mut SqliteConnection, which: &str) -> Result<(), StoreError> {
    let same = FACTS.map(|fact| format!("i.{fact} IS indicator_before.{fact}")).join(" AND ");
    let sql = format!(
        "DELETE FROM indicator_before WHERE id IN (SELECT value FROM json_each($1))
        AND EXISTS (SELECT 1 FROM indicator i WHERE i.id = indicator_before.id AND {same})"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(which).execute(tx).await?;
    Ok(())
}

/// Indicators as others read them while imports are under way: as they were before those. What a person has found wrong meanwhile is gone.
pub(super) fn before() -> String {
    let fact = |fact: &str| format!("CASE WHEN b.id IS NULL THEN i.{fact} ELSE b.{fact} END AS {fact}");
    let facts: Vec<String> = FACTS.iter().filter(|fact| **fact != "withdrawn_at").map(|name| fact(name)).collect();
    format!(
        "(SELECT i.id, i.pattern, i.received_at, {},
            CASE WHEN b.id IS NULL OR i.refuted_at IS NOT NULL THEN i.withdrawn_at ELSE b.withdrawn_at END AS withdrawn_at
        FROM indicator i LEFT JOIN indicator_before b ON b.id = i.id)",
        facts.join(", ")
    )
}
