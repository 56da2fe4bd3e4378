//! A fleet at work: each sensor makes alerts and their updates, gathers them into batches as an agent does, and keeps the time from
//! when each was made until it was acknowledged; all over real QUIC, with real certificates and the real codec.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use quinn::{RecvStream, SendStream};
use tokio::sync::{Semaphore, mpsc};
use varde_agent::io::clock;
use varde_common::alert::{AlertOpened, AlertUpdated, Circumstances, Direction, Evidence, Where, Zone};
use varde_common::id::{IndicatorId, Pseudonym, Revision, Seq, SiteId};
use varde_common::indicator::{Marks, Severity};
use varde_common::limits::{BATCH_MAX_OCTETS, BATCH_MAX_RECORDS};
use varde_common::message::{Batch, Heartbeat, ToAgent, ToCollector};
use varde_common::observation::Protocol;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use crate::random::Random;
use crate::sensor_double::{SensorDouble, Session, hear, say};

/// A sensor gathers for so long at most (B12).
pub const GATHERED_WITHIN: Duration = Duration::from_millis(250);
/// Batches under way at once: what an agent has.
const UNDER_WAY: usize = 8;
/// Records that may wait at one sensor; beyond that it makes no more, and the rate is not reached.
const WAITING_MAX: usize = 8 * BATCH_MAX_RECORDS;
/// Alerts that updates may be of.
const OPEN_MAX: usize = 256;
/// New alerts of all records, in a hundred (B12).
const NEW_PERCENT: u64 = 20;
/// Hosts of one sensor.
const HOSTS: u64 = 300;
/// Handshakes at once when all come back: their machines are one here.
const COMING_AT_ONCE: usize = 64;
/// How long one of them may take before it is tried again.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Between heartbeats.
const BEAT_EVERY: Duration = Duration::from_secs(30);

/// What a swarm does.
#[derive(Debug, Clone)]
pub struct Work {
    /// Records a second of each; none = as many as are acknowledged.
    pub per_second: Option<f64>,
    /// Indicators of the list, by number.
    pub indicators: Arc<Vec<u64>>,
    /// When it ends, but for what is under way.
    pub until: Instant,
}

/// What all of one group have done.
#[derive(Debug, Default)]
pub struct Done {
    /// From made to acknowledged, of each record.
    pub waits: Vec<Duration>,
    /// Records that were made and could not wait any more.
    pub not_made: u64,
}

/// A sensor's conversation about alerts.
pub struct Talk {
    /// Whose.
    pub sensor: Arc<SensorDouble>,
    /// Its session.
    pub session: Session,
    batches: SendStream,
    acks: mpsc::Receiver<Seq>,
    random: Random,
    open: VecDeque<(Seq, AlertOpened)>,
}

async fn read_acks(mut stream: RecvStream, acks: mpsc::Sender<Seq>) -> Result<()> {
    loop {
        match hear(&mut stream).await? {
            ToAgent::Ack { seq, .. } => acks.send(seq).await.context("nobody waits for it")?,
            other => bail!("no acknowledgement: {other:?}"),
        }
    }
}

impl Talk {
    /// Opens the stream of alerts. Must be called within a runtime.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn begin(sensor: Arc<SensorDouble>, session: Session, seed: u64) -> Result<Talk> {
        let (batches, answers) = session.alerts().await?;
        let (heard, acks) = mpsc::channel(UNDER_WAY);
        // It ends with the session; what it fails of, whoever waits for an acknowledgement sees.
        tokio::spawn(read_acks(answers, heard));
        Ok(Talk { sensor, session, batches, acks, random: Random::seeded(seed), open: VecDeque::new() })
    }

    fn record(&mut self, indicators: &[u64]) -> Record {
        let now = clock::now();
        let seq = Seq(self.sensor.written.fetch_add(1, Ordering::Relaxed) + 1);
        let older = self.random.below(self.open.len() as u64) as usize;
        let body = match self.open.get(older) {
            Some((alert, opened)) if !self.random.percent(NEW_PERCENT) => RecordBody::Updated(AlertUpdated {
                alert: *alert,
                count_increase: 1 + self.random.below(9),
                first_seen: opened.first_seen,
                last_seen: now,
                evidence: opened.evidence,
                circumstances: opened.circumstances,
                seen_at: opened.seen_at,
                regularity: None,
                closed: false,
            }),
            Some(_) | None => {
                let indicator = self.random.one_of(indicators).copied().unwrap_or(1);
                let opened = opened(indicator, self.random.below(HOSTS), self.sensor.sensor.0, now);
                if self.open.len() >= OPEN_MAX {
                    self.open.pop_front();
                }
                self.open.push_back((seq, opened.clone()));
                RecordBody::Opened(opened)
            }
        };
        Record { time: now, body }
    }

    /// Makes records and sends them until the work ends and everything is acknowledged.
    ///
    /// # Errors
    /// When the conversation ends before.
    pub async fn work(&mut self, work: &Work) -> Result<Done> {
        let mut done = Done::default();
        let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut under_way: VecDeque<(Seq, Vec<Instant>)> = VecDeque::new();
        // Not all at the same moment.
        let phase = Duration::from_micros(self.random.below(GATHERED_WITHIN.as_micros() as u64));
        let mut turns = tokio::time::interval_at((clock::monotonic() + phase).into(), GATHERED_WITHIN);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut made_until, mut beaten, mut owed) = (clock::monotonic(), clock::monotonic(), 0.0);
        loop {
            tokio::select! {
                acked = self.acks.recv() => {
                    let seq = acked.context("the session ended")?;
                    let now = clock::monotonic();
                    while under_way.front().is_some_and(|(last, _)| *last <= seq) {
                        let made = under_way.pop_front().map(|(_, made)| made).unwrap_or_default();
                        done.waits.extend(made.into_iter().map(|made| now.saturating_duration_since(made)));
                    }
                }
                _ = turns.tick() => {}
            }
            let now = clock::monotonic();
            if now < work.until {
                let count = match work.per_second {
                    Some(rate) => {
                        owed += rate * now.saturating_duration_since(made_until).as_secs_f64();
                        let whole = owed.floor();
                        owed -= whole;
                        whole as usize
                    }
                    None => BATCH_MAX_RECORDS.saturating_sub(waiting.len()),
                };
                let (since, span) = (made_until, now.saturating_duration_since(made_until));
                for number in 0..count {
                    if waiting.len() >= WAITING_MAX {
                        done.not_made += (count - number) as u64;
                        break;
                    }
                    // They were made one after another since the last turn, not all at its end.
                    let made = since + span * (number as u32 + 1) / (count as u32).max(1);
                    waiting.push_back((made, self.record(&work.indicators).to_octets()?));
                }
            }
            made_until = now;
            while under_way.len() < UNDER_WAY && !waiting.is_empty() {
                under_way.push_back(self.send(&mut waiting).await?);
            }
            if now.saturating_duration_since(beaten) > BEAT_EVERY {
                beaten = now;
                self.session.beat(Heartbeat { packets: 1, ..Heartbeat::default() }).await?;
            }
            if now >= work.until && waiting.is_empty() && under_way.is_empty() {
                return Ok(done);
            }
        }
    }

    /// One batch of what waits.
    async fn send(&mut self, waiting: &mut VecDeque<(Instant, Vec<u8>)>) -> Result<(Seq, Vec<Instant>)> {
        let left = self.sensor.written.load(Ordering::Relaxed) - waiting.len() as u64;
        let (mut made, mut records, mut octets) = (Vec::new(), Vec::new(), 0);
        while let Some((_, record)) = waiting.front() {
            if records.len() >= BATCH_MAX_RECORDS || octets + record.len() > BATCH_MAX_OCTETS {
                break;
            }
            octets += record.len();
            if let Some((at, record)) = waiting.pop_front() {
                made.push(at);
                records.push(record);
            }
        }
        let last = Seq(left + records.len() as u64);
        let batch = Batch { epoch: self.sensor.epoch, first_seq: Seq(left + 1), records };
        say(&mut self.batches, &ToCollector::Batch(batch)).await?;
        Ok((last, made))
    }

    /// Sends one alert by itself; gives how long until it was acknowledged.
    ///
    /// # Errors
    /// When the conversation ends before.
    pub async fn alert(&mut self, indicator: u64, host: u64) -> Result<Duration> {
        let (made, now) = (clock::monotonic(), clock::now());
        let seq = Seq(self.sensor.written.fetch_add(1, Ordering::Relaxed) + 1);
        let body = RecordBody::Opened(opened(indicator, host, self.sensor.sensor.0, now));
        let records = vec![Record { time: now, body }.to_octets()?];
        let batch = Batch { epoch: self.sensor.epoch, first_seq: seq, records };
        say(&mut self.batches, &ToCollector::Batch(batch)).await?;
        while self.acks.recv().await.context("the session ended")? < seq {}
        Ok(made.elapsed())
    }
}

fn opened(indicator: u64, host: u64, sensor: u64, at: Timestamp) -> AlertOpened {
    AlertOpened {
        site: SiteId(0),
        indicator: IndicatorId(indicator),
        revision: Revision(1),
        severity: Severity::Medium,
        marks: Marks::default(),
        client: Some(Pseudonym(Random::seeded(sensor << 32 | host).next_u64())),
        zone: Zone::default(),
        direction: Direction::Outbound,
        evidence: Evidence::Answered,
        circumstances: Circumstances::default(),
        labels_left: 0,
        seen_at: Where { server: None, port: Some(53), protocol: Protocol::UDP },
        first_seen: at,
        last_seen: at,
        count: 1,
    }
}

/// Has each work at its own pace at the same time; gives the talks back with what all have done.
///
/// # Errors
/// When one conversation ends before its work.
pub async fn work_all(talks: Vec<Talk>, work: &Work) -> Result<(Vec<Talk>, Done)> {
    let tasks: Vec<_> = talks
        .into_iter()
        .map(|mut talk| {
            let work = work.clone();
            tokio::spawn(async move { talk.work(&work).await.map(|done| (talk, done)) })
        })
        .collect();
    let (mut talks, mut all) = (Vec::new(), Done::default());
    for task in tasks {
        let (talk, done) = task.await??;
        talks.push(talk);
        all.waits.extend(done.waits);
        all.not_made += done.not_made;
    }
    all.waits.sort_unstable();
    Ok((talks, all))
}

/// All of them come back after their connections have ended, each within the spread that it was told, and again after a second or more
/// where it is not let in; gives how long each was away since `since`, sorted.
///
/// # Errors
/// When one is not back within `patience`.
pub async fn come_back(talks: Vec<Talk>, since: Instant, patience: Duration) -> Result<(Vec<Talk>, Vec<Duration>)> {
    let places = Arc::new(Semaphore::new(COMING_AT_ONCE));
    let tasks: Vec<_> = talks
        .into_iter()
        .map(|talk| {
            let places = places.clone();
            tokio::spawn(async move {
                let Talk { sensor, session, mut random, .. } = talk;
                let spread = u64::from(session.answer.reconnect_spread_ms);
                session.closed().await;
                drop(session);
                tokio::time::sleep(Duration::from_millis(random.below(spread.max(1)))).await;
                loop {
                    let place = places.acquire().await?;
                    let back = tokio::time::timeout(HANDSHAKE_WITHIN, sensor.connect(Revision(1))).await;
                    drop(place);
                    if let Ok(Ok(session)) = back {
                        let away = since.elapsed();
                        let talk = Talk::begin(sensor, session, random.next_u64()).await?;
                        return Ok((talk, away));
                    }
                    anyhow::ensure!(since.elapsed() < patience, "a sensor is not back after {patience:?}");
                    tokio::time::sleep(Duration::from_millis(random.within(1_000, 3_000))).await;
                }
            })
        })
        .collect();
    let (mut talks, mut times) = (Vec::new(), Vec::new());
    for task in tasks {
        let (talk, away) = task.await??;
        talks.push(talk);
        times.push(away);
    }
    times.sort_unstable();
    Ok((talks, times))
}
