//! A member's sensor as its owner runs it: enrolled with a token, started on a source, asked, killed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use varde_common::id::{Epoch, Seq};

use crate::namespaces::Namespace;
use crate::programs::{PATIENCE, Running, Said, Which, eventually, said};

/// A member's sensor with its data directory.
#[derive(Debug)]
pub struct Agent {
    data: PathBuf,
    log: PathBuf,
    environment: Vec<(OsString, OsString)>,
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
        let (log, environment) = (data.join("agent.log"), Vec::new());
        Ok(Agent { data: data.to_owned(), log, environment, namespace, running: None })
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where it logs from now on, when that is not to take room in its data directory.
    pub fn log_to(&mut self, log: &Path) {
        self.log = log.to_owned();
    }

    /// What it finds in its environment when it is started from now on.
    pub fn environment(&mut self, environment: Vec<(OsString, OsString)>) {
        self.environment = environment;
    }

    /// Runs a subcommand to its end, well or not.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn try_ask<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Said> {
        said(&mut self.command(arguments)?)
    }

    /// A subcommand on its data directory, to be started as the caller likes.
    ///
    /// # Errors
    /// When the program cannot be built.
    pub fn command<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Command> {
        let arguments = arguments.into_iter().map(Into::into);
        let arguments = arguments.chain(["--data".into(), self.data.clone().into_os_string()]);
        let mut command = Which::Agent.command(arguments)?;
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
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

    /// Starts it: `varde-agent run` and these arguments. Its log is `agent.log` in its data directory, or where [`Agent::log_to`] said.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<A: Into<OsString>>(&mut self, arguments: impl IntoIterator<Item = A>) -> Result<()> {
        let arguments = std::iter::once(OsString::from("run")).chain(arguments.into_iter().map(Into::into));
        self.running = Some(Running::start(self.command(arguments)?, &self.log)?);
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

    /// Stops it in good order. It notices between two frames: a [`crate::capture::Feed`] must have ended before.
    ///
    /// # Errors
    /// When it does not stop, or neither with 0 nor with 130 (stopped before captures were read and delivered).
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let code = running.stop()?;
        ensure!(matches!(code, 0 | 130), "the agent ended with {code}; its log:\n{}", running.log());
        Ok(())
    }

    /// Waits until it has ended, well or not; gives its exit code.
    ///
    /// # Errors
    /// When it does not end, or a signal ended it.
    pub fn ended(&mut self) -> Result<i32> {
        let Some(mut running) = self.running.take() else { bail!("the agent was not started") };
        let status = eventually("the agent ends", PATIENCE, || running.ended()).with_context(|| running.log())?;
        status.code().with_context(|| format!("the agent ended with {status}"))
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
        std::fs::read(&self.log).map(|octets| String::from_utf8_lossy(&octets).into_owned()).unwrap_or_default()
    }

    /// The records it logged as taken (fsynced): lines of the target `varde::taken` with `epoch=` and `seq=`.
    ///
    /// # Errors
    /// A line of that target that cannot be read; a line cut by a kill is passed over.
    pub fn taken(&self) -> Result<BTreeSet<(Epoch, Seq)>> {
        taken_in(&self.log())
    }

    /// All it says of itself (`status --json`).
    ///
    /// # Errors
    /// When the command fails or says nothing.
    pub fn status(&self) -> Result<Value> {
        self.try_ask(["status", "--json"])?.ok()?.json()?.pop().context("no status")
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
    fn a_number_is_found_wherever_it_stands() {
        assert_eq!(number_below(&json!({"list": [{"revision": 4}]}), "revision"), Some(4));
    }
}
