//! Fixtures for tests: an upstream that misbehaves on demand.
