"""What tests of a service stand on: an authority, an issuer, databases, and the service served for real."""
