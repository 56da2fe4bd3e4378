//! Promise: every command in the guides is one that the programs know. Each `varde-agent` and `varde-collector` line is held against the
//! programs' own command lines; one with an option or a subcommand that is none fails, with its file and line.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::error::{ContextKind, ErrorKind};
use clap::{Command, CommandFactory};
use varde_tests::programs::workspace;

const GUIDES: [&str; 7] = [
    "README.md",
    "agent/README.md",
    "collector/README.md",
    "packaging/README.md",
    "packaging/ansible/README.md",
    "packaging/container/README.md",
    "packaging/vm/README.md",
];
/// Where a container's command begins: with its image, or with the program in one that runs.
const PASSED_ON: [&str; 2] = ["localhost/", "/usr/bin/"];
/// What stands between commands on one line.
const BETWEEN: [&str; 8] = ["|", "||", "&&", ";", "&", ">", ">>", "<"];

/// A command as a guide has it.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    line: usize,
    words: Vec<String>,
}

/// Words as a shell splits them, as far as guides need it: quotes, and a comment that ends the line.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ';') => words.extend(word.take().into_iter().chain([";".to_owned()])),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The commands of ours in a line, each from the program's name on.
fn ours(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for part in words(text).split(|word| BETWEEN.contains(&word.as_str())) {
        let mut part = part;
        // Who runs it, and with what in its environment, is another program's business.
        loop {
            part = match part {
                [first, rest @ ..] if first == "sudo" || first == "$" => rest,
                [first, deed, rest @ ..] if first == "podman" && (deed == "run" || deed == "exec") => {
                    let is_ours = |word: &String| PASSED_ON.iter().any(|begun| word.starts_with(begun));
                    rest.get(rest.iter().position(is_ours).unwrap_or(rest.len())..).unwrap_or_default()
                }
                [first, user, _, rest @ ..] if first == "runuser" && user == "-u" => rest,
                [first, rest @ ..] if first == "--" => rest,
                [first, rest @ ..] if first.contains('=') && first.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    rest
                }
                part => break found.extend(command(part)),
            };
        }
    }
    found
}

/// A command of ours, without what a guide leaves to the reader.
fn command(part: &[String]) -> Option<Vec<String>> {
    let program = part.first()?.rsplit('/').next()?;
    // An answer to debconf begins with the package's name, and goes on with it.
    let is_answer = part.get(1).is_some_and(|word| word.starts_with("varde-"));
    if !["varde-agent", "varde-collector"].contains(&program) || part.len() < 2 || is_answer {
        return None;
    }
    let is_left_open = |word: &&String| !word.contains('…') && !word.starts_with("$(");
    let rest = part.iter().skip(1).map(|word| word.trim_matches(['[', ']']).to_owned()).collect::<Vec<_>>();
    Some(std::iter::once(program.to_owned()).chain(rest.iter().filter(is_left_open).cloned()).collect())
}

/// Every command of ours in a guide: in blocks of code, and in code within a sentence.
fn in_guide(text: &str) -> Vec<Found> {
    let (mut found, mut in_code, mut begun) = (Vec::new(), false, String::new());
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let told: Vec<Vec<String>> = if in_code {
            begun.push_str(text);
            if let Some(more) = begun.strip_suffix('\\') {
                begun = format!("{more} ");
                continue;
            }
            ours(&std::mem::take(&mut begun))
        } else {
            text.split('`').skip(1).step_by(2).flat_map(ours).collect()
        };
        found.extend(told.into_iter().map(|words| Found { line, words }));
    }
    found
}

fn program(name: &str) -> Command {
    match name {
        "varde-agent" => varde_agent::command::line::CommandLine::command(),
        _ => varde_collector::command::Cli::command(),
    }
}

/// What is wrong with a command, where the program does not know a word of it. What a sentence leaves out is no fault.
fn fault(words: &[String]) -> Option<String> {
    let error = program(words.first()?).try_get_matches_from(words).err()?;
    let is_unknown = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
    let what = error.get(ContextKind::InvalidArg).or_else(|| error.get(ContextKind::InvalidSubcommand));
    is_unknown.then(|| what.map_or_else(|| error.to_string(), |what| format!("\"{what}\" is nothing it knows")))
}

#[test]
fn every_command_in_the_guides_is_one_that_the_programs_know() -> Result<()> {
    let (mut faults, mut all) = (Vec::new(), 0);
    for guide in GUIDES {
        let text = std::fs::read_to_string(workspace().join(Path::new(guide))).context(guide)?;
        for Found { line, words } in in_guide(&text) {
            all += 1;
            faults.extend(fault(&words).map(|why| format!("{guide}:{line}: `{}`: {why}", words.join(" "))));
        }
    }
    ensure!(all > 150, "only {all} commands were found in the guides");
    ensure!(faults.is_empty(), "{} of {all} commands:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

#[test]
fn a_command_that_is_none_is_named_with_its_line() {
    let guide = "Run `sudo varde-agent doctor --jsn` or `apt install varde-agent`.\n```sh\nX=1 varde-agent status | varde-collector nothing   # --odd\nrunuser -u varde-collector -- varde-collector sensor list \\\n  --json --wrong\nsystemctl status varde-agent --odd\nsudo podman run --rm localhost/varde-agent status --odd\n```\n`varde-agent run --interface … [--capture-fanout 1]`\n";
    let found = in_guide(guide);
    let lines: Vec<usize> = found.iter().map(|found| found.line).collect();
    assert_eq!(lines, [1, 3, 3, 5, 7, 9], "{found:?}");
    let faults: Vec<Option<String>> = found.iter().map(|found| fault(&found.words)).collect();
    let told = |at: usize| faults[at].as_deref().unwrap_or_default().to_owned();
    assert!(told(0).contains("--jsn") && told(2).contains("nothing") && told(3).contains("--wrong"), "{faults:?}");
    assert!(told(4).contains("--odd"), "{faults:?}");
    assert_eq!((&faults[1], &faults[5]), (&None, &None), "{faults:?}");
}
