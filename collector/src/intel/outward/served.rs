//! What was served of a MISP event, and what of it is gone: a server that reads a feed keeps what it is not told of, so that whatever was
//! served once and is no more is said to be deleted for some months.

use std::collections::{BTreeMap, HashMap};

use varde_common::time::Timestamp;

use crate::limits::feed::{FEED_EVENT_ATTRIBUTES, FEED_GONE_KEPT, FEED_GONE_MAX};

/// A piece as it was last served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Hash of what it said.
    pub content: [u8; 32],
    /// Rises where the content is another: of a zone its serial, of an event its time in seconds.
    pub version: i64,
    /// Of a MISP event what it had; of other pieces none.
    pub event: Option<Had>,
}

/// What a MISP event had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Had {
    /// What it is called.
    pub info: String,
    /// The numbers of the indicators in it, in order.
    pub live: Vec<i64>,
    /// Those that it had once, in order, each with since when it has not.
    pub gone: Vec<(i64, Timestamp)>,
}

/// Every piece by its name.
pub type Versions = HashMap<String, Served>;

impl Had {
    /// Numbers as the database keeps them.
    pub fn live_octets(&self) -> Vec<u8> {
        self.live.iter().flat_map(|id| id.to_be_bytes()).collect()
    }

    /// The same of those that are gone.
    pub fn gone_octets(&self) -> Vec<u8> {
        self.gone.iter().flat_map(|(id, since)| [id.to_be_bytes(), since.0.to_be_bytes()]).flatten().collect()
    }

    /// What the database keeps, read; what is cut off is passed over.
    pub fn read(info: String, live: &[u8], gone: &[u8]) -> Had {
        let (live, _) = live.as_chunks::<8>();
        let (gone, _) = gone.as_chunks::<8>();
        let live = live.iter().map(|octets| i64::from_be_bytes(*octets)).collect();
        let (pairs, _) = gone.as_chunks::<2>();
        let pair = |[id, since]: &[[u8; 8]; 2]| (i64::from_be_bytes(*id), Timestamp(i64::from_be_bytes(*since)));
        Had { info, live, gone: pairs.iter().map(pair).collect() }
    }
}

/// What is to be said of what is gone, while feeds are made.
#[derive(Debug)]
pub struct Gone {
    now: Timestamp,
    /// What went then or earlier is told no more.
    until: Timestamp,
    /// How many more may be new.
    room: usize,
    /// How many were let go for want of room.
    pub let_go: usize,
}

impl Gone {
    /// As of now, with what was served before.
    pub fn new(before: &Versions, now: Timestamp) -> Gone {
        let until = now.minus(FEED_GONE_KEPT);
        let events = before.values().filter_map(|served| served.event.as_ref());
        let mut since: Vec<Timestamp> = events.flat_map(|had| had.gone.iter().map(|(_, since)| *since)).collect();
        since.retain(|since| *since > until);
        let beyond = since.len().saturating_sub(FEED_GONE_MAX);
        let until =
            match beyond.checked_sub(1).and_then(|at| (at < since.len()).then(|| *since.select_nth_unstable(at).1)) {
                Some(last) => last,
                None => until,
            };
        let let_go = if beyond > 0 { since.iter().filter(|since| **since <= until).count() } else { 0 };
        Gone { now, until, room: FEED_GONE_MAX, let_go }
    }

    /// What an event that has these now, in whatever order, has no more.
    pub fn of(&mut self, had: &Had, live: &[i64]) -> Vec<(i64, Timestamp)> {
        let mut live: Vec<i64> = live.to_vec();
        live.sort_unstable();
        let is_live = |id: &i64| live.binary_search(id).is_ok();
        let mut gone: BTreeMap<i64, Timestamp> = BTreeMap::new();
        gone.extend(had.gone.iter().copied().filter(|(id, since)| *since > self.until && !is_live(id)));
        for id in had.live.iter().filter(|id| !is_live(id)) {
            match self.room.checked_sub(1) {
                Some(room) => {
                    self.room = room;
                    gone.insert(*id, self.now);
                }
                None => self.let_go += 1,
            }
        }
        let most = usize::try_from(FEED_EVENT_ATTRIBUTES).unwrap_or(usize::MAX);
        let mut gone: Vec<(i64, Timestamp)> = gone.into_iter().collect();
        if gone.len() > most {
            gone.sort_by_key(|(_, since)| std::cmp::Reverse(*since));
            self.let_go += gone.len() - most;
            gone.truncate(most);
            gone.sort_unstable();
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    fn had(live: &[i64], gone: &[(i64, i64)]) -> Had {
        let gone = gone.iter().map(|(id, since)| (*id, Timestamp(*since))).collect();
        Had { info: "Lure".to_owned(), live: live.to_vec(), gone }
    }

    fn versions(event: Had) -> Versions {
        Versions::from([("x".to_owned(), Served { content: [0; 32], version: 1, event: Some(event) })])
    }

    #[test]
    fn what_the_database_keeps_is_read_as_it_was_and_what_is_cut_off_harms_nothing() {
        let had = had(&[1, i64::MAX], &[(7, 5), (9, -5)]);
        let (live, gone) = (had.live_octets(), had.gone_octets());
        assert_eq!(Had::read("Lure".to_owned(), &live, &gone), had);
        let cut = Had::read(String::new(), &live[..9], &gone[..20]);
        assert_eq!((cut.live, cut.gone), (vec![1], vec![(7, Timestamp(5))]));
    }

    #[test]
    fn f2_what_an_event_had_is_gone_until_it_is_there_again_or_months_are_over() {
        let just = NOW.minus(FEED_GONE_KEPT - Duration::from_secs(1)).0;
        let over = NOW.minus(FEED_GONE_KEPT).0;
        let before = had(&[1, 2, 3], &[(4, just), (5, over), (6, just)]);
        let mut gone = Gone::new(&versions(before.clone()), NOW);
        assert_eq!(gone.of(&before, &[6, 2]), [(1, NOW), (3, NOW), (4, Timestamp(just))]);
        assert_eq!(gone.let_go, 0);
    }

    #[test]
    fn f2_more_than_there_is_room_for_lets_the_oldest_go_and_counts_it() {
        let most = i64::try_from(FEED_GONE_MAX).unwrap();
        let since = |id: i64| NOW.0 - 1_000_000 + id;
        let old: Vec<(i64, i64)> = (0..most + 3).map(|id| (id, since(id))).collect();
        let (one, other) = (had(&[], &old[..2_000]), had(&[], &old[2_000..]));
        let mut both = versions(one.clone());
        both.extend([("y".to_owned(), Served { content: [0; 32], version: 1, event: Some(other) })]);
        let mut gone = Gone::new(&both, NOW);
        assert_eq!((gone.of(&one, &[]).first().copied(), gone.let_go), (Some((3, Timestamp(since(3)))), 3));
        gone.room = 1;
        assert_eq!(gone.of(&had(&[8, 9], &[]), &[]), [(8, NOW)]);
        assert_eq!(gone.let_go, 4);
        let many = had(&(0..6_000).collect::<Vec<i64>>(), &[]);
        let mut gone = Gone::new(&versions(many.clone()), NOW);
        assert_eq!((gone.of(&many, &[]).len(), gone.let_go), (5_000, 1_000));
    }
}
