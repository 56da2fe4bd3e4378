//! Everything that is read or done over HTTP besides files: one table, from which the router is made and tests ask everything. For each
//! address it says by which method, which page, and what somebody needs for it; [`super::gate`] sees to that.
//!
//! # To add a page
//! 1. A row here, and a [`Page`] of its own; an arm in the router of [`super::web`]; a row in the matrix of `io/matrix.rs`, which says what
//!    each role is answered.
//! 2. A handler in a file of its own under `io/web/`, whose arguments are what it needs of `State<Arc<Shared>>`, `Path<String>` and a
//!    [`super::visit::Visit`], which says who looks, in which language, at what time; for a page that strangers see too a
//!    [`super::visit::Call`]. Whose rows may be read says `visit.who().scope()`, and nothing else can.
//!
//! # To add a form
//! 1. A row with [`Method::Post`], its own [`Page`] and the right that the button needs. GET changes nothing, ever.
//! 2. In the template `<form method="post" action="…">{% include "csrf.html" %}`, which puts in the field that the gate asks for.
//! 3. A handler whose last argument is a [`super::visit::Form<T>`], `T` with `serde::Deserialize` and `#[serde(default)]`. What is wrong is
//!    shown on the page again with its input; what is done is noted in the audit as done by `visit.who().audited()`
//!    (`store.noting(deed)`), and ends with `Redirect::to(…)`, so that loading anew does nothing twice.

use crate::account::role::Right;
use crate::api::Which;

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// GET, and HEAD with it: reads.
    Get,
    /// POST: does something.
    Post,
}

/// What somebody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: strangers may.
    Nothing,
    /// An account of one's own, whatever its role.
    Account,
    /// A role with this right; whose things it sees says its scope.
    Right(Right),
    /// The same, and at the operator: what is everybody's.
    Operator(Right),
}

/// A page, and what else is read or done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The front page.
    Front,
    /// A campaign's.
    Campaign,
    /// An incident's.
    Incident,
    /// A sensor's.
    Sensor,
    /// All sensors'.
    Sensors,
    /// And making a token for another.
    MakeToken,
    /// Approving of one that waits, or refusing it.
    SayOfSensor,
    /// Where it is asked why one is shut out.
    AskRevoke,
    /// And shutting it out.
    Revoke,
    /// A member's.
    Member,
    /// And changing what is known of it.
    ChangeMember,
    /// And saying whether its mail is trusted.
    MemberMail,
    /// All members'.
    Members,
    /// The list of advisories.
    Advisories,
    /// Writing one.
    NewAdvisory,
    /// And beginning it as a draft.
    WriteAdvisory,
    /// Writing on at a draft.
    EditAdvisory,
    /// And keeping what was written.
    ChangeAdvisory,
    /// A draft as members will read it.
    DraftAdvisory,
    /// And sending it.
    SendAdvisory,
    /// Or throwing it away.
    DropAdvisory,
    /// Sending its mail again to those it did not reach.
    MailAgain,
    /// An advisory's.
    Advisory,
    /// And confirming to have read it.
    ConfirmRead,
    /// And answering it.
    AnswerAdvisory,
    /// And noting that a member was told by telephone.
    NoteCall,
    /// The bank of measures.
    Measures,
    /// How long what is kept is kept.
    Privacy,
    /// What leaves a member's building.
    Leaves,
    /// The picture for machines.
    Picture,
    /// What has changed, as it changes.
    Live,
    /// Whether the collector can take anything in.
    Health,
    /// Where one signs in.
    SignIn,
    /// And does so, by name, password and code.
    Enter,
    /// And begins to at the provider.
    BeginOidc,
    /// And comes back from there.
    EndOidc,
    /// And accepts an invitation by it.
    AcceptOidc,
    /// Tying one's own account to it.
    OwnOidc,
    /// And untying it.
    OwnOidcEnd,
    /// And signs out.
    SignOut,
    /// One's own account.
    Own,
    /// Choosing another password for it.
    OwnPassword,
    /// And another second factor.
    OwnCode,
    /// And another language.
    OwnLanguage,
    /// And ending one of its sessions.
    OwnSession,
    /// What a one-time link is good for.
    Link,
    /// And using it.
    TakeLink,
    /// Where a screen on a wall is given its token.
    Screen,
    /// And giving it.
    GiveScreen,
    /// The alert list.
    Alerts,
    /// The same as a file.
    AlertsFile,
    /// The incident list.
    Incidents,
    /// The same as a file.
    IncidentsFile,
    /// The campaign list.
    Campaigns,
    /// The same as a file.
    CampaignsFile,
    /// Doing something to what is selected in a list.
    Triage,
    /// What can be undone.
    Undoable,
    /// And undoing it.
    Undo,
    /// All that is muted.
    Muted,
    /// The audit.
    Audit,
    /// The same as a file.
    AuditFile,
    /// All accounts.
    Users,
    /// And inviting somebody.
    Invite,
    /// An account.
    User,
    /// And doing something to it.
    ChangeUser,
    /// Saving, renaming and deleting views.
    SavedViews,
    /// The list of indicators.
    Indicators,
    /// One indicator.
    Indicator,
    /// Recalling one.
    RecallIndicator,
    /// Saying that one goes out in spite of lint.
    OverrideLint,
    /// Where a warning is pasted, and what waits for a signature.
    Paste,
    /// Looking at what was pasted, and taking it in.
    TakePasted,
    /// What the next list would change.
    Draft,
    /// Saying that one has looked it through.
    ReviewDraft,
    /// Publishing it, or letting it wait for its signature.
    PublishDraft,
    /// Where intelligence is fetched from.
    Sources,
    /// Letting a source rest, and having it fetched.
    SourceDeed,
    /// What was published.
    Lists,
    /// Recalling the newest list.
    RecallList,
    /// Letting what was recalled into lists again.
    LiftRecall,
}

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// How it is asked.
    pub method: Method,
    /// Where; `{…}` names one thing.
    pub path: &'static str,
    /// What is there.
    pub page: Page,
    /// What somebody needs.
    pub need: Need,
}

const fn get(path: &'static str, page: Page, need: Need) -> Address {
    Address { method: Method::Get, path, page, need }
}

const fn post(path: &'static str, page: Page, need: Need) -> Address {
    Address { method: Method::Post, path, page, need }
}

/// Every one of them, but for the API's ([`of_api`]).
pub const PAGES: &[Address] = &[
    get("/", Page::Front, Need::Right(Right::Overview)),
    // It names hosts, and members side by side.
    get("/kampanje/{id}", Page::Campaign, Need::Right(Right::Hosts)),
    get("/sak/{id}", Page::Incident, Need::Right(Right::Hosts)),
    get("/sensor/{id}", Page::Sensor, Need::Right(Right::Look)),
    get("/sensorer", Page::Sensors, Need::Right(Right::Look)),
    post("/sensorer", Page::MakeToken, Need::Operator(Right::Work)),
    post("/sensor/{id}", Page::SayOfSensor, Need::Operator(Right::Work)),
    get("/sensor/{id}/steng", Page::AskRevoke, Need::Operator(Right::Work)),
    post("/sensor/{id}/steng", Page::Revoke, Need::Operator(Right::Work)),
    get("/medlem/{number}", Page::Member, Need::Right(Right::Look)),
    // A member keeps its own contacts; what else is known of it is the operator's to say.
    post("/medlem/{number}", Page::ChangeMember, Need::Right(Right::Work)),
    post("/medlem/{number}/epost", Page::MemberMail, Need::Operator(Right::Work)),
    get("/medlemmer", Page::Members, Need::Operator(Right::Look)),
    get("/varsel", Page::Advisories, Need::Right(Right::Look)),
    get("/varsel/nytt", Page::NewAdvisory, Need::Operator(Right::Publish)),
    post("/varsel/nytt", Page::WriteAdvisory, Need::Operator(Right::Publish)),
    get("/varsel/{id}/rediger", Page::EditAdvisory, Need::Operator(Right::Publish)),
    post("/varsel/{id}/rediger", Page::ChangeAdvisory, Need::Operator(Right::Publish)),
    get("/varsel/{id}/utkast", Page::DraftAdvisory, Need::Operator(Right::Publish)),
    post("/varsel/{id}/send", Page::SendAdvisory, Need::Operator(Right::Publish)),
    post("/varsel/{id}/forkast", Page::DropAdvisory, Need::Operator(Right::Publish)),
    post("/varsel/{id}/epost", Page::MailAgain, Need::Operator(Right::Publish)),
    get("/varsel/{id}", Page::Advisory, Need::Right(Right::Look)),
    // Whoever reads for a member may say so.
    post("/varsel/{id}/lest", Page::ConfirmRead, Need::Right(Right::Look)),
    post("/varsel/{id}/svar", Page::AnswerAdvisory, Need::Right(Right::Look)),
    post("/varsel/{id}/ringt", Page::NoteCall, Need::Operator(Right::Work)),
    get("/tiltak", Page::Measures, Need::Right(Right::Look)),
    get("/personvern", Page::Privacy, Need::Nothing),
    get("/sendes", Page::Leaves, Need::Nothing),
    get("/api/picture", Page::Picture, Need::Right(Right::Overview)),
    // It tells that something has changed, whosever it is.
    get("/live", Page::Live, Need::Operator(Right::Overview)),
    // For whoever watches over the collector: yes or no.
    get("/health", Page::Health, Need::Nothing),
    get("/innlogging", Page::SignIn, Need::Nothing),
    post("/innlogging", Page::Enter, Need::Nothing),
    // Where a provider of OpenID Connect is set.
    get("/innlogging/oidc", Page::BeginOidc, Need::Nothing),
    get("/innlogging/oidc/svar", Page::EndOidc, Need::Nothing),
    post("/lenke/{secret}/oidc", Page::AcceptOidc, Need::Nothing),
    post("/konto/oidc", Page::OwnOidc, Need::Account),
    post("/konto/oidc/bort", Page::OwnOidcEnd, Need::Account),
    get("/konto", Page::Own, Need::Account),
    post("/konto/passord", Page::OwnPassword, Need::Account),
    post("/konto/kode", Page::OwnCode, Need::Account),
    post("/konto/sprak", Page::OwnLanguage, Need::Account),
    post("/konto/okt", Page::OwnSession, Need::Account),
    post("/utlogging", Page::SignOut, Need::Account),
    get("/lenke/{secret}", Page::Link, Need::Nothing),
    post("/lenke/{secret}", Page::TakeLink, Need::Nothing),
    get("/skjerm", Page::Screen, Need::Nothing),
    post("/skjerm", Page::GiveScreen, Need::Nothing),
    // What was met, and by how many machines at whom: more than how incidents stand.
    get("/alarmer", Page::Alerts, Need::Right(Right::Hosts)),
    get("/alarmer/eksport", Page::AlertsFile, Need::Right(Right::Hosts)),
    get("/saker", Page::Incidents, Need::Right(Right::Look)),
    get("/saker/eksport", Page::IncidentsFile, Need::Right(Right::Look)),
    get("/kampanjer", Page::Campaigns, Need::Right(Right::Look)),
    get("/kampanjer/eksport", Page::CampaignsFile, Need::Right(Right::Look)),
    post("/behandle", Page::Triage, Need::Operator(Right::Work)),
    get("/angre", Page::Undoable, Need::Operator(Right::Work)),
    post("/angre", Page::Undo, Need::Operator(Right::Work)),
    get("/demping", Page::Muted, Need::Operator(Right::Look)),
    get("/revisjon", Page::Audit, Need::Operator(Right::Audit)),
    get("/revisjon/eksport", Page::AuditFile, Need::Operator(Right::Audit)),
    get("/brukere", Page::Users, Need::Operator(Right::Administer)),
    post("/brukere", Page::Invite, Need::Operator(Right::Administer)),
    get("/brukere/{id}", Page::User, Need::Operator(Right::Administer)),
    post("/brukere/{id}", Page::ChangeUser, Need::Operator(Right::Administer)),
    post("/visninger", Page::SavedViews, Need::Operator(Right::Look)),
    // A member is told what it is sent, in numbers, and what it has met.
    get("/indikatorer", Page::Indicators, Need::Right(Right::Look)),
    get("/indikator/{id}", Page::Indicator, Need::Right(Right::Look)),
    post("/indikator/{id}/tilbakekall", Page::RecallIndicator, Need::Operator(Right::Publish)),
    post("/indikator/{id}/overstyr", Page::OverrideLint, Need::Operator(Right::Publish)),
    get("/utkast", Page::Paste, Need::Operator(Right::Look)),
    // What is taken in goes nowhere before somebody publishes it.
    post("/utkast/lim", Page::TakePasted, Need::Operator(Right::Work)),
    get("/utkast/neste", Page::Draft, Need::Operator(Right::Look)),
    post("/utkast/gjennomgang", Page::ReviewDraft, Need::Operator(Right::Publish)),
    post("/utkast/publiser", Page::PublishDraft, Need::Operator(Right::Publish)),
    get("/kilder", Page::Sources, Need::Operator(Right::Look)),
    post("/kilder", Page::SourceDeed, Need::Operator(Right::Publish)),
    get("/lister", Page::Lists, Need::Operator(Right::Look)),
    post("/lister/tilbakekall", Page::RecallList, Need::Operator(Right::Publish)),
    post("/lister/opphev", Page::LiftRecall, Need::Operator(Right::Publish)),
];

/// What somebody needs for what is asked of the API.
pub fn of_api(which: Which) -> Need {
    match which {
        Which::Incident | Which::Alerts | Which::Alert => Need::Right(Right::Hosts),
        Which::Campaigns
        | Which::Campaign
        | Which::Incidents
        | Which::Indicators
        | Which::Indicator
        | Which::Sensors
        | Which::Members
        | Which::Silence
        | Which::Proposals
        | Which::Guards
        | Which::Advisories
        | Which::Advisory
        | Which::Statistics
        | Which::Status
        | Which::Document => Need::Right(Right::Look),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_stands_there_once() {
        for (place, address) in PAGES.iter().enumerate() {
            let same = |other: &&Address| (other.method, other.path) == (address.method, address.path);
            assert_eq!(PAGES.iter().position(|other| same(&other)), Some(place), "{address:?}");
            assert!(address.path.starts_with('/') && !address.path.starts_with("/assets"));
        }
    }
}
