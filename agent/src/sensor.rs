//! The core of the agent: owns the stages, is handed frames and the time, hands out statements. No I/O.

use std::net::IpAddr;

use varde_common::alert::{AlertOpened, AlertUpdated};

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

// --- stand-in until the sensor itself is merged: everything below is replaced by it ---

use std::sync::Arc;

use ipnet::IpNet;
use varde_common::alert::Zone;
use varde_common::id::{Revision, SiteId};
use varde_common::matcher::IndicatorSet;
use varde_common::time::Timestamp;

use crate::health::Health;
use crate::packet::Frame;

/// Stand-in.
#[derive(Debug, Clone, Default)]
pub struct SensorSettings {
    /// Inside networks.
    pub inside: Vec<IpNet>,
    /// Resolvers; none = recognised by behaviour.
    pub resolvers: Option<Vec<IpAddr>>,
    /// Sites.
    pub sites: Vec<(IpNet, SiteId)>,
    /// Zones.
    pub zones: Vec<(IpNet, Zone)>,
    /// DNS ports.
    pub dns_ports: Vec<u16>,
}

/// Stand-in.
#[derive(Debug, Default)]
pub struct Sensor {
    health: Health,
}

impl Sensor {
    /// Stand-in.
    pub fn new(_settings: SensorSettings, _set: Arc<IndicatorSet>, _revision: Revision) -> Sensor {
        Sensor::default()
    }

    /// Stand-in.
    pub fn handle_frame(&mut self, frame: &Frame<'_>) {
        self.health.packets += 1;
        self.health.last_packet = Some(frame.time);
    }

    /// Stand-in.
    pub fn handle_time(&mut self, _now: Timestamp) {}

    /// Stand-in.
    pub fn handle_set(&mut self, _set: Arc<IndicatorSet>, _revision: Revision) {}

    /// Stand-in.
    pub fn close_all(&mut self) {}

    /// Stand-in.
    pub fn poll_statement(&mut self) -> Option<Statement> {
        None
    }

    /// Stand-in.
    pub fn health(&self) -> Health {
        self.health
    }
}
