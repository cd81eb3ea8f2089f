#!/usr/bin/env python3
"""Where the instructions go: stages.py [--facts] PROGRAM CAPTURE..

Runs `PROGRAM --format json --threads 1 CAPTURE` under callgrind and prints a table in Markdown: by
stage, in parts of the whole, or by what is told, in instructions a connection. The program needs line
tables:

    CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release

An instruction belongs to the room of `src/` whose code it is, inlined or not; what libraries do belongs
to who calls them, in proportion. Needs valgrind and addr2line.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile

TABLE = "agenda arrivals awake brief bytes clock flows forgotten key loose packed pool reorder seen slab table"
# A part of a path below src/, and what is done there; the first that fits.
STAGES = [
    ("capture", "reading: framing, decompressing"),
    ("packet", "decoding"),
    *((f"flow/{name}", "table: keys, memory, order") for name in TABLE.split()),
    ("flow", "facts"),
    ("close", "judgement"),
    ("patterns", "patterns of many flows"),
    ("ledger", "patterns of many flows"),
    ("report", "report"),
    ("cli", "report"),
    ("analysis", "the loop between them"),
]
# The same, or a function of that part, and what is told by it.
FACTS = [
    ("capture", "records: framing, decompressing"),
    ("packet::may_speak", "what applications say"),
    ("packet::may_be", "what applications say"),
    ("packet/app", "what applications say"),
    ("flow/talk", "what applications say"),
    ("close/said", "what applications say"),
    ("close/detect/said", "what applications say"),
    ("packet", "segments: headers and options"),
    ("flow/reorder", "their order, where records are out of order"),
    ("flow/key", "whose they are: keys, index, other connections on a key"),
    ("flow/table", "whose they are: keys, index, other connections on a key"),
    ("flow/arrivals", "whose they are: keys, index, other connections on a key"),
    ("flow/forgotten", "whose they are: keys, index, other connections on a key"),
    ("flow/connection", "whose they are: keys, index, other connections on a key"),
    ("flow/record::is_of_older", "whose they are: keys, index, other connections on a key"),
    ("flow/agenda", "late segments: flows that are over are kept for TIME-WAIT"),
    ("flow/flows/due", "late segments: flows that are over are kept for TIME-WAIT"),
    ("flow/clock", "late segments: flows that are over are kept for TIME-WAIT"),
    *((f"flow/{name}", "segments kept until their flow is judged") for name in TABLE.split() if name != "seen"),
    ("flow/seen::fingerprint", "duplicate records"),
    ("flow/record::fold_duplicate", "duplicate records"),
    ("flow/numbers", "sequence numbers, holes, repeats, probes"),
    ("flow/half::count", "sequence numbers, holes, repeats, probes"),
    ("flow/half::add_payload", "sequence numbers, holes, repeats, probes"),
    ("flow/record::reveals_a_gap", "sequence numbers, holes, repeats, probes"),
    ("flow/half::stamp", "timestamps: TS.Recent, regressions, clocks"),
    ("flow/half::regress", "timestamps: TS.Recent, regressions, clocks"),
    ("close/detect/timestamps", "timestamps: TS.Recent, regressions, clocks"),
    ("patterns/clocks", "timestamps: TS.Recent, regressions, clocks"),
    ("flow/half::identify", "IPv4 IDs"),
    ("flow/parts::push", "IPv4 IDs"),
    ("flow/half::acknowledge", "acknowledgements and windows"),
    ("flow/half::heard", "acknowledgements and windows"),
    ("flow/half::window_of", "acknowledgements and windows"),
    ("flow/half::round_trip", "round trips"),
    ("flow/log", "evidence: the first and last segments"),
    ("flow/history", "Zeek's history and state"),
    ("flow/letters", "Zeek's history and state"),
    ("close/zeek", "Zeek's history and state"),
    ("flow", "other facts of a direction and of a flow"),
    ("close/closer", "the active closer"),
    ("close/last_ack", "the final ACK"),
    ("close/time_wait", "TIME-WAIT: owner, begin, end"),
    ("close/abort", "aborts and their causes"),
    ("close/reset", "aborts and their causes"),
    ("close/reading", "aborts and their causes"),
    ("close/cause", "aborts and their causes"),
    ("close/hosts", "aborts and their causes"),
    ("close/silence", "the silence before the close"),
    ("close/finding", "findings"),
    ("close/sign", "findings"),
    ("close/figures", "findings"),
    ("close/detect", "findings"),
    ("close/reason", "the reason, in words"),
    ("close/phrase", "the reason, in words"),
    ("close/events", "the events of the close"),
    ("close/dwell", "states and how long they lasted"),
    ("close/states", "states and how long they lasted"),
    ("close/final_state", "states and how long they lasted"),
    ("close/facts", "roles, and what acknowledges which FIN"),
    ("close/summary", "the summary's totals"),
    ("close", "outcome, confidence, and the verdict itself"),
    ("patterns/vantage", "where the capture was taken"),
    ("patterns", "the diagnosis of many flows"),
    ("ledger", "the diagnosis of many flows"),
    ("report", "the report: a line of JSON"),
    ("cli", "the report: a line of JSON"),
    ("analysis", "the loop between them"),
]
REST = "start, end, and what is not known"


def row(table, path, function=None):
    """Of a function in a path below src/."""
    for part, name in table:
        part, _, wanted = part.partition("::")
        if wanted in ("", function) and (path == part or path.startswith((part + "/", part + "."))):
            return name
    return None


def callgrind(program, capture):
    """The lines of what callgrind writes."""
    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    threads = ["--threads", "1"] if "--threads" in told else []
    with tempfile.NamedTemporaryFile("r") as out:
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--dump-instr=yes"]
        valgrind += ["--compress-strings=no", "--compress-pos=no", "--callgrind-out-file=" + out.name]
        command = valgrind + [program, "--format", "json", *threads, capture]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return out.read().splitlines()


def costs(lines, program):
    """Costs by address and function, those of calls by address, function, and who is called."""
    own, calls = collections.Counter(), collections.Counter()
    ours, place, function, callee, is_call = False, "", None, None, False
    for line in lines:
        key, _, value = line.partition("=")
        if key == "ob":
            place, ours = value, value == program
        elif key == "fn":
            function = (place, value)
        elif key == "cob":
            called_place = value
        elif key == "cfn":
            callee = (called_place or place, value)
        elif key == "calls":
            is_call = True
        elif line.startswith("0x"):
            address, _, cost = line.split()
            where = (int(address, 16) if ours else None, function)
            if is_call:
                calls[(where, callee)] += int(cost)
            else:
                own[where] += int(cost)
            is_call = False
        if key not in ("cob", "cfi", "cfl", "cfn", "calls"):
            called_place = None
    return own, calls


def rooms(table, addresses, program):
    """The row of each address: that of the innermost code of ours that was inlined there."""
    asked = "\n".join(map(hex, addresses))
    command = ["addr2line", "-a", "-i", "-f", "-C", "-e", program]
    told = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
    found, address, function = {}, None, None
    for line in told.splitlines():
        if re.fullmatch("0x[0-9a-f]+", line):
            address, function = int(line, 16), None
            continue
        if function is None:
            function = re.sub("<.*", "", line).split("::")[-1]
            continue
        path = re.match(r"(?:.*/)?src/([a-z_/0-9]+)\.rs", line)
        is_ours = path and not re.search("/rustc/|/library/|/registry/", line)
        name = is_ours and row(table, path[1], function)
        if name and address not in found:
            found[address] = name
        function = None
    return found


def by_row(table, program, capture):
    own, calls = costs(callgrind(program, capture), program)
    addresses = {address for (address, _) in own if address is not None}
    addresses |= {address for ((address, _), _) in calls if address is not None}
    found = rooms(table, sorted(addresses), program)
    sums, pool = collections.Counter(), collections.Counter()

    def give(where, cost):
        """To the stage, or else to the function, which hands it on to its callers."""
        address, function = where
        room = re.search(r"whoclosed::(\w+)(?:::(\w+))?", function[1])
        name = found.get(address) or (room and row(table, "/".join(filter(None, room.groups()))))
        if name:
            sums[name] += cost
        else:
            pool[function] += cost

    for where, cost in own.items():
        give(where, cost)
    callers = collections.defaultdict(list)
    for (where, callee), cost in calls.items():
        callers[callee].append((where, cost))
    # Libraries call one another; after so many turns nothing that counts is left.
    for _ in range(50):
        handed, pool = pool, collections.Counter()
        for function, cost in handed.items():
            every = sum(part for _, part in callers[function])
            if not every:
                sums[REST] += cost
            for where, part in callers[function]:
                if every:
                    give(where, cost * part / every)
    sums[REST] += sum(pool.values())
    return sums, sum(own.values())


def flows(program, capture):
    lines = subprocess.run([program, "--format", "json", capture], capture_output=True, check=True).stdout
    return sum(b'"outcome":' in line for line in lines.splitlines())


def main():
    arguments = sys.argv[1:]
    by_fact = arguments[:1] == ["--facts"]
    table, title = (FACTS, "what is told") if by_fact else (STAGES, "stage")
    program, *captures = arguments[by_fact:]
    program = os.path.realpath(program)
    columns = [by_row(table, program, capture) for capture in captures]
    titles = [os.path.basename(capture).split(".")[0] for capture in captures]
    print(f"| {title} | " + " | ".join(titles) + " |")
    print("| --- |" + " ---: |" * len(titles))
    names = [*dict.fromkeys(name for _, name in table), REST]
    if by_fact:
        counts = [flows(program, capture) for capture in captures]
        columns = [
            ({name: cost / count for name, cost in sums.items()}, total / count)
            for (sums, total), count in zip(columns, counts)
        ]
        for name in names:
            parts = [f"{sums.get(name, 0):,.0f}" for sums, _ in columns]
            print(f"| {name} | " + " | ".join(parts) + " |")
        print("| all | " + " | ".join(f"{total:,.0f}" for _, total in columns) + " |")
        return
    for name in names:
        parts = [f"{100 * sums[name] / total:.1f} %" for sums, total in columns]
        print(f"| {name} | " + " | ".join(parts) + " |")
    totals = [f"{total / 1e6:.1f} M" for _, total in columns]
    print("| all, instructions | " + " | ".join(totals) + " |")


main()
