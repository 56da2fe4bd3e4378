//! Everything of a member as files, read as that member may read it.

use std::path::Path;

use serde::Serialize;
use varde_common::time::Timestamp;

use super::audit;
use crate::departure::Exported;
use crate::io::handover::Handover;
use crate::limits::silence::SILENCES_LISTED_MAX;
use crate::store::alert::{self, Which};
use crate::store::event::EventRow;
use crate::store::member::MemberRow;
use crate::store::sensor::SensorRow;
use crate::store::silence::WhichSilences;
use crate::store::{Scope, Store, campaign, incident};
use crate::workflow::Matter;
use crate::workflow::timeline::Entry;

/// The file that is written first.
pub(super) const PROFILE: &str = "member.json";
/// Alerts read at a time.
const PAGE: i64 = 1_000;

/// Writes it, page by page, however much there is. Gives what the certificate says of it.
///
/// # Errors
/// What cannot be read or written.
pub(super) async fn export(store: &Store, member: &MemberRow, to: &Path) -> anyhow::Result<Vec<Exported>> {
    let scope = Scope::Member(member.id);
    let sensors = store.sensor_rows(scope).await?;
    let mut profile = serde_json::to_value(member)?;
    let known = serde_json::to_value(store.profile(scope, member.id).await?.unwrap_or_default())?;
    if let (Some(profile), Some(known)) = (profile.as_object_mut(), known.as_object()) {
        profile.extend(known.clone());
    }
    Ok(vec![
        whole(to, PROFILE, &[profile])?,
        whole(to, "sensors.jsonl", &sensors)?,
        whole(to, "sites.jsonl", &sites(store, scope).await?)?,
        alerts(store, scope, Handover::begin(to, "alerts.jsonl")?).await?,
        whole(to, "incidents.jsonl", &incident::list(store, scope, None).await?)?,
        whole(to, "campaigns.jsonl", &campaign::list(store, scope, None).await?)?,
        whole(to, "advisories.jsonl", &store.advisories(scope, None).await?)?,
        timelines(store, scope, Handover::begin(to, "timeline.jsonl")?).await?,
        events(store, scope, &sensors, Handover::begin(to, "events.jsonl")?).await?,
        silences(store, scope, &sensors, Handover::begin(to, "silences.jsonl")?).await?,
        braked(store, scope, Handover::begin(to, "braked.jsonl")?).await?,
        whole(to, "statistics.jsonl", &store.daily_counts(scope, Timestamp::MIN, Timestamp::MAX).await?)?,
        heartbeats(store, scope, &sensors, Handover::begin(to, "heartbeats.jsonl")?).await?,
        audit::part(store, scope, Handover::begin(to, "audit.jsonl")?).await?,
    ])
}

/// Its sites. Whose the sensor is that watches one is not said where that is another: a member is never told of others.
async fn sites(store: &Store, scope: Scope) -> anyhow::Result<Vec<serde_json::Value>> {
    let own = store.sensor_rows(scope).await?;
    let mut sites = Vec::new();
    for site in store.site_rows(scope, None).await? {
        let mut line = serde_json::to_value(&site)?;
        if let (false, Some(line)) = (own.iter().any(|sensor| sensor.id == site.sensor), line.as_object_mut()) {
            line.remove("member");
            line.remove("member_name");
        }
        sites.push(line);
    }
    Ok(sites)
}

async fn alerts(store: &Store, scope: Scope, mut file: Handover) -> anyhow::Result<Exported> {
    let mut which = Which::default();
    loop {
        let page = alert::list(store, scope, which, PAGE).await?;
        let Some(last) = page.last() else { return Ok(file.end()?) };
        which.after = last.id;
        file.lines(&page)?;
    }
}

/// A line of a timeline, and what it is told of.
#[derive(Serialize)]
struct Told {
    kind: &'static str,
    of: i64,
    #[serde(flatten)]
    entry: Entry,
}

/// All that was said and found of its incidents, and of the campaigns they are in, as far as it was for it.
async fn timelines(store: &Store, scope: Scope, mut file: Handover) -> anyhow::Result<Exported> {
    let incidents = incident::list(store, scope, None).await?.into_iter().map(|found| Matter::Incident(found.id));
    let campaigns = campaign::list(store, scope, None).await?.into_iter().map(|found| Matter::Campaign(found.id));
    for case in incidents.chain(campaigns) {
        let work = store.work(scope, case).await?.unwrap_or_default();
        let told = work.timeline.into_iter().map(|entry| Told { kind: case.kind(), of: case.id(), entry });
        file.lines(&Vec::from_iter(told))?;
    }
    Ok(file.end()?)
}

/// Every event of its sensors that there is.
async fn events(store: &Store, scope: Scope, sensors: &[SensorRow], mut file: Handover) -> anyhow::Result<Exported> {
    for sensor in sensors {
        let mut last: Option<EventRow> = None;
        loop {
            let mut page = store.events_behind(scope, sensor.id, last.as_ref()).await?;
            file.lines(&page)?;
            last = page.pop();
            if last.is_none() {
                break;
            }
        }
    }
    Ok(file.end()?)
}

/// What kept its sensors from seeing or from being heard: a few a month each, and those of 13 months at most.
async fn silences(store: &Store, scope: Scope, sensors: &[SensorRow], mut file: Handover) -> anyhow::Result<Exported> {
    for sensor in sensors {
        let which = WhichSilences { sensor: Some(sensor.id), ..WhichSilences::default() };
        file.lines(&store.silences(scope, which, SILENCES_LISTED_MAX).await?)?;
    }
    Ok(file.end()?)
}

/// What was counted of it in place of alerts.
async fn braked(store: &Store, scope: Scope, mut file: Handover) -> anyhow::Result<Exported> {
    let mut told = 0;
    loop {
        let page = store.braked_counts(scope, told).await?;
        if page.is_empty() {
            return Ok(file.end()?);
        }
        told += page.len();
        file.lines(&page)?;
    }
}

/// A heartbeat of a sensor, as it was told.
#[derive(Serialize)]
struct Beat {
    sensor: i64,
    at: Timestamp,
    heartbeat: serde_json::Value,
}

/// Every heartbeat of its sensors that there is: some 260,000 a sensor in 90 days, a page at a time.
async fn heartbeats(
    store: &Store,
    scope: Scope,
    sensors: &[SensorRow],
    mut file: Handover,
) -> anyhow::Result<Exported> {
    for sensor in sensors {
        let mut after = Timestamp(i64::MIN);
        loop {
            let page = store.heartbeats(scope, sensor.id, after).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (at, body) in page {
                // What is no JSON any more is handed over as it stands.
                let heartbeat = serde_json::from_str(&body).unwrap_or(serde_json::Value::String(body));
                file.line(&Beat { sensor: sensor.id, at, heartbeat })?;
            }
        }
    }
    Ok(file.end()?)
}

/// A file of what is no more than is read at once.
fn whole<T: Serialize>(to: &Path, name: &'static str, items: &[T]) -> anyhow::Result<Exported> {
    let mut file = Handover::begin(to, name)?;
    file.lines(items)?;
    Ok(file.end()?)
}
