//! Promise S1, replayed: every input that the fuzz targets have learned from, and every hostile case, goes through the
//! decoders without harm.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use varde_agent::hello::quic;
use varde_common::codec;
use varde_common::id::IndicatorId;
use varde_common::indicator::Indicator;
use varde_common::list::Manifest;
use varde_common::matcher::{IndicatorSet, Overlay};
use varde_common::message::{ToAgent, ToCollector};
use varde_common::record::Record;
use varde_common::token::Token;
use varde_common::trust::Root;
use varde_tests::fuzz_targets::{TARGETS, root};
use varde_tests::hostile::corpus;
use varde_tests::programs::workspace;
use varde_tests::seeds::{self, framed};

/// All seeds together: small enough to be part of every checkout.
const CORPUS_MAX_OCTETS: u64 = 1_500_000;

fn folder() -> PathBuf {
    workspace().join("tests/fuzz/corpus")
}

fn seeds(target: &str) -> Result<Vec<PathBuf>> {
    let folder = folder().join(target);
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    Ok(paths)
}

#[test]
fn s1_every_seed_goes_through_its_target() -> Result<()> {
    let mut octets = 0;
    for (name, target) in TARGETS {
        let seeds = seeds(name)?;
        ensure!(!seeds.is_empty(), "no seeds for {name}");
        for path in seeds {
            let seed = fs::read(&path)?;
            octets += seed.len() as u64;
            println!("{}", path.display());
            target(&seed);
            if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(seeds::PREFIX)) {
                continue;
            }
            // A valid one, cut anywhere near its ends, must do no harm either.
            for cut in 1..seed.len().min(24) {
                target(&seed[..seed.len() - cut]);
                target(&seed[cut..]);
            }
        }
    }
    ensure!(octets < CORPUS_MAX_OCTETS, "{octets} octets of seeds");
    Ok(())
}

#[test]
fn s1_every_target_is_built_and_has_its_corpus() -> Result<()> {
    let fuzz = workspace().join("tests/fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml"))?;
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let built = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/")?.strip_suffix(".rs\""));
    assert_eq!(built.filter(|name| *name != "lib").map(str::to_owned).collect::<BTreeSet<_>>(), known);
    let names = fs::read_dir(folder())?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    assert_eq!(names.collect::<Result<BTreeSet<_>>>()?, known);
    Ok(())
}

#[test]
fn s3_every_hostile_case_goes_through_every_target() {
    for case in corpus(3) {
        let joined = framed(&case.frames);
        let first = case.frames.first().cloned().unwrap_or_default();
        let payload = first.get(42..).unwrap_or_default();
        for (name, target) in TARGETS {
            match name {
                "sensor" => target(&joined),
                "frame" => target(&[&[0, 0][..], &first].concat()),
                "capture_file" | "list" => {}
                _ => target(payload),
            }
        }
    }
}

#[test]
fn s1_the_first_seeds_lie_there_as_they_are_made_and_what_should_be_valid_is() -> Result<()> {
    for input in seeds::all()? {
        let path = folder().join(input.target).join(&input.name);
        let lies = fs::read(&path).with_context(|| path.display().to_string())?;
        ensure!(lies == input.octets, "{} is not as it is made: tests/fuzz/run seeds", path.display());
        let (what, octets) = (input.name.trim_start_matches(seeds::PREFIX), input.octets.as_slice());
        let kind_and_body = octets.split_first_chunk().map(|(kind, body)| (u16::from_be_bytes(*kind), body));
        let is_valid = match (input.target, what.split('-').next().unwrap_or_default()) {
            ("message", "up") => kind_and_body.is_some_and(|(kind, body)| ToCollector::from_body(kind, body).is_ok()),
            ("message", "down") => kind_and_body.is_some_and(|(kind, body)| ToAgent::from_body(kind, body).is_ok()),
            ("record", "segment" | "note" | "name") => true,
            ("record", _) => Record::from_octets(octets).is_ok(),
            ("token", "octets") => codec::decode::<Token>(octets).is_ok(),
            ("token", "text") => std::str::from_utf8(octets).is_ok_and(|text| Token::from_text(text).is_ok()),
            ("list", "base") => IndicatorSet::open(std::sync::Arc::new(octets.to_vec())).is_ok(),
            ("list", "changes") => Overlay::from_octets(octets).is_ok(),
            ("list", "overlay") => codec::decode::<(Vec<Indicator>, Vec<IndicatorId>)>(octets).is_ok(),
            ("list", "manifest") if what.ends_with("signed") => Manifest::verify(octets, root()).is_ok(),
            ("list", "root") if what.ends_with("signed") => Root::read_own(octets).is_ok(),
            ("quic", _) => matches!(quic::next_packet(octets), Some((quic::Packet::Initial(_), _))),
            _ => true,
        };
        ensure!(is_valid, "{} is not valid", path.display());
    }
    Ok(())
}

#[test]
#[ignore = "writes the first seeds anew: tests/fuzz/run seeds"]
fn write_seeds() -> Result<()> {
    for (target, _) in TARGETS {
        let folder = folder().join(target);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(seeds::PREFIX)) {
                fs::remove_file(path)?;
            }
        }
    }
    for input in seeds::all()? {
        fs::write(folder().join(input.target).join(&input.name), &input.octets)?;
    }
    Ok(())
}
