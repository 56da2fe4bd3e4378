//! What a disk holds at one moment, what has changed since it was fsynced, and what is left of that after a crash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use super::Crash;
use crate::random::Random;

/// What a disk writes whole or not at all.
pub const SECTOR_OCTETS: usize = 512;
/// A new file takes so much of the disk beside its octets.
pub(super) const FILE_OCTETS: u64 = 256;

pub(super) type FileId = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(FileId),
    Directory,
}

/// What is changed; the unit of a moment.
#[derive(Debug, Clone)]
pub(super) enum Change {
    NewFile(FileId),
    Write { file: FileId, offset: u64, octets: Vec<u8> },
    Length { file: FileId, octets: u64 },
    SyncFile(FileId),
    Name { path: PathBuf, node: Option<Node> },
    Rename { from: PathBuf, to: PathBuf },
    SyncNames(PathBuf),
    Time(Timestamp),
}

#[derive(Debug, Clone, Default)]
pub(super) struct FileState {
    pub(super) octets: Vec<u8>,
    pub(super) modified: Timestamp,
    /// As it was when it was last fsynced.
    pub(super) durable: Vec<u8>,
    /// Writes and lengths since.
    pub(super) since: Vec<Change>,
}

/// A disk at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) files: BTreeMap<FileId, FileState>,
    pub(super) names: BTreeMap<PathBuf, Node>,
    pub(super) durable_names: BTreeMap<PathBuf, Node>,
    /// Names changed since their directory was fsynced, in order.
    since: Vec<Change>,
    now: Timestamp,
}

impl State {
    pub(super) fn used(&self) -> u64 {
        let named = self.names.values().filter_map(|node| match node {
            Node::File(file) => self.files.get(file),
            Node::Directory => None,
        });
        named.map(|file| file.octets.len() as u64 + FILE_OCTETS).sum()
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::NewFile(file) => {
                self.files.insert(*file, FileState { modified: self.now, ..FileState::default() });
            }
            Change::Write { file, .. } | Change::Length { file, .. } => {
                let now = self.now;
                if let Some(file) = self.files.get_mut(file) {
                    write(&mut file.octets, change);
                    file.since.push(change.clone());
                    file.modified = now;
                }
            }
            Change::SyncFile(file) => {
                if let Some(file) = self.files.get_mut(file) {
                    file.durable.clone_from(&file.octets);
                    file.since.clear();
                }
            }
            Change::Name { .. } | Change::Rename { .. } => {
                name(&mut self.names, change);
                self.since.push(change.clone());
            }
            Change::SyncNames(directory) => {
                let here = |path: &Path| path.parent() == Some(directory);
                let mut left = Vec::new();
                for change in std::mem::take(&mut self.since) {
                    match &change {
                        Change::Name { path, .. } if here(path) => name(&mut self.durable_names, &change),
                        Change::Rename { from, to } => match (here(from), here(to)) {
                            (true, true) => name(&mut self.durable_names, &change),
                            (false, false) => left.push(change),
                            (from_here, _) => {
                                // Between two directories: each half is as durable as its own directory.
                                let node = self.names.get(to).copied().or(self.durable_names.get(from).copied());
                                let halves = [
                                    Change::Name { path: to.clone(), node },
                                    Change::Name { path: from.clone(), node: None },
                                ];
                                let [to_half, from_half] = halves;
                                let (now, later) = if from_here { (from_half, to_half) } else { (to_half, from_half) };
                                name(&mut self.durable_names, &now);
                                left.push(later);
                            }
                        },
                        _ => left.push(change),
                    }
                }
                self.since = left;
            }
            Change::Time(now) => self.now = *now,
        }
    }

    pub(super) fn crashed(&self, crash: Crash, random: &mut Random) -> State {
        let mut after = State { now: self.now, durable_names: self.durable_names.clone(), ..State::default() };
        for change in &self.since {
            let kept = match crash {
                Crash::Forgets | Crash::DataFirst => false,
                Crash::KeepsAll | Crash::TearsLast | Crash::NamesFirst => true,
                Crash::Draws => random.percent(50),
            };
            if kept {
                name(&mut after.durable_names, change);
            }
        }
        // What stands in a directory that is not there cannot be reached.
        let there = after.durable_names.clone();
        after.durable_names.retain(|path, _| path.ancestors().skip(1).all(|one| there.contains_key(one)));
        after.names.clone_from(&after.durable_names);
        for node in after.names.values() {
            let Node::File(id) = node else { continue };
            let Some(file) = self.files.get(id) else { continue };
            let octets = match crash {
                Crash::Forgets | Crash::NamesFirst => file.durable.clone(),
                Crash::KeepsAll | Crash::DataFirst => file.octets.clone(),
                Crash::TearsLast => torn(file),
                Crash::Draws => drawn(file, random),
            };
            let state = FileState { durable: octets.clone(), octets, modified: file.modified, since: Vec::new() };
            after.files.insert(*id, state);
        }
        after
    }
}

fn write(octets: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, octets: new, .. } => {
            let from = usize::try_from(*offset).unwrap_or(usize::MAX);
            let end = from.saturating_add(new.len());
            if octets.len() < end {
                octets.resize(end, 0);
            }
            if let Some(place) = octets.get_mut(from..end) {
                place.copy_from_slice(new);
            }
        }
        Change::Length { octets: length, .. } => octets.resize(usize::try_from(*length).unwrap_or_default(), 0),
        _ => {}
    }
}

fn name(names: &mut BTreeMap<PathBuf, Node>, change: &Change) {
    match change {
        Change::Name { path, node: Some(node) } => {
            names.insert(path.clone(), *node);
        }
        Change::Name { path, node: None } => {
            names.remove(path);
        }
        Change::Rename { from, to } => {
            // A directory takes what is in it along.
            let moved: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
            for path in moved {
                let Some(node) = names.remove(&path) else { continue };
                let rest = path.strip_prefix(from).unwrap_or(Path::new(""));
                names.insert(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) }, node);
            }
        }
        _ => {}
    }
}

/// All writes, but of the last one not its last sector.
fn torn(file: &FileState) -> Vec<u8> {
    let mut octets = file.durable.clone();
    let last = file.since.len().saturating_sub(1);
    for (place, change) in file.since.iter().enumerate() {
        match change {
            Change::Write { file, offset, octets: new } if place == last => {
                let end = offset + new.len() as u64;
                let cut = (end.saturating_sub(1) / SECTOR_OCTETS as u64 * SECTOR_OCTETS as u64).max(*offset);
                let kept = new.get(..usize::try_from(cut - offset).unwrap_or_default()).unwrap_or_default().to_vec();
                write(&mut octets, &Change::Write { file: *file, offset: *offset, octets: kept });
            }
            change => write(&mut octets, change),
        }
    }
    octets
}

/// Each sector of each write, and each length, or not.
fn drawn(file: &FileState, random: &mut Random) -> Vec<u8> {
    let mut octets = file.durable.clone();
    for change in &file.since {
        match change {
            Change::Write { file, offset, octets: new } => {
                let (mut from, mut rest) = (*offset, new.as_slice());
                while !rest.is_empty() {
                    let in_sector = SECTOR_OCTETS - usize::try_from(from % SECTOR_OCTETS as u64).unwrap_or_default();
                    let (sector, behind) = rest.split_at(in_sector.min(rest.len()));
                    if random.percent(50) {
                        write(&mut octets, &Change::Write { file: *file, offset: from, octets: sector.to_vec() });
                    }
                    from += sector.len() as u64;
                    rest = behind;
                }
            }
            change if random.percent(50) => write(&mut octets, change),
            _ => {}
        }
    }
    octets
}
