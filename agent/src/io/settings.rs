//! The files that settings stand in, and the environment.
//!
//! ```text
//! DIR/agent.toml, DIR/conf.d/*.toml                             where one of them is there
//! /etc/varde-agent/agent.toml, /etc/varde-agent/conf.d/*.toml   else
//! ```
//! All of them stand in one place, so that nobody has to guess which of two files of the same name counts.

use std::path::{Path, PathBuf};

use super::disk::{DiskError, failed, read_at_most};
use crate::limits::{SETTINGS_FILES_MAX, SETTINGS_MAX_OCTETS};
use crate::settings::BadSetting;
use crate::settings::layers::{ENVIRONMENT_PREFIX, Layers, SettingsFile};

/// Where settings stand unless they stand in the data directory.
pub const SYSTEM: &str = "/etc/varde-agent";
const MAIN: &str = "agent.toml";
const DROP_INS: &str = "conf.d";

/// Settings that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NoSettings {
    /// The disk.
    #[error("{0}")]
    Disk(#[from] DiskError),
    /// What stands there.
    #[error("{0}")]
    Bad(#[from] BadSetting),
    /// Octets that are no text.
    #[error("{0} is not UTF-8 text")]
    NoText(String),
    /// More drop-ins than are read.
    #[error("{} holds more than {SETTINGS_FILES_MAX} files that end with .toml", .0.display())]
    TooMany(PathBuf),
}

impl NoSettings {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            NoSettings::Disk(error) => error.remedy(),
            NoSettings::Bad(_) => "correct that line and start again",
            NoSettings::NoText(_) => "save it as UTF-8",
            NoSettings::TooMany(_) => "put several of them into one",
        }
    }
}

/// The directory that holds the settings of a data directory.
pub fn place(data: &Path) -> PathBuf {
    // What may not be looked at is there: that it cannot be read is told by whoever tries.
    let is_there = |name: &str| data.join(name).try_exists().unwrap_or(true);
    let own = is_there(MAIN) || is_there(DROP_INS);
    if own { data.to_owned() } else { PathBuf::from(SYSTEM) }
}

/// The files in a directory, in the order in which they count.
fn files(place: &Path) -> Result<Vec<SettingsFile>, NoSettings> {
    let mut paths = Vec::new();
    let drop_ins = place.join(DROP_INS);
    match std::fs::read_dir(&drop_ins) {
        Ok(entries) => {
            for entry in entries {
                let path = entry.map_err(failed("read", &drop_ins))?.path();
                // Editors leave hidden files beside the one they write.
                let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                if !hidden && path.extension().is_some_and(|ending| ending == "toml") {
                    paths.push(path);
                }
                if paths.len() > SETTINGS_FILES_MAX {
                    return Err(NoSettings::TooMany(drop_ins));
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("read", &drop_ins)(error).into()),
    }
    paths.sort();
    paths.insert(0, place.join(MAIN));
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        match read_at_most(&path, SETTINGS_MAX_OCTETS) {
            Ok(octets) => {
                let text = String::from_utf8(octets).map_err(|_| NoSettings::NoText(name.clone()))?;
                files.push(SettingsFile { name, text });
            }
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(files)
}

/// Variables that are settings, in the order of their names.
fn environment() -> Vec<(String, String)> {
    let text = |octets: std::ffi::OsString| octets.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    let mut ours: Vec<_> = all.filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
    ours.sort();
    ours
}

/// All settings, as they stand there now.
///
/// # Errors
/// [`NoSettings`].
pub fn read(data: &Path) -> Result<Layers, NoSettings> {
    Ok(Layers::read(&files(&place(data))?, &environment())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_ins_count_in_the_order_of_their_names_and_other_files_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        assert_eq!(place(directory.path()), Path::new(SYSTEM));
        std::fs::create_dir(directory.path().join(DROP_INS)).unwrap();
        assert_eq!(place(directory.path()), directory.path());
        write("agent.toml", "spool_max_mib = 4");
        write("conf.d/20-b.toml", "spool_max_mib = 20");
        write("conf.d/10-a.toml", "spool_max_mib = 10\nspool_max_days = 10");
        for passed_over in ["conf.d/.30.toml", "conf.d/30.toml.bak", "conf.d/30.toml~", "conf.d/README"] {
            write(passed_over, "rubbish");
        }
        let layers = read(directory.path()).unwrap();
        assert_eq!((layers.settings().spool_max_mib, layers.settings().spool_max_days), (Some(20), Some(10)));
        assert!(layers.origin("spool_max_mib").unwrap().to_string().ends_with("conf.d/20-b.toml, line 1"));
        write("conf.d/15.toml", "\nspol_max_mib = 1");
        let bad = read(directory.path()).unwrap_err().to_string();
        assert!(bad.contains("conf.d/15.toml, line 2") && bad.contains("did you mean \"spool_max_mib\"?"), "{bad}");
        std::fs::write(directory.path().join("conf.d/15.toml"), b"\xff").unwrap();
        assert!(read(directory.path()).unwrap_err().to_string().ends_with("15.toml is not UTF-8 text"));
        for number in 0..SETTINGS_FILES_MAX {
            write(&format!("conf.d/more-{number}.toml"), "");
        }
        assert!(matches!(read(directory.path()), Err(NoSettings::TooMany(_))));
    }
}
