//! The face over HTTP, by bytes on a socket: what real clients send, and what nobody should.

mod abuse;
mod apart;
mod ends;
mod modern;
mod passthrough;
mod sessions;
mod wire;
