//! `indicator import --dry-run` of a text, a mail or a PDF: every value with the sentence around it, as a person reads it before
//! anything is imported.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;
use varde_common::tlp::Tlp;

use super::import::ImportArguments;
use super::say;
use crate::intel::canonical::About;
use crate::intel::format::prose::{Fate, Reading, Seen, Unread};
use crate::intel::format::{Format, Item, LeftOut, Place, no_feed, shown_word};
use crate::intel::hidden;
use crate::intel::import::Importer;
use crate::io::intake::Intake;

/// A value as it is told.
#[derive(Debug, Serialize)]
struct Value {
    value: String,
    /// `taken`, `passed`, `clue` or `refused`.
    fate: &'static str,
    kind: String,
    why: Option<String>,
    part: String,
    line: u64,
    times: u64,
    sentence: String,
}

/// The whole as one JSON object.
#[derive(Debug, Serialize)]
struct Told {
    source: String,
    format: &'static str,
    dry_run: bool,
    tlp: Option<Tlp>,
    defanged: bool,
    taken: usize,
    passed_over: usize,
    clues: usize,
    left_out: usize,
    values: Vec<Value>,
    unread: Vec<Unread>,
}

/// The text, if it is one that is to be shown: a dry run of prose, said to be such or known by how the file begins.
///
/// # Errors
/// That it cannot be read.
pub(super) fn wanted(data: &Path, arguments: &ImportArguments) -> anyhow::Result<Option<Intake>> {
    let format = arguments.format.flatten();
    if !arguments.dry_run || format.is_some_and(|format| format != Format::Prose) {
        return Ok(None);
    }
    if arguments.file == "-" {
        // What comes once can be read once: which format it is must be said.
        return match format {
            Some(_) => Ok(Some(Intake::gather(std::io::stdin().lock(), data).context("cannot read standard input")?)),
            None => Ok(None),
        };
    }
    // What is wrong with the file the import says.
    let Ok(intake) = Intake::open(Path::new(&arguments.file)) else { return Ok(None) };
    Ok((format.is_some() || Format::detect(&intake.head) == Format::Prose).then_some(intake))
}

/// Shows it.
///
/// # Errors
/// That some of it would be left out, or that there is nothing in it.
pub(super) fn show(intake: Intake, arguments: &ImportArguments) -> anyhow::Result<()> {
    let name = match arguments.file.as_str() {
        "-" => "standard input".to_owned(),
        file => Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy()).into_owned(),
    };
    let importer = Importer::new(About { tlp: arguments.tlp, ..About::default() }, Format::Prose, &intake.head);
    if let Some(why) = no_feed::refusal(Format::Prose, &intake.head) {
        bail!("{name}, read as {}: {why}", Format::Prose);
    }
    let reading = match intake.reading() {
        Ok(reading) => reading,
        Err(error) => bail!("{name}, read as {}: {error}", Format::Prose),
    };
    let told = told(arguments.source.clone().unwrap_or_else(|| name.clone()), reading, &importer, arguments.tlp);
    if arguments.json {
        say::result(&serde_json::to_string(&told)?)?;
    } else {
        say::result(&in_words(&name, &told))?;
    }
    if told.taken + told.clues == 0 && told.left_out == 0 {
        bail!(
            "{name} holds no indicator; in a text that is a name, address or URL, written with brackets (evil[.]example) or without"
        );
    }
    say::aside("Nothing was imported. To do so: the same without --dry-run");
    match told.left_out {
        0 => Ok(()),
        1 => bail!("1 thing in {name} would be left out, as named above"),
        left_out => bail!("{left_out} things in {name} would be left out, as named above"),
    }
}

fn told(source: String, reading: Reading, importer: &Importer, said: Option<Tlp>) -> Told {
    let Reading { seen, unread, tlp, is_defanged } = reading;
    let is_hidden = !hidden::is_shown(tlp.max(said));
    let values: Vec<Value> = seen.into_iter().map(|seen| value(seen, importer, is_hidden)).collect();
    let count = |fate: &str| values.iter().filter(|value| value.fate == fate).count();
    Told {
        source,
        format: Format::Prose.as_str(),
        dry_run: true,
        tlp: tlp.max(said),
        defanged: is_defanged,
        taken: count("taken"),
        passed_over: count("passed") + unread.iter().filter(|unread| !unread.matters).count(),
        clues: count("clue"),
        left_out: count("refused") + unread.iter().filter(|unread| unread.matters).count(),
        unread,
        values,
    }
}

/// A value after what is said of all and what would do harm have been held against it.
fn value(seen: Seen, importer: &Importer, is_hidden: bool) -> Value {
    let Seen { part, line, value, sentence, times, fate } = seen;
    let (value, fate, kind, why) = match fate {
        Fate::Taken(found) => match fate_of(importer, Item::Found(Place::Line(line), found)) {
            Item::Found(_, found) => {
                let kind = found.pattern.target.kind().to_string();
                let why = found.about.details.of_url.then(|| format!("the host of {}", shown_word(&value)));
                (found.pattern.to_plain(), "taken", kind, why)
            }
            Item::LeftOut(left_out) => (value, "refused", String::new(), Some(left_out.why)),
            Item::Withdrawn(_)
            | Item::Silent(_)
            | Item::Harmless(..)
            | Item::Clue(_)
            | Item::PassedOver
            | Item::PassedBy(..) => (value, "passed", String::new(), None),
        },
        Fate::Passed(why) => (value, "passed", String::new(), Some(why.to_owned())),
        Fate::Clue(kind) => (value, "clue", kind.to_owned(), None),
        Fate::Refused(why) => (value, "refused", String::new(), Some(why)),
    };
    if is_hidden {
        // Where it stands, and why; who has the file reads it there.
        let left_out = LeftOut { place: Place::Line(line), text: value, why: why.unwrap_or_default() };
        let LeftOut { text, why, .. } = hidden::without_value(left_out);
        let why = Some(why).filter(|why| !why.is_empty());
        return Value { value: text.clone(), fate, kind, why, part, line, times, sentence: text };
    }
    Value { value: shown_word(&value), fate, kind, why, part, line, times, sentence }
}

/// What an import would make of an entry.
fn fate_of(importer: &Importer, item: Item) -> Item {
    let mut first = None;
    // A text has no objects: there is nothing more to tell of an entry than one thing.
    let _ = importer.take(item, &mut |item| {
        first.get_or_insert(item);
        ControlFlow::Continue(())
    });
    first.unwrap_or(Item::PassedOver)
}

/// For people: what is looked for first, each with its sentence below it.
fn in_words(name: &str, told: &Told) -> String {
    let marked = told.tlp.map_or("no marking in it, so TLP:AMBER".to_owned(), |tlp| tlp.to_string());
    let mut text = format!(
        "{name}: {marked}; {} to look for, {} for people to keep, {} seen and not taken, {} left out\n",
        told.taken, told.clues, told.passed_over, told.left_out
    );
    for (fate, head) in [
        ("taken", "Would be looked for:"),
        ("refused", "Would be left out:"),
        ("clue", "No sensor can look for; kept for people:"),
        ("passed", "Seen and not taken:"),
    ] {
        let values: Vec<&Value> = told.values.iter().filter(|value| value.fate == fate).collect();
        if values.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{head}\n");
        for Value { value, kind, why, part, line, times, sentence, .. } in values {
            let kind = if kind.is_empty() { String::new() } else { format!(" ({kind})") };
            let why = why.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
            let part = if part.is_empty() { String::new() } else { format!("{part}, ") };
            let times = if *times > 1 { format!(", {times} times") } else { String::new() };
            let _ = write!(text, "  {value}{kind}: {part}line {line}{times}{why}\n      {sentence}\n");
        }
    }
    if told.values.iter().any(|value| value.fate == "passed") {
        text.push_str("\nWhat is meant all the same: put it into a plain list and import that.\n");
    }
    if !told.unread.is_empty() {
        text.push_str("\nNot read:\n");
        for Unread { name, why, .. } in &told.unread {
            let name = if name.is_empty() { String::new() } else { format!("{}: ", shown_word(name)) };
            let _ = writeln!(text, "  {name}{why}");
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::format::prose;
    use std::io::Cursor;

    #[test]
    fn a_text_is_shown_sentence_by_sentence_before_it_is_imported() {
        let text = "TLP:GREEN Lure bruker evil[.]example og 10[.]0[.]0[.]7 nå. Se nsm.no for mer.\n\nFil: d41d8cd98f00b204e9800998ecf8427e er lasteren.\n";
        let reading = prose::reading(&mut Cursor::new(text), &|_| Err(String::new())).unwrap();
        let told =
            told("x".to_owned(), reading, &Importer::new(About::default(), Format::Prose, b""), Some(Tlp::Amber));
        assert_eq!((told.taken, told.passed_over, told.clues, told.left_out, told.tlp), (1, 1, 1, 1, Some(Tlp::Amber)));
        let words = in_words("mail.txt", &told);
        for part in [
            "mail.txt: TLP:AMBER; 1 to look for, 1 for people to keep, 1 seen and not taken, 1 left out",
            "  evil.example (domain): line 1\n      TLP:GREEN Lure bruker evil[.]example og",
            "10.0.0.7: line 1; is not imported: it belongs to 10.0.0.0/8",
            "nsm.no: line 1; it is written without the brackets",
            "d41d8cd98f00b204e9800998ecf8427e (md5): line 3",
        ] {
            assert!(words.contains(part), "{part}\n{words}");
        }
        assert!(serde_json::to_string(&told).unwrap().contains("\"fate\":\"taken\""));
    }
}
