"""Plain exceptions of the statistics package. `survey.stats` translates them into the catalogue of errors."""

from collections.abc import Mapping


class AnalysisError(ValueError):
    """Base of everything `analysis` raises on purpose: the request or the data cannot give a right answer."""


class DesignError(AnalysisError):
    """The design does not describe a probability sample: says which row, stratum or cluster, and why."""


class ColumnError(AnalysisError):
    """A column is absent, has the wrong length, or holds values the method cannot use."""


class LonelyPSUError(AnalysisError):
    """A stratum has a single PSU, so its variance cannot be estimated, and `lonely_psu` is 'fail'."""

    def __init__(self, stage: int, strata: list[str]) -> None:
        self.stage = stage
        self.strata = strata
        shown = ", ".join(strata[:5]) + (" …" if len(strata) > 5 else "")
        super().__init__(
            f"stage {stage}: {len(strata)} stratum/strata with a single unit ({shown}); its variance cannot "
            "be estimated. Join strata before drawing, or choose lonely_psu='adjust', 'average' or 'remove'."
        )


class NotConvergedError(AnalysisError):
    """An iteration ended without meeting its target.

    `gaps` maps each unmet margin to (wanted, reached), so that a caller can show which one and by how much.
    """

    def __init__(self, message: str, gaps: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.gaps = dict(gaps or {})
        if self.gaps:
            worst = sorted(self.gaps.items(), key=lambda kv: -abs(kv[1][0] - kv[1][1]))[:5]
            listed = "; ".join(
                f"{name}: wanted {a:,.6g}, reached {b:,.6g} ({b - a:+,.6g})" for name, (a, b) in worst
            )
            message = f"{message} Not met: {listed}."
        super().__init__(message)
