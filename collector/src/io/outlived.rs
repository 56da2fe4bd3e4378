//! What was copied or set aside and is older than is kept goes: backups beside the newest one, and databases that a restore set
//! aside. What a member left behind is gone from them by the day that its certificate names.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use varde_common::time::Timestamp;

use super::backup::{NAME, name_of};
use super::directory::{self, DirectoryError};
use super::keys::ROOT_FILE;
use super::restore::ASIDE_PREFIX;
use crate::backup::{MANIFEST_FILE, Manifest};
use crate::limits::{BACKUP_CLOCK_AHEAD_DAYS, BACKUP_DAYS, BACKUP_MANIFEST_MAX_OCTETS, SETTINGS_MAX_OCTETS};
use crate::store::DATABASE_FILE;

/// How long backups and databases that were set aside are kept.
pub const KEPT: Duration = Duration::from_secs(BACKUP_DAYS * 86_400);
/// A backup that is being removed: it is none any more, whatever is left of it.
const REMOVED: &str = "removed";

/// Backups that are older than is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Old {
    /// Those that go.
    pub outlived: Vec<PathBuf>,
    /// Those that stay all the same, because the clock may be ahead: nothing tells that so much time has passed.
    pub in_doubt: Vec<PathBuf>,
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |error| DirectoryError::Io { what, path, error }
}

/// When a backup of this collector was made; none where it is none, or another's.
fn made_at(path: &Path, roots: &[Vec<u8>]) -> Option<Timestamp> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        return None;
    }
    let octets = directory::read(&path.join(MANIFEST_FILE), BACKUP_MANIFEST_MAX_OCTETS).ok()?;
    let manifest = Manifest::read(&octets, DATABASE_FILE, ROOT_FILE).ok()?;
    let root = directory::read(&path.join(ROOT_FILE), SETTINGS_MAX_OCTETS).ok()?;
    roots.contains(&root).then_some(manifest.made_at)
}

/// Backups of this collector (by its root documents, all that it ever had) beside `newest` that are older than is kept. One that was
/// given a name of its own is somebody's wish, and is let alone. A clock that is years ahead outlives nothing at once: how much time
/// has passed is told by the newest of the others as well.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn old_backups(newest: &Path, roots: &[Vec<u8>], now: Timestamp) -> Result<Old, DirectoryError> {
    let above = newest.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for name in directory::names(above)? {
        let path = above.join(&name);
        let is_ours = name.strip_prefix(NAME).is_some_and(|time| time.starts_with('-') && time.ends_with('Z'));
        if is_ours && path.file_name() != newest.file_name() {
            found.extend(made_at(&path, roots).map(|at| (path, at)));
        }
    }
    let Some(before) = found.iter().map(|(_, at)| *at).max() else { return Ok(Old::default()) };
    let sure = now.min(before.plus(Duration::from_secs(BACKUP_CLOCK_AHEAD_DAYS * 86_400)));
    let mut old = Old::default();
    for (path, at) in found {
        if at < sure.minus(KEPT) {
            old.outlived.push(path);
        } else if at < now.minus(KEPT) {
            old.in_doubt.push(path);
        }
    }
    Ok(old)
}

/// Removes backups, and what was left of one when its removal was cut off.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn remove_backups(newest: &Path, outlived: &[PathBuf]) -> Result<(), DirectoryError> {
    let above = newest.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for path in outlived {
        let to = path.with_extension(REMOVED);
        fs::rename(path, &to).map_err(io("remove", path))?;
    }
    for name in directory::names(above)? {
        let is_left = name.strip_prefix(NAME).is_some_and(|rest| rest.ends_with(&format!(".{REMOVED}")));
        if is_left {
            let path = above.join(name);
            fs::remove_dir_all(&path).map_err(io("remove", &path))?;
        }
    }
    directory::sync_directory(above)
}

/// Removes the databases of restores before `before` from what they set aside; keys, root document and settings stay. Gives how many.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn remove_set_aside(data: &Path, before: Timestamp) -> Result<u64, DirectoryError> {
    let limit = format!("{ASIDE_PREFIX}{}", name_of(before));
    let mut removed = 0;
    for name in directory::names(data)? {
        let path = data.join(&name);
        if !name.starts_with(ASIDE_PREFIX) || name >= limit || !path.is_dir() {
            continue;
        }
        for file in directory::names(&path)?.into_iter().filter(|file| file.starts_with(DATABASE_FILE)) {
            directory::remove(&path.join(&file))?;
            removed += u64::from(file == DATABASE_FILE);
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Entry, FORMAT};

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(n: u32) -> Timestamp {
        Timestamp(1_795_219_200_000_000).plus(DAY * n)
    }

    fn lay(place: &Path, name: &str, root: &str, at: Timestamp) -> PathBuf {
        let path = place.join(name);
        directory::make_private(&path).unwrap();
        let entry = |name: &str| Entry { name: name.to_owned(), octets: 1, sha256: "0".repeat(64) };
        let files = vec![entry(DATABASE_FILE), entry(ROOT_FILE)];
        let manifest = Manifest { format: FORMAT, made_at: at, program: "0.1.0".into(), schema: 1, keys: false, files };
        fs::write(path.join(MANIFEST_FILE), serde_json::to_vec(&manifest).unwrap()).unwrap();
        fs::write(path.join(ROOT_FILE), root).unwrap();
        fs::write(path.join(DATABASE_FILE), "a member").unwrap();
        path
    }

    fn named(place: &Path, at: Timestamp) -> PathBuf {
        lay(place, &format!("{NAME}-{}", name_of(at)), "ours", at)
    }

    fn names(paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn q3_backups_older_than_35_days_go_when_the_next_is_made_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path();
        let made: Vec<PathBuf> = (0..=40).map(|n| named(place, day(n))).collect();
        lay(place, "for-the-board", "ours", day(0));
        lay(place, &format!("{NAME}-of-anotherZ"), "another's", day(0));
        fs::create_dir(place.join(format!("{NAME}-no-backupZ"))).unwrap();
        fs::create_dir_all(place.join(format!("{NAME}-x.removed/keys"))).unwrap();
        let newest = &made[40];
        let roots = [b"older".to_vec(), b"ours".to_vec()];
        let old = old_backups(newest, &roots, day(40)).unwrap();
        assert_eq!(names(&old.outlived), names(&made[..5]), "what is 35 days old to the day stays");
        assert_eq!(old.in_doubt, Vec::<PathBuf>::new());
        remove_backups(newest, &old.outlived).unwrap();
        let left = directory::names(place).unwrap();
        assert_eq!(left.len(), 36 + 3, "{left:?}");
        assert!(left.iter().all(|name| !name.ends_with("removed")), "what was cut off is finished: {left:?}");
        assert_eq!(old_backups(newest, &roots, day(40)).unwrap(), Old::default());
        assert_eq!(
            old_backups(newest, &[b"other".to_vec()], day(400)).unwrap(),
            Old::default(),
            "of another collector"
        );
    }

    #[test]
    fn k1_q3_a_clock_that_is_years_ahead_takes_no_backup_that_is_not_old_by_the_others_too() {
        let dir = tempfile::tempdir().unwrap();
        let made: Vec<PathBuf> = (0..=40).map(|n| named(dir.path(), day(n))).collect();
        let ahead = named(dir.path(), day(4_000));
        let old = old_backups(&ahead, &[b"ours".to_vec()], day(4_000)).unwrap();
        assert_eq!(names(&old.outlived), names(&made[..12]), "a week beyond what the newest of the others says");
        assert_eq!(names(&old.in_doubt), names(&made[12..]), "and whoever made it is told of the rest");
        let alone = tempfile::tempdir().unwrap();
        let only = named(alone.path(), day(4_000));
        assert_eq!(old_backups(&only, &[b"ours".to_vec()], day(4_000)).unwrap(), Old::default());
    }

    #[test]
    fn q3_a_database_that_was_set_aside_goes_after_35_days_and_its_keys_stay() {
        let dir = tempfile::tempdir().unwrap();
        let aside = |n: u32| {
            let path = dir.path().join(format!("{ASIDE_PREFIX}{}", name_of(day(n))));
            directory::make_private(&path.join("keys")).unwrap();
            for file in [DATABASE_FILE, "varde.sqlite-wal", ROOT_FILE, "keys/ca.key"] {
                fs::write(path.join(file), "x").unwrap();
            }
            path
        };
        let (old, young) = (aside(1), aside(3));
        fs::write(dir.path().join(DATABASE_FILE), "x").unwrap();
        assert_eq!(remove_set_aside(dir.path(), day(2)).unwrap(), 1);
        assert_eq!(directory::names(&old).unwrap(), ["keys", ROOT_FILE]);
        assert!(old.join("keys/ca.key").exists() && dir.path().join(DATABASE_FILE).exists());
        assert_eq!(directory::names(&young).unwrap().len(), 4);
        assert_eq!(remove_set_aside(dir.path(), day(2)).unwrap(), 0);
    }
}
