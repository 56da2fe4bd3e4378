//! The front page as plain values: campaigns, incidents, sensors, and what to do where there is nothing.

use varde_common::time::Timestamp;

use super::able::{blind_words, reach_words};
use super::beat::BeatView;
use super::brake::{BrakeLine, brake_reach_words};
use super::map::{TileMap, Tiles};
use super::reach::reach_words as list_reach_words;
use super::sensor::SensorRow;
use super::shown::{Calendar, Moment, Shown};
use super::source::SourceLine;
use super::summary::{Figure, Nothing};
use super::text::Texts;
use super::too_connected::TooMuch;
use super::trust::TrustView;
use super::work::state_words;
use crate::coverage::Coverage;
use crate::store::picture::{CampaignFacts, HitFacts, IncidentFacts, IndicatorFacts, Picture};
use crate::store::saved_view::News;

/// Indicators named on a campaign's card; its page names all.
const CARD_INDICATORS: usize = 6;
/// Members named on a campaign's card; its page names all.
const CARD_MEMBERS: usize = 12;

/// For whom and when a view is made.
#[derive(Clone)]
pub struct Reader {
    /// The reader's texts.
    pub texts: &'static Texts,
    /// The reader's way of writing times.
    pub calendar: Calendar,
    /// Now.
    pub now: Timestamp,
}

/// How far it got, as a word and a step of six.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// 1 blocked … 6 data out.
    pub step: i64,
    /// The word.
    pub word: String,
    /// For those who do not see the bar.
    pub label: String,
    /// Which of the six are filled.
    pub filled: [bool; 6],
}

impl Steps {
    /// From evidence as stored; what is above counts as the furthest, what is below is not known.
    pub fn of(evidence: i64, texts: &Texts) -> Steps {
        // A person has reported it, and nobody says how far it got.
        let step = if evidence < 0 { 0 } else { evidence.min(5) + 1 };
        let word = match step {
            ..=0 => texts.say("evidence-unknown"),
            1 => texts.say("evidence-blocked"),
            2 => texts.say("evidence-looked-up"),
            3 => texts.say("evidence-answered"),
            4 => texts.say("evidence-attempted"),
            5 => texts.say("evidence-contacted"),
            _ => texts.say("evidence-data-out"),
        };
        let label = match step {
            ..=0 => texts.say("evidence-unknown"),
            _ => texts.numbers("evidence-step", &[("step", step)]),
        };
        Steps { step, word, label, filled: [1, 2, 3, 4, 5, 6].map(|place| place <= step) }
    }
}

/// A severity with its looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grade {
    /// Class for its looks.
    pub class: &'static str,
    /// The word.
    pub word: String,
}

impl Grade {
    /// From severity as stored.
    pub fn of(severity: i64, texts: &Texts) -> Grade {
        match severity.clamp(0, 4) {
            0 => Grade { class: "grade-info", word: texts.say("severity-info") },
            1 => Grade { class: "grade-low", word: texts.say("severity-low") },
            2 => Grade { class: "grade-medium", word: texts.say("severity-medium") },
            3 => Grade { class: "grade-high", word: texts.say("severity-high") },
            _ => Grade { class: "grade-critical", word: texts.say("severity-critical") },
        }
    }
}

/// The word of a kind of indicator.
pub fn kind_words(kind: &str, texts: &Texts) -> String {
    match kind {
        "domain" => texts.say("kind-domain"),
        "host" => texts.say("kind-host"),
        "ipv4" => texts.say("kind-ipv4"),
        "ipv6" => texts.say("kind-ipv6"),
        "network" => texts.say("kind-network"),
        "ja4" => texts.say("kind-ja4"),
        _ => texts.say("unknown"),
    }
}

/// An indicator as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndicatorView {
    /// `indicator.id`.
    pub id: i64,
    /// Defanged, or what stands for it.
    pub shown: Shown,
    /// As it is, for programs that read the page; what stands for it where it is confidential.
    pub machine: Shown,
    /// What kind it is, in words.
    pub kind: String,
    /// Its marking.
    pub tlp: Shown,
    /// Where it came from.
    pub source: Shown,
    /// What it belongs to.
    pub threat: Option<Shown>,
    /// 0-100.
    pub confidence: i64,
}

impl IndicatorView {
    /// From facts.
    pub fn of(facts: &IndicatorFacts, texts: &Texts) -> IndicatorView {
        // `=` is how plain lists mark an exact host; the kind says so here.
        let pattern = facts.pattern.as_deref().map(|pattern| pattern.strip_prefix('=').unwrap_or(pattern));
        let confidential = || Shown::of(&texts.numbers("indicator-confidential", &[("id", facts.id)]));
        IndicatorView {
            id: facts.id,
            shown: pattern.map_or_else(confidential, Shown::defanged),
            machine: pattern.map_or_else(confidential, Shown::of),
            kind: kind_words(&facts.kind, texts),
            tlp: Shown::of(&facts.tlp),
            source: Shown::of(&facts.source),
            threat: facts.threat.as_deref().map(Shown::of),
            confidence: facts.confidence.clamp(0, 100),
        }
    }
}

/// One member's part in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitRow {
    /// 1 = hit first.
    pub order: usize,
    /// Its name.
    pub name: Shown,
    /// Its number.
    pub number: Shown,
    /// The shared network it is behind, in words.
    pub shared: Option<String>,
    /// Earliest sighting.
    pub first: Moment,
    /// Latest sighting.
    pub last: Moment,
    /// How far it got.
    pub steps: Steps,
    /// How bad.
    pub grade: Grade,
    /// Hosts, in words.
    pub hosts: String,
    /// Sightings, in words.
    pub sightings: String,
    /// A person said so, and no sensor.
    pub human: bool,
}

impl HitRow {
    /// From facts: as bad as it was weighed to be, whatever the list says.
    pub fn of(order: usize, facts: &HitFacts, reader: &Reader) -> HitRow {
        HitRow {
            order,
            name: Shown::of(&facts.member.name),
            number: Shown::of(&facts.member.number),
            shared: facts
                .member
                .supplier
                .as_ref()
                .map(|supplier| reader.texts.with("behind-supplier", &[("supplier", Shown::of(supplier).as_str())])),
            first: reader.calendar.moment(facts.first_seen),
            last: reader.calendar.moment(facts.last_seen),
            steps: Steps::of(facts.evidence, reader.texts),
            grade: Grade::of(facts.word.unwrap_or(facts.severity), reader.texts),
            hosts: hosts(facts.hosts, facts.hosts_about, reader.texts),
            sightings: reader.texts.count("sightings", facts.sightings),
            human: facts.human,
        }
    }
}

fn hosts(n: i64, about: bool, texts: &Texts) -> String {
    match (n > 0, about) {
        (true, true) => texts.count("hosts-about", n),
        (true, false) => texts.count("hosts", n),
        (false, _) => texts.say("hosts-none"),
    }
}

/// A campaign's card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignCard {
    /// What its address names it by.
    pub id: String,
    /// What it is called.
    pub title: Shown,
    /// Part of an exercise.
    pub exercise: bool,
    /// What it is by now: a possible campaign, or one that a person has confirmed.
    pub kind: String,
    /// Why it is no more than possible; none once a person has confirmed it.
    pub possible: Option<String>,
    /// Highest of all.
    pub grade: Grade,
    /// Furthest of all.
    pub steps: Steps,
    /// The first few.
    pub indicators: Vec<IndicatorView>,
    /// How many more there are.
    pub more_indicators: i64,
    /// Members hit, first hit first.
    pub hits: Vec<HitRow>,
    /// How many more there are.
    pub more_hits: i64,
    /// "5 of 7 that could see it …".
    pub reach: String,
    /// Why the others could not see it, in words.
    pub blind: Vec<String>,
    /// What else is to be known of the count: a network that several share, members that have left.
    pub counted: Vec<String>,
    /// Earliest sighting.
    pub first: Moment,
    /// Latest sighting.
    pub last: Moment,
    /// Hosts, in words.
    pub hosts: String,
    /// Sightings, in words.
    pub sightings: String,
    /// Where the work on it stands; none for a member.
    pub state: Option<String>,
    /// What its incidents share, in words.
    pub link: String,
    /// Said where it holds more together than it should.
    pub too_connected: Option<TooMuch>,
}

impl CampaignCard {
    /// From facts, every member and indicator named.
    pub fn of(facts: &CampaignFacts, picture: &Picture, reader: &Reader) -> CampaignCard {
        let texts = reader.texts;
        let coverage = Coverage::of_campaign(picture, facts);
        let (reach, blind) = match (picture.for_member, facts.others) {
            (true, Some(others)) => (texts.count("reach-own-others", others), Vec::new()),
            (true, None) => (texts.say("reach-own"), Vec::new()),
            (false, _) => (reach_words(facts, &coverage, texts), blind_words(&coverage, texts)),
        };
        let listed = || facts.hits.iter().map(|hit| hit.severity).max().unwrap_or(0);
        let sum = |of: fn(&HitFacts) -> i64| facts.hits.iter().map(of).fold(0_i64, i64::saturating_add);
        let first = facts.hits.iter().map(|hit| hit.first_seen).min().unwrap_or_default();
        let last = facts.hits.iter().map(|hit| hit.last_seen).max().unwrap_or_default();
        let indicators: Vec<_> = facts.indicators.iter().map(|i| IndicatorView::of(i, texts)).collect();
        let title = title(facts.title.as_deref(), &facts.link_kind, indicators.first(), texts);
        CampaignCard {
            id: facts.name.clone(),
            link: link(&facts.link_kind, &title, texts),
            title,
            exercise: facts.exercise,
            kind: if facts.is_confirmed() { texts.say("campaign-confirmed") } else { texts.say("campaign-possible") },
            possible: (!facts.is_confirmed()).then(|| texts.say("why-possible")),
            grade: Grade::of(
                // For a member the worst of its own.
                facts.weighed.word.or(facts.hits.iter().filter_map(|hit| hit.word).max()).unwrap_or_else(listed),
                texts,
            ),
            too_connected: facts.too_connected.as_ref().map(|why| TooMuch::of(why, facts, texts)),
            steps: Steps::of(facts.hits.iter().map(|hit| hit.evidence).max().unwrap_or(0), texts),
            indicators,
            more_indicators: 0,
            hits: facts.hits.iter().zip(1..).map(|(hit, order)| HitRow::of(order, hit, reader)).collect(),
            more_hits: 0,
            reach,
            blind,
            counted: counted(facts, picture, texts),
            first: reader.calendar.moment(first),
            last: reader.calendar.moment(last),
            hosts: hosts(sum(|hit| hit.hosts), facts.hits.iter().any(|hit| hit.hosts_about), texts),
            sightings: texts.count("sightings", sum(|hit| hit.sightings)),
            state: facts.work.as_ref().map(|work| state_words(work.standing, texts)),
        }
    }

    fn cut_for_card(mut self) -> CampaignCard {
        self.more_indicators = size(self.indicators.len().saturating_sub(CARD_INDICATORS));
        self.indicators.truncate(CARD_INDICATORS);
        self.more_hits = size(self.hits.len().saturating_sub(CARD_MEMBERS));
        self.hits.truncate(CARD_MEMBERS);
        self
    }
}

fn counted(facts: &CampaignFacts, picture: &Picture, texts: &Texts) -> Vec<String> {
    let (hit, independent) = (facts.hits.len(), facts.independent());
    let mut words = Vec::new();
    if !picture.for_member && independent < hit {
        words.push(texts.numbers("counted-shared", &[("hit", size(hit)), ("independent", size(independent))]));
    }
    if facts.departed > 0 {
        words.push(texts.count("counted-departed", facts.departed));
    }
    words
}

/// What it is called: the indicator defanged, or the threat's name.
pub fn title(title: Option<&str>, link_kind: &str, first: Option<&IndicatorView>, texts: &Texts) -> Shown {
    match (title, link_kind, first) {
        (Some(title), "indicator", _) => Shown::defanged(title.strip_prefix('=').unwrap_or(title)),
        (Some(title), _, _) => Shown::of(title),
        (None, _, Some(indicator)) => indicator.shown.clone(),
        (None, _, None) => Shown::of(&texts.say("unknown")),
    }
}

/// What an incident is called: as others are, or as the person who opened it wrote.
pub fn incident_title(facts: &IncidentFacts, first: Option<&IndicatorView>, texts: &Texts) -> Shown {
    match &facts.title {
        Some(words) if facts.human => Shown::of(words),
        Some(_) | None => title(facts.title.as_deref(), &facts.link_kind, first, texts),
    }
}

/// Why its incidents belong together; `title` is what they have in common, never what a person has called one of them.
fn link(link_kind: &str, title: &Shown, texts: &Texts) -> String {
    match link_kind {
        "indicator" => texts.with("link-indicator", &[("what", title.as_str())]),
        "threat" => texts.with("link-threat", &[("what", title.as_str())]),
        _ => texts.say("unknown"),
    }
}

/// An incident's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRow {
    /// What its address names it by.
    pub id: String,
    /// What it is called.
    pub title: Shown,
    /// Part of an exercise.
    pub exercise: bool,
    /// What the address of its campaign names that by.
    pub campaign: Option<String>,
    /// Where the work on it stands.
    pub state: String,
    /// A person opened it.
    pub human: bool,
    /// Its member and sums.
    pub hit: HitRow,
}

impl IncidentRow {
    /// From facts.
    pub fn of(facts: &IncidentFacts, reader: &Reader) -> IncidentRow {
        IncidentRow {
            id: facts.name.clone(),
            title: incident_title(facts, None, reader.texts),
            exercise: facts.exercise,
            campaign: facts.campaign_name.clone(),
            state: state_words(facts.work.standing, reader.texts),
            human: facts.human,
            hit: HitRow::of(1, &facts.hit, reader),
        }
    }
}

/// The front page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontView {
    /// The summary.
    pub figures: Vec<Figure>,
    /// Who signs lists, and what waits.
    pub trust: TrustView,
    /// How far the newest list has come.
    pub reach: Option<String>,
    /// The outgoing heartbeat, where one is sent.
    pub beat: Option<BeatView>,
    /// Sources of intelligence with which something is wrong.
    pub sources: Vec<SourceLine>,
    /// What is braked, and was.
    pub brakes: Vec<BrakeLine>,
    /// How far the newest order of the brake has come.
    pub brake_reach: Option<String>,
    /// Campaigns.
    pub campaigns: Vec<CampaignCard>,
    /// Said where not all are shown.
    pub campaigns_cut: Option<String>,
    /// Said where there are none.
    pub nothing: Option<Nothing>,
    /// Incidents.
    pub incidents: Vec<IncidentRow>,
    /// Said where not all are shown.
    pub incidents_cut: Option<String>,
    /// Sensors.
    pub sensors: Vec<SensorRow>,
    /// The country.
    pub map: TileMap,
    /// When this was.
    pub made: Moment,
    /// What has come since the reader last looked, and since when.
    pub news: Option<(String, Moment)>,
}

impl FrontView {
    /// From facts.
    pub fn of(picture: &Picture, tiles: &Tiles, reader: &Reader) -> FrontView {
        let texts = reader.texts;
        let coverage = Coverage::now(picture, reader.now);
        let cut = |key_shown: usize, total: i64| {
            (size(key_shown) < total).then(|| texts.numbers("cut", &[("shown", size(key_shown)), ("total", total)]))
        };
        FrontView {
            figures: Figure::all(picture, &coverage, reader),
            trust: TrustView::of(picture, reader),
            reach: picture.reach.as_ref().and_then(|reach| list_reach_words(reach, texts)),
            beat: BeatView::of(picture, reader),
            sources: SourceLine::all(picture, reader),
            brakes: BrakeLine::all(&picture.brakes, &picture.brake_standings, reader),
            brake_reach: brake_reach_words(picture, reader),
            campaigns: picture
                .campaigns
                .iter()
                .map(|campaign| CampaignCard::of(campaign, picture, reader).cut_for_card())
                .collect(),
            campaigns_cut: cut(picture.campaigns.len(), picture.campaigns_total),
            nothing: picture.campaigns.is_empty().then(|| Nothing::of(picture, &coverage, texts)),
            incidents: picture.incidents.iter().map(|incident| IncidentRow::of(incident, reader)).collect(),
            incidents_cut: cut(picture.incidents.len(), picture.incidents_total),
            sensors: picture
                .sensors
                .iter()
                .map(|sensor| SensorRow::of(sensor, picture, texts, &reader.calendar, reader.now))
                .collect(),
            map: TileMap::of(picture, &coverage, tiles, texts),
            made: reader.calendar.moment(reader.now),
            news: None,
        }
    }
}

impl News {
    /// In words, and since when.
    pub fn words(&self, reader: &Reader) -> (String, Moment) {
        let texts = reader.texts;
        let words = format!(
            "{}, {}",
            texts.count("news-campaigns", self.campaigns),
            texts.count("news-incidents", self.incidents)
        );
        (words, reader.calendar.moment(self.since))
    }
}

/// A count as the texts take it.
pub fn size(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
