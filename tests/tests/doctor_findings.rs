//! Promise: each finding of `doctor` that asks for something to be done is provoked with the real program: by what lies on the disk, by the
//! disk itself, by the clock, by the way to the collector, or by what a running sensor says of itself; here, or in the test that is named.
//! A finding that none of them provokes fails, and so does a line about one that is no more.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use varde_agent::io::clock;
use varde_tests::community::{Agent, Collector};
use varde_tests::fault::{Shim, turn};
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, Which, eventually, said, workspace};
use varde_tests::proxy::{Answer, Proxy};

/// Findings that another test provokes, with the file of it.
const ELSEWHERE: [(&str, &str); 17] = [
    ("data-open", "doctor.rs"),
    ("dns-encrypted", "doctor.rs"),
    ("dns-resolver-only", "doctor.rs"),
    ("interface-missing", "doctor.rs"),
    ("interface-no-carrier", "doctor.rs"),
    ("interface-none", "doctor.rs"),
    ("list-none", "doctor.rs"),
    ("not-enrolled", "doctor.rs"),
    ("not-running", "doctor.rs"),
    ("proxy-password", "fallback.rs"),
    ("settings-bad", "doctor.rs"),
    ("settings-not-taken", "doctor.rs"),
    ("settings-restart", "doctor.rs"),
    ("tcp-refused", "doctor.rs"),
    ("tls-opened", "doctor.rs"),
    ("traffic-one-direction", "doctor.rs"),
    ("udp-blocked", "doctor.rs"),
];
const DAY_S: i64 = 86_400;

/// How a finding comes about.
enum By {
    /// Something in the data directory.
    Files(fn(&Path) -> Result<()>),
    /// Something outside of it, and taken back again.
    Machine(fn(&Scene) -> Result<()>, fn(&Scene) -> Result<()>),
    /// A shell's line around the program, in which `$DATA` is the data directory and `"$@"` the program.
    Shell(&'static str),
    /// A clock that is so many days ahead.
    Clock(i64),
    /// What a running sensor says of itself. Most of it takes minutes, a broken disk or an attacker to come true.
    Says(fn(&mut Value)),
    /// Settings, with the way to the collector tried.
    Way(fn(&Scene) -> String),
}
use By::{Clock, Files, Machine, Says, Shell, Way};

fn situations() -> Vec<(&'static str, By)> {
    vec![
        // The data directory and its disk.
        ("data-missing", Files(|data| Ok(fs::remove_dir_all(data)?))),
        ("identity-damaged", Files(|data| Ok(fs::write(data.join("identity/certificate.der"), "no certificate")?))),
        ("disk-errors", Files(|data| Ok(fs::create_dir_all(data.join("spool/quarantine/unread-1"))?))),
        (
            "not-answering",
            Files(|data| {
                let listener = UnixListener::bind(data.join("control.sock"))?;
                // It hangs up at once, and ends with the test.
                std::thread::spawn(move || listener.incoming().for_each(drop));
                Ok(())
            }),
        ),
        ("data-unreadable", Shell(r#"exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@""#)),
        (
            "capture-forbidden",
            Shell(r#"chown -R 65534:65534 "$DATA" && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@""#),
        ),
        ("disk-read-only", Shell(r#"mount --bind "$DATA" "$DATA" && mount -o remount,ro,bind "$DATA" && exec "$@""#)),
        (
            "disk-full",
            Shell(
                r#"cp -a "$DATA" "$DATA.kept" && mount -t tmpfs -o size=12m,mode=700 none "$DATA" && cp -a "$DATA.kept/." "$DATA" && exec "$@""#,
            ),
        ),
        (
            "disk-low",
            Shell(
                r#"cp -a "$DATA" "$DATA.kept" && mount -t tmpfs -o size=200m,mode=700 none "$DATA" && cp -a "$DATA.kept/." "$DATA" && exec "$@""#,
            ),
        ),
        (
            "inodes-low",
            Shell(
                r#"cp -a "$DATA" "$DATA.kept" && mount -t tmpfs -o nr_inodes=2000,mode=700 none "$DATA" && cp -a "$DATA.kept/." "$DATA" && mkdir "$DATA/many" && for n in $(seq 1950); do : > "$DATA/many/$n" || break; done; exec "$@""#,
            ),
        ),
        // The clock, and what runs out by it.
        ("certificate-soon", Clock(25)),
        ("certificate-expired", Clock(31)),
        ("anchor-soon", Clock(350)),
        ("anchor-expired", Clock(370)),
        ("list-expired", Clock(40)),
        ("clock-behind", Clock(-20)),
        // The interface.
        (
            "interface-down",
            Machine(|scene| scene.network.ip("link set mirror down"), |scene| scene.network.ip("link set mirror up")),
        ),
        // What a running sensor says.
        ("interface-not-promiscuous", Says(|told| told["sources"][0]["name"] = json!("plain"))),
        ("version-differs", Says(|told| told["version"] = json!("0.0.1"))),
        ("revoked", Says(|told| told["revoked"] = json!(true))),
        ("certificate-not-renewed", Says(|told| told["certificate"]["failing"] = json!("x"))),
        ("anchor-refused", Says(|told| told["trust"]["root_refused"] = json!("x"))),
        ("source-unopened", Says(|told| told["unopened"] = json!(["there is no network interface eth9"]))),
        (
            "source-silent",
            Says(|told| {
                let mut other = told["sources"][0].clone();
                (other["name"], other["silent_s"]) = (json!("plain"), json!(75));
                told["sources"].as_array_mut().into_iter().for_each(|all| all.push(other.clone()));
            }),
        ),
        (
            "traffic-not-yet",
            Says(|told| {
                told["last_packet_age_ms"] = Value::Null;
                told["recent"]["span_s"] = json!(3);
            }),
        ),
        ("traffic-none", Says(|told| told["last_packet_age_ms"] = json!(61_000))),
        (
            "traffic-twice",
            Says(|told| (told["recent"]["packets"], told["recent"]["duplicates"]) = (json!(1_000), json!(900))),
        ),
        (
            "traffic-one-vlan",
            Says(|told| {
                for (key, value) in [("untagged", 0), ("tagged", 2_000), ("vlans", 1)] {
                    told["recent"][key] = json!(value);
                }
            }),
        ),
        ("dns-none", Says(|told| (told["recent"]["packets"], told["recent"]["dns_age_s"]) = (json!(10), json!(70)))),
        ("drops", Says(|told| (told["recent"]["packets"], told["recent"]["dropped"]) = (json!(1_000), json!(10)))),
        ("clock-off", Says(|told| told["clock_ahead_ms"] = json!(6_000))),
        (
            "clock-leapt",
            Says(|told| (told["recent"]["clock_leaps"], told["recent"]["clock_leapt_ms"]) = (json!(1), json!(60_000))),
        ),
        ("list-refused", Says(|told| told["list_refused"] = json!("x"))),
        ("list-stale", Says(|told| told["trust"]["freshness"] = json!("stale"))),
        ("list-behind", Says(|told| told["trust"]["freshness"] = json!("behind"))),
        ("session-untried", Says(|told| told["connected"] = json!(false))),
        ("spool-not-kept", Says(|told| told["spool"]["not_noted"] = json!(3))),
        ("spool-lost", Says(|told| told["spool"]["lost"] = json!(3))),
        (
            "spool-full",
            Says(|told| (told["spool"]["octets"], told["spool"]["waiting"]) = (json!(1_u64 << 40), json!(3))),
        ),
        (
            "spool-waits",
            Says(|told| (told["spool"]["waiting"], told["spool"]["acknowledged_seq"]) = (json!(3), json!(u32::MAX))),
        ),
        (
            "spool-set-aside",
            Says(|told| {
                told["set_aside"] = json!([{"directory": "spool.aside-1", "undelivered": 3, "removed_in_s": 99}])
            }),
        ),
        // Who answers is this test, which has given up nothing.
        ("sandbox-capabilities", Says(|_| ())),
        ("sandbox-calls", Says(|_| ())),
        ("sandbox-privileges", Says(|_| ())),
        ("sandbox-paths", Says(|told| told["confinement"]["paths"]["missing"] = json!("x"))),
        ("resolver-replaced", Says(|told| told["confinement"]["resolver_replaced"] = json!("/etc/resolv.conf"))),
        // The way.
        ("name-unknown", Way(|_| "collector = \"collector.invalid:7843\"\n".into())),
        ("tcp-silent", Way(|_| "fallback = \"198.51.100.9:443\"\n".into())),
        ("proxy-unknown", Way(|_| "proxy = \"http://proxy.invalid:3128\"\n".into())),
        ("proxy-refuses", Way(|scene| format!("proxy = \"{}\"\n", scene.proxy.url()))),
        ("proxy-credentials-missing", Way(|scene| scene.credentials(None, 0o600))),
        ("proxy-credentials-content", Way(|scene| scene.credentials(Some("nobody"), 0o600))),
        ("proxy-credentials", Way(|scene| scene.credentials(Some("who:what"), 0o644))),
        ("session-none", Says(|told| told["connected"] = json!(false))),
    ]
}

/// Findings that come about only where nothing here can bring it about, with why; the judgement of each is `agent/src/doctor/tests.rs`'s.
const JUDGED_ALONE: [(&str, &str); 2] = [
    ("data-owner", "root asks as the owner of the directory, and another than the service's is refused before"),
    ("sensor-not-accepted", "a collector that refuses a proof says why over the session, which doctor does not open"),
];

/// A sensor that has run, and what it said of itself; a collector that answers; a proxy that does not.
struct Scene {
    folder: tempfile::TempDir,
    network: Namespace,
    _switch: Namespace,
    _collector: Collector,
    agent: Agent,
    shim: Shim,
    told: Value,
    proxy: Proxy,
}

impl Scene {
    fn new() -> Result<Scene> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let (network, switch) = (Namespace::new("site")?, Namespace::new("switch")?);
        let end = |namespace, interface| End { namespace, interface, addresses: &[] };
        cable(end(&network, "mirror"), end(&switch, "out"))?;
        cable(end(&network, "plain"), end(&switch, "other"))?;
        // Whatever goes there is never heard of again.
        network.ip("address add 198.51.100.1/24 dev plain")?;
        network.ip("neighbour add 198.51.100.9 lladdr 02:00:00:00:00:09 dev plain nud permanent")?;
        let address = "127.0.0.1:7843".parse()?;
        let mut collector = Collector::init_at(&folder.path().join("collector"), address, 7844, Some(network.clone()))?;
        collector.start()?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let mut agent = Agent::new(&folder.path().join("agent"), Some(network.clone()))?;
        agent.log_to(&folder.path().join("agent.log"));
        fs::set_permissions(agent.data(), fs::Permissions::from_mode(0o700))?;
        fs::write(agent.data().join("agent.toml"), "interfaces = [\"mirror\"]\n")?;
        agent.enroll(&collector.token("3407")?)?;
        agent.start(Vec::<&str>::new())?;
        let mut told = Value::Null;
        eventually("it watches with a list", PATIENCE, || {
            agent.running()?.still_runs()?;
            told = agent.try_ask(["status", "--json"])?.json()?.pop().unwrap_or_default();
            let live = told["connected"] == true && told["revision"] == 1 && !told["recent"].is_null();
            Ok((live && !told["clock_ahead_ms"].is_null()).then_some(()))
        })?;
        agent.stop()?;
        // It watched a mirror port that brings something now and then.
        network.ip("link set mirror promisc on")?;
        told["last_packet_age_ms"] = json!(10);
        told["spool"]["waiting"] = json!(0);
        (told["recent"]["both_ends"], told["recent"]["dns_age_s"]) = (json!(5), json!(1));
        let (shim, proxy) = (Shim::compile(folder.path())?, network.within(|| Proxy::start([]))??);
        proxy.set(Answer::Octets(b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec()));
        Ok(Scene { folder, network, _switch: switch, _collector: collector, agent, shim, told, proxy })
    }

    /// The sensor's data directory once more, to be spoiled.
    fn copy(&self, name: &str) -> Result<PathBuf> {
        let to = self.folder.path().join(name);
        said(Command::new("cp").arg("-a").arg(self.agent.data()).arg(&to))?.ok()?;
        Ok(to)
    }

    fn credentials(&self, text: Option<&str>, mode: u32) -> String {
        let file = self.folder.path().join(format!("credentials-{mode:o}-{}", text.unwrap_or("none")));
        if let Some(text) = text {
            let written = fs::write(&file, text);
            let written = written.and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(mode)));
            assert!(written.is_ok(), "{written:?}");
        }
        format!("proxy = \"{}\"\nproxy_credentials = \"{}\"\n", self.proxy.url(), file.display())
    }

    /// What `doctor` finds, by key, that is not well; each has a cause and a remedy.
    fn doctor(&self, data: &Path, shell: Option<&str>, more: &[&str], clock: Option<i64>) -> Result<BTreeSet<String>> {
        let words = ["doctor", "--json", "--lang", "en"].iter().chain(more).map(OsString::from);
        let program = Which::Agent.command(words.chain(["--data".into(), data.into()]))?;
        let mut command = match shell {
            None => self.network.around(&program),
            Some(line) => {
                // Its mounts are its own and gone when it ends.
                let mut command = self.network.command("unshare");
                command.args(["--mount", "sh", "-c", line, "sh"]).arg(program.get_program()).args(program.get_args());
                command.env("DATA", data);
                command
            }
        };
        if let Some(days) = clock {
            let file = self.folder.path().join("clock");
            command.envs(self.shim.clock(&file)?);
            turn(&file, days * DAY_S)?;
        }
        let said = said(&mut command)?;
        let told = said.json()?.pop().with_context(|| format!("doctor says nothing: {}", said.err))?;
        let mut found = BTreeSet::new();
        for finding in told["findings"].as_array().context("no findings")? {
            if finding["severity"] != "ok" {
                let sentence = |key: &str| finding[key].as_str().is_some_and(|text| text.ends_with(['.', ')', '…']));
                ensure!(sentence("remedy") && !finding["cause"].as_str().unwrap_or("").is_empty(), "{finding}");
                found.insert(finding["key"].as_str().context("no key")?.to_owned());
            }
        }
        Ok(found)
    }

    /// What is found where this is so, and where it is not.
    fn provoke(&self, key: &str, by: &By) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
        let data = self.copy(key)?;
        let offline: &[&str] = &["--offline"];
        Ok(match by {
            Files(spoil) => {
                let before = self.doctor(&data, None, offline, None)?;
                spoil(&data)?;
                (self.doctor(&data, None, offline, None)?, before)
            }
            Machine(spoil, mend) => {
                let before = self.doctor(&data, None, offline, None)?;
                spoil(self)?;
                let found = self.doctor(&data, None, offline, None);
                mend(self)?;
                (found?, before)
            }
            Shell(line) => (
                self.doctor(&data, Some(line), offline, None)?,
                self.doctor(&self.copy(&format!("{key}-well"))?, Some("exec \"$@\""), offline, None)?,
            ),
            Clock(days) => {
                (self.doctor(&data, None, offline, Some(*days))?, self.doctor(&data, None, offline, Some(0))?)
            }
            Says(spoil) => {
                let says = Double::answer(&data, &self.told)?;
                let more: &[&str] = if key == "session-none" { &[] } else { offline };
                let before = self.doctor(&data, None, more, None)?;
                says.change(spoil);
                let found = self.doctor(&data, None, more, None)?;
                // What its own process gives away is there either way.
                let before = before.into_iter().filter(|found| !found.starts_with("sandbox-")).collect();
                (found, before)
            }
            Way(settings) => {
                let before = self.doctor(&data, None, &[], None)?;
                fs::write(data.join("agent.toml"), settings(self))?;
                (self.doctor(&data, None, &[], None)?, before)
            }
        })
    }
}

/// Who answers in a running sensor's place, and says what it is told to.
struct Double {
    told: Arc<Mutex<Value>>,
}

impl Double {
    fn answer(data: &Path, told: &Value) -> Result<Double> {
        // Segments that were written long ago.
        for entry in fs::read_dir(data.join("spool"))?.flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "seg") {
                let now = Duration::from_micros(u64::try_from(clock::now().as_micros())?);
                let then = SystemTime::UNIX_EPOCH + now.saturating_sub(Duration::from_secs(3 * 86_400));
                fs::File::options().write(true).open(entry.path())?.set_modified(then)?;
            }
        }
        let listener = UnixListener::bind(data.join("control.sock"))?;
        let told = Arc::new(Mutex::new(told.clone()));
        let says = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut question = [0; 64];
                // Who only looks who listens asks nothing.
                if stream.read(&mut question).is_ok_and(|octets| octets > 0) {
                    let text = says.lock().unwrap_or_else(PoisonError::into_inner).to_string();
                    let _ = stream.write_all(text.as_bytes());
                }
            }
        });
        Ok(Double { told })
    }

    fn change(&self, spoil: &fn(&mut Value)) {
        spoil(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The findings that ask for something: those whose text has a remedy.
fn asking() -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(workspace().join("agent/texts/nb.ftl"))?;
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair[1].starts_with("    .remedy = "));
    pairs.map(|pair| Ok(pair[0].split_once(" = ").context("no key")?.0.to_owned())).collect()
}

#[test]
fn no_finding_is_without_a_test_that_provokes_it() -> Result<()> {
    let here: Vec<(&str, By)> = situations();
    let mut all: Vec<&str> = here.iter().map(|(key, _)| *key).collect();
    for (key, file) in ELSEWHERE {
        let text = fs::read_to_string(workspace().join("tests/tests").join(file))?;
        ensure!(text.contains(&format!("\"{key}\"")), "{file} does not speak of {key}");
        all.push(key);
    }
    all.extend(JUDGED_ALONE.map(|(key, _)| key));
    let told: BTreeSet<String> = all.iter().map(|key| (*key).to_owned()).collect();
    ensure!(told.len() == all.len(), "one is there twice: {all:?}");
    let asking = asking()?;
    ensure!(asking.len() > 60, "{asking:?}");
    assert_eq!(asking, told, "left: what doctor finds; right: what is provoked");
    Ok(())
}

#[test]
fn each_finding_is_provoked_with_the_real_program() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let mut faults = Vec::new();
    for (key, by) in situations() {
        match scene.provoke(key, &by) {
            Ok((found, before)) if found.contains(key) && !before.contains(key) => {}
            Ok((found, before)) => faults.push(format!("{key}: {found:?}; before: {before:?}")),
            Err(error) => faults.push(format!("{key}: {error:#}")),
        }
    }
    if !faults.is_empty() {
        bail!("{} findings were not provoked:\n{}", faults.len(), faults.join("\n"));
    }
    Ok(())
}
