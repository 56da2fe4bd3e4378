//! A hosts file: `0.0.0.0 name [name…]`, # begins a comment. Each name is meant alone, and only where its address is none that
//! anybody could reach: a row with a real one says where a server stands, not that it is bad.

use std::net::IpAddr;
use std::ops::ControlFlow;

use super::value::{self, Names, Value};
use super::{BadFile, Input, Item, Place, lines, marking};
use crate::intel::canonical::Found;

/// Names that every hosts file has for this machine itself.
const OWN: [&str; 18] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
    "kubernetes.docker.internal",
    "0.0.0.0",
    "::",
];

/// The address that a row begins with, without the zone that BSD and macOS write behind it (`fe80::1%lo0`).
fn address_of(word: &str) -> Option<IpAddr> {
    word.split('%').next()?.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Whether nobody is there.
fn blocks(address: IpAddr) -> bool {
    address.is_unspecified() || address.is_loopback()
}

/// Whether a line is one of a hosts file: of any, also of one with real addresses.
pub(super) fn is_line(line: &str) -> bool {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    words.next().and_then(address_of).is_some() && words.next().is_some_and(|word| word.contains(char::is_alphabetic))
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut below = marking::Below::default();
    lines::each(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        let tlp = below.of(line.as_bytes());
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(first) = words.next() else { return ControlFlow::Continue(()) };
        let Some(address) = address_of(first) else {
            let item = lines::left_out(number, line, "is no line of a hosts file: it begins with an address");
            return take(marking::as_marked(item, tlp));
        };
        let mut names = words.filter(|name| !OWN.contains(&name.to_ascii_lowercase().as_str())).peekable();
        if !blocks(address) && names.peek().is_some() {
            let why =
                "is not imported: it says where a server stands; names are blocked by 0.0.0.0, 127.0.0.1, :: or ::1";
            return take(marking::as_marked(lines::left_out(number, line, why), tlp));
        }
        for name in names {
            let item = match value::read(name, Names::Host) {
                Ok(Value::Pattern(pattern)) if pattern.port.is_none() && value::is_name(&pattern) => {
                    Item::Found(Place::Line(number), Box::new(Found::bare(pattern)))
                }
                Ok(Value::Pattern(_) | Value::OfUrl(_) | Value::Clue(_)) => {
                    lines::left_out(number, name, "is no name, which is all that a hosts file blocks")
                }
                Err(why) => lines::left_out(number, name, why),
            };
            take(marking::as_marked(item, tlp))?;
        }
        ControlFlow::Continue(())
    })
}
