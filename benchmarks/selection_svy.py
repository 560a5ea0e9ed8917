"""svy's part of benchmarks/selection.py: the number of households → seconds as JSON. Needs svy and polars."""

import json
import sys

import numpy as np
import polars as pl
from svy import Design, Sample

from benchmarks.selection_frame import COMMUNITIES, STREETS, TAKE, Frame, takes_by_street, timed


def draws(frame: Frame) -> dict[str, float]:
    """Best of two for each draw."""
    households = pl.DataFrame({"community": frame.community, "row": np.arange(len(frame.community))})
    streets = pl.DataFrame({"community": np.arange(COMMUNITIES, dtype=np.uint16), "street": frame.street})
    n_psus = dict(enumerate(frame.n_psus.tolist()))

    def two_stage(method: str) -> np.ndarray:
        psus = households.group_by("community").len("size").join(streets, on="community")
        stage = Sample(psus, Design(stratum="street", mos="size")).sampling
        first = getattr(stage, method)(n=n_psus, rstate=1)
        inside = households.join(first.data.select("community"), on="community")
        second = Sample(inside, Design(stratum="community")).sampling.srs(n=TAKE, rstate=2)
        return second.data["row"].to_numpy()

    def one_stage() -> np.ndarray:
        coded = households.with_columns(street=pl.Series(frame.household_street))
        takes = takes_by_street(np.bincount(frame.household_street, minlength=STREETS))
        drawn = Sample(coded, Design(stratum="street")).sampling
        return drawn.srs(n=dict(enumerate(takes.tolist())), rstate=3).data["row"].to_numpy()

    jobs = {
        "systematic": lambda: two_stage("pps_sys"),
        "sampford": lambda: two_stage("pps_rs"),
        "one-stage": one_stage,
    }
    return {task: min(timed(job)[0] for _ in range(2)) for task, job in jobs.items()}


if __name__ == "__main__":
    print(json.dumps(draws(Frame(int(sys.argv[1])))))
