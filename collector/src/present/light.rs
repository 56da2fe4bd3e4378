//! Whether a member is hit, as one word for those who ask nothing else. It goes by what is open and real, never by a colour alone.

use varde_common::time::Timestamp;

use super::fleet::lives;
use super::sensor::State as SensorState;
use super::text::Texts;
use crate::store::picture::{IncidentFacts, Picture};
use crate::workflow::State;

/// From this evidence on somebody was reached: *contacted*.
const CONTACTED: i64 = 4;

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// Nothing is open, and every sensor sees.
    Calm,
    /// Nothing is open, and a sensor that was let in does not see, or there is none.
    Blind,
    /// Something was seen, and none of it was in contact.
    Seen,
    /// Something was in contact, and is stopped.
    Contained,
    /// Something was in contact, or a person says that it is what it seems.
    Hit,
}

/// Whether it is there to be worked on: no exercise, and not closed.
pub fn is_open(facts: &IncidentFacts) -> bool {
    !facts.exercise && facts.work.standing.state() != State::Closed
}

fn of_one(facts: &IncidentFacts) -> Light {
    match facts.work.standing.state() {
        State::Contained => Light::Contained,
        State::Confirmed => Light::Hit,
        State::New | State::Triaged | State::Closed if facts.hit.evidence >= CONTACTED => Light::Hit,
        State::New | State::Triaged | State::Closed => Light::Seen,
    }
}

impl Light {
    /// Of the member whose picture it is.
    pub fn of(picture: &Picture, now: Timestamp) -> Light {
        let open = picture.incidents.iter().filter(|facts| is_open(facts));
        if let Some(worst) = open.map(of_one).max() {
            return worst;
        }
        let mut kept = picture.sensors.iter().filter(|sensor| lives(sensor)).peekable();
        let sees = kept.peek().is_some() && kept.all(|sensor| SensorState::of(sensor, now).is_well());
        if sees { Light::Calm } else { Light::Blind }
    }

    /// Its class and a sign beside the word, so that colour is never alone.
    pub fn looks(self) -> (&'static str, &'static str) {
        match self {
            Light::Calm => ("light-calm", "✓"),
            Light::Blind => ("light-blind", "?"),
            Light::Seen => ("light-seen", "!"),
            Light::Contained => ("light-seen", "■"),
            Light::Hit => ("light-hit", "▲"),
        }
    }

    /// The answer in a word or two.
    pub fn answer(self, texts: &Texts) -> String {
        match self {
            Light::Calm => texts.say("light-calm"),
            Light::Blind => texts.say("light-blind"),
            Light::Seen => texts.say("light-seen"),
            Light::Contained => texts.say("light-contained"),
            Light::Hit => texts.say("light-hit"),
        }
    }

    /// What that means.
    pub fn meaning(self, texts: &Texts) -> String {
        match self {
            Light::Calm => texts.say("light-calm-means"),
            Light::Blind => texts.say("light-blind-means"),
            Light::Seen => texts.say("light-seen-means"),
            Light::Contained => texts.say("light-contained-means"),
            Light::Hit => texts.say("light-hit-means"),
        }
    }
}

/// A light as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightView {
    /// Class for its looks.
    pub class: &'static str,
    /// The sign.
    pub sign: &'static str,
    /// The answer.
    pub answer: String,
    /// What that means.
    pub meaning: String,
}

impl LightView {
    /// In words.
    pub fn of(picture: &Picture, now: Timestamp, texts: &Texts) -> LightView {
        let light = Light::of(picture, now);
        let (class, sign) = light.looks();
        LightView { class, sign, answer: light.answer(texts), meaning: light.meaning(texts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests::{batch, fixture, opened, send};
    use crate::store::Scope;
    use crate::store::fixture::NOW;
    use varde_common::alert::Evidence;
    use varde_common::record::RecordBody;

    #[tokio::test]
    async fn the_light_goes_by_what_is_open_and_real_and_by_whether_anybody_looks() {
        let fixture = fixture(1).await;
        let light = async || {
            let picture = fixture.store.picture(Scope::Member(1)).await.unwrap();
            Light::of(&picture, NOW)
        };
        fixture.run("UPDATE sensor SET connected = 1, enrolled_at = 1, last_seen_at = 9000000000000000").await;
        assert_eq!(light().await, Light::Calm);
        fixture.run("UPDATE sensor SET connected = 0").await;
        assert_eq!(light().await, Light::Blind, "nothing found is nothing where nobody looks");
        fixture.run("UPDATE sensor SET revoked_at = 1").await;
        assert_eq!(light().await, Light::Blind, "no sensor at all");
        fixture.run("UPDATE sensor SET revoked_at = NULL, connected = 1").await;
        fixture.run("INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256) VALUES (99, 1, 1, 9000000000000000, zeroblob(32))").await;
        assert_eq!(light().await, Light::Calm, "a token that nobody has used hides nothing");
        fixture.run("UPDATE sensor SET token_expires_at = 1 WHERE enrolled_at IS NULL").await;
        assert_eq!(light().await, Light::Calm, "nor one that ran out");
        fixture.run("UPDATE sensor SET connected = 0").await;
        send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
        fixture.run("UPDATE alert SET evidence = 2").await;
        assert_eq!(light().await, Light::Seen);
        fixture.run("UPDATE incident SET state = 'confirmed'").await;
        assert_eq!(light().await, Light::Hit, "a person says so");
        fixture.run("UPDATE incident SET state = 'contained'").await;
        assert_eq!(light().await, Light::Contained);
        fixture.run("UPDATE incident SET state = 'closed', closed_as = 'confirmed'").await;
        assert_eq!(light().await, Light::Blind, "what is closed counts no more");
        let mut far = opened(2, 11, 48);
        far.evidence = Evidence::Contacted;
        send(&fixture, 1, &batch(2, vec![RecordBody::Opened(far)])).await;
        fixture.run("UPDATE incident SET state = 'new', closed_as = NULL, exercise = 1").await;
        assert_eq!(light().await, Light::Blind, "an exercise frightens nobody");
        fixture.run("UPDATE incident SET exercise = 0").await;
        assert_eq!(light().await, Light::Hit);
    }
}
