//! Signing in at the operator's own provider (OpenID Connect Core 1.0, the code flow with PKCE): what the settings say, and what is known of
//! one who was sent there until they come back. Values alone; [`crate::io::oidc`] speaks with the provider.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;
use varde_common::time::Timestamp;

use crate::account::secret::Secret;
use crate::limits::account::{OIDC_NAME_MAX_CHARACTERS, OIDC_WITHIN};

/// Where the provider sends people back to, below the address of the pages.
pub const RETURN: &str = "/innlogging/oidc/svar";

/// How it is seen that the provider asked for a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondFactor {
    /// The provider says by this method that it did (`amr`, RFC 8176).
    Method(String),
    /// It says this of how sure it is (`acr`), and is asked for it.
    Class(String),
    /// It asks everybody for one, and does not say so.
    Provider,
}

impl FromStr for SecondFactor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SecondFactor, &'static str> {
        let is_word = |word: &str| !word.is_empty() && word.len() <= 200 && word.bytes().all(|b| b.is_ascii_graphic());
        match text.split_once(':') {
            Some(("amr", word)) if is_word(word) => Ok(SecondFactor::Method(word.to_owned())),
            Some(("acr", word)) if is_word(word) => Ok(SecondFactor::Class(word.to_owned())),
            None if text == "provider" => Ok(SecondFactor::Provider),
            _ => Err(
                "is none of \"amr:mfa\" (a method the provider names), \"acr:...\" (a class it names) and \"provider\" (it asks everybody)",
            ),
        }
    }
}

/// An address that begins with https://, or leads to this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// It, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Origin, &'static str> {
        let wrong = "is no address that begins with https://; write for example \"https://login.example\"";
        let url = Url::parse(text).map_err(|_| wrong)?;
        let here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && here);
        let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !is_safe || !is_plain || url.password().is_some() || text.len() > 200 {
            return Err(wrong);
        }
        Ok(Origin(text.trim_end_matches('/').to_owned()))
    }
}

/// What the settings say of it, each by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// `oidc_issuer`, as the provider writes it of itself.
    pub issuer: Option<String>,
    /// `oidc_name`: what people call it.
    pub name: Option<String>,
    /// `oidc_client`.
    pub client: Option<String>,
    /// `oidc_secret`: a file.
    pub secret: Option<PathBuf>,
    /// `oidc_second_factor`.
    pub second_factor: Option<SecondFactor>,
    /// `oidc_return`: where the pages are, as browsers reach them.
    pub address: Option<Origin>,
    /// `oidc_ca`.
    pub authorities: Option<PathBuf>,
}

/// A provider at which people sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What it is: the `iss` of all it says.
    pub issuer: String,
    /// What people call it.
    pub name: String,
    /// What we are to it.
    pub client: String,
    /// A file with what only it and we know.
    pub secret: PathBuf,
    /// How a second factor is seen.
    pub second_factor: SecondFactor,
    /// Where the pages are.
    pub address: Origin,
    /// A file of CA certificates by which it is believed; none = the system's.
    pub authorities: Option<PathBuf>,
}

/// An issuer: compared to the letter (OpenID Connect Discovery 1.0, section 4.3), so it stays as it is written.
///
/// # Errors
/// What would be right.
pub fn issuer(text: &str) -> Result<String, &'static str> {
    text.parse::<Origin>().map(|_| text.to_owned())
}

/// What we are to the provider.
///
/// # Errors
/// What would be right.
pub fn client(text: &str) -> Result<String, &'static str> {
    let is_word = !text.is_empty() && text.len() <= 200 && text.bytes().all(|octet| octet.is_ascii_graphic());
    if is_word {
        Ok(text.to_owned())
    } else {
        Err("is no name of a client, as the provider gives it; letters and digits without spaces")
    }
}

/// What people call the provider.
///
/// # Errors
/// What would be right.
pub fn name(text: &str) -> Result<String, &'static str> {
    let letters = text.chars().count();
    if (1..=OIDC_NAME_MAX_CHARACTERS).contains(&letters) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err("is no name of at most 40 letters; write for example \"Entra ID\"")
}

impl Said {
    /// The provider, where one is set; none = people come in by password and code alone.
    ///
    /// # Errors
    /// A sentence: what is missing.
    pub fn provider(self) -> Result<Option<Provider>, String> {
        let Said { issuer, name, client, secret, second_factor, address, authorities } = self;
        let Some(issuer) = issuer else {
            let others = name.is_some() || client.is_some() || secret.is_some() || second_factor.is_some();
            return match others || address.is_some() || authorities.is_some() {
                true => {
                    Err("oidc_issuer is missing beside the other oidc settings; set it, or leave them all out"
                        .to_owned())
                }
                false => Ok(None),
            };
        };
        let client =
            client.ok_or("oidc_issuer is set and oidc_client is not; set what the provider calls this client")?;
        let secret = secret.ok_or(
            "oidc_issuer is set and oidc_secret is not; set the file that holds the client's secret and nothing else",
        )?;
        let address = address.ok_or(
            "oidc_issuer is set and oidc_return is not; set where these pages are: oidc_return = \"https://varde.example\"",
        )?;
        let second_factor = second_factor.ok_or(
            "oidc_issuer is set and oidc_second_factor is not; set how it is seen that the provider asked for a second factor: \"amr:mfa\", \"acr:...\", or \"provider\" where it asks everybody",
        )?;
        let name = name.unwrap_or_else(|| "OpenID Connect".to_owned());
        Ok(Some(Provider { issuer, name, client, secret, second_factor, address, authorities }))
    }
}

impl Provider {
    /// Where people are sent back to.
    pub fn returns_to(&self) -> String {
        format!("{}{RETURN}", self.address.as_str())
    }
}

/// What somebody was sent to the provider for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To sign in, and where they wanted to go.
    SignIn {
        /// A page of ours.
        til: String,
    },
    /// To sign in so from now on, in this session of this account.
    Tie {
        /// The account's number.
        account: i64,
        /// The session's.
        session: i64,
    },
    /// To accept this invitation.
    Accept {
        /// The link's secret, as it is written.
        link: String,
    },
}

/// What is known of somebody who was sent to the provider; their browser keeps it, sealed, until they come back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Underway {
    /// What for.
    pub purpose: Purpose,
    /// By which the answer is known to be the one to this question.
    pub state: String,
    /// By which the ID token is known to be the one to this question.
    pub nonce: String,
    /// What shows that the code was asked for by us (PKCE, RFC 7636).
    pub verifier: String,
    /// When they were sent, milliseconds since 1970.
    pub since: i64,
}

impl std::fmt::Debug for Underway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Underway({:?})", self.since)
    }
}

impl Underway {
    /// Of three secrets that were drawn.
    pub fn new(purpose: Purpose, [state, nonce, verifier]: [&Secret; 3], now: Timestamp) -> Underway {
        let (state, nonce, verifier) = (state.text(), nonce.text(), verifier.text());
        Underway { purpose, state, nonce, verifier, since: now.0 }
    }

    /// Whether an answer with this state is the one to it, in time.
    pub fn is_answered_by(&self, state: &str, now: Timestamp) -> bool {
        let since = Timestamp(self.since);
        crate::reader::is_same(&sha256_of(&self.state), &sha256_of(state))
            && since <= now
            && now.since(since) < OIDC_WITHIN
    }
}

fn sha256_of(text: &str) -> [u8; 32] {
    varde_common::trust::sha256(text.as_bytes())
}

/// What an ID token says of a second factor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assured {
    /// `amr`.
    pub methods: Vec<String>,
    /// `acr`.
    pub class: Option<String>,
}

impl SecondFactor {
    /// Whether it was seen.
    pub fn is_seen(&self, said: &Assured) -> bool {
        match self {
            SecondFactor::Method(wanted) => said.methods.contains(wanted),
            SecondFactor::Class(wanted) => said.class.as_ref() == Some(wanted),
            SecondFactor::Provider => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Said {
        Said {
            issuer: Some(issuer("https://login.example/tenant/v2.0").unwrap()),
            name: None,
            client: Some("varde".to_owned()),
            secret: Some("/etc/varde-collector/oidc.secret".into()),
            second_factor: Some("amr:mfa".parse().unwrap()),
            address: Some("https://varde.example/".parse().unwrap()),
            authorities: None,
        }
    }

    #[test]
    fn w3_settings_of_a_provider_belong_together_and_what_is_missing_is_named() {
        assert_eq!(Said::default().provider(), Ok(None));
        let provider = whole().provider().unwrap().unwrap();
        assert_eq!(provider.returns_to(), "https://varde.example/innlogging/oidc/svar");
        assert_eq!(provider.issuer, "https://login.example/tenant/v2.0", "to the letter");
        for (said, named) in [
            (Said { issuer: None, ..whole() }, "oidc_issuer"),
            (Said { client: None, ..whole() }, "oidc_client"),
            (Said { secret: None, ..whole() }, "oidc_secret"),
            (Said { second_factor: None, ..whole() }, "oidc_second_factor"),
            (Said { address: None, ..whole() }, "oidc_return"),
        ] {
            assert!(said.provider().unwrap_err().contains(&format!("{named} is")), "{named}");
        }
    }

    #[test]
    fn w3_a_provider_is_asked_over_tls_alone_unless_it_is_this_machine() {
        for good in ["https://login.example", "http://127.0.0.1:3000", "http://localhost:3000/a", "http://[::1]:1"] {
            assert!(issuer(good).is_ok(), "{good}");
        }
        for bad in
            ["http://login.example", "https://a:b@login.example", "https://login.example?x=1", "login.example", ""]
        {
            assert!(issuer(bad).is_err(), "{bad}");
        }
        assert!(name("").is_err() && name("a\nb").is_err() && name(&"å".repeat(41)).is_err());
    }

    #[test]
    fn w3_a_second_factor_is_seen_in_what_the_provider_says_and_nowhere_else() {
        let said = Assured { methods: vec!["pwd".to_owned(), "mfa".to_owned()], class: Some("high".to_owned()) };
        let seen = |word: &str, said: &Assured| word.parse::<SecondFactor>().unwrap().is_seen(said);
        assert!(seen("amr:mfa", &said) && seen("acr:high", &said) && seen("provider", &said));
        assert!(!seen("amr:otp", &said) && !seen("acr:higher", &said) && !seen("amr:high", &said));
        assert!(!seen("amr:mfa", &Assured::default()) && !seen("acr:high", &Assured::default()));
        for bad in ["", "mfa", "amr:", "amr:a b", "none"] {
            assert!(bad.parse::<SecondFactor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn w3_an_answer_is_taken_with_its_own_state_and_in_time() {
        let [state, nonce, verifier] = [1, 2, 3].map(|octet| Secret::new([octet; 32]));
        let now = Timestamp(1_000_000_000_000);
        let purpose = Purpose::SignIn { til: "/".to_owned() };
        let underway = Underway::new(purpose, [&state, &nonce, &verifier], now);
        assert!(underway.is_answered_by(&state.text(), now));
        assert!(!underway.is_answered_by(&nonce.text(), now) && !underway.is_answered_by("", now));
        assert!(!underway.is_answered_by(&state.text(), now.plus(OIDC_WITHIN)), "too late");
        assert!(!underway.is_answered_by(&state.text(), now.minus(OIDC_WITHIN)), "from the future");
    }
}
