# The first stage has compilers for what is native; the second has only what runs.
FROM node:24-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/swm
COPY . .
# The image brings Node itself, so ours is left out.
RUN npm ci --no-audit --no-fund && npm run -s build \
  && npm prune --omit=dev --ignore-scripts \
  && rm -rf node_modules/node-linux-* src test bench .cache

FROM node:24-slim
RUN apt-get update && apt-get install -y --no-install-recommends bash openssh-client \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --create-home --home-dir /var/lib/swm --shell /usr/sbin/nologin swm \
  && ln -s /opt/swm/bin/swm /usr/local/bin/swm
COPY --from=build /opt/swm /opt/swm
USER swm
WORKDIR /var/lib/swm
VOLUME /var/lib/swm
# 10001: the mesh of nodes. 8443: terminals.
EXPOSE 10001 8443
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["swm", "status", "--spool", "/var/lib/swm/spool"]
ENTRYPOINT ["swm"]
CMD ["start", "--spool", "/var/lib/swm/spool"]
