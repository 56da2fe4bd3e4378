//! The OpenAPI 3.1 document: made of the table of addresses and of the very types that answers are.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;
use super::shape;
use super::{Answer, PREFIX, RESOURCES, Resource};

/// Adds a type and all it is made of.
fn add<T: ToSchema + PartialSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
}

/// Every type that an answer is made of, by name.
fn schemas() -> Map<String, Value> {
    let mut found = Vec::new();
    add::<shape::CampaignDetail>(&mut found);
    add::<shape::Campaign>(&mut found);
    add::<shape::IncidentDetail>(&mut found);
    add::<shape::Incident>(&mut found);
    add::<shape::Alert>(&mut found);
    add::<shape::Indicator>(&mut found);
    add::<shape::Sensor>(&mut found);
    add::<shape::Member>(&mut found);
    add::<shape::Silence>(&mut found);
    add::<shape::Proposal>(&mut found);
    add::<shape::Guard>(&mut found);
    add::<shape::DailyNumbers>(&mut found);
    add::<shape::Status>(&mut found);
    add::<Problem>(&mut found);
    let written = |(name, schema)| serde_json::to_value(schema).ok().map(|schema| (name, every_key(schema)));
    found.into_iter().filter_map(written).collect()
}

/// Every key of an object is always there, null where there is nothing: absent is never left out.
fn every_key(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                let keys: Vec<Value> = properties.keys().cloned().map(Value::String).collect();
                object.insert("required".to_owned(), Value::Array(keys));
            }
            for (_, within) in object.iter_mut() {
                *within = every_key(within.take());
            }
        }
        Value::Array(array) => {
            for within in array.iter_mut() {
                *within = every_key(within.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

fn answer(resource: &Resource) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    match resource.answer {
        Answer::Page(of) => json!({
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": { "type": "array", "items": reference(of) },
                "next": { "type": ["string", "null"], "description": "cursor of the answer that goes on; null = that is all" },
            },
        }),
        Answer::One(of) => reference(of),
        Answer::Object => json!({ "type": "object" }),
    }
}

fn operation(resource: &Resource) -> Value {
    let problem = |what: &str| json!({ "description": what, "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    let mut parameters: Vec<Value> = resource
        .parameters
        .iter()
        .map(|parameter| {
            let mut told = json!({ "name": parameter.name, "in": "query", "required": false, "description": parameter.what,
                "schema": parameter.schema() });
            if told.pointer("/schema/type") == Some(&json!("array"))
                && let Some(told) = told.as_object_mut()
            {
                // With commas between.
                told.insert("style".to_owned(), json!("form"));
                told.insert("explode".to_owned(), json!(false));
            }
            told
        })
        .collect();
    let mut responses = json!({
        "200": { "description": "The answer.", "content": { "application/json": { "schema": answer(resource) } } },
        "400": problem("A parameter is unknown or wrong; it says which, and what would be right."),
        "401": problem("Nobody knows who asks: a token, or a session, is needed."),
        "403": problem("The role of this account or token may not read this."),
        "500": problem("The database could not be read."),
        "503": problem("It could not be noted in the audit, and so it is not shown."),
    });
    if resource.path.contains("{id}") {
        parameters
            .push(json!({ "name": "id", "in": "path", "required": true, "description": "Its number or its uuid.",
            "schema": { "type": "string" } }));
        if let Some(responses) = responses.as_object_mut() {
            responses.insert("404".to_owned(), problem("There is none, or not for this reader."));
        }
    }
    let id: String = resource.path.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
    json!({
        "operationId": format!("get{}", id.replace('/', "_")),
        "summary": resource.what,
        "parameters": parameters,
        "responses": responses,
    })
}

/// The whole document.
pub fn document() -> Value {
    let paths: Map<String, Value> = RESOURCES
        .iter()
        .map(|resource| (format!("{PREFIX}{}", resource.path), json!({ "get": operation(resource) })))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Varde collector",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" },
            "description": "What the members' sensors have found and what the collector concludes from it. Everything is read alone, with GET. Times are RFC 3339 UTC, counts are whole numbers, absent is null. Lists go on by the cursor next, and no thing that was there stands in two pages or in none. What is marked TLP:RED or TLP:AMBER+STRICT stands there as \"confidential indicator N\".",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_every_address_stands_in_the_document_and_every_name_in_it_leads_somewhere() {
        let document = document();
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths.len(), RESOURCES.len(), "each once");
        let text = document.to_string();
        for name in text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
        assert!(!text.contains("\"type\":\"number\""), "counts are whole numbers: {text}");
    }
}
