//! Who gets an advisory, who is told of whom, what is kept of what they say, and who is written to.

use super::draft::{Edit, New, NotDone};
use super::send::Sending;
use super::*;
use crate::advisory::Wording;
use crate::advisory::letter::Occasion;
use crate::limits::advisory::{MAIL_AT_ONCE, MAIL_TRIES};
use crate::present::text::Language;
use crate::profile::{Contact, Profile, Role};
use crate::store::fixture::{Fixture, NOW};
use crate::store::mail::Tried;
use crate::store::profile as stored;
use crate::workflow::Matter;
use crate::workflow::timeline::{MeasureStatus, Said};
use std::time::Duration;
use varde_common::tlp::Tlp;

/// A campaign of members 1 and 2 by "=www.lure.no": contact in a zone of high consequence at the first, a look-up in one of low at the other.
pub(crate) const CAMPAIGN: &str = "
    INSERT INTO cluster (id) VALUES (1);
    INSERT INTO campaign (id, uuid, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at, cluster_id)
        VALUES (1, 'c1', 'threat', 'lure', 'lure', 1, 1, 2, 2, 1);
    INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, campaign_id, opened_at, first_seen, last_seen, updated_at, cluster_id, reached)
        VALUES (1, 'i1', 1, 'threat', 'lure', 'lure', 1, 1, 1, 2, 2, 1, 4), (2, 'i2', 2, 'threat', 'lure', 'lure', 1, 1, 1, 2, 2, 1, 1);
    INSERT INTO strand (id, member_id, incident_id, link_kind, link_value, exercise, first_seen, last_seen, evidence, confidence, level,
        severity, by_name, by_name_at_high, persistent, in_history)
        VALUES (1, 1, 1, 'threat', 'lure', 0, 1, 2, 4, 80, 2, 2, 0, 0, 0, 0), (2, 2, 2, 'threat', 'lure', 0, 1, 2, 1, 80, 0, 2, 0, 0, 0, 0);
    INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, zone_levels, direction, evidence,
        by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise, retro, first_seen, last_seen, count,
        arrived_at, updated_at, incident_id, strand_id)
        VALUES (1, 'a1', 1, 'e', 1, 1, 0, 2, 1, 'H-1', 0, '222', 'outbound', 4, 0, 0, 0, 0, 6, 2, 0, 0, 1, 2, 1, 1, 2, 1, 1),
               (2, 'a2', 2, 'e', 1, 2, 0, 2, 1, 'H-2', 0, '000', 'outbound', 1, 0, 0, 0, 0, 6, 2, 0, 0, 1, 2, 1, 1, 2, 2, 2)";

pub(crate) const SENDING: Sending<'static> = Sending { who: "kari", with_mail: true, now: NOW };

fn wording(title: &str) -> Wording {
    Wording { title: title.parse().unwrap(), body: "Gjør dette:\n\n- ring".parse().unwrap() }
}

async fn contact(store: &Store, member: i64, role: Role, email: Option<&str>) {
    let mut tx = store.begin().await.unwrap();
    let mut profile: Profile = stored::read(&mut tx, member).await.unwrap();
    let telephone = Some("22000000".parse().unwrap());
    let contact = Contact { name: "Per".to_owned(), telephone, email: email.map(str::to_owned), ..Contact::default() };
    profile.contacts.insert(role, contact);
    stored::write(&mut tx, member, &profile).await.unwrap();
    tx.commit().await.unwrap();
}

/// A community of six, members 1 and 2 in a campaign, and a draft about it with two measures.
async fn community() -> (Fixture, i64) {
    let fixture = Fixture::new(6).await;
    fixture.run(CAMPAIGN).await;
    for member in 1..=6 {
        contact(&fixture.store, member, Role::It, Some(&format!("it@m{member}.no"))).await;
    }
    let wordings = [(Language::Bokmaal, wording("Falsk side")), (Language::Nynorsk, wording("Falsk side på nynorsk"))];
    let measures = ["isolate-machine".to_owned(), "warn-staff".to_owned()];
    let new = New {
        campaign: Some(1),
        audience: Audience::Campaign,
        chosen: &[],
        tlp: Tlp::Amber,
        wordings: &wordings,
        measures: &measures,
        is_named: true,
        who: "kari",
    };
    let id = fixture.store.new_advisory(&new, NOW).await.unwrap().unwrap();
    (fixture, id)
}

#[tokio::test]
async fn it_goes_to_the_members_of_its_campaign_and_nobody_else_sees_it() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    assert_eq!(store.advisory(Scope::Member(1), id).await.unwrap(), None, "a draft is nobody's");
    assert_eq!(store.advisory_audience(Scope::Operator, id).await.unwrap().unwrap(), [1, 2]);
    let sent = store.send_advisory(id, SENDING).await.unwrap().unwrap();
    assert_eq!((sent.members, sent.mails), (2, 2));
    let view = store.advisory(Scope::Operator, id).await.unwrap().unwrap();
    assert_eq!((view.recipients, view.read, view.campaign), (Some(2), Some(0), Some(1)));
    for outside in [3, 4] {
        let scope = Scope::Member(outside);
        assert_eq!(store.advisory(scope, id).await.unwrap(), None);
        assert_eq!(store.advisory_named(scope, &view.uuid).await.unwrap(), None);
        assert!(store.advisories(scope, None).await.unwrap().is_empty());
        assert_eq!(store.confirm_read(outside, id, "x", NOW).await.unwrap(), Err(NotDone::None(id)));
        let answer = (Answer::Affected, None, None);
        assert_eq!(store.answer_advisory(outside, id, answer, ("x", NOW)).await.unwrap(), Err(NotDone::None(id)));
    }
    let own = store.advisory(Scope::Member(1), id).await.unwrap().unwrap();
    assert_eq!((own.id, own.recipients, own.read, own.campaign), (None, None, None, None));
    assert_eq!(
        (own.sent_by, own.written_by, own.others_at_least),
        (None, None, None),
        "one other is told of to nobody"
    );
    assert_eq!(own.own.unwrap().incidents, ["i1"]);
    assert_eq!(
        store.advisory_named(Scope::Member(1), &id.to_string()).await.unwrap(),
        None,
        "a number is no name for it"
    );
    // A member of the campaign that comes later is proposed, and gets it once.
    fixture.run("UPDATE incident SET member_id = 2 WHERE id = 2; INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, campaign_id, opened_at, first_seen, last_seen, updated_at, cluster_id)
        VALUES (3, 'i3', 5, 'threat', 'lure', 'lure', 1, 1, 1, 2, 2, 1)").await;
    assert_eq!(store.advisory_proposed(Scope::Operator, id).await.unwrap(), [5]);
    assert!(store.advisory_proposed(Scope::Member(5), id).await.unwrap().is_empty());
    assert_eq!(store.send_advisory_to(id, &[5, 1], SENDING).await.unwrap().unwrap().members, 1);
    assert_eq!(store.advisory_proposed(Scope::Operator, id).await.unwrap(), Vec::<i64>::new());
    assert_eq!(store.send_advisory_to(id, &[3, 4], SENDING).await.unwrap().unwrap().members, 2);
    let own = store.advisory(Scope::Member(1), id).await.unwrap().unwrap();
    assert_eq!(own.others_at_least, Some(3), "four others, told of from three up");
}

#[tokio::test]
async fn what_was_sent_is_never_changed_and_a_correction_is_a_version_of_its_own() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    let titled = |title| Edit { wording: Some((Language::Bokmaal, wording(title))), ..Edit::default() };
    store.edit_advisory(id, &titled("Rettet før sending"), NOW).await.unwrap().unwrap();
    store.send_advisory(id, SENDING).await.unwrap().unwrap();
    let sent = store.advisory(Scope::Operator, id).await.unwrap().unwrap();
    let unread = async || {
        let views = store.advisories_unread(Scope::Member(1)).await.unwrap();
        views.into_iter().map(|view| view.uuid).collect::<Vec<_>>()
    };
    assert_eq!(unread().await, std::slice::from_ref(&sent.uuid));
    assert_eq!(store.edit_advisory(id, &titled("x"), NOW).await.unwrap(), Err(NotDone::Sent(id)));
    assert_eq!(store.send_advisory(id, SENDING).await.unwrap(), Err(NotDone::Sent(id)));
    // The bank is worded otherwise: what was sent says what it said.
    let mut words = crate::measure::Bank::shipped().get("isolate-machine").unwrap().contents.nb.clone();
    words.title = "Noe annet".to_owned();
    store.word_measure("isolate-machine", Language::Bokmaal, Some(&words), NOW).await.unwrap();
    assert_eq!(store.advisory(Scope::Operator, id).await.unwrap().unwrap(), sent);
    let next = store.correct_advisory(id, "ola", NOW).await.unwrap().unwrap();
    assert_eq!(store.correct_advisory(id, "ola", NOW).await.unwrap(), Err(NotDone::Corrected(id, next)));
    let draft = store.advisory(Scope::Operator, next).await.unwrap().unwrap();
    assert_eq!((draft.version, draft.recipients, draft.corrects), (2, Some(2), Some(sent.uuid.clone())));
    assert_eq!(draft.measures[0].words.as_ref().unwrap().nb.title, "Noe annet");
    assert_eq!(
        store.advisory(Scope::Member(1), id).await.unwrap().unwrap().corrected_by,
        None,
        "a draft is told of to nobody"
    );
    store.edit_advisory(next, &titled("Rettet"), NOW).await.unwrap().unwrap();
    store.send_advisory(next, SENDING).await.unwrap().unwrap();
    let old = store.advisory(Scope::Member(1), id).await.unwrap().unwrap();
    assert_eq!((old.corrected_by.as_ref(), &old.texts), (Some(&draft.uuid), &sent.texts));
    assert_eq!(unread().await, [draft.uuid], "whoever has the version that corrects one reads that");
    let occasions = store.mail_due(Scope::Operator, NOW, MAIL_AT_ONCE).await.unwrap();
    assert_eq!(
        occasions.iter().map(|due| due.occasion).collect::<Vec<_>>(),
        [Occasion::Corrected; 2],
        "of the old none waits"
    );
    assert_eq!(store.withdraw_advisory(next, "feil", SENDING).await.unwrap(), Ok(2));
    assert!(unread().await.is_empty(), "what no longer holds is not to be read");
    let gone = store.advisory(Scope::Member(2), next).await.unwrap().unwrap();
    assert_eq!((gone.state, gone.withdrawn_why.as_deref()), (State::Withdrawn, Some("feil")));
    assert_eq!(store.correct_advisory(next, "ola", NOW).await.unwrap(), Err(NotDone::Withdrawn(next)));
}

#[tokio::test]
async fn what_members_say_is_kept_and_stands_in_the_timelines_and_measures_are_the_incidents_own() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    store.send_advisory(id, SENDING).await.unwrap().unwrap();
    let later = NOW.plus(Duration::from_secs(60));
    assert_eq!(store.confirm_read(1, id, "per", NOW).await.unwrap(), Ok(true));
    assert_eq!(store.confirm_read(1, id, "pål", later).await.unwrap(), Ok(false));
    let own = store.advisory(Scope::Member(1), id).await.unwrap().unwrap().own.unwrap();
    assert_eq!((own.read_at, own.read_by.as_deref()), (Some(NOW), Some("per")), "the first stands");
    let done = (Answer::MeasureDone, Some("isolate-machine"), Some("Koblet fra 14:10"));
    store.answer_advisory(2, id, done, ("espen", later)).await.unwrap().unwrap();
    let unknown = (Answer::MeasureDone, Some("<b>"), None);
    assert!(matches!(
        store.answer_advisory(2, id, unknown, ("espen", later)).await.unwrap(),
        Err(NotDone::NoMeasure(_))
    ));
    // The campaign's line is the CSIRT's; a member reads of its own alone.
    let work = store.work(Scope::Operator, Matter::Campaign(1)).await.unwrap().unwrap();
    let said: Vec<&Said> = work.timeline.iter().map(|entry| &entry.said).collect();
    assert!(said.iter().any(|said| matches!(said, Said::AdvisorySent { recipients: Some(2), .. })), "{said:?}");
    assert!(said.iter().any(|said| matches!(said, Said::AdvisoryRead { number, .. } if number == "1001")));
    assert!(
        said.iter().any(|said| matches!(said, Said::AdvisoryRead { number, .. } if number == "1002")),
        "who answers has read"
    );
    assert!(said.iter().any(|said| matches!(said, Said::AdvisoryAnswered { number, .. } if number == "1002")));
    assert_eq!(store.work(Scope::Member(1), Matter::Campaign(1)).await.unwrap().unwrap().measures, []);
    let own = store.work(Scope::Member(2), Matter::Incident(2)).await.unwrap().unwrap();
    let measures: Vec<_> = own.measures.iter().map(|one| (one.key.as_deref(), one.status)).collect();
    let expected = [(Some("isolate-machine"), MeasureStatus::Done), (Some("warn-staff"), MeasureStatus::Planned)];
    assert_eq!(measures, expected);
    assert!(!format!("{own:?}").contains("Kommune 1"), "{own:?}");
    // Sent once more as a correction, the measures are no second ones.
    let next = store.correct_advisory(id, "ola", NOW).await.unwrap().unwrap();
    store.send_advisory(next, SENDING).await.unwrap().unwrap();
    assert_eq!(store.work(Scope::Member(2), Matter::Incident(2)).await.unwrap().unwrap().measures.len(), 2);
}

#[tokio::test]
async fn a_member_is_given_the_measures_for_what_was_seen_there_and_not_for_the_worst_hit() {
    let (fixture, _) = community().await;
    let store = &fixture.store;
    let wordings = [(Language::Bokmaal, wording("Falsk side"))];
    let measures = ["isolate-machine".to_owned(), "warn-staff".to_owned()];
    let proposed = New {
        campaign: Some(1),
        audience: Audience::Chosen,
        chosen: &[1, 2, 3],
        tlp: Tlp::Amber,
        wordings: &wordings,
        measures: &measures,
        is_named: false,
        who: "kari",
    };
    let id = store.new_advisory(&proposed, NOW).await.unwrap().unwrap();
    store.send_advisory(id, SENDING).await.unwrap().unwrap();
    let planned = async |member, incident| {
        let work = store.work(Scope::Member(member), Matter::Incident(incident)).await.unwrap().unwrap();
        work.measures.into_iter().filter_map(|one| one.key).collect::<Vec<_>>()
    };
    assert_eq!(planned(1, 1).await, ["isolate-machine", "warn-staff"]);
    assert_eq!(planned(2, 2).await, ["warn-staff"], "a look-up takes no machine off the network");
    let theirs = async |member| {
        let view = store.advisory(Scope::Member(member), id).await.unwrap().unwrap();
        view.measures.into_iter().map(|one| one.is_theirs).collect::<Vec<_>>()
    };
    assert_eq!(theirs(1).await, [Some(true), Some(true)]);
    assert_eq!(theirs(2).await, [Some(false), Some(true)]);
    assert_eq!(theirs(3).await, [Some(false), Some(false)], "it was not met there");
    // What somebody names is for all.
    let next = store.correct_advisory(id, "ola", NOW).await.unwrap().unwrap();
    store.edit_advisory(next, &Edit { measures: Some(&measures), ..Edit::default() }, NOW).await.unwrap().unwrap();
    store.send_advisory(next, SENDING).await.unwrap().unwrap();
    assert_eq!(planned(2, 2).await, ["warn-staff", "isolate-machine"]);
}

#[tokio::test]
async fn a_correction_reaches_all_who_hold_the_wrong_version_which_then_goes_to_nobody() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    store.send_advisory(id, SENDING).await.unwrap().unwrap();
    let next = store.correct_advisory(id, "ola", NOW).await.unwrap().unwrap();
    // The wrong version is given to one more while the correction is written, and the draft names one of its own.
    store.send_advisory_to(id, &[3], SENDING).await.unwrap().unwrap();
    store.edit_advisory(next, &Edit { add: &[4], remove: &[1], ..Edit::default() }, NOW).await.unwrap().unwrap();
    assert_eq!(store.advisory_audience(Scope::Operator, next).await.unwrap().unwrap(), [1, 2, 3, 4]);
    assert_eq!(store.send_advisory(next, SENDING).await.unwrap().unwrap().members, 4);
    assert_eq!(store.send_advisory_to(id, &[5], SENDING).await.unwrap(), Err(NotDone::Superseded(id, next)));
    let corrects = async |member| store.advisory(Scope::Member(member), next).await.unwrap().unwrap().corrects;
    assert!(corrects(3).await.is_some());
    assert_eq!(corrects(4).await, None, "what it never got is no page for it");
}

#[tokio::test]
async fn whoever_has_not_read_is_rung_first_where_it_came_furthest() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    store.edit_advisory(id, &Edit { audience: Some(Audience::All), ..Edit::default() }, NOW).await.unwrap().unwrap();
    store.send_advisory(id, SENDING).await.unwrap().unwrap();
    let order = async || {
        let all = store.recipients(Scope::Operator, id).await.unwrap();
        all.into_iter().map(|one| one.number).collect::<Vec<_>>()
    };
    assert_eq!(order().await, ["1001", "1002", "1003", "1004", "1005", "1006"]);
    store.confirm_read(1, id, "per", NOW).await.unwrap().unwrap();
    fixture.run("UPDATE incident SET member_id = 4, reached = 5 WHERE id = 2; UPDATE alert SET evidence = 5, member_id = 4 WHERE id = 2").await;
    store.told_by_telephone((2, "1002"), id, "kari", NOW).await.unwrap().unwrap();
    assert_eq!(order().await, ["1004", "1003", "1005", "1006", "1002", "1001"]);
    let first = store.recipients(Scope::Operator, id).await.unwrap().remove(0);
    assert_eq!(first.contacts[0].1.telephone.as_ref().unwrap().to_string(), "22 00 00 00");
    assert!(store.recipients(Scope::Member(1), id).await.unwrap().is_empty(), "nobody else's telephone");
    let not = store.told_by_telephone((99, "0000"), id, "kari", NOW).await.unwrap().unwrap_err();
    assert!(not.to_string().contains("did not go to 0000"), "{not}");
}

#[tokio::test]
async fn a_member_whose_mail_may_be_read_by_others_is_never_written_to() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    store.distrust_mail(1, Some(("kari", "regler i postkassen")), NOW).await.unwrap();
    assert_eq!(store.send_advisory(id, SENDING).await.unwrap().unwrap().mails, 1);
    // Said while it waits: kept back all the same.
    assert_eq!(store.distrust_mail(2, Some(("kari", "x")), NOW).await.unwrap(), 1);
    assert!(
        store.mail_due(Scope::Operator, NOW.plus(Duration::from_secs(86_400)), MAIL_AT_ONCE).await.unwrap().is_empty()
    );
    let mails = store.mails_of(Scope::Operator, id).await.unwrap();
    assert!(
        mails.iter().all(|mail| mail.failed_why.as_deref().is_some_and(|why| why.contains("may be read by others")))
    );
    // Said between the look and the sending: the look itself asks again.
    store.distrust_mail(2, None, NOW).await.unwrap();
    store.send_advisory_to(id, &[3], SENDING).await.unwrap().unwrap();
    fixture.run("INSERT INTO mail_distrusted VALUES (3, 0, 'x', 'y')").await;
    assert!(store.mail_due(Scope::Operator, NOW, MAIL_AT_ONCE).await.unwrap()[0].to.is_err());
    let all = store.recipients(Scope::Operator, id).await.unwrap();
    assert_eq!(all[0].mail_distrusted.as_ref().unwrap().why, "regler i postkassen");
    assert_eq!(store.mail_distrusted(Scope::Member(2), 1).await.unwrap(), None, "another's mark");
}

#[tokio::test]
async fn mail_is_tried_again_twice_as_late_and_in_the_end_given_up_and_shown() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    contact(store, 1, Role::Security, Some("IT@M1.no")).await;
    contact(store, 1, Role::OnCall, Some("a@b.no\r\nBcc: c@d.no")).await;
    store.send_advisory(id, Sending { with_mail: false, ..SENDING }).await.unwrap().unwrap();
    assert!(store.mails_of(Scope::Operator, id).await.unwrap().is_empty(), "without a mail server none waits");
    store.send_advisory_to(id, &[3], SENDING).await.unwrap().unwrap();
    let mut now = NOW;
    let first = store.mail_due(Scope::Operator, now, MAIL_AT_ONCE).await.unwrap().remove(0);
    assert_eq!(first.to.as_deref(), Ok("it@m3.no"));
    let mut waits = Vec::new();
    for _ in 0..MAIL_TRIES {
        let due = store.mail_due(Scope::Operator, now, MAIL_AT_ONCE).await.unwrap().remove(0);
        assert_eq!(due.message_id, first.message_id, "the same at every try");
        store.mail_tried(due.id, Tried::Again("451 later\r\nx"), now).await.unwrap();
        let row = store.mails_of(Scope::Operator, id).await.unwrap().remove(0);
        assert_eq!(row.failed_why.as_deref(), Some("451 later  x"));
        if let Some(next) = row.next_at {
            waits.push(next.since(now).as_secs());
            assert!(store.mail_due(Scope::Operator, Timestamp(next.0 - 1), MAIL_AT_ONCE).await.unwrap().is_empty());
            now = next;
        }
    }
    assert_eq!(waits[..4], [60, 120, 240, 480]);
    assert_eq!((waits.len(), waits.last().copied()), (13, Some(7_200)));
    let row = store.mails_of(Scope::Operator, id).await.unwrap().remove(0);
    assert!(row.given_up_at.is_some() && row.next_at.is_none());
    // One address is written to once, and one that could begin another header never.
    store.send_advisory_to(id, &[4], SENDING).await.unwrap().unwrap();
    let again = store.correct_advisory(id, "ola", NOW).await.unwrap().unwrap();
    assert_eq!(store.send_advisory(again, SENDING).await.unwrap().unwrap().mails, 4, "one each");
}

#[tokio::test]
async fn a_draft_that_says_nothing_or_goes_to_nobody_is_not_sent() {
    let fixture = Fixture::new(1).await;
    let store = &fixture.store;
    let english = [(Language::English, wording("x"))];
    let new = New {
        campaign: None,
        audience: Audience::Chosen,
        chosen: &[],
        tlp: Tlp::Green,
        wordings: &english,
        measures: &[],
        is_named: false,
        who: "kari",
    };
    let id = store.new_advisory(&new, NOW).await.unwrap().unwrap();
    assert_eq!(store.send_advisory(id, SENDING).await.unwrap(), Err(NotDone::NoText(id)));
    let edit = Edit { wording: Some((Language::Nynorsk, wording("x"))), ..Edit::default() };
    store.edit_advisory(id, &edit, NOW).await.unwrap().unwrap();
    assert_eq!(store.send_advisory(id, SENDING).await.unwrap(), Err(NotDone::Nobody(id)));
    let edit = Edit { audience: Some(Audience::Campaign), ..Edit::default() };
    assert_eq!(store.edit_advisory(id, &edit, NOW).await.unwrap(), Err(NotDone::NoCampaign(id)));
    let bad = [String::from("no-such")];
    let edit = Edit { measures: Some(&bad), ..Edit::default() };
    let why = store.edit_advisory(id, &edit, NOW).await.unwrap().unwrap_err().to_string();
    assert!(why.contains("\"no-such\"; there are find-machine"), "{why}");
    assert_eq!(store.withdraw_advisory(id, "x", SENDING).await.unwrap(), Ok(0));
    assert_eq!(store.advisory(Scope::Operator, id).await.unwrap(), None, "a draft is deleted");
}

#[tokio::test]
async fn a_member_that_leaves_takes_its_part_along_and_one_that_joins_another_brings_it() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    store.send_advisory(id, SENDING).await.unwrap().unwrap();
    store.answer_advisory(1, id, (Answer::Words, None, Some("hei")), ("per", NOW)).await.unwrap().unwrap();
    store.distrust_mail(1, Some(("kari", "x")), NOW).await.unwrap();
    crate::ingest::handle_merger(store, 2, 3, NOW).await.unwrap();
    let all = store.recipients(Scope::Operator, id).await.unwrap();
    assert_eq!(all.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(), ["1003", "1001"]);
    store.depart(1, NOW).await.unwrap();
    for sql in [
        "SELECT COUNT(*) FROM advisory_answer",
        "SELECT COUNT(*) FROM mail_distrusted",
        "SELECT COUNT(*) FROM advisory_recipient WHERE member_id = 1",
        "SELECT COUNT(*) FROM mail WHERE member_id = 1",
        "SELECT COUNT(*) FROM timeline WHERE body LIKE '%Kommune 1%'",
    ] {
        assert_eq!(fixture.count(sql).await, 0, "{sql}");
    }
    let view = store.advisory(Scope::Operator, id).await.unwrap().unwrap();
    assert_eq!((view.recipients, view.state), (Some(1), State::Sent), "the advisory stays");
}

#[tokio::test]
async fn a_mail_is_noted_before_it_goes_and_what_hung_goes_again_by_a_persons_word_alone() {
    let (fixture, id) = community().await;
    let store = &fixture.store;
    store.send_advisory(id, SENDING).await.unwrap().unwrap();
    let due = async |at| store.mail_due(Scope::Operator, at, MAIL_AT_ONCE).await.unwrap();
    let first = due(NOW).await.remove(0);
    assert_eq!(store.begin_handing(Scope::Operator, first.id, NOW).await.unwrap(), Some(Ok("it@m1.no".to_owned())));
    // The collector ends here. Whatever time passes, it is handed over by nobody.
    let later = NOW.plus(Duration::from_secs(86_400));
    assert!(due(later).await.iter().all(|one| one.id != first.id));
    assert_eq!(store.begin_handing(Scope::Operator, first.id, later).await.unwrap(), None);
    let row = store.mails_of(Scope::Operator, id).await.unwrap().remove(0);
    assert_eq!((row.handing_at, row.next_at, row.sent_at), (Some(NOW), None, None));
    assert_eq!(store.mails_hung(Scope::Operator, later).await.unwrap(), 1);
    // One that is on its way at this moment is left to end.
    let second = due(later).await.remove(0);
    store.begin_handing(Scope::Operator, second.id, later).await.unwrap().unwrap().unwrap();
    assert_eq!(store.send_mail_again(id, later).await.unwrap(), Ok(1), "what hangs, and nothing else");
    let again = due(later).await.remove(0);
    assert_eq!((again.id, &again.message_id), (first.id, &first.message_id), "the same mail");
    // The mail goes out and the connection ends: it stays on its way, with why, and goes again by a person's word as well.
    store.begin_handing(Scope::Operator, first.id, later).await.unwrap();
    store.mail_tried(first.id, Tried::Unknown("connection lost"), later).await.unwrap();
    let row = store.mails_of(Scope::Operator, id).await.unwrap().remove(0);
    assert_eq!((row.handing_at, row.next_at, row.failed_why.as_deref()), (Some(later), None, Some("connection lost")));
    let later = later.plus(Duration::from_secs(86_400));
    assert!(due(later).await.iter().all(|one| one.id != first.id));
    fixture
        .run("UPDATE mail SET handing_at = 9e18 WHERE handing_at IS NOT NULL AND id <> (SELECT MIN(id) FROM mail)")
        .await;
    assert_eq!(store.send_mail_again(id, later).await.unwrap(), Ok(1));
    store.begin_handing(Scope::Operator, first.id, later).await.unwrap();
    store.mail_tried(first.id, Tried::Sent, later).await.unwrap();
    store.mail_tried(second.id, Tried::Never("550 x"), later).await.unwrap();
    let rows = store.mails_of(Scope::Operator, id).await.unwrap();
    assert!(rows[0].sent_at.is_some() && rows.iter().all(|row| row.handing_at.is_none()));
    // Who has read it is left alone, and whose mail others read; who has an address only now is written to.
    store.confirm_read(2, id, "per", later).await.unwrap().unwrap();
    assert_eq!(store.send_mail_again(id, later).await.unwrap(), Ok(0));
    store.send_advisory_to(id, &[3], Sending { with_mail: false, ..SENDING }).await.unwrap().unwrap();
    assert_eq!(store.send_mail_again(id, later).await.unwrap(), Ok(1));
    store.distrust_mail(3, Some(("kari", "x")), later).await.unwrap();
    assert_eq!(store.send_mail_again(id, later).await.unwrap(), Ok(0));
    assert!(store.send_mail_again(99, later).await.unwrap().is_err());
}
