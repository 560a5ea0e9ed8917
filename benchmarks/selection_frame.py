"""The frame of benchmarks/selection.py, for this package and its peers alike."""

import time
from collections.abc import Callable

import numpy as np

COMMUNITIES, STREETS = 5758, 164  # Jinan's, 2023
N_PSUS, TAKE, ONE_STAGE = 2000, 22, 100_000


class Frame:
    """Community of each household (rows in no order), street of each community, PSUs per street."""

    def __init__(self, households: int) -> None:
        random = np.random.default_rng(20261123)
        # Spread so that no community is certain and Sampford's rejective procedure, the bare pass, ends.
        share = random.lognormal(0, 0.25, COMMUNITIES)
        sizes = np.maximum(60, (households * share / share.sum()).astype(np.int64))
        self.community = random.permutation(np.repeat(np.arange(COMMUNITIES, dtype=np.uint16), sizes))
        self.street = np.sort(random.integers(0, STREETS, COMMUNITIES))
        per_street = np.bincount(self.street, minlength=STREETS)
        self.n_psus = np.maximum(1, np.floor(N_PSUS * per_street / COMMUNITIES)).astype(int)
        self.n_psus[np.argsort(-per_street)[: N_PSUS - self.n_psus.sum()]] += 1

    @property
    def household_street(self) -> np.ndarray:
        return self.street.astype(np.uint8)[self.community]


def takes_by_street(sizes: np.ndarray) -> np.ndarray:
    takes = ONE_STAGE * sizes // sizes.sum()
    takes[: ONE_STAGE - takes.sum()] += 1
    return takes


def timed(work: Callable[[], np.ndarray]) -> tuple[float, int]:
    start = time.process_time()
    rows = work()
    return time.process_time() - start, len(np.unique(rows))
