"""Scenarios that outlast TIME-WAIT: `python3 lab.py --table long.py --out ../ledger 'time-wait-75s*'`."""
from __future__ import annotations

from lab import scenario
from scenarios import good
from scripts import *  # noqa: F403

OVER = {"end": {"client": "CLOSE", "server": "CLOSE"}}

scenario("time-wait-75s", "open", "TIME-WAIT runs out", orderly, {**good("client", final_ack={"lost": 0}), **OVER},
         after=75)
scenario("time-wait-75s-restarted", "open", "four final ACKs are lost: each repeated FIN starts TIME-WAIT anew", orderly,
         {**good("client", final_ack={"lost": 4, "reached": True}), **OVER},
         rules=[lose("client", final_ack, (1, 2, 3, 4))], after=75)
