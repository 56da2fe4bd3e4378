//! The live stream of changes: what has changed since a listener was last told, many changes as one.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::Event;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::web::stopped;
use crate::change::Change;

/// Changes within this time are told as one.
const FOLD: Duration = Duration::from_secs(1);
/// The same where only sensors' health has changed: heartbeats never rest.
const FOLD_HEALTH: Duration = Duration::from_secs(5);
/// Changes told apart in one event; beyond that the number stays.
const NEWS_MAX: usize = 10_000;

/// What has changed since the last event of one listener.
#[derive(Debug, Default)]
struct News {
    campaigns: HashSet<i64>,
    incidents: HashSet<i64>,
    health: bool,
    lists: bool,
    room: bool,
    /// Some changes were missed: everything is to be read afresh.
    missed: bool,
}

impl News {
    fn take(&mut self, change: Change) {
        match change {
            Change::Campaign(id) if self.campaigns.len() < NEWS_MAX => {
                self.campaigns.insert(id);
            }
            Change::Incident(id) if self.incidents.len() < NEWS_MAX => {
                self.incidents.insert(id);
            }
            Change::Campaign(_) | Change::Incident(_) => {}
            Change::Sensor(_) => self.health = true,
            Change::List(_) => self.lists = true,
            Change::Room => self.room = true,
        }
    }

    /// How long after the last event this may be told; none = there is nothing to tell.
    fn after(&self) -> Option<Duration> {
        if self.missed || self.lists || self.room || !self.campaigns.is_empty() || !self.incidents.is_empty() {
            Some(FOLD)
        } else if self.health {
            Some(FOLD_HEALTH)
        } else {
            None
        }
    }

    fn event(&self) -> Event {
        if self.missed {
            return Event::default().event("reload").data("{}");
        }
        let (campaigns, incidents) = (self.campaigns.len(), self.incidents.len());
        let body = serde_json::json!({
            "news": campaigns + incidents, "campaigns": campaigns, "incidents": incidents,
            "sensors": self.health, "lists": self.lists,
        });
        Event::default().event("change").data(body.to_string())
    }
}

/// Tells one listener of changes, many at once where they come fast, until it goes or we stop.
pub(super) async fn tell(
    mut changes: broadcast::Receiver<Change>,
    mut stop: watch::Receiver<bool>,
    events: mpsc::Sender<Result<Event, Infallible>>,
    _place: impl Send,
) {
    // Tells the page at once that it is connected; proxies and browsers wait for the first bytes.
    if events.send(Ok(Event::default().event("hello").data("{}"))).await.is_err() {
        return;
    }
    let mut news = News::default();
    let mut last: Option<Instant> = None;
    loop {
        let due = news.after().map(|after| last.map_or_else(Instant::now, |last| last + after));
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = events.closed() => return,
            change = changes.recv() => match change {
                Ok(change) => news.take(change),
                Err(RecvError::Lagged(_)) => news.missed = true,
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                // A listener that does not read is told when it does; until then its changes gather in `news`.
                match events.try_send(Ok(news.event())) {
                    Ok(()) => news = News::default(),
                    Err(mpsc::error::TrySendError::Full(_)) => {}
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
                last = Some(Instant::now());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_counts_each_thing_once() {
        let mut news = News::default();
        assert_eq!(news.after(), None);
        news.take(Change::Sensor(1));
        assert_eq!(news.after(), Some(FOLD_HEALTH));
        for id in [1, 2, 2, 1] {
            news.take(Change::Campaign(id));
        }
        assert_eq!(news.after(), Some(FOLD));
        assert_eq!((news.campaigns.len(), news.incidents.len()), (2, 0));
    }
}
