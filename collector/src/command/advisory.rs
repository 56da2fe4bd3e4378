//! `varde-collector advisory`: what the CSIRT writes to members, who has read it, and whom to ring of those who have not. [`super::advisory_words`]
//! prints it.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::tlp::Tlp;

use super::noted::deed;
use super::{advisory_words as words, member, run as run_command, say, work};
use crate::advisory::{Audience, Title, Wording, marking};
use crate::audit::{Deed, On};
use crate::io::{clock, directory, user};
use crate::limits::advisory::TEXT_MAX_OCTETS;
use crate::present::text::Language;
use crate::store::advisory::AdvisoryView;
use crate::store::advisory::draft::{Edit, New};
use crate::store::advisory::send::{Sending, Sent};
use crate::store::{Scope, Store};
use crate::workflow::Matter;

const NEW_HELP: &str = "\
The text is a file (- = standard input) of plain words: # and ## begin headings, - and 1. begin points and steps, an empty line ends a
paragraph. Links and HTML stay text. Written in bokmål (nb) unless --language says nn or en; write the other with: advisory edit.
It is a draft until: varde-collector advisory send NUMBER. Exit: 0 it is there, 1 it is not, and why, 2 wrong usage.";

/// Subcommands of `advisory`.
#[derive(Debug, Subcommand)]
pub enum AdvisoryCommand {
    /// Begin one, as a draft.
    #[command(after_help = NEW_HELP)]
    New(NewArguments),
    /// Change a draft.
    Edit(EditArguments),
    /// Show one as members read it, and whom it would go to.
    Preview(OneArguments),
    /// Send a draft. From then on it is never changed.
    Send(OneArguments),
    /// Show one.
    #[command(after_help = words::SHOW_KEYS)]
    Show(OneArguments),
    /// List them, the newest first.
    #[command(after_help = words::SHOW_KEYS)]
    List {
        /// About this campaign.
        #[arg(long, value_name = "CAMPAIGN")]
        campaign: Option<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Who has read it, what they answered, what became of the mail, and whom to ring.
    #[command(after_help = words::READ_BY_KEYS)]
    ReadBy {
        /// Its number or uuid.
        id: String,
        /// This member was told by telephone.
        #[arg(long, value_name = "NUMBER")]
        called: Option<MemberNumber>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Whom it goes to. What was sent goes to those who are added at once, and is taken back from nobody.
    Recipients(RecipientsArguments),
    /// Send its mail again to those it did not reach, and have not read it.
    Resend(OneArguments),
    /// Begin a version that corrects one that was sent; members are told when it is sent.
    Correct(OneArguments),
    /// Withdraw what was sent, which stays to be read with why; or delete a draft.
    Withdraw {
        /// Its number or uuid.
        id: String,
        /// Why, on one line. Members read it.
        #[arg(long, value_name = "TEXT", value_parser = work::note)]
        reason: String,
        /// Print what was done as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `advisory new`.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// Its heading, on one line.
    #[arg(long, value_name = "TITLE")]
    pub title: Title,
    /// Its text, in a file; - = standard input.
    #[arg(long, value_name = "FILE")]
    pub text: PathBuf,
    /// In which language that is: nb, nn or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "nb", value_parser = language)]
    pub language: Language,
    /// About this campaign; it goes to its members.
    #[arg(long, value_name = "CAMPAIGN")]
    pub campaign: Option<String>,
    /// It goes to all members.
    #[arg(long, conflicts_with = "member")]
    pub all: bool,
    /// It goes to this member; several: say it again.
    #[arg(long, value_name = "NUMBER")]
    pub member: Vec<MemberNumber>,
    /// How far it may be shared: clear, green, amber, amber+strict or red.
    #[arg(long, value_name = "TLP", default_value = "amber", value_parser = marking)]
    pub tlp: Tlp,
    /// A measure of the bank, by its key; several: say it again [default: those proposed for the campaign; with --all none].
    #[arg(long, value_name = "KEY")]
    pub measure: Vec<String>,
    /// No measures.
    #[arg(long, conflicts_with = "measure")]
    pub no_measures: bool,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `advisory edit`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["text", "tlp", "measure", "no_measures"]))]
pub struct EditArguments {
    /// Its number or uuid.
    pub id: String,
    /// Its heading, on one line.
    #[arg(long, value_name = "TITLE", requires = "text")]
    pub title: Option<Title>,
    /// Its text, in a file; - = standard input.
    #[arg(long, value_name = "FILE", requires = "title")]
    pub text: Option<PathBuf>,
    /// In which language that is: nb, nn or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "nb", value_parser = language)]
    pub language: Language,
    /// How far it may be shared: clear, green, amber, amber+strict or red.
    #[arg(long, value_name = "TLP", value_parser = marking)]
    pub tlp: Option<Tlp>,
    /// These measures and no others; several: say it again.
    #[arg(long, value_name = "KEY")]
    pub measure: Vec<String>,
    /// No measures.
    #[arg(long, conflicts_with = "measure")]
    pub no_measures: bool,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments that name one.
#[derive(Debug, Args)]
pub struct OneArguments {
    /// Its number or uuid.
    pub id: String,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `advisory recipients`.
#[derive(Debug, Args)]
pub struct RecipientsArguments {
    /// Its number or uuid.
    pub id: String,
    /// This member too; several: say it again.
    #[arg(long, value_name = "NUMBER")]
    pub add: Vec<MemberNumber>,
    /// Of a draft: not this member.
    #[arg(long, value_name = "NUMBER")]
    pub remove: Vec<MemberNumber>,
    /// Members of the campaign that have come since it was sent.
    #[arg(long)]
    pub add_proposed: bool,
    /// Of a draft: all members.
    #[arg(long, conflicts_with_all = ["add", "remove", "campaign"])]
    pub all: bool,
    /// Of a draft: the members of its campaign, as they are when it is sent.
    #[arg(long, conflicts_with_all = ["add", "remove"])]
    pub campaign: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

fn language(text: &str) -> Result<Language, String> {
    Language::ALL.into_iter().find(|language| language.tag() == text).ok_or_else(|| "one of nb, nn, en".to_owned())
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: AdvisoryCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = dispatch(data, &store, command).await;
    store.close().await;
    done
}

async fn dispatch(data: &Path, store: &Store, command: AdvisoryCommand) -> anyhow::Result<()> {
    match command {
        AdvisoryCommand::New(arguments) => new(store, arguments).await,
        AdvisoryCommand::Edit(arguments) => edit(store, arguments).await,
        AdvisoryCommand::Preview(OneArguments { id, json }) => {
            let view = named(store, &id).await?;
            let members = numbers(store, audience(store, &view).await?).await?;
            words::preview(&view, &members, json)
        }
        AdvisoryCommand::Send(OneArguments { id, json }) => send(data, store, &id, json).await,
        AdvisoryCommand::Show(OneArguments { id, json }) => words::show(&named(store, &id).await?, json),
        AdvisoryCommand::List { campaign, json } => {
            let campaign = match campaign {
                Some(name) => Some(work::campaign_named(store, &name).await?),
                None => None,
            };
            words::list(&store.advisories(Scope::Operator, campaign).await?, json)
        }
        AdvisoryCommand::ReadBy { id, called, json } => read_by(store, &id, called, json).await,
        AdvisoryCommand::Recipients(arguments) => recipients(data, store, arguments).await,
        AdvisoryCommand::Resend(OneArguments { id, json }) => resend(data, store, &id, json).await,
        AdvisoryCommand::Correct(OneArguments { id, json }) => correct(store, &id, json).await,
        AdvisoryCommand::Withdraw { id, reason, json } => withdraw(data, store, &id, &reason, json).await,
    }
}

/// The advisory that a name means.
async fn named(store: &Store, name: &str) -> anyhow::Result<AdvisoryView> {
    let none = || anyhow!("there is no advisory \"{name}\"; varde-collector advisory list shows those there are");
    let id = store.advisory_named(Scope::Operator, name).await?.ok_or_else(none)?;
    store.advisory(Scope::Operator, id).await?.ok_or_else(none)
}

fn id_of(view: &AdvisoryView) -> i64 {
    view.id.unwrap_or_default()
}

async fn audience(store: &Store, view: &AdvisoryView) -> anyhow::Result<Vec<i64>> {
    store.advisory_audience(Scope::Operator, id_of(view)).await?.map_err(Into::into)
}

/// Numbers and names of members, in order.
async fn numbers(store: &Store, ids: Vec<i64>) -> anyhow::Result<Vec<(String, String)>> {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    let rows = store.member_rows(Scope::Operator).await?;
    Ok(rows.into_iter().filter(|row| ids.contains(&row.id)).map(|row| (row.number, row.name)).collect())
}

async fn ids(store: &Store, numbers: &[MemberNumber]) -> anyhow::Result<Vec<i64>> {
    let mut ids = Vec::with_capacity(numbers.len());
    for number in numbers {
        ids.push(member::find(store, number).await?.id);
    }
    Ok(ids)
}

/// A deed on an advisory, and on whom it goes to.
async fn about(store: &Store, what: &'static str, view: &AdvisoryView) -> anyhow::Result<Deed> {
    let members = numbers(store, audience(store, view).await?).await?;
    let on = On::Thing(format!("advisory {}", id_of(view)));
    Ok(deed(what, on).concerns(members.into_iter().map(|(number, _)| number)))
}

fn wording(title: Title, text: &Path) -> anyhow::Result<Wording> {
    let most = u64::try_from(TEXT_MAX_OCTETS).unwrap_or(u64::MAX).saturating_mul(2);
    let octets = if text == Path::new("-") {
        let mut octets = Vec::new();
        std::io::stdin().lock().take(most).read_to_end(&mut octets).context("cannot read standard input")?;
        octets
    } else {
        directory::read(text, most)?
    };
    let text = String::from_utf8(octets).map_err(|_| anyhow!("the text is no UTF-8; save it as such"))?;
    Ok(Wording { title, body: text.parse().map_err(anyhow::Error::msg)? })
}

#[derive(Debug, Serialize)]
struct Done {
    id: i64,
    uuid: String,
}

async fn new(store: &Store, arguments: NewArguments) -> anyhow::Result<()> {
    let NewArguments { title, text, language, campaign, all, member, tlp, measure, no_measures, json } = arguments;
    let wordings = [(language, wording(title, &text)?)];
    let campaign = match campaign {
        Some(name) => Some(work::campaign_named(store, &name).await?),
        None => None,
    };
    let chosen = ids(store, &member).await?;
    let audience = match (all, chosen.is_empty(), campaign) {
        (true, ..) => Audience::All,
        (false, true, Some(_)) => Audience::Campaign,
        (false, ..) => Audience::Chosen,
    };
    let is_named = !measure.is_empty();
    // Of all members most were not met by the campaign: what is done where it got far is nothing for them.
    let measures = match campaign.filter(|_| !is_named && !no_measures && !all) {
        Some(campaign) => store.proposed_keys(Scope::Operator, Matter::Campaign(campaign)).await?,
        None => measure,
    };
    let who = user::who();
    let new =
        New { campaign, audience, chosen: &chosen, tlp, wordings: &wordings, measures: &measures, is_named, who: &who };
    let on = campaign.map_or(On::Collector, |campaign| On::Thing(format!("campaign {campaign}")));
    let doing = deed("advisory new", on).becomes(format!("a draft, {tlp}, with {} measures", measures.len()));
    let id = store.noting(doing).new_advisory(&new, clock::now()).await??;
    let view = named(store, &id.to_string()).await?;
    if json {
        return say::result(&serde_json::to_string(&Done { id, uuid: view.uuid })?);
    }
    say::result(&format!("Advisory {id} is a draft with {} measures.", measures.len()))?;
    if all && !is_named && !no_measures && campaign.is_some() {
        say::aside(
            "No measures are proposed with --all: most members were not met by it. Name those for all of them: --measure KEY",
        );
    }
    say::aside(&format!(
        "Look at it, then send it: varde-collector advisory preview {id}; varde-collector advisory send {id}"
    ));
    Ok(())
}

async fn edit(store: &Store, arguments: EditArguments) -> anyhow::Result<()> {
    let EditArguments { id, title, text, language, tlp, measure, no_measures, json } = arguments;
    let view = named(store, &id).await?;
    let wording = match (title, text) {
        (Some(title), Some(text)) => Some((language, wording(title, &text)?)),
        (None | Some(_), None) | (None, Some(_)) => None,
    };
    let mut changed: Vec<String> = Vec::new();
    changed.extend(wording.as_ref().map(|(language, _)| format!("text in {}", language.tag())));
    changed.extend(tlp.map(|tlp| tlp.to_string()));
    let measures = (no_measures || !measure.is_empty()).then_some(measure.as_slice());
    changed.extend(measures.map(|keys| format!("{} measures", keys.len())));
    let doing = about(store, "advisory edit", &view).await?.becomes(changed.join(", "));
    let edit = Edit { wording, tlp, measures, ..Edit::default() };
    let id = id_of(&view);
    store.noting(doing).edit_advisory(id, &edit, clock::now()).await??;
    if json {
        return say::result(&serde_json::to_string(&Done { id, uuid: view.uuid })?);
    }
    say::result(&format!("Advisory {id}: {}.", changed.join(", ")))
}

/// Whether mail is sent from here.
fn with_mail(data: &Path) -> anyhow::Result<bool> {
    Ok(run_command::read_settings(data)?.mail.server().map_err(anyhow::Error::msg)?.is_some())
}

fn sent_words(id: i64, sent: Sent, with_mail: bool) -> anyhow::Result<()> {
    let Sent { members, mails } = sent;
    say::result(&format!("Advisory {id} was sent to {members} members; {mails} mails wait to be sent."))?;
    if !with_mail {
        say::aside("No mail is sent: there is no mail_server in collector.toml. Members see it when they sign in.");
    }
    say::aside(&format!("Who has read it, and whom to ring: varde-collector advisory read-by {id}"));
    Ok(())
}

#[derive(Debug, Serialize)]
struct SentJson {
    id: i64,
    members: u64,
    mails: u64,
}

async fn send(data: &Path, store: &Store, name: &str, json: bool) -> anyhow::Result<()> {
    let view = named(store, name).await?;
    let (id, who, with_mail) = (id_of(&view), user::who(), with_mail(data)?);
    let doing = about(store, "advisory send", &view).await?.was("a draft").becomes("sent");
    let sending = Sending { who: &who, with_mail, now: clock::now() };
    let sent = store.noting(doing).send_advisory(id, sending).await??;
    if json {
        return say::result(&serde_json::to_string(&SentJson { id, members: sent.members, mails: sent.mails })?);
    }
    sent_words(id, sent, with_mail)
}

async fn read_by(store: &Store, name: &str, called: Option<MemberNumber>, json: bool) -> anyhow::Result<()> {
    let view = named(store, name).await?;
    let id = id_of(&view);
    // Who reads what is shown here, and whose telephone, is noted; and so is who was told.
    let doing = about(store, "advisory read-by", &view).await?;
    match called {
        Some(number) => {
            let member = member::find(store, &number).await?;
            let doing = doing.becomes(format!("{} was told by telephone", member.number));
            let told = store.noting(doing);
            told.told_by_telephone((member.id, &member.number), id, &user::who(), clock::now()).await??;
        }
        None => store.note(&doing.becomes("shown")).await.map(drop)?,
    }
    let told = words::ReadBy {
        view: &view,
        members: store.recipients(Scope::Operator, id).await?,
        mails: store.mails_of(Scope::Operator, id).await?,
        answers: store.advisory_answers(Scope::Operator, id).await?,
    };
    told.say(json)
}

async fn recipients(data: &Path, store: &Store, arguments: RecipientsArguments) -> anyhow::Result<()> {
    let RecipientsArguments { id: name, add, remove, add_proposed, all, campaign, json } = arguments;
    let view = named(store, &name).await?;
    let id = id_of(&view);
    let is_draft = view.state == crate::advisory::State::Draft;
    let (mut added, removed) = (ids(store, &add).await?, ids(store, &remove).await?);
    if add_proposed {
        added.extend(store.advisory_proposed(Scope::Operator, id).await?);
    }
    let is_change = all || campaign || add_proposed || !added.is_empty() || !removed.is_empty();
    if !is_draft && (all || campaign || !removed.is_empty()) {
        bail!(
            "advisory {id} was sent, and is taken back from nobody; withdraw it: varde-collector advisory withdraw {id}"
        );
    }
    let became = if is_change { format!("{} more, {} fewer", added.len(), removed.len()) } else { "shown".to_owned() };
    let doing = about(store, "advisory recipients", &view).await?.becomes(became);
    let doing = doing.concerns(numbers(store, added.clone()).await?.into_iter().map(|(number, _)| number));
    if !is_change {
        store.note(&doing).await?;
    } else if is_draft {
        let audience = match (all, campaign) {
            (true, _) => Some(Audience::All),
            (false, true) => Some(Audience::Campaign),
            (false, false) => None,
        };
        let edit = Edit { audience, add: &added, remove: &removed, ..Edit::default() };
        store.noting(doing).edit_advisory(id, &edit, clock::now()).await??;
    } else {
        let (who, with_mail) = (user::who(), with_mail(data)?);
        let sending = Sending { who: &who, with_mail, now: clock::now() };
        let sent = store.noting(doing).send_advisory_to(id, &added, sending).await??;
        if !json {
            sent_words(id, sent, with_mail)?;
        }
    }
    let view = named(store, &id.to_string()).await?;
    let members = numbers(store, audience(store, &view).await?).await?;
    let proposed = numbers(store, store.advisory_proposed(Scope::Operator, id).await?).await?;
    words::recipients(id, &members, &proposed, json)
}

async fn resend(data: &Path, store: &Store, name: &str, json: bool) -> anyhow::Result<()> {
    let view = named(store, name).await?;
    let id = id_of(&view);
    if !with_mail(data)? {
        bail!(
            "no mail is sent from here: there is no mail_server in collector.toml; ring them: varde-collector advisory read-by {id}"
        );
    }
    let doing = about(store, "advisory resend", &view).await?.becomes("mail is sent again to those it did not reach");
    let mails = store.noting(doing).send_mail_again(id, clock::now()).await??;
    if json {
        return say::result(&serde_json::to_string(&SentJson { id, members: 0, mails })?);
    }
    say::result(&format!("Advisory {id}: {mails} mails wait to be sent again."))
}

async fn correct(store: &Store, name: &str, json: bool) -> anyhow::Result<()> {
    let view = named(store, name).await?;
    let id = id_of(&view);
    let doing = about(store, "advisory correct", &view).await?.becomes("a draft of a version that corrects it");
    let next = store.noting(doing).correct_advisory(id, &user::who(), clock::now()).await??;
    if json {
        let view = named(store, &next.to_string()).await?;
        return say::result(&serde_json::to_string(&Done { id: next, uuid: view.uuid })?);
    }
    say::result(&format!("Advisory {next} is a draft of version {}, which corrects advisory {id}.", view.version + 1))?;
    say::aside(&format!(
        "Change it, then send it: varde-collector advisory edit {next}; varde-collector advisory send {next}"
    ));
    Ok(())
}

async fn withdraw(data: &Path, store: &Store, name: &str, why: &str, json: bool) -> anyhow::Result<()> {
    let view = named(store, name).await?;
    let (id, who, with_mail) = (id_of(&view), user::who(), with_mail(data)?);
    let doing =
        about(store, "advisory withdraw", &view).await?.was(view.state.as_str()).becomes(format!("withdrawn: {why}"));
    let sending = Sending { who: &who, with_mail, now: clock::now() };
    let mails = store.noting(doing).withdraw_advisory(id, why, sending).await??;
    if json {
        return say::result(&serde_json::to_string(&SentJson { id, members: 0, mails })?);
    }
    match view.state {
        crate::advisory::State::Draft => say::result(&format!("Advisory {id} was a draft, and is deleted.")),
        _ => say::result(&format!("Advisory {id} is withdrawn; {mails} mails that say so wait to be sent.")),
    }
}
