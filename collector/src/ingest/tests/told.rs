//! What pages, lists and API say of campaigns is what was concluded: words as weighed, denominators without hearsay, what is closed as
//! closed.

use super::*;
use crate::ingest::report::{Report, handle_report};
use crate::present::answer;
use crate::present::api::PictureJson;
use crate::present::asset;
use crate::present::detail::{CampaignView, IncidentView};
use crate::present::map::Tiles;
use crate::present::shown::Calendar;
use crate::present::silence::SilenceView;
use crate::present::text::{Language, Texts};
use crate::present::view::{FrontView, Reader};
use crate::priority::Word;
use crate::store::picture::Subject;
use crate::store::silence::WhichSilences;
use crate::store::workflow::{Saying, Taking};
use crate::strand::Span;
use crate::workflow::timeline::Said;
use crate::workflow::{Closing, Matter, Step};

fn reader(language: Language) -> Reader {
    Reader { texts: Texts::of(language), calendar: Calendar::new(language), now: NOW }
}

async fn page(fixture: &Fixture, scope: Scope, language: Language) -> CampaignView {
    let (picture, detail) = fixture.store.picture_of(scope, Subject::Campaign(1)).await.unwrap().unwrap();
    CampaignView::of(&picture.campaigns[0], &picture, &detail, &reader(language))
}

async fn incident_page(fixture: &Fixture, id: i64, language: Language) -> IncidentView {
    let (_, detail) = fixture.store.picture_of(Scope::Operator, Subject::Incident(id)).await.unwrap().unwrap();
    IncidentView::of(&detail.incidents[0], &detail, &reader(language))
}

async fn front(fixture: &Fixture, scope: Scope) -> FrontView {
    let picture = fixture.store.picture(scope).await.unwrap();
    FrontView::of(&picture, &Tiles::read(asset::TILE_GRID), &reader(Language::Bokmaal))
}

async fn close(fixture: &Fixture, case: Matter, closing: Closing) {
    let step = Step::Close(closing, None);
    let taking = Taking { step, reason: Some("sett på"), who: "kari", at: NOW, with_incidents: false };
    fixture.store.take_step(case, taking, NOW).await.unwrap().unwrap();
}

async fn report(fixture: &Fixture, member: i64, threat: &'static str) {
    let seen = Span::new(day(48), day(48));
    let title = "Løsepenger på en PC";
    let evidence = Evidence::LookedUp;
    let report = Report {
        member,
        title,
        seen,
        indicators: &[],
        threat: Some(threat),
        exercise: false,
        evidence: Some(evidence),
        who: "kari",
    };
    handle_report(&fixture.store, &report, NOW).await.unwrap();
}

#[tokio::test]
async fn c_a_members_row_has_the_worst_word_of_its_incidents_and_not_the_lists_severity() {
    let fixture = fixture(5).await;
    fixture.run("UPDATE indicator SET confidence = 20, severity = 4 WHERE id = 1").await;
    for sensor in 1..=5 {
        let critical = AlertOpened { severity: Severity::Critical, ..opened(1, 10, 48) };
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(critical)])).await;
    }
    let view = page(&fixture, Scope::Operator, Language::Bokmaal).await;
    assert_eq!(view.card.grade.word, "Lav");
    let rows: Vec<&str> = view.card.hits.iter().map(|hit| hit.grade.word.as_str()).collect();
    assert_eq!(rows, ["Lav"; 5], "what low confidence says is never more");
    assert!(view.incidents.iter().all(|incident| incident.hit.grade.word == "Lav"));
    assert_eq!(
        view.members[0].alerts[0].grade.word, "Kritisk",
        "an alert has the list's word, in a column that says so"
    );
    let own = page(&fixture, Scope::Member(3), Language::Bokmaal).await;
    assert_eq!((own.card.grade.word.as_str(), own.card.hits[0].grade.word.as_str()), ("Lav", "Lav"));
    for scope in [Scope::Operator, Scope::Member(3)] {
        let listed = campaigns(&fixture, scope).await.remove(0);
        assert!(listed.members.iter().all(|part| part.word == Some(Word::Low)), "{:?}", listed.members);
        let told = serde_json::to_value(answer::campaign(listed, scope)).unwrap();
        assert_eq!(told["members"][0]["severity"], "low");
        let picture = fixture.store.picture(scope).await.unwrap();
        let told = serde_json::to_value(PictureJson::of(&picture, NOW)).unwrap();
        assert_eq!(told["campaigns"][0]["members"][0]["word"], "low");
    }
}

#[tokio::test]
async fn d29_what_people_alone_report_is_a_hit_and_of_no_denominator() {
    let fixture = fixture(12).await;
    for member in 1..=11 {
        report(&fixture, member, "Telefon").await;
    }
    let listed = campaigns(&fixture, Scope::Operator).await.remove(0);
    assert_eq!((listed.member_count, listed.reported, listed.able_to_see), (Some(11), Some(11), Some(0)));
    assert_eq!((listed.scale, listed.independent), (None, Some(11)), "as wide as sensors show, and they show nothing");
    let said = [
        (Language::Bokmaal, "11 medlemmer, hvorav 11 meldt av folk; ingen sensor kunne se det."),
        (Language::Nynorsk, "11 medlemmer, av dei 11 melde av folk; ingen sensor kunne sjå det."),
        (Language::English, "11 members, 11 of them reported by people; no sensor could see it."),
    ];
    for (language, said) in said {
        let view = page(&fixture, Scope::Operator, language).await;
        assert_eq!((view.card.reach.as_str(), view.scale), (said, None));
    }
    let picture = fixture.store.picture(Scope::Operator).await.unwrap();
    let coverage = Coverage::of_campaign(&picture, &picture.campaigns[0]);
    assert_eq!((coverage.able.len(), coverage.total()), (0, 12), "no list has anything to see it by");
    let told = serde_json::to_value(PictureJson::of(&picture, NOW)).unwrap();
    assert_eq!(
        (&told["campaigns"][0]["members_able"], &told["campaigns"][0]["members_reported"]),
        (&json!(0), &json!(11))
    );
    let told = serde_json::to_value(answer::campaign(listed, Scope::Operator)).unwrap();
    assert_eq!((&told["reported"], &told["blind"], &told["scale"]), (&json!(11), &json!(12), &json!(null)));
}

#[tokio::test]
async fn d29_a_report_beside_what_sensors_saw_widens_nothing() {
    let fixture = fixture(30).await;
    for member in 1..=10 {
        report(&fixture, member, "lure").await;
    }
    let view = page(&fixture, Scope::Operator, Language::Bokmaal).await;
    let unseen =
        "10 medlemmer, hvorav 10 meldt av folk. Sensorer hos 20 av 30 kunne se det, og ingen av dem har sett det.";
    assert_eq!(view.card.reach, unseen, "the list has it, and no sensor has met it");
    for sensor in [11, 12] {
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(3, 10, 48))])).await;
    }
    let listed = campaigns(&fixture, Scope::Operator).await.remove(0);
    assert_eq!((listed.member_count, listed.reported, listed.able_to_see), (Some(12), Some(10), Some(20)));
    assert_eq!(listed.scale.map(|scale| scale.as_str()), Some("several"), "two of twenty, and no sector");
    let view = page(&fixture, Scope::Operator, Language::Bokmaal).await;
    let said =
        "12 medlemmer, hvorav 10 meldt av folk. 2 av 20 som kunne se det, har treff; 10 av 30 kunne ikke se det.";
    assert_eq!((view.card.reach.as_str(), view.scale.as_deref()), (said, Some("Flere medlemmer er rammet.")));
    let picture = fixture.store.picture(Scope::Operator).await.unwrap();
    assert_eq!(Coverage::of_campaign(&picture, &picture.campaigns[0]).able.len(), 20, "page and list count alike");
    // What a sensor has come to see too is no hearsay, on the member's own row either.
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(3, 10, 48))])).await;
    let listed = campaigns(&fixture, Scope::Operator).await.remove(0);
    let of_people = listed.members.iter().filter(|part| part.human).count();
    assert_eq!((listed.reported, of_people, listed.able_to_see), (Some(9), 9, Some(21)));
    // A sensor that came to be afterwards saw nothing of what was told of before it.
    fixture.run("UPDATE sensor SET enrolled_at = 1795219200000000 WHERE id > 12").await;
    let fixture = super::fixture(12).await;
    for member in 1..=3 {
        report(&fixture, member, "lure").await;
    }
    fixture.run("UPDATE sensor SET enrolled_at = 1795219200000000").await;
    let listed = campaigns(&fixture, Scope::Operator).await.remove(0);
    assert_eq!((listed.reported, listed.able_to_see, listed.scale), (Some(3), Some(0), None));
}

#[tokio::test]
async fn c_a_title_that_a_person_gave_is_told_as_no_threat() {
    let fixture = fixture(2).await;
    report(&fixture, 1, "lure").await;
    let said = [
        (Language::Bokmaal, "Meldt av en person, om trusselen lure.", "Alarmene er på samme trussel: lure."),
        (Language::Nynorsk, "Meld av ein person, om trusselen lure.", "Alarmane er på same trussel: lure."),
        (Language::English, "Reported by a person, about the threat lure.", "The alerts are on the same threat: lure."),
    ];
    for (language, reported, _) in said {
        let view = incident_page(&fixture, 1, language).await;
        assert_eq!((view.title.as_str(), view.link.as_str()), ("Løsepenger på en PC", reported));
        assert_eq!(view.campaign, None);
    }
    send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    for (language, reported, seen) in said {
        assert_eq!(incident_page(&fixture, 1, language).await.link, reported, "in a campaign too");
        assert_eq!(incident_page(&fixture, 2, language).await.link, seen);
    }
    let together = page(&fixture, Scope::Operator, Language::Bokmaal).await.card.link;
    assert!(together.ends_with("på samme trussel: lure."), "{together}");
    // What is marked for few is told by no sentence either.
    fixture.run("UPDATE indicator SET tlp = 'TLP:RED'").await;
    let handed = fixture.store.picture_of(Scope::Member(1), Subject::Incident(1)).await.unwrap().unwrap().1;
    assert_eq!(
        (handed.incidents[0].title.as_deref(), &handed.incidents[0].about),
        (Some("Løsepenger på en PC"), &None)
    );
}

#[tokio::test]
async fn w4_what_is_closed_is_counted_beside_and_shines_no_more() {
    let fixture = fixture(5).await;
    for sensor in 1..=4 {
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    }
    let figures = |view: &FrontView| {
        let figure = |at: usize| (view.figures[at].value.clone(), view.figures[at].of.clone(), view.figures[at].calls);
        let lit = view.map.table.iter().filter(|row| row.sign != "·").count();
        (figure(0), figure(1).0, lit)
    };
    let words = |value: &str, of: &str, calls| (value.to_owned(), of.to_owned(), calls);
    assert_eq!(figures(&front(&fixture, Scope::Operator).await), (words("1", "av 4 saker", true), "4".to_owned(), 4));
    close(&fixture, Matter::Campaign(1), Closing::FalsePositive).await;
    let closed = (words("0", "av 4 saker; 1 lukket kampanje", false), "0".to_owned(), 4);
    assert_eq!(figures(&front(&fixture, Scope::Operator).await), closed, "each member has an incident of its own yet");
    let view = page(&fixture, Scope::Operator, Language::Bokmaal).await;
    assert_eq!((view.card.kind.as_str(), view.card.possible.is_some()), ("Mulig kampanje", true));
    // A member is told nothing of the work on a campaign, and goes by its own.
    let own = figures(&front(&fixture, Scope::Member(1)).await);
    assert_eq!(own, (words("1", "av 1 sak", true), "1".to_owned(), 1));
    for incident in 1..=4 {
        close(&fixture, Matter::Incident(incident), Closing::FalsePositive).await;
    }
    let all = (words("0", "ingen åpne saker; 1 lukket kampanje", false), "0".to_owned(), 0);
    assert_eq!(figures(&front(&fixture, Scope::Operator).await), all);
    assert_eq!(figures(&front(&fixture, Scope::Member(1)).await), all);
    assert_eq!(front(&fixture, Scope::Operator).await.campaigns.len(), 1, "it stands in the list");
}

#[tokio::test]
async fn w4_a_campaign_that_a_person_confirmed_is_possible_no_more() {
    let fixture = fixture(4).await;
    for sensor in 1..=4 {
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    }
    close(&fixture, Matter::Campaign(1), Closing::Confirmed).await;
    let said = [(Language::Bokmaal, "Kampanje"), (Language::Nynorsk, "Kampanje"), (Language::English, "Campaign")];
    for (language, kind) in said {
        let view = page(&fixture, Scope::Operator, language).await;
        assert_eq!((view.card.kind.as_str(), view.card.possible), (kind, None));
    }
    assert_eq!(front(&fixture, Scope::Operator).await.campaigns[0].kind, "Kampanje");
    let own = page(&fixture, Scope::Member(1), Language::Bokmaal).await;
    assert_eq!(own.card.kind, "Mulig kampanje", "the work on it is of all members, and none is told of it");
}

#[tokio::test]
async fn h1_who_has_an_operational_incident_and_what_was_written_of_it_stands_on_the_pages_of_the_csirt_alone() {
    let fixture = fixture(2).await;
    fixture
        .run("INSERT INTO silence (id, sensor_id, kind, began_at, found_at, last_at, times, facts) VALUES (7, 1, 'deaf', 1, 1, 1, 1, '{\"kind\":\"deaf\",\"packets\":3}')")
        .await;
    let case = Matter::Silence(7);
    let saying = Saying { who: Some("kari"), at: NOW, for_members: false };
    fixture.store.say(case, Said::Assigned { owner: Some("Ola".to_owned()) }, saying, NOW).await.unwrap().unwrap();
    let text = "ringte; svitsjen er byttet".to_owned();
    fixture.store.say(case, Said::Noted { text }, saying, NOW).await.unwrap().unwrap();
    let number = "1001".parse().unwrap();
    for scope in [Scope::Operator, Scope::Member(1)] {
        let known = fixture.store.known_of(scope, &number).await.unwrap().unwrap();
        let which = WhichSilences { sensor: Some(1), ..WhichSilences::default() };
        for rows in [known.silences, fixture.store.silences(scope, which, 9).await.unwrap()] {
            let line = SilenceView::of(&rows, scope, &reader(Language::Bokmaal)).lines.remove(0);
            let notes: Vec<_> = line.notes.iter().map(|note| (note.who.as_str(), note.text.as_str())).collect();
            let told = serde_json::to_value(answer::silence(rows[0].clone(), scope)).unwrap();
            match scope {
                Scope::Operator => {
                    assert_eq!((line.number, &told["id"]), (Some(7), &json!(7)), "what silence show is asked for with");
                    assert_eq!(line.owner.as_deref(), Some("Ansvarlig: Ola"));
                    assert_eq!(notes, [("kari", "ringte; svitsjen er byttet")]);
                    assert_eq!((&told["owner"], &told["notes"][0]["who"]), (&json!("Ola"), &json!("kari")));
                }
                Scope::Member(_) => {
                    assert_eq!((line.number, &told["id"]), (None, &json!(null)));
                    assert_eq!((line.owner, notes.len()), (None, 0));
                    assert_eq!((&told["owner"], &told["notes"]), (&json!(null), &json!([])));
                }
            }
        }
    }
}
