//! What goes when room must be made: the lowest severity first, updates with their alert, the rest untouched, all of it told.

use super::*;
use crate::ledger::tests::{opened, updated};
use crate::sensor::Statement;
use varde_common::codec::Text;
use varde_common::id::Revision;
use varde_common::indicator::Severity;
use varde_common::record::LossCounts;

fn alert(severity: Severity) -> Vec<u8> {
    let Statement::Opened { body, .. } = opened(1, None) else { panic!("not opened") };
    let body = varde_common::alert::AlertOpened { severity, ..body };
    Record { time: NOW, body: RecordBody::Opened(body) }.to_octets().unwrap()
}

fn update(alert: Seq) -> Vec<u8> {
    let Statement::Updated { body, .. } = updated(1, false) else { panic!("not updated") };
    let body = varde_common::alert::AlertUpdated { alert, ..body };
    Record { time: NOW, body: RecordBody::Updated(body) }.to_octets().unwrap()
}

fn small(directory: &Path, octets: u64) -> Spool {
    let caps = Caps { octets, segment_octets: 2_000, ..Caps::default() };
    Spool::open(Arc::new(RealVolume), &directory.join("spool"), caps, NOW).unwrap().0
}

/// Alerts of all severities, each followed by an update of it and an event.
fn mixed(spool: &mut Spool, rounds: u64) -> Vec<Vec<u8>> {
    let mut written = Vec::new();
    for round in 0..rounds {
        let seq = spool.next();
        for payload in [alert(Severity::from_level((round % 5) as u8)), update(seq), record(round)] {
            spool.append(&payload);
            written.push(payload);
        }
        spool.sync(NOW).unwrap();
    }
    written
}

/// What became of each place: none where the record is there, else why it is not and what it was.
fn fates(spool: &mut Spool, written: &[Vec<u8>]) -> Vec<Option<(LossReason, Option<Severity>)>> {
    fates_from(spool, 1, written)
}

/// The same from this number on: what is acknowledged before it may be let go of.
fn fates_from(spool: &mut Spool, first: u64, written: &[Vec<u8>]) -> Vec<Option<(LossReason, Option<Severity>)>> {
    let read = all(spool, first);
    assert_eq!(read.len(), written.len());
    let fate = |(read, written): (&Vec<u8>, &Vec<u8>)| match Record::from_octets(read).unwrap().body {
        RecordBody::GivenUp { reason, counts, .. } => Some((reason, counts.highest())),
        _ => {
            assert_eq!(read, written, "another record");
            None
        }
    };
    read.iter().zip(written).map(fate).collect()
}

#[test]
fn i3_over_the_cap_the_lowest_severity_goes_first_with_its_updates_and_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = small(directory.path(), HUGE);
    let written = mixed(&mut spool, 300);
    let octets = spool.figures().octets;
    let mut gone_before = 0;
    for share in [95, 90, 80, 70, 60] {
        spool.caps.octets = octets * share / 100;
        spool.handle_acknowledged(Seq(0), NOW).unwrap();
        let figures = spool.figures();
        assert!(figures.octets <= spool.caps.octets, "{share} %");
        let fates = fates(&mut spool, &written);
        // The newest segment is never touched; before it, nothing goes while something lower is still there.
        let newest = spool.active.as_ref().map_or(0, |active| active.first.0 as usize - 1);
        let level = |place: usize| (place / 3 % 5) as u8;
        let highest = (0..newest).filter(|place| fates[*place].is_some()).map(level).max().unwrap();
        for (place, fate) in fates.iter().enumerate().take(newest) {
            if place % 3 == 2 {
                assert_eq!(*fate, None, "{share} %: an event at {place} is gone");
            } else if level(place) < highest {
                let severity = Some(Severity::from_level(level(place)));
                assert_eq!(*fate, Some((LossReason::SpoolFull, severity)), "{share} %: at {place}");
            }
        }
        let mut counts = LossCounts::default();
        for (_, severity) in fates.iter().flatten() {
            counts = counts.plus(&LossCounts::of(*severity, 1));
        }
        assert_eq!((figures.given_up.full, figures.lost), (counts, counts.total()), "{share} %");
        assert!(figures.lost >= gone_before);
        gone_before = figures.lost;
    }
    let before = spool.figures();
    drop(spool);
    assert_eq!(survey(&directory.path().join("spool")).unwrap().given_up, before.given_up);
    let spool = small(directory.path(), HUGE);
    assert_eq!(spool.figures(), before, "all of it is known after a restart");
}

#[test]
fn i3_what_is_only_low_becomes_one_note_and_the_last_resort_is_the_oldest() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = small(directory.path(), HUGE);
    for _ in 0..100 {
        let payload = alert(Severity::Low);
        spool.append(&payload);
        spool.sync(NOW).unwrap();
    }
    spool.caps.octets = spool.figures().octets / 2;
    spool.handle_acknowledged(Seq(0), NOW).unwrap();
    let notes = files(directory.path(), ".lost");
    assert!(!notes.is_empty() && spool.figures().given_up.full.low == spool.figures().lost, "{notes:?}");
    // Events have no severity: when nothing else is left to give up, the oldest segment goes.
    for number in 0..200 {
        let payload = record(number);
        spool.append(&payload);
        spool.sync(NOW).unwrap();
    }
    let figures = spool.figures();
    assert!(figures.given_up.full.other > 0 && figures.octets <= spool.caps.octets);
    assert_eq!(all(&mut spool, 1).len(), 300, "each place is told");
}

/// Found by a review: what the collector had of a segment that was given up whole was counted as lost.
#[test]
fn d5_of_a_segment_that_is_given_up_what_is_acknowledged_is_not_counted_as_lost_wherever_it_was_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = small(directory.path(), HUGE);
    for number in 1..=200 {
        spool.append(&record(number));
        spool.sync(NOW).unwrap();
    }
    let segments = files(directory.path(), ".seg");
    let begins = |path: &PathBuf| FileName::read(path.file_name().unwrap().to_str().unwrap()).unwrap().first.0;
    let (first, second, third) = (begins(&segments[0]), begins(&segments[1]), begins(&segments[2]));
    let acknowledged = second + (third - second) / 2;
    spool.handle_acknowledged(Seq(acknowledged), NOW).unwrap();
    spool.write_hint(NOW).unwrap();
    let whole = fs::read(&segments[1]).unwrap();
    spool.caps.octets = spool.figures().octets - fs::metadata(&segments[0]).unwrap().len() - 1;
    spool.handle_acknowledged(Seq(acknowledged), NOW).unwrap();
    let (figures, lost) = (spool.figures(), third - 1 - acknowledged);
    assert_eq!((first, figures.lost, figures.first), (1, lost, Seq(acknowledged + 1)), "neither more nor less");
    let told = all(&mut spool, acknowledged + 1);
    drop(spool);
    for stopped_before_it_was_removed in [false, true] {
        if stopped_before_it_was_removed {
            fs::write(&segments[1], &whole).unwrap();
        }
        let caps = Caps { octets: HUGE, segment_octets: 2_000, ..Caps::default() };
        let opened = Spool::open(Arc::new(RealVolume), &directory.path().join("spool"), caps, NOW);
        let (mut spool, recovered) = opened.unwrap();
        assert_eq!(recovered, Recovered { records: 201 - third, damaged_octets: 0 });
        assert_eq!(spool.figures(), figures, "stopped: {stopped_before_it_was_removed}");
        assert_eq!(all(&mut spool, acknowledged + 1), told);
        assert_eq!(told.len() as u64, 200 - acknowledged, "each place is told");
        assert!(!segments[1].exists());
        drop(spool);
        assert_eq!(survey(&directory.path().join("spool")).unwrap().lost, lost);
    }
}

#[test]
fn what_is_acknowledged_is_no_loss_and_what_waits_too_long_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = small(directory.path(), HUGE);
    let written = mixed(&mut spool, 100);
    let day = |days: u64| NOW.plus(Duration::from_secs(days * 86_400));
    spool.caps.unacknowledged_s = 20 * 86_400;
    spool.handle_acknowledged(Seq(30), NOW).unwrap();
    for days in 1..=11 {
        spool.handle_acknowledged(Seq(30), day(days)).unwrap();
    }
    let newest = spool.active.as_ref().map_or(0, |active| active.first.0 as usize - 1);
    let half = fates(&mut spool, &written);
    for (place, fate) in half.iter().enumerate().take(newest) {
        let goes = place >= 30 && place % 3 != 2 && place / 3 % 5 <= 1;
        assert_eq!(fate.map(|(reason, _)| reason), goes.then_some(LossReason::SpoolAged), "at {place} after 11 days");
    }
    let figures = spool.figures();
    assert_eq!(figures.lost, figures.given_up.aged.total());
    drop(spool);
    let mut spool = small(directory.path(), HUGE);
    spool.caps.unacknowledged_s = 20 * 86_400;
    for days in 12..=22 {
        spool.handle_acknowledged(Seq(30), day(days)).unwrap();
    }
    let whole = fates_from(&mut spool, 31, &written[30..]);
    assert!(whole.iter().take(newest - 30).all(Option::is_some), "nothing outlives the cap");
    assert!(whole.iter().skip(newest - 30).all(Option::is_none), "the newest segment holds the place");
    assert_eq!(spool.figures().lost, newest as u64 - 30, "and what was acknowledged is not counted");
}

#[test]
fn i3_making_room_looks_at_each_record_a_few_times_however_many_updates_lie_behind_their_alerts() {
    let directory = tempfile::tempdir().unwrap();
    let caps = Caps { octets: HUGE, ..Caps::default() };
    let mut spool = Spool::open(Arc::new(RealVolume), &directory.path().join("spool"), caps, NOW).unwrap().0;
    const ALERTS: u64 = 10_000;
    let opening = alert(Severity::High);
    for _ in 0..ALERTS {
        spool.append(&opening);
    }
    spool.sync(NOW).unwrap();
    for _ in 0..2 {
        spool.active.as_mut().unwrap().octets = HUGE; // full: the next records begin a new segment
        for number in 1..=ALERTS {
            spool.append(&update(Seq(number)));
        }
        spool.sync(NOW).unwrap();
    }
    spool.active.as_mut().unwrap().octets = HUGE;
    spool.append(&opening);
    spool.sync(NOW).unwrap();
    let octets = spool.figures().octets;
    spool.caps.octets = octets - 1;
    spool.handle_acknowledged(Seq(0), NOW).unwrap();
    let looked_at = spool.looked_at;
    assert!(looked_at <= 8 * ALERTS, "{looked_at} records were looked at to make room");
    let figures = spool.figures();
    assert!(figures.octets < octets && figures.lost == ALERTS, "{figures:?}: the first segment is enough");
    // What was looked at once is known: the levels below are not looked for again.
    spool.caps.octets = spool.figures().octets - 1;
    spool.handle_acknowledged(Seq(0), NOW).unwrap();
    assert!(spool.looked_at <= 3 * ALERTS, "{} records were looked at again", spool.looked_at);
    assert_eq!(spool.figures().lost, 2 * ALERTS);
}

#[test]
fn i3_one_making_of_room_is_bounded_and_the_next_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let caps = Caps { octets: HUGE, ..Caps::default() };
    let mut spool = Spool::open(Arc::new(RealVolume), &directory.path().join("spool"), caps, NOW).unwrap().0;
    let (high, low) = (alert(Severity::High), alert(Severity::Low));
    spool.looks_max = 500;
    for segment in 0..20 {
        for _ in 0..100 {
            spool.append(if segment == 18 { &low } else { &high });
        }
        spool.sync(NOW).unwrap();
        spool.active.as_mut().unwrap().octets = HUGE;
    }
    spool.caps.octets = spool.figures().octets - 1;
    let mut goes = 0;
    while spool.figures().octets > spool.caps.octets {
        spool.handle_acknowledged(Seq(0), NOW).unwrap();
        assert!(spool.looked_at <= 600, "{} at once", spool.looked_at);
        goes += 1;
        assert!(goes < 9, "no room is made");
    }
    assert!(goes > 2, "the test is too small for the bound");
    assert_eq!(spool.figures().given_up.full, LossCounts { low: 100, ..LossCounts::default() });
}

fn refusal(number: u64) -> Vec<u8> {
    let event = SensorEvent::ListRefused { revision: Revision(number), why: Text::cut("{}") };
    Record { time: NOW, body: RecordBody::Event(event) }.to_octets().unwrap()
}

#[test]
fn c1_i3_what_a_collector_has_refused_goes_before_every_alert_and_takes_nothing_else_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = small(directory.path(), HUGE);
    // Alerts and what else happened, and then a flood of refusals that a spool of this size cannot hold.
    let mut written = mixed(&mut spool, 40);
    // Room for the newest segment, which nothing goes from, and for what is left of those with something else in them.
    spool.caps.octets = spool.figures().octets + 8_000;
    for number in 0..2_000 {
        written.push(refusal(number));
        spool.append(&refusal(number));
        if number % 10 == 0 {
            spool.sync(NOW).unwrap();
        }
    }
    spool.sync(NOW).unwrap();
    let figures = spool.figures();
    assert!(figures.octets <= spool.caps.octets, "{figures:?}");
    let gone = fates(&mut spool, &written);
    for (place, fate) in gone.iter().enumerate().take(120) {
        assert_eq!(*fate, None, "the record at {place} was there before");
    }
    let lost = gone.iter().filter(|fate| **fate == Some((LossReason::SpoolFull, None))).count() as u64;
    assert!(lost > 1_500, "{lost}");
    assert_eq!(figures.given_up.full, LossCounts { other: lost, ..LossCounts::default() }, "each is counted");
    // An alert that comes now stays too.
    spool.append(&alert(Severity::Info));
    spool.sync(NOW).unwrap();
    written.push(alert(Severity::Info));
    for number in 0..500 {
        written.push(refusal(number));
        spool.append(&refusal(number));
        spool.sync(NOW).unwrap();
    }
    assert_eq!(fates(&mut spool, &written)[2_120], None);
    assert_eq!(spool.figures().given_up.full.info, 0);
}
