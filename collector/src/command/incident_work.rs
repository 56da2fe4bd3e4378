//! The work on incidents: triage, confirm, contain, close, reopen, measures and legal clocks; and one that a person reports.

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;
use varde_common::alert::Evidence;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::noted::deed;
use super::say;
use super::work::{add, incident_named, note, take, title, was_at};
use crate::audit::On;
use crate::ingest::report::{Report, Reported, handle_report};
use crate::io::{clock, user};
use crate::limits::workflow::REPORT_INDICATORS_MAX;
use crate::store::{Scope, Store};
use crate::strand::Span;
use crate::workflow::duty::Duty;
use crate::workflow::timeline::{MeasureStatus, Said};
use crate::workflow::{Closing, Matter, Progress, Step};

/// What `incident close --help` says beside.
pub(super) const CLOSE_HELP: &str = "\
  confirmed       it was what it seemed, and nothing is left to do; confirm it first
  false-positive  the indicators are wrong: all its alerts get that verdict (alert verdict), the indicators are withdrawn
  legitimate      the traffic is wanted: all its alerts get that verdict, the indicators stay
  duplicate       another incident of the same member is worked on instead: --of NUMBER
  exercise        somebody was practising
It opens again by itself, as new, when what it does not cover is met: confirmed and exercise by a sighting after the closing, a stage that
nobody knew, or another threat (without one another indicator) whenever that was met; false-positive by another indicator; legitimate by
another host, another indicator or a further stage; a duplicate as confirmed once the other is closed too, and by another threat at once.
What comes late of before the closing and was known then opens nothing; the incident says that more has come to be known.
Exit: 0 it is closed, 1 it is not, and why, 2 wrong usage.";

/// What `incident clock --help` says beside.
pub(super) const CLOCK_HELP: &str = "\
  varde-collector incident clock 7 discovered --at 2026-11-21T14:05:00+01:00
  varde-collector incident clock 7 personal-data-breach suspected
  varde-collector incident clock 7 reported nsm --at 2026-11-22T09:00:00+01:00
  varde-collector incident clock 7 withdrawn datatilsynet --reason \"no personal data on that machine\"
No clock runs before somebody says when it was discovered. From then 24 hours run towards NSM, if the member is covered by
digitalsikkerhetsloven (member set NUMBER --covered yes), and 72 hours towards Datatilsynet once a personal data breach is suspected.
What was said last stands; all of it stays in the timeline. This is help, not legal advice. See: incident show 7.";

/// What `incident new --help` says beside.
pub(super) const NEW_HELP: &str = "\
For what no sensor has seen: a member's phone call, a partner's mail. It joins campaigns as others do, by the same threat or the same
indicator, and counts there as a hit, marked as reported by a person. Where the member has an incident on the same already, the report
stands in that, which opens if it was closed. The member may read the title; a campaign is never called by it.
A report weighs little until a person confirms it (incident confirm): that stands for it, and it is Medium then, or more by what it names.
Keys with --json: incident (its number), is_new (false = the member had it already), reopened (it was closed), campaign (that it is in).
Exit: 0 it is there, 1 it is not, and why, 2 wrong usage.";

/// Arguments of `incident triage`, `confirm` and `contain`.
#[derive(Debug, Args)]
pub struct StepArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// When it was so, such as 2026-11-21T14:05:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `incident close`.
#[derive(Debug, Args)]
pub struct CloseArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// confirmed, false-positive, legitimate, duplicate or exercise.
    #[arg(long = "as", value_name = "WHAT")]
    pub closing: Closing,
    /// The incident that is worked on instead.
    #[arg(long, value_name = "NUMBER")]
    pub of: Option<i64>,
    /// Why, on one line. The member concerned may read it: name nobody else in it.
    #[arg(long, value_name = "TEXT", value_parser = super::verdict::reason)]
    pub reason: String,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How a measure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusWord {
    /// It is to be done.
    Planned,
    /// It is done.
    Done,
    /// It is not to be done here.
    NotApplicable,
}

impl StatusWord {
    fn status(self) -> MeasureStatus {
        match self {
            StatusWord::Planned => MeasureStatus::Planned,
            StatusWord::Done => MeasureStatus::Done,
            StatusWord::NotApplicable => MeasureStatus::NotApplicable,
        }
    }
}

/// Arguments of `incident measure`.
#[derive(Debug, Args)]
pub struct MeasureArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// A new measure: what is to be done, on one line.
    #[arg(long, value_name = "TEXT", value_parser = note, required_unless_present_any = ["change", "from_bank"], conflicts_with = "change")]
    pub text: Option<String>,
    /// A measure of the bank, by its key (measure list), in the member's form of Norwegian.
    #[arg(long, value_name = "KEY", conflicts_with_all = ["text", "change"])]
    pub from_bank: Option<String>,
    /// The measure that stands differently now, by its number in incident show.
    #[arg(long, value_name = "NUMBER")]
    pub change: Option<i64>,
    /// planned, done or not-applicable.
    #[arg(long, value_enum)]
    pub status: StatusWord,
    /// Since when, such as 2026-11-21T14:05:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// The CSIRT alone reads it; else the member concerned too.
    #[arg(long, conflicts_with = "change")]
    pub csirt_only: bool,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What is said of legal clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClockWord {
    /// When it was discovered: --at TIME.
    Discovered,
    /// A personal data breach: suspected.
    PersonalDataBreach,
    /// It was reported to nsm or datatilsynet.
    Reported,
    /// The clock towards nsm or datatilsynet does not apply: --reason TEXT.
    Withdrawn,
}

/// Arguments of `incident clock`.
#[derive(Debug, Args)]
pub struct ClockArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// What.
    #[arg(value_enum)]
    pub what: ClockWord,
    /// suspected; or nsm or datatilsynet.
    #[arg(value_name = "WHICH")]
    pub which: Option<String>,
    /// When it was so, such as 2026-11-21T14:05:00+01:00 [default: now; of discovered it must be said].
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Why a clock is withdrawn. The member concerned may read it.
    #[arg(long, value_name = "TEXT", value_parser = note)]
    pub reason: Option<String>,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

fn evidence(text: &str) -> Result<Evidence, String> {
    let found = Evidence::ALL.into_iter().find(|evidence| evidence.as_str() == text);
    found.ok_or_else(|| "blocked, looked_up, answered, attempted, contacted or data_out".to_owned())
}

/// Arguments of `incident new`.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// At which member, by its number.
    #[arg(long, value_name = "NUMBER")]
    pub member: MemberNumber,
    /// What, as a heading. The member may read it.
    #[arg(long, value_name = "TEXT", value_parser = title)]
    pub title: String,
    /// When it was seen, such as 2026-11-21T14:05:00+01:00.
    #[arg(long, value_name = "TIME")]
    pub seen: Timestamp,
    /// Until when it was seen [default: only then].
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// An indicator that it is known by, by its ID or itself; several: say it again.
    #[arg(long, value_name = "INDICATOR")]
    pub indicator: Vec<String>,
    /// The threat that it belongs to, as sources name it.
    #[arg(long, value_name = "NAME", value_parser = title)]
    pub threat: Option<String>,
    /// How far it got, if that is known: blocked, looked_up, answered, attempted, contacted or data_out.
    #[arg(long, value_name = "STAGE", value_parser = evidence)]
    pub evidence: Option<Evidence>,
    /// It is part of an exercise.
    #[arg(long)]
    pub exercise: bool,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `incident triage`, `confirm` and `contain`.
pub(super) async fn step(
    store: &Store,
    what: &'static str,
    step: Step,
    StepArguments { id, at, json }: StepArguments,
) -> anyhow::Result<()> {
    let case = Matter::Incident(incident_named(store, &id).await?);
    take(store, what, case, (step, None, at), (false, json)).await
}

/// `incident close`.
pub(super) async fn close(store: &Store, arguments: CloseArguments) -> anyhow::Result<()> {
    let CloseArguments { id, closing, of, reason, json } = arguments;
    let case = Matter::Incident(incident_named(store, &id).await?);
    take(store, "incident close", case, (Step::Close(closing, of), Some(reason), None), (false, json)).await
}

/// `incident measure`.
pub(super) async fn measure(store: &Store, arguments: MeasureArguments) -> anyhow::Result<()> {
    let MeasureArguments { id, text, from_bank: key, change, status, at, csirt_only, json } = arguments;
    let incident = incident_named(store, &id).await?;
    let case = Matter::Incident(incident);
    let text = match &key {
        Some(key) => titled(store, incident, key).await?,
        None => text.unwrap_or_default(),
    };
    let status = status.status();
    let in_audit = match change {
        Some(number) => format!("measure {number} is {}", status.as_str()),
        None => format!("a measure, {}", status.as_str()),
    };
    let said = Said::Measured { of: change, text, status, key };
    add(store, "incident measure", case, (said, in_audit), (at, !csirt_only, json)).await
}

/// What a measure of the bank is called for the member of an incident.
async fn titled(store: &Store, incident: i64, key: &str) -> anyhow::Result<String> {
    let bank = store.bank(Scope::Operator).await?;
    let Some(measure) = bank.get(key) else { bail!("{}", bank.no_such(key)) };
    let found = crate::store::incident::one(store, Scope::Operator, incident).await?;
    let number = found.and_then(|found| found.member.number.parse::<MemberNumber>().ok());
    let known = match number {
        Some(number) => store.known_of(Scope::Operator, &number).await?,
        None => None,
    };
    let form = known.map(|known| known.profile.language).unwrap_or_default();
    Ok(measure.contents.of(crate::advisory::language_of(form)).title.clone())
}

/// `incident clock`.
pub(super) async fn legal_clock(store: &Store, arguments: ClockArguments) -> anyhow::Result<()> {
    let ClockArguments { id, what, which, at, reason, json } = arguments;
    let case = Matter::Incident(incident_named(store, &id).await?);
    let duty = || match which.as_deref() {
        Some("nsm") => Ok(Duty::Nsm),
        Some("datatilsynet") => Ok(Duty::Datatilsynet),
        Some(_) | None => {
            bail!(
                "say which clock: nsm (24 hours) or datatilsynet (72 hours), such as: varde-collector incident clock {} reported nsm",
                case.id()
            )
        }
    };
    if reason.is_some() && what != ClockWord::Withdrawn {
        bail!(
            "only a clock that is withdrawn has a reason; leave out --reason, or see: varde-collector incident note --help"
        );
    }
    let (said, in_audit) = match (what, which.as_deref()) {
        (ClockWord::Discovered, None) if at.is_some() => (Said::Discovered, "when it was discovered".to_owned()),
        (ClockWord::Discovered, _) => {
            bail!(
                "say when it was discovered: varde-collector incident clock {} discovered --at 2026-11-21T14:05:00+01:00",
                case.id()
            )
        }
        (ClockWord::PersonalDataBreach, Some("suspected")) => {
            (Said::BreachSuspected, "a personal data breach is suspected".to_owned())
        }
        (ClockWord::PersonalDataBreach, _) => {
            bail!("say it as: varde-collector incident clock {} personal-data-breach suspected", case.id())
        }
        (ClockWord::Reported, _) => {
            let duty = duty()?;
            (Said::DutyReported { duty }, format!("reported to {}", duty.as_str()))
        }
        (ClockWord::Withdrawn, _) => {
            let duty = duty()?;
            let Some(reason) = reason else { bail!("say why the clock does not apply: --reason TEXT") };
            let in_audit = format!("the clock towards {} is withdrawn: {reason}", duty.as_str());
            (Said::DutyWithdrawn { duty, reason }, in_audit)
        }
    };
    add(store, "incident clock", case, (said, in_audit), (at, true, json)).await
}

#[derive(Debug, Serialize)]
struct NewDone {
    incident: i64,
    is_new: bool,
    reopened: bool,
    campaign: Option<i64>,
}

/// What a report has done to an incident that was closed.
fn open_again_words(was_closed: Option<Progress>) -> String {
    was_closed.map_or_else(String::new, |was| format!(", which was {was} and is open again, as new"))
}

/// `incident new`.
pub(super) async fn new(store: &Store, arguments: NewArguments) -> anyhow::Result<()> {
    let NewArguments { member: number, title, seen, until, indicator, threat, evidence, exercise, json } = arguments;
    let now = clock::now();
    let (first, last) = (was_at(Some(seen), now)?, was_at(Some(until.unwrap_or(seen)), now)?);
    if last < first {
        bail!("it was seen until {last}, which is before {first}");
    }
    let Some(member) = store.member_by_number(Scope::Operator, &number).await? else {
        bail!("there is no member {number}; see them with: varde-collector member list")
    };
    if indicator.len() > REPORT_INDICATORS_MAX {
        bail!("at most {REPORT_INDICATORS_MAX} indicators; a list is imported: varde-collector indicator import FILE");
    }
    let mut indicators = Vec::with_capacity(indicator.len());
    for named in &indicator {
        match store.indicator_named(Scope::Operator, named).await? {
            Some(found) => indicators.push(found.id),
            None => bail!(
                "there is no indicator \"{}\"; to have sensors look for it too: varde-collector indicator import FILE",
                say::printable(named.clone())
            ),
        }
    }
    let who = user::who();
    let report = Report {
        member: member.id,
        title: &title,
        seen: Span::new(first, last),
        indicators: &indicators,
        threat: threat.as_deref(),
        exercise,
        evidence,
        who: &who,
    };
    let doing = deed("incident new", On::Member(member.number.clone())).becomes("an incident that a person reports");
    let Reported { incident, is_new, was_closed, .. } = handle_report(&store.noting(doing), &report, now).await?;
    let found = crate::store::incident::one(store, Scope::Operator, incident).await?;
    let campaign = found.and_then(|found| found.campaign);
    if json {
        return say::result(&serde_json::to_string(&NewDone {
            incident,
            is_new,
            reopened: was_closed.is_some(),
            campaign,
        })?);
    }
    match is_new {
        true => say::result(&format!("Incident {incident} at {} ({}).", member.name, member.number))?,
        false => say::result(&format!(
            "{} ({}) has an incident on the same already: {incident}. The report stands in that{}.",
            member.name,
            member.number,
            open_again_words(was_closed)
        ))?,
    }
    if let Some(campaign) = campaign {
        say::result(&format!("It is part of campaign {campaign}."))?;
    }
    Ok(())
}
