//! What a file says, gathered in a file of its own before any of it is taken in: so that a file that cannot be read to its end
//! changes nothing, what it says twice counts once, and what it would change is known before.

use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite};
use varde_common::time::Timestamp;

use super::under_way::UnderWay;
use super::{Scope, Store, StoreError, options};
use crate::intel::canonical::Found;
use crate::intel::format::{Clue, Withdrawn};
use crate::limits::IMPORT_ROWS_PER_STATEMENT;

/// The tables of what was gathered. An entry is what one object says of one pattern: of two the newer version stays, of two of the
/// same version the later with the stricter marking of both (unmarked is AMBER). An object's state: 0 it says what its entries say, 1 it names nothing (any more), 2 it is taken back.
const TABLES: &str = "
    CREATE TABLE stage.entry (n INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE, pattern TEXT NOT NULL, kind TEXT NOT NULL,
        object_id TEXT NOT NULL, modified_at BIGINT, threat TEXT, confidence BIGINT, severity BIGINT, tlp BIGINT, pap BIGINT,
        valid_from BIGINT, valid_until BIGINT, exercise BIGINT, details TEXT, object TEXT);
    CREATE TABLE stage.said (n INTEGER PRIMARY KEY, object_id TEXT NOT NULL UNIQUE, modified_at BIGINT, state BIGINT NOT NULL);
    CREATE TABLE stage.clue (n INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE, object_id TEXT NOT NULL, kind TEXT NOT NULL,
        value TEXT NOT NULL, tlp BIGINT);
    CREATE TABLE stage.leaving (n INTEGER PRIMARY KEY, name TEXT NOT NULL, stays BIGINT NOT NULL);
    CREATE TABLE stage.about (mark TEXT NOT NULL);";

/// How the word of a source takes the place of what it said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// It is a list without columns: what an entry does not say stays as it was said.
    pub keeps_unsaid: bool,
    /// In such a list, whether all of it is part of an exercise; none = it is not said.
    pub exercise: Option<bool>,
}

/// A group of a source's objects of which something is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The objects are those named `name/…`.
    pub name: String,
    /// What is said of the group here stands; else all of it goes.
    pub stays: bool,
}

/// What is gathered of one file, and a connection of its own by which it is taken in: the collector's own writer goes on.
#[derive(Debug)]
pub struct Stage {
    pub(super) conn: SqliteConnection,
    pub(super) manner: Manner,
    /// What tells it from any other.
    pub(super) mark: String,
    /// Indicators, each as often as it came.
    pub found: u64,
}

/// What a gathered file would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Would {
    /// Indicators that are not there.
    pub new: u64,
    /// What is said of others.
    pub known: u64,
    /// What is said in a version that is older than the one that is known, and what is taken back in one.
    pub outdated: u64,
    /// Claims of this source that stand now.
    pub standing: u64,
    /// Those of them that its objects take back.
    pub withdrawn: u64,
    /// And those that the file does not say again, beside: withdrawn where it is all that its source says.
    pub unsaid: u64,
}

impl Stage {
    /// An empty one in this file.
    ///
    /// # Errors
    /// The database's own.
    pub async fn begin(store: &Store, file: &Path, manner: Manner) -> Result<Stage, StoreError> {
        let mut conn = attached(store, file).await?;
        sqlx::raw_sql(TABLES).execute(&mut conn).await?;
        let mark = random_mark()?;
        sqlx::query("INSERT INTO stage.about (mark) VALUES ($1)").bind(&mark).execute(&mut conn).await?;
        Ok(Stage { conn, manner, mark, found: 0 })
    }

    /// The one in this file, which was gathered by a program that is gone: none where it was not begun.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reopen(store: &Store, file: &Path) -> Result<Option<Stage>, StoreError> {
        let mut conn = attached(store, file).await?;
        let is_one = "SELECT EXISTS (SELECT 1 FROM stage.sqlite_master WHERE name = 'about')";
        if !sqlx::query_scalar::<_, bool>(is_one).fetch_one(&mut conn).await? {
            return Ok(None);
        }
        let mark: Option<String> = sqlx::query_scalar("SELECT mark FROM stage.about").fetch_optional(&mut conn).await?;
        let found: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(n), 0) FROM stage.entry").fetch_one(&mut conn).await?;
        let found = u64::try_from(found).unwrap_or(0);
        Ok(mark.map(|mark| Stage { conn, manner: Manner::default(), mark, found }))
    }

    /// Whether it is this one that is being taken in.
    pub fn is_of(&self, under_way: &UnderWay) -> bool {
        self.mark == under_way.mark
    }

    /// Notes of which groups something is taken back, once all else is in.
    ///
    /// # Errors
    /// The database's own.
    pub async fn put_leaving(&mut self, groups: &[Leaving]) -> Result<(), StoreError> {
        let mut tx = self.conn.begin().await?;
        for groups in groups.chunks(IMPORT_ROWS_PER_STATEMENT) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO stage.leaving (name, stays) ");
            insert.push_values(groups, |mut values, group| {
                values.push_bind(group.name.as_str()).push_bind(i64::from(group.stays));
            });
            insert.build().execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Gathers what was found, in the file's order.
    ///
    /// # Errors
    /// The database's own.
    pub async fn put(&mut self, found: &[Found]) -> Result<(), StoreError> {
        self.found += found.len() as u64;
        let manner = self.manner;
        let mut tx = self.conn.begin().await?;
        for found in found.chunks(IMPORT_ROWS_PER_STATEMENT) {
            insert_entries(&mut tx, found, manner).await?;
            let said = found.iter().filter(|found| !found.object.id.is_empty());
            let said: Vec<Word<'_>> =
                said.map(|found| Word { id: &found.object.id, modified: found.object.modified, state: 0 }).collect();
            insert_said(&mut tx, &said).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Gathers what objects take back.
    ///
    /// # Errors
    /// The database's own.
    pub async fn put_withdrawn(&mut self, objects: &[Withdrawn]) -> Result<(), StoreError> {
        self.put_words(objects, 2).await
    }

    /// Gathers which objects name nothing in their version.
    ///
    /// # Errors
    /// The database's own.
    pub async fn put_silent(&mut self, objects: &[Withdrawn]) -> Result<(), StoreError> {
        self.put_words(objects, 1).await
    }

    async fn put_words(&mut self, objects: &[Withdrawn], state: i64) -> Result<(), StoreError> {
        let mut tx = self.conn.begin().await?;
        for objects in objects.chunks(IMPORT_ROWS_PER_STATEMENT) {
            let named = objects.iter().filter(|object| !object.object_id.is_empty());
            let words: Vec<Word<'_>> =
                named.map(|object| Word { id: &object.object_id, modified: object.modified, state }).collect();
            insert_said(&mut tx, &words).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Gathers what no sensor can look for.
    ///
    /// # Errors
    /// The database's own.
    pub async fn put_clues(&mut self, clues: &[Clue]) -> Result<(), StoreError> {
        let mut tx = self.conn.begin().await?;
        for clues in clues.chunks(IMPORT_ROWS_PER_STATEMENT) {
            let sql = "INSERT INTO stage.clue (key, object_id, kind, value, tlp) ";
            let mut insert = QueryBuilder::<Sqlite>::new(sql);
            insert.push_values(clues, |mut values, clue| {
                values
                    .push_bind(key(&[clue.kind.as_str(), clue.value.as_str(), clue.object_id.as_str()]))
                    .push_bind(clue.object_id.as_str())
                    .push_bind(clue.kind.as_str())
                    .push_bind(clue.value.as_str())
                    .push_bind(clue.tlp.map(|tlp| i64::from(tlp.level())));
            });
            insert.push(
                " ON CONFLICT (key) DO UPDATE SET tlp = CASE WHEN COALESCE(clue.tlp, excluded.tlp) IS NOT NULL
                    THEN MAX(COALESCE(clue.tlp, 2), COALESCE(excluded.tlp, 2)) END",
            );
            insert.build().execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// What it would change, if it were taken in now.
    ///
    /// # Errors
    /// The database's own.
    pub async fn would(&mut self, scope: Scope, source: &str) -> Result<Would, StoreError> {
        if scope != Scope::Operator {
            return Ok(Would::default());
        }
        let conn = &mut self.conn;
        sqlx::raw_sql("CREATE INDEX IF NOT EXISTS stage.entry_said ON entry (object_id, pattern)")
            .execute(&mut *conn)
            .await?;
        let (new, known, outdated): (i64, i64, i64) =
            sqlx::query_as(sqlx::AssertSqlSafe(WOULD_BRING)).bind(source).fetch_one(&mut *conn).await?;
        let would_take = format!("{WOULD_TAKE} FROM ({WOULD_GO})");
        let (standing, withdrawn, gone): (i64, i64, i64) =
            sqlx::query_as(sqlx::AssertSqlSafe(would_take)).bind(source).fetch_one(conn).await?;
        let sql = sqlx::AssertSqlSafe(format!("{IGNORED} o.source_id = (SELECT id FROM source WHERE name = $1)"));
        let ignored: i64 = sqlx::query_scalar(sql).bind(source).fetch_one(&mut self.conn).await?;
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(Would {
            new: number(new),
            known: number(known),
            outdated: number(outdated.saturating_add(ignored)),
            standing: number(standing),
            withdrawn: number(withdrawn),
            unsaid: number(gone.saturating_sub(withdrawn)),
        })
    }

    /// Of what a source says that stands, what the file does not say again of the objects whose names begin with `GROUP/` of one of
    /// these groups; what its objects take back themselves is not in it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn unsaid_of(&mut self, scope: Scope, source: &str, groups: &[&str]) -> Result<u64, StoreError> {
        if scope != Scope::Operator || groups.is_empty() {
            return Ok(0);
        }
        let conn = &mut self.conn;
        let empty = "CREATE TEMP TABLE IF NOT EXISTS said_whole (name TEXT PRIMARY KEY); DELETE FROM said_whole";
        sqlx::raw_sql(empty).execute(&mut *conn).await?;
        for groups in groups.chunks(IMPORT_ROWS_PER_STATEMENT) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR IGNORE INTO said_whole (name) ");
            insert.push_values(groups, |mut values, group| {
                values.push_bind(*group);
            });
            insert.build().execute(&mut *conn).await?;
        }
        let sql = format!(
            "SELECT COUNT(*) FROM ({WOULD_GO} AND SUBSTR(c.object_id, 1, INSTR(c.object_id, '/') - 1)
            IN (SELECT name FROM said_whole)) WHERE NOT is_said AND NOT by_object"
        );
        let unsaid: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(source).fetch_one(conn).await?;
        Ok(u64::try_from(unsaid).unwrap_or(0))
    }

    /// The indicators in it that a person has found to be false positives, by number: naming them again brings them into no list.
    ///
    /// # Errors
    /// The database's own.
    pub async fn refuted(&mut self, scope: Scope) -> Result<Vec<i64>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM judgement WHERE verdict = 'false-positive')";
        // Most never said so; then millions of entries need not be looked at.
        let are_any: bool = sqlx::query_scalar(sql).fetch_one(&mut self.conn).await?;
        if !are_any {
            return Ok(Vec::new());
        }
        let sql = "SELECT DISTINCT i.id FROM stage.entry e CROSS JOIN indicator i ON i.pattern = e.pattern
            WHERE i.refuted_at IS NOT NULL ORDER BY i.id";
        Ok(sqlx::query_scalar(sql).fetch_all(&mut self.conn).await?)
    }

    /// Indicators, each once for each object that names it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn entries(&mut self) -> Result<u64, StoreError> {
        let entries: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM stage.entry").fetch_one(&mut self.conn).await?;
        Ok(u64::try_from(entries).unwrap_or(0))
    }

    /// Lets go of it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.conn.close().await?)
    }
}

/// A connection of its own to the database, and to this file.
async fn attached(store: &Store, file: &Path) -> Result<SqliteConnection, StoreError> {
    if *store.failing.borrow() {
        return Err(sqlx::Error::PoolClosed.into());
    }
    let mut conn = options(&store.path).connect().await?;
    let path = file.to_string_lossy();
    sqlx::query("ATTACH $1 AS stage").bind(path.as_ref()).execute(&mut conn).await?;
    // Until all is gathered, what is lost here is read again from the source's own file; then it is brought to the disk once.
    sqlx::raw_sql("PRAGMA stage.journal_mode = OFF; PRAGMA stage.synchronous = OFF").execute(&mut conn).await?;
    Ok(conn)
}

fn random_mark() -> Result<String, StoreError> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).map_err(|error| sqlx::Error::Io(std::io::Error::other(error.to_string())))?;
    Ok(varde_common::trust::hex(&octets))
}

/// How many objects the file takes back in a version that is older than the one that is known of their source.
pub(super) const IGNORED: &str = "SELECT COUNT(*) FROM stage.said s CROSS JOIN object o ON o.object_id = s.object_id
    WHERE s.state = 2 AND s.modified_at < o.modified_at AND";

/// What the file brings: of its newest version of each object, where the source has not said a newer one before.
const WOULD_BRING: &str = "
    SELECT COUNT(DISTINCT CASE WHEN good AND id IS NULL THEN pattern END),
        COUNT(CASE WHEN good THEN 1 END) - COUNT(DISTINCT CASE WHEN good AND id IS NULL THEN pattern END),
        COUNT(CASE WHEN good THEN NULL ELSE 1 END)
    FROM (SELECT e.pattern, i.id,
            (s.n IS NULL OR (s.state < 2 AND COALESCE(e.modified_at >= s.modified_at, 1)))
            AND (o.object_id IS NULL OR (COALESCE(e.modified_at >= o.modified_at, 1)
                AND (o.withdrawn_at IS NULL OR o.modified_at IS NULL OR COALESCE(e.modified_at > o.modified_at, 0)))) AS good
        FROM stage.entry e LEFT JOIN indicator i ON i.pattern = e.pattern
        LEFT JOIN stage.said s ON s.object_id = e.object_id
        LEFT JOIN object o ON o.source_id = (SELECT id FROM source WHERE name = $1) AND o.object_id = e.object_id)";

/// Of the claims that stand: how many there are, how many whose object takes them back, and those with the ones that are not said again.
const WOULD_TAKE: &str =
    "SELECT COUNT(*), COUNT(CASE WHEN by_object THEN 1 END), COUNT(CASE WHEN by_object OR NOT is_said THEN 1 END)";

/// Each claim of a source that stands: whether it is said again, and whether its object takes it back.
const WOULD_GO: &str = "
    SELECT e.n IS NOT NULL OR COALESCE(s.modified_at < o.modified_at, 0) AS is_said,
            s.n IS NOT NULL AND NOT COALESCE(s.modified_at < o.modified_at, 0) AND (s.state = 2
                OR (s.modified_at IS NOT NULL AND COALESCE(c.modified_at < s.modified_at, 1)
                    AND (e.n IS NULL OR COALESCE(e.modified_at < s.modified_at, 0)))
                OR (s.state = 1 AND s.modified_at IS NULL AND e.n IS NULL)) AS by_object
        FROM claim c JOIN indicator i ON i.id = c.indicator_id
        LEFT JOIN stage.entry e ON e.object_id = c.object_id AND e.pattern = i.pattern
        LEFT JOIN stage.said s ON s.object_id = c.object_id
        LEFT JOIN object o ON o.source_id = c.source_id AND o.object_id = c.object_id
        WHERE c.source_id = (SELECT id FROM source WHERE name = $1) AND c.withdrawn_at IS NULL";

/// A number by which the same words are the same row; who made two others meet in it would lose one of their own.
fn key(words: &[&str]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(&(word.len() as u64).to_le_bytes()).update(word.as_bytes());
    }
    hasher.finalize().as_bytes().first_chunk().map_or(0, |octets| i64::from_le_bytes(*octets))
}

async fn insert_entries(tx: &mut SqliteConnection, found: &[Found], manner: Manner) -> Result<(), StoreError> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "INSERT INTO stage.entry (key, pattern, kind, object_id, modified_at, threat, confidence, severity, tlp, pap,
        valid_from, valid_until, exercise, details, object) ",
    );
    insert.push_values(found, |mut values, found| {
        let Found { about, object, pattern } = found;
        let plain = pattern.to_plain();
        let is_exercise = if manner.keeps_unsaid { manner.exercise } else { Some(about.exercise) };
        values
            .push_bind(key(&[plain.as_str(), object.id.as_str()]))
            .push_bind(plain)
            .push_bind(pattern.kind().to_string())
            .push_bind(object.id.as_str())
            .push_bind(object.modified.map(|at| at.0))
            .push_bind(about.threat.as_deref())
            .push_bind(about.confidence.map(i64::from))
            .push_bind(about.severity.map(|severity| i64::from(severity.level())))
            .push_bind(about.tlp.map(|tlp| i64::from(tlp.level())))
            .push_bind(about.pap.map(|pap| i64::from(pap.level())))
            .push_bind(about.valid_from.map(|at| at.0))
            .push_bind(about.valid_until.map(|at| at.0))
            .push_bind(is_exercise.map(i64::from))
            .push_bind(about.details.to_json())
            .push_bind(object.text.as_deref());
    });
    insert.push(
        " ON CONFLICT (key) DO UPDATE SET modified_at = excluded.modified_at, threat = excluded.threat,
            confidence = excluded.confidence, severity = excluded.severity,
            tlp = CASE WHEN excluded.modified_at IS NOT entry.modified_at OR COALESCE(entry.tlp, excluded.tlp) IS NULL THEN excluded.tlp
                ELSE MAX(COALESCE(entry.tlp, 2), COALESCE(excluded.tlp, 2)) END,
            pap = CASE WHEN excluded.modified_at IS NOT entry.modified_at OR entry.pap IS NULL THEN excluded.pap
                ELSE MAX(entry.pap, COALESCE(excluded.pap, 0)) END,
            valid_from = excluded.valid_from, valid_until = excluded.valid_until, exercise = excluded.exercise,
            details = excluded.details, object = excluded.object
        WHERE entry.modified_at IS NULL OR excluded.modified_at >= entry.modified_at",
    );
    insert.build().execute(tx).await?;
    Ok(())
}

/// One object's word.
struct Word<'a> {
    id: &'a str,
    modified: Option<Timestamp>,
    state: i64,
}

/// Keeps of each object its newest word: a newer version before an older, one with a version before one without, and of the same
/// version the one that takes it back. Without versions the later word counts.
async fn insert_said(tx: &mut SqliteConnection, words: &[Word<'_>]) -> Result<(), StoreError> {
    if words.is_empty() {
        return Ok(());
    }
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO stage.said (object_id, modified_at, state) ");
    insert.push_values(words, |mut values, word| {
        values.push_bind(word.id).push_bind(word.modified.map(|at| at.0)).push_bind(word.state);
    });
    insert.push(
        " ON CONFLICT (object_id) DO UPDATE SET modified_at = excluded.modified_at, state = CASE
            WHEN said.modified_at = excluded.modified_at THEN MAX(said.state, excluded.state)
            WHEN said.modified_at IS NULL AND excluded.modified_at IS NULL AND said.state < 2 AND excluded.state < 2
                THEN MAX(said.state, excluded.state)
            ELSE excluded.state END
        WHERE said.modified_at IS NULL OR excluded.modified_at >= said.modified_at",
    );
    insert.build().execute(tx).await?;
    Ok(())
}
