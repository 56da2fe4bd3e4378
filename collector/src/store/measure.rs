//! Measures as the operator words them, and what was seen, for whoever proposes some.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::alert::Level;
use varde_common::time::Timestamp;

use super::alert::evidence_said;
use super::incident::GOT;
use super::{Scope, Store, StoreError};
use crate::intel::canonical::Details;
use crate::limits::advisory::MEASURE_VERSIONS_KEPT;
use crate::measure::propose::{Situation, propose};
use crate::measure::{Bank, Content, Threat};
use crate::present::text::Language;
use crate::workflow::Matter;

/// Words of sources that are read to find out what a threat does, for one case: a campaign has some ten indicators, each named by a few.
const WORDS_READ: i64 = 1_000;

/// A version of what a measure says in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worded {
    /// nb, nn or en.
    pub language: String,
    /// Its words; null = as the program brings it again.
    pub words: Option<Content>,
    /// When it was written.
    pub at: Timestamp,
}

/// The bank as it is worded now.
///
/// # Errors
/// The database's own.
pub(super) async fn bank(conn: &mut SqliteConnection) -> Result<Bank, sqlx::Error> {
    let sql = "SELECT w.key, w.language, w.words FROM measure_wording w
        WHERE w.id = (SELECT MAX(id) FROM measure_wording n WHERE n.key = w.key AND n.language = w.language)";
    let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(sql).fetch_all(conn).await?;
    let worded = rows.into_iter().filter_map(|(key, language, words)| {
        Some((key, Language::from_tag(&language)?, serde_json::from_str(&words?).ok()?))
    });
    Ok(Bank::shipped().with(worded))
}

impl Store {
    /// The bank of measures, worded as the operator does. It is for all members: it names none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn bank(&self, _: Scope) -> Result<Bank, StoreError> {
        Ok(bank(&mut *self.readers().acquire().await?).await?)
    }

    /// Words a measure otherwise in one language, or as the program brings it again. The newest versions are kept.
    ///
    /// # Errors
    /// The database's own.
    pub async fn word_measure(
        &self,
        key: &str,
        language: Language,
        words: Option<&Content>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let words = words.map(serde_json::to_string).transpose().map_err(|error| sqlx::Error::Encode(error.into()))?;
        let sql = "INSERT INTO measure_wording (key, language, words, at) VALUES ($1, $2, $3, $4)";
        sqlx::query(sql).bind(key).bind(language.tag()).bind(words).bind(now.0).execute(&mut *tx).await?;
        let sql = "DELETE FROM measure_wording WHERE key = $1 AND language = $2 AND id NOT IN
            (SELECT id FROM measure_wording WHERE key = $1 AND language = $2 ORDER BY id DESC LIMIT $3)";
        sqlx::query(sql).bind(key).bind(language.tag()).bind(MEASURE_VERSIONS_KEPT).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// The versions of a measure's words, the newest first. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn measure_versions(&self, scope: Scope, key: &str) -> Result<Vec<Worded>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT language, words, at FROM measure_wording WHERE key = $1 ORDER BY id DESC";
        let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(sql).bind(key).fetch_all(self.readers()).await?;
        let read = |(language, words, at): (String, Option<String>, i64)| Worded {
            language,
            words: words.and_then(|words| serde_json::from_str(&words).ok()),
            at: Timestamp(at).clamped(),
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Keys of what the bank proposes for a case, in the order in which it is done; of a member its own alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn proposed_keys(&self, scope: Scope, case: Matter) -> Result<Vec<String>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let bank = bank(&mut tx).await?;
        let situation = situation(&mut tx, scope, case).await?;
        tx.rollback().await?;
        let proposed = situation.map(|situation| propose(&bank, &situation)).unwrap_or_default();
        Ok(proposed.into_iter().map(|one| one.measure.key.clone()).collect())
    }

    /// What was seen of a case, of a member its own alone; none where there is nothing of it for whoever asks.
    ///
    /// # Errors
    /// The database's own.
    pub async fn situation(&self, scope: Scope, case: Matter) -> Result<Option<Situation>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let situation = situation(&mut tx, scope, case).await?;
        tx.rollback().await?;
        Ok(situation)
    }
}

/// Of which incidents a case is made, `i`, as whoever asks may see it.
fn which(case: Matter) -> Option<&'static str> {
    match case {
        Matter::Incident(_) => Some("i.id = $1 AND ($2 IS NULL OR i.member_id = $2)"),
        Matter::Campaign(_) => Some("i.campaign_id = $1 AND ($2 IS NULL OR i.member_id = $2)"),
        Matter::Silence(_) => None,
    }
}

pub(in crate::store) async fn situation(
    conn: &mut SqliteConnection,
    scope: Scope,
    case: Matter,
) -> Result<Option<Situation>, sqlx::Error> {
    let Some(which) = which(case) else { return Ok(None) };
    let member = scope.member_id();
    let sql = format!(
        "SELECT COUNT(i.id), MAX({GOT}) FROM incident i LEFT JOIN alert a ON a.incident_id = i.id WHERE {which}"
    );
    let (incidents, evidence): (i64, Option<i64>) =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(case.id()).bind(member).fetch_one(&mut *conn).await?;
    if incidents == 0 {
        return Ok(None);
    }
    let sql = format!(
        "SELECT MAX(s.level) FROM incident i JOIN strand s ON s.incident_id = i.id WHERE {which} AND s.sensed <> 0"
    );
    let level: Option<i64> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(case.id()).bind(member).fetch_one(&mut *conn).await?;
    let sql = format!(
        "SELECT DISTINCT n.kind, n.threat, c.threat, c.details FROM incident i JOIN alert a ON a.incident_id = i.id
         JOIN indicator n ON n.id = a.indicator_id LEFT JOIN claim c ON c.indicator_id = n.id AND c.withdrawn_at IS NULL
         WHERE {which} LIMIT $3"
    );
    type Said = (String, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Said> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(case.id())
        .bind(member)
        .bind(WORDS_READ)
        .fetch_all(&mut *conn)
        .await?;
    // What people report names a threat, and no indicator.
    let sql = format!("SELECT i.link_value FROM incident i WHERE {which} AND i.link_kind = 'threat' LIMIT $3");
    let mut words: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(case.id())
        .bind(member)
        .bind(WORDS_READ)
        .fetch_all(conn)
        .await?;
    let mut kinds = BTreeSet::new();
    for (kind, threat, claimed, details) in rows {
        kinds.insert(kind);
        words.extend([threat, claimed].into_iter().flatten());
        if let Some(details) = details.and_then(|text| serde_json::from_str::<Details>(&text).ok()) {
            words.extend(details.techniques.into_iter().chain(details.tags));
        }
    }
    let says = |threat: &Threat| words.iter().any(|word| threat.is_said_by(word));
    Ok(Some(Situation {
        evidence: evidence.and_then(evidence_said),
        level: match level {
            Some(0) => Level::Low,
            Some(2) => Level::High,
            Some(_) | None => Level::Medium,
        },
        threats: Threat::ALL.into_iter().filter(says).collect(),
        kinds,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};
    use varde_common::alert::Evidence;

    #[tokio::test]
    async fn the_operators_words_stand_until_they_are_taken_back_and_their_history_is_kept() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let mut words = Bank::shipped().get("keep-traces").unwrap().contents.nn.clone();
        words.title = "Ta vare på alt".to_owned();
        store.word_measure("keep-traces", Language::Nynorsk, Some(&words), NOW).await.unwrap();
        let bank = store.bank(Scope::Member(1)).await.unwrap();
        let measure = bank.get("keep-traces").unwrap();
        assert_eq!((&measure.contents.nn, &measure.reworded), (&words, &vec![Language::Nynorsk]));
        assert_eq!(measure.contents.nb, Bank::shipped().get("keep-traces").unwrap().contents.nb);
        store.word_measure("keep-traces", Language::Nynorsk, None, NOW).await.unwrap();
        assert_eq!(&store.bank(Scope::Operator).await.unwrap(), Bank::shipped());
        let versions = store.measure_versions(Scope::Operator, "keep-traces").await.unwrap();
        assert_eq!(versions.iter().map(|one| one.words.clone()).collect::<Vec<_>>(), [None, Some(words)]);
        assert!(store.measure_versions(Scope::Member(1), "keep-traces").await.unwrap().is_empty());
        for n in 0..MEASURE_VERSIONS_KEPT + 5 {
            store.word_measure("keep-traces", Language::Nynorsk, None, NOW).await.unwrap_or_else(|_| panic!("{n}"));
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM measure_wording").await, MEASURE_VERSIONS_KEPT);
    }

    #[tokio::test]
    async fn a_situation_is_what_was_seen_and_a_member_is_told_its_own_alone() {
        let fixture = Fixture::new(2).await;
        fixture.run(crate::store::advisory::tests::CAMPAIGN).await;
        let of = async |scope, case| fixture.store.situation(scope, case).await.unwrap();
        let all = of(Scope::Operator, Matter::Campaign(1)).await.unwrap();
        assert_eq!((all.evidence, all.level), (Some(Evidence::Contacted), Level::High));
        assert_eq!(all.threats, BTreeSet::from([Threat::Phishing]), "the threat is called lure");
        assert_eq!(all.kinds, BTreeSet::from(["host".to_owned()]));
        let own = of(Scope::Member(2), Matter::Campaign(1)).await.unwrap();
        assert_eq!((own.evidence, own.level), (Some(Evidence::LookedUp), Level::Low));
        assert_eq!(of(Scope::Member(2), Matter::Incident(1)).await, None);
        assert_eq!(of(Scope::Operator, Matter::Campaign(9)).await, None);
    }
}
