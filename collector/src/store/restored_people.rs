//! Who may come in to a restored database: as it was in the one it replaces, not as it was when the backup was made. Who was shut out stays out.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use varde_common::time::Timestamp;

use super::restored::has_table;

/// An account as it was in the database that is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountThen {
    /// Number, and when it was added: the same number may have been given anew.
    who: (i64, i64),
    role: String,
    disabled_at: Option<i64>,
    password: Option<String>,
    totp: Option<Vec<u8>>,
    totp_step: i64,
    /// Hashes of the recovery codes that are left.
    recovery: Vec<Vec<u8>>,
    tie: Option<Tie>,
}

/// Who somebody is at the operator's own provider.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tie {
    issuer: String,
    subject: String,
    tied_at: i64,
}

/// Accounts, and the tokens that were good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    accounts: Vec<AccountThen>,
    /// Number, when it was added, its hash.
    tokens: BTreeSet<(i64, i64, Vec<u8>)>,
}

/// What holds of it in the restored database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Accounts whose role, password, second factor, tie to a provider or being disabled was another in the backup; none where the
    /// database that is replaced could not be read or had no accounts yet.
    pub accounts: Option<u64>,
    /// Accounts that the replaced database had no more: disabled.
    pub disabled: u64,
    /// Tokens that the replaced database had no more, or all where it could not be read: removed.
    pub tokens: u64,
    /// Ties to a provider that were removed because the replaced database could not be read.
    pub ties: u64,
}

async fn has_accounts(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM sqlite_master
        WHERE type = 'table' AND name IN ('account', 'recovery_code', 'page_session', 'page_link', 'page_token')";
    let found: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(found == 5)
}

/// Ties by account; there are none where the database is from before there were any.
async fn ties(conn: &mut SqliteConnection) -> Result<BTreeMap<i64, Tie>, sqlx::Error> {
    let mut ties = BTreeMap::new();
    if has_table(conn, "account_oidc").await? {
        let sql = "SELECT account_id, issuer, subject, tied_at FROM account_oidc";
        for (of, issuer, subject, tied_at) in sqlx::query_as(sql).fetch_all(conn).await? {
            ties.insert(of, Tie { issuer, subject, tied_at });
        }
    }
    Ok(ties)
}

/// Nobody comes in by a provider any more. Gives how many did.
async fn untie_all(conn: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    match has_table(conn, "account_oidc").await? {
        true => Ok(sqlx::query("DELETE FROM account_oidc").execute(conn).await?.rows_affected()),
        false => Ok(0),
    }
}

fn account(row: &SqliteRow) -> Result<AccountThen, sqlx::Error> {
    Ok(AccountThen {
        who: (row.try_get("id")?, row.try_get("added_at")?),
        role: row.try_get("role")?,
        disabled_at: row.try_get("disabled_at")?,
        password: row.try_get("password")?,
        totp: row.try_get("totp")?,
        totp_step: row.try_get("totp_step")?,
        recovery: Vec::new(),
        tie: None,
    })
}

/// Whom a database lets in; none where it is from before there were accounts.
///
/// # Errors
/// The database's own.
pub(super) async fn all(conn: &mut SqliteConnection) -> Result<Option<People>, sqlx::Error> {
    if !has_accounts(conn).await? {
        return Ok(None);
    }
    let sql = "SELECT id, added_at, role, disabled_at, password, totp, totp_step FROM account";
    let rows = sqlx::query(sql).fetch_all(&mut *conn).await?;
    let mut accounts = rows.iter().map(account).collect::<Result<Vec<_>, _>>()?;
    let mut codes: BTreeMap<i64, Vec<Vec<u8>>> = BTreeMap::new();
    let sql = "SELECT account_id, sha256 FROM recovery_code ORDER BY id";
    for (of, hash) in sqlx::query_as::<_, (i64, Vec<u8>)>(sql).fetch_all(&mut *conn).await? {
        codes.entry(of).or_default().push(hash);
    }
    let mut ties = ties(conn).await?;
    for account in &mut accounts {
        account.recovery = codes.remove(&account.who.0).unwrap_or_default();
        account.tie = ties.remove(&account.who.0);
    }
    let sql = "SELECT id, added_at, sha256 FROM page_token";
    let tokens = sqlx::query_as(sql).fetch_all(conn).await?.into_iter().collect();
    Ok(Some(People { accounts, tokens }))
}

/// Writes into a copy what was known of them; `None` where nothing is: then no token holds, and no tie to a provider.
///
/// # Errors
/// The database's own.
pub(super) async fn put(
    conn: &mut SqliteConnection,
    known: Option<&People>,
    now: Timestamp,
) -> Result<Held, sqlx::Error> {
    if !has_accounts(conn).await? {
        return Ok(Held { accounts: known.map(|_| 0), ..Held::default() });
    }
    // Sessions and links of then may have been ended since: everybody signs in anew.
    for sql in ["DELETE FROM page_session", "DELETE FROM page_link"] {
        sqlx::query(sql).execute(&mut *conn).await?;
    }
    let Some(People { accounts, tokens }) = known else {
        let tokens = sqlx::query("DELETE FROM page_token").execute(&mut *conn).await?.rows_affected();
        return Ok(Held { accounts: None, disabled: 0, tokens, ties: untie_all(conn).await? });
    };
    let mut held = Held { accounts: Some(write_accounts(conn, accounts).await?), ..Held::default() };
    let here: BTreeSet<(i64, i64)> = accounts.iter().map(|account| account.who).collect();
    let sql = "SELECT id, added_at FROM account WHERE disabled_at IS NULL";
    for who in sqlx::query_as::<_, (i64, i64)>(sql).fetch_all(&mut *conn).await? {
        if !here.contains(&who) {
            let sql = "UPDATE account SET disabled_at = $2 WHERE id = $1";
            held.disabled += sqlx::query(sql).bind(who.0).bind(now.0).execute(&mut *conn).await?.rows_affected();
        }
    }
    let sql = "SELECT id, added_at, sha256 FROM page_token";
    for token in sqlx::query_as::<_, (i64, i64, Vec<u8>)>(sql).fetch_all(&mut *conn).await? {
        if !tokens.contains(&token) {
            let gone = sqlx::query("DELETE FROM page_token WHERE id = $1").bind(token.0).execute(&mut *conn).await?;
            held.tokens += gone.rows_affected();
        }
    }
    Ok(held)
}

/// Gives how many were otherwise.
async fn write_accounts(conn: &mut SqliteConnection, accounts: &[AccountThen]) -> Result<u64, sqlx::Error> {
    let mut changed = 0;
    // All of then go first: whom the provider knows may have been given to another account since.
    let (is_kept, mut then) = (has_table(conn, "account_oidc").await?, ties(conn).await?);
    untie_all(conn).await?;
    for AccountThen { who, role, disabled_at, password, totp, totp_step, recovery, tie } in accounts {
        let sql = "UPDATE account SET role = $3, disabled_at = $4, password = $5, totp = $6
            WHERE id = $1 AND added_at = $2
                AND (role <> $3 OR disabled_at IS NOT $4 OR password IS NOT $5 OR totp IS NOT $6)";
        let update = sqlx::query(sql).bind(who.0).bind(who.1).bind(role).bind(disabled_at).bind(password).bind(totp);
        let mut is_other = update.execute(&mut *conn).await?.rows_affected() > 0;
        // A code that was taken since is taken still.
        let sql = "UPDATE account SET totp_step = $3 WHERE id = $1 AND added_at = $2";
        let is_there = sqlx::query(sql).bind(who.0).bind(who.1).bind(totp_step).execute(&mut *conn).await?;
        if is_there.rows_affected() == 0 {
            continue;
        }
        sqlx::query("DELETE FROM recovery_code WHERE account_id = $1").bind(who.0).execute(&mut *conn).await?;
        for hash in recovery {
            let sql = "INSERT INTO recovery_code (account_id, sha256) VALUES ($1, $2)";
            sqlx::query(sql).bind(who.0).bind(hash).execute(&mut *conn).await?;
        }
        is_other |= then.remove(&who.0) != *tie;
        if let Some(Tie { issuer, subject, tied_at }) = tie.as_ref().filter(|_| is_kept) {
            let sql = "INSERT INTO account_oidc (account_id, issuer, subject, tied_at) VALUES ($1, $2, $3, $4)";
            let insert = sqlx::query(sql).bind(who.0).bind(issuer).bind(subject).bind(tied_at);
            insert.execute(&mut *conn).await?;
        }
        changed += u64::from(is_other);
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::role::Role;
    use crate::account::secret::Secret;
    use crate::account::totp::TotpSecret;
    use crate::store::account::LinkKind;
    use crate::store::credentials::Factor;
    use crate::store::fixture::{Fixture, NOW};
    use crate::store::oidc::{Subject, Tying};
    use crate::store::page_token::NewToken;
    use crate::store::{Scope, Store};

    fn secret(octet: u8) -> Secret {
        Secret::new([octet; 32])
    }

    async fn with_people() -> Fixture {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        for (number, name) in [(1, "kari"), (2, "per"), (3, "ola"), (4, "siv")] {
            store.add_account(name, Role::Administrator, None, NOW).await.unwrap();
            store.make_link(LinkKind::Invitation, Some(number), &secret(9), NOW).await.unwrap();
            let factor = Factor { totp: TotpSecret::of(&secret(7)), step: 7, recovery: vec![[1; 32], [2; 32]] };
            let link = (LinkKind::Invitation, &secret(9));
            store.accept(link, None, ("then", &factor), NOW).await.unwrap();
        }
        for (name, octet) in [("siem", 21), ("vegg", 22)] {
            let new = NewToken { name, role: Role::Analyst, member: None, until: None };
            store.add_page_token(&new, &secret(octet), NOW).await.unwrap();
        }
        fixture
    }

    async fn settled(store: &Store, known: Option<&People>) -> Held {
        let mut tx = store.begin().await.unwrap();
        let held = put(&mut tx, known, NOW).await.unwrap();
        tx.commit().await.unwrap();
        held
    }

    #[tokio::test]
    async fn d9_a_restore_lets_nobody_in_again() {
        let (backup, living) = (with_people().await, with_people().await);
        let store = &living.store;
        store.remove_token(1).await.unwrap();
        store.set_disabled(1, true, NOW).await.unwrap();
        store.set_role(2, Role::Auditor).await.unwrap();
        store.reset(3).await.unwrap();
        store.take_recovery(4, &[1; 32]).await.unwrap();
        store.take_code_step(4, 9).await.unwrap();
        let known = all(&mut store.readers().acquire().await.unwrap()).await.unwrap().unwrap();

        let store = &backup.store;
        store.add_account("eva", Role::Administrator, None, NOW).await.unwrap();
        store.begin_session(2, &secret(51), "", NOW).await.unwrap();
        store.make_link(LinkKind::SignIn, Some(2), &secret(52), NOW).await.unwrap();
        let held = settled(store, Some(&known)).await;
        assert_eq!(held, Held { accounts: Some(3), disabled: 1, tokens: 1, ties: 0 });
        for table in ["page_session", "page_link"] {
            let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
            let left: i64 = sqlx::query_scalar(sql).fetch_one(store.readers()).await.unwrap();
            assert_eq!(left, 0, "{table}: everybody signs in anew");
        }
        let token = async |octet| store.token(Scope::Operator, &secret(octet), NOW).await.unwrap().is_some();
        assert_eq!((token(21).await, token(22).await), (false, true), "what was removed reads nothing");
        let comes_by = async |name| store.credentials(Scope::Operator, name).await.unwrap();
        assert_eq!(comes_by("kari").await, None, "disabled since");
        assert_eq!(comes_by("eva").await, None, "nobody knows of her");
        assert_eq!(store.account(Scope::Operator, 2).await.unwrap().unwrap().role, Role::Auditor);
        let ola = comes_by("ola").await.unwrap();
        assert_eq!((ola.password, ola.totp), (None, None), "what was taken away is not given back");
        assert!(!store.take_recovery(3, &[1; 32]).await.unwrap());
        assert!(!store.take_code_step(4, 9).await.unwrap() && !store.take_recovery(4, &[1; 32]).await.unwrap());
        assert!(store.take_recovery(4, &[2; 32]).await.unwrap(), "what was not used is good still");
    }

    #[tokio::test]
    async fn d9_a_restore_gives_nobody_a_provider_back_and_takes_none_away() {
        let (backup, living) = (with_people().await, with_people().await);
        let who = |subject: &str| Subject { issuer: "https://login.example".to_owned(), subject: subject.to_owned() };
        let tied = async |store: &Store, account, subject: &str, octet| {
            let link = secret(octet);
            store.make_link(LinkKind::Invitation, Some(account), &link, NOW).await.unwrap();
            let session = secret(octet + 1);
            let tying = store.accept_tied(&link, &who(subject), (&session, "x"), NOW).await.unwrap();
            assert_eq!(tying, Tying::Done);
        };
        for fixture in [&backup, &living] {
            tied(&fixture.store, 1, "kari", 31).await;
            tied(&fixture.store, 2, "per", 33).await;
            tied(&fixture.store, 4, "siv", 35).await;
        }
        // Since the backup: one is untied, one reset, and whom the provider knew as the latter is another account now.
        assert!(living.store.untie(1).await.unwrap());
        living.store.reset(2).await.unwrap();
        tied(&living.store, 3, "per", 37).await;
        let known = all(&mut living.store.readers().acquire().await.unwrap()).await.unwrap().unwrap();

        let held = settled(&backup.store, Some(&known)).await;
        assert_eq!(held, Held { accounts: Some(3), ..Held::default() });
        let whose =
            async |subject| backup.store.tied(Scope::Operator, &who(subject)).await.unwrap().map(|tied| tied.id);
        assert_eq!(whose("kari").await, None, "what was untied is not tied again");
        assert_eq!(whose("per").await, Some(3), "who was tied since comes in, and who was reset does not");
        assert_eq!(whose("siv").await, Some(4), "what holds still holds");
        assert_eq!(settled(&backup.store, None).await.ties, 2, "where nothing is known, none does");
        assert_eq!((whose("per").await, whose("siv").await), (None, None));
    }

    #[tokio::test]
    async fn d9_where_nothing_is_known_no_token_holds() {
        let backup = with_people().await;
        assert_eq!(settled(&backup.store, None).await, Held { accounts: None, disabled: 0, tokens: 2, ties: 0 });
        assert!(backup.store.credentials(Scope::Operator, "kari").await.unwrap().is_some());
    }
}
