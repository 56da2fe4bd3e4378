//! The members of the community, and the numbers they go by: one today, and those that led to it.

use serde::Serialize;
use sqlx::Row;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::profile::find;
use super::{Scope, Store, StoreError};

/// A number that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormerNumber {
    /// The number.
    pub number: String,
    /// What the member that had it was called.
    pub name: String,
    /// Until when.
    pub until: Timestamp,
}

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
    /// The form of Norwegian it is written to in.
    pub language: String,
    /// Whether digitalsikkerhetsloven covers it; null = not known.
    pub covered: Option<bool>,
    /// The shared network it is behind.
    pub supplier: Option<String>,
    /// Numbers that lead on to it, the latest first.
    pub former_numbers: Vec<FormerNumber>,
}

/// What became of adding a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is there now.
    New,
    /// It was there under that name.
    Known,
    /// The number is that of a member with this name, which it keeps.
    Another(String),
    /// The number was given up and leads on to the member with this one.
    Former(String),
}

impl Store {
    /// Adds a member. One that is there is let alone: a number that was mistyped must not rename another.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_member(&self, number: &MemberNumber, name: &str, now: Timestamp) -> Result<Added, StoreError> {
        let mut tx = self.begin().await?;
        let added = match find(&mut tx, number).await? {
            None => {
                sqlx::query("INSERT INTO member (number, name, added_at) VALUES ($1, $2, $3)")
                    .bind(number.as_str())
                    .bind(name)
                    .bind(now.0)
                    .execute(&mut *tx)
                    .await?;
                Added::New
            }
            Some((_, today, _)) if today != number.as_str() => return Ok(Added::Former(today)),
            // Nothing is done, and so nothing is committed.
            Some((_, _, old)) if old == name => return Ok(Added::Known),
            Some((_, _, old)) => return Ok(Added::Another(old)),
        };
        tx.commit().await?;
        Ok(added)
    }

    /// The members, by number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn member_rows(&self, scope: Scope) -> Result<Vec<MemberRow>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let sql = "SELECT id, number, name, added_at, language, covered, supplier,
                (SELECT COUNT(*) FROM sensor WHERE sensor.member_id = member.id AND revoked_at IS NULL) AS sensors
            FROM member WHERE ($1 IS NULL OR id = $1) ORDER BY number";
        let rows = sqlx::query(sql).bind(scope.member_id()).fetch_all(&mut *tx).await?;
        let mut members = Vec::with_capacity(rows.len());
        for row in rows {
            members.push(MemberRow {
                id: row.try_get("id")?,
                number: row.try_get("number")?,
                name: row.try_get("name")?,
                added_at: Timestamp(row.try_get("added_at")?),
                sensors: row.try_get("sensors")?,
                language: row.try_get("language")?,
                covered: row.try_get::<Option<i64>, _>("covered")?.map(|covered| covered != 0),
                supplier: row.try_get("supplier")?,
                former_numbers: Vec::new(),
            });
        }
        let sql = "SELECT member_id, number, name, until FROM former_number
            WHERE ($1 IS NULL OR member_id = $1) ORDER BY until DESC, number";
        let former: Vec<(i64, String, String, i64)> =
            sqlx::query_as(sql).bind(scope.member_id()).fetch_all(&mut *tx).await?;
        for (id, number, name, until) in former {
            if let Some(member) = members.iter_mut().find(|member| member.id == id) {
                member.former_numbers.push(FormerNumber { number, name, until: Timestamp(until) });
            }
        }
        Ok(members)
    }

    /// The member of that number, or that goes on for the one that had it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn member_by_number(&self, scope: Scope, number: &MemberNumber) -> Result<Option<MemberRow>, StoreError> {
        let all = self.member_rows(scope).await?;
        let leads = |member: &MemberRow| member.former_numbers.iter().any(|former| former.number == number.as_str());
        Ok(all.into_iter().find(|member| member.number == number.as_str() || leads(member)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_member_is_kept_once_and_adding_renames_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let (gjovik, lillehammer) = ("3407".parse().unwrap(), "3405".parse().unwrap());
        assert_eq!(store.add_member(&gjovik, "Gjøvik", Timestamp(1)).await.unwrap(), Added::New);
        assert_eq!(store.add_member(&gjovik, "Gjøvik", Timestamp(2)).await.unwrap(), Added::Known);
        assert_eq!(store.add_member(&lillehammer, "Lillehammer", Timestamp(3)).await.unwrap(), Added::New);
        assert_eq!(
            store.add_member(&gjovik, "Gjøvik kommune", Timestamp(4)).await.unwrap(),
            Added::Another("Gjøvik".into())
        );
        let members = store.member_rows(Scope::Operator).await.unwrap();
        let shown: Vec<_> = members.iter().map(|m| (m.number.as_str(), m.name.as_str(), m.added_at.0)).collect();
        assert_eq!(shown, [("3405", "Lillehammer", 3), ("3407", "Gjøvik", 1)]);
        let own = store.member_rows(Scope::Member(members[1].id)).await.unwrap();
        assert_eq!(own, [members[1].clone()], "a member sees no other");
        assert_eq!(store.member_by_number(Scope::Member(members[0].id), &gjovik).await.unwrap(), None);
    }
}
