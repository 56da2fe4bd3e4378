//! The pages of coming in and of one's own account: values and templates.

use askama::Template;
use qrcode::{Color, QrCode};

use super::browser;
use super::page::{Extent, Head};
use super::shown::{Calendar, Shown};
use super::text::{Language, Texts};
use crate::account::password::{LEAST_CHARACTERS, MOST_OCTETS, Weak};
use crate::account::role::Role;
use crate::account::totp::TotpSecret;
use crate::store::account::{AccountRow, LinkKind};
use crate::store::page_session::SessionRow;
use varde_common::time::Timestamp;

/// Squares of white around the square, as its rules ask for.
const QUIET: usize = 4;

/// What is wrong with what was filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The name is none, or taken.
    Name,
    /// The password is not good enough.
    Weak(Weak),
    /// The two are not the same.
    Differs,
    /// The code is not the one of now.
    Code,
    /// The password one has is another.
    Wrong,
}

impl Fault {
    /// The field it is about.
    pub fn field(self) -> &'static str {
        match self {
            Fault::Name => "name",
            Fault::Weak(_) => "password",
            Fault::Differs => "again",
            Fault::Code => "code",
            Fault::Wrong => "current",
        }
    }

    fn words(self, texts: &Texts) -> String {
        let least = [("least", i64::try_from(LEAST_CHARACTERS).unwrap_or(0))];
        match self {
            Fault::Name => texts.say("fault-name"),
            Fault::Weak(Weak::Short) => texts.numbers("fault-short", &least),
            Fault::Weak(Weak::Long) => texts.say("fault-long"),
            Fault::Weak(Weak::Common) => texts.say("fault-common"),
            Fault::Weak(Weak::Name) => texts.say("fault-own-name"),
            Fault::Differs => texts.say("fault-differs"),
            Fault::Code => texts.say("fault-code"),
            Fault::Wrong => texts.say("fault-wrong"),
        }
    }
}

/// A square that a telephone reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Square {
    /// Its width with the white around it.
    pub width: usize,
    /// Its dark parts, as an SVG path.
    pub path: String,
}

impl Square {
    /// Of a text; none where that is too long for one.
    fn of(text: &str) -> Option<Square> {
        let code = QrCode::new(text).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (place, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (place % width + QUIET, place / width + QUIET);
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        Some(Square { width: width + 2 * QUIET, path })
    }
}

/// Password and second factor, as they are being chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choosing {
    /// The account's name, or what was filled in for it.
    pub name: Shown,
    /// The second factor's secret.
    pub secret: String,
    /// The same, for a telephone.
    pub square: Option<Square>,
    /// What is wrong, in words, and with which field.
    pub fault: Option<(&'static str, String)>,
    /// The provider by which an invitation may be accepted instead.
    pub provider: Option<Shown>,
}

impl Choosing {
    /// Of an account that chooses.
    pub fn of(name: &str, totp: &TotpSecret, fault: Option<Fault>, texts: &Texts) -> Choosing {
        Choosing {
            name: Shown::of(name),
            secret: totp.text(),
            square: Square::of(&totp.address(if name.is_empty() { "Varde" } else { name })),
            fault: fault.map(|fault| (fault.field(), fault.words(texts))),
            provider: None,
        }
    }

    /// Whether it is this field.
    pub fn is_wrong(&self, field: &str) -> bool {
        self.fault.as_ref().is_some_and(|(wrong, _)| *wrong == field)
    }
}

/// The page where one signs in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignInView<'a> {
    /// The name that was filled in.
    pub name: &'a str,
    /// Where one wanted to go.
    pub til: &'a str,
    /// Name, password or code is wrong; which is not said.
    pub wrong: bool,
    /// Too many attempts: seconds to wait.
    pub wait: Option<i64>,
    /// Why somebody did not come in by the provider.
    pub problem: Option<String>,
    /// What people call the provider, where one is set.
    pub provider: Option<&'a str>,
}

/// A session, for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSession {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub began: String,
    /// When somebody was there last.
    pub seen: String,
    /// What the browser says it is.
    pub program: Shown,
    /// It is this one.
    pub own: bool,
}

/// One's own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnView {
    /// The role's word.
    pub role: String,
    /// The number of the member.
    pub member: Option<String>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Whether one may be chosen without the old.
    pub recovers: bool,
    /// Recovery codes that are left, of ten.
    pub recovery_codes: i64,
    /// Open sessions.
    pub sessions: Vec<OwnSession>,
    /// A second factor that may be chosen, and what is wrong.
    pub choosing: Choosing,
    /// The provider, where one is set, and since when the account is tied to it.
    pub provider: Option<(Shown, Option<String>)>,
}

/// A role in words.
pub fn role(role: Role, texts: &Texts) -> String {
    match role {
        Role::Analyst => texts.say("account-role-analyst"),
        Role::Publisher => texts.say("account-role-publisher"),
        Role::Administrator => texts.say("account-role-administrator"),
        Role::Auditor => texts.say("account-role-auditor"),
        Role::It => texts.say("account-role-it"),
        Role::Management => texts.say("account-role-management"),
        Role::Wall => texts.say("account-role-wall"),
    }
}

impl OwnView {
    /// Of an account and its sessions, of which one is being used.
    pub fn of(
        account: &AccountRow,
        (sessions, own): (&[SessionRow], i64),
        choosing: Choosing,
        (texts, calendar): (&Texts, &Calendar),
    ) -> OwnView {
        let session = |row: &SessionRow| OwnSession {
            id: row.id,
            began: calendar.moment(row.began_at).shown,
            seen: calendar.moment(row.seen_at).shown,
            program: Shown::of(&browser::short(&row.program)),
            own: row.id == own,
        };
        OwnView {
            role: role(account.role, texts),
            member: account.member.clone(),
            has_password: account.has_password,
            recovers: false,
            recovery_codes: account.recovery_codes,
            sessions: sessions.iter().map(session).collect(),
            choosing,
            provider: None,
        }
    }

    /// With the provider, and since when it is tied to it.
    pub fn at(self, provider: Option<(&str, Option<Timestamp>)>, calendar: &Calendar) -> OwnView {
        let provider = provider.map(|(name, tied)| (Shown::of(name), tied.map(|tied| calendar.moment(tied).shown)));
        OwnView { provider, ..self }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html", blocks = ["content"])]
struct SignInPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a SignInView<'a>,
}

#[derive(Template)]
#[template(path = "link.html", blocks = ["content"])]
struct LinkPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    kind: LinkKind,
    v: &'a Choosing,
    least: usize,
    most: usize,
}

#[derive(Template)]
#[template(path = "spent.html", blocks = ["content"])]
struct SpentPage<'a> {
    head: &'a Head,
    t: &'static Texts,
}

#[derive(Template)]
#[template(path = "codes.html", blocks = ["content"])]
struct CodesPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    codes: &'a [String],
}

#[derive(Template)]
#[template(path = "account.html", blocks = ["content"])]
struct OwnPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a OwnView,
    least: usize,
    most: usize,
}

#[derive(Template)]
#[template(path = "screen.html", blocks = ["content"])]
struct ScreenPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    wrong: bool,
}

/// Where a screen is given its token; whether the one that was given is none.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn screen(head: &Head, wrong: bool, extent: Extent) -> askama::Result<String> {
    let page = ScreenPage { head, t: head.texts(), wrong };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// Where one signs in.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn sign_in(head: &Head, view: &SignInView<'_>, extent: Extent) -> askama::Result<String> {
    let page = SignInPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// What a one-time link is good for.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn link(head: &Head, kind: LinkKind, view: &Choosing, extent: Extent) -> askama::Result<String> {
    let page = LinkPage { head, t: head.texts(), kind, v: view, least: LEAST_CHARACTERS, most: MOST_OCTETS };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A link that is good no longer.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn spent(head: &Head, extent: Extent) -> askama::Result<String> {
    let page = SpentPage { head, t: head.texts() };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// Recovery codes, which are shown once.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn codes(head: &Head, codes: &[String], extent: Extent) -> askama::Result<String> {
    let page = CodesPage { head, t: head.texts(), codes };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// One's own account.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn own(head: &Head, view: &OwnView, extent: Extent) -> askama::Result<String> {
    let page = OwnPage { head, t: head.texts(), v: view, least: LEAST_CHARACTERS, most: MOST_OCTETS };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_its_three_corners_and_white_around() {
        let square = Square::of("otpauth://totp/Varde:kari?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let last = square.width - QUIET - 1;
        for corner in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(square.path.contains(&format!("M{} {}h1v1h-1z", corner.0, corner.1)), "{corner:?}");
        }
        assert!(!square.path.contains("M0 ") && !square.path.contains(&format!("M{} ", last + 1)));
        assert_eq!(Square::of(&"a".repeat(10_000)), None);
    }
}
