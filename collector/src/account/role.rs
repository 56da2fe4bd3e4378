//! What each role may do, in one table. Whose things it may do it with says the account: a member's people see their own member's alone.

use std::time::Duration;

use serde::Serialize;

/// What somebody is here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// At the CSIRT: watches and works on incidents.
    Analyst,
    /// At the CSIRT: that, and publishes lists and advisories.
    Publisher,
    /// At the CSIRT: everything, accounts too. The first account is one.
    Administrator,
    /// At the CSIRT: looks at what was done, by whom; no hosts.
    Auditor,
    /// At a member: its own incidents, sensors and profile.
    It,
    /// At a member: how its own stand, without hosts.
    Management,
    /// A screen on a wall: the overview alone, no person.
    Wall,
}

/// What a page or a button is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To see the overview, in numbers.
    Overview,
    /// To see members, sensors, lists and how incidents stand; no hosts.
    Look,
    /// To see hosts by their pseudonyms.
    Hosts,
    /// To say what becomes of incidents and alerts.
    Work,
    /// To publish lists and advisories.
    Publish,
    /// To read what was done, by whom.
    Audit,
    /// To say who has an account.
    Administer,
}

/// A role, its word, whether it is at a member, how long nothing may be done before its session ends, and what it may.
type Row = (Role, &'static str, bool, Duration, &'static [Right]);

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// The more one may change, the sooner a machine left alone is nobody's.
const TABLE: [Row; 7] = {
    use Right::{Administer, Audit, Hosts, Look, Overview, Publish, Work};
    [
        (Role::Analyst, "analyst", false, minutes(60), &[Overview, Look, Hosts, Work]),
        (Role::Publisher, "publisher", false, minutes(30), &[Overview, Look, Hosts, Work, Publish]),
        (
            Role::Administrator,
            "administrator",
            false,
            minutes(15),
            &[Overview, Look, Hosts, Work, Publish, Audit, Administer],
        ),
        (Role::Auditor, "auditor", false, minutes(30), &[Overview, Look, Audit]),
        (Role::It, "it", true, minutes(30), &[Overview, Look, Hosts, Work]),
        (Role::Management, "management", true, minutes(30), &[Overview, Look]),
        // No session: its token is good until it is removed.
        (Role::Wall, "wall", false, Duration::ZERO, &[Overview]),
    ]
};

impl Role {
    /// All.
    pub const ALL: [Role; 7] =
        [Role::Analyst, Role::Publisher, Role::Administrator, Role::Auditor, Role::It, Role::Management, Role::Wall];

    fn row(self) -> &'static Row {
        let [first, ..] = &TABLE;
        TABLE.iter().find(|row| row.0 == self).unwrap_or(first)
    }

    /// Its word, in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// Whether it is at a member, and sees that one's things alone.
    pub fn at_member(self) -> bool {
        self.row().2
    }

    /// A session in which nothing was done for so long is over.
    pub fn idle(self) -> Duration {
        self.row().3
    }

    /// Whether it may.
    pub fn may(self, right: Right) -> bool {
        self.row().4.contains(&right)
    }

    /// Whether a person has it: a screen is nobody.
    pub fn is_a_persons(self) -> bool {
        self != Role::Wall
    }

    /// Whether it fits an account or token of a member, or of none.
    pub fn fits(self, of_member: bool) -> bool {
        self.at_member() == of_member
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            let known = Role::ALL.map(Role::as_str).join(", ");
            format!("there is no role {text:?}; there are {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_stands_in_the_table_once_under_its_own_word() {
        for role in Role::ALL {
            assert_eq!(TABLE.iter().filter(|row| row.0 == role).count(), 1, "{role:?}");
            assert_eq!(role.as_str().parse(), Ok(role));
            assert!(role.may(Right::Overview));
            assert!(!role.is_a_persons() || (minutes(5)..=minutes(60)).contains(&role.idle()), "{role:?}");
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.as_str()));
        }
        assert!("chief".parse::<Role>().unwrap_err().contains("analyst, publisher"));
    }

    #[test]
    fn w1_no_hosts_for_who_only_looks_and_nothing_but_numbers_on_a_wall() {
        let with = |right: Right| Role::ALL.into_iter().filter(|role| role.may(right)).collect::<Vec<_>>();
        assert_eq!(with(Right::Hosts), [Role::Analyst, Role::Publisher, Role::Administrator, Role::It]);
        assert_eq!(with(Right::Administer), [Role::Administrator]);
        assert_eq!(with(Right::Publish), [Role::Publisher, Role::Administrator]);
        assert!(!Role::Wall.may(Right::Look) && !Role::Wall.may(Right::Work));
        assert!(Role::It.at_member() && Role::Management.at_member() && !Role::It.fits(false));
    }
}
