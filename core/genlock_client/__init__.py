"""What a host needs to work with a Genlock daemon: Python 3.8 or newer, the standard library and `websockets`.

    wire        the messages of protocol 1 as values
    session     the state machine: outbox, cursor, gaps, reconnect (no I/O)
    model       a picture of the project, kept from snapshots and effects
    transport   a non-blocking socket, pumped from a host's timer; no thread
    blocking    the same for scripts that may wait
    rest        the REST interface
    errands     the same without waiting: calls that a host's timer moves on
    cut         a sequence with absolute positions, as a host compares it
    diff        what differs between two cuts, as the command Arrange
    identity    which strip is which after copies, splits and undos
    jobs        the queue and the takes as rows
    discovery   which daemons run, and where
    errors      ClientError and its kinds

A host with a timer (Blender, Resolve's UI):

    session = Session("blender", discovery.actor(), clock=time.monotonic, project=project)
    transport = Transport(session, lambda: discovery.find(store))
    ...
    for happening in transport.pump(0.005):          # every 20 ms or so, never waits
        if isinstance(happening, Changed):
            redraw(session.model, happening.touched)

A script:

    with Connection.open(store, host="script", project=project) as daemon:
        daemon.command({"do": "RenameItem", "item": item, "name": "Opening"}, target=sequence)

Importing this package imports neither `websockets` nor a socket; its modules do.
"""

__version__ = "0.1.0"
