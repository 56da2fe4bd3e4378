//! What the files of a spool hold in each place, read past the program: records, and notes that a record is lost.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use varde_agent::spool::{FileKind, FileName, Loss, SEGMENT_HEADER_OCTETS, read_marker, read_record, scan};
use varde_common::id::{Epoch, Seq};
use varde_common::record::{LossReason, Record, RecordBody};

/// Places by the spool's lifetime and the number in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// As the spool holds them.
    pub records: BTreeMap<(Epoch, Seq), Vec<u8>>,
    /// Given up, with the note of it.
    pub lost: BTreeMap<(Epoch, Seq), LossReason>,
}

/// The range that a record says is lost; none if it says anything else.
pub fn told_lost(octets: &[u8]) -> Option<(Seq, Seq, LossReason)> {
    match Record::from_octets(octets).ok()?.body {
        RecordBody::Loss { from, to, reason } | RecordBody::GivenUp { from, to, reason, counts: _ } => {
            Some((from, to, reason))
        }
        _ => None,
    }
}

impl Places {
    /// One more file; any that is neither a segment nor a note of loss tells nothing.
    pub fn read(&mut self, path: &Path, octets: &[u8]) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(name) = FileName::read(&name) else { return };
        match name.kind {
            FileKind::Loss => {
                if let Some((epoch, loss)) = Loss::from_octets(octets) {
                    self.lose(epoch, loss.from, loss.to, loss.reason);
                }
            }
            FileKind::Segment => self.read_segment(octets),
        }
    }

    fn read_segment(&mut self, octets: &[u8]) {
        let Some(found) = scan(octets) else { return };
        let mut rest = octets.get(SEGMENT_HEADER_OCTETS..found.good_octets).unwrap_or_default();
        let mut seq = found.first;
        while let Ok((payload, behind)) = read_record(rest, seq) {
            match read_marker(payload) {
                Some((reason, _)) => self.lose(found.epoch, seq, seq, reason),
                None => {
                    self.records.insert((found.epoch, seq), payload.to_vec());
                }
            }
            (rest, seq) = (behind, seq.next());
        }
    }

    fn lose(&mut self, epoch: Epoch, from: Seq, to: Seq, reason: LossReason) {
        self.lost.extend((from.0..=to.0).map(|seq| ((epoch, Seq(seq)), reason)));
    }

    /// Whether a place holds anything, a record or the note of its loss.
    pub fn holds(&self, epoch: Epoch, seq: Seq) -> bool {
        self.records.contains_key(&(epoch, seq)) || self.lost.contains_key(&(epoch, seq))
    }

    /// These and those.
    #[must_use]
    pub fn with(mut self, those: &Places) -> Places {
        self.records.extend(those.records.iter().map(|(place, octets)| (*place, octets.clone())));
        self.lost.extend(&those.lost);
        self
    }

    /// Everything in a directory and those below it.
    ///
    /// # Errors
    /// The file system's own.
    pub fn read_directory(&mut self, directory: &Path) -> Result<()> {
        let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                self.read_directory(&path)?;
            } else {
                match std::fs::read(&path) {
                    Ok(octets) => self.read(&path, &octets),
                    // A living agent writes a file under another name first, and removes segments.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error).with_context(|| path.display().to_string()),
                }
            }
        }
        Ok(())
    }
}
