//! Files of Suricata's datasets: one value a line, names in base64, addresses plain. Names are meant alone, as `isset` matches
//! them.

use std::ops::ControlFlow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, Place, lines};
use crate::intel::canonical::{About, Found, Object};

/// A line's value, where it is a name in base64.
pub(super) fn name_in(line: &str) -> Option<String> {
    let octets = STANDARD.decode(line.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    (text.contains('.') && !text.chars().any(char::is_control)).then_some(text)
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    lines::each(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line.trim(),
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        if line.is_empty() || line.starts_with('#') {
            return ControlFlow::Continue(());
        }
        let text = name_in(line).unwrap_or_else(|| line.to_owned());
        // Behind a comma stands a reputation (datarep).
        let text = text.split(',').next().unwrap_or_default();
        let item = match value::read(text, Names::Host) {
            Ok(Value::Pattern(pattern)) => Item::Found(Place::Line(number), Box::new(Found::bare(pattern))),
            Ok(Value::OfUrl(pattern)) => {
                let about = About::default().of_url(text);
                Item::Found(Place::Line(number), Box::new(Found { pattern, about, object: Object::default() }))
            }
            Ok(Value::Clue(kind)) => {
                Item::Clue(Clue { object_id: String::new(), kind: kind.to_owned(), value: text.to_owned(), tlp: None })
            }
            Err(why) => lines::left_out(number, text, why),
        };
        take(item)
    })
}
