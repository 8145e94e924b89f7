"""Genlock: one event-sourced timeline for every editor that works on it, and generated shots straight into it."""

__version__ = "0.1.0"
