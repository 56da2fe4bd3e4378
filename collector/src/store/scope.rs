//! Who is asking. Every read of the store takes a [`Scope`].

/// Whose rows may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The collector's operator: all of them.
    Operator,
    /// One member: its own rows, nobody else's name. The number is `member.id`.
    Member(i64),
}

impl Scope {
    /// For SQL: `($n IS NULL OR member_id = $n)`.
    pub fn member_id(self) -> Option<i64> {
        match self {
            Scope::Operator => None,
            Scope::Member(id) => Some(id),
        }
    }
}
