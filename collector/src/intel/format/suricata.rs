//! Files of Suricata's datasets: one value a line, names in base64, addresses plain. Names are meant alone, as `isset` matches
//! them.

use std::ops::ControlFlow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, Place, lines, marking};
use crate::intel::canonical::{About, Found, Object};

/// A line's value, where it is a name in base64; behind a comma may stand a reputation (datarep).
pub(super) fn name_in(line: &str) -> Option<String> {
    let octets = STANDARD.decode(line.split(',').next()?.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    (text.contains('.') && text.chars().all(|character| !character.is_control() && !character.is_whitespace()))
        .then_some(text)
}

/// Whether a line is a rule, which only names the file of its dataset.
pub(super) fn is_rule(line: &str) -> bool {
    let action = line.split_whitespace().next().unwrap_or_default();
    matches!(action, "alert" | "drop" | "pass" | "reject" | "rejectsrc" | "rejectdst" | "rejectboth")
        && line.contains('(')
        && line.contains("sid:")
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut below = marking::Below::default();
    lines::each(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line.trim(),
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        // In base64 itself three letters mean nothing.
        let is_comment = line.starts_with('#');
        let beside = if is_comment { line } else { line.split_once(',').map_or("", |(_, beside)| beside) };
        let tlp = below.of(beside.as_bytes());
        if line.is_empty() || is_comment {
            return ControlFlow::Continue(());
        }
        if is_rule(line) {
            let file = line.split_once("load ").map(|(_, rest)| rest.split([',', ';']).next().unwrap_or_default());
            let file = file.map(|file| format!(": {}", lines::word(file))).unwrap_or_default();
            let why = format!("is a rule and no value; import the file that its dataset loads{file}");
            return take(lines::left_out(number, line, why));
        }
        let text = name_in(line).unwrap_or_else(|| line.split(',').next().unwrap_or_default().to_owned());
        let item = match value::read(&text, Names::Host) {
            Ok(Value::Pattern(pattern)) => Item::Found(Place::Line(number), Box::new(Found::bare(pattern))),
            Ok(Value::OfUrl(pattern)) => {
                let about = About::default().of_url(&text);
                Item::Found(Place::Line(number), Box::new(Found { pattern, about, object: Object::default() }))
            }
            Ok(Value::Clue(kind)) => {
                Item::Clue(Clue { object_id: String::new(), kind: kind.to_owned(), value: text, tlp: None })
            }
            Err(why) => lines::left_out(number, &text, why),
        };
        take(marking::as_marked(item, tlp))
    })
}
