//! Fields of JSON as they are met: null where nothing is said, numbers and truths as text, one word where a list belongs. What an
//! optional field holds beside that is an error of its object; nothing is guessed.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a field that holds one value says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Scalar {
    /// null.
    #[default]
    Nothing,
    /// A truth.
    Truth(bool),
    /// A whole number.
    Number(i64),
    /// Another number, beyond i64 or with a fraction.
    Other(f64),
    /// Text.
    Text(String),
}

impl Scalar {
    /// It as text.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Scalar::Nothing => None,
            Scalar::Truth(truth) => Some(truth.to_string()),
            Scalar::Number(number) => Some(number.to_string()),
            Scalar::Other(number) => Some(number.to_string()),
            Scalar::Text(text) => Some(text),
        }
    }

    /// It as a whole number: 1, 1.0, "1", true.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Scalar::Nothing => None,
            Scalar::Truth(truth) => Some(i64::from(*truth)),
            Scalar::Number(number) => Some(*number),
            // Beyond this a fraction has no room, and no field means such a number.
            #[expect(clippy::cast_possible_truncation, reason = "within what both hold exactly")]
            Scalar::Other(number) => (number.abs() < 9.0e15).then_some(number.round() as i64),
            Scalar::Text(text) => {
                let text = text.trim();
                match text.to_ascii_lowercase().as_str() {
                    "true" => Some(1),
                    "false" => Some(0),
                    _ => text.parse().ok(),
                }
            }
        }
    }

    /// Whether it is true: true, 1, "1", "true".
    pub(super) fn is_true(&self) -> bool {
        self.number() == Some(1)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(OneScalar)
    }
}

struct OneScalar;

impl<'de> Visitor<'de> for OneScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar::Truth(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        #[expect(clippy::cast_precision_loss, reason = "no field means such a number")]
        Ok(i64::try_from(number).map_or(Scalar::Other(number as f64), Scalar::Number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }
}

/// Text, or what is written as a number; none where null stands.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Scalar::deserialize(deserializer)?.into_text())
}

/// Text; empty where null stands.
pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(text(deserializer)?.unwrap_or_default())
}

/// A truth; false where null stands.
pub(super) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Scalar::deserialize(deserializer)?.is_true())
}

/// A list: its elements, those that are null apart; one where it stands alone; none where null stands.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Elements<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| vec![one])
        }

        fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Vec<T>, A::Error> {
            T::deserialize(serde::de::value::MapAccessDeserializer::new(object)).map(|one| vec![one])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<T>, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = array.next_element::<Option<T>>()? {
                elements.extend(element);
            }
            Ok(elements)
        }
    }
    deserializer.deserialize_any(Elements(std::marker::PhantomData))
}

/// Every text in a value, however deep in arrays; what is no text says nothing. For what cannot be read otherwise.
#[derive(Debug, Default)]
pub(super) struct Texts(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        deserializer.deserialize_any(AllTexts)
    }
}

struct AllTexts;

impl<'de> Visitor<'de> for AllTexts {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(Texts(more)) = array.next_element()? {
            texts.extend(more);
        }
        Ok(Texts(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Texts, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Texts::default())
    }
}

/// A text as messages and logs show it: cut, and without what would harm a terminal.
pub(super) fn shown(text: &str, characters_max: usize) -> String {
    let mut shown: String = text.chars().take(characters_max).flat_map(visible).collect();
    if text.chars().nth(characters_max).is_some() {
        shown.push('…');
    }
    shown
}

/// A character, escaped where it is none to see; quotes and letters of any language stay.
fn visible(character: char) -> impl Iterator<Item = char> {
    let is_plain = matches!(character, '"' | '\'' | '\\');
    let (plain, escaped) = match is_plain {
        true => (Some(character), None),
        false => (None, Some(character.escape_debug())),
    };
    plain.into_iter().chain(escaped.into_iter().flatten())
}

/// A text cut to what is kept for people.
pub(super) fn cut(text: &str, characters_max: usize) -> String {
    text.chars().take(characters_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Thing {
        #[serde(deserialize_with = "text")]
        name: Option<String>,
        #[serde(deserialize_with = "truth")]
        gone: bool,
        #[serde(deserialize_with = "list")]
        labels: Vec<String>,
        sure: Scalar,
    }

    impl Default for Thing {
        fn default() -> Thing {
            Thing { name: None, gone: false, labels: Vec::new(), sure: Scalar::Nothing }
        }
    }

    #[test]
    fn fields_are_read_as_they_are_met_and_what_is_none_of_these_is_an_error() {
        let read = |text: &str| serde_json::from_str::<Thing>(text);
        assert_eq!(read("{\"name\":null,\"gone\":null,\"labels\":null,\"sure\":null}").unwrap(), Thing::default());
        let thing = read("{\"name\":5,\"gone\":\"1\",\"labels\":\"one\",\"sure\":\"85\"}").unwrap();
        assert_eq!((thing.name.as_deref(), thing.gone, thing.labels.len()), (Some("5"), true, 1));
        assert_eq!(thing.sure.number(), Some(85));
        assert_eq!(read("{\"labels\":[\"a\",null,\"b\"]}").unwrap().labels, ["a", "b"]);
        for wrong in ["{\"name\":[]}", "{\"name\":{}}", "{\"labels\":[1]}", "{\"labels\":{}}", "{\"labels\":7}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("{\"name\":\"a\",\"name\":\"b\"}").is_err(), "two meanings are none");
        for (scalar, number) in [
            (Scalar::Other(85.0), Some(85)),
            (Scalar::Other(1e300), None),
            (Scalar::Text(" true ".into()), Some(1)),
            (Scalar::Text("x".into()), None),
        ] {
            assert_eq!(scalar.number(), number);
        }
    }

    #[test]
    fn every_text_is_found_and_what_is_shown_harms_no_terminal() {
        let texts: Texts = serde_json::from_str("[\"a\",[\"b\",7,null,{\"c\":\"d\"}],true,1.5]").unwrap();
        assert_eq!(texts.0, ["a", "b"]);
        assert!(serde_json::from_str::<Texts>(&"[".repeat(10_000)).is_err());
        assert_eq!(shown("blå \"x\"\x1b[2J\n", 80), "blå \"x\"\\u{1b}[2J\\n");
        assert_eq!(shown("abc", 2), "ab…");
    }
}
