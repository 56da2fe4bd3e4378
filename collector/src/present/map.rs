//! The country as one equal square a municipality: who is hit, quiet, blind, or no member. The table of members beside it
//! says the same in words.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use varde_common::id::MemberNumber;

use super::order;
use super::shown::Shown;
use super::text::Texts;
use super::view::size;
use crate::coverage::Coverage;
use crate::store::picture::{IncidentFacts, MemberFacts, Picture};
use crate::workflow::State;

/// Side of a square, with its gap.
const TILE: i64 = 14;

/// Where each municipality's square lies. `assets/tilegrid-2024.json`, CC BY 4.0 © Kartverket.
#[derive(Debug, Clone, Deserialize)]
pub struct Tiles {
    columns: i64,
    rows: i64,
    tiles: Vec<Place>,
}

#[derive(Debug, Clone, Deserialize)]
struct Place {
    kommunenummer: String,
    navn: String,
    col: i64,
    row: i64,
}

impl Tiles {
    /// How many municipalities there are.
    pub fn count(&self) -> usize {
        self.tiles.len()
    }

    /// How many of them are members, by their numbers.
    pub fn count_of<'a>(&self, numbers: impl IntoIterator<Item = &'a str>) -> usize {
        let known: HashSet<&str> = self.tiles.iter().map(|tile| tile.kommunenummer.as_str()).collect();
        numbers.into_iter().filter(|number| known.contains(number)).count()
    }

    /// Reads the grid; an unreadable one is an empty one, found by a test.
    pub fn read(json: &str) -> Tiles {
        serde_json::from_str(json).unwrap_or(Tiles { columns: 0, rows: 0, tiles: Vec::new() })
    }
}

/// One square.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Left.
    pub x: i64,
    /// Top.
    pub y: i64,
    /// Class of its state.
    pub class: &'static str,
    /// Sign of its state.
    pub sign: &'static str,
    /// Name and state in words.
    pub title: Shown,
}

/// How many are in each state, for the key beside the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// Class of the state.
    pub class: &'static str,
    /// Sign of the state.
    pub sign: &'static str,
    /// The state with its number.
    pub words: String,
}

/// One member in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Its number.
    pub number: Shown,
    /// Where its page is; none where its number is none that a page has.
    pub page: Option<String>,
    /// Its name.
    pub name: Shown,
    /// Sign of its state.
    pub sign: &'static str,
    /// Class of its state.
    pub class: &'static str,
    /// Its state.
    pub state: String,
}

/// The map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileMap {
    /// Whole width.
    pub width: i64,
    /// Whole height.
    pub height: i64,
    /// Squares of members.
    pub members: Vec<Tile>,
    /// Squares of the others.
    pub others: Vec<(i64, i64)>,
    /// The key.
    pub key: Vec<KeyLine>,
    /// The same as a table, by name; members without a square (counties, companies) are here too.
    pub table: Vec<MemberRow>,
}

/// How a member stands, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Hit, in a campaign that is open.
    Hit,
    /// Hit, by an incident of its own.
    Alone,
    /// It can see, and nothing is open.
    Quiet,
    /// It cannot see now.
    Blind,
}

impl Standing {
    /// All, in order.
    pub const ALL: [Standing; 4] = [Standing::Hit, Standing::Alone, Standing::Quiet, Standing::Blind];

    /// Class and sign of it.
    pub fn looks(self) -> (&'static str, &'static str) {
        match self {
            Standing::Hit => ("tile-hit", "●"),
            Standing::Alone => ("tile-alone", "◐"),
            Standing::Quiet => ("tile-quiet", "·"),
            Standing::Blind => ("tile-blind", "?"),
        }
    }

    fn word(self, texts: &Texts) -> String {
        match self {
            Standing::Hit => texts.say("map-hit"),
            Standing::Alone => texts.say("map-alone"),
            Standing::Quiet => texts.say("map-quiet"),
            Standing::Blind => texts.say("map-blind"),
        }
    }
}

impl TileMap {
    /// From facts.
    pub fn of(picture: &Picture, coverage: &Coverage, tiles: &Tiles, texts: &Texts) -> TileMap {
        let in_campaign: HashSet<i64> = picture
            .campaigns
            .iter()
            .filter(|c| !c.exercise && !c.is_closed)
            .flat_map(|c| c.hits.iter().map(|hit| hit.member.id))
            .collect();
        // What is closed stands in the lists and shines no more.
        let is_open = |incident: &&IncidentFacts| incident.work.standing.state() != State::Closed;
        let open = picture.incidents.iter().filter(|i| !i.exercise).filter(is_open);
        let alone: HashSet<i64> = open.map(|incident| incident.hit.member.id).collect();
        let standing = |id: i64| {
            if in_campaign.contains(&id) {
                Standing::Hit
            } else if alone.contains(&id) {
                Standing::Alone
            } else if coverage.able.contains(&id) {
                Standing::Quiet
            } else {
                Standing::Blind
            }
        };
        TileMap::drawn(&picture.members, standing, tiles, texts)
    }

    /// Of these members, each as it stands.
    pub fn drawn(all: &[MemberFacts], standing: impl Fn(i64) -> Standing, tiles: &Tiles, texts: &Texts) -> TileMap {
        let by_number: HashMap<&str, i64> = all.iter().map(|m| (m.number.as_str(), m.id)).collect();
        let mut members = Vec::new();
        let mut others = Vec::new();
        for place in &tiles.tiles {
            let (x, y) = (place.col * TILE, place.row * TILE);
            let Some(id) = by_number.get(place.kommunenummer.as_str()) else {
                others.push((x, y));
                continue;
            };
            let state = standing(*id);
            let (class, sign) = state.looks();
            members.push(Tile {
                x,
                y,
                class,
                sign,
                title: Shown::of(&format!("{}: {}", place.navn, state.word(texts))),
            });
        }
        let total = size(all.len());
        let key = Standing::ALL
            .into_iter()
            .map(|state| {
                let (class, sign) = state.looks();
                let count = size(all.iter().filter(|member| standing(member.id) == state).count());
                let words = format!(
                    "{}: {}",
                    state.word(texts),
                    texts.numbers("of-total", &[("count", count), ("total", total)])
                );
                KeyLine { class, sign, words }
            })
            .collect();
        let mut named: Vec<&MemberFacts> = all.iter().collect();
        named.sort_by_cached_key(|member| (order::key(&member.name), member.number.as_str()));
        let table = named
            .into_iter()
            .map(|member| {
                let state = standing(member.id);
                let (class, sign) = state.looks();
                MemberRow {
                    number: Shown::of(&member.number),
                    page: member.number.parse::<MemberNumber>().ok().map(|number| format!("/medlem/{number}")),
                    name: Shown::of(&member.name),
                    sign,
                    class,
                    state: state.word(texts),
                }
            })
            .collect();
        TileMap { width: tiles.columns * TILE, height: tiles.rows * TILE, members, others, key, table }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::asset;

    #[test]
    fn the_grid_has_every_municipality_once_and_none_upon_another() {
        let tiles = Tiles::read(asset::TILE_GRID);
        assert_eq!(tiles.tiles.len(), 357);
        let places: HashSet<(i64, i64)> = tiles.tiles.iter().map(|tile| (tile.col, tile.row)).collect();
        let numbers: HashSet<&str> = tiles.tiles.iter().map(|tile| tile.kommunenummer.as_str()).collect();
        assert_eq!((places.len(), numbers.len()), (357, 357));
        assert!(places.iter().all(|&(c, r)| (0..tiles.columns).contains(&c) && (0..tiles.rows).contains(&r)));
    }
}
