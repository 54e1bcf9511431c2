"""What every service stands on: call pipeline, transport, settings, storage, identity, lifecycle. It knows no product."""
