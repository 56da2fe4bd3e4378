//! `varde-collector recall`: an indicator out of every list at once, or the newest list back to the one before, each with a reason;
//! and `recall lift`, which lets it into lists again.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use varde_common::brake::Order;
use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::indicator::{Indicator, Pattern};
use varde_common::limits::{BRAKE_ENTRIES_MAX, BRAKE_REASON_MAX_OCTETS};

use super::noted::deed;
use super::publish::waiting;
use super::release::{self, Release, Released};
use super::{brake, say, staged};
use crate::audit::On;
use crate::control::Poke;
use crate::intel::compile::Compiled;
use crate::intel::difference::Difference;
use crate::io::control::{Poked, poke};
use crate::io::{clock, user};
use crate::limits::BRAKES_LISTED_MAX;
use crate::limits::rollout::{RECALLED_AT_ONCE, STOPPED_BRAKED_HOURS};
use crate::store::brake::{NotBraked, Wish};
use crate::store::onward::Onward;
use crate::store::recall::{NotRecalled, RecallRow, Said};
use crate::store::{Scope, Store};

/// `recall` with what it is given, or one of its subcommands.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RecallArguments {
    #[command(subcommand)]
    what: Option<RecallCommand>,
    #[command(flatten)]
    arguments: RecallWhat,
}

/// What is recalled.
#[derive(Debug, Args)]
pub struct RecallWhat {
    /// Indicators, by their numbers as indicator list shows them, or as they are written there.
    #[arg(value_name = "INDICATOR", required_unless_present = "list")]
    pub indicators: Vec<String>,
    /// The newest list: what the one before it held is in force again, under a new number.
    #[arg(long, conflicts_with = "indicators")]
    pub list: bool,
    /// Why: it stands in the audit and is shown.
    #[arg(long, value_name = "TEXT", value_parser = say::reason, required = true)]
    pub reason: Option<String>,
}

/// Subcommands of `recall`.
#[derive(Debug, Subcommand)]
pub enum RecallCommand {
    /// Let indicators into lists again; the next publish has them, where a source still says so. One that stopped a list
    /// by itself is told by sensors again too, and stops no list any more.
    Lift {
        /// Indicators, as for recall.
        #[arg(value_name = "INDICATOR", required = true)]
        indicators: Vec<String>,
        /// Why.
        #[arg(long, value_name = "TEXT", value_parser = say::reason)]
        reason: String,
    },
    /// What is recalled, and was.
    #[command(
        after_help = "Keys with --json: indicator_id, indicator (confidential indicator N where it is marked TLP:AMBER+STRICT or TLP:RED), reason, who, at, by_itself (the collector did, because it hit too much), lifted_at, lifted_by, lifted_why. Times are RFC 3339 UTC; what is not is null."
    )]
    Show {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, arguments: RecallArguments) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let RecallArguments { what, arguments: RecallWhat { indicators, list, reason } } = arguments;
    let reason = reason.unwrap_or_default();
    let done = match what {
        Some(RecallCommand::Lift { indicators, reason }) => lift(data, &store, &indicators, &reason).await,
        Some(RecallCommand::Show { json }) => show(&store, json).await,
        None if list => recall_list(data, &store, None, &reason).await,
        None => recall(data, &store, &indicators, &reason).await,
    };
    store.close().await;
    done
}

/// How the reason ends for which the collector brakes what has stopped a list. Members read it: no numbers, which may tell of others.
pub(super) const STOPPED_BY_ITSELF: &str = "stoppet av seg selv: indikatoren traff for mange";

/// The numbers of indicators that are named by number or as they are written.
async fn numbers(store: &Store, named: &[String]) -> anyhow::Result<Vec<i64>> {
    if named.len() > RECALLED_AT_ONCE {
        bail!(
            "{} indicators are named, and {RECALLED_AT_ONCE} are the most; a list that is wrong as a whole: varde-collector recall --list",
            named.len()
        );
    }
    let mut ids = Vec::new();
    for name in named {
        let id = match name.parse::<i64>() {
            Ok(id) => id,
            Err(_) => {
                let pattern: Pattern = name
                    .parse()
                    .map_err(|why| anyhow!("\"{name}\" is neither the number of an indicator nor one: {why}"))?;
                let found = store.indicator_named(Scope::Operator, &pattern.to_plain()).await?;
                let none = || format!("there is no indicator {name}; see: varde-collector indicator list");
                found.with_context(none)?.id
            }
        };
        ids.push(id);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn named(ids: &[i64]) -> On {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    On::Thing(format!("indicators {}", ids.join(", ")))
}

pub(super) async fn recall(data: &Path, store: &Store, indicators: &[String], reason: &str) -> anyhow::Result<()> {
    let ids = numbers(store, indicators).await?;
    let who = user::who();
    let said = Said { who: &who, reason, by_itself: false };
    let recalling = deed("recall", named(&ids)).becomes(format!("kept out of every list: {reason}"));
    let new = store.noting(recalling).recall(&ids, said, clock::now()).await?;
    if new < ids.len() as u64 {
        say::aside("Some of it was recalled before; what lists hold of it is taken out all the same.");
    }
    let taken = take_out(data, store, &ids, None).await?;
    told(data, store, &ids, &taken, reason).await
}

/// What was taken out of which lists.
#[derive(Debug, Default)]
pub(super) struct TakenOut {
    published: Vec<(ChannelName, Revision)>,
    waits: Option<crate::store::pending::PendingFacts>,
}

impl TakenOut {
    /// No list held any of it.
    pub(super) fn is_none(&self) -> bool {
        self.published.is_empty() && self.waits.is_none()
    }
}

/// Takes indicators out of the newest list of every channel, and out of one that is on its way: nothing else of them changes.
///
/// # Errors
/// Why some list still holds them. What was done stays done; again does the rest.
pub(super) async fn take_out(data: &Path, store: &Store, ids: &[i64], by: Option<&str>) -> anyhow::Result<TakenOut> {
    let key = release::list_key(data, None)?;
    let now = clock::now();
    // And what was recalled before, where lists wait for a signature: one that waited without it gives way to this one.
    let standing = match &key {
        Some(_) => Vec::new(),
        None => store.standing_recalls(Scope::Operator).await?,
    };
    let out: BTreeSet<i64> = ids.iter().copied().chain(standing.into_iter().map(|(id, _, _)| id)).collect();
    let is_out = |one: &Indicator| release::is_of(&out, one);
    let mut taken = TakenOut::default();
    let rollout = store.rollout_facts(Scope::Operator).await?.filter(|facts| facts.all_at.is_none());
    let (mut channels, pilot) = (store.newest_revisions(Scope::Operator).await?, staged::pilot());
    channels.sort_by_key(|(channel, _)| !channel.is_all());
    for (channel, _) in channels {
        let set = staged::in_force(store, &channel).await?;
        // What is on its way at the group stays ahead of what all have, or it would be taken for one that was published past.
        let is_passed = channel == pilot && rollout.is_some() && taken.published.iter().any(|(of, _)| of.is_all());
        if !is_passed && !set.indicators().any(|one| is_out(&one)) {
            continue;
        }
        let draft = release::without(&set, |one| !is_out(one))?;
        let onward = match &rollout {
            // Its list at the pilot group is another now: this one goes on.
            Some(facts) if channel == pilot => {
                let Compiled { base, content, .. } = &draft.compiled;
                Onward::Changes { id: facts.id, draft: &content.blake3, base, count: content.count }
            }
            // One list waits at a time. What the pilot group has follows once this is signed.
            Some(_) if channel.is_all() && key.is_none() => Onward::Ends,
            Some(_) | None => Onward::Keeps,
        };
        let (allow_shrink, said, what) = (false, " (recall)", "recall");
        let release = Release { channel: channel.clone(), allow_shrink, said, what, by, onward };
        match release::release(data, store, &draft, &release, key.as_ref(), now).await? {
            Released::Published(revision) => taken.published.push((channel, revision)),
            Released::Waits(facts, _) => {
                taken.waits = Some(facts);
                return Ok(taken);
            }
        }
    }
    // One that waits for the signature with which it begins its way holds it still.
    if let Some(pending) = store.pending(Scope::Operator).await? {
        let set = varde_common::matcher::IndicatorSet::open(std::sync::Arc::new(pending.base.clone()))?;
        if set.indicators().any(|one| is_out(&one)) {
            store.forget_pending().await?;
            store.end_rollout("superseded", now).await?;
            say::aside("The list that waited for a signature held it too, and does not wait any more: publish again.");
        }
    }
    Ok(taken)
}

/// Has sensors count these only, for as long as an order holds: where lists wait for a signature it is all that can be done at once.
pub(super) async fn brake_at_once(
    data: &Path,
    store: &Store,
    ids: &[i64],
    reason: &str,
) -> anyhow::Result<Option<u64>> {
    let key = brake::key(data)?;
    // What a person said at length is cut for those who read it at a sensor.
    let mut octets = 0;
    let fits = |one: &char| {
        octets += one.len_utf8();
        octets <= BRAKE_REASON_MAX_OCTETS
    };
    let reason: String = reason.chars().take_while(fits).collect();
    let wish = Wish::Hold {
        indicators: ids.to_vec(),
        lasting: Duration::from_secs(STOPPED_BRAKED_HOURS * 3_600),
        reason: reason.clone(),
    };
    let braking =
        deed("indicator brake", named(ids)).becomes(format!("counted only for {STOPPED_BRAKED_HOURS} hours: {reason}"));
    let sign = |order: &Order| order.sign(&[&key]).map_err(|error| error.to_string());
    match store.noting(braking).give_brake(&wish, clock::now(), sign).await {
        Ok(order) => {
            poke(data, Poke::Brake).await;
            Ok(Some(order.number))
        }
        // It was ordered before, for this very reason: by us, before a crash.
        Err(NotBraked::TooLong { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Says what came of it, and has what must wait for a signature be braked meanwhile.
async fn told(data: &Path, store: &Store, ids: &[i64], taken: &TakenOut, reason: &str) -> anyhow::Result<()> {
    if let Some(facts) = &taken.waits {
        say::result(&waiting(facts))?;
        if ids.len() > BRAKE_ENTRIES_MAX {
            say::aside("Too many for the brake: until it is signed sensors go on telling of them.");
            return Ok(());
        }
        match brake_at_once(data, store, ids, reason).await {
            Ok(_) => say::aside(&format!(
                "Until it is signed sensors count them only, for {STOPPED_BRAKED_HOURS} hours at most: varde-collector indicator brakes. Next: varde-collector publish --export FILE"
            )),
            Err(error) => say::aside(&format!(
                "Until it is signed sensors go on telling of them, because the brake could not be ordered: {}. Next: varde-collector publish --export FILE",
                super::sentence(&error)
            )),
        }
        return Ok(());
    }
    let sent = match poke(data, Poke::List).await {
        Poked::Done => "on its way to every connected sensor",
        Poked::NotRunning => "sensors get it when the collector runs",
        Poked::Late => "the running collector looks within seconds",
    };
    if taken.published.is_empty() {
        return say::result("Recalled. No list in force held it; none made after this will.");
    }
    let lists: Vec<String> =
        taken.published.iter().map(|(channel, revision)| format!("list {revision} for {channel}")).collect();
    say::result(&format!("Recalled: {}; {sent}.", lists.join(", ")))
}

/// What the list before the newest held is in force again; `shown` = the list that somebody looked at, and no other is recalled.
pub(super) async fn recall_list(
    data: &Path,
    store: &Store,
    shown: Option<Revision>,
    reason: &str,
) -> anyhow::Result<()> {
    let all = ChannelName::default();
    let newest = store.newest_list(Scope::Operator, &all).await?.context("no list is in force")?;
    if shown.is_some_and(|shown| shown != newest.revision) {
        return Err(NotRecalled::Newer(newest.revision).into());
    }
    let before = store.list_before(Scope::Operator, &all, newest.revision).await?;
    let before = before.context("there is no list before it that is kept; recall single indicators instead")?;
    let was = newest.set().map_err(|why| anyhow!("list {} cannot be read: {why}", newest.revision))?;
    let back = before.set().map_err(|why| anyhow!("list {} is not kept whole any more: {why}", before.revision))?;
    let standing = store.standing_recalls(Scope::Operator).await?;
    let is_left =
        |one: &Indicator| !i64::try_from(one.id.0).is_ok_and(|id| standing.iter().any(|(of, _, _)| *of == id));
    // What a recall has left is no list that anybody made: going back from it would bring back what was recalled.
    let same = release::without(&back, is_left)?.compiled.content == release::without(&was, |_| true)?.compiled.content;
    if same || store.is_by_recall(Scope::Operator, newest.revision).await? {
        bail!(
            "list {} is what a recall has left, and the lists before it hold what was recalled: there is nothing to go back to. Recall what else is wrong by its number: varde-collector recall INDICATOR",
            newest.revision
        );
    }
    let out = Difference::between(&back, &was).added;
    let who = user::who();
    let said = Said { who: &who, reason, by_itself: false };
    let (newest, before) = (newest.revision, before.revision);
    let recalling = deed("recall", On::Thing(format!("list {newest}")))
        .was(format!("list {newest} of channel {all} in force"))
        .becomes(format!("what list {before} held, {} indicators kept out: {reason}", out.len()));
    // Another may have been published since it was read: that one nobody has looked at.
    store.noting(recalling).recall_of(Some(newest), &out, said, clock::now()).await?;
    let now = clock::now();
    let held = release::kept_back(store, &back, now).await?;
    let draft = release::without(&back, |one| !release::is_of(&held, one))?;
    if !held.is_empty() {
        say::aside(&format!(
            "{} indicators of list {before} do not come back, because they are recalled, withdrawn or held back by now: {}",
            held.len(),
            release::numbered(&held)
        ));
    }
    let key = release::list_key(data, None)?;
    let mut taken = TakenOut::default();
    let channels = store.newest_revisions(Scope::Operator).await?.into_iter().map(|(channel, _)| channel);
    let mut channels: Vec<ChannelName> = channels.filter(|one| one.is_all() || *one == staged::pilot()).collect();
    channels.sort_by_key(|channel| !channel.is_all());
    for channel in channels {
        let release = Release {
            channel: channel.clone(),
            allow_shrink: true,
            said: " (recall --list)",
            what: "recall",
            by: None,
            onward: Onward::Ends,
        };
        match release::release(data, store, &draft, &release, key.as_ref(), now).await? {
            Released::Published(revision) => taken.published.push((channel, revision)),
            Released::Waits(facts, _) => {
                taken.waits = Some(facts);
                break;
            }
        }
    }
    told(data, store, &out, &taken, reason).await?;
    say::aside(&format!(
        "{} indicators that list {newest} had brought are kept out of every list until varde-collector recall lift. What it had taken out or changed comes with the next publish, unless its source is put right.",
        out.len()
    ));
    Ok(())
}

pub(super) async fn lift(data: &Path, store: &Store, indicators: &[String], reason: &str) -> anyhow::Result<()> {
    let ids = numbers(store, indicators).await?;
    let stopped: BTreeSet<i64> = store
        .standing_recalls(Scope::Operator)
        .await?
        .into_iter()
        .filter_map(|(id, _, by_itself)| by_itself.then_some(id))
        .collect();
    let lifting = deed("recall lift", named(&ids)).becomes(format!("let into lists again: {reason}"));
    store.noting(lifting).lift(&ids, &user::who(), reason, clock::now()).await?;
    say::result("Lifted. The next varde-collector publish has it again, where a source still says so.")?;
    let braked = store.braked_now(Scope::Operator, clock::now()).await?;
    // What stopped a list was braked too, and a person has seen by now what it hits. What a person braked is that person's.
    let of = braked.iter().filter(|(id, _)| ids.contains(id));
    let (ours, theirs): (Vec<_>, Vec<_>) =
        of.partition(|(id, why)| stopped.contains(id) && why.ends_with(STOPPED_BY_ITSELF));
    let numbers = |of: Vec<&(i64, String)>| of.into_iter().map(|(id, _)| *id).collect::<Vec<i64>>();
    let (ours, theirs) = (numbers(ours), numbers(theirs));
    if !ours.is_empty() {
        match release_brake(data, store, ours.clone()).await {
            Ok(()) => say::aside(&format!("The brake on {} is released: sensors tell of it again.", listed(&ours))),
            Err(error) => say::aside(&stands(&ours, &format!(" ({})", super::sentence(&error)))),
        }
    }
    if !theirs.is_empty() {
        say::aside(&stands(&theirs, ""));
    }
    Ok(())
}

fn listed(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

fn stands(ids: &[i64], why: &str) -> String {
    let ids = listed(ids);
    format!(
        "The brake on {ids} STANDS{why}: sensors only count what it hits until it is over (varde-collector indicator brakes), or: varde-collector indicator brake {ids} --release"
    )
}

async fn release_brake(data: &Path, store: &Store, indicators: Vec<i64>) -> anyhow::Result<()> {
    let key = brake::key(data)?;
    let releasing = deed("indicator brake", named(&indicators)).becomes("told again");
    let sign = |order: &Order| order.sign(&[&key]).map_err(|error| error.to_string());
    store.noting(releasing).give_brake(&Wish::Release { indicators }, clock::now(), sign).await?;
    poke(data, Poke::Brake).await;
    Ok(())
}

async fn show(store: &Store, json: bool) -> anyhow::Result<()> {
    let rows = store.recall_rows(Scope::Operator, BRAKES_LISTED_MAX).await?;
    let row = |row: &RecallRow| {
        vec![
            row.indicator_id.to_string(),
            row.indicator.clone(),
            say::moment(Some(row.at)),
            if row.by_itself { "the collector".to_owned() } else { row.who.clone() },
            say::briefly(&row.reason),
            match row.lifted_at {
                Some(at) => format!("{} by {}", say::moment(Some(at)), row.lifted_by.as_deref().unwrap_or("-")),
                None => "stands".to_owned(),
            },
        ]
    };
    let heads = ["ID", "INDICATOR", "SINCE", "BY", "WHY", "LIFTED"];
    say::rows(&rows, json, &heads, row, "Nothing is recalled, and nothing was.")
}
