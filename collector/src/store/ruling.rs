//! What a person says of campaigns: that one is two, or that two are one. Later alerts obey it.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::time::Timestamp;

use super::campaign::{absorb_campaign, grow_campaign, raise_campaign};
use super::record::ROWS_PER_STATEMENT;
use super::workflow::{self, Saying};
use super::{Scope, Store, StoreError, cluster, incident, priority, weights};
use crate::campaign::is_campaign;
use crate::limits::workflow::SPLIT_NAMED_MAX;
use crate::weights::Weights;
use crate::workflow::Matter;
use crate::workflow::timeline::Said;

/// Who says so, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// Who.
    pub who: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Why it was not done; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRuled {
    /// There is no such campaign.
    #[error("there is no campaign {0}")]
    NoCampaign(i64),
    /// An incident is not in it.
    #[error("incident {0} is not in that campaign")]
    NotInIt(i64),
    /// All of it, or nothing of it, was to be taken out.
    #[error("a split leaves at least one incident on each side")]
    OneSided,
    /// They are the same.
    #[error("it is one campaign already")]
    Same,
    /// One is an exercise and the other is real.
    #[error("an exercise is never mixed with what is real")]
    Exercise,
}

/// What became of a campaign that was split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// The campaign that goes on with what is left.
    pub kept: i64,
    /// The campaign that was split off; none where too few members are in that for one.
    pub other: Option<i64>,
}

async fn cluster_of(conn: &mut SqliteConnection, campaign: i64) -> Result<Option<(i64, bool)>, sqlx::Error> {
    sqlx::query_as("SELECT cluster_id, exercise FROM campaign WHERE id = $1 AND cluster_id IS NOT NULL")
        .bind(campaign)
        .fetch_optional(conn)
        .await
}

/// Tells of a split wherever it can be seen to have happened: in what was split, in what was split off, and in what was taken out.
async fn tell_split(
    conn: &mut SqliteConnection,
    from: i64,
    into: Option<i64>,
    incidents: &BTreeSet<i64>,
    word: Word<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let said = Said::Split {
        from: Some(from),
        into,
        incidents: incidents.iter().copied().take(SPLIT_NAMED_MAX).collect(),
        count: i64::try_from(incidents.len()).unwrap_or(i64::MAX),
        reason: word.reason.to_owned(),
    };
    // It follows from all members, and would tell one of them of another.
    let saying = Saying { who: Some(word.who), at: now, for_members: false };
    let campaigns = [from].into_iter().chain(into).map(Matter::Campaign);
    for case in campaigns.chain(incidents.iter().copied().map(Matter::Incident)) {
        workflow::tell(&mut *conn, case, &said, saying, now).await?;
    }
    Ok(())
}

async fn weigh(conn: &mut SqliteConnection, campaigns: &BTreeSet<i64>, weights: &Weights) -> Result<(), sqlx::Error> {
    let shared = incident::behind_suppliers(conn).await?;
    priority::weigh(conn, &BTreeSet::new(), campaigns, &shared, weights).await
}

impl Store {
    /// Incidents of a campaign that have an alert of this indicator.
    ///
    /// # Errors
    /// The database's own.
    pub async fn incidents_with(
        &self,
        scope: Scope,
        campaign: i64,
        indicator: i64,
    ) -> Result<BTreeSet<i64>, StoreError> {
        let sql = "SELECT DISTINCT i.id FROM incident i JOIN alert a ON a.incident_id = i.id
            WHERE i.campaign_id = $1 AND a.indicator_id = $2 AND ($3 IS NULL OR i.member_id = $3)";
        let select = sqlx::query_scalar(sql).bind(campaign).bind(indicator).bind(scope.member_id());
        let found: Vec<i64> = select.fetch_all(self.readers()).await?;
        Ok(found.into_iter().collect())
    }

    /// Takes incidents out of a campaign. What links the two from now on makes them no longer one: later alerts go to one or the
    /// other. The mark that it is too connected goes, for a person has seen to it.
    ///
    /// # Errors
    /// The database's own; within, [`NotRuled`].
    pub async fn split_campaign(
        &self,
        campaign: i64,
        incidents: &BTreeSet<i64>,
        word: Word<'_>,
        now: Timestamp,
    ) -> Result<Result<Split, NotRuled>, StoreError> {
        let mut tx = self.begin().await?;
        let Some((from, _)) = cluster_of(&mut tx, campaign).await? else {
            return Ok(Err(NotRuled::NoCampaign(campaign)));
        };
        let inside: Vec<i64> = sqlx::query_scalar("SELECT id FROM incident WHERE campaign_id = $1")
            .bind(campaign)
            .fetch_all(&mut *tx)
            .await?;
        let inside: BTreeSet<i64> = inside.into_iter().collect();
        if let Some(stranger) = incidents.difference(&inside).next() {
            return Ok(Err(NotRuled::NotInIt(*stranger)));
        }
        if incidents.is_empty() || incidents.len() == inside.len() {
            return Ok(Err(NotRuled::OneSided));
        }
        let own = cluster::begin(&mut tx).await?;
        for (low, high) in cluster::apart(&mut tx).await? {
            if low == from || high == from {
                cluster::put_apart(&mut tx, own, if low == from { high } else { low }).await?;
            }
        }
        cluster::put_apart(&mut tx, from, own).await?;
        for chunk in Vec::from_iter(incidents.iter().copied()).chunks(ROWS_PER_STATEMENT) {
            let mut update: QueryBuilder<Sqlite> =
                QueryBuilder::new("UPDATE incident SET campaign_id = NULL, cluster_id = ");
            update.push_bind(own).push(" WHERE id IN (");
            let mut list = update.separated(", ");
            for id in chunk {
                list.push_bind(*id);
            }
            update.push(")");
            update.build().execute(&mut *tx).await?;
        }
        let sql = "UPDATE cluster SET too_connected_at = NULL, too_connected_why = NULL WHERE id = $1";
        sqlx::query(sql).bind(from).execute(&mut *tx).await?;
        grow_campaign(&mut tx, campaign, from, now).await?;
        let weights = weights::in_force(&mut tx).await?;
        let shared = incident::behind_suppliers(&mut tx).await?;
        let found = cluster::of_ids(&mut tx, &BTreeSet::from([own]), weights.confidence.low_below).await?;
        let members = found.values().flat_map(|cluster| &cluster.members);
        let members = members.map(|(_, member, sure)| (shared.get(member).copied().unwrap_or(*member), *sure));
        let other = match is_campaign(members, &weights) {
            true => {
                let other = raise_campaign(&mut tx, own, now).await?;
                grow_campaign(&mut tx, other, own, now).await?;
                Some(other)
            }
            false => None,
        };
        tell_split(&mut tx, campaign, other, incidents, word, now).await?;
        weigh(&mut tx, &other.into_iter().chain([campaign]).collect(), &weights).await?;
        tx.commit().await?;
        Ok(Ok(Split { kept: campaign, other }))
    }

    /// Makes two campaigns one: the older goes on, and the number of the other leads there. Gives the one that goes on.
    ///
    /// # Errors
    /// The database's own; within, [`NotRuled`].
    pub async fn merge_campaigns(
        &self,
        (one, other): (i64, i64),
        word: Word<'_>,
        now: Timestamp,
    ) -> Result<Result<i64, NotRuled>, StoreError> {
        let (kept, old) = (one.min(other), one.max(other));
        if kept == old {
            return Ok(Err(NotRuled::Same));
        }
        let mut tx = self.begin().await?;
        let Some((into, real)) = cluster_of(&mut tx, kept).await? else { return Ok(Err(NotRuled::NoCampaign(kept))) };
        let Some((from, drill)) = cluster_of(&mut tx, old).await? else { return Ok(Err(NotRuled::NoCampaign(old))) };
        if real != drill {
            return Ok(Err(NotRuled::Exercise));
        }
        sqlx::query("DELETE FROM apart WHERE low = $1 AND high = $2")
            .bind(into.min(from))
            .bind(into.max(from))
            .execute(&mut *tx)
            .await?;
        absorb_campaign(&mut tx, old, kept, Some(word), now).await?;
        cluster::absorb(&mut tx, from, into).await?;
        grow_campaign(&mut tx, kept, into, now).await?;
        let weights = weights::in_force(&mut tx).await?;
        weigh(&mut tx, &BTreeSet::from([kept]), &weights).await?;
        tx.commit().await?;
        Ok(Ok(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DATABASE_FILE, SCHEMA, options, upgrade};
    use sqlx::{ConnectOptions, Connection};

    #[tokio::test]
    async fn v1_what_a_person_said_of_campaigns_before_stands_in_their_timelines_and_a_merge_is_that_persons() {
        let dir = tempfile::tempdir().unwrap();
        let before = SCHEMA.iter().position(|sql| sql.contains("DROP TABLE ruling")).unwrap();
        upgrade::make(dir.path(), &SCHEMA[..before]).await.unwrap();
        let mut conn = options(&dir.path().join(DATABASE_FILE)).connect().await.unwrap();
        let sql = r#"INSERT INTO cluster (id) VALUES (1), (3);
            INSERT INTO campaign (id, uuid, link_kind, link_value, title, exercise, opened_at, first_seen, last_seen, updated_at, cluster_id)
            VALUES (1, 'c1', 'indicator', '1', 'evil.no', 0, 1, 1, 1, 1, 1), (3, 'c3', 'indicator', '1', 'evil.no', 0, 1, 1, 1, 1, 3);
            INSERT INTO merged (kind, id, uuid, into_id, opened_at, merged_at) VALUES ('campaign', 2, 'c2', 1, 1, 9);
            INSERT INTO ruling (kind, campaign_id, other_id, incidents, who, reason, at)
            VALUES ('split', 2, 3, 4, 'anne', 'a "b" \c', 7), ('merge', 1, 2, 1, 'kari', 'likevel', 9);
            INSERT INTO timeline (kind, subject_id, at, learnt_at, who, for_members, body) VALUES
            ('campaign', 1, 9, 9, NULL, 0, '{"what":"joined","id":2,"was":{"state":"new","closed_as":null,"duplicate_of":null}}'),
            ('campaign', 1, 8, 8, NULL, 0, '{"what":"joined","id":5,"was":{"state":"new","closed_as":null,"duplicate_of":null}}')"#;
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        upgrade::upgrade(dir.path(), SCHEMA).await.unwrap().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let told = async |id| {
            let work = store.work(Scope::Operator, Matter::Campaign(id)).await.unwrap().unwrap();
            let mine = work.timeline.into_iter().filter(|entry| entry.said != Said::Concluded);
            mine.map(|entry| (entry.who, entry.said)).collect::<Vec<_>>()
        };
        let (anne, kari) = (Some("anne".to_owned()), Some("kari".to_owned()));
        let reason = "a \"b\" \\c".to_owned();
        let split = Said::Split { from: Some(2), into: Some(3), incidents: Vec::new(), count: 4, reason };
        let was = crate::workflow::Progress::NEW;
        let merged = Said::Merged { id: Some(2), was, reason: "likevel".to_owned() };
        let joined = (None, Said::Joined { id: Some(5), was });
        assert_eq!(told(1).await, [(anne.clone(), split.clone()), joined, (kari, merged)]);
        assert_eq!(told(3).await, [(anne, split)]);
    }
}
