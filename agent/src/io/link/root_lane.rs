//! The lane for a sensor that knows its collector no more, because the authority changed while it was off: it asks whoever answers
//! for the root documents behind its own, which prove themselves.
//!
//! Nothing is believed of the other end before that, and nothing said to it but the number of the document that is held: no
//! certificate, no name, nothing of the member. Documents are taken when each follows the one before it and the other end proves
//! by the last of them to be the collector. So whoever else answers here can have bounded octets read, and no more.

use std::time::Duration;

use quinn::VarInt;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use varde_common::message::{ALPN_ROOT, CloseReason, ToAgent, ToCollector};
use varde_common::tie::ALPN_ROOT_TCP;
use varde_common::time::Timestamp;
use varde_common::trust::Root;

use super::anchored::keep;
use super::provisional::{check_chain, client_config};
use super::session::Desk;
use super::tcp::TcpWay;
use super::timed::held;
use super::ways::Ways;
use super::{LinkError, quic, read_message_of, write_message};
use crate::anchor::{Anchor, Document, Step};
use crate::io::clock;
use crate::limits::{ROOT_LANE_MAX_OCTETS, ROOT_LANE_WITHIN_S};
use crate::subscription::Subscription;
use varde_common::limits::ROOT_MAX_OCTETS;

/// A root document and the octets around it.
const MESSAGE_MAX_OCTETS: usize = ROOT_MAX_OCTETS + 16;

/// Asks for root documents behind the one in force, and has those in force that are good. Gives how many.
///
/// # Errors
/// Why there are none, in a sentence; or that the spool is gone, and the process ends.
pub(super) async fn ask(ways: &Ways, desk: &Desk, subscription: &mut Subscription) -> Result<usize, String> {
    let documents = match over_quic(ways, desk).await {
        Err(Failed::Link(quic)) if quic.may_be_blocked() => match over_tcp(ways, desk).await {
            None => return Err(quic.to_string()),
            Some(Err(Failed::Link(tcp))) => return Err(format!("{quic}; nor over TCP: {tcp}")),
            Some(answered) => answered,
        },
        answered => answered,
    };
    let documents = documents.map_err(|failed| failed.to_string())?;
    let mut taken = 0;
    for document in documents {
        match keep(desk, subscription, document).await.map_err(|error| error.to_string())? {
            Ok(_) => taken += 1,
            Err((why, _)) => return Err(why.to_string()),
        }
    }
    Ok(taken)
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// The way there.
    #[error("{0}")]
    Link(#[from] LinkError),
    /// It was heard, and is no good.
    #[error("{0}")]
    Refused(String),
    /// There is none.
    #[error(
        "it has no root document behind number {held} (its newest is {newest}): either it is not this sensor's collector, or its root.json does not name its CA; ask the CSIRT"
    )]
    None { held: u32, newest: u32 },
}

async fn over_quic(ways: &Ways, desk: &Desk) -> Result<Vec<Document>, Failed> {
    let address = ways.renewal_address();
    let config = client_config(&[ALPN_ROOT]).and_then(quic::client_config).map_err(LinkError::Broken)?;
    let (endpoint, connection) = quic::dial(address, config, &mut Vec::new()).await?;
    let chain = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let chain = chain.map(|chain| *chain).unwrap_or_default();
    let talk = async {
        let opened = connection.open_bi().await;
        let (mut write, mut read) = opened.map_err(|error| quic::explain(address, error))?;
        converse(&mut write, &mut read, &chain, desk).await
    };
    let talked = timeout(Duration::from_secs(ROOT_LANE_WITHIN_S), talk).await;
    let said = connection.close_reason().map(|reason| quic::explain(address, reason));
    connection.close(VarInt::from_u32(CloseReason::GoingDown.code()), b"");
    let _ = timeout(Duration::from_secs(1), endpoint.wait_idle()).await;
    match (talked, said) {
        (Ok(Err(Failed::Link(LinkError::Broken(_)))), Some(said)) => Err(said.into()),
        (Ok(talked), _) => talked,
        (Err(_), _) => Err(LinkError::NoAnswer(address.to_owned()).into()),
    }
}

/// None where there is no way round.
async fn over_tcp(ways: &Ways, desk: &Desk) -> Option<Result<Vec<Document>, Failed>> {
    let (address, proxy) = ways.detour()?;
    let talk = async {
        let tls = client_config(&[ALPN_ROOT_TCP]).map_err(LinkError::Broken)?.into();
        let way = TcpWay { address: address.to_owned(), proxy: proxy.cloned(), tls, trust: None };
        let (mut connection, _) = way.dial(&mut Vec::new()).await?;
        let chain = connection.get_ref().1.peer_certificates().unwrap_or_default();
        let chain: Vec<_> = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let (mut read, mut write) = tokio::io::split(&mut connection);
        let talk = converse(&mut write, &mut read, &chain, desk);
        let talked = timeout(Duration::from_secs(ROOT_LANE_WITHIN_S), talk).await;
        talked.unwrap_or_else(|_| Err(LinkError::NoAnswer(format!("{address} (TCP)")).into()))
    };
    Some(talk.await)
}

/// One question; documents, each held against the one before it as it arrives; an end.
async fn converse(
    write: &mut (impl AsyncWrite + Unpin),
    read: &mut (impl AsyncRead + Unpin),
    chain: &[CertificateDer<'static>],
    desk: &Desk,
) -> Result<Vec<Document>, Failed> {
    desk.anchor.send_modify(Anchor::handle_lane);
    let version = desk.anchor.borrow().root().version;
    let [earliest, _] = desk.times();
    write_message(write, &ToCollector::AskRoots { version }).await?;
    let mut octets_left = ROOT_LANE_MAX_OCTETS;
    let newest = loop {
        let message = read_message_of(read, MESSAGE_MAX_OCTETS).await?;
        match message.ok_or_else(|| LinkError::Broken("the conversation ended in the middle".to_owned()))? {
            ToAgent::NextRoot { document } => {
                octets_left = octets_left
                    .checked_sub(document.len())
                    .ok_or_else(|| LinkError::Protocol("more octets came than one asking may bring".to_owned()))?;
                settled(step(desk, |anchor| anchor.handle_next(document, chain, earliest)))?;
            }
            ToAgent::NoMoreRoots { newest } => break newest,
            other => return Err(super::session::unexpected(Some(&other)).into()),
        }
    };
    let proves = |root: &_| check_chain(chain, root, readings(desk, root)).is_ok();
    match settled(step(desk, |anchor| anchor.handle_lane_over(earliest, proves)))? {
        documents if documents.is_empty() => Err(Failed::None { held: version, newest }),
        documents => Ok(documents),
    }
}

/// As they are once this document is in force: what was said under a CA that it no longer names must not keep out who proves
/// itself by another.
fn readings(desk: &Desk, root: &Root) -> [Timestamp; 2] {
    let mut by_then = held(&desk.time).clone();
    by_then.handle_root(root);
    by_then.readings(clock::now(), clock::since_boot())
}

fn step(desk: &Desk, with: impl FnOnce(&mut Anchor) -> Step) -> Step {
    let mut step = Step::Wait;
    desk.anchor.send_modify(|anchor| step = with(anchor));
    step
}

/// What is to be kept by now.
fn settled(step: Step) -> Result<Vec<Document>, Failed> {
    match step {
        Step::Wait => Ok(Vec::new()),
        Step::Keep(documents) => Ok(documents),
        Step::Refused { why, .. } => Err(Failed::Refused(crate::anchor::printable(&why.to_string()))),
        Step::Broken(why) => Err(LinkError::Protocol(why.to_owned()).into()),
    }
}
