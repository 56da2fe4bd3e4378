//! A whole community of real programs: a collector, its members, their sensors, as a CSIRT and its municipalities would
//! set them up, by the command line alone.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use varde_collector::store::DATABASE_FILE;
use varde_common::id::{Epoch, Seq};

pub use crate::agent::Agent;
pub use crate::listing::{AlertLine, CampaignLine, SensorLine};
use crate::namespaces::Namespace;
use crate::programs::{PATIENCE, Running, Said, Which, eventually, said};
use crate::random::Random;
use crate::way_in;

/// Where a running collector listens (`run.json`).
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Sessions.
    pub quic: String,
    /// Enrolment.
    pub enroll: String,
    /// The page.
    pub web: String,
    /// Both where UDP is blocked.
    pub tcp: String,
}

/// A collector with its data directory.
#[derive(Debug)]
pub struct Collector {
    data: PathBuf,
    quic: SocketAddr,
    enroll: SocketAddr,
    tcp: SocketAddr,
    web: SocketAddr,
    namespace: Option<Namespace>,
    environment: Vec<(OsString, OsString)>,
    running: Option<Running>,
}

/// Two neighbouring UDP ports nobody uses, nor the first of them in TCP: the collector must be found at the same ones after a restart.
fn free_ports() -> Result<(u16, u16)> {
    let mut random = Random::seeded(u64::from(std::process::id()) ^ varde_agent::io::clock::now().as_micros() as u64);
    for _ in 0..200 {
        let port = random.within(20_000, 31_000) as u16;
        let both = [port, port + 1].map(|port| UdpSocket::bind(("127.0.0.1", port)));
        let tcp = TcpListener::bind(("127.0.0.1", port));
        if both.iter().all(std::result::Result::is_ok) && tcp.is_ok() {
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
        // In a network of its own the usual port is free, and sensors find it unasked.
        let tcp = SocketAddr::new(quic.ip(), if namespace.is_some() { 443 } else { quic.port() });
        let web = SocketAddr::from(([127, 0, 0, 1], 0));
        let data = data.to_owned();
        let collector = Collector { data, quic, enroll, tcp, web, namespace, environment: Vec::new(), running: None };
        collector.ask(["init", "--name", "Prøve-CSIRT", "--address", &quic.to_string()])?;
        Ok(collector)
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What it finds in its environment when it is started from now on.
    pub fn environment(&mut self, environment: Vec<(OsString, OsString)>) {
        self.environment = environment;
    }

    /// Its pages are served there when it is started from now on, in place of at any free port.
    pub fn serve_pages_at(&mut self, web: SocketAddr) {
        self.web = web;
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
        let tcp = self.tcp.to_string();
        let web = self.web.to_string();
        let arguments = ["run", "--quic", &quic, "--enroll", &enroll, "--tcp", &tcp, "--web", &web];
        let mut command = self.command(arguments)?;
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut running = Running::start(command, &self.data.join("collector.log"))?;
        let found = eventually("the collector says where it listens", PATIENCE, || {
            running.still_runs()?;
            // Half-written is as good as not written.
            let text = std::fs::read(&addresses).unwrap_or_default();
            let Ok(json) = serde_json::from_slice::<Value>(&text) else { return Ok(None) };
            let field = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
            let fields = (field("quic"), field("enroll"), field("web"), field("tcp"));
            let (Some(quic), Some(enroll), Some(web), Some(tcp)) = fields else {
                bail!("run.json lacks quic, enroll, web or tcp: {json}");
            };
            Ok(Some(Addresses { quic, enroll, web, tcp }))
        })?;
        self.running = Some(running);
        way_in::remember(&found.web, &self.data);
        Ok(found)
    }

    /// Where it listens while it runs.
    ///
    /// # Errors
    /// When it does not say.
    pub fn addresses(&self) -> Result<Addresses> {
        let json: Value = serde_json::from_slice(&std::fs::read(self.data.join("run.json"))?)?;
        let field = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned).context("run.json");
        Ok(Addresses { quic: field("quic")?, enroll: field("enroll")?, web: field("web")?, tcp: field("tcp")? })
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
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let code = running.stop()?;
        ensure!(code == 0, "the collector ended with {code}; its log:\n{}", running.log());
        Ok(())
    }

    /// A subcommand on its data directory, to be started as the caller likes.
    ///
    /// # Errors
    /// When the program cannot be built.
    pub fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Command> {
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

    /// The indicators as listed, those that are for few with their values too.
    ///
    /// # Errors
    /// As [`Collector::list`].
    pub fn indicators(&self) -> Result<Vec<Value>> {
        let mut rows = self.list("indicator")?;
        for row in &mut rows {
            if row["indicator"].as_str().is_some_and(|shown| shown.starts_with("confidential indicator ")) {
                let shown =
                    self.ask(["indicator", "show", &row["id"].to_string(), "--confidential", "--json"])?.json()?;
                row["indicator"] = shown.into_iter().next().context("nothing is shown")?["indicator"].take();
            }
        }
        Ok(rows)
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

    /// The link that a command prints with `--json`.
    ///
    /// # Errors
    /// When the command fails or prints none.
    pub fn link<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let said = self.ask(arguments)?;
        let told = said.json()?;
        let link = told.first().and_then(|told| told.get("link")).and_then(Value::as_str);
        link.map(str::to_owned).with_context(|| format!("no link in: {}", said.out))
    }

    /// Imports a plain list and publishes everything; gives the new revision.
    ///
    /// # Errors
    /// When a command fails.
    pub fn publish(&self, indicators: &str) -> Result<()> {
        self.publish_as(indicators, &[])
    }

    /// The same, with more said of the indicators.
    ///
    /// # Errors
    /// When the files cannot be written or the command fails.
    pub fn publish_as(&self, indicators: &str, more: &[&str]) -> Result<()> {
        let file = self.data.join("import.txt");
        std::fs::write(&file, indicators)?;
        let file = file.to_string_lossy().into_owned();
        self.ask([&["indicator", "import", &file], more].concat())?;
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

    /// Several changes behind the program's back, one after another.
    ///
    /// # Errors
    /// The database's own.
    pub fn tamper_all(&self, sql: &'static str) -> Result<()> {
        let options = SqliteConnectOptions::new().filename(self.data.join(DATABASE_FILE));
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
            sqlx::raw_sql(sql).execute(&pool).await?;
            pool.close().await;
            Ok(())
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

/// The body of a page, fetched with curl so that the test is no browser of its own.
///
/// # Errors
/// When it cannot be fetched.
pub fn fetch(namespace: Option<&Namespace>, web: &str, path: &str) -> Result<String> {
    let mut command = Command::new("curl");
    let base = if web.starts_with("http") { web.trim_end_matches('/').to_owned() } else { format!("http://{web}") };
    command.args(["--silent", "--show-error", "--fail", "--max-time", "20"]).arg(format!("{base}{path}"));
    // Whoever watches over it asks as a stranger.
    let token = if path == "/health" { None } else { way_in::token(web)? };
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let mut command = namespace.map_or_else(|| None, |namespace| Some(namespace.around(&command))).unwrap_or(command);
    let page = said(&mut command)?.ok()?;
    ensure!(!page.out.is_empty(), "the page {path} is empty");
    Ok(page.out)
}
