//! `varde-collector indicator list` and `show`: what is looked for, and who says so.

use anyhow::bail;
use serde::Serialize;
use varde_common::indicator::Pattern;

use super::indicator_standing::{Standing, Standings};
use super::noted::{deed, reading};
use super::say;
use super::verdict::record_in_words;
use crate::audit::On;
use crate::intel::canonical::Details;
use crate::intel::hidden;
use crate::io::clock;
use crate::limits::{INDICATORS_LISTED, INDICATORS_LISTED_MAX};
use crate::store::indicator::IndicatorRow;
use crate::store::indicator_said::{ClaimRow, IndicatorSaid};
use crate::store::{Scope, Store};

pub(super) const LIST_HELP: &str = "By number. What is beyond --limit is told on standard error with the --after that goes on.
Keys with --json: id, indicator (\"confidential indicator ID\" where it is marked TLP:AMBER+STRICT or TLP:RED; indicator show ID --confidential), kind (domain, host, ipv4, ipv6, network, ja4), sources, threat, confidence (0-100), severity, tlp, pap, valid_from, valid_until (where every source names an end), exercise, received_at, published_at (first publication), published_in (its list), withdrawn_at (since when no source says so any more), recalled_at and recalled_why (kept out of every list since then; varde-collector recall), in_list (the newest list for all where it has it, else the newest of another channel that has it; null = in no list that is in force), in_channel (that other channel), expires_at (until when sensors look for it, by that list; null where it is in none, or has no end there), next_expires_at (until when they would by a list that is made now; null where it would not be in it), left_out (why it would not: lint: RULE, expired, withdrawn, recalled, tlp-red, fingerprint), braked_until (until when it is counted only, by indicator brake), told_together_by (how many sensors tell further hosts of it together now, because it met too many).
In the table EXPIRES is expires_at and LIST is in_list; what the next publish would change stands behind \"next:\". Times are RFC 3339 UTC; what is not is null.";

pub(super) const SHOW_HELP: &str = "What it comes to, and each claim: what one object of a source says of it. Of one that is marked TLP:AMBER+STRICT or TLP:RED its value, note, url and object are left out, and what else names it, unless --confidential is given. Those that stand come before those that were withdrawn, the newest first, 200 at most.
Keys with --json: those of indicator list, source_records (of each source that names it or did: source, shown = its indicators that were ever published, hits = those of them with alerts, confirmed and false_positives = verdicts), claims_total and claims, of each: source, object_id (null = a list without names), modified_at (the object's version), threat, confidence, severity, tlp, pap, valid_from, valid_until, exercise (null = not said), techniques, tags, measures, note, url, of_url (true = only the host of this URL is looked for), cut (true = the source wrote more than is kept; these are left out where they are empty), object (as the source sent it), received_at (first said), renewed_at (last said), withdrawn_at, withdrawn_why. Times are RFC 3339 UTC.
Exit: 0 it is shown, 1 there is none, 2 wrong usage.";

/// Arguments of `indicator list`.
#[derive(Debug, clap::Args)]
pub struct ListArguments {
    /// How many, at most.
    #[arg(long, default_value_t = INDICATORS_LISTED, value_parser = clap::value_parser!(u32).range(1..=i64::from(INDICATORS_LISTED_MAX)))]
    pub limit: u32,
    /// Only those with a greater ID.
    #[arg(long, value_name = "ID", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    pub after: i64,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `indicator show`.
#[derive(Debug, clap::Args)]
pub struct ShowArguments {
    /// Its ID, as listed; or itself.
    pub indicator: String,
    /// With its value, and all that its sources wrote, also where few may read that; it stands in the audit.
    #[arg(long)]
    pub confidential: bool,
    /// Print it as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Lists them.
///
/// # Errors
/// The database's own.
pub(super) async fn list(store: &Store, arguments: &ListArguments) -> anyhow::Result<()> {
    let ListArguments { limit, after, json } = *arguments;
    let mut rows = store.indicator_page(Scope::Operator, after, i64::from(limit) + 1).await?;
    let is_more = rows.len() > usize::try_from(limit)?;
    rows.truncate(usize::try_from(limit)?);
    let standings = Standings::of_rows(store, &rows, clock::now()).await?;
    let standings: Vec<Standing> = rows.iter().map(|row| standings.of(row)).collect();
    for row in &mut rows {
        row.indicator = hidden::told(row.id, &row.indicator, hidden::read(&row.tlp));
    }
    print(&rows, standings, after, json)?;
    if let (true, Some(last)) = (is_more, rows.last()) {
        say::aside(&format!("There are more: --after {}, or --limit N, up to {INDICATORS_LISTED_MAX}.", last.id));
    }
    Ok(())
}

/// What is stored of one, and how it stands with it.
#[derive(Serialize)]
struct Whole<'a, T> {
    #[serde(flatten)]
    stored: &'a T,
    #[serde(flatten)]
    standing: Standing,
}

fn print(rows: &[IndicatorRow], standings: Vec<Standing>, after: i64, json: bool) -> anyhow::Result<()> {
    let whole = |(row, standing)| Whole { stored: row, standing };
    let indicators: Vec<Whole<'_, IndicatorRow>> = rows.iter().zip(standings).map(whole).collect();
    let row = |Whole { stored: row, standing }: &Whole<'_, IndicatorRow>| {
        let [ends, list] = standing.cells();
        vec![
            row.id.to_string(),
            row.indicator.clone(),
            row.kind.clone(),
            row.severity.to_owned(),
            row.confidence.to_string(),
            row.tlp.clone(),
            row.threat.clone().unwrap_or_else(|| "-".to_owned()),
            row.sources.join(", "),
            say::moment(row.received_at.into()),
            ends,
            list,
        ]
    };
    let heads =
        ["ID", "INDICATOR", "KIND", "SEVERITY", "SURE", "TLP", "THREAT", "SOURCE", "RECEIVED", "EXPIRES", "LIST"];
    let nothing = match after {
        0 => "No indicators yet. Load a list with: varde-collector indicator import FILE",
        _ => "No indicators beyond that.",
    };
    say::rows(&indicators, json, &heads, row, nothing)
}

/// Shows one.
///
/// # Errors
/// There is none; the database's own.
pub(super) async fn show(store: &Store, arguments: &ShowArguments) -> anyhow::Result<()> {
    let id = match (arguments.indicator.parse::<i64>(), arguments.indicator.parse::<Pattern>()) {
        (Ok(id), _) => Some(id),
        (Err(_), Ok(pattern)) => {
            store.indicator_named(Scope::Operator, &pattern.to_plain()).await?.map(|named| named.id)
        }
        (Err(_), Err(_)) => None,
    };
    let said = match id {
        Some(id) => store.indicator_said(Scope::Operator, id).await?,
        None => None,
    };
    let Some(mut said) = said else {
        bail!("there is no such indicator; varde-collector indicator list shows those there are, by ID")
    };
    let standings = Standings::of_rows(store, std::slice::from_ref(&said.indicator), clock::now()).await?;
    let standing = standings.of(&said.indicator);
    let id = said.indicator.id;
    let is_hidden = !arguments.confidential && hidden::is_secret(hidden::read(&said.indicator.tlp));
    if arguments.confidential {
        let showing = deed("indicator show", On::Thing(format!("indicator {id}"))).becomes("shown, with its value");
        reading(store, showing).await?;
    }
    if is_hidden {
        hide(&mut said);
        say::aside(&format!(
            "It is for few: to see what it is and what its sources wrote, which stands in the audit then: varde-collector indicator show {id} --confidential"
        ));
    }
    match arguments.json {
        true => say::result(&serde_json::to_string(&Whole { stored: &said, standing })?),
        false => say::result(&in_words(&said, &standing).join("\n")),
    }
}

/// Takes out whatever is its value, or may say it.
pub(super) fn hide(said: &mut IndicatorSaid) {
    let IndicatorSaid { indicator, claims, .. } = said;
    let value = indicator.indicator.trim_start_matches('=').to_ascii_lowercase();
    indicator.indicator = hidden::told(indicator.id, &indicator.indicator, hidden::read(&indicator.tlp));
    let names = |text: &String| text.to_ascii_lowercase().contains(&value);
    indicator.threat = indicator.threat.take().filter(|threat| !names(threat));
    for claim in claims {
        (claim.object, claim.details.note, claim.details.url) = (None, None, None);
        claim.threat = claim.threat.take().filter(|threat| !names(threat));
        claim.object_id = claim.object_id.take().filter(|id| !names(id));
        let Details { techniques, tags, measures, .. } = &mut claim.details;
        for texts in [techniques, tags, measures] {
            texts.retain(|text| !names(text));
        }
    }
}

fn in_words(said: &IndicatorSaid, standing: &Standing) -> Vec<String> {
    let IndicatorSaid { indicator, claims, claims_total, source_records } = said;
    let IndicatorRow { id, indicator: pattern, kind, sources: _, threat, confidence, severity, tlp, pap, .. } =
        indicator;
    let mut lines = vec![format!("{id}  {pattern}  ({kind})")];
    let exercise = indicator.exercise.then(|| "yes".to_owned());
    let published = match (indicator.published_at, indicator.published_in) {
        (Some(at), Some(list)) => Some(format!("{}, first in list {list}", say::moment(Some(at)))),
        (_, _) => None,
    };
    for (what, value) in [
        ("marked", Some(tlp.clone())),
        ("marked", pap.clone()),
        ("severity", Some((*severity).to_owned())),
        ("sure", Some(confidence.to_string())),
        ("threat", threat.clone()),
        ("holds from", indicator.valid_from.map(|at| say::moment(Some(at)))),
        ("holds until", indicator.valid_until.map(|at| say::moment(Some(at)))),
        ("exercise", exercise),
        ("received", Some(say::moment(Some(indicator.received_at)))),
        ("published", published),
        ("recalled", indicator.recalled_at.map(|at| say::moment(Some(at)))),
        ("because", indicator.recalled_why.clone()),
        ("withdrawn", indicator.withdrawn_at.map(|at| say::moment(Some(at)))),
    ] {
        lines.extend(value.map(|value| line("  ", what, value)));
    }
    lines.extend(standing.lines().into_iter().map(|(what, value)| line("  ", what, value)));
    lines.extend(source_records.iter().map(|record| line("  ", "record", record_in_words(record))));
    for claim in claims {
        lines.push(String::new());
        lines.extend(of_claim(claim));
    }
    let more = claims_total.saturating_sub(i64::try_from(claims.len()).unwrap_or(i64::MAX));
    if more > 0 {
        lines.push(format!("\n{more} more are older or withdrawn, and not shown."));
    }
    lines
}

fn of_claim(claim: &ClaimRow) -> Vec<String> {
    let Details { techniques, tags, measures, note, url, of_url, cut, first_seen, last_seen } = &claim.details;
    let mut lines = vec![say::printable(claim.source.clone())];
    let listed = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(", "));
    let moment = |at| say::moment(Some(at));
    for (what, value) in [
        ("object", claim.object_id.clone()),
        ("version", claim.modified_at.map(moment)),
        ("marked", claim.tlp.map(str::to_owned)),
        ("marked", claim.pap.map(str::to_owned)),
        ("severity", claim.severity.map(str::to_owned)),
        ("sure", claim.confidence.map(|sure| sure.to_string())),
        ("threat", claim.threat.clone()),
        ("holds from", claim.valid_from.map(moment)),
        ("holds until", claim.valid_until.map(moment)),
        ("exercise", claim.exercise.map(|is| if is { "yes" } else { "no" }.to_owned())),
        ("techniques", listed(techniques)),
        ("tags", listed(tags)),
        ("measures", listed(measures)),
        ("note", note.clone()),
        (if *of_url { "host of" } else { "more at" }, url.clone()),
        ("seen first", first_seen.map(moment)),
        ("seen last", last_seen.map(moment)),
        ("cut", cut.then(|| "the source wrote more than is kept".to_owned())),
        ("first said", Some(moment(claim.received_at))),
        ("last said", Some(moment(claim.renewed_at))),
        ("withdrawn", claim.withdrawn_at.map(moment)),
        ("because", claim.withdrawn_why.clone()),
        ("as it came", claim.object.clone()),
    ] {
        lines.extend(value.map(|value| line("  ", what, value)));
    }
    lines
}

fn line(indent: &str, what: &str, value: String) -> String {
    format!("{indent}{what:<12} {}", say::printable(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::{About, Found, Object};
    use varde_common::time::Timestamp;

    #[tokio::test]
    async fn an_indicator_is_found_by_its_number_and_by_itself_and_foreign_text_steers_no_terminal() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let mut found = Found::bare("=www.evil.example".parse().unwrap());
        let text = Some("{\u{1b}[2J}".to_owned());
        found.object = Object { id: "indicator--1".into(), modified: Some(Timestamp(1)), text };
        found.about = About { confidence: Some(70), ..About::default() };
        found.about.details.measures = vec!["Steng i brannmuren".into()];
        store.take_in("NCSC", &[found], Timestamp(1)).await.unwrap();
        for name in ["1", "=www.evil.example", "=WWW.evil.example."] {
            let arguments = ShowArguments { indicator: name.to_owned(), confidential: false, json: false };
            show(&store, &arguments).await.unwrap();
        }
        for name in ["2", "www.evil.example", "not an indicator"] {
            let arguments = ShowArguments { indicator: name.to_owned(), confidential: false, json: true };
            assert!(show(&store, &arguments).await.unwrap_err().to_string().contains("indicator list"), "{name}");
        }
        let said = store.indicator_said(Scope::Operator, 1).await.unwrap().unwrap();
        let standings = Standings::of_rows(&store, std::slice::from_ref(&said.indicator), clock::now()).await.unwrap();
        let standing = standings.of(&said.indicator);
        let text = in_words(&said, &standing).join("\n");
        for part in ["1  =www.evil.example  (host)", "NCSC", "indicator--1", "Steng i brannmuren", "70", "{\\u{1b}[2J}"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("looked for   in no list yet"), "{text}");
        let json = serde_json::to_value(Whole { stored: &said, standing }).unwrap();
        assert!(text.contains("NCSC: 0 published, 0 of them with alerts, 0 verdicts confirmed it"), "{text}");
        for key in json["source_records"][0].as_object().unwrap().keys() {
            assert!(SHOW_HELP.contains(key.as_str()), "{key} stands in the help");
        }
        for key in json["claims"][0].as_object().unwrap().keys().chain(json.as_object().unwrap().keys()) {
            assert!(SHOW_HELP.contains(key.as_str()) || LIST_HELP.contains(key.as_str()), "{key} stands in the help");
        }
    }

    #[tokio::test]
    async fn indicators_are_listed_page_by_page() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let found: Vec<Found> = (0..7).map(|n| Found::bare(format!("n{n}.example").parse().unwrap())).collect();
        store.take_in("one", &found, Timestamp(1)).await.unwrap();
        store.take_in("two", &found[3..4], Timestamp(2)).await.unwrap();
        let (mut pages, mut after) = (Vec::new(), 0);
        while let Some(last) = {
            let page = store.indicator_page(Scope::Operator, after, 3).await.unwrap();
            pages.push(page.iter().map(|row| row.sources.join("+")).collect::<Vec<_>>());
            page.last().map(|row| row.id)
        } {
            after = last;
        }
        assert_eq!(pages, [vec!["one"; 3], vec!["one+two", "one", "one"], vec!["one"], vec![]]);
        list(&store, &ListArguments { limit: 3, after: 3, json: true }).await.unwrap();
    }
}
