# One file for every image:  docker build --target service --build-arg SERVICE=customer .
#
#   manifests ─┬─ dependencies ─┬─ test ──┐         a failing test fails every image
#              │                └─ pages ─┤
#              ├─ service-modules ────────┼─ service       (SERVICE comes last: four images share every layer but one)
#              ├─ observatory-modules ────┼─ observatory
#              └──────────────────────────┴─ release-tools   (Node alone)
#   runtime: Node, the libraries that it is linked with, certificates; no shell, no package manager
#
# NODE_IMAGE may be any Debian with Node 24 and npm, for example one of your own registry.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS base
WORKDIR /app
ENV npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_loglevel=error

# Only what npm reads: what is built on it is kept as long as none of it changes, whatever else does.
FROM base AS manifests
COPY . /source
RUN cd /source && find . -name package.json -exec cp --parents {} /app \; && cp package-lock.json /app

FROM base AS dependencies
COPY --from=manifests /app ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY . .

FROM dependencies AS test
RUN npx vitest run --project unit && touch /passed

FROM dependencies AS pages
RUN cd services/frontend/page && npx vite build --logLevel warn && cd ../../../observatory/page && npx vite build --logLevel warn

# What runs: no dev dependencies, and nothing that Node does not read (source maps, types, documents).
FROM base AS service-modules
COPY --from=manifests /app ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --omit=dev -w services/frontend -w services/customer -w services/driver -w services/route \
 && find node_modules -type f \( -name '*.map' -o -name '*.md' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete && rm -rf node_modules/@types \
 && mkdir /modules && mv node_modules /modules

FROM base AS observatory-modules
COPY --from=manifests /app ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --omit=dev -w observatory \
 && find node_modules -type f \( -name '*.map' -o -name '*.md' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete && rm -rf node_modules/@types \
 && mkdir /modules && mv node_modules /modules

# A root file system of Node and what it is linked with. The same libraries serve DuckDB's.
FROM base AS runtime
RUN mkdir -p /root-fs/etc/ssl/certs /root-fs/tmp /root-fs/data /root-fs/usr/local/bin \
 && cp "$(command -v node)" /root-fs/usr/local/bin/node \
 && ldd /root-fs/usr/local/bin/node | grep -o '/[^ ]*' | xargs -I{} cp --parents -L {} /root-fs \
 && { [ ! -f /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/; } \
 && printf 'root:x:0:0::/:/sbin/nologin\nnode:x:1000:1000::/tmp:/sbin/nologin\n' >/root-fs/etc/passwd \
 && printf 'root:x:0:\nnode:x:1000:\n' >/root-fs/etc/group \
 && printf 'hosts: files dns\n' >/root-fs/etc/nsswitch.conf \
 && chmod 1777 /root-fs/tmp && chown 1000:1000 /root-fs/data

# Sources as they run, without tests.
FROM base AS sources
COPY . .
COPY --from=test /passed /passed
RUN find . \( -name '*.test.ts' -o -name '*.test.tsx' -o -name '*.d.ts' \) -delete \
 && mkdir -p /service/services /observatory /release-tools \
 && cp --parents package.json $(find packages -type f) /service \
 && cp -r services/. /service/services && rm -rf /service/services/frontend/page \
 && cp --parents package.json $(find packages/kit -type f) /observatory \
 && cp --parents docs/runbooks/*.md /observatory && cp -r observatory /observatory/observatory && rm -rf /observatory/observatory/page /observatory/observatory/bench \
 && cp -r pipeline /release-tools
COPY --from=pages /app/services/frontend/page/dist /service/services/frontend/page/dist
COPY --from=pages /app/observatory/page/dist /observatory/observatory/page/dist

FROM scratch AS node
COPY --from=runtime /root-fs /
# MALLOC_ARENA_MAX as in stack/topology.ts: threads allocate from one heap.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/node-compile-cache \
    MALLOC_ARENA_MAX=1 \
    PATH=/usr/local/bin
USER 1000:1000

FROM node AS observatory
COPY --from=observatory-modules /modules /app
COPY --from=sources /observatory /app
WORKDIR /app/observatory
ENV OBSERVATORY_HOST=0.0.0.0 OBSERVATORY_PORT=8088 OBSERVATORY_OTLP_PORT=4318 OBSERVATORY_OTLP_GRPC_PORT=4317 OBSERVATORY_DATA_DIR=/data
EXPOSE 8088 4318 4317
VOLUME /data
ENTRYPOINT ["node", "main.ts"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.OBSERVATORY_PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="hotrod observatory" \
      org.opencontainers.image.description="Receives OpenTelemetry data, keeps it in DuckDB, shows it" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.version=${VERSION}

# Run once and done: nothing to ask for its health.
FROM node AS release-tools
COPY --from=sources /release-tools /app
WORKDIR /app
ENTRYPOINT ["node", "pipeline/release/main.ts"]
HEALTHCHECK NONE
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="hotrod release tools" \
      org.opencontainers.image.description="Marks, verifies and takes back releases of the HotROD demo suite" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.version=${VERSION}

FROM node AS service
COPY --from=service-modules /modules /app
COPY --from=sources /service /app
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
ENTRYPOINT ["node", "--max-semi-space-size=4", "--import", "../../packages/telemetry/register.ts", "main.ts"]
# Ready, not only alive: it can do its own part.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ARG REVISION=unknown
ARG VERSION=0.1.0
ARG SERVICE
LABEL org.opencontainers.image.title="hotrod ${SERVICE}" \
      org.opencontainers.image.description="A service of the HotROD demo suite" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.version=${VERSION}
WORKDIR /app/services/${SERVICE}
