//! A filter's tokens as conditions of a statement. What a reader may not be told of is no condition that could tell it.

use ipnet::IpNet;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::indicator::{Pattern, Target};

use crate::api::KINDS;
use crate::filter::{Filter, Status, Token, What};
use crate::store::Scope;
use crate::store::asked::push_in;

/// Indicators that are told of by value.
pub(super) const TOLD: &str = "n.tlp IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER')";

/// A part of a text as `LIKE` takes it, the signs of that taken as they are.
pub(in crate::store) fn part(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// A token with what had to be looked up for it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) token: Token,
    /// Members that it names; none = it names none.
    pub(super) members: Option<Vec<i64>>,
    /// Indicators within its network.
    pub(super) indicators: Option<Vec<i64>>,
}

/// Members by number or the beginning of a name, or, of a text that stands alone, any part of it; whoever reads sees no other than its own.
async fn members(conn: &mut SqliteConnection, scope: Scope) -> Result<Vec<(i64, String, String)>, sqlx::Error> {
    let sql = "SELECT id, number, name FROM member WHERE $1 IS NULL OR id = $1";
    let rows: Vec<(i64, String, String)> = sqlx::query_as(sql).bind(scope.member_id()).fetch_all(conn).await?;
    // Lower case of more letters than the database's.
    Ok(rows.into_iter().map(|(id, number, name)| (id, number, name.to_lowercase())).collect())
}

/// Looks up what the tokens name: members, whose names have letters that the database does not fold.
pub(super) async fn look_up(
    conn: &mut SqliteConnection,
    scope: Scope,
    filter: &Filter,
) -> Result<Vec<Looked>, sqlx::Error> {
    let names = |token: &Token| matches!(token.what, What::Member(_) | What::Text(_));
    let all = if filter.tokens.iter().any(names) { members(conn, scope).await? } else { Vec::new() };
    let of = |fits: &dyn Fn(&str, &str) -> bool| -> Vec<i64> {
        all.iter().filter(|(_, number, name)| fits(number, name)).map(|(id, _, _)| *id).collect()
    };
    let looked = filter.tokens.iter().map(|token| {
        let members = match &token.what {
            What::Member(values) => {
                let values: Vec<String> = values.iter().map(|value| value.to_lowercase()).collect();
                Some(of(&|number, name| values.iter().any(|value| number == value || name.starts_with(value.as_str()))))
            }
            What::Text(text) => {
                let text = text.to_lowercase();
                Some(of(&|number, name| number == text || name.contains(text.as_str())))
            }
            _ => None,
        };
        Looked { token: token.clone(), members, indicators: None }
    });
    Ok(looked.collect())
}

/// Whether what a pattern looks for lies within a network.
pub(super) fn lies_within(pattern: &str, network: &IpNet) -> bool {
    match pattern.parse::<Pattern>().map(|pattern| pattern.target) {
        Ok(Target::Address(address)) => network.contains(&address),
        Ok(target) => target.network().is_some_and(|found| network.contains(&found)),
        Err(_) => false,
    }
}

pub(super) fn push_like(select: &mut QueryBuilder<Sqlite>, column: &str, values: &[String]) {
    select.push("(1 = 0");
    for value in values {
        select.push(format!(" OR {column} LIKE ")).push_bind(part(value)).push(" ESCAPE '\\'");
    }
    select.push(")");
}

pub(super) fn push_levels(select: &mut QueryBuilder<Sqlite>, column: &str, places: &[usize]) {
    let levels: Vec<i64> = places.iter().filter_map(|place| i64::try_from(*place).ok()).collect();
    push_in(select, column, &levels);
}

pub(super) fn push_word(select: &mut QueryBuilder<Sqlite>, column: &str, words: impl IntoIterator<Item = String>) {
    select.push("(1 = 0");
    for word in words {
        select.push(format!(" OR {column} = ")).push_bind(word);
    }
    select.push(")");
}

/// Of an alert `x`, of which `k` says what was acknowledged of its indicator at its member: that it is new.
pub(super) const IS_NEW: &str =
    "(x.verdict IS NULL AND (k.up_to IS NULL OR x.id > k.up_to OR x.evidence > k.evidence))";

/// That an alert `x` is muted at the moment that is bound behind this, and has got no further at its member than when it was.
pub(super) const IS_MUTED: &str =
    "EXISTS (SELECT 1 FROM muted u WHERE u.indicator_id = x.indicator_id AND u.ended_at IS NULL
    AND x.evidence <= COALESCE((SELECT w.evidence FROM muted_at w WHERE w.muted_id = u.id AND w.member_id = x.member_id), u.evidence)
    AND (u.member_id IS NULL OR u.member_id = x.member_id) AND u.until > ";

/// What stands on the alert itself, or on its indicator. What the CSIRT makes of alerts of all members is not asked in a member's place.
pub(super) fn push_of_alert(select: &mut QueryBuilder<Sqlite>, looked: &Looked, scope: Scope, now: i64) {
    select.push(" AND (");
    let is_operator = scope == Scope::Operator;
    match &looked.token.what {
        What::Member(_) => push_in(select, "x.member_id", looked.members.as_deref().unwrap_or_default()),
        What::Source(values) => {
            select.push("(").push(if is_operator { "1 = 1" } else { TOLD }).push(" AND (");
            push_like(select, "n.source", values);
            select.push(" OR EXISTS (SELECT 1 FROM claim c JOIN source s ON s.id = c.source_id WHERE c.indicator_id = n.id AND ");
            push_like(select, "s.name", values);
            select.push(")))");
        }
        What::Threat(values) => {
            select.push("(n.threat IS NOT NULL AND ").push(if is_operator { "1 = 1" } else { TOLD }).push(" AND ");
            push_like(select, "n.threat", values);
            select.push(")");
        }
        What::Tlp(values) => push_word(select, "n.tlp", values.iter().map(ToString::to_string)),
        What::Evidence(places) => push_levels(select, "x.evidence", places),
        What::Severity(places) => push_levels(select, "x.severity", places),
        What::Kind(places) => {
            push_word(
                select,
                "n.kind",
                places.iter().filter_map(|place| KINDS.get(*place)).map(|kind| (*kind).to_owned()),
            );
        }
        What::Exercise(yes) => drop(select.push(if *yes { "x.exercise <> 0" } else { "x.exercise = 0" })),
        What::History(yes) => drop(select.push(if *yes { "x.retro <> 0" } else { "x.retro = 0" })),
        What::Indicator(ids) => push_in(select, "x.indicator_id", ids),
        What::Network(_) => push_in(select, "x.indicator_id", looked.indicators.as_deref().unwrap_or_default()),
        What::Text(text) => {
            select.push("(").push(TOLD).push(" AND ");
            push_like(select, "n.pattern", std::slice::from_ref(text));
            select.push(") OR (n.threat IS NOT NULL AND ").push(if is_operator { "1 = 1" } else { TOLD }).push(" AND ");
            push_like(select, "n.threat", std::slice::from_ref(text));
            select.push(") OR ");
            push_in(select, "x.member_id", looked.members.as_deref().unwrap_or_default());
        }
        What::Status(statuses) => {
            select.push("1 = 0");
            for status in statuses {
                select.push(" OR ");
                push_status(select, *status, is_operator, now);
            }
        }
        // Not asked of alerts.
        What::Owner(_) | What::Campaign(_) => drop(select.push("1 = 0")),
    }
    push_end(select, looked);
}

fn push_status(select: &mut QueryBuilder<Sqlite>, status: Status, is_operator: bool, now: i64) {
    match status {
        Status::New if is_operator => drop(select.push(IS_NEW)),
        // Whether the CSIRT has looked is its own business.
        Status::New => drop(select.push("x.verdict IS NULL")),
        Status::Acknowledged if is_operator => drop(select.push("(x.verdict IS NULL AND NOT ").push(IS_NEW).push(")")),
        Status::Muted if is_operator => drop(select.push(IS_MUTED).push_bind(now).push(")")),
        Status::FalsePositive => drop(select.push("x.verdict = 'false-positive'")),
        Status::Legitimate => drop(select.push("x.verdict = 'legitimate'")),
        Status::Confirmed => drop(select.push("x.verdict = 'confirmed'")),
        // Not said of alerts, or not told.
        Status::Acknowledged
        | Status::Muted
        | Status::Triaged
        | Status::Contained
        | Status::Closed
        | Status::Published
        | Status::Unpublished
        | Status::Withdrawn
        | Status::Recalled => {
            select.push("1 = 0");
        }
    }
}

/// What stands on a case `c` (an incident or a campaign), for the operator. `alerts` leads from it to its alerts `x`.
pub(super) fn push_of_case(select: &mut QueryBuilder<Sqlite>, looked: &Looked, of: &Case<'_>) {
    select.push(" AND (");
    match &looked.token.what {
        What::Member(_) => push_members(select, looked, of),
        What::Severity(places) => push_levels(select, of.word, places),
        What::Exercise(yes) => drop(select.push(if *yes { "c.exercise <> 0" } else { "c.exercise = 0" })),
        What::Owner(names) => {
            select.push("1 = 0");
            for name in names {
                match name {
                    Some(name) => {
                        select.push(" OR COALESCE(c.owner, '') LIKE ").push_bind(part(name)).push(" ESCAPE '\\'");
                    }
                    None => drop(select.push(" OR c.owner IS NULL")),
                }
            }
        }
        What::Status(statuses) => {
            select.push("1 = 0");
            for status in statuses {
                select.push(" OR ").push(match status {
                    Status::New => "c.state = 'new'",
                    Status::Triaged => "c.state = 'triaged'",
                    Status::Confirmed => "c.state = 'confirmed'",
                    Status::Contained => "c.state = 'contained'",
                    Status::Closed => "c.state = 'closed'",
                    Status::FalsePositive => "c.closed_as = 'false-positive'",
                    Status::Legitimate => "c.closed_as = 'legitimate'",
                    Status::Acknowledged
                    | Status::Muted
                    | Status::Published
                    | Status::Unpublished
                    | Status::Withdrawn
                    | Status::Recalled => "1 = 0",
                });
            }
        }
        What::Campaign(ids) => push_in(select, of.campaign, ids),
        What::Evidence(places) => {
            select.push(of.reached).push(" AND ");
            push_levels(select, "a.evidence", places);
            select.push(")");
        }
        What::Indicator(ids) => {
            select.push(of.reached).push(" AND ");
            push_in(select, "a.indicator_id", ids);
            select.push(")");
        }
        What::Threat(values) => {
            select.push("c.link_kind = 'threat' AND ");
            push_like(select, "c.link_value", values);
        }
        What::Text(text) => {
            // A title may be a value that is told to few: those are found by their number alone.
            select.push("(").push(of.is_told).push(" AND ");
            push_like(select, "c.title", std::slice::from_ref(text));
            select.push(") OR ");
            push_members(select, looked, of);
        }
        What::Network(_) => {
            select.push(of.reached).push(" AND ");
            push_in(select, "a.indicator_id", looked.indicators.as_deref().unwrap_or_default());
            select.push(")");
        }
        // Not asked of cases.
        What::Source(_) | What::Tlp(_) | What::Kind(_) | What::History(_) => drop(select.push("1 = 0")),
    }
    push_end(select, looked);
}

/// The end of a token's condition. Of what nothing is known a token finds nothing, and the same token with a minus leaves nothing out.
fn push_end(select: &mut QueryBuilder<Sqlite>, looked: &Looked) {
    select.push(if looked.token.not { ") IS NOT TRUE" } else { ")" });
}

fn push_members(select: &mut QueryBuilder<Sqlite>, looked: &Looked, of: &Case<'_>) {
    let ids = looked.members.as_deref().unwrap_or_default();
    match of.member {
        Some(column) => push_in(select, column, ids),
        None => {
            select.push("EXISTS (SELECT 1 FROM incident o WHERE o.campaign_id = c.id AND ");
            push_in(select, "o.member_id", ids);
            select.push(")");
        }
    }
}

/// How conditions reach what they are about from a case `c`.
pub(super) struct Case<'a> {
    /// The column of its word.
    pub(super) word: &'a str,
    /// The column of its member; none = it has several.
    pub(super) member: Option<&'a str>,
    /// The column of its campaign.
    pub(super) campaign: &'a str,
    /// `EXISTS (SELECT … a …`, left open.
    pub(super) reached: &'a str,
    /// Whether its title may be told.
    pub(super) is_told: &'a str,
}
