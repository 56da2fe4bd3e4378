//! One file a subcommand.

pub mod enroll;
pub mod inspect;
mod inspect_lines;
pub mod reveal;
pub mod run;
mod sources;
pub mod status;
mod status_lines;

use std::path::{Path, PathBuf};

use crate::io::disk::read_at_most;
use crate::limits::SETTINGS_MAX_OCTETS;
use crate::settings::Settings;

/// Where the data is unless said otherwise.
pub const DATA_DEFAULT: &str = "/var/lib/varde-agent";

/// A command that did not do what it was asked: one sentence of cause, one of remedy, and how to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is the matter.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
    /// 1 = could not be run, 2 = wrong usage.
    pub code: u8,
}

impl Failure {
    /// Something could not be run.
    pub fn new(cause: impl std::fmt::Display, remedy: impl Into<String>) -> Failure {
        Failure { cause: cause.to_string(), remedy: remedy.into(), code: 1 }
    }

    /// The command line is not right.
    pub fn usage(cause: impl std::fmt::Display, remedy: impl Into<String>) -> Failure {
        Failure { code: 2, ..Failure::new(cause, remedy) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Some causes come from elsewhere, with their own full stop.
        let stop = if self.cause.ends_with(['.', '?']) { "" } else { "." };
        write!(f, "varde-agent: {}{stop}\n{}.", self.cause, capital(&self.remedy))
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Reads the settings: `DIR/agent.toml`, else `/etc/varde-agent/agent.toml`, else the defaults.
///
/// # Errors
/// [`Failure`] naming file and line.
pub fn settings(data: &Path) -> Result<Settings, Failure> {
    for path in [data.join("agent.toml"), PathBuf::from("/etc/varde-agent/agent.toml")] {
        match read_at_most(&path, SETTINGS_MAX_OCTETS) {
            Ok(octets) => {
                let name = path.display().to_string();
                let text = String::from_utf8(octets)
                    .map_err(|_| Failure::new(format!("{name} is not UTF-8 text"), "save it as UTF-8"))?;
                return Settings::read(&text, &name)
                    .map_err(|bad| Failure::new(bad, "correct that line and start again"));
            }
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(Failure::new(&error, error.remedy())),
        }
    }
    Ok(Settings::default())
}
