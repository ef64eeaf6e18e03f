"""The matrix as a table: printed, and written to RESULTS.md after a whole run."""

import datetime
import pathlib
import subprocess

from node import ROOT

RESULTS = pathlib.Path(__file__).resolve().parent / "RESULTS.md"
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


def matrix(chosen, cells, results):
    header = ["client", "version", *(cell.name for cell in cells)]
    return table([header, *([client.name, client.version(), *(results[number][cell.name].verdict for cell in cells)]
                            for number, client in enumerate(chosen))])


def limits(chosen, cells):
    """What clients cannot do, with the reason: whole columns, and records left out or changed."""
    lines = []
    for client in chosen:
        if client.without:
            what = "; ".join(f"{key}: {why}" for key, why in client.without.items())
            lines.append(f"- {client.name} {client.version()}: {what}.")
    return "\n".join(lines)


def failures(chosen, results):
    return [f"- {client.name} {client.version()}, {name}: {' '.join(outcome.why.split())[:600]}"
            for number, client in enumerate(chosen) for name, outcome in results[number].items() if outcome.verdict == FAILED]


def count(results, verdict):
    return sum(outcome.verdict == verdict for row in results.values() for outcome in row.values())


def summary(results):
    return (f"{count(results, OK)} ok, {count(results, UNSUPPORTED)} unsupported by the client, "
            f"{count(results, FAILED)} failed")


def write(chosen, cells, results, bad):
    text = f"""# The client matrix

Made by `tests/interop/run` on {datetime.date.today()}, Sluice {commit()}, Cassandra {cassandra_version()}: {summary(results)}.
How a cell is judged: README.md.

{matrix(chosen, cells, results)}

ok: every record was acknowledged once and is in the table once, at the acknowledged offset where the client tells it, with
the exact bytes of key, value and headers; no offset was left out. –: the client cannot.

## What clients cannot do

{limits(chosen, cells)}
"""
    if bad:
        text += "\n## Failures\n\n" + "\n".join(bad) + "\n"
    RESULTS.write_text(text)


def finish(chosen, cells, results, whole):
    bad = failures(chosen, results)
    print("\n" + matrix(chosen, cells, results) + "\n")
    print("\n".join(bad))
    if whole:
        write(chosen, cells, results, bad)
    print(f"client matrix: {len(chosen)} clients, {summary(results)}")
    return 1 if bad or not count(results, OK) else 0
