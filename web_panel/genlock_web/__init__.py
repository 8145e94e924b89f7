"""The built web panel's files (`static/`), found through importlib.resources; the daemon serves them."""
