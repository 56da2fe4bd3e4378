//! What could not be read as records comes to an end: torn tails, and what lies in `quarantine/`, are kept for a person to look at,
//! and not for ever, since they may hold what tells of people. Of each the collector is told before it is gone.

use varde_common::record::SensorEvent;

use super::super::{DiskError, failed};
use super::Spool;
use super::ended::{QUARANTINE, file_of_another, unread};
use crate::limits::{ENDED_FILES_MAX, SPOOL_TORN_KEEP_S};

impl Spool {
    /// Finds what has lain here for longer than is said of it, by the clock of the spool's own. Only files: a directory was never
    /// made by us.
    pub(super) fn find_torn(&mut self) -> Result<(), DiskError> {
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
        self.torn_over = self.ages.handle_torn(there, SPOOL_TORN_KEEP_S);
        // The rest of very many follows in an hour.
        self.torn_over.truncate(ENDED_FILES_MAX);
        Ok(())
    }

    /// What is to be told of those that were found; they stay until [`Spool::end_torn`].
    pub fn ended_torn(&self) -> Vec<SensorEvent> {
        let told = |name: &String| {
            let path = self.directory.join(name);
            // One whose name is no UTF-8 is found by another.
            let octets = self.volume.entry(&path).ok()?.octets;
            // What was of this lifetime is told already, as a hole in its numbers.
            let another = file_of_another(self.volume.as_ref(), &path, self.epoch, true).ok().flatten();
            Some(another.unwrap_or_else(|| unread(&format!("{}/{name}", self.epoch), octets)))
        };
        self.torn_over.iter().filter_map(told).collect()
    }

    /// Removes those that were found, where what is to be told of them is on disk; else they wait for the next hour.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn end_torn(&mut self, is_told: bool) -> Result<(), DiskError> {
        let over = std::mem::take(&mut self.torn_over);
        if !is_told || over.is_empty() {
            return Ok(());
        }
        for name in &over {
            let path = self.directory.join(name);
            if self.volume.exists(&path) {
                tracing::warn!(file = %path.display(), "spool: the time of what could not be read is over; removed");
                self.remove(&path)?;
            }
        }
        if over.iter().any(|name| name.contains('/')) {
            let room = self.directory.join(QUARANTINE);
            self.volume.sync_directory(&room).map_err(failed("fsync the directory", &room))?;
        }
        self.sync_directory()
    }
}
