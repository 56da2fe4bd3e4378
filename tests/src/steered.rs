//! A script of `tests/browser` that a test steers: it is told a plan, says lines of JSON, and ends with the test, whatever becomes of it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::browser::Browser;
use crate::node;

/// The browser that scripts steer; none where there is no browser or no Node, which is said.
pub fn browser() -> Option<&'static str> {
    let found = Browser::installed().filter(|_| node::installed());
    if found.is_none() {
        eprintln!(
            "SKIPPED: no chromium or no Node here; tests/run installs them (apt-get install chromium nodejs npm)"
        );
    }
    found
}

/// It, while it runs.
#[derive(Debug)]
pub struct Steered {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Drop for Steered {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Steered {
    /// Starts a script with its plan, after which it is told nothing.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(name: &str, plan: &Value) -> Result<Steered> {
        let mut steered = Steered::start_talking(name, plan)?;
        steered.stdin = None;
        Ok(steered)
    }

    /// Starts one that is told more as it goes on.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_talking(name: &str, plan: &Value) -> Result<Steered> {
        let mut command = node::script(name)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("node")?;
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let mut steered = Steered { child, stdin, lines };
        steered.tell(&plan.to_string())?;
        Ok(steered)
    }

    /// Tells it a line.
    ///
    /// # Errors
    /// When it listens no longer.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("it is told nothing more")?;
        writeln!(stdin, "{line}").context("it does not listen; what it said stands above")
    }

    /// What it says next; none once it has said all.
    ///
    /// # Errors
    /// When that is no JSON.
    pub fn says(&mut self) -> Result<Option<Value>> {
        let Some(line) = self.lines.next() else { return Ok(None) };
        let line = line?;
        serde_json::from_str(&line).with_context(|| format!("the script says: {line}")).map(Some)
    }

    /// Hears it to its end, shows `handle` what it says before, and gives the last thing it said, which has no faults.
    ///
    /// # Errors
    /// The faults it found, that it gave up, or what `handle` says.
    pub fn finish(mut self, mut handle: impl FnMut(&mut Steered, &Value) -> Result<()>) -> Result<Value> {
        let mut last = Value::Null;
        while let Some(said) = self.says()? {
            last = said;
            if last.get("faults").is_none() {
                handle(&mut self, &last)?;
            }
        }
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the script gave up ({ended}); what it said stands above");
        let faults = last.get("faults").and_then(Value::as_array).context("the script said no verdict")?;
        let faults: Vec<&str> = faults.iter().filter_map(Value::as_str).collect();
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(last)
    }
}
