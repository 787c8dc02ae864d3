# syntax=docker/dockerfile:1

# Two images from one file: `docker build --target api .` without torch or Chroma, for `sekisho serve`,
# and `docker build --target worker .` with the embedded models, for `sekisho worker`.
# Compose builds both.

# --- the wheel, which carries migrations, policies and evals -----------------------------------------------
FROM python:3.11-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY server server
COPY migrations migrations
COPY policies policies
COPY evals evals
RUN --mount=type=cache,target=/root/.cache/pip \
    pip wheel --no-deps --wheel-dir /dist .

# --- what each door needs, in a virtual environment that is copied whole -----------------------------------
FROM wheel AS install
RUN python -m venv /opt/sekisho
ENV PATH=/opt/sekisho/bin:$PATH

# By file, never by name: an index must not be able to answer for us.
FROM install AS install-api
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install "sekisho[server] @ file://$(ls /dist/sekisho-*.whl)"

FROM install AS install-worker
# torch from PyPI brings several gigabytes for GPUs. Where the worker has none, point pip at an index of
# CPU builds: --build-arg PIP_EXTRA_INDEX_URL=…
ARG PIP_EXTRA_INDEX_URL=
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install "sekisho[worker] @ file://$(ls /dist/sekisho-*.whl)"

# --- the runtime: no compiler, no pip cache, no source, and nobody is root ---------------------------------
FROM python:3.11-slim AS runtime
# The id is fixed so that a volume, or a secret's file, can be given to it.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin sekisho \
    && install -d -o sekisho -g sekisho -m 0750 /data
ENV PATH=/opt/sekisho/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SEKISHO_DATA_DIR=/data \
    SEKISHO_LOG_FORMAT=json
WORKDIR /data
VOLUME /data
ENTRYPOINT ["sekisho"]

FROM runtime AS worker
COPY --from=install-worker /opt/sekisho /opt/sekisho
# The models come with the packages; a look-up on a hub would only wait for a time-out.
ENV HF_HUB_OFFLINE=1 \
    ANONYMIZED_TELEMETRY=False
USER 10001:10001
# A worker listens on nothing, so this asks the kernel: is the process there, and neither a zombie nor stopped?
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import pathlib, sys; alive = lambda d: b'/sekisho\\0worker' in (d / 'cmdline').read_bytes() and (d / 'stat').read_text().rpartition(')')[2].split()[0] not in 'ZTX'; sys.exit(not any(alive(d) for d in pathlib.Path('/proc').glob('[0-9]*')))"]
CMD ["worker"]

# Last, so that a plain `docker build .` gives the API.
FROM runtime AS api
# For checkpoints of the ledger that are pushed to a git repository.
RUN apt-get update && apt-get install --yes --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/*
COPY --from=install-api /opt/sekisho /opt/sekisho
ENV SEKISHO_HOST=0.0.0.0 \
    SEKISHO_PORT=8321
USER 10001:10001
EXPOSE 8321
# The slim image has no curl. /healthz says that this process lives; /readyz, which also asks its neighbours,
# would have it restarted for their faults.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['SEKISHO_PORT']}/healthz\", timeout=4)"]
CMD ["serve"]
