//! The front page of a member's IT: whether it is hit, what to do now and why, how its sensors are, what they are sent and what they send,
//! and whether the profile still holds. For somebody who looks twice a year, and is frightened then.

use askama::Template;

use super::advisory_page::ListRow;
use super::intel::list::SentView;
use super::leaves::Leaves;
use super::light::{LightView, is_open};
use super::member::{ContactRow, contact_rows};
use super::page::{Extent, Head};
use super::sensor::{SensorRow, State};
use super::shown::{Moment, Shown};
use super::silence::SilenceView;
use super::text::{Language, Texts};
use super::view::{Grade, Reader, Steps, incident_title, size};
use super::work::state_words;
use crate::limits::page::{HOME_INCIDENTS, HOME_MEASURES};
use crate::measure::Bank;
use crate::profile::Telephone;
use crate::store::Scope;
use crate::store::home::ToDo;
use crate::store::picture::{IncidentFacts, Picture};
use crate::store::profile::Known;
use crate::store::sent::Sent;
use crate::workflow::timeline::MeasureStatus;

/// A measure to do: its name in the bank, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its name in the bank, where its steps stand.
    pub key: Option<String>,
    /// What to do.
    pub title: Shown,
    /// It is done.
    pub is_done: bool,
}

/// An incident that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnIncident {
    /// What its address names it by.
    pub id: String,
    /// What it is called.
    pub title: Shown,
    /// How bad.
    pub grade: Grade,
    /// How far it came.
    pub steps: Steps,
    /// Since when.
    pub first: Moment,
    /// Where the work on it stands.
    pub state: String,
    /// How many others meet the same; said of three and more alone.
    pub others: Option<String>,
    /// What the address of its campaign names that by, where it is told of one.
    pub campaign: Option<String>,
    /// What to do, in order.
    pub acts: Vec<Act>,
}

/// A sensor's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSensor {
    /// How it is.
    pub row: SensorRow,
    /// What is wrong, and what to do.
    pub remedies: Vec<String>,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeView {
    /// Whose.
    pub member: Shown,
    /// Its number.
    pub number: Shown,
    /// When this was.
    pub made: Moment,
    /// Whether it is hit.
    pub light: LightView,
    /// Advisories nobody there has confirmed to have read.
    pub unread: Vec<ListRow>,
    /// What waits.
    pub incidents: Vec<OwnIncident>,
    /// Said where there are more.
    pub more_incidents: Option<String>,
    /// Its sensors.
    pub sensors: Vec<OwnSensor>,
    /// The newest list, without what is for few; none = none was published.
    pub sent: Option<SentView>,
    /// What leaves the building.
    pub leaves: Leaves,
    /// Whom the response team would ring.
    pub contacts: Vec<ContactRow>,
    /// Whether any of that is in doubt.
    pub in_doubt: bool,
    /// The response team's telephone.
    pub telephone: Option<String>,
    /// Nothing waits.
    pub is_calm: bool,
}

/// What it is made from, beside the picture.
#[derive(Debug)]
pub struct Beside<'a> {
    /// The member.
    pub known: &'a Known,
    /// What is to be done.
    pub to_do: &'a [ToDo],
    /// What sensors are sent.
    pub sent: Option<&'a Sent>,
    /// The bank of measures.
    pub bank: &'a Bank,
    /// Advisories that nobody there has confirmed to have read.
    pub unread: Vec<ListRow>,
    /// The response team's telephone.
    pub telephone: Option<&'a Telephone>,
}

/// Those that are there to be worked on, what came furthest first.
pub fn open_incidents(picture: &Picture) -> Vec<&IncidentFacts> {
    let mut open: Vec<&IncidentFacts> = picture.incidents.iter().filter(|facts| is_open(facts)).collect();
    open.sort_by_key(|facts| std::cmp::Reverse((facts.hit.word, facts.hit.evidence, facts.hit.last_seen)));
    open
}

/// How many others meet what an incident met.
pub fn others_words(facts: &IncidentFacts, picture: &Picture, texts: &Texts) -> Option<String> {
    let campaign = picture.campaigns.iter().find(|campaign| Some(campaign.id) == facts.campaign_id)?;
    campaign.others.map(|others| texts.count("home-others", others))
}

/// What is proposed and not known to be done or out of place, then what is done.
fn acts(to_do: Option<&ToDo>, bank: &Bank, language: Language) -> Vec<Act> {
    let Some(to_do) = to_do else { return Vec::new() };
    let said = |key: &str| to_do.stands.iter().find(|one| one.key.as_deref() == Some(key)).map(|one| one.status);
    let open =
        |status: Option<MeasureStatus>| !matches!(status, Some(MeasureStatus::Done | MeasureStatus::NotApplicable));
    let proposed = to_do.proposed.iter().filter(|key| open(said(key))).filter_map(|key| {
        let title = Shown::whole(&bank.get(key)?.contents.of(language).title);
        Some(Act { key: Some(key.clone()), title, is_done: false })
    });
    let of_bank = |key: &Option<String>| key.as_ref().filter(|key| bank.get(key).is_some()).cloned();
    let named = to_do.stands.iter().filter(|one| {
        one.status == MeasureStatus::Planned && !one.key.as_ref().is_some_and(|key| to_do.proposed.contains(key))
    });
    let named = named.map(|one| Act { key: of_bank(&one.key), title: Shown::whole(&one.text), is_done: false });
    let done = to_do.stands.iter().filter(|one| one.status == MeasureStatus::Done);
    let done = done.map(|one| Act { key: of_bank(&one.key), title: Shown::whole(&one.text), is_done: true });
    let mut all: Vec<Act> = named.chain(proposed).take(HOME_MEASURES).collect();
    all.extend(done);
    all
}

impl HomeView {
    /// From facts.
    pub fn of(picture: &Picture, beside: Beside<'_>, scope: Scope, reader: &Reader) -> HomeView {
        let texts = reader.texts;
        let Beside { known, to_do, sent, bank, unread, telephone } = beside;
        let open = open_incidents(picture);
        let incidents: Vec<OwnIncident> = open
            .iter()
            .take(HOME_INCIDENTS)
            .map(|facts| OwnIncident {
                id: facts.name.clone(),
                title: incident_title(facts, None, texts),
                grade: Grade::of(facts.hit.word.unwrap_or(facts.hit.severity), texts),
                steps: Steps::of(facts.hit.evidence, texts),
                first: reader.calendar.moment(facts.hit.first_seen),
                state: state_words(facts.work.standing, texts),
                others: others_words(facts, picture, texts),
                campaign: facts.campaign_name.clone(),
                acts: acts(to_do.iter().find(|one| one.incident == facts.id), bank, texts.language()),
            })
            .collect();
        let more = size(open.len().saturating_sub(HOME_INCIDENTS));
        let silence = SilenceView::of(&known.silences, scope, reader);
        let sensors: Vec<OwnSensor> = picture
            .sensors
            .iter()
            .filter(|sensor| sensor.revoked_at.is_none())
            .map(|sensor| {
                let standing = silence.lines.iter().filter(|line| line.sensor == sensor.id && line.to.is_none());
                let mut remedies: Vec<String> = standing.map(|line| line.words.clone()).collect();
                if remedies.is_empty() {
                    remedies.extend(remedy(State::of(sensor, reader.now), texts));
                }
                let row = SensorRow::of(sensor, picture, texts, &reader.calendar, reader.now);
                OwnSensor { row, remedies }
            })
            .collect();
        let contacts = contact_rows(&known.profile, reader);
        let in_doubt = contacts.is_empty() || contacts.iter().any(|row| row.doubt.is_some());
        let is_calm = incidents.is_empty()
            && unread.is_empty()
            && !in_doubt
            && !sensors.is_empty()
            && sensors.iter().all(|sensor| sensor.remedies.is_empty());
        HomeView {
            member: Shown::of(&known.member.name),
            number: Shown::of(&known.member.number),
            made: reader.calendar.moment(reader.now),
            light: LightView::of(picture, reader.now, texts),
            unread,
            incidents,
            more_incidents: (more > 0).then(|| texts.count("home-more-incidents", more)),
            sensors,
            sent: sent.map(|sent| SentView::of(sent, reader)),
            leaves: Leaves::of(texts.language()),
            contacts,
            in_doubt,
            telephone: telephone.map(ToString::to_string),
            is_calm,
        }
    }
}

/// What somebody there does about a sensor of which no operational incident stands yet.
fn remedy(state: State, texts: &Texts) -> Option<String> {
    match state {
        State::Connected => None,
        State::Deaf(_) => Some(texts.say("remedy-deaf")),
        State::Stalled(_) | State::Silent(_) => Some(texts.say("remedy-silent")),
        State::NeverCame => Some(texts.say("remedy-never-came")),
        State::WaitsForApproval(_) => Some(texts.say("remedy-approval")),
        State::TokenWaits => Some(texts.say("remedy-token")),
        State::TokenExpired => Some(texts.say("remedy-token-expired")),
        State::Quarantined(_) => Some(texts.say("remedy-quarantined")),
        State::Revoked(_) => Some(texts.say("remedy-revoked")),
    }
}

#[derive(Template)]
#[template(path = "home.html", blocks = ["content"])]
struct HomePage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a HomeView,
}

#[derive(Template)]
#[template(path = "leaves.html", blocks = ["content"])]
struct LeavesPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a Leaves,
}

/// The front page of a member's IT.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn home_page(head: &Head, view: &HomeView, extent: Extent) -> askama::Result<String> {
    let page = HomePage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// What leaves a member's building, kind by kind.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn leaves_page(head: &Head, view: &Leaves, extent: Extent) -> askama::Result<String> {
    let page = LeavesPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}
