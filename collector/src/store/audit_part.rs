//! A member's part of the audit: by every number that led to it, and only while each was its own.

use serde::Serialize;
use sqlx::SqliteConnection;

use super::audit::{COLUMNS, entry};
use super::{Scope, Store, StoreError};
use crate::audit::{Entry, LEFT, REMOVED};
use crate::limits::AUDIT_PAGE_ROWS;

/// A number, and between which entries it was a member's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Own {
    number: String,
    /// The last entry before it was: with it another that had it before left.
    above: i64,
    /// The last while it was.
    to: i64,
}

/// Whose part of the audit it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part(Vec<Own>);

/// Where members that had this number ceased to be, the newest first, each with the numbers that were freed.
async fn ends(conn: &mut SqliteConnection, number: &str) -> Result<Vec<(i64, String)>, sqlx::Error> {
    // Numbers are digits: nothing in one means anything to LIKE.
    let sql = "SELECT seq, members FROM audit WHERE ((what = 'member leave' AND became = $2)
            OR (what = 'member remove' AND became = $3)) AND members LIKE '% ' || $1 || ' %' ORDER BY seq DESC";
    sqlx::query_as(sql).bind(number).bind(LEFT).bind(REMOVED).fetch_all(conn).await
}

async fn part_of(conn: &mut SqliteConnection, member: i64) -> Result<Part, sqlx::Error> {
    let sql = "SELECT number FROM member WHERE id = $1 UNION SELECT number FROM former_number WHERE member_id = $1";
    let numbers: Vec<String> = sqlx::query_scalar(sql).bind(member).fetch_all(&mut *conn).await?;
    let mut part = Vec::new();
    for number in numbers {
        let above = ends(conn, &number).await?.first().map_or(0, |(seq, _)| *seq);
        part.push(Own { number, above, to: i64::MAX });
    }
    Ok(Part(part))
}

async fn leads_to(conn: &mut SqliteConnection, number: &str) -> Result<Option<i64>, sqlx::Error> {
    let sql = "SELECT id FROM member WHERE number = $1 UNION SELECT member_id FROM former_number WHERE number = $1";
    sqlx::query_scalar(sql).bind(number).fetch_optional(conn).await
}

impl Store {
    /// The part of a member by its row.
    ///
    /// # Errors
    /// The database's own.
    pub async fn audit_part(&self, scope: Scope, member: i64) -> Result<Part, StoreError> {
        let member = scope.member_id().unwrap_or(member);
        Ok(part_of(&mut *self.readers().acquire().await?, member).await?)
    }

    /// The part of the member that a number leads to; else of the last that it led to, by all numbers that were freed with it; none
    /// where nothing ever was done on such a number. For the operator: who is no member any more asks for it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn audit_part_by_number(&self, _scope: Scope, number: &str) -> Result<Option<Part>, StoreError> {
        let mut conn = self.readers().acquire().await?;
        if let Some(member) = leads_to(&mut conn, number).await? {
            return Ok(Some(part_of(&mut conn, member).await?));
        }
        let Some((end, freed)) = ends(&mut conn, number).await?.into_iter().next() else {
            let sql = "SELECT COUNT(*) FROM audit WHERE members LIKE '% ' || $1 || ' %'";
            let named: i64 = sqlx::query_scalar(sql).bind(number).fetch_one(&mut *conn).await?;
            let own = Own { number: number.to_owned(), above: 0, to: i64::MAX };
            return Ok((named > 0).then(|| Part(vec![own])));
        };
        let mut part = Vec::new();
        for freed in freed.split_whitespace() {
            let before = ends(&mut conn, freed).await?.into_iter().find(|(seq, _)| *seq < end);
            let again = leads_to(&mut conn, freed).await?.is_some();
            let above = before.map_or(0, |(seq, _)| seq);
            part.push(Own { number: freed.to_owned(), above, to: if again { end } else { i64::MAX } });
        }
        Ok(Some(Part(part)))
    }

    /// Entries of a part after a place, in order, as many as are read at once, as the member may see them.
    ///
    /// # Errors
    /// The database's own.
    pub async fn audit_part_entries(&self, part: &Part, after: i64) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit WHERE seq > $1 AND (members = '*' OR EXISTS (SELECT 1 FROM json_each($2) AS own
                WHERE members LIKE '% ' || json_extract(own.value, '$.number') || ' %'
                AND seq > json_extract(own.value, '$.above') AND seq <= json_extract(own.value, '$.to')))
             ORDER BY seq LIMIT $3"
        );
        let own = serde_json::to_string(&part.0).unwrap_or_default();
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(after).bind(own).bind(AUDIT_PAGE_ROWS);
        let rows = rows.fetch_all(self.readers()).await?;
        let numbers: Vec<&str> = part.0.iter().map(|own| own.number.as_str()).collect();
        Ok(rows.iter().map(|row| entry(row).as_shown_to(&numbers)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Deed, On};
    use crate::store::fixture::{Fixture, NOW};
    use varde_common::id::{MemberNumber, SiteId};

    fn deed(what: &'static str, on: On) -> Deed {
        Deed::new("kari".to_owned(), what, on, NOW)
    }

    fn seqs(entries: &[Entry]) -> Vec<i64> {
        entries.iter().map(|entry| entry.seq).collect()
    }

    async fn by_number(store: &Store, number: &str) -> Option<Vec<Entry>> {
        let part = store.audit_part_by_number(Scope::Operator, number).await.unwrap()?;
        Some(store.audit_part_entries(&part, 0).await.unwrap())
    }

    #[tokio::test]
    async fn a_member_is_given_what_concerns_it_and_no_others_name() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        store.note(&deed("alert list", On::Everybody)).await.unwrap();
        store.note(&deed("sensor revoke", On::Sensor(1))).await.unwrap();
        store.note(&deed("sensor revoke", On::Sensor(2))).await.unwrap();
        let moved = deed("sensor move", On::Sensor(1)).becomes("of 1002 Kommune 2").concerns(["1002".to_owned()]);
        store.note(&moved).await.unwrap();
        store.note(&deed("backup", On::Collector)).await.unwrap();
        let own = by_number(store, "1001").await.unwrap();
        assert_eq!(seqs(&own), [1, 2, 4]);
        assert!(!format!("{own:?}").contains("1002"), "{own:?}");
        for asked in [1, 2] {
            let part = store.audit_part(Scope::Member(1), asked).await.unwrap();
            assert_eq!(store.audit_part_entries(&part, 0).await.unwrap(), own, "its own, whatever it asks for");
        }
        assert_eq!(by_number(store, "100").await, None, "no part of a number");
        assert_eq!(store.last_became(Scope::Operator, "sensor move").await.unwrap().unwrap(), "of 1002 Kommune 2");
    }

    #[tokio::test]
    async fn what_is_done_to_a_sensor_concerns_every_member_whose_network_it_watches() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        store.add_site(1, SiteId(4), 2).await.unwrap();
        store.note(&deed("sensor release", On::Sensor(1))).await.unwrap();
        let removing = store.noting(deed("sensor site remove", On::Sensor(1)));
        assert!(removing.remove_site(1, SiteId(4)).await.unwrap());
        store.note(&deed("sensor revoke", On::Sensor(1))).await.unwrap();
        for (number, seen) in [("1001", vec![1, 2, 3]), ("1002", vec![1, 2])] {
            let own = by_number(store, number).await.unwrap();
            assert_eq!(seqs(&own), seen, "{number}");
            let other = if number == "1001" { "1002" } else { "1001" };
            assert!(!format!("{own:?}").contains(other), "{own:?}");
        }
        assert_eq!(by_number(store, "1003").await, Some(Vec::new()), "nothing was done to it");
    }

    #[tokio::test]
    async fn a_number_that_changes_takes_its_entries_along_and_one_that_is_free_again_leaves_them_behind() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        let number = |text: &str| text.parse::<MemberNumber>().unwrap();
        store.note(&deed("sensor token", On::Member("1001".to_owned()))).await.unwrap();
        let words = "3301 Kommune 1";
        let renaming =
            deed("member rename", On::Member("1001".to_owned())).becomes(words).concerns(["3301".to_owned()]);
        store.noting(renaming).rename_member(1, None, Some(&number("3301")), NOW).await.unwrap();
        store.note(&deed("sensor token", On::Member("3301".to_owned()))).await.unwrap();
        for asked in ["1001", "3301"] {
            let own = by_number(store, asked).await.unwrap();
            assert_eq!(seqs(&own), [1, 2, 3], "{asked}");
            assert_eq!(own[1].became, words, "both numbers are its own: nothing is withheld");
        }
        // It leaves, and its numbers become two others'.
        let leaving = deed("member leave", On::Member("3301".to_owned())).becomes(LEFT).concerns(["1001".to_owned()]);
        store.noting(leaving).depart(1, NOW).await.unwrap();
        assert_eq!(seqs(&by_number(store, "1001").await.unwrap()), [1, 2, 3, 4], "what it was is given out still");
        store
            .noting(deed("member add", On::Member("1001".to_owned())))
            .add_member(&number("1001"), "Ny", NOW)
            .await
            .unwrap();
        assert_eq!(seqs(&by_number(store, "1001").await.unwrap()), [5], "of the one before it nothing");
        assert_eq!(seqs(&by_number(store, "3301").await.unwrap()), [1, 2, 3, 4], "and of the new one nothing");
        // So with one that was a mistake.
        let id = store.member_by_number(Scope::Operator, &number("1001")).await.unwrap().unwrap().id;
        let removing = deed("member remove", On::Member("1001".to_owned())).becomes(REMOVED);
        store.noting(removing).remove_member(id).await.unwrap().unwrap();
        store
            .noting(deed("member add", On::Member("1001".to_owned())))
            .add_member(&number("1001"), "Atter", NOW)
            .await
            .unwrap();
        assert_eq!(seqs(&by_number(store, "1001").await.unwrap()), [7]);
    }
}
