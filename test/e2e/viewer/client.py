#!/usr/bin/python3
"""A Livestatus client that sets its connection up as Checkmk's GUI does: TLS 1.2 at least, a bundle of authorities, no
check of the host's name, no name in the handshake, the handshake tried again on the same socket. Reads one JSON
document with its options from standard input, and prints one with what it saw.

    host, port, source      where to, and from which address
    ca                      bundle of authorities; without it no TLS
    certificate, key        of the client
    verify                  false: any certificate will do
    strict                  true: as Python 3.13 and later check certificates
    tls12                   true: TLS 1.2 at most
    timeout                 seconds to connect; default 5
    format                  of answers to queries; default python3, as the GUI asks for most
    queries                 asked one after another over one connection, with the headers that the GUI adds
    raw                     or: exactly what is sent; then all is read to the end
    half_close              behind raw: "notify" ends the sending direction in TLS, "fin" beneath it
    stall                   seconds before the answer is read
"""

import hashlib
import json
import select
import socket
import ssl
import sys
import time


def create_socket(options):
    family = socket.AF_INET6 if ":" in options["host"] else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    if options.get("source"):
        plain.bind((options["source"], 0))
    if not options.get("ca"):
        return plain
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if options.get("verify", True) else ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.get("tls12"):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if options.get("strict"):
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(options["ca"])
    if options.get("certificate"):
        context.load_cert_chain(options["certificate"], options["key"])
    return context.wrap_socket(plain, do_handshake_on_connect=False)


def connect(options):
    """The first attempt has a tenth of a second, each further one half as much again."""
    client = create_socket(options)
    timeout = options.get("timeout", 5)
    interval = 0.1
    begun = time.time()
    while True:
        try:
            client.settimeout(interval)
            try:
                client.connect((options["host"], options["port"]))
            except ValueError as error:
                if "already-connected" not in str(error):
                    raise
            if options.get("ca"):
                client.do_handshake()
            return client
        except Exception:
            if timeout - (time.time() - begun) <= interval:
                raise
            time.sleep(interval)
            interval *= 1.5


def readable(client):
    if isinstance(client, ssl.SSLSocket) and client.pending():
        return True
    return bool(select.select([client], [], [], 0.1)[0])


def receive(client, size, timeout):
    data = b""
    client.settimeout(timeout)
    end = time.time() + (timeout or 60)
    while len(data) < size:
        if readable(client):
            packet = client.recv(size - len(data))
            if not packet:
                raise EOFError(f"closed after {len(data)} of {size} bytes")
            data += packet
        if time.time() > end:
            raise TimeoutError(f"{len(data)} of {size} bytes")
    return data


def ask(client, query, form):
    headers = f"Localtime: {int(time.time())}\nOutputFormat: {form}\nKeepAlive: on\nResponseHeader: fixed16\n"
    client.sendall(f"{query}\n{headers}\n".encode())
    head = receive(client, 16, None)
    body = receive(client, int(head[4:15]), 30)
    return {"code": int(head[:3]), "body": body.decode()}


def read_all(client, options):
    client.settimeout(20)
    client.sendall(options["raw"].encode())
    if options.get("half_close") == "notify":
        # blocking, it would wait for the other side to end first
        client.setblocking(False)
        try:
            client._sslobj.shutdown()
        except ssl.SSLWantReadError:
            pass
        client.setblocking(True)
        client.settimeout(20)
    elif options.get("half_close") == "fin":
        # as Perl's shutdown, which knows nothing of TLS; Python's own would give TLS up
        socket.socket.shutdown(client, socket.SHUT_WR)
    time.sleep(options.get("stall", 0))
    packets = []
    try:
        while True:
            packet = client.recv(65536)
            if not packet:
                break
            packets.append(packet)
    except ssl.SSLZeroReturnError:
        pass
    except OSError as error:
        return {**told(packets), "broken": f"{type(error).__name__}: {error}"}
    return told(packets)


def told(packets):
    data = b"".join(packets)
    digest = hashlib.sha256(data).hexdigest()
    return {"text": data[:1000].decode("latin1"), "length": len(data), "sha256": digest}


def main():
    options = json.load(sys.stdin)
    seen = {}
    try:
        client = connect(options)
        if isinstance(client, ssl.SSLSocket):
            seen["version"] = client.version()
        if "raw" in options:
            seen.update(read_all(client, options))
        else:
            seen["answers"] = []
            for query in options["queries"]:
                seen["answers"].append(ask(client, query, options.get("format", "python3")))
    except Exception as error:  # whatever it is, it is what was seen
        seen["failed"] = f"{type(error).__name__}: {error}"
    json.dump(seen, sys.stdout)


main()
