//! Pages that show hosts stand in the audit before they are shown, by whom: once an hour each, for a page that is open renews itself; and
//! at once where a member's stand there that was not named.

use std::collections::{BTreeSet, HashMap};

use tokio::sync::Mutex;
use varde_common::time::Timestamp;

use super::gate::Who;
use crate::audit::{Deed, On};
use crate::limits::{VIEWS_NOTED_EVERY, VIEWS_REMEMBERED};
use crate::store::picture::Subject;
use crate::store::{Store, StoreError};

const WHAT: &str = "page";
const WHAT_API: &str = "api";

/// What an entry says of a page.
#[derive(Debug)]
struct Noted {
    at: Timestamp,
    /// Numbers of those whose hosts stood on it.
    members: BTreeSet<String>,
}

/// Which pages were noted of late.
#[derive(Debug, Default)]
pub struct Views {
    /// Held while one is noted: who asks meanwhile is shown nothing before that is committed either.
    noted: Mutex<HashMap<(String, &'static str, String), Noted>>,
}

impl Views {
    /// Notes that a page is shown, unless it was of late and names everybody who stands on it now: a campaign that another member
    /// joins, and an incident that became another member's, are noted anew.
    ///
    /// # Errors
    /// The database's own; then it may not be shown.
    pub async fn note(
        &self,
        store: &Store,
        who: &Who,
        subject: Subject,
        members: impl IntoIterator<Item = String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let what = match subject {
            Subject::Campaign(id) => format!("campaign {id}"),
            Subject::Incident(id) => format!("incident {id}"),
        };
        self.note_of((who.audited(), WHAT), store, what, members.into_iter().collect(), now).await
    }

    /// The same of an answer of the API.
    ///
    /// # Errors
    /// As [`Views::note`].
    pub async fn note_api(
        &self,
        store: &Store,
        who: &Who,
        what: String,
        members: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.note_of((who.audited(), WHAT_API), store, what, members, now).await
    }

    async fn note_of(
        &self,
        (who, by): (String, &'static str),
        store: &Store,
        what: String,
        members: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = (who.clone(), by, what.clone());
        let mut noted = self.noted.lock().await;
        // A clock that was set back is no reason to show more unnoted.
        let of_late = |before: &Noted| before.at <= now && now.since(before.at) < VIEWS_NOTED_EVERY;
        if noted.get(&key).is_some_and(|before| of_late(before) && members.is_subset(&before.members)) {
            return Ok(());
        }
        let deed = Deed::new(who, by, On::Thing(what), now)
            .becomes("hosts shown by their pseudonyms")
            .concerns(members.iter().cloned());
        store.note(&deed).await?;
        if noted.len() >= VIEWS_REMEMBERED {
            noted.clear();
        }
        noted.insert(key, Noted { at: now, members });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Scope;
    use crate::store::fixture::{Fixture, NOW};
    use std::time::Duration;

    #[tokio::test]
    async fn i9_a_page_of_hosts_is_noted_before_it_is_shown_and_again_after_an_hour() {
        let fixture = Fixture::new(1).await;
        let (store, views, who) = (&fixture.store, Views::default(), Who::anybody("kari"));
        let view = async |subject, seconds| {
            views.note(store, &who, subject, ["1001".to_owned()], NOW.plus(Duration::from_secs(seconds))).await
        };
        let noted = async || store.audit_head(Scope::Operator).await.unwrap().seq;
        for (subject, seconds, entries) in [
            (Subject::Campaign(1), 0, 1),
            (Subject::Campaign(1), 3_599, 1),
            (Subject::Incident(1), 3_599, 2),
            (Subject::Campaign(1), 3_600, 3),
        ] {
            view(subject, seconds).await.unwrap();
            assert_eq!(noted().await, entries);
        }
        // A page is keyed by what it is about; who stands on it may change under it.
        let on = async |numbers: &[&str], seconds| {
            let numbers = numbers.iter().map(|number| (*number).to_owned());
            views
                .note(store, &who, Subject::Campaign(1), numbers, NOW.plus(Duration::from_secs(seconds)))
                .await
                .unwrap();
            let entries = store.audit_entries(Scope::Operator, 3).await.unwrap();
            entries.into_iter().map(|entry| entry.members).collect::<Vec<_>>()
        };
        assert_eq!(on(&["1001"], 3_601).await, Vec::<String>::new());
        assert_eq!(on(&["1001", "1002"], 3_602).await, [" 1001 1002 "], "another member has joined");
        assert_eq!(on(&["1002"], 3_603).await.len(), 1, "fewer are no reason");
        assert_eq!(on(&["1003"], 3_604).await, [" 1001 1002 ", " 1003 "], "it is another's, after a merger");
        // What cannot be noted may not be shown.
        fixture.run("ALTER TABLE audit RENAME TO gone").await;
        assert!(view(Subject::Incident(2), 0).await.is_err());
        assert!(view(Subject::Incident(2), 0).await.is_err(), "nor the second time");
    }
}
