//! Root documents and words of which list is the newest, as they arrive on the stream of lists: what is taken goes to disk
//! before it is in force.

use tokio::io::AsyncWrite;
use varde_common::message::{RootOutcome, ToCollector};

use super::lists::on_disk;
use super::session::Desk;
use super::{Link, LinkError, write_message};
use crate::anchor::{Anchor, Document, Refused, Step};
use crate::io::clock;
use crate::io::disk::list::{self, Floor};
use crate::io::disk::roots;
use crate::newness;
use crate::subscription::Subscription;

/// Carries out what follows from a root document.
pub(super) async fn root_step<L: Link>(
    link: &L,
    write: &mut (impl AsyncWrite + Unpin),
    desk: &Desk,
    subscription: &mut Subscription,
    octets: Option<Vec<u8>>,
) -> Result<(), LinkError> {
    let [earliest, _] = desk.times();
    let step = change(desk, |anchor| match octets {
        Some(octets) => anchor.handle_next(octets, link.shown(), earliest),
        None => anchor.handle_quiet(),
    });
    match step {
        Step::Wait => Ok(()),
        Step::Broken(why) => Err(LinkError::Protocol(why.to_owned())),
        Step::Refused { why, outcome } => refused(write, desk, &why, outcome).await,
        Step::Keep(documents) => {
            for document in documents {
                match keep(desk, subscription, document).await? {
                    Ok(outcome) => write_message(write, &ToCollector::RootOutcome(outcome)).await?,
                    Err((why, outcome)) => return refused(write, desk, &why, outcome).await,
                }
            }
            Ok(())
        }
    }
}

fn change(desk: &Desk, with: impl FnOnce(&mut Anchor) -> Step) -> Step {
    let mut step = Step::Wait;
    desk.anchor.send_modify(|anchor| step = with(anchor));
    step
}

async fn refused(
    write: &mut (impl AsyncWrite + Unpin),
    desk: &Desk,
    why: &Refused,
    outcome: RootOutcome,
) -> Result<(), LinkError> {
    desk.refused(&why.to_string())?;
    write_message(write, &ToCollector::RootOutcome(outcome)).await
}

/// Has a document on disk, then in force. Within: why it could not be kept.
pub(super) async fn keep(
    desk: &Desk,
    subscription: &mut Subscription,
    document: Document,
) -> Result<Result<RootOutcome, (Refused, RootOutcome)>, LinkError> {
    let (data, kept, version) = (desk.data.clone(), document.clone(), document.root.version);
    if let Err(full) = on_disk(move || roots::store(&data, &kept)).await? {
        let mut refused = None;
        desk.anchor.send_modify(|anchor| refused = Some(anchor.handle_not_kept(version, full)));
        return refused.map(Err).ok_or_else(|| LinkError::Broken("a root document could not be kept".to_owned()));
    }
    let before = desk.anchor.borrow().root().clone();
    let root = document.root.clone();
    let mut outcome = RootOutcome::InForce { version, since: clock::now() };
    desk.anchor.send_modify(|anchor| outcome = anchor.handle_kept(document, clock::now()));
    desk.trust.handle_root(root.clone());
    desk.newness.send_modify(|newness| newness.handle_root(&before, &root));
    desk.brakes.send_modify(|brakes| brakes.handle_root(&before, &root));
    desk.look_at_brakes();
    tracing::info!(version, until = %root.expires, "a root document is in force");
    if subscription.handle_root(root) {
        tracing::warn!(
            "it gives lists to wholly other keys: what was signed before counts no more, and numbers begin anew"
        );
        // Cut off before this, the start finds the same: which root the floor was of is written with it.
        let (data, channel) = (desk.data.clone(), subscription.placed().channel().clone());
        let floor = Floor { revision: subscription.floor(), root_version: version };
        if let Err(full) = on_disk(move || list::store_floor(&data, &channel, floor)).await? {
            tracing::error!("the floor of lists cannot be written: {full}");
        }
    }
    Ok(Ok(outcome))
}

/// Carries out what follows from a word of which list is the newest.
pub(super) async fn newest_step(
    write: &mut (impl AsyncWrite + Unpin),
    desk: &Desk,
    subscription: &mut Subscription,
    octets: Vec<u8>,
) -> Result<(), LinkError> {
    let [_, latest] = desk.times();
    let root = desk.anchor.borrow().root().clone();
    let channel = subscription.placed().channel();
    let mut step = newness::Step::Nothing;
    desk.newness.send_modify(|newness| step = newness.handle_word(&octets, &root, channel, latest, clock::monotonic()));
    match step {
        newness::Step::Nothing => Ok(()),
        newness::Step::Refused(why) => {
            desk.refused(&why.to_string())?;
            let why = varde_common::codec::Text::cut(&why.to_string());
            write_message(write, &ToCollector::NewestRefused { why }).await
        }
        newness::Step::Keep(newest) => {
            let data = desk.data.clone();
            // Where the disk is full it holds for this process: what is on disk is older, and so is what it lets through.
            if let Err(full) = on_disk(move || list::store_newest(&data, &octets)).await? {
                tracing::error!("the word of which list is the newest cannot be kept: {full}");
            }
            tracing::debug!(revision = %newest.revision, at = %newest.at, "the newest list was named");
            subscription.handle_named(newest.revision, newest.manifest_sha256.clone());
            desk.newness.send_modify(|newness| newness.handle_kept(newest, clock::monotonic()));
            Ok(())
        }
    }
}
