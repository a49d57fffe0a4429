//! An entry that names an OpenAPI document: where the API is, what is sent along, which of its operations count. Values are
//! as written. Where credentials go is said here by a person, never by the document.

use std::{collections::BTreeMap, path::Path};

use outboard_runtime::catalogue::Annotations;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    FileKind, Wrong,
    entry::Written,
    wrong::{kind, shown},
};

/// Keys of such an entry, beside those of its usage.
pub(super) const KEYS: [&str; 11] = [
    "openapi",
    "baseUrl",
    "servers",
    "headers",
    "auth",
    "tags",
    "annotations",
    "privateAddresses",
    "references",
    "type",
    "disabled",
];
/// Keys that loosen what holds otherwise.
const FOR_USERS: [&str; 2] = ["annotations", "privateAddresses"];

/// An API as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OpenApi {
    /// The document: a path or an address.
    pub(crate) document: String,
    pub(crate) base: Option<String>,
    pub(crate) servers: Vec<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) auth: BTreeMap<String, Credential>,
    pub(crate) tags: Vec<String>,
    /// What is claimed of operations instead of what their methods say, by patterns over their names.
    pub(crate) annotations: Vec<(String, Annotations)>,
    pub(crate) private: bool,
    /// Which other documents are read that the document refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) references: Option<References>,
}

/// Other documents: those near the document, and what is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct References {
    /// Further folders and origins.
    pub(crate) also: Vec<String>,
}

/// What is filled in for one security scheme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Credential {
    Text(String),
    Client {
        id: String,
        secret: String,
        scopes: Vec<String>,
        token_url: Option<String>,
    },
    /// A person signs in.
    Login(Login),
}

/// How a person signs in for a security scheme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Login {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) authorization_url: Option<String>,
    pub(crate) token_url: Option<String>,
    pub(crate) issuer: Option<String>,
}

impl OpenApi {
    pub(super) fn parse(members: &Map<String, Value>, file: FileKind) -> Result<Self, Wrong> {
        if let Some(key) =
            FOR_USERS.iter().find(|key| members.contains_key(**key) && file == FileKind::Project)
        {
            let what = format!("`{key}` may stand only in the user's own file");
            return Err(Wrong::at(&[key], what, "take it out of the project's file"));
        }
        let written = Written(members);
        let document = written.text("openapi")?.unwrap_or_default();
        if document.trim().is_empty() {
            return Err(Wrong::at(
                &["openapi"],
                "`openapi` is empty",
                "write the path or the URL of the document",
            ));
        }
        Ok(Self {
            document,
            base: written.text("baseUrl")?,
            servers: written.texts("servers")?,
            headers: written.named("headers")?,
            auth: written.given("auth").map(auth).transpose()?.unwrap_or_default(),
            tags: written.texts("tags")?,
            annotations: written.given("annotations").map(annotations).transpose()?.unwrap_or_default(),
            private: flag(&["privateAddresses"], written.given("privateAddresses"))?.unwrap_or_default(),
            references: references(&written)?,
        })
    }

    /// What a sign-in for one of its schemes is bound to: all that says where requests and credentials go, and the file
    /// that says it. Entries of one file that differ only in which operations they have share it.
    pub(crate) fn login_key(&self, file: &Path, scheme: &str) -> Vec<u8> {
        let bound = Self { tags: Vec::new(), annotations: Vec::new(), ..self.clone() };
        // Not as a path, which is refused where it is no UTF-8.
        serde_json::to_vec(&(file.as_os_str().as_encoded_bytes(), scheme, bound)).unwrap_or_default()
    }

    /// The schemes for which a person signs in.
    pub(crate) fn logins(&self) -> impl Iterator<Item = &str> {
        let logins = self.auth.iter().filter(|(_, credential)| matches!(credential, Credential::Login(_)));
        logins.map(|(name, _)| name.as_str())
    }

    /// Every text with its key.
    pub(super) fn texts(&self) -> Vec<(String, &str)> {
        let mut texts = vec![("openapi".to_owned(), self.document.as_str())];
        texts.extend(self.base.iter().map(|base| ("baseUrl".to_owned(), base.as_str())));
        texts.extend(
            self.servers.iter().enumerate().map(|(at, url)| (format!("servers[{at}]"), url.as_str())),
        );
        texts.extend(self.headers.iter().map(|(name, value)| (format!("headers.{name}"), value.as_str())));
        let also = self.references.iter().flat_map(|references| references.also.iter().enumerate());
        texts.extend(also.map(|(at, text)| (format!("references[{at}]"), text.as_str())));
        for (name, credential) in &self.auth {
            match credential {
                Credential::Text(text) => texts.push((format!("auth.{name}"), text.as_str())),
                Credential::Client { id, secret, token_url, .. } => {
                    texts.push((format!("auth.{name}.clientId"), id.as_str()));
                    texts.push((format!("auth.{name}.clientSecret"), secret.as_str()));
                    texts.extend(token_url.iter().map(|url| (format!("auth.{name}.tokenUrl"), url.as_str())));
                }
                Credential::Login(login) => {
                    let members = [
                        ("clientId", Some(&login.id)),
                        ("clientSecret", login.secret.as_ref()),
                        ("authorizationUrl", login.authorization_url.as_ref()),
                        ("tokenUrl", login.token_url.as_ref()),
                        ("issuer", login.issuer.as_ref()),
                    ];
                    let given = members.into_iter().filter_map(|(key, text)| Some((key, text?)));
                    texts.extend(given.map(|(key, text)| (format!("auth.{name}.{key}"), text.as_str())));
                }
            }
        }
        texts
    }
}

fn auth(value: &Value) -> Result<BTreeMap<String, Credential>, Wrong> {
    let hint = "by the document's security schemes, for example: \"auth\": {\"bearerAuth\": \"${TOKEN}\"}";
    let Value::Object(schemes) = value else {
        return Err(Wrong::mistyped(&["auth"], kind(value), "an object of credentials", hint));
    };
    let credential = |(name, value): (&String, &Value)| {
        let credential = match value {
            Value::String(text) => Credential::Text(text.clone()),
            Value::Object(members) => client(name, members)?,
            other => return Err(Wrong::mistyped(&["auth", name], kind(other), "a text or an object", hint)),
        };
        Ok((name.clone(), credential))
    };
    schemes.iter().map(credential).collect()
}

/// The flows of OAuth that are known, as OpenAPI calls them.
const FLOWS: [&str; 2] = ["clientCredentials", "authorizationCode"];

fn client(name: &str, members: &Map<String, Value>) -> Result<Credential, Wrong> {
    const KNOWN: [&str; 7] =
        ["flow", "clientId", "clientSecret", "scopes", "authorizationUrl", "tokenUrl", "issuer"];
    const OF_LOGINS: [&str; 2] = ["authorizationUrl", "issuer"];
    if let Some(unknown) = members.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(Wrong::unknown(&["auth", name, unknown], "known here", &KNOWN));
    }
    let written = Written(members);
    let within = |wrong: Wrong| Wrong {
        place: [vec!["auth".to_owned(), name.to_owned()], wrong.place].concat(),
        ..wrong
    };
    let given = |key: &str| written.text(key).map_err(within);
    let needed = |key: &str| {
        given(key)?.ok_or_else(|| {
            let hint = "{\"clientId\": \"…\", \"clientSecret\": \"${SECRET}\"}, and \"flow\": \"authorizationCode\" \
                        where a person signs in";
            Wrong::at(&["auth", name], format!("`auth.{name}.{key}` is missing"), hint)
        })
    };
    let flow = given("flow")?;
    let scopes = written.texts("scopes").map_err(within)?;
    match flow.as_deref() {
        Some("authorizationCode") => Ok(Credential::Login(Login {
            id: needed("clientId")?,
            secret: given("clientSecret")?,
            scopes,
            authorization_url: given("authorizationUrl")?,
            token_url: given("tokenUrl")?,
            issuer: given("issuer")?,
        })),
        Some("clientCredentials") | None => {
            if let Some(key) = OF_LOGINS.iter().find(|key| members.contains_key(**key)) {
                let what =
                    format!("`auth.{name}.{key}` has a meaning only with \"flow\": \"authorizationCode\"");
                return Err(Wrong::at(&["auth", name, key], what, "add that flow, or leave it out"));
            }
            Ok(Credential::Client {
                id: needed("clientId")?,
                secret: needed("clientSecret")?,
                scopes,
                token_url: given("tokenUrl")?,
            })
        }
        Some(other) => {
            let what = format!("`auth.{name}.flow` is \"{other}\", which is not known here");
            Err(Wrong::at(&["auth", name, "flow"], what, format!("there are: {}", FLOWS.join(", "))))
        }
    }
}

fn references(written: &Written<'_>) -> Result<Option<References>, Wrong> {
    match written.given("references") {
        None | Some(Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => Ok(Some(References::default())),
        Some(Value::Array(_)) => Ok(Some(References { also: written.texts("references")? })),
        Some(other) => {
            let hint = "true reads those near the document; a list names further folders or origins";
            Err(Wrong::mistyped(&["references"], kind(other), "true, false or a list of texts", hint))
        }
    }
}

fn annotations(value: &Value) -> Result<Vec<(String, Annotations)>, Wrong> {
    const KNOWN: [&str; 4] = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
    let hint = "for example: \"annotations\": {\"search*\": {\"readOnlyHint\": true}}";
    let Value::Object(patterns) = value else {
        return Err(Wrong::mistyped(&["annotations"], kind(value), "an object of patterns", hint));
    };
    let mut read = Vec::new();
    for (pattern, claims) in patterns {
        let Value::Object(claims) = claims else {
            return Err(Wrong::mistyped(&["annotations", pattern], kind(claims), "an object", hint));
        };
        if let Some(unknown) = claims.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(Wrong::unknown(&["annotations", pattern, unknown], "known here", &KNOWN));
        }
        if let Err(reason) = outboard_openapi::Pattern::new(pattern) {
            let what = format!("`{pattern}` is no pattern: {reason}");
            return Err(Wrong::at(&["annotations", pattern], what, hint));
        }
        let claim = |key: &str| flag(&["annotations", pattern, key], claims.get(key));
        read.push((
            pattern.clone(),
            Annotations {
                read_only_hint: claim("readOnlyHint")?,
                destructive_hint: claim("destructiveHint")?,
                idempotent_hint: claim("idempotentHint")?,
                open_world_hint: claim("openWorldHint")?,
            },
        ));
    }
    Ok(read)
}

fn flag(place: &[&str], value: Option<&Value>) -> Result<Option<bool>, Wrong> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    match value.as_bool() {
        Some(flag) => Ok(Some(flag)),
        None => {
            Err(Wrong::mistyped(place, &shown(value), "true or false", "write true or false without quotes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Entry, Transport};
    use super::*;

    #[test]
    fn an_api_is_read_with_all_that_it_says() {
        let entry = json!({
            "openapi": "./pets.yaml", "baseUrl": "https://pets.example/v1", "servers": ["https://files.pets.example"],
            "headers": {"X-Team": "blue"}, "tags": ["pets"], "privateAddresses": true, "timeout": 5,
            "auth": {"key": "${KEY}", "oauth": {"clientId": "me", "clientSecret": "${S}", "scopes": ["a"]}},
            "annotations": {"search*": {"readOnlyHint": true}},
        });
        let read = Entry::parse(&entry, FileKind::User).unwrap();
        let Transport::OpenApi(api) = &read.transport else { panic!("{read:?}") };
        assert_eq!((api.document.as_str(), api.private, api.tags.len()), ("./pets.yaml", true, 1));
        assert_eq!(api.auth["key"], Credential::Text("${KEY}".to_owned()));
        assert_eq!(api.annotations[0].1.read_only_hint, Some(true));
        let keys: Vec<String> = read.texts().into_iter().map(|(key, _)| key).collect();
        assert!(
            ["auth.key", "auth.oauth.clientSecret", "baseUrl"]
                .iter()
                .all(|key| keys.iter().any(|known| known == key))
        );
        // A stranger's file does not loosen anything.
        let refused = Entry::parse(&entry, FileKind::Project).unwrap_err();
        assert!(refused.what.contains("only in the user's own file"), "{refused:?}");
    }

    #[test]
    fn a_sign_in_is_bound_to_where_its_tokens_go_and_not_to_which_operations_there_are() {
        let key = |change: &dyn Fn(&mut Value), file: &str, scheme: &str| {
            let mut entry = json!({
                "openapi": "./pets.yaml", "baseUrl": "https://pets.example", "tags": ["a"],
                "auth": {"oauth": {"flow": "authorizationCode", "clientId": "me"}},
            });
            change(&mut entry);
            let entry = Entry::parse(&entry, FileKind::User).unwrap();
            let Transport::OpenApi(api) = &entry.transport else { panic!("{entry:?}") };
            assert_eq!(api.logins().collect::<Vec<_>>(), ["oauth"]);
            api.login_key(Path::new(file), scheme)
        };
        let bound = key(&|_| (), "/a/outboard.json", "oauth");
        assert_eq!(key(&|entry| entry["tags"] = json!(["b"]), "/a/outboard.json", "oauth"), bound);
        for (change, value) in [
            ("/baseUrl", json!("https://evil.example")),
            ("/openapi", json!("./other.yaml")),
            ("/auth/oauth/clientId", json!("you")),
        ] {
            let changed = key(
                &|entry| *entry.pointer_mut(change).unwrap() = value.clone(),
                "/a/outboard.json",
                "oauth",
            );
            assert_ne!(changed, bound, "{change}");
        }
        assert_ne!(
            key(&|entry| entry["servers"] = json!(["https://evil.example"]), "/a/outboard.json", "oauth"),
            bound
        );
        assert_ne!(key(&|_| (), "/b/outboard.json", "oauth"), bound);
        assert_ne!(key(&|_| (), "/a/outboard.json", "other"), bound);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_key() {
        for (entry, what) in [
            (json!({"openapi": ""}), "`openapi` is empty"),
            (json!({"openapi": "x", "url": "y"}), "`url` is not known here"),
            (json!({"openapi": "x", "auth": "y"}), "`auth` is a text; it must be an object of credentials"),
            (json!({"openapi": "x", "auth": {"a": 1}}), "`auth.a` is a number"),
            (
                json!({"openapi": "x", "auth": {"a": {"clientID": "y"}}}),
                "`auth.a.clientID` is not known here",
            ),
            (json!({"openapi": "x", "auth": {"a": {"clientId": "y"}}}), "`auth.a.clientSecret` is missing"),
            (
                json!({"openapi": "x", "auth": {"a": {"flow": "authorizationCode"}}}),
                "`auth.a.clientId` is missing",
            ),
            (
                json!({"openapi": "x", "auth": {"a": {"flow": "implicit", "clientId": "y"}}}),
                "`auth.a.flow` is \"implicit\", which is not known here",
            ),
            (
                json!({"openapi": "x", "auth": {"a": {"clientId": "y", "clientSecret": "z", "issuer": "i"}}}),
                "`auth.a.issuer` has a meaning only with \"flow\": \"authorizationCode\"",
            ),
            (json!({"openapi": "x", "references": "all"}), "`references` is a text; it must be true, false"),
            (json!({"openapi": "x", "annotations": {"[": {}}}), "`[` is no pattern"),
            (
                json!({"openapi": "x", "annotations": {"a": {"readOnly": true}}}),
                "`annotations.a.readOnly` is not known",
            ),
            (
                json!({"openapi": "x", "privateAddresses": "yes"}),
                "`privateAddresses` is \"yes\"; it must be true or false",
            ),
            (json!({"openapi": "x", "command": "y"}), "`command` is not known here"),
        ] {
            let wrong = Entry::parse(&entry, FileKind::User).unwrap_err();
            assert!(wrong.what.starts_with(what), "{entry}: {wrong:?}");
        }
    }
}
