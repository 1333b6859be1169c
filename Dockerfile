# The hub for everybody, in a container: see docs/public.md.
FROM python:3.12-slim-bookworm AS build
# The address of PyTorch's index of packages for processors alone, as pytorch.org gives it; without it the image brings
# libraries for graphics cards, and is several times as large.
ARG TORCH_INDEX=""
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY hub hub
RUN python -m venv /opt/facezoo \
 && /opt/facezoo/bin/pip install --no-cache-dir -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} ".[hub,public,speech]"

FROM python:3.12-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends espeak-ng libgl1 libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin facezoo \
 && install -d -o facezoo -m 700 /data
COPY --from=build /opt/facezoo /opt/facezoo
ENV PATH=/opt/facezoo/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/data \
    FACEZOO_HOME=/data/facezoo \
    HF_HOME=/data/huggingface \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/readyz', timeout=4)"]
ENTRYPOINT ["facezoo"]
CMD ["demo", "--public", "--host", "0.0.0.0"]
