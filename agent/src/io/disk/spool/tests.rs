//! What the spool's files promise: taken is there after any crash, nothing is lost without a note, nothing is deleted
//! that was not understood.

mod acknowledged;
mod ages;
mod hints;
mod room;
pub(in crate::io::disk) mod worn;

use super::*;
use crate::io::disk::volume::RealVolume;
use crate::spool::{RECORD_EXTRA_OCTETS, SEGMENT_HEADER_OCTETS};
use std::fs::{self, OpenOptions};
use varde_common::record::{LossReason, Record, RecordBody, SensorEvent};

const NOW: Timestamp = Timestamp(1_763_733_900_000_000);
const HUGE: u64 = 1 << 40;

fn record(number: u64) -> Vec<u8> {
    let event = SensorEvent::SpoolDamaged { octets: number };
    Record { time: Timestamp(0), body: RecordBody::Event(event) }.to_octets().unwrap()
}

fn open(directory: &Path) -> (Spool, Recovered) {
    let caps = Caps { octets: HUGE, ..Caps::default() };
    Spool::open(Arc::new(RealVolume), &directory.join("spool"), caps, NOW).unwrap()
}

fn fill(spool: &mut Spool, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(spool.append(&record(number)), Seq(number));
    }
    spool.sync(NOW).unwrap();
}

fn all(spool: &mut Spool, from: u64) -> Vec<Vec<u8>> {
    let (mut records, mut seq) = (Vec::new(), Seq(from));
    loop {
        let read = spool.read(seq, NOW).unwrap();
        if read.is_empty() {
            return records;
        }
        seq = Seq(seq.0 + read.len() as u64);
        records.extend(read);
    }
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory.join("spool"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

#[test]
fn d1_what_is_taken_is_there_after_a_restart_under_the_same_name() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, recovered) = open(directory.path());
    assert_eq!(recovered, Recovered::default());
    for number in 1..11 {
        spool.append(&record(number));
    }
    assert!(spool.read(Seq(1), NOW).unwrap().is_empty(), "nothing is sent that is not on disk");
    assert_eq!(spool.sync(NOW).unwrap(), Synced { taken: Some((Seq(1), Seq(10))), lost: None });
    spool.handle_acknowledged(Seq(4), NOW).unwrap();
    let before = spool.figures();
    drop(spool);
    let (mut spool, recovered) = open(directory.path());
    assert_eq!(recovered, Recovered { records: 10, damaged_octets: 0 });
    assert_eq!(spool.figures(), before);
    assert_eq!(survey(&directory.path().join("spool")).unwrap().waiting(), 6);
    fill(&mut spool, 11..13);
    assert_eq!(all(&mut spool, 1), (1..13).map(record).collect::<Vec<_>>());
    assert_eq!(all(&mut spool, 5), (5..13).map(record).collect::<Vec<_>>(), "reading goes back as well");
}

#[test]
fn d3_a_torn_tail_is_set_aside_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..6);
    drop(spool);
    let segment = files(directory.path(), ".seg").pop().unwrap();
    let whole = fs::read(&segment).unwrap();
    for cut in SEGMENT_HEADER_OCTETS..whole.len() {
        fs::write(&segment, &whole[..cut]).unwrap();
        // A crash comes before anything was taken, and so before the witness says that it was.
        fs::remove_file(directory.path().join("spool").join(taken::TAKEN_FILE)).unwrap();
        let (mut spool, recovered) = open(directory.path());
        let kept = recovered.records;
        assert!(kept < 5);
        assert_eq!(all(&mut spool, 1), (1..=kept).map(record).collect::<Vec<_>>(), "cut at {cut}");
        fill(&mut spool, kept + 1..kept + 3);
        assert_eq!(all(&mut spool, 1).len() as u64, kept + 2);
        drop(spool);
        let torn: u64 = files(directory.path(), ".torn").iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(torn >= recovered.damaged_octets, "every torn tail so far is still there");
    }
}

#[test]
fn d6_a_damaged_segment_never_costs_the_ones_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..4);
    spool.active.as_mut().unwrap().octets = HUGE; // full: the next records begin a new segment
    fill(&mut spool, 4..7);
    drop(spool);
    let first = files(directory.path(), ".seg").remove(0);
    let mut octets = fs::read(&first).unwrap();
    let middle = SEGMENT_HEADER_OCTETS + record(1).len() + RECORD_EXTRA_OCTETS + 6;
    octets[middle] ^= 1;
    fs::write(&first, &octets).unwrap();
    let (mut spool, recovered) = open(directory.path());
    assert!(recovered.damaged_octets > 0);
    let read = all(&mut spool, 1);
    assert_eq!(read.len(), 6, "each place has a record or a note of its loss");
    assert_eq!(read[0], record(1));
    for (place, octets) in read.iter().enumerate().skip(1).take(2) {
        let seq = Seq(place as u64 + 1);
        let loss = RecordBody::Loss { from: seq, to: seq, reason: LossReason::SpoolDamaged };
        assert_eq!(Record::from_octets(octets).unwrap().body, loss);
    }
    assert_eq!(read[3..], (4..7).map(record).collect::<Vec<_>>());
}

#[test]
fn d6_a_number_behind_damage_is_not_used_again_and_its_loss_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..11);
    drop(spool);
    let segment = files(directory.path(), ".seg").pop().unwrap();
    let mut octets = fs::read(&segment).unwrap();
    octets[SEGMENT_HEADER_OCTETS + record(1).len() + RECORD_EXTRA_OCTETS + 13] ^= 1;
    fs::write(&segment, &octets).unwrap();
    for new in 11..14 {
        let (mut spool, _) = open(directory.path());
        assert_eq!(spool.append(&record(new)), Seq(new), "the collector may have 2 to 10 already");
        spool.sync(NOW).unwrap();
        let read = all(&mut spool, 1);
        assert_eq!((read.len() as u64, &read[0], read.last()), (new, &record(1), Some(&record(new))));
        let losses =
            read.iter().filter(|octets| matches!(Record::from_octets(octets).unwrap().body, RecordBody::Loss { .. }));
        assert_eq!(losses.count(), 9);
    }
}

#[test]
fn d6_damage_while_running_costs_the_rest_of_its_segment_and_nothing_that_comes_after() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..11);
    let segment = files(directory.path(), ".seg").pop().unwrap();
    let mut octets = fs::read(&segment).unwrap();
    let one = record(1).len() + RECORD_EXTRA_OCTETS;
    octets[SEGMENT_HEADER_OCTETS + 4 * one + 13] ^= 1;
    fs::write(&segment, &octets).unwrap();
    assert_eq!(all(&mut spool, 1).len(), 10, "each place has a record or a note of its loss");
    fill(&mut spool, 11..13);
    let read = all(&mut spool, 1);
    assert_eq!((&read[..4], &read[10..]), (&[1, 2, 3, 4].map(record)[..], &[11, 12].map(record)[..]));
    drop(spool);
    let (mut spool, _) = open(directory.path());
    assert_eq!(all(&mut spool, 1).len(), 12);
    assert_eq!(all(&mut spool, 11), [11, 12].map(record));
}

#[test]
fn d1_what_cannot_have_been_sent_is_known_through_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..4);
    all(&mut spool, 1);
    assert_eq!(spool.unsent(), Seq(4), "whatever is read may be sent");
    drop(spool);
    // Killed while sending: all that is found counts as sent. Then offline, twice.
    for first in [4, 7] {
        let (mut spool, _) = open(directory.path());
        assert_eq!(spool.unsent(), Seq(4));
        fill(&mut spool, first..first + 3);
    }
    let (mut spool, _) = open(directory.path());
    all(&mut spool, 4);
    fill(&mut spool, 10..12);
    spool.handle_sending_ended(Seq(10)).unwrap();
    drop(spool);
    assert_eq!(open(directory.path()).0.unsent(), Seq(10));
    fs::write(directory.path().join("spool/unsent"), b"rubbish").unwrap();
    assert_eq!(open(directory.path()).0.unsent(), Seq(12));
}

#[test]
fn what_was_half_written_beside_the_records_is_no_damage() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..4);
    drop(spool);
    for name in ["acknowledged.tmp", "reserve.tmp"] {
        fs::write(directory.path().join("spool").join(name), b"half").unwrap();
    }
    assert_eq!(open(directory.path()).1, Recovered { records: 3, damaged_octets: 0 });
    assert!(!directory.path().join("spool/quarantine").exists());
}

#[test]
fn unknown_files_and_unreadable_segments_are_kept_in_quarantine() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..4);
    let epoch = spool.figures().epoch;
    drop(spool);
    let room = directory.path().join("spool");
    fs::write(room.join("notes.txt"), b"hello").unwrap();
    let segment = files(directory.path(), ".seg").pop().unwrap();
    fs::write(&segment, b"not a segment").unwrap();
    let (spool, recovered) = open(directory.path());
    assert_eq!(recovered, Recovered { records: 0, damaged_octets: 18 });
    assert_eq!((spool.figures().epoch, spool.next()), (epoch, Seq(4)), "numbers that were used are not used again");
    assert_eq!(fs::read(room.join("quarantine/notes.txt")).unwrap(), b"hello");
    assert_eq!(fs::read(files(directory.path(), ".torn").pop().unwrap()).unwrap(), b"not a segment");
    drop(spool);
    // A segment of another version, or of another spool, is not ours to mend.
    let other = segment_header(Epoch(9), Seq(4));
    let ours = files(directory.path(), ".seg").pop().unwrap();
    fs::write(&ours, &other).unwrap();
    let (spool, recovered) = open(directory.path());
    assert_eq!((recovered.damaged_octets, spool.next()), (other.len() as u64, Seq(4)));
    assert_eq!(fs::read(room.join("quarantine").join(ours.file_name().unwrap())).unwrap(), other);
}

#[test]
fn d6_a_damaged_header_costs_nothing_where_the_records_are_good() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..13);
    spool.handle_acknowledged(Seq(6), NOW).unwrap();
    spool.active.as_mut().unwrap().octets = HUGE;
    fill(&mut spool, 13..22);
    let before = spool.figures();
    drop(spool);
    for octet in [0, 10, 30, SEGMENT_HEADER_OCTETS - 1] {
        for segment in files(directory.path(), ".seg") {
            let mut octets = fs::read(&segment).unwrap();
            octets[octet] ^= 1;
            fs::write(&segment, &octets).unwrap();
        }
        assert_eq!(survey(&directory.path().join("spool")).unwrap().waiting(), 15, "before anything is mended");
        let (mut spool, recovered) = open(directory.path());
        assert_eq!((recovered.records, recovered.damaged_octets), (21, 2 * SEGMENT_HEADER_OCTETS as u64));
        let mut found = spool.figures();
        found.octets = before.octets;
        assert_eq!(found, before, "epoch, numbers and acknowledgement are what they were");
        assert_eq!(all(&mut spool, 1), (1..22).map(record).collect::<Vec<_>>());
    }
    assert_eq!(open(directory.path()).1, Recovered { records: 21, damaged_octets: 0 }, "and they are mended");
}

#[test]
fn d6_what_cannot_be_read_at_all_keeps_its_numbers_and_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..22);
    spool.handle_acknowledged(Seq(12), NOW).unwrap();
    let epoch = spool.figures().epoch;
    drop(spool);
    let segment = files(directory.path(), ".seg").pop().unwrap();
    fs::write(&segment, vec![0; 900]).unwrap();
    let (mut spool, _) = open(directory.path());
    assert_eq!((spool.figures().epoch, spool.figures().acknowledged, spool.next()), (epoch, Seq(12), Seq(22)));
    let told = all(&mut spool, 13);
    assert_eq!(told.len(), 9);
    for (octets, seq) in told.iter().zip(13..) {
        let loss = RecordBody::Loss { from: Seq(seq), to: Seq(seq), reason: LossReason::SpoolDamaged };
        assert_eq!(Record::from_octets(octets).unwrap().body, loss);
    }
    fill(&mut spool, 22..24);
    assert_eq!(all(&mut spool, 22), [22, 23].map(record));
}

#[test]
fn d6_what_one_lifetime_acknowledged_says_nothing_of_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..9);
    spool.handle_acknowledged(Seq(8), NOW).unwrap();
    let epoch = spool.figures().epoch;
    drop(spool);
    fs::remove_file(files(directory.path(), ".seg").pop().unwrap()).unwrap();
    let (spool, _) = open(directory.path());
    assert_ne!(spool.figures().epoch, epoch);
    assert_eq!((spool.figures().acknowledged, spool.next()), (Seq(0), Seq(1)));
}

#[test]
fn what_is_acknowledged_is_never_numbered_anew() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..9);
    spool.handle_acknowledged(Seq(8), NOW).unwrap();
    drop(spool);
    let segment = files(directory.path(), ".seg").pop().unwrap();
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, &whole[..SEGMENT_HEADER_OCTETS + 40]).unwrap();
    let (mut spool, _) = open(directory.path());
    assert_eq!(spool.append(&record(9)), Seq(9));
    spool.sync(NOW).unwrap();
    drop(spool);
    fs::write(directory.path().join("spool/acknowledged"), b"rubbish").unwrap();
    let (mut spool, _) = open(directory.path());
    assert_eq!(spool.figures().acknowledged, Seq(0), "the hint may be lost");
    assert_eq!(all(&mut spool, 9), [record(9)]);
}

#[test]
fn i3_over_the_cap_the_acknowledged_goes_first_and_the_rest_only_with_a_note() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    let big = |number: u64| {
        let text = varde_common::codec::Text::cut(&format!("{number:0>255}"));
        let event = SensorEvent::Started { version: text };
        Record { time: Timestamp(0), body: RecordBody::Event(event) }.to_octets().unwrap()
    };
    let group = |spool: &mut Spool| {
        for _ in 0..1000 {
            let next = spool.next();
            spool.append(&big(next.0));
        }
        spool.sync(NOW).unwrap()
    };
    for _ in 0..12 {
        group(&mut spool);
    }
    let segments = files(directory.path(), ".seg").len();
    assert!(segments >= 3, "{segments}");
    let (one, all_octets) = (SPOOL_SEGMENT_MAX_OCTETS as u64, spool.figures().octets);
    // The first segment is acknowledged: it goes without a note.
    let second = FileName::read(files(directory.path(), ".seg")[1].file_name().unwrap().to_str().unwrap()).unwrap();
    spool.caps.octets = all_octets - one / 2;
    spool.handle_acknowledged(Seq(second.first.0 - 1), NOW).unwrap();
    assert_eq!((spool.figures().first, spool.figures().lost), (second.first, 0));
    // Nothing more is: the second is given up with a note.
    spool.caps.octets = spool.figures().octets - one / 2;
    group(&mut spool);
    let lost = spool.figures().lost;
    assert!(lost > 0);
    let end = spool.figures().next;
    drop(spool);
    let (mut spool, _) = open(directory.path());
    assert_eq!((spool.figures().lost, spool.figures().next), (lost, end));
    let read = all(&mut spool, second.first.0);
    assert_eq!(read.len() as u64, end.0 - second.first.0);
    let losses = read.iter().filter(|octets| {
        matches!(Record::from_octets(octets).unwrap().body, RecordBody::GivenUp { reason: LossReason::SpoolFull, .. })
    });
    assert_eq!(losses.count() as u64, lost, "each lost record is told once");
}

#[test]
fn old_and_acknowledged_is_let_go_but_never_the_place_in_the_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..4);
    spool.active.as_mut().unwrap().octets = HUGE;
    fill(&mut spool, 4..7);
    let hours = |hours: u64| NOW.plus(Duration::from_secs(hours * 3600));
    spool.handle_acknowledged(Seq(6), hours(0)).unwrap();
    for late in [20, 40, 60, SPOOL_ACKNOWLEDGED_KEEP_S / 3600] {
        spool.handle_acknowledged(Seq(6), hours(late)).unwrap();
        assert_eq!(spool.figures().first, Seq(1), "not old yet: a restored collector may want it");
    }
    let late = |more| hours(SPOOL_ACKNOWLEDGED_KEEP_S / 3600 + more);
    spool.handle_acknowledged(Seq(2), late(1)).unwrap();
    assert_eq!(spool.figures().first, Seq(1), "not all of it is acknowledged");
    for more in [1, 24, 48, 72, 73] {
        spool.handle_acknowledged(Seq(6), late(more)).unwrap();
        assert_eq!(spool.figures().first, Seq(1), "acknowledged anew: it may be wanted anew");
    }
    spool.handle_acknowledged(Seq(6), late(74)).unwrap();
    assert_eq!((spool.figures().first, files(directory.path(), ".seg").len()), (Seq(7), 1), "an empty one is left");
    drop(spool);
    let (mut spool, _) = open(directory.path());
    assert_eq!(spool.append(&record(7)), Seq(7));
}

#[test]
fn k1_d9_a_clock_that_is_days_wrong_at_a_start_deletes_nothing_that_a_restored_collector_may_want() {
    let directory = tempfile::tempdir().unwrap();
    let caps = Caps { octets: HUGE, ..Caps::default() };
    let open = |at| Spool::open(Arc::new(RealVolume), &directory.path().join("spool"), caps, at).unwrap().0;
    // The files' own times are those of the machine.
    let (now, days) = (crate::io::clock::now(), Duration::from_secs(5 * 86_400));
    let mut spool = open(now);
    for _ in 0..3 {
        spool.append(&record(1));
        spool.sync(now).unwrap();
        spool.active.as_mut().unwrap().octets = HUGE;
    }
    spool.handle_acknowledged(Seq(3), now).unwrap();
    drop(spool);
    for (at, which) in [(now.plus(days), "ahead"), (Timestamp(now.0 - 5 * 86_400_000_000), "behind"), (now, "right")] {
        let mut spool = open(at);
        spool.handle_acknowledged(Seq(3), at).unwrap();
        assert_eq!(spool.figures().first, Seq(1), "{which}: seconds old");
    }
}

/// Found by a story: the hint of before lay there still, was believed at the next start, and what the collector had just asked
/// for anew was let go of for room, without a word.
#[test]
fn d9_what_a_restored_collector_wants_again_is_not_let_go_of_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let caps = Caps { octets: 500, segment_octets: 200, ..Caps::default() };
    let open = || Spool::open(Arc::new(RealVolume), &directory.path().join("spool"), caps, NOW).unwrap().0;
    let mut spool = open();
    for number in 1..=9 {
        fill(&mut spool, number..number + 1);
    }
    spool.handle_acknowledged(Seq(9), NOW).unwrap();
    let first = spool.figures().first;
    spool.handle_acknowledged(Seq(0), NOW).unwrap();
    drop(spool);
    let mut spool = open();
    assert_eq!(spool.figures().acknowledged, Seq(0));
    fill(&mut spool, 10..40);
    let lost = spool.figures().lost;
    let there = all(&mut spool, first.0).len() as u64;
    assert!(lost > 0, "over its cap it gives up what waits, and notes it");
    assert_eq!((first.0 + there, spool.figures().first), (40, first), "every place is told");
}

#[test]
fn d5_a_full_disk_loses_with_a_count_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "varde-test"])
        .arg(directory.path())
        .output();
    if !mount.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: only root may mount a small file system");
        return;
    }
    let result = std::panic::catch_unwind(|| {
        let (mut spool, _) = open(directory.path());
        fill(&mut spool, 1..100);
        let ballast = directory.path().join("ballast");
        let mut size = 512 * 1024;
        while size >= 4096 {
            let more = vec![1; size];
            let mut file = OpenOptions::new().append(true).create(true).open(&ballast).unwrap();
            if std::io::Write::write_all(&mut file, &more).is_err() {
                size /= 2;
            }
        }
        let mut lost = 0;
        for _ in 0..200 {
            for _ in 0..50 {
                let next = spool.next();
                spool.append(&record(next.0));
            }
            if let Some((from, to)) = spool.sync(NOW).unwrap().lost {
                lost += to.0 - from.0 + 1;
            }
        }
        assert!(lost > 0);
        assert_eq!(spool.figures().lost, lost);
        assert_eq!(spool.figures().unnoted, 0, "the reserve has room for the one note of it all");
        fs::remove_file(&ballast).unwrap();
        let next = spool.next();
        spool.append(&record(next.0));
        assert_eq!(spool.sync(NOW).unwrap().taken, Some((next, next)), "room again");
        drop(spool);
        let (mut spool, _) = open(directory.path());
        assert_eq!(spool.figures().lost, lost);
        let read = all(&mut spool, 1);
        assert_eq!(read.len() as u64, next.0);
        let losses = read
            .iter()
            .filter(|octets| matches!(Record::from_octets(octets).unwrap().body, RecordBody::GivenUp { .. }))
            .count();
        assert_eq!(losses as u64, lost);
        assert_eq!(read.last(), Some(&record(next.0)));
    });
    let _ = std::process::Command::new("umount").arg(directory.path()).output();
    result.unwrap();
}

#[test]
fn a_spool_set_aside_is_kept_whole_and_a_new_one_begins() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    fill(&mut spool, 1..4);
    let epoch = spool.figures().epoch;
    let aside = spool.set_aside().unwrap();
    assert_eq!(survey(&aside).unwrap().next, Seq(4));
    assert_ne!(open(directory.path()).0.figures().epoch, epoch);
}
