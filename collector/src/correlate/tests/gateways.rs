//! A guard that trips late: gateways are the same however alerts come, and what they had joined by then is marked.

use super::*;
use crate::campaign::parts;

/// By brute force: hosts that met more than eight topics within a day, whichever.
pub(super) fn among(alerts: &BTreeMap<usize, Alert>) -> BTreeSet<Host> {
    let day = Duration::from_secs(24 * 3600);
    let of = |host: &Host| alerts.values().filter(|alert| alert.host_of().as_ref() == Some(host)).collect::<Vec<_>>();
    let is_one = |host: &Host| {
        let its = of(host);
        let moments = its.iter().flat_map(|alert| [alert.span.first.minus(day), alert.span.last]);
        moments.into_iter().any(|from| {
            let window = Span::new(from, from.plus(day));
            let met = its.iter().filter(|alert| alert.span.within(window, Duration::ZERO));
            met.map(|alert| &alert.topic).collect::<BTreeSet<_>>().len() > 8
        })
    };
    alerts.values().filter_map(Alert::host_of).collect::<BTreeSet<Host>>().into_iter().filter(is_one).collect()
}

/// The clusters that alerts are in, by name.
fn clusters(world: &World) -> BTreeMap<i64, BTreeSet<usize>> {
    let mut clusters: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    for (name, (_, strand)) in &world.alerts {
        if let Some(strand) = strand {
            let incident = world.strands[strand].incident;
            clusters.entry(world.incidents[&incident].0.cluster).or_default().insert(*name);
        }
    }
    clusters
}

/// Few members and hosts that meet much within two days.
fn busy() -> impl Strategy<Value = Vec<Alert>> {
    let member = prop_oneof![3 => Just(1i64), 2 => 2i64..5];
    let host = prop_oneof![3 => Just(Some(0i64)), 1 => Just(Some(1)), 1 => Just(None)];
    let when = (prop_oneof![4 => 0i64..40, 1 => 0i64..900], 0i64..6);
    let one = (member, 2i64..15, prop::bool::weighted(0.1), host, when, 0usize..6, 0i64..4).prop_map(
        |(member, indicator, exercise, host, (start, hours), far, to)| Alert {
            member,
            indicator,
            topic: Topic { link: Link::of(indicator, (indicator == 2 || indicator == 5).then_some("lure")), exercise },
            span: Span::new(Timestamp(start * HOUR), Timestamp((start + hours) * HOUR)),
            founds: true,
            host,
            evidence: Evidence::ALL[far],
            address: to + 1,
        },
    );
    prop::collection::vec(one, 8..50)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn c7_gateways_are_the_same_however_alerts_come_and_what_is_otherwise_than_at_once_is_marked(
        alerts in busy(),
        order in prop::collection::vec(any::<u32>(), 100),
        cuts in prop::collection::vec(1usize..9, 60),
    ) {
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
        let arrivals: Vec<(usize, Alert)> = arrivals.into_iter().map(|(_, name, alert)| (name, alert)).collect();
        let nobody = BTreeMap::new();
        let all: BTreeMap<usize, Alert> = alerts.into_iter().enumerate().collect();
        // All at once nothing was joined before, and nothing is marked.
        let whole = told(all.clone().into_iter().collect(), &[], &nobody);
        prop_assert_eq!(whole.gateways.keys().cloned().collect::<BTreeSet<_>>(), among(&all));
        prop_assert_eq!(whole.content(), oracle(&all, &nobody));
        prop_assert_eq!(&whole.marked, &BTreeSet::new());
        let cut = told(arrivals, &cuts, &nobody);
        prop_assert_eq!(&cut.gateways, &whole.gateways);
        let (at_once, pieces) = (clusters(&whole), clusters(&cut));
        let marked: BTreeSet<usize> = cut.marked.iter().filter_map(|id| pieces.get(id)).flatten().copied().collect();
        for (id, inside) in pieces.iter().filter(|(id, _)| !cut.marked.contains(id)) {
            let home = at_once.values().find(|home| inside.is_subset(home));
            prop_assert!(home.is_some(), "cluster {} joins what nothing joins at once, and is not marked", id);
            let home = home.unwrap();
            prop_assert!(home == inside || !home.is_disjoint(&marked), "cluster {} lacks what nothing marked has", id);
        }
        // Who holds the guard from the first has the result of at once, in whatever pieces.
        let mut world = World { gateways: whole.gateways.clone(), ..World::default() };
        for piece in all.into_iter().collect::<Vec<_>>().chunks(3) {
            world.take(piece);
        }
        prop_assert_eq!(world.content(), whole.content());
    }
}

#[test]
fn c7_what_a_gateway_had_joined_is_marked_and_its_strands_fall_to_what_they_share() {
    // One machine of member 1 meets eight things, then two more; member 2's ten machines meet one each.
    let met =
        |name: usize, indicator: i64| (name, Alert { address: 100 + indicator, ..alert(1, indicator + 10, indicator) });
    let other = |name: usize, indicator: i64| {
        (name, Alert { host: Some(50 + indicator), ..alert(2, indicator + 10, indicator + 1) })
    };
    let arrivals: Vec<_> = (0..8)
        .map(|n| met(n, n as i64))
        .chain((8..10).map(|n| met(n, n as i64)))
        .chain((0..10).map(|n| other(10 + n, n as i64)))
        .collect();
    let world = told(arrivals.clone(), &[8, 2], &BTreeMap::new());
    assert_eq!(world.gateways.len(), 1);
    let of = |world: &World, name: usize| world.strands[&world.alerts[&name].1.unwrap()].incident;
    let welded = of(&world, 0);
    assert!((1..8).all(|name| of(&world, name) == welded) && of(&world, 8) != welded && of(&world, 9) != welded);
    let cluster = world.incidents[&welded].0.cluster;
    assert!(world.clusters[&cluster].is_some() && world.marked.contains(&cluster), "{:?}", world.clusters);
    assert_eq!(world.marked.len(), 1, "the two that came later are not in it");
    let inside: Vec<i64> = world
        .incidents
        .values()
        .filter(|(incident, _)| incident.cluster == cluster)
        .map(|(incident, _)| incident.id)
        .collect();
    let known = world.known();
    let traces: Vec<Trace> = known.traces.into_iter().filter(|trace| inside.contains(&trace.incident)).collect();
    let split = |welded: &BTreeSet<i64>| {
        let found = parts(&inside, &traces, &known.guards, &Weights::built_in(), (false, welded));
        found.iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(split(&BTreeSet::new()), [9], "whole, it holds all together");
    assert_eq!(split(&[welded].into()), [2, 1, 1, 1, 1, 1, 1, 1]);
    // At once there are ten incidents of member 1, each in a campaign of its own.
    let mut at_once = arrivals;
    at_once.rotate_left(10);
    let world = told(at_once, &[], &BTreeMap::new());
    assert_eq!((world.clusters.values().flatten().count(), world.marked.len()), (10, 0));
}
