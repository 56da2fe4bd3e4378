//! Settings from several places: `agent.toml`, the drop-ins of `conf.d` in the order of their names, and the environment. What comes
//! later wins, key by key; of each key it is known where its value stands.

use std::collections::BTreeMap;

use super::{BadSetting, KEYS, Settings, explain, line_of, unknown_key};

/// What the name of an environment variable begins with; the key follows in capitals.
pub const ENVIRONMENT_PREFIX: &str = "VARDE_AGENT_";

/// A file of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// Its name, for messages.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File {
        /// Its name.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// In the environment.
    Environment {
        /// The variable's name.
        variable: String,
    },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::File { name, line } => write!(f, "{name}, line {line}"),
            Origin::Environment { variable } => write!(f, "${variable}"),
        }
    }
}

/// All settings, and where each stands.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    settings: Settings,
    values: toml::Table,
    origins: BTreeMap<String, Origin>,
    files: Vec<String>,
}

/// What can be said in one word, and so in an environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Text,
    Number,
}

/// Keys that hold one value; the others hold lists or tables, which stand in files.
const SCALARS: [(&str, Scalar); 13] = [
    ("collector", Scalar::Text),
    ("fallback", Scalar::Text),
    ("proxy", Scalar::Text),
    ("proxy_credentials", Scalar::Text),
    ("quic_again_s", Scalar::Number),
    ("data_out_octets", Scalar::Number),
    ("frequent_hosts", Scalar::Number),
    ("capture_backend", Scalar::Text),
    ("capture_ring_mib", Scalar::Number),
    ("capture_fanout", Scalar::Number),
    ("spool_max_mib", Scalar::Number),
    ("spool_max_days", Scalar::Number),
    ("metrics", Scalar::Text),
];

impl Layers {
    /// Reads files in the order in which they count, and variables whose names begin with [`ENVIRONMENT_PREFIX`].
    ///
    /// # Errors
    /// [`BadSetting`] for the first thing that cannot be used.
    pub fn read(files: &[SettingsFile], environment: &[(String, String)]) -> Result<Layers, BadSetting> {
        let mut layers = Layers::default();
        for file in files {
            layers.add_file(file)?;
        }
        for (variable, value) in environment {
            layers.add_variable(variable, value)?;
        }
        layers.settings = settings_of(&layers.values)?;
        layers.settings.check_together().map_err(|(key, what)| {
            let (file, line) = match layers.origins.get(key) {
                Some(Origin::File { name, line }) => (name.clone(), *line),
                Some(origin @ Origin::Environment { .. }) => (origin.to_string(), 0),
                None => ("the settings".to_owned(), 0),
            };
            BadSetting { file, line, what }
        })?;
        Ok(layers)
    }

    fn add_file(&mut self, file: &SettingsFile) -> Result<(), BadSetting> {
        let SettingsFile { name, text } = file;
        Settings::read_part(text, name)?;
        let table: toml::Table = toml::from_str(text).map_err(|error| explain(text, name, &error))?;
        for (key, value) in table {
            let line = line_of(text, &key).unwrap_or(1);
            self.origins.insert(key.clone(), Origin::File { name: name.clone(), line });
            self.values.insert(key, value);
        }
        self.files.push(name.clone());
        Ok(())
    }

    fn add_variable(&mut self, variable: &str, value: &str) -> Result<(), BadSetting> {
        let place = format!("${variable}");
        let bad = |what: String| BadSetting { file: place.clone(), line: 0, what };
        let key = variable.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or_default().to_ascii_lowercase();
        let Some((key, scalar)) = scalars().find(|(scalar, _)| *scalar == key) else {
            return Err(bad(match KEYS.iter().any(|(known, _)| *known == key) {
                true => format!("\"{key}\" holds several values, which stand in a file and not in the environment"),
                false => unknown_key(&key, scalars().map(|(key, _)| key)),
            }));
        };
        let value = match (scalar, value.trim().parse::<i64>()) {
            (Scalar::Number, Ok(number)) => toml::Value::Integer(number),
            (Scalar::Number, Err(_)) | (Scalar::Text, _) => toml::Value::String(value.to_owned()),
        };
        let table: toml::Table = std::iter::once((key.to_owned(), value.clone())).collect();
        let text = toml::to_string(&table).map_err(|error| bad(error.to_string()))?;
        Settings::read_part(&text, &place).map_err(|error| BadSetting { line: 0, ..error })?;
        self.origins.insert(key.to_owned(), Origin::Environment { variable: variable.to_owned() });
        self.values.insert(key.to_owned(), value);
        Ok(())
    }

    /// All of them together.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Files that were read, in the order in which they count.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// Where a key's value stands; none = it is the default.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// A key's value as it is set, in TOML; none = it is not set.
    pub fn value(&self, key: &str) -> Option<String> {
        self.values.get(key).map(toml::Value::to_string)
    }
}

fn scalars() -> impl Iterator<Item = (&'static str, Scalar)> + Clone {
    SCALARS.into_iter()
}

/// Every key, in the order of `agent.toml`.
pub fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(key, _)| *key)
}

fn settings_of(values: &toml::Table) -> Result<Settings, BadSetting> {
    // Each part was read by itself: together they are the same.
    values.clone().try_into().map_err(|error: toml::de::Error| BadSetting {
        file: "the settings".to_owned(),
        line: 0,
        what: error.message().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> SettingsFile {
        SettingsFile { name: name.to_owned(), text: text.to_owned() }
    }

    fn variable(name: &str, value: &str) -> (String, String) {
        (format!("{ENVIRONMENT_PREFIX}{name}"), value.to_owned())
    }

    #[test]
    fn what_comes_later_wins_key_by_key_and_it_is_known_where_it_stands() {
        let files = [
            file("agent.toml", "spool_max_mib = 8\ninterfaces = [\"a\"]\n[[zone]]\nid = 1\nnetworks = []\n"),
            file("10.toml", "# a comment\nspool_max_mib = 16\n\n[[zone]]\nid = 2\nnetworks = []\n"),
            file("20.toml", ""),
        ];
        let layers =
            Layers::read(&files, &[variable("SPOOL_MAX_DAYS", " 30"), variable("METRICS", "127.0.0.1:9")]).unwrap();
        let settings = layers.settings();
        assert_eq!((settings.spool_max_mib, settings.spool_max_days), (Some(16), Some(30)));
        assert_eq!(settings.interfaces, ["a"], "what is not named again stays");
        assert_eq!(settings.zones.iter().map(|zone| zone.id).collect::<Vec<_>>(), [2], "tables are replaced whole");
        let said = |key: &str| layers.origin(key).map(ToString::to_string);
        assert_eq!(said("spool_max_mib").as_deref(), Some("10.toml, line 2"));
        assert_eq!(said("zone").as_deref(), Some("10.toml, line 4"));
        assert_eq!(said("interfaces").as_deref(), Some("agent.toml, line 2"));
        assert_eq!(said("spool_max_days").as_deref(), Some("$VARDE_AGENT_SPOOL_MAX_DAYS"));
        assert_eq!((said("proxy"), layers.value("proxy")), (None, None));
        assert_eq!(layers.value("metrics").as_deref(), Some("\"127.0.0.1:9\""));
        assert_eq!(layers.files(), ["agent.toml", "10.toml", "20.toml"]);
    }

    #[test]
    fn a_refused_setting_says_in_which_file_or_variable_it_stands() {
        let good = file("agent.toml", "spool_max_mib = 8\n");
        for (drop_in, said) in [
            (
                "\nspol_max_mib = 9",
                "x.toml, line 2: there is no setting \"spol_max_mib\"; did you mean \"spool_max_mib\"?",
            ),
            ("spool_max_mib = 1", "x.toml, line 1: spool_max_mib = 1; give whole MiB"),
            ("\n\nproxy_credentials = \"x\"", "x.toml, line 3: there is no proxy"),
        ] {
            let bad = Layers::read(&[good.clone(), file("x.toml", drop_in)], &[]).unwrap_err();
            assert!(bad.to_string().contains(said), "{bad}");
        }
        // A value that another replaces is held against what is right all the same.
        assert!(Layers::read(&[file("x.toml", "spool_max_mib = 1"), good.clone()], &[]).is_err());
        // One file may complete another.
        let parts = [file("a", "proxy_credentials = \"x\""), file("b", "proxy = \"http://p:1\"")];
        assert!(Layers::read(&parts, &[]).is_ok());
        for (name, value, said) in [
            ("SPOOL_MAX_MIB", "1", "$VARDE_AGENT_SPOOL_MAX_MIB: spool_max_mib = 1; give whole MiB"),
            ("SPOOL_MAX_MIB", "many", "$VARDE_AGENT_SPOOL_MAX_MIB: spool_max_mib = \"many\""),
            (
                "SPOL_MAX_MIB",
                "9",
                "$VARDE_AGENT_SPOL_MAX_MIB: there is no setting \"spol_max_mib\"; did you mean \"spool_max_mib\"?",
            ),
            ("INTERFACES", "a", "holds several values"),
            ("PROXY_CREDENTIALS", "x", "$VARDE_AGENT_PROXY_CREDENTIALS: there is no proxy"),
        ] {
            let bad = Layers::read(std::slice::from_ref(&good), &[variable(name, value)]).unwrap_err();
            assert!(bad.to_string().contains(said), "{bad}");
        }
        for line in ["proxy \"http://me:secret@p:1\"", "http://me:secret@p:1"] {
            let bad = Layers::read(&[file("x.toml", line)], &[]).unwrap_err().to_string();
            assert!(bad.starts_with("x.toml, line 1") && !bad.contains("secret"), "{bad}");
        }
        let bad = Layers::read(&[], &[variable("PROXY", "http://me:secret@p:1")]).unwrap_err();
        assert!(!bad.to_string().contains("secret"), "{bad}");
    }

    #[test]
    fn every_variable_that_the_packages_name_is_a_setting() {
        let packaging = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/agent");
        for path in [&packaging, &packaging.join("debian"), &packaging.join("rpm")] {
            for entry in std::fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                let text = if path.is_file() { std::fs::read_to_string(&path).unwrap() } else { String::new() };
                for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                    let Some(key) = word.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
                    let known = scalars().any(|(scalar, _)| scalar == key.to_ascii_lowercase());
                    assert!(known, "{word} in {}", path.display());
                }
            }
        }
    }

    #[test]
    fn every_key_holds_one_value_or_several() {
        let several = ["interfaces", "inside", "resolvers", "dns_ports", "sinkholes", "site", "zone"];
        for key in keys() {
            let one = scalars().any(|(scalar, _)| scalar == key);
            assert_ne!(one, several.contains(&key), "{key}");
        }
        assert_eq!(scalars().count() + several.len(), keys().count());
    }
}
