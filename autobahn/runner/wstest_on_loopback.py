"""Runs wstest (on Python 2.7), listening on a free port of 127.0.0.1 only; wstest itself takes every interface."""

from __future__ import print_function

import sys

from autobahntestsuite import fuzzing, wstest

listen = fuzzing.listenWS


def listen_on_loopback(factory, context=None):
    """Listens on a free port and prints which one."""
    factory.port = 0
    listener = listen(factory, context, interface="127.0.0.1")
    # The handshake compares the Host header with the port the factory was told.
    factory.externalPort = listener.getHost().port
    print("listening on ws://127.0.0.1:%d" % factory.externalPort)
    sys.stdout.flush()
    return listener


fuzzing.listenWS = listen_on_loopback
sys.exit(wstest.run())
