//! What somebody else's clock does to a sensor's time: a machine's in 1970 or set, a collector's ahead by mistake, and a CA's key in
//! another's hands.

use super::*;
use crate::subscription::tests::{key, root_of};

const DAY: Duration = Duration::from_secs(86_400);
const NOW: Timestamp = Timestamp(Timestamp::WRITTEN.0 + 100 * 86_400_000_000);
const UP: Duration = Duration::from_secs(1000);
/// What an honest collector's certificate is good for at the least, whenever it shows it.
const LEFT: Duration = Duration::from_secs(120 * 86_400);
const OURS: &str = "a";
const NEXT: &str = "b";

/// A root document that is good for a year and names these CAs.
fn root(authorities: &[&str]) -> Root {
    let ca = authorities.iter().map(|ca| (*ca).to_owned()).collect();
    Root { expires: NOW.plus(DAY * 365), ca, ..root_of(&key(1)) }
}

fn kept(at: Timestamp, ca: Option<&str>) -> Option<Passed> {
    Some(Passed { at, ca: ca.map(str::to_owned) })
}

/// A sensor whose collector has proved itself with a certificate of a year.
fn proved() -> EffectiveTime {
    let mut time = EffectiveTime::new(&root(&[OURS]), kept(NOW.minus(DAY * 20), Some(OURS)), NOW);
    time.handle_proof(NOW.plus(DAY * 360), OURS.to_owned());
    time
}

/// Whether the certificate that an honest collector shows now is taken.
fn is_let_in(time: &EffectiveTime, system: Timestamp) -> bool {
    time.readings(system, UP).iter().any(|reading| *reading < NOW.plus(LEFT))
}

#[test]
fn k1_a_clock_in_1970_is_later_than_what_has_passed() {
    let read = |kept, system| EffectiveTime::new(&root(&[OURS]), kept, system).readings(system, UP);
    let issued = kept(NOW.minus(DAY * 20), None);
    assert_eq!(read(None, Timestamp(0)), [Timestamp::WRITTEN; 2]);
    assert_eq!(
        read(issued.clone(), Timestamp(0)),
        [NOW.minus(DAY * 20); 2],
        "a program from before, or a new certificate"
    );
    assert_eq!(read(kept(NOW, Some(OURS)), Timestamp(0)), [NOW; 2]);
    assert_eq!(read(kept(NOW, Some(NEXT)), Timestamp(0)), [Timestamp::WRITTEN; 2], "a CA that nobody names");
    assert_eq!(read(issued, NOW), [NOW; 2], "a right clock is believed");
}

#[test]
fn k1_a_clock_that_is_set_or_a_suspension_leaves_the_word_where_it_was() {
    let mut time = proved();
    assert_eq!(time.handle_word(NOW, NOW, UP), kept(NOW, Some(OURS)));
    let ten_years = DAY * 3650;
    for system in [NOW.minus(ten_years), NOW.minus(DAY), NOW.plus(DAY), NOW.plus(ten_years)] {
        let later = NOW.plus(DAY * 3);
        assert_eq!(time.readings(system, UP + DAY * 3), [system.max(NOW), later]);
        assert_eq!(time.by_word(system, UP + DAY * 3), later);
    }
}

#[test]
fn k1_a_word_is_believed_within_the_proof_and_a_few_seconds_are_not_worth_a_write() {
    let mut time = proved();
    assert_eq!(time.handle_word(NOW.plus(DAY * 361), NOW, UP), None, "a collector whose clock is years ahead");
    assert_eq!(time.readings(NOW, UP), [NOW; 2]);
    assert!(time.handle_word(NOW, NOW, UP).is_some());
    let soon = NOW.plus(Duration::from_secs(5));
    assert_eq!(time.handle_word(soon, NOW, UP), None);
    assert_eq!(time.readings(Timestamp(0), UP)[0], soon);
    let mut unproved = EffectiveTime::new(&root(&[OURS]), None, NOW);
    assert_eq!(unproved.handle_word(NOW.plus(DAY), NOW, UP), None, "nobody has proved anything");
}

#[test]
fn k1_t14_a_collector_that_was_ahead_by_mistake_freezes_nothing_once_it_is_right() {
    for days in [40, 170, 340] {
        let ahead = NOW.plus(DAY * days);
        let mut time = proved();
        time.handle_word(NOW, NOW, UP);
        time.handle_word(ahead, NOW, UP);
        assert_eq!(time.between(NOW, UP), [NOW, ahead], "both must say that a list has run out");
        assert!(is_let_in(&time, NOW), "{days} days");
        time.handle_word(NOW, NOW, UP);
        assert_eq!(time.between(NOW, UP), [NOW; 2], "{days} days");
        assert_eq!(time.by_word(NOW, UP), NOW);
        // A start later, by what is kept.
        let kept = time.passed.clone();
        assert!(kept.at <= NOW.plus(DAY * 60), "{kept:?}");
        let started = EffectiveTime::new(&root(&[OURS]), Some(kept), NOW);
        assert_eq!(started.between(NOW, UP), [NOW; 2]);
        assert!(is_let_in(&started, NOW));
    }
}

#[test]
fn k1_t14_a_lower_word_counts_towards_the_machines_clock_and_no_further() {
    let mut time = proved();
    time.handle_word(NOW.plus(DAY * 40), NOW, UP);
    for word in [NOW.minus(DAY * 2), NOW.minus(DAY * 100), Timestamp(0)] {
        time.handle_word(word, NOW, UP);
        assert_eq!(time.by_word(NOW, UP), NOW.plus(DAY * 40), "who wants a list to have not run out yet");
    }
    // The machine is ten days behind: the collector's next word is nearer to it than the one before.
    time.handle_word(NOW, NOW.minus(DAY * 10), UP);
    assert_eq!(time.by_word(NOW, UP), NOW);
    let passed = time.passed.at;
    time.handle_word(NOW.minus(DAY), NOW, UP);
    assert_eq!(time.passed.at, passed, "what has passed stays, so that no certificate is good again");
}

#[test]
fn k1_t14_a_machine_without_a_clock_goes_by_its_collector_and_no_further_than_its_root_document() {
    let mut time = proved();
    let unset = Timestamp(0);
    assert_eq!(time.between(unset, UP), [Timestamp::WRITTEN, NOW.minus(DAY * 20)], "nothing has run out");
    time.handle_word(NOW.plus(DAY * 40), unset, UP);
    assert_eq!(time.between(unset, UP), [NOW.plus(DAY * 40); 2]);
    time.handle_word(NOW, unset, UP);
    assert_eq!(time.between(unset, UP), [NOW; 2], "it has no other to ask");
    time.handle_proof(NOW.plus(DAY * 3000), OURS.to_owned());
    time.handle_word(NOW.plus(DAY * 2000), unset, UP);
    let end = NOW.plus(DAY * 365);
    assert_eq!((time.between(unset, UP), time.passed.at), ([end; 2], end));
}

/// Whoever has the CA's key goes as far as they can, in steps, each by a certificate that the one before makes good.
fn hostile_authority(time: &mut EffectiveTime, system: Timestamp) {
    for step in 1..20u32 {
        let ahead = NOW.plus(DAY * 170 * step);
        time.handle_proof(ahead.plus(DAY * 365), OURS.to_owned());
        time.handle_word(ahead, system, UP);
    }
}

#[test]
fn c4_t14_a_stolen_ca_locks_no_sensor_out_that_has_a_clock() {
    let mut time = proved();
    hostile_authority(&mut time, NOW);
    assert!(is_let_in(&time, NOW), "{time:?}");
    assert_eq!(time.between(NOW, UP)[0], NOW, "and nothing has run out by it");
    // The honest collector is heard again, before anything was replaced.
    time.handle_proof(NOW.plus(DAY * 360), OURS.to_owned());
    time.handle_word(NOW, NOW, UP);
    assert_eq!(time.between(NOW, UP), [NOW; 2]);
    let started = EffectiveTime::new(&root(&[OURS]), Some(time.passed), NOW);
    assert!(is_let_in(&started, NOW));
}

#[test]
fn c4_t14_what_a_stolen_ca_said_falls_with_it_also_without_a_clock() {
    let unset = Timestamp(0);
    let mut time = proved();
    hostile_authority(&mut time, unset);
    assert!(!is_let_in(&time, unset), "without a clock it is believed, to the end of the root document");
    time.handle_root(&root(&[OURS, NEXT]));
    assert!(!is_let_in(&time, unset));
    time.handle_root(&root(&[NEXT]));
    assert!(is_let_in(&time, unset), "{time:?}");
    time.handle_proof(NOW.plus(DAY * 365), NEXT.to_owned());
    assert_eq!(time.handle_word(NOW, unset, UP), kept(NOW, Some(NEXT)), "and is written over");
    // Over a restart, and where a program from before wrote it without a name.
    let pushed = NOW.plus(DAY * 364);
    let mut named = EffectiveTime::new(&root(&[NEXT]), kept(pushed, Some(OURS)), unset);
    assert!(is_let_in(&named, unset));
    let mut unnamed = EffectiveTime::new(&root(&[OURS, NEXT]), kept(pushed, None), unset);
    assert!(!is_let_in(&unnamed, unset));
    for time in [&mut named, &mut unnamed] {
        time.handle_root(&root(&[NEXT]));
        assert!(is_let_in(time, unset), "{time:?}");
    }
    assert!(is_let_in(&EffectiveTime::new(&root(&[OURS]), kept(pushed, None), NOW), NOW), "and with a clock at once");
}

#[test]
fn t14_a_certificate_that_ran_out_stays_so_whatever_the_clock_is_set_to_and_whatever_is_said() {
    let mut time = proved();
    time.handle_word(NOW, NOW, UP);
    for system in [Timestamp(0), NOW.minus(DAY * 90), NOW.minus(DAY)] {
        time.handle_word(NOW.minus(DAY * 80), system, UP);
        let readings = time.readings(system, UP);
        assert!(readings.iter().all(|reading| *reading >= NOW), "{system} {readings:?}");
        let started = EffectiveTime::new(&root(&[OURS]), Some(time.passed.clone()), system);
        assert!(started.readings(system, UP).iter().all(|reading| *reading >= NOW), "{system}");
    }
}
