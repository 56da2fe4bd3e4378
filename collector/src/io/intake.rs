//! A file of intelligence read in the background, batch by batch: it may be far larger than memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

use indicatif::ProgressBar;
use tokio::sync::mpsc;
use varde_common::trust::hex;

use super::extract;
use crate::intel::canonical::{Details, Found};
use crate::intel::format::{self, BadFile, Clue, Format, Item, Options, prose};
use crate::intel::import::Importer;
use crate::limits::{
    IMPORT_BATCH_ITEMS, IMPORT_BATCH_OCTETS, IMPORT_BATCHES_WAITING, IMPORT_HEAD_OCTETS, IMPORT_MAX_ENTRIES,
    IMPORT_MAX_OCTETS,
};

/// What is to be imported: opened, measured and hashed, and at its beginning.
#[derive(Debug)]
pub struct Intake {
    file: File,
    /// Octets.
    pub octets: u64,
    /// Over all of them, hex.
    pub sha256: String,
    /// Its first octets.
    pub head: Vec<u8>,
    entries_max: u64,
}

/// Why it cannot be.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The system's word.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Too much.
    #[error("it holds more than {IMPORT_MAX_OCTETS} bytes; split it")]
    TooLarge,
}

impl Intake {
    /// Opens a file.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn open(path: &Path) -> Result<Intake, NotTaken> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        }
        Intake::measure(file)
    }

    /// Takes in all of a stream, into a file without a name in `directory`: formats are read more than once.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn gather(stream: impl Read, directory: &Path) -> Result<Intake, NotTaken> {
        let mut file = tempfile::tempfile_in(directory)?;
        let gathered = io::copy(&mut stream.take(IMPORT_MAX_OCTETS + 1), &mut file)?;
        if gathered > IMPORT_MAX_OCTETS {
            return Err(NotTaken::TooLarge);
        }
        file.flush()?;
        file.seek(SeekFrom::Start(0))?;
        Intake::measure(file)
    }

    /// The same of a file without a name that holds all of it, whatever place it is at.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn of(mut file: File) -> Result<Intake, NotTaken> {
        file.seek(SeekFrom::Start(0))?;
        Intake::measure(file)
    }

    fn measure(mut file: File) -> Result<Intake, NotTaken> {
        use sha2::Digest;
        let mut hash = sha2::Sha256::new();
        let mut octets = 0;
        let mut head = Vec::new();
        let mut block = vec![0; 1 << 16];
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let read = block.get(..read).unwrap_or_default();
            hash.update(read);
            octets += read.len() as u64;
            if octets > IMPORT_MAX_OCTETS {
                return Err(NotTaken::TooLarge);
            }
            let room = IMPORT_HEAD_OCTETS.saturating_sub(head.len());
            head.extend_from_slice(read.get(..room).unwrap_or(read));
        }
        // A pipe cannot be read again: `gather` is for those.
        file.seek(SeekFrom::Start(0))?;
        Ok(Intake { file, octets, sha256: hex(&hash.finalize()), head, entries_max: IMPORT_MAX_ENTRIES })
    }

    /// The same, of which fewer entries are taken.
    #[cfg(test)]
    pub(crate) fn at_most(self, entries_max: u64) -> Intake {
        Intake { entries_max, ..self }
    }

    /// Reads all of a text, mail or PDF, as people are shown it before they import it.
    ///
    /// # Errors
    /// [`BadFile`].
    pub fn reading(self) -> Result<prose::Reading, BadFile> {
        prose::reading(&mut BufReader::new(self.file), &extract::document)
    }

    /// Reads it in the background; its entries come in batches, and at the end how it ended. Who no longer listens ends it.
    pub fn read(
        self,
        format: Format,
        options: Options,
        importer: Importer,
        progress: &ProgressBar,
    ) -> (mpsc::Receiver<Vec<Item>>, tokio::task::JoinHandle<Result<(), BadFile>>) {
        let entries_max = self.entries_max;
        let (sender, receiver) = mpsc::channel(IMPORT_BATCHES_WAITING);
        let mut input = BufReader::with_capacity(1 << 16, progress.wrap_read(self.file));
        let task = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::new();
            let (mut octets, mut entries) = (0, 0_u64);
            let mut take = |item| {
                entries += 1;
                if entries > entries_max {
                    return ControlFlow::Break(());
                }
                importer.take(item, &mut |item| {
                    octets += weight(&item);
                    batch.push(item);
                    if batch.len() < IMPORT_BATCH_ITEMS && octets < IMPORT_BATCH_OCTETS {
                        return ControlFlow::Continue(());
                    }
                    octets = 0;
                    match sender.blocking_send(std::mem::take(&mut batch)) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    }
                })
            };
            let read = if format == Format::Prose {
                prose::read(&mut input, &extract::document, &mut take)
            } else {
                format::read(format, &options, &mut input, &mut take)
            };
            // Nobody listening is no fault of the file's.
            let _ = sender.blocking_send(batch);
            match read {
                Ok(()) if entries > entries_max => {
                    Err(BadFile::Format(format!("it holds more than {entries_max} entries; split it")))
                }
                read => read,
            }
        });
        (receiver, task)
    }
}

/// About how many octets of memory an entry holds.
fn weight(item: &Item) -> usize {
    let own = size_of::<Item>();
    own + match item {
        Item::Found(_, found) | Item::Harmless(_, found) => {
            let Found { about, object, pattern: _ } = found.as_ref();
            let Details { techniques, tags, measures, note, url, of_url: _, cut: _, first_seen: _, last_seen: _ } =
                &about.details;
            let texts = [&object.text, &about.threat, note, url].into_iter().flatten().map(String::len).sum::<usize>();
            let lists = [techniques, tags, measures].into_iter().flatten();
            size_of::<Found>()
                + object.id.len()
                + texts
                + lists.map(|text| size_of::<String>() + text.len()).sum::<usize>()
        }
        Item::Clue(Clue { object_id, kind, value, tlp: _ }) => object_id.len() + kind.len() + value.len(),
        Item::Withdrawn(object) | Item::Silent(object) => object.object_id.len(),
        Item::LeftOut(left_out) | Item::PassedBy(left_out, _) => left_out.text.len() + left_out.why.len(),
        Item::PassedOver => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::About;

    fn importer() -> Importer {
        Importer::new(About::default(), Format::Plain, b"")
    }

    #[tokio::test]
    async fn f2_entries_are_handed_on_by_their_octets_too() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(14_000);
        let objects = (0..600).map(|n| {
            let pattern = format!("[domain-name:value = 'n{n}.example']");
            serde_json::json!({ "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{n}"),
                "pattern": pattern, "pattern_type": "stix", "description": long })
        });
        let bundle = serde_json::json!({ "type": "bundle", "objects": objects.collect::<Vec<_>>() });
        let intake = Intake::gather(bundle.to_string().as_bytes(), dir.path()).unwrap();
        let (mut items, task) = intake.read(Format::Stix, Options::default(), importer(), &ProgressBar::hidden());
        let (mut batches, mut all) = (0, 0);
        while let Some(batch) = items.recv().await {
            let octets = batch.iter().map(weight).sum::<usize>();
            assert!(octets < IMPORT_BATCH_OCTETS + 128 * 1024, "{octets}");
            batches += 1;
            all += batch.len();
        }
        task.await.unwrap().unwrap();
        assert!(all >= 600 && batches >= 2, "{all} in {batches}");
    }

    #[tokio::test]
    async fn f2_a_file_of_more_entries_than_are_taken_is_refused_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        for (lines, is_refused) in [(10, false), (11, true)] {
            let list = "evil.example\n".repeat(lines);
            let intake = Intake::gather(list.as_bytes(), dir.path()).unwrap().at_most(10);
            let (options, progress) = (Options::default(), ProgressBar::hidden());
            let (mut items, task) = intake.read(Format::Plain, options, importer(), &progress);
            while items.recv().await.is_some() {}
            let read = task.await.unwrap();
            assert_eq!(read.is_err(), is_refused, "{lines}");
            let why = read.err().map(|why| why.to_string()).unwrap_or_default();
            assert_eq!(why.contains("more than 10 entries"), is_refused, "{why}");
        }
    }

    #[tokio::test]
    async fn a_file_and_a_stream_are_read_the_same_in_batches() {
        let dir = tempfile::tempdir().unwrap();
        let list: String = (0..IMPORT_BATCH_ITEMS + 7).map(|n| format!("n{n}.example\n")).collect();
        let path = dir.path().join("list");
        std::fs::write(&path, &list).unwrap();
        let file = Intake::open(&path).unwrap();
        let stream = Intake::gather(list.as_bytes(), dir.path()).unwrap();
        assert_eq!((file.octets, &file.sha256, &file.head), (stream.octets, &stream.sha256, &stream.head));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "the stream's file has no name");
        for intake in [file, stream] {
            let (mut items, task) = intake.read(Format::Plain, Options::default(), importer(), &ProgressBar::hidden());
            let mut batches = Vec::new();
            while let Some(batch) = items.recv().await {
                batches.push(batch.len());
            }
            task.await.unwrap().unwrap();
            assert_eq!(batches, [IMPORT_BATCH_ITEMS, 7]);
        }
        assert!(matches!(Intake::open(dir.path()), Err(NotTaken::Io(_))));
    }
}
