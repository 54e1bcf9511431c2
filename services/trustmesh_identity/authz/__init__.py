"""The authorization server: clients and their secrets, the token endpoint, signing keys and their rotation, discovery."""
