//! `varde-agent list`: a list that is carried by hand to a sensor without contact.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};
use varde_common::carried::MAGIC;
use varde_common::id::Seq;
use varde_common::message::{Exclusions, PROTOCOLS};

use super::trusted::{Trusted, known_time};
use super::{Failure, settings};
use crate::health::Health;
use crate::io::clock;
use crate::io::control::{Heard, bring};
use crate::io::disk::hold;
use crate::io::disk::identity::Identity;
use crate::io::disk::spool::Figures;
use crate::io::link::carried::{Carried, Counter, take};
use crate::io::link::session::{Desk, InForce, Uplink};
use crate::io::link::tls::Trust;
use crate::io::self_test::SelfTests;
use crate::limits::SPOOL_ORDERS_MAX;

/// Lists carried by hand, for a sensor that has no contact with its collector.
#[derive(Debug, clap::Subcommand)]
pub enum ListCommand {
    /// Take a list out of a file that varde-collector list export has written.
    ///
    /// It is held against the same as one that comes from the collector: the root document's list keys, the highest number
    /// ever taken, sizes and hashes; and root documents in the file are followed step by step. A running agent takes it over at
    /// once, without a restart; its session, if one stands, is begun anew.
    ///
    /// Exit codes: 0 it is in force; 1 it was refused, and the list before stays; 2 wrong usage.
    Import {
        /// The file.
        file: PathBuf,
        /// One JSON object: taken (its number, null = refused), roots (root documents that were taken), in_force (0 = none),
        /// root_version, refused (sentences), follows (the channel that is followed), list_channel (the file's; null = no list
        /// was read in it).
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, command: &ListCommand) -> Result<(), Failure> {
    let ListCommand::Import { file, json } = command;
    let mut list = open(file)?;
    let unheard = |error: std::io::Error| Failure::new(format!("the list cannot be handed over: {error}"), "try again");
    let carried = match bring(data, &mut list).map_err(unheard)? {
        Some(Heard::Said(told)) => serde_json::from_str(&told).map_err(|_| {
            Failure::new("the running agent has ended before it said what came of it", "look at its log, and try again")
        })?,
        Some(Heard::Busy) => {
            return Err(Failure::new("the running agent is just taking another list", "try again when that is done"));
        }
        Some(Heard::Older) => {
            return Err(Failure::new(
                "the running agent is of a version that takes no lists by hand",
                "restart it, so that the version that is installed runs",
            ));
        }
        None => without_an_agent(data, &mut list)?,
    };
    told(&carried, *json)
}

/// The file, which begins as such a file does.
fn open(path: &Path) -> Result<File, Failure> {
    let unreadable = |error: std::io::Error| {
        let cause = format!("the file {} cannot be read: {error}", path.display());
        Failure::new(cause, "name the file that varde-collector list export has written")
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut magic = [0; MAGIC.len()];
    let begun = file.read_exact(&mut magic);
    if begun.is_err() || magic != *MAGIC {
        let cause = format!("{} is no list that was exported by a collector", path.display());
        return Err(Failure::new(cause, "name the file that varde-collector list export has written"));
    }
    file.rewind().map_err(unreadable)?;
    Ok(file)
}

fn told(carried: &Carried, json: bool) -> Result<(), Failure> {
    if json {
        println!("{}", serde_json::to_string(carried).unwrap_or_default());
    }
    let Carried { taken, roots, in_force, refused, follows, list_channel, .. } = carried;
    if let Some(version) = roots.last().filter(|_| !json) {
        println!("Root document {version} is in force.");
    }
    match taken {
        Some(revision) => {
            if !json {
                println!("List {revision} is in force.");
            }
            refused.iter().for_each(|why| eprintln!("varde-agent: beside it: {why}."));
            Ok(())
        }
        None => {
            let why = refused.join("; ");
            let stays = match in_force.0 {
                0 => "no list is in force".to_owned(),
                revision => format!("list {revision} stays in force"),
            };
            let for_another = list_channel.as_ref().is_some_and(|channel| channel != follows) && !follows.is_empty();
            let remedy = if for_another {
                format!(
                    "bring the list of the channel that this sensor follows (there: varde-collector list export FILE --channel {follows})"
                )
            } else {
                "bring a newer file of this sensor's own collector (there: varde-collector list export FILE)".to_owned()
            };
            Err(Failure::new(format!("the list was refused, {stays}: {why}"), remedy))
        }
    }
}

/// Does what a running agent would do with a list, where none runs.
fn without_an_agent(data: &Path, list: &mut File) -> Result<Carried, Failure> {
    let identity = Identity::read(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let root = identity.root().map_err(|error| Failure::new(error, "restore the directory `identity` from a copy"))?;
    let owner = |path: &Path| std::fs::metadata(path).ok().map(|found| found.uid());
    if owner(data) != owner(Path::new("/proc/self")) {
        let cause = format!("{} belongs to another user, who could not read what is written here", data.display());
        return Err(Failure::new(cause, "run it as that user, or while the agent runs"));
    }
    let held = hold(data).map_err(|error| {
        Failure::new(format!("{error}, and does not answer yet"), "try again in a moment: it is starting or ending")
    })?;
    let disk = |error: crate::io::disk::DiskError| Failure::new(&error, error.remedy());
    let trusted = Trusted::read(data, &identity, &root).map_err(disk)?;
    let in_force = trusted
        .stored
        .list
        .as_ref()
        .map_or_else(InForce::default, |(manifest, set)| InForce { set: Arc::clone(set), revision: manifest.revision });
    let mut subscription = trusted.subscription(in_force.revision);
    let time = known_time(&identity, data, trusted.anchor.root());
    let trust = Trust::new(trusted.anchor.root().clone());
    // What would be told to the collector is told to the person who stands here.
    let (orders, mut told) = mpsc::channel(SPOOL_ORDERS_MAX);
    let (_, figures) = watch::channel(Figures::default());
    let (_, matching) = watch::channel(None);
    let (_, counting) = watch::channel(None);
    let desk = Desk {
        data: data.to_owned(),
        orders,
        figures,
        health: Arc::new(Mutex::new(Health::default())),
        list: watch::Sender::new(in_force),
        matching,
        uplink: watch::Sender::new(Uplink::default()),
        sites: settings(data)?.site_ids(),
        sources: 0,
        exclusions: watch::Sender::new(Exclusions::default()),
        list_refused: watch::Sender::new(None),
        clock_ahead_ms: watch::Sender::new(None),
        anchor: watch::Sender::new(trusted.anchor),
        newness: watch::Sender::new(trusted.newness),
        channel: watch::Sender::new(trusted.stored.placed.channel().clone()),
        brakes: watch::Sender::new(trusted.brakes),
        braking: watch::Sender::new(Arc::default()),
        counting,
        trust,
        started: clock::monotonic(),
        time,
        unsent: Seq(0),
        protocols: PROTOCOLS,
        resent: AtomicU64::new(0),
        refusals: Mutex::default(),
        certified: watch::Sender::new(None),
        counter: Counter::default(),
        tests: SelfTests::new(data).0,
        ca: identity.ca_der.clone().into(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(error, "look at the system's limits"))?;
    let carried = runtime.block_on(async {
        let heard = async { while told.recv().await.is_some() {} };
        let mut file = Blocking(list);
        tokio::select! {
            carried = take(&desk, &mut subscription, &mut file) => carried,
            () = heard => Carried::default(),
        }
    });
    drop(held);
    Ok(carried)
}

/// A file read where nobody else waits.
struct Blocking<'a>(&'a mut File);

impl tokio::io::AsyncRead for Blocking<'_> {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let file = &mut *self.get_mut().0;
        let mut piece = [0; 16 * 1024];
        let room = piece.len().min(buffer.remaining());
        let read = piece.get_mut(..room).map_or(Ok(0), |piece| file.read(piece))?;
        buffer.put_slice(piece.get(..read).unwrap_or_default());
        std::task::Poll::Ready(Ok(()))
    }
}
