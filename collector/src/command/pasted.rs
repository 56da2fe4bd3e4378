//! What somebody has pasted at a page: looked at first, line by line, and then taken in as `indicator import` takes in a file.

use anyhow::{anyhow, bail};
use indicatif::ProgressBar;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::import::{ImportArguments, InPart, about, import_of};
use crate::intel::canonical::{About, Found};
use crate::intel::format::{Format, Item, LeftOut, Options, Place, no_feed};
use crate::intel::hidden;
use crate::intel::import::{Importer, as_of};
use crate::intel::lifetime::is_over;
use crate::io::intake::Intake;
use crate::io::staging::StageFile;
use crate::limits::desk::PASTED_SHOWN;
use crate::store::{Scope, Store};

/// As what a text stands in the audit that came from no file.
const NAME: &str = "pasted text";

/// What was pasted, and what is said of all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pasted {
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub source: String,
    /// What it belongs to; empty = what it says itself.
    pub threat: String,
    /// Its marking; none = what it says itself, else TLP:AMBER.
    pub tlp: Option<Tlp>,
    /// How it is written; none = found out.
    pub format: Option<Format>,
}

/// What becomes of something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is taken in, and goes out with the next list.
    Taken,
    /// The same, and it is known already.
    Known(i64),
    /// It is taken in and held back by this rule of lint.
    Held(String),
    /// It is taken in, and is older than its kind lives.
    Over,
    /// It is taken in, and marked TLP:RED: it goes out only where somebody says so.
    Red,
    /// No sensor can look for it: kept for people.
    Clue,
    /// Its source says that it is harmless.
    Harmless,
    /// It was seen and not taken.
    Passed(String),
    /// It is left out.
    LeftOut(String),
}

/// Something in what was pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// On which line, or in which object.
    pub place: Place,
    /// What it is; nothing where few may read it.
    pub value: Option<String>,
    /// What kind: as indicators have it, or what no sensor looks for.
    pub kind: String,
    /// The sentence around it.
    pub sentence: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// As what it is read.
    pub format: Format,
    /// What it says of all of itself.
    pub own_word: Option<Tlp>,
    /// The first of it, in the order in which it stands there.
    pub seen: Vec<Seen>,
    /// How many there are beyond those.
    pub more: u64,
    /// What is taken in.
    pub taken: u64,
    /// Of that, what lint holds back, what is over, what is marked TLP:RED.
    pub held: u64,
    /// What is left out.
    pub left_out: u64,
    /// What was seen and is not taken, what is harmless, what is for people.
    pub beside: u64,
}

fn arguments(pasted: &Pasted) -> ImportArguments {
    let threat = Some(pasted.threat.clone()).filter(|threat| !threat.is_empty());
    let (source, tlp, format) = (Some(pasted.source.clone()), pasted.tlp, Some(pasted.format));
    ImportArguments { file: NAME.to_owned(), source, threat, tlp, format, ..ImportArguments::default() }
}

fn taken(found: &Found, known: &mut Known<'_>) -> Fate {
    let tlp = found.about.tlp.unwrap_or_default();
    match known.linter.holds(&found.pattern, found.about.details.of_url) {
        Some(finding) => Fate::Held(finding.key()),
        None if is_over(found, known.lifetimes, known.now) => Fate::Over,
        None if tlp == Tlp::Red => Fate::Red,
        None => Fate::Taken,
    }
}

struct Known<'a> {
    linter: &'a crate::intel::lint::Linter,
    lifetimes: &'a crate::intel::lifetime::Lifetimes,
    now: Timestamp,
}

fn without(left_out: LeftOut) -> (Place, Option<String>, String) {
    let LeftOut { place, text, why } = left_out;
    (place, Some(text).filter(|text| !text.is_empty()), why)
}

impl Looked {
    fn add(&mut self, seen: Seen) {
        match &seen.fate {
            Fate::Taken | Fate::Known(_) => self.taken += 1,
            Fate::Held(_) | Fate::Over | Fate::Red => {
                self.taken += 1;
                self.held += 1;
            }
            Fate::LeftOut(_) => self.left_out += 1,
            Fate::Clue | Fate::Harmless | Fate::Passed(_) => self.beside += 1,
        }
        if self.seen.len() < PASTED_SHOWN {
            self.seen.push(seen);
        } else {
            self.more += 1;
        }
    }

    fn take(&mut self, item: Item, known: &mut Known<'_>) {
        let bare = |place, kind: String, fate| Seen { place, value: None, kind, sentence: None, fate };
        match item {
            Item::Found(place, found) => {
                let is_shown = hidden::is_shown(found.about.tlp);
                self.add(Seen {
                    place,
                    value: is_shown.then(|| found.pattern.to_plain()),
                    kind: found.pattern.target.kind().to_string(),
                    sentence: found.about.details.note.clone().filter(|_| is_shown),
                    fate: taken(&found, known),
                });
            }
            Item::Harmless(place, found) => {
                let kind = found.pattern.target.kind().to_string();
                let value = hidden::is_shown(found.about.tlp).then(|| found.pattern.to_plain());
                self.add(Seen { value, ..bare(place, kind, Fate::Harmless) });
            }
            Item::Clue(clue) => {
                let value = Some(clue.value).filter(|_| hidden::is_shown(clue.tlp));
                self.add(Seen { value, ..bare(Place::Object(clue.object_id), clue.kind, Fate::Clue) });
            }
            Item::PassedBy(left_out, tlp) => {
                let (place, value, why) = without(left_out);
                let value = value.filter(|_| hidden::is_shown(tlp));
                self.add(Seen { value, ..bare(place, String::new(), Fate::Passed(why)) });
            }
            Item::LeftOut(left_out) => {
                let (place, value, why) = without(left_out);
                self.add(Seen { value, ..bare(place, String::new(), Fate::LeftOut(why)) });
            }
            Item::Withdrawn(_) | Item::Silent(_) | Item::PassedOver => self.beside += 1,
        }
    }
}

/// Looks at what was pasted; nothing is changed.
///
/// # Errors
/// That it cannot be read, in words; the database's own.
pub async fn look(store: &Store, pasted: &Pasted, now: Timestamp) -> anyhow::Result<Looked> {
    let (linter, lifetimes) = (store.linter(Scope::Operator, now).await?, store.lifetimes(Scope::Operator).await?);
    let about: About = about(&arguments(pasted))?;
    let intake = Intake::gather(pasted.text.as_bytes(), store.directory())?;
    let format = pasted.format.unwrap_or_else(|| Format::detect(&intake.head));
    if let Some(why) = no_feed::refusal(format, &intake.head) {
        bail!("{why}");
    }
    let importer = Importer::new(about, format, &intake.head);
    let own_word = importer.own_word();
    let mut looked = Looked { format, own_word, seen: Vec::new(), more: 0, taken: 0, held: 0, left_out: 0, beside: 0 };
    let mut known = Known { linter: &linter, lifetimes: &lifetimes, now };
    let (mut batches, read) = intake.read(format, Options::default(), importer, &ProgressBar::hidden());
    while let Some(batch) = batches.recv().await {
        batch.into_iter().for_each(|item| looked.take(as_of(item, now), &mut known));
    }
    if let Err(error) = read.await.map_err(|_| anyhow!("it was not read to its end"))? {
        bail!("{error}");
    }
    for seen in &mut looked.seen {
        if let (Fate::Taken, Some(value)) = (&seen.fate, &seen.value)
            && let Some(named) = store.indicator_named(Scope::Operator, value).await?
        {
            seen.fate = Fate::Known(named.id);
        }
    }
    Ok(looked)
}

/// Whether another import is under way: nobody waits for that at a page.
pub fn is_busy(store: &Store) -> bool {
    StageFile::is_busy(store.directory())
}

/// Takes in what was looked at, as `indicator import` does.
///
/// # Errors
/// Why nothing of it is taken in.
pub async fn take_in(store: &Store, pasted: &Pasted) -> anyhow::Result<()> {
    let intake = Intake::gather(pasted.text.as_bytes(), store.directory())?;
    match import_of(store.directory(), store, arguments(pasted), (NAME.to_owned(), intake)).await {
        // What was left out stood on the page before.
        Err(error) if error.is::<InPart>() => Ok(()),
        done => done,
    }
}
