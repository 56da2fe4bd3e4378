//! The manual's page of a file of settings, from the commented file itself: prose after `# `, then the setting after `#`.

use std::fmt::Write;

/// A setting with what is said of it: the lines as they may stand in the file, and the prose before them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Setting {
    prose: String,
    lines: Vec<String>,
}

/// The page. `name`: `agent.toml`; `file`: where it lies; `program`: whose it is; `text`: the commented file.
pub fn page(name: &str, file: &str, program: &str, text: &str) -> String {
    let mut settings = read(text).into_iter().peekable();
    let mut page = format!(
        ".TH {} 5 \"\" \"\" Varde\n.SH NAME\n{} \\- settings of {}\n.SH SYNOPSIS\n.I {}\n.SH DESCRIPTION\n",
        name.to_uppercase(),
        escaped(name),
        escaped(program),
        escaped(file),
    );
    if let Some(about) = settings.next_if(|first| first.lines.is_empty()) {
        let _ = writeln!(page, "{}", paragraph(&about.prose));
    }
    page.push_str(".SH SETTINGS\n");
    for setting in settings {
        for (index, line) in setting.lines.iter().enumerate() {
            let _ = writeln!(page, "{}\n\\fB{}\\fR", if index == 0 { ".TP" } else { ".TQ" }, escaped(line));
        }
        let _ = writeln!(page, "{}", paragraph(&setting.prose));
    }
    let _ = write!(page, ".SH \"SEE ALSO\"\n.BR {} (1)\n", escaped(program));
    page
}

fn read(text: &str) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    let mut open = Setting::default();
    let mut close = |open: &mut Setting| {
        let setting = std::mem::take(open);
        if setting != Setting::default() {
            settings.push(setting);
        }
    };
    for line in text.lines() {
        match line.strip_prefix('#') {
            // Prose behind a setting is of the next one, with an empty line between or not.
            Some(prose) if prose.starts_with(' ') => {
                if !open.lines.is_empty() {
                    close(&mut open);
                }
                open.prose.push_str(prose);
            }
            Some(setting) => open.lines.push(setting.to_owned()),
            None => close(&mut open),
        }
    }
    close(&mut open);
    settings
}

fn paragraph(prose: &str) -> String {
    let words = prose.trim();
    // A line that begins with a point or an apostrophe would be an order to the typesetter.
    let kept = if words.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{kept}{}", escaped(words))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::workspace;

    #[test]
    fn prose_and_settings_are_told_apart() {
        let text = "# About.\n# More.\n\n# One.\n#one = 1\n#two = \"2\"\n# Three.\n#three = 3\n\n# Four.\n#[[four]]\n#id = 1\n";
        let setting = |prose: &str, lines: &[&str]| Setting {
            prose: prose.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        let expected = [
            setting(" About. More.", &[]),
            setting(" One.", &["one = 1", "two = \"2\""]),
            setting(" Three.", &["three = 3"]),
            setting(" Four.", &["[[four]]", "id = 1"]),
        ];
        assert_eq!(read(text), expected);
        let page = page("x.toml", "/etc/x.toml", "x-y", text);
        assert!(page.contains(".TP\n\\fBone = 1\\fR\n.TQ\n\\fBtwo = \\(dq2\\(dq\\fR\nOne.\n"), "{page}");
        assert!(page.contains("x\\-y"));
    }

    #[test]
    fn every_setting_of_both_files_stands_in_its_page_with_prose() {
        for (name, keys) in [("agent.toml", 20), ("collector.toml", 15)] {
            let text = std::fs::read_to_string(workspace().join("packaging").join(name)).unwrap();
            let settings = read(&text);
            let named: usize = settings.iter().map(|setting| setting.lines.len()).sum();
            assert!(named >= keys, "{name}: {named}");
            let bare: Vec<&Setting> = settings.iter().filter(|setting| setting.prose.is_empty()).collect();
            assert!(bare.is_empty(), "{name}: {bare:?}");
        }
    }
}
