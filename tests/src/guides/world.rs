//! Where the commands of a guide run: a network of its own with a collector in it, members, their sensors and a mirror port.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use varde_agent::io::clock;

use crate::capture::{self, Format};
use crate::community::Collector;
use crate::feed_server::FeedServer;
use crate::namespaces::{End, Namespace, cable};
use crate::programs::{PATIENCE, Running, Said, Which, eventually, said};
use crate::traffic::dns::{Question, rtype};
use crate::traffic::municipality::Municipality;
use crate::traffic::{Outcome, Traffic};

/// What the reader of a guide has around.
#[derive(Debug)]
pub struct World {
    // Before the folder: what runs in it ends first.
    running: BTreeMap<String, Running>,
    /// Where intelligence is fetched, once somebody wants some.
    pub feeds: Option<FeedServer>,
    /// The collector that the guides speak of.
    pub collector: Collector,
    sensors: BTreeMap<&'static str, u64>,
    agent: PathBuf,
    elsewhere: Option<PathBuf>,
    network: Namespace,
    _switch: Namespace,
    folder: TempDir,
}

impl World {
    /// A network with a collector that has been made and does not run, a mirror port `eth1`, and the files that a reader has.
    ///
    /// # Errors
    /// The system's own.
    pub fn new(files: &[(&str, &str)]) -> Result<World> {
        let folder = tempfile::tempdir()?;
        let (network, switch) = (Namespace::new("guide")?, Namespace::new("switch")?);
        cable(
            End { namespace: &network, interface: "eth1", addresses: &[] },
            End { namespace: &switch, interface: "out", addresses: &[] },
        )?;
        let address = SocketAddr::from(([127, 0, 0, 1], 7843));
        let collector = Collector::init_at(&folder.path().join("collector"), address, 7844, Some(network.clone()))?;
        let agent = folder.path().join("agent");
        fs::create_dir(&agent)?;
        for (name, text) in files {
            fs::write(folder.path().join(name), text)?;
        }
        let (running, sensors) = (BTreeMap::new(), BTreeMap::new());
        Ok(World { running, feeds: None, collector, sensors, agent, elsewhere: None, network, _switch: switch, folder })
    }

    /// Where the reader stands.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file or folder there.
    pub fn file(&self, name: &str) -> Result<String> {
        Ok(self.folder().join(name).to_string_lossy().into_owned())
    }

    /// A command line as it is given here: it goes to the collector or sensor of this world, unless it names a directory itself.
    ///
    /// # Errors
    /// When the program cannot be built.
    pub fn command(&self, program: Which, words: &[String]) -> Result<Command> {
        let home = match program {
            Which::Agent => &self.agent,
            Which::Collector => self.collector.data(),
        };
        let home = self.elsewhere.as_deref().unwrap_or(home);
        let mut words: Vec<OsString> = words.iter().map(Into::into).collect();
        if !words.iter().any(|word| word == "--data") {
            words.extend(["--data".into(), home.into()]);
        }
        let mut command = self.network.around(&program.command(words)?);
        command.current_dir(self.folder());
        Ok(command)
    }

    /// Takes away what the collector has, so that the guide makes it.
    ///
    /// # Errors
    /// The file system's own.
    pub fn begin_anew(&self) -> Result<()> {
        fs::remove_dir_all(self.collector.data())?;
        Ok(fs::create_dir(self.collector.data())?)
    }

    /// The next command goes to a directory of this name.
    ///
    /// # Errors
    /// The file system's own.
    pub fn is_in(&mut self, name: &str) -> Result<()> {
        let directory = self.folder().join(name);
        fs::create_dir_all(&directory)?;
        self.elsewhere = Some(directory);
        Ok(())
    }

    /// The next command goes to a copy of the collector of this name, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn is_in_copy(&mut self, name: &str) -> Result<()> {
        self.copy(name)?;
        self.is_in(name)
    }

    /// The next command goes to the collector or sensor again.
    pub fn is_at_home(&mut self) {
        self.elsewhere = None;
    }

    /// A collector's directory that was backed up and laid back under this name.
    ///
    /// # Errors
    /// What the commands said.
    pub fn copy(&self, name: &str) -> Result<()> {
        let (to, backup) = (self.folder().join(name), self.folder().join(format!("backup-{name}")));
        if to.exists() {
            return Ok(());
        }
        let said = self.collector.ask(["backup", &backup.to_string_lossy(), "--json"])?;
        let made = said.json()?.pop().context("no backup")?;
        let made = made.get("backup").and_then(Value::as_str).context("where is it?")?;
        self.ask_in(name, &["restore", made]).map(drop)
    }

    /// A command of the collector on one of those directories.
    ///
    /// # Errors
    /// What it said, when it does not end well.
    pub fn ask_in(&self, name: &str, words: &[&str]) -> Result<Said> {
        let directory = self.folder().join(name);
        let words = words.iter().map(OsString::from).chain(["--data".into(), directory.into()]);
        let mut command = self.network.around(&Which::Collector.command(words)?);
        said(command.current_dir(self.folder()))?.ok()
    }

    /// The same, read as JSON: the first object.
    ///
    /// # Errors
    /// As above, or when it says no JSON.
    pub fn told_in(&self, name: &str, words: &[&str]) -> Result<Value> {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        self.ask_in(name, &words)?.json()?.into_iter().next().with_context(|| format!("{words:?} says nothing"))
    }

    /// The commands of the sensor go to the one with this name from now on.
    ///
    /// # Errors
    /// The file system's own.
    pub fn at(&mut self, name: &str) -> Result<()> {
        self.agent = self.folder().join(name);
        Ok(fs::create_dir_all(&self.agent)?)
    }

    /// A command of the sensor.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn try_ask_agent(&self, words: &[&str]) -> Result<Said> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        said(&mut self.command(Which::Agent, &words)?)
    }

    /// Puts a new token of a member into a file.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn token(&self, member: &str, file: &str) -> Result<()> {
        Ok(fs::write(self.folder().join(file), self.collector.token(member)?)?)
    }

    /// Enrols a sensor of a member, to be known by this name; the commands of the sensor go to it.
    ///
    /// # Errors
    /// When it is not enrolled.
    pub fn enrol(&mut self, name: &'static str, member: &str) -> Result<()> {
        self.at(name)?;
        self.token(member, "token")?;
        self.try_ask_agent(&["enroll", "--token-file", "token"])?.ok()?;
        self.number(name)
    }

    /// The collector goes on with these settings.
    ///
    /// # Errors
    /// When it does not.
    pub fn settings(&mut self, text: &str) -> Result<()> {
        fs::write(self.collector.data().join("collector.toml"), text)?;
        self.collector.stop()?;
        self.collector.start().map(drop)
    }

    /// As [`World::enrol`], and the collector has not approved yet.
    ///
    /// # Errors
    /// When it does not wait for that.
    pub fn waits(&mut self, name: &'static str, member: &str) -> Result<()> {
        self.at(name)?;
        self.token(member, "token")?;
        let said = self.try_ask_agent(&["enroll", "--token-file", "token", "--wait", "0"])?;
        ensure!(said.code == Some(75), "{said:?}");
        self.number(name)
    }

    /// The newest sensor is known by this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn number(&mut self, name: &'static str) -> Result<()> {
        let newest = self.collector.sensors()?.iter().map(|sensor| sensor.id).max();
        self.sensors.insert(name, newest.context("no sensor is there")?);
        Ok(())
    }

    /// The number of the sensor that is known by this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn sensor(&self, name: &str) -> Result<String> {
        Ok(self.sensors.get(name).with_context(|| format!("no sensor {name}"))?.to_string())
    }

    /// Starts something that goes on, to be known by this name; what it says is in a file of that name.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self, name: &str, command: Command) -> Result<()> {
        let running = Running::start(command, &self.folder().join(format!("{name}.log")))?;
        self.running.insert(name.to_owned(), running);
        Ok(())
    }

    /// Waits for the end of what was started.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn await_end(&mut self, name: &str) -> Result<()> {
        self.running.remove(name).context("it was not started")?.wait(PATIENCE)
    }

    /// Starts the sensor at the mirror port and waits until it is connected with a list, if there is one to be had.
    ///
    /// # Errors
    /// When it is not.
    pub fn watch(&mut self) -> Result<()> {
        let words = ["run", "--interface", "eth1"].map(str::to_owned);
        let command = self.command(Which::Agent, &words)?;
        self.start("watching", command)?;
        self.await_watching("watching")
    }

    fn await_watching(&mut self, name: &str) -> Result<()> {
        let is_published = !self.collector.list("indicator")?.is_empty();
        eventually("the sensor is connected and watches", PATIENCE, || {
            self.running.get_mut(name).context("not started")?.still_runs()?;
            let said = self.try_ask_agent(&["status", "--json"])?;
            let Some(status) = said.json().unwrap_or_default().pop() else { return Ok(None) };
            let listed = !is_published || status.get("revision").and_then(Value::as_u64) > Some(0);
            let live = status.get("health").is_some_and(|health| !health.is_null());
            Ok((status.get("connected") == Some(&Value::Bool(true)) && listed && live).then_some(()))
        })
    }

    /// Stops the sensor.
    ///
    /// # Errors
    /// When it does not stop well.
    pub fn rest(&mut self) -> Result<()> {
        let Some(mut running) = self.running.remove("watching") else { return Ok(()) };
        let code = running.stop()?;
        ensure!(matches!(code, 0 | 130), "the sensor ended with {code}:\n{}", running.log());
        Ok(())
    }

    /// Starts what goes on until it is stopped, sees that it is up, and stops it.
    ///
    /// # Errors
    /// When it does not come up, or does not end well.
    pub fn up_and_down(&mut self, program: Which, command: Command) -> Result<()> {
        let told = command
            .get_args()
            .skip_while(|word| *word != "--data")
            .nth(1)
            .map(|data| Path::new(data).join("run.json"))
            .context("no data directory")?;
        let name = "until-stopped";
        self.start(name, command)?;
        match program {
            Which::Agent => self.await_watching(name)?,
            Which::Collector => eventually("the collector says where it listens", PATIENCE, || {
                self.running.get_mut(name).context("not started")?.still_runs()?;
                let text = fs::read(&told).unwrap_or_default();
                let told = serde_json::from_slice::<Value>(&text).unwrap_or_default();
                Ok(told.get("quic").is_some_and(Value::is_string).then_some(()))
            })?,
        }
        let mut running = self.running.remove(name).context("not started")?;
        let code = running.stop()?;
        ensure!(code == 0, "it ended with {code}:\n{}", running.log());
        Ok(())
    }

    /// The sensor of this name sees its member's hosts meet these names, so many hosts each, and tells the collector.
    ///
    /// # Errors
    /// When it does not.
    pub fn meets(&mut self, sensor: &'static str, place: u8, names: &[&str], hosts: u8) -> Result<()> {
        self.at(sensor)?;
        let place = Municipality { number: place };
        let mut traffic = Traffic::starting(clock::now());
        for (number, name) in (1..).zip(names.iter().copied()) {
            for host in 1..=hosts {
                let client = SocketAddr::new(place.client(host.into()), 40_000 + u16::from(host));
                let question = Question { id: number, name, qtype: rtype::A };
                let answer = Outcome::address(name, [198, 51, 100, number as u8].into());
                traffic.lookup(client, place.resolver(), question, &answer);
            }
        }
        let file = self.folder().join(format!("{sensor}.pcap"));
        capture::write(&file, Format::USUAL, &traffic.packets)?;
        // It has the newest list before the first packet; one that has it already takes no other.
        let list = self.file("newest.varde")?;
        self.collector.ask(["list", "export", &list])?;
        self.try_ask_agent(&["list", "import", &list])?;
        fs::remove_file(list)?;
        let words = ["run", "--capture", &file.to_string_lossy()].map(str::to_owned);
        let command = self.command(Which::Agent, &words)?;
        self.start(sensor, command)?;
        self.await_end(sensor)
    }

    /// The number of what the collector lists: of those for which this is so, the one behind so many.
    ///
    /// # Errors
    /// When there is none.
    pub fn listed(&self, what: &str, is_it: impl Fn(&Value) -> bool, behind: usize) -> Result<String> {
        let all = self.collector.list(what)?;
        let found = all.iter().filter(|line| is_it(line)).nth(behind);
        let number = found.and_then(|line| line.get("id")).with_context(|| format!("no such {what}: {all:?}"))?;
        Ok(number.to_string())
    }

    /// Takes a file away, where it is.
    ///
    /// # Errors
    /// The file system's own.
    pub fn take_away(&self, name: &str) -> Result<()> {
        let file = self.folder().join(name);
        if file.exists() {
            fs::remove_file(file)?;
        }
        Ok(())
    }

    /// A socket of a server in this world's network.
    ///
    /// # Errors
    /// The system's own.
    pub fn listen(&self) -> Result<TcpListener> {
        Ok(self.network.within(|| TcpListener::bind(("127.0.0.1", 0)))??)
    }

    /// Writes a file that only its owner may read.
    ///
    /// # Errors
    /// The file system's own.
    pub fn secret(&self, name: &str, text: &str) -> Result<()> {
        let file = self.folder().join(name);
        fs::write(&file, text)?;
        Ok(fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?)
    }
}
