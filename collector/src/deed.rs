//! What commands and pages both do to members, sensors and accounts, as it stands in the audit: one wording, whoever does it.

use varde_common::time::Timestamp;

use crate::account::role::Role;
use crate::audit::{Deed, On};

/// Who does it, as the audit says it, and when.
#[derive(Debug, Clone)]
pub struct By {
    /// Who.
    pub who: String,
    /// When.
    pub at: Timestamp,
}

impl By {
    fn deed(&self, what: &'static str, on: On) -> Deed {
        Deed::new(self.who.clone(), what, on, self.at)
    }

    fn account(&self, what: &'static str, name: &str, member: Option<&str>) -> Deed {
        self.deed(what, On::Thing(format!("account \"{name}\""))).concerns(member.map(str::to_owned))
    }

    /// What is known of a member is changed.
    pub fn member_set(&self, number: &str) -> Deed {
        self.deed("member set", On::Member(number.to_owned()))
    }

    /// A member's mail is trusted, or not any more.
    pub fn member_mail(&self, number: &str, (before, now): (bool, bool), reason: &str) -> Deed {
        let word = |is: bool| if is { "its mail may be read by others" } else { "its mail is used" };
        let deed = self.deed("member mail", On::Member(number.to_owned()));
        deed.was(word(before)).becomes(format!("{}: {reason}", word(now)))
    }

    /// A sensor that waits is approved of, by the words of its key.
    pub fn sensor_approved(&self, id: i64, words: &str) -> Deed {
        self.deed("sensor approve", On::Sensor(id)).becomes(format!("approved of: {words}"))
    }

    /// It is refused.
    pub fn sensor_refused(&self, id: i64, words: &str) -> Deed {
        self.deed("sensor refuse", On::Sensor(id)).becomes(format!("refused: {words}"))
    }

    /// A sensor is shut out; a page asks why.
    pub fn sensor_revoked(&self, id: i64, reason: Option<&str>) -> Deed {
        let became = reason.map_or_else(|| "revoked".to_owned(), |reason| format!("revoked: {reason}"));
        self.deed("sensor revoke", On::Sensor(id)).becomes(became)
    }

    /// A token is made for a new sensor.
    pub fn sensor_token(&self, number: &str, until: &str) -> Deed {
        let deed = self.deed("sensor token", On::Member(number.to_owned()));
        deed.becomes(format!("a token for a new sensor, good until {until}"))
    }

    /// Somebody is invited.
    pub fn user_added(&self, name: &str, role: Role, member: Option<&str>) -> Deed {
        let at = member.map_or("at the CSIRT".to_owned(), |number| format!("at member {number}"));
        let deed = self.account("user add", name, member).was("no such account");
        deed.becomes(format!("{}, {at}; invited", role.as_str()))
    }

    /// An account may not come in any more, or may again.
    pub fn user_stopped(&self, name: &str, member: Option<&str>, stopped: bool) -> Deed {
        match stopped {
            true => {
                self.account("user disable", name, member).becomes("may not come in; its sessions and links are over")
            }
            false => self.account("user enable", name, member).becomes("may come in"),
        }
    }

    /// It has another role.
    pub fn user_role(&self, name: &str, member: Option<&str>, (was, becomes): (Role, Role)) -> Deed {
        self.account("user role", name, member).was(was.as_str()).becomes(becomes.as_str())
    }

    /// A link signs its owner in once.
    pub fn user_link(&self, name: &str, member: Option<&str>) -> Deed {
        let deed = self.account("user link", name, member).was("");
        deed.becomes("a link signs in once, within the hour, without password and second factor")
    }

    /// Password, second factor and tie to a provider are gone, and it is invited anew.
    pub fn user_reset(&self, name: &str, member: Option<&str>) -> Deed {
        self.account("user reset", name, member).becomes("no password and no second factor, no session; invited anew")
    }

    /// Its sessions are over.
    pub fn user_sessions(&self, name: &str, member: Option<&str>, open: usize) -> Deed {
        self.account("user sessions", name, member).was(format!("{open} sessions")).becomes("no session")
    }
}
