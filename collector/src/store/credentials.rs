//! By what people come in: passwords, second factors and recovery codes, as they are chosen, looked up and used up.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::account::{AddedAccount, LinkKind};
use super::{Scope, Store, StoreError};
use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::account::totp::TotpSecret;

/// By what an account comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: Option<String>,
    /// The number of its member.
    pub member: Option<String>,
    /// What is kept of its password.
    pub password: Option<String>,
    /// Its second factor.
    pub totp: Option<TotpSecret>,
    /// The newest step whose code was taken.
    pub totp_step: i64,
}

/// A second factor that was chosen, and the codes for who loses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// What both know.
    pub totp: TotpSecret,
    /// The step whose code showed that the telephone knows it.
    pub step: i64,
    /// Hashes of the recovery codes.
    pub recovery: Vec<[u8; 32]>,
}

/// What became of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The account's number and name.
    Done(i64, String),
    /// There is one of that name.
    NameTaken,
    /// The link is good no longer.
    Spent,
}

async fn write_factor(conn: &mut SqliteConnection, account: i64, factor: &Factor) -> Result<(), sqlx::Error> {
    let sql = "UPDATE account SET totp = $2, totp_step = $3 WHERE id = $1";
    sqlx::query(sql).bind(account).bind(factor.totp.octets().to_vec()).bind(factor.step).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM recovery_code WHERE account_id = $1").bind(account).execute(&mut *conn).await?;
    for hash in &factor.recovery {
        let sql = "INSERT INTO recovery_code (account_id, sha256) VALUES ($1, $2)";
        sqlx::query(sql).bind(account).bind(hash.to_vec()).execute(&mut *conn).await?;
    }
    Ok(())
}

/// The session goes on under another name, and all others of the account end: whoever had one of them has it no longer. Gives whether it was
/// there still: it may have been ended while a password was looked at, and what was asked in it is not done then.
async fn go_on_alone(
    conn: &mut SqliteConnection,
    (account, session): (i64, i64),
    secret: &Secret,
) -> Result<bool, sqlx::Error> {
    let sql = "DELETE FROM page_session WHERE account_id = $1 AND id <> $2";
    sqlx::query(sql).bind(account).bind(session).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM page_link WHERE account_id = $1").bind(account).execute(&mut *conn).await?;
    let sql = "UPDATE page_session SET sha256 = $3 WHERE id = $2 AND account_id = $1";
    let update = sqlx::query(sql).bind(account).bind(session).bind(secret.hash().to_vec());
    Ok(update.execute(conn).await?.rows_affected() > 0)
}

impl Store {
    /// By what the account of a name comes in, unless it may not.
    ///
    /// # Errors
    /// The database's own.
    pub async fn credentials(&self, _: Scope, name: &str) -> Result<Option<Credentials>, StoreError> {
        let sql = "SELECT a.id, a.name, a.language, m.number, a.password, a.totp, a.totp_step
            FROM account a LEFT JOIN member m ON m.id = a.member_id WHERE a.name = $1 AND a.disabled_at IS NULL";
        type Row = (i64, String, Option<String>, Option<String>, Option<String>, Option<Vec<u8>>, i64);
        let row: Option<Row> = sqlx::query_as(sql).bind(name).fetch_optional(self.readers()).await?;
        let read = |(id, name, language, member, password, totp, totp_step): Row| {
            let totp = totp.as_deref().and_then(TotpSecret::from_octets);
            Credentials { id, name, language, member, password, totp, totp_step }
        };
        Ok(row.map(read))
    }

    /// Takes a code of this step. Gives whether it was the first: of two at once one is.
    ///
    /// # Errors
    /// The database's own.
    pub async fn take_code_step(&self, account: i64, step: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE account SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
        let taken = sqlx::query(sql).bind(account).bind(step).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Uses a recovery code up. Gives whether it was one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn take_recovery(&self, account: i64, sha256: &[u8; 32]) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM recovery_code WHERE account_id = $1 AND sha256 = $2";
        let taken = sqlx::query(sql).bind(account).bind(sha256.to_vec()).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Accepts an invitation, or makes the first account under a name: password and second factor are chosen, and the link is used up.
    ///
    /// # Errors
    /// The database's own.
    pub async fn accept(
        &self,
        link: (LinkKind, &Secret),
        first_name: Option<&str>,
        (password, factor): (&str, &Factor),
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let (kind, secret) = link;
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM page_link WHERE sha256 = $1 AND kind = $2 AND until > $3 RETURNING account_id";
        let used = sqlx::query_scalar(sql).bind(secret.hash().to_vec()).bind(kind.as_str()).bind(now.0);
        let used: Option<Option<i64>> = used.fetch_optional(&mut *tx).await?;
        let account = match (kind, used, first_name) {
            (LinkKind::First, Some(None), Some(name)) => {
                let any: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM account").fetch_one(&mut *tx).await?;
                if any > 0 {
                    return Ok(Accepted::Spent);
                }
                match super::account::insert(&mut tx, name, Role::Administrator, None, now).await? {
                    AddedAccount::Added(id) => id,
                    _ => return Ok(Accepted::NameTaken),
                }
            }
            (LinkKind::Invitation, Some(Some(id)), None) => id,
            _ => return Ok(Accepted::Spent),
        };
        let sql = "UPDATE account SET password = $2 WHERE id = $1 AND disabled_at IS NULL RETURNING name";
        let name: Option<String> =
            sqlx::query_scalar(sql).bind(account).bind(password).fetch_optional(&mut *tx).await?;
        let Some(name) = name else { return Ok(Accepted::Spent) };
        write_factor(&mut tx, account, factor).await?;
        tx.commit().await?;
        Ok(Accepted::Done(account, name))
    }

    /// Another password; the session goes on under another name, and all others end. Gives whether it was there still.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_password(&self, who: (i64, i64), password: &str, secret: &Secret) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE account SET password = $2 WHERE id = $1")
            .bind(who.0)
            .bind(password)
            .execute(&mut *tx)
            .await?;
        if !go_on_alone(&mut tx, who, secret).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Another password without the old one, in a session that a one-time link began, once. Gives whether it might.
    ///
    /// # Errors
    /// The database's own.
    pub async fn recover_password(&self, who: (i64, i64), password: &str, secret: &Secret) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE page_session SET recovers = 0 WHERE id = $1 AND account_id = $2 AND recovers <> 0";
        if sqlx::query(sql).bind(who.1).bind(who.0).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let sql = "UPDATE account SET password = $2 WHERE id = $1";
        sqlx::query(sql).bind(who.0).bind(password).execute(&mut *tx).await?;
        if !go_on_alone(&mut tx, who, secret).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Another second factor; the session goes on under another name, and all others end. Gives whether it was there still.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_factor(&self, who: (i64, i64), factor: &Factor, secret: &Secret) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        write_factor(&mut tx, who.0, factor).await?;
        if !go_on_alone(&mut tx, who, secret).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// An account has no password, no second factor and no tie to a provider any more, and its sessions and links are over: it is invited anew.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reset(&self, account: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        forget(&mut tx, account).await?;
        Ok(tx.commit().await?)
    }
}

/// An account has no password, no second factor and no tie to a provider any more, and its sessions and links are over.
pub(super) async fn forget(conn: &mut SqliteConnection, account: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE account SET password = NULL, totp = NULL WHERE id = $1";
    sqlx::query(sql).bind(account).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM recovery_code WHERE account_id = $1").bind(account).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM account_oidc WHERE account_id = $1").bind(account).execute(&mut *conn).await?;
    super::account::end_all(conn, account).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn secret(octet: u8) -> Secret {
        Secret::new([octet; 32])
    }

    fn factor(octet: u8) -> Factor {
        Factor { totp: TotpSecret::of(&secret(octet)), step: 7, recovery: vec![[1; 32], [2; 32]] }
    }

    #[tokio::test]
    async fn w3_an_invitation_is_accepted_once_and_codes_are_taken_once() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        store.make_link(LinkKind::First, None, &secret(1), NOW).await.unwrap();
        let accept = async |kind, octet: u8, name| {
            let link = secret(octet);
            store.accept((kind, &link), name, ("kept", &factor(octet)), NOW).await.unwrap()
        };
        let (first, invited) = (LinkKind::First, LinkKind::Invitation);
        assert_eq!(accept(first, 1, None).await, Accepted::Spent, "it needs a name");
        assert_eq!(accept(first, 1, Some("kari")).await, Accepted::Done(1, "kari".to_owned()));
        assert_eq!(accept(first, 1, Some("per")).await, Accepted::Spent);
        store.add_account("per", Role::Analyst, None, NOW).await.unwrap();
        store.make_link(LinkKind::Invitation, Some(2), &secret(2), NOW).await.unwrap();
        assert_eq!(accept(first, 2, Some("x")).await, Accepted::Spent);
        assert_eq!(accept(invited, 2, None).await, Accepted::Done(2, "per".to_owned()));
        assert_eq!(accept(invited, 2, None).await, Accepted::Spent);
        let found = store.credentials(Scope::Operator, "per").await.unwrap().unwrap();
        assert_eq!((found.totp_step, found.password.as_deref(), found.totp), (7, Some("kept"), Some(factor(2).totp)));
        assert!(!store.take_code_step(2, 7).await.unwrap());
        assert!(store.take_code_step(2, 8).await.unwrap() && !store.take_code_step(2, 8).await.unwrap());
        assert!(!store.take_recovery(2, &[9; 32]).await.unwrap());
        assert!(store.take_recovery(2, &[1; 32]).await.unwrap() && !store.take_recovery(2, &[1; 32]).await.unwrap());
        store.set_disabled(2, true, NOW).await.unwrap();
        assert_eq!(store.credentials(Scope::Operator, "per").await.unwrap(), None);
    }

    #[tokio::test]
    async fn w3_with_another_password_the_session_has_another_name_and_is_the_only_one() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        store.add_account("kari", Role::Analyst, None, NOW).await.unwrap();
        store.begin_session(1, &secret(1), "", NOW).await.unwrap();
        let own = store.begin_session(1, &secret(2), "", NOW).await.unwrap();
        store.make_link(LinkKind::SignIn, Some(1), &secret(8), NOW).await.unwrap();
        assert!(store.set_password((1, own), "kept", &secret(3)).await.unwrap());
        assert!(store.link(Scope::Operator, &secret(8), NOW).await.unwrap().is_none(), "whoever had a link has none");
        let is_good = async |octet| store.session(Scope::Operator, &secret(octet), NOW).await.unwrap().is_some();
        assert_eq!((is_good(1).await, is_good(2).await, is_good(3).await), (false, false, true));
        assert!(store.set_factor((1, own), &factor(1), &secret(4)).await.unwrap());
        assert_eq!((is_good(3).await, is_good(4).await), (false, true));
        let other = Factor { recovery: vec![[3; 32]], ..factor(2) };
        assert!(store.set_factor((1, own), &other, &secret(4)).await.unwrap());
        assert!(!store.take_recovery(1, &[1; 32]).await.unwrap(), "codes of before are worth nothing");
        assert!(store.take_recovery(1, &[3; 32]).await.unwrap());
        store.reset(1).await.unwrap();
        assert!(!is_good(4).await);
        // What was under way in a session that has ended meanwhile comes to nothing, and takes no new invitation away.
        store.make_link(LinkKind::Invitation, Some(1), &secret(7), NOW).await.unwrap();
        assert!(!store.set_password((1, own), "kept", &secret(5)).await.unwrap());
        assert!(!store.set_factor((1, own), &factor(1), &secret(5)).await.unwrap());
        assert!(store.link(Scope::Operator, &secret(7), NOW).await.unwrap().is_some());
        let account = store.account(Scope::Operator, 1).await.unwrap().unwrap();
        assert_eq!((account.has_password, account.has_second_factor, account.recovery_codes), (false, false, 0));
    }
}
