//! What a person reports, a member's phone call or a partner's mail: an incident without any alert, put together with others as alerts
//! are, by the same threat or the same indicator.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;
use varde_common::alert::Evidence;
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use super::IngestError;
use super::conclude::{Drawing, attach, campaigns_of, draw};
use crate::change::Change;
use crate::link::{Backing, Key, KeyKind, Sharing, keys};
use crate::priority::{Facts, Hearsay};
use crate::store::alert::level_of;
use crate::store::incident::next_id;
use crate::store::workflow::{Fresh, Saying};
use crate::store::{Store, alert, guard, weights, workflow};
use crate::strand::{AlertFact, Link, LinkKind, Span, Topic};
use crate::workflow::timeline::Said;
use crate::workflow::{Matter, Progress};

/// How sure something is of which no source says how sure it is: a person says so, and may be wrong.
const CONFIDENCE: u8 = 50;

/// What a person reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report<'a> {
    /// At whom.
    pub member: i64,
    /// What, as a heading.
    pub title: &'a str,
    /// When it was seen.
    pub seen: Span,
    /// By what it can be known, by number.
    pub indicators: &'a [i64],
    /// What it belongs to.
    pub threat: Option<&'a str>,
    /// Part of an exercise.
    pub exercise: bool,
    /// How far it got; none = nobody says.
    pub evidence: Option<Evidence>,
    /// Who says so.
    pub who: &'a str,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The incident.
    pub incident: i64,
    /// It was opened by this; else the member had it already.
    pub is_new: bool,
    /// It was closed, as what, and is open again by this.
    pub was_closed: Option<Progress>,
    /// What to tell others.
    pub changes: Vec<Change>,
}

/// How bad and how sure what it names is said to be.
async fn weight(conn: &mut SqliteConnection, report: &Report<'_>) -> Result<(Severity, u8), sqlx::Error> {
    let (mut severity, mut confidence) = (None, None);
    let sql = "SELECT MAX(severity), MAX(confidence) FROM indicator WHERE id = $1 OR threat = $2";
    let indicators = report.indicators.iter().map(|id| (*id, None)).chain(report.threat.map(|name| (0, Some(name))));
    for (id, threat) in indicators {
        let (grade, sure): (Option<i64>, Option<i64>) =
            sqlx::query_as(sql).bind(id).bind(threat).fetch_one(&mut *conn).await?;
        (severity, confidence) = (severity.max(grade), confidence.max(sure));
    }
    let grade = severity.and_then(|grade| u8::try_from(grade).ok());
    let sure = confidence.and_then(|sure| u8::try_from(sure).ok());
    Ok((grade.map_or(Severity::Medium, Severity::from_level), sure.unwrap_or(CONFIDENCE)))
}

/// Takes in what a person reports. Where the member has an incident on the same already, that is where it stands from now on. One
/// transaction.
///
/// # Errors
/// [`IngestError::Store`]; then nothing has changed.
pub async fn handle_report(store: &Store, report: &Report<'_>, now: Timestamp) -> Result<Reported, IngestError> {
    let mut tx = store.begin().await?;
    let weights = weights::in_force(&mut tx).await?;
    let (known, tripped) = alert::indicators(&mut tx, report.indicators, &weights, now).await?;
    let standing = guard::standing(&mut tx, &report.indicators.iter().copied().collect()).await?;
    let place = next_id(&mut tx, "incident").await?;
    let name = format!("report/{}/{}/{place}", report.member, now.0);
    let first = report.indicators.first().and_then(|id| known.get(id)).map(|known| known.link.clone());
    let link = match report.threat {
        Some(threat) => Link { kind: LinkKind::Threat, value: threat.to_owned() },
        None => first.unwrap_or_else(|| Link { kind: LinkKind::Human, value: name.clone() }),
    };
    let mut shared: BTreeSet<Key> = BTreeSet::new();
    shared.extend(report.threat.map(|threat| Key { kind: KeyKind::Threat, value: threat.to_owned() }));
    let commons = store.commons(&mut tx).await?;
    for (id, known) in &known {
        let pattern = standing.get(id).and_then(|found| found.pattern.as_ref());
        let sharing = Sharing {
            topic: &known.link,
            indicator: *id,
            // Whoever reports it stands for it.
            backing: Backing::Vouched,
            of_mere_list: standing.get(id).is_some_and(|found| found.of_mere_list),
            pattern,
            evidence: Evidence::LookedUp,
            server: None,
            possible_contact: false,
        };
        shared.extend(keys(&sharing, &commons));
    }
    let (severity, confidence) = weight(&mut tx, report).await?;
    let said = Hearsay { evidence: report.evidence, confidence, severity };
    let facts = Facts { said: Some(said), ..Facts::default() };
    let topic = Topic { link: link.clone(), exercise: report.exercise };
    let fact = AlertFact {
        founds: true,
        fresh: true,
        keys: Vec::from_iter(shared),
        facts,
        ..AlertFact::joining(report.member, topic, report.seen)
    };
    let titles = [(name.as_str(), report.title, &link)];
    let drawing = Drawing { weights: &weights, commons: &commons, tripped, now };
    let drawn = draw(&mut tx, vec![fact], (&[], standing), &titles, &drawing).await?;
    attach(&mut tx, &drawn, 1).await?;
    let incident = drawn.incidents.first().copied().unwrap_or_default();
    let is_new = drawn.decisions.incidents.first().is_some_and(|decision| decision.kept.is_none());
    let campaigns = campaigns_of(&drawn.changes);
    if is_new {
        workflow::raised_by_person(&mut tx, incident, report.evidence.map(level_of), now).await?;
    }
    let said = Said::Reported { text: report.title.to_owned(), evidence: report.evidence };
    let saying = Saying { who: Some(report.who), at: report.seen.first, for_members: true };
    workflow::tell(&mut tx, Matter::Incident(incident), &said, saying, now).await?;
    let was_closed = match is_new {
        true => None,
        false => workflow::report_to(&mut tx, incident, &campaigns, report.seen.last, now).await?,
    };
    let fresh = report.evidence.map(|evidence| Fresh {
        incident,
        indicator: report.indicators.first().copied().unwrap_or_default(),
        link: &link,
        client: None,
        evidence,
        reached_at: report.seen.first,
        last_seen: report.seen.last,
    });
    workflow::look(&mut tx, fresh.as_slice(), &campaigns, now).await?;
    tx.commit().await?;
    Ok(Reported { incident, is_new, was_closed, changes: drawn.changes })
}
