//! The core of the agent: owns the stages, is handed frames and the time, hands out statements. No I/O.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use varde_common::alert::{AlertOpened, AlertUpdated, BrakedCount, CrowdOpened, CrowdUpdated, Zone};
use varde_common::id::{Revision, SiteId};
use varde_common::matcher::IndicatorSet;
use varde_common::observation::{Fact, Observation, ServerName};
use varde_common::time::Timestamp;

use crate::audience::{Audience, Response};
use crate::blind::Blind;
use crate::flow::{FlowGlimpse, FlowId, FlowStep};
use crate::health::SourceHealth;
use crate::intake::{Intake, Passage};
use crate::limits::FREQUENT_HOSTS;
use crate::observe::{ObserveSettings, Observer, Seen};
use crate::packet::{Frame, NotRead, Packet};
use crate::raise::braked::Braking;
use crate::raise::fold::Alert;
use crate::raise::frequent::Demotion;
use crate::raise::place::{Places, inside_by_default};
use crate::raise::resolvers::Resolvers;
use crate::raise::sinkholes::Sinkholes;
use crate::raise::{Keep, Raise, RaiseSettings, Sighting};
use crate::timeline::{Timekeeper, Timeline, Told};

mod counts;
mod settings;
mod vlans;

pub use counts::refusal_keys;
use vlans::Vlans;

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
    /// A new alert of many hosts, told of together.
    CrowdOpened {
        /// Its name here.
        alert: AlertId,
        /// It names no host.
        body: CrowdOpened,
    },
    /// More of such an alert.
    CrowdUpdated {
        /// Its name here.
        alert: AlertId,
        /// `alert` is `Seq(0)` in here.
        body: CrowdUpdated,
    },
    /// Matches of an indicator that is braked, which belong to no alert.
    Braked(BrakedCount),
    /// An indicator met too many hosts, which are told together from now on; or they are told one by one again.
    Demotion(Demotion),
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
    /// More than so much from inside on one flow that was begun there counts as data out, octets.
    pub data_out_octets: u32,
    /// Of an indicator that more hosts of a site than this meet within an hour the hosts are told together; none = whatever.
    pub frequent_hosts: Option<u64>,
    /// Who says how time passes.
    pub timekeeper: Timekeeper,
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
            frequent_hosts: Some(FREQUENT_HOSTS),
            timekeeper: Timekeeper::default(),
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

/// The same at a certain time.
struct At<'a> {
    consequences: &'a mut Consequences,
    now: Timestamp,
}

impl Audience for At<'_> {
    fn take(&mut self, seen: Seen) {
        self.consequences.take(seen, self.now);
    }

    fn wants_response(&mut self, response: &Response<'_>) -> bool {
        self.consequences.raise.handle_asked(response.client.ip());
        self.consequences.keep_observations || self.consequences.raise.concerns_response(response, self.now)
    }

    fn wants_step(&mut self, glimpse: &FlowGlimpse) -> bool {
        let Consequences { raise, blind, keep_observations, .. } = &mut *self.consequences;
        let ends = raise.ends(glimpse.initiator, glimpse.responder);
        blind.handle_step(glimpse, &ends, |server, began| raise.explains(server, began));
        raise.concerns_step(glimpse, &ends) || *keep_observations
    }

    fn heard_alone(&mut self, glimpse: &FlowGlimpse, initiator: bool) {
        self.consequences.blind.handle_alone(glimpse, initiator);
    }

    fn let_go(&mut self, gathered_by: FlowId) {
        self.consequences.raise.handle_let_go(gathered_by);
    }
}

impl Consequences {
    fn at(&mut self, now: Timestamp) -> At<'_> {
        At { consequences: self, now }
    }

    fn take(&mut self, seen: Seen, now: Timestamp) {
        if self.keep_observations {
            self.keep_observation(&seen);
        }
        match seen {
            Seen::Dns { source, standing, transaction } => {
                self.raise.handle_transaction(source, standing, &transaction, now);
            }
            Seen::Flow(event) => self.raise.handle_flow(&event, now),
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
            Seen::Dns { source, transaction, .. } => {
                Observation { source: *source, fact: Fact::Dns(transaction.clone()) }
            }
            Seen::Flow(event) => match event.step {
                FlowStep::Opened | FlowStep::Answered | FlowStep::Volume => return,
                FlowStep::Reported | FlowStep::Closed => {
                    Observation { source: event.source, fact: Fact::Flow(event.record.clone()) }
                }
            },
            // A part of a hello is matched, and is no observation.
            Seen::Hello { hello, .. } if hello.is_cut => return,
            Seen::Hello { source, hello, .. } => Observation { source: *source, fact: Fact::Hello(hello.clone()) },
            Seen::Http { request, .. } if request.is_further => return,
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
    timeline: Timeline,
    packets: u64,
    octets: u64,
    not_read: BTreeMap<NotRead, u64>,
    /// By the source's number; as long as the highest number seen.
    sources: Vec<SourceHealth>,
    vlans: Vlans,
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
            frequent_hosts: settings.frequent_hosts,
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
            timeline: Timeline::new(settings.timekeeper),
            packets: 0,
            octets: 0,
            not_read: BTreeMap::new(),
            sources: Vec::new(),
            vlans: Vlans::default(),
            last_packet: None,
        };
        sensor.handle_set(set, revision);
        sensor
    }

    /// A frame was captured. Whatever its time, timeouts go by the [`Timeline`].
    pub fn handle_frame(&mut self, frame: &Frame<'_>) {
        self.octets += frame.octets.len() as u64;
        self.vlans.handle_tag(frame.vlan);
        let told = self.timeline.hear_packet(frame.source, frame.time);
        if told != Told::Usual {
            self.take_in(told);
        }
        let now = self.timeline.now();
        let number = usize::from(frame.source);
        if self.sources.len() <= number {
            self.sources.resize(number + 1, SourceHealth::default());
        }
        let mut unnumbered = SourceHealth::default();
        let of_source = self.sources.get_mut(number).unwrap_or(&mut unnumbered);
        of_source.octets += frame.octets.len() as u64;
        let Sensor { intake, observer, consequences, .. } = self;
        let mut take = |packet: &Packet<'_>| observer.handle_packet(packet, now, &mut consequences.at(now));
        match intake.handle_frame(frame, now, &mut take) {
            Ok(Passage::Packet) => {
                self.packets += 1;
                of_source.packets += 1;
                // Not the latest time of all: one that was wrong would pass for news for as long as it lies ahead.
                self.last_packet = Some(frame.time);
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

    /// The caller's clock says `now`, with or without packets.
    pub fn handle_time(&mut self, now: Timestamp) {
        let told = self.timeline.hear_caller(now);
        if told != Told::Usual {
            self.take_in(told);
        }
        self.pass_time();
    }

    #[cold]
    #[inline(never)]
    fn take_in(&mut self, told: Told) {
        match told {
            Told::Usual => {}
            Told::Leapt => self.pass_time(),
            Told::ClockSet { from, to } => {
                self.consequences.raise.handle_clock_set(from, to);
                // As long ago as it was: a mirror that fell silent must not seem alive until the clock has caught up.
                self.last_packet = self.last_packet.map(|last| to.minus(from.since(last)));
            }
        }
    }

    /// What timed out until now.
    fn pass_time(&mut self) {
        let now = self.timeline.now();
        let Sensor { intake, observer, consequences, .. } = self;
        intake.handle_time(now, &mut |packet| {
            observer.handle_packet(packet, now, &mut consequences.at(now));
        });
        self.observer.handle_time(now);
        self.take_over();
    }

    /// Matches of these indicators are counted only from now on, those of others no more.
    pub fn handle_braking(&mut self, braking: Arc<Braking>) {
        self.consequences.raise.handle_braking(braking);
    }

    /// Another list is in force from now on.
    pub fn handle_set(&mut self, set: Arc<IndicatorSet>, revision: Revision) {
        // A fingerprint costs more than all else that is read of a hello.
        self.observer.set_fingerprints(self.consequences.keep_observations || set.has_ja4());
        self.consequences.raise.handle_set(set, revision);
    }

    /// The sources have ended: everything open is closed and stated.
    pub fn close_all(&mut self) {
        let now = self.timeline.now();
        let Sensor { intake, observer, consequences, .. } = self;
        intake.close_all(now, &mut |packet| {
            observer.handle_packet(packet, now, &mut consequences.at(now));
        });
        self.observer.close_all();
        self.take_over();
        self.consequences.raise.close_all();
    }

    /// What timed out meanwhile.
    fn take_over(&mut self) {
        let now = self.timeline.now();
        self.observer.tell_over(&mut self.consequences.at(now));
        self.consequences.raise.handle_time(now);
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
}

#[cfg(test)]
mod tests;
