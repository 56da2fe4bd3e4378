//! What no database should hold does not break a page.

use super::{as_is, get, site};

#[tokio::test]
async fn hostile_counts_and_times_do_not_break_the_page() {
    let site = site(Some(&as_is), 16).await.unwrap();
    let mut tx = site.store.begin().await.unwrap();
    for statement in [
        "UPDATE alert SET count = 9223372036854775807, evidence = 77, severity = -3, labels_left = -1, port = -5",
        "UPDATE incident SET first_seen = -9223372036854775807, last_seen = 9223372036854775807",
        "UPDATE sensor SET heartbeat = '[', last_seen_at = 9223372036854775807 WHERE id < 5",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let answers = ["/api/v1/campaigns", "/api/v1/incidents/31", "/api/v1/alerts", "/api/v1/sensors"];
    for path in ["/", "/kampanje/1", "/sak/31", "/api/picture"].iter().chain(&answers) {
        assert_eq!(get(&site, path, "").await.unwrap().0, 200, "{path}");
    }
}
