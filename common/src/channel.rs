//! Channels: which of the lists a sensor follows, and the signed word that has it follow another.
//!
//! A list is for one channel. A sensor follows *all* until a word of the list role, for this one sensor, names another;
//! whoever owns the collector or its network name cannot say that word, and so cannot have a sensor look for less, or for
//! what was looked for last year. A later word replaces an earlier one, never the other way.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::id::SensorId;
use crate::limits::{CHANNEL_NAME_MAX_OCTETS, PLACEMENT_AHEAD_MAX_S, PLACEMENT_MAX_OCTETS};
use crate::list::CHANNEL_ALL;
use crate::time::Timestamp;
use crate::trust::{self, Domain, Root, Untrusted};

/// A channel's name: small letters, digits and hyphens, beginning with a letter. It is a part of a file's name too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName(String);

/// Why a text is no channel's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no name of a channel; use small letters, digits and hyphens, a letter first, {CHANNEL_NAME_MAX_OCTETS} at most: all, pilot"
)]
pub struct BadChannel(pub String);

impl ChannelName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the one that every sensor follows unless told otherwise.
    pub fn is_all(&self) -> bool {
        self.0 == CHANNEL_ALL
    }
}

impl Default for ChannelName {
    fn default() -> ChannelName {
        ChannelName(CHANNEL_ALL.to_owned())
    }
}

impl FromStr for ChannelName {
    type Err = BadChannel;

    fn from_str(text: &str) -> Result<ChannelName, BadChannel> {
        let good = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
        let begins = text.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        match begins && text.len() <= CHANNEL_NAME_MAX_OCTETS && text.bytes().all(good) {
            true => Ok(ChannelName(text.to_owned())),
            false => Err(BadChannel(text.chars().take(CHANNEL_NAME_MAX_OCTETS).collect())),
        }
    }
}

impl TryFrom<String> for ChannelName {
    type Error = BadChannel;

    fn try_from(text: String) -> Result<ChannelName, BadChannel> {
        text.parse()
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> String {
        name.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The word that has a sensor follow a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Which sensor.
    pub sensor: SensorId,
    /// What it is to follow.
    pub channel: ChannelName,
    /// When this was said; the latest counts.
    pub at: Timestamp,
}

/// Why such a word is not followed. The channel before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPlaced {
    /// The signatures are not good.
    #[error("the word of which channel to follow is not to be trusted: {0}")]
    Untrusted(#[from] Untrusted),
    /// Larger than any such word.
    #[error("the word of which channel to follow has {0} bytes; that is more than any has")]
    TooLarge(usize),
    /// Meant for another.
    #[error("the word of which channel to follow is for sensor {0}")]
    AnotherSensor(SensorId),
    /// It was said before the one that is followed.
    #[error("the word of which channel to follow is of {offered}, older than that of {known}, which is followed")]
    Older {
        /// When it was said.
        offered: Timestamp,
        /// When the known one was.
        known: Timestamp,
    },
    /// It was said in the future.
    #[error("the word of which channel to follow is of {0}, which is still to come")]
    Ahead(Timestamp),
}

/// Whether a word of that time is one of a clock that was ahead, where it is at the latest this: it is not followed, and one that
/// was holds up no other.
pub fn is_still_to_come(at: Timestamp, latest: Timestamp) -> bool {
    at > latest.plus(Duration::from_secs(PLACEMENT_AHEAD_MAX_S))
}

impl Placement {
    /// Signs it.
    ///
    /// # Errors
    /// When it cannot be written as JSON; none of ours is such a one.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<Vec<u8>, serde_json::Error> {
        trust::sign(Domain::Channel, self, keys)
    }

    /// Reads a word that the root's list role has signed, whenever it was said.
    ///
    /// # Errors
    /// [`NotPlaced`].
    pub fn verify(octets: &[u8], root: &Root, sensor: SensorId) -> Result<Placement, NotPlaced> {
        if octets.len() > PLACEMENT_MAX_OCTETS {
            return Err(NotPlaced::TooLarge(octets.len()));
        }
        let placement: Placement = trust::verify(Domain::Channel, octets, &root.keys, &root.roles.list)?;
        if placement.sensor != sensor {
            return Err(NotPlaced::AnotherSensor(placement.sensor));
        }
        Ok(placement)
    }

    /// Reads a word and holds it against the time of the one that is followed. `latest` is the latest time it may be.
    ///
    /// # Errors
    /// [`NotPlaced`].
    pub fn accept(
        octets: &[u8],
        root: &Root,
        sensor: SensorId,
        known: Option<Timestamp>,
        latest: Timestamp,
    ) -> Result<Placement, NotPlaced> {
        let placement = Placement::verify(octets, root, sensor)?;
        if is_still_to_come(placement.at, latest) {
            return Err(NotPlaced::Ahead(placement.at));
        }
        match known {
            Some(known) if placement.at < known => Err(NotPlaced::Older { offered: placement.at, known }),
            Some(_) | None => Ok(placement),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::tests::root_with;

    #[test]
    fn a_channel_has_a_name_that_may_be_a_files_and_nothing_else() {
        for good in ["all", "pilot", "a", "pilot-2", &"x".repeat(CHANNEL_NAME_MAX_OCTETS)] {
            assert_eq!(good.parse::<ChannelName>().unwrap().to_string(), good);
        }
        for bad in ["", "Pilot", "-a", "2a", "a/b", "..", "å", "a b", &"x".repeat(CHANNEL_NAME_MAX_OCTETS + 1)] {
            assert!(bad.parse::<ChannelName>().is_err(), "{bad}");
        }
        assert!(ChannelName::default().is_all());
        assert!(serde_json::from_str::<ChannelName>("\"../x\"").is_err());
    }

    #[test]
    fn l2_only_the_list_role_has_a_sensor_follow_another_channel_and_never_by_an_older_word() {
        let (key, stranger) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let root = root_with(&[&key], 1);
        let pilot = Placement { sensor: SensorId(4), channel: "pilot".parse().unwrap(), at: Timestamp(50) };
        let signed = pilot.sign(&[&key]).unwrap();
        let accept = |octets: &[u8], sensor, known: Option<i64>| {
            Placement::accept(octets, &root, SensorId(sensor), known.map(Timestamp), Timestamp(60))
        };
        assert_eq!(accept(&signed, 4, None), Ok(pilot.clone()));
        assert_eq!(accept(&signed, 4, Some(50)), Ok(pilot.clone()), "the same again");
        assert!(matches!(accept(&signed, 4, Some(51)), Err(NotPlaced::Older { .. })));
        assert_eq!(accept(&signed, 5, None), Err(NotPlaced::AnotherSensor(SensorId(4))));
        assert!(matches!(accept(&pilot.sign(&[&stranger]).unwrap(), 4, None), Err(NotPlaced::Untrusted(_))));
        let as_list = trust::sign(Domain::List, &pilot, &[&key]).unwrap();
        assert!(matches!(accept(&as_list, 4, None), Err(NotPlaced::Untrusted(_))));
        let far = Placement { at: Timestamp::MAX, ..pilot }.sign(&[&key]).unwrap();
        assert!(matches!(accept(&far, 4, None), Err(NotPlaced::Ahead(_))));
        assert!(matches!(accept(&vec![b' '; PLACEMENT_MAX_OCTETS + 1], 4, None), Err(NotPlaced::TooLarge(_))));
    }
}
