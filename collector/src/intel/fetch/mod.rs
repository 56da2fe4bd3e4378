//! Intelligence fetched from others: for each kind of source a conversation that says what to ask next and is told the answer. It
//! touches no network; what may be asked for at all is said in [`place`].

pub mod collections;
pub mod credentials;
pub mod envelope;
pub mod file;
pub mod held;
pub mod misp_feed;
pub mod misp_search;
pub mod pace;
pub mod place;
pub mod plan;
pub mod schedule;
pub mod taxii;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::format::{BadFile, Format, Input, json};
use super::hidden;
use crate::limits::fetch::FETCH_RETRY_AFTER_MAX;

/// What is to be asked next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Where.
    pub url: Url,
    /// What is wanted, as the Accept header has it.
    pub accept: &'static str,
    /// A body to be posted, JSON; none = it is got.
    pub post: Option<Vec<u8>>,
    /// Only if it is another than this (ETag).
    pub etag: Option<String>,
    /// Only if it is newer than this, by the server's own clock.
    pub last_modified: Option<String>,
}

impl Ask {
    /// An ordinary request.
    pub fn get(url: Url, accept: &'static str) -> Ask {
        Ask { url, accept, post: None, etag: None, last_modified: None }
    }
}

/// An answer's head, as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// Content-Type.
    pub content_type: Option<String>,
    /// ETag.
    pub etag: Option<String>,
    /// Last-Modified.
    pub last_modified: Option<String>,
    /// Date: the server's own clock.
    pub date: Option<String>,
    /// X-TAXII-Date-Added-Last.
    pub date_added_last: Option<String>,
    /// Retry-After.
    pub retry_after: Option<String>,
}

/// Why an answer is not taken, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It wants a login.
    #[error(
        "it refuses who asks (status {0}): give --auth-file with what its operator has handed out, or see that it still holds"
    )]
    Login(u16),
    /// It is not there.
    #[error("there is nothing at this address (status {0}): see that the URL is right")]
    NotThere(u16),
    /// It does not speak so.
    #[error("it does not speak TAXII 2.1 at this address (status 406)")]
    NotSpoken,
    /// It has enough for now.
    #[error("it asks to be left alone for {} seconds (status {status})", .after.as_secs())]
    Later {
        /// The status.
        status: u16,
        /// For how long.
        after: Duration,
    },
    /// Another status.
    #[error("it answers with status {0}")]
    Status(u16),
    /// A page for people.
    #[error(
        "it answers with a web page, not with intelligence: a login page or a notice, most likely; look at the URL in a browser, and at --auth-file"
    )]
    WebPage,
    /// Another type than was asked for.
    #[error("it answers with {0}, which is not what was asked for")]
    Type(String),
    /// It cannot be read.
    #[error("what it answers cannot be read: {0}")]
    Bad(String),
    /// A collection that is not for whoever asks.
    #[error(
        "the collection {0} may not be read with these credentials (can_read is false): ask whoever runs the server"
    )]
    CannotRead(String),
    /// Pages without end.
    #[error("it answers with the same page again and again, and would never end")]
    Loop,
    /// More, but not where.
    #[error("it says that there is more and not where (more without next), so that objects would be missed")]
    NoNext,
    /// Too many requests.
    #[error("it would take more than {0} requests")]
    TooMany(usize),
    /// Names in a manifest that are none.
    #[error("its manifest names an event \"{0}\", which is no UUID")]
    NoUuid(String),
    /// An event under another's name.
    #[error("what it gives as event {0} is another one, or none")]
    OtherEvent(String),
}

impl From<BadFile> for Refused {
    fn from(error: BadFile) -> Refused {
        // How what cannot be read is marked, nobody knows.
        Refused::Bad(hidden::without_quotes(&error.to_string()))
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Refused {
        Refused::Bad(error.to_string())
    }
}

/// What is remembered of a source between two fetches: what it said itself, never what our clock said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resume {
    /// ETag of what was taken in last.
    pub etag: Option<String>,
    /// Its Last-Modified.
    pub last_modified: Option<String>,
    /// TAXII: what was added after this is new.
    pub added_after: Option<String>,
    /// MISP's search: the newest attribute's time, seconds.
    pub since_s: Option<i64>,
    /// MISP feeds: each event that was taken in.
    pub events: BTreeMap<String, Event>,
}

/// An event of a MISP feed that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Event {
    /// Its time by the manifest, seconds.
    pub timestamp: i64,
    /// Indicators in it.
    pub entries: u64,
}

/// How much of what a source says was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Nothing has changed.
    Unchanged,
    /// All of it: what is not there is not said any more.
    Whole,
    /// What is new.
    More,
    /// Some of its events whole, and which are gone.
    Events {
        /// Those that were read.
        read: Vec<String>,
        /// Those that are gone.
        gone: Vec<String>,
        /// Those that the manifest names and that are not there.
        missing: u64,
    },
}

/// A conversation's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What to remember once it is taken in.
    pub resume: Resume,
    /// How what was gathered is written; none = it is to be found out.
    pub format: Option<Format>,
    /// How much it is.
    pub extent: Extent,
}

/// A conversation with a source. What is to be taken in is written to `out` as one file of one format.
pub trait Conversation: Send {
    /// What to ask next; none = that is all.
    fn poll_ask(&mut self) -> Option<Ask>;

    /// An answer has come, whole.
    ///
    /// # Errors
    /// [`Refused`]; the conversation is over then, and nothing of it is taken in.
    fn handle_answer(&mut self, head: &Head, body: &mut dyn Input, out: &mut dyn Write) -> Result<(), Refused>;

    /// Ends what was written to `out`, and says what it is.
    ///
    /// # Errors
    /// [`Refused`].
    fn finish(self: Box<Self>, out: &mut dyn Write) -> Result<Fetched, Refused>;
}

/// That an answer is a success; else what it says.
///
/// # Errors
/// [`Refused`].
pub fn succeeded(head: &Head) -> Result<(), Refused> {
    match head.status {
        200 => Ok(()),
        401 | 403 | 407 => Err(Refused::Login(head.status)),
        404 | 410 => Err(Refused::NotThere(head.status)),
        406 => Err(Refused::NotSpoken),
        status @ (429 | 503) => match head.retry_after.as_deref().and_then(seconds_to_wait) {
            Some(after) => Err(Refused::Later { status, after }),
            None => Err(Refused::Status(status)),
        },
        status => Err(Refused::Status(status)),
    }
}

/// Retry-After in its form of seconds. As a date it would have to be held against a clock that may be wrong: the schedule's own
/// waiting does as well.
fn seconds_to_wait(field: &str) -> Option<Duration> {
    let seconds = field.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(FETCH_RETRY_AFTER_MAX))
}

/// That a body is no page for people; it is at its beginning before and after.
///
/// # Errors
/// [`Refused::WebPage`].
pub fn no_web_page(head: &Head, body: &mut dyn Input) -> Result<(), Refused> {
    let is_html = head.content_type.as_deref().is_some_and(|kind| media(kind) == "text/html");
    let begins = body.fill_buf()?;
    let begins = begins.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begins);
    // No format begins so.
    if is_html || begins.trim_ascii_start().first() == Some(&b'<') {
        return Err(Refused::WebPage);
    }
    Ok(())
}

/// Writes a document behind those that came before it: readers of JSON take one after another.
fn append(body: &mut dyn Input, out: &mut dyn Write) -> std::io::Result<()> {
    body.rewind()?;
    let mut body = body;
    json::pass_mark(&mut body)?;
    std::io::copy(&mut body, out)?;
    out.write_all(b"\n")
}

/// A media type without its parameters, in lower case.
fn media(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Cursor;

    /// An answer of this status.
    pub(crate) fn head(status: u16) -> Head {
        Head { status, content_type: Some("application/json".to_owned()), ..Head::default() }
    }

    /// A conversation is told an answer.
    pub(crate) fn answer(
        talk: &mut dyn Conversation,
        head: &Head,
        body: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        talk.handle_answer(head, &mut Cursor::new(body.as_bytes()), out)
    }

    #[test]
    fn a_status_is_a_sentence_and_a_login_page_is_none_of_what_was_asked_for() {
        assert_eq!(succeeded(&head(200)), Ok(()));
        for (status, said) in [(401, "--auth-file"), (403, "--auth-file"), (404, "URL"), (406, "2.1"), (500, "500")] {
            assert!(succeeded(&head(status)).unwrap_err().to_string().contains(said), "{status}");
        }
        let later = Head { retry_after: Some("120".into()), ..head(429) };
        assert_eq!(succeeded(&later), Err(Refused::Later { status: 429, after: Duration::from_secs(120) }));
        let never = Head { retry_after: Some("99999999999".into()), ..head(503) };
        assert_eq!(succeeded(&never), Err(Refused::Later { status: 503, after: FETCH_RETRY_AFTER_MAX }));
        assert_eq!(succeeded(&Head { retry_after: Some("soon".into()), ..head(429) }), Err(Refused::Status(429)));
        let page = |kind: &str, body: &str| {
            let head = Head { content_type: Some(kind.to_owned()), ..head(200) };
            no_web_page(&head, &mut Cursor::new(body.as_bytes()))
        };
        assert_eq!(page("text/html; charset=utf-8", "evil.example\n"), Err(Refused::WebPage));
        assert_eq!(page("text/plain", "\u{feff} \n<!DOCTYPE html>"), Err(Refused::WebPage));
        assert_eq!(page("text/plain", "evil.example\n"), Ok(()));
        assert_eq!(page("application/json", ""), Ok(()));
    }
}
