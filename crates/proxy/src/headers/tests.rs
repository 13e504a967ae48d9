use super::*;

fn client() -> Client {
    Client::for_tests("192.0.2.7:50000", "127.0.0.1:8080")
}

fn request(head: &[(&str, &str)]) -> Request<Upload> {
    let mut request = Request::builder().uri("/path?q=1").version(Version::HTTP_11);
    for (name, value) in head {
        request = request.header(*name, *value);
    }
    request.body(Upload::empty()).unwrap()
}

fn prepared(mut request: Request<Upload>) -> Request<Upload> {
    prepare_request(&mut request, &client()).unwrap();
    request
}

fn refused(mut request: Request<Upload>) -> u16 {
    prepare_request(&mut request, &client()).unwrap_err().status().as_u16()
}

fn values<'a>(request: &'a Request<Upload>, name: &str) -> Vec<&'a str> {
    request.headers().get_all(name).into_iter().map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn fields_of_one_connection_are_taken_out_with_those_that_connection_names() {
    let request = prepared(request(&[
        ("host", "a"),
        ("connection", "close, X-Secret"),
        ("connection", "x-other"),
        ("x-secret", "1"),
        ("x-other", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("accept", "*/*"),
    ]));
    let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"]);
}

#[test]
fn connection_cannot_name_host_or_length_away() {
    let request =
        prepared(request(&[("host", "a"), ("content-length", "0"), ("connection", "host, content-length")]));
    assert_eq!(values(&request, "host"), ["a"]);
    assert_eq!(values(&request, "content-length"), ["0"]);
}

#[test]
fn the_client_is_appended_to_forwarded_for_and_the_port_is_the_one_it_reached() {
    let fresh = prepared(request(&[("host", "a")]));
    assert_eq!(values(&fresh, "x-forwarded-for"), ["192.0.2.7"]);
    assert_eq!(values(&fresh, "x-forwarded-proto"), ["http"]);
    assert_eq!(values(&fresh, "x-forwarded-port"), ["8080"]);

    let told = prepared(request(&[
        ("host", "a"),
        ("x-forwarded-for", "1.1.1.1, 2.2.2.2"),
        ("x-forwarded-for", "3.3.3.3"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "1"),
    ]));
    assert_eq!(values(&told, "x-forwarded-for"), ["1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7"]);
    assert_eq!(
        values(&told, "x-forwarded-proto"),
        ["http"],
        "a client cannot claim TLS that we do not speak"
    );
    assert_eq!(values(&told, "x-forwarded-port"), ["8080"]);
}

#[test]
fn an_ipv4_client_of_a_dual_stack_listener_is_written_as_ipv4() {
    let client = Client::for_tests("[::ffff:192.0.2.7]:1", "[::ffff:127.0.0.1]:80");
    let mut request = request(&[]);
    *request.version_mut() = Version::HTTP_10;
    prepare_request(&mut request, &client).unwrap();
    assert_eq!(values(&request, "x-forwarded-for"), ["192.0.2.7"]);
    assert_eq!(values(&request, "host"), ["127.0.0.1"]);
}

#[test]
fn an_absolute_target_becomes_a_path_and_its_host_wins() {
    let mut absolute = request(&[("host", "wrong.example")]);
    *absolute.uri_mut() = "http://user@right.example:81/a?b=c".parse().unwrap();
    let absolute = prepared(absolute);
    assert_eq!(absolute.uri(), "/a?b=c");
    assert_eq!(values(&absolute, "host"), ["right.example:81"]);
}

#[test]
fn an_asterisk_target_passes() {
    let mut options = request(&[("host", "a")]);
    *options.method_mut() = Method::OPTIONS;
    *options.uri_mut() = "*".parse().unwrap();
    assert_eq!(prepared(options).uri(), "*");
}

#[test]
fn host_is_passed_untouched_and_wanted_exactly_once() {
    assert_eq!(values(&prepared(request(&[("host", "shop.example:8080")])), "host"), ["shop.example:8080"]);
    assert_eq!(refused(request(&[])), 400);
    assert_eq!(refused(request(&[("host", "a"), ("host", "a")])), 400);
    let mut old = request(&[]);
    *old.version_mut() = Version::HTTP_10;
    let old = prepared(old);
    assert_eq!(values(&old, "host"), ["127.0.0.1:8080"]);
    assert_eq!(old.version(), Version::HTTP_11);
}

#[test]
fn our_fields_cannot_be_forged_with_underscores() {
    let request = prepared(request(&[
        ("host", "a"),
        ("x_forwarded_proto", "https"),
        ("x-forwarded_port", "443"),
        ("X_Forwarded-For", "1.2.3.4"),
        ("x_forwarded_host", "b"),
        ("own_field", "1"),
    ]));
    let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let ours = ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"];
    assert_eq!(names, [&["host", "own_field"], ours.as_slice(), &["x_forwarded_host"]].concat());
    assert_eq!(values(&request, "x-forwarded-for"), ["192.0.2.7"]);
}

#[test]
fn tunnels_and_unknown_codings_are_refused() {
    let mut connect = request(&[("host", "a")]);
    *connect.method_mut() = Method::CONNECT;
    assert_eq!(refused(connect), 405);
    assert_eq!(refused(request(&[("host", "a"), ("transfer-encoding", "gzip, chunked")])), 501);
    assert_eq!(
        refused(request(&[("host", "a"), ("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")])),
        501
    );
}

#[test]
fn a_wish_for_trailers_is_passed_on() {
    let request =
        prepared(request(&[("host", "a"), ("te", "trailers, deflate;q=0.5"), ("connection", "te")]));
    assert_eq!(values(&request, "te"), ["trailers"]);
    assert_eq!(values(&request, "connection"), ["te"]);
}

#[test]
fn an_expectation_is_met_here_and_not_passed_on() {
    let request = prepared(request(&[("host", "a"), ("expect", "100-continue")]));
    assert!(values(&request, "expect").is_empty());
}

#[test]
fn the_backends_keep_alive_time_is_read() {
    let of = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("keep-alive", text.parse().unwrap());
        kept_for(&headers)
    };
    assert_eq!(of("timeout=5, max=100"), Some(Duration::from_secs(5)));
    assert_eq!(of("max=100, Timeout = 7"), Some(Duration::from_secs(7)));
    assert_eq!(of("max=100"), None);
    assert_eq!(of("timeout=-1"), None);
}
