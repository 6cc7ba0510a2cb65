# The service and the phone simulator in one image without build tools: docker build -t ciba-service .
# Nothing is installed that the hashed locks do not list, and nothing is compiled or downloaded later.

ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN ["python", "-m", "venv", "/opt/build"]
RUN ["/opt/build/bin/pip", "install", "--only-binary", ":all:", "--require-hashes", "-r", "requirements/build.txt"]
RUN ["python", "-m", "venv", "/opt/ciba"]
RUN ["/opt/ciba/bin/pip", "install", "--only-binary", ":all:", "--require-hashes", "-r", "requirements/runtime.txt"]
COPY pyproject.toml README.md LICENSE ./
COPY ciba_service/ ciba_service/
COPY authenticator_sim/ authenticator_sim/
COPY ciba_client/ ciba_client/
RUN ["/opt/build/bin/pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "/wheels", "."]
RUN ["/opt/ciba/bin/pip", "install", "--no-deps", "--no-index", "--find-links", "/wheels", "ciba-service"]
RUN ["/opt/ciba/bin/pip", "check"]

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="ciba-service" \
      org.opencontainers.image.description="CIBA decoupled authentication with a mobile approval backend" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/ciba/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN ["groupadd", "--system", "--gid", "10001", "ciba"]
RUN ["useradd", "--system", "--uid", "10001", "--gid", "ciba", "--home-dir", "/var/lib/ciba", "--shell", "/usr/sbin/nologin", "ciba"]
# The only places that are written to; a named volume mounted here starts with this owner and mode.
RUN ["install", "-d", "-o", "ciba", "-g", "ciba", "-m", "0700", "/var/lib/ciba", "/var/lib/authenticator"]
COPY --from=build /opt/ciba /opt/ciba
WORKDIR /var/lib/ciba
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8080, timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["ciba-service"]
CMD ["serve", "--config", "/etc/ciba/ciba.toml"]
