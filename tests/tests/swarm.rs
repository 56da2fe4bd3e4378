//! Promises D1 and D2 of a whole swarm at once: what all of them send at the same time is stored once each, and after the collector was
//! stopped and started all are back and go on where they were (how fast is the business of `bench-swarm`).

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use varde_agent::io::clock::monotonic;
use varde_tests::fleet::Fleet;
use varde_tests::programs::PATIENCE;
use varde_tests::swarm::{Talk, Work, come_back, work_all};

const SENSORS: usize = 20;
/// Enough that batches of all of them stand before the database together, and few enough for a machine that is busy.
const PER_SECOND: f64 = 10.0;

#[test]
fn d1_d2_what_a_swarm_sends_is_stored_once_and_all_are_back_after_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut fleet = Fleet::connected(&folder.path().join("collector"), SENSORS)?;
    fleet.publish("vond.example\nverre.example\n", 1)?;
    let (mut collector, runtime, sensors) = fleet.into_parts();
    let mut talks = Vec::new();
    for ((sensor, session), seed) in sensors.into_iter().zip(1..) {
        talks.push(runtime.block_on(Talk::begin(Arc::new(sensor), session, seed))?);
    }
    let indicators: Vec<(i64,)> = collector.query("SELECT id FROM indicator ORDER BY id")?;
    let indicators: Arc<Vec<u64>> = Arc::new(indicators.into_iter().map(|(id,)| id.unsigned_abs()).collect());
    let mut acknowledged = 0;
    for round in 0..2 {
        let until = monotonic() + Duration::from_secs(2);
        let work = Work { per_second: Some(PER_SECOND), indicators: indicators.clone(), until };
        let (worked, done) = runtime.block_on(work_all(talks, &work))?;
        assert!(done.waits.len() >= SENSORS, "{} records were made", done.waits.len());
        acknowledged += i64::try_from(done.waits.len())?;
        let stored: Vec<(i64, i64, i64)> = collector.query(
            "SELECT (SELECT COUNT(*) FROM record), (SELECT SUM(committed_seq) FROM sensor), (SELECT SUM(replayed) FROM sensor)",
        )?;
        assert_eq!(stored.first(), Some(&(acknowledged, acknowledged, 0)), "round {round}");
        talks = worked;
        if round == 0 {
            let back = runtime.spawn(come_back(talks, monotonic(), PATIENCE));
            collector.stop()?;
            collector.start()?;
            let (returned, times) = runtime.block_on(back)??;
            assert_eq!(times.len(), SENSORS);
            let committed = |talk: &Talk| talk.session.answer.committed.0;
            let told: u64 = returned.iter().map(committed).sum();
            assert_eq!(told, acknowledged.unsigned_abs(), "each is told where it was");
            talks = returned;
        }
    }
    let counted: Vec<(i64,)> = collector.query("SELECT COALESCE(SUM(count), 0) FROM alert")?;
    let (counted,) = *counted.first().context("no count")?;
    assert!(counted >= acknowledged, "every record is a sighting at least: {counted} of {acknowledged}");
    drop(talks);
    collector.stop()
}
