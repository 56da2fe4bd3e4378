//! Hands mail over to the operator's mail server, one at a time, within a time, by a task of its own. That a mail is on its way is noted
//! before the server is asked: where the collector ends between that and the note of the server's word, or cannot write, nobody knows
//! whether it was taken; nor does anybody where the connection ends, or the time does, once the mail itself went out. That is told, and it
//! is sent again by a person's word alone.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use tokio::time::timeout;

use super::{clock, directory};
use crate::advisory::language_of;
use crate::advisory::letter::{Letter, letter};
use crate::limits::advisory::{MAIL_AT_ONCE, MAIL_CREDENTIALS_MAX_OCTETS, MAIL_LOOKED_AT_EVERY, MAIL_WITHIN};
use crate::mail::{Security, Server};
use crate::store::mail::{Due, Tried};
use crate::store::setting::OPERATOR_NAME;
use crate::store::{Scope, Store, StoreError};

/// A file of CA certificates: a few.
const AUTHORITIES_MAX_OCTETS: u64 = 1024 * 1024;

/// The server takes leave within this, or is left.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// Refusals of whoever hands mail over, by RFC 4954: a password that has run out says nothing of the mail, which waits until it is put right.
const ABOUT_SIGNING_IN: [&str; 4] = ["530", "534", "535", "538"];

/// Why no mail can be sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// User and password.
    #[error("cannot read the mail server's user and password in {} (mail_credentials): {why}; the file holds the user on its first line and the password on its second", .path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The CA certificates.
    #[error("cannot read the CA certificates in {} (mail_ca): {why}; give a PEM file with at least one", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// TLS.
    #[error("TLS to the mail server cannot be set up: {0}")]
    Tls(String),
    /// The sender.
    #[error("mail_from is no address that a mail server takes: {0}")]
    From(String),
}

/// How the way to the server is made safe, with what that takes.
#[derive(Clone)]
enum Way {
    StartTls(TlsParameters),
    Tls(TlsParameters),
    Plain,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::StartTls(_) => "StartTls",
            Way::Tls(_) => "Tls",
            Way::Plain => "Plain",
        })
    }
}

/// Sends mail.
#[derive(Debug, Clone)]
pub struct Sender {
    way: Way,
    credentials: Option<Credentials>,
    hello: ClientId,
    server: Server,
    from: Address,
}

fn credentials(path: &Path) -> Result<Credentials, MailError> {
    let unread = |why: String| MailError::Credentials { path: path.to_owned(), why };
    let octets = directory::read(path, MAIL_CREDENTIALS_MAX_OCTETS).map_err(|error| unread(error.to_string()))?;
    let text = String::from_utf8(octets).map_err(|_| unread("it is no text".to_owned()))?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next(), lines.next()) {
        (Some(user), Some(password), None) => Ok(Credentials::new(user.to_owned(), password.to_owned())),
        _ => Err(unread("it has not just two lines".to_owned())),
    }
}

fn way(server: &Server) -> Result<Way, MailError> {
    let broken = |error: lettre::transport::smtp::Error| MailError::Tls(error.to_string());
    let parameters = || {
        let mut builder = TlsParameters::builder(server.host.name.clone());
        if let Some(path) = &server.authorities {
            let unread = |why: String| MailError::Authorities { path: path.clone(), why };
            let pem = directory::read(path, AUTHORITIES_MAX_OCTETS).map_err(|error| unread(error.to_string()))?;
            let certificate = Certificate::from_pem(&pem).map_err(|error| unread(error.to_string()))?;
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
        }
        builder.build().map_err(broken)
    };
    Ok(match server.security {
        Security::StartTls => Way::StartTls(parameters()?),
        Security::Tls => Way::Tls(parameters()?),
        Security::None => Way::Plain,
    })
}

impl Sender {
    /// Ready to send; nothing is sent yet.
    ///
    /// # Errors
    /// [`MailError`].
    pub fn new(server: Server) -> Result<Sender, MailError> {
        let from: Address = server.from.parse().map_err(|_| MailError::From(server.from.clone()))?;
        // The domain that it writes for: the name of this machine is nobody's business.
        let hello = ClientId::Domain(from.domain().to_owned());
        let credentials = server.credentials.as_deref().map(credentials).transpose()?;
        Ok(Sender { way: way(&server)?, credentials, hello, from, server })
    }

    /// The server it hands over to, for the log.
    pub fn server(&self) -> &str {
        &self.server.host.name
    }

    fn message(&self, due: &Due, to: &str, operator: &str) -> Option<Message> {
        let link = self.server.link.to(&due.advisory);
        let Letter { subject, text } = letter(due.occasion, operator, &link, language_of(due.language));
        // A name that a mailbox shows: letters and digits, so that nothing in it needs quoting.
        let name: String = operator.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-')).collect();
        let (automatic, generated) = ("Auto-Submitted", "auto-generated");
        Message::builder()
            .from(Mailbox::new(Some(name).filter(|name| !name.trim().is_empty()), self.from.clone()))
            .to(Mailbox::new(None, to.parse().ok()?))
            .message_id(Some(format!("<{}@{}>", due.message_id, self.from.domain())))
            .subject(subject)
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(automatic), generated.to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .header(ContentTransferEncoding::QuotedPrintable)
            .body(text)
            .ok()
    }

    /// Somebody at the server who is ready to be given mail.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let wrapped = match &self.way {
            Way::Tls(parameters) => Some(parameters.clone()),
            Way::StartTls(_) | Way::Plain => None,
        };
        let host = (self.server.host.name.as_str(), self.server.host.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(host, Some(MAIL_WITHIN), &self.hello, wrapped, None).await?;
        if let Way::StartTls(parameters) = &self.way {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// Hands one over. Up to the recipient a refusal is of us, whatever its code: it says nothing of whom the mail is for. `begun` once the
    /// mail itself goes out: from then on only the server knows whether it has it.
    async fn hand_over(&self, message: &Message, begun: &mut bool) -> Result<AsyncSmtpConnection, Refused> {
        let mut connection = self.connect().await.map_err(|error| Refused::of_us(&error))?;
        let from = message.envelope().from().cloned();
        connection.command(Mail::new(from, Vec::new())).await.map_err(|error| Refused::of_us(&error))?;
        for to in message.envelope().to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(|error| Refused::of_it(&error))?;
        }
        connection.command(Data).await.map_err(|error| Refused::of_it(&error))?;
        *begun = true;
        connection.message(&message.formatted()).await.map_err(|error| Refused::of_its_text(&error))?;
        Ok(connection)
    }

    /// The same within a time.
    async fn send(&self, message: Message, within: Duration) -> Result<(), Refused> {
        let mut begun = false;
        match timeout(within, self.hand_over(&message, &mut begun)).await {
            Ok(Ok(mut connection)) => {
                // It has the mail; how it takes leave changes nothing.
                let _ = timeout(LEAVE_WITHIN, connection.quit()).await;
                Ok(())
            }
            Ok(Err(refused)) => Err(refused),
            Err(_) => {
                let why = format!("no word from the mail server within {} seconds", within.as_secs());
                Err(Refused { is: if begun { Is::Unknown } else { Is::NotNow }, of_server: true, why })
            }
        }
    }
}

/// What is known of a mail that the server did not say to have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// It was not taken, and may be later.
    NotNow,
    /// It never will be.
    Never,
    /// It was on its way and no word came: the server may have it.
    Unknown,
}

/// Why a mail was not taken.
struct Refused {
    is: Is,
    /// It is the server's fault: others fare no better now.
    of_server: bool,
    why: String,
}

impl Refused {
    /// Before the recipient was named.
    fn of_us(error: &SmtpError) -> Refused {
        Refused { is: Is::NotNow, of_server: true, why: words(error) }
    }

    /// From the recipient on.
    fn of_it(error: &SmtpError) -> Refused {
        let code = error.status().map(|code| code.to_string());
        let is_final = error.is_permanent() && !code.is_some_and(|code| ABOUT_SIGNING_IN.contains(&&*code));
        let is = if is_final { Is::Never } else { Is::NotNow };
        Refused { is, of_server: !is_final, why: words(error) }
    }

    /// Once the mail itself went out: without a code nobody has refused it.
    fn of_its_text(error: &SmtpError) -> Refused {
        if error.status().is_some() {
            return Refused::of_it(error);
        }
        Refused { is: Is::Unknown, of_server: true, why: words(error) }
    }
}

/// An error with its causes, once each.
pub(super) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut all = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !all.contains(&inner_words) {
            all = format!("{all}: {inner_words}");
        }
        cause = inner.source();
    }
    all
}

/// What came of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Taken by the server.
    pub sent: u64,
    /// Not taken, or not known to be, or not to be sent.
    pub failed: u64,
}

/// Sends what is due, oldest first. Once the server fails the rest waits for the next round.
///
/// # Errors
/// The database's own.
pub async fn send(store: &Store, sender: &Sender) -> Result<Round, StoreError> {
    let mut round = Round::default();
    let due = store.mail_due(Scope::Operator, clock::now(), MAIL_AT_ONCE).await?;
    if due.is_empty() {
        return Ok(round);
    }
    let operator = store.setting(Scope::Operator, OPERATOR_NAME).await?.unwrap_or_else(|| "Varde".to_owned());
    for one in due {
        // Asked anew just before: the mark may have come while others were sent. Noted before it is sent: what cannot be noted is not sent.
        let Some(to) = store.begin_handing(Scope::Operator, one.id, clock::now()).await? else { continue };
        let message = match &to {
            Ok(to) => sender.message(&one, to, &operator).ok_or("no mail server takes this address"),
            Err(why) => Err(*why),
        };
        let refused = match message {
            Ok(message) => sender.send(message, MAIL_WITHIN).await.err(),
            Err(why) => Some(Refused { is: Is::Never, of_server: false, why: why.to_owned() }),
        };
        let Some(Refused { is, of_server, why }) = refused else {
            store.mail_tried(one.id, Tried::Sent, clock::now()).await?;
            round.sent += 1;
            continue;
        };
        round.failed += 1;
        let tried = match is {
            Is::NotNow => Tried::Again(&why),
            Is::Never => Tried::Never(&why),
            Is::Unknown => Tried::Unknown(&why),
        };
        store.mail_tried(one.id, tried, clock::now()).await?;
        if of_server {
            break;
        }
    }
    Ok(round)
}

/// Sends what is due for as long as the collector runs. What the server says may hold an address and stands with the advisory, not in the log.
pub async fn go_on(sender: Sender, store: Store) {
    match store.mails_hung(Scope::Operator, clock::now()).await {
        Ok(0) => {}
        Ok(hung) => tracing::warn!(
            hung,
            "mails were on their way when the collector or the mail server ended, and nobody knows whether they were taken; see: varde-collector advisory read-by NUMBER; send them again with: varde-collector advisory resend NUMBER"
        ),
        Err(error) => tracing::warn!("whether mail hangs is not known: {error}"),
    }
    loop {
        match send(&store, &sender).await {
            Ok(Round { failed: 0, .. }) => {}
            Ok(Round { failed, .. }) => {
                let server = sender.server();
                tracing::warn!(
                    failed,
                    "mail to members was not taken by {server}, or nobody knows whether it was; see: varde-collector advisory read-by NUMBER"
                );
            }
            Err(error) => tracing::warn!("mail to members is not sent: {error}"),
        }
        tokio::time::sleep(MAIL_LOOKED_AT_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::letter::Occasion;
    use crate::profile::Language;

    fn server() -> Server {
        Server {
            host: "127.0.0.1:25".parse().unwrap(),
            security: Security::None,
            from: "varsel@csirt.no".to_owned(),
            credentials: None,
            authorities: None,
            link: "https://varde.no".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn a_mail_has_the_headers_we_give_it_and_no_other() {
        let sender = Sender::new(server()).unwrap();
        let due = Due {
            id: 1,
            advisory: "u-1".to_owned(),
            occasion: Occasion::Sent,
            message_id: "m1".to_owned(),
            language: Language::Nynorsk,
            to: Ok("it@a.no".to_owned()),
        };
        let operator = "KommuneCSIRT\r\nBcc: x@vond.no\u{0}\"<y@z.no>";
        let message = sender.message(&due, "it@a.no", operator).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let fields: Vec<&str> = head
            .lines()
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| line.split(':').next())
            .collect();
        let known = [
            "From",
            "To",
            "Message-ID",
            "Subject",
            "Auto-Submitted",
            "Content-Type",
            "Content-Transfer-Encoding",
            "Date",
            "MIME-Version",
        ];
        assert!(fields.iter().all(|field| known.contains(field)), "{head}");
        assert!(head.contains("Message-ID: <m1@csirt.no>"), "{head}");
        assert_eq!(message.envelope().to().len(), 1);
        assert!(sender.message(&due, "it@a.no\r\nBcc: x@y.no", "x").is_none());
    }

    fn due() -> Due {
        Due {
            id: 1,
            advisory: "u-1".to_owned(),
            occasion: Occasion::Sent,
            message_id: "m1".to_owned(),
            language: Language::Bokmaal,
            to: Ok("it@a.no".to_owned()),
        }
    }

    const SILENT: &str = "";
    const WITHIN: Duration = Duration::from_secs(2);

    /// What comes of a mail at a server that says these lines, one after each of ours: greeting, EHLO, MAIL, RCPT, DATA, the end.
    /// Behind the last it goes away; at [`SILENT`] it stays and says nothing.
    async fn told(lines: &[&'static str]) -> Result<(), (Is, bool)> {
        use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string().parse().unwrap();
        let lines = lines.to_vec();
        let answering = tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let mut heard = String::new();
            for line in lines {
                if line == SILENT {
                    std::future::pending::<()>().await;
                }
                stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
                let is_data = line.starts_with("354");
                loop {
                    heard.clear();
                    let more = stream.read_line(&mut heard).await.unwrap_or(0);
                    if more == 0 || !is_data || heard == ".\r\n" {
                        break;
                    }
                }
            }
        });
        let sender = Sender::new(Server { host, ..server() }).unwrap();
        let message = sender.message(&due(), "it@a.no", "x").unwrap();
        let done = sender.send(message, WITHIN).await.map_err(|refused| (refused.is, refused.of_server));
        answering.abort();
        done
    }

    #[tokio::test]
    async fn a_server_that_refuses_us_gives_up_no_mail_and_one_that_refuses_the_recipient_does() {
        for greeting in [
            &["530 sign in"][..],
            &["535 wrong password"],
            &["421 later"],
            &["554 we do not talk to you"],
            &["220 hei", "550 not by that name"],
            &["220 hei", "250 ok", "553 not from you"],
            &["220 hei", "250 ok", "530 sign in"],
        ] {
            assert_eq!(told(greeting).await, Err((Is::NotNow, true)), "{greeting:?}");
        }
        assert_eq!(told(&["220 hei", "250 ok", "250 ok", "550 nobody here"]).await, Err((Is::Never, false)));
        assert_eq!(told(&["220 hei", "250 ok", "250 ok", "451 later"]).await, Err((Is::NotNow, true)));
        let said = ["220 hei", "250 ok", "250 ok", "250 ok", "354 go on", "554 no such mail"];
        assert_eq!(told(&said).await, Err((Is::Never, false)));
        let said = ["220 hei", "250 ok", "250 ok", "250 ok", "354 go on", "250 taken", "221 bye"];
        assert_eq!(told(&said).await, Ok(()));
    }

    #[tokio::test]
    async fn a_mail_that_went_out_without_a_word_from_the_server_may_have_been_taken_and_one_before_was_not() {
        let before = ["220 hei", "250 ok", "250 ok", "250 ok"];
        let on_its_way = [&before[..], &["354 go on"]].concat();
        for (said, is) in [(&before[..3], Is::NotNow), (&before, Is::NotNow), (&on_its_way, Is::Unknown)] {
            assert_eq!(told(said).await, Err((is, true)), "it goes away: {said:?}");
            assert_eq!(told(&[said, &[SILENT]].concat()).await, Err((is, true)), "it says no more: {said:?}");
        }
        assert_eq!(told(&[&on_its_way[..], &["451 later"]].concat()).await, Err((Is::NotNow, true)));
    }

    #[tokio::test]
    async fn a_file_that_is_none_of_credentials_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        for (content, good) in [("user\nsecret\n", true), ("secret", false), ("user\nsecret\nmore", false)] {
            std::fs::write(&path, content).unwrap();
            let made = Sender::new(Server { credentials: Some(path.clone()), ..server() });
            assert_eq!(made.is_ok(), good, "{content:?}");
            if let Err(error) = made {
                assert!(!error.to_string().contains("secret") && error.to_string().contains("second"), "{error}");
            }
        }
    }
}
