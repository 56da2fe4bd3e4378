//! What pages show and do of intelligence: by the same functions as the commands, so that there is one rule and one refusal.

use varde_common::id::Revision;
use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;

pub use super::draft::DraftView;
use super::indicator_show::hide;
pub use super::indicator_standing::Standing;
use super::indicator_standing::Standings;
use super::publish::{Outcome, PublishArguments};
use super::{lint, say, staged};
use crate::control::Poke;
use crate::intel::hidden::{self, is_secret};
use crate::intel::lint::Level;
use crate::io::control::poke;
use crate::io::sources::Conduct;
use crate::store::allow::AllowedRow;
use crate::store::indicator_said::IndicatorSaid;
use crate::store::lint::OverrideRow;
use crate::store::{Scope, Store};

/// Something that lint says of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The rule, with the list where there is one.
    pub key: String,
    /// Why; of what is for few what lint met may be all of it, so the rule alone is told.
    pub why: Option<String>,
    /// It keeps the indicator out of lists, unless that is overridden.
    pub holds: bool,
    /// A person may say that it goes out all the same.
    pub can_be_overridden: bool,
    /// A person has.
    pub is_overridden: bool,
}

/// All that is known of one indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What it is and who says so; what is for few is left out of it.
    pub said: IndicatorSaid,
    /// Whether sensors look for it.
    pub standing: Standing,
    /// What lint says.
    pub lint: Vec<Said>,
    /// What was overridden of it, the newest first.
    pub overrides: Vec<OverrideRow>,
    /// What of the allow-list stands in its way.
    pub allowed: Vec<AllowedRow>,
}

/// All that is known of one indicator; none where there is none.
///
/// # Errors
/// The database's own, and that a list in it is not what was signed.
pub async fn examine(store: &Store, id: i64, now: Timestamp) -> anyhow::Result<Option<Examined>> {
    let Some(mut said) = store.indicator_said(Scope::Operator, id).await? else { return Ok(None) };
    let standings = Standings::of_rows(store, std::slice::from_ref(&said.indicator), now).await?;
    let standing = standings.of(&said.indicator);
    let tlp = hidden::read(&said.indicator.tlp);
    let pattern: Option<Pattern> = said.indicator.indicator.parse().ok();
    let (mut lint, mut overrides, mut allowed) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(pattern) = &pattern {
        let linter = standings.linter();
        for finding in linter.findings(pattern, said.indicator.of_url) {
            lint.push(Said {
                key: finding.key(),
                why: (!is_secret(tlp)).then(|| finding.to_string()),
                holds: finding.level.holds(),
                can_be_overridden: finding.level != Level::Annotate && finding.can_be_overridden(),
                is_overridden: linter.overrides(pattern, &finding),
            });
        }
        let is_it = |known: Option<(i64, _)>| known.is_some_and(|(known, _)| known == id);
        overrides = store.override_rows(Scope::Operator, now).await?;
        overrides.retain(|row| is_it(row.known));
        allowed = store.allowed_rows(Scope::Operator, now).await?;
        allowed.retain(|row| is_it(row.known));
    }
    if is_secret(tlp) {
        hide(&mut said);
    }
    Ok(Some(Examined { said, standing, lint, overrides, allowed }))
}

/// A reason as commands take it.
///
/// # Errors
/// What would be right.
pub fn reason(text: &str) -> Result<String, String> {
    say::reason(text)
}

/// The same of what is said in spite of lint.
///
/// # Errors
/// What would be right.
pub fn lint_reason(text: &str) -> Result<String, String> {
    lint::reason(text)
}

/// The end of a day, as commands take one.
///
/// # Errors
/// What would be right.
pub fn day(text: &str) -> Result<Timestamp, String> {
    lint::until(text)
}

/// Takes an indicator out of every list, as `recall` does.
///
/// # Errors
/// Why it is not done.
pub async fn recall(store: &Store, indicator: &str, reason: &str) -> anyhow::Result<()> {
    super::recall::recall(store.directory(), store, &[indicator.to_owned()], reason).await
}

/// Has an indicator go out in spite of lint, as `lint override` does.
///
/// # Errors
/// Why it is not done.
pub async fn override_lint(
    store: &Store,
    indicator: &str,
    (reason, until): (&str, Timestamp),
    now: Timestamp,
) -> anyhow::Result<()> {
    let (indicator, reason, until) = (indicator.to_owned(), Some(reason.to_owned()), Some(until));
    lint::override_one(store, lint::OverrideArguments { indicator, reason, until, end: false }, now).await
}

/// What the next list would change, noted as shown.
///
/// # Errors
/// That it cannot be compiled, or not be noted.
pub async fn draft(store: &Store, now: Timestamp) -> anyhow::Result<DraftView> {
    super::draft::shown(store, false, now).await
}

/// Notes that a draft was looked through, as `draft review` does.
///
/// # Errors
/// That it is another by now.
pub async fn review(store: &Store, draft: &str, reason: &str) -> anyhow::Result<()> {
    super::draft::review(store, draft, reason, false).await
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is published, under this number.
    Published(u64),
    /// It waits for its signature, under this number.
    Waits(i64),
    /// There is nothing new in it.
    Unchanged,
}

/// Publishes a draft, or lets it wait for its signature, as `publish --draft` does.
///
/// # Errors
/// Why not; [`super::not_published::NotPublished`] where it is one of those.
pub async fn publish(store: &Store, draft: &str, allow_shrink: bool, now: Timestamp) -> anyhow::Result<Became> {
    let data = store.directory();
    let draft = Some(draft.to_owned());
    let arguments = PublishArguments { draft, allow_shrink, ..PublishArguments::default() };
    let outcome = staged::publish(data, store, &arguments, now).await?;
    let became = match outcome {
        Some(Outcome::Published { revision, .. }) => Became::Published(revision.0),
        Some(Outcome::Waits { facts, .. }) => Became::Waits(facts.revision),
        Some(Outcome::Unchanged { .. }) | None => return Ok(Became::Unchanged),
    };
    poke(data, Poke::List).await;
    Ok(became)
}

/// Whether publishing here signs at once: the list key lies on this collector.
///
/// # Errors
/// A key that cannot be read.
pub fn signs_here(store: &Store) -> anyhow::Result<bool> {
    Ok(super::release::list_key(store.directory(), None)?.is_some())
}

/// Lets a source rest since then, or has it fetched again, as `source pause` and `source resume` do.
///
/// # Errors
/// There is none of that name; the database's own.
pub async fn pause_source(store: &Store, name: &str, since: Option<Timestamp>) -> anyhow::Result<()> {
    super::source::pause(store, name, since).await
}

/// Fetches a source now, as `source fetch` does; `release_held` = whatever much of what it said goes. It may take as long as its plan says.
///
/// # Errors
/// Why it is not fetched, or is held.
pub async fn fetch_source(store: &Store, name: &str, release_held: bool) -> anyhow::Result<()> {
    let conduct = Conduct { dry_run: false, release_held, deed: None };
    super::source::fetch(store.directory(), store, name, conduct, false).await
}

/// What the list before the newest held is in force again, as by `recall --list`, where the newest is the one that was looked at.
///
/// # Errors
/// Why it is not done; [`crate::store::recall::NotRecalled::Newer`] where it is another.
pub async fn recall_list(store: &Store, shown: Revision, reason: &str) -> anyhow::Result<()> {
    super::recall::recall_list(store.directory(), store, Some(shown), reason).await
}

/// Lets an indicator into lists again, as `recall lift` does.
///
/// # Errors
/// Why it is not done.
pub async fn lift(store: &Store, indicator: &str, reason: &str) -> anyhow::Result<()> {
    super::recall::lift(store.directory(), store, &[indicator.to_owned()], reason).await
}
