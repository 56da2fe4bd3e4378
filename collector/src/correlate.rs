//! Runs both steps of correlation over what a batch touched: decides, while the store applies, all or nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::campaign::{self, Campaign, CampaignDecision, IncidentFact};
use crate::incident::{self, AlertFact, Incident, IncidentDecision};

/// What is stored about the topics that a batch touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// All incidents of the batch's members and topics, and of any member those that are in no campaign yet.
    pub incidents: Vec<Incident>,
    /// All campaigns of the batch's topics.
    pub campaigns: Vec<Campaign>,
    /// Members behind a shared supplier network, each with the one that stands for all behind it.
    pub shared: BTreeMap<i64, i64>,
}

impl Known {
    /// The same for all members behind one shared supplier network.
    fn independent(&self, member: i64) -> i64 {
        self.shared.get(&member).copied().unwrap_or(member)
    }
}

/// An incident that may not have an id yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncidentRef {
    /// By its place in [`Decisions::incidents`].
    Decided(usize),
    /// By its row id.
    Stored(i64),
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// Incidents opened, grown or joined.
    pub incidents: Vec<IncidentDecision>,
    /// Campaigns opened, grown or joined, and the incidents that are in each from now on.
    pub campaigns: Vec<(CampaignDecision, Vec<IncidentRef>)>,
}

/// Decides what becomes of these alerts. See [`incident::gather`] and [`campaign::gather`] for what must be handed over.
pub fn correlate(alerts: &[AlertFact], known: &Known) -> Decisions {
    let incidents = incident::gather(alerts, &known.incidents);
    let decided: BTreeSet<i64> = incidents
        .iter()
        .flat_map(|decision| decision.kept.into_iter().chain(decision.absorbed.iter().copied()))
        .collect();
    let mut facts = Vec::new();
    let mut names = Vec::new();
    for (place, decision) in incidents.iter().enumerate() {
        let IncidentDecision { member, topic, span, .. } = decision;
        facts.push(IncidentFact {
            independent: known.independent(*member),
            topic: topic.clone(),
            span: *span,
            fresh: true,
        });
        names.push(IncidentRef::Decided(place));
    }
    for stored in &known.incidents {
        if stored.campaign.is_none() && !decided.contains(&stored.id) {
            let Incident { member, topic, span, .. } = stored;
            facts.push(IncidentFact {
                independent: known.independent(*member),
                topic: topic.clone(),
                span: *span,
                fresh: false,
            });
            names.push(IncidentRef::Stored(stored.id));
        }
    }
    let campaigns = campaign::gather(&facts, &known.campaigns)
        .into_iter()
        .map(|decision| {
            let inside = decision.incidents.iter().filter_map(|&place| names.get(place).copied()).collect();
            (decision, inside)
        })
        .collect();
    Decisions { incidents, campaigns }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use varde_common::time::Timestamp;

    use super::*;
    use crate::incident::{Link, Span, Topic};

    const HOUR: i64 = 3_600_000_000;

    #[derive(Debug, Clone)]
    struct Alert {
        member: i64,
        topic: Topic,
        span: Span,
        founds: bool,
    }

    /// The store as the rules of the two steps want it, in memory.
    #[derive(Default)]
    struct World {
        next_id: i64,
        alerts: BTreeMap<usize, (Alert, Option<i64>)>,
        incidents: BTreeMap<i64, Incident>,
        campaigns: BTreeMap<i64, Campaign>,
        shared: BTreeMap<i64, i64>,
    }

    impl World {
        fn take(&mut self, batch: &[(usize, Alert)]) {
            for (name, alert) in batch {
                let incident = self.alerts.get(name).and_then(|(_, incident)| *incident);
                self.alerts.insert(*name, (alert.clone(), incident));
            }
            let mut names = Vec::new();
            let mut facts = Vec::new();
            for (name, (alert, incident)) in &self.alerts {
                let fresh = batch.iter().any(|(other, _)| other == name);
                if fresh || !alert.founds {
                    names.push(*name);
                    let Alert { member, topic, span, founds } = alert.clone();
                    facts.push(AlertFact { member, topic, span, founds, fresh, incident: *incident });
                }
            }
            let known = Known {
                incidents: self.incidents.values().cloned().collect(),
                campaigns: self.campaigns.values().cloned().collect(),
                shared: self.shared.clone(),
            };
            let decisions = correlate(&facts, &known);
            let mut ids = Vec::new();
            for decision in decisions.incidents {
                let IncidentDecision { kept, absorbed, member, topic, span, alerts, campaign } = decision;
                self.next_id += 1;
                let id = kept.unwrap_or(self.next_id);
                ids.push(id);
                for old in absorbed {
                    self.incidents.remove(&old);
                    for (_, incident) in self.alerts.values_mut() {
                        if *incident == Some(old) {
                            *incident = Some(id);
                        }
                    }
                }
                for place in alerts {
                    self.alerts.get_mut(&names[place]).unwrap().1 = Some(id);
                }
                self.incidents.insert(id, Incident { id, member, topic, span, campaign });
            }
            for (decision, inside) in decisions.campaigns {
                let CampaignDecision { kept, absorbed, topic, span, .. } = decision;
                self.next_id += 1;
                let id = kept.unwrap_or(self.next_id);
                for old in absorbed {
                    self.campaigns.remove(&old);
                    for incident in self.incidents.values_mut() {
                        if incident.campaign == Some(old) {
                            incident.campaign = Some(id);
                        }
                    }
                }
                for incident in inside {
                    let incident = match incident {
                        IncidentRef::Decided(place) => ids[place],
                        IncidentRef::Stored(id) => id,
                    };
                    self.incidents.get_mut(&incident).unwrap().campaign = Some(id);
                }
                self.campaigns.insert(id, Campaign { id, topic, span });
            }
        }

        /// For each alert: the least alert of its incident, and of its campaign, by name.
        fn content(&self) -> Vec<Named> {
            let campaign_of = |incident: i64| self.incidents[&incident].campaign;
            let least_with = |same: &dyn Fn(i64) -> bool| {
                self.alerts.iter().find(|(_, (_, incident))| incident.is_some_and(same)).map(|(name, _)| *name)
            };
            self.alerts
                .iter()
                .map(|(name, (_, incident))| {
                    let incident_name = incident.and_then(|id| least_with(&|other| other == id));
                    let campaign_name = incident
                        .and_then(campaign_of)
                        .and_then(|id| least_with(&|other| campaign_of(other) == Some(id)));
                    (*name, incident_name, campaign_name)
                })
                .collect()
        }
    }

    /// An alert, the least alert of its incident, and that of its campaign.
    type Named = (usize, Option<usize>, Option<usize>);

    /// The same by brute force: no spans of groups, no order, only "near" between founding alerts until nothing changes.
    fn oracle(alerts: &BTreeMap<usize, Alert>, shared: &BTreeMap<i64, i64>) -> Vec<Named> {
        let closure = |same: &dyn Fn(&Alert, &Alert) -> bool| {
            let mut group: BTreeMap<usize, usize> =
                alerts.iter().filter(|(_, a)| a.founds).map(|(name, _)| (*name, *name)).collect();
            loop {
                let before = group.clone();
                for a in before.keys() {
                    for b in before.keys() {
                        if same(&alerts[a], &alerts[b]) && alerts[a].span.near(alerts[b].span) {
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
        };
        let mut incident = closure(&|a, b| a.member == b.member && a.topic == b.topic);
        let campaign = closure(&|a, b| a.topic == b.topic);
        let founding = incident.clone();
        for (name, alert) in alerts.iter().filter(|(_, a)| !a.founds) {
            let joined = founding
                .iter()
                .filter(|(other, group)| {
                    let whole = founding.iter().filter(|(_, g)| g == group).map(|(n, _)| alerts[n].span);
                    let whole = whole.reduce(Span::join).unwrap();
                    alerts[*other].member == alert.member
                        && alerts[*other].topic == alert.topic
                        && whole.near(alert.span)
                })
                .min_by_key(|(other, _)| alerts[*other].span.first);
            if let Some((_, group)) = joined {
                incident.insert(*name, *group);
            }
        }
        let campaign_of = |group: usize| {
            let whole = campaign[&group];
            let mut members: Vec<i64> =
                campaign.iter().filter(|(_, g)| **g == whole).map(|(name, _)| alerts[name].member).collect();
            members.iter_mut().for_each(|member| *member = shared.get(member).copied().unwrap_or(*member));
            members.sort_unstable();
            members.dedup();
            (members.len() >= 2).then_some(whole)
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
        let one = (1i64..4, 1i64..3, prop::bool::weighted(0.2), 0i64..1500, 0i64..200, prop::bool::weighted(0.8));
        let one = one.prop_map(|(member, indicator, exercise, start, hours, founds)| Alert {
            member,
            topic: Topic { link: Link::of(indicator, (indicator == 2).then_some("lure")), exercise },
            span: Span::new(Timestamp(start * HOUR), Timestamp((start + hours) * HOUR)),
            founds,
        });
        prop::collection::vec(one, 1..24)
    }

    proptest! {
        #[test]
        fn order_and_batching_of_arrival_change_nothing(
            alerts in alerts(),
            order in prop::collection::vec(any::<u32>(), 48),
            cuts in prop::collection::vec(1usize..6, 48),
            two_share in any::<bool>(),
        ) {
            // Each alert arrives twice: as it began, and as it was in the end.
            let mut arrivals: Vec<(u32, usize, Alert)> = Vec::new();
            for (name, alert) in alerts.iter().enumerate() {
                let mut keys = [order[2 * name], order[2 * name + 1]];
                keys.sort_unstable();
                let begun = Alert { span: Span::new(alert.span.first, alert.span.first), ..alert.clone() };
                arrivals.push((keys[0], name, begun));
                arrivals.push((keys[1], name, alert.clone()));
            }
            arrivals.sort_by_key(|(key, name, _)| (*key, *name));
            // Members 1 and 2 are behind one supplier's network, or nobody is.
            let shared: BTreeMap<i64, i64> = if two_share { [(1, 1), (2, 1)].into() } else { BTreeMap::new() };
            let mut world = World { shared: shared.clone(), ..World::default() };
            let mut rest: Vec<(usize, Alert)> = arrivals.into_iter().map(|(_, name, alert)| (name, alert)).collect();
            for cut in cuts {
                let batch: BTreeMap<usize, Alert> = rest.drain(..cut.min(rest.len())).collect();
                world.take(&batch.into_iter().collect::<Vec<_>>());
            }
            world.take(&rest);
            prop_assert_eq!(world.content(), oracle(&alerts.into_iter().enumerate().collect(), &shared));
        }
    }
}
