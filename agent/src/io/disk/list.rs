//! The list in force, as it lies on disk.
//!
//! ```text
//! DIR/list/in-force   "VARDEIF2" ‖ length of the manifest u32, big endian ‖ manifest ‖ zero up to octet 20,480 ‖ base
//! DIR/list/overlay-H  changes over the base in force (`super::overlay`)
//! DIR/list/incoming   the next one while it arrives
//! DIR/list/floor…     the highest revision ever accepted, and who signed what (`super::floor`)
//! DIR/list/channel    the last word of which channel to follow, as it was signed
//! DIR/list/newest     the last word of which list is the newest, as it was signed
//! DIR/list/unread-…   a base and changes that the disk could not read (`super::unread`)
//! ```
//! A base is written as it arrives and used where it lies (`mapped`), so that a list is never in memory as a whole. At start the
//! manifest is verified and the base held against it by reading, before it is mapped: the disk is not trusted more than
//! the network.
//!
//! What is in force is the base, with the changes where their manifest names that base and is newer than the base's own.
//! Changes are on disk before the base they are over takes its name, and those over another base are removed after it: at
//! each moment there is one list, whole. A base whose own manifest has changes is none without them.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varde_common::channel::{ChannelName, Placement};
use varde_common::id::SensorId;
use varde_common::limits::{LIST_BASE_MAX_OCTETS, MANIFEST_MAX_OCTETS, NEWEST_MAX_OCTETS, PLACEMENT_MAX_OCTETS};
use varde_common::list::{Manifest, Refused};
use varde_common::matcher::{BadBase, IndicatorSet};
use varde_common::newest::Newest;
use varde_common::time::Timestamp;
use varde_common::trust::{Root, hex};

use super::mapped;
use super::overlay::{self, StoredOverlay};
use super::unread::or_unread;
use super::volume::{RealVolume, Volume};
use super::{DiskError, create_directory, failed, floor, read_at_most, roots, sync_directory, write_whole};
use crate::floor::Floor;
use crate::placed::Placed;
use crate::subscription::Arrived;

const NO_FLOOR: &str = "the file list/floor is no number or cannot be read; the revision in force is the floor";

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
    fn open(&self) -> Result<Result<IndicatorSet, Refused>, DiskError> {
        let mapped = mapped::map(&self.file, BASE_AT).map_err(failed("map", &self.path))?;
        Ok(IndicatorSet::open(Arc::new(mapped)).map_err(Refused::from))
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

/// The list that has arrived, as it is matched: over the base in its file, or over the one in force. What every look-up
/// touches is in memory.
///
/// # Errors
/// [`DiskError`]; within, why it cannot be used.
pub fn complete(
    file: Option<&Incoming>,
    in_force: &IndicatorSet,
    arrived: &Arrived,
) -> Result<Result<IndicatorSet, Refused>, DiskError> {
    let base = match file.filter(|_| arrived.whole) {
        Some(file) => file.open()?,
        None => Ok(in_force.clone()),
    };
    let set = base.and_then(|base| arrived.manifest.complete(&base, &arrived.overlay));
    if let Ok(set) = &set {
        set.touch();
    }
    Ok(set)
}

/// What is on disk before a base takes its name: the floor, then the changes. Where the base is there already that is all, and
/// the list stands with its changes.
///
/// # Errors
/// [`DiskError`].
pub fn prepare_on(
    volume: &dyn Volume,
    data: &Path,
    channel: &ChannelName,
    (floor, root_version): (&Floor, u32),
    arrived: &Arrived,
) -> Result<(), DiskError> {
    floor::store_on(volume, data, channel, floor, root_version)?;
    let Arrived { manifest, signed, overlay, .. } = arrived;
    if manifest.overlay.is_none() {
        return Ok(());
    }
    let changes = StoredOverlay { signed: signed.clone(), overlay: overlay.clone() };
    overlay::store_on(volume, data, &manifest.base_blake3, &changes)
}

/// Makes it survive a restart, and the floor before it: a list that comes into force and is damaged then must not let an
/// older one in (I4), whatever stops in between.
///
/// # Errors
/// [`DiskError`]; the one before is then still there.
pub fn accept(
    file: Option<Incoming>,
    data: &Path,
    channel: &ChannelName,
    floor: (&Floor, u32),
    arrived: &Arrived,
) -> Result<(), DiskError> {
    prepare_on(&RealVolume, data, channel, floor, arrived)?;
    if let Some(file) = file.filter(|_| arrived.whole) {
        file.keep()?;
        overlay::forget_others(data, &arrived.manifest.base_blake3)?;
    }
    Ok(())
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
    // By the newest it counts against an older one; else it is followed, and holds up none.
    let found = roots
        .chain
        .iter()
        .rev()
        .enumerate()
        .find_map(|(place, document)| Some((Placement::verify(&signed, &document.root, sensor).ok()?, place == 0)));
    match found {
        Some((placement, counts)) => placed.with_word(placement, counts),
        None => placed,
    }
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
    /// The highest revision of that channel ever accepted, and whose.
    pub floor: Floor,
    /// Who signed the list.
    pub signers: BTreeSet<String>,
    /// The list was signed by keys that the newest root document no longer names: it is matched against until another is
    /// here, and is no floor.
    pub of_before: bool,
    /// Why there is no list although there is a file, or not all of it.
    pub refused: Option<String>,
    /// What of it the disk cannot give.
    pub unread: Vec<DiskError>,
}

/// Reads and verifies it all. A list that is damaged is left out, the floor stays: the collector is asked for the list
/// again, and an older one is not taken. A list is good by the newest root document, or by one that was before it.
///
/// What lies on a bad sector is damaged too; whoever holds the directory puts it away ([`super::unread::put_away`]).
///
/// # Errors
/// [`DiskError`] when a file is there and may not be read, or not just now.
pub fn read(data: &Path, roots: &roots::Stored, sensor: SensorId) -> Result<Stored, DiskError> {
    let mut stored = read_as_far(data, roots, sensor)?;
    if stored.refused.is_none() {
        stored.refused = stored.unread.first().map(ToString::to_string);
    }
    Ok(stored)
}

fn read_as_far(data: &Path, roots: &roots::Stored, sensor: SensorId) -> Result<Stored, DiskError> {
    let mut stored = Stored { placed: read_channel(data, roots, sensor), ..Stored::default() };
    match floor::read_noting(&RealVolume, data, stored.placed.channel(), roots, &mut stored.unread)? {
        Some(floor) => stored.floor = floor,
        None => stored.refused = Some(NO_FLOOR.to_owned()),
    }
    let path = data.join("list").join("in-force");
    let read = or_unread(&mut stored.unread, || match File::open(&path).and_then(|file| found(&file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some).map_err(failed("read", &path)),
    });
    let found = match read?.flatten() {
        Some(Ok(found)) => found,
        Some(Err(why)) => {
            stored.refused = Some(why);
            return Ok(stored);
        }
        None => return Ok(stored),
    };
    let base = hex(found.hash.as_bytes());
    let overlay = or_unread(&mut stored.unread, || overlay::read_on(&RealVolume, data, &base))?.flatten();
    for (place, root) in roots.chain.iter().rev().map(|document| &document.root).enumerate() {
        match found.list(overlay.as_ref(), root) {
            Ok((manifest, set, signers)) => {
                set.touch();
                stored.of_before = place > 0;
                if !stored.of_before && manifest.channel == stored.placed.channel().as_str() {
                    stored.floor = stored.floor.with(manifest.revision, signers.clone());
                }
                (stored.list, stored.signers) = (Some((manifest, Arc::new(set))), signers);
                stored.refused = stored.refused.filter(|why| why == NO_FLOOR);
                break;
            }
            // What the newest root says of it counts.
            Err(why) => stored.refused = stored.refused.or(Some(why.to_string())),
        }
    }
    Ok(stored)
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

/// A list, and who has signed it.
type Standing = (Manifest, IndicatorSet, BTreeSet<String>);

/// A base as it lies on disk, whoever stands for it.
struct Found {
    /// The manifest it came with.
    manifest: Vec<u8>,
    octets: u64,
    hash: blake3::Hash,
    base: Result<IndicatorSet, BadBase>,
}

impl Found {
    /// The list that it and the changes over it are, by the word of this root.
    fn list(&self, overlay: Option<&StoredOverlay>, root: &Root) -> Result<Standing, Refused> {
        let changed = overlay.map(|there| self.by(&there.signed, &there.overlay, root));
        match (self.by(&self.manifest, &[], root), changed) {
            // A base that came without changes after these were made is newer than they are.
            (Ok(plain), Some(Ok(changed))) if plain.0.revision > changed.0.revision => Ok(plain),
            (_, Some(Ok(changed))) => Ok(changed),
            (plain, Some(Err(_)) | None) => plain,
        }
    }

    fn by(&self, signed: &[u8], overlay: &[u8], root: &Root) -> Result<Standing, Refused> {
        let manifest = Manifest::verify(signed, root)?;
        manifest.check(self.octets, &self.hash)?;
        manifest.check_overlay(overlay)?;
        let base = self.base.as_ref().map_err(|bad| Refused::BadBase(*bad))?;
        let set = manifest.complete(base, overlay)?;
        Ok((manifest, set, Manifest::signers(signed, root)))
    }
}

/// Reads the base and what it came with; within, why there is none.
fn found(mut file: &File) -> io::Result<Result<Found, String>> {
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
    let Some(manifest) = manifest().map(<[u8]>::to_vec) else { return cut_short() };
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; READ_OCTETS];
    let mut octets = 0u64;
    // A file that has grown is not read to its end.
    while octets <= LIST_BASE_MAX_OCTETS {
        let read = read_up_to(file, &mut block)?;
        if read == 0 {
            break;
        }
        hasher.update(block.get(..read).unwrap_or_default());
        octets += read as u64;
    }
    let base = IndicatorSet::open(Arc::new(mapped::map(file, BASE_AT)?));
    Ok(Ok(Found { manifest, octets, hash: hasher.finalize(), base }))
}

const _: () = assert!(HEAD_OCTETS + MANIFEST_MAX_OCTETS <= BASE_AT && BASE_AT.is_multiple_of(4096));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::tests::{key, publication, root_of};
    use varde_common::id::Revision;

    /// A list as it arrived whole; over the base of another as changes.
    fn arrived(revision: u64, over: Option<&Arrived>) -> (Arrived, Vec<u8>) {
        let (signed, base) = publication(&key(1), revision);
        let manifest = Manifest::verify(&signed, &root_of(&key(1))).unwrap();
        let Some(over) = over else {
            return (Arrived { manifest, signed, whole: true, overlay: Vec::new() }, base);
        };
        let overlay = varde_common::matcher::Overlay::default().to_octets();
        let manifest = manifest.over(&over.manifest, &overlay);
        let signed = manifest.sign(&[&key(1)]).unwrap();
        (Arrived { manifest, signed, whole: false, overlay }, base)
    }

    fn accept_all(data: &Path, arrived: &Arrived, base: &[u8]) -> Result<(), DiskError> {
        let file = arrived.whole.then(|| {
            let mut file = Incoming::begin(data, &arrived.signed).unwrap();
            file.write(base).unwrap();
            file
        });
        let floor = Floor::of(arrived.manifest.revision);
        accept(file, data, &ChannelName::default(), (&floor, 1), arrived)
    }

    fn there(data: &Path) -> Stored {
        read(data, &roots::Stored::of(root_of(&key(1))), SensorId(7)).unwrap()
    }

    fn revision(stored: &Stored) -> Option<u64> {
        stored.list.as_ref().map(|(manifest, _)| manifest.revision.0)
    }

    #[test]
    fn i4_the_floor_is_on_disk_before_a_list_comes_into_force() {
        let data = tempfile::tempdir().unwrap();
        let in_the_way = data.path().join("list").join("in-force");
        create_directory(&in_the_way.join("full")).unwrap();
        let (seven, base) = arrived(7, None);
        assert!(accept_all(data.path(), &seven, &base).is_err(), "it stops in between");
        fs::remove_dir_all(in_the_way).unwrap();
        let stored = there(data.path());
        assert_eq!((stored.floor.revision(), stored.list.is_none()), (Revision(7), true));
    }

    #[test]
    fn l2_d3_base_and_changes_are_one_list_on_disk_and_never_a_half_of_one() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let (five, five_base) = arrived(5, None);
        accept_all(data, &five, &five_base).unwrap();
        let (six, _) = arrived(6, Some(&five));
        accept_all(data, &six, &[]).unwrap();
        assert_eq!(revision(&there(data)), Some(6), "a restart needs no network");
        let of_six = overlay::path_of(data, &five.manifest.base_blake3);
        let octets = fs::read(&of_six).unwrap();
        // Whatever is wrong with the changes: the base alone is the list before them, and the floor stays.
        for damaged in [&octets[..octets.len() - 1], &octets[..6], &[&octets[..], &[0]].concat(), b""] {
            fs::write(&of_six, damaged).unwrap();
            let stored = there(data);
            assert_eq!((revision(&stored), stored.floor.revision()), (Some(5), Revision(6)));
        }
        fs::write(&of_six, &octets).unwrap();
        // Cut off between the changes of another base and that base: nothing of either is in force.
        let (nine, nine_base) = arrived(9, None);
        let overlay = varde_common::matcher::Overlay::default().to_octets();
        let manifest = nine.manifest.clone().over(&nine.manifest, &overlay);
        let signed = manifest.sign(&[&key(1)]).unwrap();
        let changes = StoredOverlay { signed: signed.clone(), overlay: overlay.clone() };
        let both = Arrived { manifest, signed, whole: true, overlay };
        overlay::store_on(&RealVolume, data, &both.manifest.base_blake3, &changes).unwrap();
        assert_eq!(revision(&there(data)), Some(6));
        accept_all(data, &both, &nine_base).unwrap();
        assert_eq!(revision(&there(data)), Some(9));
        assert!(!of_six.exists(), "what is over another base is gone");
        // A base that came with changes is nothing without them.
        fs::remove_file(overlay::path_of(data, &both.manifest.base_blake3)).unwrap();
        let stored = there(data);
        assert_eq!((revision(&stored), stored.floor.revision()), (None, Revision(9)));
        assert!(stored.refused.is_some_and(|why| why.contains("bytes where")));
        // The same base without changes, later than they were.
        let (ten, _) = arrived(10, None);
        let ten = Arrived { manifest: Manifest { revision: Revision(10), ..nine.manifest.clone() }, ..ten };
        let ten = Arrived { signed: ten.manifest.sign(&[&key(1)]).unwrap(), ..ten };
        overlay::store_on(&RealVolume, data, &both.manifest.base_blake3, &changes).unwrap();
        accept_all(data, &ten, &nine_base).unwrap();
        assert_eq!(revision(&there(data)), Some(10));
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
            let (channel, floor) = (channel.parse().unwrap(), Floor::of(Revision(revision)));
            floor::store_on(&RealVolume, data, &channel, &floor, 1).unwrap();
        }
        assert_eq!(
            read(data, &one, me).unwrap().floor.revision(),
            Revision(3),
            "the floor of the one that is followed"
        );
        let all = floor::read_on(&RealVolume, data, &ChannelName::default(), &one);
        assert_eq!(all.unwrap(), Some(Floor::of(Revision(9))));
        // Wholly other keys: the channel stays, and neither its floor nor the time of the word counts.
        let mut other = root_of(&key(3));
        other.version = 2;
        let mut both = one.clone();
        both.chain.push(crate::anchor::Document { root: other, octets: Vec::new() });
        let stored = read(data, &both, me).unwrap();
        assert_eq!((stored.placed.channel(), stored.placed.at(), stored.floor.revision()), (&pilot, None, Revision(0)));
        std::fs::write(data.join("list/channel"), b"{").unwrap();
        assert!(read(data, &one, me).unwrap().placed.channel().is_all());
    }
}
