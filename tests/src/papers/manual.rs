//! The manual's pages and the shells' completions, from the command line as clap knows it: a subcommand cannot lack one.

use anyhow::Result;
use clap::Command;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

/// The pages of a program and all its subcommands: file name (`varde-agent-list-apply.1`) and text.
///
/// # Errors
/// The writer's, which writes to memory.
pub fn pages(command: &Command) -> Result<Vec<(String, String)>> {
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let version = command.get_version().unwrap_or_default();
    collect(&command, command.get_name(), version, &mut pages)?;
    Ok(pages)
}

/// Every command, by the words that call it joined with `-`: the pages there must be.
pub fn names(command: &Command) -> Vec<String> {
    let mut names = vec![command.get_name().to_owned()];
    for below in shown(command) {
        names.extend(self::names(below).into_iter().map(|name| format!("{}-{name}", command.get_name())));
    }
    names
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
}

fn collect(command: &Command, name: &str, version: &str, pages: &mut Vec<(String, String)>) -> Result<()> {
    let mut text = Vec::new();
    let page = Man::new(command.clone()).title(name).source(format!("Varde {version}")).manual("Varde");
    page.render(&mut text)?;
    pages.push((format!("{name}.1"), String::from_utf8_lossy(&text).into_owned()));
    for below in shown(command) {
        collect(below, &format!("{name}-{}", below.get_name()), version, pages)?;
    }
    Ok(())
}

/// Completions, each with where it lies below `/usr/share`.
pub fn completions(command: &Command) -> Vec<(String, String)> {
    let name = command.get_name().to_owned();
    let places = [
        (Shell::Bash, format!("bash-completion/completions/{name}")),
        (Shell::Zsh, format!("zsh/vendor-completions/_{name}")),
        (Shell::Fish, format!("fish/vendor_completions.d/{name}.fish")),
    ];
    let complete = |(shell, place): (Shell, String)| {
        let mut text = Vec::new();
        generate(shell, &mut command.clone(), &name, &mut text);
        (place, String::from_utf8_lossy(&text).into_owned())
    };
    places.into_iter().map(complete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, CommandFactory};

    #[test]
    fn every_command_of_both_programs_has_a_page_that_says_what_it_does() {
        for command in [varde_agent::command::line::CommandLine::command(), varde_collector::command::Cli::command()] {
            let pages = pages(&command).unwrap();
            let files: Vec<String> = names(&command).iter().map(|name| format!("{name}.1")).collect();
            assert_eq!(pages.iter().map(|(file, _)| file.clone()).collect::<Vec<_>>(), files);
            for (file, text) in &pages {
                let name = text.split(".SH NAME\n").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
                assert!(
                    name.contains(r" \- ") && !name.ends_with(r"\- "),
                    "{file} does not say what it is for: {name}"
                );
            }
        }
    }

    #[test]
    fn what_is_hidden_has_no_page_and_what_lies_below_has() {
        let command = Command::new("a")
            .subcommand(Command::new("b").about("x").subcommand(Command::new("c").arg(Arg::new("f").long("from"))));
        let command = command.subcommand(Command::new("d").hide(true));
        assert_eq!(names(&command), ["a", "a-b", "a-b-c"]);
        let completed = completions(&command);
        assert!(completed.iter().all(|(_, text)| text.contains("from")), "{completed:?}");
    }
}
