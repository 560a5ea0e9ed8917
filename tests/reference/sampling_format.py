"""Runner of the sampling case format (FORMAT.md beside the data): call the verb, compare every result."""

from pathlib import Path

from analysis.errors import AnalysisError
from tests.reference import sampling_selection, sampling_verbs
from tests.reference.compare import Outcome, Unsupported, case_name, guarded
from tests.reference.sampling_compare import compare_results

VERBS = dict(sampling_verbs.VERBS) | sampling_selection.VERBS
JUDGES = dict(sampling_verbs.JUDGES) | sampling_selection.JUDGES


def run_folder(folder: Path, expected: dict) -> list[Outcome]:
    return [
        guarded(case_name(case, k), lambda case=case: run_case(folder, case))
        for k, case in enumerate(expected["cases"])
    ]


def run_case(folder: Path, case: dict) -> Outcome:
    outcome = Outcome(str(case["id"]))
    verb = VERBS.get(case["verb"])
    if verb is None:
        return Outcome(outcome.case, "unsupported", [f"verb {case['verb']}"])
    try:
        got = verb(case["inputs"], case["options"], folder)
    except Unsupported as missing:
        return Outcome(outcome.case, "unsupported", [str(missing)])
    except AnalysisError as error:
        outcome.fail(f"refused: {type(error).__name__}: {error}")
        return outcome
    if case["verb"] in JUDGES:
        JUDGES[case["verb"]](case, got, outcome)
    else:
        compare_results(outcome, got, case)
    return outcome
