//! The bill of materials of a program, CycloneDX 1.6 (ECMA-424): for whoever must know, in ten years too, what is in it.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::components::{Component, Components, Id};

/// The bill as JSON. It says no more than the tree does, so the same tree gives the same bill.
///
/// # Errors
/// A time that is none.
pub fn bill(components: &Components, commit_s: i64) -> Result<String> {
    let Components { program, others } = components;
    let mut itself = component(program, "application");
    itself["description"] = json!("part of Varde");
    let everything = std::iter::once(program).chain(others.values());
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "timestamp": moment(commit_s)?, "component": itself },
        "components": others.values().map(|one| component(one, "library")).collect::<Vec<_>>(),
        "dependencies": everything.map(|one| json!({
            "ref": name(&(one.name.clone(), one.version.clone())),
            "dependsOn": one.needs.iter().map(name).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&bill)?))
}

fn component(component: &Component, kind: &str) -> Value {
    let id = name(&(component.name.clone(), component.version.clone()));
    let mut told = json!({
        "type": kind,
        "bom-ref": id,
        "name": component.name,
        "version": component.version,
        "purl": id,
        "licenses": [{ "expression": component.licence }],
    });
    if let Some(sum) = &component.sha256 {
        told["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    if let Some(repository) = &component.repository {
        told["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    told
}

/// A package URL; what a version has behind its `+` is written as URLs write it.
fn name((name, version): &Id) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

fn moment(commit_s: i64) -> Result<String> {
    Ok(jiff::Timestamp::from_second(commit_s).context("no such time")?.to_string())
}
