"""From the object model to the tree of files: bases, components, small overlays, syncs and locks."""
