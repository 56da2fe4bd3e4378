//! The words of filters in every language: as they are typed, and as they are written back.

use super::{List, Status};
use crate::present::text::Language;

/// A word: bokmål, nynorsk, English, and what else is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    said: [&'static str; 3],
    also: &'static [&'static str],
}

const fn word(nb: &'static str, nn: &'static str, en: &'static str, also: &'static [&'static str]) -> Word {
    Word { said: [nb, nn, en], also }
}

impl Word {
    /// As it is written in this language.
    pub fn said(&self, language: Language) -> &'static str {
        let [nb, nn, en] = self.said;
        match language {
            Language::Bokmaal => nb,
            Language::Nynorsk => nn,
            Language::English => en,
        }
    }

    /// Whether this is it, in any language; `text` is in lower case.
    pub fn is(&self, text: &str) -> bool {
        self.said.contains(&text) || self.also.contains(&text)
    }
}

/// What a token may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A member.
    Member,
    /// Where an indicator came from.
    Source,
    /// What it belongs to.
    Threat,
    /// Its marking.
    Tlp,
    /// How far it got.
    Evidence,
    /// How bad.
    Severity,
    /// How the work stands.
    Status,
    /// What kind of indicator.
    Kind,
    /// Part of an exercise.
    Exercise,
    /// Found in history.
    History,
    /// Whose it is.
    Owner,
    /// An indicator.
    Indicator,
    /// A campaign.
    Campaign,
}

/// Every key.
pub const KEYS: &[(Key, Word)] = &[
    (Key::Member, word("medlem", "medlem", "member", &["m"])),
    (Key::Source, word("kilde", "kjelde", "source", &["src"])),
    (Key::Threat, word("trussel", "trussel", "threat", &[])),
    (Key::Tlp, word("tlp", "tlp", "tlp", &[])),
    (Key::Evidence, word("langt", "langt", "far", &["evidence"])),
    (Key::Severity, word("alvor", "alvor", "severity", &["sev"])),
    (Key::Status, word("status", "status", "status", &["state"])),
    (Key::Kind, word("slag", "slag", "kind", &["type"])),
    (Key::Exercise, word("øvelse", "øving", "exercise", &["ovelse", "oving"])),
    (Key::History, word("historie", "historie", "history", &["retro"])),
    (Key::Owner, word("ansvarlig", "ansvarleg", "owner", &["eier", "eigar"])),
    (Key::Indicator, word("indikator", "indikator", "indicator", &[])),
    (Key::Campaign, word("kampanje", "kampanje", "campaign", &[])),
];

/// How far it got, in rising order: places are the numbers in the database.
pub const EVIDENCE: &[Word] = &[
    word("stanset", "stansa", "blocked", &["blokkert"]),
    word("slått-opp", "slått-opp", "looked-up", &["looked_up", "slatt-opp", "oppslag"]),
    word("fikk-adresse", "fekk-adresse", "answered", &["svar", "besvart"]),
    word("forsøkt", "prøvd", "attempted", &["forsokt", "forsøkt-kontakt", "prøvd-kontakt"]),
    word("kontakt", "kontakt", "contacted", &["kontaktet", "kontakta"]),
    word("data-ut", "data-ut", "data-out", &["data_out", "data-sendt-ut"]),
];

/// How bad, in rising order: places are the numbers in the database.
pub const SEVERITIES: &[Word] = &[
    word("info", "info", "info", &[]),
    word("lav", "låg", "low", &[]),
    word("middels", "middels", "medium", &[]),
    word("høy", "høg", "high", &["hoy", "hog"]),
    word("kritisk", "kritisk", "critical", &[]),
];

/// Kinds of indicators; the words of the database stand last among what is understood.
pub const KINDS: &[Word] = &[
    word("domene", "domene", "domain", &[]),
    word("vertsnavn", "vertsnamn", "host", &[]),
    word("ipv4", "ipv4", "ipv4", &[]),
    word("ipv6", "ipv6", "ipv6", &[]),
    word("nettverk", "nettverk", "network", &[]),
];

const ALERTS: &[List] = &[List::Alerts];
const INCIDENTS: &[List] = &[List::Incidents];
const CASES: &[List] = &[List::Incidents, List::Campaigns];
const INDICATORS: &[List] = &[List::Indicators];
const ALERTS_AND_INDICATORS: &[List] = &[List::Alerts, List::Indicators];
const EVERY: &[List] = &[List::Alerts, List::Incidents, List::Campaigns, List::Indicators];

/// How the work stands, and of which list that can be said.
pub const STATUSES: &[(Status, Word, &[List])] = &[
    (Status::New, word("ny", "ny", "new", &["nye"]), &List::ALL),
    (Status::Acknowledged, word("kvittert", "kvittert", "acknowledged", &["ack"]), ALERTS),
    (Status::Triaged, word("vurdert", "vurdert", "triaged", &[]), INCIDENTS),
    (Status::Confirmed, word("bekreftet", "stadfesta", "confirmed", &[]), &[List::Alerts, List::Incidents]),
    (Status::Contained, word("under-kontroll", "under-kontroll", "contained", &[]), INCIDENTS),
    (Status::Closed, word("lukket", "lukka", "closed", &[]), CASES),
    (Status::FalsePositive, word("falsk-positiv", "falsk-positiv", "false-positive", &["fp"]), &List::ALL),
    (Status::Legitimate, word("legitim", "legitim", "legitimate", &[]), &List::ALL),
    (Status::Muted, word("dempet", "dempa", "muted", &[]), ALERTS),
    (Status::Published, word("publisert", "publisert", "published", &[]), INDICATORS),
    (Status::Unpublished, word("upublisert", "upublisert", "unpublished", &[]), INDICATORS),
    (Status::Withdrawn, word("trukket", "trekt", "withdrawn", &[]), INDICATORS),
    (Status::Recalled, word("tilbakekalt", "tilbakekalla", "recalled", &[]), INDICATORS),
];

/// Yes, and no.
pub const YES_NO: [Word; 2] = [word("ja", "ja", "yes", &["true", "1"]), word("nei", "nei", "no", &["false", "0"])];

/// Nobody's.
pub const NOBODY: Word = word("ingen", "ingen", "nobody", &["none"]);

impl Key {
    /// Lists of which it can be asked.
    pub fn of(self) -> &'static [List] {
        match self {
            Key::Member | Key::Evidence => &List::ALL,
            Key::Severity | Key::Status | Key::Exercise | Key::Indicator | Key::Threat => EVERY,
            Key::Source | Key::Tlp | Key::Kind => ALERTS_AND_INDICATORS,
            Key::History => ALERTS,
            Key::Owner => CASES,
            Key::Campaign => INCIDENTS,
        }
    }
}

/// The place of a word among others.
pub fn place(words: &[Word], text: &str) -> Option<usize> {
    words.iter().position(|word| word.is(text))
}
