"""Genlock inside DaVinci Resolve. Scripts and agent come with their own part; they speak through genlock_client."""
