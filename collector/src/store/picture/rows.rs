//! How rows of the picture become facts, and what of them a member is not told.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use varde_common::time::Timestamp;
use varde_common::words::fingerprint;

use super::{AlertFacts, HitFacts, IndicatorFacts, KeyFacts, MemberFacts, WorkFacts};
use crate::store::Scope;
use crate::store::alert::{is_told, verdict_from};
use crate::store::workflow::standing_from;
use crate::workflow::State;

pub(super) fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    Ok(Timestamp(row.try_get(column)?).clamped())
}

pub(super) fn maybe_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(|at| Timestamp(at).clamped()))
}

/// Whether the title would tell an indicator that is marked for few eyes, or a member the threat that it belongs to.
pub(super) fn withheld(scope: Scope, link_kind: &str, row: &SqliteRow) -> Result<bool, sqlx::Error> {
    let is_strict = row.try_get::<Option<i64>, _>("strict")?.unwrap_or(0) != 0;
    Ok(is_strict && (scope != Scope::Operator || link_kind == "indicator"))
}

/// A sensor's certificate, and the key that waits for a person.
pub(super) fn keys(row: &SqliteRow) -> Result<KeyFacts, sqlx::Error> {
    let key: Option<Vec<u8>> = row.try_get("pending_spki_sha256")?;
    let words = key.and_then(|key| key.try_into().ok()).map(|key| fingerprint(&key));
    let over = maybe_time(row, "enrolled_at")?.is_some() || maybe_time(row, "approved_at")?.is_some();
    Ok(KeyFacts {
        until: maybe_time(row, "certificate_until")?,
        refused_why: row.try_get("renewal_refused_why")?,
        pending: words.zip(maybe_time(row, "pending_at")?).filter(|_| !over),
    })
}

pub(super) fn member_facts(row: &SqliteRow) -> Result<MemberFacts, sqlx::Error> {
    Ok(MemberFacts {
        id: row.try_get("member_id")?,
        number: row.try_get("number")?,
        name: row.try_get("name")?,
        supplier: row.try_get("supplier")?,
    })
}

pub(super) fn hit_facts(row: &SqliteRow) -> Result<HitFacts, sqlx::Error> {
    Ok(HitFacts {
        member: member_facts(row)?,
        first_seen: time(row, "first_seen")?,
        last_seen: time(row, "last_seen")?,
        evidence: row.try_get("evidence")?,
        severity: row.try_get("severity")?,
        hosts: row.try_get("hosts")?,
        hosts_about: row.try_get::<i64, _>("hosts_about")? != 0,
        sightings: row.try_get("sightings")?,
        alerts: row.try_get("alerts")?,
        arrived_at: maybe_time(row, "arrived_at")?,
        arrived_last_at: maybe_time(row, "arrived_last_at")?,
        human: row.try_get::<i64, _>("human")? != 0 && row.try_get::<i64, _>("alerts")? == 0,
        // Of what it is summed of, and for a member by its own alone: read beside.
        word: None,
    })
}

/// Where the work stands, of a row of an incident or a campaign.
pub(super) fn work_facts(scope: Scope, row: &SqliteRow) -> Result<WorkFacts, sqlx::Error> {
    let standing = standing_from(row)?;
    let standing = if scope == Scope::Operator { standing } else { standing.unnumbered() };
    let (standing, since) = (standing, maybe_time(row, "state_at")?);
    Ok(WorkFacts {
        standing,
        owner: row.try_get("owner")?,
        came_back: row.try_get("came_back")?,
        grown: standing.state() == State::Closed
            && since.is_some_and(|since| time(row, "updated_at").is_ok_and(|at| at > since)),
    })
}

pub(super) fn indicator_facts(scope: Scope, row: &SqliteRow) -> Result<IndicatorFacts, sqlx::Error> {
    let tlp: String = row.try_get("tlp")?;
    let is_told = is_told(&tlp);
    Ok(IndicatorFacts {
        id: row.try_get("id")?,
        pattern: Some(row.try_get("pattern")?).filter(|_| is_told),
        kind: row.try_get("kind")?,
        source: row.try_get("source")?,
        threat: row.try_get::<Option<String>, _>("threat")?.filter(|_| is_told || scope == Scope::Operator),
        tlp,
        confidence: row.try_get("confidence")?,
        published_in: row.try_get("published_in")?,
    })
}

pub(super) fn alert_facts(row: &SqliteRow) -> Result<AlertFacts, sqlx::Error> {
    let yes = |column: &str| row.try_get::<i64, _>(column).map(|value| value != 0);
    let tlp: &str = row.try_get("tlp")?;
    Ok(AlertFacts {
        id: row.try_get("id")?,
        uuid: row.try_get("uuid")?,
        member_id: row.try_get("member_id")?,
        member_name: row.try_get("member_name")?,
        sensor_id: row.try_get("sensor_id")?,
        indicator_id: row.try_get("indicator_id")?,
        revision: row.try_get("revision")?,
        client: row.try_get("client")?,
        hosts: row.try_get("hosts")?,
        zone: row.try_get("zone")?,
        direction: row.try_get("direction")?,
        evidence: row.try_get("evidence")?,
        by_resolver: yes("by_resolver")?,
        looked_up_by_other: yes("looked_up_by_other")?,
        possible_contact: yes("possible_contact")?,
        labels_left: row.try_get("labels_left")?,
        // The server that was met may be the indicator itself.
        server: row.try_get::<Option<String>, _>("server")?.filter(|_| is_told(tlp)),
        port: row.try_get("port")?,
        protocol: row.try_get("protocol")?,
        severity: row.try_get("severity")?,
        first_seen: time(row, "first_seen")?,
        last_seen: time(row, "last_seen")?,
        count: row.try_get("count")?,
        regularity: row.try_get("regularity")?,
        closed: yes("closed")?,
        verdict: verdict_from(row.try_get("verdict")?),
        verdict_reason: row.try_get("verdict_reason")?,
    })
}
