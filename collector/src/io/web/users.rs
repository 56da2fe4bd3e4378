//! The pages of accounts: who may come in as what, and what an administrator does about it. What the command line does is done by the same.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{self, HeaderMap};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use varde_common::id::MemberNumber;

use super::Shared;
use super::member::{by, is_saved, saved};
use super::sign_in::{NotIn, not_in};
use crate::account::account_name;
use crate::account::role::Role;
use crate::io::gate::operator_name;
use crate::io::secret;
use crate::io::visit::{Form, Visit};
use crate::present::member_forms::{Filled, field};
use crate::present::users::{self, Inviting, LinkView, UserView, UsersAsked, UsersView, not_done};
use crate::store::account::{AccountRow, AddedAccount, LinkKind};
use crate::store::account_kept::Kept;

async fn shown(shared: &Shared, visit: &Visit, asked: &UsersAsked, inviting: Inviting) -> Result<Response, NotIn> {
    let (store, scope) = (&shared.store, visit.who().scope());
    let (accounts, seen) = (store.accounts(scope).await?, store.accounts_seen(scope).await?);
    let status = if inviting.fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let view = UsersView::of(&accounts, &seen, asked, inviting, &visit.reader());
    let operator = operator_name(shared).await;
    Ok(visit.answer(status, users::page(&visit.head(operator.as_deref()), &view, visit.extent())))
}

/// All of them.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let asked = UsersAsked::read(uri.query().unwrap_or_default());
    let shown = shown(&shared, &visit, &asked, Inviting::default()).await;
    shown.unwrap_or_else(|error| not_in(&shared, &visit, error))
}

/// Makes a link and shows it, once. It leads to where the administrator is: the gate let no other name by.
async fn linked(
    shared: &Shared,
    visit: &Visit,
    (id, name, kind): (i64, &str, LinkKind),
    headers: &HeaderMap,
) -> Result<Response, NotIn> {
    let secret = secret::draw()?;
    shared.store.make_link(kind, Some(id), &secret, visit.now()).await?;
    let scheme = if shared.is_tls { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let link = format!("{scheme}://{host}/lenke/{}", secret.text());
    let view = LinkView::of(name, kind, link, &visit.reader());
    let operator = operator_name(shared).await;
    Ok(visit.answer(StatusCode::OK, users::link(&visit.head(operator.as_deref()), &view)))
}

/// Who is to be invited.
struct Invited {
    name: String,
    role: Role,
    member: Option<MemberNumber>,
}

fn invited(inviting: &Inviting, visit: &Visit) -> Result<Invited, (&'static str, String)> {
    let texts = visit.texts();
    let name = account_name(&inviting.name).map_err(|_| ("invite-name", texts.say("fault-name")))?;
    let role = inviting.role.filter(|role| role.is_a_persons());
    let role = role.ok_or_else(|| ("invite-role", texts.say("users-bad-role")))?;
    let member = match (role.at_member(), inviting.member.as_str()) {
        (true, "") => return Err(("invite-member", texts.say("users-needs-member"))),
        (true, text) => Some(text.parse().map_err(|_| ("invite-member", texts.say("sensors-no-member")))?),
        (false, "") => None,
        (false, _) => return Err(("invite-member", texts.say("users-needs-no-member"))),
    };
    Ok(Invited { name, role, member })
}

/// Invites somebody.
pub(super) async fn invite(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let inviting = Inviting {
        name: field(&filled, "name").to_owned(),
        role: field(&filled, "role").parse().ok(),
        member: field(&filled, "member").to_owned(),
        fault: None,
    };
    let done = invite_one(&shared, &visit, inviting, &headers).await;
    done.unwrap_or_else(|error| not_in(&shared, &visit, error))
}

async fn invite_one(
    shared: &Shared,
    visit: &Visit,
    inviting: Inviting,
    headers: &HeaderMap,
) -> Result<Response, NotIn> {
    let texts = visit.texts();
    let fault = match invited(&inviting, visit) {
        Err(fault) => fault,
        Ok(Invited { name, role, member }) => {
            let deed = by(visit).user_added(&name, role, member.as_ref().map(MemberNumber::as_str));
            match shared.store.noting(deed).add_account(&name, role, member.as_ref(), visit.now()).await? {
                AddedAccount::Added(id) => {
                    return linked(shared, visit, (id, &name, LinkKind::Invitation), headers).await;
                }
                AddedAccount::NoMember => ("invite-member", texts.say("sensors-no-member")),
                AddedAccount::NameTaken => ("invite-name", texts.say("users-name-taken")),
                AddedAccount::TooMany => ("invite-name", texts.say("users-too-many")),
            }
        }
    };
    shown(shared, visit, &UsersAsked::default(), Inviting { fault: Some(fault), ..inviting }).await
}

async fn shown_one(
    shared: &Shared,
    visit: &Visit,
    account: &AccountRow,
    (fault, saved): (Option<String>, bool),
) -> Result<Response, NotIn> {
    let sessions = shared.store.sessions(visit.who().scope(), account.id, visit.now()).await?;
    let status = if fault.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let view = UserView::of(account, &sessions, (fault, saved), &visit.reader());
    let operator = operator_name(shared).await;
    Ok(visit.answer(status, users::one(&visit.head(operator.as_deref()), &view, visit.extent())))
}

async fn account(shared: &Shared, visit: &Visit, id: &str) -> Result<Option<AccountRow>, NotIn> {
    match id.parse() {
        Ok(id) => Ok(shared.store.account(visit.who().scope(), id).await?),
        Err(_) => Ok(None),
    }
}

/// One of them.
pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(id): Path<String>, uri: Uri, visit: Visit) -> Response {
    let shown = async {
        match account(&shared, &visit, &id).await? {
            Some(account) => shown_one(&shared, &visit, &account, (None, is_saved(&uri))).await,
            None => Ok(visit.not_there(None)),
        }
    };
    shown.await.unwrap_or_else(|error| not_in(&shared, &visit, error))
}

/// Does something to one of them.
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let done = async {
        match account(&shared, &visit, &id).await? {
            Some(account) => change_one(&shared, &visit, &account, &filled, &headers).await,
            None => Ok(visit.not_there(None)),
        }
    };
    done.await.unwrap_or_else(|error| not_in(&shared, &visit, error))
}

async fn change_one(
    shared: &Shared,
    visit: &Visit,
    account: &AccountRow,
    filled: &[(String, String)],
    headers: &HeaderMap,
) -> Result<Response, NotIn> {
    let (store, id, name, now) = (&shared.store, account.id, account.name.as_str(), visit.now());
    let (by, member) = (by(visit), account.member.as_deref());
    let kept = match field(filled, "do") {
        "role" => {
            let role = field(filled, "role").parse::<Role>().ok();
            let Some(role) = role.filter(|role| role.is_a_persons()) else {
                return Ok(visit.unread(StatusCode::UNPROCESSABLE_ENTITY));
            };
            if role == account.role {
                Kept::Same
            } else {
                store.noting(by.user_role(name, member, (account.role, role))).change_role(id, role).await?
            }
        }
        "stop" => store.noting(by.user_stopped(name, member, true)).stop_account(id, now).await?,
        "start" => match store.noting(by.user_stopped(name, member, false)).set_disabled(id, false, now).await? {
            true => Kept::Done,
            false => Kept::Same,
        },
        "sessions" => {
            let open = store.sessions(visit.who().scope(), id, now).await?.len();
            store.noting(by.user_sessions(name, member, open)).end_sessions(id, None).await?;
            Kept::Done
        }
        "link" | "reset" if account.disabled_at.is_some() => Kept::Same,
        "link" => {
            store.note(&by.user_link(name, member)).await?;
            return linked(shared, visit, (id, name, LinkKind::SignIn), headers).await;
        }
        "reset" => match store.noting(by.user_reset(name, member)).reset_account(id).await? {
            Kept::Done => return linked(shared, visit, (id, name, LinkKind::Invitation), headers).await,
            kept => kept,
        },
        _ => return Ok(visit.unread(StatusCode::UNPROCESSABLE_ENTITY)),
    };
    match not_done(kept, visit.texts()) {
        None => Ok(saved(&format!("{}/{id}", users::USERS))),
        fault => shown_one(shared, visit, account, (fault, false)).await,
    }
}
