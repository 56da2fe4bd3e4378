//! What the front page says of the outgoing heartbeat: where it goes, and since when it does not arrive, and why.

use super::shown::{Moment, Shown};
use super::view::Reader;
use crate::store::picture::Picture;

/// The heartbeat, where one is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeatView {
    /// The host it goes to.
    pub to: Shown,
    /// How it fares, in words.
    pub words: String,
    /// Where it does not arrive: since when, and why.
    pub failing: Option<(Moment, Shown)>,
}

impl BeatView {
    /// From facts; none where no heartbeat is sent.
    pub fn of(picture: &Picture, reader: &Reader) -> Option<BeatView> {
        let fare = picture.beat.as_ref()?;
        let (key, failing) = match fare.arrives {
            None => ("beat-begins", None),
            Some(true) => ("beat-arrives", None),
            Some(false) => {
                let why = Shown::of(fare.why.as_deref().unwrap_or_default());
                ("beat-fails", Some((reader.calendar.moment(fare.since), why)))
            }
        };
        Some(BeatView { to: Shown::of(&fare.to), words: reader.texts.say(key), failing })
    }
}
