//! Puts the strands of one member together into incidents: what stands on one topic, and what one host met within hours.
//!
//! An incident is strands joined by hosts, through any number of others. Two alerts of one host join their strands when at most
//! some hours lie between them and one of them got as far as contact, having ended no sooner than the other began: looked up,
//! then contacted, then data out. Each of these can only come to be true as alerts grow, so the order in which they arrive
//! changes nothing. Of indicators that are doubtful or widespread the host alone joins nothing; by how many members an indicator has
//! met that is so from some arrival on, and what was joined before stays. Nor does a host join anything that met many things at once,
//! a gateway: that is a guard, which trips whenever the last of them comes and then holds for good, for what came before it too. What
//! such a host has joined by then stays as it is, and is marked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use varde_common::alert::Evidence;

use crate::gateway::{self, Gateways, Host};
use crate::sets::Sets;
use crate::strand::{AlertFact, Span, StrandDecision, Topic};
use crate::weights::HostWeights;

/// A stored alert of a host that met something new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAlert {
    /// Whose.
    pub member: i64,
    /// Which host.
    pub host: String,
    /// The strand it is in.
    pub strand: i64,
    /// What that is about.
    pub topic: Topic,
    /// The incident that is in.
    pub incident: i64,
    /// Its sightings.
    pub span: Span,
    /// How far it got.
    pub evidence: Evidence,
    /// Its indicator is sure and rare enough for the host alone to link it.
    pub links_hosts: bool,
}

/// An incident as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    /// Row id: of two, the smaller was opened earlier.
    pub id: i64,
    /// From the first to the last sighting.
    pub span: Span,
    /// The cluster it is in.
    pub cluster: i64,
}

/// What is to be written about one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentDecision {
    /// The stored incident that goes on; none = open a new one.
    pub kept: Option<i64>,
    /// Stored incidents that turn out to be the same one; what they hold goes to the one kept.
    pub absorbed: Vec<i64>,
    /// Whose.
    pub member: i64,
    /// Part of an exercise.
    pub exercise: bool,
    /// Its span from now on.
    pub span: Span,
    /// Strands decided, by place, that are in it from now on (it may hold more).
    pub strands: Vec<usize>,
}

impl IncidentDecision {
    /// The stored incident that goes on by itself: only its times have changed.
    pub fn goes_on(&self) -> Option<i64> {
        self.kept.filter(|_| self.absorbed.is_empty())
    }
}

/// One alert of a host: decided, with the place of its strand, or stored in a strand that nothing new touches.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    topic: &'a Topic,
    node: Node,
    span: Span,
    evidence: Evidence,
    links: bool,
}

/// What one host met: newly, and before.
#[derive(Debug, Clone, Default)]
struct OneHost<'a> {
    fresh: Vec<Seen<'a>>,
    others: Vec<Seen<'a>>,
}

/// A strand that is decided, by its place, or an incident that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Strand(usize),
    Incident(i64),
}

/// Whether one host's two alerts make their strands one incident.
fn join(a: &Seen<'_>, b: &Seen<'_>, within: Duration) -> bool {
    let in_order =
        |early: &Seen<'_>, late: &Seen<'_>| late.evidence >= Evidence::Contacted && early.span.first <= late.span.last;
    a.links && b.links && a.span.within(b.span, within) && (in_order(a, b) || in_order(b, a))
}

/// What the hosts of new alerts join, and those hosts that have now been found to be gateways.
fn by_host(
    alerts: &[AlertFact],
    strands: &[StrandDecision],
    stored: &[HostAlert],
    gateways: &Gateways,
    limits: &HostWeights,
) -> (BTreeSet<(Node, Node)>, Vec<Host>) {
    let within = Duration::from_secs(u64::from(limits.hours) * 60 * 60);
    let mut hosts: BTreeMap<(i64, &str, bool), OneHost<'_>> = BTreeMap::new();
    for (place, strand) in strands.iter().enumerate() {
        for alert in strand.alerts.iter().filter_map(|&at| alerts.get(at)).filter(|alert| alert.fresh && alert.founds) {
            if let Some(host) = &alert.host {
                hosts.entry((strand.member, host, strand.topic.exercise)).or_default().fresh.push(Seen {
                    topic: &strand.topic,
                    node: Node::Strand(place),
                    span: alert.span,
                    evidence: alert.facts.evidence,
                    links: alert.links_hosts,
                });
            }
        }
    }
    let decided: BTreeMap<i64, usize> = strands
        .iter()
        .enumerate()
        .flat_map(|(place, one)| one.kept.iter().chain(&one.absorbed).map(move |id| (*id, place)))
        .collect();
    for alert in stored {
        if let Some(host) = hosts.get_mut(&(alert.member, alert.host.as_str(), alert.topic.exercise)) {
            host.others.push(Seen {
                topic: &alert.topic,
                node: decided.get(&alert.strand).map_or(Node::Incident(alert.incident), |place| Node::Strand(*place)),
                span: alert.span,
                evidence: alert.evidence,
                links: alert.links_hosts,
            });
        }
    }
    let (mut joined, mut tripped) = (BTreeSet::new(), Vec::new());
    for ((member, name, exercise), OneHost { fresh, others }) in &hosts {
        let host = Host { member: *member, name: (*name).to_owned(), exercise: *exercise };
        match gateways.get(&host) {
            Some(true) => continue,
            // A person has said that it is none.
            Some(false) => {}
            None => {
                let met = fresh.iter().chain(others).map(|seen| (seen.topic, seen.span));
                if gateway::is_one(met, within, limits.topics_max) {
                    tripped.push(host);
                    continue;
                }
            }
        }
        for one in fresh {
            let found = fresh.iter().chain(others).filter(|other| other.node != one.node && join(one, other, within));
            joined.extend(found.map(|other| (one.node, other.node)));
        }
    }
    (joined, tripped)
}

/// Decides which incidents the strands decided make. `incidents` must hold all that their parts were in and all that `hosts`
/// names; `is_apart` says which clusters a person has put apart, and no host joins across that. Gives the gateways that were found as
/// well, which `gateways` has not.
pub fn gather(
    alerts: &[AlertFact],
    strands: &[StrandDecision],
    (hosts, gateways): (&[HostAlert], &Gateways),
    incidents: &BTreeMap<i64, Incident>,
    limits: &HostWeights,
    is_apart: impl Fn(i64, i64) -> bool,
) -> (Vec<IncidentDecision>, Vec<Host>) {
    let (joined, tripped) = by_host(alerts, strands, hosts, gateways, limits);
    let mut nodes: BTreeSet<Node> = joined.iter().flat_map(|(a, b)| [*a, *b]).collect();
    for (place, strand) in strands.iter().enumerate() {
        nodes.insert(Node::Strand(place));
        nodes.extend(strand.incidents.iter().map(|incident| Node::Incident(*incident)));
    }
    let nodes: Vec<Node> = nodes.into_iter().collect();
    let places: BTreeMap<Node, usize> = nodes.iter().copied().zip(0..).collect();
    let mut sets = Sets::new(nodes.len());
    for (place, strand) in strands.iter().enumerate() {
        for incident in &strand.incidents {
            if let (Some(&a), Some(&b)) = (places.get(&Node::Strand(place)), places.get(&Node::Incident(*incident))) {
                sets.join(a, b);
            }
        }
    }
    let clusters_of = |sets: &Sets, head: usize| -> Vec<i64> {
        let inside = nodes.iter().zip(0..).filter(|(_, place)| sets.are_one(*place, head));
        let stored = inside.filter_map(|(node, _)| match node {
            Node::Incident(id) => incidents.get(id).map(|incident| incident.cluster),
            Node::Strand(_) => None,
        });
        stored.collect()
    };
    for (a, b) in &joined {
        let (Some(&a), Some(&b)) = (places.get(a), places.get(b)) else { continue };
        if sets.are_one(a, b) {
            continue;
        }
        let (of_a, of_b) = (clusters_of(&sets, a), clusters_of(&sets, b));
        if !of_a.iter().any(|a| of_b.iter().any(|b| is_apart(*a, *b))) {
            sets.join(a, b);
        }
    }
    (sets.all().into_iter().filter_map(|set| decide(&set, &nodes, strands, incidents)).collect(), tripped)
}

fn decide(
    set: &[usize],
    nodes: &[Node],
    strands: &[StrandDecision],
    incidents: &BTreeMap<i64, Incident>,
) -> Option<IncidentDecision> {
    let (mut ids, mut inside) = (Vec::new(), Vec::new());
    for node in set.iter().filter_map(|&place| nodes.get(place)) {
        match node {
            Node::Strand(place) => inside.push(*place),
            Node::Incident(id) => ids.push(*id),
        }
    }
    ids.sort_unstable();
    let first = inside.first().and_then(|&place| strands.get(place))?;
    let spans = ids.iter().filter_map(|id| incidents.get(id)).map(|incident| incident.span);
    let spans = spans.chain(inside.iter().filter_map(|&place| strands.get(place)).map(|strand| strand.span));
    let span = spans.reduce(Span::join)?;
    let mut ids = ids.into_iter();
    Some(IncidentDecision {
        kept: ids.next(),
        absorbed: ids.collect(),
        member: first.member,
        exercise: first.topic.exercise,
        span,
        strands: inside,
    })
}

#[cfg(test)]
mod tests {
    use varde_common::time::Timestamp;

    use super::*;
    use crate::priority::Facts;
    use crate::strand::{self, Link};
    use crate::weights::Weights;

    const HOUR: i64 = 3_600_000_000;

    fn alert(indicator: i64, host: &str, first_hour: i64, last_hour: i64, evidence: Evidence) -> AlertFact {
        AlertFact {
            member: 1,
            topic: Topic { link: Link::of(indicator, None), exercise: false },
            span: Span::new(Timestamp(first_hour * HOUR), Timestamp(last_hour * HOUR)),
            founds: true,
            fresh: true,
            strand: None,
            host: Some(host.to_owned()),
            links_hosts: true,
            keys: Vec::new(),
            led: Vec::new(),
            facts: Facts { evidence, ..Facts::default() },
        }
    }

    fn made(alerts: &[AlertFact]) -> usize {
        let strands = strand::gather(alerts, &[]);
        let limits = Weights::built_in().host;
        gather(alerts, &strands, (&[], &Gateways::new()), &BTreeMap::new(), &limits, |_, _| false).0.len()
    }

    #[test]
    fn what_one_host_looked_up_then_contacted_is_one_incident() {
        let lure = alert(1, "H-1", 0, 1, Evidence::Answered);
        let server = alert(2, "H-1", 20, 30, Evidence::Contacted);
        assert_eq!(made(&[lure.clone(), server.clone()]), 1);
        let other_host = AlertFact { host: Some("H-2".to_owned()), ..server.clone() };
        assert_eq!(made(&[lure.clone(), other_host]), 2);
        let only_looked_up = AlertFact { facts: Facts::default(), ..server.clone() };
        assert_eq!(made(&[lure.clone(), only_looked_up]), 2, "nothing was reached");
        let before = alert(2, "H-1", -9, -2, Evidence::DataOut);
        assert_eq!(made(&[lure.clone(), before]), 2, "out of order: contact had ended before the other was looked up");
        let late = alert(2, "H-1", 26, 30, Evidence::Contacted);
        assert_eq!(made(&[lure.clone(), late]), 2, "a day and an hour later");
        let drill = AlertFact { topic: Topic { exercise: true, ..server.topic.clone() }, ..server.clone() };
        assert_eq!(made(&[lure.clone(), drill]), 2, "an exercise never mixes with what is real");
        let doubtful = AlertFact { links_hosts: false, ..server };
        assert_eq!(made(&[lure, doubtful]), 2);
    }

    #[test]
    fn c7_a_host_that_meets_many_things_at_once_is_a_gateway_and_joins_nothing_until_a_person_says_no() {
        let many: Vec<AlertFact> = (1..=8).map(|n| alert(n, "H-1", n, n, Evidence::Contacted)).collect();
        assert_eq!(made(&many), 1);
        let more: Vec<AlertFact> = (1..=9).map(|n| alert(n, "H-1", n, n, Evidence::Contacted)).collect();
        assert_eq!(made(&more), 9);
        let host = Host { member: 1, name: "H-1".to_owned(), exercise: false };
        let with = |alerts: &[AlertFact], gateways: Gateways| {
            let (strands, limits) = (strand::gather(alerts, &[]), Weights::built_in().host);
            let (made, found) = gather(alerts, &strands, (&[], &gateways), &BTreeMap::new(), &limits, |_, _| false);
            (made.len(), found)
        };
        assert_eq!(with(&more, Gateways::new()), (9, vec![host.clone()]));
        assert_eq!(with(&more, [(host.clone(), false)].into()), (1, vec![]), "a person has said that it is none");
        assert_eq!(with(&many, [(host.clone(), true)].into()), (8, vec![]), "and few are not joined by one either");
        let practised = Host { exercise: true, ..host };
        assert_eq!(with(&many, [(practised, true)].into()), (1, vec![]), "another is another");
    }

    #[test]
    fn incidents_that_a_host_joins_become_the_oldest_and_one_put_apart_stays_apart() {
        let fresh = alert(1, "H-1", 0, 1, Evidence::Contacted);
        let strands = strand::gather(std::slice::from_ref(&fresh), &[]);
        let other = |strand: i64, incident: i64| HostAlert {
            member: 1,
            host: "H-1".to_owned(),
            strand,
            topic: Topic { link: Link::of(strand, None), exercise: false },
            incident,
            span: fresh.span,
            evidence: Evidence::LookedUp,
            links_hosts: true,
        };
        let stored = |id: i64| (id, Incident { id, span: fresh.span, cluster: id * 10 });
        let incidents: BTreeMap<i64, Incident> = [stored(4), stored(7)].into();
        let limits = Weights::built_in().host;
        let hosts = [other(40, 4), other(70, 7)];
        let none = Gateways::new();
        let hosts = (hosts.as_slice(), &none);
        let (whole, _) = gather(std::slice::from_ref(&fresh), &strands, hosts, &incidents, &limits, |_, _| false);
        assert_eq!(whole.iter().map(|d| (d.kept, d.absorbed.clone())).collect::<Vec<_>>(), [(Some(4), vec![7])]);
        let is_apart = |a: i64, b: i64| (a.min(b), a.max(b)) == (40, 70);
        let (apart, _) = gather(std::slice::from_ref(&fresh), &strands, hosts, &incidents, &limits, is_apart);
        assert_eq!(apart.iter().map(|d| (d.kept, d.absorbed.clone())).collect::<Vec<_>>(), [(Some(4), vec![])]);
    }
}
