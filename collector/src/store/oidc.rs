//! Who somebody is at the operator's own provider: tied to an account, looked up, and a session begun by it.

use varde_common::time::Timestamp;

use super::account::LinkKind;
use super::{Scope, Store, StoreError, page_session};
use crate::account::secret::Secret;

/// Who somebody is at a provider: `iss` and `sub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The provider.
    pub issuer: String,
    /// Who it is there.
    pub subject: String,
}

/// Whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tied {
    /// The account's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: Option<String>,
    /// The number of its member.
    pub member: Option<String>,
}

/// What became of tying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tying {
    /// It is tied.
    Done,
    /// Another account is tied to it.
    Taken,
    /// The link is good no longer, or the session is over, or the account may not come in.
    Spent,
}

async fn write(
    conn: &mut sqlx::SqliteConnection,
    account: i64,
    who: &Subject,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let sql = "SELECT account_id FROM account_oidc WHERE issuer = $1 AND subject = $2";
    let whose: Option<i64> =
        sqlx::query_scalar(sql).bind(&who.issuer).bind(&who.subject).fetch_optional(&mut *conn).await?;
    if whose.is_some_and(|whose| whose != account) {
        return Ok(false);
    }
    let sql = "INSERT INTO account_oidc (account_id, issuer, subject, tied_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id) DO UPDATE SET issuer = excluded.issuer, subject = excluded.subject, tied_at = excluded.tied_at";
    sqlx::query(sql).bind(account).bind(&who.issuer).bind(&who.subject).bind(now.0).execute(conn).await?;
    Ok(true)
}

impl Store {
    /// Whose account it is, unless that may not come in.
    ///
    /// # Errors
    /// The database's own.
    pub async fn tied(&self, _: Scope, who: &Subject) -> Result<Option<Tied>, StoreError> {
        let sql = "SELECT a.id, a.name, a.language, m.number FROM account_oidc o JOIN account a ON a.id = o.account_id
            LEFT JOIN member m ON m.id = a.member_id
            WHERE o.issuer = $1 AND o.subject = $2 AND a.disabled_at IS NULL";
        let row: Option<(i64, String, Option<String>, Option<String>)> =
            sqlx::query_as(sql).bind(&who.issuer).bind(&who.subject).fetch_optional(self.readers()).await?;
        Ok(row.map(|(id, name, language, member)| Tied { id, name, language, member }))
    }

    /// Since when an account is tied to this provider.
    ///
    /// # Errors
    /// The database's own.
    pub async fn tied_at(&self, scope: Scope, account: i64, issuer: &str) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT o.tied_at FROM account_oidc o JOIN account a ON a.id = o.account_id
            WHERE a.id = $1 AND o.issuer = $2 AND ($3 IS NULL OR a.member_id = $3)";
        let at: Option<i64> = sqlx::query_scalar(sql)
            .bind(account)
            .bind(issuer)
            .bind(scope.member_id())
            .fetch_optional(self.readers())
            .await?;
        Ok(at.map(Timestamp))
    }

    /// Begins a session for who came by the provider, unless the account is tied to it no longer or may not come in. Gives whether it began.
    ///
    /// # Errors
    /// The database's own.
    pub async fn come_in_tied(
        &self,
        account: i64,
        who: &Subject,
        secret: &Secret,
        program: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT COUNT(*) FROM account_oidc o JOIN account a ON a.id = o.account_id
            WHERE a.id = $1 AND o.issuer = $2 AND o.subject = $3 AND a.disabled_at IS NULL";
        let holds = sqlx::query_scalar(sql).bind(account).bind(&who.issuer).bind(&who.subject);
        let holds: i64 = holds.fetch_one(&mut *tx).await?;
        if holds == 0 {
            return Ok(false);
        }
        page_session::insert(&mut tx, account, secret, program, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ties an account to it, in a session of that account's that is there still.
    ///
    /// # Errors
    /// The database's own.
    pub async fn tie(
        &self,
        (account, session): (i64, i64),
        who: &Subject,
        now: Timestamp,
    ) -> Result<Tying, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT COUNT(*) FROM page_session s JOIN account a ON a.id = s.account_id
            WHERE s.id = $1 AND a.id = $2 AND a.disabled_at IS NULL";
        let there: i64 = sqlx::query_scalar(sql).bind(session).bind(account).fetch_one(&mut *tx).await?;
        if there == 0 {
            return Ok(Tying::Spent);
        }
        if !write(&mut tx, account, who, now).await? {
            return Ok(Tying::Taken);
        }
        tx.commit().await?;
        Ok(Tying::Done)
    }

    /// Accepts an invitation by it: the link is used up, and a session begins.
    ///
    /// # Errors
    /// The database's own.
    pub async fn accept_tied(
        &self,
        link: &Secret,
        who: &Subject,
        (secret, program): (&Secret, &str),
        now: Timestamp,
    ) -> Result<Tying, StoreError> {
        let mut tx = self.begin().await?;
        let used = super::account::use_link(&mut tx, LinkKind::Invitation, link, now).await?;
        let Some(account) = used else { return Ok(Tying::Spent) };
        if !write(&mut tx, account, who, now).await? {
            return Ok(Tying::Taken);
        }
        page_session::insert(&mut tx, account, secret, program, now).await?;
        tx.commit().await?;
        Ok(Tying::Done)
    }

    /// Unties an account, which comes in by password and code then. Gives whether it was tied and has those.
    ///
    /// # Errors
    /// The database's own.
    pub async fn untie(&self, account: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM account_oidc WHERE account_id = $1 AND EXISTS
            (SELECT 1 FROM account a WHERE a.id = $1 AND a.password IS NOT NULL AND a.totp IS NOT NULL)";
        let gone = sqlx::query(sql).bind(account).execute(&mut *tx).await?.rows_affected();
        if gone > 0 {
            tx.commit().await?;
        }
        Ok(gone > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::role::Role;
    use crate::store::fixture::Fixture;

    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn secret(octet: u8) -> Secret {
        Secret::new([octet; 32])
    }

    fn subject(name: &str) -> Subject {
        Subject { issuer: "https://login.example".to_owned(), subject: name.to_owned() }
    }

    #[tokio::test]
    async fn w3_an_invitation_is_accepted_by_a_provider_once_and_by_nobody_who_has_an_account() {
        let fixture = &Fixture::new(1).await;
        let store = &fixture.store;
        for name in ["kari", "per"] {
            store.add_account(name, Role::Analyst, None, NOW).await.unwrap();
        }
        store.make_link(LinkKind::Invitation, Some(1), &secret(1), NOW).await.unwrap();
        store.make_link(LinkKind::Invitation, Some(2), &secret(2), NOW).await.unwrap();
        let accept = async |link: u8, name: &str, session: u8| {
            store.accept_tied(&secret(link), &subject(name), (&secret(session), "x"), NOW).await.unwrap()
        };
        assert_eq!(accept(9, "k", 11).await, Tying::Spent, "no such link");
        let late = NOW.plus(LinkKind::Invitation.lasts());
        let late = store.accept_tied(&secret(1), &subject("k"), (&secret(11), "x"), late).await.unwrap();
        assert_eq!(late, Tying::Spent, "its time is over");
        fixture.run("UPDATE account SET disabled_at = 1").await;
        assert_eq!(accept(1, "k", 11).await, Tying::Spent, "it may not come in");
        fixture.run("UPDATE account SET disabled_at = NULL").await;
        assert_eq!(accept(1, "k", 11).await, Tying::Done);
        assert_eq!(accept(1, "k", 12).await, Tying::Spent, "once");
        assert_eq!(accept(2, "k", 12).await, Tying::Taken, "who is kari is not per too");
        assert_eq!(accept(2, "p", 12).await, Tying::Done, "and the link was not used up by that");
        let tied = store.tied(Scope::Operator, &subject("k")).await.unwrap().unwrap();
        assert_eq!((tied.id, tied.name.as_str()), (1, "kari"));
        let other = Subject { issuer: "https://other.example".to_owned(), ..subject("k") };
        assert_eq!(store.tied(Scope::Operator, &other).await.unwrap(), None, "a subject is its issuer's");
        assert!(store.session(Scope::Operator, &secret(11), NOW).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn w3_who_is_untied_disabled_or_reset_comes_in_by_no_provider() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        store.add_account("kari", Role::Analyst, None, NOW).await.unwrap();
        let session = store.begin_session(1, &secret(1), "x", NOW).await.unwrap();
        assert_eq!(store.tie((1, session + 1), &subject("k"), NOW).await.unwrap(), Tying::Spent, "no such session");
        assert_eq!(store.tie((1, session), &subject("k"), NOW).await.unwrap(), Tying::Done);
        let comes = async |name: &str| store.come_in_tied(1, &subject(name), &secret(5), "x", NOW).await.unwrap();
        assert!(!comes("other").await);
        assert!(comes("k").await);
        assert!(!store.untie(1).await.unwrap(), "it would have no way in");
        store.set_disabled(1, true, NOW).await.unwrap();
        assert_eq!(store.tied(Scope::Operator, &subject("k")).await.unwrap(), None);
        assert!(!store.come_in_tied(1, &subject("k"), &secret(6), "x", NOW).await.unwrap());
        store.set_disabled(1, false, NOW).await.unwrap();
        store.reset(1).await.unwrap();
        assert_eq!(store.tied(Scope::Operator, &subject("k")).await.unwrap(), None, "begins anew");
    }
}
