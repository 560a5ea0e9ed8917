"""Where a resident proves her own household's line with the code of her letter."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from survey.common.errors import Problem
from survey.sampling.public import STATE_WORDS, public_state
from survey.sampling.services import check_household_line
from survey.sampling.views import count_visitor, public

# An hour from one address. The code's 128 secret bits cannot be guessed; this only slows a script down.
TRIES, WINDOW_S = 30, 3600


class LineForm(forms.Form):
    """What a resident copies from her letter."""

    address = forms.CharField(
        label=_("信封上的地址"),
        max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    code = forms.CharField(
        label=_("名录凭证"),
        max_length=300,
        help_text=_("信上的两行字母和数字，一共 56 个。大小写、空格、短横都不要紧。"),
        widget=forms.Textarea(
            attrs={"rows": 3, "autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


@sensitive_post_parameters("address", "code")
@sensitive_variables("form", "answer")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@public
def my_line(request: HttpRequest) -> HttpResponse:
    """Whether a household's line is in the frame as it was published. Nothing that is typed is kept."""
    form = LineForm(request.POST if request.method == "POST" else None)
    answer = None
    if request.method == "POST" and form.is_valid():
        count_visitor(request, "draws.line", limit=TRIES, window_s=WINDOW_S)
        try:
            answer = check_household_line(**form.cleaned_data)
        except Problem as problem:
            form.add_error(None, problem.message)
    drawn = [(draw, STATE_WORDS[public_state(draw)]) for draw in (answer.draws if answer else ())]
    context = {"form": form, "answer": answer, "drawn": drawn}
    return render(request, "draws/my_line.html", context, status=400 if form.errors else 200)
