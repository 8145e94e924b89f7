"""CMX3600 edit lists: record start honoured, speeds, dissolves, ids in remarks."""

from genlock_otio.plugin.converting import both_ways

read_from_file, write_to_file = both_ways("edl")
