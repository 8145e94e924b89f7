# SPDX-License-Identifier: GPL-3.0-or-later
"""Dictionaries of the interface, one module a language: `TEXTS` maps our English to it."""
