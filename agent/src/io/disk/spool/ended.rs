//! What goes with files of a spool whose time is over, as the collector is told of it before they are gone: which numbers, and
//! what they were, as far as that can still be read.

use std::collections::BTreeMap;
use std::path::Path;

use varde_common::alert::{CrowdOpened, CrowdUpdated};
use varde_common::id::{Epoch, Seq};
use varde_common::indicator::Severity;
use varde_common::record::{LossCounts, Record, RecordBody, SensorEvent};
use varde_common::trust::sha256;

use super::super::volume::Volume;
use super::super::{DiskError, failed};
use super::recovery::{octets_of, seq_in};
use super::taken::witness_in;
use super::worn::octets_as_far;
use crate::limits::ALERTS_NUMBERED_MAX;
use crate::spool::{FileKind, FileName, Loss, Named, SEGMENT_HEADER_OCTETS, read_marker, read_record, scan_named};

/// Where files lie that are none of the spool's.
pub(in crate::io::disk) const QUARANTINE: &str = "quarantine";

/// Numbers that follow one another and go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io::disk) struct Range {
    /// The first.
    pub(in crate::io::disk) from: Seq,
    /// All before this one.
    pub(in crate::io::disk) before: Seq,
    /// Whether they may have been sent.
    pub(in crate::io::disk) may_be_sent: bool,
}

/// From which number on nothing of the spool in this directory was sent, as its file says; none if it says nothing.
pub(in crate::io::disk) fn unsent_in(volume: &dyn Volume, directory: &Path, epoch: Epoch) -> Option<Seq> {
    seq_in(volume, directory, "unsent", epoch)
}

/// The number after the last that is known to have been given in this directory, whatever of it can still be read.
pub(in crate::io::disk) fn used_in(volume: &dyn Volume, directory: &Path, epoch: Epoch) -> Option<Seq> {
    witness_in(volume, directory, epoch)
}

/// What is told of octets that were no records; `place` names where they lay.
pub(in crate::io::disk) fn unread(place: &str, octets: u64) -> SensorEvent {
    let [a, b, c, d, e, f, g, h, ..] = sha256(place.as_bytes());
    SensorEvent::UnreadEnded { place: u64::from_be_bytes([a, b, c, d, e, f, g, h]), octets }
}

/// What is told of these ranges of one lifetime. What they were is read from the directory; where that cannot be (or is nobody's
/// business: `told_apart` is false) they count as records of which no more is known.
///
/// # Errors
/// [`DiskError`] where it may be read another time.
pub(in crate::io::disk) fn records(
    volume: &dyn Volume,
    directory: &Path,
    epoch: Epoch,
    ranges: &[Range],
    told_apart: bool,
) -> Result<Vec<SensorEvent>, DiskError> {
    let mut count = Count { ranges, counts: vec![LossCounts::default(); ranges.len()], ..Count::default() };
    if told_apart {
        let entries = volume.entries(directory).map_err(failed("read", directory)).or_else(lasting)?;
        let mut names: Vec<FileName> = entries.iter().filter_map(|entry| FileName::read(&entry.name)).collect();
        names.retain(|name| name.epoch == epoch);
        // As they are recovered: a note before the segment it speaks of.
        names.sort_by_key(|name| (name.first, name.kind == FileKind::Segment));
        for name in names {
            // A bad sector costs what stands behind it in its own file.
            let read = octets_as_far(volume, &directory.join(name.to_string())).map(|read| read.octets);
            count.add_file(name, &read.or_else(lasting)?);
        }
    }
    Ok(count.events(epoch))
}

/// What nobody can read is nothing; what may be read another time is waited for.
fn lasting<T: Default>(error: DiskError) -> Result<T, DiskError> {
    if error.is_lasting() { Ok(T::default()) } else { Err(error) }
}

/// What is told of a file in quarantine that is a whole file of another lifetime than this one; none where it is none.
///
/// # Errors
/// [`DiskError`] where it may be read another time.
pub(in crate::io::disk) fn file_of_another(
    volume: &dyn Volume,
    path: &Path,
    own: Epoch,
    told_apart: bool,
) -> Result<Option<SensorEvent>, DiskError> {
    let Some(name) = named(path).filter(|name| name.epoch != own) else { return Ok(None) };
    let octets = octets_of(volume, path).or_else(lasting)?;
    Ok(event_of(name, &octets, told_apart))
}

fn named(path: &Path) -> Option<FileName> {
    let named = path.file_name()?.to_str()?;
    // A second one of the same name was given a number behind it.
    FileName::read(named).or_else(|| FileName::read(named.rsplit_once('.')?.0))
}

fn event_of(name: FileName, octets: &[u8], told_apart: bool) -> Option<SensorEvent> {
    let (from, before) = match name.kind {
        FileKind::Loss => Loss::from_octets(octets).map(|(_, loss)| (loss.from, loss.to.next()))?,
        FileKind::Segment => match scan_named(octets, name) {
            Named::Whole(found) if found.epoch == name.epoch => (found.first, found.next),
            Named::HeaderDamaged(found) => (found.first, found.next),
            Named::Whole(_) | Named::Another => return None,
        },
    };
    if from == before {
        return None;
    }
    // Nothing says what was sent of it.
    let ranges = [Range { from, before, may_be_sent: true }];
    let mut count = Count { ranges: &ranges, counts: vec![LossCounts::default()], ..Count::default() };
    if told_apart {
        count.add_file(FileName { first: from, ..name }, octets);
    }
    count.events(name.epoch).pop()
}

/// Records by their range and what they said of their severity.
#[derive(Debug, Default)]
struct Count<'a> {
    ranges: &'a [Range],
    counts: Vec<LossCounts>,
    /// Of the newest alerts: what updates them is as severe.
    alerts: BTreeMap<Seq, Severity>,
    /// What lies before this number is counted.
    next: Seq,
}

impl Count<'_> {
    fn add_file(&mut self, name: FileName, octets: &[u8]) {
        match name.kind {
            FileKind::Loss => match Loss::from_octets(octets) {
                Some((_, loss)) if loss.from >= self.next => self.add_loss(&loss),
                Some(_) | None => {}
            },
            FileKind::Segment => {
                let mut rest = octets.get(SEGMENT_HEADER_OCTETS..).unwrap_or_default();
                let mut seq = name.first;
                while let Ok((payload, behind)) = read_record(rest, seq) {
                    let severity = self.severity(seq, payload);
                    if seq >= self.next {
                        self.add(seq, severity);
                        self.next = seq.next();
                    }
                    (rest, seq) = (behind, seq.next());
                }
            }
        }
    }

    /// What was lost before, and not told: by what its note says, where all of it goes.
    fn add_loss(&mut self, loss: &Loss) {
        for (range, counts) in self.ranges.iter().zip(&mut self.counts) {
            if range.from <= loss.from && loss.to < range.before {
                *counts = counts.plus(&loss.counts());
                self.next = loss.to.next();
            }
        }
    }

    fn add(&mut self, seq: Seq, severity: Option<Severity>) {
        for (range, counts) in self.ranges.iter().zip(&mut self.counts) {
            if range.from <= seq && seq < range.before {
                *counts = counts.plus(&LossCounts::of(severity, 1));
            }
        }
    }

    fn severity(&mut self, seq: Seq, payload: &[u8]) -> Option<Severity> {
        if let Some((_, severity)) = read_marker(payload) {
            return severity;
        }
        match Record::from_octets(payload).ok()?.body {
            RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. }) => {
                if self.alerts.len() >= ALERTS_NUMBERED_MAX {
                    self.alerts.pop_first();
                }
                self.alerts.insert(seq, opened.severity);
                Some(opened.severity)
            }
            RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. }) => {
                self.alerts.get(&update.alert).copied()
            }
            RecordBody::Braked(counted) => Some(counted.severity),
            RecordBody::Loss { .. } | RecordBody::GivenUp { .. } | RecordBody::Event(_) => None,
        }
    }

    fn events(self, epoch: Epoch) -> Vec<SensorEvent> {
        let told = self.ranges.iter().zip(self.counts).map(|(range, counts)| {
            let Range { from, before, may_be_sent } = *range;
            let unknown = before.0.saturating_sub(from.0).saturating_sub(counts.total());
            let counts = counts.plus(&LossCounts::of(None, unknown));
            SensorEvent::RecordsEnded { epoch, from, to: Seq(before.0.saturating_sub(1)), may_be_sent, counts }
        });
        told.collect()
    }
}
