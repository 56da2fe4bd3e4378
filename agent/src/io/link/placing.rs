//! Words of which channel to follow, as they arrive on the stream of lists: what is taken goes to disk before it counts.

use std::path::Path;

use tokio::io::AsyncWrite;
use varde_common::codec::Text;
use varde_common::id::Revision;
use varde_common::message::{ChannelOutcome, ToCollector};
use varde_common::record::SensorEvent;
use varde_common::trust::Root;

use super::lists::on_disk;
use super::session::Desk;
use super::{LinkError, write_message};
use crate::io::disk::floor;
use crate::io::disk::identity::Identity;
use crate::io::disk::keeper::Order;
use crate::io::disk::list;
use crate::io::disk::roots::{self, Stored};
use crate::io::disk::volume::RealVolume;
use crate::newness::Newness;
use crate::placed::Step;
use crate::subscription::Subscription;

/// Carries out what follows from a word of which channel to follow.
pub(super) async fn channel_step(
    write: &mut (impl AsyncWrite + Unpin),
    desk: &Desk,
    subscription: &mut Subscription,
    octets: Vec<u8>,
) -> Result<(), LinkError> {
    let [_, latest] = desk.times();
    let root = desk.anchor.borrow().root().clone();
    let outcome = match subscription.placed().handle_word(&octets, &root, latest) {
        Step::Nothing(outcome) => outcome,
        Step::Refused(why, outcome) => {
            desk.list_refused(Revision(0), &why.to_string()).await?;
            outcome
        }
        Step::Keep(placement) => {
            let (data, channel) = (desk.data.clone(), placement.channel.clone());
            let kept = on_disk(move || {
                list::store_channel(&data, &octets)?;
                floor::read_on(&RealVolume, &data, &channel, &roots_of(&data, root))
            });
            match kept.await? {
                Ok(floor) => {
                    tracing::info!(channel = %placement.channel, "another channel is followed");
                    if floor.is_none() {
                        let why = format!(
                            "the floor of channel {} on this disk is no number or cannot be read: an older list of it may be taken once",
                            placement.channel
                        );
                        tracing::warn!("{why}");
                        let event = SensorEvent::ListRefused { revision: Revision(0), why: Text::cut(&why) };
                        desk.order(Order::Event(event)).await?;
                    }
                    let outcome = subscription.handle_placed(placement, floor.unwrap_or_default());
                    desk.newness.send_modify(Newness::handle_channel);
                    desk.channel.send_replace(subscription.placed().channel().clone());
                    outcome
                }
                Err(full) => {
                    tracing::error!("the word of which channel to follow cannot be kept: {full}");
                    subscription.placed().handle_not_kept(&full)
                }
            }
        }
    };
    say(write, outcome).await
}

/// The root documents of the disk: one of them may have let that channel's floor fall since it was set.
pub(super) fn roots_of(data: &Path, in_force: Root) -> Stored {
    let identity = Identity::read(data).ok();
    let stored = identity.and_then(|identity| roots::read(data, identity.root().ok()?, &identity.root_document).ok());
    stored.unwrap_or_else(|| Stored::of(in_force))
}

async fn say(write: &mut (impl AsyncWrite + Unpin), outcome: ChannelOutcome) -> Result<(), LinkError> {
    write_message(write, &ToCollector::ChannelOutcome(outcome)).await
}
