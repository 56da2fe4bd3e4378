//! How much people have said against indicators by a moment: recalls, what may never go out, verdicts, overrides that were ended. A
//! list that was compiled before the last of it may hold what it is about, and is not published after it.

use super::{Scope, Store, StoreError};

/// Told apart from others by whether they are equal, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objections {
    recall: i64,
    allowed: i64,
    judgement: i64,
    ended_overrides: i64,
}

impl Objections {
    /// Those by now.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn by_now<'c>(
        from: impl sqlx::Executor<'c, Database = sqlx::Sqlite>,
    ) -> Result<Objections, sqlx::Error> {
        let sql = "SELECT (SELECT COALESCE(MAX(id), 0) FROM recall), (SELECT COALESCE(MAX(id), 0) FROM allowed),
            (SELECT COALESCE(MAX(id), 0) FROM judgement), (SELECT COUNT(*) FROM lint_override WHERE ended_at IS NOT NULL)";
        let (recall, allowed, judgement, ended_overrides) = sqlx::query_as(sql).fetch_one(from).await?;
        Ok(Objections { recall, allowed, judgement, ended_overrides })
    }
}

impl Store {
    /// What has been said by now: asked for before a list is compiled, and given with it when it is published.
    ///
    /// # Errors
    /// The database's own.
    pub async fn objections(&self, scope: Scope) -> Result<Option<Objections>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        Ok(Some(Objections::by_now(self.readers()).await?))
    }
}

#[cfg(test)]
mod tests {
    use varde_common::channel::ChannelName;
    use varde_common::id::Revision;
    use varde_common::list::{Content, Manifest};
    use varde_common::time::Timestamp;

    use super::*;
    use crate::intel::canonical::About;
    use crate::store::fixture;
    use crate::store::list::New;
    use crate::store::recall::Said;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn f2_a_list_compiled_before_something_was_recalled_is_not_published_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        fixture::import(&store, "a.example\nb.example\n", &About::default(), NOW).await;
        let content = Content { count: 2, blake3: String::new() };
        let manifest = Manifest::of(b"base", &content, Revision(1), NOW, Timestamp::MAX);
        let publish = async |objections| {
            let list = New {
                manifest: &manifest,
                signed: b"signed",
                older_manifest: None,
                base: b"base",
                changes: None,
                up_to_id: 2,
                with_red: false,
                objections,
            };
            store.publish_list(&list).await.unwrap()
        };
        let before = store.objections(Scope::Operator).await.unwrap();
        let said = Said { who: "kari", reason: "falsk", by_itself: false };
        store.recall(&[1], said, NOW).await.unwrap();
        assert!(!publish(before).await, "it may hold what was recalled");
        assert_eq!(store.newest_count(Scope::Operator, &ChannelName::default()).await.unwrap(), None);
        assert!(publish(store.objections(Scope::Operator).await.unwrap()).await);
    }
}
