"""What sampling does: frames, designs, commitments, draws, reveals."""

from survey.sampling.services.commits import commit_draw, give_secret, record_timestamp, void_draw
from survey.sampling.services.designs import PlannedDesign, create_design, preview_design
from survey.sampling.services.draws import draw_sample, release_replicate
from survey.sampling.services.frame_checks import FrameCheck, check_frame
from survey.sampling.services.frames import (
    discard_frame,
    import_households,
    refused_file,
    stored_frame_hash,
)
from survey.sampling.services.plans import save_forecast, save_plan_answers
from survey.sampling.services.proofs import HouseholdLine, check_household_line, household_proof
from survey.sampling.services.reveals import reveal_draw

__all__ = [
    "FrameCheck",
    "HouseholdLine",
    "PlannedDesign",
    "check_frame",
    "check_household_line",
    "commit_draw",
    "create_design",
    "discard_frame",
    "draw_sample",
    "give_secret",
    "household_proof",
    "import_households",
    "preview_design",
    "record_timestamp",
    "refused_file",
    "release_replicate",
    "reveal_draw",
    "save_forecast",
    "save_plan_answers",
    "stored_frame_hash",
    "void_draw",
]
