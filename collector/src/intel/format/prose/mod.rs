//! Prose: a pasted text, a mail with what is attached to it, the text of a PDF. Values are taken out of their sentences, each with
//! the sentence around it. Where some are written so that nobody clicks on them, only those and public addresses are meant; the others
//! are told.

mod document;
mod html;
mod judge;
mod mail;
mod pdf;
mod sentence;
mod word;

use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;

use serde::Serialize;
use varde_common::tlp::Tlp;

pub use document::{Document, Part, Unread};
use judge::Doubt;
use word::Word;

use super::lines;
use super::marking;
use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, LeftOut, Place, shown_word};
use crate::intel::canonical::{About, Details, Found, Object};
use crate::intel::lint::Fixed;
use crate::limits::prose::{PROSE_MAX_OCTETS, PROSE_TEXT_MAX_OCTETS, PROSE_VALUES_MAX};

/// Why PDFs may stay unread.
const UNREADABLE_PDF: &str = "its text could not be taken out of the PDF: it is damaged, unusual or made to do harm";

/// What takes mails and PDFs apart: octets in, a [`Document`] or why there is none. They may be made to do harm, so that whoever
/// calls this gives it a process of its own.
pub type Extract<'a> = dyn Fn(&[u8]) -> Result<Document, String> + 'a;

/// Whether it begins as a PDF does; some programs write a line before that.
pub(super) fn is_pdf(octets: &[u8]) -> bool {
    memchr::memmem::find(octets.get(..1024).unwrap_or(octets), b"%PDF-").is_some()
}

/// Whether it begins as a mail does.
pub(super) fn is_mail(text: &str) -> bool {
    mail::is_one(text)
}

/// Whether a line is one of a text rather than of a list.
pub(super) fn is_sentence(line: &str) -> bool {
    let line = [" #", " ;", " //"].iter().fold(line, |line, mark| line.split(mark).next().unwrap_or_default());
    let is_word = |word: &&str| {
        let word = word.trim_matches(|character: char| !character.is_alphabetic());
        !word.is_empty() && word.chars().all(|character| character.is_alphabetic() || character == '-')
    };
    line.split_whitespace().filter(is_word).count() >= 4 && !line.contains('\t')
}

/// Takes a mail or a PDF apart, here and now: for the process that does nothing else.
pub fn extract(octets: &[u8], with_pdfs: bool) -> Document {
    if is_pdf(octets) { pdf::pages(octets) } else { mail::document(octets, with_pdfs) }
}

/// What became of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Looked for.
    Taken(Box<Found>),
    /// Seen, and not taken; why.
    Passed(&'static str),
    /// No sensor can look for it; what it is.
    Clue(&'static str),
    /// Meant as a value, and none.
    Refused(String),
}

/// A value in its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The text's name in the document.
    pub part: String,
    /// The line there, from 1.
    pub line: u64,
    /// As it is meant, without brackets.
    pub value: String,
    /// The sentence around it.
    pub sentence: String,
    /// How often it stands there in all.
    pub times: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What a text came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Every value, in order.
    pub seen: Vec<Seen>,
    /// What was not read.
    pub unread: Vec<Unread>,
    /// The strictest marking that it says of itself.
    pub tlp: Option<Tlp>,
    /// Whether some values are written so that nobody clicks on them.
    pub is_defanged: bool,
}

/// How many there are of each, for people and programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Looked for.
    pub taken: usize,
    /// Seen, not taken.
    pub passed: usize,
    /// Kept for people.
    pub clues: usize,
    /// Meant as values, and none.
    pub refused: usize,
}

impl Reading {
    /// How many there are of each.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for seen in &self.seen {
            match seen.fate {
                Fate::Taken(_) => counts.taken += 1,
                Fate::Passed(_) => counts.passed += 1,
                Fate::Clue(_) => counts.clues += 1,
                Fate::Refused(_) => counts.refused += 1,
            }
        }
        counts
    }
}

/// Reads all of a text.
///
/// # Errors
/// [`BadFile`]: it is too large, no text, or could not be taken apart.
pub fn reading(input: &mut dyn Input, extract: &Extract<'_>) -> Result<Reading, BadFile> {
    let mut octets = Vec::new();
    input.take(PROSE_MAX_OCTETS + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > PROSE_MAX_OCTETS {
        return Err(BadFile::Format(format!(
            "it is larger than {} MiB, which no mail or report is; if it is a list, say which: --format",
            PROSE_MAX_OCTETS >> 20
        )));
    }
    let head = octets.get(..octets.len().min(1 << 16)).unwrap_or_default();
    let document = if is_pdf(head) || is_mail(String::from_utf8_lossy(head).trim_start_matches('\u{feff}')) {
        extract(&octets).map_err(BadFile::Format)?
    } else {
        Document::of_text(text_of(octets)?)
    };
    search(document)
}

/// A pasted text in whatever letters it was saved.
fn text_of(octets: Vec<u8>) -> Result<String, BadFile> {
    if octets.len() > PROSE_TEXT_MAX_OCTETS {
        let most = PROSE_TEXT_MAX_OCTETS >> 20;
        return Err(BadFile::Format(format!("it is more than {most} MiB of text, which nobody wrote; split it")));
    }
    let decoded =
        |charset: &[u8]| mail_parser::decoders::charsets::map::charset_decoder(charset).map(|decode| decode(&octets));
    let wide = match octets.as_slice() {
        [0xff, 0xfe, ..] => decoded(b"utf-16le"),
        [0xfe, 0xff, ..] => decoded(b"utf-16be"),
        _ => None,
    };
    if let Some(text) = wide {
        return Ok(text.trim_start_matches('\u{feff}').to_owned());
    }
    if memchr::memchr(0, &octets).is_some() {
        return Err(BadFile::Format("it holds NUL octets: it is no text, no mail and no PDF".to_owned()));
    }
    // Whoever pastes from an old program has æ, ø and å as Windows has them.
    let text = match std::str::from_utf8(&octets) {
        Ok(_) => None,
        Err(_) => decoded(b"windows-1252"),
    };
    Ok(text.unwrap_or_else(|| {
        String::from_utf8_lossy(octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&octets)).into_owned()
    }))
}

/// A word that may be a value.
struct Candidate {
    seen: Seen,
    /// Written so that nobody clicks on it.
    is_defanged: bool,
}

/// All of a document.
fn search(document: Document) -> Result<Reading, BadFile> {
    let Document { parts, unread, own_domains } = document;
    let mut tlp = None;
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for part in &parts {
        tlp = tlp.max(marking::of_text(&part.text));
        let text = word::closed_up(&part.text);
        let mut before = "";
        let (mut line, mut closed) = (0, false);
        let lines: Vec<&str> = text.lines().collect();
        let listed = judge::listed(&lines);
        word::each(&text, &mut |word| {
            while line < word.line {
                let own = usize::try_from(line).ok().and_then(|line| lines.get(line)).copied().unwrap_or_default();
                closed = judge::closes(own).unwrap_or(closed);
                line += 1;
            }
            let last = std::mem::replace(&mut before, word.text);
            if candidates.len() > PROSE_VALUES_MAX {
                return;
            }
            let of_list = usize::try_from(line.saturating_sub(1)).ok().and_then(|line| listed.get(line)).copied();
            let closed = closed && of_list != Some(true);
            let Some(mut candidate) = candidate(&word, last, closed, &own_domains) else { return };
            candidate.seen.part = lines::word(&part.name);
            match places.get(&candidate.seen.value).and_then(|place| candidates.get_mut(*place)) {
                Some(known) => {
                    known.seen.times += 1;
                    // Meant as a value in one place, it is meant.
                    if candidate.is_defanged && !known.is_defanged {
                        let times = known.seen.times;
                        candidate.seen.sentence = sentence::around(&text, word.at, word.text.len());
                        *known = candidate;
                        known.seen.times = times;
                    }
                }
                None => {
                    candidate.seen.sentence = sentence::around(&text, word.at, word.text.len());
                    places.insert(candidate.seen.value.clone(), candidates.len());
                    candidates.push(candidate);
                }
            }
        });
    }
    if candidates.len() > PROSE_VALUES_MAX {
        return Err(BadFile::Format(format!(
            "it names more than {PROSE_VALUES_MAX} values, which no report does; if it is a list, say which: --format"
        )));
    }
    let is_defanged =
        candidates.iter().any(|candidate| candidate.is_defanged && matches!(candidate.seen.fate, Fate::Taken(_)));
    let fixed = Fixed::default();
    let seen = candidates.into_iter().map(|candidate| decided(candidate, is_defanged, tlp, &fixed)).collect();
    Ok(Reading { seen, unread, tlp, is_defanged })
}

/// What a word is by itself.
fn candidate(word: &Word<'_>, before: &str, closed: bool, own: &[String]) -> Option<Candidate> {
    let plain = value::refang(word.text);
    let meant = value::bare(&plain);
    let scheme = meant.split_once("://").map(|(scheme, _)| scheme);
    let is_defanged = meant != value::bare(word.text);
    if !meant.contains(['.', ':', '-', '\\', '/', '@', '[', '{']) && meant.len() < 32 {
        return None;
    }
    let named = |value: String, fate: Fate| {
        let seen = Seen { part: String::new(), line: word.line, value, sentence: String::new(), times: 1, fate };
        Some(Candidate { seen, is_defanged })
    };
    let own_or_closing = |name: &str| match () {
        () if is_defanged => None,
        () if judge::is_own(name, own) => Some("it is of who wrote the mail or got it"),
        () if closed => Some("it stands below the closing words, as contact"),
        () => None,
    };
    match value::read(meant, Names::Domain) {
        Ok(Value::Clue("path")) if meant.starts_with('/') && meant.matches('/').count() < 2 => None,
        Ok(Value::Clue("email")) => {
            let domain = meant.rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default();
            match own_or_closing(&domain)
                .or_else(|| judge::is_own(&domain, own).then_some("it is of who wrote the mail or got it"))
            {
                Some(why) => named(meant.to_owned(), Fate::Passed(why)),
                None => named(meant.to_owned(), Fate::Clue("email")),
            }
        }
        Ok(Value::Clue(kind)) => named(meant.to_owned(), Fate::Clue(kind)),
        Ok(Value::OfUrl(pattern)) => {
            let name = judge::name_of(&pattern);
            let about = About::default().of_url(meant);
            let value = meant.to_owned();
            if let Some(why) = name.as_deref().and_then(own_or_closing) {
                return named(value, Fate::Passed(why));
            }
            // Without a scheme and without brackets it may be anything: and/or, a path, a fraction.
            if !is_defanged && scheme.is_none() {
                match judge::bare(meant.split('/').next().unwrap_or_default(), before, &pattern) {
                    Some(Doubt::Nothing) => return None,
                    Some(Doubt::Told(why)) => return named(value, Fate::Passed(why)),
                    None => {}
                }
            }
            named(value, Fate::Taken(Box::new(Found { pattern, about, object: Object::default() })))
        }
        Ok(Value::Pattern(pattern)) => {
            let value = pattern.to_plain();
            let is_number = judge::name_of(&pattern).is_none();
            // What is only hexadecimal digits and colons may be a time or a hardware address; a real one has a gap or eight parts.
            if is_number && !is_defanged && !plausible(meant) {
                return None;
            }
            let name = judge::name_of(&pattern);
            if let Some(why) = name.as_deref().and_then(own_or_closing) {
                return named(value, Fate::Passed(why));
            }
            if !is_defanged {
                match judge::bare(meant, before, &pattern) {
                    Some(Doubt::Nothing) => return None,
                    Some(Doubt::Told(why)) => return named(value, Fate::Passed(why)),
                    None => {}
                }
            } else if name.as_deref().is_some_and(|name| !name.contains('.')) {
                return None;
            }
            named(value, Fate::Taken(Box::new(Found { pattern, about: About::default(), object: Object::default() })))
        }
        // In brackets it was meant as a value.
        Err(why) if is_defanged && meant.contains('.') && meant.contains(char::is_alphanumeric) => {
            named(lines::word(meant), Fate::Refused(why))
        }
        Err(_) if judge::is_remnant(meant) => {
            let why = "is not an indicator: it has brackets as around a dot, and cannot be read";
            named(lines::word(meant), Fate::Refused(why.to_owned()))
        }
        Err(_) => None,
    }
}

/// Whether what reads as an address is written as people write one.
fn plausible(text: &str) -> bool {
    text.matches('.').count() == 3 || (text.matches(':').count() >= 2 && text.len() > 4)
}

/// What becomes of a candidate once the whole text is known.
fn decided(candidate: Candidate, is_text_defanged: bool, tlp: Option<Tlp>, fixed: &Fixed) -> Seen {
    let Candidate { mut seen, is_defanged } = candidate;
    seen.fate = match seen.fate {
        // Nobody puts brackets into every address, and no text's own links are addresses.
        Fate::Taken(found) if is_text_defanged && !is_defanged && !judge::is_public_address(&found.pattern, fixed) => {
            Fate::Passed("it is written without the brackets that others here have")
        }
        Fate::Taken(mut found) => {
            found.about.tlp = tlp;
            let note = match seen.part.is_empty() {
                true => seen.sentence.clone(),
                false => format!("{} ({}, line {})", seen.sentence, seen.part, seen.line),
            };
            found.about.details = Details { note: Some(note), ..found.about.details };
            Fate::Taken(found)
        }
        fate @ (Fate::Passed(_) | Fate::Clue(_) | Fate::Refused(_)) => fate,
    };
    seen
}

/// Tells `take` every value as an importer takes it in.
///
/// # Errors
/// [`BadFile`].
pub fn read(
    input: &mut dyn Input,
    extract: &Extract<'_>,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let Reading { seen, unread, tlp, is_defanged: _ } = reading(input, extract)?;
    for unread in unread {
        let item = match unread.matters {
            // What may well hold indicators must be noticed.
            true => Item::LeftOut(LeftOut {
                place: Place::Object(if unread.name.is_empty() { "1".to_owned() } else { lines::word(&unread.name) }),
                text: String::new(),
                why: format!("is not read: {}", unread.why),
            }),
            false => {
                let why = format!("is not read: {}", unread.why);
                Item::PassedBy(
                    LeftOut { place: Place::Object(lines::word(&unread.name)), text: String::new(), why },
                    tlp,
                )
            }
        };
        if take(item).is_break() {
            return Ok(());
        }
    }
    for Seen { line, value, fate, .. } in seen {
        let item = match fate {
            Fate::Taken(found) => Item::Found(Place::Line(line), found),
            Fate::Passed(why) => {
                let (place, text) = (Place::Line(line), shown_word(&value));
                Item::PassedBy(LeftOut { place, text, why: format!("is not taken: {why}") }, tlp)
            }
            Fate::Clue(kind) => Item::Clue(Clue { object_id: String::new(), kind: kind.to_owned(), value, tlp }),
            Fate::Refused(why) => lines::left_out(line, &value, why),
        };
        if take(item).is_break() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
