//! What an indicator comes to: marked as strictly as the strictest of its claims, as sure and as bad as the surest and the worst of
//! them; it lives for as long as one stands.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use super::{StoreError, claim};
use crate::intel::canonical::CONFIDENCE_UNSAID;

/// A marking's text by its level, in SQL.
pub(super) fn tlp_text(level: &str) -> String {
    format!(
        "CASE {level} WHEN 0 THEN 'TLP:CLEAR' WHEN 1 THEN 'TLP:GREEN' WHEN 2 THEN 'TLP:AMBER'
        WHEN 3 THEN 'TLP:AMBER+STRICT' ELSE 'TLP:RED' END"
    )
}

/// The same of what may be done with it; none where nobody says.
pub(super) fn pap_text(level: &str) -> String {
    format!(
        "CASE {level} WHEN 0 THEN 'PAP:CLEAR' WHEN 1 THEN 'PAP:GREEN' WHEN 2 THEN 'PAP:AMBER' WHEN 3 THEN 'PAP:RED' END"
    )
}

/// How bad what nobody says of counts as.
pub(super) fn severity_unsaid() -> i64 {
    i64::from(Severity::default().level())
}

/// What the standing claims of indicators come to. What a source leaves unsaid is for the others to say, but a marking: what is
/// unmarked counts as AMBER beside whatever else; and it is an exercise only where all say so. Where any of that is another than it was,
/// it has changed at `now`, or as soon after what was told of it before as others can tell apart.
pub(super) fn sum_up(which: &str, now: &str) -> String {
    let threat = format!(
        "(SELECT threat FROM claim WHERE indicator_id = indicator.id AND withdrawn_at IS NULL
            AND threat IS NOT NULL ORDER BY COALESCE(confidence, {CONFIDENCE_UNSAID}) DESC, id LIMIT 1)"
    );
    let (tlp, pap) = (tlp_text("sum.tlp"), pap_text("sum.pap"));
    format!(
        "UPDATE indicator SET changed_at = CASE WHEN indicator.confidence = sum.confidence AND indicator.severity = sum.severity
                AND indicator.tlp = {tlp} AND indicator.pap IS NOT DISTINCT FROM {pap}
                AND indicator.valid_from IS NOT DISTINCT FROM sum.valid_from
                AND indicator.valid_until IS NOT DISTINCT FROM sum.valid_until
                AND indicator.threat IS NOT DISTINCT FROM {threat} THEN indicator.changed_at
            ELSE MAX({now}, COALESCE(indicator.changed_at, indicator.received_at) + {APART},
                (SELECT MAX(renewed_at) FROM claim WHERE indicator_id = indicator.id) + {APART}) END,
            confidence = sum.confidence, severity = sum.severity, tlp = {tlp}, pap = {pap},
            valid_from = sum.valid_from, valid_until = sum.valid_until, exercise = sum.exercise,
            withdrawn_at = CASE WHEN indicator.refuted_at IS NOT NULL THEN indicator.withdrawn_at END,
            threat = {threat}
        FROM (SELECT indicator_id, COALESCE(MAX(confidence), {CONFIDENCE_UNSAID}) AS confidence,
                COALESCE(MAX(severity), {}) AS severity, MAX(COALESCE(tlp, 2)) AS tlp, MAX(pap) AS pap,
                CASE WHEN COUNT(valid_from) = COUNT(*) THEN MIN(valid_from) END AS valid_from,
                CASE WHEN COUNT(valid_until) = COUNT(*) THEN MAX(valid_until) END AS valid_until,
                MIN(COALESCE(exercise, 0)) AS exercise
            FROM claim WHERE withdrawn_at IS NULL AND indicator_id IN ({which}) GROUP BY indicator_id) AS sum
        WHERE indicator.id = sum.indicator_id",
        severity_unsaid(),
    )
}

/// Microseconds between two versions that others can tell apart: STIX writes milliseconds.
const APART: i64 = 1_000;

/// The indicators of gathered entries.
pub(super) const OF_ENTRIES: &str =
    "SELECT i.id FROM stage.entry e JOIN indicator i ON i.pattern = e.pattern WHERE e.n > $1 AND e.n <= $2";
/// Ends those of these that nobody says any more.
pub(super) const WITHOUT_CLAIMS: &str = "UPDATE indicator SET withdrawn_at = $2 WHERE withdrawn_at IS NULL
    AND id IN (SELECT value FROM json_each($1))
    AND NOT EXISTS (SELECT 1 FROM claim WHERE indicator_id = indicator.id AND withdrawn_at IS NULL)";

/// Has the indicators of these gathered entries be what their claims come to.
pub(super) async fn of_entries(
    tx: &mut SqliteConnection,
    from: i64,
    to: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    claim::changed(&mut *tx).await?;
    sqlx::query(AssertSqlSafe(sum_up(OF_ENTRIES, "$3"))).bind(from).bind(to).bind(now.0).execute(tx).await?;
    Ok(())
}

/// The same for indicators of which claims were withdrawn; those without any that stands are withdrawn themselves.
pub(super) async fn settle(tx: &mut SqliteConnection, indicators: &[i64], now: Timestamp) -> Result<(), StoreError> {
    if indicators.is_empty() {
        return Ok(());
    }
    let which = serde_json::to_string(indicators).unwrap_or_default();
    let of_these = "SELECT value FROM json_each($1)";
    sqlx::query(AssertSqlSafe(sum_up(of_these, "$2"))).bind(which.as_str()).bind(now.0).execute(&mut *tx).await?;
    claim::changed(&mut *tx).await?;
    sqlx::query(WITHOUT_CLAIMS).bind(which.as_str()).bind(now.0).execute(tx).await?;
    Ok(())
}
