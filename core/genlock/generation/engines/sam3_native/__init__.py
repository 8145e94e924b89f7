"""SAM 3 through Meta's package, in an environment of its own."""
