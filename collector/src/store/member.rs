//! The members of the community.

use serde::Serialize;
use sqlx::Row;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};

/// A member as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberRow {
    /// Row id.
    #[serde(skip)]
    pub id: i64,
    /// Kommunenummer and the like.
    pub number: String,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// Sensors with a token or more, not revoked.
    pub sensors: i64,
}

/// What became of adding a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there now.
    New,
    /// It was there under that name.
    Known,
    /// It was there under another name and has the new one now: municipalities merge and are renamed.
    Renamed,
}

impl Store {
    /// Adds a member, or gives a known one its new name.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_member(&self, number: &MemberNumber, name: &str, now: Timestamp) -> Result<Added, StoreError> {
        let mut tx = self.begin().await?;
        let known: Option<String> = sqlx::query_scalar("SELECT name FROM member WHERE number = $1")
            .bind(number.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let added = match known {
            None => {
                sqlx::query("INSERT INTO member (number, name, added_at) VALUES ($1, $2, $3)")
                    .bind(number.as_str())
                    .bind(name)
                    .bind(now.0)
                    .execute(&mut *tx)
                    .await?;
                Added::New
            }
            // Nothing is done, and so nothing is committed.
            Some(old) if old == name => return Ok(Added::Known),
            Some(_) => {
                sqlx::query("UPDATE member SET name = $2 WHERE number = $1")
                    .bind(number.as_str())
                    .bind(name)
                    .execute(&mut *tx)
                    .await?;
                Added::Renamed
            }
        };
        tx.commit().await?;
        Ok(added)
    }

    /// The members, by number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn member_rows(&self, scope: Scope) -> Result<Vec<MemberRow>, StoreError> {
        let sql = "SELECT id, number, name, added_at,
                (SELECT COUNT(*) FROM sensor WHERE sensor.member_id = member.id AND revoked_at IS NULL) AS sensors
            FROM member WHERE ($1 IS NULL OR id = $1) ORDER BY number";
        let rows = sqlx::query(sql).bind(scope.member_id()).fetch_all(self.readers()).await?;
        let mut members = Vec::with_capacity(rows.len());
        for row in rows {
            members.push(MemberRow {
                id: row.try_get("id")?,
                number: row.try_get("number")?,
                name: row.try_get("name")?,
                added_at: Timestamp(row.try_get("added_at")?),
                sensors: row.try_get("sensors")?,
            });
        }
        Ok(members)
    }

    /// The member of that number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn member_by_number(&self, scope: Scope, number: &MemberNumber) -> Result<Option<MemberRow>, StoreError> {
        let all = self.member_rows(scope).await?;
        Ok(all.into_iter().find(|member| member.number == number.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_member_is_kept_once_and_may_be_renamed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let (gjovik, lillehammer) = ("3407".parse().unwrap(), "3405".parse().unwrap());
        assert_eq!(store.add_member(&gjovik, "Gjøvik", Timestamp(1)).await.unwrap(), Added::New);
        assert_eq!(store.add_member(&gjovik, "Gjøvik", Timestamp(2)).await.unwrap(), Added::Known);
        assert_eq!(store.add_member(&lillehammer, "Lillehammer", Timestamp(3)).await.unwrap(), Added::New);
        assert_eq!(store.add_member(&gjovik, "Gjøvik kommune", Timestamp(4)).await.unwrap(), Added::Renamed);
        let members = store.member_rows(Scope::Operator).await.unwrap();
        let shown: Vec<_> = members.iter().map(|m| (m.number.as_str(), m.name.as_str(), m.added_at.0)).collect();
        assert_eq!(shown, [("3405", "Lillehammer", 3), ("3407", "Gjøvik kommune", 1)]);
        let own = store.member_rows(Scope::Member(members[1].id)).await.unwrap();
        assert_eq!(own, [members[1].clone()], "a member sees no other");
        assert_eq!(store.member_by_number(Scope::Member(members[0].id), &gjovik).await.unwrap(), None);
    }
}
