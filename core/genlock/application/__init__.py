"""Commands in, durable events out; the present and the past to read.

application   the Application: submit, execute, subscribe, and every query
envelope      what goes in and what comes out; `commands` the union of all commands and its decoder
writer        one thread, groups of up to 64; `commit` decide -> append -> swap -> publish -> answer
turn          what one command sees and leaves behind; `handlers/` what each command does
world         projects, shots, jobs and open sequences as one immutable value, and what an event changed
opened        a sequence with its undo stacks; `live` opens it from snapshot and tail; `snapshots` makes those
history       the list of versions, and old events with what they changed; `projections` views that are kept
imports       whether a whole timeline may become a sequence
jobs          the loop behind the job queue
"""
