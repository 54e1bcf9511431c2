"""Transports adapt a wire protocol to the pipeline; nothing above them imports a server API."""
