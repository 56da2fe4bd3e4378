//! Puts incidents of several members together into campaigns.
//!
//! A campaign is what [`MEMBERS_MIN`] members or more share within [`WINDOW`](crate::incident::WINDOW), through any number
//! of others. It may grow or join another, never split. Each member counts once however many of its sites saw something, and
//! members behind one shared supplier network count once together: what one box of theirs fetches, all of them did (decision 4).

use std::collections::{BTreeMap, BTreeSet};

use crate::incident::{Span, Topic, cluster};

/// Members with an incident each, and networks of their own, for a campaign to be.
pub const MEMBERS_MIN: usize = 2;

/// A campaign as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Row id: of two, the smaller was opened earlier.
    pub id: i64,
    /// What its incidents share.
    pub topic: Topic,
    /// From the first to the last sighting.
    pub span: Span,
}

/// An incident as this step sees it. Its name is its place in the list handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentFact {
    /// Whose, and the same for all behind one shared supplier network.
    pub independent: i64,
    /// What its alerts share.
    pub topic: Topic,
    /// Its sightings.
    pub span: Span,
    /// New or changed.
    pub fresh: bool,
}

/// What is to be written about one campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignDecision {
    /// The stored campaign that goes on; none = open a new one.
    pub kept: Option<i64>,
    /// Stored campaigns that turn out to be the same one.
    pub absorbed: Vec<i64>,
    /// What its incidents share.
    pub topic: Topic,
    /// Its span from now on.
    pub span: Span,
    /// Incidents, by place, that are in it from now on (those handed over; it may hold more).
    pub incidents: Vec<usize>,
}

/// Decides for every topic among the fresh incidents. `stored` must hold all campaigns of these topics, and `incidents`
/// all that are in no campaign yet.
pub fn gather(incidents: &[IncidentFact], stored: &[Campaign]) -> Vec<CampaignDecision> {
    let mut by_topic: BTreeMap<&Topic, (Vec<usize>, Vec<&Campaign>)> = BTreeMap::new();
    for (place, incident) in incidents.iter().enumerate() {
        by_topic.entry(&incident.topic).or_default().0.push(place);
    }
    for campaign in stored {
        if let Some((_, campaigns)) = by_topic.get_mut(&campaign.topic) {
            campaigns.push(campaign);
        }
    }
    by_topic
        .into_iter()
        .flat_map(|(topic, (places, campaigns))| gather_topic(incidents, topic, &places, &campaigns))
        .collect()
}

fn gather_topic(
    incidents: &[IncidentFact],
    topic: &Topic,
    places: &[usize],
    campaigns: &[&Campaign],
) -> Vec<CampaignDecision> {
    let here: Vec<(usize, &IncidentFact)> =
        places.iter().filter_map(|&place| incidents.get(place).map(|incident| (place, incident))).collect();
    let spans: Vec<Span> =
        campaigns.iter().map(|campaign| campaign.span).chain(here.iter().map(|(_, incident)| incident.span)).collect();
    let mut decisions = Vec::new();
    for (span, parts) in cluster(&spans) {
        let mut ids: Vec<i64> = parts.iter().filter_map(|&part| campaigns.get(part).map(|c| c.id)).collect();
        ids.sort_unstable();
        let inside: Vec<&(usize, &IncidentFact)> =
            parts.iter().filter_map(|part| here.get(part.checked_sub(campaigns.len())?)).collect();
        let independent: BTreeSet<i64> = inside.iter().map(|(_, incident)| incident.independent).collect();
        let is_one = !ids.is_empty() || independent.len() >= MEMBERS_MIN;
        if is_one && inside.iter().any(|(_, incident)| incident.fresh) {
            let mut ids = ids.into_iter();
            decisions.push(CampaignDecision {
                kept: ids.next(),
                absorbed: ids.collect(),
                topic: topic.clone(),
                span,
                incidents: inside.iter().map(|(place, _)| *place).collect(),
            });
        }
    }
    decisions
}

#[cfg(test)]
mod tests {
    use varde_common::time::Timestamp;

    use super::*;
    use crate::incident::Link;

    const DAY: i64 = 86_400_000_000;

    fn span(first_day: i64, last_day: i64) -> Span {
        Span::new(Timestamp(first_day * DAY), Timestamp(last_day * DAY))
    }

    fn topic() -> Topic {
        Topic { link: Link::of(1, None), exercise: false }
    }

    fn incident(member: i64, first_day: i64, last_day: i64) -> IncidentFact {
        IncidentFact { independent: member, topic: topic(), span: span(first_day, last_day), fresh: true }
    }

    fn campaign(id: i64, first_day: i64, last_day: i64) -> Campaign {
        Campaign { id, topic: topic(), span: span(first_day, last_day) }
    }

    #[test]
    fn two_members_make_a_campaign_and_one_member_twice_does_not() {
        assert_eq!(gather(&[incident(1, 0, 0), incident(1, 5, 5)], &[]), []);
        let decisions = gather(&[incident(1, 0, 0), incident(2, 5, 5)], &[]);
        assert_eq!(decisions.len(), 1);
        assert_eq!((decisions[0].kept, decisions[0].span), (None, span(0, 5)));
    }

    #[test]
    fn two_members_too_long_apart_make_none() {
        assert_eq!(gather(&[incident(1, 0, 0), incident(2, 8, 8)], &[]), []);
    }

    #[test]
    fn a_member_that_joins_later_is_attached_and_the_campaign_keeps_its_id() {
        let decisions = gather(&[incident(3, 10, 11)], &[campaign(4, 0, 5)]);
        assert_eq!(decisions.iter().map(|d| (d.kept, d.span)).collect::<Vec<_>>(), [(Some(4), span(0, 11))]);
        assert_eq!(gather(&[incident(3, 20, 21)], &[campaign(4, 0, 5)]), [], "too late to belong to it");
    }

    #[test]
    fn two_campaigns_bridged_become_the_older_one() {
        let decisions = gather(&[incident(3, 6, 14)], &[campaign(4, 20, 21), campaign(2, 0, 1), campaign(9, 40, 41)]);
        assert_eq!(
            decisions.iter().map(|d| (d.kept, d.absorbed.clone(), d.span)).collect::<Vec<_>>(),
            [(Some(2), vec![4], span(0, 21))]
        );
    }

    #[test]
    fn an_exercise_makes_no_campaign_with_what_is_real() {
        let mut exercise = incident(2, 0, 0);
        exercise.topic.exercise = true;
        assert_eq!(gather(&[incident(1, 0, 0), exercise], &[]), []);
    }
}
