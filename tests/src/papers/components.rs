//! What cargo builds into a program: every crate with its version, licence, where it came from and what it needs in its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::programs::{said, workspace};

/// A crate's name and version, which name it within a program.
pub type Id = (String, String);

/// One crate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Component {
    /// As the registry names it.
    pub name: String,
    /// As the registry names it.
    pub version: String,
    /// SPDX expression.
    pub licence: String,
    /// Who wrote it, as they name themselves; newer crates do not say.
    pub authors: Vec<String>,
    /// Where its source is developed.
    pub repository: Option<String>,
    /// SHA-256 of the packed source, hexadecimal; none for our own.
    pub sha256: Option<String>,
    /// Its source on this machine.
    pub folder: PathBuf,
    /// What it needs.
    pub needs: BTreeSet<Id>,
}

/// A program with all that is built into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components {
    /// Itself.
    pub program: Component,
    /// The others, by name and version.
    pub others: BTreeMap<Id, Component>,
}

/// What is built into a program for a target.
///
/// # Errors
/// When cargo cannot say.
pub fn components(program: &str, target: &str) -> Result<Components> {
    // The tree of this one program, by the features it asks for itself; the metadata are of the workspace, and know the rest.
    let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "depth", "--format", "\t{p}"];
    let tree = cargo(&[&tree[..], &["--target", target, "--package", program]].concat())?;
    let metadata = cargo(&["metadata", "--locked", "--format-version", "1", "--filter-platform", target])?;
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).context("Cargo.lock")?;
    put_together(&tree, &serde_json::from_str(&metadata)?, &lock)
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Ok(said(Command::new(cargo).args(arguments).current_dir(workspace()))?.ok()?.out)
}

fn put_together(tree: &str, metadata: &Value, lock: &str) -> Result<Components> {
    let mut needs = read_tree(tree)?;
    let first = tree.lines().next().and_then(|line| line.split_once('\t')).context("cargo names no program")?;
    let program = id(first.1)?;
    let sums = read_sums(lock)?;
    let mut all = BTreeMap::new();
    for package in metadata["packages"].as_array().context("cargo names no packages")? {
        let text = |key: &str| package[key].as_str().map(str::to_owned);
        let id = (text("name").context("no name")?, text("version").context("no version")?);
        let Some(needs) = needs.remove(&id) else { continue };
        let manifest = PathBuf::from(text("manifest_path").context("no manifest")?);
        let authors = package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let component = Component {
            name: id.0.clone(),
            version: id.1.clone(),
            // The old way of writing "either".
            licence: text("license").with_context(|| format!("{} names no licence", id.0))?.replace('/', " OR "),
            authors: authors.map(str::to_owned).collect(),
            repository: text("repository"),
            sha256: sums.get(&id).cloned(),
            folder: manifest.parent().unwrap_or(Path::new("")).to_owned(),
            needs,
        };
        all.insert(id, component);
    }
    ensure!(needs.is_empty(), "cargo builds in what it says nothing of: {:?}", needs.keys());
    let program = all.remove(&program).context("the program is none of its packages")?;
    Ok(Components { program, others: all })
}

/// `DEPTH<TAB>NAME vVERSION …`, each line below the nearest before it with a depth less by one. What is below a crate is written
/// out once.
fn read_tree(tree: &str) -> Result<BTreeMap<Id, BTreeSet<Id>>> {
    let mut above: Vec<Id> = Vec::new();
    let mut needs: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, package) = line.split_once('\t').with_context(|| format!("no depth in: {line}"))?;
        let (depth, id): (usize, Id) = (depth.parse().with_context(|| line.to_owned())?, id(package)?);
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(id.clone());
        }
        needs.entry(id.clone()).or_default();
        above.push(id);
    }
    Ok(needs)
}

fn id(package: &str) -> Result<Id> {
    let mut words = package.split_whitespace();
    let name = words.next().context("no name")?;
    let version = words.next().and_then(|word| word.strip_prefix('v'));
    Ok((name.to_owned(), version.with_context(|| format!("no version in: {package}"))?.to_owned()))
}

fn read_sums(lock: &str) -> Result<BTreeMap<Id, String>> {
    let lock: toml::Table = toml::from_str(lock).context("Cargo.lock")?;
    let packages = lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock names no package")?;
    let sum = |package: &toml::Value| {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        Some(((text("name")?, text("version")?), text("checksum")?))
    };
    Ok(packages.iter().filter_map(sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_with_what_is_written_out_once() {
        let tree = "0\ta v1.0.0 (/x)\n1\tb v2.0.0\n2\tc v3.0.0 (proc-macro)\n1\tc v3.0.0 (proc-macro) (*)\n";
        let needs = read_tree(tree).unwrap();
        let [a, b, c] = [("a", "1.0.0"), ("b", "2.0.0"), ("c", "3.0.0")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(needs[&a], BTreeSet::from([b.clone(), c.clone()]));
        assert_eq!(needs[&b], BTreeSet::from([c.clone()]));
        assert!(needs[&c].is_empty());
        assert!(read_tree("a v1").is_err() && read_tree("0\ta").is_err());
    }

    #[test]
    fn the_agent_has_what_it_is_made_of_and_nothing_of_the_collectors() {
        let agent = components("varde-agent", "x86_64-unknown-linux-gnu").unwrap();
        let named = |name: &str| agent.others.keys().any(|(own, _)| own == name);
        assert!(named("quinn") && named("varde-common") && named("aws-lc-sys"), "{:?}", agent.others.keys());
        assert!(!named("axum") && !named("sqlx") && !named("clap_mangen"));
        for component in agent.others.values() {
            assert!(!component.licence.is_empty() && component.folder.is_dir(), "{component:?}");
            assert_eq!(component.sha256.is_none(), component.name.starts_with("varde-"), "{component:?}");
        }
    }
}
