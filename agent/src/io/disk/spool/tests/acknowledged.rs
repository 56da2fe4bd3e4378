//! What the collector has is kept for as long as a restored one may want it, from when it had it, however long it had waited.

use super::*;

fn at(hours: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(hours * 3600))
}

fn open_at(directory: &Path, hours: u64) -> Spool {
    let caps = Caps { octets: HUGE, ..Caps::default() };
    Spool::open(Arc::new(RealVolume), &directory.join("spool"), caps, at(hours)).unwrap().0
}

/// Found by a review: what had waited for longer than 72 hours was let go of in the moment it was acknowledged.
#[test]
fn d9_what_waited_for_days_is_kept_for_72_hours_from_its_acknowledgement_also_over_a_crash() {
    const WAITED_H: u64 = 96;
    let keeps_h = SPOOL_ACKNOWLEDGED_KEEP_S / 3600;
    // Acknowledged at once, and bit by bit.
    for acknowledged in [vec![9], vec![1, 4, 5, 9], (1..=9).collect()] {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = open_at(directory.path(), 0);
        for first in [1, 4, 7] {
            for number in first..first + 3 {
                spool.append(&record(number));
            }
            spool.sync(at(0)).unwrap();
            spool.active.as_mut().unwrap().octets = HUGE;
        }
        // The file of ages is written just before, and would not be for an hour.
        for hour in 1..=WAITED_H {
            spool.sync(at(hour)).unwrap();
        }
        for seq in &acknowledged {
            spool.handle_acknowledged(Seq(*seq), at(WAITED_H)).unwrap();
        }
        assert_eq!(spool.figures().first, Seq(1), "a restored collector may want it");
        // Not ended in good order.
        drop(spool);
        let mut spool = open_at(directory.path(), WAITED_H);
        assert!(spool.figures().acknowledged > Seq(0));
        spool.handle_acknowledged(Seq(9), at(WAITED_H)).unwrap();
        for hour in 0..=keeps_h {
            spool.sync(at(WAITED_H + hour)).unwrap();
            assert_eq!(spool.figures().first, Seq(1), "{acknowledged:?}: {hour} hours after its acknowledgement");
        }
        spool.sync(at(WAITED_H + keeps_h + 1)).unwrap();
        assert!(spool.figures().first > Seq(9), "{acknowledged:?}: and no longer: {:?}", spool.figures());
    }
}

#[test]
fn d9_what_waited_goes_at_once_where_its_room_is_needed_and_so_does_no_note_of_a_loss_in_72_hours() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = open_at(directory.path(), 0);
    for number in 1..=9 {
        fill(&mut spool, number..number + 1);
        spool.active.as_mut().unwrap().octets = HUGE;
    }
    // Given up with a note while nobody listens.
    spool.caps.octets = spool.figures().octets - 1;
    spool.sync(at(1)).unwrap();
    spool.make_room(at(1)).unwrap();
    assert_eq!((spool.figures().lost, spool.figures().first), (1, Seq(1)));
    spool.caps.octets = HUGE;
    spool.make_room(at(24)).unwrap();
    for day in 2..=4 {
        spool.make_room(at(day * 24)).unwrap();
    }
    spool.handle_acknowledged(Seq(9), at(97)).unwrap();
    assert_eq!((spool.figures().lost, spool.figures().first), (1, Seq(1)), "a restored collector is told of it again");
    let before = spool.pieces.len();
    spool.caps.octets = spool.figures().octets - 1;
    spool.make_room(at(98)).unwrap();
    assert_eq!(spool.pieces.len(), before - 1, "over the cap the oldest segment went: {:?}", spool.figures());
}
