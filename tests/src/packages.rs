//! The packages as `packaging/build` makes them, of the programs that the tests are run with: once for each state of what they
//! are made of.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest;

use crate::programs::{Which, said, workspace};

/// Stands beside packages that are whole.
const WHOLE: &str = "whole";
/// What they are made of, beside the programs: folders with all that is in them, and files.
const MADE_OF: [&str; 5] = ["packaging", "agent/Cargo.toml", "collector/Cargo.toml", "CHANGELOG.md", "LICENSE"];

/// The folder with the packages.
///
/// # Errors
/// What `packaging/build` said.
pub fn packages() -> Result<PathBuf> {
    let root = workspace();
    let parent = root.join("target/packages-tried");
    fs::create_dir_all(&parent)?;
    // Several tests may come at once: one makes them, the others wait. The lock ends with the file.
    let lock = File::create(parent.join("lock"))?;
    lock.lock().context("another test makes the packages")?;
    let programs = Which::Agent.path()?;
    let programs = programs.parent().context("programs lie in a folder")?;
    let mut state = digest::Context::new(&digest::SHA256);
    for program in [Which::Agent.path()?, Which::Collector.path()?, programs.join("package-papers")] {
        let found = fs::metadata(&program).with_context(|| program.display().to_string())?;
        state.update(format!("{}.{} {}", found.mtime(), found.mtime_nsec(), found.len()).as_bytes());
    }
    for path in MADE_OF {
        update(&mut state, &root.join(path))?;
    }
    let state: String = state.finish().as_ref().iter().take(8).map(|octet| format!("{octet:02x}")).collect();
    let folder = parent.join("packages");
    if fs::read_to_string(folder.join(WHOLE)).is_ok_and(|whole| whole == state) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut build = Command::new(root.join("packaging/build"));
    build.args(["--built", "--out"]).arg(&folder).env("VARDE_PAPERS", programs.join("package-papers"));
    // Under sudo the path is root's; the caller's cargo was noted by tests/run, or runs this.
    let noted = std::env::var_os("VARDE_CARGO_FOLDER").map(PathBuf::from);
    let runs_this = std::env::var_os("CARGO").and_then(|cargo| Some(Path::new(&cargo).parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = noted.into_iter().chain(runs_this).chain(std::env::split_paths(&path));
    build.env("PATH", std::env::join_paths(folders)?);
    if programs.ends_with("debug") {
        build.arg("--debug");
    }
    said(&mut build)?.ok().context("packaging/build")?;
    fs::write(folder.join(WHOLE), state)?;
    Ok(folder)
}

fn update(state: &mut digest::Context, path: &Path) -> Result<()> {
    if path.is_dir() {
        let mut below = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
        below.sort();
        return below.iter().try_for_each(|below| update(state, below));
    }
    state.update(path.to_string_lossy().as_bytes());
    state.update(&fs::read(path).with_context(|| path.display().to_string())?);
    Ok(())
}

/// The one package of a program with this ending (`deb`, `rpm`).
///
/// # Errors
/// As [`packages`], or that it is not there.
pub fn package(which: Which, ending: &str) -> Result<PathBuf> {
    let begin = which.name();
    for entry in fs::read_dir(packages()?)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(begin) && name.ends_with(&format!(".{ending}")) {
            return Ok(path);
        }
    }
    anyhow::bail!("packaging/build made no .{ending} of {begin}")
}

/// The same .deb under a lower version: what stands on machines when the next one comes.
///
/// # Errors
/// What dpkg-deb said.
pub fn older(deb: &Path, version: &str, folder: &Path) -> Result<PathBuf> {
    let opened = folder.join("opened");
    said(Command::new("dpkg-deb").arg("--raw-extract").arg(deb).arg(&opened))?.ok()?;
    let control = opened.join("DEBIAN/control");
    let text = fs::read_to_string(&control)?;
    let line = text.lines().find(|line| line.starts_with("Version: ")).context("no version")?;
    fs::write(&control, text.replace(line, &format!("Version: {version}")))?;
    let older = folder.join("older.deb");
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zgzip", "-z1", "--build"]).arg(&opened).arg(&older);
    said(&mut pack)?.ok()?;
    fs::remove_dir_all(opened)?;
    ensure!(older.exists(), "no older package");
    Ok(older)
}
