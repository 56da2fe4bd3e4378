//! What may be shown to others of what this program says of itself: numbers, yes and no, times, and words that are its own. Any other
//! text is left out, whatever it is: it may be a name, an address, a path or a secret, and no list of what to look for would be whole.

use serde_json::{Map, Value};
use varde_common::time::Timestamp;

/// What stands where a text was.
pub const LEFT_OUT: &str = "(left out)";

/// Keys whose texts are words of this program or of the kernel's making, and never somebody's.
const OWN_WORDS: [&str; 10] =
    ["version", "way", "freshness", "severity", "key", "setting", "origin", "os", "kernel", "installed"];

/// The same without what is somebody's.
pub fn redacted(value: &Value) -> Value {
    redact(value, None)
}

fn redact(value: &Value, key: Option<&str>) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => {
            let is_ours = key.is_some_and(|key| OWN_WORDS.contains(&key)) && is_plain(text);
            let is_number = text.parse::<i64>().is_ok();
            let is_time = text.parse::<Timestamp>().is_ok();
            if is_ours || is_number || is_time { value.clone() } else { Value::String(LEFT_OUT.to_owned()) }
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| redact(item, key)).collect()),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(key, _)| is_plain(key));
            Value::Object(fields.map(|(key, value)| (key.clone(), redact(value, Some(key)))).collect::<Map<_, _>>())
        }
    }
}

/// One word of letters, digits and little else: no address, no name with a domain, no path.
fn is_plain(text: &str) -> bool {
    let is_version = text.chars().filter(|c| *c == '.').count() <= 3;
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | ' ');
    text.len() <= 64 && is_version && text.chars().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_times_and_our_own_words_stay_and_every_other_text_goes() {
        let told = json!({
            "running": true, "packets": 7, "nothing": null, "version": "0.1.0", "way": "quic", "until": "2026-12-01T08:00:00Z",
            "member": "Gjøvik", "collector": "varde.example:7843", "last_error": "the proxy http://10.1.2.3:3128 refuses",
            "sources": [{"name": "eth1", "packets": 9}], "refusals": {"dns_cut_short": 3}, "H-0123456789ABC/x": 1,
            "probes": ["/etc/shadow"], "values": {"seconds": "-12", "why": "no"},
        });
        let kept = redacted(&told);
        assert_eq!(
            kept,
            json!({
                "running": true, "packets": 7, "nothing": null, "version": "0.1.0", "way": "quic",
                "until": "2026-12-01T08:00:00Z", "member": LEFT_OUT, "collector": LEFT_OUT, "last_error": LEFT_OUT,
                "sources": [{"name": LEFT_OUT, "packets": 9}], "refusals": {"dns_cut_short": 3},
                "probes": [LEFT_OUT], "values": {"seconds": "-12", "why": LEFT_OUT},
            })
        );
        // Not even where one of our own words is expected.
        for text in ["10.1.2.3:53", "kommune.example/x", "2001:db8::1", "så", &"x".repeat(65)] {
            assert_eq!(redacted(&json!({ "version": text })), json!({ "version": LEFT_OUT }), "{text}");
        }
    }
}
