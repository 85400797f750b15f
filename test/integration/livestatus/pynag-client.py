#!/usr/bin/python3
"""A program as people write them with pynag: lists, filters, counts, mistakes a table, gives a command, asks again.

Prints what it was given as one JSON document.

    pynag-client.py PEER COMMAND [NAME=PEER ...]    PEER: HOST:PORT or the path of a socket

With further peers, also what pynag's own class for several sites makes of them.
"""
import json
import sys

from pynag.Parsers.livestatus import Livestatus
from pynag.Parsers.multisite import MultiSite


def attempt(ask):
    """What was given, or the error as the program would show it."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001: whatever pynag makes of it
        return {"error": type(error).__name__, "text": str(error)}


def page(livestatus, command):
    hosts = attempt(lambda: livestatus.get_hosts("Columns: name alias address state plugin_output"))
    name = min(host["name"] for host in hosts) if isinstance(hosts, list) else "none"
    return {
        "test": attempt(lambda: livestatus.test(raise_error=False)),
        "hosts": hosts,
        "host": attempt(lambda: livestatus.get_host(name)["address"]),
        "services": attempt(
            lambda: livestatus.get_services(
                "Columns: host_name description state plugin_output perf_data groups",
                description__contains="filesystem",
                state=["0", "1", "2"],
            )
        ),
        "counts": attempt(lambda: livestatus.query("GET services", "Stats: state = 0", "Stats: state != 0")),
        "groups": attempt(lambda: livestatus.get_hostgroups("Columns: name alias num_hosts")),
        "contacts": attempt(lambda: livestatus.get_contacts("Columns: name alias")),
        "csv": attempt(lambda: livestatus.raw_query("GET hosts", "Columns: name state", "Limit: 3")),
        "wrong": attempt(lambda: livestatus.get("nosuch")),
        "command": attempt(lambda: livestatus.write(f"{command}\n\n")),
        "after_command": attempt(lambda: livestatus.query("GET hosts", "Columns: name", "Limit: 1")),
    }


def several(peers):
    # the path is not used, but without it a nagios.cfg is looked for
    sites = MultiSite(livestatus_socket_path=peers[0][1])
    for name, peer in peers:
        sites.add_backend(path=peer, name=name)
    return {
        "hosts": attempt(lambda: sites.get_hosts("Columns: name state")),
        "counts": attempt(lambda: sites.query("GET services", "Stats: state = 0", "Stats: state != 0")),
    }


peer, command, *others = sys.argv[1:]
got = page(Livestatus(livestatus_socket_path=peer), command)
if others:
    got["several"] = several([other.split("=", 1) for other in others])
print(json.dumps(got, sort_keys=True))
