"""Proof that the emitted tree says what the plan says."""
