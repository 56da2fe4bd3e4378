//! What demotes an indicator and what does not, and what is told by name behind a demotion (T10).

use super::*;

const TOLD: usize = crate::limits::FREQUENT_TOLD_MAX as usize;

fn after_ms(ms: u64) -> Timestamp {
    START.plus(Duration::from_millis(ms))
}

fn handle(fold: &mut Fold, seen: Bearing) {
    let now = seen.start;
    fold.handle(seen, Revision(1), now, &Village);
}

fn inbound(host: u32, listed: &Arc<Indicator>, now: Timestamp) -> Bearing {
    Bearing { direction: Direction::Inbound, ..seen(host, listed, Evidence::Contacted, now) }
}

fn more(seen: Bearing) -> Bearing {
    Bearing { count: Count::More, ..seen }
}

/// Alerts of single hosts that go this way and have got so far.
fn told(reader: &Reader, direction: Direction, evidence: Evidence) -> usize {
    let is_such = |alert: &AlertOpened, crowd: Option<u64>| {
        (alert.direction, alert.evidence, crowd) == (direction, evidence, None)
    };
    reader.alerts.values().filter(|(alert, crowd)| is_such(alert, *crowd)).count()
}

#[test]
fn t10_whoever_comes_in_from_a_listed_address_cannot_have_it_demoted() {
    for hosts in [40, 1_000] {
        let listed = indicator(1, false);
        let (mut fold, mut reader) = (Fold::new(false).demoting_beyond(Some(256)), Reader::default());
        for n in 0..1_600 {
            let now = after_ms(u64::from(n) * 30);
            handle(&mut fold, inbound(1_000 + n % hosts, &listed, now));
            handle(&mut fold, more(inbound(1_000 + n % hosts, &listed, now)));
        }
        let now = after_ms(50_000);
        [5, 6].into_iter().for_each(|host| handle(&mut fold, seen(host, &listed, Evidence::Contacted, now)));
        reader.read(&mut fold);
        assert_eq!(reader.demoted, [], "{hosts} hosts answered");
        assert_eq!(told(&reader, Direction::Outbound, Evidence::Contacted), 2, "who calls out is told by name");
    }
}

#[test]
fn t10_what_is_no_match_of_its_own_is_none_of_too_many() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = (Fold::new(false).demoting_beyond(Some(256)), Reader::default());
    for n in 0..900 {
        let (host, now) = (1_000 + n % 40, after_ms(u64::from(n) * 30));
        let looked_up = seen(host, &listed, Evidence::Answered, now);
        handle(&mut fold, Bearing { answer_until: Some(now.plus(Duration::from_secs(60))), ..looked_up });
        let contact = seen(host, &listed, Evidence::Contacted, now);
        handle(&mut fold, Bearing { count: Count::OwnUnlessLookedUp, ..contact.clone() });
        handle(&mut fold, more(contact));
    }
    reader.read(&mut fold);
    assert_eq!(reader.demoted, [], "900 look-ups with what follows from them are 900 matches");
    for n in 0..200 {
        handle(&mut fold, seen(1_000 + n % 40, &listed, Evidence::Answered, after_ms(30_000)));
    }
    reader.read(&mut fold);
    assert_eq!(reader.demoted, [(1, true)], "1,100 within a minute are too many");
}

/// Demoted by the look-ups of a hundred hosts, from 1,000 up.
fn demoted(listed: &Arc<Indicator>) -> (Fold, Reader) {
    let (mut fold, mut reader) = (Fold::new(false).demoting_beyond(Some(20)), Reader::default());
    (0..100).for_each(|host| handle(&mut fold, seen(1_000 + host, listed, Evidence::Answered, START)));
    reader.read(&mut fold);
    assert_eq!(reader.demoted, [(1, true)]);
    (fold, reader)
}

#[test]
fn t10_i8_who_gets_through_behind_a_demotion_is_told_by_name_up_to_a_few() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = demoted(&listed);
    let before = reader.alerts.len();
    for host in 0..50 {
        handle(&mut fold, seen(2_000 + host, &listed, Evidence::LookedUp, after_ms(1)));
        handle(&mut fold, seen(2_000 + host, &listed, Evidence::Contacted, after_ms(2)));
    }
    reader.read(&mut fold);
    assert_eq!(told(&reader, Direction::Outbound, Evidence::Contacted), TOLD, "and no more than that");
    assert_eq!(reader.alerts.len(), before + TOLD);
    // What such a host does next is told of it, what others do is counted.
    for host in [2_000, 2_000, 2_049] {
        handle(&mut fold, seen(host, &listed, Evidence::LookedUp, after_ms(3)));
    }
    // A host that was told of before gets further than it was told to have got: its alert says so.
    handle(&mut fold, seen(1_000, &listed, Evidence::Contacted, after_ms(4)));
    handle(&mut fold, seen(1_001, &listed, Evidence::Answered, after_ms(4)));
    // What was not weighed is not demoted.
    handle(&mut fold, inbound(7, &listed, after_ms(5)));
    reader.read(&mut fold);
    assert_eq!(told(&reader, Direction::Outbound, Evidence::Contacted), TOLD + 1);
    assert_eq!(told(&reader, Direction::Inbound, Evidence::Contacted), 1);
    fold.close_all(&Village);
    reader.read(&mut fold);
    let of_one = reader.alerts.values().filter(|(alert, _)| alert.count == 3).count();
    assert_eq!(of_one, 1, "the contact and two look-ups of host 2,000");
    let (counted, ..) = reader.braked[&(1, false, 0)];
    assert_eq!(counted + reader.sums()[&(1, false)].0, 100 + 100 + 3 + 2 + 1, "I8");
}

#[test]
fn t10_a_resolver_and_what_an_order_has_braked_are_not_told_behind_it() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = demoted(&listed);
    let before = reader.alerts.len();
    let asked = Bearing { lookup: true, ..seen(RESOLVER, &listed, Evidence::Contacted, after_ms(1)) };
    handle(&mut fold, asked);
    fold.handle_braking(braking(7, &[(1, false)]));
    handle(&mut fold, seen(3_000, &listed, Evidence::Contacted, after_ms(2)));
    fold.close_all(&Village);
    reader.read(&mut fold);
    assert_eq!(reader.alerts.len(), before);
    assert_eq!(reader.braked[&(1, false, 7)].0, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn t10_i8_whatever_is_demoted_every_match_is_counted_once(
        steps in prop::collection::vec((0u32..40, 0u64..2, 0usize..6, any::<bool>(), 0u64..90), 1..300)
    ) {
        let (mut fold, mut reader) = (small(5, 16).demoting_beyond(Some(6)), Reader::default());
        let (mut now, matches) = (START, steps.len() as u64);
        for (host, id, level, comes_in, later_s) in steps {
            now = now.plus(Duration::from_secs(later_s));
            fold.handle_time(now, &Village);
            let direction = if comes_in { Direction::Inbound } else { Direction::Outbound };
            let seen = seen(host, &indicator(id, false), Evidence::ALL[level], now);
            handle(&mut fold, Bearing { direction, ..seen });
        }
        fold.close_all(&Village);
        reader.read(&mut fold);
        let told: u64 = reader.sums().values().map(|(count, _)| count).sum();
        let braked: u64 = reader.braked.values().map(|(count, ..)| count).sum();
        prop_assert_eq!(told + braked, matches);
        prop_assert!(fold.storm.is_calm(), "no group is left behind");
    }
}
