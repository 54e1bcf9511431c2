"""The gateway: runs Envoy with the gateway's identity, and nothing that Envoy is not told by the registry."""
