//! `publish` where the list key is not on the collector (duty key): what waits for a signature, out and back in.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, bail};
use varde_common::channel::ChannelName;
use varde_common::id::{IndicatorId, Revision};
use varde_common::list::Manifest;
use varde_common::matcher::IndicatorSet;
use varde_common::tlp::Tlp;
use varde_common::trust::{Domain, read_unverified, sign};

use super::noted::{deed, list_in_force, noted, publication};
use super::publish::waiting;
use super::release::{self, by_whom};
use super::{say, sign as signing, staged};
use crate::audit::On;
use crate::intel::changes;
use crate::intel::compile::Compiled;
use crate::io::{clock, directory, keys, trust};
use crate::limits::SIGNED_FILE_MAX_OCTETS;
use crate::store::list::New;
use crate::store::onward::Onward;
use crate::store::pending::{Pending, PendingFacts};
use crate::store::rollout::RolloutFacts;
use crate::store::{Scope, Store};

const NOTHING: &str = "no list waits for a signature; make one with: varde-collector publish";

/// Lets a compiled list wait. Gives what waits now and what did before.
///
/// # Errors
/// The database's own.
pub(super) async fn let_wait(
    store: &Store,
    compiled: &Compiled,
    manifest: &Manifest,
    (up_to_id, said): (i64, &str),
    (what, by): (&'static str, Option<&str>),
    onward: Onward<'_>,
) -> anyhow::Result<(PendingFacts, Option<PendingFacts>)> {
    if let Some(there) = store.pending(Scope::Operator).await? {
        // It says the same: a signature that is on its way stays good.
        let waits = read_unverified::<Manifest>(&there.manifest).ok().map(|(waits, _)| waits);
        if waits.is_some_and(|waits| {
            waits.revision == manifest.revision
                && waits.content_blake3 == manifest.content_blake3
                && waits.shrinks == manifest.shrinks
                && waits.channel == manifest.channel
        }) {
            store.go_onward(onward, there.facts.revision, true, manifest.created).await?;
            return Ok((there.facts, None));
        }
    }
    let ids = |set: &IndicatorSet| -> HashSet<IndicatorId> { set.indicators().map(|one| one.id).collect() };
    let whole = IndicatorSet::open(std::sync::Arc::new(compiled.base.clone()))?;
    let ours = ids(&whole);
    let channel = manifest.channel.parse().unwrap_or_default();
    let in_force = store.newest_list(Scope::Operator, &channel).await?;
    let theirs = in_force.as_ref().and_then(|list| list.set().ok()).map(|set| ids(&set)).unwrap_or_default();
    let (manifest, changes) = match changes::since(manifest, &whole, in_force.as_ref()) {
        Some((manifest, changes)) => (manifest, Some(changes)),
        None => (manifest.clone(), None),
    };
    drop((in_force, whole));
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let facts = PendingFacts {
        revision: i64::try_from(manifest.revision.0).unwrap_or(i64::MAX),
        count: number(ours.len()),
        added: number(ours.difference(&theirs).count()),
        removed: number(theirs.difference(&ours).count()),
        prepared_at: manifest.created,
    };
    let unsigned = sign(Domain::List, &manifest, &[])?;
    let older_manifest = manifest.for_older(&compiled.base).map(|older| sign(Domain::List, &older, &[])).transpose()?;
    let pending =
        Pending { facts, channel, manifest: unsigned, older_manifest, base: compiled.base.clone(), changes, up_to_id };
    let preparing = by_whom(deed(what, On::Thing(format!("list {}", manifest.revision))), by)
        .was(list_in_force(store, &pending.channel).await?)
        .becomes(format!("waits for a signature, for {}{said}", publication(&manifest)));
    let before = store.noting(preparing).let_wait(&pending, onward).await?;
    Ok((facts, before))
}

/// Writes what is to be signed into a file.
///
/// # Errors
/// When nothing waits.
pub(super) async fn export(store: &Store, file: &Path) -> anyhow::Result<()> {
    let Some(pending) = store.pending(Scope::Operator).await? else { bail!(NOTHING) };
    let parts: Vec<&[u8]> = [&pending.manifest].into_iter().chain(&pending.older_manifest).map(Vec::as_slice).collect();
    let exporting = deed("publish", On::Thing(format!("list {} that waits for a signature", pending.revision())))
        .becomes(format!("written to be signed: {}", file.display()));
    noted(store, exporting, async { signing::write(file, &signing::together(&parts)) }).await?;
    say::result(&waiting(&pending.facts))?;
    say::aside(&format!(
        "Wrote {f}: it holds numbers and hashes, no indicator. Where the list key is: varde-collector sign {f} --key KEY",
        f = file.display()
    ));
    Ok(())
}

/// Takes a signed file back and publishes what waits. Gives its number and how many indicators it has.
///
/// # Errors
/// Why it is not published; it goes on waiting.
pub(super) async fn accept(data: &Path, store: &Store, file: &Path) -> anyhow::Result<(Revision, u64)> {
    let octets = directory::read(file, SIGNED_FILE_MAX_OCTETS)?;
    let Some(pending) = store.pending(Scope::Operator).await? else { bail!(NOTHING) };
    let (_, root) = keys::read_root(data)?;
    let unsigned = [&pending.manifest].into_iter().chain(&pending.older_manifest);
    let parts = signing::apart(&octets);
    let mut verified = Vec::new();
    for part in &parts {
        let read = Manifest::verify(part, &root);
        verified.push(read.map_err(|why| anyhow::anyhow!("every sensor would refuse this list: {why}; let a list key of root.json sign it (varde-collector root show)"))?);
    }
    let mut waits = Vec::new();
    for part in unsigned {
        waits.push(read_unverified::<Manifest>(part).context("what waits cannot be read")?.0);
    }
    let (Some(signed), Some(wanted), Some(octets)) = (verified.first(), waits.first(), parts.first()) else {
        bail!("{} is empty; export again", file.display())
    };
    if verified != waits {
        bail!(
            "{} is list {} of {}, and list {} of {} waits: another has taken its place; export again and let that be signed",
            file.display(),
            signed.revision,
            signed.created,
            wanted.revision,
            wanted.created
        );
    }
    let objections = store.objections(Scope::Operator).await?;
    refuse_held(store, &pending).await?;
    let list = New {
        manifest: signed,
        signed: octets,
        older_manifest: parts.get(1).copied(),
        base: &pending.base,
        changes: pending.changes.as_ref(),
        up_to_id: pending.up_to_id,
        with_red: holds_red(&pending)?,
        objections,
    };
    let (_, signers) = read_unverified::<Manifest>(octets)?;
    let red = if list.with_red { ", with what is marked TLP:RED" } else { "" };
    let publishing = deed("publish", On::Thing(format!("list {}", signed.revision)))
        .was(list_in_force(store, &pending.channel).await?)
        .becomes(format!("published for {}, signed by {}{red}", publication(signed), signers.join(", ")));
    // Whatever else waits for all ends what is on its way when it begins to wait: while one stands, this is that one.
    let standing = store.rollout_facts(Scope::Operator).await?.filter(|facts| facts.all_at.is_none());
    let onward = standing.filter(|_| pending.channel.is_all()).map_or(Onward::Keeps, |facts| Onward::Goes(facts.id));
    if store.noting(publishing).publish_onward(&list, onward).await?.is_none() {
        bail!(
            "in this moment a list with that number was published, or something was recalled, allowed or judged: nothing is published. Accept it again; where another list has its number, publish again and let that be signed"
        );
    }
    Ok((pending.revision(), signed.count))
}

/// That a list holds nothing that would not go out today; one that does is called off, or its signature would stand in the way of the
/// next. What all have already is no reason, but for what was recalled: the list that waits may be the one that takes other things out.
async fn refuse_held(store: &Store, pending: &Pending) -> anyhow::Result<()> {
    let whole = IndicatorSet::open(std::sync::Arc::new(pending.base.clone()))?;
    let mut held = release::kept_back(store, &whole, clock::now()).await?;
    if held.is_empty() {
        return Ok(());
    }
    let recalled = store.standing_recalls(Scope::Operator).await?;
    let mut in_force = HashSet::new();
    for channel in [&pending.channel, &ChannelName::default()] {
        in_force.extend(staged::in_force(store, channel).await?.indicators().map(|one| one.id.0));
    }
    held.retain(|id| {
        !u64::try_from(*id).is_ok_and(|id| in_force.contains(&id))
            || recalled.iter().any(|(recalled, _, _)| recalled == id)
    });
    if held.is_empty() {
        return Ok(());
    }
    let (revision, numbers) = (pending.revision(), release::numbered(&held));
    let refusing = deed("publish", On::Thing(format!("list {revision} that waits for a signature"))).becomes(format!(
        "not published, and waits no more: it holds indicators {numbers}, which go into no list by now"
    ));
    store.noting(refusing).forget_pending().await?;
    bail!(
        "list {revision} holds what was recalled, withdrawn or held back by lint after it began to wait (indicators {numbers}): nothing is published, and it does not wait any more. Make one without: varde-collector publish"
    )
}

/// Whether what waits was made with what is marked TLP:RED. Its base is all of it, also where the manifest is of changes over another.
fn holds_red(pending: &Pending) -> anyhow::Result<bool> {
    let whole = IndicatorSet::open(std::sync::Arc::new(pending.base.clone()))?;
    Ok(whole.indicators().any(|indicator| indicator.tlp == Tlp::Red))
}

/// Says which mode this is, what waits, and what is on its way.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn status(data: &Path, store: &Store, json: bool) -> anyhow::Result<()> {
    let online = trust::has_list_key(data)?;
    let pending = store.pending_facts(Scope::Operator).await?;
    let (sensors, members) = store.pilot_group(Scope::Operator).await?;
    let rollouts = store.rollouts(Scope::Operator).await?;
    if json {
        let mode = if online { "online" } else { "duty" };
        let pilot = serde_json::json!({ "sensors": sensors, "members": members });
        let said = serde_json::json!({ "list_key": mode, "pending": pending, "pilot": pilot, "rollouts": rollouts });
        return say::result(&said.to_string());
    }
    say::result(match online {
        true => "Online list key: publish signs here, and whoever takes over this machine can publish.",
        false => "Duty key: the list key is not here; publish lets a list wait, and an analyst's own machine signs it.",
    })?;
    say::result(&pending.map_or_else(|| "No list waits for a signature.".to_owned(), |pending| waiting(&pending)))?;
    say::result(&match sensors {
        0 => "There is no pilot group: what is published goes to everybody at once.".to_owned(),
        sensors => format!("The pilot group is {sensors} sensors of {members} members."),
    })?;
    if let Some(newest) = rollouts.first() {
        say::result(&format!("List {}: {}", newest.pilot_revision, on_its_way(newest)))?;
    }
    Ok(())
}

/// How a list on its way fares, in a sentence.
pub(super) fn on_its_way(facts: &RolloutFacts) -> String {
    let RolloutFacts {
        pilot_at,
        pilot_heard,
        all_revision,
        ended_why,
        stopped_on,
        stopped_why,
        passed_at,
        urgent_why,
        ..
    } = facts;
    if let (Some(indicator), Some(at)) = (stopped_on, passed_at) {
        return format!(
            "it stopped by itself, on indicator {indicator}; since {at} somebody has published after it, or has lifted that."
        );
    }
    if let Some(indicator) = stopped_on {
        return format!(
            "STOPPED: indicator {indicator} {}. It is counted only and kept out of every list; nothing more goes out until somebody has looked: varde-collector draft show, then varde-collector publish. Were it right after all: varde-collector recall lift {indicator} --reason TEXT",
            stopped_why.as_deref().unwrap_or_default()
        );
    }
    if let Some(why) = urgent_why {
        return format!("URGENT, to everybody at once: {}", say::printable(why.clone()));
    }
    match (ended_why.as_deref(), all_revision, pilot_at) {
        (Some("done"), Some(revision), _) => format!("it went to all as list {revision}, and hit nothing too often."),
        (Some(_), Some(revision), _) => format!("it went to all as list {revision}."),
        (Some(_), None, _) => "another list has taken its place before it went to all.".to_owned(),
        (None, Some(revision), _) => format!("it went to all as list {revision}, and is watched there."),
        (None, None, Some(_)) if *pilot_heard == 0 => {
            "it waits: no sensor of the pilot group that has it in force is connected, so nobody can say what it hits. See: varde-collector pilot list. Without a group: varde-collector publish".to_owned()
        }
        (None, None, Some(since)) => format!("in force at the pilot group since {since}; then it goes to all."),
        (None, None, None) => "no sensor of the pilot group has it in force yet.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::{self, InitArguments};
    use crate::command::publish::{Outcome, Wanted, publish};
    use crate::command::sign::SignArguments;
    use crate::intel::canonical::About;
    use crate::store::fixture;
    use varde_common::time::Timestamp;
    use varde_common::trust::add_signature;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn t8_without_the_list_key_a_list_waits_and_only_its_own_signed_manifest_publishes_it() {
        let dir = tempfile::tempdir().unwrap();
        let (data, away, file) = (dir.path().join("c"), dir.path().join("duty.key"), dir.path().join("waiting"));
        init::run(&data, InitArguments::default()).await.unwrap();
        std::fs::rename(data.join(keys::LIST_KEY), &away).unwrap();
        let store = Store::open(&data).await.unwrap();
        let import = async |text: &str| fixture::import(&store, text, &About::default(), NOW).await;
        assert!(export(&store, &file).await.unwrap_err().to_string().contains("no list waits"));
        import("a.example\nb.example\n").await;
        let wait = async |at: i64| match publish(&data, &store, Wanted::default(), Timestamp(NOW.0 + at)).await.unwrap()
        {
            Outcome::Waits { facts, before, .. } => (facts, before),
            other => panic!("{other:?}"),
        };
        let (first, before) = wait(1).await;
        assert_eq!((first.revision, first.count, first.added, first.removed, before), (1, 2, 2, 0, None));
        assert_eq!(store.newest_revision(Scope::Operator).await.unwrap(), Revision(0), "nothing is in force");
        export(&store, &file).await.unwrap();
        let unsigned = std::fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&unsigned).contains("example"), "numbers and hashes");
        assert!(accept(&data, &store, &file).await.unwrap_err().to_string().contains("0 of 1"));
        let key = keys::read_signing_key(&away).unwrap();
        let signed = add_signature(Domain::List, &unsigned, &key).unwrap();
        assert_eq!(wait(2).await, (first, None), "the same again waits as it was");
        // A newer one takes its place: the signature of before is for another.
        import("c.example\n").await;
        let (second, before) = wait(3).await;
        assert_eq!((second.revision, second.count, before), (1, 3, Some(first)));
        std::fs::write(&file, &signed).unwrap();
        assert!(accept(&data, &store, &file).await.unwrap_err().to_string().contains("another has taken its place"));
        export(&store, &file).await.unwrap();
        let signed = add_signature(Domain::List, &std::fs::read(&file).unwrap(), &key).unwrap();
        std::fs::write(&file, &signed).unwrap();
        assert_eq!(accept(&data, &store, &file).await.unwrap(), (Revision(1), 3));
        assert_eq!(
            store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap().manifest,
            signed
        );
        assert!(accept(&data, &store, &file).await.unwrap_err().to_string().contains("no list waits"));
        assert!(matches!(publish(&data, &store, Wanted::default(), NOW).await.unwrap(), Outcome::Unchanged { .. }));
        // One that shrinks is signed twice in one file: as sensors of today read it, and as those from before do.
        let allow = Wanted { allow_shrink: true, ..Wanted::default() };
        assert!(matches!(publish(&data, &store, allow, NOW).await.unwrap(), Outcome::Waits { .. }));
        export(&store, &file).await.unwrap();
        signing::run(&data, &SignArguments { file: file.clone(), key: away.clone(), yes: true }).await.unwrap();
        let both = std::fs::read(&file).unwrap();
        assert_eq!(signing::apart(&both).len(), 2);
        std::fs::write(&file, signing::apart(&both)[0]).unwrap();
        assert!(accept(&data, &store, &file).await.is_err(), "half of it");
        std::fs::write(&file, &both).unwrap();
        assert_eq!(accept(&data, &store, &file).await.unwrap(), (Revision(2), 3));
        let list = store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap();
        let root = keys::read_root(&data).unwrap().1;
        let older = Manifest::verify(&list.older_manifest.unwrap(), &root).unwrap();
        let newest = Manifest::verify(&list.manifest, &root).unwrap();
        assert_eq!((older.shrinks, older.count, &older.content_blake3), (false, newest.count, &newest.content_blake3));
        assert!(newest.overlay.is_some() && older.overlay.is_none(), "nothing has changed but what is said");
        assert!(newest.shrinks);
    }

    #[tokio::test]
    async fn t7a_what_waits_with_red_in_it_is_noted_as_published_once_it_is_signed_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let (data, away, file) = (dir.path().join("c"), dir.path().join("duty.key"), dir.path().join("waiting"));
        init::run(&data, InitArguments::default()).await.unwrap();
        std::fs::rename(data.join(keys::LIST_KEY), &away).unwrap();
        let store = Store::open(&data).await.unwrap();
        let about = About { tlp: Some(Tlp::Red), ..About::default() };
        fixture::import(&store, "red.example\n", &about, NOW).await;
        let nothing = publish(&data, &store, Wanted::default(), NOW).await.unwrap();
        assert!(matches!(nothing, Outcome::Unchanged { revision: Revision(0), .. }), "{nothing:?}");
        let published = async || store.indicator_rows(Scope::Operator).await.unwrap()[0].published_in;
        let red = Wanted { include_red: true, ..Wanted::default() };
        assert!(matches!(publish(&data, &store, red, NOW).await.unwrap(), Outcome::Waits { .. }));
        assert_eq!(published().await, None);
        export(&store, &file).await.unwrap();
        let key = keys::read_signing_key(&away).unwrap();
        let signed = add_signature(Domain::List, &std::fs::read(&file).unwrap(), &key).unwrap();
        std::fs::write(&file, signed).unwrap();
        assert_eq!(accept(&data, &store, &file).await.unwrap(), (Revision(1), 1));
        assert_eq!(published().await, Some(1));
    }
}
