//! Draws a year: its people, what happens to them, and the noise of every day. The same seed and parameters give the same year.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::Result;
use varde_common::alert::{Direction, Evidence, Level};
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use crate::random::Random;
use crate::sector::file::{Alert, Arrival, Indicator, Truth, Update, Year};
use crate::sector::parameters::Parameters;
use crate::sector::people::People;
use crate::sector::scenario;

/// 2026-01-01 00:00 UTC, a Thursday.
pub const BEGINS: Timestamp = Timestamp(1_767_225_600_000_000);
/// Seconds of an hour.
pub const HOUR_S: u64 = 3_600;
/// Seconds of a day.
pub const DAY_S: u64 = 24 * HOUR_S;
/// 198.18.0.0, the first of the addresses set aside for benchmarks (RFC 2544).
const ADDRESSES_FROM: u32 = 0xc612_0000;
/// There are so many of them.
const ADDRESSES: u32 = 1 << 17;
/// Of these the first are large networks' that everybody uses.
const LARGE_NETWORKS: u32 = 8;
/// Everyday alerts that are contact, in a hundred.
const NOISE_CONTACT_PERCENT: u64 = 35;

/// What a host did, before it becomes an alert with its updates.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The member, by its place.
    pub place: usize,
    /// The host; none = no host.
    pub client: Option<u64>,
    /// The indicator's pattern.
    pub indicator: String,
    /// What it belongs to.
    pub truth: Option<String>,
    /// When.
    pub at: Timestamp,
    /// How far it got in the end.
    pub evidence: Evidence,
    /// Where it led.
    pub server: IpAddr,
    /// That address is others' too.
    pub is_shared: bool,
    /// Median seconds between contacts that are regular.
    pub regular_s: Option<u64>,
    /// Found in history, at this moment.
    pub found_at: Option<Timestamp>,
}

/// A year that is being drawn.
pub struct Draw<'a> {
    /// What it is drawn by.
    pub parameters: &'a Parameters,
    /// What it is drawn from.
    pub random: Random,
    /// To whom it happens.
    pub people: People,
    year: Year,
    alerts: u64,
    names: u64,
    addresses: u32,
}

/// Draws a year.
///
/// # Errors
/// None for parameters that were read.
pub fn draw(parameters: &Parameters, seed: u64) -> Result<Year> {
    let mut random = Random::seeded(seed);
    let people = People::draw(parameters, &mut random);
    let mut year = Year::new(parameters.days, Some(seed), Some(serde_json::to_value(parameters)?));
    year.members = people.all.iter().map(|person| person.member.clone()).collect();
    let mut draw = Draw { parameters, random, people, year, alerts: 0, names: 0, addresses: LARGE_NETWORKS };
    scenario::all(&mut draw);
    noise(&mut draw);
    let Draw { mut year, .. } = draw;
    year.sort();
    Ok(year)
}

/// So many seconds after the year began.
pub fn at_s(seconds: u64) -> Timestamp {
    BEGINS.plus(Duration::from_secs(seconds))
}

impl Draw<'_> {
    /// Seconds from the beginning to a moment of a working day that leaves so many days of the year after it.
    pub fn workday_s(&mut self, days_after: u64) -> u64 {
        let last = u64::from(self.parameters.days).saturating_sub(days_after + 1);
        loop {
            let day = self.random.within(u64::from(last > 3), last);
            // Day 0 is a Thursday: days 2 and 3 are a weekend.
            if day % 7 != 2 && day % 7 != 3 {
                return day * DAY_S + self.random.within(6 * HOUR_S, 14 * HOUR_S);
            }
        }
    }

    /// A name that was never used before.
    pub fn label(&mut self) -> String {
        self.names += 1;
        let drawn = self.random.below(36 * 36 * 36);
        format!("{drawn:05x}{}", self.names)
    }

    /// Under which names stand.
    pub fn suffix(&self) -> &'static str {
        match self.parameters.public_suffix {
            0 => "example",
            _ => "no",
        }
    }

    /// An address that nobody else has.
    pub fn address(&mut self) -> IpAddr {
        self.addresses = LARGE_NETWORKS.max((self.addresses + 1) % ADDRESSES);
        IpAddr::V4(Ipv4Addr::from(ADDRESSES_FROM + self.addresses))
    }

    /// An address of a network that everybody uses.
    pub fn large_network(&mut self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(ADDRESSES_FROM + self.random.below(u64::from(LARGE_NETWORKS)) as u32))
    }

    /// A host of a member.
    pub fn host(&mut self, place: usize) -> u64 {
        let hosts = self.people.all.get(place).map_or(1, |person| person.hosts);
        1 + self.random.below(hosts)
    }

    /// Says what is known of a name.
    pub fn truth(&mut self, truth: Truth) -> String {
        let name = truth.name.clone();
        self.year.truths.push(truth);
        name
    }

    /// Adds an indicator; gives its pattern.
    pub fn indicator(&mut self, indicator: Indicator) -> String {
        let pattern = indicator.pattern.clone();
        self.year.indicators.push(indicator);
        pattern
    }

    /// How far a host gets in a campaign.
    pub fn campaign_evidence(&mut self) -> Evidence {
        if self.random.percent(u64::from(self.parameters.blocked_percent)) {
            return Evidence::Blocked;
        }
        match self.random.below(100) {
            0..40 => Evidence::Answered,
            40..45 => Evidence::Attempted,
            45..93 => Evidence::Contacted,
            _ => Evidence::DataOut,
        }
    }

    /// It becomes an alert, and what its sensor says of it later.
    pub fn hit(&mut self, hit: Hit) {
        let Hit { place, client, indicator, truth, at, evidence, server, is_shared, regular_s, found_at } = hit;
        let Some(member) = self.people.all.get(place).map(|person| person.member.number.clone()) else { return };
        self.alerts += 1;
        let alert = self.alerts;
        let mut held_up = Duration::from_secs(self.random.within(1, 20));
        if self.random.percent(u64::from(self.parameters.late_percent)) {
            held_up += Duration::from_secs(self.random.within(HOUR_S, 2 * DAY_S));
        }
        let arrived = found_at.unwrap_or(at).plus(held_up);
        // By address only, and others have it too: possible contact, not shown (decision 21).
        let evidence = if is_shared { evidence.min(Evidence::Answered) } else { evidence };
        let rises = found_at.is_none() && evidence > Evidence::Answered && self.random.percent(60);
        let begun = if rises { Evidence::Answered } else { evidence };
        let flow = |evidence: Evidence| evidence > Evidence::Answered;
        let level = match self.random.below(10) {
            0..3 => Level::Low,
            3..8 => Level::Medium,
            _ => Level::High,
        };
        self.year.arrivals.push(Arrival::Opened(Alert {
            alert,
            arrived,
            member,
            indicator,
            truth,
            client,
            direction: Direction::Outbound,
            evidence: begun,
            first: at,
            last: None,
            count: 1 + self.random.below(4),
            server: (flow(begun) || is_shared).then_some(server),
            port: (flow(begun) || is_shared).then_some(443),
            level,
            by_resolver: false,
            possible_contact: is_shared,
            retro: found_at.is_some(),
        }));
        let update = |delay_s: u64| {
            let last = at.plus(Duration::from_secs(delay_s));
            Update {
                alert,
                arrived: last.plus(held_up),
                last,
                evidence: None,
                increase: 1,
                server: None,
                port: None,
                regular_s: None,
                closed: false,
            }
        };
        if rises {
            let (server, port) = (Some(server), Some(443));
            let update = update(self.random.within(20, 600));
            self.year.arrivals.push(Arrival::Updated(Update { evidence: Some(evidence), server, port, ..update }));
        }
        if found_at.is_none() && (regular_s.is_some() || self.random.percent(25)) {
            let increase = regular_s.map_or(2, |interval| 6 * HOUR_S / interval.max(60) + 1);
            let update = update(6 * HOUR_S);
            self.year.arrivals.push(Arrival::Updated(Update {
                regular_s,
                increase,
                closed: regular_s.is_none(),
                ..update
            }));
        }
    }

    /// Something from outside knocks and is not answered: no host, no campaign.
    fn scan(&mut self, place: usize, indicator: String, at: Timestamp) {
        let Some(member) = self.people.all.get(place).map(|person| person.member.number.clone()) else { return };
        self.alerts += 1;
        self.year.arrivals.push(Arrival::Opened(Alert {
            alert: self.alerts,
            arrived: at.plus(Duration::from_secs(5)),
            member,
            server: indicator.parse().ok(),
            indicator,
            truth: None,
            client: None,
            direction: Direction::Inbound,
            evidence: Evidence::Attempted,
            first: at,
            last: None,
            count: 1,
            port: Some(443),
            level: Level::default(),
            by_resolver: false,
            possible_contact: false,
            retro: false,
        }));
    }
}

/// Indicators of one everyday source, published before the year began.
fn commodity(draw: &mut Draw<'_>, count: u64) -> Vec<String> {
    (0..count)
        .map(|_| {
            let label = draw.label();
            let said = Indicator {
                pattern: format!("{label}.{}", draw.suffix()),
                source: "Vareliste".into(),
                published: BEGINS,
                threat: None,
                confidence: draw.random.within(20, 60) as u8,
                severity: if draw.random.percent(60) { Severity::Low } else { Severity::Medium },
                exercise: false,
                tags: Vec::new(),
                techniques: Vec::new(),
            };
            draw.indicator(said)
        })
        .collect()
}

/// What comes every day and belongs to nothing.
fn noise(draw: &mut Draw<'_>) {
    let Parameters { days, noise_per_day, serious_per_day, scans_per_day, .. } = *draw.parameters;
    // Large enough that two members seldom meet the same within a week, small enough that they do.
    let pool = commodity(draw, u64::from(noise_per_day) * 300);
    let scanners: Vec<String> = (0..u64::from(scans_per_day) * 10)
        .map(|_| {
            let pattern = draw.address().to_string();
            let said = Indicator {
                pattern,
                source: "Skannere".into(),
                published: BEGINS,
                threat: None,
                confidence: 40,
                severity: Severity::Low,
                exercise: false,
                tags: Vec::new(),
                techniques: Vec::new(),
            };
            draw.indicator(said)
        })
        .collect();
    for day in 0..u64::from(days) {
        let is_weekend = matches!(day % 7, 2 | 3);
        let alerts = if is_weekend { noise_per_day / 3 } else { noise_per_day };
        for _ in 0..alerts {
            stray(draw, &pool, day);
        }
        for _ in 0..serious_per_day {
            serious(draw, day);
        }
        for _ in 0..scans_per_day {
            let (place, at) = (draw.people.one(&mut draw.random), at_s(day * DAY_S + draw.random.below(DAY_S)));
            if let Some(indicator) = draw.random.one_of(&scanners).cloned() {
                draw.scan(place, indicator, at);
            }
        }
    }
}

/// A host meets something common, and perhaps again tomorrow.
fn stray(draw: &mut Draw<'_>, pool: &[String], day: u64) {
    let place = draw.people.one(&mut draw.random);
    let client = Some(draw.host(place));
    let Some(indicator) = draw.random.one_of(pool).cloned() else { return };
    let at = at_s(day * DAY_S + draw.random.within(6 * HOUR_S, 16 * HOUR_S));
    let is_shared = draw.random.percent(30);
    let server = if is_shared { draw.large_network() } else { draw.address() };
    let evidence = match draw.random.below(100) {
        0..20 => Evidence::Blocked,
        contact if contact >= 100 - NOISE_CONTACT_PERCENT => Evidence::Contacted,
        _ => Evidence::Answered,
    };
    let hit =
        Hit { place, client, indicator, truth: None, at, evidence, server, is_shared, regular_s: None, found_at: None };
    if draw.random.percent(20) {
        draw.hit(Hit { at: at.plus(Duration::from_secs(DAY_S)), ..hit.clone() });
    }
    draw.hit(hit);
}

/// One host of one member is in touch with something sure: what an analyst is there for.
fn serious(draw: &mut Draw<'_>, day: u64) {
    let place = draw.people.one(&mut draw.random);
    let (client, label, server) = (Some(draw.host(place)), draw.label(), draw.address());
    let at = at_s(day * DAY_S + draw.random.within(6 * HOUR_S, 16 * HOUR_S));
    let said = Indicator {
        pattern: format!("{label}.{}", draw.suffix()),
        source: "Sikker kilde".into(),
        published: BEGINS,
        threat: None,
        confidence: draw.random.within(75, 95) as u8,
        severity: Severity::High,
        exercise: false,
        tags: Vec::new(),
        techniques: vec!["T1071.001".into()],
    };
    let indicator = draw.indicator(said);
    let hit = Hit {
        place,
        client,
        indicator,
        truth: None,
        at,
        evidence: Evidence::Contacted,
        server,
        is_shared: false,
        regular_s: Some(draw.random.within(60, 3_600)),
        found_at: None,
    };
    draw.hit(hit);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_year_and_a_small_one_has_every_shape() {
        let parameters = Parameters::small();
        let (year, other) = (draw(&parameters, 1).unwrap(), draw(&parameters, 2).unwrap());
        assert_eq!(year, draw(&parameters, 1).unwrap());
        assert_ne!(year, other);
        let mut written = Vec::new();
        year.write(&mut written).unwrap();
        assert_eq!(Year::read(written.as_slice()).unwrap(), year, "what is drawn is a file that is read");
        let mut shapes: BTreeMap<&str, usize> = BTreeMap::new();
        for truth in &year.truths {
            *shapes.entry(&truth.shape).or_default() += 1;
        }
        assert_eq!(shapes.len(), 10, "{shapes:?}");
        for truth in &year.truths {
            let hit = |arrival: &&Arrival| matches!(arrival, Arrival::Opened(alert) if alert.truth.as_ref() == Some(&truth.name));
            assert!(year.arrivals.iter().filter(hit).count() >= 2, "{} has no alerts", truth.name);
        }
    }

    #[test]
    fn more_is_drawn_where_more_is_asked_for() {
        let few = Parameters { sprays: 0, worms: 0, noise_per_day: 0, ..Parameters::small() };
        let shapes = |parameters: &Parameters, shape: &str| {
            draw(parameters, 3).unwrap().truths.iter().filter(|truth| truth.shape == shape).count()
        };
        assert_eq!((shapes(&few, "spray"), shapes(&few, "worm"), shapes(&few, "slow")), (0, 0, 1));
        let many = Parameters { sprays: 9, ..few };
        assert_eq!(shapes(&many, "spray"), 9);
    }
}
