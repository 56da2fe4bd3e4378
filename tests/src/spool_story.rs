//! Stories of a spool on a disk that crashes ([`crate::model_disk`]), and the one rule they are held against (promise D3): what
//! was taken is there, or was given up with a note that was on disk first; there is no third state, no record in another's
//! place, and no number given twice.
//!
//! A story is lived once without a crash in it; then the disk's past is gone through operation by operation, and at each
//! the spool is opened as it would be found had the power failed there.

mod drawn;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use varde_agent::io::disk::DiskError;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_common::alert::{AlertOpened, AlertUpdated, Circumstances, Direction, Evidence, Where, Zone};
use varde_common::codec::Text;
use varde_common::id::{Epoch, IndicatorId, Revision, Seq, SiteId};
use varde_common::indicator::{Marks, Severity};
use varde_common::observation::Protocol;
use varde_common::record::{LossReason, Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;

use crate::model_disk::{CRASHES, Crash, Fault, ModelDisk};
use crate::random::Random;
pub use drawn::drawn;

/// Where the spool lies on the model's disk.
pub const SPOOL: &str = "/data/spool";
const BEGAN: Timestamp = Timestamp(1_763_733_900_000_000);

/// What happens to a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// So many alerts of this severity (0 to 4) are opened.
    Alerts(u8, Severity),
    /// An update of the alert so many records ago.
    Update(u8),
    /// Something about the sensor.
    Event,
    /// What was appended is taken.
    Sync,
    /// The collector has committed so many percent of what is on disk and was not acknowledged.
    Acknowledge(u8),
    /// So many hours pass.
    Later(u8),
    /// So few octets are left on the disk.
    Full(u16),
    /// There is room again.
    Room,
    /// The program stops and starts.
    Restart,
    /// The power fails.
    PowerFails(Crash),
    /// The so-manieth fsync from here fails, and the program ends.
    SyncFails(u8),
}

/// What a run has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Moments crashed at, each way to crash counted.
    pub crash_points: u64,
    /// Records taken.
    pub taken: u64,
    /// Of these, given up with a note.
    pub given_up: u64,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, more: Counted) {
        self.crash_points += more.crash_points;
        self.taken += more.taken;
        self.given_up += more.given_up;
    }
}

/// What a place of the spool gives.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Record(Vec<u8>),
    Lost(LossReason),
}

/// What may be said of a spool at some moment.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The lifetime the numbers belong to.
    epoch: Epoch,
    taken: BTreeSet<u64>,
    given_up: BTreeSet<u64>,
    /// Let go after it was acknowledged.
    let_go: BTreeSet<u64>,
    acknowledged: u64,
    /// Every number before this was shown to a reader.
    shown: u64,
}

/// One order to the spool: the operations it took, and what was known before and after.
#[derive(Debug)]
struct Call {
    ends: usize,
    before: Known,
    after: Known,
}

/// A spool's story while it is lived.
pub struct Story {
    disk: ModelDisk,
    spool: Option<Spool>,
    caps: Caps,
    now: Timestamp,
    seed: u64,
    /// What was last appended, by number.
    payloads: BTreeMap<u64, Vec<u8>>,
    /// All that was ever appended: a number that nobody was told of may be given again, and an old disk holds the first.
    ever: BTreeSet<(u64, Vec<u8>)>,
    known: Known,
    calls: Vec<Call>,
    /// Ways to crash tried at each moment.
    ways: usize,
    counted: Counted,
}

/// Caps so small that a short story meets all of them.
pub fn small_caps() -> Caps {
    Caps { octets: 6_000, acknowledged_s: 7_200, unacknowledged_s: 36_000, segment_octets: 900, reserve_octets: 700 }
}

/// The record that a story appends under this number.
pub fn alert(number: u64, severity: Severity) -> Record {
    let body = AlertOpened {
        site: SiteId(0),
        indicator: IndicatorId(number),
        revision: Revision(2),
        severity,
        marks: Marks { exercise: false, retro: false },
        client: None,
        zone: Zone::default(),
        direction: Direction::Outbound,
        evidence: Evidence::LookedUp,
        circumstances: Circumstances::default(),
        labels_left: 0,
        seen_at: Where { server: None, port: Some(53), protocol: Protocol::UDP },
        first_seen: BEGAN,
        last_seen: BEGAN,
        count: 1,
    };
    Record { time: BEGAN, body: RecordBody::Opened(body) }
}

/// An update of the alert that this record opened.
pub fn update(alert: Seq) -> Record {
    let body = AlertUpdated {
        alert,
        count_increase: 1,
        first_seen: BEGAN,
        last_seen: BEGAN,
        evidence: Evidence::Contacted,
        circumstances: Circumstances::default(),
        seen_at: Where { server: None, port: None, protocol: Protocol::TCP },
        regularity: None,
        closed: false,
    };
    Record { time: BEGAN, body: RecordBody::Updated(body) }
}

/// Lives a story and crashes it at every moment, in so many of the ways there are to crash.
///
/// # Errors
/// What broke the rule, where, and the steps that lead there.
pub fn live(steps: &[Step], seed: u64, ways: usize) -> Result<Counted, String> {
    let mut story = Story {
        disk: ModelDisk::new(seed),
        spool: None,
        caps: small_caps(),
        now: BEGAN,
        seed,
        payloads: BTreeMap::new(),
        ever: BTreeSet::new(),
        known: Known { shown: 1, ..Known::default() },
        calls: Vec::new(),
        ways,
        counted: Counted::default(),
    };
    story.disk.set_time(BEGAN);
    story.tell(steps).map_err(|why| format!("seed {seed}, steps {steps:?}: {why}"))?;
    story.counted.taken = story.known.taken.len() as u64;
    story.counted.given_up = story.known.given_up.len() as u64;
    Ok(story.counted)
}

impl Story {
    fn tell(&mut self, steps: &[Step]) -> Result<(), String> {
        self.start(false)?;
        for step in steps {
            self.step(step).map_err(|why| format!("at {step:?}: {why}"))?;
        }
        self.crash_everywhere()
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Alerts(count, severity) => {
                for _ in 0..*count {
                    self.append(|number| alert(number, *severity))?;
                }
            }
            Step::Update(back) => self.append(|number| update(Seq(number.saturating_sub(u64::from(*back)).max(1))))?,
            Step::Event => self.append(|number| {
                let event = SensorEvent::Started { version: Text::cut(&number.to_string()) };
                Record { time: BEGAN, body: RecordBody::Event(event) }
            })?,
            Step::Sync => {
                let now = self.now;
                self.call(|spool| spool.sync(now).map(|synced| synced.taken))?;
            }
            Step::Acknowledge(percent) => {
                let (now, from) = (self.now, self.known.acknowledged);
                let end = self.known.shown.saturating_sub(1);
                let seq = from + end.saturating_sub(from) * u64::from(*percent).min(100) / 100;
                self.known.acknowledged = seq;
                self.call(|spool| spool.handle_acknowledged(Seq(seq), now).map(|()| None))?;
            }
            Step::Later(hours) => {
                self.now = self.now.plus(Duration::from_secs(3600 * u64::from(*hours)));
                self.disk.set_time(self.now);
            }
            Step::Full(left) => self.disk.set_capacity(Some(self.disk.used() + u64::from(*left))),
            Step::Room => self.disk.set_capacity(None),
            Step::Restart => {
                let now = self.now;
                self.call(|spool| {
                    let synced = spool.sync(now)?;
                    spool.write_hint(now)?;
                    Ok(synced.taken)
                })?;
                if let Some(spool) = self.spool.take() {
                    drop(spool);
                    self.start(false)?;
                }
            }
            Step::PowerFails(crash) => self.restart_after(*crash)?,
            Step::SyncFails(nth) => self.disk.fail(Fault::Sync(u64::from(*nth))),
        }
        Ok(())
    }

    fn append(&mut self, record: impl Fn(u64) -> Record) -> Result<(), String> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let number = spool.next().0;
        let octets = record(number).to_octets().map_err(|error| error.to_string())?;
        spool.append(&octets);
        self.ever.insert((number, octets.clone()));
        self.payloads.insert(number, octets);
        Ok(())
    }

    /// Gives an order; the program ends where the disk failed.
    fn call(&mut self, order: impl FnOnce(&mut Spool) -> Result<Option<(Seq, Seq)>, DiskError>) -> Result<(), String> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let before = self.calls.last().map_or_else(|| self.known.clone(), |call| call.after.clone());
        let done = order(spool).and_then(|taken| {
            let places = places(spool, self.now)?;
            Ok((taken, places, spool.figures().next.0))
        });
        match done {
            Ok((taken, places, next)) => {
                let taken = taken.map_or(0..0, |(first, last)| first.0..last.0 + 1);
                self.known.taken.extend(taken);
                self.known.shown = self.known.shown.max(next);
                self.learn(&places)?;
                self.close_call(before);
                Ok(())
            }
            Err(error) if error.is_full() => Err(format!("a full disk ended the program: {error}")),
            Err(_) => {
                // What was going to be given up in this order may be, or not.
                self.spool = None;
                let mut after = self.known.clone();
                let (let_go, given_up) = self.payloads.keys().partition(|number| **number <= after.acknowledged);
                let (let_go, given_up): (BTreeSet<u64>, BTreeSet<u64>) = (let_go, given_up);
                after.let_go.extend(let_go);
                after.given_up.extend(given_up);
                self.calls.push(Call { ends: self.disk.moments(), before, after });
                self.restart_after(Crash::Draws)
            }
        }
    }

    fn close_call(&mut self, before: Known) {
        self.calls.push(Call { ends: self.disk.moments(), before, after: self.known.clone() });
    }

    /// What the running spool gives in each place: nothing disappears unless it may.
    fn learn(&mut self, places: &BTreeMap<u64, Place>) -> Result<(), String> {
        for (number, place) in places {
            let sure = self.known.taken.contains(number);
            match place {
                Place::Record(octets) if self.payloads.get(number) != Some(octets) => {
                    return Err(format!("{number} gives another record"));
                }
                Place::Record(_) if self.known.given_up.contains(number) => {
                    return Err(format!("{number} was given up and is back"));
                }
                Place::Record(_) => {}
                Place::Lost(_) if *number <= self.known.acknowledged => {
                    self.known.let_go.insert(*number);
                }
                Place::Lost(LossReason::SpoolDamaged) if sure => {
                    return Err(format!("{number} was taken and is damaged"));
                }
                Place::Lost(LossReason::SpoolDamaged) => {}
                Place::Lost(_) => {
                    self.known.given_up.insert(*number);
                }
            }
        }
        Ok(())
    }

    /// Opens the spool as the program does when it starts.
    fn start(&mut self, crashed: bool) -> Result<(), String> {
        let before = self.known.clone();
        let opened = Spool::open(self.disk.volume(), Path::new(SPOOL), self.caps, self.now);
        let opened = opened.and_then(|(mut spool, _)| places(&mut spool, self.now).map(|places| (spool, places)));
        let (spool, places) = match opened {
            Ok(opened) => opened,
            Err(error) if error.is_full() => return Err(format!("a full disk keeps it from opening: {error}")),
            Err(_) => {
                // The fault came while it started: the program ends, and starts again.
                self.close_call(before);
                return self.restart_after(Crash::Draws);
            }
        };
        if self.known.epoch == Epoch(0) || (crashed && self.known.taken.is_empty()) {
            self.known.epoch = spool.figures().epoch;
        }
        if crashed {
            // What had not been taken may be there or not, and nobody was told either.
            let next = spool.next().0;
            self.payloads.retain(|number, _| *number < next);
            // Of a number that was given twice without anybody being told, the disk may hold either.
            for (number, place) in &places {
                if let Place::Record(octets) = place
                    && !self.known.taken.contains(number)
                    && self.ever.contains(&(*number, octets.clone()))
                {
                    self.payloads.insert(*number, octets.clone());
                }
            }
        }
        self.known.shown = self.known.shown.max(spool.figures().next.0);
        self.learn(&places)?;
        self.spool = Some(spool);
        self.close_call(before);
        Ok(())
    }

    fn restart_after(&mut self, crash: Crash) -> Result<(), String> {
        self.spool = None;
        let (before, after) = match self.calls.last() {
            Some(call) => (call.before.clone(), call.after.clone()),
            None => (self.known.clone(), self.known.clone()),
        };
        self.crash_everywhere()?;
        let crashed = self.disk.crashed(crash, self.seed);
        self.known.given_up = self.check(&crashed, &before, &after)?;
        self.disk = crashed;
        self.calls.clear();
        self.start(true)
    }

    /// Every moment of this disk's past is crashed at.
    fn crash_everywhere(&mut self) -> Result<(), String> {
        let mut replay = self.disk.replay();
        let mut random = Random::seeded(self.seed ^ self.disk.moments() as u64);
        for call in std::mem::take(&mut self.calls) {
            loop {
                let first = random.below(CRASHES.len() as u64) as usize;
                for way in 0..self.ways {
                    let Some(crash) = CRASHES.get((first + way) % CRASHES.len()) else { break };
                    let crashed = replay.crash(*crash, random.next_u64());
                    self.check(&crashed, &call.before, &call.after)
                        .map_err(|why| format!("power failed at operation {} ({crash:?}): {why}", replay.place()))?;
                    self.counted.crash_points += 1;
                }
                if replay.place() >= call.ends || !replay.step() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The rule, held against a disk as it is found. `before` is what was promised, `after` what may have been done since.
    /// Gives what is given up by now.
    fn check(&self, disk: &ModelDisk, before: &Known, after: &Known) -> Result<BTreeSet<u64>, String> {
        // The same disk is opened by the story: this look at it must leave nothing behind.
        let disk = disk.crashed(Crash::KeepsAll, 0);
        let opened = Spool::open(disk.volume(), Path::new(SPOOL), self.caps, self.now);
        let (mut spool, _) = opened.map_err(|error| format!("it does not open: {error}"))?;
        let places = places(&mut spool, self.now).map_err(|error| error.to_string())?;
        let next = spool.next().0;
        let figures = spool.figures();
        if figures.epoch != before.epoch && before.shown > 1 {
            return Err(format!("another lifetime begins although numbers up to {} were used", before.shown - 1));
        }
        let used =
            before.taken.last().copied().unwrap_or(0).max(before.shown.saturating_sub(1)).max(before.acknowledged);
        if next <= used {
            return Err(format!("number {next} is given again; {used} was used"));
        }
        let mut given_up = BTreeSet::new();
        for (number, place) in &places {
            match place {
                Place::Record(octets) => {
                    let sure = before.taken.contains(number);
                    let is_it = match self.payloads.get(number) {
                        Some(payload) if sure => payload == octets,
                        Some(_) | None => self.ever.contains(&(*number, octets.clone())),
                    };
                    if !is_it {
                        return Err(format!("{number} gives another record"));
                    }
                    if before.given_up.contains(number) && *number > after.acknowledged {
                        return Err(format!("{number} was given up and is back"));
                    }
                }
                Place::Lost(reason) => {
                    let acknowledged = *number <= after.acknowledged;
                    let may_go = after.given_up.contains(number) || (acknowledged && after.let_go.contains(number));
                    if before.taken.contains(number) && !may_go {
                        return Err(format!("{number} was taken and is lost ({reason:?})"));
                    }
                    if before.taken.contains(number) && *reason == LossReason::SpoolDamaged && !acknowledged {
                        return Err(format!("{number} was given up without a note"));
                    }
                    if !acknowledged && *reason != LossReason::SpoolDamaged {
                        given_up.insert(*number);
                    }
                }
            }
        }
        let missing = before.taken.iter().find(|number| !places.contains_key(number) && **number > after.acknowledged);
        if let Some(number) = missing {
            return Err(format!("{number} was taken and is not there"));
        }
        // And it goes on.
        let octets = alert(next, Severity::High).to_octets().map_err(|error| error.to_string())?;
        let seq = spool.append(&octets);
        let synced = spool.sync(self.now).map_err(|error| error.to_string())?;
        let read = spool.read(seq, self.now).map_err(|error| error.to_string())?;
        if synced.taken != Some((seq, seq)) || read.first() != Some(&octets) {
            return Err(format!("{seq} cannot be written after the crash"));
        }
        Ok(given_up)
    }
}

fn places(spool: &mut Spool, now: Timestamp) -> Result<BTreeMap<u64, Place>, DiskError> {
    let mut found = BTreeMap::new();
    let mut seq = Seq(1);
    loop {
        let read = spool.read(seq, now)?;
        if read.is_empty() {
            return Ok(found);
        }
        for octets in read {
            let place = match Record::from_octets(&octets).map(|record| record.body) {
                Ok(RecordBody::Loss { reason, .. } | RecordBody::GivenUp { reason, .. }) => Place::Lost(reason),
                Ok(
                    RecordBody::Opened(_)
                    | RecordBody::Updated(_)
                    | RecordBody::CrowdOpened(_)
                    | RecordBody::CrowdUpdated(_)
                    | RecordBody::Braked(_)
                    | RecordBody::Event(_),
                )
                | Err(_) => Place::Record(octets),
            };
            found.insert(seq.0, place);
            seq = seq.next();
        }
    }
}
