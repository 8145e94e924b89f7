"""The daemon: one FastAPI application behind one gate, and the live socket.

gate, access   who may ask: Host, Origin, Fetch-Metadata, token (SECURITY.md has the table)
services       what the routes work with, built in one place
app            the FastAPI application; routes/ are its thin modules
hub, socket    live events to every client, commands from them (docs/protocol.md)
server         binding, discovery file, graceful shutdown
"""
