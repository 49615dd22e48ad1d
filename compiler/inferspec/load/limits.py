"""How much one file may ask for. Checked while reading, so that no input costs more than a few hundred MB or a second.

A fleet of 1,000 clusters with 96 leaves each is 2.6 MB, 110,000 values and 7 levels deep: the caps leave room above that.
"""

from __future__ import annotations

MAX_BYTES = 5_000_000
"""Bytes of one file."""

MAX_DEPTH = 64
"""Maps and lists inside one another."""

MAX_NODES = 500_000
"""Values of one file: scalars, maps and lists."""

MAX_INCLUDES = 200
"""Files that a spec includes."""

MAX_INCLUDED_BYTES = 4 * MAX_BYTES
"""Bytes of all the files that a spec includes."""

MAX_INCLUDED_NODES = 2 * MAX_NODES
"""Values of all of them."""

MAX_SCALAR = 65_536
"""Characters of one value."""

MAX_KEY = 512
"""Characters of one key: a label's key has at most 317."""

MAX_PROBLEMS = 100
"""Problems listed for one file; a file with more is one that was never YAML."""

MAX_INTEGER = 2**53
"""Beyond this, JSON readers that hold numbers as doubles change an integer silently: RFC 8259, section 6."""
