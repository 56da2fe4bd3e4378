//! What answers about advisories look like.

use serde::Serialize;
use utoipa::ToSchema;
use varde_common::time::Timestamp;

/// What an advisory says in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdvisoryText {
    /// nb, nn or en.
    pub language: String,
    /// Its heading.
    pub title: String,
    /// Its text: paragraphs, # headings, - points and 1. steps; never HTML.
    pub body: String,
}

/// A measure that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdvisoryMeasure {
    /// Its name in the bank.
    pub key: String,
    /// {nb, nn, en}, each {title, why, steps, done}, as they were when it was sent; null = a draft's that is not in the bank any more.
    #[schema(value_type = Option<Object>)]
    pub words: Option<serde_json::Value>,
}

/// What a member answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdvisoryAnswer {
    /// The member's number.
    pub member: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who there.
    pub who: String,
    /// not-affected, affected, need-help, measure-done or words.
    pub answer: &'static str,
    /// The measure that was done, by its name in the bank.
    pub measure: Option<String>,
    /// In their own words.
    pub text: Option<String>,
}

/// Whether a member has read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdvisoryReader {
    /// The member's number.
    pub member: String,
    /// How far the campaign has come there; null = it was not met there, or nobody says.
    pub evidence: Option<&'static str>,
    /// When somebody there confirmed to have read it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// Who.
    pub read_by: Option<String>,
    /// When they were told by telephone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub called_at: Option<Timestamp>,
    /// Its mail may be read by others, so that it gets none.
    pub mail_distrusted: bool,
}

/// An advisory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Advisory {
    /// Its number; null for a member, whom it would tell how many there are.
    pub id: Option<i64>,
    /// Its name for members and in addresses.
    pub uuid: String,
    /// The campaign it is about, by its number; null for a member.
    pub campaign: Option<i64>,
    /// Its marking, such as TLP:AMBER.
    pub tlp: String,
    /// campaign, all or chosen: whom it goes to; null for a member.
    pub audience: Option<&'static str>,
    /// draft, sent or withdrawn.
    pub state: &'static str,
    /// 1, and one more for each correction.
    pub version: i64,
    /// The uuid of the version before.
    pub corrects: Option<String>,
    /// The uuid of the version that corrects it.
    pub corrected_by: Option<String>,
    /// Who sent it; null for a member.
    pub sent_by: Option<String>,
    /// When it was sent; for a member to it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Timestamp>,
    /// When it was withdrawn.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub withdrawn_at: Option<Timestamp>,
    /// Why.
    pub withdrawn_why: Option<String>,
    /// What it says.
    pub texts: Vec<AdvisoryText>,
    /// How many members got it; null for a member.
    pub recipients: Option<i64>,
    /// How many of them have read it; null for a member.
    pub read: Option<i64>,
    /// For a member: at least so many others got it; null = fewer than three, or for the CSIRT.
    pub others_at_least: Option<i64>,
    /// For a member: when somebody there confirmed to have read it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// For a member: who.
    pub read_by: Option<String>,
    /// For a member: the uuids of its incidents that it is about; nothing for the CSIRT.
    pub incidents: Vec<String>,
}

/// One advisory with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdvisoryDetail {
    /// The advisory.
    pub advisory: Advisory,
    /// What it says is to be done.
    pub measures: Vec<AdvisoryMeasure>,
    /// What members answered; for a member its own.
    pub answers: Vec<AdvisoryAnswer>,
    /// Who has read it and who has not, those to ring first; nothing for a member.
    pub readers: Vec<AdvisoryReader>,
}
