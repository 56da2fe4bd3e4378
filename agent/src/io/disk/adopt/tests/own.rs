//! Directories that nobody can enter: what the sensor writes meanwhile is its own, and nothing of another comes twice.

use super::*;
use crate::io::disk::spool::own::{Own, own_from};
use crate::io::disk::spool::tests::worn::Worn;

/// So that it can be neither entered nor named: in its place lies something that is no directory.
#[test]
fn d6_d2_what_is_written_while_nobody_can_enter_a_directory_is_not_taken_for_what_its_plan_promised() {
    for is_set_aside in [false, true] {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        let mut spool = open(data.path());
        let aside = begun(data.path(), &mut spool);
        let kept = data.path().join("kept");
        for _ in 0..2 {
            fs::rename(&aside, &kept).unwrap();
            std::os::unix::fs::symlink("nowhere", &aside).unwrap();
            assert_eq!(adopt_into(data.path(), &mut spool), 0);
            spool.append(&record(RecordBody::Event(SensorEvent::Started { version: Text::cut("1") })));
            spool.sync(NOW).unwrap();
            spool = open(data.path());
            fs::remove_file(&aside).unwrap();
            fs::rename(&kept, &aside).unwrap();
        }
        assert_eq!(spool.next(), Seq(5), "two that came, and two of its own");
        if is_set_aside {
            allow(&RealVolume, spool.directory(), Seq(4)).unwrap();
            spool.set_aside().unwrap();
            spool = open(data.path());
        }
        assert_eq!(adopt_into(data.path(), &mut spool), 2, "set aside: {is_set_aside}");
        let alerts = bodies(&mut spool).into_iter().filter(|body| !matches!(body, RecordBody::Event(_)));
        assert_eq!(alerts.count(), if is_set_aside { 2 } else { 4 });
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
        assert_eq!(adopt_into(data.path(), &mut open(data.path())), 0, "once");
    }
}

#[test]
fn d2_a_directory_that_nobody_can_enter_makes_nothing_of_another_come_twice() {
    let data = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("nowhere", data.path().join("spool.aside-0-0")).unwrap();
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 0);
    drop(spool);
    let kept = data.path().join("kept");
    fs::rename(data.path().join("spool"), &kept).unwrap();
    set_aside(data.path(), Seq(2));
    fs::rename(kept, data.path().join("spool")).unwrap();
    // Stopped when two had come, and started twice more.
    drop(begun(data.path(), &mut open(data.path())));
    assert_eq!(adopt_into(data.path(), &mut open(data.path())), 2);
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 0);
    assert_eq!(bodies(&mut spool).len(), 4);
}

/// So that nobody can enter it.
fn hide(data: &Path, aside: &Path) {
    fs::rename(aside, data.join("kept")).unwrap();
    std::os::unix::fs::symlink("nowhere", aside).unwrap();
}

fn show(data: &Path, aside: &Path) {
    fs::remove_file(aside).unwrap();
    fs::rename(data.join("kept"), aside).unwrap();
}

/// A start at which the sensor writes a record of its own.
fn works_once(data: &Path) {
    let mut spool = open(data);
    assert_eq!(adopt_into(data, &mut spool), 0);
    spool.append(&record(RecordBody::Event(SensorEvent::Started { version: Text::cut("1") })));
    spool.sync(NOW).unwrap();
}

fn alerts(data: &Path) -> usize {
    bodies(&mut open(data)).into_iter().filter(|body| !matches!(body, RecordBody::Event(_))).count()
}

/// Of four that were planned two have come; `is_noted` as this version begins a plan, else as one before did.
fn two_of_four(data: &Path, is_noted: bool) -> PathBuf {
    set_aside(data, Seq(2));
    let mut spool = open(data);
    if is_noted {
        assert!(spool.note_begun(spool.next()).unwrap());
    }
    begun(data, &mut spool)
}

/// Found by a review: from the 65th start on what had not come was taken for delivered.
#[test]
fn d2_d1_however_often_it_starts_meanwhile_what_a_plan_had_promised_comes_once() {
    for is_noted in [true, false] {
        let data = tempfile::tempdir().unwrap();
        let aside = two_of_four(data.path(), is_noted);
        hide(data.path(), &aside);
        (0..70).for_each(|_| works_once(data.path()));
        show(data.path(), &aside);
        assert_eq!(adopt_into(data.path(), &mut open(data.path())), 2, "noted: {is_noted}");
        assert_eq!(alerts(data.path()), 4, "noted: {is_noted}");
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
    }
}

#[test]
fn d1_a_plan_of_which_nothing_had_come_is_not_taken_for_carried_out() {
    let data = tempfile::tempdir().unwrap();
    set_aside(data.path(), Seq(2));
    let aside = left(&RealVolume, data.path()).unwrap().pop().unwrap();
    let spool = open(data.path());
    assert!(spool.note_begun(Seq(1)).unwrap());
    let piece = Piece { from: Seq(3), to: Seq(7), epoch: spool.figures().epoch, first: Seq(1) };
    Plan::of(piece).write(&RealVolume, &aside).unwrap();
    drop(spool);
    hide(data.path(), &aside);
    (0..5).for_each(|_| works_once(data.path()));
    show(data.path(), &aside);
    assert_eq!(adopt_into(data.path(), &mut open(data.path())), 4);
    assert_eq!(alerts(data.path()), 4);
}

#[test]
fn d1_d2_of_a_plan_so_old_that_nobody_knows_its_place_nothing_is_believed() {
    let data = tempfile::tempdir().unwrap();
    let mut spool = open(data.path());
    let write = |spool: &mut Spool| {
        spool.append(&opening());
        spool.sync(NOW).unwrap();
    };
    let mut plans = Vec::new();
    for _ in 0..200 {
        let first = spool.next();
        assert!(spool.note_begun(first).unwrap());
        write(&mut spool);
        spool.note_own().unwrap();
        plans.push((first, spool.next()));
        write(&mut spool);
        // Who starts again and again adds nothing.
        spool.note_own().unwrap();
    }
    assert!(fs::metadata(spool.directory().join("own")).unwrap().len() <= 4_096);
    let epoch = spool.figures().epoch;
    for (number, (first, own)) in plans.into_iter().rev().enumerate() {
        let known = if number < 64 { Own::From(own) } else { Own::Unknown };
        assert_eq!(own_from(&RealVolume, spool.directory(), epoch, first), known, "{number} before the last");
    }
    assert_eq!(own_from(&RealVolume, spool.directory(), epoch, spool.next()), Own::Nothing);
}

/// Found by a review: a damaged one said that all that stands there was taken over.
#[test]
fn d6_d1_no_bit_of_the_file_makes_what_a_plan_had_promised_go_without_a_word() {
    let data = tempfile::tempdir().unwrap();
    let aside = two_of_four(data.path(), true);
    hide(data.path(), &aside);
    works_once(data.path());
    let (path, epoch) = (data.path().join("spool").join("own"), open(data.path()).figures().epoch);
    let whole = fs::read(&path).unwrap();
    let said = || own_from(&RealVolume, &data.path().join("spool"), epoch, Seq(1));
    assert_eq!(said(), Own::From(Seq(3)));
    for (place, bit) in (0..whole.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
        let mut torn = whole.clone();
        torn[place] ^= 1 << bit;
        fs::write(&path, torn).unwrap();
        assert_eq!(said(), Own::Unknown, "octet {place}, bit {bit}");
        fs::write(&path, &whole[..place]).unwrap();
        assert_eq!(said(), Own::Unknown, "cut at {place}");
    }
    // The sector that it stands in is bad.
    let worn = Worn::new(&path, 0, libc::EIO, u32::MAX);
    assert_eq!(own_from(&worn, &data.path().join("spool"), epoch, Seq(1)), Own::Unknown);
}

#[test]
fn d6_d1_d2_behind_a_damaged_file_all_of_a_plan_comes_anew_and_nothing_more_often_than_twice() {
    for is_started_meanwhile in [false, true] {
        let data = tempfile::tempdir().unwrap();
        let aside = two_of_four(data.path(), true);
        hide(data.path(), &aside);
        works_once(data.path());
        let own = data.path().join("spool").join("own");
        let mut octets = fs::read(&own).unwrap();
        octets[0] ^= 1;
        fs::write(&own, octets).unwrap();
        // What is noted anew says no more than is known.
        (0..if is_started_meanwhile { 3 } else { 0 }).for_each(|_| works_once(data.path()));
        show(data.path(), &aside);
        let mut spool = open(data.path());
        assert_eq!(adopt_into(data.path(), &mut spool), 4, "meanwhile: {is_started_meanwhile}");
        // Stopped behind that, before it was noted that it is whole.
        fs::rename(aside.join("adopted"), aside.join("adopting")).unwrap();
        assert_eq!(adopt_into(data.path(), &mut open(data.path())), 0, "its place is known from there on");
        assert_eq!(alerts(data.path()), 6, "two of them twice");
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
    }
}
