"""Avid's AAF, through otio-aaf-adapter."""

from genlock_otio.plugin.converting import both_ways

read_from_file, write_to_file = both_ways("aaf")
