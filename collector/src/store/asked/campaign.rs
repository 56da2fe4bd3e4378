//! Campaigns as the API asks for them.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use super::{Found, indicators, keys, member, push_exists, push_flag, push_in, push_places, push_words};
use crate::api::WORK_TOGETHER;
use crate::api::cursor::Position;
use crate::api::parameter::Asked;
use crate::store::campaign::{CampaignView, Chosen, views};
use crate::store::{Scope, Store, StoreError};

impl Store {
    /// A page of campaigns, the last concluded first; for a member, whom that would tell of others, by their names.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_campaigns(&self, scope: Scope, asked: &Asked) -> Result<Found<CampaignView>, StoreError> {
        if let Scope::Member(_) = scope {
            return self.told_campaigns(scope, asked).await;
        }
        let mut tx = self.readers().begin().await?;
        let mut select =
            QueryBuilder::new("SELECT c.id, c.opened_at AS at, c.uuid AS name FROM campaign c WHERE 1 = 1");
        if let Some(id) = member(&mut tx, scope, asked).await? {
            let Some(id) = id else { return Ok(Found::none()) };
            select.push(" AND EXISTS (SELECT 1 FROM incident i WHERE i.campaign_id = c.id AND i.member_id = ");
            select.push_bind(id).push(")");
        }
        if let Some(ids) = indicators(&mut tx, scope, asked).await? {
            let join = "SELECT 1 FROM incident i JOIN alert a ON a.incident_id = i.id WHERE i.campaign_id = c.id AND ";
            select.push(" AND EXISTS (").push(join);
            push_in(&mut select, "a.indicator_id", &ids);
            select.push(")");
        }
        if let Some(since) = asked.moment("since") {
            select.push(" AND c.last_seen >= ").push_bind(since.0);
        }
        if let Some(until) = asked.moment("until") {
            select.push(" AND c.first_seen < ").push_bind(until.0);
        }
        push_places(&mut select, "c.word", asked.places("severity"));
        push_words(&mut select, "c.state", WORK_TOGETHER, asked.places("state"));
        push_flag(&mut select, "c.exercise", asked.flag("exercise"));
        let history = "SELECT 1 FROM incident i JOIN strand s ON s.incident_id = i.id WHERE i.campaign_id = c.id AND s.in_history <> 0";
        push_exists(&mut select, history, asked.flag("retro"));
        let connected = "SELECT 1 FROM cluster k WHERE k.id = c.cluster_id AND k.too_connected_at IS NOT NULL";
        push_exists(&mut select, connected, asked.flag("too_connected"));
        let page = keys(&mut tx, select, ("c.opened_at", "c.uuid"), asked).await?;
        tx.rollback().await?;
        let ids: Vec<i64> = page.items.iter().map(|key| key.id).collect();
        if ids.is_empty() {
            return Ok(Found::none());
        }
        let found = views(self, scope, Chosen::These(&ids)).await?;
        let mut found: BTreeMap<i64, CampaignView> =
            found.into_iter().map(|campaign| (campaign.id, campaign)).collect();
        Ok(Found { items: ids.iter().filter_map(|id| found.remove(id)).collect(), next: page.next })
    }

    /// Those a member is told of, sorted out by what it is told: the rows know of others.
    async fn told_campaigns(&self, scope: Scope, asked: &Asked) -> Result<Found<CampaignView>, StoreError> {
        let mut tx = self.readers().begin().await?;
        if member(&mut tx, scope, asked).await? == Some(None) {
            return Ok(Found::none());
        }
        let ids = indicators(&mut tx, scope, asked).await?;
        let mut met = None;
        if let Some(ids) = ids {
            let mut select = QueryBuilder::new(
                "SELECT DISTINCT i.campaign_id FROM incident i JOIN alert a ON a.incident_id = i.id WHERE i.campaign_id IS NOT NULL AND i.member_id = ",
            );
            select.push_bind(scope.member_id()).push(" AND ");
            push_in(&mut select, "a.indicator_id", &ids);
            met = Some(select.build_query_scalar::<i64>().fetch_all(&mut *tx).await?);
        }
        tx.rollback().await?;
        // How much it matters and how it holds together it is not told, so that nothing is of any such word.
        if asked.places("severity").is_some()
            || asked.places("state").is_some()
            || asked.flag("retro").is_some()
            || asked.flag("too_connected").is_some()
        {
            return Ok(Found::none());
        }
        let mut told = views(self, scope, Chosen::All).await?;
        told.retain(|campaign| {
            asked.moment("since").is_none_or(|since| campaign.last_seen >= since)
                && asked.moment("until").is_none_or(|until| campaign.first_seen < until)
                && asked.flag("exercise").is_none_or(|exercise| campaign.exercise == exercise)
                && met.as_ref().is_none_or(|met| met.contains(&campaign.id))
        });
        told.sort_unstable_by(|one, other| other.uuid.cmp(&one.uuid));
        let position = |campaign: &CampaignView| Position { at: 0, name: campaign.uuid.clone() };
        Ok(Found::cut(told, asked, position, |one, after| one.name < after.name))
    }
}
