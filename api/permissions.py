"""Deeds are allowed by `survey.accounts.policies`; rows are cut by each model's `visible_to`."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from survey.accounts.policies import may


class MayView(BasePermission):
    """The view names the policy it needs in `policy` (and `write_policy` for anything but reading)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        reading = request.method in ("GET", "HEAD", "OPTIONS")
        policy = view.policy if reading else getattr(view, "write_policy", None)
        if policy is None:
            return reading
        return may(request.user, policy)
