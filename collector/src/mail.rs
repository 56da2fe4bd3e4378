//! Where mail is handed over: the operator's own mail server, as `collector.toml` names it. Values alone; [`crate::io::mail`] sends.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::advisory::letter::is_address;

/// How the way to the mail server is made safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS that is asked for at the beginning (STARTTLS), and without which nothing is said.
    StartTls,
    /// TLS from the first octet.
    Tls,
    /// None: to a mail server on this machine alone.
    None,
}

impl FromStr for Security {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Security, &'static str> {
        match text {
            "starttls" => Ok(Security::StartTls),
            "tls" => Ok(Security::Tls),
            "none" => Ok(Security::None),
            _ => Err("is none of starttls, tls and, to this machine alone, none"),
        }
    }
}

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name or address, without brackets.
    pub name: String,
    /// Its port.
    pub port: u16,
}

impl Host {
    /// Whether it is this machine.
    pub fn is_here(&self) -> bool {
        self.name == "localhost" || self.name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Host, &'static str> {
        let wrong = "is no host and port; write for example \"smtp.example:587\"";
        let (name, port) = text.rsplit_once(':').ok_or(wrong)?;
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.'))
        };
        let is_host = bare.parse::<IpAddr>().is_ok() || is_name(bare);
        match port.parse() {
            Ok(port) if is_host && port > 0 => Ok(Host { name: bare.to_owned(), port }),
            Ok(_) | Err(_) => Err(wrong),
        }
    }
}

/// Where members read: what stands before `/varsel/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// Where an advisory is read.
    pub fn to(&self, advisory: &str) -> String {
        format!("{}/varsel/{advisory}", self.0)
    }
}

impl FromStr for Link {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Link, &'static str> {
        let here = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
        let is_good = text.starts_with("https://") || here.iter().any(|begin| text.starts_with(begin));
        if !is_good || text.len() > 200 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("is no address of these pages; write for example \"https://varde.example\"");
        }
        Ok(Link(text.trim_end_matches('/').to_owned()))
    }
}

/// A sender's address.
///
/// # Errors
/// What would be right.
pub fn sender(text: &str) -> Result<String, &'static str> {
    let wrong = "is no mail address; write for example \"varsel@csirt.example\"";
    if is_address(text) { Ok(text.to_owned()) } else { Err(wrong) }
}

/// What the settings say of it, each by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// `mail_server`.
    pub server: Option<Host>,
    /// `mail_from`.
    pub from: Option<String>,
    /// `mail_tls`.
    pub security: Option<Security>,
    /// `mail_credentials`: a file with user and password, a line each.
    pub credentials: Option<PathBuf>,
    /// `mail_ca`.
    pub authorities: Option<PathBuf>,
    /// `mail_link`.
    pub link: Option<Link>,
}

/// A mail server that mail is handed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where.
    pub host: Host,
    /// How the way there is made safe.
    pub security: Security,
    /// Who writes.
    pub from: String,
    /// A file with user and password; none = it asks for none.
    pub credentials: Option<PathBuf>,
    /// A file of CA certificates by which it is believed; none = the system's.
    pub authorities: Option<PathBuf>,
    /// Where members read.
    pub link: Link,
}

impl Said {
    /// The server, where one is set; none = no mail is sent.
    ///
    /// # Errors
    /// A sentence: what is missing, or does not go together.
    pub fn server(self) -> Result<Option<Server>, String> {
        let Said { server, from, security, credentials, authorities, link } = self;
        let Some(host) = server else {
            let others = from.is_some() || security.is_some() || credentials.is_some() || link.is_some();
            return match others || authorities.is_some() {
                true => {
                    Err("mail_server is missing beside the other mail settings; set it, or leave them all out"
                        .to_owned())
                }
                false => Ok(None),
            };
        };
        let from = from
            .ok_or("mail_server is set and mail_from is not; set who writes: mail_from = \"varsel@csirt.example\"")?;
        let link = link.ok_or(
            "mail_server is set and mail_link is not; set where members read: mail_link = \"https://varde.example\"",
        )?;
        let security = security.unwrap_or(Security::StartTls);
        if security == Security::None && !host.is_here() {
            return Err(format!(
                "mail_tls = \"none\" is for a mail server on this machine, and {} is another; use starttls or tls",
                host.name
            ));
        }
        Ok(Some(Server { host, security, from, credentials, authorities, link }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(server: &str, security: Option<Security>) -> Said {
        Said {
            server: Some(server.parse().unwrap()),
            from: Some("varsel@csirt.no".to_owned()),
            security,
            link: Some("https://varde.no/".parse().unwrap()),
            ..Said::default()
        }
    }

    #[test]
    fn nothing_goes_over_a_network_in_the_clear_and_what_is_missing_is_told() {
        let server = said("smtp.no:587", None).server().unwrap().unwrap();
        assert_eq!(
            (server.security, server.link.to("u")),
            (Security::StartTls, "https://varde.no/varsel/u".to_owned())
        );
        assert!(said("[::1]:25", Some(Security::None)).server().is_ok());
        let why = said("smtp.no:25", Some(Security::None)).server().unwrap_err();
        assert!(why.contains("smtp.no is another"), "{why}");
        let why = Said { link: None, ..said("a.no:587", None) }.server().unwrap_err();
        assert!(why.contains("mail_link ="), "{why}");
        let why = Said { server: None, ..said("a.no:587", None) }.server().unwrap_err();
        assert!(why.contains("mail_server is missing"), "{why}");
        assert_eq!(Said::default().server(), Ok(None));
    }

    #[test]
    fn what_is_no_server_sender_or_address_is_refused() {
        for wrong in ["smtp.no", "smtp.no:0", ":25", "a b:25", "smtp.no:25\r\n", "smtp.no:99999"] {
            assert!(wrong.parse::<Host>().is_err(), "{wrong:?}");
        }
        for wrong in ["varde.no", "http://varde.no", "https://a b", "javascript:x", "https://a.no/\r\nBcc: x"] {
            assert!(wrong.parse::<Link>().is_err(), "{wrong:?}");
        }
        assert!(sender("a@b.no>\r\nBcc: c@d.no").is_err() && sender("a@b.no").is_ok());
        assert!("ssl".parse::<Security>().is_err());
    }
}
