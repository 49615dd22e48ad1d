"""The tests of inferspec. A package, so that helpers are `tests.NAME` whatever else is installed."""
