//! The way in to a collector's pages: a token for who reads them as a program does, and a link for who opens them as a person does.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::programs::{Which, run};

/// Somewhere that answers, and how one comes in.
#[derive(Debug, Clone)]
struct Door {
    data: PathBuf,
    token: Option<String>,
}

/// By their addresses: whoever asks for a page has just that.
static DOORS: LazyLock<Mutex<HashMap<String, Door>>> = LazyLock::new(Mutex::default);

/// A collector has started: what answers at an address is its.
pub fn remember(web: &str, data: &Path) {
    let mut doors = DOORS.lock().unwrap_or_else(PoisonError::into_inner);
    doors.insert(web.to_owned(), Door { data: data.to_owned(), token: None });
}

static MADE: AtomicU32 = AtomicU32::new(0);

fn asked(data: &Path, words: &[&str]) -> Result<Value> {
    let line = [Path::new("--data"), data].into_iter().chain(words.iter().map(Path::new));
    let said = run(Which::Collector, line)?.ok()?;
    said.json()?.pop().with_context(|| format!("{words:?} says nothing"))
}

fn text(told: &Value, key: &str) -> Result<String> {
    Ok(told.get(key).and_then(Value::as_str).with_context(|| format!("no {key} in {told}"))?.to_owned())
}

/// A token that reads everything there, made when it is first asked for; none where no collector of ours answers.
///
/// # Errors
/// When none can be made.
pub fn token(web: &str) -> Result<Option<String>> {
    // Held meanwhile: who asks at the same time gets the same.
    let mut doors = DOORS.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(door) = doors.get_mut(web) else { return Ok(None) };
    if door.token.is_none() {
        // A name of its own each time: the database may have been another's.
        let name = format!("test-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let told = asked(&door.data, &["token", "add", &name, "--role", "administrator", "--json"])?;
        door.token = Some(text(&told, "token")?);
    }
    Ok(door.token.clone())
}

/// A link that signs somebody in once; the account is added where it is not there.
///
/// # Errors
/// When none can be made.
pub fn link(data: &Path, name: &str, role: &str) -> Result<String> {
    let accounts =
        run(Which::Collector, [Path::new("--data"), data, Path::new("user"), Path::new("list"), Path::new("--json")])?;
    let accounts = accounts.ok()?.json()?;
    if !accounts.iter().any(|account| account.get("name").and_then(Value::as_str) == Some(name)) {
        asked(data, &["user", "add", name, "--role", role, "--json"])?;
    }
    text(&asked(data, &["user", "link", name, "--json"])?, "link")
}
