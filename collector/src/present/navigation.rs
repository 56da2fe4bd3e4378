//! The bar above every page: which parts there are, where each begins, and which kind of reader sees it.
//!
//! A part that is not built has no line in [`BAR`] and is not shown. Whoever adds one adds its line, in the order of
//! [`Part::ALL`].

use super::text::Texts;

/// A kind of reader, as far as the bar tells them apart. What may be read is decided where it is read, by its `Scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// At the response team.
    #[default]
    Csirt,
    /// Keeps a member's network.
    MemberIt,
    /// Leads a member.
    Management,
    /// Nobody is signed in, or a screen on a wall looks.
    Stranger,
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is new and what calls.
    Overview,
    /// Alerts.
    Alerts,
    /// Incidents.
    Incidents,
    /// Campaigns.
    Campaigns,
    /// Indicators, their sources and publications.
    Indicators,
    /// Advisories.
    Advisories,
    /// Members.
    Members,
    /// Sensors.
    Sensors,
    /// The audit.
    Audit,
    /// Who has an account.
    Users,
    /// The reader's own account.
    Account,
}

impl Part {
    /// All, as they stand in the bar.
    pub const ALL: [Part; 11] = [
        Part::Overview,
        Part::Alerts,
        Part::Incidents,
        Part::Campaigns,
        Part::Indicators,
        Part::Advisories,
        Part::Members,
        Part::Sensors,
        Part::Audit,
        Part::Users,
        Part::Account,
    ];

    /// What it is called.
    pub fn words(self, texts: &Texts) -> String {
        match self {
            Part::Overview => texts.say("nav-overview"),
            Part::Alerts => texts.say("nav-alerts"),
            Part::Incidents => texts.say("nav-incidents"),
            Part::Campaigns => texts.say("nav-campaigns"),
            Part::Indicators => texts.say("nav-indicators"),
            Part::Advisories => texts.say("nav-advisories"),
            Part::Members => texts.say("nav-members"),
            Part::Sensors => texts.say("nav-sensors"),
            Part::Audit => texts.say("nav-audit"),
            Part::Users => texts.say("nav-users"),
            Part::Account => texts.say("nav-account"),
        }
    }

    /// The letter that leads there after a `g`: of its Norwegian name, whatever the language, so that hands learn one.
    pub fn letter(self) -> char {
        match self {
            Part::Overview => 'o',
            Part::Alerts => 'a',
            Part::Incidents => 's',
            Part::Campaigns => 'k',
            Part::Indicators => 'i',
            Part::Advisories => 'v',
            Part::Members => 'm',
            Part::Sensors => 'e',
            Part::Audit => 'r',
            Part::Users => 'b',
            Part::Account => 'c',
        }
    }
}

/// A part in the bar.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Which.
    pub part: Part,
    /// Where it begins: a page, or a place on one.
    pub address: &'static str,
    /// Pages of it begin with this; none of its own where it is a place on another's page.
    pub below: &'static [&'static str],
    /// Who sees it.
    pub kinds: &'static [Kind],
}

const CSIRT: &[Kind] = &[Kind::Csirt];
const ALL_KINDS: &[Kind] = &[Kind::Csirt, Kind::MemberIt, Kind::Management];
const WITH_HANDS: &[Kind] = &[Kind::Csirt, Kind::MemberIt];

/// The parts that are built.
pub const BAR: &[Entry] = &[
    Entry { part: Part::Overview, address: "/", below: &[], kinds: ALL_KINDS },
    Entry { part: Part::Alerts, address: "/alarmer", below: &["/alarmer/"], kinds: WITH_HANDS },
    Entry { part: Part::Incidents, address: "/saker", below: &["/sak/", "/saker/"], kinds: ALL_KINDS },
    Entry { part: Part::Campaigns, address: "/kampanjer", below: &["/kampanje/", "/kampanjer/"], kinds: ALL_KINDS },
    Entry {
        part: Part::Indicators,
        address: "/indikatorer",
        below: &["/indikator/", "/utkast", "/kilder", "/lister"],
        kinds: ALL_KINDS,
    },
    Entry { part: Part::Advisories, address: "/varsel", below: &["/varsel/", "/tiltak"], kinds: ALL_KINDS },
    Entry { part: Part::Members, address: "/medlemmer", below: &["/medlem/"], kinds: CSIRT },
    Entry { part: Part::Sensors, address: "/sensorer", below: &["/sensor/"], kinds: WITH_HANDS },
    Entry { part: Part::Audit, address: "/revisjon", below: &["/revisjon/"], kinds: CSIRT },
    Entry { part: Part::Users, address: "/brukere", below: &["/brukere/"], kinds: CSIRT },
    Entry { part: Part::Account, address: "/konto", below: &["/konto/"], kinds: ALL_KINDS },
];

/// How a link of the bar stands to the page that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// It is this page.
    Page,
    /// This page is below it.
    Below,
    /// It is elsewhere.
    No,
}

impl Here {
    /// As `aria-current` says it.
    pub fn aria(self) -> Option<&'static str> {
        match self {
            Here::Page => Some("page"),
            Here::Below => Some("true"),
            Here::No => None,
        }
    }
}

impl Entry {
    /// How it stands to the page at `path`.
    pub fn here(&self, path: &str) -> Here {
        if self.address == path {
            Here::Page
        } else if self.below.iter().any(|below| path.starts_with(below)) {
            Here::Below
        } else {
            Here::No
        }
    }
}

/// What this kind of reader sees of it.
pub fn bar(kind: Kind) -> impl Iterator<Item = &'static Entry> {
    BAR.iter().filter(move |entry| entry.kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::addresses::PAGES;
    use crate::present::text::Language;

    #[test]
    fn every_entry_leads_to_a_page_that_there_is_in_the_order_of_the_parts() {
        let order = |part: Part| Part::ALL.iter().position(|other| *other == part).unwrap();
        assert!(BAR.is_sorted_by_key(|entry| order(entry.part)));
        for entry in BAR {
            let page = entry.address.split('#').next().unwrap();
            assert!(PAGES.iter().any(|address| address.path == page), "{page}");
            for below in entry.below {
                assert!(PAGES.iter().any(|address| address.path.starts_with(below)), "{below}");
            }
        }
    }

    #[test]
    fn no_two_parts_have_one_letter_or_one_name() {
        for language in Language::ALL {
            let texts = Texts::of(language);
            for (place, part) in Part::ALL.into_iter().enumerate() {
                for other in Part::ALL.into_iter().skip(place + 1) {
                    assert_ne!(part.letter(), other.letter());
                    assert_ne!(part.words(texts), other.words(texts));
                }
            }
        }
    }

    #[test]
    fn one_entry_says_where_a_page_is() {
        let here = |path: &str| -> Vec<Part> {
            bar(Kind::Csirt).filter(|entry| entry.here(path) != Here::No).map(|entry| entry.part).collect()
        };
        assert_eq!(here("/"), [Part::Overview]);
        assert_eq!(here("/sak/7"), [Part::Incidents]);
        assert!(here("/personvern").is_empty());
        assert!(bar(Kind::MemberIt).all(|entry| entry.part != Part::Members));
        assert_eq!(bar(Kind::Stranger).count(), 0);
    }
}
