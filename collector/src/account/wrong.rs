//! Wrong attempts to come in, summed up for the audit: the first is told at once, what follows together after a while. So somebody who looks
//! sees that it goes on, and whoever tries cannot fill the audit with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::attempts::whole;
use crate::limits::people::{WRONG_ADDRESSES_NOTED, WRONG_NAMES_NOTED};

/// By which way somebody tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// By name, password and code: the account that was named; none where nobody is called so. What was typed in its place may be a password,
    /// and is kept nowhere.
    Name(Option<&'a str>),
    /// By the operator's provider, which says no name.
    Provider,
}

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// How.
    pub way: Way<'a>,
    /// From where.
    pub from: IpAddr,
    /// It came too often, and nobody looked whether it was right.
    pub turned_away: bool,
}

/// Attempts that have not been told yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sum {
    wrong: u64,
    at_provider: u64,
    turned_away: u64,
    nobodys: u64,
    accounts: BTreeMap<String, u64>,
    further_accounts: u64,
    addresses: BTreeSet<IpAddr>,
    further_addresses: bool,
}

impl Sum {
    fn add(&mut self, attempt: Attempt<'_>) {
        let Attempt { way, from, turned_away } = attempt;
        let count = match (turned_away, way) {
            (true, _) => &mut self.turned_away,
            (false, Way::Name(_)) => &mut self.wrong,
            (false, Way::Provider) => &mut self.at_provider,
        };
        *count = count.saturating_add(1);
        match way {
            Way::Provider => {}
            Way::Name(None) => self.nobodys = self.nobodys.saturating_add(1),
            Way::Name(Some(name)) => {
                let has_room = self.accounts.len() < WRONG_NAMES_NOTED;
                match self.accounts.get_mut(name) {
                    Some(count) => *count = count.saturating_add(1),
                    None if has_room => {
                        self.accounts.insert(name.to_owned(), 1);
                    }
                    None => self.further_accounts = self.further_accounts.saturating_add(1),
                }
            }
        }
        let from = whole(from);
        if self.addresses.len() < WRONG_ADDRESSES_NOTED {
            self.addresses.insert(from);
        } else if !self.addresses.contains(&from) {
            self.further_addresses = true;
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        let Sum { wrong, at_provider, turned_away, nobodys, accounts, further_accounts, addresses, further_addresses } =
            self;
        let mut parts = Vec::new();
        if *wrong > 0 {
            parts.push(format!("wrong name, password or code {wrong} times"));
        }
        if *at_provider > 0 {
            parts.push(format!("came from the provider and were not let in {at_provider} times"));
        }
        if *turned_away > 0 {
            let more = if parts.is_empty() { "" } else { " more" };
            parts.push(format!("{turned_away}{more} came too often and were turned away"));
        }
        let mut named: Vec<String> = accounts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        if *further_accounts > 0 {
            named.push(format!("other accounts {further_accounts}"));
        }
        if *nobodys > 0 {
            named.push(format!("names that nobody has {nobodys}"));
        }
        if !named.is_empty() {
            parts.push(format!("by name: {}", named.join(", ")));
        }
        let others = if *further_addresses { " and others" } else { "" };
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        parts.push(format!("from {}{others}", addresses.join(", ")));
        parts.join("; ")
    }
}

/// What is to be done about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Tell this, and come back after a while ([`Wrong::handle_time`]).
    Tell(Sum),
    /// Nothing: it is told with others.
    Nothing,
}

/// Attempts, and whether the first of them was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wrong {
    sum: Sum,
    is_summing: bool,
}

impl Wrong {
    /// Somebody tried.
    pub fn handle(&mut self, attempt: Attempt<'_>) -> Next {
        self.sum.add(attempt);
        if self.is_summing {
            return Next::Nothing;
        }
        self.is_summing = true;
        Next::Tell(std::mem::take(&mut self.sum))
    }

    /// The while is over. What is to be told, and then it begins again; none = nobody has tried, and the next is told at once.
    pub fn handle_time(&mut self) -> Option<Sum> {
        let sum = std::mem::take(&mut self.sum);
        self.is_summing = sum != Sum::default();
        self.is_summing.then_some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(account: Option<&str>, last: u8, turned_away: bool) -> Attempt<'_> {
        Attempt { way: Way::Name(account), from: IpAddr::from([192, 0, 2, last]), turned_away }
    }

    #[test]
    fn w5_who_comes_by_the_provider_is_told_as_such() {
        let at = |turned_away| Attempt { way: Way::Provider, ..attempt(None, 1, turned_away) };
        let mut wrong = Wrong::default();
        let Next::Tell(first) = wrong.handle(at(false)) else { panic!("not told") };
        assert_eq!(first.words(), "came from the provider and were not let in 1 times; from 192.0.2.1");
        for attempt in [at(false), at(true), attempt(Some("kari"), 2, false)] {
            assert_eq!(wrong.handle(attempt), Next::Nothing);
        }
        assert_eq!(
            wrong.handle_time().unwrap().words(),
            "wrong name, password or code 1 times; came from the provider and were not let in 1 times; \
            1 more came too often and were turned away; by name: kari 1; from 192.0.2.1, 192.0.2.2"
        );
    }

    #[test]
    fn w5_the_first_is_told_at_once_and_the_rest_together() {
        let mut wrong = Wrong::default();
        let Next::Tell(first) = wrong.handle(attempt(Some("kari"), 1, false)) else { panic!("not told") };
        assert_eq!(first.words(), "wrong name, password or code 1 times; by name: kari 1; from 192.0.2.1");
        for n in 0..10_000_u32 {
            let name = format!("n{}", n % 100);
            let account = (n % 2 == 0).then_some(name.as_str());
            assert_eq!(wrong.handle(attempt(account, u8::try_from(n % 200).unwrap(), n % 4 == 0)), Next::Nothing);
        }
        let sum = wrong.handle_time().unwrap();
        assert_eq!((sum.accounts.len(), sum.addresses.len()), (WRONG_NAMES_NOTED, WRONG_ADDRESSES_NOTED));
        let words = sum.words();
        assert!(words.starts_with("wrong name, password or code 7500 times; 2500 more came too often"), "{words}");
        assert!(words.contains("names that nobody has 5000") && words.ends_with(" and others"), "{words}");
        assert!(words.contains("other accounts 4200") && words.len() < 500, "{words}");
        assert_eq!(wrong.handle_time(), None, "nobody has tried since");
        assert!(matches!(wrong.handle(attempt(None, 1, false)), Next::Tell(_)), "and the next is told at once");
    }
}
