"""Brings a model from its source into a bucket, whole or not at all: ``inferspec models``.

Nothing of the compiler is imported here: the package runs in a container that has the ``models`` extra and no more.
"""
