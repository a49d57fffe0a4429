"""What the suites share: environments, places to test in, clients, processes. Tests stand elsewhere."""
