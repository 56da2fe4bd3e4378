//! A power failure for the spool of a real program: what its disk calls have not made safe is taken away after the kill, or
//! torn, as a disk may do it. What is safe the library `shim/fault.c` keeps beside the spool (`POWER`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::model_disk::SECTOR_OCTETS;
use crate::random::Random;

/// How much of what was not safe a failure takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// All of it.
    Everything,
    /// Nothing: the disk was quick.
    Nothing,
    /// Of names and sectors those that fall to it.
    Some,
}

/// The disk under a data directory's spool.
#[derive(Debug)]
pub struct Power {
    spool: PathBuf,
    safe: PathBuf,
}

/// What a file is, whatever its name: as the library writes it.
fn identity(path: &Path) -> Result<String> {
    let found = fs::metadata(path)?;
    let born = found.created().context("this file system keeps no time of birth")?.duration_since(UNIX_EPOCH)?;
    Ok(format!("{}-{}", found.ino(), born.as_nanos()))
}

impl Power {
    /// For this data directory; the program in it does not run. What lies in its spool now is safe.
    ///
    /// # Errors
    /// The file system's own.
    pub fn on(data: &Path) -> Result<Power> {
        let power = Power { spool: data.join("spool"), safe: data.join("power") };
        let _ = fs::remove_dir_all(&power.safe);
        fs::create_dir(&power.safe)?;
        let mut names = String::new();
        for (name, path) in power.files()? {
            let identity = identity(&path)?;
            fs::copy(&path, power.safe.join(&identity))?;
            names.push_str(&format!("{identity} {name}\n"));
        }
        fs::write(power.safe.join("names"), names)?;
        Ok(power)
    }

    /// What the program must find in its environment, beside the library.
    pub fn environment(&self) -> (OsString, OsString) {
        ("POWER".into(), self.safe.clone().into())
    }

    fn files(&self) -> Result<BTreeMap<String, PathBuf>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.spool)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
            }
        }
        Ok(files)
    }

    /// The program was killed, and the power failed in that moment: the spool is what the disk has. Gives how many files are
    /// not what they were for the program.
    ///
    /// # Errors
    /// The file system's own.
    pub fn fail(self, takes: Takes, random: &mut Random) -> Result<usize> {
        let text = fs::read_to_string(self.safe.join("names"))?;
        let safe: BTreeMap<&str, &str> =
            text.lines().filter_map(|line| line.split_once(' ')).map(|(identity, name)| (name, identity)).collect();
        let now = self.files()?;
        let mut there = BTreeMap::new();
        for path in now.values() {
            there.insert(identity(path)?, fs::read(path)?);
        }
        let names: BTreeSet<&str> = safe.keys().copied().chain(now.keys().map(String::as_str)).collect();
        let mut left: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for name in names {
            let new = now.get(name).map(|path| identity(path)).transpose()?;
            let keeps_new = match takes {
                Takes::Everything => false,
                Takes::Nothing => true,
                Takes::Some => random.percent(50),
            };
            let old = safe.get(name).map(|identity| (*identity).to_owned());
            let Some(file) = (if keeps_new { new } else { old }) else { continue };
            let durable = fs::read(self.safe.join(&file)).unwrap_or_default();
            let octets = there.get(&file).map_or(durable.clone(), |now| remains(&durable, now, takes, random));
            left.insert(name, octets);
        }
        let mut changed = 0;
        for (name, path) in &now {
            if left.get(name.as_str()) != Some(&fs::read(path)?) {
                changed += 1;
            }
            fs::remove_file(path)?;
        }
        for (name, octets) in left {
            changed += usize::from(!now.contains_key(name));
            fs::write(self.spool.join(name), octets)?;
        }
        fs::remove_dir_all(&self.safe)?;
        Ok(changed)
    }
}

/// What a file holds whose octets were safe once, and have changed.
fn remains(durable: &[u8], now: &[u8], takes: Takes, random: &mut Random) -> Vec<u8> {
    match takes {
        Takes::Everything => return durable.to_vec(),
        Takes::Nothing => return now.to_vec(),
        Takes::Some => {}
    }
    let (least, most) = (durable.len().min(now.len()) as u64, durable.len().max(now.len()) as u64);
    let mut octets = vec![0; random.within(least, most) as usize];
    for (number, sector) in octets.chunks_mut(SECTOR_OCTETS).enumerate() {
        // One that was never written reads as zeros.
        let from = if random.percent(50) { now } else { durable };
        let from = from.get(number * SECTOR_OCTETS..).unwrap_or_default();
        sector.iter_mut().zip(from).for_each(|(octet, was)| *octet = *was);
    }
    octets
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::fault::Shim;
    use crate::programs::said;

    #[test]
    fn d3_what_was_fsynced_survives_and_what_was_not_may_go() {
        let folder = tempfile::tempdir().unwrap();
        let shim = Shim::compile(folder.path()).unwrap();
        let spool = folder.path().join("spool");
        let script = "import os, sys\n\
            d = os.open(sys.argv[1], os.O_RDONLY)\n\
            def put(n, o): f = os.open(sys.argv[1] + '/' + n, os.O_CREAT | os.O_RDWR); os.write(f, o); return f\n\
            a = put('a', b'safe'); os.fsync(a); os.fsync(d)\n\
            os.write(a, b' and not'); b = put('b', b'no name'); os.fsync(b)\n\
            c = put('c', b'new'); os.rename(sys.argv[1] + '/c', sys.argv[1] + '/old'); os.fsync(a) if len(sys.argv) > 2 else None\n\
            os.rename(sys.argv[1] + '/b', sys.argv[1] + '/x')\n";
        let mut tried = BTreeSet::new();
        let some = (0..40).map(|_| (Takes::Some, false));
        let all = [(Takes::Everything, false), (Takes::Nothing, false), (Takes::Everything, true)];
        for ((takes, fsyncs), seed) in all.into_iter().chain(some).zip(1..) {
            let _ = fs::remove_dir_all(&spool);
            fs::create_dir(&spool).unwrap();
            fs::write(spool.join("old"), "old").unwrap();
            let power = Power::on(folder.path()).unwrap();
            let mut command = Command::new("python3");
            command.args(["-c", script]).arg(&spool).args(fsyncs.then_some("again"));
            command.envs(shim.failing("rename:kill@2")).envs([power.environment()]);
            assert_eq!(said(&mut command).unwrap().code, None, "it is killed");
            power.fail(takes, &mut Random::seeded(seed)).unwrap();
            let read = |name| fs::read_to_string(spool.join(name)).ok();
            let left = [read("a"), read("b"), read("old"), read("c"), read("x")];
            let expected = |a: &str, b: Option<&str>, old: &str| {
                [Some(a.to_owned()), b.map(str::to_owned), Some(old.to_owned()), None, None]
            };
            match (takes, fsyncs) {
                (Takes::Everything, false) => assert_eq!(left, expected("safe", None, "old")),
                (Takes::Everything, true) => assert_eq!(left, expected("safe and not", None, "old")),
                (Takes::Nothing, _) => assert_eq!(left, expected("safe and not", Some("no name"), "new")),
                (Takes::Some, _) => {
                    assert!(left[0].as_ref().is_some_and(|a| a.starts_with("safe")), "{left:?}");
                    assert!(left[1].is_none() || left[1].as_deref() == Some("no name"), "{left:?}");
                    tried.insert(format!("{left:?}"));
                }
            }
        }
        assert!(tried.len() > 5, "it always goes the same way: {tried:?}");
    }
}
