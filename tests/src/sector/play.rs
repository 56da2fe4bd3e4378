//! Plays a year to a collector: indicators, records and heartbeats through its own doors into a real database, by the file's clock,
//! and reads back what its listings say of it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_collector::ingest::hello::{Introduction, Met, meet};
use varde_collector::ingest::{IngestReply, handle_batch};
use varde_collector::intel::canonical::{About, Details, Found, Object};
use varde_collector::store::alert::{self, Which};
use varde_collector::store::stage::{Manner, Stage};
use varde_collector::store::{Scope, Store, campaign, incident};
use varde_common::alert::{AlertOpened, AlertUpdated, Circumstances, Evidence, Regularity, Where, Zone};
use varde_common::codec::Text;
use varde_common::id::{Epoch, IndicatorId, Mark, Pseudonym, Revision, Seq, SiteId};
use varde_common::indicator::{Marks, Severity};
use varde_common::limits::BATCH_MAX_RECORDS;
use varde_common::message::{Batch, Hello};
use varde_common::observation::Protocol;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use crate::random::Random;
use crate::sector::file::{Alert, Arrival, Indicator, Update, Year};

/// All sensors are heard from at least this often, by the file's clock.
const HEARD_EVERY: Duration = Duration::from_secs(3_600);
/// Rows read at once.
const PAGE_ROWS: i64 = 50_000;
/// A sensor gathers records for so long at most before it sends them: what the agent does.
pub const GATHERED_WITHIN: Duration = Duration::from_millis(250);
/// The spool's lifetime of every sensor here.
const EPOCH: Epoch = Epoch(1);

/// What became of an alert, by the collector's listings.
#[derive(Debug, Clone, Default)]
pub struct Concluded {
    /// Each alert of the file: the incident it is in.
    pub incident_of: HashMap<u64, i64>,
    /// `incident list --json`, by id.
    pub incidents: BTreeMap<i64, Value>,
    /// `campaign list --json`, by id.
    pub campaigns: BTreeMap<i64, Value>,
    /// Records that were played.
    pub records: u64,
    /// Batches they came in.
    pub batches: u64,
}

struct Sensor {
    id: i64,
    next: u64,
    waiting: Vec<Record>,
    /// When it sends what waits.
    due: Timestamp,
}

/// How sensors gather what they send, and by which weights it is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather<'a> {
    /// From which each wait is drawn.
    pub seed: u64,
    /// The longest of them.
    pub within: Duration,
    /// A file of weights that is in force from the beginning; none = those that are built in.
    pub weights: Option<&'a str>,
}

struct Player<'a> {
    store: Store,
    year: &'a Year,
    folder: &'a Path,
    sensors: HashMap<&'a str, Sensor>,
    /// Pattern → row, and which list had it first.
    indicators: HashMap<String, (i64, i64)>,
    by_pattern: HashMap<&'a str, &'a Indicator>,
    opened: HashMap<u64, Place<'a>>,
    revision: i64,
    heard: Timestamp,
    random: Random,
    within: Duration,
    concluded: Concluded,
}

/// Where an alert is: whose, under which number, and how far it got.
struct Place<'a> {
    member: &'a str,
    seq: u64,
    evidence: Evidence,
    first: Timestamp,
    server: Option<std::net::IpAddr>,
    port: Option<u16>,
    circumstances: Circumstances,
}

/// Plays a year into a new database below `folder`; `progress` is told how many of the arrivals are in.
///
/// # Errors
/// What the collector refuses, or the database's own.
pub fn play(year: &Year, folder: &Path, gather: Gather<'_>, progress: &mut dyn FnMut(u64)) -> Result<Concluded> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::create(folder).await?;
        let begin = first_moment(year);
        if let Some(weights) = gather.weights {
            store.take_weights(weights, begin).await?.context("the weights cannot be used")?;
        }
        let mut player = Player {
            store,
            year,
            folder,
            sensors: HashMap::new(),
            indicators: HashMap::new(),
            by_pattern: year.indicators.iter().map(|indicator| (indicator.pattern.as_str(), indicator)).collect(),
            opened: HashMap::new(),
            revision: 0,
            heard: begin,
            random: Random::seeded(gather.seed),
            within: gather.within,
            concluded: Concluded::default(),
        };
        player.people(begin).await?;
        player.arrivals(progress).await?;
        player.read_back().await?;
        player.store.close().await;
        Ok(player.concluded)
    })
}

/// Before anything of it happened.
fn first_moment(year: &Year) -> Timestamp {
    let arrivals = year.arrivals.first().map(Arrival::at);
    let first = year.indicators.iter().map(|indicator| indicator.published).chain(arrivals).min();
    first.unwrap_or_default().minus(HEARD_EVERY)
}

impl<'a> Player<'a> {
    /// Members, each with a sensor that has introduced itself.
    async fn people(&mut self, now: Timestamp) -> Result<()> {
        let mut tx = self.store.begin().await?;
        for (member, id) in self.year.members.iter().zip(1i64..) {
            sqlx::query("INSERT INTO member (id, number, name, supplier, added_at) VALUES ($1, $2, $3, $4, $5)")
                .bind(id)
                .bind(&member.number)
                .bind(&member.name)
                .bind(&member.supplier)
                .bind(now.0)
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256, enrolled_at)
                 VALUES ($1, $1, $2, $2, x'00', $2)",
            )
            .bind(id)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            sqlx::query("INSERT INTO site (sensor_id, site, member_id) VALUES ($1, 0, $1)")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            let sensor = Sensor { id, next: 1, waiting: Vec::new(), due: now };
            self.sensors.insert(member.number.as_str(), sensor);
        }
        tx.commit().await?;
        for sensor in self.sensors.values() {
            let hello = Hello {
                protocol_min: 1,
                protocol_max: 1,
                agent_version: Text::cut(env!("CARGO_PKG_VERSION")),
                epoch: EPOCH,
                first_seq: Seq(1),
                next_seq: Seq(1),
                revision: Revision(0),
                root_version: 1,
                sites: vec![SiteId(0)],
                clock: now,
            };
            let said = Introduction { hello, protocol: 1, kept: None };
            let met = meet(&self.store, sensor.id, &said, Mark(0), "quic", now).await?;
            ensure!(matches!(met, Met::Stands { .. }), "a sensor was not greeted: {met:?}");
        }
        Ok(())
    }

    async fn arrivals(&mut self, progress: &mut dyn FnMut(u64)) -> Result<()> {
        let mut lists: Vec<&Indicator> = self.year.indicators.iter().collect();
        lists.sort_by_key(|indicator| indicator.published);
        let mut lists = lists.as_slice();
        for (arrival, done) in self.year.arrivals.iter().zip(1u64..) {
            let now = arrival.at();
            self.flush(now).await?;
            while let Some(published) = lists.first().map(|indicator| indicator.published).filter(|at| *at <= now) {
                let until = lists.partition_point(|indicator| indicator.published <= published);
                let (list, rest) = lists.split_at(until);
                self.publish(list, published).await?;
                lists = rest;
            }
            self.hear(now).await?;
            self.take(arrival)?;
            progress(done);
        }
        self.flush(Timestamp::MAX).await
    }

    /// All sensors are well, and go by the newest list: by the file's clock, in one statement.
    async fn hear(&mut self, now: Timestamp) -> Result<()> {
        if now.since(self.heard) < HEARD_EVERY {
            return Ok(());
        }
        self.heard = now;
        let mut tx = self.store.begin().await?;
        sqlx::query("UPDATE sensor SET last_seen_at = $1").bind(now.0).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Imports through the collector's own importer's last step, and has the list in force everywhere.
    async fn publish(&mut self, list: &[&Indicator], now: Timestamp) -> Result<()> {
        let mut by_source: BTreeMap<&str, Vec<Found>> = BTreeMap::new();
        for indicator in list {
            by_source.entry(&indicator.source).or_default().push(found(indicator)?);
        }
        for (source, found) in by_source {
            let file = tempfile::NamedTempFile::new_in(self.folder)?;
            let mut stage = Stage::begin(&self.store, file.path(), Manner::default()).await?;
            stage.put(&found).await?;
            stage.take_in(source, false, now, &mut |_| {}).await?;
            stage.close().await?;
        }
        self.revision += 1;
        let revision = self.revision;
        let mut tx = self.store.begin().await?;
        sqlx::query("UPDATE indicator SET published_at = $1, published_in = $2 WHERE published_at IS NULL")
            .bind(now.0)
            .bind(revision)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE sensor SET revision = $1, revision_since = $2, last_seen_at = $2")
            .bind(revision)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO in_force (sensor_id, revision, since, heard_at) SELECT id, $1, $2, $2 FROM sensor")
            .bind(revision)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        let new: Vec<(i64, String)> = sqlx::query_as("SELECT id, pattern FROM indicator WHERE published_in = $1")
            .bind(revision)
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        self.indicators.extend(new.into_iter().map(|(id, pattern)| (pattern, (id, revision))));
        Ok(())
    }

    /// A record that waits at its sensor.
    fn take(&mut self, arrival: &'a Arrival) -> Result<()> {
        let now = arrival.at();
        let (member, body) = match arrival {
            Arrival::Opened(alert) => (alert.member.as_str(), self.opened(alert)?),
            Arrival::Updated(update) => {
                let place = self.opened.get_mut(&update.alert).context("an update before its alert")?;
                (place.member, RecordBody::Updated(updated(place, update)))
            }
        };
        let sensor = self.sensors.get_mut(member).context("a member without a sensor")?;
        if sensor.waiting.is_empty() {
            let wait_us = self.random.below(u64::try_from(self.within.as_micros())?);
            sensor.due = now.plus(Duration::from_micros(wait_us));
        }
        if let Arrival::Opened(alert) = arrival {
            let seq = sensor.next;
            let circumstances = circumstances(alert);
            let place = Place {
                member,
                seq,
                evidence: alert.evidence,
                first: alert.first,
                server: alert.server,
                port: alert.port,
                circumstances,
            };
            self.opened.insert(alert.alert, place);
        }
        sensor.next += 1;
        sensor.waiting.push(Record { time: now, body });
        if sensor.waiting.len() >= BATCH_MAX_RECORDS {
            sensor.due = now;
        }
        Ok(())
    }

    fn opened(&self, alert: &Alert) -> Result<RecordBody> {
        let indicator = self.by_pattern.get(alert.indicator.as_str()).context("an indicator that is not there")?;
        let pattern = plain(&alert.indicator)?;
        let (id, revision) = self.indicators.get(&pattern).copied().context("an indicator that is not published")?;
        let Alert { first, last, count, direction, evidence, server, port, level, .. } = *alert;
        // A look-up's server is the member's resolver, which is inside: it is not told.
        let by_flow = server.is_some() || evidence >= Evidence::Attempted;
        Ok(RecordBody::Opened(AlertOpened {
            site: SiteId(0),
            indicator: IndicatorId(id.unsigned_abs()),
            revision: Revision(revision.unsigned_abs()),
            severity: indicator.severity,
            marks: Marks { exercise: indicator.exercise, retro: alert.retro },
            client: alert.client.map(|client| pseudonym(&alert.member, client)),
            zone: Zone { id: 1 + level as u16, confidentiality: level, integrity: level, availability: level },
            direction,
            evidence,
            circumstances: circumstances(alert),
            labels_left: 0,
            seen_at: Where {
                server,
                port: port.or(Some(if by_flow { 443 } else { 53 })),
                protocol: if by_flow { Protocol::TCP } else { Protocol::UDP },
            },
            first_seen: first,
            last_seen: last.unwrap_or(first),
            count,
        }))
    }

    /// Sends what waits at the sensors whose time has come by then, each its own batch, in the order of those times.
    async fn flush(&mut self, until: Timestamp) -> Result<()> {
        let mut due: Vec<&mut Sensor> =
            self.sensors.values_mut().filter(|sensor| !sensor.waiting.is_empty() && sensor.due <= until).collect();
        // A map has no order, and the same seed must give the same run.
        due.sort_by_key(|sensor| (sensor.due, sensor.id));
        for sensor in due {
            let records = std::mem::take(&mut sensor.waiting);
            let first = sensor.next - records.len() as u64;
            let octets = records.iter().map(Record::to_octets).collect::<Result<Vec<_>, _>>()?;
            let batch = Batch { epoch: EPOCH, first_seq: Seq(first), records: octets };
            let outcome = handle_batch(&self.store, sensor.id, &batch, sensor.due).await?;
            let ack = IngestReply::Ack { epoch: EPOCH, seq: Seq(sensor.next - 1) };
            ensure!(outcome.reply == ack, "a batch of sensor {} was answered {:?}", sensor.id, outcome.reply);
            self.concluded.records += records.len() as u64;
            self.concluded.batches += 1;
        }
        Ok(())
    }

    /// What the listings say.
    async fn read_back(&mut self) -> Result<()> {
        let mut numbers: HashMap<(i64, u64), u64> = HashMap::new();
        for (alert, place) in &self.opened {
            let sensor = self.sensors.get(place.member).context("a member without a sensor")?;
            numbers.insert((sensor.id, place.seq), *alert);
        }
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT id, sensor_id, seq FROM alert").fetch_all(self.store.readers()).await?;
        let named: HashMap<i64, u64> = rows
            .into_iter()
            .filter_map(|(id, sensor, seq)| Some((id, *numbers.get(&(sensor, seq.unsigned_abs()))?)))
            .collect();
        ensure!(named.len() == self.opened.len(), "{} alerts came of {}", named.len(), self.opened.len());
        let mut after = 0;
        loop {
            let which = Which { after, ..Which::default() };
            let page = alert::list(&self.store, Scope::Operator, which, PAGE_ROWS).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for alert in page {
                if let (Some(number), Some(incident)) = (named.get(&alert.id), alert.incident) {
                    self.concluded.incident_of.insert(*number, incident);
                }
            }
        }
        for incident in incident::list(&self.store, Scope::Operator, None).await? {
            self.concluded.incidents.insert(incident.id, serde_json::to_value(incident)?);
        }
        for campaign in campaign::list(&self.store, Scope::Operator, None).await? {
            self.concluded.campaigns.insert(campaign.id, serde_json::to_value(campaign)?);
        }
        Ok(())
    }
}

/// The form in which patterns are kept.
fn plain(pattern: &str) -> Result<String> {
    let read = pattern.parse::<varde_common::indicator::Pattern>();
    Ok(read.map_err(|error| anyhow::anyhow!("\"{pattern}\" is no indicator: {error}"))?.to_plain())
}

fn found(indicator: &Indicator) -> Result<Found> {
    let Indicator { pattern, threat, confidence, severity, exercise, tags, techniques, .. } = indicator;
    let read = pattern.parse().map_err(|error| anyhow::anyhow!("\"{pattern}\" is no indicator: {error}"))?;
    let details = Details { techniques: techniques.clone(), tags: tags.clone(), ..Details::default() };
    let about = About {
        threat: threat.clone(),
        confidence: Some(*confidence),
        severity: Some::<Severity>(*severity),
        exercise: *exercise,
        details,
        ..About::default()
    };
    // Objects of a source have names; what is said under one name again would take the place of what was said before.
    let object = Object { id: plain(pattern)?, ..Object::default() };
    Ok(Found { pattern: read, about, object })
}

fn circumstances(alert: &Alert) -> Circumstances {
    Circumstances {
        by_resolver: alert.by_resolver,
        looked_up_by_other: false,
        possible_contact: alert.possible_contact,
    }
}

/// Hosts of two members are never the same: a sensor's key is its own.
fn pseudonym(member: &str, client: u64) -> Pseudonym {
    let of_member = member
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3));
    Pseudonym(Random::seeded(of_member ^ client).next_u64())
}

fn updated(place: &mut Place<'_>, update: &Update) -> AlertUpdated {
    place.evidence = place.evidence.max(update.evidence.unwrap_or(Evidence::Blocked));
    place.server = update.server.or(place.server);
    place.port = update.port.or(place.port);
    let by_flow = place.server.is_some() || place.evidence >= Evidence::Attempted;
    AlertUpdated {
        alert: Seq(place.seq),
        count_increase: update.increase,
        first_seen: place.first,
        last_seen: update.last,
        evidence: place.evidence,
        circumstances: place.circumstances,
        seen_at: Where {
            server: place.server,
            port: place.port.or(Some(if by_flow { 443 } else { 53 })),
            protocol: if by_flow { Protocol::TCP } else { Protocol::UDP },
        },
        regularity: update.regular_s.map(|interval| Regularity {
            contacts: u32::try_from(update.increase).unwrap_or(u32::MAX),
            median_interval_ms: interval.saturating_mul(1_000),
            spread_ms: interval.saturating_mul(20),
        }),
        closed: update.closed,
    }
}
