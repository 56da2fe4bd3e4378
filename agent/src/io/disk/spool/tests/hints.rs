//! The small files beside the segments: damaged they say nothing, and as a version before wrote them what can be believed.

use super::*;
use crate::io::disk::sealed;

const RECORDS: u64 = 61;
const ACKNOWLEDGED: u64 = 12;
const UNSENT: u64 = 41;

/// Segments of ten, with hints, and as old as one flipped bit makes too old.
fn old_spool(directory: &Path) -> Epoch {
    let (mut spool, _) = open(directory);
    for first in (1..=RECORDS).step_by(10) {
        fill(&mut spool, first..(first + 10).min(RECORDS + 1));
        spool.active.as_mut().unwrap().octets = HUGE;
    }
    all(&mut spool, 1);
    spool.handle_acknowledged(Seq(ACKNOWLEDGED), NOW).unwrap();
    spool.handle_sending_ended(Seq(UNSENT)).unwrap();
    spool.write_hint(NOW).unwrap();
    let epoch = spool.figures().epoch;
    let mut ages = format!("{epoch} 1592000 {}\n", NOW.as_micros());
    for first in spool.pieces.keys() {
        ages.push_str(&format!("{first} 1592000 1592000\n"));
    }
    fs::write(directory.join("spool/ages"), sealed::lines(&ages)).unwrap();
    epoch
}

/// Found by a review: one flipped bit in `ages` gave up 61 records, one in `acknowledged` invented ten.
#[test]
fn d6_one_flipped_bit_beside_the_segments_neither_loses_nor_invents_a_record() {
    let directory = tempfile::tempdir().unwrap();
    let epoch = old_spool(directory.path());
    let room = directory.path().join("spool");
    let whole =
        ["acknowledged", "unsent", taken::TAKEN_FILE, "ages"].map(|name| (name, fs::read(room.join(name)).unwrap()));
    let mut damaged = 0;
    for (name, octets) in &whole {
        // A one becomes a nine by the first of them, a space becomes a zero by the other.
        for (place, bit) in (0..octets.len()).flat_map(|place| [(place, 8), (place, 16)]) {
            for (name, octets) in &whole {
                fs::write(room.join(name), octets).unwrap();
            }
            let mut torn = octets.clone();
            torn[place] ^= bit;
            fs::write(room.join(name), torn).unwrap();
            let (mut spool, recovered) = open(directory.path());
            let at = format!("{name}, octet {place}, bit {bit}");
            assert_eq!(recovered, Recovered { records: RECORDS, damaged_octets: 0 }, "{at}");
            let acknowledged = if *name == "acknowledged" { 0 } else { ACKNOWLEDGED };
            let figures = spool.figures();
            assert_eq!((figures.epoch, figures.next, figures.first), (epoch, Seq(RECORDS + 1), Seq(1)), "{at}");
            assert_eq!(figures.acknowledged, Seq(acknowledged), "{at}");
            assert_eq!(spool.unsent(), Seq(if *name == "unsent" { RECORDS + 1 } else { UNSENT }), "{at}");
            spool.make_room(NOW).unwrap();
            assert_eq!((spool.figures().first, spool.figures().lost), (Seq(1), 0), "{at}");
            damaged += 1;
        }
    }
    assert!(damaged > 500, "{damaged}");
    assert_eq!(all(&mut open(directory.path()).0, 1), (1..=RECORDS).map(record).collect::<Vec<_>>());
}

#[test]
fn v1_hints_as_a_version_before_wrote_them_are_read_as_far_as_they_can_be_believed() {
    let directory = tempfile::tempdir().unwrap();
    let epoch = old_spool(directory.path());
    let room = directory.path().join("spool");
    let write = |name: &str, text: String| fs::write(room.join(name), text).unwrap();
    let past = NOW.plus(Duration::from_secs(86_400));
    for (said, believed) in [("12", 12), ("61", 61), ("71", 61), ("9000000", 61), ("6x", 0)] {
        write("acknowledged", format!("{epoch} {said}\n"));
        write("unsent", format!("{epoch} {UNSENT}\n"));
        // By it all of them had waited too long.
        write("ages", format!("{epoch} 9592000 {}\n1 1592000 1592000\n", NOW.as_micros()));
        let (mut spool, _) = open(directory.path());
        let figures = spool.figures();
        assert_eq!((figures.acknowledged, figures.next), (Seq(believed), Seq(RECORDS + 1)), "{said}");
        assert_eq!(spool.unsent(), Seq(UNSENT));
        spool.make_room(past).unwrap();
        assert_eq!((spool.figures().first, spool.figures().lost), (Seq(1), 0), "ages begin anew");
    }
    // From before there was a witness: nothing else says how far the numbers had come.
    write("acknowledged", format!("{epoch} 71\n"));
    fs::remove_file(room.join(taken::TAKEN_FILE)).unwrap();
    assert_eq!(open(directory.path()).0.next(), Seq(72), "what is acknowledged is never numbered anew");
}
