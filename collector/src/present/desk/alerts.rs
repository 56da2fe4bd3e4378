//! The alert list's rows: what was met, by whom of those that could, how far it came, how it stands, and why it is shown.

use super::asked::Asked;
use super::histogram::{Histogram, Spark};
use crate::present::able::blind_words;
use crate::present::shown::{Moment, Shown};
use crate::present::view::{Grade, IndicatorView, Reader, Steps, size};
use crate::store::desk::group::{Group, Groups, InCase};

/// Members named in a row; the rest are counted.
const NAMED: usize = 40;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// `indicator.id`.
    pub id: i64,
    /// What was met.
    pub indicator: IndicatorView,
    /// The worst, as the list said.
    pub grade: Grade,
    /// How far it came.
    pub steps: Steps,
    /// All of it is an exercise's.
    pub exercise: bool,
    /// Some was found in history.
    pub retro: bool,
    /// It is proposed as noise.
    pub proposed: bool,
    /// How it stands, a line each.
    pub states: Vec<Shown>,
    /// Something hides it, or some of it.
    pub muted: bool,
    /// Nobody has looked at some of it.
    pub fresh: bool,
    /// "5 av 214 som kunne se det".
    pub reach: String,
    /// The first of those that met it, by name.
    pub names: Vec<Shown>,
    /// And how many more.
    pub more_names: i64,
    /// How many alerts.
    pub alerts: String,
    /// The first in the range.
    pub first: Moment,
    /// The last.
    pub last: Moment,
    /// The first ever, where that was before.
    pub met_before: Option<Moment>,
    /// Who names it.
    pub sources: Shown,
    /// When it was.
    pub spark: Spark,
    /// Incidents.
    pub incidents: Vec<InCase>,
    /// Campaigns.
    pub campaigns: Vec<InCase>,
    /// Why it is shown.
    pub why: Vec<String>,
}

fn reach(group: &Group, reader: &Reader) -> String {
    let texts = reader.texts;
    match (&group.coverage, group.others) {
        (Some(coverage), _) => {
            let (hit, able, total) = (size(group.members.len()), size(coverage.able.len()), size(coverage.total()));
            texts.numbers("desk-reach", &[("hit", hit), ("able", able), ("blind", total - able)])
        }
        (None, Some(others)) => texts.count("reach-own-others", others),
        (None, None) => texts.say("reach-own"),
    }
}

fn states(group: &Group, reader: &Reader) -> Vec<Shown> {
    let texts = reader.texts;
    let mut lines = Vec::new();
    match (group.fresh, &group.acknowledged) {
        (0, Some((who, at))) => {
            let at = reader.calendar.moment(*at).shown;
            lines.push(Shown::of(&texts.with("desk-acknowledged", &[("who", Shown::of(who).as_str()), ("at", &at)])));
        }
        (0, None) => {}
        (fresh, _) => lines.push(Shown::of(&texts.count("desk-fresh", fresh))),
    }
    if group.is_refuted {
        lines.push(Shown::of(&texts.say("desk-refuted")));
    }
    for muting in &group.mutings {
        let until = reader.calendar.moment(muting.until).shown;
        let (author, reason) = (Shown::of(&muting.author), Shown::of(&muting.reason));
        let words = [("who", author.as_str()), ("reason", reason.as_str()), ("until", until.as_str())];
        let said = match &muting.member {
            Some((_, name)) => {
                let name = Shown::of(name);
                let mut words = words.to_vec();
                words.push(("member", name.as_str()));
                texts.with("desk-muted-at", &words)
            }
            None => texts.with("desk-muted", &words),
        };
        lines.push(Shown::whole(&said));
    }
    lines
}

fn why(group: &Group, indicator: &IndicatorView, sources: &Shown, reach: &str, reader: &Reader) -> Vec<String> {
    let texts = reader.texts;
    let confidence = indicator.confidence.to_string();
    let words = [("indicator", indicator.shown.as_str()), ("sources", sources.as_str()), ("confidence", &confidence)];
    let mut lines = vec![texts.with("desk-why-listed", &words)];
    lines.push(texts.with("desk-why-far", &[("far", &Steps::of(group.evidence, texts).word)]));
    lines.push(texts.with("desk-why-severity", &[("severity", &Grade::of(group.severity, texts).word)]));
    lines.push(reach.to_owned());
    lines.extend(group.coverage.iter().flat_map(|coverage| blind_words(coverage, texts)));
    if group.retro {
        lines.push(texts.say("desk-why-history"));
    }
    if group.is_proposed {
        lines.push(texts.say("desk-why-noise"));
    }
    if group.hidden.muted > 0 {
        lines.push(texts.count("desk-why-muted", group.hidden.muted));
    }
    lines
}

impl AlertRow {
    /// From what was read.
    pub fn of(group: &Group, groups: &Groups, reader: &Reader) -> AlertRow {
        let texts = reader.texts;
        let indicator = IndicatorView::of(&group.indicator, texts);
        let sources = match group.sources.is_empty() {
            true => indicator.source.clone(),
            false => Shown::of(&group.sources.join(", ")),
        };
        let names = group.members.iter().filter_map(|id| groups.members.get(id));
        let reach = reach(group, reader);
        AlertRow {
            id: group.indicator.id,
            grade: Grade::of(group.severity, texts),
            steps: Steps::of(group.evidence, texts),
            exercise: group.exercise,
            retro: group.retro,
            proposed: group.is_proposed,
            states: states(group, reader),
            muted: !group.mutings.is_empty(),
            fresh: group.fresh > 0,
            names: names.take(NAMED).map(|(number, name)| Shown::of(&format!("{name} ({number})"))).collect(),
            more_names: size(group.members.len().saturating_sub(NAMED)),
            alerts: texts.count("desk-alerts-n", group.alerts),
            first: reader.calendar.moment(group.first_seen),
            last: reader.calendar.moment(group.last_seen),
            met_before: group.met_before.map(|at| reader.calendar.moment(at)),
            spark: Spark::of(&groups.bars, &group.bars, reader),
            incidents: group.incidents.clone(),
            campaigns: group.campaigns.clone(),
            why: why(group, &indicator, &sources, &reach, reader),
            reach,
            sources,
            indicator,
        }
    }
}

/// The list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertList {
    /// Its rows.
    pub rows: Vec<AlertRow>,
    /// "7 indikatorer, 40 alarmer"; where there are none, of how many.
    pub total: String,
    /// There are more alerts in the range than were looked at.
    pub cut: Option<String>,
    /// `alert.id` of the newest that whoever reads it can have seen.
    pub newest: i64,
    /// When it was.
    pub histogram: Histogram,
}

impl AlertList {
    /// From what was read.
    pub fn of(asked: &Asked, groups: &Groups, reader: &Reader) -> AlertList {
        let texts = reader.texts;
        let most = crate::present::shown::number(crate::limits::desk::ALERTS_LOOKED_AT_MAX);
        AlertList {
            rows: groups.items.iter().map(|group| AlertRow::of(group, groups, reader)).collect(),
            total: match (groups.total, groups.looked_at) {
                (0, 0) => texts.say("desk-alerts-none"),
                (0, looked_at) => texts.count("desk-alerts-none-of", looked_at),
                (total, _) => {
                    format!("{}, {}", texts.count("desk-groups-n", total), texts.count("desk-alerts-n", groups.alerts))
                }
            },
            cut: groups.whole_since.map(|since| {
                texts.with("desk-cut", &[("most", &most), ("since", &reader.calendar.moment(since).shown)])
            }),
            newest: groups.newest,
            histogram: Histogram::of(asked, &groups.bars, &groups.counts, reader),
        }
    }
}
