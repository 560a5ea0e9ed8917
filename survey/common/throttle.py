"""Counts tries in a window, in the shared cache. Used where a code may be guessed."""

from django.core.cache import cache

from survey.common.errors import Problem


def count_try(*, scope: str, key: str, limit: int, window_s: int) -> None:
    """Count one try of `key` in `scope`; raise Problem common.too_many beyond `limit` in `window_s` s."""
    name = f"throttle:{scope}:{key}"
    cache.add(name, 0, timeout=window_s)
    try:
        tries = cache.incr(name)
    except ValueError:  # the window closed between the two calls
        cache.set(name, 1, timeout=window_s)
        tries = 1
    if tries > limit:
        raise Problem("common.too_many", minutes=max(1, window_s // 60))


def forgive_try(*, scope: str, key: str) -> None:
    """Take one counted try back: it succeeded, and only failures should add up."""
    try:
        cache.decr(f"throttle:{scope}:{key}")
    except ValueError:  # the window has closed since
        return
