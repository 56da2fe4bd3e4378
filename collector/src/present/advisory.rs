//! Advisories and measures in words.

use varde_common::alert::Evidence;

use super::text::Texts;
use crate::advisory::{Answer, Audience};
use crate::api::shape;
use crate::measure::Bank;
use crate::store::advisory::heard::Recipient;
use crate::store::advisory::{AdvisoryView, AnswerRow};

/// What a member answered, as a sentence; nothing where it answered in its own words alone.
pub fn answer_words(answer: Answer, measure: Option<&str>, texts: &Texts) -> String {
    match answer {
        Answer::NotAffected => texts.say("answer-not-affected"),
        Answer::Affected => texts.say("answer-affected"),
        Answer::NeedHelp => texts.say("answer-need-help"),
        Answer::MeasureDone => match measure.and_then(|key| Bank::shipped().get(key)) {
            Some(known) => {
                let title = &known.contents.of(texts.language()).title;
                texts.with("answer-measure-done-named", &[("title", title)])
            }
            None => texts.say("answer-measure-done"),
        },
        Answer::Words => String::new(),
    }
}

/// An advisory, as the API answers with it.
pub fn answer(view: AdvisoryView) -> shape::Advisory {
    let (read_at, read_by, incidents) =
        view.own.map_or((None, None, Vec::new()), |own| (own.read_at, own.read_by, own.incidents));
    shape::Advisory {
        id: view.id,
        uuid: view.uuid,
        campaign: view.campaign,
        tlp: view.tlp,
        audience: view.audience.map(Audience::as_str),
        state: view.state.as_str(),
        version: view.version,
        corrects: view.corrects,
        corrected_by: view.corrected_by,
        sent_by: view.sent_by,
        sent_at: view.sent_at,
        withdrawn_at: view.withdrawn_at,
        withdrawn_why: view.withdrawn_why,
        texts: view
            .texts
            .into_iter()
            .map(|text| shape::AdvisoryText { language: text.language, title: text.title, body: text.body })
            .collect(),
        recipients: view.recipients,
        read: view.read,
        others_at_least: view.others_at_least,
        read_at,
        read_by,
        incidents,
    }
}

/// The same with all that belongs to it.
pub fn detail(view: AdvisoryView, answers: Vec<AnswerRow>, readers: Vec<Recipient>) -> shape::AdvisoryDetail {
    let measure = |advised: &crate::store::advisory::Advised| shape::AdvisoryMeasure {
        key: advised.key.clone(),
        words: advised.words.as_ref().and_then(|words| serde_json::to_value(words).ok()),
    };
    shape::AdvisoryDetail {
        measures: view.measures.iter().map(measure).collect(),
        answers: answers
            .into_iter()
            .map(|row| shape::AdvisoryAnswer {
                member: row.member,
                at: row.at,
                who: row.who,
                answer: row.answer.as_str(),
                measure: row.measure,
                text: row.text,
            })
            .collect(),
        readers: readers
            .into_iter()
            .map(|one| shape::AdvisoryReader {
                member: one.number,
                evidence: one.evidence.map(Evidence::as_str),
                read_at: one.read_at,
                read_by: one.read_by,
                called_at: one.called_at,
                mail_distrusted: one.mail_distrusted.is_some(),
            })
            .collect(),
        advisory: answer(view),
    }
}
