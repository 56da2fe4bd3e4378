//! Both ways to the collector: turns the crank of [`crate::route`].

use std::net::SocketAddr;
use std::time::Instant;

use tokio::time::sleep_until;
use varde_common::message::CloseReason;

use super::quic::QuicLink;
use super::tcp::{TcpLink, TcpWay};
use super::tls::SessionTls;
use super::{Link, LinkError};
use crate::io::clock;
use crate::proxy::Proxy;
use crate::route::{Detour, Route, Try, enrolment_address};

/// A link that stands.
#[derive(Debug)]
pub enum Dialled {
    /// Over UDP.
    Quic(QuicLink),
    /// Where that is blocked.
    Tcp(Box<TcpLink>),
}

impl Dialled {
    /// Ends it in words, and waits a moment until they are heard.
    pub async fn close(&self, reason: CloseReason) {
        match self {
            Dialled::Quic(link) => {
                link.close(reason);
                link.wait_closed().await;
            }
            Dialled::Tcp(link) => {
                link.close(reason);
                link.wait_closed().await;
            }
        }
    }
}

/// Where the collector is, and what is known of the ways there.
#[derive(Debug)]
pub struct Ways {
    address: String,
    /// Where a certificate is asked for once the one before has run out.
    renewal_address: String,
    tls: SessionTls,
    detour: Detour,
    route: Route,
    why_not_quic: String,
    known_quic: Vec<SocketAddr>,
    known_tcp: Vec<SocketAddr>,
}

fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::from(u32::MAX))
}

impl Ways {
    /// To the collector at this address; its enrolment port is the next one, as is usual.
    pub fn new(address: String, tls: SessionTls, detour: Detour) -> Ways {
        let renewal_address = enrolment_address(&address, None);
        let route = Route::new(detour.quic_again);
        let (known_quic, known_tcp) = (Vec::new(), Vec::new());
        Ways { address, renewal_address, tls, detour, route, why_not_quic: String::new(), known_quic, known_tcp }
    }

    /// The same, where enrolment was somewhere else.
    #[must_use]
    pub fn enrolled_at(self, enrolled_at: Option<&str>) -> Ways {
        Ways { renewal_address: enrolment_address(&self.address, enrolled_at), ..self }
    }

    /// What proves this sensor from now on.
    pub fn handle_tls(&mut self, tls: SessionTls) {
        self.tls = tls;
    }

    pub(super) fn tls(&self) -> &SessionTls {
        &self.tls
    }

    pub(super) fn renewal_address(&self) -> &str {
        &self.renewal_address
    }

    /// The way round, where there is one.
    pub(super) fn detour(&self) -> Option<(&str, Option<&Proxy>)> {
        self.detour.address.as_deref().map(|address| (address, self.detour.proxy.as_ref()))
    }

    /// Reaches the collector, whichever way.
    ///
    /// # Errors
    /// [`LinkError`]; [`LinkError::Neither`] when nothing answers on both.
    pub async fn dial(&mut self) -> Result<Dialled, LinkError> {
        let Some(detour) = self.detour.address.clone() else { return self.quic().await.map(Dialled::Quic) };
        let now = clock::monotonic();
        let blocked = match self.route.first(now) {
            Try::Tcp => None,
            Try::Quic => match self.quic().await {
                Ok(link) => return Ok(Dialled::Quic(link)),
                Err(error) if error.may_be_blocked() => Some(error),
                Err(error) => return Err(error),
            },
        };
        if let Some(blocked) = &blocked {
            self.handle_blocked(blocked);
        }
        match self.tcp(detour).await {
            Ok(link) => Ok(Dialled::Tcp(Box::new(link))),
            Err(tcp) if tcp.is_an_answer() => Err(tcp),
            Err(tcp) => {
                self.route.handle_neither();
                Err(match blocked {
                    Some(quic) => LinkError::Neither { quic: Box::new(quic), tcp: Box::new(tcp) },
                    None => tcp,
                })
            }
        }
    }

    /// Tries QUIC again when it is due, until it answers. For while a session stands over TCP.
    pub async fn quic_again(&mut self) -> QuicLink {
        loop {
            if let Some(due) = self.route.quic_due() {
                sleep_until(due.into()).await;
            }
            match self.quic().await {
                Ok(link) => return link,
                Err(error) => {
                    tracing::info!("QUIC (UDP) is still blocked: {error}");
                    self.handle_blocked(&error);
                }
            }
        }
    }

    fn handle_blocked(&mut self, error: &LinkError) {
        self.why_not_quic = error.to_string();
        self.route.handle_blocked(clock::monotonic(), random());
    }

    async fn quic(&mut self) -> Result<QuicLink, LinkError> {
        QuicLink::dial(&self.address, &self.tls, &mut self.known_quic).await
    }

    /// A session over QUIC ended that stood since then (none = Hello was never answered). True = there is a way round, and
    /// it comes first now.
    pub fn handle_quic_ended(&mut self, error: &LinkError, stood_since: Option<Instant>) -> bool {
        if self.detour.address.is_none() {
            return false;
        }
        let now = clock::monotonic();
        let stood = stood_since.map(|since| now.saturating_duration_since(since));
        let blocked = self.route.handle_quic_ended(stood, error.may_be_blocked(), now, random());
        if blocked {
            self.why_not_quic = error.to_string();
        }
        blocked
    }

    async fn tcp(&mut self, address: String) -> Result<TcpLink, LinkError> {
        let SessionTls { tcp, trust, quic: _, renew_quic: _, renew_tcp: _ } = self.tls.clone();
        let way = TcpWay { address, proxy: self.detour.proxy.clone(), tls: tcp, trust: Some(trust) };
        TcpLink::dial(way, self.why_not_quic.clone(), &mut self.known_tcp).await
    }
}
