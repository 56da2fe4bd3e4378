//! The pages on which an advisory is written: the form with what is wrong in it, and the draft as members will read it, with whom it goes
//! to, who gets mail and who must be rung.

use std::collections::BTreeSet;

use askama::Template;
use varde_common::tlp::Tlp;

use super::advisory_page::{CallRow, PageView, Piece, call, pieces};
use super::page::{Extent, Head};
use super::shown::Shown;
use super::text::{Language, Texts};
use super::view::{Reader, size};
use crate::advisory::Audience;
use crate::limits::advisory::{ADVISED_MEASURES_MAX, TEXT_MAX_OCTETS, TITLE_MAX_OCTETS};
use crate::measure::Bank;
use crate::store::advisory::heard::Recipient;
use crate::store::advisory::{AdvisoryView, Text};

/// What was filled in, as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filled {
    /// Heading and text of each language, in the order of [`Language::ALL`].
    pub texts: [(String, String); 3],
    /// A marking.
    pub tlp: String,
    /// A word of [`Audience`].
    pub audience: String,
    /// Numbers of members.
    pub numbers: String,
    /// Keys of measures.
    pub measures: Vec<String>,
}

/// What is wrong in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// No heading in a language that has a text, or one that is too long.
    Title(Language),
    /// No text in a language that has a heading.
    NoText(Language),
    /// One that is too long, or holds what steers a terminal.
    Text(Language),
    /// Neither in bokmål nor in nynorsk.
    NothingWritten,
    /// No marking of that name.
    Tlp,
    /// Nobody was chosen.
    Nobody,
    /// No member has this number.
    NoMember(String),
    /// Nothing it could go to the members of.
    NoCampaign,
    /// More measures than anybody does, or one that is not there.
    Measures,
    /// Somebody else has changed the draft since it was shown.
    Changed,
}

/// What is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field.
    pub field: String,
    /// The sentence.
    pub words: Shown,
}

/// Heading and text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextField {
    /// nb, nn or en.
    pub tag: &'static str,
    /// The language's own name.
    pub name: &'static str,
    /// The heading.
    pub title: Shown,
    /// The text.
    pub body: Shown,
    /// What is wrong in it.
    pub is_wrong: bool,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub word: String,
    /// What it says.
    pub label: Shown,
    /// More of it.
    pub more: Shown,
    /// It is chosen.
    pub is_chosen: bool,
    /// It was proposed.
    pub is_proposed: bool,
}

/// The form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteView {
    /// Where it is sent.
    pub action: String,
    /// A draft is changed, else one begins.
    pub is_change: bool,
    /// The draft that is changed, by what stood in it when it was shown.
    pub seal: String,
    /// Where the draft is shown as it is now, after somebody else has changed it.
    pub as_it_is: Option<String>,
    /// The campaign it is about: its number.
    pub campaign: Option<i64>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What it says.
    pub texts: Vec<TextField>,
    /// Its marking.
    pub tlps: Vec<Choice>,
    /// Whom it goes to.
    pub audiences: Vec<Choice>,
    /// Those that are named.
    pub numbers: Shown,
    /// The bank, what is proposed first.
    pub measures: Vec<Choice>,
    /// Octets of a text at most.
    pub text_max: usize,
    /// Octets of a heading at most.
    pub title_max: usize,
}

fn problem(wrong: &Wrong, texts: &Texts) -> Problem {
    let count = |octets: usize| size(octets);
    let in_language = |key: &str, language: Language| texts.with(key, &[("language", language.name())]);
    let (field, words) = match wrong {
        Wrong::Title(language) => {
            let most = count(TITLE_MAX_OCTETS).to_string();
            let words = texts.with("write-wrong-title", &[("language", language.name()), ("most", &most)]);
            (format!("title-{}", language.tag()), words)
        }
        Wrong::NoText(language) => (format!("text-{}", language.tag()), in_language("write-wrong-no-text", *language)),
        Wrong::Text(language) => {
            let most = count(TEXT_MAX_OCTETS).to_string();
            let words = texts.with("write-wrong-text", &[("language", language.name()), ("most", &most)]);
            (format!("text-{}", language.tag()), words)
        }
        Wrong::NothingWritten => ("title-nb".to_owned(), texts.say("write-wrong-nothing")),
        Wrong::Tlp => ("tlp".to_owned(), texts.say("write-wrong-tlp")),
        Wrong::Nobody => ("numbers".to_owned(), texts.say("write-wrong-nobody")),
        Wrong::NoMember(number) => ("numbers".to_owned(), texts.with("write-wrong-member", &[("number", number)])),
        Wrong::NoCampaign => ("numbers".to_owned(), texts.say("write-wrong-campaign")),
        Wrong::Measures => {
            let most = [("most", count(ADVISED_MEASURES_MAX))];
            ("measures".to_owned(), texts.numbers("write-wrong-measures", &most))
        }
        Wrong::Changed => ("as-it-is".to_owned(), texts.say("write-wrong-changed")),
    };
    Problem { field, words: Shown::whole(&words) }
}

fn tlp_words(tlp: Tlp, texts: &Texts) -> String {
    match tlp {
        Tlp::Clear => texts.say("write-tlp-clear"),
        Tlp::Green => texts.say("write-tlp-green"),
        Tlp::Amber => texts.say("write-tlp-amber"),
        Tlp::AmberStrict => texts.say("write-tlp-strict"),
        Tlp::Red => texts.say("write-tlp-red"),
    }
}

impl WriteView {
    /// From what was filled in, or is there; `campaign` is what it is about, and `seal` the draft that is changed.
    pub fn of(
        (action, seal): (String, Option<String>),
        campaign: Option<i64>,
        filled: &Filled,
        wrong: &[Wrong],
        (bank, proposed): (&Bank, &[String]),
        texts: &Texts,
    ) -> WriteView {
        let is_wrong = |language: Language| {
            wrong.iter().any(|one| {
                matches!(one, Wrong::Title(of) | Wrong::NoText(of) | Wrong::Text(of) if *of == language)
                    || (*one == Wrong::NothingWritten && language == Language::Bokmaal)
            })
        };
        let text = |(language, (title, body)): (Language, &(String, String))| TextField {
            tag: language.tag(),
            name: language.name(),
            title: Shown::long(title),
            body: Shown::long(body),
            is_wrong: is_wrong(language),
        };
        let tlps = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red].map(|tlp| {
            let word = tlp.to_string();
            Choice {
                is_chosen: filled.tlp == word,
                label: Shown::of(&format!("{word}: {}", tlp_words(tlp, texts))),
                more: Shown::default(),
                word,
                is_proposed: false,
            }
        });
        let audience = |audience: Audience| {
            let words = match audience {
                Audience::Campaign => texts.say("write-to-campaign"),
                Audience::All => texts.say("write-to-all"),
                Audience::Chosen => texts.say("write-to-chosen"),
            };
            let word = audience.as_str().to_owned();
            let is_chosen = filled.audience == word;
            Choice { word, label: Shown::of(&words), more: Shown::default(), is_chosen, is_proposed: false }
        };
        let audiences = [Audience::Campaign, Audience::Chosen, Audience::All];
        let offered = audiences.into_iter().filter(|one| *one != Audience::Campaign || campaign.is_some());
        let (known, chosen): (BTreeSet<&String>, BTreeSet<&String>) =
            (proposed.iter().collect(), filled.measures.iter().collect());
        let mut measures: Vec<Choice> = bank
            .all()
            .iter()
            .map(|measure| {
                let content = measure.contents.of(texts.language());
                Choice {
                    word: measure.key.clone(),
                    label: Shown::whole(&content.title),
                    more: Shown::whole(&content.why),
                    is_chosen: chosen.contains(&measure.key),
                    is_proposed: known.contains(&measure.key),
                }
            })
            .collect();
        measures.sort_by_key(|one| !(one.is_proposed || one.is_chosen));
        let draft = action.strip_suffix("/rediger").filter(|_| wrong.contains(&Wrong::Changed));
        WriteView {
            as_it_is: draft.map(|draft| format!("{draft}/utkast")),
            action,
            is_change: seal.is_some(),
            seal: seal.unwrap_or_default(),
            campaign,
            problems: wrong.iter().map(|one| problem(one, texts)).collect(),
            texts: Language::ALL.into_iter().zip(&filled.texts).map(text).collect(),
            tlps: tlps.into(),
            audiences: offered.map(audience).collect(),
            numbers: Shown::long(&filled.numbers),
            measures,
            text_max: TEXT_MAX_OCTETS,
            title_max: TITLE_MAX_OCTETS,
        }
    }
}

/// Why a draft was not sent that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// Without the word that it was read.
    Unread,
    /// It is another than was read.
    Changed,
}

/// What a draft says in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftText {
    /// nb, nn or en.
    pub tag: &'static str,
    /// The language's own name.
    pub name: &'static str,
    /// Its heading.
    pub title: Shown,
    /// Its text.
    pub pieces: Vec<Piece>,
}

/// The draft, before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftView {
    /// As members read it.
    pub page: PageView,
    /// Every text of it: whichever of them a member reads, somebody has read it before.
    pub texts: Vec<DraftText>,
    /// What stands in it, as one value.
    pub seal: String,
    /// How many members it goes to, how many of them get mail.
    pub reach: Vec<String>,
    /// Who gets none, and is rung.
    pub calls: Vec<CallRow>,
    /// All whom it goes to.
    pub members: Vec<(String, Shown)>,
    /// Why it cannot be sent; none = it can.
    pub stopped: Option<String>,
    /// Its measures were proposed: each member reads those that are for it.
    pub is_by_member: bool,
    /// Why it was not sent, where somebody asked for that.
    pub unsent: Option<String>,
}

impl DraftView {
    /// From facts; `with_mail` where mail is sent from here.
    pub fn of(
        page: PageView,
        view: &AdvisoryView,
        recipients: &[Recipient],
        (with_mail, has_text, is_by_member, unsent): (bool, bool, bool, Option<Unsent>),
        reader: &Reader,
    ) -> DraftView {
        let texts = reader.texts;
        let is_written = |one: &&Recipient| with_mail && one.has_address && one.mail_distrusted.is_none();
        let written = recipients.iter().filter(is_written).count();
        let rung: Vec<&Recipient> = recipients.iter().filter(|one| !is_written(one)).collect();
        let mut reach = vec![texts.count("draft-members", size(recipients.len()))];
        if with_mail {
            let numbers = [("mail", size(written)), ("of", size(recipients.len()))];
            reach.push(texts.numbers("draft-mails", &numbers));
        } else {
            reach.push(texts.say("draft-no-mail"));
        }
        let stopped = match (has_text, recipients.is_empty()) {
            (false, _) => Some(texts.say("write-wrong-nothing")),
            (true, true) => Some(texts.say("draft-nobody")),
            (true, false) => None,
        };
        let text = |text: &Text| {
            let language = Language::from_tag(&text.language)?;
            let (title, pieces) = (Shown::of(&text.title), pieces(&text.body));
            Some(DraftText { tag: language.tag(), name: language.name(), title, pieces })
        };
        DraftView {
            page,
            texts: view.texts.iter().filter_map(text).collect(),
            seal: view.seal.clone().unwrap_or_default(),
            reach,
            calls: rung.into_iter().map(|one| call(one, reader)).collect(),
            members: recipients.iter().map(|one| (one.number.clone(), Shown::of(&one.name))).collect(),
            stopped,
            is_by_member,
            unsent: unsent.map(|why| match why {
                Unsent::Unread => texts.say("draft-unread"),
                Unsent::Changed => texts.say("draft-unsent-changed"),
            }),
        }
    }
}

#[derive(Template)]
#[template(path = "advisory_write.html", blocks = ["content"])]
struct WritePage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a WriteView,
}

#[derive(Template)]
#[template(path = "advisory_draft.html", blocks = ["content"])]
struct DraftPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a DraftView,
}

/// The form.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn write_page(head: &Head, view: &WriteView, extent: Extent) -> askama::Result<String> {
    let page = WritePage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// The draft.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn draft_page(head: &Head, view: &DraftView, extent: Extent) -> askama::Result<String> {
    let page = DraftPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}
