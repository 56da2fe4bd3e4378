//! What machines may ask of the collector, `/api/v1`, as one table: addresses, what each takes and what it answers with. The router is made
//! from it and so is the document ([`document`]), so that neither knows what the other does not.
//!
//! [`parameter`] reads a question whole or refuses it with a [`problem`], [`cursor`] says where an answer ended, [`shape`] is what answers
//! look like. Nothing here reads a clock, a socket or the database.

pub mod cursor;
pub mod document;
pub mod parameter;
pub mod problem;
pub mod shape;

use crate::limits::api::{ANSWERS_MAX, ROWS_MAX};
use parameter::{Form, Parameter};

/// What stands before every address.
pub const PREFIX: &str = "/api/v1";

/// Words of severity, in rising order: their places are the numbers in the database.
pub const SEVERITIES: &[&str] = &["info", "low", "medium", "high", "critical"];
/// Words of evidence, in rising order: their places are the numbers in the database.
pub const EVIDENCE: &[&str] = &["blocked", "looked_up", "answered", "attempted", "contacted", "data_out"];
/// Words of verdicts, and that there is none.
pub const VERDICTS: &[&str] = &["false-positive", "legitimate", "confirmed", "none"];
/// Kinds of indicators.
pub const KINDS: &[&str] = &["domain", "host", "ipv4", "ipv6", "network"];
/// Kinds of what keeps sensors from seeing or from being heard.
pub const SILENCES: &[&str] =
    &["unheard", "deaf", "dropping", "old_list", "clock_skew", "one_client", "one_way", "narrowed"];
/// How a sensor is.
pub const STATES: &[&str] = &[
    "connected",
    "deaf",
    "stalled",
    "silent",
    "never_came",
    "waits_for_approval",
    "token_waits",
    "token_expired",
    "quarantined",
    "revoked",
];
/// Where the work on an incident stands.
pub const WORK: &[&str] = &["new", "triaged", "confirmed", "contained", "closed"];
/// Where the work on a campaign stands.
pub const WORK_TOGETHER: &[&str] = &["new", "closed"];
/// Kinds of what links nothing any more.
pub const GUARDS: &[&str] = &["threat", "indicator", "address", "host"];
/// What a person has said of a proposal.
pub const SETTLED: &[&str] = &["open", "upheld", "overruled"];

/// Where an advisory stands.
pub const ADVISORIES: &[&str] = &["draft", "sent", "withdrawn"];

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What several members share.
    Campaigns,
    /// One of them.
    Campaign,
    /// Alerts of one member that belong together.
    Incidents,
    /// One of them.
    Incident,
    /// What sensors have raised.
    Alerts,
    /// One of them.
    Alert,
    /// What is looked for.
    Indicators,
    /// One of that.
    Indicator,
    /// The members' sensors.
    Sensors,
    /// The members.
    Members,
    /// What keeps sensors from seeing or from being heard.
    Silence,
    /// What is proposed as noise.
    Proposals,
    /// What links nothing any more.
    Guards,
    /// What the CSIRT has written to members.
    Advisories,
    /// One of that.
    Advisory,
    /// Numbers of alerts by day.
    Statistics,
    /// How the collector is.
    Status,
    /// The document itself.
    Document,
}

/// What an answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A page of these.
    Page(&'static str),
    /// One of these.
    One(&'static str),
    /// Any object.
    Object,
}

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub which: Which,
    /// Behind [`PREFIX`]; `{id}` names one thing.
    pub path: &'static str,
    /// What it gives, in a sentence.
    pub what: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What it answers with.
    pub answer: Answer,
}

const fn p(name: &'static str, form: Form, what: &'static str) -> Parameter {
    Parameter { name, form, what }
}

const CURSOR: Parameter = p("cursor", Form::Cursor, "Goes on behind an answer to the same question: its next.");
const LIMIT: Parameter = p("limit", Form::Limit(ANSWERS_MAX), "How many at most.");
const ROWS: Parameter = p("limit", Form::Limit(ROWS_MAX), "How many at most.");
const SINCE: Parameter = p("since", Form::Moment, "Last seen then or later.");
const UNTIL: Parameter = p("until", Form::Moment, "First seen before.");
const MEMBER: Parameter = p("member", Form::Member, "Of this member, by its number of today.");
const INDICATOR: Parameter =
    p("indicator", Form::Text, "Met by this indicator: its number, or itself as plain lists write it.");
const THREAT: Parameter = p("threat", Form::Text, "Of indicators of this threat.");
const SEVERITY: Parameter = p("severity", Form::Words(SEVERITIES), "Weighed as one of these words.");
const EXERCISE: Parameter = p("exercise", Form::Flag, "Part of an exercise, or none.");
const RETRO: Parameter = p("retro", Form::Flag, "Some of it found in history, or none.");

/// Every address there is.
pub const RESOURCES: &[Resource] = &[
    Resource {
        which: Which::Campaigns,
        path: "/campaigns",
        what: "What several members share, the last concluded first.",
        parameters: &[
            CURSOR,
            LIMIT,
            SINCE,
            UNTIL,
            MEMBER,
            INDICATOR,
            THREAT,
            SEVERITY,
            EXERCISE,
            RETRO,
            p("state", Form::Words(WORK_TOGETHER), "On which the work stands so."),
            p("too_connected", Form::Flag, "Held together by more than it should be, or not."),
        ],
        answer: Answer::Page("Campaign"),
    },
    Resource {
        which: Which::Campaign,
        path: "/campaigns/{id}",
        what: "One campaign with its links, traces and incidents, by its number or its uuid; one that has become part of another leads there.",
        parameters: &[],
        answer: Answer::One("CampaignDetail"),
    },
    Resource {
        which: Which::Incidents,
        path: "/incidents",
        what: "Alerts of one member that belong together, the last opened first.",
        parameters: &[
            CURSOR,
            LIMIT,
            SINCE,
            UNTIL,
            MEMBER,
            INDICATOR,
            THREAT,
            SEVERITY,
            EXERCISE,
            RETRO,
            p("state", Form::Words(WORK), "On which the work stands so."),
            p("campaign", Form::Text, "In this campaign, by its number or its uuid; none: in no campaign."),
        ],
        answer: Answer::Page("Incident"),
    },
    Resource {
        which: Which::Incident,
        path: "/incidents/{id}",
        what: "One incident with its alerts and hosts, by its number or its uuid. That it was shown stands in the audit.",
        parameters: &[],
        answer: Answer::One("IncidentDetail"),
    },
    Resource {
        which: Which::Alerts,
        path: "/alerts",
        what: "What sensors have raised, the last that came first. That it was shown stands in the audit.",
        parameters: &[
            CURSOR,
            ROWS,
            SINCE,
            UNTIL,
            MEMBER,
            p("sensor", Form::Number, "Raised by this sensor."),
            INDICATOR,
            THREAT,
            p("severity", Form::Words(SEVERITIES), "Of indicators of one of these severities."),
            p("evidence", Form::Words(EVIDENCE), "That got just so far."),
            p("verdict", Form::Words(VERDICTS), "Of which a person has said this; none: nothing."),
            EXERCISE,
            RETRO,
            p("incident", Form::Text, "In this incident, by its number or its uuid."),
            p("campaign", Form::Text, "In this campaign, by its number or its uuid."),
        ],
        answer: Answer::Page("Alert"),
    },
    Resource {
        which: Which::Alert,
        path: "/alerts/{id}",
        what: "One alert, by its number or its uuid. That it was shown stands in the audit.",
        parameters: &[],
        answer: Answer::One("Alert"),
    },
    Resource {
        which: Which::Indicators,
        path: "/indicators",
        what: "What is looked for, the last that came first. What is marked TLP:RED or TLP:AMBER+STRICT stands there by its number alone.",
        parameters: &[
            CURSOR,
            ROWS,
            INDICATOR,
            THREAT,
            p("kind", Form::Words(KINDS), "Of one of these kinds."),
            EXERCISE,
            p("withdrawn", Form::Flag, "Named by no source any more, or by one."),
            p("met", Form::Flag, "Met by an alert that is kept, or by none."),
        ],
        answer: Answer::Page("Indicator"),
    },
    Resource {
        which: Which::Indicator,
        path: "/indicators/{id}",
        what: "One indicator, by its number.",
        parameters: &[],
        answer: Answer::One("Indicator"),
    },
    Resource {
        which: Which::Sensors,
        path: "/sensors",
        what: "The members' sensors by number, and what each last said of itself.",
        parameters: &[CURSOR, LIMIT, MEMBER, p("state", Form::Words(STATES), "In one of these states now.")],
        answer: Answer::Page("Sensor"),
    },
    Resource {
        which: Which::Members,
        path: "/members",
        what: "The members by number.",
        parameters: &[CURSOR, LIMIT, MEMBER],
        answer: Answer::Page("Member"),
    },
    Resource {
        which: Which::Silence,
        path: "/silence",
        what: "What keeps sensors from seeing or from being heard, the last that began first: operational incidents, apart from security ones.",
        parameters: &[
            CURSOR,
            LIMIT,
            SINCE_SILENCE,
            UNTIL_SILENCE,
            p("member", Form::Member, "At sensors that watch this member's networks."),
            p("sensor", Form::Number, "At this sensor."),
            p("kind", Form::Words(SILENCES), "Of one of these kinds."),
            p("standing", Form::Flag, "Those that stand, or those that are over."),
        ],
        answer: Answer::Page("Silence"),
    },
    Resource {
        which: Which::Proposals,
        path: "/proposals",
        what: "Indicators that are proposed as noise, the last proposed first, each with the numbers that speak for it.",
        parameters: &[
            CURSOR,
            LIMIT,
            p("settled", Form::Words(SETTLED), "Of which a person has said this; open: nothing yet."),
        ],
        answer: Answer::Page("Proposal"),
    },
    Resource {
        which: Which::Guards,
        path: "/guards",
        what: "Keys that link nothing any more, or that a person has lifted, the last that tripped first, each with the numbers it was found by.",
        parameters: &[
            CURSOR,
            LIMIT,
            p("kind", Form::Words(GUARDS), "Of one of these kinds."),
            p("settled", Form::Words(SETTLED), "Of which a person has said this; open: nothing yet."),
        ],
        answer: Answer::Page("Guard"),
    },
    Resource {
        which: Which::Advisories,
        path: "/advisories",
        what: "What the CSIRT has written to members, the last begun first; for a member what was sent to it.",
        parameters: &[CURSOR, LIMIT, p("state", Form::Words(ADVISORIES), "In one of these states.")],
        answer: Answer::Page("Advisory"),
    },
    Resource {
        which: Which::Advisory,
        path: "/advisories/{id}",
        what: "One advisory with its measures and answers, and for the CSIRT with who has read it; by its uuid, for the CSIRT by its number too.",
        parameters: &[],
        answer: Answer::One("AdvisoryDetail"),
    },
    Resource {
        which: Which::Statistics,
        path: "/statistics",
        what: "Numbers of alerts by day in Norway, member, kind of indicator and severity, exercises left out; never with a host.",
        parameters: &[
            CURSOR,
            ROWS,
            MEMBER,
            p("from", Form::Day, "The first day [alone: 30 days before the last]."),
            p("to", Form::Day, "The last day [alone: today]."),
        ],
        answer: Answer::Page("DailyNumbers"),
    },
    Resource {
        which: Which::Status,
        path: "/status",
        what: "Whether the collector can take anything in, which list is the newest, and how many of the sensors something is wrong with.",
        parameters: &[],
        answer: Answer::One("Status"),
    },
    Resource {
        which: Which::Document,
        path: "/openapi.json",
        what: "This document.",
        parameters: &[],
        answer: Answer::Object,
    },
];

const SINCE_SILENCE: Parameter = p("since", Form::Moment, "Over then or later, or not over.");
const UNTIL_SILENCE: Parameter = p("until", Form::Moment, "Begun before.");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::priority::Word;
    use crate::silence::Kind;
    use crate::verdict::Verdict;
    use crate::workflow::State;
    use varde_common::alert::Evidence;

    #[test]
    fn api_words_are_those_of_the_things_themselves_in_their_order() {
        assert_eq!(Word::ALL.map(Word::as_str), SEVERITIES);
        assert_eq!(Evidence::ALL.map(Evidence::as_str), EVIDENCE);
        assert_eq!(Kind::ALL.map(Kind::as_str), SILENCES);
        assert_eq!(State::ALL.map(State::as_str), WORK);
        assert_eq!(crate::advisory::State::ALL.map(crate::advisory::State::as_str), ADVISORIES);
        assert!(Verdict::ALL.iter().all(|verdict| VERDICTS.contains(&verdict.as_str())));
    }
}
