"""The registry: who runs where, what each mesh node may know of it, and the configuration they share."""
