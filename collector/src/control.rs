//! What commands and the running collector say to each other: one JSON object a line, over a socket in the data directory.

use serde::{Deserialize, Serialize};

/// What a command has changed in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Poke {
    /// A list was published.
    List,
    /// A sensor got a token or was revoked.
    Sensors,
    /// A root document was accepted.
    Root,
    /// An order of the brake was given.
    Brake,
    /// A key or certificate changed.
    Keys,
    /// Nothing: is the collector well?
    Health,
}

/// A command's line: `{"poke":"list"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What to look at.
    pub poke: Poke,
}

/// The collector's line, once it has acted: `{"done":true}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it could.
    pub done: bool,
}

/// Reads a command's line.
///
/// # Errors
/// The JSON reader's own.
pub fn read_request(line: &str) -> Result<Request, serde_json::Error> {
    serde_json::from_str(line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_the_documentation_says() {
        assert_eq!(read_request("{\"poke\":\"list\"}\n").unwrap(), Request { poke: Poke::List });
        assert_eq!(serde_json::to_string(&Request { poke: Poke::Sensors }).unwrap(), "{\"poke\":\"sensors\"}");
        for bad in ["", "{}", "{\"poke\":\"all\"}", "{\"poke\":\"list\",\"more\":1}", "[1]"] {
            assert!(read_request(bad).is_err(), "{bad}");
        }
    }
}
