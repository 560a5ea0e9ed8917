"""The item bank: what ships with Minyi, and what the team keeps for next time."""

import copy
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.questionnaires import bank
from survey.questionnaires.document import item_index, text_in
from survey.questionnaires.editing import Edit
from survey.questionnaires.models import BankItem, QuestionnaireVersion
from survey.questionnaires.services.drafts import edit_draft
from survey.questionnaires.services.versions import check_author

# What means something only inside the questionnaire that the item was taken from.
LOCAL_PARTS = ("relevant", "with", "filter", "calculation", "matrix")


def own_bank_items(*, words: str = "", topic: str = "") -> QuerySet[BankItem]:
    """The team's items that have all these words in wording, name, topic, index or source."""
    rows = BankItem.objects.select_related("created_by")
    if topic:
        rows = rows.filter(topic=topic)
    for word in words.split():
        rows = rows.filter(
            Q(wording__icontains=word)
            | Q(name__icontains=word)
            | Q(topic__icontains=word)
            | Q(index__icontains=word)
            | Q(source__icontains=word)
        )
    return rows


def save_bank_item(*, version: QuestionnaireVersion, name: str, source: str, acting_user: Actor) -> BankItem:
    """Keep an item of a version in the bank, with its lists; conditions stay behind.

    Raises
    ------
    Problem common.invalid : the item is gone, or has no text.
    """
    check_author(acting_user)
    document = version.document
    found = item_index(document).get(name)
    wording = text_in(found[1].get("label"), document["default_language"], document) if found else ""
    if found is None or not wording:
        raise Problem("common.invalid", reason=_("“%s”没有题目文字，先写好再存进题库。") % name)
    item = {part: value for part, value in copy.deepcopy(found[1]).items() if part not in LOCAL_PARTS}
    if isinstance(item.get("required"), dict):
        item["required"] = True
    lists = {item[part]: document["choice_lists"][item[part]] for part in ("list", "missing")
             if item.get(part) in document["choice_lists"]}  # fmt: skip
    with transaction.atomic():
        row = BankItem.objects.create(
            name=name,
            topic=item.get("topic", ""),
            index=item.get("index", ""),
            wording=wording,
            item=item,
            choice_lists=lists,
            source=source.strip()[:300],
            created_by_id=acting_user.pk or None,
        )
        record(
            action="questionnaires.bank.saved",
            acting_user=acting_user,
            target=row,
            detail={"item": name, "code": version.questionnaire.code, "number": version.number},
        )
    return row


def remove_bank_item(*, item: BankItem, acting_user: Actor) -> None:
    """Take one of the team's own items out of the bank; questionnaires that used it keep their copy."""
    check_author(acting_user)
    with transaction.atomic():
        record(
            action="questionnaires.bank.removed",
            acting_user=acting_user,
            target=item,
            detail={"item": item.name},
        )
        item.delete()


def add_bank_items(
    *,
    version: QuestionnaireVersion,
    keys: list[str],
    block: str,
    after: str = "",
    seen: str,
    acting_user: Actor,
) -> QuestionnaireVersion:
    """Copy items of the bank into a draft: a shipped one by its code, the team's by "own-<pk>".

    Raises
    ------
    Problem common.invalid : nothing was picked, or an item is no longer there.
    """
    if not keys:
        raise Problem("common.invalid", reason=_("先勾几题，再放进问卷。"))
    entries = {entry.code: entry for entry in bank.entries()}
    items: list[dict[str, Any]] = []
    lists: dict[str, Any] = {}
    for key in keys:
        if key in entries:
            item, needed = bank.to_item(entries[key], version.document["languages"])
        else:
            number = key.removeprefix("own-")
            row = BankItem.objects.filter(pk=int(number)).first() if number.isdecimal() else None
            if row is None:
                raise Problem("common.invalid", reason=_("题库里没有“%s”了，可能刚被别人删掉。") % key)
            item, needed = copy.deepcopy(row.item), copy.deepcopy(row.choice_lists)
        items.append(item)
        for name, choices in needed.items():
            # Two entries may bring different lists under one name.
            while name in lists and lists[name] != choices:
                renamed = f"{name}_"
                item |= {part: renamed for part in ("list", "missing") if item.get(part) == name}
                name = renamed
            lists[name] = choices
    edit = Edit("add_items", block, {"items": items, "block": block, "after": after, "lists": lists})
    return edit_draft(version=version, edit=edit, seen=seen, acting_user=acting_user)
