//! What is known of two members that become one: the one that goes on takes what it lacks, and what it does not take is told.

use crate::profile::{Contact, Language, Profile};

/// Something the one that goes on does not take, because it has its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// What, as the audit has it: without anybody's name or telephone number.
    pub what: String,
    /// Who it was, where it was a contact.
    pub who: Option<String>,
}

impl std::fmt::Display for Dropped {
    /// In full, for whoever wants to enter it again.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Dropped { what, who } = self;
        match who {
            Some(who) => write!(f, "{what}: {who}"),
            None => f.write_str(what),
        }
    }
}

/// What is known of the one that goes on from now on, and what of the other it does not take.
pub fn join(kept: &Profile, given: Profile) -> (Profile, Vec<Dropped>) {
    let Profile { language, covered, supplier, domains, networks, contacts } = given;
    let (mut joined, mut dropped) = (kept.clone(), Vec::new());
    let mut drop = |what: String, who| dropped.push(Dropped { what, who });
    match (kept.language, language) {
        (Language::Neutral, taken) => joined.language = taken,
        (Language::Bokmaal | Language::Nynorsk, Language::Neutral) => {}
        (own @ (Language::Bokmaal | Language::Nynorsk), other @ (Language::Bokmaal | Language::Nynorsk)) => {
            if own != other {
                drop(format!("language {}", other.as_str()), None);
            }
        }
    }
    match (kept.covered, covered) {
        (None, taken) => joined.covered = taken,
        (Some(own), Some(other)) if own != other => {
            drop(format!("covered {}", if other { "yes" } else { "no" }), None);
        }
        (Some(_), _) => {}
    }
    match (&kept.supplier, supplier) {
        // Behind a shared network it goes on to count once with the others there.
        (None, taken) => joined.supplier = taken,
        (Some(own), Some(other)) if own.to_lowercase() != other.to_lowercase() => {
            drop(format!("supplier {other}"), None);
        }
        (Some(_), _) => {}
    }
    joined.domains.extend(domains);
    joined.networks.extend(networks);
    for (role, contact) in contacts {
        match kept.contacts.get(&role) {
            None => {
                joined.contacts.insert(role, contact);
            }
            Some(own) if *own == contact => {}
            Some(_) => drop(format!("contact {}", role.as_str()), Some(words(&contact))),
        }
    }
    (joined, dropped)
}

fn words(contact: &Contact) -> String {
    let Contact { name, telephone, out_of_hours, email, confirmed_at: _ } = contact;
    let parts = [
        Some(name.clone()),
        telephone.as_ref().map(ToString::to_string),
        out_of_hours.as_ref().map(|number| format!("out of hours {number}")),
        email.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a merger does to what is known, in the words of the audit; nothing where it does nothing.
pub fn noted(kept: &Profile, joined: &Profile, dropped: &[Dropped]) -> String {
    let mut words = String::new();
    let taken = joined.changes(kept);
    if !taken.is_empty() {
        words.push_str(&format!("; it takes {}", taken.join(", ")));
    }
    if !dropped.is_empty() {
        let all: Vec<&str> = dropped.iter().map(|one| one.what.as_str()).collect();
        words.push_str(&format!("; not taken, because it has its own: {}", all.join(", ")));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Role;

    fn of(name: &str) -> Contact {
        Contact { name: name.to_owned(), telephone: Some("22 00 00 00".parse().unwrap()), ..Contact::default() }
    }

    #[test]
    fn the_one_that_goes_on_takes_what_it_lacks_and_what_it_has_itself_is_told() {
        let mut given = Profile {
            language: Language::Nynorsk,
            covered: Some(true),
            supplier: Some("IKT Øst".to_owned()),
            domains: ["b.kommune.no".to_owned()].into(),
            ..Profile::default()
        };
        given.contacts.insert(Role::It, of("Kari"));
        let (joined, dropped) = join(&Profile::default(), given.clone());
        assert_eq!((&joined, dropped.as_slice()), (&given, &[][..]), "one that lacks all takes all");
        assert_eq!(
            noted(&Profile::default(), &joined, &dropped),
            "; it takes language, covered, supplier, domains, contact it"
        );

        let mut own = Profile {
            language: Language::Bokmaal,
            covered: Some(false),
            supplier: Some("IKT Vest".to_owned()),
            ..Profile::default()
        };
        own.contacts.insert(Role::It, of("Ola"));
        let (joined, dropped) = join(&own, given.clone());
        assert_eq!(joined, Profile { domains: given.domains.clone(), ..own.clone() });
        let told: Vec<String> = dropped.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["language nynorsk", "covered yes", "supplier IKT Øst", "contact it: Kari, 22 00 00 00"]);
        let said = noted(&own, &joined, &dropped);
        assert!(said.contains("supplier IKT Øst, contact it") && !said.contains("Kari"), "{said}");

        let same = Profile { supplier: Some("ikt ØST".to_owned()), domains: Default::default(), ..given.clone() };
        let (joined, dropped) = join(&same, given.clone());
        assert_eq!((joined.supplier.as_deref(), dropped.len()), (Some("ikt ØST"), 0));
        let (joined, dropped) = join(&given, Profile::default());
        assert_eq!((joined, dropped.len()), (given, 0), "who brings nothing takes nothing away");
    }
}
