//! Orders of the brake, as they arrive on the stream of lists: what is taken goes to disk before it is in force.

use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::timeout;
use varde_common::message::{BrakeOutcome, ToCollector};

use super::lists::on_disk;
use super::session::Desk;
use super::{LinkError, write_message};
use crate::brake::Step;
use crate::io::clock;
use crate::io::disk::brake;
use crate::limits::LIST_TAKEN_WITHIN_S;

/// In force is what the next packet is held against, not what lies ready for it.
async fn taken_up(desk: &Desk) {
    let wanted = desk.braking.borrow().clone();
    let mut counting = desk.counting.clone();
    let taken = counting.wait_for(|by_now| by_now.as_ref().is_none_or(|by_now| *by_now == wanted));
    if timeout(Duration::from_secs(LIST_TAKEN_WITHIN_S), taken).await.is_err() {
        tracing::warn!("the sensor is busy and has not taken the order of the brake yet");
    }
}

/// Carries out what follows from an order.
pub(super) async fn brake_step(
    write: &mut (impl AsyncWrite + Unpin),
    desk: &Desk,
    octets: Vec<u8>,
) -> Result<(), LinkError> {
    let root = desk.anchor.borrow().root().clone();
    let (now, steady) = (desk.by_word(), clock::steady());
    let mut step = None;
    desk.brakes.send_modify(|brakes| step = Some(brakes.handle_order(octets, &root, now, steady)));
    let outcome = match step {
        None => return Ok(()),
        Some(Step::Again(outcome)) => return write_message(write, &ToCollector::BrakeOutcome(outcome)).await,
        Some(Step::Refused(outcome)) => outcome,
        Some(Step::Keep(kept)) => {
            // The key is at the collector: nobody else's hand is needed for one order after the other, and each is written to disk.
            desk.bears()?;
            let (data, stored) = (desk.data.clone(), kept.clone());
            let stored = on_disk(move || brake::store(&data, &stored)).await?;
            let mut outcome = None;
            desk.brakes.send_modify(|brakes| {
                outcome = Some(match stored {
                    Ok(()) => brakes.handle_kept(kept, &root, now),
                    Err(full) => brakes.handle_not_kept(&full),
                });
            });
            desk.look_at_brakes();
            taken_up(desk).await;
            match outcome {
                Some(outcome) => outcome,
                None => return Ok(()),
            }
        }
    };
    match &outcome {
        BrakeOutcome::Taken { number, .. } => {
            tracing::info!(number, "an order of the brake is in force: what it names is counted only; see status");
        }
        BrakeOutcome::Refused { known: _, why } => desk.refused(why.as_str())?,
    }
    write_message(write, &ToCollector::BrakeOutcome(outcome)).await
}
