//! What follows from alerts new and changed: strands, incidents, clusters and campaigns, decided by correlation and applied here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use sqlx::SqliteConnection;
use varde_common::alert::{Evidence, Level, Regularity};
use varde_common::id::{Epoch, Seq};
use varde_common::indicator::Target;
use varde_common::time::Timestamp;

use super::IngestError;
use crate::campaign::Guards;
use crate::change::Change;
use crate::commons::Commons;
use crate::correlate::{self, Decisions, Known};
use crate::link::{Backing, Key, KeyKind, Sharing, keys};
use crate::priority::Facts;
use crate::store::alert::AlertRow;
use crate::store::guard::Standing;
use crate::store::incident::Opening;
use crate::store::{alert, cluster, guard, incident, meeting, priority, strand, trace};
use crate::strand::{AlertFact, Link, Span, Strand, Topic, founds_an_incident};
use crate::weights::Weights;

/// What conclusions are drawn by.
pub(super) struct Drawing<'a> {
    pub(super) weights: &'a Weights,
    /// Keys that have come to link nothing.
    pub(super) tripped: Vec<Key>,
    pub(super) now: Timestamp,
}

/// What a batch came to: ids by the places of what was decided.
struct Drawn {
    decisions: Decisions,
    strands: Vec<i64>,
    /// Of the incident that each strand is in.
    incidents: Vec<i64>,
    changes: Vec<Change>,
    /// Stored alerts that were handed over beside the fresh ones, behind those.
    others: Vec<i64>,
}

/// What of an alert weighs.
fn facts_of(row: &AlertRow, standing: Option<&Standing>, weights: &Weights) -> Facts {
    let level = row.zone_levels.chars().map(|digit| match digit {
        '0' => Level::Low,
        '1' => Level::Medium,
        _ => Level::High,
    });
    let level = level.max().unwrap_or_default();
    let is_name = standing.and_then(|found| found.pattern.as_ref()).is_some_and(|pattern| match pattern.target {
        Target::Domain(_) | Target::Host(_) => true,
        Target::Address(_) | Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_) => false,
    });
    let by_name = is_name && row.evidence >= Evidence::Contacted && !row.circumstances.possible_contact;
    Facts {
        evidence: row.evidence,
        confidence: standing.map_or(0, |found| found.confidence),
        level,
        severity: row.severity,
        by_name,
        by_name_at_high: by_name && level == Level::High,
        persistent: row.regularity.as_deref().is_some_and(|json| is_regular(json, weights)),
        in_history: row.retro,
    }
}

/// Whether contact is as regular as a program's, by what the sensor computed.
fn is_regular(json: &str, weights: &Weights) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(json) else { return false };
    let number = |key: &str| value.get(key).and_then(serde_json::Value::as_u64);
    let (Some(contacts), Some(median_interval_ms), Some(spread_ms)) =
        (number("contacts"), number("median_interval_ms"), number("spread_ms"))
    else {
        return false;
    };
    let said = Regularity { contacts: u32::try_from(contacts).unwrap_or(u32::MAX), median_interval_ms, spread_ms };
    let given = &weights.likelihood;
    said.median_interval_ms > 0
        && said.contacts >= given.contacts_min
        && said.spread_ms.saturating_mul(100) <= said.median_interval_ms.saturating_mul(given.spread_hundredths)
}

fn fact(row: &AlertRow, standing: Option<&Standing>, weights: &Weights) -> AlertFact {
    let founds = founds_an_incident(row.direction, row.client.is_some() || row.hosts.is_some(), row.evidence);
    let sharing = Sharing {
        topic: &row.link,
        indicator: row.indicator,
        backing: standing.map_or(Backing::Doubtful, |found| found.backing(weights)),
        of_mere_list: standing.is_some_and(|found| found.of_mere_list),
        pattern: standing.and_then(|found| found.pattern.as_ref()),
        evidence: row.evidence,
        server: row.server.as_deref().and_then(|server| server.parse().ok()),
        possible_contact: row.circumstances.possible_contact,
    };
    AlertFact {
        member: row.member,
        topic: Topic { link: row.link.clone(), exercise: row.exercise },
        span: Span::new(row.first_seen, row.last_seen),
        founds,
        fresh: true,
        strand: row.strand,
        // A resolver asks for others: what it asked says nothing of what one host did.
        host: row.client.clone().filter(|_| !row.circumstances.by_resolver && row.hosts.is_none()),
        links_hosts: false,
        keys: if founds { keys(&sharing, Commons::known()) } else { Vec::new() },
        facts: facts_of(row, standing, weights),
    }
}

/// Whether what one host met is reason enough to put it together with what else that host met.
fn links_hosts(indicator: i64, standing: Option<&Standing>, guards: &Guards, weights: &Weights) -> bool {
    let key = Key { kind: KeyKind::Indicator, value: indicator.to_string() };
    !guards.tripped.contains(&key)
        && standing.is_some_and(|found| {
            found.confidence >= weights.host.confidence_min
                && found.members <= weights.host.members_max
                && (found.of_threat || found.backing(weights) == Backing::Vouched)
        })
}

/// Draws the conclusions from alerts new and changed, and writes both.
pub(super) async fn conclude(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    alerts: BTreeMap<Seq, AlertRow>,
    Drawing { weights, tripped, now }: Drawing<'_>,
) -> Result<Vec<Change>, IngestError> {
    let mut rows: Vec<AlertRow> = alerts.into_values().collect();
    if rows.is_empty() {
        for key in &tripped {
            cluster::mark_held_by(conn, key, now).await?;
        }
        return Ok(Vec::new());
    }
    let indicators: BTreeSet<i64> = rows.iter().map(|row| row.indicator).collect();
    let met = rows.iter().filter(|row| {
        !row.exercise && founds_an_incident(row.direction, row.client.is_some() || row.hosts.is_some(), row.evidence)
    });
    let met: Vec<_> = met.map(|row| (row.indicator, row.member, row.first_seen, row.evidence)).collect();
    let spread = meeting::note(conn, &met).await?;
    let standing = guard::standing(conn, &indicators).await?;
    let facts: Vec<AlertFact> = rows.iter().map(|row| fact(row, standing.get(&row.indicator), weights)).collect();
    let tripped = [tripped, guard::look(conn, &facts, &spread, &standing, weights, now).await?].concat();
    let of: Vec<i64> = rows.iter().map(|row| row.indicator).collect();
    let titles: Vec<(&str, &str, &Link)> =
        rows.iter().map(|row| (row.uuid.as_str(), row.title.as_str(), &row.link)).collect();
    let drawn = draw(conn, facts, (&of, standing), &titles, &Drawing { weights, tripped, now }).await?;
    for ((decision, strand), incident) in drawn.decisions.strands.iter().zip(&drawn.strands).zip(&drawn.incidents) {
        for &place in &decision.alerts {
            if let Some(row) = rows.get_mut(place) {
                (row.strand, row.incident) = (Some(*strand), Some(*incident));
            }
        }
    }
    attach(conn, &drawn, rows.len()).await?;
    alert::write(conn, sensor, epoch, &Vec::from_iter(&rows), now).await?;
    Ok(drawn.changes)
}

/// Two members have become one: of its incidents those that are one from now on are joined, as if they had always been its.
pub(super) async fn rejoin(
    conn: &mut SqliteConnection,
    member: i64,
    weights: &Weights,
    now: Timestamp,
) -> Result<(), IngestError> {
    let own = strand::of_member(conn, member).await?;
    if own.is_empty() {
        return Ok(());
    }
    let as_fact = |strand: &Strand| AlertFact {
        founds: true,
        fresh: true,
        strand: Some(strand.id),
        facts: strand.facts,
        ..AlertFact::joining(member, strand.topic.clone(), strand.span)
    };
    let facts: Vec<AlertFact> = own.iter().map(as_fact).collect();
    let drawn = draw(conn, facts, (&[], HashMap::new()), &[], &Drawing { weights, tripped: Vec::new(), now }).await?;
    attach(conn, &drawn, own.len()).await
}

/// Points stored alerts that join something new to it.
async fn attach(conn: &mut SqliteConnection, drawn: &Drawn, fresh: usize) -> Result<(), IngestError> {
    for ((decision, strand), incident) in drawn.decisions.strands.iter().zip(&drawn.strands).zip(&drawn.incidents) {
        for place in &decision.alerts {
            if let Some(&alert) = place.checked_sub(fresh).and_then(|place| drawn.others.get(place)) {
                incident::attach_alert(conn, alert, *strand, *incident).await?;
            }
        }
    }
    Ok(())
}

/// Everything but the alerts themselves. `titles` has for each fact the alert's name, what it is called, and by what it is put
/// together; `of` the indicator of each.
async fn draw(
    conn: &mut SqliteConnection,
    mut facts: Vec<AlertFact>,
    (of, mut standing): (&[i64], HashMap<i64, Standing>),
    titles: &[(&str, &str, &Link)],
    &Drawing { weights, ref tripped, now }: &Drawing<'_>,
) -> Result<Drawn, IngestError> {
    let known = known(conn, &mut facts, (of, &mut standing), weights).await?;
    // What founds nothing itself may join because of what is new.
    let mut others = Vec::new();
    if let Some(span) = facts.iter().filter(|fact| fact.founds).map(|fact| fact.span).reduce(Span::join) {
        let names: BTreeSet<&str> = titles.iter().map(|(uuid, _, _)| *uuid).collect();
        let links: BTreeSet<Link> = facts.iter().map(|fact| fact.topic.link.clone()).collect();
        let members: BTreeSet<i64> = facts.iter().map(|fact| fact.member).collect();
        for (id, uuid, fact) in strand::alerts_without_host(conn, &links, &members, span).await? {
            if !names.contains(uuid.as_str()) {
                others.push(id);
                facts.push(fact);
            }
        }
    }
    let decisions = correlate::correlate(&facts, &known, weights);

    let (mut changes, mut touched) = (Vec::new(), BTreeSet::new());
    let mut incidents = vec![0; decisions.strands.len()];
    let mut ids = Vec::with_capacity(decisions.incidents.len());
    for decision in &decisions.incidents {
        let alerts = decision.strands.iter().filter_map(|&place| decisions.strands.get(place));
        let first = alerts.flat_map(|strand| &strand.alerts).find_map(|&place| titles.get(place));
        let none = Link::of(0, None);
        let opening = first.map_or(Opening { alert: "", link: &none, title: "" }, |(alert, title, link)| Opening {
            alert,
            link,
            title,
        });
        let id = incident::apply(conn, decision, &opening, now).await?;
        for place in &decision.strands {
            if let Some(incident) = incidents.get_mut(*place) {
                *incident = id;
            }
        }
        ids.push(id);
        touched.insert(id);
        changes.push(Change::Incident(id));
    }
    let mut strands = Vec::with_capacity(decisions.strands.len());
    for (decision, incident) in decisions.strands.iter().zip(&incidents) {
        strands.push(strand::apply(conn, decision, *incident).await?);
    }
    for decision in &decisions.traces {
        if let (Some(strand), Some(id)) = (decisions.strands.get(decision.strand), strands.get(decision.strand)) {
            trace::apply(conn, decision, *id, (strand.member, strand.topic.exercise)).await?;
        }
    }
    let mut campaigns = BTreeSet::new();
    for decision in &decisions.clusters {
        let inside: Vec<i64> = decision.incidents.iter().filter_map(|&place| ids.get(place).copied()).collect();
        let (id, campaign) = cluster::apply(conn, decision, &inside, now).await?;
        if let Some(campaign) = campaign {
            if strand::topics_of(conn, id).await? > weights.link.topics_max {
                cluster::mark_large(conn, id, now).await?;
            }
            campaigns.insert(campaign);
            changes.push(Change::Campaign(campaign));
        }
    }
    for key in tripped {
        cluster::mark_held_by(conn, key, now).await?;
        // What it has put together weighs less from now on.
        let (more, further) = priority::held_by(conn, key).await?;
        touched.extend(more);
        campaigns.extend(further);
    }
    priority::weigh(conn, &touched, &campaigns, &known.guards.shared, weights).await?;
    Ok(Drawn { decisions, strands, incidents, changes, others })
}

/// What is stored about what a batch touches; says of each fact whether its host alone links it.
async fn known(
    conn: &mut SqliteConnection,
    facts: &mut [AlertFact],
    (of, standing): (&[i64], &mut HashMap<i64, Standing>),
    weights: &Weights,
) -> Result<Known, IngestError> {
    let links: BTreeSet<Link> = facts.iter().map(|fact| fact.topic.link.clone()).collect();
    let members: BTreeSet<i64> = facts.iter().map(|fact| fact.member).collect();
    let keys: BTreeSet<Key> = facts.iter().flat_map(|fact| fact.keys.iter().cloned()).collect();
    let strands = strand::of_links(conn, &links, &members).await?;
    let traces = trace::of_keys(conn, &keys).await?;
    let within = Duration::from_secs(u64::from(weights.host.hours) * 60 * 60);
    let mut hosts = Vec::new();
    for member in &members {
        let own = || facts.iter().filter(|fact| fact.member == *member && fact.founds && fact.host.is_some());
        let names: BTreeSet<&str> = own().filter_map(|fact| fact.host.as_deref()).collect();
        if let Some(span) = own().map(|fact| fact.span).reduce(Span::join) {
            let near = Span::new(span.first.minus(within), span.last.plus(within));
            hosts.extend(strand::of_hosts(conn, *member, &Vec::from_iter(names), near).await?);
        }
    }
    let further: BTreeSet<i64> =
        hosts.iter().map(|(indicator, _)| *indicator).filter(|id| !standing.contains_key(id)).collect();
    standing.extend(guard::standing(conn, &further).await?);
    let asked = standing.keys().map(|id| Key { kind: KeyKind::Indicator, value: id.to_string() });
    let asked: BTreeSet<Key> = keys.iter().cloned().chain(asked).collect();
    let guards = Guards {
        tripped: guard::tripped(conn, &asked).await?,
        backing: standing.iter().map(|(id, found)| (*id, found.backing(weights))).collect(),
        apart: cluster::apart(conn).await?,
        shared: incident::behind_suppliers(conn).await?,
    };
    for (fact, indicator) in facts.iter_mut().zip(of) {
        if guards.holds(&Key { kind: KeyKind::Indicator, value: indicator.to_string() }) {
            fact.keys.retain(Key::is_named);
        }
        fact.links_hosts = links_hosts(*indicator, standing.get(indicator), &guards, weights);
    }
    let hosts: Vec<_> = hosts
        .into_iter()
        .map(|(indicator, mut alert)| {
            alert.links_hosts = links_hosts(indicator, standing.get(&indicator), &guards, weights);
            alert
        })
        .collect();
    let mut ids: BTreeSet<i64> = strands.iter().map(|strand| strand.incident).collect();
    ids.extend(hosts.iter().map(|alert| alert.incident));
    let incidents = incident::of_ids(conn, &ids).await?;
    let mut ids: BTreeSet<i64> = incidents.values().map(|incident| incident.cluster).collect();
    ids.extend(traces.iter().map(|trace| trace.cluster));
    let clusters = cluster::of_ids(conn, &ids, weights.confidence.low_below).await?;
    Ok(Known { strands, hosts, traces, incidents, clusters, guards })
}
