//! The lane for a sensor whose certificate has run out: on the enrolment port, with a protocol name of its own, proved by
//! the old key itself. One question, one answer.

use std::time::Duration;

use quinn::VarInt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use varde_common::message::{CloseReason, ToAgent, ToCollector};

use super::renewing::Renewing;
use super::tcp::TcpWay;
use super::tls::SessionTls;
use super::ways::Ways;
use super::{LinkError, quic, read_message, write_message};
use crate::limits::ANSWER_TIMEOUT_S;

/// Asks for a certificate in place of the one that has run out.
///
/// # Errors
/// [`LinkError::Renewed`] when there is one; else why there is none.
pub(super) async fn renew(ways: &Ways, renewing: &mut Renewing) -> LinkError {
    let asked = async {
        let Some(question) = renewing.ask().await else {
            return Err(LinkError::RunOut("no key for it can be kept on this disk".to_owned()));
        };
        let answer = ask(ways, &question).await?;
        let refused = match &answer {
            ToAgent::RenewalRefused(why) => Some(*why),
            _ => None,
        };
        renewing.hear(answer).await?;
        Err(refused.map_or_else(
            || LinkError::RunOut("what the collector gave cannot be used".to_owned()),
            LinkError::NotRenewed,
        ))
    };
    let asked: Result<std::convert::Infallible, LinkError> = asked.await;
    match asked {
        Ok(never) => match never {},
        Err(why) => why,
    }
}

/// Over QUIC, and over TCP where nothing comes through there.
async fn ask(ways: &Ways, question: &ToCollector) -> Result<ToAgent, LinkError> {
    let tls = ways.tls();
    let blocked = match over_quic(ways.renewal_address(), tls, question).await {
        Err(error) if error.may_be_blocked() => error,
        answered => return answered,
    };
    let Some((address, proxy)) = ways.detour() else { return Err(blocked) };
    let (tls, trust) = (tls.renew_tcp.clone(), Some(tls.trust.clone()));
    let way = TcpWay { address: address.to_owned(), proxy: proxy.cloned(), tls, trust };
    match over_tcp(&way, question).await {
        Err(tcp) if !tcp.is_an_answer() => Err(LinkError::Neither { quic: Box::new(blocked), tcp: Box::new(tcp) }),
        answered => answered,
    }
}

async fn over_quic(address: &str, tls: &SessionTls, question: &ToCollector) -> Result<ToAgent, LinkError> {
    let dialled = quic::dial(address, tls.renew_quic.clone(), &mut Vec::new()).await;
    let (endpoint, connection) = dialled.map_err(|error| tls.trust.explain(address, error))?;
    let talk = async {
        let opened = connection.open_bi().await;
        let (mut write, mut read) = opened.map_err(|error| quic::explain(address, error))?;
        converse(&mut write, &mut read, question).await
    };
    let talked = timeout(Duration::from_secs(ANSWER_TIMEOUT_S), talk).await;
    let said = connection.close_reason().map(|reason| quic::explain(address, reason));
    connection.close(VarInt::from_u32(CloseReason::GoingDown.code()), b"");
    let _ = timeout(Duration::from_secs(1), endpoint.wait_idle()).await;
    match (talked, said) {
        (Ok(Err(LinkError::Broken(_))), Some(said)) => Err(said),
        (Ok(talked), _) => talked,
        (Err(_), _) => Err(LinkError::NoAnswer(address.to_owned())),
    }
}

async fn over_tcp(way: &TcpWay, question: &ToCollector) -> Result<ToAgent, LinkError> {
    let (mut connection, _) = way.dial(&mut Vec::new()).await?;
    let (mut read, mut write) = tokio::io::split(&mut connection);
    let talked = timeout(Duration::from_secs(ANSWER_TIMEOUT_S), converse(&mut write, &mut read, question)).await;
    talked.unwrap_or_else(|_| Err(LinkError::NoAnswer(format!("{} (TCP)", way.address))))
}

async fn converse(
    write: &mut (impl AsyncWrite + Unpin),
    read: &mut (impl AsyncRead + Unpin),
    question: &ToCollector,
) -> Result<ToAgent, LinkError> {
    write_message(write, question).await?;
    read_message(read).await?.ok_or_else(|| LinkError::Broken("the collector ended the conversation".to_owned()))
}
