//! What analysts do from the lists: deeds on what they have selected, undoing, saved views. Forms that work without a script.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use varde_common::brake::is_reason;
use varde_common::id::MemberNumber;

use super::Shared;
use super::desk::{just_done, may_work};
use crate::filter::List;
use crate::io::gate::operator_name;
use crate::io::visit::{Form, Visit};
use crate::limits::desk::{MUTED_DAYS, MUTED_DAYS_MAX, TOGETHER_MAX};
use crate::limits::workflow::NOTE_MAX_OCTETS;
use crate::present::desk::asked::Asked;
use crate::present::desk::done::{DeedLine, DoneView, not_undone};
use crate::present::desk::muted::{MUTED, MutedView};
use crate::present::desk::page::{self, Desk};
use crate::present::member_forms::{Filled, field};
use crate::present::page::{Extent, message};
use crate::present::text::Texts;
use crate::store::StoreError;
use crate::store::saved_view::{NotSaved, SavedView};
use crate::store::triage::{Act, Person, Target};

/// Where to go back to: one of the lists as its address has it, whatever was sent.
fn back(filled: &[(String, String)], visit: &Visit) -> Asked {
    let sent = field(filled, "tilbake");
    let (path, query) = sent.split_once('?').unwrap_or((sent, ""));
    let list = List::ALL.into_iter().find(|list| list.path() == path).unwrap_or(List::Alerts);
    Asked::read(list, query, 1, visit.now())
}

/// The address of where to go back to: a list, or the page of all that is muted.
fn way_back(filled: &[(String, String)], visit: &Visit) -> String {
    if field(filled, "tilbake") == MUTED { MUTED.to_owned() } else { back(filled, visit).own() }
}

fn with(address: &str, name: &str, value: i64) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}{name}={value}")
}

/// Who does it, as the lists say it and as the audit does.
fn person<'a>(audited: &'a str, visit: &'a Visit) -> Person<'a> {
    Person { name: visit.who().name(), audited }
}

/// What was selected: `n` an indicator's alerts, `i` an incident, `k` a campaign, `d` a muting, each before its number.
fn target(text: &str) -> Option<Target> {
    let mut characters = text.chars();
    let kind = characters.next()?;
    let number: i64 = characters.as_str().parse().ok().filter(|number| *number > 0)?;
    match kind {
        'n' => Some(Target::Indicator(number)),
        'i' => Some(Target::Incident(number)),
        'd' => Some(Target::Muting(number)),
        'k' => Some(Target::Campaign(number)),
        _ => None,
    }
}

/// A sentence as commands take it: on one line, with nothing in it that cannot be seen.
fn reason(filled: &[(String, String)], texts: &Texts) -> Result<String, String> {
    let text = field(filled, "reason");
    if is_reason(text) { Ok(text.to_owned()) } else { Err(texts.say("desk-bad-reason")) }
}

/// What is to be done, or what is wrong with how it was asked for.
async fn act(shared: &Shared, filled: &[(String, String)], visit: &Visit) -> Result<Result<Act, String>, StoreError> {
    let texts = visit.texts();
    let reason = || reason(filled, texts);
    Ok(match field(filled, "act") {
        // What came after the page was drawn nobody has looked at.
        "acknowledge" => Ok(Act::Acknowledge { newest: field(filled, "newest").parse().unwrap_or(i64::MAX) }),
        "false-positive" => reason().map(|reason| Act::FalsePositive { reason }),
        "legitimate" => reason().map(|reason| Act::Legitimate { reason }),
        "unmute" => reason().map(|reason| Act::Unmute { reason }),
        "take" => Ok(Act::Take { owner: visit.who().name().to_owned() }),
        "note" => {
            let text = field(filled, "reason");
            let is_good = !text.is_empty() && text.len() <= NOTE_MAX_OCTETS && !text.chars().any(char::is_control);
            if is_good { Ok(Act::Note { text: text.to_owned() }) } else { Err(texts.say("desk-bad-note")) }
        }
        "mute" => {
            let reason = match reason() {
                Ok(reason) => reason,
                Err(words) => return Ok(Err(words)),
            };
            let days = match field(filled, "days") {
                "" => Some(MUTED_DAYS),
                text => text.parse().ok().filter(|days| (1..=MUTED_DAYS_MAX).contains(days)),
            };
            let Some(days) = days else { return Ok(Err(texts.say("desk-bad-days"))) };
            let until = visit.now().plus(std::time::Duration::from_secs(u64::from(days) * 86_400));
            let member = match field(filled, "member") {
                "" => None,
                text => {
                    let Ok(number) = text.parse::<MemberNumber>() else { return Ok(Err(texts.say("desk-bad-member"))) };
                    match shared.store.member_by_number(visit.who().scope(), &number).await? {
                        Some(member) => Some(member.id),
                        None => return Ok(Err(texts.say("desk-bad-member"))),
                    }
                }
            };
            Ok(Act::Mute { reason, member, until })
        }
        _ => Err(texts.say("desk-bad-none")),
    })
}

async fn refuse(shared: &Shared, visit: &Visit, words: &str) -> Response {
    let head = visit.head(operator_name(shared).await.as_deref());
    let title = visit.texts().say("desk-bad-title");
    visit.answer(StatusCode::UNPROCESSABLE_ENTITY, message(&head, &title, words, Extent::Whole))
}

/// Does something to all that is selected.
pub(super) async fn deed(State(shared): State<Arc<Shared>>, visit: Visit, Form(filled): Form<Filled>) -> Response {
    let texts = visit.texts();
    let targets: Vec<Target> =
        filled.iter().filter(|(name, _)| name == "target").filter_map(|(_, value)| target(value)).collect();
    if targets.is_empty() {
        return refuse(&shared, &visit, &texts.say("desk-bad-none")).await;
    }
    if targets.len() > TOGETHER_MAX {
        return refuse(&shared, &visit, &texts.say("desk-bad-many")).await;
    }
    let act = match act(&shared, &filled, &visit).await {
        Ok(Ok(act)) => act,
        Ok(Err(words)) => return refuse(&shared, &visit, &words).await,
        Err(error) => return visit.broken(&error),
    };
    let done = match shared.store.triage(&targets, &act, person(&visit.who().audited(), &visit), visit.now()).await {
        Ok(done) => done,
        Err(error) => return visit.broken(&error),
    };
    let back = way_back(&filled, &visit);
    if let (Some(deed), true, true) = (done.deed, done.not_done.is_empty(), done.withdrawn.is_empty()) {
        return Redirect::to(&with(&back, "gjort", deed)).into_response();
    }
    if done.not_done.is_empty() && done.withdrawn.is_empty() {
        return Redirect::to(&back).into_response();
    }
    let head = visit.head(operator_name(&shared).await.as_deref());
    visit.answer(StatusCode::OK, page::done(&head, &DoneView::of(&done, back, texts)))
}

/// What can be undone.
pub(super) async fn undoable(State(shared): State<Arc<Shared>>, uri: axum::http::Uri, visit: Visit) -> Response {
    let undone = uri.query().is_some_and(|query| query.split('&').any(|part| part == "angret=1"));
    list(&shared, &visit, StatusCode::OK, None, undone).await
}

async fn list(shared: &Shared, visit: &Visit, status: StatusCode, refused: Option<&str>, undone: bool) -> Response {
    match shared.store.undoable(visit.who().name(), visit.now()).await {
        Ok(deeds) => {
            let lines: Vec<DeedLine> = deeds.iter().map(|deed| DeedLine::of(deed, &visit.reader())).collect();
            let head = visit.head(operator_name(shared).await.as_deref());
            visit.answer(status, page::undo(&head, &lines, refused, undone))
        }
        Err(error) => visit.broken(&error),
    }
}

/// All that is muted, or what is of one indicator.
pub(super) async fn muted(State(shared): State<Arc<Shared>>, uri: axum::http::Uri, visit: Visit) -> Response {
    let number = |name: &str| {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        pairs.into_iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<i64>().ok())
    };
    let (indicator, after) = (number("indikator"), number("etter"));
    let read = async {
        let page = shared.store.muted(indicator, after, visit.now()).await?;
        Ok::<_, StoreError>((page, just_done(&shared, &visit, &uri).await?))
    };
    match read.await {
        Ok((page, done)) => {
            let desk = Desk { may_work: may_work(&visit), done, ..Desk::default() };
            let view = MutedView::of(&page, indicator, desk, &visit.reader());
            let head = visit.head(operator_name(&shared).await.as_deref());
            visit.answer(StatusCode::OK, page::muted(&head, &view))
        }
        Err(error) => visit.broken(&error),
    }
}

/// Undoes a deed.
pub(super) async fn undo(State(shared): State<Arc<Shared>>, visit: Visit, Form(filled): Form<Filled>) -> Response {
    let deed = field(&filled, "deed").parse().unwrap_or(0);
    match shared.store.undo(deed, person(&visit.who().audited(), &visit), visit.now()).await {
        Ok(Ok(_)) if field(&filled, "tilbake").is_empty() => Redirect::to("/angre?angret=1").into_response(),
        Ok(Ok(_)) => Redirect::to(&way_back(&filled, &visit)).into_response(),
        Ok(Err(not)) => {
            let words = not_undone(not, visit.texts());
            list(&shared, &visit, StatusCode::CONFLICT, Some(&words), false).await
        }
        Err(error) => visit.broken(&error),
    }
}

fn not_saved(not: NotSaved, texts: &Texts) -> String {
    match not {
        NotSaved::Name => texts.say("desk-view-bad-name"),
        NotSaved::Taken => texts.say("desk-view-bad-taken"),
        NotSaved::TooMany => texts.say("desk-view-bad-many"),
        NotSaved::TooManyShared => texts.say("desk-view-bad-shared"),
        NotSaved::Gone => texts.say("desk-view-bad-gone"),
    }
}

/// Saves, renames or deletes a view.
pub(super) async fn views(State(shared): State<Arc<Shared>>, visit: Visit, Form(filled): Form<Filled>) -> Response {
    let (who, shared_with) = (visit.who().name(), field(&filled, "shared") == "1");
    let id = field(&filled, "view").parse().unwrap_or(0);
    let done = match field(&filled, "do") {
        "rename" => shared.store.rename_view(who, id, (field(&filled, "name"), shared_with)).await,
        "delete" => shared.store.delete_view(who, id).await,
        _ => {
            let list = List::named(field(&filled, "list")).unwrap_or(List::Alerts);
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("q", field(&filled, "q"))
                .append_pair("t", field(&filled, "t"))
                .finish();
            let asked = Asked::read(list, &query, 1, visit.now());
            let view = SavedView {
                id: 0,
                owner: who.to_owned(),
                shared: shared_with,
                list,
                name: field(&filled, "name").to_owned(),
                filter: asked.question.filter.canonical(),
                quick: asked.question.range.quick.unwrap_or_default().as_str().to_owned(),
            };
            shared.store.save_view(&view, visit.now()).await.map(|saved| saved.map(drop))
        }
    };
    match done {
        Ok(Ok(())) => Redirect::to(&back(&filled, &visit).own()).into_response(),
        Ok(Err(not)) => refuse(&shared, &visit, &not_saved(not, visit.texts())).await,
        Err(error) => visit.broken(&error),
    }
}
