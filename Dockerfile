# Muster for those who are not on Linux, and for `COPY --from=muster /muster /usr/bin/muster` in other images.
#
#   docker build -t muster .
#   docker run --rm -it -p 8080:8080 muster demo --listen 0.0.0.0
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# /tmp and /run/muster are for any user, as `docker run --user` wants it: nothing else lives in such a container.
RUN cargo build --release \
 && mkdir -p /image/tmp /image/run/muster && chmod 1777 /image/tmp /image/run/muster \
 && cp "target/$(rustc -vV | sed -n 's/^host: //p')/release/muster" /image/muster

FROM scratch
COPY --from=build /image/ /
STOPSIGNAL SIGTERM
ENTRYPOINT ["/muster"]
