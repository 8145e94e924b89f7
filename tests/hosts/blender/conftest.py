"""The tests in `inside` run in Blender's own Python, started by the tests beside this file."""

collect_ignore = ["inside"]
