//! One file a subcommand.

pub mod config;
pub mod doctor;
mod doctor_facts;
pub mod enroll;
pub mod inspect;
mod inspect_lines;
pub mod line;
pub mod list;
mod outlive;
mod reload;
pub mod reveal;
pub mod run;
mod run_args;
mod run_sockets;
pub mod selftest;
mod sources;
pub mod status;
mod status_brake;
mod status_check;
mod status_lines;
mod status_stopped;
mod status_trust;
pub mod support_bundle;
mod trusted;
pub mod what_leaves;
pub mod wipe;

use std::path::Path;

use crate::doctor::facts::BadFile;
use crate::io::disk::{others_may_read, read_at_most};
use crate::io::settings::{self, NoSettings};
use crate::limits::PROXY_CREDENTIALS_MAX_OCTETS;
use crate::proxy::Proxy;
use crate::route::{Detour, detour_address};
use crate::settings::Settings;

/// Where the data is unless said otherwise.
pub const DATA_DEFAULT: &str = "/var/lib/varde-agent";

/// How the agent ends when whoever started it is to start it again at once, and nothing has failed (EX_TEMPFAIL of
/// `sysexits.h`): an interface came anew, which takes rights that were given up; or a new spool is to be begun.
pub const EXIT_START_AGAIN: u8 = 75;

/// A command that did not do what it was asked: one sentence of cause, one of remedy, and how to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is the matter.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
    /// 1 = could not be run, 2 = wrong usage, [`EXIT_START_AGAIN`], 130 = stopped before captures were delivered.
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

/// The file with the proxy's credentials cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoCredentials {
    /// What kind of fault it is.
    pub what: BadFile,
    /// In words.
    pub failure: Failure,
}

impl From<NoCredentials> for Failure {
    fn from(none: NoCredentials) -> Failure {
        none.failure
    }
}

/// The proxy that is set, with what it wants to know.
///
/// # Errors
/// [`NoCredentials`] when the file with its credentials cannot be used.
pub fn proxy(data: &Path, settings: &Settings) -> Result<Option<Proxy>, NoCredentials> {
    let Some(proxy) = settings.proxy.as_deref().and_then(Proxy::read) else { return Ok(None) };
    let Some(file) = &settings.proxy_credentials else { return Ok(Some(proxy)) };
    // A path that does not begin at the root lies in the data directory.
    let file = data.join(file);
    let name = file.display();
    let bad = |what, cause: String, remedy: String| NoCredentials { what, failure: Failure::new(cause, remedy) };
    let content = |cause| bad(BadFile::Content, cause, "write user:password into it".to_owned());
    let octets = read_at_most(&file, PROXY_CREDENTIALS_MAX_OCTETS).map_err(|error| {
        let what = match &error {
            error if error.is_forbidden() => BadFile::Rights,
            error if error.is_too_large() => BadFile::Content,
            _ => BadFile::Missing,
        };
        bad(what, error.to_string(), "see that the file proxy_credentials names is there and readable".to_owned())
    })?;
    if others_may_read(&file) {
        let cause = format!("others than its owner may read {name}, which holds a password");
        return Err(bad(BadFile::Rights, cause, format!("run: chmod 600 {name}")));
    }
    let text = String::from_utf8(octets).map_err(|_| content(format!("{name} is not UTF-8 text")))?;
    let proxy = proxy.with_credentials(&text);
    proxy.map(Some).map_err(|bad| content(format!("{name} cannot be used: {bad}")))
}

/// Where to go when UDP is blocked. `told`: what enrolment was told; `address`: the collector over QUIC.
///
/// # Errors
/// [`NoCredentials`] when the file with the proxy's credentials cannot be used.
pub fn detour(data: &Path, settings: &Settings, told: Option<&str>, address: &str) -> Result<Detour, NoCredentials> {
    let set = settings.fallback.as_deref().or(told);
    let (proxy, quic_again) = (proxy(data, settings)?, settings.quic_again());
    Ok(Detour { address: detour_address(set, address), proxy, quic_again })
}

/// Reads the settings ([`crate::io::settings`]).
///
/// # Errors
/// [`Failure`] naming file and line; wrong usage where a person has to mend what stands there.
pub fn settings(data: &Path) -> Result<Settings, Failure> {
    let layers = settings::read(data).map_err(|error| {
        let failure = Failure::new(&error, error.remedy());
        match error {
            // The disk may be better in a moment.
            NoSettings::Disk(_) => failure,
            NoSettings::Bad(_) | NoSettings::NoText(_) | NoSettings::TooMany(_) => Failure { code: 2, ..failure },
        }
    })?;
    Ok(layers.settings().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_with_credentials_that_is_missing_wrong_or_open_to_others_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings {
            proxy: Some("http://proxy.example:3128".to_owned()),
            proxy_credentials: Some("password".into()),
            ..Settings::default()
        };
        let what = || proxy(directory.path(), &settings).map(drop).map_err(|none| none.what);
        assert_eq!(what(), Err(BadFile::Missing));
        let file = directory.path().join("password");
        let long = vec![b'a'; usize::try_from(PROXY_CREDENTIALS_MAX_OCTETS).unwrap() + 1];
        for wrong in [&b"no password"[..], b"u:\xff", &long] {
            std::fs::write(&file, wrong).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(what(), Err(BadFile::Content));
        }
        std::fs::write(&file, "user:password\n").unwrap();
        assert_eq!(what(), Ok(()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(what(), Err(BadFile::Rights));
    }
}
