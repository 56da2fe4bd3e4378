//! `varde-collector statistics`: numbers of alerts by day.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::say;
use crate::day;
use crate::io::clock;
use crate::store::statistics::DailyCount;
use crate::store::{Scope, Store};

/// A day.
const DAY: Duration = Duration::from_secs(86_400);
/// Days shown unless told otherwise.
const DAYS_SHOWN: u32 = 30;

const HELP: &str = "\
Alerts are kept for 13 months; what they counted stays as numbers by member, kind of indicator, severity and day, never with a host, until
the member leaves. Exercises are left out. Days are those in Norway, on which alerts began.
Keys with --json: day (its beginning by UTC), member (number), kind (of the indicators), severity, alerts, sightings (what the alerts count
together).";

/// Arguments of `statistics`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct StatisticsArguments {
    /// Of this member alone.
    #[arg(long, value_name = "NUMBER")]
    pub member: Option<MemberNumber>,
    /// The first day [alone: 30 days back].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = a_day)]
    pub from: Option<Timestamp>,
    /// The last day [alone: today].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = a_day)]
    pub to: Option<Timestamp>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// A day as it is written, as its beginning by UTC.
fn a_day(text: &str) -> Result<Timestamp, String> {
    let wrong = || "write a day such as 2026-11-30".to_owned();
    let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    format!("{date}T00:00:00Z").parse().map_err(|_| wrong())
}

/// Runs the command.
///
/// # Errors
/// No such member; the database's own.
pub async fn run(data: &Path, arguments: StatisticsArguments) -> anyhow::Result<()> {
    let StatisticsArguments { member, from, to, json } = arguments;
    let store = Store::open(data).await?;
    let scope = match &member {
        None => Scope::Operator,
        Some(number) => match store.member_by_number(Scope::Operator, number).await? {
            Some(member) => Scope::Member(member.id),
            None => bail!("there is no member {number}; see them with: varde-collector member list"),
        },
    };
    let last = to.unwrap_or_else(|| day::of(clock::now()));
    let first = from.unwrap_or_else(|| last.minus(DAY * DAYS_SHOWN));
    let counts = store.daily_counts(scope, first, last.plus(DAY)).await?;
    store.close().await;
    let heads = ["DAY", "MEMBER", "KIND", "SEVERITY", "ALERTS", "MATCHES"];
    say::rows(&counts, json, &heads, row, "No alerts began on these days.")
}

fn row(count: &DailyCount) -> Vec<String> {
    let DailyCount { day, member, kind, severity, alerts, sightings } = count;
    let day = day.to_string().chars().take("2026-11-30".len()).collect();
    let severity = severity.as_str().to_owned();
    vec![day, member.clone(), kind.clone(), severity, alerts.to_string(), sightings.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::indicator::Severity;

    #[test]
    fn a_day_is_read_and_written_as_people_write_it_and_every_key_stands_in_the_help() {
        let day = a_day("2026-11-30").unwrap();
        for wrong in ["30.11.2026", "2026-13-01", "", "2026-11-30T01:00:00Z"] {
            assert!(a_day(wrong).is_err(), "{wrong}");
        }
        let count = DailyCount {
            day,
            member: "3407".to_owned(),
            kind: "domain".to_owned(),
            severity: Severity::High,
            alerts: 3,
            sightings: 40,
        };
        assert_eq!(row(&count), ["2026-11-30", "3407", "domain", "high", "3", "40"]);
        let told = serde_json::to_value(&count).unwrap();
        assert!(told.as_object().unwrap().keys().all(|key| HELP.contains(key.as_str())));
    }
}
