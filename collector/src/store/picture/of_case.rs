//! One campaign or incident with all that stands at it: its incidents, its alerts, what they met, and the work on it.

use sqlx::{Sqlite, Transaction};

use super::reads::{Cases, picture, read_incidents, subject};
use super::rows::{alert_facts, indicator_facts};
use super::{ALERTS_MAX, Detail, INDICATORS_MAX, Picture, Subject};
use crate::store::{Scope, weights, workflow};
use crate::workflow::Matter;

/// Alerts `a` of the incidents of campaign $2, or of incident $3; of the two one is none. Each is found by its index.
macro_rules! of_subject {
    () => {
        "a.incident_id IN (SELECT x.id FROM incident x WHERE x.campaign_id = $2 UNION ALL SELECT x.id FROM incident x WHERE x.id = $3)"
    };
}

pub(super) async fn detail(
    tx: &mut Transaction<'static, Sqlite>,
    scope: Scope,
    of: Subject,
) -> Result<Option<(Picture, Detail)>, sqlx::Error> {
    let member = scope.member_id();
    let (campaign, incident) = subject(Some(of));
    let picture = picture(tx, scope, campaign.map_or(Cases::None, Cases::Campaign)).await?;
    let incidents = read_incidents(tx, scope, Some(of)).await?;
    let found = match of {
        Subject::Campaign(id) => picture.campaigns.iter().any(|c| c.id == id),
        Subject::Incident(_) => !incidents.is_empty(),
    };
    if !found {
        return Ok(None);
    }
    let rows = sqlx::query(concat!(
        "SELECT a.*, m.name AS member_name, n.tlp FROM alert a JOIN member m ON m.id = a.member_id \
         JOIN indicator n ON n.id = a.indicator_id WHERE ($1 IS NULL OR a.member_id = $1) AND ",
        of_subject!(),
        " ORDER BY a.first_seen, a.id LIMIT $4"
    ))
    .bind(member)
    .bind(campaign)
    .bind(incident)
    .bind(ALERTS_MAX)
    .fetch_all(&mut **tx)
    .await?;
    let alerts = rows.iter().map(alert_facts).collect::<Result<Vec<_>, _>>()?;
    let alerts_total = sqlx::query_scalar(concat!(
        "SELECT COUNT(*) FROM alert a WHERE ($1 IS NULL OR a.member_id = $1) AND ",
        of_subject!()
    ))
    .bind(member)
    .bind(campaign)
    .bind(incident)
    .fetch_one(&mut **tx)
    .await?;
    let indicators = sqlx::query(concat!(
        "SELECT n.id, n.pattern, n.kind, n.source, n.threat, n.tlp, n.confidence, n.published_in FROM indicator n \
         WHERE n.id IN (SELECT a.indicator_id FROM alert a WHERE ($1 IS NULL OR a.member_id = $1) AND ",
        of_subject!(),
        ") ORDER BY n.id LIMIT $4"
    ))
    .bind(member)
    .bind(campaign)
    .bind(incident)
    .bind(INDICATORS_MAX)
    .fetch_all(&mut **tx)
    .await?
    .iter()
    .map(|row| indicator_facts(scope, row))
    .collect::<Result<_, _>>()?;
    let escalation = weights::in_force(tx).await?.escalation;
    let matter = match of {
        Subject::Campaign(id) => Matter::Campaign(id),
        Subject::Incident(id) => Matter::Incident(id),
    };
    let work = workflow::work(tx, scope, matter).await?.unwrap_or_default();
    let bonds = Vec::new();
    Ok(Some((picture, Detail { incidents, indicators, alerts, alerts_total, bonds, escalation, work })))
}

#[cfg(test)]
mod tests {
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn the_alerts_of_one_case_are_found_by_their_incidents_and_not_by_reading_every_alert() {
        let fixture = Fixture::new(1).await;
        let sql = concat!(
            "EXPLAIN QUERY PLAN SELECT a.id FROM alert a WHERE ($1 IS NULL OR a.member_id = $1) AND ",
            of_subject!()
        );
        let of = |campaign: Option<i64>, incident: Option<i64>| {
            let plan =
                sqlx::query_as::<_, (i64, i64, i64, String)>(sql).bind(None::<i64>).bind(campaign).bind(incident);
            plan.fetch_all(fixture.store.readers())
        };
        for (campaign, incident) in [(Some(1), None), (None, Some(1))] {
            let plan: Vec<String> = of(campaign, incident).await.unwrap().into_iter().map(|step| step.3).collect();
            assert!(plan.iter().any(|step| step.contains("USING") && step.contains("alert_by_incident")), "{plan:#?}");
            assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:#?}");
        }
    }
}
