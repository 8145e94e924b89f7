"""Projects, shots, media and jobs: pure aggregates beside the timeline. No I/O, no clock.

media      what is known of a media file
request    GenerationRequest: one immutable value that says what to make
shot       Shot aggregate: prompt, conditioning, takes, selection
job        Job aggregate: the life of one request, as a union of states
project    Project aggregate: settings, media pool, sequences, elements, scenes
commands   what can be asked of them
rules/     decide and evolve of each aggregate
"""
