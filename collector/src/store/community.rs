//! Members and sensors as they stand, without what was found: all that the pages of members and of sensors need, of one moment.

use std::collections::HashMap;

use super::picture::{Picture, reads};
use super::{Scope, Store, StoreError, setting};

/// What is open at a member; exercises left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// Incidents.
    pub incidents: i64,
    /// How many of them are in a campaign that is not closed.
    pub in_campaigns: i64,
}

/// The community, of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Community {
    /// Whose collector it is, the newest list, members and sensors; nothing else of the picture.
    pub picture: Picture,
    /// What is open, by `member.id`; who has nothing is not there.
    pub open: HashMap<i64, Open>,
}

impl Store {
    /// Members and sensors as `scope` may see them.
    ///
    /// # Errors
    /// The database's own.
    pub async fn community(&self, scope: Scope) -> Result<Community, StoreError> {
        let operator = self.setting(scope, setting::OPERATOR_NAME).await?;
        let mut tx = self.readers().begin().await?;
        let picture = Picture {
            for_member: scope.member_id().is_some(),
            operator,
            list: reads::newest_list(&mut tx).await?,
            members: reads::members(&mut tx, scope).await?,
            sensors: reads::sensors(&mut tx, scope).await?,
            ..Picture::default()
        };
        let sql = "SELECT i.member_id, COUNT(*), COUNT(CASE WHEN c.state <> 'closed' THEN 1 END)
            FROM incident i LEFT JOIN campaign c ON c.id = i.campaign_id AND c.exercise = 0
            WHERE i.state <> 'closed' AND i.exercise = 0 AND ($1 IS NULL OR i.member_id = $1) GROUP BY i.member_id";
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(sql).bind(scope.member_id()).fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        let open = |(member, incidents, in_campaigns)| (member, Open { incidents, in_campaigns });
        Ok(Community { picture, open: rows.into_iter().map(open).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn what_is_open_is_counted_by_member_without_exercises_and_a_member_sees_its_own_alone() {
        let fixture = Fixture::new(3).await;
        fixture
            .run("INSERT INTO campaign (id, uuid, link_kind, link_value, title, exercise, opened_at, updated_at, first_seen, last_seen, state)
                VALUES (1, 'c1', 'threat', 'x', 'x', 0, 1, 1, 1, 1, 'new'), (2, 'c2', 'threat', 'y', 'y', 0, 1, 1, 1, 1, 'closed')")
            .await;
        for (member, campaign, exercise, state) in [
            (1, "1", 0, "new"),
            (1, "NULL", 0, "new"),
            (1, "2", 0, "new"),
            (2, "NULL", 1, "new"),
            (2, "NULL", 0, "closed"),
        ] {
            let sql = format!(
                "INSERT INTO incident (uuid, member_id, link_kind, link_value, title, exercise, opened_at, updated_at, first_seen, last_seen, campaign_id, state)
                 VALUES (hex(randomblob(16)), {member}, 'threat', hex(randomblob(4)), 'x', {exercise}, 1, 1, 1, 1, {campaign}, '{state}')"
            );
            fixture.run(sql.leak()).await;
        }
        let all = fixture.store.community(Scope::Operator).await.unwrap();
        assert_eq!(all.open, HashMap::from([(1, Open { incidents: 3, in_campaigns: 1 })]));
        assert_eq!((all.picture.members.len(), all.picture.sensors.len()), (3, 3));
        let other = fixture.store.community(Scope::Member(2)).await.unwrap();
        assert!(other.open.is_empty() && other.picture.members.len() == 1 && other.picture.sensors.len() == 1);
    }
}
