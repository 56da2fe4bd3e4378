//! Members whose number or name changes, members that become part of another, and one that was entered by mistake.

use sqlx::SqliteConnection;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::profile::{find, read, write};
use super::{Store, StoreError, gateway, statistics};
use crate::merger::{Dropped, join};

/// What became of a new number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renumbered {
    /// It is the member's; the old one leads on to it.
    Now,
    /// It was the member's.
    Before,
    /// Another member has it, or had it: that one's number and name today.
    Taken(String, String),
}

/// What keeps a member from being removed: it is more than a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holds {
    /// Sensors, with a token or more, revoked ones too.
    pub sensors: i64,
    /// Sites of sensors of others.
    pub sites: i64,
    /// Alerts.
    pub alerts: i64,
    /// Members that became part of it.
    pub joined: i64,
    /// Incidents, those that a person opened too.
    pub incidents: i64,
}

/// Everything a member has goes to another, which goes on for both: sensors and sites, alerts and incidents, numbers, and of
/// its profile what that one lacks; what it does not take is given back. Which of their incidents are one from now on is for
/// correlation to say.
///
/// # Errors
/// The database's own.
pub(crate) async fn hand_over(
    conn: &mut SqliteConnection,
    from: i64,
    into: i64,
    now: Timestamp,
) -> Result<Vec<Dropped>, sqlx::Error> {
    let (joined, dropped) = join(&read(conn, into).await?, read(conn, from).await?);
    let none = crate::profile::Profile::default();
    write(conn, from, &none).await?;
    write(conn, into, &joined).await?;
    let (number, name, added_at): (String, String, i64) =
        sqlx::query_as("SELECT number, name, added_at FROM member WHERE id = $1")
            .bind(from)
            .fetch_one(&mut *conn)
            .await?;
    for sql in [
        "UPDATE sensor SET member_id = $2 WHERE member_id = $1",
        "UPDATE site SET member_id = $2 WHERE member_id = $1",
        "UPDATE incident SET member_id = $2 WHERE member_id = $1",
        "UPDATE alert SET member_id = $2 WHERE member_id = $1",
        "UPDATE strand SET member_id = $2 WHERE member_id = $1",
        "UPDATE trace SET member_id = $2 WHERE member_id = $1",
        // What both have met the one has met that goes on, at the earlier time and as far as it got at either.
        "UPDATE meeting SET
            first_seen = (SELECT MIN(o.first_seen) FROM meeting o WHERE o.indicator_id = meeting.indicator_id AND o.member_id IN ($1, $2)),
            evidence = (SELECT MAX(o.evidence) FROM meeting o WHERE o.indicator_id = meeting.indicator_id AND o.member_id IN ($1, $2))
            WHERE member_id IN ($1, $2)",
        "DELETE FROM meeting WHERE member_id = $1 AND indicator_id IN (SELECT indicator_id FROM meeting WHERE member_id = $2)",
        "UPDATE meeting SET member_id = $2 WHERE member_id = $1",
        "UPDATE braked_count SET member_id = $2 WHERE member_id = $1",
        "UPDATE reader SET member_id = $2 WHERE member_id = $1",
        "UPDATE muted SET member_id = $2 WHERE member_id = $1",
        // What is hidden at both is hidden as far as it had got at the one that it had got less far at.
        "UPDATE muted_at SET
            evidence = (SELECT MIN(o.evidence) FROM muted_at o WHERE o.muted_id = muted_at.muted_id AND o.member_id IN ($1, $2))
            WHERE member_id IN ($1, $2)",
        "DELETE FROM muted_at WHERE member_id = $1 AND muted_id IN (SELECT muted_id FROM muted_at WHERE member_id = $2)",
        "UPDATE muted_at SET member_id = $2 WHERE member_id = $1",
        // Of what both have met nothing counts as looked at: what was said of the one was not said of the other.
        "DELETE FROM acknowledged WHERE member_id IN ($1, $2) AND indicator_id IN
            (SELECT e.indicator_id FROM acknowledged e WHERE e.member_id = $1) AND indicator_id IN
            (SELECT e.indicator_id FROM acknowledged e WHERE e.member_id = $2)",
        "UPDATE acknowledged SET member_id = $2 WHERE member_id = $1",
        "UPDATE account SET member_id = $2 WHERE member_id = $1",
        "UPDATE page_token SET member_id = $2 WHERE member_id = $1",
        "UPDATE former_number SET member_id = $2 WHERE member_id = $1",
        "UPDATE joined_member SET into_id = $2 WHERE into_id = $1",
    ] {
        sqlx::query(sql).bind(from).bind(into).execute(&mut *conn).await?;
    }
    statistics::hand_over(conn, from, into).await?;
    super::advisory::part::hand_over(conn, from, into).await?;
    gateway::hand_over(conn, from, into).await?;
    let sql = "INSERT INTO joined_member (id, added_at, into_id, joined_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(sql).bind(from).bind(added_at).bind(into).bind(now.0).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM member WHERE id = $1").bind(from).execute(&mut *conn).await?;
    let sql = "INSERT INTO former_number (number, member_id, name, until) VALUES ($1, $2, $3, $4)";
    sqlx::query(sql).bind(number).bind(into).bind(name).bind(now.0).execute(conn).await?;
    Ok(dropped)
}

impl Store {
    /// Gives a member another name, another number, or both. The number it had leads on to it, with the name it had. Where
    /// the new number is another's nothing is changed.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rename_member(
        &self,
        member: i64,
        name: Option<&str>,
        number: Option<&MemberNumber>,
        now: Timestamp,
    ) -> Result<Renumbered, StoreError> {
        let mut tx = self.begin().await?;
        let renumbered = match number {
            None => Renumbered::Before,
            Some(number) => renumber(&mut tx, member, number, now).await?,
        };
        if !matches!(renumbered, Renumbered::Taken(..)) {
            if let Some(name) = name {
                let sql = "UPDATE member SET name = $2 WHERE id = $1";
                sqlx::query(sql).bind(member).bind(name).execute(&mut *tx).await?;
            }
            tx.commit().await?;
        }
        Ok(renumbered)
    }

    /// Removes a member that was entered by mistake, with its profile and every number that leads to it: nothing of it is
    /// found afterwards, by whichever number. One that has anything beside that is let alone, and what it has is told.
    ///
    /// # Errors
    /// The database's own.
    pub async fn remove_member(&self, member: i64) -> Result<Result<(), Holds>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT (SELECT COUNT(*) FROM sensor WHERE member_id = $1), (SELECT COUNT(*) FROM site WHERE member_id = $1),
            (SELECT COUNT(*) FROM alert WHERE member_id = $1) + (SELECT COALESCE(SUM(alerts), 0) FROM daily_count WHERE member_id = $1),
            (SELECT COUNT(*) FROM joined_member WHERE into_id = $1), (SELECT COUNT(*) FROM incident WHERE member_id = $1)";
        let (sensors, sites, alerts, joined, incidents): (i64, i64, i64, i64, i64) =
            sqlx::query_as(sql).bind(member).fetch_one(&mut *tx).await?;
        let holds = Holds { sensors, sites, alerts, joined, incidents };
        if holds != Holds::default() {
            return Ok(Err(holds));
        }
        for sql in [
            "DELETE FROM reader WHERE member_id = $1",
            "DELETE FROM muted WHERE member_id = $1",
            "DELETE FROM muted_at WHERE member_id = $1",
            "DELETE FROM acknowledged WHERE member_id = $1",
        ] {
            sqlx::query(sql).bind(member).execute(&mut *tx).await?;
        }
        super::account::forget_member(&mut tx, member).await?;
        super::advisory::part::forget_member(&mut tx, member).await?;
        forget_row(&mut tx, member).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }
}

async fn renumber(
    conn: &mut SqliteConnection,
    member: i64,
    number: &MemberNumber,
    now: Timestamp,
) -> Result<Renumbered, sqlx::Error> {
    if let Some((id, today, name)) = find(conn, number).await? {
        if id != member {
            return Ok(Renumbered::Taken(today, name));
        }
        if today == number.as_str() {
            return Ok(Renumbered::Before);
        }
        // Back to one it had: that one leads nowhere any more, it is its own.
        sqlx::query("DELETE FROM former_number WHERE number = $1").bind(number.as_str()).execute(&mut *conn).await?;
    }
    let sql = "INSERT INTO former_number (number, member_id, name, until)
        SELECT number, id, name, $2 FROM member WHERE id = $1";
    sqlx::query(sql).bind(member).bind(now.0).execute(&mut *conn).await?;
    let sql = "UPDATE member SET number = $2 WHERE id = $1";
    sqlx::query(sql).bind(member).bind(number.as_str()).execute(conn).await?;
    Ok(Renumbered::Now)
}

/// A member's row, its profile and its numbers are gone.
///
/// # Errors
/// The database's own.
pub(super) async fn forget_row(conn: &mut SqliteConnection, member: i64) -> Result<(), sqlx::Error> {
    for sql in [
        "DELETE FROM member_contact WHERE member_id = $1",
        "DELETE FROM member_domain WHERE member_id = $1",
        "DELETE FROM member_network WHERE member_id = $1",
        "DELETE FROM former_number WHERE member_id = $1",
        "DELETE FROM joined_member WHERE into_id = $1",
        "DELETE FROM member WHERE id = $1",
    ] {
        sqlx::query(sql).bind(member).execute(&mut *conn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Scope;
    use crate::store::fixture::{Fixture, NOW};
    use crate::store::member::Added;

    #[tokio::test]
    async fn an_old_number_leads_on_and_is_nobody_elses() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        let number = |text: &str| text.parse::<MemberNumber>().unwrap();
        assert_eq!(store.rename_member(1, None, Some(&number("3301")), NOW).await.unwrap(), Renumbered::Now);
        assert_eq!(store.rename_member(1, None, Some(&number("3301")), NOW).await.unwrap(), Renumbered::Before);
        let taken = Renumbered::Taken("3301".to_owned(), "Kommune 1".to_owned());
        for other in ["1001", "3301"] {
            assert_eq!(store.rename_member(2, Some("Nei"), Some(&number(other)), NOW).await.unwrap(), taken);
        }
        let found = store.member_by_number(Scope::Operator, &number("1001")).await.unwrap().unwrap();
        assert_eq!((found.id, found.number.as_str()), (1, "3301"));
        assert_eq!(found.former_numbers[0].number, "1001");
        assert_eq!(store.member_by_number(Scope::Member(2), &number("1001")).await.unwrap(), None);
        let added = store.add_member(&number("1001"), "En annen", NOW).await.unwrap();
        assert_eq!(added, Added::Former("3301".to_owned()));
        // Back again, and on.
        assert_eq!(
            store.rename_member(1, Some("Nytt navn"), Some(&number("1001")), NOW).await.unwrap(),
            Renumbered::Now
        );
        let found = store.member_by_number(Scope::Operator, &number("3301")).await.unwrap().unwrap();
        assert_eq!((found.number.as_str(), found.former_numbers.len()), ("1001", 1));
        assert_eq!((found.name.as_str(), found.former_numbers[0].name.as_str()), ("Nytt navn", "Kommune 1"));
        let other = store.member_by_number(Scope::Operator, &number("1002")).await.unwrap().unwrap();
        assert_eq!(other.name, "Kommune 2", "where the number is another's nothing is changed");
    }

    #[tokio::test]
    async fn only_a_mistake_is_removed_and_nothing_of_it_is_found_by_any_number() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let number = |text: &str| text.parse::<MemberNumber>().unwrap();
        let holds = store.remove_member(1).await.unwrap().unwrap_err();
        assert_eq!(holds, Holds { sensors: 1, sites: 1, alerts: 0, joined: 0, incidents: 0 });
        store.add_member(&number("3407"), "Gjovik", NOW).await.unwrap();
        let id = store.member_by_number(Scope::Operator, &number("3407")).await.unwrap().unwrap().id;
        store.rename_member(id, None, Some(&number("3408")), NOW).await.unwrap();
        assert_eq!(store.remove_member(id).await.unwrap(), Ok(()));
        for gone in ["3407", "3408"] {
            assert_eq!(store.member_by_number(Scope::Operator, &number(gone)).await.unwrap(), None, "{gone}");
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM former_number").await, 0);
        assert_eq!(store.add_member(&number("3407"), "Gjøvik", NOW).await.unwrap(), Added::New);
    }
}
