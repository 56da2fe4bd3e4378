//! JSON read element by element, document after document: no more of it is in memory than one element, and no element is larger
//! than is allowed.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::BadFile;
use super::loose::shown;
use crate::limits::FEED_OBJECT_MAX_OCTETS;

/// What some programs write in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Of what the parser says of a fault; it repeats what stands there.
const FAULT_MAX_CHARACTERS: usize = 300;
/// The word by which a reader that has enough ends the reading.
const ENOUGH: &str = "enough has been read";

/// How many octets may still be read before the present element must have ended.
#[derive(Debug, Clone)]
pub(in crate::intel) struct Allowance(Rc<Cell<usize>>);

impl Allowance {
    /// The next element begins.
    pub(in crate::intel) fn renew(&self) {
        self.0.set(FEED_OBJECT_MAX_OCTETS);
    }
}

/// Hands out octets one block at a time, as long as there is an allowance.
struct Metered<'a> {
    input: &'a mut dyn BufRead,
    allowance: Allowance,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.0.get();
        if left == 0 {
            return Err(io::Error::other(format!("an object in it is longer than {FEED_OBJECT_MAX_OCTETS} bytes")));
        }
        let room = buffer.len().min(left);
        let read = self.input.read(buffer.get_mut(..room).unwrap_or_default())?;
        self.allowance.0.set(left.saturating_sub(read));
        Ok(read)
    }
}

/// How one document is read.
pub(in crate::intel) trait Document {
    /// Reads it.
    fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error>;
}

/// Reads `input` to its end, document after document, each as `document` says; `what` is what they should be, for who reads the
/// refusal. What follows the last one and is none is refused with its place.
pub(in crate::intel) fn read(input: &mut dyn BufRead, what: &str, document: &mut impl Document) -> Result<(), BadFile> {
    pass_mark(input)?;
    let allowance = Allowance(Rc::default());
    allowance.renew();
    let metered = BufReader::new(Metered { input, allowance: allowance.clone() });
    let mut json = serde_json::Deserializer::from_reader(metered);
    loop {
        match document.read(&allowance, &mut json) {
            Ok(()) => {}
            Err(error) if error.to_string().starts_with(ENOUGH) => return Ok(()),
            Err(error) if error.is_io() => return Err(BadFile::Io(error.into())),
            Err(error) => {
                return Err(BadFile::Format(format!("it is no {what}: {}", fault(&error))));
            }
        }
        allowance.renew();
        match json.end() {
            Ok(()) => return Ok(()),
            Err(error) if error.is_io() => return Err(BadFile::Io(error.into())),
            // Something stands there: another document, or what the next reading refuses.
            Err(_) => {}
        }
    }
}

/// The same of an input that is one document: what follows it is refused, another one too.
pub(in crate::intel) fn read_one(
    input: &mut dyn BufRead,
    what: &str,
    document: &mut impl Document,
) -> Result<(), BadFile> {
    read(input, what, &mut One { document, is_read: false })
}

/// The first document alone.
struct One<'a, D> {
    document: &'a mut D,
    is_read: bool,
}

impl<D: Document> Document for One<'_, D> {
    fn read<'de, R: Deserializer<'de>>(&mut self, allowance: &Allowance, document: R) -> Result<(), R::Error> {
        if std::mem::replace(&mut self.is_read, true) {
            return Err(de::Error::custom("something follows it"));
        }
        self.document.read(allowance, document)
    }
}

/// Passes over what some programs write in front of UTF-8; it may stand at the beginning of a file alone.
pub(in crate::intel) fn pass_mark(input: &mut dyn BufRead) -> io::Result<()> {
    if input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    Ok(())
}

/// A fault in the parser's words, without what would harm a terminal or fill it.
pub(super) fn fault(error: &serde_json::Error) -> String {
    shown(&error.to_string(), FAULT_MAX_CHARACTERS)
}

/// Ends the reading where `flow` says so.
pub(super) fn go_on<E: de::Error>(flow: ControlFlow<()>) -> Result<(), E> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(E::custom(ENOUGH)),
    }
}

/// Each element of an array; of null none.
pub(in crate::intel) struct Each<'a> {
    pub(in crate::intel) allowance: &'a Allowance,
    pub(in crate::intel) take: &'a mut dyn FnMut(&RawValue) -> ControlFlow<()>,
}

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        self.allowance.renew();
        while let Some(element) = array.next_element::<Box<RawValue>>()? {
            go_on((self.take)(&element))?;
            self.allowance.renew();
        }
        Ok(())
    }
}

/// In a visitor that looks for arrays and objects: what is neither is passed over.
macro_rules! pass_over_scalars {
    () => {
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }

        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
    };
}
pub(in crate::intel::format) use pass_over_scalars;

/// What is passed over: anything; an array or object of any length, if each of its elements is no larger than is allowed.
pub(super) struct Skip<'a>(pub(super) &'a Allowance);

impl<'de> DeserializeSeed<'de> for Skip<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {
            self.0.renew();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            self.0.renew();
        }
        Ok(())
    }

    pass_over_scalars!();
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Elements<'a>(&'a mut dyn FnMut(&RawValue) -> ControlFlow<()>);

    impl Document for Elements<'_> {
        fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error> {
            Each { allowance, take: &mut *self.0 }.deserialize(document)
        }
    }

    fn elements(text: &[u8], most: usize) -> (usize, Result<(), BadFile>) {
        let mut count = 0;
        let mut take = |_: &RawValue| {
            count += 1;
            if count == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let done = read(&mut io::BufReader::new(text), "list", &mut Elements(&mut take));
        (count, done)
    }

    struct Anything;

    impl Document for Anything {
        fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error> {
            Skip(allowance).deserialize(document)
        }
    }

    fn skipped(text: &str) -> Result<(), BadFile> {
        read(&mut io::BufReader::new(text.as_bytes()), "thing", &mut Anything)
    }

    #[test]
    fn elements_come_one_by_one_and_none_is_larger_than_allowed() {
        let many = format!("[{}1]", "{\"x\":\"y\"},".repeat(FEED_OBJECT_MAX_OCTETS / 8));
        assert!(many.len() > FEED_OBJECT_MAX_OCTETS);
        assert!(matches!(elements(many.as_bytes(), usize::MAX), (_, Ok(()))));
        assert!(matches!(elements(many.as_bytes(), 7), (7, Ok(()))));
        assert!(skipped(&many).is_ok() && skipped("{\"a\":[1,{}],\"b\":null} \"x\" 1 -1 1.5 true").is_ok());
        let large = format!("[1,\"{}\"]", "x".repeat(FEED_OBJECT_MAX_OCTETS + (1 << 16)));
        let (count, refused) = elements(large.as_bytes(), usize::MAX);
        assert!(count == 1 && refused.unwrap_err().to_string().contains("is longer than"), "{count}");
        assert!(skipped(&large).unwrap_err().to_string().contains("is longer than"));
        assert_eq!(elements(b"null", usize::MAX).0, 0);
    }

    #[test]
    fn f1_deep_json_is_refused_or_read_and_harms_nobody() {
        for depth in [100, 10_000, FEED_OBJECT_MAX_OCTETS * 2] {
            for open in ["[", "{\"a\":"] {
                let deep = open.repeat(depth / open.len());
                assert!(elements(deep.as_bytes(), usize::MAX).1.is_err(), "{open}{depth}");
                assert!(skipped(&deep).is_err(), "{open}{depth}");
            }
        }
    }

    #[test]
    fn f1_what_follows_the_one_document_that_is_read_is_refused() {
        let one = |text: &str| {
            let mut count = 0;
            let mut take = |_: &RawValue| {
                count += 1;
                ControlFlow::Continue(())
            };
            let done = read_one(&mut io::BufReader::new(text.as_bytes()), "list", &mut Elements(&mut take));
            (count, done.map_err(|error| error.to_string()))
        };
        assert_eq!(one("\u{feff}[1,2] \n"), (2, Ok(())));
        for behind in ["x", "]", "{}", "[3]", " \n,", "null"] {
            let (count, refused) = one(&format!("[1]{behind}"));
            assert!(count == 1 && refused.is_err_and(|why| why.contains("something follows it")), "{behind}");
        }
    }

    #[test]
    fn one_document_follows_another_and_what_is_none_is_refused_with_its_place() {
        assert!(matches!(elements(b"[1,2]\n[3]\n\n[]", usize::MAX), (3, Ok(()))));
        assert!(matches!(elements(b"\xef\xbb\xbf[1,2][3]", usize::MAX), (3, Ok(()))));
        for (text, count, place) in [
            (&b"[1]x"[..], 1, "line 1 column 4"),
            (b"[1]\n]", 1, "line 2 column 1"),
            (b"[1]\n\xef\xbb\xbf[2]", 1, "line 2 column 1"),
            (b"[1", 1, "line 1 column 2"),
        ] {
            let (found, done) = elements(text, usize::MAX);
            let why = done.unwrap_err().to_string();
            assert!(found == count && why.starts_with("it is no list: ") && why.contains(place), "{why}");
        }
        let word = format!("\"{}\x1b[2J", "x".repeat(5_000));
        let why = elements(word.as_bytes(), usize::MAX).1.unwrap_err().to_string();
        assert!(why.len() < 500 && !why.contains('\x1b'), "{why}");
    }
}
