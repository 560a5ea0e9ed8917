"""What questionnaires do: versions, drafts and their steps, the item bank."""

from survey.questionnaires.services.bank import (
    add_bank_items,
    own_bank_items,
    remove_bank_item,
    save_bank_item,
)
from survey.questionnaires.services.drafts import (
    copy_version,
    edit_draft,
    redo_edit,
    start_questionnaire,
    undo_edit,
    unpacked,
)
from survey.questionnaires.services.texts import import_text
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
    "add_bank_items",
    "as_errors",
    "copy_version",
    "discard_draft",
    "edit_draft",
    "import_text",
    "import_xlsform",
    "outline",
    "own_bank_items",
    "publish_version",
    "read_form",
    "redo_edit",
    "refuse_errors",
    "remove_bank_item",
    "save_bank_item",
    "start_questionnaire",
    "store_draft",
    "undo_edit",
    "unpacked",
]
