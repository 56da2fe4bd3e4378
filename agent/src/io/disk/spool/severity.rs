//! What records count for when room is made: an alert by its severity, an update by that of its alert, wherever that lies; below all of
//! them what was refused.

use std::collections::{BTreeMap, BTreeSet};

use varde_common::alert::{CrowdOpened, CrowdUpdated};
use varde_common::id::Seq;
use varde_common::indicator::Severity;
use varde_common::record::{Record, RecordBody, SensorEvent};

use super::super::DiskError;
use super::recovery::octets_of;
use super::{Piece, Spool};
use crate::limits::SPOOL_LOOK_BACK_SEGMENTS;
use crate::spool::{FileKind, SEGMENT_HEADER_OCTETS, read_marker, read_record};

/// What one record counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Worth {
    /// None: it has none, or nobody knows.
    pub(super) severity: Option<Severity>,
    /// It tells that something of the collector's was refused: whoever has the collector's place makes as many as it likes of them.
    pub(super) is_refusal: bool,
    /// It is given up already.
    pub(super) is_given_up: bool,
}

impl Worth {
    fn of(severity: Option<Severity>) -> Worth {
        Worth { severity, ..Worth::default() }
    }

    /// In which turn it goes: [`REFUSALS`] first, then alerts by their severity. None: only with all that lies around it.
    pub(super) fn turn(self) -> Option<u8> {
        if self.is_refusal { Some(REFUSALS) } else { self.severity.map(turn_of) }
    }
}

/// The turn of what was refused.
pub(super) const REFUSALS: u8 = 0;
/// So many turns there are: what has given up all of them has nothing left that goes by itself.
pub(super) const TURNS: u8 = 6;

/// The turn of alerts of this severity.
pub(super) fn turn_of(severity: Severity) -> u8 {
    severity.level().saturating_add(1)
}

/// What goes in this turn, for people.
pub(super) fn name_of(turn: u8) -> &'static str {
    turn.checked_sub(1).map_or("refusals", |level| Severity::from_level(level).as_str())
}

/// What each record counts for.
pub(super) type Severities = BTreeMap<Seq, Worth>;

/// Records with their numbers.
type Records = Vec<(Seq, Vec<u8>)>;

impl Spool {
    /// A segment's records as they lie on disk; none if they cannot all be read (then its damage tells more).
    pub(super) fn records_of(&mut self, first: Seq) -> Result<Option<Records>, DiskError> {
        let Some(Piece::Segment { next, .. }) = self.pieces.get(&first) else { return Ok(None) };
        let octets = octets_of(self.volume.as_ref(), &self.path(first, FileKind::Segment))?;
        let next = *next;
        let records = records(octets.get(SEGMENT_HEADER_OCTETS..).unwrap_or_default(), first, next);
        self.looked_at = self.looked_at.saturating_add(records.len() as u64);
        let whole = records.len() as u64 == next.0.saturating_sub(first.0);
        Ok(whole.then(|| records.into_iter().map(|(seq, payload)| (seq, payload.to_vec())).collect()))
    }

    /// What these records, one after the other, say.
    pub(super) fn severities(&mut self, records: &[(Seq, Vec<u8>)]) -> Result<Severities, DiskError> {
        let mut said = Severities::new();
        let mut updates: Vec<(Seq, Seq)> = Vec::new();
        for (seq, payload) in records {
            if let Some((_, severity)) = read_marker(payload) {
                said.insert(*seq, Worth { is_given_up: true, ..Worth::of(severity) });
                continue;
            }
            let worth = match Record::from_octets(payload).map(|record| record.body) {
                Ok(RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. })) => {
                    Worth::of(Some(opened.severity))
                }
                Ok(RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. })) => {
                    updates.push((*seq, update.alert));
                    Worth::default()
                }
                Ok(RecordBody::Braked(counted)) => Worth::of(Some(counted.severity)),
                Ok(RecordBody::Event(SensorEvent::ListRefused { .. })) => {
                    Worth { is_refusal: true, ..Worth::default() }
                }
                Ok(
                    RecordBody::Event(
                        SensorEvent::Started { .. }
                        | SensorEvent::ListInForce { .. }
                        | SensorEvent::SpoolDamaged { .. }
                        | SensorEvent::RecordsEnded { .. }
                        | SensorEvent::UnreadEnded { .. }
                        | SensorEvent::SelfTest { .. }
                        | SensorEvent::IndicatorDemoted { .. }
                        | SensorEvent::IndicatorToldAgain { .. },
                    )
                    | RecordBody::Loss { .. }
                    | RecordBody::GivenUp { .. },
                )
                | Err(_) => Worth::default(),
            };
            said.insert(*seq, worth);
        }
        let elsewhere = updates.iter().map(|(_, alert)| *alert).filter(|alert| !said.contains_key(alert));
        let elsewhere = self.severities_elsewhere(elsewhere.collect())?;
        for (seq, alert) in updates {
            let severity = said.get(&alert).map(|worth| worth.severity).or_else(|| elsewhere.get(&alert).copied());
            said.insert(seq, Worth::of(severity.flatten()));
        }
        Ok(said)
    }

    /// Of alerts in other segments, the newest few of them.
    fn severities_elsewhere(&mut self, alerts: BTreeSet<Seq>) -> Result<BTreeMap<Seq, Option<Severity>>, DiskError> {
        let mut found = BTreeMap::new();
        // Each segment is read and understood once, however many of its alerts are asked for: they come in order.
        let mut read: Option<(Seq, Vec<Option<Severity>>)> = None;
        let mut left = SPOOL_LOOK_BACK_SEGMENTS;
        for alert in alerts.into_iter().rev() {
            let (first, next) = match self.pieces.range(..=alert).next_back() {
                Some((_, Piece::Lost(loss))) => {
                    found.insert(alert, loss.severity(alert));
                    continue;
                }
                Some((first, Piece::Segment { next, .. })) if alert < *next => (*first, *next),
                Some((_, Piece::Segment { .. })) | None => continue,
            };
            if read.as_ref().is_none_or(|(of, _)| *of != first) {
                if left == 0 {
                    break;
                }
                left -= 1;
                read = Some((first, self.openings(first, next)?));
            }
            let place = usize::try_from(alert.0.saturating_sub(first.0)).unwrap_or(usize::MAX);
            found.insert(alert, read.as_ref().and_then(|(_, said)| said.get(place).copied()).flatten());
        }
        Ok(found)
    }

    /// Of each record of a segment its severity, if it opens an alert or did before it was given up.
    fn openings(&mut self, first: Seq, next: Seq) -> Result<Vec<Option<Severity>>, DiskError> {
        let octets = octets_of(self.volume.as_ref(), &self.path(first, FileKind::Segment))?;
        let records = records(octets.get(SEGMENT_HEADER_OCTETS..).unwrap_or_default(), first, next);
        self.looked_at = self.looked_at.saturating_add(records.len() as u64);
        Ok(records.into_iter().map(|(_, payload)| opening(payload)).collect())
    }

    /// What is appended and not written, for the note of its loss.
    pub(super) fn pending_severities(&mut self) -> Result<Severities, DiskError> {
        let records = records(&self.pending, self.pending_first, self.next);
        self.severities(&records.into_iter().map(|(seq, payload)| (seq, payload.to_vec())).collect::<Records>())
    }
}

/// The severity of what opens an alert, or did before it was given up.
fn opening(payload: &[u8]) -> Option<Severity> {
    if let Some((_, severity)) = read_marker(payload) {
        return severity;
    }
    match Record::from_octets(payload).ok()?.body {
        RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. }) => Some(opened.severity),
        RecordBody::Updated(_)
        | RecordBody::CrowdUpdated(_)
        | RecordBody::Braked(_)
        | RecordBody::Loss { .. }
        | RecordBody::GivenUp { .. }
        | RecordBody::Event(_) => None,
    }
}

/// Records up to before this number, as far as they can be read.
fn records(mut octets: &[u8], first: Seq, next: Seq) -> Vec<(Seq, &[u8])> {
    let (mut records, mut seq) = (Vec::new(), first);
    while seq < next
        && let Ok((payload, rest)) = read_record(octets, seq)
    {
        records.push((seq, payload));
        (octets, seq) = (rest, seq.next());
    }
    records
}
