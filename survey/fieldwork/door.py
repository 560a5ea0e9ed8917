"""What can happen at a door, in the interviewer's words, each with its AAPOR code. Pure.

The buttons of the door page are these; the rarer AAPOR codes stay reachable in a list. Labels are gettext
message ids, translated where they are shown.
"""

from typing import NamedTuple

MET, NOT_MET, DOUBTFUL = "met", "not_met", "doubtful"


def gettext_noop(message: str) -> str:
    """Marks a message id for makemessages; the name is the one that xgettext looks for."""
    return message


class Result(NamedTuple):
    """One button: its key (stored with the visit), label, AAPOR code and group.

    `after_choice`: makes sense only once somebody was chosen in the household.
    """

    key: str
    label: str
    disposition: str
    group: str
    asks_time: bool = False
    after_choice: bool = False


GROUPS = {
    MET: gettext_noop("见到人了"),
    NOT_MET: gettext_noop("没见到人"),
    DOUBTFUL: gettext_noop("这户可能不该访"),
}
RESULTS = (
    Result("appointment", gettext_noop("约个时间"), "2.25", MET, asks_time=True),
    Result("refused_household", gettext_noop("家里人拒绝"), "2.111", MET),
    Result("refused_person", gettext_noop("选中的人拒绝"), "2.112", MET, after_choice=True),
    Result("person_away", gettext_noop("选中的人不在家"), "2.25", MET, asks_time=True, after_choice=True),
    Result("broke_off", gettext_noop("答到一半不答了"), "2.12", MET, after_choice=True),
    Result("unable", gettext_noop("病重、听不清等"), "2.32", MET),
    Result("no_answer", gettext_noop("没人应门"), "2.24", NOT_MET),
    Result("did_not_open", gettext_noop("有人，没开门"), "2.20", NOT_MET),
    Result("no_entry", gettext_noop("进不了单元门"), "2.23", NOT_MET),
    Result("away_lately", gettext_noop("邻居说最近不在"), "2.24", NOT_MET),
    Result("vacant", gettext_noop("空置，没人住"), "4.61", DOUBTFUL),
    Result("business", gettext_noop("商铺、办公"), "4.51", DOUBTFUL),
    Result("not_found", gettext_noop("拆了或找不到"), "3.18", DOUBTFUL),
    Result("unsure", gettext_noop("说不准"), "3.90", DOUBTFUL),
)
BY_KEY = {result.key: result for result in RESULTS}
DONE = gettext_noop("完成访问")  # a visit that became an interview, as the app calls it

# Who else was there while somebody was asked. A cadre or grid worker in the room biases answers, so it is
# recorded and goes into the analysis; it is never a reason to drop an answer.
PRESENT = {
    "family": gettext_noop("家里其他人"),
    "neighbour": gettext_noop("邻居、朋友"),
    "cadre": gettext_noop("社区或街道干部"),
    "grid_worker": gettext_noop("网格员"),
    "other": gettext_noop("其他人"),
}
OFFICIAL_PRESENCE = frozenset({"cadre", "grid_worker"})


def grouped(*, somebody_chosen: bool) -> list[tuple[str, list[Result]]]:
    """The buttons by group, in the order of the door page."""
    offered = [result for result in RESULTS if somebody_chosen or not result.after_choice]
    return [(label, [r for r in offered if r.group == group]) for group, label in GROUPS.items()]
