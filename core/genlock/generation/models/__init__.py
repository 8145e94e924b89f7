"""The model library: which models there are, where they lie, and whether they are whole. Imports no model library."""
