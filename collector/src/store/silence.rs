//! What keeps sensors from seeing or from being heard: read for [`crate::silence`], written as it says, listed. Whose the sensor is
//! decides at which member it is.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};
use varde_common::time::Timestamp;

use super::picture::reads;
use super::record::{ROWS_PER_STATEMENT, from_column, push_ids};
use super::sight::sighted;
use super::{Scope, Store, StoreError};
use crate::limits::silence::{ONE_CLIENT_WITHIN, SILENCE_SAME_WITHIN};
use crate::silence::{Beside, ClockPair, Facts, Hits, Known, Moment, Step, judge, steps};
use crate::workflow::timeline::Said;

/// An operational incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilenceRow {
    /// Its number.
    pub id: i64,
    /// `sensor.id`.
    pub sensor: i64,
    /// Number of the member whose sensor it is; none where the reader may not know it.
    pub member: Option<String>,
    /// What was wrong, the worst there was.
    #[serde(flatten)]
    pub facts: Facts,
    /// Since when it was so.
    pub began_at: Timestamp,
    /// When that was found.
    pub found_at: Timestamp,
    /// When it was last found to be so.
    pub last_at: Timestamp,
    /// When it was over; none = it stands.
    pub ended_at: Option<Timestamp>,
    /// over; not_expected: the sensor was revoked, or is in quarantine; or accepted, by a person.
    pub ended_why: Option<String>,
    /// How often it began, within minutes each.
    pub times: i64,
    /// Whose it is, at the CSIRT; nothing of it for a member.
    pub owner: Option<String>,
    /// What was written down of it, in order; nothing of it for a member.
    pub notes: Vec<SilenceNote>,
}

/// A note on an operational incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilenceNote {
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub who: Option<String>,
    /// It is for the sensor's member too.
    pub for_members: bool,
    /// In their words.
    pub text: String,
}

/// Adds what was written down of these, for the operator.
pub(super) async fn add_notes(
    conn: &mut SqliteConnection,
    scope: Scope,
    rows: &mut [SilenceRow],
) -> Result<(), sqlx::Error> {
    if scope != Scope::Operator {
        return Ok(());
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut notes: BTreeMap<i64, Vec<SilenceNote>> = BTreeMap::new();
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT subject_id, learnt_at, who, for_members, body FROM timeline WHERE kind = 'silence' AND subject_id IN ",
        );
        push_ids(&mut select, chunk);
        select.push(" ORDER BY id");
        let said: Vec<(i64, i64, Option<String>, bool, String)> = select.build_query_as().fetch_all(&mut *conn).await?;
        for (id, at, who, for_members, body) in said {
            // What a newer program wrote stays where it is.
            if let Ok(Said::Noted { text }) = serde_json::from_str(&body) {
                let note = SilenceNote { at: Timestamp(at).clamped(), who, for_members, text };
                notes.entry(id).or_default().push(note);
            }
        }
    }
    for row in rows {
        row.notes = notes.remove(&row.id).unwrap_or_default();
    }
    Ok(())
}

/// Which are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WhichSilences {
    /// Of this sensor alone.
    pub sensor: Option<i64>,
    /// Of sensors that watch this member's networks.
    pub at_member: Option<i64>,
    /// Those that stand alone.
    pub standing: bool,
}

/// How many stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Standing {
    /// Incidents.
    pub open: i64,
    /// At so many sensors.
    pub sensors: i64,
    /// Of so many that are expected to be heard: enrolled, not revoked, not in quarantine.
    pub of: i64,
    /// By kind, those there are.
    pub kinds: BTreeMap<String, i64>,
}

impl Store {
    /// Looks at every sensor, and writes what has begun, grown, come back or ended since the last look. `with_hits`: at what they have
    /// found too. Gives the sensors of which something has changed for people.
    ///
    /// # Errors
    /// The database's own.
    pub async fn look_for_silence(&self, moment: Moment, with_hits: bool) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let sensors = reads::sensors(&mut tx, Scope::Operator).await?;
        let mut beside = beside(&mut tx).await?;
        if with_hits {
            for (sensor, hits) in hits(&mut tx, moment.now).await? {
                beside.entry(sensor).or_default().hits = Some(hits);
            }
        }
        let mut known = known(&mut tx, moment.now).await?;
        tx.rollback().await?;
        let mut written = Vec::new();
        for sensor in &sensors {
            let beside = beside.remove(&sensor.id).unwrap_or_default();
            let known = known.remove(&sensor.id).unwrap_or_default();
            let said = judge(sensor, &beside, moment);
            let steps = steps(said.as_ref().map(|said| said.as_slice()), &known, moment.now);
            written.extend(steps.into_iter().map(|step| (sensor.id, step)));
        }
        if written.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        for (sensor, step) in &written {
            write(&mut tx, *sensor, step, moment.now).await?;
        }
        tx.commit().await?;
        let mut changed: Vec<i64> = written.into_iter().map(|(sensor, _)| sensor).collect();
        changed.dedup();
        Ok(changed)
    }

    /// Operational incidents, those that stand first, then the newest; at most `most`.
    ///
    /// # Errors
    /// The database's own.
    pub async fn silences(&self, scope: Scope, which: WhichSilences, most: u32) -> Result<Vec<SilenceRow>, StoreError> {
        let WhichSilences { sensor, at_member, standing } = which;
        // A sensor of another is a member's business where it watches a network of its: what it does not see is that member's too.
        let sql = "SELECT i.*, CASE WHEN $1 IS NULL THEN i.owner END AS told_owner, CASE WHEN $1 IS NULL OR s.member_id = $1 THEN m.number END AS number FROM silence i
            JOIN sensor s ON s.id = i.sensor_id JOIN member m ON m.id = s.member_id
            WHERE ($1 IS NULL OR s.member_id = $1 OR EXISTS (SELECT 1 FROM site t WHERE t.sensor_id = s.id AND t.member_id = $1))
            AND ($2 IS NULL OR i.sensor_id = $2)
            AND ($3 IS NULL OR s.member_id = $3 OR EXISTS (SELECT 1 FROM site t WHERE t.sensor_id = s.id AND t.member_id = $3))
            AND ($4 = 0 OR i.ended_at IS NULL)
            ORDER BY i.ended_at IS NOT NULL, i.began_at DESC, i.id DESC LIMIT $5";
        let mut tx = self.readers().begin().await?;
        let rows = sqlx::query(sql)
            .bind(scope.member_id())
            .bind(sensor)
            .bind(at_member)
            .bind(i64::from(standing))
            .bind(i64::from(most))
            .fetch_all(&mut *tx)
            .await?;
        let mut found: Vec<SilenceRow> =
            rows.iter().filter_map(|row| listed(row).transpose()).collect::<Result<_, _>>()?;
        add_notes(&mut tx, scope, &mut found).await?;
        tx.rollback().await?;
        Ok(found)
    }

    /// One; none where there is none, and where a newer program wrote its facts.
    ///
    /// # Errors
    /// The database's own.
    pub async fn silence(&self, scope: Scope, silence: i64) -> Result<Option<SilenceRow>, StoreError> {
        let sql = "SELECT i.*, CASE WHEN $2 IS NULL THEN i.owner END AS told_owner, m.number FROM silence i JOIN sensor s ON s.id = i.sensor_id
            LEFT JOIN member m ON m.id = s.member_id WHERE i.id = $1 AND ($2 IS NULL OR s.member_id = $2)";
        let row = sqlx::query(sql).bind(silence).bind(scope.member_id()).fetch_optional(self.readers()).await?;
        Ok(row.as_ref().map(listed).transpose()?.flatten())
    }

    /// The number of the member at which a silence is; none where there is no such silence.
    ///
    /// # Errors
    /// The database's own.
    pub async fn silence_member(&self, scope: Scope, silence: i64) -> Result<Option<String>, StoreError> {
        let sql =
            "SELECT m.number FROM silence i JOIN sensor s ON s.id = i.sensor_id JOIN member m ON m.id = s.member_id
            WHERE i.id = $1 AND ($2 IS NULL OR m.id = $2)";
        let find = sqlx::query_scalar(sql).bind(silence).bind(scope.member_id());
        Ok(find.fetch_optional(self.readers()).await?)
    }

    /// How many stand, and at how many of how many sensors.
    ///
    /// # Errors
    /// The database's own.
    pub async fn silences_standing(&self, scope: Scope) -> Result<Standing, StoreError> {
        let mut tx = self.readers().begin().await?;
        let own = "s.member_id = $1 OR EXISTS (SELECT 1 FROM site t WHERE t.sensor_id = s.id AND t.member_id = $1)";
        let sql = format!(
            "SELECT i.kind, COUNT(*) FROM silence i JOIN sensor s ON s.id = i.sensor_id
             WHERE i.ended_at IS NULL AND ($1 IS NULL OR {own}) GROUP BY i.kind"
        );
        let kinds: Vec<(String, i64)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(scope.member_id()).fetch_all(&mut *tx).await?;
        let sql = format!(
            "SELECT COUNT(*), COALESCE(SUM(EXISTS (SELECT 1 FROM silence i WHERE i.sensor_id = s.id AND i.ended_at IS NULL)), 0)
             FROM sensor s WHERE s.enrolled_at IS NOT NULL AND s.revoked_at IS NULL AND s.quarantined_at IS NULL
             AND ($1 IS NULL OR {own})"
        );
        let counted: (i64, i64) =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(scope.member_id()).fetch_one(&mut *tx).await?;
        tx.rollback().await?;
        let open = kinds.iter().map(|(_, count)| count).sum();
        Ok(Standing { open, sensors: counted.1, of: counted.0, kinds: kinds.into_iter().collect() })
    }
}

/// None for one whose facts a newer program wrote.
pub(super) fn listed(row: &SqliteRow) -> Result<Option<SilenceRow>, sqlx::Error> {
    let Ok(facts) = serde_json::from_str(row.try_get("facts")?) else { return Ok(None) };
    Ok(Some(SilenceRow {
        id: row.try_get("id")?,
        sensor: row.try_get("sensor_id")?,
        member: row.try_get("number")?,
        facts,
        began_at: Timestamp(row.try_get("began_at")?),
        found_at: Timestamp(row.try_get("found_at")?),
        last_at: Timestamp(row.try_get("last_at")?),
        ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(Timestamp),
        ended_why: row.try_get("ended_why")?,
        times: row.try_get("times")?,
        owner: row.try_get("told_owner")?,
        notes: Vec::new(),
    }))
}

/// What is known of sensors beside their facts: their lists, and their two newest heartbeats.
async fn beside(tx: &mut Transaction<'static, Sqlite>) -> Result<HashMap<i64, Beside>, sqlx::Error> {
    let sql = "SELECT s.id, s.last_connected_at, s.sight,
        (SELECT MIN(l.published_at) FROM list_revision l
            WHERE l.channel = COALESCE(s.follows, 'all') AND l.revision > s.revision) AS behind_since,
        (SELECT MAX(l.revision) FROM list_revision l
            WHERE l.channel = COALESCE(s.follows, 'all') AND l.revision > s.revision) AS newest,
        (SELECT MAX(h.at) FROM heartbeat h WHERE h.sensor_id = s.id) AS newest_at
        FROM sensor s WHERE s.enrolled_at IS NOT NULL AND s.revoked_at IS NULL";
    let mut all = HashMap::new();
    for row in sqlx::query(sql).fetch_all(&mut **tx).await? {
        let sensor: i64 = row.try_get("id")?;
        let since: Option<i64> = row.try_get("behind_since")?;
        let newest: Option<i64> = row.try_get("newest")?;
        let clocks = match row.try_get::<Option<i64>, _>("newest_at")? {
            Some(at) => clocks(tx, sensor, at).await?,
            None => Vec::new(),
        };
        let connected_at = row.try_get::<Option<i64>, _>("last_connected_at")?.map(Timestamp);
        let behind = since.map(Timestamp).zip(newest);
        let sight = sighted(row.try_get::<Option<String>, _>("sight")?.as_deref());
        all.insert(sensor, Beside { connected_at, behind, clocks, hits: None, sight });
    }
    Ok(all)
}

/// The sensor's clock in a stored heartbeat.
fn clock_said(json: &str) -> Option<Timestamp> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    value.get("clock")?.as_str()?.parse().ok()
}

async fn clocks(conn: &mut SqliteConnection, sensor: i64, newest: i64) -> Result<Vec<ClockPair>, sqlx::Error> {
    let sql = "SELECT at, body FROM heartbeat WHERE sensor_id = $1 AND at <= $2 ORDER BY at DESC LIMIT 2";
    let rows: Vec<(i64, String)> = sqlx::query_as(sql).bind(sensor).bind(newest).fetch_all(conn).await?;
    let pair = |(at, body): (i64, String)| Some(ClockPair { theirs: clock_said(&body)?, ours: Timestamp(at) });
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// What each sensor has found lately.
async fn hits(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<(i64, Hits)>, sqlx::Error> {
    let sql = "SELECT sensor_id, COUNT(*) AS alerts, COUNT(DISTINCT client) + 2 * COUNT(hosts) AS clients,
        COUNT(DISTINCT indicator_id) AS indicators, SUM(by_resolver) AS by_resolver, MIN(arrived_at) AS first_at
        FROM alert WHERE exercise = 0 AND (client IS NOT NULL OR hosts IS NOT NULL) AND arrived_at >= $1 GROUP BY sensor_id";
    let mut all = Vec::new();
    for row in sqlx::query(sql).bind(now.minus(ONE_CLIENT_WITHIN).0).fetch_all(conn).await? {
        let number = |name| Ok::<u64, sqlx::Error>(from_column(row.try_get(name)?));
        let hits = Hits {
            alerts: number("alerts")?,
            clients: number("clients")?,
            indicators: number("indicators")?,
            by_resolver: number("by_resolver")?,
            first_at: Timestamp(row.try_get("first_at")?),
        };
        all.push((row.try_get("sensor_id")?, hits));
    }
    Ok(all)
}

/// Incidents that stand, and those that were over lately, the newest of each kind.
async fn known(conn: &mut SqliteConnection, now: Timestamp) -> Result<HashMap<i64, Vec<Known>>, sqlx::Error> {
    let sql = "SELECT sensor_id, id, last_at, ended_at, facts FROM silence
        WHERE ended_at IS NULL OR ended_at > $1 ORDER BY ended_at IS NOT NULL, ended_at DESC, id DESC";
    let rows: Vec<(i64, i64, i64, Option<i64>, String)> =
        sqlx::query_as(sql).bind(now.minus(SILENCE_SAME_WITHIN).0).fetch_all(conn).await?;
    let mut known: HashMap<i64, Vec<Known>> = HashMap::new();
    for (sensor, id, last_at, ended_at, facts) in rows {
        let Ok(facts) = serde_json::from_str(&facts) else { continue };
        let one = Known { id, last_at: Timestamp(last_at), ended_at: ended_at.map(Timestamp), facts };
        known.entry(sensor).or_default().push(one);
    }
    Ok(known)
}

async fn write(conn: &mut SqliteConnection, sensor: i64, step: &Step, now: Timestamp) -> Result<(), sqlx::Error> {
    let json = |facts: &Facts| serde_json::to_string(facts).unwrap_or_default();
    match step {
        Step::Begun(since, facts) => {
            let sql = "INSERT INTO silence (sensor_id, kind, began_at, found_at, last_at, times, facts)
                VALUES ($1, $2, $3, $4, $4, 1, $5)";
            let begun = sqlx::query(sql).bind(sensor).bind(facts.kind().as_str()).bind(since.min(&now).0);
            begun.bind(now.0).bind(json(facts)).execute(conn).await?;
        }
        Step::Grown(id, facts) => {
            let sql = "UPDATE silence SET last_at = $2, facts = $3 WHERE id = $1";
            sqlx::query(sql).bind(id).bind(now.0).bind(json(facts)).execute(conn).await?;
        }
        Step::Again(id, facts) => {
            let sql =
                "UPDATE silence SET ended_at = NULL, ended_why = NULL, last_at = $2, times = times + 1, facts = $3
                WHERE id = $1";
            sqlx::query(sql).bind(id).bind(now.0).bind(json(facts)).execute(conn).await?;
        }
        Step::Over(id, why) => {
            let sql = "UPDATE silence SET ended_at = $2, ended_why = $3 WHERE id = $1";
            sqlx::query(sql).bind(id).bind(now.0).bind(why.as_str()).execute(conn).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::handle_heartbeat;
    use crate::silence::Kind;
    use crate::store::fixture::{Fixture, NOW};
    use std::time::Duration;
    use varde_common::message::Heartbeat;

    const LONG: Duration = Duration::from_secs(1_000_000);

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    /// A clock turned by hand: a heartbeat every 30 seconds of those that speak, a look every 10, and who was told of.
    async fn turn(fixture: &Fixture, seconds: std::ops::Range<u64>, packets: u64, speaks: impl Fn(u64) -> bool) {
        for second in seconds.step_by(10) {
            if second % 30 == 0 && speaks(second) {
                let (clock, uptime_s) = (at(second), second + 1_000);
                let packets = packets * (second + 1);
                let heartbeat = Heartbeat { clock, uptime_s, packets, last_packet_ms: Some(0), ..Heartbeat::default() };
                handle_heartbeat(&fixture.store, 1, &heartbeat, None, at(second)).await.unwrap();
            }
            fixture.store.look_for_silence(Moment { now: at(second), listening: LONG }, false).await.unwrap();
        }
    }

    async fn rows(fixture: &Fixture, scope: Scope) -> Vec<SilenceRow> {
        fixture.store.silences(scope, WhichSilences::default(), 100).await.unwrap()
    }

    #[tokio::test]
    async fn h1_a_sensor_that_falls_silent_is_an_incident_from_its_last_word_to_its_next_and_a_broken_line_is_one() {
        let fixture = Fixture::new(2).await;
        fixture.run("UPDATE sensor SET connected = 1, last_connected_at = 0; ").await;
        fixture.run("UPDATE sensor SET revoked_at = 1 WHERE id = 2").await;
        turn(&fixture, 0..610, 5, |_| true).await;
        assert_eq!(rows(&fixture, Scope::Operator).await, []);
        turn(&fixture, 610..1_210, 5, |_| false).await;
        let found = rows(&fixture, Scope::Operator).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].facts.kind(), found[0].began_at), (Kind::Unheard, at(600)));
        let after = found[0].found_at.since(at(600)).as_secs();
        assert!((150..=180).contains(&after), "told within three minutes: {after}");
        assert_eq!(found[0].ended_at, None);
        let standing = fixture.store.silences_standing(Scope::Operator).await.unwrap();
        assert_eq!((standing.open, standing.sensors, standing.of), (1, 1, 1), "who was revoked is in no number");
        turn(&fixture, 1_210..1_300, 5, |_| true).await;
        let over = rows(&fixture, Scope::Operator).await;
        assert_eq!((over[0].ended_at, over[0].ended_why.as_deref()), (Some(at(1_230)), Some("over")));
        // Three more breaks within minutes are the same one; one an hour later is another.
        for begin in [1_300, 1_600, 1_900] {
            turn(&fixture, begin..begin + 210, 5, |_| false).await;
            turn(&fixture, begin + 210..begin + 300, 5, |_| true).await;
        }
        let again = rows(&fixture, Scope::Operator).await;
        assert_eq!((again.len(), again[0].times, again[0].began_at), (1, 4, at(600)));
        turn(&fixture, 2_200..6_000, 5, |_| true).await;
        turn(&fixture, 6_000..6_300, 5, |_| false).await;
        assert_eq!(rows(&fixture, Scope::Operator).await.len(), 2);
    }

    #[tokio::test]
    async fn h1_a_dead_mirror_and_a_revoked_sensor() {
        let fixture = Fixture::new(1).await;
        fixture.run("UPDATE sensor SET connected = 1, last_connected_at = 0").await;
        turn(&fixture, 0..400, 0, |_| true).await;
        let found = rows(&fixture, Scope::Operator).await;
        assert_eq!(found.iter().map(|row| row.facts.kind()).collect::<Vec<_>>(), [Kind::Deaf]);
        fixture.store.revoke_sensor(1, at(400)).await.unwrap();
        let changed = fixture.store.look_for_silence(Moment { now: at(410), listening: LONG }, false).await.unwrap();
        assert_eq!(changed, [1], "the page is told");
        let over = rows(&fixture, Scope::Operator).await;
        assert_eq!(over[0].ended_why.as_deref(), Some("not_expected"));
    }

    #[tokio::test]
    async fn w1_a_member_is_told_of_sensors_that_watch_it_and_of_no_other_and_not_whose_they_are() {
        let fixture = Fixture::new(3).await;
        fixture.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 4, 2)").await;
        fixture.store.look_for_silence(Moment { now: at(900), listening: LONG }, false).await.unwrap();
        let all = rows(&fixture, Scope::Operator).await;
        assert_eq!(all.len(), 3, "three that were heard once");
        let seen: Vec<(i64, Option<String>)> =
            rows(&fixture, Scope::Member(2)).await.into_iter().map(|row| (row.sensor, row.member)).collect();
        assert_eq!(seen, [(2, Some("1002".to_owned())), (1, None)]);
        let standing = fixture.store.silences_standing(Scope::Member(2)).await.unwrap();
        assert_eq!((standing.open, standing.sensors, standing.of), (2, 2, 2));
        let which = WhichSilences { at_member: Some(3), ..WhichSilences::default() };
        assert_eq!(fixture.store.silences(Scope::Operator, which, 9).await.unwrap().len(), 1);
        assert_eq!(fixture.store.silences(Scope::Member(2), which, 9).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_sensor_whose_every_hit_is_a_resolvers_own_is_told_of_and_an_exercise_says_nothing() {
        let fixture = Fixture::new(1).await;
        for seq in 1..=3 {
            let sql = format!(
                "INSERT INTO alert (uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone,
                 zone_levels, direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol,
                 severity, exercise, retro, first_seen, last_seen, count, arrived_at, updated_at)
                 VALUES ('u{seq}', 1, 'e', {seq}, 1, 0, 1, 1, 'H-1', 0, '000', 'outbound', 2, 1, 0, 0, 0, 17, 2, 0, 0, {now}, {now}, 1, {now}, {now})",
                now = NOW.0
            );
            let mut tx = fixture.store.begin().await.unwrap();
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        let look = |with_hits| fixture.store.look_for_silence(Moment { now: at(20), listening: LONG }, with_hits);
        assert_eq!(look(false).await.unwrap(), [0i64; 0]);
        fixture.run("UPDATE alert SET exercise = 1").await;
        assert_eq!(look(true).await.unwrap(), [0i64; 0]);
        fixture.run("UPDATE alert SET exercise = 0").await;
        assert_eq!(look(true).await.unwrap(), [1]);
        let found = rows(&fixture, Scope::Operator).await;
        assert_eq!(found[0].facts, Facts::OneClient { alerts: 3, indicators: 1, by_resolver: true });
        fixture.run("UPDATE alert SET by_resolver = 0, client = 'H-2' WHERE seq = 1").await;
        look(true).await.unwrap();
        assert!(rows(&fixture, Scope::Operator).await[0].ended_at.is_some());
    }
}
