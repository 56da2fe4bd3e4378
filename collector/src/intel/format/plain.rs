//! A plain list: one indicator a line, # begins a comment.

use std::ops::ControlFlow;

use varde_common::plain;

use super::{BadFile, Input, Item, LeftOut, Place};
use crate::intel::canonical::Found;

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut reader = plain::Reader::new();
    let mut flow = ControlFlow::Continue(());
    let mut tell = |number: usize, line: plain::Line<'_>| {
        let place = Place::Line(number as u64);
        let item = match line {
            Ok(pattern) => Item::Found(place, Box::new(Found::bare(pattern.to_owned()))),
            Err(bad) => {
                Item::LeftOut(LeftOut { place, text: bad.text, why: format!("is not an indicator: {}", bad.why) })
            }
        };
        if flow.is_continue() {
            flow = take(item);
        }
        flow
    };
    loop {
        let block = input.fill_buf()?;
        if block.is_empty() {
            break;
        }
        let octets = block.len();
        let mut has_enough = false;
        reader.read(block, |number, line| has_enough |= tell(number, line).is_break());
        if has_enough {
            return Ok(());
        }
        input.consume(octets);
    }
    reader.finish(|number, line| {
        let _ = tell(number, line);
    });
    Ok(())
}
