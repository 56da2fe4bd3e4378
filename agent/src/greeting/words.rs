//! What was read of a greeting, in the form it is told in.

use std::hash::BuildHasher;

use varde_common::observation::{Contact, Endpoint, Hello, HelloTransport, HttpRequest, ServerName};
use varde_common::time::Timestamp;

use super::GreetingCounts;
use crate::flow::FlowId;
use crate::hello::tls::{ClientHello, CutHello};
use crate::hello::{BadHello, http, ja4, printable, server_name};
use crate::keyed::RandomState;
use crate::limits::{ALPNS_MAX, GREETING_AHEAD_NAMES_MAX};

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
    pub(super) flow: FlowId,
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) contact: Contact,
    /// Whether hellos are wanted with their fingerprints.
    pub(super) fingerprints: bool,
}

/// Tells what is read of one flow, and counts it.
pub(super) struct Teller<'a> {
    pub(super) passage: Passage,
    pub(super) counts: &'a mut GreetingCounts,
    pub(super) emit: &'a mut dyn FnMut(Told),
    /// What was told from behind a gap of the same stream.
    pub(super) ahead: Option<&'a mut Ahead>,
}

/// What was told from behind a gap: when the gap is filled it is read again, and is not told again.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Names, and what was told of them, hashed: what meets, nobody can choose.
    told: Vec<u64>,
    ids: Option<RandomState>,
    /// Whether what is read now lies behind the gap.
    pub(super) is_read: bool,
}

impl Ahead {
    /// Octets of memory held beside the entry itself.
    pub(super) fn kept_octets(&self) -> usize {
        self.told.capacity() * size_of::<u64>()
    }

    /// Whether this was not told before.
    fn is_new(&mut self, greeted: &Greeted) -> bool {
        // Nothing was told from behind a gap, nor is it now: most greetings.
        if self.told.is_empty() && !self.is_read {
            return true;
        }
        let ids = self.ids.get_or_insert_with(RandomState::default);
        let [name, all] = match greeted {
            Greeted::Hello(Hello { sni, transport, ja4, is_cut, .. }) => {
                let name = sni.as_ref().map(ToString::to_string);
                let all = ids.hash_one((&name, transport, ja4));
                let name = ids.hash_one(name);
                // Of one that is cut only the name is known: whose name was told says nothing new.
                [name, if *is_cut { name } else { all }]
            }
            Greeted::Http(HttpRequest { host, target_port, .. }) => [ids.hash_one((host.to_string(), target_port)); 2],
        };
        let is_new = !self.told.contains(&all);
        // The first ones are those that may be read again: what lies further ahead is not kept.
        if is_new && self.is_read && self.told.len() < 2 * GREETING_AHEAD_NAMES_MAX {
            self.told.extend([name, all]);
        }
        is_new
    }
}

impl Teller<'_> {
    /// The same for a stream of which something was told from behind a gap.
    pub(super) fn knowing<'b>(&'b mut self, ahead: &'b mut Ahead) -> Teller<'b> {
        let Teller { passage, .. } = *self;
        Teller { passage, counts: self.counts, emit: self.emit, ahead: Some(ahead) }
    }

    /// Whole hellos and requests told so far, of all flows.
    pub(super) fn told(&self) -> u64 {
        self.counts.hellos + self.counts.requests
    }

    fn tell(&mut self, greeted: Greeted) {
        if self.ahead.as_mut().is_some_and(|ahead| !ahead.is_new(&greeted)) {
            return;
        }
        match &greeted {
            Greeted::Hello(hello) if hello.is_cut => self.counts.cut += 1,
            Greeted::Hello(_) => self.counts.hellos += 1,
            Greeted::Http(request) if request.is_further => {}
            Greeted::Http(_) => self.counts.requests += 1,
        }
        let Passage { source, flow, contact, .. } = self.passage;
        (self.emit)(Told { source, flow, contact, greeted });
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
        self.tell(Greeted::Http(HttpRequest { time, client, server, host, target_port, is_further: false }));
    }

    /// Another host that the same request names: who follows which, the wire does not show.
    pub(super) fn further_host(&mut self, host: ServerName, target_port: Option<u16>) {
        let Passage { time, client, server, .. } = self.passage;
        self.tell(Greeted::Http(HttpRequest { time, client, server, host, target_port, is_further: true }));
    }

    /// What began like a greeting is none.
    pub(super) fn refuse(&mut self, reason: BadHello) {
        self.counts.refused.count(reason);
    }
}
