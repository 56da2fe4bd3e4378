//! What goes on besides alerts, as the API asks for it: silences, proposals of noise, guards, sensors.

use sqlx::QueryBuilder;

use super::{Found, member, push_words};
use crate::api::cursor::Position;
use crate::api::parameter::Asked;
use crate::api::{GUARDS, SETTLED, SILENCES};
use crate::store::picture::{SensorFacts, reads};
use crate::store::proposal::Proposal;
use crate::store::silence::{SilenceRow, add_notes, listed};
use crate::store::tripped::GuardRow;
use crate::store::{Scope, Store, StoreError};

impl Store {
    /// A page of operational incidents, the last that began first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_silences(&self, scope: Scope, asked: &Asked) -> Result<Found<SilenceRow>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let reader = scope.member_id();
        let mut select = QueryBuilder::new("SELECT i.*, CASE WHEN ");
        select.push_bind(reader).push(" IS NULL THEN i.owner END AS told_owner, CASE WHEN ");
        select.push_bind(reader).push(" IS NULL OR s.member_id = ").push_bind(reader);
        select.push(" THEN m.number END AS number FROM silence i JOIN sensor s ON s.id = i.sensor_id JOIN member m ON m.id = s.member_id WHERE 1 = 1");
        match member(&mut tx, scope, asked).await? {
            None => {}
            Some(None) => return Ok(Found::none()),
            // A sensor of another is a member's business where it watches a network of its.
            Some(Some(id)) => {
                select.push(" AND (s.member_id = ").push_bind(id);
                select
                    .push(" OR EXISTS (SELECT 1 FROM site t WHERE t.sensor_id = s.id AND t.member_id = ")
                    .push_bind(id)
                    .push("))");
            }
        }
        if let Some(sensor) = asked.number("sensor") {
            select.push(" AND i.sensor_id = ").push_bind(sensor);
        }
        if let Some(since) = asked.moment("since") {
            select.push(" AND (i.ended_at IS NULL OR i.ended_at >= ").push_bind(since.0).push(")");
        }
        if let Some(until) = asked.moment("until") {
            select.push(" AND i.began_at < ").push_bind(until.0);
        }
        push_words(&mut select, "i.kind", SILENCES, asked.places("kind"));
        match asked.flag("standing") {
            Some(true) => drop(select.push(" AND i.ended_at IS NULL")),
            Some(false) => drop(select.push(" AND i.ended_at IS NOT NULL")),
            None => {}
        }
        // By what is shown of it: a number would tell how many there are at others.
        if let Some(Position { at, name }) = &asked.after {
            let (sensor, kind) = name.split_once(',').unwrap_or((name, ""));
            let sensor: i64 = sensor.parse().unwrap_or(0);
            select.push(" AND (i.began_at, i.sensor_id, i.kind) < (").push_bind(*at).push(", ");
            select.push_bind(sensor).push(", ").push_bind(kind.to_owned()).push(")");
        }
        select.push(" ORDER BY i.began_at DESC, i.sensor_id DESC, i.kind DESC LIMIT ").push_bind(asked.limit() + 1);
        let rows = select.build().fetch_all(&mut *tx).await?;
        let mut found: Vec<SilenceRow> =
            rows.iter().filter_map(|row| listed(row).transpose()).collect::<Result<_, _>>()?;
        add_notes(&mut tx, scope, &mut found).await?;
        tx.rollback().await?;
        let position = |row: &SilenceRow| Position {
            at: row.began_at.0,
            name: format!("{},{}", row.sensor, row.facts.kind().as_str()),
        };
        Ok(Found::cut(found, asked, position, |_, _| true))
    }

    /// A page of proposals that an indicator is noise, the last first; they tell of many members and are the operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_proposals(&self, scope: Scope, asked: &Asked) -> Result<Found<Proposal>, StoreError> {
        let mut all = self.noise_proposals(scope, false).await?;
        if let Some(places) = asked.places("settled") {
            all.retain(|proposal| {
                let said = proposal.settled.map_or("open", |settled| settled.as_str());
                places.iter().any(|place| SETTLED.get(*place).copied() == Some(said))
            });
        }
        let position =
            |proposal: &Proposal| Position { at: proposal.proposed_at.0, name: proposal.indicator_id.to_string() };
        let number = |position: &Position| position.name.parse().unwrap_or(0_i64);
        Ok(Found::cut(all, asked, position, |one, after| (one.at, number(one)) < (after.at, number(after))))
    }

    /// A page of guards, the last that tripped first; they tell of many members and are the operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_guards(&self, scope: Scope, asked: &Asked) -> Result<Found<GuardRow>, StoreError> {
        let mut all = self.guards(scope, false).await?;
        let is_one_of = |places: &[usize], words: &[&str], word: &str| {
            places.iter().any(|place| words.get(*place).copied() == Some(word))
        };
        if let Some(places) = asked.places("kind") {
            all.retain(|guard| is_one_of(places, GUARDS, &guard.kind));
        }
        if let Some(places) = asked.places("settled") {
            all.retain(|guard| is_one_of(places, SETTLED, guard.settled.map_or("open", |settled| settled.as_str())));
        }
        let position = |guard: &GuardRow| Position { at: guard.since.0, name: guard.guard.to_string() };
        let number = |position: &Position| position.name.parse().unwrap_or(0_i64);
        Ok(Found::cut(all, asked, position, |one, after| (one.at, number(one)) < (after.at, number(after))))
    }

    /// Every sensor that the reader may see, by number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_sensors(&self, scope: Scope) -> Result<Vec<SensorFacts>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let mut sensors = reads::sensors(&mut tx, scope).await?;
        tx.rollback().await?;
        sensors.sort_unstable_by_key(|sensor| sensor.id);
        Ok(sensors)
    }

    /// The newest list for all: its number, when it was published, and how many indicators are in it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_for_all(&self, _scope: Scope) -> Result<Option<(i64, i64, i64)>, StoreError> {
        let sql = "SELECT revision, published_at, count FROM list_revision WHERE channel = 'all' ORDER BY revision DESC LIMIT 1";
        Ok(sqlx::query_as(sql).fetch_optional(self.readers()).await?)
    }
}
