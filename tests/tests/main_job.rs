//! The main job, on real packets: a client, a real resolver and a mirror in network namespaces; `dig` and `curl` over UDP
//! and TCP, IPv4 and IPv6; a live agent sees them; two members make it a campaign in the list and on the page.
//!
//! The mirror is the router's own interface: the one towards the clients stands *inside* the resolver, the one towards
//! the internet *outside* it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, Running, Said, eventually, said};

const MEMBERS: [(&str, &str); 2] = [("3407", "Gjøvik"), ("3403", "Hamar")];
/// Listed, and where the internet says they are.
const NAMES: [(&str, &str, &str); 3] = [
    ("vond-udp.example", "A", "198.51.100.81"),
    ("vond-tcp.example", "A", "198.51.100.82"),
    ("vond-seks.example", "AAAA", "2001:db8:51::83"),
];
const UNLISTED: (&str, &str) = ("snill.example", "198.51.100.90");
const UPSTREAM: &str = "198.51.100.53";
const COLLECTOR: &str = "192.0.2.10";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mirror {
    Inside,
    Outside,
}

/// The internet: a web server at every address, an authoritative resolver, the collector's address.
struct Internet {
    namespace: Namespace,
    _running: Vec<Running>,
}

fn unbound(namespace: &Namespace, folder: &Path, name: &str, settings: &str) -> Result<Running> {
    let config = folder.join(format!("{name}.conf"));
    let directory = folder.display();
    std::fs::write(
        &config,
        format!(
            "server:\n  directory: \"{directory}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  \
             do-daemonize: no\n  module-config: \"iterator\"\n  verbosity: 1\n  access-control: 0.0.0.0/0 allow\n  \
             access-control: ::/0 allow\n{settings}\nremote-control:\n  control-enable: no\n"
        ),
    )?;
    let mut command = namespace.command("unbound");
    command.arg("-d").arg("-c").arg(&config);
    Running::start(command, &folder.join(format!("{name}.log")))
}

/// The names as local zones of an Unbound.
fn zones() -> String {
    let zone = |(name, rtype, address): (&str, &str, &str)| {
        format!("  local-zone: \"{name}.\" static\n  local-data: \"{name}. 300 IN {rtype} {address}\"\n")
    };
    NAMES.into_iter().chain([(UNLISTED.0, "A", UNLISTED.1)]).map(zone).collect()
}

impl Internet {
    fn new(folder: &Path) -> Result<Internet> {
        let namespace = Namespace::new("net")?;
        namespace.forward()?;
        let addresses = NAMES.iter().map(|name| name.2).chain([UNLISTED.1, UPSTREAM, COLLECTOR]);
        for address in addresses {
            let length = if address.contains(':') { 128 } else { 32 };
            namespace.ip(&format!("address add {address}/{length} dev lo"))?;
        }
        let empty = folder.join("empty");
        std::fs::create_dir(&empty)?;
        let mut web = namespace.command("python3");
        web.args(["-m", "http.server", "80", "--bind", "::", "--directory"]).arg(&empty);
        let web = Running::start(web, &folder.join("web.log"))?;
        let settings = format!("  interface: {UPSTREAM}\n{}", zones());
        let upstream = unbound(&namespace, folder, "upstream", &settings)?;
        Ok(Internet { namespace, _running: vec![web, upstream] })
    }
}

/// A municipality: a client, and a router that is also its resolver.
struct Municipality {
    number: usize,
    client: Namespace,
    router: Namespace,
    _resolver: Running,
}

impl Municipality {
    fn new(number: usize, internet: &Namespace, mirror: Mirror, folder: &Path) -> Result<Municipality> {
        let (client, router) = (Namespace::new("client")?, Namespace::new("router")?);
        router.forward()?;
        let inner = [format!("10.7{number}.0.1/24"), format!("fd77:{number}::1/64")];
        let outer = [format!("10.8{number}.0.1/24"), format!("fd88:{number}::1/64")];
        let desk = [format!("10.7{number}.0.2/24"), format!("fd77:{number}::2/64")];
        let far = [format!("10.8{number}.0.2/24"), format!("fd88:{number}::2/64")];
        let lay = |a: (&Namespace, &str, &[String; 2]), b: (&Namespace, &str, &[String; 2])| {
            let [a0, a1] = a.2.each_ref().map(String::as_str);
            let [b0, b1] = b.2.each_ref().map(String::as_str);
            cable(
                End { namespace: a.0, interface: a.1, addresses: &[a0, a1] },
                End { namespace: b.0, interface: b.1, addresses: &[b0, b1] },
            )
        };
        let port = format!("site{number}");
        lay((&client, "desk", &desk), (&router, "inner", &inner))?;
        lay((&router, "outer", &outer), (internet, &port, &far))?;
        client.ip(&format!("route add default via 10.7{number}.0.1"))?;
        client.ip(&format!("-6 route add default via fd77:{number}::1"))?;
        router.ip(&format!("route add default via 10.8{number}.0.2"))?;
        router.ip(&format!("-6 route add default via fd88:{number}::2"))?;
        internet.ip(&format!("route add 10.7{number}.0.0/24 via 10.8{number}.0.1"))?;
        internet.ip(&format!("-6 route add fd77:{number}::/64 via fd88:{number}::1"))?;
        let listen = format!("  interface: 10.7{number}.0.1\n  interface: fd77:{number}::1\n");
        let settings = match mirror {
            Mirror::Inside => format!("{listen}{}", zones()),
            // One of the two asks its upstream over TCP.
            Mirror::Outside => {
                let tcp = if number == 2 { "yes" } else { "no" };
                format!("{listen}  tcp-upstream: {tcp}\nforward-zone:\n  name: \".\"\n  forward-addr: {UPSTREAM}\n")
            }
        };
        let resolver = unbound(&router, folder, &format!("resolver-{number}"), &settings)?;
        Ok(Municipality { number, client, router, _resolver: resolver })
    }

    fn dig(&self, name: &str, rtype: &str, extra: &[&str]) -> Result<Said> {
        let server = match rtype {
            "AAAA" => format!("@fd77:{}::1", self.number),
            _ => format!("@10.7{}.0.1", self.number),
        };
        let mut command = self.client.command("dig");
        command.args([server.as_str(), name, rtype, "+short", "+tries=1", "+time=5"]).args(extra);
        said(&mut command)
    }

    /// Looks a name up, as `rtype` says over IPv4 or IPv6, until it is answered with the address it must have.
    fn look_up(&self, name: &str, rtype: &str, address: &str, extra: &[&str]) -> Result<()> {
        eventually(&format!("dig {name}"), PATIENCE, || {
            let answer = self.dig(name, rtype, extra)?;
            Ok((answer.out.trim() == address).then_some(()))
        })
    }

    fn visit(&self, name: &str, address: &str) -> Result<()> {
        let at = if address.contains(':') { format!("{name}:80:[{address}]") } else { format!("{name}:80:{address}") };
        let mut command = self.client.command("curl");
        command.args([
            "--silent",
            "--show-error",
            "--fail",
            "--output",
            "/dev/null",
            "--max-time",
            "20",
            "--retry",
            "5",
        ]);
        command.args(["--retry-connrefused", "--resolve", &at, &format!("http://{name}/")]);
        said(&mut command)?.ok().with_context(|| format!("curl {name}")).map(drop)
    }

    /// Everything the client does: an honest page first, then the listed names.
    fn live(&self) -> Result<()> {
        self.look_up(UNLISTED.0, "A", UNLISTED.1, &[])?;
        self.visit(UNLISTED.0, UNLISTED.1)?;
        for (name, rtype, address) in NAMES {
            let extra: &[&str] = if name.contains("tcp") { &["+tcp"] } else { &["+notcp"] };
            self.look_up(name, rtype, address, extra)?;
            self.visit(name, address)?;
        }
        Ok(())
    }

    fn addresses_of_client(&self) -> [String; 2] {
        [format!("10.7{}.0.2", self.number), format!("fd77:{}::2", self.number)]
    }

    fn resolver_settings(&self) -> String {
        let n = self.number;
        format!("resolvers = [\"10.7{n}.0.1\", \"fd77:{n}::1\", \"10.8{n}.0.1\", \"fd88:{n}::1\"]\n")
    }
}

/// The address behind a pseudonym, as only the member's own sensor can tell.
fn reveal(agent: &Agent, pseudonym: &str) -> Result<String> {
    Ok(agent.try_ask(["reveal", pseudonym, "--reason", "prøve"])?.ok().context("reveal")?.out)
}

fn main_job(mirror: Mirror) -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let internet = Internet::new(folder.path())?;
    let address: SocketAddr = format!("{COLLECTOR}:7843").parse()?;
    let mut collector =
        Collector::init_at(&folder.path().join("collector"), address, 7844, Some(internet.namespace.clone()))?;
    let web = collector.start()?.web;
    let list: String = NAMES.iter().map(|name| format!("{}\n", name.0)).collect();
    // So sure that what one host met of it belongs together.
    collector.publish_as(&list, &["--confidence", "80"])?;
    let mut places = Vec::new();
    for (index, (number, name)) in MEMBERS.into_iter().enumerate() {
        let place = Municipality::new(index + 1, &internet.namespace, mirror, folder.path())?;
        collector.add_member(number, name)?;
        let mut agent = Agent::new(&folder.path().join(format!("agent-{number}")), Some(place.router.clone()))?;
        agent.enroll(&collector.token(number)?)?;
        if mirror == Mirror::Outside {
            std::fs::write(agent.data().join("agent.toml"), place.resolver_settings())?;
        }
        let interface = if mirror == Mirror::Inside { "inner" } else { "outer" };
        agent.start(["--interface", interface])?;
        places.push((place, agent));
    }
    collector.await_in_force(MEMBERS.len(), 1)?;
    for (place, _) in &places {
        place.live()?;
    }
    // What one host contacted within seconds belongs together. By its IPv6 address the client is another host to a sensor.
    let by_address = |v6: bool| NAMES.iter().filter(|name| (name.1 == "AAAA") == v6).map(|name| name.0).collect();
    let together: BTreeSet<BTreeSet<&str>> = [by_address(false), by_address(true)].into();

    eventually("a campaign over both members, contacted, for each of the client's addresses", PATIENCE * 2, || {
        for (_, agent) in &mut places {
            agent.running()?.still_runs()?;
        }
        let campaigns = collector.campaigns()?;
        ensure!(campaigns.len() <= NAMES.len(), "more campaigns than there are listed names: {campaigns:?}");
        let whole = campaigns.iter().filter(|campaign| {
            let contacted: BTreeMap<&str, &str> = MEMBERS.iter().map(|member| (member.0, "contacted")).collect();
            let found: BTreeMap<&str, &str> =
                campaign.members.iter().map(|(number, evidence)| (number.as_str(), evidence.as_str())).collect();
            campaign.evidence == "contacted" && found == contacted
        });
        let about: BTreeSet<BTreeSet<&str>> =
            whole.map(|campaign| campaign.indicators.iter().map(String::as_str).collect()).collect();
        Ok((about == together && campaigns.len() == about.len()).then_some(()))
    })
    .with_context(|| format!("campaigns: {:?}; alerts: {:?}", collector.campaigns(), collector.alerts()))?;

    let page = fetch(Some(&internet.namespace), &web, "/")?;
    for word in MEMBERS.iter().map(|member| member.1).chain(NAMES.iter().map(|name| name.0)) {
        assert!(page.contains(word), "the page does not show {word}");
    }
    assert!(!page.contains(UNLISTED.0), "the page shows an unlisted name");

    // The victim is the client: by its own lookup inside, by its flow outside; the resolver is none.
    let alerts = collector.alerts()?;
    for ((place, agent), (number, _)) in places.iter().zip(MEMBERS) {
        for alert in alerts.iter().filter(|alert| alert.member == number && !alert.by_resolver) {
            let pseudonym = alert.client.as_deref().with_context(|| format!("no host in {alert:?}"))?;
            let revealed = reveal(agent, pseudonym)?;
            let own = place.addresses_of_client();
            assert!(own.iter().any(|address| revealed.contains(address.as_str())), "{alert:?} is {revealed}");
        }
        let contacted = |name: &str| {
            let mut own = alerts.iter().filter(|alert| alert.member == number && alert.indicator == name);
            own.any(|alert| alert.evidence == "contacted" && !alert.by_resolver)
        };
        assert!(NAMES.iter().all(|name| contacted(name.0)), "{alerts:?}");
    }
    for (_, agent) in &mut places {
        agent.stop()?;
    }
    collector.stop()
}

#[test]
fn two_members_make_a_campaign_with_the_mirror_inside_the_resolver() -> Result<()> {
    main_job(Mirror::Inside)
}

#[test]
fn two_members_make_a_campaign_with_the_mirror_outside_the_resolver() -> Result<()> {
    main_job(Mirror::Outside)
}

#[test]
fn the_cables_and_resolvers_of_this_scenario_work_by_themselves() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    for mirror in [Mirror::Inside, Mirror::Outside] {
        let folder = tempfile::tempdir()?;
        let internet = Internet::new(folder.path())?;
        for number in [1, 2] {
            Municipality::new(number, &internet.namespace, mirror, folder.path())?.live()?;
        }
    }
    Ok(())
}
