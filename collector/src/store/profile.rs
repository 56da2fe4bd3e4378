//! What is known of a member, read and written; many members at once, all or none.

use std::collections::{BTreeMap, HashSet};

use sqlx::{Row, SqliteConnection};
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::member::MemberRow;
use super::silence::{SilenceRow, WhichSilences};
use super::site::SiteRow;
use super::{Scope, Store, StoreError, setting};
use crate::audit::Deed;
use crate::day;
use crate::limits::silence::SILENCES_SHOWN;
use crate::profile::{Contact, Language, Profile, Role, Wanted};

/// What became of one [`Wanted`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Became {
    /// Its number today.
    pub number: String,
    /// The one it was named by, where that is an old one of its own.
    pub former: Option<String>,
    /// Its name from now on.
    pub name: String,
    /// Whether it is new.
    pub added: bool,
    /// What is different from now on; nothing where nothing is.
    pub changed: Vec<String>,
}

/// Everything known of a member, for its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Whose collector it is.
    pub operator: Option<String>,
    /// The member.
    pub member: MemberRow,
    /// What is known of it.
    pub profile: Profile,
    /// Its sites.
    pub sites: Vec<SiteRow>,
    /// What keeps the sensors that watch them from seeing or from being heard, the newest.
    pub silences: Vec<SilenceRow>,
}

/// What becomes of members, in words without anybody's telephone number.
pub fn in_words(became: &[Became]) -> String {
    let one = |became: &Became| match (became.added, became.changed.is_empty()) {
        (true, _) => Some(format!("{} is new", became.number)),
        (false, true) => None,
        (false, false) => Some(format!("{}: {}", became.number, became.changed.join(", "))),
    };
    let words: Vec<String> = became.iter().filter_map(one).collect();
    if words.is_empty() { "nothing changed".to_owned() } else { words.join("; ") }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// The database's own.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody has the number, and no name was given.
    #[error("there is no member {0}; give it a name, or add it first with: varde-collector member add {0} NAME")]
    NoName(MemberNumber),
    /// More than is kept of one member.
    #[error("{0}: {1}")]
    Bad(MemberNumber, crate::profile::BadProfile),
    /// The number was that of a member that is part of another now, and what is said of it is not that one's.
    #[error(
        "{number} became part of {name} ({today}), and what stands here is not {name}'s; take it out, or write {today} where {name} is meant"
    )]
    Joined {
        /// The number.
        number: MemberNumber,
        /// The number of the one that goes on.
        today: String,
        /// What that one is called.
        name: String,
    },
    /// The number was given up before others became part of the member it leads to: whose it was is not known here.
    #[error(
        "{number} leads to {name} ({today}), which others have become part of since, and it may have been one of theirs; take it out, or write {today} where {name} is meant"
    )]
    MayHaveJoined {
        /// The number.
        number: MemberNumber,
        /// The number of the one that goes on.
        today: String,
        /// What that one is called.
        name: String,
    },
    /// Two of what is wanted lead to one member.
    #[error("{0} leads to {1}, which is named already")]
    Twice(MemberNumber, String),
    /// More members than there may be.
    #[error("there are at most {} members here", crate::limits::MEMBERS_MAX)]
    TooMany,
}

impl From<sqlx::Error> for NotWritten {
    fn from(error: sqlx::Error) -> NotWritten {
        NotWritten::Store(error.into())
    }
}

/// The row of the member with this number today, or that goes on for the one that had it; and its name.
///
/// # Errors
/// The database's own.
pub(super) async fn find(
    conn: &mut SqliteConnection,
    number: &MemberNumber,
) -> Result<Option<(i64, String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, number, name FROM member WHERE number = $1
         UNION ALL SELECT m.id, m.number, m.name FROM former_number f JOIN member m ON m.id = f.member_id WHERE f.number = $1
         LIMIT 1",
    )
    .bind(number.as_str())
    .fetch_optional(conn)
    .await
}

fn bad(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{column} holds what no member has").into())
}

/// What is known of a member.
///
/// # Errors
/// The database's own.
pub(super) async fn read(conn: &mut SqliteConnection, member: i64) -> Result<Profile, sqlx::Error> {
    let sql = "SELECT language, covered, supplier FROM member WHERE id = $1";
    let row = sqlx::query(sql).bind(member).fetch_one(&mut *conn).await?;
    let language: String = row.try_get("language")?;
    let domains: Vec<String> = sqlx::query_scalar("SELECT domain FROM member_domain WHERE member_id = $1")
        .bind(member)
        .fetch_all(&mut *conn)
        .await?;
    let networks: Vec<String> = sqlx::query_scalar("SELECT network FROM member_network WHERE member_id = $1")
        .bind(member)
        .fetch_all(&mut *conn)
        .await?;
    let sql =
        "SELECT role, name, telephone, out_of_hours, email, confirmed_at FROM member_contact WHERE member_id = $1";
    let mut contacts = BTreeMap::new();
    for row in sqlx::query(sql).bind(member).fetch_all(&mut *conn).await? {
        let role: String = row.try_get("role")?;
        let telephone = |column: &str| -> Result<_, sqlx::Error> {
            let text: Option<String> = row.try_get(column)?;
            text.map(|text| text.parse()).transpose().map_err(|_| bad(column))
        };
        let contact = Contact {
            name: row.try_get("name")?,
            telephone: telephone("telephone")?,
            out_of_hours: telephone("out_of_hours")?,
            email: row.try_get("email")?,
            // Earlier versions kept the moment in which somebody said "today".
            confirmed_at: row.try_get::<Option<i64>, _>("confirmed_at")?.map(|at| day::of(Timestamp(at))),
        };
        contacts.insert(Role::of(&role).ok_or_else(|| bad("role"))?, contact);
    }
    Ok(Profile {
        language: Language::of(&language).ok_or_else(|| bad("language"))?,
        covered: row.try_get::<Option<i64>, _>("covered")?.map(|covered| covered != 0),
        supplier: row.try_get("supplier")?,
        domains: domains.into_iter().collect(),
        networks: networks.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(|_| bad("network"))?,
        contacts,
    })
}

/// Makes what is known of a member this.
///
/// # Errors
/// The database's own.
pub(super) async fn write(conn: &mut SqliteConnection, member: i64, profile: &Profile) -> Result<(), sqlx::Error> {
    let Profile { language, covered, supplier, domains, networks, contacts } = profile;
    sqlx::query("UPDATE member SET language = $2, covered = $3, supplier = $4 WHERE id = $1")
        .bind(member)
        .bind(language.as_str())
        .bind(covered.map(i64::from))
        .bind(supplier)
        .execute(&mut *conn)
        .await?;
    for sql in [
        "DELETE FROM member_domain WHERE member_id = $1",
        "DELETE FROM member_network WHERE member_id = $1",
        "DELETE FROM member_contact WHERE member_id = $1",
    ] {
        sqlx::query(sql).bind(member).execute(&mut *conn).await?;
    }
    for domain in domains {
        let sql = "INSERT INTO member_domain (member_id, domain) VALUES ($1, $2)";
        sqlx::query(sql).bind(member).bind(domain).execute(&mut *conn).await?;
    }
    for network in networks {
        let sql = "INSERT INTO member_network (member_id, network) VALUES ($1, $2)";
        sqlx::query(sql).bind(member).bind(network.to_string()).execute(&mut *conn).await?;
    }
    for (role, contact) in contacts {
        let Contact { name, telephone, out_of_hours, email, confirmed_at } = contact;
        let sql = "INSERT INTO member_contact (member_id, role, name, telephone, out_of_hours, email, confirmed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(sql)
            .bind(member)
            .bind(role.as_str())
            .bind(name)
            .bind(telephone.as_ref().map(|number| number.as_str()))
            .bind(out_of_hours.as_ref().map(|number| number.as_str()))
            .bind(email)
            .bind(confirmed_at.map(|at| at.0))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// A supplier that is known in another case is the same one, or its members would count twice.
async fn as_known(conn: &mut SqliteConnection, supplier: &str) -> Result<String, sqlx::Error> {
    // SQLite's own lower() knows ASCII alone.
    let known: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT supplier FROM member WHERE supplier IS NOT NULL").fetch_all(conn).await?;
    let low = supplier.to_lowercase();
    Ok(known.into_iter().find(|known| known.to_lowercase() == low).unwrap_or_else(|| supplier.to_owned()))
}

/// That a number a member no longer has was its own, and not that of one which became part of it: a merger moves its numbers along.
async fn was_its_own(
    conn: &mut SqliteConnection,
    number: &MemberNumber,
    (member, today, name): (i64, &str, &str),
) -> Result<(), NotWritten> {
    let sql = "SELECT f.until, MIN(j.joined_at) FROM former_number f JOIN joined_member j ON j.into_id = $2 AND j.joined_at >= f.until
        WHERE f.number = $1 GROUP BY f.until";
    let since: Option<(i64, i64)> = sqlx::query_as(sql).bind(number.as_str()).bind(member).fetch_optional(conn).await?;
    let (number, today, name) = (number.clone(), today.to_owned(), name.to_owned());
    match since {
        None => Ok(()),
        // A merger gives up a number in the moment in which it joins.
        Some((until, joined_at)) if until == joined_at => Err(NotWritten::Joined { number, today, name }),
        Some(_) => Err(NotWritten::MayHaveJoined { number, today, name }),
    }
}

async fn become_one(conn: &mut SqliteConnection, wanted: &Wanted, now: Timestamp) -> Result<Became, NotWritten> {
    let Wanted { number, name, edits } = wanted;
    let (id, number_now, was_called, added) = match (find(conn, number).await?, name) {
        (Some((id, today, called)), _) => {
            if today != number.as_str() {
                was_its_own(conn, number, (id, &today, &called)).await?;
            }
            (id, today, called, false)
        }
        (None, None) => return Err(NotWritten::NoName(number.clone())),
        (None, Some(name)) => {
            let sql = "INSERT INTO member (number, name, added_at) VALUES ($1, $2, $3) RETURNING id";
            let id = sqlx::query_scalar(sql).bind(number.as_str()).bind(name).bind(now.0).fetch_one(&mut *conn).await?;
            (id, number.to_string(), name.clone(), true)
        }
    };
    let mut changed = Vec::new();
    if let Some(name) = name.as_ref().filter(|name| **name != was_called) {
        sqlx::query("UPDATE member SET name = $2 WHERE id = $1").bind(id).bind(name).execute(&mut *conn).await?;
        changed.push("name".to_owned());
    }
    let before = read(conn, id).await?;
    let mut after = before.clone();
    for edit in edits {
        edit.apply(&mut after);
    }
    if let Some(supplier) = &after.supplier {
        after.supplier = Some(as_known(conn, supplier).await?);
    }
    after.bounded().map_err(|why| NotWritten::Bad(number.clone(), why))?;
    changed.extend(after.changes(&before));
    if after != before {
        write(conn, id, &after).await?;
    }
    let former = (number_now != number.as_str()).then(|| number.to_string());
    Ok(Became { number: number_now, former, name: name.clone().unwrap_or(was_called), added, changed })
}

impl Store {
    /// Makes members what they are to become, all of them or none; with `try_only` none, and says what would come of it.
    ///
    /// # Errors
    /// [`NotWritten`], with the place in `wanted` that it is about where it is about one.
    pub async fn write_members(
        &self,
        wanted: &[Wanted],
        try_only: bool,
        now: Timestamp,
    ) -> Result<Vec<Became>, (Option<usize>, NotWritten)> {
        let mut tx = self.begin().await.map_err(|error| (None, error.into()))?;
        let mut became = Vec::with_capacity(wanted.len());
        let mut numbers = HashSet::new();
        for (place, wanted) in wanted.iter().enumerate() {
            let one = become_one(&mut tx, wanted, now).await.map_err(|why| (Some(place), why))?;
            if !numbers.insert(one.number.clone()) {
                return Err((Some(place), NotWritten::Twice(wanted.number.clone(), one.number)));
            }
            became.push(one);
        }
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM member")
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| (None, error.into()))?;
        if usize::try_from(count).unwrap_or(usize::MAX) > crate::limits::MEMBERS_MAX {
            return Err((None, NotWritten::TooMany));
        }
        let ended = if try_only { tx.rollback().await } else { tx.commit().await };
        ended.map_err(|error| (None, error.into()))?;
        Ok(became)
    }

    /// Changes one member, once what will have changed stands in the audit: which telephone numbers people have is nothing for that.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub async fn write_member_noted(
        &self,
        wanted: Wanted,
        deed: Deed,
        now: Timestamp,
    ) -> Result<Vec<Became>, NotWritten> {
        let wanted = [wanted];
        let tried = self.write_members(&wanted, true, now).await.map_err(|(_, why)| why)?;
        let store = self.noting(deed.becomes(in_words(&tried)));
        store.write_members(&wanted, false, now).await.map_err(|(_, why)| why)
    }

    /// What is known of a member; none where the reader may not know it, or there is none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn profile(&self, scope: Scope, member: i64) -> Result<Option<Profile>, StoreError> {
        if scope.member_id().is_some_and(|own| own != member) {
            return Ok(None);
        }
        let mut tx = self.readers().begin().await?;
        let there: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM member WHERE id = $1").bind(member).fetch_one(&mut *tx).await?;
        Ok(if there == 0 { None } else { Some(read(&mut tx, member).await?) })
    }

    /// Everything known of the member of that number, or that goes on for the one that had it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn known_of(&self, scope: Scope, number: &MemberNumber) -> Result<Option<Known>, StoreError> {
        let Some(member) = self.member_by_number(scope, number).await? else { return Ok(None) };
        let Some(profile) = self.profile(scope, member.id).await? else { return Ok(None) };
        let sites = self.site_rows(Scope::Member(member.id), None).await?;
        let which = WhichSilences { at_member: Some(member.id), ..WhichSilences::default() };
        let silences = self.silences(scope, which, SILENCES_SHOWN).await?;
        let operator = self.setting(scope, setting::OPERATOR_NAME).await?;
        Ok(Some(Known { operator, member, profile, sites, silences }))
    }

    /// The shared networks that members are behind, each with how many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn suppliers(&self, scope: Scope) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT supplier, COUNT(*) FROM member
            WHERE supplier IS NOT NULL AND ($1 IS NULL OR id = $1) GROUP BY supplier ORDER BY supplier";
        Ok(sqlx::query_as(sql).bind(scope.member_id()).fetch_all(self.readers()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Edit;
    use crate::store::fixture::{Fixture, NOW};

    fn wanted(number: &str, name: Option<&str>, edits: Vec<Edit>) -> Wanted {
        Wanted { number: number.parse().unwrap(), name: name.map(str::to_owned), edits }
    }

    #[tokio::test]
    async fn members_become_what_they_are_to_become_all_or_none() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        let call = Contact {
            name: "Kari Nordmann".to_owned(),
            telephone: Some("22 00 00 00".parse().unwrap()),
            out_of_hours: Some("900 00 000".parse().unwrap()),
            email: Some("kari@a.kommune.no".to_owned()),
            confirmed_at: Some(day::of(NOW)),
        };
        let full = vec![
            Edit::Language(Language::Nynorsk),
            Edit::Covered(Some(true)),
            Edit::Supplier(Some("IKT Øst".to_owned())),
            Edit::Domains(vec!["a.kommune.no".to_owned()]),
            Edit::AddNetwork("192.0.2.0/24".parse().unwrap()),
            Edit::Contact(Role::OnCall, call.clone()),
        ];
        let asked = [wanted("1001", None, full.clone()), wanted("3407", Some("Gjøvik"), full)];
        let became = store.write_members(&asked, true, NOW).await.unwrap();
        assert_eq!(became[0].changed, ["language", "covered", "supplier", "domains", "networks", "contact oncall"]);
        assert!(became[1].added && !became[0].added);
        assert_eq!(store.profile(Scope::Operator, 1).await.unwrap(), Some(Profile::default()), "only tried");
        assert_eq!(fixture.count("SELECT COUNT(*) FROM member").await, 2);

        // One that is wrong, and nothing of any is written.
        let wrong = [asked[0].clone(), wanted("4999", None, vec![])];
        let (place, why) = store.write_members(&wrong, false, NOW).await.unwrap_err();
        assert_eq!(place, Some(1));
        assert!(why.to_string().contains("no member 4999"), "{why}");
        assert_eq!(store.profile(Scope::Operator, 1).await.unwrap(), Some(Profile::default()));

        fixture.run("INSERT INTO former_number VALUES ('0999', 1, 'Gammelby', 1)").await;
        let twice = [asked[0].clone(), wanted("0999", None, vec![])];
        let (place, why) = store.write_members(&twice, false, NOW).await.unwrap_err();
        assert_eq!((place, why.to_string()), (Some(1), "0999 leads to 1001, which is named already".to_owned()));

        let old = [wanted("0999", None, vec![])];
        assert_eq!(store.write_members(&old, true, NOW).await.unwrap()[0].former.as_deref(), Some("0999"));

        store.write_members(&asked, false, NOW).await.unwrap();
        let kept = store.profile(Scope::Operator, 1).await.unwrap().unwrap();
        assert_eq!(kept.contacts[&Role::OnCall], call);
        assert_eq!((kept.language, kept.covered), (Language::Nynorsk, Some(true)));
        assert_eq!(store.profile(Scope::Member(2), 1).await.unwrap(), None, "another member's is nobody's business");
        assert_eq!(store.profile(Scope::Operator, 99).await.unwrap(), None);
        let again = store.write_members(&asked, false, NOW).await.unwrap();
        assert!(again.iter().all(|became| became.changed.is_empty() && !became.added), "{again:?}");

        // The same supplier in another case is the same one.
        let same = [wanted("1002", None, vec![Edit::Supplier(Some("ikt ØST".to_owned()))])];
        store.write_members(&same, false, NOW).await.unwrap();
        assert_eq!(store.suppliers(Scope::Operator).await.unwrap(), [("IKT Øst".to_owned(), 3)]);
        let less = [wanted(
            "1001",
            Some("Nytt navn"),
            vec![Edit::RemoveDomain("a.kommune.no".to_owned()), Edit::NoContact(Role::OnCall), Edit::Supplier(None)],
        )];
        let became = store.write_members(&less, false, NOW).await.unwrap();
        assert_eq!(became[0].changed, ["name", "supplier", "domains", "contact oncall"]);
        assert_eq!(became[0].name, "Nytt navn");
    }

    #[tokio::test]
    async fn a_sheet_of_before_a_merger_writes_nothing_over_the_one_that_goes_on() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        let number = |text: &str| text.parse::<MemberNumber>().unwrap();
        let later = |micros: i64| Timestamp(NOW.0 + micros);
        let domain = vec![Edit::Domains(vec!["a.kommune.no".to_owned()])];
        store.write_members(&[wanted("1002", None, domain)], false, NOW).await.unwrap();
        // Member 2 had another number itself before member 1, which also had, became part of it, and one after that.
        store.rename_member(2, None, Some(&number("3302")), later(1)).await.unwrap();
        store.rename_member(1, None, Some(&number("3301")), later(2)).await.unwrap();
        crate::ingest::handle_merger(store, 1, 2, later(3)).await.unwrap();
        store.rename_member(2, None, Some(&number("4602")), later(4)).await.unwrap();
        let import = async |old: &str| {
            let lines = [wanted(old, Some("Vågsøy"), vec![Edit::Domains(vec![])])];
            store.write_members(&lines, false, NOW).await.map_err(|(_, why)| why.to_string())
        };
        let said = import("3301").await.unwrap_err();
        assert!(said.starts_with("3301 became part of Kommune 2 (4602)"), "{said}");
        for doubtful in ["1001", "1002"] {
            let said = import(doubtful).await.unwrap_err();
            assert!(said.contains("others have become part of since"), "{said}");
        }
        let kept = store.member_by_number(Scope::Operator, &number("4602")).await.unwrap().unwrap();
        assert_eq!(kept.name, "Kommune 2");
        assert_eq!(store.profile(Scope::Operator, 2).await.unwrap().unwrap().domains.len(), 1);
        // One it had itself since is followed, and that is told.
        let became = import("3302").await.unwrap();
        assert_eq!((became[0].number.as_str(), became[0].former.as_deref()), ("4602", Some("3302")));
        assert_eq!(import("4602").await.unwrap()[0].former, None);
    }
}
