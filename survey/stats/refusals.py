"""Turns the exceptions of `analysis` into the catalogue's problems."""

from collections.abc import Iterator
from contextlib import contextmanager

from analysis.errors import AnalysisError, LonelyPSUError, NotConvergedError
from survey.common.errors import Problem


@contextmanager
def refusals(step: str) -> Iterator[None]:
    """Anything `analysis` refuses inside becomes Problem stats.impossible, naming the step in words."""
    try:
        yield
    except LonelyPSUError as error:
        raise Problem("stats.lonely_psu", strata="、".join(error.strata[:5])) from error
    except NotConvergedError as error:
        raise Problem(
            "stats.not_converged",
            errors=[
                {"where": k, "reason": f"{want:,.1f} / {have:,.1f}"} for k, (want, have) in error.gaps.items()
            ],
            step=step,
        ) from error
    except AnalysisError as error:
        raise Problem("stats.impossible", step=step, reason=str(error)) from error
