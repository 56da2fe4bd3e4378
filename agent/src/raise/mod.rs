//! Observations against the indicator set: what matches is a sighting, sightings fold into alerts.
//!
//! The rules are decisions 20 to 22: evidence from `blocked` up to `contacted`, an answer to a listed name remembered for
//! the whole sensor, resolvers never a second victim, inbound noise never a host's fault.

pub mod alert;
pub mod answered;
pub mod bearing;
pub mod braked;
mod concern;
pub mod crowd;
mod flows;
pub mod fold;
pub mod frequent;
mod named;
pub mod place;
pub mod resolvers;
pub mod shared;
pub mod sinkholes;
pub mod storm;
mod watched;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use varde_common::alert::{Direction, Evidence, Zone};
use varde_common::id::{Revision, SiteId};
use varde_common::indicator::Indicator;
use varde_common::matcher::{IndicatorSet, Place};
use varde_common::name::DomainName;
use varde_common::observation::{Answer, AnswerData, DnsTransaction, Endpoint, Protocol, dns};
use varde_common::time::Timestamp;

use crate::health::Matches;
use crate::limits::QUEUE_MAX;
use crate::sensor::Statement;
use crate::transaction::Standing;
use answered::{Answered, Listed};
use bearing::{Bearing, Count, Key, Observed};
use fold::{Alert, Fold, Hosts};
use place::{Ends, Places};
use resolvers::{Exchange, Resolvers};
use sinkholes::Sinkholes;
use storm::Together;
use watched::Watched;

/// An indicator met a DNS transaction, a flow, or what a flow showed of itself: who, where, how far.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Which source saw it.
    pub source: u16,
    /// What matched.
    pub indicator: Arc<Indicator>,
    /// How far it got.
    pub evidence: Evidence,
    /// The name, address or fingerprint that matched.
    pub observed: Observed,
    /// The inside end, always.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// Over what.
    pub protocol: Protocol,
    /// Who reached out.
    pub direction: Direction,
    /// Begin of the transaction or flow; when the hello or request was seen.
    pub time: Timestamp,
}

/// What the stage needs to know of its member.
#[derive(Debug)]
pub struct RaiseSettings {
    /// The member's networks.
    pub places: Places,
    /// Its resolvers.
    pub resolvers: Resolvers,
    /// Ports on which DNS is spoken.
    pub dns_ports: Vec<u16>,
    /// Where blocked names are sent.
    pub sinkholes: Sinkholes,
    /// What is handed out beside statements.
    pub keep: Keep,
    /// Of what more hosts of a site than this meet within an hour the hosts are told together; none = whatever.
    pub frequent_hosts: Option<u64>,
}

/// What was let go because a table was full, table by table. Their sizes and what they cost stand in `limits.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evicted {
    /// Listed names remembered with the addresses they were answered with.
    pub answered: u64,
    /// Addresses remembered as shared.
    pub shared: u64,
    /// Aliases remembered until they are asked for.
    pub aliases: u64,
    /// Open alerts: closed early, with their last statement.
    pub alerts: u64,
    /// Flows that concern an indicator.
    pub watched: u64,
    /// Sightings that nobody fetched.
    pub unfetched: u64,
    /// Hosts that were taken for resolvers, or might have turned out to be some.
    pub resolvers: u64,
    /// Nothing that was let go, but for want of room too: hosts told one by one, because no more indicators could be demoted.
    pub not_demoted: u64,
}

impl Evicted {
    /// All together.
    pub fn total(&self) -> u64 {
        let Evicted { answered, shared, aliases, alerts, watched, unfetched, resolvers, not_demoted } = *self;
        answered + shared + aliases + alerts + watched + unfetched + resolvers + not_demoted
    }
}

/// What the stage hands out beside statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Closed alerts whole, instead of statements.
    pub alerts: bool,
    /// Each sighting.
    pub sightings: bool,
}

/// Who the member's hosts are; kept apart from the fold so that it can ask while it is being changed.
#[derive(Debug)]
struct Neighbourhood {
    places: Places,
    resolvers: Resolvers,
}

impl Hosts for Neighbourhood {
    fn is_resolver(&self, host: IpAddr) -> bool {
        self.resolvers.contains(host)
    }

    fn is_inside(&self, address: IpAddr) -> bool {
        self.places.is_inside(address)
    }

    fn site(&self, host: IpAddr) -> SiteId {
        self.places.site(host)
    }

    fn zone(&self, host: IpAddr) -> Zone {
        self.places.zone(host)
    }
}

/// The stage.
#[derive(Debug)]
pub struct Raise {
    set: Arc<IndicatorSet>,
    revision: Revision,
    hosts: Neighbourhood,
    answered: Answered,
    sinkholes: Sinkholes,
    watched: Watched,
    fold: Fold,
    keep: Keep,
    dns_ports: Vec<u16>,
    sightings: VecDeque<Sighting>,
    matches: Matches,
    overflow: u64,
}

/// What a transaction met: an indicator, through which name or address.
struct Met {
    indicator: Arc<Indicator>,
    observed: Observed,
    evidence: Evidence,
}

impl Raise {
    /// Without a list nothing matches until [`Raise::handle_set`].
    pub fn new(settings: RaiseSettings, set: Arc<IndicatorSet>, revision: Revision) -> Raise {
        let RaiseSettings { places, resolvers, dns_ports, sinkholes, keep, frequent_hosts } = settings;
        Raise {
            set,
            revision,
            hosts: Neighbourhood { places, resolvers },
            answered: Answered::default(),
            sinkholes,
            watched: Watched::default(),
            fold: Fold::new(keep.alerts).demoting_beyond(frequent_hosts),
            keep,
            dns_ports,
            sightings: VecDeque::new(),
            matches: Matches::default(),
            overflow: 0,
        }
    }

    /// Another list is in force from now on. Open alerts and remembered answers stay.
    pub fn handle_set(&mut self, set: Arc<IndicatorSet>, revision: Revision) {
        self.set = set;
        self.revision = revision;
        self.watched.handle_set();
    }

    /// The clock that packets are timed by was set: what was remembered until some time by it is dated anew.
    pub fn handle_clock_set(&mut self, from: Timestamp, to: Timestamp) {
        self.answered.handle_clock_set(from, to);
    }

    /// A DNS transaction has closed.
    ///
    /// A further response to the same question counts only for what the question itself did not meet.
    pub fn handle_transaction(
        &mut self,
        source: u16,
        standing: Standing,
        transaction: &DnsTransaction,
        now: Timestamp,
    ) {
        let exchange = Exchange {
            client: transaction.client.ip(),
            server: transaction.server.ip(),
            answered: transaction.rcode.is_some() && standing != Standing::Unasked,
            recursion_desired: transaction.recursion_desired,
        };
        self.hosts.resolvers.handle_exchange(exchange, &self.hosts.places, now);
        let met = self.meet(transaction);
        let followed = self.followed_aliases(transaction, &met);
        self.remember(transaction, &met, &followed);
        if met.is_empty() && followed.is_empty() {
            return;
        }
        let answer_until = transaction.end.plus(answered::lifetime(longest_ttl_s(transaction)));
        let Ends { client, server, direction } = self.hosts.places.ends(transaction.client, transaction.server);
        self.raise_by_alias(transaction, followed, now);
        for Met { indicator, observed, evidence } in met {
            let has_counted = standing == Standing::Again && observed == Observed::Name(transaction.qname.clone());
            let observed = observed.beside(&indicator);
            if !has_counted {
                self.sight(Sighting {
                    source,
                    indicator: Arc::clone(&indicator),
                    evidence,
                    observed: observed.clone(),
                    client,
                    server,
                    protocol: transaction.protocol,
                    direction,
                    time: transaction.time,
                });
            }
            let bearing = Bearing {
                indicator,
                // A question that came from outside is nothing one of our hosts did.
                client: (direction == Direction::Outbound).then_some(client.ip()),
                direction,
                evidence,
                observed,
                server,
                protocol: transaction.protocol,
                start: transaction.time,
                end: transaction.end,
                count: if has_counted { Count::More } else { Count::Own },
                contact: false,
                lookup: true,
                // Contact after a look-up that was stopped found another way.
                answer_until: (evidence > Evidence::Blocked).then_some(answer_until),
                looked_up_by_other: false,
                possible_contact: false,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
    }

    /// Every indicator a transaction meets, each once: by its question, else a CNAME target, else an address.
    fn meet(&self, transaction: &DnsTransaction) -> Vec<Met> {
        let mut met: Vec<Met> = Vec::new();
        let mut by_name: Vec<(Place, &DomainName)> = Vec::new();
        let mut target_listed = false;
        self.set.match_name(transaction.qname.as_name(), |place| by_name.push((place, &transaction.qname)));
        for answer in &transaction.answers {
            if let AnswerData::Name(target) = &answer.data {
                self.set.match_name(target.as_name(), |place| {
                    target_listed |= self.in_force(place, transaction.time).is_some();
                    by_name.push((place, target));
                });
            }
        }
        let evidence = if by_name.is_empty() {
            Evidence::LookedUp
        } else {
            evidence_of_lookup(transaction, target_listed, &self.sinkholes)
        };
        for (place, name) in by_name {
            self.add(&mut met, place, transaction.time, Observed::Name(name.clone()), evidence);
        }
        for answer in &transaction.answers {
            if let AnswerData::Address(address) = answer.data {
                self.set.match_address(address, |place| {
                    self.add(&mut met, place, transaction.time, Observed::Address(address), Evidence::Answered);
                });
            }
        }
        met
    }

    /// The indicator at a place, where it holds at this time.
    fn in_force(&self, place: Place, time: Timestamp) -> Option<Arc<Indicator>> {
        let holds = self.set.validity(place).is_some_and(|validity| validity.holds(time));
        holds.then(|| self.set.indicator(place)).flatten().map(Arc::new)
    }

    fn add(&self, met: &mut Vec<Met>, place: Place, time: Timestamp, observed: Observed, evidence: Evidence) {
        let Some(indicator) = self.in_force(place, time) else { return };
        if met.iter().all(|other| other.indicator.id != indicator.id) {
            met.push(Met { indicator, observed, evidence });
        }
    }

    /// Listed names that led the same client to the name it asks for now, but for those it meets anyway.
    fn followed_aliases(&self, transaction: &DnsTransaction, met: &[Met]) -> Vec<Listed> {
        let mut followed: Vec<Listed> = Vec::new();
        for listed in self.answered.aliases(transaction.client.ip(), transaction.qname.as_name(), transaction.time) {
            let id = listed.0.id;
            if met.iter().all(|met| met.indicator.id != id) && followed.iter().all(|other| other.0.id != id) {
                followed.push(listed.clone());
            }
        }
        followed
    }

    /// The look-up of a listed name goes on with its alias: an address for that answers the look-up, which has counted.
    fn raise_by_alias(&mut self, transaction: &DnsTransaction, followed: Vec<Listed>, now: Timestamp) {
        let Ends { client, server, direction } = self.hosts.places.ends(transaction.client, transaction.server);
        if followed.is_empty() {
            return;
        }
        let evidence = evidence_of_lookup(transaction, false, &self.sinkholes);
        if direction == Direction::Inbound || evidence != Evidence::Answered {
            return;
        }
        let site = self.hosts.site(client.ip());
        for (indicator, observed) in followed {
            if !self.still_lists(&indicator, observed.as_ref(), transaction.time) {
                continue;
            }
            let key =
                Key { site, indicator: indicator.id, client: Some(client.ip()), direction, marks: indicator.marks };
            if !self.fold.has(&key) {
                continue;
            }
            let bearing = Bearing {
                indicator,
                client: key.client,
                direction,
                evidence,
                observed: observed.map_or(Observed::Withheld, Observed::Name),
                server,
                protocol: transaction.protocol,
                start: transaction.time,
                end: transaction.end,
                count: Count::More,
                contact: false,
                lookup: true,
                answer_until: Some(transaction.end.plus(answered::lifetime(longest_ttl_s(transaction)))),
                looked_up_by_other: false,
                possible_contact: false,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
    }

    fn remember(&mut self, transaction: &DnsTransaction, met: &[Met], followed: &[Listed]) {
        let by_name = met.iter().filter_map(|Met { indicator, observed, .. }| match observed {
            Observed::Name(name) => {
                let kept = (!indicator.pattern.is_confidential()).then(|| name.clone());
                Some((Arc::clone(indicator), kept))
            }
            Observed::Address(_) | Observed::Ja4(_) | Observed::Withheld => None,
        });
        let listed: Vec<Listed> = by_name.chain(followed.iter().cloned()).collect();
        let addresses = transaction.answers.iter().filter_map(|answer| match answer.data {
            AnswerData::Address(address) => Some((address, answer.ttl_s)),
            AnswerData::Name(_) | AnswerData::Other => None,
        });
        let mut has_address = false;
        for (address, ttl_s) in addresses {
            has_address = true;
            for (indicator, name) in &listed {
                self.answered.remember_listed(address, indicator, name.as_ref(), ttl_s, transaction.end);
            }
            if listed.is_empty() {
                self.answered.remember_unlisted(address, ttl_s, transaction.end);
            }
        }
        if has_address || transaction.rcode != Some(dns::NOERROR) {
            return;
        }
        for answer in &transaction.answers {
            if let AnswerData::Name(target) = &answer.data {
                for listed in &listed {
                    self.answered.remember_alias(transaction.client.ip(), target, listed, transaction.end);
                }
            }
        }
    }

    fn sight(&mut self, sighting: Sighting) {
        let of = match &sighting.observed {
            Observed::Name(_) => &mut self.matches.name,
            Observed::Address(_) => &mut self.matches.address,
            Observed::Ja4(_) => &mut self.matches.ja4,
            Observed::Withheld => &mut self.matches.confidential,
        };
        *of += 1;
        if !self.keep.sightings {
            return;
        }
        if self.sightings.len() < QUEUE_MAX {
            self.sightings.push_back(sighting);
        } else {
            self.overflow += 1;
        }
    }

    /// States what is due.
    pub fn handle_time(&mut self, now: Timestamp) {
        self.fold.handle_time(now, &self.hosts);
    }

    /// The sources have ended.
    pub fn close_all(&mut self) {
        for watch in self.watched.remove_all() {
            self.tell_watch(watch);
        }
        self.fold.close_all(&self.hosts);
    }

    /// The next statement for the spool.
    pub fn poll_statement(&mut self) -> Option<Statement> {
        self.fold.poll_statement()
    }

    /// Whether a sighting or a closed alert waits to be fetched.
    #[inline]
    pub fn has_news(&self) -> bool {
        !self.sightings.is_empty() || self.fold.has_closed()
    }

    /// The next sighting, where they are kept.
    pub fn poll_sighting(&mut self) -> Option<Sighting> {
        self.sightings.pop_front()
    }

    /// The next closed alert, where they are kept.
    pub fn poll_alert(&mut self) -> Option<Alert> {
        self.fold.poll_closed()
    }

    /// Sightings so far, by what matched.
    pub fn matches(&self) -> Matches {
        self.matches
    }

    /// Alerts opened so far.
    pub fn alerts_total(&self) -> u64 {
        self.fold.opened()
    }

    /// What was told of many hosts together.
    pub fn together(&self) -> Together {
        self.fold.together()
    }

    /// Whether an answer seen lately named this address, seen from a flow that began at `start`.
    pub fn explains(&self, address: IpAddr, start: Timestamp) -> bool {
        self.answered.was_answered(address, start)
    }

    /// What was let go because a table was full.
    pub fn evicted(&self) -> Evicted {
        let [answered, shared, aliases] = self.answered.evicted();
        let (alerts, watched) = (self.fold.evicted(), self.watched.evicted());
        let (resolvers, not_demoted) = (self.hosts.resolvers.evicted(), self.fold.not_demoted());
        Evicted { answered, shared, aliases, alerts, watched, unfetched: self.overflow, resolvers, not_demoted }
    }
}

fn longest_ttl_s(transaction: &DnsTransaction) -> u32 {
    let is_address = |answer: &&Answer| matches!(answer.data, AnswerData::Address(_));
    transaction.answers.iter().filter(is_address).map(|answer| answer.ttl_s).max().unwrap_or_default()
}

fn evidence_of_lookup(transaction: &DnsTransaction, target_listed: bool, sinkholes: &Sinkholes) -> Evidence {
    let address = transaction.answers.iter().any(|answer| matches!(answer.data, AnswerData::Address(_)));
    match transaction.rcode {
        Some(dns::NXDOMAIN | dns::REFUSED) => Evidence::Blocked,
        Some(dns::NOERROR) if sinkholes.stop(&transaction.answers) => Evidence::Blocked,
        Some(dns::NOERROR) if address || target_listed => Evidence::Answered,
        Some(_) | None => Evidence::LookedUp,
    }
}

#[cfg(test)]
mod tests;
