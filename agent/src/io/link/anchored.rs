//! Root documents and words of which list is the newest, as they arrive on the stream of lists: what is taken goes to disk
//! before it is in force.

use tokio::io::AsyncWrite;
use varde_common::message::{RootOutcome, ToCollector};
use varde_common::trust::Root;

use super::lists::on_disk;
use super::placing::roots_of;
use super::session::Desk;
use super::timed::held;
use super::{Link, LinkError, write_message};
use crate::anchor::{Anchor, Document, Refused, Step};
use crate::io::clock;
use crate::io::disk::roots;
use crate::io::disk::{floor, list};
use crate::newness::{self, Newness};
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
    held(&desk.time).handle_root(&root);
    desk.newness.send_modify(|newness| newness.handle_root(&before, &root));
    desk.brakes.send_modify(|brakes| brakes.handle_root(&before, &root));
    desk.look_at_brakes();
    tracing::info!(version, until = %root.expires, "a root document is in force");
    words_of_before(desk, subscription, &before, &root).await?;
    if subscription.handle_root(root) {
        tracing::warn!(
            floor = %subscription.floor(),
            "it takes the list role from keys that have signed: what too few of those left have signed counts no more, and lists above this number are taken"
        );
        // Cut off before this, the start finds the same: who signed what is written with the floor.
        let (data, channel) = (desk.data.clone(), subscription.placed().channel().clone());
        let floor = subscription.whole_floor().clone();
        if let Err(full) = on_disk(move || floor::store_fallen(&data, &channel, &floor, version)).await? {
            tracing::error!("the floor of lists cannot be written: {full}");
        }
    }
    Ok(Ok(outcome))
}

/// What was said by keys of which too few are left holds up no other word: whoever stole one may have said it for tomorrow. What
/// is on disk is held against the new document, as a start would.
async fn words_of_before(
    desk: &Desk,
    subscription: &mut Subscription,
    before: &Root,
    root: &Root,
) -> Result<(), LinkError> {
    if before.roles.list == root.roles.list && before.roles.timestamp == root.roles.timestamp {
        return Ok(());
    }
    let (data, in_force, placed) = (desk.data.clone(), root.clone(), subscription.placed().clone());
    let read = on_disk(move || {
        let roots = roots_of(&data, in_force.clone());
        let newest = list::read_newest(&data, &in_force, placed.channel());
        Ok((list::read_channel(&data, &roots, placed.sensor()).at(), newest))
    });
    let Ok((placed_at, newest)) = read.await? else { return Ok(()) };
    if before.roles.list != root.roles.list && placed_at.is_none() {
        subscription.handle_word_forsaken();
    }
    if before.roles.timestamp != root.roles.timestamp && newest.is_none() {
        desk.newness.send_modify(Newness::handle_forsaken);
    }
    Ok(())
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
