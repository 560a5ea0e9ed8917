"""What questionnaires do: versions, published once, frozen for ever."""

from survey.questionnaires.services.versions import (
    as_errors,
    discard_draft,
    import_xlsform,
    outline,
    publish_version,
    read_form,
    refuse_errors,
    store_draft,
)

__all__ = [
    "as_errors",
    "discard_draft",
    "import_xlsform",
    "outline",
    "publish_version",
    "read_form",
    "refuse_errors",
    "store_draft",
]
