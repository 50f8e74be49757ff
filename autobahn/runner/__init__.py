"""Drives the Autobahn TestSuite: see `autobahn/README.md`."""
