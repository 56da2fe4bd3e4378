//! `varde-collector member set`: changes what is known of a member.

use anyhow::bail;
use clap::{Args, ValueEnum};
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::init::operator_name;
use super::noted::by;
use super::{member, say};
use crate::day;
use crate::io::clock;
use crate::profile::{self, Contact, Edit, Language, Role, Telephone, Wanted};
use crate::roster::date;
use crate::store::profile::{Became, NotWritten};
use crate::store::{Scope, Store};

const HELP: &str = "\
One contact at a time: --contact it --name \"Kari Nordmann\" --telephone \"22 00 00 00\" --out-of-hours \"900 00 000\"
--email ikt@gjovik.kommune.no --confirmed today. What is not said of a contact stays as it is. Roles: it, security, oncall,
management, privacy. Members with the same --supplier count once together when a campaign is drawn, and each is named.
Many members at once: varde-collector member import.";

/// Whether something holds, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Nobody has said.
    Unknown,
}

/// Arguments of `member set`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct SetArguments {
    /// Its number, or one it had.
    pub number: MemberNumber,
    /// The form of Norwegian it is written to in.
    #[arg(long)]
    pub language: Option<Language>,
    /// Whether digitalsikkerhetsloven covers it.
    #[arg(long)]
    pub covered: Option<Known>,
    /// The shared network it is behind, by its supplier's name.
    #[arg(long, value_name = "NAME", value_parser = operator_name)]
    pub supplier: Option<String>,
    /// It is behind no shared network.
    #[arg(long, conflicts_with = "supplier")]
    pub no_supplier: bool,
    /// A domain of its own; may be repeated.
    #[arg(long, value_name = "DOMAIN", value_parser = profile::domain)]
    pub domain: Vec<String>,
    /// A domain that is its own no more.
    #[arg(long, value_name = "DOMAIN", value_parser = profile::domain)]
    pub no_domain: Vec<String>,
    /// A network of its own on the internet; may be repeated.
    #[arg(long, value_name = "NETWORK", value_parser = profile::network)]
    pub network: Vec<ipnet::IpNet>,
    /// A network that is its own no more.
    #[arg(long, value_name = "NETWORK", value_parser = profile::network)]
    pub no_network: Vec<ipnet::IpNet>,
    /// Whom the options below are about.
    #[arg(long, value_name = "ROLE")]
    pub contact: Option<Role>,
    /// The contact's name.
    #[arg(long, requires = "contact", value_parser = operator_name)]
    pub name: Option<String>,
    /// Telephone in office hours.
    #[arg(long, requires = "contact", value_name = "NUMBER")]
    pub telephone: Option<Telephone>,
    /// Telephone outside office hours.
    #[arg(long, requires = "contact", value_name = "NUMBER")]
    pub out_of_hours: Option<Telephone>,
    /// E-mail.
    #[arg(long, requires = "contact", value_name = "ADDRESS", value_parser = profile::email)]
    pub email: Option<String>,
    /// When the contact was last found to be right: today, or a day (21.11.2026, 2026-11-21).
    #[arg(long, requires = "contact", value_name = "DAY")]
    pub confirmed: Option<String>,
    /// There is nobody in this role any more.
    #[arg(long, value_name = "ROLE", conflicts_with = "contact")]
    pub no_contact: Option<Role>,
    /// One JSON object instead of a sentence: {number, former (null), name, added, changed: [what]}.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Why nothing was changed.
pub async fn run(store: &Store, arguments: SetArguments) -> anyhow::Result<()> {
    let now = clock::now();
    let member = member::find_or_add(store, &arguments.number).await?;
    let mut edits = Vec::new();
    let SetArguments { language, covered, supplier, no_supplier, domain, no_domain, network, no_network, .. } =
        &arguments;
    edits.extend(language.map(Edit::Language));
    edits.extend(covered.map(|covered| {
        Edit::Covered(match covered {
            Known::Yes => Some(true),
            Known::No => Some(false),
            Known::Unknown => None,
        })
    }));
    edits.extend(supplier.clone().map(|supplier| Edit::Supplier(Some(supplier))));
    edits.extend(no_supplier.then_some(Edit::Supplier(None)));
    edits.extend(domain.iter().cloned().map(Edit::AddDomain));
    edits.extend(no_domain.iter().cloned().map(Edit::RemoveDomain));
    edits.extend(network.iter().copied().map(Edit::AddNetwork));
    edits.extend(no_network.iter().copied().map(Edit::RemoveNetwork));
    if let Some(role) = arguments.contact {
        let known = store.profile(Scope::Operator, member.id).await?.unwrap_or_default();
        let known = known.contacts.get(&role).cloned().unwrap_or_default();
        edits.push(Edit::Contact(role, contact(&arguments, known, now)?));
    }
    edits.extend(arguments.no_contact.map(Edit::NoContact));
    if edits.is_empty() {
        bail!("say what to change; see: varde-collector member set --help")
    }
    // Whose it is now was told: an old number need not stand by itself.
    let number: MemberNumber = member.number.parse()?;
    let wanted = Wanted { number, name: None, edits };
    let setting = by().member_set(&member.number);
    let became = store.write_member_noted(wanted, setting, now).await.map_err(|why| match why {
        NotWritten::Store(error) => anyhow::Error::from(error),
        why @ (NotWritten::NoName(_)
        | NotWritten::Bad(..)
        | NotWritten::Joined { .. }
        | NotWritten::MayHaveJoined { .. }
        | NotWritten::Twice(..)
        | NotWritten::TooMany) => why.into(),
    })?;
    for became in &became {
        tell(became, arguments.json)?;
    }
    if !domain.is_empty() || !network.is_empty() {
        tell_overlaps(store, member.id).await?;
    }
    if let Some(supplier) = supplier {
        let suppliers = store.suppliers(Scope::Operator).await?;
        if !arguments.json && suppliers.iter().any(|(name, members)| name == supplier && *members == 1) {
            let others: Vec<&str> =
                suppliers.iter().map(|(name, _)| name.as_str()).filter(|name| name != supplier).collect();
            let known = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
            say::aside(&format!("Nobody else is behind \"{supplier}\" yet. Other shared networks: {known}."));
        }
    }
    Ok(())
}

fn contact(arguments: &SetArguments, known: Contact, now: Timestamp) -> anyhow::Result<Contact> {
    let confirmed_at = match arguments.confirmed.as_deref() {
        None => known.confirmed_at,
        Some("today" | "i dag") => Some(day::of(now)),
        Some(day) => Some(date(day, now)?),
    };
    let contact = Contact {
        name: arguments.name.clone().unwrap_or(known.name),
        telephone: arguments.telephone.clone().or(known.telephone),
        out_of_hours: arguments.out_of_hours.clone().or(known.out_of_hours),
        email: arguments.email.clone().or(known.email),
        confirmed_at,
    };
    if contact.name.is_empty() {
        bail!("nobody has that role yet: say who it is with --name")
    }
    Ok(contact)
}

/// Says what of a member's is another's too.
pub(super) async fn tell_overlaps(store: &Store, member: i64) -> anyhow::Result<()> {
    for overlap in store.overlaps(Scope::Operator, member).await? {
        say::aside(&format!("{overlap}."));
    }
    Ok(())
}

/// What became of a member, in a line.
pub(super) fn tell(became: &Became, json: bool) -> anyhow::Result<()> {
    if json {
        return say::result(&serde_json::to_string(became)?);
    }
    let Became { number, former: _, name, added, changed } = became;
    say::result(&match (added, changed.as_slice()) {
        (true, _) => format!("{name} ({number}): new."),
        (false, []) => format!("{name} ({number}): as it was."),
        (false, changed) => format!("{name} ({number}): changed {}.", changed.join(", ")),
    })
}
