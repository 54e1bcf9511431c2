"""The key management service: keys behind a barrier, and cryptography with them."""
