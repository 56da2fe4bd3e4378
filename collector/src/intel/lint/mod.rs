//! Lint: what an indicator is held against before it can be published, however good its source. Pure: the lists, the members, what was
//! allowed and overridden are handed in.

mod defaults;
mod fixed;
mod held;
mod lists;
mod read;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use ipnet::IpNet;
use varde_common::indicator::{Pattern, Target};
use varde_common::name::DomainName;
use varde_common::time::Timestamp;

pub use defaults::{default_list, default_lists};
pub use fixed::Fixed;
pub use held::{Held, Tally};
use lists::{Lists, Met, Relation, Tables};
pub use read::{BadList, List, ListKind, Origin, read};

/// What a finding does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Is told.
    Annotate,
    /// Is told as something to look at.
    Warn,
    /// Holds the indicator back until somebody says why it is to go out all the same.
    Quarantine,
    /// Holds it back.
    Block,
}

impl Level {
    const ALL: [(Level, &str); 4] = [
        (Level::Annotate, "annotate"),
        (Level::Warn, "warn"),
        (Level::Quarantine, "quarantine"),
        (Level::Block, "block"),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        Level::ALL.iter().find(|(level, _)| *level == self).map_or("block", |(_, word)| word)
    }

    /// Whether what has it stays out of lists.
    pub fn holds(self) -> bool {
        self >= Level::Quarantine
    }
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Level, String> {
        let found = Level::ALL.iter().find(|(_, word)| text.eq_ignore_ascii_case(word));
        found.map(|(level, _)| *level).ok_or_else(|| "there are annotate, warn, quarantine and block".to_owned())
    }
}

/// What was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// An entry of the operator's allow-list.
    Allowed,
    /// A name under which others register.
    PublicSuffix,
    /// A name that the internet does not have.
    SpecialName,
    /// Addresses of private or special use.
    SpecialRange,
    /// A network that is too wide.
    Width,
    /// A member's own name.
    MemberName,
    /// A member's own network.
    MemberNetwork,
    /// The host of a URL, where the host is many others' too.
    UrlHost,
    /// An entry of a warninglist.
    List,
    /// A network for documentation.
    Documentation,
}

impl Rule {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Allowed => "allowed",
            Rule::PublicSuffix => "public-suffix",
            Rule::SpecialName => "special-name",
            Rule::SpecialRange => "special-range",
            Rule::Width => "width",
            Rule::MemberName => "member-name",
            Rule::MemberNetwork => "member-network",
            Rule::UrlHost => "url-host",
            Rule::List => "list",
            Rule::Documentation => "documentation",
        }
    }
}

/// Something to say of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was broken.
    pub rule: Rule,
    /// What it does.
    pub level: Level,
    /// Why, as the end of a sentence that begins with the indicator.
    pub why: Cow<'static, str>,
    /// What would be right.
    pub remedy: Cow<'static, str>,
    /// The list that has it.
    pub list: Option<String>,
    /// As it stands there.
    pub entry: Option<String>,
}

impl Finding {
    fn of(
        rule: Rule,
        level: Level,
        why: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Finding {
        Finding { rule, level, why: why.into(), remedy: remedy.into(), list: None, entry: None }
    }

    /// What findings are counted by, and overridden by: the rule, with the list where there is one.
    pub fn key(&self) -> String {
        match (&self.list, self.rule) {
            (Some(list), Rule::List) => format!("list {list}"),
            (_, rule) => rule.as_str().to_owned(),
        }
    }

    /// Whether a person may say that it goes out all the same. What would make every municipality alert on itself or on nothing real may
    /// not be said of; a host of many is looked for where somebody means the host; and what was allowed is allowed until that is removed.
    pub fn can_be_overridden(&self) -> bool {
        match self.rule {
            Rule::Allowed | Rule::PublicSuffix | Rule::SpecialName | Rule::SpecialRange | Rule::UrlHost => false,
            Rule::Width | Rule::MemberName | Rule::MemberNetwork => self.level < Level::Block,
            Rule::List | Rule::Documentation => true,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.remedy)
    }
}

/// What somebody has said is to go out all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// In spite of these, by [`Finding::key`].
    pub rules: HashSet<String>,
    /// Until then.
    pub until: Timestamp,
}

/// What becomes of an indicator when a list is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It stays out.
    Held(Finding),
    /// It goes out, by an override until then.
    Until(Timestamp),
    /// It goes out.
    Free,
}

/// What is known when something is to be published.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// Warninglists: the operator's, and the default ones that none of these takes the place of.
    pub lists: Vec<List>,
    /// Members' own names.
    pub member_names: Vec<DomainName>,
    /// And networks.
    pub member_networks: Vec<IpNet>,
    /// What never goes out.
    pub allowed: Vec<Pattern>,
    /// By indicator, as plain lists write it: what it goes out in spite of.
    pub overridden: HashMap<String, Overridden>,
}

/// All rules, compiled.
#[derive(Debug, Default)]
pub struct Linter {
    fixed: Fixed,
    lists: Lists,
    members: Tables,
    allowed: Tables,
    allowed_patterns: Vec<Pattern>,
    overridden: HashMap<String, Overridden>,
}

impl Linter {
    /// Of what is known.
    pub fn new(known: Knowledge) -> Linter {
        let Knowledge { lists, member_names, member_networks, allowed, overridden } = known;
        let mut members = Tables::default();
        for name in &member_names {
            members.add_name(name, true, 0);
        }
        for network in &member_networks {
            members.add_network(*network, 0);
        }
        members.finish();
        let mut allowing = Tables::default();
        for (number, pattern) in allowed.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            match &pattern.target {
                Target::Domain(name) => allowing.add_name(name, true, number),
                Target::Host(name) => allowing.add_name(name, false, number),
                Target::Address(address) => allowing.add_network(IpNet::from(*address), number),
                Target::Network { first, prefix } => {
                    if let Ok(network) = IpNet::new(*first, *prefix) {
                        allowing.add_network(network, number);
                    }
                }
                Target::Ja4(_) | Target::Confidential(_) => {}
            }
        }
        allowing.finish();
        Linter {
            fixed: Fixed::default(),
            lists: Lists::new(lists),
            members,
            allowed: allowing,
            allowed_patterns: allowed,
            overridden,
        }
    }

    /// All there is to say of an indicator; `of_url` where everything that names it names a URL on it. The worst first.
    pub fn findings(&self, pattern: &Pattern, of_url: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.look_at_allowed(pattern, &mut findings);
        self.fixed.look(pattern, &mut findings);
        self.look_at_members(pattern, &mut findings);
        self.lists.look(pattern, of_url, &mut findings);
        if findings.len() > 1 {
            findings.sort_by(|a, b| b.level.cmp(&a.level).then(a.rule.cmp(&b.rule)));
        }
        findings
    }

    /// Why an indicator stays out of lists, if it does: the worst of what nobody has overridden.
    pub fn holds(&self, pattern: &Pattern, of_url: bool) -> Option<Finding> {
        match self.rule(pattern, of_url) {
            Ruling::Held(finding) => Some(finding),
            Ruling::Until(_) | Ruling::Free => None,
        }
    }

    /// Whether an indicator goes out, and until when where that is by an override alone.
    pub fn rule(&self, pattern: &Pattern, of_url: bool) -> Ruling {
        let mut until = None;
        for finding in self.findings(pattern, of_url).into_iter().filter(|finding| finding.level.holds()) {
            match self.overridden_until(pattern, &finding) {
                Some(end) => until = Some(end),
                None => return Ruling::Held(finding),
            }
        }
        until.map_or(Ruling::Free, Ruling::Until)
    }

    /// Whether an override for this indicator is in force that lets it out in spite of this.
    pub fn overrides(&self, pattern: &Pattern, finding: &Finding) -> bool {
        self.overridden_until(pattern, finding).is_some()
    }

    fn overridden_until(&self, pattern: &Pattern, finding: &Finding) -> Option<Timestamp> {
        if self.overridden.is_empty() || !finding.can_be_overridden() {
            return None;
        }
        let given = self.overridden.get(&pattern.to_plain())?;
        given.rules.contains(&finding.key()).then_some(given.until)
    }

    /// Whether the allow-list keeps it from going out.
    pub fn is_allowed(&self, pattern: &Pattern) -> bool {
        let mut findings = Vec::new();
        self.look_at_allowed(pattern, &mut findings);
        !findings.is_empty()
    }

    fn look_at_allowed(&self, pattern: &Pattern, findings: &mut Vec<Finding>) {
        let is_same = |allowed: &&Pattern| matches!(allowed.target, Target::Ja4(_)) && allowed.target == pattern.target;
        let ports_meet = |allowed: &&Pattern| allowed.port.is_none() || allowed.port == pattern.port;
        let met = self.allowed.meet(pattern);
        let by_table = met.iter().filter_map(|met| self.allowed_patterns.get(met.number as usize));
        let by_fingerprint = self.allowed_patterns.iter().filter(is_same);
        if let Some(allowed) = by_table.chain(by_fingerprint).find(ports_meet) {
            let allowed = allowed.to_plain();
            let why = format!("{allowed} is on the allow-list");
            let remedy = format!("if that is no longer meant: varde-collector allow remove {allowed}");
            let finding = Finding::of(Rule::Allowed, Level::Block, why, remedy);
            findings.push(Finding { entry: Some(allowed), ..finding });
        }
    }

    /// What is a member's or covers it never goes out: every alert would be about the member's own people. Below it a single host may be
    /// in others' hands.
    fn look_at_members(&self, pattern: &Pattern, findings: &mut Vec<Finding>) {
        let Some(Met { relation, entry, .. }) = self.members.meet(pattern).into_iter().max_by_key(|met| met.relation)
        else {
            return;
        };
        let (rule, what) = match &pattern.target {
            Target::Address(_) | Target::Network { .. } => (Rule::MemberNetwork, "network"),
            Target::Domain(_) | Target::Host(_) | Target::Ja4(_) | Target::Confidential(_) => {
                (Rule::MemberName, "name")
            }
        };
        let (level, why, remedy) = match relation {
            Relation::Equal => {
                (Level::Block, format!("it is a member's own {what}"), "name the one host below it that is meant")
            }
            Relation::Above => {
                (Level::Block, format!("it covers {entry}, a member's own {what}"), "name the one host that is meant")
            }
            Relation::Below => (
                Level::Quarantine,
                format!("it is within {entry}, a member's own {what}"),
                "talk to the member; if its own host is in others' hands, override it",
            ),
        };
        findings.push(Finding { entry: Some(entry), ..Finding::of(rule, level, why, remedy) });
    }
}
