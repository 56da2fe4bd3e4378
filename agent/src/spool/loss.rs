//! What is told of records that are lost: the file that notes it before they are gone, and what is sent in their places.

use varde_common::codec::EncodeError;
use varde_common::id::{Epoch, Seq};
use varde_common::indicator::Severity;
use varde_common::record::{LossCounts, LossReason, Record, RecordBody};
use varde_common::time::Timestamp;

use super::{close_with_crc, read_record};
use crate::limits::SPOOL_LOSS_RUNS_MAX;

const MAGIC: &[u8; 8] = b"VARDELO2";
const MAGIC_BEFORE: &[u8; 8] = b"VARDELO1";
/// Octets of a note without runs.
const PLAIN_OCTETS: usize = 45;
const RUN_OCTETS: usize = 5;
/// Octets of the longest note.
pub const LOSS_MAX_OCTETS: usize = PLAIN_OCTETS + SPOOL_LOSS_RUNS_MAX * RUN_OCTETS;
/// Records in a row that said the same of their severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    severity: Option<Severity>,
    records: u32,
}

/// Records that will never be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// First lost.
    pub from: Seq,
    /// Last lost.
    pub to: Seq,
    /// Why.
    pub reason: LossReason,
    runs: Vec<Run>,
    told: u64,
}

impl Loss {
    /// Records of which no more is known, yet.
    pub fn new(from: Seq, to: Seq, reason: LossReason) -> Loss {
        Loss { from, to, reason, runs: Vec::new(), told: 0 }
    }

    /// Tells what a record was: the first, then each after the one told before; false when no more can be told.
    pub fn tell(&mut self, seq: Seq, severity: Option<Severity>) -> bool {
        if self.from.0.checked_add(self.told) != Some(seq.0) {
            return false;
        }
        let full = self.runs.len() >= SPOOL_LOSS_RUNS_MAX;
        match self.runs.last_mut() {
            Some(last) if last.severity == severity && last.records < u32::MAX => last.records += 1,
            Some(_) | None if full => return false,
            Some(_) | None => self.runs.push(Run { severity, records: 1 }),
        }
        self.told += 1;
        true
    }

    /// This loss and the one that follows it at once for the same reason, as one; none if it does not.
    pub fn gone_on(&self, more: &Loss) -> Option<Loss> {
        if more.reason != self.reason || more.from != self.to.next() {
            return None;
        }
        let mut both = Loss { to: more.to, ..self.clone() };
        // Behind a place that is not told none can be.
        let runs = if self.told == self.count() { more.runs.as_slice() } else { &[] };
        for run in runs {
            let full = both.runs.len() >= SPOOL_LOSS_RUNS_MAX;
            match both.runs.last_mut() {
                Some(last) if last.severity == run.severity && last.records.checked_add(run.records).is_some() => {
                    last.records += run.records;
                }
                Some(_) | None if full => break,
                Some(_) | None => both.runs.push(*run),
            }
            both.told += u64::from(run.records);
        }
        Some(both)
    }

    /// How many.
    pub fn count(&self) -> u64 {
        (self.to.0.saturating_sub(self.from.0)).saturating_add(1)
    }

    /// What the record with this number was.
    pub fn severity(&self, seq: Seq) -> Option<Severity> {
        let mut behind = seq.0.checked_sub(self.from.0)?;
        for run in &self.runs {
            match behind.checked_sub(u64::from(run.records)) {
                Some(rest) => behind = rest,
                None => return run.severity,
            }
        }
        None
    }

    /// What they were, all together.
    pub fn counts(&self) -> LossCounts {
        let untold = LossCounts::of(None, self.count().saturating_sub(self.told));
        self.runs.iter().fold(untold, |counts, run| counts.plus(&LossCounts::of(run.severity, u64::from(run.records))))
    }

    /// As its file holds it.
    pub fn to_octets(&self, epoch: Epoch) -> Vec<u8> {
        let mut octets = Vec::with_capacity(PLAIN_OCTETS + self.runs.len() * RUN_OCTETS);
        octets.extend_from_slice(MAGIC);
        octets.extend_from_slice(&epoch.0.to_be_bytes());
        octets.extend_from_slice(&self.from.0.to_be_bytes());
        octets.extend_from_slice(&self.to.0.to_be_bytes());
        octets.push(reason_octet(self.reason));
        for run in &self.runs {
            octets.push(severity_octet(run.severity));
            octets.extend_from_slice(&run.records.to_be_bytes());
        }
        close_with_crc(&mut octets, 0);
        octets
    }

    /// Reads such a file; none if it is damaged (the hole in the numbers then tells as much).
    pub fn from_octets(octets: &[u8]) -> Option<(Epoch, Loss)> {
        if octets.len() > LOSS_MAX_OCTETS {
            return None;
        }
        let (fields, crc) = octets.split_last_chunk::<4>()?;
        if crc32fast::hash(fields).to_be_bytes() != *crc {
            return None;
        }
        let (magic, rest) = fields.split_first_chunk::<8>()?;
        let (epoch, rest) = rest.split_first_chunk::<16>()?;
        let (from, rest) = rest.split_first_chunk::<8>()?;
        let (to, rest) = rest.split_first_chunk::<8>()?;
        let (reason, told) = rest.split_first()?;
        let reason = reason_of(*reason)?;
        match magic {
            MAGIC => {}
            MAGIC_BEFORE if reason != LossReason::SpoolAged => {}
            _ => return None,
        }
        let (runs, rest) = told.as_chunks::<RUN_OCTETS>();
        if !rest.is_empty() || (magic == MAGIC_BEFORE && !runs.is_empty()) {
            return None;
        }
        let mut loss = Loss::new(Seq(u64::from_be_bytes(*from)), Seq(u64::from_be_bytes(*to)), reason);
        for [severity, records @ ..] in runs {
            let severity = severity_of(*severity)?;
            loss.runs.push(Run { severity, records: u32::from_be_bytes(*records) });
        }
        loss.told = loss.runs.iter().map(|run| u64::from(run.records)).sum();
        (loss.from <= loss.to && loss.told <= loss.count()).then_some((Epoch(u128::from_be_bytes(*epoch)), loss))
    }
}

/// What was given up, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Because the spool or the disk was full.
    pub full: LossCounts,
    /// Because nobody fetched it in time.
    pub aged: LossCounts,
    /// Because it could not be read any more.
    pub damaged: LossCounts,
}

impl Tally {
    /// These as well.
    pub fn add(&mut self, reason: LossReason, counts: &LossCounts) {
        let place = match reason {
            LossReason::SpoolFull => &mut self.full,
            LossReason::SpoolAged => &mut self.aged,
            LossReason::SpoolDamaged => &mut self.damaged,
        };
        *place = place.plus(counts);
    }

    /// These and those.
    pub fn plus(&self, those: &Tally) -> Tally {
        Tally {
            full: self.full.plus(&those.full),
            aged: self.aged.plus(&those.aged),
            damaged: self.damaged.plus(&those.damaged),
        }
    }

    /// Without those.
    pub fn less(&self, those: &Tally) -> Tally {
        Tally {
            full: self.full.less(&those.full),
            aged: self.aged.less(&those.aged),
            damaged: self.damaged.less(&those.damaged),
        }
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.full.total().saturating_add(self.aged.total()).saturating_add(self.damaged.total())
    }
}

/// What stands in a segment in the place of a record that was given up: shorter than any record can be.
pub fn marker(reason: LossReason, severity: Option<Severity>) -> [u8; 2] {
    [reason_octet(reason), severity_octet(severity)]
}

/// Reads it; none if this is a record.
pub fn read_marker(payload: &[u8]) -> Option<(LossReason, Option<Severity>)> {
    match payload {
        [reason, severity] => Some((reason_of(*reason)?, severity_of(*severity)?)),
        _ => None,
    }
}

/// What the markers in a segment tell; `records` are its octets behind the header, the first of number `first`.
pub fn given_up_in(mut records: &[u8], first: Seq) -> Tally {
    let (mut tally, mut seq) = (Tally::default(), first);
    while let Ok((payload, rest)) = read_record(records, seq) {
        if let Some((reason, severity)) = read_marker(payload) {
            tally.add(reason, &LossCounts::of(severity, 1));
        }
        (records, seq) = (rest, seq.next());
    }
    tally
}

fn reason_octet(reason: LossReason) -> u8 {
    match reason {
        LossReason::SpoolFull => 0,
        LossReason::SpoolDamaged => 1,
        LossReason::SpoolAged => 2,
    }
}

fn reason_of(octet: u8) -> Option<LossReason> {
    match octet {
        0 => Some(LossReason::SpoolFull),
        1 => Some(LossReason::SpoolDamaged),
        2 => Some(LossReason::SpoolAged),
        _ => None,
    }
}

fn severity_octet(severity: Option<Severity>) -> u8 {
    severity.map_or(0, |severity| severity.level() + 1)
}

fn severity_of(octet: u8) -> Option<Option<Severity>> {
    match octet {
        0 => Some(None),
        1..=5 => Some(Some(Severity::from_level(octet - 1))),
        _ => None,
    }
}

/// What is sent in the place of a record that is lost; `severity` is what is known of it.
///
/// # Errors
/// None for our own records; the codec's type demands it.
pub fn tombstone(
    seq: Seq,
    reason: LossReason,
    severity: Option<Severity>,
    now: Timestamp,
) -> Result<Vec<u8>, EncodeError> {
    let body = match reason {
        // Nobody can say what it was.
        LossReason::SpoolDamaged => RecordBody::Loss { from: seq, to: seq, reason },
        LossReason::SpoolFull | LossReason::SpoolAged => {
            RecordBody::GivenUp { from: seq, to: seq, reason, counts: LossCounts::of(severity, 1) }
        }
    };
    Record { time: now, body }.to_octets()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::write_record;

    const EPOCH: Epoch = Epoch(0xfeed_0000_0000_0000_0000_0000_0000_0007);

    fn told() -> Loss {
        let mut loss = Loss::new(Seq(3), Seq(9), LossReason::SpoolAged);
        for (seq, severity) in (3..).zip([Some(Severity::Low), Some(Severity::Low), None, Some(Severity::Critical)]) {
            assert!(loss.tell(Seq(seq), severity));
        }
        assert!(!loss.tell(Seq(9), None), "not the next");
        loss
    }

    #[test]
    fn i3_a_loss_survives_its_file_and_nothing_else_does() {
        for loss in [told(), Loss::new(Seq(3), Seq(9), LossReason::SpoolDamaged)] {
            assert_eq!(loss.count(), 7);
            let octets = loss.to_octets(EPOCH);
            assert_eq!(Loss::from_octets(&octets), Some((EPOCH, loss)));
            for place in 0..octets.len() {
                let mut torn = octets.clone();
                torn[place] ^= 4;
                assert_eq!(Loss::from_octets(&torn), None);
                assert_eq!(Loss::from_octets(&octets[..place]), None);
            }
        }
    }

    #[test]
    fn each_place_keeps_what_it_was_and_the_sum_is_that_of_the_places() {
        let loss = told();
        let each: Vec<_> = (2..=10).map(|seq| loss.severity(Seq(seq))).collect();
        let low = Some(Severity::Low);
        assert_eq!(each, [None, low, low, None, Some(Severity::Critical), None, None, None, None]);
        assert_eq!(loss.counts(), LossCounts { low: 2, critical: 1, other: 4, ..LossCounts::default() });
        let mut long = Loss::new(Seq(1), Seq(1 << 40), LossReason::SpoolFull);
        let told = (0..).take_while(|n| long.tell(Seq(n + 1), Some(Severity::from_level((n % 2) as u8)))).count();
        assert_eq!(told, SPOOL_LOSS_RUNS_MAX);
        assert_eq!(Loss::from_octets(&long.to_octets(EPOCH)), Some((EPOCH, long)));
    }

    #[test]
    fn d5_a_loss_that_goes_on_is_one_that_tells_the_same() {
        let (low, high) = (Some(Severity::Low), Some(Severity::High));
        let said = [low, low, high, high, None, low];
        for middle in 1..said.len() {
            let part = |from: usize, to: usize| {
                let mut loss = Loss::new(Seq(from as u64), Seq(to as u64 - 1), LossReason::SpoolFull);
                (from..to).for_each(|place| assert!(loss.tell(Seq(place as u64), said[place])));
                loss
            };
            let both = part(0, middle).gone_on(&part(middle, said.len()));
            assert_eq!(both, Some(part(0, said.len())), "cut before {middle}");
        }
        let untold = Loss::new(Seq(0), Seq(4), LossReason::SpoolFull);
        let mut more = Loss::new(Seq(5), Seq(5), LossReason::SpoolFull);
        more.tell(Seq(5), low);
        let both = untold.gone_on(&more).unwrap();
        assert_eq!((both.count(), both.counts().other, both.severity(Seq(5))), (6, 6, None));
        for other in [
            Loss::new(Seq(6), Seq(7), LossReason::SpoolFull),
            Loss::new(Seq(4), Seq(7), LossReason::SpoolFull),
            Loss::new(Seq(5), Seq(7), LossReason::SpoolAged),
        ] {
            assert_eq!(untold.gone_on(&other), None);
        }
    }

    #[test]
    fn v1_a_note_of_the_version_before_is_read() {
        let mut octets = MAGIC_BEFORE.to_vec();
        octets.extend_from_slice(&EPOCH.0.to_be_bytes());
        octets.extend_from_slice(&3u64.to_be_bytes());
        octets.extend_from_slice(&9u64.to_be_bytes());
        octets.push(0);
        close_with_crc(&mut octets, 0);
        let loss = Loss::new(Seq(3), Seq(9), LossReason::SpoolFull);
        assert_eq!(Loss::from_octets(&octets), Some((EPOCH, loss)));
    }

    #[test]
    fn a_tombstone_is_a_loss_of_its_own_place_and_is_counted_where_it_stands() {
        let damaged = tombstone(Seq(8), LossReason::SpoolDamaged, None, Timestamp(1)).unwrap();
        let body = RecordBody::Loss { from: Seq(8), to: Seq(8), reason: LossReason::SpoolDamaged };
        assert_eq!(Record::from_octets(&damaged), Ok(Record { time: Timestamp(1), body }));
        let counts = LossCounts::of(Some(Severity::Low), 1);
        let low = tombstone(Seq(9), LossReason::SpoolFull, Some(Severity::Low), Timestamp(1)).unwrap();
        let body = RecordBody::GivenUp { from: Seq(9), to: Seq(9), reason: LossReason::SpoolFull, counts };
        assert_eq!(Record::from_octets(&low), Ok(Record { time: Timestamp(1), body }));
        let mut records = Vec::new();
        write_record(&mut records, Seq(8), &damaged);
        write_record(&mut records, Seq(9), &marker(LossReason::SpoolFull, Some(Severity::Low)));
        write_record(&mut records, Seq(10), b"another");
        for (octets, read) in [([0, 0], true), ([2, 5], true), ([3, 1], false), ([0, 6], false)] {
            assert_eq!(read_marker(&octets).map(|(reason, severity)| marker(reason, severity)), read.then_some(octets));
            assert!(Record::from_octets(&octets).is_err(), "no record is so short");
        }
        let tally = Tally { full: LossCounts::of(Some(Severity::Low), 1), ..Tally::default() };
        assert_eq!((given_up_in(&records, Seq(8)), tally.total()), (tally, 1));
    }
}
