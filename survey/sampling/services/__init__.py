"""What sampling does: frames, designs, draws."""

from survey.sampling.services.designs import create_design
from survey.sampling.services.draws import draw_sample, release_replicate
from survey.sampling.services.frames import discard_frame, import_households, stored_frame_hash
from survey.sampling.services.plans import save_forecast, save_plan_answers

__all__ = [
    "create_design",
    "discard_frame",
    "draw_sample",
    "import_households",
    "release_replicate",
    "save_forecast",
    "save_plan_answers",
    "stored_frame_hash",
]
