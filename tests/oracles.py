"""What programs of others say, for tests/tests/oracles.rs; run by the Python of tests/src/python.rs.

patterns FILE   a JSON list of STIX patterns in; for each whether stix2-patterns takes it, null where it falls over
misp FOLDER     PyMISP writes events: one.json, list.json, and a feed in feed/
stix FILE       stix2 writes a bundle; what stix2-validator says of it
"""

import json
import sys
from datetime import datetime, timezone
from pathlib import Path


def patterns(file):
    from stix2patterns.validator import run_validator

    verdicts = []
    for pattern in json.loads(Path(file).read_text()):
        try:
            verdicts.append(not run_validator(pattern, stix_version="2.1"))
        except Exception:  # It falls over what its own grammar takes, such as a negative place in a list.
            verdicts.append(None)
    print(json.dumps(verdicts))


def misp(folder):
    from pymisp import MISPEvent, MISPObject, MISPOrganisation
    from pymisp.tools import feed_meta_generator

    folder = Path(folder)
    feed = folder / "feed"
    feed.mkdir(parents=True)
    when = datetime(2026, 11, 1, tzinfo=timezone.utc)

    def event(uuid, info, level, tags):
        made = MISPEvent()
        made.uuid, made.info, made.threat_level_id = uuid, info, level
        made.distribution, made.analysis, made.date, made.published = 3, 2, "2026-11-01", True
        made.timestamp = made.publish_timestamp = when
        made.orgc = MISPOrganisation()
        made.orgc.name, made.orgc.uuid = "CSIRT", "2178802e-e144-5e87-adc3-cc871c05c648"
        for tag in tags:
            made.add_tag(tag)
        return made

    first = event("77cd910e-08e0-5a3d-b853-b46f67ffd8eb", "Innlogging", 1, ["tlp:amber", "PAP:RED"])
    first.add_attribute("domain", "a.example", comment="lokkeside", first_seen="2026-10-30T08:00:00Z")
    first.add_attribute("hostname", "b.example").add_tag("tlp:red")
    first.add_attribute("ip-dst", "198.51.100.23")
    first.add_attribute("ip-dst", "192.0.2.128/28")
    first.add_attribute("ip-dst", "2001:db8:bad::23")
    first.add_attribute("ip-dst|port", "198.51.100.24|8443")
    first.add_attribute("hostname|port", "c2.example.org|4443")
    first.add_attribute("domain|ip", "d.example|203.0.113.9")
    first.add_attribute("url", "https://u.example/minside/login.php?id=7")
    first.add_attribute("x509-fingerprint-sha1", "a" * 40)
    first.add_attribute("ip-src", "192.0.2.201")
    first.add_attribute("domain", "context.example", to_ids=False)
    gone = first.add_attribute("domain", "gone.example")
    gone.deleted = True
    first.add_attribute("domain", "e.example").add_proposal(type="domain", value="proposed.example")
    both = MISPObject("domain-ip")
    both.add_attribute("domain", value="o.example")
    both.add_attribute("ip", value="203.0.113.77")
    first.add_object(both)
    tags = ['misp-galaxy:mitre-intrusion-set="APT29 - G0016"', 'admiralty-scale:information-credibility="2"', "tlp:green"]
    second = event("e816de78-3be7-5659-9929-99bab0675a7f", "Uke 44", 3, tags)
    second.add_attribute("domain", "x.example")

    (folder / "one.json").write_text(first.to_json())
    (folder / "list.json").write_text(json.dumps([{"Event": json.loads(made.to_json())} for made in (first, second)]))
    for made in (first, second):
        (feed / f"{made.uuid}.json").write_text(json.dumps(made.to_feed()))
    feed_meta_generator(feed)


def stix(file):
    import stix2
    from stix2validator import ValidationOptions, validate_string

    since = "2026-01-01T00:00:00Z"
    malware = stix2.Malware(name="Emotet", is_family=True)
    first = stix2.Indicator(
        pattern="[domain-name:value = 'a.example']", pattern_type="stix", confidence=85, valid_from=since,
        indicator_types=["malicious-activity"], object_marking_refs=[stix2.TLP_AMBER],
    )
    second = stix2.Indicator(
        pattern="[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2') AND network-traffic:dst_port = 443]",
        pattern_type="stix", valid_from=since, valid_until="2027-01-01T00:00:00Z", indicator_types=["malicious-activity"],
    )
    third = stix2.Indicator(
        pattern="[url:value = 'https://u.example/x'] FOLLOWEDBY [file:name = 'x']", pattern_type="stix", valid_from=since,
        indicator_types=["malicious-activity"],
    )
    gone = stix2.Indicator(
        pattern="[domain-name:value = 'gone.example']", pattern_type="stix", valid_from=since,
        indicator_types=["malicious-activity"],
    ).revoke()
    indicates = stix2.Relationship(first, "indicates", malware)
    report = stix2.Report(
        name="Uke 44", published=since, report_types=["indicator"], object_refs=[second, third],
        object_marking_refs=[stix2.TLP_RED],
    )
    objects = [report, indicates, first, second, third, gone, malware, stix2.TLP_AMBER, stix2.TLP_RED]
    bundle = stix2.Bundle(objects).serialize()
    Path(file).write_text(bundle)
    print(json.dumps(validate_string(bundle, ValidationOptions(version="2.1")).is_valid))


if __name__ == "__main__":
    {"patterns": patterns, "misp": misp, "stix": stix}[sys.argv[1]](sys.argv[2])
