//! How much each incident and campaign matters: weighed when something of it changes, and kept with the version of the weights.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::record::{ROWS_PER_STATEMENT, pieces, push_ids};
use super::strand::{FACTS, facts_from_one};
use super::{Scope, Store, StoreError, incident, weights};
use crate::link::{Key, KeyKind};
use crate::priority::{Priority, Term, Weighed, Word};
use crate::weights::Weights;

/// Incidents weighed in one transaction where none of theirs has changed.
const WEIGHED_AT_ONCE: i64 = 256;
/// And campaigns, each of which may have many incidents.
const CAMPAIGNS_WEIGHED_AT_ONCE: i64 = 16;

/// What is weighed: an incident, or all incidents of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    Incident,
    Campaign,
}

impl Whole {
    fn column(self) -> &'static str {
        match self {
            Whole::Incident => "i.id",
            Whole::Campaign => "i.campaign_id",
        }
    }
}

/// A word from the database.
pub(crate) fn word_from(level: Option<i64>) -> Option<Word> {
    usize::try_from(level?).ok().and_then(|place| Word::ALL.get(place).copied())
}

/// Terms from the database.
pub(crate) fn why_from(json: Option<String>) -> Vec<Term> {
    json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
}

pub(crate) fn level_of(word: Word) -> i64 {
    Word::ALL.iter().zip(0..).find(|(other, _)| **other == word).map_or(0, |(_, level)| level)
}

/// Weighs these incidents and campaigns anew and writes what comes of it.
///
/// # Errors
/// The database's own.
pub async fn weigh(
    conn: &mut SqliteConnection,
    incidents: &BTreeSet<i64>,
    campaigns: &BTreeSet<i64>,
    shared: &BTreeMap<i64, i64>,
    weights: &Weights,
) -> Result<(), sqlx::Error> {
    for (whole, ids) in [(Whole::Incident, incidents), (Whole::Campaign, campaigns)] {
        let ids: Vec<i64> = ids.iter().copied().collect();
        for chunk in ids.chunks(ROWS_PER_STATEMENT) {
            let found = strands(conn, whole, chunk, shared, Proposed::Unless).await?;
            let weighed = chunk.iter().filter_map(|id| {
                let strands = found.get(id).map(Vec::as_slice).unwrap_or_default();
                Some((*id, crate::priority::weigh(strands, weights)?))
            });
            write(conn, whole, &Vec::from_iter(weighed), &weights.version).await?;
        }
    }
    Ok(())
}

/// These incidents of a member, weighed by nothing that is not its own: no proposal that counts others' meetings unless a person has
/// upheld it, no verdicts on others' alerts. Nothing for the operator, whose words are stored.
///
/// # Errors
/// The database's own.
pub(crate) async fn own(
    conn: &mut SqliteConnection,
    scope: Scope,
    incidents: &[i64],
) -> Result<BTreeMap<i64, Priority>, sqlx::Error> {
    let mut weighed = BTreeMap::new();
    if scope == Scope::Operator {
        return Ok(weighed);
    }
    let weights = weights::in_force(conn).await?;
    let shared = BTreeMap::new();
    for chunk in incidents.chunks(ROWS_PER_STATEMENT) {
        for (id, strands) in strands(conn, Whole::Incident, chunk, &shared, Proposed::Upheld).await? {
            let own: Vec<Weighed> = strands.into_iter().map(|strand| Weighed { verdicts: (0, 0), ..strand }).collect();
            weighed.extend(crate::priority::weigh(&own, &weights).map(|priority| (id, priority)));
        }
    }
    Ok(weighed)
}

/// Which proposals of noise count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proposed {
    /// All that no person has overruled.
    Unless,
    /// Those that a person has upheld.
    Upheld,
}

/// The incidents and the campaigns that have this key; of a threat those too that have an indicator which it names, for what a mere list
/// names is a topic of its own.
///
/// # Errors
/// The database's own.
pub async fn held_by(conn: &mut SqliteConnection, key: &Key) -> Result<(Vec<i64>, Vec<i64>), sqlx::Error> {
    let sql = "SELECT DISTINCT i.id, i.campaign_id FROM trace t JOIN strand s ON s.id = t.strand_id
        JOIN incident i ON i.id = s.incident_id WHERE t.kind = $1 AND t.value = $2";
    let mut rows: Vec<(i64, Option<i64>)> =
        sqlx::query_as(sql).bind(key.kind.as_str()).bind(&key.value).fetch_all(&mut *conn).await?;
    if key.kind == KeyKind::Threat {
        let sql = "SELECT DISTINCT i.id, i.campaign_id FROM indicator n JOIN trace t ON t.kind = 'indicator'
            AND t.value = CAST(n.id AS TEXT) JOIN strand s ON s.id = t.strand_id JOIN incident i ON i.id = s.incident_id
            WHERE n.threat = $1";
        let named: Vec<(i64, Option<i64>)> = sqlx::query_as(sql).bind(&key.value).fetch_all(conn).await?;
        rows.extend(named);
    }
    let campaigns: BTreeSet<i64> = rows.iter().filter_map(|(_, campaign)| *campaign).collect();
    Ok((rows.into_iter().map(|(incident, _)| incident).collect(), campaigns.into_iter().collect()))
}

async fn strands(
    conn: &mut SqliteConnection,
    whole: Whole,
    ids: &[i64],
    shared: &BTreeMap<i64, i64>,
    proposed: Proposed,
) -> Result<BTreeMap<i64, Vec<Weighed>>, sqlx::Error> {
    let verdicts = verdicts(conn, whole, ids).await?;
    let column = whole.column();
    let stands = match proposed {
        Proposed::Unless => "(g.settled_as IS NULL OR g.settled_as <> 'overruled')",
        Proposed::Upheld => "g.settled_as = 'upheld'",
    };
    let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
        "SELECT t.whole, MAX(t.id), t.facts, t.noise, t.listed, t.by_threat, t.confirmed, string_agg(CAST(t.member_id AS TEXT), ' ') FROM (SELECT ",
    );
    // An indicator is proposed as noise as long as no person has said that it is none; a strand is where all its indicators are. So it is
    // with mere lists.
    select.push(column).push(" AS whole, s.id, s.member_id, ").push(FACTS).push(
        " AS facts, COALESCE((SELECT MIN(CASE WHEN EXISTS (SELECT 1 FROM guard g WHERE g.kind = 'indicator' AND g.value = t.value AND ",
    );
    select.push(stands).push(
        ") THEN 1 ELSE 0 END) FROM trace t WHERE t.strand_id = s.id AND t.kind = 'indicator'), 0) AS noise,
          COALESCE((SELECT MIN(CASE WHEN EXISTS (SELECT 1 FROM guard g WHERE g.kind = 'threat' AND g.value = n.threat AND ",
    );
    select.push(stands).push(
        ") THEN 1 ELSE 0 END) FROM trace t LEFT JOIN indicator n ON n.id = CAST(t.value AS BIGINT)
            WHERE t.strand_id = s.id AND t.kind = 'indicator'), 0) AS listed,
          CASE WHEN s.link_kind = 'threat' THEN 1 ELSE 0 END AS by_threat,
          CASE WHEN s.said > 0 AND (i.state IN ('confirmed', 'contained') OR i.closed_as = 'confirmed') THEN 1 ELSE 0 END AS confirmed
         FROM strand s JOIN incident i ON i.id = s.incident_id WHERE ",
    );
    select.push(column).push(" IN ");
    push_ids(&mut select, ids);
    // A campaign of hundreds of members has few strands that weigh differently, and a row costs more than what is in it. Of two that
    // weigh the same the later speaks for both, as it did one by one.
    select.push(") t GROUP BY t.whole, t.facts, t.noise, t.listed, t.by_threat, t.confirmed");
    if !verdicts.is_empty() {
        select.push(", t.id");
    }
    select.push(" ORDER BY MAX(t.id)");
    type Row = (i64, i64, i64, bool, bool, bool, bool, String);
    let rows: Vec<Row> = select.build_query_as().fetch_all(&mut *conn).await?;
    let mut found: BTreeMap<i64, Vec<Weighed>> = BTreeMap::new();
    for (whole, strand, facts, noise, is_listed, by_threat, is_confirmed, members) in rows {
        let weighed = members.split(' ').filter_map(|member| member.parse().ok()).map(|member: i64| Weighed {
            facts: facts_from_one(facts),
            independent: shared.get(&member).copied().unwrap_or(member),
            noise,
            is_named: by_threat && !is_listed,
            is_listed,
            verdicts: verdicts.get(&strand).copied().unwrap_or((0, 0)),
            is_confirmed,
        });
        found.entry(whole).or_default().extend(weighed);
    }
    Ok(found)
}

/// For each strand the verdicts that confirmed and that refuted what the sources of its indicators named, whatever that was.
async fn verdicts(
    conn: &mut SqliteConnection,
    whole: Whole,
    ids: &[i64],
) -> Result<HashMap<i64, (i64, i64)>, sqlx::Error> {
    let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM judged_source)").fetch_one(&mut *conn).await?;
    if !any {
        return Ok(HashMap::new());
    }
    let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
        "SELECT f.strand_id, SUM(CASE WHEN j.verdict = 'confirmed' THEN 1 ELSE 0 END),
                SUM(CASE WHEN j.verdict = 'false-positive' THEN 1 ELSE 0 END)
         FROM (SELECT DISTINCT t.strand_id, c.source_id FROM trace t JOIN strand s ON s.id = t.strand_id
               JOIN incident i ON i.id = s.incident_id JOIN claim c ON c.indicator_id = CAST(t.value AS BIGINT)
               WHERE t.kind = 'indicator' AND ",
    );
    select.push(whole.column()).push(" IN ");
    push_ids(&mut select, ids);
    select.push(
        ") f JOIN judged_source b ON b.source_id = f.source_id JOIN judgement j ON j.id = b.judgement_id
         WHERE j.exercise = 0 GROUP BY f.strand_id",
    );
    let rows: Vec<(i64, i64, i64)> = select.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(strand, confirmed, refuted)| (strand, (confirmed, refuted))).collect())
}

async fn write(
    conn: &mut SqliteConnection,
    whole: Whole,
    weighed: &[(i64, Priority)],
    version: &str,
) -> Result<(), sqlx::Error> {
    let table = match whole {
        Whole::Incident => "incident",
        Whole::Campaign => "campaign",
    };
    for piece in pieces(weighed) {
        let mut update: QueryBuilder<Sqlite> = QueryBuilder::new("UPDATE ");
        update.push(table).push(" SET weights_version = ").push_bind(version.to_owned());
        update.push(", word = v.column2, sort = v.column3, why = v.column4 FROM (");
        update.push_values(piece, |mut row, (id, priority)| {
            let why = serde_json::to_string(&priority.why).unwrap_or_default();
            row.push_bind(*id).push_bind(level_of(priority.word)).push_bind(priority.sort).push_bind(why);
        });
        update.push(") v WHERE ").push(table).push(".id = v.column1");
        update.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Some of those that a statement finds.
async fn behind(
    conn: &mut SqliteConnection,
    sql: &'static str,
    version: &str,
    most: i64,
) -> Result<BTreeSet<i64>, sqlx::Error> {
    let ids: Vec<i64> = sqlx::query_scalar(sql).bind(version).bind(most).fetch_all(conn).await?;
    Ok(ids.into_iter().collect())
}

impl Store {
    /// Whether something is to be weighed anew by whichever weights: read by an index that holds nothing else.
    ///
    /// # Errors
    /// The database's own.
    pub async fn is_something_unweighed(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM incident i WHERE i.weights_version IS NULL
                AND EXISTS (SELECT 1 FROM strand s WHERE s.incident_id = i.id))
            OR EXISTS (SELECT 1 FROM campaign c WHERE c.weights_version IS NULL
                AND EXISTS (SELECT 1 FROM incident i JOIN strand s ON s.incident_id = i.id WHERE i.campaign_id = c.id))";
        Ok(sqlx::query_scalar(sql).fetch_one(self.readers()).await?)
    }

    /// Weighs what was never weighed (an older program has left it) or by other weights than those in force, some at a time. Gives
    /// whether there is more. Where it stands follows from the version that each result names: whoever is cut off goes on there.
    ///
    /// # Errors
    /// The database's own.
    pub async fn weigh_what_is_behind(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let weights = weights::in_force(&mut tx).await?;
        let sql =
            "SELECT i.id FROM incident i WHERE (i.word IS NULL OR i.weights_version IS NULL OR i.weights_version <> $1)
            AND EXISTS (SELECT 1 FROM strand s WHERE s.incident_id = i.id) ORDER BY i.id LIMIT $2";
        let incidents = behind(&mut tx, sql, &weights.version, WEIGHED_AT_ONCE).await?;
        let sql =
            "SELECT c.id FROM campaign c WHERE (c.word IS NULL OR c.weights_version IS NULL OR c.weights_version <> $1)
            AND EXISTS (SELECT 1 FROM incident i JOIN strand s ON s.incident_id = i.id WHERE i.campaign_id = c.id)
            ORDER BY c.id LIMIT $2";
        let campaigns = behind(&mut tx, sql, &weights.version, CAMPAIGNS_WEIGHED_AT_ONCE).await?;
        if incidents.is_empty() && campaigns.is_empty() {
            return Ok(false);
        }
        let shared = incident::behind_suppliers(&mut tx).await?;
        weigh(&mut tx, &incidents, &campaigns, &shared, &weights).await?;
        tx.commit().await?;
        Ok(true)
    }
}
