"""Whoever fails pays: a token for each failure, and time gives them back."""

from ciba_service.protocol.admission.failures import FailureBuckets


def failed(buckets: FailureBuckets, times: int, *, now: float = 0.0, address: str = "a") -> int:
    """Fail so often; then how long one has to wait."""
    for _ in range(times):
        buckets.failed(address, now=now)
    return buckets.wait(address, now=now)


def test_some_failures_are_free():
    """As many as the bucket holds, and one who never failed is not known at all."""
    buckets = FailureBuckets(burst=5, window=60)
    assert buckets.wait("a", now=0) == 0
    assert failed(buckets, 4) == 0


def test_then_one_has_to_wait_for_the_next():
    """A twelfth of a minute each; what failed beyond is not held against anybody for longer."""
    buckets = FailureBuckets(burst=5, window=60)
    assert failed(buckets, 5) == 12
    assert failed(buckets, 50) == 12
    assert buckets.wait("a", now=11.5) == 1
    assert buckets.wait("a", now=12) == 0


def test_a_failure_after_the_wait_costs_the_wait_again():
    """One guess every twelve seconds, for ever; after a minute of silence five at once."""
    buckets = FailureBuckets(burst=5, window=60)
    failed(buckets, 5)
    assert failed(buckets, 1, now=12) == 12
    assert failed(buckets, 4, now=500) == 0
    assert failed(buckets, 1, now=500) == 12


def test_others_are_not_concerned():
    """Each address has a bucket of its own."""
    buckets = FailureBuckets(burst=1, window=60)
    assert failed(buckets, 1) == 60
    assert buckets.wait("b", now=0) == 0


def test_a_burst_of_none_counts_nothing():
    """Where the operator wants none of it."""
    assert failed(FailureBuckets(burst=0, window=60), 100) == 0


def test_a_clock_that_goes_back_gives_nothing():
    """Time never takes tokens away either."""
    buckets = FailureBuckets(burst=2, window=60)
    failed(buckets, 2, now=100)
    assert buckets.wait("a", now=50) == 30


def test_the_number_of_buckets_is_bounded():
    """The address that was silent for longest is forgotten, not one that goes on failing."""
    buckets = FailureBuckets(burst=1, window=60)
    failed(buckets, 1, address="first")
    failed(buckets, 1, address="second")
    for number in range(4_094):
        failed(buckets, 1, address=f"address {number}")
    failed(buckets, 1, address="first")
    failed(buckets, 1, address="one more")
    assert buckets.wait("second", now=0) == 0
    assert buckets.wait("first", now=0) == 60
