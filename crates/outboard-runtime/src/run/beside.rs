//! What a script asks about prompts and resources: reads its arguments and finds whose they mean. Prompts and templates are
//! known and told at once; all else goes through the gate, which is the broker's.

use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::FIRST_LIST;
use crate::{
    broker::{Broker, Caller, OtherRequest, shortened},
    catalogue::{Beside, Catalogue, Entry, Snapshot},
    ids::{Namespace, RequestId},
    json::Json,
    operation::Requested,
    ports::engine::Reply,
    reply::{FailureCode, ToolFailure},
};

/// What such a question comes to.
#[derive(Debug)]
pub(super) enum Meant {
    /// It is known.
    Known(Json),
    /// An upstream has to be asked; of its answer the script gets this member, or all of it.
    Upstream { namespace: Namespace, what: Requested, member: Option<&'static str> },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Whose {
    namespace: Option<String>,
}

/// Answers a question of a run: its number and line, the method and the arguments.
pub(super) async fn answer(
    broker: &Broker,
    catalogue: &Catalogue,
    caller: &Caller,
    (id, line): (RequestId, Option<u32>),
    (method, arguments): (&str, &Json),
) -> Reply {
    // At the very first start upstreams are about to say what they have: worth a moment.
    let snapshot = catalogue.settled(FIRST_LIST).await;
    let (namespace, what, member) = match meant(broker, &snapshot, method, arguments) {
        Ok(Meant::Upstream { namespace, what, member }) => (namespace.to_string(), what, member),
        Ok(Meant::Known(known)) => {
            return caller.budget.count().map_or_else(Reply::Failed, |()| Reply::Value(known));
        }
        Err(failure) => return Reply::Failed(failure),
    };
    let request = OtherRequest { id, namespace, what, line, may_ask: true };
    match broker.request(caller, request).await {
        Ok(answer) => Reply::Value(part(answer, member)),
        Err(failure) => Reply::Failed(failure),
    }
}

/// Finds out what a question means. `method` is MCP's, `arguments` a JSON array.
pub(super) fn meant(
    broker: &Broker,
    snapshot: &Snapshot,
    method: &str,
    arguments: &Json,
) -> Result<Meant, ToolFailure> {
    let asked = Question { broker, snapshot };
    match method {
        "prompts/list" => {
            let whose =
                read::<(Option<String>,)>(arguments, 1, "prompts.list takes a namespace, or nothing")?.0;
            Ok(Meant::Known(asked.entries(whose.as_deref(), |beside| &beside.prompts)?))
        }
        "resources/templates/list" => {
            let usage = "resources.templates takes a namespace, or nothing";
            let whose = read::<(Option<String>,)>(arguments, 1, usage)?.0;
            Ok(Meant::Known(asked.entries(whose.as_deref(), |beside| &beside.templates)?))
        }
        "resources/list" => {
            let usage = "resources.list takes a namespace, for example resources.list(\"docs\")";
            let whose = read::<(Option<String>,)>(arguments, 1, usage)?.0;
            let namespace = asked.only(whose.as_deref(), "resources", |beside| beside.resources)?;
            Ok(Meant::Upstream { namespace, what: Requested::ListResources, member: Some("resources") })
        }
        "resources/read" => {
            let usage = "resources.read takes a URI and optionally { namespace: string }";
            let (uri, whose) = read::<(String, Option<Whose>)>(arguments, 2, usage)?;
            let whose = whose.unwrap_or_default().namespace;
            let namespace = asked.owner(&uri, whose.as_deref())?;
            Ok(Meant::Upstream { namespace, what: Requested::ReadResource { uri }, member: Some("contents") })
        }
        "prompts/get" => {
            let usage = "prompts.get takes a name, an object of texts and optionally { namespace: string }";
            let (name, given, whose) = read::<(String, Option<Json>, Option<Whose>)>(arguments, 3, usage)?;
            let whose = whose.unwrap_or_default().namespace;
            let has = |beside: &Beside| beside.prompts.iter().any(|prompt| prompt.name == name);
            let namespace = asked.only(whose.as_deref(), &format!("the prompt `{name}`"), has)?;
            let arguments =
                given.filter(|given| *given != Json::null()).unwrap_or_else(|| Json::from(json!({})));
            Ok(Meant::Upstream { namespace, what: Requested::GetPrompt { name, arguments }, member: None })
        }
        _ => Err(invalid("this is not asked of an upstream".to_owned())),
    }
}

/// What the script gets of an upstream's answer.
pub(super) fn part(answer: Json, member: Option<&str>) -> Json {
    let Some(member) = member else { return answer };
    let mut answer = answer.to_value();
    Json::from(answer.get_mut(member).map(Value::take).unwrap_or_else(|| json!([])))
}

struct Question<'a> {
    broker: &'a Broker,
    snapshot: &'a Snapshot,
}

impl Question<'_> {
    /// Entries of one upstream or of all, each with its namespace.
    fn entries(&self, whose: Option<&str>, of: impl Fn(&Beside) -> &[Entry]) -> Result<Json, ToolFailure> {
        if let Some(namespace) = whose {
            self.member(namespace)?;
        }
        let mut all = Vec::new();
        for member in self.snapshot.members() {
            let is_meant = whose.is_none_or(|whose| whose == member.namespace.as_str());
            let Some(beside) = member.beside().filter(|_| is_meant) else { continue };
            all.extend(of(beside).iter().map(|entry| {
                let mut definition = entry.definition.to_value();
                definition["namespace"] = json!(member.namespace);
                definition
            }));
        }
        Ok(Json::from(Value::from(all)))
    }

    fn member(&self, namespace: &str) -> Result<Namespace, ToolFailure> {
        let member = self.snapshot.member(namespace);
        member.map(|member| member.namespace.clone()).ok_or_else(|| {
            let message = format!("there is no namespace `{}`", shortened(namespace));
            ToolFailure::new(FailureCode::UnknownTool, message)
        })
    }

    /// The namespace that was named, or the only one that has it.
    fn only(
        &self,
        whose: Option<&str>,
        what: &str,
        has: impl Fn(&Beside) -> bool,
    ) -> Result<Namespace, ToolFailure> {
        if let Some(namespace) = whose {
            return self.member(namespace);
        }
        let having = self.snapshot.members().iter().filter(|member| member.beside().is_some_and(&has));
        let having: Vec<&Namespace> = having.map(|member| &member.namespace).collect();
        match having[..] {
            [one] => Ok(one.clone()),
            [] => Err(invalid(format!("no server has {what}"))),
            _ => Err(invalid(format!(
                "several servers have {what}: name the namespace, one of {}",
                named(&having)
            ))),
        }
    }

    fn owner(&self, uri: &str, whose: Option<&str>) -> Result<Namespace, ToolFailure> {
        let owners = self.broker.owners(self.snapshot, uri);
        match &owners[..] {
            [owner] if whose.is_none() => Ok(owner.clone()),
            // The first one may be somebody who wants to be taken for another.
            [_, _, ..] if whose.is_none() => {
                let owners: Vec<&Namespace> = owners.iter().collect();
                Err(invalid(format!(
                    "several servers list it: name the namespace, one of {}",
                    named(&owners)
                )))
            }
            _ => self.only(whose, "resources", |beside| beside.resources),
        }
    }
}

fn named(namespaces: &[&Namespace]) -> String {
    namespaces.iter().map(|namespace| namespace.as_str()).collect::<Vec<_>>().join(", ")
}

/// The arguments, with what is left out at the end as null.
fn read<T: for<'de> Deserialize<'de>>(arguments: &Json, count: usize, usage: &str) -> Result<T, ToolFailure> {
    let read = arguments.read::<Vec<Value>>().ok().filter(|given| given.len() <= count);
    let read = read.and_then(|mut given| {
        given.resize(count, Value::Null);
        serde_json::from_value(Value::from(given)).ok()
    });
    read.ok_or_else(|| invalid(usage.to_owned()))
}

fn invalid(why: String) -> ToolFailure {
    ToolFailure::new(FailureCode::InvalidArguments, why)
}
