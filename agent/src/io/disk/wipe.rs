//! A data directory is emptied of everything that makes this machine a sensor: what is there is found first, so that it can be
//! told, and removed in an order in which half of it is no sensor either.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::{DiskError, failed, sync_directory, write_whole};

/// Stands in the data directory from before the first thing is removed until after the last: what is left then is no sensor's.
const UNDER_WAY: &str = "wiping";

/// Something that is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name in the data directory.
    pub name: String,
    /// What it is.
    pub what: &'static str,
    /// Files in it.
    pub files: u64,
    /// Their octets.
    pub octets: u64,
}

/// What a data directory holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Found {
    /// What is removed, in this order.
    pub removed: Vec<Part>,
    /// What is not: the member's own settings and log, and what is not the agent's.
    pub kept: Vec<String>,
}

/// What a name in the data directory stands for, in the order of removal; nothing where it is not removed.
fn what(name: &str) -> Option<(u8, &'static str)> {
    Some(match name {
        "identity" => (0, "identity and keys"),
        "site.key" => (1, "key of the pseudonyms"),
        "hosts" => (2, "which host each pseudonym stands for"),
        "enrolling" => (3, "an enrolment under way"),
        "spool" => (4, "spool"),
        "list" => (6, "indicator list"),
        "collector-time" | "self-test" | "set-aside" | "spool.next" => (7, "what was noted between starts"),
        "control.sock" | "lock" => (8, "what a running agent holds"),
        UNDER_WAY => (9, "that a wipe was cut off"),
        _ if name.starts_with("identity.new-") => (0, "identity and keys"),
        _ if name.starts_with("spool.") => (5, "a spool of before"),
        _ if name.ends_with(".tmp") => (7, "what was noted between starts"),
        _ => return None,
    })
}

/// Whether what is in it is overwritten before it goes: keys, and what undoes pseudonyms. No more than a disk lets us.
fn is_secret(name: &str) -> bool {
    name.starts_with("identity") || matches!(name, "site.key" | "hosts" | "enrolling")
}

/// What a data directory holds.
///
/// # Errors
/// [`DiskError`].
pub fn find(data: &Path) -> Result<Found, DiskError> {
    let mut parts = Vec::new();
    let mut kept = Vec::new();
    for entry in fs::read_dir(data).map_err(failed("read", data))? {
        let entry = entry.map_err(failed("read", data))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match what(&name) {
            Some((order, what)) => {
                let (files, octets) = measure(&entry.path())?;
                parts.push((order, Part { name, what, files, octets }));
            }
            None => kept.push(name),
        }
    }
    parts.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
    kept.sort();
    Ok(Found { removed: parts.into_iter().map(|(_, part)| part).collect(), kept })
}

/// Files and octets, directories followed and links not.
fn measure(path: &Path) -> Result<(u64, u64), DiskError> {
    let (mut files, mut octets) = (0, 0);
    each_file(path, &mut |file| {
        files += 1;
        octets += fs::symlink_metadata(file).map_err(failed("read", file))?.len();
        Ok(())
    })?;
    Ok((files, octets))
}

fn each_file(path: &Path, act: &mut impl FnMut(&Path) -> Result<(), DiskError>) -> Result<(), DiskError> {
    if !fs::symlink_metadata(path).map_err(failed("read", path))?.is_dir() {
        return act(path);
    }
    for entry in fs::read_dir(path).map_err(failed("read", path))? {
        each_file(&entry.map_err(failed("read", path))?.path(), act)?;
    }
    Ok(())
}

/// Whether a wipe was cut off here: what it left is to be wiped too before this is anything else.
pub fn is_cut_off(data: &Path) -> bool {
    fs::symlink_metadata(data.join(UNDER_WAY)).is_ok()
}

/// Removes it. Cut off anywhere, it can be begun again, and until it was nothing else begins here ([`is_cut_off`]).
///
/// # Errors
/// [`DiskError`].
pub fn remove(data: &Path, found: &Found) -> Result<(), DiskError> {
    match write_whole(&data.join(UNDER_WAY), b"") {
        // A disk without room for it is emptied all the same.
        Err(error) if !error.is_full() => return Err(error),
        Ok(()) | Err(_) => {}
    }
    for Part { name, .. } in &found.removed {
        let path = data.join(name);
        let Ok(there) = fs::symlink_metadata(&path) else { continue };
        if is_secret(name) {
            each_file(&path, &mut |file| overwrite(file).map_err(failed("overwrite", file)))?;
        }
        let removed = if there.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("remove", &path)(error)),
            Ok(()) | Err(_) => {}
        }
        sync_directory(data)?;
    }
    let under_way = data.join(UNDER_WAY);
    match fs::remove_file(&under_way) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed("remove", &under_way)(error));
        }
        Ok(()) | Err(_) => {}
    }
    sync_directory(data)
}

fn overwrite(file: &Path) -> std::io::Result<()> {
    let metadata = fs::symlink_metadata(file)?;
    if !metadata.is_file() {
        return Ok(());
    }
    let mut open = fs::OpenOptions::new().write(true).open(file)?;
    let mut left = metadata.len();
    let zeros = [0; 4096];
    while left > 0 {
        let piece = zeros.get(..usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len())).unwrap_or(&zeros);
        open.write_all(piece)?;
        left = left.saturating_sub(piece.len() as u64);
    }
    open.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn everything_that_makes_a_sensor_goes_and_the_members_own_stays() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("agent");
        let outside = directory.path().join("outside");
        fs::create_dir_all(data.join("identity")).unwrap();
        fs::create_dir_all(data.join("spool.aside-1/deep")).unwrap();
        fs::create_dir_all(data.join("list")).unwrap();
        fs::write(&outside, "not ours").unwrap();
        for (name, text) in [
            ("identity/key.pem", "secret"),
            ("site.key", "secret"),
            ("spool.aside-1/deep/x.seg", "records"),
            ("collector-time", "then"),
            ("agent.toml", "inside = []"),
            ("reveal.log", "why"),
            ("notes.txt", "mine"),
        ] {
            fs::write(data.join(name), text).unwrap();
        }
        symlink(&outside, data.join("list/link")).unwrap();
        // Whoever keeps a second name of a key keeps zeros.
        fs::hard_link(data.join("site.key"), directory.path().join("kept.key")).unwrap();
        let found = find(&data).unwrap();
        let names: Vec<&str> = found.removed.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["identity", "site.key", "spool.aside-1", "list", "collector-time"]);
        assert_eq!(found.kept, ["agent.toml", "notes.txt", "reveal.log"]);
        assert_eq!((found.removed[2].files, found.removed[2].octets), (1, 7));
        remove(&data, &found).unwrap();
        assert!(!is_cut_off(&data));
        fs::write(data.join(UNDER_WAY), "").unwrap();
        assert!(is_cut_off(&data));
        remove(&data, &find(&data).unwrap()).unwrap();
        assert!(!is_cut_off(&data));
        assert_eq!(find(&data).unwrap().removed, []);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 3);
        assert_eq!(fs::read(directory.path().join("kept.key")).unwrap(), [0; 6]);
        assert_eq!(fs::read_to_string(outside).unwrap(), "not ours", "a link is removed, not what it leads to");
    }
}
