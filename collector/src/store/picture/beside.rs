//! What stands beside campaigns and incidents of a picture: how their members' parts were weighed, whether they are closed for the reader,
//! by which list they could be seen, and which guard has made them too connected.

use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{CampaignFacts, IncidentFacts};
use crate::store::campaign::name_for_member;
use crate::store::record::{ROWS_PER_STATEMENT, push_ids};
use crate::store::tripped::{self, TooConnected};
use crate::store::{Scope, cluster, priority};
use crate::workflow::{Closing, State};

impl CampaignFacts {
    /// Members hit, those behind one shared network counted once.
    pub fn independent(&self) -> usize {
        let shared: HashSet<&str> = self.hits.iter().filter_map(|hit| hit.member.supplier.as_deref()).collect();
        shared.len() + self.hits.iter().filter(|hit| hit.member.supplier.is_none()).count()
    }

    /// The same of those that a sensor saw hit: of which people alone said it, they are of no denominator.
    pub fn independent_seen(&self) -> usize {
        let seen = || self.hits.iter().filter(|hit| !hit.human);
        let shared: HashSet<&str> = seen().filter_map(|hit| hit.member.supplier.as_deref()).collect();
        shared.len() + seen().filter(|hit| hit.member.supplier.is_none()).count()
    }

    /// Members of which people alone said that they are hit.
    pub fn reported(&self) -> usize {
        self.hits.iter().filter(|hit| hit.human).count()
    }

    /// A person has looked at it and says that it is one.
    pub fn is_confirmed(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.standing.closed_as() == Some(Closing::Confirmed))
    }
}

/// Of `c`, a campaign: that it is closed for this reader, whose id, none for the operator, the statement binds as $1. A member is told
/// nothing of the work on a campaign, and goes by its own incidents.
pub(super) fn is_closed(scope: Scope) -> &'static str {
    match scope {
        Scope::Operator => "c.state = 'closed'",
        Scope::Member(_) => {
            "NOT EXISTS (SELECT 1 FROM incident y WHERE y.campaign_id = c.id AND y.member_id = $1 AND y.state <> 'closed')"
        }
    }
}

/// What a member names its campaigns by.
pub(super) async fn own_names(tx: &mut SqliteConnection, scope: Scope) -> Result<HashMap<i64, String>, sqlx::Error> {
    let Scope::Member(member) = scope else { return Ok(HashMap::new()) };
    let sql = "SELECT campaign_id, uuid FROM incident WHERE member_id = $1 AND campaign_id IS NOT NULL ORDER BY opened_at, uuid";
    let rows: Vec<(i64, String)> = sqlx::query_as(sql).bind(member).fetch_all(&mut *tx).await?;
    let mut names = HashMap::new();
    for (campaign, incident) in rows {
        names.entry(campaign).or_insert_with(|| name_for_member(&incident));
    }
    Ok(names)
}

/// One member's part in a campaign, as far as it is read here.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::store) struct Part {
    /// The worst word of its incidents.
    pub(in crate::store) word: Option<i64>,
    /// One of them is not closed.
    is_open: bool,
}

/// The parts of members in these campaigns, by campaign and member; a member's own are weighed by nothing but its own.
pub(in crate::store) async fn parts(
    tx: &mut SqliteConnection,
    scope: Scope,
    campaigns: &[i64],
) -> Result<HashMap<(i64, i64), Part>, sqlx::Error> {
    let mut parts: HashMap<(i64, i64), Part> = HashMap::new();
    for chunk in campaigns.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(match scope {
            Scope::Operator => {
                "SELECT MIN(i.id), i.campaign_id, i.member_id, MAX(i.word), MIN(CASE WHEN i.state = 'closed' THEN 1 ELSE 0 END) = 0 FROM incident i WHERE i.campaign_id IN "
            }
            Scope::Member(_) => {
                "SELECT i.id, i.campaign_id, i.member_id, i.word, i.state <> 'closed' FROM incident i WHERE i.campaign_id IN "
            }
        });
        push_ids(&mut select, chunk);
        match scope {
            Scope::Operator => drop(select.push(" GROUP BY i.campaign_id, i.member_id")),
            Scope::Member(member) => drop(select.push(" AND i.member_id = ").push_bind(member)),
        }
        let rows: Vec<(i64, i64, i64, Option<i64>, bool)> = select.build_query_as().fetch_all(&mut *tx).await?;
        let ids: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
        let own = priority::own(&mut *tx, scope, &ids).await?;
        for (id, campaign, member, stored, is_open) in rows {
            let word = match scope {
                Scope::Operator => stored,
                Scope::Member(_) => own.get(&id).map(|own| priority::level_of(own.word)),
            };
            let part = parts.entry((campaign, member)).or_default();
            part.word = part.word.max(word);
            part.is_open |= is_open;
        }
    }
    Ok(parts)
}

/// The first list that has anything of what people have reported in a campaign that no sensor has seen.
pub(in crate::store) async fn first_list(tx: &mut SqliteConnection, campaign: i64) -> Result<Option<i64>, sqlx::Error> {
    let sql = "SELECT MIN(published_in) FROM (
        SELECT n.published_in FROM incident i JOIN indicator n ON n.threat = i.link_value
            WHERE i.campaign_id = $1 AND i.link_kind = 'threat'
        UNION ALL SELECT n.published_in FROM incident i JOIN indicator n ON n.id = CAST(i.link_value AS BIGINT)
            WHERE i.campaign_id = $1 AND i.link_kind = 'indicator') t";
    sqlx::query_scalar(sql).bind(campaign).fetch_one(&mut *tx).await
}

/// Why a campaign is too connected, of what is stored of that; never for a member.
pub(super) async fn too_connected(
    tx: &mut SqliteConnection,
    scope: Scope,
    why: Option<&str>,
) -> Result<Option<TooConnected>, sqlx::Error> {
    let Some(why) = why.filter(|_| scope == Scope::Operator) else { return Ok(None) };
    Ok(Some(match tripped::named(tx, why).await? {
        Some(named) => TooConnected::Guard(named),
        None if why == cluster::TOPICS => TooConnected::Topics,
        None => TooConnected::Gone,
    }))
}

/// Adds it to campaigns.
pub(super) async fn campaigns(
    tx: &mut SqliteConnection,
    scope: Scope,
    campaigns: &mut [CampaignFacts],
) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = campaigns.iter().map(|campaign| campaign.id).collect();
    let parts = parts(tx, scope, &ids).await?;
    for campaign in campaigns {
        let mut is_open = false;
        for hit in &mut campaign.hits {
            let part = parts.get(&(campaign.id, hit.member.id)).copied().unwrap_or_default();
            hit.word = part.word;
            is_open |= part.is_open;
        }
        campaign.is_closed = match &campaign.work {
            Some(work) => work.standing.state() == State::Closed,
            None => !is_open,
        };
        campaign.first_list = match campaign.hits.iter().all(|hit| hit.human) {
            true => first_list(tx, campaign.id).await?,
            false => Some(campaign.indicators.iter().filter_map(|indicator| indicator.published_in).min().unwrap_or(1)),
        };
    }
    Ok(())
}

/// Adds to incidents that a person opened what they are about.
pub(super) async fn incidents(tx: &mut SqliteConnection, incidents: &mut [IncidentFacts]) -> Result<(), sqlx::Error> {
    for incident in incidents.iter_mut().filter(|incident| incident.human && incident.about.is_some()) {
        let sql = "SELECT CASE WHEN i.link_kind = 'threat' THEN i.link_value ELSE (SELECT n.pattern FROM indicator n
            WHERE i.link_kind = 'indicator' AND n.id = CAST(i.link_value AS BIGINT)) END FROM incident i WHERE i.id = $1";
        let about: Option<Option<String>> = sqlx::query_scalar(sql).bind(incident.id).fetch_optional(&mut *tx).await?;
        incident.about = about.flatten();
    }
    Ok(())
}
