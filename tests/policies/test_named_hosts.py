"""What names a computer or a mailbox, and what only looks so."""

from __future__ import annotations

import pytest

from policies.named_hosts import Named, hosts_in

ALLOWED = ["fleetdm.com", "github.com", "apple.com", "osquery.io"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The server is https://fleet.acmewidgets.com:8080/api.", "an address"),
        ("curl http://10.2.3.4/healthz", "an address"),
        ("https://admin@mdm.acmewidgets.io/x", "an address"),
        ("Ask jane.doe@acmewidgets.com.", "a mail address"),
        ("mdm.acmewidgets.com answers 502", "a host"),
        ("seen on build-7.corp", "a host"),
        ("dc01.ad.internal", "a host"),
        ('"hostname": "LT-JDOE-0042"', "a host"),
        ("computer name = JANES-MAC", "a host"),
        ("https://fleetdm.com.evil.net/", "an address"),
        ("notfleetdm.com", "a host"),
    ],
)
def test_what_tells_whose_it_is_is_found(text: str, kind: str) -> None:
    assert kind in {each.kind for each in hosts_in(text, ALLOWED)}


@pytest.mark.parametrize(
    "text",
    [
        "https://fleetdm.com/docs and https://github.com/fleetdm/fleet/issues/1",
        "https://fleet.example.com/hosts answers 502; ask somebody@example.org",
        "http://localhost:8080 and https://127.0.0.1:8412/ and https://[::1]/",
        "com.apple.mdm.plist, com.fleetdm.orbit and org.golang.net.Conn",
        "main.go:37, orbit.log, Fleet.app, osqueryd.exe, schedule.conf",
        "Chrome 131.0.6778.86 on macOS 15.1.1, osquery 5.13.1",
        "Set the hostname: it stays empty",
        "@octocat, the hostname is missing",
    ],
    ids=lambda text: text[:30],
)
def test_well_known_places_files_and_versions_are_none(text: str) -> None:
    assert hosts_in(text, ALLOWED) == []


def test_it_says_what_and_where_and_never_the_name() -> None:
    found = hosts_in("One.\nSee https://a.acmewidgets.com and https://b.acmewidgets.com\nb.acmewidgets.com", ALLOWED)
    assert found == [Named("an address", 2), Named("a host", 3)]
    assert [str(each) for each in found] == ["an address in line 2", "a host in line 3"]
