//! Catalogue, policy, broker, journal and runs; ports for everything that touches the world.
