//! Incidents as the API asks for them.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row};
use varde_common::time::Timestamp;

use super::{
    Found, campaign_names, indicators, keys, member, push_exists, push_flag, push_in, push_places, push_words,
};
use crate::api::parameter::Asked;
use crate::api::{SEVERITIES, WORK, cursor::Position};
use crate::store::campaign::{Chosen, ENOUGH_OTHERS};
use crate::store::incident::{IncidentView, views};
use crate::store::{Scope, Store, StoreError, campaign};

/// An incident and what stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedIncident {
    /// As listings show it.
    pub view: IncidentView,
    /// What its campaign goes by outside.
    pub campaign_uuid: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
}

impl Store {
    /// A page of incidents, the last opened first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_incidents(&self, scope: Scope, asked: &Asked) -> Result<Found<AskedIncident>, StoreError> {
        let mut of_campaign = None;
        if let Some(name) = asked.text("campaign").filter(|name| *name != "none") {
            let Some(id) = campaign::resolve(self, scope, name).await? else { return Ok(Found::none()) };
            of_campaign = Some(id);
        }
        let mut tx = self.readers().begin().await?;
        let mut select = QueryBuilder::new("SELECT i.id, i.opened_at AS at, i.uuid AS name FROM incident i WHERE ");
        match member(&mut tx, scope, asked).await? {
            None => drop(select.push("1 = 1")),
            Some(None) => return Ok(Found::none()),
            Some(Some(id)) => drop(select.push("i.member_id = ").push_bind(id)),
        }
        match (of_campaign, asked.text("campaign"), scope) {
            (Some(id), _, _) => drop(select.push(" AND i.campaign_id = ").push_bind(id)),
            (None, Some(_), Scope::Operator) => drop(select.push(" AND i.campaign_id IS NULL")),
            (None, Some(_), Scope::Member(_)) => {
                let told = ENOUGH_OTHERS.replace("$MEMBER", "i.member_id");
                select
                    .push(format!(" AND NOT EXISTS (SELECT 1 FROM campaign c WHERE c.id = i.campaign_id AND {told})"));
            }
            (None, None, _) => {}
        }
        if let Some(ids) = indicators(&mut tx, scope, asked).await? {
            select.push(" AND EXISTS (SELECT 1 FROM alert a WHERE a.incident_id = i.id AND ");
            push_in(&mut select, "a.indicator_id", &ids);
            select.push(")");
        }
        if let Some(since) = asked.moment("since") {
            select.push(" AND i.last_seen >= ").push_bind(since.0);
        }
        if let Some(until) = asked.moment("until") {
            select.push(" AND i.first_seen < ").push_bind(until.0);
        }
        push_words(&mut select, "i.state", WORK, asked.places("state"));
        push_flag(&mut select, "i.exercise", asked.flag("exercise"));
        let history = "SELECT 1 FROM strand s WHERE s.incident_id = i.id AND s.in_history <> 0";
        push_exists(&mut select, history, asked.flag("retro"));
        if scope == Scope::Operator {
            push_places(&mut select, "i.word", asked.places("severity"));
            let page = keys(&mut tx, select, ("i.opened_at", "i.uuid"), asked).await?;
            tx.rollback().await?;
            let ids: Vec<i64> = page.items.iter().map(|key| key.id).collect();
            return Ok(Found { items: self.incidents_of(scope, &ids).await?, next: page.next });
        }
        let Some(places) = asked.places("severity") else {
            let page = keys(&mut tx, select, ("i.opened_at", "i.uuid"), asked).await?;
            tx.rollback().await?;
            let ids: Vec<i64> = page.items.iter().map(|key| key.id).collect();
            return Ok(Found { items: self.incidents_of(scope, &ids).await?, next: page.next });
        };
        // A member's words are weighed as they are read: the stored ones know of others. They are its own alone, and not many.
        select.push(" ORDER BY i.opened_at DESC, i.uuid DESC");
        let rows = select.build().fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let mut all = Vec::new();
        for chunk in ids.chunks(usize::try_from(asked.limit()).unwrap_or(1).max(1)) {
            all.extend(self.incidents_of(scope, chunk).await?);
        }
        all.retain(|incident| {
            let word = incident.view.word.map(crate::priority::Word::as_str);
            places.iter().any(|place| SEVERITIES.get(*place).copied() == word)
        });
        let position =
            |incident: &AskedIncident| Position { at: incident.opened_at.0, name: incident.view.uuid.clone() };
        Ok(Found::cut(all, asked, position, |one, after| (one.at, &one.name) < (after.at, &after.name)))
    }

    /// The incident that a number or a uuid means today.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_incident(&self, scope: Scope, name: &str) -> Result<Option<AskedIncident>, StoreError> {
        let Some(id) = self.incident_named(scope, name).await? else { return Ok(None) };
        Ok(self.incidents_of(scope, &[id]).await?.into_iter().next())
    }

    /// Those of these ids, in their order.
    ///
    /// # Errors
    /// The database's own.
    pub async fn incidents_of(&self, scope: Scope, ids: &[i64]) -> Result<Vec<AskedIncident>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = views(self, scope, Chosen::These(ids)).await?;
        let campaigns: Vec<i64> = found.iter().filter_map(|incident| incident.campaign).collect();
        let names = campaign_names(self, scope, &campaigns).await?;
        let mut select = QueryBuilder::new("SELECT id, opened_at FROM incident WHERE ");
        push_in(&mut select, "id", ids);
        let opened: Vec<(i64, i64)> = select.build_query_as().fetch_all(self.readers()).await?;
        let opened: BTreeMap<i64, i64> = opened.into_iter().collect();
        let whole = |view: IncidentView| {
            let campaign_uuid = view.campaign.and_then(|id| names.get(&id).cloned());
            let opened_at = Timestamp(opened.get(&view.id).copied().unwrap_or_default());
            (view.id, AskedIncident { view, campaign_uuid, opened_at })
        };
        let mut found: BTreeMap<i64, AskedIncident> = found.into_iter().map(whole).collect();
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}
