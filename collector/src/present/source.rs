//! What the front page says of sources of intelligence that cannot be fetched, or whose content is held: which, since when, and why.

use super::shown::{Moment, Shown};
use super::view::Reader;
use crate::store::picture::{Picture, SourceTrouble};

/// A source with which something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// What is wrong.
    pub words: String,
    /// Which.
    pub name: Shown,
    /// When it last succeeded; none = never.
    pub good: Option<Moment>,
    /// Why it fails, or is held.
    pub why: Shown,
}

impl SourceLine {
    /// From facts.
    pub fn all(picture: &Picture, reader: &Reader) -> Vec<SourceLine> {
        let line = |source: &SourceTrouble| SourceLine {
            words: reader.texts.say(if source.is_held { "source-held" } else { "source-fails" }),
            name: Shown::of(&source.name),
            good: source.succeeded_at.map(|at| reader.calendar.moment(at)),
            why: Shown::of(&source.why),
        };
        picture.sources.iter().map(line).collect()
    }
}
