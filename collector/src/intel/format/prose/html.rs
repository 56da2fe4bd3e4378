//! The text of an HTML mail: with an end of line where one is seen on a screen, or two cells of a table would become one name; and
//! with what its links lead to.

use mail_parser::decoders::html::html_to_text;

/// Elements within a line: what stands before and behind them may be one word.
const IN_LINE: [&str; 23] = [
    "a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "samp", "small",
    "span", "strong", "sub", "sup", "tt", "u",
];

/// Of a tag no more is looked at for what it leads to.
const TAG_MAX_OCTETS: usize = 4_096;

/// The text.
pub(super) fn text_of(html: &str) -> String {
    let mut broken = String::with_capacity(html.len() + html.len() / 8);
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('<') {
        broken.push_str(before);
        let name = behind.strip_prefix('/').unwrap_or(behind);
        let name = name.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap_or_default();
        let is_in_line = IN_LINE.iter().any(|element| element.eq_ignore_ascii_case(name));
        if !is_in_line && !name.is_empty() && !name.eq_ignore_ascii_case("wbr") {
            broken.push_str("<br>");
        }
        if name.eq_ignore_ascii_case("a")
            && let Some(link) = link_of(behind)
        {
            broken.push_str(" &lt;");
            broken.push_str(link);
            broken.push_str("&gt; ");
        }
        broken.push('<');
        rest = behind;
    }
    broken.push_str(rest);
    html_to_text(&broken)
}

/// What a link's tag leads to, where that is a place on the net; still with HTML's own escapes.
fn link_of(tag: &str) -> Option<&str> {
    let end = tag.bytes().take(TAG_MAX_OCTETS).position(|octet| octet == b'>')?;
    let tag = tag.get(..end)?;
    let at = tag.to_ascii_lowercase().find("href")?;
    let value = tag.get(at + 4..)?.trim_start().strip_prefix('=')?.trim_start();
    let link = match value.strip_prefix(['"', '\'']) {
        Some(inner) => inner.split(['"', '\'']).next()?,
        None => value.split_whitespace().next()?,
    };
    (link.contains("://") && !link.contains(['<', '>'])).then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_never_become_one_name_and_links_are_told() {
        let text = text_of(
            "<html><head><style>.a{color:red}</style></head><body><p>Blokker <b>evil</b>[.]example</p>\
             <table><tr><td>a[.]example</td><td>c2</td></tr></table><div>b&#91;.]example</div>\
             <a href=\"https://nsm.example/x?a=1&amp;b=2\">Les mer</a><script>var x='bad.example';</script></body></html>",
        );
        assert!(text.contains("evil[.]example"), "{text}");
        assert!(text.lines().any(|line| line.trim() == "a[.]example"), "{text}");
        assert!(text.lines().any(|line| line.trim() == "b[.]example"), "{text}");
        assert!(text.contains("<https://nsm.example/x?a=1&b=2>"), "{text}");
        assert!(!text.contains("bad.example") && !text.contains("color"), "{text}");
    }
}
