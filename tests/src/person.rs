//! Somebody with a browser, as far as the pages can tell: what it is answered, and the cookies it holds. It runs no script.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_collector::account::totp::TotpSecret;

use crate::programs::said;

/// What everybody chooses here.
pub const PASSWORD: &str = "blå elg spiser grus";

/// Somebody's browser: what it is answered, and the cookies it holds.
#[derive(Debug)]
pub struct Person {
    /// Where the pages are.
    pub base: String,
    /// Its cookies.
    pub jar: PathBuf,
    /// What curl is told beside.
    pub more: Vec<String>,
}

/// Status, head and body.
pub type Answer = (u16, String, String);

impl Person {
    /// Somebody new, with no cookie.
    pub fn new(folder: &Path, name: &str, base: &str) -> Person {
        Person { base: base.to_owned(), jar: folder.join(format!("{name}.jar")), more: Vec::new() }
    }

    /// Asks, with options of curl.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn ask(&self, path: &str, options: &[&str]) -> Result<Answer> {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "60", "--include", "--cookie"]).arg(&self.jar);
        command.arg("--cookie-jar").arg(&self.jar).args(&self.more).args(options).arg(format!("{}{path}", self.base));
        let out = said(&mut command)?.ok()?.out;
        let (head, body) = out.split_once("\r\n\r\n").with_context(|| format!("no answer: {out}"))?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, head.to_lowercase(), body.to_owned()))
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.ask(path, &[])
    }

    /// Sends a form, as from a page of there.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let origin = format!("Origin: {}", self.base);
        let filled: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut options = vec!["--header", origin.as_str(), "--request", "POST"];
        if filled.is_empty() {
            // A form with nothing in it is a form.
            options.extend(["--data", ""]);
        }
        for field in &filled {
            options.extend(["--data-urlencode", field]);
        }
        self.ask(path, &options)
    }

    /// The session's name.
    ///
    /// # Errors
    /// There is none.
    pub fn cookie(&self) -> Result<String> {
        let jar = std::fs::read_to_string(&self.jar)?;
        let line = jar.lines().find(|line| line.contains("\tvarde\t") || line.contains("\t__Host-varde\t"));
        Ok(line.and_then(|line| line.rsplit('\t').next()).context("no session")?.to_owned())
    }

    /// Chooses password and second factor by a link, and gives the telephone's secret and the recovery codes.
    ///
    /// # Errors
    /// When it is not as it should be.
    pub fn accept(&self, link: &str, name: Option<&str>) -> Result<(TotpSecret, Vec<String>)> {
        let path = link.strip_prefix(&self.base).with_context(|| format!("{link} is not at {}", self.base))?;
        let (status, _, page) = self.get(path)?;
        ensure!(status == 200 && page.contains("<svg class=\"square\""), "{status} {page}");
        let secret = hidden(&page, "secret")?;
        let totp = TotpSecret::read(&secret).context("no secret")?;
        let name = name.unwrap_or_default();
        let fields = |password, code| {
            [("name", name), ("password", password), ("again", password), ("secret", secret.as_str()), ("code", code)]
        };
        let code = totp.code_at(clock::now());
        let (status, _, weak) = self.post(path, &fields("Passord2026!", &code))?;
        ensure!(
            status == 422 && weak.contains("aria-invalid") && weak.contains(&secret),
            "a weak password: {status} {weak}"
        );
        let (status, _, wrong) = self.post(path, &fields(PASSWORD, "000000"))?;
        ensure!(status == 422 || code == "000000", "{status} {wrong}");
        let (status, _, page) = self.post(path, &fields(PASSWORD, &code))?;
        ensure!(status == 200, "{status} {page}");
        let codes: Vec<String> =
            page.split("<li><code>").skip(1).filter_map(|rest| Some(rest.split('<').next()?.to_owned())).collect();
        ensure!(codes.len() == 10, "{page}");
        ensure!(self.get(path)?.0 == 404, "a link is good once");
        Ok((totp, codes))
    }

    /// Signs in by name and code.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn sign_in(&self, name: &str, code: &str) -> Result<Answer> {
        self.post("/innlogging", &[("name", name), ("password", PASSWORD), ("code", code), ("til", "/personvern")])
    }

    /// What its forms carry.
    ///
    /// # Errors
    /// It is not signed in.
    pub fn csrf(&self) -> Result<String> {
        hidden(&self.get("/konto")?.2, "csrf")
    }

    /// Comes in by a link that signs in.
    ///
    /// # Errors
    /// When it is not good.
    pub fn come_by(&self, link: &str) -> Result<()> {
        let path = link.strip_prefix(&self.base).with_context(|| format!("{link} is not at {}", self.base))?;
        let (status, _, page) = self.post(path, &[])?;
        ensure!(status == 303, "{status} {page}");
        Ok(())
    }

    /// Sends a form with what only our own pages can fill.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn fill(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let csrf = self.csrf()?;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        self.post(path, &all)
    }
}

/// What a hidden field of a page holds.
///
/// # Errors
/// There is none.
pub fn hidden(page: &str, name: &str) -> Result<String> {
    let (_, rest) =
        page.split_once(&format!("name=\"{name}\" value=\"")).with_context(|| format!("no {name}: {page}"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}
