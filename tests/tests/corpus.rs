//! Promise S1, replayed: every input that the fuzz targets have learned from, and every hostile case, goes through the
//! decoders without harm.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use rustls::quic::Version;
use varde_tests::bulk::hello::{Manner, message, records};
use varde_tests::bulk::initial::{Spread, datagrams};
use varde_tests::capture::{Format, LinkType};
use varde_tests::fuzz_targets::TARGETS;
use varde_tests::hostile::corpus;
use varde_tests::programs::workspace;
use varde_tests::random::Random;
use varde_tests::traffic::Packet;

/// All seeds together: small enough to be part of every checkout.
const CORPUS_MAX_OCTETS: u64 = 1_000_000;

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
            // Cut anywhere near its ends, it must do no harm either.
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

/// As the target `sensor` reads frames.
fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
    let small = frames.iter().filter(|frame| frame.len() < 0x1000).take(60);
    small.flat_map(|frame| [&[8, 0x10 | (frame.len() >> 8) as u8, frame.len() as u8][..], frame].concat()).collect()
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
#[ignore = "writes the first seeds anew; run it when a target's form of input changes"]
fn write_seeds() -> Result<()> {
    let write = |target: &str, number: usize, octets: &[u8]| -> Result<()> {
        let folder = folder().join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(format!("seed-{number:03}")), octets)?)
    };
    for (number, case) in corpus(3).into_iter().step_by(29).enumerate() {
        let first = case.frames.first().cloned().unwrap_or_default();
        if first.len() < 1_500 {
            write("frame", number, &[&[0, 0][..], &first].concat())?;
            write("dns", number, first.get(42..).unwrap_or_default())?;
        }
        if number % 3 == 0 {
            write("sensor", number, &framed(&case.frames)[..framed(&case.frames).len().min(3_000)])?;
        }
        let segments: Vec<u8> = case
            .frames
            .iter()
            .skip(2)
            .take(20)
            .filter(|frame| frame.len() > 54 && frame.len() < 300)
            .flat_map(|frame| [&[0x10, 0, (frame.len() - 54) as u8][..], &frame[54..]].concat())
            .collect();
        if !segments.is_empty() {
            write("stream", number, &segments)?;
        }
    }
    let mut random = Random::seeded(9);
    for (number, manner) in
        [Manner::Browser, Manner::PostQuantum, Manner::Library, Manner::Quic].into_iter().enumerate()
    {
        let message = message(&mut random, manner, "www.example.no", &["h2", "http/1.1"]);
        write("hello", 3 * number, &records(&message, 16_384))?;
        write("hello", 3 * number + 1, &records(&message, 100))?;
        write("hello", 3 * number + 2, &message)?;
        for version in [Version::V1, Version::V2] {
            let packets = datagrams(&mut random, version, &[7; 8], &[], &message, Spread::Scrambled)?;
            write("quic", number * 2 + usize::from(matches!(version, Version::V2)), &packets.concat())?;
        }
    }
    let heads = [
        "GET / HTTP/1.1\r\nHost: www.example.no\r\n\r\n",
        "\r\nPOST /a HTTP/1.0\nhost:EXAMPLE.no:8080 \n\n",
        "CONNECT a.no:443 HTTP/1.1\r\nHost: b.no\r\n\r\n",
        "GET http://abs.no/x HTTP/1.1\r\nX: y\r\n folded\r\nHost:\r\n\r\n",
    ];
    for (number, head) in heads.iter().enumerate() {
        write("http", number, head.as_bytes())?;
    }
    let mut number = 0;
    for link in LinkType::KNOWN {
        for (next_generation, nanoseconds, big_endian) in
            [(false, false, false), (true, true, true), (true, false, false), (false, true, true)]
        {
            let packets = [
                Packet { time_ns: 1_700_000_000_000_000_000, vlans: vec![5], ip: vec![0x45; 61] },
                Packet { time_ns: 1, vlans: vec![], ip: vec![0x60; 80] },
            ];
            write("capture_file", number, &Format { next_generation, nanoseconds, big_endian, link }.file(&packets))?;
            number += 1;
        }
    }
    let lists = [
        "evil.no\n=www.ond.no # why\n192.0.2.0/24\n2001:db8::/32\n[2001:db8::1]:443\n192.0.2.1:8443\nevil.no:80\n",
        "\u{feff}\r\n#\n.no\n*.no\nxn--bl-zia.no\n-\n1.2.3\n1.2.3.4/33\n::/0\n",
    ];
    for (number, text) in lists.iter().enumerate() {
        write("plain", number, text.as_bytes())?;
    }
    for (target, kinds) in [("message", 64u16), ("record", 24), ("list", 8)] {
        for kind in 0..kinds {
            let body: Vec<u8> = (0..200u16).map(|n| (n * (kind + 1) % 7) as u8).collect();
            write(target, kind.into(), &[&kind.to_be_bytes()[..], &body].concat())?;
        }
    }
    write(
        "list",
        100,
        br#"{"signed":{"version":1,"expires":"2030-01-01T00:00:00Z","keys":{},"roles":{},"ca":[]},"signatures":[]}"#,
    )?;
    write("token", 0, b"varde1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")?;
    write("token", 1, "varde1-\u{e5}".as_bytes())?;
    Ok(())
}
