"""DaVinci Resolve's own .otio, in the one shape that it imports."""

from genlock_otio.plugin.converting import both_ways

read_from_file, write_to_file = both_ways("resolve")
