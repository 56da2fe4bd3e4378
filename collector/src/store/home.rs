//! What a member's own front pages read beside the picture: what is to be done for each of its open incidents, and whom
//! to ring at the response team.

use super::{Scope, Store, StoreError, measure, setting, workflow};
use crate::limits::page::HOME_INCIDENTS;
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
}
