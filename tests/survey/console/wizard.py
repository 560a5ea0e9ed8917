"""Goes through the sampling wizard as a person would: each page's own answers, changed where a test wants."""

from django.utils.timezone import localtime

from survey.common.clock import now
from survey.sampling.models import Draw, FrameVersion


def answers_on(team, path):
    """What the form of a wizard's page holds."""
    form = team.get(path).context["form"]
    return {name: form.data.getlist(name) for name in form.fields}


def send(team, round_, step, go="stay", **values):
    """Send one step's page with some answers changed."""
    path = f"/console/rounds/{round_.pk}/sampling/{step}/"
    return team.post(path, answers_on(team, path) | values | {"go": go})


def settle(team, round_, **values):
    """A stored design with these answers of the design step; its address."""
    send(team, round_, "design", method="proportional", **values)
    answer = team.post(f"/console/rounds/{round_.pk}/sampling/settle/")
    return answer.url


def commitment(**values):
    """Answers to the commitment's form: a simulated frame's beacon, that may be drawn at once."""
    blank = {f"{kind}{n}": "" for kind in ("party", "hash") for n in range(1, 5)}
    day = localtime(now()).date().replace(year=localtime(now()).year + 1)
    return blank | {"kind": "demo", "reveal_by": day.isoformat(), "sure": "on"} | values


def commit(team, design_path, **values):
    """Commit to a design on a simulated frame; the draw."""
    FrameVersion.objects.update(is_simulated=True)
    team.post(f"{design_path}commit/", commitment(**values))
    return Draw.objects.order_by("-number").first()
