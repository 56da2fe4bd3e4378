//! Promise: a published indicator comes into force at fifty connected sensors (the time is the bench's business).

use anyhow::Result;
use varde_tests::fleet::Fleet;

#[test]
fn a_published_list_comes_into_force_at_fifty_connected_sensors() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut fleet = Fleet::connected(&folder.path().join("collector"), 50)?;
    let times = fleet.publish("vond.example\n", 1)?;
    assert_eq!(times.len(), 50);
    let times = fleet.publish("annen.example\n", 2)?;
    assert_eq!(times.len(), 50);
    fleet.stop()
}
