//! What a mail, a PDF or a pasted text is taken apart into: its texts with their names, what of it nobody could read, and whose it
//! is.

use serde::{Deserialize, Serialize};
use varde_common::tlp::Tlp;

use super::super::{marking, stix};
use crate::limits::prose::{PROSE_PARTS_MAX, PROSE_TEXT_MAX_OCTETS};

/// Taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Document {
    /// Its texts, in order.
    pub parts: Vec<Part>,
    /// What is in it and was not read.
    pub unread: Vec<Unread>,
    /// Domains of who wrote it and to whom: contact, not indicators. Of a mail within a mail there are none.
    pub own_domains: Vec<String>,
    /// The strictest marking that was said in any of its texts, in those too that are not searched: what is cut out of a mail still
    /// speaks of all of it.
    #[serde(default)]
    pub marked: Option<Tlp>,
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What people call it: `subject`, `text`, `report.pdf, page 2`; empty where there is but one.
    pub name: String,
    /// It.
    pub text: String,
    /// One value a line, meant as it stands.
    #[serde(default)]
    pub is_list: bool,
}

/// What is in a document and was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What people call it.
    pub name: String,
    /// Why.
    pub why: String,
    /// Whether indicators may well stand in it: in a spreadsheet, not in a logo.
    pub matters: bool,
}

impl Document {
    /// Of a text alone.
    pub fn of_text(text: String) -> Document {
        Document { parts: vec![Part { name: String::new(), text, is_list: false }], ..Document::default() }
    }

    /// Heeds what a text says of markings, whatever becomes of it.
    pub(super) fn heed(&mut self, text: &str) {
        self.marked = self.marked.max(marked_in(text));
    }

    /// One more text; what is beyond the bounds is said to be unread.
    pub(super) fn add(&mut self, name: String, text: String) {
        self.add_part(Part { name, text, is_list: false });
    }

    /// The same of any part.
    pub(super) fn add_part(&mut self, part: Part) {
        let Part { name, text, is_list } = part;
        if text.trim().is_empty() {
            return;
        }
        let octets: usize = self.parts.iter().map(|part| part.text.len()).sum();
        if self.parts.len() >= PROSE_PARTS_MAX || octets + text.len() > PROSE_TEXT_MAX_OCTETS {
            self.leave(name, "there is more text than is searched; split it", true);
        } else {
            self.parts.push(Part { name, text, is_list });
        }
    }

    /// Something that is not read.
    pub(super) fn leave(&mut self, name: String, why: &str, matters: bool) {
        if self.unread.len() < PROSE_PARTS_MAX {
            self.unread.push(Unread { name, why: why.to_owned(), matters });
        }
    }

    /// The same of what is attached, under its name. Whose it is stays with it: who forwards a mail of an attacker's does not vouch for
    /// the attacker's names.
    pub(super) fn take_in(&mut self, name: &str, other: Document) {
        self.marked = self.marked.max(other.marked);
        for part in other.parts {
            self.add_part(Part { name: named(name, &part.name), ..part });
        }
        for unread in other.unread {
            self.leave(named(name, &unread.name), &unread.why, unread.matters);
        }
    }
}

/// The strictest marking that a text says, in words or as STIX names it.
pub(super) fn marked_in(text: &str) -> Option<Tlp> {
    marking::of_list(text).max(stix::marking::named_in(text))
}

fn named(above: &str, name: &str) -> String {
    match (above.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (false, true) => above.to_owned(),
        (false, false) => format!("{above}, {name}"),
    }
}
