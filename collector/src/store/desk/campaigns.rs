//! The campaign list: what matters most first; what is closed only where it is asked for.

use std::collections::BTreeMap;

use super::condition::Case;
use super::incidents::{Page, looked_up, numbers};
use super::{Hidden, Question};
use crate::api::cursor::Position;
use crate::filter::What;
use crate::store::campaign::{CampaignView, Chosen, views};
use crate::store::{Scope, Store, StoreError};

/// How it is reached from a campaign `c`.
const CASE: Case<'static> = Case {
    word: "c.word",
    member: None,
    campaign: "c.id",
    reached: "EXISTS (SELECT 1 FROM incident o JOIN alert a ON a.incident_id = o.id WHERE o.campaign_id = c.id",
    is_told: "(c.link_kind <> 'indicator' OR EXISTS (SELECT 1 FROM indicator n
        WHERE n.id = CAST(c.link_value AS BIGINT) AND n.tlp IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER')))",
};

impl Store {
    /// A page of the campaign list. A member gets those it is told of, by what it is told of them.
    ///
    /// # Errors
    /// The database's own.
    pub async fn listed_campaigns(&self, scope: Scope, question: &Question) -> Result<Page<CampaignView>, StoreError> {
        if let Scope::Member(_) = scope {
            return self.told_of_campaigns(scope, question).await;
        }
        let mut tx = self.readers().begin().await?;
        let tokens = looked_up(&mut tx, scope, &question.filter).await?;
        let page = numbers(&mut tx, "campaign", question, &tokens, &CASE).await?;
        tx.rollback().await?;
        if page.items.is_empty() {
            return Ok(page.with(Vec::new()));
        }
        let found = views(self, scope, Chosen::These(&page.items)).await?;
        let mut found: BTreeMap<i64, CampaignView> =
            found.into_iter().map(|campaign| (campaign.id, campaign)).collect();
        let items = page.items.iter().filter_map(|id| found.remove(id)).collect();
        Ok(page.with(items))
    }

    async fn told_of_campaigns(&self, scope: Scope, question: &Question) -> Result<Page<CampaignView>, StoreError> {
        let mut told = views(self, scope, Chosen::All).await?;
        told.retain(|campaign| {
            campaign.last_seen >= question.range.from && question.range.to.is_none_or(|to| campaign.first_seen < to)
        });
        let within = i64::try_from(told.len()).unwrap_or(i64::MAX);
        told.retain(|campaign| {
            question.filter.tokens.iter().all(|token| {
                let yes = match &token.what {
                    What::Exercise(yes) => campaign.exercise == *yes,
                    What::Text(text) => campaign.title.to_lowercase().contains(&text.to_lowercase()),
                    // The rest follows from all members.
                    _ => false,
                };
                yes != token.not
            })
        });
        // How the work on it stands it is not told, so that none is hidden by that.
        let total = i64::try_from(told.len()).unwrap_or(i64::MAX);
        let begin = question.after.as_ref().and_then(|after| usize::try_from(after.at).ok()).unwrap_or(0);
        let end = begin.saturating_add(question.limit);
        let next = (told.len() > end).then(|| Position { at: i64::try_from(end).unwrap_or(0), name: String::new() });
        let items = told.into_iter().skip(begin).take(question.limit).collect();
        Ok(Page { items, next, total, within, hidden: Hidden::default() })
    }
}
