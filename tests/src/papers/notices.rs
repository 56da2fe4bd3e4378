//! Who wrote what is in a package, and on which terms: each crate, and each text that came with it once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::components::{Component, Components};

/// Files with terms lie no deeper in a crate's source than this: `aws-lc/third_party/NAME/LICENSE`.
const DEPTH_MAX: usize = 4;

/// Debian's `copyright`: Varde's own terms, those of its parts, and every text but those that every Debian has.
pub fn for_debian(name: &str, year: i16, own: &str, components: &Components) -> String {
    let mut text = format!(
        "{name} is part of Varde, a sensor network for municipalities and their response team.\n\nCopyright © {year} the authors of Varde\nLicence: EUPL-1.2\n\n{own}\n"
    );
    write_components(&mut text, components, |terms| !is_common(terms));
    text.push_str(
        "\nThe Apache License, Version 2.0, under which some of them may be used, is in /usr/share/common-licenses/Apache-2.0 on\nDebian systems, the Mozilla Public License, Version 2.0, in /usr/share/common-licenses/MPL-2.0.\n",
    );
    text
}

/// The same for systems that have no texts of their own: every text in full, ours apart, which lies beside it.
pub fn for_others(name: &str, components: &Components) -> String {
    let mut text = format!("What {name} is made of, and on which terms.\n");
    write_components(&mut text, components, |_| true);
    text
}

/// Texts that Debian has once for all (base-files).
fn is_common(terms: &str) -> bool {
    let begin: String = terms.split_whitespace().take(12).collect::<Vec<_>>().join(" ");
    (begin.starts_with("Apache License Version 2.0") && terms.contains("TERMS AND CONDITIONS"))
        || begin.starts_with("Mozilla Public License Version 2.0")
}

fn write_components(text: &mut String, components: &Components, wanted: impl Fn(&str) -> bool) {
    text.push_str("\nIt is built together with the following, each under its own licence:\n\n");
    // Texts by what they say, however it is broken into lines; each with all who came with it.
    let mut terms: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for component in components.others.values().filter(|component| component.sha256.is_some()) {
        let Component { name, version, licence, authors, .. } = component;
        let by = if authors.is_empty() { String::new() } else { format!(", by {}", authors.join(", ")) };
        let _ = writeln!(text, "  {name} {version}: {licence}{by}");
        for found in terms_of(&component.folder) {
            let said = found.split_whitespace().collect::<Vec<_>>().join(" ");
            terms.entry(said).or_insert_with(|| (found, BTreeSet::new())).1.insert(format!("{name} {version}"));
        }
    }
    // In the order of who comes first, which moves less from one version to the next than the order of the texts.
    let mut terms: Vec<(String, BTreeSet<String>)> = terms.into_values().filter(|(found, _)| wanted(found)).collect();
    terms.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    for (found, of) in terms {
        let of: Vec<String> = of.into_iter().collect();
        let _ = write!(text, "\n{}\nCame with {}:\n\n{}\n", "-".repeat(78), of.join(", "), found.trim());
    }
}

/// Every text of terms in a crate's source.
fn terms_of(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    find(folder, 0, &mut files);
    files.sort();
    let texts = files.iter().filter_map(|file| fs::read(file).ok());
    let texts =
        texts.map(|octets| String::from_utf8_lossy(&octets).replace("\r\n", "\n").replace(['\u{c}', '\u{feff}'], ""));
    texts.filter(|text| !text.trim().is_empty()).collect()
}

fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
        if path.is_dir() {
            // What a crate is tried with is not built in.
            if depth < DEPTH_MAX && !["TESTS", "TEST", "TARGET", "FUZZ", "BENCHES", "EXAMPLES"].contains(&name.as_str())
            {
                find(&path, depth + 1, found);
            }
        } else if ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"]
            .iter()
            .any(|begin| name.starts_with(begin))
            && ![".RS", ".HTML", ".PY", ".GO", ".SPDX"].iter().any(|end| name.ends_with(end))
        {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_stands_once_with_all_who_came_with_it_and_debians_own_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let component = |name: &str, terms: &[(&str, &str)]| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            for (file, text) in terms {
                fs::write(folder.join(file), text).unwrap();
            }
            let name = name.to_owned();
            Component {
                name,
                version: "1".into(),
                licence: "MIT".into(),
                sha256: Some("0".into()),
                folder,
                ..Component::default()
            }
        };
        let apache = "Apache License\nVersion 2.0, January 2004\nTERMS AND CONDITIONS FOR USE";
        let one = component("one", &[("LICENSE-MIT", "Permission\nis granted"), ("LICENSE-APACHE", apache)]);
        let two = component("two", &[("license.txt", "Permission is granted\n"), ("license.rs", "fn no() {}")]);
        let others = [one, two].map(|one| ((one.name.clone(), one.version.clone()), one)).into();
        let components = Components { program: Component::default(), others };
        let text = for_debian("x", 2026, "OWN TERMS", &components);
        assert!(text.contains("Came with one 1, two 1:\n\nPermission\nis granted\n"), "{text}");
        assert!(text.contains("OWN TERMS") && !text.contains("January 2004") && !text.contains("fn no"), "{text}");
        assert!(for_others("x", &components).contains("January 2004"));
    }
}
