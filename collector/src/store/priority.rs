//! How much each incident and campaign matters: weighed when something of it changes, and kept with the version of the weights.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::record::ROWS_PER_STATEMENT;
use super::strand::facts_from;
use super::{Scope, Store, StoreError, incident, weights};
use crate::link::Key;
use crate::priority::{Priority, Term, Weighed, Word};
use crate::weights::Weights;

/// Incidents weighed in one transaction where none of theirs has changed.
const WEIGHED_AT_ONCE: i64 = 256;

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
            for id in chunk {
                let strands = found.get(id).map(Vec::as_slice).unwrap_or_default();
                if let Some(priority) = crate::priority::weigh(strands, weights) {
                    write(conn, whole, *id, &priority, &weights.version).await?;
                }
            }
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

/// The incidents and the campaigns that have this key.
///
/// # Errors
/// The database's own.
pub async fn held_by(conn: &mut SqliteConnection, key: &Key) -> Result<(Vec<i64>, Vec<i64>), sqlx::Error> {
    let sql = "SELECT DISTINCT i.id, i.campaign_id FROM trace t JOIN strand s ON s.id = t.strand_id
        JOIN incident i ON i.id = s.incident_id WHERE t.kind = $1 AND t.value = $2";
    let rows: Vec<(i64, Option<i64>)> =
        sqlx::query_as(sql).bind(key.kind.as_str()).bind(&key.value).fetch_all(conn).await?;
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
    let column = whole.column();
    let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT ");
    // An indicator is proposed as noise as long as no person has said that it is none.
    select.push(column).push(
        " AS whole, s.*, NOT EXISTS (SELECT 1 FROM trace t WHERE t.strand_id = s.id AND t.kind = 'indicator'
            AND NOT EXISTS (SELECT 1 FROM guard g WHERE g.kind = 'indicator' AND g.value = t.value AND ",
    );
    select.push(match proposed {
        Proposed::Unless => "(g.settled_as IS NULL OR g.settled_as <> 'overruled')",
        Proposed::Upheld => "g.settled_as = 'upheld'",
    });
    select.push(
        ")) AS noise,
          EXISTS (SELECT 1 FROM trace t WHERE t.strand_id = s.id AND t.kind = 'indicator') AS known
         FROM strand s JOIN incident i ON i.id = s.incident_id WHERE ",
    );
    select.push(column).push(" IN (");
    let mut list = select.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    select.push(") ORDER BY s.id");
    let rows = select.build().fetch_all(&mut *conn).await?;
    let verdicts = verdicts(conn, whole, ids).await?;
    let mut found: BTreeMap<i64, Vec<Weighed>> = BTreeMap::new();
    for row in &rows {
        let strand: i64 = row.try_get("id")?;
        let weighed = weighed(row, verdicts.get(&strand).copied().unwrap_or((0, 0)), shared)?;
        found.entry(row.try_get("whole")?).or_default().push(weighed);
    }
    Ok(found)
}

fn weighed(row: &SqliteRow, verdicts: (i64, i64), shared: &BTreeMap<i64, i64>) -> Result<Weighed, sqlx::Error> {
    let member: i64 = row.try_get("member_id")?;
    Ok(Weighed {
        facts: facts_from(row)?,
        independent: shared.get(&member).copied().unwrap_or(member),
        noise: row.try_get::<bool, _>("noise")? && row.try_get::<bool, _>("known")?,
        verdicts,
    })
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
    select.push(whole.column()).push(" IN (");
    let mut list = select.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    select.push(
        ")) f JOIN judged_source b ON b.source_id = f.source_id JOIN judgement j ON j.id = b.judgement_id
         WHERE j.exercise = 0 GROUP BY f.strand_id",
    );
    let rows: Vec<(i64, i64, i64)> = select.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(strand, confirmed, refuted)| (strand, (confirmed, refuted))).collect())
}

async fn write(
    conn: &mut SqliteConnection,
    whole: Whole,
    id: i64,
    priority: &Priority,
    version: &str,
) -> Result<(), sqlx::Error> {
    let sql = match whole {
        Whole::Incident => "UPDATE incident SET word = $2, sort = $3, why = $4, weights_version = $5 WHERE id = $1",
        Whole::Campaign => "UPDATE campaign SET word = $2, sort = $3, why = $4, weights_version = $5 WHERE id = $1",
    };
    let why = serde_json::to_string(&priority.why).unwrap_or_default();
    let update = sqlx::query(sql).bind(id).bind(level_of(priority.word)).bind(priority.sort).bind(why).bind(version);
    update.execute(conn).await.map(drop)
}

impl Store {
    /// Weighs what was never weighed, some at a time: what an older program has left. Gives whether there is more.
    ///
    /// # Errors
    /// The database's own.
    pub async fn weigh_the_unweighed(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT i.id, i.campaign_id FROM incident i WHERE i.word IS NULL
            AND EXISTS (SELECT 1 FROM strand s WHERE s.incident_id = i.id) ORDER BY i.id LIMIT $1";
        let rows: Vec<(i64, Option<i64>)> = sqlx::query_as(sql).bind(WEIGHED_AT_ONCE).fetch_all(&mut *tx).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let weights = weights::in_force(&mut tx).await?;
        let shared = incident::behind_suppliers(&mut tx).await?;
        let incidents = rows.iter().map(|(incident, _)| *incident).collect();
        let campaigns = rows.iter().filter_map(|(_, campaign)| *campaign).collect();
        weigh(&mut tx, &incidents, &campaigns, &shared, &weights).await?;
        tx.commit().await?;
        Ok(true)
    }
}
