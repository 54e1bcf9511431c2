"""What every service stands on: the call pipeline, its transport, settings, storage, identity and lifecycle. It knows no product."""
