//! Keys of other programs in an entry, and what stands for them here. People paste what a README says for their client.
//! It converts nothing; `import` does.

/// What to do about a key of another program's.
pub(super) fn hint(key: &str) -> Option<&'static str> {
    Some(match key {
        "alwaysLoad" | "defer_loading" => "leave it out: here every tool is found when it is needed",
        "oauth" | "auth" | "authProviderType" | "scopes" | "oauth_resource" | "authorization_token" => {
            "Outboard does not sign in by OAuth yet; send a token: \"headers\": {\"Authorization\": \"Bearer ${TOKEN}\"}"
        }
        "headersHelper" => {
            "no program is run for headers; put the value in a variable: \"headers\": {\"Authorization\": \"Bearer ${TOKEN}\"}"
        }
        "includeTools" | "enabledTools" | "enabled_tools" | "available_tools" | "allowedTools" => {
            "write \"tools\": {\"allow\": [\"name\"]}"
        }
        "excludeTools" | "disabledTools" | "disabled_tools" => "write \"tools\": {\"deny\": [\"name\"]}",
        "alwaysAllow" | "autoApprove" | "default_tools_approval_mode" => {
            "write \"trust\": true for the whole server, or a rule for each tool: outboard policy allow"
        }
        "tool_timeout_sec" | "requestTimeout" => "write \"timeout\", in seconds",
        "startup_timeout_sec" | "startup_timeout_ms" | "initTimeout" => {
            "leave it out: the time to start is not a setting"
        }
        "httpUrl" | "uri" | "endpoint" => "write \"url\"",
        "cmd" => "write \"command\"",
        "environment" | "envs" => "write \"env\"",
        "env_vars" | "env_keys" | "envFile" => "name each one: \"env\": {\"NAME\": \"${NAME}\"}",
        "http_headers" => "write \"headers\"",
        "env_http_headers" | "bearer_token_env_var" => {
            "write \"headers\": {\"Authorization\": \"Bearer ${NAME}\"}"
        }
        "enabled" => "leave it out, or write \"disabled\": true to switch the server off",
        "transport" | "transportType" => "leave it out: `command` or `url` says it",
        "name" | "description" | "display_name" | "icon" | "required" | "dev" | "version" | "gallery" => {
            "leave it out: it means nothing here"
        }
        _ => return None,
    })
}
