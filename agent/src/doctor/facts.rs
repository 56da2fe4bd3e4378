//! What is known of a sensor and its machine, as plain values. What nobody could find out is none, and judged by nobody.

use varde_common::time::Timestamp;

use crate::recent::RecentReport;

/// All that is known.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// This machine's clock.
    pub now: Timestamp,
    /// Why the settings cannot be used; none = they can.
    pub settings_refused: Option<String>,
    /// The data directory.
    pub data: DataFacts,
    /// Whether this machine is a sensor, and how it proves it; none where it could not be read.
    pub enrolment: Option<Enrolment>,
    /// The running agent; none = it does not run.
    pub running: Option<Running>,
    /// Why the running agent does not answer, where it has a socket.
    pub silent: Option<String>,
    /// This program.
    pub version: String,
    /// Interfaces that are to be watched.
    pub interfaces: Vec<Interface>,
    /// Why sources that were to be watched could not be opened, in a sentence each.
    pub unopened: Vec<String>,
    /// Interfaces that there are.
    pub interfaces_there: Vec<String>,
    /// Whether this process may open a packet socket, where no agent runs.
    pub may_capture: Option<bool>,
    /// The list.
    pub list: Option<List>,
    /// What waits.
    pub spool: Option<Spool>,
    /// The latest time that the collector ever said.
    pub heard_until: Option<Timestamp>,
    /// Why the file with the proxy's user and password cannot be used.
    pub proxy_unusable: Option<(BadFile, String)>,
    /// The way to the collector; none = it was not tried.
    pub way: Option<Way>,
}

/// The data directory.
#[derive(Debug, Clone, Default)]
pub struct DataFacts {
    /// Its name.
    pub directory: String,
    /// Whether it is there.
    pub exists: bool,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// Others than its owner may look into it.
    pub open_to_others: bool,
    /// The user it belongs to.
    pub owner: Option<u32>,
    /// Free octets on its file system.
    pub free_octets: Option<u64>,
    /// Free inodes and all of them; some file systems count none.
    pub inodes: Option<(u64, u64)>,
    /// The file system takes no writes.
    pub read_only: bool,
    /// Files of it that the disk could not read.
    pub damaged: Vec<String>,
}

/// Whether this machine is a sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolment {
    /// It is none.
    Not,
    /// It is one, and what says so cannot be used.
    Damaged(String),
    /// It is one.
    Enrolled {
        /// Its certificate is good until then.
        until: Option<Timestamp>,
        /// The root document wants a successor by then.
        root_until: Option<Timestamp>,
    },
}

/// A running agent.
#[derive(Debug, Clone, Default)]
pub struct Running {
    /// Its version.
    pub version: String,
    /// The user it runs as.
    pub user: Option<u32>,
    /// Whether a session stands.
    pub connected: bool,
    /// Why the last one ended.
    pub last_error: Option<String>,
    /// The collector has revoked it.
    pub revoked: bool,
    /// Why its certificate is not renewed although it is time.
    pub renewal_failing: Option<String>,
    /// Why a root document was refused.
    pub root_refused: Option<String>,
    /// Why settings that were read anew are not in force.
    pub settings_refused: Option<String>,
    /// Keys that count from the next start on.
    pub at_restart: Vec<String>,
    /// Whether it watches an interface, and not files alone.
    pub live: bool,
    /// How long ago the last packet came, milliseconds; none = none yet.
    pub last_packet_age_ms: Option<u64>,
    /// The last minutes.
    pub recent: RecentReport,
    /// Interfaces that are watched, each with how long ago its last packet came, seconds; none = not told, or none yet.
    pub sources: Vec<(String, Option<u64>)>,
    /// Sources that cannot tell what they lose.
    pub drops_unknown: u16,
    /// How far its clock is ahead of the collector's, milliseconds.
    pub clock_ahead_ms: Option<i64>,
    /// What it has given up, by the kernel's word.
    pub rights: Option<Rights>,
    /// Why paths are not restricted; none = they are.
    pub paths_missing: Option<String>,
    /// A kernel that restricts paths in part only.
    pub paths_in_part: bool,
    /// A resolver's file that was replaced out of its reach.
    pub resolver_replaced: Option<String>,
}

/// What a process can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Capabilities in use or to be had, a bit mask.
    pub capabilities: u64,
    /// It can gain none by executing something.
    pub no_new_privs: bool,
    /// Its system calls are filtered.
    pub filtered: bool,
}

/// An interface that is to be watched.
#[derive(Debug, Clone, Default)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Whether there is one.
    pub exists: bool,
    /// Whether it is up.
    pub up: bool,
    /// Whether something is plugged in; none = it does not say.
    pub carrier: Option<bool>,
    /// Whether it takes what is not meant for this machine.
    pub promiscuous: bool,
}

/// The list.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Its number; 0 = none.
    pub revision: u64,
    /// Indicators in it.
    pub indicators: u64,
    /// Which channel is followed.
    pub channel: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// After this it is old.
    pub expires: Option<Timestamp>,
    /// `fresh`, `stale`, `behind` or `not_told`.
    pub freshness: String,
    /// Why a newer one that was offered is not in force.
    pub refused: Option<String>,
}

/// What waits.
#[derive(Debug, Clone, Default)]
pub struct Spool {
    /// Records not acknowledged.
    pub waiting: u64,
    /// Octets of its files, and how many it may have.
    pub octets: (u64, u64),
    /// Records lost.
    pub lost: u64,
    /// Those whose loss cannot be noted, for the disk is full.
    pub not_noted: u64,
    /// When the oldest that waits was written.
    pub oldest: Option<Timestamp>,
    /// Records never delivered in spools that were set aside.
    pub set_aside: u64,
}

/// What is wrong with the file that holds the proxy's user and password: each is mended otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadFile {
    /// It is not there, or cannot be read at all.
    Missing,
    /// It is not one line of user and password.
    Content,
    /// The service may not read it, or others may too.
    Rights,
}

/// The way to the collector.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// Over QUIC, `HOST:PORT`.
    pub quic_address: String,
    /// Over TCP; none = there is no such way.
    pub tcp_address: Option<String>,
    /// Whether that address was set, or told at enrolment; else it is where a collector usually is.
    pub tcp_named: bool,
    /// The proxy on that way.
    pub proxy: Option<String>,
    /// Why the collector's name leads nowhere; none = it does.
    pub name_unknown: Option<String>,
    /// What came of QUIC.
    pub quic: Reached,
    /// What came of TCP.
    pub tcp: Option<Reached>,
}

/// What came of an attempt to reach the collector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reached {
    /// It was reached, and both ends believe each other.
    #[default]
    Yes,
    /// Nothing answers.
    NoAnswer,
    /// Somebody said no: refused, reset, no route.
    Refused(String),
    /// Another's certificate was shown, issued by this one.
    Opened(String),
    /// The proxy opens no way.
    Proxy {
        /// Its status; 0 = it has none.
        status: u16,
        /// Its words.
        said: String,
    },
    /// The proxy's name leads nowhere.
    Name(String),
    /// The collector does not believe this sensor.
    NotAccepted(String),
    /// Anything else.
    Broken(String),
}
