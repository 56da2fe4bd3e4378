//! Indicators that met too many hosts at sensors, which tell further ones together by their own decision: by what they said of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::intel::hidden;
use crate::limits::{BRAKES_LISTED_MAX, BRAKES_SHOWN_FOR, DEMOTIONS_READ_MAX, DEMOTIONS_STAND_FOR};

/// What a sensor says of one that met too many hosts.
pub const INDICATOR_DEMOTED: &str = "indicator_demoted";
/// And when its hosts are told one by one again.
pub const INDICATOR_TOLD_AGAIN: &str = "indicator_told_again";

/// One such indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemotedRow {
    /// `indicator.id`.
    pub indicator_id: i64,
    /// As imported; one that few may read by its number.
    pub indicator: String,
    /// Part of an exercise.
    pub exercise: bool,
    /// Always: by no order of the brake.
    pub by_sensors: bool,
    /// Sensors that said so within a week.
    pub sensors: usize,
    /// Where it is so now.
    pub still: usize,
    /// Of so many members.
    pub members: usize,
    /// About how many hosts it had met when a site's limit was reached, over all sites.
    pub hosts: u64,
    /// Matches of them.
    pub matches: u64,
    /// Within so long, the longest of them.
    pub within_s: u64,
    /// The first word of it, by our clock.
    pub since: Timestamp,
    /// The last.
    pub last: Timestamp,
}

/// An event as it is stored; a sensor's numbers are its own.
#[derive(Debug, Deserialize)]
struct Said {
    event: String,
    #[serde(default)]
    site: i64,
    indicator: i64,
    #[serde(default)]
    exercise: bool,
    #[serde(default)]
    hosts: u64,
    #[serde(default)]
    matches: u64,
    #[serde(default)]
    within_s: u64,
}

/// All that was said of one indicator.
#[derive(Debug)]
struct Summed {
    sensors: BTreeSet<i64>,
    still: BTreeSet<i64>,
    members: BTreeSet<i64>,
    hosts: u64,
    matches: u64,
    within_s: u64,
    since: Timestamp,
    last: Timestamp,
}

impl Store {
    /// What sensors have told together by their own decision within a week, the newest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn demoted_rows(&self, scope: Scope, now: Timestamp) -> Result<Vec<DemotedRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let from = now.minus(BRAKES_SHOWN_FOR).0;
        // Within a text of the sensor's the quotes would be escaped.
        let sql = "SELECT sensor_id, received_at, seq, body FROM sensor_event WHERE received_at > $1
            AND (body LIKE '%\"event\":\"indicator_demoted\"%' OR body LIKE '%\"event\":\"indicator_told_again\"%')
            ORDER BY received_at DESC, seq DESC LIMIT $2";
        let said = sqlx::query_as(sql).bind(from).bind(DEMOTIONS_READ_MAX);
        let said: Vec<(i64, i64, i64, String)> = said.fetch_all(self.readers()).await?;
        if said.is_empty() {
            return Ok(Vec::new());
        }
        // None of it outlives a restart.
        let sql = "SELECT sensor_id, received_at, MAX(seq) FROM sensor_event e
            WHERE received_at > $1 AND body LIKE '%\"event\":\"started\"%' AND received_at = (SELECT MAX(received_at)
                FROM sensor_event WHERE sensor_id = e.sensor_id AND body LIKE '%\"event\":\"started\"%')
            GROUP BY sensor_id, received_at";
        let started: Vec<(i64, i64, i64)> = sqlx::query_as(sql).bind(from).fetch_all(self.readers()).await?;
        let started = started.into_iter().map(|(sensor, at, seq)| (sensor, (at, seq))).collect();
        let sites: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT sensor_id, site, member_id FROM site").fetch_all(self.readers()).await?;
        let sites = sites.into_iter().map(|(sensor, site, member)| ((sensor, site), member)).collect();
        let mut rows = Vec::new();
        for ((indicator_id, exercise), summed) in summed(&said, &started, &sites, now) {
            let sql = "SELECT pattern, tlp FROM indicator WHERE id = $1";
            let named: Option<(String, String)> =
                sqlx::query_as(sql).bind(indicator_id).fetch_optional(self.readers()).await?;
            let Some((pattern, tlp)) = named else { continue };
            let indicator = hidden::told(indicator_id, &pattern, hidden::read(&tlp));
            let Summed { sensors, still, members, hosts, matches, within_s, since, last } = summed;
            let (sensors, still, members) = (sensors.len(), still.len(), members.len());
            rows.push(DemotedRow {
                indicator_id,
                indicator,
                exercise,
                by_sensors: true,
                sensors,
                still,
                members,
                hosts,
                matches,
                within_s,
                since,
                last,
            });
        }
        rows.sort_by_key(|row| (std::cmp::Reverse(row.last), row.indicator_id));
        rows.truncate(usize::try_from(BRAKES_LISTED_MAX).unwrap_or(usize::MAX));
        Ok(rows)
    }
}

/// What was said, the newest first, added up by indicator; where a site said it twice the last time counts.
fn summed(
    said: &[(i64, i64, i64, String)],
    started: &HashMap<i64, (i64, i64)>,
    sites: &HashMap<(i64, i64), i64>,
    now: Timestamp,
) -> BTreeMap<(i64, bool), Summed> {
    let mut sums: BTreeMap<(i64, bool), Summed> = BTreeMap::new();
    let (mut heard, mut weighed) = (HashSet::new(), HashSet::new());
    for (sensor, at, seq, body) in said {
        let Ok(Said { event, site, indicator, exercise, hosts, matches, within_s }) = serde_json::from_str(body) else {
            continue;
        };
        let of_it = (*sensor, site, indicator, exercise);
        let is_newest = heard.insert(of_it);
        if event != INDICATOR_DEMOTED {
            continue;
        }
        let at_time = Timestamp(*at);
        let sum = sums.entry((indicator, exercise)).or_insert_with(|| Summed {
            sensors: BTreeSet::new(),
            still: BTreeSet::new(),
            members: BTreeSet::new(),
            hosts: 0,
            matches: 0,
            within_s: 0,
            since: at_time,
            last: at_time,
        });
        sum.since = sum.since.min(at_time);
        if !weighed.insert(of_it) {
            continue;
        }
        let has_started_since = started.get(sensor).is_some_and(|start| *start > (*at, *seq));
        if is_newest && !has_started_since && now < at_time.plus(DEMOTIONS_STAND_FOR) {
            sum.still.insert(*sensor);
        }
        sum.sensors.insert(*sensor);
        sum.members.extend(sites.get(&(*sensor, site)));
        sum.hosts = sum.hosts.saturating_add(hosts);
        sum.matches = sum.matches.saturating_add(matches);
        sum.within_s = sum.within_s.max(within_s);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};
    use crate::store::record::{SensorEvent, insert_events};
    use serde_json::{Value, json};
    use std::time::Duration;
    use varde_common::id::{Epoch, Seq};

    async fn say(fixture: &Fixture, sensor: i64, seq: u64, body: Value, hours: u32) {
        let now = NOW.plus(Duration::from_secs(3_600) * hours);
        let event = SensorEvent { seq: Seq(seq), at: Timestamp(0), body };
        let mut tx = fixture.store.begin().await.unwrap();
        insert_events(&mut tx, sensor, Epoch(7), &[event], now).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn demoted(site: u16, indicator: i64, hosts: u64) -> Value {
        json!({ "event": INDICATOR_DEMOTED, "site": site, "indicator": indicator, "exercise": false, "revision": 1,
            "hosts": hosts, "matches": 2 * hosts, "within_s": hosts })
    }

    fn again(indicator: i64) -> Value {
        json!({ "event": INDICATOR_TOLD_AGAIN, "site": 0, "indicator": indicator, "exercise": false, "revision": 1 })
    }

    #[tokio::test]
    async fn t10_what_sensors_tell_together_is_listed_with_what_they_said_of_it_and_where_it_is_so_still() {
        let fixture = Fixture::new(3).await;
        fixture.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 5, 3)").await;
        // Nothing but what a sensor says of itself.
        say(&fixture, 3, 1, json!({ "event": "list_refused", "why": demoted(0, 3, 9).to_string() }), 0).await;
        say(&fixture, 1, 2, demoted(0, 1, 257), 0).await;
        say(&fixture, 1, 3, demoted(5, 1, 300), 1).await;
        say(&fixture, 2, 2, demoted(0, 1, 400), 2).await;
        say(&fixture, 2, 3, again(1), 3).await;
        say(&fixture, 3, 2, demoted(0, 2, 500), 3).await;
        say(&fixture, 3, 3, json!({ "event": "started", "version": "0.1.0" }), 3).await;
        let rows = async |hours: u32| {
            let now = NOW.plus(Duration::from_secs(3_600) * hours);
            let rows = fixture.store.demoted_rows(Scope::Operator, now).await.unwrap();
            rows.iter()
                .map(|row| (row.indicator_id, row.sensors, row.still, row.members, row.hosts))
                .collect::<Vec<_>>()
        };
        assert_eq!(rows(4).await, [(2, 1, 0, 1, 500), (1, 2, 1, 3, 957)]);
        let all = fixture.store.demoted_rows(Scope::Operator, NOW).await.unwrap();
        let one = all.iter().find(|row| row.indicator_id == 1).unwrap();
        assert_eq!((one.indicator.as_str(), one.matches, one.within_s, one.by_sensors), ("evil.no", 1_914, 400, true));
        assert_eq!((one.since, one.last), (NOW, NOW.plus(Duration::from_secs(7_200))));
        // Anew: its last word counts once.
        say(&fixture, 2, 4, demoted(0, 1, 258), 5).await;
        assert_eq!(rows(6).await[0], (1, 2, 2, 3, 815));
        assert_eq!(rows(30).await, [(1, 2, 0, 3, 815), (2, 1, 0, 1, 500)], "for a day at most");
        assert_eq!(rows(24 * 8).await, [], "a week is past");
        let theirs = fixture.store.demoted_rows(Scope::Member(1), NOW).await.unwrap();
        assert!(theirs.is_empty(), "nobody else's");
    }
}
