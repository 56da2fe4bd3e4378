//! A real browser that a test steers: headless Chromium, spoken to over its own debugging pipe.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use varde_agent::io::clock::monotonic;

use crate::programs::{PATIENCE, Running, eventually, said};
use crate::way_in;

/// A page is there within this, or something holds it up: shorter than the minute after which a browser gives up waiting
/// for a free connection.
const PAGE_WITHIN: Duration = Duration::from_secs(45);
/// Messages from the browser not yet looked at; beyond that it waits.
const MESSAGES_MAX: usize = 4096;
/// What it may be called.
const NAMES: [&str; 2] = ["chromium", "chromium-browser"];
/// No talk with anybody but the page.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1280,900",
    "--remote-debugging-pipe",
];

/// A browser with one page open. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    to: File,
    from: Receiver<Value>,
    _running: Running,
    session: String,
    last: u64,
    complaints: Vec<String>,
}

fn pipe(path: &Path) -> Result<File> {
    ensure!(Command::new("mkfifo").arg(path).status().context("mkfifo")?.success(), "no pipe {}", path.display());
    // For reading and writing: opening waits for nobody.
    OpenOptions::new().read(true).write(true).open(path).with_context(|| path.display().to_string())
}

impl Browser {
    /// The installed browser's name, if there is one.
    pub fn installed() -> Option<&'static str> {
        NAMES.into_iter().find(|name| said(Command::new(name).arg("--version")).is_ok_and(|said| said.code == Some(0)))
    }

    /// Starts it with an empty page; everything it keeps lies in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(name: &str, folder: &Path) -> Result<Browser> {
        let (to_path, from_path) = (folder.join("to-browser"), folder.join("from-browser"));
        let (to, from) = (pipe(&to_path)?, pipe(&from_path)?);
        // The debugging pipe is file descriptors 3 and 4, which only a shell can give it.
        let mut command = Command::new("sh");
        command.args(["-c", "to=$1; from=$2; shift 2; exec \"$@\" 3<\"$to\" 4>\"$from\"", "sh"]);
        command.arg(&to_path).arg(&from_path).arg(name).args(FLAGS);
        command.arg(format!("--user-data-dir={}", folder.join("profile").display())).arg("about:blank");
        let running = Running::start(command, &folder.join("browser.log"))?;
        let (sender, receiver) = sync_channel(MESSAGES_MAX);
        std::thread::spawn(move || {
            for message in BufReader::new(from).split(0) {
                let Some(value) = message.ok().and_then(|octets| serde_json::from_slice(&octets).ok()) else { return };
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        let mut browser =
            Browser { to, from: receiver, _running: running, session: String::new(), last: 0, complaints: Vec::new() };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": target.get("targetId"), "flatten": true});
        let attached = browser.ask("Target.attachToTarget", attach)?;
        browser.session = attached.get("sessionId").and_then(Value::as_str).context("no session")?.to_owned();
        for domain in ["Page", "Runtime", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// Goes to an address and waits until it is loaded.
    ///
    /// # Errors
    /// When it cannot be shown.
    pub fn go(&mut self, address: &str) -> Result<()> {
        let left = monotonic();
        let gone = self.ask("Page.navigate", json!({"url": address}))?;
        if let Some(error) = gone.get("errorText") {
            bail!("{address}: {error}");
        }
        eventually("the page is loaded", PATIENCE, || {
            let loaded = self.evaluate("document.readyState === 'complete' && location.href !== 'about:blank'")?;
            Ok((loaded == json!(true)).then_some(()))
        })?;
        ensure!(left.elapsed() < PAGE_WITHIN, "{address} was held up for {:?}", left.elapsed());
        Ok(())
    }

    /// Comes in as an administrator, by a link that is good once.
    ///
    /// # Errors
    /// When it does not come in.
    pub fn sign_in(&mut self, data: &Path) -> Result<()> {
        self.go(&way_in::link(data, "vakt", "administrator")?)?;
        self.evaluate("document.querySelector('#take button').click()")?;
        eventually("signed in", PATIENCE, || {
            let there = self.evaluate("location.pathname === '/' && document.readyState === 'complete'")?;
            Ok((there == json!(true)).then_some(()))
        })
    }

    /// How wide and high the window is; whether the reader prefers dark.
    ///
    /// # Errors
    /// When it refuses.
    pub fn show(&mut self, width: u32, height: u32, dark: bool) -> Result<()> {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", metrics)?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", media).map(drop)
    }

    /// The value of an expression in the page.
    ///
    /// # Errors
    /// When it throws.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let said = self.ask("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}))?;
        ensure!(said.get("exceptionDetails").is_none(), "{expression}: {said}");
        Ok(said.pointer("/result/value").cloned().unwrap_or(Value::Null))
    }

    /// The text a reader sees.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn text(&mut self) -> Result<String> {
        Ok(self.evaluate("document.body.innerText")?.as_str().unwrap_or_default().to_owned())
    }

    /// What the page's scripts and the browser have complained of so far: exceptions, refused content, missing files.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut octets = serde_json::to_vec(&message)?;
        octets.push(0);
        self.to.write_all(&octets)?;
        let asked = monotonic();
        loop {
            let left = PATIENCE.saturating_sub(asked.elapsed());
            let said = self.from.recv_timeout(left).with_context(|| format!("the browser is silent after {method}"))?;
            if said.get("id") == Some(&json!(self.last)) {
                ensure!(said.get("error").is_none(), "{method}: {said}");
                return Ok(said.get("result").cloned().unwrap_or(Value::Null));
            }
            self.hear(&said);
        }
    }

    fn hear(&mut self, said: &Value) {
        let word = |pointer: &str| said.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let complaint = match word("/method") {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" => ["error", "warning", "assert"].contains(&word("/params/type")),
            "Log.entryAdded" => ["error", "warning"].contains(&word("/params/entry/level")),
            _ => false,
        };
        if complaint {
            self.complaints.push(said.get("params").unwrap_or(&Value::Null).to_string());
        }
    }
}
