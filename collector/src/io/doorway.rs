//! Promises W3 and W1 where one goes out, and where a page leads: signed out is signed out in the browser whatever the database does, and no page
//! links to what its reader is refused.

use super::matrix::{HERE, Scene};
use crate::account::secret::Secret;
use crate::store::fixture::NOW;

#[tokio::test]
async fn w3_the_browser_forgets_a_session_also_where_the_database_cannot_end_it() {
    let scene = Scene::new().await;
    let (comes_with, csrf) = scene.comes_with("it").await;
    scene.fixture.run("CREATE TRIGGER t BEFORE DELETE ON page_session BEGIN SELECT RAISE(ABORT, 'no'); END").await;
    let leave = async || scene.ask("POST /utlogging", &format!("{comes_with}{HERE}"), &format!("csrf={csrf}")).await;
    let (status, answer) = leave().await;
    assert_eq!(status, 503, "{answer}");
    assert!(answer.contains("varde=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"), "{answer}");
    assert!(answer.contains("åtte timer") && !answer.contains("id=\"sign-out\""), "what holds on is said: {answer}");
    scene.fixture.run("DROP TRIGGER t").await;
    let (status, answer) = leave().await;
    assert_eq!(status, 303, "{answer}");
    assert!(answer.contains("clear-site-data: \"cache\", \"storage\""), "and what pages left there: {answer}");
    let noted = scene.fixture.count("SELECT COUNT(*) FROM audit WHERE what = 'sign out'").await;
    assert_eq!(noted, 1, "what was done is noted, what was not is not");
}

#[tokio::test]
async fn w1_pages_link_to_nothing_that_their_reader_is_refused() {
    let scene = Scene::new().await;
    for (who, opens) in [("it", true), ("analyst", true), ("management", false), ("auditor", false), ("wall", false)] {
        let (comes_with, _) = scene.comes_with(who).await;
        let (status, page) = scene.ask("GET /", &comes_with, "").await;
        assert_eq!(status, 200, "{who}");
        // On the fronts of a member's people they are what is to be done, and what was found.
        let ids = ["id=\"incident-", "id=\"own-1\"", "id=\"found\""];
        assert!(ids.iter().any(|id| page.contains(id)), "{who} sees how incidents stand");
        for to in ["href=\"/sak/", "href=\"/kampanje/", "href=\"/alarmer\""] {
            assert_eq!(page.contains(to), opens, "{who}: {to}");
        }
    }
}

#[tokio::test]
async fn w3_what_a_page_asks_by_itself_keeps_no_session_alive() {
    let scene = Scene::new().await;
    let seen = async |path: &str| {
        let (comes_with, _) = scene.comes_with("analyst").await;
        let before = NOW.minus(std::time::Duration::from_secs(120)).0;
        scene.fixture.run(format!("UPDATE page_session SET seen_at = {before}").leak()).await;
        scene.ask(&format!("GET {path}"), &comes_with, "").await;
        scene.fixture.count("SELECT seen_at FROM page_session").await != before
    };
    assert!(!seen("/?fragment=1").await && !seen("/live").await, "nobody did that");
    assert!(seen("/").await && seen("/saker?x=fragment").await);
}

#[tokio::test]
async fn w1_a_screen_holds_a_walls_token_and_none_that_reads_more() {
    let scene = Scene::new().await;
    let token = |octet| Secret::new([octet; 32]).token();
    let (wall, program) = (token(201), token(202));
    for (token, given, shown) in [(&wall, 303, 200), (&program, 403, 303)] {
        let (status, answer) = scene.ask("POST /skjerm", HERE, &format!("token={token}")).await;
        assert_eq!((status, answer.contains("set-cookie: varde-screen")), (given, given == 303), "{answer}");
        let (status, _) = scene.ask("GET /", &format!("Cookie: varde-screen={token}\r\n"), "").await;
        assert_eq!(status, shown);
    }
}
