//! Whose each sensor is, for which sites it may report and which channel it follows: as it was when a restored database took the place
//! of another, not as it was when the backup was made.

use sqlx::SqliteConnection;

/// A member's row, as no other ever is it: its id, and when it was added.
type MemberThen = (i64, i64);

/// Which channel a sensor is to follow, by which word, of when.
type ChannelThen = (String, Option<Vec<u8>>, Option<i64>);

/// A sensor's place, by its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    token_secret_sha256: Vec<u8>,
    member: MemberThen,
    sites: Vec<(i64, MemberThen)>,
    channel: Option<ChannelThen>,
}

async fn has_channels(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql =
        "SELECT COUNT(*) FROM pragma_table_info('sensor') WHERE name IN ('channel', 'channel_word', 'channel_at')";
    let found: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(found == 3)
}

/// The places of all sensors that are not revoked, in a database of any version.
///
/// # Errors
/// The database's own.
pub(super) async fn all(conn: &mut SqliteConnection) -> Result<Vec<Place>, sqlx::Error> {
    let channels = has_channels(conn).await?;
    let sql = "SELECT s.id, s.token_secret_sha256, m.id, m.added_at FROM sensor s JOIN member m ON m.id = s.member_id
        WHERE s.revoked_at IS NULL ORDER BY s.id";
    let sensors: Vec<(i64, Vec<u8>, i64, i64)> = sqlx::query_as(sql).fetch_all(&mut *conn).await?;
    let mut places = Vec::new();
    for (id, token_secret_sha256, member, added_at) in sensors {
        let sql =
            "SELECT t.site, m.id, m.added_at FROM site t JOIN member m ON m.id = t.member_id WHERE t.sensor_id = $1";
        let sites: Vec<(i64, i64, i64)> = sqlx::query_as(sql).bind(id).fetch_all(&mut *conn).await?;
        let sql = "SELECT channel, channel_word, channel_at FROM sensor WHERE id = $1";
        let channel = match channels {
            true => sqlx::query_as(sql).bind(id).fetch_optional(&mut *conn).await?,
            false => None,
        };
        let sites = sites.into_iter().map(|(site, member, added_at)| (site, (member, added_at))).collect();
        places.push(Place { token_secret_sha256, member: (member, added_at), sites, channel });
    }
    Ok(places)
}

async fn is_there(conn: &mut SqliteConnection, member: MemberThen) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM member WHERE id = $1 AND added_at = $2";
    let found: i64 = sqlx::query_scalar(sql).bind(member.0).bind(member.1).fetch_one(conn).await?;
    Ok(found > 0)
}

/// Gives every sensor the place it had. Gives how many had another in the backup. One whose member is not in the backup stays as it
/// is there, and a site whose member is not in it is nobody's: no network goes to a member that it was not.
///
/// # Errors
/// The database's own.
pub(super) async fn put(conn: &mut SqliteConnection, places: &[Place]) -> Result<u64, sqlx::Error> {
    let channels = has_channels(conn).await?;
    let mut changed = 0;
    for Place { token_secret_sha256, member, sites, channel } in places {
        let sql = "SELECT id FROM sensor WHERE token_secret_sha256 = $1 AND revoked_at IS NULL";
        let found: Option<i64> = sqlx::query_scalar(sql).bind(token_secret_sha256).fetch_optional(&mut *conn).await?;
        let Some(sensor) = found else { continue };
        let mut rows = 0;
        if is_there(conn, *member).await? {
            let sql = "UPDATE sensor SET member_id = $2 WHERE id = $1 AND member_id <> $2";
            rows += sqlx::query(sql).bind(sensor).bind(member.0).execute(&mut *conn).await?.rows_affected();
            rows += put_sites(conn, sensor, sites).await?;
        }
        if let (true, Some((channel, word, at))) = (channels, channel) {
            let sql = "UPDATE sensor SET channel = $2, channel_word = $3, channel_at = $4
                WHERE id = $1 AND $4 IS NOT NULL AND (channel_at IS NULL OR channel_at < $4)";
            let done = sqlx::query(sql).bind(sensor).bind(channel).bind(word).bind(at).execute(&mut *conn).await?;
            rows += done.rows_affected();
        }
        changed += u64::from(rows > 0);
    }
    Ok(changed)
}

async fn put_sites(conn: &mut SqliteConnection, sensor: i64, sites: &[(i64, MemberThen)]) -> Result<u64, sqlx::Error> {
    let sql = "SELECT site FROM site WHERE sensor_id = $1";
    let mut gone: Vec<i64> = sqlx::query_scalar(sql).bind(sensor).fetch_all(&mut *conn).await?;
    let mut rows = 0;
    for (site, member) in sites {
        if !is_there(conn, *member).await? {
            continue;
        }
        gone.retain(|there| there != site);
        let sql = "INSERT INTO site (sensor_id, site, member_id) VALUES ($1, $2, $3)
            ON CONFLICT (sensor_id, site) DO UPDATE SET member_id = excluded.member_id WHERE member_id <> excluded.member_id";
        let done = sqlx::query(sql).bind(sensor).bind(site).bind(member.0).execute(&mut *conn).await?;
        rows += done.rows_affected();
    }
    for site in gone.into_iter().filter(|site| *site != 0) {
        let sql = "DELETE FROM site WHERE sensor_id = $1 AND site = $2";
        rows += sqlx::query(sql).bind(sensor).bind(site).execute(&mut *conn).await?.rows_affected();
    }
    Ok(rows)
}
