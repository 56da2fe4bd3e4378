//! When something is stated, and what: decision 20.

use super::*;

fn statements(raise: &mut Raise) -> Vec<Statement> {
    std::iter::from_fn(|| raise.poll_statement()).collect()
}

#[test]
fn updates_come_after_a_minute_ten_minutes_and_hourly_and_at_once_when_evidence_rises() {
    let list = vec![Indicator::bare(IndicatorId(1), "evil.no".parse().unwrap())];
    let set = Arc::new(IndicatorSet::build(list));
    let raise = Raise::new(settings(None, Keep::default()), set, Revision(1));
    let mut bench = Bench { raise, now: second(0), flow: 0 };
    bench.dns(H, RESOLVER, "evil.no", Some(3), &[]);
    let opened = statements(&mut bench.raise);
    let Statement::Opened { client, body, .. } = &opened[0] else { panic!("{opened:?}") };
    assert_eq!(*client, Some("10.0.0.5".parse().unwrap()));
    assert_eq!((body.client, body.seen_at.server), (None, None), "an inside resolver is never named");

    let mut told = Vec::new();
    let mut sum = body.count;
    // A lookup every 30 seconds for three hours.
    for n in 1..360 {
        bench.now = second(n * 30);
        bench.dns(H, RESOLVER, "evil.no", Some(3), &[]);
        bench.raise.handle_time(second(n * 30 + 1));
        for statement in statements(&mut bench.raise) {
            let Statement::Updated { body, .. } = statement else { panic!("a second alert") };
            sum += body.count_increase;
            told.push(n * 30 / 60);
        }
    }
    assert_eq!(told, [1, 10, 70, 130], "minutes");
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    let risen = statements(&mut bench.raise);
    let Statement::Updated { body, .. } = &risen[0] else { panic!("{risen:?}") };
    assert_eq!(body.evidence, Evidence::Answered);
    sum += body.count_increase;
    bench.raise.handle_time(bench.now.plus(Duration::from_secs(3600)));
    let last = statements(&mut bench.raise);
    let Statement::Updated { body, .. } = &last[0] else { panic!("{last:?}") };
    assert!(body.closed, "an hour of quiet");
    sum += body.count_increase;
    assert_eq!(sum, 361, "I8: the sum of counts is conserved");
}

#[test]
fn what_was_withdrawn_or_has_run_out_accuses_nobody_by_an_answer_from_before() {
    let held = |ids: &[u64], until: Option<i64>| {
        let indicators = ids.iter().map(|&id| {
            let mut indicator = Indicator::bare(IndicatorId(id), "evil.no".parse().unwrap());
            indicator.validity = Validity { until: until.map(second), ..Validity::default() };
            indicator
        });
        Arc::new(IndicatorSet::build(indicators.collect()))
    };
    for (set, hits) in [(held(&[0], None), 2), (held(&[], None), 1), (held(&[9], None), 1), (held(&[0], Some(1)), 1)] {
        let mut bench = Bench::new(&["evil.no"]);
        bench.dns(H, RESOLVER, "a.evil.no", Some(0), &[("a.evil.no", "203.0.113.9")]);
        bench.raise.handle_set(set, Revision(2));
        bench.tcp(H2, BAD, Contact::Answered);
        assert_eq!(bench.alerts().len(), hits);
    }
}

#[test]
fn regular_contact_is_reckoned_on_the_sensor() {
    let mut bench = Bench::new(&["203.0.113.9"]);
    bench.raise.keep.alerts = false;
    bench.raise.fold = Fold::new(false);
    for n in 0..10 {
        bench.now = second(n * 300);
        bench.tcp(H, BAD, Contact::Answered);
    }
    bench.raise.close_all();
    let mut regularity = statements(&mut bench.raise).into_iter().filter_map(|statement| match statement {
        Statement::Updated { body, .. } => body.regularity,
        Statement::Opened { .. }
        | Statement::CrowdOpened { .. }
        | Statement::CrowdUpdated { .. }
        | Statement::Braked(_)
        | Statement::Demotion(_) => None,
    });
    let last = regularity.next_back().unwrap();
    assert_eq!((last.contacts, last.median_interval_ms, last.spread_ms), (10, 300_000, 0));
}

/// Who owns a listed address and reaches servers of ours from it has nothing of what our hosts do hidden.
#[test]
fn t10_connections_from_a_listed_address_hide_no_host_that_calls_it() {
    let list = vec![Indicator::bare(IndicatorId(1), "203.0.113.9".parse().unwrap())];
    let raise_settings = RaiseSettings { frequent_hosts: Some(256), ..settings(None, Keep::default()) };
    let raise = Raise::new(raise_settings, Arc::new(IndicatorSet::build(list)), Revision(1));
    let mut bench = Bench { raise, now: second(0), flow: 0 };
    for n in 0..1_600 {
        bench.now = Timestamp(n * 30_000);
        bench.tcp("203.0.113.9:50000", &format!("10.0.1.{}:443", n % 40), Contact::Answered);
    }
    for host in [H, H2] {
        bench.tcp(host, BAD, Contact::Answered);
    }
    let told = statements(&mut bench.raise);
    let of_hosts = told.iter().filter_map(|statement| match statement {
        Statement::Opened { client, body, .. } if body.direction == Direction::Outbound => *client,
        Statement::Demotion(_) => panic!("its hosts are told together from now on"),
        Statement::Opened { .. }
        | Statement::Updated { .. }
        | Statement::CrowdOpened { .. }
        | Statement::CrowdUpdated { .. }
        | Statement::Braked(_) => None,
    });
    let hosts: Vec<String> = of_hosts.map(|host| host.to_string()).collect();
    assert_eq!(hosts, ["10.0.0.5", "10.0.0.6"]);
}
