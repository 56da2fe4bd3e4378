//! What follows from alerts new and changed: incidents and campaigns, decided by correlation and applied here.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use super::IngestError;
use crate::change::Change;
use crate::correlate::{self, IncidentRef, Known};
use crate::incident::{AlertFact, Incident, Link, Span, Topic, founds_an_incident};
use crate::store::alert::AlertRow;
use crate::store::{alert, campaign, incident};

fn fact(row: &AlertRow) -> AlertFact {
    AlertFact {
        member: row.member,
        topic: Topic { link: row.link.clone(), exercise: row.exercise },
        span: Span::new(row.first_seen, row.last_seen),
        founds: founds_an_incident(row.direction, row.client.is_some() || row.hosts.is_some(), row.evidence),
        fresh: true,
        incident: row.incident,
    }
}

/// Draws the conclusions from alerts new and changed, and writes both.
pub(super) async fn conclude(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    alerts: BTreeMap<Seq, AlertRow>,
    now: Timestamp,
) -> Result<Vec<Change>, IngestError> {
    let mut rows: Vec<AlertRow> = alerts.into_values().collect();
    let mut facts: Vec<AlertFact> = rows.iter().map(fact).collect();
    let links: BTreeSet<Link> = facts.iter().map(|fact| fact.topic.link.clone()).collect();
    let members: BTreeSet<i64> = facts.iter().map(|fact| fact.member).collect();
    let known = Known {
        incidents: incident::of_links(conn, &links, &members).await?,
        campaigns: campaign::of_links(conn, &links).await?,
        shared: incident::behind_suppliers(conn).await?,
    };
    // What founds nothing itself may join because of what is new.
    let mut others = Vec::new();
    if let Some(span) = facts.iter().filter(|fact| fact.founds).map(|fact| fact.span).reduce(Span::join) {
        let names: BTreeSet<&str> = rows.iter().map(|row| row.uuid.as_str()).collect();
        for (id, uuid, fact) in incident::alerts_without_host(conn, &links, &members, span).await? {
            if !names.contains(uuid.as_str()) {
                others.push(id);
                facts.push(fact);
            }
        }
    }
    let decisions = correlate::correlate(&facts, &known);

    let mut changes = Vec::new();
    let mut ids = Vec::with_capacity(decisions.incidents.len());
    for decision in &decisions.incidents {
        let first = decision.alerts.iter().find_map(|&place| rows.get(place));
        let (uuid, title) = first.map_or(("", ""), |row| (row.uuid.as_str(), row.title.as_str()));
        let id = incident::apply(conn, decision, uuid, title, now).await?;
        for &place in &decision.alerts {
            match rows.get_mut(place) {
                Some(row) => row.incident = Some(id),
                None => {
                    if let Some(&alert) = place.checked_sub(rows.len()).and_then(|place| others.get(place)) {
                        incident::attach_alert(conn, alert, id).await?;
                    }
                }
            }
        }
        ids.push(id);
        changes.push(Change::Incident(id));
    }
    for (decision, inside) in &decisions.campaigns {
        let inside: Vec<i64> = inside
            .iter()
            .filter_map(|incident| match incident {
                IncidentRef::Decided(place) => ids.get(*place).copied(),
                IncidentRef::Stored(id) => Some(*id),
            })
            .collect();
        changes.push(Change::Campaign(campaign::apply(conn, decision, &inside, now).await?));
    }
    alert::write(conn, sensor, epoch, &Vec::from_iter(&rows), now).await?;
    Ok(changes)
}

/// Two members have become one: of its incidents those that are one from now on are joined, as if they had always been its.
pub(super) async fn rejoin(conn: &mut SqliteConnection, member: i64, now: Timestamp) -> Result<(), IngestError> {
    let own = incident::of_member(conn, member).await?;
    let as_fact = |incident: &Incident| AlertFact {
        member,
        topic: incident.topic.clone(),
        span: incident.span,
        founds: true,
        fresh: true,
        incident: Some(incident.id),
    };
    let mut facts: Vec<AlertFact> = own.iter().map(as_fact).collect();
    let Some(span) = own.iter().map(|incident| incident.span).reduce(Span::join) else { return Ok(()) };
    let links: BTreeSet<Link> = own.iter().map(|incident| incident.topic.link.clone()).collect();
    let members = BTreeSet::from([member]);
    let known = Known {
        incidents: incident::of_links(conn, &links, &members).await?,
        campaigns: campaign::of_links(conn, &links).await?,
        shared: incident::behind_suppliers(conn).await?,
    };
    let mut others = Vec::new();
    for (id, _, fact) in incident::alerts_without_host(conn, &links, &members, span).await? {
        others.push(id);
        facts.push(fact);
    }
    let decisions = correlate::correlate(&facts, &known);
    let mut ids = Vec::with_capacity(decisions.incidents.len());
    for decision in &decisions.incidents {
        let id = incident::apply(conn, decision, "", "", now).await?;
        for place in &decision.alerts {
            if let Some(&alert) = place.checked_sub(own.len()).and_then(|place| others.get(place)) {
                incident::attach_alert(conn, alert, id).await?;
            }
        }
        ids.push(id);
    }
    for (decision, inside) in &decisions.campaigns {
        let inside: Vec<i64> = inside
            .iter()
            .filter_map(|incident| match incident {
                IncidentRef::Decided(place) => ids.get(*place).copied(),
                IncidentRef::Stored(id) => Some(*id),
            })
            .collect();
        campaign::apply(conn, decision, &inside, now).await?;
    }
    Ok(())
}
