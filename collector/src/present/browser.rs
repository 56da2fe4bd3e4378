//! What a browser says it is, as its owner knows it again: «Firefox 140, Windows».

/// By which word it is known, the particular before the general: almost all of them call themselves Mozilla, and most Chrome and Safari too.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];
/// The same of systems: an Android is a Linux too, and an iPad «like Mac OS X».
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// In a few words; what is none of those known stays as it is.
pub fn short(program: &str) -> String {
    let browser = BROWSERS.iter().find_map(|(word, name)| {
        let (_, rest) = program.split_once(word)?;
        let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!version.is_empty()).then(|| format!("{name} {version}"))
    });
    let system = SYSTEMS.iter().find(|(word, _)| program.contains(word)).map(|(_, name)| *name);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(browser), None) => browser,
        (None, _) => program.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_again_and_what_is_none_stays_as_it_is() {
        for (program, shown) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox 140, Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
                "Edge 141, Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
                "Chrome 141, Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
                "Safari 18, iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari 18, macOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
                "Chrome 141, Android",
            ),
            ("curl/8.14.1", "curl/8.14.1"),
            ("Firefox/", "Firefox/"),
            ("<script>", "<script>"),
            ("", ""),
        ] {
            assert_eq!(short(program), shown);
        }
    }
}
