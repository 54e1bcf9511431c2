"""Envoy's global rate limit service: counts calls per principal, organisation and address, by the class of the method."""
