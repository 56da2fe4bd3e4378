//! The collector's numbers for Prometheus, over HTTP on a loopback address of their own: off unless `collector.toml` names one.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use varde_common::metrics::{CONTENT_TYPE, Exposition, Kind, PATH, Value};

use super::{pages, web};
use crate::beat::Fare;
use crate::silence;
use crate::store::figures::Figures;
use crate::store::{Scope, Store, StoreError};

/// Serves them until `stop` says so. The listener is bound to loopback by the caller.
pub async fn serve(listener: TcpListener, store: Store, stop: watch::Receiver<bool>) {
    let app = Router::new()
        .route(PATH, get(numbers))
        .with_state(Arc::new(store))
        .layer(middleware::from_fn_with_state(None, web::guard_host))
        .layer(middleware::from_fn(web::guard_headers));
    pages::serve(listener, None, app, stop).await;
}

async fn numbers(State(store): State<Arc<Store>>) -> Response {
    match read(&store).await {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            store.handle_error(&error);
            tracing::error!(%error, "the numbers could not be read");
            (StatusCode::INTERNAL_SERVER_ERROR, "The database could not be read; the log says why.\n").into_response()
        }
    }
}

async fn read(store: &Store) -> Result<String, StoreError> {
    let figures = store.figures(Scope::Operator).await?;
    let fare = store.heartbeat_fare(Scope::Operator).await?;
    Ok(to_text(&figures, fare.as_ref(), store.is_full()))
}

/// In Prometheus' text format. What is not known is left out, never 0.
fn to_text(figures: &Figures, fare: Option<&Fare>, is_full: bool) -> String {
    let Figures {
        members,
        sensors,
        connected,
        alerts,
        incidents,
        campaigns,
        revision,
        indicators,
        published_at,
        database_octets,
        silence: standing,
    } = figures;
    let mut out = Exposition::default();
    let name = |name: &str| format!("varde_collector_{name}");
    let labelled = |label, said: &str, value: u64| (vec![(label, said.to_owned())], Value::Whole(value));
    let version = [labelled("version", env!("CARGO_PKG_VERSION"), 1)];
    out.family(&name("build_info"), Kind::Gauge, "The program.", version);
    let mut now = |what: &str, help: &str, value: Option<Value>| out.one(&name(what), Kind::Gauge, help, value);
    now("up", "It runs.", Some(true.into()));
    now("disk_full", "Whether the database's disk is full: nothing is stored or acknowledged.", Some(is_full.into()));
    now("database_bytes", "Octets of the database's file.", Some((*database_octets).into()));
    now("members", "Members.", Some((*members).into()));
    now("sensors", "Sensors that have enrolled and were not revoked.", Some((*sensors).into()));
    now("sensors_connected", "Those of them that have a session.", Some((*connected).into()));
    now("sensors_with_operational_incident", "Those of them with one that stands.", Some(whole(standing.sensors)));
    now("alerts", "Alerts that are kept.", Some((*alerts).into()));
    now("incidents", "Incidents that are kept.", Some((*incidents).into()));
    now("campaigns", "Campaigns that are kept.", Some((*campaigns).into()));
    now("indicators", "Indicators in the newest list for all.", Some((*indicators).into()));
    now("indicator_set_version", "Number of the newest list for all; 0 = none.", Some((*revision).into()));
    now(
        "indicator_set_updated_timestamp_seconds",
        "When it was published.",
        published_at.map(|at| Value::Real(at.0 as f64 / 1e6)),
    );
    now(
        "heartbeat_arrives",
        "Whether the outgoing heartbeat arrives, where one is sent.",
        fare.and_then(|fare| fare.arrives).map(Value::from),
    );
    let kinds = silence::Kind::ALL.map(|kind| {
        let standing = standing.kinds.get(kind.as_str()).copied().unwrap_or(0);
        (vec![("kind", kind.as_str().to_owned())], whole(standing))
    });
    out.family(&name("operational_incidents"), Kind::Gauge, "Operational incidents that stand.", kinds);
    out.into_text()
}

fn whole(number: i64) -> Value {
    Value::Whole(u64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn q1_numbers_name_no_member_no_indicator_and_no_host() {
        let fixture = Fixture::new(3).await;
        let text = read(&fixture.store).await.unwrap();
        for line in ["varde_collector_members 3\n", "varde_collector_sensors 3\n", "varde_collector_up 1\n"] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        assert!(text.contains("varde_collector_operational_incidents{kind=\"deaf\"} 0\n"), "{text}");
        for (name, absent) in
            [("member", "Kommune"), ("number", "1001"), ("indicator", "evil"), ("not known", "heartbeat_arrives")]
        {
            assert!(!text.contains(absent), "{name}: {text}");
        }
        let member = fixture.store.figures(Scope::Member(1)).await.unwrap();
        assert_eq!(member, Figures::default(), "the operator's business");
    }
}
