//! What links and what does not: how many members, how long ago, by what; a person's word; and what is too connected.

use super::*;

#[test]
fn c2_two_members_make_a_campaign_one_twice_or_behind_one_network_does_not() {
    assert_eq!(campaigns(&[alert(1, 2, 0), alert(1, 2, 900)], &[]), (0, 0));
    assert_eq!(campaigns(&[alert(1, 2, 0), alert(2, 2, 90)], &[]), (1, 2));
    assert_eq!(campaigns(&[alert(1, 2, 0), alert(2, 2, 90)], &[(1, 1), (2, 1)]), (0, 0));
    let with_third = [alert(1, 2, 0), alert(2, 2, 90), alert(3, 2, 90)];
    assert_eq!(
        campaigns(&with_third, &[(1, 1), (2, 1)]),
        (1, 3),
        "a shared network counts once, with another it is two"
    );
}

#[test]
fn c3_a_slow_intrusion_over_months_is_one_campaign_and_what_nobody_is_sure_of_is_none() {
    let month = 24 * 45;
    let slow = |indicator| [alert(1, indicator, 0), alert(2, indicator, month), alert(3, indicator, 2 * month)];
    assert_eq!(campaigns(&slow(2), &[]), (1, 3));
    assert_eq!(campaigns(&slow(1), &[]), (0, 0), "of low confidence");
    let sixty_one_days = [alert(1, 2, 0), alert(2, 2, 24 * 61)];
    assert_eq!(campaigns(&sixty_one_days, &[]), (0, 0));
    let few: Vec<Alert> = (1..=4).map(|member| alert(member, 1, member)).collect();
    assert_eq!(campaigns(&few, &[]), (0, 0), "four members, all of low confidence");
    let five: Vec<Alert> = (1..=5).map(|member| alert(member, 1, member)).collect();
    assert_eq!(campaigns(&five, &[]), (1, 5));
}

#[test]
fn c4_listed_names_that_led_to_one_rare_address_or_are_of_one_domain_are_linked_and_a_popular_address_links_nothing() {
    let at = |member, indicator, address| Alert { address, ..alert(member, indicator, 0) };
    assert_eq!(campaigns(&[at(1, 7, 9), at(2, 8, 9)], &[]), (1, 2));
    assert_eq!(campaigns(&[at(1, 7, 9), at(2, 8, 8)], &[]), (0, 0));
    assert_eq!(campaigns(&[at(1, 7, 1), at(2, 8, 1)], &[]), (0, 0), "a guard has tripped over 192.0.2.1");
    assert_eq!(campaigns(&[at(1, 3, 7), at(2, 4, 8)], &[]), (1, 2), "one domain");
    let mut drill = at(2, 8, 9);
    drill.topic.exercise = true;
    assert_eq!(campaigns(&[at(1, 7, 9), drill], &[]), (0, 0), "an exercise never mixes with what is real");
}

#[test]
fn c5_what_a_person_has_put_apart_no_later_alert_joins() {
    let mut world = told(
        vec![(0, alert(1, 7, 0)), (1, alert(2, 7, 0)), (2, alert(3, 8, 0)), (3, alert(4, 8, 0))],
        &[],
        &BTreeMap::new(),
    );
    let of = |world: &World, name: usize| {
        world.incidents[&world.strands[&world.alerts[&name].1.unwrap()].incident].0.cluster
    };
    let (a, b) = (of(&world, 0), of(&world, 2));
    assert_ne!(a, b);
    // Member 5 met both at one host, which alone would make one of the two.
    let bridge = [(4, alert(5, 7, 1)), (5, alert(5, 8, 1))];
    let facts: Vec<AlertFact> = bridge.iter().map(|(_, alert)| alert.fact(true, None)).collect();
    let mut known = world.known();
    known.guards.apart = [(a.min(b), a.max(b))].into();
    let decisions = correlate(&facts, &known, &Weights::built_in());
    for (name, alert) in bridge {
        world.alerts.insert(name, (alert, None));
    }
    world.apply(&[4, 5], decisions);
    assert_ne!(of(&world, 0), of(&world, 2), "they stay apart");
    assert_eq!((of(&world, 4), of(&world, 5)), (a, a), "and what belongs to both goes to one, whole");
}

#[test]
fn c6_to_what_is_too_connected_only_strong_links_join() {
    let mut world = told(vec![(0, alert(1, 3, 0)), (1, alert(2, 3, 0))], &[], &BTreeMap::new());
    let mut join = |indicator: i64, name: usize, is_too_connected: bool| {
        let further = alert(9, indicator, 0);
        let mut known = world.known();
        known.clusters.values_mut().for_each(|cluster| cluster.is_too_connected = is_too_connected);
        let decisions = correlate(&[further.fact(true, None)], &known, &Weights::built_in());
        let joined = decisions.clusters.iter().any(|decision| decision.kept.is_some());
        world.alerts.insert(name, (further, None));
        joined
    };
    assert!(join(4, 2, false), "one domain");
    assert!(!join(4, 3, true));
    assert!(join(3, 4, true), "the same indicator");
}
