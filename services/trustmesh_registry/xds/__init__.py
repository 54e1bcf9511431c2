"""The control plane: snapshots of what a node may know, and the aggregated discovery protocol that brings it there."""
