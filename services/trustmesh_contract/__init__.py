"""The contract as values: what the descriptors say, read once for everyone who compiles it into something."""
