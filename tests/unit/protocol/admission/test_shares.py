"""Places are shared out among the clients that have proven who they are."""

from ciba_service.protocol.admission.shares import ClientShares


def entered(shares: ClientShares, client_id: str, *, crowded: bool = True) -> bool:
    """One more request of a client, from an address of its own, where there are ten places."""
    return shares.enter(client_id, f"address of {client_id}", places=10, crowded=crowded)


def test_a_client_that_is_alone_may_have_all():
    """There is nobody to share with."""
    shares = ClientShares()
    assert [entered(shares, "till") for _ in range(11)] == [True] * 10 + [False]


def test_of_two_clients_each_has_half_where_it_is_crowded():
    """The loud one is refused, the quiet one is not."""
    shares = ClientShares()
    assert all(entered(shares, "loud", crowded=False) for _ in range(8))
    assert entered(shares, "quiet")
    assert not entered(shares, "loud")
    assert entered(shares, "quiet")


def test_where_there_is_room_nobody_is_counted_out():
    """A share is for crowds."""
    shares = ClientShares()
    assert entered(shares, "quiet")
    assert all(entered(shares, "loud", crowded=False) for _ in range(50))


def test_the_first_request_of_a_client_is_never_refused():
    """Not even where there are more clients than places."""
    shares = ClientShares()
    assert all(entered(shares, f"client-{number}") for number in range(50))


def test_what_is_done_counts_no_more():
    """And a client without requests is forgotten, so that the others share its part."""
    shares = ClientShares()
    assert all(entered(shares, "loud", crowded=False) for _ in range(6))
    assert entered(shares, "quiet")
    assert not entered(shares, "loud")
    shares.leave("quiet")
    assert entered(shares, "loud")
    shares.leave("loud")
    assert entered(shares, "loud")


def test_addresses_of_one_client_are_one_in_turn():
    """It cannot have more turns by having more addresses."""
    shares = ClientShares()
    for address in ("192.0.2.1", "192.0.2.2"):
        shares.enter("loud", address, places=10, crowded=False)
    assert shares.key("192.0.2.1") == shares.key("192.0.2.2")
    assert shares.key("192.0.2.3") == "192.0.2.3"


def test_an_address_of_several_clients_is_nobodys():
    """Behind it there may be a proxy; once known as such it stays one."""
    shares = ClientShares()
    for client_id in ("till", "shop", "till"):
        shares.enter(client_id, "192.0.2.1", places=10, crowded=False)
    assert shares.key("192.0.2.1") == "192.0.2.1"


def test_no_client_is_called_like_an_address():
    """What an address stands for cannot be mistaken for another address."""
    shares = ClientShares()
    shares.enter("192.0.2.9", "192.0.2.1", places=10, crowded=False)
    assert shares.key("192.0.2.1") != shares.key("192.0.2.9")


def test_what_is_remembered_of_addresses_is_bounded():
    """The first goes for one too many."""
    shares = ClientShares()
    for number in range(4_097):
        shares.enter("till", f"address {number}", places=10, crowded=False)
    assert shares.key("address 0") == "address 0"
    assert shares.key("address 1") != "address 1"
