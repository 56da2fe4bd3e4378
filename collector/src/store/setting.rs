//! What the operator has set: one value a key.

use super::{Scope, Store, StoreError};
use crate::beat::Fare;

/// The operator's name.
pub const OPERATOR_NAME: &str = "operator_name";
/// What sensors dial.
pub const ADDRESS: &str = "address";
/// Where the list key is: [`ONLINE`] or [`DUTY`]; noted for the page by whoever can see the keys.
pub const LIST_KEY_MODE: &str = "list_key_mode";
/// What confidential indicators are hashed with, 64 hex digits; drawn when first needed. It lies beside the indicators themselves.
pub const CONFIDENTIAL_KEY: &str = "confidential_key";
/// For how long the list on its way was watched: its number among them, its number as a list, milliseconds.
pub const ROLLOUT_WATCHED: &str = "rollout_watched";
/// A list key lies on the collector.
pub const ONLINE: &str = "online";
/// It does not: an analyst's own machine signs.
pub const DUTY: &str = "duty";

/// Where the operator's accessibility statement is: an address of the web, as `collector.toml` says; not there where it says none.
pub const ACCESSIBILITY_STATEMENT: &str = "accessibility_statement";
/// The telephone that members ring, as `collector.toml` says; not there where it says none.
pub const OPERATOR_TELEPHONE: &str = "operator_telephone";
/// [`ON`] where mail is handed to a mail server; not there where it is not.
pub const MAIL: &str = "mail";
/// It is so.
pub const ON: &str = "on";
/// How the outgoing heartbeat fares, as JSON; not there where none is sent.
pub const HEARTBEAT: &str = "heartbeat";

impl Store {
    /// How the outgoing heartbeat fares; none where none is sent. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn heartbeat_fare(&self, scope: Scope) -> Result<Option<Fare>, StoreError> {
        let text = self.setting(scope, HEARTBEAT).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Forgets a value.
    ///
    /// # Errors
    /// The database's own.
    pub async fn forget_setting(&self, key: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM setting WHERE key = $1").bind(key).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// A setting's value. Settings are the operator's; a member reads none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn setting(&self, scope: Scope, key: &str) -> Result<Option<String>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let value = sqlx::query_scalar("SELECT value FROM setting WHERE key = $1").bind(key);
        Ok(value.fetch_optional(self.readers()).await?)
    }

    /// A setting's value that is set once and for all: this one, where none is yet.
    ///
    /// # Errors
    /// The database's own.
    pub async fn setting_once(&self, key: &str, value: &str) -> Result<String, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
        sqlx::query(sql).bind(key).bind(value).execute(&mut *tx).await?;
        let kept = sqlx::query_scalar("SELECT value FROM setting WHERE key = $1").bind(key).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// Sets a value.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(key).bind(value).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_setting_is_the_operators_and_the_last_one_counts() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        assert_eq!(store.setting(Scope::Operator, ADDRESS).await.unwrap(), None);
        store.set_setting(ADDRESS, "a.example").await.unwrap();
        store.set_setting(ADDRESS, "b.example").await.unwrap();
        assert_eq!(store.setting(Scope::Operator, ADDRESS).await.unwrap().as_deref(), Some("b.example"));
        assert_eq!(store.setting(Scope::Member(1), ADDRESS).await.unwrap(), None);
        assert_eq!(store.setting_once(CONFIDENTIAL_KEY, "first").await.unwrap(), "first");
        assert_eq!(store.setting_once(CONFIDENTIAL_KEY, "second").await.unwrap(), "first");
    }
}
