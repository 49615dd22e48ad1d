"""inferspec: a GitOps compiler for AI inference platforms on GKE."""

__version__ = "0.1.0"
