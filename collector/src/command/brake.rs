//! `indicator brake` and `indicator brakes`: indicators that sensors count only, for a day at most, what that hides, and which sensors
//! go by it; and those whose hosts sensors tell together by themselves.

use std::path::Path;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;
use ed25519_dalek::SigningKey;
use varde_common::brake::{Order, is_reason};
use varde_common::limits::{BRAKE_HOURS_MAX, BRAKE_REASON_MAX_OCTETS};
use varde_common::trust::key_id;

use super::noted::deed;
use super::say;
use super::sensor_list::{MISSING_SHOWN, length};
use crate::audit::{Deed, On};
use crate::braking::{BrakeReach, Following};
use crate::control::Poke;
use crate::io::control::{Poked, poke};
use crate::io::{clock, keys};
use crate::limits::{BRAKE_ANSWERED_WITHIN, BRAKE_LOOKED_AT_EVERY};
use crate::store::brake::{BrakeRow, Wish};
use crate::store::demoted::DemotedRow;
use crate::store::sensor::SensorRow;
use crate::store::{Scope, Store};

/// Arguments of `indicator brake`.
#[derive(Debug, Args)]
pub struct BrakeArguments {
    /// Numbers of indicators, as `indicator list` shows them.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<i64>,
    /// For how long, in hours.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=BRAKE_HOURS_MAX), required_unless_present = "release")]
    pub hours: Option<u64>,
    /// Why: members read it. The same reason is good for 24 hours in a row.
    #[arg(long, value_name = "TEXT", value_parser = reason, required_unless_present = "release")]
    pub reason: Option<String>,
    /// Tell their matches again from now on.
    #[arg(long, conflicts_with_all = ["hours", "reason"])]
    pub release: bool,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_reason(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("a sentence of at most {BRAKE_REASON_MAX_OCTETS} bytes on one line"))
    }
}

/// The key that the root document names for the brake.
pub(super) fn key(data: &Path) -> anyhow::Result<SigningKey> {
    let (_, root) = keys::read_root(data)?;
    let role = &root.roles.brake;
    let file = data.join(keys::BRAKE_KEY);
    if role.keys.is_empty() {
        bail!(
            "the root document (number {}) names no brake key, so no sensor would brake; make one with: varde-collector key make {}, then: varde-collector root next FILE --add brake=PUBLIC, sign FILE with the root keys, and: varde-collector root accept FILE",
            root.version,
            file.display()
        );
    }
    let key = keys::read_signing_key(&file).ok();
    let key = key.filter(|key| role.threshold == 1 && role.keys.contains(&key_id(&key.verifying_key())));
    key.ok_or_else(|| {
        anyhow!(
            "{} is not here or not the key that the root document names; bring it back from its copy, or name another with: varde-collector root next FILE --add brake=PUBLIC --retire brake=ID",
            file.display()
        )
    })
}

/// Gives an order.
///
/// # Errors
/// Why there is none.
pub(super) async fn run(data: &Path, store: &Store, arguments: BrakeArguments) -> anyhow::Result<()> {
    let key = key(data)?;
    let wish = match (arguments.release, arguments.hours, arguments.reason) {
        (false, Some(hours), Some(reason)) => {
            Wish::Hold { indicators: arguments.ids, lasting: Duration::from_secs(hours * 3600), reason }
        }
        (_, _, _) => Wish::Release { indicators: arguments.ids },
    };
    let sign = |order: &Order| order.sign(&[&key]).map_err(|error| error.to_string());
    let order = store.noting(braking(&wish)).give_brake(&wish, clock::now(), sign).await?;
    let sent = poke(data, Poke::Brake).await;
    let words = match sent {
        Poked::Done => "It is on its way to every connected sensor.",
        Poked::NotRunning => "The collector does not run; sensors get it when it does.",
        Poked::Late => "The running collector has not answered yet; it looks by itself within seconds.",
    };
    say::result(&format!("{} {words}", in_words(&order)))?;
    let sensors = store.sensor_rows(Scope::Operator).await?;
    if sent == Poked::Done {
        answered(store, &sensors).await?;
    }
    if let Some(reach) = store.brake_reach(Scope::Operator, clock::now()).await?.filter(|reach| reach.sensors > 0) {
        say::result(&reach_words(&reach))?;
    }
    for line in not_reached(&sensors) {
        say::aside(&line);
    }
    say::aside("What it hides is counted: varde-collector indicator brakes");
    Ok(())
}

/// Waits until every connected sensor that knows the brake has said what became of the order, and no longer than a person waits.
async fn answered(store: &Store, sensors: &[SensorRow]) -> anyhow::Result<()> {
    let began = clock::monotonic();
    let asked = |sensor: &&SensorRow| sensor.connected && sensor.enrolled_at.is_some() && sensor.revoked_at.is_none();
    let asked: Vec<&SensorRow> = sensors.iter().filter(asked).collect();
    while began.elapsed() < BRAKE_ANSWERED_WITHIN {
        let (newest, said) = store.brake_standings(Scope::Operator).await?;
        let waits = |sensor: &&SensorRow| {
            let following = Following::of(newest.as_ref(), said.get(&sensor.id), sensor.protocol, clock::now());
            matches!(following, Some(Following::NotYet { .. }))
        };
        if !asked.iter().any(waits) {
            return Ok(());
        }
        tokio::time::sleep(BRAKE_LOOKED_AT_EVERY).await;
    }
    Ok(())
}

/// How far the newest order has come, in a sentence or two.
pub(super) fn reach_words(reach: &BrakeReach) -> String {
    let BrakeReach { order, holds, sensors, followed_by, missing, .. } = reach;
    let took = |ms: Option<u64>| ms.map_or_else(|| "not yet".to_owned(), |ms| format!("after {}", length(ms)));
    let which = if *holds { "Brake order" } else { "Brake order (which brakes nothing now)" };
    let mut said = format!(
        "{which} {order} is followed by {followed_by} of {sensors} sensors. From the order until it was: half {}, 95 % {}, all {}.",
        took(reach.half_ms),
        took(reach.most_ms),
        took(reach.all_ms)
    );
    if !missing.is_empty() {
        let shown: Vec<String> = missing.iter().take(MISSING_SHOWN).map(i64::to_string).collect();
        let more = if sensors - followed_by > shown.len() { ", …" } else { "" };
        said.push_str(&format!(" Not by: {}{more}.", shown.join(", ")));
    }
    said
}

/// Which order a sensor goes by, towards the newest.
pub(super) fn following_words(following: &Following) -> String {
    let by = |order: i64| if order == 0 { "none".to_owned() } else { order.to_string() };
    match following {
        Following::Follows { order, since } => format!("; brake: order {order} since {}", say::moment(*since)),
        Following::Refuses { order, why, .. } => {
            format!("; brake: REFUSED the newest order ({why}), goes by {}", by(*order))
        }
        Following::NotYet { order } => format!("; brake: NOT YET by the newest order, goes by {}", by(*order)),
        Following::Unable => "; brake: NONE, its version knows no brake".to_owned(),
    }
}

fn braking(wish: &Wish) -> Deed {
    let named = |indicators: &[i64]| {
        let numbers: Vec<String> = indicators.iter().map(i64::to_string).collect();
        On::Thing(format!("indicators {}", numbers.join(", ")))
    };
    match wish {
        Wish::Hold { indicators, lasting, reason } => deed("indicator brake", named(indicators))
            .becomes(format!("counted only for {} hours: {reason}", lasting.as_secs() / 3600)),
        Wish::Release { indicators } => deed("indicator brake", named(indicators)).becomes("told again"),
    }
}

fn in_words(order: &Order) -> String {
    let mut lines = vec![match order.braked.len() {
        0 => format!("Order {}: nothing is braked any more.", order.number),
        count => format!("Order {}: matches of {count} indicators are counted only.", order.number),
    }];
    for braked in &order.braked {
        let exercise = if braked.exercise { ", an exercise" } else { "" };
        lines.push(format!("  {}{exercise} until {}: {}", braked.indicator, braked.until, braked.reason));
    }
    lines.join("\n")
}

/// Sensors that the order does not reach now, and why.
fn not_reached(sensors: &[SensorRow]) -> Vec<String> {
    let living = sensors.iter().filter(|sensor| sensor.enrolled_at.is_some() && sensor.revoked_at.is_none());
    let told = living.filter_map(|sensor| {
        let why = match (sensor.protocol, sensor.connected) {
            (Some(protocol), _) if protocol < 3 => {
                "its version knows no brake and goes on telling; update varde-agent there"
            }
            (_, false) => "it is not connected, and gets it when it is",
            (_, true) => return None,
        };
        Some(format!("Not reached: sensor {} of {}; {why}", sensor.id, sensor.member_name))
    });
    told.collect()
}

/// Lists what is braked and was.
///
/// # Errors
/// When it cannot be read or printed.
pub(super) async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let rows = store.brake_rows(Scope::Operator, clock::now()).await?;
    let heads = ["ID", "INDICATOR", "UNTIL", "WHY", "SENSORS", "MATCHES", "HOSTS", "MEMBERS", "HOW FAR"];
    let row = |row: &BrakeRow| {
        let until = match (row.in_force, row.ended_at) {
            (true, _) => say::moment(Some(row.until)),
            (false, Some(ended)) => format!("ended {}", say::moment(Some(ended))),
            (false, None) => format!("over {}", say::moment(Some(row.until))),
        };
        let exercise = if row.exercise { " (exercise)" } else { "" };
        vec![
            row.indicator_id.to_string(),
            format!("{}{exercise}", row.indicator.as_deref().unwrap_or("confidential")),
            until,
            row.reason.clone(),
            format!("{} of {}", row.sensors, row.sensors_total),
            format!("{} at {}", row.matches, row.counted_by),
            format!("about {}", row.hosts),
            row.members.map_or("-".to_owned(), |members| members.to_string()),
            row.evidence.unwrap_or("-").to_owned(),
        ]
    };
    let demoted = store.demoted_rows(Scope::Operator, clock::now()).await?;
    if !rows.is_empty() || demoted.is_empty() {
        say::rows(&rows, json, &heads, row, "Nothing is braked, and nothing was within a week.")?;
    }
    if demoted.is_empty() {
        return Ok(());
    }
    if !json {
        say::result(
            "Told together by sensors themselves, because it met too many hosts there (sensor events, alert list):",
        )?;
    }
    let heads = ["ID", "INDICATOR", "SINCE", "LAST", "SENSORS", "MEMBERS", "HOSTS THEN", "MATCHES THEN"];
    let row = |row: &DemotedRow| {
        let exercise = if row.exercise { " (exercise)" } else { "" };
        vec![
            row.indicator_id.to_string(),
            format!("{}{exercise}", row.indicator),
            say::moment(Some(row.since)),
            say::moment(Some(row.last)),
            format!("{}, still at {}", row.sensors, row.still),
            row.members.to_string(),
            format!("about {}", row.hosts),
            format!("{} within {}", row.matches, length(row.within_s.max(1).saturating_mul(1_000))),
        ]
    };
    say::rows(&demoted, json, &heads, row, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        brake: BrakeArguments,
    }

    #[test]
    fn t10_a_brake_has_an_end_within_a_day_and_a_reason_that_can_be_shown() {
        let says = |line: &[&str]| Line::try_parse_from([&["brake"], line].concat()).is_ok();
        assert!(says(&["4", "5", "--hours", "24", "--reason", "falsk alarm hos alle"]));
        assert!(says(&["4", "--release"]));
        for bad in [
            &["4"][..],
            &["--hours", "2", "--reason", "x"],
            &["4", "--hours", "2"],
            &["4", "--reason", "x"],
            &["4", "--hours", "25", "--reason", "x"],
            &["4", "--hours", "0", "--reason", "x"],
            &["4", "--hours", "2", "--reason", " "],
            &["4", "--hours", "2", "--reason", "a\nb"],
            &["4", "--release", "--hours", "2"],
        ] {
            assert!(!says(bad), "{bad:?}");
        }
    }
}
