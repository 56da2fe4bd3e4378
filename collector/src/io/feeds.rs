//! What is served to readers: made once for each level when something has changed, kept in files without a name, read from there piece
//! by piece.
//!
//! However large the list, what is in memory while feeds are made is a batch of indicators, one MISP event, a hash a value, and the
//! numbers of what is listed, was served before and is gone; afterwards it is a line an event.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, watch};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use self::maker::{Maker, Moment};
use super::clock;
use crate::intel::outward::Entry;
use crate::limits::feed::{FEED_MADE_AGAIN_AFTER, FEED_MADE_AGAIN_SHARE, FEED_OLD_AFTER, FEED_TURNS_WITHIN};
use crate::store::feed::{NotServed, Stamp};
use crate::store::setting::OPERATOR_NAME;
use crate::store::{Scope, Store};

/// Batches made ready before the ones before them are written.
const BATCHES_WAITING: usize = 2;

/// A place in a file.
#[derive(Debug, Clone)]
pub struct Span {
    file: Arc<File>,
    from: u64,
    /// Octets.
    pub octets: u64,
}

impl Span {
    /// Octets from this place in it, as many as there is room for; none at its end.
    ///
    /// # Errors
    /// The system's own.
    pub fn read_at(&self, at: u64, room: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.octets.saturating_sub(at)).unwrap_or(usize::MAX);
        let room = room.get_mut(..left.min(room.len())).unwrap_or_default();
        if room.is_empty() { Ok(0) } else { self.file.read_at(room, self.from.saturating_add(at)) }
    }
}

/// One file that is served.
#[derive(Debug, Clone)]
pub struct Piece {
    /// As it is.
    pub plain: Span,
    /// Through gzip.
    pub packed: Span,
    /// What tells its content from another, in quotation marks.
    pub etag: String,
    /// What it is.
    pub media_type: &'static str,
}

/// Everything that is served to one level, of one moment.
#[derive(Debug)]
pub struct Snapshot {
    stamp: Stamp,
    pieces: HashMap<String, Piece>,
    /// When something in it turns.
    turns: Option<Timestamp>,
    made_at: Timestamp,
    made: Instant,
    took: Duration,
}

impl Snapshot {
    /// A file by its path below `/feed/`.
    pub fn piece(&self, name: &str) -> Option<&Piece> {
        self.pieces.get(name)
    }

    /// Whether it says what would be said now, or is so new that it is served all the same.
    fn is_good(&self, stamp: Stamp, now: Timestamp, monotonic: Instant) -> bool {
        let age = monotonic.saturating_duration_since(self.made);
        if age < FEED_MADE_AGAIN_AFTER.max(self.took.saturating_mul(FEED_MADE_AGAIN_SHARE)) {
            return true;
        }
        let has_turned = age >= FEED_TURNS_WITHIN && self.turns.is_some_and(|turns| turns <= now);
        let clock_went_back = now < self.made_at;
        self.stamp == stamp && !has_turned && !clock_went_back && age < FEED_OLD_AFTER
    }
}

/// What making a level's files came to; none while they are made.
type Made = Option<Result<Arc<Snapshot>, Arc<NotServed>>>;

/// One level.
#[derive(Debug, Default)]
struct Place {
    kept: Option<Arc<Snapshot>>,
    /// Where it is heard of that what is being made is there.
    making: Option<watch::Receiver<Made>>,
}

/// All levels.
#[derive(Debug)]
pub struct Feeds {
    data: PathBuf,
    store: Store,
    levels: [Mutex<Place>; 4],
    /// One level is made at a time: it reads over two connections, and pages need some too.
    turn: Mutex<()>,
}

impl Feeds {
    /// Nothing is made until somebody asks; files without a name are made in `data`.
    pub fn new(data: &Path, store: Store) -> Arc<Feeds> {
        Arc::new(Feeds { data: data.to_owned(), store, levels: Default::default(), turn: Mutex::default() })
    }

    /// What is served to a level now. Who asks while it is made waits for it; it is made to its end even where nobody waits any more, or
    /// what takes longer to make than readers wait would never be there.
    ///
    /// # Errors
    /// [`NotServed`]; what was served before is not served any longer then.
    pub async fn of(self: &Arc<Feeds>, level: Tlp) -> Result<Arc<Snapshot>, Arc<NotServed>> {
        let mut made = {
            let mut place = self.place(level)?.lock().await;
            // A channel that is closed while it is being made is one whose maker came to grief.
            match place.making.as_ref().filter(|making| making.has_changed().is_ok()) {
                Some(making) => making.clone(),
                None => {
                    let stamp = self.store.feed_stamp(Scope::Operator).await.map_err(NotServed::from)?;
                    let (now, monotonic) = (clock::now(), clock::monotonic());
                    if let Some(good) = place.kept.as_ref().filter(|kept| kept.is_good(stamp, now, monotonic)) {
                        return Ok(Arc::clone(good));
                    }
                    // What cannot be made anew is not served as it was: it may hold what nobody is to have any more.
                    place.kept = None;
                    let (send, made) = watch::channel(None);
                    place.making = Some(made.clone());
                    tokio::spawn(Arc::clone(self).make_and_keep(level, stamp, send));
                    made
                }
            }
        };
        let made = made.wait_for(Option::is_some).await.map_err(|_| NotServed::Stopped)?;
        made.as_ref().cloned().unwrap_or_else(|| Err(Arc::new(NotServed::Stopped)))
    }

    fn place(&self, level: Tlp) -> Result<&Mutex<Place>, NotServed> {
        self.levels.get(usize::from(level.level())).ok_or(NotServed::Stopped)
    }

    async fn make_and_keep(self: Arc<Feeds>, level: Tlp, stamp: Stamp, send: watch::Sender<Made>) {
        let fresh = self.make(level, stamp, clock::now(), clock::monotonic()).await.map(Arc::new).map_err(Arc::new);
        if let Ok(place) = self.place(level) {
            let mut place = place.lock().await;
            place.kept = fresh.as_ref().ok().cloned();
            place.making = None;
        }
        let _ = send.send(Some(fresh));
    }

    async fn make(&self, level: Tlp, stamp: Stamp, now: Timestamp, began: Instant) -> Result<Snapshot, NotServed> {
        let _turn = self.turn.lock().await;
        let operator = self.store.setting(Scope::Operator, OPERATOR_NAME).await?.unwrap_or_else(|| "Varde".to_owned());
        let before = Arc::new(self.store.feed_versions(Scope::Operator, level).await?);
        let (send, mut entries) = mpsc::channel::<Vec<Entry>>(BATCHES_WAITING);
        let (data, known, store) = (self.data.clone(), Arc::clone(&before), self.store.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let mut maker = Maker::new(&data, operator, known, Moment { stamp, level, now, store })?;
            while let Some(batch) = entries.blocking_recv() {
                for entry in &batch {
                    maker.take(entry)?;
                }
            }
            maker.finish()
        });
        let read = self.store.feed_entries(Scope::Operator, level, false, now, send).await;
        let written = writing.await.map_err(|_| NotServed::Stopped)?;
        let turns = read?;
        let (pieces, versions) = written?;
        self.store.keep_feed_versions(level, &before, &versions).await?;
        let took = clock::monotonic().saturating_duration_since(began);
        tracing::debug!("feeds up to {level} made in {} ms", took.as_millis());
        Ok(Snapshot { stamp, pieces, turns, made_at: now, made: clock::monotonic(), took })
    }
}

mod maker;
#[cfg(test)]
mod tests;
