//! Strands: read for correlation, written as it decides.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use varde_common::alert::Level;
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use super::alert::{evidence_from, level_of};
use super::record::{ROWS_PER_STATEMENT, padded, pieces, push_ids};
use crate::incident::HostAlert;
use crate::priority::{Facts, Hearsay};
use crate::strand::{AlertFact, Link, LinkKind, Span, Strand, StrandDecision, Topic, WINDOW};

/// A kind of link from the database.
pub(super) fn kind_from(word: &str) -> LinkKind {
    LinkKind::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or(LinkKind::Indicator)
}

/// A level as the database has it.
pub(crate) fn number_of(level: Level) -> i64 {
    match level {
        Level::Low => 0,
        Level::Medium => 1,
        Level::High => 2,
    }
}

fn level_from(number: i64) -> Level {
    match number {
        ..=0 => Level::Low,
        1 => Level::Medium,
        2.. => Level::High,
    }
}

/// What people said, from the columns: 0 nobody says anything, 1 not how far it got, 2 and more how far, which is that less 2.
fn hearsay_from(said: i64, confidence: i64, severity: i64) -> Option<Hearsay> {
    (said > 0).then(|| Hearsay {
        evidence: (said > 1).then(|| evidence_from(said - 2)),
        confidence: u8::try_from(confidence).unwrap_or(0),
        severity: Severity::from_level(u8::try_from(severity).unwrap_or(u8::MAX)),
    })
}

/// The same columns of what people said.
fn hearsay_columns(said: Option<Hearsay>) -> (i64, i64, i64) {
    let Some(said) = said else { return (0, 0, 0) };
    let how_far = said.evidence.map_or(1, |evidence| level_of(evidence) + 2);
    (how_far, i64::from(said.confidence), i64::from(said.severity.level()))
}

/// What weighs, from a row that has a strand's columns.
fn facts_from(row: &SqliteRow) -> Result<Facts, sqlx::Error> {
    let severity: i64 = row.try_get("severity")?;
    Ok(Facts {
        said: hearsay_from(row.try_get("said")?, row.try_get("said_confidence")?, row.try_get("said_severity")?),
        sensed: row.try_get("sensed")?,
        evidence: evidence_from(row.try_get("evidence")?),
        confidence: u8::try_from(row.try_get::<i64, _>("confidence")?).unwrap_or(0),
        level: level_from(row.try_get("level")?),
        severity: Severity::from_level(u8::try_from(severity).unwrap_or(u8::MAX)),
        by_name: row.try_get("by_name")?,
        by_name_at_high: row.try_get("by_name_at_high")?,
        persistent: row.try_get("persistent")?,
        in_history: row.try_get("in_history")?,
    })
}

/// What weighs of the strand `s` as one number, for where very many are read: a column costs as much as a row.
pub(crate) const FACTS: &str =
    "((((((s.said * 128 + s.said_confidence) * 8 + s.said_severity) * 8 + s.evidence) * 128 + s.confidence) * 4 + s.level) * 8
    + s.severity) * 32 + s.sensed * 16 + s.by_name * 8 + s.by_name_at_high * 4 + s.persistent * 2 + s.in_history";

/// The same read again.
pub(crate) fn facts_from_one(number: i64) -> Facts {
    let is = |bit: i64| number & bit != 0;
    let part = |above: u32, size: i64| (number >> above) & (size - 1);
    Facts {
        said: hearsay_from(number >> 30, part(23, 128), part(20, 8)),
        sensed: is(16),
        evidence: evidence_from(part(17, 8)),
        confidence: u8::try_from(part(10, 128)).unwrap_or(0),
        level: level_from(part(8, 4)),
        severity: Severity::from_level(u8::try_from(part(5, 8)).unwrap_or(u8::MAX)),
        by_name: is(8),
        by_name_at_high: is(4),
        persistent: is(2),
        in_history: is(1),
    }
}

fn strand_from(row: &SqliteRow) -> Result<Strand, sqlx::Error> {
    let link = Link { kind: kind_from(row.try_get("link_kind")?), value: row.try_get("link_value")? };
    Ok(Strand {
        id: row.try_get("id")?,
        member: row.try_get("member_id")?,
        topic: Topic { link, exercise: row.try_get("exercise")? },
        span: Span::new(Timestamp(row.try_get("first_seen")?), Timestamp(row.try_get("last_seen")?)),
        incident: row.try_get("incident_id")?,
        facts: facts_from(row)?,
    })
}

/// All strands of these members on these topics, exercises and not.
///
/// # Errors
/// The database's own.
pub async fn of_links(conn: &mut SqliteConnection, links: &BTreeSet<(i64, &Link)>) -> Result<Vec<Strand>, sqlx::Error> {
    let links: Vec<(i64, &Link)> = links.iter().copied().collect();
    let mut strands = Vec::new();
    for piece in links.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT s.* FROM (");
        select.push_values(padded(piece), |mut row, link| {
            row.push_bind(link.map(|(member, _)| *member))
                .push_bind(link.map(|(_, link)| link.kind.as_str()))
                .push_bind(link.map(|(_, link)| link.value.clone()));
        });
        select.push(
            ") v JOIN strand s ON s.member_id = v.column1 AND s.link_kind = v.column2 AND s.link_value = v.column3",
        );
        for row in &select.build().fetch_all(&mut *conn).await? {
            strands.push(strand_from(row)?);
        }
    }
    Ok(strands)
}

/// All strands of a member.
///
/// # Errors
/// The database's own.
pub async fn of_member(conn: &mut SqliteConnection, member: i64) -> Result<Vec<Strand>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT * FROM strand WHERE member_id = $1 ORDER BY id").bind(member).fetch_all(conn).await?;
    rows.iter().map(strand_from).collect()
}

/// Stored alerts without a host that found nothing, of these members on these topics and near the span beside each: id, uuid and
/// fact. Some may be named twice.
///
/// # Errors
/// The database's own.
pub async fn alerts_without_host(
    conn: &mut SqliteConnection,
    near: &BTreeMap<(i64, &Link), Span>,
) -> Result<Vec<(i64, String, AlertFact)>, sqlx::Error> {
    let mut alerts = Vec::new();
    // No alert is of a person's word.
    for kind in [LinkKind::Indicator, LinkKind::Threat] {
        let of_kind = near.iter().filter(|((_, link), _)| link.kind == kind);
        let of_kind: Vec<(i64, &str, Span)> =
            of_kind.map(|((member, link), span)| (*member, link.value.as_str(), *span)).collect();
        for piece in of_kind.chunks(ROWS_PER_STATEMENT) {
            let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
                "SELECT a.id, a.uuid, a.member_id, a.indicator_id, n.threat, a.exercise, a.first_seen, a.last_seen, a.strand_id FROM (",
            );
            select.push_values(padded(piece), |mut row, one| {
                row.push_bind(one.map(|(member, _, _)| *member));
                match kind {
                    LinkKind::Indicator | LinkKind::Human => {
                        row.push_bind(one.and_then(|(_, value, _)| value.parse::<i64>().ok()))
                    }
                    LinkKind::Threat => row.push_bind(one.map(|(_, value, _)| (*value).to_owned())),
                };
                row.push_bind(one.map(|(_, _, span)| span.first.minus(WINDOW).0))
                    .push_bind(one.map(|(_, _, span)| span.last.plus(WINDOW).0));
            });
            select.push(match kind {
                LinkKind::Indicator | LinkKind::Human => ") v JOIN indicator n ON n.id = v.column2",
                LinkKind::Threat => ") v JOIN indicator n ON n.threat = v.column2",
            });
            select.push(
                " JOIN alert a ON a.indicator_id = n.id AND a.member_id = v.column1 AND a.last_seen >= v.column3
                    AND a.first_seen <= v.column4
                 WHERE a.client IS NULL AND a.hosts IS NULL AND a.direction = 'inbound' AND a.evidence <= 3",
            );
            type Found = (i64, String, i64, i64, Option<String>, bool, i64, i64, Option<i64>);
            let rows: Vec<Found> = select.build_query_as().fetch_all(&mut *conn).await?;
            for (id, uuid, member, indicator, threat, exercise, first, last, strand) in rows {
                // By the link it was asked for: a threat that has come to be a mere list is none for its indicators any more.
                let link = match kind {
                    LinkKind::Indicator | LinkKind::Human => Link::of(indicator, None),
                    LinkKind::Threat => Link::of(indicator, threat.as_deref()),
                };
                let span = Span::new(Timestamp(first), Timestamp(last));
                let topic = Topic { link, exercise };
                alerts.push((id, uuid, AlertFact { strand, ..AlertFact::joining(member, topic, span) }));
            }
        }
    }
    Ok(alerts)
}

/// Stored alerts of these members' hosts with sightings within the span beside each. `links_hosts` is for the caller to say, by the
/// indicator that stands beside each alert.
///
/// # Errors
/// The database's own.
pub async fn of_hosts(
    conn: &mut SqliteConnection,
    hosts: &BTreeMap<(i64, &str), Span>,
) -> Result<Vec<(i64, HostAlert)>, sqlx::Error> {
    let hosts: Vec<(i64, &str, Span)> = hosts.iter().map(|((member, host), span)| (*member, *host, *span)).collect();
    let mut alerts = Vec::new();
    for piece in hosts.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT a.member_id, a.indicator_id, a.client, a.strand_id, s.link_kind, s.link_value, s.exercise, s.incident_id,
             a.first_seen, a.last_seen, a.evidence FROM (",
        );
        select.push_values(padded(piece), |mut row, one| {
            row.push_bind(one.map(|(member, _, _)| *member))
                .push_bind(one.map(|(_, host, _)| (*host).to_owned()))
                .push_bind(one.map(|(_, _, span)| span.first.0))
                .push_bind(one.map(|(_, _, span)| span.last.0));
        });
        select.push(
            ") v JOIN alert a ON a.member_id = v.column1 AND a.client = v.column2 AND a.last_seen >= v.column3
                AND a.first_seen <= v.column4
             JOIN strand s ON s.id = a.strand_id WHERE a.by_resolver = 0 AND (a.met_itself <> 0 OR EXISTS (SELECT 1 FROM trace t
                WHERE t.strand_id = a.strand_id AND t.kind = 'address' AND t.value = a.server AND NOT EXISTS (SELECT 1 FROM guard g
                    WHERE g.kind = t.kind AND g.value = t.value AND (g.settled_as IS NULL OR g.settled_as <> 'overruled'))))",
        );
        type Found = (i64, i64, String, i64, String, String, bool, i64, i64, i64, i64);
        let rows: Vec<Found> = select.build_query_as().fetch_all(&mut *conn).await?;
        for (member, indicator, host, strand, kind, value, exercise, incident, first, last, evidence) in rows {
            let topic = Topic { link: Link { kind: kind_from(&kind), value }, exercise };
            let span = Span::new(Timestamp(first), Timestamp(last));
            let evidence = evidence_from(evidence);
            let alert = HostAlert { member, host, strand, topic, incident, span, evidence, links_hosts: false };
            alerts.push((indicator, alert));
        }
    }
    Ok(alerts)
}

/// Writes what was decided about strands, each of which is part of the incident at its place. Gives their ids.
///
/// # Errors
/// The database's own.
pub async fn apply_all(
    conn: &mut SqliteConnection,
    decisions: &[StrandDecision],
    incidents: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    let mut next: Option<i64> = None;
    let (mut ids, mut rows) = (Vec::with_capacity(decisions.len()), Vec::with_capacity(decisions.len()));
    for (decision, incident) in decisions.iter().zip(incidents) {
        let id = match (decision.kept, next) {
            (Some(id), _) => id,
            (None, Some(id)) => id,
            (None, None) => {
                sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) + 1 FROM strand").fetch_one(&mut *conn).await?
            }
        };
        if decision.kept.is_none() {
            next = Some(id + 1);
        }
        ids.push(id);
        rows.push((id, *incident, decision));
    }
    write(conn, &rows).await?;
    for (id, incident, decision) in rows {
        for &old in &decision.absorbed {
            for sql in [
                "UPDATE alert SET strand_id = $2, incident_id = $3 WHERE strand_id = $1",
                "UPDATE trace SET strand_id = $2 WHERE strand_id = $1",
            ] {
                sqlx::query(sql).bind(old).bind(id).bind(incident).execute(&mut *conn).await?;
            }
            sqlx::query("DELETE FROM strand WHERE id = $1").bind(old).execute(&mut *conn).await?;
        }
    }
    Ok(ids)
}

/// Strands, new and changed, each with its id and its incident.
async fn write(conn: &mut SqliteConnection, rows: &[(i64, i64, &StrandDecision)]) -> Result<(), sqlx::Error> {
    for piece in pieces(rows) {
        let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO strand (id, member_id, incident_id, link_kind, link_value, exercise, first_seen, last_seen, evidence,
             confidence, level, severity, by_name, by_name_at_high, persistent, in_history, sensed, said,
             said_confidence, said_severity) ",
        );
        insert.push_values(piece, |mut row, (id, incident, decision)| {
            let facts = decision.facts;
            let (said, said_confidence, said_severity) = hearsay_columns(facts.said);
            row.push_bind(*id)
                .push_bind(decision.member)
                .push_bind(*incident)
                .push_bind(decision.topic.link.kind.as_str())
                .push_bind(decision.topic.link.value.clone())
                .push_bind(i64::from(decision.topic.exercise))
                .push_bind(decision.span.first.0)
                .push_bind(decision.span.last.0)
                .push_bind(level_of(facts.evidence))
                .push_bind(i64::from(facts.confidence))
                .push_bind(number_of(facts.level))
                .push_bind(i64::from(facts.severity.level()))
                .push_bind(i64::from(facts.by_name))
                .push_bind(i64::from(facts.by_name_at_high))
                .push_bind(i64::from(facts.persistent))
                .push_bind(i64::from(facts.in_history))
                .push_bind(i64::from(facts.sensed))
                .push_bind(said)
                .push_bind(said_confidence)
                .push_bind(said_severity);
        });
        insert.push(
            " ON CONFLICT (id) DO UPDATE SET incident_id = excluded.incident_id, first_seen = excluded.first_seen,
             last_seen = excluded.last_seen, evidence = excluded.evidence, confidence = excluded.confidence,
             level = excluded.level, severity = excluded.severity, by_name = excluded.by_name,
             by_name_at_high = excluded.by_name_at_high, persistent = excluded.persistent, in_history = excluded.in_history,
             sensed = excluded.sensed, said = excluded.said, said_confidence = excluded.said_confidence,
             said_severity = excluded.said_severity",
        );
        insert.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Of these clusters those whose strands are about more than `most` different things.
///
/// # Errors
/// The database's own.
pub async fn of_many_topics(conn: &mut SqliteConnection, clusters: &[i64], most: i64) -> Result<Vec<i64>, sqlx::Error> {
    let mut found = Vec::new();
    for piece in clusters.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT t.cluster_id FROM (SELECT DISTINCT i.cluster_id, s.link_kind, s.link_value FROM incident i
             JOIN strand s ON s.incident_id = i.id WHERE i.cluster_id IN ",
        );
        push_ids(&mut select, piece);
        select.push(") t GROUP BY t.cluster_id HAVING COUNT(*) > ").push_bind(most);
        found.extend(select.build_query_scalar::<i64>().fetch_all(&mut *conn).await?);
    }
    Ok(found)
}

/// The strands that each of these incidents has, by incident.
///
/// # Errors
/// The database's own.
pub async fn of_incidents(
    conn: &mut SqliteConnection,
    incidents: &[i64],
) -> Result<BTreeMap<i64, Vec<Strand>>, sqlx::Error> {
    let mut found: BTreeMap<i64, Vec<Strand>> = BTreeMap::new();
    for chunk in incidents.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM strand WHERE incident_id IN ");
        push_ids(&mut select, chunk);
        select.push(" ORDER BY first_seen, id");
        for row in &select.build().fetch_all(&mut *conn).await? {
            let strand = strand_from(row)?;
            found.entry(strand.incident).or_default().push(strand);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::alert::Evidence;

    #[tokio::test]
    async fn what_weighs_of_a_strand_is_the_same_read_as_one_number() {
        let fixture = crate::store::fixture::Fixture::new(1).await;
        fixture
            .run(
                "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at)
                 VALUES (1, 'u', 1, 'indicator', '1', 'evil.no', 0, 0, 0, 0)",
            )
            .await;
        let levels = [Level::Low, Level::Medium, Level::High];
        let mut tx = fixture.store.begin().await.unwrap();
        let decisions: Vec<StrandDecision> = (0..200u8)
            .map(|n| {
                let facts = Facts {
                    said: hearsay_from(i64::from(n) % 8, i64::from(n) % 101, i64::from(n) % 5),
                    sensed: n % 3 != 0,
                    evidence: Evidence::ALL[usize::from(n) % Evidence::ALL.len()],
                    confidence: n % 101,
                    level: levels[usize::from(n) % 3],
                    severity: Severity::from_level(n % 5),
                    by_name: n & 1 != 0,
                    by_name_at_high: n & 2 != 0,
                    persistent: n & 4 != 0,
                    in_history: n & 8 != 0,
                };
                let topic = Topic { link: Link::of(1, None), exercise: false };
                let span = Span::new(Timestamp(0), Timestamp(1));
                let (absorbed, alerts, incidents) = (Vec::new(), Vec::new(), Vec::new());
                StrandDecision { kept: None, absorbed, member: 1, topic, span, alerts, incidents, facts }
            })
            .collect();
        let ids = apply_all(&mut tx, &decisions, &vec![1; decisions.len()]).await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("SELECT s.id, {FACTS} FROM strand s ORDER BY s.id"));
        let read: Vec<(i64, i64)> = sqlx::query_as(sql).fetch_all(&mut *tx).await.unwrap();
        let whole = of_member(&mut tx, 1).await.unwrap();
        assert_eq!(read.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
        for ((decision, (_, number)), strand) in decisions.iter().zip(read).zip(whole) {
            assert_eq!(facts_from_one(number), decision.facts);
            assert_eq!(strand.facts, decision.facts);
        }
    }

    #[tokio::test]
    async fn v1_what_people_had_said_before_stands_beside_what_sensors_had_seen() {
        use crate::store::{DATABASE_FILE, SCHEMA, Store, options, upgrade};
        use sqlx::{ConnectOptions, Connection};
        let dir = tempfile::tempdir().unwrap();
        let before = SCHEMA.iter().position(|sql| sql.contains("ADD COLUMN said ")).unwrap();
        upgrade::make(dir.path(), &SCHEMA[..before]).await.unwrap();
        let mut conn = options(&dir.path().join(DATABASE_FILE)).connect().await.unwrap();
        // Four incidents: reported alone; reported and looked up; reported and seen as far; seen.
        let sql = "INSERT INTO member (id, number, name, added_at) VALUES (1, '0301', 'Oslo', 0);
            INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256) VALUES (1, 1, 0, 0, x'00');
            INSERT INTO indicator (id, pattern, kind, source, confidence, severity, tlp, exercise, received_at, published_at, published_in)
            VALUES (1, 'evil.no', 'domain', 'test', 50, 3, 'TLP:AMBER', 0, 0, 0, 1)";
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        for (id, human, evidence, seen) in [(1, 1, 5, None), (2, 1, 5, Some(1)), (3, 1, 4, Some(4)), (4, 0, 4, Some(4))]
        {
            let sql = format!(
                "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at, human)
                 VALUES ({id}, 'i{id}', 1, 'indicator', '1', 't', 0, 0, 0, 0, {human});
                 INSERT INTO strand (id, member_id, incident_id, link_kind, link_value, exercise, first_seen, last_seen, evidence,
                 confidence, level, severity, by_name, by_name_at_high, persistent, in_history)
                 VALUES ({id}, 1, {id}, 'indicator', '1', 0, 0, 0, {evidence}, 50, 0, 3, 0, 0, 0, 0)"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
            if let Some(seen) = seen {
                let sql = format!(
                    "INSERT INTO alert (uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, zone, zone_levels, direction,
                     evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise, retro,
                     first_seen, last_seen, count, arrived_at, updated_at, incident_id, strand_id)
                     VALUES ('a{id}', 1, 'e', {id}, 1, 0, 1, 1, 0, '000', 'outbound', {seen}, 0, 0, 0, 0, 17, 3, 0, 0, 0, 0, 1, 0, 0, {id}, {id})"
                );
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
            }
        }
        conn.close().await.unwrap();
        upgrade::upgrade(dir.path(), SCHEMA).await.unwrap().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let facts = of_member(&mut tx, 1).await.unwrap().into_iter().map(|strand| strand.facts);
        let found: Vec<_> = facts.map(|facts| (facts.sensed, facts.evidence, facts.said)).collect();
        let said = |evidence| Some(Hearsay { evidence, confidence: 50, severity: Severity::High });
        let expected = [
            (false, Evidence::Blocked, said(Some(Evidence::DataOut))),
            (true, Evidence::LookedUp, said(Some(Evidence::DataOut))),
            (true, Evidence::Contacted, said(None)),
            (true, Evidence::Contacted, None),
        ];
        assert_eq!(found, expected);
    }
}
