//! The sensor's numbers for Prometheus, over HTTP on a loopback address: off unless `agent.toml` names one. The socket is opened before
//! the process gives up its rights; after that it could open none.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use varde_common::metrics::{Exposition, HEAD_MAX_OCTETS, Kind, answer, read_request};
use varde_common::time::Timestamp;

use super::link::session::Desk;
use crate::health::Health;
use crate::io::disk::spool::Figures;
use crate::io::link::session::Uplink;
use crate::limits::METRICS_WITHIN_S;

/// What is told, of one moment.
#[derive(Debug)]
pub struct Numbers<'a> {
    /// Totals of the sensor.
    pub health: &'a Health,
    /// The spool.
    pub figures: &'a Figures,
    /// The way to the collector.
    pub uplink: &'a Uplink,
    /// Sources it watches.
    pub sources: u16,
    /// Number of the list in force, and how many indicators it holds.
    pub list: (u64, u64),
    /// When the list on the disk last changed.
    pub list_changed_at: Option<Timestamp>,
    /// When its test of itself last came the whole way and back.
    pub self_tested_at: Option<Timestamp>,
}

impl Numbers<'_> {
    /// In Prometheus' text format. What is not known is left out, never 0.
    pub fn to_text(&self) -> String {
        let Numbers { health, figures, uplink, sources, list, list_changed_at, self_tested_at } = self;
        let mut out = Exposition::default();
        let name = |name: &str| format!("varde_agent_{name}");
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        out.family(&name("build_info"), Kind::Gauge, "The program.", [(version, 1_u64.into())]);
        let mut total = |what: &str, help: &str, value: Option<u64>| out.one(&name(what), Kind::Counter, help, value);
        total("capture_packets_total", "Packets read.", Some(health.packets));
        total("capture_octets_total", "Octets of all frames, as captured.", Some(health.octets));
        // Where no source can tell, a 0 would say that nothing was lost.
        let knows = health.dropped > 0 || health.drops_unknown < *sources || *sources == 0;
        total(
            "capture_dropped_total",
            "Frames lost before they were read, as far as sources can tell.",
            knows.then_some(health.dropped),
        );
        total("capture_refused_total", "Frames, packets and messages refused.", Some(health.refused));
        total("evictions_total", "Entries let go because a table was full.", Some(health.evictions.total()));
        total("alerts_total", "Alerts opened.", Some(health.alerts));
        total(
            "alerts_sent_total",
            "Records the collector has acknowledged, of this spool.",
            Some(figures.acknowledged.0),
        );
        total("alerts_lost_total", "Records lost, each of them told to the collector.", Some(figures.lost));
        let refused: u64 =
            health.refusals.iter().filter(|(reason, _)| reason.starts_with("dns_")).map(|(_, count)| count).sum();
        let labelled = |label, said: &str, value: u64| (vec![(label, said.to_owned())], value.into());
        let results = [labelled("result", "read", health.dns_messages), labelled("result", "refused", refused)];
        out.family(&name("dns_messages_total"), Kind::Counter, "DNS messages.", results);
        let flows = [labelled("source", "capture", health.flows)];
        out.family(&name("flow_records_total"), Kind::Counter, "Flows seen.", flows);
        let matches = health.matches.each().map(|(kind, count)| labelled("type", kind, count));
        out.family(&name("matches_total"), Kind::Counter, "Matches, by what matched.", matches);
        let mut now = |what: &str, help: &str, value: Option<f64>| out.one(&name(what), Kind::Gauge, help, value);
        let (revision, indicators) = *list;
        now("up", "It runs.", Some(1.0));
        now("indicators", "Indicators in the list in force.", Some(indicators as f64));
        now("indicator_set_version", "Number of the list in force; 0 = none.", Some(revision as f64));
        let seconds = |at: Timestamp| at.0 as f64 / 1e6;
        now(
            "indicator_set_updated_timestamp_seconds",
            "When the list on this machine last changed.",
            list_changed_at.map(seconds),
        );
        now(
            "self_test_timestamp_seconds",
            "When the sensor's test of itself last came the whole way and back.",
            self_tested_at.map(seconds),
        );
        now("alert_queue_length", "Records that wait for the collector.", Some(figures.waiting() as f64));
        now("spool_bytes", "Octets of the spool's files.", Some(figures.octets as f64));
        now(
            "collector_connected",
            "Whether a session with the collector stands.",
            Some(f64::from(u8::from(uplink.connected))),
        );
        now(
            "clock_offset_seconds",
            "What the collector's clock showed more than this one when the session began.",
            uplink.clock_offset_us.map(|offset| offset as f64 / 1e6),
        );
        now(
            "last_packet_timestamp_seconds",
            "When the last packet was sent, by the capture.",
            health.last_packet.map(seconds),
        );
        out.into_text()
    }
}

impl Desk {
    /// The sensor's numbers now.
    pub fn numbers(&self) -> String {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let figures = *self.figures.borrow();
        let uplink = self.uplink.borrow().clone();
        let list = {
            let list = self.list.borrow();
            (list.revision.0, list.set.len() as u64)
        };
        let list_changed_at = changed_at(&self.data.join("list"));
        let self_tested_at = self.tests.known().good_at;
        let (health, figures, uplink, sources) = (&health, &figures, &uplink, self.sources);
        Numbers { health, figures, uplink, sources, list, list_changed_at, self_tested_at }.to_text()
    }
}

/// When a directory last got or lost a file: a list takes its place by a name.
fn changed_at(directory: &Path) -> Option<Timestamp> {
    let changed = std::fs::metadata(directory).ok()?.modified().ok()?;
    let since = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(since.as_micros()).ok()?))
}

/// Opens the socket, before the process gives up the right to; who asks waits in it until [`serve`] runs.
///
/// # Errors
/// The system's own.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Tells everybody who asks, one after the other, for as long as it is polled; where there is no socket it waits for ever. What the
/// system says where the socket cannot be waited on.
pub async fn serve(listener: Option<TcpListener>, tell: impl Fn() -> String) -> io::Error {
    let Some(listener) = listener else { return std::future::pending().await };
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: later it may work.
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        // One that neither asks nor reads is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(METRICS_WITHIN_S), attend(stream, &tell)).await;
    }
}

async fn attend(mut stream: TcpStream, tell: &impl Fn() -> String) -> io::Result<()> {
    let mut head = Vec::new();
    let asked = loop {
        let mut more = [0; 1024];
        let read = stream.read(&mut more).await?;
        if read == 0 {
            return Ok(());
        }
        head.extend_from_slice(more.get(..read).unwrap_or_default());
        if let Some(asked) = read_request(&head) {
            break asked;
        }
        if head.len() >= HEAD_MAX_OCTETS {
            return Ok(());
        }
    };
    stream.write_all(answer(asked, tell).as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use varde_common::id::Seq;

    #[tokio::test]
    async fn s2_it_is_told_over_a_socket_that_was_open_before_and_one_who_says_nothing_holds_up_nobody() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::task::spawn_blocking(move || {
            let _silent = std::net::TcpStream::connect(address).unwrap();
            let ask = |head: &str| {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(head.as_bytes()).unwrap();
                let mut said = String::new();
                stream.read_to_string(&mut said).unwrap();
                said
            };
            [ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
        });
        tokio::select! {
            error = serve(Some(listener), || "varde_agent_up 1\n".to_owned()) => panic!("{error}"),
            said = asked => {
                let [numbers, refused] = said.unwrap();
                assert!(numbers.ends_with("\r\n\r\nvarde_agent_up 1\n"), "{numbers}");
                assert!(refused.starts_with("HTTP/1.1 421 "), "{refused}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_left_out_and_never_none() {
        let health = Health { packets: 7, drops_unknown: 1, ..Health::default() };
        let figures = Figures { acknowledged: Seq(3), next: Seq(6), ..Figures::default() };
        let text = |sources, uplink: &Uplink| {
            let (health, figures, list, list_changed_at) = (&health, &figures, (4, 9), None);
            let self_tested_at = (sources == 2).then_some(Timestamp(1_500_000));
            Numbers { health, figures, uplink, sources, list, list_changed_at, self_tested_at }.to_text()
        };
        let unknown = text(1, &Uplink::default());
        for left_out in
            ["capture_dropped_total", "clock_offset_seconds", "updated_timestamp", "last_packet", "self_test"]
        {
            assert!(!unknown.contains(left_out), "{left_out}: {unknown}");
        }
        let known = text(2, &Uplink { clock_offset_us: Some(-1_500_000), connected: true, ..Uplink::default() });
        for line in [
            "varde_agent_capture_packets_total 7\n",
            "varde_agent_capture_dropped_total 0\n",
            "varde_agent_clock_offset_seconds -1.5\n",
            "varde_agent_self_test_timestamp_seconds 1.5\n",
            "varde_agent_alert_queue_length 2\n",
            "varde_agent_alerts_sent_total 3\n",
            "varde_agent_collector_connected 1\n",
            "varde_agent_indicator_set_version 4\n",
            "varde_agent_dns_messages_total{result=\"read\"} 0\n",
            "varde_agent_matches_total{type=\"name\"} 0\n",
        ] {
            assert!(known.contains(line), "{line:?} in {known}");
        }
    }
}
