//! The sensor's thread: turns the crank of the sensor with what the sources bring, and passes on what it states.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use varde_common::id::Revision;
use varde_common::time::Timestamp;

use crate::health::{Health, SourceHealth};
use crate::io::capture::{Capture, CaptureCounts, CaptureError, CaptureRefusal, Step};
use crate::io::clock;
use crate::io::disk::keeper::Order;
use crate::io::gather::{Dropped, Gathered};
use crate::io::link::session::InForce;
use crate::io::self_test::Trial;
use crate::limits::CLOCK_AHEAD_MAX_S;
use crate::packet::Frame;
use crate::raise::braked::Braking;
use crate::selftest;
use crate::sensor::{Sensor, SensorSettings};

/// How often the counters are told to the others.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// A pipe whose latest frame is no further than this from the clock brings what happens now.
const PRESENT: Duration = Duration::from_secs(60);
/// A paced frame further away than this is not waited for: a gap between captures, or a wrong time.
const PACE_GAP_MAX: Duration = Duration::from_secs(CLOCK_AHEAD_MAX_S as u64);
/// While waiting for a paced frame the sensor is told the time this often.
const PACE_SLICE: Duration = Duration::from_millis(50);

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Its number.
    pub source: u16,
    /// Interface or file.
    pub name: String,
    /// Frames lost before they were read; none = it cannot tell.
    pub dropped: Option<u64>,
    /// Packets read.
    pub packets: u64,
    /// Octets of its frames, as captured.
    pub octets: u64,
    /// Frames that hold no IP.
    pub not_ip: u64,
    /// Frames refused.
    pub refused: u64,
    /// Frames of bulk that were joined by the network card or the kernel (GRO) and read in part.
    pub joined_cut: u64,
    /// Seconds since its last packet was read; none = none yet.
    #[serde(default)]
    pub silent_s: Option<u64>,
    /// When its packets were last more than before.
    #[serde(skip)]
    pub(crate) moved: Option<Instant>,
}

impl SourceReport {
    /// A source that has brought nothing yet.
    pub fn new(source: u16, name: impl Into<String>) -> SourceReport {
        let (packets, octets, not_ip, refused, joined_cut) = (0, 0, 0, 0, 0);
        SourceReport {
            source,
            name: name.into(),
            dropped: Some(0),
            packets,
            octets,
            not_ip,
            refused,
            joined_cut,
            silent_s: None,
            moved: None,
        }
    }
}

/// One source read directly, or several gathered.
pub enum Source {
    /// Its blocks go to the sensor without a copy.
    One(Box<dyn Capture>),
    /// Each on a thread of its own.
    Many(Gathered),
}

impl Source {
    /// Of the opened ones, each with whether it is live. `may_hang`: one of them can wait for somebody else for as long
    /// as it likes, and must not have the sensor wait with it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn of(mut opened: Vec<(Box<dyn Capture>, bool)>, may_hang: bool) -> std::io::Result<Source> {
        match (opened.len(), opened.pop()) {
            (1, Some((only, _))) if !may_hang => Ok(Source::One(only)),
            (_, last) => {
                opened.extend(last);
                Gathered::start(opened).map(Source::Many)
            }
        }
    }

    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        match self {
            Source::One(capture) => capture.next_block(each),
            Source::Many(gathered) => gathered.next_block(each),
        }
    }

    /// What is known to be lost before the sensor could read it, for each source opened (all files are one).
    fn dropped(&self, live: bool) -> Vec<Dropped> {
        match self {
            // A file loses nothing; an interface does, whether its capture can tell or not.
            Source::One(capture) => vec![Dropped::of(capture.counts().dropped, 0, live)],
            Source::Many(gathered) => gathered.dropped(),
        }
    }

    /// What each source counted before the sensor could read it.
    fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
        match self {
            Source::One(capture) => capture.counts_by_source(),
            Source::Many(gathered) => gathered.counts_by_source(),
        }
    }
}

/// How watching ended.
#[derive(Debug)]
pub enum Ended {
    /// The sources have no more.
    Sources,
    /// Somebody said stop.
    Stopped,
    /// A source failed.
    Failed(String),
    /// An interface disappeared, or was made anew under the same name.
    InterfaceGone(String),
}

/// What the thread works with.
pub struct Watch {
    /// Where frames come from.
    pub source: Source,
    /// Whether any of it is live: then the clock of the wall counts, else that of the captures.
    pub live: bool,
    /// Whether captures are read in the pace of their own clock.
    pub paced: bool,
    /// To the spool.
    pub orders: mpsc::Sender<Order>,
    /// The list in force.
    pub list: watch::Receiver<InForce>,
    /// What is counted only.
    pub braking: watch::Receiver<Arc<Braking>>,
    /// The settings in force, where they were read anew.
    pub settings: watch::Receiver<SensorSettings>,
    /// Where it is told that it does.
    pub counting: watch::Sender<Option<Arc<Braking>>>,
    /// Where it is told which list is matched against.
    pub matching: watch::Sender<Option<Revision>>,
    /// Where the counters are told.
    pub health: Arc<Mutex<Health>>,
    /// Where the sources' counters are told.
    pub sources: Arc<Mutex<Vec<SourceReport>>>,
    /// Tests of the sensor itself, as they are asked for.
    pub trials: mpsc::Receiver<Trial>,
    /// Set when it is time to stop.
    pub stop: Arc<AtomicBool>,
}

impl Watch {
    /// Watches until there is nothing left to watch; everything stated has then been handed to the spool.
    pub fn run(mut self, mut sensor: Sensor) -> Ended {
        let mut pace = Pace::default();
        let mut told = clock::monotonic();
        let mut failed: Option<String> = None;
        let mut latest = Timestamp::MIN;
        self.matching.send_replace(Some(Revision(0)));
        if self.live {
            sensor.handle_time(clock::now());
        }
        self.brake(&mut sensor);
        self.tell(&sensor);
        let ended = loop {
            if self.stop.load(Ordering::Relaxed) {
                break Ended::Stopped;
            }
            if self.list.has_changed().unwrap_or(false) {
                let new = self.list.borrow_and_update().clone();
                sensor.handle_set(new.set, new.revision);
                self.matching.send_replace(Some(new.revision));
            }
            if self.braking.has_changed().unwrap_or(false) {
                self.brake(&mut sensor);
            }
            if self.settings.has_changed().unwrap_or(false) {
                sensor.handle_settings(self.settings.borrow_and_update().clone());
            }
            if let Ok(trial) = self.trials.try_recv() {
                self.try_out(trial);
            }
            let (orders, stop, paced) = (&self.orders, &self.stop, self.paced && !self.live);
            let step = self.source.next_block(&mut |frame| {
                latest = frame.time;
                if paced {
                    pace.wait(frame.time, stop, |now| {
                        sensor.handle_time(now);
                        pass_on(&mut sensor, orders, stop);
                    });
                }
                if !stop.load(Ordering::Relaxed) {
                    sensor.handle_frame(&frame);
                    pass_on(&mut sensor, orders, stop);
                }
            });
            let now = clock::now();
            // A pipe that brings what happens now goes by the clock while it brings nothing; an old capture never does.
            let as_if_live =
                matches!(step, Ok(Step::Idle)) && now.since(latest) <= PRESENT && latest.since(now) <= PRESENT;
            if self.live || as_if_live {
                sensor.handle_time(now);
                latest = now;
            }
            pass_on(&mut sensor, &self.orders, &self.stop);
            if clock::monotonic().saturating_duration_since(told) >= TELL_EVERY {
                told = clock::monotonic();
                self.tell(&sensor);
            }
            match step {
                Ok(Step::Frames | Step::Idle) => {}
                Ok(Step::End) if self.stop.load(Ordering::Relaxed) => break Ended::Stopped,
                Ok(Step::End) => break failed.map_or(Ended::Sources, Ended::Failed),
                Err(error @ CaptureError::InterfaceGone { .. }) => break Ended::InterfaceGone(error.to_string()),
                Err(error) if self.live => break Ended::Failed(error.to_string()),
                // The other files are still read; what failed is told when they are done.
                Err(error) => failed = Some(failed.map_or(error.to_string(), |first| format!("{first}; {error}"))),
            }
        };
        self.matching.send_replace(None);
        self.counting.send_replace(None);
        sensor.close_all();
        while let Some(statement) = sensor.poll_statement() {
            if self.orders.blocking_send(Order::Statement(statement)).is_err() {
                break;
            }
        }
        self.tell(&sensor);
        ended
    }

    /// What matched goes to the spool as any statement does, and in the order in which it was found.
    fn try_out(&self, Trial { number, matched, written }: Trial) {
        let InForce { set, revision } = self.list.borrow().clone();
        let settings = self.settings.borrow().clone();
        let outcome = selftest::try_out(settings, &set, revision, number, clock::now());
        let is_matched = outcome.is_ok();
        // Whoever asked may have given up.
        let _ = matched.send(outcome);
        if is_matched {
            let _ = self.orders.blocking_send(Order::Test { number, written });
        }
    }

    fn brake(&mut self, sensor: &mut Sensor) {
        let braking = self.braking.borrow_and_update().clone();
        sensor.handle_braking(Arc::clone(&braking));
        self.counting.send_replace(Some(braking));
    }

    fn tell(&self, sensor: &Sensor) {
        let mut health = sensor.health();
        let dropped = self.source.dropped(self.live);
        health.dropped = dropped.iter().fold(health.dropped, |sum, more| sum.saturating_add(more.at_least));
        let unknown = dropped.iter().filter(|dropped| !dropped.is_all).count();
        health.drops_unknown = u16::try_from(unknown).unwrap_or(u16::MAX);
        let counted = self.source.counts_by_source();
        for (_, counts) in &counted {
            CaptureRefusal::ALL.into_iter().for_each(|why| health.add_refusals(why.as_str(), counts.refused(why)));
        }
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        for (report, dropped) in sources.iter_mut().zip(dropped) {
            report.dropped = dropped.is_all.then_some(dropped.at_least);
        }
        for report in sources.iter_mut() {
            let SourceHealth { packets, octets, not_ip, refused } = sensor.source_health(report.source);
            let mut before = CaptureCounts::default();
            let of_source = counted.iter().filter(|(source, _)| *source == report.source);
            of_source.for_each(|(_, counts)| before.add(counts));
            report.joined_cut = before.joined_cut;
            let refused = refused.saturating_add(before.refused_in_all());
            let now = clock::monotonic();
            if packets > report.packets {
                report.moved = Some(now);
            }
            report.silent_s = report.moved.map(|moved| now.saturating_duration_since(moved).as_secs());
            (report.packets, report.octets, report.not_ip, report.refused) = (packets, octets, not_ip, refused);
        }
    }
}

/// Hands statements to the spool; waits for room, for what is stated must not be lost. A spool that is gone means the
/// process is ending.
fn pass_on(sensor: &mut Sensor, orders: &mpsc::Sender<Order>, stop: &AtomicBool) {
    while let Some(statement) = sensor.poll_statement() {
        if orders.blocking_send(Order::Statement(statement)).is_err() {
            stop.store(true, Ordering::Relaxed);
            return;
        }
    }
}

/// The pace of a capture's own clock, begun with its first frame.
#[derive(Debug, Default)]
struct Pace {
    begun: Option<(Instant, Timestamp)>,
}

impl Pace {
    /// Returns when a frame of this time is due; meanwhile tells the capture's time.
    fn wait(&mut self, time: Timestamp, stop: &AtomicBool, mut tell: impl FnMut(Timestamp)) {
        let (start, first) = *self.begun.get_or_insert_with(|| (clock::monotonic(), time));
        while !stop.load(Ordering::Relaxed) {
            let passed = clock::monotonic().saturating_duration_since(start);
            let due = first.plus(passed);
            let left = time.since(due);
            if left.is_zero() {
                // It goes on from a packet whose clock was set back; small disorder waits for nobody.
                if due.since(time) > PACE_GAP_MAX {
                    self.begun = Some((clock::monotonic(), time));
                }
                return;
            }
            if left > PACE_GAP_MAX {
                self.begun = Some((clock::monotonic(), time));
                return;
            }
            std::thread::sleep(left.min(PACE_SLICE));
            tell(first.plus(clock::monotonic().saturating_duration_since(start)).min(time));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::LinkType;
    use varde_common::matcher::IndicatorSet;

    /// Hands out one frame that is no packet and refuses another.
    struct Refusing(CaptureCounts);

    impl Capture for Refusing {
        fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
            if self.0.refused_in_all() > 0 {
                return Ok(Step::End);
            }
            let link = LinkType::RawIp;
            each(Frame { time: Timestamp(0), source: 3, link, octets: &[0x45], length: 1, vlan: None });
            self.0.refuse(CaptureRefusal::UnknownLinkType);
            Ok(Step::Frames)
        }
        fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
            vec![(3, self.0)]
        }
        fn name(&self) -> &str {
            "refusing"
        }
    }

    #[test]
    fn what_a_capture_refuses_is_in_the_totals_and_with_its_source() {
        let set = Arc::new(IndicatorSet::default());
        for may_hang in [false, true] {
            let refusing = Box::new(Refusing(CaptureCounts::default())) as Box<dyn Capture>;
            let (orders, _kept) = mpsc::channel(1);
            let (_list, list) = watch::channel(InForce { set: Arc::clone(&set), revision: Revision(0) });
            let health = Arc::new(Mutex::new(Health::default()));
            let sources = Arc::new(Mutex::new(vec![SourceReport::new(3, "refusing")]));
            let watching = Watch {
                source: Source::of(vec![(refusing, false)], may_hang).unwrap(),
                live: false,
                paced: false,
                orders,
                list,
                braking: watch::channel(Arc::default()).1,
                settings: watch::channel(SensorSettings::default()).1,
                counting: watch::channel(None).0,
                matching: watch::channel(None).0,
                health: Arc::clone(&health),
                sources: Arc::clone(&sources),
                trials: mpsc::channel(1).1,
                stop: Arc::new(AtomicBool::new(false)),
            };
            watching.run(Sensor::new(SensorSettings::default(), Arc::clone(&set), Revision(0)));
            let told = health.lock().unwrap().clone();
            assert_eq!((told.refused, told.refusals), (2, vec![("cut_short", 1), ("unknown_link_type", 1)]));
            assert_eq!(sources.lock().unwrap()[0].refused, 2);
        }
    }
}
