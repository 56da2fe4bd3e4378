//! Between a format and the database: what is said of a whole file is added to every entry, and what would do harm is left out.

use super::canonical::About;
use super::format::{Item, LeftOut};
use super::lint::Fixed;

/// Goes over entries, one by one.
#[derive(Debug)]
pub struct Importer {
    fixed: Fixed,
    about: About,
}

impl Importer {
    /// With what is said of all entries.
    pub fn new(about: About) -> Importer {
        Importer { fixed: Fixed::default(), about }
    }

    /// The entry as it goes into the database.
    pub fn take(&self, item: Item) -> Item {
        match item {
            Item::Found(place, mut found) => {
                let text = found.pattern.to_plain();
                if let Err(why) = self.fixed.check(&found.pattern) {
                    return Item::LeftOut(LeftOut { place, text, why: format!("is not imported: {why}") });
                }
                found.about = found.about.or(&self.about);
                if found.about.is_never() {
                    let why = "is not imported: it holds until before it holds from; nothing would ever match".into();
                    return Item::LeftOut(LeftOut { place, text, why });
                }
                Item::Found(place, found)
            }
            Item::Clue(mut clue) => {
                clue.tlp = clue.tlp.max(self.about.tlp);
                Item::Clue(clue)
            }
            item
            @ (Item::Withdrawn(_) | Item::Silent(_) | Item::Harmless(..) | Item::PassedOver | Item::LeftOut(_)) => item,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::format::{self, Format, Options};
    use proptest::prelude::*;
    use std::io::Cursor;
    use std::ops::ControlFlow;
    use varde_common::time::Timestamp;

    fn read(list: &[u8], about: About) -> (Vec<String>, Vec<String>) {
        let importer = Importer::new(about);
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        format::read(Format::Plain, &Options::default(), &mut Cursor::new(list), &mut |item| {
            match importer.take(item) {
                Item::Found(_, found) => good.push(found.pattern.to_plain()),
                Item::LeftOut(left_out) => bad.push(left_out.to_string()),
                Item::Withdrawn(_) | Item::Silent(_) | Item::Harmless(..) | Item::PassedOver | Item::Clue(_) => {}
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        (good, bad)
    }

    #[test]
    fn good_lines_go_in_and_the_others_are_named() {
        let list = "evil.example # c2\n=evil.example\n10.0.0.1\nblåbær.no\n192.0.2.0/24\nno\n";
        let (good, bad) = read(list.as_bytes(), About::default());
        assert_eq!(good, ["evil.example", "=evil.example", "192.0.2.0/24"]);
        assert_eq!(bad.len(), 3);
        assert!(bad[0].starts_with("line 3: \"10.0.0.1\" is not imported: it belongs to 10.0.0.0/8"), "{}", bad[0]);
        assert!(bad[1].starts_with("line 4: ") && bad[1].contains("xn--"), "{}", bad[1]);
        assert!(bad[2].starts_with("line 6: \"no\" is not imported: it is a top-level"), "{}", bad[2]);
        let never = About { valid_from: Some(Timestamp(2)), valid_until: Some(Timestamp(2)), ..About::default() };
        assert_eq!(read(b"evil.example", never).1.len(), 1);
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
