//! Promise: what real clients say first is seen, named and matched: curl over HTTP/1 and HTTP/2, openssl, Chromium, a QUIC
//! client, dig over TCP and in fragments; by a live agent, and in what the ring recorded of the same traffic.
//!
//! None of the names in hellos and requests is ever looked up: contact that no DNS look-up announced.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use varde_agent::io::capture::{CaptureError, LiveSettings, Step, open_live};
use varde_agent::settings::CaptureBackend;
use varde_tests::community::{Agent, Collector};
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, Running, Said, Which, eventually, run, said};
use varde_tests::servers::{self, Identity};

const CLIENT: &str = "10.91.0.2";
const CLIENT_V6: &str = "fd91::2";
const WEB: &str = "198.51.100.80";
const WEB_V6: &str = "2001:db8:51::80";
const COLLECTOR: &str = "192.0.2.10";
const NAMES: &str = "198.51.100.53";
const NAMES_V6: &str = "2001:db8:53::53";
/// What the cable to the names carries: larger answers come in fragments.
const SMALL_MTU: u32 = 1280;
/// Addresses of each name: 28 octets each in an answer, and no more of them than a sensor keeps.
const ADDRESSES: u16 = 60;

const PLAIN: &str = "vond-http.example";
const TLS: &str = "vond-tls.example";
const TWO: &str = "vond-to.example";
const TWO_V6: &str = "vond-seks.example";
const OPENSSL: &str = "vond-openssl.example";
const BROWSER: &str = "vond-nettleser.example";
const QUIC: &str = "vond-quic.example";
const BIG: &str = "vond-stor.example";
const BIG_V6: &str = "vond-stor-seks.example";
const BIG_TCP: &str = "vond-stor-tcp.example";
const UNLISTED: &str = "snill.example";

/// Who says a name, and how an observation shows it.
#[derive(Debug)]
struct Greets {
    name: &'static str,
    client: &'static str,
    server: &'static str,
    transport: &'static str,
    alpn: &'static [&'static str],
    ja4: &'static str,
}

const GREETS: [Greets; 7] = [
    Greets { name: TLS, client: CLIENT, server: WEB, transport: "tls", alpn: &["http/1.1"], ja4: "t13d" },
    Greets { name: TWO, client: CLIENT, server: WEB, transport: "tls", alpn: &["h2", "http/1.1"], ja4: "t13d" },
    Greets {
        name: TWO_V6,
        client: CLIENT_V6,
        server: WEB_V6,
        transport: "tls",
        alpn: &["h2", "http/1.1"],
        ja4: "t13d",
    },
    Greets { name: OPENSSL, client: CLIENT, server: WEB, transport: "tls", alpn: &["h2", "eget"], ja4: "t13d" },
    Greets { name: BROWSER, client: CLIENT, server: WEB, transport: "tls", alpn: &["h2", "http/1.1"], ja4: "t13d" },
    Greets { name: QUIC, client: CLIENT, server: WEB, transport: "quic", alpn: &["h3"], ja4: "q13d" },
    Greets { name: UNLISTED, client: CLIENT, server: WEB, transport: "tls", alpn: &["h2", "http/1.1"], ja4: "t13d" },
];

/// Everything a ring saw, as a capture file.
struct Recorder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<u8>, CaptureError>>,
}

impl Recorder {
    fn start(namespace: &Namespace, interface: &str) -> Result<Recorder> {
        let settings = LiveSettings { backend: CaptureBackend::Ring, ..LiveSettings::default() };
        let mut ring = namespace.within(|| open_live(interface, 0, &settings))??;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let words = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1];
            let mut file: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
            loop {
                let step = ring.next_block(&mut |frame| {
                    let time = frame.time.as_micros();
                    let (s, us) = ((time / 1_000_000) as u32, (time % 1_000_000) as u32);
                    for word in [s, us, frame.octets.len() as u32, frame.length] {
                        file.extend_from_slice(&word.to_le_bytes());
                    }
                    file.extend_from_slice(frame.octets);
                })?;
                if step != Step::Frames && told.load(Ordering::Relaxed) {
                    return Ok(file);
                }
            }
        });
        Ok(Recorder { stop, thread })
    }

    fn finish(self, path: &Path) -> Result<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        let file = self.thread.join().map_err(|_| anyhow!("the recorder broke"))??;
        std::fs::write(path, &file)?;
        Ok(file)
    }
}

/// Fragments by IP version in a capture file of Ethernet frames without tags.
fn fragments(file: &[u8]) -> BTreeMap<u8, usize> {
    let mut found = BTreeMap::new();
    let mut rest = &file[24..];
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let (frame, after) = after.split_at(length);
        let is_fragment = match &frame[12..14] {
            [0x08, 0x00] => u16::from_be_bytes([frame[20], frame[21]]) & 0x3fff != 0,
            [0x86, 0xdd] => frame[20] == 44,
            _ => false,
        };
        if is_fragment {
            *found.entry(frame[14] >> 4).or_default() += 1;
        }
        rest = after;
    }
    found
}

/// A desk, a router with the mirror, the servers beyond it.
struct Scene {
    client: Namespace,
    router: Namespace,
    web: Namespace,
    identity: Identity,
    resolver: Running,
    _names: Namespace,
}

impl Scene {
    fn new(folder: &Path) -> Result<Scene> {
        let (client, router) = (Namespace::new("client")?, Namespace::new("router")?);
        let (web, names) = (Namespace::new("web")?, Namespace::new("names")?);
        router.forward()?;
        for (number, (namespace, port)) in
            [(&client, "inner"), (&web, "web"), (&names, "names")].into_iter().enumerate()
        {
            let n = number + 91;
            let near = [format!("10.{n}.0.1/24"), format!("fd{n}::1/64")];
            let far = [format!("10.{n}.0.2/24"), format!("fd{n}::2/64")];
            cable(
                End { namespace: &router, interface: port, addresses: &near.each_ref().map(String::as_str) },
                End { namespace, interface: "uplink", addresses: &far.each_ref().map(String::as_str) },
            )?;
            namespace.ip(&format!("route add default via 10.{n}.0.1"))?;
            namespace.ip(&format!("-6 route add default via fd{n}::1"))?;
        }
        let beyond = [(&web, 92, vec![WEB, WEB_V6, COLLECTOR]), (&names, 93, vec![NAMES, NAMES_V6])];
        for (namespace, n, addresses) in beyond {
            for address in addresses {
                if address.contains(':') {
                    namespace.ip(&format!("address add {address}/128 dev lo nodad"))?;
                    router.ip(&format!("-6 route add {address}/128 via fd{n}::2"))?;
                } else {
                    namespace.ip(&format!("address add {address}/32 dev lo"))?;
                    router.ip(&format!("route add {address}/32 via 10.{n}.0.2"))?;
                }
            }
        }
        names.ip(&format!("link set uplink mtu {SMALL_MTU}"))?;
        router.ip(&format!("link set names mtu {SMALL_MTU}"))?;

        let identity = Identity::new(GREETS.iter().map(|greets| greets.name))?;
        for address in [WEB, WEB_V6] {
            let at = |port: u16| web.within(|| TcpListener::bind((address, port)));
            servers::http(at(80)??);
            servers::https(at(443)??, &identity)?;
        }
        let resolver = resolver(&names, folder)?;
        Ok(Scene { client, router, web, identity, resolver, _names: names })
    }

    /// A client's command that must end well.
    fn does(&self, program: &str, arguments: &[&str]) -> Result<Said> {
        let mut command = self.client.command(program);
        said(command.args(arguments))?.ok().with_context(|| format!("{program} {arguments:?}"))
    }

    fn curl(&self, http: &str, url: &str, address: &str) -> Result<()> {
        let (name, port) = (url.split('/').nth(2).context("no name")?, if url.starts_with("https") { 443 } else { 80 });
        let resolve = format!("{name}:{port}:{address}");
        let arguments = ["--silent", "--show-error", "--fail", "--insecure", "--max-time", "30", "--retry", "5"];
        let shown = ["--retry-connrefused", "--write-out", "%{http_version}", "--resolve", &resolve, http, url];
        let version = self.does("curl", &[&arguments[..], &shown].concat())?.out;
        let wanted = if http == "--http2" { "2" } else { "1.1" };
        ensure!(version == wanted, "{url} came as HTTP/{version}");
        Ok(())
    }

    fn dig(&self, server: &str, name: &str, how: &[&str]) -> Result<()> {
        let at = format!("@{server}");
        let mut last = String::new();
        eventually(&format!("dig {name}"), PATIENCE, || {
            let fixed = [at.as_str(), name, "AAAA", "+short", "+tries=1", "+time=5", "+bufsize=4096"];
            let mut command = self.client.command("dig");
            let answered = said(command.args([&fixed[..], how].concat()))?;
            let is_whole = answered.out.lines().count() == usize::from(ADDRESSES);
            last = format!("{answered:?}");
            Ok(is_whole.then_some(()))
        })
        .with_context(|| format!("at last dig said {last}; the resolver: {}", self.resolver.log()))
    }

    /// The browser's visit; none where there is no browser.
    fn browse(&self, folder: &Path) -> Result<bool> {
        let Some(program) = ["chromium", "chromium-browser"].into_iter().find(|name| is_there(name)) else {
            eprintln!("SKIPPED: there is no chromium here, so its hello is not looked at");
            return Ok(false);
        };
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        let rules = format!("--host-resolver-rules=MAP {BROWSER} {WEB}");
        let url = format!("https://{BROWSER}/");
        let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"];
        let quiet =
            ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
        let visit = ["--no-proxy-server", "--ignore-certificate-errors", "--dump-dom", &profile, &rules, &url];
        // On a machine with much else to do a browser may end without a page, and without an error.
        let mut last = None;
        for _ in 0..3 {
            let page = self.does(program, &[&flags[..], &quiet, &visit].concat())?;
            if page.out.contains("<body>") {
                return Ok(true);
            }
            last = Some(page);
        }
        bail!("no page: {last:?}")
    }

    fn over_quic(&self) -> Result<()> {
        let client = self.client.within(|| UdpSocket::bind((CLIENT, 0)))??;
        let server = self.web.within(|| UdpSocket::bind((WEB, 443)))??;
        servers::over_quic(&self.identity, client, server, QUIC)
    }

    /// Everything the clients do; tells whether a browser was among them.
    fn live(&self, folder: &Path) -> Result<bool> {
        self.curl("--http1.1", &format!("http://{PLAIN}/side"), WEB)?;
        self.curl("--http1.1", &format!("https://{TLS}/"), WEB)?;
        self.curl("--http2", &format!("https://{TWO}/"), WEB)?;
        self.curl("--http2", &format!("https://{TWO_V6}/"), &format!("[{WEB_V6}]"))?;
        self.curl("--http2", &format!("https://{UNLISTED}/"), WEB)?;
        let connect = format!("{WEB}:443");
        let say = ["-servername", OPENSSL, "-alpn", "h2,eget", "-ciphersuites", "TLS_AES_128_GCM_SHA256"];
        self.does("openssl", &[&["s_client", "-connect", &connect][..], &say].concat())?;
        let browsed = self.browse(folder)?;
        self.over_quic()?;
        self.dig(NAMES, BIG, &["+notcp", "+ignore"])?;
        self.dig(NAMES_V6, BIG_V6, &["+notcp", "+ignore"])?;
        self.dig(NAMES, BIG_TCP, &["+tcp"])?;
        Ok(browsed)
    }
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn resolver(namespace: &Namespace, folder: &Path) -> Result<Running> {
    let mut text = format!(
        "server:\n  directory: \"{}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  do-daemonize: no\n  \
         module-config: \"iterator\"\n  access-control: 0.0.0.0/0 allow\n  access-control: ::/0 allow\n  interface: {NAMES}\n  \
         interface: {NAMES_V6}\n  edns-buffer-size: 4096\n  max-udp-size: 4096\n",
        folder.display()
    );
    for (place, name) in (1..).zip([BIG, BIG_V6, BIG_TCP]) {
        text += &format!("  local-zone: \"{name}.\" static\n");
        for n in 1..=ADDRESSES {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0x99, place, 0, 0, 0, n);
            text += &format!("  local-data: \"{name}. 300 IN AAAA {address}\"\n");
        }
    }
    text += "remote-control:\n  control-enable: no\n";
    let config = folder.join("unbound.conf");
    std::fs::write(&config, text)?;
    let mut command = namespace.command("unbound");
    command.arg("-d").arg("-c").arg(&config);
    Running::start(command, &folder.join("unbound.log"))
}

fn inspect(flags: &[&str], list: Option<&Path>, capture: &Path) -> Result<Said> {
    let mut arguments: Vec<OsString> =
        ["inspect", "--json"].into_iter().chain(flags.iter().copied()).map(Into::into).collect();
    if let Some(list) = list {
        arguments.extend(["--indicators".into(), list.as_os_str().to_owned()]);
    }
    arguments.push(capture.into());
    run(Which::Agent, arguments)?.ok()
}

/// What was said, by whom and to whom, as observations show it.
fn seen(lines: &[Value], browsed: bool) -> Result<()> {
    for greets in GREETS.iter().filter(|greets| browsed || greets.name != BROWSER) {
        let Greets { name, client, server, transport, alpn, ja4 } = greets;
        let hello = lines.iter().find(|line| line["type"] == "hello" && line["sni"] == *name);
        let hello = hello.with_context(|| format!("no hello for {name}"))?;
        let is_so = hello["transport"] == *transport
            && hello["client"] == *client
            && hello["server"] == *server
            && hello["server_port"] == 443
            && hello["client_port"].as_u64().is_some_and(|port| port > 1023)
            && hello["alpn"] == Value::from(alpn.to_vec())
            && hello["ja4"].as_str().is_some_and(|shown| shown.starts_with(ja4));
        ensure!(is_so, "{hello} is not {greets:?}");
    }
    let requests: Vec<&Value> = lines.iter().filter(|line| line["type"] == "http").collect();
    let [request] = requests.as_slice() else { return Err(anyhow!("one request in the open, not {requests:?}")) };
    ensure!(request["host"] == PLAIN && request["server_port"] == 80, "{request}");
    ensure!(request["client"] == CLIENT && request["server"] == WEB, "{request}");
    let asked = |name: &'static str| lines.iter().filter(move |line| line["type"] == "dns" && line["qname"] == name);
    for (name, server) in [(BIG, NAMES), (BIG_V6, NAMES_V6), (BIG_TCP, NAMES)] {
        let whole = asked(name).any(|dns| {
            dns["server"] == server && dns["answers"].as_array().map(Vec::len) == Some(usize::from(ADDRESSES))
        });
        ensure!(whole, "{name} with all its addresses: {:?}", asked(name).collect::<Vec<_>>());
    }
    let announced: Vec<&str> = named().filter(|name| asked(name).next().is_some()).collect();
    ensure!(announced.is_empty(), "looked up after all: {announced:?}");
    Ok(())
}

/// Listed names that clients give to the server itself.
fn named() -> impl Iterator<Item = &'static str> {
    GREETS.iter().map(|greets| greets.name).filter(|name| *name != UNLISTED).chain([PLAIN])
}

/// What must be found: how far it got, by name.
fn expected(browsed: bool) -> BTreeMap<String, String> {
    let contacted = named().filter(|name| browsed || *name != BROWSER).map(|name| (name, "contacted"));
    let answered = [BIG, BIG_V6, BIG_TCP].map(|name| (name, "answered"));
    contacted.chain(answered).map(|(name, evidence)| (name.to_owned(), evidence.to_owned())).collect()
}

/// The alerts in a recording, by name.
fn matched(folder: &Path, recording: &Path, browsed: bool) -> Result<()> {
    let list = folder.join("list.txt");
    std::fs::write(&list, listed())?;
    let alerts = inspect(&[], Some(&list), recording)?.json()?;
    let text = |alert: &Value, key: &str| alert[key].as_str().unwrap_or_default().to_owned();
    let found: BTreeMap<String, String> =
        alerts.iter().map(|alert| (text(alert, "indicator"), text(alert, "evidence"))).collect();
    assert_eq!((&found, alerts.len()), (&expected(browsed), found.len()));
    for alert in alerts.iter().filter(|alert| alert["evidence"] == "contacted") {
        let name = text(alert, "indicator");
        let greets = GREETS.iter().find(|greets| greets.name == name);
        let (client, server) = greets.map_or((CLIENT, WEB), |greets| (greets.client, greets.server));
        let (port, protocol) = (if name == PLAIN { 80 } else { 443 }, if name == QUIC { "udp" } else { "tcp" });
        let is_so = alert["observed"] == name
            && alert["client"] == client
            && alert["server"] == server
            && alert["port"] == port
            && alert["protocol"] == protocol;
        ensure!(is_so, "{alert}");
    }
    Ok(())
}

fn listed() -> String {
    named().chain([BIG, BIG_V6, BIG_TCP]).map(|name| format!("{name}\n")).collect()
}

/// A program is known again by its fingerprint, whatever name it gives.
fn known_by_fingerprint(folder: &Path, recording: &Path, lines: &[Value]) -> Result<()> {
    let hello = lines.iter().find(|line| line["sni"] == OPENSSL).context("no hello of openssl")?;
    let list = folder.join("fingerprints.txt");
    std::fs::write(&list, format!("ja4:{}\n", hello["ja4"].as_str().context("no fingerprint")?))?;
    let alerts = inspect(&[], Some(&list), recording)?.json()?;
    let [alert] = alerts.as_slice() else { return Err(anyhow!("one alert, not {alerts:?}")) };
    ensure!(alert["kind"] == "ja4" && alert["evidence"] == "contacted" && alert["client"] == CLIENT, "{alert}");
    Ok(())
}

#[test]
fn what_real_clients_say_first_is_seen_named_and_matched() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let scene = Scene::new(folder.path())?;
    let address: SocketAddr = format!("{COLLECTOR}:7843").parse()?;
    let mut collector = Collector::init_at(&folder.path().join("collector"), address, 7844, Some(scene.web.clone()))?;
    collector.start()?;
    collector.publish(&listed())?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), Some(scene.router.clone()))?;
    agent.enroll(&collector.token("3407")?)?;
    agent.start(["--interface", "inner", "--capture-backend", "ring"])?;
    collector.await_in_force(1, 1)?;

    let recorder = Recorder::start(&scene.router, "inner")?;
    let browsed = scene.live(folder.path())?;
    let recording: PathBuf = folder.path().join("inner.pcap");
    let file = recorder.finish(&recording)?;
    let by_version = fragments(&file);
    assert!(by_version.get(&4) >= Some(&2) && by_version.get(&6) >= Some(&2), "no fragments came: {by_version:?}");

    let observed = inspect(&["--observations"], None, &recording)?;
    let lines = observed.json()?;
    seen(&lines, browsed)?;
    assert!(observed.err.contains("put together from fragments"), "{}", observed.err);
    matched(folder.path(), &recording, browsed)?;
    known_by_fingerprint(folder.path(), &recording, &lines)?;

    eventually("the collector has every alert of the live agent", PATIENCE, || {
        agent.running()?.still_runs()?;
        let alerts = collector.alerts()?;
        let found: BTreeMap<String, String> =
            alerts.into_iter().map(|alert| (alert.indicator, alert.evidence)).collect();
        ensure!(found.keys().all(|name| expected(browsed).contains_key(name)), "too much: {found:?}");
        Ok((found == expected(browsed)).then_some(()))
    })
    .with_context(|| format!("{:?}", collector.alerts()))?;
    eventually("status tells of the fragments", PATIENCE, || {
        let status = agent.try_ask(["status", "--json"])?.ok()?.json()?;
        let rejoined = status.first().and_then(|report| report["health"]["rejoined"].as_u64());
        Ok((rejoined >= Some(2)).then_some(()))
    })?;
    agent.stop()?;
    collector.stop()
}
