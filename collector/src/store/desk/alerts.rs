//! The alert list: a row for each indicator that alerts of the range met, the last seen first.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::{QueryBuilder, Row, Sqlite, Transaction};
use varde_common::time::Timestamp;

use super::group::{Group, Groups, InCase, Muting};
use super::looked::{Asked, push_range};
use super::{Hidden, Question};
use crate::api::cursor::Position;
use crate::coverage::{Case, Coverage};
use crate::limits::desk::ALERTS_LOOKED_AT_MAX;
use crate::range::Bars;
use crate::store::alert::is_told;
use crate::store::asked::{campaign_names, push_in};
use crate::store::campaign::others_told;
use crate::store::picture::reads;
use crate::store::picture::{IndicatorFacts, SensorFacts};
use crate::store::{Scope, Store, StoreError};

/// A group before what stands around it is read.
struct Bare {
    indicator: i64,
    first: i64,
    last: i64,
    alerts: i64,
    fresh: i64,
    muted: i64,
    settled: i64,
    evidence: i64,
    severity: i64,
    exercise: bool,
    retro: bool,
}

/// The page's groups and the totals of all, in one statement.
async fn bare(
    tx: &mut Transaction<'static, Sqlite>,
    asked: &Asked<'_>,
) -> Result<(Vec<Bare>, (i64, i64), Hidden), sqlx::Error> {
    let mut select = QueryBuilder::new(
        "WITH g AS MATERIALIZED (SELECT p.indicator_id, MIN(CASE WHEN p.shown = 1 THEN p.seen END) AS first, MAX(CASE WHEN p.shown = 1 THEN p.seen END) AS last,
            SUM(p.shown) AS alerts, SUM(p.shown * p.fresh) AS fresh, SUM(p.muted) AS muted, SUM(p.settled) AS settled,
            MAX(CASE WHEN p.shown = 1 THEN p.evidence END) AS evidence, MAX(CASE WHEN p.shown = 1 THEN p.severity END) AS severity,
            MIN(CASE WHEN p.shown = 1 THEN p.exercise END) AS exercise, MAX(CASE WHEN p.shown = 1 THEN p.retro END) AS retro FROM ",
    );
    asked.push(&mut select);
    select.push(
        " p GROUP BY p.indicator_id)
        SELECT t.groups, t.alerts AS all_alerts, t.hidden_muted, t.hidden_settled, r.* FROM
        (SELECT COALESCE(SUM(CASE WHEN g.alerts > 0 THEN 1 ELSE 0 END), 0) AS groups, COALESCE(SUM(g.alerts), 0) AS alerts,
            COALESCE(SUM(CASE WHEN g.alerts = 0 AND g.muted > 0 THEN 1 ELSE 0 END), 0) AS hidden_muted,
            COALESCE(SUM(CASE WHEN g.alerts = 0 AND g.muted = 0 AND g.settled > 0 THEN 1 ELSE 0 END), 0) AS hidden_settled FROM g) t
        LEFT JOIN (SELECT * FROM g WHERE g.alerts > 0",
    );
    if let Some(Position { at, name }) = &asked.question.after {
        select.push(" AND (g.last, g.indicator_id) < (").push_bind(*at).push(", ");
        select.push_bind(name.parse::<i64>().unwrap_or(0)).push(")");
    }
    let limit = i64::try_from(asked.question.limit).unwrap_or(i64::MAX).saturating_add(1);
    select
        .push(" ORDER BY g.last DESC, g.indicator_id DESC LIMIT ")
        .push_bind(limit)
        .push(") r ON 1 = 1 ORDER BY r.last DESC, r.indicator_id DESC");
    let rows = select.build().fetch_all(&mut **tx).await?;
    let Some(first) = rows.first() else { return Ok((Vec::new(), (0, 0), Hidden::default())) };
    let totals = (first.try_get("groups")?, first.try_get("all_alerts")?);
    let hidden = Hidden { muted: first.try_get("hidden_muted")?, settled: first.try_get("hidden_settled")? };
    let mut groups = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(indicator) = row.try_get::<Option<i64>, _>("indicator_id")? else { continue };
        groups.push(Bare {
            indicator,
            first: row.try_get("first")?,
            last: row.try_get("last")?,
            alerts: row.try_get("alerts")?,
            fresh: row.try_get("fresh")?,
            muted: row.try_get("muted")?,
            settled: row.try_get("settled")?,
            evidence: row.try_get("evidence")?,
            severity: row.try_get("severity")?,
            exercise: row.try_get::<i64, _>("exercise")? != 0,
            retro: row.try_get::<i64, _>("retro")? != 0,
        });
    }
    Ok((groups, totals, hidden))
}

/// Counts of all that is shown in each bar, and of each of these indicators.
async fn counted(
    tx: &mut Transaction<'static, Sqlite>,
    asked: &Asked<'_>,
    ids: &[i64],
    bars: &Bars,
) -> Result<(Vec<i64>, BTreeMap<i64, Vec<i64>>), sqlx::Error> {
    let mut select = QueryBuilder::new("SELECT CASE WHEN ");
    push_in(&mut select, "p.indicator_id", ids);
    select
        .push(" THEN p.indicator_id ELSE 0 END AS of, (p.seen - ")
        .push_bind(bars.first.0)
        .push(") / ")
        .push_bind(bars.width_us);
    select.push(" AS bar, COUNT(*) AS n FROM ");
    asked.push(&mut select);
    select.push(" p WHERE p.shown = 1 GROUP BY 1, 2");
    let rows: Vec<(i64, i64, i64)> = select.build_query_as().fetch_all(&mut **tx).await?;
    let mut all = vec![0_i64; bars.count];
    let mut each: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (of, bar, n) in rows {
        // What a clock that is ahead has seen stands in the last bar.
        let place = usize::try_from(bar).unwrap_or(0).min(bars.count.saturating_sub(1));
        for counts in [Some(&mut all), (of != 0).then(|| each.entry(of).or_insert_with(|| vec![0; bars.count]))] {
            if let Some(count) = counts.and_then(|counts| counts.get_mut(place)) {
                *count = count.saturating_add(n);
            }
        }
    }
    Ok((all, each))
}

/// Which members met each of these.
async fn met(
    tx: &mut Transaction<'static, Sqlite>,
    asked: &Asked<'_>,
    ids: &[i64],
) -> Result<BTreeMap<i64, Vec<i64>>, sqlx::Error> {
    let mut select = QueryBuilder::new("SELECT DISTINCT p.indicator_id, p.member_id FROM ");
    asked.push(&mut select);
    select.push(" p WHERE p.shown = 1 AND ");
    push_in(&mut select, "p.indicator_id", ids);
    select.push(" ORDER BY 1, 2");
    let rows: Vec<(i64, i64)> = select.build_query_as().fetch_all(&mut **tx).await?;
    let mut met: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (indicator, member) in rows {
        met.entry(indicator).or_default().push(member);
    }
    Ok(met)
}

/// How many alerts of the range were looked at; and since when all were, where that is not all of it.
async fn whole_since(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
    question: &Question,
) -> Result<(i64, Option<Timestamp>), sqlx::Error> {
    let mut select = QueryBuilder::new("SELECT COUNT(*), MIN(x.seen) FROM ");
    push_range(&mut select, scope, question);
    select.push(" x");
    let (count, since): (i64, Option<i64>) = select.build_query_as().fetch_one(&mut **tx).await?;
    Ok((count, since.filter(|_| count >= ALERTS_LOOKED_AT_MAX).map(Timestamp)))
}

/// What is known of an indicator beside its alerts.
struct Known {
    facts: IndicatorFacts,
    is_refuted: bool,
    sources: Vec<String>,
    met_first: Option<Timestamp>,
    others: i64,
    is_proposed: bool,
    acknowledged: Option<(String, Timestamp)>,
    mutings: Vec<Muting>,
    cases: (BTreeSet<i64>, BTreeSet<i64>),
}

async fn known(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
    ids: &[i64],
    now: Timestamp,
) -> Result<BTreeMap<i64, Known>, sqlx::Error> {
    let is_operator = scope == Scope::Operator;
    let mut select = QueryBuilder::new(
        "SELECT n.id, n.pattern, n.kind, n.tlp, n.threat, n.source, n.confidence, n.published_in, n.refuted_at,
            (SELECT MIN(e.first_seen) FROM meeting e WHERE e.indicator_id = n.id AND (",
    );
    select.push_bind(scope.member_id()).push(" IS NULL OR e.member_id = ").push_bind(scope.member_id());
    select.push(")) AS met_first, (SELECT COUNT(DISTINCT COALESCE(m.supplier, CAST(m.id AS TEXT))) FROM meeting e JOIN member m ON m.id = e.member_id
            WHERE e.indicator_id = n.id AND e.member_id <> ").push_bind(scope.member_id());
    select.push(
        ") AS others, EXISTS (SELECT 1 FROM guard g WHERE g.kind = 'indicator' AND g.value = CAST(n.id AS TEXT) AND g.settled_as IS NULL) AS proposed,
            k.who, k.at FROM indicator n LEFT JOIN acknowledged k ON k.indicator_id = n.id AND k.member_id =
            (SELECT o.member_id FROM acknowledged o WHERE o.indicator_id = n.id ORDER BY o.at DESC, o.member_id LIMIT 1) WHERE ",
    );
    push_in(&mut select, "n.id", ids);
    let mut found = BTreeMap::new();
    for row in &select.build().fetch_all(&mut **tx).await? {
        let id: i64 = row.try_get("id")?;
        let tlp: String = row.try_get("tlp")?;
        let told = is_told(&tlp);
        let (who, at): (Option<String>, Option<i64>) = (row.try_get("who")?, row.try_get("at")?);
        let facts = IndicatorFacts {
            id,
            pattern: told.then(|| row.try_get("pattern")).transpose()?,
            kind: row.try_get("kind")?,
            source: row.try_get("source")?,
            threat: row.try_get::<Option<String>, _>("threat")?.filter(|_| is_operator || told),
            tlp,
            confidence: row.try_get("confidence")?,
            published_in: row.try_get("published_in")?,
        };
        let known = Known {
            facts,
            is_refuted: is_operator && row.try_get::<Option<i64>, _>("refuted_at")?.is_some(),
            sources: Vec::new(),
            met_first: row.try_get::<Option<i64>, _>("met_first")?.map(Timestamp),
            others: row.try_get("others")?,
            is_proposed: is_operator && row.try_get("proposed")?,
            acknowledged: who.zip(at).filter(|_| is_operator).map(|(who, at)| (who, Timestamp(at))),
            mutings: Vec::new(),
            cases: Default::default(),
        };
        found.insert(id, known);
    }
    let mut select = QueryBuilder::new(
        "SELECT DISTINCT c.indicator_id, s.name FROM claim c JOIN source s ON s.id = c.source_id WHERE (c.withdrawn_at IS NULL OR c.refuted_at IS NOT NULL) AND ",
    );
    push_in(&mut select, "c.indicator_id", ids);
    let rows: Vec<(i64, String)> = select.push(" ORDER BY s.name").build_query_as().fetch_all(&mut **tx).await?;
    for (id, name) in rows {
        // Of what is marked for few a member is told no more than that it is there.
        if let Some(known) = found.get_mut(&id).filter(|known| is_operator || is_told(&known.facts.tlp)) {
            known.sources.push(name);
        }
    }
    if is_operator {
        for (id, muting) in mutings(tx, ids, now).await? {
            if let Some(known) = found.get_mut(&id) {
                known.mutings.push(muting);
            }
        }
    }
    for (id, incident, campaign) in cases(tx, scope, ids).await? {
        if let Some(known) = found.get_mut(&id) {
            known.cases.0.insert(incident);
            known.cases.1.extend(campaign);
        }
    }
    Ok(found)
}

async fn mutings(
    tx: &mut Transaction<'static, Sqlite>,
    ids: &[i64],
    now: Timestamp,
) -> Result<Vec<(i64, Muting)>, sqlx::Error> {
    let mut select = QueryBuilder::new(
        "SELECT u.indicator_id, u.id, m.number, m.name, u.reason, u.author, u.given_at, u.until FROM muted u
            LEFT JOIN member m ON m.id = u.member_id WHERE u.ended_at IS NULL AND u.until > ",
    );
    select.push_bind(now.0).push(" AND ");
    push_in(&mut select, "u.indicator_id", ids);
    type Row = (i64, i64, Option<String>, Option<String>, String, String, i64, i64);
    let rows: Vec<Row> = select.push(" ORDER BY u.id").build_query_as().fetch_all(&mut **tx).await?;
    let read = |(indicator, id, number, name, reason, author, given_at, until): Row| {
        let member = Option::zip(number, name);
        (indicator, Muting { id, member, reason, author, given_at: Timestamp(given_at), until: Timestamp(until) })
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Incidents that alerts of these are in, and their campaigns: by what they share, which is far less than the alerts.
async fn cases(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
    ids: &[i64],
) -> Result<Vec<(i64, i64, Option<i64>)>, sqlx::Error> {
    let mut select = QueryBuilder::new(
        "SELECT DISTINCT CAST(t.value AS BIGINT), i.id, i.campaign_id FROM trace t JOIN strand s ON s.id = t.strand_id
            JOIN incident i ON i.id = s.incident_id WHERE t.kind = 'indicator' AND t.value IN (",
    );
    let mut list = select.separated(", ");
    for id in ids {
        list.push_bind(id.to_string());
    }
    select.push(")");
    if let Some(member) = scope.member_id() {
        select.push(" AND i.member_id = ").push_bind(member);
    }
    select.push(" ORDER BY 1, 2 LIMIT 20000").build_query_as().fetch_all(&mut **tx).await
}

/// What incidents go by for a member: their names outside.
async fn incident_names(store: &Store, scope: Scope, ids: &[i64]) -> Result<BTreeMap<i64, String>, StoreError> {
    if scope == Scope::Operator {
        return Ok(ids.iter().map(|id| (*id, id.to_string())).collect());
    }
    let mut select = QueryBuilder::new("SELECT id, uuid FROM incident WHERE ");
    push_in(&mut select, "id", ids);
    let rows: Vec<(i64, String)> = select.build_query_as().fetch_all(store.readers()).await?;
    Ok(rows.into_iter().collect())
}

/// Who could have seen a group: it began with the first of it in the range, and by the first list that had it.
fn coverage(sensors: &[SensorFacts], all: &[i64], bare: &Bare, facts: &IndicatorFacts, met: &[i64]) -> Coverage {
    let case = Case {
        begun: Timestamp(bare.first),
        until: Timestamp::MAX,
        revision: facts.published_in.or(Some(1)),
        seen: met.iter().copied().collect::<HashSet<_>>(),
        reported: HashSet::new(),
    };
    Coverage::of_case(sensors, all.iter().copied(), &case)
}

impl Store {
    /// A page of the alert list. A member gets its own alerts; of others a count in steps, and nothing of what the CSIRT makes of it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn alert_groups(&self, scope: Scope, question: &Question) -> Result<Groups, StoreError> {
        let bars = question.range.bars(question.now);
        let mut tx = self.readers().begin().await?;
        let asked = Asked::of(&mut tx, scope, question).await?;
        let (mut groups, (total, alerts), hidden) = bare(&mut tx, &asked).await?;
        let more = groups.len() > question.limit;
        groups.truncate(question.limit);
        let next =
            groups.last().filter(|_| more).map(|last| Position { at: last.last, name: last.indicator.to_string() });
        let ids: Vec<i64> = groups.iter().map(|group| group.indicator).collect();
        let (counts, mut each) = counted(&mut tx, &asked, &ids, &bars).await?;
        let mut met = met(&mut tx, &asked, &ids).await?;
        let mut known = known(&mut tx, scope, &ids, question.now).await?;
        let (looked_at, whole_since) = whole_since(&mut tx, scope, question).await?;
        let sql = "SELECT id, number, name FROM member WHERE $1 IS NULL OR id = $1 ORDER BY id";
        let members: Vec<(i64, String, String)> =
            sqlx::query_as(sql).bind(scope.member_id()).fetch_all(&mut *tx).await?;
        let sensors = match (scope, groups.is_empty()) {
            (Scope::Operator, false) => crate::coverage::lightened(reads::sensors(&mut tx, scope).await?),
            (Scope::Operator, true) | (Scope::Member(_), _) => Vec::new(),
        };
        // The numbers of alerts tell nobody but the operator anything.
        let sql = "SELECT COALESCE(MAX(id), 0) FROM alert WHERE $1 IS NULL";
        let newest: i64 = sqlx::query_scalar(sql).bind(scope.member_id()).fetch_one(&mut *tx).await?;
        tx.rollback().await?;
        let all: Vec<i64> = members.iter().map(|(id, _, _)| *id).collect();
        let of = |which: fn(&Known) -> &BTreeSet<i64>| -> Vec<i64> {
            known.values().flat_map(which).copied().collect::<BTreeSet<i64>>().into_iter().collect()
        };
        let (incidents, campaigns) = (of(|known| &known.cases.0), of(|known| &known.cases.1));
        let incident_names = incident_names(self, scope, &incidents).await?;
        let campaign_names = match scope {
            Scope::Operator => campaigns.iter().map(|id| (*id, id.to_string())).collect(),
            Scope::Member(_) => campaign_names(self, scope, &campaigns).await?,
        };
        let named = |ids: &BTreeSet<i64>, names: &BTreeMap<i64, String>| {
            ids.iter().filter_map(|id| names.get(id)).map(|name| InCase { name: name.clone() }).collect::<Vec<_>>()
        };
        let mut items = Vec::with_capacity(groups.len());
        for bare in groups {
            let Some(known) = known.remove(&bare.indicator) else { continue };
            let members = met.remove(&bare.indicator).unwrap_or_default();
            let coverage = (scope == Scope::Operator).then(|| coverage(&sensors, &all, &bare, &known.facts, &members));
            let first_seen = Timestamp(bare.first);
            items.push(Group {
                coverage,
                others: others_told(known.others).filter(|_| scope != Scope::Operator),
                incidents: named(&known.cases.0, &incident_names),
                campaigns: named(&known.cases.1, &campaign_names),
                indicator: known.facts,
                sources: known.sources,
                is_refuted: known.is_refuted,
                is_proposed: known.is_proposed,
                first_seen,
                met_before: known.met_first.filter(|met| *met < first_seen),
                last_seen: Timestamp(bare.last),
                alerts: bare.alerts,
                fresh: bare.fresh,
                hidden: Hidden { muted: bare.muted, settled: bare.settled },
                evidence: bare.evidence,
                severity: bare.severity,
                exercise: bare.exercise,
                retro: bare.retro,
                members,
                bars: each.remove(&bare.indicator).unwrap_or_else(|| vec![0; bars.count]),
                acknowledged: known.acknowledged,
                mutings: known.mutings,
            });
        }
        let members = members.into_iter().map(|(id, number, name)| (id, (number, name))).collect();
        Ok(Groups { items, next, total, alerts, hidden, looked_at, whole_since, newest, bars, counts, members })
    }
}
