"""The Python suite: what Outboard promises to a client, each module one subject."""
