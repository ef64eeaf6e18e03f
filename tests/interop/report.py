"""The matrix as a table: printed, and written to RESULTS.md from the newest whole row of every client."""

import datetime
import json
import pathlib
import subprocess
from collections import Counter

from node import ROOT
from producers import CACHE

RESULTS = pathlib.Path(__file__).resolve().parent / "RESULTS.md"
KEPT = CACHE / "interop" / "results.json"
OK, UNSUPPORTED, FAILED = "ok", "–", "FAIL"


def commit():
    text = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True)
    return text.stdout.strip() or "unknown"


def cassandra_version():
    lines = (ROOT / "tools" / "setup").read_text().splitlines()
    return next(line for line in lines if line.startswith("cassandra_version=")).split("=")[1]


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def keep(client, outcomes):
    """A client's whole row, with when and of what it was made; one of an earlier run is replaced."""
    rows = kept()
    rows[f"{client.name} {client.version()}"] = {
        "date": str(datetime.date.today()), "sluice": commit(), "cells": {name: list(each) for name, each in outcomes.items()}}
    KEPT.write_text(json.dumps(rows, indent=1))


def kept():
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def matrix(clients, cells, outcomes):
    """outcomes: of each client, by cell: verdict and why."""
    header = ["client", "version", *(cell.name for cell in cells)]
    return table([header, *([client.name, client.version(), *(row[cell.name][0] for cell in cells)]
                            for client, row in zip(clients, outcomes, strict=True))])


def limits(clients):
    """What clients cannot do, with the reason: whole columns, and records left out or changed."""
    lines = []
    for client in clients:
        if client.without:
            what = "; ".join(f"{key}: {why}" for key, why in client.without.items())
            lines.append(f"- {client.name} {client.version()}: {what}.")
    return "\n".join(lines)


def failures(clients, outcomes):
    return [f"- {client.name} {client.version()}, {name}: {' '.join(why.split())[:600]}"
            for client, row in zip(clients, outcomes, strict=True) for name, (verdict, why) in row.items() if verdict == FAILED]


def count(outcomes, wanted):
    return sum(verdict == wanted for row in outcomes for verdict, _ in row.values())


def summary(outcomes):
    return (f"{count(outcomes, OK)} ok, {count(outcomes, UNSUPPORTED)} unsupported by the client, "
            f"{count(outcomes, FAILED)} failed")


def write(clients, cells):
    """RESULTS.md, from the newest row of every client; nothing while one has none."""
    rows = [kept().get(f"{client.name} {client.version()}") for client in clients]
    if None in rows or any(cell.name not in row["cells"] for cell in cells for row in rows):
        return
    outcomes = [row["cells"] for row in rows]
    made = Counter((row["date"], row["sluice"]) for row in rows)
    runs = "; ".join(f"{number} clients on {date}, Sluice {sluice}" for (date, sluice), number in sorted(made.items()))
    bad = failures(clients, outcomes)
    RESULTS.write_text(f"""# The client matrix

Made by `tests/interop/run` ({runs}), Cassandra {cassandra_version()}: {len(clients)} clients, {summary(outcomes)}.
How a cell is judged and what the columns send: README.md and cells.py.

{matrix(clients, cells, outcomes)}

ok: every record was acknowledged once and is in the table once, at the acknowledged offset where the client tells it, with
the exact bytes of key, value and headers; no offset was left out. –: the client cannot.

## What clients cannot do

Columns of the table, and kinds of records (cells.py) that are left out of the client's columns or not compared.

{limits(clients)}
""" + ("\n## Failures\n\n" + "\n".join(bad) + "\n" if bad else ""))


def finish(chosen, cells, results):
    outcomes = [results[number] for number in range(len(chosen))]
    bad = failures(chosen, outcomes)
    print("\n" + matrix(chosen, cells, outcomes) + "\n")
    print("\n".join(bad))
    print(f"client matrix: {len(chosen)} clients, {summary(outcomes)}")
    return 1 if bad or not count(outcomes, OK) else 0
