//! Indicators as imported: each pattern once.

use serde::Serialize;
use sqlx::{QueryBuilder, Row, Sqlite};
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::{Scope, Store, StoreError, restored};
use crate::intel::compile::Stored;
use crate::intel::import::{Line, Said};
use crate::limits::IMPORT_ROWS_PER_STATEMENT;

/// What an import has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Indicators that were not there.
    pub new: u64,
    /// Those that were.
    pub known: u64,
}

/// An indicator as `indicator list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndicatorRow {
    /// Its number.
    pub id: i64,
    /// As plain lists write it.
    pub indicator: String,
    /// domain, host, ipv4, ipv6 or network.
    pub kind: String,
    /// Where it comes from.
    pub source: String,
    /// What it belongs to.
    pub threat: Option<String>,
    /// 0-100.
    pub confidence: i64,
    /// info, low, medium, high or critical.
    pub severity: &'static str,
    /// How far it may be shared.
    pub tlp: String,
    /// Holds from.
    pub valid_from: Option<Timestamp>,
    /// Holds until.
    pub valid_until: Option<Timestamp>,
    /// Part of an exercise.
    pub exercise: bool,
    /// When it was imported.
    pub received_at: Timestamp,
    /// When it was first published.
    pub published_at: Option<Timestamp>,
    /// In which list.
    pub published_in: Option<i64>,
}

/// What an indicator of which nothing is said counts as.
const CONFIDENCE_UNSAID: u8 = 50;

impl Store {
    /// Puts lines in, in one transaction. A pattern that is there already is kept; only what was said of it changes.
    ///
    /// # Errors
    /// The database's own; then none of these lines is in.
    pub async fn import_indicators(
        &self,
        lines: &[Line],
        said: &Said,
        source: &str,
        now: Timestamp,
    ) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        let mut tx = self.begin().await?;
        for lines in lines.chunks(IMPORT_ROWS_PER_STATEMENT) {
            // After a restore the first ones are numbered by hand, far above those that were given since the backup.
            let mut next = restored::next_indicator(&mut tx).await?;
            let id = if next.is_some() { "id, " } else { "" };
            let mut insert = QueryBuilder::<Sqlite>::new(format!(
                "INSERT INTO indicator ({id}pattern, kind, source, threat, confidence, severity, tlp, valid_from,
                valid_until, exercise, received_at) ",
            ));
            insert.push_values(lines, |mut row, line| {
                if let Some(id) = &mut next {
                    row.push_bind(*id);
                    *id = id.saturating_add(1);
                }
                row.push_bind(line.pattern.as_str())
                    .push_bind(line.kind.to_string())
                    .push_bind(said.source.as_deref().unwrap_or(source))
                    .push_bind(said.threat.as_deref())
                    .push_bind(i64::from(said.confidence.unwrap_or(CONFIDENCE_UNSAID)))
                    .push_bind(i64::from(said.severity.unwrap_or_default().level()))
                    .push_bind(said.tlp.unwrap_or_default().to_string())
                    .push_bind(said.valid_from.map(|at| at.0))
                    .push_bind(said.valid_until.map(|at| at.0))
                    .push_bind(i64::from(said.exercise))
                    .push_bind(now.0);
            });
            insert.push(" ON CONFLICT (pattern) DO NOTHING");
            let new = insert.build().execute(&mut *tx).await?.rows_affected();
            imported.new += new;
            imported.known += (lines.len() as u64).saturating_sub(new);
            if *said != Said::default() && new < lines.len() as u64 {
                update(lines, said).build().execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
        Ok(imported)
    }

    /// The indicators, by number. For now they are the operator's alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn indicator_rows(&self, scope: Scope) -> Result<Vec<IndicatorRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let rows = sqlx::query("SELECT * FROM indicator ORDER BY id").fetch_all(self.readers()).await?;
        let mut indicators = Vec::with_capacity(rows.len());
        for row in &rows {
            let severity = Severity::from_level(u8::try_from(row.try_get::<i64, _>("severity")?).unwrap_or(0));
            let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp));
            indicators.push(IndicatorRow {
                id: row.try_get("id")?,
                indicator: row.try_get("pattern")?,
                kind: row.try_get("kind")?,
                source: row.try_get("source")?,
                threat: row.try_get("threat")?,
                confidence: row.try_get("confidence")?,
                severity: severity.as_str(),
                tlp: row.try_get("tlp")?,
                valid_from: moment("valid_from")?,
                valid_until: moment("valid_until")?,
                exercise: row.try_get::<i64, _>("exercise")? != 0,
                received_at: Timestamp(row.try_get("received_at")?),
                published_at: moment("published_at")?,
                published_in: row.try_get("published_in")?,
            });
        }
        Ok(indicators)
    }

    /// Indicators as a list needs them, by number: at most `at_most`, those numbered above `after`.
    ///
    /// # Errors
    /// The database's own.
    pub async fn indicators_to_compile(
        &self,
        scope: Scope,
        after: i64,
        at_most: i64,
    ) -> Result<Vec<Stored>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT id, pattern, confidence, severity, tlp, valid_from, valid_until, exercise
            FROM indicator WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = sqlx::query(sql).bind(after).bind(at_most).fetch_all(self.readers()).await?;
        let mut stored = Vec::with_capacity(rows.len());
        for row in &rows {
            stored.push(Stored {
                id: row.try_get("id")?,
                pattern: row.try_get("pattern")?,
                confidence: row.try_get("confidence")?,
                severity: row.try_get("severity")?,
                tlp: row.try_get("tlp")?,
                valid_from: row.try_get("valid_from")?,
                valid_until: row.try_get("valid_until")?,
                exercise: row.try_get::<i64, _>("exercise")? != 0,
            });
        }
        Ok(stored)
    }
}

/// Sets what was said for those of the lines that are there.
fn update<'a>(lines: &'a [Line], said: &'a Said) -> QueryBuilder<Sqlite> {
    let mut update = QueryBuilder::<Sqlite>::new("UPDATE indicator SET ");
    let mut fields = update.separated(", ");
    if let Some(source) = &said.source {
        fields.push("source = ").push_bind_unseparated(source.as_str());
    }
    if let Some(threat) = &said.threat {
        fields.push("threat = ").push_bind_unseparated(threat.as_str());
    }
    if let Some(severity) = said.severity {
        fields.push("severity = ").push_bind_unseparated(i64::from(severity.level()));
    }
    if let Some(confidence) = said.confidence {
        fields.push("confidence = ").push_bind_unseparated(i64::from(confidence));
    }
    if let Some(tlp) = said.tlp {
        fields.push("tlp = ").push_bind_unseparated(Tlp::to_string(&tlp));
    }
    if let Some(from) = said.valid_from {
        fields.push("valid_from = ").push_bind_unseparated(from.0);
    }
    if let Some(until) = said.valid_until {
        fields.push("valid_until = ").push_bind_unseparated(until.0);
    }
    if said.exercise {
        fields.push("exercise = 1");
    }
    update.push(" WHERE pattern IN (");
    let mut patterns = update.separated(", ");
    for line in lines {
        patterns.push_bind(line.pattern.as_str());
    }
    update.push(")");
    update
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::indicator::Pattern;

    fn lines(list: &[&str]) -> Vec<Line> {
        let read = list.iter().map(|text| text.parse::<Pattern>().unwrap());
        read.map(|pattern| Line { pattern: pattern.to_plain(), kind: pattern.kind() }).collect()
    }

    #[tokio::test]
    async fn a_pattern_is_kept_once_and_only_what_is_said_again_changes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let import = async |list: &[&str], said: &Said, source: &str, at: i64| {
            let done = store.import_indicators(&lines(list), said, source, Timestamp(at)).await.unwrap();
            (done.new, done.known)
        };
        let first = Said { threat: Some("Lure".into()), severity: Some(Severity::High), ..Said::default() };
        assert_eq!(import(&["a.example", "=a.example", "192.0.2.1"], &first, "one.txt", 1).await, (3, 0));
        assert_eq!(import(&["a.example", "b.example"], &Said::default(), "two.txt", 2).await, (1, 1));
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        let shown: Vec<_> = rows
            .iter()
            .map(|r| (r.indicator.as_str(), r.source.as_str(), r.threat.as_deref(), r.severity, r.received_at.0))
            .collect();
        assert_eq!(
            shown,
            [
                ("a.example", "one.txt", Some("Lure"), "high", 1),
                ("=a.example", "one.txt", Some("Lure"), "high", 1),
                ("192.0.2.1", "one.txt", Some("Lure"), "high", 1),
                ("b.example", "two.txt", None, "medium", 2),
            ]
        );
        let again = Said {
            source: Some("three".into()),
            tlp: Some(Tlp::Green),
            confidence: Some(90),
            valid_from: Some(Timestamp(5)),
            valid_until: Some(Timestamp(6)),
            exercise: true,
            ..Said::default()
        };
        assert_eq!(import(&["a.example"], &again, "three.txt", 3).await, (0, 1));
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        assert_eq!(rows[0].source, "three");
        assert_eq!((rows[0].confidence, rows[0].tlp.as_str(), rows[0].exercise), (90, "TLP:GREEN", true));
        assert_eq!((rows[0].valid_from, rows[0].valid_until), (Some(Timestamp(5)), Some(Timestamp(6))));
        assert_eq!((rows[0].severity, rows[0].received_at.0), ("high", 1), "unsaid stays");
        assert_eq!(rows[1].tlp, "TLP:AMBER", "others stay");
        assert!(store.indicator_rows(Scope::Member(1)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn many_lines_go_in_over_several_statements() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let names: Vec<String> = (0..1203).map(|n| format!("n{n}.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let said = Said { confidence: Some(1), ..Said::default() };
        for want in [(1203, 0), (0, 1203)] {
            let done = store.import_indicators(&lines(&names), &said, "x", Timestamp(1)).await.unwrap();
            assert_eq!((done.new, done.known), want);
        }
        let mut pages = Vec::new();
        let mut after = 0;
        while let Some(page) = Some(store.indicators_to_compile(Scope::Operator, after, 500).await.unwrap())
            .filter(|page| !page.is_empty())
        {
            after = page.last().unwrap().id;
            pages.push(page.len());
        }
        assert_eq!(pages, [500, 500, 203], "each row once");
    }
}
