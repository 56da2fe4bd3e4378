//! What TAXII servers answer with (TAXII 2.1, section 5): objects, whether there is more, and what to ask it by. Read object by object.

use std::fmt;
use std::ops::ControlFlow;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Refused;
use crate::intel::format::Input;
use crate::intel::format::json::{self, Allowance, Document, Each};
use crate::limits::fetch::FETCH_FIELD_MAX_OCTETS;

/// What stands beside the objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Whether there is more.
    pub more: bool,
    /// What to ask it by.
    pub next: Option<String>,
}

struct Whole<'a> {
    envelope: Envelope,
    take: &'a mut dyn FnMut(&RawValue) -> ControlFlow<()>,
}

impl Document for Whole<'_> {
    fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error> {
        document.deserialize_map(Members { whole: self, allowance })
    }
}

struct Members<'a, 'b> {
    whole: &'a mut Whole<'b>,
    allowance: &'a Allowance,
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an envelope of TAXII's")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Members { whole: Whole { envelope, take }, allowance } = self;
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                "objects" => object.next_value_seed(Each { allowance, take: &mut **take })?,
                "more" => envelope.more = object.next_value::<Option<bool>>()?.unwrap_or(false),
                "next" => {
                    let next: Option<serde_json::Value> = object.next_value()?;
                    envelope.next = match next {
                        Some(serde_json::Value::String(text)) => Some(text),
                        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
                        Some(_) | None => None,
                    };
                    if envelope.next.as_ref().is_some_and(|next| next.len() > FETCH_FIELD_MAX_OCTETS) {
                        return Err(serde::de::Error::custom("its next is too long"));
                    }
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
            allowance.renew();
        }
        Ok(())
    }
}

/// Tells `take` every object of an envelope; gives what stands beside them.
///
/// # Errors
/// [`Refused::Bad`]; what came before has been told.
pub fn read(mut body: &mut dyn Input, take: &mut dyn FnMut(&RawValue) -> ControlFlow<()>) -> Result<Envelope, Refused> {
    let mut whole = Whole { envelope: Envelope::default(), take };
    json::read_one(&mut body, "TAXII envelope", &mut whole)?;
    Ok(whole.envelope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn envelope(text: &str) -> (Vec<String>, Result<Envelope, Refused>) {
        let mut objects = Vec::new();
        let mut take = |raw: &RawValue| {
            objects.push(raw.get().to_owned());
            ControlFlow::Continue(())
        };
        let read = read(&mut Cursor::new(text.as_bytes()), &mut take);
        (objects, read)
    }

    #[test]
    fn an_envelope_may_be_empty_and_its_next_a_number() {
        assert_eq!(envelope("{}"), (vec![], Ok(Envelope::default())));
        let (objects, read) = envelope(r#"{"next": 7, "objects": [{"id":"a"},1], "more": true, "other": {"x":[]}}"#);
        assert_eq!(objects, [r#"{"id":"a"}"#, "1"]);
        assert_eq!(read, Ok(Envelope { more: true, next: Some("7".to_owned()) }));
        assert_eq!(envelope(r#"{"more":null,"next":null}"#).1, Ok(Envelope::default()));
    }

    #[test]
    fn f1_what_is_no_envelope_is_refused_however_deep_or_large() {
        let deep = format!("{{\"objects\":[{}", "[".repeat(3_000_000));
        let long = format!("{{\"next\":\"{}\"}}", "x".repeat(FETCH_FIELD_MAX_OCTETS + 1));
        let other = format!("{{\"other\":{}", "[".repeat(3_000_000));
        for bad in
            ["", "[]", "{\"objects\":[{\"id\":", "{\"more\":\"yes\"}", "not json", "{}{}", "{} x", &deep, &long, &other]
        {
            let (_, read) = envelope(bad);
            assert!(matches!(read, Err(Refused::Bad(_))), "{}", bad.get(..20).unwrap_or(bad));
        }
    }
}
