//! `varde-agent run`: sources → sensor → spool → collector, until the sources end or somebody says stop.
//!
//! The sensor has a thread of its own and never waits for the network; the spool has one and is the only thing that
//! touches its files; the rest is a small asynchronous runtime around the connection. Between them are bounded queues.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use varde_common::id::{Revision, Seq};
use varde_common::message::PROTOCOLS;

use super::reload::{Reloading, hangups};
pub use super::run_args::{RunArgs, Speed};
use super::run_sockets::Sockets;
use super::sources::{interface_gone, open_interfaces, open_sources, packet_sockets};
use super::status::{CertificateReport, Confinement, Report, SetAsideReport, TrustReport};
use super::status_brake::BrakeReport;
use super::trusted::{Proof, Trusted, first_events, known_time};
use super::{EXIT_START_AGAIN, Failure, detour, outlive, settings};
use crate::health::Health;
use crate::io::control::Question;
use crate::io::disk::adopt::adopt;
use crate::io::disk::adopt::again::has_room_by_now;
use crate::io::disk::hosts::Hosts;
use crate::io::disk::identity::{Identity, site_key};
use crate::io::disk::keeper::{Keeper, KeeperEnded, Order};
use crate::io::disk::owner::{Owner, set_aside};
use crate::io::disk::spool::{Caps, Figures, Spool};
use crate::io::disk::volume::RealVolume;
use crate::io::disk::{DiskError, create_directory, hold, outlived};
use crate::io::link::carried::Counter;
use crate::io::link::renewing::Renewing;
use crate::io::link::session::{Desk, InForce, Uplink, keep_connected};
use crate::io::link::ways::Ways;
use crate::io::privilege::{Confined, NotConfined, Reach, confine, probe};
use crate::io::self_test::{Around, SelfTests};
use crate::io::watch::{Ended, SourceReport, Watch};
use crate::io::{clock, control, host, metrics};
use crate::limits::{SET_ASIDE_LOOK_EVERY_S, SPOOL_ORDERS_MAX, SPOOL_TRY_AGAIN_S};
use crate::recent::Recent;
use crate::sensor::{Sensor, SensorSettings};
use crate::subscription::Subscription;
use crate::timeline::Timekeeper;

/// How often a person is told what is still being waited for.
const PATIENCE: Duration = Duration::from_secs(10);

fn disk_failure(error: DiskError) -> Failure {
    Failure::new(&error, error.remedy())
}

/// Runs the agent.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, args: &RunArgs) -> Result<(), Failure> {
    run_confined_by(confine, data, args)
}

/// The same, with rights given up as `confine` does it: tests share their process with others.
pub(crate) fn run_confined_by(
    confine: impl FnOnce(&Reach) -> Result<Confined, NotConfined>,
    data: &Path,
    args: &RunArgs,
) -> Result<(), Failure> {
    let hangups = hangups().map_err(|error| Failure::new(error, "look at the system's limits"))?;
    let settings = settings(data)?;
    let (interfaces, captures) = args.sources(&settings);
    if interfaces.is_empty() && captures.is_empty() {
        let remedy =
            "name an interface with --interface NAME or a file with --capture FILE, or set interfaces in agent.toml";
        return Err(Failure::usage("there is nothing to watch", remedy));
    }
    let live = !interfaces.is_empty();
    let packet_sockets = packet_sockets(interfaces.len())?;
    let identity = Identity::read(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let root = identity.root().map_err(|error| Failure::new(error, "restore the directory `identity` from a copy"))?;
    create_directory(data).map_err(disk_failure)?;
    let _held = hold(data).map_err(|error| Failure::new(&error, error.remedy()))?;

    let address = settings.collector.clone().unwrap_or_else(|| identity.card.collector.clone());
    let detour = detour(data, &settings, identity.card.fallback.as_deref(), &address)?;
    let is_name = |address: &str| address.parse::<SocketAddr>().is_err();
    // Interfaces and the control socket are opened while that may be done; files and packets are read once it may not.
    let (live_sources, mut unopened) = open_interfaces(&interfaces, &args.live(&settings), packet_sockets);
    let sockets = Sockets::open(data, &settings)?;
    let confined = confine(&Reach {
        data: data.to_owned(),
        settings: crate::io::settings::place(data),
        captures: captures.iter().map(|(_, path)| path.clone()).collect(),
        resolves_names: is_name(&address) || detour.dialled().is_some_and(is_name),
    });
    let confined = confined.map_err(|error| Failure::new(error, "report this to the makers of Varde"))?;
    let (source, names) = open_sources(live_sources, &captures, &mut unopened)?;

    let hosts = Hosts::open(data).map_err(disk_failure)?;
    let key = site_key(data).map_err(disk_failure)?;
    let trusted = Trusted::read(data, &identity, &root).map_err(disk_failure)?;
    let time = known_time(&identity, data, trusted.anchor.root());
    let Proof { trust, tls, mut renewing } = Proof::open(data, &trusted.anchor, &time)?;
    let caps = Caps {
        octets: settings.spool_max_octets(),
        unacknowledged_s: settings.spool_unacknowledged_s(),
        ..Caps::default()
    };
    let owner = Owner::of(&identity);
    if let Some(before) = set_aside(data, &owner).map_err(disk_failure)? {
        tracing::warn!("{before}");
    }
    let opened = Spool::open(Arc::new(RealVolume), &data.join("spool"), caps, clock::now());
    let (mut spool, recovered) = opened.map_err(disk_failure)?;
    owner.claim(data).map_err(disk_failure)?;
    adopt(data, &owner, &mut spool, caps, clock::now()).map_err(disk_failure)?;
    let unsent = spool.unsent();
    let excluded = args.exclusions(&settings, &key);
    let (mut keeper, figures) = Keeper::new(spool, hosts, key);
    outlive::at_start(data, &owner, &mut keeper).map_err(|error| Failure::new(&error, error.remedy()))?;
    outlived::tell_undelivered(data);
    let (orders, orders_taken) = mpsc::channel(SPOOL_ORDERS_MAX);
    let keeper = spawn("spool", move || {
        if let Err(ended) = keeper.run(orders_taken) {
            // Nothing may be taken any more, by anybody: end at once, and read the disk anew on the next start.
            tracing::error!("{ended}; {}", ended.remedy());
            std::process::exit(i32::from(match ended {
                KeeperEnded::Disk(_) => 1,
                KeeperEnded::SetAside(_) => EXIT_START_AGAIN,
            }));
        }
    })?;

    let events = first_events(recovered.damaged_octets, &trusted.stored);
    let in_force = trusted
        .stored
        .list
        .as_ref()
        .map_or_else(InForce::default, |(manifest, set)| InForce { set: Arc::clone(set), revision: manifest.revision });
    for event in events {
        let _ = orders.blocking_send(Order::Event(event));
    }
    let subscription = trusted.subscription(in_force.revision);
    let (list, list_seen) = watch::channel(in_force);
    let health = Arc::new(Mutex::new(Health::default()));
    let (tell_matching, matching) = watch::channel(None);
    let (braking, braking_seen) = watch::channel(Arc::default());
    let (tell_counting, counting) = watch::channel(None);
    let (tests, trials) = SelfTests::new(data);
    let desk = Desk {
        data: data.to_owned(),
        orders: orders.clone(),
        figures,
        health: Arc::clone(&health),
        list,
        matching,
        uplink: watch::Sender::new(Uplink::default()),
        sites: settings.site_ids(),
        sources: u16::try_from(names.len()).unwrap_or(u16::MAX),
        exclusions: watch::Sender::new(excluded),
        list_refused: watch::Sender::new(None),
        clock_ahead_ms: watch::Sender::new(None),
        channel: watch::Sender::new(trusted.stored.placed.channel().clone()),
        anchor: watch::Sender::new(trusted.anchor),
        brakes: watch::Sender::new(trusted.brakes),
        braking,
        counting,
        newness: watch::Sender::new(trusted.newness),
        trust,
        started: clock::monotonic(),
        time,
        unsent,
        protocols: PROTOCOLS,
        resent: AtomicU64::new(0),
        refusals: Mutex::default(),
        certified: watch::Sender::new(None),
        counter: Counter::default(),
        tests,
        ca: identity.ca_der.clone().into(),
    };
    // What was braked before holds on, before the first packet is read.
    desk.look_at_brakes();
    let stop = Arc::new(AtomicBool::new(false));
    let sources = Arc::new(Mutex::new(names));
    let timekeeper = if live { Timekeeper::Caller } else { Timekeeper::Packets };
    let (reloading, settings_seen) = Reloading::new(hangups, settings.clone(), timekeeper, args.clone());
    let watching = Watch {
        source,
        live,
        paced: args.speed == Speed::Real,
        orders,
        list: list_seen,
        braking: braking_seen,
        settings: settings_seen,
        counting: tell_counting,
        matching: tell_matching,
        health,
        sources: Arc::clone(&sources),
        trials,
        stop: Arc::clone(&stop),
    };
    let told = unopened.iter().map(|failure| format!("{}. {}.", failure.cause, failure.remedy)).collect();
    let ways = Ways::new(address.clone(), tls, detour).enrolled_at(identity.enrolled_at.as_deref());
    let again = Notify::new();
    let process = Process {
        desk,
        identity,
        address,
        live,
        stop,
        again,
        sources,
        confined,
        reloading,
        recent: Mutex::default(),
        unopened: told,
    };

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(error, "look at the system's limits"))?;
    let sensor = SensorSettings { timekeeper, ..settings.sensor() };
    let outcome = runtime.block_on(process.run(sockets, ways, subscription, &mut renewing, watching, sensor));
    // Dropping the desk closed the last way to give orders: the spool writes what it has and ends.
    drop(runtime);
    keeper.join().map_err(|_| Failure::new("the spool's thread broke", "report this to the makers of Varde"))?;
    outcome?;
    match unopened.pop() {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<thread::JoinHandle<T>, Failure> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| Failure::new(error, "look at the system's limits"))
}

/// The process while it runs.
struct Process {
    desk: Desk,
    identity: Identity,
    address: String,
    live: bool,
    stop: Arc<AtomicBool>,
    /// It is to end, and to be started anew.
    again: Notify,
    sources: Arc<Mutex<Vec<SourceReport>>>,
    confined: Confined,
    reloading: Reloading,
    recent: Mutex<Recent>,
    /// Why sources could not be opened.
    unopened: Vec<String>,
}

impl Process {
    async fn run(
        self,
        sockets: Sockets,
        mut ways: Ways,
        mut subscription: Subscription,
        renewing: &mut Renewing,
        watching: Watch,
        sensor: SensorSettings,
    ) -> Result<(), Failure> {
        let (leave, leaving) = watch::channel(false);
        let around = Around::of(&self.desk);
        let uplink = keep_connected(&self.desk, &mut ways, &mut subscription, renewing, leaving);
        let work = async {
            let result = self.work(watching, sensor).await;
            leave.send_replace(true);
            result
        };
        let told =
            control::answer(sockets.control, |question| self.report(question), &self.desk.counter, &self.desk.tests);
        tokio::select! {
            // The uplink ends only when told to leave; the work is over by then.
            (result, ()) = async { tokio::join!(work, uplink) } => {
                let _ = std::fs::remove_file(control::socket_path(&self.desk.data));
                result
            }
            error = told => Err(Failure::new(format!("the control socket fails: {error}"), "look at the system's limits")),
            error = metrics::serve(sockets.metrics, || self.desk.numbers()) => {
                Err(Failure::new(format!("the socket for metrics fails: {error}"), "look at the system's limits"))
            }
            () = self.tick() => Ok(()),
            () = self.look() => Ok(()),
            error = self.reloading.when_told(&self.desk) => Err(Failure::new(error, "look at the system's limits")),
            () = self.desk.let_brakes_run_out() => Ok(()),
            () = self.desk.tests.serve(&around) => Ok(()),
            () = self.desk.tell_of_refusals() => Ok(()),
        }
    }

    /// Lets the spool try again what it could not do, also while nothing is found and nobody is connected.
    async fn tick(&self) {
        let mut looked = clock::monotonic();
        loop {
            tokio::time::sleep(Duration::from_secs(SPOOL_TRY_AGAIN_S)).await;
            if looked.elapsed() >= Duration::from_secs(SET_ASIDE_LOOK_EVERY_S) {
                looked = clock::monotonic();
                outlive::hourly(self.desk.data.clone(), Owner::of(&self.identity), &self.desk.orders).await;
                self.start_again_for_room().await;
            }
            if self.desk.orders.send(Order::Tick).await.is_err() {
                // The spool is gone: the process is ending, and says why elsewhere.
                return std::future::pending().await;
            }
        }
    }

    /// Notes how the sensor sees, for whoever asks what has been lately.
    async fn look(&self) {
        loop {
            let health = self.desk.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
            {
                let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                recent.handle_health(&health, clock::now(), clock::since_boot());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// What waits of a spool that was set aside is taken over at a start, and nobody starts a sensor because there is room. At most
    /// once for each look; captures are read to their end first.
    async fn start_again_for_room(&self) {
        let (data, owner) = (self.desk.data.clone(), Owner::of(&self.identity));
        let asked = tokio::task::spawn_blocking(move || {
            has_room_by_now(&RealVolume, &data, &owner, host::figures(&data).disk_free_octets)
        });
        if self.live && asked.await.unwrap_or(false) {
            tracing::warn!(
                "there is room by now for what waits of a spool that was set aside: starting again to take it over"
            );
            self.again.notify_one();
        }
    }

    /// From the first list to the last acknowledgement.
    async fn work(&self, watching: Watch, settings: SensorSettings) -> Result<(), Failure> {
        let no_signals = |error| Failure::new(error, "look at the system's limits");
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
        let is_again = AtomicBool::new(false);
        let mut stopped = std::pin::pin!(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = self.again.notified() => is_again.store(true, Ordering::Relaxed),
            }
            self.stop.store(true, Ordering::Relaxed);
        });
        tokio::select! {
            () = self.wait_for_list() => {}
            () = &mut stopped => return Err(interrupted("before the first list came; nothing has been read")),
        }
        let mut list = self.desk.list.subscribe();
        let first = list.borrow_and_update().clone();
        tracing::info!(revision = %first.revision, indicators = first.set.len(), "watching");
        let (done, ended) = oneshot::channel();
        let thread = spawn("sensor", move || {
            let sensor = Sensor::new(settings, first.set, first.revision);
            let _ = done.send(watching.run(sensor));
        })?;
        let mut ended = std::pin::pin!(ended);
        // Once it has been told, `stopped` must not be asked again.
        let mut told_to_stop = false;
        let result = tokio::select! {
            result = &mut ended => result,
            () = &mut stopped => {
                tracing::info!("stopping");
                told_to_stop = true;
                ended.await
            }
        };
        let _ = thread.join();
        let result =
            result.map_err(|_| Failure::new("the sensor's thread broke", "report this to the makers of Varde"))?;
        let figures = self.flush().await?;
        match result {
            Ended::Sources | Ended::Stopped if is_again.load(Ordering::Relaxed) => Err(room_by_now()),
            // The sources may have ended in the moment the word to stop came.
            Ended::Sources | Ended::Stopped if told_to_stop && self.live => Ok(()),
            Ended::Sources if told_to_stop => Err(self.interrupted_waiting()),
            Ended::Sources if self.live => Err(Failure::new(
                "the last source ended, although it was live",
                "check the interface, then start again",
            )),
            Ended::Sources => tokio::select! {
                () = self.wait_for_acknowledgement(Seq(figures.next.0.saturating_sub(1))) => Ok(()),
                () = &mut stopped => Err(self.interrupted_waiting()),
            },
            Ended::Stopped if self.live => Ok(()),
            Ended::Stopped => Err(interrupted("before the captures were read to their end")),
            Ended::InterfaceGone(why) => Err(interface_gone(&why)),
            Ended::Failed(why) => Err(Failure::new(
                format!("a source failed: {}", why.trim_end_matches('.')),
                "check the interface or file, then start again; what was seen before is kept",
            )),
        }
    }

    fn interrupted_waiting(&self) -> Failure {
        let waiting = self.desk.figures.borrow().waiting();
        interrupted(&format!("with {waiting} records not yet with the collector; they are kept"))
    }

    /// Files read without a list would match nothing, and then they are over.
    async fn wait_for_list(&self) {
        let mut list = self.desk.list.subscribe();
        if self.live || list.borrow_and_update().revision > Revision(0) {
            return;
        }
        tracing::info!("waiting for the first list before the captures are read");
        loop {
            tokio::select! {
                _ = list.wait_for(|list| list.revision > Revision(0)) => return,
                () = tokio::time::sleep(PATIENCE) => self.tell_waiting("the first list"),
            }
        }
    }

    async fn flush(&self) -> Result<Figures, Failure> {
        let (reply, answer) = oneshot::channel();
        let closed = || Failure::new("the spool is closed", "look at the lines above");
        self.desk.orders.send(Order::Flush(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())
    }

    async fn wait_for_acknowledgement(&self, last: Seq) {
        let mut figures = self.desk.figures.clone();
        loop {
            tokio::select! {
                _ = figures.wait_for(|figures| figures.acknowledged >= last) => return,
                () = tokio::time::sleep(PATIENCE) => self.tell_waiting("the collector's acknowledgement"),
            }
        }
    }

    fn tell_waiting(&self, what: &str) {
        let uplink = self.desk.uplink.borrow().clone();
        let state = if uplink.connected { "connected" } else { "not connected yet" };
        let why = uplink.last_error.unwrap_or_else(|| state.to_owned());
        tracing::warn!(collector = %self.address, "still waiting for {what}: {why}; everything is kept, stop with Ctrl-C");
    }

    fn report(&self, question: Question) -> String {
        let health = self.desk.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (revision, indicators) = {
            let list = self.desk.list.borrow();
            (list.revision, list.set.len() as u64)
        };
        let mut report = Report::new(Some(&self.identity.card), &self.address, &self.desk.figures.borrow());
        report.revision = revision;
        report.indicators = indicators;
        report.channel = self.desk.channel.borrow().to_string();
        let standing = self.desk.standing();
        let trust = TrustReport::of(&self.desk.anchor.borrow(), &self.desk.newness.borrow(), &standing);
        report.trust = Some(trust);
        report.brake = Some(BrakeReport::running(&self.desk, &health.braked, &health.demoted));
        report.running(&self.desk.uplink.borrow(), &health, sources, clock::now());
        report.set_aside = outlived::known(&self.desk.data).iter().map(SetAsideReport::of).collect();
        report.certificate = self.desk.certified.borrow().clone().map(CertificateReport::from);
        report.recent = Some(self.recent.lock().unwrap_or_else(PoisonError::into_inner).report());
        report.settings = Some(self.reloading.report());
        // One that is older than what is in force is no news.
        let refused = self.desk.list_refused.borrow().clone();
        let refused = refused.filter(|(claimed, _)| *claimed == Revision(0) || *claimed > revision);
        report.list_refused = refused.map(|(_, why)| why);
        report.unopened.clone_from(&self.unopened);
        report.self_test = Some(self.desk.tests.known());
        report.clock_ahead_ms = *self.desk.clock_ahead_ms.borrow();
        report.confinement = Some(Confinement::of(&self.confined));
        if question == Question::Probe {
            report.probes = Some(probe::all());
        }
        report.to_json()
    }
}

fn room_by_now() -> Failure {
    let cause = "there is room by now for what waits of a spool that was set aside";
    Failure { code: EXIT_START_AGAIN, ..Failure::new(cause, "start it again") }
}

fn interrupted(when: &str) -> Failure {
    Failure { code: 130, ..Failure::new(format!("stopped {when}"), "start it again to go on") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::run_args::tests::parse;
    use crate::io::capture::CaptureError;

    #[test]
    fn an_interface_that_went_ends_with_a_code_of_its_own() {
        assert_eq!(room_by_now().code, 75, "what waits for room: whoever started it starts it again");
        let gone = interface_gone(&CaptureError::InterfaceGone { interface: "ens19".into() }.to_string());
        assert_eq!(gone.code, 75);
        assert!(gone.to_string().contains("made anew.\nStart the agent again"), "{gone}");
    }

    #[test]
    fn what_cannot_be_run_is_told_in_two_sentences() {
        let directory = tempfile::tempdir().unwrap();
        let nothing = run(directory.path(), &parse(&["x"])).unwrap_err();
        assert_eq!(nothing.code, 2);
        let not_enrolled = run(directory.path(), &parse(&["x", "--capture", "a"])).unwrap_err();
        assert_eq!(not_enrolled.code, 1);
        assert!(not_enrolled.to_string().contains("not enrolled.\nAsk the CSIRT for a token"), "{not_enrolled}");
        std::fs::write(directory.path().join("agent.toml"), "insde = []").unwrap();
        let bad = run(directory.path(), &parse(&["x"])).unwrap_err();
        assert!(bad.cause.contains("line 1") && bad.cause.contains("inside"), "{bad}");
    }
}
