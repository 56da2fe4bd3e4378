//! The core of the agent: owns the stages, is handed frames and the time, hands out statements. No I/O.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use varde_common::alert::{AlertOpened, AlertUpdated, Zone};
use varde_common::id::{Revision, SiteId};
use varde_common::matcher::IndicatorSet;
use varde_common::observation::{Fact, Observation, ServerName};
use varde_common::time::Timestamp;

use crate::blind::Blind;
use crate::flow::FlowStep;
use crate::health::{Evictions, Health, SourceHealth};
use crate::intake::{Intake, Passage};
use crate::observe::{ObserveSettings, Observer, Seen};
use crate::packet::{Frame, NotRead, Packet};
use crate::raise::fold::Alert;
use crate::raise::place::{Places, inside_by_default};
use crate::raise::resolvers::Resolvers;
use crate::raise::sinkholes::Sinkholes;
use crate::raise::{Evicted, Keep, Raise, RaiseSettings, Sighting};

/// An alert's name inside this process; outside it goes by the seq of its first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertId(pub u64);

/// Something to be written down about an alert. What only the shell knows is left for it to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// A new alert.
    Opened {
        /// Its name here.
        alert: AlertId,
        /// The host in clear; the shell turns it into a pseudonym.
        client: Option<IpAddr>,
        /// `client` is `None` in here.
        body: AlertOpened,
    },
    /// More of an alert.
    Updated {
        /// Its name here.
        alert: AlertId,
        /// `alert` is `Seq(0)` in here.
        body: AlertUpdated,
    },
}

/// What the member's settings say about its networks.
#[derive(Debug, Clone)]
pub struct SensorSettings {
    /// The member's own networks.
    pub inside: Vec<IpNet>,
    /// Its resolvers; none = recognised by what they do.
    pub resolvers: Option<Vec<IpAddr>>,
    /// Which network is which site; home where none is named.
    pub sites: Vec<(IpNet, SiteId)>,
    /// Which network is which zone.
    pub zones: Vec<(IpNet, Zone)>,
    /// Ports that carry DNS.
    pub dns_ports: Vec<u16>,
    /// Addresses of the member's own block pages.
    pub sinkholes: Vec<IpAddr>,
    /// More than so much from inside on one flow counts as data out, octets.
    pub data_out_octets: u32,
    /// What is kept beside statements.
    pub keep: Keep,
    /// Whether observations are kept too.
    pub keep_observations: bool,
}

impl Default for SensorSettings {
    fn default() -> SensorSettings {
        SensorSettings {
            inside: inside_by_default(),
            resolvers: None,
            sites: Vec::new(),
            zones: Vec::new(),
            dns_ports: ObserveSettings::default().dns_ports,
            sinkholes: Vec::new(),
            data_out_octets: ObserveSettings::default().data_out_octets,
            keep: Keep::default(),
            keep_observations: false,
        }
    }
}

/// What becomes of what was seen: it is held against the list, counted where nothing can be seen, kept where asked.
#[derive(Debug)]
struct Consequences {
    raise: Raise,
    blind: Blind,
    keep_observations: bool,
    observations: VecDeque<Observation>,
}

impl Consequences {
    fn take(&mut self, seen: Seen, now: Timestamp) {
        if self.keep_observations {
            self.keep_observation(&seen);
        }
        match seen {
            Seen::Dns { source, transaction } => self.raise.handle_transaction(source, &transaction, now),
            Seen::Flow(event) => {
                self.blind.handle_flow(&event, |server, began| self.raise.explains(server, began));
                self.raise.handle_flow(&event, now);
            }
            Seen::Hello { source, flow, contact, hello } => {
                self.blind.handle_hello(hello.ech, hello.sni.as_ref().and_then(ServerName::as_name));
                self.raise.handle_hello(source, flow, contact, &hello, now);
            }
            Seen::Http { source, flow, contact, request } => {
                self.raise.handle_http(source, flow, contact, &request, now);
            }
        }
    }

    fn keep_observation(&mut self, seen: &Seen) {
        let observation = match seen {
            Seen::Dns { source, transaction } => Observation { source: *source, fact: Fact::Dns(transaction.clone()) },
            Seen::Flow(event) => match event.step {
                FlowStep::Opened | FlowStep::Answered | FlowStep::Volume => return,
                FlowStep::Reported | FlowStep::Closed => {
                    Observation { source: event.source, fact: Fact::Flow(event.record.clone()) }
                }
            },
            Seen::Hello { source, hello, .. } => Observation { source: *source, fact: Fact::Hello(hello.clone()) },
            Seen::Http { source, request, .. } => Observation { source: *source, fact: Fact::Http(request.clone()) },
        };
        self.observations.push_back(observation);
    }
}

/// One worker's whole pipeline.
#[derive(Debug)]
pub struct Sensor {
    intake: Intake,
    observer: Observer,
    consequences: Consequences,
    clock: Timestamp,
    packets: u64,
    octets: u64,
    not_read: BTreeMap<NotRead, u64>,
    /// By the source's number; as long as the highest number seen.
    sources: Vec<SourceHealth>,
    last_packet: Option<Timestamp>,
}

impl Sensor {
    /// A sensor that looks for `set`, which has number `revision`.
    pub fn new(settings: SensorSettings, set: Arc<IndicatorSet>, revision: Revision) -> Sensor {
        let observe = ObserveSettings {
            dns_ports: settings.dns_ports.clone(),
            data_out_octets: settings.data_out_octets,
            ..ObserveSettings::default()
        };
        let places = Places::new(settings.inside, settings.sites, settings.zones);
        let blind = Blind::new(places.clone(), settings.dns_ports.clone());
        let raise = RaiseSettings {
            places,
            resolvers: Resolvers::new(settings.resolvers),
            dns_ports: settings.dns_ports,
            sinkholes: Sinkholes::new(&settings.sinkholes),
            keep: settings.keep,
        };
        let mut sensor = Sensor {
            intake: Intake::new(),
            observer: Observer::new(observe),
            consequences: Consequences {
                raise: Raise::new(raise, Arc::clone(&set), revision),
                blind,
                keep_observations: settings.keep_observations,
                observations: VecDeque::new(),
            },
            clock: Timestamp::MIN,
            packets: 0,
            octets: 0,
            not_read: BTreeMap::new(),
            sources: Vec::new(),
            last_packet: None,
        };
        sensor.handle_set(set, revision);
        sensor
    }

    /// A frame was captured. The sensor's clock never goes back, whatever the frame's time.
    pub fn handle_frame(&mut self, frame: &Frame<'_>) {
        self.octets += frame.octets.len() as u64;
        self.clock = self.clock.max(frame.time);
        let number = usize::from(frame.source);
        if self.sources.len() <= number {
            self.sources.resize(number + 1, SourceHealth::default());
        }
        let mut unnumbered = SourceHealth::default();
        let of_source = self.sources.get_mut(number).unwrap_or(&mut unnumbered);
        of_source.octets += frame.octets.len() as u64;
        let Sensor { intake, observer, consequences, clock, .. } = self;
        let mut take =
            |packet: &Packet<'_>| observer.handle_packet(packet, &mut |seen| consequences.take(seen, *clock));
        match intake.handle_frame(frame, *clock, &mut take) {
            Ok(Passage::Packet) => {
                self.packets += 1;
                of_source.packets += 1;
                self.last_packet = Some(self.last_packet.map_or(frame.time, |last| last.max(frame.time)));
            }
            // Counted by the intake.
            Ok(Passage::Copy) => {}
            Err(reason) => {
                *self.not_read.entry(reason).or_default() += 1;
                if reason.is_loss() {
                    of_source.refused += 1;
                } else {
                    of_source.not_ip += 1;
                }
            }
        }
        self.take_over();
    }

    /// Time has passed, with or without packets.
    pub fn handle_time(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now);
        let Sensor { intake, observer, consequences, clock, .. } = self;
        intake.handle_time(*clock, &mut |packet| {
            observer.handle_packet(packet, &mut |seen| consequences.take(seen, *clock));
        });
        self.observer.handle_time(self.clock);
        self.take_over();
    }

    /// Another list is in force from now on.
    pub fn handle_set(&mut self, set: Arc<IndicatorSet>, revision: Revision) {
        // A fingerprint costs more than all else that is read of a hello.
        self.observer.set_fingerprints(self.consequences.keep_observations || set.has_ja4());
        self.consequences.raise.handle_set(set, revision);
    }

    /// The sources have ended: everything open is closed and stated.
    pub fn close_all(&mut self) {
        let Sensor { intake, observer, consequences, clock, .. } = self;
        intake.close_all(*clock, &mut |packet| {
            observer.handle_packet(packet, &mut |seen| consequences.take(seen, *clock));
        });
        self.observer.close_all();
        self.take_over();
        self.consequences.raise.close_all();
    }

    /// What timed out meanwhile.
    fn take_over(&mut self) {
        while let Some(seen) = self.observer.poll_seen() {
            self.consequences.take(seen, self.clock);
        }
        self.consequences.raise.handle_time(self.clock);
    }

    /// Whether an observation, a sighting or an alert waits to be fetched.
    #[inline]
    pub fn has_news(&self) -> bool {
        !self.consequences.observations.is_empty() || self.consequences.raise.has_news()
    }

    /// The next statement for the spool.
    pub fn poll_statement(&mut self) -> Option<Statement> {
        self.consequences.raise.poll_statement()
    }

    /// The next sighting, where they are kept.
    pub fn poll_sighting(&mut self) -> Option<Sighting> {
        self.consequences.raise.poll_sighting()
    }

    /// The next closed alert, where they are kept.
    pub fn poll_alert(&mut self) -> Option<Alert> {
        self.consequences.raise.poll_alert()
    }

    /// The next observation, where they are kept.
    pub fn poll_observation(&mut self) -> Option<Observation> {
        self.consequences.observations.pop_front()
    }

    /// Totals.
    pub fn health(&self) -> Health {
        let seen = self.observer.counts();
        let not_ip = self.not_read.get(&NotRead::NotIp).copied().unwrap_or_default();
        let refusals: Vec<(&'static str, u64)> = self.refused().into_iter().collect();
        let raise = self.consequences.raise.evicted();
        Health {
            packets: self.packets,
            octets: self.octets,
            duplicates: self.intake.duplicates(),
            tunnelled: self.tunnelled().into_iter().collect(),
            rejoined: self.intake.fragments().rejoined,
            dropped: 0,
            drops_unknown: 0,
            refused: refusals.iter().map(|(_, count)| count).sum(),
            refusals,
            not_ip,
            dns_messages: seen.dns_messages,
            flows: seen.flows.opened,
            evictions: Evictions {
                flows: seen.flows.evicted,
                streams: seen.streams.evicted + seen.greetings.evicted,
                pairings: seen.transactions.evicted,
                fragments: self.intake.fragments().evicted,
                folding: raise.alerts,
                answers: raise.answered + raise.shared + raise.aliases,
                other: raise.watched + raise.unfetched,
            },
            blind: self.consequences.blind.counts(),
            sightings: self.consequences.raise.sightings_total(),
            alerts: self.consequences.raise.alerts_total(),
            last_packet: self.last_packet,
        }
    }

    /// What the matching stage let go because a table was full, table by table.
    pub fn raise_evicted(&self) -> Evicted {
        self.consequences.raise.evicted()
    }

    /// Totals of one source; all zero for one that has brought nothing.
    pub fn source_health(&self, source: u16) -> SourceHealth {
        self.sources.get(usize::from(source)).copied().unwrap_or_default()
    }

    /// Packets that came in tunnels, by kind; only kinds that came.
    pub fn tunnelled(&self) -> BTreeMap<&'static str, u64> {
        self.intake.tunnelled().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.as_str(), count)).collect()
    }

    /// What was refused, by reason. Frames without IP are no refusal: see [`Health::not_ip`].
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        let frames = self.not_read.iter().filter(|(reason, _)| **reason != NotRead::NotIp);
        let mut refused: BTreeMap<&'static str, u64> =
            frames.map(|(reason, &count)| (reason.as_str(), count)).collect();
        let seen = self.observer.counts();
        for (reason, count) in seen.dns_refused.iter() {
            *refused.entry(reason.key()).or_default() += count;
        }
        for (reason, count) in seen.greetings.refused.iter() {
            *refused.entry(reason.key()).or_default() += count;
        }
        for (reason, count) in [
            ("answers_beyond_limit", seen.transactions.answers_beyond),
            ("answers_broken", seen.transactions.answers_broken),
            ("stream_given_up", seen.streams.given_up),
            ("stream_gaps", seen.streams.gaps),
            ("fragments_contradict", self.intake.fragments().refused),
            ("fragments_unfinished", self.intake.fragments().unfinished),
            ("fragment_dropped", self.intake.fragments().dropped),
            ("greeting_given_up", seen.greetings.given_up),
            ("transport_header_cut", seen.flows.cut_headers),
        ] {
            *refused.entry(reason).or_default() += count;
        }
        refused.retain(|_, count| *count > 0);
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::LinkType;

    #[test]
    fn every_counter_knows_its_source() {
        let mut sensor = Sensor::new(SensorSettings::default(), Arc::default(), Revision(0));
        let mut ip = [0u8; 28];
        ip[0] = 0x45;
        ip[3] = 28;
        ip[9] = 17;
        let frame = |source, octets| Frame {
            time: Timestamp(1),
            source,
            link: LinkType::RawIp,
            octets,
            length: 28,
            vlan: None,
        };
        sensor.handle_frame(&frame(0, &ip));
        sensor.handle_frame(&frame(3, &ip));
        sensor.handle_frame(&frame(3, &ip[..10]));
        let of = |source| {
            let SourceHealth { packets, octets, refused, .. } = sensor.source_health(source);
            (packets, octets, refused)
        };
        assert_eq!([of(0), of(1), of(3), of(9)], [(1, 28, 0), (0, 0, 0), (1, 38, 1), (0, 0, 0)]);
        assert_eq!(sensor.health().packets, 2);
    }
}
