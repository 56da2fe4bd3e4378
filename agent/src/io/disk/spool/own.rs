//! From which numbers on a spool has records of its own although a plan may have promised those to another's: the file `own`, for plans
//! in directories that nobody could enter, where nothing could be said in the plan's own name.
//!
//! `EPOCH <SINCE WORD WORD …` with a checksum (`sealed.rs`). A word `+FIRST` is a plan that begins with this number, written before the
//! plan is. A word `NEXT` is the next number at a start at which such a directory was there: what a plan before it had promised before
//! that number, and none before that, is what was taken over. Only the first start behind a plan counts: whoever starts again and again
//! adds nothing. Of plans that begin before SINCE nobody knows any more: there were too many words, or the file was damaged. What they
//! promised is taken over anew: what comes twice is counted, what is taken for delivered is lost without a word. Before this version
//! there was no SINCE and no plan in it.

use std::path::Path;

use varde_common::id::{Epoch, Seq};

use super::super::volume::Volume;
use super::super::{DiskError, read_at_most_on, sealed, write_whole_on};
use super::Spool;
use crate::limits::OWN_WORDS_MAX;

pub(super) const OWN_FILE: &str = "own";
const OWN_MAX_OCTETS: u64 = 4_096;

/// What is known of a plan's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io::disk) enum Own {
    /// Nothing was written behind it that it had not promised.
    Nothing,
    /// From this number on the spool's records are its own.
    From(Seq),
    /// Nobody can say.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Begun(Seq),
    Own(Seq),
}

impl Word {
    fn read(word: &str) -> Option<Word> {
        Some(match word.strip_prefix('+') {
            Some(first) => Word::Begun(Seq(first.parse().ok()?)),
            None => Word::Own(Seq(word.parse().ok()?)),
        })
    }

    fn to_text(self) -> String {
        match self {
            Word::Begun(first) => format!(" +{first}"),
            Word::Own(next) => format!(" {next}"),
        }
    }

    /// Plans that begin before this number cannot be judged without it.
    fn judges_before(self) -> Seq {
        match self {
            Word::Begun(first) => first.next(),
            Word::Own(next) => next,
        }
    }
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    since: Seq,
    words: Vec<Word>,
    /// Whether a version wrote it that told of no plan.
    is_of_before: bool,
}

impl Said {
    fn nothing_since(since: Seq) -> Said {
        Said { since, words: Vec::new(), is_of_before: false }
    }

    fn read(octets: &[u8], epoch: Epoch) -> Option<Said> {
        let mut words = sealed::said_in(octets)?.split(' ').peekable();
        if words.next()?.parse() != Ok(epoch) {
            return None;
        }
        let since = words.next_if(|word| word.starts_with('<')).map(|word| word.trim_start_matches('<').parse());
        let is_of_before = since.is_none();
        let since = Seq(since.unwrap_or(Ok(0)).ok()?);
        Some(Said { since, words: words.map(Word::read).collect::<Option<_>>()?, is_of_before })
    }

    fn to_text(&self, epoch: Epoch) -> String {
        let words: String = self.words.iter().map(|word| word.to_text()).collect();
        sealed::line(&format!("{epoch} <{}{words}", self.since))
    }

    /// Of a plan that begins with this number. One noted at this very number was there before the plan, unless it stands behind it.
    fn of(&self, first: Seq) -> Own {
        if first < self.since {
            return Own::Unknown;
        }
        let begun = self.words.iter().position(|word| *word == Word::Begun(first));
        let behind = self.words.get(begun.unwrap_or(0)..).unwrap_or_default().iter();
        let own = behind.filter_map(|word| match word {
            Word::Own(next) if *next > first || (begun.is_some() && *next == first) => Some(*next),
            Word::Own(_) | Word::Begun(_) => None,
        });
        own.min().map_or(Own::Nothing, Own::From)
    }

    fn add(&mut self, word: Word) {
        self.is_of_before = false;
        self.words.push(word);
        while self.words.len() > OWN_WORDS_MAX {
            self.since = self.since.max(self.words.remove(0).judges_before());
        }
    }
}

/// What it says: none where there is no such file.
fn read(volume: &dyn Volume, directory: &Path, epoch: Epoch) -> Result<Option<Said>, Damaged> {
    let path = directory.join(OWN_FILE);
    let said = match read_at_most_on(volume, &path, OWN_MAX_OCTETS) {
        Ok(octets) => Said::read(&octets, epoch),
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => {
            tracing::error!("{error}; {}", error.remedy());
            None
        }
    };
    if said.is_none() {
        tracing::error!(
            "{} is damaged: what was about to be taken over before it was noted anew may be counted twice",
            path.display()
        );
    }
    said.map(Some).ok_or(Damaged)
}

/// It is there, and what it says is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Damaged;

/// What of this directory is the spool's own, where a plan begins with this number.
pub(in crate::io::disk) fn own_from(volume: &dyn Volume, directory: &Path, epoch: Epoch, first: Seq) -> Own {
    match read(volume, directory, epoch) {
        Ok(None) => Own::Nothing,
        Ok(Some(said)) => said.of(first),
        Err(Damaged) => Own::Unknown,
    }
}

impl Spool {
    /// What is written from now on is its own, whatever a plan says that cannot be read. The reserve is given up where there is no
    /// other room for that.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end, for nothing may be written behind what cannot be told apart.
    pub(in crate::io::disk) fn note_own(&self) -> Result<(), DiskError> {
        let mut said = match read(self.volume.as_ref(), &self.directory, self.epoch) {
            Ok(said) => said.unwrap_or_else(|| Said::nothing_since(Seq(0))),
            // A plan that begins with the next number has nothing there yet.
            Err(Damaged) => Said::nothing_since(self.next.next()),
        };
        match said.words.last() {
            // Every plan that there can be began before that.
            Some(Word::Own(_)) if !said.is_of_before => return Ok(()),
            Some(Word::Own(_) | Word::Begun(_)) | None => {}
        }
        said.add(Word::Own(self.next));
        loop {
            match self.write_own(&said) {
                Err(error) if error.is_full() && self.shrink_reserve()? => {}
                written => return written,
            }
        }
    }

    /// A plan is about to begin with this number. False if the disk is full: then it must not.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub(in crate::io::disk) fn note_begun(&self, first: Seq) -> Result<bool, DiskError> {
        let mut said = match read(self.volume.as_ref(), &self.directory, self.epoch) {
            Ok(said) => said.unwrap_or_else(|| Said::nothing_since(Seq(0))),
            Err(Damaged) => Said::nothing_since(first),
        };
        // One that stands behind another without a word between was begun after that had ended, or was seen to wait.
        if matches!(said.words.last(), Some(Word::Begun(_))) {
            said.words.pop();
        }
        said.add(Word::Begun(first));
        match self.write_own(&said) {
            Ok(()) => Ok(true),
            Err(error) if error.is_full() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn write_own(&self, said: &Said) -> Result<(), DiskError> {
        let octets = said.to_text(self.epoch);
        write_whole_on(self.volume.as_ref(), &self.directory.join(OWN_FILE), octets.as_bytes())
    }
}
