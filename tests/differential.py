#!/usr/bin/env python3
"""What varde-agent sees in captures, held against what tshark sees in them; see differential.sh."""

import argparse
import collections
import hashlib
import ipaddress
import json
import os
import re
import struct
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
# Further looks where the first one differs, each with what it means when the agent's view is found only there.
LOOKS = {
    "tshark finds it only without putting packets together": [
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "tcp.desegment_tcp_streams:FALSE",
        "nameres.network_name:FALSE",
    ],
    "tshark finds it only when it does not pass over what it takes for retransmissions": [
        *TOGETHER,
        "tcp.analyze_sequence_numbers:FALSE",
    ],
    "tshark finds it only when told to go by content before ports": [
        *TOGETHER,
        "tcp.try_heuristic_first:TRUE",
        "udp.try_heuristic_first:TRUE",
    ],
}
# Ports that tshark does not know by itself.
DECODE_AS = ["udp.port==8472,vxlan", "udp.port==4754,gre"]
# So much of a stream is laid anew in packets where tshark lost the thread.
STREAM_READ_OCTETS = 1 << 16
# Lines printed of one file; the rest is counted.
SHOWN = 25
# Answers the agent reads of one message.
ANSWERS_MAX = 64
# Hellos it tells of one QUIC flow.
QUIC_HELLOS_MAX = 8
TYPES = {1: "A", 5: "CNAME", 28: "AAAA"}
LINK_LAYERS = {"1", "4", "7", "15", "19", "25", "28", "50", "113", "129", "130", "210"}


def names_alike(name):
    """A name in a form that does not depend on how a program writes odd octets."""
    name = "." if name in ("<Root>", "") else name.lower()
    name = name.rstrip(".") or "."
    return re.sub(r"(\\\d{3}|\\.|[^a-z0-9._-])+", "?", name)


# What a hello says beside who says it.
Hello = collections.namedtuple("Hello", "sni alpn ja4")
# What the parts of a JA4 stand for.
JA4_PARTS = ("version, counts or first protocol", "cipher list", "extension or signature algorithm list")
# Protocols of a hello that the agent reads.
ALPNS_MAX = 32


def host_name(octets):
    """A server name as the agent compares it: none for an address or what no host is called."""
    octets = octets[:-1] if octets.endswith(b".") else octets
    if not octets or len(octets) > 253 or any(not 0x21 <= octet <= 0x7E or octet in b":/[]@\\" for octet in octets):
        return None
    if any(not 1 <= len(label) <= 63 for label in octets.split(b".")):
        return None
    name = octets.decode("ascii").lower()
    try:
        ipaddress.ip_address(name)
        return None
    except ValueError:
        return name


def printable(octets):
    """Octets as the agent writes protocols: what is not printable ASCII as its number."""
    return "".join(chr(octet) if 0x20 <= octet <= 0x7E else "\\x%02x" % octet for octet in octets)


class Seen:
    """What one program saw in one file: sets of things by kind, and what tshark says of the frames they stood in."""

    def __init__(self):
        self.things = collections.defaultdict(set)
        self.remarks = collections.defaultdict(set)
        self.words = collections.defaultdict(list)
        self.of_flow = collections.defaultdict(set)

    def first_words(self, kind, flow, told, remarks=()):
        """What is told once of a flow, in the order of its packets."""
        if told not in self.words[(kind, flow)]:
            self.words[(kind, flow)].append(told)
        self.remarks[(kind, flow, told)].update(remarks)
        self.of_flow[flow[1:]].update(remarks)

    def count(self, kind):
        """How many things of a kind."""
        return len(self.things[kind]) + sum(len(told) for (name, _), told in self.words.items() if name == kind)

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
    first = alpn[0] if alpn else b""
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
        ends, ports, carrier, within_icmp = None, None, None, False
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
                carrier = name
                ports = (number(direct(proto, name + ".srcport")), number(direct(proto, name + ".dstport")))
            elif name in ("icmp", "icmpv6"):
                within_icmp = True
            elif within_icmp or ends is None or ports is None:
                continue
            elif name == "dns":
                self.dns(proto, ends, ports, remarks)
            elif name in ("tls", "quic"):
                self.hellos(proto, name, carrier, ends, ports, remarks)
            elif name == "http":
                self.request(proto, ends, ports, remarks)

    def request(self, proto, ends, ports, remarks):
        """The host of a request: its target names it, or its first Host field does (RFC 9112 section 3.2.2)."""
        line = next((field for field in proto.iter("field") if field.get("name") == "http.request.method"), None)
        if line is None:
            return
        target = next((field.get("show", "") for field in proto.iter("field") if field.get("name") == "http.request.uri"), "")
        host = next((field.get("show", "") for field in proto.iter("field") if field.get("name") == "http.host"), None)
        absolute = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)", target)
        if line.get("show") == "CONNECT":
            host = target
        elif absolute:
            host = absolute.group(1)
        if host is None:
            return
        version = next((field.get("show", "") for field in proto.iter("field") if field.get("name") == "http.request.version"), "")
        if not re.fullmatch(r"HTTP/1\.[0-9]", version):
            remarks = remarks | {"the request line names no version of HTTP/1 (RFC 9112 section 2.3)"}
        told = host_name(re.sub(r":\d*$", "", host.strip().rpartition("@")[2]).encode("utf-8"))
        if told is None:
            return
        self.seen.first_words("http", ("http", ends[0], ports[0], ends[1], ports[1]), told, remarks)

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

    def hellos(self, proto, name, carrier, ends, ports, remarks):
        for handshake in proto.iter():
            if direct(handshake, "tls.handshake.type") != "1":
                continue
            transport = "tls" if name == "tls" and carrier == "tcp" else "quic"

            def every(element, field):
                return [one for one in element.iter("field") if one.get("name") == field]

            def numbers(element, field):
                return [number(one.get("show", "")) for one in every(element, field)]

            def octets(element, field):
                return [bytes.fromhex(one.get("value", "")) for one in every(element, field)]

            ciphers = numbers(handshake, "tls.handshake.ciphersuite")
            extensions, signatures, versions, alpn, sni = [], [], [], [], None
            for extension in handshake:
                kind = direct(extension, "tls.handshake.extension.type")
                if kind is None:
                    continue
                extensions.append(number(kind))
                if number(kind) == 13:
                    signatures = numbers(extension, "tls.handshake.sig_hash_alg")
                elif number(kind) == 43:
                    versions = numbers(extension, "tls.handshake.extensions.supported_version")
                elif number(kind) == 16:
                    alpn = octets(extension, "tls.handshake.extensions_alpn_str")
                elif number(kind) == 0 and sni is None:
                    sni = next(iter(octets(extension, "tls.handshake.extensions_server_name")), None)
            more = set()
            if sni is not None and host_name(sni) is None:
                more.add("the server name is no host name (an address, or characters of none): the agent tells none")
            if len(alpn) > ALPNS_MAX:
                more.add("beyond the %d protocols that are read" % ALPNS_MAX)
            version = number(direct(handshake, "tls.handshake.version"))
            flow = (transport, ends[0], ports[0], ends[1], ports[1])
            told = Hello(
                sni=None if sni is None else host_name(sni) or "",
                alpn=tuple(map(printable, alpn[:ALPNS_MAX])),
                ja4=ja4(transport, version, versions, ciphers, extensions, alpn, signatures, 0 in extensions),
            )
            self.seen.first_words("hello", flow, told, remarks | more)


def run_tshark(path, preferences, seconds):
    """What tshark sees; none where it cannot open the file."""
    command = ["tshark", "-n", "-r", path, "-T", "pdml", "-Y", "dns || tls.handshake.type == 1 || http.request"]
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


TROUBLES = {
    "a frame of the flow is cut short": "frame.cap_len < frame.len",
    "segments of the flow are missing in the capture": "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment",
    "tshark calls a frame of the flow malformed": "_ws.malformed",
}


def troubles(path, seconds):
    """What is wrong with flows as tshark sees it, whether or not it shows any words of theirs."""
    seen = Seen()
    for trouble, wanted in TROUBLES.items():
        command = ["tshark", "-n", "-r", path, "-Y", "(udp || tcp) && (%s)" % wanted, "-T", "fields", "-E", "occurrence=l"]
        for field in ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"):
            command += ["-e", field]
        for rule in DECODE_AS:
            command += ["-d", rule]
        try:
            said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=seconds).stdout
        except subprocess.TimeoutExpired:
            continue
        for line in said.decode("ascii", "replace").splitlines():
            fields = line.split("\t")
            for source, destination in (fields[0:2], fields[2:4]):
                for one, other in (fields[4:6], fields[6:8]):
                    if source and one:
                        seen.of_flow[(source, number(one), destination, number(other))].add(trouble)
                        seen.of_flow[(destination, number(other), source, number(one))].add(trouble)
    return seen


def followed(path, key, told, seconds):
    """What tshark sees in a flow's octets as it puts them together itself (follow), laid in packets that follow one another."""
    kind, (_, client, client_port, server, server_port) = key
    ends = [("[%s]:%d" if ":" in address else "%s:%d") % (address, port) for address, port in ((client, client_port), (server, server_port))]
    command = ["tshark", "-n", "-q", "-r", path, "-z", "follow,tcp,raw,%s,%s" % tuple(ends)]
    for rule in DECODE_AS:
        command += ["-d", rule]
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=seconds).stdout
    except subprocess.TimeoutExpired:
        return False
    # The lines of the first end are not indented; the client may be either.
    lines = said.decode("ascii", "replace").splitlines()
    nodes = [line.split(" ", 2)[2] for line in lines if line.startswith("Node ")]
    indented = bool(nodes) and nodes[0].replace("[", "").replace("]", "") != "%s:%d" % (client, client_port)
    wanted = [line.strip() for line in lines if re.fullmatch(r"\t?[0-9a-f]+", line) and line.startswith("\t") == indented]
    octets = bytes.fromhex("".join(wanted))[:STREAM_READ_OCTETS]
    packets, place = [], 1
    for start in range(0, len(octets), 1400):
        part = octets[start : start + 1400]
        tcp = struct.pack(">HHIIBBHHH", client_port, server_port, start + 1, 1, 0x50, 0x18, 65535, 0, 0) + part
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), place, 0, 64, 6, 0, b"\n\0\0\1", b"\n\0\0\2")
        packets.append(struct.pack("<IIII", 1, start, len(ip + tcp), len(ip + tcp)) + ip + tcp)
        place += 1
    with tempfile.NamedTemporaryFile() as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + b"".join(packets))
        file.flush()
        look, _ = run_tshark(file.name, TOGETHER, seconds)
    return look is not None and any(told in words for (one, _), words in look.words.items() if one == kind)


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
            flow = (it["transport"], it["client"], it["client_port"], it["server"], it["server_port"])
            seen.first_words("hello", flow, Hello(sni=it["sni"], alpn=tuple(it["alpn"]), ja4=it["ja4"]))
        elif it["type"] == "http":
            flow = ("http", it["client"], it["client_port"], it["server"], it["server_port"])
            seen.first_words("http", flow, it["host"])
    complaints = ended.stderr.decode("utf-8", "replace").strip()
    if ended.returncode < 0 or ended.returncode > 1 or "panicked" in complaints:
        return None, "the agent died (%d): %s" % (ended.returncode, complaints[-300:])
    return seen, complaints if ended.returncode else None


def shown(kind, thing):
    return "%s %s" % (kind, " ".join("-" if part is None else ",".join(part) if isinstance(part, tuple) else str(part) for part in thing))


def flow(thing):
    """The two ends, whichever kind of thing it is."""
    return frozenset(str(part) for part in thing if isinstance(part, str) and re.fullmatch(r"[0-9a-f:.]+", part) and len(part) > 2)


def what_differs(ours, theirs):
    """Names the parts of two hellos that are not the same."""
    parts = [name for name in ("sni", "alpn") if getattr(ours, name) != getattr(theirs, name)]
    pairs = zip(JA4_PARTS, (ours.ja4 or "").split("_"), (theirs.ja4 or "").split("_"))
    return parts + [name for name, one, other in pairs if one != other]


def compare_words(kind, ours, theirs, looks, follow):
    """Holds first words against each other, flow by flow: gives (line, reasons) for each difference, and how many were compared."""
    differences, compared = [], 0
    for key in sorted({one for one in [*ours.words, *theirs.words] if one[0] == kind}, key=str):
        flow = key[1]
        we, they = ours.words.get(key, []), theirs.words.get(key, [])
        compared += len(set(we) | set(they))
        # What tshark shows of a server's name that is none, the agent shows as none.
        blank = lambda told: told._replace(sni=None) if kind == "hello" and told.sni == "" else told
        matched = {blank(told) for told in they} & set(we)
        left = [told for told in we if told not in matched]
        for place, told in enumerate(they):
            if blank(told) in matched:
                if blank(told) != told:
                    differences.append(("%s: the agent tells no sni" % shown(kind, flow), theirs.remarks[(kind, flow, told)]))
                continue
            reasons = set(theirs.remarks[(kind, flow, told)])
            is_later = kind == "hello" and any(blank(one) in matched for one in they[:place])
            if is_later and (flow[0] == "tls" or len(we) >= QUIC_HELLOS_MAX):
                reasons.add("a later hello of a flow: the agent tells the first over TLS, %d over QUIC" % QUIC_HELLOS_MAX)
            if left and kind == "hello":
                other = left.pop(0)
                line = "%s: differs in %s: agent %s, tshark %s" % (
                    shown(kind, flow), ", ".join(what_differs(other, told)), shown("", other), shown("", told))
            else:
                line = "the agent lacks  %s %s" % (shown(kind, flow), shown("", told if kind == "hello" else (told,)))
            differences.append((line, reasons))
        for told in left:
            reasons = {reason for reason, look in looks.items() if told in [blank(one) for one in look.words.get(key, [])]}
            for look in (theirs, *looks.values()):
                reasons |= look.of_flow.get(flow[1:], set())
            if not reasons and flow[0] != "quic" and follow is not None and follow(key, told):
                reasons.add("tshark finds it in the stream as it follows it, not in its packets")
            line = "tshark lacks     %s %s" % (shown(kind, flow), shown("", told if kind == "hello" else (told,)))
            differences.append((line, reasons))
    return differences, compared


def compare(ours, theirs, looks, kinds, follow=None):
    """Gives (what differs without a reason, what differs with one, how much was compared)."""
    differences, compared = [], 0
    odd_flows = collections.defaultdict(set)
    for seen in (theirs, *looks.values()):
        for key, remarks in seen.remarks.items():
            if key[0] in ("lookup", "answer"):
                odd_flows[flow(key[1])].update(remarks)
    for kind in kinds:
        if kind in ("hello", "http"):
            more, count = compare_words(kind, ours, theirs, looks, follow)
            differences += more
            compared += count
            continue
        we, they = ours.things[kind], theirs.things[kind]
        compared += len(we | they)
        for thing in sorted(they - we, key=str):
            differences.append(("the agent lacks  " + shown(kind, thing), theirs.remarks[(kind, thing)]))
        for thing in sorted(we - they, key=str):
            reasons = {reason for reason, look in looks.items() if thing in look.things[kind]}
            reasons |= {one for one in odd_flows[flow(thing)] if "malformed" in one or "missing" in one or "cut" in one}
            differences.append(("tshark lacks     " + shown(kind, thing), reasons))
    unexplained = [(line, "") for line, reasons in differences if not reasons]
    explained = [(line, "; ".join(sorted(reasons))) for line, reasons in differences if reasons]
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
        unexplained, explained, compared = compare(ours, theirs, {}, kinds)
        if unexplained:
            looks = {reason: run_tshark(path, preferences, options.seconds)[0] for reason, preferences in LOOKS.items()}
            looks = {reason: look for reason, look in looks.items() if look is not None}
            looks["troubles"] = troubles(path, options.seconds)
            unexplained, explained, compared = compare(ours, theirs, looks, kinds, lambda key, told: followed(path, key, told, options.seconds))
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
        counts = ", ".join("%d %s" % (theirs.count(kind), kind) for kind in kinds)
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
