//! Promise W3 where one comes back from the operator's own provider, over HTTP as a browser sends it: who is let in and who is not, what the
//! browser keeps meanwhile, that tying and untying ask for the password, and that all of it stands in the audit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::matrix::{HERE, Scene};
use super::oidc::OidcError;
use super::provider_double::Double;
use crate::account::secret::Secret;
use crate::limits::account::OIDC_ANSWER_MAX_OCTETS;
use crate::oidc::{Purpose, Underway};
use crate::store::Scope;
use crate::store::account::LinkKind;
use crate::store::fixture::NOW;
use crate::store::oidc::Subject;

/// Pages, and the provider at which one signs in to them.
struct Town {
    scene: Scene,
    provider: Arc<Double>,
    _folder: tempfile::TempDir,
}

/// Somebody who was sent there: where to, and what their browser keeps.
struct Sent {
    to: String,
    kept: String,
    cookie: String,
}

fn header<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    answer.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix(name)).collect()
}

/// Where a page of ours leads by itself.
fn leads_to(page: &str) -> String {
    let to = page.split("url=").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    to.replace("&#38;", "&")
}

impl Sent {
    fn of(answer: &str) -> Sent {
        let cookies = header(answer, "set-cookie: ");
        let cookie = cookies.into_iter().find(|cookie| cookie.starts_with("varde-oidc=")).unwrap().to_owned();
        let kept = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
        let to = header(answer, "location: ").first().map_or_else(|| leads_to(answer), |to| (*to).to_owned());
        Sent { to, kept, cookie }
    }
}

impl Town {
    async fn new() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let provider = Double::new().await;
        let scene = Scene::with(Some(Arc::new(provider.known_by(folder.path())))).await;
        Town { scene, provider, _folder: folder }
    }

    /// The analyst is "kari" at the provider.
    async fn with_kari() -> Town {
        let town = Town::new().await;
        let sql = format!(
            "INSERT INTO account_oidc SELECT id, '{}', 'kari', 1 FROM account WHERE name = 'analyst'",
            town.provider.issuer
        );
        town.scene.fixture.run(sql.leak()).await;
        town
    }

    async fn begins(&self, til: &str) -> Sent {
        let (status, answer) = self.scene.ask(&format!("GET /innlogging/oidc?til={til}"), "", "").await;
        assert_eq!(status, 303, "{answer}");
        Sent::of(&answer)
    }

    async fn comes_back(&self, sent: &Sent, query: &str) -> (u16, String) {
        self.scene.ask(&format!("GET /innlogging/oidc/svar?{query}"), &sent.kept, "").await
    }

    /// Goes the whole way, as somebody there.
    async fn goes(&self, sent: &Sent, who: &str, methods: &[&'static str]) -> (u16, String) {
        let (code, state) = self.provider.lets_in(&sent.to, who, methods);
        self.comes_back(sent, &format!("code={code}&state={state}")).await
    }

    async fn whose(&self, who: &str) -> Option<String> {
        let who = Subject { issuer: self.provider.issuer.clone(), subject: who.to_owned() };
        self.scene.fixture.store.tied(Scope::Operator, &who).await.unwrap().map(|tied| tied.name)
    }

    /// What the audit says of a deed, once it stands there.
    async fn noted(&self, what: &str) -> Vec<(String, String)> {
        for _ in 0..500 {
            let entries = self.scene.fixture.store.audit_entries(Scope::Operator, 0).await.unwrap();
            let of = entries.into_iter().filter(|entry| entry.what == what);
            let said: Vec<_> = of.map(|entry| (entry.who, entry.became)).collect();
            if !said.is_empty() {
                return said;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Vec::new()
    }
}

/// A session that an answer has the browser hold.
fn session(answer: &str) -> Option<&str> {
    header(answer, "set-cookie: ").into_iter().find(|cookie| cookie.starts_with("varde="))
}

#[tokio::test]
async fn w3_who_comes_back_is_let_in_once_to_a_page_of_ours_and_the_browser_keeps_little() {
    let town = Town::with_kari().await;
    let sent = town.begins("//evil.example/x").await;
    assert!(sent.cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"), "{}", sent.cookie);
    let (code, state) = town.provider.lets_in(&sent.to, "kari", &["pwd", "mfa"]);
    let back = format!("code={code}&state={state}");
    let (status, page) = town.comes_back(&sent, &back).await;
    assert_eq!((status, leads_to(&page).as_str()), (200, "/"), "nowhere but to us: {page}");
    assert!(session(&page).unwrap().ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{page}");
    let gone = header(&page, "set-cookie: varde-oidc=");
    assert!(gone.len() == 1 && gone[0].starts_with(';') && gone[0].ends_with("; Max-Age=0"), "good once: {page}");
    let said = town.noted("sign in").await;
    assert!(said.len() == 1 && said[0].1 == "signed in at the provider", "{said:?}");
    let (status, page) = town.comes_back(&sent, &back).await;
    assert!(status == 403 && session(&page).is_none(), "the provider gives nothing for a code that was used: {page}");
    let sent = town.begins("/saker?lang=nn").await;
    let (_, page) = town.goes(&sent, "kari", &["mfa"]).await;
    assert_eq!(leads_to(&page), "/saker?lang=nn");
}

#[tokio::test]
async fn w3_an_answer_of_another_issuer_an_error_and_another_question_let_nobody_in() {
    let town = Town::with_kari().await;
    for more in ["&iss=https://evil.example", "&error=access_denied", "&state=x"] {
        let sent = town.begins("/").await;
        let (code, state) = town.provider.lets_in(&sent.to, "kari", &["mfa"]);
        let state = if more.contains("state") { String::new() } else { format!("&state={state}") };
        let (status, page) = town.comes_back(&sent, &format!("code={code}{state}{more}")).await;
        assert!(status == 403 && session(&page).is_none(), "{more}: {page}");
    }
    let sent = town.begins("/").await;
    let other = town.begins("/").await;
    let (code, state) = town.provider.lets_in(&other.to, "kari", &["mfa"]);
    let (status, page) = town.comes_back(&sent, &format!("code={code}&state={state}")).await;
    assert!(status == 403 && session(&page).is_none(), "another question's: {page}");
    let (code, state) = town.provider.lets_in(&sent.to, "kari", &["mfa"]);
    let own = format!("code={code}&state={state}&iss={}", town.provider.issuer);
    assert_eq!(town.comes_back(&sent, &own).await.0, 200, "its own issuer may be named");
}

#[tokio::test]
async fn w5_who_has_no_account_or_one_factor_is_kept_out_and_noted() {
    for (who, methods) in [("kari", ["pwd"]), ("stranger", ["mfa"])] {
        let town = Town::with_kari().await;
        let sent = town.begins("/").await;
        let (status, page) = town.goes(&sent, who, &methods).await;
        assert!(status == 403 && session(&page).is_none(), "{who}: {page}");
        let said = town.noted("sign in refused").await;
        assert!(said.len() == 1 && said[0].1.starts_with("came from the provider and were not let in 1"), "{said:?}");
        assert_eq!(town.scene.fixture.count("SELECT COUNT(*) FROM page_session").await, 0);
    }
}

#[tokio::test]
async fn w3_tying_and_untying_ask_for_the_password_and_stand_in_the_audit() {
    let town = Town::new().await;
    let (scene, deed) = (&town.scene, "UPDATE account SET password = '{}', totp = zeroblob(20)");
    let kept = tokio::task::spawn_blocking(|| crate::account::password::kept("blå elg spiser grus", &[7; 16]));
    scene.fixture.run(deed.replace("{}", &kept.await.unwrap().unwrap()).leak()).await;
    let (comes_with, csrf) = scene.comes_with("analyst").await;
    let post = async |path: &str, current: &str| {
        let body = format!("csrf={csrf}&current={current}");
        scene.ask(&format!("POST {path}"), &format!("{comes_with}{HERE}"), &body).await
    };
    const RIGHT: &str = "bl%C3%A5+elg+spiser+grus";
    let (status, page) = post("/konto/oidc", "feil").await;
    assert!(status == 422 && header(&page, "set-cookie: varde-oidc").is_empty(), "sent nowhere: {page}");
    assert_eq!(town.noted("sign in refused").await.len(), 1, "whoever has the session alone is seen to guess");
    let (status, page) = post("/konto/oidc", RIGHT).await;
    assert_eq!(status, 200, "{page}");
    // What comes back has its browser's session to itself: the answer comes from elsewhere, without it.
    let (status, page) = town.goes(&Sent::of(&page), "kari", &["mfa"]).await;
    assert_eq!((status, leads_to(&page).as_str()), (200, "/konto"), "{page}");
    assert_eq!(town.whose("kari").await.as_deref(), Some("analyst"));
    let said = town.noted("tie").await;
    assert!(said.len() == 1 && said[0].0.starts_with("analyst (account "), "{said:?}");

    let (status, _) = post("/konto/oidc/bort", "feil").await;
    assert!(status == 422 && town.whose("kari").await.is_some());
    let (status, _) = post("/konto/oidc/bort", RIGHT).await;
    assert!(status == 303 && town.whose("kari").await.is_none());
    assert_eq!(town.noted("untie").await.len(), 1);
}

#[tokio::test]
async fn w3_an_invitation_is_accepted_by_the_provider_and_that_stands_in_the_audit() {
    let town = Town::with_kari().await;
    let store = &town.scene.fixture.store;
    let account = store.account_named(Scope::Operator, "auditor").await.unwrap().unwrap().id;
    let accepts = async |kind, octet: u8| {
        let link = Secret::new([octet; 32]);
        store.make_link(kind, Some(account), &link, NOW).await.unwrap();
        town.scene.ask(&format!("POST /lenke/{}/oidc", link.text()), HERE, "").await
    };
    assert_eq!(accepts(LinkKind::SignIn, 90).await.0, 404, "a link that signs in ties nobody");
    let (_, page) = accepts(LinkKind::Invitation, 91).await;
    let (status, page) = town.goes(&Sent::of(&page), "kari", &["mfa"]).await;
    assert!(status == 403 && session(&page).is_none(), "kari is somebody else here: {page}");
    let (_, page) = accepts(LinkKind::Invitation, 92).await;
    let (status, page) = town.goes(&Sent::of(&page), "rita", &["mfa"]).await;
    assert!(status == 200 && session(&page).is_some(), "{page}");
    assert_eq!(town.whose("rita").await.as_deref(), Some("auditor"));
    let said = town.noted("accept").await;
    assert!(said.len() == 1 && said[0].1 == "signs in at the provider", "{said:?}");
}

fn underway() -> Underway {
    let [state, nonce, verifier] = [1, 2, 3].map(|octet| Secret::new([octet; 32]));
    Underway::new(Purpose::SignIn { til: "/".to_owned() }, [&state, &nonce, &verifier], NOW)
}

#[tokio::test]
async fn w3_a_provider_is_read_so_far_asked_so_often_and_leads_to_nothing_that_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let padded = json!({"x": "x".repeat(OIDC_ANSWER_MAX_OCTETS)});
    let large = Double::that_says(Some(padded)).await.known_by(folder.path());
    let refused = large.begin(&underway()).await.unwrap_err();
    assert!(matches!(refused, OidcError::Unreachable(_)), "{refused}");

    let silent = Double::that_says(None).await;
    let known = silent.known_by(folder.path());
    for _ in 0..3 {
        assert!(known.begin(&underway()).await.is_err());
    }
    assert_eq!(silent.described.load(Ordering::Relaxed), 1, "not by everybody at once");

    // An address of documentation (RFC 5737), which nobody has: it is not dialled.
    let open = Double::that_says(Some(json!({"token_endpoint": "http://192.0.2.1/token"}))).await;
    let known = open.known_by(folder.path());
    known.begin(&underway()).await.unwrap();
    let refused = known.end("code".to_owned(), &underway()).await.unwrap_err().to_string();
    assert!(refused.contains("http://192.0.2.1/token, which is not over HTTPS"), "{refused}");
}
