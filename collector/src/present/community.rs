//! The page of all members: the map with how they stand, and the table beside it, narrowed and sorted by what the address says.

use askama::Template;
use url::form_urlencoded;
use varde_common::id::MemberNumber;

use super::fleet::lives;
use super::map::{KeyLine, Standing, TileMap, Tiles};
use super::order;
use super::page::{Extent, Head};
use super::reach::age_words;
use super::sensor::State;
use super::shown::{Moment, Shown};
use super::text::{Language, Texts};
use super::view::{Reader, size};
use crate::county::{self, COUNTIES};
use crate::coverage::Coverage;
use crate::limits::people::ASKED_MAX_CHARACTERS;
use crate::store::community::{Community, Open};
use crate::store::picture::{MemberFacts, SensorFacts};
use varde_common::time::Timestamp;

/// Where it is.
pub const MEMBERS: &str = "/medlemmer";

/// How members can be asked for by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Something is open there.
    Hit,
    /// It cannot see now.
    Blind,
    /// It can, and nothing is open.
    Well,
}

impl How {
    const ALL: [How; 3] = [How::Hit, How::Blind, How::Well];

    fn as_str(self) -> &'static str {
        match self {
            How::Hit => "rammet",
            How::Blind => "stille",
            How::Well => "alt-vel",
        }
    }

    fn of(standing: Standing) -> How {
        match standing {
            Standing::Hit | Standing::Alone => How::Hit,
            Standing::Quiet => How::Well,
            Standing::Blind => How::Blind,
        }
    }

    fn words(self, texts: &Texts) -> String {
        match self {
            How::Hit => texts.say("members-hit"),
            How::Blind => texts.say("members-blind"),
            How::Well => texts.say("members-well"),
        }
    }
}

/// In which order they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sorting {
    /// By name, as in a Norwegian register.
    #[default]
    Name,
    /// By number.
    Number,
    /// Most open incidents first.
    Incidents,
    /// Longest not heard first.
    Heard,
}

impl Sorting {
    const ALL: [Sorting; 4] = [Sorting::Name, Sorting::Number, Sorting::Incidents, Sorting::Heard];

    fn as_str(self) -> &'static str {
        match self {
            Sorting::Name => "navn",
            Sorting::Number => "nummer",
            Sorting::Incidents => "saker",
            Sorting::Heard => "hort",
        }
    }

    fn words(self, texts: &Texts) -> String {
        match self {
            Sorting::Name => texts.say("col-name"),
            Sorting::Number => texts.say("col-number"),
            Sorting::Incidents => texts.say("members-sort-incidents"),
            Sorting::Heard => texts.say("members-sort-heard"),
        }
    }
}

/// What the address asks for; what it does not know counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MembersAsked {
    /// Part of a name, or the beginning of a number.
    pub text: String,
    /// The digits of a county.
    pub county: Option<&'static str>,
    /// How they stand.
    pub how: Option<How>,
    /// In which order.
    pub sorting: Sorting,
}

impl MembersAsked {
    /// Reads a query.
    pub fn read(query: &str) -> MembersAsked {
        let mut asked = MembersAsked::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "q" => asked.text = value.trim().chars().take(ASKED_MAX_CHARACTERS).collect(),
                "fylke" => asked.county = COUNTIES.iter().map(|(digits, _)| *digits).find(|digits| *digits == value),
                "tilstand" => asked.how = How::ALL.into_iter().find(|how| how.as_str() == value),
                "sorter" => {
                    asked.sorting = Sorting::ALL.into_iter().find(|known| known.as_str() == value).unwrap_or_default();
                }
                _ => {}
            }
        }
        asked
    }

    fn narrows(&self) -> bool {
        !self.text.is_empty() || self.county.is_some() || self.how.is_some()
    }

    fn fits(&self, member: &MemberFacts, standing: Standing) -> bool {
        let text = self.text.to_lowercase();
        let named = text.is_empty() || member.name.to_lowercase().contains(&text) || member.number.starts_with(&text);
        let county = self.county.is_none_or(|digits| county::of(&member.number).is_some_and(|(own, _)| own == digits));
        named && county && self.how.is_none_or(|how| how == How::of(standing))
    }
}

/// A choice in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As the address has it.
    pub value: &'static str,
    /// What it says.
    pub words: String,
    /// It is what is shown.
    pub chosen: bool,
}

/// A member's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunityRow {
    /// Its number.
    pub number: Shown,
    /// Where its page is; none where its number is none that a page has.
    pub page: Option<String>,
    /// Its name.
    pub name: Shown,
    /// Its county; a dash for what is no municipality.
    pub county: &'static str,
    /// Class of its state.
    pub class: &'static str,
    /// Sign of its state.
    pub sign: &'static str,
    /// Its state.
    pub state: String,
    /// Sensors that are heard and see, of those it has.
    pub sensors: String,
    /// Whether one of them is not, or there is none.
    pub lacking: bool,
    /// Age of its sensors' oldest list.
    pub list: String,
    /// Open incidents.
    pub open: String,
    /// When one of its sensors was last heard.
    pub heard: Option<Moment>,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunityView {
    /// The country.
    pub map: TileMap,
    /// How many are in each state, with the sign of it.
    pub key: Vec<KeyLine>,
    /// How many municipalities are no members.
    pub outside: String,
    /// "Viser 3 av 4 medlemmer".
    pub total: String,
    /// Whether the list is narrowed.
    pub narrowed: bool,
    /// What is looked for.
    pub text: Shown,
    /// Counties to choose from.
    pub counties: Vec<Choice>,
    /// States to choose from.
    pub states: Vec<Choice>,
    /// Orders to choose from.
    pub orders: Vec<Choice>,
    /// The lines.
    pub rows: Vec<CommunityRow>,
}

/// What is known of a member beside its name.
struct Stand<'a> {
    member: &'a MemberFacts,
    standing: Standing,
    open: Open,
    /// Its sensors that have come and are not shut out.
    sensors: Vec<&'a SensorFacts>,
    heard: Option<Timestamp>,
}

fn key(map: &TileMap, texts: &Texts) -> Vec<KeyLine> {
    let words = |standing: Standing| match standing {
        Standing::Hit => texts.say("members-key-hit"),
        Standing::Alone => texts.say("members-key-alone"),
        Standing::Quiet => texts.say("members-key-well"),
        Standing::Blind => texts.say("members-key-blind"),
    };
    let line = |standing: Standing| {
        let (class, sign) = standing.looks();
        let count = size(map.table.iter().filter(|row| row.class == class).count());
        let of = [("count", count), ("total", size(map.table.len()))];
        KeyLine { class, sign, words: format!("{}: {}", words(standing), texts.numbers("of-total", &of)) }
    };
    Standing::ALL.into_iter().map(line).collect()
}

fn row(stand: &Stand<'_>, reader: &Reader) -> CommunityRow {
    let (texts, Stand { member, standing, open, sensors, heard }) = (reader.texts, stand);
    let (class, sign) = standing.looks();
    let well = sensors.iter().filter(|sensor| State::of(sensor, reader.now).is_well()).count();
    let lists: Option<Vec<Timestamp>> = sensors.iter().map(|sensor| sensor.trust.list_published_at).collect();
    let oldest = lists.and_then(|lists| lists.into_iter().min());
    CommunityRow {
        number: Shown::of(&member.number),
        page: member.number.parse::<MemberNumber>().ok().map(|number| format!("/medlem/{number}")),
        name: Shown::of(&member.name),
        county: county::of(&member.number).map_or("–", |(_, name)| name),
        class,
        sign,
        state: How::of(*standing).words(texts),
        sensors: match sensors.len() {
            0 => texts.say("members-no-sensor"),
            all => texts.numbers("of-total", &[("count", size(well)), ("total", size(all))]),
        },
        lacking: well < sensors.len() || sensors.is_empty(),
        list: match sensors.is_empty() {
            true => "–".to_owned(),
            false => age_words(oldest, reader.now, texts).unwrap_or_else(|| texts.say("members-no-list")),
        },
        open: if open.incidents == 0 { texts.say("members-none-open") } else { super::shown::number(open.incidents) },
        heard: heard.map(|at| reader.calendar.moment(at)),
    }
}

impl CommunityView {
    /// From facts, as it is asked for.
    pub fn of(community: &Community, asked: &MembersAsked, tiles: &Tiles, reader: &Reader) -> CommunityView {
        let (texts, picture) = (reader.texts, &community.picture);
        let coverage = Coverage::now(picture, reader.now);
        let open = |id: i64| community.open.get(&id).copied().unwrap_or_default();
        let standing = |id: i64| match open(id) {
            Open { in_campaigns: 1.., .. } => Standing::Hit,
            Open { incidents: 1.., .. } => Standing::Alone,
            _ if coverage.able.contains(&id) => Standing::Quiet,
            _ => Standing::Blind,
        };
        let map = TileMap::drawn(&picture.members, standing, tiles, texts);
        let mut stands: Vec<Stand<'_>> = picture
            .members
            .iter()
            .filter(|member| asked.fits(member, standing(member.id)))
            .map(|member| {
                let own = |sensor: &&SensorFacts| sensor.member_id == member.id || sensor.watches.contains(&member.id);
                let sensors: Vec<&SensorFacts> =
                    picture.sensors.iter().filter(own).filter(|sensor| lives(sensor)).collect();
                let heard = sensors.iter().filter_map(|sensor| sensor.last_seen_at).max();
                Stand { member, standing: standing(member.id), open: open(member.id), sensors, heard }
            })
            .collect();
        stands.sort_by_cached_key(|stand| (order::key(&stand.member.name), stand.member.number.clone()));
        match asked.sorting {
            Sorting::Name => {}
            Sorting::Number => stands.sort_by(|a, b| a.member.number.cmp(&b.member.number)),
            Sorting::Incidents => stands.sort_by_key(|stand| std::cmp::Reverse(stand.open.incidents)),
            Sorting::Heard => stands.sort_by_key(|stand| stand.heard),
        }
        let members = tiles.count_of(picture.members.iter().map(|member| member.number.as_str()));
        let of = [("count", size(tiles.count().saturating_sub(members))), ("total", size(tiles.count()))];
        let shown = [("count", size(stands.len())), ("total", size(picture.members.len()))];
        let mut counties: Vec<Choice> = COUNTIES
            .into_iter()
            .map(|(value, name)| Choice { value, words: name.to_owned(), chosen: asked.county == Some(value) })
            .collect();
        counties.sort_by_cached_key(|choice| order::key(&choice.words));
        let states =
            How::ALL.map(|how| Choice { value: how.as_str(), words: how.words(texts), chosen: asked.how == Some(how) });
        let orders = Sorting::ALL.map(|sorting| Choice {
            value: sorting.as_str(),
            words: sorting.words(texts),
            chosen: asked.sorting == sorting,
        });
        CommunityView {
            key: key(&map, texts),
            map,
            outside: texts.numbers("members-outside", &of),
            total: texts.numbers("members-shown", &shown),
            narrowed: asked.narrows(),
            text: Shown::of(&asked.text),
            counties,
            states: states.into(),
            orders: orders.into(),
            rows: stands.iter().map(|stand| row(stand, reader)).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "members.html", blocks = ["content"])]
struct MembersPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a CommunityView,
}

/// The page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn page(head: &Head, view: &CommunityView, extent: Extent) -> askama::Result<String> {
    let page = MembersPage { head, t: head.texts(), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::asset::TILE_GRID;
    use crate::present::shown::Calendar;
    use crate::store::picture::{ListFacts, Picture};
    use std::collections::HashMap;

    fn member(id: i64, number: &str, name: &str) -> MemberFacts {
        MemberFacts { id, number: number.to_owned(), name: name.to_owned(), supplier: None }
    }

    fn shown(query: &str) -> CommunityView {
        let members = vec![
            member(1, "4626", "Øygarden"),
            member(2, "3407", "Gjøvik"),
            member(3, "5636", "Porsáŋgu"),
            member(4, "987654321", "IKT Øst IKS"),
        ];
        let list = Some(ListFacts { revision: 1, count: 1, published_at: Timestamp(1) });
        let picture = Picture { members, list, ..Picture::default() };
        let open =
            HashMap::from([(1, Open { incidents: 2, in_campaigns: 1 }), (3, Open { incidents: 1, in_campaigns: 0 })]);
        let language = Language::Bokmaal;
        let reader = Reader {
            texts: Texts::of(language),
            calendar: Calendar::new(language),
            now: Timestamp(1_795_219_200_000_000),
        };
        CommunityView::of(&Community { picture, open }, &MembersAsked::read(query), &Tiles::read(TILE_GRID), &reader)
    }

    fn names(query: &str) -> Vec<String> {
        shown(query).rows.iter().map(|row| row.name.as_str().to_owned()).collect()
    }

    #[test]
    fn members_are_narrowed_and_sorted_as_the_address_says() {
        assert_eq!(names(""), ["Gjøvik", "IKT Øst IKS", "Porsáŋgu", "Øygarden"]);
        assert_eq!(names("sorter=nummer"), ["Gjøvik", "Øygarden", "Porsáŋgu", "IKT Øst IKS"]);
        assert_eq!(names("sorter=saker"), ["Øygarden", "Porsáŋgu", "Gjøvik", "IKT Øst IKS"]);
        assert_eq!(names("q=g"), ["Gjøvik", "Porsáŋgu", "Øygarden"]);
        assert_eq!(names("q=56"), ["Porsáŋgu"]);
        assert_eq!(names("fylke=46"), ["Øygarden"]);
        assert_eq!(names("tilstand=rammet"), ["Porsáŋgu", "Øygarden"]);
        assert_eq!(names("tilstand=stille"), ["Gjøvik", "IKT Øst IKS"]);
        assert_eq!(names("tilstand=alt-vel"), [] as [&str; 0]);
        assert_eq!(names("fylke=99&tilstand=x&sorter=y&z").len(), 4, "what is not known counts for nothing");
    }

    #[test]
    fn every_number_has_its_denominator_and_every_state_its_word_and_sign() {
        let view = shown("tilstand=rammet");
        let key: Vec<(&str, &str)> = view.key.iter().map(|line| (line.sign, line.words.as_str())).collect();
        assert!(key.iter().all(|(_, words)| words.ends_with(" av 4")), "{key:?}");
        assert_eq!(key.iter().map(|(sign, _)| *sign).collect::<Vec<_>>(), ["●", "◐", "·", "?"]);
        assert!(view.outside.contains("354") && view.outside.contains("357"), "{}", view.outside);
        assert!(view.total.contains('2') && view.total.contains('4'), "{}", view.total);
        let [first, ..] = view.rows.as_slice() else { panic!("no row") };
        assert_eq!((first.county, first.open.as_str(), first.sensors.as_str()), ("Finnmark", "1", "ingen"));
        assert!(first.lacking);
    }
}
