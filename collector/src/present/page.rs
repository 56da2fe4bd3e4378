//! The pages. Everything goes through the templates' escaping; nothing is ever marked as safe.

use askama::Template;

use super::asset;
use super::detail::{CampaignView, IncidentView};
use super::looks::{Looks, Scheme};
use super::member::MemberView;
use super::navigation::{self, Entry, Kind, Part};
use super::privacy::KeptRow;
use super::sensor_health::SensorView;
use super::shown::Shown;
use super::text::{Language, Texts};
use super::view::FrontView;
use crate::account::role::{Right, Role};

/// What stands around every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose collector it is.
    pub operator: Shown,
    /// The reader's language.
    pub language: Language,
    /// The page's own address, without a query.
    pub path: String,
    /// How it is to look to this reader.
    pub looks: Looks,
    /// Whether the database's disk is full: nothing new comes in.
    pub full: bool,
    /// Program version.
    pub version: &'static str,
    /// Who is signed in.
    pub signed: Option<Signed>,
}

/// Somebody who is signed in, as pages say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The account's name.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// What its forms carry (`csrf.html`).
    pub csrf: String,
}

impl Head {
    pub(super) fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    /// Where a file of this name is served.
    pub(super) fn asset(&self, name: &str) -> String {
        asset::address(name)
    }

    /// The colours that there are.
    pub(super) fn schemes(&self) -> &'static [Scheme] {
        &Scheme::ALL
    }

    /// Whether an accessibility statement is missing, and who looks could see to it.
    pub(super) fn lacks_statement(&self) -> bool {
        self.looks.statement().is_none() && self.is_csirt()
    }

    /// Whether whoever looks may do the operator's work here.
    pub(super) fn works(&self) -> bool {
        let may = |signed: &Signed| signed.role.may(Right::Work) && !signed.role.at_member();
        self.signed.as_ref().is_some_and(may)
    }

    /// Whether who looks is at the CSIRT.
    pub(super) fn is_csirt(&self) -> bool {
        self.looks.kind() == Kind::Csirt
    }

    /// Where the page of all members is, for who may see it.
    pub(super) fn members(&self) -> &'static str {
        if self.is_csirt() { "/medlemmer" } else { "" }
    }

    /// Whether who looks may publish, and write to members.
    pub(super) fn may_publish(&self) -> bool {
        self.signed.as_ref().is_some_and(|signed| signed.role.may(Right::Publish))
    }

    /// Whether who looks may listen to changes, which are everybody's: a member's people ask now and then.
    pub(super) fn may_listen(&self) -> bool {
        !matches!(self.looks.kind(), Kind::MemberIt | Kind::Management)
    }

    /// What the bar shows.
    pub(super) fn bar(&self) -> impl Iterator<Item = &'static Entry> {
        // No part that answers this reader with a refusal.
        let may = |right| self.signed.as_ref().is_some_and(|signed| signed.role.may(right));
        navigation::bar(self.looks.kind()).filter(move |entry| match entry.part {
            Part::Alerts => self.looks.opens_hosts(),
            Part::Audit => may(Right::Audit),
            Part::Users => may(Right::Administer),
            _ => true,
        })
    }

    /// The same page in this language.
    pub(super) fn in_language(&self, language: &Language) -> String {
        self.looks.asking(&self.path, "lang", language.tag())
    }

    /// The same page in these colours.
    pub(super) fn in_scheme(&self, scheme: &Scheme) -> String {
        self.looks.asking(&self.path, "scheme", scheme.tag())
    }
}

/// Members up to which the map's table is unfolded from the start: as many lines as the map is high.
const MAP_TABLE_OPEN_MAX: usize = 20;

/// How much of a page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// What changes: the inside of the main region.
    Fragment,
}

#[derive(Template)]
#[template(path = "front.html", blocks = ["content"])]
struct FrontPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a FrontView,
}

#[derive(Template)]
#[template(path = "campaign.html", blocks = ["content"])]
struct CampaignPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a CampaignView,
}

#[derive(Template)]
#[template(path = "incident.html", blocks = ["content"])]
struct IncidentPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a IncidentView,
}

#[derive(Template)]
#[template(path = "sensor.html", blocks = ["content"])]
struct SensorPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a SensorView,
}

#[derive(Template)]
#[template(path = "member.html", blocks = ["content"])]
struct MemberPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a MemberView,
}

#[derive(Template)]
#[template(path = "privacy.html", blocks = ["content"])]
struct PrivacyPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a [KeptRow],
}

#[derive(Template)]
#[template(path = "message.html", blocks = ["content"])]
struct MessagePage<'a> {
    head: &'a Head,
    t: &'static Texts,
    title: &'a str,
    words: &'a str,
}

#[derive(Template)]
#[template(path = "onward.html")]
struct OnwardPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    to: &'a str,
}

/// A page that leads on by itself, without a script, and by a link: to an address of ours, or to the provider where people sign in.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn onward(head: &Head, to: &str) -> askama::Result<String> {
    OnwardPage { head, t: head.texts(), to }.render()
}

/// The front page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn front(head: &Head, view: &FrontView, extent: Extent) -> askama::Result<String> {
    let page = FrontPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A campaign's page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn campaign(head: &Head, view: &CampaignView, extent: Extent) -> askama::Result<String> {
    let page = CampaignPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// An incident's page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn incident(head: &Head, view: &IncidentView, extent: Extent) -> askama::Result<String> {
    let page = IncidentPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A sensor's page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn sensor(head: &Head, view: &SensorView, extent: Extent) -> askama::Result<String> {
    let page = SensorPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A member's page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn member(head: &Head, view: &MemberView, extent: Extent) -> askama::Result<String> {
    let page = MemberPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// How long what is kept is kept.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn privacy(head: &Head, view: &[KeptRow], extent: Extent) -> askama::Result<String> {
    let page = PrivacyPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A page that only says something: that there is no such thing, or that the collector could not answer.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn message(head: &Head, title: &str, words: &str, extent: Extent) -> askama::Result<String> {
    let page = MessagePage { head, t: head.texts(), title, words };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn nothing_is_ever_marked_as_safe() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut looked_at = 0;
        for (dir, forbidden) in [
            ("templates", ["|safe", "| safe", "escape(", "autoescape", "<script>", "style="]),
            (
                "src/present",
                [
                    concat!("Html", "Safe"),
                    concat!("Markup", "Display"),
                    concat!("ext = \"", "txt"),
                    "Safe(",
                    "escape = \"none",
                    "filters::Safe",
                ],
            ),
        ] {
            let below = |dir: &Path| -> Vec<std::path::PathBuf> {
                std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
            };
            let all = below(&root.join(dir)).into_iter();
            for path in all.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }) {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                for word in forbidden {
                    assert!(!text.contains(word), "{} has {word}", path.display());
                }
                looked_at += 1;
            }
        }
        assert!(looked_at > 10);
    }
}
