# Service, phone simulator and client in one image without build tools: docker build -t ciba-service .
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
ENV PATH=/opt/ciba/bin:$PATH HOME=/var/lib/ciba LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN ["groupadd", "--system", "--gid", "10001", "ciba"]
RUN ["useradd", "--system", "--uid", "10001", "--gid", "ciba", "--home-dir", "/var/lib/ciba", "--shell", "/usr/sbin/nologin", "ciba"]
# The only places that are written to; a named volume mounted here starts with this owner and mode.
RUN ["install", "-d", "-o", "ciba", "-g", "ciba", "-m", "0700", "/etc/ciba", "/var/lib/ciba", "/var/lib/ciba-keys", "/var/lib/tls", "/var/lib/authenticator", "/var/lib/playground"]
COPY --from=build /opt/ciba /opt/ciba
COPY deploy/healthcheck.py /opt/healthcheck.py
WORKDIR /var/lib/ciba
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "/opt/healthcheck.py"]
ENTRYPOINT ["ciba-service"]
CMD ["serve", "--config", "/etc/ciba/ciba.toml"]
