//! What the runtime asks of the outside: engines that run guests, upstreams that carry out
//! operations, an observer that learns from results, places to run commands in. Each port says what its implementor promises; none of them decides policy.

pub mod engine;
pub mod observer;
pub mod types;
pub mod upstream;
pub mod workspace;
