//! Tokens: what programs read the API with, and screens on walls the overview.

use std::time::Duration;

use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::account::member_id;
use super::{Scope, Store, StoreError};
use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::limits::account::TOKENS_MAX;

/// To how much its last use is noted: enough to see that it is used.
const USED_EVERY: Duration = Duration::from_secs(3_600);

/// A token that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What it may, of what only reads.
    pub role: Role,
    /// The member whose things it reads.
    pub member: Option<&'a MemberNumber>,
    /// Good until then.
    pub until: Option<Timestamp>,
}

/// What became of one that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedToken {
    /// Its number.
    Added(i64),
    /// There is no such member.
    NoMember,
    /// There is one of that name.
    NameTaken,
    /// There are as many as there may be.
    TooMany,
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// The number of the member whose things it reads.
    pub member: Option<String>,
    /// When it was added.
    pub added_at: Timestamp,
    /// Good until then.
    pub until: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

/// One that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// `member.id` and number of the member whose things it reads.
    pub member: Option<(i64, String)>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

type Row = (i64, String, String, Option<String>, i64, Option<i64>, Option<i64>);

impl Store {
    /// Adds a token.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_page_token(
        &self,
        new: &NewToken<'_>,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<AddedToken, StoreError> {
        let mut tx = self.begin().await?;
        let Some(member) = member_id(&mut tx, new.member).await? else { return Ok(AddedToken::NoMember) };
        let sql = "SELECT COUNT(*), COUNT(CASE WHEN name = $1 THEN 1 END) FROM page_token";
        let (all, same): (i64, i64) = sqlx::query_as(sql).bind(new.name).fetch_one(&mut *tx).await?;
        if same > 0 {
            return Ok(AddedToken::NameTaken);
        }
        if all >= TOKENS_MAX {
            return Ok(AddedToken::TooMany);
        }
        let sql = "INSERT INTO page_token (name, role, member_id, sha256, added_at, until)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
        let insert = sqlx::query_scalar(sql).bind(new.name).bind(new.role.as_str()).bind(member);
        let insert = insert.bind(secret.hash().to_vec()).bind(now.0).bind(new.until.map(|at| at.0));
        let id: i64 = insert.fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(AddedToken::Added(id))
    }

    /// All tokens, by number. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn tokens(&self, scope: Scope) -> Result<Vec<TokenRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT t.id, t.name, t.role, m.number, t.added_at, t.until, t.last_used_at
            FROM page_token t LEFT JOIN member m ON m.id = t.member_id ORDER BY t.id";
        let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let read = |(id, name, role, member, added, until, used): Row| {
            let role = role.parse().ok()?;
            let (until, last_used_at) = (until.map(Timestamp), used.map(Timestamp));
            Some(TokenRow { id, name, role, member, added_at: Timestamp(added), until, last_used_at })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Removes a token: from here on it opens nothing. Gives whether there was one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn remove_token(&self, id: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM page_token WHERE id = $1").bind(id).execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Which token this is; none, where it is not good.
    ///
    /// # Errors
    /// The database's own.
    pub async fn token(&self, _: Scope, secret: &Secret, now: Timestamp) -> Result<Option<KnownToken>, StoreError> {
        let sql = "SELECT t.id, t.name, t.role, t.member_id, m.number, t.last_used_at
            FROM page_token t LEFT JOIN member m ON m.id = t.member_id
            WHERE t.sha256 = $1 AND (t.until IS NULL OR t.until > $2)";
        type Row = (i64, String, String, Option<i64>, Option<String>, Option<i64>);
        let found = sqlx::query_as(sql).bind(secret.hash().to_vec()).bind(now.0);
        let row: Option<Row> = found.fetch_optional(self.readers()).await?;
        let Some((id, name, role, member, number, used)) = row else { return Ok(None) };
        let role = role.parse::<Role>().ok().filter(|role| role.fits(member.is_some()));
        let last_used_at = used.map(Timestamp);
        Ok(role.map(|role| KnownToken { id, name, role, member: member.zip(number), last_used_at }))
    }

    /// Notes that a token was used, unless that was noted within the hour.
    ///
    /// # Errors
    /// The database's own.
    pub async fn token_used(&self, known: &KnownToken, now: Timestamp) -> Result<(), StoreError> {
        if known.last_used_at.is_some_and(|last| last <= now && now.since(last) < USED_EVERY) {
            return Ok(());
        }
        let hour = i64::try_from(USED_EVERY.as_micros()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        let sql = "UPDATE page_token SET last_used_at = $2 WHERE id = $1";
        let began = now.0.saturating_sub(now.0.rem_euclid(hour));
        sqlx::query(sql).bind(known.id).bind(began).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn w1_a_token_reads_as_its_role_until_it_is_removed_or_its_time_is_over() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        let secret = |octet: u8| Secret::new([octet; 32]);
        let number: MemberNumber = "1002".parse().unwrap();
        let wall = NewToken { name: "vegg", role: Role::Wall, member: None, until: Some(Timestamp(50)) };
        let it = NewToken { name: "siem", role: Role::It, member: Some(&number), until: None };
        let now = Timestamp(1);
        assert_eq!(store.add_page_token(&wall, &secret(1), now).await.unwrap(), AddedToken::Added(1));
        assert_eq!(store.add_page_token(&wall, &secret(3), now).await.unwrap(), AddedToken::NameTaken);
        assert_eq!(store.add_page_token(&it, &secret(2), now).await.unwrap(), AddedToken::Added(2));
        let known = async |octet, at| store.token(Scope::Operator, &secret(octet), Timestamp(at)).await.unwrap();
        assert_eq!(known(1, 49).await.map(|known| known.role), Some(Role::Wall));
        assert_eq!((known(1, 50).await, known(9, 1).await), (None, None));
        let of_member = known(2, 60).await.unwrap();
        assert_eq!(of_member.member, Some((2, "1002".to_owned())));
        store.token_used(&of_member, Timestamp(7_200_000_001)).await.unwrap();
        assert_eq!(known(2, 60).await.unwrap().last_used_at, Some(Timestamp(7_200_000_000)), "to the hour");
        fixture.run("UPDATE page_token SET member_id = NULL WHERE id = 2").await;
        assert_eq!(known(2, 60).await, None, "never more than its member's");
        assert!(store.remove_token(1).await.unwrap() && !store.remove_token(1).await.unwrap());
        assert_eq!(known(1, 2).await, None);
        assert_eq!(store.tokens(Scope::Operator).await.unwrap().len(), 1);
        assert_eq!(store.tokens(Scope::Member(2)).await.unwrap(), []);
    }
}
