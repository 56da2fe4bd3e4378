//! What is seen and what is concluded from it, as tables: decisions 20, 21 and 22.

use std::sync::Arc;
use std::time::Duration;

use varde_common::alert::{Circumstances, Evidence};
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::observation::{Answer, Contact, FlowRecord};
use varde_common::time::Validity;

use super::*;
use crate::flow::{FlowEvent, FlowId, FlowStep, Volume};
use crate::raise::place::inside_by_default;

mod confidential;
mod named;
mod proxied;
mod statements;
mod stopped;
mod volume;

const H: &str = "10.0.0.5:40000";
const H2: &str = "10.0.0.6:40000";
const RESOLVER: &str = "10.0.0.53:53";
const RESOLVER_OUT: &str = "10.0.0.53:33333";
const UPSTREAM: &str = "198.51.100.53:53";
const BLOCK_PAGE: &str = "10.0.0.99";
const BAD: &str = "203.0.113.9:443";

fn at(text: &str) -> Endpoint {
    text.parse().unwrap()
}

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn second(n: i64) -> Timestamp {
    Timestamp(n * 1_000_000)
}

/// A flow as a step of it finds it.
#[derive(Clone, Copy)]
struct SoFar {
    flow: FlowId,
    began: Timestamp,
    contact: Contact,
    volume: Volume,
}

struct Bench {
    raise: Raise,
    now: Timestamp,
    flow: u64,
}

impl Bench {
    fn new(list: &[&str]) -> Bench {
        Bench::with(
            list.iter().enumerate().map(|(n, p)| Indicator::bare(IndicatorId(n as u64), p.parse().unwrap())),
            None,
        )
    }

    fn with(list: impl Iterator<Item = Indicator>, resolvers: Option<Vec<IpAddr>>) -> Bench {
        let set = Arc::new(IndicatorSet::build(list.collect()));
        let raise = Raise::new(settings(resolvers, Keep { alerts: true, sightings: true }), set, Revision(1));
        Bench { raise, now: second(0), flow: 0 }
    }

    fn dns(
        &mut self,
        client: &str,
        server: &str,
        qname: &str,
        rcode: Option<u8>,
        answers: &[(&str, &str)],
    ) -> &mut Bench {
        let answers = answers.iter().map(|(owner, data)| Answer {
            name: name(owner),
            rtype: 1,
            ttl_s: 60,
            data: match data.parse() {
                Ok(address) => AnswerData::Address(address),
                Err(_) if *data == "-" => AnswerData::Other,
                Err(_) => AnswerData::Name(name(data)),
            },
        });
        let transaction = DnsTransaction {
            time: self.now,
            end: self.now,
            client: at(client),
            server: at(server),
            protocol: Protocol::UDP,
            id: 7,
            recursion_desired: true,
            qname: name(qname),
            qtype: 1,
            rcode,
            answers: answers.collect(),
        };
        self.now = self.now.plus(Duration::from_secs(1));
        self.raise.handle_transaction(0, Standing::Asked, &transaction, self.now);
        self
    }

    /// A flow takes a step.
    fn step(&mut self, step: FlowStep, initiator: &str, responder: &str, protocol: Protocol, so_far: SoFar) {
        let SoFar { flow, began, contact, volume } = so_far;
        let record = FlowRecord {
            initiator: at(initiator),
            responder: at(responder),
            protocol,
            packets: 3,
            octets: 180,
            reverse_packets: 2,
            reverse_octets: 120,
            start: began,
            end: self.now,
            contact,
        };
        let event = FlowEvent { flow, source: 0, step, began, volume, record };
        self.now = self.now.plus(Duration::from_secs(1));
        if self.raise.concerns_step(&event.glimpse(), &self.raise.ends(event.record.initiator, event.record.responder))
        {
            self.raise.handle_flow(&event, self.now);
        }
    }

    fn flow(&mut self, initiator: &str, responder: &str, protocol: Protocol, contact: Contact) -> &mut Bench {
        let first = if contact == Contact::ErrorsOnly { contact } else { Contact::Unanswered };
        self.flow += 1;
        let mut so_far = SoFar { flow: FlowId(self.flow), began: self.now, contact: first, volume: Volume::default() };
        self.step(FlowStep::Opened, initiator, responder, protocol, so_far);
        so_far.contact = contact;
        if contact == Contact::Answered {
            self.step(FlowStep::Answered, initiator, responder, protocol, so_far);
        }
        self.step(FlowStep::Closed, initiator, responder, protocol, so_far);
        self
    }

    fn tcp(&mut self, initiator: &str, responder: &str, contact: Contact) -> &mut Bench {
        self.flow(initiator, responder, Protocol::TCP, contact)
    }

    /// `indicator client evidence count`, each alert, sorted.
    fn alerts(&mut self) -> Vec<String> {
        let mut all: Vec<String> = self.whole().iter().map(line).collect();
        all.sort();
        all
    }

    fn whole(&mut self) -> Vec<Alert> {
        self.raise.close_all();
        std::iter::from_fn(|| self.raise.poll_alert()).collect()
    }

    fn sightings(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.raise.poll_sighting())
            .map(|s| format!("{} {} {} {}", s.indicator.pattern, s.client, s.evidence, s.observed))
            .collect()
    }
}

fn settings(resolvers: Option<Vec<IpAddr>>, keep: Keep) -> RaiseSettings {
    RaiseSettings {
        places: Places::new(inside_by_default(), Vec::new(), Vec::new()),
        resolvers: Resolvers::new(resolvers),
        dns_ports: vec![53],
        sinkholes: Sinkholes::new(&[BLOCK_PAGE.parse().unwrap()]),
        frequent_hosts: None,
        keep,
    }
}

fn line(alert: &Alert) -> String {
    let client = alert.key.client.map_or("-".to_owned(), |client| client.to_string());
    format!("{} {client} {} {}", alert.indicator.pattern, alert.evidence, alert.count)
}

#[test]
fn s4_entries_are_as_small_as_the_limits_say() {
    let alert = size_of::<Alert>() + 2 * size_of::<(Key, crate::sensor::AlertId)>();
    let lookup = size_of::<answered::Lookup>() + 2 * size_of::<IpAddr>() + 48;
    let sizes = [alert, lookup, size_of::<watched::Watch>() + 56, size_of::<watched::Tie>()];
    assert!(sizes.iter().zip([480, 136, 130, 180]).all(|(size, most)| *size <= most), "{sizes:?}");
}

#[test]
fn how_far_a_lookup_got() {
    for (rcode, answers, evidence) in [
        (None, vec![], "looked_up"),
        (Some(0), vec![], "looked_up"),
        (Some(0), vec![("a.evil.no", "-")], "looked_up"),
        (Some(0), vec![("a.evil.no", "cdn.example")], "looked_up"),
        (Some(0), vec![("a.evil.no", "cdn.example"), ("cdn.example", "192.0.2.1")], "answered"),
        (Some(0), vec![("a.evil.no", "b.evil.no")], "answered"),
        (Some(0), vec![("a.evil.no", "2001:db8::1")], "answered"),
        (Some(2), vec![], "looked_up"),
        (Some(3), vec![], "blocked"),
        (Some(3), vec![("a.evil.no", "b.evil.no")], "blocked"),
        (Some(5), vec![], "blocked"),
    ] {
        let mut bench = Bench::new(&["evil.no"]);
        bench.dns(H, UPSTREAM, "a.evil.no", rcode, &answers);
        assert_eq!(bench.alerts(), [format!("evil.no 10.0.0.5 {evidence} 1")], "{rcode:?} {answers:?}");
    }
}

#[test]
fn a_listed_cname_target_and_a_listed_answer_are_seen() {
    let mut bench = Bench::new(&["evil.no", "192.0.2.0/24", "=host.cdn.example"]);
    bench.dns(
        H,
        UPSTREAM,
        "innocent.no",
        Some(0),
        &[("innocent.no", "x.evil.no"), ("x.evil.no", "host.cdn.example"), ("host.cdn.example", "192.0.2.7")],
    );
    let sightings = bench.sightings();
    assert_eq!(
        sightings,
        [
            "evil.no 10.0.0.5:40000 answered x.evil.no",
            "host.cdn.example 10.0.0.5:40000 answered host.cdn.example",
            "192.0.2.0/24 10.0.0.5:40000 answered 192.0.2.7",
        ]
    );
}

#[test]
fn one_transaction_is_one_sighting_of_one_indicator() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(H, UPSTREAM, "a.evil.no", Some(0), &[("a.evil.no", "b.evil.no"), ("b.evil.no", "192.0.2.1")]);
    assert_eq!(bench.sightings(), ["evil.no 10.0.0.5:40000 answered a.evil.no"]);
}

#[test]
fn a_flow_that_follows_raises_and_is_no_sighting() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(H, UPSTREAM, "a.evil.no", Some(0), &[("a.evil.no", "203.0.113.9")]);
    bench.tcp(H, BAD, Contact::Answered);
    assert_eq!(bench.sightings().len(), 1);
    let alerts = bench.whole();
    assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), ["evil.no 10.0.0.5 contacted 1"]);
    assert_eq!(alerts[0].server, at(BAD));
    assert_eq!(alerts[0].observed.to_string(), "a.evil.no");
    assert_eq!(alerts[0].circumstances, Circumstances::default());
    assert!(alerts[0].last_seen > alerts[0].first_seen);
}

#[test]
fn without_a_reply_it_stays_attempted_and_evidence_never_falls() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    bench.tcp(H, BAD, Contact::Unanswered);
    bench.dns(H, UPSTREAM, "evil.no", Some(3), &[]);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 attempted 2"]);
}

#[test]
fn a_resolver_is_no_second_victim_and_the_host_is_found_by_its_flow() {
    let mut bench = Bench::new(&["evil.no"]);
    // Inside: the host asks the resolver, which asks upstream.
    bench.dns(H2, RESOLVER, "x.no", Some(0), &[]);
    bench.dns(RESOLVER_OUT, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    bench.tcp(H, BAD, Contact::Answered);
    let alerts = bench.whole();
    let resolver: Vec<_> = alerts.iter().filter(|alert| alert.circumstances.by_resolver).map(line).collect();
    assert_eq!(resolver, ["evil.no 10.0.0.53 answered 1"]);
    let hosts: Vec<_> = alerts.iter().filter(|alert| !alert.circumstances.by_resolver).collect();
    assert_eq!(hosts.iter().map(|alert| line(alert)).collect::<Vec<_>>(), ["evil.no 10.0.0.5 contacted 1"]);
    assert!(hosts[0].circumstances.looked_up_by_other);
}

#[test]
fn a_resolver_learnt_late_is_told_as_one_when_its_alert_closes() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(RESOLVER_OUT, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    bench.dns(H, RESOLVER, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    let resolvers: Vec<bool> = bench.whole().iter().map(|alert| alert.circumstances.by_resolver).collect();
    assert_eq!(resolvers, [true, false]);
}

#[test]
fn a_resolver_that_reaches_a_listed_server_itself_is_a_victim() {
    let resolver = "10.0.0.53".parse().unwrap();
    let list = [Indicator::bare(IndicatorId(1), "203.0.113.9".parse().unwrap())];
    let mut bench = Bench::with(list.into_iter(), Some(vec![resolver]));
    bench.tcp(RESOLVER_OUT, BAD, Contact::Answered);
    assert!(bench.whole().iter().all(|alert| !alert.circumstances.by_resolver));
}

#[test]
fn a_resolver_that_asks_a_listed_name_s_own_server_is_no_victim() {
    for configured in [true, false] {
        let resolvers = configured.then(|| vec!["10.0.0.53".parse().unwrap()]);
        let list = [Indicator::bare(IndicatorId(1), "evil.no".parse().unwrap())];
        let mut bench = Bench::with(list.into_iter(), resolvers);
        bench.dns(RESOLVER_OUT, UPSTREAM, "ns1.evil.no", Some(0), &[("ns1.evil.no", "203.0.113.9")]);
        bench.flow(RESOLVER_OUT, "203.0.113.9:53", Protocol::UDP, Contact::Answered);
        bench.tcp(RESOLVER_OUT, "203.0.113.9:53", Contact::Answered);
        // Recognised only now, where it is not configured.
        bench.dns(H2, RESOLVER, "x.no", Some(0), &[]);
        let alerts = bench.whole();
        assert!(alerts.iter().all(|alert| alert.circumstances.by_resolver), "{configured}: {alerts:?}");
        let expected = if configured { "answered" } else { "contacted" };
        assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), [format!("evil.no 10.0.0.53 {expected} 1")]);
    }
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(H, UPSTREAM, "ns1.evil.no", Some(0), &[("ns1.evil.no", "203.0.113.9")]);
    bench.flow(H, "203.0.113.9:53", Protocol::UDP, Contact::Answered);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 1"], "a host that speaks with it over port 53 is one");
}

#[test]
fn an_alias_that_is_asked_for_next_belongs_to_the_listed_name() {
    let edge = [("edge.example", "203.0.113.9")];
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(RESOLVER_OUT, UPSTREAM, "evil.no", Some(0), &[("evil.no", "middle.example")]);
    bench.dns(RESOLVER_OUT, UPSTREAM, "middle.example", Some(0), &[("middle.example", "edge.example")]);
    bench.dns(RESOLVER_OUT, UPSTREAM, "edge.example", Some(0), &edge);
    bench.tcp(H, BAD, Contact::Answered);
    assert_eq!(bench.sightings(), ["evil.no 10.0.0.53:33333 looked_up evil.no"], "one look-up, one sighting");
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 1", "evil.no 10.0.0.53 answered 1"]);
    // Another host that asks for the alias has nothing to do with it, and makes its address shared.
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(RESOLVER_OUT, UPSTREAM, "evil.no", Some(0), &[("evil.no", "edge.example")]);
    bench.dns(H2, UPSTREAM, "edge.example", Some(0), &edge);
    bench.tcp(H2, BAD, Contact::Answered);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.53 looked_up 1"]);
}

#[test]
fn a_flow_that_began_before_the_answer_follows_from_nothing_however_long_it_goes_on() {
    let mut bench = Bench::new(&["evil.no"]);
    let record = |start, end| FlowRecord {
        initiator: at(H2),
        responder: at(BAD),
        protocol: Protocol::TCP,
        packets: 9,
        octets: 900,
        reverse_packets: 9,
        reverse_octets: 900,
        start,
        end,
        contact: Contact::Answered,
    };
    bench.now = second(100);
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    for (step, start, end) in [(FlowStep::Reported, 0, 120), (FlowStep::Closed, 121, 130)] {
        let record = record(second(start), second(end));
        let event = FlowEvent { flow: FlowId(1), source: 0, step, began: second(0), volume: Volume::default(), record };
        bench.raise.handle_flow(&event, second(end));
    }
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 answered 1"]);
}

#[test]
fn a_shared_address_accuses_nobody() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    bench.dns(H2, UPSTREAM, "innocent.no", Some(0), &[("innocent.no", "203.0.113.9")]);
    bench.tcp(H, BAD, Contact::Answered);
    bench.tcp(H2, BAD, Contact::Answered);
    let alerts = bench.whole();
    assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), ["evil.no 10.0.0.5 answered 1"]);
    assert!(alerts[0].circumstances.possible_contact);
}

#[test]
fn a_port_is_the_server_s_and_only_flows_show_one() {
    let mut bench = Bench::new(&["evil.no:8443", "203.0.113.10:8443"]);
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    bench.tcp(H, BAD, Contact::Answered);
    bench.tcp(H, "203.0.113.10:443", Contact::Answered);
    assert_eq!(bench.alerts(), ["evil.no:8443 10.0.0.5 answered 1"]);
    let mut bench = Bench::new(&["evil.no:443", "203.0.113.9:443"]);
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.7")]);
    bench.tcp(H, "203.0.113.7:443", Contact::Answered);
    bench.tcp(H, BAD, Contact::Answered);
    bench.flow(H, "203.0.113.9:0", Protocol::ICMP, Contact::Answered);
    assert_eq!(bench.alerts(), ["203.0.113.9:443 10.0.0.5 contacted 1", "evil.no:443 10.0.0.5 contacted 1"]);
}

#[test]
fn inbound_noise_names_no_host_and_is_one_alert() {
    let mut bench = Bench::new(&["203.0.113.9"]);
    for host in ["10.0.0.5:22", "10.0.0.6:22", "10.0.0.7:23"] {
        bench.tcp("203.0.113.9:50000", host, Contact::Unanswered);
    }
    assert_eq!(bench.sightings().first().map(String::as_str), Some("203.0.113.9 10.0.0.5:22 attempted 203.0.113.9"));
    assert_eq!(bench.alerts(), ["203.0.113.9 - attempted 3"]);
}

#[test]
fn inbound_that_was_answered_names_the_host_once() {
    let mut bench = Bench::new(&["203.0.113.9"]);
    bench.tcp("203.0.113.9:50000", "10.0.0.5:443", Contact::Answered);
    assert_eq!(bench.alerts(), ["203.0.113.9 10.0.0.5 contacted 1"]);
}

#[test]
fn resets_and_errors_are_nothing() {
    let mut bench = Bench::new(&["203.0.113.9"]);
    bench.flow("203.0.113.9:0", "10.0.0.5:0", Protocol::ICMP, Contact::ErrorsOnly);
    bench.flow("10.0.0.5:0", "203.0.113.9:0", Protocol::ICMP, Contact::ErrorsOnly);
    assert!(bench.sightings().is_empty());
    assert!(bench.alerts().is_empty());
}

#[test]
fn a_question_from_outside_is_nobody_s_fault_here() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns("203.0.113.200:999", RESOLVER, "evil.no", Some(5), &[]);
    assert_eq!(bench.sightings(), ["evil.no 10.0.0.53:53 blocked evil.no"]);
    assert_eq!(bench.alerts(), ["evil.no - blocked 1"]);
}

#[test]
fn an_indicator_outside_its_validity_matches_nothing() {
    let mut indicator = Indicator::bare(IndicatorId(1), "evil.no".parse().unwrap());
    indicator.validity = Validity { from: Some(second(1)), until: Some(second(2)) };
    let mut bench = Bench::with([indicator].into_iter(), None);
    for _ in 0..3 {
        bench.dns(H, UPSTREAM, "evil.no", Some(3), &[]);
    }
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 blocked 1"], "at second 0 too early, at 1 right, at 2 too late");
}
