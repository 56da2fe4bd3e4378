//! What findings say, in three languages: one sentence of cause, one of remedy. The texts stand in `agent/texts/`.

use fluent::concurrent::FluentBundle;
use fluent::{FluentArgs, FluentResource, FluentValue};

use super::Finding;

/// The languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Language {
    /// Bokmål.
    #[default]
    Nb,
    /// Nynorsk.
    Nn,
    /// English.
    En,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 3] = [Language::Nb, Language::Nn, Language::En];

    /// By a locale such as `nn_NO.UTF-8`, the first of these that is set. None of ours is English, and none at all bokmål.
    pub fn of_locale<'a>(locales: impl IntoIterator<Item = &'a str>) -> Language {
        let Some(locale) = locales.into_iter().find(|locale| !locale.is_empty()) else { return Language::Nb };
        match locale.split(['_', '.', '@', '-']).next().unwrap_or_default() {
            "nb" | "no" => Language::Nb,
            "nn" => Language::Nn,
            // A machine that was set up without a language says so.
            "C" | "POSIX" => Language::Nb,
            _ => Language::En,
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Language::Nb => "nb",
            Language::Nn => "nn",
            Language::En => "en",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Language::Nb => include_str!("../../texts/nb.ftl"),
            Language::Nn => include_str!("../../texts/nn.ftl"),
            Language::En => include_str!("../../texts/en.ftl"),
        }
    }
}

/// The texts of one language.
pub struct Words {
    bundle: FluentBundle<FluentResource>,
}

/// A finding in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is the matter, one sentence.
    pub cause: String,
    /// What to do about it, one sentence; none where nothing is to be done.
    pub remedy: Option<String>,
}

impl Words {
    /// The texts of a language.
    pub fn of(language: Language) -> Words {
        // A broken line is left out here and found by a test.
        let resource = match FluentResource::try_new(language.source().to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        let mut bundle = FluentBundle::new_concurrent(language.tag().parse().into_iter().collect());
        // Invisible isolation marks would land in copied text.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Words { bundle }
    }

    /// A text by its key; the key itself where there is none.
    pub fn text(&self, key: &str, values: &[(&str, String)]) -> String {
        self.find(key, None, values).unwrap_or_else(|| key.to_owned())
    }

    /// What a finding says.
    pub fn said(&self, finding: &Finding) -> Said {
        let values: Vec<(&str, String)> = finding.values.clone();
        Said { cause: self.text(finding.key, &values), remedy: self.find(finding.key, Some("remedy"), &values) }
    }

    fn find(&self, key: &str, attribute: Option<&str>, values: &[(&str, String)]) -> Option<String> {
        let message = self.bundle.get_message(key)?;
        let pattern = match attribute {
            None => message.value()?,
            Some(name) => message.get_attribute(name)?.value(),
        };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, FluentValue::from(clean(value)));
        }
        let mut errors = Vec::new();
        Some(self.bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned())
    }
}

/// Others' words (a proxy's, a certificate's) as they may stand in a terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
