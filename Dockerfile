# The image of the server. Build: docker build --tag leadgate .
# Run: docker run --read-only --cap-drop ALL --publish 127.0.0.1:50051:50051 --volume leadgate-data:/var/lib/leadgate leadgate

FROM rust:1.95-slim-bookworm AS dependencies
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
# Dependencies get a layer of their own: it is built again only when these two files change. The sources are stand-ins.
RUN mkdir src \
    && echo 'fn main() {}' >src/main.rs \
    && cp src/main.rs build.rs \
    && touch src/lib.rs \
    && cargo build --locked --profile dist

FROM dependencies AS builder
COPY build.rs ./
COPY proto proto
COPY src src
# Copied files may be older than the stand-ins; without the clean, cargo would take the stand-in for up to date and ship it.
RUN cargo clean --package leadgate --profile dist \
    && cargo build --locked --profile dist --bin leadgate \
    && test -n "$(./target/dist/leadgate --version)"

FROM debian:12-slim
LABEL org.opencontainers.image.title="leadgate" \
      org.opencontainers.image.description="Decides, before anyone writes a sales lead into a CRM, whether that lead is already known" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
RUN install --directory --owner 65532 --group 65532 --mode 0750 /var/lib/leadgate
COPY --from=builder /build/target/dist/leadgate /usr/local/bin/leadgate
COPY LICENSE /usr/share/doc/leadgate/LICENSE
USER 65532:65532
WORKDIR /var/lib/leadgate
VOLUME /var/lib/leadgate
# gRPC, and health checks in plaintext.
EXPOSE 50051 50052
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["leadgate", "healthcheck"]
ENTRYPOINT ["leadgate"]
CMD ["serve", "--listen", "0.0.0.0:50051", "--health-listen", "0.0.0.0:50052", "--data-dir", "/var/lib/leadgate"]
