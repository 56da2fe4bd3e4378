//! Speaks with the operator's own provider (OpenID Connect Core 1.0, Discovery 1.0): where people are sent, and who they are when they come
//! back. What is known of them meanwhile lies in their own browser, sealed, so that nobody who only begins takes anything here.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce as SealNonce, RandomizedNonceKey};
use axum::http::{Request, Response, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata};
use openidconnect::{
    AsyncHttpClient, AuthenticationContextClass, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::fetch::FetchError;
use super::fetch::connect::tls;
use super::mail::words;
use super::{clock, directory, secret};
use crate::limits::HTTP_HEAD_MAX_OCTETS;
use crate::limits::account::{
    OIDC_ANSWER_MAX_OCTETS, OIDC_ANSWER_WITHIN, OIDC_ASKED_EVERY, OIDC_DESCRIBED_FOR, OIDC_SECRET_MAX_OCTETS,
    OIDC_SUBJECT_MAX_OCTETS,
};
use crate::oidc::{Assured, Origin, Provider, SecondFactor, Underway};
use crate::store::oidc::Subject;

/// What is sealed is sealed for this.
const SEALED_FOR: &[u8] = b"varde-oidc-1";
/// By which ID tokens may be signed: never by nothing, nor by a secret that both know.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

/// Why nobody can be sent to the provider at all.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The file with the client's secret.
    #[error("cannot read the client's secret in {} (oidc_secret): {why}; the file holds it and nothing else", .path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The CA certificates.
    #[error("cannot read the CA certificates in {} (oidc_ca): {why}; give a PEM file with at least one", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system's own, or TLS itself.
    #[error(
        "the provider of OpenID Connect cannot be believed: {0}; install CA certificates (ca-certificates), or name a file with oidc_ca"
    )]
    Tls(String),
    /// No key could be drawn.
    #[error("no random key could be drawn: {0}")]
    Random(io::Error),
}

/// Why somebody does not come in by the provider.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// It does not answer, or not as the standard says.
    #[error("{0}")]
    Unreachable(String),
    /// What it answers is not to be believed.
    #[error("{0}")]
    Unbelieved(String),
    /// It did not ask for a second factor, by what it says.
    #[error("the provider does not say that it asked for a second factor (oidc_second_factor)")]
    OneFactor,
}

/// The provider, and what it last said of itself.
pub struct Oidc {
    provider: Provider,
    secret: String,
    tls: Option<TlsConnector>,
    key: RandomizedNonceKey,
    described: Mutex<Option<Described>>,
}

/// What it said, or that it did not, and when.
struct Described {
    said: Result<CoreProviderMetadata, String>,
    at: Instant,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("provider", &self.provider).finish_non_exhaustive()
    }
}

fn read_secret(path: &Path) -> Result<String, SetUpError> {
    let refused = |why: String| SetUpError::Secret { path: path.to_owned(), why };
    let octets = directory::read(path, OIDC_SECRET_MAX_OCTETS).map_err(|error| refused(error.to_string()))?;
    let text = String::from_utf8(octets).map_err(|_| refused("it is no text".to_owned()))?;
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_whitespace) {
        return Err(refused("it is empty, or has more than one word".to_owned()));
    }
    Ok(text.to_owned())
}

impl Oidc {
    /// Ready; the provider is not asked before somebody wants to go there.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub fn new(provider: Provider) -> Result<Oidc, SetUpError> {
        let refused = |error: FetchError| match error {
            FetchError::Authorities { path, why } => SetUpError::Authorities { path, why },
            FetchError::NoAuthorities => SetUpError::Tls("this system has no CA certificates".to_owned()),
            error => SetUpError::Tls(error.to_string()),
        };
        let is_tls = provider.issuer.starts_with("https://");
        let tls = if is_tls { Some(tls(provider.authorities.as_deref(), None).map_err(refused)?) } else { None };
        let key = secret::draw().map_err(SetUpError::Random)?.hash();
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key);
        let key = key.map_err(|_| SetUpError::Random(io::Error::other("it is no key")))?;
        Ok(Oidc { secret: read_secret(&provider.secret)?, provider, tls, key, described: Mutex::new(None) })
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.provider.name
    }

    /// What it is.
    pub fn issuer(&self) -> &str {
        &self.provider.issuer
    }

    /// Seals what a browser keeps; none where that cannot be.
    pub fn seal(&self, underway: &Underway) -> Option<String> {
        let mut octets = serde_json::to_vec(underway).ok()?;
        let nonce = self.key.seal_in_place_append_tag(Aad::from(SEALED_FOR), &mut octets).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &octets].concat()))
    }

    /// Opens it; none where it is not what was sealed, or by an earlier start of the collector.
    pub fn open(&self, sealed: &str) -> Option<Underway> {
        let octets = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = octets.split_at_checked(NONCE_LEN)?;
        let nonce = SealNonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = self.key.open_in_place(nonce, Aad::from(SEALED_FOR), &mut sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }

    /// Where somebody is sent.
    ///
    /// # Errors
    /// [`OidcError::Unreachable`].
    pub async fn begin(&self, underway: &Underway) -> Result<String, OidcError> {
        let description = self.described(OIDC_DESCRIBED_FOR).await?;
        let client =
            CoreClient::from_provider_metadata(description, self.client(), None).set_redirect_uri(self.returns()?);
        let (state, nonce) = (CsrfToken::new(underway.state.clone()), Nonce::new(underway.nonce.clone()));
        let verifier = PkceCodeVerifier::new(underway.verifier.clone());
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if let SecondFactor::Class(class) = &self.provider.second_factor {
            request = request.add_auth_context_value(AuthenticationContextClass::new(class.clone()));
        }
        Ok(request.url().0.to_string())
    }

    /// Who came back with a code, to the question that this was.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn end(&self, code: String, underway: &Underway) -> Result<Subject, OidcError> {
        let description = self.described(OIDC_DESCRIBED_FOR).await?;
        let secret = ClientSecret::new(self.secret.clone());
        let client = CoreClient::from_provider_metadata(description, self.client(), Some(secret));
        let client = client.set_redirect_uri(self.returns()?);
        let asking = client.exchange_code(AuthorizationCode::new(code)).map_err(unbelieved)?;
        let asking = asking.set_pkce_verifier(PkceCodeVerifier::new(underway.verifier.clone()));
        let tokens = asking.request_async(self).await.map_err(|error| OidcError::Unbelieved(words(&error)))?;
        let token = tokens.id_token().ok_or_else(|| unbelieved("it gives no ID token"))?;
        let nonce = Nonce::new(underway.nonce.clone());
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        match token.claims(&verifier, &nonce) {
            Ok(claims) => self.subject(claims),
            // Its keys may be others since; whether they are is asked once.
            Err(_) => {
                let description = self.described(OIDC_ASKED_EVERY).await?;
                let secret = ClientSecret::new(self.secret.clone());
                let client = CoreClient::from_provider_metadata(description, self.client(), Some(secret));
                let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
                self.subject(token.claims(&verifier, &nonce).map_err(|error| OidcError::Unbelieved(words(&error)))?)
            }
        }
    }

    fn subject(&self, claims: &openidconnect::core::CoreIdTokenClaims) -> Result<Subject, OidcError> {
        let methods = claims.auth_method_refs().map(|all| all.iter().map(|one| one.to_string()).collect());
        let class = claims.auth_context_ref().map(|class| class.to_string());
        let assured = Assured { methods: methods.unwrap_or_default(), class };
        if !self.provider.second_factor.is_seen(&assured) {
            return Err(OidcError::OneFactor);
        }
        let subject = claims.subject().as_str();
        if subject.is_empty() || subject.len() > OIDC_SUBJECT_MAX_OCTETS {
            return Err(unbelieved("it gives no subject of 1 to 255 octets"));
        }
        Ok(Subject { issuer: self.provider.issuer.clone(), subject: subject.to_owned() })
    }

    fn client(&self) -> ClientId {
        ClientId::new(self.provider.client.clone())
    }

    fn returns(&self) -> Result<RedirectUrl, OidcError> {
        RedirectUrl::new(self.provider.returns_to()).map_err(unbelieved)
    }

    /// What it says of itself, no older than this.
    async fn described(&self, age: Duration) -> Result<CoreProviderMetadata, OidcError> {
        let mut described = self.described.lock().await;
        let now = clock::monotonic();
        if let Some(known) = described.as_ref() {
            // What failed is asked for again soon, and not by everybody at once.
            let age = if known.said.is_ok() { age } else { OIDC_ASKED_EVERY };
            if now.saturating_duration_since(known.at) < age {
                return known.said.clone().map_err(OidcError::Unreachable);
            }
        }
        let said = self.describe().await;
        if let Err(why) = &said {
            tracing::warn!("nobody can sign in at {}: {why}", self.provider.issuer);
        }
        *described = Some(Described { said: said.clone(), at: now });
        said.map_err(OidcError::Unreachable)
    }

    async fn describe(&self) -> Result<CoreProviderMetadata, String> {
        let issuer = IssuerUrl::new(self.provider.issuer.clone()).map_err(|error| error.to_string())?;
        CoreProviderMetadata::discover_async(issuer, self).await.map_err(|error| words(&error))
    }

    /// One request on a connection of its own, of which no more is read than may be; it is led nowhere else.
    async fn ask(&self, request: Request<Vec<u8>>) -> io::Result<Response<Vec<u8>>> {
        let late = || io::Error::other(format!("no answer within {} seconds", OIDC_ANSWER_WITHIN.as_secs()));
        timeout(OIDC_ANSWER_WITHIN, self.ask_now(request)).await.map_err(|_| late())?
    }

    async fn ask_now(&self, request: Request<Vec<u8>>) -> io::Result<Response<Vec<u8>>> {
        let text = request.uri().to_string();
        // What it says of itself may lead elsewhere, and no more openly than it was asked.
        let url = Url::parse(&text).map_err(io::Error::other)?;
        let mut origin = url.clone();
        origin.set_query(None);
        if origin.as_str().parse::<Origin>().is_err() {
            return Err(io::Error::other(format!("it names {text}, which is not over HTTPS")));
        }
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let stream = TcpStream::connect((bare.as_str(), url.port_or_known_default().unwrap_or(443))).await?;
        match (&self.tls, url.scheme()) {
            (Some(tls), "https") => {
                let name = ServerName::try_from(bare).map_err(io::Error::other)?;
                converse(tls.connect(name, stream).await?, request, &url).await
            }
            (None, "http") => converse(stream, request, &url).await,
            _ => Err(io::Error::other(format!("it names {text}, and its issuer is reached otherwise"))),
        }
    }
}

impl<'a> AsyncHttpClient<'a> for Oidc {
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<HttpResponse>> + Send + 'a>>;

    fn call(&'a self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Vec<u8>>,
    url: &Url,
) -> io::Result<Response<Vec<u8>>> {
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let (head, body) = request.into_parts();
    let mut asked = Request::builder().method(head.method).uri(path);
    for (name, value) in &head.headers {
        asked = asked.header(name, value);
    }
    let asked = asked
        .header(header::HOST, authority)
        .header(header::USER_AGENT, concat!("varde-collector/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    let mut http = http1::Builder::new();
    http.max_buf_size(HTTP_HEAD_MAX_OCTETS);
    let (mut sender, connection) = http.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let answering = async move {
        let (head, body) = sender.send_request(asked).await.map_err(io::Error::other)?.into_parts();
        let body = Limited::new(body, OIDC_ANSWER_MAX_OCTETS).collect().await.map_err(io::Error::other)?;
        Ok(Response::from_parts(head, body.to_bytes().to_vec()))
    };
    tokio::pin!(answering, connection);
    tokio::select! {
        answered = &mut answering => answered,
        ended = &mut connection => {
            ended.map_err(io::Error::other)?;
            // The end of a connection may come with the answer.
            answering.await
        }
    }
}

fn unbelieved(why: impl std::fmt::Display) -> OidcError {
    OidcError::Unbelieved(why.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::account::secret::Secret;
    use crate::oidc::Purpose;
    use varde_common::time::Timestamp;

    /// A provider that does not answer.
    pub(in super::super) fn oidc(folder: &std::path::Path) -> Oidc {
        let secret = folder.join("secret");
        std::fs::write(&secret, "of-both\n").unwrap();
        Oidc::new(Provider {
            issuer: "http://127.0.0.1:1".to_owned(),
            name: "Entra ID".to_owned(),
            client: "varde".to_owned(),
            secret,
            second_factor: SecondFactor::Provider,
            address: "http://127.0.0.1:2".parse().unwrap(),
            authorities: None,
        })
        .unwrap()
    }

    #[test]
    fn w3_what_a_browser_keeps_meanwhile_can_neither_be_read_nor_changed_nor_used_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let one = oidc(folder.path());
        let [state, nonce, verifier] = [1, 2, 3].map(|octet| Secret::new([octet; 32]));
        let purpose = Purpose::Tie { account: 3, session: 4 };
        let underway = Underway::new(purpose, [&state, &nonce, &verifier], Timestamp(5));
        let sealed = one.seal(&underway).unwrap();
        assert_eq!(one.open(&sealed), Some(underway.clone()));
        assert_ne!(one.seal(&underway).unwrap(), sealed, "never twice the same");
        let plain = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        assert!(!String::from_utf8_lossy(&plain).contains(&state.text()));
        for place in 0..plain.len() {
            let mut other = plain.clone();
            other[place] ^= 1;
            assert_eq!(one.open(&URL_SAFE_NO_PAD.encode(other)), None, "octet {place}");
        }
        for nothing in ["", "a", "=", &sealed[..20]] {
            assert_eq!(one.open(nothing), None);
        }
        assert_eq!(oidc(folder.path()).open(&sealed), None);
    }

    #[tokio::test]
    async fn w3_a_provider_that_does_not_answer_is_told_and_leads_nobody_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let [state, nonce, verifier] = [1, 2, 3].map(|octet| Secret::new([octet; 32]));
        let purpose = Purpose::SignIn { til: "/".to_owned() };
        let underway = Underway::new(purpose, [&state, &nonce, &verifier], Timestamp(5));
        let one = oidc(folder.path());
        assert!(matches!(one.begin(&underway).await, Err(OidcError::Unreachable(_))));
        assert!(matches!(one.end("code".to_owned(), &underway).await, Err(OidcError::Unreachable(_))));
    }

    #[test]
    fn a_file_that_holds_no_secret_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for text in ["", " \n", "two words", &"x".repeat(5_000)] {
            std::fs::write(&path, text).unwrap();
            let said = read_secret(&path).unwrap_err().to_string();
            assert!(said.contains("oidc_secret") && said.contains("secret in "), "{said}");
        }
    }
}
