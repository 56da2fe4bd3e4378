//! What grows old goes, also in a spool of one segment, also while nothing is written; and no clock makes it old.

use super::*;
use crate::limits::{SPOOL_SEGMENT_MAX_S, SPOOL_TORN_KEEP_S};

fn at(hours: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(hours * 3600))
}

/// The spool's thread does nothing but tick, hour by hour; gives the first in which this holds.
fn ticked_until(spool: &mut Spool, from: u64, mut holds: impl FnMut(&mut Spool) -> bool) -> Option<u64> {
    (from..from + 3_000).find(|hour| {
        assert_eq!(spool.sync(at(*hour)).unwrap(), Synced::default());
        holds(spool)
    })
}

const SEGMENT_H: u64 = SPOOL_SEGMENT_MAX_S / 3600;
const ACKNOWLEDGED_H: u64 = SPOOL_ACKNOWLEDGED_KEEP_S / 3600;
const UNACKNOWLEDGED_H: u64 = SPOOL_UNACKNOWLEDGED_KEEP_S / 3600;

#[test]
fn i3_a_quiet_sensor_of_one_segment_keeps_nothing_longer_than_is_promised() {
    for acknowledged in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let (mut spool, _) = open(directory.path());
        fill(&mut spool, 1..4);
        if acknowledged {
            spool.handle_acknowledged(Seq(3), NOW).unwrap();
        }
        let gone = ticked_until(&mut spool, 1, |spool| spool.figures().first > Seq(3) || spool.figures().lost > 0);
        let keeps = if acknowledged { ACKNOWLEDGED_H } else { UNACKNOWLEDGED_H };
        assert_eq!(gone, Some(keeps + 1), "acknowledged: {acknowledged}");
        assert_eq!(spool.figures().given_up.aged.total(), if acknowledged { 0 } else { 3 }, "with a note");
        let files = files(directory.path(), ".seg");
        let octets: Vec<u64> = files.iter().map(|path| fs::metadata(path).unwrap().len()).collect();
        assert_eq!(octets, [SEGMENT_HEADER_OCTETS as u64], "no record is left on the disk");
        drop(spool);
        let (mut spool, _) = open(directory.path());
        fill(&mut spool, 4..5);
    }
}

#[test]
fn i3_what_is_written_now_makes_nothing_before_it_young_again() {
    for acknowledged in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let caps = Caps { unacknowledged_s: 150 * 3600, ..Caps::default() };
        let open = |hour| Spool::open(Arc::new(RealVolume), &directory.path().join("spool"), caps, at(hour)).unwrap().0;
        let mut spool = open(0);
        let longest = if acknowledged { ACKNOWLEDGED_H + SEGMENT_H } else { 150 };
        for hour in 0..300 {
            let seq = spool.append(&record(hour));
            spool.sync(at(hour)).unwrap();
            if acknowledged {
                spool.handle_acknowledged(seq, at(hour)).unwrap();
            }
            if hour % 50 == 0 {
                drop(spool);
                spool = open(hour);
            }
            // Record n was written in hour n - 1.
            let figures = spool.figures();
            let oldest = figures.first.0 + figures.lost - 1;
            assert!(hour - oldest <= longest + 1, "hour {hour}: record {} is still there", oldest + 1);
            if acknowledged {
                assert!(hour - oldest >= hour.min(ACKNOWLEDGED_H - 1), "hour {hour}: a restored collector may want it");
            }
        }
        assert!(spool.figures().first.0 + spool.figures().lost > 100, "some went");
    }
}

#[test]
fn i3_what_could_not_be_read_is_kept_for_a_month_and_no_clock_that_jumps_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..4);
    drop(spool);
    let segment = files(directory.path(), ".seg").pop().unwrap();
    let mut octets = fs::read(&segment).unwrap();
    octets[SEGMENT_HEADER_OCTETS + 20] ^= 1;
    fs::write(&segment, octets).unwrap();
    fs::write(directory.path().join("spool/notes of mine"), b"hello").unwrap();
    let (mut spool, _) = open(directory.path());
    let there = || {
        let room = fs::read_dir(directory.path().join("spool/quarantine")).unwrap().count();
        files(directory.path(), ".torn").len() + room
    };
    assert_eq!(there(), 2);
    for years in [10, 0, 20, 5] {
        spool.sync(at(years * 8_766)).unwrap();
        assert_eq!(there(), 2, "a clock that says year {years}");
    }
    drop(spool);
    let (mut spool, _) = open(directory.path());
    // It is removed once it is on disk what is told of it, and not before.
    let gone = ticked_until(&mut spool, 0, |spool| {
        let told = spool.ended_torn();
        assert!(told.is_empty() || told.len() == there(), "{told:?}");
        spool.end_torn(false).unwrap();
        !told.is_empty()
    });
    assert_eq!(there(), 2);
    let hour = gone.unwrap();
    let gone = ticked_until(&mut spool, hour + 1, |spool| {
        spool.end_torn(true).unwrap();
        there() == 0
    });

    let keeps = SPOOL_TORN_KEEP_S / 3600;
    assert!(gone.is_some_and(|hour| hour > keeps - 24 * 5 && hour <= keeps + 2), "{gone:?}");
    fill(&mut spool, 4..5);
}
