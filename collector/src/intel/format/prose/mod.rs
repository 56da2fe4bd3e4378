//! Prose: a pasted text, a mail with what is attached to it, the text of a PDF. Values are taken out of their sentences, each with
//! the sentence around it. Where some are written so that nobody clicks on them, only those and public addresses are meant; the others
//! are told.

mod attached;
mod document;
mod html;
mod judge;
mod mail;
mod pdf;
mod sentence;
mod version;
mod word;
mod written;

use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;

use serde::Serialize;
use varde_common::indicator::Pattern;
use varde_common::tlp::Tlp;

pub use document::{Document, Part, Unread};
use judge::Doubt;
use version::Chain;
use word::Word;
pub(super) use written::{is_letter, is_text};

use super::lines;
use super::marking;
use super::plain;
use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, LeftOut, Place, shown_word};
use crate::intel::canonical::{About, Details, Found, Object};
use crate::intel::lint::Fixed;
use crate::limits::prose::{PROSE_MAX_OCTETS, PROSE_SENTENCE_MAX_OCTETS, PROSE_TEXT_MAX_OCTETS, PROSE_VALUES_MAX};

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
        let text = text_of(octets)?;
        let marked = document::marked_in(&text);
        let (kept, blocks) = match text.trim_start().starts_with(['{', '[']) {
            // Who says that it is a text is believed.
            true => (text, Vec::new()),
            false => attached::without_blocks(&text),
        };
        let mut document = Document { marked, ..Document::of_text(kept) };
        for what in blocks {
            document.leave("a part of it".to_owned(), what, true);
        }
        document
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
    let text = text.unwrap_or_else(|| {
        String::from_utf8_lossy(octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&octets)).into_owned()
    });
    // Old programs end lines with CR alone.
    Ok(if text.contains('\n') { text } else { text.replace('\r', "\n") })
}

/// A word that may be a value.
struct Candidate {
    seen: Seen,
    /// Written so that nobody clicks on it.
    is_defanged: bool,
    /// A line of a list, where nobody writes anything else.
    is_listed: bool,
}

impl Candidate {
    fn is_meant(&self) -> bool {
        self.is_defanged || self.is_listed
    }
}

/// What has been found in a document, each value once.
#[derive(Default)]
struct Candidates {
    all: Vec<Candidate>,
    places: HashMap<String, usize>,
}

impl Candidates {
    fn is_full(&self) -> bool {
        self.all.len() > PROSE_VALUES_MAX
    }

    fn add(&mut self, mut candidate: Candidate, sentence: &dyn Fn() -> String) {
        match self.places.get(&candidate.seen.value).and_then(|place| self.all.get_mut(*place)) {
            Some(known) => {
                known.seen.times += 1;
                // Meant as a value in one place, it is meant; and where only a version's number was in doubt, it is none.
                let was_doubted = matches!(known.seen.fate, Fate::Refused(_)) && !known.is_meant();
                let is_taken = matches!(candidate.seen.fate, Fate::Taken(_));
                if (candidate.is_meant() && !known.is_meant()) || (was_doubted && is_taken) {
                    candidate.seen.times = known.seen.times;
                    candidate.seen.sentence = sentence();
                    *known = candidate;
                }
            }
            None => {
                candidate.seen.sentence = sentence();
                self.places.insert(candidate.seen.value.clone(), self.all.len());
                self.all.push(candidate);
            }
        }
    }
}

/// All of a document.
fn search(document: Document) -> Result<Reading, BadFile> {
    let Document { parts, unread, own_domains, marked } = document;
    let mut tlp = marked;
    let mut found = Candidates::default();
    for part in &parts {
        tlp = tlp.max(marking::of_list(&part.text));
        match part.is_list {
            true => in_list(part, &mut found),
            false => in_text(part, &own_domains, &mut found),
        }
    }
    if found.is_full() {
        return Err(BadFile::Format(format!(
            "it names more than {PROSE_VALUES_MAX} values, which no report does; if it is a list, say which: --format"
        )));
    }
    let candidates = found.all;
    let is_defanged =
        candidates.iter().any(|candidate| candidate.is_defanged && matches!(candidate.seen.fate, Fate::Taken(_)));
    let fixed = Fixed::default();
    let seen = candidates.into_iter().map(|candidate| decided(candidate, is_defanged, tlp, &fixed)).collect();
    Ok(Reading { seen, unread, tlp, is_defanged })
}

/// All of a text.
fn in_text(part: &Part, own_domains: &[String], found: &mut Candidates) {
    let text = word::closed_up(&part.text);
    let mut before = "";
    let (mut line, mut closed) = (0, false);
    let lines: Vec<&str> = text.lines().collect();
    let listed = judge::listed(&lines);
    let mut chain: Chain = None;
    word::each(&text, &mut |word| {
        while line < word.line {
            let own = usize::try_from(line).ok().and_then(|line| lines.get(line)).copied().unwrap_or_default();
            closed = judge::closes(own).unwrap_or(closed);
            line += 1;
        }
        let last = std::mem::replace(&mut before, word.text);
        if found.is_full() {
            return;
        }
        let of_list = usize::try_from(line.saturating_sub(1)).ok().and_then(|line| listed.get(line)).copied();
        let closed = closed && of_list != Some(true);
        let Some(mut candidate) = candidate(&word, last, closed, own_domains) else { return };
        if let Some(number) = version::number(word.text) {
            let (at, long) = (word.at, word.text.len());
            let is_taken = matches!(candidate.seen.fate, Fate::Taken(_));
            let is_doubted = is_taken && version::may_be_one(&text, at, number, long, chain);
            if is_doubted {
                candidate.seen.fate = Fate::Refused(version::DOUBTED.to_owned());
            }
            // By the word before it a version for sure, or else by what stands around it.
            chain = Some((at + long, is_doubted || !is_taken));
        }
        candidate.seen.part = lines::word(&part.name);
        found.add(candidate, &|| sentence::around(&text, word.at, word.text.len()));
    });
}

/// All of a plain list: what stands there is meant.
fn in_list(part: &Part, found: &mut Candidates) {
    for (line, text) in (1..).zip(part.text.split('\n')) {
        if found.is_full() {
            return;
        }
        // What is no text was refused before.
        let entry = plain::entry_of(text.as_bytes()).unwrap_or_default();
        if entry.is_empty() {
            continue;
        }
        let taken = |pattern: Pattern, about| {
            (pattern.to_plain(), Fate::Taken(Box::new(Found { pattern, about, object: Object::default() })))
        };
        let (value, fate) = match value::read(entry, Names::Domain) {
            Ok(Value::Pattern(pattern)) => taken(pattern, About::default()),
            Ok(Value::OfUrl(pattern)) => taken(pattern, About::default().of_url(entry)),
            Ok(Value::Clue(kind)) => (entry.to_owned(), Fate::Clue(kind)),
            Err(why) => (lines::word(entry), Fate::Refused(why)),
        };
        let name = lines::word(&part.name);
        let seen = Seen { part: name, line, value, sentence: String::new(), times: 1, fate };
        let candidate = Candidate { seen, is_defanged: false, is_listed: true };
        found.add(candidate, &|| lines::printable(text.trim(), 2 * PROSE_SENTENCE_MAX_OCTETS));
    }
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
        Some(Candidate { seen, is_defanged, is_listed: false })
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
    let is_meant = candidate.is_meant();
    let mut seen = candidate.seen;
    seen.fate = match seen.fate {
        // Nobody puts brackets into every address, and no text's own links are addresses.
        Fate::Taken(found) if is_text_defanged && !is_meant && !judge::is_public_address(&found.pattern, fixed) => {
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
mod attached_tests;
#[cfg(test)]
mod tests;
