//! One member's page: whom to call and whether that is still right, what is its own, and which sensors watch it.

use super::member_forms::{MemberForms, role_words};
use super::shown::{Moment, Shown};
use super::silence::SilenceView;
use super::text::Texts;
use super::view::Reader;
use crate::limits::CONTACT_CONFIRMED_WITHIN;
use crate::profile::{Contact, Language, Profile, Role};
use crate::store::Scope;
use crate::store::member::{FormerNumber, MemberRow};
use crate::store::silence::SilenceRow;
use crate::store::site::SiteRow;

/// Somebody to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// For what.
    pub role: String,
    /// Who.
    pub name: Shown,
    /// In office hours.
    pub telephone: String,
    /// Outside them.
    pub out_of_hours: String,
    /// E-mail.
    pub email: Shown,
    /// When somebody last found it to be right.
    pub confirmed: Option<Moment>,
    /// What is to be said against it: never confirmed, or long ago.
    pub doubt: Option<String>,
}

/// A sensor that watches a network of the member's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteLine {
    /// The sensor.
    pub sensor: i64,
    /// Which site, whose sensor, and how it stands.
    pub words: String,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Its number.
    pub number: Shown,
    /// Its name.
    pub name: Shown,
    /// What it was called before.
    pub former: Vec<String>,
    /// The form of Norwegian it is written to in.
    pub language: String,
    /// Whether digitalsikkerhetsloven covers it.
    pub covered: String,
    /// The shared network it is behind.
    pub supplier: Shown,
    /// Its domains.
    pub domains: Shown,
    /// Its networks on the internet.
    pub networks: Shown,
    /// Whom to call.
    pub contacts: Vec<ContactRow>,
    /// Which sensors watch it.
    pub sites: Vec<SiteLine>,
    /// What keeps those from seeing or from being heard.
    pub silence: SilenceView,
    /// What whoever looks may change; none = nothing.
    pub forms: Option<MemberForms>,
}

impl MemberView {
    /// From what is known. `sites` are the member's, each with the sensor's own member.
    pub fn of(
        member: &MemberRow,
        profile: &Profile,
        sites: &[SiteRow],
        silences: &[SilenceRow],
        scope: Scope,
        reader: &Reader,
    ) -> MemberView {
        let texts = reader.texts;
        let Profile { language, covered, supplier, domains, networks, contacts: _ } = profile;
        let list = |items: Vec<String>| {
            Shown::of(&if items.is_empty() { texts.say("member-none-known") } else { items.join(", ") })
        };
        let number = Shown::of(&member.number);
        MemberView {
            name: Shown::of(&member.name),
            former: member.former_numbers.iter().map(|former| was(former, reader)).collect(),
            language: match language {
                Language::Bokmaal => texts.say("member-bokmaal"),
                Language::Nynorsk => texts.say("member-nynorsk"),
                Language::Neutral => texts.say("member-neutral"),
            },
            covered: match covered {
                Some(true) => texts.say("member-covered-yes"),
                Some(false) => texts.say("member-covered-no"),
                None => texts.say("member-covered-unknown"),
            },
            supplier: Shown::of(&supplier.clone().unwrap_or_else(|| texts.say("member-supplier-none"))),
            domains: list(domains.iter().cloned().collect()),
            networks: list(networks.iter().map(ToString::to_string).collect()),
            contacts: contact_rows(profile, reader),
            sites: sites.iter().map(|site| line(site, member, texts)).collect(),
            silence: SilenceView::of(silences, scope, reader),
            forms: None,
            number,
        }
    }
}

fn was(former: &FormerNumber, reader: &Reader) -> String {
    let FormerNumber { number, name, until } = former;
    let (name, number, until) = (Shown::of(name), Shown::of(number), reader.calendar.moment(*until));
    let words = [("name", name.as_str()), ("number", number.as_str()), ("until", until.shown.as_str())];
    reader.texts.with("member-former", &words)
}

/// Whom to call at a member.
pub fn contact_rows(profile: &Profile, reader: &Reader) -> Vec<ContactRow> {
    profile.contacts.iter().map(|(role, contact)| row(*role, contact, reader)).collect()
}

fn row(role: Role, contact: &Contact, reader: &Reader) -> ContactRow {
    let texts = reader.texts;
    let Contact { name, telephone, out_of_hours, email, confirmed_at } = contact;
    let number = |number: &Option<crate::profile::Telephone>| {
        number.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string)
    };
    ContactRow {
        role: role_words(role, texts),
        name: Shown::of(name),
        telephone: number(telephone),
        out_of_hours: number(out_of_hours),
        email: Shown::of(email.as_deref().unwrap_or("–")),
        confirmed: confirmed_at.map(|at| reader.calendar.day(at)),
        doubt: match confirmed_at {
            None => Some(texts.say("contact-never-confirmed")),
            Some(at) if *at < reader.now.minus(CONTACT_CONFIRMED_WITHIN) => {
                Some(texts.say("contact-confirmed-long-ago"))
            }
            Some(_) => None,
        },
    }
}

fn line(site: &SiteRow, member: &MemberRow, texts: &Texts) -> SiteLine {
    let number = site.site.to_string();
    let own = site.member == member.number;
    let owner = Shown::of(&site.member_name);
    let places = [("site", number.as_str()), ("owner", owner.as_str())];
    let whose = match (own, site.site) {
        (true, 0) => texts.say("site-home"),
        (true, _) => texts.with("site-own", &[("site", number.as_str())]),
        (false, _) => texts.with("site-of-other", &places),
    };
    let words = match (site.revoked, site.watches()) {
        (true, _) => format!("{whose}. {}", texts.say("site-revoked")),
        (false, true) => whose,
        (false, false) => format!("{whose}. {}", texts.say("site-not-named")),
    };
    SiteLine { sensor: site.sensor, words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::shown::Calendar;
    use crate::present::text::Language as ScreenLanguage;
    use varde_common::time::Timestamp;

    #[test]
    fn a_contact_in_doubt_and_a_site_that_nobody_watches_are_told() {
        let now = Timestamp(1_795_219_200_000_000);
        let language = ScreenLanguage::Bokmaal;
        let reader = Reader { texts: Texts::of(language), calendar: Calendar::new(language), now };
        let member = MemberRow {
            id: 1,
            number: "3407".to_owned(),
            name: "Gjøvik".to_owned(),
            added_at: now,
            sensors: 1,
            language: "neutral".to_owned(),
            covered: None,
            supplier: None,
            former_numbers: vec![FormerNumber { number: "0502".to_owned(), name: "Gjøvik".to_owned(), until: now }],
        };
        let mut profile = Profile::default();
        for (role, confirmed_at) in
            [(Role::It, None), (Role::OnCall, Some(now)), (Role::Privacy, Some(Timestamp(1_600_000_000_000_000)))]
        {
            profile.contacts.insert(role, Contact { name: "Kari".to_owned(), confirmed_at, ..Contact::default() });
        }
        let site = |site, member: &str, named, revoked| SiteRow {
            sensor: 3,
            site,
            member: member.to_owned(),
            member_name: "Oslo".to_owned(),
            named,
            revoked,
        };
        let sites = [site(0, "3407", false, false), site(4, "0301", false, false), site(5, "0301", true, true)];
        let view = MemberView::of(&member, &profile, &sites, &[], Scope::Operator, &reader);
        let doubts: Vec<bool> = view.contacts.iter().map(|contact| contact.doubt.is_some()).collect();
        assert_eq!(doubts, [true, false, true]);
        let confirmed: Vec<_> = view.contacts.iter().map(|contact| contact.confirmed.as_ref()).collect();
        assert_eq!(confirmed[1].map(|day| day.shown.as_str()), Some("21.11.2026"), "a day has no hour");
        assert_eq!(view.former, ["Het Gjøvik (0502) til 21.11.2026 kl. 01:00"]);
        let words: Vec<&str> = view.sites.iter().map(|site| site.words.as_str()).collect();
        assert_eq!(words[0], "eget nett");
        assert!(
            words[1].contains("sted 4") && words[1].contains("Oslo") && words[1].contains("agent.toml"),
            "{words:?}"
        );
        assert!(words[2].contains("sperret"), "{words:?}");
    }
}
