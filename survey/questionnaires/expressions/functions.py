"""The functions whose arguments are evaluated first. Each takes the environment and values."""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any

from survey.questionnaires.expressions import date_functions
from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.expressions.parser import QUOTED_REF
from survey.questionnaires.expressions.regex import portable
from survey.questionnaires.expressions.values import (
    Moment,
    NodeSet,
    Value,
    cut_utf16,
    node_value,
    to_boolean,
    to_number,
    to_string,
    utf16,
    words,
)
from survey.questionnaires.said import said as _

WIDE = Context(prec=800)  # digits of the largest double beside 400 places

if TYPE_CHECKING:
    from survey.questionnaires.expressions.evaluator import Environment


def _numeric(operate: Callable[[float], float]) -> Callable[..., float]:
    """A function of one number; what Python refuses (log of a negative) is NaN, overflow is Infinity."""

    def call(env: "Environment", value: Value) -> float:
        x = to_number(value, env.zone)
        if math.isnan(x):
            return math.nan
        try:
            return float(operate(x))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return call


def _keep_infinite(operate: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: x if math.isinf(x) else operate(x)


def _log(x: float) -> float:
    return -math.inf if x == 0 else math.log(x)


def _log10(x: float) -> float:
    return -math.inf if x == 0 else math.log10(x)


def power(a: float, b: float) -> float:
    """`a` to the power `b` by JavaScript's rules (1 to an infinite or unknown power is NaN)."""
    if math.isnan(b) or (math.isnan(a) and b != 0) or (abs(a) == 1 and math.isinf(b)):
        return math.nan
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:  # zero to a negative power, or a fractional power of a negative number
        if a != 0:
            return math.nan
        return -math.inf if b % 2 == 1 and math.copysign(1.0, a) < 0 else math.inf


def _round(env: "Environment", value: Value, digits: Value = 0.0) -> float:
    """Half away from zero, on the decimal text, so that round(1.005, 2) is 1.01 (docs/expressions.md)."""
    x, places = to_number(value, env.zone), to_number(digits, env.zone)
    if math.isnan(places):
        return math.nan
    if math.isnan(x) or math.isinf(x):
        return x
    places = int(max(-400.0, min(400.0, places)))
    if places >= 30:
        return x
    decimal = Decimal(repr(x))
    if decimal.adjusted() < -places - 1:
        return 0.0
    return float(decimal.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, WIDE))


def _numbers(env: "Environment", values: tuple[Value, ...]) -> list[float]:
    out = []
    for value in values:
        if isinstance(value, NodeSet):
            out.extend(to_number(node_value(node, env.zone), env.zone) for node in value.nodes)
        else:
            out.append(to_number(value, env.zone))
    return out


def _extreme(choose: Callable[[list[float]], float]) -> Callable[..., float]:
    def call(env: "Environment", *values: Value) -> float:
        numbers = _numbers(env, values)
        return math.nan if not numbers or any(map(math.isnan, numbers)) else choose(numbers)

    return call


def _node_set(name: str, value: Value) -> NodeSet:
    if not isinstance(value, NodeSet):
        raise ExpressionError(_("{name}() 里要写题名或重复组，如 ${{Q1}}", name=name))
    return value


def _sum(env: "Environment", value: Value) -> float:
    total = 0.0
    for number in _numbers(env, (_node_set("sum", value),)):
        total += number
    return total


def _count(_env: "Environment", value: Value) -> float:
    return float(len(_node_set("count", value).nodes))


def _count_non_empty(env: "Environment", value: Value) -> float:
    nodes = _node_set("count-non-empty", value).nodes
    return float(sum(node.children is not None or node.value != "" for node in nodes))


def _texts(env: "Environment", values: tuple[Value, ...]) -> list[str]:
    out = []
    for value in values:
        if isinstance(value, NodeSet):
            out.extend(to_string(node_value(node, env.zone), env.zone) for node in value.nodes)
        else:
            out.append(to_string(value, env.zone))
    return out


def _concat(env: "Environment", *values: Value) -> str:
    return "".join(_texts(env, values))


def _join(env: "Environment", separator: Value, *values: Value) -> str:
    return to_string(separator, env.zone).join(_texts(env, values))


def _normalize(env: "Environment", value: Value) -> str:
    return " ".join(words(to_string(value, env.zone)))


def _on_texts(operate: Callable[..., Any]) -> Callable[..., Any]:
    def call(env: "Environment", *values: Value) -> Any:
        return operate(*(to_string(value, env.zone) for value in values))

    return call


def _string_length(env: "Environment", value: Value) -> float:
    return float(len(utf16(to_string(value, env.zone))) // 2)


def _substr(env: "Environment", value: Value, start: Value, end: Value = math.inf) -> str:
    """0-based, end exclusive, negative counts from the end, clamped."""
    text = to_string(value, env.zone)
    length = len(utf16(text)) // 2

    def place(number: float) -> int:
        if math.isnan(number):
            return 0
        number = min(max(number, -1e9), 1e9)
        if number < 0:
            return max(0, length + math.ceil(number))
        return min(length, math.floor(number))

    return cut_utf16(text, place(to_number(start, env.zone)), place(to_number(end, env.zone)))


def _xpath_round(x: float) -> float:
    return x if math.isnan(x) or math.isinf(x) else math.floor(x + 0.5)


def _substring(env: "Environment", value: Value, start: Value, length: Value | None = None) -> str:
    """1-based, with XPath 1.0's rounding (section 4.2 of the recommendation)."""
    text = to_string(value, env.zone)
    units = len(utf16(text)) // 2
    first = _xpath_round(to_number(start, env.zone))
    last = math.inf if length is None else first + _xpath_round(to_number(length, env.zone))
    if math.isnan(first) or math.isnan(last):
        return ""
    low, high = max(first, 1.0), min(last, units + 1.0)
    return cut_utf16(text, int(low) - 1, int(high) - 1) if low < high else ""


def _substring_before(text: str, mark: str) -> str:
    return text[: text.index(mark)] if mark in text else ""


def _substring_after(text: str, mark: str) -> str:
    return text[text.index(mark) + len(mark) :] if mark in text else ""


def _translate(text: str, source: str, target: str) -> str:
    mapping: dict[str, str] = {}
    for i, char in enumerate(source):
        mapping.setdefault(char, target[i] if i < len(target) else "")
    return "".join(mapping.get(char, char) for char in text)


def _regex(env: "Environment", value: Value, pattern: Value) -> bool:
    return portable(to_string(pattern, env.zone)).fullmatch(to_string(value, env.zone)) is not None


def _selected(text: str, code: str) -> bool:
    wanted = code.strip(" \t\r\n")
    return text.strip(" \t\r\n") == "" if wanted == "" else wanted in words(text)


def _selected_at(env: "Environment", value: Value, index: Value) -> str:
    codes, place = words(to_string(value, env.zone)), to_number(index, env.zone)
    if math.isnan(place) or math.isinf(place) or place <= -1:
        return ""
    return codes[int(place)] if int(place) < len(codes) else ""


def _choice_name(env: "Environment", value: Value, question: Value) -> str:
    name = QUOTED_REF.match(to_string(question, env.zone))[1]
    wanted = to_string(value, env.zone)
    return next((label for code, label in env.choices.get(name, ()) if code == wanted), "")


def _boolean_from_string(env: "Environment", value: Value) -> bool:
    return to_string(value, env.zone) in ("true", "1")


def _truths(env: "Environment", values: tuple[Value, ...]) -> list[bool]:
    out = []
    for value in values:
        nodes = value.nodes if isinstance(value, NodeSet) else [None]
        out.extend(
            to_boolean(value if node is None else node_value(node, env.zone), env.zone) for node in nodes
        )
    return out


def _within(total: float, low: float, high: float) -> bool:
    return (low == -1 or total >= low) and (high == -1 or total <= high)


def _checklist(env: "Environment", low: Value, high: Value, *values: Value) -> bool:
    total = float(sum(_truths(env, values)))
    return _within(total, to_number(low, env.zone), to_number(high, env.zone))


def _weighted_checklist(env: "Environment", low: Value, high: Value, *values: Value) -> bool:
    total = 0.0
    for i in range(0, len(values), 2):
        if to_boolean(values[i], env.zone):
            total += to_number(values[i + 1], env.zone)
    return _within(total, to_number(low, env.zone), to_number(high, env.zone))


TABLE: dict[str, Callable[..., Value]] = {
    "true": lambda env: True,
    "false": lambda env: False,
    "not": lambda env, value: not to_boolean(value, env.zone),
    "boolean": lambda env, value: to_boolean(value, env.zone),
    "boolean-from-string": _boolean_from_string,
    "number": lambda env, value: to_number(value, env.zone),
    "string": lambda env, value: to_string(value, env.zone),
    "int": _numeric(_keep_infinite(math.trunc)),
    "round": _round,
    "abs": _numeric(abs),
    "floor": _numeric(_keep_infinite(math.floor)),
    "ceiling": _numeric(_keep_infinite(math.ceil)),
    "pow": lambda env, a, b: power(to_number(a, env.zone), to_number(b, env.zone)),
    "sqrt": _numeric(math.sqrt),
    "exp": _numeric(math.exp),
    "exp10": _numeric(lambda x: power(10.0, x)),
    "log": _numeric(_log),
    "log10": _numeric(_log10),
    "sin": _numeric(math.sin),
    "cos": _numeric(math.cos),
    "tan": _numeric(math.tan),
    "asin": _numeric(math.asin),
    "acos": _numeric(math.acos),
    "atan": _numeric(math.atan),
    "atan2": lambda env, a, b: math.atan2(to_number(a, env.zone), to_number(b, env.zone)),
    "pi": lambda env: math.pi,
    "min": _extreme(min),
    "max": _extreme(max),
    "sum": _sum,
    "count": _count,
    "count-non-empty": _count_non_empty,
    "concat": _concat,
    "join": _join,
    "string-length": _string_length,
    "normalize-space": _normalize,
    "contains": _on_texts(lambda text, part: part in text),
    "starts-with": _on_texts(str.startswith),
    "ends-with": _on_texts(str.endswith),
    "substr": _substr,
    "substring": _substring,
    "substring-before": _on_texts(_substring_before),
    "substring-after": _on_texts(_substring_after),
    "translate": _on_texts(_translate),
    "regex": _regex,
    "selected": _on_texts(_selected),
    "selected-at": _selected_at,
    "count-selected": lambda env, value: float(len(words(to_string(value, env.zone)))),
    "jr:choice-name": _choice_name,
    "checklist": _checklist,
    "weighted-checklist": _weighted_checklist,
    "date": date_functions.date_of,
    "date-time": date_functions.date_time,
    "today": date_functions.today,
    "now": lambda env: Moment(env.now),
    "decimal-date-time": date_functions.decimal_date_time,
    "decimal-time": date_functions.decimal_time,
    "format-date": date_functions.format_date,
    "format-date-time": date_functions.format_date,
}
