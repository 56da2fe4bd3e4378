//! Spools that were set aside come to an end: what the collector has, or what was taken over, is kept as long as in the spool
//! itself; what was never delivered longer, so that a person can look, and `status` says how long still.
//!
//! How long each has lain there stands in the file `set-aside` in the data directory: the wall clock when it was last looked
//! at, then a line for each, `NAME AGE_S UNDELIVERED`, with a checksum (`sealed.rs`). As in `spool/ages.rs` an age goes on by what passes between two looks,
//! and by a day at most each time; what has none there begins to age anew. One that is over is told to the collector as lost
//! ([`lost_with`]) before it is renamed and removed: half removed it must never be taken for a spool.

mod lost;

pub use lost::lost_with;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use super::adopt::plan::taken_over;
use super::spool::survey_as_far;
use super::volume::{RealVolume, Volume};
use super::{DiskError, failed, read_at_most, sealed, sync_directory, write_whole};
use crate::limits::{
    SET_ASIDE_DELIVERED_KEEP_S, SET_ASIDE_MAX_OCTETS, SET_ASIDE_UNDELIVERED_KEEP_S, SPOOL_AGE_STEP_MAX_S,
};

const FILE: &str = "set-aside";
const ENDED: &str = "spool.ended-";
const PREFIXES: [&str; 2] = ["spool.aside-", "spool.before-sensor-"];

/// A spool that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its directory's name within the data directory.
    pub name: String,
    /// How long it has lain there, seconds.
    pub age_s: u64,
    /// Records in it that the collector is not known to have and that nobody has taken over.
    pub undelivered: u64,
}

impl SetAside {
    /// When it will be removed, seconds from now.
    pub fn left_s(&self) -> u64 {
        let keep_s = if self.undelivered > 0 { SET_ASIDE_UNDELIVERED_KEEP_S } else { SET_ASIDE_DELIVERED_KEEP_S };
        keep_s.saturating_sub(self.age_s)
    }
}

/// Those there are, as they were last looked at.
pub fn known(data: &Path) -> Vec<SetAside> {
    let there = |one: &SetAside| data.join(&one.name).is_dir();
    read(data).map_or(Vec::new(), |(_, known)| known.into_values().filter(there).collect())
}

/// Looks at those there are by a clock that says `now`; gives those that are over, again and again until they are removed.
///
/// # Errors
/// [`DiskError`].
pub fn look(data: &Path, now: Timestamp) -> Result<Vec<SetAside>, DiskError> {
    let (told, before) = read(data).unwrap_or((now, BTreeMap::new()));
    let passed_s = now.since(told).as_secs().min(SPOOL_AGE_STEP_MAX_S);
    let (mut kept, mut over) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(data).map_err(failed("read", data))? {
        let entry = entry.map_err(failed("read", data))?;
        // The name alone is followed nowhere; and one that is no line of the file is none of ours.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.contains('\n') || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if name.starts_with(ENDED) {
            remove(&entry.path());
        } else if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            let age_s = before.get(&name).map_or(0, |known| known.age_s.saturating_add(passed_s));
            // What cannot be read (a copy that belongs to somebody else, a bad sector) keeps no sensor from its work.
            let undelivered = undelivered(&RealVolume, &entry.path()).unwrap_or_else(|error| {
                tracing::error!("what was set aside cannot be looked at: {error}; {}", error.remedy());
                1
            });
            let one = SetAside { name, age_s, undelivered };
            if one.left_s() == 0 { over.push(one) } else { kept.push(one) }
        }
    }
    if kept.is_empty() && over.is_empty() {
        return forget(data).map(|()| over);
    }
    let mut text = format!("{}\n", now.as_micros());
    for SetAside { name, age_s, undelivered } in kept.iter().chain(&over) {
        text.push_str(&format!("{name} {age_s} {undelivered}\n"));
    }
    match write_whole(&data.join(FILE), sealed::lines(&text).as_bytes()) {
        Err(error) if !error.is_full() => return Err(error),
        // On a full disk they grow no older than they were.
        Err(_) | Ok(()) => {}
    }
    Ok(over)
}

/// Nothing is set aside: nothing is to be remembered.
fn forget(data: &Path) -> Result<(), DiskError> {
    let file = data.join(FILE);
    if file.exists() {
        fs::remove_file(&file).map_err(failed("remove", &file))?;
    }
    Ok(())
}

/// Removes one that is over, once it is told what is lost with it.
///
/// # Errors
/// [`DiskError`]: the process must end. What cannot be moved is named in the log and stays.
pub fn end(data: &Path, one: &SetAside) -> Result<(), DiskError> {
    let SetAside { name, undelivered, .. } = one;
    let (path, ended) = (data.join(name), free_name(data));
    if let Err(error) = fs::rename(&path, &ended).map_err(failed("rename", &path)) {
        tracing::error!("the time of {name} is over and it cannot be removed: {error}; {}", error.remedy());
        return Ok(());
    }
    sync_directory(data)?;
    remove(&ended);
    tracing::warn!("the time of {name} is over: removed, with {undelivered} records never delivered");
    Ok(())
}

/// Tells in the log which of them hold what nobody has.
pub fn tell_undelivered(data: &Path) {
    for one in known(data).iter().filter(|one| one.undelivered > 0) {
        let (lies_in, days) = (data.join(&one.name), one.left_s() / 86_400);
        let (undelivered, lies_in) = (one.undelivered, lies_in.display());
        tracing::warn!(
            "{undelivered} records in {lies_in} were never delivered; tell the CSIRT: they are removed in {days} days"
        );
    }
}

fn free_name(data: &Path) -> PathBuf {
    let names = (0u32..).map(|number| data.join(format!("{ENDED}{number}")));
    names.into_iter().find(|path| !path.exists()).unwrap_or_else(|| data.join(ENDED))
}

/// What is over and cannot be removed yet is tried again the next time.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path).map_err(failed("remove", path)) {
        tracing::error!("{error}; {}", error.remedy());
    }
}

fn read(data: &Path) -> Option<(Timestamp, BTreeMap<String, SetAside>)> {
    let octets = read_at_most(&data.join(FILE), SET_ASIDE_MAX_OCTETS).ok()?;
    // As a version before wrote it, without a checksum, it is not believed: one flipped bit would end what was never delivered.
    let mut lines = sealed::lines_in(&octets)?.strip_suffix('\n')?.lines();
    let told = Timestamp(lines.next()?.parse().ok()?);
    let one = |line: &str| {
        // From behind: whoever copies one by hand may have put a space into its name.
        let mut words = line.rsplitn(3, ' ');
        let (undelivered, age_s) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let name = words.next()?.to_owned();
        Some((name.clone(), SetAside { name, age_s, undelivered }))
    };
    Some((told, lines.map(one).collect::<Option<_>>()?))
}

/// Records of it that are nowhere else, as far as is known here.
fn undelivered(volume: &dyn Volume, directory: &Path) -> Result<u64, DiskError> {
    let (figures, errors) = survey_as_far(volume, directory)?;
    for error in &errors {
        tracing::error!("what was set aside cannot be read in places: {error}; {}", error.remedy());
    }
    let taken_over = taken_over(volume, directory).into_iter().map(|(from, to)| {
        let from = from.max(figures.acknowledged.next());
        to.min(figures.next).0.saturating_sub(from.0)
    });
    let taken_over: u64 = taken_over.sum();
    // What could not be read is something that nobody has seen.
    let quarantined = directory.join("quarantine").is_dir();
    Ok(figures.waiting().saturating_sub(taken_over).max(u64::from(quarantined || !errors.is_empty())))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::sync::Arc;
    use std::time::Duration;

    use varde_common::id::Seq;

    use super::*;
    use crate::io::disk::spool::{Caps, Spool};

    const START: Timestamp = Timestamp(1_795_269_900_000_000);
    const HOUR_S: u64 = 3_600;

    /// Six records, so many of them acknowledged, set aside.
    fn set_aside(data: &Path, acknowledged: u64) -> PathBuf {
        let opened = Spool::open(Arc::new(RealVolume), &data.join("spool"), Caps::default(), START);
        let mut spool = opened.unwrap().0;
        for _ in 0..6 {
            spool.append(b"a record");
        }
        spool.sync(START).unwrap();
        spool.handle_acknowledged(Seq(acknowledged), START).unwrap();
        spool.write_hint(START).unwrap();
        spool.set_aside().unwrap()
    }

    /// Looks every hour from this one on; gives after how many the directory was gone.
    fn gone_after_h(data: &Path, directory: &Path, from: u64) -> Option<u64> {
        (from..=1_000).find(|hour| {
            for over in look(data, START.plus(Duration::from_secs(hour * HOUR_S))).unwrap() {
                end(data, &over).unwrap();
            }
            !directory.exists()
        })
    }

    #[test]
    fn what_was_delivered_goes_after_72_hours_and_what_was_not_after_30_days() {
        let data = tempfile::tempdir().unwrap();
        let delivered = set_aside(data.path(), 6);
        let mut undelivered = set_aside(data.path(), 4);
        let before = data.path().join("spool.before-sensor-7-0");
        fs::rename(&undelivered, &before).unwrap();
        undelivered = before;
        assert_eq!(gone_after_h(data.path(), &delivered, 0), Some(72));
        let [known] = &known(data.path())[..] else { panic!("not one") };
        assert_eq!((known.undelivered, known.left_s()), (2, (720 - 72) * HOUR_S), "told while it lies there");
        assert_eq!(gone_after_h(data.path(), &undelivered, 72), Some(720));
        assert!(super::known(data.path()).is_empty());
    }

    #[test]
    fn a_copy_that_somebody_made_under_a_name_of_his_own_keeps_none_from_its_end() {
        let data = tempfile::tempdir().unwrap();
        let delivered = set_aside(data.path(), 6);
        let copies = ["spool.aside-0 (copy)", "spool.aside-1\n2"].map(|name| data.path().join(name));
        let foreign = data.path().join(OsStr::from_bytes(b"spool.aside-\xff"));
        copies.iter().chain([&foreign]).for_each(|path| fs::create_dir(path).unwrap());
        assert_eq!(gone_after_h(data.path(), &delivered, 0), Some(72));
        assert_eq!(copies.each_ref().map(|path| path.exists()), [false, true]);
        assert!(foreign.exists(), "and what is no name of ours is let alone");
    }

    #[test]
    fn what_was_taken_over_is_delivered_and_what_may_have_been_sent_is_not() {
        for (adopted, undelivered) in [("5 7 00 1\n", 0), ("6 7 00 1\n", 1), ("1 9 00 1\n", 0), ("rubbish", 2)] {
            let data = tempfile::tempdir().unwrap();
            let directory = set_aside(data.path(), 4);
            fs::write(directory.join("adopted"), adopted).unwrap();
            assert_eq!(super::undelivered(&RealVolume, &directory).unwrap(), undelivered, "{adopted}");
        }
        // Half-way there: what came is delivered, and nothing else, whatever the plan says.
        for (file, plan, undelivered) in [
            ("adopting", "5 7 00 1\n", 2),
            ("adopting-until-5", "5 7 00 1\n", 2),
            ("adopting-until-6", "5 7 00 1\n", 1),
            ("adopting-until-9", "5 7 00 1\n", 0),
            ("adopting", "5 6 00 1\n6 7 00 9\n", 1),
            ("adopted", "5 6 00 1\n6 7 00 9\n", 0),
            ("adopted", "5 9 00 1\n9 7 00 9\n", 0),
        ] {
            let data = tempfile::tempdir().unwrap();
            let directory = set_aside(data.path(), 4);
            fs::write(directory.join(file), plan).unwrap();
            assert_eq!(super::undelivered(&RealVolume, &directory).unwrap(), undelivered, "{file}: {plan}");
        }
        let data = tempfile::tempdir().unwrap();
        let directory = set_aside(data.path(), 6);
        fs::create_dir(directory.join("quarantine")).unwrap();
        assert_eq!(super::undelivered(&RealVolume, &directory).unwrap(), 1, "what nobody could read");
    }

    #[test]
    fn d6_one_flipped_bit_ends_nothing_that_was_never_delivered() {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), 4);
        let at = |hours: u64| START.plus(Duration::from_secs(hours * HOUR_S));
        for hours in [0, 1, 25, 49] {
            assert!(look(data.path(), at(hours)).unwrap().is_empty());
        }
        let whole = fs::read(data.path().join(FILE)).unwrap();
        let age_s = known(data.path())[0].age_s;
        assert!(age_s > 100_000, "{age_s}");
        for (place, bit) in (0..whole.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let mut torn = whole.clone();
            torn[place] ^= 1 << bit;
            fs::write(data.path().join(FILE), torn).unwrap();
            assert!(known(data.path()).is_empty(), "octet {place}, bit {bit}");
            if bit == 3 {
                assert!(look(data.path(), at(49)).unwrap().is_empty(), "octet {place}");
                assert_eq!(known(data.path())[0].age_s, 0, "it begins to age anew");
            }
        }
        // As a version before wrote it.
        fs::write(data.path().join(FILE), &whole[13..]).unwrap();
        assert!(known(data.path()).is_empty() && look(data.path(), at(49)).unwrap().is_empty());
    }

    #[test]
    fn k1_a_clock_that_jumps_ends_nothing_and_what_was_half_removed_is_no_spool() {
        let data = tempfile::tempdir().unwrap();
        let directory = set_aside(data.path(), 6);
        for years in [0, 10, 5, 20] {
            look(data.path(), START.plus(Duration::from_secs(years * 31_536_000))).unwrap();
        }
        assert!(directory.exists(), "a jump is a day at most");
        fs::rename(&directory, data.path().join("spool.ended-0")).unwrap();
        fs::create_dir(data.path().join("spool")).unwrap();
        fs::create_dir(data.path().join("spool.kept-by-hand")).unwrap();
        look(data.path(), START).unwrap();
        let mut left: Vec<_> = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["spool", "spool.kept-by-hand"], "and only what is ours goes");
    }
}
