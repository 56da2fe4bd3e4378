//! A batch in columns, and back to the very octets its records have in the spool: what most alerts share is said once.
//!
//! # Layout (version 2 of the conversation)
//! ```text
//! flags      1      bit 0: both ends forget their dictionaries first
//! first_seq  varint the batch's first number; the others follow
//! count      varint records, 1 to BATCH_MAX_RECORDS
//! kinds      column 0 = an alert opened, 1 = updated, 2 = as it stands
//! as they stand     a column of lengths, then their octets
//! times      varint zigzag of the first, then a column: each less the one before, zigzag (kinds 0 and 1)
//! opened            indicator (place), site, revision, direction, host (place), labels left, where (place), how far,
//!                   time less first seen, last less first seen (zigzag), count: a column each
//! updated           own number less the alert's, count's increase, time less first seen, time less last seen (zigzag),
//!                   how far, where (place): a column each; of those with regularity contacts, median, spread
//! ```
//! *How far* is evidence × 32, and bits: 1 by a resolver, 2 looked up by another, 4 possible contact, 8 closed, 16 with
//! regularity. A *place* is one in a dictionary; the place behind the last is of an entry said for the first time. Those
//! follow the column of places, column by column: an indicator's number (less the one before, zigzag) and its severity × 4
//! with bits 1 exercise, 2 retro; a host's zone (number × 64, levels of K, I, T × 16, 4, 1, all × 2, 1 more with a
//! pseudonym) and the pseudonyms of those that have one, 8 octets each; a place's protocol with bits 256 IPv4, 512 IPv6,
//! 1024 a port, then the ports, then the addresses in 4 or 16 octets.
//!
//! A *varint* has seven bits an octet, the lowest first. A *column* begins with how it is written: 0 all the same (one
//! varint), 1 each a varint, 2 runs (how many, which), 3 + n packed in n bits each, the lowest first. An empty one is nothing.
//!
//! # Rules
//! A batch that does not follow the one before it must forget first, so that a resend never hangs on what came of the
//! first try. A full dictionary takes in nothing more; the sender forgets before the next batch. What is no alert, or would not come
//! back octet for octet, travels as it stands. The reader holds at most [`DICTIONARY_MAX_ENTRIES`] of each sort,
//! [`UNPACKER_MAX_OCTETS`] a session, and while it reads, columns of [`BATCH_MAX_RECORDS`] numbers, 20 × 8 KiB, and the
//! batch itself, at most [`BATCH_UNPACKED_MAX_OCTETS`].

mod column;
mod dictionary;
mod entry;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::samples;

use crate::alert::{AlertOpened, AlertUpdated, Direction, Regularity};
use crate::codec::Malformed;
use crate::id::{Epoch, IndicatorId, Revision, Seq, SiteId};
use crate::limits::{BATCH_MAX_RECORDS, BATCH_UNPACKED_MAX_OCTETS, DICTIONARY_MAX_ENTRIES, RECORD_MAX_OCTETS};
use crate::message::Batch;
use crate::record::{Record, RecordBody};
use crate::time::Timestamp;
use column::{Reader, unzigzag, write_column, write_varint, zigzag};
use dictionary::{Heard, Said};
use entry::{
    CLOSED, Host, Listed, Place, REGULAR, how_far, read_fresh_hosts, read_fresh_listed, read_fresh_places,
    read_how_far, write_fresh_hosts, write_fresh_listed, write_fresh_places,
};

const FORGET: u8 = 1;
const OPENED: u64 = 0;
const UPDATED: u64 = 1;
const AS_IT_STANDS: u64 = 2;

/// A batch in columns, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactBatch {
    /// See above.
    pub octets: Vec<u8>,
}

/// The sending end of a session's alerts.
#[derive(Debug, Default)]
pub struct Packer {
    listed: Said<Listed>,
    hosts: Said<Host>,
    places: Said<Place>,
    next: Option<Seq>,
}

fn difference(of: i64, less: i64) -> u64 {
    zigzag(of.wrapping_sub(less))
}

fn sum(base: i64, difference: u64) -> i64 {
    base.wrapping_add(unzigzag(difference))
}

impl Packer {
    /// Packs the session's next batch. One that does not follow the last begins anew.
    pub fn pack(&mut self, batch: &Batch) -> CompactBatch {
        let full = self.listed.is_full() || self.hosts.is_full() || self.places.is_full();
        let forget = self.next != Some(batch.first_seq) || full;
        if forget {
            *self = Packer::default();
        }
        self.next = batch.last_seq().map(Seq::next);
        let mut out = vec![if forget { FORGET } else { 0 }];
        write_varint(&mut out, batch.first_seq.0);
        write_varint(&mut out, batch.records.len() as u64);

        let (mut kinds, mut times, mut standing) = (Vec::new(), Vec::new(), Vec::new());
        let (mut opened, mut updated) = (Vec::new(), Vec::new());
        for (seq, octets) in (batch.first_seq.0..).zip(&batch.records) {
            // Only what this program would write the same way can be taken apart and put together again.
            let record = Record::from_octets(octets).ok();
            match record.filter(|record| record.to_octets().is_ok_and(|again| again == *octets)) {
                Some(Record { time, body: RecordBody::Opened(body) }) => {
                    kinds.push(OPENED);
                    times.push(time.0);
                    opened.push((time.0, body));
                }
                Some(Record { time, body: RecordBody::Updated(body) }) => {
                    kinds.push(UPDATED);
                    times.push(time.0);
                    updated.push((seq, time.0, body));
                }
                Some(Record {
                    body:
                        RecordBody::Loss { .. }
                        | RecordBody::GivenUp { .. }
                        | RecordBody::Event(_)
                        | RecordBody::CrowdOpened(_)
                        | RecordBody::CrowdUpdated(_)
                        | RecordBody::Braked(_),
                    ..
                })
                | None => {
                    kinds.push(AS_IT_STANDS);
                    standing.push(octets);
                }
            }
        }
        write_column(&mut out, &kinds);
        let lengths: Vec<u64> = standing.iter().map(|octets| octets.len() as u64).collect();
        write_column(&mut out, &lengths);
        standing.iter().for_each(|octets| out.extend_from_slice(octets));
        if let Some(first) = times.first() {
            write_varint(&mut out, zigzag(*first));
            let steps: Vec<u64> = times
                .windows(2)
                .map(|pair| pair.first().zip(pair.last()).map_or(0, |(a, b)| difference(*b, *a)))
                .collect();
            write_column(&mut out, &steps);
        }
        self.pack_opened(&mut out, &opened);
        self.pack_updated(&mut out, &updated);
        CompactBatch { octets: out }
    }

    fn pack_opened(&mut self, out: &mut Vec<u8>, opened: &[(i64, AlertOpened)]) {
        let column = |of: &dyn Fn(&(i64, AlertOpened)) -> u64| opened.iter().map(of).collect::<Vec<u64>>();
        let mut fresh = Vec::new();
        let listed: Vec<u64> =
            opened.iter().map(|(_, alert)| self.listed.place(Listed::of(alert), &mut fresh)).collect();
        write_column(out, &listed);
        write_fresh_listed(out, &fresh);
        write_column(out, &column(&|(_, alert)| u64::from(alert.site.0)));
        write_column(out, &column(&|(_, alert)| alert.revision.0));
        write_column(
            out,
            &column(&|(_, alert)| match alert.direction {
                Direction::Outbound => 0,
                Direction::Inbound => 1,
            }),
        );
        let mut fresh = Vec::new();
        let hosts: Vec<u64> = opened.iter().map(|(_, alert)| self.hosts.place(Host::of(alert), &mut fresh)).collect();
        write_column(out, &hosts);
        write_fresh_hosts(out, &fresh);
        write_column(out, &column(&|(_, alert)| u64::from(alert.labels_left)));
        let mut fresh = Vec::new();
        let places: Vec<u64> =
            opened.iter().map(|(_, alert)| self.places.place(Place(alert.seen_at), &mut fresh)).collect();
        write_column(out, &places);
        write_fresh_places(out, &fresh);
        write_column(out, &column(&|(_, alert)| how_far(alert.evidence, alert.circumstances, 0)));
        write_column(out, &column(&|(time, alert)| difference(*time, alert.first_seen.0)));
        write_column(out, &column(&|(_, alert)| difference(alert.last_seen.0, alert.first_seen.0)));
        write_column(out, &column(&|(_, alert)| alert.count));
    }

    fn pack_updated(&mut self, out: &mut Vec<u8>, updated: &[(u64, i64, AlertUpdated)]) {
        let column = |of: &dyn Fn(&(u64, i64, AlertUpdated)) -> u64| updated.iter().map(of).collect::<Vec<u64>>();
        write_column(out, &column(&|(seq, _, update)| difference(seq.cast_signed(), update.alert.0.cast_signed())));
        write_column(out, &column(&|(_, _, update)| update.count_increase));
        write_column(out, &column(&|(_, time, update)| difference(*time, update.first_seen.0)));
        write_column(out, &column(&|(_, time, update)| difference(*time, update.last_seen.0)));
        write_column(
            out,
            &column(&|(_, _, update)| {
                let closed = if update.closed { CLOSED } else { 0 };
                let regular = if update.regularity.is_some() { REGULAR } else { 0 };
                how_far(update.evidence, update.circumstances, closed | regular)
            }),
        );
        let mut fresh = Vec::new();
        let places: Vec<u64> =
            updated.iter().map(|(_, _, update)| self.places.place(Place(update.seen_at), &mut fresh)).collect();
        write_column(out, &places);
        write_fresh_places(out, &fresh);
        let regular: Vec<Regularity> = updated.iter().filter_map(|(_, _, update)| update.regularity).collect();
        write_column(out, &regular.iter().map(|said| u64::from(said.contacts)).collect::<Vec<u64>>());
        write_column(out, &regular.iter().map(|said| said.median_interval_ms).collect::<Vec<u64>>());
        write_column(out, &regular.iter().map(|said| said.spread_ms).collect::<Vec<u64>>());
    }
}

/// What the dictionaries of a receiving end take at the most.
pub const UNPACKER_MAX_OCTETS: usize =
    DICTIONARY_MAX_ENTRIES * (size_of::<Listed>() + size_of::<Host>() + size_of::<Place>());

/// The receiving end of a session's alerts.
#[derive(Debug, Default)]
pub struct Unpacker {
    listed: Heard<Listed>,
    hosts: Heard<Host>,
    places: Heard<Place>,
    next: Option<Seq>,
}

/// A value that must lie within a smaller type.
fn within<T: TryFrom<u64>>(number: u64) -> Result<T, Malformed> {
    T::try_from(number).map_err(|_| Malformed::Refused(format!("{number} is too large for its place")))
}

fn at_most(size: usize, max: usize) -> Result<(), Malformed> {
    if size > max { Err(Malformed::TooLarge { size, max }) } else { Ok(()) }
}

impl Unpacker {
    /// The batch, its records as their spool holds them.
    ///
    /// # Errors
    /// [`Malformed`]; the session must end then, for both ends no longer know the same.
    pub fn unpack(&mut self, epoch: Epoch, batch: &CompactBatch) -> Result<Batch, Malformed> {
        let mut reader = Reader(&batch.octets);
        let flags = reader.octet()?;
        let first_seq = Seq(reader.varint()?);
        let count: usize = within(reader.varint()?)?;
        if flags > FORGET || count == 0 {
            return Err(Malformed::Refused("a batch of no known form".to_owned()));
        }
        at_most(count, BATCH_MAX_RECORDS)?;
        // Numbers are counted on from here, in 63 bits at the collector: none may run out of them.
        if first_seq.0.checked_add(count as u64).is_none_or(|behind| i64::try_from(behind).is_err()) {
            return Err(Malformed::Refused("records numbered beyond what can be counted".to_owned()));
        }
        if flags == FORGET {
            *self = Unpacker::default();
        } else if self.next != Some(first_seq) {
            return Err(Malformed::Refused("a batch out of turn that does not begin anew".to_owned()));
        }
        let kinds = reader.column(count)?;
        let of = |kind| kinds.iter().filter(|own| **own == kind).count();
        let (opened, updated, standing) = (of(OPENED), of(UPDATED), of(AS_IT_STANDS));
        if opened + updated + standing != count {
            return Err(Malformed::Refused("a record of no known kind".to_owned()));
        }
        let lengths = reader.column(standing)?;
        let mut standing = Vec::with_capacity(lengths.len());
        for length in lengths {
            let length: usize = within(length)?;
            at_most(length, RECORD_MAX_OCTETS)?;
            standing.push(reader.octets(length)?.to_vec());
        }
        let mut times = Vec::with_capacity(opened + updated);
        if opened + updated > 0 {
            let mut time = unzigzag(reader.varint()?);
            times.push(time);
            for step in reader.column(opened + updated - 1)? {
                time = sum(time, step);
                times.push(time);
            }
        }
        let alerts = kinds.iter().zip(first_seq.0..).filter(|(kind, _)| **kind != AS_IT_STANDS).zip(times);
        let (mut opened_at, mut updated_at) = (Vec::with_capacity(opened), Vec::with_capacity(updated));
        for ((kind, seq), time) in alerts {
            if *kind == OPENED { opened_at.push(time) } else { updated_at.push((seq, time)) }
        }
        let mut opened = self.unpack_opened(&mut reader, &opened_at)?.into_iter();
        let mut updated = self.unpack_updated(&mut reader, &updated_at)?.into_iter();
        let mut standing = standing.into_iter();
        if !reader.0.is_empty() {
            return Err(Malformed::LeftOver(reader.0.len()));
        }
        let (mut records, mut octets) = (Vec::with_capacity(count), 0);
        for kind in &kinds {
            let record = match *kind {
                OPENED => opened.next().map(|record| record.to_octets()),
                UPDATED => updated.next().map(|record| record.to_octets()),
                _ => standing.next().map(Ok),
            };
            let record = record.ok_or(Malformed::CutShort)?.map_err(|error| Malformed::Refused(error.to_string()))?;
            octets += record.len();
            at_most(octets, BATCH_UNPACKED_MAX_OCTETS)?;
            records.push(record);
        }
        let batch = Batch { epoch, first_seq, records };
        self.next = batch.last_seq().map(Seq::next);
        Ok(batch)
    }

    fn unpack_opened(&mut self, reader: &mut Reader, times: &[i64]) -> Result<Vec<Record>, Malformed> {
        let count = times.len();
        let places = reader.column(count)?;
        let fresh = read_fresh_listed(reader, self.listed.fresh_in(&places)?)?;
        let listed = self.listed.resolve(&places, fresh)?;
        let sites = reader.column(count)?;
        let revisions = reader.column(count)?;
        let directions = reader.column(count)?;
        let places = reader.column(count)?;
        let fresh = read_fresh_hosts(reader, self.hosts.fresh_in(&places)?)?;
        let hosts = self.hosts.resolve(&places, fresh)?;
        let labels = reader.column(count)?;
        let places = reader.column(count)?;
        let fresh = read_fresh_places(reader, self.places.fresh_in(&places)?)?;
        let seen_at = self.places.resolve(&places, fresh)?;
        let how_far = reader.column(count)?;
        let first = reader.column(count)?;
        let last = reader.column(count)?;
        let counts = reader.column(count)?;
        let facts = listed.into_iter().zip(sites).zip(revisions).zip(directions).zip(hosts).zip(labels);
        let sighted = seen_at.into_iter().zip(how_far).zip(first).zip(last).zip(counts).zip(times);
        let mut records = Vec::with_capacity(count);
        for (facts, sighted) in facts.zip(sighted) {
            let (((((listed, site), revision), direction), host), labels_left) = facts;
            let (((((seen_at, how_far), first), last), count), time) = sighted;
            let (evidence, circumstances, rest) = read_how_far(how_far)?;
            if rest != 0 {
                return Err(Malformed::Refused("an alert opened and closed at once".to_owned()));
            }
            let first_seen = time.wrapping_sub(unzigzag(first));
            let (client, zone) = host.read()?;
            let (severity, marks) = listed.read()?;
            let body = AlertOpened {
                site: SiteId(within(site)?),
                indicator: IndicatorId(listed.indicator),
                revision: Revision(revision),
                severity,
                marks,
                client,
                zone,
                direction: match direction {
                    0 => Direction::Outbound,
                    1 => Direction::Inbound,
                    _ => return Err(Malformed::Refused("a direction there is not".to_owned())),
                },
                evidence,
                circumstances,
                labels_left: within(labels_left)?,
                seen_at: seen_at.0,
                first_seen: Timestamp(first_seen),
                last_seen: Timestamp(sum(first_seen, last)),
                count,
            };
            records.push(Record { time: Timestamp(*time), body: RecordBody::Opened(body) });
        }
        Ok(records)
    }

    fn unpack_updated(&mut self, reader: &mut Reader, numbered: &[(u64, i64)]) -> Result<Vec<Record>, Malformed> {
        let count = numbered.len();
        let alerts = reader.column(count)?;
        let increases = reader.column(count)?;
        let first = reader.column(count)?;
        let last = reader.column(count)?;
        let how_far = reader.column(count)?;
        let places = reader.column(count)?;
        let fresh = read_fresh_places(reader, self.places.fresh_in(&places)?)?;
        let seen_at = self.places.resolve(&places, fresh)?;
        let regular = how_far.iter().filter(|how| **how & REGULAR != 0).count();
        let (contacts, medians, spreads) = (reader.column(regular)?, reader.column(regular)?, reader.column(regular)?);
        let mut regularities = contacts.into_iter().zip(medians).zip(spreads);
        let mut records = Vec::with_capacity(count);
        let said = numbered.iter().zip(alerts).zip(increases).zip(first).zip(last).zip(how_far).zip(seen_at);
        for ((((((&(seq, time), alert), count_increase), first), last), how_far), seen_at) in said {
            let (evidence, circumstances, rest) = read_how_far(how_far)?;
            let regularity = match (rest & REGULAR != 0).then(|| regularities.next()).flatten() {
                Some(((contacts, median_interval_ms), spread_ms)) => {
                    Some(Regularity { contacts: within(contacts)?, median_interval_ms, spread_ms })
                }
                None => None,
            };
            let body = AlertUpdated {
                alert: Seq(seq.wrapping_sub(unzigzag(alert).cast_unsigned())),
                count_increase,
                first_seen: Timestamp(time.wrapping_sub(unzigzag(first))),
                last_seen: Timestamp(time.wrapping_sub(unzigzag(last))),
                evidence,
                circumstances,
                seen_at: seen_at.0,
                regularity,
                closed: rest & CLOSED != 0,
            };
            records.push(Record { time: Timestamp(time), body: RecordBody::Updated(body) });
        }
        Ok(records)
    }
}
