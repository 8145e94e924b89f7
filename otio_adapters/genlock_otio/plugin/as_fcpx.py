"""Final Cut Pro's .fcpxml, exact at every rate."""

from genlock_otio.plugin.converting import both_ways

read_from_file, write_to_file = both_ways("fcpx")
