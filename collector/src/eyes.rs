//! Whether four eyes have looked at a draft. People at pages are told apart by their accounts, people at the machine by their users; that
//! an account and a user are two people nobody knows, so that each kind of author needs somebody else of its own kind.

/// As whom the running collector stands in the audit.
pub const COLLECTOR: &str = "varde-collector";

/// Somebody, by what it is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person<'a> {
    /// At a page, by the number of the account, whatever it is called and may.
    Account(&'a str),
    /// At the machine.
    User(&'a str),
}

/// Who an entry of the audit names: `kari (account 3, publisher)` at a page, anything else at the machine.
fn person(who: &str) -> Person<'_> {
    let account = who.strip_suffix(')').and_then(|who| who.rsplit_once(" (account "));
    let number = account.and_then(|(_, rest)| rest.split_once(", ")).map(|(number, _)| number);
    match number.filter(|number| !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit())) {
        Some(number) => Person::Account(number),
        None => Person::User(who),
    }
}

/// The name of an account that an entry of the audit names; none where it is no account.
pub fn account_name(who: &str) -> Option<&str> {
    match person(who) {
        Person::Account(_) => who.rsplit_once(" (account ").map(|(name, _)| name),
        Person::User(_) => None,
    }
}

/// Whether of each kind of author somebody else has looked. `by_itself`: behind the collector's own name there is no person.
pub fn are_four(authors: &[String], reviewers: &[&str], by_itself: bool) -> bool {
    let authors: Vec<Person<'_>> = authors.iter().map(|who| person(who)).collect();
    let others: Vec<Person<'_>> =
        reviewers.iter().map(|who| person(who)).filter(|reviewer| !authors.contains(reviewer)).collect();
    let is_person = |author: &&Person<'_>| !by_itself || **author != Person::User(COLLECTOR);
    let is_account = |person: &Person<'_>| matches!(person, Person::Account(_));
    !others.is_empty()
        && authors
            .iter()
            .filter(is_person)
            .all(|author| others.iter().any(|other| is_account(other) == is_account(author)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_two_people_by_a_second_way_in() {
        let four = |authors: &[&str], reviewers: &[&str]| {
            let authors: Vec<String> = authors.iter().map(|who| (*who).to_owned()).collect();
            are_four(&authors, reviewers, true)
        };
        let (kari, ola) = ("kari (account 3, analyst)", "ola (account 4, publisher)");
        assert!(four(&[kari], &[ola]));
        assert!(!four(&[kari], &[kari]) && !four(&[kari], &[]));
        assert!(!four(&[kari], &["kari (account 3, publisher)"]), "another role is nobody else");
        assert!(!four(&[kari], &["kari2 (account 3, analyst)"]), "nor another name");
        assert!(!four(&["kari"], &[kari]), "at the machine, then at a page: who knows that these are two");
        assert!(!four(&[kari], &["root (logged in as kari)"]));
        assert!(four(&["kari"], &["ola"]) && !four(&["kari"], &["kari"]));
        assert!(four(&[kari, "root"], &[ola, "per"]), "of each kind somebody else");
        assert!(!four(&[kari, "root"], &[ola]) && !four(&[kari, "root"], &["per"]));
        assert!(four(&[COLLECTOR], &[ola]), "what was fetched nobody has brought in");
        assert!(!four(&[COLLECTOR], &[COLLECTOR]));
        assert!(!are_four(&[COLLECTOR.to_owned()], &[ola], false), "unless somebody worked as that user");
        assert!(!four(&["x (account , y)"], &[kari]), "no account: a user of an odd name");
        assert_eq!((account_name(kari), account_name("root (logged in as kari)")), (Some("kari"), None));
    }
}
