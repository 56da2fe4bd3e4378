//! Promise: what the makers of STIX and MISP refuse is refused here, and what their own programs write is read as they mean it.
//! The oracles are stix2-patterns (the grammar of OASIS), stix2, stix2-validator and PyMISP.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_collector::intel::format::{Format, Item, Options, Place, read};
use varde_tests::community::Collector;
use varde_tests::programs::{Said, said};
use varde_tests::python::script;
use varde_tests::random::Random;

/// Patterns held against the grammar; `VARDE_PATTERNS` asks for more.
const PATTERNS: usize = 600;

fn oracle(what: &str, path: &Path) -> Result<Said> {
    said(script(include_str!("../oracles.py"))?.arg(what).arg(path))?.ok()
}

fn entries(format: Format, text: &[u8]) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    read(format, &Options::default(), &mut Cursor::new(text), &mut |item| {
        items.push(item);
        ControlFlow::Continue(())
    })?;
    Ok(items)
}

/// What a file comes to: each indicator with its markings and threat, and what else was told, by its kind.
fn told(format: Format, text: &[u8]) -> Result<BTreeSet<String>> {
    let items = entries(format, text)?;
    Ok(items
        .into_iter()
        .map(|item| match item {
            Item::Found(_, found) => {
                let about = &found.about;
                let words = [
                    Some(found.pattern.to_plain()),
                    about.threat.clone(),
                    about.confidence.map(|sure| format!("sure {sure}")),
                    about.severity.map(|severity| severity.as_str().to_owned()),
                    about.tlp.map(|tlp| tlp.to_string()),
                    about.pap.map(|pap| pap.to_string()),
                ];
                words.into_iter().flatten().collect::<Vec<_>>().join(" · ")
            }
            Item::Harmless(_, found) => format!("harmless {}", found.pattern.to_plain()),
            Item::Withdrawn(_) => "withdrawn".to_owned(),
            Item::Silent(_) => "silent".to_owned(),
            Item::Clue(clue) => format!("clue {} {}", clue.kind, clue.value),
            Item::PassedOver | Item::PassedBy(..) => "passed over".to_owned(),
            Item::LeftOut(left_out) => format!("left out {left_out}"),
        })
        .collect())
}

/// Patterns as the grammar has them, and such as somebody bent: half of each.
struct Patterns(Random);

impl Patterns {
    fn one_of(&mut self, several: &[&str]) -> String {
        self.0.one_of(several).copied().unwrap_or_default().to_owned()
    }

    fn path(&mut self) -> String {
        self.one_of(&[
            "domain-name:value",
            "ipv4-addr:value",
            "ipv6-addr:value",
            "url:value",
            "network-traffic:dst_ref.value",
            "network-traffic:dst_ref.type",
            "network-traffic:dst_port",
            "network-traffic:src_ref.value",
            "network-traffic:protocols[*]",
            "domain-name:resolves_to_refs[*].value",
            "file:name",
            "file:extensions.'windows-pebinary-ext'.sections[0].entropy",
            "email-message:from_ref.value",
            "x-own_thing:'odd key'",
            "process : pid",
        ])
    }

    fn literal(&mut self) -> String {
        self.one_of(&[
            "'a.example'",
            "'192.0.2.1'",
            "'192.0.2.0/24'",
            "'2001:db8::1'",
            "'https://a.example/x'",
            "'443'",
            "443",
            "+7",
            "-7",
            "-0.5",
            ".5",
            "true",
            "h'0aff'",
            "b'YQ=='",
            "t'2026-01-31T12:00:00.5Z'",
            r"'it\'s \\'",
            "''",
            "'æøå'",
        ])
    }

    fn text(&mut self) -> String {
        self.one_of(&["'%.a.example'", "'192.0.2.0/24'", "'^a+$'", "'x'"])
    }

    fn comparison(&mut self, depth: u64) -> String {
        if depth > 0 && self.0.percent(15) {
            return format!("({})", self.expression(depth - 1));
        }
        let path = self.path();
        let not = if self.0.percent(8) { " NOT" } else { "" };
        match self.0.below(12) {
            0 => {
                let not = not.trim_start();
                format!("{not} EXISTS {path}")
            }
            1 => {
                let values: Vec<String> = (0..self.0.below(4)).map(|_| self.literal()).collect();
                format!("{path}{not} IN ({})", values.join(", "))
            }
            2 => format!("{path}{not} {} {}", self.one_of(&["LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"]), self.text()),
            3 => format!("{path}{not} {} {}", self.one_of(&["<", ">", "<=", ">="]), self.text()),
            4 => format!("{path}{not}{}{}", self.one_of(&["!=", "<>", "=="]), self.literal()),
            _ => format!("{path}{not} = {}", self.literal()),
        }
    }

    fn expression(&mut self, depth: u64) -> String {
        let mut expression = self.comparison(depth);
        while self.0.percent(35) {
            let joint = self.one_of(&[" AND ", " OR ", "\n OR ", " /* x */ AND "]);
            expression.push_str(&joint);
            expression.push_str(&self.comparison(depth));
        }
        expression
    }

    fn observation(&mut self, depth: u64) -> String {
        let mut observation = match depth > 0 && self.0.percent(15) {
            true => format!("({})", self.observations(depth - 1)),
            false => format!("[{}]", self.expression(2)),
        };
        if self.0.percent(12) {
            let qualifier = self.one_of(&[
                " WITHIN 5 SECONDS",
                " WITHIN 0.5 SECONDS",
                " REPEATS 3 TIMES",
                " START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'",
            ]);
            observation.push_str(&qualifier);
        }
        observation
    }

    fn observations(&mut self, depth: u64) -> String {
        let mut observations = self.observation(depth);
        while self.0.percent(25) {
            let joint = self.one_of(&[" OR ", " AND ", " FOLLOWEDBY "]);
            observations.push_str(&joint);
            observations.push_str(&self.observation(depth));
        }
        observations
    }

    /// A character or a word away, twice, or another in its place.
    fn bent(&mut self, pattern: &str) -> String {
        let words: Vec<&str> = pattern.split_inclusive([' ', '[', ']', '(', ')', '\'', ':', '.', ',']).collect();
        let at = usize::try_from(self.0.below(words.len() as u64)).unwrap_or(0);
        let other = self.one_of(&[
            "'", "[", "]", "(", ")", "AND ", "NOT ", "x", "-", ".", "\\", "5", "=", ":", ",", "OR ", "*", "in ", " ",
        ]);
        let mut bent = words.clone();
        match self.0.below(3) {
            0 => {
                bent.remove(at);
            }
            1 => bent.insert(at, &other),
            _ => {
                if let Some(word) = bent.get_mut(at) {
                    *word = &other;
                }
            }
        }
        bent.concat()
    }

    fn several(&mut self, count: usize) -> Vec<String> {
        (0..count)
            .map(|number| {
                let pattern = self.observations(2);
                if number % 2 == 0 { pattern } else { self.bent(&pattern) }
            })
            .collect()
    }
}

/// What became of each pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Became {
    Taken,
    Refused(String),
    SaidWhyNot(String),
}

fn became(patterns: &[String]) -> Result<BTreeMap<String, Became>> {
    let indicator = |number: usize, pattern: &String| json!({"type": "indicator", "id": format!("indicator--{number}"), "pattern": pattern, "pattern_type": "stix"});
    let objects: Vec<Value> = patterns.iter().enumerate().map(|(number, pattern)| indicator(number, pattern)).collect();
    let bundle = json!({"type": "bundle", "objects": objects}).to_string();
    let mut became = BTreeMap::new();
    for item in entries(Format::Stix, bundle.as_bytes())? {
        let (id, is) = match item {
            Item::Found(Place::Object(id), _) => (id, Became::Taken),
            Item::Clue(clue) if clue.kind.starts_with("pattern, not supported: ") => {
                (clue.object_id, Became::SaidWhyNot(clue.kind))
            }
            Item::Clue(clue) => (clue.object_id, Became::Taken),
            Item::LeftOut(left_out) => {
                let Place::Object(id) = left_out.place else { continue };
                match left_out.why.starts_with("is no STIX pattern") {
                    true => (id, Became::Refused(left_out.why)),
                    false => (id, Became::SaidWhyNot(left_out.why)),
                }
            }
            Item::Found(..) | Item::Harmless(..) | Item::Withdrawn(_) | Item::Silent(_) => continue,
            Item::PassedOver | Item::PassedBy(..) => continue,
        };
        became.entry(id).or_insert(is);
    }
    Ok(became)
}

#[test]
fn i2_what_the_grammar_of_oasis_refuses_is_refused_and_what_it_takes_is_taken_or_said_why_not() -> Result<()> {
    let count = std::env::var("VARDE_PATTERNS").ok().and_then(|count| count.parse().ok()).unwrap_or(PATTERNS);
    let seed = std::env::var("VARDE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(6);
    println!("{count} patterns, seed {seed}");
    let patterns = Patterns(Random::seeded(seed)).several(count);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("patterns.json");
    std::fs::write(&file, serde_json::to_string(&patterns)?)?;
    let verdicts: Vec<Option<bool>> = serde_json::from_str(&oracle("patterns", &file)?.out)?;
    ensure!(verdicts.len() == patterns.len(), "an answer for each");
    let became = became(&patterns)?;
    let mut wrong = Vec::new();
    let (mut taken, mut refused, mut said_why_not) = (0, 0, 0);
    for (number, (pattern, verdict)) in patterns.iter().zip(&verdicts).enumerate() {
        let is = became.get(&format!("indicator--{number}")).with_context(|| format!("passed over: {pattern}"))?;
        match (verdict, is) {
            (Some(true), Became::Taken) => taken += 1,
            (Some(true), Became::SaidWhyNot(_)) => said_why_not += 1,
            (Some(false), Became::Refused(_)) => refused += 1,
            (Some(verdict), is) => wrong.push(format!("{pattern}\n  OASIS takes it: {verdict}; here: {is:?}")),
            (None, _) => {}
        }
    }
    ensure!(wrong.is_empty(), "seed {seed}: {} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    println!("{taken} taken, {said_why_not} said why not, {refused} refused");
    ensure!(taken > count / 20 && said_why_not > count / 20 && refused > count / 10, "the patterns tell nothing");
    Ok(())
}

#[test]
fn i2_what_pymisp_writes_is_read_as_it_means_it_in_a_feed_and_by_itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let written = folder.path().join("misp");
    oracle("misp", &written)?;
    let first: BTreeSet<String> = [
        "a.example · Innlogging · high · TLP:AMBER · PAP:RED",
        "=b.example · Innlogging · high · TLP:RED · PAP:RED",
        "198.51.100.23 · Innlogging · high · TLP:AMBER · PAP:RED",
        "192.0.2.128/28 · Innlogging · high · TLP:AMBER · PAP:RED",
        "2001:db8:bad::23 · Innlogging · high · TLP:AMBER · PAP:RED",
        "198.51.100.24:8443 · Innlogging · high · TLP:AMBER · PAP:RED",
        "=c2.example.org:4443 · Innlogging · high · TLP:AMBER · PAP:RED",
        "d.example · Innlogging · high · TLP:AMBER · PAP:RED",
        "=u.example · Innlogging · sure 25 · high · TLP:AMBER · PAP:RED",
        "e.example · Innlogging · high · TLP:AMBER · PAP:RED",
        "o.example · Innlogging · high · TLP:AMBER · PAP:RED",
        "203.0.113.77 · Innlogging · high · TLP:AMBER · PAP:RED",
        "clue x509-fingerprint-sha1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "clue ip-src 192.0.2.201",
        "passed over",
        "silent",
        "withdrawn",
    ]
    .map(str::to_owned)
    .into();
    let second = BTreeSet::from(["x.example · APT29 · sure 70 · low · TLP:GREEN".to_owned()]);
    let feed = |uuid: &str| std::fs::read(written.join("feed").join(format!("{uuid}.json")));
    let one = std::fs::read(written.join("one.json"))?;
    ensure!(Format::detect(&one) == Format::Misp, "an event by itself is known as one");
    assert_eq!(told(Format::Misp, &feed("77cd910e-08e0-5a3d-b853-b46f67ffd8eb")?)?, first, "in a feed");
    assert_eq!(told(Format::Misp, &feed("e816de78-3be7-5659-9929-99bab0675a7f")?)?, second, "in a feed");
    assert_eq!(told(Format::Misp, &one)?, first, "by itself");
    let list = std::fs::read(written.join("list.json"))?;
    assert_eq!(told(Format::Misp, &list)?, first.union(&second).cloned().collect(), "in a list");
    // And through the program, which leaves out nothing of it.
    let collector = Collector::init(&folder.path().join("collector"))?;
    let file = written.join("list.json").to_string_lossy().into_owned();
    let done = collector.try_ask(["indicator", "import", &file, "--dry-run", "--json"])?.ok()?.json()?;
    let done = done.first().context("one answer")?;
    assert_eq!((&done["new"], &done["clues"], &done["left_out"]), (&json!(13), &json!(2), &json!(0)), "{done}");
    Ok(())
}

#[test]
fn i2_what_the_library_of_oasis_writes_and_its_validator_passes_is_read_as_it_means_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bundle.json");
    ensure!(oracle("stix", &file)?.out.trim() == "true", "stix2-validator refuses what stix2 wrote");
    let bundle = std::fs::read(&file)?;
    ensure!(Format::detect(&bundle) == Format::Stix, "it is known as a bundle");
    let want: BTreeSet<String> = [
        "a.example · Emotet · sure 85 · TLP:AMBER",
        "192.0.2.1:443 · Uke 44 · TLP:RED",
        "192.0.2.2:443 · Uke 44 · TLP:RED",
        "clue pattern, not supported: several observations joined by FOLLOWEDBY [url:value = 'https://u.example/x'] FOLLOWEDBY [file:name = 'x']",
        "silent",
        "withdrawn",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(told(Format::Stix, &bundle)?, want);
    Ok(())
}
