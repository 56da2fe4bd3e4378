//! The page of the audit: whether it is whole, and what was done, by whom, on whom, narrowed by what the address says; the same as a file.

use askama::Template;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_common::trust::hex;

use super::desk::bar::Choice;
use super::desk::export::{Cut, Export};
use super::desk::sentence::{self, bad_range};
use super::page::{Extent, Head};
use super::shown::{Moment, Shown, number};
use super::text::{Language, Texts};
use super::view::{Reader, size};
use crate::audit::{Entry, Sound, Wrong};
use crate::limits::people::ASKED_MAX_CHARACTERS;
use crate::range::{BadRange, Quick, Range};
use crate::store::audit_search::{Found, Looked};

/// Where it is.
pub const AUDIT: &str = "/revisjon";

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAsked {
    /// As the store is asked.
    pub looked: Looked,
    /// The quick range that is shown; none = all of it, or from one moment to another.
    quick: Option<Quick>,
    /// What of the range was not understood.
    bad_range: Option<BadRange>,
}

impl AuditAsked {
    /// Reads a query; without a range all of it is looked through.
    pub fn read(query: &str, now: Timestamp) -> AuditAsked {
        let value = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.map_or(String::new(), |(_, value)| value.trim().chars().take(ASKED_MAX_CHARACTERS).collect())
        };
        let (quick, from, to) = (value("t"), value("fra"), value("til"));
        let looked = Looked {
            who: value("hvem"),
            what: value("hva"),
            from: None,
            to: None,
            before: value("etter").parse().ok(),
        };
        let all = AuditAsked { looked, quick: None, bad_range: None };
        if quick.is_empty() && from.is_empty() && to.is_empty() {
            return all;
        }
        match Range::read(Some(&quick), Some(&from), Some(&to), now) {
            Ok(range) => {
                let looked = Looked { from: Some(range.from), to: range.to, ..all.looked };
                AuditAsked { looked, quick: range.quick, bad_range: None }
            }
            Err(why) => AuditAsked { bad_range: Some(why), ..all },
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let Looked { who, what, from, to, .. } = &self.looked;
        let mut pairs = Vec::new();
        pairs.extend(Some(("hvem", who.clone())).filter(|_| !who.is_empty()));
        pairs.extend(Some(("hva", what.clone())).filter(|_| !what.is_empty()));
        match self.quick {
            Some(quick) => pairs.push(("t", quick.as_str().to_owned())),
            None => {
                pairs.extend(from.map(|from| ("fra", from.to_string())));
                pairs.extend(to.map(|to| ("til", to.to_string())));
            }
        }
        pairs
    }

    fn address(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.pairs() {
            query.append_pair(name, &value);
        }
        let query = query.extend_pairs(more).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// An entry's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its place.
    pub seq: String,
    /// When.
    pub at: Moment,
    /// By whom.
    pub who: Shown,
    /// What.
    pub what: Shown,
    /// On whom.
    pub on: Shown,
    /// What was before; empty where nothing is said.
    pub was: Shown,
    /// What it became.
    pub became: Shown,
}

/// How the chain stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainView {
    /// It is being looked at for the first time.
    Looking,
    /// It is whole.
    Whole {
        /// So far, and of when it was looked.
        words: String,
        /// When.
        at: Moment,
        /// What to keep elsewhere.
        head: String,
    },
    /// It is not.
    Broken {
        /// What is wrong first, in the words of the command.
        why: Shown,
        /// When that was seen.
        at: Moment,
    },
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditView {
    /// Whether it is whole.
    pub chain: ChainView,
    /// Part of who is looked for.
    pub who: Shown,
    /// Part of what is.
    pub what: Shown,
    /// The quick range, or the moments, as the form carries them on.
    pub range: Vec<(&'static str, String)>,
    /// Quick ranges.
    pub ranges: Vec<Choice>,
    /// From when to when, where no quick range is shown.
    pub between: Option<String>,
    /// What was not understood.
    pub trouble: Option<String>,
    /// "Viser 100 av 300 som passer, av 4 000".
    pub total: String,
    /// Whether the list is narrowed.
    pub narrowed: bool,
    /// The lines.
    pub rows: Vec<EntryRow>,
    /// The next page.
    pub next: Option<String>,
    /// The same as files.
    pub exports: [(&'static str, String); 2],
}

fn chain(verified: Option<(&Result<Sound, Wrong>, Timestamp)>, newest: i64, reader: &Reader) -> ChainView {
    let texts = reader.texts;
    match verified {
        None => ChainView::Looking,
        Some((Ok(sound), at)) => {
            let Sound { entries, first, last, head, .. } = sound;
            let numbers = [
                ("entries", i64::try_from(*entries).unwrap_or(i64::MAX)),
                ("first", *first),
                ("last", *last),
                ("since", newest.saturating_sub(*last).max(0)),
            ];
            ChainView::Whole {
                words: texts.numbers("audit-whole", &numbers),
                at: reader.calendar.moment(at),
                head: format!("{head}:{first}"),
            }
        }
        Some((Err(wrong), at)) => {
            ChainView::Broken { why: Shown::whole(&wrong.to_string()), at: reader.calendar.moment(at) }
        }
    }
}

/// What came of holding the audit against itself, and when; none = it is under way.
type Verified<'a> = Option<(&'a Result<Sound, Wrong>, Timestamp)>;

impl AuditView {
    /// From what was read; `verified` is what was last found of the chain, `newest` the newest entry's place.
    pub fn of(
        asked: &AuditAsked,
        found: &Found,
        (verified, newest): (Verified<'_>, i64),
        reader: &Reader,
    ) -> AuditView {
        let texts = reader.texts;
        let Looked { who, what, from, to, before } = &asked.looked;
        let with = |quick: Option<Quick>| AuditAsked {
            looked: Looked { from: None, to: None, before: None, ..asked.looked.clone() },
            quick,
            bad_range: None,
        };
        let quick = |quick: Quick| {
            let words = sentence::quick(quick, texts);
            Choice { words, address: with(Some(quick)).address(AUDIT, &[]), chosen: asked.quick == Some(quick) }
        };
        let mut ranges: Vec<Choice> = Quick::ALL.into_iter().map(quick).collect();
        let is_all = from.is_none() && to.is_none();
        ranges.push(Choice { words: texts.say("audit-all"), address: with(None).address(AUDIT, &[]), chosen: is_all });
        let between = from.filter(|_| asked.quick.is_none()).map(|from| {
            let to = to.map_or_else(|| texts.say("audit-now"), |to| reader.calendar.moment(to).shown);
            format!("{} – {to}", reader.calendar.moment(from).shown)
        });
        let line = |entry: &Entry| EntryRow {
            seq: number(entry.seq),
            at: reader.calendar.moment(entry.at),
            who: Shown::whole(&entry.who),
            what: Shown::whole(&entry.what),
            on: Shown::whole(&entry.on),
            was: Shown::whole(&entry.was),
            became: Shown::whole(&entry.became),
        };
        let narrowed = !who.is_empty() || !what.is_empty() || !is_all;
        let numbers = [("count", size(found.entries.len())), ("fit", found.fit), ("total", found.all)];
        let key = if narrowed || before.is_some() { "audit-shown-of-fit" } else { "audit-shown" };
        let file = format!("{AUDIT}/eksport");
        let is_range = |(name, _): &(&'static str, String)| matches!(*name, "t" | "fra" | "til");
        AuditView {
            chain: chain(verified, newest, reader),
            who: Shown::of(who),
            what: Shown::of(what),
            range: asked.pairs().into_iter().filter(is_range).collect(),
            ranges,
            between,
            trouble: asked.bad_range.map(|why| bad_range(why, texts)),
            total: texts.numbers(key, &numbers),
            narrowed,
            rows: found.entries.iter().map(line).collect(),
            next: found.next.map(|next| asked.address(AUDIT, &[("etter", &next.to_string())])),
            exports: ["csv", "json"].map(|form| (form, asked.address(&file, &[("form", form)]))),
        }
    }
}

/// The same as a file: with the numbers of the members each entry concerns, and its hash.
pub fn export(found: &Found) -> Export {
    let row = |entry: &Entry| -> Map<String, Value> {
        let value = json!({
            "seq": entry.seq,
            "at": entry.at,
            "who": entry.who,
            "what": entry.what,
            "on": entry.on,
            "members": entry.member_numbers().unwrap_or_else(|| vec!["*"]),
            "before": entry.was,
            "after": entry.became,
            "hash": hex(&entry.hash),
        });
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    };
    let cut = found.next.map(|_| Cut { of: found.fit, since: None });
    // It names people and members side by side.
    Export { what: "revisjon", tlp: Tlp::AmberStrict, cut, rows: found.entries.iter().map(row).collect() }
}

#[derive(Template)]
#[template(path = "audit.html", blocks = ["content"])]
struct AuditPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a AuditView,
}

/// The page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn page(head: &Head, view: &AuditView, extent: Extent) -> askama::Result<String> {
    let page = AuditPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::shown::Calendar;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp(1_795_219_200_000_000);

    #[test]
    fn all_of_what_is_asked_stands_in_its_address() {
        let asked = AuditAsked::read("hvem=kari&hva=sensor+revoke&t=7d&etter=40", NOW);
        assert_eq!((asked.looked.who.as_str(), asked.looked.what.as_str()), ("kari", "sensor revoke"));
        assert_eq!(asked.looked.from, Some(NOW.minus(Duration::from_secs(7 * 86_400))));
        assert_eq!((asked.looked.to, asked.looked.before), (None, Some(40)));
        assert_eq!(asked.address(AUDIT, &[]), "/revisjon?hvem=kari&hva=sensor+revoke&t=7d");
        let again = AuditAsked::read(asked.address(AUDIT, &[("etter", "40")]).split_once('?').unwrap().1, NOW);
        assert_eq!(again, asked);
        let all = AuditAsked::read("hvem=&hva=&fra=&til=", NOW);
        assert_eq!((all.looked.from, all.address(AUDIT, &[])), (None, "/revisjon".to_owned()));
        assert_eq!(AuditAsked::read("t=9d", NOW).bad_range, Some(BadRange::Quick));
        let between = AuditAsked::read("fra=2026-11-01T00:00&til=2026-11-02T00:00", NOW);
        assert!(between.looked.from < between.looked.to && between.looked.to.is_some());
    }
    #[test]
    fn the_next_page_and_the_files_are_narrowed_as_the_page_is_and_a_broken_chain_is_said() {
        let asked = AuditAsked::read("hvem=kari&hva=sensor&t=7d", NOW);
        let reader =
            Reader { texts: Texts::of(Language::Bokmaal), calendar: Calendar::new(Language::Bokmaal), now: NOW };
        let found = Found { next: Some(40), fit: 200, all: 900, entries: Vec::new() };
        let wrong = Err(Wrong::Changed { seq: 2 });
        let view = AuditView::of(&asked, &found, (Some((&wrong, NOW)), 900), &reader);
        let narrowed = "hvem=kari&hva=sensor&t=7d";
        assert_eq!(view.next, Some(format!("/revisjon?{narrowed}&etter=40")));
        let files = view.exports.clone().map(|(_, address)| address);
        assert_eq!(files, ["csv", "json"].map(|form| format!("/revisjon/eksport?{narrowed}&form={form}")));
        let ChainView::Broken { why, .. } = &view.chain else { panic!("{:?}", view.chain) };
        assert!(why.as_str().contains('2'), "{why:?}");
        assert_eq!(AuditView::of(&asked, &found, (None, 900), &reader).chain, ChainView::Looking);
        assert_eq!(export(&found).tlp, Tlp::AmberStrict, "it names people and members side by side");
    }
}
