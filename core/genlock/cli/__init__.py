"""The `genlock` command: a thin shell over the daemon's REST interface.

main       the program: finds the command, runs it, turns errors into one line and an exit code
options    flags that many commands share
backend    the running daemon of a store, or one of our own for the length of the command
lookup     names and id prefixes to ids
output     tables, timecode and JSON
values     what people write: rates, sizes, timecodes, images

One module per command group: daemon, projects, sequences, history, exchange, shots, jobs, stores, checks. Importing any of
them is cheap; what a command needs it imports when it runs.
"""
