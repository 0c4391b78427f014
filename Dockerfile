# The quick start of README.md in a container: `docker build -t marquee .`, then
# `docker run -it -v marquee:/data marquee`. It is also the environment of .devcontainer/.
FROM python:3.13.16-slim-bookworm@sha256:a1165e272e578941b84abc79e4ab38a0305cd12803a5c4247979ac7655f4d641 AS tools
RUN apt-get update \
  && apt-get install --yes --no-install-recommends git make \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --create-home --uid 1000 marquee \
  && install --directory --owner marquee /app /data
USER marquee

FROM tools
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1
COPY --chown=marquee . .
RUN make install
# The files with data, which stay when the container is replaced.
VOLUME /data
ENV MARQUEE_DUCKDB=/data/warehouse.duckdb MARQUEE_STATE_DUCKDB=/data/state.duckdb MARQUEE_DLT_DIR=/data/dlt
CMD ["make", "demo"]
