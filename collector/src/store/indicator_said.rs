//! One indicator with all that its sources say of it, for people.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use super::indicator::IndicatorRow;
use super::verdict::SourceRecord;
use super::{Scope, Store, StoreError};
use crate::intel::canonical::Details;
use crate::limits::CLAIMS_SHOWN;
use crate::limits::rollout::NUMBERS_PER_STATEMENT;

/// What one object of a source says of an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimRow {
    /// Who says so.
    pub source: String,
    /// The object that says it; none in a list without names.
    pub object_id: Option<String>,
    /// The object's version.
    pub modified_at: Option<Timestamp>,
    /// This and what follows: none = it says nothing of it.
    pub threat: Option<String>,
    /// 0-100.
    pub confidence: Option<i64>,
    /// info, low, medium, high or critical.
    pub severity: Option<&'static str>,
    /// How far it may be shared.
    pub tlp: Option<&'static str>,
    /// What may be done with it.
    pub pap: Option<&'static str>,
    /// Holds from.
    pub valid_from: Option<Timestamp>,
    /// Holds until.
    pub valid_until: Option<Timestamp>,
    /// Part of an exercise.
    pub exercise: Option<bool>,
    /// Techniques, tags, measures, note, url; `of_url` and `cut` where they are so.
    #[serde(flatten)]
    pub details: Details,
    /// The object as the source sent it.
    pub object: Option<String>,
    /// First said.
    pub received_at: Timestamp,
    /// Last said.
    pub renewed_at: Timestamp,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
    /// And why.
    pub withdrawn_why: Option<String>,
}

/// An indicator and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndicatorSaid {
    /// What it comes to.
    #[serde(flatten)]
    pub indicator: IndicatorRow,
    /// Those that stand before those that do not, the newest first, at most so many as are shown.
    pub claims: Vec<ClaimRow>,
    /// How many there are.
    pub claims_total: i64,
    /// How right each source was so far that names it or did.
    pub source_records: Vec<SourceRecord>,
}

impl Store {
    /// Sources whose standing word marks one of these TLP:RED, by name; of very many the first are looked at.
    ///
    /// # Errors
    /// The database's own.
    pub async fn marking_red(&self, scope: Scope, indicators: &[i64]) -> Result<Vec<String>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut select = QueryBuilder::<Sqlite>::new(
            "SELECT DISTINCT s.name FROM claim c JOIN source s ON s.id = c.source_id
             WHERE c.withdrawn_at IS NULL AND c.tlp = 4 AND c.indicator_id IN (",
        );
        let mut ids = select.separated(", ");
        for id in indicators.iter().take(NUMBERS_PER_STATEMENT) {
            ids.push_bind(*id);
        }
        select.push(") ORDER BY s.name");
        Ok(select.build_query_scalar().fetch_all(self.readers()).await?)
    }

    /// One indicator by its number, with what is said of it. For now it is the operator's alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn indicator_said(&self, scope: Scope, id: i64) -> Result<Option<IndicatorSaid>, StoreError> {
        let mut found = self.indicator_page(scope, id.saturating_sub(1), 1).await?;
        let Some(indicator) = found.pop().filter(|row| row.id == id) else { return Ok(None) };
        let sql =
            "SELECT s.name AS source, c.* FROM claim c JOIN source s ON s.id = c.source_id WHERE c.indicator_id = $1
            ORDER BY c.withdrawn_at IS NOT NULL, c.renewed_at DESC, c.id LIMIT $2";
        let rows = sqlx::query(sql).bind(id).bind(i64::from(CLAIMS_SHOWN)).fetch_all(self.readers()).await?;
        let claims = rows.iter().map(claim_from).collect::<Result<Vec<ClaimRow>, sqlx::Error>>()?;
        let count = "SELECT COUNT(*) FROM claim WHERE indicator_id = $1";
        let claims_total = sqlx::query_scalar(count).bind(id).fetch_one(self.readers()).await?;
        let source_records = self.source_records(scope, Some(id)).await?;
        Ok(Some(IndicatorSaid { indicator, claims, claims_total, source_records }))
    }
}

fn claim_from(row: &SqliteRow) -> Result<ClaimRow, sqlx::Error> {
    let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp));
    let level = |column: &str| row.try_get::<Option<i64>, _>(column);
    let object_id: String = row.try_get("object_id")?;
    let details: Option<String> = row.try_get("details")?;
    let severity = level("severity")?.map(|level| Severity::from_level(u8::try_from(level).unwrap_or(0)).as_str());
    Ok(ClaimRow {
        source: row.try_get("source")?,
        object_id: Some(object_id).filter(|id| !id.is_empty()),
        modified_at: moment("modified_at")?,
        threat: row.try_get("threat")?,
        confidence: row.try_get("confidence")?,
        severity,
        tlp: level("tlp")?.map(|level| match level {
            0 => "TLP:CLEAR",
            1 => "TLP:GREEN",
            2 => "TLP:AMBER",
            3 => "TLP:AMBER+STRICT",
            _ => "TLP:RED",
        }),
        pap: level("pap")?.map(|level| match level {
            0 => "PAP:CLEAR",
            1 => "PAP:GREEN",
            2 => "PAP:AMBER",
            _ => "PAP:RED",
        }),
        valid_from: moment("valid_from")?,
        valid_until: moment("valid_until")?,
        exercise: level("exercise")?.map(|is| is != 0),
        details: details.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        object: row.try_get("object")?,
        received_at: Timestamp(row.try_get("received_at")?),
        renewed_at: Timestamp(row.try_get("renewed_at")?),
        withdrawn_at: moment("withdrawn_at")?,
        withdrawn_why: row.try_get("withdrawn_why")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::{About, Found, Object, Pap};
    use varde_common::tlp::Tlp;

    #[tokio::test]
    async fn all_that_is_said_of_an_indicator_is_shown_with_what_was_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let details =
            Details { techniques: vec!["T1566".into()], note: Some("fra en e-post".into()), ..Details::default() };
        let about = About { tlp: Some(Tlp::Green), pap: Some(Pap::Red), details, ..About::default() };
        let say = async |source: &str, pattern: &str, version: i64| {
            let object = Object { id: "o".into(), modified: Some(Timestamp(version)), text: Some("{…}".into()) };
            let found = Found { about: about.clone(), object, ..Found::bare(pattern.parse().unwrap()) };
            store.take_in(source, &[found], Timestamp(version)).await.unwrap();
        };
        say("one", "evil.example", 1).await;
        say("two", "evil.example", 2).await;
        say("one", "other.example", 3).await;
        let named = store.indicator_named(Scope::Operator, "evil.example").await.unwrap();
        assert_eq!(named.map(|named| named.id), Some(1));
        let said = store.indicator_said(Scope::Operator, 1).await.unwrap().unwrap();
        assert_eq!((said.indicator.sources.as_slice(), said.claims_total), (["two".to_owned()].as_slice(), 2));
        let [two, one] = said.claims.as_slice() else { panic!("{said:?}") };
        assert_eq!(
            (two.source.as_str(), two.withdrawn_at, two.tlp, two.pap),
            ("two", None, Some("TLP:GREEN"), Some("PAP:RED"))
        );
        assert_eq!((two.modified_at, two.object.as_deref()), (Some(Timestamp(2)), Some("{…}")));
        assert_eq!((one.source.as_str(), one.withdrawn_at), ("one", Some(Timestamp(3))));
        assert_eq!(one.withdrawn_why.as_deref(), Some("a newer version of the object does not say it"));
        let json = serde_json::to_value(&said).unwrap();
        assert_eq!(
            (&json["indicator"], &json["claims"][0]["techniques"][0]),
            (&"evil.example".into(), &"T1566".into())
        );
        let sources: Vec<&str> = said.source_records.iter().map(|record| record.source.as_str()).collect();
        assert_eq!(sources, ["one", "two"], "each source's record, once");
        assert_eq!(store.indicator_said(Scope::Operator, 3).await.unwrap(), None);
        assert_eq!(store.indicator_said(Scope::Member(1), 1).await.unwrap(), None, "for now the operator's alone");
        assert_eq!(store.indicator_named(Scope::Member(1), "evil.example").await.unwrap(), None);
    }
}
