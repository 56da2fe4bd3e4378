//! Promise: every command of ours in the guides is run as its reader would run it, in the guide's order, by real programs, and ends as the
//! guide lets one expect; and it is one that the programs know.
//!
//! Other programs' commands are not run: they install packages (`apt`, `dnf`, `rpm`, `podman`), start services (`systemctl`), build
//! (`packaging/…`, `cargo`), or change the machine (`cp` to `/etc`, `ethtool`, `apparmor_parser`). Of those only the shell's grammar is held
//! against a shell; `packaging/check`, `tests/packages.rs` and `tests/repository.rs` run the scripts they name.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::error::{ContextKind, ErrorKind};
use clap::{Command as CommandLine, CommandFactory};
use varde_tests::guides::read::{GUIDES, commands, shell_blocks, shortened, text};
use varde_tests::guides::walk::{Row, walk};
use varde_tests::guides::world::World;
use varde_tests::guides::{agent, collector, collector_lists, collector_work, others};
use varde_tests::namespaces::allowed;
use varde_tests::programs::Which;

fn command_line(program: Which) -> CommandLine {
    match program {
        Which::Agent => varde_agent::command::line::CommandLine::command(),
        Which::Collector => varde_collector::command::Cli::command(),
    }
}

/// What is wrong with a command, where the program does not know a word of it. What a sentence leaves out is no fault.
fn fault(program: Which, words: &[String]) -> Option<String> {
    let error = command_line(program).try_get_matches_from(words).err()?;
    let is_unknown = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
    let what = error.get(ContextKind::InvalidArg).or_else(|| error.get(ContextKind::InvalidSubcommand));
    is_unknown.then(|| what.map_or_else(|| error.to_string(), |what| format!("\"{what}\" is nothing it knows")))
}

#[test]
fn every_command_in_the_guides_is_one_that_the_programs_know() -> Result<()> {
    let (mut faults, mut all) = (Vec::new(), 0);
    for guide in GUIDES {
        for found in commands(&text(guide)?) {
            all += 1;
            let fault = fault(found.program, &found.spelled());
            faults.extend(fault.map(|why| format!("{guide}:{}: `{}`: {why}", found.line, found.text())));
        }
    }
    ensure!(all > 150, "only {all} commands were found in the guides");
    ensure!(faults.is_empty(), "{} of {all} commands:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// What looks like a shortened command and is none.
const OTHERWISE: [(&str, &str); 3] = [
    ("list NAVN", "the name of a rule of lint"),
    ("sign in refused", "what stands in the audit"),
    ("alert ID", "goes on with `why campaign | incident`"),
];

#[test]
fn what_sentences_shorten_is_known_too() -> Result<()> {
    let (mut faults, mut all, mut others) = (Vec::new(), 0, 0);
    for (guide, program) in [("agent/README.md", Which::Agent), ("collector/README.md", Which::Collector)] {
        let line = command_line(program);
        let subcommands: Vec<String> = line.get_subcommands().map(|one| one.get_name().to_owned()).collect();
        for found in shortened(&text(guide)?, program, &subcommands) {
            all += 1;
            if OTHERWISE.iter().any(|(words, _)| found.words.join(" ") == *words) {
                others += 1;
                continue;
            }
            let fault = fault(program, &found.spelled());
            faults.extend(fault.map(|why| format!("{guide}:{}: `{}`: {why}", found.line, found.words.join(" "))));
        }
    }
    ensure!(all > 100 && others == OTHERWISE.len(), "only {all} were found, {others} of them no commands");
    ensure!(faults.is_empty(), "{} of {all}:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

#[test]
fn a_command_that_is_none_is_named() {
    let guide = "`sudo varde-agent doctor --jsn`\n```sh\nX=1 varde-agent status | varde-collector nothing\n```\n`varde-agent run --interface …`\n";
    let faults: Vec<Option<String>> =
        commands(guide).iter().map(|found| fault(found.program, &found.spelled())).collect();
    let told = |at: usize| faults[at].as_deref().unwrap_or_default().to_owned();
    assert!(told(0).contains("--jsn") && told(2).contains("nothing"), "{faults:?}");
    assert_eq!((&faults[1], &faults[3]), (&None, &None), "{faults:?}");
}

#[test]
fn every_block_for_a_shell_is_one_that_a_shell_reads() -> Result<()> {
    let mut all = 0;
    for guide in GUIDES {
        for (line, block) in shell_blocks(&text(guide)?) {
            all += 1;
            let mut shell = Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            shell.stdin.take().context("no standard input")?.write_all(block.as_bytes())?;
            let ended = shell.wait_with_output()?;
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            ensure!(ended.status.success() && said.is_empty(), "{guide}:{line}: {said}\n{block}");
        }
    }
    ensure!(all > 40, "only {all} blocks were found in the guides");
    Ok(())
}

/// Runs each command of a guide, in a world of its own.
fn run(guide: &str, rows: &[&[Row]], files: &[(&str, &str)], least: usize) -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let ran = walk(guide, rows, &mut World::new(files)?)?;
    ensure!(ran >= least, "only {ran} commands of {guide} were run");
    Ok(())
}

#[test]
fn each_command_of_the_csirts_guide_does_what_the_guide_says() -> Result<()> {
    run("collector/README.md", &[collector::ROWS, collector_lists::ROWS, collector_work::ROWS], &collector::FILES, 120)
}

#[test]
fn each_command_of_the_municipalitys_guide_does_what_the_guide_says() -> Result<()> {
    run("agent/README.md", &[agent::ROWS], &agent::FILES, 20)
}

#[test]
fn each_command_of_the_shorter_guides_does_what_they_say() -> Result<()> {
    run("README.md", &[others::README], &[], 10)?;
    run("packaging/README.md", &[others::PACKAGING], &[], 2)?;
    run("packaging/ansible/README.md", &[], &[], 0)?;
    run("packaging/container/README.md", &[others::CONTAINER], &[], 3)?;
    run("packaging/vm/README.md", &[others::MACHINE], &[], 3)
}
