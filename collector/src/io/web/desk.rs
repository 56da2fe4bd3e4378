//! The analyst's lists: alerts, incidents and campaigns, narrowed by what their address says, and the same as files. Reading alone.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::Shared;
use crate::account::role::Right;
use crate::audit::{Deed, On};
use crate::filter::List;
use crate::io::gate::operator_name;
use crate::io::visit::Visit;
use crate::limits::desk::{CASES_SHOWN, EXPORTED_MAX, GROUPS_SHOWN};
use crate::present::desk::alerts::AlertList;
use crate::present::desk::asked::Asked;
use crate::present::desk::bar::{Bar, Saved};
use crate::present::desk::cases::CaseList;
use crate::present::desk::done::DeedLine;
use crate::present::desk::export::{Export, Form};
use crate::present::desk::page::{self, Desk};
use crate::store::StoreError;

fn asked(list: List, uri: &Uri, limit: usize, visit: &Visit) -> Asked {
    Asked::read(list, uri.query().unwrap_or_default(), limit, visit.now())
}

/// Whether who looks may do something from the lists: what is done there is the CSIRT's.
pub(super) fn may_work(visit: &Visit) -> bool {
    visit.who().is_operator() && visit.who().may(Right::Work) && visit.who().account().is_some()
}

/// What somebody has saved, what they may do, and what they have just done.
async fn around(shared: &Shared, visit: &Visit, list: List, uri: &Uri) -> Result<(Vec<Saved>, Desk), StoreError> {
    let who = visit.who();
    if !who.is_operator() || who.account().is_none() {
        return Ok((Vec::new(), Desk::default()));
    }
    let views = shared.store.saved_views(who.name(), Some(list)).await?;
    let saved = views.iter().map(|view| Saved::of(view, who.name(), visit.now())).collect();
    let done = just_done(shared, visit, uri).await?;
    Ok((saved, Desk { may_work: may_work(visit), may_save: true, done }))
}

/// What somebody has just done from here, and can undo.
pub(super) async fn just_done(shared: &Shared, visit: &Visit, uri: &Uri) -> Result<Option<DeedLine>, StoreError> {
    let named = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        (name == "gjort").then(|| value.parse::<i64>().ok()).flatten()
    };
    let deed = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find_map(named);
    let Some(deed) = deed.filter(|_| may_work(visit)) else { return Ok(None) };
    let deeds = shared.store.undoable(visit.who().name(), visit.now()).await?;
    Ok(deeds.iter().find(|known| known.id == deed).map(|known| DeedLine::of(known, &visit.reader())))
}

pub(super) async fn alerts(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let asked = asked(List::Alerts, &uri, GROUPS_SHOWN, &visit);
    let read = async {
        let groups = shared.store.alert_groups(visit.who().scope(), &asked.question).await?;
        Ok::<_, StoreError>((groups, around(&shared, &visit, List::Alerts, &uri).await?))
    };
    match read.await {
        Ok((groups, (saved, desk))) => {
            let reader = visit.reader();
            let next = groups.next.as_ref().map(|next| asked.next(next));
            let bar = Bar::of(&asked, groups.hidden, next, saved, &reader);
            let view = AlertList::of(&asked, &groups, &reader);
            let head = visit.head(operator_name(&shared).await.as_deref());
            visit.answer(StatusCode::OK, page::alerts(&head, &bar, &view, &desk, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

pub(super) async fn incidents(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let asked = asked(List::Incidents, &uri, CASES_SHOWN, &visit);
    let scope = visit.who().scope();
    let read = async {
        let page = shared.store.listed_incidents(scope, &asked.question).await?;
        Ok::<_, StoreError>((page, around(&shared, &visit, List::Incidents, &uri).await?))
    };
    match read.await {
        Ok((listed, (saved, desk))) => {
            let reader = visit.reader();
            let next = listed.next.as_ref().map(|next| asked.next(next));
            let bar = Bar::of(&asked, listed.hidden, next, saved, &reader);
            let view = CaseList::incidents(&listed, scope, &reader);
            let head = visit.head(operator_name(&shared).await.as_deref());
            visit.answer(StatusCode::OK, page::cases(&head, &bar, &view, &desk, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

pub(super) async fn campaigns(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let asked = asked(List::Campaigns, &uri, CASES_SHOWN, &visit);
    let scope = visit.who().scope();
    let read = async {
        let page = shared.store.listed_campaigns(scope, &asked.question).await?;
        Ok::<_, StoreError>((page, around(&shared, &visit, List::Campaigns, &uri).await?))
    };
    match read.await {
        Ok((listed, (saved, desk))) => {
            let reader = visit.reader();
            let next = listed.next.as_ref().map(|next| asked.next(next));
            let bar = Bar::of(&asked, listed.hidden, next, saved, &reader);
            let view = CaseList::campaigns(&listed, scope, &reader);
            let head = visit.head(operator_name(&shared).await.as_deref());
            visit.answer(StatusCode::OK, page::cases(&head, &bar, &view, &desk, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

pub(super) async fn export_alerts(shared: State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    export(List::Alerts, &shared, &uri, &visit).await
}

pub(super) async fn export_incidents(shared: State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    export(List::Incidents, &shared, &uri, &visit).await
}

pub(super) async fn export_campaigns(shared: State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    export(List::Campaigns, &shared, &uri, &visit).await
}

/// A list as a file. That it was taken along stands in the audit before it is.
async fn export(list: List, shared: &Shared, uri: &Uri, visit: &Visit) -> Response {
    let mut asked = asked(list, uri, EXPORTED_MAX, visit);
    // From its beginning, whichever page it was taken along from.
    asked.question.after = None;
    // Nothing said: for a spreadsheet.
    let form = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "form")
        .map_or(Some(Form::Csv), |(_, form)| Form::named(&form));
    let Some(form) = form.filter(|form| *form != Form::Defanged || list == List::Alerts) else {
        return visit.not_there(None);
    };
    let scope = visit.who().scope();
    let read = async {
        Ok::<_, StoreError>(Some(match list {
            List::Alerts => Export::alerts(&shared.store.alert_groups(scope, &asked.question).await?),
            List::Incidents => Export::incidents(&shared.store.listed_incidents(scope, &asked.question).await?, scope),
            // They are taken along by a command, up to a marking: indicator export.
            List::Indicators => return Ok(None),
            List::Campaigns => Export::campaigns(&shared.store.listed_campaigns(scope, &asked.question).await?, scope),
        }))
    };
    let export = match read.await {
        Ok(Some(export)) => export,
        Ok(None) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    let cut = if export.cut.is_some() { " (cut)" } else { "" };
    let rows = export.rows.len();
    let what = format!("{rows} rows{cut} of {} as {}, up to {}", list.as_str(), form.ending(), export.tlp);
    let mut deed =
        Deed::new(visit.who().audited(), "page export", On::Thing(list.path().to_owned()), visit.now()).becomes(what);
    deed = deed.concerns(visit.who().member().map(str::to_owned));
    if let Err(error) = shared.store.note(&deed).await {
        shared.handle_unnoted(&error);
        return visit.unnoted(None);
    }
    handed_out(&export, form)
}

/// An export as a file to keep.
pub(super) fn handed_out(export: &Export, form: Form) -> Response {
    let mut response = export.written(form).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    let disposition = format!("attachment; filename=\"{}\"", export.file_name(form));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}
