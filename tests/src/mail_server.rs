//! A real mail server (aiosmtpd) that asks for STARTTLS and a password: it keeps what it is given, refuses it, or falls silent once it has it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::programs::{PATIENCE, Running, eventually};
use crate::python;

/// The user and password that it takes, as `mail_credentials` has them.
pub const CREDENTIALS: &str = "varde\nhemmelig-mailpassord\n";

/// Settings of a collector that would hand its mail to a server nobody runs.
pub const UNHEARD: &str = "mail_server = \"127.0.0.1:25\"\nmail_tls = \"none\"\nmail_from = \"a@b.example\"\nmail_link = \"https://varde.example\"\n";

/// Keeps mails as JSON lines. While the file `refuse` is there it answers with what stands in it, while `hang` is there it says nothing once
/// it has a mail.
const SERVER: &str = "
import asyncio, json, os, ssl, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
folder, certificate, key = sys.argv[1:4]
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(certificate, key)
class Keep:
    async def handle_DATA(self, server, session, envelope):
        refuse = os.path.join(folder, 'refuse')
        if os.path.exists(refuse):
            return open(refuse).read().strip()
        with open(os.path.join(folder, 'mails.jsonl'), 'a') as mails:
            mails.write(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'tls': session.ssl is not None,
                'user': session.authenticated, 'hello': session.host_name, 'data': envelope.content.decode()}) + '\\n')
        while os.path.exists(os.path.join(folder, 'hang')):
            await asyncio.sleep(0.05)
        return '250 taken'
def login(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b'varde', b'hemmelig-mailpassord'))
controller = Controller(Keep(), hostname='127.0.0.1', port=0, tls_context=tls, require_starttls=True, auth_required=True, authenticator=login)
# Any free port, known before anybody is told.
import socket
probe = socket.socket(); probe.bind(('127.0.0.1', 0)); controller.port = probe.getsockname()[1]; probe.close()
controller.start()
with open(os.path.join(folder, 'port.part'), 'w') as port:
    port.write(str(controller.port))
os.rename(os.path.join(folder, 'port.part'), os.path.join(folder, 'port'))
import signal
signal.pause()
";

/// The server; it ends with this.
#[derive(Debug)]
pub struct MailServer {
    folder: PathBuf,
    port: u16,
    _running: Running,
}

impl MailServer {
    /// Starts one that keeps its mails in `folder`, which is made.
    ///
    /// # Errors
    /// What of it fails.
    pub fn start(folder: &Path) -> Result<MailServer> {
        fs::create_dir_all(folder)?;
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).context("no certificate")?;
        let (certificate, key) = (folder.join("mail.pem"), folder.join("mail.key"));
        fs::write(&certificate, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        let mut script = python::script(SERVER)?;
        script.args([folder, &certificate, &key]);
        let mut running = Running::start(script, &folder.join("mail-server.log"))?;
        let port = eventually("the mail server says where it listens", PATIENCE, || {
            running.still_runs()?;
            Ok(fs::read_to_string(folder.join("port")).ok().and_then(|text| text.parse().ok()))
        })?;
        Ok(MailServer { folder: folder.to_owned(), port, _running: running })
    }

    /// The settings of a collector that hands its mail to it.
    ///
    /// # Errors
    /// When the password's file cannot be written.
    pub fn settings(&self) -> Result<String> {
        let (credentials, ca) = (self.folder.join("credentials"), self.folder.join("mail.pem"));
        fs::write(&credentials, CREDENTIALS)?;
        Ok(format!(
            "mail_server = \"127.0.0.1:{}\"\nmail_from = \"varsel@csirt.example\"\nmail_link = \"https://varde.example\"\nmail_credentials = {credentials:?}\nmail_ca = {ca:?}\n",
            self.port
        ))
    }

    /// From now on it answers a mail with this, or takes it again.
    ///
    /// # Errors
    /// The system's own.
    pub fn refuse(&self, answer: Option<&str>) -> Result<()> {
        self.switch("refuse", answer)
    }

    /// From now on it says nothing once it has a mail, or speaks again.
    ///
    /// # Errors
    /// The system's own.
    pub fn hang(&self, hangs: bool) -> Result<()> {
        self.switch("hang", hangs.then_some(""))
    }

    fn switch(&self, name: &str, content: Option<&str>) -> Result<()> {
        let path = self.folder.join(name);
        match content {
            Some(content) => Ok(fs::write(path, content)?),
            None => Ok(fs::remove_file(path)?),
        }
    }

    /// What it has taken so far, one object each: from, to, tls, user, hello, data.
    ///
    /// # Errors
    /// When a line of it is none.
    pub fn mails(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(self.folder.join("mails.jsonl")).unwrap_or_default();
        // The last line may be half-written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
