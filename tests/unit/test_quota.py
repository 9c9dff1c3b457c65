from __future__ import annotations

import pytest

from kg.web.guard import QueryFailure
from kg.web.quota import Quota, client_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_client_may_ask_its_number_at_once_and_then_as_time_goes_by() -> None:
    clock = Clock()
    quota = Quota(6, clock)
    for _ in range(6):
        quota.take("a")
    with pytest.raises(QueryFailure) as refused:
        quota.take("a")
    assert refused.value.reason == "quota"
    assert refused.value.retry_after == 10
    quota.take("b")
    clock.now += 9
    with pytest.raises(QueryFailure) as refused:
        quota.take("a")
    assert refused.value.retry_after == 1
    clock.now += 1
    quota.take("a")
    with pytest.raises(QueryFailure):
        quota.take("a")
    clock.now += 3600
    for _ in range(6):
        quota.take("a")
    with pytest.raises(QueryFailure):
        quota.take("a")


def test_without_a_rate_and_without_a_client_nothing_is_refused() -> None:
    for quota, client in ((Quota(0), "a"), (Quota(1), "")):
        for _ in range(100):
            quota.take(client)


def test_the_number_of_clients_that_are_remembered_is_bounded() -> None:
    quota = Quota(1, Clock())
    for n in range(70_000):
        quota.take(f"client {n}")
    assert len(quota._until) == 1 << 16
    with pytest.raises(QueryFailure):
        quota.take("client 69999")


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_clients_by_address(host: str, client: str) -> None:
    assert client_of({"client": (host, 1)}) == client


def test_nobody_asks_over_a_socket_of_this_machine() -> None:
    assert client_of({"client": None}) == ""
    assert client_of({}) == ""
