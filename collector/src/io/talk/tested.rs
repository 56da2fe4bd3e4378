//! What a sensor hears of its self-tests: that they are known here, and that one is committed, read back from where it is kept.

use std::time::Instant;

use varde_common::limits::SELF_TEST_RECORD_MAX_OCTETS;
use varde_common::message::{Batch, CloseReason, ToAgent};
use varde_common::record::{Record, RecordBody, SensorEvent};

use super::Talk;
use crate::io::clock;

impl Talk {
    /// The number of the last self-test in a batch, where its sensor wants to hear of it.
    pub(super) fn test_in(&self, batch: &Batch) -> Option<u64> {
        if !self.session().reads_tests() {
            return None;
        }
        // Whatever is longer is something else, and need not be read twice.
        let short = batch.records.iter().rev().filter(|octets| octets.len() <= SELF_TEST_RECORD_MAX_OCTETS);
        short.filter_map(|octets| Record::from_octets(octets).ok()).find_map(|record| match record.body {
            RecordBody::Event(SensorEvent::SelfTest { number }) => Some(number),
            _ => None,
        })
    }

    /// What is said of it once its batch is committed; nothing where the database has it not.
    pub(super) async fn tested(
        &self,
        test: Option<u64>,
        answer: &ToAgent,
        begun: Instant,
    ) -> Result<Option<ToAgent>, CloseReason> {
        let (Some(number), ToAgent::Ack { .. }) = (test, answer) else { return Ok(None) };
        let kept = self.collector.store.self_test(self.sensor).await.map_err(|error| self.unavailable(&error))?;
        let took = clock::monotonic().saturating_duration_since(begun);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        Ok((kept == Some(number)).then_some(ToAgent::Tested { number, took_us }))
    }
}
