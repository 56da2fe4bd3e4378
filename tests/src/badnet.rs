//! A bad network on loopback: a UDP relay that loses, delays, reorders, doubles and slows what passes, forgets whose port is
//! whose, and swallows what is too large, as the weather says; what it draws comes from a seed.
//!
//! The kernel of a test machine may have no `netem`; this stands in its place, and needs no rights. It knows nothing of QUIC.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use varde_agent::io::clock::monotonic;

use crate::random::Random;

/// Datagrams on their way at once; more are lost, as in a router.
const QUEUE_MAX: usize = 4_096;
/// Whoever sends, by port; more are not heard.
const CLIENTS_MAX: usize = 64;
/// The largest datagram.
const DATAGRAM_MAX_OCTETS: usize = 65_535;
/// What IPv4 and UDP add to a datagram in a packet.
const HEADERS_OCTETS: usize = 28;

/// How the network is. Chances are in a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    /// Each way.
    pub delay: Duration,
    /// As much again at most, drawn for each datagram; what is sent later may so arrive earlier.
    pub jitter: Duration,
    /// Lost.
    pub loss: u64,
    /// Arrives twice.
    pub duplicate: u64,
    /// Held back so that others overtake it, by a tenth of a second.
    pub reorder: u64,
    /// Octets a second, each way; none = as many as come.
    pub rate: Option<u64>,
    /// A larger IP packet is swallowed, and nobody is told.
    pub mtu: Option<usize>,
    /// Every so often all that come from inside get another port.
    pub rebind_every: Option<Duration>,
    /// Nothing arrives at the collector.
    pub deaf_upwards: bool,
    /// Nothing arrives at the sensors.
    pub deaf_downwards: bool,
}

impl Weather {
    /// A local network: 1 ms.
    pub fn lan() -> Weather {
        Weather { delay: Duration::from_millis(1), ..Weather::default() }
    }

    /// A bad mobile network: 60 ± 30 ms, 3 %.
    pub fn bad_4g() -> Weather {
        let (delay, jitter) = (Duration::from_millis(30), Duration::from_millis(60));
        Weather { delay, jitter, loss: 30, ..Weather::default() }
    }

    /// A satellite: 600 ms, 1 %, 1 Mbit/s.
    pub fn satellite() -> Weather {
        Weather { delay: Duration::from_millis(600), loss: 10, rate: Some(125_000), ..Weather::default() }
    }

    /// 100 ms and 20 %.
    pub fn lossy() -> Weather {
        Weather { delay: Duration::from_millis(100), loss: 200, ..Weather::default() }
    }

    /// 100 ms and 5 %: D10's.
    pub fn far() -> Weather {
        Weather { delay: Duration::from_millis(100), loss: 50, ..Weather::default() }
    }

    /// Nothing passes.
    pub fn black_hole() -> Weather {
        Weather { deaf_upwards: true, deaf_downwards: true, ..Weather::default() }
    }

    /// Packets over 1,280 octets are swallowed.
    pub fn narrow() -> Weather {
        Weather { mtu: Some(1_280), ..Weather::lan() }
    }

    /// Ports change every so often.
    pub fn rebinding(every: Duration) -> Weather {
        Weather { rebind_every: Some(every), ..Weather::lan() }
    }

    /// What the sensors say arrives; they hear nothing.
    pub fn one_way() -> Weather {
        Weather { deaf_downwards: true, ..Weather::lan() }
    }

    /// 10 % come twice, 25 % are overtaken.
    pub fn shuffled() -> Weather {
        Weather { duplicate: 100, reorder: 250, ..Weather::lan() }
    }
}

/// What has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Datagrams and octets that arrived at the collector.
    pub up: (u64, u64),
    /// The same at the sensors.
    pub down: (u64, u64),
    /// Datagrams lost, of whatever cause.
    pub lost: u64,
    /// Datagrams doubled.
    pub doubled: u64,
    /// Times that ports were changed.
    pub rebound: u64,
}

#[derive(Debug)]
struct Shared {
    weather: Weather,
    passed: Passed,
    /// Datagrams that went up, for whoever wants to say them again.
    kept: Vec<Vec<u8>>,
    keep_max: usize,
    replay: bool,
}

/// The network, while it stands; dropping it ends it.
#[derive(Debug)]
pub struct Badnet {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    rebind: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Badnet {
    /// In front of a collector: what is sent to [`Badnet::address`] arrives there, and the answers come back.
    ///
    /// # Errors
    /// When there is no socket or thread to be had.
    pub fn start(collector: SocketAddr, weather: Weather, seed: u64) -> Result<Badnet> {
        let front = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        front.set_nonblocking(true)?;
        let address = front.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared {
            weather,
            passed: Passed::default(),
            kept: Vec::new(),
            keep_max: 0,
            replay: false,
        }));
        let (rebind, rebinds) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seen = shared.clone();
        let relay = move || {
            runtime.block_on(async {
                let Ok(front) = UdpSocket::from_std(front) else { return };
                Relay::new(front, collector, seen, seed).run(rebinds, stopped).await;
            });
        };
        let thread = std::thread::Builder::new().name("badnet".to_owned()).spawn(relay)?;
        Ok(Badnet { address, shared, rebind, stop, thread: Some(thread) })
    }

    /// Where sensors dial.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The weather changes.
    pub fn set(&self, weather: Weather) {
        locked(&self.shared).weather = weather;
        self.rebind.send_modify(|_| ());
    }

    /// All that come from inside get another port, now.
    pub fn rebind(&self) {
        self.rebind.send_modify(|times| *times += 1);
    }

    /// Keeps what goes up from now on, so many datagrams.
    pub fn keep(&self, datagrams: usize) {
        locked(&self.shared).keep_max = datagrams;
    }

    /// What was kept.
    pub fn kept(&self) -> Vec<Vec<u8>> {
        locked(&self.shared).kept.clone()
    }

    /// Says all of it again, from the ports it came from last.
    pub fn replay(&self) {
        locked(&self.shared).replay = true;
        self.rebind.send_modify(|_| ());
    }

    /// What has passed so far.
    pub fn passed(&self) -> Passed {
        locked(&self.shared).passed
    }
}

impl Drop for Badnet {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// On its way, in the order of its arrival.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flying {
    due: Instant,
    number: u64,
    client: SocketAddr,
    up: bool,
    octets: Vec<u8>,
}

/// One who sends, and the socket that the collector sees of it.
struct Client {
    back: Arc<UdpSocket>,
    reader: AbortHandle,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

struct Relay {
    front: UdpSocket,
    collector: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    random: Random,
    clients: BTreeMap<SocketAddr, Client>,
    flying: BinaryHeap<Reverse<Flying>>,
    number: u64,
    /// When the line is free again, upwards and downwards.
    free_at: [Instant; 2],
    heard: mpsc::Sender<(SocketAddr, Vec<u8>)>,
    hearing: Option<mpsc::Receiver<(SocketAddr, Vec<u8>)>>,
}

impl Relay {
    fn new(front: UdpSocket, collector: SocketAddr, shared: Arc<Mutex<Shared>>, seed: u64) -> Relay {
        let (heard, hearing) = mpsc::channel(QUEUE_MAX);
        let now = monotonic();
        Relay {
            front,
            collector,
            shared,
            random: Random::seeded(seed),
            clients: BTreeMap::new(),
            flying: BinaryHeap::new(),
            number: 0,
            free_at: [now; 2],
            heard,
            hearing: Some(hearing),
        }
    }

    async fn run(mut self, mut rebinds: watch::Receiver<u64>, mut stopped: watch::Receiver<bool>) {
        let Some(mut hearing) = self.hearing.take() else { return };
        let mut buffer = vec![0; DATAGRAM_MAX_OCTETS];
        let (mut rebound_at, mut times) = (monotonic(), *rebinds.borrow());
        loop {
            let every = locked(&self.shared).weather.rebind_every;
            let rebind_at = every.map(|every| rebound_at + every);
            let due = self.flying.peek().map(|Reverse(flying)| flying.due);
            let until = |moment: Option<Instant>| async move {
                match moment {
                    Some(moment) => tokio::time::sleep_until(moment.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                received = self.front.recv_from(&mut buffer) => if let Ok((length, client)) = received {
                    let octets = buffer.get(..length).unwrap_or_default().to_vec();
                    if self.meet(client).await.is_ok() {
                        self.take(client, true, octets);
                    }
                },
                Some((client, octets)) = hearing.recv() => self.take(client, false, octets),
                () = until(due) => self.deliver().await,
                () = until(rebind_at) => {
                    rebound_at = monotonic();
                    self.rebind().await;
                }
                changed = rebinds.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.replay();
                    let asked = *rebinds.borrow_and_update();
                    if asked != times {
                        times = asked;
                        self.rebind().await;
                    }
                }
            }
        }
    }

    /// A socket for whoever is new.
    async fn meet(&mut self, client: SocketAddr) -> Result<()> {
        if self.clients.contains_key(&client) {
            return Ok(());
        }
        anyhow::ensure!(self.clients.len() < CLIENTS_MAX, "too many to relay for");
        let back = self.back(client).await?;
        self.clients.insert(client, back);
        Ok(())
    }

    async fn back(&self, client: SocketAddr) -> Result<Client> {
        let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        back.connect(self.collector).await.context("no way to the collector")?;
        let (heard, reading) = (self.heard.clone(), back.clone());
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; DATAGRAM_MAX_OCTETS];
            loop {
                // A collector that is away is told by an error; it may come back.
                match reading.recv(&mut buffer).await {
                    Ok(length) => {
                        let octets = buffer.get(..length).unwrap_or_default().to_vec();
                        if heard.send((client, octets)).await.is_err() {
                            return;
                        }
                    }
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        });
        Ok(Client { back, reader: reader.abort_handle() })
    }

    async fn rebind(&mut self) {
        locked(&self.shared).passed.rebound += 1;
        for client in self.clients.keys().copied().collect::<Vec<_>>() {
            if let Ok(back) = self.back(client).await {
                self.clients.insert(client, back);
            }
        }
    }

    fn replay(&mut self) {
        let kept = {
            let mut shared = locked(&self.shared);
            if !std::mem::take(&mut shared.replay) {
                return;
            }
            shared.kept.clone()
        };
        for client in self.clients.keys().copied().collect::<Vec<_>>() {
            for octets in &kept {
                self.take(client, true, octets.clone());
            }
        }
    }

    /// A datagram enters the network.
    fn take(&mut self, client: SocketAddr, up: bool, octets: Vec<u8>) {
        let weather = locked(&self.shared).weather;
        let deaf = if up { weather.deaf_upwards } else { weather.deaf_downwards };
        let too_large = weather.mtu.is_some_and(|mtu| octets.len() + HEADERS_OCTETS > mtu);
        if deaf || too_large || self.flying.len() >= QUEUE_MAX || self.random.below(1_000) < weather.loss {
            locked(&self.shared).passed.lost += 1;
            return;
        }
        let twice = self.random.below(1_000) < weather.duplicate;
        if twice {
            locked(&self.shared).passed.doubled += 1;
            self.fly(&weather, client, up, octets.clone());
        }
        self.fly(&weather, client, up, octets);
    }

    fn fly(&mut self, weather: &Weather, client: SocketAddr, up: bool, octets: Vec<u8>) {
        let now = monotonic();
        let mut due = now + weather.delay;
        if let Some(rate) = weather.rate {
            let [upwards, downwards] = &mut self.free_at;
            let free = if up { upwards } else { downwards };
            let takes = Duration::from_secs_f64(octets.len() as f64 / rate.max(1) as f64);
            *free = (*free).max(now) + takes;
            due = *free + weather.delay;
        }
        due += Duration::from_micros(self.random.below(weather.jitter.as_micros() as u64 + 1));
        if self.random.below(1_000) < weather.reorder {
            due += Duration::from_millis(self.random.within(5, 100));
        }
        self.number += 1;
        self.flying.push(Reverse(Flying { due, number: self.number, client, up, octets }));
    }

    /// What is due arrives.
    async fn deliver(&mut self) {
        let now = monotonic();
        while self.flying.peek().is_some_and(|Reverse(flying)| flying.due <= now) {
            let Some(Reverse(Flying { client, up, octets, .. })) = self.flying.pop() else { return };
            let size = octets.len() as u64;
            let sent = match (up, self.clients.get(&client)) {
                (true, Some(known)) => known.back.send(&octets).await,
                (true, None) => continue,
                (false, _) => self.front.send_to(&octets, client).await,
            };
            let mut shared = locked(&self.shared);
            if up && shared.kept.len() < shared.keep_max {
                shared.kept.push(octets);
            }
            let passed = &mut shared.passed;
            match (sent, up) {
                (Err(_), _) => passed.lost += 1,
                (Ok(_), true) => passed.up = (passed.up.0 + 1, passed.up.1 + size),
                (Ok(_), false) => passed.down = (passed.down.0 + 1, passed.down.1 + size),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who answers every datagram with itself.
    fn echo() -> (SocketAddr, JoinHandle<()>) {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let echo = move || {
            let mut buffer = [0; 2_000];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if length == 0 {
                    return;
                }
                socket.send_to(&buffer[..length], from).unwrap();
            }
        };
        (address, std::thread::spawn(echo))
    }

    #[test]
    fn what_passes_comes_back_and_the_weather_does_what_it_says() {
        let (address, echo) = echo();
        let net = Badnet::start(address, Weather::lan(), 7).unwrap();
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(net.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut buffer = [0; 2_000];
        let ask = |octets: &[u8]| client.send(octets).unwrap();
        ask(b"a");
        assert_eq!(client.recv(&mut buffer).unwrap(), 1);
        net.set(Weather { mtu: Some(1_280), duplicate: 1_000, ..Weather::lan() });
        ask(&[7; 1_253]);
        ask(&[8; 1_252]);
        // Doubled on the way there, and each again on the way back.
        for _ in 0..4 {
            assert_eq!(client.recv(&mut buffer).unwrap(), 1_252);
        }
        net.set(Weather::lan());
        net.rebind();
        while net.passed().rebound == 0 {
            std::thread::yield_now();
        }
        ask(b"bb");
        assert_eq!(client.recv(&mut buffer).unwrap(), 2);
        // What was sent on is counted a moment after it is heard.
        while net.passed().down.0 < 6 {
            std::thread::yield_now();
        }
        let passed = net.passed();
        assert_eq!((passed.up.0, passed.down.0, passed.lost, passed.doubled), (4, 6, 1, 3));
        net.set(Weather { loss: 1_000, ..Weather::lan() });
        ask(b"ccc");
        drop(net);
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"", address).unwrap();
        echo.join().unwrap();
    }
}
