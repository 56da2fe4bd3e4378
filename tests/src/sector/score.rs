//! What was put together, held against what belongs together; the same measures for a collector and for both baselines.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value;
use varde_common::time::Timestamp;

use crate::sector::file::{Arrival, Truth, Year};
use crate::sector::play::Concluded;

/// What is measured, and how, for `--help`.
pub const MEASURES: &str = "\
MEASURES. An incident bears the name (`truth`) that most of its alerts bear; everyday noise bears none. A campaign is *about* a
name when more than half of its incidents bear it.
  recall       of the truths that are one campaign, how many have a campaign about them that holds at least half of the
               members they hit, and is marked an exercise where they are one, and only there
  precision    of all pairs of incidents within one campaign, how many are right: both bear the same name, and what bears it
               is one campaign. Incidents of false positives and of noise are never rightly put together
  completeness of all pairs that belong together, how many are together (no bar)
  time to warn from the arrival of a truth's first alert until a campaign about it was raised, over all truths that are one
               campaign; one without is later than all others
  items        incidents outside campaigns a day that are no exercise, not proposed as noise and not below the grade of
               --item-grade, where the collector gives grades (keys `word`, else `severity`, and `noise` of incident list --json)
  dirty above  incidents and campaigns of false positives graded above Middels (medium)
The baselines see the same alerts: a ticket holds all alerts of one indicator, and is raised with its second member; or, where
`k` members are hit within an hour, all alerts of the indicator from then until an hour without. A ticket of one member, and
what is in no ticket, is an item. Their parts are a member's alerts of one indicator.";

/// Something that was or was not put together with others: an incident, or a member's part of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whose, by its number.
    pub member: String,
    /// The truth that most of its alerts bear, by its place; none = noise.
    pub truth: Option<usize>,
    /// With what it was put together.
    pub group: Option<i64>,
    /// Whether somebody must look at it if it is in no group.
    pub is_item: bool,
    /// Whether it is graded above Middels; none = not graded.
    pub is_above: Option<bool>,
}

/// A campaign, or a ticket of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// When it was raised.
    pub raised: Timestamp,
    /// Whether it says that it is an exercise; none = it cannot say.
    pub exercise: Option<bool>,
    /// Whether it is graded above Middels; none = not graded.
    pub is_above: Option<bool>,
}

/// What somebody made of a year.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conclusion {
    /// All parts.
    pub parts: Vec<Part>,
    /// The groups, by id.
    pub groups: BTreeMap<i64, Group>,
}

/// What is known of a year.
#[derive(Debug)]
pub struct Known<'a> {
    /// The truths.
    pub truths: &'a [Truth],
    /// By name, their places.
    pub places: HashMap<&'a str, usize>,
    /// For each, when its first alert arrived.
    pub first: Vec<Option<Timestamp>>,
    /// For each, whom it hit.
    pub members: Vec<BTreeSet<&'a str>>,
    /// How long the year is.
    pub days: u32,
}

impl<'a> Known<'a> {
    /// Of a year.
    pub fn of(year: &'a Year) -> Known<'a> {
        let places: HashMap<&str, usize> = year.truths.iter().map(|truth| truth.name.as_str()).zip(0..).collect();
        let mut first = vec![None; year.truths.len()];
        let mut members = vec![BTreeSet::new(); year.truths.len()];
        for arrival in &year.arrivals {
            let Arrival::Opened(alert) = arrival else { continue };
            let Some(&place) = alert.truth.as_deref().and_then(|name| places.get(name)) else { continue };
            if let (Some(first), Some(members)) = (first.get_mut(place), members.get_mut(place)) {
                first.get_or_insert(alert.arrived);
                members.insert(alert.member.as_str());
            }
        }
        Known { truths: &year.truths, places, first, members, days: year.head.days }
    }

    /// Those that are one campaign, of which there are alerts.
    fn campaigns(&self) -> impl Iterator<Item = (usize, &Truth)> {
        let has_alerts = |place: usize| self.first.get(place).copied().flatten().is_some();
        self.truths.iter().enumerate().filter(move |(place, truth)| truth.together && has_alerts(*place))
    }

    fn is_together(&self, truth: usize) -> bool {
        self.truths.get(truth).is_some_and(|truth| truth.together)
    }
}

/// The name that most bear.
pub fn most(names: impl Iterator<Item = Option<usize>>) -> Option<usize> {
    let mut counts: BTreeMap<Option<usize>, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).and_then(|(name, _)| name)
}

/// The measures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measures {
    /// Truths that are one campaign.
    pub campaigns: usize,
    /// Of these, recalled.
    pub recalled: usize,
    /// Pairs in one group.
    pub pairs: u64,
    /// Of these, right.
    pub pairs_right: u64,
    /// Pairs that belong together.
    pub pairs_true: u64,
    /// For each truth that is one campaign, how long until it was raised, sorted; those without last.
    pub warned: Vec<Option<Duration>>,
    /// Items.
    pub items: usize,
    /// Days.
    pub days: u32,
    /// Groups raised.
    pub groups: usize,
    /// Of these, about no truth that is one campaign.
    pub groups_wrong: usize,
    /// Parts and groups of false positives above Middels; none = nothing is graded.
    pub dirty_above: Option<usize>,
    /// By shape: recalled, of so many; and for those not to be put together, parts that are in a group.
    pub shapes: BTreeMap<String, Shape>,
    /// Names of truths that were not recalled.
    pub missed: Vec<String>,
}

/// One shape's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Truths of this shape.
    pub truths: usize,
    /// Recalled, where they are one campaign.
    pub recalled: usize,
    /// Pairs within groups in which one at least bears a name of this shape, and that are wrong.
    pub pairs_wrong: u64,
    /// Items that bear a name of this shape.
    pub items: usize,
}

fn share(part: u64, whole: u64) -> f64 {
    // Of nothing everything is right.
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

impl Measures {
    /// Recalled, of one.
    pub fn recall(&self) -> f64 {
        share(self.recalled as u64, self.campaigns as u64)
    }

    /// Pairs that are right, of one.
    pub fn precision(&self) -> f64 {
        share(self.pairs_right, self.pairs)
    }

    /// Pairs that are together, of one.
    pub fn completeness(&self) -> f64 {
        share(self.pairs_right, self.pairs_true)
    }

    /// So many hundredths were warned of within this; none = never.
    pub fn warned_within(&self, hundredths: usize) -> Option<Duration> {
        self.warned.get((self.warned.len() * hundredths).div_ceil(100).saturating_sub(1)).copied().flatten()
    }

    /// A day.
    pub fn items_per_day(&self) -> f64 {
        self.items as f64 / f64::from(self.days.max(1))
    }
}

fn pairs_of(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

/// Holds it against the truth.
pub fn score(known: &Known<'_>, conclusion: &Conclusion) -> Measures {
    let mut inside: BTreeMap<i64, Vec<&Part>> = BTreeMap::new();
    for part in &conclusion.parts {
        if let Some(group) = part.group {
            inside.entry(group).or_default().push(part);
        }
    }
    let mut measures = Measures { days: known.days, groups: inside.len(), ..Measures::default() };
    let shape_of = |truth: usize| known.truths.get(truth).map(|truth| truth.shape.clone()).unwrap_or_default();
    for (_, truth) in known.campaigns() {
        measures.shapes.entry(truth.shape.clone()).or_default().truths += 1;
    }
    for truth in known.truths.iter().filter(|truth| !truth.together) {
        measures.shapes.entry(truth.shape.clone()).or_default().truths += 1;
    }
    // What each group is about.
    let mut about: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for (id, parts) in &inside {
        let mut counts: BTreeMap<Option<usize>, u64> = BTreeMap::new();
        for part in parts {
            *counts.entry(part.truth).or_default() += 1;
        }
        let all = parts.len() as u64;
        measures.pairs += pairs_of(all);
        for (truth, count) in &counts {
            let is_together = truth.is_some_and(|truth| known.is_together(truth));
            let right = if is_together { pairs_of(*count) } else { 0 };
            measures.pairs_right += right;
            // Pairs with at least one of this name, without those that are right.
            let touched = pairs_of(all) - pairs_of(all - count) - right;
            let shape = truth.map_or_else(|| "everyday noise".to_owned(), shape_of);
            measures.shapes.entry(shape).or_default().pairs_wrong += touched;
        }
        match counts.iter().find(|(_, count)| **count * 2 > all) {
            Some((Some(truth), _)) if known.is_together(*truth) => about.entry(*truth).or_default().push(*id),
            Some(_) | None => measures.groups_wrong += 1,
        }
    }
    let mut of_truth: BTreeMap<usize, u64> = BTreeMap::new();
    for truth in conclusion.parts.iter().filter_map(|part| part.truth).filter(|truth| known.is_together(*truth)) {
        *of_truth.entry(truth).or_default() += 1;
    }
    measures.pairs_true = of_truth.into_values().map(pairs_of).sum();
    for (place, truth) in known.campaigns() {
        measures.campaigns += 1;
        let groups = about.get(&place).map(Vec::as_slice).unwrap_or_default();
        let says_so = |id: &&i64| {
            let group = conclusion.groups.get(id).copied().unwrap_or_default();
            group.exercise.is_none_or(|exercise| exercise == truth.exercise)
        };
        let first = known.first.get(place).copied().flatten().unwrap_or_default();
        let raised =
            groups.iter().filter(says_so).filter_map(|id| conclusion.groups.get(id)).map(|group| group.raised).min();
        measures.warned.push(raised.map(|raised| raised.since(first)));
        let hit = known.members.get(place).map_or(0, BTreeSet::len);
        let is_recalled = groups.iter().filter(says_so).any(|id| {
            let parts = inside.get(id).map(Vec::as_slice).unwrap_or_default();
            let own = parts.iter().filter(|part| part.truth == Some(place));
            let members: BTreeSet<&str> = own.map(|part| part.member.as_str()).collect();
            members.len() * 2 >= hit
        });
        if is_recalled {
            measures.recalled += 1;
            measures.shapes.entry(truth.shape.clone()).or_default().recalled += 1;
        } else {
            measures.missed.push(truth.name.clone());
        }
    }
    measures.warned.sort_by_key(|warned| (warned.is_none(), *warned));
    for part in conclusion.parts.iter().filter(|part| part.group.is_none() && part.is_item) {
        measures.items += 1;
        let shape = part.truth.map_or_else(|| "everyday noise".to_owned(), shape_of);
        measures.shapes.entry(shape).or_default().items += 1;
    }
    measures.dirty_above = dirty_above(known, conclusion, &inside);
    measures
}

/// False positives that are graded above Middels: parts, and groups of which most are.
fn dirty_above(known: &Known<'_>, conclusion: &Conclusion, inside: &BTreeMap<i64, Vec<&Part>>) -> Option<usize> {
    let is_dirty =
        |truth: Option<usize>| truth.and_then(|truth| known.truths.get(truth)).is_some_and(|truth| truth.dirty);
    let parts = conclusion.parts.iter().filter(|part| is_dirty(part.truth)).map(|part| part.is_above);
    let groups = inside
        .iter()
        .filter(|(_, parts)| parts.iter().filter(|part| is_dirty(part.truth)).count() * 2 > parts.len())
        .map(|(id, _)| conclusion.groups.get(id).and_then(|group| group.is_above));
    let graded: Vec<bool> = parts.chain(groups).flatten().collect();
    let is_graded = conclusion.parts.iter().any(|part| part.is_above.is_some())
        || conclusion.groups.values().any(|group| group.is_above.is_some());
    is_graded.then(|| graded.into_iter().filter(|above| *above).count())
}

/// The grades, in either language, rising.
const GRADES: [[&str; 3]; 5] = [
    ["info", "info", "information"],
    ["lav", "low", "låg"],
    ["middels", "medium", "middels"],
    ["høy", "high", "høg"],
    ["kritisk", "critical", "kritisk"],
];
/// Middels.
const MIDDLE: usize = 2;

/// A grade's place; none of no grade.
pub fn grade(word: &str) -> Option<usize> {
    let lower = word.to_lowercase();
    GRADES.iter().position(|words| words.contains(&lower.as_str()))
}

/// Listings name the grade of an incident or campaign `word`; `severity` is what the picture calls it.
fn graded(json: &Value) -> Option<usize> {
    ["word", "severity"].iter().find_map(|key| json.get(key)?.as_str().and_then(grade))
}

fn is_said(json: &Value, key: &str) -> bool {
    json.get(key).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
}

fn moment(json: &Value, key: &str) -> Option<Timestamp> {
    json.get(key)?.as_str()?.parse().ok()
}

/// What the collector made of it. `item_grade` is the lowest grade that somebody must look at.
pub fn of_collector(year: &Year, known: &Known<'_>, concluded: &Concluded, item_grade: usize) -> Conclusion {
    let mut names: BTreeMap<i64, Vec<Option<usize>>> = BTreeMap::new();
    for arrival in &year.arrivals {
        let Arrival::Opened(alert) = arrival else { continue };
        if let Some(incident) = concluded.incident_of.get(&alert.alert) {
            let truth = alert.truth.as_deref().and_then(|name| known.places.get(name)).copied();
            names.entry(*incident).or_default().push(truth);
        }
    }
    let parts = concluded.incidents.iter().map(|(id, json)| {
        let grade = graded(json);
        let is_low = grade.is_some_and(|grade| grade < item_grade);
        let member = json.get("member").and_then(|member| member.get("number")).and_then(Value::as_str);
        Part {
            member: member.unwrap_or_default().to_owned(),
            truth: most(names.remove(id).unwrap_or_default().into_iter()),
            group: json.get("campaign").and_then(Value::as_i64),
            is_item: !is_low && !is_said(json, "noise") && !is_said(json, "exercise"),
            is_above: grade.map(|grade| grade > MIDDLE),
        }
    });
    let parts = parts.collect();
    let groups = concluded.campaigns.iter().map(|(id, json)| {
        let group = Group {
            raised: moment(json, "opened_at").unwrap_or(Timestamp::MAX),
            exercise: json.get("exercise").and_then(Value::as_bool),
            is_above: graded(json).map(|grade| grade > MIDDLE),
        };
        (*id, group)
    });
    Conclusion { parts, groups: groups.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(name: &str, together: bool) -> Truth {
        Truth { name: name.into(), shape: name.into(), together, exercise: false, dirty: !together }
    }

    fn part(member: &str, truth: Option<usize>, group: Option<i64>) -> Part {
        Part { member: member.into(), truth, group, is_item: true, is_above: None }
    }

    fn group(raised: i64) -> Group {
        Group { raised: Timestamp(raised), exercise: Some(false), is_above: None }
    }

    /// Truths "a" and "b" are campaigns of three members each and begin at 0, "c" is none.
    fn known(truths: &[Truth]) -> Known<'_> {
        let members = vec![BTreeSet::from(["1", "2", "3"]); 3];
        Known { truths, places: HashMap::new(), first: vec![Some(Timestamp(0)); 3], members, days: 2 }
    }

    #[test]
    fn what_is_right_and_what_is_wrong_is_counted_in_pairs() {
        let truths = [truth("a", true), truth("b", true), truth("c", false)];
        let known = known(&truths);
        let conclusion = Conclusion {
            parts: vec![
                part("1", Some(0), Some(1)),
                part("2", Some(0), Some(1)),
                part("3", None, Some(1)),
                part("1", Some(1), Some(2)),
                part("2", Some(1), None),
                part("1", Some(2), Some(3)),
                part("2", Some(2), Some(3)),
                part("9", None, None),
            ],
            groups: [(1, group(60_000_000)), (2, group(0)), (3, group(0))].into(),
        };
        let measures = score(&known, &conclusion);
        assert_eq!((measures.campaigns, measures.recalled), (2, 1), "of b one member of three is no half");
        assert_eq!((measures.pairs, measures.pairs_right, measures.pairs_true), (3 + 1, 1, 2));
        assert_eq!((measures.precision(), measures.recall(), measures.completeness()), (0.25, 0.5, 0.5));
        assert_eq!(measures.warned, [Some(Duration::ZERO), Some(Duration::from_secs(60))]);
        assert_eq!((measures.items, measures.items_per_day()), (2, 1.0));
        assert_eq!((measures.groups, measures.groups_wrong), (3, 1), "what is about a false positive is none");
        assert_eq!(measures.missed, ["b"]);
        let wrong = |shape: &str| measures.shapes[shape].pairs_wrong;
        let items = |shape: &str| measures.shapes[shape].items;
        assert_eq!((items("b"), items("everyday noise"), items("a")), (1, 1, 0));
        assert_eq!((wrong("a"), wrong("c"), wrong("everyday noise")), (2, 1, 2));
        assert_eq!(measures.dirty_above, None, "nothing is graded");
    }

    #[test]
    fn what_was_never_raised_is_later_than_all_and_an_exercise_must_say_so() {
        let mut truths = [truth("a", true), truth("b", true), truth("c", false)];
        truths[0].exercise = true;
        let known = known(&truths);
        let both = |group: i64, truth| ["1", "2"].map(|member| part(member, Some(truth), Some(group)));
        let mut conclusion = Conclusion {
            parts: [both(1, 0), both(2, 1), both(3, 2)].concat(),
            groups: [(1, group(5_000_000)), (2, group(7_000_000)), (3, group(0))].into(),
        };
        let silent = score(&known, &conclusion);
        assert_eq!((silent.recalled, silent.warned_within(100)), (1, None));
        assert_eq!(silent.warned_within(50), Some(Duration::from_secs(7)));
        conclusion.groups.get_mut(&1).unwrap().exercise = Some(true);
        conclusion.groups.get_mut(&3).unwrap().is_above = Some(true);
        conclusion.parts[4].is_above = Some(true);
        conclusion.parts[0].is_above = Some(true);
        let said = score(&known, &conclusion);
        assert_eq!((said.recalled, said.warned_within(100)), (2, Some(Duration::from_secs(7))));
        assert_eq!(said.dirty_above, Some(2), "the part and the group, and not what is real");
    }

    #[test]
    fn grades_are_read_in_every_language() {
        let one = |json: Value| graded(&json);
        assert_eq!(one(serde_json::json!({ "word": "high", "severity": "low" })), Some(3));
        assert_eq!(one(serde_json::json!({ "word": null, "severity": "low" })), Some(1));
        assert_eq!(one(serde_json::json!({ "title": "x" })), None);
        assert_eq!(
            ["Info", "Lav", "medium", "Høy", "KRITISK", "x"].map(grade),
            [Some(0), Some(1), Some(2), Some(3), Some(4), None]
        );
    }
}
