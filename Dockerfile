# syntax=docker/dockerfile:1

# Build:  docker build -t quadrift .
# torch's default wheels bring CUDA along. With --build-arg PIP_EXTRA_INDEX_URL=<PyTorch's index of CPU wheels>
# the image is about a quarter of the size.

FROM python:3.11-slim AS build

ARG PIP_EXTRA_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    HF_HUB_OFFLINE=1

RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

WORKDIR /src

# The dependencies first: this layer is made again only when they change.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt

# The package itself, as a wheel: no source is left in the image.
COPY README.md LICENSE ./
COPY worker worker
COPY binning binning
COPY baselines baselines
COPY alerts alerts
COPY config config
# The static encoder is built here once, so that a worker starts in a second and writes nothing to its disk.
RUN pip install --no-deps . \
    && HOME=/opt/quadrift quadrift encoder


FROM python:3.11-slim

LABEL org.opencontainers.image.title="quadrift" \
      org.opencontainers.image.description="Streaming drift detection for LLM agents" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN groupadd --gid 10001 quadrift \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin quadrift

COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/quadrift /opt/quadrift

# One thread for linear algebra and few arenas: the worker scales by processes, and memory stays where it is.
# hadolint takes the word TOKENIZERS for a secret
# hadolint ignore=DL3064
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    OMP_NUM_THREADS=1 \
    HF_HUB_OFFLINE=1 \
    TOKENIZERS_PARALLELISM=false \
    TORCHINDUCTOR_CACHE_DIR=/tmp/torchinductor \
    QUADRIFT__ENCODER__CACHE=/opt/quadrift/.cache/quadrift \
    QUADRIFT__HTTP__HOST=0.0.0.0 \
    QUADRIFT__LOG__FORMAT=json

USER 10001:10001
WORKDIR /tmp
EXPOSE 8321
STOPSIGNAL SIGTERM

# For compose; Kubernetes has probes of its own. The port follows the setting.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('QUADRIFT__HTTP__PORT') or 8321}/livez\", timeout=4)"]

ENTRYPOINT ["quadrift"]
CMD ["run"]
