//! Promise: what only looks like an indicator raises nothing, and what got only so far is said to have got only so far.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use varde_common::time::Timestamp;
use varde_tests::capture::{self, Format};
use varde_tests::programs::{Which, run};
use varde_tests::traffic::dns::{Answer, Data, Question, rcode, rtype};
use varde_tests::traffic::{Outcome, PAGE, Reception, Traffic};

const HOST: &str = "10.1.0.20:40000";
const RESOLVER: &str = "10.1.0.53:53";

/// The alerts `inspect` raises, as (indicator, observed, evidence, client, direction), sorted.
type Alerts = Vec<(String, String, String, String, String)>;

fn inspect(folder: &Path, list: &str, traffic: &Traffic) -> Result<Vec<Value>> {
    let (file, indicators) = (folder.join("traffic.pcap"), folder.join("list.txt"));
    capture::write(&file, Format::USUAL, &traffic.packets)?;
    std::fs::write(&indicators, list)?;
    let arguments = ["inspect", "--json", "--inside", "10.0.0.0/8", "--inside", "fd00::/8", "--resolver", "10.1.0.53"];
    let mut arguments: Vec<std::ffi::OsString> = arguments.map(Into::into).into();
    arguments.extend(["--indicators".into(), indicators.into_os_string(), file.into_os_string()]);
    run(Which::Agent, arguments)?.ok()?.json()
}

fn alerts(list: &str, make: impl FnOnce(&mut Traffic)) -> Result<Alerts> {
    let folder = tempfile::tempdir()?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    make(&mut traffic);
    let read = |alert: &Value| {
        let field = |key: &str| match &alert[key] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (field("indicator"), field("observed"), field("evidence"), field("client"), field("direction"))
    };
    let mut alerts: Alerts = inspect(folder.path(), list, &traffic)?.iter().map(read).collect();
    alerts.sort();
    Ok(alerts)
}

fn ask(traffic: &mut Traffic, name: &str, outcome: Outcome) -> Result<()> {
    let question = Question { id: traffic.packets.len() as u16 + 1, name, qtype: rtype::A };
    traffic.lookup(HOST.parse()?, RESOLVER.parse()?, question, &outcome);
    Ok(())
}

fn address(name: &str, address: &str) -> Result<Outcome> {
    Ok(Outcome::address(name, address.parse()?))
}

fn evidence(alerts: &Alerts) -> Vec<(&str, &str)> {
    alerts.iter().map(|(indicator, _, evidence, ..)| (indicator.as_str(), evidence.as_str())).collect()
}

#[test]
fn look_alike_and_sibling_names_raise_nothing() -> Result<()> {
    let list = "vond.example\n=www.snever.example\n";
    let found = alerts(list, |traffic| {
        for name in [
            "notvond.example",
            "vond.example.com",
            "vond-example.org",
            "vond.examples",
            "example",
            "snever.example",
            "mail.snever.example",
            "a.www.snever.example",
            "wwww.snever.example",
        ] {
            let outcome = Outcome::address(name, [198, 51, 100, 9].into());
            let question = Question { id: 7, name, qtype: rtype::A };
            traffic.lookup(
                SocketAddr::from(([10, 1, 0, 20], 40_000)),
                SocketAddr::from(([10, 1, 0, 53], 53)),
                question,
                &outcome,
            );
        }
    })?;
    assert_eq!(found, []);
    Ok(())
}

#[test]
fn the_name_itself_and_all_below_it_are_found_in_any_case() -> Result<()> {
    for name in ["vond.example", "VOND.eXample", "a.b.vond.example"] {
        let found = alerts("vond.example\n", |traffic| {
            let question = Question { id: 7, name, qtype: rtype::A };
            let outcome = Outcome::address(name, [198, 51, 100, 9].into());
            traffic.lookup(
                SocketAddr::from(([10, 1, 0, 20], 40_000)),
                SocketAddr::from(([10, 1, 0, 53], 53)),
                question,
                &outcome,
            );
        })?;
        let expected = ("vond.example", name.to_lowercase(), "answered", "10.1.0.20", "outbound");
        let (a, b, c, d, e) = found.first().context("no alert")?;
        assert_eq!((a.as_str(), b.clone(), c.as_str(), d.as_str(), e.as_str()), expected);
        assert_eq!(found.len(), 1);
    }
    Ok(())
}

#[test]
fn how_far_a_lookup_got_is_how_the_resolver_answered() -> Result<()> {
    let table: [(Outcome, &str); 7] = [
        (Outcome::Code(rcode::NXDOMAIN), "blocked"),
        (Outcome::Code(rcode::REFUSED), "blocked"),
        (Outcome::Code(rcode::SERVFAIL), "looked_up"),
        (Outcome::Code(rcode::NOERROR), "looked_up"),
        (Outcome::Nothing, "looked_up"),
        (
            Outcome::Answers(vec![Answer { name: "vond.example".into(), ttl_s: 9, data: Data::Txt("x".into()) }]),
            "looked_up",
        ),
        (address("vond.example", "198.51.100.9")?, "answered"),
    ];
    for (outcome, expected) in table {
        let mut result = Ok(());
        let found = alerts("vond.example\n", |traffic| result = ask(traffic, "vond.example", outcome.clone()))?;
        result?;
        assert_eq!(evidence(&found), [("vond.example", expected)], "{outcome:?}");
    }
    Ok(())
}

#[test]
fn a_listed_alias_target_counts_as_answered() -> Result<()> {
    let found = alerts("vond.example\n", |traffic| {
        let outcome = Outcome::alias("www.butikk.example", "kant.vond.example", [198, 51, 100, 9].into());
        let _ = ask(traffic, "www.butikk.example", outcome);
    })?;
    assert_eq!(evidence(&found), [("vond.example", "answered")]);
    assert_eq!(found.first().map(|alert| alert.1.as_str()), Some("kant.vond.example"));
    Ok(())
}

#[test]
fn how_far_a_flow_got_is_how_the_other_end_answered() -> Result<()> {
    let (host, server) = (HOST.parse()?, "203.0.113.77:443".parse()?);
    type Act = Box<dyn Fn(&mut Traffic)>;
    let table: [(&str, Act); 7] = [
        ("contacted", Box::new(move |traffic| traffic.connect(host, server, PAGE))),
        ("attempted", Box::new(move |traffic| traffic.connect(host, server, Reception::Silent))),
        ("attempted", Box::new(move |traffic| traffic.connect(host, server, Reception::Refuses))),
        ("contacted", Box::new(move |traffic| traffic.datagrams(host, server, 1, 1))),
        ("attempted", Box::new(move |traffic| traffic.datagrams(host, server, 2, 0))),
        ("contacted", Box::new(move |traffic| traffic.ping(host.ip(), server.ip(), 3, true))),
        ("attempted", Box::new(move |traffic| traffic.ping(host.ip(), server.ip(), 3, false))),
    ];
    for (index, (expected, make)) in table.into_iter().enumerate() {
        let found = alerts("203.0.113.77\n", |traffic| make(traffic))?;
        assert_eq!(evidence(&found), [("203.0.113.77", expected)], "row {index}");
    }
    Ok(())
}

#[test]
fn the_connection_after_a_lookup_raises_that_alert() -> Result<()> {
    let mut result = Ok(());
    let found = alerts("vond.example\n", |traffic| {
        result = address("vond.example", "198.51.100.9").and_then(|outcome| ask(traffic, "vond.example", outcome));
        traffic.connect(SocketAddr::from(([10, 1, 0, 20], 41_000)), SocketAddr::from(([198, 51, 100, 9], 443)), PAGE);
    })?;
    result?;
    assert_eq!(evidence(&found), [("vond.example", "contacted")]);
    Ok(())
}

#[test]
fn contact_with_an_address_that_unlisted_names_share_stays_answered() -> Result<()> {
    let shared = "198.51.100.80";
    let found = alerts("vond.example\n", |traffic| {
        for name in ["butikk.example", "vond.example"] {
            let _ = address(name, shared).and_then(|outcome| ask(traffic, name, outcome));
        }
        traffic.connect(SocketAddr::from(([10, 1, 0, 20], 41_000)), SocketAddr::from(([198, 51, 100, 80], 443)), PAGE);
    })?;
    assert_eq!(evidence(&found), [("vond.example", "answered")]);
    Ok(())
}

#[test]
fn one_beyond_a_network_and_another_port_raise_nothing() -> Result<()> {
    let list = "203.0.113.0/25\n[2001:db8:5::/64]:443\n198.51.100.20:8443\n";
    let reach = |server: &str| -> Result<Alerts> {
        let server: SocketAddr = server.parse()?;
        let host: SocketAddr = if server.is_ipv4() { HOST } else { "[fd00:1::20]:40000" }.parse()?;
        alerts(list, |traffic| traffic.connect(host, server, PAGE))
    };
    for inside in ["203.0.113.0:443", "203.0.113.127:80", "[2001:db8:5::ffff]:443", "198.51.100.20:8443"] {
        assert_eq!(reach(inside)?.len(), 1, "{inside}");
    }
    let outside = [
        "203.0.113.128:443",
        "203.0.112.255:443",
        "[2001:db8:5:1::]:443",
        "[2001:db8:5::1]:80",
        "198.51.100.20:443",
        "198.51.100.21:8443",
    ];
    for outside in outside {
        assert_eq!(reach(outside)?, [], "{outside}");
    }
    Ok(())
}

#[test]
fn a_name_with_a_port_is_not_contacted_at_another_port() -> Result<()> {
    for (port, contacted) in [(8443, true), (443, false)] {
        let found = alerts("vond.example:8443\n", |traffic| {
            let _ = address("vond.example", "198.51.100.9").and_then(|outcome| ask(traffic, "vond.example", outcome));
            traffic.connect(
                SocketAddr::from(([10, 1, 0, 20], 41_000)),
                SocketAddr::from(([198, 51, 100, 9], port)),
                PAGE,
            );
        })?;
        assert_eq!(found.iter().any(|alert| alert.2 == "contacted"), contacted, "{port}: {found:?}");
    }
    Ok(())
}

#[test]
fn a_scan_from_outside_names_no_host_and_got_nowhere() -> Result<()> {
    let found = alerts("203.0.113.5\n", |traffic| {
        for (host, reception) in [(20, Reception::Silent), (21, Reception::Refuses), (22, Reception::Silent)] {
            let scanner = SocketAddr::from(([203, 0, 113, 5], 51_000 + host));
            traffic.connect(scanner, SocketAddr::from(([10, 1, 0, host as u8], 445)), reception);
        }
    })?;
    let [(indicator, _, evidence, client, direction)] = found.as_slice() else {
        anyhow::bail!("one alert for the whole scan, not {found:?}");
    };
    assert_eq!((indicator.as_str(), evidence.as_str()), ("203.0.113.5", "attempted"));
    assert_eq!((client.as_str(), direction.as_str()), ("null", "inbound"));
    Ok(())
}

#[test]
fn what_the_resolver_asks_for_others_makes_no_second_victim() -> Result<()> {
    let found = alerts("vond.example\n", |traffic| {
        let outcome = Outcome::address("vond.example", [198, 51, 100, 9].into());
        let upstream = SocketAddr::from(([192, 0, 2, 53], 53));
        let question = Question { id: 900, name: "vond.example", qtype: rtype::A };
        traffic.lookup(SocketAddr::from(([10, 1, 0, 53], 33_000)), upstream, question, &outcome);
        let _ = ask(traffic, "vond.example", outcome);
        traffic.wait(Duration::from_millis(5));
        traffic.connect(SocketAddr::from(([10, 1, 0, 20], 41_000)), SocketAddr::from(([198, 51, 100, 9], 443)), PAGE);
    })?;
    let reached: Vec<&str> =
        found.iter().filter(|alert| alert.2 == "contacted").map(|alert| alert.3.as_str()).collect();
    assert_eq!(reached, ["10.1.0.20"], "{found:?}");
    Ok(())
}

#[test]
fn a_resolver_that_asks_the_listed_name_s_own_server_is_no_victim_over_udp_or_tcp() -> Result<()> {
    for over_tcp in [false, true] {
        let found = alerts("vond.example\n", |traffic| {
            let resolver = SocketAddr::from(([10, 1, 0, 53], 33_000));
            let (registry, own) = (SocketAddr::from(([192, 0, 2, 53], 53)), SocketAddr::from(([198, 51, 100, 8], 53)));
            // The mirror stands outside: first its name server's address, then the name itself, asked there.
            let steps = [(registry, "ns.vond.example", [198, 51, 100, 8]), (own, "vond.example", [198, 51, 100, 9])];
            for (index, (server, name, address)) in steps.into_iter().enumerate() {
                let question = Question { id: 900 + index as u16, name, qtype: rtype::A };
                let outcome = Outcome::address(name, address.into());
                if over_tcp {
                    traffic.lookup_tcp(resolver, server, question, &outcome, 20);
                } else {
                    traffic.lookup(resolver, server, question, &outcome);
                }
            }
            let (host, bad) = (SocketAddr::from(([10, 1, 0, 20], 41_000)), SocketAddr::from(([198, 51, 100, 9], 443)));
            traffic.connect(host, bad, PAGE);
        })?;
        let clients: Vec<(&str, &str)> = found.iter().map(|alert| (alert.2.as_str(), alert.3.as_str())).collect();
        assert_eq!(clients, [("contacted", "10.1.0.20")], "over TCP: {over_tcp}: {found:?}");
    }
    Ok(())
}

#[test]
fn an_alias_the_resolver_has_to_ask_for_by_itself_still_leads_to_the_host() -> Result<()> {
    for sees_the_host_ask in [false, true] {
        let found = alerts("vond.example\n", |traffic| {
            let resolver = SocketAddr::from(([10, 1, 0, 53], 33_000));
            let alias = Answer { name: "vond.example".into(), ttl_s: 60, data: Data::Cname("kant.example".into()) };
            let steps = [
                ("vond.example", Outcome::Answers(vec![alias])),
                ("kant.example", Outcome::address("kant.example", [198, 51, 100, 9].into())),
            ];
            for (index, (name, outcome)) in steps.iter().enumerate() {
                let server = SocketAddr::from(([192, 0, 2, 53 + index as u8], 53));
                let question = Question { id: 900 + index as u16, name, qtype: rtype::A };
                traffic.lookup(resolver, server, question, outcome);
            }
            if sees_the_host_ask {
                let whole = Outcome::alias("vond.example", "kant.example", [198, 51, 100, 9].into());
                let _ = ask(traffic, "vond.example", whole);
            }
            let (host, bad) = (SocketAddr::from(([10, 1, 0, 20], 41_000)), SocketAddr::from(([198, 51, 100, 9], 443)));
            traffic.connect(host, bad, PAGE);
        })?;
        let clients: Vec<(&str, &str)> = found.iter().map(|alert| (alert.2.as_str(), alert.3.as_str())).collect();
        assert_eq!(clients, [("contacted", "10.1.0.20")], "{found:?}");
    }
    Ok(())
}

#[test]
fn a_flow_older_than_the_answer_is_no_contact_however_long_it_lasts() -> Result<()> {
    let found = alerts("vond.example\n", |traffic| {
        let (other, server) = (SocketAddr::from(([10, 1, 0, 30], 50_000)), SocketAddr::from(([198, 51, 100, 9], 443)));
        for minute in 0..70 {
            traffic.datagrams(other, server, 1, 1);
            if minute == 1 {
                let _ = address("vond.example", "198.51.100.9").and_then(|found| ask(traffic, "vond.example", found));
            }
            traffic.wait(Duration::from_secs(60));
        }
    })?;
    assert_eq!(evidence(&found), [("vond.example", "answered")], "{found:?}");
    Ok(())
}

#[test]
fn pings_that_cross_answer_nobody() -> Result<()> {
    let found = alerts("203.0.113.77\n", |traffic| {
        let (host, server) = ([10, 1, 0, 20].into(), [203, 0, 113, 77].into());
        traffic.ping(host, server, 3, false);
        traffic.ping(server, host, 4, false);
        traffic.ping(host, server, 5, false);
    })?;
    assert_eq!(evidence(&found), [("203.0.113.77", "attempted")]);
    Ok(())
}
