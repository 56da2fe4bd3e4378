//! Which list is the newest, by the word of the timestamp role: an online key at the collector, which says it again and again.
//!
//! It gives no list any force. It only shows that lists are held back: a sensor that hears nothing for a day says so, and so
//! does one to which a newer list was named than it gets. Whoever steals this key can hold lists back and no more.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::channel::ChannelName;
use crate::id::Revision;
use crate::time::Timestamp;
use crate::trust::{self, Domain, Root, Untrusted, hex, sha256};

/// The word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    /// For whom.
    pub channel: String,
    /// The newest list there.
    pub revision: Revision,
    /// SHA-256 of its signed manifest, 64 hex digits.
    pub manifest_sha256: String,
    /// When this was said.
    pub at: Timestamp,
}

/// Why a word is not believed. The one before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// The signatures are not good.
    #[error("the word of which list is the newest is not to be trusted: {0}")]
    Untrusted(#[from] Untrusted),
    /// Meant for others.
    #[error("the word of which list is the newest is for channel \"{0}\"")]
    WrongChannel(String),
    /// It was said before the one that is known.
    #[error("the word of which list is the newest is of {offered}, older than that of {known}, which is known")]
    Older {
        /// When it was said.
        offered: Timestamp,
        /// When the known one was.
        known: Timestamp,
    },
    /// It names an older list than the one before it did.
    #[error("list {offered} is named as the newest, and list {known} was before")]
    Fewer {
        /// Named now.
        offered: Revision,
        /// Named before.
        known: Revision,
    },
    /// It was said in the future.
    #[error("the word of which list is the newest is of {0}, which is still to come")]
    Ahead(Timestamp),
}

impl Newest {
    /// That the list with this signed manifest is the newest of a channel.
    pub fn of(channel: &ChannelName, manifest: &[u8], revision: Revision, at: Timestamp) -> Newest {
        let manifest_sha256 = hex(&sha256(manifest));
        Newest { channel: channel.to_string(), revision, manifest_sha256, at }
    }

    /// Signs it.
    ///
    /// # Errors
    /// When it cannot be written as JSON; none of ours is such a one.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<Vec<u8>, serde_json::Error> {
        trust::sign(Domain::Newest, self, keys)
    }

    /// Reads a word for a channel and holds it against the one known before. `latest` is the latest time it may be of.
    ///
    /// # Errors
    /// [`NotBelieved`].
    pub fn accept(
        octets: &[u8],
        root: &Root,
        channel: &ChannelName,
        known: Option<&Newest>,
        latest: Timestamp,
    ) -> Result<Newest, NotBelieved> {
        let newest: Newest = trust::verify(Domain::Newest, octets, &root.keys, &root.roles.timestamp)?;
        if newest.channel != channel.as_str() {
            return Err(NotBelieved::WrongChannel(newest.channel));
        }
        if newest.at > latest {
            return Err(NotBelieved::Ahead(newest.at));
        }
        if let Some(known) = known {
            if newest.at < known.at {
                return Err(NotBelieved::Older { offered: newest.at, known: known.at });
            }
            if newest.revision < known.revision {
                return Err(NotBelieved::Fewer { offered: newest.revision, known: known.revision });
            }
        }
        Ok(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::tests::root_with;
    use crate::trust::{Role, key_id};

    #[test]
    fn l2_a_word_is_signed_by_its_role_and_never_older_than_the_one_before() {
        let (key, stranger) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let mut root = root_with(&[&key], 1);
        let all = ChannelName::default();
        let said = |revision, at| Newest::of(&all, b"manifest", Revision(revision), Timestamp(at));
        let latest = Timestamp(100);
        let sign = |newest: &Newest, key| newest.sign(&[key]).unwrap();
        let no_role = Newest::accept(&sign(&said(3, 50), &key), &root, &all, None, latest);
        assert_eq!(no_role, Err(NotBelieved::Untrusted(Untrusted::NoSuchRole)));
        root.roles.timestamp = Role { keys: [key_id(&key.verifying_key())].into(), threshold: 1 };
        let accept = |octets: &[u8], known: Option<&Newest>| Newest::accept(octets, &root, &all, known, latest);
        let first = accept(&sign(&said(3, 50), &key), None).unwrap();
        assert_eq!(first, said(3, 50));
        assert!(matches!(accept(&sign(&said(3, 50), &stranger), None), Err(NotBelieved::Untrusted(_))));
        let as_list = trust::sign(Domain::List, &said(3, 50), &[&key]).unwrap();
        assert!(matches!(accept(&as_list, None), Err(NotBelieved::Untrusted(_))));
        assert!(matches!(accept(&sign(&said(4, 49), &key), Some(&first)), Err(NotBelieved::Older { .. })));
        assert!(matches!(accept(&sign(&said(2, 60), &key), Some(&first)), Err(NotBelieved::Fewer { .. })));
        assert!(matches!(accept(&sign(&said(4, 101), &key), Some(&first)), Err(NotBelieved::Ahead(_))));
        let pilot = Newest { channel: "pilot".to_owned(), ..said(4, 60) };
        assert!(matches!(accept(&sign(&pilot, &key), Some(&first)), Err(NotBelieved::WrongChannel(_))));
        assert_eq!(accept(&sign(&said(3, 50), &key), Some(&first)), Ok(said(3, 50)), "the same again");
        assert_eq!(accept(&sign(&said(4, 60), &key), Some(&first)), Ok(said(4, 60)));
    }
}
