//! What was read of a greeting, in the form it is told in.

use varde_common::observation::{Contact, Endpoint, Hello, HelloTransport, HttpRequest};
use varde_common::time::Timestamp;

use super::GreetingCounts;
use crate::flow::FlowId;
use crate::hello::tls::{ClientHello, CutHello};
use crate::hello::{BadHello, host_name, http, ja4};
use crate::limits::ALPNS_MAX;

/// A greeting that was read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The source that saw its last octet.
    pub(crate) source: u16,
    /// The flow it was said in.
    pub(crate) flow: FlowId,
    /// How far that flow had got.
    pub(crate) contact: Contact,
    /// What was said.
    pub(crate) greeted: Greeted,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Greeted {
    Hello(Hello),
    Http(HttpRequest),
    Proxy(ProxyRequest),
}

/// A request to a proxy for an address: what it would be for a name is an [`HttpRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyRequest {
    /// When its last octet was seen.
    pub time: Timestamp,
    /// Who asks.
    pub client: Endpoint,
    /// The proxy.
    pub server: Endpoint,
    /// Whom the client wants to reach through it.
    pub target: std::net::IpAddr,
    /// On which port, where the request says or implies one.
    pub target_port: Option<u16>,
}

/// Who speaks to whom, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    pub(super) time: Timestamp,
    pub(super) source: u16,
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) contact: Contact,
    /// Whether hellos are wanted with their fingerprints.
    pub(super) fingerprints: bool,
}

/// Tells what is read of one flow, and counts it.
pub(super) struct Teller<'a> {
    pub(super) passage: Passage,
    pub(super) flow: FlowId,
    pub(super) counts: &'a mut GreetingCounts,
    pub(super) emit: &'a mut dyn FnMut(Told),
}

impl Teller<'_> {
    fn tell(&mut self, greeted: Greeted) {
        let Passage { source, contact, .. } = self.passage;
        (self.emit)(Told { source, flow: self.flow, contact, greeted });
    }

    /// A whole hello.
    ///
    /// # Errors
    /// [`BadHello`] where it cannot be read.
    pub(super) fn hello(&mut self, body: &[u8], transport: HelloTransport) -> Result<(), BadHello> {
        let hello = ClientHello::read(body)?;
        let Passage { time, client, server, fingerprints, .. } = self.passage;
        let ja4 = if fingerprints {
            Some(ja4::fingerprint(&hello, transport).map_err(|_| BadHello::CutShort)?)
        } else {
            None
        };
        self.counts.hellos += 1;
        self.tell(Greeted::Hello(Hello {
            time,
            client,
            server,
            transport,
            sni: hello.server_name.and_then(host_name),
            alpn: hello.alpn().take(ALPNS_MAX).map(printable).collect(),
            ja4,
            ech: hello.ech,
            is_cut: false,
        }));
        Ok(())
    }

    /// A hello of which no more will come than this: who names a server in it has named it all the same.
    pub(super) fn cut_hello(&mut self, body: &[u8], transport: HelloTransport) {
        let Some(cut) = CutHello::read(body) else { return };
        let Some(name) = host_name(cut.server_name) else { return };
        let Passage { time, client, server, .. } = self.passage;
        self.counts.cut += 1;
        self.tell(Greeted::Hello(Hello {
            time,
            client,
            server,
            transport,
            sni: Some(name),
            alpn: Vec::new(),
            ja4: None,
            ech: cut.ech,
            is_cut: true,
        }));
    }

    /// The head of a request, as far as it names whom it is for.
    pub(super) fn request(&mut self, head: http::Head) {
        let Passage { time, client, server, .. } = self.passage;
        let target_port = head.target.and_then(|target| target.port);
        if let Some(host) = head.host {
            self.counts.requests += 1;
            self.tell(Greeted::Http(HttpRequest { time, client, server, host, target_port }));
        } else if let Some(target) = head.target.and_then(|target| target.address) {
            self.counts.requests += 1;
            self.tell(Greeted::Proxy(ProxyRequest { time, client, server, target, target_port }));
        }
    }

    /// What began like a greeting is none.
    pub(super) fn refuse(&mut self, reason: BadHello) {
        self.counts.refused.count(reason);
    }
}

/// Octets as text: those that are not printable ASCII as `\xNN`.
fn printable(octets: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        if octet.is_ascii_graphic() || octet == b' ' {
            text.push(char::from(octet));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{octet:02x}");
        }
    }
    text
}
