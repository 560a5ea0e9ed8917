"""One zip for analysts: the data in four formats, what they mean, how a headline figure comes out again."""

import io
import zipfile

from django.db import transaction

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.reports.microdata import codebook, scripts, writers
from survey.reports.microdata.table import build_cases, build_table
from survey.reports.models import Run

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the zip of the same run is the same file


def make_package(*, run: Run, is_fine: bool, acting_user: User) -> bytes:
    """The zip as bytes; who took it, and how fine, is on record.

    Raises
    ------
    Problem common.forbidden : no right, or not to the fine one.
    Problem common.not_found, reports.snapshot_gone : see `build_table`.
    """
    region = run.round.study.region
    require(acting_user, "microdata.view", region)
    if is_fine:
        require(acting_user, "microdata.fine", region)
    data = build_table(run, is_fine=is_fine)
    title = f"{run.round.study.title} {run.round.name}"
    files = {
        "data.csv": writers.csv(data),
        "data.parquet": writers.parquet(data),
        "data.sav": writers.sav(data, title),
        "data.dta": writers.dta(data, title),
        "cases.csv": build_cases(run).to_csv(index=False, lineterminator="\n").encode("utf-8-sig"),
        "codebook.xml": codebook.ddi(run, data),
        "codebook.md": codebook.markdown(run, data).encode(),
        "population.csv": scripts.population_csv(run).encode(),
        "reproduce.R": scripts.r_script(run, data).encode(),
        "reproduce.do": scripts.stata_script(run, data).encode(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    with transaction.atomic():
        record(
            action="reports.microdata.downloaded",
            acting_user=acting_user,
            target=run,
            region_code=region.code,
            detail={"rows": len(data.frame), "fine": is_fine},
        )
    return packed.getvalue()
