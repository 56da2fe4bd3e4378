//! What is lost with a spool that was set aside once its time is over, told to the collector before it is removed: there is no record
//! that is neither here, nor there, nor counted.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use varde_common::record::SensorEvent;

use super::super::adopt::committed;
use super::super::adopt::plan::taken_over;
use super::super::owner::Owner;
use super::super::spool::ended::{QUARANTINE, Range, file_of_another, records, unread, unsent_in, used_in};
use super::super::spool::survey_as_far;
use super::super::volume::Volume;
use super::super::{DiskError, failed};
use super::SetAside;
use crate::limits::ENDED_FILES_MAX;
use crate::spool::{FileKind, FileName};

/// What nobody is known to have of it. The same each time it is asked, so that what is told twice can be known to be one thing. One file
/// that cannot be read hides nothing of the others: its numbers count as far as names and the witness tell them.
///
/// # Errors
/// [`DiskError`] where it may be read another time: nothing can be said of it now, and it must stay.
pub fn lost_with(
    volume: &dyn Volume,
    data: &Path,
    one: &SetAside,
    owner: &Owner,
) -> Result<Vec<SensorEvent>, DiskError> {
    let directory = data.join(&one.name);
    let (figures, errors) = match survey_as_far(volume, &directory) {
        Err(error) if error.is_lasting() => return Ok(vec![unread(&one.name, 0)]),
        found => found?,
    };
    let mut not_read = end_not_read(volume, &directory, &errors);
    if let Some(error) = errors.into_iter().find(|error| !error.is_lasting()) {
        return Err(error);
    }
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
    let mut lost = records(volume, &directory, figures.epoch, &ranges, told_apart)?;
    let mut files = 0;
    for (path, size) in unread_files(volume, &directory)? {
        let told =
            if files < ENDED_FILES_MAX { file_of_another(volume, &path, figures.epoch, told_apart)? } else { None };
        match told {
            Some(event) => {
                files += 1;
                lost.push(event);
            }
            None => not_read = Some(not_read.unwrap_or_default().saturating_add(size)),
        }
    }
    lost.extend(not_read.map(|octets| unread(&one.name, octets)));
    Ok(lost)
}

/// Octets of the newest segment where that is one of those that cannot be read: what the witness did not know of stood there.
fn end_not_read(volume: &dyn Volume, directory: &Path, errors: &[DiskError]) -> Option<u64> {
    let of = |error: &DiskError| error.path.file_name().and_then(OsStr::to_str).and_then(FileName::read);
    let unread: Vec<FileName> = errors.iter().filter_map(of).collect();
    let entries = volume.entries(directory).unwrap_or_default().into_iter();
    let named = entries.filter_map(|entry| Some((FileName::read(&entry.name)?, entry.octets)));
    let newest = named.filter(|(name, _)| name.kind == FileKind::Segment).max_by_key(|(name, _)| name.first);
    newest.filter(|(name, _)| unread.contains(name)).map(|(_, octets)| octets)
}

/// Files in it that are none of a spool's and not empty, with their sizes; a directory that nobody can list counts as one.
fn unread_files(volume: &dyn Volume, directory: &Path) -> Result<Vec<(PathBuf, u64)>, DiskError> {
    let listed = |directory: &Path| match volume.entries(directory).map_err(failed("read", directory)) {
        Ok(entries) => {
            let files = entries.into_iter().filter(|entry| entry.is_file && entry.octets > 0);
            Ok(files.map(|entry| (directory.join(&entry.name), entry.octets)).collect::<Vec<_>>())
        }
        Err(error) if error.is_missing() => Ok(Vec::new()),
        Err(error) if error.is_lasting() => Ok(vec![(directory.to_owned(), 0)]),
        Err(error) => Err(error),
    };
    let mut files = listed(directory)?;
    files.retain(|(path, _)| path.extension().is_some_and(|ending| ending == "torn"));
    files.extend(listed(&directory.join(QUARANTINE))?);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use varde_common::id::{Epoch, Seq};
    use varde_common::record::LossCounts;
    use varde_common::time::Timestamp;

    use super::super::super::adopt::allow;
    use super::super::super::adopt::tests::{opening, set_aside};
    use super::super::super::owner::tests::owner;
    use super::super::super::spool::tests::worn::Worn;
    use super::super::super::spool::{Caps, Spool};
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
        let lost = |owner: &Owner| lost_with(&RealVolume, data.path(), &one, owner).unwrap();
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
        let told = lost_with(&RealVolume, data.path(), &one, &owner(7, "3407")).unwrap();
        let counts = LossCounts::of(None, 3);
        let other =
            SensorEvent::RecordsEnded { epoch: Epoch(5), from: Seq(40), to: Seq(42), may_be_sent: true, counts };
        assert_eq!(told[1..], [other, unread(&name, 9)]);
        assert_eq!(ranges(&told[..1]), [(1, 6, true, 0)]);
        fs::remove_dir_all(&aside).unwrap();
        fs::write(&aside, b"no directory").unwrap();
        assert_eq!(lost_with(&RealVolume, data.path(), &one, &owner(7, "3407")).unwrap(), [unread(&name, 0)]);
    }

    const EACH: u64 = 200;

    /// Four segments of several blocks each, never sent, that have lain there long enough.
    fn four_segments(data: &Path) -> (SetAside, Vec<PathBuf>) {
        const NOW: Timestamp = Timestamp(1_000_000);
        let caps = Caps { segment_octets: 1_024, ..Caps::default() };
        let mut spool = Spool::open(Arc::new(RealVolume), &data.join("spool"), caps, NOW).unwrap().0;
        for _ in 0..4 {
            for _ in 0..EACH {
                spool.append(&opening());
            }
            spool.sync(NOW).unwrap();
        }
        spool.handle_sending_ended(Seq(1)).unwrap();
        allow(&RealVolume, spool.directory(), Seq(0)).unwrap();
        let aside = spool.set_aside().unwrap();
        let paths = fs::read_dir(&aside).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
        segments.sort();
        assert_eq!(segments.len(), 4);
        let name = aside.file_name().unwrap().to_str().unwrap().to_owned();
        (SetAside { name, age_s: 0, undelivered: 1 }, segments)
    }

    /// Found by a review: all of it went, and the collector was told of no octet.
    #[test]
    fn d5_d6_one_bad_sector_hides_nothing_of_what_lies_beside_it_and_its_own_numbers_are_told() {
        for which in 0..4 {
            let data = tempfile::tempdir().unwrap();
            let (one, segments) = four_segments(data.path());
            assert!(fs::metadata(&segments[which]).unwrap().len() > 2 * 4096);
            let worn = Worn::new(&segments[which], 4096, libc::EIO, u32::MAX);
            let lost = || lost_with(&worn, data.path(), &one, &owner(7, "3407")).unwrap();
            let told = lost();
            let [SensorEvent::RecordsEnded { from, to, may_be_sent: false, counts, .. }, rest @ ..] = &told[..] else {
                panic!("{which}: {told:?}")
            };
            assert_eq!((*from, *to, counts.total()), (Seq(1), Seq(4 * EACH), 4 * EACH), "{which}");
            assert!(counts.other > 0 && counts.other < EACH, "{which}: what stood behind it in that file: {counts:?}");
            // Of the newest nobody can say what stood at its end.
            assert_eq!(rest.len(), usize::from(which == 3), "{which}: {rest:?}");
            assert_eq!(lost(), told, "{which}: the same each time");
            let undelivered = super::super::undelivered(&worn, &data.path().join(&one.name)).unwrap();
            assert_eq!(undelivered, 4 * EACH, "{which}: told while it lies there");
        }
    }

    #[test]
    fn d5_what_may_be_read_another_time_is_not_told_as_lost() {
        for error in [libc::EMFILE, libc::ENOMEM, libc::EACCES] {
            let data = tempfile::tempdir().unwrap();
            let (one, segments) = four_segments(data.path());
            let worn = Worn::new(&segments[1], 0, error, u32::MAX);
            let lost = lost_with(&worn, data.path(), &one, &owner(7, "3407"));
            assert!(!lost.unwrap_err().is_lasting(), "{error}");
            assert_eq!(lost_with(&RealVolume, data.path(), &one, &owner(7, "3407")).unwrap().len(), 1);
        }
    }
}
