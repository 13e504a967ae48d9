//! The client against a small server of its own on a Unix socket.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use muster_control::client::{Client, Error};
use muster_control::routes::Problem;
use serde_json::{Value, json};
use std::convert::Infallible;
use tokio::net::UnixListener;

type Body = BoxBody<Bytes, Infallible>;

/// Serves every connection of one test on a socket in a directory of its own.
struct Server {
    client: Client,
    task: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn serve() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), hyper::service::service_fn(answer));
            tokio::spawn(connection);
        }
    });
    Server { client: Client::new(path), task, _dir: dir }
}

fn full(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed());
    *response.status_mut() = status;
    response
}

fn chunks(chunks: &'static [&'static str]) -> Response<Body> {
    let frames = chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))));
    Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames))))
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let target = request.uri().to_string();
    let method = request.method().to_string();
    let body = request.into_body().collect().await?.to_bytes();
    Ok(match target.as_str() {
        "/echo?a=b" => {
            let seen = json!({ "method": method, "body": String::from_utf8_lossy(&body) });
            full(StatusCode::OK, seen.to_string())
        }
        "/done" => full(StatusCode::NO_CONTENT, ""),
        "/refuse" => {
            let problem =
                Problem { title: "no such member".into(), status: 404, detail: "nobody is called x".into() };
            full(StatusCode::NOT_FOUND, serde_json::to_vec(&problem).unwrap())
        }
        "/odd" => full(StatusCode::BAD_GATEWAY, "<html>"),
        "/lines" => chunks(&["{\"n\":", "1}\n{\"n\":2}\n{\"n\"", ":3}\n"]),
        "/cut" => chunks(&["{\"n\":1}\n{\"n\":"]),
        "/huge" => full(StatusCode::OK, vec![b' '; 33 << 20]),
        other => panic!("nobody asked for {other}"),
    })
}

#[tokio::test]
async fn a_get_carries_its_query_and_no_body() {
    let server = serve();
    let seen: Value = server.client.get("/echo?a=b").await.unwrap();
    assert_eq!(seen, json!({ "method": "GET", "body": "" }));
}

#[tokio::test]
async fn a_post_carries_its_body_as_json() {
    let server = serve();
    let seen: Value = server.client.post("/echo?a=b", &json!({ "x": 1 })).await.unwrap();
    assert_eq!(seen, json!({ "method": "POST", "body": "{\"x\":1}" }));
}

#[tokio::test]
async fn a_post_of_nothing_is_empty_and_takes_no_content_for_an_answer() {
    let server = serve();
    let seen: Value = server.client.post("/echo?a=b", &()).await.unwrap();
    assert_eq!(seen["body"], "");
    let () = server.client.post("/done", &()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_shows_the_problem() {
    let server = serve();
    let error = server.client.get::<Value>("/refuse").await.unwrap_err();
    assert_eq!(error.to_string(), "nobody is called x");
    assert!(matches!(error, Error::Refused(Problem { status: 404, .. })));
    let error = server.client.lines::<Value>("/refuse").await.unwrap_err();
    assert_eq!(error.to_string(), "nobody is called x");
}

#[tokio::test]
async fn a_refusal_in_another_shape_still_names_its_status() {
    let server = serve();
    let error = server.client.get::<Value>("/odd").await.unwrap_err();
    assert!(matches!(error, Error::Refused(Problem { status: 502, .. })), "{error:?}");
    assert_eq!(error.to_string(), "Bad Gateway");
}

#[tokio::test]
async fn an_answer_beyond_the_bound_is_refused() {
    let server = serve();
    let error = server.client.get::<Value>("/huge").await.unwrap_err();
    assert!(error.to_string().contains("longer than 33554432 bytes"), "{error}");
}

#[tokio::test]
async fn an_answer_of_another_type_is_an_error_that_names_the_socket() {
    let server = serve();
    let error = server.client.get::<Vec<u8>>("/echo?a=b").await.unwrap_err();
    assert!(matches!(error, Error::Protocol(_)));
    assert!(error.to_string().contains("control.sock"), "{error}");
}

#[tokio::test]
async fn lines_are_found_wherever_the_chunks_are_cut() {
    let server = serve();
    let mut lines = server.client.lines::<Value>("/lines").await.unwrap();
    for n in 1..=3 {
        assert_eq!(lines.next().await.unwrap(), Some(json!({ "n": n })));
    }
    assert_eq!(lines.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_stream_cut_inside_a_line_is_an_error() {
    let server = serve();
    let mut lines = server.client.lines::<Value>("/cut").await.unwrap();
    assert_eq!(lines.next().await.unwrap(), Some(json!({ "n": 1 })));
    assert!(matches!(lines.next().await, Err(Error::Protocol(_))));
}

#[tokio::test]
async fn an_absent_agent_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.sock");
    let error = Client::new(&path).get::<Value>("/").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()) && text.contains("muster agent"), "{text}");

    drop(UnixListener::bind(&path).unwrap());
    let error = Client::new(&path).get::<Value>("/").await.unwrap_err();
    assert!(error.to_string().contains("is gone"), "{error}");
}
