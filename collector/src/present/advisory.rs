//! Advisories and measures in words.

use super::text::Texts;
use crate::advisory::Answer;
use crate::measure::Bank;

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
