"""Thin modules, one per subject: they read a request, call the services and answer."""
