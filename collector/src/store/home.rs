//! What a member's own front pages read beside the picture: what is to be done for each of its open incidents, what it is sent of lists,
//! and whom to ring at the response team.

use serde::Serialize;

use super::{Scope, Store, StoreError, measure, setting, workflow};
use crate::limits::page::{HOME_INCIDENTS, LIST_PARTS_SHOWN};
use crate::measure::propose::propose;
use crate::profile::Telephone;
use crate::workflow::Matter;
use crate::workflow::timeline::Measure as Stands;

/// What is to be done about one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToDo {
    /// `incident.id`.
    pub incident: i64,
    /// Keys of what the bank proposes for it, in the order in which it is done.
    pub proposed: Vec<String>,
    /// What was planned or done of it, as the member may read it.
    pub stands: Vec<Stands>,
}

/// Indicators of one source, kind and marking in the newest list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListPart {
    /// Where they come from.
    pub source: String,
    /// domain, host, ipv4, ipv6, network or ja4.
    pub kind: String,
    /// Their marking.
    pub tlp: String,
    /// How many.
    pub count: i64,
}

impl Store {
    /// What is to be done about incidents, which are the reader's own; of no more than [`HOME_INCIDENTS`].
    ///
    /// # Errors
    /// The database's own.
    pub async fn to_do(&self, scope: Scope, incidents: &[i64]) -> Result<Vec<ToDo>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let bank = measure::bank(&mut tx).await?;
        let mut all = Vec::new();
        for incident in incidents.iter().copied().take(HOME_INCIDENTS) {
            let case = Matter::Incident(incident);
            let situation = measure::situation(&mut tx, scope, case).await?;
            let proposed = situation.map(|situation| propose(&bank, &situation)).unwrap_or_default();
            let proposed = proposed.into_iter().map(|one| one.measure.key.clone()).collect();
            let stands = workflow::work(&mut tx, scope, case).await?.map(|work| work.measures).unwrap_or_default();
            all.push(ToDo { incident, proposed, stands });
        }
        tx.rollback().await?;
        Ok(all)
    }

    /// What sensors are sent: the indicators that were published and hold still, by source, kind and marking, the most first; no more
    /// lines than [`LIST_PARTS_SHOWN`]. It is the same for all members.
    ///
    /// # Errors
    /// The database's own.
    pub async fn list_parts(&self, _: Scope) -> Result<Vec<ListPart>, StoreError> {
        let sql = "SELECT source, kind, tlp, COUNT(*) FROM indicator i WHERE published_in IS NOT NULL AND withdrawn_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM recall r WHERE r.indicator_id = i.id AND r.lifted_at IS NULL)
            GROUP BY source, kind, tlp ORDER BY COUNT(*) DESC, source, kind, tlp LIMIT $1";
        let rows: Vec<(String, String, String, i64)> =
            sqlx::query_as(sql).bind(LIST_PARTS_SHOWN).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(|(source, kind, tlp, count)| ListPart { source, kind, tlp, count }).collect())
    }

    /// The response team's telephone, as `collector.toml` says; it is for all members.
    ///
    /// # Errors
    /// The database's own.
    pub async fn operator_telephone(&self, _: Scope) -> Result<Option<Telephone>, StoreError> {
        let text = self.setting(Scope::Operator, setting::OPERATOR_TELEPHONE).await?;
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests::{batch, fixture, opened, send};
    use varde_common::record::RecordBody;

    #[tokio::test]
    async fn w1_what_is_to_be_done_is_told_of_ones_own_incidents_alone() {
        let fixture = fixture(2).await;
        for member in 1..=2 {
            send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
        }
        let own = fixture.count("SELECT id FROM incident WHERE member_id = 1").await;
        let theirs = fixture.count("SELECT id FROM incident WHERE member_id = 2").await;
        let told = fixture.store.to_do(Scope::Member(1), &[own, theirs]).await.unwrap();
        assert!(!told[0].proposed.is_empty(), "something is proposed for every stage");
        assert!(told[1].proposed.is_empty() && told[1].stands.is_empty(), "{told:?}");
    }

    #[tokio::test]
    async fn a_list_is_counted_by_source_kind_and_marking_without_what_was_taken_back() {
        let fixture = fixture(1).await;
        fixture.run("UPDATE indicator SET published_in = 1, source = 'NCSC', kind = 'domain', tlp = 'TLP:AMBER'").await;
        let all = fixture.count("SELECT COUNT(*) FROM indicator").await;
        fixture.run("UPDATE indicator SET tlp = 'TLP:RED' WHERE id = 2").await;
        fixture.run("UPDATE indicator SET withdrawn_at = 1 WHERE id = 1").await;
        let parts = fixture.store.list_parts(Scope::Member(1)).await.unwrap();
        let counts: Vec<(&str, i64)> = parts.iter().map(|part| (part.tlp.as_str(), part.count)).collect();
        assert_eq!(counts, [("TLP:AMBER", all - 2), ("TLP:RED", 1)]);
        fixture.run("UPDATE indicator SET published_in = NULL").await;
        assert!(fixture.store.list_parts(Scope::Member(1)).await.unwrap().is_empty());
    }
}
