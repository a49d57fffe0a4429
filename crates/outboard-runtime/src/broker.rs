//! The gate: the one function through which every operation passes, as named steps.
//! It talks to the catalogue, policy, approver, journal and upstreams through their ports.

mod permit;

pub use permit::Permit;
