//! Lists on their way from the pilot group to all, and what they have hit.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use varde_common::list::{CHANNEL_ALL, CHANNEL_PILOT, Manifest};
use varde_common::matcher::IndicatorSet;
use varde_common::time::Timestamp;
use varde_common::trust::read_unverified;

use super::recall::{Said, keep_out};
use super::{Scope, Store, StoreError, retention};
use crate::limits::AUDIT_KEPT;
use crate::limits::feed::SIGHTINGS_KEPT;
use crate::limits::rollout::ROLLOUTS_SHOWN;
use crate::rollout::{Hit, Stage};

/// A list on its way, as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolloutFacts {
    /// Its number among them.
    pub id: i64,
    /// Hash of what it holds.
    pub draft: String,
    /// Indicators in it.
    pub count: i64,
    /// Of them not in the list for all.
    pub added: i64,
    /// Who published it.
    pub who: String,
    /// When.
    pub prepared_at: Timestamp,
    /// Why it went to everybody at once; none = to the pilot group first.
    pub urgent_why: Option<String>,
    /// Its number at the pilot group; of one that went to everybody at once its number for all.
    pub pilot_revision: i64,
    /// Since when it is in force at the first sensor there.
    pub pilot_at: Option<Timestamp>,
    /// Sensors of the group that have it in force and are connected now.
    pub pilot_heard: i64,
    /// Its number for all.
    pub all_revision: Option<i64>,
    /// Since when.
    pub all_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How: done, stopped, superseded, unwatched.
    pub ended_why: Option<String>,
    /// The indicator that stopped it.
    pub stopped_on: Option<i64>,
    /// And why, in words.
    pub stopped_why: Option<String>,
    /// Since when that is settled: somebody has published after it, or has let into lists again what stopped it.
    pub passed_at: Option<Timestamp>,
}

/// The one that is under way, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// What people are told.
    pub facts: RolloutFacts,
    /// The list, as a file.
    pub base: Vec<u8>,
    /// What no list for all had, in order.
    pub added: Vec<i64>,
    /// Indicators up to this number are in it.
    pub up_to_id: i64,
    /// With what is marked TLP:RED.
    pub with_red: bool,
    /// It may hold much less than the one before.
    pub shrinks: bool,
}

const FACTS: &str =
    "r.id, r.draft, r.count, length(r.added) / 8 AS added_count, r.who, r.prepared_at, r.urgent_why, r.pilot_revision,
    (SELECT MIN(f.heard_at) FROM in_force f WHERE f.revision = r.pilot_revision) AS pilot_at,
    (SELECT COUNT(*) FROM sensor s WHERE s.channel = 'pilot' AND s.connected = 1 AND s.enrolled_at IS NOT NULL AND s.revoked_at IS NULL
        AND EXISTS (SELECT 1 FROM in_force f WHERE f.sensor_id = s.id AND f.revision >= r.pilot_revision)) AS pilot_heard, r.all_revision, r.all_at,
    r.ended_at, r.ended_why, r.stopped_on, r.stopped_why, r.passed_at";

fn facts(row: &SqliteRow) -> Result<RolloutFacts, sqlx::Error> {
    let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp));
    Ok(RolloutFacts {
        id: row.try_get("id")?,
        draft: row.try_get("draft")?,
        count: row.try_get("count")?,
        added: row.try_get("added_count")?,
        who: row.try_get("who")?,
        prepared_at: Timestamp(row.try_get("prepared_at")?),
        urgent_why: row.try_get("urgent_why")?,
        pilot_revision: row.try_get("pilot_revision")?,
        pilot_at: moment("pilot_at")?,
        pilot_heard: row.try_get("pilot_heard")?,
        all_revision: row.try_get("all_revision")?,
        all_at: moment("all_at")?,
        ended_at: moment("ended_at")?,
        ended_why: row.try_get("ended_why")?,
        stopped_on: row.try_get("stopped_on")?,
        stopped_why: row.try_get("stopped_why")?,
        passed_at: moment("passed_at")?,
    })
}

/// As the table holds numbers.
pub(super) fn written(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn read(octets: &[u8]) -> Vec<i64> {
    let (numbers, _) = octets.as_chunks::<8>();
    numbers.iter().map(|number| i64::from_be_bytes(*number)).collect()
}

/// What people are told of those that are under way and were lately, the newest first.
///
/// # Errors
/// The database's own.
pub(super) async fn newest<'c>(
    from: impl sqlx::Executor<'c, Database = sqlx::Sqlite>,
) -> Result<Vec<RolloutFacts>, sqlx::Error> {
    let sql = format!("SELECT {FACTS} FROM rollout r ORDER BY r.id DESC LIMIT $1");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ROLLOUTS_SHOWN).fetch_all(from).await?;
    rows.iter().map(facts).collect()
}

impl RolloutFacts {
    /// Whether nothing more becomes of it.
    pub fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }
}

impl Store {
    /// Lists on their way and lately, the newest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rollouts(&self, scope: Scope) -> Result<Vec<RolloutFacts>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        Ok(newest(self.readers()).await?)
    }

    /// What people are told of the one that is under way.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rollout_facts(&self, scope: Scope) -> Result<Option<RolloutFacts>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let sql = format!("SELECT {FACTS} FROM rollout r WHERE r.ended_at IS NULL ORDER BY r.id DESC LIMIT 1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_optional(self.readers()).await?;
        Ok(row.as_ref().map(facts).transpose()?)
    }

    /// The one that is under way, whole: as large as the list.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rollout(&self, scope: Scope) -> Result<Option<Rollout>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let sql = format!(
            "SELECT {FACTS}, r.base, r.added, r.up_to_id, r.with_red, r.shrinks FROM rollout r
             WHERE r.ended_at IS NULL ORDER BY r.id DESC LIMIT 1"
        );
        let Some(row) = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_optional(self.readers()).await? else {
            return Ok(None);
        };
        let flag = |column: &str| row.try_get::<i64, _>(column).map(|flag| flag != 0);
        Ok(Some(Rollout {
            facts: facts(&row)?,
            base: row.try_get("base")?,
            added: read(&row.try_get::<Vec<u8>, _>("added")?),
            up_to_id: row.try_get("up_to_id")?,
            with_red: flag("with_red")?,
            shrinks: flag("shrinks")?,
        }))
    }

    /// What no list for all had before that one, in order.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rollout_added(&self, scope: Scope, id: i64) -> Result<Vec<i64>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT added FROM rollout WHERE id = $1";
        let added: Option<Vec<u8>> = sqlx::query_scalar(sql).bind(id).fetch_optional(self.readers()).await?;
        Ok(read(&added.unwrap_or_default()))
    }

    /// None is under way any more. Gives whether one was.
    ///
    /// # Errors
    /// The database's own.
    pub async fn end_rollout(&self, why: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let ended = end_standing(&mut tx, why, now).await?;
        tx.commit().await?;
        Ok(ended > 0)
    }

    /// None is under way any more, and what waits for its signature for the same sensors does not: all of it or nothing.
    ///
    /// # Errors
    /// The database's own.
    pub async fn call_back(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        end_standing(&mut tx, "superseded", now).await?;
        let sql = "DELETE FROM pending_list WHERE channel IN ($1, $2)";
        sqlx::query(sql).bind(CHANNEL_ALL).bind(CHANNEL_PILOT).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// An indicator has stopped it, and is kept out of every list from now on, of one that waits for its signature too: all of it
    /// or nothing.
    ///
    /// # Errors
    /// The database's own.
    pub async fn stop_rollout(
        &self,
        id: i64,
        indicator: i64,
        said: Said<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        keep_out(&mut tx, &[indicator], said, now).await?;
        // What waits for its signature would go out with it: it is this list, or holds what has stopped it.
        let sql = "SELECT channel, base, (SELECT all_at IS NULL FROM rollout WHERE id = $1) FROM pending_list";
        let waits: Option<(String, Vec<u8>, bool)> = sqlx::query_as(sql).bind(id).fetch_optional(&mut *tx).await?;
        let is_of_it = waits.is_some_and(|(channel, base, is_at_pilot)| {
            let is_its_own = is_at_pilot && (channel == CHANNEL_ALL || channel == CHANNEL_PILOT);
            let holds = |set: IndicatorSet| set.indicators().any(|one| i64::try_from(one.id.0) == Ok(indicator));
            is_its_own || IndicatorSet::open(std::sync::Arc::new(base)).is_ok_and(holds)
        });
        if is_of_it {
            sqlx::query("DELETE FROM pending_list").execute(&mut *tx).await?;
        }
        let sql =
            "UPDATE rollout SET ended_at = $2, ended_why = 'stopped', stopped_on = $3, stopped_why = $4, base = x''
            WHERE id = $1 AND ended_at IS NULL";
        sqlx::query(sql).bind(id).bind(now.0).bind(indicator).bind(said.reason).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Where the one that is under way is: by what was published and what sensors have said, not by what somebody meant to
    /// note, so that it is right after a crash at any moment. None where another list has taken its number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rollout_stage(&self, scope: Scope, rollout: &RolloutFacts) -> Result<Option<Stage>, StoreError> {
        if rollout.all_at.is_some() {
            return Ok(Some(Stage::All));
        }
        let sql = "SELECT manifest FROM list_revision WHERE revision = $1";
        let manifest: Option<Vec<u8>> =
            sqlx::query_scalar(sql).bind(rollout.pilot_revision).fetch_optional(self.readers()).await?;
        let Some(manifest) = manifest else {
            let pending = self.pending_facts(scope).await?;
            let waits = pending.is_some_and(|pending| pending.revision == rollout.pilot_revision);
            return Ok(waits.then_some(Stage::Unsigned));
        };
        let is_ours = read_unverified::<Manifest>(&manifest)
            .is_ok_and(|(manifest, _)| manifest.content_blake3 == rollout.draft && manifest.channel == CHANNEL_PILOT);
        Ok(is_ours.then(|| if rollout.pilot_at.is_some() { Stage::Pilot } else { Stage::Sent }))
    }

    /// Sensors that are connected and have the list in force, where it is watched: at the pilot group, or at all others, where there are
    /// others.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rollout_heard(&self, scope: Scope, rollout: &RolloutFacts) -> Result<i64, StoreError> {
        if scope != Scope::Operator {
            return Ok(0);
        }
        let sql = "WITH living AS (SELECT id, connected, channel = $1 AS is_pilot FROM sensor
                WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL)
            SELECT COUNT(*) FROM living WHERE connected = 1
            AND is_pilot = ($3 IS NULL OR NOT EXISTS (SELECT 1 FROM living WHERE NOT is_pilot))
            AND EXISTS (SELECT 1 FROM in_force f WHERE f.sensor_id = living.id
                AND f.revision >= CASE WHEN is_pilot THEN $2 ELSE $3 END)";
        let heard = sqlx::query_scalar(sql).bind(CHANNEL_PILOT).bind(rollout.pilot_revision).bind(rollout.all_revision);
        Ok(heard.fetch_one(self.readers()).await?)
    }

    /// What a list's indicators have hit since it came into force, and how many members could see it: at the pilot group, or
    /// for all. Of those among `added` alone; what is part of an exercise hits nobody. What sensors count only, because the brake says
    /// so, has hit as well. One that stopped a list and that a person then let into lists again stops none any more: who did so knew
    /// what it hits.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rollout_hits(
        &self,
        scope: Scope,
        revision: i64,
        at_pilot: bool,
        added: &[i64],
    ) -> Result<(Vec<Hit>, u64), StoreError> {
        if scope != Scope::Operator {
            return Ok((Vec::new(), 0));
        }
        let able = "SELECT COUNT(DISTINCT site.member_id) FROM site JOIN sensor s ON s.id = site.sensor_id
            WHERE s.enrolled_at IS NOT NULL AND s.revoked_at IS NULL AND (s.channel = $1 OR $2 = 0)
            AND EXISTS (SELECT 1 FROM in_force f WHERE f.sensor_id = s.id AND f.revision >= $3)";
        let able: i64 = sqlx::query_scalar(able)
            .bind(CHANNEL_PILOT)
            .bind(i64::from(at_pilot))
            .bind(revision)
            .fetch_one(self.readers())
            .await?;
        // A host at each site of each sensor; told of together, as many as that says. Unanswered contact from outside names none.
        let sql = "SELECT a.indicator_id, a.member_id, COUNT(DISTINCT a.client), COALESCE(MAX(a.hosts), 0) FROM alert a
            JOIN sensor s ON s.id = a.sensor_id
            WHERE a.revision >= $3 AND a.exercise = 0 AND a.retro = 0 AND (a.client IS NOT NULL OR a.hosts IS NOT NULL)
            AND (s.channel = $1 OR $2 = 0) GROUP BY a.indicator_id, a.member_id, a.sensor_id, a.site
            UNION ALL SELECT b.indicator_id, b.member_id, b.hosts, 0 FROM braked_count b JOIN sensor s ON s.id = b.sensor_id
            WHERE b.exercise = 0 AND b.direction = 'outbound' AND (s.channel = $1 OR $2 = 0)
            AND b.first_seen >= (SELECT MIN(prepared_at) FROM rollout WHERE pilot_revision = $3)";
        let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(sql)
            .bind(CHANNEL_PILOT)
            .bind(i64::from(at_pilot))
            .bind(revision)
            .fetch_all(self.readers())
            .await?;
        let sql = "SELECT DISTINCT indicator_id FROM recall WHERE by_itself = 1 AND lifted_at IS NOT NULL";
        let lifted: BTreeSet<i64> =
            sqlx::query_scalar::<_, i64>(sql).fetch_all(self.readers()).await?.into_iter().collect();
        let mut at: BTreeMap<i64, BTreeMap<i64, u64>> = BTreeMap::new();
        for (indicator, member, clients, together) in rows {
            if added.binary_search(&indicator).is_ok() && !lifted.contains(&indicator) {
                let hosts = u64::try_from(clients.max(together)).unwrap_or(0);
                *at.entry(indicator).or_default().entry(member).or_default() += hosts;
            }
        }
        let hit = |(indicator, members): (i64, BTreeMap<i64, u64>)| Hit {
            indicator,
            members: members.len() as u64,
            hosts: members.values().sum(),
            hosts_at_one: members.values().copied().max().unwrap_or(0),
        };
        Ok((at.into_iter().map(hit).collect(), u64::try_from(able).unwrap_or(0)))
    }

    /// Living sensors that are to follow the pilot channel, and of how many members.
    ///
    /// # Errors
    /// The database's own.
    pub async fn pilot_group(&self, scope: Scope) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT COUNT(*), COUNT(DISTINCT member_id) FROM sensor
            WHERE channel = $1 AND enrolled_at IS NOT NULL AND revoked_at IS NULL AND ($2 IS NULL OR member_id = $2)";
        Ok(sqlx::query_as(sql).bind(CHANNEL_PILOT).bind(scope.member_id()).fetch_one(self.readers()).await?)
    }
}

impl Store {
    /// Removes what is older than the audit is kept: who looked through drafts, lists that were on their way, recalls that were
    /// lifted, and what else people did that has ended; and what sources were told, or could not be, once that is as old as it may be. No clock
    /// that is ahead removes more than the newest entry of the audit has seen pass.
    ///
    /// # Errors
    /// The database's own.
    pub async fn forget_publishing(&self, now: Timestamp) -> Result<u64, StoreError> {
        let newest = self.audit_newest_at(Scope::Operator).await?;
        let passed = newest.map_or(Timestamp(0), |at| at.min(now));
        let (limit, told) = (passed.minus(AUDIT_KEPT), passed.minus(SIGHTINGS_KEPT));
        let mut gone = 0;
        let mut tx = self.begin().await?;
        for (sql, limit) in [
            ("DELETE FROM draft_review WHERE at < $1", limit),
            ("DELETE FROM rollout WHERE ended_at < $1", limit),
            ("DELETE FROM recall WHERE lifted_at < $1", limit),
            ("DELETE FROM sighting WHERE COALESCE(sent_at, given_up_at) < $1", told),
        ] {
            gone += sqlx::query(sql).bind(limit.0).execute(&mut *tx).await?.rows_affected();
        }
        gone += retention::ended(&mut tx, limit).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// Whatever has stopped is settled: somebody has looked.
///
/// # Errors
/// The database's own.
pub(super) async fn settle_stopped(
    tx: &mut sqlx::sqlite::SqliteConnection,
    indicators: Option<&[i64]>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE rollout SET passed_at = $1 WHERE stopped_on IS NOT NULL AND passed_at IS NULL
        AND ($2 IS NULL OR stopped_on = $2)";
    match indicators {
        None => {
            sqlx::query(sql).bind(now.0).bind(None::<i64>).execute(&mut *tx).await?;
        }
        Some(indicators) => {
            for indicator in indicators {
                sqlx::query(sql).bind(now.0).bind(indicator).execute(&mut *tx).await?;
            }
        }
    }
    Ok(())
}

/// None is under way any more; gives how many were.
///
/// # Errors
/// The database's own.
pub(super) async fn end_standing(
    tx: &mut sqlx::sqlite::SqliteConnection,
    why: &str,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let sql = "UPDATE rollout SET ended_at = $1, ended_why = $2, base = x'' WHERE ended_at IS NULL";
    Ok(sqlx::query(sql).bind(now.0).bind(why).execute(tx).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;
    use crate::store::onward::{Begin, Onward};

    #[tokio::test]
    async fn f2_what_a_list_has_hit_is_counted_by_member_and_host_of_what_is_new_in_it_alone() {
        let fixture = Fixture::new(3).await;
        fixture.run("UPDATE sensor SET channel = 'pilot' WHERE id < 3").await;
        fixture.run("INSERT INTO in_force VALUES (1, 5, 1, 1), (2, 5, 2, 2), (3, 6, 3, 3)").await;
        let columns = "uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, hosts, exercise,
            zone, zone_levels, direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol,
            severity, retro, first_seen, last_seen, count, arrived_at, updated_at";
        // Sensor, indicator, list, host, how many together, of an exercise.
        let alerts = [
            (1, 1, 5, Some("H-1"), None, 0),
            (1, 1, 5, Some("H-2"), None, 0),
            (1, 1, 5, None, Some(30), 0),
            (2, 1, 6, Some("H-1"), None, 0),
            (2, 1, 5, None, None, 0),        // unanswered contact from outside
            (2, 1, 4, Some("H-3"), None, 0), // by the list of before
            (1, 2, 5, Some("H-1"), None, 0), // known before
            (1, 4, 5, Some("H-1"), None, 1), // an exercise
            (3, 1, 6, Some("H-1"), None, 0), // not of the pilot group
        ];
        let mut tx = fixture.store.begin().await.unwrap();
        for (n, (sensor, indicator, list, client, together, exercise)) in (0i64..).zip(alerts) {
            let sql = format!(
                "INSERT INTO alert ({columns}) VALUES ($1, $2, 'e', $1, $2, 0, $3, $4, $5, $6, $7,
                 0, '000', 'outbound', 2, 0, 0, 0, 0, 17, 2, 0, 0, 0, 1, 0, 0)"
            );
            let insert = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(n).bind(sensor).bind(indicator).bind(list);
            insert.bind(client).bind(together).bind(exercise).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let hits = async |at_pilot| fixture.store.rollout_hits(Scope::Operator, 5, at_pilot, &[1, 4]).await.unwrap();
        let hit = |members, hosts, hosts_at_one| vec![Hit { indicator: 1, members, hosts, hosts_at_one }];
        assert_eq!(hits(true).await, (hit(2, 31, 30), 2));
        assert_eq!(hits(false).await, (hit(3, 32, 30), 3));
        // Braked meanwhile: what sensors then count only has hit as well.
        fixture.run("INSERT INTO rollout (draft, count, base, added, up_to_id, with_red, shrinks, who, prepared_at, pilot_revision)
            VALUES ('d', 1, x'', x'', 9, 0, 0, 'kari', 100, 5)").await;
        let counted = "INSERT INTO braked_count (sensor_id, site, member_id, indicator_id, exercise, direction, brake_order, evidence, count,
            hosts, first_seen, last_seen, arrived_at) VALUES (2, 0, 2, 1, 0, 'outbound', 1, 2, 99, 90, 100, 100, 100),
            (2, 0, 2, 1, 0, 'outbound', 2, 2, 9, 9, 99, 99, 100), (2, 0, 2, 1, 0, 'inbound', 3, 2, 9, 9, 100, 100, 100)";
        fixture.run(counted).await;
        assert_eq!(hits(true).await, (hit(2, 121, 91), 2));
        // It stopped a list, and a person who has looked lets it go on.
        let said = Said { who: "varde-collector", reason: "hit 121 hosts", by_itself: true };
        fixture.store.recall(&[1], said, Timestamp(200)).await.unwrap();
        assert_eq!(hits(true).await.0.len(), 1);
        fixture.store.lift(&[1], "kari", "ekte", Timestamp(300)).await.unwrap();
        assert_eq!(hits(true).await.0, []);
        assert_eq!(fixture.store.pilot_group(Scope::Operator).await.unwrap(), (2, 2));
    }

    #[tokio::test]
    async fn f2_one_list_is_on_its_way_at_a_time_and_what_stops_it_is_kept_out_in_the_same_moment() {
        let fixture = Fixture::new(1).await;
        let (store, now) = (&fixture.store, Timestamp(1_795_000_000_000_000));
        let begin = |draft| Begin {
            draft,
            count: 3,
            base: b"base",
            added: &[1, 300],
            up_to_id: 300,
            with_red: true,
            shrinks: false,
            who: "kari",
            urgent_why: None,
            unwatched: false,
        };
        store.go_onward(Onward::Begins(&begin("a")), 5, false, now).await.unwrap();
        store.go_onward(Onward::Begins(&begin("b")), 6, false, now).await.unwrap();
        let standing = store.rollout(Scope::Operator).await.unwrap().unwrap();
        assert_eq!((standing.facts.pilot_revision, standing.added.as_slice()), (6, &[1, 300][..]));
        assert_eq!((standing.base.as_slice(), standing.with_red, standing.up_to_id), (&b"base"[..], true, 300));
        // No such list was published, and none waits: another has its number, or will.
        assert_eq!(store.rollout_stage(Scope::Operator, &standing.facts).await.unwrap(), None);
        let said = Said { who: "varde-collector", reason: "hit 21 hosts", by_itself: true };
        store.stop_rollout(standing.facts.id, 1, said, now).await.unwrap();
        assert!(store.rollout(Scope::Operator).await.unwrap().is_none());
        let rows = store.rollouts(Scope::Operator).await.unwrap();
        let ends: Vec<_> = rows.iter().map(|row| (row.ended_why.as_deref(), row.stopped_on)).collect();
        assert_eq!(ends, [(Some("stopped"), Some(1)), (Some("superseded"), None)]);
        let recalled = store.recall_rows(Scope::Operator, 9).await.unwrap();
        assert!(recalled.len() == 1 && recalled[0].by_itself && recalled[0].lifted_at.is_none());
        assert_eq!(fixture.count("SELECT SUM(length(base)) FROM rollout").await, 0, "what is over takes no room");
        assert_eq!(rows[0].passed_at, None, "nobody has looked");
        store.go_onward(Onward::Ends, 7, false, now).await.unwrap();
        assert_eq!(store.rollouts(Scope::Operator).await.unwrap()[0].passed_at, Some(now), "published past");
    }
    #[tokio::test]
    async fn q3_what_was_told_to_a_source_goes_after_90_days_and_who_looked_a_draft_through_after_24_months() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let day = |days: u64| Timestamp(0).plus(std::time::Duration::from_secs(days * 86_400));
        let deed =
            |days: u64| crate::audit::Deed::new("kari".into(), "publish", crate::audit::On::Everybody, day(days));
        store.note(&deed(1_000)).await.unwrap();
        store.review_draft("d", "kari", "sett", day(1_000)).await.unwrap();
        fixture.run("INSERT INTO source (id, name, added_at) VALUES (1, 'misp', 1)").await;
        let told = "INSERT INTO sighting (source_id, judgement_id, object_id, kind, at, next_at, sent_at, given_up_at) VALUES
            (1, 1, 'a', 1, 1, 1, 86400000000 * 1000, NULL), (1, 2, 'b', 1, 1, 1, NULL, 86400000000 * 1000), (1, 3, 'c', 1, 1, 1, NULL, NULL)";
        fixture.run(told).await;
        let left = async |days: u64| {
            store.forget_publishing(day(days)).await.unwrap();
            let sightings = fixture.count("SELECT COUNT(*) FROM sighting").await;
            (sightings, store.draft_reviews(Scope::Operator, "d").await.unwrap().len())
        };
        assert_eq!(left(5_000).await, (3, 1), "the clock alone removes nothing");
        store.note(&deed(5_000)).await.unwrap();
        assert_eq!(left(1_090).await, (3, 1));
        assert_eq!(left(1_091).await, (1, 1), "what waits still waits");
        assert_eq!(left(1_729).await, (1, 1));
        assert_eq!(left(1_740).await, (1, 0));
    }
}
