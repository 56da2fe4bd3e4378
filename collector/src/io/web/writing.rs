//! Writing an advisory on a page: the form, the draft as members will read it, sending it, and its mail once more. What is done is done by the
//! functions that the commands call.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use varde_common::id::MemberNumber;
use varde_common::tlp::Tlp;

use super::Shared;
use crate::advisory::{Audience, State as Standing, Wording, marking};
use crate::audit::{Deed, On};
use crate::io::visit::{Form, Visit};
use crate::limits::advisory::ADVISED_MEASURES_MAX;
use crate::present::advisory_page::PageView;
use crate::present::advisory_write::{DraftView, Filled, Unsent, WriteView, Wrong, draft_page, write_page};
use crate::present::text::Language;
use crate::store::advisory::AdvisoryView;
use crate::store::advisory::draft::{Edit, New, NotDone};
use crate::store::advisory::send::Sending;
use crate::store::{StoreError, campaign, setting};
use crate::workflow::Matter;

/// The field that says which draft was looked at.
const SEEN: &str = "utgave";

/// A form as it was filled in; fields may come several times.
type Fields = Vec<(String, String)>;

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

fn filled(fields: &[(String, String)]) -> Filled {
    let text = |language: Language| {
        let tag = language.tag();
        (field(fields, &format!("title-{tag}")).to_owned(), field(fields, &format!("text-{tag}")).to_owned())
    };
    let measures = fields.iter().filter(|(name, _)| name == "measure").map(|(_, key)| key.clone());
    Filled {
        texts: Language::ALL.map(text),
        tlp: field(fields, "tlp").to_owned(),
        audience: field(fields, "audience").to_owned(),
        numbers: field(fields, "numbers").to_owned(),
        measures: measures.take(ADVISED_MEASURES_MAX + 1).collect(),
    }
}

/// What is right in a form.
struct Good {
    texts: Vec<(Language, Wording)>,
    tlp: Tlp,
    audience: Audience,
    chosen: Vec<i64>,
}

fn wordings(filled: &Filled, wrong: &mut Vec<Wrong>) -> Vec<(Language, Wording)> {
    let mut texts = Vec::new();
    for (language, (title, body)) in Language::ALL.into_iter().zip(&filled.texts) {
        let is_empty = (title.trim().is_empty(), body.trim().is_empty());
        match (is_empty, title.parse(), body.parse()) {
            ((true, true), _, _) => {}
            ((_, true), _, _) => wrong.push(Wrong::NoText(language)),
            ((_, false), Err(_), _) => wrong.push(Wrong::Title(language)),
            ((_, false), Ok(_), Err(_)) => wrong.push(Wrong::Text(language)),
            ((_, false), Ok(title), Ok(body)) => texts.push((language, Wording { title, body })),
        }
    }
    let is_norwegian = |(language, _): &(Language, Wording)| *language != Language::English;
    if wrong.is_empty() && !texts.iter().any(is_norwegian) {
        wrong.push(Wrong::NothingWritten);
    }
    texts
}

/// What was filled in, or everything that is wrong in it.
async fn read(
    shared: &Shared,
    visit: &Visit,
    filled: &Filled,
    campaign: Option<i64>,
) -> Result<Result<Good, Vec<Wrong>>, StoreError> {
    let (store, scope) = (&shared.store, visit.who().scope());
    let mut wrong = Vec::new();
    let texts = wordings(filled, &mut wrong);
    let tlp = marking(&filled.tlp);
    if tlp.is_err() {
        wrong.push(Wrong::Tlp);
    }
    let audience = Audience::of(&filled.audience);
    let mut chosen = Vec::new();
    match audience {
        Some(Audience::All) => {}
        Some(Audience::Campaign) if campaign.is_some() => {}
        Some(Audience::Campaign) => wrong.push(Wrong::NoCampaign),
        Some(Audience::Chosen) => {
            for number in filled.numbers.split([' ', ',', ';', '\n', '\t']).filter(|number| !number.is_empty()) {
                let member = match number.parse::<MemberNumber>() {
                    Ok(number) => store.member_by_number(scope, &number).await?,
                    Err(_) => None,
                };
                match member {
                    Some(member) => chosen.push(member.id),
                    None => wrong.push(Wrong::NoMember(number.chars().take(40).collect())),
                }
                // One sentence, not five hundred.
                if wrong.iter().filter(|one| matches!(one, Wrong::NoMember(_))).count() >= 5 {
                    break;
                }
            }
            if chosen.is_empty() && !wrong.iter().any(|one| matches!(one, Wrong::NoMember(_))) {
                wrong.push(Wrong::Nobody);
            }
        }
        None => wrong.push(Wrong::Nobody),
    }
    let bank = store.bank(scope).await?;
    if filled.measures.len() > ADVISED_MEASURES_MAX || filled.measures.iter().any(|key| bank.get(key).is_none()) {
        wrong.push(Wrong::Measures);
    }
    Ok(match (wrong.is_empty(), tlp, audience) {
        (true, Ok(tlp), Some(audience)) => Ok(Good { texts, tlp, audience, chosen }),
        _ => Err(wrong),
    })
}

/// The form, for a draft that is there or one that begins.
async fn form(
    shared: &Shared,
    visit: &Visit,
    draft: Option<&str>,
    (campaign, filled, wrong): (Option<i64>, &Filled, &[Wrong]),
    seal: Option<&str>,
) -> Result<Response, StoreError> {
    let (store, scope) = (&shared.store, visit.who().scope());
    let (operator, bank) = (store.setting(scope, setting::OPERATOR_NAME).await?, store.bank(scope).await?);
    let proposed = proposed(shared, visit, campaign).await?;
    let action = draft.map_or_else(|| "/varsel/nytt".to_owned(), |uuid| format!("/varsel/{uuid}/rediger"));
    let head = visit.head(operator.as_deref());
    let whole = (action, seal.map(ToOwned::to_owned));
    let view = WriteView::of(whole, campaign, filled, wrong, (&bank, &proposed), visit.texts());
    let status = match wrong {
        [] => StatusCode::OK,
        [Wrong::Changed] => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(visit.answer(status, write_page(&head, &view, visit.extent())))
}

/// The keys of the measures that the bank proposes for a campaign; none without one.
async fn proposed(shared: &Shared, visit: &Visit, campaign: Option<i64>) -> Result<Vec<String>, StoreError> {
    match campaign {
        Some(campaign) => shared.store.proposed_keys(visit.who().scope(), Matter::Campaign(campaign)).await,
        None => Ok(Vec::new()),
    }
}

/// What came of it, whatever went wrong in the house.
fn ended(shared: &Shared, visit: &Visit, done: Result<Response, StoreError>) -> Response {
    done.unwrap_or_else(|error| {
        shared.handle_unwritten(&error);
        visit.broken(&error)
    })
}

fn to(address: &str) -> Response {
    Redirect::to(address).into_response()
}

/// What an address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct About {
    kampanje: String,
}

/// A page on which one begins.
pub(super) async fn begin(State(shared): State<Arc<Shared>>, Query(about): Query<About>, visit: Visit) -> Response {
    let done = async {
        let campaign = campaign::resolve(&shared.store, visit.who().scope(), &about.kampanje).await?;
        let audience = if campaign.is_some() { Audience::Campaign } else { Audience::Chosen };
        let measures = proposed(&shared, &visit, campaign).await?;
        let filled = Filled {
            tlp: Tlp::Amber.to_string(),
            audience: audience.as_str().to_owned(),
            measures,
            ..Filled::default()
        };
        form(&shared, &visit, None, (campaign, &filled, &[]), None).await
    };
    ended(&shared, &visit, done.await)
}

fn deed(visit: &Visit, what: &'static str, on: On) -> Deed {
    Deed::new(visit.who().audited(), what, on, visit.now())
}

/// A draft begins.
pub(super) async fn new(State(shared): State<Arc<Shared>>, visit: Visit, Form(fields): Form<Fields>) -> Response {
    let done = async {
        let (store, scope) = (&shared.store, visit.who().scope());
        let filled = filled(&fields);
        let campaign = campaign::resolve(store, scope, field(&fields, "kampanje")).await?;
        let good = match read(&shared, &visit, &filled, campaign).await? {
            Ok(good) => good,
            Err(wrong) => return form(&shared, &visit, None, (campaign, &filled, &wrong), None).await,
        };
        let proposed = proposed(&shared, &visit, campaign).await?;
        // As they were proposed, to the members of the campaign: each is told what is for it. Else somebody has named them.
        let same = |a: &[String], b: &[String]| a.iter().collect::<BTreeSet<_>>() == b.iter().collect();
        let is_named = good.audience != Audience::Campaign || !same(&filled.measures, &proposed);
        let new = New {
            campaign,
            audience: good.audience,
            chosen: &good.chosen,
            tlp: good.tlp,
            wordings: &good.texts,
            measures: &filled.measures,
            is_named,
            who: visit.who().name(),
        };
        let on = campaign.map_or(On::Collector, |campaign| On::Thing(format!("campaign {campaign}")));
        let became = format!("a draft, {}, with {} measures", good.tlp, filled.measures.len());
        let doing = deed(&visit, "advisory new", on).becomes(became);
        match store.noting(doing).new_advisory(&new, visit.now()).await? {
            Ok(id) => {
                let view = store.advisory(scope, id).await?;
                Ok(to(&view.map_or("/varsel".to_owned(), |view| format!("/varsel/{}/utkast", view.uuid))))
            }
            Err(_) => form(&shared, &visit, None, (campaign, &filled, &[Wrong::Measures]), None).await,
        }
    };
    ended(&shared, &visit, done.await)
}

/// What stands at an address: a draft, or where else to go.
enum There {
    Draft(Box<AdvisoryView>, i64),
    /// It was sent: there is nothing to write any more.
    Sent(String),
    Nothing,
}

async fn there(shared: &Shared, visit: &Visit, name: &str) -> Result<There, StoreError> {
    let (store, scope) = (&shared.store, visit.who().scope());
    let Some(id) = store.advisory_named(scope, name).await? else { return Ok(There::Nothing) };
    Ok(match store.advisory(scope, id).await? {
        Some(view) if view.state == Standing::Draft => There::Draft(Box::new(view), id),
        Some(view) => There::Sent(format!("/varsel/{}", view.uuid)),
        None => There::Nothing,
    })
}

/// The numbers of those a draft goes to.
async fn numbers(shared: &Shared, visit: &Visit, id: i64) -> Result<Vec<String>, StoreError> {
    let recipients = shared.store.would_get(visit.who().scope(), id).await?;
    Ok(recipients.into_iter().map(|one| one.number).collect())
}

/// A page on which a draft is changed.
pub(super) async fn edit(State(shared): State<Arc<Shared>>, Path(name): Path<String>, visit: Visit) -> Response {
    let done = async {
        let (view, id) = match there(&shared, &visit, &name).await? {
            There::Draft(view, id) => (view, id),
            There::Sent(address) => return Ok(to(&address)),
            There::Nothing => return Ok(visit.not_there(None)),
        };
        let of = |language: Language| {
            let found = view.texts.iter().find(|text| text.language == language.tag());
            found.map(|text| (text.title.clone(), text.body.clone())).unwrap_or_default()
        };
        let audience = view.audience.unwrap_or(Audience::Chosen);
        let chosen = if audience == Audience::Chosen { numbers(&shared, &visit, id).await? } else { Vec::new() };
        let filled = Filled {
            texts: Language::ALL.map(of),
            tlp: view.tlp.clone(),
            audience: audience.as_str().to_owned(),
            numbers: chosen.join(" "),
            measures: view.measures.iter().map(|one| one.key.clone()).collect(),
        };
        form(&shared, &visit, Some(&view.uuid), (view.campaign, &filled, &[]), view.seal.as_deref()).await
    };
    ended(&shared, &visit, done.await)
}

/// A draft is changed.
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    visit: Visit,
    Form(fields): Form<Fields>,
) -> Response {
    let done = async {
        let (view, id) = match there(&shared, &visit, &name).await? {
            There::Draft(view, id) => (view, id),
            There::Sent(address) => return Ok(to(&address)),
            There::Nothing => return Ok(visit.not_there(None)),
        };
        let (filled, seen) = (filled(&fields), field(&fields, SEEN));
        let good = match read(&shared, &visit, &filled, view.campaign).await? {
            Ok(good) => good,
            Err(wrong) => {
                let known = (view.campaign, &filled, wrong.as_slice());
                return form(&shared, &visit, Some(&view.uuid), known, Some(seen)).await;
            }
        };
        let before: BTreeSet<&String> = view.measures.iter().map(|one| &one.key).collect();
        let is_other = before != filled.measures.iter().collect();
        let edit = Edit {
            texts: Some(&good.texts),
            tlp: Some(good.tlp),
            // Measures that were proposed stay so where nobody has touched them.
            measures: is_other.then_some(filled.measures.as_slice()),
            audience: Some(good.audience),
            chosen: Some(&good.chosen),
            seen: Some(seen),
            ..Edit::default()
        };
        let concerned = numbers(&shared, &visit, id).await?;
        let doing = deed(&visit, "advisory edit", On::Thing(format!("advisory {id}"))).concerns(concerned);
        let doing = doing.becomes(format!("{}, with {} measures", good.tlp, filled.measures.len()));
        Ok(match shared.store.noting(doing).edit_advisory(id, &edit, visit.now()).await? {
            Ok(()) => to(&format!("/varsel/{}/utkast", view.uuid)),
            // Somebody has changed it meanwhile. What was written stays in the form, which from now on is of the draft as it is now.
            Err(NotDone::Changed(_)) => match there(&shared, &visit, &name).await? {
                There::Draft(now, _) => {
                    let wrong = [Wrong::Changed];
                    let known = (now.campaign, &filled, wrong.as_slice());
                    form(&shared, &visit, Some(&now.uuid), known, now.seal.as_deref()).await?
                }
                There::Sent(address) => to(&address),
                There::Nothing => visit.not_there(None),
            },
            // Somebody has sent it meanwhile.
            Err(_) => to(&format!("/varsel/{}", view.uuid)),
        })
    };
    ended(&shared, &visit, done.await)
}

async fn with_mail(shared: &Shared, visit: &Visit) -> Result<bool, StoreError> {
    Ok(shared.store.setting(visit.who().scope(), setting::MAIL).await?.as_deref() == Some(setting::ON))
}

async fn drafted(
    shared: &Shared,
    visit: &Visit,
    (view, id): (&AdvisoryView, i64),
    unsent: Option<Unsent>,
) -> Result<Response, StoreError> {
    let (store, scope) = (&shared.store, visit.who().scope());
    let (operator, bank) = (store.setting(scope, setting::OPERATOR_NAME).await?, store.bank(scope).await?);
    let recipients = store.would_get(scope, id).await?;
    let has_text = view.texts.iter().any(|text| text.language != Language::English.tag());
    let is_by_member = view.campaign.is_some() && view.measures.iter().any(|one| !one.is_named);
    let page = PageView::of(view, &bank, None, None, &visit.reader());
    let how = (with_mail(shared, visit).await?, has_text, is_by_member, unsent);
    let draft = DraftView::of(page, view, &recipients, how, &visit.reader());
    let status = match unsent {
        None => StatusCode::OK,
        Some(Unsent::Unread) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(Unsent::Changed) => StatusCode::CONFLICT,
    };
    Ok(visit.answer(status, draft_page(&visit.head(operator.as_deref()), &draft, visit.extent())))
}

/// A draft as members will read it.
pub(super) async fn draft(State(shared): State<Arc<Shared>>, Path(name): Path<String>, visit: Visit) -> Response {
    let done = async {
        match there(&shared, &visit, &name).await? {
            There::Draft(view, id) => drafted(&shared, &visit, (&view, id), None).await,
            There::Sent(address) => Ok(to(&address)),
            There::Nothing => Ok(visit.not_there(None)),
        }
    };
    ended(&shared, &visit, done.await)
}

/// It is sent, by somebody who says to have read it.
pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    visit: Visit,
    Form(fields): Form<Fields>,
) -> Response {
    let done = async {
        let (view, id) = match there(&shared, &visit, &name).await? {
            There::Draft(view, id) => (view, id),
            There::Sent(address) => return Ok(to(&address)),
            There::Nothing => return Ok(visit.not_there(None)),
        };
        if field(&fields, "sett").is_empty() {
            return drafted(&shared, &visit, (&view, id), Some(Unsent::Unread)).await;
        }
        let concerned = numbers(&shared, &visit, id).await?;
        let doing = deed(&visit, "advisory send", On::Thing(format!("advisory {id}"))).concerns(concerned);
        let sending =
            Sending { who: visit.who().name(), with_mail: with_mail(&shared, &visit).await?, now: visit.now() };
        let noting = shared.store.noting(doing.was("a draft").becomes("sent"));
        match noting.send_seen_advisory(id, Some(field(&fields, SEEN)), sending).await? {
            Ok(_) => Ok(to(&format!("/varsel/{}", view.uuid))),
            // Somebody has changed it since: nobody has looked at what would go out.
            Err(NotDone::Changed(_)) => match there(&shared, &visit, &name).await? {
                There::Draft(view, id) => drafted(&shared, &visit, (&view, id), Some(Unsent::Changed)).await,
                There::Sent(address) => Ok(to(&address)),
                There::Nothing => Ok(visit.not_there(None)),
            },
            // What keeps it back stands on the draft; one that was sent meanwhile is led to.
            Err(_) => Ok(to(&format!("/varsel/{}/utkast", view.uuid))),
        }
    };
    ended(&shared, &visit, done.await)
}

/// A draft is thrown away.
pub(super) async fn discard(State(shared): State<Arc<Shared>>, Path(name): Path<String>, visit: Visit) -> Response {
    let done = async {
        let id = match there(&shared, &visit, &name).await? {
            There::Draft(_, id) => id,
            There::Sent(address) => return Ok(to(&address)),
            There::Nothing => return Ok(visit.not_there(None)),
        };
        let concerned = numbers(&shared, &visit, id).await?;
        let doing = deed(&visit, "advisory withdraw", On::Thing(format!("advisory {id}"))).concerns(concerned);
        let dropped = shared.store.noting(doing.was("draft").becomes("deleted")).discard_draft(id).await?;
        Ok(if dropped { to("/varsel") } else { to(&format!("/varsel/{name}")) })
    };
    ended(&shared, &visit, done.await)
}

/// Its mail is sent again to those it did not reach.
pub(super) async fn mail_again(State(shared): State<Arc<Shared>>, Path(name): Path<String>, visit: Visit) -> Response {
    let done = async {
        let (store, scope) = (&shared.store, visit.who().scope());
        let Some(id) = store.advisory_named(scope, &name).await? else { return Ok(visit.not_there(None)) };
        if with_mail(&shared, &visit).await? {
            let concerned = numbers(&shared, &visit, id).await?;
            let doing = deed(&visit, "advisory resend", On::Thing(format!("advisory {id}"))).concerns(concerned);
            let doing = doing.becomes("mail is sent again to those it did not reach");
            // What was corrected or withdrawn meanwhile is shown so by the page that is led to.
            let _ = store.noting(doing).send_mail_again(id, visit.now()).await?;
        }
        Ok(to(&format!("/varsel/{name}")))
    };
    ended(&shared, &visit, done.await)
}
