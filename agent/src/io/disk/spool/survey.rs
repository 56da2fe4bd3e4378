//! The spool in numbers without touching it: for a person who asks while no agent runs, and for whoever sets one aside.

use std::path::Path;

use varde_common::id::Seq;

use super::super::volume::{RealVolume, Volume};
use super::super::{DiskError, failed};
use super::Figures;
use super::recovery::{ACKNOWLEDGED, octets_of, seq_in};
use super::taken::witness_in;
use super::worn::octets_as_far;
use crate::spool::{
    FileKind, FileName, Loss, Named, SEGMENT_HEADER_OCTETS, Tally, given_up_in, last_behind, scan_named,
};

/// The spool in this directory.
///
/// # Errors
/// [`DiskError`], also where one file of it cannot be read.
pub fn survey(directory: &Path) -> Result<Figures, DiskError> {
    survey_on(&RealVolume, directory)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn survey_on(volume: &dyn Volume, directory: &Path) -> Result<Figures, DiskError> {
    survey_noting(volume, directory, Err)
}

/// As far as it can be read, and what could not be: of such a file its numbers count, by its name and by the witness.
///
/// # Errors
/// [`DiskError`] for a directory that cannot be read, and where this user may not read what lies in it.
pub fn survey_as_far(volume: &dyn Volume, directory: &Path) -> Result<(Figures, Vec<DiskError>), DiskError> {
    let mut unread = Vec::new();
    let mut figures = survey_noting(volume, directory, |error| match error.is_forbidden() {
        true => Err(error),
        false => {
            unread.push(error);
            Ok(())
        }
    })?;
    if !unread.is_empty()
        && let Some(next) = witness_in(volume, directory, figures.epoch).filter(|next| *next > figures.next)
    {
        figures.next = next;
        let acknowledged = seq_in(volume, directory, ACKNOWLEDGED, figures.epoch).unwrap_or(Seq(0));
        figures.acknowledged = acknowledged.min(Seq(next.0.saturating_sub(1)));
    }
    Ok((figures, unread))
}

/// The number after the last that shows in a segment which cannot be read in places.
fn end_as_far(volume: &dyn Volume, path: &Path, name: FileName) -> Seq {
    let octets = octets_as_far(volume, path).map_or(Vec::new(), |read| read.octets);
    let (next, tail) = match scan_named(&octets, name) {
        Named::Whole(found) | Named::HeaderDamaged(found) => (found.next, octets.get(found.good_octets..)),
        Named::Another => (name.first, octets.get(SEGMENT_HEADER_OCTETS..)),
    };
    last_behind(tail.unwrap_or_default(), next).map_or(next, Seq::next)
}

fn survey_noting(
    volume: &dyn Volume,
    directory: &Path,
    mut note: impl FnMut(DiskError) -> Result<(), DiskError>,
) -> Result<Figures, DiskError> {
    let mut given_up = Tally::default();
    let mut figures = Figures { first: Seq(u64::MAX), next: Seq(1), ..Figures::default() };
    let entries = match volume.entries(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Figures::default()),
        Err(error) => return Err(failed("read", directory)(error)),
    };
    for entry in entries {
        let Some(name) = FileName::read(&entry.name) else { continue };
        let (first, next) = match (octets_of(volume, &directory.join(&entry.name)), name.kind) {
            (Err(error), FileKind::Segment | FileKind::Loss) => {
                note(error)?;
                (name.first, end_as_far(volume, &directory.join(&entry.name), name))
            }
            (Ok(octets), FileKind::Segment) => match scan_named(&octets, name) {
                Named::Whole(found) | Named::HeaderDamaged(found) => {
                    let good = octets.get(SEGMENT_HEADER_OCTETS..found.good_octets).unwrap_or_default();
                    given_up = given_up.plus(&given_up_in(good, found.first));
                    (found.first, found.next)
                }
                Named::Another => continue,
            },
            (Ok(octets), FileKind::Loss) => match Loss::from_octets(&octets) {
                Some((_, loss)) => {
                    given_up.add(loss.reason, &loss.counts());
                    (loss.from, loss.to.next())
                }
                None => continue,
            },
        };
        figures.epoch = name.epoch;
        figures.octets += entry.octets;
        figures.first = figures.first.min(first);
        figures.next = figures.next.max(next);
    }
    (figures.lost, figures.given_up) = (given_up.total(), given_up);
    figures.first = figures.first.min(figures.next);
    let acknowledged = seq_in(volume, directory, ACKNOWLEDGED, figures.epoch).unwrap_or(Seq(0));
    figures.acknowledged = acknowledged.min(Seq(figures.next.0.saturating_sub(1)));
    Ok(figures)
}
