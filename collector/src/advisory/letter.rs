//! The mail that says that there is an advisory: a neutral heading, whom it is from, where to read it. Nothing of what it says, for mail is
//! read by others, and by whoever has got into the mailbox.

use serde::{Deserialize, Serialize};

use crate::present::text::Language;

/// Why a mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// There is an advisory.
    Sent,
    /// There is a version that corrects one.
    Corrected,
    /// One no longer holds.
    Withdrawn,
}

impl Occasion {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Occasion::Sent => "sent",
            Occasion::Corrected => "corrected",
            Occasion::Withdrawn => "withdrawn",
        }
    }

    /// The occasion of that word.
    pub fn of(word: &str) -> Option<Occasion> {
        [Occasion::Sent, Occasion::Corrected, Occasion::Withdrawn].into_iter().find(|one| one.as_str() == word)
    }
}

/// A mail's heading and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its subject.
    pub subject: String,
    /// Its text, plain.
    pub text: String,
}

/// One line: what an operator is called stands in a heading, and nothing in it may begin another.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The mail on an occasion, from an operator, about what is read at an address. All of it follows from these: the advisory is not asked.
pub fn letter(occasion: Occasion, operator: &str, link: &str, language: Language) -> Letter {
    let (operator, link) = (one_line(operator), one_line(link));
    let subject = match (occasion, language) {
        (Occasion::Sent, Language::Bokmaal) => format!("Nytt varsel fra {operator} i Varde"),
        (Occasion::Sent, Language::Nynorsk) => format!("Nytt varsel frå {operator} i Varde"),
        (Occasion::Sent, Language::English) => format!("New advisory from {operator} in Varde"),
        (Occasion::Corrected, Language::Bokmaal) => format!("Rettet varsel fra {operator} i Varde"),
        (Occasion::Corrected, Language::Nynorsk) => format!("Retta varsel frå {operator} i Varde"),
        (Occasion::Corrected, Language::English) => format!("Corrected advisory from {operator} in Varde"),
        (Occasion::Withdrawn, Language::Bokmaal) => format!("{operator} har trukket tilbake et varsel i Varde"),
        (Occasion::Withdrawn, Language::Nynorsk) => format!("{operator} har trekt tilbake eit varsel i Varde"),
        (Occasion::Withdrawn, Language::English) => format!("{operator} has withdrawn an advisory in Varde"),
    };
    let text = match language {
        Language::Bokmaal => format!(
            "{subject}.\n\nLes det her, etter innlogging:\n{link}\n\nBekreft lest på siden, så vet vi at det har kommet fram. \
             Denne e-posten sier med vilje ikke noe om innholdet.\n\nEr du i tvil om e-posten er ekte? Ikke bruk lenken. \
             Åpne Varde slik du pleier, eller ring oss på nummeret dere har fra før.\n\nDenne e-posten er sendt automatisk og kan ikke besvares.\n"
        ),
        Language::Nynorsk => format!(
            "{subject}.\n\nLes det her, etter innlogging:\n{link}\n\nStadfest lese på sida, så veit vi at det har kome fram. \
             Denne e-posten seier med vilje ikkje noko om innhaldet.\n\nEr du i tvil om e-posten er ekte? Ikkje bruk lenkja. \
             Opne Varde slik du plar, eller ring oss på nummeret de har frå før.\n\nDenne e-posten er send automatisk og kan ikkje svarast på.\n"
        ),
        Language::English => format!(
            "{subject}.\n\nRead it here, after signing in:\n{link}\n\nConfirm on the page that you have read it, so that we know that it arrived. \
             On purpose this mail says nothing of what it is about.\n\nIn doubt whether this mail is real? Do not use the link. \
             Open Varde as you usually do, or call us on the number you already have.\n\nThis mail was sent automatically and cannot be answered.\n"
        ),
    };
    Letter { subject, text }
}

/// Whether mail may be sent to this address: one mailbox, with nothing that another line or another header could begin with.
pub fn is_address(text: &str) -> bool {
    let Some((mailbox, host)) = text.rsplit_once('@') else { return false };
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, ',' | ';' | ':' | '<' | '>' | '(' | ')' | '"' | '\\');
    let is_host = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !part.starts_with('-')
    };
    text.len() <= 254
        && !mailbox.is_empty()
        && mailbox.len() <= 64
        && mailbox.chars().all(|c| is_plain(c) && c != '@')
        && host.split('.').all(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_whom_it_is_from_and_where_to_read_and_no_second_header() {
        for language in Language::ALL {
            for occasion in [Occasion::Sent, Occasion::Corrected, Occasion::Withdrawn] {
                let letter =
                    letter(occasion, "KommuneCSIRT\r\nBcc: x@y.no", "https://varde.example/varsel/7", language);
                assert!(letter.subject.contains("KommuneCSIRT Bcc: x@y.no") && !letter.subject.contains(['\r', '\n']));
                assert!(letter.text.contains("\nhttps://varde.example/varsel/7\n"), "{}", letter.text);
                assert_eq!(Occasion::of(occasion.as_str()), Some(occasion));
            }
        }
        let said = letter(Occasion::Sent, "KommuneCSIRT", "x", Language::Bokmaal).subject;
        assert_eq!(said, "Nytt varsel fra KommuneCSIRT i Varde");
    }

    #[test]
    fn an_address_is_one_mailbox() {
        for good in ["it@gjovik.kommune.no", "kari+varde@a.no", "o'brien@a-b.no", "x@localhost"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@a.no",
            "a@",
            "a@b..no",
            "a b@c.no",
            "a@b.no\r\nBcc: c@d.no",
            "a@b.no,c@d.no",
            "a@b.no>",
            "\"a b\"@c.no",
            "å@b.no",
            "a@b@c.no",
            "a@-b.no",
            "a@b.no\u{0}",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
        assert!(!is_address(&format!("{}@b.no", "a".repeat(65))));
    }
}
