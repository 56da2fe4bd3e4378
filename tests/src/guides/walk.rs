//! Each command of a guide run, in the order of the guide, and held against how the guide lets one expect it to end.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::read::{Found, commands, text};
use super::world::World;
use crate::programs::{PATIENCE, Said, eventually};
use crate::terminal::Terminal;

/// Whoever is asked to run something again does so, as often as this.
const AGAIN_MAX: usize = 5;

/// What a row says of the commands it is about; a row of a word is about those alone in which it stands.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// This word is that here.
    Word(&'static str, fn(&World) -> Result<String>),
    /// So many words in the place of an ellipsis, or at the end where the sentence leaves them out.
    And(fn(&World) -> Result<Vec<String>>),
    /// The guide counts on something that has happened by then, outside of its commands.
    First(fn(&mut World) -> Result<()>),
    /// It is typed at a terminal, and this is answered.
    Types(&'static str),
    /// This comes to its standard input.
    Reads(fn(&World) -> Result<String>),
    /// It ends with this, and not with 0.
    Ends(i32),
    /// Its data directory is one of this name, with nothing in it at first.
    New(&'static str),
    /// Its data directory is one of this name: a copy of the collector's as it was when the name was first used, laid back into another directory.
    Copy(&'static str),
    /// It goes on until it is stopped: it is started, seen to be up, and stopped.
    Runs,
    /// It is not run.
    Not,
}

/// What is to be known of some commands of a guide.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The beginning of the chapter they stand in; empty for any.
    pub chapter: &'static str,
    /// How they begin.
    pub begins: &'static str,
    /// What is to be known.
    pub what: What,
    /// Why it is so.
    pub why: &'static str,
}

/// A row.
pub const fn row(chapter: &'static str, begins: &'static str, what: What, why: &'static str) -> Row {
    Row { chapter, begins, what, why }
}

impl Row {
    fn is_about(&self, found: &Found) -> bool {
        let speaks = match self.what {
            What::Word(written, _) => found.words.iter().any(|word| stands_in(written, word)),
            _ => true,
        };
        speaks && found.chapter.starts_with(self.chapter) && found.text().starts_with(self.begins)
    }
}

/// Runs all commands of a guide; gives how many ran.
///
/// # Errors
/// Each that ended otherwise than the guide lets one expect, and each row that is about nothing.
pub fn walk(guide: &str, rows: &[&[Row]], world: &mut World) -> Result<usize> {
    let rows: Vec<&Row> = rows.iter().flat_map(|rows| rows.iter()).collect();
    let found = commands(&text(guide)?);
    let mut faults: Vec<String> = rows
        .iter()
        .filter(|row| !found.iter().any(|found| row.is_about(found)))
        .map(|row| format!("a row is about nothing in {guide}: \"{}\" in \"{}\"", row.begins, row.chapter))
        .collect();
    let mut ran = 0;
    for found in &found {
        let about: Vec<&Row> = rows.iter().filter(|row| row.is_about(found)).copied().collect();
        if about.iter().any(|row| matches!(row.what, What::Not)) {
            continue;
        }
        if let Err(error) = step(found, &about, world) {
            faults.push(format!("{guide}:{}: `{}`: {error:#}", found.line, found.text()));
        }
        ran += 1;
    }
    ensure!(faults.is_empty(), "{} faults in {guide}:\n\n{}", faults.len(), faults.join("\n\n"));
    Ok(ran)
}

fn step(found: &Found, about: &[&Row], world: &mut World) -> Result<()> {
    for row in about {
        if let What::First(prepare) = row.what {
            prepare(world).with_context(|| format!("before it ({})", row.why))?;
        }
    }
    let words = filled(found, about, world)?;
    // Of two rows the one that says more of the command.
    let ends = about.iter().filter_map(|row| if let What::Ends(code) = row.what { Some((row, code)) } else { None });
    let wanted = ends.max_by_key(|(row, _)| row.begins.len()).map_or(0, |(_, code)| code);
    if about.iter().any(|row| matches!(row.what, What::Runs)) {
        let command = command(found, about, &words, world)?;
        return world.up_and_down(found.program, command);
    }
    let mut said = once(found, about, &words, world)?;
    // Somebody else was at it in that moment, and the program asks to be run again.
    for _ in 0..AGAIN_MAX {
        if said.code == Some(wanted) || !said.err.contains("run it again") {
            break;
        }
        said = once(found, about, &words, world)?;
    }
    if let Some(file) = &found.to {
        std::fs::write(world.folder().join(file), &said.out)?;
    }
    if said.code != Some(wanted) {
        bail!("ended with {:?} and not with {wanted}; it was run as {words:?}\n{}{}", said.code, said.out, said.err);
    }
    Ok(())
}

fn command(found: &Found, about: &[&Row], words: &[String], world: &mut World) -> Result<Command> {
    for row in about {
        match row.what {
            What::New(name) => world.is_in(name)?,
            What::Copy(name) => world.is_in_copy(name)?,
            _ => {}
        }
    }
    let command = world.command(found.program, words);
    world.is_at_home();
    command
}

/// Runs it to its end.
fn once(found: &Found, about: &[&Row], words: &[String], world: &mut World) -> Result<Said> {
    let mut command = command(found, about, words, world)?;
    let mut input = None;
    for row in about {
        match row.what {
            What::Types(line) => {
                let mut terminal = Terminal::start(command)?;
                terminal.type_line(line)?;
                return terminal.end();
            }
            What::Reads(text) => input = Some(text(world)?),
            _ => {}
        }
    }
    if let Some(file) = &found.from {
        input = Some(std::fs::read_to_string(world.folder().join(file)).with_context(|| file.clone())?);
    }
    ended(&mut command, input.as_deref(), world.folder())
}

/// The words, with what the guide leaves to the reader filled in.
fn filled(found: &Found, about: &[&Row], world: &World) -> Result<Vec<String>> {
    let (mut words, mut more) = (found.words.clone(), None);
    for row in about {
        match row.what {
            What::Word(written, here) => {
                let here = here(world).with_context(|| format!("what {written} is here ({})", row.why))?;
                // What was filled in already is not looked at again.
                for (word, old) in words.iter_mut().zip(&found.words).filter(|(_, old)| stands_in(written, old)) {
                    *word = old.replace(written, &here);
                }
            }
            What::And(words) => more = Some(words(world)?),
            _ => {}
        }
    }
    match (words.iter().position(|word| word == "…"), more) {
        (Some(at), Some(more)) => drop(words.splice(at..=at, more)),
        (None, Some(more)) => words.extend(more),
        (_, None) => {}
    }
    match words.iter().find(|word| word.contains('…')) {
        Some(word) => Err(anyhow!("no row says what \"{word}\" is here")),
        None => Ok(words),
    }
}

/// A number is a whole word: 4 is not in 3407.
fn stands_in(written: &str, word: &str) -> bool {
    word == written || (written.len() > 2 && word.contains(written))
}

fn ended(command: &mut Command, input: Option<&str>, folder: &Path) -> Result<Said> {
    let [input_file, out, err] = ["input", "out", "err"].map(|name| folder.join(format!("standard-{name}")));
    std::fs::write(&input_file, input.unwrap_or_default())?;
    command.stdin(File::open(&input_file)?).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    // What waits for somebody who is not there is not waited for.
    let status = eventually("it ends", PATIENCE, || Ok(child.try_wait()?));
    if status.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let read = |file| std::fs::read(file).map(|octets| String::from_utf8_lossy(&octets).into_owned());
    let (out, err) = (read(&out)?, read(&err)?);
    let status = status.with_context(|| format!("{out}{err}"))?;
    Ok(Said { code: status.code(), out, err })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_filled_in_where_it_is_a_word_and_a_path_where_it_begins() {
        for (written, word, is_there) in
            [("4", "4", true), ("4", "3407", false), ("/mnt/copies", "/mnt/copies/one", true), ("ID", "--ID", false)]
        {
            assert_eq!(stands_in(written, word), is_there, "{written} in {word}");
        }
    }
}
