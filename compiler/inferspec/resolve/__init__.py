"""Every value settled, for every cluster, with its origin."""
