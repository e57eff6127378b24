# syntax=docker/dockerfile:1
# Rollcall in a container: it does not run as root, the root file system may be read-only, and it writes only to /data.

FROM rust:1.95-bookworm AS builder
WORKDIR /build

# The dependencies first, with empty sources in place of Rollcall's own: this layer stays valid until a manifest changes.
COPY Cargo.toml Cargo.lock ./
COPY crates/discord-gateway-relay/Cargo.toml crates/discord-gateway-relay/
COPY crates/discord-sandbox/Cargo.toml crates/discord-sandbox/
COPY crates/outbound-policy/Cargo.toml crates/outbound-policy/
COPY examples/demo/Cargo.toml examples/demo/
COPY src/domain/Cargo.toml src/domain/
RUN echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs src/domain/lib.rs \
    && for crate in crates/*; do mkdir -p "$crate/src" && touch "$crate/src/lib.rs"; done \
    && cargo build --release --locked --bin rollcall

# Copied files keep their timestamps, which may be older than those of the empty files. Without the touch, cargo would
# detect no change.
COPY migrations migrations
COPY crates/discord-gateway-relay crates/discord-gateway-relay
COPY crates/outbound-policy crates/outbound-policy
COPY src src
RUN touch src/main.rs src/lib.rs src/domain/lib.rs crates/*/src/lib.rs \
    && cargo build --release --locked --bin rollcall \
    && mkdir /data

# Distroless: the C library, libgcc and a user, but no shell or package manager that an attacker could use. It is Debian
# 12 like the builder, so the C library is the one that the binary was linked against. The binary contains SQLite and
# the list of certificate authorities.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=builder /build/target/release/rollcall /usr/local/bin/rollcall
# A new named volume gets its owner from this folder.
COPY --from=builder --chown=65532:65532 /data /data

# One arena of the allocator: more arenas cost about 13 MB with 100,000 endpoints.
ENV DATABASE_URL=sqlite:///data/rollcall.db \
    LOG_DIR=/data/logs \
    ROLLCALL_ADDR_FILE=/data/address \
    HTTP_BIND=0.0.0.0:8080 \
    MALLOC_ARENA_MAX=1

USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# Asks whether the own loops of Rollcall run. An outage of Discord does not make the container unhealthy.
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/rollcall", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/rollcall"]
CMD ["run"]
