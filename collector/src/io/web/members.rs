//! The page of all members.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::Shared;
use crate::io::visit::Visit;
use crate::present::community::{self, CommunityView, MembersAsked};

/// All of them.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    match shared.store.community(visit.who().scope()).await {
        Ok(found) => {
            let asked = MembersAsked::read(uri.query().unwrap_or_default());
            let view = CommunityView::of(&found, &asked, &shared.tiles, &visit.reader());
            let head = visit.head(found.picture.operator.as_deref());
            visit.answer(StatusCode::OK, community::page(&head, &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}
