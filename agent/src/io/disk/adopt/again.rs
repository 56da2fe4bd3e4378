//! Whether the rest of a spool that was set aside can be taken over by now: nobody starts a program anew because there is room.

use std::path::Path;

use super::super::owner::Owner;
use super::super::spool::survey_on;
use super::super::volume::Volume;
use super::plan::Standing;
use super::{ROOM_BESIDE_OCTETS, committed, left};

/// Whether the next start would take over one that waits for room, with so many octets free on the disk. What waits for something
/// else, or cannot be read, is left to a start for another reason: else the program would start anew again and again.
pub fn has_room_by_now(volume: &dyn Volume, data: &Path, owner: &Owner, free_octets: u64) -> bool {
    let waits_for_room = |directory: &Path| match Standing::read(volume, directory) {
        Standing::New | Standing::Until(..) => {
            owner.may_take_over(volume, directory) && committed(volume, directory).is_some()
        }
        Standing::Begun(_) | Standing::Unreadable => false,
    };
    let fits = |directory: &Path| {
        // Twice what goes beside it: the reserve, and what the sensor writes until then.
        let beside = ROOM_BESIDE_OCTETS.saturating_mul(2);
        survey_on(volume, directory).is_ok_and(|figures| figures.octets.saturating_add(beside) <= free_octets)
    };
    left(volume, data).is_ok_and(|left| left.iter().any(|directory| waits_for_room(directory) && fits(directory)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use varde_common::id::Seq;

    use super::super::tests::{adopt_into, begun, open, set_aside};
    use super::*;
    use crate::io::disk::owner::tests::owner;
    use crate::io::disk::volume::RealVolume;

    #[test]
    fn d5_what_waits_for_room_calls_for_a_start_once_there_is_some_and_nothing_else_does() {
        let data = tempfile::tempdir().unwrap();
        let asks = |free| has_room_by_now(&RealVolume, data.path(), &owner(7, "3407"), free);
        assert!(!asks(u64::MAX), "nothing is set aside");
        drop(open(data.path()));
        owner(7, "3407").claim(data.path()).unwrap();
        set_aside(data.path(), Seq(2));
        assert!(asks(100 << 20) && !asks(1 << 20));
        assert!(!has_room_by_now(&RealVolume, data.path(), &owner(7, "0301"), u64::MAX), "another member's");
        let aside = left(&RealVolume, data.path()).unwrap().pop().unwrap();
        let noted = fs::read(aside.join("committed")).unwrap();
        fs::remove_file(aside.join("committed")).unwrap();
        assert!(!asks(u64::MAX), "nobody knows what the collector had");
        fs::write(aside.join("committed"), noted).unwrap();
        // Begun: the start for that has been, and something else was in its way.
        let mut spool = open(data.path());
        begun(data.path(), &mut spool);
        assert!(!asks(u64::MAX));
        fs::write(aside.join("adopting"), "rubbish").unwrap();
        assert!(!asks(u64::MAX), "cannot be read");
        let plan = format!("3 7 {} 1\n", spool.figures().epoch);
        fs::remove_file(aside.join("adopting")).unwrap();
        fs::write(aside.join("adopting-until-5"), plan).unwrap();
        assert!(asks(u64::MAX), "stopped half-way");
        assert_eq!(adopt_into(data.path(), &mut spool), 2);
        assert!(!asks(u64::MAX), "all of it is there");
    }
}
