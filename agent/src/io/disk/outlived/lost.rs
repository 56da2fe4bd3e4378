//! What is lost with a spool that was set aside once its time is over, told to the collector before it is removed: there is no record
//! that is neither here, nor there, nor counted.

use std::path::{Path, PathBuf};

use varde_common::record::SensorEvent;

use super::super::adopt::committed;
use super::super::adopt::plan::taken_over;
use super::super::owner::Owner;
use super::super::spool::ended::{QUARANTINE, Range, file_of_another, records, unread, unsent_in, used_in};
use super::super::spool::survey_on;
use super::super::volume::Volume;
use super::SetAside;
use crate::limits::ENDED_FILES_MAX;

/// What nobody is known to have of it. The same each time it is asked, so that what is told twice can be known to be one thing.
pub fn lost_with(volume: &dyn Volume, data: &Path, one: &SetAside, owner: &Owner) -> Vec<SensorEvent> {
    let directory = data.join(&one.name);
    let Ok(figures) = survey_on(volume, &directory) else { return vec![unread(&one.name, 0)] };
    let end = figures.next.max(used_in(volume, &directory, figures.epoch).unwrap_or(figures.next));
    // What lies below what was sent, or what the collector had of a later state, may be there.
    let clear = match committed(volume, &directory) {
        Some(committed) => unsent_in(volume, &directory, figures.epoch).unwrap_or(end).max(committed.next()),
        None => end,
    };
    let mut taken = taken_over(volume, &directory);
    taken.sort();
    taken.push((end, end));
    let (mut ranges, mut from) = (Vec::new(), figures.acknowledged.next());
    for (next, after) in taken {
        for (from, before, may_be_sent) in [(from, next.min(clear), true), (from.max(clear), next, false)] {
            if from < before {
                ranges.push(Range { from, before, may_be_sent });
            }
        }
        from = from.max(after);
    }
    // What was another member's is that one's: how many they were, and no more.
    let told_apart = owner.may_take_over(volume, &directory);
    let mut lost = records(volume, &directory, figures.epoch, &ranges, told_apart);
    let (mut files, mut octets) = (0, 0u64);
    for (path, size) in unread_files(volume, &directory) {
        let told =
            if files < ENDED_FILES_MAX { file_of_another(volume, &path, figures.epoch, told_apart) } else { None };
        match told {
            Some(event) => {
                files += 1;
                lost.push(event);
            }
            None => octets = octets.saturating_add(size),
        }
    }
    if octets > 0 {
        lost.push(unread(&one.name, octets));
    }
    lost
}

/// Files in it that are none of a spool's, with their sizes; what cannot be listed is not there.
fn unread_files(volume: &dyn Volume, directory: &Path) -> Vec<(PathBuf, u64)> {
    let listed = |directory: &Path| {
        let entries = volume.entries(directory).unwrap_or_default().into_iter().filter(|entry| entry.is_file);
        entries.map(|entry| (directory.join(&entry.name), entry.octets)).collect::<Vec<_>>()
    };
    let mut files = listed(directory);
    files.retain(|(path, _)| path.extension().is_some_and(|ending| ending == "torn"));
    files.extend(listed(&directory.join(QUARANTINE)));
    files
}

#[cfg(test)]
mod tests {
    use std::fs;

    use varde_common::id::{Epoch, Seq};
    use varde_common::record::LossCounts;

    use super::super::super::adopt::tests::set_aside;
    use super::super::super::owner::tests::owner;
    use super::super::super::volume::RealVolume;
    use super::*;
    use crate::spool::{segment_header, write_record};

    /// Of what was told: first and last number, whether it may have been sent, and how many had no severity.
    fn ranges(told: &[SensorEvent]) -> Vec<(u64, u64, bool, u64)> {
        let range = |event: &SensorEvent| match event {
            SensorEvent::RecordsEnded { from, to, may_be_sent, counts, .. } => {
                assert_eq!(counts.total(), to.0 - from.0 + 1, "{event:?}");
                Some((from.0, to.0, *may_be_sent, counts.other))
            }
            _ => None,
        };
        told.iter().filter_map(range).collect()
    }

    #[test]
    fn d5_each_record_that_nobody_is_known_to_have_is_told_once_with_what_it_was() {
        let data = tempfile::tempdir().unwrap();
        // Two sent, four not; the collector had this many.
        set_aside(data.path(), Seq(3));
        let aside = super::super::super::adopt::left(&RealVolume, data.path()).unwrap().pop().unwrap();
        let name = aside.file_name().unwrap().to_str().unwrap().to_owned();
        let one = SetAside { name: name.clone(), age_s: 0, undelivered: 6 };
        let lost = |owner: &Owner| lost_with(&RealVolume, data.path(), &one, owner);
        let ours = || lost(&owner(7, "3407"));
        assert_eq!(ranges(&ours()), [(1, 3, true, 0), (4, 6, false, 0)]);
        assert_eq!(ours(), ours(), "the same each time");
        fs::write(aside.join("owner"), "3 ca 0301\n").unwrap();
        assert_eq!(ranges(&ours()), [(1, 3, true, 3), (4, 6, false, 3)], "another member's is only counted");
        fs::remove_file(aside.join("owner")).unwrap();
        for (file, plan, told) in [
            ("adopted", "5 7 00 1\n", vec![(1, 3, true, 0), (4, 4, false, 0)]),
            ("adopted", "1 9 00 1\n", vec![]),
            ("adopting-until-5", "2 3 00 1\n4 9 00 9\n", vec![(1, 1, true, 0), (3, 3, true, 0), (5, 6, false, 0)]),
            ("adopting", "rubbish", vec![(1, 3, true, 0), (4, 6, false, 0)]),
        ] {
            fs::write(aside.join(file), plan).unwrap();
            assert_eq!(ranges(&ours()), told, "{file}: {plan}");
            fs::remove_file(aside.join(file)).unwrap();
        }
        fs::remove_file(aside.join("committed")).unwrap();
        assert_eq!(ranges(&ours()), [(1, 6, true, 0)], "nobody noted what the collector had");
        // What is damaged at the end is used up all the same, as far as the witness knows.
        let segment = fs::read_dir(&aside).unwrap().map(|entry| entry.unwrap().path());
        let segment = segment.filter(|path| path.extension().is_some_and(|end| end == "seg")).last().unwrap();
        let octets = fs::read(&segment).unwrap();
        fs::write(&segment, &octets[..octets.len() - 5]).unwrap();
        assert_eq!(ranges(&ours()), [(1, 6, true, 1)]);
    }

    #[test]
    fn d5_what_could_not_be_read_is_told_as_octets_and_a_whole_file_of_another_lifetime_with_its_numbers() {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(6));
        let aside = super::super::super::adopt::left(&RealVolume, data.path()).unwrap().pop().unwrap();
        let name = aside.file_name().unwrap().to_str().unwrap().to_owned();
        let one = SetAside { name: name.clone(), age_s: 0, undelivered: 6 };
        let room = aside.join(QUARANTINE);
        fs::create_dir(&room).unwrap();
        let mut segment = segment_header(Epoch(5), Seq(40));
        for seq in 40..43 {
            write_record(&mut segment, Seq(seq), b"what a later version writes");
        }
        fs::write(room.join(format!("{}-{:016x}.seg.1", Epoch(5), 40)), segment).unwrap();
        fs::write(room.join("notes of mine"), b"hello").unwrap();
        fs::write(aside.join("a.0.torn"), b"torn").unwrap();
        fs::write(aside.join("acknowledged"), "rubbish").unwrap();
        let told = lost_with(&RealVolume, data.path(), &one, &owner(7, "3407"));
        let counts = LossCounts::of(None, 3);
        let other =
            SensorEvent::RecordsEnded { epoch: Epoch(5), from: Seq(40), to: Seq(42), may_be_sent: true, counts };
        assert_eq!(told[1..], [other, unread(&name, 9)]);
        assert_eq!(ranges(&told[..1]), [(1, 6, true, 0)]);
        fs::remove_dir_all(&aside).unwrap();
        fs::write(&aside, b"no directory").unwrap();
        assert_eq!(lost_with(&RealVolume, data.path(), &one, &owner(7, "3407")), [unread(&name, 0)]);
    }
}
