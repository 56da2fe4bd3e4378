//! The pages of accounts: who may come in as what; one account with what can be done to it; a link that was made, which is shown once.

use std::collections::HashMap;

use askama::Template;
use url::form_urlencoded;
use varde_common::time::Timestamp;

use super::account::role as role_words;
use super::browser;
use super::community::Choice;
use super::order;
use super::page::{Extent, Head};
use super::shown::{Moment, Shown};
use super::text::{Language, Texts};
use super::view::{Reader, size};
use crate::account::role::Role;
use crate::limits::people::{ASKED_MAX_CHARACTERS, USERS_SHOWN};
use crate::store::account::{AccountRow, LinkKind};
use crate::store::account_kept::Kept;
use crate::store::page_session::SessionRow;

/// Where it is.
pub const USERS: &str = "/brukere";

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsersAsked {
    /// Part of a name, or a member's number.
    pub text: String,
    /// Of this role.
    pub role: Option<Role>,
}

impl UsersAsked {
    /// Reads a query; what it does not know counts for nothing.
    pub fn read(query: &str) -> UsersAsked {
        let mut asked = UsersAsked::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "q" => asked.text = value.trim().chars().take(ASKED_MAX_CHARACTERS).collect(),
                "rolle" => asked.role = value.parse().ok(),
                _ => {}
            }
        }
        asked
    }

    fn fits(&self, account: &AccountRow) -> bool {
        let text = self.text.to_lowercase();
        let named = text.is_empty() || account.name.contains(&text) || account.member.as_deref() == Some(&*text);
        named && self.role.is_none_or(|role| role == account.role)
    }
}

fn roles(chosen: Option<Role>, fits: impl Fn(Role) -> bool, texts: &Texts) -> Vec<Choice> {
    let persons = Role::ALL.into_iter().filter(|role| role.is_a_persons() && fits(*role));
    let choice =
        |role: Role| Choice { value: role.as_str(), words: role_words(role, texts), chosen: chosen == Some(role) };
    persons.map(choice).collect()
}

/// An account's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: Shown,
    /// What it may.
    pub role: String,
    /// The number of its member.
    pub member: Option<Shown>,
    /// Class of its state.
    pub class: &'static str,
    /// Sign of it.
    pub sign: &'static str,
    /// Its state.
    pub state: String,
    /// Its second factor.
    pub factor: String,
    /// When somebody was last there with it.
    pub seen: Option<Moment>,
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Stopped,
    Invited,
    NoFactor,
    /// It comes in by the operator's own provider alone.
    AtProvider,
    Active,
}

fn stands(account: &AccountRow) -> Stands {
    match (account.disabled_at, account.has_password, account.has_second_factor) {
        (Some(_), _, _) => Stands::Stopped,
        (None, true, true) => Stands::Active,
        (None, _, _) if account.tied => Stands::AtProvider,
        (None, false, _) => Stands::Invited,
        (None, true, false) => Stands::NoFactor,
    }
}

impl UserRow {
    fn of(account: &AccountRow, seen: Option<Timestamp>, reader: &Reader) -> UserRow {
        let texts = reader.texts;
        let (class, sign, state) = match stands(account) {
            Stands::Stopped => ("off", "✕", texts.say("user-stopped")),
            Stands::Invited => ("idle", "○", texts.say("user-invited")),
            Stands::NoFactor => ("bad", "▲", texts.say("user-no-factor")),
            Stands::AtProvider => ("good", "●", texts.say("user-at-provider")),
            Stands::Active => ("good", "●", texts.say("user-active")),
        };
        UserRow {
            id: account.id,
            name: Shown::of(&account.name),
            role: role_words(account.role, texts),
            member: account.member.as_deref().map(Shown::of),
            class,
            sign,
            state,
            factor: match (account.has_second_factor, account.tied) {
                (true, _) => texts.count("user-factor", account.recovery_codes),
                (false, true) => texts.say("user-factor-provider"),
                (false, false) => texts.say("user-factor-none"),
            },
            seen: seen.max(account.last_in_at).map(|at| reader.calendar.moment(at)),
        }
    }
}

/// The page of all accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersView {
    /// "Viser 3 av 4 kontoer".
    pub total: String,
    /// Whether the list is narrowed.
    pub narrowed: bool,
    /// What is looked for.
    pub text: Shown,
    /// Roles to look for.
    pub roles: Vec<Choice>,
    /// The lines.
    pub rows: Vec<UserRow>,
    /// Roles to invite for.
    pub invites: Vec<Choice>,
    /// The name that was filled in for an invitation.
    pub name: Shown,
    /// The member's number that was.
    pub member: Shown,
    /// What is wrong: the field, and in words.
    pub fault: Option<(&'static str, String)>,
}

/// Whom somebody wanted to invite, and what was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inviting {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Option<Role>,
    /// The member's number.
    pub member: String,
    /// What is wrong: the field, and in words.
    pub fault: Option<(&'static str, String)>,
}

impl UsersView {
    /// Of accounts and when each was last there, as it is asked for.
    pub fn of(
        accounts: &[AccountRow],
        seen: &HashMap<i64, Timestamp>,
        asked: &UsersAsked,
        inviting: Inviting,
        reader: &Reader,
    ) -> UsersView {
        let texts = reader.texts;
        let mut fit: Vec<&AccountRow> = accounts.iter().filter(|account| asked.fits(account)).collect();
        fit.sort_by_cached_key(|account| order::key(&account.name));
        fit.truncate(USERS_SHOWN);
        let shown = [("count", size(fit.len())), ("total", size(accounts.len()))];
        let Inviting { name, role, member, fault } = inviting;
        UsersView {
            total: texts.numbers("users-shown", &shown),
            narrowed: !asked.text.is_empty() || asked.role.is_some(),
            text: Shown::of(&asked.text),
            roles: roles(asked.role, |_| true, texts),
            rows: fit.into_iter().map(|one| UserRow::of(one, seen.get(&one.id).copied(), reader)).collect(),
            invites: roles(role.or(Some(Role::Analyst)), |_| true, texts),
            name: Shown::whole(&name),
            member: Shown::whole(&member),
            fault,
        }
    }
}

/// A session, for an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// When it began.
    pub began: Moment,
    /// When somebody was last there.
    pub seen: Moment,
    /// What the browser says it is.
    pub program: Shown,
}

/// One account's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    /// As in the list.
    pub row: UserRow,
    /// When it was added.
    pub added: Moment,
    /// Since when it may not come in.
    pub stopped: Option<Moment>,
    /// Roles it may have.
    pub roles: Vec<Choice>,
    /// Its open sessions.
    pub sessions: Vec<OpenSession>,
    /// What is wrong.
    pub fault: Option<String>,
    /// Something was changed just now.
    pub saved: bool,
}

impl UserView {
    /// Of an account and its sessions.
    pub fn of(
        account: &AccountRow,
        sessions: &[SessionRow],
        (fault, saved): (Option<String>, bool),
        reader: &Reader,
    ) -> UserView {
        let moment = |at| reader.calendar.moment(at);
        let session = |row: &SessionRow| OpenSession {
            began: moment(row.began_at),
            seen: moment(row.seen_at),
            program: Shown::of(&browser::short(&row.program)),
        };
        let seen = sessions.iter().map(|row| row.seen_at).max();
        UserView {
            row: UserRow::of(account, seen, reader),
            added: moment(account.added_at),
            stopped: account.disabled_at.map(moment),
            roles: roles(Some(account.role), |role| role.fits(account.member.is_some()), reader.texts),
            sessions: sessions.iter().map(session).collect(),
            fault,
            saved,
        }
    }
}

/// Why something was not done to an account.
pub fn not_done(kept: Kept, texts: &Texts) -> Option<String> {
    match kept {
        Kept::Done => None,
        Kept::Same => Some(texts.say("user-same")),
        Kept::Last => Some(texts.say("user-last")),
    }
}

/// A link that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// For whom.
    pub name: Shown,
    /// The link.
    pub link: String,
    /// Until when it is good.
    pub until: Moment,
    /// It invites; else it signs in.
    pub invites: bool,
}

impl LinkView {
    /// Of a link of this kind that was just made.
    pub fn of(name: &str, kind: LinkKind, link: String, reader: &Reader) -> LinkView {
        LinkView {
            name: Shown::of(name),
            link,
            until: reader.calendar.moment(reader.now.plus(kind.lasts())),
            invites: kind == LinkKind::Invitation,
        }
    }
}

#[derive(Template)]
#[template(path = "users.html", blocks = ["content"])]
struct UsersPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a UsersView,
}

#[derive(Template)]
#[template(path = "user.html", blocks = ["content"])]
struct UserPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a UserView,
}

#[derive(Template)]
#[template(path = "user_link.html", blocks = ["content"])]
struct UserLinkPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a LinkView,
}

/// The page of all accounts.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn page(head: &Head, view: &UsersView, extent: Extent) -> askama::Result<String> {
    let page = UsersPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// One account's.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn one(head: &Head, view: &UserView, extent: Extent) -> askama::Result<String> {
    let page = UserPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A link, once.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn link(head: &Head, view: &LinkView) -> askama::Result<String> {
    UserLinkPage { head, t: head.texts(), v: view }.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_looked_for_by_name_member_and_role() {
        let account = AccountRow {
            id: 1,
            name: "kari.nordmann".to_owned(),
            role: Role::It,
            member: Some("3407".to_owned()),
            has_password: true,
            has_second_factor: true,
            recovery_codes: 10,
            tied: false,
            language: None,
            added_at: Timestamp(1),
            disabled_at: None,
            last_in_at: None,
        };
        for (query, fits) in [
            ("", true),
            ("q=Nord", true),
            ("q=3407", true),
            ("q=340", false),
            ("rolle=it", true),
            ("rolle=analyst", false),
            ("rolle=chief", true),
            ("q=ola&rolle=it", false),
        ] {
            assert_eq!(UsersAsked::read(query).fits(&account), fits, "{query}");
        }
        assert_eq!(stands(&account), Stands::Active);
        assert_eq!(stands(&AccountRow { has_second_factor: false, ..account.clone() }), Stands::NoFactor);
        assert_eq!(stands(&AccountRow { has_password: false, ..account.clone() }), Stands::Invited);
        let tied = AccountRow { has_password: false, has_second_factor: false, tied: true, ..account.clone() };
        assert_eq!(stands(&tied), Stands::AtProvider, "invited no longer");
        assert_eq!(stands(&AccountRow { disabled_at: Some(Timestamp(1)), ..tied }), Stands::Stopped);
        assert_eq!(stands(&AccountRow { tied: true, ..account }), Stands::Active);
    }
}
