#!/usr/bin/env python3
"""What varde-agent sees in captures, held against what tshark sees in them; see differential.sh."""

import argparse
import collections
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

# Both tools are told to put together what can be put together.
TOGETHER = [
    "ip.defragment:TRUE",
    "ipv6.defragment:TRUE",
    "tcp.desegment_tcp_streams:TRUE",
    "tcp.reassemble_out_of_order:TRUE",
    "gtp.dissect_tpdu_as:TPDU",
    "nameres.network_name:FALSE",
]
# A second look without that, for what is told of the beginning of a packet that never became whole.
APART = [
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "nameres.network_name:FALSE",
]
# Ports that tshark does not know by itself.
DECODE_AS = ["udp.port==8472,vxlan", "udp.port==4754,gre"]
# Lines printed of one file; the rest is counted.
SHOWN = 25
# Answers the agent reads of one message.
ANSWERS_MAX = 64
TYPES = {1: "A", 5: "CNAME", 28: "AAAA"}
LINK_LAYERS = {"1", "4", "7", "15", "19", "25", "28", "50", "113", "129", "130", "210"}


def names_alike(name):
    """A name in a form that does not depend on how a program writes odd octets."""
    name = "." if name in ("<Root>", "") else name.lower()
    name = name.rstrip(".") or "."
    return re.sub(r"(\\\d{3}|\\.|[^a-z0-9._-])+", "?", name)


class Seen:
    """What one program saw in one file: sets of things by kind, and what tshark says of the frames they stood in."""

    def __init__(self):
        self.things = collections.defaultdict(set)
        self.remarks = collections.defaultdict(set)

    def add(self, kind, thing, remarks=()):
        self.things[kind].add(thing)
        self.remarks[(kind, thing)].update(remarks)


def is_grease(number):
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def ja4(transport, version, versions, ciphers, extensions, alpn, signatures, has_name):
    """FoxIO's JA4 of a TLS client, from the fields of its hello."""
    versions = [one for one in versions if not is_grease(one)]
    ciphers = [one for one in ciphers if not is_grease(one)]
    extensions = [one for one in extensions if not is_grease(one)]
    signatures = [one for one in signatures if not is_grease(one)]
    highest = max(versions) if versions else version
    word = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}.get(highest, "00")
    first = alpn[0].encode("utf-8", "surrogateescape") if alpn else b""
    if not first:
        ends = "00"
    elif chr(first[0]).isalnum() and first[0] < 128 and chr(first[-1]).isalnum() and first[-1] < 128:
        ends = chr(first[0]) + chr(first[-1])
    else:
        ends = first.hex()[0] + first.hex()[-1]
    start = "%s%s%s%02d%02d%s" % (
        "q" if transport == "quic" else "t",
        word,
        "d" if has_name else "i",
        min(len(ciphers), 99),
        min(len(extensions), 99),
        ends,
    )

    def short(text):
        return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12

    listed = ",".join(sorted("%04x" % one for one in ciphers))
    others = ",".join(sorted("%04x" % one for one in extensions if one not in (0, 16)))
    if signatures and extensions:
        others += "_" + ",".join("%04x" % one for one in signatures)
    return "_".join([start, short(listed), short(others)])


def number(text):
    try:
        return int(text, 0)
    except (TypeError, ValueError):
        return 0


def direct(element, name):
    """The value of a field right below an element."""
    for field in element:
        if field.get("name") == name:
            return field.get("show")
    return None


class Tshark:
    """Reads tshark's PDML: one packet after another, each layer inside the one before."""

    def __init__(self, seen):
        self.seen = seen
        self.frames = 0

    def packet(self, packet):
        self.frames += 1
        remarks = set()
        text = {field.get("name") for field in packet.iter("field")} | {proto.get("name") for proto in packet.iter("proto")}
        if "_ws.malformed" in text:
            remarks.add("tshark calls the frame malformed")
        if "_ws.short" in text:
            remarks.add("the frame is cut short")
        if "tcp.analysis.lost_segment" in text or "tcp.analysis.ack_lost_segment" in text:
            remarks.add("segments before it are missing in the capture")
        ends, ports, within_icmp = None, None, False
        for proto in packet:
            name = proto.get("name")
            if name == "frame":
                link = direct(proto, "frame.encap_type")
                if link not in LINK_LAYERS:
                    remarks.add("the agent reads no link layer of tshark's number %s" % link)
                if number(direct(proto, "frame.cap_len")) < number(direct(proto, "frame.len")):
                    remarks.add("the frame is cut short")
            elif name in ("ip", "ipv6"):
                ends = (direct(proto, name + ".src"), direct(proto, name + ".dst"))
            elif name in ("udp", "tcp"):
                ports = (number(direct(proto, name + ".srcport")), number(direct(proto, name + ".dstport")))
            elif name in ("icmp", "icmpv6"):
                within_icmp = True
            elif within_icmp or ends is None or ports is None:
                continue
            elif name == "dns":
                self.dns(proto, ends, ports, remarks)
            elif name in ("tls", "quic"):
                self.hellos(proto, name, ends, ports, remarks)
            elif name == "http":
                for field in proto.iter("field"):
                    if field.get("name") == "http.host":
                        thing = (ends[0], ports[0], ends[1], ports[1], field.get("show", "").lower())
                        self.seen.add("http", thing, remarks)

    def dns(self, proto, ends, ports, remarks):
        flags = next((field for field in proto if field.get("name") == "dns.flags"), None)
        if flags is None or 53 not in ports or number(direct(flags, "dns.flags.opcode")) != 0:
            return
        question = next((field for field in proto.iter("field") if field.get("name") == "dns.qry.name"), None)
        if question is None:
            return
        is_response = direct(flags, "dns.flags.response") in ("1", "True")
        client, server = (ends[1], ends[0]) if is_response else ends
        lookup = (client, server, number(direct(proto, "dns.id")), names_alike(question.get("show", "")))
        self.seen.add("lookup", lookup, remarks)
        if not is_response:
            return
        section = next((field for field in proto if field.get("show") == "Answers"), ())
        for place, record in enumerate(section):
            kind = TYPES.get(number(direct(record, "dns.resp.type")))
            if kind is None:
                continue
            field = {"A": "dns.a", "AAAA": "dns.aaaa", "CNAME": "dns.cname"}[kind]
            data = direct(record, field)
            if data is None:
                continue
            data = names_alike(data) if kind == "CNAME" else data
            more = {"beyond the %d answers that are read" % ANSWERS_MAX} if place >= ANSWERS_MAX else set()
            if number(direct(record, "dns.resp.class")) != 1:
                more.add("an address of another class than IN")
            self.seen.add("answer", lookup + (kind, data), remarks | more)

    def hellos(self, proto, name, ends, ports, remarks):
        for handshake in proto.iter():
            if direct(handshake, "tls.handshake.type") != "1":
                continue
            transport = "quic" if name == "quic" else "tls"

            def every(element, field):
                return [one.get("show", "") for one in element.iter("field") if one.get("name") == field]

            ciphers = [number(one) for one in every(handshake, "tls.handshake.ciphersuite")]
            extensions, signatures, versions, alpn, sni = [], [], [], [], None
            for extension in handshake.iter("field"):
                kind = direct(extension, "tls.handshake.extension.type")
                if kind is None:
                    continue
                extensions.append(number(kind))
                if number(kind) == 13:
                    signatures = [number(one) for one in every(extension, "tls.handshake.sig_hash_alg")]
                elif number(kind) == 43:
                    versions = [number(one) for one in every(extension, "tls.handshake.extensions.supported_version")]
                elif number(kind) == 16:
                    alpn = every(extension, "tls.handshake.extensions_alpn_str")
                elif number(kind) == 0:
                    sni = next(iter(every(extension, "tls.handshake.extensions_server_name")), None)
            version = number(direct(handshake, "tls.handshake.version"))
            print_ = ja4(transport, version, versions, ciphers, extensions, alpn, signatures, 0 in extensions)
            thing = (transport, ends[0], ports[0], ends[1], ports[1], names_alike(sni) if sni else None, tuple(alpn), print_)
            self.seen.add("hello", thing, remarks)


def run_tshark(path, preferences, seconds):
    """What tshark sees; none where it cannot open the file."""
    command = ["tshark", "-n", "-r", path, "-T", "pdml", "-Y", "dns || tls.handshake.type == 1 || http.host"]
    for preference in preferences:
        command += ["-o", preference]
    for rule in DECODE_AS:
        command += ["-d", rule]
    seen = Seen()
    reader = Tshark(seen)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        try:
            ended = subprocess.run(command, stdout=output, stderr=complaints, stdin=subprocess.DEVNULL, timeout=seconds)
        except subprocess.TimeoutExpired:
            return seen, "tshark took longer than %d s" % seconds
        complaints.seek(0)
        said = complaints.read().decode("utf-8", "replace").strip()
        output.seek(0)
        try:
            for _, element in xml.iterparse(output):
                if element.tag == "packet":
                    reader.packet(element)
                    element.clear()
        except xml.ParseError as error:
            if output.tell() or ended.returncode == 0:
                return seen, "tshark's output breaks off: %s" % error
    if ended.returncode == 0 or not reader.frames and said == "":
        return seen, None
    last = said.splitlines()[-1] if said else "exit %d" % ended.returncode
    return (seen if reader.frames else None), last


def run_agent(agent, path, seconds):
    """What the agent sees, and what it complains of."""
    command = [agent, "inspect", "--observations", "--json", path]
    seen = Seen()
    try:
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None, "the agent took longer than %d s" % seconds
    for line in ended.stdout.splitlines():
        it = json.loads(line)
        if it["type"] == "dns":
            lookup = (it["client"], it["server"], it["id"], names_alike(it["qname"]))
            seen.add("lookup", lookup)
            for answer in it["answers"]:
                if answer["type"] in TYPES.values() and answer["data"] is not None:
                    name = answer["type"] == "CNAME"
                    seen.add("answer", lookup + (answer["type"], names_alike(answer["data"]) if name else answer["data"]))
        elif it["type"] == "hello":
            sni = it.get("sni")
            seen.add("hello", (
                it["transport"], it["client"], it["client_port"], it["server"], it["server_port"],
                names_alike(sni) if sni else None, tuple(it.get("alpn") or ()), it.get("ja4"),
            ))
        elif it["type"] == "http":
            ends = (it["client"], it["client_port"], it["server"], it["server_port"])
            seen.add("http", ends + ((it.get("host") or "").lower(),))
    complaints = ended.stderr.decode("utf-8", "replace").strip()
    if ended.returncode < 0 or ended.returncode > 1 or "panicked" in complaints:
        return None, "the agent died (%d): %s" % (ended.returncode, complaints[-300:])
    return seen, complaints if ended.returncode else None


def shown(kind, thing):
    return "%s %s" % (kind, " ".join("-" if part is None else ",".join(part) if isinstance(part, tuple) else str(part) for part in thing))


def flow(thing):
    """The two ends, whichever kind of thing it is."""
    return frozenset(str(part) for part in thing if isinstance(part, str) and re.fullmatch(r"[0-9a-f:.]+", part) and len(part) > 2)


def compare(ours, theirs, apart, kinds):
    """Gives (what differs without a reason, what differs with one, how much was compared)."""
    unexplained, explained, compared = [], [], 0
    odd_flows = collections.defaultdict(set)
    for seen in (theirs, apart):
        for (kind, thing), remarks in seen.remarks.items():
            odd_flows[flow(thing)].update(remarks)
    for kind in kinds:
        we, they = ours.things[kind], theirs.things[kind]
        compared += len(we | they)
        for thing in sorted(they - we, key=str):
            reasons = set(theirs.remarks[(kind, thing)])
            line = "the agent lacks  " + shown(kind, thing)
            (explained if reasons else unexplained).append((line, "; ".join(sorted(reasons))))
        for thing in sorted(we - they, key=str):
            reasons = set()
            if thing in apart.things[kind]:
                reasons.add("tshark finds it only without putting packets together")
            reasons |= {one for one in odd_flows[flow(thing)] if "malformed" in one or "missing" in one or "cut" in one}
            if kind in ("hello", "http") and not ({443, 80, 8080, 853, 8443} & {thing[2], thing[3], thing[4]}):
                reasons.add("tshark looks for it on other ports")
            line = "tshark lacks     " + shown(kind, thing)
            (explained if reasons else unexplained).append((line, "; ".join(sorted(reasons))))
    return unexplained, explained, compared


def is_capture(path):
    """Whether a file begins as pcap or pcapng does: tshark opens many other things, down to JSON."""
    with open(path, "rb") as file:
        start = file.read(4)
    magics = (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d", b"\xa1\xb2\xcd\x34")
    return start in magics or start[::-1] in magics or start == b"\x0a\x0d\x0d\x0a"


def files_below(places):
    for place in places:
        if os.path.isfile(place):
            yield place
        for folder, folders, names in os.walk(place):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    yield path


def main():
    parser = argparse.ArgumentParser(prog="differential.sh", description=__doc__)
    parser.add_argument("--agent", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=120, help="time for each program and file (120)")
    parser.add_argument("--all", action="store_true", help="print every difference, not the first %d of a file" % SHOWN)
    parser.add_argument("--quiet", action="store_true", help="print only files with a difference without a reason")
    parser.add_argument("place", nargs="+", metavar="DIR", help="a folder of captures, or a capture")
    options = parser.parse_args()
    for place in options.place:
        if not os.path.exists(place):
            parser.error("%s is not there" % place)
    usage = subprocess.run([options.agent, "inspect", "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    kinds = ["lookup", "answer"] + [kind for kind in ("hello", "http") if re.search(r"^ +%s +type" % kind, usage, re.M)]
    for kind in ("hello", "http"):
        if kind not in kinds:
            print("this agent tells no %s lines: not compared" % kind)
    total = collections.Counter()
    reasons = collections.Counter()
    for path in files_below(options.place):
        theirs, complaint = run_tshark(path, TOGETHER, options.seconds) if is_capture(path) else (None, "another format")
        if theirs is None:
            total["others"] += 1
            # What nobody reads must not hurt the agent either.
            seen, trouble = run_agent(options.agent, path, options.seconds)
            if seen is None:
                total["unexplained"] += 1
            if seen is None or not options.quiet:
                print("%s: no capture (%s)" % (path, trouble if seen is None else complaint))
            continue
        total["files"] += 1
        ours, trouble = run_agent(options.agent, path, options.seconds)
        if ours is None:
            total["unexplained"] += 1
            print("%s: %s" % (path, trouble))
            continue
        unexplained, explained, compared = compare(ours, theirs, Seen(), kinds)
        if unexplained or explained:
            apart, _ = run_tshark(path, APART, options.seconds)
            unexplained, explained, compared = compare(ours, theirs, apart or Seen(), kinds)
        if complaint and unexplained:
            explained += [(line, "tshark stops: " + complaint) for line, _ in unexplained if line.startswith("tshark")]
            unexplained = [one for one in unexplained if not one[0].startswith("tshark")]
        if trouble and unexplained and complaint:
            explained += [(line, "both stop at the same file's fault") for line, _ in unexplained]
            unexplained = []
        total["compared"] += compared
        total["unexplained"] += len(unexplained)
        total["explained"] += len(explained)
        reasons.update(reason for _, reason in explained)
        if options.quiet and not unexplained:
            continue
        counts = ", ".join("%d %s" % (len(theirs.things[kind]), kind) for kind in kinds)
        print("%s: %s; %d differ, %d of them with a reason" % (path, counts, len(unexplained) + len(explained), len(explained)))
        for note in [one for one in (complaint and "tshark: " + complaint, trouble and "agent: " + trouble.splitlines()[0]) if one]:
            print("    " + note)
        lines = ["  ! " + line for line, _ in unexplained] + ["    %s (%s)" % pair for pair in explained]
        limit = len(lines) if options.all else SHOWN
        for line in lines[:limit]:
            print("  " + line)
        if len(lines) > limit:
            print("    ... and %d more" % (len(lines) - limit))
    for reason, count in reasons.most_common():
        print("with a reason: %d x %s" % (count, reason))
    print("total: %d files, %d compared, %d differ without a reason, %d with one; %d other files" % (
        total["files"], total["compared"], total["unexplained"], total["explained"], total["others"],
    ))
    return 1 if total["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
