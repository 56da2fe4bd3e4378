//! Alerts as the API asks for them.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row};

use super::{Found, indicators, keys, member, push_flag, push_in, push_places};
use crate::api::VERDICTS;
use crate::api::parameter::Asked;
use crate::store::alert::{AlertView, is_told, view_from};
use crate::store::{Scope, Store, StoreError, campaign};
use varde_common::time::Timestamp;

/// An alert and what stands around it.
#[derive(Debug, Clone)]
pub struct AskedAlert {
    /// As listings show it.
    pub view: AlertView,
    /// The indicator's number.
    pub indicator_id: i64,
    /// What the indicator belongs to, where the reader may know it.
    pub threat: Option<String>,
    /// The incident's name outside.
    pub incident_uuid: Option<String>,
    /// When it came.
    pub arrived_at: Timestamp,
}

impl Store {
    /// A page of alerts, the last that came first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_alerts(&self, scope: Scope, asked: &Asked) -> Result<Found<AskedAlert>, StoreError> {
        let mut of_campaign = None;
        if let Some(name) = asked.text("campaign") {
            let Some(id) = campaign::resolve(self, scope, name).await? else { return Ok(Found::none()) };
            of_campaign = Some(id);
        }
        let mut of_incident = None;
        if let Some(name) = asked.text("incident") {
            let Some(id) = self.incident_named(scope, name).await? else { return Ok(Found::none()) };
            of_incident = Some(id);
        }
        let mut tx = self.readers().begin().await?;
        let mut select = QueryBuilder::new("SELECT a.id, a.arrived_at AS at, a.uuid AS name FROM alert a WHERE ");
        match member(&mut tx, scope, asked).await? {
            None => drop(select.push("1 = 1")),
            Some(None) => return Ok(Found::none()),
            Some(Some(id)) => drop(select.push("a.member_id = ").push_bind(id)),
        }
        if let Some(ids) = indicators(&mut tx, scope, asked).await? {
            select.push(" AND ");
            push_in(&mut select, "a.indicator_id", &ids);
        }
        if let Some(since) = asked.moment("since") {
            select.push(" AND a.last_seen >= ").push_bind(since.0);
        }
        if let Some(until) = asked.moment("until") {
            select.push(" AND a.first_seen < ").push_bind(until.0);
        }
        if let Some(sensor) = asked.number("sensor") {
            select.push(" AND a.sensor_id = ").push_bind(sensor);
        }
        if let Some(id) = of_incident {
            select.push(" AND a.incident_id = ").push_bind(id);
        }
        if let Some(id) = of_campaign {
            select.push(" AND a.incident_id IN (SELECT id FROM incident WHERE campaign_id = ").push_bind(id).push(")");
        }
        push_places(&mut select, "a.severity", asked.places("severity"));
        push_places(&mut select, "a.evidence", asked.places("evidence"));
        push_flag(&mut select, "a.exercise", asked.flag("exercise"));
        push_flag(&mut select, "a.retro", asked.flag("retro"));
        if let Some(places) = asked.places("verdict") {
            select.push(" AND COALESCE(a.verdict, 'none') IN (");
            let mut list = select.separated(", ");
            for word in places.iter().filter_map(|place| VERDICTS.get(*place)) {
                list.push_bind(*word);
            }
            select.push(")");
        }
        let page = keys(&mut tx, select, ("a.arrived_at", "a.uuid"), asked).await?;
        tx.rollback().await?;
        let ids: Vec<i64> = page.items.iter().map(|key| key.id).collect();
        let mut alerts = self.alerts_of(scope, &ids).await?;
        let items = ids.iter().filter_map(|id| alerts.remove(id)).collect();
        Ok(Found { items, next: page.next })
    }

    /// The alert that a number or a uuid means; a member names it by its uuid.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_alert(&self, scope: Scope, name: &str) -> Result<Option<AskedAlert>, StoreError> {
        let number: Option<i64> = name.parse().ok().filter(|_| scope == Scope::Operator);
        let sql = "SELECT id FROM alert WHERE (id = $1 OR uuid = $2) AND ($3 IS NULL OR member_id = $3)";
        let select = sqlx::query_scalar(sql).bind(number).bind(name.to_ascii_lowercase()).bind(scope.member_id());
        let Some(id): Option<i64> = select.fetch_optional(self.readers()).await? else { return Ok(None) };
        Ok(self.alerts_of(scope, &[id]).await?.remove(&id))
    }

    async fn alerts_of(&self, scope: Scope, ids: &[i64]) -> Result<BTreeMap<i64, AskedAlert>, StoreError> {
        let mut select = QueryBuilder::new(
            "SELECT a.*, m.number AS member_number, m.name AS member_name, n.pattern, n.kind, n.tlp, n.threat, i.uuid AS incident_uuid
             FROM alert a JOIN member m ON m.id = a.member_id JOIN indicator n ON n.id = a.indicator_id
             LEFT JOIN incident i ON i.id = a.incident_id WHERE ",
        );
        push_in(&mut select, "a.id", ids);
        if let Some(member) = scope.member_id() {
            select.push(" AND a.member_id = ").push_bind(member);
        }
        let mut alerts = BTreeMap::new();
        for row in &select.build().fetch_all(self.readers()).await? {
            let view = view_from(row)?;
            let tlp: String = row.try_get("tlp")?;
            let threat: Option<String> = row.try_get("threat")?;
            let alert = AskedAlert {
                indicator_id: row.try_get("indicator_id")?,
                threat: threat.filter(|_| scope == Scope::Operator || is_told(&tlp)),
                incident_uuid: row.try_get("incident_uuid")?,
                arrived_at: Timestamp(row.try_get("arrived_at")?),
                view,
            };
            alerts.insert(alert.view.id, alert);
        }
        Ok(alerts)
    }
}
