"""What varde-agent and tshark each see in a capture, in one form; for differential.py."""

import collections
import datetime
import gzip
import hashlib
import io
import ipaddress
import json
import os
import re
import struct
import subprocess
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
# Ports that tshark does not know by itself.
DECODE_AS = ["udp.port==8472,vxlan", "udp.port==4754,gre"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# So much of a stream is looked at when tshark puts it together.
STREAM_READ_OCTETS = 1 << 16
# IPv6 extension headers (RFC 7045 section 4), as tshark calls them.
IPV6_EXTENSIONS = {"ipv6.hopopts", "ipv6.dstopts", "ipv6.routing", "ipv6.fraghdr"}
# Bounds of the agent (agent/src/limits.rs).
ANSWERS_MAX = 64
ALPNS_MAX = 32
HELLO_MAX_OCTETS = 65536
HELLO_RECORDS_MAX = 65536
GREETING_SEGMENTS_MAX = 16
QUIC_HELLOS_MAX = 8
QUIC_TRIES_MAX = 32
STREAM_IDLE_TIMEOUT_S = 120
TLS_HELLOS_MAX = 8
HTTP_HEAD_MAX_OCTETS = 65536
IPV6_EXTENSIONS_MAX = 16
SERVER_NAME_TEXT_MAX_OCTETS = 255

HELLOS_MAX = {"tls": TLS_HELLOS_MAX, "quic": QUIC_HELLOS_MAX}
TYPES = {1: "A", 5: "CNAME", 28: "AAAA"}
ADDRESS_OCTETS = {"A": 4, "AAAA": 16}
# Wrappings that tshark looks into and the agent does not, as tshark names them.
UNREAD_WRAPPINGS = {
    "6lowpan", "amt", "ayiya", "batadv", "capwap", "capwap.data", "cfp", "cmd", "esp", "etherip", "hsr", "ieee8021ah", "ipcomp",
    "l2tp", "lisp-data", "lwapp", "macsec", "mipv6", "mp", "nsh", "openvpn", "pppmux", "prp", "socks", "trill", "udplite",
    "vntag", "wg", "wlan",
}
# Link layers the agent reads, by tshark's numbers: Ethernet, PPP, raw IP, BSD loopback, PPP and Cisco's HDLC, Linux cooked 1, 2,
# raw IPv4 and IPv6.
LINK_LAYERS = {"1", "4", "7", "15", "25", "28", "50", "129", "130", "210"}
# Versions of QUIC that tshark 4.0.17 shows as nothing but data (mvfst's aliases of version 1), and those (T050, T051) of which
# it opens each packet and joins none; what the agent says of them is held against tests/src/sealed.rs instead.
TSHARK_LACKS_QUIC = {0xFACEB003, 0xFACEB004}
TSHARK_JOINS_NOT = {0x54303530, 0x54303531}
# What tshark writes where there is no name, and why the agent tells none.
NO_NAMES = {
    "<Unknown extended label>": "a label of a type that no name has any more (RFC 6891 section 5)",
    "<Name contains a pointer that loops>": "a name with a compression pointer that loops",
    "<Name too long>": "a name of more than 255 octets (RFC 1035 section 2.3.4)",
}

# What a hello says beside who says it.
Hello = collections.namedtuple("Hello", "sni alpn ja4")


def names_alike(name):
    """A name in a form that does not depend on how a program writes odd octets; from octets or from tshark's text."""
    if isinstance(name, bytes):
        return re.sub(r"[^a-z0-9._-]+", "?", name.decode("latin-1").lower()) or "."
    name = "." if name in ("<Root>", "") else name.lower()
    name = name.rstrip(".") or "."
    return re.sub(r"(\\\d{3}|\\.|[^a-z0-9._-])+", "?", name)


def agents_name(text):
    """The same of a name as the agent writes it: odd octets, and dots in labels, as decimal numbers."""
    if text == ".":
        return "."
    return names_alike(re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1])]), text.encode("ascii", "replace")))


def wire_name(octets):
    """The same of a name as it stands in a message; none where it is compressed, or no name."""
    labels, place = [], 0
    while place < len(octets):
        length = octets[place]
        if length == 0:
            return names_alike(b".".join(labels)) if place + 1 == len(octets) else None
        if length > 63:
            return None
        labels.append(octets[place + 1 : place + 1 + length])
        place += 1 + length
    return None


def printable(octets):
    """Octets as the agent writes them: what is not printable ASCII as its number."""
    return "".join(chr(octet) if 0x20 <= octet <= 0x7E else "\\x%02x" % octet for octet in octets)


def server_name(octets):
    """What a client calls its server, as the agent tells it: a name, an address, or the text of what is neither."""
    bare = octets[:-1] if octets.endswith(b".") else octets
    if not bare:
        return None
    try:
        text = bare.decode("ascii")
        return str(ipaddress.ip_address(text[1:-1] if text[0] + text[-1] == "[]" else text))
    except (UnicodeDecodeError, ValueError):
        pass
    is_odd = len(bare) > 253 or any(not 0x21 <= octet <= 0x7E or octet in b":/[]@\\" for octet in bare)
    if is_odd or any(not 1 <= len(label) <= 63 for label in bare.split(b".")):
        return printable(octets[:SERVER_NAME_TEXT_MAX_OCTETS])
    return bare.decode("ascii").lower()


def without_port(host):
    """The host of an authority: up to its first colon, unless it is an IPv6 address, with brackets or without."""
    if host.startswith("["):
        return host.partition("]")[0] + "]" if "]" in host else host
    try:
        ipaddress.IPv6Address(host)
        return host
    except ValueError:
        return host.partition(":")[0]


class Seen:
    """What one program saw in one file: things by kind, first words by flow, and what is said of the frames they stood in."""

    def __init__(self):
        self.things = collections.defaultdict(set)
        self.words = collections.defaultdict(list)
        # Of each time a thing was seen: remarks on it.
        self.remarks = collections.defaultdict(list)
        # When, microseconds since 1970.
        self.times = collections.defaultdict(list)
        self.headless = set()
        # Whether a full table let something go.
        self.let_go = False

    def first_words(self, kind, flow, told, remarks=(), time=None):
        """What a client says of itself in a flow, in the order of its packets."""
        if told not in self.words[(kind, flow)]:
            self.words[(kind, flow)].append(told)
        self.remarks[(kind, flow, told)].append(list(remarks))
        self.times[(kind, flow, told)].append(time)

    def add(self, kind, thing, remarks=(), time=None):
        self.things[kind].add(thing)
        self.remarks[(kind, thing)].append(list(remarks))
        self.times[(kind, thing)].append(time)

    def count(self, kind):
        """How many things of a kind."""
        return len(self.things[kind]) + sum(len(told) for (name, _), told in self.words.items() if name == kind)

    def remark(self, *key):
        """A reason to do without the thing: only where every time it was seen has one."""
        each = self.remarks.get(key, [])
        return each[0][0] if each and all(each) else None


def is_grease(number):
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def ja4(transport, version, versions, ciphers, extensions, alpn, signatures, has_name):
    """FoxIO's JA4 of a TLS client, from the fields of its hello."""
    highest = version if versions is None else max([one for one in versions if not is_grease(one)], default=0)
    ciphers = [one for one in ciphers if not is_grease(one)]
    extensions = [one for one in extensions if not is_grease(one)]
    signatures = [one for one in signatures if not is_grease(one)]
    word = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2", 0xFEFF: "d1", 0xFEFD: "d2", 0xFEFC: "d3"}.get(highest, "00")
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
    if signatures and others:
        others += "_" + ",".join("%04x" % one for one in signatures)
    return "_".join([start, short(listed), short(others)])


def number(text):
    try:
        return int(text, 0)
    except (TypeError, ValueError):
        return 0


def microseconds(text):
    """Of seconds with a fraction."""
    whole, _, fraction = (text or "0").partition(".")
    return int(whole or 0) * 1_000_000 + int((fraction + "000000")[:6])


def direct(element, name, what="show"):
    """The value of a field right below an element."""
    for field in element:
        if field.get("name") == name:
            return field.get(what)
    return None


def every(element, name):
    return [one for one in element.iter("field") if one.get("name") == name]


def octets_of(element, name):
    """The octets of the first such field anywhere below, as Latin-1: tshark's text of them may not be what they are."""
    return next((bytes.fromhex(field.get("value") or "").decode("latin-1") for field in every(element, name)), None)


def lying_tunnel(layers, experts, versions):
    """Why the agent takes for no tunnel what tshark looks into: by its layers, complaints and GRE versions."""
    inner = [name for name in layers if name in ("ip", "ipv6")][1:]
    if inner and re.search("(total|payload) length exceeds", experts):
        return "a packet in a tunnel says it is longer than what carries it: receivers discard it, and it makes no tunnel"
    if any(number(version) > 1 for version in versions):
        return "a GRE header of a version that there is none of"
    return None


class Tshark:
    """Reads tshark's PDML: one packet after another, each layer inside the one before."""

    def __init__(self, seen):
        self.seen = seen
        self.frames = 0

    def packet(self, packet):
        self.frames += 1
        remarks = []
        text = {field.get("name") for field in packet.iter("field")} | {proto.get("name") for proto in packet.iter("proto")}
        if "_ws.malformed" in text:
            remarks.append("tshark calls the frame malformed")
        if "_ws.short" in text:
            remarks.append("the frame is cut short")
        if "tcp.analysis.lost_segment" in text or "tcp.analysis.ack_lost_segment" in text:
            remarks.append("segments before it are missing in the capture")
        experts = " ".join(field.get("show", "") for field in every(packet, "_ws.expert.message"))
        versions = [field.get("show") for field in every(packet, "gre.flags.version")]
        lie = lying_tunnel([proto.get("name") for proto in packet], experts, versions)
        if lie:
            remarks.insert(0, lie)
        ends, ports, carrier, within_icmp, above_tls, time = None, None, None, False, False, None
        extensions = 0
        for proto in packet:
            name = proto.get("name")
            # Below the IPv6 header they follow, or beside it.
            inside = sum(one.get("name") in IPV6_EXTENSIONS for one in proto) if name == "ipv6" else 0
            extensions = inside if name == "ipv6" else extensions + (name in IPV6_EXTENSIONS)
            if extensions > IPV6_EXTENSIONS_MAX and (inside or name in IPV6_EXTENSIONS):
                remarks.insert(0, "behind more than %d IPv6 extension headers" % IPV6_EXTENSIONS_MAX)
            if name in UNREAD_WRAPPINGS:
                remarks.insert(0, "it is wrapped in %s, which the agent does not read" % name)
            if name == "frame":
                time = microseconds(direct(proto, "frame.time_epoch"))
                if direct(proto, "frame.encap_type") not in LINK_LAYERS:
                    remarks.insert(0, "a link layer the agent does not read (%s)" % direct(proto, "frame.encap_type", "showname"))
                if number(direct(proto, "frame.cap_len")) < number(direct(proto, "frame.len")):
                    remarks.append("the frame is cut short")
            elif name in ("ip", "ipv6"):
                ends = (direct(proto, name + ".src"), direct(proto, name + ".dst"))
            elif name in ("udp", "tcp"):
                carrier = name
                ports = (number(direct(proto, name + ".srcport")), number(direct(proto, name + ".dstport")))
            elif name in ("icmp", "icmpv6"):
                within_icmp = True
            elif within_icmp or ends is None or ports is None:
                continue
            elif above_tls and name in ("dns", "http"):
                self.protected(proto, name, ends, ports, time)
            elif name == "dns":
                self.dns(proto, ends, ports, remarks, time)
            elif name in ("tls", "quic"):
                above_tls = True
                self.hellos(proto, name, carrier, ends, ports, remarks, time)
            elif name == "http" and carrier == "tcp":
                self.request(proto, ends, ports, remarks, time)

    def protected(self, proto, name, ends, ports, time):
        """What tshark sees with keys that lie in the capture."""
        if name == "http":
            self.request(proto, ends, ports, ["tshark takes the protection off with keys that lie in the file"], time)

    def request(self, proto, ends, ports, remarks, time):
        """The host of a request: its target names it, or its first Host field does (RFC 9112 section 3.2.2)."""
        flow = ("http", ends[0], ports[0], ends[1], ports[1])
        for line in [one for one in proto.iter("field") if any(field.get("name") == "http.request.method" for field in one)]:
            target, version = octets_of(line, "http.request.uri") or "", direct(line, "http.request.version") or ""
            field = octets_of(proto, "http.host")
            host = None if field is None else re.sub(r"(?i)^host[ \t]*:", "", field)
            absolute = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)", target)
            if direct(line, "http.request.method") == "CONNECT":
                host = target
            elif absolute:
                host = absolute.group(1)
            if host is None:
                self.seen.headless.add(flow[1:])
                continue
            more = []
            if not re.fullmatch(r"HTTP/1\.[0-9]", version):
                more = ["the request line names no version of HTTP/1 (RFC 9112 section 2.3)"]
            begin, place = number(proto.get("pos")), max([number(field.get("pos")) for field in every(proto, "http.host")], default=0)
            if place > begin + HTTP_HEAD_MAX_OCTETS:
                more.append("a Host field beyond the first %d octets of a head" % HTTP_HEAD_MAX_OCTETS)
            # White space is space and tab (RFC 9110 section 5.6.3): other control characters are of the name.
            host = host.strip(" \t\r\n").rpartition("@")[2]
            host = without_port(host)
            told = server_name(host.encode("latin-1", "replace"))
            if told is not None:
                self.seen.first_words("http", flow, told, more + remarks, time)

    def dns(self, proto, ends, ports, remarks, time):
        flags = next((field for field in proto if field.get("name") == "dns.flags"), None)
        if flags is None or 53 not in ports or number(direct(flags, "dns.flags.opcode")) != 0:
            return
        question = next(iter(every(proto, "dns.qry.name")), None)
        if question is None:
            return
        is_response = direct(flags, "dns.flags.response") in ("1", "True")
        client, server = (ends[1], ends[0]) if is_response else ends
        shown = question.get("show", "")
        no_name = [NO_NAMES[shown]] if shown in NO_NAMES else []
        name = wire_name(bytes.fromhex(question.get("value") or "")) or names_alike(shown)
        lookup = (client, server, number(direct(proto, "dns.id")), name)
        self.seen.add("lookup", lookup, no_name + remarks, time)
        if not is_response:
            return
        section = next((field for field in proto if field.get("show") == "Answers"), ())
        begin = number(proto.get("pos")) + (2 if direct(proto, "dns.length") is not None else 0)
        broken = []
        for place, record in enumerate(section):
            broken = broken or broken_record(record, begin)
            kind = TYPES.get(number(direct(record, "dns.resp.type")))
            if kind is None:
                continue
            data = direct(record, {"A": "dns.a", "AAAA": "dns.aaaa", "CNAME": "dns.cname"}[kind])
            if data is None:
                continue
            more = list(no_name)
            if place >= ANSWERS_MAX:
                more.append("beyond the %d answers that are read" % ANSWERS_MAX)
            if number(direct(record, "dns.resp.class")) != 1:
                more.append("an address of another class than IN")
            if number(direct(record, "dns.resp.len")) != ADDRESS_OCTETS.get(kind, number(direct(record, "dns.resp.len"))):
                more.append("a record of another length than an address has")
            if kind == "CNAME":
                data = wire_name(bytes.fromhex(direct(record, "dns.cname", "value") or "")) or names_alike(data)
            thing = lookup + (kind, data)
            self.seen.add("answer", thing, more + broken + remarks, time)

    def hellos(self, proto, name, carrier, ends, ports, remarks, time):
        for handshake in proto.iter():
            if direct(handshake, "tls.handshake.type") != "1":
                continue
            transport = "tls" if name == "tls" and carrier == "tcp" else "quic"

            def numbers(element, field):
                return [number(one.get("show", "")) for one in every(element, field)]

            def octets(element, field):
                return [bytes.fromhex(one.get("value", "")) for one in every(element, field)]

            ciphers = numbers(handshake, "tls.handshake.ciphersuite")
            extensions, signatures, versions, alpn, sni = [], [], None, [], None
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
                    kinds = numbers(extension, "tls.handshake.extensions_server_name_type")
                    names = octets(extension, "tls.handshake.extensions_server_name")
                    sni = next((one for which, one in zip(kinds, names) if which == 0), None)
            more = []
            if "0x0002" in [one.get("show") for one in every(proto, "tls.record.version")]:
                more.append("a hello of SSL 2 (RFC 6176 forbids it), which names no server")
            if number(direct(handshake, "tls.handshake.length")) + 4 > HELLO_MAX_OCTETS:
                more.append("a hello of more than %d octets" % HELLO_MAX_OCTETS)
            version = number(direct(handshake, "tls.handshake.version"))
            flow = (transport, ends[0], ports[0], ends[1], ports[1])
            told = Hello(
                sni=None if sni is None else server_name(sni),
                alpn=tuple(map(printable, alpn[:ALPNS_MAX])),
                ja4=ja4(transport, version, versions, ciphers, extensions, alpn, signatures, 0 in extensions),
            )
            self.seen.first_words("hello", flow, told, more + remarks, time)


def broken_record(record, begin):
    """What is wrong with a record's names, behind which the agent reads no further: `begin` is where the message does."""
    for field in record:
        if field.get("name") not in ("dns.resp.name", "dns.cname"):
            continue
        if field.get("show") in NO_NAMES:
            return [NO_NAMES[field.get("show")]]
        octets = bytes.fromhex(field.get("value") or "")
        own, place = number(field.get("pos")) - begin, 0
        while place + 1 < len(octets) and octets[place] not in (0,):
            if octets[place] >= 0xC0:
                target = (octets[place] & 0x3F) << 8 | octets[place + 1]
                if target >= own:
                    return ["a compression pointer that does not point backwards (RFC 1035 section 4.1.4), or behind it"]
                break
            place += 1 + octets[place]
    kind = number(direct(record, "dns.resp.type"))
    size = direct(record, "dns.cname", "size")
    if kind == 5 and size is not None and number(size) != number(direct(record, "dns.resp.len")):
        return ["a record whose data has another length than the name in it (RFC 1035 section 3.2.1), or behind it"]
    return []


def tshark(path, more, preferences, seconds, read):
    """Runs tshark over a file and lets `read` see its output; gives (exit code, last complaint), or None when it takes too long."""
    command = ["tshark", "-n", "-r", path, *more]
    for preference in preferences:
        command += ["-o", preference]
    for rule in DECODE_AS:
        command += ["-d", rule]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        try:
            ended = subprocess.run(command, stdout=output, stderr=complaints, stdin=subprocess.DEVNULL, timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        complaints.seek(0)
        said = complaints.read().decode("utf-8", "replace").strip()
        output.seek(0)
        read(io.TextIOWrapper(output, encoding="utf-8", errors="replace"))
        return ended.returncode, said.splitlines()[-1] if said else ""


def run_tshark(path, preferences, seconds, more=()):
    """What tshark sees, and what it complains of; none where it cannot open the file."""
    seen = Seen()
    reader = Tshark(seen)
    broken = []

    def read(output):
        pulled = xml.XMLPullParser(["end"])
        try:
            for text in iter(lambda: output.read(1 << 16), ""):
                # Octets from the wire may stand there which no XML may hold.
                pulled.feed(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text))
                for _, element in pulled.read_events():
                    if element.tag == "packet":
                        reader.packet(element)
                        element.clear()
        except xml.ParseError as error:
            broken.append("tshark's output breaks off: %s" % error)

    wanted = ["-T", "pdml", "-Y", "dns || tls.handshake.type == 1 || http.request", *more]
    ended = tshark(path, wanted, preferences, seconds, read)
    if ended is None:
        return seen, "tshark took longer than %d s" % seconds
    code, said = ended
    if broken and (code == 0 or reader.frames):
        return seen, broken[0]
    if code == 0 or not reader.frames and said == "":
        return seen, None
    return (seen if reader.frames else None), said or "exit %d" % code


Frame = collections.namedtuple(
    "Frame", "time ends ports payload sequence faults protocols lie resets_with_data crypto begins acknowledged contradicts"
)
FIELDS = (
    "frame.time_epoch frame.protocols frame.cap_len frame.len ip.src ip.dst ipv6.src ipv6.dst udp.srcport udp.dstport tcp.srcport "
    "tcp.dstport udp.payload tcp.payload ipv6.plen udp.length null.family quic.version quic.crypto.offset quic.crypto.length tcp.analysis.lost_segment "
    "tcp.analysis.ack_lost_segment tcp.seq_raw tcp.ack_raw tcp.flags.syn tcp.flags.reset tcp.len gre.flags.version "
    "ip.fragment.overlap.conflict ipv6.fragment.overlap.conflict _ws.malformed _ws.expert.message"
).split()


class Frames:
    """Every frame as tshark sees it, whether or not it finds any words in it: to see why it finds none."""

    def __init__(self, path, seconds):
        self.of_flow, self.of_ends = collections.defaultdict(list), collections.defaultdict(list)
        self.last, self.families = 0, set()
        wanted = ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\x1f", *[part for field in FIELDS for part in ("-e", field)]]
        self.ended = tshark(path, wanted, TOGETHER, seconds, self.read) is not None

    def read(self, output):
        for line in output:
            each = dict(zip(FIELDS, line.rstrip("\n").split("\t")))
            if len(each) != len(FIELDS):
                continue
            # Of several headers the innermost counts.
            fields = {name: value.split("\x1f")[-1] for name, value in each.items()}
            layers = fields["frame.protocols"].split(":")
            version = "ip" if "ip" in layers else "ipv6"
            if "ip" in layers and "ipv6" in layers:
                version = max(("ip", "ipv6"), key=lambda name: len(layers) - layers[::-1].index(name))
            ends = (fields[version + ".src"], fields[version + ".dst"])
            carrier = next((layer for layer in reversed(layers) if layer in ("udp", "tcp")), "tcp")
            ports = None
            if fields[carrier + ".srcport"]:
                ports = (number(fields[carrier + ".srcport"]), number(fields[carrier + ".dstport"]))
            payload = bytes.fromhex(re.sub("[^0-9a-fA-F]", "", fields[carrier + ".payload"]))
            faults = []
            if fields["_ws.malformed"]:
                faults.append("tshark calls a frame of it malformed")
            if number(fields["frame.cap_len"]) < number(fields["frame.len"]):
                faults.append("a frame of it is cut short")
            if fields["tcp.analysis.lost_segment"] or fields["tcp.analysis.ack_lost_segment"]:
                faults.append("segments of it are missing in the capture")
            if ports is None and re.search("(total|payload) length exceeds", fields["_ws.expert.message"]):
                faults.append("a fragment of it says it is longer than what carries it: tshark puts nothing together from it")
            if ports is None and fields["ipv6.plen"] == "0":
                faults.append("an IPv6 packet that leaves its length to offload: tshark reads nothing in it")
            if fields["udp.length"] and number(fields["udp.length"]) < 8:
                faults.append("a UDP header says less than its own length: tshark reads nothing behind it")
            if ports is None and "mipv6" in layers:
                faults.append("tshark does not read what is behind a mobility header")
            if payload[:1] >= b"\x80" and int.from_bytes(payload[1:5], "big") in TSHARK_LACKS_QUIC:
                faults.append("tshark does not open this version of QUIC")
            if number(fields["quic.version"]) in TSHARK_JOINS_NOT:
                faults.append("tshark does not join what Google's QUIC says in several packets")
            self.families.add(fields["null.family"])
            lie = lying_tunnel(layers, each["_ws.expert.message"], each["gre.flags.version"].split("\x1f"))
            sequence = number(fields["tcp.seq_raw"])
            resets = fields["tcp.flags.reset"] in ("1", "True") and number(fields["tcp.len"]) > 0
            pieces = zip(each["quic.crypto.offset"].split("\x1f"), each["quic.crypto.length"].split("\x1f"))
            crypto = [range(number(start), number(start) + number(length)) for start, length in pieces if start]
            begins = fields["tcp.flags.syn"] in ("1", "True")
            contradicts = any(fields[name + ".fragment.overlap.conflict"] in ("1", "True") for name in ("ip", "ipv6"))
            frame = Frame(
                microseconds(fields["frame.time_epoch"]), ends, ports, payload, sequence, faults, layers, lie, resets, crypto,
                begins, number(fields["tcp.ack_raw"]), contradicts,
            )
            self.last = max(self.last, frame.time)
            if ports:
                self.of_flow[(ends[0], ports[0], ends[1], ports[1])].append(frame)
            self.of_ends[ends].append(frame)


def stream(frames):
    """The octets of a TCP client from the segments tshark shows, each where its sequence number says; up to the first gap."""
    segments = [one for one in frames if one.payload and "tcp" in one.protocols]
    if not segments:
        return b""
    ahead = [((one.sequence - segments[0].sequence + (1 << 31)) % (1 << 32) - (1 << 31), one.payload) for one in segments]
    begin, octets = min(place for place, _ in ahead), {}
    for place, payload in ahead:
        for at, octet in enumerate(payload, place - begin):
            if at < STREAM_READ_OCTETS:
                octets.setdefault(at, octet)
    end = next(at for at in range(len(octets) + 1) if at not in octets)
    return bytes(octets[at] for at in range(end))


def differ(one, other, ahead):
    """Whether octets say something else than others that stand so far ahead, where both say something."""
    ours, theirs = one[max(ahead, 0) :], other[max(-ahead, 0) :]
    both = min(len(ours), len(theirs))
    return ours[:both] != theirs[:both]


def is_contradicted(last, frames):
    """Whether a TCP segment says something else than one before it at the same place of their stream."""
    for one in frames:
        ahead = (last.sequence - one.sequence + (1 << 31)) % (1 << 32) - (1 << 31)
        if one is not last and one.payload and differ(one.payload, last.payload, ahead):
            return True
    return False


def initial_of(datagram):
    """Version and destination connection id of the QUIC Initial a datagram begins with; none where it begins otherwise."""
    if len(datagram) < 7 or not datagram[0] & 0x80 or datagram[5] > 20:
        return None
    version = datagram[1:5]
    initial = 1 if version in (b"\x6b\x33\x43\xcf", b"\x70\x9a\x50\xc4") else 0
    return (version, datagram[6 : 6 + datagram[5]]) if datagram[0] >> 4 & 3 == initial else None


def is_told(kind, packets, told, seconds):
    """Whether tshark sees this in IPv4 packets, which follow one another."""
    records = [struct.pack("<IIII", 1, place, len(packet), len(packet)) + packet for place, packet in enumerate(packets)]
    with tempfile.NamedTemporaryFile() as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + b"".join(records))
        file.flush()
        look, _ = run_tshark(file.name, TOGETHER, seconds)
    return look is not None and any(told in words for (one, _), words in look.words.items() if one == kind)


def in_ipv4(protocol, place, payload):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), place, 0, 64, protocol, 0, b"\n\0\0\1", b"\n\0\0\2") + payload


def laid_anew(kind, flow, octets, told, seconds):
    """Whether tshark sees this in these octets, laid in packets that follow one another."""
    _, client_port, _, server_port = flow
    packets = []
    for place, start in enumerate(range(0, len(octets), 1400), 1):
        part = octets[start : start + 1400]
        tcp = struct.pack(">HHIIBBHHH", client_port, server_port, start + 1, 1, 0x50, 0x18, 65535, 0, 0) + part
        packets.append(in_ipv4(6, place, tcp))
    return is_told(kind, packets, told, seconds)


def laid_alone(flow, datagrams, told, seconds):
    """Whether tshark sees this hello in these datagrams, when it sees no others."""
    _, client_port, _, server_port = flow
    headers = [struct.pack(">HHHH", client_port, server_port, 8 + len(one), 0) for one in datagrams]
    packets = [in_ipv4(17, place, header + one) for place, (header, one) in enumerate(zip(headers, datagrams), 1)]
    return is_told("hello", packets, told, seconds)


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
        if it["type"] not in ("dns", "hello", "http"):
            continue
        time = (datetime.datetime.fromisoformat(it.get("time", "1970-01-01T00:00:00Z").replace("Z", "+00:00")) - EPOCH) // datetime.timedelta(microseconds=1)
        if it["type"] == "dns":
            lookup = (it["client"], it["server"], it["id"], agents_name(it["qname"]))
            seen.add("lookup", lookup, time=time)
            for answer in it["answers"]:
                if answer["type"] in TYPES.values() and answer["data"] is not None:
                    data = agents_name(answer["data"]) if answer["type"] == "CNAME" else answer["data"]
                    seen.add("answer", lookup + (answer["type"], data), time=time)
            continue
        flow = (it.get("transport", "http"), it["client"], it["client_port"], it["server"], it["server_port"])
        told = it["host"] if it["type"] == "http" else Hello(sni=it["sni"], alpn=tuple(it["alpn"]), ja4=it["ja4"])
        seen.first_words(it["type"], flow, told, time=time)
    complaints = ended.stderr.decode("utf-8", "replace").strip()
    seen.let_go = re.search(r"let go by full tables: (?!nothing)", complaints) is not None
    if ended.returncode < 0 or ended.returncode > 1 or "panicked" in complaints:
        return None, "the agent died (%d): %s" % (ended.returncode, complaints[-300:])
    return seen, complaints if ended.returncode else None


def told_alone(agent, path, flow, seconds):
    """What the agent sees in what passes between the ends of one flow, without the rest of the file; none where it cannot be had."""
    client, client_port, server, server_port = flow
    version = "ipv6" if ":" in client else "ip"
    between = ["%s.addr == %s" % (version, end) for end in (client, server)]
    between += ["(tcp.port == %d || udp.port == %d)" % (port, port) for port in (client_port, server_port)]
    with tempfile.TemporaryDirectory() as folder:
        alone = os.path.join(folder, "alone")
        ended = tshark(path, ["-Y", " && ".join(between), "-w", alone], [], seconds, lambda output: None)
        return run_agent(agent, alone, seconds)[0] if ended and ended[0] == 0 else None


def is_capture(path):
    """Whether a file begins as pcap or pcapng does: tshark opens many other things, down to JSON."""
    with open(path, "rb") as file:
        start = file.read(4)
    magics = (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d", b"\xa1\xb2\xcd\x34")
    return start in magics or start[::-1] in magics or start == b"\x0a\x0d\x0d\x0a"


def unpacked(path, folder):
    """The file, or what is in it where it is compressed (the agent reads it unpacked)."""
    with open(path, "rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return path
    place = "%s/unpacked" % folder
    try:
        with gzip.open(path) as packed, open(place, "wb") as plain:
            for piece in iter(lambda: packed.read(1 << 20), b""):
                plain.write(piece)
    except (OSError, EOFError):
        return path
    return place
