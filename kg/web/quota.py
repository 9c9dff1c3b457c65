"""How many queries a client may ask in a minute; what costs no worker does not count.

A client is an address; of an IPv6 address the first 64 bits, because whoever has one has all the
others under them.

Spec: docs/reference/sparql.md
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import Any, Final

from kg.web.guard import QueryFailure

_MINUTE_S: Final = 60.0
_CLIENTS: Final = 1 << 16


class Quota:
    """Counts the queries of each client; a client that has asked nothing for a minute is new.

    Args:
        rate: queries that one client may ask in a minute, all at once or spread; 0 for any number.
        clock: tells the seconds.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = monotonic) -> None:
        self._each = _MINUTE_S / rate if rate else 0.0
        self._clock = clock
        # When a client will have used nothing: later by a share of the minute for each query.
        self._until: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> None:
        """Count one query.

        Raises:
            QueryFailure: `quota`, with the seconds until the next one.
        """
        if not self._each or not client:
            return
        now = self._clock()
        until = max(now, self._until.get(client, now)) + self._each
        if until - now > _MINUTE_S * (1 + 1e-9):
            raise QueryFailure(
                "quota",
                "this client has asked too many queries",
                expected=f"at most {round(_MINUTE_S / self._each):,} in a minute",
                hint="wait as long as Retry-After says, and ask for more in one query",
                retry_after=max(1, math.ceil(until - now - _MINUTE_S)),
            )
        self._until[client] = until
        self._until.move_to_end(client)
        while len(self._until) > _CLIENTS:
            self._until.popitem(last=False)


def client_of(scope: Mapping[str, Any]) -> str:
    """Return who asks, for the purposes of fairness; empty where that cannot be known.

    Args:
        scope: of the request, with the address that a trusted proxy has told.
    """
    peer = scope.get("client")
    return _client(peer[0][:64]) if peer else ""


@lru_cache(maxsize=4096)
def _client(host: str) -> str:
    """Return the client behind an address.

    >>> _client("192.0.2.7"), _client("::ffff:192.0.2.7"), _client("2001:db8:0:1:2:3:4:5")
    ('192.0.2.7', '192.0.2.7', '2001:db8:0:1::/64')
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
