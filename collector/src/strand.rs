//! Puts the alerts of one member on one topic together: the strands that incidents are made of.
//!
//! Alerts are of one strand when they share a [`Topic`] (the same threat, else the same indicator) and their sightings lie
//! within [`WINDOW`] of each other, through any number of others. What decides is only the time of the traffic, never the
//! time or order of arrival: a strand's span is the union of its parts, so growing it alert by alert ends where growing it
//! all at once does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use varde_common::alert::{Direction, Evidence};
use varde_common::time::Timestamp;

use crate::link::Key;
use crate::priority::Facts;

/// Quiet longer than this between two sightings of the same thing begins a new strand.
pub const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What kind of thing is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// The same indicator.
    Indicator,
    /// Indicators of the same threat.
    Threat,
    /// Nothing that a sensor looks for: a person's word. It is like no other.
    Human,
}

impl LinkKind {
    /// All of them.
    pub const ALL: [LinkKind; 3] = [LinkKind::Indicator, LinkKind::Threat, LinkKind::Human];

    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkKind::Indicator => "indicator",
            LinkKind::Threat => "threat",
            LinkKind::Human => "human",
        }
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What alerts share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Which kind of thing.
    pub kind: LinkKind,
    /// The indicator's id in decimal digits, the threat's name, or what a person's word is called by.
    pub value: String,
}

impl Link {
    /// The stronger link an indicator offers: its threat where it names one, else itself.
    pub fn of(indicator: i64, threat: Option<&str>) -> Link {
        match threat {
            Some(name) if !name.is_empty() => Link { kind: LinkKind::Threat, value: name.to_owned() },
            Some(_) | None => Link { kind: LinkKind::Indicator, value: indicator.to_string() },
        }
    }
}

/// What must be equal for things to be put together; an exercise never mixes with what is real.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// What is shared.
    pub link: Link,
    /// Part of an exercise.
    pub exercise: bool,
}

/// Time of traffic from the first to the last sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First sighting.
    pub first: Timestamp,
    /// Last sighting, never before the first.
    pub last: Timestamp,
}

impl Span {
    /// A span that holds both moments.
    pub fn new(first: Timestamp, last: Timestamp) -> Span {
        Span { first: first.min(last), last: first.max(last) }
    }

    /// Whether no more than [`WINDOW`] of quiet lies between the two.
    pub fn near(self, other: Span) -> bool {
        self.within(other, WINDOW)
    }

    /// Whether no more than `quiet` lies between the two.
    pub fn within(self, other: Span, quiet: Duration) -> bool {
        self.first <= other.last.plus(quiet) && other.first <= self.last.plus(quiet)
    }

    /// The span that holds both.
    #[must_use]
    pub fn join(self, other: Span) -> Span {
        Span { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// The groups that spans fall into when those with no more than `quiet` between them are joined, through any number of others; earliest group first. Each
/// group: its whole span and the places of its members in `spans`.
pub fn cluster(spans: &[Span], quiet: Duration) -> Vec<(Span, Vec<usize>)> {
    let mut order: Vec<(Span, usize)> = spans.iter().copied().zip(0..).collect();
    order.sort_unstable();
    let mut groups: Vec<(Span, Vec<usize>)> = Vec::new();
    for (span, place) in order {
        match groups.last_mut() {
            Some((whole, places)) if whole.within(span, quiet) => {
                *whole = whole.join(span);
                places.push(place);
            }
            Some(_) | None => groups.push((span, vec![place])),
        }
    }
    groups
}

/// Whether an alert is reason enough for an incident. Unanswered contact from outside names no host and is what every
/// scanner does to everybody: it joins an incident that is there, but never makes or prolongs one (decision 22).
pub fn founds_an_incident(direction: Direction, has_client: bool, evidence: Evidence) -> bool {
    match direction {
        Direction::Outbound => true,
        Direction::Inbound => has_client || evidence > Evidence::Attempted,
    }
}

/// An alert as correlation sees it. Its name is its place in the list handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertFact {
    /// Whose.
    pub member: i64,
    /// What it is about.
    pub topic: Topic,
    /// Its sightings.
    pub span: Span,
    /// See [`founds_an_incident`].
    pub founds: bool,
    /// New or changed; others are handed over because what they join may have changed.
    pub fresh: bool,
    /// The strand it is in already.
    pub strand: Option<i64>,
    /// The host; none where it names no host, or one that asks for others.
    pub host: Option<String>,
    /// Its indicator is sure and rare enough for the host alone to link it.
    pub links_hosts: bool,
    /// What it may share with alerts of others; nothing for one that is not fresh, or founds nothing.
    pub keys: Vec<Key>,
    /// Where it led before, in what is told of it at once: each with its sightings up to when it led elsewhere.
    pub led: Vec<(Key, Span)>,
    /// What of it weighs.
    pub facts: Facts,
}

impl AlertFact {
    /// Everything it may share with alerts of others, with when it did.
    pub fn shares(&self) -> impl Iterator<Item = (&Key, Span)> {
        let now = self.keys.iter().map(|key| (key, self.span));
        now.chain(self.led.iter().map(|(key, span)| (key, *span)))
    }

    /// One that founds nothing and is not new: it joins what it lies near.
    pub fn joining(member: i64, topic: Topic, span: Span) -> AlertFact {
        AlertFact {
            member,
            topic,
            span,
            founds: false,
            fresh: false,
            strand: None,
            host: None,
            links_hosts: false,
            keys: Vec::new(),
            led: Vec::new(),
            facts: Facts::default(),
        }
    }
}

/// A strand as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strand {
    /// Row id: of two, the smaller was begun earlier.
    pub id: i64,
    /// Whose.
    pub member: i64,
    /// What its alerts share.
    pub topic: Topic,
    /// From the first to the last sighting of the alerts that found it.
    pub span: Span,
    /// The incident it is in.
    pub incident: i64,
    /// What of its alerts weighs.
    pub facts: Facts,
}

/// What is to be written about one strand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrandDecision {
    /// The stored strand that goes on; none = begin a new one.
    pub kept: Option<i64>,
    /// Stored strands that turn out to be the same one; what they hold goes to the one kept.
    pub absorbed: Vec<i64>,
    /// Whose.
    pub member: i64,
    /// What its alerts share.
    pub topic: Topic,
    /// Its span from now on.
    pub span: Span,
    /// Alerts, by place, that are in it from now on.
    pub alerts: Vec<usize>,
    /// The incidents that its parts were in, each once, the oldest first.
    pub incidents: Vec<i64>,
    /// What of its alerts weighs from now on.
    pub facts: Facts,
}

impl StrandDecision {
    /// Whether a stored strand is this one from now on.
    pub fn holds(&self, strand: i64) -> bool {
        self.kept == Some(strand) || self.absorbed.contains(&strand)
    }
}

/// Decides for every member and topic among `alerts`. `stored` must hold all strands of these members and topics, and
/// `alerts` all that found none and lie near the fresh ones.
pub fn gather(alerts: &[AlertFact], stored: &[Strand]) -> Vec<StrandDecision> {
    let mut by_topic: BTreeMap<(i64, &Topic), Vec<usize>> = BTreeMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        by_topic.entry((alert.member, &alert.topic)).or_default().push(place);
    }
    let mut strands: BTreeMap<(i64, &Topic), Vec<&Strand>> = BTreeMap::new();
    for strand in stored {
        strands.entry((strand.member, &strand.topic)).or_default().push(strand);
    }
    by_topic
        .into_iter()
        .flat_map(|((member, topic), places)| {
            let strands = strands.remove(&(member, topic)).unwrap_or_default();
            gather_topic(alerts, member, topic, &places, &strands)
        })
        .collect()
}

fn gather_topic(
    alerts: &[AlertFact],
    member: i64,
    topic: &Topic,
    places: &[usize],
    strands: &[&Strand],
) -> Vec<StrandDecision> {
    let here = || places.iter().filter_map(|&place| alerts.get(place).map(|alert| (place, alert)));
    let founders: Vec<(usize, &AlertFact)> = here().filter(|(_, alert)| alert.founds).collect();
    let spans: Vec<Span> =
        strands.iter().map(|strand| strand.span).chain(founders.iter().map(|(_, alert)| alert.span)).collect();
    let mut decisions: Vec<StrandDecision> = Vec::new();
    for (span, parts) in cluster(&spans, WINDOW) {
        let mut stored: Vec<&Strand> = parts.iter().filter_map(|&part| strands.get(part).copied()).collect();
        stored.sort_unstable_by_key(|strand| strand.id);
        let mut ids = stored.iter().map(|strand| strand.id);
        let inside: Vec<&(usize, &AlertFact)> =
            parts.iter().filter_map(|part| founders.get(part.checked_sub(strands.len())?)).collect();
        let incidents: BTreeSet<i64> = stored.iter().map(|strand| strand.incident).collect();
        let facts = stored.iter().map(|strand| strand.facts).chain(inside.iter().map(|(_, alert)| alert.facts));
        decisions.push(StrandDecision {
            kept: ids.next(),
            absorbed: ids.collect(),
            member,
            topic: topic.clone(),
            span,
            alerts: inside.iter().map(|(place, _)| *place).collect(),
            incidents: incidents.into_iter().collect(),
            facts: facts.reduce(Facts::join).unwrap_or_default(),
        });
    }
    // What founds nothing joins the earliest strand near it, whichever of the two was there first.
    for (place, alert) in here().filter(|(_, alert)| !alert.founds) {
        if let Some(decision) = decisions.iter_mut().find(|decision| decision.span.near(alert.span)) {
            decision.alerts.push(place);
        }
    }
    decisions.retain(|decision| {
        let touched = |alert: &AlertFact| alert.fresh || alert.strand.is_none() || alert.strand != decision.kept;
        !decision.absorbed.is_empty() || decision.alerts.iter().filter_map(|&place| alerts.get(place)).any(touched)
    });
    decisions
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn topic(indicator: i64, exercise: bool) -> Topic {
        Topic { link: Link::of(indicator, None), exercise }
    }

    fn alert(member: i64, indicator: i64, first_day: i64, last_day: i64) -> AlertFact {
        AlertFact {
            member,
            topic: topic(indicator, false),
            span: Span::new(Timestamp(first_day * DAY), Timestamp(last_day * DAY)),
            founds: true,
            fresh: true,
            strand: None,
            host: None,
            links_hosts: true,
            keys: Vec::new(),
            led: Vec::new(),
            facts: Facts::default(),
        }
    }

    fn stored(id: i64, first_day: i64, last_day: i64) -> Strand {
        let span = Span::new(Timestamp(first_day * DAY), Timestamp(last_day * DAY));
        Strand { id, member: 1, topic: topic(1, false), span, incident: id, facts: Facts::default() }
    }

    #[test]
    fn a_threat_links_more_strongly_than_its_indicators() {
        assert_eq!(Link::of(1, Some("lure")), Link::of(2, Some("lure")));
        assert_ne!(Link::of(1, None), Link::of(2, None));
        assert_ne!(Link::of(1, None), Link::of(1, Some("1")), "a threat named 1 is not indicator 1");
    }

    #[test]
    fn seven_days_of_quiet_are_one_strand_and_a_moment_more_are_two() {
        let mut later = alert(1, 1, 7, 8);
        assert_eq!(gather(&[alert(1, 1, 0, 0), later.clone()], &[]).len(), 1);
        later.span.first.0 += 1;
        assert_eq!(gather(&[alert(1, 1, 0, 0), later], &[]).len(), 2);
    }

    #[test]
    fn members_indicators_and_exercises_are_never_mixed() {
        let mut exercise = alert(1, 1, 0, 0);
        exercise.topic.exercise = true;
        let decisions = gather(&[alert(1, 1, 0, 0), alert(2, 1, 0, 0), alert(1, 2, 0, 0), exercise], &[]);
        assert_eq!(decisions.len(), 4);
        assert!(decisions.iter().all(|decision| decision.alerts.len() == 1));
    }

    #[test]
    fn an_alert_that_bridges_two_strands_makes_them_the_older_one() {
        let decisions = gather(&[alert(1, 1, 6, 10)], &[stored(5, 12, 13), stored(3, 16, 17), stored(9, 0, 1)]);
        let whole = Span::new(Timestamp(0), Timestamp(17 * DAY));
        let found: Vec<_> = decisions.iter().map(|d| (d.kept, d.absorbed.clone(), d.span)).collect();
        assert_eq!(found, [(Some(3), vec![5, 9], whole)]);
        assert_eq!(decisions[0].incidents, [3, 5, 9]);
    }

    #[test]
    fn unanswered_contact_from_outside_founds_no_incident_but_joins_one() {
        assert!(!founds_an_incident(Direction::Inbound, false, Evidence::Attempted));
        assert!(founds_an_incident(Direction::Inbound, true, Evidence::Contacted));
        assert!(founds_an_incident(Direction::Outbound, false, Evidence::Blocked));
        let scan = AlertFact { founds: false, ..alert(1, 1, 4, 5) };
        assert_eq!(gather(std::slice::from_ref(&scan), &[]), []);
        let decisions = gather(&[scan, alert(1, 1, 0, 0)], &[]);
        assert_eq!(decisions.len(), 1);
        assert_eq!(decisions[0].alerts, [1, 0]);
        assert_eq!(decisions[0].span.last, Timestamp(0), "a scan prolongs nothing");
    }

    #[test]
    fn strands_far_from_what_is_new_are_left_alone() {
        let scan = AlertFact { founds: false, fresh: false, strand: Some(1), ..alert(1, 1, 0, 0) };
        let decisions = gather(&[alert(1, 1, 100, 100), scan], &[stored(1, 0, 1)]);
        assert_eq!(decisions.iter().map(|d| d.kept).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn a_clock_at_the_end_of_time_overflows_nothing() {
        let edge = Span::new(Timestamp::MAX, Timestamp::MIN);
        assert!(edge.first <= edge.last && edge.near(edge));
        assert_eq!(cluster(&[edge, Span::new(Timestamp::MAX, Timestamp::MAX)], WINDOW).len(), 1);
    }
}
