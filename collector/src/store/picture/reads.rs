//! The statements behind the picture.

use std::cmp::Reverse;
use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use varde_common::list::CHANNEL_ALL;

use super::anchor::{beat, trust};
use super::beside::{self, own_names};
use super::rows::{hit_facts, indicator_facts, keys, maybe_time, member_facts, time, withheld, work_facts};
use super::{
    CAMPAIGNS_MAX, CampaignFacts, HitFacts, INCIDENTS_MAX, INDICATORS_MAX, IncidentFacts, ListFacts, MEMBERS_MAX,
    MemberFacts, Picture, SensorFacts, SensorTrustFacts, Subject, WordFacts,
};
use crate::store::campaign::{is_told_of, others_told};
use crate::store::heartbeat::BEFORE;
use crate::store::priority::why_from;
use crate::store::{Scope, brake, brake_standing, priority, reach, source};

/// A hostile sensor may claim any count: one alert adds at most this to a sum, so that no sum overflows.
/// Of one whose alerts are numbers by now the marking is not known, and counts as the strictest; of one that a person opened and no sensor
/// has seen it is that of what it was said to be about.
macro_rules! hit_columns {
    () => {
        "MIN(i.first_seen) AS first_seen, MAX(i.last_seen) AS last_seen, \
         MAX(CASE WHEN a.evidence > COALESCE(i.reached, -1) THEN a.evidence ELSE COALESCE(i.reached, \
         CASE WHEN i.human <> 0 AND a.id IS NULL THEN -1 ELSE 0 END) END) AS evidence, COALESCE(MAX(a.severity), 0) AS severity, \
         CASE WHEN MAX(a.hosts) > COUNT(DISTINCT CASE WHEN a.by_resolver = 0 THEN a.client END) THEN MAX(a.hosts) \
         ELSE COUNT(DISTINCT CASE WHEN a.by_resolver = 0 THEN a.client END) END AS hosts, \
         CASE WHEN MAX(a.hosts) IS NULL THEN 0 ELSE 1 END AS hosts_about, \
         CAST(COALESCE(SUM(CASE WHEN a.count > 1000000000000 THEN 1000000000000 WHEN a.count < 0 THEN 0 \
         ELSE a.count END), 0) AS BIGINT) AS sightings, \
         COUNT(a.id) AS alerts, MIN(a.arrived_at) AS arrived_at, MAX(a.updated_at) AS arrived_last_at, MIN(i.human) AS human, \
         MAX(CASE WHEN n.tlp IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER') THEN 0 \
         WHEN a.id IS NULL AND i.human <> 0 AND NOT EXISTS (SELECT 1 FROM indicator h \
         WHERE ((i.link_kind = 'threat' AND h.threat = i.link_value) \
         OR (i.link_kind = 'indicator' AND h.id = CAST(i.link_value AS BIGINT))) \
         AND h.tlp NOT IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER')) THEN 0 ELSE 1 END) AS strict "
    };
}

/// The campaigns of one picture, for `IN (…)`: $1 = member or null, $2 = most, $3 = the only one or null.
macro_rules! shown_campaigns {
    () => {
        "(SELECT c.id FROM campaign c WHERE ($3 IS NULL OR c.id = $3) AND ($1 IS NULL OR EXISTS \
         (SELECT 1 FROM incident x WHERE x.campaign_id = c.id AND x.member_id = $1) AND \
         (SELECT COUNT(DISTINCT COALESCE(om.supplier, CAST(om.id AS TEXT))) FROM incident oi JOIN member om ON om.id = oi.member_id \
         WHERE oi.campaign_id = c.id AND oi.member_id <> $1) >= 3) \
         ORDER BY c.exercise, CASE WHEN $1 IS NULL AND c.state = 'closed' THEN 1 ELSE 0 END, CASE WHEN $1 IS NULL THEN c.last_seen ELSE (SELECT MAX(y.last_seen) FROM incident y \
         WHERE y.campaign_id = c.id AND y.member_id = $1) END DESC, c.id DESC LIMIT $2)"
    };
}

/// Which campaigns and incidents stand in a picture: reading them is most of what it costs, and not every page shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cases {
    /// As many as there is room for.
    All,
    /// This campaign alone, and no incidents.
    Campaign(i64),
    /// None.
    None,
}

pub(super) async fn picture(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
    cases: Cases,
) -> Result<Picture, sqlx::Error> {
    let member = scope.member_id();
    let operator: Option<String> =
        sqlx::query_scalar("SELECT value FROM setting WHERE key = 'operator_name'").fetch_optional(&mut **tx).await?;
    let reach = match scope {
        Scope::Operator => reach::newest(tx).await?,
        Scope::Member(_) => None,
    };
    let unpublished = match scope {
        Scope::Operator => {
            // What was published for another channel first is not everybody's until a later list of all has it; numbers are
            // given once for all channels.
            let sql = "SELECT COUNT(*) FROM indicator WHERE published_at IS NULL AND withdrawn_at IS NULL
                OR published_in > COALESCE((SELECT MAX(revision) FROM list_revision WHERE channel = 'all'), 0)";
            sqlx::query_scalar(sql).fetch_one(&mut **tx).await?
        }
        Scope::Member(_) => 0,
    };
    let told = is_told_of("$1");
    let own = format!(
        "($1 IS NULL OR EXISTS (SELECT 1 FROM incident x WHERE x.campaign_id = c.id AND x.member_id = $1)) AND {told}"
    );
    let closed = beside::is_closed(scope);
    let counts = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT (SELECT COUNT(*) FROM campaign c WHERE {own}) AS campaigns, \
         (SELECT COUNT(*) FROM incident i WHERE $1 IS NULL OR i.member_id = $1) AS incidents, \
         (SELECT COUNT(*) FROM campaign c WHERE c.exercise <> 0 AND {own}) AS exercise_campaigns, \
         (SELECT COUNT(*) FROM incident i WHERE i.exercise <> 0 AND ($1 IS NULL OR i.member_id = $1)) \
         AS exercise_incidents, \
         (SELECT COUNT(*) FROM campaign c WHERE c.exercise = 0 AND {own} AND {closed}) AS closed_campaigns, \
         (SELECT COUNT(*) FROM incident i WHERE i.exercise = 0 AND i.state = 'closed' AND ($1 IS NULL OR i.member_id = $1)) \
         AS closed_incidents, \
         (SELECT COUNT(*) FROM alert a WHERE $1 IS NULL OR a.member_id = $1) AS alerts"
    )))
    .bind(member)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Picture {
        for_member: member.is_some(),
        operator,
        list: newest_list(tx).await?,
        reach,
        unpublished,
        trust: trust(tx, scope).await?,
        beat: beat(tx, scope).await?,
        sources: source::troubles(tx, scope).await?,
        brakes: brake::newest(tx, scope).await?,
        brake_newest: brake_standing::newest_order(tx).await?,
        brake_standings: brake_standing::standings(tx, scope).await?,
        members: members(tx, scope).await?,
        sensors: sensors(tx, scope).await?,
        campaigns: match cases {
            Cases::All => read_campaigns(tx, scope, None).await?,
            Cases::Campaign(id) => read_campaigns(tx, scope, Some(id)).await?,
            Cases::None => Vec::new(),
        },
        campaigns_total: counts.try_get("campaigns")?,
        incidents: match cases {
            Cases::All => read_incidents(tx, scope, None).await?,
            Cases::Campaign(_) | Cases::None => Vec::new(),
        },
        incidents_total: counts.try_get("incidents")?,
        exercise_campaigns: counts.try_get("exercise_campaigns")?,
        exercise_incidents: counts.try_get("exercise_incidents")?,
        closed_campaigns: counts.try_get("closed_campaigns")?,
        closed_incidents: counts.try_get("closed_incidents")?,
        alerts_total: counts.try_get("alerts")?,
    })
}

/// The newest published list for all.
pub(in crate::store) async fn newest_list(
    tx: &mut Transaction<'static, Sqlite>,
) -> Result<Option<ListFacts>, sqlx::Error> {
    sqlx::query(
        "SELECT revision, count, published_at FROM list_revision WHERE channel = 'all' ORDER BY revision DESC LIMIT 1",
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(|row| -> Result<ListFacts, sqlx::Error> {
        Ok(ListFacts {
            revision: row.try_get("revision")?,
            count: row.try_get("count")?,
            published_at: time(&row, "published_at")?,
        })
    })
    .transpose()
}

/// The members a reader may see, by number.
pub(in crate::store) async fn members(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
) -> Result<Vec<MemberFacts>, sqlx::Error> {
    sqlx::query(
        "SELECT id AS member_id, number, name, supplier FROM member WHERE ($1 IS NULL OR id = $1) ORDER BY number LIMIT $2",
    )
    .bind(scope.member_id())
    .bind(MEMBERS_MAX)
    .fetch_all(&mut **tx)
    .await?
    .iter()
    .map(member_facts)
    .collect()
}

/// Every sensor and whom it watches.
pub(in crate::store) async fn sensors(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
) -> Result<Vec<SensorFacts>, sqlx::Error> {
    let member = scope.member_id();
    let sql = format!(
        "SELECT s.id, s.member_id, m.number, m.name, s.token_expires_at, s.enrolled_at, s.revoked_at, \
         s.agent_version, s.revision, s.refused_revision_at, s.refused_why, s.last_seen_at, s.connected, s.carrier, \
         s.heartbeat, s.set_back_at, s.quarantined_at, s.replayed, s.certificate_until, s.renewal_refused_why, \
         s.self_tested_at, s.pending_at, s.pending_spki_sha256, s.approved_at, \
         COALESCE(s.follows, 'all') AS follows, (SELECT MAX(l.revision) FROM list_revision l \
         WHERE l.channel = COALESCE(s.follows, 'all')) AS newest, s.root_version, s.root_refused_why, s.freshness, s.newest_refused_why, s.protocol, \
         (SELECT l.published_at FROM list_revision l WHERE l.revision = s.revision) AS list_published_at, \
         {BEFORE} FROM sensor s LEFT JOIN member m ON m.id = s.member_id AND ($1 IS NULL OR m.id = $1) \
         WHERE $1 IS NULL OR s.member_id = $1 OR EXISTS \
         (SELECT 1 FROM site t WHERE t.sensor_id = s.id AND t.member_id = $1) \
         ORDER BY m.number, s.id LIMIT $2"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(member).bind(MEMBERS_MAX).fetch_all(&mut **tx).await?;
    let mut watches: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in sqlx::query("SELECT DISTINCT sensor_id, member_id FROM site WHERE ($1 IS NULL OR member_id = $1) AND (site = 0 OR named = 1)")
        .bind(member)
        .fetch_all(&mut **tx)
        .await?
    {
        watches.entry(row.try_get("sensor_id")?).or_default().push(row.try_get("member_id")?);
    }
    let mut sensors = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = row.try_get("id")?;
        let member_id: i64 = row.try_get("member_id")?;
        let mut watched = watches.remove(&id).unwrap_or_default();
        if member.is_none_or(|reader| reader == member_id) && !watched.contains(&member_id) {
            watched.push(member_id);
        }
        let number: Option<String> = row.try_get("number")?;
        let name: Option<String> = row.try_get("name")?;
        let refused_at = maybe_time(row, "refused_revision_at")?;
        let refused_why: Option<String> = row.try_get("refused_why")?;
        sensors.push(SensorFacts {
            id,
            member_id,
            owner: number.zip(name),
            watches: watched,
            token_expires_at: time(row, "token_expires_at")?,
            enrolled_at: maybe_time(row, "enrolled_at")?,
            revoked_at: maybe_time(row, "revoked_at")?,
            agent_version: row.try_get("agent_version")?,
            revision: row.try_get("revision")?,
            elsewhere: elsewhere(row)?,
            refused: refused_at.map(|at| (at, refused_why.unwrap_or_default())),
            last_seen_at: maybe_time(row, "last_seen_at")?,
            connected: row.try_get::<i64, _>("connected")? != 0,
            over_tcp: row.try_get::<Option<String>, _>("carrier")?.as_deref() == Some("tcp"),
            heartbeat: row.try_get("heartbeat")?,
            set_back_at: maybe_time(row, "set_back_at")?,
            quarantined_at: maybe_time(row, "quarantined_at")?,
            replayed: row.try_get("replayed")?,
            self_tested_at: maybe_time(row, "self_tested_at")?,
            heartbeat_before: row.try_get("heartbeat_before")?,
            trust: SensorTrustFacts {
                root_version: row.try_get("root_version")?,
                root_refused: row.try_get("root_refused_why")?,
                freshness: row.try_get("freshness")?,
                newest_refused: row.try_get("newest_refused_why")?,
                list_published_at: maybe_time(row, "list_published_at")?,
                protocol: row.try_get("protocol")?,
            },
            keys: keys(row)?,
        });
    }
    Ok(sensors)
}

/// Which channel it follows, where that is not everybody's, and the number of its newest list.
fn elsewhere(row: &SqliteRow) -> Result<Option<(String, Option<i64>)>, sqlx::Error> {
    let channel: String = row.try_get("follows")?;
    Ok(Some((channel, row.try_get("newest")?)).filter(|(channel, _)| channel != CHANNEL_ALL))
}

async fn read_campaigns(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
    only: Option<i64>,
) -> Result<Vec<CampaignFacts>, sqlx::Error> {
    let member = scope.member_id();
    let operator = matches!(scope, Scope::Operator);
    let rows = sqlx::query(concat!(
        "SELECT campaign.*, (SELECT k.too_connected_why FROM cluster k WHERE k.id = campaign.cluster_id) AS too_connected_why \
         FROM campaign WHERE id IN ",
        shown_campaigns!(),
        " ORDER BY exercise, CASE WHEN $1 IS NULL AND state = 'closed' THEN 1 ELSE 0 END, last_seen DESC, id DESC"
    ))
    .bind(member)
    .bind(CAMPAIGNS_MAX)
    .bind(only)
    .fetch_all(&mut **tx)
    .await?;
    let mut campaigns = Vec::with_capacity(rows.len());
    for row in &rows {
        campaigns.push(CampaignFacts {
            id: row.try_get("id")?,
            name: row.try_get::<i64, _>("id")?.to_string(),
            uuid: row.try_get("uuid")?,
            link_kind: row.try_get("link_kind")?,
            title: Some(row.try_get("title")?),
            exercise: row.try_get::<i64, _>("exercise")? != 0,
            opened_at: Some(time(row, "opened_at")?).filter(|_| operator),
            updated_at: Some(time(row, "updated_at")?).filter(|_| operator),
            hits: Vec::new(),
            others: Some(0).filter(|_| operator),
            departed: if operator { row.try_get("departed")? } else { 0 },
            indicators: Vec::new(),
            weighed: if operator { weighed(row)? } else { WordFacts::default() },
            too_connected: beside::too_connected(tx, scope, row.try_get("too_connected_why")?).await?,
            work: if operator { Some(work_facts(scope, row)?) } else { None },
            is_closed: false,
            first_list: None,
        });
    }
    let place: HashMap<i64, usize> = campaigns.iter().enumerate().map(|(place, c)| (c.id, place)).collect();

    let hits = sqlx::query(concat!(
        "SELECT i.campaign_id, i.member_id, m.number, m.name, m.supplier, ",
        hit_columns!(),
        "FROM incident i JOIN member m ON m.id = i.member_id LEFT JOIN alert a ON a.incident_id = i.id \
         LEFT JOIN indicator n ON n.id = a.indicator_id \
         WHERE ($1 IS NULL OR i.member_id = $1) AND i.campaign_id IN ",
        shown_campaigns!(),
        " GROUP BY i.campaign_id, i.member_id, m.number, m.name, m.supplier ORDER BY 6, m.number"
    ))
    .bind(member)
    .bind(CAMPAIGNS_MAX)
    .bind(only)
    .fetch_all(&mut **tx)
    .await?;
    for row in &hits {
        if let Some(campaign) = place.get(&row.try_get("campaign_id")?).and_then(|&at| campaigns.get_mut(at)) {
            if withheld(scope, &campaign.link_kind, row)? {
                campaign.title = None;
            }
            campaign.hits.push(hit_facts(row)?);
        }
    }
    if member.is_some() {
        let others = sqlx::query(concat!(
            "SELECT i.campaign_id, COUNT(DISTINCT COALESCE(m.supplier, CAST(m.id AS TEXT))) AS independent FROM incident i \
             JOIN member m ON m.id = i.member_id WHERE i.member_id <> $1 AND i.campaign_id IN ",
            shown_campaigns!(),
            " GROUP BY i.campaign_id"
        ))
        .bind(member)
        .bind(CAMPAIGNS_MAX)
        .bind(only)
        .fetch_all(&mut **tx)
        .await?;
        for row in &others {
            if let Some(campaign) = place.get(&row.try_get("campaign_id")?).and_then(|&at| campaigns.get_mut(at)) {
                // Members behind one supplier's network count once: three of them are one box.
                campaign.others = others_told(row.try_get("independent")?);
            }
        }
        let own = own_names(tx, scope).await?;
        for campaign in &mut campaigns {
            if let Some(name) = own.get(&campaign.id) {
                (campaign.name, campaign.uuid) = (name.clone(), name.clone());
            }
        }
        let last = |campaign: &CampaignFacts| campaign.hits.iter().map(|hit| hit.last_seen).max();
        campaigns.sort_by(|one, other| {
            (one.exercise, Reverse(last(one)), &one.name).cmp(&(other.exercise, Reverse(last(other)), &other.name))
        });
    }
    let indicators = sqlx::query(concat!(
        "SELECT DISTINCT i.campaign_id, n.id, n.pattern, n.kind, n.source, n.threat, n.tlp, n.confidence, \
         n.published_in FROM incident i JOIN alert a ON a.incident_id = i.id \
         JOIN indicator n ON n.id = a.indicator_id WHERE ($1 IS NULL OR i.member_id = $1) AND i.campaign_id IN ",
        shown_campaigns!(),
        " ORDER BY i.campaign_id, n.id LIMIT $4"
    ))
    .bind(member)
    .bind(CAMPAIGNS_MAX)
    .bind(only)
    .bind(INDICATORS_MAX)
    .fetch_all(&mut **tx)
    .await?;
    for row in &indicators {
        if let Some(campaign) = place.get(&row.try_get("campaign_id")?).and_then(|&at| campaigns.get_mut(at)) {
            campaign.indicators.push(indicator_facts(scope, row)?);
        }
    }
    beside::campaigns(tx, scope, &mut campaigns).await?;
    Ok(campaigns)
}

pub(super) async fn read_incidents(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
    of: Option<Subject>,
) -> Result<Vec<IncidentFacts>, sqlx::Error> {
    let (campaign, incident) = subject(of);
    let rows = sqlx::query(concat!(
        "SELECT i.id, i.uuid, i.link_kind, i.title, i.exercise, CASE WHEN $1 IS NULL THEN i.campaign_id ELSE \
         (SELECT c.id FROM campaign c WHERE c.id = i.campaign_id AND (SELECT COUNT(DISTINCT COALESCE(om.supplier, CAST(om.id AS TEXT))) \
         FROM incident oi JOIN member om ON om.id = oi.member_id WHERE oi.campaign_id = c.id AND oi.member_id <> $1) >= 3) END \
         AS campaign_id, i.word, i.why, i.weights_version, i.member_id, m.number, m.name, m.supplier, \
         i.state, i.closed_as, i.duplicate_of, i.owner, i.came_back, i.state_at, i.updated_at, i.human AS opened_by_person, ",
        hit_columns!(),
        "FROM incident i JOIN member m ON m.id = i.member_id LEFT JOIN alert a ON a.incident_id = i.id \
         LEFT JOIN indicator n ON n.id = a.indicator_id WHERE i.id IN (SELECT x.id FROM incident x \
         WHERE ($1 IS NULL OR x.member_id = $1) AND ($2 IS NULL OR x.campaign_id = $2) AND ($3 IS NULL OR x.id = $3) \
         ORDER BY x.exercise, CASE WHEN x.state = 'closed' THEN 1 ELSE 0 END, x.last_seen DESC, x.id DESC LIMIT $4) \
         GROUP BY i.id, i.uuid, i.link_kind, i.title, i.exercise, i.campaign_id, i.word, i.why, i.weights_version, i.member_id, \
         m.number, m.name, m.supplier, i.state, i.closed_as, i.duplicate_of, i.owner, i.came_back, i.state_at, i.updated_at, i.human \
         ORDER BY i.exercise, CASE WHEN i.state = 'closed' THEN 1 ELSE 0 END, MAX(i.last_seen) DESC, i.id DESC"
    ))
    .bind(scope.member_id())
    .bind(campaign)
    .bind(incident)
    .bind(INCIDENTS_MAX)
    .fetch_all(&mut **tx)
    .await?;
    let mut incidents = Vec::with_capacity(rows.len());
    let ids: Vec<i64> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    // A member's are weighed by nothing but its own.
    let mut own = priority::own(&mut *tx, scope, &ids).await?;
    let names = own_names(tx, scope).await?;
    for row in &rows {
        let title: String = row.try_get("title")?;
        let human = row.try_get::<i64, _>("opened_by_person")? != 0;
        let is_withheld = withheld(scope, row.try_get("link_kind")?, row)?;
        let (id, campaign_id): (i64, Option<i64>) = (row.try_get("id")?, row.try_get("campaign_id")?);
        let (name, campaign_name) = match scope {
            Scope::Operator => (id.to_string(), campaign_id.map(|id| id.to_string())),
            Scope::Member(_) => (row.try_get("uuid")?, campaign_id.and_then(|id| names.get(&id).cloned())),
        };
        let weighed = match own.remove(&id) {
            Some(own) => WordFacts { word: Some(priority::level_of(own.word)), why: own.why, ..weighed(row)? },
            None => weighed(row)?,
        };
        incidents.push(IncidentFacts {
            id,
            name,
            campaign_name,
            uuid: row.try_get("uuid")?,
            link_kind: row.try_get("link_kind")?,
            // What a person has called it tells no indicator.
            title: Some(title.clone()).filter(|_| human || !is_withheld),
            about: Some(title).filter(|_| !is_withheld),
            exercise: row.try_get::<i64, _>("exercise")? != 0,
            campaign_id,
            hit: HitFacts { word: weighed.word, ..hit_facts(row)? },
            weighed,
            work: work_facts(scope, row)?,
            human,
        });
    }
    beside::incidents(tx, &mut incidents).await?;
    Ok(incidents)
}

fn weighed(row: &SqliteRow) -> Result<WordFacts, sqlx::Error> {
    Ok(WordFacts {
        word: row.try_get("word")?,
        why: why_from(row.try_get("why")?),
        version: row.try_get("weights_version")?,
    })
}

pub(super) fn subject(of: Option<Subject>) -> (Option<i64>, Option<i64>) {
    match of {
        None => (None, None),
        Some(Subject::Campaign(id)) => (Some(id), None),
        Some(Subject::Incident(id)) => (None, Some(id)),
    }
}
