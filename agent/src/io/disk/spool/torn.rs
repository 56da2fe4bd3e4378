//! What could not be read as records comes to an end: torn tails, and what lies in `quarantine/`, are kept for a person to look at,
//! and not for ever, since they may hold what tells of people.

use std::path::PathBuf;

use super::super::{DiskError, failed};
use super::Spool;
use crate::limits::SPOOL_TORN_KEEP_S;

const QUARANTINE: &str = "quarantine";

impl Spool {
    /// Removes what has lain here for longer than is said of it, by the clock of the spool's own. Only files: a directory was never
    /// made by us.
    pub(super) fn end_torn(&mut self) -> Result<(), DiskError> {
        if !self.ages.poll_hourly() {
            return Ok(());
        }
        let mut there = Vec::new();
        for entry in self.volume.entries(&self.directory).map_err(failed("read", &self.directory))? {
            if entry.is_file && entry.name.ends_with(".torn") {
                there.push(entry.name);
            }
        }
        let room = self.directory.join(QUARANTINE);
        if self.volume.exists(&room) {
            for entry in self.volume.entries(&room).map_err(failed("read", &room))? {
                // A name of two lines would be two in the file of ages.
                if entry.is_file && !entry.name.contains('\n') {
                    there.push(format!("{QUARANTINE}/{}", entry.name));
                }
            }
        }
        let over = self.ages.handle_torn(there, SPOOL_TORN_KEEP_S);
        for name in &over {
            let path: PathBuf = self.directory.join(name);
            // One whose name is no UTF-8 is found by another.
            if self.volume.exists(&path) {
                tracing::warn!(file = %path.display(), "spool: the time of what could not be read is over; removed");
                self.remove(&path)?;
            }
        }
        if over.iter().any(|name| name.contains('/')) {
            self.volume.sync_directory(&room).map_err(failed("fsync the directory", &room))?;
        }
        if over.is_empty() { Ok(()) } else { self.sync_directory() }
    }
}
