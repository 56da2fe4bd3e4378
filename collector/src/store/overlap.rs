//! Domains and networks that two members call their own: one of them is mistaken, or both are right and a person should know it.

use sqlx::SqliteConnection;

use super::{Scope, Store, StoreError};

/// Something of one member's that is another's as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The one's.
    pub own: String,
    /// The other's: the same, within it, or around it.
    pub theirs: String,
    /// The other.
    pub number: String,
    /// What the other is called.
    pub name: String,
}

impl std::fmt::Display for Overlap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Overlap { own, theirs, number, name } = self;
        if own == theirs {
            write!(f, "{own} is said to belong to {name} ({number}) too")
        } else {
            write!(f, "{own} and {theirs}, which is said to belong to {name} ({number}), are one within the other")
        }
    }
}

fn is_below(name: &str, above: &str) -> bool {
    name.strip_suffix(above).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn share_names(one: &str, other: &str) -> bool {
    is_below(one, other) || is_below(other, one)
}

fn share_addresses(one: &str, other: &str) -> bool {
    let read = |text: &str| text.parse::<ipnet::IpNet>().ok();
    let (Some(one), Some(other)) = (read(one), read(other)) else { return false };
    one.contains(&other) || other.contains(&one)
}

type Row = (i64, String, String, String);

/// What of a member's stands in another's column too.
async fn within(
    conn: &mut SqliteConnection,
    sql: &'static str,
    member: i64,
    share: fn(&str, &str) -> bool,
) -> Result<Vec<Overlap>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(conn).await?;
    let (own, others): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|(id, ..)| *id == member);
    let mut found = Vec::new();
    for (_, own, ..) in &own {
        let shared = others.iter().filter(|(_, theirs, ..)| share(own, theirs));
        found.extend(shared.map(|(_, theirs, number, name)| Overlap {
            own: own.clone(),
            theirs: theirs.clone(),
            number: number.clone(),
            name: name.clone(),
        }));
    }
    Ok(found)
}

impl Store {
    /// Which domains and networks of a member are another's too, or lie within or around one of another's. The operator's: a member
    /// is told nothing of others.
    ///
    /// # Errors
    /// The database's own.
    pub async fn overlaps(&self, scope: Scope, member: i64) -> Result<Vec<Overlap>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        let domains = "SELECT m.id, d.domain, m.number, m.name FROM member_domain d JOIN member m ON m.id = d.member_id
            ORDER BY m.number, d.domain";
        let networks =
            "SELECT m.id, n.network, m.number, m.name FROM member_network n JOIN member m ON m.id = n.member_id
            ORDER BY m.number, n.network";
        let mut found = within(&mut tx, domains, member, share_names).await?;
        found.extend(within(&mut tx, networks, member, share_addresses).await?);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Edit, Wanted};
    use crate::store::fixture::{Fixture, NOW};

    #[tokio::test]
    async fn what_two_members_call_their_own_is_told_to_the_operator_alone() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        for (number, domains, networks) in [
            ("1001", vec!["a.kommune.no", "skole.b.kommune.no"], vec!["192.0.2.0/25", "2001:db8::/32"]),
            ("1002", vec!["a.kommune.no", "b.kommune.no"], vec!["192.0.2.0/24"]),
            ("1003", vec!["aa.kommune.no"], vec!["198.51.100.0/24", "2001:db9::/32"]),
        ] {
            let edits = vec![
                Edit::Domains(domains.into_iter().map(str::to_owned).collect()),
                Edit::Networks(networks.into_iter().map(|network| network.parse().unwrap()).collect()),
            ];
            let wanted = [Wanted { number: number.parse().unwrap(), name: None, edits }];
            store.write_members(&wanted, false, NOW).await.unwrap();
        }
        let told: Vec<String> =
            store.overlaps(Scope::Operator, 1).await.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "a.kommune.no is said to belong to Kommune 2 (1002) too",
                "skole.b.kommune.no and b.kommune.no, which is said to belong to Kommune 2 (1002), are one within the other",
                "192.0.2.0/25 and 192.0.2.0/24, which is said to belong to Kommune 2 (1002), are one within the other",
            ]
        );
        assert_eq!(store.overlaps(Scope::Operator, 2).await.unwrap().len(), 3, "whichever is asked");
        assert_eq!(store.overlaps(Scope::Operator, 3).await.unwrap(), []);
        assert_eq!(store.overlaps(Scope::Member(1), 1).await.unwrap(), []);
    }
}
