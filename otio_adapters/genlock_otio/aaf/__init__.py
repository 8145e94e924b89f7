"""Avid's AAF, through the otio-aaf-adapter and pyaaf2, which run in a process of their own: they were not written for
files from anywhere.

reader   bytes -> the library's OpenTimelineIO -> a timeline value
writer   a cut -> OpenTimelineIO as the library wants it -> bytes
process  the child process and its bounds
worker   what runs in it
"""
