//! Why a draft is not published: the words that commands say, and for pages what it is.

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPublished {
    /// What would be published is another.
    #[error(
        "what would be published is draft {draft}, not {named}: something has changed since that was shown. Look at it anew: varde-collector draft show"
    )]
    Other {
        /// The one that it is.
        draft: String,
        /// The one that was named.
        named: String,
    },
    /// What was looked through is another by now.
    #[error(
        "the draft is {draft} by now, not {named}: something has changed since. Look at it anew: varde-collector draft show"
    )]
    Changed {
        /// The one that it is.
        draft: String,
        /// The one that was named.
        named: String,
    },
    /// Somebody else must look.
    #[error(
        "draft {draft} has been looked through by nobody else than those who made it ({}), and the setting four_eyes asks for that: varde-collector draft show, then as another user: varde-collector draft review {draft} --reason TEXT. What cannot wait: varde-collector publish --now --reason TEXT",
        .authors.join(", ")
    )]
    Unreviewed {
        /// Which.
        draft: String,
        /// Who made it.
        authors: Vec<String>,
    },
    /// Somebody else must look, and nobody knows who made it.
    #[error(
        "who brought in what draft {draft} adds is not known any more, and the setting four_eyes asks for somebody else to look: import it again, or varde-collector publish --now --reason TEXT"
    )]
    NobodyKnown {
        /// Which.
        draft: String,
    },
    /// It is much smaller than what it takes the place of.
    #[error(
        "list {newest} has {held} indicators, and {} would be left: nothing is published. See what is there with: varde-collector indicator list. If that is meant: varde-collector publish --allow-shrink",
        left(*.count)
    )]
    Shrinks {
        /// The list that is in force.
        newest: u64,
        /// What it holds.
        held: u64,
        /// What would be left.
        count: u64,
    },
    /// Somebody else was faster.
    #[error(
        "in this moment somebody else published, or recalled, allowed or judged something that this list may hold: nothing is published; run it again"
    )]
    Overtaken,
}

fn left(count: u64) -> String {
    if count == 0 { "none".to_owned() } else { format!("only {count}") }
}
