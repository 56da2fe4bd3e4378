//! The API, by the real programs: its document is one by the rules of OpenAPI 3.1, what it answers is what the document says, key for key,
//! and a question that is wrong is told so.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually, said};
use varde_tests::python;
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

/// Asks every address of the document, and holds document and answers against the rules. Prints how many answers there were by address.
const HOLD: &str = "
import json, sys, urllib.error, urllib.request
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
base = 'http://' + sys.argv[1]
def ask(path, method='GET'):
    try:
        answer = urllib.request.urlopen(urllib.request.Request(base + path, method=method, headers={'Authorization': 'Bearer ' + sys.argv[2]}), timeout=30)
    except urllib.error.HTTPError as refused:
        answer = refused
    return answer.status, answer.headers['Content-Type'], json.loads(answer.read() or 'null')
status, kind, document = ask('/api/v1/openapi.json')
assert (status, kind) == (200, 'application/json'), (status, kind)
OpenAPIV31SpecValidator(document).validate()
def closed(schema):
    # A key that the document does not know is one too many.
    if isinstance(schema, dict):
        schema = {key: closed(within) for key, within in schema.items()}
        if 'properties' in schema:
            schema['additionalProperties'] = False
        return schema
    return [closed(within) for within in schema] if isinstance(schema, list) else schema
components = closed(document['components'])
def hold(answer, schema):
    Draft202012Validator({'components': components, **closed(schema)}, format_checker=FormatChecker()).validate(answer)
told, names = {}, {}
def asked(path, parameters, more=''):
    operation = document['paths'][path]['get']
    at = path
    for name, value in parameters.items():
        at = at.replace('{' + name + '}', str(value))
    status, kind, answer = ask(at + more)
    assert status == 200, (at, more, answer)
    hold(answer, operation['responses']['200']['content']['application/json']['schema'])
    return answer
for path, item in document['paths'].items():
    assert list(item) == ['get'], item
    if '{id}' in path:
        continue
    answer = asked(path, {})
    items = answer.get('items', [answer])
    told[path] = len(items)
    names[path] = [name for one in items for name in (one.get('id'), one.get('uuid')) if name]
    if any(parameter['name'] == 'cursor' for parameter in item['get']['parameters']):
        one_by_one, more = [], '?limit=1'
        while more:
            answer = asked(path, {}, more)
            one_by_one += answer['items']
            more = answer['next'] and '?limit=1&cursor=' + answer['next']
        assert one_by_one == items, path
    for wrong in ['?nonsense=1', '?limit=x', '?cursor=x', '?member=%27%20OR%201%3D1', '?since=%00', '?' + 'a' * 4000]:
        status, kind, problem = ask(path + wrong)
        assert (status, kind) == (400, 'application/problem+json'), (path, wrong, status, problem)
        hold(problem, {'$ref': '#/components/schemas/Problem'})
    status, kind, problem = ask(path, 'POST')
    assert (status, problem['type']) == (405, 'urn:varde:problem:method-not-allowed'), problem
for path in document['paths']:
    if '{id}' in path:
        for name in names[path.replace('/{id}', '')]:
            asked(path, {'id': name})
            told[path] = told.get(path, 0) + 1
        status, kind, problem = ask(path.replace('{id}', '99999'))
        assert (status, kind) == (404, 'application/problem+json'), problem
for path in ['/api/v1', '/api/v1/', '/api/v1/nonsense']:
    assert ask(path)[:2] == (404, 'application/problem+json'), path
print(json.dumps(told))
";

/// Two members with a campaign, and the collector running.
fn community(folder: &Path) -> Result<Collector> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo <b>'")?;
    collector.publish("vond.example\n")?;
    for (number, place) in [("3407", 1), ("0301", 2)] {
        let mut agent = Agent::new(&folder.join(number), None)?;
        agent.enroll(&collector.token(number)?)?;
        let place = Municipality { number: place };
        let mut traffic = Traffic::starting(varde_agent::io::clock::now());
        let client = SocketAddr::new(place.client(1), 40_000);
        let question = Question { id: 1, name: "vond.example", qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address("vond.example", [198, 51, 100, 9].into()));
        let file = folder.join(format!("{number}.pcap"));
        capture::write(&file, Format::USUAL, &traffic.packets)?;
        agent.start([std::ffi::OsStr::new("--capture"), file.as_os_str()])?;
        agent.wait()?;
    }
    eventually("the campaign is there", PATIENCE, || Ok((collector.campaigns()?.len() == 1).then_some(())))?;
    Ok(collector)
}

#[test]
fn api_document_and_answers_hold_against_the_rules_of_others() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = community(folder.path())?;
    let web = collector.addresses()?.web;
    collector.tamper(
        "INSERT INTO silence (id, sensor_id, kind, began_at, found_at, last_at, times, facts)
         VALUES (9, 1, 'deaf', 1, 2, 3, 1, '{\"kind\":\"deaf\",\"packets\":7}')",
    )?;
    collector.tamper(
        "INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES (1, 'indicator', '1', 5, '{\"members\":9,\"able_to_see\":20,
         \"hosts_median\":3,\"evidence_median\":\"answered\",\"half_within_s\":60,\"half_after_publication_s\":null,
         \"confidence\":50,\"confirmed\":0,\"refuted\":1}')",
    )?;
    let token = varde_tests::way_in::token(&web)?.context("no token")?;
    let mut hold = python::script(HOLD)?;
    let told: Value = said(hold.args([&web, &token]))?.ok()?.json()?.pop().context("nothing was said")?;
    let at_least = [
        ("/api/v1/campaigns", 1),
        ("/api/v1/campaigns/{id}", 2),
        ("/api/v1/incidents", 2),
        ("/api/v1/incidents/{id}", 4),
        ("/api/v1/alerts", 2),
        ("/api/v1/alerts/{id}", 4),
        ("/api/v1/indicators", 1),
        ("/api/v1/indicators/{id}", 1),
        ("/api/v1/sensors", 2),
        ("/api/v1/members", 2),
        ("/api/v1/silence", 1),
        ("/api/v1/proposals", 1),
        ("/api/v1/guards", 1),
        ("/api/v1/statistics", 2),
    ];
    for (path, least) in at_least {
        ensure!(told[path].as_u64().is_some_and(|found| found >= least), "{path}: {told}");
    }

    // What a person says by a command is what the API answers with, and a later look obeys it.
    let why = collector.ask(["why", "campaign", "1", "--json"])?.json()?.pop().context("why")?;
    ensure!(why["links"][0]["value"] == "vond.example" && why["word"].is_string(), "{why}");
    collector.ask(["campaign", "split", "1", "--incidents", "2", "--reason", "ikke det samme"])?;
    let rest = collector.ask(["noise", "list", "--json"])?.json()?;
    ensure!(rest.len() == 1 && rest[0]["numbers"]["members"] == 9, "{rest:?}");
    collector.ask(["noise", "accept", "1", "--reason", "støy"])?;
    ensure!(collector.ask(["noise", "list", "--json"])?.json()?.is_empty(), "it is settled");
    let alerts = varde_tests::community::fetch(None, &web, "/api/v1/alerts?verdict=false-positive")?;
    ensure!(alerts.contains("\"verdict\":\"false-positive\""), "{alerts}");
    let indicators = varde_tests::community::fetch(None, &web, "/api/v1/indicators?withdrawn=true")?;
    ensure!(indicators.contains("vond.example"), "{indicators}");
    collector.stop()
}
