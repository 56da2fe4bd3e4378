//! A session with the collector, and the next one after it: turns the crank of [`crate::ship`] and
//! [`crate::subscription`] and holds no opinion of its own.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, sleep_until, timeout};
use varde_common::compact::Packer;
use varde_common::id::{Mark, Seq};
use varde_common::message::{Batch, CloseReason, Greeting, Stream, ToAgent, ToCollector};
use varde_common::time::Timestamp;

use super::again::{Again, Follows};
use super::carried;
use super::control_stream::control;
pub use super::desk::{Desk, InForce, Uplink};
use super::ended::{Stood, lost};
use super::lists::{lists, on_disk};
use super::renewing::Renewing;
use super::ways::{Dialled, Ways};
use super::{Link, LinkError, Way, read_message, write_message};
use crate::anchor::Anchor;
use crate::io::clock;
use crate::io::disk::keeper::Order;
use crate::io::disk::mark;
use crate::limits::ANSWER_TIMEOUT_S;
use crate::ship::{Broken, Lost, Next, Reconnect, Ship};
use crate::subscription::Subscription;

/// The version of the conversation in which a sensor may ask whether its tests of itself are known.
const TESTS_SINCE: u16 = 3;

/// How a session came to its end.
enum Over {
    /// It was lost.
    Ended(LinkError),
    /// It goes on over QUIC.
    Moved(super::quic::QuicLink),
    /// It is left, of our own accord.
    Left(Left),
}

/// Why a session, or the attempt at one, is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// This process ends.
    Stopped,
    /// Somebody has brought a list by hand: it is taken before anything else.
    ForCarried,
}

/// Connects, again and again, until told to stop.
pub async fn keep_connected(
    desk: &Desk,
    ways: &mut Ways,
    subscription: &mut Subscription,
    renewing: &mut Renewing,
    mut stop: watch::Receiver<bool>,
) {
    desk.certified.send_replace(Some(renewing.certified()));
    let mut reconnect = Reconnect::default();
    let mut ship = Ship::new(desk.figures.borrow().epoch, desk.unsent);
    let mut again = Again::default();
    loop {
        if let Some(carried) = desk.counter.take() {
            carried::serve(desk, subscription, carried).await;
        }
        let attempt = async {
            let not_reached = |error| lost(error, None);
            let mut dialled = ways.dial().await.map_err(not_reached)?;
            let mut moved = false;
            loop {
                let mut stood = None;
                let (ship, reconnect) = (&mut ship, &mut reconnect);
                let renewing = &mut *renewing;
                let left = leaving(stop.clone(), desk);
                let over = match &dialled {
                    Dialled::Quic(link) => tokio::select! {
                        ended = session(link, desk, subscription, ship, reconnect, renewing, &mut stood) => Over::Ended(ended),
                        left = left => Over::Left(left),
                    },
                    Dialled::Tcp(link) => {
                        let mut better = std::pin::pin!(ways.quic_again());
                        let over = tokio::select! {
                            ended = session(&**link, desk, subscription, ship, reconnect, renewing, &mut stood) => {
                                Over::Ended(ended)
                            }
                            quic = &mut better => Over::Moved(quic),
                            left = left => Over::Left(left),
                        };
                        match over {
                            // The collector has seen the new session before we have: it is about to stand here too.
                            Over::Ended(LinkError::Closed(CloseReason::Replaced)) => {
                                let quic = timeout(Duration::from_secs(ANSWER_TIMEOUT_S), better).await;
                                quic.map_or(Over::Ended(LinkError::Closed(CloseReason::Replaced)), Over::Moved)
                            }
                            over => over,
                        }
                    }
                };
                let _ = desk.order(Order::SendingEnded(ship.unsent())).await;
                let code = match &over {
                    Over::Left(_) | Over::Moved(_) => CloseReason::GoingDown,
                    Over::Ended(_) => CloseReason::ProtocolError,
                };
                dialled.close(code).await;
                match over {
                    Over::Left(left) => return Ok(left),
                    Over::Moved(quic) => {
                        tracing::info!("QUIC (UDP) answers again; leaving TCP");
                        dialled = Dialled::Quic(quic);
                        moved = true;
                    }
                    Over::Ended(error) => {
                        let blocked = match &dialled {
                            Dialled::Quic(_) => ways.handle_quic_ended(&error, stood.map(|stood| stood.since)),
                            Dialled::Tcp(_) => false,
                        };
                        if blocked && std::mem::take(&mut moved) {
                            tracing::warn!("QUIC (UDP) does not carry a session; back to TCP: {error}");
                            dialled = ways.dial().await.map_err(not_reached)?;
                            continue;
                        }
                        return Err(lost(error, stood.map(|stood| stood.was_fruitful(ship.committed()))));
                    }
                }
            }
        };
        let (error, lost) = tokio::select! {
            result = attempt => match result {
                Ok(Left::Stopped) => return,
                Ok(Left::ForCarried) => {
                    desk.uplink.send_replace(Uplink::default());
                    continue;
                }
                Err(lost) => lost,
            },
            left = leaving_before_a_session(stop.clone(), desk) => match left {
                Left::Stopped => return,
                Left::ForCarried => continue,
            },
        };
        let follows = tokio::select! {
            follows = again.after(&error, ways, desk, subscription, renewing) => follows,
            () = stopping(stop.clone()) => return,
        };
        desk.certified.send_replace(Some(renewing.certified()));
        let error = match follows {
            Follows::Now => continue,
            Follows::Later(None) => error,
            Follows::Later(Some(instead)) => instead,
        };
        let wait = reconnect.handle_lost(lost, getrandom::u64().unwrap_or(u64::from(u32::MAX)));
        tracing::warn!(retry_in_ms = wait.as_millis(), "not connected: {error}");
        desk.uplink.send_replace(Uplink {
            connected: false,
            last_error: Some(error.to_string()),
            revoked: lost == Lost::Revoked,
            ..Uplink::default()
        });
        tokio::select! {
            () = sleep(wait) => {}
            () = desk.counter.asked() => {}
            () = stopping(stop.clone()) => return,
        }
        if *stop.borrow_and_update() {
            return;
        }
    }
}

async fn stopping(mut stop: watch::Receiver<bool>) {
    // A sender that is gone means the process is ending too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn leaving(stop: watch::Receiver<bool>, desk: &Desk) -> Left {
    tokio::select! {
        () = stopping(stop) => Left::Stopped,
        () = desk.counter.asked() => Left::ForCarried,
    }
}

/// While dialling nothing needs to be said to anybody; during a session the session's own end comes first.
async fn leaving_before_a_session(stop: watch::Receiver<bool>, desk: &Desk) -> Left {
    let left = leaving(stop, desk).await;
    if desk.uplink.borrow().connected {
        // The session's branch sees the same and closes the connection in words.
        sleep(Duration::from_secs(3)).await;
    }
    left
}

/// One session from Hello to its end; says why it ended.
async fn session<L: Link>(
    link: &L,
    desk: &Desk,
    subscription: &mut Subscription,
    ship: &mut Ship,
    reconnect: &mut Reconnect,
    renewing: &mut Renewing,
    stood: &mut Option<Stood>,
) -> LinkError {
    let ended = run_session(link, desk, subscription, ship, reconnect, renewing, stood).await;
    desk.newness.send_modify(|newness| newness.handle_session_over(clock::monotonic()));
    desk.tests.handle_session_over();
    let error = match ended {
        Ok(never) => match never {},
        Err(error) => error,
    };
    // A reason given by the other side says more than the broken stream it caused.
    match (&error, link.ended()) {
        (LinkError::Broken(_) | LinkError::Busy | LinkError::Protocol(_), Some(said)) => said,
        _ => error,
    }
}

async fn run_session<L: Link>(
    link: &L,
    desk: &Desk,
    subscription: &mut Subscription,
    ship: &mut Ship,
    reconnect: &mut Reconnect,
    renewing: &mut Renewing,
    stood: &mut Option<Stood>,
) -> Result<std::convert::Infallible, LinkError> {
    let (mut write, mut read) = link.open(Stream::Control).await?;
    let figures = *desk.figures.borrow();
    let way = link.way();
    let said = greet(link, &mut write, &mut read, desk).await?;
    *stood = Some(Stood { since: clock::monotonic(), committed: said.committed });
    desk.hear_time(said.clock).await;
    reconnect.handle_session(said.reconnect_spread_ms);
    renewing.handle_stood(said.reconnect_spread_ms).await?;
    desk.certified.send_replace(Some(renewing.certified()));
    subscription.handle_session();
    desk.anchor.send_modify(Anchor::handle_session);
    desk.newness.send_modify(|newness| newness.handle_session(clock::monotonic()));
    let sent_before = ship.next();
    if let Err(broken) = ship.handle_session(said.committed) {
        if matches!(broken, Broken::RolledBack { .. }) {
            desk.order(Order::SetAside(said.committed)).await?;
        }
        return Err(LinkError::Protocol(broken.to_string()));
    }
    desk.resent(sent_before, ship.next());
    if said.committed < figures.acknowledged {
        // Acknowledged records are kept for this (D9); that it happens is never silent.
        tracing::warn!(
            committed = %said.committed, acknowledged = %figures.acknowledged,
            "the collector has less than it acknowledged: it was restored from a backup; what is still here is sent again"
        );
    }
    desk.order(Order::Acknowledged(said.committed)).await?;
    let (committed, protocol) = (said.committed, said.protocol);
    match &way {
        Way::Quic => tracing::info!(%committed, protocol, "connected to the collector"),
        Way::Tcp { address, .. } => {
            tracing::info!(%committed, protocol, "connected to the collector over TCP at {address}: QUIC (UDP) is blocked");
        }
    }
    desk.uplink.send_replace(Uplink {
        connected: true,
        way: Some((way, clock::now())),
        clock_offset_us: Some(said.clock_offset_us),
        ..Uplink::default()
    });
    tokio::select! {
        ended = control(&mut write, &mut read, desk, renewing, &said) => ended,
        ended = alerts(link, desk, ship, said.protocol) => ended,
        ended = lists(link, desk, subscription, protocol) => ended,
    }
}

/// What the collector said to Hello.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) protocol: u16,
    committed: Seq,
    reconnect_spread_ms: u32,
    clock: Timestamp,
    pub(super) clock_offset_us: i64,
}

/// Introduces this sensor. What must be on disk before anything else is said is there when this returns.
async fn greet<L: Link>(link: &L, write: &mut L::Write, read: &mut L::Read, desk: &Desk) -> Result<Said, LinkError> {
    let figures = *desk.figures.borrow();
    if *desk.protocols.end() >= 2 {
        // A collector of version 1 passes it over.
        let data = desk.data.clone();
        let kept = tokio::task::spawn_blocking(move || mark::kept(&data)).await.unwrap_or_default();
        write_message(write, &ToCollector::Kept(kept)).await?;
    }
    let asked = clock::monotonic();
    write_message(write, &ToCollector::Hello(desk.hello(&figures))).await?;
    let answer = answer_to_hello(link, read).await?;
    let there_and_back = clock::monotonic().saturating_duration_since(asked);
    let offset = |clock: Timestamp| clock.plus(there_and_back / 2).0.saturating_sub(clock::now().0);
    let (said, mark) = match answer {
        Some(ToAgent::HelloAck { protocol, committed, reconnect_spread_ms, clock }) => {
            (Said { protocol, committed, reconnect_spread_ms, clock, clock_offset_us: offset(clock) }, None)
        }
        Some(ToAgent::Greeting(Greeting { protocol, committed, reconnect_spread_ms, clock, mark })) => {
            (Said { protocol, committed, reconnect_spread_ms, clock, clock_offset_us: offset(clock) }, Some(mark))
        }
        Some(ToAgent::NewEpoch { committed }) => {
            tracing::error!(%committed, "the collector orders a new spool: this sensor was released from quarantine, or an older state of its disk came");
            desk.order(Order::SetAside(committed)).await?;
            return Err(LinkError::Protocol("the collector wants a new spool begun".to_owned()));
        }
        other => return Err(unexpected(other.as_ref())),
    };
    // Each version has its own answer.
    if !desk.protocols.contains(&said.protocol) || (said.protocol >= 2) != mark.is_some() {
        return Err(LinkError::Protocol(format!("it answers in version {} of the conversation", said.protocol)));
    }
    if let Some(mark) = mark {
        keep(desk, mark).await?;
    }
    Ok(said)
}

/// Waits for the answer to Hello. Where none comes, what the link has sent and heard meanwhile tells a collector that is busy from a
/// way that swallows everything.
async fn answer_to_hello<L: Link>(link: &L, read: &mut L::Read) -> Result<Option<ToAgent>, LinkError> {
    let limit = Duration::from_secs(ANSWER_TIMEOUT_S);
    let mut answer = std::pin::pin!(read_message(read));
    // By then the last of the handshake has arrived too, or never will.
    if let Ok(answer) = timeout(limit / 4, &mut answer).await {
        return answer;
    }
    let before = link.traffic();
    match timeout(limit - limit / 4, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(no_answer(before, link.traffic())),
    }
}

/// Why Hello was not answered, by datagrams sent and heard before and after a long silence.
fn no_answer(before: Option<(u64, u64)>, after: Option<(u64, u64)>) -> LinkError {
    let why = match (before, after) {
        // What we said was never confirmed, so QUIC said it again and again, and nothing came.
        (Some((sent, heard)), Some((sent_after, heard_after))) if sent_after > sent && heard_after == heard => {
            "no answer to Hello; a firewall may let the first packets of QUIC (UDP) through and drop the rest"
        }
        (Some(_), Some(_)) => return LinkError::Busy,
        (None, _) | (_, None) => "no answer to Hello",
    };
    LinkError::Broken(why.to_owned())
}

/// Keeps the mark before anything is sent in its session. Where the disk is full the one before goes on being said, which
/// the collector bears.
async fn keep(desk: &Desk, mark: Mark) -> Result<(), LinkError> {
    let data = desk.data.clone();
    if let Err(full) = on_disk(move || mark::keep(&data, mark)).await? {
        tracing::error!("the collector's mark cannot be kept: {full}");
    }
    Ok(())
}

pub(super) fn unexpected(message: Option<&ToAgent>) -> LinkError {
    match message {
        None => LinkError::Broken("the collector ended a stream".to_owned()),
        Some(_) => LinkError::Protocol("a message came on a stream where it does not belong".to_owned()),
    }
}

async fn alerts<L: Link>(
    link: &L,
    desk: &Desk,
    ship: &mut Ship,
    protocol: u16,
) -> Result<std::convert::Infallible, LinkError> {
    let (mut write, mut read) = link.open(Stream::Alerts).await?;
    if protocol >= TESTS_SINCE {
        // A collector that does not know it passes it over, and is sent no test.
        write_message(&mut write, &ToCollector::AskTests).await?;
    }
    // What a session has said it need not say again, and it ends with the session.
    let mut packer = Packer::default();
    let (heard, mut hearing) = mpsc::channel(32);
    let reader = async {
        loop {
            let message = read_message(&mut read).await?;
            let Some(message) = message else { return Err(unexpected(None)) };
            if heard.send(message).await.is_err() {
                return Err(unexpected(None));
            }
        }
    };
    let sender = async {
        let mut figures = desk.figures.clone();
        loop {
            let (epoch, durable) = {
                let figures = figures.borrow_and_update();
                (figures.epoch, figures.next)
            };
            ship.handle_durable(durable, clock::monotonic());
            let until = match ship.poll(clock::monotonic()) {
                Next::Send(first_seq) => {
                    let (reply, answer) = oneshot::channel();
                    desk.order(Order::Read { from: first_seq, reply }).await?;
                    let records = answer.await.map_err(|_| LinkError::Broken("the spool is closed".to_owned()))?;
                    if records.is_empty() {
                        return Err(LinkError::Broken("the spool gave no records".to_owned()));
                    }
                    // Before the first octet of it leaves: broken off in the middle, it may have arrived all the same.
                    ship.handle_sent(first_seq, records.len());
                    let batch = Batch { epoch, first_seq, records };
                    let message = if protocol >= 2 {
                        ToCollector::Compact(packer.pack(&batch))
                    } else {
                        ToCollector::Batch(batch)
                    };
                    write_message(&mut write, &message).await?;
                    // What has been heard meanwhile comes before the next batch.
                    while let Ok(message) = hearing.try_recv() {
                        hear(ship, message, desk).await?;
                    }
                    continue;
                }
                Next::WaitUntil(until) => Some(until),
                Next::Wait => None,
            };
            tokio::select! {
                message = hearing.recv() => match message {
                    Some(message) => hear(ship, message, desk).await?,
                    None => return Err(unexpected(None)),
                },
                changed = figures.changed() => {
                    changed.map_err(|_| LinkError::Broken("the spool is closed".to_owned()))?;
                }
                () = async {
                    match until {
                        Some(until) => sleep_until(until.into()).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    };
    tokio::select! {
        ended = reader => ended,
        ended = sender => ended,
    }
}

async fn hear(ship: &mut Ship, message: ToAgent, desk: &Desk) -> Result<(), LinkError> {
    let broken = |broken: Broken| LinkError::Protocol(broken.to_string());
    match message {
        ToAgent::Ack { epoch, seq } => {
            let committed = ship.handle_ack(epoch, seq).map_err(broken)?;
            desk.order(Order::Acknowledged(committed)).await
        }
        ToAgent::TakesTests => {
            desk.tests.handle_takes();
            Ok(())
        }
        ToAgent::Tested { number, took_us } => {
            desk.tests.handle_tested(number, took_us);
            Ok(())
        }
        ToAgent::Gap { expected } => {
            tracing::warn!(%expected, "the collector misses records; sending from there again");
            desk.bears()?;
            let sent_before = ship.next();
            ship.handle_gap(expected).map_err(broken)?;
            desk.resent(sent_before, ship.next());
            Ok(())
        }
        ToAgent::HelloAck { .. }
        | ToAgent::ListOffer { .. }
        | ToAgent::ListChunk { .. }
        | ToAgent::ListEnd
        | ToAgent::Root { .. }
        | ToAgent::Enrolled { .. }
        | ToAgent::EnrolRefused(_)
        | ToAgent::Greeting(_)
        | ToAgent::NewEpoch { .. }
        | ToAgent::NextRoot { .. }
        | ToAgent::Newest { .. }
        | ToAgent::Renewed { .. }
        | ToAgent::Waiting
        | ToAgent::Brake { .. }
        | ToAgent::NoMoreRoots { .. }
        | ToAgent::RenewalRefused(_)
        | ToAgent::Channel { .. }
        | ToAgent::OverlayChunk { .. }
        | ToAgent::Publication { .. } => Err(unexpected(Some(&message))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_hello_unanswered_is_a_block_only_where_nothing_at_all_came() {
        let blocked = |before, after| no_answer(before, after).may_be_blocked();
        assert!(blocked(Some((5, 7)), Some((9, 7))), "said again and again, and nothing came");
        assert!(!blocked(Some((5, 7)), Some((9, 8))), "it is confirmed");
        assert!(!blocked(Some((5, 7)), Some((5, 7))), "it was confirmed long ago: there was nothing to say again");
        assert_eq!(lost(LinkError::Busy, None).1, Lost::Unavailable);
        let ended = |reason, fruitful| lost(LinkError::Closed(reason), fruitful).1;
        assert_eq!(ended(CloseReason::ProtocolError, Some(false)), Lost::Fruitless);
        assert_eq!(ended(CloseReason::ProtocolError, Some(true)), Lost::Ended);
        assert_eq!(ended(CloseReason::Replaced, None), Lost::Replaced, "before it was greeted");
        assert_eq!(ended(CloseReason::Replaced, Some(false)), Lost::Replaced);
        assert_eq!(ended(CloseReason::GoingDown, Some(false)), Lost::Ended, "a restart says nothing of the sensor");
        assert_eq!(ended(CloseReason::UnknownSite, None), Lost::NotReached);
    }
}
