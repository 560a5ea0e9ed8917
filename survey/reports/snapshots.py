"""Snapshots: what a run reads, as typed and hashed Parquet. One row per released case and per volunteer."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from survey.common.clock import now
from survey.common.errors import Problem
from survey.reports.inputs import Inputs, Volunteers
from survey.reports.models import Snapshot
from survey.responses.models import Response
from survey.studies.models import Round

FOLDER = "snapshots"
ANSWER, COVARIATE = "answer:", "covariate:"
TEXTS = ("path", "stratum", "psu", "outcome", "mode", "urban")
FLOATS, TRUTHS = ("base", "person_probability"), ("certainty", "responded", "took_part")
VOLUNTEER, PROBABILITY = "volunteer", "probability"
FLAGGED = "flagged"


def take_snapshot(round: Round, inputs: Inputs) -> Snapshot:
    """Store the inputs as a Parquet file; the same content of a round is stored once."""
    same = Snapshot.objects.filter(round=round, content_hash=inputs.hash).exclude(file="").first()
    if same is not None and path_of(same).exists():
        return same
    table = to_table(inputs)
    name = f"{FOLDER}/{round.pk}/{inputs.hash}.parquet"
    target = Path(settings.MEDIA_ROOT) / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_suffix(f".{os.getpid()}.part")
    pq.write_table(table, draft, compression="zstd")
    draft.chmod(0o600)
    draft.replace(target)
    return Snapshot.objects.create(
        round=round,
        content_hash=inputs.hash,
        file_hash=hashlib.sha256(target.read_bytes()).hexdigest(),
        file=name,
        columns={column.name: str(column.type) for column in table.schema},
        n_cases=len(inputs.case_ids),
        n_responses=int(inputs.responded.sum()),
        n_volunteers=len(inputs.volunteers),
    )


def path_of(snapshot: Snapshot) -> Path:
    """Where its file lies."""
    return Path(settings.MEDIA_ROOT) / snapshot.file


def read_snapshot(snapshot: Snapshot) -> Inputs:
    """The inputs again, exactly.

    Raises
    ------
    Problem reports.snapshot_gone : removed after a withdrawal, or not the file that was stored.
    """
    path = path_of(snapshot)
    if not snapshot.file or not path.exists():
        raise Problem("reports.snapshot_gone", reason=snapshot.removal_reason or _("文件不在了"))
    if hashlib.sha256(path.read_bytes()).hexdigest() != snapshot.file_hash:
        raise Problem("reports.snapshot_gone", reason=_("文件和存下的指纹对不上"))
    return from_table(pq.read_table(path))


def remove_stale_snapshots() -> int:
    """Remove the files that hold an answer which does not stand any more; how many. Safe to repeat."""
    removed = 0
    for snapshot in Snapshot.objects.exclude(file=""):
        path = path_of(snapshot)
        if path.exists():
            held = pq.read_table(path, columns=["response_id"]).column(0).drop_null().to_pylist()
            standing = {str(pk) for pk in _standing(snapshot.round)}
            if set(held) <= standing:
                continue
        with transaction.atomic():
            snapshot.file, snapshot.removed_at = "", now()
            snapshot.removal_reason = _("有答卷撤回或改过，快照已销毁")
            snapshot.save(update_fields=["file", "removed_at", "removal_reason"])
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def _standing(round: Round) -> Any:
    return Response.objects.counted().filter(round=round).values_list("pk", flat=True)


def to_table(inputs: Inputs) -> pa.Table:
    """Typed columns: cases first, then volunteers, who have answers, place, mode and doubts only."""
    n, extra = len(inputs.case_ids), len(inputs.volunteers)
    columns: dict[str, pa.Array] = {
        "sample_kind": pa.array([PROBABILITY] * n + [VOLUNTEER] * extra, pa.string()),
        "case_id": pa.array([*inputs.case_ids, *[None] * extra], pa.string()),
        "response_id": pa.array([*inputs.response_ids, *inputs.volunteers.response_ids], pa.string()),
        FLAGGED: pa.array([False] * n + inputs.volunteers.flagged.tolist(), pa.bool_()),
    }
    outside = {"path": inputs.volunteers.path, "mode": inputs.volunteers.mode}
    for name in TEXTS:
        later = outside.get(name, [None] * extra)
        columns[name] = pa.array([*getattr(inputs, name), *later], pa.string())
    for name in FLOATS:
        values = np.r_[getattr(inputs, name), np.full(extra, np.nan)]
        columns[name] = pa.array(values, pa.float64(), from_pandas=True)
    for name in TRUTHS:
        columns[name] = pa.array([*getattr(inputs, name).tolist(), *[False] * extra], pa.bool_())
    for name, values in sorted(inputs.covariates.items()):
        columns[COVARIATE + name] = pa.array(np.r_[values, np.full(extra, np.nan)], from_pandas=True)
    nobody = np.full(extra, None, dtype=object)
    for item, values in sorted(inputs.answers.items()):
        later = inputs.volunteers.answers.get(item, nobody)
        columns[ANSWER + item] = typed([*values.tolist(), *later.tolist()])
    facts = {"first_on": inputs.first_on, "last_on": inputs.last_on, "content_hash": inputs.hash}
    return pa.table(columns).replace_schema_metadata({"minyi": json.dumps(facts, sort_keys=True)})


def typed(values: list[Any]) -> pa.Array:
    """Whole numbers as int64, numbers as float64, several choices as lists of text, anything else as text."""
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int}:
        return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array(values, pa.float64())
    if kinds == {list}:
        return pa.array([v and [str(x) for x in v] for v in values], pa.list_(pa.string()))
    text = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return pa.array(text, pa.string())


def from_table(table: pa.Table) -> Inputs:
    """Inputs from the columns of `to_table`."""
    drawn = np.array(table.column("sample_kind").to_pylist(), dtype=object) == PROBABILITY
    n = int(drawn.sum())
    facts = json.loads(table.schema.metadata[b"minyi"])

    def objects(name: str) -> np.ndarray:
        found = np.full(len(drawn), None, dtype=object)
        for row, value in enumerate(table.column(name).to_pylist()):
            found[row] = value
        return found

    texts = {name: objects(name)[:n] for name in TEXTS}
    floats = {name: table.column(name).to_numpy(zero_copy_only=False)[:n].astype(float) for name in FLOATS}
    truths = {name: np.array(table.column(name).to_pylist()[:n], dtype=bool) for name in TRUTHS}
    names = [name for name in table.column_names if name.startswith(ANSWER)]
    answers = {name.removeprefix(ANSWER): objects(name) for name in names}
    covariates = {
        name.removeprefix(COVARIATE): table.column(name).to_numpy(zero_copy_only=False)[:n].astype(float)
        for name in table.column_names
        if name.startswith(COVARIATE)
    }
    return Inputs(
        case_ids=table.column("case_id").to_pylist()[:n],
        response_ids=table.column("response_id").to_pylist()[:n],
        answers={item: values[:n] for item, values in answers.items()},
        outcome_counts=counted(texts["outcome"]),
        modes=counted(texts["mode"][truths["responded"]]),
        n_volunteer=len(drawn) - n,
        first_on=facts["first_on"],
        last_on=facts["last_on"],
        hash=facts["content_hash"],
        covariates=covariates,
        volunteers=Volunteers(
            objects("path")[n:],
            objects("mode")[n:],
            {item: values[n:] for item, values in answers.items()},
            _flagged(table)[n:],
            table.column("response_id").to_pylist()[n:],
        ),
        **texts,
        **floats,
        **truths,
    )


def _flagged(table: pa.Table) -> np.ndarray:
    """Rows with a doubt; the first release's snapshots kept no doubts."""
    if FLAGGED not in table.column_names:
        return np.zeros(len(table), dtype=bool)
    return np.array(table.column(FLAGGED).to_pylist(), dtype=bool)


def counted(values: np.ndarray) -> dict[str, int]:
    """How often each text occurs, in order."""
    names, counts = np.unique(values.astype(str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}
