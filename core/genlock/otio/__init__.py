"""What OpenTimelineIO's own tools see of a store: the outermost shell, beside the command line and the daemon. It is named
in `genlock_otio.plugin`'s manifest and loaded by them, never by us."""
