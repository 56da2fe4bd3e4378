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
