# SPDX-License-Identifier: GPL-3.0-or-later
"""Genlock inside Blender's sequencer. The extension comes with its own part; it will speak through genlock_client."""
