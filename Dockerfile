# suwen on CPU, without torch: docker build -t suwen . (a mirror: --build-arg PIP_INDEX_URL=https://…/simple)
FROM python:3.13-slim AS build
ARG PIP_INDEX_URL=https://pypi.org/simple
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY LICENSES LICENSES
COPY src src
# hadolint ignore=DL3013
RUN python -m pip wheel --no-cache-dir --constraint constraints.txt --wheel-dir /wheels '.[serve,excel,parquet]'

FROM python:3.13-slim
# hadolint ignore=DL3013
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    python -m pip install --no-cache-dir --no-index --find-links /wheels 'suwen[serve,excel,parquet]' \
    && useradd --create-home --uid 10001 suwen
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["suwen"]
# Other computers may reach a container: the server wants a token in SUWEN_TOKEN (or --token-file), and TLS in front of it.
CMD ["serve", "--host", "0.0.0.0", "--behind-proxy", "--allowed-host", "suwen"]
