"""Final Cut Pro's own XML (.fcpxml), both ways, with exact rational times."""
