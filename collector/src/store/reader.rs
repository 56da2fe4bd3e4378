//! Those who read the list over HTTPS: added, removed, known by their token's hash.

use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::account::member_id;
use super::{Scope, Store, StoreError};
use crate::limits::feed::{READER_SEEN_EVERY, READERS_MAX};
use crate::reader::{Offered, SECRET_OCTETS, hash, is_same, token};

/// A reader that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReader {
    /// What it is called.
    pub name: String,
    /// Up to this it reads.
    pub tlp: Tlp,
    /// The member whose it is.
    pub member: Option<MemberNumber>,
    /// It is the operator's own organisation's.
    pub own: bool,
    /// Its token may stand in the path.
    pub in_path: bool,
    /// Good until then.
    pub until: Option<Timestamp>,
}

/// What became of one that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedReader {
    /// Its number and its token, which is told once.
    Added(i64, String),
    /// There is no such member.
    NoMember,
    /// There is one of that name.
    NameTaken,
    /// There are as many as there may be.
    TooMany,
}

/// A reader as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReaderRow {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Up to this it reads.
    pub tlp: Tlp,
    /// The number of the member whose it is.
    pub member: Option<String>,
    /// It is the operator's own organisation's.
    pub own: bool,
    /// Its token may stand in the path.
    pub path_token: bool,
    /// When it was added.
    pub added_at: Timestamp,
    /// Good until then.
    pub until: Option<Timestamp>,
    /// When it last read, to the hour.
    pub last_read_at: Option<Timestamp>,
}

/// Somebody whose token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// `reader.id`.
    pub id: i64,
    /// Up to this it reads.
    pub tlp: Tlp,
    /// When its last visit was noted.
    pub last_read_at: Option<Timestamp>,
}

/// The level a number in the database stands for; TLP:RED is nobody's.
fn level(number: i64) -> Tlp {
    [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict]
        .into_iter()
        .find(|tlp| i64::from(tlp.level()) == number)
        .unwrap_or(Tlp::Clear)
}

type KnownRow = (i64, Vec<u8>, bool, Option<i64>);

impl Store {
    /// Adds a reader with a token made of this secret.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_reader(
        &self,
        new: &NewReader,
        secret: &[u8; SECRET_OCTETS],
        now: Timestamp,
    ) -> Result<AddedReader, StoreError> {
        let mut tx = self.begin().await?;
        let Some(member) = member_id(&mut tx, new.member.as_ref()).await? else { return Ok(AddedReader::NoMember) };
        let sql = "SELECT COUNT(*), COUNT(CASE WHEN name = $1 THEN 1 END) FROM reader WHERE removed_at IS NULL";
        let (all, same): (i64, i64) = sqlx::query_as(sql).bind(&new.name).fetch_one(&mut *tx).await?;
        if same > 0 {
            return Ok(AddedReader::NameTaken);
        }
        if all >= READERS_MAX {
            return Ok(AddedReader::TooMany);
        }
        // Rows of those removed stay, so that a number is never another's.
        let id: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) + 1 FROM reader").fetch_one(&mut *tx).await?;
        let token = token(id, secret);
        let sql = "INSERT INTO reader (id, name, tlp, member_id, own, in_path, token_sha256, added_at, until)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(sql)
            .bind(id)
            .bind(&new.name)
            .bind(i64::from(new.tlp.level()))
            .bind(member)
            .bind(new.own)
            .bind(new.in_path)
            .bind(hash(&token).as_slice())
            .bind(now.0)
            .bind(new.until.map(|at| at.0))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(AddedReader::Added(id, token))
    }

    /// Those that are not removed, by number. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn readers_listed(&self, scope: Scope) -> Result<Vec<ReaderRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT r.id, r.name, r.tlp, m.number, r.own, r.in_path, r.added_at, r.until, r.last_read_at
            FROM reader r LEFT JOIN member m ON m.id = r.member_id WHERE r.removed_at IS NULL ORDER BY r.id";
        type Row = (i64, String, i64, Option<String>, bool, bool, i64, Option<i64>, Option<i64>);
        let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let read = |(id, name, tlp, member, own, path_token, added_at, until, last_read_at): Row| ReaderRow {
            id,
            name,
            tlp: level(tlp),
            member,
            own,
            path_token,
            added_at: Timestamp(added_at),
            until: until.map(Timestamp),
            last_read_at: last_read_at.map(Timestamp),
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Removes a reader: from here on its token opens nothing. Gives whether there was one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn remove_reader(&self, id: i64, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE reader SET removed_at = $2, token_sha256 = x'' WHERE id = $1 AND removed_at IS NULL";
        let removed = sqlx::query(sql).bind(id).bind(now.0).execute(&mut *tx).await?.rows_affected();
        if removed == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Whether anybody may read at all.
    ///
    /// # Errors
    /// The database's own.
    pub async fn has_readers(&self, _: Scope, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM reader WHERE removed_at IS NULL AND (until IS NULL OR until > $1))";
        Ok(sqlx::query_scalar(sql).bind(now.0).fetch_one(self.readers()).await?)
    }

    /// Who it is that offers a token; nobody, where it is not good. The same work is done for one that is almost right as for one that
    /// is wrong from the start.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reader_by_token(
        &self,
        _: Scope,
        offered: &Offered,
        now: Timestamp,
    ) -> Result<Option<Known>, StoreError> {
        let sql = "SELECT tlp, token_sha256, in_path, last_read_at FROM reader
            WHERE id = $1 AND removed_at IS NULL AND (until IS NULL OR until > $2)";
        let row: Option<KnownRow> =
            sqlx::query_as(sql).bind(offered.id).bind(now.0).fetch_optional(self.readers()).await?;
        let (tlp, kept, in_path, last) = row.unwrap_or((0, Vec::new(), false, None));
        let nobody = [0; 32];
        let is_there = kept.len() == nobody.len();
        let is_right = is_same(&offered.sha256, if is_there { &kept } else { &nobody });
        let may = is_there && is_right && (in_path || !offered.in_path);
        Ok(may.then(|| Known { id: offered.id, tlp: level(tlp), last_read_at: last.map(Timestamp) }))
    }

    /// Notes that a reader was here, unless that was noted within the hour.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reader_was_here(&self, known: Known, now: Timestamp) -> Result<(), StoreError> {
        if known.last_read_at.is_some_and(|last| last <= now && now.since(last) < READER_SEEN_EVERY) {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        // The hour is enough to see that it lives, and tells nothing of what people there do.
        let hour = i64::try_from(READER_SEEN_EVERY.as_micros()).unwrap_or(i64::MAX);
        let began = now.0.saturating_sub(now.0.rem_euclid(hour));
        let sql = "UPDATE reader SET last_read_at = $2 WHERE id = $1";
        sqlx::query(sql).bind(known.id).bind(began).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    fn new(name: &str) -> NewReader {
        NewReader { name: name.into(), tlp: Tlp::Amber, member: None, own: false, in_path: false, until: None }
    }

    async fn add(store: &Store, new: &NewReader, secret: u8) -> (i64, String) {
        match store.add_reader(new, &[secret; SECRET_OCTETS], Timestamp(1)).await.unwrap() {
            AddedReader::Added(id, token) => (id, token),
            other => panic!("{other:?}"),
        }
    }

    async fn known(store: &Store, token: &str, in_path: bool, at: i64) -> Option<Tlp> {
        let offered = Offered::read(token, in_path)?;
        store.reader_by_token(Scope::Operator, &offered, Timestamp(at)).await.unwrap().map(|known| known.tlp)
    }

    #[tokio::test]
    async fn p4_a_reader_is_known_by_its_token_alone_until_it_is_removed_or_its_time_is_over() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        assert!(!store.has_readers(Scope::Operator, Timestamp(1)).await.unwrap());
        let (one, first) = add(store, &new("fw"), 1).await;
        let (_, second) = add(store, &NewReader { until: Some(Timestamp(50)), in_path: true, ..new("dns") }, 2).await;
        assert_eq!(known(store, &first, false, 2).await, Some(Tlp::Amber));
        assert_eq!(
            (known(store, &first, true, 2).await, known(store, &second, true, 2).await),
            (None, Some(Tlp::Amber))
        );
        assert_eq!(known(store, &second, false, 50).await, None);
        let swapped = first.replacen("vf-1-", "vf-2-", 1);
        assert_eq!(
            (known(store, &swapped, false, 2).await, known(store, &first.replacen("vf-1", "vf-9", 1), false, 2).await),
            (None, None)
        );
        let kept: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT token_sha256 FROM reader").fetch_all(store.readers()).await.unwrap();
        assert!(kept.iter().all(|kept| kept.len() == 32), "hashes alone");
        assert!(
            store.remove_reader(one, Timestamp(3)).await.unwrap()
                && !store.remove_reader(one, Timestamp(3)).await.unwrap()
        );
        assert_eq!(known(store, &first, false, 4).await, None);
        let (again, _) = add(store, &new("fw"), 3).await;
        assert_eq!(again, 3, "no number is given twice");
        assert_eq!(
            store.add_reader(&new("fw"), &[4; SECRET_OCTETS], Timestamp(1)).await.unwrap(),
            AddedReader::NameTaken
        );
        let stranger = NewReader { member: Some("9999".parse().unwrap()), ..new("x") };
        assert_eq!(
            store.add_reader(&stranger, &[4; SECRET_OCTETS], Timestamp(1)).await.unwrap(),
            AddedReader::NoMember
        );
        assert_eq!(store.readers_listed(Scope::Operator).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn q3_a_members_readers_go_with_it() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        let (_, token) = add(store, &NewReader { member: Some("1001".parse().unwrap()), ..new("fw") }, 1).await;
        store.depart(1, Timestamp(2)).await.unwrap();
        assert_eq!(
            (known(store, &token, false, 3).await, store.readers_listed(Scope::Operator).await.unwrap().len()),
            (None, 0)
        );
    }

    #[tokio::test]
    async fn q1_of_a_readers_visits_nothing_is_kept_but_the_hour_of_the_last_one() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        let (_, token) = add(store, &new("fw"), 1).await;
        let hour = 3_600_000_000;
        let visit = async |at: i64| {
            let offered = Offered::read(&token, false).unwrap();
            let known = store.reader_by_token(Scope::Operator, &offered, Timestamp(at)).await.unwrap().unwrap();
            store.reader_was_here(known, Timestamp(at)).await.unwrap();
            store.readers_listed(Scope::Operator).await.unwrap()[0].last_read_at.unwrap().0
        };
        assert_eq!(visit(7 * hour + 1_234_567).await, 7 * hour, "to the hour");
        assert_eq!(visit(7 * hour + 2_000_000).await, 7 * hour);
        assert_eq!(visit(9 * hour - 1).await, 8 * hour);
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('reader') ORDER BY name")
            .fetch_all(store.readers())
            .await
            .unwrap();
        let want = [
            "added_at",
            "id",
            "in_path",
            "last_read_at",
            "member_id",
            "name",
            "own",
            "removed_at",
            "tlp",
            "token_sha256",
            "until",
        ];
        assert_eq!(columns, want, "and no address");
    }

    #[tokio::test]
    async fn p4_a_reader_that_was_removed_stays_out_when_an_older_backup_is_restored() {
        use crate::audit::{Deed, On};
        use crate::store::restored::{known_in, settle};
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let (one, first) = add(store, &new("fw"), 1).await;
        let (_, second) = add(store, &new("dns"), 2).await;
        let dir = tempfile::tempdir().unwrap();
        let backup = dir.path().join(crate::store::DATABASE_FILE);
        let copy = format!("VACUUM INTO '{}'", backup.display());
        sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(store.readers()).await.unwrap();
        store.remove_reader(one, Timestamp(3)).await.unwrap();
        let now: String =
            sqlx::query_scalar("SELECT file FROM pragma_database_list").fetch_one(store.readers()).await.unwrap();
        let known_then = known_in(std::path::Path::new(&now)).await.unwrap();
        let deed = Deed::new("x".into(), "restore", On::Collector, Timestamp(9));
        settle(&backup, &known_then, Timestamp(2), &deed).await.unwrap();
        let restored = Store::open(dir.path()).await.unwrap();
        assert_eq!(
            (known(&restored, &first, false, 10).await, known(&restored, &second, false, 10).await),
            (None, Some(Tlp::Amber))
        );
    }
}
