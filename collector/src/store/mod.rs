//! The database: every statement stands below here, and every read takes a [`Scope`].

pub mod account;
pub mod account_kept;
pub mod advisory;
pub mod alert;
pub mod allow;
mod approval;
pub mod asked;
pub mod audit;
pub mod audit_part;
pub mod audit_search;
pub mod belonging;
pub mod bond;
pub mod brake;
pub mod brake_standing;
pub mod campaign;
pub mod channel;
pub mod claim;
mod claim_group;
mod claim_sum;
pub mod cluster;
mod commons;
pub mod community;
pub mod copy;
pub mod credentials;
pub mod demoted;
pub mod departure;
pub mod desk;
pub mod draft;
pub mod event;
pub mod feed;
pub mod figures;
pub mod gateway;
pub mod guard;
pub mod handed_over;
pub mod heartbeat;
pub mod home;
pub mod incident;
pub mod indicator;
pub mod indicator_said;
pub mod key;
pub mod leaving;
pub mod lifetime;
pub mod lint;
pub mod list;
pub mod mail;
mod mail_again;
pub mod mark;
pub mod measure;
pub mod meeting;
pub mod member;
pub mod mere_list;
pub mod objections;
pub mod oidc;
pub mod onward;
pub mod overlap;
mod overwritten;
pub mod page_session;
pub mod page_token;
pub mod pending;
pub mod picture;
mod places;
pub mod presence;
pub mod priority;
pub mod profile;
pub mod proposal;
pub mod publication;
pub mod reach;
pub mod reader;
pub mod recall;
pub mod record;
pub mod restored;
pub mod restored_people;
pub mod retention;
pub mod rollout;
pub mod ruling;
pub mod saved_view;
pub mod scope;
pub mod self_test;
pub mod sensor;
pub mod sent;
pub mod setting;
pub mod sight;
pub mod sighting;
pub mod silence;
pub mod site;
pub mod source;
pub mod stage;
pub mod statistics;
pub mod strand;
pub mod succession;
mod taking;
pub mod trace;
pub mod triage;
pub mod tripped;
pub mod trust;
pub mod under_way;
pub mod upgrade;
pub mod verdict;
pub mod weights;
pub mod word;
pub mod workflow;

#[cfg(test)]
pub(crate) mod fixture;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::pool::PoolConnectionMetadata;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, Transaction};
use tokio::sync::watch;

use crate::audit::Deed;
use crate::limits::{DATABASE_BUSY_WITHIN, WAL_CHECKPOINT_PAGES, WAL_KEPT_OCTETS};

pub use scope::Scope;

/// The database's file within the data directory.
pub const DATABASE_FILE: &str = "varde.sqlite";
/// While this stands in the data directory, a restore is moving things about.
pub const RESTORE_MOVING: &str = "restore.moving";

/// Readers at once; the one writer has a pool of its own.
const READERS_MAX: u32 = 4;

/// Statements that the writer keeps prepared: ingest has some forty, each for up to five numbers of rows.
const WRITER_STATEMENTS: usize = 300;
/// Rows that the writer's thread may be ahead of who reads them: it need not wait for each piece of a long answer to be taken.
const WRITER_ROWS: usize = 1_024;

/// Versions of the tables, oldest first. Each is applied once, in one transaction, and never edited afterwards.
const SCHEMA: &[&str] = &[
    include_str!("../schema/001_main.sql"),
    include_str!("../schema/002_session.sql"),
    include_str!("../schema/003_storm.sql"),
    include_str!("../schema/004_carrier.sql"),
    include_str!("../schema/005_identity.sql"),
    include_str!("../schema/006_trust.sql"),
    include_str!("../schema/007_lists.sql"),
    include_str!("../schema/008_audit.sql"),
    include_str!("../schema/009_members.sql"),
    include_str!("../schema/010_brake.sql"),
    include_str!("../schema/011_claims.sql"),
    include_str!("../schema/012_lint.sql"),
    include_str!("../schema/013_sources.sql"),
    include_str!("../schema/014_drafts.sql"),
    include_str!("../schema/015_verdicts.sql"),
    include_str!("../schema/016_imports.sql"),
    include_str!("../schema/017_feeds.sql"),
    include_str!("../schema/020_correlation.sql"),
    include_str!("../schema/021_silence.sql"),
    include_str!("../schema/022_statistics.sql"),
    include_str!("../schema/023_workflow.sql"),
    include_str!("../schema/024_sight.sql"),
    include_str!("../schema/025_api.sql"),
    include_str!("../schema/026_gateway.sql"),
    include_str!("../schema/027_people.sql"),
    include_str!("../schema/028_guards.sql"),
    include_str!("../schema/029_met.sql"),
    include_str!("../schema/030_account.sql"),
    include_str!("../schema/031_advisory.sql"),
    include_str!("../schema/032_view.sql"),
    include_str!("../schema/033_advised.sql"),
    include_str!("../schema/035_recovery.sql"),
    include_str!("../schema/036_handing.sql"),
    include_str!("../schema/037_self_test.sql"),
    include_str!("../schema/038_oidc.sql"),
];

/// Why the store could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory was never initialised.
    #[error("{} holds no collector; make one with: varde-collector init --data {}", .0.display(), .0.display())]
    Missing(PathBuf),
    /// It is there and may not be read.
    #[error("cannot read {}: {error}; run it as the user that owns the data directory", .path.display())]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// A restore was cut off: what lies there is half of one collector and half of another.
    #[error("a restore into {} was cut off; run it again: varde-collector restore BACKUP --data {}", .0.display(), .0.display())]
    Unfinished(PathBuf),
    /// Made by a newer program.
    #[error("the database has version {found}, this program knows {known}; use the newer varde-collector that made it")]
    TooNew {
        /// Version found.
        found: usize,
        /// Newest version known.
        known: usize,
    },
    /// Made by an older program, and only a starting collector may change that.
    #[error(
        "the database has version {found}, this program uses {known}; start the collector once with this program (varde-collector run, or restart its service): it makes a copy and brings the database up to date"
    )]
    TooOld {
        /// Version found.
        found: usize,
        /// Version used.
        known: usize,
    },
    /// There is no room for the copy that is made before the database is brought up to date.
    #[error(
        "the database must be brought up to date, and there is no room for the copy that is made before; make room for {octets} bytes beside {}; nothing was changed", .path.display()
    )]
    NoRoomForCopy {
        /// The database.
        path: PathBuf,
        /// Its size.
        octets: u64,
    },
    /// A version could not be applied; the database is what it was.
    #[error(
        "the database could not be brought from version {found} to {known}, and nothing was changed: {why}; report this to the makers of Varde, and go on with the program of before"
    )]
    NotUpgraded {
        /// Version found, and still there.
        found: usize,
        /// Version wanted.
        known: usize,
        /// What was wrong.
        why: String,
    },
    /// Another program has it open.
    #[error("a varde-collector command still uses the database in {}; wait until it has ended, then run this again", .0.display())]
    InUse(PathBuf),
    /// It is no sound database.
    #[error(
        "the database is damaged ({0}); stop the collector and restore the newest backup: varde-collector restore BACKUP"
    )]
    Damaged(String),
    /// Somebody else wrote to it.
    #[error(
        "somebody has changed the database behind this program's back: {0}; nothing was done; keep it as it is, and see: varde-collector audit verify"
    )]
    Meddled(String),
    /// No room.
    #[error(
        "the disk that holds the database is full; make room: until then nothing is stored or acknowledged, and the sensors keep what they have"
    )]
    Full,
    /// The disk fails.
    #[error(
        "the disk that holds the database fails ({0}); look at the disk and the system's log, then start the collector again: it checks the database first; nothing was acknowledged that is not stored, and the sensors keep what they have"
    )]
    Failing(String),
    /// A copy could not be made.
    #[error("cannot write the copy {}: {error}", .path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// The database said no.
    #[error("the database refused: {0}")]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        // Result codes of SQLite (sqlite.org/rescode.html), the extended ones with the plain one in their last octet.
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        if let sqlx::Error::Decode(why) = &error
            && let Some(meddled) = why.downcast_ref::<audit::Meddled>()
        {
            return StoreError::Meddled(meddled.to_string());
        }
        match code {
            // SQLITE_FULL; SQLITE_IOERR_SHMSIZE: no room for the index of the log.
            Some(13 | 4874) => StoreError::Full,
            // SQLITE_IOERR: what was written may be lost though the next attempt succeeds. SQLITE_IOERR_NOMEM is no disk.
            Some(code) if code & 0xff == 10 && code != 3082 => StoreError::Failing(error.to_string()),
            Some(code) if matches!(code & 0xff, 11 | 26) => StoreError::Damaged(error.to_string()),
            Some(_) | None => StoreError::Database(error),
        }
    }
}

/// The open database: one writer, several readers. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Whether the disk was full when something was last written.
    full: Arc<AtomicBool>,
    /// Whether the disk has failed.
    failing: Arc<watch::Sender<bool>>,
    /// Its file.
    path: Arc<Path>,
    /// What the next transaction is about to do, to be noted in it.
    deed: Option<Arc<Mutex<Option<Deed>>>>,
    /// What many share, as it was last made of the lists.
    commons: commons::Cached,
}

/// That a collector's database is there and may be opened.
///
/// # Errors
/// [`StoreError::Missing`], [`StoreError::Unreadable`], [`StoreError::Unfinished`].
pub fn find(data: &Path) -> Result<(), StoreError> {
    if data.join(RESTORE_MOVING).exists() {
        return Err(StoreError::Unfinished(data.to_owned()));
    }
    let path = data.join(DATABASE_FILE);
    // Not by opening it: a process that closes a file lets go of all its locks on it, those of the database too, and whatever other
    // program looks in next takes itself for the last one and deletes the log under those that write.
    match rustix::fs::access(&path, rustix::fs::Access::READ_OK).map_err(std::io::Error::from) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(StoreError::Missing(data.to_owned())),
        Err(error) => Err(StoreError::Unreadable { path, error }),
    }
}

/// How the database is opened, by whoever opens it.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // An ack goes out after the commit: the commit must be on disk.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(DATABASE_BUSY_WITHIN)
        // What is deleted is overwritten where that costs no page more; a member that leaves has all of it overwritten.
        .pragma("secure_delete", "FAST")
        .pragma("wal_autocheckpoint", WAL_CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", WAL_KEPT_OCTETS.to_string())
}

/// A full disk has SQLite roll back by itself (sqlite.org/lang_transaction.html), and sqlx then counts a transaction that is
/// none: such a connection can never begin another and is thrown away.
fn is_usable(
    conn: &mut SqliteConnection,
    _: PoolConnectionMetadata,
) -> Pin<Box<dyn Future<Output = Result<bool, sqlx::Error>> + Send + '_>> {
    Box::pin(async move { Ok(!conn.is_in_transaction()) })
}

impl Store {
    /// Makes the database if it is not there, with the tables of today.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create(data: &Path) -> Result<Store, StoreError> {
        if !data.join(DATABASE_FILE).exists() {
            upgrade::make(data, SCHEMA).await?;
        }
        Store::connect(data).await
    }

    /// Opens a database that must be there, in the form of today.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::TooOld`], [`StoreError::TooNew`] and others.
    pub async fn open(data: &Path) -> Result<Store, StoreError> {
        find(data)?;
        Store::connect(data).await
    }

    /// Whether this program can use a database of this version, at once or after an upgrade.
    ///
    /// # Errors
    /// [`StoreError::TooNew`].
    pub fn can_read(found: usize) -> Result<(), StoreError> {
        let known = SCHEMA.len();
        if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(()) }
    }

    /// Brings a database that an older program made up to date, after a copy. Only whoever holds the directory's lock may.
    ///
    /// # Errors
    /// [`StoreError`]; the database is then what it was.
    pub async fn upgrade(data: &Path) -> Result<Option<upgrade::Upgraded>, StoreError> {
        upgrade::upgrade(data, SCHEMA).await
    }

    async fn connect(data: &Path) -> Result<Store, StoreError> {
        let path: Arc<Path> = data.join(DATABASE_FILE).into();
        let options = options(&path);
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).before_acquire(is_usable);
        let writing = options.clone().statement_cache_capacity(WRITER_STATEMENTS).row_buffer_size(WRITER_ROWS);
        let writer = pool(1).connect_with(writing).await?;
        let readers = pool(READERS_MAX).connect_with(options).await?;
        let store = Store {
            writer,
            readers,
            full: Arc::default(),
            failing: Arc::default(),
            path,
            deed: None,
            commons: Arc::default(),
        };
        let (found, known) = (upgrade::version(&mut *store.readers.acquire().await?).await?, SCHEMA.len());
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(StoreError::TooOld { found, known }),
            std::cmp::Ordering::Equal => Ok(store),
            std::cmp::Ordering::Greater => Err(StoreError::TooNew { found, known }),
        }
    }

    /// The data directory it lies in.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Reads the whole database and says what is wrong with it, if anything is.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Meddled`] and others.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut conn = self.readers.acquire().await?;
        copy::sound(&mut conn, "PRAGMA quick_check(1)").await?;
        Ok(audit::unmeddled(&mut conn).await?)
    }

    /// The store could not do something. That its disk fails ends the process, for what the disk holds is known only after
    /// reading it anew; whoever waits for [`Store::failing`] sees to that.
    pub fn handle_error(&self, error: &StoreError) {
        if matches!(error, StoreError::Failing(_)) && !self.failing.send_replace(true) {
            // Said here: whoever waited for what was to be stored may be gone.
            tracing::error!("{error}");
        }
    }

    /// Waits until the disk fails.
    pub async fn failing(&self) {
        // The sender lives as long as this store.
        let _ = self.failing.subscribe().wait_for(|failing| *failing).await;
    }

    /// The disk was found full. Gives whether that is news.
    pub fn handle_full(&self) -> bool {
        !self.full.swap(true, Ordering::Relaxed)
    }

    /// Whether the disk was full when something was last written.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Tries whether there is room again, by taking some. Gives whether there is; from then on it does not count as full.
    ///
    /// # Errors
    /// Anything but a full disk.
    pub async fn try_room(&self) -> Result<bool, StoreError> {
        match self.take_room().await {
            Ok(()) => {
                self.full.store(false, Ordering::Relaxed);
                Ok(true)
            }
            Err(StoreError::Full) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn take_room(&self) -> Result<(), StoreError> {
        // Two transactions: pages that are freed where they were taken are never written.
        let take = "INSERT INTO setting (key, value) VALUES ('room', zeroblob(1048576))
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        for sql in [take, "DELETE FROM setting WHERE key = 'room'"] {
            let mut tx = self.begin().await?;
            sqlx::query(sql).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Begins a writing transaction (`BEGIN IMMEDIATE`: two programs writing wait for each other instead of failing). On a
    /// disk that has failed there is none any more.
    ///
    /// # Errors
    /// The database's own.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        if *self.failing.borrow() {
            return Err(sqlx::Error::PoolClosed);
        }
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let deed = self.deed.as_ref().and_then(|deed| deed.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(deed) = deed {
            audit::append(&mut tx, &deed).await?;
        }
        Ok(tx)
    }

    /// Whether somebody could write now, found out by beginning to: who holds the database for good is found too.
    ///
    /// # Errors
    /// The database's own.
    pub async fn is_writable(&self) -> Result<(), StoreError> {
        Ok(self.begin().await?.rollback().await?)
    }

    /// This store, and its next transaction notes this deed before anything else: both are committed, or neither. For the one call
    /// that does it; what follows in further transactions is noted already.
    pub fn noting(&self, deed: Deed) -> Store {
        Store { deed: Some(Arc::new(Mutex::new(Some(deed)))), ..self.clone() }
    }

    /// Connections for reading.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Closes all connections; waits until they are.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opens_only_what_was_made_and_keeps_its_tables() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Store::open(dir.path()).await, Err(StoreError::Missing(_))));
        for _ in 0..2 {
            let store = Store::create(dir.path()).await.unwrap();
            sqlx::query("INSERT INTO setting VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
                .bind("a")
                .bind("b")
                .execute(&store.writer)
                .await
                .unwrap();
            store.close().await;
        }
        let store = Store::open(dir.path()).await.unwrap();
        let value: String = sqlx::query_scalar("SELECT value FROM setting").fetch_one(store.readers()).await.unwrap();
        assert_eq!(value, "b");
    }

    #[tokio::test]
    async fn a_damaged_database_is_told_with_its_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        for n in 0..200 {
            store.set_setting(&format!("key {n}"), &"x".repeat(500)).await.unwrap();
        }
        store.check().await.unwrap();
        store.close().await;
        let path = dir.path().join(DATABASE_FILE);
        let sound = std::fs::read(&path).unwrap();
        // The whole file, its beginning, and pages in its middle, which nothing but a check would read.
        let middle = sound.len() / 2 / 4096 * 4096;
        for (from, to) in [(0, sound.len()), (0, 100), (middle, middle + 4096)] {
            let mut octets = sound.clone();
            octets[from..to].fill(0x5a);
            std::fs::write(&path, octets).unwrap();
            let said = match Store::open(dir.path()).await {
                Ok(store) => store.check().await.unwrap_err(),
                Err(error) => error,
            };
            assert!(matches!(said, StoreError::Damaged(_)), "{from}: {said}");
            assert!(said.to_string().contains("restore the newest backup"), "{said}");
        }
    }

    #[tokio::test]
    async fn d4_a_disk_that_fails_is_told_from_one_that_is_full_and_from_all_else() {
        #[derive(Debug)]
        struct Said(&'static str);
        impl std::fmt::Display for Said {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "disk I/O error")
            }
        }
        impl std::error::Error for Said {}
        impl sqlx::error::DatabaseError for Said {
            fn message(&self) -> &str {
                "disk I/O error"
            }
            fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
                Some(self.0.into())
            }
            fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
                self
            }
            fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
                self
            }
            fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
                self
            }
            fn kind(&self) -> sqlx::error::ErrorKind {
                sqlx::error::ErrorKind::Other
            }
        }
        // SQLITE_IOERR_READ, _WRITE, _FSYNC, _DIR_FSYNC, _SHMMAP; not FULL, _SHMSIZE, _NOMEM, BUSY, CORRUPT.
        for (code, fails) in [("266", true), ("778", true), ("1034", true), ("1290", true), ("5386", true)]
            .into_iter()
            .chain(["13", "4874", "3082", "5", "11"].map(|code| (code, false)))
        {
            let error = StoreError::from(sqlx::Error::Database(Box::new(Said(code))));
            assert_eq!(matches!(error, StoreError::Failing(_)), fails, "{code}: {error:?}");
        }
    }

    #[tokio::test]
    async fn d5_after_a_full_disk_the_next_transaction_begins_as_if_nothing_had_been() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        // As many pages as there are: for SQLite the same as a disk without room.
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&store.writer).await.unwrap();
        let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(limit).execute(&store.writer).await.unwrap();
        let refused = store.set_setting("large", &"x".repeat(1_000_000)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Full), "{refused}");
        assert_eq!(store.setting(Scope::Operator, "large").await.unwrap(), None, "all or nothing");
        for _ in 0..3 {
            assert!(store.try_room().await.unwrap());
            store.set_setting("small", "x").await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_acknowledged_is_on_the_disk_and_the_log_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        for pool in [&store.writer, &store.readers] {
            for (pragma, value) in
                [("PRAGMA synchronous", 2), ("PRAGMA wal_autocheckpoint", 1000), ("PRAGMA foreign_keys", 1)]
            {
                let found: i64 = sqlx::query_scalar(pragma).fetch_one(pool).await.unwrap();
                assert_eq!(found, value, "{pragma}");
            }
            let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
            assert_eq!(mode, "wal");
            let busy: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(pool).await.unwrap();
            assert_eq!(u128::try_from(busy).unwrap(), DATABASE_BUSY_WITHIN.as_millis());
            let kept: i64 = sqlx::query_scalar("PRAGMA journal_size_limit").fetch_one(pool).await.unwrap();
            assert_eq!(u64::try_from(kept).unwrap(), WAL_KEPT_OCTETS);
        }
    }
}
