"""The timeline: pure values and pure functions. No I/O, no clock, no randomness.

rate, timecode     exact frame rates, and timecode as people write it
model              tracks, items, sources, transitions, markers: frozen values
lane               the content of one track, persistent, with positions in O(log n)
sequence           the state of one sequence and `apply(state, op)`
ops                twelve invertible primitives: what is stored
commands, edits/   what people ask for, and `decide(state, command) -> Decision | Refusal`
undo               compensating ops computed at undo time, stacks as a fold
diff               state against state as ops
effects            what an event changed, as absolute upserts for clients
events             the stored events of the Sequence aggregate and `evolve(state, event)`
"""
