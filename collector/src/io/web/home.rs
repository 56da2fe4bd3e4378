//! The front pages of a member's own people, IT and management, what leaves their building.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use varde_common::id::MemberNumber;

use super::{Shared, intel};
use crate::io::gate;
use crate::io::visit::{Call, Visit};
use crate::present::advisory_page::ListView;
use crate::present::home::{Beside, HomeView, home_page, leaves_page, open_incidents};
use crate::present::leadership::{LeadershipView, leadership_page};
use crate::present::leaves::Leaves;
use crate::store::home::ToDo;
use crate::store::picture::Picture;
use crate::store::profile::Known;
use crate::store::{StoreError, advisory::AdvisoryView};

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
        let sent = intel::sent(shared, visit).await?;
        let (bank, telephone) = (shared.store.bank(scope).await?, shared.store.operator_telephone(scope).await?);
        Ok::<_, StoreError>(Some((facts, sent, bank, telephone)))
    };
    match read.await {
        Ok(Some((facts, sent, bank, telephone))) => {
            let reader = visit.reader();
            let Facts { picture, known, to_do, unread } = &facts;
            let unread = ListView::of(unread, &reader).rows;
            let beside =
                Beside { known, to_do, sent: sent.as_ref(), bank: &bank, unread, telephone: telephone.as_ref() };
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
