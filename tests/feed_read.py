# Reads our MISP feed as a server that pulls it does, and says what it finds: what stands, what is gone, each attribute's name, each event's time.
import hashlib, json, sys, requests
from pymisp import MISPEvent
base, token, ca = sys.argv[1:]
LOOKS = 50
def get(name):
    reply = requests.get(f"{base}/feed/misp/{name}", auth=("misp", token), verify=ca, timeout=60)
    reply.raise_for_status()
    return reply
def whole():
    # The feed is made anew whenever what it shows changes, also between two requests: what stands under one manifest is what was read between two equal ones.
    for _ in range(LOOKS):
        manifest = get("manifest.json").json()
        hashes = set(get("hashes.csv").text.split())
        events = {uuid: get(f"{uuid}.json").json() for uuid in manifest}
        if get("manifest.json").json() == manifest:
            return manifest, hashes, events
    sys.exit(f"the manifest was another each time, {LOOKS} times")
manifest, hashes, events = whole()
seen, gone, uuids, times = [], [], {}, {}
for uuid, line in manifest.items():
    event = MISPEvent()
    event.load(events[uuid])
    times[event.info] = int(line["timestamp"])
    assert event.uuid == uuid and int(event.timestamp.timestamp()) == int(line["timestamp"]), uuid
    assert event.info == line["info"] and event.Orgc.name == line["Orgc"]["name"], uuid
    assert [tag.name for tag in event.tags] == [tag["name"] for tag in line["Tag"]], uuid
    for attribute in event.attributes:
        assert attribute.to_ids != attribute.deleted, attribute.value
        assert int(attribute.timestamp.timestamp()) == int(line["timestamp"]), attribute.value
        if attribute.deleted:
            assert not any(f"{digest},{uuid}" in hashes for digest in attribute.hash_values("md5")), attribute.value
            gone.append([event.info, attribute.uuid, attribute.type, attribute.value])
            continue
        uuids.setdefault(attribute.value, attribute.uuid)
        for digest in attribute.hash_values("md5"):
            assert f"{digest},{uuid}" in hashes, attribute.value
        seen.append([event.info, attribute.type, attribute.value, sorted(tag.name for tag in attribute.tags)])
print(json.dumps({"seen": sorted(seen), "gone": sorted(gone), "uuids": uuids, "times": times}))
