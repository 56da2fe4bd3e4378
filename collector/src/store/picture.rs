//! The reads behind the page: what stands in the database, as plain facts of one moment.
//!
//! Under [`Scope::Member`] nothing of another member is read: no name, no number, no time; others come only as a count,
//! and only in steps ([`others_told`](super::campaign::others_told)); numbers of rows, which count others' too, are not among what it is told.

mod anchor;
pub(super) mod beside;
mod of_case;
pub(super) mod reads;
mod rows;

use varde_common::time::Timestamp;

use super::bond::{Bond, bonds_of};
use super::brake::BrakeRow;
use super::pending::PendingFacts;
use super::rollout::RolloutFacts;
use super::tripped::TooConnected;
use super::workflow::Work;
use super::{Scope, Store};
use crate::beat::Fare;
use crate::braking::{Newest, Standing};
use crate::priority::Term;
use crate::reach::Reach;
use crate::verdict::Verdict;
use crate::weights::EscalationWeights;
use crate::workflow::Progress;

/// Campaigns in one picture; the page says how many there are beside them.
pub const CAMPAIGNS_MAX: i64 = 50;
/// Incidents in one picture: a screenful per member of a mid-sized community.
pub const INCIDENTS_MAX: i64 = 200;
/// Alerts of one campaign or incident shown at once.
pub const ALERTS_MAX: i64 = 500;
/// Indicators read for the campaigns of one picture.
const INDICATORS_MAX: i64 = 2_000;
/// Members and sensors read at once: over five times the municipalities there are.
const MEMBERS_MAX: i64 = 2_000;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberFacts {
    /// `member.id`.
    pub id: i64,
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// The shared network it is behind.
    pub supplier: Option<String>,
}

/// A sensor and what it last said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorFacts {
    /// `sensor.id`.
    pub id: i64,
    /// `member.id` of its owner.
    pub member_id: i64,
    /// Owner's number and name; none where the reader may not know it.
    pub owner: Option<(String, String)>,
    /// Members whose networks it watches, its owner among them; under a member's scope only that one.
    pub watches: Vec<i64>,
    /// Until when its token is good.
    pub token_expires_at: Timestamp,
    /// When its token was used.
    pub enrolled_at: Option<Timestamp>,
    /// When it was shut out.
    pub revoked_at: Option<Timestamp>,
    /// Program version.
    pub agent_version: Option<String>,
    /// List in force; 0 = none.
    pub revision: i64,
    /// The channel it follows, where that is not everybody's, and that channel's newest list.
    pub elsewhere: Option<(String, Option<i64>)>,
    /// Last refusal of a list, and why.
    pub refused: Option<(Timestamp, String)>,
    /// Last heartbeat or batch.
    pub last_seen_at: Option<Timestamp>,
    /// A session stands.
    pub connected: bool,
    /// It came over TCP, because UDP is blocked on its way.
    pub over_tcp: bool,
    /// The newest heartbeat as JSON.
    pub heartbeat: Option<String>,
    /// When an older state of it last came.
    pub set_back_at: Option<Timestamp>,
    /// When two were found to live with its identity.
    pub quarantined_at: Option<Timestamp>,
    /// Records that came again and were not stored twice.
    pub replayed: i64,
    /// When a test of itself last came the whole way.
    pub self_tested_at: Option<Timestamp>,
    /// One from some time before it, to compare ([`crate::hearing`]).
    pub heartbeat_before: Option<String>,
    /// How it stands to what it trusts.
    pub trust: SensorTrustFacts,
    /// Its certificate, and whether it waits for one.
    pub keys: KeyFacts,
}

impl SensorFacts {
    /// The newest list that it can have, where everybody's newest is this one.
    pub fn newest(&self, of_all: Option<i64>) -> Option<i64> {
        self.elsewhere.as_ref().map_or(of_all, |(_, newest)| *newest)
    }
}

/// A sensor's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyFacts {
    /// Until when it is good.
    pub until: Option<Timestamp>,
    /// Why it was last not renewed.
    pub refused_why: Option<String>,
    /// The words of the key that waits for a person's approval, and since when.
    pub pending: Option<(String, Timestamp)>,
}

/// How a sensor stands to its trust anchor and to the newest list, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SensorTrustFacts {
    /// Root document in force there.
    pub root_version: Option<i64>,
    /// Why it last refused one, unless it took one since.
    pub root_refused: Option<String>,
    /// `not_told`, `fresh`, `stale` or `behind`.
    pub freshness: Option<String>,
    /// Why it last did not believe which list is the newest, unless it did since.
    pub newest_refused: Option<String>,
    /// When the list in force there was published.
    pub list_published_at: Option<Timestamp>,
    /// Version of the conversation in its last session.
    pub protocol: Option<i64>,
}

/// The trust anchor and who signs lists; nothing of it for a member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustFacts {
    /// Number and end of the root document in force.
    pub root: Option<(i64, Timestamp)>,
    /// `online` or `duty`: where the list key is.
    pub list_key: Option<String>,
    /// The list that waits for a signature.
    pub pending: Option<PendingFacts>,
    /// The newest list that is on its way from the pilot group to all, or was.
    pub rollout: Option<RolloutFacts>,
}

/// The newest published list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFacts {
    /// Its number.
    pub revision: i64,
    /// Indicators in it.
    pub count: i64,
    /// When.
    pub published_at: Timestamp,
}

/// An indicator something was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndicatorFacts {
    /// `indicator.id`.
    pub id: i64,
    /// As plain lists write it; none where the marking keeps it from the reader.
    pub pattern: Option<String>,
    /// domain, host, ipv4, ipv6 or network.
    pub kind: String,
    /// Where it came from.
    pub source: String,
    /// What it belongs to.
    pub threat: Option<String>,
    /// Its marking.
    pub tlp: String,
    /// 0-100.
    pub confidence: i64,
    /// The revision that first held it.
    pub published_in: Option<i64>,
}

/// What one member's alerts come to, within a campaign or an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitFacts {
    /// Whose.
    pub member: MemberFacts,
    /// Earliest sighting.
    pub first_seen: Timestamp,
    /// Latest sighting.
    pub last_seen: Timestamp,
    /// Highest evidence, 0 blocked … 5 data_out.
    pub evidence: i64,
    /// Highest severity, 0 info … 4 critical.
    pub severity: i64,
    /// Hosts, resolvers that only asked for others left out.
    pub hosts: i64,
    /// Some of them a sensor told of together, so that their number is about right.
    pub hosts_about: bool,
    /// Sightings.
    pub sightings: i64,
    /// Alerts.
    pub alerts: i64,
    /// When the first of it reached us.
    pub arrived_at: Option<Timestamp>,
    /// When the last of it did.
    pub arrived_last_at: Option<Timestamp>,
    /// A person said so, and no sensor.
    pub human: bool,
    /// The worst word that its incidents were weighed to, 0 info … 4 critical, for a member by its own alone; none = not weighed yet.
    pub word: Option<i64>,
}

/// Where the work on something stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkFacts {
    /// Where.
    pub standing: Progress,
    /// Whose it is.
    pub owner: Option<String>,
    /// How often what sensors saw opened it again.
    pub came_back: i64,
    /// It is closed, and more was seen since.
    pub grown: bool,
}

/// A campaign as the reader may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignFacts {
    /// `campaign.id`.
    pub id: i64,
    /// What the reader names it by in an address: its number, for a member its name outside.
    pub name: String,
    /// Its name outside.
    pub uuid: String,
    /// indicator or threat.
    pub link_kind: String,
    /// As concluded; none where an indicator's marking keeps it from the reader.
    pub title: Option<String>,
    /// Part of an exercise.
    pub exercise: bool,
    /// When it was concluded; none for a member, whom another member's hit would be told by it.
    pub opened_at: Option<Timestamp>,
    /// Our clock when it last grew; none for a member.
    pub updated_at: Option<Timestamp>,
    /// Members hit, first hit first.
    pub hits: Vec<HitFacts>,
    /// Members hit beside those in `hits`, for a member at least so many.
    pub others: Option<i64>,
    /// Members hit that have left since; always 0 for a member.
    pub departed: i64,
    /// What it was found by.
    pub indicators: Vec<IndicatorFacts>,
    /// How much it matters; nothing of that for a member, whom it would tell of others.
    pub weighed: WordFacts,
    /// Why medium links join nothing to it any more, and a split is proposed; never for a member.
    pub too_connected: Option<TooConnected>,
    /// Where the work on it stands; nothing of that for a member: that it opened again tells of another.
    pub work: Option<WorkFacts>,
    /// It is closed; for a member that all of its own incidents in it are.
    pub is_closed: bool,
    /// The first list by which it could be seen; none = no list has anything of what people have reported.
    pub first_list: Option<i64>,
}

/// How much something matters, as it was weighed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WordFacts {
    /// 0 info … 4 critical; none = not weighed yet.
    pub word: Option<i64>,
    /// What it stands on.
    pub why: Vec<Term>,
    /// By which weights.
    pub version: Option<String>,
}

/// An incident: alerts of one member with the same link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentFacts {
    /// `incident.id`.
    pub id: i64,
    /// What the reader names it by in an address: its number, for a member its name outside.
    pub name: String,
    /// Its name outside.
    pub uuid: String,
    /// indicator or threat.
    pub link_kind: String,
    /// As concluded; none where an indicator's marking keeps it from the reader.
    pub title: Option<String>,
    /// Part of an exercise.
    pub exercise: bool,
    /// The campaign it belongs to; for a member one that it is told of.
    pub campaign_id: Option<i64>,
    /// What the reader names that by.
    pub campaign_name: Option<String>,
    /// Its alerts, summed.
    pub hit: HitFacts,
    /// How much it matters.
    pub weighed: WordFacts,
    /// Where the work on it stands.
    pub work: WorkFacts,
    /// A person opened it, and gave it its title.
    pub human: bool,
    /// The threat or the indicator that it is about, whatever a person has called it; none where that is kept from the reader.
    pub about: Option<String>,
}

/// One alert with its why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertFacts {
    /// `alert.id`.
    pub id: i64,
    /// Its name outside.
    pub uuid: String,
    /// `member.id`.
    pub member_id: i64,
    /// Member's name.
    pub member_name: String,
    /// Sensor that told it.
    pub sensor_id: i64,
    /// What matched.
    pub indicator_id: i64,
    /// List in force at the sensor.
    pub revision: i64,
    /// Pseudonym of the host.
    pub client: Option<String>,
    /// About how many hosts it stands for, where it stands for many.
    pub hosts: Option<i64>,
    /// The member's number for the zone.
    pub zone: i64,
    /// inbound or outbound.
    pub direction: String,
    /// 0 blocked … 5 data_out.
    pub evidence: i64,
    /// The member's resolver asked on behalf of somebody.
    pub by_resolver: bool,
    /// The name was looked up by another.
    pub looked_up_by_other: bool,
    /// Contact to an address that unlisted names share.
    pub possible_contact: bool,
    /// Labels left of the listed name.
    pub labels_left: i64,
    /// Outside server.
    pub server: Option<String>,
    /// Its port.
    pub port: Option<i64>,
    /// IP protocol number.
    pub protocol: i64,
    /// 0 info … 4 critical.
    pub severity: i64,
    /// First sighting.
    pub first_seen: Timestamp,
    /// Last sighting.
    pub last_seen: Timestamp,
    /// Sightings.
    pub count: i64,
    /// Contacts and their median interval in milliseconds, as JSON.
    pub regularity: Option<String>,
    /// No more updates will come.
    pub closed: bool,
    /// What a person concluded of it.
    pub verdict: Option<Verdict>,
    /// And why.
    pub verdict_reason: Option<String>,
}

/// A source of intelligence that cannot be fetched, or whose content is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTrouble {
    /// Its name.
    pub name: String,
    /// Whether its content is held; else it cannot be fetched.
    pub is_held: bool,
    /// Why.
    pub why: String,
    /// When it last succeeded.
    pub succeeded_at: Option<Timestamp>,
}

/// All the page needs, of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Read for one member, not for the operator.
    pub for_member: bool,
    /// Whose collector it is.
    pub operator: Option<String>,
    /// The newest published list.
    pub list: Option<ListFacts>,
    /// How far it has come; none for a member.
    pub reach: Option<Reach>,
    /// Indicators imported but in no list for all yet; always 0 for a member.
    pub unpublished: i64,
    /// The trust anchor.
    pub trust: TrustFacts,
    /// How the outgoing heartbeat fares; none where none is sent, and for a member.
    pub beat: Option<Fare>,
    /// Sources of intelligence with which something is wrong; none for a member.
    pub sources: Vec<SourceTrouble>,
    /// What is braked and what was, newest first.
    pub brakes: Vec<BrakeRow>,
    /// The newest order of the brake.
    pub brake_newest: Option<Newest>,
    /// What each sensor says of the brake: the newest order it has taken, and why it last refused one.
    pub brake_standings: Vec<Standing>,
    /// Members the reader may see.
    pub members: Vec<MemberFacts>,
    /// Sensors the reader may see.
    pub sensors: Vec<SensorFacts>,
    /// Campaigns, exercises last, those that are not closed first, latest sighting first, at most [`CAMPAIGNS_MAX`].
    pub campaigns: Vec<CampaignFacts>,
    /// How many there are.
    pub campaigns_total: i64,
    /// Incidents, exercises last, those that are not closed first, latest sighting first, at most [`INCIDENTS_MAX`].
    pub incidents: Vec<IncidentFacts>,
    /// How many there are.
    pub incidents_total: i64,
    /// How many of the campaigns are of an exercise.
    pub exercise_campaigns: i64,
    /// How many of the incidents are of an exercise.
    pub exercise_incidents: i64,
    /// How many of the campaigns are closed and of no exercise; for a member those in which all of its own incidents are.
    pub closed_campaigns: i64,
    /// How many of the incidents are.
    pub closed_incidents: i64,
    /// Alerts there are.
    pub alerts_total: i64,
}

/// A campaign or an incident with its alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The incidents shown.
    pub incidents: Vec<IncidentFacts>,
    /// What it was found by.
    pub indicators: Vec<IndicatorFacts>,
    /// Alerts, earliest sighting first, at most [`ALERTS_MAX`].
    pub alerts: Vec<AlertFacts>,
    /// How many there are.
    pub alerts_total: i64,
    /// What the incidents of a campaign share; of an incident nothing.
    pub bonds: Vec<Bond>,
    /// From when on something is sector-wide.
    pub escalation: EscalationWeights,
    /// What was said of it, and what is to be done.
    pub work: Work,
}

/// Which thing a detail is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `campaign.id`.
    Campaign(i64),
    /// `incident.id`.
    Incident(i64),
}

impl Store {
    /// The whole picture, as `scope` may see it, of one moment.
    ///
    /// # Errors
    /// The database's own.
    pub async fn picture(&self, scope: Scope) -> Result<Picture, sqlx::Error> {
        let mut tx = self.readers().begin().await?;
        let picture = reads::picture(&mut tx, scope, reads::Cases::All).await?;
        tx.rollback().await?;
        Ok(picture)
    }

    /// The picture without campaigns and incidents: what stands around them, for pages that show none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn picture_without_cases(&self, scope: Scope) -> Result<Picture, sqlx::Error> {
        let mut tx = self.readers().begin().await?;
        let picture = reads::picture(&mut tx, scope, reads::Cases::None).await?;
        tx.rollback().await?;
        Ok(picture)
    }

    /// One campaign or incident with its alerts, and the picture around it, in which of all campaigns and incidents only that campaign
    /// stands; none where there is no such, or not for this reader.
    ///
    /// # Errors
    /// The database's own.
    pub async fn picture_of(&self, scope: Scope, of: Subject) -> Result<Option<(Picture, Detail)>, sqlx::Error> {
        let mut tx = self.readers().begin().await?;
        let mut found = of_case::detail(&mut tx, scope, of).await?;
        if let (Some((_, detail)), Subject::Campaign(id), Scope::Operator) = (&mut found, of, scope) {
            detail.bonds = bonds_of(&mut tx, id).await?;
        }
        tx.rollback().await?;
        Ok(found)
    }
}
