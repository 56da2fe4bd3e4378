//! What lies beside the programs in their packages, made from what is true of them: the [`manual`] and the shells' completions from
//! their command lines, the manual's pages of settings from the [`settings_page`]s' own commented files, who wrote what of it
//! ([`notices`]) and what it consists of ([`bill`], CycloneDX) from the [`components`] that cargo builds in, and the [`news`].
//!
//! The same tree gives the same octets: the only time in them is the commit's.

pub mod bill;
pub mod components;
pub mod manual;
pub mod news;
pub mod notices;
pub mod settings_page;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::programs::{Which, workspace};
use components::components;

/// Writes the papers of a program below `out`, as they are to lie below `/` where they lie there: `usr/share/man`, `usr/share/doc` …
///
/// `target`: what it is built for, as cargo names it. `maintainer`: `NAME <ADDRESS>`. `commit_s`: the commit's time, seconds since 1970.
///
/// # Errors
/// What cannot be read or written, or that cargo does not say what it builds in.
pub fn write(which: Which, out: &Path, target: &str, maintainer: &str, commit_s: i64) -> Result<()> {
    let root = workspace();
    let read = |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
    let (command, settings) = match which {
        Which::Agent => (varde_agent::command::line::CommandLine::command(), "agent.toml"),
        Which::Collector => (varde_collector::command::Cli::command(), "collector.toml"),
    };
    let name = which.name();
    let share = out.join("usr/share");
    let put = |path: &str, text: &str| -> Result<()> {
        let path = share.join(path);
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        fs::write(&path, text).with_context(|| path.display().to_string())
    };

    for (page, text) in manual::pages(&command)? {
        put(&format!("man/man1/{page}"), &text)?;
    }
    for (path, text) in manual::completions(&command) {
        put(&path, &text)?;
    }
    let file = format!("/etc/{name}/{settings}");
    let page = settings_page::page(settings, &file, name, &read(&format!("packaging/{settings}"))?);
    put(&format!("man/man5/{settings}.5"), &page)?;

    let components = components(name, target)?;
    let doc = |file: &str| format!("doc/{name}/{file}");
    put(&doc("copyright"), &notices::for_debian(name, news::year(commit_s)?, &read("LICENSE")?, &components))?;
    put(&doc("NOTICES"), &notices::for_others(name, &components))?;
    put(&doc(&format!("{name}.cdx.json")), &bill::bill(&components, commit_s)?)?;
    put(&doc("changelog"), &read("CHANGELOG.md")?)?;
    put(&doc("README.md"), &read(&format!("{}/README.md", name.trim_start_matches("varde-")))?)?;
    let version = &components.program.version;
    put(&format!("{name}.changelog"), &news::for_debian(name, version, maintainer, commit_s)?)
}
