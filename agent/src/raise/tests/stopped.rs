//! Look-ups that were stopped: sinkholes, block pages, and what goes on there.

use super::*;

const SINKHOLE: &str = "146.112.61.104:443";

#[test]
fn an_answer_with_sinkholes_alone_is_blocked() {
    for (rcode, addresses, evidence) in [
        (0, &["0.0.0.0"][..], "blocked"),
        (0, &["::"], "blocked"),
        (0, &["127.0.0.1"], "blocked"),
        (0, &["127.255.0.3"], "blocked"),
        (0, &["::1"], "blocked"),
        (0, &["::ffff:0.0.0.0"], "blocked"),
        (0, &["146.112.61.104"], "blocked"),
        (0, &[BLOCK_PAGE], "blocked"),
        (0, &["0.0.0.0", "146.112.61.104", BLOCK_PAGE], "blocked"),
        (0, &["0.0.0.0", "203.0.113.9"], "answered"),
        (0, &["203.0.113.9", "0.0.0.0"], "answered"),
        (0, &["10.0.0.98"], "answered"),
        (0, &["146.112.61.103"], "answered"),
        (0, &["1.0.0.0"], "answered"),
        (0, &["::2"], "answered"),
        (0, &[], "looked_up"),
        (2, &["0.0.0.0"], "looked_up"),
        (3, &["0.0.0.0"], "blocked"),
        (5, &[], "blocked"),
    ] {
        let mut bench = Bench::new(&["evil.no"]);
        let answers: Vec<(&str, &str)> = addresses.iter().map(|address| ("evil.no", *address)).collect();
        bench.dns(H, UPSTREAM, "evil.no", Some(rcode), &answers);
        assert_eq!(bench.alerts(), [format!("evil.no 10.0.0.5 {evidence} 1")], "{rcode} {addresses:?}");
    }
    let mut bench = Bench::new(&["evil.no"]);
    let answers = [("www.evil.no", "evil.no"), ("evil.no", "0.0.0.0")];
    bench.dns(H, UPSTREAM, "www.evil.no", Some(0), &answers);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 blocked 1"], "a listed alias does not undo it");
}

#[test]
fn whoever_reaches_the_sinkhole_has_reached_nobody() {
    for server in [SINKHOLE, "10.0.0.99:443"] {
        let address = server.split(':').next().unwrap();
        let mut bench = Bench::new(&["evil.no"]);
        bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", address)]);
        bench.tcp(H, server, Contact::Answered);
        bench.tcp(H2, server, Contact::Answered);
        let alerts = bench.whole();
        assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), ["evil.no 10.0.0.5 blocked 1"], "{server}");
        assert_eq!(alerts[0].circumstances, Circumstances::default());
        assert!(alerts[0].last_seen > second(1), "the flow belongs to it");
    }
}

#[test]
fn a_hello_to_a_sinkhole_is_blocked_too() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.tls(H, SINKHOLE, Some("evil.no"));
    bench.quic(H2, SINKHOLE, Some("evil.no"));
    assert_eq!(bench.sightings(), ["evil.no 10.0.0.5:40000 blocked evil.no", "evil.no 10.0.0.6:40000 blocked evil.no"]);
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 blocked 1", "evil.no 10.0.0.6 blocked 1"]);
}

#[test]
fn a_listed_address_is_listed_though_it_is_a_sinkhole() {
    let mut bench = Bench::new(&["146.112.61.104"]);
    bench.tcp(H, SINKHOLE, Contact::Answered);
    assert_eq!(bench.alerts(), ["146.112.61.104 10.0.0.5 contacted 1"]);
}

#[test]
fn what_got_through_later_is_no_longer_blocked() {
    let mut bench = Bench::new(&["evil.no"]);
    bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "0.0.0.0")]);
    bench.tls(H, BAD, Some("evil.no"));
    assert_eq!(bench.alerts(), ["evil.no 10.0.0.5 contacted 2"], "by a way around the resolver, which counts");
}
