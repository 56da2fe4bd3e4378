//! What the running collector does with a list that is on its way from the pilot group to all: looks how it fares, lets it go on, or
//! stops it and takes out what hit too much. All it goes by is in the database, so that a start at any moment goes on where the last
//! one was.

use std::path::Path;
use std::time::{Duration, Instant};

use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::list::{Content, Manifest};
use varde_common::matcher::IndicatorSet;
use varde_common::time::Timestamp;
use varde_common::trust::read_unverified;

use super::noted::deed;
use super::recall::{STOPPED_BY_ITSELF, brake_at_once, take_out};
use super::release::{self, Draft, Release, Released, by_whom};
use super::{sentence, staged};
use crate::audit::On;
use crate::control::Poke;
use crate::eyes::COLLECTOR as WHO;
use crate::intel::compile::Compiled;
use crate::io::clock;
use crate::io::control::poke;
use crate::limits::rollout::{
    RECALL_FINISHED_AFTER, ROLLOUT_LOOKED_AT_EVERY, ROLLOUT_NOTED_EVERY, ROLLOUT_SILENT_AFTER,
};
use crate::rollout::{Bounds, Next, Stage, TooMuch, Watched, next};
use crate::store::onward::Onward;
use crate::store::recall::Said;
use crate::store::rollout::RolloutFacts;
use crate::store::setting::ROLLOUT_WATCHED;
use crate::store::{Scope, Store};

/// The newest list of each channel.
type Newest = Vec<(ChannelName, Revision)>;

/// What it remembers from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Of this list what it brings anew: it is read once.
    added: Option<(i64, Vec<i64>)>,
    /// When it looked last.
    looked: Option<Instant>,
    /// The list that is watched, by its number among them and its number as a list; for how long it was, and up to where that is
    /// noted.
    watched: Option<((i64, i64), Watched, Duration)>,
    /// Since when nobody can be heard, and whether that was said.
    silent: Option<(Instant, bool)>,
    /// Newest lists and recalls of which none holds the other.
    clean: Option<(Newest, Vec<i64>)>,
}

impl Watch {
    /// For how long a list was watched by now. Noted from time to time, so that a start goes on from there.
    async fn watched(&mut self, store: &Store, facts: &RolloutFacts, passed: Duration) -> anyhow::Result<Watched> {
        let which = (facts.id, facts.all_revision.unwrap_or(facts.pilot_revision));
        let (mut watched, mut noted) = match self.watched.take() {
            Some((of, watched, noted)) if of == which => (watched, noted),
            _ => {
                let text = store.setting(Scope::Operator, ROLLOUT_WATCHED).await?.unwrap_or_default();
                let total = Duration::from_millis(read_watched(&text, which).unwrap_or(0));
                (Watched { total, unbroken: Duration::ZERO }, total)
            }
        };
        watched.handle_look(passed, store.rollout_heard(Scope::Operator, facts).await? > 0);
        if watched.total >= noted.saturating_add(ROLLOUT_NOTED_EVERY) {
            let (id, list) = which;
            store.set_setting(ROLLOUT_WATCHED, &format!("{id} {list} {}", watched.total.as_millis())).await?;
            noted = watched.total;
        }
        self.watched = Some((which, watched, noted));
        Ok(watched)
    }

    /// Says once that nobody can be heard of those that a list is watched at.
    fn handle_heard(&mut self, list: i64, is_heard: bool, at: Instant) {
        if is_heard {
            self.silent = None;
            return;
        }
        let (since, was_said) = *self.silent.get_or_insert((at, false));
        if !was_said && at.saturating_duration_since(since) >= ROLLOUT_SILENT_AFTER {
            self.silent = Some((since, true));
            tracing::warn!(
                list,
                "a list on its way waits, and no sensor that it is watched at is connected with it in force: varde-collector pilot list; at once: varde-collector publish --now --reason TEXT"
            );
        }
    }
}

/// How many milliseconds are noted of this list; none where they are another's.
fn read_watched(text: &str, which: (i64, i64)) -> Option<u64> {
    let mut words = text.split(' ');
    let (id, list, total) = (words.next()?, words.next()?, words.next()?);
    let is_it = (id.parse().ok()?, list.parse().ok()?) == which;
    total.parse().ok().filter(|_| is_it)
}

/// Looks again and again.
pub(super) async fn go_on(data: &Path, store: Store, bounds: Bounds) {
    let (mut said, mut watch) = (String::new(), Watch::default());
    loop {
        tokio::time::sleep(ROLLOUT_LOOKED_AT_EVERY).await;
        match look(data, &store, &bounds, &mut watch, (clock::now(), clock::monotonic())).await {
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
pub(super) async fn look(
    data: &Path,
    store: &Store,
    bounds: &Bounds,
    watch: &mut Watch,
    (now, at): (Timestamp, Instant),
) -> anyhow::Result<()> {
    let passed = watch.looked.replace(at).map_or(Duration::ZERO, |last| at.saturating_duration_since(last));
    let went = go(data, store, bounds, watch, (now, at, passed)).await;
    // Also where that failed: what is recalled harms for as long as it is in force.
    let finished = finish_recalls(data, store, watch, now).await;
    went.and(finished)
}

/// Takes out what is recalled and in force still: taking it out failed half way, after a stop or by the command.
async fn finish_recalls(data: &Path, store: &Store, watch: &mut Watch, now: Timestamp) -> anyhow::Result<()> {
    let standing = store.standing_recalls(Scope::Operator).await?;
    let is_due = |at: Timestamp, by_itself: bool| by_itself || now < at || now.since(at) >= RECALL_FINISHED_AFTER;
    let due: Vec<i64> = standing.iter().filter(|(_, at, by)| is_due(*at, *by)).map(|(id, _, _)| *id).collect();
    if due.is_empty() {
        return Ok(());
    }
    let newest = store.newest_revisions(Scope::Operator).await?;
    if watch.clean.as_ref().is_some_and(|(lists, recalls)| *lists == newest && *recalls == due) {
        return Ok(());
    }
    // Without the key it is for a person, who was told so.
    if release::list_key(data, None)?.is_none() {
        return Ok(());
    }
    let taken = take_out(data, store, &due, Some(WHO)).await?;
    if taken.is_none() {
        watch.clean = Some((newest, due));
        return Ok(());
    }
    tracing::warn!("what was recalled and still in force is taken out");
    poke(data, Poke::List).await;
    Ok(())
}

/// What is to be done for the list that is on its way, or to have the pilot group keep up.
async fn go(
    data: &Path,
    store: &Store,
    bounds: &Bounds,
    watch: &mut Watch,
    (now, at, passed): (Timestamp, Instant, Duration),
) -> anyhow::Result<()> {
    let Some(facts) = store.rollout_facts(Scope::Operator).await? else { return follow_up(data, store, now).await };
    let for_all = newest(store, &ChannelName::default()).await?.filter(|_| facts.all_at.is_none());
    if let Some((revision, content)) = for_all {
        let number = i64::try_from(revision.0).unwrap_or(i64::MAX);
        if content == facts.draft {
            return Ok(store.go_onward(Onward::Goes(facts.id), number, false, now).await?);
        }
        if number > facts.pilot_revision {
            tracing::warn!(
                list = facts.pilot_revision,
                newer = number,
                "all have a newer list than one on its way, which goes no further"
            );
            store.end_rollout("superseded", now).await?;
            return Ok(());
        }
    }
    let Some(stage) = store.rollout_stage(Scope::Operator, &facts).await? else {
        tracing::warn!(
            list = facts.pilot_revision,
            "another list took the number of one on its way, which goes no further"
        );
        store.end_rollout("superseded", now).await?;
        return Ok(());
    };
    let at_pilot = match stage {
        Stage::Unsigned => return Ok(()),
        Stage::Sent => {
            watch.handle_heard(facts.pilot_revision, false, at);
            return Ok(());
        }
        Stage::Pilot => true,
        Stage::All => false,
    };
    let watched = watch.watched(store, &facts, passed).await?;
    watch.handle_heard(facts.pilot_revision, watched.unbroken > Duration::ZERO || passed.is_zero(), at);
    let added = match watch.added.take() {
        Some((id, added)) if id == facts.id => added,
        _ => store.rollout_added(Scope::Operator, facts.id).await?,
    };
    let (hits, able) = store.rollout_hits(Scope::Operator, facts.pilot_revision, at_pilot, &added).await?;
    watch.added = Some((facts.id, added));
    match next(stage, &hits, able, bounds, &watched) {
        Next::Wait => Ok(()),
        Next::ToAll => to_all(data, store, &facts, now).await,
        Next::Stop(too_much) => stop(data, store, &facts, too_much, now).await,
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
async fn to_all(data: &Path, store: &Store, facts: &RolloutFacts, now: Timestamp) -> anyhow::Result<()> {
    let all = ChannelName::default();
    let key = release::list_key(data, None)?;
    if key.is_none() && store.pending_facts(Scope::Operator).await?.is_some() {
        // It waits for its signature, or for another list's: one at a time.
        return Ok(());
    }
    let Some(rollout) = store.rollout(Scope::Operator).await?.filter(|rollout| rollout.facts.id == facts.id) else {
        return Ok(());
    };
    let set = IndicatorSet::open(std::sync::Arc::new(rollout.base.clone()))?;
    let mut said = format!(" (list {} was at the pilot group before)", facts.pilot_revision);
    // What people have said since it was compiled holds for it too.
    let objections = store.objections(Scope::Operator).await?;
    let held = release::kept_back(store, &set, now).await?;
    let draft = if held.is_empty() {
        let content = Content { count: u64::try_from(facts.count).unwrap_or(0), blake3: facts.draft.clone() };
        let compiled = Compiled { base: rollout.base, content, ..Compiled::default() };
        Draft { compiled, up_to_id: rollout.up_to_id, with_red: rollout.with_red, objections }
    } else {
        let numbers = release::numbered(&held);
        said.push_str(&format!(" (without indicators {numbers}: recalled, withdrawn or held back since)"));
        tracing::warn!(
            list = facts.pilot_revision,
            "goes to all without indicators {numbers}: recalled, withdrawn or held back since"
        );
        let left = release::without(&set, |one| !release::is_of(&held, one))?;
        Draft { up_to_id: rollout.up_to_id, with_red: rollout.with_red, objections, ..left }
    };
    let (allow_shrink, onward) = (rollout.shrinks, Onward::Goes(facts.id));
    let release = Release { channel: all, allow_shrink, said: &said, what: "publish", by: Some(WHO), onward };
    match release::release(data, store, &draft, &release, key.as_ref(), now).await? {
        Released::Published(revision) => {
            tracing::info!(list = revision.0, "the pilot group has had it long enough: it goes to all");
            if !held.is_empty() {
                // The group has what is held back still.
                let release =
                    Release { channel: staged::pilot(), allow_shrink: true, onward: Onward::Keeps, ..release.clone() };
                release::release(data, store, &draft, &release, key.as_ref(), now).await?;
            }
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
async fn stop(
    data: &Path,
    store: &Store,
    facts: &RolloutFacts,
    too_much: TooMuch,
    now: Timestamp,
) -> anyhow::Result<()> {
    let indicator = too_much.hit.indicator;
    let (words, list) = (too_much.words(), facts.pilot_revision);
    tracing::warn!(list, indicator, "stopped: it {words}");
    // First what helps those who are called out of bed. Without a brake key the list is what is left.
    let reason = format!("liste {list} {STOPPED_BY_ITSELF}");
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
    let set = staged::in_force(store, &all).await?;
    let recalled = store.standing_recalls(Scope::Operator).await?.into_iter().map(|(id, _, _)| id).collect();
    if set.indicators().any(|one| release::is_of(&recalled, &one)) {
        // First what is recalled goes out of it.
        return Ok(());
    }
    let draft = release::without(&set, |_| true)?;
    let (said, onward) = (" (as all have it)", Onward::Keeps);
    let release = Release { channel: pilot, allow_shrink: true, said, what: "publish", by: Some(WHO), onward };
    let key = release::list_key(data, None)?;
    if let Released::Published(_) = release::release(data, store, &draft, &release, key.as_ref(), now).await? {
        poke(data, Poke::List).await;
    }
    Ok(())
}
