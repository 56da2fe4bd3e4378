//! Numbers for Prometheus: its text format, written; and the one question that is answered with it.
//!
//! The format is version 0.0.4 (prometheus.io, "Exposition formats"): a family is a line of help, a line of type and its samples. Names
//! begin with the program's, units are base units. No indicator, address, name or member stands in any of it.

use std::fmt::Write as _;

/// What is said of the answer's form.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The one thing that is asked for.
pub const PATH: &str = "/metrics";
/// A request's head is no longer than this.
pub const HEAD_MAX_OCTETS: usize = 8 * 1024;

/// What a number means over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises, until a restart.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Whole.
    Whole(u64),
    /// With a fraction, or below zero.
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Whole(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Real(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Whole(u64::from(value))
    }
}

/// Numbers, family by family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// A family and its samples, each with its labels; nothing where there is none.
    pub fn family(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'static str, String)>, Value)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"));
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
        for (labels, value) in samples {
            self.text.push_str(name);
            for (place, (label, said)) in labels.iter().enumerate() {
                let said = said.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                let _ = write!(self.text, "{}{label}=\"{said}\"", if place == 0 { '{' } else { ',' });
            }
            if !labels.is_empty() {
                self.text.push('}');
            }
            let _ = match value {
                Value::Whole(value) => writeln!(self.text, " {value}"),
                Value::Real(value) => writeln!(self.text, " {value}"),
            };
        }
    }

    /// A family of one number without labels; nothing where it is not known.
    pub fn one(&mut self, name: &str, kind: Kind, help: &str, value: Option<impl Into<Value>>) {
        self.family(name, kind, help, value.map(|value| (Vec::new(), value.into())));
    }

    /// The whole.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// What a request's head asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// For the numbers.
    Numbers,
    /// For something else.
    Elsewhere,
    /// To do something.
    OtherMethod,
    /// Under a name that is not this machine's: a page elsewhere asks through somebody's browser.
    OtherHost,
    /// It is no request.
    Nonsense,
}

/// What a request's head asks, once it is whole; none while it is not.
pub fn read_request(head: &[u8]) -> Option<Asked> {
    let end = head.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else { return (head.len() >= HEAD_MAX_OCTETS).then_some(Asked::Nonsense) };
    let Ok(head) = std::str::from_utf8(head.get(..end).unwrap_or_default()) else { return Some(Asked::Nonsense) };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Some(Asked::Nonsense);
    };
    if !version.starts_with("HTTP/1.") {
        return Some(Asked::Nonsense);
    }
    let mut hosts = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    Some(match (hosts.next(), hosts.next()) {
        (Some(host), None) if names_loopback(host) => match (method, target.split('?').next()) {
            ("GET", Some(PATH)) => Asked::Numbers,
            ("GET", _) => Asked::Elsewhere,
            _ => Asked::OtherMethod,
        },
        _ => Asked::OtherHost,
    })
}

/// The whole answer to a request, after which the connection ends.
pub fn answer(asked: Asked, numbers: impl FnOnce() -> String) -> String {
    let (status, kind, body) = match asked {
        Asked::Numbers => ("200 OK", CONTENT_TYPE, numbers()),
        Asked::Elsewhere => ("404 Not Found", "text/plain", format!("Only {PATH} is here.\n")),
        Asked::OtherMethod => ("405 Method Not Allowed", "text/plain", "Only GET is answered.\n".to_owned()),
        Asked::OtherHost => {
            let words = "Only localhost, 127.0.0.1 and [::1] are answered.\n";
            ("421 Misdirected Request", "text/plain", words.to_owned())
        }
        Asked::Nonsense => ("400 Bad Request", "text/plain", "That is no request.\n".to_owned()),
    };
    let allow = if asked == Asked::OtherMethod { "Allow: GET\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Whether a `Host` names this machine itself, whatever the port.
pub fn names_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix("[::1]") {
        Some(rest) => ("[::1]", rest.strip_prefix(':').or(rest.is_empty().then_some("0"))),
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, Some("0")),
        },
    };
    let port_good = port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    port_good && (name == "[::1]" || name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_names_of_this_machine_pass() {
        for good in ["localhost", "Localhost:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8443"] {
            assert!(names_loopback(good), "{good}");
        }
        for bad in
            ["", ":80", "localhost.", "localhost:", "localhost:+1", "127.0.0.2", "::1", "[::1", "[::1]x", "x[::1]"]
        {
            assert!(!names_loopback(bad), "{bad}");
        }
    }

    #[test]
    fn a_family_is_written_as_the_format_has_it() {
        let mut numbers = Exposition::default();
        numbers.one("varde_up", Kind::Gauge, "It\nruns \\ on.", Some(true));
        numbers.one("varde_unknown", Kind::Gauge, "Not known.", None::<u64>);
        let samples = [(vec![("kind", "a\"b\\c\n".to_owned()), ("more", "x".to_owned())], Value::Real(-0.5))];
        numbers.family("varde_odd_total", Kind::Counter, "Odd.", samples);
        assert_eq!(
            numbers.into_text(),
            "# HELP varde_up It\\nruns \\\\ on.\n# TYPE varde_up gauge\nvarde_up 1\n\
             # HELP varde_odd_total Odd.\n# TYPE varde_odd_total counter\nvarde_odd_total{kind=\"a\\\"b\\\\c\\n\",more=\"x\"} -0.5\n"
        );
    }

    #[test]
    fn only_the_one_question_is_answered_and_only_under_this_machines_names() {
        for (head, asked) in [
            ("GET /metrics HTTP/1.1\r\nHost: localhost:9843\r\n\r\n", Some(Asked::Numbers)),
            ("GET /metrics?x=1 HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\nmore", Some(Asked::Numbers)),
            ("GET /metrics HTTP/1.1\r\nHost: localhost\r\n", None),
            ("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", Some(Asked::Elsewhere)),
            ("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", Some(Asked::OtherMethod)),
            ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some(Asked::OtherHost)),
            ("GET /metrics HTTP/1.1\r\n\r\n", Some(Asked::OtherHost)),
            ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", Some(Asked::OtherHost)),
            ("GET /metrics\r\n\r\n", Some(Asked::Nonsense)),
            ("GET /metrics HTTP/2.0\r\nHost: localhost\r\n\r\n", Some(Asked::Nonsense)),
        ] {
            assert_eq!(read_request(head.as_bytes()), asked, "{head}");
        }
        let long = vec![b'x'; HEAD_MAX_OCTETS];
        assert_eq!(read_request(&long), Some(Asked::Nonsense));
        let refused = answer(Asked::OtherHost, || panic!("numbers for a stranger"));
        assert!(refused.starts_with("HTTP/1.1 421 ") && refused.contains("Connection: close\r\n"), "{refused}");
        let told = answer(Asked::Numbers, || "a 1\n".to_owned());
        assert!(told.contains("Content-Length: 4\r\n") && told.ends_with("\r\n\r\na 1\n"), "{told}");
    }

    proptest! {
        #[test]
        fn s3_any_octets_are_a_request_or_none(head in prop::collection::vec(any::<u8>(), 0..200)) {
            read_request(&head);
        }
    }
}
