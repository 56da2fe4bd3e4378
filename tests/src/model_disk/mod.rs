//! A disk that may forget what was not fsynced: a [`Volume`] in memory that crashes on demand, as ALICE models file systems
//! (Pillai et al., OSDI 2014).
//!
//! Until its file is fsynced, each sector of a write is on the disk or not, on its own, and so is each change of a length;
//! until its directory is fsynced, so is each new, changed or removed name. A rename within a directory happens whole or
//! not at all; one between two directories is a new name in one and a missing one in the other. What is fsynced stays.
//!
//! A test runs a program on it with [`ModelDisk::new`], then asks for any moment of the past ([`ModelDisk::moments`],
//! [`ModelDisk::crashed_at`]): a new disk as it would be found if the power had failed after so many operations. All
//! that is drawn comes from a seed.

mod state;

pub use state::SECTOR_OCTETS;

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use varde_agent::io::disk::volume::{Access, Entry, Volume, VolumeFile};
use varde_common::time::Timestamp;

use crate::random::Random;
use state::{Change, FILE_OCTETS, FileId, Node, State};

/// What becomes of that which was not fsynced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// None of it is there.
    Forgets,
    /// All of it is there, as after the death of the program alone.
    KeepsAll,
    /// All but the last sector of each file's last write: torn.
    TearsLast,
    /// Names are there, the octets of the files are not: a rename before its data.
    NamesFirst,
    /// The octets are there, the names are not.
    DataFirst,
    /// Each sector, length and name by itself, drawn from the seed.
    Draws,
}

/// Every way to crash.
pub const CRASHES: [Crash; 6] =
    [Crash::Forgets, Crash::KeepsAll, Crash::TearsLast, Crash::NamesFirst, Crash::DataFirst, Crash::Draws];

/// A failure that a disk is told to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This fsync from now on (0 = the next) fails with EIO, and what it should have written is forgotten at the crash.
    Sync(u64),
    /// This write from now on fails with EIO.
    Write(u64),
    /// Before this write from now on another program fills the disk.
    Filled(u64),
    /// This one from now on has no room, though every write had: a file system that copies on write needs some for each change.
    NoRoom(Doing, u64),
}

/// What is done to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// An fsync, of a file or of a directory.
    Sync,
    /// Octets written.
    Write,
    /// Another name given.
    Rename,
    /// A name taken away.
    Remove,
    /// A file cut or lengthened.
    Cut,
}

/// Everything but writing, for which a disk is full by itself.
pub const ROOM_NEEDED: [Doing; 4] = [Doing::Sync, Doing::Rename, Doing::Remove, Doing::Cut];

#[derive(Debug, Default)]
struct Inner {
    began: State,
    state: State,
    log: Vec<Change>,
    capacity: Option<u64>,
    faults: Vec<Fault>,
    next_file: FileId,
    unique: u64,
    seed: u64,
}

/// The disk; copies of it are the same one.
#[derive(Debug, Clone, Default)]
pub struct ModelDisk(Arc<Mutex<Inner>>);

/// Replays a disk's past one operation after the other, and crashes it where asked.
#[derive(Debug)]
pub struct Replay {
    state: State,
    log: std::vec::IntoIter<Change>,
    seed: u64,
    place: usize,
}

impl Replay {
    /// Operations that have happened.
    pub fn place(&self) -> usize {
        self.place
    }

    /// One operation more; false when there is none.
    pub fn step(&mut self) -> bool {
        let Some(change) = self.log.next() else { return false };
        self.state.apply(&change);
        self.place += 1;
        true
    }

    /// The disk as it would be found after a crash here.
    pub fn crash(&self, crash: Crash, seed: u64) -> ModelDisk {
        let state = self.state.crashed(crash, &mut Random::seeded(seed));
        ModelDisk::of(state, self.seed ^ seed.rotate_left(17))
    }
}

impl ModelDisk {
    /// An empty disk with the one directory `/data`, whose every "random" number follows from the seed.
    pub fn new(seed: u64) -> ModelDisk {
        let mut state = State::default();
        for path in ["/", "/data"] {
            state.names.insert(path.into(), Node::Directory);
            state.durable_names.insert(path.into(), Node::Directory);
        }
        ModelDisk::of(state, seed)
    }

    fn of(state: State, seed: u64) -> ModelDisk {
        let next_file = state.files.keys().next_back().map_or(1, |last| last + 1);
        let inner = Inner { began: state.clone(), state, next_file, seed, ..Inner::default() };
        ModelDisk(Arc::new(Mutex::new(inner)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk, for the programs.
    pub fn volume(&self) -> Arc<dyn Volume> {
        Arc::new(self.clone())
    }

    /// What its clock says from now on.
    pub fn set_time(&self, now: Timestamp) {
        self.inner().change(Change::Time(now));
    }

    /// How much fits on it from now on; none = as much as one likes.
    pub fn set_capacity(&self, octets: Option<u64>) {
        self.inner().capacity = octets;
    }

    /// How much fits on it; none = as much as one likes.
    pub fn capacity(&self) -> Option<u64> {
        self.inner().capacity
    }

    /// It fails no more.
    pub fn mend(&self) {
        self.inner().faults.clear();
    }

    /// How much lies on it.
    pub fn used(&self) -> u64 {
        self.inner().state.used()
    }

    /// It is to fail.
    pub fn fail(&self, fault: Fault) {
        self.inner().faults.push(fault);
    }

    /// Operations so far: every number from 0 to this one is a moment at which it may crash.
    pub fn moments(&self) -> usize {
        self.inner().log.len()
    }

    /// Its past, to be gone through from the first operation.
    pub fn replay(&self) -> Replay {
        let inner = self.inner();
        Replay { state: inner.began.clone(), log: inner.log.clone().into_iter(), seed: inner.seed, place: 0 }
    }

    /// The disk as it would be found after a crash when so many operations had happened.
    pub fn crashed_at(&self, moment: usize, crash: Crash, seed: u64) -> ModelDisk {
        let mut replay = self.replay();
        while replay.place() < moment && replay.step() {}
        replay.crash(crash, seed)
    }

    /// The disk as it would be found after a crash now.
    pub fn crashed(&self, crash: Crash, seed: u64) -> ModelDisk {
        let inner = self.inner();
        let state = inner.state.crashed(crash, &mut Random::seeded(seed));
        ModelDisk::of(state, inner.seed ^ seed.rotate_left(17))
    }

    /// The paths of all files.
    pub fn files(&self) -> Vec<PathBuf> {
        let inner = self.inner();
        let files = inner.state.names.iter().filter(|(_, node)| matches!(node, Node::File(_)));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// A file's octets; none if it is not there.
    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.inner();
        let Node::File(file) = inner.state.names.get(path)? else { return None };
        inner.state.files.get(file).map(|file| file.octets.clone())
    }

    /// Changes a file behind everybody's back, durably: damage.
    pub fn damage(&self, path: &Path, octets: Vec<u8>) {
        let mut inner = self.inner();
        let Some(Node::File(file)) = inner.state.names.get(path).copied() else { return };
        if let Some(file) = inner.state.files.get_mut(&file) {
            file.durable.clone_from(&octets);
            file.octets = octets;
            file.since.clear();
        }
        inner.began = inner.state.clone();
        inner.log.clear();
    }
}

impl Inner {
    fn change(&mut self, change: Change) {
        self.state.apply(&change);
        self.log.push(change);
    }

    /// Lets this operation fail if it is to; counts it.
    fn try_to(&mut self, doing: Doing) -> Result<()> {
        let (mut fails, mut filled, mut no_room) = (false, false, false);
        self.faults.retain_mut(|fault| match fault {
            Fault::Sync(left) if doing == Doing::Sync => due(left, &mut fails),
            Fault::Write(left) if doing == Doing::Write => due(left, &mut fails),
            Fault::Filled(left) if doing == Doing::Write => due(left, &mut filled),
            Fault::NoRoom(what, left) if doing == *what => due(left, &mut no_room),
            Fault::Sync(_) | Fault::Write(_) | Fault::Filled(_) | Fault::NoRoom(..) => true,
        });
        if filled {
            self.capacity = Some(self.state.used());
        }
        match (fails, no_room) {
            (true, _) => Err(Error::other("the disk was told to fail")),
            (false, true) => Err(Error::from(ErrorKind::StorageFull)),
            (false, false) => Ok(()),
        }
    }

    fn room(&self) -> u64 {
        self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.state.used()))
    }
}

/// Whether a fault stays for later.
fn due(left: &mut u64, fails: &mut bool) -> bool {
    *fails |= *left == 0;
    let stays = *left > 0;
    *left = left.saturating_sub(1);
    stays
}

fn missing() -> Error {
    Error::from(ErrorKind::NotFound)
}

impl Volume for ModelDisk {
    fn create_directory(&self, path: &Path) -> Result<()> {
        let mut inner = self.inner();
        let mut new: Vec<&Path> = path.ancestors().filter(|one| !inner.state.names.contains_key(*one)).collect();
        while let Some(one) = new.pop() {
            inner.change(Change::Name { path: one.to_owned(), node: Some(Node::Directory) });
        }
        Ok(())
    }

    fn entries(&self, directory: &Path) -> Result<Vec<Entry>> {
        let paths: Vec<PathBuf> = {
            let inner = self.inner();
            if !inner.state.names.contains_key(directory) {
                return Err(missing());
            }
            inner.state.names.keys().filter(|path| path.parent() == Some(directory)).cloned().collect()
        };
        paths.iter().map(|path| self.entry(path)).collect()
    }

    fn entry(&self, path: &Path) -> Result<Entry> {
        let inner = self.inner();
        let node = inner.state.names.get(path).copied().ok_or_else(missing)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(match node {
            Node::Directory => Entry { name, octets: 0, modified: None, is_file: false },
            Node::File(file) => {
                let file = inner.state.files.get(&file).ok_or_else(missing)?;
                Entry { name, octets: file.octets.len() as u64, modified: Some(file.modified), is_file: true }
            }
        })
    }

    fn open(&self, path: &Path, access: Access) -> Result<Box<dyn VolumeFile>> {
        let mut inner = self.inner();
        let there = inner.state.names.get(path).copied();
        let file = match (there, access) {
            (Some(Node::Directory), _) => return Err(Error::from(ErrorKind::IsADirectory)),
            (Some(Node::File(_)), Access::CreateNew) => return Err(Error::from(ErrorKind::AlreadyExists)),
            (Some(Node::File(file)), Access::Read | Access::Write) => file,
            (Some(Node::File(file)), Access::Replace) => {
                inner.change(Change::Length { file, octets: 0 });
                file
            }
            (None, Access::Read | Access::Write) => return Err(missing()),
            (None, Access::CreateNew | Access::Replace) => {
                if path.parent().is_none_or(|parent| !inner.state.names.contains_key(parent)) {
                    return Err(missing());
                }
                if inner.room() < FILE_OCTETS {
                    return Err(Error::from(ErrorKind::StorageFull));
                }
                let file = inner.next_file;
                inner.next_file += 1;
                inner.change(Change::NewFile(file));
                inner.change(Change::Name { path: path.to_owned(), node: Some(Node::File(file)) });
                file
            }
        };
        Ok(Box::new(ModelFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut inner = self.inner();
        if !inner.state.names.contains_key(from) {
            return Err(missing());
        }
        inner.try_to(Doing::Rename)?;
        inner.change(Change::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let mut inner = self.inner();
        if !matches!(inner.state.names.get(path), Some(Node::File(_))) {
            return Err(missing());
        }
        inner.try_to(Doing::Remove)?;
        inner.change(Change::Name { path: path.to_owned(), node: None });
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        let mut inner = self.inner();
        inner.try_to(Doing::Sync)?;
        inner.change(Change::SyncNames(path.to_owned()));
        Ok(())
    }

    fn unique(&self) -> u128 {
        let mut inner = self.inner();
        inner.unique += 1;
        let mut random = Random::seeded(inner.seed ^ inner.unique.rotate_left(40));
        (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64())
    }
}

#[derive(Debug)]
struct ModelFile {
    disk: ModelDisk,
    file: FileId,
}

impl VolumeFile for ModelFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let inner = self.disk.inner();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let octets = inner.state.files.get(&self.file).and_then(|file| file.octets.get(from..)?.get(..buffer.len()));
        buffer.copy_from_slice(octets.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn write_all_at(&self, octets: &[u8], offset: u64) -> Result<()> {
        let mut inner = self.disk.inner();
        inner.try_to(Doing::Write)?;
        let size = inner.state.files.get(&self.file).map_or(0, |file| file.octets.len() as u64);
        let room = inner.room().saturating_add(size.saturating_sub(offset));
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(octets.len());
        let written = octets.get(..fits).unwrap_or_default().to_vec();
        inner.change(Change::Write { file: self.file, offset, octets: written });
        if fits < octets.len() { Err(Error::from(ErrorKind::StorageFull)) } else { Ok(()) }
    }

    fn set_len(&self, octets: u64) -> Result<()> {
        let mut inner = self.disk.inner();
        inner.try_to(Doing::Cut)?;
        inner.change(Change::Length { file: self.file, octets });
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let mut inner = self.disk.inner();
        inner.try_to(Doing::Sync)?;
        inner.change(Change::SyncFile(self.file));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> (ModelDisk, Box<dyn VolumeFile>) {
        let disk = ModelDisk::new(1);
        let file = disk.open(Path::new("/data/a"), Access::CreateNew).unwrap();
        file.write_all_at(&[1; 2000], 0).unwrap();
        (disk, file)
    }

    #[test]
    fn d3_only_what_is_fsynced_with_its_name_is_sure() {
        let path = Path::new("/data/a");
        let (disk, file) = disk();
        assert_eq!(disk.crashed(Crash::Forgets, 0).read(path), None);
        assert_eq!(disk.crashed(Crash::KeepsAll, 0).read(path), Some(vec![1; 2000]));
        file.sync().unwrap();
        assert_eq!(disk.crashed(Crash::Forgets, 0).read(path), None, "the name is not");
        disk.sync_directory(Path::new("/data")).unwrap();
        assert_eq!(disk.crashed(Crash::Forgets, 0).read(path), Some(vec![1; 2000]));
        file.write_all_at(&[2; 2000], 0).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let found = disk.crashed(Crash::Draws, seed).read(path).unwrap();
            assert!(found.chunks(SECTOR_OCTETS).all(|sector| sector.iter().all(|octet| *octet == sector[0])));
            seen.insert(found);
        }
        assert_eq!(seen.len(), 16, "each of four sectors is there or not");
        assert_eq!(disk.crashed_at(2, Crash::KeepsAll, 0).read(path), Some(Vec::new()), "any moment can be asked for");
    }

    #[test]
    fn d3_a_rename_is_whole_and_durable_with_its_directory() {
        let (disk, file) = disk();
        file.sync().unwrap();
        let (a, b) = (Path::new("/data/a"), Path::new("/data/b"));
        disk.sync_directory(Path::new("/data")).unwrap();
        disk.rename(a, b).unwrap();
        for seed in 0..20 {
            let after = disk.crashed(Crash::Draws, seed);
            assert_eq!(after.files().len(), 1, "one name or the other");
        }
        assert_eq!(disk.crashed(Crash::Forgets, 0).files(), [a]);
        disk.sync_directory(Path::new("/data")).unwrap();
        assert_eq!(disk.crashed(Crash::Forgets, 0).files(), [b]);
    }

    #[test]
    fn d4_d5_it_fails_when_told_and_is_full_when_it_is() {
        let (disk, file) = disk();
        disk.fail(Fault::Sync(1));
        assert!(file.sync().is_ok() && file.sync().is_err() && file.sync().is_ok());
        disk.set_capacity(Some(disk.used() + 10));
        let full = file.write_all_at(&[3; 20], 2000).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        assert_eq!(disk.read(Path::new("/data/a")).unwrap().len(), 2010, "as much as fits");
        disk.set_capacity(None);
        disk.fail(Fault::Filled(1));
        file.write_all_at(&[3; 20], 2010).unwrap();
        assert_eq!(file.write_all_at(&[3; 20], 2030).unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
