//! Why a campaign holds more together than it should, and what a person can do: lift the guard that tripped, or split.

use super::shown::Shown;
use super::text::Texts;
use crate::link::KeyKind;
use crate::store::gateway;
use crate::store::picture::CampaignFacts;
use crate::store::tripped::TooConnected;

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMuch {
    /// That it is so.
    pub words: String,
    /// Why.
    pub why: Shown,
    /// The command that says that it is right as it is; none where no guard has tripped.
    pub lift: Option<String>,
    /// The command that shows the parts it would fall into.
    pub split: String,
}

impl TooMuch {
    /// From facts.
    pub fn of(why: &TooConnected, facts: &CampaignFacts, texts: &Texts) -> TooMuch {
        let (why, lift) = match why {
            TooConnected::Topics => (Shown::of(&texts.say("too-connected-topics")), None),
            TooConnected::Gone => (Shown::of(&texts.say("too-connected-gone")), None),
            TooConnected::Guard(named) => {
                let who = named.upheld_by.as_deref().map(Shown::of);
                let (key, value) = match KeyKind::of(&named.kind) {
                    Some(KeyKind::Threat) => ("too-connected-threat", Shown::of(&named.value)),
                    Some(KeyKind::Address) => ("too-connected-address", Shown::defanged(&named.value)),
                    Some(KeyKind::Indicator) if who.is_some() => {
                        ("too-connected-indicator-upheld", Shown::defanged(&named.value))
                    }
                    Some(KeyKind::Indicator) => ("too-connected-indicator", Shown::defanged(&named.value)),
                    None if named.kind == gateway::KIND => ("too-connected-host", Shown::of(&named.value)),
                    Some(KeyKind::Contact | KeyKind::Domain) | None => {
                        ("too-connected-other", Shown::defanged(&format!("{} {}", named.kind, named.value)))
                    }
                };
                let who = who.as_ref().map_or("", Shown::as_str);
                (Shown::of(&texts.with(key, &[("value", value.as_str()), ("who", who)])), Some(named.lifted_by()))
            }
        };
        let split = format!("varde-collector campaign show {}", facts.id);
        TooMuch { words: texts.say("too-connected"), why, lift, split }
    }
}
