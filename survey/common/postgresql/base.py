"""Django's PostgreSQL backend with a cheaper look at connections that were kept between requests."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """With CONN_HEALTH_CHECKS, Django asks the server for a 1 before the first statement of each request.

    That is a round trip, as many as saving a draft takes. A server that goes says so on the connection, or
    its system closes it, and both can be read without asking; so only a connection that has something to read
    is asked. One that was cut silently is found out by the first statement, as it would be by the 1.
    """

    def is_usable(self) -> bool:
        """Whether the server is still there."""
        if self.connection is None:
            return False
        return _is_silent(self.connection) or super().is_usable()


def _is_silent(connection: base.Database.Connection) -> bool:
    """Whether an idle connection is open and has nothing to read."""
    if connection.closed:
        return False
    reader = select.poll()
    reader.register(connection.fileno(), select.POLLIN)
    return not reader.poll(0)
