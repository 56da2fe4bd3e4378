//! Sources fetched and taken in: what came is read whole before any of it counts, held where it is suddenly much less, and taken in as
//! what that source says. Nothing is published by it.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde::Serialize;
use varde_common::time::Timestamp;

use super::clock;
use super::fetch::{FetchError, Fetcher};
use super::intake::{Intake, NotTaken};
use crate::audit::Deed;
use crate::intel::fetch::held::{self, Before, Now};
use crate::intel::fetch::plan::Kind;
use crate::intel::fetch::{Extent, Fetched, Resume};
use crate::intel::format::{BadFile, Format, Item};
use crate::intel::import::Importer;
use crate::limits::FETCH_WHY_MAX_CHARACTERS;
use crate::store::claim::Imported;
use crate::store::source::{Ended, SourceRow};
use crate::store::{Scope, Store, StoreError};

/// Why a source was not fetched, or what came not taken in.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Somebody else does it just now.
    #[error("it is being fetched just now; see: varde-collector source list")]
    Busy,
    /// The network.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came.
    #[error("what it gives is not taken in: {0}")]
    Bad(#[from] BadFile),
    /// The file that holds it.
    #[error("what it gives cannot be read: {0}")]
    Taken(#[from] NotTaken),
    /// The lock.
    #[error("cannot lock {}: {error}", .path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// The reader ended.
    #[error("what it gives was not read to its end")]
    Ended,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How it is fetched this time.
#[derive(Debug, Clone, Default)]
pub struct Conduct {
    /// Only looked at.
    pub dry_run: bool,
    /// Taken in however much less it is.
    pub release_held: bool,
    /// What is noted in the audit where something changes; none = it is noted already.
    pub deed: Option<Deed>,
}

/// What a fetch came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// The source.
    pub source: String,
    /// Nothing has changed there.
    pub unchanged: bool,
    /// Indicators in what came.
    pub found: u64,
    /// That were not known.
    pub new: u64,
    /// That were.
    pub known: u64,
    /// Claims withdrawn.
    pub withdrawn: u64,
    /// Entries refused.
    pub left_out: u64,
    /// What no sensor can look for.
    pub clues: u64,
    /// What the source says is harmless.
    pub harmless: u64,
    /// What it means for people.
    pub passed_over: u64,
    /// Events that its manifest names and that were not there.
    pub missing: u64,
    /// Why it is held; none = it is not.
    pub held: Option<String>,
    /// Whether it was only looked at.
    pub dry_run: bool,
    /// The first of what was refused, in words.
    #[serde(skip)]
    pub first_left_out: Option<String>,
}

/// One at a time for each source, whichever program does it.
struct Turn {
    _file: File,
}

impl Turn {
    fn take(data: &Path, id: i64) -> Result<Turn, SourceError> {
        let path = lock_path(data, id);
        let refused = |error| SourceError::Lock { path: path.clone(), error };
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(Turn { _file: file }),
            Err(TryLockError::WouldBlock) => Err(SourceError::Busy),
            Err(TryLockError::Error(error)) => Err(refused(error)),
        }
    }
}

/// The file by which a source's turn is taken.
pub fn lock_path(data: &Path, id: i64) -> PathBuf {
    data.join(format!("source-{id}.lock"))
}

/// Fetches a source and takes in what came; how it ended is kept, a failure too.
///
/// # Errors
/// [`SourceError`]; of what came nothing is taken in then, unless the database failed midway.
pub async fn fetch(data: &Path, store: &Store, row: &SourceRow, conduct: Conduct) -> Result<Outcome, SourceError> {
    if conduct.dry_run {
        return fetch_now(data, store, row, conduct).await;
    }
    let _turn = Turn::take(data, row.id)?;
    let done = fetch_now(data, store, row, conduct).await;
    match &done {
        Ok(_) | Err(SourceError::Busy | SourceError::Store(_)) => {}
        Err(error) => {
            let left_alone = match error {
                SourceError::Fetch(error) => error.left_alone(),
                _ => std::time::Duration::ZERO,
            };
            let left_alone_s = i64::try_from(left_alone.as_secs()).unwrap_or(0);
            store.source_fetched(row.id, &Ended::Failed { why: in_short(error), left_alone_s }, clock::now()).await?;
        }
    }
    done
}

/// Why it failed, as it is kept.
fn in_short(error: &SourceError) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(FETCH_WHY_MAX_CHARACTERS).collect()
}

async fn fetch_now(data: &Path, store: &Store, row: &SourceRow, conduct: Conduct) -> Result<Outcome, SourceError> {
    let resume = store.source_resume(Scope::Operator, row.id).await?;
    let fetcher = Fetcher::new(row.plan.clone(), data)?;
    let (fetched, file) = fetcher.fetch(row.plan.begin(resume)).await?;
    let Conduct { dry_run, release_held, deed } = conduct;
    let mut outcome = Outcome { source: row.name.clone(), dry_run, ..Outcome::default() };
    let now = clock::now();
    if fetched.extent == Extent::Unchanged {
        outcome.unchanged = true;
        if !dry_run {
            if row.plan.kind == Kind::File {
                store.renew_claims(&row.name, now).await?;
            }
            store.source_fetched(row.id, &Ended::Unchanged, now).await?;
        }
        return Ok(outcome);
    }
    let intake = Intake::of(file)?;
    let format = fetched.format.unwrap_or_else(|| Format::detect(&intake.head));
    // Once to know it whole, and what it would do; only then to do it.
    let mut look = Pass { store, row, format, now, is_look: true, outcome: &mut outcome, takes_back: 0 };
    look.read(intake.again()?).await?;
    let takes_back = look.takes_back;
    if let Extent::Events { missing, .. } = &fetched.extent {
        outcome.missing = *missing;
    }
    let Fetched { resume, extent, .. } = fetched;
    let before = Before { entries: row.entries.map(unsigned), standing: unsigned(row.standing) };
    let came = Now { entries: outcome.found, withdrawn: takes_back };
    let entries = held::entries_of(&extent, &resume, came);
    if let Some(why) = held::why_held(before, &extent, &resume, came)
        && !release_held
    {
        if !dry_run {
            store.source_fetched(row.id, &Ended::Held(why.clone()), now).await?;
        }
        outcome.held = Some(why);
        return Ok(outcome);
    }
    if dry_run {
        return Ok(outcome);
    }
    let is_news = outcome.new > 0 || takes_back > 0 || is_less(&extent, &outcome, before);
    let noting =
        deed.filter(|_| is_news).map(|deed| store.noting(deed.becomes(in_words(row, &intake, format, &outcome))));
    let store = noting.as_ref().unwrap_or(store);
    let mut done = Outcome { source: row.name.clone(), missing: outcome.missing, ..Outcome::default() };
    let mut pass = Pass { store, row, format, now, is_look: false, outcome: &mut done, takes_back: 0 };
    pass.read(intake.again()?).await?;
    done.withdrawn += withdraw_unsaid(store, &row.name, &extent, now).await?;
    keep(store, row.id, resume, entries, &done).await?;
    Ok(done)
}

async fn keep(store: &Store, id: i64, resume: Resume, entries: Option<u64>, done: &Outcome) -> Result<(), StoreError> {
    let Outcome { new, withdrawn, left_out, .. } = *done;
    let ended = Ended::TakenIn { resume, entries, new, withdrawn, left_out };
    store.source_fetched(id, &ended, clock::now()).await
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Whether something may be withdrawn because it is not said any more.
fn is_less(extent: &Extent, outcome: &Outcome, before: Before) -> bool {
    match extent {
        Extent::Unchanged | Extent::More => false,
        Extent::Whole => outcome.found < before.standing,
        Extent::Events { read, gone, .. } => !read.is_empty() || !gone.is_empty(),
    }
}

/// What is taken in, in words, without any indicator and without a path that may hold a secret.
fn in_words(row: &SourceRow, intake: &Intake, format: Format, outcome: &Outcome) -> String {
    let Outcome { found, new, .. } = outcome;
    format!(
        "taken in from {}: {} bytes, SHA-256 {}, read as {format}; {found} indicators, {new} new",
        row.plan.host(),
        intake.octets,
        intake.sha256
    )
}

/// Takes back what the source does not say any more.
async fn withdraw_unsaid(store: &Store, source: &str, extent: &Extent, now: Timestamp) -> Result<u64, StoreError> {
    let why = "the source does not say it any more";
    match extent {
        Extent::Unchanged | Extent::More => Ok(0),
        Extent::Whole => store.withdraw_not_renewed(source, now, why, clock::now()).await,
        Extent::Events { read, gone, .. } => {
            let mut withdrawn = 0;
            for event in read {
                withdrawn += store.withdraw_group(source, event, now, why, clock::now()).await?;
            }
            for event in gone {
                let ever = Timestamp(i64::MAX);
                withdrawn += store.withdraw_group(source, event, ever, "its event is gone", clock::now()).await?;
            }
            Ok(withdrawn)
        }
    }
}

/// One reading of what came: to see what it would do, or to do it.
struct Pass<'a> {
    store: &'a Store,
    row: &'a SourceRow,
    format: Format,
    now: Timestamp,
    is_look: bool,
    outcome: &'a mut Outcome,
    takes_back: u64,
}

impl Pass<'_> {
    async fn read(&mut self, intake: Intake) -> Result<(), SourceError> {
        let importer = Importer::new(self.row.plan.about());
        let (mut batches, reading) =
            intake.read(self.format, self.row.plan.options(), importer, &ProgressBar::hidden());
        while let Some(batch) = batches.recv().await {
            self.take(batch).await?;
        }
        Ok(reading.await.map_err(|_| SourceError::Ended)??)
    }

    async fn take(&mut self, batch: Vec<Item>) -> Result<(), SourceError> {
        let (mut found, mut clues, mut withdrawn) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
        for item in batch {
            match item {
                Item::Found(_, one) => found.push(*one),
                Item::Clue(clue) => clues.push(clue),
                Item::Withdrawn(object) | Item::Silent(object) => withdrawn.push(object),
                Item::Harmless(..) => self.outcome.harmless += 1,
                Item::PassedOver => self.outcome.passed_over += 1,
                Item::LeftOut(left_out) => {
                    self.outcome.left_out += 1;
                    self.outcome.first_left_out.get_or_insert_with(|| left_out.to_string());
                }
            }
        }
        self.outcome.found += found.len() as u64;
        self.outcome.clues += clues.len() as u64;
        let source = self.row.name.as_str();
        if self.is_look {
            let known = self.store.known(Scope::Operator, &found).await?;
            self.outcome.known += known;
            self.outcome.new += (found.len() as u64).saturating_sub(known);
            self.takes_back += self.store.claims_of_objects(Scope::Operator, source, &withdrawn).await?;
            return Ok(());
        }
        let Imported { new, known } = self.store.take_in(source, &found, self.now).await?;
        self.outcome.new += new;
        self.outcome.known += known;
        if !clues.is_empty() {
            self.store.take_in_clues(source, &clues, self.now).await?;
        }
        if !withdrawn.is_empty() {
            let why = "the source took it back";
            self.outcome.withdrawn += self.store.withdraw_objects(source, &withdrawn, why, self.now).await?;
        }
        Ok(())
    }
}
