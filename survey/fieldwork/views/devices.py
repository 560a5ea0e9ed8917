"""The interviewers' phones, as a supervisor sees them: last contact, what came, the lock for a lost one."""

import uuid

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from survey.accounts.access import allowed
from survey.common.errors import Problem
from survey.fieldwork.models import Device, SyncItem
from survey.fieldwork.sync.devices import lock_device, unlock_device


@require_safe
@allowed("fieldwork.manage")
def devices(request: HttpRequest) -> HttpResponse:
    """Every phone of the interviewers whom this supervisor may see."""
    refused = Count("items", filter=Q(items__state=SyncItem.State.REFUSED), distinct=True)
    visible = Device.objects.visible_to(request.user).values("pk")
    found = Device.objects.filter(pk__in=visible).select_related("user", "locked_by")
    context = {
        "devices": found.annotate(n_items=Count("items", distinct=True), n_refused=refused),
        "current": "fieldwork",
    }
    return render(request, "fieldwork/devices.html", context)


@require_POST
@allowed("fieldwork.manage")
def lock(request: HttpRequest, device_id: uuid.UUID) -> HttpResponse:
    """Lock a lost phone, or unlock a found one ("unlock" in the form)."""
    device = Device.objects.visible_to(request.user).filter(pk=device_id).first()
    if device is None:
        raise Problem("common.not_found")
    if "unlock" in request.POST:
        unlock_device(device=device, acting_user=request.user)
        messages.success(request, _("已解锁：%(who)s 可以重新设置这部手机") % {"who": device.user})
    else:
        lock_device(device=device, acting_user=request.user)
        messages.success(request, _("已锁定：它下次联网时毁掉能读的内容，写完的仍能上传"))
    return redirect("fieldwork:devices")
