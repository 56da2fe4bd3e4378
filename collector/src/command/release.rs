//! What every way to publish has in common: all that may be published compiled, or a list that is there without some of it; then
//! signed and kept, or left to wait for its signature.

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
use varde_common::trust::{from_hex, hex, key_id};

use super::noted::{deed, list_in_force, publication};
use super::{duty, say};
use crate::audit::{Deed, On};
use crate::intel::changes;
use crate::intel::compile::{self, Compiled, Compiler, Making};
use crate::io::keys;
use crate::limits::COMPILE_PAGE_ROWS;
use crate::store::list::New;
use crate::store::pending::PendingFacts;
use crate::store::{Scope, Store, setting};

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

/// Everything that may be published, compiled.
pub(super) async fn compile(store: &Store, include_red: bool, now: Timestamp) -> anyhow::Result<Draft> {
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
    Ok(Draft { compiled: compiler.finish()?, up_to_id, with_red: include_red })
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
    let with_red = indicators.iter().any(|indicator| indicator.tlp == varde_common::tlp::Tlp::Red);
    let up_to_id = indicators.last().map_or(0, |last| i64::try_from(last.id.0).unwrap_or(i64::MAX));
    let compiled = Compiled { base: builder.finish()?.into_octets(), content: content.finish(), ..Compiled::default() };
    Ok(Draft { compiled, up_to_id, with_red })
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
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Released {
    /// It is the newest list of its channel.
    Published(Revision),
    /// It waits for its signature; and what waited before does not.
    Waits(PendingFacts, Option<PendingFacts>),
}

impl Released {
    /// Its number, given or to be given.
    pub(super) fn revision(&self) -> i64 {
        match self {
            Released::Published(revision) => i64::try_from(revision.0).unwrap_or(i64::MAX),
            Released::Waits(facts, _) => facts.revision,
        }
    }
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
    let Release { channel, allow_shrink, said, what, by } = release;
    let Draft { compiled, up_to_id, with_red } = draft;
    let (_, root) = keys::read_root(data)?;
    let last = store.last_revision(Scope::Operator).await?;
    // A sensor that was away may have a larger one than the newest.
    let shrinks = *allow_shrink || is_shrunken(store.largest_list(Scope::Operator).await?, compiled.content.count);
    let whole = compile::manifest_of(compiled, channel, last, shrinks, now);
    let Some(key) = key else {
        let (facts, before) = duty::let_wait(store, compiled, &whole, (*up_to_id, said), (what, *by)).await?;
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
    };
    let publishing = by_whom(deed(what, On::Thing(format!("list {}", manifest.revision))), *by)
        .was(list_in_force(store, channel).await?)
        .becomes(format!("published for {}, signed by {}{said}", publication(&manifest), key_id(&key.verifying_key())));
    if !store.noting(publishing).publish_list(&list).await? {
        bail!("somebody else published in this moment; run it again to publish what has changed since");
    }
    if store.forget_pending().await? {
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
    use varde_common::tlp::Tlp;

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
