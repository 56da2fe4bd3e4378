//! Promises D3, D6, D7 and I3: whatever is on its way to the disk when the power fails, and whatever is damaged on it, what was
//! taken is there or was given up with a note, and no number means two records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use proptest::prelude::*;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_agent::io::disk::volume::RealVolume;
use varde_agent::spool::FileName;
use varde_common::id::Seq;
use varde_common::indicator::Severity;
use varde_common::record::{LossReason, Record, RecordBody};
use varde_common::time::Timestamp;
use varde_tests::model_disk::{CRASHES, Crash, ModelDisk};
use varde_tests::places::told_lost;
use varde_tests::random::Random;
use varde_tests::spool_story::{Counted, SPOOL, Step, alert, drawn, live, update};

/// Stories to live; `VARDE_STORIES=5000` for the long form, or `bench-disk`.
fn stories() -> u32 {
    std::env::var("VARDE_STORIES").ok().and_then(|stories| stories.parse().ok()).unwrap_or(48)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1u8..7, 0u8..5).prop_map(|(count, level)| Step::Alerts(count, Severity::from_level(level))),
        1 => (1u8..20).prop_map(Step::Update),
        1 => Just(Step::Event),
        5 => Just(Step::Sync),
        2 => (0u8..=100).prop_map(Step::Acknowledge),
        1 => (1u8..6).prop_map(Step::Later),
        1 => (0u16..1500).prop_map(Step::Full),
        1 => Just(Step::Room),
        1 => Just(Step::Restart),
        1 => prop::sample::select(CRASHES.to_vec()).prop_map(Step::PowerFails),
        1 => (0u8..12).prop_map(Step::SyncFails),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: stories(), max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn d3_what_is_taken_is_there_or_noted_wherever_the_power_fails(
        steps in prop::collection::vec(step(), 1..40), seed in any::<u64>(),
    ) {
        let lived = live(&steps, seed, 1);
        prop_assert!(lived.is_ok(), "{}", lived.unwrap_err());
    }
}

#[test]
fn d3_i3_stories_drawn_from_seeds_meet_every_cap_and_crash_every_way() {
    let mut counted = Counted::default();
    for seed in 0..6 {
        counted += live(&drawn(seed, 60), seed, CRASHES.len()).unwrap();
    }
    println!("{counted:?}");
    assert!(counted.crash_points > 5_000 && counted.given_up > 0 && counted.taken > 100, "{counted:?}");
}

const NOW: Timestamp = Timestamp(1_763_733_900_000_000);

fn open(disk: &ModelDisk) -> Result<(Spool, u64)> {
    let caps = Caps { segment_octets: 3_000, reserve_octets: 64, ..Caps::default() };
    let (spool, recovered) = Spool::open(disk.volume(), Path::new(SPOOL), caps, NOW)?;
    Ok((spool, recovered.damaged_octets))
}

fn everything(spool: &mut Spool) -> Result<BTreeMap<u64, Vec<u8>>> {
    let (mut all, mut seq) = (BTreeMap::new(), Seq(1));
    loop {
        let read = spool.read(seq, NOW)?;
        if read.is_empty() {
            return Ok(all);
        }
        for octets in read {
            all.insert(seq.0, octets);
            seq = seq.next();
        }
    }
}

/// A spool of so many records, so many of them acknowledged, after an end in good order or a kill; and its segments.
fn spool_of(records: u64, acknowledged: u64, is_killed: bool) -> Result<(ModelDisk, Vec<PathBuf>)> {
    let disk = ModelDisk::new(records ^ (acknowledged << 8));
    let (mut spool, _) = open(&disk)?;
    for number in 1..=records {
        assert_eq!(spool.append(&alert(number, Severity::High).to_octets()?), Seq(number));
        if number % 5 == 0 || number == records {
            // A second is over: the witness is written again.
            let now = NOW.plus(Duration::from_secs(number));
            spool.sync(now)?;
            spool.handle_acknowledged(Seq(number.min(acknowledged)), now)?;
        }
    }
    if !is_killed {
        spool.write_hint(NOW)?;
    }
    let segments = disk.files().into_iter().filter(|path| path.to_string_lossy().ends_with(".seg")).collect();
    Ok((disk, segments))
}

/// D6: any 1 to 512 octets of any segment overwritten, its header too: one record or its segment's tail is lost, and told, in
/// spools of one segment and of several, with and without acknowledgements; what is written next has a number of its own.
/// `VARDE_FLIPS` more.
#[test]
fn d6_ten_thousand_damages_cost_at_most_a_segments_tail_and_are_told() {
    let flips = std::env::var("VARDE_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(10_000);
    let shapes = [(21, 12, true), (21, 0, false), (1, 0, true), (160, 0, true), (160, 97, false), (160, 160, true)];
    let spools = shapes.map(|(records, acknowledged, killed)| {
        (records, acknowledged, spool_of(records, acknowledged, killed).unwrap())
    });
    assert!(spools[0].2.1.len() == 1 && spools[3].2.1.len() >= 3, "of one segment, and of several");
    let (mut random, mut damaged, mut untouched, mut last) = (Random::seeded(6), 0u64, 0u64, 0u64);
    for flip in 0..flips {
        let (records, acknowledged, (disk, segments)) = &spools[random.below(spools.len() as u64) as usize];
        if flip % 10 == 0 {
            damaged_beside(&disk.crashed(Crash::KeepsAll, flip), &mut random, *records, *acknowledged).unwrap();
        }
        let crashed = disk.crashed(Crash::KeepsAll, flip);
        let which = random.below(segments.len() as u64) as usize;
        let mut octets = crashed.read(&segments[which]).unwrap();
        // Every fourth begins in the header.
        let within = if random.below(4) == 0 { 36 } else { octets.len() as u64 };
        let from = random.below(within) as usize;
        let length = random.within(1, 512) as usize;
        for octet in octets.iter_mut().skip(from).take(length) {
            *octet ^= random.within(1, 255) as u8;
        }
        crashed.damage(&segments[which], octets);
        let (epoch, before) = (names(segments)[0].epoch, *records + 1);
        let (mut spool, set_aside) = open(&crashed).unwrap();
        assert!(set_aside > 0, "flip {flip}: not reported");
        let figures = spool.figures();
        assert_eq!((figures.epoch, spool.next()), (epoch, Seq(before)), "flip {flip}: a number means two things");
        assert_eq!(figures.acknowledged, Seq(*acknowledged), "flip {flip}");
        let next = alert(before, Severity::Low).to_octets().unwrap();
        spool.append(&next);
        spool.sync(NOW).unwrap();
        let found = everything(&mut spool).unwrap();
        drop(spool);
        // Once more: what was mended stays so, and what was told is told again.
        let (mut again, set_aside) = open(&crashed).unwrap();
        assert_eq!(set_aside, 0, "flip {flip}: mended");
        assert_eq!(everything(&mut again).unwrap(), found, "flip {flip}");
        assert_eq!(found.get(&before), Some(&next), "flip {flip}: what came after the damage");
        let is_lost = |number: &u64| found.get(number) != Some(&alert(*number, Severity::High).to_octets().unwrap());
        let lost: Vec<u64> = (1..=*records).filter(is_lost).collect();
        for number in &lost {
            let told = found.get(number).and_then(|octets| told_lost(octets));
            let seq = Seq(*number);
            assert_eq!(told, Some((seq, seq, LossReason::SpoolDamaged)), "flip {flip}: {number} without a word");
        }
        let (Some(first), Some(end)) = (lost.first(), lost.last()) else {
            untouched += 1;
            continue;
        };
        damaged += 1;
        last += u64::from(end == records);
        let ends = names(segments).get(which + 1).map_or(before, |name| name.first.0);
        assert!(*first >= names(segments)[which].first.0 && *end < ends, "flip {flip}: {lost:?} in several segments");
        assert_eq!(lost.len() as u64, end - first + 1, "flip {flip}: not one stretch");
    }
    println!("D6: {flips} damages, {damaged} cost records ({last} the last one), {untouched} nothing");
    assert!(damaged > flips / 2 && untouched > 0 && last > flips / 10);
}

/// The same of any of the files beside the segments: it says nothing then, and no record is lost by it, nor is there one more.
fn damaged_beside(disk: &ModelDisk, random: &mut Random, records: u64, acknowledged: u64) -> Result<()> {
    let beside: Vec<PathBuf> = disk.files().into_iter().filter(|path| path.extension().is_none()).collect();
    let path = &beside[random.below(beside.len() as u64) as usize];
    let mut octets = disk.read(path).context("a file is gone")?;
    let (from, length) = (random.below(octets.len() as u64) as usize, random.within(1, 512) as usize);
    for octet in octets.iter_mut().skip(from).take(length) {
        *octet ^= random.within(1, 255) as u8;
    }
    disk.damage(path, octets);
    let (mut spool, _) = open(disk)?;
    let figures = spool.figures();
    let hint = if path.ends_with("acknowledged") { Seq(0) } else { Seq(acknowledged) };
    assert_eq!((figures.next, figures.acknowledged, figures.lost), (Seq(records + 1), hint, 0), "{path:?}");
    spool.sync(NOW)?;
    let found = everything(&mut spool)?;
    for number in 1..=records {
        let whole = alert(number, Severity::High).to_octets()?;
        assert_eq!(found.get(&number), Some(&whole), "{path:?}");
    }
    assert_eq!(found.len() as u64, records, "{path:?}");
    Ok(())
}

/// Found by a review: one flipped bit in `ages` gave up all that waited, one in `acknowledged` invented records that were lost.
#[test]
fn d6_no_bit_of_a_file_beside_the_segments_loses_or_invents_a_record() {
    const RECORDS: u64 = 61;
    let disk = ModelDisk::new(9);
    let (mut spool, _) = open(&disk).unwrap();
    let days = |days: u64| NOW.plus(Duration::from_secs(days * 86_400));
    for day in 1..=18 {
        spool.sync(days(day)).unwrap();
    }
    // By its own clock it is 1,592,000 seconds old: a bit more, and nine million.
    let now = days(18).plus(Duration::from_secs(36_800));
    for number in 1..=RECORDS {
        spool.append(&alert(number, Severity::High).to_octets().unwrap());
        spool.sync(now).unwrap();
    }
    everything(&mut spool).unwrap();
    let now = now.plus(Duration::from_secs(3_601));
    spool.handle_acknowledged(Seq(12), now).unwrap();
    spool.handle_sending_ended(Seq(41)).unwrap();
    spool.write_hint(now).unwrap();
    let expected = everything_at_rest(&disk, now).unwrap();
    let beside: Vec<PathBuf> = disk.files().into_iter().filter(|path| path.extension().is_none()).collect();
    let mut tried = 0;
    for path in beside.iter().filter(|path| !path.ends_with("reserve")) {
        let whole = disk.read(path).unwrap();
        for (place, bit) in (0..whole.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let damaged = disk.crashed(Crash::KeepsAll, 0);
            let mut octets = whole.clone();
            octets[place] ^= 1 << bit;
            damaged.damage(path, octets);
            let (acknowledged, unsent, found) = everything_at_rest(&damaged, now).unwrap();
            let at = format!("{path:?}, octet {place}, bit {bit}");
            let hint = if path.ends_with("acknowledged") { Seq(0) } else { expected.0 };
            let sent = if path.ends_with("unsent") { Seq(RECORDS + 1) } else { expected.1 };
            assert_eq!((acknowledged, unsent), (hint, sent), "{at}");
            assert_eq!(found, expected.2, "{at}");
            tried += 1;
        }
    }
    assert!(beside.len() == 5 && tried > 2_000, "{beside:?}, {tried}");
    assert_eq!((expected.0, expected.1, expected.2.len() as u64), (Seq(12), Seq(41), RECORDS));
}

/// What is acknowledged, from where on nothing was sent, and all that is there.
type AtRest = (Seq, Seq, BTreeMap<u64, Vec<u8>>);

/// What a spool says, and holds, when it has been opened and has made room.
fn everything_at_rest(disk: &ModelDisk, now: Timestamp) -> Result<AtRest> {
    let disk = disk.crashed(Crash::KeepsAll, 0);
    let caps = Caps { segment_octets: 3_000, reserve_octets: 64, ..Caps::default() };
    let (mut spool, recovered) = Spool::open(disk.volume(), Path::new(SPOOL), caps, now)?;
    assert_eq!((recovered.damaged_octets, spool.figures().first), (0, Seq(1)));
    let (acknowledged, unsent) = (spool.figures().acknowledged, spool.unsent());
    spool.sync(now)?;
    assert_eq!((spool.figures().first, spool.figures().lost), (Seq(1), 0));
    Ok((acknowledged, unsent, everything(&mut spool)?))
}

/// What had waited for days is acknowledged, and the power fails at every operation: a restored collector finds it all the same.
#[test]
fn d9_d3_what_is_acknowledged_after_an_outage_is_still_there_wherever_the_power_fails() {
    let disk = ModelDisk::new(4);
    let (mut spool, _) = open(&disk).unwrap();
    let hours = |hours: u64| NOW.plus(Duration::from_secs(hours * 3_600));
    for number in 1..=61 {
        spool.append(&alert(number, Severity::High).to_octets().unwrap());
        spool.sync(NOW).unwrap();
    }
    for day in 1..=4 {
        spool.sync(hours(day * 24)).unwrap();
    }
    drop(spool);
    let caps = Caps { segment_octets: 3_000, reserve_octets: 64, ..Caps::default() };
    let open_at = |disk: &ModelDisk, now| Spool::open(disk.volume(), Path::new(SPOOL), caps, now).unwrap().0;
    let begun = disk.crashed(Crash::KeepsAll, 1);
    let mut spool = open_at(&begun, hours(96));
    for seq in [20, 40, 61] {
        spool.handle_acknowledged(Seq(seq), hours(96)).unwrap();
    }
    spool.write_hint(hours(96)).unwrap();
    let (mut replay, mut tried) = (begun.replay(), 0);
    loop {
        for crash in CRASHES {
            let mut spool = open_at(&replay.crash(crash, tried), hours(97));
            spool.handle_acknowledged(Seq(61), hours(97)).unwrap();
            let figures = spool.figures();
            assert_eq!((figures.first, figures.lost), (Seq(1), 0), "operation {}, {crash:?}", replay.place());
            assert_eq!(everything(&mut spool).unwrap().len(), 61);
            tried += 1;
        }
        if !replay.step() {
            break;
        }
    }
    assert!(tried > 100, "{tried}");
}

fn names(segments: &[PathBuf]) -> Vec<FileName> {
    let name = |path: &PathBuf| FileName::read(&path.file_name()?.to_string_lossy());
    segments.iter().filter_map(name).collect()
}

/// The power fails while a damaged spool is mended, at every operation: its numbers are not given again all the same.
#[test]
fn d6_a_crash_while_damage_is_mended_gives_no_number_again() {
    let mut tried = 0;
    for from in [4, 30, 40, 200] {
        let (disk, segments) = spool_of(21, 12, true).unwrap();
        // As an earlier version left it, which knew no witness; or with one that says too little.
        for witness in [None, Some(b"rubbish".to_vec())] {
            let damaged = disk.crashed(Crash::KeepsAll, 0);
            let mut octets = damaged.read(&segments[0]).unwrap();
            octets.iter_mut().skip(from).take(30).for_each(|octet| *octet ^= 0xff);
            damaged.damage(&segments[0], octets);
            damaged.damage(&Path::new(SPOOL).join("taken"), witness.unwrap_or_default());
            let begun = damaged.crashed(Crash::KeepsAll, 1);
            open(&begun).unwrap();
            let mut replay = begun.replay();
            loop {
                for crash in CRASHES {
                    let (mut spool, _) = open(&replay.crash(crash, from as u64)).unwrap();
                    assert_eq!(spool.next(), Seq(22), "octet {from}, operation {}, {crash:?}", replay.place());
                    assert_eq!(everything(&mut spool).unwrap().len(), 21);
                    tried += 1;
                }
                if !replay.step() {
                    break;
                }
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn d5_a_loss_is_told_when_it_is_noted_and_not_before() {
    let disk = ModelDisk::new(3);
    let caps = Caps { reserve_octets: 0, ..Caps::default() };
    let open = |disk: &ModelDisk| Spool::open(disk.volume(), Path::new(SPOOL), caps, NOW).unwrap().0;
    let mut spool = open(&disk);
    spool.append(&alert(1, Severity::Low).to_octets().unwrap());
    spool.sync(NOW).unwrap();
    disk.set_capacity(Some(disk.used()));
    for number in 2..5 {
        spool.append(&alert(number, Severity::High).to_octets().unwrap());
        assert_eq!(spool.sync(NOW).unwrap().lost, Some((Seq(number), Seq(number))));
        assert_eq!(spool.figures().given_up.full.high, number - 1, "counted at once");
    }
    // There was no room even for the note: after a crash these numbers are given again, so nobody may have heard of them.
    assert_eq!((everything(&mut spool).unwrap().len(), spool.figures().next), (1, Seq(2)));
    assert_eq!(open(&disk.crashed(Crash::KeepsAll, 0)).next(), Seq(2));
    disk.set_capacity(None);
    spool.sync(NOW).unwrap();
    assert_eq!((everything(&mut spool).unwrap().len(), spool.figures().next), (4, Seq(5)));
    assert_eq!(open(&disk.crashed(Crash::Forgets, 0)).next(), Seq(5));
}

/// Fills the disk, takes some after there was room for them and no more, and fills it again: all that was lost is noted at
/// every moment, so that neither a kill nor a stop forgets any of it, whatever else took the room a note left.
#[test]
fn d5_what_is_lost_on_a_disk_that_fills_again_and_again_is_noted_at_once_in_one_note() {
    let disk = ModelDisk::new(5);
    let caps = Caps { reserve_octets: 2_000, ..Caps::default() };
    let open = |disk: &ModelDisk| Spool::open(disk.volume(), Path::new(SPOOL), caps, NOW).unwrap().0;
    let mut spool = open(&disk);
    let mut lost = 0;
    let mut group = |spool: &mut Spool| {
        // Few enough to fit what a note leaves of its part of the reserve.
        for _ in 0..2 {
            spool.append(&alert(spool.next().0, Severity::High).to_octets().unwrap());
        }
        let synced = spool.sync(NOW).unwrap();
        lost += synced.lost.map_or(0, |(from, to)| to.0 - from.0 + 1);
        assert_eq!((spool.figures().lost, spool.unnoted()), (lost, 0), "noted at once");
        let after = open(&disk.crashed(Crash::Forgets, 0));
        assert_eq!((after.figures().lost, after.next()), (lost, spool.next()), "a kill forgets none of it");
        synced.taken.is_some()
    };
    assert!(group(&mut spool));
    for round in 0..3 {
        disk.set_capacity(Some(disk.used()));
        for _ in 0..50 {
            assert!(!group(&mut spool), "round {round}: the room of the reserve is for notes only");
        }
        // Room that is less than the reserve is none: another program takes it all.
        disk.set_capacity(Some(disk.used() + 400));
        assert!(!group(&mut spool), "round {round}: written without a reserve");
        disk.set_capacity(Some(disk.used() + 200));
        assert!(!group(&mut spool));
        let notes = disk.volume().entries(Path::new(SPOOL)).unwrap();
        let notes = notes.iter().filter(|entry| entry.name.ends_with(".lost")).count();
        assert_eq!(notes, round + 1, "one note for as long as it lasts");
        disk.set_capacity(None);
        assert!(group(&mut spool), "round {round}: there is room again");
        let reserve = disk.volume().entry(&Path::new(SPOOL).join("reserve")).unwrap();
        assert_eq!(reserve.octets, 2_000, "and for the reserve");
    }
    let (first, all) = (everything(&mut spool).unwrap(), spool.next());
    assert_eq!(first.len() as u64 + 1, all.0, "each place is told");
}

/// A week at ten times the normal 2,000 alerts a day, each with three updates, as an outage of the collector leaves it.
#[test]
fn d7_a_week_without_a_collector_fits_the_spool_and_is_drained_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let (groups, alerts) = (7 * 24 * 6, 140_000u64 / (7 * 24 * 6) + 1);
    let caps = Caps::default();
    let open = |now| Spool::open(Arc::new(RealVolume), &directory.path().join("spool"), caps, now).unwrap().0;
    let mut now = NOW;
    let mut spool = open(now);
    let mut written = 0u64;
    for group in 0..groups {
        now = now.plus(Duration::from_secs(600));
        for _ in 0..alerts {
            let seq = spool.next();
            spool.append(&alert(seq.0, Severity::Low).to_octets().unwrap());
            for _ in 0..3 {
                spool.append(&update(seq).to_octets().unwrap());
            }
            written += 4;
        }
        assert_eq!(spool.sync(now).unwrap().lost, None);
        if group % 300 == 299 {
            // Now and then the machine is restarted.
            spool = open(now);
        }
    }
    let figures = spool.figures();
    assert!(figures.octets <= 256 * 1024 * 1024, "{} octets", figures.octets);
    assert_eq!((figures.waiting(), figures.lost), (written, 0));
    let (mut seq, mut batches) = (Seq(1), 0u64);
    while seq < figures.next {
        let read = spool.read(seq, now).unwrap();
        assert!(!read.is_empty(), "stuck at {seq}");
        let first = match Record::from_octets(&read[0]).unwrap().body {
            RecordBody::Opened(opened) => opened.indicator.0,
            RecordBody::Updated(update) => update.alert.0,
            other => panic!("{other:?} at {seq}"),
        };
        assert_eq!(first, (seq.0 - 1) / 4 * 4 + 1, "in order");
        seq = Seq(seq.0 + read.len() as u64);
        batches += 1;
        spool.handle_acknowledged(Seq(seq.0 - 1), now).unwrap();
    }
    assert_eq!(spool.figures().waiting(), 0);
    println!(
        "D7: {written} records of {} alerts in {} octets, drained in {batches} batches",
        written / 4,
        figures.octets
    );
}
