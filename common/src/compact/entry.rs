//! The entries of a session's dictionaries, as they are said the first time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::column::{Reader, unzigzag, write_column, zigzag};
use super::within;
use crate::alert::{AlertOpened, Circumstances, Evidence, Level, Where, Zone};
use crate::codec::Malformed;
use crate::id::Pseudonym;
use crate::indicator::{Marks, Severity};
use crate::observation::Protocol;

/// In *how far*: the alert is closed.
pub(super) const CLOSED: u64 = 8;
/// In *how far*: regularity is told.
pub(super) const REGULAR: u64 = 16;

const HAS_IPV4: u64 = 256;
const HAS_IPV6: u64 = 512;
const HAS_PORT: u64 = 1024;

/// An indicator with what the list says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Listed {
    /// Its number.
    pub(super) indicator: u64,
    facts: u64,
}

impl Listed {
    pub(super) fn of(alert: &AlertOpened) -> Listed {
        let Marks { exercise, retro } = alert.marks;
        let facts = u64::from(alert.severity.level()) * 4 + u64::from(exercise) + u64::from(retro) * 2;
        Listed { indicator: alert.indicator.0, facts }
    }

    pub(super) fn read(self) -> Result<(Severity, Marks), Malformed> {
        let severity = match self.facts / 4 {
            level @ 0..=4 => Severity::from_level(within(level)?),
            _ => return Err(Malformed::Refused("a severity there is not".to_owned())),
        };
        Ok((severity, Marks { exercise: self.facts & 1 != 0, retro: self.facts & 2 != 0 }))
    }
}

/// A host and where it stands; or no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Host {
    pseudonym: Option<u64>,
    zone: u64,
}

impl Host {
    pub(super) fn of(alert: &AlertOpened) -> Host {
        let digit = |level| match level {
            Level::Low => 0,
            Level::Medium => 1,
            Level::High => 2,
        };
        let Zone { id, confidentiality, integrity, availability } = alert.zone;
        let levels = digit(confidentiality) * 16 + digit(integrity) * 4 + digit(availability);
        Host { pseudonym: alert.client.map(|client| client.0), zone: u64::from(id) * 64 + levels }
    }

    pub(super) fn read(self) -> Result<(Option<Pseudonym>, Zone), Malformed> {
        let level = |digit| match digit & 3 {
            0 => Ok(Level::Low),
            1 => Ok(Level::Medium),
            2 => Ok(Level::High),
            _ => Err(Malformed::Refused("a level there is not".to_owned())),
        };
        let zone = Zone {
            id: within(self.zone / 64)?,
            confidentiality: level(self.zone / 16)?,
            integrity: level(self.zone / 4)?,
            availability: level(self.zone)?,
        };
        Ok((self.pseudonym.map(Pseudonym), zone))
    }
}

/// Where something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(pub(super) Where);

/// Evidence, circumstances and the two bits of an update as one number.
pub(super) fn how_far(evidence: Evidence, circumstances: Circumstances, rest: u64) -> u64 {
    let step = match evidence {
        Evidence::Blocked => 0,
        Evidence::LookedUp => 1,
        Evidence::Answered => 2,
        Evidence::Attempted => 3,
        Evidence::Contacted => 4,
        Evidence::DataOut => 5,
    };
    let Circumstances { by_resolver, looked_up_by_other, possible_contact } = circumstances;
    step * 32 + u64::from(by_resolver) + u64::from(looked_up_by_other) * 2 + u64::from(possible_contact) * 4 + rest
}

/// The same taken apart; last the two bits of an update.
pub(super) fn read_how_far(number: u64) -> Result<(Evidence, Circumstances, u64), Malformed> {
    let evidence = match number / 32 {
        0 => Evidence::Blocked,
        1 => Evidence::LookedUp,
        2 => Evidence::Answered,
        3 => Evidence::Attempted,
        4 => Evidence::Contacted,
        5 => Evidence::DataOut,
        _ => return Err(Malformed::Refused("evidence there is not".to_owned())),
    };
    let circumstances = Circumstances {
        by_resolver: number & 1 != 0,
        looked_up_by_other: number & 2 != 0,
        possible_contact: number & 4 != 0,
    };
    Ok((evidence, circumstances, number & (CLOSED | REGULAR)))
}

pub(super) fn write_fresh_listed(out: &mut Vec<u8>, fresh: &[Listed]) {
    let mut before = 0u64;
    let steps = fresh.iter().map(|listed| {
        let step = zigzag(listed.indicator.wrapping_sub(before).cast_signed());
        before = listed.indicator;
        step
    });
    let steps: Vec<u64> = steps.collect();
    write_column(out, &steps);
    write_column(out, &fresh.iter().map(|listed| listed.facts).collect::<Vec<u64>>());
}

pub(super) fn read_fresh_listed(reader: &mut Reader, count: usize) -> Result<Vec<Listed>, Malformed> {
    let steps = reader.column(count)?;
    let facts = reader.column(count)?;
    let mut indicator = 0u64;
    let listed = steps.into_iter().zip(facts).map(|(step, facts)| {
        indicator = indicator.wrapping_add(unzigzag(step).cast_unsigned());
        Listed { indicator, facts }
    });
    Ok(listed.collect())
}

pub(super) fn write_fresh_hosts(out: &mut Vec<u8>, fresh: &[Host]) {
    let column = fresh.iter().map(|host| host.zone * 2 + u64::from(host.pseudonym.is_some()));
    write_column(out, &column.collect::<Vec<u64>>());
    // Pseudonyms look random: nothing is shorter than themselves.
    fresh.iter().filter_map(|host| host.pseudonym).for_each(|own| out.extend_from_slice(&own.to_le_bytes()));
}

pub(super) fn read_fresh_hosts(reader: &mut Reader, count: usize) -> Result<Vec<Host>, Malformed> {
    let column = reader.column(count)?;
    let host = |said: u64| {
        let pseudonym = match said & 1 {
            0 => None,
            _ => Some(u64::from_le_bytes(reader.array()?)),
        };
        Ok(Host { pseudonym, zone: said / 2 })
    };
    column.into_iter().map(host).collect()
}

pub(super) fn write_fresh_places(out: &mut Vec<u8>, fresh: &[Place]) {
    let said = fresh.iter().map(|Place(place)| {
        let family = match place.server {
            None => 0,
            Some(IpAddr::V4(_)) => HAS_IPV4,
            Some(IpAddr::V6(_)) => HAS_IPV6,
        };
        u64::from(place.protocol.0) + family + if place.port.is_some() { HAS_PORT } else { 0 }
    });
    write_column(out, &said.collect::<Vec<u64>>());
    let ports = fresh.iter().filter_map(|Place(place)| place.port.map(u64::from));
    write_column(out, &ports.collect::<Vec<u64>>());
    for Place(place) in fresh {
        match place.server {
            None => {}
            Some(IpAddr::V4(address)) => out.extend_from_slice(&address.octets()),
            Some(IpAddr::V6(address)) => out.extend_from_slice(&address.octets()),
        }
    }
}

pub(super) fn read_fresh_places(reader: &mut Reader, count: usize) -> Result<Vec<Place>, Malformed> {
    let said = reader.column(count)?;
    let ports = reader.column(said.iter().filter(|said| **said & HAS_PORT != 0).count())?;
    let mut ports = ports.into_iter();
    let place = |said: u64| {
        let server = match said & (HAS_IPV4 | HAS_IPV6) {
            0 => None,
            HAS_IPV4 => Some(IpAddr::V4(Ipv4Addr::from(reader.array::<4>()?))),
            HAS_IPV6 => Some(IpAddr::V6(Ipv6Addr::from(reader.array::<16>()?))),
            _ => return Err(Malformed::Refused("an address of two families".to_owned())),
        };
        let port = if said & HAS_PORT != 0 { ports.next() } else { None };
        let protocol = Protocol(within(said & !(HAS_IPV4 | HAS_IPV6 | HAS_PORT))?);
        Ok(Place(Where { server, port: port.map(within).transpose()?, protocol }))
    };
    said.into_iter().map(place).collect()
}
