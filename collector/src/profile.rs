//! What is known of a member beside its number and name: whom to call, which names and networks are its own, which shared
//! network it is behind, in which language it is written to. Parsing yields proof; nothing here touches the world.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use varde_common::id::MemberNumber;
use varde_common::indicator::{Pattern, Target};
use varde_common::name::DomainName;
use varde_common::time::Timestamp;

use crate::day;
use crate::intel::lint::Fixed;
use crate::limits::{MEMBER_DOMAINS_MAX, MEMBER_NETWORKS_MAX, MEMBER_TEXT_MAX_CHARACTERS};

/// Whom to call for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the network: the first to call about an alert.
    It,
    /// Answers for security.
    Security,
    /// On call, day and night.
    #[value(name = "oncall")]
    OnCall,
    /// Leads the organisation.
    Management,
    /// The data protection officer.
    Privacy,
}

impl Role {
    /// All, in the order in which they are shown.
    pub const ALL: [Role; 5] = [Role::It, Role::Security, Role::OnCall, Role::Management, Role::Privacy];

    /// The word used in `--json`, on the command line, in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::It => "it",
            Role::Security => "security",
            Role::OnCall => "oncall",
            Role::Management => "management",
            Role::Privacy => "privacy",
        }
    }

    /// The role of that word.
    pub fn of(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// The form of Norwegian a member is written to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Bokmål.
    #[value(alias = "bokmål")]
    Bokmaal,
    /// Nynorsk.
    Nynorsk,
    /// It has chosen neither (nøytral).
    #[default]
    #[value(aliases = ["nøytral", "noytral"])]
    Neutral,
}

impl Language {
    const ALL: [Language; 3] = [Language::Bokmaal, Language::Nynorsk, Language::Neutral];

    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Language::Bokmaal => "bokmaal",
            Language::Nynorsk => "nynorsk",
            Language::Neutral => "neutral",
        }
    }

    /// The word Norwegians write: in tables for people and in spreadsheets.
    pub fn norwegian(self) -> &'static str {
        match self {
            Language::Bokmaal => "bokmål",
            Language::Nynorsk => "nynorsk",
            Language::Neutral => "nøytral",
        }
    }

    /// Either word, in any case.
    pub fn of(word: &str) -> Option<Language> {
        let word = word.to_lowercase();
        Language::ALL.into_iter().find(|language| word == language.as_str() || word == language.norwegian())
    }
}

/// A telephone number in one form: `+` with country and number, or a short one that works in Norway alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Telephone(String);

/// Text that is no telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no telephone number; write eight digits (22 00 00 00), a short number (02497) or + and the country (+46 8 123 456)"
)]
pub struct BadTelephone(pub String);

impl FromStr for Telephone {
    type Err = BadTelephone;

    fn from_str(text: &str) -> Result<Telephone, BadTelephone> {
        let bad = || BadTelephone(text.to_owned());
        let bare: String =
            text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/')).collect();
        let abroad = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00"));
        let digits = abroad.unwrap_or(&bare);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        match abroad {
            // E.164: fifteen digits at the most; no country begins with 0.
            Some(number) => match number.strip_prefix("47") {
                Some(norwegian) if is_norwegian(norwegian) => Ok(Telephone(format!("+47{norwegian}"))),
                Some(_) => Err(bad()),
                None if (8..=15).contains(&number.len()) && !number.starts_with('0') => {
                    Ok(Telephone(format!("+{number}")))
                }
                None => Err(bad()),
            },
            // 00 47, of which a spreadsheet has taken the zeros away.
            None if digits.len() == 10 && digits.strip_prefix("47").is_some_and(is_norwegian) => {
                Ok(Telephone(format!("+{digits}")))
            }
            None if is_norwegian(digits) => Ok(Telephone(format!("+47{digits}"))),
            // Short numbers: 112, 1881, 02497, 116 117.
            None if (3..=6).contains(&digits.len()) && digits.starts_with(['0', '1']) => {
                Ok(Telephone(digits.to_owned()))
            }
            None => Err(bad()),
        }
    }
}

/// Eight digits, the first of which is none of the short numbers'.
fn is_norwegian(digits: &str) -> bool {
    digits.len() == 8 && !digits.starts_with(['0', '1'])
}

impl Telephone {
    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Telephone {
    /// As it is written in Norway: `22 00 00 00`, `900 00 000`, `+46 8123456`. No program takes it for a number or a formula.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(digits) = self.0.strip_prefix("+47") else { return f.write_str(&self.0) };
        let cuts: &[usize] = if digits.starts_with(['4', '8', '9']) { &[3, 5] } else { &[2, 4, 6] };
        for (place, digit) in digits.chars().enumerate() {
            if cuts.contains(&place) {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Somebody to call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Contact {
    /// Who.
    pub name: String,
    /// In office hours.
    pub telephone: Option<Telephone>,
    /// Outside them.
    pub out_of_hours: Option<Telephone>,
    /// E-mail.
    pub email: Option<String>,
    /// The day on which somebody last found it to be right ([`day::of`]).
    pub confirmed_at: Option<Timestamp>,
}

/// What is known of a member.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Profile {
    /// In which form of Norwegian it is written to.
    pub language: Language,
    /// Whether digitalsikkerhetsloven covers it; null = not known.
    pub covered: Option<bool>,
    /// The shared network it is behind, by its supplier's name.
    pub supplier: Option<String>,
    /// Its domains.
    pub domains: BTreeSet<String>,
    /// Its networks on the internet.
    pub networks: BTreeSet<IpNet>,
    /// Whom to call, by role.
    pub contacts: BTreeMap<Role, Contact>,
}

/// What a member is to become: a new one where nobody has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its number, or one that led to it.
    pub number: MemberNumber,
    /// Its name; none = what it is called now.
    pub name: Option<String>,
    /// What is to be known of it, beginning from what is.
    pub edits: Vec<Edit>,
}

/// One change to what is known of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The form of Norwegian it is written to in.
    Language(Language),
    /// Whether digitalsikkerhetsloven covers it.
    Covered(Option<bool>),
    /// The shared network it is behind; none = no such.
    Supplier(Option<String>),
    /// These domains and no others.
    Domains(Vec<String>),
    /// One domain more.
    AddDomain(String),
    /// One domain less.
    RemoveDomain(String),
    /// These networks and no others.
    Networks(Vec<IpNet>),
    /// One network more.
    AddNetwork(IpNet),
    /// One network less.
    RemoveNetwork(IpNet),
    /// Whom to call in a role, whatever was known.
    Contact(Role, Contact),
    /// Nobody in that role.
    NoContact(Role),
    /// What is known of somebody was found to be right. Nothing where nobody has that role.
    Confirmed(Role, Timestamp),
}

impl Edit {
    /// Makes the change.
    pub fn apply(&self, profile: &mut Profile) {
        match self.clone() {
            Edit::Language(language) => profile.language = language,
            Edit::Covered(covered) => profile.covered = covered,
            Edit::Supplier(supplier) => profile.supplier = supplier,
            Edit::Domains(domains) => profile.domains = domains.into_iter().collect(),
            Edit::AddDomain(domain) => {
                profile.domains.insert(domain);
            }
            Edit::RemoveDomain(domain) => {
                profile.domains.remove(&domain);
            }
            Edit::Networks(networks) => profile.networks = networks.into_iter().collect(),
            Edit::AddNetwork(network) => {
                profile.networks.insert(network);
            }
            Edit::RemoveNetwork(network) => {
                profile.networks.remove(&network);
            }
            Edit::Contact(role, contact) => {
                let confirmed_at = contact.confirmed_at.map(day::of);
                profile.contacts.insert(role, Contact { confirmed_at, ..contact });
            }
            Edit::NoContact(role) => {
                profile.contacts.remove(&role);
            }
            Edit::Confirmed(role, at) => {
                if let Some(contact) = profile.contacts.get_mut(&role) {
                    contact.confirmed_at = Some(day::of(at));
                }
            }
        }
    }
}

/// Why something cannot stand in a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    /// Too long, empty, or with characters that steer a terminal.
    #[error("\"{}\" cannot be kept: write one line of 1 to {MEMBER_TEXT_MAX_CHARACTERS} characters", .0.escape_debug())]
    Text(String),
    /// No e-mail address.
    #[error("\"{0}\" is no e-mail address; write name@domain")]
    Email(String),
    /// No domain.
    #[error("\"{0}\" is no domain: {1}")]
    Domain(String, String),
    /// No network.
    #[error("\"{0}\" is no network; write it as 192.0.2.0/24 or 2001:db8::/32")]
    Network(String),
    /// A network with bits set behind its prefix.
    #[error("{0} is an address within a network; write {1}")]
    HostBits(String, IpNet),
    /// A network that is not a member's own on the internet.
    #[error("{0} is no network of a member's own on the internet: {1}")]
    NotPublic(String, String),
    /// More than is kept of one member.
    #[error("a member has at most {MEMBER_DOMAINS_MAX} domains and {MEMBER_NETWORKS_MAX} networks here")]
    TooMany,
}

/// One line of text, without what steers a terminal or begins another line.
///
/// # Errors
/// [`BadProfile::Text`].
pub fn line(text: &str) -> Result<String, BadProfile> {
    let text = text.trim();
    let good = !text.is_empty()
        && text.chars().count() <= MEMBER_TEXT_MAX_CHARACTERS
        && !text.chars().any(|c| {
            c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
    if good { Ok(text.to_owned()) } else { Err(BadProfile::Text(text.to_owned())) }
}

/// An e-mail address: one `@`, something on either side, a domain that can be one. Whether anybody reads it is not known here.
///
/// # Errors
/// [`BadProfile::Email`].
pub fn email(text: &str) -> Result<String, BadProfile> {
    let bad = || BadProfile::Email(text.trim().to_owned());
    let kept = line(text).map_err(|_| bad())?;
    let (person, domain) = kept.split_once('@').ok_or_else(bad)?;
    let odd = |c: char| c.is_whitespace() || matches!(c, '@' | ',' | ';' | '<' | '>' | '"' | '(' | ')');
    if person.is_empty() || kept.replacen('@', "", 1).contains(odd) {
        return Err(bad());
    }
    let compared = self::domain(domain).map_err(|_| bad())?;
    Ok(if domain.is_ascii() { kept } else { format!("{person}@{compared}") })
}

/// A domain of a member's own, in the form that is compared: `xn--gjvik-wua.no` for `gjøvik.no`.
///
/// # Errors
/// [`BadProfile::Domain`].
pub fn domain(text: &str) -> Result<String, BadProfile> {
    let text = text.trim();
    let bad = |why: String| BadProfile::Domain(text.to_owned(), why);
    // As a person writes it; what comes over the wire, and is compared, has the other form.
    let ascii = match text.is_ascii() {
        true => text.to_owned(),
        false => idna::domain_to_ascii(text).map_err(|_| bad("its letters make no name".to_owned()))?,
    };
    let name = DomainName::parse(&ascii).map_err(|why| bad(why.to_string()))?;
    match Fixed::default().is_a_members(&name) {
        true => Ok(name.to_string()),
        false => Err(bad("many others live below it; name the member's own".to_owned())),
    }
}

/// A network of a member's own on the internet.
///
/// # Errors
/// [`BadProfile`].
pub fn network(text: &str) -> Result<IpNet, BadProfile> {
    let text = text.trim();
    let bad = || BadProfile::Network(text.to_owned());
    let alone = || text.parse().ok().map(IpNet::from as fn(std::net::IpAddr) -> IpNet);
    let network: IpNet = text.parse().ok().or_else(alone).ok_or_else(bad)?;
    if network.trunc() != network {
        return Err(BadProfile::HostBits(text.to_owned(), network.trunc()));
    }
    let target = Target::Network { first: network.network(), prefix: network.prefix_len() };
    let checked = Fixed::default().check(&Pattern { target, port: None });
    checked.map_err(|why| {
        // The guard's remedy is an indicator's: only what is wrong is told.
        let why = why.to_string();
        let cause = why.split(';').next().unwrap_or_default().to_owned();
        BadProfile::NotPublic(text.to_owned(), cause)
    })?;
    Ok(network)
}

impl Profile {
    /// That no more is kept of one member than its bounds.
    ///
    /// # Errors
    /// [`BadProfile::TooMany`].
    pub fn bounded(&self) -> Result<(), BadProfile> {
        let fits = self.domains.len() <= MEMBER_DOMAINS_MAX && self.networks.len() <= MEMBER_NETWORKS_MAX;
        if fits { Ok(()) } else { Err(BadProfile::TooMany) }
    }

    /// What differs between two profiles, by the words of `--json`; contacts by role.
    pub fn changes(&self, other: &Profile) -> Vec<String> {
        let Profile { language, covered, supplier, domains, networks, contacts } = self;
        let parts = [
            ("language", *language == other.language),
            ("covered", *covered == other.covered),
            ("supplier", *supplier == other.supplier),
            ("domains", *domains == other.domains),
            ("networks", *networks == other.networks),
        ];
        let mut changed: Vec<String> =
            parts.into_iter().filter(|(_, same)| !same).map(|(part, _)| part.to_owned()).collect();
        let differs = |role: &Role| contacts.get(role) != other.contacts.get(role);
        changed.extend(Role::ALL.iter().filter(|role| differs(role)).map(|role| format!("contact {}", role.as_str())));
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_come_into_one_form_and_are_shown_as_they_are_written() {
        for (written, kept, shown) in [
            ("22 00 00 00", "+4722000000", "22 00 00 00"),
            ("+47 900 00 000", "+4790000000", "900 00 000"),
            ("0047-61.18.00.00", "+4761180000", "61 18 00 00"),
            ("02497", "02497", "02497"),
            ("116 117", "116117", "116117"),
            ("112", "112", "112"),
            ("+46 (8) 123 456", "+468123456", "+468123456"),
            ("004790000000", "+4790000000", "900 00 000"),
            ("4790000000", "+4790000000", "900 00 000"),
            ("4712345678", "", ""),
            ("0358 9 123 4567", "", ""),
            ("800 33 000", "+4780033000", "800 33 000"),
        ] {
            let read = written.parse::<Telephone>();
            assert_eq!(read.as_ref().map_or("", |number| number.as_str()), kept, "{written}");
            let said = read.map(|number| number.to_string()).unwrap_or_default();
            assert_eq!(said, shown);
            if !said.is_empty() {
                assert_eq!(said.parse::<Telephone>().unwrap().as_str(), kept, "what is shown is read again");
            }
        }
        for bad in ["", "12", "1234567", "123456789", "+47 12345678", "22 00 00 0O", "+0123456789", "=22000000", "2497"]
        {
            assert!(bad.parse::<Telephone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_member_calls_its_own_is_its_own() {
        assert_eq!(domain(" Gjovik.Kommune.no. ").unwrap(), "gjovik.kommune.no");
        assert_eq!(domain("Gjøvik.Kommune.no").unwrap(), "xn--gjvik-wua.kommune.no");
        assert_eq!(email("ikt@gjøvik.no").unwrap(), "ikt@xn--gjvik-wua.no");
        for bad in ["kommune.no", "no", "gj\u{202e}vik.no", "ø b.no", "a b.no", ""] {
            assert!(domain(bad).is_err(), "{bad}");
        }
        assert_eq!(network("192.0.2.0/24").unwrap().to_string(), "192.0.2.0/24");
        assert_eq!(network("2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
        let said = network("192.0.2.7/24").unwrap_err().to_string();
        assert!(said.ends_with("write 192.0.2.0/24"), "{said}");
        for bad in ["10.0.0.0/8", "192.168.1.0/24", "0.0.0.0/0", "fd00::/8", "192.0.2/24", "x"] {
            assert!(network(bad).is_err(), "{bad}");
        }
        assert_eq!(email("ikt@gjovik.kommune.no").unwrap(), "ikt@gjovik.kommune.no");
        for bad in ["ikt", "@x.no", "a@b", "a@b.no,c@d.no", "a b@c.no", "a@b@c.no"] {
            assert!(email(bad).is_err(), "{bad}");
        }
        for bad in ["", "   ", "a\nb", "a\u{202e}b", &"x".repeat(MEMBER_TEXT_MAX_CHARACTERS + 1)] {
            assert!(line(bad).is_err(), "{bad:?}");
        }
        assert_eq!(line(" Kari Nordmann ").unwrap(), "Kari Nordmann");
    }

    #[test]
    fn roles_and_languages_go_by_the_same_words_everywhere() {
        for role in Role::ALL {
            assert_eq!(Role::of(role.as_str()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for language in Language::ALL {
            assert_eq!(Language::of(language.as_str()), Some(language));
            assert_eq!(Language::of(&language.norwegian().to_uppercase()), Some(language));
            assert_eq!(serde_json::to_value(language).unwrap(), language.as_str());
        }
        let mut other = Profile { covered: Some(true), ..Profile::default() };
        other.contacts.insert(Role::It, Contact::default());
        assert_eq!(other.changes(&Profile::default()), ["covered", "contact it"]);
    }
}
