//! A refusal as RFC 9457 has it: what was wrong, which parameter, and what would be right.

use serde::Serialize;
use utoipa::ToSchema;

/// Of a name that is not known, said back.
const NAME_SHOWN_MAX: usize = 64;

/// A problem (RFC 9457); its media type is `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// What kind it is: `urn:varde:problem:` and a word.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The same in words.
    pub title: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// What was wrong, and what would be right.
    pub detail: String,
    /// The parameter that is wrong; null where it is none.
    #[schema(required)]
    pub parameter: Option<String>,
}

impl Problem {
    /// No such parameter.
    pub fn unknown(name: &str, known: impl Iterator<Item = &'static str>) -> Problem {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(NAME_SHOWN_MAX).collect();
        let known: Vec<&str> = known.collect();
        let detail = match known.as_slice() {
            [] => "This address takes no parameters.".to_owned(),
            known => format!("There is no parameter {shown:?} here; there are: {}.", known.join(", ")),
        };
        Problem {
            kind: "urn:varde:problem:unknown-parameter",
            title: "Unknown parameter",
            status: 400,
            detail,
            parameter: Some(shown),
        }
    }

    /// A value that is none.
    pub fn wrong(name: &str, right: &str) -> Problem {
        Problem {
            kind: "urn:varde:problem:bad-parameter",
            title: "Bad parameter",
            status: 400,
            detail: format!("The value of {name} is not one; give {right}."),
            parameter: Some(name.to_owned()),
        }
    }

    /// One that stands there twice.
    pub fn twice(name: &str) -> Problem {
        Problem {
            kind: "urn:varde:problem:bad-parameter",
            title: "Bad parameter",
            status: 400,
            detail: format!("{name} stands there twice; give it once."),
            parameter: Some(name.to_owned()),
        }
    }

    /// Nothing of that name, or not for this reader: nobody learns which.
    pub fn not_there() -> Problem {
        Problem {
            kind: "urn:varde:problem:not-found",
            title: "Not found",
            status: 404,
            detail: "There is nothing under this address; /api/v1/openapi.json says what there is.".to_owned(),
            parameter: None,
        }
    }

    /// Something else than a question.
    pub fn not_asked() -> Problem {
        Problem {
            kind: "urn:varde:problem:method-not-allowed",
            title: "Method not allowed",
            status: 405,
            detail: "The API only answers; ask with GET.".to_owned(),
            parameter: None,
        }
    }

    /// Nobody knows who asks.
    pub fn stranger() -> Problem {
        Problem {
            kind: "urn:varde:problem:not-signed-in",
            title: "Not signed in",
            status: 401,
            detail: "Give a token as \"Authorization: Bearer TOKEN\" (varde-collector token add), or sign in."
                .to_owned(),
            parameter: None,
        }
    }

    /// It is known who asks, and its role may not.
    pub fn not_yours() -> Problem {
        Problem {
            kind: "urn:varde:problem:forbidden",
            title: "Forbidden",
            status: 403,
            detail: "The role of this account or token may not read this.".to_owned(),
            parameter: None,
        }
    }

    /// The database could not be read.
    pub fn broken() -> Problem {
        Problem {
            kind: "urn:varde:problem:unreadable",
            title: "The database could not be read",
            status: 500,
            detail: "The collector could not read its database; its log says why.".to_owned(),
            parameter: None,
        }
    }

    /// What shows hosts must stand in the audit before, and could not.
    pub fn unnoted() -> Problem {
        Problem {
            kind: "urn:varde:problem:not-noted",
            title: "Not noted in the audit",
            status: 503,
            detail: "What shows hosts stands in the audit before it is shown, and that could not be written; the log says why."
                .to_owned(),
            parameter: None,
        }
    }
}
