//! Sources fetched and taken in: what came is read whole before any of it counts, held where suddenly much of what was said is gone, and
//! taken in as what that source says. Nothing is published by it.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde::Serialize;

use super::clock;
use super::fetch::{FetchError, Fetcher};
use super::importing::{self, Beside, Gathered, Heard, NotImported, Reading};
use super::intake::{Intake, NotTaken};
use super::staging::NotStaged;
use crate::audit::Deed;
use crate::intel::fetch::held::{self, Before, Held, Now};
use crate::intel::fetch::plan::Kind;
use crate::intel::fetch::{Extent, Fetched, Resume};
use crate::intel::format::Format;
use crate::intel::import::Importer;
use crate::limits::fetch::FETCH_WHY_MAX_CHARACTERS;
use crate::store::claim::Imported;
use crate::store::source::{Ended, SourceRow};
use crate::store::stage::Leaving;
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
    Bad(String),
    /// What people have written: whose word is meant of what stands in it, a person says.
    #[error(
        "what it gives is not taken in: it is a text for people, and which of the names in it are meant a person must say; save it as a file and look at it with: varde-collector indicator import FILE --format prose --dry-run"
    )]
    Prose,
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
    /// There is no place to gather it.
    #[error("what it gives is not taken in: {0}")]
    Staged(#[from] NotStaged),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotImported> for SourceError {
    fn from(error: NotImported) -> SourceError {
        match error {
            NotImported::Staged(error) => SourceError::Staged(error),
            NotImported::Store(error) => SourceError::Store(error),
            NotImported::File(why) => SourceError::Bad(why),
        }
    }
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
    /// Indicators in what came, each once.
    pub found: u64,
    /// That were not known.
    pub new: u64,
    /// That were.
    pub known: u64,
    /// That were said in an older version than the one that is known.
    pub outdated: u64,
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
    /// Whether it would not be, had its operator said that it turns over.
    #[serde(skip)]
    pub helped_by_turning: bool,
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
    // What was cut off half-way, and can be finished from nowhere else, is fetched whole again, whatever stood before.
    let is_half = store.imports_under_way(Scope::Operator).await?.iter().any(|half| half.source == row.name);
    let resume = if is_half { Resume::default() } else { store.source_resume(Scope::Operator, row.id).await? };
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
    if format == Format::Prose {
        return Err(SourceError::Prose);
    }
    let origin = Origin { octets: intake.octets, sha256: intake.sha256.clone(), format };
    let mut gathered = gather(data, store, row, intake, format, &mut outcome).await?;
    let Fetched { resume, extent, .. } = fetched;
    if let Extent::Events { missing, .. } = &extent {
        outcome.missing = *missing;
    }
    let would = gathered.would(&row.name).await?;
    let is_all = extent == Extent::Whole;
    let unsaid = match &extent {
        Extent::Unchanged | Extent::More => 0,
        Extent::Whole => would.unsaid,
        Extent::Events { read, gone, .. } => {
            let whole: Vec<&str> = read.iter().chain(gone).map(String::as_str).collect();
            gathered.unsaid_of(&row.name, &whole).await?
        }
    };
    outcome.found = outcome.found.saturating_sub(gathered.repeated().await?);
    (outcome.new, outcome.known, outcome.outdated) = (would.new, would.known, would.outdated);
    outcome.withdrawn = would.withdrawn + unsaid;
    let before =
        Before { entries: row.entries.map(unsigned), standing: would.standing, turns_over: row.plan.turns_over };
    let came = Now { entries: outcome.found, withdrawn: would.withdrawn, unsaid };
    let entries = held::entries_of(&extent, &resume, came);
    if let Some(Held { why, helped_by_turning }) = held::held(before, &extent, &resume, came)
        && !release_held
    {
        if !dry_run {
            store.source_fetched(row.id, &Ended::Held(why.clone()), now).await?;
        }
        (outcome.held, outcome.helped_by_turning) = (Some(why), helped_by_turning);
        return Ok(outcome);
    }
    if dry_run {
        return Ok(outcome);
    }
    if let Some(deed) = deed.filter(|_| is_news(&extent, &outcome)) {
        store.note(&deed.becomes(in_words(row, &origin, &outcome))).await?;
    }
    // By the time from which what is not said any more is known: nothing else is taken in at it.
    let now = clock::now();
    let imported = gathered.take_in(&row.name, is_all, &leaving(extent), now, &mut |_| {}).await?;
    let Imported { new, known, outdated, withdrawn } = imported;
    (outcome.new, outcome.known, outcome.outdated, outcome.withdrawn) = (new, known, outdated, withdrawn);
    keep(store, row.id, resume, entries, &outcome).await?;
    Ok(outcome)
}

/// What came, as the audit names it.
struct Origin {
    octets: u64,
    sha256: String,
    format: Format,
}

/// Reads what came to its end, and says what it holds.
async fn gather(
    data: &Path,
    store: &Store,
    row: &SourceRow,
    intake: Intake,
    format: Format,
    outcome: &mut Outcome,
) -> Result<Gathered, SourceError> {
    let importer = Importer::new(row.plan.about(), format, &intake.head);
    let (options, manner) = (row.plan.options(), importing::manner(format, None));
    let reading = Reading { intake, format, options, importer, manner };
    let first = &mut outcome.first_left_out;
    let mut tell = |heard: Heard<'_>| match heard {
        // What is fetched is no text that somebody pasted.
        Heard::Found(_) | Heard::PassedBy(_) => {}
        Heard::LeftOut(left_out) => {
            first.get_or_insert_with(|| left_out.to_string());
        }
    };
    let gathered = importing::gather(store, data, reading, &ProgressBar::hidden(), &mut tell).await;
    let gathered = gathered.map_err(|(error, _)| error)?;
    let Beside { left_out, clues, harmless, passed_over, words: _ } = gathered.beside;
    (outcome.found, outcome.left_out, outcome.clues) = (gathered.found, left_out, clues);
    (outcome.harmless, outcome.passed_over) = (harmless, passed_over);
    Ok(gathered)
}

async fn keep(store: &Store, id: i64, resume: Resume, entries: Option<u64>, done: &Outcome) -> Result<(), StoreError> {
    let Outcome { new, withdrawn, left_out, .. } = *done;
    let ended = Ended::TakenIn { resume, entries, new, withdrawn, left_out };
    store.source_fetched(id, &ended, clock::now()).await
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Whether something changes, or may.
fn is_news(extent: &Extent, outcome: &Outcome) -> bool {
    let may_withdraw = match extent {
        Extent::Unchanged | Extent::More | Extent::Whole => false,
        Extent::Events { read, gone, .. } => !read.is_empty() || !gone.is_empty(),
    };
    outcome.new > 0 || outcome.withdrawn > 0 || may_withdraw
}

/// What is taken in, in words, without any indicator and without a path that may hold a secret.
fn in_words(row: &SourceRow, origin: &Origin, outcome: &Outcome) -> String {
    let Outcome { found, new, .. } = outcome;
    let Origin { octets, sha256, format } = origin;
    format!(
        "taken in from {}: {octets} bytes, SHA-256 {sha256}, read as {format}; {found} indicators, {new} new",
        row.plan.host(),
    )
}

/// Of which events something is taken back: what those that were read do not say any more, and all that those said that are gone.
fn leaving(extent: Extent) -> Vec<Leaving> {
    match extent {
        Extent::Unchanged | Extent::More | Extent::Whole => Vec::new(),
        Extent::Events { read, gone, missing: _ } => {
            let read = read.into_iter().map(|name| Leaving { name, stays: true });
            let gone = gone.into_iter().map(|name| Leaving { name, stays: false });
            read.chain(gone).collect()
        }
    }
}
