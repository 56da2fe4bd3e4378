//! Promises about the tree itself: the map equals it, nothing points where it must not, every exception has a reason.
//!
//! # The form of the map
//! In `ARCHITECTURE.md` a heading whose text begins with a folder's name in backticks (`## `agent` …`) opens that
//! folder's part of the map; any other heading of the same or a higher level ends it. Within it, every table row that
//! begins with ``| ` `` names in its first cell one or more paths in backticks. For `agent`, `collector` and `common` they
//! are relative to the crate's `src/`, for `tests` to `tests/`. A path that ends with `/` is a folder (its `mod.rs` goes
//! with it). Every `.rs` file and every folder that holds one must be named, `lib.rs`, `main.rs` and `mod.rs` apart; every
//! named path must exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_tests::programs::{said, workspace};

/// A crate's folder, and where the paths of its map begin.
const CRATES: [(&str, &str); 4] =
    [("agent", "agent/src"), ("collector", "collector/src"), ("common", "common/src"), ("tests", "tests")];
const LINES_MAX: usize = 500;

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Every source file of the four crates, relative to the workspace, with its text.
fn sources() -> Result<Vec<(String, String)>> {
    let root = workspace();
    let mut sources = Vec::new();
    for (folder, _) in CRATES {
        for path in files(&root.join(folder), "rs")? {
            let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            sources.push((name, fs::read_to_string(&path)?));
        }
    }
    ensure!(sources.len() > 30, "the sources were not found");
    Ok(sources)
}

/// What stands before the tests at the foot of a file.
fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\n").next().unwrap_or(text)
}

/// What the map names, by crate.
fn map(text: &str) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut map: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut part: Option<(&'static str, usize)> = None;
    for line in text.lines() {
        let level = line.bytes().take_while(|&byte| byte == b'#').count();
        if level > 0 {
            let heading = line.trim_start_matches('#').trim();
            let named = CRATES.iter().find(|(folder, _)| heading.starts_with(&format!("`{folder}`")));
            match (named, part) {
                (Some((folder, _)), _) => part = Some((folder, level)),
                (None, Some((_, opened))) if level <= opened => part = None,
                (None, _) => {}
            }
        }
        if let (Some((folder, _)), Some(cell)) = (part, line.strip_prefix("| `")) {
            let cell = cell.split('|').next().unwrap_or_default();
            let paths = cell.split('`').step_by(2).map(str::trim).filter(|path| !path.is_empty());
            map.entry(folder).or_default().extend(paths.map(str::to_owned));
        }
    }
    map
}

#[test]
fn the_map_is_read_as_its_form_says() {
    let text = "## `agent` — small\n| file | job |\n| `a.rs`, `io/` | both |\n### more\n| `io/b.rs` | b |\n## Words\n| `x` | y |\n";
    let expected = BTreeSet::from(["a.rs", "io/", "io/b.rs"].map(str::to_owned));
    assert_eq!(map(text), BTreeMap::from([("agent", expected)]));
}

#[test]
fn the_map_in_architecture_md_equals_the_tree() -> Result<()> {
    let root = workspace();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let map = map(&text);
    let mut wrong = Vec::new();
    for (folder, base) in CRATES {
        let base = root.join(base);
        let named = map.get(folder).with_context(|| format!("the map has no part `{folder}`"))?;
        for path in named.iter().filter(|path| !base.join(path.as_str()).exists()) {
            wrong.push(format!("{folder}: named but not there: {path}"));
        }
        let mut there = BTreeSet::new();
        for file in files(&base, "rs")? {
            let path = file.strip_prefix(&base)?;
            let name = path.to_string_lossy().into_owned();
            if !["lib.rs", "main.rs", "mod.rs"].iter().any(|own| path.ends_with(own)) {
                there.insert(name);
            }
            let folders = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
            there.extend(folders.map(|parent| format!("{}/", parent.display())));
        }
        wrong.extend(there.difference(named).map(|path| format!("{folder}: there but not named: {path}")));
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md and the tree differ:\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn stages_touch_no_world() -> Result<()> {
    let rooms: [(&str, &[&str]); 2] = [
        ("agent/src/", &["agent/src/io/", "agent/src/command/", "agent/src/main.rs"]),
        (
            "collector/src/",
            &["collector/src/io/", "collector/src/command/", "collector/src/store/", "collector/src/main.rs"],
        ),
    ];
    let forbidden =
        ["crate::io", "super::io", "varde_agent::io", "varde_collector::io", "std::fs", "std::thread", "UdpSocket"];
    let mut wrong = Vec::new();
    for (name, text) in sources()? {
        let stage =
            rooms.iter().any(|(src, open)| name.starts_with(src) && !open.iter().any(|room| name.starts_with(room)));
        let common = name.starts_with("common/src/");
        if !stage && !common {
            continue;
        }
        for (index, line) in before_tests(&text).lines().enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") && forbidden.iter().any(|word| code.contains(word)) {
                wrong.push(format!("{name}:{}: {code}", index + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "outside io/ the world is touched:\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn only_the_codec_names_its_crate() -> Result<()> {
    let word = ["bin", "code"].concat();
    let mut wrong = Vec::new();
    for (name, text) in sources()? {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let uses =
            code.filter(|line| line.contains(&format!("{word}::")) || line.contains(&format!("use {word}"))).count();
        if uses > 0 && name != "common/src/codec.rs" {
            wrong.push(name);
        }
    }
    for (folder, _) in CRATES.iter().filter(|(folder, _)| *folder != "common") {
        let manifest = fs::read_to_string(workspace().join(folder).join("Cargo.toml"))?;
        if manifest.contains(&word) {
            wrong.push(format!("{folder}/Cargo.toml"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

#[test]
fn files_stay_short_and_open_with_what_they_are_for() -> Result<()> {
    let mut wrong = Vec::new();
    for (name, text) in sources()? {
        let lines = before_tests(&text).lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{name}: {lines} lines before its tests"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{name}: does not open with a sentence"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

/// A file that nobody names as a module is not compiled, and its tests never run.
#[test]
fn every_file_below_a_module_is_one() -> Result<()> {
    let sources: BTreeMap<String, String> = sources()?.into_iter().collect();
    let mut wrong = Vec::new();
    for name in sources.keys() {
        let Some((folder, file)) = name.rsplit_once('/') else { continue };
        let module = file.trim_end_matches(".rs");
        if ["mod", "lib", "main"].contains(&module) {
            continue;
        }
        let above = ["/mod.rs", ".rs", "/lib.rs", "/main.rs"].map(|end| format!("{folder}{end}"));
        let mut above = above.iter().filter_map(|above| sources.get(above)).peekable();
        // Where there is none, cargo finds the file by itself; the search's targets stand in its own manifest.
        if folder != "tests/fuzz/targets"
            && above.peek().is_some()
            && !above
                .any(|text| text.contains(&format!("mod {module};")) || text.contains(&format!("path = \"{file}\"")))
        {
            wrong.push(name.clone());
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

#[test]
fn every_lint_exception_has_a_reason_and_every_crate_the_lints() -> Result<()> {
    let mut wrong = Vec::new();
    for (name, text) in sources()? {
        for attribute in ["allow", "expect"] {
            for opening in [format!("#[{attribute}("), format!("#![{attribute}(")] {
                let reasonless = text.split(opening.as_str()).skip(1).filter(|rest| {
                    let attribute = rest.split(")]").next().unwrap_or_default();
                    !attribute.contains("reason =")
                });
                wrong.extend(reasonless.map(|_| format!("{name}: {opening} without reason")));
            }
        }
    }
    // This file speaks of them.
    wrong.retain(|line| !line.starts_with("tests/tests/tidy.rs"));
    for (folder, _) in CRATES {
        let manifest = fs::read_to_string(workspace().join(folder).join("Cargo.toml"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{folder}/Cargo.toml: no [lints] workspace = true"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

fn cargo(arguments: &[&str]) -> Result<varde_tests::programs::Said> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    said(Command::new(cargo).args(arguments).current_dir(workspace()))
}

#[test]
fn ring_is_not_in_the_linux_graph() -> Result<()> {
    let tree = cargo(&["tree", "--locked", "-i", "ring", "--target", "x86_64-unknown-linux-gnu"])?;
    assert_eq!(tree.out, "", "one provider of cryptography per graph");
    Ok(())
}

fn metadata() -> Result<&'static Value> {
    static METADATA: OnceLock<Value> = OnceLock::new();
    if let Some(metadata) = METADATA.get() {
        return Ok(metadata);
    }
    let platform = "x86_64-unknown-linux-gnu";
    let said = cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", platform])?.ok()?;
    Ok(METADATA.get_or_init(|| serde_json::from_str(&said.out).unwrap_or_default()))
}

fn packages() -> Result<&'static [Value]> {
    Ok(metadata()?["packages"].as_array().context("no packages")?)
}

/// Licences that may stand beside EUPL-1.2.
const LICENCES: [&str; 15] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "MPL-2.0",
    "CDLA-Permissive-2.0",
    "CC0-1.0",
    "0BSD",
    "BSL-1.0",
    "OpenSSL",
    "Unlicense",
];

/// Whether an SPDX expression leaves a way through the list above: one of `OR`, all of `AND`.
fn is_free(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest) && rest.is_empty()
}

fn any_of(words: &mut &[&str]) -> bool {
    let mut free = all_of(words);
    while let Some(("OR", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        free |= all_of(words);
    }
    free
}

fn all_of(words: &mut &[&str]) -> bool {
    let mut free = one(words);
    while let Some(("AND", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        free &= one(words);
    }
    free
}

fn one(words: &mut &[&str]) -> bool {
    let Some((word, rest)) = words.split_first().map(|(word, rest)| (*word, rest)) else { return false };
    *words = rest;
    if word == "(" {
        let free = any_of(words);
        *words = words.split_first().map_or(*words, |(_, rest)| rest);
        return free;
    }
    if let Some(("WITH", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        // An exception only ever permits more.
        *words = rest.split_first().map_or(rest, |(_, rest)| rest);
    }
    LICENCES.contains(&word)
}

#[test]
fn licence_expressions_are_read() {
    for (expression, free) in [
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("GPL-3.0 AND MIT", false),
        ("ISC AND (Apache-2.0 OR ISC)", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("AGPL-3.0-only", false),
        ("", false),
    ] {
        assert_eq!(is_free(expression), free, "{expression}");
    }
}

#[test]
fn every_dependency_may_be_used_under_our_licence() -> Result<()> {
    let reachable: BTreeSet<&str> = metadata()?["resolve"]["nodes"]
        .as_array()
        .context("no graph")?
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let mut wrong = Vec::new();
    for package in packages()?.iter().filter(|package| package["source"].is_string()) {
        if package["id"].as_str().is_some_and(|id| reachable.contains(id)) {
            let licence = package["license"].as_str().unwrap_or_default();
            if !is_free(licence) {
                wrong.push(format!("{} {}: \"{licence}\"", package["name"], package["version"]));
            }
        }
    }
    assert!(wrong.is_empty(), "not on the list of licences:\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn agent_and_collector_know_nothing_of_each_other_and_common_of_neither() -> Result<()> {
    let depends = |from: &str| -> Result<BTreeSet<&str>> {
        let package = packages()?.iter().find(|package| package["name"] == from).context("no such package")?;
        let all = package["dependencies"].as_array().context("no dependencies")?;
        Ok(all.iter().filter_map(|one| one["name"].as_str()).filter(|name| name.starts_with("varde-")).collect())
    };
    assert_eq!(depends("varde-agent")?, BTreeSet::from(["varde-common"]));
    assert_eq!(depends("varde-collector")?, BTreeSet::from(["varde-common"]));
    assert_eq!(depends("varde-common")?, BTreeSet::new());
    Ok(())
}

#[test]
fn nothing_in_the_tree_names_a_machines_paths() -> Result<()> {
    let listed = said(Command::new("git").args(["ls-files"]).current_dir(workspace()))?.ok()?.out;
    let machine = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["/ho", "me/"].concat()];
    let mut wrong = Vec::new();
    for name in listed.lines() {
        let Ok(text) = fs::read_to_string(workspace().join(name)) else { continue };
        if machine.iter().any(|path| text.contains(path)) {
            wrong.push(name.to_owned());
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

/// Words in backticks: the paths and the names of tests that a paper gives as its proof. A name that ends with `*` stands
/// for all that begin so.
fn named_proofs(text: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let words = || text.split('`').skip(1).step_by(2);
    let plain = |word: &&str| word.chars().all(|letter| letter.is_ascii_alphanumeric() || "_*".contains(letter));
    let begins = ["agent/", "collector/", "common/", "packaging/", "tests/"];
    let path = |word: &&str| begins.iter().any(|begin| word.starts_with(begin));
    let test =
        |word: &&str| plain(word) && word.contains('_') && (word.ends_with("_*") || word.matches('_').count() > 3);
    (words().filter(path).collect(), words().filter(test).collect())
}

#[test]
fn proofs_are_found_in_a_paper() {
    let (paths, tests) =
        named_proofs("a `d1_d2_*` in `tests/tests/kill.rs`, `CAP_NET_RAW`, `a_b_c_d_e` and `10.0.0.0/8`");
    assert_eq!(paths, BTreeSet::from(["tests/tests/kill.rs"]));
    assert_eq!(tests, BTreeSet::from(["a_b_c_d_e", "d1_d2_*"]));
}

#[test]
fn what_the_promises_name_is_there() -> Result<()> {
    let sources = sources()?;
    let there = |name: &str| match name.strip_suffix('*') {
        Some(begin) => sources.iter().any(|(_, text)| text.contains(&format!("fn {begin}"))),
        None => sources.iter().any(|(_, text)| text.contains(&format!("fn {name}("))),
    };
    let mut wrong = Vec::new();
    for paper in ["SECURITY.md", "PERSONVERN.md"] {
        let text = fs::read_to_string(workspace().join(paper)).context(paper)?;
        let (paths, tests) = named_proofs(&text);
        ensure!(!paths.is_empty() && !tests.is_empty(), "{paper} names no proof");
        wrong.extend(
            paths.iter().filter(|path| !workspace().join(path).exists()).map(|path| format!("{paper}: {path}")),
        );
        wrong.extend(tests.iter().filter(|name| !there(name)).map(|name| format!("{paper}: {name}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

/// Whoever is not root may not ask an agent that root runs: the guide's first commands go together.
#[test]
fn the_guides_first_commands_are_given_by_one_user() -> Result<()> {
    let guide = fs::read_to_string(workspace().join("agent/README.md"))?;
    let block =
        guide.split("## I gang").nth(1).and_then(|rest| rest.split("```").nth(1)).context("no first commands")?;
    let commands: Vec<&str> = block.lines().filter(|line| line.contains("varde-agent ")).collect();
    ensure!(commands.len() >= 3, "{block}");
    let (by_root, by_others): (Vec<&str>, Vec<&str>) = commands.iter().partition(|line| line.starts_with("sudo "));
    ensure!(by_root.is_empty() || by_others.is_empty(), "by root: {by_root:?}, not by root: {by_others:?}");
    Ok(())
}
