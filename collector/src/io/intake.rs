//! A file of intelligence read in the background, batch by batch: it may be far larger than memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

use indicatif::ProgressBar;
use tokio::sync::mpsc;
use varde_common::trust::hex;

use crate::intel::format::{self, BadFile, Format, Item, Options};
use crate::intel::import::Importer;
use crate::limits::{
    IMPORT_BATCH_ITEMS, IMPORT_BATCH_OCTETS, IMPORT_BATCHES_WAITING, IMPORT_HEAD_OCTETS, IMPORT_MAX_OCTETS,
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
        Ok(Intake { file, octets, sha256: hex(&hash.finalize()), head })
    }

    /// Reads it in the background; its entries come in batches, and at the end how it ended. Who no longer listens ends it.
    pub fn read(
        self,
        format: Format,
        options: Options,
        importer: Importer,
        progress: &ProgressBar,
    ) -> (mpsc::Receiver<Vec<Item>>, tokio::task::JoinHandle<Result<(), BadFile>>) {
        let (sender, receiver) = mpsc::channel(IMPORT_BATCHES_WAITING);
        let mut input = BufReader::with_capacity(1 << 16, progress.wrap_read(self.file));
        let task = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(IMPORT_BATCH_ITEMS);
            let mut octets = 0;
            let read = format::read(format, &options, &mut input, &mut |item| {
                let item = importer.take(item);
                octets += item.octets();
                batch.push(item);
                if batch.len() < IMPORT_BATCH_ITEMS && octets < IMPORT_BATCH_OCTETS {
                    return ControlFlow::Continue(());
                }
                octets = 0;
                let full = std::mem::replace(&mut batch, Vec::with_capacity(IMPORT_BATCH_ITEMS));
                match sender.blocking_send(full) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            });
            // Nobody listening is no fault of the file's.
            let _ = sender.blocking_send(batch);
            read
        });
        (receiver, task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::About;

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
            let (mut items, task) =
                intake.read(Format::Plain, Options::default(), Importer::new(About::default()), &ProgressBar::hidden());
            let mut batches = Vec::new();
            while let Some(batch) = items.recv().await {
                batches.push(batch.len());
            }
            task.await.unwrap().unwrap();
            assert_eq!(batches, [IMPORT_BATCH_ITEMS, 7]);
        }
        assert!(matches!(Intake::open(dir.path()), Err(NotTaken::Io(_))));
    }

    #[tokio::test]
    async fn f1_a_batch_of_large_objects_is_short() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("event.json");
        let comment = "x".repeat(15_000);
        let attribute = |number: u32| {
            let (kind, value) = ("domain", format!("n{number}.example"));
            format!(r#"{{"uuid":"{number}","type":"{kind}","value":"{value}","to_ids":1,"comment":"{comment}"}}"#)
        };
        let attributes: Vec<String> = (0..700).map(attribute).collect();
        std::fs::write(&path, format!(r#"{{"Event":{{"Attribute":[{}]}}}}"#, attributes.join(","))).unwrap();
        let intake = Intake::open(&path).unwrap();
        let (mut items, task) =
            intake.read(Format::Misp, Options::default(), Importer::new(About::default()), &ProgressBar::hidden());
        let mut read = 0;
        while let Some(batch) = items.recv().await {
            read += batch.len();
            let octets: usize = batch.iter().map(Item::octets).sum();
            assert!(octets < IMPORT_BATCH_OCTETS + 32 * 1024, "{octets}");
        }
        task.await.unwrap().unwrap();
        assert_eq!(read, 700);
    }
}
