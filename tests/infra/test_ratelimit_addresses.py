"""Whose address counts: nobody chooses it by what they write into a header."""

from ipaddress import ip_network

import pytest

from apps.infra import conf
from apps.infra.web import addresses

SPOOFS = [
    *("1.2.3.4", "1.2.3.4, 5.6.7.8", "::1", "127.0.0.1", "10.0.0.1", "localhost", "", " ", ","),
    *(",,,", "1.2.3.4,", ",1.2.3.4", "[::1]:80", "1.2.3.4:80", "unknown", "_hidden", "\x00", "%00"),
    *("2001:db8::1", "[2001:db8::1]", "::ffff:1.2.3.4", "1.2.3.4;5.6.7.8", "for=1.2.3.4", "0x7f.1"),
    *("127.1", "2130706433", "999.1.1.1", "1.2.3", "1.2.3.4/32", "10.0.0.1, 10.0.0.2", "é"),
    "1" * 9000,
]  # fmt: skip
NAMES = [
    "x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "true-client-ip",
    "cf-connecting-ip", "x-cluster-client-ip", "x-original-forwarded-for", "via", "client-ip",
]  # fmt: skip


def lines(*values):
    return [(b"x-forwarded-for", value.encode("latin-1", "replace")) for value in values]


@pytest.fixture
def proxies(settings):
    """Say which proxies are ours."""

    def trust(*texts):
        settings.TRUSTED_PROXIES = [ip_network(one) for one in texts]
        addresses.forget()

    yield trust
    addresses.forget()


@pytest.mark.parametrize("spoof", SPOOFS)
def test_without_proxies_no_header_is_read(spoof, proxies):
    proxies()
    for name in NAMES:
        assert addresses.client_of("9.9.9.9", [(name.encode(), spoof.encode())]) == "9.9.9.9"


@pytest.mark.parametrize("spoof", SPOOFS)
def test_behind_a_proxy_what_the_client_wrote_is_not_read(spoof, proxies):
    proxies("10.0.0.0/8")
    joined = f"{spoof}, 8.8.8.8" if spoof else "8.8.8.8"
    assert addresses.client_of("10.0.0.5", lines(joined)) == "8.8.8.8"
    assert addresses.client_of("10.0.0.5", lines(spoof, "8.8.8.8")) == "8.8.8.8"
    # Who speaks to us without the proxy is no proxy.
    assert addresses.client_of("9.9.9.9", lines(spoof)) == "9.9.9.9"


@pytest.mark.parametrize("name", NAMES[1:])
def test_only_one_header_is_believed(name, proxies):
    proxies("10.0.0.5")
    assert addresses.client_of("10.0.0.5", [(name.encode(), b"1.2.3.4")]) == "10.0.0.5"


def test_a_chain_of_proxies_is_followed_back_to_the_first_foreign_one(proxies):
    proxies("10.0.0.0/8", "fd00::/8")
    header = lines("6.6.6.6, 8.8.8.8, 10.1.1.1", "fd00::7")
    assert addresses.client_of("10.0.0.5", header) == "8.8.8.8"


def test_what_no_proxy_writes_ends_the_chain_at_who_passed_it_on(proxies):
    proxies("10.0.0.0/8")
    assert addresses.client_of("10.0.0.5", lines("8.8.8.8, what, 10.1.1.1")) == "10.1.1.1"
    assert addresses.client_of("10.0.0.5", lines("")) == "10.0.0.5"
    assert addresses.client_of("10.0.0.5", []) == "10.0.0.5"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_a_household_is_one_address(address, name):
    assert addresses.network_of(address) == name


def test_the_setting_is_read_at_boot(tmp_path):
    assert conf.networks_of(" 10.0.0.0/8,::1 ") == [ip_network("10.0.0.0/8"), ip_network("::1")]
    assert conf.networks_of("") == []
    with pytest.raises(conf.BadSetting, match="TRUSTED_PROXIES"):
        conf.networks_of("10.0.0.0/8,proxy")
