//! Hits for a live sensor: look-ups of the one listed name, each from a host never used before, so that each is an alert of
//! its own with a count of one.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use varde_agent::io::clock;

use crate::agent::Agent;
use crate::capture::{self, Feed, Format};
use crate::community;
use crate::programs::{PATIENCE, eventually};
use crate::traffic::dns::{Question, rtype};
use crate::traffic::municipality::Municipality;
use crate::traffic::{Outcome, PAGE, Traffic};

/// A sensor's setting by which each of many hosts is told, however many there are: what becomes of an indicator that matches too
/// often is another promise (T10).
pub const EVERY_HOST_TOLD: &str = "frequent_hosts = 0\n";

/// The listed name.
pub const LISTED: &str = "vond.example";

/// So many look-ups, of hosts from this number on.
pub fn burst(next_host: &mut u64, lookups: u64) -> Traffic {
    burst_of(LISTED, next_host, lookups)
}

/// The same of another name.
pub fn burst_of(name: &str, next_host: &mut u64, lookups: u64) -> Traffic {
    let place = Municipality { number: 9 };
    let mut traffic = Traffic::starting(clock::now());
    for _ in 0..lookups {
        let client = SocketAddr::new(place.client(*next_host), 40_000);
        let question = Question { id: *next_host as u16, name, qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address(name, [198, 51, 100, 9].into()));
        *next_host += 1;
    }
    traffic
}

/// Starts a sensor on a pipe of its own, for its so-manieth life.
///
/// # Errors
/// When it cannot be started.
pub fn live(agent: &mut Agent, folder: &Path, life: u64) -> Result<Feed> {
    let feed = Feed::new(&folder.join(format!("mirror-{life}")))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    Ok(feed)
}

/// Ends the traffic, but not before the sensor has begun to read it: a pipe that is gone by then is no source.
///
/// # Errors
/// When it does not read.
pub fn finish(mut feed: Feed, agent: &Agent, host: &mut u64) -> Result<()> {
    let before = agent.taken()?.len();
    feed.send(&burst(host, 10).packets)?;
    // One more may be the word that the sensor has started.
    eventually("the last life reads", PATIENCE, || Ok((agent.taken()?.len() > before + 1).then_some(())))
}

/// Where the listed name leads.
const SERVER: [u8; 4] = [203, 0, 113, 7];

/// A member's sensor reads a capture in which one machine looks the listed name up and contacts it.
///
/// # Errors
/// When the capture cannot be written or read.
pub fn be_hit(agent: &mut community::Agent, number: u8) -> Result<()> {
    let place = Municipality { number };
    let client = SocketAddr::new(place.client(7), 40_000);
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: 7, name: LISTED, qtype: rtype::A };
    traffic.lookup(client, place.resolver(), question, &Outcome::address(LISTED, SERVER.into()));
    traffic.connect(client, SocketAddr::new(SERVER.into(), 443), PAGE);
    let file = agent.data().join("traffic.pcap");
    capture::write(&file, Format::USUAL, &traffic.packets)?;
    agent.start(["--capture".into(), file.into_os_string()])?;
    agent.wait()
}
