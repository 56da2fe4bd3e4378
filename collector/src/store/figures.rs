//! How much there is, for whoever watches the collector by numbers: no member, no indicator and no host stands in any of it.

use sqlx::Row;
use varde_common::time::Timestamp;

use super::record::from_column;
use super::silence::Standing;
use super::{Scope, Store, StoreError};

/// Numbers of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Members.
    pub members: u64,
    /// Sensors that have enrolled and were not revoked.
    pub sensors: u64,
    /// Those of them that have a session.
    pub connected: u64,
    /// Alerts that are kept.
    pub alerts: u64,
    /// Incidents that are kept.
    pub incidents: u64,
    /// Campaigns that are kept.
    pub campaigns: u64,
    /// Number of the newest list for all; 0 = none.
    pub revision: u64,
    /// Indicators in it.
    pub indicators: u64,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// Octets of the database's file.
    pub database_octets: u64,
    /// Operational incidents that stand.
    pub silence: Standing,
}

impl Store {
    /// How much there is. The operator's business: a member is told nothing of it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn figures(&self, scope: Scope) -> Result<Figures, StoreError> {
        if scope != Scope::Operator {
            return Ok(Figures::default());
        }
        let sql = "SELECT (SELECT COUNT(*) FROM member) AS members,
            (SELECT COUNT(*) FROM sensor WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL) AS sensors,
            (SELECT COUNT(*) FROM sensor WHERE connected <> 0 AND revoked_at IS NULL) AS connected,
            (SELECT COUNT(*) FROM alert) AS alerts, (SELECT COUNT(*) FROM incident) AS incidents,
            (SELECT COUNT(*) FROM campaign) AS campaigns";
        let row = sqlx::query(sql).fetch_one(self.readers()).await?;
        let number = |name| Ok::<u64, sqlx::Error>(from_column(row.try_get(name)?));
        let sql = "SELECT revision, count, published_at FROM list_revision WHERE channel = 'all' ORDER BY revision DESC LIMIT 1";
        let list: Option<(i64, i64, i64)> = sqlx::query_as(sql).fetch_optional(self.readers()).await?;
        let (revision, indicators) = list.map_or((0, 0), |(revision, count, _)| (revision, count));
        let mut conn = self.readers().acquire().await?;
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *conn).await?;
        let page: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *conn).await?;
        drop(conn);
        Ok(Figures {
            members: number("members")?,
            sensors: number("sensors")?,
            connected: number("connected")?,
            alerts: number("alerts")?,
            incidents: number("incidents")?,
            campaigns: number("campaigns")?,
            revision: from_column(revision),
            indicators: from_column(indicators),
            published_at: list.map(|(_, _, at)| Timestamp(at)),
            database_octets: from_column(pages.saturating_mul(page)),
            silence: self.silences_standing(scope).await?,
        })
    }
}
