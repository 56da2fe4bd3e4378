//! What a proxy is asked for: names and addresses behind it, with their ports.

use varde_common::observation::{HttpRequest, ServerName};

use super::*;

impl Bench {
    /// A flow on which a client asks another for an address.
    fn proxy(&mut self, client: &str, server: &str, target: &str, times: usize) -> &mut Bench {
        self.flow += 1;
        let (flow, began) = (FlowId(self.flow), self.now);
        let so_far = SoFar { flow, began, contact: Contact::Answered, volume: Volume::default() };
        self.step(FlowStep::Opened, client, server, Protocol::TCP, so_far);
        self.step(FlowStep::Answered, client, server, Protocol::TCP, so_far);
        let (client_end, server_end, target) = (at(client), at(server), at(target));
        let request = HttpRequest {
            time: self.now,
            client: client_end,
            server: server_end,
            host: ServerName::Address(target.ip()),
            target_port: Some(target.port()),
            is_further: false,
        };
        for _ in 0..times {
            self.raise.handle_http(0, flow, Contact::Answered, &request, self.now);
        }
        self.step(FlowStep::Closed, client, server, Protocol::TCP, so_far);
        self
    }
}

#[test]
fn an_address_asked_of_a_proxy_is_matched_with_its_port_as_an_attempt() {
    let list = ["203.0.113.9", "203.0.113.9:443", "203.0.113.9:8080", "198.51.100.0/24", "2001:db8::9"];
    for (target, met) in [
        ("203.0.113.9:443", vec!["203.0.113.9", "203.0.113.9:443"]),
        ("203.0.113.9:80", vec!["203.0.113.9"]),
        ("198.51.100.7:80", vec!["198.51.100.0/24"]),
        ("[2001:db8::9]:443", vec!["2001:db8::9"]),
        ("[::ffff:203.0.113.9]:80", vec!["203.0.113.9"]),
        ("203.0.113.10:443", vec![]),
    ] {
        let mut bench = Bench::new(&list);
        bench.proxy(H, "10.0.0.80:3128", target, 3);
        let shown = at(target).ip();
        let lines: Vec<_> = met.iter().map(|met| format!("{met} 10.0.0.5:40000 attempted {shown}")).collect();
        let mut sightings = bench.sightings();
        sightings.sort();
        assert_eq!(sightings, lines, "{target}");
        assert_eq!(bench.alerts(), met.iter().map(|met| format!("{met} 10.0.0.5 attempted 1")).collect::<Vec<_>>());
    }
    // What an outside client asks of a server of ours says nothing about our hosts.
    let mut bench = Bench::new(&list);
    bench.proxy("192.0.2.7:5000", "10.0.0.80:3128", "203.0.113.9:443", 1);
    assert!(bench.sightings().is_empty() && bench.alerts().is_empty());
    // Asked of the address itself, or of another in the same network, it is the flow that counts, once.
    for server in ["203.0.113.9:80", "198.51.100.7:80"] {
        let mut bench = Bench::new(&["203.0.113.9", "198.51.100.0/24"]);
        bench.proxy(H, server, if server.starts_with("203") { "203.0.113.9:80" } else { "198.51.100.9:80" }, 1);
        assert_eq!(bench.sightings().len(), 1, "{server}");
        assert!(bench.alerts()[0].ends_with("10.0.0.5 contacted 1"), "{server}");
    }
}

#[test]
fn a_name_asked_of_a_proxy_is_matched_with_the_port_it_is_asked_for() {
    for (pattern, target_port, matches) in [
        ("evil.no:443", Some(443), true),
        ("evil.no:443", Some(80), false),
        ("evil.no:3128", Some(80), true),
        ("evil.no:443", None, false),
        ("evil.no", Some(443), true),
    ] {
        let mut bench = Bench::new(&[pattern]);
        let (client, server) = (at(H), at("10.0.0.80:3128"));
        let request = HttpRequest {
            time: bench.now,
            client,
            server,
            host: name("evil.no").into(),
            target_port,
            is_further: false,
        };
        bench.raise.handle_http(0, FlowId(1), Contact::Answered, &request, bench.now);
        assert_eq!(bench.alerts().len(), usize::from(matches), "{pattern} {target_port:?}");
    }
}
