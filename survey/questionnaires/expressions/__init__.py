"""XLSForm's expression language: text → JSON tree → value.

The tree is stored with the published document. Python evaluates it on the server and
`static/questionnaires/expressions.js` evaluates the same tree on the phone; one set of vectors
(`tests/vectors/expressions/`) runs through both. Where engines of the ODK family differ from each other,
our choice is in `docs/expressions.md`.
"""

from survey.questionnaires.expressions.evaluator import Environment, evaluate
from survey.questionnaires.expressions.parser import ExpressionError, parse, references
from survey.questionnaires.expressions.values import to_boolean, to_number, to_string

__all__ = [
    "Environment",
    "ExpressionError",
    "evaluate",
    "parse",
    "references",
    "to_boolean",
    "to_number",
    "to_string",
]
