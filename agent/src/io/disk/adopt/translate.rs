//! A record of a spool that was set aside as it reads in the one that goes on: an alert goes by another number there, and one
//! that lies before what is taken over is opened again.

use std::collections::BTreeMap;

use varde_common::alert::{AlertOpened, AlertUpdated, CrowdOpened, CrowdUpdated};
use varde_common::id::Seq;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use super::super::DiskError;
use super::super::spool::Spool;
use super::plan::Plan;
use crate::limits::ALERTS_NUMBERED_MAX;

/// Alerts that are opened again while they are taken over.
#[derive(Debug, Default)]
pub(super) struct Reopened {
    /// The number each had, and the one it goes by now.
    numbers: BTreeMap<Seq, Seq>,
    /// What closes those again of which the last was taken over that was said of them: one place tells one thing.
    pub(super) closings: Vec<Vec<u8>>,
}

/// A record as it reads in the spool that goes on: an alert goes by the number of its first record. One that was opened
/// before what is taken over is opened again, with what the update adds; where nobody knows it any more, by no number.
pub(super) fn translate(
    octets: &[u8],
    seq: Seq,
    plan: &Plan,
    theirs: &mut Spool,
    reopened: &mut Reopened,
    now: Timestamp,
) -> Result<Vec<u8>, DiskError> {
    let Ok(Record { time, body }) = Record::from_octets(octets) else { return Ok(octets.to_vec()) };
    let (update, hosts) = match body {
        RecordBody::Updated(update) => (update, None),
        RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }) => (updated, Some(hosts)),
        RecordBody::Loss { from, to, reason } => {
            let body = RecordBody::Loss { from: plan.anew(from), to: plan.anew(to), reason };
            return Ok((Record { time, body }).to_octets().unwrap_or_else(|_| octets.to_vec()));
        }
        RecordBody::GivenUp { from, to, reason, counts } => {
            let body = RecordBody::GivenUp { from: plan.anew(from), to: plan.anew(to), reason, counts };
            return Ok((Record { time, body }).to_octets().unwrap_or_else(|_| octets.to_vec()));
        }
        RecordBody::Opened(_) | RecordBody::CrowdOpened(_) | RecordBody::Event(_) | RecordBody::Braked(_) => {
            return Ok(octets.to_vec());
        }
    };
    let known = if update.alert >= plan.begins() {
        Some(plan.anew(update.alert))
    } else {
        reopened.numbers.get(&update.alert).copied()
    };
    let opening = match known {
        Some(_) => None,
        None => {
            let opened = theirs.read(update.alert, now)?.first().and_then(|octets| Record::from_octets(octets).ok());
            match opened.map(|record| record.body) {
                Some(RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. })) => Some(opened),
                _ => None,
            }
        }
    };
    let body = match opening.filter(|_| reopened.numbers.len() < ALERTS_NUMBERED_MAX) {
        Some(opened) => {
            reopened.numbers.insert(update.alert, plan.anew(seq));
            if update.closed {
                let updated = AlertUpdated { alert: plan.anew(seq), count_increase: 0, ..update.clone() };
                let body = match hosts {
                    Some(hosts) => RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }),
                    None => RecordBody::Updated(updated),
                };
                reopened.closings.extend((Record { time, body }).to_octets());
            }
            let opened = AlertOpened {
                evidence: update.evidence,
                circumstances: update.circumstances,
                seen_at: update.seen_at,
                last_seen: update.last_seen,
                count: update.count_increase,
                ..opened
            };
            match hosts {
                Some(hosts) => RecordBody::CrowdOpened(CrowdOpened { opened, hosts }),
                None => RecordBody::Opened(opened),
            }
        }
        None => {
            let updated = AlertUpdated { alert: known.unwrap_or(Seq(0)), ..update };
            match hosts {
                Some(hosts) => RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }),
                None => RecordBody::Updated(updated),
            }
        }
    };
    // What was read can be written.
    Ok((Record { time, body }).to_octets().unwrap_or_else(|_| octets.to_vec()))
}
