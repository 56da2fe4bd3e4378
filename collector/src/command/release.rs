//! What every way to publish has in common: all that may be published compiled, or a list that is there without some of it; then
//! signed and kept, or left to wait for its signature.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use ed25519_dalek::SigningKey;
use varde_common::channel::ChannelName;
use varde_common::confidential::ConfidentialKey;
use varde_common::id::Revision;
use varde_common::indicator::Indicator;
use varde_common::list::{ContentHasher, is_shrunken};
use varde_common::matcher::{Builder, IndicatorSet, Seed};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_common::trust::{from_hex, hex, key_id};

use super::not_published::NotPublished;
use super::noted::{deed, list_in_force, publication};
use super::{duty, say};
use crate::audit::{Deed, On};
use crate::intel::changes;
use crate::intel::compile::{self, Compiled, Compiler, Making, Reach};
use crate::io::{cut_off, keys};
use crate::limits::{COMPILE_PAGE_ROWS, COMPILED_ANEW_MAX};
use crate::store::list::New;
use crate::store::objections::Objections;
use crate::store::onward::Onward;
use crate::store::pending::PendingFacts;
use crate::store::{Scope, Store, setting};

/// Indicators that a sentence names by their numbers.
const NUMBERS_NAMED: usize = 10;

/// Digits of a content's hash by which a draft is named: enough that nobody makes two of the same name by chance.
const DRAFT_DIGITS: usize = 16;

/// A list that could be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    /// What it holds and leaves out.
    pub(super) compiled: Compiled,
    /// Indicators up to this number are in it.
    pub(super) up_to_id: i64,
    /// With what is marked TLP:RED, as keyed hashes.
    pub(super) with_red: bool,
    /// What had been said against indicators before it was compiled; none = it is what another list held, and takes that one's place.
    pub(super) objections: Option<Objections>,
}

impl Draft {
    /// Its name: what it holds, and nothing else.
    pub(super) fn name(&self) -> &str {
        name(&self.compiled.content.blake3)
    }

    /// As sensors would have it.
    pub(super) fn set(&self) -> anyhow::Result<IndicatorSet> {
        Ok(IndicatorSet::open(std::sync::Arc::new(self.compiled.base.clone()))?)
    }
}

/// The name of the draft with this content.
pub(super) fn name(content: &str) -> &str {
    content.get(..DRAFT_DIGITS).unwrap_or(content)
}

/// Everything that may be published, compiled: of whole imports alone. One that is being taken in is waited for, and one that was cut off is
/// finished.
///
/// # Errors
/// That one cannot be; the database's own.
pub(super) async fn compile(store: &Store, include_red: bool, now: Timestamp) -> anyhow::Result<Draft> {
    for _ in 0..COMPILED_ANEW_MAX {
        cut_off::settle(store, &mut say::aside).await?;
        let before = store.indicator_change(Scope::Operator).await?;
        let draft = compile_now(store, include_red, now).await?;
        // It is read page by page: what has begun meanwhile may be in it by half.
        if store.indicator_change(Scope::Operator).await? == before {
            return Ok(draft);
        }
    }
    bail!(
        "what is said of indicators changes faster than a list can be made of it; try again when the imports are over"
    )
}

async fn compile_now(store: &Store, include_red: bool, now: Timestamp) -> anyhow::Result<Draft> {
    let objections = store.objections(Scope::Operator).await?;
    let (seed, key) = (Seed::from_octets(random()?), confidential_key(store).await?);
    let linter = store.linter(Scope::Operator, now).await?;
    let mut compiler = Compiler::new(now, Making { seed, key, include_red }, linter);
    let mut up_to_id = 0;
    loop {
        let rows = store.indicators_to_compile(Scope::Operator, up_to_id, COMPILE_PAGE_ROWS).await?;
        rows.iter().try_for_each(|row| compiler.take(row))?;
        match rows.last() {
            Some(last) => up_to_id = last.id,
            None => break,
        }
    }
    Ok(Draft { compiled: compiler.finish()?, up_to_id, with_red: include_red, objections })
}

/// What a list holds, without what is not `kept`. Nothing is read anew: what has been imported since is not in it.
pub(super) fn without(set: &IndicatorSet, kept: impl Fn(&Indicator) -> bool) -> anyhow::Result<Draft> {
    let mut indicators: Vec<Indicator> = set.indicators().filter(kept).collect();
    indicators.sort_by_key(|indicator| indicator.id);
    let mut builder = Builder::new(Seed::from_octets(random()?), set.confidential_key());
    let mut content = ContentHasher::default();
    for indicator in &indicators {
        builder.add(indicator.id, (&indicator.pattern).into(), &indicator.into())?;
        content.add(indicator);
    }
    let with_red = indicators.iter().any(|indicator| indicator.tlp == Tlp::Red);
    let up_to_id = indicators.last().map_or(0, |last| i64::try_from(last.id.0).unwrap_or(i64::MAX));
    let compiled = Compiled { base: builder.finish()?.into_octets(), content: content.finish(), ..Compiled::default() };
    Ok(Draft { compiled, up_to_id, with_red, objections: None })
}

/// Numbers of what a list holds and would not go out today: recalled, withdrawn, held back by lint, or marked more strictly by now
/// than it is in there.
pub(super) async fn kept_back(store: &Store, set: &IndicatorSet, now: Timestamp) -> anyhow::Result<BTreeSet<i64>> {
    let number = |one: &Indicator| i64::try_from(one.id.0).unwrap_or(i64::MAX);
    let mut left: HashMap<i64, bool> =
        set.indicators().map(|one| (number(&one), one.pattern.is_confidential())).collect();
    let with_red = set.indicators().any(|one| one.tlp == Tlp::Red);
    let linter = store.linter(Scope::Operator, now).await?;
    let mut after = 0;
    loop {
        let rows = store.indicators_to_compile(Scope::Operator, after, COMPILE_PAGE_ROWS).await?;
        for row in &rows {
            let Some(is_hidden) = left.get(&row.id) else { continue };
            let (Ok(pattern), Ok(tlp)) = (row.pattern.parse(), row.tlp.parse()) else { continue };
            let may_go = match compile::reach(tlp, &pattern, with_red) {
                Reach::Clear => true,
                Reach::Hashed => *is_hidden,
                Reach::Withheld | Reach::Unhidable => false,
            };
            if may_go && linter.holds(&pattern, row.of_url).is_none() {
                left.remove(&row.id);
            }
        }
        match rows.last() {
            Some(last) => after = last.id,
            None => return Ok(left.into_keys().collect()),
        }
    }
}

/// Whether an indicator is one of these.
pub(super) fn is_of(numbers: &BTreeSet<i64>, one: &Indicator) -> bool {
    i64::try_from(one.id.0).is_ok_and(|id| numbers.contains(&id))
}

/// Numbers in words, the first of them where there are many: no indicator is named where a log or a screen would keep it.
pub(super) fn numbered(numbers: &BTreeSet<i64>) -> String {
    let first: Vec<String> = numbers.iter().take(NUMBERS_NAMED).map(i64::to_string).collect();
    let more = numbers.len().saturating_sub(first.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}

/// The key that signs lists: the one that is named, or the collector's own; none = the duty key is somewhere else.
pub(super) fn list_key(data: &Path, named: Option<&Path>) -> anyhow::Result<Option<SigningKey>> {
    let own = data.join(keys::LIST_KEY);
    match named {
        Some(key) if !key.exists() => bail!(
            "the list key {} is not there; give the file that holds it with: varde-collector publish --key FILE",
            key.display()
        ),
        Some(key) => Ok(Some(keys::read_signing_key(key)?)),
        None if own.exists() => Ok(Some(keys::read_signing_key(&own)?)),
        None => Ok(None),
    }
}

/// For whom a list is, and what is said of it.
#[derive(Debug, Clone)]
pub(super) struct Release<'a> {
    /// For whom.
    pub(super) channel: ChannelName,
    /// It may hold much less than the one before.
    pub(super) allow_shrink: bool,
    /// What the audit says beside what it is.
    pub(super) said: &'a str,
    /// As which command it stands there.
    pub(super) what: &'static str,
    /// Who does it, where that is no person at a keyboard.
    pub(super) by: Option<&'a str>,
    /// What it means for the list that is on its way.
    pub(super) onward: Onward<'a>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Released {
    /// It is the newest list of its channel.
    Published(Revision),
    /// It waits for its signature; and what waited before does not.
    Waits(PendingFacts, Option<PendingFacts>),
}

/// Signs a list and keeps it as the newest of its channel, or lets it wait for a signature where no key is here.
///
/// # Errors
/// Why it is not published.
pub(super) async fn release(
    data: &Path,
    store: &Store,
    draft: &Draft,
    release: &Release<'_>,
    key: Option<&SigningKey>,
    now: Timestamp,
) -> anyhow::Result<Released> {
    let Release { channel, allow_shrink, said, what, by, onward } = release;
    let Draft { compiled, up_to_id, with_red, objections } = draft;
    let (_, root) = keys::read_root(data)?;
    let last = store.last_revision(Scope::Operator).await?;
    // A sensor that was away may have a larger one than the newest.
    let shrinks = *allow_shrink || is_shrunken(store.largest_list(Scope::Operator).await?, compiled.content.count);
    let whole = compile::manifest_of(compiled, channel, last, shrinks, now);
    let Some(key) = key else {
        let (facts, before) = duty::let_wait(store, compiled, &whole, (*up_to_id, said), (what, *by), *onward).await?;
        return Ok(Released::Waits(facts, before));
    };
    compile::sign(&whole, key, &root)?;
    let before = store.newest_list(Scope::Operator, channel).await?;
    let set = draft.set()?;
    let (manifest, changes) = match changes::since(&whole, &set, before.as_ref()) {
        Some((manifest, changes)) => (manifest, Some(changes)),
        None => (whole, None),
    };
    drop((before, set));
    let signed = compile::sign(&manifest, key, &root)?;
    let older_manifest =
        manifest.for_older(&compiled.base).map(|older| compile::sign(&older, key, &root)).transpose()?;
    let list = New {
        manifest: &manifest,
        signed: &signed,
        older_manifest: older_manifest.as_deref(),
        base: &compiled.base,
        changes: changes.as_ref(),
        up_to_id: *up_to_id,
        with_red: *with_red,
        objections: *objections,
    };
    let publishing = by_whom(deed(what, On::Thing(format!("list {}", manifest.revision))), *by)
        .was(list_in_force(store, channel).await?)
        .becomes(format!("published for {}, signed by {}{said}", publication(&manifest), key_id(&key.verifying_key())));
    let Some(forgotten) = store.noting(publishing).publish_onward(&list, *onward).await? else {
        return Err(NotPublished::Overtaken.into());
    };
    if forgotten {
        say::aside(
            "A list waited for a signature; it does not any more: its number is given now. Publish it again where it was for others.",
        );
    }
    Ok(Released::Published(manifest.revision))
}

/// A deed of whoever does it, where that is no person at a keyboard.
pub(super) fn by_whom(deed: Deed, by: Option<&str>) -> Deed {
    match by {
        Some(who) => Deed { who: who.to_owned(), ..deed },
        None => deed,
    }
}

/// Random octets of the system.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    Ok(octets)
}

/// What this collector hashes confidential indicators with.
async fn confidential_key(store: &Store) -> anyhow::Result<ConfidentialKey> {
    let kept = match store.setting(Scope::Operator, setting::CONFIDENTIAL_KEY).await? {
        Some(kept) => kept,
        None => store.setting_once(setting::CONFIDENTIAL_KEY, &hex(&random::<32>()?)).await?,
    };
    let key = from_hex(&kept)
        .context("the key of confidential indicators in the database cannot be read; restore a backup")?;
    Ok(ConfidentialKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::{self, InitArguments};
    use crate::intel::canonical::About;
    use crate::store::fixture;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn f2_a_list_without_one_of_its_indicators_is_the_list_that_never_had_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        for (list, tlp) in
            [("a.example\n=b.example:443\n192.0.2.0/24\n", Tlp::Amber), ("c.example\n", Tlp::AmberStrict)]
        {
            fixture::import(&store, list, &About { tlp: Some(tlp), ..About::default() }, NOW).await;
        }
        let whole = compile(&store, false, NOW).await.unwrap();
        let set = whole.set().unwrap();
        let same = without(&set, |_| true).unwrap();
        assert_eq!((same.compiled.content, same.up_to_id), (whole.compiled.content.clone(), 4));
        let taken = without(&set, |one| one.id.0 != 2).unwrap();
        let said = crate::store::recall::Said { who: "kari", reason: "falsk", by_itself: false };
        store.recall(&[2], said, NOW).await.unwrap();
        let anew = compile(&store, false, NOW).await.unwrap();
        assert_eq!(taken.compiled.content, anew.compiled.content);
        assert_ne!(taken.name(), whole.name(), "another draft, another name");
        // What is confidential is matched still.
        let mut met = Vec::new();
        let name = varde_common::name::DomainName::parse("x.c.example").unwrap();
        let taken = taken.set().unwrap();
        taken.match_name(name.as_name(), |place| met.extend(taken.indicator(place).map(|one| one.id.0)));
        assert_eq!(met, [4]);
    }
}
