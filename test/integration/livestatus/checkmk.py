#!/usr/bin/python3
"""What Checkmk's GUI does for a page, as a client of its own: the GUI's client is in no package.

It behaves as that one where a server can notice it: short, growing time limits while it connects, one connection
for each site that stays open, the headers it adds and their order, queries sent to all sites before any answer is
read, no limit on the wait for an answer, one more try on a new connection when an answer does not come.

    checkmk.py PAGES COMMAND NAME=URL ...    URL: tcp:HOST:PORT or unix:PATH; COMMAND goes to the first site, or "-"

Prints one JSON document: for each page the answers of each site, and why the others are dead.
"""
import json
import re
import socket
import sys
import time

CONNECT_LIMIT = 10.0
FIRST_PAUSE = 0.1
BODY_LIMIT = 30.0
# the GUI asks for core_pid, too, which Icinga 2 does not have
PROBE = (
    "GET status\nCache: reload\n"
    "Columns: livestatus_version program_version program_start num_hosts num_services"
)
PAGE = [
    "GET hosts\nStats: state = 0\nStats: state != 0\nStats: scheduled_downtime_depth > 0",
    "GET services\nStats: state = 0\nStats: state = 1\nStats: state = 2\nStats: state = 3\n"
    "Filter: host_state = 0",
    "GET hostgroups\nCache: reload\nColumns: name alias",
    "GET servicegroups\nCache: reload\nColumns: name alias",
    "GET contactgroups\nCache: reload\nColumns: name alias",
    "GET hosts\nColumns: name alias state plugin_output\nFilter: state != 0\nLimit: 1001",
    "GET services\nColumns: host_name description state plugin_output perf_data host_state\n"
    "Filter: state != 0\nFilter: host_state = 0\nAnd: 2\nLimit: 1001",
    "GET status\nColumns: enable_notifications execute_service_checks execute_host_checks enable_flap_detection",
    "GET comments\nColumns: host_name author comment",
]


class Dead(Exception):
    """The site gives no answer."""


class Refused(Exception):
    """The answer is an error."""


class Site:
    def __init__(self, url):
        self.url = url
        self.socket = None

    def connect(self):
        kind, _, address = self.url.partition(":")
        family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
        if kind == "tcp":
            host, _, port = address.rpartition(":")
            address = (host, int(port))
        until = time.time() + CONNECT_LIMIT
        pause = FIRST_PAUSE
        while True:
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.settimeout(pause)
            try:
                self.socket.connect(address)
                return
            except OSError as error:
                self.disconnect()
                if time.time() + pause >= until:
                    raise Dead(f"Cannot connect to '{self.url}': {error}") from error
            time.sleep(pause)
            pause *= 1.5

    def disconnect(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, query, user=None):
        query = re.sub("\nCache:[^\n]*", "", query)
        headers = [f"AuthUser: {user}"] if user else []
        headers += [
            f"Localtime: {int(time.time())}",
            "OutputFormat: json",
            "KeepAlive: on",
            "ResponseHeader: fixed16",
        ]
        if not self.socket:
            self.connect()
        self.socket.settimeout(None)
        self.socket.send("\n".join([query, *headers, "", ""]).encode())

    def receive(self, size, limit):
        self.socket.settimeout(limit)
        parts = b""
        while len(parts) < size:
            part = self.socket.recv(size - len(parts))
            if not part:
                raise Dead("the connection was closed by its peer")
            parts += part
        return parts

    def answer(self, query, user=None):
        try:
            return self.answer_once()
        except (OSError, Dead):
            self.disconnect()
        time.sleep(FIRST_PAUSE)
        try:
            self.send(query, user)
            return self.answer_once()
        except (OSError, Dead) as error:
            self.disconnect()
            raise Dead(str(error)) from error

    def answer_once(self):
        head = self.receive(16, None)
        code, length = head[0:3].decode(), int(head[4:15].decode().lstrip())
        body = self.receive(length, BODY_LIMIT).decode()
        if code != "200":
            raise Refused(f"{code}: {body.strip()}")
        return json.loads(body)

    def command(self, text):
        if not self.socket:
            self.connect()
        self.socket.send(f"COMMAND [{int(time.time())}] {text}\n\n".encode())


def everywhere(sites, query, user=None):
    """Asks all, then reads one after another. Gives the answers, and why there are none."""
    answers, dead = {}, {}
    for name, site in sites.items():
        try:
            site.send(query, user)
        except (OSError, Dead) as error:
            dead[name] = str(error)
    for name, site in sites.items():
        if name in dead:
            continue
        try:
            answers[name] = site.answer(query, user)
        except (Dead, Refused) as error:
            dead[name] = str(error)
    return answers, dead


def page(sites):
    probes, dead = everywhere(sites, PROBE)
    alive = {name: site for name, site in sites.items() if name not in dead}
    answers = []
    for query in PAGE:
        got, failed = everywhere(alive, query)
        answers.append(got)
        dead.update(failed)
    seen, _ = everywhere(alive, "GET hosts\nColumns: name", user="no-such-user")
    return {"probes": probes, "answers": answers, "seen": seen, "dead": dead}


pages, command, *names = sys.argv[1:]
sites = {name: Site(url) for name, url in (each.split("=", 1) for each in names)}
shown = [page(sites) for _ in range(int(pages))]
waited = None
if command != "-":
    first = next(iter(sites.values()))
    first.command(command)
    host = command.split(";")[1]
    waited, _ = everywhere({"first": first}, f"GET hosts\nColumns: name\nFilter: name = {host}")
print(json.dumps({"pages": shown, "waited": waited}, sort_keys=True))
