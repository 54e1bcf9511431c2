"""The gateway compiler: registered contracts in, Envoy's configuration out.

Pure functions; nothing here touches network, disk or clock.
"""
