//! Promises D7 and P1 at once: how a sensor sends what a week has left, and what a collector allows one sensor, agree. An honest one
//! is neither held back nor thrown out, whatever comes meanwhile and however often its session falls.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use varde_agent::io::clock;
use varde_agent::ship::{Next, Ship};
use varde_collector::limits::RECORD_STORED_OCTETS;
use varde_collector::quota::Quotas;
use varde_collector::session::{Action, Session};
use varde_common::codec::Text;
use varde_common::compact::Packer;
use varde_common::id::{Epoch, Revision, Seq, SiteId};
use varde_common::indicator::Severity;
use varde_common::limits::{BATCH_MAX_OCTETS, BATCH_MAX_RECORDS};
use varde_common::message::{Batch, Hello, PROTOCOLS, Stream, ToCollector};
use varde_common::time::Timestamp;
use varde_tests::spool_story::alert;

/// A week at ten times the usual.
const WAITING: u64 = 7 * 10 * 2_000;
/// What a long storm adds: more than any says in a minute, an hour through.
const STORM_PER_S: u64 = 60;
const EPOCH: Epoch = Epoch(7);
const ROUND_TRIP: Duration = Duration::from_millis(20);

/// A session that stands, at both ends.
fn stands() -> Result<(Session, Packer)> {
    let mut session = Session::new([SiteId(0)], PROTOCOLS);
    let refused = |why| anyhow::anyhow!("refused: {why:?}");
    session.handle_first(&ToCollector::Open(Stream::Control)).map_err(refused)?;
    let hello = Hello {
        protocol_min: *PROTOCOLS.start(),
        protocol_max: *PROTOCOLS.end(),
        agent_version: Text::cut("0.0.0-lab"),
        epoch: EPOCH,
        first_seq: Seq(1),
        next_seq: Seq(WAITING + 1),
        revision: Revision(1),
        root_version: 1,
        sites: vec![SiteId(0)],
        clock: Timestamp(0),
    };
    for message in [ToCollector::Kept(None), ToCollector::Hello(hello)] {
        session.handle_message(Stream::Control, message, clock::monotonic()).map_err(refused)?;
    }
    session.handle_first(&ToCollector::Open(Stream::Alerts)).map_err(refused)?;
    Ok((session, Packer::default()))
}

#[test]
fn d7_p1_an_honest_sensor_with_a_weeks_backlog_and_a_storm_behind_it_is_never_held_back_nor_thrown_out() -> Result<()> {
    let began = clock::monotonic();
    let record = alert(1, Severity::High).to_octets()?;
    let most = (BATCH_MAX_OCTETS / record.len()).min(BATCH_MAX_RECORDS) as u64;
    let (mut ship, mut quotas) = (Ship::new(EPOCH, Seq(1)), Quotas::default());
    let (mut session, mut packer) = stands()?;
    ship.handle_session(Seq(0))?;
    let mut under_way: VecDeque<Batch> = VecDeque::new();
    let (mut committed, mut batches, mut falls, mut drained) = (0, 0, 0, None);
    for round in 0..30_000 {
        let passed = ROUND_TRIP * round;
        let now = began + passed;
        let durable = WAITING + 1 + STORM_PER_S * passed.as_secs();
        ship.handle_durable(Seq(durable), now);
        while let Next::Send(first) = ship.poll(now) {
            let records = most.min(durable - first.0);
            ship.handle_sent(first, records as usize);
            under_way.push_back(Batch {
                epoch: EPOCH,
                first_seq: first,
                records: vec![record.clone(); records as usize],
            });
        }
        if round % 997 == 996 {
            // What is under way is lost with it, and comes again.
            under_way.clear();
            (session, packer) = stands()?;
            ship.handle_session(Seq(committed))?;
            falls += 1;
            continue;
        }
        let Some(batch) = under_way.pop_front() else { continue };
        let wait = quotas.wait(1, now);
        ensure!(wait.is_zero(), "held back for {wait:?} after {committed} records and {passed:?}");
        let said = ToCollector::Compact(packer.pack(&batch));
        let heard = match session.handle_message(Stream::Alerts, said, now) {
            Ok(Action::Ingest(heard)) => heard,
            other => bail!("after {committed} records: {other:?}"),
        };
        let last = heard.first_seq.0 + heard.records.len() as u64 - 1;
        ensure!(heard == batch && heard.first_seq.0 == committed + 1, "{} came after {committed}", heard.first_seq);
        quotas.handle_stored(1, (last - committed) * (record.len() as u64 + RECORD_STORED_OCTETS), now);
        (committed, batches) = (last, batches + 1);
        ship.handle_ack(EPOCH, Seq(committed))?;
        if drained.is_none() && committed >= WAITING {
            drained = Some(passed);
        }
    }
    let drained = drained.context("the week is not through in ten minutes")?;
    println!("{committed} records in {batches} batches, {falls} falls; the week was through after {drained:?}");
    let all = WAITING + STORM_PER_S * (ROUND_TRIP * 29_999).as_secs();
    ensure!(committed + 2 * most >= all, "{committed} of {all}: the storm is not kept up with");
    Ok(())
}
