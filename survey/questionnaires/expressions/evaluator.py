"""Evaluate a JSON tree on the server. `expressions.js` is the same evaluator on the phone."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from survey.questionnaires.expressions import functions
from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.expressions.values import (
    Day,
    Moment,
    Node,
    NodeSet,
    Value,
    atom,
    node_value,
    to_boolean,
    to_number,
    to_string,
)
from survey.questionnaires.said import said as _


@dataclass
class Environment:
    """Where an expression is evaluated.

    Attributes
    ----------
    values : stored answers by name; a list of dictionaries is a repeat. "" is blank.
    kinds : "date", "dateTime" or "time" for the names that are stored as text but are dates.
    choices : question name → list of (code as text, label).
    at : enclosing repeat instances, outermost first: [("house", 2), ("member", 1)], 1-based.
    own : stored answer of `.`; `own_kind` its kind.
    now : milliseconds since 1970-01-01T00:00Z. `zone` the form's IANA time zone, `locale` for month names.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    at: Sequence[tuple[str, int]] = ()
    own: Any = ""
    own_kind: str = ""
    now: float = field(default_factory=lambda: datetime.now(UTC).timestamp() * 1000)
    zone: str = "UTC"
    locale: str = "en"
    # Set inside a predicate: the instance under test, its place among the tested ones, and their number.
    focus: tuple[Node, int, int] | None = None
    _paths: dict[str, tuple[str, ...]] | None = None

    def paths(self) -> dict[str, tuple[str, ...]]:
        """For each name inside a repeat (and each repeat), the repeats around it, outermost first."""
        if self._paths is None:
            found: dict[str, tuple[str, ...]] = {}
            _collect_paths(self.values, (), found)
            self._paths = found
        return self._paths


def _collect_paths(
    values: Mapping[str, Any], around: tuple[str, ...], found: dict[str, tuple[str, ...]]
) -> None:
    for name, value in values.items():
        found.setdefault(name, around)
        if isinstance(value, list):
            for instance in value:
                _collect_paths(instance, (*around, name), found)


def evaluate(tree: Any, env: Environment) -> Value:
    """The value of `tree`. Raises ExpressionError when it has none (wrong kind of argument, bad date)."""
    if isinstance(tree, bool):
        return tree
    if isinstance(tree, int | float):
        return float(tree)
    if isinstance(tree, str):
        return tree
    operator = tree[0]
    if operator == "call":
        return _call(tree[1], tree[2:], env)
    if operator in BINARY:
        return BINARY[operator](tree[1], tree[2], env)
    return NODES[operator](tree, env)


def _ref(tree: list, env: Environment) -> NodeSet:
    return resolve(tree[1], env, env.at)


def resolve(name: str, env: Environment, at: Sequence[tuple[str, int]]) -> NodeSet:
    """The nodes of ${name} seen from inside the instances `at`; a name that nobody knows gives no node."""
    around = env.paths().get(name)
    if around is None:
        return NodeSet([])
    holders, shared = [env.values], True
    for level, repeat in enumerate(around):
        shared = shared and level < len(at) and at[level][0] == repeat
        picked = []
        for holder in holders:
            instances = holder.get(repeat) or []
            if shared:
                picked.extend(instances[at[level][1] - 1 : at[level][1]])
            else:
                picked.extend(instances)
        holders = picked
    return NodeSet([node for holder in holders for node in _children(holder, name, env)])


def _children(holder: Mapping[str, Any], name: str, env: Environment) -> list[Node]:
    if name not in holder:
        return []
    value = holder[name]
    if isinstance(value, list):
        return [Node("", "", instance, index + 1) for index, instance in enumerate(value)]
    return [Node(value, env.kinds.get(name, ""))]


def _self(_tree: list, env: Environment) -> NodeSet:
    if env.focus is not None:
        return NodeSet([env.focus[0]])
    return NodeSet([Node(env.own, env.own_kind)])


def _up(tree: list, env: Environment) -> NodeSet:
    """`..` of a field is its instance; outside every repeat it is the form."""
    depth = len(env.at) - tree[1]
    if depth < 0:
        return NodeSet([Node("", "", env.values, 1)])
    holder: Mapping[str, Any] = env.values
    for repeat, index in list(env.at)[: depth + 1]:
        instances = holder.get(repeat) or []
        if not 0 < index <= len(instances):
            return NodeSet([])
        holder = instances[index - 1]
    return NodeSet([Node("", "", holder, env.at[depth][1])])


def _child(tree: list, env: Environment) -> NodeSet:
    base = _nodes(evaluate(tree[1], env))
    return NodeSet([child for node in base for child in _children(node.children or {}, tree[2], env)])


def _name(tree: list, env: Environment) -> NodeSet:
    if env.focus is None:
        raise ExpressionError(_("“{name}”不是数值也不是函数，题名要写成 ${{{name}}}", name=tree[1]))
    return NodeSet(_children(env.focus[0].children or {}, tree[1], env))


def _filter(tree: list, env: Environment) -> NodeSet:
    base = _nodes(evaluate(tree[1], env))
    kept = []
    for place, node in enumerate(base, start=1):
        inner = replace(env, focus=(node, place, len(base)), _paths=env.paths())
        test = evaluate(tree[2], inner)
        hit = (
            test == place
            if isinstance(test, float) and not isinstance(test, bool)
            else to_boolean(test, env.zone)
        )
        if hit:
            kept.append(node)
    return NodeSet(kept)


def _nodes(value: Value) -> list[Node]:
    if not isinstance(value, NodeSet):
        raise ExpressionError(_("这里要写题名，不能写数值或文字"))
    return value.nodes


def _neg(tree: list, env: Environment) -> float:
    return -to_number(evaluate(tree[1], env), env.zone)


def _or(left: Any, right: Any, env: Environment) -> bool:
    return to_boolean(evaluate(left, env), env.zone) or to_boolean(evaluate(right, env), env.zone)


def _and(left: Any, right: Any, env: Environment) -> bool:
    return to_boolean(evaluate(left, env), env.zone) and to_boolean(evaluate(right, env), env.zone)


def _atoms(value: Value, env: Environment) -> list:
    if isinstance(value, NodeSet):
        return [node_value(node, env.zone) for node in value.nodes]
    return [value]


def equal_atoms(left: Any, right: Any, zone: str) -> bool:
    """`=` of two plain values: as booleans, else as numbers, else as dates, else as texts."""
    if isinstance(left, bool) or isinstance(right, bool):
        return to_boolean(left, zone) == to_boolean(right, zone)
    if not isinstance(left, str) or not isinstance(right, str):
        return to_number(left, zone) == to_number(right, zone)
    return left == right


def _equality(negated: bool) -> Callable[[Any, Any, Environment], bool]:
    def compare(left: Any, right: Any, env: Environment) -> bool:
        a, b = evaluate(left, env), evaluate(right, env)
        if isinstance(a, bool) or isinstance(b, bool):
            return (to_boolean(a, env.zone) == to_boolean(b, env.zone)) != negated
        return any(equal_atoms(x, y, env.zone) != negated for x in _atoms(a, env) for y in _atoms(b, env))

    return compare


def _ordering(test: Callable[[float, float], bool]) -> Callable[[Any, Any, Environment], bool]:
    def compare(left: Any, right: Any, env: Environment) -> bool:
        a, b = evaluate(left, env), evaluate(right, env)
        return any(
            test(to_number(x, env.zone), to_number(y, env.zone))
            for x in _atoms(a, env)
            for y in _atoms(b, env)
        )

    return compare


def _arithmetic(operate: Callable[[float, float], float]) -> Callable[[Any, Any, Environment], float]:
    def compute(left: Any, right: Any, env: Environment) -> float:
        a, b = to_number(evaluate(left, env), env.zone), to_number(evaluate(right, env), env.zone)
        return operate(a, b)

    return compute


def _divide(a: float, b: float) -> float:
    if b == 0:
        if a == 0 or math.isnan(a):
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def _modulo(a: float, b: float) -> float:
    return math.nan if b == 0 or math.isinf(a) or math.isnan(a) or math.isnan(b) else math.fmod(a, b)


def _call(name: str, args: list, env: Environment) -> Value:
    if name in LAZY:
        return LAZY[name](args, env)
    return functions.TABLE[name](env, *(evaluate(arg, env) for arg in args))


def _if(args: list, env: Environment) -> Value:
    return evaluate(args[1] if to_boolean(evaluate(args[0], env), env.zone) else args[2], env)


def _coalesce(args: list, env: Environment) -> Value:
    first = atom(evaluate(args[0], env), env.zone)
    blank = first == "" or (isinstance(first, float) and math.isnan(first))
    return evaluate(args[1], env) if blank else first


def _once(args: list, env: Environment) -> Value:
    own = node_value(Node(env.own, env.own_kind), env.zone)
    return evaluate(args[0], env) if own == "" else own


def _position(args: list, env: Environment) -> float:
    if not args:
        if env.focus is None:
            raise ExpressionError(_("position() 不写参数时只能用在方括号里"))
        return float(env.focus[1])
    nodes = _nodes(evaluate(args[0], env))
    return float(nodes[0].index) if nodes else math.nan


def _last(_args: list, env: Environment) -> float:
    if env.focus is None:
        raise ExpressionError(_("last() 只能用在方括号里"))
    return float(env.focus[2])


def _or_self(name: str) -> Callable[[list, Environment], Value]:
    """string(), number() and their like speak of `.` when they stand without an argument."""

    def call(args: list, env: Environment) -> Value:
        return functions.TABLE[name](env, evaluate(args[0] if args else ["self"], env))

    return call


def _indexed_repeat(args: list, env: Environment) -> Value:
    """The field in the numbered instance(s); blank beyond the last. References here are absolute."""
    for place in (0, *range(1, len(args), 2)):
        if not (isinstance(args[place], list) and args[place][0] == "ref"):
            raise ExpressionError(_("indexed-repeat() 的题名和重复组要写成 ${Q1}"))
    wanted = {args[i][1]: to_number(evaluate(args[i + 1], env), env.zone) for i in range(1, len(args) - 1, 2)}
    field_name = args[0][1]
    holders: list[Mapping[str, Any]] = [env.values]
    for repeat in env.paths().get(field_name, ()):
        picked = []
        for holder in holders:
            instances = holder.get(repeat) or []
            if repeat not in wanted:
                picked.extend(instances)
                continue
            number = wanted[repeat]
            if number >= 1:  # false for NaN, too
                picked.extend(instances[int(min(number, 1e9)) - 1 : int(min(number, 1e9))])
        holders = picked
    return NodeSet([node for holder in holders for node in _children(holder, field_name, env)][:1])


BINARY: dict[str, Callable[[Any, Any, Environment], Value]] = {
    "or": _or,
    "and": _and,
    "=": _equality(False),
    "!=": _equality(True),
    "<": _ordering(lambda a, b: a < b),
    "<=": _ordering(lambda a, b: a <= b),
    ">": _ordering(lambda a, b: a > b),
    ">=": _ordering(lambda a, b: a >= b),
    "+": _arithmetic(lambda a, b: a + b),
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "div": _arithmetic(_divide),
    "mod": _arithmetic(_modulo),
}
NODES: dict[str, Callable[[list, Environment], Value]] = {
    "ref": _ref,
    "self": _self,
    "up": _up,
    "child": _child,
    "name": _name,
    "filter": _filter,
    "neg": _neg,
}
LAZY: dict[str, Callable[[list, Environment], Value]] = {
    "if": _if,
    "coalesce": _coalesce,
    "once": _once,
    "position": _position,
    "last": _last,
    "current": lambda _args, env: NodeSet([Node(env.own, env.own_kind)]),
    "indexed-repeat": _indexed_repeat,
    "string": _or_self("string"),
    "number": _or_self("number"),
    "string-length": _or_self("string-length"),
    "normalize-space": _or_self("normalize-space"),
}

__all__ = [
    "Day",
    "Environment",
    "Moment",
    "Node",
    "NodeSet",
    "evaluate",
    "to_boolean",
    "to_number",
    "to_string",
]
