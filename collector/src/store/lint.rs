//! What a publication is held against: warninglists, members' own names and networks, what is allowed and what was overridden.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::Row;
use varde_common::indicator::Pattern;
use varde_common::name::DomainName;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::{Scope, Store, StoreError};
use crate::intel::lint::{Knowledge, Linter, List, ListKind, Origin, Overridden, default_lists};
use crate::limits::LINT_LISTS_MAX;

/// A warninglist, as `lint list list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListRow {
    /// What it is known by.
    pub name: String,
    /// What it holds.
    pub description: String,
    /// Its maker's number or date.
    pub version: String,
    /// cidr, string, hostname, substring or plain.
    pub kind: &'static str,
    /// What it does.
    pub level: &'static str,
    /// How many entries it has.
    pub entries: u64,
    /// And how many that could not be compared.
    pub unread: u64,
    /// It came with the program.
    pub is_default: bool,
    /// Who put it here.
    pub author: Option<String>,
    /// When.
    pub added_at: Option<Timestamp>,
}

/// An override, as `lint overrides` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverrideRow {
    /// The indicator, as plain lists write it.
    pub indicator: String,
    /// In spite of which rules.
    pub rules: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub author: String,
    /// When.
    pub given_at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When it was ended by hand, or given anew.
    pub ended_at: Option<Timestamp>,
    /// By whom.
    pub ended_by: Option<String>,
    /// Whether it has effect.
    pub in_force: bool,
    /// The indicator's number and marking, where it is here.
    #[serde(skip)]
    pub known: Option<(i64, Tlp)>,
}

/// The number and the marking of an indicator that a row was joined with; what cannot be read counts as the strictest.
pub(super) fn known(row: &sqlx::sqlite::SqliteRow) -> Result<Option<(i64, Tlp)>, sqlx::Error> {
    let (id, tlp): (Option<i64>, Option<String>) = (row.try_get("known_id")?, row.try_get("known_tlp")?);
    Ok(id.map(|id| (id, tlp.and_then(|tlp| tlp.parse().ok()).unwrap_or(Tlp::Red))))
}

/// An override that is about to be given.
#[derive(Debug, Clone)]
pub struct Override<'a> {
    /// The indicator.
    pub pattern: &'a Pattern,
    /// In spite of which rules.
    pub rules: &'a [String],
    /// Why.
    pub reason: &'a str,
    /// Who says so.
    pub author: &'a str,
    /// Until when.
    pub until: Timestamp,
}

/// The list of a row, and who put it there.
pub(super) fn list_of(row: &sqlx::sqlite::SqliteRow) -> Result<(List, String, Timestamp), sqlx::Error> {
    let (kind, level): (String, String) = (row.try_get("kind")?, row.try_get("level")?);
    let bad = |what: &str| sqlx::Error::Decode(format!("warninglist.{what} holds what no list has").into());
    let entries: String = row.try_get("entries")?;
    let list = List {
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        version: row.try_get("version")?,
        kind: ListKind::of(&kind).ok_or_else(|| bad("kind"))?,
        level: level.parse().map_err(|_| bad("level"))?,
        is_shared: false,
        origin: Origin::Own,
        entries: entries.lines().map(str::to_owned).collect(),
        unread: u64::try_from(row.try_get::<i64, _>("unread")?).unwrap_or(0),
    };
    Ok((list, row.try_get("author")?, Timestamp(row.try_get("added_at")?)))
}

impl Store {
    /// The operator's own lists, each with who put it here and when.
    async fn own_lists(&self) -> Result<Vec<(List, String, Timestamp)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM warninglist ORDER BY name").fetch_all(self.readers()).await?;
        Ok(rows.iter().map(list_of).collect::<Result<_, _>>()?)
    }

    /// All lists that are in use, by name: the operator's, and the default ones that none of these takes the place of.
    async fn lists(&self) -> Result<Vec<(List, Option<(String, Timestamp)>)>, StoreError> {
        let own = self.own_lists().await?;
        let names: HashSet<String> = own.iter().map(|(list, _, _)| list.name.clone()).collect();
        let defaults = default_lists().filter(|list| !names.contains(&list.name)).map(|list| (list, None));
        let mut lists: Vec<_> =
            own.into_iter().map(|(list, author, at)| (list, Some((author, at)))).chain(defaults).collect();
        lists.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok(lists)
    }

    /// The lists that are in use.
    ///
    /// # Errors
    /// The database's own.
    pub async fn warninglist_rows(&self, scope: Scope) -> Result<Vec<ListRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let row = |(list, added): (List, Option<(String, Timestamp)>)| {
            let (author, added_at) = added.unzip();
            ListRow {
                name: list.name,
                description: list.description,
                version: list.version,
                kind: list.kind.as_str(),
                level: list.level.as_str(),
                entries: list.entries.len() as u64,
                unread: list.unread,
                is_default: list.origin == Origin::Default,
                author,
                added_at,
            }
        };
        Ok(self.lists().await?.into_iter().map(row).collect())
    }

    /// The list of that name that is in use.
    ///
    /// # Errors
    /// The database's own.
    pub async fn warninglist(&self, scope: Scope, name: &str) -> Result<Option<List>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        Ok(self.lists().await?.into_iter().map(|(list, _)| list).find(|list| list.name == name))
    }

    /// Puts a list here, in place of one of the same name. Gives whether there was room.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_warninglist(&self, list: &List, author: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let others: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM warninglist WHERE name <> $1")
            .bind(list.name.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if others >= LINT_LISTS_MAX {
            tx.rollback().await?;
            return Ok(false);
        }
        let sql = "INSERT INTO warninglist (name, description, version, kind, level, entries, entry_count, unread, author, added_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (name) DO UPDATE SET
            description = excluded.description, version = excluded.version, kind = excluded.kind, level = excluded.level,
            entries = excluded.entries, entry_count = excluded.entry_count, unread = excluded.unread, author = excluded.author,
            added_at = excluded.added_at";
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        sqlx::query(sql)
            .bind(list.name.as_str())
            .bind(list.description.as_str())
            .bind(list.version.as_str())
            .bind(list.kind.as_str())
            .bind(list.level.as_str())
            .bind(list.entries.join("\n"))
            .bind(count(list.entries.len() as u64))
            .bind(count(list.unread))
            .bind(author)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a list of the operator's own away; a default one of its name is in use again. Gives whether there was one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn remove_warninglist(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM warninglist WHERE name = $1").bind(name).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(gone.rows_affected() > 0)
    }

    /// Gives an override, in place of one for the same indicator.
    ///
    /// # Errors
    /// The database's own.
    pub async fn give_override(&self, given: &Override<'_>, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let pattern = given.pattern.to_plain();
        let end = "UPDATE lint_override SET ended_at = $2, ended_by = $3 WHERE pattern = $1 AND ended_at IS NULL";
        sqlx::query(end).bind(&pattern).bind(now.0).bind(given.author).execute(&mut *tx).await?;
        let give = "INSERT INTO lint_override (pattern, rules, reason, author, given_at, until)
            VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(give)
            .bind(&pattern)
            .bind(given.rules.join("\n"))
            .bind(given.reason)
            .bind(given.author)
            .bind(now.0)
            .bind(given.until.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Ends an override. Gives whether one was in force.
    ///
    /// # Errors
    /// The database's own.
    pub async fn end_override(&self, pattern: &Pattern, author: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE lint_override SET ended_at = $2, ended_by = $3 WHERE pattern = $1 AND ended_at IS NULL";
        let ended = sqlx::query(sql).bind(pattern.to_plain()).bind(now.0).bind(author).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(ended.rows_affected() > 0)
    }

    /// All overrides that were ever given, the newest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn override_rows(&self, scope: Scope, now: Timestamp) -> Result<Vec<OverrideRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT o.*, n.id AS known_id, n.tlp AS known_tlp FROM lint_override o
            LEFT JOIN indicator n ON n.pattern = o.pattern ORDER BY o.id DESC";
        let rows = sqlx::query(sql).fetch_all(self.readers()).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| -> Result<OverrideRow, sqlx::Error> {
            let (rules, until): (String, i64) = (row.try_get("rules")?, row.try_get("until")?);
            let ended_at: Option<i64> = row.try_get("ended_at")?;
            Ok(OverrideRow {
                indicator: row.try_get("pattern")?,
                rules: rules.lines().map(str::to_owned).collect(),
                reason: row.try_get("reason")?,
                author: row.try_get("author")?,
                given_at: Timestamp(row.try_get("given_at")?),
                until: Timestamp(until),
                ended_at: ended_at.map(Timestamp),
                ended_by: row.try_get("ended_by")?,
                in_force: ended_at.is_none() && until > now.0,
                known: known(row)?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Everything that indicators are held against now, compiled.
    ///
    /// # Errors
    /// The database's own.
    pub async fn linter(&self, scope: Scope, now: Timestamp) -> Result<Linter, StoreError> {
        if scope != Scope::Operator {
            return Ok(Linter::new(Knowledge::default()));
        }
        let names: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT domain FROM member_domain").fetch_all(self.readers()).await?;
        let networks: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT network FROM member_network").fetch_all(self.readers()).await?;
        let overridden = self.override_rows(scope, now).await?.into_iter().filter(|row| row.in_force);
        let of = |row: OverrideRow| Overridden { rules: row.rules.into_iter().collect(), until: row.until };
        let overridden: HashMap<String, Overridden> = overridden.map(|row| (row.indicator.clone(), of(row))).collect();
        Ok(Linter::new(Knowledge {
            lists: self.lists().await?.into_iter().map(|(list, _)| list).collect(),
            member_names: names.iter().filter_map(|name| DomainName::parse(name).ok()).collect(),
            member_networks: networks.iter().filter_map(|network| network.parse().ok()).collect(),
            allowed: self.allowed_patterns(now).await?,
            overridden,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::compile::{Compiler, Making, Stored};
    use crate::intel::lint::{Level, read};
    use varde_common::confidential::ConfidentialKey;
    use varde_common::matcher::Seed;
    use varde_common::time::Timestamp;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);
    const LATER: Timestamp = Timestamp(NOW.0 + 86_400_000_000);

    async fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        (dir, store)
    }

    async fn held(store: &Store, text: &str, at: Timestamp) -> Option<String> {
        let linter = store.linter(Scope::Operator, at).await.unwrap();
        linter.holds(&text.parse().unwrap(), false).map(|finding| finding.key())
    }

    #[tokio::test]
    async fn l3_an_operators_list_takes_the_place_of_a_default_one_until_it_is_removed() {
        let (_dir, store) = store().await;
        assert_eq!(held(&store, "altinn.no", NOW).await.as_deref(), Some("list norwegian-services"));
        let list = read(b"other.example\n", "norwegian-services", Level::Block).unwrap();
        assert!(store.add_warninglist(&list, "kari", NOW).await.unwrap());
        assert_eq!(held(&store, "altinn.no", NOW).await, None);
        assert_eq!(held(&store, "a.other.example", NOW).await.as_deref(), Some("list norwegian-services"));
        let rows = store.warninglist_rows(Scope::Operator).await.unwrap();
        let row = rows.iter().find(|row| row.name == "norwegian-services").unwrap();
        assert_eq!((row.is_default, row.level, row.author.as_deref(), row.entries), (false, "block", Some("kari"), 1));
        assert!(store.remove_warninglist("norwegian-services").await.unwrap());
        assert!(!store.remove_warninglist("norwegian-services").await.unwrap());
        assert!(held(&store, "altinn.no", NOW).await.is_some());
        assert!(store.warninglist(Scope::Operator, "sinkholes").await.unwrap().is_some());
        assert!(store.warninglist_rows(Scope::Member(1)).await.unwrap().is_empty());
        for n in 0..LINT_LISTS_MAX {
            let list = List { name: format!("n{n}"), ..list.clone() };
            assert!(store.add_warninglist(&list, "kari", NOW).await.unwrap());
        }
        assert!(!store.add_warninglist(&list, "kari", NOW).await.unwrap(), "no more than there is room for");
    }

    #[tokio::test]
    async fn l3_an_override_lasts_until_its_end_and_no_longer() {
        let (_dir, store) = store().await;
        let pattern: Pattern = "altinn.no".parse().unwrap();
        let rules = ["list norwegian-services".to_owned()];
        let given = Override { pattern: &pattern, rules: &rules, reason: "an exercise", author: "kari", until: LATER };
        store.give_override(&given, NOW).await.unwrap();
        store.give_override(&given, NOW).await.unwrap();
        assert_eq!(held(&store, "altinn.no", NOW).await, None);
        assert!(held(&store, "altinn.no", LATER).await.is_some(), "its end has come");
        let rows = store.override_rows(Scope::Operator, NOW).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.in_force).collect::<Vec<_>>(), [true, false]);
        assert!(store.end_override(&pattern, "ola", NOW).await.unwrap());
        assert!(!store.end_override(&pattern, "ola", NOW).await.unwrap());
        assert!(held(&store, "altinn.no", NOW).await.is_some());
        assert!(store.override_rows(Scope::Member(1), NOW).await.unwrap().is_empty());
    }

    /// Until when sensors go by each of these, in a list that is made now.
    async fn ends(store: &Store, rows: &[(&str, Option<Timestamp>)]) -> Vec<Option<Timestamp>> {
        let making = Making { seed: Seed::from_octets([1; 16]), key: ConfidentialKey([7; 32]), include_red: false };
        let linter = store.linter(Scope::Operator, NOW).await.unwrap();
        let mut compiler = Compiler::new(NOW, making, linter);
        for (id, (pattern, valid_until)) in (1..).zip(rows) {
            let row = Stored {
                id,
                pattern: (*pattern).to_owned(),
                confidence: 80,
                severity: 3,
                tlp: "TLP:AMBER".to_owned(),
                valid_from: None,
                valid_until: valid_until.map(|until| until.0),
                exercise: false,
                of_url: false,
                was_published: false,
            };
            compiler.take(&row).unwrap();
        }
        let base = compiler.finish().unwrap().base;
        let set = varde_common::matcher::IndicatorSet::open(std::sync::Arc::new(base)).unwrap();
        let mut read: Vec<_> = set.indicators().collect();
        read.sort_by_key(|indicator| indicator.id);
        read.iter().map(|indicator| indicator.validity.until).collect()
    }

    #[tokio::test]
    async fn l3_an_overrides_end_goes_with_the_list_and_ends_no_other_indicator() {
        let (_dir, store) = store().await;
        let (sooner, much_later) = (Timestamp(NOW.0 + 1), Timestamp(LATER.0 + 1));
        for (text, rules) in [("altinn.no", "list norwegian-services"), ("vond.example", "list that-is-gone")] {
            let (pattern, rules): (Pattern, _) = (text.parse().unwrap(), [rules.to_owned()]);
            let given = Override { pattern: &pattern, rules: &rules, reason: "øvelse", author: "kari", until: LATER };
            store.give_override(&given, NOW).await.unwrap();
        }
        for (stands, goes) in [(None, LATER), (Some(much_later), LATER), (Some(sooner), sooner)] {
            let rows = [("altinn.no", stands), ("vond.example", stands), ("verre.example", stands)];
            assert_eq!(ends(&store, &rows).await, [Some(goes), stands, stands], "what nothing holds needs no override");
        }
    }
}
