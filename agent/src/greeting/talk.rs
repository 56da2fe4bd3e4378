//! What one end says over TCP, read as it comes: TLS hellos, HTTP/1 requests, one after the other.

use varde_common::observation::{HelloTransport, ServerName};

use super::words::Teller;
use crate::hello::http::chunks::{Chunks, ChunksRead};
use crate::hello::http::{self, Body, Progress};
use crate::hello::tls::{self, Records};
use crate::hello::{BadHello, Opening, proxy_header_octets};
use crate::limits::{HTTP_BODY_MAX_OCTETS, HTTP_HOSTS_MAX, SERVER_NAME_TEXT_MAX_OCTETS, TLS_HELLOS_MAX};

/// What is known of a stream up to where it was read.
#[derive(Debug, Default)]
pub(super) struct Talk {
    part: Part,
    /// Requests begun in this flow.
    pub(super) requests: u16,
    /// Hellos begun in this flow.
    pub(super) hellos: u8,
    /// A head is kept whole until its host is told: it may turn out to be the end of another.
    keeps_heads: bool,
}

#[derive(Debug, Default)]
enum Part {
    /// Something new begins here.
    #[default]
    Beginning,
    /// In the middle of a hello.
    Hello(Records),
    /// In the head of a request that has not named its host yet.
    Head(Progress),
    /// In the head of a request that has.
    Rest(Progress, Named),
    /// In the body of one, which comes in chunks.
    Chunks(Chunks),
}

/// Whom a request names.
#[derive(Debug)]
struct Named {
    /// It asks for a tunnel: only its target counts.
    is_tunnel: bool,
    target_port: Option<u16>,
    host: Option<ServerName>,
    further: Vec<ServerName>,
}

impl Named {
    /// Whether a host is another than those so far, and there are not too many.
    fn is_further(&mut self, host: &ServerName) -> bool {
        let is_known = self.host.as_ref() == Some(host) || self.further.contains(host);
        if self.is_tunnel || is_known || self.further.len() + 1 >= HTTP_HOSTS_MAX {
            return false;
        }
        self.further.push(host.clone());
        true
    }

    /// Octets of memory held beside the entry itself; no text is longer.
    fn kept_octets(&self) -> usize {
        self.further.capacity() * (size_of::<ServerName>() + SERVER_NAME_TEXT_MAX_OCTETS)
    }
}

/// What is to be done about what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Look again when so many octets are there behind those that were read.
    Until(usize),
    /// So many octets need not be read, and what is under way goes on behind them.
    Skip(u32),
    /// Another request may follow behind so many octets.
    Request(u32),
    /// What stands there begins no greeting.
    Other,
    /// There is nothing more to look for.
    Over,
}

impl Talk {
    /// Nothing is under way; so many requests and hellos came before. What begins elsewhere than was expected keeps heads.
    pub(super) fn after(requests: u16, hellos: u8, keeps_heads: bool) -> Talk {
        Talk { part: Part::Beginning, requests, hellos, keeps_heads }
    }

    /// Whether octets can be the first of something to be read, or of what stands in front of it.
    pub(super) fn may_begin(stream: &[u8], is_behind_hello: bool) -> bool {
        may_be_hello(stream, is_behind_hello)
            || http::may_begin(stream)
            || proxy_header_octets(stream) > 0
            || tls::other_records(stream, is_behind_hello) != Opening::Other
    }

    /// Reads on: how many octets need not be given again, and what is next. `segment`: where in them the last segment
    /// begins, so that what only looked like a beginning before it does not hide it.
    pub(super) fn read(&mut self, stream: &[u8], segment: usize, teller: &mut Teller<'_>) -> (usize, Next) {
        let was_begun = segment > 0 || !matches!(self.part, Part::Beginning);
        let told_before = teller.told();
        let (taken, next) = self.read_all(stream, teller);
        let has_told = told_before != teller.told();
        match stream.get(segment..) {
            Some(fresh) if next == Next::Other && was_begun && !has_told && !fresh.is_empty() => {
                self.part = Part::Beginning;
                let (taken, next) = self.read_all(fresh, teller);
                (segment + taken, next)
            }
            Some(_) | None => (taken, next),
        }
    }

    fn read_all(&mut self, stream: &[u8], teller: &mut Teller<'_>) -> (usize, Next) {
        let mut taken = 0;
        // Some steps read nothing: a request is read in two, and before it is known to be one.
        for _ in 0..=3 * stream.len() {
            let rest = stream.get(taken..).unwrap_or_default();
            let (read, next) = self.read_part(rest, teller);
            taken += read;
            match next {
                Some(next) => return (taken, next),
                None if taken >= stream.len() && matches!(self.part, Part::Beginning) => {
                    return (taken, Next::Request(0));
                }
                None => {}
            }
        }
        (stream.len(), self.lose_track())
    }

    /// Reads what was kept behind a gap that nothing will fill: it is bounded already, so all requests of it.
    pub(super) fn read_kept(mut self, stream: &[u8], teller: &mut Teller<'_>) {
        let mut rest = stream;
        for _ in 0..stream.len() {
            let (read, next) = self.read_part(rest, teller);
            rest = rest.get(read..).unwrap_or_default();
            if next.is_some() || rest.is_empty() {
                break;
            }
        }
        self.cut(teller);
    }

    /// Reads on in the part under way; none = it is another part now.
    fn read_part(&mut self, stream: &[u8], teller: &mut Teller<'_>) -> (usize, Option<Next>) {
        let is_behind_hello = self.hellos > 0;
        match &mut self.part {
            Part::Beginning if may_be_hello(stream, is_behind_hello) => {
                if let Some((body, end)) = tls::hello_in_one_record(stream) {
                    if let Err(reason) = teller.hello(body, HelloTransport::Tls) {
                        teller.refuse(reason);
                    }
                    for body in tls::further_hellos(stream).take(TLS_HELLOS_MAX.into()) {
                        self.hellos = self.hellos.saturating_add(1);
                        teller.hello(body, HelloTransport::Tls).unwrap_or_else(|reason| teller.refuse(reason));
                    }
                    return self.pass_hello(stream, end);
                }
                // So little that it may be anything yet.
                if stream.len() < tls::TELLING_OCTETS {
                    return (0, Some(Next::Until(tls::TELLING_OCTETS)));
                }
                self.part = Part::Hello(Records::default());
                (0, None)
            }
            Part::Beginning if proxy_header_octets(stream) > 0 => (proxy_header_octets(stream), None),
            Part::Beginning if http::may_begin(stream) => {
                self.part = Part::Head(Progress::default());
                (0, None)
            }
            Part::Beginning => match tls::other_records(stream, is_behind_hello) {
                Opening::Whole(passed) => (passed, None),
                Opening::Until(until) => (0, Some(Next::Until(until))),
                Opening::Other => (0, Some(Next::Other)),
            },
            Part::Hello(records) => {
                let (taken, opening) = records.take(stream);
                match opening {
                    Ok(Opening::Until(until)) => return (taken, Some(Next::Until(until))),
                    Ok(Opening::Whole(())) => {
                        if let Err(reason) = teller.hello(records.body(), HelloTransport::Tls) {
                            teller.refuse(reason);
                        }
                        let end = taken + records.expected();
                        return self.pass_hello(stream, end);
                    }
                    Ok(Opening::Other) => {}
                    Err(reason) => {
                        teller.refuse(reason);
                        teller.cut_hello(records.body(), HelloTransport::Tls);
                    }
                }
                // What stands in its middle may be another's beginning.
                self.pass_hello(stream, taken)
            }
            Part::Head(progress) => match http::read_on(stream, progress) {
                Ok(Opening::Whole(head)) => {
                    let http::Head { ref host, target_port, is_tunnel } = head;
                    let named = Named { is_tunnel, target_port, host: host.clone(), further: Vec::new() };
                    teller.request(head);
                    self.requests = self.requests.saturating_add(1);
                    self.part = Part::Rest(*progress, named);
                    (0, None)
                }
                Ok(Opening::Until(until)) if self.keeps_heads => (0, Some(Next::Until(until))),
                Ok(Opening::Until(until)) => until_more(progress, until),
                Ok(Opening::Other) => {
                    self.part = Part::Beginning;
                    (0, Some(Next::Other))
                }
                Err(reason) => self.refuse_head(stream, reason, teller),
            },
            Part::Rest(progress, named) => {
                let mut further = |host: ServerName| {
                    if named.is_further(&host) {
                        teller.further_host(host, named.target_port);
                    }
                };
                match http::read_end(stream, progress, &mut further) {
                    // CONNECT has no body, whatever its fields say (RFC 9110 section 9.3.6): what follows is in the tunnel.
                    Ok(Opening::Whole((end, _))) if named.is_tunnel => self.pass_over(stream, end, 0),
                    Ok(Opening::Whole((end, Body::Octets(octets)))) => self.pass_over(stream, end, octets),
                    Ok(Opening::Whole((end, Body::Chunked))) => {
                        self.part = Part::Chunks(Chunks::default());
                        (end, None)
                    }
                    Ok(Opening::Whole((_, Body::Unknown))) => (stream.len(), Some(self.lose_track())),
                    Ok(Opening::Until(until)) => until_more(progress, until),
                    Ok(Opening::Other) => (stream.len(), Some(self.lose_track())),
                    Err(reason) => self.refuse_head(stream, reason, teller),
                }
            }
            Part::Chunks(chunks) => match chunks.read(stream) {
                (taken, ChunksRead::Until(until)) => (taken, Some(Next::Until(until))),
                (taken, ChunksRead::Skip(octets)) => (taken, Some(Next::Skip(octets))),
                (taken, ChunksRead::End) => {
                    self.part = Part::Beginning;
                    (taken, None)
                }
                (_, ChunksRead::Bad) => (stream.len(), Some(self.lose_track())),
            },
        }
    }

    /// Whether a hello is under way.
    pub(super) fn is_hello(&self) -> bool {
        matches!(self.part, Part::Hello(_))
    }

    /// A hello was read, or what began like one: another may stand behind the record it ends in, or begin with a segment.
    fn pass_hello(&mut self, stream: &[u8], end: usize) -> (usize, Option<Next>) {
        self.part = Part::Beginning;
        self.hellos = self.hellos.saturating_add(1);
        if self.hellos >= TLS_HELLOS_MAX {
            (stream.len(), Some(Next::Over))
        } else if end < stream.len() {
            (end, None)
        } else {
            (stream.len(), Some(Next::Request(0)))
        }
    }

    /// A head without end: what follows may be more of it.
    fn refuse_head(&mut self, stream: &[u8], reason: BadHello, teller: &mut Teller<'_>) -> (usize, Option<Next>) {
        teller.refuse(reason);
        (stream.len(), Some(self.lose_track()))
    }

    /// Where the next request begins is not known: perhaps with a segment.
    fn lose_track(&mut self) -> Next {
        self.part = Part::Beginning;
        self.requests = self.requests.max(1);
        Next::Request(0)
    }

    /// The body of a request, which lies behind its head.
    fn pass_over(&mut self, stream: &[u8], end: usize, octets: u64) -> (usize, Option<Next>) {
        let here = stream.len().saturating_sub(end);
        if octets > HTTP_BODY_MAX_OCTETS {
            return (stream.len(), Some(self.lose_track()));
        }
        self.part = Part::Beginning;
        match u32::try_from(octets).ok().zip(u32::try_from(here).ok()) {
            Some((octets, here)) if octets > here => (stream.len(), Some(Next::Request(octets - here))),
            Some((octets, _)) => (end + octets as usize, None),
            None => (stream.len(), Some(self.lose_track())),
        }
    }

    /// Nothing more will come: what was read of a hello is told.
    pub(super) fn cut(&mut self, teller: &mut Teller<'_>) {
        if let Part::Hello(records) = &self.part {
            teller.cut_hello(records.body(), HelloTransport::Tls);
            self.part = Part::Beginning;
            self.hellos = self.hellos.saturating_add(1);
        }
    }

    /// Octets of memory held beside the entry itself.
    pub(super) fn kept_octets(&self) -> usize {
        match &self.part {
            Part::Hello(records) => records.kept_octets(),
            Part::Rest(_, named) => named.kept_octets(),
            Part::Beginning | Part::Head(_) | Part::Chunks(_) => 0,
        }
    }
}

fn may_be_hello(stream: &[u8], is_behind_hello: bool) -> bool {
    if is_behind_hello { tls::may_begin_again(stream) } else { tls::may_begin(stream) }
}

fn until_more(progress: &mut Progress, until: usize) -> (usize, Option<Next>) {
    let read = progress.drop_read();
    (read, Some(Next::Until(until.saturating_sub(read))))
}
