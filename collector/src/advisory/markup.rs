//! The text of an advisory: paragraphs, headings, lists, and nothing else. What looks like HTML, a link or a picture is text, and stays text:
//! a link in a warning is what one is warned of.
//!
//! ```text
//! # Heading            ## Heading of a part
//! A paragraph goes on
//! until an empty line.
//!
//! - a point            1. a step
//! - another            2. the next
//! ```

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A heading below one.
    Part(String),
    /// A paragraph.
    Paragraph(String),
    /// Points.
    Points(Vec<String>),
    /// Steps, numbered as they come.
    Steps(Vec<String>),
}

/// What a line is.
enum Line<'a> {
    Empty,
    Heading(&'a str),
    Part(&'a str),
    Point(&'a str),
    Step(&'a str),
    Words(&'a str),
}

/// The rest of a line that begins with a number, a full stop and a space.
fn step(line: &str) -> Option<&str> {
    let (number, rest) = line.split_once(". ")?;
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then_some(rest)
}

fn line(line: &str) -> Line<'_> {
    let line = line.trim();
    if line.is_empty() {
        return Line::Empty;
    }
    let point = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
    let part = line.strip_prefix("## ").or_else(|| line.strip_prefix("### "));
    match (part, line.strip_prefix("# "), point, step(line)) {
        (Some(words), ..) => Line::Part(words.trim()),
        (_, Some(words), ..) => Line::Heading(words.trim()),
        (_, _, Some(words), _) => Line::Point(words.trim()),
        (.., Some(words)) => Line::Step(words.trim()),
        (None, None, None, None) => Line::Words(line),
    }
}

/// Adds words to what the line before began, if that goes on.
fn go_on(blocks: &mut [Block], words: &str) -> bool {
    let last = match blocks.last_mut() {
        Some(Block::Paragraph(text)) => Some(text),
        Some(Block::Points(items) | Block::Steps(items)) => items.last_mut(),
        Some(Block::Heading(_) | Block::Part(_)) | None => None,
    };
    let Some(text) = last else { return false };
    text.push(' ');
    text.push_str(words);
    true
}

/// Reads a text. Every text is one: there is nothing to refuse.
pub fn read(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut goes_on = false;
    for written in text.lines() {
        let found = line(written);
        let is_empty = matches!(found, Line::Empty);
        match found {
            Line::Empty => {}
            Line::Heading(words) => blocks.push(Block::Heading(words.to_owned())),
            Line::Part(words) => blocks.push(Block::Part(words.to_owned())),
            Line::Point(words) => match blocks.last_mut() {
                Some(Block::Points(items)) => items.push(words.to_owned()),
                _ => blocks.push(Block::Points(vec![words.to_owned()])),
            },
            Line::Step(words) => match blocks.last_mut() {
                Some(Block::Steps(items)) => items.push(words.to_owned()),
                _ => blocks.push(Block::Steps(vec![words.to_owned()])),
            },
            Line::Words(words) => {
                if !(goes_on && go_on(&mut blocks, words)) {
                    blocks.push(Block::Paragraph(words.to_owned()));
                }
            }
        }
        goes_on = !is_empty;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(blocks: &[Block]) -> String {
        let all = blocks.iter().flat_map(|block| match block {
            Block::Heading(text) | Block::Part(text) | Block::Paragraph(text) => vec![text.clone()],
            Block::Points(items) | Block::Steps(items) => items.clone(),
        });
        all.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_text_is_read_as_it_was_meant() {
        let text = "# Hva har skjedd\nEn falsk side\nutgir seg for Altinn.\n\nGjør dette:\n1. Ring\n2. Sperr navnet\n   i brannmuren\n\n- a\n- b\n\n## Mer\nSlutt";
        let text_of = |words: &str| words.to_owned();
        assert_eq!(
            read(text),
            [
                Block::Heading(text_of("Hva har skjedd")),
                Block::Paragraph(text_of("En falsk side utgir seg for Altinn.")),
                Block::Paragraph(text_of("Gjør dette:")),
                Block::Steps(vec![text_of("Ring"), text_of("Sperr navnet i brannmuren")]),
                Block::Points(vec![text_of("a"), text_of("b")]),
                Block::Part(text_of("Mer")),
                Block::Paragraph(text_of("Slutt")),
            ]
        );
        assert_eq!(read("2026. var et år\n3.5 prosent"), [Block::Paragraph(text_of("2026. var et år 3.5 prosent"))]);
    }

    #[test]
    fn s6_what_looks_like_markup_of_others_stays_text() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[her](javascript:alert(1))",
            "![x](https://vond.example/p.png)",
            "<https://vond.example>",
            "`kode` **fet** _skrå_ &lt;",
            "\u{202e}gnp.exe",
        ] {
            assert_eq!(read(hostile), [Block::Paragraph(hostile.to_owned())], "not a letter is lost or changed");
            assert_eq!(words(&read(&format!("- {hostile}\n- x"))), format!("{hostile}\nx"));
        }
    }

    #[test]
    fn no_text_makes_more_of_itself_than_it_is() {
        for piece in ["- ", "#", "1. ", "\n", "- a\n", "# \n", "* * *\n"] {
            let text = piece.repeat(10_000);
            assert!(words(&read(&text)).len() <= text.len() + 1, "{piece:?}");
        }
    }
}
