//! What a sensor says of its list and of what it trusts, noted for people.

use std::sync::PoisonError;

use varde_common::channel::ChannelName;
use varde_common::codec::Text;
use varde_common::message::{BrakeOutcome, CloseReason, Freshness, Hello, ListOutcome, RootOutcome};

use super::Talk;
use crate::change::Change;
use crate::io::clock;
use crate::session::Action;
use crate::store::{Scope, StoreError};

impl Talk {
    /// The sensor named a site that it may not report for: to whoever looks at it here it would only seem silent.
    pub(super) async fn note_foreign_site(&self) {
        if self.refused.get() != Some(&CloseReason::UnknownSite) {
            return;
        }
        match self.collector.store.note_seldom(self.sensor, "foreign_site", clock::now()).await {
            Ok(true) => {
                let _ = self.collector.changes.send(Change::Sensor(self.sensor));
            }
            Ok(false) => {}
            Err(error) => self.collector.failed("cannot note that a sensor named a site not of its own", &error),
        }
    }

    /// What a sensor has as it comes: its root document, and its list. A list with a number beyond all that were published here is
    /// somebody else's, and people must hear of it.
    pub(super) async fn note_held(&self, hello: &Hello) -> Result<(), CloseReason> {
        let (store, sensor) = (&self.collector.store, self.sensor);
        let unavailable = |error: StoreError| self.unavailable(&error);
        store.root_held(sensor, hello.root_version).await.map_err(unavailable)?;
        let newest = store.newest_revision(Scope::Operator).await.map_err(unavailable)?;
        if hello.revision > newest {
            tracing::warn!(sensor, revision = %hello.revision, "it holds a list that was never published here");
            if store.note_seldom(sensor, "unpublished_list", clock::now()).await.map_err(unavailable)? {
                self.tell(vec![Change::Sensor(sensor)]);
            }
        }
        Ok(())
    }

    /// What a sensor says of what it trusts; of anything else nothing.
    pub(super) async fn note_trust(&self, action: Action) -> Result<(), CloseReason> {
        let (store, sensor, now) = (&self.collector.store, self.sensor, clock::now());
        let noted = match action {
            Action::NoteRoot(RootOutcome::InForce { version, .. }) => {
                tracing::info!(sensor, version, "root document in force");
                store.root_taken(sensor, version, now).await
            }
            Action::NoteRoot(RootOutcome::Refused { in_force, offered, why }) => {
                tracing::warn!(sensor, in_force, offered, "root document refused: {}", why.as_str());
                store.root_refused(sensor, in_force, why.as_str(), now).await
            }
            Action::NoteStanding(standing, sight) => {
                // Said once a session, not with each heartbeat.
                let told = |last: &mut Freshness| std::mem::replace(last, standing.freshness) == standing.freshness;
                match standing.freshness {
                    _ if told(&mut self.freshness.lock().unwrap_or_else(PoisonError::into_inner)) => {}
                    Freshness::Stale => {
                        tracing::warn!(sensor, "list_stale: it has not heard for a day which list is the newest");
                    }
                    Freshness::Behind => {
                        tracing::warn!(sensor, named = standing.named.0, "it was named a newer list than it gets");
                    }
                    Freshness::NotTold | Freshness::Fresh => {}
                }
                store.standing(sensor, &standing, sight, now).await
            }
            Action::NoteNewest(why) => {
                tracing::warn!(sensor, "the word of which list is the newest was refused: {}", why.as_str());
                store.newest_refused(sensor, why.as_str(), now).await
            }
            Action::NoteChannel(channel, why) => return self.note_channel(&channel, why.as_ref()).await,
            Action::NoteBrake(outcome) => {
                match &outcome {
                    BrakeOutcome::Taken { number, .. } => tracing::info!(sensor, number, "brake in force"),
                    BrakeOutcome::Refused { known, why } => {
                        tracing::warn!(sensor, known, "brake refused: {}", why.as_str());
                    }
                }
                store.brake_outcome(sensor, &outcome, now).await
            }
            Action::Greet(_)
            | Action::Renew(_)
            | Action::Ingest(_)
            | Action::Keep(..)
            | Action::Follow(_)
            | Action::Note(_)
            | Action::SendWhole
            | Action::TakeTests
            | Action::Nothing => return Ok(()),
        };
        noted.map_err(|error| self.unavailable(&error))?;
        self.tell(vec![Change::Sensor(sensor)]);
        Ok(())
    }

    /// Which channel a sensor follows, and why it did not follow another.
    pub(super) async fn note_channel(&self, channel: &ChannelName, why: Option<&Text>) -> Result<(), CloseReason> {
        if let Some(why) = why {
            tracing::warn!(sensor = self.sensor, %channel, "it does not follow the channel it is told to: {}", why.as_str());
        }
        let noted = self.collector.store.follows(self.sensor, channel, why.map(Text::as_str)).await;
        noted.map_err(|error| self.unavailable(&error))?;
        self.tell(vec![Change::Sensor(self.sensor)]);
        Ok(())
    }

    /// What a sensor says of a list.
    pub(super) async fn note(&self, outcome: ListOutcome) -> Result<(), CloseReason> {
        let store = &self.collector.store;
        let noted = match outcome {
            ListOutcome::InForce { revision, since } => {
                tracing::info!(sensor = self.sensor, revision = revision.0, "list in force");
                store.list_in_force(self.sensor, revision, since.clamped(), clock::now()).await
            }
            ListOutcome::Refused { in_force, why } => {
                tracing::warn!(sensor = self.sensor, in_force = in_force.0, "list refused: {}", why.as_str());
                store.list_refused(self.sensor, in_force, why.as_str(), clock::now()).await
            }
        };
        noted.map_err(|error| self.unavailable(&error))?;
        self.tell(vec![Change::Sensor(self.sensor)]);
        Ok(())
    }
}
