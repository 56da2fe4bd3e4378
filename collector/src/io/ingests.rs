//! Batches of all sessions on their way into the database: what waits at the same time is stored together.
//!
//! Nothing is waited for so that more comes together: while one transaction is written, the next gathers by itself. So few sensors
//! wait for nobody, and many share the disk's time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use varde_common::message::Batch;

use super::clock;
use crate::change::Changes;
use crate::ingest::{self, IngestError, Outcomes, Stored, Waiting};
use crate::limits::{BATCHES_TOGETHER_MAX, RECORDS_TOGETHER};
use crate::store::{Store, StoreError};

/// Why a batch was not stored.
#[derive(Debug)]
pub(super) enum NotStored {
    /// It was refused by itself.
    Refused(IngestError),
    /// Nothing could be stored then.
    Store(Arc<StoreError>),
    /// It was given up half-way.
    GivenUp,
}

/// One batch that waits.
#[derive(Debug)]
struct Waits {
    sensor: i64,
    batch: Batch,
    /// Among the messages in memory.
    _place: Option<OwnedSemaphorePermit>,
    answer: oneshot::Sender<Result<Stored, NotStored>>,
}

#[derive(Debug, Default)]
struct Queue {
    /// As many at most as there are places.
    waiting: VecDeque<Waits>,
    /// A task takes out of it, until nothing waits.
    is_drained: bool,
}

/// The way in. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Ingests {
    store: Store,
    changes: Changes,
    queue: Arc<Mutex<Queue>>,
}

/// However its task ends, another may begin.
struct Draining<'a>(&'a Ingests);

impl Drop for Draining<'_> {
    fn drop(&mut self) {
        self.0.queue().is_drained = false;
    }
}

impl Ingests {
    /// Nothing waits.
    pub(super) fn new(store: Store, changes: Changes) -> Ingests {
        Ingests { store, changes, queue: Arc::default() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a batch and draws the conclusions; what it comes to is on disk. `place` is held as long as the batch is in memory, also
    /// where nobody waits for the answer any more.
    pub(super) async fn handle_batch(
        &self,
        sensor: i64,
        batch: Batch,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Stored, NotStored> {
        let (answer, answered) = oneshot::channel();
        let begins = {
            let mut queue = self.queue();
            queue.waiting.push_back(Waits { sensor, batch, _place: place, answer });
            !std::mem::replace(&mut queue.is_drained, true)
        };
        if begins {
            // A task of its own: a session that ends must not take along what others wait for.
            let ingests = self.clone();
            tokio::spawn(async move { ingests.drain().await });
        }
        answered.await.unwrap_or(Err(NotStored::GivenUp))
    }

    /// Stores what waits until nothing does.
    async fn drain(&self) {
        let draining = Draining(self);
        while let Some(group) = self.next_group() {
            self.store_group(group).await;
        }
        // That nothing waited was noted as it was seen; what came since has a task of its own.
        std::mem::forget(draining);
    }

    /// What is stored together next, in the order in which it came; none = nothing waits, and whoever comes next begins anew.
    fn next_group(&self) -> Option<Vec<Waits>> {
        let mut queue = self.queue();
        let (mut group, mut records) = (Vec::new(), 0);
        while let Some(next) = queue.waiting.front() {
            records += next.batch.records.len();
            if !group.is_empty() && (records > RECORDS_TOGETHER || group.len() >= BATCHES_TOGETHER_MAX) {
                break;
            }
            group.extend(queue.waiting.pop_front());
        }
        if group.is_empty() {
            queue.is_drained = false;
            return None;
        }
        Some(group)
    }

    async fn store_group(&self, group: Vec<Waits>) {
        let waiting: Vec<_> = group.iter().map(|one| Waiting { sensor: one.sensor, batch: &one.batch }).collect();
        match ingest::handle_batches(&self.store, &waiting, clock::now()).await {
            Ok(Outcomes { each, changes }) => {
                for (waits, stored) in group.into_iter().zip(each) {
                    // Whose session is over is told in its next one.
                    let _ = waits.answer.send(stored.map_err(NotStored::Refused));
                }
                for change in changes {
                    // Nobody listening is fine.
                    let _ = self.changes.send(change);
                }
            }
            Err(error) => {
                // Before anything more is written: on a disk that fails nothing may be.
                self.store.handle_error(&error);
                let error = Arc::new(error);
                for waits in group {
                    let _ = waits.answer.send(Err(NotStored::Store(error.clone())));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::IngestReply;
    use crate::limits::DECODES_AT_ONCE;
    use crate::store::fixture::Fixture;
    use tokio::sync::{Semaphore, broadcast};
    use varde_common::id::{Epoch, Seq};
    use varde_common::record::{Record, RecordBody, SensorEvent};
    use varde_common::time::Timestamp;

    fn batch(epoch: u128, records: usize) -> Batch {
        let said = RecordBody::Event(SensorEvent::SpoolDamaged { octets: 1 });
        let octets = Record { time: Timestamp(1), body: said }.to_octets().unwrap();
        Batch { epoch: Epoch(epoch), first_seq: Seq(1), records: vec![octets; records] }
    }

    async fn place(places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        places.clone().acquire_owned().await.ok()
    }

    #[tokio::test]
    async fn d2_what_waits_together_is_answered_each_for_itself_and_holds_its_place_until_then() {
        let fixture = Fixture::new(40).await;
        fixture.run("UPDATE sensor SET epoch = '00000000000000000000000000000007'").await;
        fixture.run("UPDATE sensor SET revoked_at = 1 WHERE id = 3").await;
        let (changes, _) = broadcast::channel(16);
        let ingests = Ingests::new(fixture.store.clone(), changes);
        let places = Arc::new(Semaphore::new(DECODES_AT_ONCE));
        // Nothing is stored while somebody else writes.
        let other = fixture.store.begin().await.unwrap();
        let mut tasks = Vec::new();
        for sensor in 1..=40 {
            let (ingests, place) = (ingests.clone(), place(&places).await);
            let batch = batch(if sensor == 4 { 8 } else { 7 }, 2);
            tasks.push(tokio::spawn(async move { ingests.handle_batch(sensor, batch, place).await }));
        }
        // One whose session ends while it waits.
        tasks.remove(9).abort();
        tokio::task::yield_now().await;
        assert!(places.available_permits() < DECODES_AT_ONCE);
        other.rollback().await.unwrap();
        for (task, sensor) in tasks.into_iter().zip((1..=40).filter(|sensor| *sensor != 10)) {
            let answered = task.await.unwrap();
            match sensor {
                3 => assert!(matches!(answered, Err(NotStored::Refused(IngestError::Revoked))), "{answered:?}"),
                4 => assert!(matches!(answered, Err(NotStored::Refused(IngestError::Malformed(_)))), "{answered:?}"),
                _ => {
                    let reply = IngestReply::Ack { epoch: Epoch(7), seq: Seq(2) };
                    assert_eq!(answered.unwrap().reply, reply, "sensor {sensor}");
                }
            }
        }
        // All places come back, also that of whoever is gone.
        let _all = places.acquire_many(u32::try_from(DECODES_AT_ONCE).unwrap()).await.unwrap();
        let stored = fixture.count("SELECT COUNT(*) FROM record").await;
        let gone = fixture.count("SELECT COUNT(*) FROM record WHERE sensor_id = 10").await;
        assert_eq!(stored - gone, 2 * 37);
    }

    #[tokio::test]
    async fn d12_a_group_is_bounded_and_one_large_batch_goes_alone() {
        let fixture = Fixture::new(1).await;
        let ingests = Ingests::new(fixture.store.clone(), broadcast::channel(16).0);
        let places = Arc::new(Semaphore::new(4 * DECODES_AT_ONCE));
        let sizes = [RECORDS_TOGETHER + 1, 1, RECORDS_TOGETHER - 1, 1].into_iter().chain(vec![1; BATCHES_TOGETHER_MAX]);
        for records in sizes {
            let (answer, place) = (oneshot::channel().0, place(&places).await);
            ingests.queue().waiting.push_back(Waits { sensor: 1, batch: batch(7, records), _place: place, answer });
        }
        let groups: Vec<usize> = std::iter::from_fn(|| ingests.next_group()).map(|group| group.len()).collect();
        assert_eq!(groups, [1, 2, BATCHES_TOGETHER_MAX, 1]);
    }
}
