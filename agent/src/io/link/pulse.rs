//! What a sensor says of itself every 30 seconds, put together from what its threads have told.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;
use varde_common::codec::Text;
use varde_common::heartbeat::Further;
use varde_common::limits::REFUSALS_MAX;
use varde_common::message::{Heartbeat, Refusal};
use varde_common::record::Record;
use varde_common::time::Timestamp;

use super::session::Desk;
use crate::health::Health;
use crate::io::disk::keeper::Order;
use crate::io::{clock, host};

impl Desk {
    /// How the sensor is, in the words of every version.
    pub(super) async fn heartbeat(&self) -> Heartbeat {
        let data = self.data.clone();
        let host = tokio::task::spawn_blocking(move || host::figures(&data)).await.unwrap_or_default();
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let figures = *self.figures.borrow();
        let (revision, indicators) = {
            let list = self.list.borrow();
            (list.revision, list.set.len() as u64)
        };
        let clock = clock::now();
        let age = |last| u64::try_from(clock.since(last).as_millis()).unwrap_or(u64::MAX);
        Heartbeat {
            clock,
            uptime_s: clock::monotonic().saturating_duration_since(self.started).as_secs(),
            packets: health.packets,
            octets: health.octets,
            dropped: health.dropped,
            drops_unknown: health.drops_unknown,
            sources: self.sources,
            refused: health.refused,
            refusals: refusals(&health),
            dns_messages: health.dns_messages,
            flows: health.flows,
            evicted: health.evictions.total(),
            evictions: health.evictions,
            blind: health.blind,
            sightings: health.sightings,
            alerts: health.alerts,
            last_packet_ms: health.last_packet.map(age),
            revision,
            indicators,
            spool_octets: figures.octets,
            spool_waiting: figures.waiting(),
            records_lost: figures.lost,
            memory_octets: host.memory_octets,
            cpu_ms: host.cpu_ms,
            disk_free_octets: host.disk_free_octets,
        }
    }

    /// What version 2 tells beside it.
    pub(super) async fn further(&self, clock_offset_us: Option<i64>) -> Further {
        let dns = |reason: &str| reason.starts_with("dns_");
        let dns_refused = {
            let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.refusals.iter().filter(|(reason, _)| dns(reason)).map(|(_, count)| count).sum()
        };
        Further {
            spool_age_s: self.oldest_waiting().await.map(|oldest| clock::now().since(oldest).as_secs()),
            clock_offset_us,
            matching: *self.matching.borrow(),
            dns_refused,
            records_resent: self.resent.load(Ordering::Relaxed),
        }
    }

    /// When the oldest record that waits for its acknowledgement was taken.
    async fn oldest_waiting(&self) -> Option<Timestamp> {
        let figures = *self.figures.borrow();
        if figures.waiting() == 0 {
            return None;
        }
        let (reply, answer) = oneshot::channel();
        self.order(Order::Read { from: figures.acknowledged.next(), reply }).await.ok()?;
        let records = answer.await.ok()?;
        Record::from_octets(records.first()?).ok().map(|record| record.time)
    }
}

/// Refusals as they travel: beyond the bound the rest goes together.
fn refusals(health: &Health) -> Vec<Refusal> {
    let refusal = |reason: &str, count| Refusal { reason: Text::cut(reason), count };
    let apart = if health.refusals.len() > REFUSALS_MAX { REFUSALS_MAX - 1 } else { REFUSALS_MAX };
    let (apart, together) = health.refusals.split_at(apart.min(health.refusals.len()));
    let mut refusals: Vec<Refusal> = apart.iter().map(|(reason, count)| refusal(reason, *count)).collect();
    if !together.is_empty() {
        refusals.push(refusal("other", together.iter().map(|(_, count)| count).sum()));
    }
    refusals
}
