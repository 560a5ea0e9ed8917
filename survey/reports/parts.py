"""Finished parts of a run: what is stored once need not be computed again when a job is repeated."""

from collections.abc import Callable
from typing import Any

from survey.reports.document import significant
from survey.reports.models import Run, RunPart


class Parts:
    """Parts of one run. The content is rounded before it is used, so that a repeated run gives the same."""

    def __init__(self, run: Run | None = None) -> None:
        self.run = run
        self.held = {p.name: p.content["value"] for p in run.parts.all()} if run else {}

    def of(self, name: str, make: Callable[[], Any]) -> Any:
        """The part of this name, made and stored if it is not there yet."""
        if name not in self.held:
            self.held[name] = significant(make())
            if self.run is not None:
                RunPart.objects.update_or_create(
                    run=self.run, name=name, defaults={"content": {"value": self.held[name]}}
                )
        return self.held[name]
