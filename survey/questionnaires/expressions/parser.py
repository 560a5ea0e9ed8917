"""Read an XLSForm expression into a JSON tree.

Nodes of the tree (arrays; a bare number or text is a literal):

    ["ref", name]              ${name}
    ["self"]                   .
    ["up", n]                  .. (n=1), ../.. (n=2)
    ["child", base, name]      base/name
    ["filter", base, test]     base[test]
    ["name", name]             a bare name, meant as a child of the instance under test in a predicate
    ["call", function, *args]
    ["neg", x]  ["or", a, b]  ["and", a, b]  ["=", a, b] and the same for != < <= > >= + - * div mod
"""

import re
from typing import Any

from lark import Lark, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.expressions.signatures import REFUSED, SIGNATURES, arity_error
from survey.questionnaires.said import said as _

__all__ = ["ExpressionError", "parse", "references"]

Tree = Any  # JSON: list, text or number

# The contextual lexer of LALR knows where an operand is due, so that `div` can be a name and `1mod1` reads.
GRAMMAR = r"""
?start: or_
?or_: and_ | or_ "or" and_ -> or_
?and_: equal | and_ "and" equal -> and_
?equal: order | equal EQUAL_OP order -> binary
?order: sum_ | order ORDER_OP sum_ -> binary
?sum_: product | sum_ SUM_OP product -> binary
?product: unary | product PRODUCT_OP unary -> binary
?unary: path | "-" unary -> neg
?path: filtered | path "/" step
?step: NAME -> step_name | DOTDOT -> step_up | DOT -> step_self
?filtered: primary | filtered "[" or_ "]" -> filter
?primary: NUMBER -> number
        | STRING -> string
        | REF -> ref
        | DOT -> self_
        | DOTDOT -> up
        | NAME -> name
        | FUNCTION "(" [or_ ("," or_)*] ")" -> call
        | "(" or_ ")"

EQUAL_OP: "!=" | "="
ORDER_OP: "<=" | ">=" | "<" | ">"
SUM_OP: "+" | "-"
PRODUCT_OP: "*" | "div" | "mod"
NUMBER.4: /\d+(\.\d*)?|\.\d+/
STRING: /"[^"]*"|'[^']*'/
REF: /\$\{\s*[^\s{}]+\s*\}/
DOTDOT.3: ".."
DOT.2: "."
FUNCTION.2: /[A-Za-z_][\w\-]*(:[A-Za-z_][\w\-]*)?(?=\s*\()/
NAME: /[A-Za-z_\u4e00-\u9fff][\w.\-\u4e00-\u9fff]*/
%ignore /[ \t\r\n\u00a0]+/
"""

QUOTED_REF = re.compile(r"^\s*\$\{\s*([^\s{}]+)\s*\}\s*$")
MAX_LENGTH = 4000  # an XLSForm cell; longer text is refused before the parser works on it
MAX_DEPTH = 150  # levels of the tree; keeps the evaluators' recursion shallow on both sides


@v_args(inline=True)
class _ToTree(Transformer):
    def number(self, token: str) -> float | int:
        value = float(token)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value

    def string(self, token: str) -> str:
        return str(token[1:-1])

    def ref(self, token: str) -> list:
        return ["ref", str(token[2:-1]).strip()]

    def self_(self, _token: str) -> list:
        return ["self"]

    def up(self, _token: str) -> list:
        return ["up", 1]

    def name(self, token: str) -> list:
        return ["name", str(token)]

    def step_name(self, token: str) -> tuple:
        return ("name", str(token))

    def step_up(self, _token: str) -> tuple:
        return ("up", "")

    def step_self(self, _token: str) -> tuple:
        return ("self", "")

    def path(self, base: Tree, step: tuple) -> Tree:
        kind, name = step
        if kind == "self":
            return base
        if kind == "up":
            if isinstance(base, list) and base[0] == "up":
                return ["up", base[1] + 1]
            if base == ["self"]:
                return ["up", 1]
            raise ExpressionError(_("“..”只能写在路径开头"))
        return ["child", base, name]

    def filter(self, base: Tree, test: Tree) -> list:
        return ["filter", base, test]

    def neg(self, value: Tree) -> Tree:
        return ["neg", value]

    def binary(self, left: Tree, op: str, right: Tree) -> list:
        return [str(op), left, right]

    def or_(self, left: Tree, right: Tree) -> list:
        return ["or", left, right]

    def and_(self, left: Tree, right: Tree) -> list:
        return ["and", left, right]

    def call(self, function: str, *args: Tree) -> list:
        name = str(function)
        given = [] if args == (None,) else list(args)
        if name in REFUSED:
            raise ExpressionError(_("不支持函数 {name}()：{why}", name=name, why=REFUSED[name]))
        if name not in SIGNATURES:
            raise ExpressionError(
                _("没有 {name}() 这个函数，请核对拼写和大小写", name=name),
                getattr(function, "start_pos", None),
            )
        wrong = arity_error(name, len(given))
        if wrong:
            raise ExpressionError(wrong, getattr(function, "start_pos", None))
        if name == "jr:choice-name" and not (isinstance(given[1], str) and QUOTED_REF.match(given[1])):
            raise ExpressionError(_("jr:choice-name() 的第二个参数要写成 '${Q1}'"))
        return ["call", name, *given]


# The transformer works while LALR parses, bottom up, so no input can exhaust Python's recursion.
_PARSER = Lark(GRAMMAR, parser="lalr", lexer="contextual", maybe_placeholders=True, transformer=_ToTree())


def parse(text: str) -> Tree:
    """The JSON tree of `text`.

    Raises ExpressionError with a Chinese reason and, where known, the character position.
    """
    if not text.strip():
        raise ExpressionError(_("表达式是空的"))
    if len(text) > MAX_LENGTH:
        raise ExpressionError(_("表达式太长（超过 {most} 个字符）", most=MAX_LENGTH))
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        position = len(text) if ended or error.pos_in_stream is None else error.pos_in_stream
        raise ExpressionError(_where(text, position), position) from error
    except VisitError as error:
        raise error.orig_exc from error
    if _depth(tree) > MAX_DEPTH:
        raise ExpressionError(_("括号套得太深（超过 {most} 层）", most=MAX_DEPTH))
    return tree


def _where(text: str, position: int) -> str:
    if position < 0 or position >= len(text.rstrip()):
        return _("写到末尾还不完整，少了括号、引号或数值")
    return _("第 {place} 个字符“{text}”看不懂", place=position + 1, text=text[position : position + 12])


def _depth(tree: Tree) -> int:
    """Depth by an explicit stack, so that a hostile expression cannot exhaust Python's own."""
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        if isinstance(node, list):
            stack.extend((child, level + 1) for child in node[1:] if isinstance(child, list))
    return deepest


def references(tree: Tree) -> list[str]:
    """Names the tree asks for by ${name} (and the question named in jr:choice-name), each once, in order."""
    found: dict[str, None] = {}

    def walk(node: Tree) -> None:
        if not isinstance(node, list):
            return
        if node[0] == "ref":
            found.setdefault(node[1])
            return
        if node[:2] == ["call", "jr:choice-name"]:
            found.setdefault(QUOTED_REF.match(node[3])[1])
        for child in node[1:]:
            walk(child)

    walk(tree)
    return list(found)
