#!/usr/bin/env python3
"""Where the instructions go, by stage: stages.py PROGRAM CAPTURE..

Runs `PROGRAM --format json --threads 1 CAPTURE` under callgrind and prints a table in Markdown. The
program needs line tables:

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
REST = "start, end, and what is not known"


def stage(path):
    """Of a path below src/."""
    for part, name in STAGES:
        if path == part or path.startswith((part + "/", part + ".")):
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


def rooms(addresses, program):
    """The room of each address: that of the innermost code of ours that was inlined there."""
    asked = "\n".join(map(hex, addresses))
    command = ["addr2line", "-a", "-i", "-e", program]
    told = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
    found, address = {}, None
    for line in told.splitlines():
        if re.fullmatch("0x[0-9a-f]+", line):
            address = int(line, 16)
            continue
        path = re.match(r"(?:.*/)?src/([a-z_/0-9]+)\.rs", line)
        is_ours = path and not re.search("/rustc/|/library/|/registry/", line)
        if is_ours and address not in found and stage(path[1]):
            found[address] = stage(path[1])
    return found


def by_stage(program, capture):
    own, calls = costs(callgrind(program, capture), program)
    addresses = {address for (address, _) in own if address is not None}
    addresses |= {address for ((address, _), _) in calls if address is not None}
    found = rooms(sorted(addresses), program)
    sums, pool = collections.Counter(), collections.Counter()

    def give(where, cost):
        """To the stage, or else to the function, which hands it on to its callers."""
        address, function = where
        room = re.search(r"whoclosed::(\w+)(?:::(\w+))?", function[1])
        name = found.get(address) or (room and stage("/".join(filter(None, room.groups()))))
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


def main():
    program, captures = os.path.realpath(sys.argv[1]), sys.argv[2:]
    columns = [by_stage(program, capture) for capture in captures]
    titles = [os.path.basename(capture).split(".")[0] for capture in captures]
    print("| stage | " + " | ".join(titles) + " |")
    print("| --- |" + " ---: |" * len(titles))
    for name in [*dict.fromkeys(name for _, name in STAGES), REST]:
        parts = [f"{100 * sums[name] / total:.1f} %" for sums, total in columns]
        print(f"| {name} | " + " | ".join(parts) + " |")
    totals = [f"{total / 1e6:.1f} M" for _, total in columns]
    print("| all, instructions | " + " | ".join(totals) + " |")


main()
