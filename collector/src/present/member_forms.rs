//! What can be changed of a member on its page: contacts, profile, whether its mail is trusted. What was filled in stands there again where
//! something of it is wrong.

use super::community::Choice;
use super::shown::{Moment, Shown};
use super::text::Texts;
use super::view::Reader;
use crate::limits::{MEMBER_DOMAINS_MAX, MEMBER_NETWORKS_MAX, MEMBER_TEXT_MAX_CHARACTERS};
use crate::profile::{BadProfile, Language, Profile, Role};
use crate::store::mail::Distrusted;

/// Fields as they were filled in.
pub type Filled = Vec<(String, String)>;

/// What was filled in for a field; nothing where it was not sent.
pub fn field<'a>(filled: &'a [(String, String)], name: &str) -> &'a str {
    filled.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
}

/// A contact's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactForm {
    /// The role's word.
    pub role: &'static str,
    /// What it is called.
    pub label: String,
    /// Somebody has it.
    pub known: bool,
    /// Its fields.
    pub name: Shown,
    /// In office hours.
    pub telephone: Shown,
    /// Outside them.
    pub out_of_hours: Shown,
    /// E-mail.
    pub email: Shown,
}

/// The profile's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileForm {
    /// Forms of Norwegian.
    pub languages: Vec<Choice>,
    /// Whether digitalsikkerhetsloven covers it.
    pub covered: Vec<Choice>,
    /// The shared network it is behind.
    pub supplier: Shown,
    /// Domains, one a line.
    pub domains: Vec<Shown>,
    /// Networks, one a line.
    pub networks: Vec<Shown>,
}

/// Whether its mail is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailForm {
    /// Since when it is not, who said so and why.
    pub distrusted: Option<(Moment, Shown, Shown)>,
}

/// What whoever looks may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberForms {
    /// The member's number.
    pub number: Shown,
    /// Contacts.
    pub contacts: Vec<ContactForm>,
    /// Whether there is one to confirm.
    pub confirmable: bool,
    /// The profile; the operator's alone, for others are counted and guarded by it.
    pub profile: Option<ProfileForm>,
    /// Its mail; the operator's alone.
    pub mail: Option<MailForm>,
    /// What is wrong: the field, and in words.
    pub fault: Option<(String, String)>,
    /// Something was changed just now.
    pub saved: bool,
}

/// What is wrong with a form, and the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// As it was filled in.
    pub filled: Filled,
    /// The field's id.
    pub field: String,
    /// In words.
    pub words: String,
}

/// A role in words.
pub fn role_words(role: Role, texts: &Texts) -> String {
    match role {
        Role::It => texts.say("role-it"),
        Role::Security => texts.say("role-security"),
        Role::OnCall => texts.say("role-oncall"),
        Role::Management => texts.say("role-management"),
        Role::Privacy => texts.say("role-privacy"),
    }
}

/// What is wrong with something that cannot stand in a profile.
pub fn bad_profile(why: &BadProfile, texts: &Texts) -> String {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    match why {
        BadProfile::Text(_) => texts.numbers("member-bad-line", &[("most", number(MEMBER_TEXT_MAX_CHARACTERS))]),
        BadProfile::Email(what) => texts.with("member-bad-email", &[("what", Shown::of(what).as_str())]),
        BadProfile::Domain(what, _) => texts.with("member-bad-domain", &[("what", Shown::of(what).as_str())]),
        BadProfile::Network(what) => texts.with("member-bad-network", &[("what", Shown::of(what).as_str())]),
        BadProfile::HostBits(what, right) => {
            let right = right.to_string();
            texts.with("member-bad-host-bits", &[("what", Shown::of(what).as_str()), ("right", right.as_str())])
        }
        BadProfile::NotPublic(what, _) => texts.with("member-bad-not-public", &[("what", Shown::of(what).as_str())]),
        BadProfile::TooMany => {
            let most = [("domains", number(MEMBER_DOMAINS_MAX)), ("networks", number(MEMBER_NETWORKS_MAX))];
            texts.numbers("member-bad-many", &most)
        }
    }
}

fn contact(role: Role, profile: &Profile, wrong: Option<&Wrong>, texts: &Texts) -> ContactForm {
    let known = profile.contacts.get(&role);
    let filled = wrong.filter(|wrong| field(&wrong.filled, "role") == role.as_str());
    let value = |name: &str, kept: Option<String>| match filled {
        Some(wrong) => Shown::whole(field(&wrong.filled, name)),
        None => Shown::whole(&kept.unwrap_or_default()),
    };
    ContactForm {
        role: role.as_str(),
        label: role_words(role, texts),
        known: known.is_some(),
        name: value("name", known.map(|contact| contact.name.clone())),
        telephone: value("telephone", known.and_then(|contact| contact.telephone.as_ref().map(ToString::to_string))),
        out_of_hours: value(
            "out_of_hours",
            known.and_then(|contact| contact.out_of_hours.as_ref().map(ToString::to_string)),
        ),
        email: value("email", known.and_then(|contact| contact.email.clone())),
    }
}

fn profile_form(profile: &Profile, wrong: Option<&Wrong>, texts: &Texts) -> ProfileForm {
    let filled = wrong.filter(|wrong| field(&wrong.filled, "do") == "profile");
    let value =
        |name: &str, kept: &str| filled.map_or_else(|| kept.to_owned(), |wrong| field(&wrong.filled, name).to_owned());
    let lines = |name: &str, kept: Vec<String>| -> Vec<Shown> {
        match filled {
            Some(wrong) => field(&wrong.filled, name).lines().map(Shown::whole).collect(),
            None => kept.iter().map(|line| Shown::whole(line)).collect(),
        }
    };
    let language = value("language", profile.language.as_str());
    let kept = match profile.covered {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let covered = value("covered", kept);
    let option = |value: &'static str, words: String, now: &str| Choice { value, words, chosen: value == now };
    ProfileForm {
        languages: vec![
            option(Language::Bokmaal.as_str(), texts.say("member-bokmaal"), &language),
            option(Language::Nynorsk.as_str(), texts.say("member-nynorsk"), &language),
            option(Language::Neutral.as_str(), texts.say("member-neutral"), &language),
        ],
        covered: vec![
            option("yes", texts.say("member-covered-yes"), &covered),
            option("no", texts.say("member-covered-no"), &covered),
            option("unknown", texts.say("member-covered-unknown"), &covered),
        ],
        supplier: Shown::whole(&value("supplier", profile.supplier.as_deref().unwrap_or_default())),
        domains: lines("domains", profile.domains.iter().cloned().collect()),
        networks: lines("networks", profile.networks.iter().map(ToString::to_string).collect()),
    }
}

impl MemberForms {
    /// Of a member's profile, for the operator with all of them (and how its mail stands), for the member with its own contacts alone.
    pub fn of(
        (number, profile): (&str, &Profile),
        operator: Option<Option<&Distrusted>>,
        wrong: Option<&Wrong>,
        saved: bool,
        reader: &Reader,
    ) -> MemberForms {
        let mail = |said: Option<&Distrusted>| MailForm {
            distrusted: said
                .map(|said| (reader.calendar.moment(said.at), Shown::of(&said.who), Shown::whole(&said.why))),
        };
        MemberForms {
            number: Shown::of(number),
            contacts: Role::ALL.map(|role| contact(role, profile, wrong, reader.texts)).into(),
            confirmable: !profile.contacts.is_empty(),
            profile: operator.is_some().then(|| profile_form(profile, wrong, reader.texts)),
            mail: operator.map(mail),
            fault: wrong.map(|wrong| (wrong.field.clone(), wrong.words.clone())),
            saved,
        }
    }

    /// Whether it is this field that is wrong.
    pub fn is_wrong(&self, field: &str, part: &str) -> bool {
        self.fault.as_ref().is_some_and(|(wrong, _)| wrong.strip_prefix(field) == Some(part))
    }

    /// Whether what is wrong stands in a form whose fields begin so: it is open then.
    pub fn is_open(&self, beginning: &str) -> bool {
        self.fault.as_ref().is_some_and(|(wrong, _)| wrong.starts_with(beginning))
    }
}
