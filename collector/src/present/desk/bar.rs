//! What stands above a list: its tokens as chips, quick ranges, what is hidden, what was not understood, what is saved.

use super::asked::Asked;
use super::sentence;
use crate::filter::List;
use crate::present::shown::Shown;
use crate::present::view::Reader;
use crate::range::Quick;
use crate::store::desk::Hidden;
use crate::store::saved_view::SavedView;

/// A token, and the address without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// As it is typed.
    pub text: Shown,
    /// For those who do not see the cross.
    pub label: String,
    /// Where it is not.
    pub address: String,
}

/// A link of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What it says.
    pub words: String,
    /// Where it leads.
    pub address: String,
    /// It is what is shown.
    pub chosen: bool,
}

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: Shown,
    /// What it asks.
    pub filter: Shown,
    /// Where it leads.
    pub address: String,
    /// All analysts have it.
    pub shared: bool,
    /// It is the reader's own.
    pub own: bool,
    /// Whose it is.
    pub owner: Shown,
}

impl Saved {
    /// From what is stored, for this reader.
    pub fn of(view: &SavedView, who: &str, now: varde_common::time::Timestamp) -> Saved {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", &view.filter).append_pair("t", &view.quick);
        // Read as any address is: what a later program would not understand is told there.
        let asked = Asked::read(view.list, &query.finish(), 1, now);
        Saved {
            id: view.id,
            name: Shown::of(&view.name),
            filter: Shown::of(&view.filter),
            address: asked.own(),
            shared: view.shared,
            own: view.owner == who,
            owner: Shown::of(&view.owner),
        }
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The list's address.
    pub path: &'static str,
    /// The list's word, for forms.
    pub list: &'static str,
    /// As the filter was typed, or would be.
    pub typed: Shown,
    /// What it would be in an address.
    pub canonical: String,
    /// Its tokens.
    pub chips: Vec<Chip>,
    /// Quick ranges.
    pub ranges: Vec<Choice>,
    /// The range as it is asked for: name and value.
    pub range: Vec<(&'static str, String)>,
    /// The quick range, to save it by.
    pub quick: &'static str,
    /// From when to when, where no quick range is shown.
    pub between: Option<String>,
    /// Twice as long.
    pub wider: Option<String>,
    /// What was not understood.
    pub troubles: Vec<String>,
    /// What is hidden, and where it is shown.
    pub hidden: Option<(String, String)>,
    /// What is hidden is shown; where it is not.
    pub all: Option<String>,
    /// Its own address.
    pub own: String,
    /// As files.
    pub exports: Vec<Choice>,
    /// What is saved.
    pub saved: Vec<Saved>,
    /// The next page.
    pub next: Option<String>,
    /// Examples of tokens.
    pub example: &'static str,
}

impl Bar {
    /// Above a list of which so much is hidden.
    pub fn of(asked: &Asked, hidden: Hidden, next: Option<String>, saved: Vec<Saved>, reader: &Reader) -> Bar {
        let (texts, question) = (reader.texts, &asked.question);
        let (filter, range, all) = (&question.filter, &question.range, question.all);
        let chips = filter.tokens.iter().enumerate().map(|(place, token)| {
            let text = Shown::of(&token.to_text(texts.language()));
            Chip {
                label: texts.with("desk-chip-remove", &[("token", text.as_str())]),
                text,
                address: asked.address(&filter.without(place), range, all),
            }
        });
        let quick = |quick: Quick| {
            let words = sentence::quick(quick, texts);
            let to = crate::range::Range::quick(quick, question.now);
            Choice { words, address: asked.address(filter, &to, all), chosen: range.quick == Some(quick) }
        };
        let mut troubles: Vec<String> =
            asked.troubles.iter().map(|trouble| sentence::trouble(trouble, asked.list, texts)).collect();
        troubles.extend(asked.bad_range.map(|why| sentence::bad_range(why, texts)));
        if asked.bad_cursor {
            troubles.push(texts.say("desk-cursor-bad"));
        }
        let file = |form: &'static str, words: String| Choice { words, address: asked.export(form), chosen: false };
        let mut exports = vec![file("csv", "CSV".to_owned()), file("json", "JSON".to_owned())];
        if asked.list == List::Alerts {
            exports.push(file("defanged", texts.say("desk-export-defanged")));
        }
        Bar {
            path: asked.list.path(),
            list: asked.list.as_str(),
            typed: match asked.troubles.is_empty() {
                true => Shown::of(&filter.to_text(texts.language())),
                false => Shown::of(&asked.typed),
            },
            canonical: filter.canonical(),
            chips: chips.collect(),
            ranges: Quick::ALL.into_iter().map(quick).collect(),
            range: range.parameters(),
            quick: range.quick.unwrap_or_default().as_str(),
            between: range.quick.is_none().then(|| {
                let to = reader.calendar.moment(range.end(question.now)).shown;
                format!("{} – {to}", reader.calendar.moment(range.from).shown)
            }),
            wider: range.wider(question.now).map(|wider| asked.address(filter, &wider, all)),
            troubles,
            hidden: hidden_words(asked.list, hidden, reader).map(|words| (words, asked.address(filter, range, true))),
            all: all.then(|| asked.address(filter, range, false)),
            own: asked.own(),
            exports,
            saved,
            next,
            example: match asked.list {
                List::Alerts => "medlem:3407 -kilde:liste tlp:amber langt:kontakt+ alvor:høy+ status:ny øvelse:nei",
                List::Incidents => "medlem:3407 alvor:høy+ status:ny ansvarlig:ingen øvelse:nei",
                List::Campaigns => "alvor:høy+ ansvarlig:ingen status:lukket",
                List::Indicators => super::asked::INDICATORS_EXAMPLE,
            },
        }
    }
}

fn hidden_words(list: List, hidden: Hidden, reader: &Reader) -> Option<String> {
    let texts = reader.texts;
    let mut parts = Vec::new();
    if hidden.muted > 0 {
        parts.push(texts.count("desk-hidden-muted", hidden.muted));
    }
    if hidden.settled > 0 {
        parts.push(match list {
            List::Alerts => texts.count("desk-hidden-settled", hidden.settled),
            List::Incidents | List::Campaigns | List::Indicators => texts.count("desk-hidden-closed", hidden.settled),
        });
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
