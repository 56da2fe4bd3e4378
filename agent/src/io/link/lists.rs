//! The stream of lists: what arrives goes to disk piece by piece, and comes into force once the sensor has taken it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use varde_common::list::Manifest;
use varde_common::matcher::IndicatorSet;
use varde_common::message::{ListOutcome, Stream, ToAgent, ToCollector};
use varde_common::record::SensorEvent;

use super::anchored::{newest_step, root_step};
use super::braking::brake_step;
use super::placing::channel_step;
use super::session::{Desk, InForce, unexpected};
use super::{Link, LinkError, read_message, write_message};
use crate::io::disk::keeper::Order;
use crate::io::disk::list::{self, Incoming};
use crate::io::{clock, disk};
use crate::limits::{LIST_TAKEN_WITHIN_S, ROOT_FOLLOWED_WITHIN_S};
use crate::subscription::{Step, Subscription};

/// The stream of lists: subscribes, and takes in whatever list comes.
pub(super) async fn lists<L: Link>(
    link: &L,
    desk: &Desk,
    subscription: &mut Subscription,
    protocol: u16,
) -> Result<std::convert::Infallible, LinkError> {
    let (mut write, mut read) = link.open(Stream::Lists).await?;
    if protocol >= 3 {
        write_message(&mut write, &ToCollector::Holds(subscription.holds())).await?;
    }
    write_message(&mut write, &ToCollector::Subscribe { revision: subscription.held() }).await?;
    let mut incoming = None;
    loop {
        let message = {
            let mut reading = std::pin::pin!(read_message(&mut read));
            let waiting = desk.anchor.borrow().is_waiting() || subscription.is_forsaken();
            tokio::select! {
                message = &mut reading => message?,
                () = sleep(Duration::from_secs(ROOT_FOLLOWED_WITHIN_S)), if waiting => {
                    root_step(link, &mut write, desk, subscription, None).await?;
                    if subscription.is_forsaken() {
                        // The collector may think that what is held here is the newest.
                        return Err(LinkError::ListForsaken);
                    }
                    reading.await?
                }
            }
        };
        if !matches!(message, Some(ToAgent::NextRoot { .. })) {
            root_step(link, &mut write, desk, subscription, None).await?;
        }
        let step = match message {
            Some(ToAgent::NextRoot { document }) => {
                // What has begun to arrive is held against the root that was in force then.
                root_step(link, &mut write, desk, subscription, Some(document)).await?;
                if !subscription.is_receiving() {
                    incoming = None;
                    desk.newness.send_modify(|newness| newness.handle_receiving(false));
                }
                continue;
            }
            Some(ToAgent::Newest { document }) => {
                newest_step(&mut write, desk, subscription, document).await?;
                continue;
            }
            Some(ToAgent::Brake { document }) => {
                brake_step(&mut write, desk, document).await?;
                continue;
            }
            Some(ToAgent::Channel { document }) => {
                // What has begun to arrive is of the channel before.
                channel_step(&mut write, desk, subscription, document).await?;
                if !subscription.is_receiving() {
                    incoming = None;
                    desk.newness.send_modify(|newness| newness.handle_receiving(false));
                }
                continue;
            }
            Some(ToAgent::ListOffer { manifest }) => {
                let [earliest, _] = desk.times();
                subscription.handle_offer(manifest, earliest)
            }
            Some(ToAgent::Publication { manifest, whole }) => {
                let [earliest, _] = desk.times();
                subscription.handle_publication(manifest, whole, earliest)
            }
            Some(ToAgent::OverlayChunk { octets }) => subscription.handle_overlay_chunk(&octets),
            Some(ToAgent::ListChunk { octets }) => subscription.handle_chunk(octets),
            Some(ToAgent::ListEnd) => subscription.handle_end(),
            None
            | Some(
                ToAgent::HelloAck { .. }
                | ToAgent::Ack { .. }
                | ToAgent::Gap { .. }
                | ToAgent::Root { .. }
                | ToAgent::Enrolled { .. }
                | ToAgent::EnrolRefused(_)
                | ToAgent::Greeting(_)
                | ToAgent::NewEpoch { .. }
                | ToAgent::Renewed { .. }
                | ToAgent::Waiting
                | ToAgent::NoMoreRoots { .. }
                | ToAgent::TakesTests
                | ToAgent::Tested { .. }
                | ToAgent::RenewalRefused(_),
            ) => return Err(unexpected(message.as_ref())),
        };
        let outcome = act(step, desk, subscription, &mut incoming).await?;
        desk.newness.send_modify(|newness| newness.handle_receiving(subscription.is_receiving()));
        if let Some(outcome) = outcome {
            write_message(&mut write, &ToCollector::ListOutcome(outcome)).await?;
        }
        if subscription.takes_ask_for_whole() {
            write_message(&mut write, &ToCollector::AskWhole).await?;
        }
    }
}

/// Does what waits for the disk off the runtime. Within: why there was no room; after a failed fsync only reading the disk
/// anew tells what there is, so every other failure ends the process.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, disk::DiskError> + Send + 'static,
) -> Result<Result<T, String>, LinkError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(Ok(done)),
        Ok(Err(error)) if error.is_full() => Ok(Err(error.to_string())),
        Ok(Err(error)) => disk::end_process(&error),
        Err(error) => Err(LinkError::Broken(error.to_string())),
    }
}

/// Carries out what follows from what arrived; the answer, if there is one by now.
async fn act(
    step: Step,
    desk: &Desk,
    subscription: &mut Subscription,
    incoming: &mut Option<Incoming>,
) -> Result<Option<ListOutcome>, LinkError> {
    let done = match step {
        Step::Wait => return Ok(None),
        Step::Broken(why) => return Err(LinkError::Protocol(why.to_owned())),
        Step::Refused { revision, why, outcome } => {
            *incoming = None;
            desk.list_refused(revision, &why).await?;
            return Ok(Some(outcome));
        }
        Step::Begin { manifest } => {
            let data = desk.data.clone();
            *incoming = None;
            on_disk(move || Incoming::begin(&data, &manifest)).await?.map(|file| *incoming = Some(file))
        }
        Step::Append(octets) => {
            let Some(mut file) = incoming.take() else { return Ok(None) };
            let appended = on_disk(move || file.write(&octets).map(|()| file)).await?;
            appended.map(|file| *incoming = Some(file))
        }
        Step::Keep(arrived) => {
            let file = incoming.take();
            if arrived.whole && file.is_none() {
                return Ok(None);
            }
            let (data, channel) = (desk.data.clone(), subscription.placed().channel().clone());
            let (floor, version) = (subscription.floor_with(&arrived.manifest), desk.anchor.borrow().root().version);
            let ours = Arc::clone(&desk.list.borrow().set);
            let kept = on_disk(move || {
                let set = match list::complete(file.as_ref(), &ours, &arrived)? {
                    Ok(set) => set,
                    Err(refused) => return Ok(Err(refused.to_string())),
                };
                list::accept(file, &data, &channel, (&floor, version), &arrived)?;
                Ok(Ok((set, arrived.manifest)))
            });
            match kept.await? {
                Ok(Ok((set, manifest))) => {
                    return put_in_force(Arc::new(set), &manifest, desk, subscription).await.map(Some);
                }
                Ok(Err(why)) | Err(why) => Err(why),
            }
        }
    };
    match done {
        Ok(()) => Ok(None),
        Err(why) => {
            let refused = subscription.handle_not_stored(&why);
            Box::pin(act(refused, desk, subscription, incoming)).await
        }
    }
}

/// Hands the sensor a list that is on disk, and waits until it has taken it.
async fn put_in_force(
    set: Arc<IndicatorSet>,
    manifest: &Manifest,
    desk: &Desk,
    subscription: &mut Subscription,
) -> Result<ListOutcome, LinkError> {
    let (revision, indicators) = (manifest.revision, set.len() as u64);
    // The list before is let go of here and not by the sensor, which would wait while it is unmapped.
    let before = desk.list.send_replace(InForce { set, revision });
    // In force is what the next packet is held against, not what lies ready for it.
    let mut matching = desk.matching.clone();
    let taken = matching.wait_for(|by_now| by_now.is_none_or(|by_now| by_now >= revision));
    if timeout(Duration::from_secs(LIST_TAKEN_WITHIN_S), taken).await.is_err() {
        tracing::warn!(%revision, "the sensor is busy and has not taken the list yet");
    }
    drop(tokio::task::spawn_blocking(move || drop(before)));
    let outcome = subscription.handle_stored(manifest, clock::now());
    tracing::info!(%revision, indicators, "a list is in force");
    desk.order(Order::Event(SensorEvent::ListInForce { revision, indicators })).await?;
    Ok(outcome)
}
