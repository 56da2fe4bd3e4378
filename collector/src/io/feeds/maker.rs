//! Makes the files that are served to one level, from indicators that come one by one, and says in MISP's events what they have no more.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::runtime::Handle;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_common::trust::hex;

use super::{Piece, Span};
use crate::intel::outward::misp::Event;
use crate::intel::outward::plain::{self, Line};
use crate::intel::outward::served::{Gone, Had, Served, Versions};
use crate::intel::outward::{Entry, Once, Withdrawn, rpz};
use crate::limits::feed::{FEED_EVENT_ATTRIBUTES, FEED_EVENTS_MAX};
use crate::store::feed::{NotServed, Stamp};
use crate::store::{Scope, Store};

/// How often resolvers are to look for a newer zone, seconds.
const ZONE_REFRESH_S: u32 = 300;

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

/// What is made of what, for whom.
pub(super) struct Moment {
    pub stamp: Stamp,
    pub level: Tlp,
    pub now: Timestamp,
    /// Where what was served once is looked up.
    pub store: Store,
}

/// Makes everything for one level, from indicators that come by threat and number.
pub(super) struct Maker {
    directory: PathBuf,
    operator: String,
    moment: Moment,
    before: Arc<Versions>,
    gone: Gone,
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
    /// Begins.
    ///
    /// # Errors
    /// The system's own.
    pub(super) fn new(directory: &Path, operator: String, before: Arc<Versions>, moment: Moment) -> io::Result<Maker> {
        let sheet = || Sheet::new(directory);
        let file = || Ok::<_, io::Error>(BufWriter::new(tempfile::tempfile_in(directory)?));
        // The zone's head has its place before its serial is known.
        let mut zone = sheet()?;
        zone.file.write_all(rpz::head(0, ZONE_REFRESH_S).as_bytes())?;
        Ok(Maker {
            directory: directory.to_owned(),
            operator,
            gone: Gone::new(&before, moment.now),
            moment,
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

    /// One more indicator.
    ///
    /// # Errors
    /// The system's and the database's own.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), NotServed> {
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
    fn take_in_event(&mut self, entry: &Entry) -> Result<(), NotServed> {
        let is_full = self.shelf.filed.len() >= FEED_EVENTS_MAX;
        let (threat, part) = match is_full {
            false => (entry.threat.clone(), entry.id.div_euclid(FEED_EVENT_ATTRIBUTES)),
            true => (None, -1),
        };
        let stays = self.event.as_ref().is_some_and(|(of, which, event)| {
            *of == threat
                && *which == part
                && i64::try_from(event.live().len()).unwrap_or(i64::MAX) < FEED_EVENT_ATTRIBUTES
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
            event.take(entry, is_full);
        }
        Ok(())
    }

    /// The version of a piece: that of before where it says the same, else a higher one, `at_least` where it can be.
    fn version(&mut self, name: &str, content: [u8; 32], at_least: i64, event: Option<Had>) -> i64 {
        let version = match self.before.get(name) {
            Some(served) if served.content == content => served.version,
            Some(served) => at_least.max(served.version.saturating_add(1)),
            None => at_least,
        };
        self.versions.insert(name.to_owned(), Served { content, version, event });
        version
    }

    /// The event that was being gathered, with what it had before and has no more.
    fn file_event(&mut self) -> Result<(), NotServed> {
        let Some((_, _, mut event)) = self.event.take() else { return Ok(()) };
        let before = Arc::clone(&self.before);
        let had = before.get(event.uuid()).and_then(|served| served.event.as_ref());
        if event.live().is_empty() {
            // What MISP has no word for begins no event; one that had others before is among those that are empty.
            return Ok(());
        }
        let gone = had.map(|had| self.gone.of(had, event.live())).unwrap_or_default();
        for withdrawn in self.withdrawn(&gone)? {
            event.withdraw(&withdrawn, self.moment.level);
        }
        let info = event.info().to_owned();
        self.put(event, info, gone)
    }

    /// Events in which nothing stands that had something once; of those beyond the limit the ones that changed last.
    fn file_emptied(&mut self) -> Result<(), NotServed> {
        let before = Arc::clone(&self.before);
        let is_left = |name: &&String| !self.versions.contains_key(*name);
        let left: Vec<&String> = before.keys().filter(is_left).collect();
        let mut emptied = Vec::new();
        for name in left {
            let Some(had) = before.get(name).and_then(|served| served.event.as_ref()) else { continue };
            let gone = self.gone.of(had, &[]);
            let last = gone.iter().map(|(_, since)| *since).max();
            emptied.extend(last.map(|last| (std::cmp::Reverse(last), name, had, gone)));
        }
        emptied.sort_unstable_by_key(|(last, name, _, _)| (*last, *name));
        for (_, _, _, gone) in emptied.iter().skip(FEED_EVENTS_MAX) {
            self.gone.let_go += gone.len();
        }
        for (_, name, had, gone) in emptied.into_iter().take(FEED_EVENTS_MAX) {
            let withdrawn = self.withdrawn(&gone)?;
            let event = Event::emptied(name, &had.info, &withdrawn, self.moment.level);
            self.put(event, had.info.clone(), gone)?;
        }
        if self.gone.let_go > 0 {
            tracing::warn!(
                "MISP feed up to {}: {} indicators that were served once are no longer said to be gone, for want of room; servers that have not read the feed since may keep them",
                self.moment.level,
                self.gone.let_go
            );
        }
        Ok(())
    }

    fn withdrawn(&self, gone: &[(i64, Timestamp)]) -> Result<Vec<Withdrawn>, NotServed> {
        let ids: Vec<i64> = gone.iter().map(|(id, _)| *id).collect();
        match ids.is_empty() {
            true => Ok(Vec::new()),
            // This is no thread of the runtime's.
            false => Ok(Handle::current().block_on(self.moment.store.feed_withdrawn(Scope::Operator, &ids))?),
        }
    }

    fn put(&mut self, event: Event, info: String, gone: Vec<(i64, Timestamp)>) -> Result<(), NotServed> {
        let mut live = event.live().to_vec();
        live.sort_unstable();
        let had = Had { info, live, gone };
        let name = event.uuid().to_owned();
        let seconds = self.moment.now.0.div_euclid(1_000_000);
        let version = self.version(&name, event.content(), seconds, Some(had));
        let written = event.write(&self.operator, version).map_err(io::Error::from)?;
        let comma = if self.shelf.filed.is_empty() { "" } else { "," };
        self.manifest.push_str(&format!("{comma}\n\"{}\":{}", written.uuid, written.line));
        self.hashes.write(&written.hashes)?;
        Ok(self.shelf.put(format!("misp/{}.json", written.uuid), &written.body)?)
    }

    /// Every file by its name, and what is to be remembered of them.
    ///
    /// # Errors
    /// The system's and the database's own.
    pub(super) fn finish(mut self) -> Result<(HashMap<String, Piece>, Versions), NotServed> {
        self.file_event()?;
        self.file_emptied()?;
        self.manifest.push_str("\n}\n");
        let manifest = std::mem::take(&mut self.manifest);
        self.shelf.put("misp/manifest.json".to_owned(), manifest.as_bytes())?;
        // A serial is 32 bits (RFC 1035) and compared in a circle of them (RFC 1982).
        let content = *self.zone.hash.finalize().as_bytes();
        let serial = self.version("rpz.zone", content, self.moment.stamp.revision, None).rem_euclid(1 << 32);
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
