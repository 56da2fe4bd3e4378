//! Imports by the command: what is said of them, and what one that fails leaves as it was.

use super::*;
use crate::store::Scope;
use clap::Parser;

#[derive(Debug, Parser)]
struct Given {
    #[command(flatten)]
    arguments: ImportArguments,
}

fn arguments(file: &Path, more: &str) -> ImportArguments {
    let words = ["import", file.to_str().unwrap()].into_iter().chain(more.split_whitespace());
    Given::parse_from(words).arguments
}

#[tokio::test]
async fn import_says_what_it_did_and_fails_when_a_line_could_not_be_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let file = dir.path().join("list.txt");
    std::fs::write(&file, "evil.example\nnot an indicator\n10.0.0.0/8\nevil.example\n192.0.2.1:443\n").unwrap();
    let import = async |more: &str| super::import(dir.path(), &store, arguments(&file, more)).await;
    let left_out = import("--dry-run").await.unwrap_err().to_string();
    assert!(left_out.starts_with("2 lines of list.txt were left out, the rest is good"), "{left_out}");
    assert!(store.indicator_rows(Scope::Operator).await.unwrap().is_empty(), "a dry run");
    let left_out = import("").await.unwrap_err().to_string();
    assert!(left_out.starts_with("2 lines of list.txt were left out, the rest is imported"), "{left_out}");
    assert_eq!((shown("-"), shown("a/list.txt")), ("standard input", "a/list.txt"));
    std::fs::write(&file, "evil.example\n").unwrap();
    import("--json").await.unwrap();
    for nothing in ["", "# only a comment\n", "bl bær.no\nno\n"] {
        std::fs::write(&file, nothing).unwrap();
        assert!(import("").await.unwrap_err().to_string().contains("holds no indicator"));
    }
    let missing = super::import(dir.path(), &store, arguments(&dir.path().join("missing"), "")).await;
    let missing = missing.unwrap_err().to_string();
    assert!(missing.starts_with("cannot read the list") && missing.contains("give a file"), "{missing}");
    let never = import("--valid-from 2026-01-01T00:00:00Z --valid-until 2026-01-01T00:00:00Z").await;
    assert!(never.unwrap_err().to_string().contains("is not after"));
    assert_eq!(store.indicator_rows(Scope::Operator).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_source_says_no_more_is_withdrawn_where_that_is_asked_and_can_be_meant() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let file = dir.path().join("list.txt");
    let import = async |list: String, more: &str| {
        std::fs::write(&file, list).unwrap();
        super::import(dir.path(), &store, arguments(&file, more)).await
    };
    let names = |count: u32| (0..count).map(|n| format!("n{n}.example\n")).collect::<String>();
    let standing = async || {
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        rows.iter().filter(|row| row.withdrawn_at.is_none()).count()
    };
    import(names(100), "").await.unwrap();
    import(names(80), "").await.unwrap();
    assert_eq!(standing().await, 100, "without --replace nothing goes");
    import(names(80), "--replace").await.unwrap();
    assert_eq!(standing().await, 80);
    let refused = import(names(10), "--replace").await.unwrap_err().to_string();
    assert!(refused.contains("leaves out 70") && refused.contains("--allow-shrink"), "{refused}");
    assert_eq!(standing().await, 80, "nothing is withdrawn");
    import(names(10), "--replace --allow-shrink").await.unwrap();
    assert_eq!(standing().await, 10);
    import(names(100), "--source other").await.unwrap();
    assert_eq!(standing().await, 100);
    import(names(9), "--replace").await.unwrap();
    assert_eq!(standing().await, 100, "another source still says so");
}

#[test]
fn what_was_done_is_said_in_a_sentence() {
    let mut done = Done { left_out: 2, repeated: 3, ..Done::default() };
    done.changed(2, 3, 1, 4);
    assert_eq!(
        in_a_sentence("list.txt", &done, "lines"),
        "list.txt: 2 new, 3 already known, 3 said twice, 1 in versions older than what is known, which change nothing, 2 lines left out, 4 withdrawn"
    );
    done.dry_run = true;
    assert!(in_a_sentence("list.txt", &done, "lines").contains("2 would be new") && done.repeated == 3);
}

#[tokio::test]
async fn f2_a_file_that_ends_in_its_middle_changes_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let file = dir.path().join("bundle.json");
    let objects = (0..10_000).map(|n| {
        serde_json::json!({ "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{n}"),
            "modified": "2026-01-01T00:00:00Z", "pattern": format!("[domain-name:value = 'n{n}.example']"),
            "pattern_type": "stix" })
    });
    let whole = serde_json::json!({ "type": "bundle", "objects": objects.collect::<Vec<_>>() }).to_string();
    std::fs::write(&file, &whole[..whole.len() - 20]).unwrap();
    let import = async |more: &str| super::import(dir.path(), &store, arguments(&file, more)).await;
    for more in ["", "--dry-run", "--replace", "--json"] {
        let refused = import(more).await.unwrap_err().to_string();
        assert!(refused.contains("nothing of it was imported"), "{more}: {refused}");
        assert!(store.indicator_rows(Scope::Operator).await.unwrap().is_empty(), "{more}");
        let entries = store.audit_entries(Scope::Operator, 0).await.unwrap();
        assert!(entries.is_empty(), "nothing was done: {entries:?}");
    }
    std::fs::write(&file, &whole).unwrap();
    import("").await.unwrap();
    assert_eq!(store.indicator_rows(Scope::Operator).await.unwrap().len(), 10_000);
    assert!(!dir.path().join("import.stage").exists());
}
