//! Sources that are fetched: what their operator has said of them, how far each has been read, and how the last tries ended.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use varde_common::time::Timestamp;

use super::picture::SourceTrouble;
use super::{Scope, Store, StoreError};
use crate::intel::fetch::Resume;
use crate::intel::fetch::plan::Plan;
use crate::intel::fetch::schedule::Turn;
use crate::limits::fetch::{SOURCES_MAX, SOURCES_SHOWN};

/// A source that is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceRow {
    /// Its number.
    #[serde(skip)]
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What its operator has said of it.
    #[serde(flatten)]
    pub plan: Plan,
    /// How often it is fetched, seconds.
    pub every_s: i64,
    /// Since when it is there.
    pub added_at: Timestamp,
    /// Since when its operator lets it rest.
    pub paused_at: Option<Timestamp>,
    /// Last try.
    pub tried_at: Option<Timestamp>,
    /// Why that failed; none = it did not.
    pub failed_why: Option<String>,
    /// Failures since the last success.
    pub failures: i64,
    /// How long it asked to be left alone after the last try.
    #[serde(skip)]
    pub left_alone_s: i64,
    /// Last success.
    pub succeeded_at: Option<Timestamp>,
    /// Indicators it has by that, where it says all of them.
    pub entries: Option<i64>,
    /// And by the success before.
    pub had_entries: Option<i64>,
    /// New by the last success that brought anything.
    pub new: Option<i64>,
    /// Withdrawn by it.
    pub withdrawn: Option<i64>,
    /// Refused of it.
    pub left_out: Option<i64>,
    /// What it says that stands.
    pub standing: i64,
    /// Since when what it says is held.
    pub held_at: Option<Timestamp>,
    /// Why.
    pub held_why: Option<String>,
}

/// What a fetch came to, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It failed.
    Failed {
        /// Why.
        why: String,
        /// For how long the source asks to be left alone.
        left_alone_s: i64,
    },
    /// What came is held.
    Held(String),
    /// Nothing has changed.
    Unchanged,
    /// What came is taken in.
    TakenIn {
        /// What to begin with next time.
        resume: Resume,
        /// Indicators it has, where it says all.
        entries: Option<u64>,
        /// New ones.
        new: u64,
        /// Withdrawn ones.
        withdrawn: u64,
        /// Refused ones.
        left_out: u64,
    },
}

const COLUMNS: &str =
    "f.source_id, s.name, f.plan, f.every_s, f.added_at, f.paused_at, f.tried_at, f.failed_why, f.failures,
    f.left_alone_s, f.succeeded_at, f.entries, f.had_entries, f.came, f.went, f.left_out, f.held_at, f.held_why";

fn unreadable(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn row(row: &SqliteRow) -> Result<SourceRow, sqlx::Error> {
    let time = |column: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.map(Timestamp));
    Ok(SourceRow {
        id: row.try_get("source_id")?,
        name: row.try_get("name")?,
        plan: serde_json::from_str(row.try_get("plan")?).map_err(unreadable)?,
        every_s: row.try_get("every_s")?,
        added_at: Timestamp(row.try_get("added_at")?),
        paused_at: time("paused_at")?,
        tried_at: time("tried_at")?,
        failed_why: row.try_get("failed_why")?,
        failures: row.try_get("failures")?,
        left_alone_s: row.try_get("left_alone_s")?,
        succeeded_at: time("succeeded_at")?,
        entries: row.try_get("entries")?,
        had_entries: row.try_get("had_entries")?,
        new: row.try_get("came")?,
        withdrawn: row.try_get("went")?,
        left_out: row.try_get("left_out")?,
        standing: row.try_get("standing")?,
        held_at: time("held_at")?,
        held_why: row.try_get("held_why")?,
    })
}

impl SourceRow {
    /// Its turn, as the schedule counts.
    pub fn turn(&self) -> Turn {
        let seconds = |seconds: i64| std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Turn {
            id: self.id,
            every: seconds(self.every_s),
            is_paused: self.paused_at.is_some(),
            tried_at: self.tried_at,
            failures: u32::try_from(self.failures).unwrap_or(u32::MAX),
            left_alone: seconds(self.left_alone_s),
        }
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Sources with which something is wrong, for the page: those that are held first.
///
/// # Errors
/// The database's own.
pub(in crate::store) async fn troubles(
    conn: &mut SqliteConnection,
    scope: Scope,
) -> Result<Vec<SourceTrouble>, sqlx::Error> {
    if scope != Scope::Operator {
        return Ok(Vec::new());
    }
    let sql = "SELECT s.name, f.held_why, f.failed_why, f.succeeded_at FROM fetched_source f JOIN source s ON s.id = f.source_id
        WHERE f.paused_at IS NULL AND (f.held_why IS NOT NULL OR f.failed_why IS NOT NULL)
        ORDER BY f.held_at IS NULL, s.name LIMIT $1";
    let rows = sqlx::query(sql).bind(SOURCES_SHOWN).fetch_all(conn).await?;
    let trouble = |row: &SqliteRow| {
        let (held, failed): (Option<String>, Option<String>) = (row.try_get("held_why")?, row.try_get("failed_why")?);
        Ok(SourceTrouble {
            name: row.try_get("name")?,
            is_held: held.is_some(),
            why: held.or(failed).unwrap_or_default(),
            succeeded_at: row.try_get::<Option<i64>, _>("succeeded_at")?.map(Timestamp),
        })
    };
    rows.iter().map(trouble).collect()
}

impl Store {
    /// Sources that are fetched, by name; or the one of this name. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sources(&self, scope: Scope, name: Option<&str>) -> Result<Vec<SourceRow>, StoreError> {
        self.sources_where(scope, name, true).await
    }

    /// The turns of all sources.
    ///
    /// # Errors
    /// The database's own.
    pub async fn source_turns(&self, scope: Scope) -> Result<Vec<SourceRow>, StoreError> {
        self.sources_where(scope, None, false).await
    }

    async fn sources_where(
        &self,
        scope: Scope,
        name: Option<&str>,
        is_counted: bool,
    ) -> Result<Vec<SourceRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let standing = match is_counted {
            true => "(SELECT COUNT(*) FROM claim c WHERE c.source_id = s.id AND c.withdrawn_at IS NULL)",
            false => "0",
        };
        let sql = format!(
            "SELECT {COLUMNS}, {standing} AS standing FROM fetched_source f JOIN source s ON s.id = f.source_id
            WHERE $1 IS NULL OR s.name = $1 ORDER BY s.name LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(name).bind(count(SOURCES_MAX as u64));
        Ok(rows.fetch_all(self.readers()).await?.iter().map(row).collect::<Result<_, _>>()?)
    }

    /// Whether something is known of a source of this name: it is fetched, or a file was imported under it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn is_source(&self, scope: Scope, name: &str) -> Result<bool, StoreError> {
        if scope != Scope::Operator {
            return Ok(false);
        }
        let known = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM source WHERE name = $1").bind(name);
        Ok(known.fetch_one(self.readers()).await? > 0)
    }

    /// How far a source has been read.
    ///
    /// # Errors
    /// The database's own.
    pub async fn source_resume(&self, scope: Scope, id: i64) -> Result<Resume, StoreError> {
        if scope != Scope::Operator {
            return Ok(Resume::default());
        }
        let text: Option<String> = sqlx::query_scalar("SELECT resume FROM fetched_source WHERE source_id = $1")
            .bind(id)
            .fetch_optional(self.readers())
            .await?;
        Ok(text.map_or(Ok(Resume::default()), |text| serde_json::from_str(&text)).map_err(unreadable)?)
    }

    /// A source is to be fetched from now on. One of this name of which nothing is fetched any more goes on as it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_source(&self, name: &str, plan: &Plan, every_s: i64, now: Timestamp) -> Result<(), StoreError> {
        let plan = serde_json::to_string(plan).map_err(unreadable)?;
        let mut tx = self.begin().await?;
        let sql =
            "INSERT INTO source (name, added_at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name
            RETURNING id";
        let id: i64 = sqlx::query_scalar(sql).bind(name).bind(now.0).fetch_one(&mut *tx).await?;
        let sql = "INSERT INTO fetched_source (source_id, plan, every_s, added_at, resume, failures, left_alone_s)
            VALUES ($1, $2, $3, $4, '{}', 0, 0)";
        sqlx::query(sql).bind(id).bind(plan).bind(every_s).bind(now.0).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// What its operator says of a source is another from now on.
    ///
    /// # Errors
    /// The database's own.
    pub async fn change_source(&self, id: i64, plan: &Plan) -> Result<(), StoreError> {
        let plan = serde_json::to_string(plan).map_err(unreadable)?;
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE fetched_source SET plan = $2 WHERE source_id = $1")
            .bind(id)
            .bind(plan)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// A source rests from now on, or no longer.
    ///
    /// # Errors
    /// The database's own.
    pub async fn pause_source(&self, id: i64, since: Option<Timestamp>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE fetched_source SET paused_at = $2 WHERE source_id = $1";
        sqlx::query(sql).bind(id).bind(since.map(|at| at.0)).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// A source is no longer fetched. What it has said stands.
    ///
    /// # Errors
    /// The database's own.
    pub async fn remove_source(&self, id: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM fetched_source WHERE source_id = $1").bind(id).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// A fetch is over.
    ///
    /// # Errors
    /// The database's own.
    pub async fn source_fetched(&self, id: i64, ended: &Ended, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let tried = "UPDATE fetched_source SET tried_at = $2,";
        match ended {
            Ended::Failed { why, left_alone_s } => {
                let sql =
                    format!("{tried} failed_why = $3, failures = failures + 1, left_alone_s = $4 WHERE source_id = $1");
                let update = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(now.0).bind(why.as_str());
                update.bind(left_alone_s).execute(&mut *tx).await?;
            }
            Ended::Held(why) => {
                let sql = format!(
                    "{tried} failed_why = NULL, failures = 0, left_alone_s = 0, held_at = COALESCE(held_at, $2), held_why = $3
                    WHERE source_id = $1"
                );
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(now.0).bind(why.as_str()).execute(&mut *tx).await?;
            }
            Ended::Unchanged => {
                let sql = format!(
                    "{tried} failed_why = NULL, failures = 0, left_alone_s = 0, succeeded_at = $2, held_at = NULL, held_why = NULL
                    WHERE source_id = $1"
                );
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(now.0).execute(&mut *tx).await?;
            }
            Ended::TakenIn { resume, entries, new, withdrawn, left_out } => {
                let resume = serde_json::to_string(resume).map_err(unreadable)?;
                let sql = format!(
                    "{tried} failed_why = NULL, failures = 0, left_alone_s = 0, succeeded_at = $2, held_at = NULL, held_why = NULL,
                    resume = $3, had_entries = entries, entries = $4, came = $5, went = $6, left_out = $7 WHERE source_id = $1"
                );
                let update = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(now.0).bind(resume);
                let update = update.bind(entries.map(count)).bind(count(*new)).bind(count(*withdrawn));
                update.bind(count(*left_out)).execute(&mut *tx).await?;
            }
        }
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_source_is_kept_with_how_its_tries_ended() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let plan = r#"{"kind":"file","url":"https://f.example/","max_octets":1,"within_s":2}"#;
        let plan: Plan = serde_json::from_str(plan).unwrap();
        store.add_source("f", &plan, 3_600, Timestamp(1)).await.unwrap();
        assert!(store.add_source("f", &plan, 3_600, Timestamp(1)).await.is_err(), "once");
        let one = async || store.sources(Scope::Operator, Some("f")).await.unwrap().remove(0);
        let id = one().await.id;
        let ended = async |ended: Ended, at: i64| {
            store.source_fetched(id, &ended, Timestamp(at)).await.unwrap();
            one().await
        };
        let fail = |why: &str| Ended::Failed { why: why.to_owned(), left_alone_s: 7 };
        ended(fail("no"), 2).await;
        let row = ended(fail("no again"), 3).await;
        assert_eq!((row.failed_why.as_deref(), row.failures, row.succeeded_at), (Some("no again"), 2, None));
        assert_eq!((row.turn().failures, row.turn().left_alone.as_secs(), row.turn().every.as_secs()), (2, 7, 3_600));
        let resume = Resume { etag: Some("e".into()), ..Resume::default() };
        let taken = |entries| Ended::TakenIn { resume: resume.clone(), entries, new: 5, withdrawn: 1, left_out: 2 };
        ended(taken(Some(10)), 4).await;
        let row = ended(taken(Some(12)), 5).await;
        assert_eq!((row.failed_why, row.failures, row.succeeded_at), (None, 0, Some(Timestamp(5))));
        assert_eq!((row.entries, row.had_entries, row.new, row.withdrawn), (Some(12), Some(10), Some(5), Some(1)));
        ended(Ended::Held("half".into()), 6).await;
        let row = ended(Ended::Held("less".into()), 7).await;
        assert_eq!((row.held_at, row.held_why.as_deref()), (Some(Timestamp(6)), Some("less")), "since the first");
        assert_eq!((row.succeeded_at, row.entries), (Some(Timestamp(5)), Some(12)), "the last good state stands");
        assert_eq!(store.source_resume(Scope::Operator, id).await.unwrap(), resume);
        let troubles = async |scope| {
            let mut conn = store.readers().acquire().await.unwrap();
            super::troubles(&mut conn, scope).await.unwrap()
        };
        let trouble = troubles(Scope::Operator).await.remove(0);
        assert_eq!((trouble.is_held, trouble.why.as_str(), trouble.succeeded_at), (true, "less", Some(Timestamp(5))));
        assert!(troubles(Scope::Member(1)).await.is_empty(), "the operator's business");
        assert_eq!(ended(Ended::Unchanged, 8).await.held_at, None);
        assert!(troubles(Scope::Operator).await.is_empty());
        ended(fail("gone"), 8).await;
        assert!(!troubles(Scope::Operator).await.remove(0).is_held);
        store.change_source(id, &Plan { turns_over: true, ..one().await.plan }).await.unwrap();
        assert!(one().await.plan.turns_over);
        store.pause_source(id, Some(Timestamp(9))).await.unwrap();
        assert!(store.source_turns(Scope::Operator).await.unwrap()[0].turn().is_paused);
        assert!(store.sources(Scope::Member(1), None).await.unwrap().is_empty());
        store.remove_source(id).await.unwrap();
        assert!(store.sources(Scope::Operator, None).await.unwrap().is_empty());
        assert!(store.is_source(Scope::Operator, "f").await.unwrap(), "what it has said stands");
    }
}
