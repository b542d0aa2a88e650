//! Answers to requests: who may ask, for what, and how.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use evidence::index::{self, Reader};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::json;

use super::body::Answer;
use super::{Site, events, page};

/// Sessions in one answer.
const MOST: usize = 100;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Every answer has these: nothing from elsewhere is loaded, no other page may show or read this one, and nothing of it
/// is kept.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, page::POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Answers a request.
pub(super) async fn answer(
    site: Arc<Site>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_ours) {
        let why = "this page is asked for by its address or as localhost\n";
        return Ok(respond(StatusCode::FORBIDDEN, TEXT, why));
    }
    if request.method() != Method::GET {
        let mut refusal = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n");
        let allow = HeaderValue::from_static("GET");
        refusal.headers_mut().insert(header::ALLOW, allow);
        return Ok(refusal);
    }
    let path = request.uri().path();
    Ok(match path {
        "/" => respond(StatusCode::OK, HTML, page::HTML),
        "/live.css" => respond(StatusCode::OK, "text/css; charset=utf-8", page::style()),
        "/live.js" => respond(
            StatusCode::OK,
            "text/javascript; charset=utf-8",
            page::SCRIPT,
        ),
        "/events" => {
            let seen = request.headers().get("last-event-id");
            let seen = seen.and_then(|id| id.to_str().ok()?.parse().ok());
            let stream = events::stream(site, seen.unwrap_or(0));
            with("text/event-stream", Answer::Stream(stream))
        }
        "/sessions" => sessions(site, request.uri()).await,
        "/session" => session(site, request.uri()).await,
        "/metrics" => respond(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            site.metrics.render(),
        ),
        "/health" => health(&site),
        _ => respond(StatusCode::NOT_FOUND, TEXT, "there is no such page\n"),
    })
}

/// Whether somebody asks for an address, or for this machine by the name that is never looked up elsewhere. Any other
/// name may be one that an attacker's name server points here (DNS rebinding).
fn is_ours(host: &str) -> bool {
    let apart = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']'),
        None => Some(host.find(':').map_or((host, ""), |at| host.split_at(at))),
    };
    let Some((name, port)) = apart else {
        return false;
    };
    let known = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
    known && is_port(port)
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok())
}

fn health(site: &Site) -> Response<Answer> {
    let problems = (site.health)();
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let word = if problems.is_empty() { "ok" } else { "trouble" };
    let text = json!({ "status": word, "problems": problems });
    respond(status, JSON, text.to_string())
}

/// Sessions before one that the page shows.
async fn sessions(site: Arc<Site>, uri: &Uri) -> Response<Answer> {
    let place = place(uri);
    if uri.query().is_some() && place.is_none() {
        return respond(StatusCode::BAD_REQUEST, TEXT, "which session?\n");
    }
    let read = move || {
        let reader = Reader::open(&site.folder)?;
        let place = place.as_ref().map(|(run, name)| (*run, name.as_str()));
        reader.before(place, MOST)
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(found)) => respond(StatusCode::OK, JSON, json!(found).to_string()),
        _ => respond(StatusCode::NOT_FOUND, TEXT, "there is no index\n"),
    }
}

/// What a report shows of a session.
async fn session(site: Arc<Site>, uri: &Uri) -> Response<Answer> {
    let Some((run, name)) = place(uri) else {
        return respond(StatusCode::BAD_REQUEST, TEXT, "which session?\n");
    };
    let read = move || {
        let json = match site.board.details(run, &name) {
            Some(packed) => index::unpack(&packed).ok()?,
            None => Reader::open(&site.folder)
                .ok()?
                .details(run, &name)
                .ok()??,
        };
        page::section(&json)
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Some(html)) => respond(StatusCode::OK, HTML, html),
        _ => respond(StatusCode::NOT_FOUND, TEXT, "there is no such session\n"),
    }
}

/// Run and name, from `run=1&name=S1/7`. A name has nothing that would have to be escaped but the slash.
fn place(uri: &Uri) -> Option<(i64, String)> {
    let (mut run, mut name) = (None, None);
    for part in uri.query()?.split('&') {
        match part.split_once('=')? {
            ("run", value) => run = value.parse().ok(),
            ("name", value) => name = Some(value.replace("%2F", "/").replace("%2f", "/")),
            _ => return None,
        }
    }
    Some((run?, name?))
}

fn respond(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Answer> {
    let mut response = with(kind, Answer::of(text));
    *response.status_mut() = status;
    response
}

fn with(kind: &'static str, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_ours() {
        for host in [
            "localhost",
            "LOCALHOST:2580",
            "127.0.0.1:2580",
            "192.0.2.1",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(is_ours(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:2580",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "127.0.0.1:2580@evil.example",
            "[::1].evil.example",
            "[::1",
            "::1",
            "localhost:",
            "localhost:99999",
        ] {
            assert!(!is_ours(host), "{host}");
        }
    }

    #[test]
    fn a_session_has_a_run_and_a_name() {
        let place = |query: &str| {
            let uri = format!("/session?{query}").parse().expect("a URI");
            place(&uri)
        };
        let found = Some((3, "S1/7".to_owned()));
        assert_eq!(place("run=3&name=S1%2F7"), found);
        assert_eq!(place("name=S1/7&run=3"), found);
        for wrong in [
            "",
            "run=3",
            "name=S1",
            "run=x&name=S1",
            "run=3&name=S1&x=y",
            "run",
        ] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
