//! A greeting over TCP that does not come in one piece: what of it is there.

use std::time::Duration;

use varde_common::time::Timestamp;

use super::state::{AHEAD_MAX_OCTETS, Asking, Greeting};
use super::talk::{Next, Talk};
use super::words::{Ahead, Teller};
use crate::hello::assembly::Assembly;
use crate::hello::tls;
use crate::limits::{GREETING_MAX_OCTETS, STREAM_GAP_TIMEOUT_S, SYN_DATA_MAX_OCTETS};

/// What came of a segment.
#[derive(Debug)]
pub(super) enum Took {
    /// Nothing new.
    Nothing,
    /// More of it, not all: what is there is to be kept.
    More,
    /// It began no greeting.
    Other,
    /// What waits for what is missing in front of it is in the way of something that begins here.
    Elsewhere,
    /// It is over, as far as it is kept.
    Done(Greeting),
    /// Its rest lies beyond the bounds.
    GivenUp,
}

/// A part of a TCP stream, from its beginning or from where something new may begin.
#[derive(Debug)]
pub(super) struct OverTcp {
    /// Sequence number of the first octet that is not read.
    next: u32,
    /// Sequence number where reading began.
    began: u32,
    /// Look again when so many octets are there.
    until: usize,
    talk: Talk,
    assembly: Assembly,
    ahead: Ahead,
    /// Where the end's words stood before.
    asking: Option<Asking>,
    /// It stands where the receiver does, who is heard: what stands elsewhere is not in its way.
    is_certain: bool,
    /// It began behind a SYN that may be forged.
    is_doubted: bool,
    /// Since when the receiver has what is missing here.
    missing_since: Option<Timestamp>,
}

impl OverTcp {
    /// The same from another place on.
    pub(super) fn elsewhere(&self, began: u32) -> OverTcp {
        OverTcp::new(began, self.asking).doubted(self.is_doubted)
    }

    /// Nothing was seen of it yet.
    pub(super) fn new(began: u32, asking: Option<Asking>) -> OverTcp {
        let talk = asking
            .map_or(Talk::default(), |asking| Talk::after(asking.requests(), asking.hellos(), asking.next() != began));
        let (assembly, ahead) = (Assembly::default(), Ahead::default());
        OverTcp {
            next: began,
            began,
            until: 1,
            talk,
            assembly,
            ahead,
            asking,
            is_certain: false,
            is_doubted: false,
            missing_since: None,
        }
    }

    /// The same behind a SYN that may be forged, or not.
    pub(super) fn doubted(self, is_doubted: bool) -> OverTcp {
        OverTcp { is_doubted, ..self }
    }

    /// The same where words stand for certain.
    pub(super) fn certain(asking: Asking) -> OverTcp {
        OverTcp { is_certain: true, ..OverTcp::new(asking.next(), Some(asking)) }
    }

    /// The receiver is heard now and stands there: whether what is kept goes on what it has taken. `start`: where words
    /// begin, if they begin here.
    pub(super) fn settle(&mut self, start: Option<u32>, stands: u32) -> bool {
        if !self.is_certain {
            let expected = self.asking.map(Asking::next).or(start).unwrap_or(self.began);
            let ahead = self.next.wrapping_sub(stands) as i32;
            let is_near = ahead > -(GREETING_MAX_OCTETS as i32) && ahead <= AHEAD_MAX_OCTETS as i32;
            self.is_certain = expected == self.began && is_near;
            if self.is_certain {
                self.asking = Some(self.asking.unwrap_or(Asking::new(0, self.began)));
            }
        }
        self.is_certain
    }

    /// The answer to a SYN took all before `stands`: whether that is exactly what is kept, the data in that SYN. Where another
    /// SYN said that words begin behind what is kept, it may as well be forged.
    pub(super) fn settle_before(&mut self, stands: u32) -> bool {
        let kept_until = self.next.wrapping_add(self.assembly.front().len() as u32);
        let is_in_syn = stands.wrapping_sub(self.began) < SYN_DATA_MAX_OCTETS && stands != self.began;
        let is_other = self.asking.is_none_or(|asking| asking.next() != stands);
        let is_taken = kept_until == stands && is_in_syn && is_other;
        if is_taken {
            (self.is_certain, self.asking) = (true, Some(Asking::new(0, self.began)));
        }
        is_taken
    }

    /// The receiver has taken all before `stands`: what is missing before that comes out of order, if it comes soon, or was
    /// lost on its way to the sensor.
    pub(super) fn pass_gaps(&mut self, stands: u32, now: Timestamp, teller: &mut Teller<'_>) {
        while let Some(start) = self.assembly.behind_gap() {
            let behind = self.next.wrapping_add(start as u32);
            if (stands.wrapping_sub(behind) as i32) < 0 {
                self.missing_since = None;
                return;
            }
            let since = *self.missing_since.get_or_insert(now);
            if now.since(since) < Duration::from_secs(STREAM_GAP_TIMEOUT_S) {
                return;
            }
            self.talk.cut(&mut teller.knowing(&mut self.ahead));
            self.talk = Talk::after(self.talk.requests, self.talk.hellos, false);
            self.assembly.skip(start);
            (self.next, self.until) = (behind, 1);
            if !matches!(self.read_front(0, teller), Took::More) {
                return;
            }
        }
        self.missing_since = None;
    }

    /// Whether a segment lies further ahead than is kept, while its receiver has taken what is missing.
    pub(super) fn is_left_behind(&self, seq: u32, stands: u32) -> bool {
        let ahead = |at: u32| at.wrapping_sub(self.next) as i32;
        let known = self.assembly.front().len() as i32;
        self.is_certain && ahead(seq) >= GREETING_MAX_OCTETS as i32 && ahead(stands) > known
    }

    /// Where words stand after what is kept, or stood before it.
    pub(super) fn asking(&self) -> Asking {
        let stood = self.asking.unwrap_or(Asking::new(0, self.next));
        let Talk { requests, hellos, .. } = self.talk;
        if (stood.requests(), stood.hellos()) == (requests, hellos) {
            stood
        } else {
            Asking::new(requests, self.next).with_hellos(hellos)
        }
    }

    /// Takes a segment that begins at `seq`.
    pub(super) fn take(&mut self, seq: u32, payload: &[u8], teller: &mut Teller<'_>) -> Took {
        if self.is_reached_back(seq, payload.len()) {
            self.reach_back();
        }
        // The difference of two sequence numbers is signed (RFC 9293 section 3.4).
        let ahead = seq.wrapping_sub(self.next) as i32;
        let (at, fresh) = match usize::try_from(ahead) {
            Ok(at) => (at, payload),
            Err(_) => (0, payload.get(ahead.unsigned_abs() as usize..).unwrap_or_default()),
        };
        let is_behind_gap = at > self.assembly.front().len();
        // Nor does a hello without end hide one that begins with a segment, whole.
        let is_hello_in_hello = || self.talk.is_hello() && tls::may_begin_again(fresh);
        let is_early = is_behind_gap && Talk::may_begin(fresh, false) || is_hello_in_hello();
        // Nor does a body that may be forged hide what begins with a segment.
        let is_doubted = || self.is_doubted && !self.is_certain && Talk::may_begin(payload, false);
        if is_early || is_doubted() {
            let told_before = teller.told();
            let next = self.read_ahead(if is_early { fresh } else { payload }, teller);
            let is_begun = matches!(next, Next::Until(_)) && told_before == teller.told();
            let is_waiting = self.asking.is_some() && self.next == self.began && self.assembly.front().is_empty();
            if is_early && !self.is_certain && is_waiting && is_begun && at != self.assembly.furthest() {
                return Took::Elsewhere;
            }
        }
        // What lies far ahead may be forged, and what it would leave behind is still to come.
        if fresh.is_empty() || at >= GREETING_MAX_OCTETS {
            return Took::Nothing;
        }
        // In order, and nothing waits behind it: read where it lies.
        if at == 0 && self.assembly.is_empty() {
            let (taken, next) = if fresh.len() < self.until {
                (0, Next::Until(self.until))
            } else {
                self.talk.read(fresh, 0, &mut teller.knowing(&mut self.ahead))
            };
            self.next = self.next.wrapping_add(taken as u32);
            if let Next::Until(until) = next {
                let rest = fresh.get(taken..).unwrap_or_default();
                self.until = until;
                return if rest.len() < GREETING_MAX_OCTETS && self.assembly.keep(0, rest).is_ok() {
                    Took::More
                } else {
                    Took::GivenUp
                };
            }
            if let Next::Skip(octets) = next {
                self.pass(octets);
                return Took::More;
            }
            let left = fresh.len().saturating_sub(taken);
            return self.conclude(next, left);
        }
        // Where it is scattered too much, what closes a gap is still welcome.
        if self.assembly.keep(at as u64, fresh).is_err() {
            return Took::Nothing;
        }
        self.read_front(at, teller)
    }

    /// Reads what is there without a gap; `segment`: where in it the last segment begins.
    fn read_front(&mut self, mut segment: usize, teller: &mut Teller<'_>) -> Took {
        loop {
            let front = self.assembly.front();
            if front.len() < self.until {
                return if front.len() >= GREETING_MAX_OCTETS { Took::GivenUp } else { Took::More };
            }
            let (taken, next) = self.talk.read(front, segment, &mut teller.knowing(&mut self.ahead));
            let left = front.len().saturating_sub(taken);
            self.assembly.drop_front(taken);
            self.next = self.next.wrapping_add(taken as u32);
            let passed = match next {
                Next::Until(_) if left >= GREETING_MAX_OCTETS => return Took::GivenUp,
                Next::Until(until) => {
                    self.until = until;
                    return Took::More;
                }
                Next::Skip(octets) => octets,
                // What lies behind a gap may be another request.
                Next::Request(octets) if !self.assembly.is_empty() => octets,
                // Or a greeting, behind what is none.
                Next::Other if self.is_certain && self.assembly.behind_gap().is_some() => {
                    match self.asking.map(Asking::and_looked) {
                        Some(Greeting::Asking(asking)) => self.asking = Some(asking),
                        _ => return Took::Done(Greeting::Over),
                    }
                    left as u32
                }
                next => return self.conclude(next, left),
            };
            self.pass(passed);
            segment = 0;
            if self.assembly.front().is_empty() {
                return Took::More;
            }
        }
    }

    /// Passes over what need not be read, there or not.
    fn pass(&mut self, octets: u32) {
        self.assembly.skip(octets as usize);
        (self.next, self.until) = (self.next.wrapping_add(octets), 1);
    }

    /// Reads a segment behind a gap that may never be filled, and changes nothing else: what is in front may still come.
    fn read_ahead(&mut self, segment: &[u8], teller: &mut Teller<'_>) -> Next {
        self.ahead.is_read = true;
        let (_, next) = Talk::default().read(segment, 0, &mut teller.knowing(&mut self.ahead));
        self.ahead.is_read = false;
        next
    }

    /// Whether a segment brings what was missing between where words stood and what began elsewhere, of which nothing
    /// was read yet.
    fn is_reached_back(&self, seq: u32, octets: usize) -> bool {
        self.next == self.began
            && self.asking.is_some_and(|asking| {
                let missing = self.began.wrapping_sub(asking.next()) as usize;
                let covers = (asking.next().wrapping_sub(seq) as usize) < octets;
                (1..GREETING_MAX_OCTETS).contains(&missing) && covers
            })
    }

    /// What began elsewhere stands behind what comes now: two segments came in the wrong order.
    fn reach_back(&mut self) {
        let Some(asking) = self.asking else { return };
        let missing = self.began.wrapping_sub(asking.next()) as usize;
        for (start, kept) in std::mem::take(&mut self.assembly).pieces() {
            // No more runs than there were.
            let _ = self.assembly.keep((missing + start) as u64, kept);
        }
        self.talk = Talk::after(asking.requests(), asking.hellos(), false);
        (self.began, self.next, self.until) = (asking.next(), asking.next(), 1);
    }

    /// What the end's greeting is with nothing of it kept; `left` octets were not read.
    fn conclude(&self, next: Next, left: usize) -> Took {
        let nothing_before = self.asking.is_none_or(|asking| asking.requests() == 0 && asking.hellos() == 0);
        let is_new = self.talk.requests == 0 && self.talk.hellos == 0 && nothing_before;
        match next {
            Next::Over => Took::Done(Greeting::Over),
            Next::Other if is_new && !self.is_certain => Took::Other,
            Next::Other | Next::Until(_) | Next::Skip(_) => Took::Done(self.asked(left as u32)),
            Next::Request(behind) => Took::Done(self.asked(behind)),
        }
    }

    /// It was read up to so many octets behind what was taken. What stood behind a gap leaves the gap open.
    fn asked(&self, behind: u32) -> Greeting {
        let ahead = self.asking.map_or(0, |asking| self.began.wrapping_sub(asking.next()) as i32);
        let next = match self.asking {
            Some(asking) if ahead > 0 => asking.next(),
            // From there on all is still ahead of what lies in front of where a SYN said that words begin; a body that was
            // only announced hides none of it.
            Some(_) if ahead < 0 => self.next,
            Some(_) | None => self.next.wrapping_add(behind),
        };
        let Talk { requests, hellos, .. } = self.talk;
        match self.asking.filter(|asking| (asking.requests(), asking.hellos()) == (requests, hellos)) {
            Some(asking) => asking.and_stands(next).and_looked(),
            None => Asking::new(requests, next).with_hellos(hellos).greeting(),
        }
    }

    /// Where words stood before, when it began elsewhere, behind a gap or anywhere, and a segment of so many octets from
    /// `seq` on is not what follows on it, nor what was missing before it.
    pub(super) fn gives_way_to(&self, seq: u32, octets: usize) -> Option<Asking> {
        let asking = self.asking.filter(|asking| asking.next() != self.began)?;
        if self.is_reached_back(seq, octets) {
            return None;
        }
        // What was said before a SYN is followed by nothing from where that says words begin.
        let is_behind_syn = seq == asking.next() && (asking.next().wrapping_sub(self.began) as i32) > 0;
        let follows = seq.wrapping_sub(self.began) < GREETING_MAX_OCTETS as u32 && !is_behind_syn;
        (!follows).then_some(asking)
    }

    /// Words may begin at another place: whether what is kept began elsewhere.
    pub(super) fn stand_at(&mut self, next: u32) -> bool {
        let asking = self.asking.unwrap_or(Asking::new(0, next));
        self.asking = Some(asking.and_stands(next));
        self.began != next
    }

    /// Where words stood before.
    pub(super) fn stood(&self) -> Greeting {
        self.asking.map_or(Greeting::default(), Asking::greeting)
    }

    /// Nothing more will come: what was read is told, and the flow goes on as this says.
    pub(super) fn give_up(&mut self, teller: &mut Teller<'_>) -> Greeting {
        self.talk.cut(&mut teller.knowing(&mut self.ahead));
        // Of two that are the same, one is told.
        self.ahead.is_read = true;
        for (_, kept) in self.assembly.pieces().filter(|(start, _)| *start > 0) {
            Talk::default().read_kept(kept, &mut teller.knowing(&mut self.ahead));
        }
        self.asked(0)
    }

    /// Octets of memory held beside the entry itself.
    pub(super) fn kept_octets(&self) -> usize {
        size_of::<OverTcp>() + self.assembly.kept_octets() + self.talk.kept_octets() + self.ahead.kept_octets()
    }
}
