#!/usr/bin/env python3
"""What varde-agent sees in captures, held against what tshark sees in them, with bar B10's figures; see differential.sh."""

import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile

from differential_seen import (
    HELLO_RECORDS_MAX, GREETING_SEGMENTS_MAX, HELLOS_MAX, QUIC_TRIES_MAX, STREAM_IDLE_TIMEOUT_S, STREAM_READ_OCTETS, TOGETHER, Frames, initial_of, is_capture, is_contradicted, laid_alone,
    laid_anew, run_agent, run_tshark, stream, told_alone, unpacked,
)

# Further looks where the first one differs: what it means when the agent's view is found there, and how to look.
LOOKS = [
    ("tshark finds it only without putting packets together", [
        "ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "nameres.network_name:FALSE",
    ], ()),
    ("tshark finds it only when it does not pass over what it takes for retransmissions", [
        *TOGETHER, "tcp.analyze_sequence_numbers:FALSE",
    ], ()),
    ("tshark finds it only when told to go by content before ports", [
        *TOGETHER, "tcp.try_heuristic_first:TRUE", "udp.try_heuristic_first:TRUE",
    ], ()),
]
# Places in a stream at which its first words are looked for.
FIRST_WORDS_TRIED = 3
# So often a flow's octets are shown to tshark anew in vain: it takes its time, and there is enough to look at by hand then.
IN_VAIN_MAX = 3
# A DNS message over TCP with its length in front.
MESSAGE_OCTETS_MAX = 65537
# Lines printed of one file; the rest is counted.
SHOWN = 25
# What the parts of a JA4 stand for.
JA4_PARTS = ("version, counts or first protocol", "cipher list", "extension or signature algorithm list")


class Case:
    """One file, looked at again where something differs; each look is taken once, and only if it is needed."""

    def __init__(self, agent, path, ours, theirs, seconds):
        self.agent, self.path, self.ours, self.theirs, self.seconds = agent, path, ours, theirs, seconds
        self.taken = {}
        self.in_vain = 0

    def once(self, key, look):
        if key not in self.taken:
            self.taken[key] = look()
        return self.taken[key]

    def frames(self):
        return self.once("frames", lambda: Frames(self.path, self.seconds))

    def stream(self, flow):
        return self.once(("stream", flow), lambda: stream(self.frames().of_flow[flow]))

    def seen_only_when(self, is_there):
        """The first of the looks that shows it."""
        for reason, preferences, more in LOOKS:
            look = self.once(reason, lambda: run_tshark(self.path, preferences, self.seconds, more)[0])
            if look is not None and is_there(look):
                return reason
        return None

    def faults(self, frames):
        return next((fault for frame in frames for fault in frame.faults), None)

    def stopped(self, times):
        if self.frames().ended and all(time > self.frames().last for time in times):
            return "tshark stopped reading the file before it"
        return None

    def why_tshark_lacks(self, kind, thing):
        """Why tshark does not tell a look-up or an answer that the agent tells."""
        times = self.ours.times[(kind, thing)]
        reason = self.stopped(times) or self.seen_only_when(lambda look: thing in look.things[kind])
        if reason:
            return reason
        client, server, number, name = thing[:4]
        frames, number = self.frames(), number.to_bytes(2, "big")
        labels = [label.encode() for label in name.split(".") if "?" not in label]
        of_ends = frames.of_ends[(client, server)] + frames.of_ends[(server, client)]
        near = [one for one in of_ends if one.ports is None or 53 in one.ports and (not one.payload or number in one.payload[: 2 if "udp" in one.protocols else None])]
        if ":" in client and not of_ends and "10" in frames.families:
            return "tshark does not know Linux' number of IPv6 in BSD loopback"
        if self.contradicted_fragments(near, labels):
            return "fragments of it contradict one another: the agent tells both readings, tshark one"
        # Compressed or not, every label stands in the message somewhere.
        return self.faults(one for one in near if not one.payload or all(label in one.payload.lower() for label in labels))

    def why_tshark_lacks_words(self, kind, flow, told):
        """Why tshark does not tell a hello or a host that the agent tells."""
        times = self.ours.times[(kind, flow, told)]
        reason = self.stopped(times) or self.seen_only_when(lambda look: told in look.words.get((kind, flow), []))
        if reason:
            return reason
        ends, frames = flow[1:], self.frames()
        if kind == "http" and ends in self.theirs.headless:
            return "tshark reads the line of the request and no Host field behind it"
        said = [one for one in frames.of_flow[ends] if one.time <= max(times) and (one.payload or one.faults)]
        bare = [one for one in frames.of_ends[(ends[0], ends[2])] if one.ports is None and one.time <= max(times)]
        # A packet in fragments has the time of the first.
        rest = [one for one in frames.of_ends[(ends[0], ends[2])] if one.ports is None and one.time >= max(times)][:2]
        reason = self.faults(said + bare + rest)
        if reason:
            return reason
        if flow[0] == "quic":
            return self.second_hello(flow, told)
        name = (told if kind == "http" else told.sni or "").encode()
        # The segment that ends the words is the one they are told with.
        last = [one for one in frames.of_flow[ends] if one.time in times]
        if last and all(one.resets_with_data for one in last):
            return "data in a segment with RST: tshark reads no words in it"
        if self.refused_with_syn(ends):
            return "a SYN with data that its receiver did not take: tshark reads on from there"
        if self.behind_stray_syn(kind, ends, told):
            return "a SYN that nobody took stands in the middle of the connection: tshark finds it once that is left out"
        reason = self.host_elsewhere(ends, name) if kind == "http" else None
        if reason:
            return reason
        reason = self.laid_anew(kind, ends, told) if self.in_vain < IN_VAIN_MAX else None
        self.in_vain += reason is None
        return reason

    def contradicted_fragments(self, frames, labels):
        """Whether a datagram has a reading that tshark does not tell, of which every label, cut once at most, stands in the file."""
        if not any(one.contradicts for one in frames):
            return False
        with open(self.path, "rb") as file:
            octets = file.read().lower()
        halves = [(label[: len(label) // 2], label[len(label) // 2 :]) for label in labels]
        return all(first in octets or second in octets for first, second in halves if second)

    def refused_with_syn(self, ends):
        """Whether a SYN brought data that its receiver did not take: it acknowledged the SYN alone (RFC 9293 section 3.5)."""
        flow, back = self.frames().of_flow[ends], self.frames().of_flow[(*ends[2:], *ends[:2])]
        refused = {one.acknowledged - 1 & 0xFFFFFFFF for one in back if one.begins}
        return any(one.begins and one.payload and one.sequence in refused for one in flow)

    def behind_stray_syn(self, kind, ends, told):
        """Whether tshark, which begins anew at every SYN, finds it in a connection's octets without the SYNs nobody took."""
        flow, back = self.frames().of_flow[ends], self.frames().of_flow[(*ends[2:], *ends[:2])]

        def is_taken(syn):
            return any(0 < (one.acknowledged - syn.sequence) % (1 << 32) < STREAM_READ_OCTETS for one in back)

        begins = [place for place, one in enumerate(flow) if one.begins]
        strays = [place for place in begins if not is_taken(flow[place])]
        start = max((place for place in begins if place not in strays), default=0)
        # What a SYN brings stands behind the SYN itself.
        rest = [one._replace(sequence=one.sequence + one.begins) for place, one in enumerate(flow) if place >= start and place not in strays]
        return any(place > start for place in strays) and laid_anew(kind, ends, stream(rest), told, self.seconds)

    def second_hello(self, flow, told):
        """Why tshark does not tell a hello that went to a QUIC connection id of which it tells another."""
        last, others = max(self.ours.times[("hello", flow, told)]), []
        for other in self.ours.words[("hello", flow)]:
            others += [time for time in self.ours.times[("hello", flow, other)] if other != told and time <= last]
        if not others:
            return None
        frames = [one for one in self.frames().of_flow[flow[1:]] if one.time <= last and initial_of(one.payload)]
        after = [one for one in frames if one.time > max(others)]
        ids = {initial_of(one.payload) for one in frames if one not in after}
        if after and all(initial_of(one.payload) in ids for one in after):
            if laid_alone(flow[1:], [one.payload for one in after], told, self.seconds):
                return "another hello to the same QUIC connection id came before it: tshark finds it once that is left out"
        pieces = [(initial_of(one.payload), piece) for one in frames for piece in one.crypto]
        overlap = any(
            id == other and piece.start < more.stop and more.start < piece.stop and max(piece.start, more.start) > 0
            for place, (id, piece) in enumerate(pieces) for other, more in pieces[:place]
        )
        alike = [one.sni for one in self.theirs.words[("hello", flow)] if (one.alpn, one.ja4) == (told.alpn, told.ja4)]
        if overlap and any(name and told.sni and len(name) == len(told.sni) for name in alike):
            return "CRYPTO frames overlap: the agent tells both readings of the hello, tshark one"
        return None

    def host_elsewhere(self, ends, name):
        """Why tshark reads no host in a Host field that begins with nothing."""
        octets, field = self.stream(ends), rb"(?i)\nhost[ \t]*:[ \t]*\r?\n"
        rest = re.escape(name) + rb"[ \t]*\r?\n"
        if re.search(field + rb"[ \t]+" + rest, octets):
            return "a Host field that goes on in the next line (RFC 9112 section 5.2): tshark reads its first line"
        if re.search(field + rb"host[ \t]*:[ \t]*" + rest, octets):
            return "a second Host field behind an empty one: tshark reads the first"
        return None

    def laid_anew(self, kind, ends, told):
        octets = self.stream(ends)
        if not octets:
            return None
        if laid_anew(kind, ends, octets, told, self.seconds):
            return "tshark finds it once its segments are in order"
        # What tshark waits for: an end of the head, or of a record.
        ending = b"\r\n\r\n" if kind == "http" else bytes(1 << 14)
        if laid_anew(kind, ends, octets + ending, told, self.seconds):
            return "tshark waits for an end that does not come"
        begins, usual, instead, what = {
            "hello": (rb"\x16\x03[\0-\xff]", 443, b"\x16\3\1", "takes no record of this version for TLS"),
            "http": (rb"[!-~]+(?= [^ \r\n]+ HTTP/1)", 80, b"GET", "does not know the request's method"),
        }[kind]
        for found in list(re.finditer(begins, octets))[:FIRST_WORDS_TRIED]:
            rest, there = octets[found.end() :] + ending, (*ends[:3], usual)
            if laid_anew(kind, there, found[0] + rest, told, self.seconds):
                return "tshark reads another protocol at this port, or before it in the stream"
            if laid_anew(kind, there, instead + rest, told, self.seconds):
                return "tshark " + what
        return None

    def why_agent_lacks(self, kind, thing):
        """Why the agent does not tell a look-up or an answer that tshark tells."""
        reason = self.theirs.remark(kind, thing)
        if reason:
            return reason
        times = self.theirs.times[(kind, thing)]
        for look in (self.lie_before, self.contradiction_in, self.long_after):
            reasons = [look(thing, time) for time in times]
            if all(reasons):
                return reasons[0]
        return None

    def contradiction_in(self, thing, time):
        """Whether a segment that brings a message contradicts one before it, of which the agent reads the first."""
        for last in [one for one in self.frames().of_ends[thing[:2]] if one.time == time and one.ports and one.payload]:
            ends = (last.ends[0], last.ports[0], last.ends[1], last.ports[1])
            if "tcp" in last.protocols and is_contradicted(last, [one for one in self.frames().of_flow[ends] if one.time <= time]):
                return "it comes in a segment that says something else than one before it at the same place"
        return None

    def long_after(self, thing, time):
        """Whether the agent waited in vain for the rest of a message over TCP."""
        for last in [one for one in self.frames().of_ends[thing[:2]] if one.time == time and one.ports and one.payload]:
            flow = self.frames().of_flow[(last.ends[0], last.ports[0], last.ends[1], last.ports[1])]
            before = [one.time for one in flow if one.time < time and one.payload]
            if "tcp" in last.protocols and before and time - max(before) >= STREAM_IDLE_TIMEOUT_S * 1_000_000:
                return "the rest of the message came more than %d s later" % STREAM_IDLE_TIMEOUT_S
        return None

    def behind_too_many(self, flow, told):
        """Whether so many QUIC packets that tell no hello stand in front of it that the agent looks no further."""
        hellos = {time for other in self.theirs.words[("hello", flow)] for time in self.theirs.times[("hello", flow, other)]}
        tries = 0
        for one in self.frames().of_flow[flow[1:]]:
            if one.time in self.theirs.times[("hello", flow, told)]:
                break
            tries = 0 if one.time in hellos else tries + (initial_of(one.payload) is not None)
        return "behind %d QUIC packets that tell no hello" % QUIC_TRIES_MAX if tries >= QUIC_TRIES_MAX else None

    def lie_before(self, thing, time):
        """What is wrong with a segment that brings a part of a message, of which tshark shows the last one."""
        client, server = thing[:2]
        frames = self.frames()
        of_ends = frames.of_ends[(client, server)] + frames.of_ends[(server, client)]
        for last in [one for one in of_ends if one.time == time and one.ports and one.payload and "tcp" in one.protocols]:
            for one in frames.of_flow[(last.ends[0], last.ports[0], last.ends[1], last.ports[1])]:
                if one.lie and 0 <= (last.sequence - one.sequence) % (1 << 32) <= MESSAGE_OCTETS_MAX:
                    return one.lie
        return None

    def why_agent_lacks_words(self, kind, flow, told):
        """Why the agent does not tell a hello or a host that tshark tells: what is wrong with it, by the octets of its stream."""
        reason = self.theirs.remark(kind, flow, told)
        if reason:
            return reason
        if self.ours.let_go and self.in_vain < IN_VAIN_MAX:
            alone = told_alone(self.agent, self.path, flow[1:], self.seconds)
            if alone is not None and told in alone.words.get((kind, flow), []):
                return "tables of the agent were full, as its last line says: it tells it when the flow comes alone"
            self.in_vain += 1
        if flow[0] == "quic":
            return self.behind_too_many(flow, told)
        ends = flow[1:]
        before = [one for one in self.frames().of_flow[ends] if one.payload and one.time <= min(self.theirs.times[(kind, flow, told)])]
        lie = next((one.lie for one in before if one.lie), None)
        if lie:
            return lie
        if len(before) > GREETING_SEGMENTS_MAX:
            return "beyond the first %d segments of a flow" % GREETING_SEGMENTS_MAX
        if kind == "http":
            head = self.stream(ends).partition(b"\r\n\r\n")[0]
            return "a bare CR in the head (RFC 9112 section 2.2)" if re.search(rb"\r(?!\n)", head) else None
        return self.once(("records", flow), lambda: record_fault(self.stream(ends)))


def record_fault(octets):
    """What the standard forbids in the records that a ClientHello lies in."""
    start = octets.find(b"\x16\x03")
    if start < 0:
        return None
    place, message, records, wanted = start, b"", 0, 4
    while place + 5 <= len(octets) and len(message) < wanted:
        kind, length = octets[place], int.from_bytes(octets[place + 3 : place + 5], "big")
        if kind != 22 and message:
            return "another record stands in the middle of the hello (RFC 8446 section 5.1)"
        if length == 0:
            return "an empty record stands in the hello (RFC 8446 section 5.1)"
        if length and octets[place + 5 : place + 6] != b"\1" and not message:
            return "another message stands in front of the hello in its record (RFC 8446 section 4.1.2)"
        records += 1
        message += octets[place + 5 : place + 5 + length]
        wanted = 4 + int.from_bytes(message[1:4], "big") if len(message) >= 4 else 4
        place += 5 + length
    return "a hello in more than %d records" % HELLO_RECORDS_MAX if records > HELLO_RECORDS_MAX else None


def shown(kind, thing):
    return "%s %s" % (kind, " ".join("-" if part is None else ",".join(part) if isinstance(part, tuple) else str(part) for part in thing))


def what_differs(ours, theirs):
    """Names the parts of two hellos that are not the same."""
    parts = [name for name in ("sni", "alpn") if getattr(ours, name) != getattr(theirs, name)]
    pairs = zip(JA4_PARTS, (ours.ja4 or "").split("_"), (theirs.ja4 or "").split("_"))
    return parts + [name for name, one, other in pairs if one != other]


def compare_words(case, kind):
    """Holds first words against each other, flow by flow: gives how many are equal, and (line, reason) for each difference."""
    ours, theirs = case.ours, case.theirs
    differences, equal = [], 0
    for _, flow in sorted({one for one in [*ours.words, *theirs.words] if one[0] == kind}, key=str):
        we, they = ours.words.get((kind, flow), []), theirs.words.get((kind, flow), [])
        left = [told for told in we if told not in they]
        equal += len(we) - len(left)
        for place, told in enumerate(they):
            if told in we:
                continue
            line = "the agent lacks  %s %s" % (shown(kind, flow), shown("", told if kind == "hello" else (told,)))
            if left and kind == "hello":
                other = left.pop(0)
                line = "%s: differs in %s: agent %s, tshark %s" % (
                    shown(kind, flow), ", ".join(what_differs(other, told)), shown("", other), shown("", told))
                reason = theirs.remark(kind, flow, told)
            elif kind == "hello" and len(we) >= HELLOS_MAX[flow[0]] and all(one in we for one in they[: HELLOS_MAX[flow[0]]]):
                reason = "later hellos of a connection: the agent tells %d" % HELLOS_MAX[flow[0]]
            else:
                reason = case.why_agent_lacks_words(kind, flow, told)
            differences.append((line, reason))
        for told in left:
            line = "tshark lacks     %s %s" % (shown(kind, flow), shown("", told if kind == "hello" else (told,)))
            differences.append((line, case.why_tshark_lacks_words(kind, flow, told)))
    return equal, differences


def compare(case, kinds):
    """Gives how many are equal, and (line, reason or none) for each difference."""
    differences, equal = [], 0
    for kind in kinds:
        if kind in ("hello", "http"):
            count, more = compare_words(case, kind)
            equal += count
            differences += more
            continue
        we, they = case.ours.things[kind], case.theirs.things[kind]
        equal += len(we & they)
        for thing in sorted(they - we, key=str):
            differences.append(("the agent lacks  " + shown(kind, thing), case.why_agent_lacks(kind, thing)))
        for thing in sorted(we - they, key=str):
            differences.append(("tshark lacks     " + shown(kind, thing), case.why_tshark_lacks(kind, thing)))
    return equal, differences


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


def one_file(path, options, kinds, total, reasons):
    """Compares one file and prints what differs."""
    with tempfile.TemporaryDirectory() as folder:
        plain = unpacked(path, folder)
        theirs, complaint = run_tshark(plain, TOGETHER, options.seconds) if is_capture(plain) else (None, "another format")
        ours, trouble = run_agent(options.agent, plain, options.seconds)
        if theirs is None or ours is None:
            # What nobody reads must not hurt the agent either.
            total["others" if theirs is None else "files"] += 1
            total["unexplained"] += ours is None
            total["crashed"] += ours is None
            if ours is None or not options.quiet:
                print("%s: %s" % (path, trouble if ours is None else "no capture (%s)" % complaint))
            return
        total["files"] += 1
        equal, differences = compare(Case(options.agent, plain, ours, theirs, options.seconds), kinds)
    if complaint and "breaks off" in complaint:
        differences.append(("tshark's view is not whole: " + complaint, None))
    unexplained = [line for line, reason in differences if reason is None]
    total["equal"] += equal
    total["unexplained"] += len(unexplained)
    total["explained"] += len(differences) - len(unexplained)
    reasons.update(reason for _, reason in differences if reason is not None)
    if options.quiet and not unexplained:
        return
    counts = ", ".join("%d %s" % (theirs.count(kind), kind) for kind in kinds)
    print("%s: %s; %d differ, %d of them with a reason" % (path, counts, len(differences), len(differences) - len(unexplained)))
    for note in [one for one in (complaint and "tshark: " + complaint, trouble and "agent: " + trouble.splitlines()[0]) if one]:
        print("    " + note)
    lines = ["  ! " + line for line in unexplained]
    lines += ["    %s (%s)" % (line, reason) for line, reason in differences if reason is not None]
    limit = len(lines) if options.all else SHOWN
    for line in lines[:limit]:
        print("  " + line)
    if len(lines) > limit:
        print("    ... and %d more" % (len(lines) - limit))


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
        one_file(path, options, kinds, total, reasons)
    for reason, count in reasons.most_common():
        print("with a reason: %d x %s" % (count, reason))
    compared = total["equal"] + total["explained"] + total["unexplained"]
    print("B10 %d files, %d compared, %d differences without a reason, %d crashes (bar: 0, 0; out of time is a crash too)" % (
        total["files"], compared, total["unexplained"] - total["crashed"], total["crashed"],
    ))
    print("total: %d files, %d compared, %d equal, %d differ without a reason, %d with one; %d other files" % (
        total["files"], compared, total["equal"], total["unexplained"], total["explained"], total["others"],
    ))
    return 1 if total["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
