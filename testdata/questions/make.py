#!/usr/bin/env python3
"""Makes the captures of the questions with the lab, or some of them:   make.py [NAME...]   (root, Linux)"""
from __future__ import annotations

import glob
import json
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import tools  # noqa: E402,F401 - puts the lab on the path
import lab  # noqa: E402
import table  # noqa: E402

KEEP = ("name", "question", "title", "answer", "kernel", "family", "captures", "timestamps", "one_way_delay_s", "hops", "trim",
        "only", "double", "snaplen", "sysctl", "counters", "flows", "wire", "disagreements")
KEEP_FLOW = ("client", "server", "client_isn", "server_isn", "expected", "in_capture", "observed")
KEEP_OBSERVED = ("path", "rst_reasons", "handshake_rst", "rst_received", "fins_sent", "final_ack", "opened", "accepted", "merged_fin_ack")
STATES_OF = (5, 9, 11)      # questions about how long a state lasts
COUNTERS = ("TCPAbort", "ListenOverflows", "ListenDrops", "PAWS", "TCPTimeWaitOverflow", "TW", "TCPReqQFullDoCookies", "Syncookies",
            "ActiveOpens", "PassiveOpens", "AttemptFails", "EstabResets", "OutRsts", "TCPFastOpen")


def compact(truth: dict) -> dict:
    """What a test needs of a truth file."""
    out = {k: truth[k] for k in KEEP if k in truth}
    out["counters"] = {s: {k: v for k, v in c.items() if k.startswith(COUNTERS)} for s, c in truth["counters"].items()}
    many = len(truth["flows"]) > 20
    out["wire"] = truth["wire"] if len(truth["wire"]) <= 12 else truth["wire"][:2] + [{"what": f"{len(truth['wire']) - 2} more"}]
    flows = []
    for f in truth["flows"]:
        flow = {k: f[k] for k in KEEP_FLOW if k in f}
        flow["observed"] = {k: v for k, v in f["observed"].items() if k in KEEP_OBSERVED}
        if truth.get("question") in STATES_OF and "states" in f:
            flow["states"] = {side: [[p["state"] + "*" * (p["state"] == "FIN_WAIT2" and bool(p.get("minisocket"))), p["first"],
                                      p["last"]] for p in path] for side, path in f["states"].items()}
        if many:
            flow = {"client": f["client"], "kind": f["expected"]["kind"], "first_fin": f["expected"]["first_fin"],
                    "rst_by": f["expected"]["rst_by"], "time_wait": f["expected"]["time_wait"]}
        flows.append(flow)
    if many:
        out["flows_short_form"] = True
    out["flows"] = flows
    return out


def main() -> int:
    names = sys.argv[1:] or table.NAMES
    with tempfile.TemporaryDirectory() as d:
        status = lab.main(["--out", d, *names])
        for path in sorted(glob.glob(d + "/*.json")):
            with open(path) as f:
                truth = json.load(f)
            for point, extra in truth.pop("extra_captures", {}).items():    # made by tcpdump
                shutil.move(extra, os.path.join(HERE, os.path.basename(extra)))
                os.rmdir(os.path.dirname(extra))
                truth["captures"][point] = {"file": os.path.basename(extra), "link": "sll2"}
            with open(os.path.join(HERE, os.path.basename(path)), "w") as f:
                f.write(lab.dumps(compact(truth)) + "\n")
            for capture in truth["captures"].values():
                if os.path.exists(os.path.join(d, capture["file"])):
                    shutil.copy(os.path.join(d, capture["file"]), HERE)
    return status


if __name__ == "__main__":
    sys.exit(main())
