"""Genlock inside DaVinci Resolve. Its scripts and agent come with their own part; they will speak through genlock_client."""
