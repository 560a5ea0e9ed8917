"""One option of a pasted text: what its words say besides its label. Pure."""

import re
from dataclasses import dataclass

SPECIFY = re.compile(r"[_＿]{2,}|[（(]\s*请(?:注明|说明|填写|写明)[^（）()]*[)）]")
JUMP = re.compile(
    r"[（(\[【]?\s*请?(?:直接)?跳(?:转)?(?:至|到)\s*(?:第\s*(\d{1,3})\s*题|(问卷末尾|末尾|结束))\s*[)）\]】]?"
)
EXCLUSIVE = re.compile(r"[（(\[【]\s*互斥\s*[)）\]】]")
NONE_OF = re.compile(r"^以上(?:都|均|皆)(?:没有|不|无|未|非)")
DONT_KNOWS = ("不了解", "说不清", "记不清", "说不上来", "不记得", "說不清", "記不清")
REFUSALS = ("拒绝回答", "拒答", "不愿回答", "不想回答", "不方便回答")


@dataclass(frozen=True)
class Option:
    """`missing` is "dont_know", "refused" or ""; `jump` the number of the item to go on with, "" for the end
    of the questionnaire, None for the next one."""

    label: str
    specify: bool = False
    exclusive: bool = False
    missing: str = ""
    jump: str | None = None


def read_option(written: str) -> Option:
    """`其他____（跳至第 5 题）` → 其他, with something to specify and a jump."""
    label = written
    jump = JUMP.search(label)
    if jump:
        label = JUMP.sub("", label).strip()
    specify = bool(SPECIFY.search(label))
    if specify:
        label = SPECIFY.sub("", label).rstrip(" ：:，,") or "其他"
    exclusive = bool(EXCLUSIVE.search(label) or NONE_OF.match(label))
    if exclusive:
        label = EXCLUSIVE.sub("", label).strip()
    missing = "dont_know" if label in DONT_KNOWS else "refused" if label in REFUSALS else ""
    return Option(label or written, specify, exclusive, missing, (jump[1] or "") if jump else None)
