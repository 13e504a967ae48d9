# Muster for those who are not on Linux, and for `COPY --from=muster /muster /usr/bin/muster` in other images.
#
#   docker build -t muster .
#   docker run --rm -it -p 8080:8080 muster demo --listen 0.0.0.0
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release && cp "target/$(rustc -vV | sed -n 's/^host: //p')/release/muster" /muster

FROM scratch
COPY --from=build /muster /muster
STOPSIGNAL SIGTERM
ENTRYPOINT ["/muster"]
