//! What the runtime asks of the outside: engines that run guests, upstreams that carry out
//! operations. Each port says what its implementor promises; none of them decides policy.

pub mod engine;
pub mod types;
pub mod upstream;
