//! Both ways to the collector, tried: a handshake and no more, so that a session that stands is not disturbed.

use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use varde_common::message::CloseReason;

use crate::doctor::facts::{Reached, Way};
use crate::io::link::quic::QuicLink;
use crate::io::link::tcp::TcpWay;
use crate::io::link::tls::SessionTls;
use crate::io::link::{Link, LinkError};
use crate::limits::ANSWER_TIMEOUT_S;
use crate::route::Detour;

/// A collector that does not believe this sensor has said so by then.
const JUDGED_WITHIN: Duration = Duration::from_secs(1);

/// Tries them, one after the other: what judges certificates remembers whose was shown last.
pub async fn try_both(address: &str, detour: &Detour, tls: &SessionTls) -> Way {
    let mut way = Way {
        quic_address: address.to_owned(),
        tcp_address: detour.address.clone(),
        proxy: detour.address.as_ref().and(detour.proxy.as_ref()).map(ToString::to_string),
        ..Way::default()
    };
    way.name_unknown = unknown(address).await;
    let quic = async {
        match &way.name_unknown {
            Some(why) => Reached::Name(why.clone()),
            None => quic(address, tls).await,
        }
    };
    let tcp = async {
        let address = detour.address.clone()?;
        let tcp = TcpWay { address, proxy: detour.proxy.clone(), tls: tls.tcp.clone(), trust: Some(tls.trust.clone()) };
        Some(match tcp.dial(&mut Vec::new()).await {
            Ok((mut tls, _)) => tcp.closed_within(&mut tls, JUDGED_WITHIN).await.map_or(Reached::Yes, reached),
            Err(error) => reached(error),
        })
    };
    let (quic, tcp) = (quic.await, tcp.await);
    (way.quic, way.tcp) = (quic, tcp);
    way
}

async fn quic(address: &str, tls: &SessionTls) -> Reached {
    match QuicLink::dial(address, tls, &mut Vec::new()).await {
        Ok(link) => {
            if let Some(error) = link.closed_within(JUDGED_WITHIN).await {
                return reached(error);
            }
            link.close(CloseReason::GoingDown);
            link.wait_closed().await;
            Reached::Yes
        }
        Err(error) => reached(error),
    }
}

/// Why a name leads nowhere; none = it does.
async fn unknown(address: &str) -> Option<String> {
    match timeout(Duration::from_secs(ANSWER_TIMEOUT_S), lookup_host(address)).await {
        Err(_) => Some("no answer".to_owned()),
        Ok(Err(error)) => Some(error.to_string()),
        Ok(Ok(mut found)) => found.next().is_none().then(|| "it has no address".to_owned()),
    }
}

fn reached(error: LinkError) -> Reached {
    match error {
        LinkError::NoAnswer(_) => Reached::NoAnswer,
        LinkError::Name { why, .. } => Reached::Name(why),
        LinkError::NotReached { why, .. } => Reached::Refused(why),
        LinkError::Opened { issuer, .. } => Reached::Opened(issuer),
        LinkError::Proxy { status, said, .. } => Reached::Proxy { status, said },
        error @ (LinkError::NotAccepted(_)
        | LinkError::IssuerNotBelieved(_)
        | LinkError::RunOut(_)
        | LinkError::NotRenewed(_)
        | LinkError::Closed(CloseReason::Revoked)) => Reached::NotAccepted(error.to_string()),
        error @ (LinkError::Neither { .. }
        | LinkError::NotOurs { .. }
        | LinkError::Stranger { .. }
        | LinkError::Renewed
        | LinkError::Closed(_)
        | LinkError::Busy
        | LinkError::Protocol(_)
        | LinkError::RefusedTooOften
        | LinkError::ListForsaken
        | LinkError::Broken(_)) => Reached::Broken(error.to_string()),
    }
}
