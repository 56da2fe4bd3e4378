//! The result of correlation is that of the alerts: their order and batching change nothing, held against brute force.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::*;
use crate::campaign::{CampaignDecision, is_campaign};
use crate::gateway::{Gateways, Host};
use crate::link::{Backing, Key, KeyKind};
use crate::priority::Facts;
use crate::strand::{Link, LinkKind, Span, Topic};

mod backing;
mod gateways;
mod linked;

const HOUR: i64 = 3_600_000_000;
/// Indicators up to here are of low confidence.
const DOUBTFUL: i64 = 1;
/// This one no source is sure of.
const UNVOUCHED: i64 = 6;
/// An address that a guard has tripped over.
const POPULAR: &str = "192.0.2.1";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Alert {
    member: i64,
    indicator: i64,
    topic: Topic,
    span: Span,
    founds: bool,
    host: Option<i64>,
    evidence: Evidence,
    /// What it led to, known once it got as far as contact.
    address: i64,
}

impl Alert {
    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Key { kind: KeyKind::Indicator, value: self.indicator.to_string() }];
        if self.topic.link.kind == LinkKind::Threat {
            keys.push(Key { kind: KeyKind::Threat, value: self.topic.link.value.clone() });
        }
        if self.evidence >= Evidence::Attempted {
            keys.push(Key { kind: KeyKind::Contact, value: self.indicator.to_string() });
        }
        // Indicators 3 and 4 are names of one domain.
        if (3..=4).contains(&self.indicator) {
            keys.push(Key { kind: KeyKind::Domain, value: "evil.no".to_owned() });
        }
        if self.evidence >= Evidence::Contacted {
            keys.push(Key { kind: KeyKind::Address, value: format!("192.0.2.{}", self.address) });
        }
        if self.founds { keys } else { Vec::new() }
    }

    fn host_of(&self) -> Option<Host> {
        let (member, exercise) = (self.member, self.topic.exercise);
        self.host.map(|host| Host { member, name: format!("H-{host}"), exercise })
    }

    fn links_hosts(&self) -> bool {
        self.indicator > DOUBTFUL
    }

    fn confidence(&self) -> u8 {
        if self.indicator <= DOUBTFUL { 20 } else { 80 }
    }

    fn fact(&self, fresh: bool, strand: Option<i64>) -> AlertFact {
        AlertFact {
            founds: self.founds,
            fresh,
            strand,
            host: self.host.map(|host| format!("H-{host}")),
            links_hosts: self.links_hosts(),
            keys: if fresh { self.keys() } else { Vec::new() },
            facts: Facts { evidence: self.evidence, confidence: self.confidence(), ..Facts::default() },
            ..AlertFact::joining(self.member, self.topic.clone(), self.span)
        }
    }
}

fn backing(indicator: i64) -> Backing {
    match indicator {
        ..=DOUBTFUL => Backing::Doubtful,
        UNVOUCHED => Backing::Unvouched,
        _ => Backing::Vouched,
    }
}

fn guards(shared: &BTreeMap<i64, i64>) -> Guards {
    Guards {
        tripped: [Key { kind: KeyKind::Address, value: POPULAR.to_owned() }].into(),
        backing: (1..=6).map(|indicator| (indicator, backing(indicator))).collect(),
        apart: BTreeSet::new(),
        shared: shared.clone(),
    }
}

/// The store as the steps want it, in memory.
#[derive(Default)]
struct World {
    next_id: i64,
    alerts: BTreeMap<usize, (Alert, Option<i64>)>,
    strands: BTreeMap<i64, Strand>,
    incidents: BTreeMap<i64, (Incident, i64)>,
    traces: BTreeMap<i64, Trace>,
    clusters: BTreeMap<i64, Option<i64>>,
    /// Of those, what is too connected.
    marked: BTreeSet<i64>,
    gateways: Gateways,
    /// Alerts that were there before the batch.
    before: BTreeSet<usize>,
    shared: BTreeMap<i64, i64>,
}

impl World {
    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn known(&self) -> Known {
        let hosts = self.alerts.values().filter_map(|(alert, strand)| {
            let strand = self.strands.get(strand.as_ref()?)?;
            Some(HostAlert {
                member: alert.member,
                host: format!("H-{}", alert.host?),
                strand: strand.id,
                topic: alert.topic.clone(),
                incident: strand.incident,
                span: alert.span,
                evidence: alert.evidence,
                links_hosts: alert.links_hosts() && alert.founds,
            })
        });
        let clusters = self.clusters.iter().map(|(id, campaign)| {
            let inside = self.incidents.values().filter(|(incident, _)| incident.cluster == *id);
            let members = inside.map(|(incident, member)| {
                let strands = self.strands.values().filter(|strand| strand.incident == incident.id);
                (incident.id, *member, strands.into_iter().any(|strand| strand.facts.confidence >= 50))
            });
            let members = if campaign.is_none() { members.collect() } else { Vec::new() };
            (*id, Cluster { campaign: *campaign, is_too_connected: self.marked.contains(id), members })
        });
        let traces = self.traces.values().map(|trace| {
            let incident = self.strands[&trace.strand].incident;
            Trace { incident, cluster: self.incidents[&incident].0.cluster, ..trace.clone() }
        });
        Known {
            strands: self.strands.values().cloned().collect(),
            hosts: hosts.collect(),
            traces: traces.collect(),
            incidents: self.incidents.iter().map(|(id, (incident, _))| (*id, *incident)).collect(),
            clusters: clusters.collect(),
            guards: guards(&self.shared),
            gateways: self.gateways.clone(),
        }
    }

    fn take(&mut self, batch: &[(usize, Alert)]) {
        self.before = self.alerts.keys().copied().collect();
        for (name, alert) in batch {
            let strand = self.alerts.get(name).and_then(|(_, strand)| *strand);
            self.alerts.insert(*name, (alert.clone(), strand));
        }
        let (mut names, mut facts) = (Vec::new(), Vec::new());
        for (name, (alert, strand)) in &self.alerts {
            let fresh = batch.iter().any(|(other, _)| other == name);
            if fresh || !alert.founds {
                names.push(*name);
                facts.push(alert.fact(fresh, *strand));
            }
        }
        let decisions = correlate(&facts, &self.known(), &Weights::built_in());
        self.apply(&names, decisions);
    }

    fn apply(&mut self, names: &[usize], decisions: Decisions) {
        let mut incident_of = vec![0; decisions.strands.len()];
        let mut ids = Vec::new();
        for decision in &decisions.incidents {
            let id = decision.kept.unwrap_or_else(|| self.id());
            ids.push(id);
            for old in &decision.absorbed {
                self.incidents.remove(old);
                self.strands.values_mut().filter(|s| s.incident == *old).for_each(|strand| strand.incident = id);
            }
            for place in &decision.strands {
                incident_of[*place] = id;
            }
            let cluster = self.incidents.get(&id).map_or(0, |(incident, _)| incident.cluster);
            self.incidents.insert(id, (Incident { id, span: decision.span, cluster }, decision.member));
        }
        let mut strands = Vec::new();
        for (place, decision) in decisions.strands.into_iter().enumerate() {
            let id = decision.kept.unwrap_or_else(|| self.id());
            strands.push(id);
            for old in decision.absorbed {
                self.strands.remove(&old);
                self.traces.values_mut().filter(|trace| trace.strand == old).for_each(|trace| trace.strand = id);
                self.alerts.values_mut().filter(|(_, s)| *s == Some(old)).for_each(|(_, strand)| *strand = Some(id));
            }
            for alert in decision.alerts {
                self.alerts.get_mut(&names[alert]).unwrap().1 = Some(id);
            }
            let (member, topic, span, facts) = (decision.member, decision.topic, decision.span, decision.facts);
            self.strands.insert(id, Strand { id, member, topic, span, incident: incident_of[place], facts });
        }
        for decision in decisions.traces {
            let id = decision.kept.unwrap_or_else(|| self.id());
            for old in decision.absorbed {
                self.traces.remove(&old);
            }
            let strand = strands[decision.strand];
            let (key, span, exercise) = (decision.key, decision.span, self.strands[&strand].topic.exercise);
            self.traces.insert(id, Trace { id, key, exercise, strand, incident: 0, cluster: 0, span });
        }
        for decision in decisions.clusters {
            let id = decision.kept.unwrap_or_else(|| self.id());
            for old in &decision.absorbed {
                self.clusters.remove(old);
                if self.marked.remove(old) {
                    self.marked.insert(id);
                }
                self.incidents.values_mut().filter(|(i, _)| i.cluster == *old).for_each(|(i, _)| i.cluster = id);
            }
            for place in decision.incidents {
                self.incidents.get_mut(&ids[place]).unwrap().0.cluster = id;
            }
            let campaign = match decision.campaign {
                CampaignDecision::None => None,
                CampaignDecision::Raised => Some(self.id()),
                CampaignDecision::Kept(kept, _) => Some(kept),
            };
            self.clusters.insert(id, campaign);
        }
        for host in decisions.gateways {
            // As the store does it: where it met several things by what came before, in one incident.
            let of_host = self.before.iter().map(|name| &self.alerts[name]);
            let of_host = of_host.filter(|(alert, _)| alert.host_of().as_ref() == Some(&host));
            let mut strands: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
            for strand in of_host.filter_map(|(_, strand)| self.strands.get(strand.as_ref()?)) {
                strands.entry(strand.incident).or_default().insert(strand.id);
            }
            let joined = strands.iter().filter(|(_, strands)| strands.len() > 1);
            self.marked.extend(joined.map(|(incident, _)| self.incidents[incident].0.cluster));
            self.gateways.insert(host, true);
        }
    }

    /// For each alert: the least alert of its incident, and of its campaign, by name.
    fn content(&self) -> Vec<Named> {
        let incident_of = |strand: &Option<i64>| strand.map(|strand| self.strands[&strand].incident);
        let campaign_of = |incident: i64| self.clusters[&self.incidents[&incident].0.cluster];
        let least_with = |same: &dyn Fn(i64) -> bool| {
            self.alerts.iter().find(|(_, (_, strand))| incident_of(strand).is_some_and(same)).map(|(name, _)| *name)
        };
        self.alerts
            .iter()
            .map(|(name, (_, strand))| {
                let incident = incident_of(strand);
                let incident_name = incident.and_then(|id| least_with(&|other| other == id));
                let campaign_name =
                    incident.and_then(campaign_of).and_then(|id| least_with(&|other| campaign_of(other) == Some(id)));
                (*name, incident_name, campaign_name)
            })
            .collect()
    }
}

/// An alert, the least alert of its incident, and that of its campaign.
type Named = (usize, Option<usize>, Option<usize>);

/// What holds of two of these makes them one, through any number of others: the least name of each group.
fn closure(names: &[usize], same: &dyn Fn(usize, usize) -> bool) -> BTreeMap<usize, usize> {
    let mut group: BTreeMap<usize, usize> = names.iter().map(|name| (*name, *name)).collect();
    loop {
        let before = group.clone();
        for a in names {
            for b in names {
                if same(*a, *b) {
                    let least = group[a].min(group[b]);
                    group.insert(*a, least);
                    group.insert(*b, least);
                }
            }
        }
        if group == before {
            return group;
        }
    }
}

/// The same by brute force over pairs of alerts: no strands, no traces, no order.
fn oracle(alerts: &BTreeMap<usize, Alert>, shared: &BTreeMap<i64, i64>) -> Vec<Named> {
    let weights = Weights::built_in();
    let founders: Vec<usize> = alerts.iter().filter(|(_, alert)| alert.founds).map(|(name, _)| *name).collect();
    let days = |days: u16| Duration::from_secs(u64::from(days) * 86_400);
    let gateways = gateways::among(alerts);
    let one_topic = |a: &Alert, b: &Alert| a.member == b.member && a.topic == b.topic && a.span.near(b.span);
    let strand = closure(&founders, &|a, b| one_topic(&alerts[&a], &alerts[&b]));
    let one_host = |a: &Alert, b: &Alert| {
        let reached =
            |early: &Alert, late: &Alert| late.evidence >= Evidence::Contacted && early.span.first <= late.span.last;
        a.member == b.member
            && a.host.is_some()
            && a.host == b.host
            && !a.host_of().is_some_and(|host| gateways.contains(&host))
            && a.topic.exercise == b.topic.exercise
            && a.indicator > DOUBTFUL
            && b.indicator > DOUBTFUL
            && a.span.within(b.span, Duration::from_secs(24 * 3600))
            && (reached(a, b) || reached(b, a))
    };
    let mut incident = closure(&founders, &|a, b| strand[&a] == strand[&b] || one_host(&alerts[&a], &alerts[&b]));
    let share = |a: &Alert, b: &Alert| {
        a.keys().iter().filter(|key| b.keys().contains(key) && key.value != POPULAR).any(|key| {
            let reach = match key.kind {
                KeyKind::Indicator if backing(a.indicator) != Backing::Vouched => {
                    Duration::from_secs(u64::from(weights.link.unvouched_hours) * 3600)
                }
                KeyKind::Contact if a.indicator <= DOUBTFUL => days(weights.link.low_confidence_days),
                KeyKind::Indicator | KeyKind::Contact | KeyKind::Threat => days(weights.link.strong_days),
                KeyKind::Address | KeyKind::Domain => days(weights.link.medium_days),
            };
            a.topic.exercise == b.topic.exercise && a.span.within(b.span, reach)
        })
    };
    let cluster = closure(&founders, &|a, b| incident[&a] == incident[&b] || share(&alerts[&a], &alerts[&b]));
    let founding = incident.clone();
    for (name, alert) in alerts.iter().filter(|(_, alert)| !alert.founds) {
        let joined = founders
            .iter()
            .filter(|other| {
                let its = &alerts[*other];
                let inside = founders.iter().filter(|of| strand[*of] == strand[*other]);
                let whole = inside.map(|of| alerts[of].span).reduce(Span::join).unwrap();
                its.member == alert.member && its.topic == alert.topic && whole.near(alert.span)
            })
            .min_by_key(|other| alerts[*other].span.first);
        if let Some(other) = joined {
            incident.insert(*name, founding[other]);
        }
    }
    let campaign_of = |name: usize| {
        let whole = cluster[&name];
        let inside = cluster.iter().filter(|(_, group)| **group == whole).map(|(name, _)| &alerts[name]);
        let members = inside
            .map(|alert| (shared.get(&alert.member).copied().unwrap_or(alert.member), alert.indicator > DOUBTFUL));
        is_campaign(members, &weights).then_some(whole)
    };
    let named: Vec<Named> = alerts
        .keys()
        .map(|name| (*name, incident.get(name).copied(), incident.get(name).and_then(|group| campaign_of(*group))))
        .collect();
    // Groups by their least alert, those that found nothing included.
    let least = |pick: &dyn Fn(&Named) -> Option<usize>, group: Option<usize>| {
        group.and_then(|group| named.iter().find(|row| pick(row) == Some(group)).map(|row| row.0))
    };
    named.iter().map(|row| (row.0, least(&|r| r.1, row.1), least(&|r| r.2, row.2))).collect()
}

fn alerts() -> impl Strategy<Value = Vec<Alert>> {
    let what = (1i64..6, 1i64..7, prop::bool::weighted(0.2), prop::bool::weighted(0.85));
    let when = (prop_oneof![0i64..300, 0i64..3000], 0i64..100);
    let how = (prop::option::weighted(0.8, 0i64..2), 0usize..6, 0i64..4);
    let one =
        (what, when, how).prop_map(|((member, indicator, exercise, founds), (start, hours), (host, far, to))| Alert {
            member,
            indicator,
            topic: Topic { link: Link::of(indicator, (indicator == 2 || indicator == 5).then_some("lure")), exercise },
            span: Span::new(Timestamp(start * HOUR), Timestamp((start + hours) * HOUR)),
            founds,
            host: host.filter(|_| founds),
            evidence: Evidence::ALL[far],
            address: to + 1,
        });
    prop::collection::vec(one, 1..20)
}

/// Everything in these pieces, one after another.
fn told(arrivals: Vec<(usize, Alert)>, cuts: &[usize], shared: &BTreeMap<i64, i64>) -> World {
    let mut world = World { shared: shared.clone(), ..World::default() };
    let mut rest = arrivals;
    for cut in cuts {
        let batch: BTreeMap<usize, Alert> = rest.drain(..(*cut).min(rest.len())).collect();
        world.take(&batch.into_iter().collect::<Vec<_>>());
    }
    world.take(&rest.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect::<Vec<_>>());
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]
    #[test]
    fn c1_order_and_batching_of_arrival_change_nothing(
        alerts in alerts(),
        order in prop::collection::vec(any::<u32>(), 40),
        cuts in prop::collection::vec(1usize..6, 40),
        two_share in any::<bool>(),
    ) {
        // Each alert arrives twice: as it began, looked up, and as it was in the end.
        let mut arrivals: Vec<(u32, usize, Alert)> = Vec::new();
        for (name, alert) in alerts.iter().enumerate() {
            let mut keys = [order[2 * name], order[2 * name + 1]];
            keys.sort_unstable();
            let span = Span::new(alert.span.first, alert.span.first);
            let evidence = alert.evidence.min(Evidence::LookedUp);
            arrivals.push((keys[0], name, Alert { span, evidence, ..alert.clone() }));
            arrivals.push((keys[1], name, alert.clone()));
        }
        arrivals.sort_by_key(|(key, name, _)| (*key, *name));
        // Members 1 and 2 are behind one supplier's network, or nobody is.
        let shared: BTreeMap<i64, i64> = if two_share { [(1, 1), (2, 1)].into() } else { BTreeMap::new() };
        let arrivals: Vec<(usize, Alert)> = arrivals.into_iter().map(|(_, name, alert)| (name, alert)).collect();
        let whole = oracle(&alerts.into_iter().enumerate().collect(), &shared);
        prop_assert_eq!(told(arrivals.clone(), &cuts, &shared).content(), whole.clone());
        // Told again, nothing changes.
        let again = [arrivals.clone(), arrivals].concat();
        prop_assert_eq!(told(again, &cuts, &shared).content(), whole);
    }
}

fn alert(member: i64, indicator: i64, hour: i64) -> Alert {
    Alert {
        member,
        indicator,
        topic: Topic { link: Link::of(indicator, None), exercise: false },
        span: Span::new(Timestamp(hour * HOUR), Timestamp(hour * HOUR)),
        founds: true,
        host: Some(member),
        evidence: Evidence::Contacted,
        address: 100 + indicator,
    }
}

/// How many campaigns these alerts make, and how many incidents are in them.
fn campaigns(alerts: &[Alert], shared: &[(i64, i64)]) -> (usize, usize) {
    let arrivals = alerts.iter().cloned().enumerate().collect();
    let world = told(arrivals, &[], &shared.iter().copied().collect());
    let inside = world.incidents.values().filter(|(incident, _)| world.clusters[&incident.cluster].is_some());
    (world.clusters.values().flatten().count(), inside.count())
}
