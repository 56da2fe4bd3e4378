//! The last word of which list is the newest: whoever says the next one, the running collector or a command beside it, knows of it.

use varde_common::channel::ChannelName;

use super::{Scope, Store, StoreError};

/// Where a channel's word stands among the settings.
fn key_of(channel: &ChannelName) -> String {
    format!("newest_word_{channel}")
}

impl Store {
    /// The last word of a channel, as it was signed; none where none was kept yet. A member reads none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_word(&self, scope: Scope, channel: &ChannelName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.setting(scope, &key_of(channel)).await?.map(String::into_bytes))
    }

    /// Keeps the last word of a channel. One that is no text is none of ours.
    ///
    /// # Errors
    /// The database's own.
    pub async fn keep_newest_word(&self, channel: &ChannelName, signed: &[u8]) -> Result<(), StoreError> {
        match std::str::from_utf8(signed) {
            Ok(text) => self.set_setting(&key_of(channel), text).await,
            Err(_) => Ok(()),
        }
    }
}
