"""Final Cut Pro 7 XML, as Premiere Pro and Resolve write it."""

from genlock_otio.plugin.converting import both_ways

read_from_file, write_to_file = both_ways("fcp7")
