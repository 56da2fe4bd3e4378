//! Between a format and the database: what is said of a whole file is added to every entry, and what would do harm is left out.

use std::ops::ControlFlow;

use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::canonical::{About, Found};
use super::format::{Format, Item, LeftOut, Withdrawn};
use super::lint::Fixed;
use super::{cut, hidden};
use crate::limits::VERSION_AHEAD_MAX;

/// Goes over entries, one by one.
#[derive(Debug)]
pub struct Importer {
    fixed: Fixed,
    about: About,
    /// What the file says of all of it.
    own_word: Option<Tlp>,
    /// How an entry that could not be read is marked is not known.
    marks_itself: bool,
}

impl Importer {
    /// With what is said of all entries of a file that begins so.
    pub fn new(about: About, format: Format, head: &[u8]) -> Importer {
        let own_word = hidden::own_word(format, head);
        let about = About { tlp: about.tlp.max(own_word), ..about };
        Importer { fixed: Fixed::default(), about, own_word, marks_itself: hidden::marks_itself(format, head) }
    }

    /// The marking that the file says of all of itself at its beginning.
    pub fn own_word(&self) -> Option<Tlp> {
        self.own_word
    }

    /// Whether what cannot be read may be told with its value.
    pub fn may_quote(&self) -> bool {
        !self.marks_itself && hidden::is_shown(self.about.tlp)
    }

    /// Tells the entry as it goes into the database. Where an object's version is left out, what an older one named does not stand
    /// either.
    pub fn take(&self, item: Item, tell: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
        match item {
            Item::Found(place, mut found) => {
                cut::found(&mut found);
                found.about = std::mem::take(&mut found.about).or(&self.about);
                match self.refusal(&found) {
                    None => tell(Item::Found(place, found)),
                    Some(why) => {
                        let left_out = LeftOut { place, text: found.pattern.to_plain(), why };
                        tell(Item::LeftOut(match hidden::is_shown(found.about.tlp) {
                            true => left_out,
                            false => hidden::without_value(left_out),
                        }))?;
                        silence(*found, tell)
                    }
                }
            }
            Item::Harmless(place, mut found) => {
                cut::found(&mut found);
                let object = found.clone();
                tell(Item::Harmless(place, found))?;
                silence(*object, tell)
            }
            Item::Clue(mut clue) => {
                cut::clue(&mut clue);
                clue.tlp = clue.tlp.max(self.about.tlp);
                tell(Item::Clue(clue))
            }
            Item::Withdrawn(mut withdrawn) => {
                cut::withdrawn(&mut withdrawn);
                tell(Item::Withdrawn(withdrawn))
            }
            Item::Silent(mut silent) => {
                cut::withdrawn(&mut silent);
                tell(Item::Silent(silent))
            }
            Item::PassedOver => tell(Item::PassedOver),
            Item::PassedBy(passed, tlp) => {
                let tlp = tlp.max(self.about.tlp);
                let is_shown = hidden::is_shown(tlp);
                tell(Item::PassedBy(if is_shown { passed } else { hidden::without_value(passed) }, tlp))
            }
            Item::LeftOut(left_out) if self.may_quote() => tell(Item::LeftOut(left_out)),
            Item::LeftOut(left_out) => tell(Item::LeftOut(hidden::without_value(left_out))),
        }
    }

    /// Why it is not imported.
    fn refusal(&self, found: &Found) -> Option<String> {
        if let Err(why) = self.fixed.check(&found.pattern) {
            return Some(format!("is not imported: {why}"));
        }
        let never = "is not imported: it holds until before it holds from; nothing would ever match";
        found.about.is_never().then(|| never.to_owned())
    }
}

/// An entry as it counts at `now`. A version that is to come would silence whatever its object says with a clock that is right, so
/// that it counts for nothing and is named; what is taken back is so from now on.
pub fn as_of(item: Item, now: Timestamp) -> Item {
    let is_to_come = |modified: Option<Timestamp>| {
        modified
            .filter(|at| at.0 > now.0.saturating_add(i64::try_from(VERSION_AHEAD_MAX.as_micros()).unwrap_or(i64::MAX)))
    };
    match item {
        Item::Found(place, found) => match is_to_come(found.object.modified) {
            None => Item::Found(place, found),
            Some(at) => {
                let why = format!(
                    "is not imported: this version of it is of {at}, which is to come; a clock is wrong at its source"
                );
                let left_out = LeftOut { place, text: found.pattern.to_plain(), why };
                Item::LeftOut(if hidden::is_shown(found.about.tlp) {
                    left_out
                } else {
                    hidden::without_value(left_out)
                })
            }
        },
        // Told beside what is named.
        Item::Silent(silent) if is_to_come(silent.modified).is_some() => Item::PassedOver,
        Item::Withdrawn(gone) if is_to_come(gone.modified).is_some() => {
            Item::Withdrawn(Withdrawn { modified: Some(now), ..gone })
        }
        item @ (Item::Silent(_)
        | Item::Withdrawn(_)
        | Item::Harmless(..)
        | Item::Clue(_)
        | Item::PassedOver
        | Item::PassedBy(..)
        | Item::LeftOut(_)) => item,
    }
}

/// That an object's version names nothing; of one without a name there is nothing to say.
fn silence(found: Found, tell: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
    match found.object.id.is_empty() {
        true => ControlFlow::Continue(()),
        false => tell(Item::Silent(Withdrawn { object_id: found.object.id, modified: found.object.modified })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::Object;
    use crate::intel::format::{self, Options, Place};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn read(list: &[u8], about: About) -> (Vec<String>, Vec<String>) {
        let importer = Importer::new(about, Format::Plain, list);
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        // What cannot be read to its end is refused, and what came before has been told.
        let _ = format::read(Format::Plain, &Options::default(), &mut Cursor::new(list), &mut |item| {
            importer.take(item, &mut |item| {
                match item {
                    Item::Found(_, found) => good.push(found.pattern.to_plain()),
                    Item::LeftOut(left_out) => bad.push(left_out.to_string()),
                    Item::Withdrawn(_)
                    | Item::Silent(_)
                    | Item::Harmless(..)
                    | Item::PassedOver
                    | Item::PassedBy(..)
                    | Item::Clue(_) => {}
                }
                ControlFlow::Continue(())
            })
        });
        (good, bad)
    }

    #[test]
    fn good_lines_go_in_and_the_others_are_named() {
        let list = "evil.example # c2\n=evil.example\n10.0.0.1\nbl bær.no\n192.0.2.0/24\nno\n";
        let (good, bad) = read(list.as_bytes(), About::default());
        assert_eq!(good, ["evil.example", "=evil.example", "192.0.2.0/24"]);
        assert_eq!(bad.len(), 3);
        assert!(bad[0].starts_with("line 3: \"10.0.0.1\" is not imported: it belongs to 10.0.0.0/8"), "{}", bad[0]);
        assert!(bad[1].starts_with("line 4: \"bl bær.no\" is not an indicator"), "{}", bad[1]);
        assert!(bad[2].starts_with("line 6: \"no\" is not imported: it is a top-level"), "{}", bad[2]);
        let never = About { valid_from: Some(Timestamp(2)), valid_until: Some(Timestamp(2)), ..About::default() };
        assert_eq!(read(b"evil.example", never).1.len(), 1);
    }

    #[test]
    fn t7a_what_is_left_out_is_named_by_its_value_only_where_its_marking_is_known_to_allow_it() {
        let told = |item: Item, tlp: Option<Tlp>, format: Format| {
            let importer = Importer::new(About { tlp, ..About::default() }, format, b"");
            let mut told = Vec::new();
            let _ = importer.take(item, &mut |item| {
                told.push(item);
                ControlFlow::Continue(())
            });
            told
        };
        let found = |tlp| {
            let object = Object { id: "x".into(), modified: Some(Timestamp(5)), text: None };
            let about = About { tlp, ..About::default() };
            Item::Found(Place::Line(1), Box::new(Found { about, object, ..Found::bare("10.1.2.3".parse().unwrap()) }))
        };
        for (own, given, format, is_shown) in [
            (None, None, Format::Plain, true),
            (Some(Tlp::Green), None, Format::Stix, true),
            (Some(Tlp::Red), None, Format::Misp, false),
            (Some(Tlp::Clear), Some(Tlp::AmberStrict), Format::Csv, false),
        ] {
            let told = told(found(own), given, format);
            let [Item::LeftOut(left_out), Item::Silent(silent)] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!(left_out.to_string().contains("10.1.2.3"), is_shown, "{left_out}");
            assert!(left_out.to_string().contains("10.0.0.0/8"), "{left_out}");
            assert_eq!((silent.object_id.as_str(), silent.modified), ("x", Some(Timestamp(5))));
        }
        let unread =
            || Item::LeftOut(LeftOut { place: Place::Line(1), text: "mark!".into(), why: "is nothing".into() });
        for (given, format, is_shown) in [
            (None, Format::Plain, true),
            (Some(Tlp::Green), Format::Misp, false),
            (None, Format::Stix, false),
            (Some(Tlp::Red), Format::Hosts, false),
        ] {
            let told = told(unread(), given, format);
            let [Item::LeftOut(left_out)] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!(left_out.to_string().contains("mark"), is_shown, "{format}: {left_out}");
        }
    }

    #[test]
    fn who_has_enough_is_told_no_more() {
        let mut told = 0;
        format::read(Format::Plain, &Options::default(), &mut Cursor::new("a.example\n".repeat(100)), &mut |_| {
            told += 1;
            if told == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!(told, 3);
    }

    proptest! {
        #[test]
        fn hostile_lists_never_panic(list in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = read(&list, About::default());
        }
    }
}
