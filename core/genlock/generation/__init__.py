"""Turns a request into a take: plans, memory leases, worker processes, engines.

engine     what an engine is, and the registry (nothing heavy is imported by it)
planner    checks a request and orders the ways to fulfil it
arbiter    who may use the memory, and when
executor   what runs jobs: the protocol and its messages
channel    messages over a pipe
local      jobs in child processes of this machine
nursery    where those children come from: a warm parent that forks, or a fresh interpreter
worker     the child: runs one engine, writes the take
film       the worker's sink: frames and sound in, a named take out
engines/   the engines
"""
