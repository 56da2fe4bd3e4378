//! One indicator: what it is, whether sensors look for it and why, what each source says of it, what lint says, and where it was met.

use super::list::{level, met, state};
use super::person;
use crate::command::for_pages::{Examined, Said, Standing};
use crate::present::shown::{Moment, Shown};
use crate::present::text::Texts;
use crate::present::view::{Grade, IndicatorView, Reader};
use crate::store::Scope;
use crate::store::desk::indicators::{Listed, Met, MetBy};
use crate::store::indicator_said::ClaimRow;

/// What a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimView {
    /// Which.
    pub source: Shown,
    /// What it says, as pairs of what and how.
    pub says: Vec<(String, Shown)>,
    /// Where more is to be read, as text that nobody can click on.
    pub note: Option<Shown>,
    /// When it said so first, and last.
    pub first: Moment,
    /// The last time.
    pub last: Moment,
    /// When it took that back, and why.
    pub withdrawn: Option<(Moment, Shown)>,
}

impl ClaimView {
    fn of(claim: &ClaimRow, reader: &Reader) -> ClaimView {
        let (texts, details) = (reader.texts, &claim.details);
        let at = |at| reader.calendar.moment(at);
        let listed = |all: &[String]| (!all.is_empty()).then(|| all.join(", "));
        let says = [
            ("intel-marked", claim.tlp.map(str::to_owned)),
            ("intel-marked", claim.pap.map(str::to_owned)),
            ("col-threat", claim.threat.clone()),
            ("col-severity", claim.severity.map(|word| Grade::of(level(word), texts).word)),
            ("col-confidence", claim.confidence.map(|sure| texts.numbers("of-hundred", &[("n", sure)]))),
            ("intel-from", claim.valid_from.map(|from| at(from).shown)),
            ("intel-until", claim.valid_until.map(|until| at(until).shown)),
            ("intel-techniques", listed(&details.techniques)),
            ("intel-tags", listed(&details.tags)),
            ("intel-url", details.url.as_deref().map(|url| Shown::defanged(url).to_string())),
        ];
        ClaimView {
            source: Shown::of(&claim.source),
            says: says.into_iter().filter_map(|(key, value)| Some((texts.say(key), Shown::of(&value?)))).collect(),
            note: details.note.as_deref().map(Shown::whole),
            first: at(claim.received_at),
            last: at(claim.renewed_at),
            withdrawn: claim
                .withdrawn_at
                .map(|when| (at(when), Shown::of(claim.withdrawn_why.as_deref().unwrap_or_default()))),
        }
    }
}

/// What lint says of it, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintView {
    /// The rule.
    pub rule: Shown,
    /// Why, in the words that lint has.
    pub why: Shown,
    /// What follows from it.
    pub words: String,
}

fn lint(said: &Said, texts: &Texts) -> LintView {
    let words = match (said.holds, said.is_overridden, said.can_be_overridden) {
        (true, true, _) => texts.say("intel-lint-overridden"),
        (true, false, true) => texts.say("intel-lint-holds"),
        (true, false, false) => texts.say("intel-lint-always"),
        (false, _, _) => texts.say("intel-lint-warns"),
    };
    LintView { rule: Shown::of(&said.key), why: Shown::of(said.why.as_deref().unwrap_or_default()), words }
}

/// Why it would be in no list.
fn left_out(rule: &str, texts: &Texts) -> String {
    match rule.strip_prefix("lint: ") {
        Some(rule) => texts.with("intel-left-lint", &[("rule", Shown::of(rule).as_str())]),
        None => match rule {
            "recalled" => texts.say("intel-left-recalled"),
            "withdrawn" => texts.say("intel-left-withdrawn"),
            "expired" => texts.say("intel-left-expired"),
            "tlp-red" => texts.say("intel-left-red"),
            "fingerprint" => texts.say("intel-left-fingerprint"),
            _ => texts.say("intel-left-unreadable"),
        },
    }
}

/// Whether sensors look for it, and what the next publication changes, a sentence each.
pub fn standing(standing: &Standing, was_published: bool, reader: &Reader) -> Vec<String> {
    let texts = reader.texts;
    let at = |at| reader.calendar.moment(at).shown;
    let mut lines = Vec::new();
    let is_over = standing.expires_at.is_some_and(|end| end <= reader.now);
    lines.push(match (standing.in_list, standing.expires_at) {
        (None, _) if was_published => texts.say("intel-out-no-more"),
        (None, _) => texts.say("intel-out-not-yet"),
        (Some(list), end) => {
            let list = list.to_string();
            let channel = standing.in_channel.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
            let list = format!("{list}{channel}");
            match end {
                None => texts.with("intel-out-open", &[("list", &list)]),
                Some(end) if is_over => texts.with("intel-out-over", &[("list", &list), ("until", &at(end))]),
                Some(end) => texts.with("intel-out-until", &[("list", &list), ("until", &at(end))]),
            }
        }
    });
    match (standing.in_list, &standing.left_out) {
        (Some(_), Some(rule)) => lines.push(texts.with("intel-next-out", &[("why", &left_out(rule, texts))])),
        (None, Some(rule)) => lines.push(texts.with("intel-next-neither", &[("why", &left_out(rule, texts))])),
        (None, None) => lines.push(texts.say("intel-next-in")),
        (Some(_), None) if standing.next_expires_at != standing.expires_at => {
            lines.push(match standing.next_expires_at {
                Some(end) => texts.with("intel-next-until", &[("until", &at(end))]),
                None => texts.say("intel-next-open"),
            })
        }
        (Some(_), None) => {}
    }
    if let Some(until) = standing.braked_until {
        lines.push(texts.with("intel-braked", &[("until", &at(until))]));
    }
    if standing.told_together_by > 0 {
        let sensors = i64::try_from(standing.told_together_by).unwrap_or(i64::MAX);
        lines.push(texts.count("intel-together", sensors));
    }
    lines
}

/// A member that has met it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetLine {
    /// Its number, for the address of its page.
    pub number: Shown,
    /// Its name.
    pub name: Shown,
    /// How many alerts.
    pub alerts: String,
    /// The first.
    pub first: Moment,
    /// The last.
    pub last: Moment,
}

/// What is the response team's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Whether sensors look for it.
    pub standing: Vec<String>,
    /// What lint says.
    pub lint: Vec<LintView>,
    /// What people have said in spite of lint, and of the allow-list.
    pub said: Vec<Shown>,
    /// What each source says.
    pub claims: Vec<ClaimView>,
    /// How many there are beyond those.
    pub more_claims: Option<String>,
    /// It may be recalled.
    pub can_recall: bool,
    /// Lint may be overridden.
    pub can_override: bool,
}

/// One indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneView {
    /// What it is.
    pub indicator: IndicatorView,
    /// How bad.
    pub grade: Grade,
    /// How it stands.
    pub state: String,
    /// It takes part in an exercise.
    pub exercise: bool,
    /// How many alerts, of how many members.
    pub met: String,
    /// By whom.
    pub by: Vec<MetLine>,
    /// Of those how many are not named.
    pub more_by: i64,
    /// In which campaigns: number and title.
    pub campaigns: Vec<(i64, Shown)>,
    /// When it came, was first published, and ends.
    pub times: Vec<(String, Moment)>,
    /// What is the response team's alone.
    pub inside: Option<Inside>,
    /// What was wrong in what was sent.
    pub wrong: Option<String>,
}

fn met_line(met: &MetBy, reader: &Reader) -> MetLine {
    MetLine {
        number: Shown::of(&met.number),
        name: Shown::of(&met.name),
        alerts: reader.texts.count("desk-alerts-n", met.alerts),
        first: reader.calendar.moment(met.first),
        last: reader.calendar.moment(met.last),
    }
}

impl OneView {
    /// From what was read.
    pub fn of(listed: &Listed, met_at: &Met, examined: Option<&Examined>, scope: Scope, reader: &Reader) -> OneView {
        let (texts, row) = (reader.texts, &listed.row);
        let at = |at| reader.calendar.moment(at);
        let times = [
            ("intel-received", Some(row.received_at).filter(|_| scope == Scope::Operator)),
            ("intel-first-published", row.published_at),
            ("intel-until", row.lives_until.or(row.valid_until)),
        ];
        OneView {
            indicator: IndicatorView::of(&listed.facts(), texts),
            grade: Grade::of(level(row.severity), texts),
            state: state(listed, reader),
            exercise: row.exercise,
            met: met(listed, met_at.watched, scope, reader),
            by: met_at.by.iter().map(|met| met_line(met, reader)).collect(),
            more_by: met_at.members.saturating_sub(i64::try_from(met_at.by.len()).unwrap_or(0)),
            campaigns: met_at
                .campaigns
                .iter()
                .map(|(id, title)| (*id, Shown::of(title.as_deref().unwrap_or_default())))
                .collect(),
            times: times.into_iter().filter_map(|(key, when)| Some((texts.say(key), at(when?)))).collect(),
            inside: examined.map(|examined| Inside::of(examined, reader)),
            wrong: None,
        }
    }
}

impl Inside {
    fn of(examined: &Examined, reader: &Reader) -> Inside {
        let texts = reader.texts;
        let Examined { said, standing: stands, lint: findings, overrides, allowed } = examined;
        let at = |at| reader.calendar.moment(at).shown;
        let mut people = Vec::new();
        for row in overrides {
            let key = if row.in_force { "intel-override-stands" } else { "intel-override-over" };
            let (who, until) = (person(&row.author, texts), at(row.until));
            let (reason, rules) = (Shown::of(&row.reason), Shown::of(&row.rules.join(", ")));
            let words =
                [("who", who.as_str()), ("until", &until), ("reason", reason.as_str()), ("rules", rules.as_str())];
            people.push(Shown::whole(&texts.with(key, &words)));
        }
        for row in allowed {
            let (who, reason, since) = (person(&row.author, texts), Shown::of(&row.reason), at(row.given_at));
            let words = [("who", who.as_str()), ("reason", reason.as_str()), ("since", since.as_str())];
            people.push(Shown::whole(&match row.in_force {
                true => texts.with("intel-allowed", &words),
                false => texts.with("intel-allowed-over", &words),
            }));
        }
        if let (Some(since), Some(why)) = (said.indicator.recalled_at, &said.indicator.recalled_why) {
            let why = Shown::of(why);
            let words = [("since", at(since)), ("why", why.to_string())];
            let words: Vec<(&str, &str)> = words.iter().map(|(name, word)| (*name, word.as_str())).collect();
            people.push(Shown::whole(&texts.with("intel-recalled", &words)));
        }
        let more = said.claims_total.saturating_sub(i64::try_from(said.claims.len()).unwrap_or(0));
        let holds = |said: &Said| said.holds && !said.is_overridden;
        Inside {
            standing: standing(stands, said.indicator.published_in.is_some(), reader),
            lint: findings.iter().map(|finding| lint(finding, texts)).collect(),
            said: people,
            claims: said.claims.iter().map(|claim| ClaimView::of(claim, reader)).collect(),
            more_claims: (more > 0).then(|| texts.count("intel-claims-more", more)),
            can_recall: said.indicator.recalled_at.is_none(),
            can_override: findings.iter().any(holds)
                && !findings.iter().any(|finding| holds(finding) && !finding.can_be_overridden),
        }
    }
}
