//! The page of all sensors: how each is, which versions run, who waits to be let in; and the pages by which one is let in or shut out.

use std::collections::BTreeMap;

use askama::Template;
use url::form_urlencoded;
use varde_common::list::CHANNEL_PILOT;
use varde_common::time::Timestamp;
use varde_common::token::Token;
use varde_common::words::fingerprint;

use super::community::Choice;
use super::order;
use super::page::{Extent, Head};
use super::sensor::{SensorRow, State};
use super::shown::{Moment, Shown};
use super::text::{Language, Texts};
use super::view::{Reader, size};
use crate::limits::people::{ASKED_MAX_CHARACTERS, TOKEN_ENDS_SOON};
use crate::renewal::is_overdue;
use crate::store::community::Community;
use crate::store::picture::{Picture, SensorFacts};

/// Where it is.
pub const SENSORS: &str = "/sensorer";

/// Which sensors are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are enrolled and not of use now.
    Silent,
    /// Those that wait for a person.
    Waiting,
    /// Those whose list is not the newest.
    Behind,
    /// Those whose certificate or unused token ends soon.
    EndsSoon,
}

impl Which {
    const ALL: [Which; 4] = [Which::Silent, Which::Waiting, Which::Behind, Which::EndsSoon];

    fn as_str(self) -> &'static str {
        match self {
            Which::Silent => "stille",
            Which::Waiting => "venter",
            Which::Behind => "etter",
            Which::EndsSoon => "utgaar",
        }
    }

    fn words(self, texts: &Texts) -> String {
        match self {
            Which::Silent => texts.say("sensors-silent"),
            Which::Waiting => texts.say("sensors-waiting"),
            Which::Behind => texts.say("sensors-behind"),
            Which::EndsSoon => texts.say("sensors-ends-soon"),
        }
    }

    fn fits(self, sensor: &SensorFacts, row: &SensorRow, now: Timestamp) -> bool {
        let state = State::of(sensor, now);
        match self {
            Which::Silent => lives(sensor) && !state.is_well(),
            Which::Waiting => matches!(state, State::WaitsForApproval(_)),
            Which::Behind => lives(sensor) && !row.list_good,
            Which::EndsSoon => ends(sensor, now).is_some(),
        }
    }
}

/// Whether it was let in and not shut out since: of a token that nobody has used nothing is to be heard.
pub(super) fn lives(sensor: &SensorFacts) -> bool {
    sensor.enrolled_at.is_some() && sensor.revoked_at.is_none()
}

/// When what lets it in ends, where that is soon: a certificate that was not renewed, a token that nobody has used.
fn ends(sensor: &SensorFacts, now: Timestamp) -> Option<Timestamp> {
    match State::of(sensor, now) {
        State::TokenWaits => Some(sensor.token_expires_at).filter(|at| at.since(now) < TOKEN_ENDS_SOON),
        State::Revoked(_) | State::TokenExpired | State::WaitsForApproval(_) => None,
        _ => sensor.keys.until.filter(|until| is_overdue(*until, now)),
    }
}

/// What the address asks for; what it does not know counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SensorsAsked {
    /// Part of the owner's name, or the beginning of its number.
    pub text: String,
    /// Which of them.
    pub which: Option<Which>,
    /// Those of this version.
    pub version: Option<String>,
    /// For which member a token is about to be made.
    pub new_for: String,
}

impl SensorsAsked {
    /// Reads a query.
    pub fn read(query: &str) -> SensorsAsked {
        let mut asked = SensorsAsked::default();
        let cut = |value: &str| value.trim().chars().take(ASKED_MAX_CHARACTERS).collect::<String>();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "q" => asked.text = cut(&value),
                "vis" => asked.which = Which::ALL.into_iter().find(|which| which.as_str() == value),
                "versjon" => asked.version = Some(cut(&value)).filter(|text| !text.is_empty()),
                "ny" => asked.new_for = cut(&value),
                _ => {}
            }
        }
        asked
    }

    fn fits(&self, sensor: &SensorFacts, row: &SensorRow, now: Timestamp) -> bool {
        let text = self.text.to_lowercase();
        let named = text.is_empty()
            || row.owner.as_str().to_lowercase().contains(&text)
            || row.number.as_str().starts_with(&text)
            || sensor.id.to_string() == text;
        let version = self.version.as_ref().is_none_or(|version| sensor.agent_version.as_ref() == Some(version));
        named && version && self.which.is_none_or(|which| which.fits(sensor, row, now))
    }
}

/// A version, and how many run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// The version.
    pub version: Shown,
    /// Where those that run it are listed.
    pub address: String,
    /// Of the pilot group; none where there is no such group.
    pub pilot: Option<String>,
    /// Of all others.
    pub others: String,
}

/// A sensor that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// `sensor.id`.
    pub id: i64,
    /// Whose.
    pub owner: Shown,
    /// Its number.
    pub number: Shown,
    /// The eight words of its key.
    pub words: Shown,
    /// Since when.
    pub since: Moment,
    /// Id of the field by which somebody says that the words were compared.
    pub same: String,
}

/// Where on the page something was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where a token is asked for.
    New,
    /// At the sensor that waits, or waited.
    Waits(i64),
}

/// A sensor's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetRow {
    /// As on the front page.
    pub sensor: SensorRow,
    /// It gets lists first.
    pub pilot: bool,
    /// When it was last heard.
    pub heard: Option<Moment>,
    /// When what lets it in ends, where that is soon.
    pub ends: Option<Moment>,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetView {
    /// "Viser 3 av 4 sensorer".
    pub total: String,
    /// Whether the list is narrowed.
    pub narrowed: bool,
    /// What is looked for.
    pub text: Shown,
    /// Which can be chosen.
    pub which: Vec<Choice>,
    /// The version that is shown alone.
    pub version: Option<Shown>,
    /// Which versions run, the newest first; the operator's alone.
    pub versions: Vec<VersionRow>,
    /// Whether there is a pilot group.
    pub has_pilot: bool,
    /// Who waits to be let in.
    pub waiting: Vec<WaitingRow>,
    /// The lines.
    pub rows: Vec<FleetRow>,
    /// For which member a token is about to be made.
    pub new_for: Shown,
    /// What is wrong: the id of where it is mended, and in words.
    pub fault: Option<(String, String)>,
    /// Something was done just now.
    pub saved: bool,
}

fn is_pilot(sensor: &SensorFacts) -> bool {
    sensor.elsewhere.as_ref().is_some_and(|(channel, _)| channel == CHANNEL_PILOT)
}

/// The numbers of a version, so that 0.10 comes after 0.9.
fn parts(version: &str) -> (Vec<u64>, String) {
    let numbers = version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
    (numbers, version.to_owned())
}

fn versions(picture: &Picture, texts: &Texts) -> (Vec<VersionRow>, bool) {
    let mut found: BTreeMap<(Vec<u64>, String), (usize, usize)> = BTreeMap::new();
    let (mut pilots, mut others) = (0, 0);
    for sensor in picture.sensors.iter().filter(|sensor| lives(sensor)) {
        let counts = found.entry(parts(sensor.agent_version.as_deref().unwrap_or_default())).or_default();
        if is_pilot(sensor) {
            (counts.0, pilots) = (counts.0 + 1, pilots + 1);
        } else {
            (counts.1, others) = (counts.1 + 1, others + 1);
        }
    }
    let of = |count: usize, total: usize| texts.numbers("of-total", &[("count", size(count)), ("total", size(total))]);
    let row = |((_, version), (pilot, other)): ((Vec<u64>, String), (usize, usize))| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("versjon", &version).finish();
        VersionRow {
            version: Shown::of(if version.is_empty() { "–" } else { &version }),
            address: format!("{SENSORS}?{query}"),
            pilot: (pilots > 0).then(|| of(pilot, pilots)),
            others: of(other, others),
        }
    };
    (found.into_iter().rev().map(row).collect(), pilots > 0)
}

impl FleetView {
    /// From facts, as it is asked for.
    pub fn of(
        community: &Community,
        asked: &SensorsAsked,
        saved: bool,
        fault: Option<(Place, String)>,
        reader: &Reader,
    ) -> FleetView {
        let (texts, picture, now) = (reader.texts, &community.picture, reader.now);
        let mut rows: Vec<(&SensorFacts, SensorRow)> = picture
            .sensors
            .iter()
            .map(|sensor| (sensor, SensorRow::of(sensor, picture, texts, &reader.calendar, now)))
            .collect();
        rows.sort_by_cached_key(|(sensor, row)| (order::key(row.owner.as_str()), sensor.id));
        let waiting = rows.iter().filter_map(|(sensor, row)| match State::of(sensor, now) {
            State::WaitsForApproval(since) => Some(WaitingRow {
                id: sensor.id,
                owner: row.owner.clone(),
                number: row.number.clone(),
                words: Shown::of(sensor.keys.pending.as_ref().map_or("", |(words, _)| words.as_str())),
                since: reader.calendar.moment(since),
                same: format!("same-{}", sensor.id),
            }),
            _ => None,
        });
        let waiting: Vec<WaitingRow> = waiting.collect();
        let place = |place: Place| match place {
            Place::New => "new-number".to_owned(),
            // One that waits no more stands in the list alone.
            Place::Waits(id) => {
                waiting.iter().find(|row| row.id == id).map_or("sensors".to_owned(), |row| row.same.clone())
            }
        };
        let fault = fault.map(|(at, words)| (place(at), words));
        // The pilot group first: what goes wrong with a list or a version shows there.
        rows.sort_by_key(|(sensor, _)| !is_pilot(sensor));
        rows.retain(|(sensor, row)| asked.fits(sensor, row, now));
        let (versions, has_pilot) = if picture.for_member { (Vec::new(), false) } else { versions(picture, texts) };
        let line = |(sensor, row): (&SensorFacts, SensorRow)| FleetRow {
            pilot: is_pilot(sensor),
            heard: sensor.last_seen_at.map(|at| reader.calendar.moment(at)),
            ends: ends(sensor, now).map(|at| reader.calendar.moment(at)),
            sensor: row,
        };
        let shown = [("count", size(rows.len())), ("total", size(picture.sensors.len()))];
        let which = Which::ALL.map(|which| Choice {
            value: which.as_str(),
            words: which.words(texts),
            chosen: asked.which == Some(which),
        });
        FleetView {
            total: texts.numbers("sensors-shown", &shown),
            narrowed: !asked.text.is_empty() || asked.which.is_some() || asked.version.is_some(),
            text: Shown::of(&asked.text),
            which: which.into(),
            version: asked.version.as_deref().map(Shown::of),
            versions,
            has_pilot,
            waiting,
            rows: rows.into_iter().map(line).collect(),
            new_for: Shown::of(&asked.new_for),
            fault,
            saved,
        }
    }

    /// Whether it is this field that something is wrong with.
    fn is_wrong(&self, field: &str) -> bool {
        self.fault.as_ref().is_some_and(|(wrong, _)| wrong == field)
    }
}

/// A token that was made, which is shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// For whom.
    pub member: Shown,
    /// Its number.
    pub number: Shown,
    /// The sensor's number.
    pub sensor: u64,
    /// The token.
    pub token: String,
    /// Until when it is good.
    pub until: Moment,
    /// The words by which the sensor's end knows the collector.
    pub words: String,
    /// Where sensors dial, sessions and enrolment.
    pub dials: [Shown; 2],
}

impl TokenView {
    /// Of a token for a member.
    pub fn of(token: &Token, (number, name): (&str, &str), reader: &Reader) -> TokenView {
        TokenView {
            member: Shown::of(name),
            number: Shown::of(number),
            sensor: token.sensor.0,
            token: token.to_text(),
            until: reader.calendar.moment(token.expires),
            words: fingerprint(&token.root_sha256),
            dials: [Shown::of(token.quic.as_str()), Shown::of(token.enroll.as_str())],
        }
    }
}

/// Where somebody confirms that a sensor is shut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeView {
    /// The sensor.
    pub row: SensorRow,
    /// The reason that was filled in.
    pub reason: Shown,
    /// What is wrong: the field, and in words.
    pub fault: Option<(&'static str, String)>,
    /// It is shut out already.
    pub before: bool,
}

#[derive(Template)]
#[template(path = "sensors.html", blocks = ["content"])]
struct SensorsPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a FleetView,
}

#[derive(Template)]
#[template(path = "token.html", blocks = ["content"])]
struct TokenPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a TokenView,
}

#[derive(Template)]
#[template(path = "revoke.html", blocks = ["content"])]
struct RevokePage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a RevokeView,
}

/// The page of all sensors.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn page(head: &Head, view: &FleetView, extent: Extent) -> askama::Result<String> {
    let page = SensorsPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A token, once.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn token(head: &Head, view: &TokenView) -> askama::Result<String> {
    TokenPage { head, t: head.texts(), v: view }.render()
}

/// Where a sensor is shut out.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn revoke(head: &Head, view: &RevokeView) -> askama::Result<String> {
    RevokePage { head, t: head.texts(), v: view }.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_by_their_numbers() {
        let mut all = ["0.9.1", "0.10.0", "0.10.0-rc1", "1.0.0", ""];
        all.sort_by_key(|version| parts(version));
        assert_eq!(all, ["", "0.9.1", "0.10.0", "0.10.0-rc1", "1.0.0"]);
    }

    #[test]
    fn what_an_address_asks_for_is_read_and_the_rest_counts_for_nothing() {
        let asked = SensorsAsked::read("q=Gj%C3%B8&vis=etter&versjon=0.1.0&ny=3407&x=y");
        let expected = SensorsAsked {
            text: "Gjø".to_owned(),
            which: Some(Which::Behind),
            version: Some("0.1.0".to_owned()),
            new_for: "3407".to_owned(),
        };
        assert_eq!(asked, expected);
        assert_eq!(SensorsAsked::read("vis=alt&versjon="), SensorsAsked::default());
    }
}
