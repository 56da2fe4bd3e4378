//! A Python with the programs and libraries of others that ours are held against: made once under `target/`, used by every
//! test since, also without a network.
//!
//! Which they are stands in `tests/python-requirements.txt`, every one with its version; another content, or another Python,
//! makes another environment. `tests/run` makes it before the tests, so that no test waits for a download.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::digest;

use crate::programs::{said, workspace};

/// The libraries, with their versions.
const REQUIREMENTS: &str = "tests/python-requirements.txt";
/// Stands in an environment that is whole.
const WHOLE: &str = "whole";
/// Of the hash, enough to tell environments apart.
const NAME_OCTETS: usize = 8;

/// The Python of the environment; its programs (`medallion`, …) are [`program`]s beside it. Made where it is not there yet.
///
/// # Errors
/// What could not be made, and what to install.
pub fn python() -> Result<PathBuf> {
    static MADE: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| make().map_err(|error| format!("{error:#}")));
    made.clone().map_err(|error| anyhow!("{error}"))
}

/// A program that one of the libraries brings.
///
/// # Errors
/// As [`python`], or that none brings it.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = python()?.with_file_name(name);
    ensure!(path.exists(), "none of {REQUIREMENTS} brings {name}");
    Ok(path)
}

/// A Python that runs a script of ours, with the environment's libraries and none of the caller's.
///
/// # Errors
/// As [`python`].
pub fn script(text: &str) -> Result<Command> {
    let mut command = Command::new(python()?);
    command.args(["-I", "-c", text]);
    Ok(command)
}

fn make() -> Result<PathBuf> {
    let requirements = workspace().join(REQUIREMENTS);
    let wanted = fs::read(&requirements).with_context(|| requirements.display().to_string())?;
    let version = said(Command::new("python3").arg("--version"))?.ok().context("python3")?.out;
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&wanted);
    hash.update(version.as_bytes());
    let octets = hash.finish();
    let name: String = octets.as_ref().iter().take(NAME_OCTETS).map(|octet| format!("{octet:02x}")).collect();

    let own = std::env::current_exe().context("where am I?")?;
    // target/debug/deps/scenario-… or target/debug/python-environment
    let built = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).context("no target folder")?;
    let parent = built.parent().context("no target folder")?.join("python");
    fs::create_dir_all(&parent).with_context(|| parent.display().to_string())?;
    // Several tests may come at once, each a process of its own: one makes it, the others wait. The lock ends with the file.
    let lock = File::create(parent.join(format!("{name}.lock")))?;
    lock.lock().context("another test makes the environment")?;
    let folder = parent.join(name);
    let python = folder.join("bin/python");
    // An environment whose Python was taken away is none.
    if !folder.join(WHOLE).exists()
        || !said(Command::new(&python).arg("--version")).is_ok_and(|said| said.code == Some(0))
    {
        fill(&folder, &python, &requirements)?;
    }
    Ok(python)
}

fn fill(folder: &Path, python: &Path, requirements: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    said(Command::new("python3").args(["-m", "venv"]).arg(folder))?
        .ok()
        .context("python3 -m venv does not work here; on Debian and Ubuntu it is the package python3-venv")?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "-r"]);
    said(pip.arg(requirements))?.ok().with_context(|| format!("pip could not install {REQUIREMENTS}"))?;
    File::create(folder.join(WHOLE)).context("the environment is whole, which could not be noted")?;
    Ok(())
}
