//! The two programs as a person runs them: built, started with a data directory, read, interrupted, killed.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use varde_agent::io::clock::monotonic;

/// How long a test waits for what must come: generous, because the machine may be busy; never a measure.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(40);
/// Set by `tests/run`, which has built the programs already.
const BUILT: &str = "VARDE_BUILT";

/// Looks again and again until there is something to see.
///
/// # Errors
/// The check's own, or that it was still not so when `within` had passed.
pub fn eventually<T>(what: &str, within: Duration, mut check: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = monotonic();
    loop {
        if let Some(found) = check().with_context(|| format!("while waiting for: {what}"))? {
            return Ok(found);
        }
        ensure!(began.elapsed() < within, "not so within {within:?}: {what}");
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// `varde-agent`.
    Agent,
    /// `varde-collector`.
    Collector,
}

impl Which {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Which::Agent => "varde-agent",
            Which::Collector => "varde-collector",
        }
    }

    /// Where it was built.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn path(self) -> Result<PathBuf> {
        Ok(built()?.join(self.name()))
    }

    /// A command line for it.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn command<A: Into<OsString>>(self, arguments: impl IntoIterator<Item = A>) -> Result<Command> {
        let mut command = Command::new(self.path()?);
        command.args(arguments.into_iter().map(Into::into));
        // What a test reads must not hang on what the caller's shell happens to hold.
        let filter = "info,varde::taken=trace";
        command.env("RUST_LOG", filter).env("VARDE_LOG", filter).env_remove("VARDE_DATA").env("NO_COLOR", "1");
        Ok(command)
    }
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Builds both programs once per process and gives the folder they are in.
fn built() -> Result<&'static Path> {
    static FOLDER: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    folder.as_deref().map_err(|error| anyhow!("{error}"))
}

fn build() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where am I?")?;
    // target/debug/deps/scenario-… or target/debug/demo
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).context("no target folder")?;
    if std::env::var_os(BUILT).is_none() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "-p", "varde-agent", "-p", "varde-collector"]).current_dir(workspace());
        if folder.ends_with("release") {
            command.arg("--release");
        }
        ensure!(command.status().context("cargo")?.success(), "the programs do not build; see above");
    }
    Ok(folder.to_owned())
}

/// What a command that ended has said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// This, if it ended well.
    ///
    /// # Errors
    /// Everything it said, if it did not.
    pub fn ok(self) -> Result<Said> {
        if self.code == Some(0) { Ok(self) } else { bail!("ended with {:?}\n{}{}", self.code, self.out, self.err) }
    }

    /// Each line of output as JSON.
    ///
    /// # Errors
    /// A line that is none.
    pub fn json(&self) -> Result<Vec<serde_json::Value>> {
        let lines = self.out.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))).collect()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started.
pub fn said(command: &mut Command) -> Result<Said> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    Ok(output.into())
}

/// Runs one of the two to its end.
///
/// # Errors
/// When it cannot be started.
pub fn run<A: Into<OsString>>(which: Which, arguments: impl IntoIterator<Item = A>) -> Result<Said> {
    said(&mut which.command(arguments)?)
}

/// A program that runs until it is stopped; dropping it kills it, and only it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    what: String,
    log: PathBuf,
}

impl Running {
    /// Starts a command, both its outputs added to `log`. It is the leader of its own process group, so that a Ctrl-C in
    /// the terminal reaches only the one who started it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command, log: &Path) -> Result<Running> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("cannot write the log {}", log.display()))?;
        let what = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {what}"))?;
        Ok(Running { child, what, log: log.to_owned() })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has said so far (and those before it with the same log).
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|octets| String::from_utf8_lossy(&octets).into_owned()).unwrap_or_default()
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// The system's own.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// That it still runs.
    ///
    /// # Errors
    /// The end of its log, if it does not.
    pub fn still_runs(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}; its log ends with:\n{}", self.what, self.log_end()),
        }
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().rev().take(15).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// `kill -9`, and gone when this returns.
    ///
    /// # Errors
    /// The system's own.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal, by its name without SIG.
    ///
    /// # Errors
    /// When there is nobody to send it to.
    pub fn signal(&self, name: &str) -> Result<()> {
        said(Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]))?.ok().map(drop)
    }

    /// Asks it to stop (SIGTERM) and waits until it has; gives its exit code.
    ///
    /// # Errors
    /// When it does not stop, or a signal ended it.
    pub fn stop(&mut self) -> Result<i32> {
        if self.ended()?.is_none() {
            self.signal("TERM")?;
        }
        let what = format!("{} stops when told to", self.what);
        let status = eventually(&what, PATIENCE, || self.ended()).with_context(|| self.log_end())?;
        status
            .code()
            .with_context(|| format!("{} ended with {status}; its log ends with:\n{}", self.what, self.log_end()))
    }

    /// Waits for its own end.
    ///
    /// # Errors
    /// When it does not end, or not with 0.
    pub fn wait(&mut self, within: Duration) -> Result<()> {
        let what = format!("{} ends", self.what);
        let status = eventually(&what, within, || self.ended()).with_context(|| self.log_end())?;
        ensure!(status.success(), "{} ended with {status}; its log ends with:\n{}", self.what, self.log_end());
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_program_is_stopped_killed_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let sleeper = |seconds: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("echo ready; exec sleep {seconds}")]);
            command
        };
        let mut running = Running::start(sleeper("60"), &log).unwrap();
        eventually("it speaks", PATIENCE, || Ok(running.log().contains("ready").then_some(()))).unwrap();
        running.still_runs().unwrap();
        running.kill().unwrap();
        assert!(running.still_runs().is_err());
        Running::start(sleeper("0"), &log).unwrap().wait(PATIENCE).unwrap();
    }

    #[test]
    fn waiting_ends() {
        let never = eventually::<()>("never", Duration::from_millis(1), || Ok(None));
        assert!(format!("{:#}", never.unwrap_err()).contains("never"));
    }
}
