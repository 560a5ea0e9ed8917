"""Which items a person meets, given the answers so far. Pure; `static/questionnaires/logic.js` is its twin.

Rules, the same on both sides:
- An item is shown when its mode fits, its block's `relevant` holds and its own `relevant` holds; an item of a
  repeat is asked once for each instance and its own `relevant` is taken there.
- An item that is not shown reads as blank, so what it was answered earlier has no effect and is not kept.
- An answer that is not valid for its type, or names an option that the filter does not offer, reads as blank.
- An item without an entry in the answers reads as its default; a read-only one always does.
- A don't-know or refusal of an item without choices reads as blank; of an item with choices it reads as its
  code, as in any XLSForm.
- An expression that cannot be evaluated counts as false in `relevant` and `required`, as blank in a
  calculation, as fulfilled in `constraint`, as offered in `filter`, as no instance in a repeat's count: a
  person is never stuck in front of an author's mistake.

Instances are counted from 1; `at` 0 means outside every repeat.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from survey.questionnaires.answers import BLANK, Reading, choice_limits, read_answer
from survey.questionnaires.document import (
    MODES,
    Block,
    Choice,
    Document,
    Item,
    all_choices,
    block_items,
    column_names,
    item_index,
    max_instances,
    missing_choices,
    own_choices,
    repeats_of,
    substantive_choices,
    text_in,
)
from survey.questionnaires.expressions import (
    Environment,
    ExpressionError,
    evaluate,
    to_boolean,
    to_number,
    to_string,
)
from survey.questionnaires.expressions.values import Day, Moment, Node, Value, atom

DATE_KINDS = {"date": "date", "datetime": "dateTime"}


class _Answers(Mapping[str, Any]):
    """Stored answers by name, worked out when asked for, so that later items may be referred to.

    `at` is the instance whose answers these are; of the whole form (0), a repeat's name gives its instances.
    """

    def __init__(self, run: "Run", names: Mapping[str, Any], at: int = 0) -> None:
        self._run, self._names, self._at = run, names, at

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        if not self._at and name in self._run.repeats:
            return self._run.instance_values(name)
        return self._run.stored(name, self._at)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Run:
    """One reading of a document with one set of answers.

    Parameters
    ----------
    answers : raw answers by item name, as a phone or an API sends them; under a repeat's name a list of them.
    mode : "web" or "door".
    now : the moment of answering (aware); `today()` is its date in the document's time zone.
    language : for choice names in expressions and for messages.
    defaults : False for answers that were accepted before (`Validation.clean`): an item without an entry was
        left blank then, and a default does not come back.
    """

    def __init__(
        self,
        document: Document,
        answers: Mapping[str, Any],
        mode: str,
        now: datetime | None = None,
        language: str | None = None,
        *,
        defaults: bool = True,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"unknown mode {mode!r}")
        self.document, self.raw, self.mode = document, answers, mode
        self._defaults = defaults
        self.language = language or document["default_language"]
        self.index, self.repeats = item_index(document), repeats_of(document)
        self.outer = {
            name: 0 for name, (block, _i) in self.index.items() if block["name"] not in self.repeats
        }
        self.outer |= dict.fromkeys(self.repeats, 0)
        self._readings: dict[tuple[str, int], Reading] = {}
        self._shown: dict[tuple[str, int], bool] = {}
        self._stored: dict[tuple[str, int], Any] = {}
        self._offered: dict[tuple[str, int], list[Choice]] = {}
        self._blocks: dict[str, bool] = {}
        self._counts: dict[str, int] = {}
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self._values: dict[str, list[_Answers]] = {}
        self._busy: set[tuple[str, str, int]] = set()
        paths = {
            name: (block["name"],) if block["name"] in self.repeats else ()
            for name, (block, _i) in self.index.items()
        }
        self._env = Environment(
            values=_Answers(self, self.outer),
            kinds={
                name: DATE_KINDS[i["type"]] for name, (_b, i) in self.index.items() if i["type"] in DATE_KINDS
            },
            choices=_ChoiceNames(self),
            now=(now or datetime.now(UTC)).timestamp() * 1000,
            zone=document["timezone"],
            locale=self.language,
            _paths=paths | dict.fromkeys(self.repeats, ()),
        )
        self._envs: dict[tuple[str, int], Environment] = {}

    # ---- repeats -------------------------------------------------------------------------------------

    def rows(self, block: str) -> list[Mapping[str, Any]]:
        """The objects sent for a repeat, at most as many as it may have; what is no object counts as one
        without answers."""
        if block not in self._rows:
            sent = self.raw.get(block)
            sent = sent[: max_instances(self.repeats[block])] if isinstance(sent, list) else []
            self._rows[block] = [row if isinstance(row, dict) else {} for row in sent]
        return self._rows[block]

    def instances(self, block: str) -> int:
        """How many instances of a repeat the person meets."""
        if block not in self._counts:
            key = ("instances", block, 0)
            if key in self._busy:
                return 0
            self._busy.add(key)
            self._counts[block] = self._instances(self.repeats[block])
            self._busy.discard(key)
        return self._counts[block]

    def _instances(self, block: Block) -> int:
        repeat, most = block["repeat"], max_instances(block)
        if not self.block_shown(block):
            return 0
        if "count" not in repeat:
            return max(repeat.get("min", 0), min(len(self.rows(block["name"])), most))
        try:
            number = to_number(evaluate(repeat["count"]["tree"], self._env), self._env.zone)
        except ExpressionError:
            return 0
        return 0 if math.isnan(number) else int(min(max(number, 0.0), most))

    def instance_values(self, block: str) -> list[_Answers]:
        """Stored answers of each instance of a repeat."""
        number = self.instances(block)
        made = self._values.setdefault(block, [])
        names = {item["name"]: 0 for item in block_items(self.repeats[block])}
        while len(made) < number:
            made.append(_Answers(self, names, len(made) + 1))
        return made[:number]

    def steps(self) -> list[tuple[Item, int]]:
        """(item, instance) in document order, a repeat's instances one after another; shown or not."""
        found = []
        for block in self.document["blocks"]:
            repeated = block["name"] in self.repeats
            for at in range(1, self.instances(block["name"]) + 1) if repeated else (0,):
                found += [(item, at) for item in block_items(block)]
        return found

    def place(self, name: str, at: int = 0) -> str:
        """What names an answer in errors and paths: `age`, or `member[2].age` in a repeat."""
        return f"{self.index[name][0]['name']}[{at}].{name}" if at else name

    def _repeated(self, name: str) -> bool:
        return self.index[name][0]["name"] in self.repeats

    def _env_at(self, name: str, at: int) -> Environment:
        block = self.index[name][0]["name"]
        if not at or block not in self.repeats:
            return self._env
        if (block, at) not in self._envs:
            self._envs[block, at] = replace(self._env, at=((block, at),))
        return self._envs[block, at]

    # ---- one item ------------------------------------------------------------------------------------

    def answered(self, name: str, at: int = 0) -> bool:
        """Whether the answers have an entry for the item, be it blank."""
        return name in self._row(name, at)

    def _row(self, name: str, at: int) -> Mapping[str, Any]:
        block = self.index[name][0]["name"]
        if block not in self.repeats:
            return self.raw
        rows = self.rows(block)
        return rows[at - 1] if 0 < at <= len(rows) else {}

    def given(self, name: str, at: int = 0) -> Any:
        """The raw answer that counts: what was sent, else the default."""
        item = self.index[name][1]
        if self._defaults and (item.get("readonly") or not self.answered(name, at)):
            return item.get("default")
        return self._row(name, at).get(name)

    def reading(self, name: str, at: int = 0) -> Reading:
        """The item's raw answer, read by its type; not yet checked against logic."""
        if self._repeated(name) and not at:
            return BLANK
        if (name, at) not in self._readings:
            item = self.index[name][1]
            raw = self.given(name, at)
            offered = self.offered(name, at) if "filter" in item else None
            self._readings[name, at] = read_answer(self.document, item, raw, self.mode, offered)
        return self._readings[name, at]

    def offered(self, name: str, at: int = 0) -> list[Choice]:
        """The item's choices that its filter leaves, then the missing ones, in the order of the lists."""
        item = self.index[name][1]
        key = ("choices", name, at)
        if "filter" not in item or key in self._busy:
            return all_choices(self.document, item)
        if (name, at) not in self._offered:
            self._busy.add(key)
            self._offered[name, at] = self._filtered(item, self._env_at(name, at))
            self._busy.discard(key)
        return self._offered[name, at]

    def _filtered(self, item: Item, env: Environment) -> list[Choice]:
        choices = substantive_choices(self.document, item)
        blank = dict.fromkeys(column_names(own_choices(self.document, item)), "")
        kept = []
        for place, choice in enumerate(choices, start=1):
            columns = {**blank, **choice.get("columns", {}), "name": str(choice["code"])}
            focus = (Node("", "", columns, place), place, len(choices))
            if self._true(item["filter"], replace(env, focus=focus), otherwise=True):
                kept.append(choice)
        return kept + missing_choices(self.document, item)

    def limits(self, name: str, at: int = 0) -> tuple[int, int]:
        """How many options an answer of several holds, at least and at most."""
        return choice_limits(self.index[name][1], self.offered(name, at))

    def shown(self, name: str, at: int = 0) -> bool:
        """Whether the person meets the item; of a repeat's item without an instance, whether anywhere."""
        if self._repeated(name) and not at:
            block = self.index[name][0]["name"]
            return any(self.shown(name, each) for each in range(1, self.instances(block) + 1))
        if (name, at) not in self._shown:
            key = ("shown", name, at)
            if key in self._busy:  # a cycle, which publishing refuses; here it must only end
                return False
            self._busy.add(key)
            self._shown[name, at] = self._meets(name, at)
            self._busy.discard(key)
        return self._shown[name, at]

    def _meets(self, name: str, at: int) -> bool:
        block, item = self.index[name]
        if self.mode not in item.get("modes", MODES) or not self.block_shown(block):
            return False
        if at and at > self.instances(block["name"]):
            return False
        return self.holds(item.get("relevant"), True, env=self._env_at(name, at))

    def block_shown(self, block: Block) -> bool:
        """Whether a block's own condition holds."""
        key = block["name"]
        if key not in self._blocks:
            self._blocks[key] = self.holds(block.get("relevant"), True)
        return self._blocks[key]

    def stored(self, name: str, at: int = 0) -> Any:
        """The value that expressions see: "" when blank or not shown."""
        if (name, at) not in self._stored:
            key = ("value", name, at)
            if key in self._busy or (self._repeated(name) and not at) or not self.shown(name, at):
                return ""
            self._busy.add(key)
            item = self.index[name][1]
            if item["type"] == "calculate":
                self._stored[name, at] = self._calculated(item, self._env_at(name, at))
            else:
                self._stored[name, at] = seen_by_expressions(item, self.reading(name, at))
            self._busy.discard(key)
        return self._stored[name, at]

    # ---- expressions ---------------------------------------------------------------------------------

    def _calculated(self, item: Item, env: Environment) -> Any:
        try:
            return plain_value(evaluate(item["calculation"]["tree"], env), env.zone)
        except ExpressionError:
            return ""

    def holds(
        self, condition: dict[str, Any] | None, otherwise: bool, *, env: Environment | None = None
    ) -> bool:
        """The truth of a stored expression; `otherwise` when there is none; false when it cannot run."""
        if condition is None:
            return otherwise
        return self._true(condition, env or self._env, otherwise=False)

    def required(self, item: Item, at: int = 0) -> bool:
        """Whether the item asks for an answer; an expression decides where the author wrote one."""
        required = item.get("required", False)
        if isinstance(required, dict):
            return self.holds(required, False, env=self._env_at(item["name"], at))
        return bool(required)

    def constraint_holds(self, item: Item, at: int, reading: Reading) -> bool:
        """Whether the item's constraint lets a read answer stand."""
        if "constraint" not in item:
            return True
        env = replace(
            self._env_at(item["name"], at),
            own=seen_by_expressions(item, reading),
            own_kind=DATE_KINDS.get(item["type"], ""),
        )
        return self._true(item["constraint"], env, otherwise=True)

    def quotas(self) -> list[str]:
        """Names of the quotas whose condition these answers fulfil."""
        return [
            quota["name"] for quota in self.document.get("quotas", []) if self.holds(quota["where"], False)
        ]

    @staticmethod
    def _true(condition: dict[str, Any], env: Environment, *, otherwise: bool) -> bool:
        try:
            return to_boolean(evaluate(condition["tree"], env), env.zone)
        except ExpressionError:
            return otherwise


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
    kind, value = item["type"], reading.value
    if kind == "select_one":
        return str(value)
    if kind in ("select_multiple", "ranking"):
        return " ".join(str(code) for code in value)
    if reading.missing:
        return ""
    if kind == "place":  # ODK's text; Minyi asks for no altitude
        return " ".join(to_string(float(part)) for part in (value["lat"], value["lon"], 0, value["accuracy"]))
    return value["id"] if kind in ("photo", "signature") else value


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
