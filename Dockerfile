# syntax=docker/dockerfile:1
# Rollcall in a container: not root, root file system read-only if wanted, /data the only place that is written.

FROM rust:1.95-bookworm AS builder
WORKDIR /build

# The dependencies first, with empty sources in the place of ours: this layer lasts until a manifest changes.
COPY Cargo.toml Cargo.lock ./
COPY sandbox/Cargo.toml sandbox/
RUN mkdir -p src sandbox/src benches/looks \
    && echo 'fn main() {}' | tee src/main.rs > benches/looks/main.rs \
    && touch src/lib.rs sandbox/src/lib.rs \
    && cargo build --release --locked --bin rollcall

# Copied files keep their times, which may be older than the empty ones: without the touch cargo would see no change.
COPY migrations migrations
COPY src src
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bin rollcall \
    && mkdir /data

# Distroless: the C library, libgcc and a user of its own, and no shell or package manager that somebody could use. It is
# Debian 12 like the builder, so the C library is the one that the binary was linked against. SQLite and the list of
# certificate authorities are inside the binary.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=builder /build/target/release/rollcall /usr/local/bin/rollcall
# A new named volume takes its owner from here.
COPY --from=builder --chown=65532:65532 /data /data

# One arena of the allocator: more of them cost some 13 MB with 100,000 endpoints.
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
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/rollcall", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/rollcall"]
CMD ["run"]
