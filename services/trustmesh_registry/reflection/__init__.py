"""Server reflection for the whole mesh, from the contracts that its services registered."""
