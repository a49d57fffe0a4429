//! What the face needs of the runtime, so that it can be tested without engines and upstreams.
//! It adds nothing to the runtime.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    RunRequest, Runtime,
    catalogue::{Catalogue, SearchRequest},
    ids::{Namespace, RunId},
    run::{OutsideRequest, RunReport, Told, ToolReport, ToolRequest},
    session::Session,
};
use tokio_util::sync::CancellationToken;

/// Searches tools, runs scripts and makes calls.
pub trait Backend: Send + Sync + 'static {
    /// All tools.
    fn catalogue(&self) -> &Catalogue;

    /// The answer to a search, as text for a model.
    fn search(&self, request: &SearchRequest) -> String;

    /// Runs a script to its end. Never fails: what goes wrong stands in the report. Cancelling ends the run soon, with a
    /// report that says so.
    fn run(
        self: Arc<Self>,
        session: Arc<Session>,
        request: RunRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, RunReport>;

    /// The id of the next call outside any script.
    fn next_call(&self) -> RunId;

    /// Makes one call of a tool outside any script. Never fails: what goes wrong stands in the report. Cancelling abandons it.
    fn call(
        self: Arc<Self>,
        session: Arc<Session>,
        request: ToolRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, ToolReport>;

    /// Asks an upstream for something else than a tool call, likewise.
    fn request(
        self: Arc<Self>,
        session: Arc<Session>,
        request: OutsideRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, ToolReport>;

    /// Namespaces of upstreams that have listed this resource.
    fn owners(&self, uri: &str) -> Vec<Namespace>;

    /// Clears for this session what a person has cleared until now, before it is given again what was kept.
    fn notice_clearing(&self, _session: &Session) {}

    /// A command in the model's workspace was answered so: what there is to record of it.
    fn told<'a>(&'a self, _session: &'a Session, _told: Told) -> BoxFuture<'a, ()> {
        futures::future::ready(()).boxed()
    }

    /// The runs that were taken up after the Outboard that began them had ended.
    fn recovered(&self) -> Option<&Session> {
        None
    }
}

impl Backend for Runtime {
    fn catalogue(&self) -> &Catalogue {
        Runtime::catalogue(self)
    }

    fn search(&self, request: &SearchRequest) -> String {
        Runtime::search(self, request)
    }

    fn run(
        self: Arc<Self>,
        session: Arc<Session>,
        request: RunRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, RunReport> {
        async move { Runtime::run(&self, &session, request, cancel).await }.boxed()
    }

    fn next_call(&self) -> RunId {
        Runtime::next_call(self)
    }

    fn call(
        self: Arc<Self>,
        session: Arc<Session>,
        request: ToolRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, ToolReport> {
        async move { Runtime::call(&self, &session, request, cancel).await }.boxed()
    }

    fn request(
        self: Arc<Self>,
        session: Arc<Session>,
        request: OutsideRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, ToolReport> {
        async move { Runtime::request(&self, &session, request, cancel).await }.boxed()
    }

    fn owners(&self, uri: &str) -> Vec<Namespace> {
        Runtime::owners(self, uri)
    }

    fn notice_clearing(&self, session: &Session) {
        Runtime::notice_clearing(self, session);
    }

    fn told<'a>(&'a self, session: &'a Session, told: Told) -> BoxFuture<'a, ()> {
        Runtime::told(self, session, told).boxed()
    }

    fn recovered(&self) -> Option<&Session> {
        Some(Runtime::recovered(self))
    }
}
