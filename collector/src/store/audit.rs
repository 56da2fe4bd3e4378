//! The audit as it stands in the database: appended to in the transaction of the deed, read by the operator, shortened at its front.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::audit::{Cut, Deed, Entry, Kept, NOTHING_BEFORE, On, Sound, Verifier, Wrong, cut_text, members};
use crate::eyes::COLLECTOR as PROGRAM;
use crate::limits::{AUDIT_KEPT, AUDIT_PAGE_ROWS, AUDIT_PARTS};

/// What a checkpoint is called.
const RETENTION: &str = "audit retention";

pub(super) const COLUMNS: &str = "seq, at, who, what, on_whom, members, was, became, cut_seq, cut_hash, hash";

/// The newest entry's place and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its place; 0 = there is none.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What keeps the audit from being what it says, in a database that somebody else wrote to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Meddled(String);

impl From<Meddled> for sqlx::Error {
    fn from(meddled: Meddled) -> sqlx::Error {
        sqlx::Error::Decode(Box::new(meddled))
    }
}

/// That nothing acts in the database by itself, or stands before a table: this program makes neither triggers nor views, and either can
/// keep an entry from being written, or from being seen, while everything says that it was.
///
/// # Errors
/// The database's own; [`Meddled`] in it.
pub async fn unmeddled(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let sql =
        "SELECT type || ' ' || name FROM sqlite_master WHERE type NOT IN ('table', 'index') ORDER BY name LIMIT 1";
    let found: Option<String> = sqlx::query_scalar(sql).fetch_optional(conn).await?;
    match found {
        None => Ok(()),
        Some(found) => {
            Err(Meddled(format!("it holds the {}, which this program never makes", cut_text(&found))).into())
        }
    }
}

/// Appends what is about to be done.
///
/// # Errors
/// The database's own.
pub async fn append(conn: &mut SqliteConnection, deed: &Deed) -> Result<Head, sqlx::Error> {
    add(conn, deed, None).await
}

async fn add(conn: &mut SqliteConnection, deed: &Deed, cut: Option<Cut>) -> Result<Head, sqlx::Error> {
    let before = head(conn).await?;
    let (was, mut numbers) = stands(conn, &deed.on).await?;
    numbers.extend(deed.members.iter().cloned());
    let mut entry = Entry {
        seq: before.seq.saturating_add(1),
        at: deed.at,
        who: cut_text(&deed.who),
        what: cut_text(deed.what),
        on: cut_text(&deed.on.words()),
        members: members(&deed.on, &numbers),
        was: cut_text(deed.was.as_deref().unwrap_or(&was)),
        became: cut_text(&deed.became),
        cut,
        hash: NOTHING_BEFORE,
    };
    entry.hash = entry.hash_after(&before.hash);
    let sql = "INSERT INTO audit (seq, at, who, what, on_whom, members, was, became, cut_seq, cut_hash, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let written = sqlx::query(sql)
        .bind(entry.seq)
        .bind(entry.at.0)
        .bind(&entry.who)
        .bind(&entry.what)
        .bind(&entry.on)
        .bind(&entry.members)
        .bind(&entry.was)
        .bind(&entry.became)
        .bind(entry.cut.map(|cut| cut.seq))
        .bind(entry.cut.map(|cut| cut.hash.to_vec()))
        .bind(entry.hash.as_slice())
        .execute(&mut *conn)
        .await?;
    // That a statement did not fail is no sign that it did anything: a table can be made to let rows go unsaid.
    let stands = Head { seq: entry.seq, hash: entry.hash };
    if written.rows_affected() != 1 || head(conn).await? != stands {
        return Err(Meddled(format!("entry {} of the audit is not there after it was written", entry.seq)).into());
    }
    Ok(stands)
}

/// The newest entry's place and hash.
///
/// # Errors
/// The database's own; a database of before there was an audit has none.
pub async fn head(conn: &mut SqliteConnection) -> Result<Head, sqlx::Error> {
    let row: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(conn).await?;
    let Some((seq, hash)) = row else { return Ok(Head { seq: 0, hash: NOTHING_BEFORE }) };
    // A hash of another length is somebody's doing: the chain is broken there, and whoever verifies it is told.
    Ok(Head { seq, hash: hash.try_into().unwrap_or(NOTHING_BEFORE) })
}

/// Whether a database is of a version that has an audit.
///
/// # Errors
/// The database's own.
pub async fn has_audit(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'audit'";
    let found: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(found > 0)
}

/// What is now, in words, and which members it concerns.
async fn stands(conn: &mut SqliteConnection, on: &On) -> Result<(String, Vec<String>), sqlx::Error> {
    match on {
        On::Collector | On::Everybody | On::Thing(_) => Ok((String::new(), Vec::new())),
        On::Member(number) => {
            let name: Option<String> = sqlx::query_scalar("SELECT name FROM member WHERE number = $1")
                .bind(number)
                .fetch_optional(conn)
                .await?;
            Ok((name.unwrap_or_else(|| "no member".to_owned()), vec![number.clone()]))
        }
        On::Sensor(id) => {
            let sql = "SELECT number, name, enrolled_at, revoked_at, quarantined_at, pending_at, approved_at
                FROM sensor JOIN member ON member.id = sensor.member_id WHERE sensor.id = $1";
            let Some(row) = sqlx::query(sql).bind(id).fetch_optional(&mut *conn).await? else {
                return Ok(("no sensor".to_owned(), Vec::new()));
            };
            let (number, name): (String, String) = (row.try_get("number")?, row.try_get("name")?);
            let is = |column| row.try_get::<Option<i64>, _>(column).map(|at| at.is_some());
            let state = if is("revoked_at")? {
                "revoked"
            } else if is("quarantined_at")? {
                "in quarantine"
            } else if is("enrolled_at")? {
                "enrolled"
            } else if is("approved_at")? {
                "approved of"
            } else if is("pending_at")? {
                "waits for approval"
            } else {
                "has a token not used yet"
            };
            let sql = "SELECT DISTINCT number FROM site JOIN member ON member.id = site.member_id
                WHERE sensor_id = $1 AND number <> $2 ORDER BY number";
            let others: Vec<String> = sqlx::query_scalar(sql).bind(id).bind(&number).fetch_all(&mut *conn).await?;
            let was = format!("{state}; of {number} {name}");
            Ok((was, [number].into_iter().chain(others).collect()))
        }
        On::Setting(key) => {
            let value: Option<String> =
                sqlx::query_scalar("SELECT value FROM setting WHERE key = $1").bind(key).fetch_optional(conn).await?;
            Ok((value.unwrap_or_else(|| "not set".to_owned()), Vec::new()))
        }
    }
}

/// A row as an entry. What has no known form becomes something whose hash cannot be right.
pub(super) fn entry(row: &SqliteRow) -> Entry {
    let text = |column: &str| {
        let octets: Vec<u8> = row.try_get(column).unwrap_or_else(|_| vec![0xff]);
        String::from_utf8_lossy(&octets).into_owned()
    };
    let hash = |column: &str| {
        let octets: Vec<u8> = row.try_get(column).unwrap_or_default();
        octets.try_into().unwrap_or(NOTHING_BEFORE)
    };
    let number = |column: &str| row.try_get::<i64, _>(column).unwrap_or(i64::MIN);
    let is_cut = !matches!(row.try_get::<Option<i64>, _>("cut_seq"), Ok(None))
        || !matches!(row.try_get::<Option<Vec<u8>>, _>("cut_hash"), Ok(None));
    Entry {
        seq: number("seq"),
        at: Timestamp(number("at")).clamped(),
        who: text("who"),
        what: text("what"),
        on: text("on_whom"),
        members: text("members"),
        was: text("was"),
        became: text("became"),
        cut: is_cut.then(|| Cut { seq: number("cut_seq"), hash: hash("cut_hash") }),
        hash: hash("hash"),
    }
}

/// Entries after a place, in order, as many as are read at once.
async fn page(conn: &mut SqliteConnection, after: i64) -> Result<Vec<Entry>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(after).bind(AUDIT_PAGE_ROWS).fetch_all(conn).await?;
    Ok(rows.iter().map(entry).collect())
}

impl Store {
    /// Notes a deed by itself: what it is about is done elsewhere, once this is committed.
    ///
    /// # Errors
    /// The database's own; then nothing may be done or shown.
    pub async fn note(&self, deed: &Deed) -> Result<Head, StoreError> {
        let mut tx = self.begin().await?;
        let head = append(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(head)
    }

    /// The newest entry's place and hash. The audit is the operator's; a member has an export.
    ///
    /// # Errors
    /// The database's own.
    pub async fn audit_head(&self, _scope: Scope) -> Result<Head, StoreError> {
        Ok(head(&mut *self.readers().acquire().await?).await?)
    }

    /// When the newest entry was written; none = there is none. It is everybody's.
    ///
    /// # Errors
    /// The database's own.
    pub async fn audit_newest_at(&self, _scope: Scope) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT at FROM audit ORDER BY seq DESC LIMIT 1";
        let at: Option<i64> = sqlx::query_scalar(sql).fetch_optional(self.readers()).await?;
        Ok(at.map(|at| Timestamp(at).clamped()))
    }

    /// Entries after a place, in order, as many as are read at once. All of them are the operator's; a member is given its part
    /// ([`Store::audit_part`]).
    ///
    /// # Errors
    /// The database's own.
    pub async fn audit_entries(&self, scope: Scope, after: i64) -> Result<Vec<Entry>, StoreError> {
        if let Scope::Member(id) = scope {
            let part = self.audit_part(scope, id).await?;
            return self.audit_part_entries(&part, after).await;
        }
        Ok(page(&mut *self.readers().acquire().await?, after).await?)
    }

    /// Holds the whole audit against itself, now; `head` is one that somebody kept. `progress` is told how many entries were read.
    ///
    /// # Errors
    /// The database's own. What is wrong with the audit is no error of reading it.
    pub async fn verify_audit(
        &self,
        _scope: Scope,
        head: Option<Kept>,
        now: Timestamp,
        mut progress: impl FnMut(u64),
    ) -> Result<Result<Sound, Wrong>, StoreError> {
        // One snapshot: what is removed from the front, or restored, while it is read must not look like a hole.
        let mut tx = self.readers().begin().await?;
        match unmeddled(&mut tx).await.map_err(StoreError::from) {
            Ok(()) => {}
            Err(StoreError::Meddled(what)) => return Ok(Err(Wrong::Meddled { what })),
            Err(error) => return Err(error),
        }
        let first: Option<i64> = sqlx::query_scalar("SELECT MIN(seq) FROM audit").fetch_one(&mut *tx).await?;
        let checkpoint = match first {
            Some(first) if first > 1 => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM audit WHERE cut_seq IS NOT NULL
                     ORDER BY CASE WHEN cut_seq = $1 THEN 0 ELSE 1 END, seq DESC LIMIT 1"
                );
                let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(first.saturating_sub(1));
                row.fetch_optional(&mut *tx).await?.and_then(|row| entry(&row).cut)
            }
            Some(_) | None => None,
        };
        let mut verifier = Verifier::new(checkpoint, head, now);
        let (mut after, mut read) = (i64::MIN, 0_u64);
        loop {
            let page = page(&mut tx, after).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            read = read.saturating_add(page.len() as u64);
            if let Err(wrong) = page.iter().try_for_each(|entry| verifier.take(entry)) {
                return Ok(Err(wrong));
            }
            progress(read);
        }
        Ok(verifier.finish())
    }

    /// What the newest entry of a command says that it became.
    ///
    /// # Errors
    /// The database's own.
    pub async fn last_became(&self, _scope: Scope, what: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT became FROM audit WHERE what = $1 ORDER BY seq DESC LIMIT 1";
        Ok(sqlx::query_scalar(sql).bind(what).fetch_optional(self.readers()).await?)
    }

    /// Removes entries from the front that are older than is kept, once a checkpoint names the last of them. Gives how many. Only
    /// what is that much older than the newest entry, and never more than a part: a clock that is years ahead cannot take all of
    /// it, and is found before it has taken much. The youngest of those that are old enough stays, to show that they were.
    ///
    /// # Errors
    /// The database's own.
    pub async fn forget_audit(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // Checkpoints are this program's own: they are no sign that so much time has passed.
        let sql = "SELECT at FROM audit WHERE cut_seq IS NULL ORDER BY seq DESC LIMIT 1";
        let newest: Option<i64> = sqlx::query_scalar(sql).fetch_optional(&mut *tx).await?;
        let Some(newest) = newest else { return Ok(0) };
        let limit = Timestamp(newest).clamped().min(now).minus(AUDIT_KEPT);
        let (first, count): (Option<i64>, i64) =
            sqlx::query_as("SELECT MIN(seq), COUNT(*) FROM audit").fetch_one(&mut *tx).await?;
        let Some(first) = first else { return Ok(0) };
        // The first that is too young; where a clock was set, what stands behind it stays with it.
        let sql = "SELECT seq FROM audit WHERE at >= $1 ORDER BY seq LIMIT 1";
        let young: Option<i64> = sqlx::query_scalar(sql).bind(limit.0).fetch_optional(&mut *tx).await?;
        let Some(young) = young else { return Ok(0) };
        let part = count.saturating_add(AUDIT_PARTS - 1) / AUDIT_PARTS;
        let stays = young.saturating_sub(1).min(first.saturating_add(part));
        let sql = "SELECT seq, at, hash FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT 1";
        let last: Option<(i64, i64, Vec<u8>)> = sqlx::query_as(sql).bind(stays).fetch_optional(&mut *tx).await?;
        let Some((seq, at, hash)) = last else { return Ok(0) };
        let cut = Cut { seq, hash: hash.try_into().unwrap_or(NOTHING_BEFORE) };
        let on = On::Thing(format!("entries up to {seq}"));
        let deed = Deed::new(PROGRAM.to_owned(), RETENTION, on, now)
            .was(format!("the last of them of {}", Timestamp(at).clamped()))
            .becomes("removed: kept for 24 months");
        add(&mut tx, &deed, Some(cut)).await?;
        let gone = sqlx::query("DELETE FROM audit WHERE seq <= $1").bind(seq).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};
    use std::time::Duration;

    fn deed(what: &'static str, on: On, after: u64) -> Deed {
        Deed::new("kari".to_owned(), what, on, NOW.plus(Duration::from_secs(after)))
    }

    async fn verify(store: &Store) -> Result<Sound, Wrong> {
        store.verify_audit(Scope::Operator, None, NOW.plus(AUDIT_KEPT * 9), |_| {}).await.unwrap()
    }

    #[tokio::test]
    async fn w2_an_entry_and_its_deed_are_committed_together_or_not_at_all() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        let noting = store.noting(deed("member rename", On::Member("1001".to_owned()), 1).becomes("Nytt navn"));
        noting.rename_member(1, Some("Nytt navn"), None, NOW).await.unwrap();
        let entries = store.audit_entries(Scope::Operator, 0).await.unwrap();
        assert_eq!((entries[0].was.as_str(), entries[0].became.as_str()), ("Kommune 1", "Nytt navn"));
        assert_eq!(entries[0].members, " 1001 ");
        // What is not done is not noted either.
        let mut tx = store.noting(deed("sensor revoke", On::Sensor(1), 2)).begin().await.unwrap();
        assert_eq!(head(&mut tx).await.unwrap().seq, 2, "noted before anything else");
        drop(tx);
        assert_eq!(store.audit_head(Scope::Operator).await.unwrap().seq, 1);
        for nothing_to_do in [1, 99] {
            let noting = || store.noting(deed("sensor approve", On::Sensor(nothing_to_do), 3));
            assert!(!noting().approve_sensor(nothing_to_do, NOW).await.unwrap());
            assert!(!noting().release_sensor(nothing_to_do).await.unwrap());
        }
        assert!(!store.noting(deed("sensor move", On::Sensor(99), 3)).move_sensor(99, 1).await.unwrap());
        store.noting(deed("sensor revoke", On::Sensor(99), 3)).revoke_sensor(99, NOW).await.unwrap();
        store
            .noting(deed("member add", On::Member("1002".to_owned()), 3))
            .add_member(&"1002".parse().unwrap(), "Kommune 2", NOW)
            .await
            .unwrap();
        assert_eq!(store.audit_head(Scope::Operator).await.unwrap().seq, 1, "nothing was done");
        verify(store).await.unwrap();
    }

    #[tokio::test]
    async fn w2_what_is_changed_behind_the_programs_back_is_named() {
        let fixture = Fixture::new(1).await;
        for n in 0..20 {
            fixture.store.note(&deed("sensor move", On::Sensor(1), n)).await.unwrap();
        }
        assert_eq!(verify(&fixture.store).await.unwrap().entries, 20);
        for (sql, undo, wrong) in [
            ("UPDATE audit SET at = at + 1 WHERE seq = 7", "UPDATE audit SET at = at - 1 WHERE seq = 7", 7),
            ("UPDATE audit SET who = 'Kari' WHERE seq = 3", "UPDATE audit SET who = 'kari' WHERE seq = 3", 3),
            ("UPDATE audit SET cut_hash = x'00' WHERE seq = 5", "UPDATE audit SET cut_hash = NULL WHERE seq = 5", 5),
            ("UPDATE audit SET at = 'x' WHERE seq = 9", "", 9),
            ("UPDATE audit SET who = x'ff00' WHERE seq = 8", "", 8),
            ("UPDATE audit SET hash = x'00' WHERE seq = 4", "", 4),
            ("DELETE FROM audit WHERE seq = 2", "", 2),
            ("DELETE FROM audit WHERE seq = 1", "", 1),
        ] {
            fixture.run(sql).await;
            assert_eq!(verify(&fixture.store).await.unwrap_err().seq(), Some(wrong), "{sql}");
            if !undo.is_empty() {
                fixture.run(undo).await;
                verify(&fixture.store).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn w2_nothing_is_done_where_the_database_would_keep_it_out_of_the_audit() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        store.note(&deed("backup", On::Collector, 0)).await.unwrap();
        for (make, undo, hides) in [
            (
                "CREATE TRIGGER t BEFORE INSERT ON audit WHEN NEW.what = 'alert list' BEGIN SELECT RAISE(IGNORE); END",
                "DROP TRIGGER t",
                true,
            ),
            (
                "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM audit WHERE seq = NEW.seq; END",
                "DROP TRIGGER t",
                true,
            ),
            (
                "CREATE TRIGGER t AFTER INSERT ON alert BEGIN DELETE FROM audit WHERE seq > 1; END",
                "DROP TRIGGER t",
                false,
            ),
            ("CREATE VIEW t AS SELECT * FROM audit", "DROP VIEW t", false),
        ] {
            fixture.run(make).await;
            if hides {
                let refused = store.note(&deed("alert list", On::Everybody, 1)).await;
                assert!(matches!(refused, Err(StoreError::Meddled(_))), "{make}: {refused:?}");
                let revoking = store.noting(deed("alert list", On::Sensor(1), 1));
                assert!(matches!(revoking.revoke_sensor(1, NOW).await, Err(StoreError::Meddled(_))), "{make}");
            }
            assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor WHERE revoked_at IS NOT NULL").await, 0, "{make}");
            assert!(matches!(verify(store).await, Err(Wrong::Meddled { .. })), "{make}");
            assert!(matches!(store.check().await, Err(StoreError::Meddled(_))), "nor is it started upon: {make}");
            fixture.run(undo).await;
            assert_eq!(verify(store).await.unwrap().entries, 1, "{make}");
            store.check().await.unwrap();
        }
        // A table that lets rows go unsaid needs neither.
        fixture.run("DROP TABLE audit").await;
        fixture
            .run(
                "CREATE TABLE audit (seq, at, who, what UNIQUE ON CONFLICT IGNORE, on_whom, members, was, became, cut_seq, cut_hash, hash)",
            )
            .await;
        store.note(&deed("alert list", On::Everybody, 0)).await.unwrap();
        let refused = store.note(&deed("alert list", On::Everybody, 1)).await;
        assert!(matches!(refused, Err(StoreError::Meddled(_))), "{refused:?}");
    }

    // Of several threads: the one that waits for the other must not keep back the connection that the other needs.
    #[tokio::test(flavor = "multi_thread")]
    async fn w2_an_audit_is_verified_as_it_was_at_one_moment_whatever_is_removed_meanwhile() {
        let fixture = Fixture::new(1).await;
        let entries = usize::try_from(AUDIT_PAGE_ROWS).unwrap() + 2;
        let mut tx = fixture.store.begin().await.unwrap();
        for n in 0..entries {
            append(&mut tx, &deed("backup", On::Collector, n as u64)).await.unwrap();
        }
        tx.commit().await.unwrap();
        // Between two pages everything of the second goes.
        let (store, other) = (fixture.store.clone(), fixture.store.clone());
        let verdict = store.verify_audit(Scope::Operator, None, NOW.plus(AUDIT_KEPT * 9), |_| {
            let other = other.clone();
            std::thread::scope(|threads| {
                threads.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        let mut tx = other.begin().await.unwrap();
                        let sql = "DELETE FROM audit WHERE seq > $1";
                        sqlx::query(sql).bind(AUDIT_PAGE_ROWS).execute(&mut *tx).await.unwrap();
                        tx.commit().await.unwrap();
                    });
                });
            });
        });
        assert_eq!(verdict.await.unwrap().unwrap().entries, entries as u64);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM audit").await, AUDIT_PAGE_ROWS);
    }

    const DAY: u64 = 86_400;

    fn kept_and(days: u64) -> Timestamp {
        NOW.plus(AUDIT_KEPT + Duration::from_secs(days * DAY + 1))
    }

    #[tokio::test]
    async fn w2_what_is_too_old_goes_behind_a_checkpoint_and_the_rest_is_verified_still() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        for n in 0..10 {
            store.note(&deed("backup", On::Collector, n * DAY)).await.unwrap();
        }
        store.note(&Deed::new("kari".to_owned(), "backup", On::Collector, kept_and(3))).await.unwrap();
        // Those of days 0 to 3 are too old: the last of them stays, the others go one by one, being a hundredth or less.
        for gone in 1..=3 {
            assert_eq!(store.forget_audit(kept_and(3)).await.unwrap(), 1);
            let sound = verify(store).await.unwrap();
            assert_eq!((sound.first, sound.last), (gone + 1, 11 + gone));
        }
        assert_eq!(store.forget_audit(kept_and(3)).await.unwrap(), 0);
        // Whoever removes one more and writes a checkpoint as well as the program does is found out.
        let sql = "SELECT hash FROM audit WHERE seq = 4";
        let hash: Vec<u8> = sqlx::query_scalar(sql).fetch_one(store.readers()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let cut = Cut { seq: 4, hash: hash.try_into().unwrap() };
        add(&mut tx, &Deed::new("x".to_owned(), RETENTION, On::Collector, kept_and(3)), Some(cut)).await.unwrap();
        tx.commit().await.unwrap();
        fixture.run("DELETE FROM audit WHERE seq <= 4").await;
        assert_eq!(verify(store).await.unwrap_err(), Wrong::TooYoung { from: 1, to: 4, next: 5 });
        fixture.run("DELETE FROM audit WHERE seq = 5").await;
        assert_eq!(verify(store).await.unwrap_err(), Wrong::Gone { seq: 5, found: 6 });
    }

    #[tokio::test]
    async fn w2_a_clock_that_is_years_ahead_takes_nothing_or_little_of_the_audit() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        for n in 0..200 {
            store.note(&deed("backup", On::Collector, n * DAY)).await.unwrap();
        }
        assert_eq!(store.forget_audit(kept_and(9_000)).await.unwrap(), 0, "nothing was done that late");
        store.note(&Deed::new("kari".to_owned(), "backup", On::Collector, kept_and(9_000))).await.unwrap();
        assert_eq!(store.forget_audit(kept_and(0)).await.unwrap(), 0, "it is right again, and one entry is ahead");
        assert_eq!(store.forget_audit(kept_and(9_000)).await.unwrap(), 3, "no more than a part at once");
        assert_eq!(verify(store).await.unwrap().first, 4);
        let verdict = store.verify_audit(Scope::Operator, None, kept_and(0), |_| {}).await.unwrap();
        assert_eq!(
            verdict.unwrap_err(),
            Wrong::TooYoung { from: 1, to: 3, next: 4 },
            "and who has the right time sees it"
        );
    }
}
