//! The list in force, as it lies on disk, and the floor below which no list is taken.
//!
//! ```text
//! DIR/list/in-force   "VARDEIF2" ‖ length of the manifest u32, big endian ‖ manifest ‖ zero up to octet 20,480 ‖ base
//! DIR/list/incoming   the next one while it arrives
//! DIR/list/floor      the highest revision ever accepted, as digits; after a space the root document it was accepted by
//! DIR/list/floor-NAME the same of another channel than all
//! DIR/list/channel    the last word of which channel to follow, as it was signed
//! DIR/list/newest     the last word of which list is the newest, as it was signed
//! ```
//! A base is written as it arrives and mapped where it lies, so that a list is never in memory as a whole. At start the
//! manifest is verified and the base held against it by reading, before it is mapped: the disk is not trusted more than
//! the network.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varde_common::channel::{ChannelName, Placement};
use varde_common::id::{Revision, SensorId};
use varde_common::limits::{MANIFEST_MAX_OCTETS, NEWEST_MAX_OCTETS, PLACEMENT_MAX_OCTETS};
use varde_common::list::{Manifest, Refused};
use varde_common::matcher::IndicatorSet;
use varde_common::newest::Newest;
use varde_common::rotation::is_replaced;
use varde_common::time::Timestamp;
use varde_common::trust::Root;

use super::mapped::{self, Mapped};
use super::volume::{RealVolume, Volume};
use super::{
    DiskError, create_directory, create_directory_on, failed, read_at_most, read_at_most_on, roots, sync_directory,
    write_whole, write_whole_on,
};
use crate::placed::Placed;

/// Digits of a revision and of a root document, and a line's end.
const FLOOR_MAX_OCTETS: u64 = 33;
const NO_FLOOR: &str = "the file list/floor is no number; the revision in force is the floor";

const MAGIC: &[u8; 8] = b"VARDEIF2";
const HEAD_OCTETS: usize = 12;
/// Where the base begins: behind the longest manifest, at a page's border.
const BASE_AT: usize = 20_480;
/// Octets read at once for hashing: enough for the hash to use all the processor has, and still within its cache.
const READ_OCTETS: usize = 256 * 1024;

/// A list on its way to the disk. Dropped before it is kept, it leaves nothing behind.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    directory: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Incoming {
    /// Begins a file for the list that this manifest announces, beside the one in force.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn begin(data: &Path, manifest: &[u8]) -> Result<Incoming, DiskError> {
        let directory = data.join("list");
        create_directory(&directory)?;
        let path = directory.join("incoming");
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path);
        let file = open.map_err(failed("create", &path))?;
        let mut incoming = Incoming { file, directory, path, kept: false };
        let mut head = Vec::with_capacity(BASE_AT);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&u32::try_from(manifest.len()).unwrap_or(u32::MAX).to_be_bytes());
        head.extend_from_slice(manifest);
        // A manifest over its bound has been refused before.
        head.resize(BASE_AT, 0);
        incoming.write(&head)?;
        Ok(incoming)
    }

    /// Appends octets of the base.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn write(&mut self, octets: &[u8]) -> Result<(), DiskError> {
        self.file.write_all(octets).map_err(failed("write", &self.path))
    }

    /// Maps the base, which has been hashed as it arrived, and opens it.
    ///
    /// # Errors
    /// [`DiskError`]; within, why this base cannot be used.
    pub fn open(&self, manifest: &Manifest) -> Result<Result<IndicatorSet, Refused>, DiskError> {
        let mapped = mapped::map(&self.file, BASE_AT).map_err(failed("map", &self.path))?;
        Ok(in_memory(manifest, mapped))
    }

    /// Makes it survive a restart, and the floor before it: a list that comes into force and is damaged then must not let an
    /// older one in (I4), whatever stops in between.
    ///
    /// # Errors
    /// [`DiskError`]; the one before is then still there.
    pub fn accept(self, data: &Path, channel: &ChannelName, floor: Floor) -> Result<(), DiskError> {
        store_floor(data, channel, floor)?;
        self.keep()
    }

    /// Makes it survive a restart, in place of the list in force.
    ///
    /// # Errors
    /// [`DiskError`]; the one before is then still there.
    pub fn keep(mut self) -> Result<(), DiskError> {
        self.file.sync_all().map_err(failed("fsync", &self.path))?;
        fs::rename(&self.path, self.directory.join("in-force")).map_err(failed("rename", &self.path))?;
        self.kept = true;
        sync_directory(&self.directory)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.kept {
            // The next one truncates it anyway.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens a checked base where it is mapped, and brings into memory what every look-up touches.
fn in_memory(manifest: &Manifest, mapped: Mapped) -> Result<IndicatorSet, Refused> {
    let set = manifest.open_checked(Arc::new(mapped))?;
    set.touch();
    Ok(set)
}

/// Makes a list that is at hand whole survive a restart.
///
/// # Errors
/// [`DiskError`]; the one before is then still there.
pub fn store(data: &Path, manifest: &[u8], base: &[u8]) -> Result<(), DiskError> {
    let mut incoming = Incoming::begin(data, manifest)?;
    incoming.write(base)?;
    incoming.keep()
}

/// The highest revision ever accepted, and by which root document: a root that gives lists to wholly other keys lets it fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Floor {
    /// The revision.
    pub revision: Revision,
    /// The number of the root document; 0 = written before that was.
    pub root_version: u32,
}

impl Floor {
    fn read(text: &str) -> Option<Floor> {
        let (revision, root_version) = text.split_once(' ').unwrap_or((text, "0"));
        Some(Floor { revision: Revision(revision.parse().ok()?), root_version: root_version.parse().ok()? })
    }
}

/// Where a channel's floor lies. A channel's name is a part of a file's.
fn floor_of(data: &Path, channel: &ChannelName) -> PathBuf {
    data.join("list").join(if channel.is_all() { "floor".to_owned() } else { format!("floor-{channel}") })
}

/// Makes the word of which channel to follow survive a restart.
///
/// # Errors
/// [`DiskError`].
pub fn store_channel(data: &Path, signed: &[u8]) -> Result<(), DiskError> {
    create_directory(&data.join("list"))?;
    write_whole(&data.join("list").join("channel"), signed)
}

/// Which channel this sensor follows, by a word that a root document of these stands for. Where it is damaged the sensor
/// follows *all*, and is told again.
pub fn read_channel(data: &Path, roots: &roots::Stored, sensor: SensorId) -> Placed {
    let placed = Placed::new(sensor);
    let Ok(signed) = read_at_most(&data.join("list").join("channel"), PLACEMENT_MAX_OCTETS as u64) else {
        return placed;
    };
    let found = roots.chain.iter().rev().find_map(|document| {
        let placement = Placement::verify(&signed, &document.root, sensor).ok()?;
        let mut since = roots.since(document.root.version);
        Some((placement, !since.any(|(before, after)| is_replaced(&before.roles.list, &after.roles.list))))
    });
    match found {
        Some((placement, counts)) => placed.with_word(placement, counts),
        None => placed,
    }
}

/// Makes the floor survive a restart.
///
/// # Errors
/// [`DiskError`].
pub fn store_floor(data: &Path, channel: &ChannelName, floor: Floor) -> Result<(), DiskError> {
    store_floor_on(&RealVolume, data, channel, floor)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn store_floor_on(volume: &dyn Volume, data: &Path, channel: &ChannelName, floor: Floor) -> Result<(), DiskError> {
    create_directory_on(volume, &data.join("list"))?;
    let Floor { revision, root_version } = floor;
    // Nothing comes before the first document; and programs from before know one number alone.
    let text = if root_version <= 1 { revision.to_string() } else { format!("{revision} {root_version}") };
    write_whole_on(volume, &floor_of(data, channel), text.as_bytes())
}

/// Makes the last word of which list is the newest survive a restart.
///
/// # Errors
/// [`DiskError`].
pub fn store_newest(data: &Path, signed: &[u8]) -> Result<(), DiskError> {
    create_directory(&data.join("list"))?;
    write_whole(&data.join("list").join("newest"), signed)
}

/// The last word of which list is the newest, where it is there and the root still stands for it.
pub fn read_newest(data: &Path, root: &Root, channel: &ChannelName) -> Option<Newest> {
    let signed = read_at_most(&data.join("list").join("newest"), NEWEST_MAX_OCTETS as u64).ok()?;
    Newest::accept(&signed, root, channel, None, Timestamp::MAX).ok()
}

/// What the disk holds of lists.
#[derive(Debug, Default)]
pub struct Stored {
    /// The list, verified anew.
    pub list: Option<(Manifest, Arc<IndicatorSet>)>,
    /// Which channel is followed.
    pub placed: Placed,
    /// The highest revision of that channel ever accepted.
    pub floor: Revision,
    /// The list was signed by keys that the newest root document no longer names: it is matched against until another is
    /// here, and is no floor.
    pub of_before: bool,
    /// Why there is no list although there is a file.
    pub refused: Option<String>,
}

/// Reads and verifies it all. A list that is damaged is left out, the floor stays: the collector is asked for the list
/// again, and an older one is not taken. A list is good by the newest root document, or by one that was before it.
///
/// # Errors
/// [`DiskError`] when a file is there and cannot be read.
pub fn read(data: &Path, roots: &roots::Stored, sensor: SensorId) -> Result<Stored, DiskError> {
    let directory = data.join("list");
    let mut stored = Stored { placed: read_channel(data, roots, sensor), ..Stored::default() };
    match read_floor_on(&RealVolume, data, stored.placed.channel(), roots)? {
        Some(floor) => stored.floor = floor,
        None => stored.refused = Some(NO_FLOOR.to_owned()),
    }
    let path = directory.join("in-force");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(stored),
        Err(error) => return Err(failed("read", &path)(error)),
    };
    for (place, root) in roots.chain.iter().rev().map(|document| &document.root).enumerate() {
        match open(&file, root).map_err(failed("read", &path))? {
            Ok((manifest, set)) => {
                stored.of_before = place > 0;
                if !stored.of_before && manifest.channel == stored.placed.channel().as_str() {
                    stored.floor = stored.floor.max(manifest.revision);
                }
                stored.list = Some((manifest, Arc::new(set)));
                stored.refused = stored.refused.filter(|why| why == NO_FLOOR);
                break;
            }
            // What the newest root says of it counts.
            Err(why) => stored.refused = stored.refused.or(Some(why)),
        }
    }
    Ok(stored)
}

/// A channel's floor that counts by these root documents; none where the file is damaged.
///
/// # Errors
/// [`DiskError`] when it is there and cannot be read.
pub fn read_floor_on(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    roots: &roots::Stored,
) -> Result<Option<Revision>, DiskError> {
    let path = floor_of(data, channel);
    if !volume.exists(&path) {
        return Ok(Some(Revision(0)));
    }
    let octets = match read_at_most_on(volume, &path, FLOOR_MAX_OCTETS) {
        Ok(octets) => octets,
        Err(error) if error.is_too_large() => return Ok(None),
        Err(error) => return Err(error),
    };
    let floor = Floor::read(String::from_utf8_lossy(&octets).trim_end());
    Ok(floor.map(|Floor { revision, root_version }| {
        let mut since = roots.since(root_version);
        let fell = since.any(|(before, after)| is_replaced(&before.roles.list, &after.roles.list));
        if fell { Revision(0) } else { revision }
    }))
}

/// Reads as much as there is, at most the buffer.
fn read_up_to(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn open(mut file: &File, root: &Root) -> io::Result<Result<(Manifest, IndicatorSet), String>> {
    file.seek(SeekFrom::Start(0))?;
    let cut_short = || Ok(Err("the stored list is cut short or of another version".to_owned()));
    let mut head = vec![0; BASE_AT];
    if read_up_to(file, &mut head)? < BASE_AT {
        return cut_short();
    }
    let manifest = || {
        let (length, rest) = head.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
        rest.get(..u32::from_be_bytes(*length) as usize)
    };
    let Some(manifest) = manifest() else { return cut_short() };
    let manifest = match Manifest::verify(manifest, root) {
        Ok(manifest) => manifest,
        Err(refused) => return Ok(Err(refused.to_string())),
    };
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; READ_OCTETS];
    let mut octets = 0u64;
    // A file that has grown is not read to its end.
    while octets <= manifest.base_octets {
        let read = read_up_to(file, &mut block)?;
        if read == 0 {
            break;
        }
        hasher.update(block.get(..read).unwrap_or_default());
        octets += read as u64;
    }
    if let Err(refused) = manifest.check(octets, &hasher.finalize()) {
        return Ok(Err(refused.to_string()));
    }
    let mapped = mapped::map(file, BASE_AT)?;
    Ok(in_memory(&manifest, mapped).map(|set| (manifest, set)).map_err(|refused| refused.to_string()))
}

const _: () = assert!(HEAD_OCTETS + MANIFEST_MAX_OCTETS <= BASE_AT && BASE_AT.is_multiple_of(4096));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::tests::{key, root_of};

    #[test]
    fn i4_the_floor_is_on_disk_before_a_list_comes_into_force() {
        let data = tempfile::tempdir().unwrap();
        let in_the_way = data.path().join("list").join("in-force");
        let incoming = Incoming::begin(data.path(), b"a manifest").unwrap();
        create_directory(&in_the_way.join("full")).unwrap();
        assert!(
            incoming
                .accept(data.path(), &ChannelName::default(), Floor { revision: Revision(7), root_version: 1 })
                .is_err(),
            "it stops in between"
        );
        fs::remove_dir_all(in_the_way).unwrap();
        let stored = read(data.path(), &roots::Stored::of(root_of(&key(1))), SensorId(7)).unwrap();
        assert_eq!((stored.floor, stored.list.is_none()), (Revision(7), true));
    }

    #[test]
    fn l2_i4_the_channel_and_the_floor_of_each_survive_a_restart_and_keys_that_are_gone_hold_up_no_word() {
        let directory = tempfile::tempdir().unwrap();
        let (data, me) = (directory.path(), SensorId(7));
        let one = roots::Stored::of(root_of(&key(1)));
        assert!(read_channel(data, &one, me).channel().is_all());
        let pilot: ChannelName = "pilot".parse().unwrap();
        let word = |by| Placement { sensor: me, channel: pilot.clone(), at: Timestamp(5) }.sign(&[&key(by)]).unwrap();
        store_channel(data, &word(2)).unwrap();
        assert!(read_channel(data, &one, me).channel().is_all(), "a stranger's");
        store_channel(data, &word(1)).unwrap();
        let placed = read_channel(data, &one, me);
        assert_eq!((placed.channel(), placed.at()), (&pilot, Some(Timestamp(5))));
        assert!(read_channel(data, &one, SensorId(8)).channel().is_all(), "another sensor's");
        for (channel, revision) in [("all", 9), ("pilot", 3)] {
            let floor = Floor { revision: Revision(revision), root_version: 1 };
            store_floor(data, &channel.parse().unwrap(), floor).unwrap();
        }
        assert_eq!(read(data, &one, me).unwrap().floor, Revision(3), "the floor of the one that is followed");
        let all = read_floor_on(&RealVolume, data, &ChannelName::default(), &one);
        assert_eq!(all.unwrap(), Some(Revision(9)));
        // Wholly other keys: the channel stays, and neither its floor nor the time of the word counts.
        let mut other = root_of(&key(3));
        other.version = 2;
        let mut both = one.clone();
        both.chain.push(crate::anchor::Document { root: other, octets: Vec::new() });
        let stored = read(data, &both, me).unwrap();
        assert_eq!((stored.placed.channel(), stored.placed.at(), stored.floor), (&pilot, None, Revision(0)));
        std::fs::write(data.join("list/channel"), b"{").unwrap();
        assert!(read(data, &one, me).unwrap().placed.channel().is_all());
    }
}
