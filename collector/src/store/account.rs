//! People's accounts, and the links by which they come in once.

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::limits::account::{ACCOUNTS_MAX, INVITED_FOR, LINK_FOR};

/// What a one-time link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// Makes the first administrator.
    First,
    /// Chooses password and second factor of an account.
    Invitation,
    /// Signs in.
    SignIn,
}

impl LinkKind {
    const ALL: [LinkKind; 3] = [LinkKind::First, LinkKind::Invitation, LinkKind::SignIn];

    /// Its word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkKind::First => "first",
            LinkKind::Invitation => "invitation",
            LinkKind::SignIn => "sign-in",
        }
    }

    /// How long it is good.
    pub fn lasts(self) -> std::time::Duration {
        match self {
            LinkKind::First | LinkKind::Invitation => INVITED_FOR,
            LinkKind::SignIn => LINK_FOR,
        }
    }
}

/// A link that is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What for.
    pub kind: LinkKind,
    /// Whose; none of the first.
    pub account: Option<AccountRow>,
}

/// An account as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// The number of its member.
    pub member: Option<String>,
    /// Whether a password was chosen.
    pub has_password: bool,
    /// Whether there is a second factor.
    pub has_second_factor: bool,
    /// Recovery codes that are left.
    pub recovery_codes: i64,
    /// Whether somebody comes in with it by the operator's own provider.
    pub tied: bool,
    /// Its language: nb, nn or en; none = the member's.
    pub language: Option<String>,
    /// When it was added.
    pub added_at: Timestamp,
    /// Since when it may not come in.
    pub disabled_at: Option<Timestamp>,
    /// When it last came in.
    pub last_in_at: Option<Timestamp>,
}

impl AccountRow {
    /// Whether somebody can come in with it: by password and code, or by the provider.
    pub fn comes_in(&self) -> bool {
        self.disabled_at.is_none() && ((self.has_password && self.has_second_factor) || self.tied)
    }
}

/// What became of an account that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedAccount {
    /// Its number.
    Added(i64),
    /// There is no such member.
    NoMember,
    /// There is one of that name.
    NameTaken,
    /// There are as many as there may be.
    TooMany,
}

/// Of an account `a`: it is an administrator that can come in, by password and code or by the operator's provider. Who was invited alone
/// cannot yet.
pub(super) const COMES_IN_AND_ADMINISTERS: &str = "a.role = 'administrator' AND a.disabled_at IS NULL
    AND ((a.password IS NOT NULL AND a.totp IS NOT NULL) OR EXISTS (SELECT 1 FROM account_oidc o WHERE o.account_id = a.id))";

const ROWS: &str = "SELECT a.id, a.name, a.role, m.number, a.password IS NOT NULL, a.totp IS NOT NULL,
    (SELECT COUNT(*) FROM recovery_code c WHERE c.account_id = a.id),
    EXISTS (SELECT 1 FROM account_oidc o WHERE o.account_id = a.id), a.language, a.added_at, a.disabled_at, a.last_in_at
    FROM account a LEFT JOIN member m ON m.id = a.member_id";

type Row = (i64, String, String, Option<String>, bool, bool, i64, bool, Option<String>, i64, Option<i64>, Option<i64>);

fn read(row: Row) -> Option<AccountRow> {
    let (
        id,
        name,
        role,
        member,
        has_password,
        has_second_factor,
        recovery_codes,
        tied,
        language,
        added,
        disabled,
        last,
    ) = row;
    Some(AccountRow {
        id,
        name,
        // A word this program does not know opens nothing.
        role: role.parse().ok()?,
        member,
        has_password,
        has_second_factor,
        recovery_codes,
        tied,
        language,
        added_at: Timestamp(added),
        disabled_at: disabled.map(Timestamp),
        last_in_at: last.map(Timestamp),
    })
}

/// The member of a number, or that a former number leads on to, if one is named; none where there is no such member.
pub(super) async fn member_id(
    conn: &mut SqliteConnection,
    number: Option<&MemberNumber>,
) -> Result<Option<Option<i64>>, sqlx::Error> {
    let Some(number) = number else { return Ok(Some(None)) };
    Ok(id_of(conn, number.as_str()).await?.map(Some))
}

/// `member.id` of a number, or of the member that a former number leads on to.
pub(super) async fn id_of(conn: &mut SqliteConnection, number: &str) -> Result<Option<i64>, sqlx::Error> {
    let sql = "SELECT id FROM member WHERE number = $1
        UNION ALL SELECT member_id FROM former_number WHERE number = $1 LIMIT 1";
    sqlx::query_scalar(sql).bind(number).fetch_optional(conn).await
}

pub(super) async fn insert(
    conn: &mut SqliteConnection,
    name: &str,
    role: Role,
    member: Option<i64>,
    now: Timestamp,
) -> Result<AddedAccount, sqlx::Error> {
    let sql = "SELECT COUNT(*), COUNT(CASE WHEN name = $1 THEN 1 END) FROM account";
    let (all, same): (i64, i64) = sqlx::query_as(sql).bind(name).fetch_one(&mut *conn).await?;
    if same > 0 {
        return Ok(AddedAccount::NameTaken);
    }
    if all >= ACCOUNTS_MAX {
        return Ok(AddedAccount::TooMany);
    }
    let sql = "INSERT INTO account (name, role, member_id, added_at) VALUES ($1, $2, $3, $4) RETURNING id";
    let insert = sqlx::query_scalar(sql).bind(name).bind(role.as_str()).bind(member).bind(now.0);
    Ok(AddedAccount::Added(insert.fetch_one(conn).await?))
}

/// Uses a link up. Gives whose it was; nobody's, where it is good no longer.
pub(super) async fn use_link(
    conn: &mut SqliteConnection,
    kind: LinkKind,
    secret: &Secret,
    now: Timestamp,
) -> Result<Option<i64>, sqlx::Error> {
    let sql = "DELETE FROM page_link WHERE sha256 = $1 AND kind = $2 AND until > $3 AND EXISTS
        (SELECT 1 FROM account a WHERE a.id = account_id AND a.disabled_at IS NULL) RETURNING account_id";
    let used = sqlx::query_scalar(sql).bind(secret.hash().to_vec()).bind(kind.as_str()).bind(now.0);
    used.fetch_optional(conn).await
}

impl Store {
    /// Adds an account; nobody can come in with it before a link is made for it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_account(
        &self,
        name: &str,
        role: Role,
        member: Option<&MemberNumber>,
        now: Timestamp,
    ) -> Result<AddedAccount, StoreError> {
        let mut tx = self.begin().await?;
        let Some(member) = member_id(&mut tx, member).await? else { return Ok(AddedAccount::NoMember) };
        let added = insert(&mut tx, name, role, member, now).await?;
        if matches!(added, AddedAccount::Added(_)) {
            tx.commit().await?;
        }
        Ok(added)
    }

    /// Whether anybody has an account.
    ///
    /// # Errors
    /// The database's own.
    pub async fn has_accounts(&self, _: Scope) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM account)";
        Ok(sqlx::query_scalar(sql).fetch_one(self.readers()).await?)
    }

    /// Accounts by name: all, or a member's.
    ///
    /// # Errors
    /// The database's own.
    pub async fn accounts(&self, scope: Scope) -> Result<Vec<AccountRow>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{ROWS} WHERE ($1 IS NULL OR a.member_id = $1) ORDER BY a.name"));
        let rows: Vec<Row> = sqlx::query_as(sql).bind(scope.member_id()).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// One of them by its number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn account(&self, scope: Scope, id: i64) -> Result<Option<AccountRow>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{ROWS} WHERE a.id = $1 AND ($2 IS NULL OR a.member_id = $2)"));
        let row: Option<Row> =
            sqlx::query_as(sql).bind(id).bind(scope.member_id()).fetch_optional(self.readers()).await?;
        Ok(row.and_then(read))
    }

    /// One of them by its name.
    ///
    /// # Errors
    /// The database's own.
    pub async fn account_named(&self, scope: Scope, name: &str) -> Result<Option<AccountRow>, StoreError> {
        Ok(self.accounts(scope).await?.into_iter().find(|account| account.name == name))
    }

    /// Makes a link good; those of the same kind for the same account are good no longer. Of an account that may not come in none is made.
    ///
    /// # Errors
    /// The database's own.
    pub async fn make_link(
        &self,
        kind: LinkKind,
        account: Option<i64>,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM page_link WHERE until <= $1 OR (kind = $2 AND COALESCE(account_id, 0) = $3)";
        let old = sqlx::query(sql).bind(now.0).bind(kind.as_str()).bind(account.unwrap_or(0));
        old.execute(&mut *tx).await?;
        let sql = "INSERT INTO page_link (kind, account_id, sha256, until) VALUES ($1, $2, $3, $4)";
        let insert = sqlx::query(sql).bind(kind.as_str()).bind(account).bind(secret.hash().to_vec());
        insert.bind(now.plus(kind.lasts()).0).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// What a link is good for, without using it up.
    ///
    /// # Errors
    /// The database's own.
    pub async fn link(&self, scope: Scope, secret: &Secret, now: Timestamp) -> Result<Option<Link>, StoreError> {
        let sql = "SELECT l.kind, l.account_id FROM page_link l LEFT JOIN account a ON a.id = l.account_id
            WHERE l.sha256 = $1 AND l.until > $2 AND a.disabled_at IS NULL";
        let row: Option<(String, Option<i64>)> =
            sqlx::query_as(sql).bind(secret.hash().to_vec()).bind(now.0).fetch_optional(self.readers()).await?;
        let Some((kind, account)) = row else { return Ok(None) };
        let Some(kind) = LinkKind::ALL.into_iter().find(|known| known.as_str() == kind) else { return Ok(None) };
        let account = match account {
            Some(id) => match self.account(scope, id).await? {
                Some(account) => Some(account),
                None => return Ok(None),
            },
            // Only as long as nobody has an account.
            None if kind == LinkKind::First && !self.has_accounts(scope).await? => None,
            None => return Ok(None),
        };
        Ok(Some(Link { kind, account }))
    }

    /// Lets an account come in, or not any more; then its sessions and links are over. Gives whether that changed anything.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_disabled(&self, id: i64, disabled: bool, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !disable(&mut tx, id, disabled.then_some(now)).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Gives an account another role; its sessions are over, so that none goes on with rights of before. Gives whether there is one whose
    /// member fits.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_role(&self, id: i64, role: Role) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !give_role(&mut tx, id, role).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// How many administrators can come in.
    ///
    /// # Errors
    /// The database's own.
    pub async fn administrators(&self, _: Scope) -> Result<i64, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM account a WHERE {COMES_IN_AND_ADMINISTERS}"));
        Ok(sqlx::query_scalar(sql).fetch_one(self.readers()).await?)
    }

    /// The language somebody wants to read in: nb, nn or en.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_language(&self, id: i64, language: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE account SET language = $2 WHERE id = $1").bind(id).bind(language).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}

/// Since when an account may not come in; its sessions and links are over. Gives whether that changed anything.
pub(super) async fn disable(
    conn: &mut SqliteConnection,
    id: i64,
    since: Option<Timestamp>,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE account SET disabled_at = $2 WHERE id = $1 AND (disabled_at IS NULL) = ($2 IS NOT NULL)";
    let at = since.map(|since| since.0);
    let changed = sqlx::query(sql).bind(id).bind(at).execute(&mut *conn).await?.rows_affected() > 0;
    if changed {
        end_all(conn, id).await?;
    }
    Ok(changed)
}

/// An account has this role, and no session. Gives whether there is one whose member fits.
pub(super) async fn give_role(conn: &mut SqliteConnection, id: i64, role: Role) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE account SET role = $2 WHERE id = $1 AND (member_id IS NOT NULL) = $3";
    let set = sqlx::query(sql).bind(id).bind(role.as_str()).bind(role.at_member());
    let changed = set.execute(&mut *conn).await?.rows_affected() > 0;
    if changed {
        end_all(conn, id).await?;
    }
    Ok(changed)
}

/// An account's sessions and links are over.
pub(super) async fn end_all(conn: &mut SqliteConnection, account: i64) -> Result<(), sqlx::Error> {
    for sql in ["DELETE FROM page_session WHERE account_id = $1", "DELETE FROM page_link WHERE account_id = $1"] {
        sqlx::query(sql).bind(account).execute(&mut *conn).await?;
    }
    Ok(())
}

/// All accounts and tokens of a member go. Gives how many accounts.
pub(super) async fn forget_member(conn: &mut SqliteConnection, member: i64) -> Result<u64, sqlx::Error> {
    let of = "account_id IN (SELECT id FROM account WHERE member_id = $1)";
    for table in ["page_session", "page_link", "recovery_code", "account_oidc"] {
        let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE {of}"));
        sqlx::query(sql).bind(member).execute(&mut *conn).await?;
    }
    sqlx::query("DELETE FROM page_token WHERE member_id = $1").bind(member).execute(&mut *conn).await?;
    let gone = sqlx::query("DELETE FROM account WHERE member_id = $1").bind(member).execute(conn).await?;
    Ok(gone.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn secret(octet: u8) -> Secret {
        Secret::new([octet; 32])
    }

    #[tokio::test]
    async fn a_former_number_leads_on_to_its_member_and_a_number_in_use_to_who_has_it() {
        let fixture = Fixture::new(2).await;
        fixture.run("INSERT INTO former_number VALUES ('0999', 2, 'Gammelby', 1), ('1001', 2, 'Gammelby', 1)").await;
        let mut conn = fixture.store.begin().await.unwrap();
        for (number, id) in [("0999", Some(2)), ("1001", Some(1)), ("9999", None)] {
            assert_eq!(id_of(&mut conn, number).await.unwrap(), id, "{number}");
        }
    }

    #[tokio::test]
    async fn w3_a_link_is_good_once_for_so_long_and_the_newest_alone() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        let number = "1001".parse().unwrap();
        assert_eq!(store.add_account("kari", Role::It, Some(&number), NOW).await.unwrap(), AddedAccount::Added(1));
        assert_eq!(store.add_account("kari", Role::Analyst, None, NOW).await.unwrap(), AddedAccount::NameTaken);
        let none = "9999".parse().unwrap();
        assert_eq!(store.add_account("per", Role::It, Some(&none), NOW).await.unwrap(), AddedAccount::NoMember);
        let good = async |octet: u8, at: Timestamp| {
            let link = store.link(Scope::Operator, &secret(octet), at).await.unwrap();
            link.map(|link| (link.kind, link.account.unwrap().name))
        };
        store.make_link(LinkKind::SignIn, Some(1), &secret(1), NOW).await.unwrap();
        store.make_link(LinkKind::SignIn, Some(1), &secret(2), NOW).await.unwrap();
        assert_eq!(good(1, NOW).await, None, "a newer one was made");
        assert_eq!(good(2, NOW).await, Some((LinkKind::SignIn, "kari".to_owned())));
        assert_eq!(good(2, NOW.plus(LINK_FOR)).await, None, "its time is over");
        let used = async |kind| {
            let mut tx = store.begin().await.unwrap();
            let used = use_link(&mut tx, kind, &secret(2), NOW).await.unwrap();
            tx.commit().await.unwrap();
            used
        };
        assert_eq!(used(LinkKind::Invitation).await, None, "another kind");
        assert_eq!(used(LinkKind::SignIn).await, Some(1));
        assert_eq!(used(LinkKind::SignIn).await, None, "once");
        store.make_link(LinkKind::Invitation, Some(1), &secret(3), NOW).await.unwrap();
        assert!(store.set_disabled(1, true, NOW).await.unwrap() && !store.set_disabled(1, true, NOW).await.unwrap());
        assert!(store.set_disabled(1, false, NOW).await.unwrap());
        assert_eq!(good(3, NOW).await, None, "who was shut out begins anew");
        assert!(!store.set_role(1, Role::Analyst).await.unwrap(), "a member's account has a member's role");
        assert!(store.set_role(1, Role::Management).await.unwrap());
    }

    #[tokio::test]
    async fn w3_the_link_for_the_first_account_is_good_as_long_as_there_is_none() {
        let Fixture { store, .. } = &Fixture::new(1).await;
        store.make_link(LinkKind::First, None, &secret(1), NOW).await.unwrap();
        let link = async || store.link(Scope::Operator, &secret(1), NOW).await.unwrap();
        assert_eq!(link().await, Some(Link { kind: LinkKind::First, account: None }));
        store.add_account("kari", Role::Analyst, None, NOW).await.unwrap();
        assert_eq!(link().await, None);
        assert_eq!(store.accounts(Scope::Member(1)).await.unwrap(), []);
        assert_eq!(store.account(Scope::Member(1), 1).await.unwrap(), None);
    }

    #[tokio::test]
    async fn q3_a_members_accounts_go_with_it() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        let number = "1001".parse().unwrap();
        store.add_account("kari", Role::It, Some(&number), NOW).await.unwrap();
        store.make_link(LinkKind::SignIn, Some(1), &secret(1), NOW).await.unwrap();
        let gone = store.depart(1, NOW).await.unwrap();
        assert_eq!(gone.deleted.accounts, 1, "its certificate counts them");
        assert_eq!(fixture.count("SELECT COUNT(*) FROM account").await, 0);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM page_link").await, 0);
    }
}
