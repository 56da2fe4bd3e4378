//! The control stream once a session stands: heartbeats go out, and in version 3 the next certificate is asked for.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use varde_common::message::{Pulse, ToAgent, ToCollector};

use super::desk::Desk;
use super::renewing::Renewing;
use super::session::{Said, unexpected};
use super::{LinkError, read_message, write_message};
use crate::io::clock;
use crate::limits::HEARTBEAT_EVERY_S;

/// The version of the conversation in which certificates are renewed.
const RENEWS_SINCE: u16 = 3;
/// That in which a sensor says how it stands to its root document and to the newest list.
const STANDS_SINCE: u16 = 3;

/// Until the session ends; says why it does.
pub(super) async fn control(
    write: &mut (impl AsyncWrite + Unpin),
    read: &mut (impl AsyncRead + Unpin),
    desk: &Desk,
    renewing: &mut Renewing,
    said: &Said,
) -> Result<std::convert::Infallible, LinkError> {
    // A message is read whole before anything else is looked at.
    let (heard, hearing) = mpsc::channel(4);
    let reader = async {
        loop {
            let Some(message) = read_message(read).await? else { return Err(unexpected(None)) };
            if heard.send(message).await.is_err() {
                return Err(unexpected(None));
            }
        }
    };
    tokio::select! {
        ended = reader => ended,
        ended = speak(write, hearing, desk, renewing, said) => ended,
    }
}

async fn speak(
    write: &mut (impl AsyncWrite + Unpin),
    mut hearing: mpsc::Receiver<ToAgent>,
    desk: &Desk,
    renewing: &mut Renewing,
    said: &Said,
) -> Result<std::convert::Infallible, LinkError> {
    let mut beat: Instant = clock::monotonic().into();
    loop {
        if Instant::from(clock::monotonic()) >= beat {
            write_message(write, &heartbeat(desk, said).await).await?;
            if said.protocol >= STANDS_SINCE {
                // A collector of before passes it over; a newer one notes both with the standing, which comes last for that reason.
                write_message(write, &ToCollector::Sight(desk.sight())).await?;
                write_message(write, &ToCollector::Standing(desk.standing())).await?;
            }
            beat = Instant::from(clock::monotonic()) + Duration::from_secs(HEARTBEAT_EVERY_S);
        }
        let mut until = beat;
        if said.protocol >= RENEWS_SINCE {
            match renewing.poll() {
                Some(again) => until = until.min(again),
                None => {
                    if let Some(request) = renewing.ask().await {
                        write_message(write, &request).await?;
                    }
                    continue;
                }
            }
        } else {
            renewing.handle_cannot_ask();
        }
        desk.certified.send_replace(Some(renewing.certified()));
        tokio::select! {
            message = hearing.recv() => match message {
                // Whoever cannot have been asked answers nothing.
                Some(message) if said.protocol >= RENEWS_SINCE => {
                    desk.bears()?;
                    renewing.hear(message).await?;
                }
                message => return Err(unexpected(message.as_ref())),
            },
            () = sleep_until(until) => {}
        }
    }
}

async fn heartbeat(desk: &Desk, said: &Said) -> ToCollector {
    let heartbeat = desk.heartbeat().await;
    if said.protocol >= 2 {
        ToCollector::Pulse(Pulse { heartbeat, further: desk.further(Some(said.clock_offset_us)).await })
    } else {
        ToCollector::Heartbeat(heartbeat)
    }
}
