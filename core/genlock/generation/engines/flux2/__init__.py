"""FLUX.2 Klein on diffusers: pictures from words and pictures, edits, and parts of pictures and clips made anew."""
