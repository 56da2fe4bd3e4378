//! One campaign or incident as plain values: who, when, how far, and why each alert is one.

use serde_json::Value;

use super::able::scale;
use super::shown::{Moment, Shown, number, span};
use super::spread::Spread;
use super::text::Texts;
use super::view::{
    CampaignCard, Grade, HitRow, IncidentRow, IndicatorView, Reader, Steps, incident_title, size, title,
};
use super::why::WhyWord;
use super::work::WorkView;
use crate::coverage::Coverage;
use crate::link::KeyKind;
use crate::store::bond::Bond;
use crate::store::picture::{AlertFacts, CampaignFacts, Detail, IncidentFacts, Picture};
use crate::verdict::Verdict;

/// One alert's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// Its name outside.
    pub id: String,
    /// Host pseudonym, or that there is none.
    pub client: Shown,
    /// What matched.
    pub indicator: Shown,
    /// Server, port, protocol.
    pub server: Shown,
    /// How far it got.
    pub steps: Steps,
    /// How bad.
    pub grade: Grade,
    /// First sighting.
    pub first: Moment,
    /// Last sighting.
    pub last: Moment,
    /// Sightings, in words.
    pub sightings: String,
    /// What to know beside it.
    pub why: Vec<String>,
    /// No more updates will come.
    pub closed: bool,
}

/// One member's alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAlerts {
    /// `member.id`.
    pub id: i64,
    /// Its name.
    pub name: Shown,
    /// Its alerts.
    pub alerts: Vec<AlertRow>,
}

/// A campaign's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignView {
    /// All of it.
    pub card: CampaignCard,
    /// Why it has the word it has.
    pub why: WhyWord,
    /// How wide it is.
    pub scale: Option<String>,
    /// What its incidents share, one line a thing.
    pub bonds: Vec<Shown>,
    /// How it spread.
    pub spread: Spread,
    /// Its incidents.
    pub incidents: Vec<IncidentRow>,
    /// Its alerts by member, first hit first.
    pub members: Vec<MemberAlerts>,
    /// Said where not all alerts are shown.
    pub cut: Option<String>,
    /// When it was concluded.
    pub opened: Option<Moment>,
    /// The work on it.
    pub work: WorkView,
    /// Its name outside.
    pub uuid: Shown,
}

impl CampaignView {
    /// From facts.
    pub fn of(facts: &CampaignFacts, picture: &Picture, detail: &Detail, reader: &Reader) -> CampaignView {
        CampaignView {
            card: CampaignCard::of(facts, picture, reader),
            why: match picture.for_member {
                // How a campaign was weighed follows from all members.
                true => WhyWord { terms: Vec::new(), version: reader.texts.say("word-own") },
                false => WhyWord::of(&facts.weighed.why, facts.weighed.version.as_deref(), reader.texts),
            },
            scale: scale(facts, &Coverage::of_campaign(picture, facts), &detail.escalation, reader.texts),
            bonds: detail.bonds.iter().map(|bond| bond_words(bond, reader.texts)).collect(),
            spread: Spread::of(&facts.hits, &detail.alerts, &reader.calendar, reader.texts),
            incidents: detail.incidents.iter().map(|incident| IncidentRow::of(incident, reader)).collect(),
            members: facts
                .hits
                .iter()
                .map(|hit| MemberAlerts {
                    id: hit.member.id,
                    name: Shown::of(&hit.member.name),
                    alerts: alerts_of(hit.member.id, detail, reader),
                })
                .collect(),
            cut: cut(detail, reader.texts),
            opened: facts.opened_at.map(|at| reader.calendar.moment(at)),
            work: WorkView::of(facts.work.as_ref(), &detail.work, reader),
            uuid: Shown::of(&facts.uuid),
        }
    }
}

/// An incident's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentView {
    /// What its address names it by.
    pub id: String,
    /// What it is called.
    pub title: Shown,
    /// Part of an exercise.
    pub exercise: bool,
    /// What the address of its campaign names that by.
    pub campaign: Option<String>,
    /// Its member and sums.
    pub hit: HitRow,
    /// What it was found by.
    pub indicators: Vec<IndicatorView>,
    /// Why its alerts belong together.
    pub link: String,
    /// Why it has the word it has.
    pub why: WhyWord,
    /// Its alerts.
    pub members: Vec<MemberAlerts>,
    /// Said where not all alerts are shown.
    pub cut: Option<String>,
    /// The work on it.
    pub work: WorkView,
    /// A person opened it.
    pub human: bool,
    /// Its name outside.
    pub uuid: Shown,
}

impl IncidentView {
    /// From facts.
    pub fn of(facts: &IncidentFacts, detail: &Detail, reader: &Reader) -> IncidentView {
        let indicators: Vec<_> = detail.indicators.iter().map(|i| IndicatorView::of(i, reader.texts)).collect();
        let title = incident_title(facts, indicators.first(), reader.texts);
        IncidentView {
            id: facts.name.clone(),
            link: own_link(facts, detail, &indicators, reader.texts),
            title,
            exercise: facts.exercise,
            campaign: facts.campaign_name.clone(),
            hit: HitRow::of(1, &facts.hit, reader),
            why: WhyWord::of(&facts.weighed.why, facts.weighed.version.as_deref(), reader.texts),
            indicators,
            members: vec![MemberAlerts {
                id: facts.hit.member.id,
                name: Shown::of(&facts.hit.member.name),
                alerts: alerts_of(facts.hit.member.id, detail, reader),
            }],
            cut: cut(detail, reader.texts),
            work: WorkView::of(Some(&facts.work), &detail.work, reader),
            human: facts.human,
            uuid: Shown::of(&facts.uuid),
        }
    }
}

/// Why the alerts of an incident belong together: by what they met, whatever a person has called it.
fn own_link(facts: &IncidentFacts, detail: &Detail, indicators: &[IndicatorView], texts: &Texts) -> String {
    let what = title(facts.about.as_deref(), &facts.link_kind, indicators.first(), texts);
    let is_of_threat = facts.link_kind == "threat";
    let key = match (facts.human, facts.link_kind.as_str()) {
        (true, "threat") => "link-reported-threat",
        (true, "indicator") => "link-reported-indicator",
        (_, "human") => return texts.say("link-human"),
        // One host's alerts on several things are one incident.
        (false, "threat") if detail.indicators.iter().any(|met| met.threat != facts.about) => "link-own-several",
        (false, "indicator") if detail.indicators.len() > 1 => "link-own-several",
        (false, _) if is_of_threat => "link-own-threat",
        (_, _) => "link-own-indicator",
    };
    texts.with(key, &[("what", what.as_str())])
}

/// Something that incidents of a campaign share, in a sentence.
pub fn bond_words(bond: &Bond, texts: &Texts) -> Shown {
    let key = match bond.kind {
        KeyKind::Threat => "bond-threat",
        KeyKind::Indicator => "bond-indicator",
        KeyKind::Contact => "bond-contact",
        KeyKind::Address => "bond-address",
        KeyKind::Domain => "bond-domain",
    };
    let value = match bond.kind {
        KeyKind::Threat => Shown::of(&bond.value),
        KeyKind::Indicator | KeyKind::Contact | KeyKind::Address | KeyKind::Domain => Shown::defanged(&bond.value),
    };
    let count = bond.incidents.to_string();
    let words = texts.with(key, &[("n", count.as_str()), ("value", value.as_str())]);
    let off = if bond.links { String::new() } else { format!(" {}", texts.say("bond-off")) };
    Shown::of(&format!("{words}{off}"))
}

fn cut(detail: &Detail, texts: &Texts) -> Option<String> {
    let shown = size(detail.alerts.len());
    (shown < detail.alerts_total).then(|| texts.numbers("cut", &[("shown", shown), ("total", detail.alerts_total)]))
}

fn alerts_of(member_id: i64, detail: &Detail, reader: &Reader) -> Vec<AlertRow> {
    detail
        .alerts
        .iter()
        .filter(|alert| alert.member_id == member_id)
        .map(|alert| AlertRow {
            id: Shown::of(&alert.uuid).to_string(),
            client: match (&alert.client, alert.hosts) {
                (Some(pseudonym), _) => Shown::of(pseudonym),
                (None, Some(hosts)) => Shown::of(&reader.texts.count("hosts-together", hosts)),
                (None, None) => Shown::of(&reader.texts.say("hosts-none")),
            },
            indicator: detail
                .indicators
                .iter()
                .find(|indicator| indicator.id == alert.indicator_id)
                .map_or_else(|| Shown::of("–"), |indicator| IndicatorView::of(indicator, reader.texts).shown),
            server: server(alert),
            steps: Steps::of(alert.evidence, reader.texts),
            grade: Grade::of(alert.severity, reader.texts),
            first: reader.calendar.moment(alert.first_seen),
            last: reader.calendar.moment(alert.last_seen),
            sightings: reader.texts.count("sightings", alert.count),
            why: why(alert, reader.texts),
            closed: alert.closed,
        })
        .collect()
}

fn server(alert: &AlertFacts) -> Shown {
    let protocol = match alert.protocol {
        1 | 58 => "ICMP".to_owned(),
        6 => "TCP".to_owned(),
        17 => "UDP".to_owned(),
        other => other.to_string(),
    };
    let address = alert.server.as_deref().map_or_else(|| "–".to_owned(), |server| Shown::defanged(server).to_string());
    match alert.port {
        Some(port) => Shown::of(&format!("{address} {protocol}/{port}")),
        None => Shown::of(&format!("{address} {protocol}")),
    }
}

/// Why it is an alert, and what weighs for or against it.
pub fn why(alert: &AlertFacts, texts: &Texts) -> Vec<String> {
    let mut why = Vec::new();
    if alert.direction == "inbound" {
        why.push(texts.say("why-inbound"));
    }
    if alert.labels_left > 0 {
        why.push(texts.count("why-labels-left", alert.labels_left));
    }
    if alert.hosts.is_some() {
        why.push(texts.say("why-together"));
    }
    if alert.by_resolver {
        why.push(texts.say("why-by-resolver"));
    }
    if alert.looked_up_by_other {
        why.push(texts.say("why-looked-up-by-other"));
    }
    if alert.possible_contact {
        why.push(texts.say("why-possible-contact"));
    }
    if let Some(verdict) = alert.verdict {
        let key = match verdict {
            Verdict::FalsePositive => "verdict-false-positive",
            Verdict::Legitimate => "verdict-legitimate",
            Verdict::Confirmed => "verdict-confirmed",
        };
        let reason = Shown::of(alert.verdict_reason.as_deref().unwrap_or_default());
        why.push(texts.with(key, &[("reason", &reason.to_string())]));
    }
    if let Some((contacts, interval_ms)) = regularity(alert.regularity.as_deref()) {
        let contacts = number(contacts);
        why.push(texts.with("why-regular", &[("contacts", &contacts), ("span", &span(texts, interval_ms / 1_000))]));
    }
    if alert.zone > 0 {
        why.push(texts.numbers("why-zone", &[("zone", alert.zone)]));
    }
    why.push(texts.numbers("why-list", &[("revision", alert.revision), ("sensor", alert.sensor_id)]));
    why
}

fn regularity(json: Option<&str>) -> Option<(i64, u64)> {
    let value: Value = serde_json::from_str(json?).ok()?;
    Some((value.get("contacts")?.as_i64()?, value.get("median_interval_ms")?.as_u64()?))
}
