//! Promise: the demo's one round finds exactly what it planted, leaves what it was asked to leave, and nothing else.

use anyhow::{Context, Result};
use varde_tests::demo::plan::{MEMBERS, asks_for_spreading, expected_campaigns};
use varde_tests::demo::show::{self, Wish};
use varde_tests::programs::{said, workspace};

#[test]
fn one_round_finds_exactly_what_was_planted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let keep = folder.path().join("kept");
    let unannounced = show::once(&Wish { keep: Some(keep.clone()), seed: 7 })?;
    assert!(keep.join("collector").join("collector.log").is_file());
    for (number, _) in MEMBERS {
        let data = keep.join(format!("agent-{number}"));
        assert!(data.join("agent.log").is_file(), "{number}");
        let asks = asks_for_spreading([std::fs::read(data.join("traffic.pcap"))?.as_slice()]);
        assert_eq!(asks, ["3407", "3403", "1103", "1505"].contains(&number), "what {number}'s capture asks DNS for");
    }
    let sentence = "no DNS look-up announced it at Drammen and Arendal: the name stood in a TLS or QUIC hello";
    assert_eq!(unannounced.as_deref(), Some(sentence));
    assert!(expected_campaigns().len() >= 2);
    assert!(show::check_keep(&keep).is_err(), "a folder with something in it is refused");
    Ok(())
}

#[test]
fn the_demo_names_real_municipalities_once_each() -> Result<()> {
    let numbers: std::collections::BTreeSet<&str> = MEMBERS.iter().map(|member| member.0).collect();
    assert_eq!(numbers.len(), 8);
    assert!(numbers.iter().all(|number| number.len() == 4 && number.parse::<u16>().is_ok()));
    Ok(())
}

#[test]
fn the_demos_help_says_what_it_does_and_how_it_ends() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.args(["demo", "--", "--help"]).current_dir(workspace());
    let help = said(&mut command)?.ok().context("cargo demo -- --help")?.out;
    for word in ["--once", "--keep", "Ctrl-C", "exits 0"] {
        assert!(help.contains(word), "no {word} in: {help}");
    }
    Ok(())
}
