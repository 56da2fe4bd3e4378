//! The show: rounds of traffic with a live summary, or one round and a verdict.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use varde_agent::io::clock;
use varde_common::time::Timestamp;

use super::plan::{self, MEMBERS};
use super::stage::{Folder, Stage};
use crate::capture::{self, Format};
use crate::listing::AlertLine;
use crate::programs::{PATIENCE, eventually};
use crate::random::Random;
use crate::traffic::Packet;
use crate::traffic::municipality::Mix;
use crate::way_in;

/// A round before an audience.
const LIVE: Mix = Mix { clients: 40, actions: 240, span: Duration::from_secs(60) };
/// The one round of `--once`: half an hour of a working day, played at once.
const ONCE: Mix = Mix { clients: 120, actions: 1500, span: Duration::from_secs(1800) };
/// Between two summaries.
const SUMMARY_EVERY: Duration = Duration::from_secs(5);

/// What the demo was told.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// A folder to leave everything in.
    pub keep: Option<std::path::PathBuf>,
    /// The seed of the traffic.
    pub seed: u64,
}

fn random_for(seed: u64, member: usize, round: u64) -> Random {
    Random::seeded(seed.wrapping_add(member as u64 * 1_000_003).wrapping_add(round * 7_919))
}

/// One round, then what was found held against what was planted. Campaigns go to standard output as JSON, the rest to
/// standard error. Gives the sentence about contact that no DNS look-up announced.
///
/// # Errors
/// When a program fails, or what was found is not what was planted.
pub fn once(wish: &Wish) -> Result<Option<String>> {
    let folder = Folder::new(wish.keep.as_deref())?;
    eprintln!("varde demo: one round, seed {}", wish.seed);
    let mut stage = Stage::set(folder.path(), |step| eprintln!("  {step}"))?;
    let start = clock::now().minus(ONCE.span);
    for (member, player) in stage.players.iter_mut().enumerate() {
        let packets = plan::round(member, start, ONCE, true, &mut random_for(wish.seed, member, 0))?;
        capture::write(&player.agent.data().join("traffic.pcap"), Format::USUAL, &packets)?;
        player.feed(&packets)?;
    }
    // Whoever leaves before there was anything to see could not have seen it, and the list would say so.
    eventually("a campaign arrives", PATIENCE, || Ok((!stage.collector.campaigns()?.is_empty()).then_some(())))?;
    eprintln!("  traffic played; waiting until every sensor has its last acknowledgement");
    stage.finish_sensors()?;
    print!("{}", stage.collector.ask(["campaign", "list", "--json"])?.out);
    let verdict = compare(&stage);
    let unannounced = unannounced(&stage, &stage.collector.alerts()?);
    if verdict.is_ok() {
        if let Some(unannounced) = &unannounced {
            eprintln!("  {unannounced}");
        }
        eprintln!("varde demo: found exactly what was planted");
    }
    if let Some(kept) = &wish.keep {
        eprintln!("varde demo: data directories and logs are left in {}", kept.display());
    }
    verdict.and(stage.stop())?;
    Ok(unannounced)
}

fn compare(stage: &Stage) -> Result<()> {
    let mut wrong = Vec::new();
    let mut hold = |what: &str, found: BTreeSet<String>, planted: BTreeSet<String>| {
        wrong.extend(planted.difference(&found).map(|missing| format!("{what} planted but not found: {missing}")));
        wrong.extend(found.difference(&planted).map(|extra| format!("{what} found but not planted: {extra}")));
    };
    let campaigns = stage.collector.campaigns()?;
    let shown = |campaigns: &mut dyn Iterator<Item = crate::community::CampaignLine>| {
        campaigns.map(|campaign| format!("{campaign:?}")).collect::<BTreeSet<_>>()
    };
    hold("campaign", shown(&mut campaigns.into_iter()), shown(&mut plan::expected_campaigns().into_iter()));
    let alerts = stage.collector.alerts()?;
    let found = alerts.iter().map(|alert| format!("{} {} {}", alert.member, alert.indicator, alert.evidence));
    let planted = plan::expected_alerts();
    // Listings tell an exact host by its kind, plain lists by `=`.
    let planted = planted.iter().map(|(member, indicator, evidence)| {
        format!("{member} {} {evidence}", indicator.strip_prefix('=').unwrap_or(indicator))
    });
    hold("alert", found.collect(), planted.collect());
    // Every sensor stood in a session until it had said all it had to say.
    for campaign in stage.collector.list("campaign")? {
        let counted = ["able_to_see", "members_total"].map(|key| campaign.get(key).and_then(serde_json::Value::as_u64));
        if counted != [Some(MEMBERS.len() as u64); 2] {
            wrong.push(format!("able to see, of all members: {counted:?} and not all of {}", MEMBERS.len()));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("what was found is not what was planted:\n  {}", wrong.join("\n  "))
}

/// Rounds until Ctrl-C.
///
/// # Errors
/// When a program fails.
pub fn live(wish: &Wish) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let stopping = Arc::new(AtomicBool::new(false));
    let hand = Arc::clone(&stopping);
    runtime.spawn(async move {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed?,
            _ = terminate.recv() => {}
        }
        hand.store(true, Ordering::Relaxed);
        std::io::Result::Ok(())
    });
    let folder = Folder::new(wish.keep.as_deref())?;
    println!("Varde demo, seed {}. Setting up:", wish.seed);
    match watch(&folder, wish.seed, &stopping) {
        // Ctrl-C in a terminal also ends whichever command the demo was just asking: no failure.
        Err(_) if stopping.load(Ordering::Relaxed) => {}
        ended => ended?,
    }
    match &wish.keep {
        Some(kept) => println!("Data directories and logs are left in {}.", kept.display()),
        None => println!("Everything is removed."),
    }
    Ok(())
}

/// Sets everything up, plays until it is told to stop, and stops everything.
fn watch(folder: &Folder, seed: u64, stopping: &AtomicBool) -> Result<()> {
    let mut stage = Stage::set(folder.path(), |step| println!("  {step}"))?;
    let web = &stage.addresses.web;
    let link = way_in::link(stage.collector.data(), "demo", "administrator")?;
    let port = web.rsplit(':').next().unwrap_or_default().trim_end_matches('/');
    println!(
        "\nThe page: {link}\n(signs you in, once, within the hour; on this machine only; from another one: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE, then the same address)\n\
         The campaign spreads from member to member within a minute. Ctrl-C stops everything.\n"
    );
    let mut round = 0;
    while !stopping.load(Ordering::Relaxed) {
        match play(&mut stage, seed, round, stopping) {
            Err(_) if stopping.load(Ordering::Relaxed) => {}
            played => played?,
        }
        round += 1;
    }
    println!("\nStopping the sensors and the collector.");
    stage.stop()
}

/// Plays a round in real time: each packet is fed when its time has come.
fn play(stage: &mut Stage, seed: u64, round: u64, stopping: &AtomicBool) -> Result<()> {
    let start = clock::now();
    let draw = |member: usize| plan::round(member, start, LIVE, true, &mut random_for(seed, member, round));
    let mut queues: Vec<std::collections::VecDeque<Packet>> =
        (0..MEMBERS.len()).map(|member| Ok(draw(member)?.into())).collect::<Result<_>>()?;
    let mut summary_at = start;
    eventually("the round ends", LIVE.span * 3, || {
        if stopping.load(Ordering::Relaxed) {
            return Ok(Some(()));
        }
        let now = clock::now();
        let now_ns = now.as_micros() as u64 * 1000;
        for (queue, player) in queues.iter_mut().zip(&mut stage.players) {
            let due = queue.partition_point(|packet| packet.time_ns <= now_ns);
            let due: Vec<Packet> = queue.drain(..due).collect();
            player.feed(&due)?;
        }
        if now >= summary_at {
            stage.still_runs()?;
            println!("{}", summary(stage, now)?);
            summary_at = now.plus(SUMMARY_EVERY);
        }
        Ok((queues.iter().all(|queue| queue.is_empty()) && now > start.plus(LIVE.span)).then_some(()))
    })
}

/// Who was found in contact with the spreading name though nothing in its traffic so far asks DNS for it; none when nobody
/// has been yet.
fn unannounced(stage: &Stage, alerts: &[AlertLine]) -> Option<String> {
    let is_found = |number: &str| {
        let mut own = alerts.iter().filter(|alert| alert.member == number);
        own.any(|alert| alert.indicator == plan::SPREADING && alert.evidence == "contacted")
    };
    let members = MEMBERS.into_iter().zip(&stage.players);
    let found = members.filter(|((number, _), player)| !player.asked && is_found(number));
    let found: Vec<&str> = found.map(|((_, name), _)| name).collect();
    let names = found.join(" and ");
    (!found.is_empty())
        .then(|| format!("no DNS look-up announced it at {names}: the name stood in a TLS or QUIC hello"))
}

fn summary(stage: &Stage, now: Timestamp) -> Result<String> {
    let (campaigns, alerts) = (stage.collector.campaigns()?, stage.collector.alerts()?);
    let hit: BTreeSet<&str> = alerts.iter().map(|alert| alert.member.as_str()).collect();
    let connected = stage.collector.sensors()?.iter().filter(|sensor| sensor.connected).count();
    let shown = campaigns.iter().map(|campaign| {
        let indicators: Vec<&str> = campaign.indicators.iter().map(String::as_str).collect();
        format!("{} at {} members ({})", indicators.join(", "), campaign.members.len(), campaign.evidence)
    });
    let shown: Vec<String> = shown.collect();
    let time = now.to_string();
    let time = time.get(11..19).unwrap_or_default();
    let shown = if shown.is_empty() { "no campaign yet".to_owned() } else { shown.join("; ") };
    let unannounced = unannounced(stage, &alerts).map(|said| format!("\n              {said}")).unwrap_or_default();
    Ok(format!(
        "{time} UTC  sensors {connected} of {}, members with alerts {} of {}, alerts {}: {shown}{unannounced}",
        MEMBERS.len(),
        hit.len(),
        MEMBERS.len(),
        alerts.len(),
    ))
}

/// That a folder named for keeping can be used, before anything is built.
///
/// # Errors
/// When it cannot.
pub fn check_keep(keep: &Path) -> Result<()> {
    Folder::new(Some(keep)).map(drop)
}
