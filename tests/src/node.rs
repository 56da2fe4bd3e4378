//! A Node with the libraries that steer a browser and judge its pages: made once under `target/`, used by every test since,
//! also without a network.
//!
//! Which they are stands in `tests/browser/package-lock.json`, every one with its hash; another lock makes another folder.
//! `tests/run` makes it before the tests, so that no test waits for a download. No browser is downloaded, and nothing that
//! the libraries would run when they are installed is run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest;

use crate::programs::{said, workspace};

/// What is to be installed, and each with its hash.
const LISTS: [&str; 2] = ["package.json", "package-lock.json"];
/// Where they and the scripts are.
const SCRIPTS: &str = "tests/browser";
/// Stands in a folder that is whole.
const WHOLE: &str = "whole";
/// Of the hash, enough to tell folders apart.
const NAME_OCTETS: usize = 8;

/// Whether there is a Node to run scripts with.
pub fn installed() -> bool {
    ["node", "npm"]
        .into_iter()
        .all(|name| said(Command::new(name).arg("--version")).is_ok_and(|said| said.code == Some(0)))
}

/// A Node that runs one of the scripts of `tests/browser`, which finds the libraries by the folder in `VARDE_NODE_MODULES`.
///
/// # Errors
/// What could not be made, and what to install.
pub fn script(name: &str) -> Result<Command> {
    let mut command = Command::new("node");
    command.arg(workspace().join(SCRIPTS).join(name)).env("VARDE_NODE_MODULES", modules()?);
    Ok(command)
}

/// The folder with the libraries. Made where it is not there yet.
///
/// # Errors
/// As [`script`].
pub fn modules() -> Result<PathBuf> {
    static MADE: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| make().map_err(|error| format!("{error:#}")));
    made.clone().map_err(|error| anyhow!("{error}"))
}

fn make() -> Result<PathBuf> {
    let scripts = workspace().join(SCRIPTS);
    let mut hash = digest::Context::new(&digest::SHA256);
    for list in LISTS {
        let list = scripts.join(list);
        hash.update(&fs::read(&list).with_context(|| list.display().to_string())?);
    }
    let octets = hash.finish();
    let name: String = octets.as_ref().iter().take(NAME_OCTETS).map(|octet| format!("{octet:02x}")).collect();
    let parent = target()?.join("node");
    fs::create_dir_all(&parent).with_context(|| parent.display().to_string())?;
    // Several tests may come at once, each a process of its own: one makes it, the others wait. The lock ends with the file.
    let lock = File::create(parent.join(format!("{name}.lock")))?;
    lock.lock().context("another test installs the libraries")?;
    let folder = parent.join(name);
    if !folder.join(WHOLE).exists() {
        fill(&folder, &scripts)?;
    }
    Ok(folder.join("node_modules"))
}

/// The folder that cargo builds into.
///
/// # Errors
/// When the program does not lie in one.
pub fn target() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where am I?")?;
    // target/debug/deps/scenario-… or target/debug/node-environment
    let built = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).context("no target folder")?;
    Ok(built.parent().context("no target folder")?.to_owned())
}

fn fill(folder: &Path, scripts: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(folder)?;
    for list in LISTS {
        fs::copy(scripts.join(list), folder.join(list)).with_context(|| list.to_owned())?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
    said(&mut npm)?.ok().with_context(|| {
        format!("npm could not install what {SCRIPTS}/package-lock.json names: no registry answers (npm config get registry), or npm is too old")
    })?;
    File::create(folder.join(WHOLE)).context("the libraries are there, which could not be noted")?;
    Ok(())
}
