"""What sampling does: frames, designs, draws."""

from survey.sampling.services.frames import discard_frame, import_households, stored_frame_hash

__all__ = ["discard_frame", "import_households", "stored_frame_hash"]
