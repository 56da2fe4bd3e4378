//! Which commands the audit knows, and which only read: every one of them, so that a new one cannot be forgotten.

/// What the audit has to do with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// An entry under this name is committed before it does or shows anything.
    Noted,
    /// It changes nothing and shows nothing of what goes on at a member's hosts; why so.
    ReadsOnly(&'static str),
}

use Conduct::{Noted, ReadsOnly};

/// Every command by its words.
pub const COMMANDS: &[(&str, Conduct)] = &[
    ("init", Noted),
    // Its settings, where they are others than before.
    ("run", Noted),
    ("status", ReadsOnly("whether it lives; no member")),
    ("member add", Noted),
    ("member list", ReadsOnly("names and numbers that are public")),
    ("member show", ReadsOnly("whom to call there, which is what it is kept for; no host")),
    ("member set", Noted),
    ("member mail", Noted),
    ("member rename", Noted),
    ("member merge", Noted),
    ("member remove", Noted),
    ("member leave", Noted),
    // With --dry-run it only reads.
    ("member import", Noted),
    ("member export", Noted),
    ("ca next", Noted),
    ("ca switch", Noted),
    ("sensor token", Noted),
    ("sensor list", ReadsOnly("how sensors are; no host")),
    ("sensor events", ReadsOnly("what a sensor says of itself; no host")),
    ("silence list", ReadsOnly("how sensors are; no host")),
    ("silence show", ReadsOnly("what was said of a sensor; no host")),
    ("silence assign", Noted),
    ("silence note", Noted),
    ("silence accept", Noted),
    ("sensor release", Noted),
    ("sensor approve", Noted),
    ("sensor refuse", Noted),
    ("sensor move", Noted),
    ("sensor site add", Noted),
    ("sensor channel", Noted),
    ("sensor site remove", Noted),
    ("sensor site list", ReadsOnly("whose networks sensors watch; no host")),
    ("sensor revoke", Noted),
    ("indicator import", Noted),
    ("indicator brake", Noted),
    ("indicator verdict", Noted),
    ("indicator brakes", ReadsOnly("numbers of hosts; no host")),
    ("indicator list", ReadsOnly("what is looked for, not what was found")),
    // Of a TAXII server without --collection it only reads.
    ("source add", Noted),
    ("source list", ReadsOnly("where intelligence comes from and whether it does; no member")),
    ("source show", ReadsOnly("where intelligence comes from and whether it does; no member")),
    // With --dry-run it only reads.
    ("source fetch", Noted),
    ("source set", Noted),
    ("source pause", Noted),
    ("source resume", Noted),
    ("source remove", Noted),
    // Without --confidential it only reads: what is looked for and who says so.
    ("indicator show", Noted),
    ("indicator export", Noted),
    ("reader add", Noted),
    ("reader list", ReadsOnly("who may read the list; no host")),
    ("reader remove", Noted),
    ("user add", Noted),
    ("user list", ReadsOnly("who has an account, which is what it is kept for; no host")),
    ("user show", ReadsOnly("who has an account, which is what it is kept for; no host")),
    ("user disable", Noted),
    ("user enable", Noted),
    ("user link", Noted),
    ("user reset", Noted),
    // Without --end it only reads.
    ("user sessions", Noted),
    ("user role", Noted),
    ("token add", Noted),
    ("token list", ReadsOnly("who reads; no host")),
    ("token remove", Noted),
    ("sighting to", Noted),
    ("sighting off", Noted),
    ("sighting list", ReadsOnly("which verdicts are told; no host")),
    ("sighting send", Noted),
    ("indicator lint", ReadsOnly("what is looked for and what is not; no host")),
    ("lint list add", Noted),
    ("lint list list", ReadsOnly("lists that are public, or the operator's own")),
    ("lint list show", ReadsOnly("lists that are public, or the operator's own")),
    ("lint list remove", Noted),
    ("lint override", Noted),
    ("lint overrides", ReadsOnly("what is looked for and why; no host")),
    // Without days it only reads.
    ("lint lifetime", Noted),
    ("allow add", Noted),
    ("allow list", ReadsOnly("what is not looked for and why; no host")),
    ("allow remove", Noted),
    // With --status it only reads.
    ("publish", Noted),
    // What it would have hit is of members' hosts, in numbers.
    ("draft show", Noted),
    ("draft review", Noted),
    ("pilot add", Noted),
    ("pilot remove", Noted),
    ("pilot list", ReadsOnly("which sensors get lists first; no host")),
    ("recall", Noted),
    ("recall lift", Noted),
    ("recall show", ReadsOnly("what is not looked for, not what was found")),
    ("list export", Noted),
    ("root show", ReadsOnly("keys that are public, and versions")),
    ("root next", Noted),
    ("root accept", Noted),
    ("sign", Noted),
    ("key make", Noted),
    ("campaign list", ReadsOnly("numbers of hosts; no host")),
    ("campaign show", Noted),
    ("campaign close", Noted),
    ("campaign reopen", Noted),
    ("campaign assign", Noted),
    ("campaign note", Noted),
    ("campaign split", Noted),
    ("campaign merge", Noted),
    ("incident list", Noted),
    ("incident show", Noted),
    ("incident new", Noted),
    ("incident triage", Noted),
    ("incident confirm", Noted),
    ("incident contain", Noted),
    ("incident close", Noted),
    ("incident reopen", Noted),
    ("incident assign", Noted),
    ("incident note", Noted),
    ("incident measure", Noted),
    ("incident clock", Noted),
    ("alert list", Noted),
    ("alert verdict", Noted),
    ("advisory new", Noted),
    ("advisory edit", Noted),
    ("advisory preview", ReadsOnly("what the CSIRT writes, and to whom; no host")),
    ("advisory send", Noted),
    ("advisory show", ReadsOnly("what the CSIRT writes; no host")),
    ("advisory list", ReadsOnly("what the CSIRT writes; no host")),
    ("advisory read-by", Noted),
    ("advisory recipients", Noted),
    ("advisory resend", Noted),
    ("advisory correct", Noted),
    ("advisory withdraw", Noted),
    ("measure list", ReadsOnly("what can be done; no host")),
    ("measure show", ReadsOnly("what can be done; no host")),
    ("measure edit", Noted),
    ("measure reset", Noted),
    ("noise list", ReadsOnly("what looks like noise, in numbers; no host")),
    ("noise accept", Noted),
    ("noise reject", Noted),
    ("noise guards", ReadsOnly("what links nothing any more, in numbers; no host")),
    ("noise lift", Noted),
    ("noise hold", Noted),
    ("why", ReadsOnly("what a word stands on; no host")),
    ("statistics", ReadsOnly("numbers of alerts; no host")),
    ("audit list", ReadsOnly("what stands in it already")),
    ("audit verify", ReadsOnly("what stands in it already")),
    ("audit export", Noted),
    ("backup", Noted),
    ("restore", Noted),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Cli;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    /// The words of every command that does something itself.
    fn leaves(command: &clap::Command, above: &str, all: &mut Vec<String>) {
        let own = |sub: &clap::Command| format!("{above}{}", sub.get_name());
        for sub in command.get_subcommands() {
            // One that does something without a subcommand too.
            if sub.has_subcommands() && sub.is_args_conflicts_with_subcommands_set() {
                all.push(own(sub));
            }
            match sub.has_subcommands() {
                true => leaves(sub, &format!("{} ", own(sub)), all),
                false => all.push(own(sub)),
            }
        }
    }

    #[test]
    fn w2_every_command_is_in_the_audit_or_is_named_as_reading_only() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "", &mut found);
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let named: BTreeSet<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(named.len(), COMMANDS.len(), "each once");
        assert_eq!(found, named, "a new command says in command/audited.rs whether it is in the audit");
        assert!(found.len() > 25 && found.contains("sensor revoke"), "{found:?}");
    }
}
