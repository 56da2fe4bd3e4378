//! Incidents: read for correlation, written as it decides, listed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use uuid::Uuid;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::alert::{MemberView, evidence_said, is_told, told_pattern};
use super::campaign::{Chosen, ENOUGH_OTHERS, of_scope};
use super::priority::{why_from, word_from};
use super::record::{ROWS_PER_STATEMENT, pieces, push_ids};
use super::workflow::standing_from;
use super::{Scope, Store, StoreError, departure, priority, restored, workflow};
use crate::incident::{Incident, IncidentDecision};
use crate::limits::COUNT_IN_SUM_MAX;
use crate::priority::{Term, Word};
use crate::strand::{Link, Span};
use crate::workflow::{Closing, Matter, State};

/// Names made by the collector are UUIDv5 in this namespace: the same thing gets the same name, and tells nothing else.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1c_27d0_94be_4b0c_8a55_3e0d_7b1f_c2a9);

/// How far the incident `i` has got by its alert `a`, if it has one, and by what its timeline tells, where people have reported more:
/// whichever is further. Unanswered contact from outside says nothing of that (decision 22).
/// Less than any evidence = nobody says: a person has reported it, and no sensor saw it.
pub(crate) const GOT: &str = "CASE WHEN a.evidence > COALESCE(i.reached, -1) AND
    (a.direction = 'outbound' OR a.client IS NOT NULL OR a.hosts IS NOT NULL OR a.evidence > 3)
    THEN a.evidence ELSE COALESCE(i.reached, CASE WHEN i.human <> 0 AND a.id IS NULL THEN -1 ELSE 0 END) END";

/// The external name of `text`.
pub(crate) fn external_name(text: &str) -> String {
    Uuid::new_v5(&NAMESPACE, text.as_bytes()).to_string()
}

/// The next id of a table whose rows may be merged away: ids are never used twice.
pub(crate) async fn next_id(conn: &mut SqliteConnection, kind: &str) -> Result<i64, sqlx::Error> {
    let (sql, above) = match kind {
        "campaign" => ("SELECT MAX(id) FROM campaign", departure::CAMPAIGNS_ABOVE),
        _ => ("SELECT MAX(id) FROM incident", departure::INCIDENTS_ABOVE),
    };
    let deleted = restored::above(conn, above).await?;
    let there: Option<i64> = sqlx::query_scalar(sql).fetch_one(&mut *conn).await?;
    let gone: Option<i64> =
        sqlx::query_scalar("SELECT MAX(id) FROM merged WHERE kind = $1").bind(kind).fetch_one(&mut *conn).await?;
    Ok(there.max(gone).unwrap_or(0).max(deleted) + 1)
}

/// Remembers that `id` has become part of `into`, before it is deleted.
pub(crate) async fn remember_merged(
    conn: &mut SqliteConnection,
    kind: &str,
    id: i64,
    into: i64,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = match kind {
        "campaign" => "SELECT uuid, opened_at FROM campaign WHERE id = $1",
        _ => "SELECT uuid, opened_at FROM incident WHERE id = $1",
    };
    let (uuid, opened_at): (String, i64) = sqlx::query_as(sql).bind(id).fetch_one(&mut *conn).await?;
    sqlx::query("UPDATE merged SET into_id = $3 WHERE kind = $1 AND into_id = $2")
        .bind(kind)
        .bind(id)
        .bind(into)
        .execute(&mut *conn)
        .await?;
    sqlx::query("INSERT INTO merged (kind, id, uuid, into_id, opened_at, merged_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(kind)
        .bind(id)
        .bind(uuid)
        .bind(into)
        .bind(opened_at)
        .bind(now.0)
        .execute(&mut *conn)
        .await?;
    Ok(())
}

/// These incidents.
///
/// # Errors
/// The database's own.
pub async fn of_ids(conn: &mut SqliteConnection, ids: &BTreeSet<i64>) -> Result<BTreeMap<i64, Incident>, sqlx::Error> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut incidents = BTreeMap::new();
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT id, first_seen, last_seen, cluster_id FROM incident WHERE id IN ");
        push_ids(&mut select, chunk);
        let rows: Vec<(i64, i64, i64, i64)> = select.build_query_as().fetch_all(&mut *conn).await?;
        incidents.extend(rows.into_iter().map(|(id, first, last, cluster)| {
            (id, Incident { id, span: Span::new(Timestamp(first), Timestamp(last)), cluster })
        }));
    }
    Ok(incidents)
}

/// Members behind a shared supplier network, each with the one of them that stands for all (decision 4).
///
/// # Errors
/// The database's own.
pub async fn behind_suppliers(conn: &mut SqliteConnection) -> Result<BTreeMap<i64, i64>, sqlx::Error> {
    let sql = "SELECT m.id, (SELECT MIN(o.id) FROM member o WHERE o.supplier = m.supplier)
        FROM member m WHERE m.supplier IS NOT NULL";
    let rows: Vec<(i64, i64)> = sqlx::query_as(sql).fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Writes what was decided about one incident. `first` says what it was opened by and is about, used only for a new one. Strands
/// that are handed over are pointed to it by the caller, all others here.
///
/// # Errors
/// The database's own.
pub async fn apply(
    conn: &mut SqliteConnection,
    decision: &IncidentDecision,
    first: &Opening<'_>,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let Some(id) = decision.kept else {
        let id = next_id(conn, "incident").await?;
        sqlx::query(
            "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, exercise, campaign_id, opened_at,
             first_seen, last_seen, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9, $10, $8)",
        )
        .bind(id)
        .bind(external_name(&format!("incident/{}", first.alert)))
        .bind(decision.member)
        .bind(first.link.kind.as_str())
        .bind(&first.link.value)
        .bind(first.title)
        .bind(i64::from(decision.exercise))
        .bind(now.0)
        .bind(decision.span.first.0)
        .bind(decision.span.last.0)
        .execute(&mut *conn)
        .await?;
        return Ok(id);
    };
    for &old in &decision.absorbed {
        remember_merged(conn, "incident", old, id, now).await?;
        workflow::absorb(conn, Matter::Incident(old), Matter::Incident(id), now).await?;
        for sql in [
            "UPDATE alert SET incident_id = $2 WHERE incident_id = $1",
            "UPDATE strand SET incident_id = $2 WHERE incident_id = $1",
        ] {
            sqlx::query(sql).bind(old).bind(id).execute(&mut *conn).await?;
        }
        sqlx::query("DELETE FROM incident WHERE id = $1").bind(old).execute(&mut *conn).await?;
    }
    sqlx::query("UPDATE incident SET first_seen = $2, last_seen = $3, updated_at = $4 WHERE id = $1")
        .bind(id)
        .bind(decision.span.first.0)
        .bind(decision.span.last.0)
        .bind(now.0)
        .execute(&mut *conn)
        .await?;
    Ok(id)
}

/// Writes the spans of incidents that go on by themselves.
///
/// # Errors
/// The database's own.
pub async fn lengthen(
    conn: &mut SqliteConnection,
    incidents: &[(i64, Span)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for piece in pieces(incidents) {
        let mut update: QueryBuilder<Sqlite> = QueryBuilder::new("UPDATE incident SET updated_at = ");
        update.push_bind(now.0).push(", first_seen = v.column2, last_seen = v.column3 FROM (");
        update.push_values(piece, |mut row, (id, span)| {
            row.push_bind(*id).push_bind(span.first.0).push_bind(span.last.0);
        });
        update.push(") v WHERE incident.id = v.column1");
        update.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// What an incident is opened by.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The uuid of its first alert.
    pub alert: &'a str,
    /// What that is about.
    pub link: &'a Link,
    /// The same in words.
    pub title: &'a str,
}

/// Points a stored alert to a strand and its incident.
///
/// # Errors
/// The database's own.
pub async fn attach_alert(
    conn: &mut SqliteConnection,
    alert: i64,
    strand: i64,
    incident: i64,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE alert SET strand_id = $2, incident_id = $3 WHERE id = $1";
    sqlx::query(sql).bind(alert).bind(strand).bind(incident).execute(conn).await.map(drop)
}

/// An incident as listings show it; the fields are the keys of `incident list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys are documented in command/incident.rs, where --help prints them")]
pub struct IncidentView {
    pub id: i64,
    pub uuid: String,
    pub member: MemberView,
    pub title: String,
    pub link_kind: String,
    pub link: String,
    pub evidence: Option<Evidence>,
    pub hosts: Vec<String>,
    pub hosts_about: Option<i64>,
    pub via_resolver: bool,
    pub alerts: i64,
    pub sightings: i64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub campaign: Option<i64>,
    pub exercise: bool,
    pub word: Option<Word>,
    pub why: Vec<Term>,
    pub weights_version: Option<String>,
    pub persistent: bool,
    pub in_history: bool,
    pub state: State,
    pub closed_as: Option<Closing>,
    pub duplicate_of: Option<i64>,
    pub owner: Option<String>,
    pub came_back: i64,
    pub grown_since_closed: bool,
    pub human: bool,
}

/// Incidents, those that are not closed first, then the latest seen; of one campaign if `campaign` is given.
///
/// # Errors
/// The database's own.
pub async fn list(store: &Store, scope: Scope, campaign: Option<i64>) -> Result<Vec<IncidentView>, StoreError> {
    views(store, scope, campaign.map_or(Chosen::All, Chosen::Campaign)).await
}

/// One incident.
///
/// # Errors
/// The database's own.
pub async fn one(store: &Store, scope: Scope, incident: i64) -> Result<Option<IncidentView>, StoreError> {
    Ok(views(store, scope, Chosen::These(&[incident])).await?.into_iter().next())
}

/// The same of those that are chosen. A member's are weighed by nothing but what is its own, and are in a campaign it is told of.
///
/// # Errors
/// The database's own.
pub async fn views(store: &Store, scope: Scope, chosen: Chosen<'_>) -> Result<Vec<IncidentView>, StoreError> {
    let mut tx = store.readers().begin().await?;
    let mut select = QueryBuilder::new(
        "SELECT i.id, i.uuid, m.number, m.name, i.title, i.link_kind, i.link_value, n.pattern, n.id AS indicator_id, n.tlp,
                i.first_seen, i.last_seen, i.opened_at, i.exercise, i.word, i.why, i.weights_version,
                CASE WHEN ",
    );
    select
        .push_bind(scope.member_id())
        .push(" IS NULL THEN i.campaign_id ELSE (SELECT c.id FROM campaign c WHERE c.id = i.campaign_id AND ");
    select.push(ENOUGH_OTHERS.replace("$MEMBER", "i.member_id"));
    select.push(format!(
        ") END AS campaign_id,
                EXISTS (SELECT 1 FROM strand s WHERE s.incident_id = i.id AND s.persistent <> 0) AS persistent,
                EXISTS (SELECT 1 FROM strand s WHERE s.incident_id = i.id AND s.in_history <> 0) AS in_history,
                MAX({GOT}) AS evidence,
                i.state, i.closed_as, i.duplicate_of, i.owner, i.came_back, i.human,
                COALESCE(i.updated_at > i.state_at, FALSE) AS grown,
                COUNT(a.id) AS alerts, COALESCE(SUM(CASE WHEN a.count > {COUNT_IN_SUM_MAX} THEN {COUNT_IN_SUM_MAX} ELSE a.count END), 0) AS sightings,
                COALESCE(MAX(a.by_resolver), 0) AS via_resolver, MAX(a.hosts) AS hosts_about
         FROM incident i JOIN member m ON m.id = i.member_id
         LEFT JOIN indicator n ON i.link_kind = 'indicator' AND n.id = CAST(i.link_value AS BIGINT)
         LEFT JOIN alert a ON a.incident_id = i.id WHERE "
    ));
    chosen.push(&mut select, "i.id", "i.campaign_id");
    of_scope(&mut select, scope);
    select.push(
        " GROUP BY i.id, i.uuid, m.number, m.name, i.title, i.link_kind, i.link_value, n.pattern, n.id, n.tlp,
                  i.first_seen, i.last_seen, i.opened_at, i.campaign_id, i.member_id, i.exercise, i.word, i.why, i.weights_version,
                  i.state, i.closed_as, i.duplicate_of, i.owner, i.came_back, i.human, i.updated_at, i.state_at
         ORDER BY CASE WHEN i.state = 'closed' THEN 1 ELSE 0 END, i.last_seen DESC, i.id DESC",
    );
    let rows = select.build().fetch_all(&mut *tx).await?;
    let mut hosts = hosts(&mut tx, scope, chosen).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    let mut own = priority::own(&mut tx, scope, &ids).await?;
    let mut incidents = Vec::with_capacity(rows.len());
    for row in rows {
        let id: i64 = row.try_get("id")?;
        let (title, link) = in_words(&row)?;
        let stands = standing_from(&row)?;
        incidents.push(IncidentView {
            id,
            uuid: row.try_get("uuid")?,
            member: MemberView { number: row.try_get("number")?, name: row.try_get("name")? },
            title,
            link_kind: row.try_get("link_kind")?,
            link,
            evidence: evidence_said(row.try_get("evidence")?),
            hosts: hosts.remove(&id).unwrap_or_default(),
            hosts_about: row.try_get("hosts_about")?,
            via_resolver: row.try_get("via_resolver")?,
            alerts: row.try_get("alerts")?,
            sightings: row.try_get("sightings")?,
            first_seen: Timestamp(row.try_get("first_seen")?),
            last_seen: Timestamp(row.try_get("last_seen")?),
            campaign: row.try_get("campaign_id")?,
            exercise: row.try_get("exercise")?,
            word: word_from(row.try_get("word")?),
            why: why_from(row.try_get("why")?),
            weights_version: row.try_get("weights_version")?,
            persistent: row.try_get("persistent")?,
            in_history: row.try_get("in_history")?,
            state: stands.state(),
            closed_as: stands.closed_as(),
            duplicate_of: stands.duplicate_of().filter(|_| scope == Scope::Operator),
            owner: row.try_get("owner")?,
            came_back: row.try_get("came_back")?,
            grown_since_closed: stands.state() == State::Closed && row.try_get("grown")?,
            human: row.try_get("human")?,
        });
    }
    for incident in &mut incidents {
        if let Some(own) = own.remove(&incident.id) {
            (incident.word, incident.why) = (Some(own.word), own.why);
        }
    }
    // A member's in the order of what it sees: numbers may have been given to others' between.
    if scope != Scope::Operator {
        let key =
            |view: &IncidentView| (view.state == State::Closed, Reverse(view.last_seen), Reverse(view.uuid.clone()));
        incidents.sort_by_cached_key(key);
    }
    Ok(incidents)
}

/// The title and the link of an incident or a campaign, as a reader may see them; a title is the link in words.
pub(super) fn in_words(row: &SqliteRow) -> Result<(String, String), sqlx::Error> {
    let pattern: Option<String> = row.try_get("pattern")?;
    let title: String = row.try_get("title")?;
    let Some(pattern) = pattern else { return Ok((title, row.try_get("link_value")?)) };
    let tlp: String = row.try_get("tlp")?;
    let link = told_pattern(row.try_get("indicator_id")?, &pattern, &tlp);
    // What a person has called an incident tells no indicator; a campaign is never called by that.
    let by_person = row.try_get("human").unwrap_or(false);
    Ok((if by_person || is_told(&tlp) { title } else { link.clone() }, link))
}

/// Hosts of each incident, sorted: a resolver that asks for others is none.
async fn hosts(
    conn: &mut SqliteConnection,
    scope: Scope,
    chosen: Chosen<'_>,
) -> Result<HashMap<i64, Vec<String>>, sqlx::Error> {
    let mut select = QueryBuilder::new(
        "SELECT DISTINCT i.id, a.client FROM incident i JOIN alert a ON a.incident_id = i.id
         WHERE a.by_resolver = 0 AND a.client IS NOT NULL AND ",
    );
    chosen.push(&mut select, "i.id", "i.campaign_id");
    of_scope(&mut select, scope);
    select.push(" ORDER BY i.id, a.client");
    let rows: Vec<(i64, String)> = select.build_query_as().fetch_all(conn).await?;
    let mut hosts: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (incident, client) in rows {
        hosts.entry(incident).or_default().push(client);
    }
    Ok(hosts.into_iter().collect())
}
