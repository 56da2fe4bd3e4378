//! What demotes an indicator and what does not, how its hosts are told then, and when that ends (T10).

use super::*;
use crate::limits::{ALERT_AGE_MAX_S, FREQUENT_HELD_S, FREQUENT_KEPT_MAX, FREQUENT_TOLD_MAX};

const TOLD: usize = FREQUENT_TOLD_MAX as usize;

fn after_ms(ms: u64) -> Timestamp {
    START.plus(Duration::from_millis(ms))
}

fn after_s(s: u64) -> Timestamp {
    after_ms(s * 1_000)
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

/// Alerts of single hosts, open or not.
fn named(reader: &Reader) -> usize {
    reader.alerts.values().filter(|(_, crowd)| crowd.is_none()).count()
}

/// Sightings and hosts of the alerts that name none.
fn together(reader: &Reader) -> Vec<(u64, u64)> {
    reader.alerts.values().filter_map(|(alert, hosts)| Some((alert.count, (*hosts)?))).collect()
}

fn is_about(hosts: u64, really: u64) -> bool {
    hosts.abs_diff(really) <= 3 + really / 20
}

/// Of which at most 20 hosts are told one by one.
fn at_most_20() -> (Fold, Reader) {
    (Fold::new(false).demoting_beyond(Some(20)), Reader::default())
}

/// Demoted by the look-ups of a hundred hosts, from 1,000 up.
fn demoted(listed: &Arc<Indicator>) -> (Fold, Reader) {
    let (mut fold, mut reader) = at_most_20();
    (0..100).for_each(|host| handle(&mut fold, seen(1_000 + host, listed, Evidence::Answered, START)));
    reader.read(&mut fold);
    assert_eq!(reader.demoted, [(1, Some(TooOften { hosts: 21, matches: 21, within_s: 0 }))]);
    (fold, reader)
}

#[test]
fn t10_d12_i8_beyond_so_many_hosts_the_others_are_told_in_one_alert_with_the_exact_count() {
    let (listed, other) = (indicator(1, false), indicator(2, false));
    let (mut fold, mut reader) = demoted(&listed);
    handle(&mut fold, seen(5, &other, Evidence::Answered, START));
    handle(&mut fold, seen(5, &indicator(1, true), Evidence::Answered, START));
    // More of those that are told together, and of one that is not.
    [1_050, 1_051, 1_000]
        .into_iter()
        .for_each(|host| handle(&mut fold, seen(host, &listed, Evidence::Answered, after_s(9))));
    fold.handle_time(after_s(70), &Village);
    reader.read(&mut fold);
    assert!(reader.has_named(2, false) && reader.has_named(1, true), "another is told as ever, an exercise's too");
    assert_eq!(named(&reader), 20 + 2);
    let [(count, hosts)] = together(&reader)[..] else { panic!("one alert: {:?}", together(&reader)) };
    assert!(count == 82 && is_about(hosts, 100), "{count} matches, about {hosts} hosts");
    assert_eq!(reader.sums()[&(1, false)], (103, Evidence::Answered), "I8");
    assert!(reader.braked.is_empty(), "nothing is only counted");
}

#[test]
fn t10_nothing_but_many_hosts_of_one_site_within_an_hour_demotes() {
    let listed = indicator(1, false);
    let of = |hosts: u32, matches: u32, apart_ms: u64| {
        let (mut fold, mut reader) = (Fold::new(false).demoting_beyond(Some(256)), Reader::default());
        for n in 0..matches {
            let now = after_ms(u64::from(n) * apart_ms);
            fold.handle_time(now, &Village);
            handle(&mut fold, seen(1_000 + n % hosts, &listed, Evidence::Answered, now));
            reader.read(&mut fold);
        }
        reader.demoted
    };
    let met = |hosts, matches, within_s| vec![(1, Some(TooOften { hosts, matches, within_s }))];
    assert_eq!(of(1_000, 1_000, 10_000), met(257, 257, 2_560));
    assert_eq!(of(257, 514, 14_000), met(257, 257, 3_584), "each of them twice within an hour");
    assert_eq!(of(1_000, 1_000, 20_000), [], "180 an hour");
    assert_eq!(of(256, 5_000, 1_000), [], "256 hosts, again and again");
    assert_eq!(of(40, 20_000, 5), [], "forty hosts, 12,000 a minute");
    assert_eq!(of(1, 100_000, 1), [], "one host that is busy");
    let mut never = Fold::new(false);
    (0..1_000).for_each(|host| handle(&mut never, seen(host, &listed, Evidence::Answered, START)));
    assert!(never.demoted().is_empty());
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
fn t10_what_the_hosts_of_one_site_do_hides_none_of_another_at_the_same_sensor() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = demoted(&listed);
    // They have used up who is told by name, too.
    (0..50).for_each(|host| handle(&mut fold, seen(2_000 + host, &listed, Evidence::Contacted, after_s(1))));
    reader.read(&mut fold);
    for host in NEIGHBOURS..NEIGHBOURS + 20 {
        let before = named(&reader);
        handle(&mut fold, seen(host, &listed, Evidence::Answered, after_s(2)));
        assert_eq!((reader.read(&mut fold), named(&reader)), (1, before + 1), "each of the first twenty by name");
    }
    (0..50)
        .for_each(|host| handle(&mut fold, seen(NEIGHBOURS + 1_000 + host, &listed, Evidence::Contacted, after_s(3))));
    reader.read(&mut fold);
    let of_site = |site| {
        let theirs = |(alert, crowd): &&(AlertOpened, Option<u64>)| alert.site == SiteId(site) && crowd.is_none();
        reader.alerts.values().filter(theirs).count()
    };
    assert_eq!((of_site(0), of_site(1)), (20 + TOLD, 20 + TOLD));
    let sites: Vec<(u16, u64)> = fold.demoted().iter().map(|one| (one.site.0, one.too_often.hosts)).collect();
    assert_eq!(sites, [(0, 21), (1, 21)]);
}

#[test]
fn t10_i8_who_gets_through_behind_a_demotion_is_told_by_name_and_apart_from_them_of_whom_data_goes_out() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = demoted(&listed);
    let before = named(&reader);
    for host in 0..50 {
        handle(&mut fold, seen(2_000 + host, &listed, Evidence::LookedUp, after_ms(1)));
        handle(&mut fold, seen(2_000 + host, &listed, Evidence::Contacted, after_ms(2)));
    }
    reader.read(&mut fold);
    assert_eq!(told(&reader, Direction::Outbound, Evidence::Contacted), TOLD, "and no more than that");
    // Accomplices do not use up what is told of whom data leaves.
    for host in 3_000..3_050 {
        handle(&mut fold, seen(host, &listed, Evidence::LookedUp, after_ms(3)));
        reader.read(&mut fold);
        handle(&mut fold, seen(host, &listed, Evidence::DataOut, after_ms(4)));
        let at_once = reader.read(&mut fold);
        assert!(at_once == 1 || host >= 3_000 + FREQUENT_TOLD_MAX as u32, "host {host} waits");
    }
    assert_eq!(told(&reader, Direction::Outbound, Evidence::DataOut), TOLD);
    assert_eq!(named(&reader), before + 2 * TOLD);
    // What such a host does next is told of it, what the others do with others.
    for host in [2_000, 2_000, 2_049] {
        handle(&mut fold, seen(host, &listed, Evidence::LookedUp, after_ms(5)));
    }
    fold.close_all(&Village);
    reader.read(&mut fold);
    assert_eq!(reader.alerts.values().filter(|(alert, _)| alert.count == 3).count(), 1, "of host 2,000");
    assert_eq!(reader.sums()[&(1, false)], (100 + 100 + 100 + 3, Evidence::DataOut), "I8");
}

#[test]
fn t10_i8_contact_that_follows_from_a_look_up_told_together_counts_no_second_time() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = demoted(&listed);
    for host in 0..40 {
        let looked_up = seen(2_000 + host, &listed, Evidence::Answered, after_ms(1));
        handle(&mut fold, Bearing { answer_until: Some(after_s(600)), ..looked_up });
    }
    for host in 0..40 {
        handle(&mut fold, more(seen(2_000 + host, &listed, Evidence::Contacted, after_ms(2))));
        let by_name = seen(2_000 + host, &listed, Evidence::Contacted, after_ms(3));
        handle(&mut fold, Bearing { count: Count::OwnUnlessLookedUp, ..by_name });
    }
    (0..40).for_each(|host| handle(&mut fold, seen(4_000 + host, &listed, Evidence::Answered, after_s(2))));
    fold.close_all(&Village);
    reader.read(&mut fold);
    assert_eq!(told(&reader, Direction::Outbound, Evidence::Contacted), TOLD);
    assert_eq!(reader.sums()[&(1, false)].0, 100 + 40 + 40, "each look-up once, whoever tells of it");
    let (_, hosts) = together(&reader)[0];
    assert!(is_about(hosts, 180), "about {hosts} of 180 hosts");
}

#[test]
fn t10_who_was_told_by_name_goes_on_in_its_alert_and_in_the_next_one() {
    let listed = indicator(1, false);
    let (mut fold, _) = at_most_20();
    // It has called for three hours when everybody else meets what it calls.
    let every_s = 300;
    let calls = (ALERT_AGE_MAX_S + 3_600) / every_s;
    for n in 0..calls {
        let now = after_s(n * every_s);
        fold.handle_time(now, &Village);
        handle(&mut fold, seen(7, &listed, Evidence::Contacted, now));
        // One that is quiet for longer than an alert stays open.
        if n % 24 == 1 {
            handle(&mut fold, seen(8, &listed, Evidence::Answered, now));
        }
        if n == 36 {
            (0..100).for_each(|host| handle(&mut fold, seen(1_000 + host, &listed, Evidence::Answered, now)));
            // And get through, so that nobody else is told by name any more.
            (0..40).for_each(|host| handle(&mut fold, seen(2_000 + host, &listed, Evidence::Contacted, now)));
        }
    }
    assert!(!fold.demoted().is_empty());
    let (mut of_host, mut of_other) = (BTreeMap::<AlertId, (u64, Timestamp, bool, u32)>::new(), 0);
    while let Some(statement) = fold.poll_statement() {
        match statement {
            Statement::Opened { alert, client, body } if client == Some(address(7)) => {
                of_host.insert(alert, (body.count, body.last_seen, false, 0));
            }
            Statement::Opened { client, .. } if client == Some(address(8)) => of_other += 1,
            Statement::Updated { alert, body } => {
                let Some(known) = of_host.get_mut(&alert) else { continue };
                let contacts = body.regularity.map_or(0, |regularity| regularity.contacts);
                *known = (known.0 + body.count_increase, body.last_seen, body.closed, contacts);
            }
            Statement::Opened { .. }
            | Statement::CrowdOpened { .. }
            | Statement::CrowdUpdated { .. }
            | Statement::Braked(_)
            | Statement::Demotion(_) => {}
        }
    }
    let of_host: Vec<(u64, Timestamp, bool, u32)> = of_host.into_values().collect();
    let [first, second] = of_host[..] else { panic!("{of_host:?}") };
    assert_eq!((first.0, first.1, first.2), (288, after_s(287 * every_s), true), "to the end of its day");
    assert!(first.3 > 0, "with how regular that was");
    assert!(!second.2 && second.0 >= 2 && second.1 >= after_s(289 * every_s), "and in the next one: {second:?}");
    assert_eq!(of_other, calls.div_ceil(24), "each time anew");
}

#[test]
fn t10_a_full_table_demotes_no_more_and_says_so_and_what_is_demoted_ends_with_a_word() {
    let (mut fold, mut reader) = (Fold::new(false).demoting_beyond(Some(1)), Reader::default());
    // So that it is no storm.
    fold.storm = Storm::with(Bucket::new(u32::MAX / 2, 1));
    let many = FREQUENT_KEPT_MAX as u64;
    for id in 0..many + 5 {
        for host in 0..3 {
            handle(&mut fold, seen(host, &indicator(id, false), Evidence::Answered, START));
        }
        reader.read(&mut fold);
    }
    assert_eq!((reader.demoted.len() as u64, fold.demoted().len() as u64), (many, many));
    assert_eq!(named(&reader) as u64, many + 5 * 3, "of the last five each host is told");
    assert_eq!(fold.not_demoted(), 5 * 2, "and that nothing more is demoted is counted");
    assert_eq!(
        reader.sums().values().map(|(count, _)| count).sum::<u64>(),
        3 * (many + 5) - many,
        "two of three at once"
    );
    // By the clock alone, each with a word.
    fold.handle_time(after_s(FREQUENT_HELD_S), &Village);
    reader.read(&mut fold);
    assert!(fold.demoted().is_empty());
    assert_eq!(reader.demoted.iter().filter(|(_, too_often)| too_often.is_none()).count() as u64, many);
    assert_eq!(reader.sums().values().map(|(count, _)| count).sum::<u64>(), 3 * (many + 5), "I8");
}

#[test]
fn t10_it_ends_by_the_list_by_a_day_and_by_an_order_and_then_hosts_are_told_by_name_again() {
    let listed = indicator(1, false);
    let surer = Arc::new(Indicator { confidence: 90, ..(*listed).clone() });
    for way in ["list", "day", "order"] {
        let (mut fold, mut reader) = demoted(&listed);
        let is_order = way == "order";
        // The same list anew, another's order: as before.
        fold.handle_braking(braking(7, &[(3, false), (1, true)]), &Village);
        handle(&mut fold, seen(2_000, &listed, Evidence::Answered, after_s(9)));
        reader.read(&mut fold);
        assert_eq!((named(&reader), reader.demoted.len()), (20, 1));
        let now = after_s(if way == "day" { FREQUENT_HELD_S } else { 10 });
        let listed = if way == "list" { &surer } else { &listed };
        if is_order {
            fold.handle_braking(braking(8, &[(1, false)]), &Village);
            handle(&mut fold, seen(1_099, listed, Evidence::Answered, now));
            fold.handle_braking(braking(9, &[]), &Village);
        }
        fold.handle_time(now, &Village);
        // Two that were told of together, and hosts that nobody has seen.
        let hosts = if is_order { 200 } else { 20 };
        let list = Revision(if way == "list" { 2 } else { 1 });
        for host in 0..hosts {
            fold.handle(seen(1_098 + host, listed, Evidence::Answered, now), list, now, &Village);
        }
        reader.read(&mut fold);
        assert_eq!(reader.demoted[1..], [(1, None)], "{way}");
        assert_eq!(named(&reader), 20 + hosts as usize, "{way}");
        assert!(reader.open.iter().all(|alert| reader.alerts[alert].1.is_none()), "who was told together is no more");
        assert!(fold.demoted().is_empty());
        // Weighed anew by those twenty, where no order has spared it.
        handle(&mut fold, seen(4_000, listed, Evidence::Answered, now));
        reader.read(&mut fold);
        let again: Vec<u64> = reader.demoted[2..].iter().filter_map(|(_, met)| Some((*met)?.hosts)).collect();
        assert_eq!(again, if is_order { vec![] } else { vec![21] }, "{way}");
        fold.close_all(&Village);
        reader.read(&mut fold);
        let counted: u64 = reader.braked.values().map(|(count, ..)| count).sum();
        assert_eq!(counted, u64::from(is_order), "an order counts only, a demotion tells");
        assert_eq!(reader.sums()[&(1, false)].0, 100 + 1 + u64::from(hosts) + 1, "I8, {way}");
    }
}

#[test]
fn t10_d12_what_is_told_together_is_stated_when_it_has_doubled_and_when_evidence_rises() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = at_most_20();
    let mut stated = Vec::new();
    for host in 0..500u64 {
        handle(&mut fold, seen(1_000 + host as u32, &listed, Evidence::LookedUp, START));
        let is_stated = reader.read(&mut fold) > 0 && host >= 20;
        let told = reader.sums()[&(1, false)].0;
        if is_stated {
            stated.push(host + 1);
            assert_eq!(told, host + 1, "all of it");
        }
        let untold = host + 1 - told;
        assert!(untold <= 16 || 2 * untold <= host + 1 - 20 + 10, "{untold} of {host} hosts are told nowhere");
    }
    assert!((6..=7).contains(&stated.len()), "the first, and at about 16, 32, 64, 128, 256 of them: {stated:?}");
    handle(&mut fold, seen(5_000, &listed, Evidence::Answered, after_ms(1)));
    assert_eq!(reader.read(&mut fold), 1, "evidence has risen");
    handle(&mut fold, seen(5_001, &listed, Evidence::Answered, after_ms(2)));
    assert_eq!(reader.read(&mut fold), 0);
}

#[test]
fn t10_a_resolver_is_no_host_behind_it_and_what_an_order_has_braked_is_counted() {
    let listed = indicator(1, false);
    let (mut fold, mut reader) = demoted(&listed);
    let before = reader.alerts.len();
    let asked = Bearing { lookup: true, ..seen(RESOLVER, &listed, Evidence::Contacted, after_ms(1)) };
    handle(&mut fold, asked);
    fold.handle_braking(braking(7, &[(1, false)]), &Village);
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
        steps in prop::collection::vec((0u32..40, 0u64..2, 0usize..6, any::<bool>(), 0u64..90, 0u8..30), 1..300)
    ) {
        let (mut fold, mut reader) = (small(5, 16).demoting_beyond(Some(6)), Reader::default());
        let (mut now, matches) = (START, steps.len() as u64);
        for (host, id, level, comes_in, later_s, ends) in steps {
            now = now.plus(Duration::from_secs(later_s));
            fold.handle_time(now, &Village);
            if ends == 0 {
                fold.handle_braking(braking(now.0 as u64, &[(id, false)]), &Village);
                fold.handle_braking(braking(now.0 as u64 + 1, &[]), &Village);
            }
            let direction = if comes_in { Direction::Inbound } else { Direction::Outbound };
            let listed = Arc::new(Indicator { confidence: ends / 10, ..(*indicator(id, false)).clone() });
            let seen = seen(host * 20_000, &listed, Evidence::ALL[level], now);
            // A list of its own for each thing that it says.
            let list = Revision(1 + u64::from(ends / 10));
            fold.handle(Bearing { direction, ..seen }, list, now, &Village);
            reader.read(&mut fold);
        }
        fold.close_all(&Village);
        reader.read(&mut fold);
        prop_assert_eq!(reader.sums().values().map(|(count, _)| count).sum::<u64>(), matches);
        prop_assert!(reader.braked.is_empty() && fold.storm.is_calm(), "no group is left behind");
    }
}
