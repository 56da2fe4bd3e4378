//! Promises D3, D6, D7 and I3: whatever is on its way to the disk when the power fails, and whatever is damaged on it, what was
//! taken is there or was given up with a note, and no number means two records.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use proptest::prelude::*;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_agent::io::disk::volume::RealVolume;
use varde_common::id::Seq;
use varde_common::indicator::Severity;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;
use varde_tests::model_disk::{CRASHES, Crash, ModelDisk};
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

/// D6: any 1 to 512 octets of any segment overwritten: one record or its segment's tail is lost, and told; `VARDE_FLIPS` more.
#[test]
fn d6_ten_thousand_damages_cost_at_most_a_segments_tail_and_are_told() {
    let flips = std::env::var("VARDE_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(10_000);
    let disk = ModelDisk::new(7);
    let (mut spool, _) = open(&disk).unwrap();
    let mut written = BTreeMap::new();
    for number in 1..=160u64 {
        let octets = alert(number, Severity::High).to_octets().unwrap();
        assert_eq!(spool.append(&octets), Seq(number));
        written.insert(number, octets);
        if number % 5 == 0 {
            spool.sync(NOW).unwrap();
        }
    }
    drop(spool);
    let segments: Vec<_> = disk.files().into_iter().filter(|path| path.to_string_lossy().ends_with(".seg")).collect();
    assert!(segments.len() >= 3, "{segments:?}");
    let mut firsts: Vec<u64> = segments
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            varde_agent::spool::FileName::read(&name).unwrap().first.0
        })
        .collect();
    firsts.push(161);
    let (mut random, mut damaged, mut untouched) = (Random::seeded(6), 0u64, 0u64);
    for flip in 0..flips {
        let crashed = disk.crashed(Crash::KeepsAll, flip);
        let which = random.below(segments.len() as u64) as usize;
        let mut octets = crashed.read(&segments[which]).unwrap();
        let from = random.below(octets.len() as u64) as usize;
        let length = random.within(1, 512) as usize;
        for octet in octets.iter_mut().skip(from).take(length) {
            *octet ^= random.next_u64() as u8;
        }
        crashed.damage(&segments[which], octets);
        let (mut spool, set_aside) = open(&crashed).unwrap();
        let found = everything(&mut spool).unwrap();
        let lost: Vec<u64> =
            written.keys().copied().filter(|number| found.get(number) != written.get(number)).collect();
        for number in &lost {
            let is_told = match found.get(number) {
                Some(octets) => matches!(Record::from_octets(octets).unwrap().body, RecordBody::Loss { .. }),
                // At the very end nothing stands behind: the number is not used again all the same, or was not readable.
                None => which + 1 == segments.len(),
            };
            assert!(is_told, "flip {flip}: {number} is another record, or missing without a word");
        }
        if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
            damaged += 1;
            assert!(set_aside > 0, "flip {flip}: not reported");
            assert!(
                *first >= firsts[which] && *last < firsts[which + 1],
                "flip {flip}: {lost:?} in more than one segment"
            );
            assert_eq!(lost.len() as u64, last - first + 1, "flip {flip}: not one stretch");
        } else {
            untouched += 1;
        }
    }
    println!("D6: {flips} damages, {damaged} cost records, {untouched} nothing");
    assert!(damaged > flips / 2);
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
