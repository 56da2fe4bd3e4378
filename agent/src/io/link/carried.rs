//! A list carried here by hand (`varde_common::carried`): its frames go the way that those of a session go, so that they are held
//! against the same, and what comes of it is told to whoever brought it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::timeout;
use varde_common::carried::MAGIC;
use varde_common::codec::FrameHeader;
use varde_common::id::Revision;
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::list::Manifest;
use varde_common::message::{
    ChannelOutcome, CloseReason, ListOutcome, PROTOCOLS, RootOutcome, Stream, ToAgent, ToCollector,
};
use varde_common::rotation::claimed_version;
use varde_common::trust::read_unverified;

use super::desk::Desk;
use super::lists::lists;
use super::{Link, LinkError, Way, read_message};
use crate::anchor::Anchor;
use crate::io::clock;
use crate::limits::{CARRIED_ANSWERS_MAX_OCTETS, CARRIED_PIECE_OCTETS, CARRIED_WITHIN_S};
use crate::subscription::Subscription;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Carried {
    /// The list that was taken; none = it was refused.
    pub taken: Option<Revision>,
    /// Root documents that were taken, in order.
    pub roots: Vec<u32>,
    /// The list in force by now, 0 = none.
    pub in_force: Revision,
    /// The root document in force by now.
    pub root_version: u32,
    /// What was refused and why, a sentence each.
    pub refused: Vec<String>,
    /// The channel that is followed; empty where a running agent of before says nothing of it.
    #[serde(default)]
    pub follows: String,
    /// The channel that the file's list says it is for, whoever signed it; none where no list was read.
    #[serde(default)]
    pub list_channel: Option<String>,
}

/// One who stands at the control socket with a list.
#[derive(Debug, Default)]
pub struct Counter {
    waiting: Mutex<Option<UnixStream>>,
    come: Notify,
}

impl Counter {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Option<UnixStream>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody brings a list; given back where another is waiting already.
    ///
    /// # Errors
    /// The stream itself.
    pub fn hand_in(&self, stream: UnixStream) -> Result<(), UnixStream> {
        let mut waiting = self.waiting();
        if waiting.is_some() {
            return Err(stream);
        }
        *waiting = Some(stream);
        self.come.notify_waiters();
        Ok(())
    }

    /// Until somebody waits. Whoever else waits for that is told as well.
    pub(super) async fn asked(&self) {
        loop {
            // Begun before the look, so that nobody comes in between.
            let come = self.come.notified();
            if self.waiting().is_some() {
                return;
            }
            come.await;
        }
    }

    pub(super) fn take(&self) -> Option<UnixStream> {
        self.waiting().take()
    }
}

/// The file as a link: one stream, that of lists.
struct File {
    streams: Mutex<Option<(DuplexStream, DuplexStream)>>,
    shown: Vec<CertificateDer<'static>>,
}

impl Link for File {
    type Write = DuplexStream;
    type Read = DuplexStream;

    async fn open(&self, stream: Stream) -> Result<(DuplexStream, DuplexStream), LinkError> {
        let taken = self.streams.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.filter(|_| stream == Stream::Lists).ok_or_else(|| LinkError::Protocol("a file has one stream".to_owned()))
    }

    fn ended(&self) -> Option<LinkError> {
        None
    }

    fn close(&self, _reason: CloseReason) {}

    fn way(&self) -> Way {
        Way::Quic
    }

    fn traffic(&self) -> Option<(u64, u64)> {
        None
    }

    fn shown(&self) -> &[CertificateDer<'static>] {
        &self.shown
    }
}

/// Takes the list that somebody brought to the control socket, and tells them what came of it.
pub(super) async fn serve(desk: &Desk, subscription: &mut Subscription, mut stream: UnixStream) {
    let (mut read, mut write) = stream.split();
    let carried = take(desk, subscription, &mut read).await;
    let told = serde_json::to_string(&carried).unwrap_or_default();
    // Whoever has left hears nothing; what came of it holds all the same.
    let _ = timeout(Duration::from_secs(1), write.write_all(told.as_bytes())).await;
}

/// Takes a list out of a file, with everything that it is held against. No session may stand meanwhile.
pub async fn take(desk: &Desk, subscription: &mut Subscription, file: &mut (impl AsyncRead + Unpin)) -> Carried {
    subscription.handle_session();
    desk.anchor.send_modify(Anchor::handle_session);
    let (mut feed, read) = duplex(CARRIED_PIECE_OCTETS);
    let (write, mut answers) = duplex(CARRIED_ANSWERS_MAX_OCTETS);
    let link = File { streams: Mutex::new(Some((write, read))), shown: vec![desk.ca.clone()] };
    let version = desk.anchor.borrow().root().version;
    let mut list_channel = None;
    let fed = async {
        let fed = pass_on(file, &mut feed, version, &mut list_channel).await;
        drop(feed);
        fed
    };
    let within = Duration::from_secs(CARRIED_WITHIN_S);
    let brought =
        timeout(within, async { tokio::join!(fed, lists(&link, desk, subscription, *PROTOCOLS.end())) }).await;
    desk.newness.send_modify(|newness| newness.handle_session_over(clock::monotonic()));
    subscription.handle_session();
    drop(link);
    let mut carried = Carried::default();
    while let Ok(Some(answer)) = read_answer(&mut answers).await {
        carried.note(answer);
    }
    match brought {
        Ok((Ok(()), _)) if carried.taken.is_none() && carried.refused.is_empty() => {
            carried.refused.push("the file holds no whole list".to_owned());
        }
        Ok((Ok(()), _)) => {}
        Ok((Err(_), Err(why @ LinkError::RefusedTooOften))) => carried.refused.push(why.to_string()),
        // What the list was refused for says more than the pieces that nobody took any more.
        Ok((Err(_), Err(LinkError::Protocol(why)))) => carried.refused.push(why),
        Ok((Err(why), _)) => carried.refused.push(why),
        Err(_) => carried.refused.push(format!("the file did not come whole within {CARRIED_WITHIN_S} seconds")),
    }
    carried.list_channel = list_channel;
    carried.follows = desk.channel.borrow().to_string();
    carried.in_force = desk.list.borrow().revision;
    carried.root_version = desk.anchor.borrow().root().version;
    carried
}

impl Carried {
    fn note(&mut self, answer: ToCollector) {
        match answer {
            ToCollector::ListOutcome(ListOutcome::InForce { revision, .. }) => self.taken = Some(revision),
            ToCollector::ListOutcome(ListOutcome::Refused { why, .. }) | ToCollector::NewestRefused { why } => {
                self.refused.push(why.as_str().to_owned());
            }
            ToCollector::RootOutcome(RootOutcome::Refused { why, .. })
            | ToCollector::ChannelOutcome(ChannelOutcome::Refused { why, .. }) => {
                self.refused.push(why.as_str().to_owned());
            }
            ToCollector::RootOutcome(RootOutcome::InForce { version, .. }) => self.roots.push(version),
            ToCollector::ChannelOutcome(ChannelOutcome::Follows { .. })
            | ToCollector::Open(_)
            | ToCollector::Hello(_)
            | ToCollector::Heartbeat(_)
            | ToCollector::Batch(_)
            | ToCollector::Subscribe { .. }
            | ToCollector::Enrol { .. }
            | ToCollector::AskRoot
            | ToCollector::Kept(_)
            | ToCollector::Compact(_)
            | ToCollector::Pulse(_)
            | ToCollector::Standing(_)
            | ToCollector::Sight(_)
            | ToCollector::Holds(_)
            | ToCollector::AskRoots { .. }
            | ToCollector::AskWhole
            | ToCollector::AskTests
            | ToCollector::BrakeOutcome(_)
            | ToCollector::AskPinned { .. }
            | ToCollector::Renew { .. } => {}
        }
    }
}

/// Passes a file's messages on, but for root documents up to this one, and notes for which channel the list says it is. An error
/// is a sentence.
async fn pass_on(
    file: &mut (impl AsyncRead + Unpin),
    feed: &mut DuplexStream,
    version: u32,
    list_channel: &mut Option<String>,
) -> Result<(), String> {
    let mut magic = [0; MAGIC.len()];
    if file.read_exact(&mut magic).await.is_err() || magic != *MAGIC {
        return Err("this is no file of varde-collector list export".to_owned());
    }
    let broken = |why: LinkError| match why {
        LinkError::Broken(_) => "the file is cut short".to_owned(),
        LinkError::Protocol(why) => format!("the file is damaged: {why}"),
        why => format!("the file is damaged: {why}"),
    };
    while let Some(message) = read_message(file).await.map_err(broken)? {
        if matches!(&message, ToAgent::NextRoot { document } if claimed_version(document) <= version) {
            continue;
        }
        if let ToAgent::ListOffer { manifest } | ToAgent::Publication { manifest, .. } = &message {
            *list_channel = read_unverified::<Manifest>(manifest).ok().map(|(manifest, _)| manifest.channel);
        }
        let frame = message.to_frame().map_err(|error| error.to_string())?;
        feed.write_all(&frame).await.map_err(|_| "more came than a list".to_owned())?;
    }
    Ok(())
}

async fn read_answer(answers: &mut DuplexStream) -> io::Result<Option<ToCollector>> {
    let mut header = [0; FRAME_HEADER_OCTETS];
    if answers.read_exact(&mut header).await.is_err() {
        return Ok(None);
    }
    let bad = |_| io::Error::from(io::ErrorKind::InvalidData);
    let header = FrameHeader::read(header, ToCollector::BODY_MAX_OCTETS).map_err(bad)?;
    let mut body = vec![0; header.body_octets];
    answers.read_exact(&mut body).await?;
    Ok(ToCollector::from_body(header.kind, &body).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_stands_at_the_counter_at_a_time_and_all_who_wait_for_that_are_told() {
        let counter = Counter::default();
        let [(one, _other), (two, _second)] = [(); 2].map(|()| UnixStream::pair().unwrap());
        let come = async {
            tokio::task::yield_now().await;
            assert!(counter.hand_in(one).is_ok());
        };
        tokio::join!(counter.asked(), counter.asked(), come);
        assert!(counter.hand_in(two).is_err(), "another is there");
        assert!(counter.take().is_some() && counter.take().is_none());
    }

    #[tokio::test]
    async fn what_is_no_such_file_or_is_cut_short_is_told_in_a_sentence() {
        let end = ToAgent::ListEnd.to_frame().unwrap();
        let cut = &end[..end.len() - 1];
        for (octets, words) in [
            (b"VARDEXX1".to_vec(), "no file of varde-collector list export"),
            (b"VARDE".to_vec(), "no file of varde-collector list export"),
            ([&MAGIC[..], cut].concat(), "damaged: the bytes end before the value does"),
            ([&MAGIC[..], &[0xff; 64]].concat(), "damaged"),
        ] {
            let (mut feed, _read) = duplex(1024);
            let said = pass_on(&mut &octets[..], &mut feed, 1, &mut None).await.unwrap_err();
            assert!(said.contains(words), "{said}");
        }
        let (mut feed, mut read) = duplex(1024);
        pass_on(&mut &[&MAGIC[..], &end].concat()[..], &mut feed, 1, &mut None).await.unwrap();
        assert_eq!(read_message(&mut read).await, Ok(Some(ToAgent::ListEnd)));
    }
}
