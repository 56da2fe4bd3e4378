//! A provider of OpenID Connect, for tests of who comes back from one: it describes itself, gives codes to whom the test says, and signs ID tokens
//! for them. A real one is asked by `tests/tests/oidc.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;
use varde_common::trust::sha256;

use super::clock;
use super::oidc::Oidc;
use crate::oidc::{Provider, SecondFactor};

/// What it gave a code for.
struct Given {
    nonce: String,
    challenge: String,
    who: String,
    methods: Vec<&'static str>,
}

/// One that runs until the test is over.
pub(super) struct Double {
    pub(super) issuer: String,
    key: EcdsaKeyPair,
    given: Mutex<BTreeMap<String, Given>>,
    /// How often it was asked what it is.
    pub(super) described: AtomicU32,
    /// What it says of itself besides, or otherwise; none = it does not answer.
    says: Option<Value>,
}

impl Double {
    pub(super) async fn new() -> Arc<Double> {
        Double::that_says(Some(json!({}))).await
    }

    pub(super) async fn that_says(says: Option<Value>) -> Arc<Double> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let double = Arc::new(Double { issuer, key, given: Mutex::default(), described: AtomicU32::new(0), says });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&double));
        tokio::spawn(async move { axum::serve(listener, app).await });
        double
    }

    /// A collector's side of it, which asks for a second factor.
    pub(super) fn known_by(&self, folder: &std::path::Path) -> Oidc {
        let secret = folder.join("secret");
        std::fs::write(&secret, "of-both\n").unwrap();
        Oidc::new(Provider {
            issuer: self.issuer.clone(),
            name: "Entra ID".to_owned(),
            client: "varde".to_owned(),
            secret,
            second_factor: SecondFactor::Method("mfa".to_owned()),
            address: "http://127.0.0.1:2".parse().unwrap(),
            authorities: None,
        })
        .unwrap()
    }

    /// Somebody who was sent to `to` says who they are there. Gives the code and the state with which they are sent back.
    pub(super) fn lets_in(&self, to: &str, who: &str, methods: &[&'static str]) -> (String, String) {
        let to = Url::parse(to).unwrap();
        let asked: BTreeMap<String, String> = to.query_pairs().into_owned().collect();
        assert!(to.as_str().starts_with(&format!("{}/authorize?", self.issuer)), "{to}");
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", "varde"), "{to}");
        assert_eq!(asked.get("code_challenge_method").map(String::as_str), Some("S256"), "RFC 7636: {to}");
        let given = Given {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            who: who.to_owned(),
            methods: methods.to_vec(),
        };
        let mut all = self.given.lock().unwrap();
        let code = format!("code-{}", given.nonce);
        all.insert(code.clone(), given);
        (code, asked["state"].clone())
    }

    fn signed(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let said = format!("{}.{}", part(&json!({"alg": "ES256", "typ": "JWT", "kid": "own"})), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), said.as_bytes()).unwrap();
        format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn answered(status: StatusCode, said: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], said.to_string()).into_response()
}

async fn describe(State(double): State<Arc<Double>>) -> Response {
    double.described.fetch_add(1, Ordering::Relaxed);
    let issuer = &double.issuer;
    let mut said = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    let Some(more) = double.says.as_ref().and_then(Value::as_object) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    said.as_object_mut().unwrap().extend(more.clone());
    answered(StatusCode::OK, &said)
}

async fn keys(State(double): State<Arc<Double>>) -> Response {
    let [_, point @ ..] = double.key.public_key().as_ref() else { panic!("no point") };
    let (x, y) = point.split_at(32);
    let part = |octets| URL_SAFE_NO_PAD.encode(octets);
    let own =
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "own", "x": part(x), "y": part(y)});
    answered(StatusCode::OK, &json!({"keys": [own]}))
}

async fn token(State(double): State<Arc<Double>>, Form(asked): Form<BTreeMap<String, String>>) -> Response {
    let refused = || answered(StatusCode::BAD_REQUEST, &json!({"error": "invalid_grant"}));
    // Each code once, to whoever asked for it.
    let Some(given) = asked.get("code").and_then(|code| double.given.lock().unwrap().remove(code)) else {
        return refused();
    };
    let shown = asked.get("code_verifier").map(|verifier| URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())));
    if shown.as_ref() != Some(&given.challenge) {
        return refused();
    }
    let now = clock::now().as_micros() / 1_000_000;
    let token = double.signed(&json!({
        "iss": double.issuer, "aud": "varde", "sub": given.who, "nonce": given.nonce, "amr": given.methods,
        "iat": now, "exp": now + 300,
    }));
    let said = json!({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token});
    answered(StatusCode::OK, &said)
}
