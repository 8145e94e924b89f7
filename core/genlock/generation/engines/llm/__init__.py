"""Gemma 3 in this machine's own memory: prompts written out, with a look at the shot's pictures."""
