//! A screen on a wall: it is given its token once, holds it as a cookie, and shows the overview.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Shared;
use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::io::gate::{self, SCREEN_COOKIE, set_cookie, threshold};
use crate::io::visit::{Call, Form};
use crate::present::account;

/// A browser forgets it after so long: a screen is given its token anew once a year.
const HELD_SECONDS: u64 = 365 * 86_400;

/// What is filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    token: String,
}

async fn shown(shared: &Shared, call: &Call, status: StatusCode) -> Response {
    let operator = gate::operator_name(shared).await;
    let head = call.head(operator.as_deref());
    call.answer(status, account::screen(&head, status != StatusCode::OK, call.extent()))
}

/// Where it is given.
pub(super) async fn form(State(shared): State<Arc<Shared>>, call: Call) -> Response {
    shown(&shared, &call, StatusCode::OK).await
}

/// Holds it, where it is one of a screen: one that reads more does not hang on a wall.
pub(super) async fn give(State(shared): State<Arc<Shared>>, call: Call, Form(given): Form<Given>) -> Response {
    let known = match Secret::read_token(given.token.trim()) {
        Some(secret) => shared.store.token(threshold(), &secret, call.now()).await.map(|known| known.zip(Some(secret))),
        None => Ok(None),
    };
    match known {
        Ok(Some((known, secret))) if known.role == Role::Wall => {
            let mut response = Redirect::to("/").into_response();
            if let Some(cookie) = set_cookie(&shared, SCREEN_COOKIE, &secret.token(), Some(HELD_SECONDS)) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(_) => shown(&shared, &call, StatusCode::FORBIDDEN).await,
        Err(error) => {
            shared.store.handle_error(&error);
            call.broken(&error)
        }
    }
}
