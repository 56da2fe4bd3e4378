//! What each source says, taken in from where it was gathered: the newest version of each of its objects counts, in whatever order
//! they came, and takes the place of what the object said before.

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};
use varde_common::time::Timestamp;

use super::stage::{self, Stage};
use super::{StoreError, claim_sum, restored};
use crate::intel::canonical::CONFIDENCE_UNSAID;
use crate::limits::IMPORT_BATCH_ITEMS;

/// What an import has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Indicators that were not there.
    pub new: u64,
    /// What was said of those that were.
    pub known: u64,
    /// What was said, or taken back, in a version that is older than the one that is known: it changed nothing.
    pub outdated: u64,
    /// Claims that their objects took back.
    pub withdrawn: u64,
}

impl Stage {
    /// Takes in what was gathered, in transactions that leave room for others between them. An object's new word and the end of
    /// its old one may stand in two of them, the new word first; cut off between them, the same file again does the rest. `done` is
    /// told how many of the entries are in.
    ///
    /// # Errors
    /// The database's own.
    pub async fn take_in(
        &mut self,
        source: &str,
        now: Timestamp,
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        let source_id = source_id(&mut tx, source, now).await?;
        tx.commit().await?;
        let manner = self.manner;
        for (from, to) in self.pages("entry").await? {
            let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
            let page = Page { source_id, from, to, now };
            page.objects(&mut tx, BY_ENTRY).await?;
            let all: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM stage.entry WHERE n > $1 AND n <= $2")
                .bind(from)
                .bind(to)
                .fetch_one(&mut *tx)
                .await?;
            let new = page.indicators(&mut tx, source).await?;
            let said = page.claims(&mut tx, manner.keeps_unsaid).await?;
            if new < said {
                claim_sum::of_entries(&mut tx, from, to, now).await?;
            }
            tx.commit().await?;
            imported.new += new;
            imported.known += said.saturating_sub(new);
            imported.outdated += u64::try_from(all).unwrap_or(0).saturating_sub(said);
            done(u64::try_from(to).unwrap_or(0).min(self.found));
        }
        for (from, to) in self.pages("said").await? {
            let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
            let page = Page { source_id, from, to, now };
            page.objects(&mut tx, BY_NUMBER).await?;
            let withdrawn = page.withdraw(&mut tx).await?;
            claim_sum::settle(&mut tx, &withdrawn, now).await?;
            page.renew_newer(&mut tx).await?;
            imported.outdated += page.ignored(&mut tx).await?;
            tx.commit().await?;
            imported.withdrawn += withdrawn.len() as u64;
        }
        for (from, to) in self.pages("clue").await? {
            let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
            Page { source_id, from, to, now }.clues(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(imported)
    }

    /// Takes back what the source has said before and the import of `now` does not; gives how many claims that were.
    ///
    /// # Errors
    /// The database's own.
    pub async fn withdraw_unsaid(&mut self, source: &str, why: &str, now: Timestamp) -> Result<u64, StoreError> {
        let (mut after, mut claims) = (0, 0);
        loop {
            let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
            let update = sqlx::query_as(UNSAID).bind(now.0).bind(why).bind(after).bind(source);
            let gone: Vec<(i64, i64)> = update.bind(IMPORT_BATCH_ITEMS as i64).fetch_all(&mut *tx).await?;
            let Some(last) = gone.iter().map(|(id, _)| *id).max() else {
                tx.rollback().await?;
                return Ok(claims);
            };
            after = last;
            claims += gone.len() as u64;
            let indicators: Vec<i64> = gone.into_iter().map(|(_, indicator)| indicator).collect();
            claim_sum::settle(&mut tx, &indicators, now).await?;
            tx.commit().await?;
        }
    }

    /// The rows of what was gathered, as many at once as go into a transaction.
    async fn pages(&mut self, table: &'static str) -> Result<Vec<(i64, i64)>, StoreError> {
        let sql = AssertSqlSafe(format!("SELECT COALESCE(MAX(n), 0) FROM stage.{table}"));
        let last: i64 = sqlx::query_scalar(sql).fetch_one(&mut self.conn).await?;
        Ok((0..last).step_by(IMPORT_BATCH_ITEMS).map(|from| (from, from + IMPORT_BATCH_ITEMS as i64)).collect())
    }
}

/// What is said of indicators is another from here on: whatever is made of it is made anew. In the same transaction as the change, each
/// time: of what is read before it commits the number is the old one. What lint, the allow-list and lifetimes say takes effect with the
/// next list, whose number is told apart by itself.
pub(super) async fn changed(tx: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE indicator_change SET number = number + 1").execute(tx).await.map(drop)
}

async fn source_id(tx: &mut SqliteConnection, name: &str, now: Timestamp) -> Result<i64, StoreError> {
    let sql = "INSERT INTO source (name, added_at, received_at) VALUES ($1, $2, $2)
        ON CONFLICT (name) DO UPDATE SET received_at = excluded.received_at RETURNING id";
    Ok(sqlx::query_scalar(sql).bind(name).bind(now.0).fetch_one(tx).await?)
}

/// Rows of what was gathered, numbered above `from` up to `to`.
struct Page {
    source_id: i64,
    from: i64,
    to: i64,
    now: Timestamp,
}

/// The objects of these rows of entries, and of words.
const BY_ENTRY: &str =
    "s.object_id IN (SELECT object_id FROM stage.entry WHERE n > $2 AND n <= $3 AND object_id <> '')";
const BY_NUMBER: &str = "s.n > $2 AND s.n <= $3";

/// The entries that count: none of an older version of an object than is known, and none of one that was taken back.
const GOOD: &str = "LEFT JOIN object o ON o.source_id = $1 AND o.object_id = e.object_id
    WHERE e.n > $2 AND e.n <= $3 AND o.withdrawn_at IS NULL AND COALESCE(e.modified_at >= o.modified_at, 1)";

/// What these objects said and do not say any more. Joined as it is written (CROSS): from the other end each page would read all claims
/// of the source.
const WITHDRAW: &str = "UPDATE claim SET withdrawn_at = $4, refuted_at = NULL, withdrawn_why = CASE WHEN EXISTS (SELECT 1 FROM object
                WHERE source_id = claim.source_id AND object_id = claim.object_id AND withdrawn_at IS NOT NULL)
                THEN 'the source took it back' ELSE 'a newer version of the object does not say it' END
            WHERE id IN (SELECT c.id FROM stage.said s CROSS JOIN claim c ON c.source_id = $1 AND c.object_id = s.object_id
                LEFT JOIN object o ON o.source_id = $1 AND o.object_id = s.object_id
                WHERE s.n > $2 AND s.n <= $3 AND (c.withdrawn_at IS NULL OR c.refuted_at IS NOT NULL) AND (o.withdrawn_at IS NOT NULL
                    OR c.modified_at < o.modified_at
                    OR (c.modified_at IS NULL AND o.modified_at IS NOT NULL AND c.renewed_at <> $4)
                    OR (s.state = 1 AND s.modified_at IS NULL AND c.renewed_at <> $4)))
            RETURNING indicator_id";

/// What stands of objects whose newer version is known.
const RENEW: &str = "UPDATE claim SET renewed_at = $4 WHERE id IN (SELECT c.id FROM stage.said s
                CROSS JOIN object o ON o.source_id = $1 AND o.object_id = s.object_id
                CROSS JOIN claim c ON c.source_id = $1 AND c.object_id = s.object_id
                WHERE s.n > $2 AND s.n <= $3 AND s.modified_at < o.modified_at AND (c.withdrawn_at IS NULL OR c.refuted_at IS NOT NULL))";

/// What a source has not said again. By another import's time, not an older one: clocks are set. The + has the claims be read by their
/// numbers, from where the page before ended; by their source each page would read them all.
const UNSAID: &str = "UPDATE claim SET withdrawn_at = $1, withdrawn_why = $2, refuted_at = NULL WHERE id IN (SELECT id FROM claim
                WHERE id > $3 AND +source_id = (SELECT id FROM source WHERE name = $4)
                AND (withdrawn_at IS NULL OR refuted_at IS NOT NULL) AND renewed_at <> $1 ORDER BY id LIMIT $5) RETURNING id, indicator_id";

/// What a claim says.
const SAID: [&str; 10] =
    ["threat", "confidence", "severity", "tlp", "pap", "valid_from", "valid_until", "exercise", "details", "object"];

impl Page {
    /// Brings what is known of objects up to their newest words. Of an object without versions that stands nothing need be known.
    /// A tombstone goes when a newer version comes; one that named no version, with any word.
    async fn objects(&self, tx: &mut SqliteConnection, which: &str) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO object (source_id, object_id, modified_at, withdrawn_at)
            SELECT $1, s.object_id, s.modified_at, CASE WHEN s.state = 2 THEN $4 END FROM stage.said s
            WHERE {which} AND (s.modified_at IS NOT NULL OR s.state = 2
                OR EXISTS (SELECT 1 FROM object WHERE source_id = $1 AND object_id = s.object_id))
            ON CONFLICT (source_id, object_id) DO UPDATE SET
                modified_at = COALESCE(excluded.modified_at, object.modified_at), withdrawn_at = excluded.withdrawn_at
            WHERE object.modified_at IS NULL OR excluded.modified_at > object.modified_at
                OR (excluded.withdrawn_at IS NOT NULL AND object.withdrawn_at IS NULL
                    AND COALESCE(excluded.modified_at >= object.modified_at, 1))"
        );
        let insert = sqlx::query(AssertSqlSafe(sql)).bind(self.source_id).bind(self.from).bind(self.to);
        insert.bind(self.now.0).execute(tx).await?;
        Ok(())
    }

    /// Indicators that are not there yet; gives how many.
    async fn indicators(&self, tx: &mut SqliteConnection, source: &str) -> Result<u64, StoreError> {
        // After a restore the first ones are numbered by hand, far above those that were given since the backup.
        let next = restored::next_indicator(&mut *tx).await?;
        let (column, number) = match next {
            Some(_) => ("id, ", "$8 - 1 + ROW_NUMBER() OVER (ORDER BY e.n), "),
            None => ("", ""),
        };
        let sql = format!(
            "INSERT INTO indicator ({column}pattern, kind, source, threat, confidence, severity, tlp, pap, valid_from,
            valid_until, exercise, received_at)
            SELECT {number}e.pattern, e.kind, $5, e.threat, COALESCE(e.confidence, $6), COALESCE(e.severity, $7), {}, {},
            e.valid_from, e.valid_until, COALESCE(e.exercise, 0), $4 FROM stage.entry e {GOOD}
            AND NOT EXISTS (SELECT 1 FROM indicator WHERE pattern = e.pattern) ORDER BY e.n
            ON CONFLICT (pattern) DO NOTHING",
            claim_sum::tlp_text("COALESCE(e.tlp, 2)"),
            claim_sum::pap_text("e.pap"),
        );
        let insert =
            sqlx::query(AssertSqlSafe(sql)).bind(self.source_id).bind(self.from).bind(self.to).bind(self.now.0);
        let insert = insert.bind(source).bind(i64::from(CONFIDENCE_UNSAID)).bind(claim_sum::severity_unsaid());
        let insert = if let Some(next) = next { insert.bind(next) } else { insert };
        Ok(insert.execute(tx).await?.rows_affected())
    }

    /// What is said of them; gives how much.
    async fn claims(&self, tx: &mut SqliteConnection, keeps_unsaid: bool) -> Result<u64, StoreError> {
        // What is said again takes the place of what was said; in a list without columns only what it does say. A marking stays until
        // another is said: nobody makes what was shared with few known to more by leaving it out.
        let mut set = String::new();
        for column in SAID {
            set.push_str(&match keeps_unsaid || matches!(column, "tlp" | "pap") {
                true => format!("{column} = COALESCE(excluded.{column}, claim.{column}), "),
                false => format!("{column} = excluded.{column}, "),
            });
        }
        let sql = format!(
            "INSERT INTO claim (indicator_id, source_id, object_id, modified_at, threat, confidence, severity, tlp, pap,
            valid_from, valid_until, exercise, details, object, received_at, renewed_at)
            SELECT i.id, $1, e.object_id, COALESCE(e.modified_at, o.modified_at), e.threat, e.confidence, e.severity, e.tlp,
            e.pap, e.valid_from, e.valid_until, e.exercise, e.details, e.object, $4, $4
            FROM stage.entry e JOIN indicator i ON i.pattern = e.pattern {GOOD}
            ON CONFLICT (source_id, object_id, indicator_id) DO UPDATE SET {set}modified_at = excluded.modified_at,
                renewed_at = excluded.renewed_at,
                withdrawn_at = CASE WHEN claim.refuted_at IS NOT NULL THEN claim.withdrawn_at END,
                withdrawn_why = CASE WHEN claim.refuted_at IS NOT NULL THEN claim.withdrawn_why END"
        );
        let insert =
            sqlx::query(AssertSqlSafe(sql)).bind(self.source_id).bind(self.from).bind(self.to).bind(self.now.0);
        Ok(insert.execute(tx).await?.rows_affected())
    }

    /// Takes back what these objects said before and do not say in their newest version, and all of those that are taken back;
    /// gives the indicators, one a claim.
    async fn withdraw(&self, tx: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
        let update = sqlx::query_scalar(WITHDRAW).bind(self.source_id).bind(self.from).bind(self.to).bind(self.now.0);
        Ok(update.fetch_all(tx).await?)
    }

    /// A file that holds an older version of an object has said of the object that it is still there.
    async fn renew_newer(&self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        let update = sqlx::query(RENEW).bind(self.source_id).bind(self.from).bind(self.to).bind(self.now.0);
        update.execute(tx).await?;
        Ok(())
    }

    /// How many of these objects were taken back in an older version than is known.
    async fn ignored(&self, tx: &mut SqliteConnection) -> Result<u64, StoreError> {
        let sql = format!("{} o.source_id = $1 AND s.n > $2 AND s.n <= $3", stage::IGNORED);
        let count = sqlx::query_scalar(AssertSqlSafe(sql)).bind(self.source_id).bind(self.from).bind(self.to);
        let count: i64 = count.fetch_one(tx).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// What no sensor can look for.
    async fn clues(&self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        let sql = "INSERT INTO clue (source_id, object_id, kind, value, tlp, received_at, renewed_at)
            SELECT $1, object_id, kind, value, tlp, $4, $4 FROM stage.clue WHERE n > $2 AND n <= $3
            ON CONFLICT (source_id, object_id, kind, value) DO UPDATE SET renewed_at = excluded.renewed_at,
                tlp = COALESCE(excluded.tlp, clue.tlp)";
        let insert = sqlx::query(sql).bind(self.source_id).bind(self.from).bind(self.to);
        insert.bind(self.now.0).execute(tx).await?;
        Ok(())
    }
}

#[cfg(test)]
impl super::Store {
    /// Gathers these.
    async fn gather(&self, found: &[crate::intel::canonical::Found]) -> Result<Stage, StoreError> {
        let file = tempfile::NamedTempFile::new().map_err(sqlx::Error::Io)?;
        let is_exercise = found.iter().any(|found| found.about.exercise);
        let manner = super::stage::Manner { keeps_unsaid: true, exercise: is_exercise.then_some(true) };
        let mut stage = Stage::begin(self, file.path(), manner).await?;
        stage.put(found).await?;
        Ok(stage)
    }

    /// Takes in what a source says.
    pub(crate) async fn take_in(
        &self,
        source: &str,
        found: &[crate::intel::canonical::Found],
        now: Timestamp,
    ) -> Result<Imported, StoreError> {
        let mut stage = self.gather(found).await?;
        let imported = stage.take_in(source, now, &mut |_| {}).await?;
        stage.close().await?;
        Ok(imported)
    }

    /// The same, and it is all that the source says.
    pub(crate) async fn say_only(
        &self,
        source: &str,
        found: &[crate::intel::canonical::Found],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut stage = self.gather(found).await?;
        stage.take_in(source, now, &mut |_| {}).await?;
        stage.withdraw_unsaid(source, "gone", now).await?;
        stage.close().await
    }
}

#[cfg(test)]
mod tests;
