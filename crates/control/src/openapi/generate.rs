//! From operations and types to the document.

use super::operations::{Answer, Operation, operations};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// The schema of a type by its name, and those it needs.
pub(super) struct Type {
    name: String,
    schema: Value,
    needs: Vec<(String, RefOr<Schema>)>,
}

impl Type {
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut needs = Vec::new();
        T::schemas(&mut needs);
        Self { name: T::name().into_owned(), schema: json!(T::schema()), needs }
    }

    fn reference(&self) -> Value {
        json!({ "$ref": format!("#/components/schemas/{}", self.name) })
    }

    /// Enters it among the components.
    fn enter(self, components: &mut Map<String, Value>) {
        let needed = self.needs.into_iter().map(|(name, schema)| (name, json!(schema)));
        for (name, schema) in needed.chain([(self.name, self.schema)]) {
            let other = components.insert(name.clone(), schema.clone());
            assert!(other.is_none_or(|other| other == schema), "two types are called {name}");
        }
    }

    /// Its properties as parameters of a query.
    fn parameters(&self) -> Vec<Value> {
        let required = self.schema["required"].as_array().cloned().unwrap_or_default();
        let properties = self.schema["properties"].as_object().expect("a query is a struct");
        let parameter = |(name, schema): (&String, &Value)| {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            // Absent is absent: there is no null in a query.
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("default");
            }
            if schema["type"].is_array() {
                schema["type"] = schema["type"][0].take();
            }
            json!({
                "name": name, "in": "query", "required": required.contains(&json!(name)),
                "description": description, "schema": schema,
            })
        };
        properties.iter().map(parameter).collect()
    }
}

fn responses(answer: &Answer) -> Value {
    let mut responses = json!({
        "default": {
            "description": "It was refused or failed: what happened and what to do.",
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        },
    });
    let content = |media: &str, schema: Value| json!({ "description": answer.words(), "content": { media: { "schema": schema } } });
    let (status, response) = match answer {
        Answer::Nothing(words) => ("204", json!({ "description": words })),
        Answer::Json(_, what) => ("200", content("application/json", what.reference())),
        Answer::List(_, what) => {
            ("200", content("application/json", json!({ "type": "array", "items": what.reference() })))
        }
        Answer::Lines(_, what) => ("200", content("application/x-ndjson", what.reference())),
        Answer::ServerSentEvents(_, what) => ("200", content("text/event-stream", what.reference())),
        Answer::Document(_) => ("200", content("application/json", json!({ "type": "object" }))),
    };
    responses[status] = response;
    responses
}

fn document() -> Value {
    let (mut paths, mut components) = (json!({}), Map::new());
    Type::of::<crate::routes::Problem>().enter(&mut components);
    for Operation { method, path, id, summary, query, last_event_id, body, answer } in operations() {
        let mut parameters = query.as_ref().map(Type::parameters).unwrap_or_default();
        if last_event_id {
            parameters.push(json!({
                "name": "Last-Event-ID", "in": "header", "required": false, "schema": { "type": "string" },
                "description": "The id of the last event that was received: the stream goes on behind it.",
            }));
        }
        let mut operation = json!({ "operationId": id, "summary": summary, "responses": responses(&answer) });
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(body) = body {
            operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body.reference() } } });
            body.enter(&mut components);
        }
        if let Answer::Json(_, what)
        | Answer::List(_, what)
        | Answer::Lines(_, what)
        | Answer::ServerSentEvents(_, what) = answer
        {
            what.enter(&mut components);
        }
        paths[path][method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Muster",
            "version": "v1",
            "description": "The control socket of a node's agent. `curl --unix-socket /run/muster/muster.sock http://muster/api/v1/members`. \
                Answers of `application/x-ndjson` are JSON, one line each, as they come; the schema is that of a line. \
                Within v1 fields are added and never taken away or changed: ignore those that you do not know.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://muster" }],
        "paths": paths,
        "components": { "schemas": components },
    })
}

/// Mend with `MEND=1 cargo test -p muster-control openapi`, and read the difference before committing it.
#[test]
fn the_document_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let document = document();
    if std::env::var_os("MEND").is_some() {
        std::fs::write(path, serde_json::to_string_pretty(&document).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(kept == document, "docs/openapi.json is stale; MEND=1 writes it anew");
}

#[test]
fn every_schema_that_is_named_is_there() {
    fn named(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| named(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| named(value, found)),
            _ => {}
        }
    }
    let (document, mut found) = (document(), Vec::new());
    named(&document, &mut found);
    assert!(!found.is_empty());
    for name in found {
        let pointer = name.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{name}");
    }
}
