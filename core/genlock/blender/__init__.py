"""Blender seen from outside: the extension as a file and as a repository, where Blender is, and rendering with it.

Knows nothing of bpy: what runs inside Blender is the package `genlock_blender`.
"""
