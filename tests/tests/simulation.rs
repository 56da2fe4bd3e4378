//! Promise R2: whatever happens to network, disks, clocks and processes, in whatever order, the invariants of the design hold
//! after every step, and in the end everything taken is stored or told as lost, each once. A failing seed prints the command
//! that repeats it.

use std::path::Path;

use varde_agent::io::disk::adopt::{adopt, allow};
use varde_agent::io::disk::owner::Owner;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_common::id::{SensorId, Seq};
use varde_common::indicator::Severity;
use varde_tests::lab::oracle::BEGAN;
use varde_tests::lab::{self, Counted, Failure};
use varde_tests::model_disk::ModelDisk;
use varde_tests::spool_story::{SPOOL, alert};

/// Stories for each test; `VARDE_STORIES=5000` for the long form, or `bench-simulation`.
fn stories() -> u64 {
    std::env::var("VARDE_STORIES").ok().and_then(|stories| stories.parse().ok()).unwrap_or(200)
}

fn lived(seeds: impl Iterator<Item = u64>, steps: u64) -> Result<Counted, Failure> {
    let mut counted = Counted::default();
    for seed in seeds {
        counted += lab::live(seed, steps, false)?;
    }
    println!("{counted:?}");
    Ok(counted)
}

#[test]
fn r2_many_short_stories_keep_the_invariants() -> Result<(), Failure> {
    let counted = lived(1..=stories(), 120)?;
    assert!(counted.taken > 10 * stories() && counted.stored > 0 && counted.crashes > stories(), "{counted:?}");
    Ok(())
}

#[test]
fn r2_fewer_long_stories_meet_everything_that_may_happen() -> Result<(), Failure> {
    let seeds = 1_000_001..=1_000_000 + stories() / 3;
    let counted = lived(seeds, 400)?;
    let Counted { statements, taken, stored, told_lost, set_aside, adopted, .. } = counted;
    let Counted { crowds, without_alert, crashes, cuts, collector_faults, gaps, .. } = counted;
    let Counted { lists_in_force, lists_of_changes, lists_refused, lists_stopped, .. } = counted;
    let of_lists = [lists_in_force, lists_of_changes, lists_refused, lists_stopped];
    let of_records = [statements, taken, stored, told_lost, set_aside, adopted, crowds, without_alert];
    for met in of_records.into_iter().chain([crashes, cuts, collector_faults, gaps]).chain(of_lists) {
        assert!(met > 0, "something never happened");
    }
    Ok(())
}

#[test]
fn r2_the_same_seed_is_the_same_story() {
    for seed in 7..10 {
        assert_eq!(lab::live(seed, 200, false).unwrap(), lab::live(seed, 200, false).unwrap());
    }
}

/// Lists alone, which are soon told.
#[test]
fn i4_i5_no_floor_falls_and_what_is_in_force_was_signed_and_whole_wherever_it_stops() {
    let mut counted = Counted::default();
    for seed in 1..=stories() {
        counted +=
            lab::lists::live(seed, 120).unwrap_or_else(|(step, why)| panic!("seed {seed}, step {step}: {why:#}"));
    }
    let Counted { lists_in_force, lists_of_changes, lists_refused, lists_stopped, .. } = counted;
    println!(
        "{lists_in_force} came into force, {lists_of_changes} of them as changes, {lists_refused} were refused, {lists_stopped} stopped"
    );
    assert!(lists_in_force > stories() && lists_refused > stories() && lists_stopped > stories() / 2, "{counted:?}");
    assert!(lists_of_changes > stories(), "{counted:?}");
}

/// Found by a story: with a full disk the file that says what was never sent could not be written anew, stayed, and was
/// believed after the next crash; a spool that was never copied was then set aside as one that was.
#[test]
fn p5_what_was_sent_with_a_full_disk_counts_as_sent_after_a_crash() {
    let disk = ModelDisk::new(1);
    let open = || Spool::open(disk.volume(), Path::new(SPOOL), Caps::default(), BEGAN).unwrap().0;
    let mut spool = open();
    for number in 1..=3 {
        spool.append(&alert(number, Severity::High).to_octets().unwrap());
    }
    spool.sync(BEGAN).unwrap();
    drop(spool);
    disk.set_capacity(Some(disk.used()));
    let mut spool = open();
    assert_eq!(spool.unsent(), Seq(1), "nothing was sent yet");
    assert_eq!(spool.read(Seq(1), BEGAN).unwrap().len(), 3);
    drop(spool);
    assert_eq!(open().unsent(), Seq(4));
}

/// Found by a story: taken over onto a full disk, records were lost there, not even noted, and never taken over again.
#[test]
fn d5_what_was_set_aside_is_taken_over_once_the_full_disk_has_room() {
    let disk = ModelDisk::new(1);
    let caps = Caps { reserve_octets: 700, ..Caps::default() };
    let open = || Spool::open(disk.volume(), Path::new(SPOOL), caps, BEGAN).unwrap().0;
    let owner = Owner { sensor: SensorId(1), collector: "lab".to_owned(), member: "1".to_owned() };
    let mut spool = open();
    for number in 1..=3 {
        spool.append(&alert(number, Severity::High).to_octets().unwrap());
    }
    spool.sync(BEGAN).unwrap();
    spool.handle_sending_ended(Seq(1)).unwrap();
    allow(disk.volume().as_ref(), &spool.set_aside().unwrap(), Seq(0)).unwrap();
    drop(spool);
    for left in [0, 50, 400, 900] {
        disk.set_capacity(Some(disk.used() + left));
        let mut spool = open();
        adopt(Path::new("/data"), &owner, &mut spool, caps, BEGAN).unwrap();
        assert_eq!((spool.next(), spool.unnoted()), (Seq(1), 0), "{left} octets are left");
    }
    disk.set_capacity(None);
    for adopted in [3, 0] {
        let mut spool = open();
        assert_eq!(adopt(Path::new("/data"), &owner, &mut spool, caps, BEGAN).unwrap(), adopted);
        assert_eq!(spool.read(Seq(1), BEGAN).unwrap().len(), 3);
    }
}
