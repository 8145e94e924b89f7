"""Masks as arrays: cleaning, choosing, outlines, alpha and files. Knows no model; a mask is HxW bool."""
