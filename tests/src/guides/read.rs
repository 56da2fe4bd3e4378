//! The guides read: each command of ours in them, with where it stands, and each block that a shell would run.

use anyhow::{Context, Result};

use crate::programs::{Which, workspace};

/// All there are.
pub const GUIDES: [&str; 7] = [
    "README.md",
    "agent/README.md",
    "collector/README.md",
    "packaging/README.md",
    "packaging/ansible/README.md",
    "packaging/container/README.md",
    "packaging/vm/README.md",
];
/// Where a container's command begins: with its image, or with the program in one that runs.
const PASSED_ON: [&str; 2] = ["localhost/", "/usr/bin/"];
/// What stands between commands on one line.
const BETWEEN: [&str; 5] = ["|", "||", "&&", ";", "&"];

/// A command of ours as a guide has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Counted from 1.
    pub line: usize,
    /// The last heading above it.
    pub chapter: String,
    /// Which program.
    pub program: Which,
    /// Its words, without the program's name; what is left to the reader stands in them as `…`, `FIL` and the like.
    pub words: Vec<String>,
    /// The file it reads as standard input.
    pub from: Option<String>,
    /// The file that takes its standard output.
    pub to: Option<String>,
}

impl Found {
    /// As it is written, without quotes and redirections.
    pub fn text(&self) -> String {
        format!("{} {}", self.program.name(), self.words.join(" "))
    }

    /// The program and the words that the guide spells out, as a command line's parser takes them.
    pub fn spelled(&self) -> Vec<String> {
        let spelled = self.words.iter().filter(|word| !word.contains('…') && !word.starts_with("$("));
        std::iter::once(self.program.name().to_owned()).chain(spelled.cloned()).collect()
    }
}

/// Words as a shell splits them, as far as guides need it: quotes, and a comment that ends the line.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ';') => words.extend(word.take().into_iter().chain([";".to_owned()])),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The commands of ours in a line.
fn ours(text: &str, line: usize, chapter: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for part in words(text).split(|word| BETWEEN.contains(&word.as_str())) {
        let mut part = part;
        // Who runs it, and with what in its environment, is another program's business.
        loop {
            part = match part {
                [first, user, _, rest @ ..] if first == "sudo" && user == "-u" => rest,
                [first, rest @ ..] if first == "sudo" || first == "$" => rest,
                [first, deed, rest @ ..] if first == "podman" && (deed == "run" || deed == "exec") => {
                    let is_ours = |word: &String| PASSED_ON.iter().any(|begun| word.starts_with(begun));
                    rest.get(rest.iter().position(is_ours).unwrap_or(rest.len())..).unwrap_or_default()
                }
                [first, user, _, rest @ ..] if first == "runuser" && user == "-u" => rest,
                [first, rest @ ..] if first == "--" => rest,
                [first, rest @ ..] if first.contains('=') && first.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    rest
                }
                part => break found.extend(command(part, line, chapter)),
            };
        }
    }
    found
}

fn command(part: &[String], line: usize, chapter: &str) -> Option<Found> {
    let program = match part.first()?.rsplit('/').next()? {
        "varde-agent" => Which::Agent,
        "varde-collector" => Which::Collector,
        _ => return None,
    };
    // An answer to debconf begins with the package's name, and goes on with it.
    if part.len() < 2 || part.get(1).is_some_and(|word| word.starts_with("varde-")) {
        return None;
    }
    let (mut words, mut from, mut to) = (Vec::new(), None, None);
    let mut rest = part.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "<" => from = rest.next().cloned(),
            ">" | ">>" => to = rest.next().cloned(),
            word => words.push(word.trim_matches(['[', ']']).to_owned()),
        }
    }
    Some(Found { line, chapter: chapter.to_owned(), program, words, from, to })
}

/// Every command of ours in a guide: in blocks of code, and in code within a sentence.
pub fn commands(text: &str) -> Vec<Found> {
    let (mut found, mut in_code, mut begun, mut chapter) = (Vec::new(), false, String::new(), "");
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            begun.push_str(text);
            if let Some(more) = begun.strip_suffix('\\') {
                begun = format!("{more} ");
                continue;
            }
            found.extend(ours(&std::mem::take(&mut begun), line, chapter));
        } else {
            if text.starts_with('#') {
                chapter = text.trim_start_matches(['#', ' ']);
            }
            found.extend(text.split('`').skip(1).step_by(2).flat_map(|code| ours(code, line, chapter)));
        }
    }
    found
}

/// What stands in sentences without the program's name: the words of each piece of code that begins with one of these subcommands.
pub fn shortened(text: &str, program: Which, subcommands: &[String]) -> Vec<Found> {
    let (mut found, mut in_code) = (Vec::new(), false);
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        for code in text.split('`').skip(1).step_by(2).filter(|_| !in_code) {
            for part in words(code).split(|word| BETWEEN.contains(&word.as_str())) {
                if part.first().is_some_and(|first| subcommands.contains(first)) {
                    let whole: Vec<String> =
                        std::iter::once(program.name().to_owned()).chain(part.iter().cloned()).collect();
                    found.extend(command(&whole, line, ""));
                }
            }
        }
    }
    found
}

/// Each block of a guide that a shell would run, with the line it begins on.
pub fn shell_blocks(text: &str) -> Vec<(usize, String)> {
    let (mut blocks, mut open): (Vec<(usize, String)>, _) = (Vec::new(), None);
    for (line, text) in (1..).zip(text.lines()) {
        match (text.trim().strip_prefix("```"), open) {
            (Some(kind), None) => {
                open = Some(kind == "sh");
                if kind == "sh" {
                    blocks.push((line + 1, String::new()));
                }
            }
            (Some(_), Some(_)) => open = None,
            (None, Some(true)) => {
                if let Some((_, block)) = blocks.last_mut() {
                    block.push_str(text);
                    block.push('\n');
                }
            }
            (None, _) => {}
        }
    }
    blocks
}

/// A guide's text.
///
/// # Errors
/// When it is not there.
pub fn text(guide: &str) -> Result<String> {
    std::fs::read_to_string(workspace().join(guide)).with_context(|| guide.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_with_their_chapter_line_and_files() {
        let guide = "# One\nRun `sudo varde-agent doctor --json` or `apt install varde-agent`.\n## Two\n```sh\nX=1 varde-agent status | varde-collector nothing   # --odd\nsudo -u varde-collector varde-collector sensor list \\\n  --json > out.json\nsystemctl status varde-agent --odd\nsudo podman run --rm localhost/varde-agent enroll --token-file - < token\n```\n`varde-agent run --interface … [--capture-fanout 1]`\n";
        let found = commands(guide);
        let told: Vec<_> = found.iter().map(|found| (found.line, found.chapter.as_str(), found.text())).collect();
        let told: Vec<_> = told.iter().map(|(line, chapter, text)| (*line, *chapter, text.as_str())).collect();
        assert_eq!(
            told,
            [
                (2, "One", "varde-agent doctor --json"),
                (5, "Two", "varde-agent status"),
                (5, "Two", "varde-collector nothing"),
                (7, "Two", "varde-collector sensor list --json"),
                (9, "Two", "varde-agent enroll --token-file -"),
                (11, "Two", "varde-agent run --interface … --capture-fanout 1"),
            ]
        );
        assert_eq!(found[3].to.as_deref(), Some("out.json"));
        assert_eq!(found[4].from.as_deref(), Some("token"));
        assert_eq!(found[5].spelled(), ["varde-agent", "run", "--interface", "--capture-fanout", "1"]);
    }

    #[test]
    fn only_blocks_of_a_shell_are_taken() {
        let guide = "```sh\na\nb\n```\n```toml\nc = 1\n```\n```\nd\n```\n```sh\ne\n```\n";
        assert_eq!(shell_blocks(guide), [(2, "a\nb\n".to_owned()), (12, "e\n".to_owned())]);
    }
}
