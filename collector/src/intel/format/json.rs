//! JSON read element by element: no more of it is in memory than one element, and no element is larger than is allowed.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::BadFile;
use crate::limits::FEED_OBJECT_MAX_OCTETS;

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

/// Reads one value from `input` as `seed` says; `what` is what it should be, for who reads the refusal.
pub(in crate::intel) fn read<'a, S>(
    input: &'a mut dyn BufRead,
    what: &str,
    seed: impl FnOnce(Allowance) -> S,
) -> Result<(), BadFile>
where
    S: for<'de> DeserializeSeed<'de, Value = ()>,
{
    let allowance = Allowance(Rc::default());
    allowance.renew();
    let mut json = serde_json::Deserializer::from_reader(Metered { input, allowance: allowance.clone() });
    // What stands behind the value belongs to no value, and is no part of what was told.
    match seed(allowance).deserialize(&mut json).and_then(|()| json.end()) {
        Ok(()) => Ok(()),
        Err(error) if error.to_string().starts_with(ENOUGH) => Ok(()),
        Err(error) if error.is_io() => Err(BadFile::Io(error.into())),
        Err(error) => Err(BadFile::Format(format!("it is no {what}: {error}"))),
    }
}

/// The word by which a reader that has enough ends the reading.
const ENOUGH: &str = "enough has been read";

/// Ends the reading where `flow` says so.
pub(in crate::intel) fn go_on<E: de::Error>(flow: ControlFlow<()>) -> Result<(), E> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(E::custom(ENOUGH)),
    }
}

/// Each element of an array.
pub(in crate::intel) struct Each<'a> {
    pub(in crate::intel) allowance: &'a Allowance,
    pub(in crate::intel) take: &'a mut dyn FnMut(&RawValue) -> ControlFlow<()>,
}

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
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

/// Each element of the array under one key of an object; what stands under other keys is passed over.
pub(in crate::intel) struct EachUnder<'a> {
    pub(in crate::intel) key: &'static str,
    pub(in crate::intel) allowance: Allowance,
    pub(in crate::intel) take: &'a mut dyn FnMut(&RawValue) -> ControlFlow<()>,
}

impl<'de> DeserializeSeed<'de> for EachUnder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EachUnder<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with \"{}\"", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<String>()? {
            if key == self.key {
                object.next_value_seed(Each { allowance: &self.allowance, take: &mut *self.take })?;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
            self.allowance.renew();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &[u8], most: usize) -> (usize, Result<(), BadFile>) {
        let mut count = 0;
        let mut take = |_: &RawValue| {
            count += 1;
            if count == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut input = io::BufReader::new(text);
        let done = read(&mut input, "bundle", |allowance| EachUnder { key: "objects", allowance, take: &mut take });
        (count, done)
    }

    #[test]
    fn elements_come_one_by_one_and_none_is_larger_than_allowed() {
        let many = format!("{{\"a\":[1,{{}}],\"objects\":[{}1],\"b\":null}}", "{\"x\":\"y\"},".repeat(200_000));
        assert!(many.len() > FEED_OBJECT_MAX_OCTETS);
        assert!(matches!(elements(many.as_bytes(), usize::MAX), (200_001, Ok(()))));
        assert!(matches!(elements(many.as_bytes(), 7), (7, Ok(()))));
        let large = format!("{{\"objects\":[1,\"{}\"]}}", "x".repeat(FEED_OBJECT_MAX_OCTETS));
        let (count, refused) = elements(large.as_bytes(), usize::MAX);
        assert!(count == 1 && refused.unwrap_err().to_string().contains("is longer than"), "{count}");
        // What is passed over is bounded too, and depth.
        let deep = format!("{{\"other\":{}", "[".repeat(FEED_OBJECT_MAX_OCTETS * 2));
        assert!(elements(deep.as_bytes(), usize::MAX).1.is_err());
        for cut in ["", "{", "[]", "{\"objects\":{}}", "{\"objects\":[1", "null"] {
            assert!(elements(cut.as_bytes(), usize::MAX).1.is_err(), "{cut}");
        }
        for behind in ["x", "]", "{}", " \n,"] {
            let (count, refused) = elements(format!("{{\"objects\":[1]}}{behind}").as_bytes(), usize::MAX);
            assert!(count == 1 && refused.is_err(), "{behind}");
        }
        assert!(elements(b"{\"objects\":[1]} \n", usize::MAX).1.is_ok());
        assert!(elements(b"{\"objects\":[1", usize::MAX).1.unwrap_err().to_string().starts_with("it is no bundle"));
    }
}
