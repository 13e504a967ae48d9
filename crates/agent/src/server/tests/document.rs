//! The routes there are, and the document that describes them.

use super::*;
use http_body_util::{BodyExt, Empty};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// What a request without a body is answered.
async fn status(server: &Server, method: &Method, path: &str) -> StatusCode {
    let stream = UnixStream::connect(server.client.socket()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "muster");
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    sender.send_request(request).await.unwrap().status()
}

#[tokio::test]
async fn every_route_is_documented_and_every_documented_route_is_there() {
    let mut server = serve();
    // A leave is answered when it is done.
    let (_stop, mut asked) =
        (server.stop.clone(), std::mem::replace(&mut server.leave_asked, mpsc::channel(1).1));
    tokio::spawn(async move {
        while let Some(leave) = asked.recv().await {
            let _ = leave.send(Ended::Left);
        }
    });
    let document: Value = server.client.get(routes::OPENAPI).await.unwrap();
    let documented = document["paths"].as_object().unwrap();
    let here: Vec<&str> = routes().iter().map(|(path, _)| *path).collect();
    assert_eq!(documented.len(), here.len());
    for path in here {
        let operations = documented.get(path).unwrap_or_else(|| panic!("{path} is not documented"));
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let is_there = status(&server, &method, path).await != StatusCode::METHOD_NOT_ALLOWED;
            let is_documented = operations.get(method.as_str().to_lowercase()).is_some();
            assert_eq!(is_there, is_documented, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_problem_has_its_type() {
    let server = serve();
    let stream = UnixStream::connect(server.client.socket()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().uri("/nothing").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!((problem.status, &*problem.detail), (404, "/api/v1/openapi.json lists those there are"));
}
