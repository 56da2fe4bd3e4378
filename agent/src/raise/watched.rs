//! Flows that concern an indicator, for as long as they are open: what has counted them, and what their hellos showed.

use std::sync::Arc;

use varde_common::alert::{Direction, Evidence};
use varde_common::id::IndicatorId;
use varde_common::indicator::Indicator;
use varde_common::observation::{Contact, Protocol};
use varde_common::time::Timestamp;

use super::bearing::Observed;
use super::place::Ends;
use crate::flow::{FlowEvent, FlowId};
use crate::limits::{TIES_MAX, TIES_PER_FLOW_MAX, WATCHED_FLOWS_MAX};
use crate::table::Table;

/// A flow tied to an indicator by what a hello or a request on it showed. It is told as a sighting when the flow is
/// over, because only then is it known how far it got.
#[derive(Debug, Clone)]
pub(super) struct Tie {
    pub(super) indicator: Arc<Indicator>,
    pub(super) observed: Observed,
    pub(super) ends: Ends,
    pub(super) source: u16,
    pub(super) protocol: Protocol,
    /// When it was shown.
    pub(super) time: Timestamp,
    /// How far it got as yet.
    pub(super) evidence: Evidence,
    /// How far such a flow can get at most.
    pub(super) most: Evidence,
    /// It followed from another's look-up.
    pub(super) looked_up_by_other: bool,
}

impl Tie {
    /// How far a flow of this kind has got that is there and has sent so much.
    pub(super) fn evidence_of(&self, contact: Contact, much_left: bool) -> Evidence {
        let shown = match contact {
            _ if much_left => Evidence::DataOut,
            Contact::Answered => Evidence::Contacted,
            // Whoever says hello has tried.
            Contact::Unanswered | Contact::ErrorsOnly => Evidence::Attempted,
        };
        shown.min(self.most)
    }

    /// Whether the end that is ours has sent more than the amount that counts as data out.
    pub(super) fn much_left(&self, event: &FlowEvent) -> bool {
        if event.record.initiator == self.ends.client { event.volume.initiator } else { event.volume.responder }
    }

    /// The inside host, unless none is to be named: what knocks from outside is nothing one of our hosts did.
    pub(super) fn host(&self) -> Option<std::net::IpAddr> {
        (self.ends.direction == Direction::Outbound).then_some(self.ends.client.ip())
    }
}

/// One flow.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Indicators of addresses that have counted it.
    counted: Vec<IndicatorId>,
    /// It was let go once: whatever it had to be counted for, it was.
    was_let_go: bool,
    pub(super) ties: Vec<Tie>,
}

impl Watch {
    /// Whether the flow counts for this indicator now: it does once. `must` = that it did not is certain.
    pub(super) fn count_once(&mut self, indicator: IndicatorId, must: bool) -> bool {
        if self.counted.contains(&indicator) || (self.was_let_go && !must) {
            return false;
        }
        self.counted.push(indicator);
        true
    }

    /// Whether the flow is tied to this indicator.
    pub(super) fn is_tied(&self, indicator: IndicatorId) -> bool {
        self.ties.iter().any(|tie| tie.indicator.id == indicator)
    }
}

/// All watched flows; of too many, the one that was quiet for the longest time is let go.
#[derive(Debug)]
pub(super) struct Watched {
    table: Table<FlowId, Watch, 1>,
    /// Flows are numbered as they open, or as the SYN in doubt comes with whose answer they open: the highest number that
    /// was held against the list at its opening, and the highest one before this list came into force.
    newest: Option<FlowId>,
    newest_before: Option<FlowId>,
    /// The highest number ever let go.
    let_go: Option<FlowId>,
    /// Ties of all flows.
    ties: usize,
    evicted: u64,
}

impl Default for Watched {
    fn default() -> Watched {
        Watched {
            table: Table::new(WATCHED_FLOWS_MAX),
            newest: None,
            newest_before: None,
            let_go: None,
            ties: 0,
            evicted: 0,
        }
    }
}

impl Watched {
    /// A flow has opened and is held against the list.
    pub(super) fn handle_opened(&mut self, flow: FlowId) {
        self.newest = self.newest.max(Some(flow));
    }

    /// What is watched has only opened, with a higher number let go before it, as where its SYN was in doubt: its address
    /// has not counted it.
    pub(super) fn handle_begun(&mut self, flow: FlowId) {
        if let Some((_, watch)) = self.find(flow).and_then(|place| self.table.at_mut(place)) {
            watch.was_let_go = false;
        }
    }

    /// Another list is in force: what is known of open flows says nothing about it.
    pub(super) fn handle_set(&mut self) {
        self.newest_before = self.newest;
    }

    /// Whether the flow was held against this very list when it opened, and its address met nothing.
    pub(super) fn is_of_no_concern(&self, flow: FlowId) -> bool {
        self.was_asked_about(flow) && !self.has(flow)
    }

    /// Whether the flow was held against this very list when it opened: its address met nothing, unless it is watched.
    pub(super) fn was_asked_about(&self, flow: FlowId) -> bool {
        let flow = Some(flow);
        self.newest_before < flow && flow <= self.newest && self.let_go < flow
    }

    fn find(&self, flow: FlowId) -> Option<crate::table::Place> {
        (self.table.len() > 0).then(|| self.table.find(self.table.hash_of(&flow), &flow)).flatten()
    }

    /// Whether the flow is watched.
    pub(super) fn has(&self, flow: FlowId) -> bool {
        self.find(flow).is_some()
    }

    /// The flow, where it is watched.
    pub(super) fn get_mut(&mut self, flow: FlowId, now: Timestamp) -> Option<&mut Watch> {
        let place = self.find(flow)?;
        self.table.touch(place, 0, now);
        self.table.at_mut(place).map(|(_, watch)| watch)
    }

    /// The flow is watched from now on; gives what had to be let go for it.
    pub(super) fn watch(&mut self, flow: FlowId, now: Timestamp) -> Option<Watch> {
        if self.find(flow).is_some() {
            return None;
        }
        let gone = if self.table.is_full() { self.let_oldest_go() } else { None };
        let watch = Watch { was_let_go: Some(flow) <= self.let_go, ..Watch::default() };
        self.table.insert(self.table.hash_of(&flow), flow, watch, 0, now);
        gone
    }

    fn let_oldest_go(&mut self) -> Option<Watch> {
        let (oldest, _) = self.table.oldest(0)?;
        let (id, watch) = self.table.remove(oldest)?;
        self.ties -= watch.ties.len().min(self.ties);
        self.evicted += 1;
        self.let_go = self.let_go.max(Some(id));
        Some(watch)
    }

    /// Lets a flow go where there are too many ties; the flow watched last stays.
    pub(super) fn make_room_for_tie(&mut self) -> Option<Watch> {
        (self.ties >= TIES_MAX && self.table.len() > 1).then(|| self.let_oldest_go()).flatten()
    }

    /// Ties a watched flow.
    ///
    /// # Errors
    /// The tie itself, where there is no room for it.
    pub(super) fn tie(&mut self, flow: FlowId, tie: Tie, now: Timestamp) -> Result<(), Box<Tie>> {
        let full = self.ties >= TIES_MAX;
        match self.get_mut(flow, now).filter(|watch| !full && watch.ties.len() < TIES_PER_FLOW_MAX) {
            Some(watch) => {
                watch.ties.push(tie);
                self.ties += 1;
                Ok(())
            }
            None => {
                self.evicted += 1;
                Err(Box::new(tie))
            }
        }
    }

    /// The flow is over.
    pub(super) fn remove(&mut self, flow: FlowId) -> Option<Watch> {
        let place = self.find(flow)?;
        let (_, watch) = self.table.remove(place)?;
        self.ties -= watch.ties.len().min(self.ties);
        Some(watch)
    }

    /// All are over.
    pub(super) fn remove_all(&mut self) -> Vec<Watch> {
        self.ties = 0;
        let places: Vec<_> = self.table.iter().map(|(place, ..)| place).collect();
        places.into_iter().filter_map(|place| self.table.remove(place).map(|(_, watch)| watch)).collect()
    }

    /// Flows, and ties of flows, let go because there was no room.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_the_longest_quiet_is_let_go_and_is_never_counted_twice() {
        let mut watched = Watched::default();
        let now = |n: u64| Timestamp(n as i64);
        for n in 0..WATCHED_FLOWS_MAX as u64 {
            assert!(watched.watch(FlowId(n), now(n)).is_none());
            assert!(watched.get_mut(FlowId(n), now(n)).unwrap().count_once(IndicatorId(1), false));
        }
        watched.get_mut(FlowId(0), now(1_000_000));
        for n in 0..3 {
            assert!(watched.watch(FlowId(1_000_000 + n), now(1_000_001)).is_some());
        }
        assert_eq!((watched.table.len(), watched.evicted()), (WATCHED_FLOWS_MAX, 3));
        assert!(watched.get_mut(FlowId(0), now(1_000_002)).is_some(), "it was not quiet");
        for let_go in 1..4 {
            assert!(watched.get_mut(FlowId(let_go), now(1_000_002)).is_none());
            watched.watch(FlowId(let_go), now(1_000_003));
            let again = watched.get_mut(FlowId(let_go), now(1_000_003)).unwrap();
            assert!(!again.count_once(IndicatorId(1), false), "it was counted before it was let go");
            assert!(again.count_once(IndicatorId(2), true));
        }
    }

    #[test]
    fn a_flow_is_of_no_concern_only_when_this_list_met_nothing_at_its_opening() {
        let mut watched = Watched::default();
        assert!(!watched.is_of_no_concern(FlowId(0)), "its opening was never told");
        watched.handle_opened(FlowId(0));
        watched.handle_opened(FlowId(1));
        watched.watch(FlowId(1), Timestamp(0));
        assert_eq!([0, 1, 2].map(|n| watched.is_of_no_concern(FlowId(n))), [true, false, false]);
        watched.handle_set();
        watched.handle_opened(FlowId(2));
        assert_eq!([0, 1, 2].map(|n| watched.is_of_no_concern(FlowId(n))), [false, false, true]);
        watched.let_go = Some(FlowId(2));
        assert!(!watched.is_of_no_concern(FlowId(2)));
    }
}
