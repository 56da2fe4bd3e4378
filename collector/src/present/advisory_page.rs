//! The pages of advisories and of the bank of measures: a reader's, with what to do and how to say so; the sender's, with who has read it and
//! whom to ring.

use varde_common::alert::Evidence;

use super::advisory::answer_words;

use super::member_forms::role_words;
use super::shown::{Moment, Shown};
use super::text::{Language, Texts};
use super::view::{Reader, Steps};
use crate::advisory::markup::{Block, read};
use crate::advisory::{Answer, State, best};
use crate::limits::advisory::ANSWER_MAX_OCTETS;
use crate::measure::{Bank, Content, Measure, Purpose, Type};
use crate::store::advisory::heard::Recipient;
use crate::store::advisory::{AdvisoryView, AnswerRow, Text};
use crate::store::alert::level_of;
use crate::store::mail::MailRow;

/// A piece of the text, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A heading.
    Heading(Shown),
    /// A heading below one.
    Part(Shown),
    /// A paragraph.
    Paragraph(Shown),
    /// Points.
    Points(Vec<Shown>),
    /// Steps.
    Steps(Vec<Shown>),
}

/// A measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureView {
    /// Its name in the bank.
    pub key: String,
    /// What is to be done.
    pub title: Shown,
    /// Why.
    pub why: Shown,
    /// How.
    pub steps: Vec<Shown>,
    /// By what one sees that it is done.
    pub done: Shown,
    /// Its kind, purpose and NSM's number, in words; none = the bank has it no longer.
    pub sort: Option<String>,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// Its address: the uuid.
    pub uuid: String,
    /// Its heading.
    pub title: Shown,
    /// Its marking.
    pub tlp: String,
    /// Where it stands, in words.
    pub state: String,
    /// When it was sent.
    pub sent: Option<Moment>,
    /// How many have read it, or whether this member has.
    pub read: String,
    /// Nobody at this member has read it yet.
    pub calls: bool,
}

/// The list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListView {
    /// The newest first.
    pub rows: Vec<ListRow>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerLine {
    /// When.
    pub at: Moment,
    /// Whose and who there.
    pub who: Shown,
    /// What.
    pub words: Shown,
}

/// What a member reads of its own part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPart {
    /// Who confirmed to have read it, and when; none = nobody yet.
    pub read: Option<(Shown, Moment)>,
    /// Its incidents that it is about.
    pub incidents: Vec<String>,
    /// What it answered.
    pub answers: Vec<AnswerLine>,
}

/// A member that has not read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: Shown,
    /// How far it came there.
    pub steps: Option<Steps>,
    /// Whom to ring, with numbers.
    pub telephones: Vec<Shown>,
    /// Why it gets no mail, and that it was rung.
    pub notes: Vec<Shown>,
}

/// A member that has read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRow {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: Shown,
    /// Who there.
    pub who: Shown,
    /// When.
    pub at: Moment,
}

/// What the CSIRT sees of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderPart {
    /// How many of how many have read it.
    pub read_of: String,
    /// Whom to ring, from the top.
    pub calls: Vec<CallRow>,
    /// Who has read it.
    pub readers: Vec<ReadRow>,
    /// What members answered.
    pub answers: Vec<AnswerLine>,
    /// Mail that was not taken.
    pub mails: Vec<Shown>,
}

/// What was wrong in an answer, with the words that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing was chosen, or nothing was said.
    NoAnswer(String),
    /// More than fits.
    TooLong(String),
}

/// What may be answered: its word, what it says, the measure it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The word that is sent.
    pub word: &'static str,
    /// What it says.
    pub label: String,
}

/// The form of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerForm {
    /// What may be chosen.
    pub choices: Vec<Choice>,
    /// What was wrong.
    pub wrong: Option<String>,
    /// The words that came with it.
    pub words: Shown,
}

/// An advisory's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageView {
    /// Its address: the uuid.
    pub uuid: String,
    /// Its heading.
    pub title: Shown,
    /// In which language it is written.
    pub language: &'static str,
    /// Its marking.
    pub tlp: String,
    /// Where it stands.
    pub state: String,
    /// It was not sent.
    pub is_draft: bool,
    /// When it was sent.
    pub sent: Option<Moment>,
    /// Why it no longer holds.
    pub withdrawn: Option<Shown>,
    /// The address of the version that corrects it.
    pub corrected_by: Option<String>,
    /// The address of the version it corrects.
    pub corrects: Option<String>,
    /// Its campaign, for the CSIRT.
    pub campaign: Option<i64>,
    /// What it says.
    pub pieces: Vec<Piece>,
    /// What is to be done; by a member what is for them.
    pub measures: Vec<MeasureView>,
    /// For a member: what is done where it got further than there.
    pub further: Vec<MeasureView>,
    /// How many others got it, for a member.
    pub others: Option<String>,
    /// For a member.
    pub own: Option<OwnPart>,
    /// What a member may answer.
    pub form: Option<AnswerForm>,
    /// For the CSIRT.
    pub sender: Option<SenderPart>,
}

/// The text a reader gets, and in which language that is.
fn chosen<'a>(view: &'a AdvisoryView, texts: &Texts) -> Option<(&'a Text, Language)> {
    let there: Vec<Language> = view.texts.iter().filter_map(|text| Language::from_tag(&text.language)).collect();
    let language = best(texts.language(), &there)?;
    Some((view.texts.iter().find(|text| text.language == language.tag())?, language))
}

/// What a text says, piece by piece.
pub(super) fn pieces(body: &str) -> Vec<Piece> {
    let all = |items: Vec<String>| items.iter().map(|item| Shown::long(item)).collect();
    let piece = |block| match block {
        Block::Heading(text) => Piece::Heading(Shown::long(&text)),
        Block::Part(text) => Piece::Part(Shown::long(&text)),
        Block::Paragraph(text) => Piece::Paragraph(Shown::long(&text)),
        Block::Points(items) => Piece::Points(all(items)),
        Block::Steps(items) => Piece::Steps(all(items)),
    };
    read(body).into_iter().map(piece).collect()
}

fn sort_words(measure: &Measure, texts: &Texts) -> String {
    let sort = match measure.sort {
        Type::Organisational => texts.say("measure-organisational"),
        Type::Human => texts.say("measure-human"),
        Type::Physical => texts.say("measure-physical"),
        Type::Technological => texts.say("measure-technological"),
    };
    let purpose = match measure.purpose {
        Purpose::Prevent => texts.say("measure-prevent"),
        Purpose::Detect => texts.say("measure-detect"),
        Purpose::Handle => texts.say("measure-handle"),
    };
    texts.with("measure-sort", &[("sort", &sort), ("purpose", &purpose), ("nsm", &measure.nsm)])
}

fn measure(key: &str, content: &Content, known: Option<&Measure>, texts: &Texts) -> MeasureView {
    MeasureView {
        key: key.to_owned(),
        title: Shown::whole(&content.title),
        why: Shown::whole(&content.why),
        steps: content.steps.iter().map(|step| Shown::whole(step)).collect(),
        done: Shown::whole(&content.done),
        sort: known.map(|known| sort_words(known, texts)),
    }
}

/// The whole bank.
pub fn bank(bank: &Bank, texts: &Texts) -> Vec<MeasureView> {
    let view = |one: &Measure| measure(&one.key, one.contents.of(texts.language()), Some(one), texts);
    bank.all().iter().map(view).collect()
}

fn state_words(view: &AdvisoryView, texts: &Texts) -> String {
    match (view.state, view.corrected_by.is_some()) {
        (State::Draft, _) => texts.say("advisory-draft"),
        (State::Sent, false) => texts.say("advisory-sent"),
        (State::Sent, true) => texts.say("advisory-corrected"),
        (State::Withdrawn, _) => texts.say("advisory-withdrawn"),
    }
}

fn read_of(read: i64, of: i64, texts: &Texts) -> String {
    texts.numbers("advisory-read-of", &[("read", read), ("of", of)])
}

impl ListView {
    /// From what there is for the reader.
    pub fn of(views: &[AdvisoryView], reader: &Reader) -> ListView {
        let texts = reader.texts;
        let row = |view: &AdvisoryView| {
            let title =
                chosen(view, texts).map_or_else(|| texts.say("advisory-no-text"), |(text, _)| text.title.clone());
            let is_read = view.own.as_ref().is_none_or(|own| own.read_at.is_some());
            ListRow {
                uuid: view.uuid.clone(),
                title: Shown::of(&title),
                tlp: view.tlp.clone(),
                state: state_words(view, texts),
                sent: view.sent_at.map(|at| reader.calendar.moment(at)),
                read: match (&view.own, view.read.zip(view.recipients)) {
                    (Some(_), _) if is_read => texts.say("advisory-read"),
                    (Some(_), _) => texts.say("advisory-unread"),
                    (None, Some((read, of))) if view.state != State::Draft => read_of(read, of, texts),
                    (None, _) => "–".to_owned(),
                },
                calls: !is_read,
            }
        };
        ListView { rows: views.iter().map(row).collect() }
    }
}

fn answer(row: &AnswerRow, with_member: bool, reader: &Reader) -> AnswerLine {
    let said = answer_words(row.answer, row.measure.as_deref(), reader.texts);
    let words = format!("{said} {}", row.text.as_deref().unwrap_or_default());
    let who = if with_member { format!("{} ({}), {}", row.name, row.member, row.who) } else { row.who.clone() };
    AnswerLine { at: reader.calendar.moment(row.at), who: Shown::of(&who), words: Shown::whole(words.trim()) }
}

/// A member that is rung.
pub fn call(member: &Recipient, reader: &Reader) -> CallRow {
    let texts = reader.texts;
    let mut telephones = Vec::new();
    for (role, contact) in &member.contacts {
        let role = role_words(*role, texts);
        let numbers = [contact.telephone.as_ref(), contact.out_of_hours.as_ref()];
        let numbers: Vec<String> = numbers.into_iter().flatten().map(ToString::to_string).collect();
        if !numbers.is_empty() {
            telephones.push(Shown::of(&format!("{} ({role}): {}", contact.name, numbers.join(" / "))));
        }
    }
    if telephones.is_empty() {
        telephones.push(Shown::of(&texts.say("advisory-no-telephone")));
    }
    let mut notes = Vec::new();
    if let Some(distrusted) = &member.mail_distrusted {
        notes.push(Shown::whole(&texts.with("advisory-mail-distrusted", &[("why", &distrusted.why)])));
    } else if !member.has_address {
        notes.push(Shown::of(&texts.say("advisory-no-address")));
    }
    if let Some((who, at)) = member.called_by.as_ref().zip(member.called_at) {
        let at = reader.calendar.moment(at).shown;
        notes.push(Shown::of(&texts.with("advisory-called", &[("who", who), ("at", &at)])));
    }
    let steps = member.evidence.map(|evidence: Evidence| Steps::of(level_of(evidence), texts));
    CallRow { number: member.number.clone(), name: Shown::of(&member.name), steps, telephones, notes }
}

fn mail(row: &MailRow, reader: &Reader) -> Option<Shown> {
    if row.sent_at.is_some() {
        return None;
    }
    let why = row.failed_why.clone().unwrap_or_default();
    if let Some(at) = row.handing_at {
        let at = reader.calendar.moment(at).shown;
        return Some(Shown::whole(&reader.texts.with("advisory-mail-hung", &[("member", &row.member), ("at", &at)])));
    }
    let words = match row.next_at {
        Some(next) => {
            let next = reader.calendar.moment(next).shown;
            reader.texts.with("advisory-mail-waits", &[("member", &row.member), ("next", &next), ("why", &why)])
        }
        None => reader.texts.with("advisory-mail-given-up", &[("member", &row.member), ("why", &why)]),
    };
    Some(Shown::whole(words.trim()))
}

fn answer_form(has_measures: bool, wrong: Option<Wrong>, texts: &Texts) -> AnswerForm {
    let choice = |answer: Answer| {
        let label = match answer {
            Answer::Words => texts.say("answer-words"),
            Answer::MeasureDone if !has_measures => return None,
            other => answer_words(other, None, texts),
        };
        Some(Choice { word: answer.as_str(), label })
    };
    let (wrong, words) = match wrong {
        None => (None, String::new()),
        Some(Wrong::NoAnswer(words)) => (Some(texts.say("answer-wrong-none")), words),
        Some(Wrong::TooLong(words)) => (
            Some(texts.numbers("answer-wrong-long", &[("most", i64::try_from(ANSWER_MAX_OCTETS).unwrap_or(i64::MAX))])),
            words,
        ),
    };
    AnswerForm { choices: Answer::ALL.into_iter().filter_map(choice).collect(), wrong, words: Shown::long(&words) }
}

impl PageView {
    /// From facts. `heard` is the CSIRT's: recipients, answers, mails.
    pub fn of(
        view: &AdvisoryView,
        bank: &Bank,
        heard: Option<(&[Recipient], &[AnswerRow], &[MailRow])>,
        wrong: Option<Wrong>,
        reader: &Reader,
    ) -> PageView {
        let texts = reader.texts;
        let (text, language) = chosen(view, texts).unzip();
        let own = view.own.as_ref().map(|own| OwnPart {
            read: own.read_by.as_ref().zip(own.read_at).map(|(who, at)| (Shown::of(who), reader.calendar.moment(at))),
            incidents: own.incidents.clone(),
            answers: own.answers.iter().map(|row| answer(row, false, reader)).collect(),
        });
        let sender = heard.map(|(members, answers, mails)| {
            let count = |all: usize| i64::try_from(all).unwrap_or(i64::MAX);
            let read = members.iter().filter(|one| one.read_at.is_some()).count();
            let readers = members.iter().filter_map(|one| {
                let at = reader.calendar.moment(one.read_at?);
                let who = Shown::of(one.read_by.as_deref().unwrap_or_default());
                Some(ReadRow { number: one.number.clone(), name: Shown::of(&one.name), who, at })
            });
            let waits = members.iter().filter(|one| one.read_at.is_none() && one.sent_at.is_some());
            SenderPart {
                read_of: read_of(count(read), count(members.len()), texts),
                calls: waits.map(|one| call(one, reader)).collect(),
                readers: readers.collect(),
                answers: answers.iter().map(|row| answer(row, true, reader)).collect(),
                mails: mails.iter().filter_map(|row| mail(row, reader)).collect(),
            }
        });
        let worded = |theirs: bool| {
            let those = view.measures.iter().filter(move |advised| advised.is_theirs.unwrap_or(true) == theirs);
            let views = those.filter_map(|advised| {
                let content = advised.words.as_ref()?.of(texts.language());
                Some(measure(&advised.key, content, bank.get(&advised.key), texts))
            });
            views.collect()
        };
        let form = own
            .as_ref()
            .filter(|_| view.state == State::Sent)
            .map(|_| answer_form(!view.measures.is_empty(), wrong, texts));
        PageView {
            uuid: view.uuid.clone(),
            form,
            title: Shown::of(text.map_or(&texts.say("advisory-no-text"), |text| &text.title)),
            language: language.unwrap_or(texts.language()).tag(),
            tlp: view.tlp.clone(),
            state: state_words(view, texts),
            is_draft: view.state == State::Draft,
            sent: view.sent_at.map(|at| reader.calendar.moment(at)),
            withdrawn: view.withdrawn_why.as_deref().map(Shown::whole),
            corrected_by: view.corrected_by.clone(),
            corrects: view.corrects.clone(),
            campaign: view.campaign,
            pieces: text.map(|text| pieces(&text.body)).unwrap_or_default(),
            measures: worded(true),
            further: worded(false),
            others: view.others_at_least.map(|least| texts.numbers("advisory-others", &[("least", least)])),
            own,
            sender,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::advisory_written::advisory_page;
    use crate::present::page::{Extent, Head};
    use crate::present::shown::Calendar;
    use crate::store::advisory::Own;
    use varde_common::time::Timestamp;

    fn view(body: &str) -> AdvisoryView {
        AdvisoryView {
            id: None,
            uuid: "u".to_owned(),
            campaign: None,
            tlp: "TLP:AMBER".to_owned(),
            audience: None,
            state: State::Sent,
            version: 1,
            corrects: None,
            corrected_by: None,
            written_by: None,
            changed_at: None,
            sent_by: None,
            sent_at: Some(Timestamp(0)),
            withdrawn_at: None,
            withdrawn_why: None,
            texts: vec![Text { language: "nn".to_owned(), title: "<b>Falsk</b>".to_owned(), body: body.to_owned() }],
            measures: Vec::new(),
            recipients: None,
            read: None,
            others_at_least: None,
            own: Some(Own {
                sent_at: Timestamp(0),
                read_at: None,
                read_by: None,
                incidents: vec!["i1".to_owned()],
                answers: Vec::new(),
            }),
            seal: None,
        }
    }

    fn rendered(body: &str) -> String {
        let language = Language::Bokmaal;
        let reader = Reader { texts: Texts::of(language), calendar: Calendar::new(language), now: Timestamp(0) };
        let page = PageView::of(&view(body), Bank::shipped(), None, None, &reader);
        let head = Head {
            operator: Shown::of("x"),
            language,
            path: "/varsel/u".to_owned(),
            looks: crate::present::looks::Looks::default(),
            full: false,
            version: "0",
            signed: None,
        };
        advisory_page(&head, &page, Extent::Fragment).unwrap()
    }

    #[test]
    fn s6_a_hostile_text_is_shown_and_never_obeyed_and_nothing_of_it_is_a_link() {
        let page = rendered(
            "# <script>alert(1)</script>\n[her](javascript:alert(1)) <img src=x onerror=alert(1)>\n\n- https://vond.example/\u{202e}x\n",
        );
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"), "{page}");
        assert!(
            page.contains("javascript:alert(1)") && page.contains("https://vond.example/"),
            "the words stand there"
        );
        assert!(
            !page.contains("href=\"https") && !page.contains("href=\"javascript") && !page.contains('\u{202e}'),
            "{page}"
        );
        assert!(page.contains("lang=\"nn\""), "the only language there is: {page}");
    }

    #[test]
    fn a_long_text_is_shown_to_its_end() {
        let body = format!("{} slutten", "x".repeat(15_000));
        assert!(rendered(&body).contains("slutten"));
    }
}
