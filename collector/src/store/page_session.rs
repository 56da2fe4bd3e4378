//! Sessions of the pages: begun, known by their name's hash, ended.

use std::time::Duration;

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::account::LinkKind;
use super::{Scope, Store, StoreError};
use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::account::totp::TotpSecret;
use crate::limits::account::{SEEN_EVERY, SESSION_MAX, SESSIONS_OF_ONE_MAX};

/// Characters kept of what a browser says it is.
const PROGRAM_MAX_CHARACTERS: usize = 200;

/// Somebody whose session is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The session's number.
    pub session: i64,
    /// The account's number.
    pub account: i64,
    /// The account's name.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// `member.id` and number, of a role at a member.
    pub member: Option<(i64, String)>,
    /// The language the account or its member reads in: nb, nn or en.
    pub language: Option<String>,
    /// When that somebody is there was last noted.
    pub seen_at: Timestamp,
    /// A one-time link began it, and no password was chosen in it yet: one may be, without the old.
    pub recovers: bool,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionRow {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub began_at: Timestamp,
    /// When somebody was there last, to the minute.
    pub seen_at: Timestamp,
    /// What the browser says it is.
    pub program: String,
}

type Row = (i64, i64, String, String, Option<i64>, Option<String>, Option<String>, Option<String>, i64, i64, bool);

/// Whether a session is over, by when it began and when somebody was there last. A clock that was set back ends none.
fn is_over(role: Role, began: Timestamp, seen: Timestamp, now: Timestamp) -> bool {
    let passed = |since: Timestamp| if since > now { Duration::ZERO } else { now.since(since) };
    passed(began) >= SESSION_MAX || passed(seen) >= role.idle()
}

/// A session; of one account's the oldest go where there are many, and those of everybody whose time is over.
pub(super) async fn insert(
    conn: &mut SqliteConnection,
    account: i64,
    secret: &Secret,
    program: &str,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let sql = "DELETE FROM page_session WHERE began_at <= $1";
    sqlx::query(sql).bind(now.minus(SESSION_MAX).0).execute(&mut *conn).await?;
    let sql = "DELETE FROM page_session WHERE account_id = $1 AND id NOT IN
        (SELECT id FROM page_session WHERE account_id = $1 ORDER BY id DESC LIMIT $2)";
    sqlx::query(sql).bind(account).bind(SESSIONS_OF_ONE_MAX - 1).execute(&mut *conn).await?;
    let program: String = program.chars().filter(|c| !c.is_control()).take(PROGRAM_MAX_CHARACTERS).collect();
    let sql = "INSERT INTO page_session (account_id, sha256, began_at, seen_at, program)
        VALUES ($1, $2, $3, $3, $4) RETURNING id";
    let insert = sqlx::query_scalar(sql).bind(account).bind(secret.hash().to_vec()).bind(now.0).bind(program);
    let id: i64 = insert.fetch_one(&mut *conn).await?;
    let sql = "UPDATE account SET last_in_at = $2 WHERE id = $1";
    sqlx::query(sql).bind(account).bind(now.0).execute(conn).await?;
    Ok(id)
}

impl Store {
    /// Begins a session, whoever it is for.
    #[cfg(test)]
    pub(crate) async fn begin_session(
        &self,
        account: i64,
        secret: &Secret,
        program: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let id = insert(&mut tx, account, secret, program, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Begins a session for who came by these, unless they hold no longer: an account that was disabled or reset while a password was looked
    /// at lets nobody in. Gives whether it began.
    ///
    /// # Errors
    /// The database's own.
    pub async fn come_in(
        &self,
        account: i64,
        by: (&str, &TotpSecret),
        secret: &Secret,
        program: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT COUNT(*) FROM account WHERE id = $1 AND disabled_at IS NULL AND password = $2 AND totp = $3";
        let holds = sqlx::query_scalar(sql).bind(account).bind(by.0).bind(by.1.octets().to_vec());
        let holds: i64 = holds.fetch_one(&mut *tx).await?;
        if holds == 0 {
            return Ok(false);
        }
        insert(&mut tx, account, secret, program, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Begins a session by a link that signs in, and uses the link up with it. Gives whether it was good.
    ///
    /// # Errors
    /// The database's own.
    pub async fn come_in_by_link(
        &self,
        link: &Secret,
        secret: &Secret,
        program: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let Some(account) = super::account::use_link(&mut tx, LinkKind::SignIn, link, now).await? else {
            return Ok(false);
        };
        let session = insert(&mut tx, account, secret, program, now).await?;
        sqlx::query("UPDATE page_session SET recovers = 1 WHERE id = $1").bind(session).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whose session this is; nobody's, where it is over, was ended, or its account may not come in.
    ///
    /// # Errors
    /// The database's own.
    pub async fn session(&self, _: Scope, secret: &Secret, now: Timestamp) -> Result<Option<SignedIn>, StoreError> {
        let sql = "SELECT s.id, a.id, a.name, a.role, a.member_id, m.number, a.language,
                CASE m.language WHEN 'bokmaal' THEN 'nb' WHEN 'nynorsk' THEN 'nn' END, s.began_at, s.seen_at, s.recovers <> 0
            FROM page_session s JOIN account a ON a.id = s.account_id LEFT JOIN member m ON m.id = a.member_id
            WHERE s.sha256 = $1 AND a.disabled_at IS NULL";
        let row: Option<Row> = sqlx::query_as(sql).bind(secret.hash().to_vec()).fetch_optional(self.readers()).await?;
        let Some((session, account, name, role, member, number, language, members, began, seen, recovers)) = row else {
            return Ok(None);
        };
        let Ok(role) = role.parse::<Role>() else { return Ok(None) };
        let seen_at = Timestamp(seen);
        // A role at a member without its member sees nothing, never everything.
        if !role.fits(member.is_some()) || !role.is_a_persons() || is_over(role, Timestamp(began), seen_at, now) {
            return Ok(None);
        }
        let language = language.or(members);
        Ok(Some(SignedIn { session, account, name, role, member: member.zip(number), language, seen_at, recovers }))
    }

    /// Notes that somebody is there, unless that was noted of late.
    ///
    /// # Errors
    /// The database's own.
    pub async fn session_seen(&self, signed: &SignedIn, now: Timestamp) -> Result<(), StoreError> {
        if signed.seen_at <= now && now.since(signed.seen_at) < SEEN_EVERY {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let sql = "UPDATE page_session SET seen_at = $2 WHERE id = $1";
        sqlx::query(sql).bind(signed.session).bind(now.0).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// An account's sessions, the last begun first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sessions(&self, scope: Scope, account: i64, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
        let sql = "SELECT s.id, s.began_at, s.seen_at, s.program, a.role FROM page_session s
            JOIN account a ON a.id = s.account_id
            WHERE a.id = $1 AND ($2 IS NULL OR a.member_id = $2) ORDER BY s.id DESC";
        let rows: Vec<(i64, i64, i64, String, String)> =
            sqlx::query_as(sql).bind(account).bind(scope.member_id()).fetch_all(self.readers()).await?;
        let read = |(id, began, seen, program, role): (i64, i64, i64, String, String)| {
            let (began_at, seen_at) = (Timestamp(began), Timestamp(seen));
            let over = role.parse().is_ok_and(|role| is_over(role, began_at, seen_at, now));
            (!over).then_some(SessionRow { id, began_at, seen_at, program })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Ends a session of an account. Gives whether there was one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn end_session(&self, account: i64, session: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM page_session WHERE id = $1 AND account_id = $2";
        let ended = sqlx::query(sql).bind(session).bind(account).execute(&mut *tx).await?.rows_affected();
        // Of nothing that ended nothing is noted.
        if ended > 0 {
            tx.commit().await?;
        }
        Ok(ended > 0)
    }

    /// Ends an account's sessions, but for one. Gives how many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn end_sessions(&self, account: i64, but: Option<i64>) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM page_session WHERE account_id = $1 AND id <> $2";
        let ended = sqlx::query(sql).bind(account).bind(but.unwrap_or(-1)).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::credentials::Factor;
    use crate::store::fixture::Fixture;

    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn secret(octet: u8) -> Secret {
        Secret::new([octet; 32])
    }

    async fn account(store: &Store, name: &str, role: Role) {
        store.add_account(name, role, None, NOW).await.unwrap();
    }

    #[tokio::test]
    async fn w3_a_session_ends_by_idleness_by_age_and_when_it_is_ended() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        account(store, "kari", Role::Administrator).await;
        store.begin_session(1, &secret(1), "Firefox\u{1b}[2J", NOW).await.unwrap();
        let at = |seconds: u64| NOW.plus(Duration::from_secs(seconds));
        let is_good =
            async |octet: u8, seconds| store.session(Scope::Operator, &secret(octet), at(seconds)).await.unwrap();
        let signed = is_good(1, 899).await.unwrap();
        assert_eq!((signed.name.as_str(), signed.role, &signed.member), ("kari", Role::Administrator, &None));
        assert_eq!(is_good(1, 900).await, None, "a quarter of an hour without a deed");
        assert_eq!(is_good(2, 1).await, None, "another name");
        store.session_seen(&signed, at(59)).await.unwrap();
        assert_eq!(is_good(1, 0).await.unwrap().seen_at, NOW, "noted once a minute");
        let mut seconds = 0;
        while let Some(signed) = is_good(1, seconds).await {
            store.session_seen(&signed, at(seconds)).await.unwrap();
            seconds += 600;
        }
        assert_eq!(seconds, 8 * 3_600, "and eight hours whatever is done");
        store.begin_session(1, &secret(2), "", at(seconds)).await.unwrap();
        assert_eq!(fixture.count("SELECT COUNT(*) FROM page_session").await, 1, "what is over is forgotten");
        store.begin_session(1, &secret(3), "", at(seconds)).await.unwrap();
        let rows = store.sessions(Scope::Operator, 1, at(seconds)).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert!(!store.end_session(2, rows[0].id).await.unwrap(), "nobody ends another's");
        assert!(store.end_session(1, rows[0].id).await.unwrap());
        assert_eq!(is_good(3, seconds).await, None);
        assert!(is_good(2, seconds).await.is_some());
        store.set_role(1, Role::Auditor).await.unwrap();
        assert_eq!(is_good(2, seconds).await, None, "rights of before are over");
        store.begin_session(1, &secret(4), "", at(seconds)).await.unwrap();
        store.set_disabled(1, true, NOW).await.unwrap();
        assert_eq!(is_good(4, seconds).await, None);
        assert_eq!(
            fixture.count("SELECT COUNT(*) FROM page_session WHERE program LIKE '%' || char(27) || '%'").await,
            0
        );
    }

    #[tokio::test]
    async fn w3_one_account_has_so_many_sessions_and_kept_are_hashes_alone() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        account(store, "kari", Role::Analyst).await;
        for octet in 0..20 {
            store.begin_session(1, &secret(octet), "", NOW).await.unwrap();
        }
        let rows = store.sessions(Scope::Operator, 1, NOW).await.unwrap();
        assert_eq!(rows.len(), usize::try_from(SESSIONS_OF_ONE_MAX).unwrap());
        assert_eq!(store.session(Scope::Operator, &secret(0), NOW).await.unwrap(), None, "the oldest went");
        assert_eq!(store.end_sessions(1, Some(rows[0].id)).await.unwrap(), 9);
        assert!(store.session(Scope::Operator, &secret(19), NOW).await.unwrap().is_some());
        let kept: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT sha256 FROM page_session").fetch_all(store.readers()).await.unwrap();
        assert_eq!(kept, [secret(19).hash().to_vec()]);
        assert_eq!(store.sessions(Scope::Member(1), 1, NOW).await.unwrap(), []);
    }

    #[tokio::test]
    async fn w3_a_sign_in_under_way_comes_to_nothing_once_the_account_is_reset_or_disabled() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        account(store, "kari", Role::Analyst).await;
        let totp = TotpSecret::of(&secret(7));
        let choose = async || {
            store.make_link(LinkKind::Invitation, Some(1), &secret(9), NOW).await.unwrap();
            let factor = Factor { totp: totp.clone(), step: 1, recovery: Vec::new() };
            store.accept((LinkKind::Invitation, &secret(9)), None, ("kept", &factor), NOW).await.unwrap();
        };
        choose().await;
        let comes = async |password: &str, totp: &TotpSecret| {
            store.come_in(1, (password, totp), &secret(1), "", NOW).await.unwrap()
        };
        let another = TotpSecret::of(&secret(8));
        assert!(!comes("another", &totp).await && !comes("kept", &another).await);
        store.make_link(LinkKind::SignIn, Some(1), &secret(5), NOW).await.unwrap();
        store.reset(1).await.unwrap();
        assert!(!comes("kept", &totp).await, "what was looked at is not what holds");
        assert!(!store.come_in_by_link(&secret(5), &secret(2), "", NOW).await.unwrap());
        choose().await;
        store.make_link(LinkKind::SignIn, Some(1), &secret(6), NOW).await.unwrap();
        fixture.run("UPDATE account SET disabled_at = 1").await;
        assert!(!comes("kept", &totp).await && !store.come_in_by_link(&secret(6), &secret(2), "", NOW).await.unwrap());
        assert_eq!(fixture.count("SELECT COUNT(*) FROM page_session").await, 0);
        fixture.run("UPDATE account SET disabled_at = NULL").await;
        assert!(comes("kept", &totp).await && store.come_in_by_link(&secret(6), &secret(2), "", NOW).await.unwrap());
        assert!(!store.come_in_by_link(&secret(6), &secret(3), "", NOW).await.unwrap(), "once");
    }

    #[tokio::test]
    async fn w1_a_role_at_a_member_that_has_none_is_nobody() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        account(store, "kari", Role::Analyst).await;
        store.begin_session(1, &secret(1), "", NOW).await.unwrap();
        for sql in [
            "UPDATE account SET role = 'it'",
            "UPDATE account SET role = 'analyst', member_id = 1",
            "UPDATE account SET role = 'wall', member_id = NULL",
            "UPDATE account SET role = 'root'",
        ] {
            fixture.run(sql).await;
            assert_eq!(store.session(Scope::Operator, &secret(1), NOW).await.unwrap(), None, "{sql}");
        }
    }
}
