//! When what was closed opens again: what is met after a closing, held against what the closing covers.
//!
//! | closed as | stays closed over | opens again by |
//! |---|---|---|
//! | confirmed, exercise | late word of before the closing, on what was known then | a sighting after it; a stage that was not known; another threat or indicator, whenever it was met |
//! | false-positive | more by indicators that a person found wrong | anything by another indicator |
//! | legitimate | more of the same host by the same indicator | another host or indicator; a stage that was not known |
//! | duplicate of N | all of it that was known then of either, as long as N is worked on | as confirmed, once N is closed; another threat or indicator at once |
//!
//! What stays closed over something has grown all the same, and says so. Another threat opens even where it was met before the closing:
//! sensors tell late, and whoever closed knew nothing of it.

use serde::{Deserialize, Serialize};

use super::Closing;

/// What was met, as far as a closing cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Met {
    /// By its sighting it is of after the closing.
    pub after: bool,
    /// It got further than was known then.
    pub further: bool,
    /// It is on a threat, else an indicator, that was known of the incident then.
    pub is_known: bool,
    /// A person has said of it what the closing says: of a false positive, of its indicator; of legitimate traffic, of its host too.
    pub is_judged: bool,
    /// Of a duplicate: the one that is worked on instead is open.
    pub other_is_open: bool,
}

/// Why it opens again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It was met again after the closing.
    SeenAgain,
    /// It got further than was known.
    Further,
    /// Something that the closing does not cover was met.
    SomethingElse,
    /// Another member has joined.
    AnotherMember,
    /// A person has reported it.
    Reported,
}

/// Whether it opens again, and why.
pub fn comes_back(closing: Closing, met: Met) -> Option<Why> {
    let Met { after, further, is_known, is_judged, other_is_open } = met;
    let seen = match (further, after) {
        (true, _) => Some(Why::Further),
        (false, true) => Some(Why::SeenAgain),
        (false, false) => None,
    };
    match closing {
        Closing::Confirmed | Closing::Exercise | Closing::Duplicate if !is_known => Some(Why::SomethingElse),
        Closing::Confirmed | Closing::Exercise => seen,
        Closing::FalsePositive => (!is_judged).then_some(Why::SomethingElse),
        Closing::Legitimate if is_judged => further.then_some(Why::Further),
        Closing::Legitimate => Some(Why::SomethingElse),
        Closing::Duplicate => seen.filter(|_| !other_is_open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_each_closing_opens_again_by_what_it_does_not_cover_and_by_nothing_else() {
        let met = |after, further, is_known, is_judged, other_is_open| Met {
            after,
            further,
            is_known,
            is_judged,
            other_is_open,
        };
        for closing in Closing::ALL {
            for bits in 0..32_u8 {
                let bit = |place: u8| bits & (1 << place) != 0;
                let (after, further, is_judged, other_is_open, is_known) = (bit(0), bit(1), bit(2), bit(3), bit(4));
                let opens = match closing {
                    Closing::Confirmed | Closing::Exercise => !is_known || after || further,
                    Closing::FalsePositive => !is_judged,
                    Closing::Legitimate => !is_judged || further,
                    Closing::Duplicate => !is_known || ((after || further) && !other_is_open),
                };
                let why = comes_back(closing, met(after, further, is_known, is_judged, other_is_open));
                assert_eq!(why.is_some(), opens, "{closing:?} {bits:05b}");
            }
        }
        assert_eq!(comes_back(Closing::Confirmed, met(true, true, true, false, false)), Some(Why::Further));
        assert_eq!(comes_back(Closing::Confirmed, met(true, false, true, false, false)), Some(Why::SeenAgain));
        assert_eq!(comes_back(Closing::Confirmed, met(false, false, false, false, false)), Some(Why::SomethingElse));
    }
}
