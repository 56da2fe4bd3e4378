//! Promise: "I am dead" is seen from outside. A collector that is well says so again and again to an HTTP server of the operator's choice;
//! one that cannot store, or was killed, is silent; no receiver holds it up; and nothing of members is said.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use varde_collector::store::DATABASE_FILE;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::hits::{LISTED, burst, live};
use varde_tests::programs::{PATIENCE, Running, eventually};

/// An HTTP server that writes down what it is sent: standard library of Python, over TLS where it is given a certificate.
const RECEIVER: &str = r#"
import http.server, ssl, sys
port_file, log, pem = sys.argv[1:4]
class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(log, "ab") as file:
            file.write(self.path.encode() + b" " + body + b"\n")
        self.send_response(204)
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
if pem:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(port_file + ".new", "w") as file:
    file.write(str(server.server_port))
import os
os.rename(port_file + ".new", port_file)
server.serve_forever()
"#;

struct Receiver {
    port: u16,
    log: PathBuf,
    _running: Running,
}

impl Receiver {
    fn start(folder: &Path, pem: Option<&Path>) -> Result<Receiver> {
        let (port, log) = (folder.join("port"), folder.join("beats"));
        let mut python = Command::new("python3");
        python.args(["-c", RECEIVER]).arg(&port).arg(&log).arg(pem.unwrap_or(Path::new("")));
        let mut running = Running::start(python, &folder.join("receiver.log"))?;
        let port = eventually("the receiver listens", PATIENCE, || {
            running.still_runs()?;
            Ok(fs::read_to_string(&port).ok().and_then(|port| port.parse().ok()))
        })?;
        Ok(Receiver { port, log, _running: running })
    }

    fn beats(&self) -> Vec<String> {
        fs::read_to_string(&self.log).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

fn collector(folder: &Path, settings: &str) -> Result<(Collector, String)> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    fs::write(collector.data().join("collector.toml"), format!("{settings}\nheartbeat_every_s = 5\n"))?;
    let web = collector.start()?.web;
    Ok((collector, web))
}

fn status(collector: &Collector) -> Result<(i32, Value)> {
    let said = collector.try_ask(["status", "--json"])?;
    Ok((said.code.unwrap_or(-1), said.json()?.into_iter().next().context("no status")?))
}

#[test]
fn n1_beats_come_while_the_collector_is_well_and_stop_when_it_cannot_store_or_is_killed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let receiver = Receiver::start(folder.path(), None)?;
    let to = format!("heartbeat = \"http://127.0.0.1:{}/ping/hush-hush\"", receiver.port);
    let (mut collector, web) = collector(folder.path(), &to)?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    eventually("two beats", PATIENCE, || Ok((receiver.beats().len() >= 2).then_some(())))?;
    let well = eventually("it is known that they arrive", PATIENCE, || {
        let (code, status) = status(&collector)?;
        Ok((status["heartbeat"]["arrives"] == true).then_some((code, status)))
    })?;
    assert_eq!((well.0, &well.1["well"], &well.1["heartbeat"]["to"]), (0, &true.into(), &"127.0.0.1".into()));
    ensure!(fetch(None, &web, "/?lang=en")?.contains("Heartbeats of the collector arrive at 127.0.0.1"));
    // What is said: that it lives, and where the audit stands, which whoever keeps it can hold the audit against.
    let last = receiver.beats().pop().context("a beat")?;
    let body: Value = serde_json::from_str(last.strip_prefix("/ping/hush-hush ").context("the path")?)?;
    assert_eq!((&body["health"], &body["program"]), (&"ok".into(), &"varde-collector".into()));
    let head = body["audit"]["head"].as_str().context("head")?;
    collector.ask(["audit", "verify", "--head", head])?;
    for foreign in ["3407", "Gjøvik", "vond.example", "Prøve"] {
        ensure!(!receiver.beats().concat().contains(foreign), "{foreign} leaves");
    }

    // Somebody holds the database: nothing can be stored.
    let database = SqliteConnectOptions::new().filename(collector.data().join(DATABASE_FILE));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut held = runtime.block_on(async {
        let mut held = SqliteConnection::connect_with(&database).await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut held).await?;
        anyhow::Ok(held)
    })?;
    let log = collector.data().join("collector.log");
    let logged = |words: &str| Ok(fs::read_to_string(&log)?.contains(words).then_some(()));
    eventually("the collector says why it is silent", PATIENCE, || logged("no heartbeat is sent"))?;
    let silent = receiver.beats().len();
    // Both take longer than the next beat would.
    ensure!(fetch(None, &web, "/health").is_err(), "whoever asks is told too");
    let (code, ill) = status(&collector)?;
    assert_eq!((code, &ill["well"]), (1, &false.into()));
    assert_eq!(receiver.beats().len(), silent, "a collector that cannot store says that it lives");
    runtime.block_on(async {
        sqlx::query("ROLLBACK").execute(&mut held).await?;
        held.close().await
    })?;
    eventually("it lives again", PATIENCE, || Ok((receiver.beats().len() > silent).then_some(())))?;

    let text = fs::read_to_string(&log)?;
    let audit = collector.ask(["audit", "list", "--json"])?.out;
    ensure!(!text.contains("hush") && !audit.contains("hush"), "the secret in the path is told");
    ensure!(audit.contains("heartbeat to 127.0.0.1"), "that it is sent stands in the audit");
    collector.kill()?;
    let dead = receiver.beats().len();
    let (code, gone) = status(&collector)?;
    assert_eq!((code, &gone["running"], receiver.beats().len()), (1, &false.into(), dead));
    // Switched off: nothing is said of it any more.
    fs::remove_file(collector.data().join("collector.toml"))?;
    let web = collector.start()?.web;
    assert_eq!(status(&collector)?.1["heartbeat"], Value::Null);
    ensure!(!fetch(None, &web, "/?lang=en")?.contains("id=\"heartbeat\""));
    collector.stop()
}

#[test]
fn n1_a_receiver_of_beats_is_believed_by_the_authority_that_is_named_and_by_no_other() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = || -> Result<(Issuer<'static, KeyPair>, String)> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key)?.pem();
        Ok((Issuer::new(params, key), pem))
    };
    let ((issuer, own), (_, other)) = (authority()?, authority()?);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;
    let pem = folder.path().join("receiver.pem");
    fs::write(&pem, format!("{}{}", certificate.pem(), key.serialize_pem()))?;
    let receiver = Receiver::start(folder.path(), Some(&pem))?;
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &other)?;
    let settings = format!("heartbeat = \"https://127.0.0.1:{}/\"\nheartbeat_ca = \"{}\"", receiver.port, ca.display());
    let (mut collector, web) = collector(folder.path(), &settings)?;
    let refused = eventually("it is told that none arrives", PATIENCE, || {
        let (code, status) = status(&collector)?;
        Ok((status["heartbeat"]["arrives"] == false).then_some((code, status)))
    })?;
    let why = refused.1["heartbeat"]["why"].as_str().context("why")?;
    ensure!(refused.0 == 1 && why.contains("certificate") && receiver.beats().is_empty(), "{why}");
    let page = fetch(None, &web, "/?lang=en")?;
    ensure!(page.contains("DO NOT ARRIVE") && page.contains("certificate"), "the page does not say it");
    ensure!(collector.try_ask(["status"])?.out.contains("DO NOT ARRIVE"));
    collector.stop()?;
    fs::write(&ca, &own)?;
    collector.start()?;
    eventually("they arrive", PATIENCE, || Ok((!receiver.beats().is_empty()).then_some(())))?;
    collector.stop()?;
    // No file, no start: nobody relies on what can never be sent.
    fs::remove_file(&ca)?;
    let said =
        collector.try_ask(["run", "--quic", "127.0.0.1:0", "--enroll", "127.0.0.1:0", "--web", "127.0.0.1:0"])?;
    ensure!(said.code == Some(1) && said.err.contains("heartbeat_ca"), "{said:?}");
    Ok(())
}

#[test]
fn n1_a_receiver_that_hangs_holds_nothing_up() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // Takes connections and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0")?;
    let to = format!("heartbeat = \"http://{}/\"", hanging.local_addr()?);
    let (mut collector, web) = collector(folder.path(), &to)?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish(&format!("{LISTED}\n"))?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = live(&mut agent, folder.path(), 0)?;
    collector.await_in_force(1, 1)?;
    feed.send(&burst(&mut 0, 10).packets)?;
    let stored = || Ok((collector.alerts()?.len() == 10).then_some(()));
    eventually("alerts are stored while a beat hangs", PATIENCE, stored)?;
    ensure!(fetch(None, &web, "/health")? == "ok\n");
    let (code, hung) = eventually("the hanging is told", PATIENCE, || {
        let (code, status) = status(&collector)?;
        Ok((status["heartbeat"]["arrives"] == false).then_some((code, status)))
    })?;
    let why = hung["heartbeat"]["why"].as_str().context("why")?;
    ensure!(code == 1 && why.contains("no answer within"), "{why}");
    // One at a time, however long it hangs: the next waits.
    hanging.set_nonblocking(true)?;
    let mut connections = 0;
    while let Ok((connection, _)) = hanging.accept() {
        connections += 1;
        drop(connection);
    }
    ensure!((1..=3).contains(&connections), "{connections} connections");
    agent.kill()?;
    drop(feed);
    collector.stop().context("a beat that hangs holds up no stop")
}
