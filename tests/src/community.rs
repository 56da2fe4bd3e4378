//! A whole community of real programs: a collector, its members, their sensors, as a CSIRT and its municipalities would
//! set them up, by the command line alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use varde_collector::store::DATABASE_FILE;
use varde_common::id::{Epoch, Seq};

use crate::namespaces::Namespace;
use crate::programs::{PATIENCE, Running, Said, Which, eventually, said};
use crate::random::Random;

/// Where a running collector listens (`run.json`).
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Sessions.
    pub quic: String,
    /// Enrolment.
    pub enroll: String,
    /// The page.
    pub web: String,
}

/// A collector with its data directory.
#[derive(Debug)]
pub struct Collector {
    data: PathBuf,
    quic: SocketAddr,
    enroll: SocketAddr,
    namespace: Option<Namespace>,
    running: Option<Running>,
}

/// Two neighbouring UDP ports nobody uses: the collector must be found at the same ones after a restart.
fn free_ports() -> Result<(u16, u16)> {
    let mut random = Random::seeded(u64::from(std::process::id()) ^ varde_agent::io::clock::now().as_micros() as u64);
    for _ in 0..200 {
        let port = random.within(20_000, 31_000) as u16;
        let both = [port, port + 1].map(|port| UdpSocket::bind(("127.0.0.1", port)));
        if both.iter().all(std::result::Result::is_ok) {
            return Ok((port, port + 1));
        }
    }
    bail!("no two free UDP ports")
}

impl Collector {
    /// Initialises one on this machine's loopback; `data` is made.
    ///
    /// # Errors
    /// When `varde-collector init` fails.
    pub fn init(data: &Path) -> Result<Collector> {
        let (quic, enroll) = free_ports()?;
        Collector::init_at(data, SocketAddr::from(([127, 0, 0, 1], quic)), enroll, None)
    }

    /// Initialises one at an address, within a network namespace if there is one.
    ///
    /// # Errors
    /// When `varde-collector init` fails.
    pub fn init_at(data: &Path, quic: SocketAddr, enroll: u16, namespace: Option<Namespace>) -> Result<Collector> {
        std::fs::create_dir_all(data)?;
        let enroll = SocketAddr::new(quic.ip(), enroll);
        let collector = Collector { data: data.to_owned(), quic, enroll, namespace, running: None };
        collector.ask(["init", "--name", "Prøve-CSIRT", "--address", &quic.to_string()])?;
        Ok(collector)
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Starts it and waits until it says where it listens.
    ///
    /// # Errors
    /// When it ends or says nothing.
    pub fn start(&mut self) -> Result<Addresses> {
        let addresses = self.data.join("run.json");
        let _ = std::fs::remove_file(&addresses);
        let quic = self.quic.to_string();
        let enroll = self.enroll.to_string();
        let arguments = ["run", "--quic", &quic, "--enroll", &enroll, "--web", "127.0.0.1:0"];
        let command = self.command(arguments)?;
        let mut running = Running::start(command, &self.data.join("collector.log"))?;
        let found = eventually("the collector says where it listens", PATIENCE, || {
            running.still_runs()?;
            // Half-written is as good as not written.
            let text = std::fs::read(&addresses).unwrap_or_default();
            let Ok(json) = serde_json::from_slice::<Value>(&text) else { return Ok(None) };
            let field = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
            let (Some(quic), Some(enroll), Some(web)) = (field("quic"), field("enroll"), field("web")) else {
                bail!("run.json lacks quic, enroll or web: {json}");
            };
            Ok(Some(Addresses { quic, enroll, web }))
        })?;
        self.running = Some(running);
        Ok(found)
    }

    /// The running program.
    ///
    /// # Errors
    /// When it was not started.
    pub fn running(&mut self) -> Result<&mut Running> {
        self.running.as_mut().context("the collector was not started")
    }

    /// `kill -9`, or nothing if it does not run.
    ///
    /// # Errors
    /// The system's own.
    pub fn kill(&mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |mut running| running.kill())
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// When it does not stop, or not with 0.
    pub fn stop(&mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |mut running| running.stop())
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Command> {
        let arguments = arguments.into_iter().map(OsString::from);
        let arguments = arguments.chain(["--data".into(), self.data.clone().into_os_string()]);
        let command = Which::Collector.command(arguments)?;
        Ok(match &self.namespace {
            Some(namespace) => namespace.around(&command),
            None => command,
        })
    }

    /// Runs a subcommand to its end, well or not.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn try_ask<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Said> {
        said(&mut self.command(arguments)?)
    }

    /// Runs a subcommand that must end well.
    ///
    /// # Errors
    /// What it said, when it does not.
    pub fn ask<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Said> {
        let arguments: Vec<&str> = arguments.into_iter().collect();
        self.try_ask(arguments.iter().copied())?.ok().with_context(|| format!("varde-collector {arguments:?}"))
    }

    /// A listing as JSON: `member`, `sensor`, `campaign` …
    ///
    /// # Errors
    /// When the command fails or a line is no JSON.
    pub fn list(&self, what: &str) -> Result<Vec<Value>> {
        self.ask([what, "list", "--json"])?.json()
    }

    /// Adds a member.
    ///
    /// # Errors
    /// When the command fails.
    pub fn add_member(&self, number: &str, name: &str) -> Result<()> {
        self.ask(["member", "add", number, name]).map(drop)
    }

    /// A token for a new sensor of a member.
    ///
    /// # Errors
    /// When the command fails or prints no token.
    pub fn token(&self, number: &str) -> Result<String> {
        let said = self.ask(["sensor", "token", number])?;
        let token = said.out.split_whitespace().find(|word| word.starts_with("varde1-"));
        token.map(str::to_owned).with_context(|| format!("no token in: {}", said.out))
    }

    /// Imports a plain list and publishes everything; gives the new revision.
    ///
    /// # Errors
    /// When a command fails.
    pub fn publish(&self, indicators: &str) -> Result<()> {
        let file = self.data.join("import.txt");
        std::fs::write(&file, indicators)?;
        let file = file.to_string_lossy().into_owned();
        self.ask(["indicator", "import", &file])?;
        self.ask(["publish"]).map(drop)
    }

    /// The sensors.
    ///
    /// # Errors
    /// When the command fails.
    pub fn sensors(&self) -> Result<Vec<SensorLine>> {
        Ok(self.list("sensor")?.iter().map(SensorLine::read).collect())
    }

    /// Waits until so many sensors have this revision or a newer one in force.
    ///
    /// # Errors
    /// When they do not.
    pub fn await_in_force(&self, sensors: usize, revision: u64) -> Result<()> {
        let what = format!("revision {revision} is in force at {sensors} sensors");
        eventually(&what, PATIENCE, || {
            let there = self.sensors()?.iter().filter(|sensor| sensor.revision >= revision).count();
            Ok((there >= sensors).then_some(()))
        })
    }

    /// The campaigns.
    ///
    /// # Errors
    /// When the command fails.
    pub fn campaigns(&self) -> Result<Vec<CampaignLine>> {
        Ok(self.list("campaign")?.iter().map(CampaignLine::read).collect())
    }

    /// The alerts.
    ///
    /// # Errors
    /// When the command fails.
    pub fn alerts(&self) -> Result<Vec<AlertLine>> {
        Ok(self.list("alert")?.iter().map(AlertLine::read).collect())
    }

    /// Every stored record: sensor, epoch, seq, octets.
    ///
    /// # Errors
    /// The database's own.
    pub fn records(&self) -> Result<Vec<StoredRecord>> {
        let rows: Vec<(i64, String, i64, Vec<u8>)> =
            self.query("SELECT sensor_id, epoch, seq, octets FROM record ORDER BY sensor_id, epoch, seq")?;
        let read = |(sensor, epoch, seq, octets): (i64, String, i64, Vec<u8>)| {
            Ok(StoredRecord { sensor, epoch: epoch.parse()?, seq: Seq(u64::try_from(seq)?), octets })
        };
        rows.into_iter().map(read).collect()
    }

    /// Reads the database directly, past the program.
    ///
    /// # Errors
    /// The database's own.
    pub fn query<T>(&self, sql: &'static str) -> Result<Vec<T>>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
    {
        let options = SqliteConnectOptions::new().filename(self.data.join(DATABASE_FILE)).read_only(true);
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
            let rows = sqlx::query_as(sql).fetch_all(&pool).await?;
            pool.close().await;
            Ok(rows)
        })
    }

    /// Changes the database behind the program's back, as only a test may.
    ///
    /// # Errors
    /// The database's own.
    pub fn tamper(&self, sql: &'static str) -> Result<u64> {
        let options = SqliteConnectOptions::new().filename(self.data.join(DATABASE_FILE));
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
            let done = sqlx::query(sql).execute(&pool).await?;
            pool.close().await;
            Ok(done.rows_affected())
        })
    }
}

/// A row of the table `record`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// `sensor.id`.
    pub sensor: i64,
    /// The spool's lifetime.
    pub epoch: Epoch,
    /// Place in it.
    pub seq: Seq,
    /// As the spool held it.
    pub octets: Vec<u8>,
}

/// What tests read of `sensor list --json`: `id`, `member`, `connected`, `revision`, `refused_why`.
#[derive(Debug, Clone)]
pub struct SensorLine {
    /// Its number.
    pub id: u64,
    /// The member's number.
    pub member: String,
    /// Whether a session stands.
    pub connected: bool,
    /// List in force.
    pub revision: u64,
    /// Why it last refused a list.
    pub refused_why: Option<String>,
}

/// The text of the first of `keys` that is there; an object gives its `number`, else its `pattern` or `name`.
fn text(json: &Value, keys: &[&str]) -> Option<String> {
    let found = keys.iter().find_map(|key| json.get(key).filter(|value| !value.is_null()))?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(_) => text(found, &["number", "pattern", "value", "name"]),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

impl SensorLine {
    fn read(json: &Value) -> SensorLine {
        let number = |key: &str| json.get(key).and_then(Value::as_u64).unwrap_or(0);
        SensorLine {
            id: number("id"),
            member: text(json, &["member_number", "member", "number"]).unwrap_or_default(),
            connected: json.get("connected").and_then(Value::as_bool).unwrap_or(false),
            revision: number("revision"),
            refused_why: text(json, &["refused_why", "refused"]),
        }
    }
}

/// What tests read of `campaign list --json`: `indicators` [{`indicator`}], `members` [{`number`, `evidence`}], `evidence`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CampaignLine {
    /// The patterns that were met.
    pub indicators: BTreeSet<String>,
    /// Members hit, by number, with how far it got there.
    pub members: BTreeMap<String, String>,
    /// The highest evidence.
    pub evidence: String,
}

impl CampaignLine {
    fn read(json: &Value) -> CampaignLine {
        let items = |key: &str| json.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let indicator = |one: &Value| one.as_str().map(str::to_owned).or_else(|| text(one, &["indicator", "pattern"]));
        let member = |one: &Value| Some((text(one, &["number"])?, text(one, &["evidence"]).unwrap_or_default()));
        CampaignLine {
            indicators: items("indicators").iter().filter_map(indicator).collect(),
            members: items("members").iter().filter_map(member).collect(),
            evidence: text(json, &["evidence"]).unwrap_or_default(),
        }
    }
}

/// What tests read of `alert list --json`: `member`, `indicator`, `evidence`, `client`, `count`, `by_resolver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertLine {
    /// The member's number.
    pub member: String,
    /// The pattern.
    pub indicator: String,
    /// How far it got.
    pub evidence: String,
    /// Which way.
    pub direction: String,
    /// The host's pseudonym.
    pub client: Option<String>,
    /// Sightings.
    pub count: u64,
    /// Whether the client is a resolver asking for others.
    pub by_resolver: bool,
}

impl AlertLine {
    fn read(json: &Value) -> AlertLine {
        AlertLine {
            member: text(json, &["member_number", "member"]).unwrap_or_default(),
            indicator: text(json, &["indicator", "pattern"]).unwrap_or_default(),
            evidence: text(json, &["evidence"]).unwrap_or_default(),
            direction: text(json, &["direction"]).unwrap_or_default(),
            client: text(json, &["client"]),
            count: json.get("count").and_then(Value::as_u64).unwrap_or(0),
            by_resolver: json.get("by_resolver").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}

/// A member's sensor with its data directory.
#[derive(Debug)]
pub struct Agent {
    data: PathBuf,
    namespace: Option<Namespace>,
    running: Option<Running>,
}

impl Agent {
    /// One not yet enrolled; `data` is made.
    ///
    /// # Errors
    /// The file system's own.
    pub fn new(data: &Path, namespace: Option<Namespace>) -> Result<Agent> {
        std::fs::create_dir_all(data)?;
        Ok(Agent { data: data.to_owned(), namespace, running: None })
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Runs a subcommand to its end, well or not.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn try_ask<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Said> {
        said(&mut self.command(arguments)?)
    }

    fn command<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Command> {
        let arguments = arguments.into_iter().map(Into::into);
        let arguments = arguments.chain(["--data".into(), self.data.clone().into_os_string()]);
        let command = Which::Agent.command(arguments)?;
        Ok(match &self.namespace {
            Some(namespace) => namespace.around(&command),
            None => command,
        })
    }

    /// Enrols with a token, well or not.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn try_enroll(&self, token: &str) -> Result<Said> {
        let file = self.data.with_extension("token");
        std::fs::write(&file, token)?;
        let said = self.try_ask([OsString::from("enroll"), "--token-file".into(), file.clone().into()]);
        let _ = std::fs::remove_file(file);
        said
    }

    /// Enrols with a token.
    ///
    /// # Errors
    /// What the command said, when it does not end well.
    pub fn enroll(&self, token: &str) -> Result<()> {
        self.try_enroll(token)?.ok().context("varde-agent enroll").map(drop)
    }

    /// Starts it: `varde-agent run` and these arguments. Its log is `agent.log` in its data directory.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<A: Into<OsString>>(&mut self, arguments: impl IntoIterator<Item = A>) -> Result<()> {
        let arguments = std::iter::once(OsString::from("run")).chain(arguments.into_iter().map(Into::into));
        let command = self.command(arguments)?;
        self.running = Some(Running::start(command, &self.data.join("agent.log"))?);
        Ok(())
    }

    /// The running program.
    ///
    /// # Errors
    /// When it was not started.
    pub fn running(&mut self) -> Result<&mut Running> {
        self.running.as_mut().context("the agent was not started")
    }

    /// `kill -9`, or nothing if it does not run.
    ///
    /// # Errors
    /// The system's own.
    pub fn kill(&mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |mut running| running.kill())
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// When it does not stop, or not with 0.
    pub fn stop(&mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |mut running| running.stop())
    }

    /// Waits for its own end.
    ///
    /// # Errors
    /// When it does not end, or not with 0.
    pub fn wait(&mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |mut running| running.wait(PATIENCE))
    }

    /// Everything it has logged in all its lives.
    pub fn log(&self) -> String {
        std::fs::read(self.data.join("agent.log"))
            .map(|octets| String::from_utf8_lossy(&octets).into_owned())
            .unwrap_or_default()
    }

    /// The records it logged as taken (fsynced): lines of the target `varde::taken` with `epoch=` and `seq=`.
    ///
    /// # Errors
    /// A line of that target that cannot be read; a line cut by a kill is passed over.
    pub fn taken(&self) -> Result<BTreeSet<(Epoch, Seq)>> {
        taken_in(&self.log())
    }

    /// The revision it says is in force (`status --json`).
    ///
    /// # Errors
    /// When the command fails or says none.
    pub fn revision(&self) -> Result<u64> {
        let said = self.try_ask(["status", "--json"])?.ok()?;
        let lines = said.json()?;
        let found = lines.iter().find_map(|line| number_below(line, "revision"));
        found.with_context(|| format!("no revision in: {}", said.out))
    }
}

/// The number under `key`, wherever in the value.
fn number_below(json: &Value, key: &str) -> Option<u64> {
    match json {
        Value::Object(fields) => fields
            .get(key)
            .and_then(Value::as_u64)
            .or_else(|| fields.values().find_map(|field| number_below(field, key))),
        Value::Array(items) => items.iter().find_map(|item| number_below(item, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn taken_in(log: &str) -> Result<BTreeSet<(Epoch, Seq)>> {
    // Only whole lines: the last one of a killed life may be cut.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut taken = BTreeSet::new();
    for line in whole.lines().filter(|line| line.contains("varde::taken")) {
        let field = |name: &str| {
            let value = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.map(|value| value.trim_matches(['"', ',']))
        };
        let (Some(epoch), Some(seq)) = (field("epoch"), field("seq")) else { continue };
        let (Ok(epoch), Ok(seq)) = (epoch.parse(), seq.parse()) else {
            bail!("cannot read: {line}");
        };
        taken.insert((epoch, Seq(seq)));
    }
    Ok(taken)
}

/// The body of a page, fetched with curl so that the test is no browser of its own.
///
/// # Errors
/// When it cannot be fetched.
pub fn fetch(namespace: Option<&Namespace>, web: &str, path: &str) -> Result<String> {
    let mut command = Command::new("curl");
    let base = if web.starts_with("http") { web.trim_end_matches('/').to_owned() } else { format!("http://{web}") };
    command.args(["--silent", "--show-error", "--fail", "--max-time", "20"]).arg(format!("{base}{path}"));
    let mut command = namespace.map_or_else(|| None, |namespace| Some(namespace.around(&command))).unwrap_or(command);
    let page = said(&mut command)?.ok()?;
    ensure!(!page.out.is_empty(), "the page {path} is empty");
    Ok(page.out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn taken_records_are_read_from_whole_lines_only() {
        let log = "2026-11-21T10:00:00Z  INFO varde::taken: epoch=000000000000000000000000000000ff seq=7 taken\n\
                   2026-11-21T10:00:00Z  INFO varde_agent: seq=9\n\
                   2026-11-21T10:00:00Z DEBUG varde::taken: seq=8 epoch=000000000000000000000000000000ff\n\
                   2026-11-21T10:00:00Z  INFO varde::taken: epoch=000000000000000000000000000000ff seq=1";
        let taken = taken_in(log).unwrap();
        assert_eq!(taken, BTreeSet::from([(Epoch(255), Seq(7)), (Epoch(255), Seq(8))]));
        assert!(taken_in("x varde::taken epoch=zz seq=1\n").is_err());
    }

    #[test]
    fn listings_are_read_as_the_programs_write_them() {
        let campaign = json!({
            "indicators": [{"indicator": "evil.no", "kind": "domain"}],
            "members": [{"number": "1103", "name": "Stavanger", "evidence": "answered"}],
            "evidence": "answered",
        });
        let read = CampaignLine::read(&campaign);
        assert_eq!(read.indicators, BTreeSet::from(["evil.no".to_owned()]));
        assert_eq!(read.members, BTreeMap::from([("1103".to_owned(), "answered".to_owned())]));
        let alert = json!({"member": {"number": "0301", "name": "Oslo"}, "indicator": "evil.no", "count": 3});
        assert_eq!(AlertLine::read(&alert).member, "0301");
        assert_eq!(number_below(&json!({"list": [{"revision": 4}]}), "revision"), Some(4));
    }
}
