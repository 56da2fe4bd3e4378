//! Puts incidents together into clusters by what they share, and says which clusters are campaigns.
//!
//! Incidents that share a [`Key`] within its reach are of one cluster, through any number of others; so a cluster may grow or
//! join another, and is never split but by a person. It is a campaign once enough independent members are in it: each counts
//! once however many of its sites saw something, and members behind one shared supplier network count once together (decision 4).

use std::collections::{BTreeMap, BTreeSet};

use crate::incident::{Incident, IncidentDecision};
use crate::link::{Backing, Key};
use crate::sets::Sets;
use crate::strand::{AlertFact, Span, StrandDecision, WINDOW, cluster};
use crate::weights::Weights;

/// That a strand has a key, and when: alerts that have it and lie near each other, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Row id.
    pub id: i64,
    /// What may be shared.
    pub key: Key,
    /// Part of an exercise.
    pub exercise: bool,
    /// The strand that has it.
    pub strand: i64,
    /// The incident that is in.
    pub incident: i64,
    /// The cluster that is in.
    pub cluster: i64,
    /// From the first to the last sighting with it.
    pub span: Span,
}

/// What is to be written about one trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceDecision {
    /// The stored trace that goes on; none = a new one.
    pub kept: Option<i64>,
    /// Stored traces that turn out to be the same one.
    pub absorbed: Vec<i64>,
    /// The strand that has it, by place.
    pub strand: usize,
    /// What may be shared.
    pub key: Key,
    /// Its span from now on.
    pub span: Span,
}

/// What is known of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// The campaign it is.
    pub campaign: Option<i64>,
    /// Medium links join nothing to it any more.
    pub is_too_connected: bool,
    /// Of one that is no campaign: its incidents, each with its member and whether something in it is of more than low confidence.
    pub members: Vec<(i64, i64, bool)>,
}

/// What decides about links beside the traces themselves: the guards as they stand, and what a person has said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guards {
    /// Keys that link nothing: noise, mere lists, addresses that are not rare.
    pub tripped: BTreeSet<Key>,
    /// Who stands for each indicator; one that is not here is vouched for.
    pub backing: BTreeMap<i64, Backing>,
    /// Clusters that a person has put apart, the smaller number first.
    pub apart: BTreeSet<(i64, i64)>,
    /// Members behind a shared supplier network, each with the one that stands for all behind it.
    pub shared: BTreeMap<i64, i64>,
}

impl Guards {
    /// Whether a person has put these clusters apart.
    pub fn are_apart(&self, a: i64, b: i64) -> bool {
        self.apart.contains(&(a.min(b), a.max(b)))
    }

    /// Whether this key links nothing any more.
    pub fn holds(&self, key: &Key) -> bool {
        !self.tripped.is_empty() && self.tripped.contains(&key.guarded())
    }

    /// Who stands for what this key is about.
    pub fn backing_of(&self, key: &Key) -> Backing {
        key.indicator().and_then(|id| self.backing.get(&id).copied()).unwrap_or(Backing::Vouched)
    }

    /// The same for all members behind one shared supplier network.
    pub fn independent(&self, member: i64) -> i64 {
        self.shared.get(&member).copied().unwrap_or(member)
    }
}

/// What is to be written about one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDecision {
    /// The stored cluster that goes on; none = a new one.
    pub kept: Option<i64>,
    /// Stored clusters that turn out to be the same one.
    pub absorbed: Vec<i64>,
    /// Incidents decided, by place, that are in it from now on.
    pub incidents: Vec<usize>,
    /// What becomes of it.
    pub campaign: CampaignDecision,
}

/// Whether a cluster is a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CampaignDecision {
    /// Too few members share it.
    None,
    /// It has come to be one.
    Raised,
    /// It was one, or several: the first goes on, the others are part of it.
    Kept(i64, Vec<i64>),
}

/// The traces that new alerts make or lengthen. `stored` must hold all of their keys. No trace bridges more quiet than its key
/// reaches: else what one member meets again and again would lead from anything to anything.
pub fn traces(
    alerts: &[AlertFact],
    strands: &[StrandDecision],
    stored: &[Trace],
    guards: &Guards,
    weights: &Weights,
) -> Vec<TraceDecision> {
    let mut by_key: BTreeMap<&Key, Vec<&Trace>> = BTreeMap::new();
    for trace in stored {
        by_key.entry(&trace.key).or_default().push(trace);
    }
    let mut decisions = Vec::new();
    for (place, strand) in strands.iter().enumerate() {
        let mut fresh: BTreeMap<&Key, Vec<Span>> = BTreeMap::new();
        for alert in strand.alerts.iter().filter_map(|&at| alerts.get(at)).filter(|alert| alert.fresh && alert.founds) {
            for (key, span) in alert.shares() {
                fresh.entry(key).or_default().push(span);
            }
        }
        for (key, spans) in fresh {
            let all = by_key.get(key).map(Vec::as_slice).unwrap_or_default();
            let own: Vec<&&Trace> = all.iter().filter(|trace| strand.holds(trace.strand)).collect();
            let spans: Vec<Span> = own.iter().map(|trace| trace.span).chain(spans).collect();
            let quiet = WINDOW.min(key.reach(guards.backing_of(key), weights));
            for (span, parts) in cluster(&spans, quiet) {
                if parts.iter().all(|part| *part < own.len()) {
                    continue;
                }
                let mut ids: Vec<i64> = parts.iter().filter_map(|&part| own.get(part).map(|trace| trace.id)).collect();
                ids.sort_unstable();
                let mut ids = ids.into_iter();
                decisions.push(TraceDecision {
                    kept: ids.next(),
                    absorbed: ids.collect(),
                    strand: place,
                    key: key.clone(),
                    span,
                });
            }
        }
    }
    decisions
}

/// An incident that is decided, by its place, or a cluster that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Incident(usize),
    Cluster(i64),
}

/// Two that something connects: stronger links come first, so that where a person has put two apart, what belongs to either goes
/// to the one it has more in common with.
type Edge = (std::cmp::Reverse<i64>, Node, Node, bool);

fn edges(
    strands: &[StrandDecision],
    incidents: &[IncidentDecision],
    found: &[TraceDecision],
    stored: &[Trace],
    guards: &Guards,
    weights: &Weights,
) -> BTreeSet<Edge> {
    let incident_of: BTreeMap<usize, usize> = incidents
        .iter()
        .enumerate()
        .flat_map(|(place, incident)| incident.strands.iter().map(move |strand| (*strand, place)))
        .collect();
    let decided: BTreeMap<i64, usize> = incidents
        .iter()
        .enumerate()
        .flat_map(|(place, one)| one.kept.iter().chain(&one.absorbed).map(move |id| (*id, place)))
        .collect();
    let node_of = |trace: &Trace| {
        let place = decided.get(&trace.incident);
        place.map_or(Node::Cluster(trace.cluster), |place| Node::Incident(*place))
    };
    let mut by_key: BTreeMap<(&Key, bool), Vec<(Node, Span)>> = BTreeMap::new();
    for trace in stored {
        by_key.entry((&trace.key, trace.exercise)).or_default().push((node_of(trace), trace.span));
    }
    let mut fresh: BTreeMap<(&Key, bool), Vec<(Node, Span)>> = BTreeMap::new();
    for trace in found {
        let (Some(strand), Some(&place)) = (strands.get(trace.strand), incident_of.get(&trace.strand)) else {
            continue;
        };
        fresh.entry((&trace.key, strand.topic.exercise)).or_default().push((Node::Incident(place), trace.span));
    }
    let mut edges = BTreeSet::new();
    for ((key, exercise), nodes) in &fresh {
        let strength = key.kind.strength(weights);
        if guards.holds(key) || strength < weights.link.threshold {
            continue;
        }
        let reach = key.reach(guards.backing_of(key), weights);
        let others = by_key.get(&(*key, *exercise)).map(Vec::as_slice).unwrap_or_default();
        for (one, span) in nodes {
            for (other, its) in nodes.iter().chain(others) {
                if one != other && span.within(*its, reach) {
                    let (low, high) = (*one.min(other), *one.max(other));
                    edges.insert((std::cmp::Reverse(strength), low, high, key.kind.is_medium()));
                }
            }
        }
    }
    edges
}

/// Decides which clusters the incidents decided are in. `stored` must hold all traces of the keys of `found`, `known` all
/// incidents that theirs were, and `clusters` all clusters that any of these names.
pub fn gather(
    strands: &[StrandDecision],
    incidents: &[IncidentDecision],
    (found, stored): (&[TraceDecision], &[Trace]),
    known: &BTreeMap<i64, Incident>,
    clusters: &BTreeMap<i64, Cluster>,
    guards: &Guards,
    weights: &Weights,
) -> Vec<ClusterDecision> {
    let cluster_of = |incident: i64| known.get(&incident).map(|incident| incident.cluster);
    let mut edges = edges(strands, incidents, found, stored, guards, weights);
    let mut sure = Vec::new();
    for (place, incident) in incidents.iter().enumerate() {
        // What goes on stays where it was; what turns out to be part of it brings its cluster along, unless a person says no.
        sure.extend(incident.kept.and_then(cluster_of).map(|id| (Node::Incident(place), Node::Cluster(id))));
        for id in incident.absorbed.iter().filter_map(|id| cluster_of(*id)) {
            edges.insert((std::cmp::Reverse(i64::MAX), Node::Incident(place), Node::Cluster(id), false));
        }
    }
    let mut nodes: BTreeSet<Node> = (0..incidents.len()).map(Node::Incident).collect();
    nodes.extend(sure.iter().map(|(_, node)| *node));
    nodes.extend(edges.iter().flat_map(|(_, a, b, _)| [*a, *b]));
    let nodes: Vec<Node> = nodes.into_iter().collect();
    let places: BTreeMap<Node, usize> = nodes.iter().copied().zip(0..).collect();
    let mut sets = Sets::new(nodes.len());
    let place = |node: Node| places.get(&node).copied().unwrap_or(usize::MAX);
    for (a, b) in sure {
        sets.join(place(a), place(b));
    }
    let inside = |sets: &Sets, head: usize| -> Vec<i64> {
        let here = nodes.iter().zip(0..).filter(|(_, at)| sets.are_one(*at, head));
        here.filter_map(|(node, _)| match node {
            Node::Cluster(id) => Some(*id),
            Node::Incident(_) => None,
        })
        .collect()
    };
    let is_full = |ids: &[i64]| ids.iter().any(|id| clusters.get(id).is_some_and(|cluster| cluster.is_too_connected));
    for (_, a, b, is_medium) in edges {
        let (a, b) = (place(a), place(b));
        if sets.are_one(a, b) {
            continue;
        }
        if guards.apart.is_empty() && !is_medium {
            sets.join(a, b);
            continue;
        }
        let (of_a, of_b) = (inside(&sets, a), inside(&sets, b));
        let is_apart = of_a.iter().any(|a| of_b.iter().any(|b| guards.are_apart(*a, *b)));
        if !is_apart && !(is_medium && (is_full(&of_a) || is_full(&of_b))) {
            sets.join(a, b);
        }
    }
    let sets = sets.all();
    sets.iter().filter_map(|set| decide(set, &nodes, strands, incidents, clusters, guards, weights)).collect()
}

fn decide(
    set: &[usize],
    nodes: &[Node],
    strands: &[StrandDecision],
    incidents: &[IncidentDecision],
    clusters: &BTreeMap<i64, Cluster>,
    guards: &Guards,
    weights: &Weights,
) -> Option<ClusterDecision> {
    let (mut ids, mut inside) = (Vec::new(), Vec::new());
    for node in set.iter().filter_map(|&place| nodes.get(place)) {
        match node {
            Node::Incident(place) => inside.push(*place),
            Node::Cluster(id) => ids.push(*id),
        }
    }
    if inside.is_empty() {
        return None;
    }
    let mut campaigns: Vec<i64> =
        ids.iter().filter_map(|id| clusters.get(id).and_then(|cluster| cluster.campaign)).collect();
    campaigns.sort_unstable();
    campaigns.dedup();
    let campaign = match campaigns.split_first() {
        Some((kept, absorbed)) => CampaignDecision::Kept(*kept, absorbed.to_vec()),
        None => {
            let is_sure = |strand: &StrandDecision| strand.facts.surest() >= weights.confidence.low_below;
            let fresh = inside.iter().filter_map(|&place| incidents.get(place)).map(|incident| {
                let strands = incident.strands.iter().filter_map(|&place| strands.get(place));
                (guards.independent(incident.member), strands.into_iter().any(is_sure))
            });
            let stored = ids.iter().filter_map(|id| clusters.get(id)).flat_map(|cluster| &cluster.members);
            let stored = stored.map(|(_, member, sure)| (guards.independent(*member), *sure));
            match is_campaign(fresh.chain(stored), weights) {
                true => CampaignDecision::Raised,
                false => CampaignDecision::None,
            }
        }
    };
    ids.sort_unstable();
    let mut ids = ids.into_iter();
    Some(ClusterDecision { kept: ids.next(), absorbed: ids.collect(), incidents: inside, campaign })
}

/// Whether independent members, each with whether something of theirs is of more than low confidence, make a campaign.
pub fn is_campaign(members: impl Iterator<Item = (i64, bool)>, weights: &Weights) -> bool {
    let (mut all, mut sure) = (BTreeSet::new(), BTreeSet::new());
    for (member, is_sure) in members {
        all.insert(member);
        if is_sure {
            sure.insert(member);
        }
    }
    sure.len() >= weights.link.members_min || all.len() >= weights.link.members_min_low_confidence
}

/// Into what incidents fall if only these traces hold them together, and of those only what links still: each part's incidents
/// in order, the largest part first. `only_strong`: links that are no more than medium hold nothing. `welded`: incidents that a gateway has
/// put together. Each strand of those links for itself; the incident, which is whole, goes with the largest part that one of them is in.
pub fn parts(
    incidents: &[i64],
    traces: &[Trace],
    guards: &Guards,
    weights: &Weights,
    (only_strong, welded): (bool, &BTreeSet<i64>),
) -> Vec<Vec<i64>> {
    let node_of = |trace: &Trace| match welded.contains(&trace.incident) {
        true => (trace.incident, Some(trace.strand)),
        false => (trace.incident, None),
    };
    let whole = incidents.iter().filter(|id| !welded.contains(id)).map(|id| (*id, None));
    let nodes: BTreeSet<(i64, Option<i64>)> =
        traces.iter().filter(|trace| welded.contains(&trace.incident)).map(node_of).chain(whole).collect();
    let nodes: Vec<(i64, Option<i64>)> = nodes.into_iter().collect();
    let places: BTreeMap<(i64, Option<i64>), usize> = nodes.iter().copied().zip(0..).collect();
    let mut by_key: BTreeMap<(&Key, bool), Vec<(Span, usize)>> = BTreeMap::new();
    for trace in traces {
        let links = !guards.holds(&trace.key)
            && trace.key.kind.strength(weights) >= weights.link.threshold
            && !(only_strong && trace.key.kind.is_medium());
        if let Some(&place) = places.get(&node_of(trace)).filter(|_| links) {
            by_key.entry((&trace.key, trace.exercise)).or_default().push((trace.span, place));
        }
    }
    let mut sets = Sets::new(nodes.len());
    for ((key, _), mut spans) in by_key {
        let reach = key.reach(guards.backing_of(key), weights);
        spans.sort_unstable();
        let mut last: Option<(Span, usize)> = None;
        for (span, place) in spans {
            last = match last {
                Some((whole, first)) if whole.within(span, reach) => {
                    sets.join(first, place);
                    Some((whole.join(span), first))
                }
                Some(_) | None => Some((span, place)),
            };
        }
    }
    let ids = |part: &Vec<usize>| -> BTreeSet<i64> {
        part.iter().filter_map(|place| nodes.get(*place)).map(|(incident, _)| *incident).collect()
    };
    let mut parts: Vec<BTreeSet<i64>> = sets.all().iter().map(ids).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    // One that nothing is known of stands alone.
    parts.extend(incidents.iter().map(|id| BTreeSet::from([*id])));
    let mut placed = BTreeSet::new();
    let mut parts: Vec<Vec<i64>> =
        parts.into_iter().map(|part| part.into_iter().filter(|id| placed.insert(*id)).collect()).collect();
    parts.retain(|part| !part.is_empty());
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts
}
