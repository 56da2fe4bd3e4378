//! The front pages of a member's own people, IT and management, what leaves their building, and the word that whom to ring is right still.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use varde_common::id::MemberNumber;

use super::Shared;
use crate::audit::{Deed, On};
use crate::io::gate;
use crate::io::visit::{Call, Visit};
use crate::present::advisory_page::ListView;
use crate::present::home::{Beside, HomeView, home_page, leaves_page, open_incidents};
use crate::present::leadership::{LeadershipView, leadership_page};
use crate::present::leaves::Leaves;
use crate::profile::{Edit, Wanted};
use crate::store::home::{ListPart, ToDo};
use crate::store::picture::Picture;
use crate::store::profile::{Known, NotWritten};
use crate::store::{StoreError, advisory::AdvisoryView};

/// What the newest list holds, kept until there is a newer one: counting a million indicators is nothing to do for each look.
#[derive(Debug, Default)]
pub(super) struct CountedList(Mutex<Option<(i64, Arc<[ListPart]>)>>);

impl CountedList {
    async fn parts(&self, shared: &Shared, visit: &Visit, revision: i64) -> Result<Arc<[ListPart]>, StoreError> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, parts)) = &*kept()
            && *of == revision
        {
            return Ok(parts.clone());
        }
        let parts: Arc<[ListPart]> = shared.store.list_parts(visit.who().scope()).await?.into();
        *kept() = Some((revision, parts.clone()));
        Ok(parts)
    }
}

/// What both fronts are made from.
struct Facts {
    picture: Picture,
    known: Known,
    to_do: Vec<ToDo>,
    /// Advisories that hold, and that nobody there has confirmed to have read.
    unread: Vec<AdvisoryView>,
}

async fn facts(shared: &Shared, visit: &Visit) -> Result<Option<Facts>, StoreError> {
    let (store, scope) = (&shared.store, visit.who().scope());
    let Some(number) = visit.who().member().and_then(|number| number.parse::<MemberNumber>().ok()) else {
        return Ok(None);
    };
    let Some(known) = store.known_of(scope, &number).await? else { return Ok(None) };
    let picture = store.picture(scope).await?;
    let open: Vec<i64> = open_incidents(&picture).iter().map(|facts| facts.id).collect();
    let to_do = store.to_do(scope, &open).await?;
    let unread = store.advisories_unread(scope).await?;
    Ok(Some(Facts { picture, known, to_do, unread }))
}

/// The front page of a member's IT.
pub(super) async fn it(shared: &Shared, visit: &Visit) -> Response {
    let read = async {
        let Some(facts) = facts(shared, visit).await? else { return Ok(None) };
        let scope = visit.who().scope();
        let parts = match facts.picture.list {
            Some(list) => shared.counted_list.parts(shared, visit, list.revision).await?,
            None => Arc::new([]),
        };
        let (bank, telephone) = (shared.store.bank(scope).await?, shared.store.operator_telephone(scope).await?);
        Ok::<_, StoreError>(Some((facts, parts, bank, telephone)))
    };
    match read.await {
        Ok(Some((facts, parts, bank, telephone))) => {
            let reader = visit.reader();
            let Facts { picture, known, to_do, unread } = &facts;
            let unread = ListView::of(unread, &reader).rows;
            let beside = Beside { known, to_do, parts: &parts, bank: &bank, unread, telephone: telephone.as_ref() };
            let view = HomeView::of(picture, beside, visit.who().scope(), &reader);
            visit.answer(StatusCode::OK, home_page(&visit.head(picture.operator.as_deref()), &view, visit.extent()))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

/// The front page of a member's management.
pub(super) async fn management(shared: &Shared, visit: &Visit) -> Response {
    let read = async {
        let Some(facts) = facts(shared, visit).await? else { return Ok(None) };
        let telephone = shared.store.operator_telephone(visit.who().scope()).await?;
        Ok::<_, StoreError>(Some((facts, telephone)))
    };
    match read.await {
        Ok(Some((Facts { picture, known, to_do, unread }, telephone))) => {
            let whose = (known.member.name.as_str(), &known.profile);
            let view = LeadershipView::of(&picture, whose, (&to_do, unread.len()), telephone.as_ref(), &visit.reader());
            visit.answer(
                StatusCode::OK,
                leadership_page(&visit.head(picture.operator.as_deref()), &view, visit.extent()),
            )
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

/// What leaves a member's building.
pub(super) async fn leaves(State(shared): State<Arc<Shared>>, call: Call) -> Response {
    let operator = gate::operator_name(&shared).await;
    let view = Leaves::of(call.language());
    call.answer(StatusCode::OK, leaves_page(&call.head(operator.as_deref()), &view, call.extent()))
}

/// Somebody at a member says that whom to ring there is right: of each contact from today on.
pub(super) async fn confirm_contacts(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    visit: Visit,
) -> Response {
    let scope = visit.who().scope();
    // At the response team nobody says it for a member; there is a command for what a member has told by telephone.
    let own = visit.who().member().filter(|own| *own == number).and_then(|own| own.parse::<MemberNumber>().ok());
    let Some(own) = own else { return visit.not_there(None) };
    let roles: Vec<_> = match shared.store.known_of(scope, &own).await {
        Ok(Some(known)) => known.profile.contacts.into_keys().collect(),
        Ok(None) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    let edits = roles.iter().map(|role| Edit::Confirmed(*role, visit.now())).collect();
    let deed = Deed::new(visit.who().audited(), "member set", On::Member(number), visit.now())
        .becomes("whom to ring was confirmed to be right");
    let wanted = [Wanted { number: own, name: None, edits }];
    match shared.store.noting(deed).write_members(&wanted, false, visit.now()).await {
        Ok(_) => Redirect::to("/").into_response(),
        Err((_, NotWritten::Store(error))) => {
            shared.handle_unwritten(&error);
            visit.broken(&error)
        }
        Err((_, why)) => visit.broken(&why),
    }
}
