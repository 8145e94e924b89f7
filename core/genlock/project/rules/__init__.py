"""The rules of projects, shots and jobs: `decide(state, command, stamp) -> event | Refusal` and
`evolve(state, event) -> state`, pure, one module per aggregate.

A command becomes exactly one event of its aggregate. Rules that need other aggregates (a shot code unique in the
project, media still used by a sequence) are the application's.
"""
