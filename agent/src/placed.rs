//! Which channel this sensor follows, and by which word.

use varde_common::channel::{ChannelName, NotPlaced, Placement, is_still_to_come};
use varde_common::codec::Text;
use varde_common::id::SensorId;
use varde_common::message::ChannelOutcome;
use varde_common::time::Timestamp;
use varde_common::trust::Root;

/// What follows from a word of which channel to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Answer so: it is the word that is followed.
    Nothing(ChannelOutcome),
    /// Keep it, then tell [`Placed::handle_kept`].
    Keep(Placement),
    /// Write it down and answer so; the channel before stays.
    Refused(NotPlaced, ChannelOutcome),
}

/// The channel that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placed {
    /// Who this sensor is.
    sensor: SensorId,
    channel: ChannelName,
    /// Of when the word is; none = it never had one, or by keys that count no more.
    at: Option<Timestamp>,
}

impl Placed {
    /// As a sensor begins.
    pub fn new(sensor: SensorId) -> Placed {
        Placed { sensor, ..Placed::default() }
    }

    /// With the word that the disk holds, and whether it still counts against an older one.
    #[must_use]
    pub fn with_word(self, placement: Placement, counts: bool) -> Placed {
        Placed { channel: placement.channel, at: counts.then_some(placement.at), ..self }
    }

    /// Who this sensor is.
    pub fn sensor(&self) -> SensorId {
        self.sensor
    }

    /// The channel.
    pub fn channel(&self) -> &ChannelName {
        &self.channel
    }

    /// Of when the word is.
    pub fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Too few of those who signed the word have the list role still: whoever had the keys before may have said it for tomorrow.
    pub fn handle_keys_replaced(&mut self) {
        self.at = None;
    }

    /// A word arrived; the latest time that it may be.
    pub fn handle_word(&self, octets: &[u8], root: &Root, latest: Timestamp) -> Step {
        // One that is still to come by every clock was said by a clock that was wrong: it holds up no other.
        let known = self.at.filter(|at| !is_still_to_come(*at, latest));
        match Placement::accept(octets, root, self.sensor, known, latest) {
            Ok(placement) if self.at == Some(placement.at) && self.channel == placement.channel => {
                Step::Nothing(self.follows())
            }
            Ok(placement) => Step::Keep(placement),
            Err(why) => {
                let outcome = self.refusal(&why.to_string());
                Step::Refused(why, outcome)
            }
        }
    }

    /// The word is on disk.
    pub fn handle_kept(&mut self, placement: Placement) -> ChannelOutcome {
        (self.channel, self.at) = (placement.channel, Some(placement.at));
        self.follows()
    }

    /// The word could not be kept: the disk is full.
    pub fn handle_not_kept(&self, why: &str) -> ChannelOutcome {
        self.refusal(why)
    }

    fn follows(&self) -> ChannelOutcome {
        ChannelOutcome::Follows { channel: self.said() }
    }

    fn refusal(&self, why: &str) -> ChannelOutcome {
        ChannelOutcome::Refused { channel: self.said(), why: Text::cut(why) }
    }

    fn said(&self) -> Text {
        Text::cut(self.channel.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::tests::{key, root_of};
    use varde_common::limits::PLACEMENT_AHEAD_MAX_S;

    #[test]
    fn l2_a_channel_is_followed_by_the_latest_word_and_a_stolen_key_has_no_last_one() {
        let (root, latest) = (root_of(&key(1)), Timestamp(1_000));
        let word = |channel: &str, at, by| {
            let channel = channel.parse().unwrap();
            Placement { sensor: SensorId(7), channel, at: Timestamp(at) }.sign(&[&key(by)]).unwrap()
        };
        let mut placed = Placed::new(SensorId(7));
        let follow = |placed: &mut Placed, octets: &[u8]| match placed.handle_word(octets, &root, latest) {
            Step::Keep(placement) => {
                placed.handle_kept(placement);
                true
            }
            Step::Nothing(_) | Step::Refused(..) => false,
        };
        assert!(placed.channel().is_all() && placed.at().is_none());
        assert!(!follow(&mut placed, &word("pilot", 5, 2)), "a stranger");
        assert!(follow(&mut placed, &word("pilot", 500, 1)));
        assert!(matches!(placed.handle_word(&word("pilot", 500, 1), &root, latest), Step::Nothing(_)));
        assert!(!follow(&mut placed, &word("all", 499, 1)), "an older word");
        assert_eq!((placed.channel().as_str(), placed.at()), ("pilot", Some(Timestamp(500))));
        // Of a clock that was ahead, by one that is right again.
        let (ahead, right) = (Timestamp(PLACEMENT_AHEAD_MAX_S as i64 * 4_000_000), Timestamp(1_000));
        let far = word("pilot", ahead.0, 1);
        let Step::Keep(far) = placed.handle_word(&far, &root, ahead) else { panic!("not kept") };
        placed.handle_kept(far);
        assert!(matches!(
            placed.handle_word(&word("all", 900, 1), &root, ahead),
            Step::Refused(NotPlaced::Older { .. }, _)
        ));
        assert!(matches!(placed.handle_word(&word("all", 900, 1), &root, right), Step::Keep(_)));
        placed.handle_keys_replaced();
        assert!(follow(&mut placed, &word("all", 499, 1)), "what was said by keys that are gone holds up no word");
        let refused = placed.handle_not_kept("the disk is full");
        assert_eq!(refused, ChannelOutcome::Refused { channel: Text::cut("all"), why: Text::cut("the disk is full") });
    }
}
