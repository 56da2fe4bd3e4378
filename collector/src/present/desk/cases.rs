//! Rows of the incident list and of the campaign list: how much each matters and why, whose it is, how the work stands, what clocks run.

use crate::present::shown::{Moment, Shown};
use crate::present::view::{Grade, Reader, Steps, size};
use crate::present::why::WhyWord;
use crate::present::work::{ClockLine, clock_line, state_words};
use crate::priority::{Term, Word};
use crate::store::Scope;
use crate::store::alert::level_of;
use crate::store::campaign::CampaignView;
use crate::store::desk::incidents::{Listed, Page};
use crate::workflow::Progress;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// What forms name it by: its number; none for a member.
    pub target: Option<i64>,
    /// What its address names it by.
    pub name: String,
    /// What it is called.
    pub title: Shown,
    /// Whose, or how many of how many.
    pub whom: Shown,
    /// How bad; none = it is not told.
    pub grade: Option<Grade>,
    /// How far it came.
    pub steps: Steps,
    /// Part of an exercise.
    pub exercise: bool,
    /// A person opened it.
    pub human: bool,
    /// Some was found in history.
    pub retro: bool,
    /// How the work stands; none = it is not told.
    pub state: Option<String>,
    /// Whose it is.
    pub owner: Option<Shown>,
    /// Earliest sighting.
    pub first: Moment,
    /// Latest sighting.
    pub last: Moment,
    /// The campaign it belongs to.
    pub campaign: Option<String>,
    /// Clocks that run, or did.
    pub clocks: Vec<ClockLine>,
    /// How much of it.
    pub extent: String,
    /// Why it has its word.
    pub why: WhyWord,
}

fn grade(word: Option<Word>, reader: &Reader) -> Option<Grade> {
    word.map(|word| Grade::of(crate::store::priority::level_of(word), reader.texts))
}

fn why(terms: &[Term], version: Option<&str>, reader: &Reader) -> WhyWord {
    WhyWord::of(terms, version, reader.texts)
}

/// A title that is an indicator's value cannot be clicked on.
fn title(text: &str, link_kind: &str, human: bool) -> Shown {
    if link_kind == "indicator" && !human { Shown::defanged(text.trim_start_matches('=')) } else { Shown::of(text) }
}

impl CaseRow {
    /// An incident.
    pub fn of_incident(listed: &Listed, scope: Scope, reader: &Reader) -> CaseRow {
        let (texts, incident) = (reader.texts, &listed.incident);
        let view = &incident.view;
        let is_operator = scope == Scope::Operator;
        let evidence = view.evidence.map_or(-1, level_of);
        CaseRow {
            target: is_operator.then_some(view.id),
            name: if is_operator { view.id.to_string() } else { view.uuid.clone() },
            title: title(&view.title, &view.link_kind, view.human),
            whom: Shown::of(&format!("{} ({})", view.member.name, view.member.number)),
            grade: grade(view.word, reader),
            steps: Steps::of(evidence, texts),
            exercise: view.exercise,
            human: view.human,
            retro: view.in_history,
            state: Some(state_words(Progress::of(view.state, view.closed_as, view.duplicate_of), texts)),
            owner: view.owner.as_deref().filter(|_| is_operator).map(Shown::of),
            first: reader.calendar.moment(view.first_seen),
            last: reader.calendar.moment(view.last_seen),
            campaign: match is_operator {
                true => view.campaign.map(|id| id.to_string()),
                false => incident.campaign_uuid.clone(),
            },
            clocks: listed.duties.clocks.iter().map(|clock| clock_line(clock, reader)).collect(),
            extent: texts.count("desk-alerts-n", view.alerts),
            why: why(&view.why, view.weights_version.as_deref(), reader),
        }
    }

    /// A campaign.
    pub fn of_campaign(view: &CampaignView, scope: Scope, reader: &Reader) -> CaseRow {
        let texts = reader.texts;
        let is_operator = scope == Scope::Operator;
        let whom = match (view.member_count, view.able_to_see, view.members_total, view.others_at_least) {
            (Some(hit), Some(able), Some(total), _) => {
                texts.numbers("desk-reach", &[("hit", hit), ("able", able), ("blind", total - able)])
            }
            (_, _, _, Some(others)) => texts.count("reach-own-others", others),
            (_, _, _, None) => texts.say("reach-own"),
        };
        let state = view.state.map(|state| state_words(Progress::of(state, view.closed_as, view.duplicate_of), texts));
        CaseRow {
            target: is_operator.then_some(view.id),
            name: if is_operator { view.id.to_string() } else { view.uuid.clone() },
            title: title(&view.title, &view.link_kind, false),
            whom: Shown::of(&whom),
            grade: grade(view.word, reader),
            steps: Steps::of(view.evidence.map_or(-1, level_of), texts),
            exercise: view.exercise,
            human: false,
            retro: view.in_history.unwrap_or(false),
            state,
            owner: view.owner.as_deref().map(Shown::of),
            first: reader.calendar.moment(view.first_seen),
            last: reader.calendar.moment(view.last_seen),
            campaign: None,
            clocks: Vec::new(),
            extent: texts.count("desk-alerts-n", view.alerts),
            why: if is_operator { why(&view.why, view.weights_version.as_deref(), reader) } else { WhyWord::default() },
        }
    }
}

/// A list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseList {
    /// They are campaigns.
    pub of_campaigns: bool,
    /// Where one of them is: `/sak/` or `/kampanje/`.
    pub place: &'static str,
    /// What forms call one: `i` or `k`, before its number.
    pub letter: &'static str,
    /// Its rows.
    pub rows: Vec<CaseRow>,
    /// How many in all.
    pub total: String,
}

impl CaseList {
    /// Of incidents.
    pub fn incidents(page: &Page<Listed>, scope: Scope, reader: &Reader) -> CaseList {
        let texts = reader.texts;
        CaseList {
            of_campaigns: false,
            place: "/sak/",
            letter: "i",
            rows: page.items.iter().map(|one| CaseRow::of_incident(one, scope, reader)).collect(),
            total: match (page.total, page.within) {
                (0, 0) => texts.say("desk-incidents-none"),
                (0, within) => texts.count("desk-incidents-none-of", within),
                (total, _) => texts.count("desk-incidents-n", total),
            },
        }
    }

    /// Of campaigns.
    pub fn campaigns(page: &Page<CampaignView>, scope: Scope, reader: &Reader) -> CaseList {
        let texts = reader.texts;
        CaseList {
            of_campaigns: true,
            place: "/kampanje/",
            letter: "k",
            rows: page.items.iter().map(|one| CaseRow::of_campaign(one, scope, reader)).collect(),
            total: match (page.total.max(size(page.items.len())), page.within) {
                (0, 0) => texts.say("desk-campaigns-none"),
                (0, within) => texts.count("desk-campaigns-none-of", within),
                (total, _) => texts.count("desk-campaigns-n", total),
            },
        }
    }
}
