//! Indicators: each pattern once, as the claims of its sources have it.

use serde::Serialize;
use sqlx::Row;
use varde_common::indicator::{Pattern, Severity};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::{Scope, Store, StoreError};
use crate::intel::compile::Stored;

/// An indicator as `indicator list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndicatorRow {
    /// Its number.
    pub id: i64,
    /// As plain lists write it.
    pub indicator: String,
    /// domain, host, ipv4, ipv6 or network.
    pub kind: String,
    /// Who says so, in the order in which they came; of a withdrawn one those that did.
    pub sources: Vec<String>,
    /// What it belongs to.
    pub threat: Option<String>,
    /// 0-100.
    pub confidence: i64,
    /// info, low, medium, high or critical.
    pub severity: &'static str,
    /// How far it may be shared.
    pub tlp: String,
    /// What may be done with it.
    pub pap: Option<String>,
    /// Holds from.
    pub valid_from: Option<Timestamp>,
    /// Holds until, where every source names an end.
    pub valid_until: Option<Timestamp>,
    /// Until when a list made now would have it, as far as its sources and its kind's lifetime say; what a list has is the list's to say.
    #[serde(skip)]
    pub lives_until: Option<Timestamp>,
    /// Everything that names it names a URL on it.
    #[serde(skip)]
    pub of_url: bool,
    /// Part of an exercise.
    pub exercise: bool,
    /// When it was imported.
    pub received_at: Timestamp,
    /// When it was first published.
    pub published_at: Option<Timestamp>,
    /// In which list.
    pub published_in: Option<i64>,
    /// Since when no source says so any more.
    pub withdrawn_at: Option<Timestamp>,
    /// Since when it is recalled: kept out of every list, whatever sources say.
    pub recalled_at: Option<Timestamp>,
    /// Why.
    pub recalled_why: Option<String>,
}

/// An indicator that somebody has named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub id: i64,
    /// What is looked for.
    pub pattern: Pattern,
    /// How far it may be shared.
    pub tlp: Tlp,
    /// Everything that names it names a URL on it.
    pub of_url: bool,
}

impl Store {
    /// The indicator of this number, or this pattern as plain lists write it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn indicator_named(&self, scope: Scope, named: &str) -> Result<Option<Named>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let id: Option<i64> = named.parse().ok();
        let pattern = named.parse::<Pattern>().ok().map(|pattern| pattern.to_plain());
        let sql = "SELECT id, pattern, tlp FROM indicator WHERE id = $1 OR pattern = $2 ORDER BY id LIMIT 1";
        let row: Option<(i64, String, String)> =
            sqlx::query_as(sql).bind(id).bind(pattern).fetch_optional(self.readers()).await?;
        let Some((id, pattern, tlp)) = row else { return Ok(None) };
        let (_, of_url) = self.said(id.saturating_sub(1), id).await?.of(id, &pattern, None);
        let read =
            pattern.parse().ok().map(|pattern| Named { id, pattern, tlp: tlp.parse().unwrap_or(Tlp::Red), of_url });
        Ok(read)
    }

    /// All indicators, by number.
    ///
    /// # Errors
    /// The database's own.
    #[cfg(test)]
    pub(crate) async fn indicator_rows(&self, scope: Scope) -> Result<Vec<IndicatorRow>, StoreError> {
        self.indicator_page(scope, 0, i64::MAX).await
    }

    /// The indicators, by number: at most `at_most`, those numbered above `after`. For now they are the operator's alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn indicator_page(
        &self,
        scope: Scope,
        after: i64,
        at_most: i64,
    ) -> Result<Vec<IndicatorRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let said = "SELECT c.indicator_id, s.name FROM claim c JOIN source s ON s.id = c.source_id
            JOIN indicator n ON n.id = c.indicator_id WHERE c.indicator_id > $1 AND c.indicator_id <= $2
            AND (c.withdrawn_at IS NULL OR n.withdrawn_at IS NOT NULL)
            GROUP BY c.indicator_id, s.name ORDER BY c.indicator_id, MIN(c.id)";
        let sql = "SELECT n.*, r.at AS recalled_at, r.reason AS recalled_why FROM indicator n
            LEFT JOIN recall r ON r.indicator_id = n.id AND r.lifted_at IS NULL
            WHERE n.id > $1 ORDER BY n.id LIMIT $2";
        let rows = sqlx::query(sql).bind(after).bind(at_most).fetch_all(self.readers()).await?;
        let Some(last) = rows.last() else { return Ok(Vec::new()) };
        let last: i64 = last.try_get("id")?;
        let said: Vec<(i64, String)> = sqlx::query_as(said).bind(after).bind(last).fetch_all(self.readers()).await?;
        let mut said = said.into_iter().peekable();
        let lives = self.said(after, last).await?;
        let mut indicators = Vec::with_capacity(rows.len());
        for row in &rows {
            let severity = Severity::from_level(u8::try_from(row.try_get::<i64, _>("severity")?).unwrap_or(0));
            let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp));
            let id: i64 = row.try_get("id")?;
            // Between the two reads an indicator may have come or gone.
            while said.next_if(|(of, _)| *of < id).is_some() {}
            let sources = std::iter::from_fn(|| said.next_if(|(of, _)| *of == id)).map(|(_, name)| name);
            let indicator: String = row.try_get("pattern")?;
            let (lives_until, of_url) = lives.of(id, &indicator, row.try_get("valid_until")?);
            let (withdrawn_at, recalled_at) = (moment("withdrawn_at")?, moment("recalled_at")?);
            let is_wanted = withdrawn_at.is_none() && recalled_at.is_none();
            indicators.push(IndicatorRow {
                id,
                indicator,
                kind: row.try_get("kind")?,
                sources: sources.collect(),
                threat: row.try_get("threat")?,
                confidence: row.try_get("confidence")?,
                severity: severity.as_str(),
                tlp: row.try_get("tlp")?,
                pap: row.try_get("pap")?,
                valid_from: moment("valid_from")?,
                valid_until: moment("valid_until")?,
                lives_until: lives_until.map(Timestamp).filter(|_| is_wanted),
                of_url,
                exercise: row.try_get::<i64, _>("exercise")? != 0,
                received_at: Timestamp(row.try_get("received_at")?),
                published_at: moment("published_at")?,
                published_in: row.try_get("published_in")?,
                withdrawn_at,
                recalled_at,
                recalled_why: row.try_get("recalled_why")?,
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
        let sql = "SELECT id, pattern, confidence, severity, tlp, valid_from, valid_until, exercise, published_in
            FROM indicator WHERE id > $1 AND withdrawn_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM recall WHERE recall.indicator_id = indicator.id AND recall.lifted_at IS NULL)
            ORDER BY id LIMIT $2";
        let rows = sqlx::query(sql).bind(after).bind(at_most).fetch_all(self.readers()).await?;
        let mut stored = Vec::with_capacity(rows.len());
        let last: Option<i64> = rows.last().map(|row| row.try_get("id")).transpose()?;
        let lives = self.said(after, last.unwrap_or(after)).await?;
        for row in &rows {
            let (id, pattern): (i64, String) = (row.try_get("id")?, row.try_get("pattern")?);
            let (valid_until, of_url) = lives.of(id, &pattern, row.try_get("valid_until")?);
            stored.push(Stored {
                id,
                pattern,
                confidence: row.try_get("confidence")?,
                severity: row.try_get("severity")?,
                tlp: row.try_get("tlp")?,
                valid_from: row.try_get("valid_from")?,
                valid_until,
                exercise: row.try_get::<i64, _>("exercise")? != 0,
                of_url,
                was_published: row.try_get::<Option<i64>, _>("published_in")?.is_some(),
            });
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::{About, Found};

    async fn import(store: &Store, list: &[&str], about: &About, source: &str, at: i64) -> (u64, u64) {
        let found = list.iter().map(|text| Found { about: about.clone(), ..Found::bare(text.parse().unwrap()) });
        let done = store.take_in(source, &found.collect::<Vec<_>>(), Timestamp(at)).await.unwrap();
        (done.new, done.known)
    }

    #[tokio::test]
    async fn a_pattern_is_kept_once_and_only_what_is_said_again_changes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let first = About { threat: Some("Lure".into()), severity: Some(Severity::High), ..About::default() };
        assert_eq!(import(&store, &["a.example", "=a.example", "192.0.2.1"], &first, "one.txt", 1).await, (3, 0));
        assert_eq!(import(&store, &["a.example", "b.example"], &About::default(), "two.txt", 2).await, (1, 1));
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        let shown: Vec<_> = rows
            .iter()
            .map(|r| (r.indicator.as_str(), r.sources.join(" "), r.threat.as_deref(), r.severity, r.received_at.0))
            .collect();
        assert_eq!(
            shown,
            [
                ("a.example", "one.txt two.txt".to_owned(), Some("Lure"), "high", 1),
                ("=a.example", "one.txt".to_owned(), Some("Lure"), "high", 1),
                ("192.0.2.1", "one.txt".to_owned(), Some("Lure"), "high", 1),
                ("b.example", "two.txt".to_owned(), None, "medium", 2),
            ]
        );
        let again = About {
            tlp: Some(Tlp::Green),
            confidence: Some(90),
            valid_from: Some(Timestamp(5)),
            valid_until: Some(Timestamp(6)),
            exercise: true,
            ..About::default()
        };
        assert_eq!(import(&store, &["192.0.2.1"], &again, "one.txt", 3).await, (0, 1));
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        assert_eq!((rows[2].confidence, rows[2].tlp.as_str(), rows[2].exercise), (90, "TLP:GREEN", true));
        assert_eq!((rows[2].valid_from, rows[2].valid_until), (Some(Timestamp(5)), Some(Timestamp(6))));
        assert_eq!((rows[2].severity, rows[2].received_at.0), ("high", 1), "unsaid stays");
        assert_eq!(rows[1].tlp, "TLP:AMBER", "others stay");
        assert!(store.indicator_rows(Scope::Member(1)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn many_lines_go_in_over_several_statements() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let names: Vec<String> = (0..1203).map(|n| format!("n{n}.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let about = About { confidence: Some(1), ..About::default() };
        for want in [(1203, 0), (0, 1203)] {
            assert_eq!(import(&store, &names, &about, "x", 1).await, want);
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
