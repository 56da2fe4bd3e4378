//! What is served to readers: made once for each level when something has changed, kept in files without a name, read from there piece
//! by piece.
//!
//! However large the list, what is in memory while feeds are made is a batch of indicators, one MISP event, a hash a value, and the
//! numbers of what is listed; afterwards it is a line an event.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{Mutex, mpsc, watch};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_common::trust::hex;

use super::clock;
use crate::intel::outward::misp::Event;
use crate::intel::outward::plain::{self, Line};
use crate::intel::outward::{Entry, Once, rpz};
use crate::limits::feed::{
    FEED_EVENT_ATTRIBUTES, FEED_EVENTS_MAX, FEED_MADE_AGAIN_AFTER, FEED_MADE_AGAIN_SHARE, FEED_OLD_AFTER,
    FEED_TURNS_WITHIN,
};
use crate::store::feed::{NotServed, Stamp, Versions};
use crate::store::setting::OPERATOR_NAME;
use crate::store::{Scope, Store};

/// How often resolvers are to look for a newer zone, seconds.
const ZONE_REFRESH_S: u32 = 300;
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
}

impl Feeds {
    /// Nothing is made until somebody asks; files without a name are made in `data`.
    pub fn new(data: &Path, store: Store) -> Arc<Feeds> {
        Arc::new(Feeds { data: data.to_owned(), store, levels: Default::default() })
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
        let operator = self.store.setting(Scope::Operator, OPERATOR_NAME).await?.unwrap_or_else(|| "Varde".to_owned());
        let before = self.store.feed_versions(Scope::Operator, level).await?;
        let (send, mut entries) = mpsc::channel::<Vec<Entry>>(BATCHES_WAITING);
        let (data, known) = (self.data.clone(), before.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let mut maker = Maker::new(&data, operator, known, stamp, now)?;
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

/// A file being written, hashed on the way.
struct Sheet {
    file: BufWriter<File>,
    hash: blake3::Hasher,
}

impl Sheet {
    fn new(directory: &Path) -> io::Result<Sheet> {
        Ok(Sheet { file: BufWriter::new(tempfile::tempfile_in(directory)?), hash: blake3::Hasher::new() })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.hash.update(text.as_bytes());
        self.file.write_all(text.as_bytes())
    }

    /// The whole of it as it is and packed.
    fn finish(self, directory: &Path, media_type: &'static str) -> io::Result<Piece> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut packer = GzEncoder::new(BufWriter::new(tempfile::tempfile_in(directory)?), Compression::fast());
        let mut source = BufReader::with_capacity(1 << 16, &file);
        source.seek(SeekFrom::Start(0))?;
        let mut octets = 0;
        let mut hash = blake3::Hasher::new();
        let mut block = vec![0; 1 << 16];
        loop {
            let read = source.read(&mut block)?;
            let read = block.get(..read).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            hash.update(read);
            packer.write_all(read)?;
            octets += read.len() as u64;
        }
        let packed = packer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        let packed_octets = packed.metadata()?.len();
        Ok(Piece {
            plain: Span { file: Arc::new(file), from: 0, octets },
            packed: Span { file: Arc::new(packed), from: 0, octets: packed_octets },
            etag: etag(&hash),
            media_type,
        })
    }
}

fn etag(hash: &blake3::Hasher) -> String {
    format!("\"{}\"", hex(hash.finalize().as_bytes().get(..16).unwrap_or_default()))
}

/// Events, one behind the other in two files.
struct Shelf {
    plain: BufWriter<File>,
    packed: BufWriter<File>,
    at: (u64, u64),
    filed: Vec<Filed>,
}

/// Where an event lies in either file.
struct Filed {
    name: String,
    at: (u64, u64),
    octets: (u64, u64),
    etag: String,
}

impl Shelf {
    fn put(&mut self, name: String, body: &[u8]) -> io::Result<()> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(body)?;
        let packed = packer.finish()?;
        self.plain.write_all(body)?;
        self.packed.write_all(&packed)?;
        let octets = (body.len() as u64, packed.len() as u64);
        let mut hash = blake3::Hasher::new();
        hash.update(body);
        self.filed.push(Filed { name, at: self.at, octets, etag: etag(&hash) });
        self.at = (self.at.0 + octets.0, self.at.1 + octets.1);
        Ok(())
    }
}

/// Makes everything for one level, from indicators that come by threat and number.
struct Maker {
    directory: PathBuf,
    operator: String,
    stamp: Stamp,
    now: Timestamp,
    before: Versions,
    versions: Versions,
    all: Sheet,
    names: Sheet,
    addresses: Sheet,
    zone: Sheet,
    hashes: Sheet,
    lines_once: Once,
    zone_once: Once,
    event: Option<(Option<String>, i64, Event)>,
    shelf: Shelf,
    manifest: String,
    further: i64,
}

impl Maker {
    fn new(directory: &Path, operator: String, before: Versions, stamp: Stamp, now: Timestamp) -> io::Result<Maker> {
        let sheet = || Sheet::new(directory);
        let file = || Ok::<_, io::Error>(BufWriter::new(tempfile::tempfile_in(directory)?));
        // The zone's head has its place before its serial is known.
        let mut zone = sheet()?;
        zone.file.write_all(rpz::head(0, ZONE_REFRESH_S).as_bytes())?;
        Ok(Maker {
            directory: directory.to_owned(),
            operator,
            stamp,
            now,
            before,
            versions: Versions::new(),
            all: sheet()?,
            names: sheet()?,
            addresses: sheet()?,
            zone,
            hashes: sheet()?,
            lines_once: Once::default(),
            zone_once: Once::default(),
            event: None,
            shelf: Shelf { plain: file()?, packed: file()?, at: (0, 0), filed: Vec::new() },
            manifest: String::from("{"),
            further: 0,
        })
    }

    fn take(&mut self, entry: &Entry) -> io::Result<()> {
        match plain::line(entry) {
            Some(Line::Name(text)) if self.lines_once.is_first(&text) => {
                let line = format!("{text}\n");
                self.names.write(&line)?;
                self.all.write(&line)?;
            }
            Some(Line::Address(text)) if self.lines_once.is_first(&text) => {
                let line = format!("{text}\n");
                self.addresses.write(&line)?;
                self.all.write(&line)?;
            }
            Some(Line::Name(_) | Line::Address(_)) | None => {}
        }
        for record in rpz::records(entry).unwrap_or_default() {
            if self.zone_once.is_first(&record) {
                self.zone.write(&record)?;
            }
        }
        self.take_in_event(entry)
    }

    /// Into the event of its threat; of one threat so many numbers go into one, so that an event stays what it is while others come.
    fn take_in_event(&mut self, entry: &Entry) -> io::Result<()> {
        let is_full = self.shelf.filed.len() >= FEED_EVENTS_MAX;
        let (threat, part) = match is_full {
            false => (entry.threat.clone(), entry.id.div_euclid(FEED_EVENT_ATTRIBUTES)),
            true => (None, -1),
        };
        let stays = self.event.as_ref().is_some_and(|(of, which, event)| {
            *of == threat && *which == part && i64::try_from(event.len()).unwrap_or(i64::MAX) < FEED_EVENT_ATTRIBUTES
        });
        if !stays {
            self.file_event()?;
            let name = if is_full {
                self.further += 1;
                format!("further {}", self.further)
            } else {
                part.to_string()
            };
            self.event = Some((threat.clone(), part, Event::new(&self.operator, threat.as_deref(), &name)));
        }
        if let Some((_, _, event)) = &mut self.event {
            event.take(&self.operator, entry, is_full);
        }
        Ok(())
    }

    /// The version of a piece: that of before where it says the same, else a higher one, `at_least` where it can be.
    fn version(&mut self, name: &str, content: [u8; 32], at_least: i64) -> i64 {
        let version = match self.before.get(name) {
            Some((same, version)) if *same == content => *version,
            Some((_, version)) => at_least.max(version.saturating_add(1)),
            None => at_least,
        };
        self.versions.insert(name.to_owned(), (content, version));
        version
    }

    fn file_event(&mut self) -> io::Result<()> {
        let Some((_, _, event)) = self.event.take() else { return Ok(()) };
        if event.is_empty() {
            return Ok(());
        }
        let name = event.uuid().to_owned();
        let version = self.version(&name, event.content(), self.now.0.div_euclid(1_000_000));
        let written = event.write(&self.operator, version)?;
        let comma = if self.shelf.filed.is_empty() { "" } else { "," };
        self.manifest.push_str(&format!("{comma}\n\"{}\":{}", written.uuid, written.line));
        self.hashes.write(&written.hashes)?;
        self.shelf.put(format!("misp/{}.json", written.uuid), &written.body)
    }

    fn finish(mut self) -> Result<(HashMap<String, Piece>, Versions), NotServed> {
        self.file_event()?;
        self.manifest.push_str("\n}\n");
        let manifest = std::mem::take(&mut self.manifest);
        self.shelf.put("misp/manifest.json".to_owned(), manifest.as_bytes())?;
        // A serial is 32 bits (RFC 1035) and compared in a circle of them (RFC 1982).
        let content = *self.zone.hash.finalize().as_bytes();
        let serial = self.version("rpz.zone", content, self.stamp.revision).rem_euclid(1 << 32);
        self.zone.file.flush()?;
        self.zone.file.get_ref().write_all_at(rpz::head(serial, ZONE_REFRESH_S).as_bytes(), 0)?;
        let Maker { directory, versions, all, names, addresses, zone, hashes, shelf, .. } = self;
        let (text, csv, json) = ("text/plain; charset=utf-8", "text/csv; charset=utf-8", "application/json");
        let mut pieces = HashMap::with_capacity(shelf.filed.len() + 5);
        for (name, sheet, media_type) in [
            ("plain.txt", all, text),
            ("domains.txt", names, text),
            ("ips.txt", addresses, text),
            ("rpz.zone", zone, text),
            ("misp/hashes.csv", hashes, csv),
        ] {
            pieces.insert(name.to_owned(), sheet.finish(&directory, media_type)?);
        }
        let file = |writer: BufWriter<File>| writer.into_inner().map(Arc::new).map_err(io::IntoInnerError::into_error);
        let (plain, packed) = (file(shelf.plain)?, file(shelf.packed)?);
        for Filed { name, at, octets, etag } in shelf.filed {
            let plain = Span { file: Arc::clone(&plain), from: at.0, octets: octets.0 };
            let packed = Span { file: Arc::clone(&packed), from: at.1, octets: octets.1 };
            pieces.insert(name, Piece { plain, packed, etag, media_type: json });
        }
        Ok((pieces, versions))
    }
}

#[cfg(test)]
mod tests;
