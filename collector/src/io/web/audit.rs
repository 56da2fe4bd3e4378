//! The page of the audit, and the same as a file. To look is no deed; to take it along is.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use url::form_urlencoded;

use super::Shared;
use super::desk::handed_out;
use crate::audit::{Deed, On};
use crate::io::gate::operator_name;
use crate::io::visit::Visit;
use crate::limits::desk::EXPORTED_MAX;
use crate::limits::people::AUDIT_SHOWN;
use crate::present::audit::{self, AUDIT, AuditAsked, AuditView};
use crate::present::desk::export::Form;
use crate::store::StoreError;

/// It.
pub(super) async fn page(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let (store, scope) = (&shared.store, visit.who().scope());
    let asked = AuditAsked::read(uri.query().unwrap_or_default(), visit.now());
    let read = async {
        let found = store.looked_through(scope, &asked.looked, AUDIT_SHOWN).await?;
        Ok::<_, StoreError>((found, store.audit_head(scope).await?.seq))
    };
    match read.await {
        Ok((found, newest)) => {
            let verified = shared.chain.look(store, visit.now()).await;
            let verified = verified.as_ref().map(|verified| (&verified.found, verified.at));
            let view = AuditView::of(&asked, &found, (verified, newest), &visit.reader());
            let operator = operator_name(&shared).await;
            visit.answer(StatusCode::OK, audit::page(&visit.head(operator.as_deref()), &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

/// As a file. That it was taken along stands in the audit before it is.
pub(super) async fn export(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let query = uri.query().unwrap_or_default();
    let mut asked = AuditAsked::read(query, visit.now());
    asked.looked.before = None;
    let form = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "form");
    let form = form.map_or(Some(Form::Csv), |(_, form)| Form::named(&form)).filter(|form| *form != Form::Defanged);
    let Some(form) = form else { return visit.not_there(None) };
    let export = match shared.store.looked_through(visit.who().scope(), &asked.looked, EXPORTED_MAX).await {
        Ok(found) => audit::export(&found),
        Err(error) => return visit.broken(&error),
    };
    let cut = if export.cut.is_some() { " (cut)" } else { "" };
    let what = format!("{} rows{cut} of the audit as {}, up to {}", export.rows.len(), form.ending(), export.tlp);
    let deed = Deed::new(visit.who().audited(), "page export", On::Thing(AUDIT.to_owned()), visit.now()).becomes(what);
    if let Err(error) = shared.store.note(&deed).await {
        shared.handle_unnoted(&error);
        return visit.unnoted(None);
    }
    handed_out(&export, form)
}
