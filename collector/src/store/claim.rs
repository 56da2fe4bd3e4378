//! What each source says, and what it comes to: an indicator is marked as strictly as the strictest of its claims, is as sure
//! and as bad as the surest and the worst of them, and lives for as long as one stands.

use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError, restored};
use crate::intel::canonical::{CONFIDENCE_UNSAID, Found};
use crate::intel::format::{Clue, Withdrawn};
use crate::limits::IMPORT_ROWS_PER_STATEMENT;

/// What an import has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Indicators that were not there.
    pub new: u64,
    /// Those that were.
    pub known: u64,
}

impl std::ops::AddAssign for Imported {
    fn add_assign(&mut self, more: Imported) {
        self.new += more.new;
        self.known += more.known;
    }
}

impl Store {
    /// Puts in what a source says, in one transaction. A pattern that is there already is kept; what is said again of it
    /// takes the place of what the same object of the same source said before, the rest stays.
    ///
    /// # Errors
    /// The database's own; then nothing of it is in.
    pub async fn take_in(&self, source: &str, found: &[Found], now: Timestamp) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        let mut tx = self.begin().await?;
        let source_id = source_id(&mut tx, source, now).await?;
        let mut is_replaced = false;
        for found in found.chunks(IMPORT_ROWS_PER_STATEMENT) {
            let rows = Row::each_once(found);
            let new = insert_indicators(&mut tx, &rows, source, now).await?;
            insert_claims(&mut tx, &rows, source_id, now).await?;
            let replaced = withdraw_replaced(&mut tx, &rows, source_id, now).await?;
            is_replaced |= replaced > 0;
            if new < rows.len() as u64 {
                let patterns: Vec<&str> = rows.iter().map(|row| row.pattern.as_str()).collect();
                sum_up(&mut tx, &patterns).await?;
            }
            imported.new += new;
            imported.known += (found.len() as u64).saturating_sub(new);
        }
        if is_replaced {
            settle(&mut tx, now).await?;
        }
        tx.commit().await?;
        Ok(imported)
    }

    /// Keeps what a source says that no sensor can look for; gives how much of it is new.
    ///
    /// # Errors
    /// The database's own.
    pub async fn take_in_clues(&self, source: &str, clues: &[Clue], now: Timestamp) -> Result<u64, StoreError> {
        let mut new = 0;
        let mut tx = self.begin().await?;
        let source_id = source_id(&mut tx, source, now).await?;
        for clue in clues {
            let known = "UPDATE clue SET renewed_at = $1, tlp = COALESCE($2, tlp)
                WHERE source_id = $3 AND object_id = $4 AND kind = $5 AND value = $6";
            let insert = "INSERT INTO clue (renewed_at, tlp, source_id, object_id, kind, value, received_at)
                VALUES ($1, $2, $3, $4, $5, $6, $1)";
            let tlp = clue.tlp.map(|tlp| i64::from(tlp.level()));
            let bind = |sql| {
                sqlx::query(sql)
                    .bind(now.0)
                    .bind(tlp)
                    .bind(source_id)
                    .bind(clue.object_id.as_str())
                    .bind(clue.kind.as_str())
                    .bind(clue.value.as_str())
            };
            if bind(known).execute(&mut *tx).await?.rows_affected() == 0 {
                new += bind(insert).execute(&mut *tx).await?.rows_affected();
            }
        }
        tx.commit().await?;
        Ok(new)
    }

    /// How many standing claims a source has, and how many of them it has not said again since `since`.
    ///
    /// # Errors
    /// The database's own.
    pub async fn claims_not_renewed(
        &self,
        scope: Scope,
        source: &str,
        since: Timestamp,
    ) -> Result<(u64, u64), StoreError> {
        if scope != Scope::Operator {
            return Ok((0, 0));
        }
        let sql = "SELECT COUNT(*), COUNT(CASE WHEN c.renewed_at < $2 THEN 1 END) FROM claim c
            JOIN source s ON s.id = c.source_id WHERE s.name = $1 AND c.withdrawn_at IS NULL";
        let (all, old): (i64, i64) = sqlx::query_as(sql).bind(source).bind(since.0).fetch_one(self.readers()).await?;
        Ok((u64::try_from(all).unwrap_or(0), u64::try_from(old).unwrap_or(0)))
    }

    /// Takes back what a source has not said again since `since`; gives how many claims that were.
    ///
    /// # Errors
    /// The database's own.
    pub async fn withdraw_not_renewed(
        &self,
        source: &str,
        since: Timestamp,
        why: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let sql =
            "UPDATE claim SET withdrawn_at = $1, withdrawn_why = $2 WHERE withdrawn_at IS NULL AND renewed_at < $3
            AND source_id = (SELECT id FROM source WHERE name = $4)";
        let claims =
            sqlx::query(sql).bind(now.0).bind(why).bind(since.0).bind(source).execute(&mut *tx).await?.rows_affected();
        if claims > 0 {
            settle(&mut tx, now).await?;
        }
        tx.commit().await?;
        Ok(claims)
    }

    /// Takes back what a source's objects whose names begin with `group/` have not said again since `since`; gives how many claims
    /// that were.
    ///
    /// # Errors
    /// The database's own.
    pub async fn withdraw_group(
        &self,
        source: &str,
        group: &str,
        since: Timestamp,
        why: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // 0 is the character behind the slash: the names between the two are the group's, and the index has them together.
        let sql =
            "UPDATE claim SET withdrawn_at = $1, withdrawn_why = $2 WHERE withdrawn_at IS NULL AND renewed_at < $3
            AND source_id = (SELECT id FROM source WHERE name = $4) AND object_id >= $5 || '/' AND object_id < $5 || '0'";
        let update = sqlx::query(sql).bind(now.0).bind(why).bind(since.0).bind(source).bind(group);
        let claims = update.execute(&mut *tx).await?.rows_affected();
        if claims > 0 {
            settle(&mut tx, now).await?;
        }
        tx.commit().await?;
        Ok(claims)
    }

    /// How many standing claims of a source these objects have made.
    ///
    /// # Errors
    /// The database's own.
    pub async fn claims_of_objects(
        &self,
        scope: Scope,
        source: &str,
        objects: &[Withdrawn],
    ) -> Result<u64, StoreError> {
        let mut claims = 0;
        for Withdrawn { object_id, modified } in objects.iter().filter(|_| scope == Scope::Operator) {
            let sql = "SELECT COUNT(*) FROM claim WHERE withdrawn_at IS NULL AND object_id = $1
                AND source_id = (SELECT id FROM source WHERE name = $2)
                AND (modified_at IS NULL OR $3 IS NULL OR $3 >= modified_at)";
            let count = sqlx::query_scalar::<_, i64>(sql).bind(object_id.as_str()).bind(source);
            let count = count.bind(modified.map(|at| at.0)).fetch_one(self.readers()).await?;
            claims += u64::try_from(count).unwrap_or(0);
        }
        Ok(claims)
    }

    /// A source says all that stands of it again.
    ///
    /// # Errors
    /// The database's own.
    pub async fn renew_claims(&self, source: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE claim SET renewed_at = $1 WHERE withdrawn_at IS NULL AND renewed_at < $1
            AND source_id = (SELECT id FROM source WHERE name = $2)";
        sqlx::query(sql).bind(now.0).bind(source).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Takes back what objects of a source said, each with its version that says so; gives how many claims that were.
    ///
    /// # Errors
    /// The database's own.
    pub async fn withdraw_objects(
        &self,
        source: &str,
        objects: &[Withdrawn],
        why: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut claims = 0;
        for Withdrawn { object_id, modified } in objects {
            let sql = "UPDATE claim SET withdrawn_at = $1, withdrawn_why = $2, modified_at = COALESCE($3, modified_at)
                WHERE withdrawn_at IS NULL AND source_id = (SELECT id FROM source WHERE name = $4) AND object_id = $5
                AND (modified_at IS NULL OR $3 IS NULL OR $3 >= modified_at)";
            let update = sqlx::query(sql).bind(now.0).bind(why).bind(modified.map(|at| at.0)).bind(source);
            claims += update.bind(object_id.as_str()).execute(&mut *tx).await?.rows_affected();
        }
        if claims > 0 {
            settle(&mut tx, now).await?;
        }
        tx.commit().await?;
        Ok(claims)
    }
}

/// What is said of one indicator, ready for the database.
struct Row<'a> {
    pattern: String,
    found: &'a Found,
    details: Option<String>,
}

impl<'a> Row<'a> {
    /// The last of those that one object says twice.
    fn each_once(found: &'a [Found]) -> Vec<Row<'a>> {
        let mut seen = HashSet::new();
        let rows = found.iter().rev().filter(|found| seen.insert((&found.pattern, found.object.id.as_str())));
        let mut rows: Vec<Row<'a>> = rows
            .map(|found| Row { pattern: found.pattern.to_plain(), found, details: found.about.details.to_json() })
            .collect();
        rows.reverse();
        rows
    }
}

async fn source_id(tx: &mut SqliteConnection, name: &str, now: Timestamp) -> Result<i64, StoreError> {
    let sql = "INSERT INTO source (name, added_at, received_at) VALUES ($1, $2, $2)
        ON CONFLICT (name) DO UPDATE SET received_at = excluded.received_at RETURNING id";
    Ok(sqlx::query_scalar(sql).bind(name).bind(now.0).fetch_one(tx).await?)
}

/// Those that are not there, with what is said of them; gives how many.
async fn insert_indicators(
    tx: &mut SqliteConnection,
    rows: &[Row<'_>],
    source: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // After a restore the first ones are numbered by hand, far above those that were given since the backup.
    let mut next = restored::next_indicator(&mut *tx).await?;
    let id = if next.is_some() { "id, " } else { "" };
    let mut insert = QueryBuilder::<Sqlite>::new(format!(
        "INSERT INTO indicator ({id}pattern, kind, source, threat, confidence, severity, tlp, pap, valid_from, valid_until,
        exercise, received_at) "
    ));
    insert.push_values(rows, |mut values, row| {
        if let Some(id) = &mut next {
            values.push_bind(*id);
            *id = id.saturating_add(1);
        }
        let about = &row.found.about;
        values
            .push_bind(row.pattern.as_str())
            .push_bind(row.found.pattern.kind().to_string())
            .push_bind(source)
            .push_bind(about.threat.as_deref())
            .push_bind(i64::from(about.confidence.unwrap_or(CONFIDENCE_UNSAID)))
            .push_bind(i64::from(about.severity.unwrap_or_default().level()))
            .push_bind(about.tlp.unwrap_or_default().to_string())
            .push_bind(about.pap.map(|pap| pap.to_string()))
            .push_bind(about.valid_from.map(|at| at.0))
            .push_bind(about.valid_until.map(|at| at.0))
            .push_bind(i64::from(about.exercise))
            .push_bind(now.0);
    });
    insert.push(" ON CONFLICT (pattern) DO NOTHING");
    Ok(insert.build().execute(tx).await?.rows_affected())
}

async fn insert_claims(
    tx: &mut SqliteConnection,
    rows: &[Row<'_>],
    source_id: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "WITH said (pattern, object_id, modified_at, threat, confidence, severity, tlp, pap, valid_from, valid_until,
        exercise, details, object) AS (",
    );
    insert.push_values(rows, |mut values, row| {
        let Found { about, object, .. } = row.found;
        values
            .push_bind(row.pattern.as_str())
            .push_bind(object.id.as_str())
            .push_bind(object.modified.map(|at| at.0))
            .push_bind(about.threat.as_deref())
            .push_bind(about.confidence.map(i64::from))
            .push_bind(about.severity.map(|severity| i64::from(severity.level())))
            .push_bind(about.tlp.map(|tlp| i64::from(tlp.level())))
            .push_bind(about.pap.map(|pap| i64::from(pap.level())))
            .push_bind(about.valid_from.map(|at| at.0))
            .push_bind(about.valid_until.map(|at| at.0))
            .push_bind(i64::from(about.exercise))
            .push_bind(row.details.as_deref())
            .push_bind(object.text.as_deref());
    });
    insert.push(
        ") INSERT INTO claim (indicator_id, source_id, object_id, modified_at, threat, confidence, severity, tlp, pap,
        valid_from, valid_until, exercise, details, object, received_at, renewed_at) SELECT n.id, ",
    );
    insert.push_bind(source_id).push(
        ", said.object_id, said.modified_at, said.threat, said.confidence, said.severity, said.tlp, said.pap,
        said.valid_from, said.valid_until, said.exercise, said.details, said.object, ",
    );
    insert.push_bind(now.0).push(", ").push_bind(now.0);
    // An object of an older version than the one that is there changes nothing, and withdraws nothing either.
    insert.push(
        " FROM said JOIN indicator n ON n.pattern = said.pattern WHERE true
        ON CONFLICT (source_id, object_id, indicator_id) DO UPDATE SET
            modified_at = COALESCE(excluded.modified_at, claim.modified_at),
            threat = COALESCE(excluded.threat, claim.threat),
            confidence = COALESCE(excluded.confidence, claim.confidence),
            severity = COALESCE(excluded.severity, claim.severity),
            tlp = COALESCE(excluded.tlp, claim.tlp), pap = COALESCE(excluded.pap, claim.pap),
            valid_from = COALESCE(excluded.valid_from, claim.valid_from),
            valid_until = COALESCE(excluded.valid_until, claim.valid_until),
            exercise = MAX(excluded.exercise, claim.exercise),
            details = COALESCE(excluded.details, claim.details), object = COALESCE(excluded.object, claim.object),
            renewed_at = excluded.renewed_at, withdrawn_at = NULL, withdrawn_why = NULL
        WHERE claim.modified_at IS NULL OR excluded.modified_at IS NULL OR excluded.modified_at >= claim.modified_at",
    );
    insert.build().execute(tx).await?;
    Ok(())
}

/// Takes back what these objects said in an older version and do not say any more; gives how many claims that were.
async fn withdraw_replaced(
    tx: &mut SqliteConnection,
    rows: &[Row<'_>],
    source_id: i64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let versions = rows.iter().filter_map(|row| Some((row.found.object.id.as_str(), row.found.object.modified?)));
    let newest: HashMap<&str, Timestamp> = versions.fold(HashMap::new(), |mut newest, (id, modified)| {
        let known = newest.entry(id).or_insert(modified);
        *known = modified.max(*known);
        newest
    });
    if newest.is_empty() {
        return Ok(0);
    }
    let mut update = QueryBuilder::<Sqlite>::new("WITH said (object_id, modified_at) AS (");
    update.push_values(&newest, |mut values, (id, modified)| {
        values.push_bind(*id).push_bind(modified.0);
    });
    update.push(") UPDATE claim SET withdrawn_at = ").push_bind(now.0);
    update.push(", withdrawn_why = 'a newer version of the object does not say it' FROM said WHERE claim.source_id = ");
    update.push_bind(source_id);
    // What another batch of this import said of the same object stands in the same moment.
    update.push(
        " AND claim.object_id = said.object_id AND claim.withdrawn_at IS NULL
        AND claim.modified_at < said.modified_at AND claim.renewed_at < ",
    );
    update.push_bind(now.0);
    Ok(update.build().execute(tx).await?.rows_affected())
}

/// What the standing claims of one indicator come to. What a source leaves unsaid is for the others to say, but a marking:
/// what is unmarked counts as AMBER beside whatever else.
const SUM: &str =
    "SELECT indicator_id, COALESCE(MAX(confidence), 50) AS confidence, COALESCE(MAX(severity), 2) AS severity,
        MAX(COALESCE(tlp, 2)) AS tlp, MAX(pap) AS pap,
        CASE WHEN COUNT(valid_from) = COUNT(*) THEN MIN(valid_from) END AS valid_from,
        CASE WHEN COUNT(valid_until) = COUNT(*) THEN MAX(valid_until) END AS valid_until, MIN(exercise) AS exercise
    FROM claim WHERE withdrawn_at IS NULL AND indicator_id IN (";
const FROM_SUM: &str = "UPDATE indicator SET confidence = sum.confidence, severity = sum.severity,
    tlp = CASE sum.tlp WHEN 0 THEN 'TLP:CLEAR' WHEN 1 THEN 'TLP:GREEN' WHEN 2 THEN 'TLP:AMBER'
        WHEN 3 THEN 'TLP:AMBER+STRICT' ELSE 'TLP:RED' END,
    pap = CASE sum.pap WHEN 0 THEN 'PAP:CLEAR' WHEN 1 THEN 'PAP:GREEN' WHEN 2 THEN 'PAP:AMBER' WHEN 3 THEN 'PAP:RED' END,
    valid_from = sum.valid_from, valid_until = sum.valid_until, exercise = sum.exercise, withdrawn_at = NULL,
    threat = (SELECT threat FROM claim WHERE indicator_id = indicator.id AND withdrawn_at IS NULL AND threat IS NOT NULL
        ORDER BY COALESCE(confidence, 50) DESC, id LIMIT 1)
    FROM (";
const BY_SUM: &str = ") GROUP BY indicator_id) AS sum WHERE sum.indicator_id = indicator.id";

/// Has indicators be what their claims come to.
async fn sum_up(tx: &mut SqliteConnection, patterns: &[&str]) -> Result<(), StoreError> {
    let mut update = QueryBuilder::<Sqlite>::new(FROM_SUM);
    update.push(SUM).push("SELECT id FROM indicator WHERE pattern IN (");
    let mut values = update.separated(", ");
    for pattern in patterns {
        values.push_bind(*pattern);
    }
    update.push(")").push(BY_SUM);
    update.build().execute(tx).await?;
    Ok(())
}

/// The same for all of which claims were withdrawn at `now`; those without any that stands are withdrawn themselves.
async fn settle(tx: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    let mut update = QueryBuilder::<Sqlite>::new(FROM_SUM);
    update.push(SUM).push("SELECT indicator_id FROM claim WHERE withdrawn_at = ").push_bind(now.0).push(BY_SUM);
    update.build().execute(&mut *tx).await?;
    let sql = "UPDATE indicator SET withdrawn_at = $1 WHERE withdrawn_at IS NULL
        AND id IN (SELECT indicator_id FROM claim WHERE withdrawn_at = $1)
        AND NOT EXISTS (SELECT 1 FROM claim WHERE indicator_id = indicator.id AND withdrawn_at IS NULL)";
    sqlx::query(sql).bind(now.0).execute(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::{About, Object, Pap};
    use crate::store::indicator::IndicatorRow;
    use varde_common::indicator::Severity;
    use varde_common::tlp::Tlp;

    fn found(pattern: &str, about: &About, object: &str, modified: i64) -> Found {
        let modified = (modified > 0).then_some(Timestamp(modified));
        let object = Object { id: object.to_owned(), modified, text: None };
        Found { pattern: pattern.parse().unwrap(), about: about.clone(), object }
    }

    async fn rows(store: &Store) -> Vec<IndicatorRow> {
        store.indicator_rows(Scope::Operator).await.unwrap()
    }

    #[tokio::test]
    async fn one_indicator_of_three_sources_is_their_sum_and_each_withdraws_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let of = async |source: &str, about: About, at: i64| {
            store.take_in(source, &[found("evil.example", &about, "", 0)], Timestamp(at)).await.unwrap()
        };
        let low = About {
            threat: Some("Lure".into()),
            confidence: Some(20),
            severity: Some(Severity::Low),
            tlp: Some(Tlp::Green),
            valid_until: Some(Timestamp(50)),
            exercise: true,
            ..About::default()
        };
        let high = About {
            threat: Some("Agenda".into()),
            confidence: Some(90),
            severity: Some(Severity::Critical),
            tlp: Some(Tlp::Red),
            pap: Some(Pap::Red),
            valid_from: Some(Timestamp(10)),
            valid_until: Some(Timestamp(90)),
            ..About::default()
        };
        assert_eq!(of("one", low.clone(), 1).await, Imported { new: 1, known: 0 });
        assert_eq!(of("two", high, 2).await, Imported { new: 0, known: 1 });
        let row = rows(&store).await.remove(0);
        assert_eq!((row.confidence, row.severity, row.threat.as_deref()), (90, "critical", Some("Agenda")));
        assert_eq!((row.tlp.as_str(), row.pap.as_deref(), row.exercise), ("TLP:RED", Some("PAP:RED"), false));
        assert_eq!((row.valid_from, row.valid_until), (None, Some(Timestamp(90))), "one source says it holds at once");
        assert_eq!((row.sources, row.received_at), (vec!["one".to_owned(), "two".to_owned()], Timestamp(1)));
        of("three", About::default(), 3).await;
        let row = rows(&store).await.remove(0);
        assert_eq!((row.valid_until, row.confidence, row.sources.len()), (None, 90, 3), "a third one names no end");

        // Each takes back what it said itself.
        assert_eq!(store.withdraw_not_renewed("two", Timestamp(4), "gone", Timestamp(5)).await.unwrap(), 1);
        let row = rows(&store).await.remove(0);
        assert_eq!((row.confidence, row.tlp.as_str(), row.withdrawn_at), (20, "TLP:AMBER", None), "unmarked is amber");
        assert_eq!((row.exercise, row.sources.len()), (false, 2));
        store.withdraw_not_renewed("three", Timestamp(4), "gone", Timestamp(6)).await.unwrap();
        assert_eq!(rows(&store).await[0].tlp, "TLP:GREEN");
        assert!(rows(&store).await[0].exercise);
        assert_eq!(store.claims_not_renewed(Scope::Operator, "one", Timestamp(4)).await.unwrap(), (1, 1));
        store.withdraw_not_renewed("one", Timestamp(4), "gone", Timestamp(7)).await.unwrap();
        assert_eq!(rows(&store).await[0].withdrawn_at, Some(Timestamp(7)));
        assert!(store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap().is_empty(), "in no list any more");
        // Said again it lives again, with what it was known for before.
        of("one", About::default(), 8).await;
        let row = rows(&store).await.remove(0);
        assert_eq!((row.withdrawn_at, row.confidence, row.sources), (None, 20, vec!["one".to_owned()]));
        assert_eq!(store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn objects_of_a_source_stand_apart_and_an_older_version_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let say = |confidence: u8| About { confidence: Some(confidence), ..About::default() };
        let both = [found("a.example", &say(10), "indicator--1", 5), found("a.example", &say(20), "indicator--2", 5)];
        store.take_in("misp", &both, Timestamp(1)).await.unwrap();
        assert_eq!(rows(&store).await[0].confidence, 20);
        let older = [found("a.example", &say(99), "indicator--2", 4)];
        store.take_in("misp", &older, Timestamp(2)).await.unwrap();
        assert_eq!(rows(&store).await[0].confidence, 20, "an older version");
        let gone = |id: &str, modified: i64| [Withdrawn { object_id: id.into(), modified: Some(Timestamp(modified)) }];
        assert_eq!(store.withdraw_objects("misp", &gone("indicator--2", 4), "revoked", Timestamp(3)).await.unwrap(), 0);
        assert_eq!(store.withdraw_objects("misp", &gone("indicator--2", 6), "revoked", Timestamp(3)).await.unwrap(), 1);
        assert_eq!(rows(&store).await[0].confidence, 10, "the other object still says so");
        store.take_in("misp", &[found("a.example", &say(20), "indicator--2", 5)], Timestamp(4)).await.unwrap();
        assert_eq!(rows(&store).await[0].confidence, 10, "what was revoked comes back by a newer version alone");
        store.take_in("misp", &[found("a.example", &say(30), "indicator--2", 7)], Timestamp(4)).await.unwrap();
        assert_eq!(rows(&store).await[0].confidence, 30);
        // A newer version that names another thing takes back what the older one named.
        store.take_in("misp", &[found("c.example", &say(5), "indicator--3", 5)], Timestamp(5)).await.unwrap();
        store.take_in("misp", &[found("d.example", &say(5), "indicator--3", 6)], Timestamp(6)).await.unwrap();
        let gone: Vec<_> = rows(&store).await.iter().map(|row| (row.indicator.clone(), row.withdrawn_at)).collect();
        assert_eq!(gone[1..], [("c.example".to_owned(), Some(Timestamp(6))), ("d.example".to_owned(), None)]);
        // Twice in one breath: the last word counts.
        let twice = [found("b.example", &say(1), "", 0), found("b.example", &say(2), "", 0)];
        assert_eq!(store.take_in("misp", &twice, Timestamp(7)).await.unwrap(), Imported { new: 1, known: 1 });
        assert_eq!(rows(&store).await[3].confidence, 2);
    }

    #[tokio::test]
    async fn a_group_of_objects_withdraws_what_it_does_not_say_again_and_no_other_groups() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let say = |pattern: &str, object: &str| found(pattern, &About::default(), object, 0);
        let all =
            [say("a.example", "e1/x"), say("b.example", "e1/y"), say("c.example", "e10/x"), say("d.example", "e1")];
        store.take_in("misp", &all, Timestamp(1)).await.unwrap();
        store.take_in("other", &[say("a.example", "e1/x")], Timestamp(1)).await.unwrap();
        store.take_in("misp", &[say("a.example", "e1/x")], Timestamp(2)).await.unwrap();
        assert_eq!(store.withdraw_group("misp", "e1", Timestamp(2), "gone", Timestamp(3)).await.unwrap(), 1);
        let gone = async || {
            let rows = rows(&store).await.into_iter();
            rows.filter(|row| row.withdrawn_at.is_some()).map(|row| row.indicator).collect::<Vec<_>>()
        };
        assert_eq!(gone().await, ["b.example"]);
        let objects = [
            Withdrawn { object_id: "e10/x".into(), modified: None },
            Withdrawn { object_id: "e1/y".into(), modified: None },
        ];
        assert_eq!(store.claims_of_objects(Scope::Operator, "misp", &objects).await.unwrap(), 1);
        store.renew_claims("misp", Timestamp(4)).await.unwrap();
        assert_eq!(store.claims_not_renewed(Scope::Operator, "misp", Timestamp(4)).await.unwrap(), (3, 0));
        assert_eq!(store.withdraw_group("misp", "e1", Timestamp(i64::MAX), "gone", Timestamp(5)).await.unwrap(), 1);
        assert_eq!(gone().await, ["b.example"], "the other source still says so");
    }

    #[tokio::test]
    async fn clues_are_kept_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let clue = |value: &str, tlp: Option<Tlp>| Clue {
            object_id: "x".into(),
            kind: "sha256".into(),
            value: value.into(),
            tlp,
        };
        let clues = [clue("aa", None), clue("bb", Some(Tlp::Green)), clue("aa", Some(Tlp::Red))];
        assert_eq!(store.take_in_clues("one", &clues, Timestamp(1)).await.unwrap(), 2);
        assert_eq!(store.take_in_clues("one", &clues, Timestamp(2)).await.unwrap(), 0);
        assert_eq!(store.take_in_clues("two", &clues, Timestamp(2)).await.unwrap(), 2);
    }
}
