//! `publish` where there is a pilot group: to it first, then to all by itself; and `publish --now`, to everybody at once with a
//! written reason.

use std::path::Path;

use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::list::{CHANNEL_PILOT, Content, Manifest};
use varde_common::matcher::IndicatorSet;
use varde_common::time::Timestamp;
use varde_common::trust::read_unverified;

use super::not_published::NotPublished;
use super::noted::{as_said, deed};
use super::publish::{Outcome, PublishArguments, guard, put_out};
use super::release::{self, Draft, Release};
use super::run::read_settings;
use super::{draft, duty, say};
use crate::audit::On;
use crate::intel::compile::{self, Compiled};
use crate::intel::difference::Difference;
use crate::io::{keys, trust, user};
use crate::store::onward::{Begin, Onward};
use crate::store::rollout::RolloutFacts;
use crate::store::{Scope, Store};

/// What became of a draft that goes to the pilot group first.
#[derive(Debug)]
enum Staged {
    /// It is on its way, or waits for the signature with which it begins it.
    Begun(Outcome),
    /// It is on its way already.
    OnItsWay(RolloutFacts),
    /// Nothing has changed for anybody.
    Unchanged(Revision),
}

/// Publishes for a channel, for everybody at once, or for the pilot group first. None where all is said already.
pub(super) async fn publish(
    data: &Path,
    store: &Store,
    arguments: &PublishArguments,
    now: Timestamp,
) -> anyhow::Result<Option<Outcome>> {
    let PublishArguments { key, channel, allow_shrink, include_red, draft: named, reason, .. } = arguments;
    let settings = read_settings(data)?;
    let draft = release::compile(store, *include_red, now).await?;
    if let Some(named) = named {
        is_that_draft(&draft, named)?;
    }
    if settings.four_eyes && reason.is_none() {
        draft::is_reviewed(store, &draft).await?;
    }
    let (key, mut said) = (key.as_deref(), as_said(*allow_shrink, *include_red).to_owned());
    let (sensors, members) = store.pilot_group(Scope::Operator).await?;
    match (channel, reason) {
        (Some(channel), _) => {
            let release = Release {
                channel: channel.clone(),
                allow_shrink: *allow_shrink,
                said: &said,
                what: "publish",
                by: None,
                // What is on its way must not take the place of what somebody has published past it.
                onward: if channel.is_all() || *channel == pilot() { Onward::Ends } else { Onward::Keeps },
            };
            let content = draft.compiled.content.clone();
            let outcome = put_out(data, store, draft, &release, key, now).await?;
            if release.onward == Onward::Ends && matches!(outcome, Outcome::Unchanged { .. }) {
                call_back(store, &content, now).await?;
            }
            Ok(Some(outcome))
        }
        (None, Some(reason)) => {
            said.push_str(&format!(" (--now: {reason})"));
            Ok(Some(at_once(data, store, draft, (key, *allow_shrink, &said), reason, now).await?))
        }
        (None, None) if sensors == 0 => {
            let release = Release {
                channel: ChannelName::default(),
                allow_shrink: *allow_shrink,
                said: &said,
                what: "publish",
                by: None,
                onward: Onward::Ends,
            };
            let content = draft.compiled.content.clone();
            let outcome = put_out(data, store, draft, &release, key, now).await?;
            if matches!(outcome, Outcome::Unchanged { .. }) {
                call_back(store, &content, now).await?;
            } else {
                say::aside(
                    "There is no pilot group, so it goes to everybody at once. Name a few sensors that get lists first: varde-collector pilot add ID",
                );
            }
            Ok(Some(outcome))
        }
        (None, None) => {
            let wait = settings.bounds().wait;
            match begin(data, store, draft, (key, *allow_shrink, &said), now).await? {
                Staged::Begun(outcome) => {
                    if let Outcome::Published { .. } = outcome {
                        say::aside(&format!(
                            "It goes to the pilot group first: {sensors} sensors of {members} members. To all {} s after the first of them has it in force, unless it hits too much there. How it fares: varde-collector publish --status. At once: varde-collector publish --now --reason TEXT",
                            wait.as_secs()
                        ));
                    }
                    Ok(Some(outcome))
                }
                Staged::OnItsWay(facts) => {
                    say::result(&format!(
                        "List {} says this and is on its way. {}",
                        facts.pilot_revision,
                        duty::on_its_way(&facts)
                    ))?;
                    Ok(None)
                }
                Staged::Unchanged(revision) => {
                    let compiled = Compiled::default();
                    Ok(Some(Outcome::Unchanged { revision, compiled }))
                }
            }
        }
    }
}

/// Whether a draft is the one that was looked at.
fn is_that_draft(draft: &Draft, named: &str) -> anyhow::Result<()> {
    if draft.name() != named {
        return Err(NotPublished::Other { draft: draft.name().to_owned(), named: named.to_owned() }.into());
    }
    Ok(())
}

/// The pilot group's channel.
pub(super) fn pilot() -> ChannelName {
    CHANNEL_PILOT.parse().unwrap_or_default()
}

/// The list in force for all, as sensors have it; none of it where there is none, or what was stored is not what was signed.
pub(super) async fn in_force(store: &Store, channel: &ChannelName) -> anyhow::Result<IndicatorSet> {
    let newest = store.newest_list(Scope::Operator, channel).await?;
    Ok(newest.and_then(|list| list.set().ok()).unwrap_or_default())
}

/// Sends a draft to the pilot group, from where it goes to all.
///
/// # Errors
/// Why nothing was published.
async fn begin(
    data: &Path,
    store: &Store,
    draft: Draft,
    (key, allow_shrink, said): (Option<&Path>, bool, &str),
    now: Timestamp,
) -> anyhow::Result<Staged> {
    let (_, root) = keys::read_root(data)?;
    trust::note_mode(data, store).await?;
    let key = release::list_key(data, key)?;
    let content = &draft.compiled.content;
    let verified = async |channel: &ChannelName| -> anyhow::Result<Option<Manifest>> {
        let newest = store.newest_manifest(Scope::Operator, channel).await?;
        Ok(newest.and_then(|(_, octets)| Manifest::verify(&octets, &root).ok()))
    };
    let all = ChannelName::default();
    let (for_all, at_pilot) = (verified(&all).await?, verified(&pilot()).await?);
    let last = store.last_revision(Scope::Operator).await?;
    let restored = store.newest_revision(Scope::Operator).await? < store.restored_above(Scope::Operator).await?;
    let is_news = |last: Option<&Manifest>| {
        let is_said_anew = last.is_some_and(|last| allow_shrink && !last.shrinks);
        restored || is_said_anew || compile::is_news(content, last, now)
    };
    if last == Revision(0) && content.count == 0 {
        return Ok(Staged::Unchanged(last));
    }
    if !is_news(for_all.as_ref()) {
        // What is for all already goes no way: the group is given it where it has something else.
        let newest = for_all.map_or(Revision(0), |list| list.revision);
        if is_news(at_pilot.as_ref()) {
            let onward = Onward::Ends;
            let release = Release { channel: pilot(), allow_shrink: true, said, what: "publish", by: None, onward };
            return Ok(Staged::Begun(put_out(data, store, draft, &release, None, now).await?));
        }
        call_back(store, content, now).await?;
        return Ok(Staged::Unchanged(newest));
    }
    let standing = store.rollout_facts(Scope::Operator).await?;
    if let Some(facts) = standing.filter(|facts| facts.draft == content.blake3 && !allow_shrink) {
        return Ok(Staged::OnItsWay(facts));
    }
    if !allow_shrink {
        let (revision, held) = store.newest_count(Scope::Operator, &all).await?.unwrap_or_default();
        guard(revision, held, content.count)?;
    }
    let added = Difference::between(&in_force(store, &all).await?, &draft.set()?).added;
    let who = user::who();
    let begin = set_out(&draft, (&added, allow_shrink), &who);
    let onward = Onward::Begins(&begin);
    let release = Release { channel: pilot(), allow_shrink, said, what: "publish", by: None, onward };
    let released = release::release(data, store, &draft, &release, key.as_ref(), now).await?;
    Ok(Staged::Begun(match released {
        release::Released::Published(revision) => Outcome::Published { revision, compiled: draft.compiled },
        release::Released::Waits(facts, before) => Outcome::Waits { facts, before, compiled: draft.compiled },
    }))
}

/// What is published says what all have already: what is on its way to them or waits, and says something else, goes no further. Else
/// it would come after this, and whoever has published would think that it had not.
async fn call_back(store: &Store, content: &Content, now: Timestamp) -> anyhow::Result<()> {
    let standing = store.rollout_facts(Scope::Operator).await?;
    let standing = standing.filter(|facts| facts.all_at.is_none() && facts.draft != content.blake3);
    let waits = store.pending(Scope::Operator).await?.filter(|pending| {
        let other =
            read_unverified::<Manifest>(&pending.manifest).is_ok_and(|(one, _)| one.content_blake3 != content.blake3);
        other && (pending.channel.is_all() || pending.channel == pilot())
    });
    let Some(number) = standing.map(|facts| facts.pilot_revision).or(waits.map(|pending| pending.facts.revision))
    else {
        return Ok(());
    };
    let calling = deed("publish", On::Thing(format!("list {number}")))
        .was("on its way to all")
        .becomes("goes no further: what was published after it says what all have already");
    store.noting(calling).call_back(now).await?;
    say::aside(&format!("List {number} was on its way to all, or waited for a signature: it goes no further."));
    Ok(())
}

/// A draft as it sets out on its way.
fn set_out<'a>(draft: &'a Draft, (added, shrinks): (&'a [i64], bool), who: &'a str) -> Begin<'a> {
    Begin {
        draft: &draft.compiled.content.blake3,
        count: draft.compiled.content.count,
        base: &draft.compiled.base,
        added,
        up_to_id: draft.up_to_id,
        with_red: draft.with_red,
        shrinks,
        who,
        urgent_why: None,
        unwatched: false,
    }
}

/// Publishes a draft for everybody at once. It is watched as one that was at the pilot group before, where there is such a group.
async fn at_once(
    data: &Path,
    store: &Store,
    draft: Draft,
    (key, allow_shrink, said): (Option<&Path>, bool, &str),
    reason: &str,
    now: Timestamp,
) -> anyhow::Result<Outcome> {
    let (pilots, _) = store.pilot_group(Scope::Operator).await?;
    let all = ChannelName::default();
    let added = Difference::between(&in_force(store, &all).await?, &draft.set()?).added;
    let who = user::who();
    let begin =
        Begin { urgent_why: Some(reason), unwatched: pilots == 0, ..set_out(&draft, (&added, allow_shrink), &who) };
    let onward = Onward::Begins(&begin);
    let release = Release { channel: all, allow_shrink, said, what: "publish", by: None, onward };
    let outcome = put_out(data, store, draft.clone(), &release, key, now).await?;
    if matches!(outcome, Outcome::Unchanged { .. }) {
        call_back(store, &draft.compiled.content, now).await?;
    }
    if pilots > 0 && !matches!(outcome, Outcome::Waits { .. }) {
        // Where it waits for its signature, the group's own follows once that is there.
        let release = Release { channel: pilot(), allow_shrink: true, onward: Onward::Keeps, ..release };
        put_out(data, store, draft.clone(), &release, key, now).await?;
    }
    Ok(outcome)
}
