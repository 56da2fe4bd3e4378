//! Contact by name, and programs told by their fingerprint.

use varde_common::observation::{Hello, HelloTransport, HttpRequest};

use super::*;

pub(super) const JA4: &str = "t13d1516h2_8daaf6152771_e5627efa2ab1";
pub(super) const NO_JA4: &str = "t13d1516h2_8daaf6152771_e5627efa2ab2";
const FRONT: &str = "203.0.113.80:443";

impl Bench {
    pub(super) fn hello(
        &mut self,
        flow: FlowId,
        contact: Contact,
        transport: HelloTransport,
        (client, server): (&str, &str),
        sni: Option<&str>,
        ja4: &str,
    ) {
        let hello = Hello {
            time: self.now,
            client: at(client),
            server: at(server),
            transport,
            sni: sni.map(|sni| crate::hello::server_name(sni.as_bytes()).unwrap()),
            alpn: Vec::new(),
            ja4: Some(ja4.parse().unwrap()),
            ech: false,
            is_cut: false,
        };
        self.now = self.now.plus(Duration::from_secs(1));
        self.raise.handle_hello(0, flow, contact, &hello, self.now);
    }

    /// A flow whose client says hello once it is open, or once it is answered.
    pub(super) fn talk(
        &mut self,
        ends: (&str, &str),
        transport: HelloTransport,
        sni: Option<&str>,
        ja4: &str,
        answered: bool,
    ) {
        self.flow += 1;
        let (flow, began, protocol) = (FlowId(self.flow), self.now, transport.protocol());
        let mut so_far = SoFar { flow, began, contact: Contact::Unanswered, volume: Volume::default() };
        self.step(FlowStep::Opened, ends.0, ends.1, protocol, so_far);
        let is_first = transport == HelloTransport::Quic || !answered;
        if is_first {
            self.hello(flow, so_far.contact, transport, ends, sni, ja4);
        }
        if answered {
            so_far.contact = Contact::Answered;
            self.step(FlowStep::Answered, ends.0, ends.1, protocol, so_far);
        }
        if !is_first {
            self.hello(flow, so_far.contact, transport, ends, sni, ja4);
        }
        self.step(FlowStep::Closed, ends.0, ends.1, protocol, so_far);
    }

    pub(super) fn tls(&mut self, client: &str, server: &str, sni: Option<&str>) -> &mut Bench {
        self.talk((client, server), HelloTransport::Tls, sni, NO_JA4, true);
        self
    }

    pub(super) fn quic(&mut self, client: &str, server: &str, sni: Option<&str>) -> &mut Bench {
        self.talk((client, server), HelloTransport::Quic, sni, NO_JA4, true);
        self
    }

    fn http(&mut self, client: &str, server: &str, host: &str) -> &mut Bench {
        self.flow += 1;
        let (flow, began) = (FlowId(self.flow), self.now);
        let mut so_far = SoFar { flow, began, contact: Contact::Unanswered, volume: Volume::default() };
        self.step(FlowStep::Opened, client, server, Protocol::TCP, so_far);
        so_far.contact = Contact::Answered;
        self.step(FlowStep::Answered, client, server, Protocol::TCP, so_far);
        for _ in 0..2 {
            let (client, server) = (at(client), at(server));
            let host = crate::hello::server_name(host.as_bytes()).unwrap();
            let request = HttpRequest { time: self.now, client, server, host, target_port: None, is_further: false };
            self.raise.handle_http(0, flow, Contact::Answered, &request, self.now);
        }
        self.step(FlowStep::Closed, client, server, Protocol::TCP, so_far);
        self
    }
}

#[test]
fn a_name_in_a_hello_is_contact_that_no_look_up_announced() {
    use HelloTransport::{Quic, Tls};
    for (transport, answered, evidence) in
        [(Tls, true, "contacted"), (Tls, false, "attempted"), (Quic, true, "contacted"), (Quic, false, "attempted")]
    {
        let mut bench = Bench::new(&["evil.no"]);
        bench.talk((H, BAD), transport, Some("a.b.evil.no"), NO_JA4, answered);
        assert_eq!(bench.sightings(), [format!("evil.no 10.0.0.5:40000 {evidence} a.b.evil.no")]);
        let alerts = bench.whole();
        assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), [format!("evil.no 10.0.0.5 {evidence} 1")]);
        assert_eq!((alerts[0].server, alerts[0].protocol), (at(BAD), transport.protocol()));
        assert_eq!(alerts[0].observed.to_string(), "a.b.evil.no");
        assert_eq!(alerts[0].circumstances, Circumstances::default());
    }
    let mut bench = Bench::new(&["evil.no"]);
    bench.http(H, "203.0.113.9:80", "evil.no");
    assert_eq!(bench.sightings(), ["evil.no 10.0.0.5:40000 contacted evil.no"], "two requests on one flow are one");
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 1"]);
}

#[test]
fn names_match_as_in_look_ups_and_a_port_is_the_server_s() {
    for (list, sni, server, matches) in [
        ("evil.no", "evil.no", BAD, true),
        ("evil.no", "www.evil.no", BAD, true),
        ("evil.no", "notevil.no", BAD, false),
        ("evil.no", "evil.no.com", BAD, false),
        ("evil.no", "evi1.no", BAD, false),
        ("a.evil.no", "b.evil.no", BAD, false),
        ("a.evil.no", "evil.no", BAD, false),
        ("=www.evil.no", "www.evil.no", BAD, true),
        ("=www.evil.no", "evil.no", BAD, false),
        ("=www.evil.no", "a.www.evil.no", BAD, false),
        ("evil.no:443", "evil.no", BAD, true),
        ("evil.no:8443", "evil.no", BAD, false),
        ("evil.no:8443", "evil.no", "203.0.113.9:8443", true),
    ] {
        let mut bench = Bench::new(&[list]);
        bench.tls(H, server, Some(sni)).quic(H, server, Some(sni)).http(H, server, sni);
        assert_eq!(bench.sightings().len(), if matches { 3 } else { 0 }, "{list} {sni} {server}");
        assert_eq!(bench.alerts().len(), usize::from(matches), "{list} {sni} {server}");
    }
    let mut bench = Bench::new(&["evil.no"]);
    bench.tls(H, BAD, None);
    assert!(bench.alerts().is_empty());
}

#[test]
fn an_address_where_a_name_belongs_is_held_against_addresses() {
    for (list, said, matches) in [
        ("203.0.113.66", "203.0.113.66", true),
        ("203.0.113.64/28", "203.0.113.66", true),
        ("203.0.113.66:443", "203.0.113.66", true),
        ("203.0.113.66:80", "203.0.113.66", false),
        ("203.0.113.67", "203.0.113.66", false),
        ("2001:db8::66", "2001:db8::66", true),
        ("2001:db8::66", "[2001:DB8::66]", true),
        ("evil.no", "evil.no:443", false),
    ] {
        let mut bench = Bench::new(&[list]);
        bench.tls(H, FRONT, Some(said)).quic(H, FRONT, Some(said));
        assert_eq!(bench.sightings().len(), if matches { 2 } else { 0 }, "{list} {said}");
        assert_eq!(bench.alerts().len(), usize::from(matches), "{list} {said}");
    }
    let mut bench = Bench::new(&["203.0.113.66"]);
    bench.http(H, FRONT, "203.0.113.66");
    assert_eq!(bench.sightings(), ["203.0.113.66 10.0.0.5:40000 attempted 203.0.113.66"]);
    // A flow whose own address is met by the same indicator is told of once.
    let mut bench = Bench::new(&["203.0.113.0/24"]);
    bench.tls(H, FRONT, Some("203.0.113.66")).tls(H, FRONT, Some("203.0.113.80"));
    assert_eq!(bench.sightings().len(), 2);
    // One that is knocked at from outside gives no address of its own will.
    let mut bench = Bench::new(&["203.0.113.66"]);
    bench.tls("198.51.100.9:40000", "10.0.0.5:443", Some("203.0.113.66"));
    assert!(bench.sightings().is_empty());
}

#[test]
fn a_hello_after_a_look_up_is_a_sighting_and_counts_no_more() {
    let look_up = |bench: &mut Bench, client: &str| {
        bench.dns(client, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    };
    for server in [BAD, "203.0.113.77:443"] {
        let mut bench = Bench::new(&["evil.no"]);
        look_up(&mut bench, H);
        bench.tls(H, server, Some("evil.no"));
        bench.quic(H, server, Some("evil.no"));
        let expected = ["answered", "contacted", "contacted"].map(|e| format!("evil.no 10.0.0.5:40000 {e} evil.no"));
        assert_eq!(bench.sightings(), expected, "{server}");
        assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 1"], "{server}");
    }
    let mut bench = Bench::new(&["evil.no"]);
    look_up(&mut bench, H2);
    bench.tls(H, BAD, Some("evil.no"));
    bench.tls(H, BAD, Some("evil.no"));
    let alerts = bench.whole();
    let host = alerts.iter().find(|alert| alert.key.client == Some("10.0.0.5".parse().unwrap())).unwrap();
    assert_eq!(line(host), "evil.no 10.0.0.5 contacted 1", "the flow counted when the alert was opened");
    assert!(host.circumstances.looked_up_by_other);
    let mut bench = Bench::new(&["evil.no"]);
    look_up(&mut bench, H);
    bench.now = second(60 + 600 + 2);
    for _ in 0..3 {
        bench.tls(H, BAD, Some("evil.no"));
    }
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 4"], "the answer holds no longer: each is one of its own");
    let mut bench = Bench::new(&["evil.no"]);
    bench.tls(H, BAD, Some("evil.no"));
    look_up(&mut bench, H);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 2"], "it did not follow");
}

#[test]
fn by_name_is_certain_on_a_shared_address_too() {
    for order in [[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]] {
        let mut bench = Bench::new(&["evil.no"]);
        for what in order {
            match what {
                0 => bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]),
                1 => bench.dns(H2, UPSTREAM, "innocent.no", Some(0), &[("innocent.no", "203.0.113.9")]),
                2 => bench.tcp(H, BAD, Contact::Answered),
                _ => bench.tls(H, BAD, Some("evil.no")),
            };
        }
        bench.tcp(H2, BAD, Contact::Answered);
        let alerts = bench.whole();
        assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), ["evil.no 10.0.0.5 contacted 1"], "{order:?}");
        assert_eq!(alerts[0].circumstances, Circumstances::default(), "{order:?}");
    }
}

#[test]
fn an_unlisted_name_in_a_hello_shows_that_the_address_is_shared() {
    type Say = fn(&mut Bench, &str, &str);
    let says: [Say; 3] = [
        |bench, client, server| _ = bench.tls(client, server, Some("innocent.no")),
        |bench, client, server| _ = bench.quic(client, server, Some("innocent.no")),
        |bench, client, server| _ = bench.http(client, server, "innocent.no"),
    ];
    for say in says {
        let mut bench = Bench::new(&["evil.no"]);
        say(&mut bench, H2, BAD);
        bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
        bench.tcp(H, BAD, Contact::Answered);
        say(&mut bench, H2, BAD);
        bench.tcp("10.0.0.7:1", BAD, Contact::Answered);
        let alerts = bench.whole();
        assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), ["evil.no 10.0.0.5 answered 1"]);
        assert!(alerts[0].circumstances.possible_contact);
    }
    // A hello that names nobody, or something listed, or comes from outside, shows nothing of the kind.
    let mut bench = Bench::new(&["evil.no", "other.no"]);
    bench.tls(H2, BAD, None).tls("203.0.113.9:7", H2, Some("innocent.no")).tls("10.0.0.8:1", BAD, Some("other.no"));
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    bench.tcp(H, BAD, Contact::Answered);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 1", "other.no 10.0.0.8 contacted 1"]);
}

#[test]
fn a_hello_explains_no_address_an_answer_does() {
    let mut bench = Bench::new(&["evil.no"]);
    let address = at(BAD).ip();
    bench.tls(H, BAD, Some("innocent.no")).tls(H, BAD, Some("evil.no"));
    assert!(!bench.raise.explains(address, bench.now), "no look-up was seen: a blind spot");
    bench.dns(H, UPSTREAM, "innocent.no", Some(0), &[("innocent.no", "203.0.113.9")]);
    assert!(bench.raise.explains(address, bench.now));
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.10")]);
    assert!(bench.raise.explains("203.0.113.10".parse().unwrap(), bench.now));
}

#[test]
fn a_name_from_outside_is_nobody_s_fault_here() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.tls("198.51.100.7:5000", "10.0.0.5:443", Some("evil.no"));
    bench.quic("198.51.100.7:5000", "10.0.0.5:443", Some("evil.no"));
    bench.http("198.51.100.7:5000", "10.0.0.5:80", "evil.no");
    assert!(bench.sightings().is_empty());
    assert!(bench.alerts().is_empty());
    let mut bench = Bench::new(&["evil.no", "198.51.100.7"]);
    bench.tls("198.51.100.7:5000", "10.0.0.5:443", Some("evil.no"));
    assert_eq!(bench.alerts(), ["198.51.100.7 10.0.0.5 contacted 1"], "the address is listed, the name is no matter");
}

#[test]
fn through_a_proxy_of_ours_it_is_an_attempt_and_the_proxy_s_own_hello_is_contact() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.http(H, "10.0.0.80:3128", "evil.no");
    bench.tls("10.0.0.80:40000", BAD, Some("evil.no"));
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 attempted 1", "evil.no 10.0.0.80 contacted 1"]);
    // Whatever the proxy is, it is not named outside.
    let mut bench = Bench::new(&["evil.no"]);
    bench.raise.fold = Fold::new(false);
    bench.http(H, "10.0.0.80:3128", "evil.no");
    let Some(Statement::Opened { body, .. }) = bench.raise.poll_statement() else { panic!("no alert") };
    assert_eq!((body.seen_at.server, body.evidence), (None, Evidence::Attempted));
}

#[test]
fn a_program_is_told_by_all_of_its_fingerprint() {
    let list = [format!("ja4:{JA4}")];
    let list = [list[0].as_str()];
    for (ja4, matches) in [
        (JA4, true),
        (NO_JA4, false),
        ("t13d1516h2_8daaf6152770_e5627efa2ab1", false),
        ("t13d1517h2_8daaf6152771_e5627efa2ab1", false),
        ("q13d1516h2_8daaf6152771_e5627efa2ab1", false),
        ("t13d1516h3_8daaf6152771_e5627efa2ab1", false),
    ] {
        let mut bench = Bench::new(&list);
        bench.talk((H, FRONT), HelloTransport::Tls, Some("innocent.no"), ja4, true);
        let expected = format!("ja4:{JA4} 10.0.0.5:40000 contacted {JA4}");
        assert_eq!(bench.sightings(), if matches { vec![expected] } else { vec![] }, "{ja4}");
        let expected = format!("ja4:{JA4} 10.0.0.5 contacted 1");
        assert_eq!(bench.alerts(), if matches { vec![expected] } else { vec![] }, "{ja4}");
    }
}

#[test]
fn a_program_that_knocks_from_outside_is_one_alert_without_a_host() {
    let list = [format!("ja4:{JA4}")];
    let mut bench = Bench::new(&[list[0].as_str()]);
    for (client, server, answered) in [
        ("198.51.100.7:5000", "10.0.0.5:443", false),
        ("198.51.100.8:5000", "10.0.0.6:443", true),
        ("198.51.100.8:5001", "10.0.0.6:443", true),
    ] {
        bench.talk((client, server), HelloTransport::Tls, None, JA4, answered);
    }
    assert_eq!(bench.sightings()[0], format!("ja4:{JA4} 10.0.0.5:443 attempted {JA4}"));
    assert_eq!(bench.alerts(), [format!("ja4:{JA4} - contacted 3")]);
}

#[test]
fn each_indicator_of_one_flow_is_told_once() {
    let ja4 = format!("ja4:{JA4}");
    let mut bench = Bench::new(&["evil.no", "=www.evil.no", &ja4, "203.0.113.9", "evil.no:443", "evil.no:444"]);
    let ends = (H, BAD);
    bench.flow += 1;
    let mut so_far =
        SoFar { flow: FlowId(1), began: second(0), contact: Contact::Unanswered, volume: Volume::default() };
    bench.step(FlowStep::Opened, H, BAD, Protocol::UDP, so_far);
    // The same again, as after a retry; and another name of the same domain.
    bench.hello(FlowId(1), Contact::Unanswered, HelloTransport::Quic, ends, Some("www.evil.no"), JA4);
    bench.hello(FlowId(1), Contact::Unanswered, HelloTransport::Quic, ends, Some("www.evil.no"), JA4);
    so_far.contact = Contact::Answered;
    bench.step(FlowStep::Answered, H, BAD, Protocol::UDP, so_far);
    bench.hello(FlowId(1), Contact::Answered, HelloTransport::Quic, ends, Some("other.evil.no"), JA4);
    bench.step(FlowStep::Closed, H, BAD, Protocol::UDP, so_far);
    let mut sightings = bench.sightings();
    sightings.sort();
    let expected = ["203.0.113.9", "evil.no", "evil.no:443", &ja4, "www.evil.no"];
    let seen = ["203.0.113.9", "www.evil.no", "www.evil.no", JA4, "www.evil.no"];
    let lines = expected.iter().zip(seen).map(|(e, s)| format!("{e} 10.0.0.5:40000 contacted {s}"));
    assert_eq!(sightings, lines.collect::<Vec<_>>());
    assert_eq!(bench.alerts(), expected.map(|e| format!("{e} 10.0.0.5 contacted 1")));
}

#[test]
fn it_does_not_matter_whether_the_hello_or_the_answer_comes_first() {
    for announced in [false, true] {
        let mut results = Vec::new();
        for quic in [false, true] {
            let mut bench = Bench::new(&["evil.no"]);
            if announced {
                bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
            }
            for _ in 0..5 {
                if quic {
                    bench.quic(H, BAD, Some("evil.no"))
                } else {
                    bench.tls(H, BAD, Some("evil.no"))
                };
            }
            let lines = bench.sightings();
            let alerts = bench.whole();
            results.push((lines, alerts.iter().map(line).collect::<Vec<_>>(), alerts[0].contacts_told()));
        }
        assert_eq!(results[0], results[1], "{announced}");
        assert_eq!(results[0].2, 5, "each flow is one contact to reckon from");
    }
}

#[test]
fn a_resolver_s_own_hello_is_a_host_s_contact() {
    let resolver = vec!["10.0.0.53".parse().unwrap()];
    let list = [Indicator::bare(IndicatorId(1), "evil.no".parse().unwrap())];
    let mut bench = Bench::with(list.into_iter(), Some(resolver));
    bench.dns(RESOLVER_OUT, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
    bench.tls(RESOLVER_OUT, "203.0.113.9:853", Some("evil.no"));
    let alerts = bench.whole();
    assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), ["evil.no 10.0.0.53 contacted 1"]);
    assert!(!alerts[0].circumstances.by_resolver);
}

#[test]
fn a_hello_outside_the_indicator_s_time_matches_nothing() {
    let mut indicator = Indicator::bare(IndicatorId(1), "evil.no".parse().unwrap());
    indicator.validity = Validity { from: None, until: Some(second(3)) };
    let mut bench = Bench::with([indicator].into_iter(), None);
    for _ in 0..3 {
        bench.tls(H, BAD, Some("evil.no"));
    }
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 1"]);
}

#[test]
fn what_is_open_at_the_end_is_told() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.hello(FlowId(1), Contact::Answered, HelloTransport::Tls, (H, BAD), Some("evil.no"), JA4);
    assert!(bench.sightings().is_empty(), "how far it gets is not known yet");
    bench.raise.close_all();
    assert_eq!(bench.sightings(), ["evil.no 10.0.0.5:40000 contacted evil.no"]);
}

#[test]
fn s4_a_flood_of_hellos_is_told_whole_and_stays_within_its_table() {
    let mut bench = Bench::new(&["evil.no"]);
    let count = crate::limits::WATCHED_FLOWS_MAX + 100;
    for n in 0..count {
        let flow = FlowId(n as u64);
        bench.hello(flow, Contact::Unanswered, HelloTransport::Quic, (H, BAD), Some("evil.no"), NO_JA4);
    }
    assert_eq!(bench.raise.evicted(), Evicted { watched: 100, ..Evicted::default() });
    assert_eq!(bench.alerts(), [format!("evil.no 10.0.0.5 attempted {count}")]);
    assert_eq!(bench.sightings().len(), count);
}

#[test]
fn a_hello_that_is_cut_is_contact_by_name_all_the_same() {
    let mut bench = Bench::new(&["evil.no"]);
    let hello = Hello {
        time: bench.now,
        client: at(H),
        server: at(FRONT),
        transport: HelloTransport::Tls,
        sni: Some(name("evil.no").into()),
        alpn: Vec::new(),
        ja4: None,
        ech: false,
        is_cut: true,
    };
    bench.raise.handle_hello(0, FlowId(1), Contact::Answered, &hello, bench.now);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 1"]);
}
