"""Resolved settings -> the Kubernetes objects of every cluster."""
