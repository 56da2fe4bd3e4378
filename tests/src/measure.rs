//! What benches share: the processor time of a thread or process, what a program costs from its start to its end, and frames with the
//! make-up of a municipality's outbound traffic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustix::time::{ClockId, clock_gettime};
use varde_agent::io::clock::monotonic;

use crate::programs::Said;
use crate::random::Random;
use crate::traffic::dns::{self, Question};
use crate::traffic::packet::{self, Segment, flag};

/// Processor time, user and system, that this thread has used.
pub fn own_thread() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// Processor time that a process of one thread, or the first thread of one, has used.
///
/// # Errors
/// When the kernel keeps no such account, or the process is over.
pub fn first_thread_of(process: u32) -> Result<Duration> {
    let path = format!("/proc/{process}/schedstat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    nanoseconds.map(Duration::from_nanos).with_context(|| format!("{path}: {text}"))
}

/// What a process has in memory by a name of `/proc/PID/status`, KiB.
///
/// # Errors
/// When the process is over, or has no such name.
pub fn memory_kib(process: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?)
}

/// Between two looks at a program's memory.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a program cost from its start to its end.
#[derive(Debug, Clone)]
pub struct Cost {
    /// How long it took.
    pub seconds: f64,
    /// The most memory that was resident, KiB.
    pub most_kib: u64,
    /// What it said on standard error, and its exit code.
    pub said: Said,
}

/// Runs it to its end.
///
/// # Errors
/// When it cannot be started.
pub fn cost(command: &mut Command) -> Result<Cost> {
    let began = monotonic();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut stderr = child.stderr.take().context("no standard error")?;
    let reading = std::thread::spawn(move || {
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut stderr, &mut text).map(|_| text)
    });
    let status = format!("/proc/{}/status", child.id());
    let mut most_kib = 0_u64;
    let ended = loop {
        // Its high-water mark only rises: the last look before its end is the most.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most_kib = now.unwrap_or_default().max(most_kib);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    let seconds = began.elapsed().as_secs_f64();
    let text = reading.join().map_err(|_| anyhow!("standard error was not read"))??;
    let err = String::from_utf8_lossy(&text).into_owned();
    Ok(Cost { seconds, most_kib, said: Said { code: ended.code(), out: String::new(), err } })
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Ethernet frames: some 3 % DNS, 62 % TLS, 24 % QUIC, the rest of any kind; one in six over IPv6, one in eight with a
/// VLAN tag; mean some 650 octets. The same for the same seed.
pub fn mix(count: usize, random: &mut Random) -> Vec<Vec<u8>> {
    (0..count).map(|_| frame(random)).collect()
}

fn frame(random: &mut Random) -> Vec<u8> {
    let v6 = random.below(6) == 0;
    let low = random.next_u16();
    let client: IpAddr = match v6 {
        true => Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, low % 4000).into(),
        false => Ipv4Addr::new(10, 0, ((low % 4000) >> 8) as u8, low as u8).into(),
    };
    let far = random.next_u16() % 2000;
    let server: IpAddr = match v6 {
        true => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, far).into(),
        false => Ipv4Addr::new(198, 18, (far >> 8) as u8, far as u8).into(),
    };
    let from_client = random.percent(40);
    let port = 20_000 + random.next_u16() % 20_000;
    let ends = |server_port: u16| {
        let (client, server) = (SocketAddr::new(client, port), SocketAddr::new(server, server_port));
        if from_client { (client, server) } else { (server, client) }
    };
    // Acknowledgements are short, data fills its packet.
    let data_octets = if from_client && random.percent(70) { 0 } else { random.within(200, 1380) as usize };
    let (protocol_type, ip) = (
        if v6 { 0x86dd_u16 } else { 0x0800 },
        match random.below(100) {
            0..=2 => {
                let (client, server) = (SocketAddr::new(client, port), SocketAddr::new(server, 53));
                let name = format!("tjeneste-{far}.example");
                packet::udp(client, server, &dns::query(Question { id: random.next_u16(), name: &name, qtype: 1 }))
            }
            3..=64 => tcp(ends(443), data_octets, random),
            65..=88 => {
                let (from, to) = ends(443);
                packet::udp(from, to, &vec![0x4c; data_octets.max(30)])
            }
            89..=95 => tcp(ends(80), data_octets, random),
            _ => {
                let (from, to) = ends(3478);
                packet::udp(from, to, &vec![0x01; data_octets.max(30)])
            }
        },
    );
    let mut octets = vec![0x02; 12];
    if random.below(8) == 0 {
        octets.extend_from_slice(&[0x81, 0x00, 0x00, 0x64]);
    }
    octets.extend_from_slice(&protocol_type.to_be_bytes());
    octets.extend_from_slice(&ip);
    octets
}

fn tcp((from, to): (SocketAddr, SocketAddr), data_octets: usize, random: &mut Random) -> Vec<u8> {
    let sequence = random.next_u64() as u32;
    packet::tcp(from, to, Segment { sequence, acknowledgement: 1, flags: flag::ACK }, &vec![0x17; data_octets])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_has_its_mean_and_is_the_same_for_the_same_seed() {
        let frames = mix(20_000, &mut Random::seeded(7));
        let mean = frames.iter().map(Vec::len).sum::<usize>() / frames.len();
        assert!((600..700).contains(&mean), "{mean}");
        assert_eq!(frames[..100], mix(100, &mut Random::seeded(7)));
    }

    #[test]
    fn time_is_accounted() {
        assert!(own_thread() > Duration::ZERO);
        assert!(first_thread_of(std::process::id()).is_ok());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
