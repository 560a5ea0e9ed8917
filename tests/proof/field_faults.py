"""Interviews over a line that drops, delays and cuts, to a server that is killed: each arrives once, whole.

MINYI_FIELD_INTERVIEWS and MINYI_FIELD_DAYS make it shorter, MINYI_PROOF_AT_ONCE says how many parts run side
by side; what was run is written down with the result. A run that broke off goes on (tests/proof/parts.py).
"""

import os
from collections import Counter
from typing import Any

from tests.proof.field_days import a_day
from tests.proof.field_wire import come_home
from tests.proof.parts import AT_ONCE, Part, run_parts
from tests.real_site import empty_database

TITLE = "A bad line, a killed phone and a killed server lose no interview and double none"
CLAIM = (
    "Scripted phones send their interviews, five of them at once, through a proxy that drops, delays and "
    "truncates connections both ways, with batches doubled and shuffled, while the server is killed with "
    "SIGKILL again and again. Whole days of ten doors are walked in the app itself, in a browser without "
    "network that is killed with SIGKILL at random moments and started again, and go home over the same "
    "line, where browser and server are killed in the middle of the upload. Every finished interview is "
    "there exactly once; what the server opened is byte for byte what the phone sealed, and what it holds "
    "sealed is what lay in the phone's outbox."
)
FULL_INTERVIEWS, FULL_DAYS = 10_000, 50
INTERVIEWS = int(os.environ.get("MINYI_FIELD_INTERVIEWS", FULL_INTERVIEWS))
DAYS = int(os.environ.get("MINYI_FIELD_DAYS", FULL_DAYS))
PHONES, PER_PHONE, DOORS = 5, 200, 10  # ten days without a signal come home at once
HARM, SEED = 0.3, 20261124
# Everything between the phone's screen and the stored response, and what drives it.
CODE = [
    *("manage.py", "requirements.txt", "api"),
    *(
        f"survey/{name}"
        for name in ("accounts", "audit", "common", "contacts", "fieldwork", "questionnaires")
    ),
    *(f"survey/{name}" for name in ("responses", "sampling", "settings.py", "studies", "urls.py")),
    *(f"tests/proof/field_{name}.py" for name in ("days", "wire")),
    *(f"tests/{name}.py" for name in ("bad_line", "factories", "field_site", "nest", "phones", "real_site")),
    *("tests/browser/field_app.py", "tests/residents.py"),
]


def wire_parts(interviews: int) -> list[Part]:
    """`interviews` in parts of five phones with 200 each; a smaller rest has phones with fewer."""
    whole, rest = divmod(interviews, PHONES * PER_PHONE)
    sizes = [PER_PHONE] * whole + ([-(-rest // PHONES)] if rest else [])
    return [
        Part(f"wire-{place:03}", come_home, _seeded(place, phones=PHONES, each=each))
        for place, each in enumerate(sizes)
    ]


def day_parts(days: int) -> list[Part]:
    """One part for each day."""
    return [Part(f"day-{day:03}", a_day, _seeded(day, doors=DOORS)) for day in range(days)]


def _seeded(place: int, **arguments: Any) -> dict[str, Any]:
    return {**arguments, "harm": HARM, "seed": SEED + place}


def told(records: list[dict[str, Any]]) -> Counter[str]:
    """The sums of the numbers in what the parts wrote down."""
    sums: Counter[str] = Counter()
    for record in records:
        result = record.get("result", {})
        sums.update({name: value for name, value in result.items() if isinstance(value, int)})
        sums.update(result.get("harms", {}))
    return sums


def _of_wire(records: list[dict[str, Any]]) -> list[str]:
    sums = told(records)
    harms = ", ".join(f"{kind} {sums[kind]}" for kind in ("cut down", "cut up", "delay", "drop"))
    return [
        f"- {sums['interviews']:,} interviews of {sums['phones']} scripted phones, {PHONES} at once, in "
        f"{len(records)} parts with seeds from {SEED}: each exactly once, byte for byte; the audit chains "
        "are whole.",
        f"- Of {sums['connections']:,} connections, not counting those that found no server, "
        f"{sums['harmed']:,} were harmed ({harms}); the servers were killed {sums['server kills']} times.",
    ]


def _of_days(records: list[dict[str, Any]]) -> list[str]:
    sums = told(records)
    return [
        f"- {len(records)} days of {DOORS} doors in the app, seeds from {SEED}: {sums['interviews']} "
        f"interviews, {sums['browser kills']} kills of the browser ({sums['of them at home']} of them in the "
        f"upload), {sums['server kills']} of the server, {sums['harmed']} of {sums['connections']} "
        "connections harmed; each interview exactly once."
    ]


def run() -> tuple[bool, list[str]]:
    """The proof for docs/proof/."""
    empty_database()  # once, not in each process
    wire, days = wire_parts(INTERVIEWS), day_parts(DAYS)
    records = run_parts("field_faults", [*days, *wire], code=CODE)
    lines: list[str] = []
    for parts, tell in ((wire, _of_wire), (days, _of_days)):
        held = [records[part.name] for part in parts if "result" in records[part.name]]
        lines += tell(held) if held else []
    failures = {name: record["failure"] for name, record in records.items() if "failure" in record}
    lines += [f"- {name} FAILED: {failure.splitlines()[-1]}" for name, failure in failures.items()]
    commits = sorted({record["commit"] for record in records.values()})
    spent = sum(record["took_s"] for record in records.values())
    if INTERVIEWS < FULL_INTERVIEWS or DAYS < FULL_DAYS:
        lines.append(
            f"- **Not the full size**, which is {FULL_INTERVIEWS:,} interviews and {FULL_DAYS} days: this "
            "run was asked for less."
        )
    lines.append(f"- {len(records)} parts, {AT_ONCE} at once, {spent} s in sum, commit {', '.join(commits)}.")
    return not failures, lines
