//! What becomes of advisories in time, and of a member's part in them when it leaves or becomes part of another.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

/// Tables that hold a member's part.
const PARTS: [&str; 4] = ["advisory_recipient", "advisory_answer", "mail", "mail_distrusted"];

/// Deletes one with all that belongs to it.
pub(super) async fn delete(conn: &mut SqliteConnection, id: i64) -> Result<(), sqlx::Error> {
    for sql in [
        "DELETE FROM mail WHERE advisory_id = $1",
        "DELETE FROM advisory_answer WHERE advisory_id = $1",
        "DELETE FROM advisory_recipient WHERE advisory_id = $1",
        "DELETE FROM advisory_measure WHERE advisory_id = $1",
        "DELETE FROM advisory_text WHERE advisory_id = $1",
        "UPDATE advisory SET corrects = NULL WHERE corrects = $1",
        "DELETE FROM advisory WHERE id = $1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Advisories go as long after they were last changed as alerts are kept, where their campaign is gone.
pub(in crate::store) async fn forget_old(conn: &mut SqliteConnection, limit: Timestamp) -> Result<u64, sqlx::Error> {
    let sql = "SELECT id FROM advisory WHERE COALESCE(withdrawn_at, sent_at, changed_at) < $1
        AND NOT EXISTS (SELECT 1 FROM campaign c WHERE c.id = advisory.campaign_id)";
    let old: Vec<i64> = sqlx::query_scalar(sql).bind(limit.0).fetch_all(&mut *conn).await?;
    for id in &old {
        delete(&mut *conn, *id).await?;
    }
    Ok(old.len() as u64)
}

/// Everything of a member in them: it leaves.
pub(in crate::store) async fn forget_member(conn: &mut SqliteConnection, member: i64) -> Result<(), sqlx::Error> {
    for table in PARTS {
        let sql = format!("DELETE FROM {table} WHERE member_id = $1");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(member).execute(&mut *conn).await?;
    }
    // What was read and answered stands in the timelines of campaigns with its number and name.
    let sql = "DELETE FROM timeline WHERE kind = 'campaign' AND (body LIKE '{\"what\":\"advisory_read\",%' OR body LIKE '{\"what\":\"advisory_answered\",%')
        AND json_extract(body, '$.number') IN (SELECT number FROM member WHERE id = $1
            UNION SELECT number FROM former_number WHERE member_id = $1)";
    sqlx::query(sql).bind(member).execute(conn).await.map(drop)
}

/// A member's part is another's from now on; where both have one, that one's stands.
pub(in crate::store) async fn hand_over(conn: &mut SqliteConnection, from: i64, into: i64) -> Result<(), sqlx::Error> {
    for sql in [
        "UPDATE OR IGNORE advisory_recipient SET member_id = $2 WHERE member_id = $1",
        "UPDATE advisory_answer SET member_id = $2 WHERE member_id = $1",
        "UPDATE OR IGNORE mail SET member_id = $2 WHERE member_id = $1",
        "UPDATE OR IGNORE mail_distrusted SET member_id = $2 WHERE member_id = $1",
        "DELETE FROM advisory_recipient WHERE member_id = $1 AND $2 IS NOT NULL",
        "DELETE FROM mail WHERE member_id = $1 AND $2 IS NOT NULL",
        "DELETE FROM mail_distrusted WHERE member_id = $1 AND $2 IS NOT NULL",
    ] {
        sqlx::query(sql).bind(from).bind(into).execute(&mut *conn).await?;
    }
    Ok(())
}
