"""The demo's cast. One password for all, printed at the start; the program refuses it in production."""

from dataclasses import dataclass

from survey.accounts.models import Grant, User
from survey.regions.models import Region

PASSWORD = "minyi-demo-2026"  # noqa: S105 - printed on the screen, and only in the demo
CITY, HUAIYIN, TIANQIAO, BEIYUAN = "370100000000", "370104000000", "370105000000", "370105014000"
N_INTERVIEWERS = 6


@dataclass(frozen=True)
class Person:
    """One account of the demo."""

    username: str
    name: str
    role: str
    region: str
    what: str


CAST = (
    Person("li", "李敏", "study_lead", CITY, "项目负责人：从抽样到发布，全程都能做"),
    Person("sun", "孙督导", "supervisor", CITY, "督导员：看进度，派入户"),
    Person("qian", "钱分析", "analyst", CITY, "分析员：加权、计算"),
    Person("wang", "王主任", "official", TIANQIAO, "天桥区干部：只看已发布的报告"),
    Person("zhou", "周书记", "official", BEIYUAN, "北园街道干部：只看已发布的报告"),
    Person("admin", "管理员", "administrator", CITY, "管理员：首次登录要绑定验证器"),
    *(
        Person(f"zhao{i}", f"赵访员{i}", "interviewer", (HUAIYIN, TIANQIAO)[i % 2], "访员：入户")
        for i in range(1, N_INTERVIEWERS + 1)
    ),
)


def make_people() -> dict[str, User]:
    """Create the cast, by username; those who exist are kept."""
    made = {}
    for person in CAST:
        user = User.objects.filter(username=person.username).first()
        if user is None:
            user = User.objects.create_user(person.username, password=PASSWORD, display_name=person.name)
            if person.role == "administrator":
                user.is_staff = user.is_superuser = True
                user.save()
            Grant.objects.create(user=user, role=person.role, region=Region.objects.get(code=person.region))
        made[person.username] = user
    return made
