//! What was read of a greeting, in the form it is told in.

use varde_common::observation::{Contact, Endpoint, Hello, HelloTransport, HttpRequest};
use varde_common::time::Timestamp;

use super::GreetingCounts;
use crate::flow::FlowId;
use crate::hello::tls::{ClientHello, CutHello};
use crate::hello::{BadHello, http, ja4, printable, server_name};
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
            sni: hello.server_name.and_then(server_name),
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
        let Some(name) = server_name(cut.server_name) else { return };
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
        let http::Head { host, target_port, .. } = head;
        let Some(host) = host else { return };
        self.counts.requests += 1;
        self.tell(Greeted::Http(HttpRequest { time, client, server, host, target_port }));
    }

    /// What began like a greeting is none.
    pub(super) fn refuse(&mut self, reason: BadHello) {
        self.counts.refused.count(reason);
    }
}
