//! The newest list in memory, once for all sensors, and its way to each of them.

use std::sync::Arc;

use tokio::io::AsyncWrite;
use tokio::sync::{Semaphore, watch};
use varde_common::id::Revision;
use varde_common::message::ToAgent;

use super::carrier::Carrier;
use super::frame::{self, FrameError};
use crate::change::{Change, Changes};
use crate::limits::{LIST_CHUNK_OCTETS, LIST_SEND_WINDOW_OCTETS, LIST_SLOTS, SEND_WINDOW_OCTETS, WRITE_WITHIN};
use crate::store::list::Published;
use crate::store::{Scope, Store, StoreError};

/// The newest list and those who wait for the next.
#[derive(Debug)]
pub struct Lists {
    newest: watch::Sender<Option<Arc<Published>>>,
    slots: Semaphore,
}

impl Default for Lists {
    fn default() -> Lists {
        Lists::new()
    }
}

impl Lists {
    /// No list yet.
    pub fn new() -> Lists {
        Lists { newest: watch::Sender::new(None), slots: Semaphore::new(LIST_SLOTS) }
    }

    /// Looks whether a newer list was published; if so, all who follow get it. Gives its number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn look(&self, store: &Store, changes: &Changes) -> Result<Option<Revision>, StoreError> {
        let held = self.newest.borrow().as_ref().map_or(Revision(0), |list| list.revision);
        if store.newest_revision(Scope::Operator).await? <= held {
            return Ok(None);
        }
        let Some(list) = store.newest_list(Scope::Operator).await? else { return Ok(None) };
        let revision = list.revision;
        self.newest.send_replace(Some(Arc::new(list)));
        tracing::info!(revision = revision.0, "a new list goes to all sensors");
        let _ = changes.send(Change::List(revision.0));
        Ok(Some(revision))
    }

    /// Sends every list newer than `held`, now and whenever one is published, for as long as the stream lives.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn follow(
        &self,
        carrier: &Carrier,
        stream: &mut (impl AsyncWrite + Unpin),
        mut held: Revision,
        offered: impl Fn(),
    ) -> Result<(), FrameError> {
        let mut newest = self.newest.subscribe();
        loop {
            let list = newest.borrow_and_update().clone();
            if let Some(list) = list.filter(|list| list.revision > held) {
                offered();
                self.send(carrier, stream, &list).await?;
                held = list.revision;
            }
            newest.changed().await.map_err(|_| FrameError::Gone)?;
        }
    }

    async fn send(
        &self,
        carrier: &Carrier,
        stream: &mut (impl AsyncWrite + Unpin),
        list: &Published,
    ) -> Result<(), FrameError> {
        // Who gets no slot sends all the same, only with less on the way.
        let slot = self.slots.try_acquire().ok();
        if slot.is_some() {
            carrier.set_send_window(LIST_SEND_WINDOW_OCTETS);
        }
        let sent = send_list(stream, list).await;
        carrier.set_send_window(SEND_WINDOW_OCTETS);
        sent
    }
}

async fn send_list(stream: &mut (impl AsyncWrite + Unpin), list: &Published) -> Result<(), FrameError> {
    frame::write(stream, &ToAgent::ListOffer { manifest: list.manifest.clone() }, WRITE_WITHIN).await?;
    for chunk in list.base.chunks(LIST_CHUNK_OCTETS) {
        frame::write(stream, &ToAgent::ListChunk { octets: chunk.to_vec() }, WRITE_WITHIN).await?;
    }
    frame::write(stream, &ToAgent::ListEnd, WRITE_WITHIN).await
}
