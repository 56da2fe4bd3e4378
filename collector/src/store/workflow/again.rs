//! What new alerts mean for the work: stages that were reached, and what was closed that opens again ([`crate::workflow::again`]).
//! In the transaction that stores the alerts, so that nothing is told twice, however batches are cut or sent again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::{found, stand, standing, standing_from};
use crate::limits::workflow::RETURNS_LOOKED_FOR;
use crate::store::alert::{evidence_from, level_of};
use crate::store::record::ROWS_PER_STATEMENT;
use crate::strand::{Link, LinkKind};
use crate::verdict::Verdict;
use crate::workflow::again::{Met, Why, comes_back};
use crate::workflow::timeline::{About, Said};
use crate::workflow::{Closing, Matter, Progress, State};

/// An alert, new or changed, that founds an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh<'a> {
    /// The incident it is in.
    pub incident: i64,
    /// What matched.
    pub indicator: i64,
    /// What it is put together by: its threat, else itself.
    pub link: &'a Link,
    /// Its host.
    pub client: Option<&'a str>,
    /// How far it got.
    pub evidence: Evidence,
    /// When it got there, as far as is known: of a new alert its first sighting, else its last.
    pub reached_at: Timestamp,
    /// Its last sighting.
    pub last_seen: Timestamp,
}

/// An incident as it stands.
struct Known {
    id: i64,
    member: i64,
    standing: Progress,
    since: Timestamp,
    reached: Option<Evidence>,
    campaign: Option<i64>,
}

fn known_from(row: &SqliteRow) -> Result<Known, sqlx::Error> {
    let since: Option<i64> = row.try_get("state_at")?;
    let reached: Option<i64> = row.try_get("reached")?;
    Ok(Known {
        id: row.try_get("id")?,
        member: row.try_get("member_id")?,
        standing: standing_from(row)?,
        since: Timestamp(since.unwrap_or(row.try_get("opened_at")?)),
        reached: reached.map(evidence_from),
        campaign: row.try_get("campaign_id")?,
    })
}

async fn known(conn: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<Known>, sqlx::Error> {
    let mut all = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT id, member_id, state, closed_as, duplicate_of, state_at, opened_at, reached, campaign_id
             FROM incident WHERE id IN (",
        );
        let mut list = select.separated(", ");
        for id in chunk {
            list.push_bind(*id);
        }
        select.push(") ORDER BY id");
        for row in &select.build().fetch_all(&mut *conn).await? {
            all.push(known_from(row)?);
        }
    }
    Ok(all)
}

/// What a number means today: it may have become part of another.
async fn led_to(conn: &mut SqliteConnection, kind: &str, id: i64) -> Result<i64, sqlx::Error> {
    let sql = "SELECT into_id FROM merged WHERE kind = $1 AND id = $2";
    let led: Option<i64> = sqlx::query_scalar(sql).bind(kind).bind(id).fetch_optional(conn).await?;
    Ok(led.unwrap_or(id))
}

/// Whether a duplicate's other is worked on still.
async fn other_is_open(conn: &mut SqliteConnection, case: Matter, standing_of: Progress) -> Result<bool, sqlx::Error> {
    let Some(of) = standing_of.duplicate_of() else { return Ok(false) };
    let of = led_to(&mut *conn, case.kind(), of).await?;
    let other = match case {
        Matter::Incident(_) => Matter::Incident(of),
        Matter::Campaign(_) | Matter::Silence(_) => Matter::Campaign(of),
    };
    Ok(standing(conn, other).await?.is_some_and(|there| there.state() != State::Closed))
}

/// What a person has said of an incident's alerts that a closing goes by: indicators found wrong, or hosts whose traffic is wanted.
#[derive(Default)]
struct Judged {
    indicators: HashSet<i64>,
    pairs: HashSet<(i64, Option<String>)>,
}

impl Judged {
    async fn read(conn: &mut SqliteConnection, incident: i64, closing: Closing) -> Result<Judged, sqlx::Error> {
        let verdict = match closing {
            Closing::FalsePositive => Verdict::FalsePositive,
            Closing::Legitimate => Verdict::Legitimate,
            Closing::Confirmed | Closing::Duplicate | Closing::Exercise => return Ok(Judged::default()),
        };
        let sql = "SELECT DISTINCT indicator_id, client FROM alert WHERE incident_id = $1 AND verdict = $2";
        let rows: Vec<(i64, Option<String>)> =
            sqlx::query_as(sql).bind(incident).bind(verdict.as_str()).fetch_all(conn).await?;
        let indicators = rows.iter().map(|(indicator, _)| *indicator);
        let indicators = indicators.filter(|_| verdict == Verdict::FalsePositive).collect();
        Ok(Judged { indicators, pairs: rows.into_iter().collect() })
    }

    fn covers(&self, fresh: &Fresh<'_>) -> bool {
        self.indicators.contains(&fresh.indicator)
            || self.pairs.contains(&(fresh.indicator, fresh.client.map(str::to_owned)))
    }
}

/// What was known of an incident when it was closed: what its alerts of then are on, and what it was opened by.
#[derive(Default)]
struct KnownThen {
    indicators: HashSet<i64>,
    topics: HashSet<(String, String)>,
}

impl KnownThen {
    /// Of a duplicate all that is known of the one that is worked on instead belongs to it.
    async fn read(conn: &mut SqliteConnection, incident: &Known, now: Timestamp) -> Result<KnownThen, sqlx::Error> {
        // What is stored in this transaction is what is asked about, however our clock ran between it and the closing.
        let sql =
            "SELECT DISTINCT a.indicator_id, s.link_kind, s.link_value FROM alert a JOIN strand s ON s.id = a.strand_id
            WHERE a.incident_id = $1 AND a.arrived_at <= $2 AND a.arrived_at < $3
            UNION SELECT a.indicator_id, s.link_kind, s.link_value FROM alert a JOIN strand s ON s.id = a.strand_id
            WHERE a.incident_id = $4 AND a.arrived_at < $3
            UNION SELECT 0, link_kind, link_value FROM incident WHERE id = $1 OR id = $4";
        let of = match incident.standing.duplicate_of() {
            Some(of) => Some(led_to(&mut *conn, "incident", of).await?),
            None => None,
        };
        let read = sqlx::query_as(sql).bind(incident.id).bind(incident.since.0).bind(now.0).bind(of);
        let rows: Vec<(i64, String, String)> = read.fetch_all(conn).await?;
        let indicators = rows.iter().map(|(indicator, _, _)| *indicator).collect();
        Ok(KnownThen { indicators, topics: rows.into_iter().map(|(_, kind, value)| (kind, value)).collect() })
    }

    /// A threat that came to be a mere list is told by its indicators from then on, which were known by it.
    fn covers(&self, fresh: &Fresh<'_>) -> bool {
        self.indicators.contains(&fresh.indicator)
            || self.topics.contains(&(fresh.link.kind.as_str().to_owned(), fresh.link.value.clone()))
    }
}

/// Opens again what was closed, and tells why.
async fn open_again(
    conn: &mut SqliteConnection,
    case: Matter,
    was: Progress,
    ((why, at), about): ((Why, Timestamp), Option<About>),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    stand(&mut *conn, case, Progress::NEW, now).await?;
    let sql = match case {
        Matter::Incident(_) => "UPDATE incident SET came_back = came_back + 1 WHERE id = $1",
        Matter::Campaign(_) | Matter::Silence(_) => "UPDATE campaign SET came_back = came_back + 1 WHERE id = $1",
    };
    sqlx::query(sql).bind(case.id()).execute(&mut *conn).await?;
    found(conn, case, &Said::CameBack { why, was, about }, at, now).await
}

/// What new alerts mean for the incidents they are in, and for campaigns that have grown by them.
///
/// # Errors
/// The database's own.
pub async fn look(
    conn: &mut SqliteConnection,
    fresh: &[Fresh<'_>],
    campaigns: &BTreeSet<i64>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut by_incident: BTreeMap<i64, Vec<&Fresh<'_>>> = BTreeMap::new();
    for one in fresh {
        by_incident.entry(one.incident).or_default().push(one);
    }
    let ids: Vec<i64> = by_incident.keys().copied().collect();
    // What has happened to each campaign by it: what opened again, or got further.
    let mut events: BTreeMap<i64, (Why, Timestamp)> = BTreeMap::new();
    for incident in known(&mut *conn, &ids).await? {
        let alerts = by_incident.remove(&incident.id).unwrap_or_default();
        let further = reach(&mut *conn, &incident, &alerts, now).await?;
        let back = match incident.standing.closed_as() {
            Some(closing) => meet(&mut *conn, &incident, closing, &alerts, now).await?,
            None => further.map(|at| (Why::Further, at)),
        };
        if let (Some(campaign), Some(event)) = (incident.campaign, back) {
            let known = events.entry(campaign).or_insert(event);
            *known = (*known).max(event);
        }
    }
    campaigns_again(conn, campaigns, &events, now).await
}

/// A person has reported what is in an incident that is there: where that is closed it opens again, and its campaign with it. Gives where
/// it stood, if it was closed.
///
/// # Errors
/// The database's own.
pub async fn report_to(
    conn: &mut SqliteConnection,
    incident: i64,
    campaigns: &BTreeSet<i64>,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<Progress>, sqlx::Error> {
    let (mut events, mut was_closed) = (BTreeMap::new(), None);
    for found in known(&mut *conn, &[incident]).await? {
        if found.standing.state() == State::Closed {
            let reported = ((Why::Reported, at), None);
            open_again(&mut *conn, Matter::Incident(incident), found.standing, reported, now).await?;
            was_closed = Some(found.standing);
        }
        events.extend(found.campaign.map(|campaign| (campaign, (Why::Reported, at))));
    }
    campaigns_again(conn, campaigns, &events, now).await?;
    Ok(was_closed)
}

/// Tells how far an incident has come to get. Gives when, where that was further than was known.
async fn reach(
    conn: &mut SqliteConnection,
    incident: &Known,
    alerts: &[&Fresh<'_>],
    now: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let top = alerts.iter().max_by_key(|alert| (alert.evidence, Reverse(alert.reached_at)));
    let Some(top) = top.filter(|top| incident.reached.is_none_or(|reached| top.evidence > reached)) else {
        return Ok(None);
    };
    let case = Matter::Incident(incident.id);
    sqlx::query("UPDATE incident SET reached = $2 WHERE id = $1")
        .bind(incident.id)
        .bind(level_of(top.evidence))
        .execute(&mut *conn)
        .await?;
    found(&mut *conn, case, &Said::Reached { evidence: top.evidence }, top.reached_at, now).await?;
    if incident.reached.is_some() {
        return Ok(Some(top.reached_at));
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM incident WHERE member_id = $1 AND state = 'closed')";
    let any_closed: bool = sqlx::query_scalar(sql).bind(incident.member).fetch_one(&mut *conn).await?;
    for alert in alerts.iter().take(RETURNS_LOOKED_FOR).filter(|_| any_closed) {
        if returns(&mut *conn, incident, alert, now).await? {
            break;
        }
    }
    Ok(None)
}

/// Says of a new incident that it is the same as one that was closed so long ago that correlation makes it another: its host met the
/// same indicator then.
async fn returns(
    conn: &mut SqliteConnection,
    incident: &Known,
    alert: &Fresh<'_>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let Some(client) = alert.client else { return Ok(false) };
    let sql = "SELECT i.id FROM incident i WHERE i.member_id = $1 AND i.state = 'closed' AND i.id <> $2
        AND EXISTS (SELECT 1 FROM alert a WHERE a.incident_id = i.id AND a.indicator_id = $3 AND a.client = $4)
        ORDER BY i.last_seen DESC, i.id DESC LIMIT 1";
    let find = sqlx::query_scalar(sql).bind(incident.member).bind(incident.id).bind(alert.indicator).bind(client);
    let before: Option<i64> = find.fetch_optional(&mut *conn).await?;
    let Some(of) = before else { return Ok(false) };
    found(&mut *conn, Matter::Incident(incident.id), &Said::Returned { of: Some(of) }, alert.reached_at, now).await?;
    sqlx::query("UPDATE incident SET came_back = 1 WHERE id = $1").bind(incident.id).execute(&mut *conn).await?;
    let went_on = Said::WentOn { in_incident: Some(incident.id) };
    found(conn, Matter::Incident(of), &went_on, alert.reached_at, now).await?;
    Ok(true)
}

/// What a closed incident has met. Gives why and when it opened again.
async fn meet(
    conn: &mut SqliteConnection,
    incident: &Known,
    closing: Closing,
    alerts: &[&Fresh<'_>],
    now: Timestamp,
) -> Result<Option<(Why, Timestamp)>, sqlx::Error> {
    let case = Matter::Incident(incident.id);
    let judged = Judged::read(&mut *conn, incident.id, closing).await?;
    let then = KnownThen::read(&mut *conn, incident, now).await?;
    let other_is_open = other_is_open(&mut *conn, case, incident.standing).await?;
    let back = alerts.iter().filter_map(|alert| {
        let met = Met {
            after: alert.last_seen > incident.since,
            // Of what a person reported nobody may have known how far it got.
            further: incident.reached.is_none_or(|reached| alert.evidence > reached),
            is_known: then.covers(alert),
            is_judged: judged.covers(alert),
            other_is_open,
        };
        comes_back(closing, met).map(|why| ((why, alert.last_seen), *alert))
    });
    // Of two that are the same in that the one with the smaller number is named: batches may be cut anyhow.
    let Some((back, alert)) = back.max_by_key(|(back, alert)| (*back, Reverse(alert.indicator))) else {
        return Ok(None);
    };
    let about = (back.0 == Why::SomethingElse).then(|| About {
        indicator: Some(alert.indicator),
        threat: (alert.link.kind == LinkKind::Threat).then(|| alert.link.value.clone()),
        name: None,
    });
    open_again(conn, case, incident.standing, (back, about), now).await?;
    Ok(Some(back))
}

/// Campaigns that were closed and open again: another member has joined, or something further has happened in one.
async fn campaigns_again(
    conn: &mut SqliteConnection,
    campaigns: &BTreeSet<i64>,
    events: &BTreeMap<i64, (Why, Timestamp)>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for campaign in campaigns {
        let sql = "SELECT state, closed_as, duplicate_of, state_at FROM campaign WHERE id = $1 AND state = 'closed'";
        let Some(row) = sqlx::query(sql).bind(campaign).fetch_optional(&mut *conn).await? else { continue };
        let (was, case) = (standing_from(&row)?, Matter::Campaign(*campaign));
        let since: i64 = row.try_get::<Option<i64>, _>("state_at")?.unwrap_or(i64::MAX);
        let Some(closing) = was.closed_as() else { continue };
        let other_is_open = other_is_open(&mut *conn, case, was).await?;
        // What opened again did so by what no closing covers.
        let event = events.get(campaign).map(|event| (*event, false));
        let mut back = Vec::new();
        for ((why, at), is_judged) in event.into_iter().chain(newcomers(&mut *conn, *campaign, since).await?) {
            // By which threat is the incident's to say.
            let met = Met { after: true, further: why == Why::Further, is_known: true, is_judged, other_is_open };
            back.extend(comes_back(closing, met).map(|_| (why, at)));
        }
        if let Some(back) = back.into_iter().max() {
            open_again(&mut *conn, case, was, (back, None), now).await?;
        }
    }
    Ok(())
}

/// What came into a campaign after it was closed, and whether all of it is by indicators that a person found wrong.
async fn newcomers(
    conn: &mut SqliteConnection,
    campaign: i64,
    since: i64,
) -> Result<Vec<((Why, Timestamp), bool)>, sqlx::Error> {
    let sql = "SELECT i.last_seen,
            EXISTS (SELECT 1 FROM incident o WHERE o.campaign_id = i.campaign_id AND o.member_id = i.member_id
                AND o.id <> i.id AND o.campaign_since <= $2),
            EXISTS (SELECT 1 FROM alert a WHERE a.incident_id = i.id) AND NOT EXISTS
                (SELECT 1 FROM alert a WHERE a.incident_id = i.id AND NOT EXISTS
                    (SELECT 1 FROM alert b JOIN incident o ON o.id = b.incident_id WHERE o.campaign_id = $1
                        AND b.indicator_id = a.indicator_id AND b.verdict = 'false-positive'))
        FROM incident i WHERE i.campaign_id = $1 AND i.campaign_since > $2 AND i.state <> 'closed' ORDER BY i.id";
    let rows: Vec<(i64, bool, bool)> = sqlx::query_as(sql).bind(campaign).bind(since).fetch_all(conn).await?;
    let newcomer = |(at, was_there, is_judged): (i64, bool, bool)| {
        let why = if was_there { Why::SeenAgain } else { Why::AnotherMember };
        ((why, Timestamp(at)), is_judged)
    };
    Ok(rows.into_iter().map(newcomer).collect())
}
