//! Guards as people see them, of whatever kind they are: why each tripped, what there is of it now, and what a person says of it.

use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::alert::told_pattern;
use super::proposal::{Settled, weigh_held_by};
use super::{Scope, Store, StoreError, cluster, gateway, trace};
use crate::limits::workflow::GUARD_THINGS_MAX;
use crate::link::{Key, KeyKind};

/// A key that links nothing any more, or that a person has said links again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardRow {
    /// Its number.
    pub guard: i64,
    /// What kind of thing tripped it.
    pub kind: String,
    /// Which; in other words where what it is about is marked for few.
    pub value: String,
    /// Since when.
    pub since: Timestamp,
    /// What it was found by.
    pub numbers: serde_json::Value,
    /// How many things there are of it now: of a threat its indicators, of an address what strands with it are about, of an
    /// indicator the members that have met it; none = not counted.
    pub now: Option<i64>,
    /// What a person has said of it.
    pub settled: Option<Settled>,
    /// Who.
    pub settled_by: Option<String>,
    /// Why.
    pub settled_why: Option<String>,
}

/// Why nothing was said of a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSettled {
    /// There is none of that number.
    NoGuard(i64),
    /// That an indicator is noise is said of the indicator, with all that follows.
    Proposal(String),
    /// It stands so already.
    Already(Settled),
}

impl NotSettled {
    /// The same as a sentence, with what would be right.
    pub fn sentence(&self, guard: i64) -> String {
        match self {
            NotSettled::NoGuard(guard) => {
                format!("there is no guard {guard}; those there are: varde-collector noise guards --all")
            }
            NotSettled::Proposal(indicator) => format!(
                "guard {guard} is a proposal that indicator {indicator} is noise; say of that: varde-collector noise reject {indicator} --reason TEXT"
            ),
            NotSettled::Already(Settled::Overruled) => format!(
                "a person has lifted guard {guard} already, and it trips no more by itself; it holds again by: varde-collector noise hold {guard} --reason TEXT"
            ),
            NotSettled::Already(Settled::Upheld) => format!(
                "a person has said already that guard {guard} holds; it is lifted by: varde-collector noise lift {guard} --reason TEXT"
            ),
        }
    }
}

/// What a guard is about as whoever reads is told of it: neither an indicator nor an address that something marked for few has met.
///
/// # Errors
/// The database's own.
pub(super) async fn told_value(conn: &mut SqliteConnection, kind: &str, value: &str) -> Result<String, sqlx::Error> {
    match KeyKind::of(kind) {
        Some(KeyKind::Indicator | KeyKind::Contact) => {
            let sql = "SELECT id, pattern, tlp FROM indicator WHERE id = CAST($1 AS BIGINT)";
            let found: Option<(i64, String, String)> =
                sqlx::query_as(sql).bind(value).fetch_optional(&mut *conn).await?;
            Ok(found.map_or_else(|| value.to_owned(), |(id, pattern, tlp)| told_pattern(id, &pattern, &tlp)))
        }
        Some(KeyKind::Address) => {
            let sql = "SELECT EXISTS (SELECT 1 FROM trace t JOIN alert a ON a.strand_id = t.strand_id
                JOIN indicator n ON n.id = a.indicator_id
                WHERE t.kind = 'address' AND t.value = $1 AND n.tlp NOT IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER'))";
            let is_strict: bool = sqlx::query_scalar(sql).bind(value).fetch_one(&mut *conn).await?;
            Ok(if is_strict { "confidential address".to_owned() } else { value.to_owned() })
        }
        // Which host, the alerts tell: that one looked at those is audited.
        None if kind == gateway::KIND => Ok(gateway::member_of(conn, value).await?.unwrap_or_default()),
        Some(KeyKind::Threat | KeyKind::Domain) | None => Ok(value.to_owned()),
    }
}

/// How many things there are of it now, as far as what it tripped by is counted in things.
async fn now(conn: &mut SqliteConnection, kind: &str, value: &str) -> Result<Option<i64>, sqlx::Error> {
    match KeyKind::of(kind) {
        Some(KeyKind::Threat) => {
            let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM indicator
                    WHERE threat = $1 AND exercise = 0 AND withdrawn_at IS NULL LIMIT $2) t";
            sqlx::query_scalar(sql).bind(value).bind(GUARD_THINGS_MAX).fetch_one(&mut *conn).await.map(Some)
        }
        Some(KeyKind::Address) => {
            let key = Key { kind: KeyKind::Address, value: value.to_owned() };
            let topics = trace::topics(conn, &key, GUARD_THINGS_MAX).await?;
            Ok(i64::try_from(topics.len()).ok())
        }
        Some(KeyKind::Indicator) => {
            let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM meeting WHERE indicator_id = CAST($1 AS BIGINT) LIMIT $2) t";
            sqlx::query_scalar(sql).bind(value).bind(GUARD_THINGS_MAX).fetch_one(&mut *conn).await.map(Some)
        }
        Some(KeyKind::Contact | KeyKind::Domain) | None => Ok(None),
    }
}

/// Why a campaign holds more together than it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TooConnected {
    /// It is about too many things.
    Topics,
    /// A guard has tripped over what holds it together.
    Guard(Named),
    /// A guard had tripped, over what is not kept any more: a host whose alerts are gone.
    Gone,
}

/// A guard as it is named to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub guard: i64,
    /// What kind of thing tripped it.
    pub kind: String,
    /// Which, told: of an indicator what it looks for.
    pub value: String,
    /// Of an indicator its number.
    pub indicator: Option<i64>,
    /// Who has said that it holds; none = nobody has, it tripped by itself.
    pub upheld_by: Option<String>,
    /// Of an indicator: it is said to be a false positive, which is to be taken back first.
    pub is_refuted: bool,
}

impl Named {
    /// The command that lifts it; of what is said to be a false positive the two that do, as a shell runs them.
    pub fn lifted_by(&self) -> String {
        match self.indicator {
            Some(indicator) if self.is_refuted => taken_back_by(indicator),
            Some(indicator) => format!("varde-collector noise reject {indicator} --reason TEXT"),
            None => format!("varde-collector noise lift {} --reason TEXT", self.guard),
        }
    }
}

/// What makes an indicator that is upheld as noise link again: the word on its alerts goes first.
pub fn taken_back_by(indicator: i64) -> String {
    format!(
        "varde-collector indicator verdict {indicator} none --reason TEXT && varde-collector noise reject {indicator} --reason TEXT"
    )
}

/// The guard that has made a cluster too connected, of what is stored of that.
///
/// # Errors
/// The database's own.
pub(super) async fn named(conn: &mut SqliteConnection, why: &str) -> Result<Option<Named>, sqlx::Error> {
    let Some((kind, value)) = why.split_once(' ') else { return Ok(None) };
    let sql = "SELECT COALESCE(id, 0), CASE WHEN settled_as = 'upheld' THEN COALESCE(settled_by, '') END FROM guard
        WHERE kind = $1 AND value = $2";
    let found: Option<(i64, Option<String>)> =
        sqlx::query_as(sql).bind(kind).bind(value).fetch_optional(&mut *conn).await?;
    let told = told_value(conn, kind, value).await?;
    let indicator: Option<i64> = value.parse().ok().filter(|_| KeyKind::of(kind) == Some(KeyKind::Indicator));
    let sql = "SELECT EXISTS (SELECT 1 FROM judgement WHERE indicator_id = $1 AND verdict = 'false-positive')";
    let is_refuted = sqlx::query_scalar(sql).bind(indicator).fetch_one(&mut *conn).await?;
    Ok(found.map(|(guard, upheld_by)| {
        let kind = kind.to_owned();
        Named { guard, kind, value: told, indicator, upheld_by, is_refuted }
    }))
}

/// Says of a guard whether it holds, and weighs anew what has its key. Lifted, it links again, what it alone had made too connected
/// is so no more, and it trips no more by itself: a person's no stands until a person takes it back. Gives its key, where it is one
/// that things share.
///
/// # Errors
/// The database's own; within, [`NotSettled`].
pub(crate) async fn settle(
    conn: &mut SqliteConnection,
    guard: i64,
    settled: Settled,
    (who, why): (&str, &str),
    now: Timestamp,
) -> Result<Result<Option<Key>, NotSettled>, sqlx::Error> {
    let sql = "SELECT kind, value, settled_as FROM guard WHERE id = $1";
    let found: Option<(String, String, Option<String>)> =
        sqlx::query_as(sql).bind(guard).fetch_optional(&mut *conn).await?;
    let Some((kind, value, before)) = found else { return Ok(Err(NotSettled::NoGuard(guard))) };
    if KeyKind::of(&kind) == Some(KeyKind::Indicator) {
        return Ok(Err(NotSettled::Proposal(value)));
    }
    if before.as_deref() == Some(settled.as_str()) {
        return Ok(Err(NotSettled::Already(settled)));
    }
    let sql = "UPDATE guard SET settled_as = $2, settled_by = $3, settled_why = $4, settled_at = $5 WHERE id = $1";
    let update = sqlx::query(sql).bind(guard).bind(settled.as_str()).bind(who).bind(why).bind(now.0);
    update.execute(&mut *conn).await?;
    let key = KeyKind::of(&kind).map(|kind| Key { kind, value: value.clone() });
    match (settled, &key) {
        (Settled::Overruled, _) => cluster::unmark_held_by(&mut *conn, &format!("{kind} {value}")).await?,
        (Settled::Upheld, Some(key)) => drop(cluster::mark_held_by(&mut *conn, key, now).await?),
        (Settled::Upheld, None) if kind == gateway::KIND => {
            gateway::mark_joined(&mut *conn, &value, now).await?;
        }
        (Settled::Upheld, None) => {}
    }
    if let Some(key) = &key {
        weigh_held_by(&mut *conn, key).await?;
    }
    Ok(Ok(key))
}

impl Store {
    /// Every guard that has tripped, of whatever kind, the newest first; without what a person has lifted, if `standing`. They tell of
    /// many members and are the operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn guards(&self, scope: Scope, standing: bool) -> Result<Vec<GuardRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        let sql = "SELECT COALESCE(id, 0) AS id, kind, value, tripped_at, numbers, settled_as, settled_by, settled_why FROM guard
            WHERE $1 = 0 OR settled_as IS NULL OR settled_as <> 'overruled' ORDER BY tripped_at DESC, id DESC";
        let rows = sqlx::query(sql).bind(i64::from(standing)).fetch_all(&mut *tx).await?;
        let mut guards = Vec::with_capacity(rows.len());
        for row in &rows {
            let (kind, value): (String, String) = (row.try_get("kind")?, row.try_get("value")?);
            guards.push(GuardRow {
                guard: row.try_get("id")?,
                since: Timestamp(row.try_get("tripped_at")?),
                numbers: serde_json::from_str(row.try_get("numbers")?).unwrap_or_default(),
                now: now(&mut tx, &kind, &value).await?,
                settled: row.try_get::<Option<&str>, _>("settled_as")?.and_then(Settled::of),
                settled_by: row.try_get("settled_by")?,
                settled_why: row.try_get("settled_why")?,
                value: match kind.as_str() {
                    gateway::KIND => gateway::where_met(&mut tx, &value).await?,
                    _ => told_value(&mut tx, &kind, &value).await?,
                },
                kind,
            });
        }
        tx.rollback().await?;
        Ok(guards)
    }
}
