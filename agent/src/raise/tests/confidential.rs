//! Confidential indicators: they raise what they would raise in clear, and nothing that met them is kept (T7a).

use varde_common::confidential::ConfidentialKey;
use varde_common::matcher::{Builder, Seed};
use varde_common::observation::HelloTransport;

use super::named::NO_JA4;
use super::*;

const LISTED: [&str; 4] = ["marked.example", "=wwwmarked.example", "2001:db8:6d61::/48", "203.0.113.77"];

/// A list of these, as their keyed hashes or in clear.
fn set(listed: &[&str], key: u8, hidden: bool) -> Arc<IndicatorSet> {
    let mut builder = Builder::new(Seed::from_octets([3; 16]), ConfidentialKey([key; 32]));
    for (n, listed) in listed.iter().enumerate() {
        let indicator = Indicator::bare(IndicatorId(n as u64), listed.parse().unwrap());
        let (pattern, facts) = ((&indicator.pattern).into(), (&indicator).into());
        match hidden {
            true => builder.add_confidential(indicator.id, pattern, &facts).unwrap(),
            false => builder.add(indicator.id, pattern, &facts).unwrap(),
        }
    }
    Arc::new(IndicatorSet::of(builder.finish().unwrap()).unwrap())
}

fn bench(hidden: bool) -> Bench {
    let raise = Raise::new(settings(None, Keep::default()), set(&LISTED, 7, hidden), Revision(1));
    Bench { raise, now: second(0), flow: 0 }
}

/// A look-up and a flow that follows, an alias, a hello, flows to listed addresses.
fn traffic(bench: &mut Bench) {
    bench.dns(H, UPSTREAM, "a.marked.example", Some(0), &[("a.marked.example", "203.0.113.9")]);
    bench.tcp(H, BAD, Contact::Answered);
    bench.dns(H2, UPSTREAM, "b.marked.example", Some(0), &[("b.marked.example", "x.cdn.example")]);
    bench.dns(H2, UPSTREAM, "x.cdn.example", Some(0), &[("x.cdn.example", "203.0.113.10")]);
    bench.tls(H, "203.0.113.11:443", Some("wwwmarked.example"));
    bench.talk((H2, "203.0.113.12:443"), HelloTransport::Tls, Some("wwwmarked.example"), NO_JA4, false);
    bench.tcp(H, "[2001:db8:6d61::1]:443", Contact::Answered);
    bench.tcp(H2, "203.0.113.77:443", Contact::Unanswered);
}

fn statements(raise: &mut Raise) -> Vec<Statement> {
    std::iter::from_fn(|| raise.poll_statement()).collect()
}

/// A statement without what a confidential indicator withholds.
fn withheld(mut statement: Statement) -> Statement {
    match &mut statement {
        Statement::Opened { body, .. } => (body.labels_left, body.seen_at.server) = (0, None),
        Statement::Updated { body, .. } => body.seen_at.server = None,
        Statement::CrowdOpened { body, .. } => (body.opened.labels_left, body.opened.seen_at.server) = (0, None),
        Statement::CrowdUpdated { body, .. } => body.updated.seen_at.server = None,
        // It names no server anyway.
        Statement::Braked(_) | Statement::Demotion(_) => {}
    }
    statement
}

#[test]
fn t7a_a_confidential_indicator_raises_what_it_would_in_clear_and_names_no_server() {
    let [clear, hidden] = [false, true].map(|hidden| {
        let mut bench = bench(hidden);
        traffic(&mut bench);
        statements(&mut bench.raise)
    });
    assert!(clear.len() >= 8, "{clear:?}");
    assert_eq!(hidden, clear.into_iter().map(withheld).collect::<Vec<_>>());
}

#[test]
fn t7a_nothing_that_met_a_confidential_indicator_is_kept() {
    let held = |hidden: bool| {
        let mut bench = bench(hidden);
        traffic(&mut bench);
        let told = format!("{:?}", statements(&mut bench.raise));
        let kept = format!("{:?}", bench.raise);
        (told, kept)
    };
    let (_, kept) = held(false);
    assert!(kept.contains("marked"), "in clear it is kept, else nothing is shown");
    let (told, kept) = held(true);
    for mark in ["marked", "203.0.113.77", "2001:db8:6d61"] {
        assert!(!told.contains(mark), "{mark} is told: {told}");
    }
    assert!(!kept.contains("marked"), "a name is kept: {kept}");
}

#[test]
fn t7a_of_a_withdrawn_confidential_indicator_no_answer_from_before_accuses() {
    for (next, hits) in [(set(&LISTED, 7, true), 2), (set(&LISTED[1..], 7, true), 1), (set(&LISTED, 7, false), 1)] {
        let mut bench = bench(true);
        bench.dns(H, RESOLVER, "a.marked.example", Some(0), &[("a.marked.example", "203.0.113.9")]);
        bench.raise.handle_set(next, Revision(2));
        bench.tcp(H2, BAD, Contact::Answered);
        let opened = statements(&mut bench.raise);
        let opened = opened.iter().filter(|statement| matches!(statement, Statement::Opened { .. })).count();
        assert_eq!(opened, hits);
    }
}
