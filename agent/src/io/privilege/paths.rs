//! Paths (Landlock, landlock(7)): the data directory, what was named on the command line, resolver settings, /proc/self.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use serde::{Deserialize, Serialize};

use super::Reach;

/// The newest rules this file knows; an older kernel enforces what it knows of them.
const NEWEST: ABI = ABI::V9;
/// What the C library reads to resolve a name: resolv.conf(5), hosts(5), nsswitch.conf(5), host.conf(5), gai.conf(5).
const RESOLVER_FILES: [&str; 5] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf"];
/// Directories that hold nothing but resolver settings, whose files are replaced while we run.
const RESOLVER_DIRECTORIES: [&str; 2] = ["/run/systemd/resolve", "/run/resolvconf"];

/// What Landlock does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paths {
    /// The Landlock ABI in use; 0 = none.
    pub abi: u32,
    /// Whether everything asked for is enforced; older kernels know less.
    pub whole: bool,
    /// Why nothing is enforced; none = something is.
    pub missing: Option<String>,
}

/// Which files the resolver's settings were when the rules were made. A rule is for a file, not for its name: one that is
/// replaced by another of the same name is out of reach.
#[derive(Debug, Clone, Default)]
pub struct ResolverSettings {
    files: Vec<(PathBuf, Option<(u64, u64)>)>,
}

impl ResolverSettings {
    /// As they are now.
    pub(super) fn now() -> ResolverSettings {
        let files = RESOLVER_FILES.iter().map(PathBuf::from);
        ResolverSettings { files: files.map(|path| (path.clone(), file_of(&path))).collect() }
    }

    /// The first of them that has been replaced out of reach since then.
    pub fn replaced(&self) -> Option<&Path> {
        let replaced = self.files.iter().find(|(path, was)| file_of(path) != *was && !stays_in_reach(path));
        replaced.map(|(path, _)| path.as_path())
    }
}

fn file_of(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

fn stays_in_reach(path: &Path) -> bool {
    let real = std::fs::canonicalize(path).unwrap_or_default();
    RESOLVER_DIRECTORIES.iter().any(|directory| real.starts_with(directory))
}

/// Puts the rules in force for this thread and those it starts.
pub(super) fn restrict(reach: &Reach, resolver: &ResolverSettings) -> Paths {
    match try_restrict(reach, resolver) {
        Ok(status) => said(&status),
        Err(error) => Paths { missing: Some(error.to_string()), ..Paths::default() },
    }
}

fn try_restrict(reach: &Reach, resolver: &ResolverSettings) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    // Nothing there is ever executed, and no device, socket or link is made.
    let keep = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let own = [(reach.data.as_path(), keep), (Path::new("/proc/self"), read)];
    let settings = (!reach.settings.as_os_str().is_empty()).then_some((reach.settings.as_path(), read));
    let captures = reach.captures.iter().map(|path| (path.as_path(), read));
    let files = resolver.files.iter().map(|(path, _)| (path.as_path(), read));
    let directories = if resolver.files.is_empty() { &[][..] } else { &RESOLVER_DIRECTORIES[..] };
    let directories = directories.iter().map(|path| (Path::new(path), read));
    for (path, access) in own.into_iter().chain(settings).chain(captures).chain(files).chain(directories) {
        rules = allow(rules, path, access)?;
    }
    rules.restrict_self()
}

/// A path that is not there needs no rule.
fn allow(
    rules: landlock::RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<landlock::RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else { return Ok(rules) };
    let is_directory = std::fs::metadata(path).is_ok_and(|found| found.is_dir());
    let access = if is_directory { access } else { access & AccessFs::from_file(NEWEST) };
    rules.add_rule(PathBeneath::new(opened, access))
}

fn said(status: &RestrictionStatus) -> Paths {
    let abi = match &status.landlock {
        LandlockStatus::Available { effective_abi, .. } => *effective_abi as u32,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    };
    match (&status.ruleset, &status.landlock) {
        (RulesetStatus::FullyEnforced, _) => Paths { abi, whole: true, missing: None },
        (RulesetStatus::PartiallyEnforced, _) => Paths { abi, whole: false, missing: None },
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            let why = "this kernel has Landlock, but it is not switched on (boot with lsm=landlock,…)";
            Paths { abi: 0, whole: false, missing: Some(why.to_owned()) }
        }
        (RulesetStatus::NotEnforced, _) => {
            let why = "this kernel has no Landlock (Linux 5.13 or later has)";
            Paths { abi: 0, whole: false, missing: Some(why.to_owned()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_replaced_are_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolv.conf");
        std::fs::write(&path, "nameserver 192.0.2.1\n").unwrap();
        let settings = ResolverSettings { files: vec![(path.clone(), file_of(&path))] };
        assert_eq!(settings.replaced(), None);
        std::fs::write(&path, "nameserver 192.0.2.2\n").unwrap();
        assert_eq!(settings.replaced(), None, "written anew is still the same file");
        let other = directory.path().join("other");
        std::fs::write(&other, "nameserver 192.0.2.3\n").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(settings.replaced(), Some(path.as_path()));
    }
}
