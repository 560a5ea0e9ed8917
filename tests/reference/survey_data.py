"""Data, predicates, expressions, variables and designs of the survey case format."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.frames import make_factor
from analysis.replicates import ReplicateDesign
from analysis.weighting import calibrate, poststratify, rake, standardize, trim, without_rows
from tests.reference.compare import number, numbers


def read_table(folder: Path, file: str, meta: dict) -> pd.DataFrame:
    frame = pd.read_csv(folder / file, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    for name, info in meta["columns"].items():
        if info["type"] == "number":
            frame[name] = numbers([None if v is None or v != v else v for v in frame[name]])
        elif info["type"] == "category":
            frame[name] = pd.Categorical(frame[name], categories=[str(v) for v in info["levels"]])
    return frame


def predicate(frame: pd.DataFrame, p: dict) -> np.ndarray:
    """1, 0 or NaN for every row (three-valued logic)."""
    if "and" in p or "or" in p:
        parts = np.array([predicate(frame, q) for q in p.get("and", p.get("or"))])
        stop, other = (0.0, 1.0) if "and" in p else (1.0, 0.0)
        some = (parts == stop).any(axis=0)
        return np.where(some, stop, np.where(np.isnan(parts).any(axis=0), np.nan, other))
    if "not" in p:
        return 1 - predicate(frame, p["not"])
    column, op = frame[p["col"]], p["op"]
    missing = column.isna().to_numpy()
    if op in ("is_missing", "not_missing"):
        return (missing if op == "is_missing" else ~missing).astype(float)
    value = p["value"]
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy()
        value = [number(v) for v in value] if isinstance(value, list) else number(value)
    else:
        values = column.astype(object).where(~missing, "").astype(str).to_numpy()
        value = [str(v) for v in value] if isinstance(value, list) else str(value)
    if op in ("in", "not_in"):
        result = np.isin(values, value) == (op == "in")
    else:
        compare = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal}
        compare |= {">": np.greater, ">=": np.greater_equal}
        result = compare[op](values, value)
    return np.where(missing, np.nan, result.astype(float))


def expression(frame: pd.DataFrame, e: dict) -> Any:
    """A numeric array, or a categorical for `cut`."""
    if "col" in e:
        return frame[e["col"]].to_numpy()
    if "const" in e:
        return np.full(len(frame), number(e["const"]))
    if "cut" in e:
        return _cut(frame, e["cut"])
    if "fn" in e:
        with np.errstate(all="ignore"):
            return {"log": np.log, "exp": np.exp, "sqrt": np.sqrt, "abs": np.abs}[e["fn"]](
                expression(frame, e["arg"])
            )
    a, b = (expression(frame, arg) for arg in e["args"])
    return arithmetic(e["op"], a, b)


def arithmetic(op: str, a: Any, b: Any) -> Any:
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    with np.errstate(all="ignore"):
        return a / b


def _cut(frame: pd.DataFrame, spec: dict) -> pd.Categorical:
    breaks = [number(b) for b in spec["breaks"]]
    labels = [f"({_label(a)},{_label(b)}]" for a, b in pairwise(breaks)]
    values = frame[spec["col"]].to_numpy()
    place = np.searchsorted(breaks, values, side="left") - 1
    place = np.where((place >= 0) & (place < len(labels)) & ~np.isnan(values), place, -1)
    return pd.Categorical.from_codes(place, categories=labels)


def _label(value: float) -> str:
    return "Inf" if value == np.inf else "-Inf" if value == -np.inf else f"{value:g}"


def levels_of(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Codes (-1 missing) and text levels of a column used as a category."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(int), [str(v) for v in column.cat.categories]
    factor = make_factor(column.to_numpy())
    return factor.codes, [str(v) for v in factor.levels]


def factor_columns(frame: pd.DataFrame, name: str) -> dict[str, np.ndarray]:
    codes, levels = levels_of(frame[name])
    return {
        f"{name}={level}": np.where(codes < 0, np.nan, (codes == k).astype(float))
        for k, level in enumerate(levels)
    }


def variable(frame: pd.DataFrame, v: Any) -> dict[str, np.ndarray]:
    """{result name: values} of a variable of mean or total."""
    if isinstance(v, str):
        return {v: frame[v].to_numpy(dtype=float)}
    if "factor" in v:
        return factor_columns(frame, v["factor"])
    if "indicator" in v:
        return {"indicator": predicate(frame, v["indicator"])}
    if "expr" in v:
        return {"expr": np.asarray(expression(frame, v["expr"]), dtype=float)}
    first, second = (variable(frame, part) for part in v["interaction"])
    return {f"{a}:{b}": x * y for b, y in second.items() for a, x in first.items()}


def single(frame: pd.DataFrame, v: Any) -> np.ndarray:
    return next(iter(variable(frame, v).values()))


class Designs:
    """Builds each design of a folder once per lonely-PSU rule."""

    def __init__(self, folder: Path, expected: dict) -> None:
        self.folder, self.expected = folder, expected
        self.frames: dict[str, pd.DataFrame] = {}
        self.made: dict[tuple, Any] = {}

    def build(self, name: str, lonely: str = "fail", domain_lonely: bool = False) -> Any:
        key = (name, lonely, domain_lonely)
        if key not in self.made:
            self.made[key] = self._make(name, lonely, domain_lonely)
        return self.made[key]

    def frame(self, name: str) -> pd.DataFrame:
        """The rows of a design: derived columns, filter, empty levels dropped."""
        spec = self.expected["designs"][name]
        root = spec
        while "filter" not in root and "derive" not in root and root.get("base"):
            root = self.expected["designs"][root["base"]]
        key = repr((root.get("data"), root.get("filter"), root.get("derive")))
        if key not in self.frames:
            frame = read_table(self.folder, root["data"], self.expected["data"][root["data"]])
            for column, e in (root.get("derive") or {}).items():
                frame[column] = expression(frame, e)
            if root.get("filter"):
                frame = frame[predicate(frame, root["filter"]) == 1].reset_index(drop=True)
            for column in frame.columns:
                if root.get("filter") and isinstance(frame[column].dtype, pd.CategoricalDtype):
                    frame[column] = frame[column].cat.remove_unused_categories()
            self.frames[key] = frame
        return self.frames[key]

    def matrix(self, file: str) -> np.ndarray:
        return np.loadtxt(self.folder / file, delimiter=",", skiprows=1, ndmin=2)

    def _make(self, name: str, lonely: str, domain_lonely: bool) -> Any:
        spec = self.expected["designs"][name]
        frame = self.frame(name)
        kind = spec["type"]
        if kind == "taylor":
            return self._taylor(spec, frame, lonely, domain_lonely)
        if kind == "replicate":
            return self._replicate(spec, frame)
        base = self.build(spec["base"], lonely, domain_lonely)
        if kind == "poststratified":
            margin = spec["margins"][0]
            return poststratify(base, margin["factor"], margin["totals"])
        if kind == "raked":
            return rake(base, [(m["factor"], m["totals"]) for m in spec["margins"]], max_iterations=5000)
        if kind == "calibrated":
            columns = calibration_columns(frame, spec["terms"])
            kept = {k: v for k, v in columns.items() if k in spec["population"]}
            return calibrate(
                base,
                kept,
                {k: number(v) for k, v in spec["population"].items()},
                distance=spec["calfun"],
                bounds=None if spec.get("bounds") is None else tuple(numbers(spec["bounds"])),
                aggregate_stage=spec.get("aggregate_stage"),
            )
        if kind == "trimmed":
            return trim(base, lower=spec["lower"], upper=spec["upper"], strict=bool(spec["strict"]))
        if kind == "standardized":
            columns = spec.get("excluding_missing") or []
            gone = np.zeros(len(frame), dtype=bool)
            for column in columns:
                gone |= frame[column].isna().to_numpy()
            return standardize(without_rows(base, gone), spec["by"], spec["over"], spec["population"])
        raise AnalysisError(f"unknown design type {kind}")

    def _taylor(self, spec: dict, frame: pd.DataFrame, lonely: str, domain_lonely: bool) -> SurveyDesign:
        pps = spec.get("pps") or {}
        method = pps.get("method")
        if method == "joint":
            method = self.matrix(pps["file"])
        return SurveyDesign(
            frame,
            weights=spec.get("weights"),
            clusters=spec.get("ids"),
            strata=spec.get("strata"),
            fpc=spec.get("fpc"),
            nest=bool(spec.get("nest")),
            lonely_psu=lonely,
            domain_lonely=domain_lonely,
            unequal=method,
            unequal_variance=pps.get("variance") or "HT",
            sum_p2_over_n=pps.get("sum_p2_over_n"),
        )

    def _replicate(self, spec: dict, frame: pd.DataFrame) -> ReplicateDesign:
        r = spec["replicate"]
        if r["file"] is None:
            c = r["construct"]
            base = self.build(spec["base"])
            return ReplicateDesign.from_design(base, c["method"], rho=c.get("rho") or 0.3, mse=bool(r["mse"]))
        return ReplicateDesign(
            frame,
            weights=spec["weights"],
            replicates=self.matrix(r["file"]),
            combined=bool(r["combined"]),
            scale=number(r["scale"]),
            rscales=numbers(r["rscales"]) if isinstance(r["rscales"], list) else number(r["rscales"]),
            mse=bool(r["mse"]),
            df=number(r["degf"]),
        )


def calibration_columns(frame: pd.DataFrame, terms: list) -> dict[str, np.ndarray]:
    """Columns of the model coding: intercept, then indicators against the first level."""
    columns = {"(intercept)": np.ones(len(frame))}
    for term in terms:
        made = variable(frame, term)
        if isinstance(term, dict) and "factor" in term:
            made = dict(list(made.items())[1:])
        columns |= made
    return columns
