//! The front page of a member's management: is it hit, what is being done, whom to ring. Three answers, no hosts, and no link that is
//! refused.

use askama::Template;

use super::home::{open_incidents, others_words};
use super::light::LightView;
use super::member_forms::role_words;
use super::page::{Extent, Head};
use super::shown::{Moment, Shown};
use super::text::{Language, Texts};
use super::view::{Reader, incident_title, size};
use super::work::{state_words, status_words};
use crate::profile::{Profile, Role, Telephone};
use crate::store::home::ToDo;
use crate::store::picture::Picture;

/// Who is rung, in this order: whoever is awake first.
const RUNG: [Role; 5] = [Role::OnCall, Role::It, Role::Security, Role::Privacy, Role::Management];

/// A telephone number: as it is read, and as a telephone dials it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// As it is written in Norway.
    pub shown: String,
    /// Behind `tel:`.
    pub dialled: String,
}

impl Number {
    fn of(telephone: &Telephone) -> Number {
        Number { shown: telephone.to_string(), dialled: telephone.as_str().to_owned() }
    }
}

/// Somebody to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// For what.
    pub role: String,
    /// Who.
    pub name: Shown,
    /// In office hours.
    pub telephone: Option<Number>,
    /// Outside them.
    pub out_of_hours: Option<Number>,
}

/// What was found, one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLine {
    /// What it is called.
    pub title: Shown,
    /// Since when.
    pub first: Moment,
    /// Where the work stands.
    pub state: String,
    /// How many others meet the same.
    pub others: Option<String>,
}

/// What is done about it, one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneLine {
    /// What.
    pub text: Shown,
    /// How it stands.
    pub status: String,
    /// Since when.
    pub at: Moment,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadershipView {
    /// Whose.
    pub member: Shown,
    /// When this was.
    pub made: Moment,
    /// Whether it is hit.
    pub light: LightView,
    /// What was found.
    pub found: Vec<FoundLine>,
    /// What is done.
    pub done: Vec<DoneLine>,
    /// How many advisories nobody has confirmed to have read, in words; none = none.
    pub unread: Option<String>,
    /// Whom to ring there.
    pub rings: Vec<Ring>,
    /// The response team.
    pub operator: Shown,
    /// Its telephone.
    pub telephone: Option<Number>,
}

impl LeadershipView {
    /// From facts.
    pub fn of(
        picture: &Picture,
        (member, profile): (&str, &Profile),
        (to_do, unread): (&[ToDo], usize),
        telephone: Option<&Telephone>,
        reader: &Reader,
    ) -> LeadershipView {
        let texts = reader.texts;
        let found = open_incidents(picture).into_iter().map(|facts| FoundLine {
            title: incident_title(facts, None, texts),
            first: reader.calendar.moment(facts.hit.first_seen),
            state: state_words(facts.work.standing, texts),
            others: others_words(facts, picture, texts),
        });
        let done = to_do.iter().flat_map(|one| &one.stands).map(|one| DoneLine {
            text: Shown::whole(&one.text),
            status: status_words(one.status, texts),
            at: reader.calendar.moment(one.at),
        });
        let rings = RUNG.into_iter().filter_map(|role| {
            let contact = profile.contacts.get(&role)?;
            let number = |number: &Option<Telephone>| number.as_ref().map(Number::of);
            let (telephone, out_of_hours) = (number(&contact.telephone), number(&contact.out_of_hours));
            (telephone.is_some() || out_of_hours.is_some()).then(|| Ring {
                role: role_words(role, texts),
                name: Shown::of(&contact.name),
                telephone,
                out_of_hours,
            })
        });
        LeadershipView {
            member: Shown::of(member),
            made: reader.calendar.moment(reader.now),
            light: LightView::of(picture, reader.now, texts),
            found: found.collect(),
            done: done.collect(),
            unread: (unread > 0).then(|| texts.count("leadership-unread", size(unread))),
            rings: rings.collect(),
            operator: Shown::of(picture.operator.as_deref().unwrap_or_default()),
            telephone: telephone.map(Number::of),
        }
    }
}

#[derive(Template)]
#[template(path = "leadership.html", blocks = ["content"])]
struct LeadershipPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a LeadershipView,
}

/// The front page of a member's management.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn leadership_page(head: &Head, view: &LeadershipView, extent: Extent) -> askama::Result<String> {
    let page = LeadershipPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}
