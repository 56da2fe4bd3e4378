//! What follows from alerts new and changed: strands, incidents, clusters and campaigns, decided by correlation and applied here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use sqlx::SqliteConnection;
use varde_common::alert::{Evidence, Level, Regularity};
use varde_common::indicator::Target;
use varde_common::time::Timestamp;

use super::fold::Led;
use crate::campaign::{CampaignDecision, ClusterDecision, Guards};
use crate::change::Change;
use crate::commons::Commons;
use crate::correlate::{self, Decisions, Known};
use crate::gateway::Host;
use crate::incident::{Incident, IncidentDecision};
use crate::link::{Backing, Key, KeyKind, Sharing, keys, led_to};
use crate::priority::Facts;
use crate::store::alert::AlertRow;
use crate::store::guard::Standing;
use crate::store::incident::Opening;
use crate::store::proposal::weigh_held_by;
use crate::store::trace::Home;
use crate::store::workflow::Fresh;
use crate::store::{alert, campaign, cluster, gateway, guard, incident, meeting, priority, strand, trace, workflow};
use crate::strand::{AlertFact, Link, LinkKind, Span, Strand, StrandDecision, Topic, founds_an_incident};
use crate::weights::Weights;

/// The link of an incident that no alert opens.
static NO_LINK: Link = Link { kind: LinkKind::Indicator, value: String::new() };

/// What conclusions are drawn by.
pub(super) struct Drawing<'a> {
    pub(super) weights: &'a Weights,
    /// What many share.
    pub(super) commons: &'a Commons,
    /// Keys that have come to link nothing.
    pub(super) tripped: Vec<Key>,
    pub(super) now: Timestamp,
}

/// What a batch came to: ids by the places of what was decided.
pub(super) struct Drawn {
    pub(super) decisions: Decisions,
    strands: Vec<i64>,
    /// Of the incident that each strand is in.
    pub(super) incidents: Vec<i64>,
    pub(super) changes: Vec<Change>,
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
        said: None,
        sensed: true,
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

/// What an alert is to correlation, and what it may share with others.
pub(super) fn fact(
    row: &AlertRow,
    led: &Led,
    standing: Option<&Standing>,
    weights: &Weights,
    commons: &Commons,
) -> AlertFact {
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
        keys: if founds { keys(&sharing, commons) } else { Vec::new() },
        led: led
            .iter()
            .filter_map(|(server, span)| led_to(sharing.pattern, *server, commons).map(|key| (key, *span)))
            .collect(),
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

/// What an alert is of, and whether its host was itself seen to meet it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    indicator: i64,
    itself: bool,
}

impl Met {
    /// Of an alert.
    pub(super) fn of(row: &AlertRow) -> Met {
        Met { indicator: row.indicator, itself: row.met_itself }
    }
}

/// Draws the conclusions from alerts new and changed, and writes both.
pub(super) async fn conclude(
    conn: &mut SqliteConnection,
    told: Vec<(AlertRow, Led)>,
    Drawing { weights, commons, tripped, now }: Drawing<'_>,
) -> Result<Vec<Change>, sqlx::Error> {
    if told.is_empty() {
        for key in &tripped {
            cluster::mark_held_by(conn, key, now).await?;
            // What it has put together weighs less from now on, alerts or not.
            weigh_held_by(conn, key).await?;
        }
        return Ok(Vec::new());
    }
    let (mut rows, led): (Vec<AlertRow>, Vec<Led>) = told.into_iter().unzip();
    let indicators: BTreeSet<i64> = rows.iter().map(|row| row.indicator).collect();
    let met = rows.iter().filter(|row| {
        !row.exercise && founds_an_incident(row.direction, row.client.is_some() || row.hosts.is_some(), row.evidence)
    });
    let met: Vec<_> = met.map(|row| (row.indicator, row.member, row.first_seen, row.evidence)).collect();
    let spread = meeting::note(conn, &met).await?;
    let standing = guard::standing(conn, &indicators).await?;
    let facts: Vec<AlertFact> = rows
        .iter()
        .zip(&led)
        .map(|(row, led)| fact(row, led, standing.get(&row.indicator), weights, commons))
        .collect();
    let tripped = [tripped, guard::look(conn, &facts, &spread, &standing, weights, now).await?].concat();
    let of: Vec<Met> = rows.iter().map(Met::of).collect();
    let known_before: Vec<bool> = rows.iter().map(|row| row.strand.is_some()).collect();
    let titles: Vec<(&str, &str, &Link)> =
        rows.iter().map(|row| (row.uuid.as_str(), row.title.as_str(), &row.link)).collect();
    let drawn = draw(conn, facts, (&of, standing), &titles, &Drawing { weights, commons, tripped, now }).await?;
    for ((decision, strand), incident) in drawn.decisions.strands.iter().zip(&drawn.strands).zip(&drawn.incidents) {
        for &place in &decision.alerts {
            if let Some(row) = rows.get_mut(place) {
                (row.strand, row.incident) = (Some(*strand), Some(*incident));
            }
        }
    }
    attach(conn, &drawn, rows.len()).await?;
    alert::write(conn, &rows, now).await?;
    let fresh = rows.iter().zip(&known_before).filter_map(|(row, was_known)| fresh(row, *was_known));
    let campaigns = campaigns_of(&drawn.changes);
    workflow::look(conn, &Vec::from_iter(fresh), &campaigns, now).await?;
    Ok(drawn.changes)
}

/// What an alert means for the work on its incident; nothing where it is reason for none.
fn fresh(row: &AlertRow, was_known: bool) -> Option<Fresh<'_>> {
    let founds = founds_an_incident(row.direction, row.client.is_some() || row.hosts.is_some(), row.evidence);
    row.incident.filter(|_| founds).map(|incident| Fresh {
        incident,
        indicator: row.indicator,
        link: &row.link,
        client: row.client.as_deref(),
        evidence: row.evidence,
        reached_at: if was_known { row.last_seen } else { row.first_seen },
        last_seen: row.last_seen,
    })
}

/// The campaigns that have changed.
pub(super) fn campaigns_of(changes: &[Change]) -> BTreeSet<i64> {
    let campaign = |change: &Change| match change {
        Change::Campaign(id) => Some(*id),
        Change::Incident(_) | Change::Sensor(_) | Change::List(_) | Change::Room => None,
    };
    changes.iter().filter_map(campaign).collect()
}

/// Two members have become one: of its incidents those that are one from now on are joined, as if they had always been its.
pub(super) async fn rejoin(
    conn: &mut SqliteConnection,
    member: i64,
    weights: &Weights,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
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
    let drawing = Drawing { weights, commons: &Commons::default(), tripped: Vec::new(), now };
    let drawn = draw(conn, facts, (&[], HashMap::new()), &[], &drawing).await?;
    attach(conn, &drawn, own.len()).await
}

/// Points stored alerts that join something new to it.
pub(super) async fn attach(conn: &mut SqliteConnection, drawn: &Drawn, fresh: usize) -> Result<(), sqlx::Error> {
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
pub(super) async fn draw(
    conn: &mut SqliteConnection,
    mut facts: Vec<AlertFact>,
    (of, mut standing): (&[Met], HashMap<i64, Standing>),
    titles: &[(&str, &str, &Link)],
    &Drawing { weights, ref tripped, now, .. }: &Drawing<'_>,
) -> Result<Drawn, sqlx::Error> {
    let known = known(conn, &mut facts, (of, &mut standing), weights).await?;
    // What founds nothing itself may join because of what is new.
    let (mut others, mut joining) = (Vec::new(), Vec::new());
    let mut near: BTreeMap<(i64, &Link), Span> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.founds) {
        let span = near.entry((fact.member, &fact.topic.link)).or_insert(fact.span);
        *span = span.join(fact.span);
    }
    let names: BTreeSet<&str> = titles.iter().map(|(uuid, _, _)| *uuid).collect();
    for (id, uuid, fact) in strand::alerts_without_host(conn, &near).await? {
        if !names.contains(uuid.as_str()) {
            others.push(id);
            joining.push(fact);
        }
    }
    facts.extend(joining);
    let decisions = correlate::correlate(&facts, &known, weights);

    let (mut changes, mut touched) = (Vec::new(), BTreeSet::new());
    let mut incidents = vec![0; decisions.strands.len()];
    let mut ids = Vec::with_capacity(decisions.incidents.len());
    let mut lengthened = Vec::new();
    for decision in &decisions.incidents {
        let id = match decision.goes_on() {
            Some(id) => {
                lengthened.push((id, decision.span));
                id
            }
            None => incident::apply(conn, decision, &opening(decision, &decisions.strands, titles), now).await?,
        };
        for place in &decision.strands {
            if let Some(incident) = incidents.get_mut(*place) {
                *incident = id;
            }
        }
        ids.push(id);
        touched.insert(id);
        changes.push(Change::Incident(id));
    }
    incident::lengthen(conn, &lengthened, now).await?;
    let strands = strand::apply_all(conn, &decisions.strands, &incidents).await?;
    trace::apply_all(conn, &decisions.traces, &decisions.strands, &strands).await?;
    let (mut campaigns, mut grown, mut clusters) = (BTreeSet::new(), Vec::new(), Vec::new());
    for decision in &decisions.clusters {
        if is_as_it_was(decision, &decisions.incidents, &known) {
            if let (Some(id), CampaignDecision::Kept(campaign, _)) = (decision.kept, &decision.campaign) {
                grown.push(*campaign);
                clusters.push((id, *campaign));
            }
            continue;
        }
        let inside: Vec<i64> = decision.incidents.iter().filter_map(|&place| ids.get(place).copied()).collect();
        let (id, campaign) = cluster::apply(conn, decision, &inside, now).await?;
        clusters.extend(campaign.map(|campaign| (id, campaign)));
    }
    campaign::lengthen(conn, &grown, now).await?;
    let is_marked = |id: &i64| known.clusters.get(id).is_some_and(|cluster| cluster.is_too_connected);
    let of_campaigns: Vec<i64> = clusters.iter().map(|(id, _)| *id).filter(|id| !is_marked(id)).collect();
    for id in strand::of_many_topics(conn, &of_campaigns, weights.link.topics_max).await? {
        cluster::mark_large(conn, id, now).await?;
    }
    for host in &decisions.gateways {
        let marked = gateway::trip(conn, host, &weights.host, now).await?;
        changes.extend(marked.into_iter().map(Change::Campaign));
    }
    for (_, campaign) in clusters {
        campaigns.insert(campaign);
        changes.push(Change::Campaign(campaign));
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

/// Where traces of each key need not be looked for, since it is settled what they come to: nowhere at all where the key links nothing,
/// and not in the one cluster that all that shares it now is in already.
fn homes(
    facts: &[AlertFact],
    strands: &[Strand],
    incidents: &BTreeMap<i64, Incident>,
    guards: &Guards,
) -> BTreeMap<Key, Home> {
    let mut of_topic: HashMap<(i64, &Topic), Vec<&Strand>> = HashMap::new();
    for strand in strands {
        of_topic.entry((strand.member, &strand.topic)).or_default().push(strand);
    }
    let mut homes: BTreeMap<Key, Home> = BTreeMap::new();
    // What is in a cluster that a person has put apart from another may yet go to that one; all others go on as if nobody had.
    let apart: BTreeSet<i64> = guards.apart.iter().flat_map(|(low, high)| [*low, *high]).collect();
    for fact in facts {
        let near = of_topic.get(&(fact.member, &fact.topic));
        let near = near.into_iter().flatten().filter(|strand| strand.span.near(fact.span));
        let of_fact: BTreeSet<Option<i64>> =
            near.map(|strand| incidents.get(&strand.incident).map(|incident| incident.cluster)).collect();
        let of_fact = match (of_fact.first(), of_fact.len()) {
            (Some(Some(cluster)), 1) if !apart.contains(cluster) => Home::Cluster(*cluster),
            (Some(_) | None, _) => Home::None,
        };
        for (key, _) in fact.shares() {
            let home = match homes.get(key) {
                _ if guards.tripped.contains(key) => Home::Everywhere,
                Some(before) if *before != of_fact => Home::None,
                Some(_) | None => of_fact,
            };
            homes.insert(key.clone(), home);
        }
    }
    homes
}

/// By what an incident is opened: the first alert in it.
fn opening<'a>(
    decision: &IncidentDecision,
    strands: &[StrandDecision],
    titles: &[(&'a str, &'a str, &'a Link)],
) -> Opening<'a> {
    let alerts = decision.strands.iter().filter_map(|&place| strands.get(place)).flat_map(|strand| &strand.alerts);
    let first = alerts.filter_map(|&place| titles.get(place)).next();
    first.map_or(Opening { alert: "", link: &NO_LINK, title: "" }, |&(alert, title, link)| Opening {
        alert,
        link,
        title,
    })
}

/// Whether a cluster, the incidents decided in it, and the campaign that it is go on as they are stored: only times have changed.
fn is_as_it_was(decision: &ClusterDecision, incidents: &[IncidentDecision], known: &Known) -> bool {
    let Some(id) = decision.kept.filter(|_| decision.absorbed.is_empty()) else { return false };
    let is_inside = |place: &usize| {
        let there = incidents.get(*place).and_then(IncidentDecision::goes_on).and_then(|id| known.incidents.get(&id));
        there.is_some_and(|incident| incident.cluster == id)
    };
    let stored = known.clusters.get(&id).and_then(|cluster| cluster.campaign);
    decision.incidents.iter().all(is_inside)
        && match &decision.campaign {
            CampaignDecision::None => stored.is_none(),
            CampaignDecision::Raised => false,
            CampaignDecision::Kept(kept, absorbed) => absorbed.is_empty() && stored == Some(*kept),
        }
}

/// The hosts of what is new.
fn fresh_hosts(facts: &[AlertFact]) -> BTreeSet<Host> {
    let host = |fact: &AlertFact| {
        let (member, exercise) = (fact.member, fact.topic.exercise);
        fact.host.clone().map(|name| Host { member, name, exercise })
    };
    facts.iter().filter(|fact| fact.founds).filter_map(host).collect()
}

/// What is stored about what a batch touches; says of each fact whether its host alone links it.
async fn known(
    conn: &mut SqliteConnection,
    facts: &mut [AlertFact],
    (of, standing): (&[Met], &mut HashMap<i64, Standing>),
    weights: &Weights,
) -> Result<Known, sqlx::Error> {
    let links: BTreeSet<(i64, &Link)> = facts.iter().map(|fact| (fact.member, &fact.topic.link)).collect();
    let keys: BTreeSet<Key> = facts.iter().flat_map(AlertFact::shares).map(|(key, _)| key.clone()).collect();
    let strands = strand::of_links(conn, &links).await?;
    let within = Duration::from_secs(u64::from(weights.host.hours) * 60 * 60);
    let mut near: BTreeMap<(i64, &str), Span> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.founds) {
        if let Some(host) = &fact.host {
            let span = Span::new(fact.span.first.minus(within), fact.span.last.plus(within));
            let all = near.entry((fact.member, host)).or_insert(span);
            *all = all.join(span);
        }
    }
    let hosts = strand::of_hosts(conn, &near).await?;
    let gateways = gateway::among(conn, &fresh_hosts(facts)).await?;
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
    for (fact, Met { indicator, itself }) in facts.iter_mut().zip(of) {
        // A flow alone, to an address to which a name led that another looked up, tells what the host met only where few things are
        // there: at a sinkhole every listed name ends.
        if !itself && !fact.keys.iter().any(|key| key.kind == KeyKind::Address && !guards.holds(key)) {
            fact.host = None;
        }
        if guards.holds(&Key { kind: KeyKind::Indicator, value: indicator.to_string() }) {
            fact.keys.retain(Key::is_named);
            fact.led.clear();
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
    let homes = homes(facts, &strands, &incidents, &guards);
    let own: Vec<i64> = strands.iter().map(|strand| strand.id).collect();
    let traces = trace::of_keys(conn, &homes, &own).await?;
    let mut ids: BTreeSet<i64> = incidents.values().map(|incident| incident.cluster).collect();
    ids.extend(traces.iter().map(|trace| trace.cluster));
    let clusters = cluster::of_ids(conn, &ids, weights.confidence.low_below).await?;
    Ok(Known { strands, hosts, traces, incidents, clusters, guards, gateways })
}
