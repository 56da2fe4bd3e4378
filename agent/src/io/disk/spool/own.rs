//! From which numbers on a spool has records of its own although a plan may have promised those to another's: the file `own`, for plans
//! in directories that nobody could enter, where nothing could be said in the plan's own name.
//!
//! `EPOCH NEXT NEXT …` with a checksum (`sealed.rs`): the next number at each start at which such a directory was there, the last few of
//! them. What a plan promised
//! before such a number, and none before that, is what was taken over.

use std::path::Path;

use varde_common::id::{Epoch, Seq};

use super::super::volume::Volume;
use super::super::{DiskError, read_at_most_on, sealed, write_whole_on};
use super::Spool;
use crate::limits::ADOPTED_PIECES_MAX;

pub(super) const OWN_FILE: &str = "own";
const OWN_MAX_OCTETS: u64 = 4_096;

fn read(volume: &dyn Volume, directory: &Path, epoch: Epoch) -> Vec<Seq> {
    let read = || {
        let octets = read_at_most_on(volume, &directory.join(OWN_FILE), OWN_MAX_OCTETS).ok()?;
        let mut words = sealed::said_in(&octets)?.split(' ');
        if words.next()?.parse() != Ok(epoch) {
            return None;
        }
        words.map(|word| word.parse().ok().map(Seq)).collect::<Option<Vec<Seq>>>()
    };
    read().unwrap_or_default()
}

/// The first number behind this one of what is the spool's own in this directory, where a plan begins with this one. One noted at this
/// very number was there before the plan: whatever begins there was promised after.
pub(in crate::io::disk) fn own_from(volume: &dyn Volume, directory: &Path, epoch: Epoch, first: Seq) -> Option<Seq> {
    read(volume, directory, epoch).into_iter().filter(|own| *own > first).min()
}

impl Spool {
    /// What is written from now on is its own, whatever a plan says that cannot be read. The reserve is given up where there is no
    /// other room for that.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end, for nothing may be written behind what cannot be told apart.
    pub(in crate::io::disk) fn note_own(&self) -> Result<(), DiskError> {
        let mut own = read(self.volume.as_ref(), &self.directory, self.epoch);
        if own.last() == Some(&self.next) {
            return Ok(());
        }
        own.push(self.next);
        own.drain(..own.len().saturating_sub(ADOPTED_PIECES_MAX));
        let numbers: String = own.iter().map(|seq| format!(" {seq}")).collect();
        loop {
            let text = sealed::line(&format!("{}{numbers}", self.epoch));
            match write_whole_on(self.volume.as_ref(), &self.directory.join(OWN_FILE), text.as_bytes()) {
                Err(error) if error.is_full() && self.shrink_reserve()? => {}
                written => return written,
            }
        }
    }
}
