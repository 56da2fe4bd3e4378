//! A hosts file: `0.0.0.0 name [name…]`, # begins a comment. Each name is meant alone.

use std::net::IpAddr;
use std::ops::ControlFlow;

use super::value::{self, Names, Value};
use super::{BadFile, Input, Item, Place, lines};
use crate::intel::canonical::Found;

/// Names that every hosts file has for this machine itself.
const OWN: [&str; 11] = [
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "0.0.0.0",
];

/// Whether a line is one of a hosts file.
pub(super) fn is_line(line: &str) -> bool {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
    address.is_some_and(|address| address.is_unspecified() || address.is_loopback()) && words.next().is_some()
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    lines::each(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next() else { return ControlFlow::Continue(()) };
        if address.parse::<IpAddr>().is_err() {
            return take(lines::left_out(number, line, "is no line of a hosts file: it begins with an address"));
        }
        for name in words.filter(|name| !OWN.contains(&name.to_ascii_lowercase().as_str())) {
            let item = match value::read(name, Names::Host) {
                Ok(Value::Pattern(pattern) | Value::OfUrl(pattern)) => {
                    Item::Found(Place::Line(number), Box::new(Found::bare(pattern)))
                }
                Ok(Value::Clue(_)) => lines::left_out(number, name, "is no name"),
                Err(why) => lines::left_out(number, name, why),
            };
            take(item)?;
        }
        ControlFlow::Continue(())
    })
}
