# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_trace.py FILE THREADS: reads a trace of n2uq-run as Chrome does and prints its name and each kernel's items."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    events = json.load(file)["traceEvents"]
names = {event["name"]: event["args"]["name"] for event in events if event["ph"] == "M"}
pieces = [event for event in events if event["ph"] == "X"]
assert len(pieces) + len([event for event in events if event["ph"] == "M"]) == len(events)
assert {event["tid"] for event in pieces} <= set(range(int(sys.argv[2])))
print(names["process_name"])
items, free = {}, {}
for piece in pieces:
    begin, end = piece["args"]["items"]
    # Times are rounded to a nanosecond each.
    assert piece["dur"] >= 0 and piece["ts"] >= free.get(piece["tid"], 0) - 0.0025, "a thread computes two pieces at once"
    free[piece["tid"]] = piece["ts"] + piece["dur"]
    seen = items.setdefault(piece["name"], set())
    mine = {(piece["args"].get("image"), item) for item in range(begin, end)}
    assert mine and not mine & seen, "an item is computed twice"
    seen |= mine
for name, seen in items.items():
    print(f"{name}: {len(seen)} items")
