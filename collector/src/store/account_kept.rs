//! What is done to accounts on the pages, by an administrator who is one of them: never so that nobody is left who could undo it. The command
//! line may, for whoever has it can add another.

use std::collections::HashMap;

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::account::{COMES_IN_AND_ADMINISTERS, disable, give_role};
use super::credentials::forget;
use super::{Scope, Store, StoreError};
use crate::account::role::Role;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is done.
    Done,
    /// Nothing was to be done: it is so, or there is no such account of a fitting role.
    Same,
    /// It is the last administrator that can come in.
    Last,
}

/// Whether an account is an administrator that can come in, and no other is.
async fn is_last(conn: &mut SqliteConnection, id: i64) -> Result<bool, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT COUNT(CASE WHEN id = $1 THEN 1 END), COUNT(CASE WHEN id <> $1 THEN 1 END) FROM account a WHERE {COMES_IN_AND_ADMINISTERS}"
    ));
    let (own, others): (i64, i64) = sqlx::query_as(sql).bind(id).fetch_one(conn).await?;
    Ok(own > 0 && others == 0)
}

impl Store {
    /// Lets an account come in no more; of the last administrator not.
    ///
    /// # Errors
    /// The database's own.
    pub async fn stop_account(&self, id: i64, now: Timestamp) -> Result<Kept, StoreError> {
        let mut tx = self.begin().await?;
        if is_last(&mut tx, id).await? {
            return Ok(Kept::Last);
        }
        if !disable(&mut tx, id, Some(now)).await? {
            return Ok(Kept::Same);
        }
        tx.commit().await?;
        Ok(Kept::Done)
    }

    /// Gives an account another role; the last administrator stays one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn change_role(&self, id: i64, role: Role) -> Result<Kept, StoreError> {
        let mut tx = self.begin().await?;
        if role != Role::Administrator && is_last(&mut tx, id).await? {
            return Ok(Kept::Last);
        }
        if !give_role(&mut tx, id, role).await? {
            return Ok(Kept::Same);
        }
        tx.commit().await?;
        Ok(Kept::Done)
    }

    /// Takes password, second factor and tie to a provider from an account; from the last administrator not.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reset_account(&self, id: i64) -> Result<Kept, StoreError> {
        let mut tx = self.begin().await?;
        if is_last(&mut tx, id).await? {
            return Ok(Kept::Last);
        }
        forget(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Kept::Done)
    }

    /// When each account that has a session was last there.
    ///
    /// # Errors
    /// The database's own.
    pub async fn accounts_seen(&self, scope: Scope) -> Result<HashMap<i64, Timestamp>, StoreError> {
        let sql = "SELECT s.account_id, MAX(s.seen_at) FROM page_session s JOIN account a ON a.id = s.account_id
            WHERE ($1 IS NULL OR a.member_id = $1) GROUP BY s.account_id";
        let rows: Vec<(i64, i64)> = sqlx::query_as(sql).bind(scope.member_id()).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(|(account, at)| (account, Timestamp(at))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::secret::Secret;
    use crate::store::fixture::{Fixture, NOW};

    #[tokio::test]
    async fn w3_the_last_administrator_that_can_come_in_stays_one() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        for name in ["kari", "ola"] {
            store.add_account(name, Role::Administrator, None, NOW).await.unwrap();
        }
        fixture.run("UPDATE account SET password = 'kept', totp = zeroblob(20) WHERE id = 1").await;
        // The other was invited and has never come: it is no way back in.
        assert_eq!(store.stop_account(1, NOW).await.unwrap(), Kept::Last);
        assert_eq!(store.change_role(1, Role::Analyst).await.unwrap(), Kept::Last);
        assert_eq!(store.reset_account(1).await.unwrap(), Kept::Last);
        let account = store.account(Scope::Operator, 1).await.unwrap().unwrap();
        assert!(account.role == Role::Administrator && account.has_password && account.disabled_at.is_none());
        fixture.run("UPDATE account SET password = 'kept', totp = zeroblob(20) WHERE id = 2").await;
        store.begin_session(1, &Secret::new([1; 32]), "", NOW).await.unwrap();
        assert_eq!(store.accounts_seen(Scope::Operator).await.unwrap(), HashMap::from([(1, NOW)]));
        assert_eq!(store.change_role(1, Role::Analyst).await.unwrap(), Kept::Done);
        assert!(store.session(Scope::Operator, &Secret::new([1; 32]), NOW).await.unwrap().is_none(), "at once");
        assert_eq!(store.stop_account(2, NOW).await.unwrap(), Kept::Last);
        assert_eq!(store.change_role(1, Role::Administrator).await.unwrap(), Kept::Done);
        assert_eq!(store.stop_account(2, NOW).await.unwrap(), Kept::Done);
        assert_eq!(store.stop_account(2, NOW).await.unwrap(), Kept::Same);
        assert_eq!(store.change_role(1, Role::It).await.unwrap(), Kept::Last);
        assert_eq!(store.change_role(2, Role::It).await.unwrap(), Kept::Same, "none for an account at the CSIRT");
    }

    #[tokio::test]
    async fn w3_an_administrator_that_comes_in_by_a_provider_is_one_too() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        for name in ["kari", "ola"] {
            store.add_account(name, Role::Administrator, None, NOW).await.unwrap();
        }
        fixture.run("INSERT INTO account_oidc VALUES (1, 'https://login.example', 'k', 1)").await;
        assert_eq!(store.administrators(Scope::Operator).await.unwrap(), 1, "who was invited alone is none yet");
        assert_eq!(store.stop_account(1, NOW).await.unwrap(), Kept::Last);
        assert_eq!(store.change_role(1, Role::Analyst).await.unwrap(), Kept::Last);
        assert_eq!(store.reset_account(1).await.unwrap(), Kept::Last);
        fixture.run("INSERT INTO account_oidc VALUES (2, 'https://login.example', 'o', 1)").await;
        assert_eq!(store.administrators(Scope::Operator).await.unwrap(), 2);
        assert_eq!(store.stop_account(1, NOW).await.unwrap(), Kept::Done, "the other comes in");
        assert_eq!(store.stop_account(2, NOW).await.unwrap(), Kept::Last);
    }
}
