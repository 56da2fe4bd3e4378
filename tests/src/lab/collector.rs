//! The collector of a simulation: the real session and ingest on a real database, on one thread, which crashes at the
//! commit it is told to, may be full, and may be put back to a copy of its past.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use varde_collector::ingest::hello::{Met, meet};
use varde_collector::ingest::{self, IngestError, IngestReply};
use varde_collector::session::{Action, Session, reconnect_spread_ms};
use varde_collector::store::{DATABASE_FILE, Store};
use varde_common::id::{Epoch, Mark, Seq, SiteId};
use varde_common::message::{Batch, CloseReason, Greeting, PROTOCOLS, Stream, ToAgent};
use varde_common::time::Timestamp;

use super::closing::Counts;
use super::line::{Line, heard_by_collector};

/// Which connection.
pub type LineId = u64;
/// A record's name.
pub type Key = (i64, Epoch, Seq);

/// No commit is to fail.
const NEVER: i64 = i64::MAX;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// Nothing that changes anything.
    Nothing,
    /// It met a sensor, and told it what is committed.
    Greeted {
        /// Of this spool.
        epoch: Epoch,
        /// Up to here.
        committed: Seq,
    },
    /// It acknowledged.
    Acknowledged {
        /// Of this spool.
        epoch: Epoch,
        /// Up to here.
        seq: Seq,
    },
    /// It misses records.
    Missed,
    /// It told an older state of a sensor to begin a new spool.
    Renewed,
    /// It ended the session.
    Closed(CloseReason),
}

/// One session's state.
#[derive(Debug)]
struct Talk {
    sensor: i64,
    session: Session,
    opened: Vec<Stream>,
    greeted: bool,
}

/// When it dies.
#[derive(Debug)]
struct Fate {
    /// Commits that still succeed; the one after them is its death.
    commits_left: AtomicI64,
    dead: AtomicBool,
}

impl Fate {
    /// Whether a commit is one. Once dead it commits nothing any more, whatever still runs.
    fn handle_commit(&self) -> bool {
        if self.dead.load(Ordering::Relaxed) {
            return false;
        }
        match self.commits_left.load(Ordering::Relaxed) {
            NEVER => true,
            0 => {
                self.dead.store(true, Ordering::Relaxed);
                false
            }
            left => {
                self.commits_left.store(left - 1, Ordering::Relaxed);
                true
            }
        }
    }
}

/// The collector.
#[derive(Debug)]
pub struct Collector {
    runtime: Runtime,
    folder: TempDir,
    store: Store,
    sensors: i64,
    fate: Arc<Fate>,
    talks: BTreeMap<LineId, Talk>,
    backup: Option<Vec<u8>>,
    /// Marks given so far; each is another.
    marks: u128,
}

/// In memory where the machine has such a place: what a crash leaves is SQLite's business here, not the disk's.
pub(super) fn folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? })
}

/// The database every simulation begins with: members 1 to 4, each with the sensor of its number, and three indicators.
async fn first_database() -> Result<Vec<u8>> {
    let folder = folder()?;
    let store = Store::create(folder.path()).await?;
    let mut tx = store.begin().await?;
    for sensor in 1..=4 {
        for sql in [
            "INSERT INTO member (id, number, name, added_at) VALUES ($1, $1 + 1000, 'Kommune ' || $1, 0)",
            "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256, enrolled_at,
             revision) VALUES ($1, $1, 0, 0, x'00', 0, 1)",
            "INSERT INTO site (sensor_id, site, member_id) VALUES ($1, 0, $1)",
        ] {
            sqlx::query(sql).bind(sensor).execute(&mut *tx).await?;
        }
    }
    for (id, pattern) in [(1, "vond.example"), (2, "verre.example"), (3, "verst.example")] {
        let sql =
            "INSERT INTO indicator (id, pattern, kind, source, confidence, severity, tlp, received_at, published_at,
             published_in) VALUES ($1, $2, 'domain', 'lab', 50, 2, 'TLP:AMBER', 0, 0, 1)";
        sqlx::query(sql).bind(id).bind(pattern).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    store.close().await;
    Ok(std::fs::read(folder.path().join(DATABASE_FILE))?)
}

async fn open(folder: &Path, fate: Arc<Fate>) -> Result<Store> {
    let store = Store::open(folder).await?;
    let mut tx = store.begin().await?;
    tx.lock_handle().await?.set_commit_hook(move || fate.handle_commit());
    tx.rollback().await?;
    Ok(store)
}

impl Collector {
    /// One with so many of the four sensors.
    ///
    /// # Errors
    /// The database's own.
    pub fn new(sensors: i64) -> Result<Collector> {
        static FIRST: OnceLock<Vec<u8>> = OnceLock::new();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let first = match FIRST.get() {
            Some(first) => first,
            None => {
                let made = runtime.block_on(first_database())?;
                FIRST.get_or_init(|| made)
            }
        };
        let folder = folder()?;
        std::fs::write(folder.path().join(DATABASE_FILE), first)?;
        let fate = Arc::new(Fate { commits_left: AtomicI64::new(NEVER), dead: AtomicBool::new(false) });
        let store = runtime.block_on(open(folder.path(), fate.clone()))?;
        let talks = BTreeMap::new();
        Ok(Collector { runtime, folder, store, sensors, fate, talks, backup: None, marks: 0 })
    }

    /// So many commits still succeed, and the next is its death; none = it lives.
    pub fn die_after(&self, commits: Option<i64>) {
        self.fate.commits_left.store(commits.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        self.fate.dead.load(Ordering::Relaxed)
    }

    /// Whose connection it is.
    pub fn sensor_of(&self, line: LineId) -> Option<i64> {
        self.talks.get(&line).map(|talk| talk.sensor)
    }

    /// It dies here and now, and starts again. Gives the connections that broke.
    ///
    /// # Errors
    /// The database's own.
    pub fn restart(&mut self) -> Result<Vec<LineId>> {
        self.fate.dead.store(true, Ordering::Relaxed);
        self.runtime.block_on(self.store.close());
        self.come_up()
    }

    fn come_up(&mut self) -> Result<Vec<LineId>> {
        self.die_after(None);
        self.fate.dead.store(false, Ordering::Relaxed);
        self.store = self.runtime.block_on(open(self.folder.path(), self.fate.clone()))?;
        Ok(std::mem::take(&mut self.talks).into_keys().collect())
    }

    /// Keeps a copy of the database as it is.
    ///
    /// # Errors
    /// The database's own.
    pub fn back_up(&mut self) -> Result<()> {
        let target = self.folder.path().join("backup");
        let _ = std::fs::remove_file(&target);
        let sql = format!("VACUUM INTO '{}'", target.display());
        self.runtime.block_on(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(self.store.readers()))?;
        self.backup = Some(std::fs::read(target)?);
        Ok(())
    }

    /// The machine is lost and the copy put in its place; none if there is no copy.
    ///
    /// # Errors
    /// The database's own.
    pub fn restore(&mut self) -> Result<Option<Vec<LineId>>> {
        let Some(backup) = self.backup.clone() else { return Ok(None) };
        self.fate.dead.store(true, Ordering::Relaxed);
        self.runtime.block_on(self.store.close());
        let database = self.folder.path().join(DATABASE_FILE);
        for beside in ["-wal", "-shm"] {
            let mut path = database.clone().into_os_string();
            path.push(beside);
            let _ = std::fs::remove_file(path);
        }
        std::fs::write(database, backup)?;
        self.come_up().map(Some)
    }

    /// Its disk has room for so many more pages, or for as many as it likes.
    ///
    /// # Errors
    /// The database's own.
    pub fn set_room(&self, pages: Option<i64>) -> Result<()> {
        self.runtime.block_on(async {
            let mut tx = self.store.begin().await?;
            let used: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *tx).await?;
            let most = pages.map_or(i64::from(u32::MAX >> 1), |pages| used + pages);
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {most}"))).execute(&mut *tx).await?;
            Ok(tx.rollback().await?)
        })
    }

    /// A sensor whose key was proved has connected.
    pub fn accept(&mut self, line: LineId, sensor: i64) {
        let session = Session::new([SiteId(0)], PROTOCOLS);
        let talk = Talk { sensor, session, opened: Vec::new(), greeted: false };
        self.talks.insert(line, talk);
    }

    /// A connection is over, and so is what it had under way.
    pub fn forget(&mut self, line: LineId) {
        self.talks.remove(&line);
    }

    /// Connections of a sensor.
    pub fn lines_of(&self, sensor: i64) -> Vec<LineId> {
        let talks = self.talks.iter().filter(|(_, talk)| talk.sensor == sensor);
        talks.map(|(line, _)| *line).collect()
    }

    /// Streams that it would read from now.
    pub fn reads(&self, line: LineId) -> &'static [Stream] {
        match self.talks.get(&line) {
            Some(talk) if talk.greeted => &[Stream::Control, Stream::Alerts],
            Some(_) => &[Stream::Control],
            None => &[],
        }
    }

    /// Takes the next frame of a stream, as the program does, and puts the answer on the line.
    ///
    /// # Errors
    /// What no program would do; never what a crash does.
    pub fn handle(
        &mut self,
        id: LineId,
        line: &mut Line,
        stream: Stream,
        now: Instant,
        wall: Timestamp,
    ) -> Result<Did> {
        let Some(frame) = line.up.stream(stream).pop_front() else { return Ok(Did::Nothing) };
        let Some(talk) = self.talks.get_mut(&id) else { return Ok(Did::Nothing) };
        let message = heard_by_collector(&frame)?;
        if !talk.opened.contains(&stream) {
            return match talk.session.handle_first(&message) {
                Ok(opened) if opened == stream => {
                    talk.opened.push(stream);
                    Ok(Did::Nothing)
                }
                Ok(opened) => bail!("{opened:?} opened as {stream:?}"),
                Err(why) => self.close(id, why),
            };
        }
        let action = match talk.session.handle_message(stream, message, now) {
            Ok(action) => action,
            Err(why) => return self.close(id, why),
        };
        let sensor = talk.sensor;
        let (did, answer) = match action {
            Action::Greet(said) => {
                self.marks += 1;
                let met = self.runtime.block_on(meet(&self.store, sensor, &said, Mark(self.marks), "quic", wall));
                match met {
                    Ok(Met::Stands { committed, mark: Some(mark) }) => {
                        if let Some(talk) = self.talks.get_mut(&id) {
                            talk.greeted = true;
                        }
                        let reconnect_spread_ms = reconnect_spread_ms(self.sensors.unsigned_abs());
                        let protocol = said.protocol;
                        let greeting = Greeting { protocol, committed, reconnect_spread_ms, clock: wall, mark };
                        (Did::Greeted { epoch: said.hello.epoch, committed }, ToAgent::Greeting(greeting))
                    }
                    Ok(Met::NewEpoch { committed }) => (Did::Renewed, ToAgent::NewEpoch { committed }),
                    Ok(Met::Quarantined) => return self.close(id, CloseReason::Quarantined),
                    Ok(other) => bail!("a sensor alone met {other:?}"),
                    Err(_) => return self.close(id, CloseReason::Unavailable),
                }
            }
            Action::Ingest(batch) => match self.ingest(sensor, &batch, wall)? {
                Ok(answered) => answered,
                Err(why) => return self.close(id, why),
            },
            _ => return Ok(Did::Nothing),
        };
        line.down.stream(stream).push_back(answer.to_frame()?);
        Ok(did)
    }

    fn ingest(
        &self,
        sensor: i64,
        batch: &Batch,
        wall: Timestamp,
    ) -> Result<std::result::Result<(Did, ToAgent), CloseReason>> {
        Ok(match self.runtime.block_on(ingest::handle_batch(&self.store, sensor, batch, wall)) {
            Ok(outcome) => Ok(match outcome.reply {
                IngestReply::Ack { epoch, seq } => (Did::Acknowledged { epoch, seq }, ToAgent::Ack { epoch, seq }),
                IngestReply::Gap { expected } => (Did::Missed, ToAgent::Gap { expected }),
            }),
            Err(IngestError::Store(_)) => Err(CloseReason::Unavailable),
            // The spool was begun anew while this batch of the old one was under way.
            Err(IngestError::Malformed(why)) if why.contains("another epoch") => Err(CloseReason::ProtocolError),
            Err(error) => bail!("a sound batch was refused: {error}"),
        })
    }

    fn close(&mut self, line: LineId, why: CloseReason) -> Result<Did> {
        self.talks.remove(&line);
        Ok(Did::Closed(why))
    }

    /// A person lets a sensor out of quarantine.
    ///
    /// # Errors
    /// The database's own.
    pub fn release(&self, sensor: i64) -> Result<()> {
        self.runtime.block_on(self.store.release_sensor(sensor)).map(drop).map_err(Into::into)
    }

    /// The spool it last heard of, and how far it has that.
    ///
    /// # Errors
    /// The database's own.
    pub fn position(&self, sensor: i64) -> Result<(Option<Epoch>, Seq)> {
        let sql = "SELECT epoch, committed_seq FROM sensor WHERE id = $1";
        let read = sqlx::query_as(sql).bind(sensor).fetch_one(self.store.readers());
        let (epoch, committed): (Option<String>, i64) = self.runtime.block_on(read)?;
        let epoch = epoch.map(|epoch| epoch.parse()).transpose().context("no epoch")?;
        Ok((epoch, Seq(u64::try_from(committed)?)))
    }

    /// Records of a spool after this number.
    ///
    /// # Errors
    /// The database's own.
    pub fn rows_after(&self, sensor: i64, epoch: Epoch, after: Seq) -> Result<Vec<(Seq, Vec<u8>)>> {
        let sql = "SELECT seq, octets FROM record WHERE sensor_id = $1 AND epoch = $2 AND seq > $3 ORDER BY seq";
        let read = sqlx::query_as(sql).bind(sensor).bind(epoch.to_string()).bind(i64::try_from(after.0)?);
        let rows: Vec<(i64, Vec<u8>)> = self.runtime.block_on(read.fetch_all(self.store.readers()))?;
        rows.into_iter().map(|(seq, octets)| Ok((Seq(u64::try_from(seq)?), octets))).collect()
    }

    /// Every record stored.
    ///
    /// # Errors
    /// The database's own, or one stored twice.
    pub fn rows(&self) -> Result<BTreeMap<Key, Vec<u8>>> {
        let read = sqlx::query_as("SELECT sensor_id, epoch, seq, octets FROM record");
        let rows: Vec<(i64, String, i64, Vec<u8>)> = self.runtime.block_on(read.fetch_all(self.store.readers()))?;
        let mut all = BTreeMap::new();
        for (sensor, epoch, seq, octets) in rows {
            let key = (sensor, epoch.parse().context("no epoch")?, Seq(u64::try_from(seq)?));
            if all.insert(key, octets).is_some() {
                bail!("{key:?} is stored twice");
            }
        }
        Ok(all)
    }

    /// What alerts count, and what is told of those that are not known.
    ///
    /// # Errors
    /// The database's own.
    pub fn counts(&self) -> Result<Counts> {
        let alerts = "SELECT sensor_id, epoch, seq, count, hosts FROM alert";
        let events = "SELECT sensor_id, epoch, seq, json_extract(body, '$.count'), NULL FROM sensor_event
                      WHERE json_extract(body, '$.event') = 'unknown_alert'";
        let without_alert = self.counts_by(events)?.into_iter().map(|(key, (count, _))| (key, count)).collect();
        Ok(Counts { alerts: self.counts_by(alerts)?, without_alert })
    }

    fn counts_by(&self, sql: &'static str) -> Result<BTreeMap<Key, (u64, Option<u64>)>> {
        let read = sqlx::query_as(sql);
        let rows: Vec<(i64, String, i64, i64, Option<i64>)> =
            self.runtime.block_on(read.fetch_all(self.store.readers()))?;
        let count = |(sensor, epoch, seq, count, hosts): (i64, String, i64, i64, Option<i64>)| {
            let key = (sensor, epoch.parse().context("no epoch")?, Seq(u64::try_from(seq)?));
            Ok((key, (u64::try_from(count)?, hosts.map(u64::try_from).transpose()?)))
        };
        rows.into_iter().map(count).collect()
    }
}
