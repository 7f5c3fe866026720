//! Health, reflection and the end of a server.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, ServiceUnknown, Serving};
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use leadgate::engine::Health;
use leadgate::grpc::{EngineSlot, Listeners, ServerSettings, serve, serve_bare_health};
use leadgate::store::EmbeddedStore;

use super::{Server, ann, channel, health, refusal, request};

const NAMES: [&str; 6] = [
    "",
    "leadgate.startup",
    "leadgate.readiness",
    "leadgate.liveness",
    "leadgate.v1.DedupService",
    "leadgate.v1.StewardService",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_name_serves_on_both_ports_once_the_server_is_ready() {
    let server = Server::start().await;
    for address in [server.address, server.health_address] {
        let mut client = HealthClient::new(channel(address).await);
        for name in NAMES {
            assert_eq!(health(&mut client, name).await, Ok(Serving), "{name}");
        }
        assert_eq!(health(&mut client, "other").await, Err(Code::NotFound));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_serves_and_calls_are_unavailable_while_the_engine_recovers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let slot = EngineSlot::<EmbeddedStore>::default();
    assert_eq!(*slot.health().borrow(), Health::Starting);
    let listeners = Listeners { main: listener, health: None };
    let serving = tokio::spawn(serve(listeners, slot.clone(), ServerSettings::default(), std::future::pending()));
    let mut client = HealthClient::new(channel(address).await);
    for name in NAMES {
        assert_eq!(health(&mut client, name).await, Ok(NotServing), "{name}");
    }
    let mut dedup = leadgate::grpc::proto::dedup_service_client::DedupServiceClient::new(channel(address).await);
    let refused = dedup.upsert(request(ann())).await.expect_err("not ready");
    assert_eq!(refusal(&refused), (Code::Unavailable, "NOT_READY".to_owned()));
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_goes_first_and_the_health_port_tells_until_the_end() {
    let mut server = Server::start().await;
    let mut client = HealthClient::new(channel(server.health_address).await);
    let asked = HealthCheckRequest { service: "leadgate.readiness".to_owned() };
    let mut watched = client.watch(asked).await.expect("a stream").into_inner();
    assert_eq!(watched.message().await.expect("a status").expect("a status").status(), Serving);
    let asked = HealthCheckRequest { service: "other".to_owned() };
    let mut unknown = client.watch(asked).await.expect("a stream").into_inner();
    assert_eq!(unknown.message().await.expect("a status").expect("a status").status(), ServiceUnknown);

    // A call in flight holds the drain open.
    let mut silent = TcpStream::connect(server.address).await.expect("a connection");
    server.ask_to_stop();
    assert_eq!(watched.message().await.expect("a status").expect("a status").status(), NotServing);
    assert_eq!(health(&mut client, "leadgate.liveness").await, Ok(Serving));
    assert_eq!(health(&mut client, "leadgate.readiness").await, Ok(NotServing));
    silent.shutdown().await.expect("a shutdown");
    server.stop().await.0.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_does_not_hold_up_the_end() {
    let server = Server::start().await;
    let silent = TcpStream::connect(server.address).await.expect("a connection");
    let mut idle = server.dedup().await;
    idle.upsert(request(ann())).await.expect("an answer");
    let began = Instant::now();
    server.stop().await.0.expect("a clean end");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    drop((silent, idle));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_leaves_its_port_and_its_folder() {
    let server = Server::start().await;
    let address = server.address;
    let silent = TcpStream::connect(address).await.expect("a connection");
    let (ended, folder) = server.stop().await;
    ended.expect("a clean end");
    let server = Server::on(folder, |settings| settings.listen = address).await;
    drop(silent);
    server.stop().await.0.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_reflections_name_every_service() {
    let server = Server::start().await;
    let expected = [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "leadgate.v1.DedupService",
        "leadgate.v1.StewardService",
    ];
    let list = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel(server.address).await);
    let mut answers = client.server_reflection_info(tokio_stream::once(list)).await.expect("a stream").into_inner();
    let answer = answers.message().await.expect("an answer").expect("an answer").message_response;
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(services)) = answer else {
        panic!("no list of services");
    };
    let mut names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(names, expected);

    let symbol = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            "leadgate.v1.DedupService.Upsert".to_owned(),
        )),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel(server.address).await);
    let mut answers = client.server_reflection_info(tokio_stream::once(symbol)).await.expect("a stream").into_inner();
    let answer = answers.message().await.expect("an answer").expect("an answer").message_response;
    assert!(matches!(answer, Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bare_health_server_says_serving_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve_bare_health(listener, async { drop(stopped.await) }));
    assert_eq!(health(&mut HealthClient::new(channel(address).await), "").await, Ok(Serving));
    drop(stop);
    serving.await.expect("no panic").expect("a clean end");
}
