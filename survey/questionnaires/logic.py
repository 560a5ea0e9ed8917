"""Which items a person meets, given the answers so far. Pure; `static/questionnaires/logic.js` is its twin.

Rules, the same on both sides:
- An item is shown when its mode fits, its block's `relevant` holds and its own `relevant` holds.
- An item that is not shown reads as blank, so what it was answered earlier has no effect and is not kept.
- An answer that is not valid for its type reads as blank.
- A don't-know or refusal of an item without choices reads as blank; of an item with choices it reads as its
  code, as in any XLSForm.
- An expression that cannot be evaluated counts as false in `relevant` and `required`, as blank in a
  calculation, as fulfilled in `constraint`: a person is never stuck in front of an author's mistake.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from survey.questionnaires.answers import Reading, read_answer
from survey.questionnaires.document import (
    MODES,
    Document,
    Item,
    all_choices,
    item_index,
    text_in,
)
from survey.questionnaires.expressions import Environment, ExpressionError, evaluate, to_boolean, to_string
from survey.questionnaires.expressions.values import Day, Moment, Value, atom

DATE_KINDS = {"date": "date"}


class _Answers(Mapping[str, Any]):
    """Stored answers by name, worked out when asked for, so that later items may be referred to."""

    def __init__(self, run: "Run") -> None:
        self._run = run

    def __getitem__(self, name: str) -> Any:
        return self._run.stored(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.index)

    def __len__(self) -> int:
        return len(self._run.index)


class Run:
    """One reading of a document with one set of answers.

    Parameters
    ----------
    answers : raw answers by item name, as a phone or an API sends them.
    mode : "web" or "door".
    now : the moment of answering (aware); `today()` is its date in the document's time zone.
    language : for choice names in expressions and for messages.
    """

    def __init__(
        self,
        document: Document,
        answers: Mapping[str, Any],
        mode: str,
        now: datetime | None = None,
        language: str | None = None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"unknown mode {mode!r}")
        self.document, self.raw, self.mode = document, answers, mode
        self.language = language or document["default_language"]
        self.index = item_index(document)
        self._readings: dict[str, Reading] = {}
        self._shown: dict[str, bool] = {}
        self._stored: dict[str, Any] = {}
        self._blocks: dict[str, bool] = {}
        self._busy: set[str] = set()
        self._env = Environment(
            values=_Answers(self),
            kinds={
                name: DATE_KINDS[i["type"]] for name, (_b, i) in self.index.items() if i["type"] in DATE_KINDS
            },
            choices=_ChoiceNames(self),
            now=(now or datetime.now(UTC)).timestamp() * 1000,
            zone=document["timezone"],
            locale=self.language,
            _paths=dict.fromkeys(self.index, ()),
        )

    def reading(self, name: str) -> Reading:
        """The item's raw answer, read by its type; not yet checked against logic."""
        if name not in self._readings:
            item = self.index[name][1]
            self._readings[name] = read_answer(self.document, item, self.raw.get(name), self.mode)
        return self._readings[name]

    def shown(self, name: str) -> bool:
        """Whether the person meets the item."""
        if name not in self._shown:
            if name in self._busy:  # a cycle, which publishing refuses; here it must only end
                return False
            self._busy.add(name)
            block, item = self.index[name]
            fits = self.mode in item.get("modes", MODES)
            self._shown[name] = fits and self._block_shown(block) and self.holds(item.get("relevant"), True)
            self._busy.discard(name)
        return self._shown[name]

    def _block_shown(self, block: dict[str, Any]) -> bool:
        key = block["name"]
        if key not in self._blocks:
            self._blocks[key] = self.holds(block.get("relevant"), True)
        return self._blocks[key]

    def stored(self, name: str) -> Any:
        """The value that expressions see: "" when blank or not shown."""
        if name not in self._stored:
            if f"value of {name}" in self._busy or not self.shown(name):
                return ""
            self._busy.add(f"value of {name}")
            item = self.index[name][1]
            if item["type"] == "calculate":
                self._stored[name] = self._calculated(item)
            else:
                self._stored[name] = seen_by_expressions(item, self.reading(name))
            self._busy.discard(f"value of {name}")
        return self._stored[name]

    def _calculated(self, item: Item) -> Any:
        try:
            return plain_value(evaluate(item["calculation"]["tree"], self._env), self._env.zone)
        except ExpressionError:
            return ""

    def holds(
        self, condition: dict[str, Any] | None, otherwise: bool, own: tuple[str, Any] | None = None
    ) -> bool:
        """The truth of a stored expression; `otherwise` when there is none; true when `own`'s cannot run.

        `own` is (item type, stored value) for `.`.
        """
        if condition is None:
            return otherwise
        env = self._env
        if own is not None:
            env = self._with_own(*own)
        try:
            return to_boolean(evaluate(condition["tree"], env), env.zone)
        except ExpressionError:
            return own is not None

    def _with_own(self, kind: str, value: Any) -> Environment:
        env = self._env
        return Environment(
            values=env.values,
            kinds=env.kinds,
            choices=env.choices,
            own=value,
            own_kind=DATE_KINDS.get(kind, ""),
            now=env.now,
            zone=env.zone,
            locale=env.locale,
            _paths=env.paths(),
        )


class _ChoiceNames(Mapping[str, Any]):
    """Labels of an item's choices in the language of the run, for jr:choice-name()."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getitem__(self, name: str) -> list[tuple[str, str]]:
        run = self._run
        choices = all_choices(run.document, run.index[name][1])
        return [(str(c["code"]), text_in(c["label"], run.language, run.document)) for c in choices]

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.index)

    def __len__(self) -> int:
        return len(self._run.index)


def seen_by_expressions(item: Item, reading: Reading) -> Any:
    """The stored text or number of a read answer (see the module's rules)."""
    if reading.error or reading.value is None:
        return ""
    if item["type"] == "select_one":
        return str(reading.value)
    if item["type"] == "select_multiple":
        return " ".join(str(code) for code in reading.value)
    return "" if reading.missing else reading.value


def plain_value(value: Value, zone: str) -> Any:
    """A calculated value as JSON: whole numbers without fraction, dates as text, NaN and infinities blank."""
    value = atom(value, zone)
    if isinstance(value, Day | Moment):
        return to_string(value, zone)
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value
