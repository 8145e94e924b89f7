"""LTX-Video 0.9.x through Lightricks' package, in an environment of its own."""
