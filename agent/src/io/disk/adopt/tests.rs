//! What is taken over of a spool that was set aside: once, under the right numbers, and only what nobody has sent.

mod own;

use std::fs;

use super::*;
use crate::io::disk::owner::tests::owner;
use crate::io::disk::owner::{disown, set_aside as set_aside_of_before};
use crate::io::disk::volume::RealVolume;
use crate::ledger::tests::{opened, updated};
use crate::sensor::Statement;
use varde_common::alert::AlertUpdated;
use varde_common::codec::Text;
use varde_common::record::{Record, RecordBody, SensorEvent};

const NOW: Timestamp = Timestamp(1_000_000);

pub(super) fn open(data: &Path) -> Spool {
    Spool::open(Arc::new(RealVolume), &data.join("spool"), Caps::default(), NOW).unwrap().0
}

pub(super) fn adopt_into(data: &Path, spool: &mut Spool) -> u64 {
    adopt(data, &owner(7, "3407"), spool, Caps::default(), NOW).unwrap()
}

fn record(body: RecordBody) -> Vec<u8> {
    Record { time: NOW, body }.to_octets().unwrap()
}

pub(in crate::io::disk) fn opening() -> Vec<u8> {
    let Statement::Opened { body, .. } = opened(1, None) else { panic!("not opened") };
    record(RecordBody::Opened(body))
}

fn update_of(alert: u64) -> Vec<u8> {
    let Statement::Updated { body, .. } = updated(1, false) else { panic!("not updated") };
    record(RecordBody::Updated(AlertUpdated { alert: Seq(alert), ..body }))
}

fn bodies(spool: &mut Spool) -> Vec<RecordBody> {
    let octets = spool.read(Seq(1), NOW).unwrap();
    octets.iter().map(|octets| Record::from_octets(octets).unwrap().body).collect()
}

/// Two records that were sent, and four that never were.
pub(in crate::io::disk) fn set_aside(data: &Path, committed: Seq) {
    let mut spool = open(data);
    for octets in [opening(), opening(), update_of(2), opening(), update_of(4), update_of(2)] {
        spool.append(&octets);
    }
    spool.sync(NOW).unwrap();
    spool.handle_sending_ended(Seq(3)).unwrap();
    allow(&RealVolume, spool.directory(), committed).unwrap();
    spool.set_aside().unwrap();
}

#[test]
fn p5_what_was_never_sent_is_taken_over_once_and_under_the_new_numbers() {
    let data = tempfile::tempdir().unwrap();
    set_aside(data.path(), Seq(1));
    for round in 0..3u64 {
        let mut spool = open(data.path());
        let adopted = adopt_into(data.path(), &mut spool);
        assert_eq!(adopted, if round == 0 { 4 } else { 0 });
        let bodies = bodies(&mut spool);
        assert!(matches!(&bodies[0], RecordBody::Opened(again) if again.count == 5), "what the update adds");
        assert!(matches!(&bodies[1], RecordBody::Opened(alert) if alert.count == 1));
        assert!(matches!(&bodies[2], RecordBody::Updated(AlertUpdated { alert: Seq(2), .. })));
        assert!(matches!(&bodies[3], RecordBody::Updated(AlertUpdated { alert: Seq(1), .. })));
        assert_eq!(bodies.len(), 4);
    }
}

#[test]
fn p5_another_members_alerts_are_never_taken_over_whoever_set_them_aside() {
    for (before, taken) in [(Some(owner(3, "0301")), 0), (None, 0), (Some(owner(3, "3407")), 4)] {
        let data = tempfile::tempdir().unwrap();
        drop(open(data.path()));
        if let Some(before) = before {
            before.claim(data.path()).unwrap();
        }
        // Told to begin anew, and enrolled anew before it did.
        set_aside(data.path(), Seq(1));
        disown(data.path()).unwrap();
        let mut spool = open(data.path());
        assert_eq!(adopt_into(data.path(), &mut spool), taken);
    }
}

#[test]
fn d1_what_waited_when_the_same_member_enrolled_anew_is_delivered_once_and_anothers_stays() {
    for (member, taken) in [("3407", 3), ("0301", 0)] {
        let data = tempfile::tempdir().unwrap();
        let mut spool = open(data.path());
        owner(3, member).claim(data.path()).unwrap();
        for _ in 0..6 {
            spool.append(&opening());
        }
        spool.sync(NOW).unwrap();
        // Two are acknowledged, a third was under way when the collector closed: it may be stored.
        spool.handle_sending_ended(Seq(4)).unwrap();
        spool.handle_acknowledged(Seq(2), NOW).unwrap();
        spool.write_hint(NOW).unwrap();
        drop(spool);
        let before = set_aside_of_before(data.path(), &owner(7, "3407")).unwrap().unwrap();
        assert_eq!((before.waiting, before.same_member), (4, taken > 0));
        for again in [false, true] {
            let mut spool = open(data.path());
            assert_eq!(adopt_into(data.path(), &mut spool), if again { 0 } else { taken });
            assert_eq!(bodies(&mut spool).len() as u64, taken);
        }
    }
}

#[test]
fn p5_what_a_later_state_may_have_sent_is_left_where_it_is() {
    for (committed, taken) in [(2, 4), (4, 2), (6, 0), (90, 0)] {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(committed));
        let mut spool = open(data.path());
        assert_eq!(adopt_into(data.path(), &mut spool), taken, "{committed}");
    }
    // Nobody has said what the collector had: a disk so full that not even that could be noted. It is named for as long as
    // it lies there.
    let data = tempfile::tempdir().unwrap();
    set_aside(data.path(), Seq(2));
    let aside = left(&RealVolume, data.path()).unwrap().pop().unwrap();
    let committed = fs::read(aside.join(COMMITTED)).unwrap();
    fs::remove_file(aside.join(COMMITTED)).unwrap();
    for _ in 0..2 {
        let mut spool = open(data.path());
        assert_eq!(adopt_into(data.path(), &mut spool), 0);
        assert_eq!(left(&RealVolume, data.path()).unwrap().first(), Some(&aside));
    }
    fs::write(aside.join(COMMITTED), committed).unwrap();
    assert_eq!(adopt_into(data.path(), &mut open(data.path())), 4);
    assert!(left(&RealVolume, data.path()).unwrap().is_empty());
}

#[test]
fn i8_an_alert_that_is_opened_again_by_the_last_word_of_it_is_closed_too() {
    let data = tempfile::tempdir().unwrap();
    let mut spool = open(data.path());
    let Statement::Updated { body, .. } = updated(1, true) else { panic!("not updated") };
    let closing = |alert| record(RecordBody::Updated(AlertUpdated { alert: Seq(alert), ..body.clone() }));
    for octets in [opening(), opening(), closing(1), opening(), closing(2)] {
        spool.append(&octets);
    }
    spool.sync(NOW).unwrap();
    spool.handle_sending_ended(Seq(3)).unwrap();
    allow(&RealVolume, spool.directory(), Seq(2)).unwrap();
    spool.set_aside().unwrap();
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 3);
    let said: Vec<(u64, u64, bool)> = bodies(&mut spool)
        .iter()
        .zip(1..)
        .map(|(body, number)| match body {
            RecordBody::Opened(opened) => (number, opened.count, false),
            RecordBody::Updated(update) => (update.alert.0, update.count_increase, update.closed),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said, [(1, 5, false), (2, 1, false), (3, 5, false), (1, 0, true), (3, 0, true)]);
    // Nor twice, when it was stopped between the last record and its end.
    let aside = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.filter(|path| path.join("adopted").exists()).last().unwrap();
    fs::rename(aside.join("adopted"), aside.join("adopting")).unwrap();
    assert_eq!(adopt_into(data.path(), &mut spool), 0);
    assert_eq!(bodies(&mut spool).len(), 5);
}

#[test]
fn p5_taking_over_goes_on_wherever_it_was_stopped() {
    for stopped_after in 0..=4usize {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        let path = data.path().join("spool");
        let mut spool = open(data.path());
        adopt_into(data.path(), &mut spool);
        let whole = spool.read(Seq(1), NOW).unwrap();
        drop(spool);
        // As it was after so many were on disk: the plan lies there, the new spool holds that much.
        fs::remove_dir_all(&path).unwrap();
        let mut spool = open(data.path());
        for octets in whole.iter().take(stopped_after) {
            spool.append(octets);
        }
        spool.sync(NOW).unwrap();
        let epoch = spool.figures().epoch;
        let aside = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
        let aside = aside.filter(|path| path.join("adopted").exists()).last().unwrap();
        fs::remove_file(aside.join("adopted")).unwrap();
        Plan::of(Piece { from: Seq(3), to: Seq(7), epoch, first: Seq(1) }).write(&RealVolume, &aside).unwrap();
        assert_eq!(adopt_into(data.path(), &mut spool), 4 - stopped_after as u64);
        assert_eq!(spool.read(Seq(1), NOW).unwrap(), whole, "stopped after {stopped_after}");
    }
}

/// Two records that were sent and four that were not, as [`set_aside`]; each was opened again, or updates what was, or is closed.
fn set_aside_with_closings(data: &Path) {
    let mut spool = open(data);
    let Statement::Updated { body, .. } = updated(1, true) else { panic!("not updated") };
    let closing = |alert| record(RecordBody::Updated(AlertUpdated { alert: Seq(alert), ..body.clone() }));
    for octets in [opening(), opening(), closing(1), opening(), update_of(4), closing(2)] {
        spool.append(&octets);
    }
    spool.sync(NOW).unwrap();
    spool.handle_sending_ended(Seq(3)).unwrap();
    allow(&RealVolume, spool.directory(), Seq(2)).unwrap();
    spool.set_aside().unwrap();
}

#[test]
fn d5_i8_what_waited_for_room_follows_what_was_written_meanwhile_and_knows_its_alerts() {
    // Four records and what closes two alerts again; stopped behind each of the six, by a disk that was full then.
    for stopped_after in 0..=6usize {
        let data = tempfile::tempdir().unwrap();
        set_aside_with_closings(data.path());
        let path = data.path().join("spool");
        let mut spool = open(data.path());
        adopt_into(data.path(), &mut spool);
        let whole = spool.read(Seq(1), NOW).unwrap();
        assert_eq!(whole.len(), 6);
        drop(spool);
        fs::remove_dir_all(&path).unwrap();
        let mut spool = open(data.path());
        for octets in whole.iter().take(stopped_after) {
            spool.append(octets);
        }
        let epoch = spool.figures().epoch;
        let aside = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
        let aside = aside.filter(|path| path.join("adopted").exists()).last().unwrap();
        fs::remove_file(aside.join("adopted")).unwrap();
        Plan::of(Piece { from: Seq(3), to: Seq(7), epoch, first: Seq(1) }).write(&RealVolume, &aside).unwrap();
        plan::pause(&aside, Seq(3 + stopped_after as u64), &spool).unwrap();
        // The sensor works on.
        spool.append(&record(RecordBody::Event(SensorEvent::Started { version: Text::cut("1") })));
        spool.sync(NOW).unwrap();
        drop(spool);
        let mut spool = open(data.path());
        let expected = 4u64.saturating_sub(stopped_after as u64);
        assert_eq!(adopt_into(data.path(), &mut spool), expected, "stopped after {stopped_after}");
        assert_eq!(adopt_into(data.path(), &mut spool), 0);
        let (mut opened, mut counts, mut closed) = (Vec::new(), 0, Vec::new());
        for (number, body) in (1..).zip(bodies(&mut spool)) {
            match body {
                RecordBody::Opened(body) => {
                    opened.push(Seq(number));
                    counts += body.count;
                }
                RecordBody::Updated(update) => {
                    assert!(opened.contains(&update.alert), "{number} updates {}", update.alert);
                    counts += update.count_increase;
                    closed.extend(update.closed.then_some(update.alert));
                }
                RecordBody::Event(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((opened.len(), counts, closed.len()), (3, 16, 2), "stopped after {stopped_after}");
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
    }
}

#[test]
fn p5_d2_what_a_spool_took_over_that_was_set_aside_itself_is_not_taken_over_again_whatever_it_is_called() {
    for enrolled_anew in [false, true] {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        let mut second = open(data.path());
        owner(7, "3407").claim(data.path()).unwrap();
        adopt_into(data.path(), &mut second);
        let whole = second.read(Seq(1), NOW).unwrap();
        drop(second);
        // As it was when two of four had come.
        fs::remove_dir_all(data.path().join("spool")).unwrap();
        let mut second = open(data.path());
        let first = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
        let first = first.filter(|path| path.join("adopted").exists()).last().unwrap();
        whole.iter().take(2).for_each(|octets| {
            second.append(octets);
        });
        second.sync(NOW).unwrap();
        second.handle_sending_ended(Seq(1)).unwrap();
        owner(7, "3407").claim(data.path()).unwrap();
        fs::remove_file(first.join("adopted")).unwrap();
        let epoch = second.figures().epoch;
        Plan::of(Piece { from: Seq(3), to: Seq(7), epoch, first: Seq(1) }).write(&RealVolume, &first).unwrap();
        let whose = if enrolled_anew {
            drop(second);
            set_aside_of_before(data.path(), &owner(9, "3407")).unwrap().unwrap();
            owner(9, "3407")
        } else {
            allow(&RealVolume, second.directory(), Seq(0)).unwrap();
            second.set_aside().unwrap();
            owner(7, "3407")
        };
        for again in [false, true] {
            let mut third = open(data.path());
            whose.claim(data.path()).unwrap();
            let adopted = adopt(data.path(), &whose, &mut third, Caps::default(), NOW).unwrap();
            assert_eq!(adopted, if again { 0 } else { 4 }, "enrolled anew: {enrolled_anew}");
            assert_eq!(bodies(&mut third).len(), 4);
        }
    }
}

#[test]
fn d6_a_spool_set_aside_that_cannot_be_read_keeps_no_sensor_from_starting_and_is_taken_over_once_it_can() {
    // Before anything came, and when the new spool has half of it.
    for is_begun in [false, true] {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        let aside = left(&RealVolume, data.path()).unwrap().pop().unwrap();
        let mut spool = open(data.path());
        if is_begun {
            let epoch = spool.figures().epoch;
            Plan::of(Piece { from: Seq(3), to: Seq(7), epoch, first: Seq(1) }).write(&RealVolume, &aside).unwrap();
            [opening(), opening()].iter().for_each(|octets| {
                spool.append(octets);
            });
            spool.sync(NOW).unwrap();
        }
        let names = fs::read_dir(&aside).unwrap().map(|entry| entry.unwrap().path());
        let segment = names.filter(|path| path.extension().is_some_and(|end| end == "seg")).last().unwrap();
        let kept = data.path().join("kept");
        fs::rename(&segment, &kept).unwrap();
        // As a bad sector does, a directory refuses to be read.
        fs::create_dir(&segment).unwrap();
        assert_eq!(adopt_into(data.path(), &mut spool), 0);
        let looked = crate::io::disk::outlived::look(data.path(), NOW).unwrap();
        assert!(looked.is_empty() && crate::io::disk::outlived::known(data.path())[0].undelivered > 0);
        // It works.
        spool.append(&opening());
        assert_eq!(spool.sync(NOW).unwrap().lost, None);
        drop(spool);
        fs::remove_dir(&segment).unwrap();
        fs::rename(&kept, &segment).unwrap();
        let mut spool = open(data.path());
        assert_eq!(adopt_into(data.path(), &mut spool), if is_begun { 2 } else { 4 });
        assert_eq!(spool.next(), Seq(6), "four and one");
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
    }
}

/// As it was when two of four had come: gives the directory that was set aside.
pub(super) fn begun(data: &Path, spool: &mut Spool) -> PathBuf {
    let aside = left(&RealVolume, data).unwrap().pop().unwrap();
    let piece = Piece { from: Seq(3), to: Seq(7), epoch: spool.figures().epoch, first: Seq(1) };
    Plan::of(piece).write(&RealVolume, &aside).unwrap();
    [opening(), opening()].iter().for_each(|octets| {
        spool.append(octets);
    });
    spool.sync(NOW).unwrap();
    aside
}

#[test]
fn d6_d2_a_plan_that_cannot_be_read_is_never_written_over_and_nothing_is_lost_nor_twice_once_it_can() {
    let octets = {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        fs::read(begun(data.path(), &mut open(data.path())).join("adopting")).unwrap().len()
    };
    // Each of its octets in turn is damaged, and last a bad sector.
    for damaged in (0..=octets).step_by(3).chain([octets - 1]) {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        let mut spool = open(data.path());
        let aside = begun(data.path(), &mut spool);
        let (plan, kept) = (aside.join("adopting"), data.path().join("kept"));
        let whole = fs::read(&plan).unwrap();
        if damaged == octets {
            fs::rename(&plan, &kept).unwrap();
            fs::create_dir(&plan).unwrap();
        } else {
            let mut torn = whole.clone();
            torn[damaged] ^= 1;
            fs::write(&plan, torn).unwrap();
        }
        // It works, and writes where the plan had promised a place.
        for next in 3..5 {
            assert_eq!(adopt_into(data.path(), &mut spool), 0, "octet {damaged}");
            spool.append(&record(RecordBody::Event(SensorEvent::Started { version: Text::cut("1") })));
            spool.sync(NOW).unwrap();
            assert_eq!(spool.next(), Seq(next + 1));
            spool = open(data.path());
        }
        let names = fs::read_dir(&aside).unwrap().map(|entry| entry.unwrap().path());
        let named = names.filter(|path| path.to_string_lossy().contains("adopting")).last().unwrap();
        if damaged == octets {
            fs::remove_dir(&named).unwrap();
        }
        fs::write(&named, &whole).unwrap();
        assert_eq!(adopt_into(data.path(), &mut spool), 2, "octet {damaged}");
        let alerts = bodies(&mut spool).into_iter().filter(|body| !matches!(body, RecordBody::Event(_)));
        assert_eq!(alerts.count(), 4, "octet {damaged}");
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
    }
}

#[test]
fn v1_a_plan_as_it_was_written_before_it_had_a_checksum_is_gone_on_with() {
    let data = tempfile::tempdir().unwrap();
    set_aside(data.path(), Seq(2));
    let mut spool = open(data.path());
    let plan = begun(data.path(), &mut spool).join("adopting");
    fs::write(&plan, format!("3 7 {} 1\n", spool.figures().epoch)).unwrap();
    assert_eq!(adopt_into(data.path(), &mut spool), 2);
    assert!(left(&RealVolume, data.path()).unwrap().is_empty());
}

#[test]
fn d6_one_directory_that_nobody_can_read_keeps_no_sensor_from_starting() {
    let data = tempfile::tempdir().unwrap();
    set_aside(data.path(), Seq(2));
    let mut spool = open(data.path());
    // Begun by a spool that was set aside in its turn; to know how far it came all of them must be read.
    begun(data.path(), &mut spool);
    allow(&RealVolume, spool.directory(), Seq(0)).unwrap();
    spool.set_aside().unwrap();
    let nowhere = data.path().join("spool.aside-0-0");
    std::os::unix::fs::symlink("nowhere", &nowhere).unwrap();
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 2, "what came before it was set aside itself");
    fs::remove_file(&nowhere).unwrap();
    assert_eq!(adopt_into(data.path(), &mut open(data.path())), 2);
    assert!(left(&RealVolume, data.path()).unwrap().is_empty());
}

#[test]
fn d2_what_has_begun_is_ended_before_another_is_begun_whatever_they_are_called() {
    let data = tempfile::tempdir().unwrap();
    set_aside(data.path(), Seq(2));
    let mut spool = open(data.path());
    let aside = begun(data.path(), &mut spool);
    drop(spool);
    fs::rename(&aside, data.path().join("spool.aside-z-0")).unwrap();
    let kept = data.path().join("kept");
    fs::rename(data.path().join("spool"), &kept).unwrap();
    // Another that waited, for room or until it could be read, and stands before it.
    set_aside(data.path(), Seq(2));
    fs::rename(kept, data.path().join("spool")).unwrap();
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 6);
    assert_eq!(bodies(&mut spool).len(), 8);
}

#[test]
fn d5_what_tried_for_room_and_was_stopped_takes_none_after_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let tried = data.path().join("spool.room.tmp");
    fs::write(&tried, [0; 9]).unwrap();
    assert_eq!(adopt_into(data.path(), &mut open(data.path())), 0);
    assert!(!tried.exists());
}

/// Found by a review: a flipped bit took over what the collector had, twice.
#[test]
fn d6_d2_what_the_collector_had_of_a_spool_set_aside_is_known_or_not_and_never_something_else() {
    let data = tempfile::tempdir().unwrap();
    set_aside(data.path(), Seq(5));
    let aside = left(&RealVolume, data.path()).unwrap().pop().unwrap();
    let noted = fs::read(aside.join(COMMITTED)).unwrap();
    assert_eq!(committed(&RealVolume, &aside), Some(Seq(5)));
    for place in 0..noted.len() {
        for bit in 0..8 {
            let mut torn = noted.clone();
            torn[place] ^= 1 << bit;
            fs::write(aside.join(COMMITTED), torn).unwrap();
            assert_eq!(committed(&RealVolume, &aside), None, "octet {place}, bit {bit}");
        }
    }
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 0, "nothing is taken over on a damaged word");
    // A version before wrote the number alone.
    fs::write(aside.join(COMMITTED), "5\n").unwrap();
    assert_eq!(adopt_into(data.path(), &mut spool), 1, "the sixth");
}
