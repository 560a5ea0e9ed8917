"""Log-in and second factor (session), one's own account (own), the administrator's pages (members)."""

from survey.accounts.views.session import locked_out

__all__ = ["locked_out"]
