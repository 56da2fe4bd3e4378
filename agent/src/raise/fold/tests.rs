//! Storms against the fold: whatever comes, in whatever order, the counts add up and nothing that matters waits (D12, I8).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use varde_common::alert::{AlertOpened, CrowdOpened, CrowdUpdated, Direction, Evidence};
use varde_common::id::IndicatorId;
use varde_common::indicator::Indicator;
use varde_common::observation::Protocol;

use super::*;
use crate::bucket::Bucket;
use crate::limits::{ALERTS_AT_ONCE, ALERTS_PER_MINUTE, RISE_GATHERED_S};
use crate::raise::bearing::{Count, Observed};
use crate::raise::frequent::TooOften;

mod often;

/// A member whose hosts are all in one place, with one resolver; and its neighbour, at another site.
struct Village;

const RESOLVER: u32 = 53;
/// From this host on they are the neighbour's.
const NEIGHBOURS: u32 = 500_000;

impl Hosts for Village {
    fn is_resolver(&self, host: IpAddr) -> bool {
        host == address(RESOLVER)
    }

    fn is_inside(&self, _: IpAddr) -> bool {
        false
    }

    fn site(&self, host: IpAddr) -> SiteId {
        SiteId(u16::from(host >= address(NEIGHBOURS)))
    }

    fn zone(&self, _: IpAddr) -> Zone {
        Zone { id: 7, ..Zone::default() }
    }
}

fn address(host: u32) -> IpAddr {
    std::net::Ipv4Addr::from_bits(0x0a00_0000 + host).into()
}

fn indicator(id: u64, exercise: bool) -> Arc<Indicator> {
    let mut indicator = Indicator::bare(IndicatorId(id), "evil.no".parse().unwrap());
    indicator.marks.exercise = exercise;
    Arc::new(indicator)
}

fn seen(host: u32, indicator: &Arc<Indicator>, evidence: Evidence, now: Timestamp) -> Bearing {
    Bearing {
        indicator: Arc::clone(indicator),
        client: Some(address(host)),
        direction: Direction::Outbound,
        evidence,
        observed: Observed::Name("evil.no".parse().unwrap()),
        server: "198.51.100.9:443".parse().unwrap(),
        protocol: Protocol::TCP,
        start: now,
        end: now,
        count: Count::Own,
        contact: evidence >= Evidence::Contacted,
        lookup: evidence < Evidence::Attempted,
        answer_until: None,
        looked_up_by_other: false,
        possible_contact: false,
    }
}

const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// What a reader of the statements knows.
#[derive(Default)]
struct Reader {
    alerts: BTreeMap<AlertId, (AlertOpened, Option<u64>)>,
    open: BTreeSet<AlertId>,
    /// By indicator, whether of an exercise, and order: the sum, the most hosts, the strongest evidence.
    braked: BTreeMap<(u64, bool, u64), (u64, u64, Evidence)>,
    /// Which was demoted, because it had met what, or told again, in turn.
    demoted: Vec<(u64, Option<TooOften>)>,
    statements: usize,
}

impl Reader {
    fn read(&mut self, fold: &mut Fold) -> usize {
        let before = self.statements;
        while let Some(statement) = fold.poll_statement() {
            self.statements += 1;
            let (alert, update, hosts) = match statement {
                Statement::Opened { alert, body, .. } => {
                    self.open.insert(alert);
                    assert!(self.alerts.insert(alert, (body, None)).is_none());
                    continue;
                }
                Statement::CrowdOpened { alert, body: CrowdOpened { opened, hosts } } => {
                    assert_eq!((opened.client, opened.zone), (None, Zone::default()), "it names nobody");
                    self.open.insert(alert);
                    assert!(self.alerts.insert(alert, (opened, Some(hosts))).is_none());
                    continue;
                }
                Statement::Updated { alert, body } => (alert, body, None),
                Statement::CrowdUpdated { alert, body: CrowdUpdated { updated, hosts } } => {
                    (alert, updated, Some(hosts))
                }
                Statement::Braked(said) => {
                    let key = (said.indicator.0, said.marks.exercise, said.order);
                    let sum = self.braked.entry(key).or_insert((0, 0, Evidence::Blocked));
                    *sum = (sum.0 + said.count_increase, sum.1.max(said.hosts), sum.2.max(said.evidence));
                    continue;
                }
                Statement::Demotion(said) => {
                    self.demoted.push((said.group.indicator.0, said.too_often));
                    continue;
                }
            };
            assert!(self.open.contains(&alert), "an update of what is not open");
            let (known, known_hosts) = self.alerts.get_mut(&alert).unwrap();
            assert_eq!(known_hosts.is_some(), hosts.is_some());
            assert!(hosts >= *known_hosts && update.evidence >= known.evidence, "neither ever falls");
            known.count += update.count_increase;
            known.evidence = update.evidence;
            *known_hosts = hosts;
            if update.closed {
                self.open.remove(&alert);
            }
        }
        self.statements - before
    }

    /// Counts and the strongest evidence by indicator and mark.
    fn sums(&self) -> BTreeMap<(u64, bool), (u64, Evidence)> {
        let mut sums = BTreeMap::new();
        for (alert, _) in self.alerts.values() {
            let sum = sums.entry((alert.indicator.0, alert.marks.exercise)).or_insert((0, Evidence::Blocked));
            *sum = (sum.0 + alert.count, sum.1.max(alert.evidence));
        }
        sums
    }

    /// Whether one of its open alerts is of one host.
    fn has_named(&self, id: u64, exercise: bool) -> bool {
        let open = self.open.iter().filter_map(|alert| self.alerts.get(alert));
        let of_it = |alert: &AlertOpened| alert.indicator.0 == id && alert.marks.exercise == exercise;
        open.into_iter().any(|(alert, hosts)| of_it(alert) && hosts.is_none())
    }

    fn has_open(&self, id: u64, exercise: bool) -> bool {
        let open = self.open.iter().filter_map(|alert| self.alerts.get(alert));
        open.into_iter().any(|(alert, _)| alert.indicator.0 == id && alert.marks.exercise == exercise)
    }
}

fn small(at_once: u32, alerts_max: usize) -> Fold {
    let mut fold = Fold::new(false);
    fold.storm = Storm::with(Bucket::new(at_once, at_once));
    fold.alerts_max = alerts_max;
    fold
}

#[test]
fn d12_a_million_matches_in_a_minute_are_few_statements_with_the_exact_sum() {
    const MATCHES: u32 = 1_000_000;
    let listed: Vec<Arc<Indicator>> = (0..50).map(|id| indicator(id, false)).collect();
    let (mut fold, mut reader) = (Fold::new(false), Reader::default());
    for n in 0..MATCHES {
        let now = START.plus(Duration::from_micros(u64::from(n) * 60));
        let (host, listed) = (1_000 + n % 2_000, &listed[(n % 2_000 + n / 2_000) as usize % 50]);
        fold.handle(seen(host, listed, Evidence::Answered, now), Revision(1), now, &Village);
        fold.handle_time(now, &Village);
        if n % 1_000 == 0 {
            reader.read(&mut fold);
        }
    }
    reader.read(&mut fold);
    let told = reader.statements;
    // Openings and rises as the bucket has them, the first of each indicator, one crowd each, and one update a minute of
    // each that is open.
    let opened_max = (ALERTS_AT_ONCE + ALERTS_PER_MINUTE) as usize + 2 * listed.len();
    assert!(told <= 2 * opened_max, "{told} statements");
    assert!(fold.together().matches > 900_000, "{:?}", fold.together());
    fold.close_all(&Village);
    reader.read(&mut fold);
    assert!(reader.open.is_empty());
    let sums = reader.sums();
    assert_eq!(sums.len(), 50);
    assert_eq!(sums.values().map(|(count, _)| count).sum::<u64>(), u64::from(MATCHES), "I8");
    for (_, hosts) in reader.alerts.values().filter(|(_, hosts)| hosts.is_some()) {
        let about = hosts.unwrap();
        assert!((1_800..=2_200).contains(&about), "about 2,000 hosts each: {about}");
    }
}

#[test]
fn d12_the_first_of_an_indicator_and_its_first_contact_never_wait() {
    let (hay, needle) = (indicator(1, false), indicator(2, false));
    let (mut fold, mut reader) = (small(3, ALERTS_MAX), Reader::default());
    let handle = |fold: &mut Fold, bearing: Bearing| fold.handle(bearing, Revision(1), START, &Village);
    for host in 100..400 {
        handle(&mut fold, seen(host, &hay, Evidence::LookedUp, START));
    }
    reader.read(&mut fold);
    assert_eq!(reader.alerts.len(), 3 + 1, "three by name, and one for all the others");
    handle(&mut fold, seen(100, &needle, Evidence::LookedUp, START));
    assert_eq!((reader.read(&mut fold), reader.has_named(2, false)), (1, true), "the first of another indicator");
    handle(&mut fold, seen(200, &hay, Evidence::Answered, START));
    assert_eq!(reader.read(&mut fold), 0, "a rise like others waits");
    for (evidence, host) in [(Evidence::Contacted, 201), (Evidence::DataOut, 101)] {
        handle(&mut fold, seen(host, &hay, evidence, START));
        assert_eq!(reader.read(&mut fold), 1, "the first {evidence}, of whomever");
        handle(&mut fold, seen(102, &hay, evidence, START));
        assert_eq!(reader.read(&mut fold), 0, "not the second");
    }
}

#[test]
fn d12_a_rise_that_waited_is_told_within_a_minute() {
    let hay = indicator(1, false);
    let (mut fold, mut reader) = (small(2, ALERTS_MAX), Reader::default());
    // Past their second update, so that none is due of itself.
    for wait_s in [0, 650] {
        for host in [100, 101] {
            let now = START.plus(Duration::from_secs(wait_s));
            fold.handle(seen(host, &hay, Evidence::LookedUp, now), Revision(1), now, &Village);
        }
    }
    let later = START.plus(Duration::from_secs(700));
    fold.handle_time(later, &Village);
    fold.handle(seen(100, &hay, Evidence::Answered, later), Revision(1), later, &Village);
    fold.handle(seen(101, &hay, Evidence::Answered, later), Revision(1), later, &Village);
    reader.read(&mut fold);
    fold.handle(seen(101, &hay, Evidence::Attempted, later), Revision(1), later, &Village);
    assert_eq!((reader.read(&mut fold), fold.together().rises_gathered), (0, 1));
    fold.handle_time(later.plus(Duration::from_secs(RISE_GATHERED_S - 1)), &Village);
    assert_eq!(reader.read(&mut fold), 0);
    fold.handle_time(later.plus(Duration::from_secs(RISE_GATHERED_S)), &Village);
    assert_eq!(reader.read(&mut fold), 1);
    assert_eq!(reader.sums()[&(1, false)], (7, Evidence::Attempted));
}

#[test]
fn d12_who_was_told_of_together_stays_there_and_a_resolver_is_no_host() {
    let hay = indicator(1, false);
    let (mut fold, mut reader) = (small(2, ALERTS_MAX), Reader::default());
    for host in [1, 2, 3, 4, RESOLVER] {
        fold.handle(seen(host, &hay, Evidence::LookedUp, START), Revision(1), START, &Village);
    }
    let key = |host| Key {
        site: SiteId(0),
        indicator: IndicatorId(1),
        client: Some(address(host)),
        direction: Direction::Outbound,
        marks: hay.marks,
    };
    assert!([1, 2, 3, 4].into_iter().all(|host| fold.has(&key(host))));
    assert!(!fold.has(&key(77)), "nobody whose bit is not set");
    // The bucket is full again: a new host gets an alert of its own, one that is in the crowd stays there.
    let later = START.plus(Duration::from_secs(60));
    for host in [3, 77] {
        fold.handle(seen(host, &hay, Evidence::LookedUp, later), Revision(1), later, &Village);
    }
    fold.close_all(&Village);
    reader.read(&mut fold);
    let alone = reader.alerts.values().filter(|(_, hosts)| hosts.is_none()).count();
    let crowds: Vec<(u64, u64)> =
        reader.alerts.values().filter_map(|(alert, hosts)| Some((alert.count, (*hosts)?))).collect();
    assert_eq!((alone, crowds), (3, vec![(4, 5)]), "3, 4, the resolver and 3 again; five hosts in all");
}

#[test]
fn d12_what_is_inspected_is_told_host_by_host_whatever_storms() {
    let hay = indicator(1, false);
    let mut fold = Fold::new(true);
    for host in 0..ALERTS_AT_ONCE + 500 {
        fold.handle(seen(host, &hay, Evidence::LookedUp, START), Revision(1), START, &Village);
    }
    fold.close_all(&Village);
    let closed = std::iter::from_fn(|| fold.poll_closed()).filter(|alert| alert.crowd.is_none()).count();
    assert_eq!(closed, ALERTS_AT_ONCE as usize + 500);
}

/// Something of a storm: who, what, how far, which indicator is an exercise, how long after the one before.
type Event = (u32, u64, usize, bool, u64);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// I8: whatever storms, evicts and closes, each match is counted once and under its own indicator and mark, the
    /// strongest evidence is told, and the first of an indicator at once.
    #[test]
    fn i8_d12_every_match_is_counted_once_whatever_storms(
        at_once in 1u32..6,
        alerts_max in 4usize..40,
        events in prop::collection::vec(
            (0u32..60, 0u64..6, 0usize..6, any::<bool>(), prop_oneof![8 => 0u64..200, 1 => 0u64..8_000]),
            1..400,
        ),
    ) {
        let events: Vec<Event> = events;
        let (mut fold, mut reader) = (small(at_once, alerts_max), Reader::default());
        let mut now = START;
        let mut expected: BTreeMap<(u64, bool), (u64, Evidence)> = BTreeMap::new();
        for (host, id, level, exercise, wait_ms) in events {
            now = now.plus(Duration::from_millis(wait_ms * 1_000));
            fold.handle_time(now, &Village);
            reader.read(&mut fold);
            let evidence = Evidence::ALL[level];
            let is_first = !reader.has_open(id, exercise);
            fold.handle(seen(host, &indicator(id, exercise), evidence, now), Revision(1), now, &Village);
            let told = reader.read(&mut fold);
            prop_assert!(
                !is_first || told > 0 && reader.has_named(id, exercise),
                "the first of an indicator waited, or was not told by itself"
            );
            prop_assert!(fold.alerts.len() <= alerts_max);
            let sum = expected.entry((id, exercise)).or_insert((0, evidence));
            *sum = (sum.0 + 1, sum.1.max(evidence));
        }
        fold.close_all(&Village);
        reader.read(&mut fold);
        prop_assert_eq!(reader.sums(), expected);
        prop_assert!(reader.open.is_empty() && fold.due.is_empty() && fold.by_key.is_empty());
        prop_assert!(fold.storm.is_calm(), "no group is left behind");
    }
}

fn braking(order: u64, named: &[(u64, bool)]) -> Arc<Braking> {
    let indicators = named.iter().map(|(id, exercise)| (IndicatorId(*id), *exercise)).collect();
    Arc::new(Braking { order, indicators })
}

#[test]
fn t10_i8_what_is_braked_makes_no_alert_and_is_counted_to_the_last_match_in_few_statements() {
    const MATCHES: u32 = 100_000;
    let (hay, other) = (indicator(1, false), indicator(2, false));
    let (mut fold, mut reader) = (Fold::new(false), Reader::default());
    fold.handle_braking(braking(7, &[(1, false)]), &Village);
    for n in 0..MATCHES {
        let now = START.plus(Duration::from_micros(u64::from(n) * 600));
        let evidence = if n == 50_000 { Evidence::Contacted } else { Evidence::Answered };
        fold.handle(seen(1_000 + n % 2_000, &hay, evidence, now), Revision(1), now, &Village);
        fold.handle_time(now, &Village);
    }
    let over = START.plus(Duration::from_secs(61));
    fold.handle(seen(9, &other, Evidence::Answered, over), Revision(1), over, &Village);
    reader.read(&mut fold);
    assert!(!reader.has_open(1, false) && reader.has_named(2, false), "another is told as ever");
    assert!(reader.statements < 5, "{} statements", reader.statements);
    assert_eq!(fold.braked(), [BrakedTotal { indicator: IndicatorId(1), exercise: false, matches: MATCHES.into() }]);
    fold.handle_braking(braking(8, &[]), &Village);
    reader.read(&mut fold);
    let (sum, hosts, evidence) = reader.braked[&(1, false, 7)];
    assert_eq!((sum, evidence), (u64::from(MATCHES), Evidence::Contacted), "I8");
    assert!((1_900..2_100).contains(&hosts), "about 2,000 hosts: {hosts}");
    assert!(fold.braked().is_empty() && reader.braked.len() == 1);
    // And then all is as before.
    fold.handle(seen(1_000, &hay, Evidence::Answered, over), Revision(1), over, &Village);
    reader.read(&mut fold);
    assert!(reader.has_named(1, false));
    assert_eq!(reader.sums()[&(1, false)].0, 1);
}

#[test]
fn t10_a_brake_for_an_exercise_demotes_nothing_real_and_the_other_way_round() {
    for braked_is_exercise in [false, true] {
        let (mut fold, mut reader) = (Fold::new(false), Reader::default());
        fold.handle_braking(braking(7, &[(1, braked_is_exercise)]), &Village);
        for exercise in [false, true] {
            let listed = indicator(1, exercise);
            fold.handle(seen(5, &listed, Evidence::Contacted, START), Revision(1), START, &Village);
        }
        reader.read(&mut fold);
        assert_eq!(
            [false, true].map(|exercise| reader.has_named(1, exercise)),
            [braked_is_exercise, !braked_is_exercise]
        );
        let key = (1, braked_is_exercise, 7);
        assert_eq!(reader.braked.keys().copied().collect::<Vec<_>>(), [key]);
    }
}

#[test]
fn t10_i8_an_alert_that_is_open_stays_as_it_is_and_goes_on_behind_the_brake() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = (Fold::new(false), Reader::default());
    let at = |s: u64| START.plus(Duration::from_secs(s));
    let looked_up = |s| Bearing { answer_until: Some(at(1_000)), ..seen(5, &listed, Evidence::Answered, at(s)) };
    let contact = |s, count| Bearing { count, ..seen(5, &listed, Evidence::Contacted, at(s)) };
    let handle = |fold: &mut Fold, seen: Bearing, s| fold.handle(seen, Revision(1), at(s), &Village);
    handle(&mut fold, looked_up(0), 0);
    fold.handle_braking(braking(7, &[(1, false)]), &Village);
    handle(&mut fold, contact(1, Count::More), 1);
    handle(&mut fold, contact(2, Count::OwnUnlessLookedUp), 2);
    handle(&mut fold, looked_up(3), 3);
    fold.handle_time(at(60), &Village);
    reader.read(&mut fold);
    assert_eq!(reader.sums()[&(1, false)], (1, Evidence::Answered), "nothing is added to it");
    assert_eq!(reader.braked[&(1, false, 7)].0, 1, "what follows from a look-up that counted does not count again");
    // The next order counts by its own number.
    fold.handle_braking(braking(8, &[(1, false)]), &Village);
    handle(&mut fold, seen(6, &listed, Evidence::LookedUp, at(70)), 70);
    fold.close_all(&Village);
    reader.read(&mut fold);
    assert_eq!(reader.braked[&(1, false, 8)].0, 1);
    assert!(reader.open.is_empty());
}

proptest! {
    #[test]
    fn t10_i8_whatever_is_braked_and_let_go_of_every_match_is_counted_once(
        steps in prop::collection::vec((0u32..40, 0u64..3, any::<bool>(), 0u64..600, prop::option::of((0u64..3, any::<bool>()))), 1..200)
    ) {
        let (mut fold, mut reader) = (small(5, 16), Reader::default());
        let (mut now, mut order, mut matches) = (START, 0, 0u64);
        for (host, id, exercise, later_s, brake) in steps {
            now = now.plus(Duration::from_secs(later_s));
            fold.handle_time(now, &Village);
            if let Some(named) = brake {
                order += 1;
                let named = if order % 3 == 0 { vec![] } else { vec![named] };
                fold.handle_braking(braking(order, &named), &Village);
            }
            fold.handle(seen(host, &indicator(id, exercise), Evidence::LookedUp, now), Revision(1), now, &Village);
            matches += 1;
        }
        fold.close_all(&Village);
        reader.read(&mut fold);
        let told: u64 = reader.sums().values().map(|(count, _)| count).sum();
        let braked: u64 = reader.braked.values().map(|(count, ..)| count).sum();
        prop_assert_eq!(told + braked, matches);
    }
}
