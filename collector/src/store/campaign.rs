//! Campaigns: read for correlation, written as it decides, listed with who could have seen them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, Transaction};
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::alert::{HOSTS, evidence_said, told_pattern};
use super::incident::{GOT, external_name, in_words, next_id, remember_merged};
use super::picture::beside::{self, first_list};
use super::picture::reads;
use super::priority::{why_from, word_from};
use super::record::{ROWS_PER_STATEMENT, push_ids};
use super::tripped::Named;
use super::workflow::standing_from;
use super::{Scope, Store, StoreError, gateway, ruling, tripped, weights, workflow};
use crate::coverage::{Case, Coverage, lightened};
use crate::escalation::{Scale, half_within};
use crate::limits::COUNT_IN_SUM_MAX;
use crate::priority::{Term, Word};
use crate::strand::Span;
use crate::workflow::{Closing, Matter, State};

/// Of `c`, a campaign: that enough independent members beside the member $MEMBER are in it for that member to be told of it. With fewer
/// a campaign would tell of one or two others by being there at all (decision 9).
pub(crate) const ENOUGH_OTHERS: &str =
    "(SELECT COUNT(DISTINCT COALESCE(om.supplier, CAST(om.id AS TEXT))) FROM incident oi
    JOIN member om ON om.id = oi.member_id WHERE oi.campaign_id = c.id AND oi.member_id <> $MEMBER) >= 3";

/// How many others a member is told of: at least so many, in steps, so that who comes to them one by one is not seen.
const OTHERS_TOLD: [i64; 4] = [100, 30, 10, 3];

/// Of so many independent others at least how many a member is told of.
pub(crate) fn others_told(others: i64) -> Option<i64> {
    OTHERS_TOLD.into_iter().find(|step| others >= *step)
}

/// [`ENOUGH_OTHERS`] for a member; for the operator that there is a campaign. `member` is where the statement binds the reader's id.
pub(crate) fn is_told_of(member: &str) -> String {
    format!("({member} IS NULL OR {})", ENOUGH_OTHERS.replace("$MEMBER", member))
}

/// Which are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen<'a> {
    /// All there are.
    All,
    /// Those of one campaign.
    Campaign(i64),
    /// Those of these ids; no more than a page has.
    These(&'a [i64]),
}

impl Chosen<'_> {
    /// Goes on a statement with what says that `column` is chosen.
    pub(super) fn push(self, select: &mut QueryBuilder<Sqlite>, id: &str, campaign: &str) {
        match self {
            Chosen::All => drop(select.push("1 = 1")),
            Chosen::Campaign(of) => drop(select.push(campaign).push(" = ").push_bind(of)),
            Chosen::These(ids) => {
                select.push(id).push(" IN (");
                let mut list = select.separated(", ");
                for id in ids {
                    list.push_bind(*id);
                }
                select.push(")");
            }
        }
    }
}

/// What a campaign goes by for a member: after the first of that member's own incidents in it, for its real name tells whose was first.
pub(crate) fn name_for_member(incident: &str) -> String {
    external_name(&format!("campaign of/{incident}"))
}

/// A cluster has come to be a campaign, called after what the oldest of its incidents is about: a title that a person gave to that is for
/// one member's eyes. Gives its id.
pub(super) async fn raise_campaign(
    conn: &mut SqliteConnection,
    cluster: i64,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let id = next_id(conn, "campaign").await?;
    let sql = "SELECT uuid FROM incident WHERE cluster_id = $1 ORDER BY id LIMIT 1";
    let uuid: String = sqlx::query_scalar(sql).bind(cluster).fetch_one(&mut *conn).await?;
    let name = external_name(&format!("campaign/{uuid}"));
    // The incident may have founded another one, which it was split from.
    let sql = "SELECT (SELECT COUNT(*) FROM campaign WHERE uuid = $1) + (SELECT COUNT(*) FROM merged WHERE uuid = $1)";
    let taken: i64 = sqlx::query_scalar(sql).bind(&name).fetch_one(&mut *conn).await?;
    let name = if taken == 0 { name } else { external_name(&format!("campaign/{uuid}/{id}")) };
    let sql = "INSERT INTO campaign (id, uuid, link_kind, link_value, title, exercise, opened_at, first_seen, last_seen, updated_at,
            cluster_id)
        SELECT $1, $2, link_kind, link_value, CASE WHEN human = 0 THEN title WHEN link_kind = 'threat' THEN link_value
            ELSE COALESCE((SELECT n.pattern FROM indicator n WHERE n.id = CAST(link_value AS BIGINT)), '') END,
            exercise, $4, first_seen, last_seen, $4, $3 FROM incident WHERE cluster_id = $3 ORDER BY id LIMIT 1";
    sqlx::query(sql).bind(id).bind(name).bind(cluster).bind(now.0).execute(conn).await?;
    Ok(id)
}

/// A campaign has all incidents of its cluster, and their span.
pub(super) async fn grow_campaign(
    conn: &mut SqliteConnection,
    campaign: i64,
    cluster: i64,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE incident SET campaign_id = $2, campaign_since = $3 WHERE cluster_id = $1 AND (campaign_id IS NULL OR campaign_id <> $2)";
    sqlx::query(sql).bind(cluster).bind(campaign).bind(now.0).execute(&mut *conn).await?;
    let sql = "UPDATE campaign SET updated_at = $2, cluster_id = $3,
        first_seen = (SELECT MIN(first_seen) FROM incident WHERE campaign_id = $1),
        last_seen = (SELECT MAX(last_seen) FROM incident WHERE campaign_id = $1) WHERE id = $1";
    sqlx::query(sql).bind(campaign).bind(now.0).bind(cluster).execute(conn).await.map(drop)
}

/// The same of campaigns whose incidents only go on.
///
/// # Errors
/// The database's own.
pub async fn lengthen(conn: &mut SqliteConnection, campaigns: &[i64], now: Timestamp) -> Result<(), sqlx::Error> {
    for piece in campaigns.chunks(ROWS_PER_STATEMENT) {
        let mut update: QueryBuilder<Sqlite> = QueryBuilder::new("UPDATE campaign SET updated_at = ");
        update.push_bind(now.0).push(
            ", (first_seen, last_seen) = (SELECT MIN(i.first_seen), MAX(i.last_seen) FROM incident i
                WHERE i.campaign_id = campaign.id) WHERE id IN ",
        );
        push_ids(&mut update, piece);
        update.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// A campaign turns out to be part of another, which has its incidents from now on; its number still leads there.
pub(super) async fn absorb_campaign(
    conn: &mut SqliteConnection,
    old: i64,
    into: i64,
    by: Option<ruling::Word<'_>>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    remember_merged(conn, "campaign", old, into, now).await?;
    let by = by.map(|word| (word.who, word.reason));
    workflow::absorb_by(conn, Matter::Campaign(old), Matter::Campaign(into), by, now).await?;
    let sql = "UPDATE incident SET campaign_id = $2 WHERE campaign_id = $1";
    sqlx::query(sql).bind(old).bind(into).execute(&mut *conn).await?;
    let sql =
        "UPDATE campaign SET departed = departed + (SELECT o.departed FROM campaign o WHERE o.id = $1) WHERE id = $2";
    sqlx::query(sql).bind(old).bind(into).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM campaign WHERE id = $1").bind(old).execute(conn).await.map(drop)
}

/// Who could have seen these campaigns: as the page counts it, by [`crate::coverage`].
async fn denominators(
    tx: &mut Transaction<'static, Sqlite>,
    chosen: Chosen<'_>,
) -> Result<BTreeMap<i64, Coverage>, sqlx::Error> {
    let sensors = lightened(reads::sensors(tx, Scope::Operator).await?);
    let members: Vec<i64> = sqlx::query_scalar("SELECT id FROM member ORDER BY id").fetch_all(&mut **tx).await?;
    let mut select = QueryBuilder::new(
        "SELECT c.id, i.member_id, MIN(a.arrived_at), MAX(a.updated_at), MIN(n.published_in), c.opened_at,
                MIN(i.human) <> 0 AND COUNT(a.id) = 0, MIN(i.first_seen), MAX(i.last_seen)
         FROM campaign c JOIN incident i ON i.campaign_id = c.id LEFT JOIN alert a ON a.incident_id = i.id
         LEFT JOIN indicator n ON n.id = a.indicator_id WHERE ",
    );
    chosen.push(&mut select, "c.id", "c.id");
    select.push(" GROUP BY c.id, i.member_id, c.opened_at");
    type Row = (i64, i64, Option<i64>, Option<i64>, Option<i64>, i64, bool, i64, i64);
    let rows: Vec<Row> = select.build_query_as().fetch_all(&mut **tx).await?;
    let mut cases: BTreeMap<i64, (Case, Option<Span>)> = BTreeMap::new();
    for (id, member, arrived_at, arrived_last_at, published_in, opened_at, by_word, first, last) in rows {
        let begun = Timestamp(arrived_at.map_or(opened_at, |arrived_at| opened_at.min(arrived_at)));
        // What a person does with a campaign shows nobody anything. Where there is no alert it is by word alone.
        let until = Timestamp(arrived_last_at.unwrap_or(i64::MIN));
        let (case, told) = cases.entry(id).or_insert((Case { begun, until, ..Case::default() }, None));
        case.begun = case.begun.min(begun);
        case.until = case.until.max(until);
        case.revision = [case.revision, published_in].into_iter().flatten().min();
        let span = Span::new(Timestamp(first), Timestamp(last));
        *told = Some(told.map_or(span, |told| told.join(span)));
        let of = if by_word { &mut case.reported } else { &mut case.seen };
        of.insert(member);
    }
    let mut measured = BTreeMap::new();
    for (id, (mut case, told)) in cases {
        case.by_word_alone(told);
        case.revision = match case.seen.is_empty() {
            true => first_list(tx, id).await?,
            false => case.revision.or(Some(1)),
        };
        measured.insert(id, Coverage::of_case(&sensors, members.iter().copied(), &case));
    }
    Ok(measured)
}

/// An indicator as campaigns show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndicatorView {
    /// Its value and port.
    pub indicator: String,
    /// Its kind.
    pub kind: String,
}

/// A member's part in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberPart {
    /// The member's number.
    pub number: String,
    /// The member's name.
    pub name: String,
    /// The shared network it is behind; nothing of it for a member.
    pub supplier: Option<String>,
    /// Its first sighting.
    pub first_seen: Timestamp,
    /// How far it got there; none = nobody says.
    pub evidence: Option<Evidence>,
    /// A person reported it, and no sensor saw it.
    pub human: bool,
    /// The worst word of its incidents in it, for a member by its own alone; none = not weighed yet.
    pub word: Option<Word>,
}

/// A campaign as listings show it; the fields are the keys of `campaign list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys are documented in command/campaign.rs, where --help prints them")]
pub struct CampaignView {
    pub id: i64,
    pub uuid: String,
    pub title: String,
    pub link_kind: String,
    pub link: String,
    pub indicators: Vec<IndicatorView>,
    pub members: Vec<MemberPart>,
    pub member_count: Option<i64>,
    pub independent: Option<i64>,
    pub reported: Option<i64>,
    pub departed: Option<i64>,
    pub able_to_see: Option<i64>,
    pub members_total: Option<i64>,
    pub others_at_least: Option<i64>,
    pub evidence: Option<Evidence>,
    pub hosts: i64,
    pub alerts: i64,
    pub sightings: i64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub opened_at: Option<Timestamp>,
    pub exercise: bool,
    pub word: Option<Word>,
    pub why: Vec<Term>,
    pub weights_version: Option<String>,
    pub scale: Option<Scale>,
    pub half_within_s: Option<u64>,
    pub persistent: Option<i64>,
    pub in_history: Option<bool>,
    pub too_connected: Option<bool>,
    pub too_connected_why: Option<String>,
    pub too_connected_guard: Option<i64>,
    pub too_connected_lift: Option<String>,
    /// Who has said that this guard holds; none = nobody, it tripped by itself. The operator's business.
    pub too_connected_upheld_by: Option<String>,
    pub state: Option<State>,
    pub closed_as: Option<Closing>,
    pub duplicate_of: Option<i64>,
    pub owner: Option<String>,
    pub came_back: Option<i64>,
    pub grown_since_closed: Option<bool>,
}

/// Campaigns, those that are not closed first, then the latest seen; only `campaign` if given. A member gets those it is part of with enough
/// others ([`ENOUGH_OTHERS`]), and of them its own part: others are a count in steps ([`others_told`]).
///
/// # Errors
/// The database's own.
pub async fn list(store: &Store, scope: Scope, campaign: Option<i64>) -> Result<Vec<CampaignView>, StoreError> {
    views(store, scope, campaign.map_or(Chosen::All, Chosen::Campaign)).await
}

/// The same of those that are chosen.
///
/// # Errors
/// The database's own.
pub async fn views(store: &Store, scope: Scope, chosen: Chosen<'_>) -> Result<Vec<CampaignView>, StoreError> {
    let mut tx = store.readers().begin().await?;
    let mut select = QueryBuilder::new(
        "SELECT c.id, c.uuid, c.title, c.link_kind, c.link_value, n.pattern, n.id AS indicator_id, n.tlp, c.opened_at, c.exercise, c.departed,
                c.state, c.closed_as, c.duplicate_of, c.owner, c.came_back, COALESCE(c.updated_at > c.state_at, FALSE) AS grown,
                c.word, c.why, c.weights_version, k.too_connected_at IS NOT NULL AS too_connected, k.too_connected_why,
                (SELECT COUNT(DISTINCT o.member_id) FROM incident o JOIN strand s ON s.incident_id = o.id
                 WHERE o.campaign_id = c.id AND s.persistent <> 0) AS persistent,
                EXISTS (SELECT 1 FROM incident o JOIN strand s ON s.incident_id = o.id
                 WHERE o.campaign_id = c.id AND s.in_history <> 0) AS in_history,
                (SELECT COUNT(DISTINCT COALESCE(m.supplier, CAST(m.id AS TEXT))) FROM incident o JOIN member m ON m.id = o.member_id
                 WHERE o.campaign_id = c.id) AS independent,
                (SELECT COUNT(DISTINCT o.member_id) FROM incident o WHERE o.campaign_id = c.id) AS member_count, ",
    );
    // Beside the reader's own.
    select.push("(SELECT COUNT(DISTINCT COALESCE(om.supplier, CAST(om.id AS TEXT))) FROM incident oi JOIN member om ON om.id = oi.member_id
        WHERE oi.campaign_id = c.id AND oi.member_id <> ").push_bind(scope.member_id()).push(") AS others,
        (SELECT MIN(x.uuid) FROM incident x WHERE x.campaign_id = c.id AND x.member_id = ").push_bind(scope.member_id());
    select.push(
        " AND x.opened_at = (SELECT MIN(y.opened_at) FROM incident y WHERE y.campaign_id = c.id AND y.member_id = x.member_id)) AS own
         FROM campaign c LEFT JOIN cluster k ON k.id = c.cluster_id
         LEFT JOIN indicator n ON c.link_kind = 'indicator' AND n.id = CAST(c.link_value AS BIGINT) WHERE ",
    );
    chosen.push(&mut select, "c.id", "c.id");
    let rows = select.build().fetch_all(&mut *tx).await?;
    let mut parts = parts(&mut tx, scope, chosen).await?;
    let mut indicators = indicators(&mut tx, scope, chosen).await?;
    let mut coverage = match scope {
        Scope::Operator => denominators(&mut tx, chosen).await?,
        Scope::Member(_) => BTreeMap::new(),
    };
    let escalation = weights::in_force(&mut tx).await?.escalation;
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut campaigns = Vec::with_capacity(rows.len());
    for row in rows {
        let id: i64 = row.try_get("id")?;
        // A member that has no part in it is not told of it.
        let Some(parts) = parts.remove(&id) else { continue };
        let Some(span) = parts.iter().map(|part| part.span).reduce(Span::join) else { continue };
        let (title, link) = in_words(&row)?;
        let stands = standing_from(&row)?;
        let coverage = coverage.remove(&id).unwrap_or_default();
        let independent: i64 = row.try_get("independent")?;
        // How much it matters, how wide and how fast it is follows from all members; one of them is told nothing of that.
        let is_operator = scope == Scope::Operator;
        let others_at_least = others_told(row.try_get("others")?).filter(|_| !is_operator);
        // Nor that it is there, before there are so many others that it tells of none.
        if !is_operator && others_at_least.is_none() {
            continue;
        }
        let own: Option<String> = row.try_get("own")?;
        let why: Option<String> = row.try_get("too_connected_why")?;
        let guard = match &why {
            Some(why) if is_operator => tripped::named(&mut tx, why).await?,
            Some(_) | None => None,
        };
        let uuid = match (is_operator, own) {
            (true, _) | (false, None) => row.try_get("uuid")?,
            (false, Some(own)) => name_for_member(&own),
        };
        let by_word = |part: &&Part| part.view.human;
        let reported = parts.iter().filter(by_word).count();
        // What people alone have said is of no denominator: of it nothing is said but how many they are.
        let seen = || parts.iter().filter(|part| !by_word(part));
        let suppliers: HashSet<&str> = seen().filter_map(|part| part.view.supplier.as_deref()).collect();
        let sites = suppliers.len() + seen().filter(|part| part.view.supplier.is_none()).count();
        let scale = (sites > 0).then(|| Scale::of(sites, coverage.able.len(), &escalation));
        let half_within = half_within(parts.iter().map(|part| part.span.first));
        campaigns.push(CampaignView {
            id,
            uuid,
            title,
            link_kind: row.try_get("link_kind")?,
            link,
            indicators: indicators.remove(&id).unwrap_or_default(),
            member_count: Some(row.try_get("member_count")?).filter(|_| is_operator),
            independent: Some(independent).filter(|_| is_operator),
            reported: Some(size(reported)).filter(|_| is_operator),
            departed: Some(row.try_get("departed")?).filter(|_| is_operator),
            able_to_see: Some(size(coverage.able.len())).filter(|_| is_operator),
            members_total: Some(size(coverage.total())).filter(|_| is_operator),
            others_at_least,
            evidence: parts.iter().map(|part| part.view.evidence).max().flatten(),
            hosts: parts.iter().map(|part| part.hosts).sum(),
            alerts: parts.iter().map(|part| part.alerts).sum(),
            sightings: parts.iter().map(|part| part.sightings).sum(),
            first_seen: span.first,
            last_seen: span.last,
            opened_at: Some(Timestamp(row.try_get("opened_at")?)).filter(|_| is_operator),
            exercise: row.try_get("exercise")?,
            word: word_from(row.try_get("word")?).filter(|_| is_operator),
            why: if is_operator { why_from(row.try_get("why")?) } else { Vec::new() },
            weights_version: row.try_get::<Option<String>, _>("weights_version")?.filter(|_| is_operator),
            scale: scale.filter(|_| is_operator),
            half_within_s: half_within.filter(|_| is_operator).map(|half| half.as_secs()),
            persistent: Some(row.try_get("persistent")?).filter(|_| is_operator),
            in_history: Some(row.try_get("in_history")?).filter(|_| is_operator),
            too_connected: Some(row.try_get("too_connected")?).filter(|_| is_operator),
            too_connected_why: why.filter(|_| is_operator).map(|why| match &guard {
                // A number tells no indicator; an address may.
                Some(named) if named.kind == gateway::KIND => format!("{} of {}", named.kind, named.value),
                Some(named) if named.indicator.is_none() => format!("{} {}", named.kind, named.value),
                None if why == gateway::KIND => format!("{why} that is not kept any more"),
                Some(_) | None => why,
            }),
            too_connected_guard: guard.as_ref().map(|named| named.guard),
            too_connected_lift: guard.as_ref().map(Named::lifted_by),
            too_connected_upheld_by: guard.as_ref().and_then(|named| named.upheld_by.clone()),
            // The work on it follows from all members too: that it opened again tells that something happened at another.
            state: Some(stands.state()).filter(|_| is_operator),
            closed_as: stands.closed_as().filter(|_| is_operator),
            duplicate_of: stands.duplicate_of().filter(|_| is_operator),
            owner: row.try_get::<Option<String>, _>("owner")?.filter(|_| is_operator),
            came_back: Some(row.try_get("came_back")?).filter(|_| is_operator),
            grown_since_closed: Some(stands.state() == State::Closed && row.try_get("grown")?).filter(|_| is_operator),
            members: parts.into_iter().map(|part| part.view).collect(),
        });
    }
    // By what is shown: the order must not tell a member when others were hit.
    campaigns.sort_unstable_by_key(|campaign| {
        (campaign.state == Some(State::Closed), Reverse((campaign.last_seen, campaign.id)))
    });
    Ok(campaigns)
}

/// Of a member its own incidents, `i`, alone.
pub(super) fn of_scope(select: &mut QueryBuilder<Sqlite>, scope: Scope) {
    if let Scope::Member(member) = scope {
        select.push(" AND i.member_id = ").push_bind(member);
    }
}

struct Part {
    view: MemberPart,
    span: Span,
    hosts: i64,
    alerts: i64,
    sightings: i64,
}

/// Each member's part in each campaign, the first hit first. A resolver that asks for others is no host.
async fn parts(
    tx: &mut SqliteConnection,
    scope: Scope,
    chosen: Chosen<'_>,
) -> Result<BTreeMap<i64, Vec<Part>>, sqlx::Error> {
    let mut select = QueryBuilder::new(format!(
        "SELECT i.campaign_id, m.number, m.name, m.supplier, MIN(i.first_seen), MAX(i.last_seen),
                MAX({GOT}),
                {HOSTS}, COUNT(a.id), COALESCE(SUM(CASE WHEN a.count > {COUNT_IN_SUM_MAX} THEN {COUNT_IN_SUM_MAX} ELSE a.count END), 0), MIN(i.human) <> 0, m.id
         FROM incident i JOIN member m ON m.id = i.member_id LEFT JOIN alert a ON a.incident_id = i.id WHERE i.campaign_id IS NOT NULL AND "
    ));
    chosen.push(&mut select, "i.campaign_id", "i.campaign_id");
    of_scope(&mut select, scope);
    select.push(" GROUP BY i.campaign_id, m.id, m.number, m.name, m.supplier ORDER BY MIN(i.first_seen), m.number");
    type Found = (i64, String, String, Option<String>, i64, i64, i64, i64, i64, i64, bool, i64);
    let rows: Vec<Found> = select.build_query_as().fetch_all(&mut *tx).await?;
    let ids: BTreeSet<i64> = rows.iter().map(|row| row.0).collect();
    let words = beside::parts(tx, scope, &Vec::from_iter(ids)).await?;
    let mut parts: BTreeMap<i64, Vec<Part>> = BTreeMap::new();
    for (campaign, number, name, supplier, first, last, evidence, hosts, alerts, sightings, human, member) in rows {
        let span = Span::new(Timestamp(first), Timestamp(last));
        let supplier = supplier.filter(|_| scope == Scope::Operator);
        let (first_seen, evidence) = (span.first, evidence_said(evidence));
        let word = words.get(&(campaign, member)).and_then(|part| word_from(part.word));
        // What sensors have seen too is theirs.
        let human = human && alerts == 0;
        let view = MemberPart { number, name, supplier, first_seen, evidence, human, word };
        parts.entry(campaign).or_default().push(Part { view, span, hosts, alerts, sightings });
    }
    Ok(parts)
}

async fn indicators(
    conn: &mut SqliteConnection,
    scope: Scope,
    chosen: Chosen<'_>,
) -> Result<BTreeMap<i64, Vec<IndicatorView>>, sqlx::Error> {
    let mut select = QueryBuilder::new(
        "SELECT DISTINCT i.campaign_id, n.id, n.pattern, n.kind, n.tlp FROM incident i JOIN alert a ON a.incident_id = i.id
         JOIN indicator n ON n.id = a.indicator_id WHERE i.campaign_id IS NOT NULL AND ",
    );
    chosen.push(&mut select, "i.campaign_id", "i.campaign_id");
    of_scope(&mut select, scope);
    select.push(" ORDER BY n.pattern");
    let rows: Vec<(i64, i64, String, String, String)> = select.build_query_as().fetch_all(conn).await?;
    let mut indicators: BTreeMap<i64, Vec<IndicatorView>> = BTreeMap::new();
    for (campaign, id, pattern, kind, tlp) in rows {
        let indicator = told_pattern(id, &pattern, &tlp);
        indicators.entry(campaign).or_default().push(IndicatorView { indicator, kind });
    }
    Ok(indicators)
}

/// The campaign that an id or a uuid means today, also if it has become part of another since. A member names one as it was told of
/// it ([`name_for_member`]): a number would tell how many there are.
///
/// # Errors
/// The database's own.
pub async fn resolve(store: &Store, scope: Scope, name: &str) -> Result<Option<i64>, StoreError> {
    let name = name.to_ascii_lowercase();
    if let Scope::Member(_) = scope {
        let told = views(store, scope, Chosen::All).await?;
        return Ok(told.into_iter().find(|campaign| campaign.uuid == name).map(|campaign| campaign.id));
    }
    let number: Option<i64> = name.parse().ok();
    let sql = "SELECT id FROM campaign WHERE id = $1 OR uuid = $2
        UNION ALL SELECT into_id FROM merged WHERE kind = 'campaign' AND (id = $1 OR uuid = $2)";
    Ok(sqlx::query_scalar(sql).bind(number).bind(name).fetch_optional(store.readers()).await?)
}
