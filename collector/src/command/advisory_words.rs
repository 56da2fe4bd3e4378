//! What `varde-collector advisory` prints: for people as one reads it, for programs as JSON.

use serde::Serialize;

use super::say;
use crate::advisory::markup::{Block, read};
use crate::advisory::{Answer, State};
use crate::present::shown::Shown;
use crate::store::advisory::heard::Recipient;
use crate::store::advisory::{AdvisoryView, AnswerRow};
use crate::store::mail::MailRow;

/// What `--json` of an advisory holds.
pub(super) const SHOW_KEYS: &str = "\
KEYS of --json (absent = null; times RFC 3339 UTC): id, uuid (its name for members and in addresses), campaign, tlp, audience (campaign, all
or chosen), state (draft, sent or withdrawn), version (1, and one more for each correction), corrects and corrected_by (uuids), written_by,
changed_at, sent_by, sent_at, withdrawn_at, withdrawn_why, texts [{language, title, body}], measures [{key, words {nb, nn, en},
is_theirs (null here)}], recipients
and read (how many members got it, and how many of them have read it), others_at_least and own (null here: what a member is told).";

/// What `--json` of who has read one holds.
pub(super) const READ_BY_KEYS: &str = "\
First those who have not read it and were not told by telephone, where it came furthest first: that is the order in which to ring.
--called NUMBER notes that a member was told by telephone; only who reads it confirms that it is read.
KEYS of --json: id, recipients, read, members [{number, name, evidence, sent_at, read_at, read_by, called_at, called_by, mail_distrusted
{at, who, why}, has_address, contacts [[role, {name, telephone, out_of_hours, email, confirmed_at}]]}], mails [{member, role, occasion, tries,
handing_at (since when it is on its way; where that is long ago nobody knows whether it was taken), next_at, sent_at, given_up_at,
failed_why}], answers [{member, name, at, who, answer, measure, text}].";

/// Text from outside, as a terminal may show it.
fn plain(text: &str) -> String {
    Shown::whole(text).to_string()
}

fn title(view: &AdvisoryView) -> String {
    view.texts.first().map_or_else(|| "(no text yet)".to_owned(), |text| plain(&text.title))
}

/// `advisory list`.
pub(super) fn list(views: &[AdvisoryView], json: bool) -> anyhow::Result<()> {
    let row = |view: &AdvisoryView| {
        let (recipients, read) = (view.recipients.unwrap_or(0), view.read.unwrap_or(0));
        vec![
            view.id.unwrap_or_default().to_string(),
            view.state.as_str().to_owned(),
            view.tlp.clone(),
            view.campaign.map_or("-".to_owned(), |campaign| campaign.to_string()),
            if view.state == State::Draft { "-".to_owned() } else { format!("{read} of {recipients}") },
            say::moment(view.sent_at),
            title(view),
        ]
    };
    let nothing = "No advisories yet. Write one with: varde-collector advisory new --help";
    say::rows(views, json, &["ID", "STATE", "TLP", "CAMPAIGN", "READ BY", "SENT", "TITLE"], row, nothing)
}

fn blocks(body: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for block in read(body) {
        lines.push(String::new());
        match block {
            Block::Heading(text) => lines.push(format!("  {}", plain(&text).to_uppercase())),
            Block::Part(text) | Block::Paragraph(text) => lines.push(format!("  {}", plain(&text))),
            Block::Points(items) => lines.extend(items.iter().map(|item| format!("  - {}", plain(item)))),
            Block::Steps(items) => {
                lines.extend((1..).zip(&items).map(|(place, item)| format!("  {place}. {}", plain(item))));
            }
        }
    }
    lines
}

fn whole(view: &AdvisoryView) -> Vec<String> {
    let mut lines = vec![format!(
        "Advisory {} ({}), {}, {}, version {}",
        view.id.unwrap_or_default(),
        view.uuid,
        view.state.as_str(),
        view.tlp,
        view.version
    )];
    let who = |who: &Option<String>| plain(who.as_deref().unwrap_or("-"));
    lines.push(format!("Written by {}, last changed {}", who(&view.written_by), say::moment(view.changed_at)));
    if view.sent_at.is_some() {
        lines.push(format!("Sent {} by {}", say::moment(view.sent_at), who(&view.sent_by)));
    }
    if let Some(why) = &view.withdrawn_why {
        lines.push(format!("WITHDRAWN {}: {}", say::moment(view.withdrawn_at), plain(why)));
    }
    lines.extend(view.corrects.as_ref().map(|before| format!("Corrects {before}")));
    lines.extend(view.corrected_by.as_ref().map(|next| format!("CORRECTED by {next}")));
    for text in &view.texts {
        lines.push(String::new());
        lines.push(format!("[{}] {}", text.language, plain(&text.title)));
        lines.extend(blocks(&text.body));
    }
    if !view.measures.is_empty() {
        lines.extend([String::new(), "Measures:".to_owned()]);
    }
    for advised in &view.measures {
        let title = advised.words.as_ref().map_or("(not in the bank any more)", |words| words.nb.title.as_str());
        lines.push(format!("  {}: {}", advised.key, plain(title)));
    }
    lines
}

/// `advisory show`.
pub(super) fn show(view: &AdvisoryView, json: bool) -> anyhow::Result<()> {
    if json {
        return say::result(&serde_json::to_string(view)?);
    }
    say::result(&whole(view).join("\n"))
}

#[derive(Debug, Serialize)]
struct Preview<'a> {
    #[serde(flatten)]
    view: &'a AdvisoryView,
    goes_to: Vec<&'a str>,
}

/// `advisory preview`.
pub(super) fn preview(view: &AdvisoryView, members: &[(String, String)], json: bool) -> anyhow::Result<()> {
    if json {
        let goes_to = members.iter().map(|(number, _)| number.as_str()).collect();
        return say::result(&serde_json::to_string(&Preview { view, goes_to })?);
    }
    let mut lines = whole(view);
    let names: Vec<String> = members.iter().map(|(number, name)| format!("{} ({number})", plain(name))).collect();
    let verb = if view.state == State::Draft { "would go" } else { "went" };
    lines.push(format!("\nIt {verb} to {} members: {}", names.len(), names.join(", ")));
    say::result(&lines.join("\n"))
}

#[derive(Debug, Serialize)]
struct Recipients<'a> {
    id: i64,
    members: Vec<&'a str>,
    proposed: Vec<&'a str>,
}

/// `advisory recipients`.
pub(super) fn recipients(
    id: i64,
    members: &[(String, String)],
    proposed: &[(String, String)],
    json: bool,
) -> anyhow::Result<()> {
    if json {
        let numbers =
            |all: &'_ [(String, String)]| -> Vec<String> { all.iter().map(|(number, _)| number.clone()).collect() };
        let (members, proposed) = (numbers(members), numbers(proposed));
        let members = members.iter().map(String::as_str).collect();
        let proposed = proposed.iter().map(String::as_str).collect();
        return say::result(&serde_json::to_string(&Recipients { id, members, proposed })?);
    }
    let names = |all: &[(String, String)]| -> String {
        all.iter().map(|(number, name)| format!("{} ({number})", plain(name))).collect::<Vec<_>>().join(", ")
    };
    say::result(&format!("{} members: {}", members.len(), names(members)))?;
    if !proposed.is_empty() {
        say::result(&format!("In the campaign since, and without it: {}", names(proposed)))?;
        say::aside(&format!("Send it to them too: varde-collector advisory recipients {id} --add-proposed"));
    }
    Ok(())
}

/// What `advisory read-by` tells.
pub(super) struct ReadBy<'a> {
    pub(super) view: &'a AdvisoryView,
    pub(super) members: Vec<Recipient>,
    pub(super) mails: Vec<MailRow>,
    pub(super) answers: Vec<AnswerRow>,
}

#[derive(Debug, Serialize)]
struct ReadByJson<'a> {
    id: i64,
    recipients: usize,
    read: usize,
    members: &'a [Recipient],
    mails: &'a [MailRow],
    answers: &'a [AnswerRow],
}

/// Whom to ring at a member.
fn telephones(member: &Recipient) -> String {
    let line = |(role, contact): &(crate::profile::Role, crate::profile::Contact)| {
        let mut said = vec![format!("{} ({})", plain(&contact.name), role.as_str())];
        said.extend(contact.telephone.as_ref().map(|number| number.to_string()));
        said.extend(contact.out_of_hours.as_ref().map(|number| format!("out of hours {number}")));
        said.join(" ")
    };
    let all: Vec<String> = member
        .contacts
        .iter()
        .filter(|(_, contact)| contact.telephone.is_some() || contact.out_of_hours.is_some())
        .map(line)
        .collect();
    if all.is_empty() { "NO TELEPHONE KNOWN".to_owned() } else { all.join("; ") }
}

fn answer(row: &AnswerRow) -> String {
    let said = match row.answer {
        Answer::NotAffected => "not affected".to_owned(),
        Answer::Affected => "AFFECTED".to_owned(),
        Answer::NeedHelp => "NEEDS HELP".to_owned(),
        Answer::MeasureDone => format!("done: {}", row.measure.as_deref().unwrap_or("a measure")),
        Answer::Words => String::new(),
    };
    let text = row.text.as_deref().map(plain).unwrap_or_default();
    format!("{} {text}", said).trim().to_owned()
}

impl ReadBy<'_> {
    /// Prints it.
    pub(super) fn say(&self, json: bool) -> anyhow::Result<()> {
        let id = self.view.id.unwrap_or_default();
        let read = self.members.iter().filter(|member| member.read_at.is_some()).count();
        if json {
            let (members, mails, answers) = (&self.members, &self.mails, &self.answers);
            let told = ReadByJson { id, recipients: members.len(), read, members, mails, answers };
            return say::result(&serde_json::to_string(&told)?);
        }
        say::result(&format!("Advisory {id}: read by {read} of {}.", self.members.len()))?;
        let waits: Vec<&Recipient> =
            self.members.iter().filter(|one| one.read_at.is_none() && one.sent_at.is_some()).collect();
        if !waits.is_empty() {
            say::result("\nNot read. Ring these, from the top:")?;
        }
        for one in waits {
            let far = say::how_far(one.evidence);
            say::result(&format!("  {} ({}), {far}: {}", plain(&one.name), one.number, telephones(one)))?;
            if let Some(distrusted) = &one.mail_distrusted {
                say::result(&format!("    gets no mail: it may be read by others ({})", plain(&distrusted.why)))?;
            } else if !one.has_address {
                say::result("    gets no mail: its profile has no address")?;
            }
            if let Some(who) = &one.called_by {
                say::result(&format!("    told by telephone {} by {}", say::moment(one.called_at), plain(who)))?;
            }
        }
        for one in self.members.iter().filter(|one| one.read_at.is_some()) {
            let who = plain(one.read_by.as_deref().unwrap_or("-"));
            say::result(&format!(
                "Read by {} ({}): {who}, {}",
                plain(&one.name),
                one.number,
                say::moment(one.read_at)
            ))?;
        }
        for row in &self.answers {
            let (name, who) = (plain(&row.name), plain(&row.who));
            say::result(&format!(
                "Answer of {name} ({}), {who}, {}: {}",
                row.member,
                say::moment(Some(row.at)),
                answer(row)
            ))?;
        }
        for mail in self.mails.iter().filter(|mail| mail.sent_at.is_none()) {
            let how = match (mail.handing_at, mail.given_up_at, mail.next_at) {
                (at @ Some(_), _, _) => {
                    format!("was on its way at {}, and nobody knows whether it was taken", say::moment(at))
                }
                (None, Some(_), _) => "given up".to_owned(),
                (None, None, next) => format!("waits, tried {} times, next {}", mail.tries, say::moment(next)),
            };
            let why = mail.failed_why.as_deref().map(plain).unwrap_or_default();
            say::result(&format!("Mail to {} ({}): {how}. {why}", mail.member, mail.role))?;
        }
        Ok(())
    }
}
