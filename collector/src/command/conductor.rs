//! What the running collector does with a list that is on its way from the pilot group to all: looks how it fares, lets it go on, or
//! stops it and takes out what hit too much. All it goes by is in the database, so that a start at any moment goes on where the last
//! one was.

use std::path::Path;

use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::list::Manifest;
use varde_common::time::Timestamp;
use varde_common::trust::read_unverified;

use super::noted::deed;
use super::recall::{brake_at_once, take_out};
use super::release::{self, Draft, Release, Released, by_whom};
use super::{sentence, staged};
use crate::audit::On;
use crate::control::Poke;
use crate::intel::compile::Compiled;
use crate::io::clock;
use crate::io::control::poke;
use crate::limits::rollout::ROLLOUT_LOOKED_AT_EVERY;
use crate::rollout::{Bounds, Next, Stage, TooMuch, next};
use crate::store::recall::Said;
use crate::store::rollout::Rollout;
use crate::store::{Scope, Store};
use varde_common::list::Content;

/// As whom what it does stands in the audit.
const WHO: &str = "varde-collector";

/// Looks again and again.
pub(super) async fn go_on(data: &Path, store: Store, bounds: Bounds) {
    let mut said = String::new();
    loop {
        tokio::time::sleep(ROLLOUT_LOOKED_AT_EVERY).await;
        match look(data, &store, &bounds, clock::now()).await {
            Ok(()) => said.clear(),
            Err(error) => {
                // The same again each second would fill the log.
                let words = sentence(&error);
                if words != said {
                    tracing::error!("a list on its way to all stands still: {words}");
                    said = words;
                }
            }
        }
    }
}

/// Does what is to be done by now.
async fn look(data: &Path, store: &Store, bounds: &Bounds, now: Timestamp) -> anyhow::Result<()> {
    let Some(rollout) = store.rollout(Scope::Operator).await? else { return follow_up(data, store, now).await };
    let facts = &rollout.facts;
    if facts.all_at.is_none() {
        // Signed meanwhile, or published in the moment before a crash.
        let for_all = newest(store, &ChannelName::default()).await?;
        if let Some((revision, _)) = for_all.filter(|(_, content)| *content == facts.draft) {
            return Ok(store.rollout_to_all(facts.id, revision, now).await?);
        }
    }
    let Some(stage) = store.rollout_stage(Scope::Operator, facts).await? else {
        tracing::warn!(
            list = facts.pilot_revision,
            "another list took the number of one on its way, which goes no further"
        );
        store.end_rollout("superseded", now).await?;
        return Ok(());
    };
    let at_pilot = match stage {
        Stage::Unsigned | Stage::Sent => return Ok(()),
        Stage::Pilot(_) => true,
        Stage::All(_) => false,
    };
    let (hits, able) = store.rollout_hits(Scope::Operator, facts.pilot_revision, at_pilot, &rollout.added).await?;
    match next(stage, &hits, able, bounds, now) {
        Next::Wait => Ok(()),
        Next::ToAll => to_all(data, store, &rollout, now).await,
        Next::Stop(too_much) => stop(data, store, &rollout, too_much, now).await,
        Next::Done => {
            tracing::info!(list = facts.all_revision, "a list has been for all long enough, and hit nothing too often");
            store.end_rollout("done", now).await?;
            Ok(())
        }
    }
}

/// The number of the newest list of a channel, and the hash of what it holds.
async fn newest(store: &Store, channel: &ChannelName) -> anyhow::Result<Option<(Revision, String)>> {
    let newest = store.newest_manifest(Scope::Operator, channel).await?;
    Ok(newest.and_then(|(revision, octets)| {
        read_unverified::<Manifest>(&octets).ok().map(|(manifest, _)| (revision, manifest.content_blake3))
    }))
}

/// Its time at the pilot group is over: what it holds goes to all, whatever was imported meanwhile.
async fn to_all(data: &Path, store: &Store, rollout: &Rollout, now: Timestamp) -> anyhow::Result<()> {
    let (all, facts) = (ChannelName::default(), &rollout.facts);
    let key = release::list_key(data, None)?;
    if key.is_none() && store.pending_facts(Scope::Operator).await?.is_some() {
        // It waits for its signature, or for another list's: one at a time.
        return Ok(());
    }
    let content = Content { count: u64::try_from(facts.count).unwrap_or(0), blake3: facts.draft.clone() };
    let compiled = Compiled { base: rollout.base.clone(), content, ..Compiled::default() };
    let draft = Draft { compiled, up_to_id: rollout.up_to_id, with_red: rollout.with_red };
    let said = format!(" (list {} was at the pilot group before)", facts.pilot_revision);
    let release = Release { channel: all, allow_shrink: rollout.shrinks, said: &said, what: "publish", by: Some(WHO) };
    match release::release(data, store, &draft, &release, key.as_ref(), now).await? {
        Released::Published(revision) => {
            store.rollout_to_all(facts.id, revision, now).await?;
            tracing::info!(list = revision.0, "the pilot group has had it long enough: it goes to all");
            poke(data, Poke::List).await;
        }
        Released::Waits(waits, _) => {
            tracing::info!(
                list = waits.revision,
                "the pilot group has had it long enough: for all it waits for a signature"
            );
        }
    }
    Ok(())
}

/// One indicator hit too much: it is counted only from now on, and kept out of every list; nothing more goes out by itself.
async fn stop(data: &Path, store: &Store, rollout: &Rollout, too_much: TooMuch, now: Timestamp) -> anyhow::Result<()> {
    let (facts, indicator) = (&rollout.facts, too_much.hit.indicator);
    let (words, list) = (too_much.words(), facts.pilot_revision);
    tracing::warn!(list, indicator, "stopped: it {words}");
    // First what helps those who are called out of bed. Without a brake key the list is what is left.
    // Members read the reason: no numbers, which may tell of other members.
    let reason = format!("liste {list} stoppet av seg selv: indikatoren traff for mange");
    if let Err(error) = brake_at_once(data, store, &[indicator], &reason).await {
        tracing::warn!(
            "it could not be braked, so sensors tell of it until they have a list without it: {}",
            sentence(&error)
        );
    }
    let said = Said { who: WHO, reason: &words, by_itself: true };
    let stopping = by_whom(deed("publish", On::Thing(format!("list {list}"))), Some(WHO))
        .was("on its way from the pilot group to all")
        .becomes(format!("stopped: indicator {indicator} {words}; kept out of every list"));
    store.noting(stopping).stop_rollout(facts.id, indicator, said, now).await?;
    // A list that waits for its signature takes nobody's place.
    if release::list_key(data, None)?.is_some() {
        take_out(data, store, &[indicator], Some(WHO)).await?;
        poke(data, Poke::List).await;
    }
    Ok(())
}

/// Where none is on its way: the pilot group is never behind all others.
async fn follow_up(data: &Path, store: &Store, now: Timestamp) -> anyhow::Result<()> {
    let (all, pilot) = (ChannelName::default(), staged::pilot());
    let numbers = store.newest_revisions(Scope::Operator).await?;
    let number = |of: &ChannelName| numbers.iter().find(|(channel, _)| channel == of).map(|(_, revision)| *revision);
    let (Some(for_all), Some(at_pilot)) = (number(&all), number(&pilot)) else { return Ok(()) };
    if at_pilot > for_all || store.pending_facts(Scope::Operator).await?.is_some() {
        return Ok(());
    }
    let (Some((_, theirs)), Some((_, ours))) = (newest(store, &all).await?, newest(store, &pilot).await?) else {
        return Ok(());
    };
    if theirs == ours || store.pilot_group(Scope::Operator).await?.0 == 0 {
        return Ok(());
    }
    let draft = release::without(&staged::in_force(store, &all).await?, |_| true)?;
    let release =
        Release { channel: pilot, allow_shrink: true, said: " (as all have it)", what: "publish", by: Some(WHO) };
    let key = release::list_key(data, None)?;
    if let Released::Published(_) = release::release(data, store, &draft, &release, key.as_ref(), now).await? {
        poke(data, Poke::List).await;
    }
    Ok(())
}
