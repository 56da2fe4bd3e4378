//! One member's page, and what is changed there: contacts, profile, whether its mail is trusted.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use varde_common::brake::is_reason;

use super::Shared;
use crate::account::role::Right;
use crate::deed::By;
use crate::io::visit::{Form, Visit};
use crate::present::member::MemberView;
use crate::present::member_forms::{Filled, MemberForms, Wrong, bad_profile, field};
use crate::present::page;
use crate::profile::{self, BadProfile, Contact, Edit, Language, Role, Telephone, Wanted};
use crate::store::StoreError;
use crate::store::profile::{Known, NotWritten};

/// Who does something on a page.
pub(super) fn by(visit: &Visit) -> By {
    By { who: visit.who().audited(), at: visit.now() }
}

/// A page again, because something on it was changed.
pub(super) fn saved(address: &str) -> Response {
    Redirect::to(&format!("{address}?lagret=1")).into_response()
}

/// Whether an address says so.
pub(super) fn is_saved(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|part| part == "lagret=1"))
}

/// The page of a member that is known.
async fn shown(shared: &Shared, visit: &Visit, known: &Known, wrong: Option<&Wrong>, saved: bool) -> Response {
    let Known { operator, member, profile, sites, silences } = known;
    let mut view = MemberView::of(member, profile, sites, silences, visit.who().scope(), &visit.reader());
    if visit.who().may(Right::Work) && visit.who().account().is_some() {
        let distrusted = match visit.who().is_operator() {
            true => match shared.store.mail_distrusted(visit.who().scope(), member.id).await {
                Ok(distrusted) => Some(distrusted),
                Err(error) => return visit.broken(&error),
            },
            false => None,
        };
        let mail = distrusted.as_ref().map(Option::as_ref);
        view.forms = Some(MemberForms::of((&member.number, profile), mail, wrong, saved, &visit.reader()));
    }
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    visit.answer(status, page::member(&visit.head(operator.as_deref()), &view, visit.extent()))
}

async fn known(shared: &Shared, visit: &Visit, number: &str) -> Result<Option<Known>, StoreError> {
    match number.parse() {
        Ok(number) => shared.store.known_of(visit.who().scope(), &number).await,
        Err(_) => Ok(None),
    }
}

/// It.
pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    uri: Uri,
    visit: Visit,
) -> Response {
    match known(&shared, &visit, &number).await {
        // An old number leads on.
        Ok(Some(known)) if known.member.number != number => {
            Redirect::to(&format!("/medlem/{}", known.member.number)).into_response()
        }
        Ok(Some(known)) => shown(&shared, &visit, &known, None, is_saved(&uri)).await,
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

/// What is wrong: the field, and in words.
type Fault = (String, String);

/// A contact as it was filled in; what is left empty is not known.
fn contact(filled: &[(String, String)], role: Role, kept: Option<&Contact>, visit: &Visit) -> Result<Contact, Fault> {
    let texts = visit.texts();
    let at = |name: &str| format!("contact-{}-{name}", role.as_str());
    let bad = |name: &str, why: &BadProfile| (at(name), bad_profile(why, texts));
    let given = |name: &str| Some(field(filled, name)).filter(|text| !text.is_empty());
    let telephone = |name: &str| -> Result<Option<Telephone>, Fault> {
        let words = || (at(name), texts.say("member-bad-telephone"));
        given(name).map(|text| text.parse().map_err(|_| words())).transpose()
    };
    let email = given("email").map(|text| profile::email(text).map_err(|why| bad("email", &why))).transpose()?;
    Ok(Contact {
        name: profile::line(field(filled, "name")).map_err(|why| bad("name", &why))?,
        telephone: telephone("telephone")?,
        out_of_hours: telephone("out_of_hours")?,
        email,
        confirmed_at: match field(filled, "confirmed") {
            "1" => Some(visit.now()),
            _ => kept.and_then(|kept| kept.confirmed_at),
        },
    })
}

fn lines<T>(
    filled: &[(String, String)],
    name: &str,
    read: impl Fn(&str) -> Result<T, BadProfile>,
    visit: &Visit,
) -> Result<Vec<T>, Fault> {
    let bad = |why: BadProfile| (format!("profile-{name}"), bad_profile(&why, visit.texts()));
    let lines = field(filled, name).lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| read(line).map_err(bad)).collect()
}

/// The profile as it was filled in, which is the operator's business.
fn profile_edits(filled: &[(String, String)], visit: &Visit) -> Result<Vec<Edit>, Fault> {
    let supplier = Some(field(filled, "supplier")).filter(|text| !text.is_empty());
    let bad = |why: BadProfile| ("profile-supplier".to_owned(), bad_profile(&why, visit.texts()));
    let mut edits = vec![
        Edit::Covered(match field(filled, "covered") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }),
        Edit::Supplier(supplier.map(|text| profile::line(text).map_err(bad)).transpose()?),
        Edit::Domains(lines(filled, "domains", profile::domain, visit)?),
        Edit::Networks(lines(filled, "networks", profile::network, visit)?),
    ];
    edits.extend(Language::of(field(filled, "language")).map(Edit::Language));
    Ok(edits)
}

/// What is to be changed; none where nothing of it is known, or not for who asks.
fn edits(filled: &[(String, String)], known: &Known, visit: &Visit) -> Option<Result<Vec<Edit>, Fault>> {
    let contacts = &known.profile.contacts;
    let role = Role::of(field(filled, "role"));
    match (field(filled, "do"), role) {
        ("confirm", _) => Some(Ok(contacts.keys().map(|role| Edit::Confirmed(*role, visit.now())).collect())),
        ("contact", Some(role)) => {
            let contact = contact(filled, role, contacts.get(&role), visit);
            Some(contact.map(|contact| vec![Edit::Contact(role, contact)]))
        }
        ("no-contact", Some(role)) => Some(Ok(vec![Edit::NoContact(role)])),
        ("profile", _) if visit.who().is_operator() => Some(profile_edits(filled, visit)),
        _ => None,
    }
}

/// Changes what is known of a member.
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let known = match known(&shared, &visit, &number).await {
        Ok(Some(known)) => known,
        Ok(None) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    let (Some(edits), Ok(number)) = (edits(&filled, &known, &visit), known.member.number.parse()) else {
        return visit.unread(StatusCode::UNPROCESSABLE_ENTITY);
    };
    let fault = match edits {
        Ok(edits) => {
            let wanted = Wanted { number, name: None, edits };
            let deed = by(&visit).member_set(&known.member.number);
            match shared.store.write_member_noted(wanted, deed, visit.now()).await {
                Ok(_) => return saved(&format!("/medlem/{}", known.member.number)),
                Err(NotWritten::Store(error)) => {
                    shared.handle_unwritten(&error);
                    return visit.broken(&error);
                }
                Err(NotWritten::Bad(_, why)) => ("profile-domains".to_owned(), bad_profile(&why, visit.texts())),
                Err(other) => {
                    tracing::warn!("a member was not changed: {other}");
                    return visit.not_there(known.operator.as_deref());
                }
            }
        }
        Err(fault) => fault,
    };
    let wrong = Wrong { filled, field: fault.0, words: fault.1 };
    shown(&shared, &visit, &known, Some(&wrong), false).await
}

/// A member's mail may be read by others, or no longer.
pub(super) async fn mail(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let known = match known(&shared, &visit, &number).await {
        Ok(Some(known)) => known,
        Ok(None) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    let (to, reason) = (field(&filled, "to"), field(&filled, "reason"));
    if !is_reason(reason) || !matches!(to, "compromised" | "trusted") {
        let (field, words) = ("mail-reason".to_owned(), visit.texts().say("bad-reason"));
        return shown(&shared, &visit, &known, Some(&Wrong { filled, field, words }), false).await;
    }
    let (member, compromised) = (&known.member, to == "compromised");
    let done = async {
        let before = shared.store.mail_distrusted(visit.who().scope(), member.id).await?.is_some();
        let noting = shared.store.noting(by(&visit).member_mail(&member.number, (before, compromised), reason));
        let said = compromised.then_some((visit.who().name(), reason));
        noting.distrust_mail(member.id, said, visit.now()).await
    };
    match done.await {
        Ok(_) => saved(&format!("/medlem/{}", member.number)),
        Err(error) => {
            shared.handle_unwritten(&error);
            visit.broken(&error)
        }
    }
}
