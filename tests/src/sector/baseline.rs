//! Two ways that need no collector: one ticket for each indicator, and a ticket where so many members are hit within an hour.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use varde_common::alert::Direction;
use varde_common::time::Timestamp;

use crate::sector::file::{Alert, Arrival, Year};
use crate::sector::score::{Conclusion, Group, Known, Part, most};

/// Within which so many members make a ticket.
const HOUR: Duration = Duration::from_secs(3_600);

/// The alerts of each indicator in the order in which they arrived; what knocks from outside unanswered founds nothing here either.
fn by_indicator(year: &Year) -> BTreeMap<&str, Vec<&Alert>> {
    let mut alerts: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for arrival in &year.arrivals {
        if let Arrival::Opened(alert) = arrival
            && (alert.direction == Direction::Outbound || alert.client.is_some())
        {
            alerts.entry(&alert.indicator).or_default().push(alert);
        }
    }
    alerts
}

/// The parts of members in these alerts, all put into the same group, or none.
fn parts<'a>(known: &Known<'_>, alerts: &[&'a Alert], group: Option<i64>, into: &mut Vec<Part>) -> BTreeSet<&'a str> {
    let mut of_members: BTreeMap<&str, Vec<Option<usize>>> = BTreeMap::new();
    for alert in alerts {
        let truth = alert.truth.as_deref().and_then(|name| known.places.get(name)).copied();
        of_members.entry(&alert.member).or_default().push(truth);
    }
    let members = of_members.keys().copied().collect();
    into.extend(of_members.into_iter().map(|(member, names)| Part {
        member: member.to_owned(),
        truth: most(names.into_iter()),
        group,
        is_item: true,
        is_above: None,
    }));
    members
}

/// One ticket per indicator: a campaign from its second member on.
pub fn ticket_per_indicator(year: &Year, known: &Known<'_>) -> Conclusion {
    let mut conclusion = Conclusion::default();
    for (id, (_, alerts)) in (1..).zip(by_indicator(year)) {
        let mut members = BTreeSet::new();
        let second = alerts.iter().find(|alert| members.insert(&alert.member) && members.len() == 2);
        let group = second.map(|alert| Group { raised: alert.arrived, exercise: None, is_above: None });
        conclusion.groups.extend(group.map(|group| (id, group)));
        parts(known, &alerts, group.map(|_| id), &mut conclusion.parts);
    }
    conclusion
}

/// Where `k` members are hit by one indicator within an hour, a ticket holds them, and all that follows until an hour without.
pub fn members_within_an_hour(year: &Year, known: &Known<'_>, k: usize) -> Conclusion {
    let mut conclusion = Conclusion::default();
    let mut next = 0;
    for (_, alerts) in by_indicator(year) {
        let mut lately: VecDeque<&Alert> = VecDeque::new();
        let mut alone: Vec<&Alert> = Vec::new();
        let mut ticket: Option<(Timestamp, Vec<&Alert>)> = None;
        let mut close = |ticket: Option<(Timestamp, Vec<&Alert>)>, conclusion: &mut Conclusion| {
            let Some((raised, inside)) = ticket else { return };
            next += 1;
            conclusion.groups.insert(next, Group { raised, exercise: None, is_above: None });
            parts(known, &inside, Some(next), &mut conclusion.parts);
        };
        for alert in alerts {
            match &mut ticket {
                Some((_, inside)) if inside.last().is_some_and(|last| alert.arrived.since(last.arrived) <= HOUR) => {
                    inside.push(alert);
                    continue;
                }
                Some(_) => close(ticket.take(), &mut conclusion),
                None => {}
            }
            while lately.front().is_some_and(|first| alert.arrived.since(first.arrived) > HOUR) {
                alone.extend(lately.pop_front());
            }
            lately.push_back(alert);
            let members: BTreeSet<&str> = lately.iter().map(|alert| alert.member.as_str()).collect();
            if members.len() >= k {
                ticket = Some((alert.arrived, lately.drain(..).collect()));
            }
        }
        close(ticket, &mut conclusion);
        alone.extend(lately);
        parts(known, &alone, None, &mut conclusion.parts);
    }
    conclusion
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sector::file::Truth;
    use crate::sector::score::score;

    const MINUTE: i64 = 60_000_000;

    /// (member, indicator, minute).
    fn year(alerts: &[(u64, &str, i64)]) -> Year {
        let mut year = Year::new(1, None, None);
        let truth =
            |name: &str| Truth { name: name.into(), shape: "s".into(), together: true, exercise: false, dirty: false };
        year.truths = vec![truth("t")];
        for ((member, indicator, minute), alert) in alerts.iter().zip(1..) {
            let at = Timestamp(minute * MINUTE);
            let json = serde_json::json!({
                "alert": alert, "arrived": at, "member": member.to_string(), "indicator": indicator, "truth": "t", "first": at,
            });
            year.arrivals.push(Arrival::Opened(serde_json::from_value(json).unwrap()));
        }
        year
    }

    #[test]
    fn a_ticket_is_raised_with_its_second_member() {
        let year = year(&[(1, "a", 0), (1, "a", 5), (2, "a", 60), (3, "b", 0)]);
        let conclusion = ticket_per_indicator(&year, &Known::of(&year));
        assert_eq!(conclusion.groups.values().map(|group| group.raised).collect::<Vec<_>>(), [Timestamp(60 * MINUTE)]);
        let measures = score(&Known::of(&year), &conclusion);
        assert_eq!((measures.items, measures.recalled, measures.pairs_right), (1, 1, 1));
        assert_eq!(measures.warned_within(100), Some(Duration::from_secs(3_600)));
    }

    #[test]
    fn members_within_an_hour_make_a_ticket_that_ends_with_an_hour_without() {
        let year = year(&[
            (1, "a", 0),
            (2, "a", 50),
            (3, "a", 70),
            (4, "a", 100),
            (5, "a", 161),
            (6, "a", 163),
            (7, "a", 164),
        ]);
        let conclusion = members_within_an_hour(&year, &Known::of(&year), 3);
        let raised: Vec<Timestamp> = conclusion.groups.values().map(|group| group.raised).collect();
        assert_eq!(raised, [Timestamp(100 * MINUTE), Timestamp(164 * MINUTE)], "within an hour of 0 there are but two");
        let groups: Vec<Option<i64>> = conclusion.parts.iter().map(|part| part.group).collect();
        assert_eq!(groups, [Some(1), Some(1), Some(1), Some(2), Some(2), Some(2), None]);
    }
}
