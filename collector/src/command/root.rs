//! `varde-collector root`: the trust anchor. Who may do what, until when, and the next document that says so.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use varde_common::time::Timestamp;
use varde_common::trust::{Domain, Root, hex, key_id, sha256, sign};
use varde_common::words::fingerprint;

use super::noted::{deed, noted};
use super::{say, sign as signing};
use crate::audit::On;
use crate::certificate::read_certificate;
use crate::control::Poke;
use crate::draft::{self, Changes, Keyed, RoleName, Threshold};
use crate::io::control::{Poked, poke};
use crate::io::{clock, directory, keys, trust};
use crate::limits::{ROOT_DAYS, ROOT_WARN_DAYS, SIGNED_FILE_MAX_OCTETS};
use crate::store::pending::PendingFacts;
use crate::store::trust::RootStanding;
use crate::store::{Scope, Store};

/// Subcommands of `root`.
#[derive(Debug, Subcommand)]
pub enum RootCommand {
    /// Show the root document in force: its end, its keys and CAs, which sensors are behind, what waits for a signature.
    Show {
        /// One JSON object: version, expires, days_left, list_key (online or duty), roles [{role, threshold, keys [{id,
        /// public, here (file, or null)}]}], ca, sensors {total, current, behind [{sensor, member_name, root_version,
        /// refused_at, refused_why, protocol}], ahead}, pending (list that waits for a signature, or null).
        #[arg(long)]
        json: bool,
    },
    /// Write the next root document, unsigned, into a file.
    Next(NextArguments),
    /// Put a signed root document in force here and send it to every sensor.
    Accept {
        /// The signed document.
        file: PathBuf,
    },
}

/// Arguments of `root next`.
#[derive(Debug, Args)]
pub struct NextArguments {
    /// Where it is written.
    pub file: PathBuf,
    /// A key that comes into a role (root, list, timestamp, hunt, brake): its public key, or the id of one that has a role already.
    #[arg(long, value_name = "ROLE=KEY")]
    pub add: Vec<Keyed>,
    /// A key that goes out of a role: its id or its public key.
    #[arg(long, value_name = "ROLE=KEY")]
    pub retire: Vec<Keyed>,
    /// How many keys of a role must sign.
    #[arg(long, value_name = "ROLE=NUMBER")]
    pub threshold: Vec<Threshold>,
    /// The certificate (PEM) of a CA that comes in.
    #[arg(long, value_name = "FILE")]
    pub add_ca: Vec<PathBuf>,
    /// The SHA-256 of a CA that goes out, as `root show` prints it.
    #[arg(long, value_name = "SHA256")]
    pub retire_ca: Vec<String>,
    /// How long it is good.
    #[arg(long, value_name = "DAYS", default_value_t = u32::try_from(ROOT_DAYS).unwrap_or(365))]
    pub days: u32,
    /// Write it although it is foolish.
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: RootCommand) -> anyhow::Result<()> {
    match command {
        RootCommand::Show { json } => show(data, json).await,
        RootCommand::Next(arguments) => next(data, &arguments).await,
        RootCommand::Accept { file } => accept(data, &file).await,
    }
}

/// A root document in words: roles, keys, CAs, end.
pub(super) fn in_words(root: &Root) -> String {
    let mut lines = vec![format!("number     {}", root.version), format!("good until {}", root.expires)];
    for name in RoleName::ALL {
        let role = name.of(&root.roles);
        let keys: Vec<&str> = role.keys.iter().map(String::as_str).collect();
        lines.push(format!(
            "{:<10} {} of {}: {} ({})",
            name.as_str(),
            role.threshold,
            role.keys.len(),
            if keys.is_empty() { "nobody".to_owned() } else { keys.join(", ") },
            name.task()
        ));
    }
    lines.extend(root.ca.iter().map(|ca| format!("CA         {ca}")));
    lines.join("\n")
}

/// The same on one line, for the audit.
fn on_one_line(root: &Root) -> String {
    let lines: Vec<String> =
        in_words(root).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    lines.join("; ")
}

async fn next(data: &Path, arguments: &NextArguments) -> anyhow::Result<()> {
    let (_, before) = keys::read_root(data)?;
    let ca = |file: &PathBuf| -> anyhow::Result<String> {
        let pem = directory::read(file, SIGNED_FILE_MAX_OCTETS)?;
        Ok(hex(&sha256(&read_certificate(&String::from_utf8_lossy(&pem))?)))
    };
    let changes = Changes {
        add: arguments.add.clone(),
        retire: arguments.retire.clone(),
        thresholds: arguments.threshold.clone(),
        add_ca: arguments.add_ca.iter().map(ca).collect::<anyhow::Result<_>>()?,
        retire_ca: arguments.retire_ca.iter().map(|ca| ca.to_ascii_lowercase()).collect(),
    };
    let now = clock::now();
    let next = draft::next(&before, &changes, now, arguments.days).map_err(|why| anyhow!(why))?;
    let warnings = draft::warnings(&before, &next, now);
    for (refused, warning) in &warnings {
        say::aside(&format!("{}: {warning}", if *refused { "No sensor would take it" } else { "Mind" }));
    }
    if !arguments.force && warnings.iter().any(|(refused, _)| *refused) {
        bail!("nothing was written; --force writes it all the same");
    }
    let unsigned = sign(Domain::Root, &next, &[])?;
    let store = Store::open(data).await?;
    let drafting = deed("root next", On::Thing(format!("root document {}", next.version)))
        .was(format!("root document {} in force", before.version))
        .becomes(format!("drafted, unsigned, in {}: {}", arguments.file.display(), on_one_line(&next)));
    noted(&store, drafting, async { signing::write(&arguments.file, &unsigned) }).await?;
    store.close().await;
    say::result(&format!("{}\n\nWrote {}.", in_words(&next), arguments.file.display()))?;
    say::aside(&format!(
        "Next: {} of the root keys of document {} and {} of its own sign it, each where it is kept: varde-collector sign {} --key KEY\nThen: varde-collector root accept {}",
        before.roles.root.threshold,
        before.version,
        next.roles.root.threshold,
        arguments.file.display(),
        arguments.file.display()
    ));
    Ok(())
}

async fn accept(data: &Path, file: &Path) -> anyhow::Result<()> {
    let octets = directory::read(file, SIGNED_FILE_MAX_OCTETS)?;
    let store = Store::open(data).await?;
    let accepting = |before: &Root, next: &Root| {
        deed("root accept", On::Thing(format!("root document {}", next.version)))
            .was(on_one_line(before))
            .becomes(format!("in force: {}", on_one_line(next)))
    };
    let accepted = trust::accept(data, &store, &octets, &accepting, clock::now()).await?;
    let waits = match &accepted {
        // What waits was made for the keys of before; whether they may still sign it, `publish --accept` says.
        Some((before, after)) if before.roles.list != after.roles.list => store.pending_facts(Scope::Operator).await?,
        Some(_) | None => None,
    };
    store.close().await;
    let Some((before, after)) = accepted else {
        return say::result("This root document is in force already.");
    };
    let sent = match poke(data, Poke::Root).await {
        Poked::Done => "It is on its way to every connected sensor.",
        Poked::NotRunning => "The collector does not run; sensors get it when it does.",
        Poked::Late => "The running collector has not answered yet; it looks by itself within seconds.",
    };
    say::result(&format!("Root document {} is in force. {sent}", after.version))?;
    if before.roles.list != after.roles.list {
        say::aside(
            "Other keys may sign lists now. Publish a list with one of them: the newest may be signed by a key that is out.",
        );
    }
    if waits.is_some() {
        say::aside("A list waits for a signature; it must be one of the new keys'.");
    }
    Ok(())
}

/// A key of a role.
#[derive(Debug, Serialize)]
struct KeyShown {
    id: String,
    public: String,
    /// The file, where the private key lies on this machine.
    here: Option<String>,
}

/// A role.
#[derive(Debug, Serialize)]
struct RoleShown {
    role: &'static str,
    threshold: u32,
    keys: Vec<KeyShown>,
}

/// How the sensors stand to it.
#[derive(Debug, Serialize)]
struct SensorsShown {
    total: usize,
    current: usize,
    behind: Vec<RootStanding>,
    ahead: Vec<RootStanding>,
}

/// All that `root show` says.
#[derive(Debug, Serialize)]
struct Shown {
    version: u32,
    /// The document's own, in words, as sensors show it when they enrol.
    fingerprint: String,
    expires: Timestamp,
    days_left: i64,
    list_key: &'static str,
    roles: Vec<RoleShown>,
    ca: Vec<String>,
    sensors: SensorsShown,
    pending: Option<PendingFacts>,
}

/// Private keys that lie here, by id.
fn keys_here(data: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(data.join(keys::KEYS_DIRECTORY)).into_iter().flatten().flatten();
    let here = entries.filter_map(|entry| {
        let key = keys::read_signing_key(&entry.path()).ok()?;
        let name = format!("{}/{}", keys::KEYS_DIRECTORY, entry.file_name().to_string_lossy());
        Some((key_id(&key.verifying_key()), name))
    });
    here.collect()
}

async fn shown(data: &Path, store: &Store, now: Timestamp) -> anyhow::Result<Shown> {
    let (document, root) = keys::read_root(data)?;
    let here = keys_here(data);
    let key = |id: &String| KeyShown {
        id: id.clone(),
        public: root.keys.get(id).cloned().unwrap_or_default(),
        here: here.iter().find(|(other, _)| other == id).map(|(_, file)| file.clone()),
    };
    let role = |name: RoleName| {
        let role = name.of(&root.roles);
        RoleShown { role: name.as_str(), threshold: role.threshold, keys: role.keys.iter().map(key).collect() }
    };
    let standings = store.root_standings(Scope::Operator).await?;
    let total = standings.len();
    let own = i64::from(root.version);
    let (current, others): (Vec<_>, Vec<_>) = standings.into_iter().partition(|one| one.root_version == Some(own));
    let (ahead, behind) = others.into_iter().partition(|one| one.root_version.is_some_and(|version| version > own));
    let left = (root.expires.0.saturating_sub(now.0)) / 86_400_000_000;
    Ok(Shown {
        version: root.version,
        fingerprint: fingerprint(&sha256(&document)),
        expires: root.expires,
        days_left: left,
        list_key: if trust::has_list_key(data)? { "online" } else { "duty" },
        roles: RoleName::ALL.into_iter().map(role).collect(),
        ca: root.ca.iter().cloned().collect(),
        sensors: SensorsShown { total, current: current.len(), behind, ahead },
        pending: store.pending_facts(Scope::Operator).await?,
    })
}

async fn show(data: &Path, json: bool) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let shown = shown(data, &store, clock::now()).await?;
    store.close().await;
    if json {
        return say::result(&serde_json::to_string(&shown)?);
    }
    say::result(&words(&shown))
}

fn words(shown: &Shown) -> String {
    let mut lines = vec![
        format!("Root document {}, good until {}.", shown.version, shown.expires),
        format!("Its fingerprint, which a sensor shows when it enrols: {}", shown.fingerprint),
    ];
    if shown.days_left < 0 {
        lines.push(
            "IT HAS RUN OUT. Sensors go on all the same; make the next one: varde-collector root next FILE".to_owned(),
        );
    } else if shown.days_left < i64::try_from(ROOT_WARN_DAYS).unwrap_or(60) {
        lines.push(format!(
            "It runs out in {} days: make the next one with varde-collector root next FILE",
            shown.days_left
        ));
    }
    lines.push(match shown.list_key {
        "online" => "Online list key: whoever takes over this machine can publish lists.".to_owned(),
        _ => "Duty key: the list key is not here; lists wait for a signature from an analyst's own machine.".to_owned(),
    });
    if let Some(pending) = &shown.pending {
        lines.push(super::publish::waiting(pending));
    }
    for role in &shown.roles {
        let name: Option<RoleName> = role.role.parse().ok();
        let task = name.map_or("", RoleName::task);
        let of = format!("{} of {} must sign", role.threshold, role.keys.len());
        lines.push(match role.keys.as_slice() {
            [] => format!("\n{} ({task}): nobody; the role is not in use", role.role),
            _ => format!("\n{} ({task}): {of}", role.role),
        });
        for key in &role.keys {
            let here =
                key.here.as_ref().map_or_else(|| "not on this machine".to_owned(), |file| format!("HERE, {file}"));
            lines.push(format!("  {}  {here}", key.id));
        }
    }
    lines.push("\nCAs that may issue certificates (SHA-256):".to_owned());
    lines.extend(shown.ca.iter().map(|ca| format!("  {ca}")));
    let SensorsShown { total, current, behind, ahead } = &shown.sensors;
    lines.push(format!("\n{current} of {total} sensors have this root document."));
    for one in behind {
        let why = match (&one.refused_why, one.protocol) {
            (Some(why), _) => format!("refused: {why}"),
            (None, Some(protocol)) if protocol < 3 => "its version takes none; update varde-agent there".to_owned(),
            (None, _) => "not connected since".to_owned(),
        };
        let has = one.root_version.map_or_else(|| "none known".to_owned(), |version| version.to_string());
        lines.push(format!("  behind: sensor {} of {}, has {has}; {why}", one.sensor, one.member_name));
    }
    for one in ahead {
        lines.push(format!(
            "  AHEAD: sensor {} of {}; this collector was restored from an older copy: accept the newer root document again",
            one.sensor, one.member_name
        ));
    }
    lines.join("\n")
}
