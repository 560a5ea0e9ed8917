"""The one exception of the expression language."""


class ExpressionError(ValueError):
    """An expression that cannot be read, or has no value.

    `reason` is a Chinese sentence without its final stop; `position` is the 0-based character where the
    reading stopped, or None when the trouble is not at one place.
    """

    def __init__(self, reason: str, position: int | None = None) -> None:
        self.reason = reason
        self.position = position
        super().__init__(reason)
