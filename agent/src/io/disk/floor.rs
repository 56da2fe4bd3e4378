//! The floor of each channel, as it lies on disk.
//!
//! ```text
//! DIR/list/floor        the highest number ever accepted, as digits; after a space the root document it was accepted by
//! DIR/list/signed       for each set of keys the highest number they signed: the number, a space, their ids with commas between;
//!                       where nobody wrote down who, "@" and the root document instead
//! DIR/list/floor-NAME, signed-NAME     the same of another channel than all
//! ```
//! Programs from before know the first file alone, in this form. Who signed is written before it where the floor rises and behind it
//! where it falls: cut off in between, the second file is right. Where that one is missing, damaged, or has no number as high as the
//! first (a program from before has raised it), nobody has written down who signed that.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::trust::from_hex;

use super::unread::or_unread;
use super::volume::{RealVolume, Volume};
use super::{DiskError, create_directory_on, read_at_most_on, roots, write_whole_on};
use crate::floor::{Floor, Mark};
use crate::limits::FLOOR_MARKS_MAX;

/// Digits of a revision and of a root document, and a line's end.
const FLOOR_MAX_OCTETS: u64 = 33;
/// A number, and the ids of as many keys as a document may be signed by; in each of so many lines.
const SIGNED_MAX_OCTETS: u64 = (FLOOR_MARKS_MAX * (24 + 16 * 33)) as u64;

/// Where a channel's file lies. A channel's name is a part of it.
fn path_of(data: &Path, file: &str, channel: &ChannelName) -> PathBuf {
    data.join("list").join(if channel.is_all() { file.to_owned() } else { format!("{file}-{channel}") })
}

/// Makes a floor that rose survive a restart; the number of the root document that it is by.
///
/// # Errors
/// [`DiskError`].
pub fn store_on(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    floor: &Floor,
    root_version: u32,
) -> Result<(), DiskError> {
    create_directory_on(volume, &data.join("list"))?;
    store_signed(volume, data, channel, floor, root_version)?;
    store_number(volume, data, channel, floor, root_version)
}

/// Makes a floor that fell survive a restart.
///
/// # Errors
/// [`DiskError`].
pub fn store_fallen(data: &Path, channel: &ChannelName, floor: &Floor, root_version: u32) -> Result<(), DiskError> {
    create_directory_on(&RealVolume, &data.join("list"))?;
    store_number(&RealVolume, data, channel, floor, root_version)?;
    store_signed(&RealVolume, data, channel, floor, root_version)
}

fn store_signed(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    floor: &Floor,
    root_version: u32,
) -> Result<(), DiskError> {
    let line = |mark: &Mark| match mark.signers.is_empty() {
        true => format!("{} @{root_version}\n", mark.revision),
        false => format!("{} {}\n", mark.revision, mark.signers.iter().cloned().collect::<Vec<_>>().join(",")),
    };
    let signed: String = floor.marks().iter().map(line).collect();
    write_whole_on(volume, &path_of(data, "signed", channel), signed.as_bytes())
}

fn store_number(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    floor: &Floor,
    root_version: u32,
) -> Result<(), DiskError> {
    let revision = floor.revision();
    // Nothing comes before the first document; and programs from before know one number alone.
    let text = if root_version <= 1 { revision.to_string() } else { format!("{revision} {root_version}") };
    write_whole_on(volume, &path_of(data, "floor", channel), text.as_bytes())
}

/// A channel's floor that counts by these root documents; none where the file is damaged.
///
/// # Errors
/// [`DiskError`] when it is there and may not be read, or not just now.
pub fn read_on(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    roots: &roots::Stored,
) -> Result<Option<Floor>, DiskError> {
    read_noting(volume, data, channel, roots, &mut Vec::new())
}

/// The same, noting what the disk cannot give. Of two files the other one is the floor then; there is none where nothing is left.
///
/// # Errors
/// As above.
pub(super) fn read_noting(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    roots: &roots::Stored,
    unread: &mut Vec<DiskError>,
) -> Result<Option<Floor>, DiskError> {
    let path = path_of(data, "floor", channel);
    let signed = or_unread(unread, || signed(volume, data, channel, roots))?.flatten();
    let mut floor = signed.unwrap_or_default();
    let written: Vec<Revision> = floor.marks().iter().map(|mark| mark.revision).collect();
    if let Some(newest) = roots.newest() {
        floor.handle_root(&newest.root, &newest.root);
    }
    if volume.exists(&path) {
        let octets = match or_unread(unread, || read_at_most_on(volume, &path, FLOOR_MAX_OCTETS)) {
            Ok(Some(octets)) => octets,
            // Who signed is as high, unless a program from before has raised the number alone.
            Ok(None) => return Ok((!written.is_empty()).then_some(floor)),
            Err(error) if error.is_too_large() => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some((revision, root_version)) = number(String::from_utf8_lossy(&octets).trim_end()) else {
            return Ok(None);
        };
        if revision > floor.revision() && !written.contains(&revision) {
            floor = floor.with(by_root(revision, root_version, roots).revision(), BTreeSet::new());
        }
    }
    Ok(Some(floor))
}

fn number(text: &str) -> Option<(Revision, u32)> {
    let (revision, root_version) = text.split_once(' ').unwrap_or((text, "0"));
    Some((Revision(revision.parse().ok()?), root_version.parse().ok()?))
}

/// A number that nobody wrote down who signed, by the root documents that followed.
fn by_root(revision: Revision, root_version: u32, roots: &roots::Stored) -> Floor {
    let mut floor = Floor::of(revision);
    for (before, after) in roots.since(root_version) {
        floor.handle_root(before, after);
    }
    floor
}

/// Who signed what; none where that cannot be read.
fn signed(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    roots: &roots::Stored,
) -> Result<Option<Floor>, DiskError> {
    let path = path_of(data, "signed", channel);
    if !volume.exists(&path) {
        return Ok(None);
    }
    let octets = match read_at_most_on(volume, &path, SIGNED_MAX_OCTETS) {
        Ok(octets) => octets,
        Err(error) if error.is_too_large() => return Ok(None),
        Err(error) => return Err(error),
    };
    let line = |line: &str| {
        let (revision, by) = line.split_once(' ')?;
        let revision = Revision(revision.parse().ok()?);
        if let Some(root_version) = by.strip_prefix('@') {
            return Some((by_root(revision, root_version.parse().ok()?, roots).revision(), BTreeSet::new()));
        }
        let ids: BTreeSet<String> = by.split(',').map(str::to_owned).collect();
        ids.iter().all(|id| from_hex::<16>(id).is_some()).then_some((revision, ids))
    };
    let text = String::from_utf8_lossy(&octets);
    let marks: Option<Vec<_>> = text.lines().map(line).collect();
    let folded =
        |marks: Vec<_>| marks.into_iter().fold(Floor::default(), |floor, (revision, by)| floor.with(revision, by));
    Ok(marks.map(folded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::Document;
    use crate::io::disk::volume::{Access, Entry, VolumeFile};
    use crate::subscription::tests::{key, root_of};
    use std::io;
    use varde_common::trust::{Role, Root, key_id};

    fn id(seed: u8) -> String {
        key_id(&key(seed).verifying_key())
    }

    fn root(version: u32, list: &[u8]) -> Root {
        let mut root = Root { version, ..root_of(&key(1)) };
        root.roles.list = Role { keys: list.iter().map(|seed| id(*seed)).collect(), threshold: 1 };
        root
    }

    fn chain(roots: &[Root]) -> roots::Stored {
        let chain = roots.iter().map(|root| Document { root: root.clone(), octets: Vec::new() }).collect();
        roots::Stored { chain, damaged: None }
    }

    #[test]
    fn c4_i4_a_floor_is_read_with_who_signed_it_and_falls_with_the_root_documents_that_came_since() {
        let directory = tempfile::tempdir().unwrap();
        let (data, all) = (directory.path(), ChannelName::default());
        let read = |roots: &[Root]| read_on(&RealVolume, data, &all, &chain(roots)).unwrap();
        let first = root(1, &[2, 3]);
        assert_eq!(read(std::slice::from_ref(&first)), Some(Floor::default()));
        let floor = Floor::default().with(Revision(3), [id(3)].into()).with(Revision(900), [id(2)].into());
        store_on(&RealVolume, data, &all, &floor, 1).unwrap();
        assert_eq!(
            std::fs::read_to_string(data.join("list/floor")).unwrap(),
            "900",
            "as a program from before reads it"
        );
        assert_eq!(read(std::slice::from_ref(&first)), Some(floor.clone()));
        // The root document is on disk, and it was cut off before the floor was written anew.
        let retired = [first.clone(), root(2, &[3])];
        assert_eq!(read(&retired).map(|floor| floor.revision()), Some(Revision(3)));
        let replaced = [first.clone(), root(2, &[4])];
        assert_eq!(read(&replaced).map(|floor| floor.revision()), Some(Revision(0)));
        // A program from before has raised it in between: nobody wrote down who signed.
        std::fs::write(data.join("list/floor"), "950").unwrap();
        assert_eq!(read(&retired).map(|floor| floor.revision()), Some(Revision(950)));
        assert_eq!(read(&replaced).map(|floor| floor.revision()), Some(Revision(0)));
        // Or has begun anew, by wholly other keys.
        std::fs::write(data.join("list/floor"), "12 2").unwrap();
        assert_eq!(read(&replaced).map(|floor| floor.revision()), Some(Revision(12)));
        std::fs::write(data.join("list/floor"), "950").unwrap();
        for damaged in [&b"3 x"[..], b"3", b"", &[0xff; 40], &[b'1'; SIGNED_MAX_OCTETS as usize + 1]] {
            std::fs::write(data.join("list/signed"), damaged).unwrap();
            assert_eq!(read(&retired).map(|floor| floor.revision()), Some(Revision(950)), "what is not known holds");
        }
        std::fs::write(data.join("list/floor"), "nine").unwrap();
        assert_eq!(read(&retired), None);
    }

    #[test]
    fn c4_i4_cut_off_between_its_two_files_a_floor_that_rose_has_risen_and_one_that_fell_has_fallen() {
        let directory = tempfile::tempdir().unwrap();
        let (data, all) = (directory.path(), ChannelName::default());
        let one = chain(&[root(1, &[2, 3])]);
        let five = Floor::default().with(Revision(5), [id(3)].into());
        store_on(&RealVolume, data, &all, &five.clone().with(Revision(6), [id(3)].into()), 1).unwrap();
        std::fs::write(data.join("list/floor"), "5").unwrap();
        assert_eq!(read_on(&RealVolume, data, &all, &one).unwrap().map(|floor| floor.revision()), Some(Revision(6)));
        // It falls to 3, and neither, one, or both of its files are written.
        let two = chain(&[root(1, &[2, 3]), root(2, &[3])]);
        let mut stolen = Floor::default().with(Revision(3), [id(3)].into()).with(Revision(900), [id(2)].into());
        store_on(&RealVolume, data, &all, &stolen, 1).unwrap();
        let signed = std::fs::read(data.join("list/signed")).unwrap();
        assert!(stolen.handle_root(&root(1, &[2, 3]), &root(2, &[3])));
        let fell = || read_on(&RealVolume, data, &all, &two).unwrap().map(|floor| floor.revision());
        assert_eq!(fell(), Some(Revision(3)));
        store_fallen(data, &all, &stolen, 2).unwrap();
        assert_eq!(fell(), Some(Revision(3)));
        std::fs::write(data.join("list/signed"), signed).unwrap();
        assert_eq!(fell(), Some(Revision(3)));
    }

    /// A disk that cannot read files of these names.
    #[derive(Debug)]
    struct Worn(&'static [&'static str]);

    impl Volume for Worn {
        fn create_directory(&self, path: &Path) -> io::Result<()> {
            RealVolume.create_directory(path)
        }
        fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
            RealVolume.entries(directory)
        }
        fn entry(&self, path: &Path) -> io::Result<Entry> {
            RealVolume.entry(path)
        }
        fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn VolumeFile>> {
            match self.0.iter().any(|name| path.ends_with(name)) {
                true => Err(io::Error::from_raw_os_error(libc::EIO)),
                false => RealVolume.open(path, access),
            }
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            RealVolume.rename(from, to)
        }
        fn remove(&self, path: &Path) -> io::Result<()> {
            RealVolume.remove(path)
        }
        fn sync_directory(&self, path: &Path) -> io::Result<()> {
            RealVolume.sync_directory(path)
        }
        fn unique(&self) -> u128 {
            RealVolume.unique()
        }
    }

    #[test]
    fn d6_i4_of_a_floor_one_of_whose_files_cannot_be_read_the_other_one_is_it() {
        let directory = tempfile::tempdir().unwrap();
        let (data, all, one) = (directory.path(), ChannelName::default(), chain(&[root(1, &[2, 3])]));
        let nine = Floor::default().with(Revision(9), [id(3)].into());
        store_on(&RealVolume, data, &all, &nine, 1).unwrap();
        let read = |names: &'static [&'static str]| {
            let mut unread = Vec::new();
            let floor = read_noting(&Worn(names), data, &all, &one, &mut unread).unwrap();
            (floor.map(|floor| floor.revision()), unread.len())
        };
        assert_eq!(read(&[]), (Some(Revision(9)), 0));
        assert_eq!(read(&["floor"]), (Some(Revision(9)), 1));
        assert_eq!(read(&["signed"]), (Some(Revision(9)), 1));
        assert_eq!(read(&["floor", "signed"]), (None, 2), "it is said, and the list in force is the floor");
    }
}
